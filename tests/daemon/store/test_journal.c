/* The chain of the journal: its form, its migration, its proof, and where it goes on.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/journal_hash.h"
#include "daemon/store/journal_proof.h"
#include "daemon/store/state_schema.h"
#include "tests/daemon/store/scratch.h"

#define UNLOCK "DROP TRIGGER events_stay; DROP TRIGGER events_stand;"

static char dir[SCRATCH_BYTES];
static struct err err;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
make_dir(void)
{
    scratch_make(dir);
    memset(&err, 0, sizeof err);
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

static const char *
query(const char *sql)
{
    static char text[512];
    scratch_query(dir, "state.db", sql, text);
    return text;
}

static void
add(struct state *s, int64_t t_ms)
{
    int64_t seq = 0;
    const struct event e = {
        .t_ms = t_ms, .kind = EVENT_ALARM_RAISED, .device = "pump-1", .rule = "hot"};
    must(state_add_event(s, &e, "{\"a\":1}", NULL, "uid=0", &seq, &err));
}

/* `count` rows, and closed. */
static void
write_rows(int count)
{
    struct state *s = NULL;
    must(state_open(&s, dir, STORE_WRITE, &err));
    for (int i = 0; i < count; i++) {
        add(s, 1000 + i);
    }
    state_close(s);
}

/* ---- What is proven ---- */

struct heard {
    char text[512]; /* "changed 8 9;..." */
    int64_t rows;
};

static void
on_found(void *ctx, const struct journal_finding *f)
{
    struct heard *h = ctx;
    size_t size = strlen(h->text);
    snprintf(h->text + size, sizeof h->text - size, "%s %lld %lld;",
             journal_fault_name(f->fault), (long long)f->first, (long long)f->last);
    struct strbuf text = {0};
    journal_finding_to_text(&text, f);
    ck_assert_uint_gt(text.size, 0);
    strbuf_fini(&text);
}

static void
on_row(void *ctx, const struct event_row *row)
{
    struct heard *h = ctx;
    (void)row;
    h->rows++;
}

static struct heard
prove(const struct journal_head *kept)
{
    struct heard h = {0};
    struct state *s = NULL;
    struct journal_sum sum;
    const struct journal_proof proof = {
        .kept = kept, .ctx = &h, .found = on_found, .row = on_row};
    must(state_open(&s, dir, STORE_READ, &err));
    must(journal_prove(s, &proof, &sum, &err));
    state_close(s);
    ck_assert_int_le(h.rows, sum.rows); /* Not those before the first. */
    return h;
}

static const struct {
    const char *what;
    const char *sql;
    const char *found;
} tampered[] = {
    {"nothing", "SELECT 1", ""},
    {"a text of the first", "UPDATE events SET person = 'x' WHERE seq = 1",
     "changed 1 1;"},
    {"a time of one", "UPDATE events SET t = 7 WHERE seq = 5", "changed 5 5;"},
    {"the last", "UPDATE events SET json = '{}' WHERE seq = 9", "changed 9 9;"},
    {"two side by side", "UPDATE events SET t = 7 WHERE seq IN (4, 5)", "changed 4 5;"},
    {"a hash", "UPDATE events SET hash = zeroblob(32) WHERE seq = 5", "rehashed 5 5;"},
    {"the last hash", "UPDATE events SET hash = x'' WHERE seq = 9", "rehashed 9 9;"},
    {"a row and its hash", "UPDATE events SET t = 7, hash = zeroblob(32) WHERE seq = 5",
     "changed 5 6;"},
    {"the first removed", "DELETE FROM events WHERE seq = 1", "gone 1 1;"},
    {"some removed", "DELETE FROM events WHERE seq IN (3, 4, 7)", "gone 3 4;gone 7 7;"},
    {"the end removed", "DELETE FROM events WHERE seq > 7", "cut 8 9;"},
    {"all removed", "DELETE FROM events", "cut 1 9;"},
    {"one added behind",
     "INSERT INTO events (seq, t, name, json) VALUES (12, 1, 'x', '{}')",
     "added 10 12;"},
    {"one added before",
     "INSERT INTO events (seq, t, name, json) VALUES (-3, 1, 'x', '{}')",
     "added -3 -3;"},
    {"the head gone", "DELETE FROM meta WHERE key = 'journal_head'", "no-head 0 0;"},
    {"another head",
     "UPDATE meta SET value = '9:' || hex(zeroblob(32)) WHERE key = 'journal_head'",
     "other-head 9 9;"},
    {"an empty text for nothing", "UPDATE events SET person = '' WHERE seq = 2",
     "changed 2 2;"},
    {"a zero byte behind a text",
     "UPDATE events SET peer = peer || char(0) || 'x' WHERE seq = 2", "changed 2 2;"},
};

