/* state.db: what was written is read back after the file was closed and reopened. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/instant.h"
#include "daemon/store/state.h"
#include "daemon/store/state_schema.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];
static struct err err;

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

static struct state *
open_state(enum store_mode mode)
{
    struct state *s = NULL;
    ck_assert_msg(state_open(&s, dir, mode, &err) == 0, "%s", err.text);
    return s;
}

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static int64_t
add_event(struct state *s, int64_t t_ms)
{
    int64_t seq = -1;
    const struct event e = {.t_ms = t_ms,
                            .kind = EVENT_ALARM_RAISED,
                            .device = "pump-1",
                            .rule = "hot",
                            .ticket = 7,
                            .by = "zhang"};
    must(state_add_event(s, &e, "{\"event\":\"alarm.raised\"}", NULL, "uid=0", &seq,
                         &err));
    return seq;
}

static bool
count_event(void *ctx, const struct event_row *row)
{
    int64_t *last = ctx;
    ck_assert_int_eq(row->seq, *last + 1);
    *last = row->seq;
    return true;
}

static int64_t
events_in(struct state *s)
{
    int64_t last = 0;
    must(state_each_event(s, 0, 0, count_event, &last, &err));
    return last;
}

START_TEST(test_open_makes_folder_and_file_for_the_group_only)
{
    struct stat st;
    char inner[300], path[512];
    struct state *s = NULL;
    snprintf(inner, sizeof inner, "%s/data", dir);
    mode_t before = umask(0);
    must(state_open(&s, inner, STORE_WRITE, &err));
    umask(before);
    ck_assert_int_eq(stat(inner, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0750);
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm",
                                        "lock"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", inner, names[i]);
        ck_assert_msg(stat(path, &st) == 0, "%s", path);
        ck_assert_msg((st.st_mode & 07777) == 0640, "%s: %o", path, st.st_mode & 07777);
    }
    state_close(s);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", inner, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(inner), 0);
}
END_TEST

START_TEST(test_reader_of_a_missing_file_is_not_found)
{
    struct state *s = NULL;
    ck_assert_int_eq(state_open(&s, dir, STORE_READ, &err), ERR_NOT_FOUND);
    ck_assert_ptr_null(s);
    ck_assert_ptr_nonnull(strstr(err.text, "state.db"));
}
END_TEST

START_TEST(test_second_writer_is_refused_while_the_first_runs)
{
    struct state *first = open_state(STORE_WRITE);
    struct state *second = NULL;
    ck_assert_int_eq(state_open(&second, dir, STORE_WRITE, &err), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(err.text, "another caretaker runs there"));
    ck_assert_ptr_nonnull(strstr(err.text, dir));
    state_close(first);
    second = open_state(STORE_WRITE);
    state_close(second);
}
END_TEST

START_TEST(test_gateway_id_is_made_once)
{
    char id[64];
    struct state *s = open_state(STORE_WRITE);
    snprintf(id, sizeof id, "%s", state_gateway_id(s));
    ck_assert_uint_eq(strlen(id), 16);
    ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 16);
    struct state *reader = open_state(STORE_READ);
    ck_assert_str_eq(state_gateway_id(reader), id);
    state_close(reader);
    state_close(s);
    s = open_state(STORE_WRITE);
    ck_assert_str_eq(state_gateway_id(s), id);
    state_close(s);
}
END_TEST

static const struct alarm hot = {
    .device = "pump-1",
    .rule = "hot",
    .severity = SEVERITY_URGENT,
    .state = ALARM_ACTIVE_ACKED,
    .episode = 3,
    .raised_ms = 1772360070000,
    .cleared_ms = INSTANT_NONE,
    .acked_ms = 1772360071001,
    .acked_by = "张伟",
    .has_value = true,
    .value = 81.2,
    .title = "1# 生活水泵 轴承温度 81.2 °C",
    .titles = {{"pump \"1\" at 81.2 °C", "1# 生活水泵 轴承温度 81.2 °C"}},
    .ticket = 7,
};
static const struct alarm shelved = {
    .device = "pump-2",
    .rule = "hot",
    .severity = SEVERITY_URGENT,
    .state = ALARM_SHELVED,
    .episode = 9,
    .raised_ms = 1772360070000,
    .cleared_ms = INSTANT_NONE,
    .acked_ms = INSTANT_NONE,
    .title = "hot",
    .returned_ms = 1772360070009,
    .untold = true,
    .told_severity = SEVERITY_NORMAL,
    .first_out = true,
    .chatter = true,
    .hiding = {"张伟", "new \"bearing\"", 1772360070001, 1772360080000},
    .raises = {1772360060000, 1772360065000, 1772360070000},
    .raise_count = 3,
};
static const struct alarm quiet = {
    .device = "lift-1",
    .rule = "door",
    .severity = SEVERITY_NORMAL,
    .state = ALARM_NORMAL,
    .episode = 12,
    .raised_ms = 5,
    .cleared_ms = 6,
    .acked_ms = INSTANT_NONE,
    .title = "door",
};

struct alarms_read {
    struct alarm rows[4];
    char names[4][2][ID_BYTES_MAX];
    size_t count;
    size_t stop_at;
};

static bool
keep_alarm(void *ctx, const struct alarm *a)
{
    struct alarms_read *r = ctx;
    ck_assert_uint_lt(r->count, ARRAY_LEN(r->rows));
    r->rows[r->count] = *a;
    snprintf(r->names[r->count][0], ID_BYTES_MAX, "%s", a->device);
    snprintf(r->names[r->count][1], ID_BYTES_MAX, "%s", a->rule);
    r->count++;
    return r->count != r->stop_at;
}

static void
assert_same_alarm(const struct alarms_read *r, size_t i, const struct alarm *want)
{
    const struct alarm *got = &r->rows[i];
    ck_assert_uint_lt(i, r->count);
    ck_assert_str_eq(r->names[i][0], want->device);
    ck_assert_str_eq(r->names[i][1], want->rule);
    ck_assert_int_eq(got->severity, want->severity);
    ck_assert_int_eq(got->state, want->state);
    ck_assert_int_eq(got->episode, want->episode);
    ck_assert_int_eq(got->raised_ms, want->raised_ms);
    ck_assert_int_eq(got->cleared_ms, want->cleared_ms);
    ck_assert_int_eq(got->acked_ms, want->acked_ms);
    ck_assert_str_eq(got->acked_by, want->acked_by);
    ck_assert_int_eq(got->has_value, want->has_value);
    ck_assert_double_eq(got->value, want->value);
    ck_assert_str_eq(got->title, want->title);
    ck_assert(titles_are_same(&got->titles, &want->titles));
    ck_assert_int_eq(got->ticket, want->ticket);
    ck_assert_int_eq(got->returned_ms, want->returned_ms);
    ck_assert_int_eq(got->untold, want->untold);
    ck_assert_int_eq(got->told_severity, want->told_severity);
    ck_assert_int_eq(got->first_out, want->first_out);
    ck_assert_int_eq(got->chatter, want->chatter);
    ck_assert_str_eq(got->hiding.by, want->hiding.by);
    ck_assert_str_eq(got->hiding.reason, want->hiding.reason);
    ck_assert_int_eq(got->hiding.since_ms, want->hiding.since_ms);
    ck_assert_int_eq(got->hiding.until_ms, want->hiding.until_ms);
    ck_assert_uint_eq(got->raise_count, want->raise_count);
    ck_assert_mem_eq(got->raises, want->raises, sizeof got->raises);
}

START_TEST(test_what_hides_an_alarm_reads_back)
{
    struct alarms_read r = {0};
    struct alarm full = shelved; /* The widest that a row can be. */
    full.rule = "warm";
    full.raise_count = RAISES_MAX;
    for (uint32_t i = 0; i < RAISES_MAX; i++) {
        full.raises[i] = INT64_MIN + 1 + i;
    }
    memset(full.hiding.by, 'a', HIDER_BYTES - 1);
    memset(full.hiding.reason, 'b', REASON_BYTES - 1);
    struct state *s = open_state(STORE_WRITE);
    must(state_put_alarm(s, &shelved, &err));
    must(state_put_alarm(s, &full, &err));
    state_close(s);
    s = open_state(STORE_READ);
    must(state_each_alarm(s, true, keep_alarm, &r, &err));
    ck_assert_uint_eq(r.count, 2);
    assert_same_alarm(&r, 0, &shelved);
    assert_same_alarm(&r, 1, &full);
    state_close(s);
    scratch_exec(dir, "state.db",
                 "UPDATE alarm SET raises = 'x,1', titles = '{\"zh-CN\":1,\"en\":'"
                 " WHERE rule = 'hot'");
    s = open_state(STORE_READ);
    r = (struct alarms_read){0};
    must(state_each_alarm(s, true, keep_alarm, &r, &err));
    ck_assert_uint_eq(r.rows[0].raise_count, 0);
    ck_assert(titles_are_empty(&r.rows[0].titles));
    state_close(s);
}
END_TEST

