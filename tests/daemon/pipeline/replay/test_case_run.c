/* A case passes when each expectation has its event, and the same one written twice has
 * two. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/replay/replay.h"
#include "tests/daemon/store/scratch.h"

/* A fault at 18:14:30 in Shanghai, and another at 18:16:30. */
static const char SITE[] =
    "site: {id: a, timezone: Asia/Shanghai}\n"
    "data: none\n"
    "devices: [{id: lift-1, stale_after: 10m, points: {fault: {type: bool}}}]\n"
    "rules:\n"
    "  - {id: lift-fault, when: fault, severity: urgent, cause: a, consequence: b,\n"
    "     action: c}\n";
static const char SAMPLES[] = "site: site.yaml\n"
                              "samples:\n"
                              "  - [2026-03-01 18:14:00, lift-1.fault, false]\n"
                              "  - [2026-03-01 18:14:30, lift-1.fault, true]\n"
                              "  - [2026-03-01 18:15:30, lift-1.fault, false]\n"
                              "  - [2026-03-01 18:16:30, lift-1.fault, true]\n";

static const struct {
    const char *title;
    bool passes;
    const char *expect;
} cases[] = {
    {"a moment may be a time of day, an age or an instant with and without zone", true,
     "  - {at: 18:14:30, event: alarm.raised, device: lift-1}\n"
     "  - {at: +30s, event: alarm.raised, rule: lift-fault}\n"
     "  - {at: 2026-03-01T10:14:30Z, event: alarm.raised}\n"
     "  - {at: 2026-03-01 18:14:30, event: alarm.raised}\n"
     "  - {at: 2026-03-01 18:14, within: 30s, event: alarm.raised}\n"},
    {"another moment is not meant", false, "  - {at: 10:14:30, event: alarm.raised}\n"},
    {"the same expectation twice wants two events", true,
     "  - {event: alarm.raised}\n  - {event: alarm.raised}\n"},
    {"and three times three", false,
     "  - {event: alarm.raised}\n  - {event: alarm.raised}\n"
     "  - {event: alarm.raised}\n"},
    {"twice at one moment when one came", false,
     "  - {at: +30s, event: alarm.raised}\n  - {at: +30s, event: alarm.raised}\n"},
    {"value and episode are those of the event", true,
     "  - {event: alarm.raised, episode: 2, value: 1}\n"
     "  - {never: alarm.raised, value: 0}\n"},
    {"another value is not meant", false, "  - {event: alarm.raised, value: 2}\n"},
    {"another episode is not meant", false, "  - {event: alarm.raised, episode: 3}\n"},
    {"what came is never", false, "  - {never: alarm.raised}\n"},
    {"never may be of a moment", true, "  - {never: alarm.raised, at: +90s}\n"},
};

/* The same lift, with somebody who works and somebody who is told. */
static const char WORK_SITE[] =
    "site: {id: a, timezone: Asia/Shanghai}\n"
    "data: none\n"
    "devices: [{id: lift-1, stale_after: 10m, points: {fault: {type: bool}}}]\n"
    "people: [{id: li, name: Li}, {id: chief, name: Chief},\n"
    "         {id: chen, role: boss}, {id: zhao, role: boss}]\n"
    "teams:\n"
    "  - {id: lifts, members: [li],\n"
    "     escalate: [{after: 5s, to: chief}, {after: 10s, to: boss}]}\n"
    "priorities: {urgent: {respond: 20s, resolve: 2h}}\n"
    "rules:\n"
    "  - {id: lift-fault, when: fault, severity: urgent, cause: a, consequence: b,\n"
    "     action: c, ticket: {team: lifts, category: door}}\n";
static const char WORK[] =
    "commands:\n"
    "  - {at: +55s, do: ticket.take, ticket: 1, by: li}\n"
    "  - {at: +60s, do: ticket.wait, ticket: 1, pause: parts, by: li}\n"
    "  - {at: +95s, do: ticket.resolve, ticket: 1, cause: wear, minutes: 40,\n"
    "     cost: 12.50, by: li}\n";