START_TEST(what_was_done_by_hand_is_found)
{
    char sql[512];
    write_rows(9);
    snprintf(sql, sizeof sql, UNLOCK "%s", tampered[_i].sql);
    scratch_exec(dir, "state.db", sql);
    struct heard h = prove(NULL);
    ck_assert_msg(strcmp(h.text, tampered[_i].found) == 0, "%s: %s", tampered[_i].what,
                  h.text);
}
END_TEST

START_TEST(an_empty_journal_is_proven)
{
    write_rows(0);
    ck_assert_str_eq(prove(NULL).text, "");
    struct journal_head kept = {.seq = 1};
    ck_assert_str_eq(prove(&kept).text, "cut 1 1;");
}
END_TEST

START_TEST(more_rows_than_are_looked_back_at_are_proven)
{
    struct state *s = NULL;
    must(state_open(&s, dir, STORE_WRITE, &err));
    must(state_begin(s, &err));
    for (int i = 0; i < 3000; i++) {
        add(s, i);
    }
    must(state_commit(s, &err));
    state_close(s);
    ck_assert_str_eq(prove(NULL).text, "");
    scratch_exec(dir, "state.db", UNLOCK "UPDATE events SET t = -1 WHERE seq = 2500");
    ck_assert_str_eq(prove(NULL).text, "changed 2500 2500;");
}
END_TEST

START_TEST(a_kept_head_is_compared)
{
    struct state *s = NULL;
    struct journal_head early, late;
    write_rows(4);
    must(state_open(&s, dir, STORE_WRITE, &err));
    state_journal_head(s, &early);
    add(s, 1);
    state_journal_head(s, &late);
    state_close(s);
    ck_assert_int_eq(early.seq, 4);
    ck_assert_int_eq(late.seq, 5);
    ck_assert_str_eq(prove(&early).text, "");
    ck_assert_str_eq(prove(&late).text, "");
    early.hash[31] ^= 1;
    ck_assert_str_eq(prove(&early).text, "other-kept 4 4;");
    late.seq = 6;
    ck_assert_str_eq(prove(&late).text, "cut 6 6;");
}
END_TEST

/* ---- Where it goes on ---- */

static const struct {
    const char *sql;
    const char *said;  /* By the fault. */
    const char *after; /* What is found once the daemon has written on. */
} opened[] = {
    {"SELECT 1", NULL, ""},
    {"DELETE FROM events WHERE seq > 7", "event 7", "gone 8 9;"},
    {"DELETE FROM events", "event 0", "gone 1 9;"},
    {"INSERT INTO events (seq, t, name, json) VALUES (10, 1, 'x', '{}')", "event 10",
     "added 10 10;"},
    {"DELETE FROM meta WHERE key = 'journal_head'", "gone from meta", "anew 10 10;"},
    {"UPDATE events SET hash = zeroblob(32) WHERE seq = 9", "event 9", "rehashed 9 9;"},
    /* What names it is the chain, not the start: the last row alone is looked at. */
    {"UPDATE events SET t = 7 WHERE seq = 5", NULL, "changed 5 5;"},
};

START_TEST(what_is_written_on_covers_nothing_up)
{
    char sql[512];
    struct state *s = NULL;
    write_rows(9);
    snprintf(sql, sizeof sql, UNLOCK "%s", opened[_i].sql);
    scratch_exec(dir, "state.db", sql);
    must(state_open(&s, dir, STORE_WRITE, &err));
    const char *fault = state_journal_fault(s);
    if (opened[_i].said == NULL) {
        ck_assert_ptr_null(fault);
    } else {
        ck_assert_ptr_nonnull(fault);
        ck_assert_msg(strstr(fault, opened[_i].said) != NULL, "%s", fault);
    }
    add(s, 1);
    add(s, 2);
    state_close(s);
    ck_assert_str_eq(prove(NULL).text, opened[_i].after);
    ck_assert_str_eq(query("SELECT count(*) FROM events WHERE t = 2 AND seq >= 11"),
                     "1");
}
END_TEST