struct services_read {
    struct service rows[4];
    char names[4][ID_BYTES_MAX];
    size_t count;
};

static bool
keep_service(void *ctx, const struct service *row)
{
    struct services_read *r = ctx;
    ck_assert_uint_lt(r->count, ARRAY_LEN(r->rows));
    r->rows[r->count] = *row;
    snprintf(r->names[r->count++], ID_BYTES_MAX, "%s", row->device);
    return true;
}

START_TEST(test_devices_out_of_service_read_back_until_they_are_in_again)
{
    struct services_read r = {.count = 0};
    const struct service out = {"pump-2", true, {"li", "repair", 1000, 2000}};
    const struct service open_end = {"lift-1", true, {"li", "new rope", 1001, 0}};
    struct state *s = open_state(STORE_WRITE);
    must(state_put_service(s, &out, &err));
    must(state_put_service(s, &open_end, &err));
    state_close(s);
    s = open_state(STORE_WRITE);
    must(state_each_service(s, keep_service, &r, &err));
    ck_assert_uint_eq(r.count, 2);
    ck_assert_str_eq(r.names[0], "lift-1");
    ck_assert_int_eq(r.rows[0].hiding.until_ms, 0);
    ck_assert_str_eq(r.names[1], "pump-2");
    ck_assert(r.rows[1].out);
    ck_assert_str_eq(r.rows[1].hiding.by, "li");
    ck_assert_str_eq(r.rows[1].hiding.reason, "repair");
    ck_assert_int_eq(r.rows[1].hiding.since_ms, 1000);
    ck_assert_int_eq(r.rows[1].hiding.until_ms, 2000);
    const struct service in = {.device = "lift-1"};
    must(state_put_service(s, &in, &err));
    r = (struct services_read){.count = 0};
    must(state_each_service(s, keep_service, &r, &err));
    ck_assert_uint_eq(r.count, 1);
    ck_assert_str_eq(r.names[0], "pump-2");
    state_close(s);
}
END_TEST

