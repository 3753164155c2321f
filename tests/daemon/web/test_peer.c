/* Who is behind proxies, by what they say; and that nobody else is believed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/web/peer.h"
#include "daemon/web/web.h"

static char here[] = "127.0.0.1";
static char there[] = "2001:db8::1";
static char *const proxies[] = {here, there};

static const struct {
    const char *name, *peer, *values[3], *asks;
} chains[] = {
    {"nobody says anything", "127.0.0.1", {0}, "127.0.0.1"},
    {"the proxy says who", "127.0.0.1", {"192.0.2.7"}, "192.0.2.7"},
    {"by IPv6", "127.0.0.1", {"2001:db8:7::9"}, "[2001:db8:7::9]"},
    {"with a port", "127.0.0.1", {"192.0.2.7:4711"}, "192.0.2.7"},
    {"in brackets with a port",
     "127.0.0.1",
     {"[2001:db8:7::9]:4711"},
     "[2001:db8:7::9]"},
    {"who is no proxy is not believed", "192.0.2.66", {"192.0.2.7"}, "192.0.2.66"},
    {"what the client made up stands before it",
     "127.0.0.1",
     {"198.51.100.1, 192.0.2.7"},
     "192.0.2.7"},
    {"also in a header of its own",
     "127.0.0.1",
     {"198.51.100.1", "192.0.2.7"},
     "192.0.2.7"},
    {"even as one of the proxies", "127.0.0.1", {"127.0.0.1, 192.0.2.7"}, "192.0.2.7"},
    {"two proxies",
     "127.0.0.1",
     {"198.51.100.1, 192.0.2.7,\t2001:db8::1 "},
     "192.0.2.7"},
    {"two proxies, a header each",
     "[2001:db8::1]",
     {"192.0.2.7", "127.0.0.1"},
     "192.0.2.7"},
    {"only proxies", "127.0.0.1", {"2001:db8::1"}, "[2001:db8::1]"},
    {"what is no address is nobody", "127.0.0.1", {"192.0.2.7, unknown"}, "127.0.0.1"},
    {"nor is a long text",
     "127.0.0.1",
     {"192.0.2.7, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
     "127.0.0.1"},
    {"nothing but blanks", "127.0.0.1", {" , ,"}, "127.0.0.1"},
    {"an empty one behind", "127.0.0.1", {"192.0.2.7", ""}, "192.0.2.7"},
    {"one address in two clothes",
     "::ffff:127.0.0.1",
     {"::ffff:192.0.2.7"},
     "192.0.2.7"},
};

START_TEST(only_what_proxies_added_is_believed)
{
    char peer[WEB_REMOTE_BYTES];
    uint32_t count = 0;
    while (count < ARRAY_LEN(chains[_i].values) && chains[_i].values[count] != NULL) {
        count++;
    }
    (void)snprintf(peer, sizeof peer, "%s", chains[_i].peer);
    peer_look_through(peer, sizeof peer, chains[_i].values, count, proxies,
                      ARRAY_LEN(proxies));
    ck_assert_msg(strcmp(peer, chains[_i].asks) == 0, "%s: %s", chains[_i].name, peer);
    (void)snprintf(peer, sizeof peer, "%s", chains[_i].peer);
    peer_look_through(peer, sizeof peer, chains[_i].values, count, NULL, 0);
    ck_assert_str_eq(peer, chains[_i].peer);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("peer");
    TCase *tc = tcase_create("peer");
    tcase_add_loop_test(tc, only_what_proxies_added_is_believed, 0,
                        (int)ARRAY_LEN(chains));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