START_TEST(a_transaction_that_is_rolled_back_leaves_the_chain_as_it_was)
{
    struct state *s = NULL;
    struct journal_head before, after;
    must(state_open(&s, dir, STORE_WRITE, &err));
    add(s, 1);
    state_journal_head(s, &before);
    must(state_begin(s, &err));
    add(s, 2);
    state_journal_head(s, &after);
    ck_assert_int_eq(after.seq, 2);
    state_rollback(s);
    state_journal_head(s, &after);
    ck_assert_mem_eq(&before, &after, sizeof before);
    add(s, 3);
    state_close(s);
    ck_assert_str_eq(prove(NULL).text, "");
}
END_TEST

START_TEST(rows_are_fenced_in)
{
    sqlite3 *db = scratch_open(dir, "state.db");
    sqlite3_close(db);
    write_rows(2);
    db = scratch_open(dir, "state.db");
    ck_assert_int_ne(sqlite3_exec(db, "UPDATE events SET t = 1", NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "no event is changed"));
    ck_assert_int_ne(sqlite3_exec(db, "DELETE FROM events", NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "no event is deleted"));
    sqlite3_close(db);
}
END_TEST

/* ---- Rows that are older than the chain ---- */

/* A database as a daemon of schema 4 left it: 200 events, two tickets. */
static void
make_schema_4(void)
{
    for (int i = 0; i < 4; i++) {
        scratch_exec(dir, "state.db", state_schema_steps[i]);
    }
    scratch_exec(
        dir, "state.db",
        "PRAGMA user_version = 4;"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
        " INSERT INTO events (seq, t, name, device, ticket, person, json)"
        " SELECT i, i * 1000, 'ticket.noted', 'pump-' || i, nullif(i % 3, 0),"
        " iif(i % 2, 'zhang', NULL), '{\"n\":' || i || '}' FROM n;"
        "INSERT INTO ticket (number, kind, device, rule, priority, state, opened_ms,"
        " respond_by_ms, resolve_by_ms, episodes, reopened, respond_warned,"
        " respond_breached, resolve_warned, resolve_breached, title, parts)"
        " VALUES (1, 'fault', 'pump-1', 'hot', 'urgent', 'opened', 5, 6, 7, 1, 0, 1, 0,"
        " 0, 0, 'hot', '[{\"name\":\"seal\",\"count\":2,\"cost\":0}]'),"
        " (2, 'reported', 'pump-2', NULL, 'normal', 'closed', 5, 6, 7, 0, 0, 1, 0, 0, "
        "0,"
        " 'wet', 'no JSON')");
}

START_TEST(older_rows_are_chained_and_tickets_get_their_base)
{
    make_schema_4();
    struct state *s = NULL;
    must(state_open(&s, dir, STORE_WRITE, &err));
    ck_assert_ptr_null(state_journal_fault(s));
    add(s, 1);
    state_close(s);
    ck_assert_str_eq(prove(NULL).text, "");
    ck_assert_str_eq(query("SELECT count(*) FROM events WHERE length(hash) = 32"),
                     "201");
    ck_assert_str_eq(query("SELECT group_concat(seq || ':' || ticket) FROM events"
                           " WHERE more IS NOT NULL"),
                     "199:1,200:2");
    ck_assert_str_eq(query("SELECT (more ->> '$.parts[0].name') || (more ->> 'number')"
                           " || (more ->> 'respond_warned') || (more ->> 'rule')"
                           " FROM events WHERE seq = 199"),
                     "seal11hot");
    ck_assert_str_eq(query("SELECT more ->> 'parts' FROM events WHERE seq = 200"),
                     "NULL");
}
END_TEST

