/* A site with errors in its files still has its rules checked, and nothing is said that
 * only follows from another error. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pipeline/check.h"

static const struct {
    const char *what;
    const char *yaml;
    const char *expected; /* The lines, without warnings and the file's name. */
} rows[] = {
    {"a right site has nothing to say",
     "site: {id: a, name: A, timezone: UTC}\n"
     "devices:\n"
     "  - {id: p, type: pump, points: {t: {unit: °C}}}\n"
     "rules:\n"
     "  - {id: hot, when: t > 80 °C, severity: info, cause: c, consequence: d, action: "
     "e}\n",
     ""},
    {"a point that logs feed is a condition, a number, or both",
     "site: {id: a, name: A, timezone: UTC}\n"
     "devices:\n"
     "  - {id: p, type: pump, points: {t: {unit: °C}, running: {}, level: {}}}\n"
     "rules:\n"
     "  - {id: hot, while: running and level > 3, when: t > 80 °C and not running, "
     "severity: info, cause: c, consequence: d, action: e}\n",
     ""},
    {"an error of the files does not hide one of the rules",
     "site: {id: a, name: A, timezone: UTC, nam: B}\n"
     "devices:\n"
     "  - {id: p, type: pump, points: {t: {unit: °C}}}\n"
     "rules:\n"
     "  - {id: hot, when: t > 80 mm, severity: info, cause: c, consequence: d, action: "
     "e}\n"
     "  - {id: avg, when: \"avg(t, 5) > 8\", severity: info, cause: c, consequence: "
     "d, "
     "action: e}\n",
     "1:39 5:25 6:29"},
    {"a rule on a broken point, or on a device that is left out, is not reported again",
     "site: {id: a, name: A, timezone: UTC}\n"
     "devices:\n"
     "  - {id: p, type: pump, points: {t: {unit: °C, range: 3}}}\n"
     "rules:\n"
     "  - {id: hot, when: t > 80 mm, severity: info, cause: c, consequence: d, action: "
     "e}\n"
     "  - {id: q, applies_to: {id: p}, when: t > gone.x, severity: info, cause: c, "
     "consequence: d, action: e}\n",
     "3:55"},
};

START_TEST(test_rows)
{
    char path[] = "/tmp/ck-check-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    size_t size = strlen(rows[_i].yaml);
    ck_assert_int_eq(write(fd, rows[_i].yaml, size), (ssize_t)size);
    close(fd);
    struct diags diags;
    diags_init(&diags);
    struct rules_counts counts = {0};
    struct site *site = check_site(path, &diags, &counts);
    char places[256] = "";
    for (size_t i = 0; i < diags.count; i++) {
        if (diags.items[i].level == DIAG_ERROR) {
            size_t used = strlen(places);
            snprintf(places + used, sizeof places - used, "%s%u:%u",
                     used > 0 ? " " : "", diags.items[i].line, diags.items[i].column);
        }
    }
    diags_print(&diags, stderr);
    ck_assert_str_eq(places, rows[_i].expected);
    ck_assert_int_eq(site != NULL, rows[_i].expected[0] == '\0');
    ck_assert_uint_eq(counts.instances, site != NULL ? 1 : 0);
    site_free(site);
    diags_fini(&diags);
    unlink(path);
}
END_TEST

#define BUS_SITE                                                                       \
    "site: {id: a, name: A, timezone: UTC}\n"                                          \
    "buses: [{id: line, tcp: 192.0.2.1}]\n"
#define BUS_DEVICE                                                                     \
    "devices:\n"                                                                       \
    "  - {id: p, type: pump, bus: line, unit: 1, points: {t: {register: input 0}}}\n"
#define BUS_RULE(keys)                                                                 \
    "rules:\n"                                                                         \
    "  - {id: r, severity: info, cause: c, consequence: d, action: e, " keys "}\n"

static const struct {
    const char *what;
    const char *yaml;
    bool warned;
} buses[] = {
    {"no rule at all", BUS_SITE BUS_DEVICE, true},
    {"a rule of the device is silent with it",
     BUS_SITE BUS_DEVICE BUS_RULE("applies_to: {type: pump}, when: not online"), true},
    {"a rule of the bus on something else",
     BUS_SITE BUS_DEVICE BUS_RULE("applies_to: {type: bus}, when: late > 3 %"), true},
    {"a rule that counts tells of the third loss",
     BUS_SITE BUS_DEVICE BUS_RULE(
         "applies_to: {type: bus}, when: \"count(not online, 1h) >= 3\""),
     true},
    {"a rule that is switched off",
     BUS_SITE BUS_DEVICE BUS_RULE(
         "applies_to: {type: bus}, when: not online, enabled: false"),
     true},
    {"a rule for the loss",
     BUS_SITE BUS_DEVICE BUS_RULE("applies_to: {type: bus}, when: not online"), false},
    {"a loss that has lasted",
     BUS_SITE BUS_DEVICE BUS_RULE(
         "applies_to: {id: line}, when: held(not online) > 1m"),
     false},
    {"nobody is on it", BUS_SITE, false},
};

START_TEST(a_bus_whose_loss_nobody_is_told_of_is_a_warning)
{
    char path[] = "/tmp/ck-check-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    size_t size = strlen(buses[_i].yaml);
    ck_assert_int_eq(write(fd, buses[_i].yaml, size), (ssize_t)size);
    close(fd);
    struct diags diags;
    diags_init(&diags);
    struct site *site = check_site(path, &diags, NULL);
    bool warned = false;
    for (size_t i = 0; i < diags.count; i++) {
        ck_assert_int_eq(diags.items[i].level, DIAG_WARNING);
        if (strstr(diags.items[i].text, "no rule tells when it is lost") != NULL) {
            warned = true;
            ck_assert_uint_eq(diags.items[i].line, 2);
        }
    }
    diags_print(&diags, stderr);
    ck_assert_msg(site != NULL && warned == buses[_i].warned, "%s", buses[_i].what);
    site_free(site);
    diags_fini(&diags);
    unlink(path);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("check");
    TCase *tc = tcase_create("check");
    tcase_add_loop_test(tc, test_rows, 0, (int)ARRAY_LEN(rows));
    tcase_add_loop_test(tc, a_bus_whose_loss_nobody_is_told_of_is_a_warning, 0,
                        (int)ARRAY_LEN(buses));
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