/* Drops every view, or every table but `kept`. */
static void
drop_all(const char *type)
{
    char sql[256], drops[512];
    snprintf(sql, sizeof sql,
             "SELECT coalesce(group_concat('DROP %s ' || name, ';'), '')"
             " FROM (SELECT name FROM sqlite_schema WHERE type = '%s'"
             "       AND name NOT LIKE 'sqlite%%' AND name <> 'kept' LIMIT 10)",
             type, type);
    do {
        scratch_query(dir, "state.db", sql, drops);
        scratch_exec(dir, "state.db", drops);
    } while (drops[0] != '\0');
}

/* A database of the first schema, as a daemon of then left it. */
START_TEST(test_a_database_of_the_first_schema_is_taken_on_with_its_alarms)
{
    struct alarms_read r = {0};
    struct state *s = open_state(STORE_WRITE);
    must(state_put_alarm(s, &hot, &err));
    state_close(s);
    scratch_exec(dir, "state.db",
                 "CREATE TABLE kept AS SELECT device, rule, severity, state, episode,"
                 " raised_ms, cleared_ms, acked_ms, acked_by, value, title, ticket"
                 " FROM alarm");
    drop_all("view");
    drop_all("table");
    scratch_exec(dir, "state.db", state_schema_steps[0]);
    scratch_exec(dir, "state.db",
                 "INSERT INTO alarm SELECT * FROM kept; DROP TABLE kept;"
                 "PRAGMA user_version = 1");
    struct state *reader = NULL;
    ck_assert_int_eq(state_open(&reader, dir, STORE_READ, &err), ERR_REFUSED);
    s = open_state(STORE_WRITE);
    must(state_each_alarm(s, true, keep_alarm, &r, &err));
    ck_assert_uint_eq(r.count, 1);
    struct alarm older = hot;
    older.titles = (struct titles){0};
    assert_same_alarm(&r, 0, &older);
    state_close(s);
}
END_TEST

