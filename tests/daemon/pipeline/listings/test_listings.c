/* Alarms and tickets as JSON arrays, and what a filter lets through. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/listings/listings.h"
#include "daemon/pipeline/listings/ticket_listing.h"
#include "tests/daemon/store/scratch.h"

#define T0  1767225600000LL
#define NOW (T0 + 3600000)

/* lift-2 feeds nothing; pump-2 feeds pump-3 and, through panel-1, pump-4. */
static struct device devices[] = {
    {.id = "lift-2", .serves = 100, .parent = NONE_INDEX},
    {.id = "panel-1", .parent = 3},
    {.id = "pump-1", .serves = 60, .parent = NONE_INDEX},
    {.id = "pump-2", .parent = NONE_INDEX},
    {.id = "pump-3", .serves = 30, .parent = 3},
    {.id = "pump-4", .serves = 50, .parent = 1},
};
static const struct site estate = {.devices = devices,
                                   .device_count = ARRAY_LEN(devices)};

static char dir[SCRATCH_BYTES];
static struct err err;
static struct state *store;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
put_alarm(const char *device,
          const char *rule,
          enum severity severity,
          enum alarm_state state)
{
    const struct alarm a = {.device = device,
                            .rule = rule,
                            .severity = severity,
                            .state = state,
                            .episode = 1,
                            .raised_ms = T0,
                            .cleared_ms = INSTANT_NONE,
                            .acked_ms = INSTANT_NONE,
                            .title = "\"hot\" \\ 热"};
    must(state_put_alarm(store, &a, &err));
}

static void
put_ticket(int64_t number,
           const char *device,
           enum ticket_state state,
           const char *assignee)
{
    struct ticket t = {.number = number,
                       .kind = TICKET_FAULT,
                       .device = device,
                       .rule = device != NULL ? "hot" : NULL,
                       .priority = SEVERITY_NORMAL,
                       .state = state,
                       .opened_ms = T0,
                       .respond_by_ms = T0,
                       .resolve_by_ms = T0,
                       .respond_from_ms = T0,
                       .resolve_from_ms = T0,
                       .assigned_ms = INSTANT_NONE,
                       .responded_ms = INSTANT_NONE,
                       .resolved_ms = INSTANT_NONE,
                       .verified_ms = INSTANT_NONE,
                       .closed_ms = state == TICKET_CLOSED ? T0 : INSTANT_NONE,
                       .waiting_since_ms = INSTANT_NONE,
                       .cleared_ms = INSTANT_NONE,
                       .episodes = 1,
                       .title = "hot"};
    snprintf(t.assignee, sizeof t.assignee, "%s", assignee);
    snprintf(t.team, sizeof t.team, "%s", number == 3 ? "mechanical" : "");
    must(state_put_ticket(store, &t, &err));
}

static void
setup(void)
{
    scratch_make(dir);
    must(state_open(&store, dir, STORE_WRITE, &err));
    put_alarm("pump-1", "hot", SEVERITY_URGENT, ALARM_ACTIVE);
    put_alarm("pump-1", "shaken", SEVERITY_NORMAL, ALARM_NORMAL);
    put_alarm("pump-2", "hot", SEVERITY_NORMAL, ALARM_CLEARED);
    put_alarm("pump-2", "shaken", SEVERITY_URGENT, ALARM_ACTIVE_ACKED);
    put_ticket(1, "pump-1", TICKET_CLOSED, "zhang");
    put_ticket(2, "pump-1", TICKET_OPENED, "");
    put_ticket(3, "pump-2", TICKET_RESOLVED, "zhang");
    put_ticket(4, NULL, TICKET_WAITING, "li");
}

static void
teardown(void)
{
    state_close(store);
    scratch_remove(dir);
}

static const struct {
    struct alarm_filter filter;
    const char *listed;
} alarm_rows[] = {
    {{0}, "pump-1/hot pump-2/hot pump-2/shaken"},
    {{.device = "pump-2"}, "pump-2/hot pump-2/shaken"},
    {{.rule = "hot"}, "pump-1/hot pump-2/hot"},
    {{.device = "pump-1", .rule = "shaken"}, ""}, /* Normal: not in a listing. */
    {{.device = "pump-9"}, ""},
    {{.severity = "urgent"}, "pump-1/hot pump-2/shaken"},
    {{.severity = "critical"}, ""},
    {{.state = "cleared"}, "pump-2/hot"},
    {{.state = "active"}, "pump-1/hot"},
    {{.state = "active-acked", .severity = "urgent"}, "pump-2/shaken"},
    {{.state = "shelved"}, ""},
};