static const struct {
    bool passes;
    const char *expect;
} worked[] = {
    {true, "  - {at: +55s, event: ticket.assigned, assignee: li, by: li}\n"
           "  - {at: +35s, event: ticket.escalated, level: 1, to: chief}\n"
           "  - {at: +40s, event: ticket.escalated, level: 2, to: chen}\n"
           "  - {at: +40s, event: ticket.escalated, level: 2, to: zhao}\n"
           "  - {at: +46s, event: ticket.warned, deadline: respond, priority: urgent}\n"
           "  - {at: +60s, event: ticket.waiting, pause: parts}\n"
           "  - {at: +95s, event: ticket.resolved, cause: wear, minutes: 40,\n"
           "     cost: 12.50}\n"
           "  - {at: +95s, event: ticket.watched, proof: watching}\n"
           "  - {at: +150s, event: ticket.reopened, assignee: li, value: 1}\n"
           "  - {never: ticket.assigned, assignee: chief}\n"
           "  - {never: ticket.escalated, level: 3}\n"
           "  - {never: ticket.resolved, cause: leak}\n"},
    {false, "  - {event: ticket.assigned, assignee: chief}\n"},
    {false, "  - {event: ticket.assigned, by: chief}\n"},
    {false, "  - {event: ticket.escalated, level: 3}\n"},
    {false, "  - {event: ticket.escalated, to: li}\n"},
    {false, "  - {event: ticket.warned, deadline: resolve}\n"},
    {false, "  - {event: ticket.warned, priority: critical}\n"},
    {false, "  - {event: ticket.waiting, pause: contractor}\n"},
    {false, "  - {event: ticket.watched, proof: not-running}\n"},
    {false, "  - {event: ticket.resolved, cause: leak}\n"},
    {false, "  - {event: ticket.resolved, minutes: 41}\n"},
    {false, "  - {event: ticket.resolved, cost: 12.51}\n"},
    {false, "  - {event: ticket.changed, team: lifts}\n"},
    {false, "  - {event: ticket.opened, category: seal}\n"},
    {false, "  - {event: ticket.ticked, step: 1}\n"},
    {false, "  - {event: ticket.rated, rating: 5}\n"},
    /* The same but for one word: each has its event, or has none. */
    {false, "  - {event: ticket.waiting, by: li}\n"
            "  - {event: ticket.waiting, by: li}\n"},
    {true, "  - {event: ticket.waiting, by: li}\n"
           "  - {event: ticket.waiting, pause: parts}\n"},
};

static void
write_file(const char *path, const char *a, const char *b, const char *c)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "%s%s%s", a, b, c);
    ck_assert_int_eq(fclose(f), 0);
}

/* Returns owned what was printed. */
static char *
run_case_of(const char *site, const char *expect, const char *rest, bool *passed)
{
    char dir[SCRATCH_BYTES];
    char path[SCRATCH_BYTES + 16];
    char *said = NULL;
    size_t size = 0;
    struct diags diags;
    struct err err = {0};
    FILE *out = open_memstream(&said, &size);
    ck_assert_ptr_nonnull(out);
    scratch_make(dir);
    snprintf(path, sizeof path, "%s/site.yaml", dir);
    write_file(path, site, "", "");
    snprintf(path, sizeof path, "%s/case.yaml", dir);
    struct strbuf more = {0};
    strbuf_printf(&more, "%s%s", SAMPLES, rest);
    write_file(path, "case: a lift stands\nexpect:\n", expect, strbuf_text(&more));
    strbuf_fini(&more);
    diags_init(&diags);
    int code = replay_case_run(path, out, passed, &diags, &err);
    diags_print(&diags, stderr);
    diags_fini(&diags);
    scratch_remove(dir);
    fclose(out);
    ck_assert_msg(code == 0, "%s", err.text);
    return said;
}

static char *
run_case(const char *expect, bool *passed)
{
    return run_case_of(SITE, expect, "", passed);
}

START_TEST(test_expectations)
{
    bool passed = !cases[_i].passes;
    char *said = run_case(cases[_i].expect, &passed);
    ck_assert_msg(passed == cases[_i].passes, "%s: %s", cases[_i].title, said);
    free(said);
}
END_TEST

START_TEST(test_expectations_of_work)
{
    bool passed = !worked[_i].passes;
    char *said = run_case_of(WORK_SITE, worked[_i].expect, WORK, &passed);
    ck_assert_msg(passed == worked[_i].passes, "%s: %s", worked[_i].expect, said);
    free(said);
}
END_TEST

START_TEST(test_what_was_expected_of_work_is_told_in_the_words_of_the_case)
{
    bool passed = true;
    char *said = run_case_of(
        WORK_SITE,
        "  - {event: ticket.resolved, cause: wear, minutes: 4, cost: 12.5, by: li}\n",
        WORK, &passed);
    ck_assert(!passed);
    ck_assert_msg(strstr(said,
                         "expected ticket.resolved, by li, cause wear, minutes 4, "
                         "cost 12.50\n"
                         "    came: 2026-03-01 18:15:35  ticket 1 resolved: "
                         "lift-fault (lift-1/lift-fault)") != NULL,
                  "%s", said);
    ck_assert_msg(strstr(said, "cause wear, 40 min, cost 12.50, by li\n") != NULL, "%s",
                  said);
    free(said);
}
END_TEST