struct meters_read {
    struct meter_row rows[4];
    char keys[4][64];
    size_t count;
};

static bool
keep_meter(void *ctx, const struct meter_row *row)
{
    struct meters_read *r = ctx;
    r->rows[r->count] = *row;
    (void)snprintf(r->keys[r->count++], sizeof r->keys[0], "%s", row->key);
    return true;
}

START_TEST(test_meters_read_back)
{
    const struct meter_row first = {
        "pump-1 hours(running)", 2000, 1000, 900, 1, true, 36000, 7, 600, 2};
    struct meter_row later = first;
    const struct meter_row never = {
        "a starts(on)", INSTANT_NONE, INSTANT_NONE, INSTANT_NONE, 0, false, 0, 0, 0, 0};
    struct meters_read r = {.count = 0};
    later.last_ms = 3000;
    later.true_ms = 37000;
    struct state *s = open_state(STORE_WRITE);
    must(state_put_meter(s, &first, &err));
    must(state_put_meter(s, &never, &err));
    must(state_put_meter(s, &later, &err)); /* In its place. */
    state_close(s);
    s = open_state(STORE_READ);
    must(state_each_meter(s, keep_meter, &r, &err));
    state_close(s);
    ck_assert_uint_eq(r.count, 2);
    ck_assert_str_eq(r.keys[0], never.key);
    ck_assert(r.rows[0].last_ms == INSTANT_NONE && !r.rows[0].changed);
    ck_assert_str_eq(r.keys[1], first.key);
    const struct meter_row *m = &r.rows[1];
    ck_assert(m->last_ms == 3000 && m->since_ms == 1000 && m->early_ms == 900 &&
              m->value == 1 && m->changed && m->true_ms == 37000 && m->starts == 7 &&
              m->service_ms == 600 && m->service_starts == 2);
}
END_TEST

START_TEST(test_alarms_read_back_and_normal_ones_stay_out_of_listings)
{
    struct alarms_read r = {0};
    struct state *s = open_state(STORE_WRITE);
    must(state_begin(s, &err));
    must(state_put_alarm(s, &hot, &err));
    must(state_put_alarm(s, &quiet, &err));
    must(state_commit(s, &err));
    state_close(s);

    s = open_state(STORE_READ);
    must(state_each_alarm(s, false, keep_alarm, &r, &err));
    ck_assert_uint_eq(r.count, 2);
    assert_same_alarm(&r, 0, &quiet);
    assert_same_alarm(&r, 1, &hot);
    r = (struct alarms_read){0};
    must(state_each_alarm(s, true, keep_alarm, &r, &err));
    ck_assert_uint_eq(r.count, 1);
    assert_same_alarm(&r, 0, &hot);
    r = (struct alarms_read){.stop_at = 1};
    must(state_each_alarm(s, false, keep_alarm, &r, &err));
    ck_assert_uint_eq(r.count, 1);
    state_close(s);

    s = open_state(STORE_WRITE);
    must(state_delete_alarm(s, "pump-1", "hot", &err));
    r = (struct alarms_read){0};
    must(state_each_alarm(s, false, keep_alarm, &r, &err));
    ck_assert_uint_eq(r.count, 1);
    state_close(s);
}
END_TEST

static const struct ticket fault = {
    .number = 7,
    .kind = TICKET_FAULT,
    .device = "pump-1",
    .rule = "hot",
    .priority = SEVERITY_URGENT,
    .state = TICKET_WAITING,
    .opened_ms = 10,
    .respond_by_ms = 20,
    .resolve_by_ms = 30,
    .respond_from_ms = 14,
    .resolve_from_ms = 15,
    .assigned_ms = 11,
    .responded_ms = 12,
    .resolved_ms = INSTANT_NONE,
    .verified_ms = INSTANT_NONE,
    .closed_ms = INSTANT_NONE,
    .waiting_since_ms = 13,
    .cleared_ms = INSTANT_NONE,
    .episodes = 2,
    .reopened = 1,
    .respond_warned = true,
    .resolve_breached = true,
    .assignee = "zhang",
    .team = "mechanical",
    .title = "bearing hot",
    .titles = {{"bearing hot", "轴承过热"}},
    .resolution = "greased; \"quoted\"",
    .rating = 4,
};

