/* What the head of a request must be: tables of what browsers, scripts and attackers
 * send. */
#include <check.h>
#include <stdlib.h>

#include "daemon/base/err.h"
#include "daemon/web/guard.h"

#define MACHINE "gateway.example.org"

static const char *const names[] = {"plant.example.com", "Boiler-House"};

static const struct {
    const char *host; /* NULL: the header is absent. */
    bool ours;
} hosts[] = {
    {NULL, true},
    {"127.0.0.1", true},
    {"127.0.0.1:8080", true},
    {"192.168.7.20:8080", true},
    {"[::1]", true},
    {"[::1]:8080", true},
    {"[2001:db8::7]:443", true},
    {"localhost", true},
    {"LocalHost:8080", true},
    {"gateway", true},
    {"GATEWAY:8080", true},
    {"gateway.local", true},
    {"gateway.example.org:8080", true},
    {"plant.example.com", true},
    {"boiler-house:8080", true},
    /* A name that was made to point here. */
    {"evil.example", false},
    {"evil.example:8080", false},
    {"gateway.evil.example", false},
    {"gateway.local.evil.example", false},
    {"gateways", false},
    {"localhost.evil.example", false},
    {"127.0.0.1.evil.example", false},
    {"xplant.example.com", false},
    {"plant.example.com.evil.example", false},
    /* No address, whatever a lenient reader makes of it. */
    {"2130706433", false},
    {"0x7f.1", false},
    {"127.1", false},
    {"[::1", false},
    {"[]", false},
    {"[", false},
    {"::1", false},
    {"[::1]evil.example", false},
    {"[::1]:80x", false},
    {"[127.0.0.1]", false},
    {"[::1%25eth0]", false},
    {"", false},
    {":8080", false},
    {"localhost:80:90", false},
    {"localhost:80 evil.example", false},
    {"localhost ", false},
    {"localhost/", false},
    {"user@localhost", false},
    {"localhost\\", false},
    {"local\thost", false},
    {"localh\xc3\xb6st", false},
};

START_TEST(only_our_own_names_and_addresses_are_answered)
{
    ck_assert_msg(guard_host_is_ours(hosts[_i].host, MACHINE, names,
                                     ARRAY_LEN(names)) == hosts[_i].ours,
                  "%s", hosts[_i].host);
}
END_TEST

START_TEST(a_machine_without_a_name_is_not_everybody)
{
    ck_assert(!guard_host_is_ours("evil.example", "", NULL, 0));
    ck_assert(!guard_host_is_ours(".local", "", NULL, 0));
    ck_assert(guard_host_is_ours("127.0.0.1", "", NULL, 0));
}
END_TEST

START_TEST(a_host_that_does_not_fit_is_none)
{
    char out[10];
    ck_assert(guard_host(out, sizeof out, "NineBytes:80"));
    ck_assert_str_eq(out, "ninebytes");
    ck_assert(!guard_host(out, sizeof out, "ten.bytes.:80"));
    ck_assert(!guard_host(out, 0, "a"));
}
END_TEST

static const struct {
    const char *what, *origin, *host, *fetch_site;
    bool tls, ours;
} origins[] = {
    {"no browser", NULL, "a:80", NULL, false, true},
    {"no browser, HTTP/1.0", NULL, NULL, NULL, false, true},
    {"our page", "http://a:8080", "a:8080", "same-origin", false, true},
    {"our page, an older browser", "http://a:8080", "a:8080", NULL, false, true},
    {"our page by TLS", "https://a", "a", "same-origin", true, true},
    {"letters are alike", "HTTP://A:8080", "a:8080", NULL, false, true},
    {"typed in by a person", NULL, "a:80", "none", false, true},
    {"a proxy that ends TLS", "https://a", "a", "same-origin", false, true},
    {"another page", "http://evil.example", "a:8080", NULL, false, false},
    {"another port is another origin", "http://a:81", "a:8080", NULL, false, false},
    {"plain text is not TLS", "http://a", "a", NULL, true, false},
    {"a sandbox", "null", "a", NULL, false, false},
    {"empty", "", "a", NULL, false, false},
    {"a scheme alone", "http://", "a", NULL, false, false},
    {"another scheme", "file://a", "a", NULL, false, false},
    {"a name that begins like ours", "http://a.evil.example", "a", NULL, false, false},
    {"somebody before us", "http://evil.example@a", "a", NULL, false, false},
    {"an origin without a Host", "http://a", NULL, NULL, false, false},
    {"another site, no Origin", NULL, "a", "cross-site", false, false},
    {"a sister site", NULL, "a", "same-site", false, false},
    {"another site that lies", "http://a", "a", "cross-site", false, false},
    {"an unknown word", NULL, "a", "", false, false},
};