START_TEST(a_migration_that_is_cut_off_begins_again)
{
    struct state *s = NULL;
    make_schema_4();
    /* The disk refuses near the end, when all rows are chained: nothing stays. */
    scratch_exec(
        dir, "state.db",
        "CREATE TRIGGER refuse BEFORE INSERT ON meta WHEN NEW.key = "
        "'journal_head' BEGIN SELECT RAISE(ABORT, 'refused by the test'); END");
    ck_assert_int_ne(state_open(&s, dir, STORE_WRITE, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "refused by the test"));
    ck_assert_str_eq(query("PRAGMA user_version"), "4");
    ck_assert_str_eq(query("SELECT count(*) FROM pragma_table_info('events')"
                           " WHERE name IN ('hash', 'more')"),
                     "0");
    scratch_exec(dir, "state.db", "DROP TRIGGER refuse");
    must(state_open(&s, dir, STORE_WRITE, &err));
    state_close(s);
    ck_assert_str_eq(prove(NULL).text, "");
}
END_TEST

/* ---- Heads and the form ---- */

START_TEST(the_form_is_the_documented_one)
{
    /* sha256sum of 32 zero bytes, then the line of journal.h. */
    static const char line[] = "i1:7,i13:1767225600000,t12:alarm.raised,t6:pump-1,"
                               "t3:hot,n0:,n0:,t2:{},n0:,n0:,";
    unsigned char want[JOURNAL_HASH_BYTES], got[JOURNAL_HASH_BYTES];
    unsigned char bytes[JOURNAL_HASH_BYTES + sizeof line - 1] = {0};
    memcpy(bytes + JOURNAL_HASH_BYTES, line, sizeof line - 1);
    crypto_hash_sha256(want, bytes, sizeof bytes);
    struct journal_hasher h;
    const struct journal_head none = {0};
    journal_hash_begin(&h, none.hash);
    journal_hash_int(&h, 7);
    journal_hash_int(&h, 1767225600000);
    journal_hash_text(&h, "alarm.raised");
    journal_hash_text_or_null(&h, "pump-1");
    journal_hash_text_or_null(&h, "hot");
    journal_hash_text_or_null(&h, NULL);
    journal_hash_text_or_null(&h, "");
    journal_hash_text(&h, "{}");
    journal_hash_text_or_null(&h, NULL);
    journal_hash_text_or_null(&h, NULL);
    journal_hash_end(&h, got);
    ck_assert_mem_eq(got, want, sizeof got);
}
END_TEST

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

static const struct {
    const char *text;
    bool good;
} heads[] = {
    {"0:" ZEROS "00", true},
    {"17:" ZEROS "aF", true},
    {"9223372036854775806:" ZEROS "00", false}, /* The last digits are not needed. */
    {"99999999999999999999:" ZEROS "00", false},
    {"17:" ZEROS "0", false},
    {"17:" ZEROS "000", false},
    {"17:" ZEROS "0g", false},
    {"17 :" ZEROS "00", false},
    {"-1:" ZEROS "00", false},
    {"+1:" ZEROS "00", false},
    {":" ZEROS "00", false},
    {"17", false},
    {"", false},
};

START_TEST(heads_are_read_whole)
{
    struct journal_head head = {.seq = -1};
    char text[JOURNAL_HEAD_BYTES];
    ck_assert_int_eq(journal_head_parse(&head, heads[_i].text), heads[_i].good);
    if (heads[_i].good) {
        ck_assert_int_eq(strcasecmp(journal_head_format(text, &head), heads[_i].text),
                         0);
    } else {
        ck_assert_int_eq(head.seq, -1);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("journal");
    TCase *tc = tcase_create("journal");
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, what_was_done_by_hand_is_found, 0,
                        (int)ARRAY_LEN(tampered));
    tcase_add_test(tc, an_empty_journal_is_proven);
    tcase_add_test(tc, more_rows_than_are_looked_back_at_are_proven);
    tcase_add_test(tc, a_kept_head_is_compared);
    tcase_add_loop_test(tc, what_is_written_on_covers_nothing_up, 0,
                        (int)ARRAY_LEN(opened));
    tcase_add_test(tc, a_transaction_that_is_rolled_back_leaves_the_chain_as_it_was);
    tcase_add_test(tc, rows_are_fenced_in);
    tcase_add_test(tc, older_rows_are_chained_and_tickets_get_their_base);
    tcase_add_test(tc, a_migration_that_is_cut_off_begins_again);
    tcase_add_test(tc, the_form_is_the_documented_one);
    tcase_add_loop_test(tc, heads_are_read_whole, 0, (int)ARRAY_LEN(heads));
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