struct tickets_read {
    struct ticket rows[4];
    bool has_device[4], has_rule[4];
    size_t count;
};

static bool
keep_ticket(void *ctx, const struct ticket *t)
{
    struct tickets_read *r = ctx;
    ck_assert_uint_lt(r->count, ARRAY_LEN(r->rows));
    r->has_device[r->count] = t->device != NULL;
    r->has_rule[r->count] = t->rule != NULL;
    r->rows[r->count++] = *t;
    return true;
}

START_TEST(test_tickets_read_back_in_order_of_number)
{
    struct tickets_read r = {0};
    int64_t number = -1;
    struct ticket closed = fault, reported = fault;
    closed.number = 6;
    closed.state = TICKET_CLOSED;
    closed.closed_ms = 1000;
    closed.visit_ms = 5000;
    reported.number = 8;
    reported.visit_ms = INSTANT_NONE;
    reported.kind = TICKET_REPORTED;
    reported.device = NULL;
    reported.rule = NULL;
    reported.assignee[0] = '\0';
    reported.rating = 0;

    struct state *s = open_state(STORE_WRITE);
    must(state_max_ticket(s, &number, &err));
    ck_assert_int_eq(number, 0);
    must(state_oldest_visit(s, &number, &err));
    ck_assert_int_eq(number, INSTANT_MAX);
    must(state_begin(s, &err));
    must(state_put_ticket(s, &reported, &err));
    must(state_put_ticket(s, &fault, &err));
    must(state_put_ticket(s, &closed, &err));
    must(state_commit(s, &err));
    state_close(s);

    s = open_state(STORE_READ);
    must(state_max_ticket(s, &number, &err));
    ck_assert_int_eq(number, 8);
    must(state_oldest_visit(s, &number, &err));
    ck_assert_int_eq(number, 1000);
    must(state_each_ticket(s, INSTANT_NONE, keep_ticket, &r, &err));
    ck_assert_uint_eq(r.count, 3);
    ck_assert_int_eq(r.rows[0].number, 6);
    ck_assert_int_eq(r.rows[0].closed_ms, 1000);
    ck_assert_int_eq(r.rows[1].respond_from_ms, 14);
    ck_assert(titles_are_same(&r.rows[1].titles, &fault.titles));
    ck_assert_int_eq(r.rows[1].resolve_from_ms, 15);
    ck_assert(!r.has_device[2] && !r.has_rule[2]);
    ck_assert_str_eq(r.rows[2].assignee, "");
    ck_assert_int_eq(r.rows[2].rating, 0);
    ck_assert_int_eq(r.rows[2].kind, TICKET_REPORTED);
    /* Pointers of the row are gone with it; everything else is the same bytes. */
    struct ticket got = r.rows[1], want = fault;
    got.device = want.device = NULL;
    got.rule = want.rule = NULL;
    struct strbuf got_json = {0}, want_json = {0};
    ticket_to_json(&got_json, &got);
    ticket_to_json(&want_json, &want);
    ck_assert_str_eq(strbuf_text(&got_json), strbuf_text(&want_json));
    strbuf_fini(&got_json);
    strbuf_fini(&want_json);
    ck_assert_int_eq(got.waiting_since_ms, 13);
    ck_assert(got.respond_warned && !got.respond_breached);
    ck_assert(!got.resolve_warned && got.resolve_breached);

    r = (struct tickets_read){0};
    must(state_each_ticket(s, 1000, keep_ticket, &r, &err));
    ck_assert_uint_eq(r.count, 3);
    r = (struct tickets_read){0};
    must(state_each_ticket(s, 1001, keep_ticket, &r, &err));
    ck_assert_uint_eq(r.count, 2);
    state_close(s);
}
END_TEST

struct timers_read {
    int count;
    struct timer_row last;
    char device[ID_BYTES_MAX];
};

static bool
keep_timer(void *ctx, const struct timer_row *row)
{
    struct timers_read *r = ctx;
    r->count++;
    r->last = *row;
    snprintf(r->device, sizeof r->device, "%s", row->device);
    return true;
}