START_TEST(what_changes_something_comes_from_our_page)
{
    ck_assert_msg(guard_origin_is_ours(origins[_i].origin, origins[_i].host,
                                       origins[_i].fetch_site,
                                       origins[_i].tls) == origins[_i].ours,
                  "%s", origins[_i].what);
}
END_TEST

static const struct {
    const char *uri;
    bool good;
} paths[] = {
    {"/", true},
    {"/api/v1/alarms?limit=3", true},
    {"/devices/%E6%B3%B5", true},
    {"/a%0", true},
    {"/a%", true},
    {"", false},
    {"api", false},
    {"http://evil.example/", false},
    {"*", false},
    {"/a%00", false},
    {"/%00/b", false},
    {"/a\nb", false},
    {"/a\x7f", false},
    {"/\x01", false},
};

START_TEST(a_path_holds_nothing_hidden)
{
    ck_assert_msg(guard_path(paths[_i].uri) == paths[_i].good, "%s", paths[_i].uri);
}
END_TEST

static const struct {
    const char *accept;
    bool gzip;
} encodings[] = {
    {NULL, false},
    {"", false},
    {"gzip", true},
    {"GZIP", true},
    {"gzip, deflate, br", true},
    {"deflate , gzip;q=0.5", true},
    {"*", true},
    {"br;q=1.0, *;q=0.1", true},
    {"identity", false},
    {"gzip;q=0", false},
    {"gzip; q=0.000", false},
    {"*;q=0", false},
    {"gzipx", false},
    {"x-gzip", false},
    {"deflate;q=gzip", false},
    {",,,", false},
    /* What is named counts more than the rest. */
    {"*;q=0, gzip", true},
    {"*, gzip;q=0", false},
};

START_TEST(gzip_is_sent_to_who_takes_it)
{
    ck_assert_msg(guard_takes_gzip(encodings[_i].accept) == encodings[_i].gzip, "%s",
                  encodings[_i].accept);
}
END_TEST

static const struct {
    const char *list;
    bool there;
} tags[] = {
    {NULL, false},          {"", false},       {"\"abc\"", true},
    {"W/\"abc\"", true},    {"*", true},       {"\"x\", \"abc\"", true},
    {"\"x\",\"y\"", false}, {"abc", false},    {"\"abc", false},
    {"\"abcd\"", false},    {"\"ab\"", false}, {"w/\"abc\"", false},
};

START_TEST(an_entity_tag_is_found_whole)
{
    ck_assert_msg(guard_has_tag(tags[_i].list, "\"abc\"") == tags[_i].there, "%s",
                  tags[_i].list);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("guard");
    TCase *tc = tcase_create("guard");
    tcase_add_loop_test(tc, only_our_own_names_and_addresses_are_answered, 0,
                        (int)ARRAY_LEN(hosts));
    tcase_add_test(tc, a_machine_without_a_name_is_not_everybody);
    tcase_add_test(tc, a_host_that_does_not_fit_is_none);
    tcase_add_loop_test(tc, what_changes_something_comes_from_our_page, 0,
                        (int)ARRAY_LEN(origins));
    tcase_add_loop_test(tc, a_path_holds_nothing_hidden, 0, (int)ARRAY_LEN(paths));
    tcase_add_loop_test(tc, gzip_is_sent_to_who_takes_it, 0, (int)ARRAY_LEN(encodings));
    tcase_add_loop_test(tc, an_entity_tag_is_found_whole, 0, (int)ARRAY_LEN(tags));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
