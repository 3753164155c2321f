#include <check.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/base/timerq.h"

#define TIMERS 40

struct naive {
    bool set;
    int64_t due_ms;
    uint8_t class;
};

static bool
naive_first(const struct naive *timers, uint32_t *out)
{
    bool found = false;
    for (uint32_t i = 0; i < TIMERS; i++) {
        const struct naive *t = &timers[i];
        const struct naive *best = &timers[*out];
        if (t->set && (!found || t->due_ms < best->due_ms ||
                       (t->due_ms == best->due_ms && t->class < best->class))) {
            *out = i;
            found = true;
        }
    }
    return found;
}

START_TEST(it_agrees_with_a_plain_table)
{
    struct naive timers[TIMERS] = {0};
    struct timerq *q = timerq_new(TIMERS);
    uint32_t seed = (uint32_t)_i + 1;
    for (int i = 0; i < 4000; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t id = (seed >> 8) % TIMERS;
        switch ((seed >> 16) % 5) {
        case 0:
            timerq_cancel(q, id);
            timers[id].set = false;
            break;
        case 1:
            timerq_shift(q, (int64_t)(seed % 7) - 3);
            for (uint32_t k = 0; k < TIMERS; k++) {
                timers[k].due_ms += (int64_t)(seed % 7) - 3;
            }
            break;
        default: /* Few due times and classes, so that ties are common. */
            timers[id] =
                (struct naive){true, (seed >> 20) % 9, (uint8_t)((seed >> 26) % 3)};
            timerq_set(q, id, timers[id].due_ms, timers[id].class);
            break;
        }
        uint32_t want = 0;
        bool any = naive_first(timers, &want);
        uint32_t got = 0;
        int64_t due_ms = 0;
        uint8_t class = 0;
        ck_assert(timerq_first(q, &got, &due_ms, &class) == any);
        ck_assert_int_eq(timerq_due(q), any ? timers[want].due_ms : INSTANT_MAX);
        if (any) {
            ck_assert_uint_eq(got, want);
            ck_assert_int_eq(due_ms, timers[want].due_ms);
            ck_assert_uint_eq(class, timers[want].class);
        }
        ck_assert(timerq_is_set(q, id) == timers[id].set);
        ck_assert_int_eq(timerq_due_of(q, id),
                         timers[id].set ? timers[id].due_ms : INSTANT_MAX);
    }
    timerq_free(q);
}
END_TEST

START_TEST(an_empty_one_is_never_due)
{
    struct timerq *q = timerq_new(0);
    uint32_t id = 0;
    int64_t due_ms = 0;
    uint8_t class = 0;
    ck_assert(!timerq_first(q, &id, &due_ms, &class));
    ck_assert_int_eq(timerq_due(q), INSTANT_MAX);
    timerq_free(q);
    timerq_free(NULL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("timerq");
    TCase *tc = tcase_create("timers");
    tcase_add_loop_test(tc, it_agrees_with_a_plain_table, 0, 20);
    tcase_add_test(tc, an_empty_one_is_never_due);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