/* What nobody is called, or no cause is, cannot come: a slip of the pen. */
static const struct {
    const char *expect, *want;
} slips[] = {
    {"  - {never: ticket.assigned, assignee: lee}\n",
     "expectation: nobody is called \"lee\"; one of the people of "},
    {"  - {never: ticket.escalated, to: boss}\n", "nobody is called \"boss\""},
    {"  - {never: ticket.closed, by: lee}\n", "nobody is called \"lee\""},
    {"  - {never: ticket.closed, cause: waer}\n",
     "expectation: there is no closing code \"waer\""},
};

START_TEST(test_a_slip_of_the_pen_is_no_test)
{
    char dir[SCRATCH_BYTES];
    char path[SCRATCH_BYTES + 16];
    struct diags diags;
    struct err err = {0};
    bool passed = true;
    FILE *out = fopen("/dev/null", "w");
    ck_assert_ptr_nonnull(out);
    scratch_make(dir);
    snprintf(path, sizeof path, "%s/site.yaml", dir);
    write_file(path, WORK_SITE, "", "");
    snprintf(path, sizeof path, "%s/case.yaml", dir);
    write_file(path, "case: a slip\nexpect:\n", slips[_i].expect, SAMPLES);
    diags_init(&diags);
    ck_assert_int_eq(replay_case_run(path, out, &passed, &diags, &err), ERR_CONFIG);
    ck_assert_uint_eq(diags.count, 1);
    ck_assert_msg(strstr(diags.items[0].text, slips[_i].want) != NULL, "%s",
                  diags.items[0].text);
    diags_fini(&diags);
    scratch_remove(dir);
    fclose(out);
}
END_TEST

static const struct {
    const char *expect, *want; /* Lines behind the place. */
} told[] = {
    {"  - {at: +45s, event: alarm.raised, episode: 2}\n",
     "expected alarm.raised, episode 2 at 2026-03-01 18:14:45\n"
     "    came: 2026-03-01 18:16:30  alarm raised, urgent: lift-fault "
     "(lift-1/lift-fault), episode 2  (1m 45s later)\n"
     "    came: 2026-03-01 18:14:30  alarm raised, urgent: lift-fault "
     "(lift-1/lift-fault), episode 1  (15s earlier)\n"
     "    came: 2026-03-01 18:14:30  ticket 1 opened"},
    {"  - {event: alarm.raised, value: 2}\n",
     "expected alarm.raised, value 2\n"
     "    came: 2026-03-01 18:14:30  alarm raised, urgent: lift-fault "
     "(lift-1/lift-fault), value 1\n"},
    {"  - {event: ticket.opened, ticket: 3}\n",
     "expected ticket.opened, ticket 3\n    came: 2026-03-01 18:14:30  ticket 1"},
    {"  - {never: alarm.cleared}\n",
     "never alarm.cleared\n    came: 2026-03-01 18:15:30  alarm cleared"},
    {"  - {at: +150s, event: alarm.cleared}\n",
     "expected alarm.cleared at 2026-03-01 18:16:30\n"
     "    came: 2026-03-01 18:15:30  alarm cleared, urgent: lift-fault "
     "(lift-1/lift-fault)  (1m earlier)\n"
     "    came: 2026-03-01 18:16:30  alarm raised, urgent: lift-fault "
     "(lift-1/lift-fault)  (at that time)\n"},
};

START_TEST(test_what_came_instead_is_told_nearest_first)
{
    bool passed = true;
    char *said = run_case(told[_i].expect, &passed);
    const char *place = strstr(said, "case.yaml:3:5: ");
    ck_assert(!passed);
    ck_assert_msg(place != NULL &&
                      strstr(place, told[_i].want) == place + strlen("case.yaml:3:5: "),
                  "%s", said);
    free(said);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("case_run");
    TCase *tc = tcase_create("case_run");
    tcase_add_loop_test(tc, test_expectations, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tc, test_expectations_of_work, 0, (int)ARRAY_LEN(worked));
    tcase_add_test(tc, test_what_was_expected_of_work_is_told_in_the_words_of_the_case);
    tcase_add_loop_test(tc, test_a_slip_of_the_pen_is_no_test, 0,
                        (int)ARRAY_LEN(slips));
    tcase_add_loop_test(tc, test_what_came_instead_is_told_nearest_first, 0,
                        (int)ARRAY_LEN(told));
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