/* The listing as "device/rule ..." or "1 2 ...". */
static void
summarise(const struct strbuf *text, struct strbuf *out)
{
    json_error_t where;
    json_t *root = json_loads(text->text, 0, &where);
    ck_assert_msg(json_is_array(root), "%s: %s", text->text, where.text);
    size_t i;
    json_t *item;
    json_array_foreach(root, i, item)
    {
        json_t *number = json_object_get(item, "number");
        if (number != NULL) {
            strbuf_printf(out, "%s%d", i > 0 ? " " : "",
                          (int)json_integer_value(number));
        } else {
            strbuf_printf(out, "%s%s/%s", i > 0 ? " " : "",
                          json_string_value(json_object_get(item, "device")),
                          json_string_value(json_object_get(item, "rule")));
        }
    }
    json_decref(root);
}

START_TEST(test_alarms)
{
    struct strbuf text = {0};
    struct strbuf listed = {0};
    must(listing_alarms(&estate, store, &alarm_rows[_i].filter, &text, &err));
    summarise(&text, &listed);
    ck_assert_str_eq(strbuf_text(&listed), alarm_rows[_i].listed);
    strbuf_fini(&listed);
    strbuf_fini(&text);
}
END_TEST

static const struct {
    struct ticket_filter filter;
    const char *listed;
} ticket_rows[] = {
    {{0}, "3 2 4"}, /* pump-2 serves 80 homes, pump-1 60, what is no device none. */
    {{.order = "number"}, "2 3 4"},
    {{.all = true}, "1 2 3 4"},
    {{.all = true, .order = "queue"}, "3 2 4 1"},
    {{.overdue = true}, "2 4"}, /* Resolved is not late; waiting is, if nobody came. */
    {{.team = "mechanical"}, "3"},
    {{.team = "mechanical", .device = "pump-1"}, ""},
    {{.device = "pump-1"}, "2"},
    {{.device = "pump-1", .all = true}, "1 2"},
    {{.state = "closed"}, "1"}, /* Asked for by name: no `all` is needed. */
    {{.state = "resolved"}, "3"},
    {{.state = "waiting", .device = "pump-1"}, ""},
    {{.assignee = "zhang"}, "3"},
    {{.assignee = "zhang", .all = true}, "1 3"},
    {{.assignee = "nobody", .all = true}, ""},
    {{.team = "mechanical", .all = true}, "3"},
    {{.all = true, .overdue = true}, "2 4"},
    {{.limit = 2}, "3 2"},
    {{.all = true, .limit = 2}, "3 4"}, /* The newest. */
    {{.all = true, .limit = 9}, "1 2 3 4"},
    {{.all = true, .order = "queue", .limit = 3}, "3 2 4"},
    {{.all = true, .assignee = "zhang", .limit = 1}, "3"},
    {{.all = true, .state = "opened", .limit = 1}, "2"},
    {{.state = "closed", .limit = 5}, "1"},
};

START_TEST(test_tickets)
{
    struct strbuf text = {0};
    struct strbuf listed = {0};
    must(listing_tickets(store, &estate, &ticket_rows[_i].filter, NOW, &text, &err));
    summarise(&text, &listed);
    ck_assert_str_eq(strbuf_text(&listed), ticket_rows[_i].listed);
    strbuf_fini(&listed);
    strbuf_fini(&text);
}
END_TEST

#define CLOSED 3000

/* The next piece: how many tickets it has, and how large it is. */
static size_t
next_piece(struct ticket_listing *l, struct strbuf *all, bool *more)
{
    struct strbuf piece = {0};
    must(ticket_listing_next(l, store, &piece, more, &err));
    strbuf_add(all, strbuf_text(&piece));
    size_t count = 0;
    for (const char *p = strbuf_text(&piece); (p = strstr(p, "\"number\":")) != NULL;
         p++) {
        count++;
    }
    strbuf_fini(&piece);
    return count;
}

