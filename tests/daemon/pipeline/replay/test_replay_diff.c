#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/replay/replay_diff.h"

static const int64_t start_ms = 1772323200000; /* 2026-03-01T00:00:00Z */

struct fixture {
    struct replay_alarms *base, *other;
    char *text;
    size_t size;
    struct replay_diff diff;
};

static struct fixture f;

static void
set_up(void)
{
    memset(&f, 0, sizeof f);
    f.base = replay_alarms_new();
    f.other = replay_alarms_new();
    ck_assert_ptr_nonnull(f.base);
    ck_assert_ptr_nonnull(f.other);
}

static void
tear_down(void)
{
    replay_alarms_free(f.base);
    replay_alarms_free(f.other);
    replay_diff_fini(&f.diff);
    free(f.text);
}

static void
tell(struct replay_alarms *a,
     enum event_kind kind,
     int at_s,
     const char *device,
     const char *rule,
     enum severity severity)
{
    struct event e = {.t_ms = start_ms + at_s * INT64_C(1000),
                      .kind = kind,
                      .device = device,
                      .rule = rule,
                      .severity = severity};
    replay_alarms_event(a, &e);
}

/* Stands from `from_s` to `to_s`; negative: to the end. */
static void
stand(
    struct replay_alarms *a, const char *device, const char *rule, int from_s, int to_s)
{
    tell(a, EVENT_ALARM_RAISED, from_s, device, rule, SEVERITY_NORMAL);
    if (to_s >= 0) {
        tell(a, EVENT_ALARM_CLEARED, to_s, device, rule, SEVERITY_NORMAL);
    }
}

static const char *
print(enum replay_format format)
{
    struct err err;
    FILE *out = open_memstream(&f.text, &f.size);
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(replay_diff_print(f.base, f.other, format, out, &f.diff, &err), 0);
    fclose(out);
    return f.text;
}

static void
check_counts(unsigned same, unsigned gained, unsigned lost, unsigned moved)
{
    ck_assert_uint_eq(f.diff.all.same, same);
    ck_assert_uint_eq(f.diff.all.gained, gained);
    ck_assert_uint_eq(f.diff.all.lost, lost);
    ck_assert_uint_eq(f.diff.all.moved, moved);
}

START_TEST(the_same_alarms_are_no_difference)
{
    stand(f.base, "pump-1", "hot", 10, 20);
    stand(f.base, "pump-2", "hot", 12, -1);
    stand(f.other, "pump-2", "hot", 12, -1);
    stand(f.other, "pump-1", "hot", 10, 20);
    ck_assert_str_eq(print(REPLAY_JSONL), "");
    check_counts(2, 0, 0, 0);
}
END_TEST

START_TEST(gained_lost_and_moved_stand_in_order_of_time)
{
    stand(f.base, "pump-1", "hot", 10, 20); /* Lost. */
    stand(f.base, "pump-1", "hot", 40, 50); /* Moved: 42 to 50. */
    stand(f.base, "pump-1", "hot", 70, -1); /* Moved: clears. */
    stand(f.other, "pump-1", "hot", 42, 50);
    stand(f.other, "pump-1", "hot", 70, 90);
    stand(f.other, "pump-0", "dry", 15, 16); /* Gained. */
    ck_assert_str_eq(
        print(REPLAY_JSONL),
        "{\"t\":\"2026-03-01T00:00:10.000Z\",\"diff\":\"lost\",\"device\":\"pump-1\","
        "\"rule\":\"hot\",\"severity\":\"normal\","
        "\"raised_at\":\"2026-03-01T00:00:10.000Z\","
        "\"cleared_at\":\"2026-03-01T00:00:20.000Z\"}\n"
        "{\"t\":\"2026-03-01T00:00:15.000Z\",\"diff\":\"gained\",\"device\":\"pump-0\","
        "\"rule\":\"dry\",\"severity\":\"normal\","
        "\"raised_at\":\"2026-03-01T00:00:15.000Z\","
        "\"cleared_at\":\"2026-03-01T00:00:16.000Z\"}\n"
        "{\"t\":\"2026-03-01T00:00:40.000Z\",\"diff\":\"moved\",\"device\":\"pump-1\","
        "\"rule\":\"hot\",\"severity\":\"normal\","
        "\"raised_at\":\"2026-03-01T00:00:40.000Z\","
        "\"cleared_at\":\"2026-03-01T00:00:50.000Z\",\"other\":{"
        "\"severity\":\"normal\",\"raised_at\":\"2026-03-01T00:00:42.000Z\","
        "\"cleared_at\":\"2026-03-01T00:00:50.000Z\"}}\n"
        "{\"t\":\"2026-03-01T00:01:10.000Z\",\"diff\":\"moved\",\"device\":\"pump-1\","
        "\"rule\":\"hot\",\"severity\":\"normal\","
        "\"raised_at\":\"2026-03-01T00:01:10.000Z\",\"cleared_at\":null,\"other\":{"
        "\"severity\":\"normal\",\"raised_at\":\"2026-03-01T00:01:10.000Z\","
        "\"cleared_at\":\"2026-03-01T00:01:30.000Z\"}}\n");
    check_counts(0, 1, 1, 2);
}
END_TEST