static bool
keep_device(void *ctx, const char *device, bool online)
{
    snprintf(ctx, 64, "%s%s", device, online ? "+" : "-");
    return true;
}

START_TEST(test_timers_devices_and_sign_of_life_read_back)
{
    struct timers_read r = {0};
    char text[64] = "";
    int64_t alive = 0;
    const struct timer_row row = {.device = "pump-1",
                                  .rule = "hot",
                                  .phase = 2,
                                  .level = 1,
                                  .target_level = 3,
                                  .since_ms = INSTANT_NONE,
                                  .clear = true,
                                  .clear_since_ms = -5,
                                  .while_last_ms = 99};
    struct state *s = open_state(STORE_WRITE);
    must(state_get_alive(s, &alive, &err));
    ck_assert_int_eq(alive, INSTANT_NONE);
    must(state_begin(s, &err));
    must(state_put_timer(s, &row, &err));
    must(state_put_timer(s, &row, &err));
    must(state_put_device(s, "pump-1", true, &err));
    must(state_put_device(s, "pump-1", false, &err));
    must(state_put_alive(s, 123456, &err));
    must(state_commit(s, &err));
    state_close(s);

    s = open_state(STORE_WRITE);
    must(state_each_timer(s, keep_timer, &r, &err));
    ck_assert_int_eq(r.count, 1);
    ck_assert_str_eq(r.device, "pump-1");
    ck_assert_int_eq(r.last.phase, 2);
    ck_assert_int_eq(r.last.level, 1);
    ck_assert_int_eq(r.last.target_level, 3);
    ck_assert_int_eq(r.last.since_ms, INSTANT_NONE);
    ck_assert(r.last.clear);
    ck_assert_int_eq(r.last.clear_since_ms, -5);
    ck_assert_int_eq(r.last.while_last_ms, 99);
    must(state_each_device(s, keep_device, text, &err));
    ck_assert_str_eq(text, "pump-1-");
    must(state_get_alive(s, &alive, &err));
    ck_assert_int_eq(alive, 123456);
    must(state_delete_timer(s, "pump-1", "hot", &err));
    r.count = 0;
    must(state_each_timer(s, keep_timer, &r, &err));
    ck_assert_int_eq(r.count, 0);
    state_close(s);
}
END_TEST

static bool
check_event(void *ctx, const struct event_row *row)
{
    (*(int *)ctx)++;
    ck_assert_int_eq(row->t_ms, 1000);
    ck_assert_str_eq(row->name, "alarm.raised");
    ck_assert_str_eq(row->device, "pump-1");
    ck_assert_str_eq(row->rule, "hot");
    ck_assert_int_eq(row->ticket, 7);
    ck_assert_str_eq(row->json, "{\"event\":\"alarm.raised\"}");
    ck_assert_str_eq(row->peer, "uid=0");
    return true;
}

START_TEST(test_events_are_numbered_from_one_across_reopening)
{
    int rows = 0;
    struct state *s = open_state(STORE_WRITE);
    must(state_begin(s, &err));
    ck_assert_int_eq(add_event(s, 1000), 1);
    ck_assert_int_eq(add_event(s, 1000), 2);
    must(state_commit(s, &err));
    state_close(s);
    s = open_state(STORE_WRITE);
    must(state_begin(s, &err));
    ck_assert_int_eq(add_event(s, 1000), 3);
    must(state_commit(s, &err));
    must(state_each_event(s, 1, 1, check_event, &rows, &err));
    ck_assert_int_eq(rows, 1);
    must(state_each_event(s, 1, 0, check_event, &rows, &err));
    ck_assert_int_eq(rows, 3);
    state_close(s);
}
END_TEST

START_TEST(test_rollback_leaves_no_trace_and_no_gap)
{
    int64_t depth = -1;
    struct state *s = open_state(STORE_WRITE);
    must(state_begin(s, &err));
    ck_assert_int_eq(add_event(s, 1), 1);
    must(state_outbox_add(s, "a", "1", false, &err));
    must(state_commit(s, &err));
    must(state_outbox_depth(s, &depth, &err));
    ck_assert_int_eq(depth, 1);

    must(state_begin(s, &err));
    ck_assert_int_eq(add_event(s, 2), 2);
    ck_assert_int_eq(add_event(s, 3), 3);
    must(state_outbox_add(s, "b", "2", false, &err));
    state_rollback(s);
    must(state_outbox_depth(s, &depth, &err));
    ck_assert_int_eq(depth, 1);

    must(state_begin(s, &err));
    ck_assert_int_eq(add_event(s, 4), 2);
    must(state_commit(s, &err));
    ck_assert_int_eq(events_in(s), 2);
    state_close(s);
}
END_TEST

