/* How SQLite goes about each statement of state.db: nothing that the daemon or a
 * listing asks may read through all tickets, or all events, of ten years. */
#include <check.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/strbuf.h"
#include "daemon/store/state_internal.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];
static struct state *store;

static void
setup(void)
{
    struct err err;
    scratch_make(dir);
    ck_assert_msg(state_open(&store, dir, STORE_WRITE, &err) == 0, "%s", err.text);
}

static void
teardown(void)
{
    state_close(store);
    scratch_remove(dir);
}

/* Those that are for all of it, or end early by themselves. */
static bool
may_scan(enum state_sql which)
{
    return which == SQL_TICKETS_BACK       /* The newest: stopped by who asks. */
           || which == SQL_EACH_TICKET_ROW /* The proof of the journal. */
           || which == SQL_EACH_WORK       /* The report over a period. */
           || which == SQL_FIRST_EVENT;    /* LIMIT 1 */
}

/* "SCAN ticket", "SCAN t USING INDEX ...": an alias begins with its table's letter. */
static bool
scans_a_large_table(const char *step)
{
    static const char *const tables[] = {"ticket", "events", "evidence", "t", "e"};
    /* Of few rows each: open tickets, those reopened, what a report looks at. */
    static const char *const small[] = {" ticket_open", " ticket_reopened",
                                        " events_figures"};
    for (size_t i = 0; i < ARRAY_LEN(small); i++) {
        if (strstr(step, small[i]) != NULL) {
            return false;
        }
    }
    if (strncmp(step, "SCAN ", strlen("SCAN ")) != 0) {
        return false;
    }
    const char *name = step + strlen("SCAN ");
    size_t size = strcspn(name, " ");
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (size == strlen(tables[i]) && strncmp(name, tables[i], size) == 0) {
            return true;
        }
    }
    return false;
}

/* The steps of the plan, one a line; how many of them scan. */
static int
explain(enum state_sql which, struct strbuf *steps)
{
    struct err err;
    sqlite3_stmt *stmt = NULL;
    sqlite3_stmt *plan = NULL;
    struct strbuf sql = {0};
    int scans = 0;
    ck_assert_msg(state_lend(store, which, &stmt, &err) == 0, "%s", err.text);
    strbuf_printf(&sql, "EXPLAIN QUERY PLAN %s", sqlite3_sql(stmt));
    ck_assert_int_eq(sqlite3_prepare_v2(store->db, strbuf_text(&sql), -1, &plan, NULL),
                     SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *step = column_text(plan, 3);
        strbuf_printf(steps, "%s\n", step);
        scans += scans_a_large_table(step);
    }
    sqlite3_finalize(plan);
    state_return(store, which, stmt);
    strbuf_fini(&sql);
    return scans;
}

START_TEST(no_statement_reads_through_a_large_table)
{
    struct strbuf steps = {0};
    int scans = explain((enum state_sql)_i, &steps);
    ck_assert_msg(scans == (may_scan((enum state_sql)_i) ? 1 : 0), "statement %d:\n%s",
                  _i, strbuf_text(&steps));
    strbuf_fini(&steps);
}
END_TEST

static const struct {
    enum state_sql which;
    const char *index;
} indexed[] = {
    {SQL_EACH_TICKET, "ticket_open"},
    {SQL_EACH_TICKET, "ticket_closed"},
    {SQL_OLDEST_VISIT, "ticket_visit"},
    {SQL_TICKETS_AFTER, "INTEGER PRIMARY KEY"},
    {SQL_TICKETS_AFTER_OF_DEVICE, "ticket_device (device=? AND number>?)"},
    {SQL_TICKETS_AFTER_OF_PERSON, "ticket_assignee (assignee=? AND number>?)"},
    {SQL_TICKETS_AFTER_OF_TEAM, "ticket_team (team=? AND number>?)"},
    {SQL_TICKETS_BACK_OF_DEVICE, "ticket_device (device=?)"},
    {SQL_TICKETS_BACK_OF_PERSON, "ticket_assignee (assignee=?)"},
    {SQL_TICKETS_BACK_OF_TEAM, "ticket_team (team=?)"},
    {SQL_EACH_TICKET_EVENT, "events_ticket (ticket=?)"},
    {SQL_EACH_EVENT_OF, "events_ticket (ticket=?)"},
    {SQL_EACH_EVENT_OF, "events_rule (device=? AND rule=? AND rowid>? AND rowid<?)"},
    {SQL_EACH_SAME, "ticket_device (device=?)"},
    {SQL_EACH_LIKE, "ticket_rule (rule=?)"},
    {SQL_EACH_EVIDENCE, "(ticket=?)"},
};

START_TEST(a_listing_goes_by_the_index_that_was_made_for_it)
{
    struct strbuf steps = {0};
    (void)explain(indexed[_i].which, &steps);
    const char *text = strbuf_text(&steps);
    ck_assert_msg(strstr(text, indexed[_i].index) != NULL, "no %s:\n%s",
                  indexed[_i].index, text);
    /* In their order already; these are few, and of two kinds. */
    if (indexed[_i].which != SQL_EACH_TICKET &&
        indexed[_i].which != SQL_EACH_EVENT_OF) {
        ck_assert_msg(strstr(text, "ORDER BY") == NULL, "%s", text);
    }
    strbuf_fini(&steps);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("plans of state.db");
    TCase *tc = tcase_create("plans");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, no_statement_reads_through_a_large_table, 0, SQL_COUNT);
    tcase_add_loop_test(tc, a_listing_goes_by_the_index_that_was_made_for_it, 0,
                        (int)ARRAY_LEN(indexed));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