START_TEST(test_a_long_listing_comes_in_pieces)
{
    const struct ticket_filter filters[] = {{.all = true},
                                            {.all = true, .order = "queue"},
                                            {.state = "closed", .device = "pump-1"},
                                            {.all = true, .limit = 1000}};
    const size_t listed[] = {CLOSED + 4, CLOSED + 4, CLOSED + 1, 1000};
    must(state_begin(store, &err));
    for (int64_t i = 0; i < CLOSED; i++) {
        put_ticket(5 + i, "pump-1", TICKET_CLOSED, "zhang");
    }
    must(state_commit(store, &err));
    struct ticket_listing *l = NULL;
    struct strbuf all = {0};
    bool more = true;
    size_t count = 0;
    size_t pieces = 0;
    must(ticket_listing_open(&l, store, &estate, &filters[_i], NOW, &err));
    for (; more; pieces++) {
        size_t found = next_piece(l, &all, &more);
        ck_assert_uint_lt(found, 600);
        count += found;
    }
    ck_assert_uint_eq(count, listed[_i]);
    ck_assert_uint_ge(pieces, count / 600);
    struct strbuf numbers = {0};
    summarise(&all, &numbers); /* It is one array. */
    const char *tail = " 3002 3003 3004";
    ck_assert_str_eq(numbers.text + numbers.size - strlen(tail), tail);
    ticket_listing_free(l);
    strbuf_fini(&numbers);
    strbuf_fini(&all);
}
END_TEST

START_TEST(test_what_is_closed_between_two_pieces_is_listed_once)
{
    const struct ticket_filter filter = {.all = true, .order = "queue"};
    must(state_begin(store, &err));
    for (int64_t i = 0; i < CLOSED; i++) {
        put_ticket(5 + i, "pump-1", TICKET_CLOSED, "zhang");
    }
    put_ticket(5 + CLOSED, "pump-1", TICKET_OPENED, "zhang");
    must(state_commit(store, &err));
    struct ticket_listing *l = NULL;
    struct strbuf all = {0};
    bool more = true;
    must(ticket_listing_open(&l, store, &estate, &filter, NOW, &err));
    size_t count = next_piece(l, &all, &more);
    ck_assert(more);
    put_ticket(5 + CLOSED, "pump-1", TICKET_CLOSED, "zhang");
    while (more) {
        count += next_piece(l, &all, &more);
    }
    ck_assert_uint_eq(count, CLOSED + 5);
    ticket_listing_free(l);
    strbuf_fini(&all);
}
END_TEST

static const struct {
    struct alarm_filter alarms;
    struct ticket_filter tickets;
    const char *said;
} wrong[] = {
    {{.severity = "high"}, {0}, "critical, urgent, normal or info"},
    {{.severity = ""}, {0}, "critical, urgent, normal or info"},
    {{.state = "opened"}, {0}, "active-acked, cleared, shelved"},
    {{0}, {.state = "active"}, "opened, assigned, responded, waiting, resolved"},
    {{0}, {.state = "opened", .order = "age"}, "queue or number"},
    {{0}, {.state = "Closed"}, "opened, assigned, responded, waiting, resolved"},
};

START_TEST(test_filters_that_name_nothing)
{
    struct strbuf text = {0};
    bool of_alarms = wrong[_i].tickets.state == NULL;
    int code =
        of_alarms
            ? listing_alarms(&estate, store, &wrong[_i].alarms, &text, &err)
            : listing_tickets(store, &estate, &wrong[_i].tickets, NOW, &text, &err);
    ck_assert_int_eq(code, ERR_RANGE);
    ck_assert_msg(strstr(err.text, wrong[_i].said) != NULL, "%s", err.text);
    ck_assert_uint_eq(text.size, 0);
    strbuf_fini(&text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("listings");
    TCase *tc = tcase_create("listings");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_alarms, 0, (int)ARRAY_LEN(alarm_rows));
    tcase_add_loop_test(tc, test_tickets, 0, (int)ARRAY_LEN(ticket_rows));
    tcase_add_loop_test(tc, test_a_long_listing_comes_in_pieces, 0, 4);
    tcase_add_test(tc, test_what_is_closed_between_two_pieces_is_listed_once);
    tcase_add_loop_test(tc, test_filters_that_name_nothing, 0, (int)ARRAY_LEN(wrong));
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