START_TEST(test_closing_inside_a_transaction_rolls_back)
{
    struct state *s = open_state(STORE_WRITE);
    must(state_begin(s, &err));
    add_event(s, 1);
    state_close(s);
    s = open_state(STORE_WRITE);
    ck_assert_int_eq(events_in(s), 0);
    state_close(s);
}
END_TEST

struct outbox_read {
    char text[256];
    int64_t ids[16];
    size_t count;
};

static bool
keep_outbox(void *ctx, const struct outbox_row *row)
{
    struct outbox_read *r = ctx;
    size_t size = strlen(r->text);
    snprintf(r->text + size, sizeof r->text - size, "%s=%s%s ", row->topic,
             row->payload, row->retain ? "!" : "");
    r->ids[r->count++] = row->id;
    return true;
}

START_TEST(test_a_retained_message_replaces_the_one_that_still_waits)
{
    struct outbox_read r = {0};
    int64_t depth = -1;
    struct state *s = open_state(STORE_WRITE);
    must(state_outbox_depth(s, &depth, &err));
    ck_assert_int_eq(depth, 0);
    must(state_begin(s, &err));
    must(state_outbox_add(s, "event", "1", false, &err));
    must(state_outbox_add(s, "alarm", "old", true, &err));
    must(state_outbox_add(s, "event", "2", false, &err));
    must(state_outbox_add(s, "alarm", "", true, &err));
    must(state_commit(s, &err));
    must(state_outbox_depth(s, &depth, &err));
    ck_assert_int_eq(depth, 3);
    must(state_each_outbox(s, 0, 0, keep_outbox, &r, &err));
    ck_assert_str_eq(r.text, "event=1 event=2 alarm=! ");

    struct outbox_read one = {0};
    must(state_each_outbox(s, r.ids[0], 1, keep_outbox, &one, &err));
    ck_assert_str_eq(one.text, "event=2 ");

    /* One that was replaced meanwhile, and all others: ids never come back. */
    int64_t gone[] = {r.ids[0], r.ids[1], r.ids[2], 2};
    must(state_outbox_remove(s, gone, ARRAY_LEN(gone), &err));
    must(state_outbox_depth(s, &depth, &err));
    ck_assert_int_eq(depth, 0);
    state_close(s);
    s = open_state(STORE_WRITE);
    must(state_outbox_add(s, "event", "3", false, &err));
    struct outbox_read after = {0};
    must(state_each_outbox(s, 0, 0, keep_outbox, &after, &err));
    ck_assert_uint_eq(after.count, 1);
    ck_assert_int_gt(after.ids[0], r.ids[2]);
    state_close(s);
}
END_TEST

START_TEST(test_a_reader_sees_whole_transactions_while_the_writer_writes)
{
    struct state *writer = open_state(STORE_WRITE);
    struct state *reader = open_state(STORE_READ);
    must(state_begin(writer, &err));
    add_event(writer, 1);
    add_event(writer, 2);
    ck_assert_int_eq(events_in(reader), 0);
    must(state_commit(writer, &err));
    ck_assert_int_eq(events_in(reader), 2);
    state_close(reader);
    state_close(writer);
}
END_TEST

struct nested {
    struct state *s;
    int outer, inner;
};

static bool
nested_inner(void *ctx, const struct event_row *row)
{
    (void)row;
    ((struct nested *)ctx)->inner++;
    return true;
}

static bool
nested_outer(void *ctx, const struct event_row *row)
{
    struct nested *n = ctx;
    n->outer++;
    must(state_each_event(n->s, 0, 0, nested_inner, n, &err));
    ck_assert_str_eq(row->name, "alarm.raised");
    return true;
}