START_TEST(as_json_what_is_the_same_is_told_too)
{
    struct strbuf out = {0};
    struct err err;
    size_t left_out = 7;
    stand(f.base, "pump-1", "hot", 10, 20);
    stand(f.other, "pump-1", "hot", 10, 20);
    stand(f.other, "pump-2", "hot", 30, -1);
    ck_assert_int_eq(
        replay_diff_json(f.base, f.other, 10, &out, &left_out, &f.diff, &err), 0);
    ck_assert_uint_eq(left_out, 0);
    ck_assert_ptr_nonnull(strstr(out.text, "[{\"t\":\"2026-03-01T00:00:10.000Z\","
                                           "\"diff\":\"same\",\"device\":\"pump-1\""));
    ck_assert_ptr_nonnull(strstr(out.text, "},{\"t\":\"2026-03-01T00:00:30.000Z\","
                                           "\"diff\":\"gained\""));
    check_counts(1, 1, 0, 0);
    ck_assert_uint_eq(f.diff.total_count, 2);
    replay_diff_fini(&f.diff);
    strbuf_clear(&out);
    ck_assert_int_eq(
        replay_diff_json(f.base, f.other, 1, &out, &left_out, &f.diff, &err), 0);
    ck_assert_uint_eq(left_out, 1); /* The older one. */
    ck_assert_ptr_null(strstr(out.text, "same"));
    check_counts(1, 1, 0, 0);
    strbuf_fini(&out);
}
END_TEST

START_TEST(each_device_and_rule_that_differs_has_its_total)
{
    static const char *const want[] = {"pump-1 dry 0 1 0 0", "pump-1 hot 1 0 1 2",
                                       "pump-3 hot 0 0 1 0"};
    char got[2 * ID_BYTES_MAX + 64];
    stand(f.base, "pump-3", "hot", 5, 6); /* Lost. */
    stand(f.base, "pump-2", "hot", 5, 6); /* The same. */
    stand(f.other, "pump-2", "hot", 5, 6);
    stand(f.other, "pump-1", "dry", 5, 6);  /* Gained. */
    stand(f.base, "pump-1", "hot", 10, 20); /* Lost, the same, moved, moved. */
    stand(f.base, "pump-1", "hot", 30, 31);
    stand(f.base, "pump-1", "hot", 40, 50);
    stand(f.base, "pump-1", "hot", 70, -1);
    stand(f.other, "pump-1", "hot", 30, 31);
    stand(f.other, "pump-1", "hot", 42, 50);
    stand(f.other, "pump-1", "hot", 70, 90);
    stand(f.base, "pump-4", "hot", 5, -1); /* The same. */
    stand(f.other, "pump-4", "hot", 5, -1);
    print(REPLAY_TEXT);
    check_counts(3, 1, 2, 2);
    ck_assert_uint_eq(f.diff.total_count, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const struct replay_diff_total *t = &f.diff.totals[i];
        snprintf(got, sizeof got, "%s %s %u %u %u %u", t->device, t->rule,
                 (unsigned)t->counts.same, (unsigned)t->counts.gained,
                 (unsigned)t->counts.lost, (unsigned)t->counts.moved);
        ck_assert_str_eq(got, want[i]);
    }
}
END_TEST

START_TEST(another_severity_is_a_difference)
{
    tell(f.base, EVENT_ALARM_RAISED, 1, "d", "r", SEVERITY_NORMAL);
    tell(f.base, EVENT_ALARM_CHANGED, 5, "d", "r", SEVERITY_CRITICAL);
    tell(f.base, EVENT_ALARM_CHANGED, 7, "d", "r", SEVERITY_NORMAL);
    stand(f.other, "d", "r", 1, -1);
    ck_assert_ptr_nonnull(strstr(print(REPLAY_TEXT), "d/r, critical, now normal"));
    check_counts(0, 0, 0, 1);
}
END_TEST

START_TEST(text_says_by_how_much)
{
    stand(f.base, "d", "r", 10, 60);
    stand(f.other, "d", "r", 22, 57);
    const char *text = print(REPLAY_TEXT);
    ck_assert_ptr_nonnull(strstr(text, "moved   d/r, normal, raised 12s later, "
                                       "cleared 3s earlier"));
}
END_TEST

/* One long alarm where there were two: the first is moved, the second lost. */
START_TEST(one_for_two_is_one_moved_and_one_lost)
{
    stand(f.base, "d", "r", 10, 20);
    stand(f.base, "d", "r", 30, 40);
    stand(f.other, "d", "r", 10, 40);
    (void)print(REPLAY_TEXT);
    check_counts(0, 0, 1, 1);
}
END_TEST

START_TEST(many_alarms_are_paired)
{
    for (int i = 0; i < 3000; i++) {
        stand(f.base, "d", i % 2 == 0 ? "a" : "b", 10 * i, 10 * i + 5);
        if (i % 3 != 0) {
            stand(f.other, "d", i % 2 == 0 ? "a" : "b", 10 * i, 10 * i + 5);
        }
    }
    (void)print(REPLAY_JSONL);
    check_counts(2000, 0, 1000, 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("replay_diff");
    TCase *tc = tcase_create("diff");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_same_alarms_are_no_difference);
    tcase_add_test(tc, gained_lost_and_moved_stand_in_order_of_time);
    tcase_add_test(tc, each_device_and_rule_that_differs_has_its_total);
    tcase_add_test(tc, as_json_what_is_the_same_is_told_too);
    tcase_add_test(tc, another_severity_is_a_difference);
    tcase_add_test(tc, text_says_by_how_much);
    tcase_add_test(tc, one_for_two_is_one_moved_and_one_lost);
    tcase_add_test(tc, many_alarms_are_paired);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
