/* Which of several kinds of advice is the best. */
#include <check.h>
#include <stdlib.h>

#include "daemon/pipeline/report/alarm_advice.h"

static const struct {
    const char *what;
    uint32_t count, saved[3];
    double burden[3];
    uint32_t best;
} rows[] = {
    {"one alone", 1, {5}, {0.9}, 0},
    {"the least burden of equals", 3, {9, 9, 9}, {0.2, 0.01, 0.3}, 1},
    {"one that saves nearly as much for less", 3, {100, 80, 60}, {0.25, 0.003, 0}, 1},
    {"not one that saves much less", 2, {100, 79}, {0.9, 0}, 0},
    {"the first of those that are the same in all", 2, {4, 4}, {0, 0}, 0},
};

START_TEST(the_best_is_marked)
{
    struct advice items[3] = {{.kind = ADVICE_DEADBAND}};
    for (uint32_t i = 0; i < rows[_i].count; i++) {
        items[i].cost.saved = rows[_i].saved[i];
        items[i].burden = rows[_i].burden[i];
        items[i].best = true;
    }
    advice_mark_best(items, rows[_i].count);
    for (uint32_t i = 0; i < rows[_i].count; i++) {
        ck_assert_msg(items[i].best == (i == rows[_i].best), "%s", rows[_i].what);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("alarm_advice");
    TCase *tc = tcase_create("best");
    tcase_add_loop_test(tc, the_best_is_marked, 0, (int)ARRAY_LEN(rows));
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