START_TEST(test_a_callback_may_read_the_same_table)
{
    struct nested n = {.s = open_state(STORE_WRITE)};
    must(state_begin(n.s, &err));
    add_event(n.s, 1);
    add_event(n.s, 2);
    must(state_commit(n.s, &err));
    must(state_each_event(n.s, 0, 0, nested_outer, &n, &err));
    ck_assert_int_eq(n.outer, 2);
    ck_assert_int_eq(n.inner, 4);
    state_close(n.s);
}
END_TEST

static const struct {
    const char *sql;
    const char *want;
} views[] = {
    {"SELECT raised_at FROM alarms", "2026-03-01T10:14:30.000Z"},
    {"SELECT acked_at FROM alarms", "2026-03-01T10:14:31.001Z"},
    {"SELECT cleared_at FROM alarms", "NULL"},
    {"SELECT severity || ' ' || state FROM alarms", "urgent active-acked"},
    {"SELECT count(*) FROM alarms", "1"},
    {"SELECT resolve_by FROM tickets", "1970-01-01T00:00:00.030Z"},
    {"SELECT kind || ' ' || priority || ' ' || state FROM tickets",
     "fault urgent waiting"},
    {"SELECT at || ' ' || name || ' ' || person FROM events_view",
     "2026-03-01T10:14:30.000Z alarm.raised zhang"},
    {"PRAGMA journal_mode", "wal"},
};

START_TEST(test_views_speak_plainly)
{
    char got[512];
    struct state *s = open_state(STORE_WRITE);
    must(state_begin(s, &err));
    must(state_put_alarm(s, &hot, &err));
    must(state_put_alarm(s, &quiet, &err));
    must(state_put_ticket(s, &fault, &err));
    add_event(s, 1772360070000);
    must(state_commit(s, &err));
    state_close(s);
    scratch_query(dir, "state.db", views[_i].sql, got);
    ck_assert_str_eq(got, views[_i].want);
}
END_TEST

START_TEST(test_a_word_nobody_knows_is_an_error_with_its_file)
{
    struct alarms_read r = {0};
    struct state *s = open_state(STORE_WRITE);
    must(state_put_alarm(s, &hot, &err));
    scratch_exec(dir, "state.db", "UPDATE alarm SET state = 'odd'");
    ck_assert_int_eq(state_each_alarm(s, false, keep_alarm, &r, &err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "state.db"));
    ck_assert_ptr_nonnull(strstr(err.text, "'odd'"));
    state_close(s);
}
END_TEST

static Suite *
suite(void)
{
    Suite *su = suite_create("state");
    TCase *tc = tcase_create("state");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, test_open_makes_folder_and_file_for_the_group_only);
    tcase_add_test(tc, test_reader_of_a_missing_file_is_not_found);
    tcase_add_test(tc, test_second_writer_is_refused_while_the_first_runs);
    tcase_add_test(tc, test_gateway_id_is_made_once);
    tcase_add_test(tc, test_alarms_read_back_and_normal_ones_stay_out_of_listings);
    tcase_add_test(tc, test_what_hides_an_alarm_reads_back);
    tcase_add_test(tc, test_devices_out_of_service_read_back_until_they_are_in_again);
    tcase_add_test(tc, test_meters_read_back);
    tcase_add_test(tc, test_a_database_of_the_first_schema_is_taken_on_with_its_alarms);
    tcase_add_test(tc, test_tickets_read_back_in_order_of_number);
    tcase_add_test(tc, test_timers_devices_and_sign_of_life_read_back);
    tcase_add_test(tc, test_events_are_numbered_from_one_across_reopening);
    tcase_add_test(tc, test_rollback_leaves_no_trace_and_no_gap);
    tcase_add_test(tc, test_closing_inside_a_transaction_rolls_back);
    tcase_add_test(tc, test_a_retained_message_replaces_the_one_that_still_waits);
    tcase_add_test(tc, test_a_reader_sees_whole_transactions_while_the_writer_writes);
    tcase_add_test(tc, test_a_callback_may_read_the_same_table);
    tcase_add_loop_test(tc, test_views_speak_plainly, 0, (int)ARRAY_LEN(views));
    tcase_add_test(tc, test_a_word_nobody_knows_is_an_error_with_its_file);
    suite_add_tcase(su, tc);
    return su;
}

int
main(void)
{
    SRunner *sr = srunner_create(suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
