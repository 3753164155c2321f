#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/ticket/plan_due.h"
#include "daemon/ticket/plan_visits.h"
#include "daemon/ticket/plans.h"

#define MINUTE      INT64_C(60000)
#define HOUR        (60 * MINUTE)
#define DAY         (24 * HOUR)
#define TICKETS_MAX 4096

enum { LIFT, PUMP, DEVICES };
enum { GREASE, INSPECT, OVERHAUL, PLANS };
enum { RUNNING, CYCLES, POINTS };

static struct device devices[DEVICES];
static struct point points[POINTS];
static struct plan_spec specs[PLANS];
static struct site site;

/* The other stages, and what was told of it. */
static struct plans *plans;
static struct strbuf told;
static struct ticket tickets[TICKETS_MAX];
static int64_t ticket_count;
static unsigned served;
static bool out_of_service;
static int64_t now_ms;
static struct plan_row rows[256];
static size_t row_count;
static struct err err;

static int32_t
day(const char *text)
{
    int32_t out;
    ck_assert(civil_parse_date(&out, text));
    return out;
}

static int64_t
at(const char *text, int hour)
{
    return civil_instant(day(text), hour * 60);
}

static int64_t
on_open(void *ctx, int64_t t_ms, const struct plan_work *w)
{
    (void)ctx;
    ck_assert_int_lt(ticket_count, TICKETS_MAX);
    for (int64_t i = 0; i < ticket_count; i++) { /* Never a second one. */
        ck_assert(tickets[i].state == TICKET_RESOLVED ||
                  strcmp(tickets[i].plan, specs[w->plan].id) != 0 ||
                  strcmp(tickets[i].device, devices[w->device].id) != 0);
    }
    struct ticket *t = &tickets[ticket_count++];
    *t = (struct ticket){.number = ticket_count,
                         .kind = TICKET_PLANNED,
                         .state = TICKET_OPENED,
                         .device = devices[w->device].id,
                         .opened_ms = t_ms,
                         .due_ms = w->due_ms,
                         .resolved_ms = INSTANT_NONE};
    snprintf(t->plan, sizeof t->plan, "%s", specs[w->plan].id);
    char when[INSTANT_TEXT_BYTES];
    strbuf_printf(&told, "%.16s opened %lld; ", instant_format_local(when, t_ms),
                  (long long)t->number);
    return t->number;
}

static void
on_move(void *ctx, int64_t t_ms, int64_t number, const struct plan_work *w)
{
    (void)ctx;
    (void)t_ms;
    tickets[number - 1].due_ms = w->due_ms;
}

static const struct ticket *
on_ticket(void *ctx, int64_t number)
{
    (void)ctx;
    return number >= 1 && number <= ticket_count ? &tickets[number - 1] : NULL;
}

static bool
on_service(void *ctx, uint32_t device)
{
    (void)ctx;
    (void)device;
    return out_of_service;
}

static void
on_served(void *ctx, int64_t t_ms, uint32_t device)
{
    (void)ctx;
    (void)t_ms;
    (void)device;
    served++;
}

static void
on_event(void *ctx, const struct event *e)
{
    char when[INSTANT_TEXT_BYTES];
    char due[CIVIL_TEXT_BYTES] = "";
    (void)ctx;
    if (e->due_ms != 0) {
        civil_format(due, civil_day(e->due_ms));
    }
    strbuf_printf(&told, "%.16s %s %s %s %s; ", instant_format_local(when, e->t_ms),
                  event_kind_name(e->kind) + strlen("plan."), e->plan, e->device, due);
}

static void
on_row(void *ctx, const struct plan_row *row)
{
    (void)ctx;
    size_t i = 0;
    while (i < row_count && (strcmp(rows[i].plan, row->plan) != 0 ||
                             strcmp(rows[i].device, row->device) != 0)) {
        i++;
    }
    ck_assert_uint_lt(i, ARRAY_LEN(rows));
    row_count += i == row_count;
    rows[i] = *row;
}

static const struct sink sink = {.event = on_event, .plan = on_row};
static const struct plans_view view = {.open = on_open,
                                       .move = on_move,
                                       .ticket = on_ticket,
                                       .out_of_service = on_service,
                                       .served = on_served};

static void
make_site(void)
{
    memset(devices, 0, sizeof devices);
    memset(points, 0, sizeof points);
    memset(specs, 0, sizeof specs);
    devices[LIFT] = (struct device){.id = "lift-1", .name = "lift-1", .type = "lift"};
    devices[PUMP] = (struct device){.id = "pump-1",
                                    .name = "pump-1",
                                    .type = "pump",
                                    .first_point = RUNNING,
                                    .point_count = POINTS};
    points[RUNNING] = (struct point){
        .id = "running", .device = PUMP, .type = TYPE_BOOL, .stale_after_ms = 2 * HOUR};
    points[CYCLES] = (struct point){
        .id = "cycles", .device = PUMP, .type = TYPE_U32, .stale_after_ms = 2 * HOUR};
    specs[GREASE] = (struct plan_spec){.id = "grease",
                                       .title = {{"Grease", NULL}},
                                       .applies_to = {.type = "pump"},
                                       .cycle = PLAN_EVERY,
                                       .every_ms = 30 * DAY,
                                       .from_done = true,
                                       .grace_ms = 2 * DAY,
                                       .remind_ms = 3 * DAY,
                                       .starts = DAY_NONE};
    specs[INSPECT] = (struct plan_spec){.id = "inspect",
                                        .title = {{"Inspect", NULL}},
                                        .applies_to = {.type = "lift"},
                                        .cycle = PLAN_EVERY,
                                        .every_ms = 15 * DAY,
                                        .from_done = true,
                                        .statutory = true,
                                        .remind_ms = 3 * DAY,
                                        .starts = DAY_NONE};
    specs[OVERHAUL] = (struct plan_spec){.id = "overhaul",
                                         .title = {{"Overhaul", NULL}},
                                         .applies_to = {.type = "nothing"},
                                         .cycle = PLAN_BY_USE,
                                         .from_done = true,
                                         .remind_ms = 3 * DAY,
                                         .starts = DAY_NONE};
    site = (struct site){.devices = devices,
                         .device_count = DEVICES,
                         .points = points,
                         .point_count = POINTS,
                         .plans = specs,
                         .plan_count = PLANS};
}

static void
setup(void)
{
    make_site();
    memset(&err, 0, sizeof err);
    ticket_count = 0;
    served = 0;
    row_count = 0;
    out_of_service = false;
    now_ms = 0;
    strbuf_clear(&told);
    plans = NULL;
}

static void
teardown(void)
{
    plans_free(plans);
    strbuf_fini(&told);
}

static void
begin(const char *date)
{
    plans = plans_new(&site, &sink, &view);
    now_ms = at(date, 0);
    plans_begin(plans, now_ms);
}

/* Engine time never goes back: what became due while nobody looked is done now. */
static void
advance(int64_t t_ms)
{
    while (plans_due(plans) <= t_ms) {
        int64_t due = plans_due(plans);
        now_ms = due > now_ms ? due : now_ms;
        plans_fire(plans, now_ms);
    }
    now_ms = t_ms > now_ms ? t_ms : now_ms;
}

/* A restart: only what went to the sink is known. */
static void
restart(int64_t t_ms)
{
    plans_save_use(plans, on_row, NULL);
    plans_free(plans);
    plans = plans_new(&site, &sink, &view);
    now_ms = t_ms;
    for (size_t i = 0; i < row_count; i++) {
        struct plan_row row = rows[i];
        plans_restore(plans, &row);
    }
    plans_begin(plans, t_ms);
}

static void
resolve(int64_t number, int64_t t_ms)
{
    struct ticket *t = &tickets[number - 1];
    t->state = TICKET_RESOLVED;
    t->resolved_ms = t_ms;
    plans_ticket(plans, t_ms, t);
}

static void
expect(const char *wanted)
{
    ck_assert_str_eq(strbuf_text(&told), wanted);
    strbuf_clear(&told);
}

static int
command(enum command_kind kind,
        const char *plan,
        const char *device,
        const char *on,
        int64_t t_ms)
{
    struct command c = {.t_ms = t_ms,
                        .kind = kind,
                        .plan = plan,
                        .device = device,
                        .day = on != NULL ? day(on) : 0,
                        .by = "li"};
    int64_t ticket = 0;
    return plans_command(plans, &c, &ticket, &err);
}

static void
expect_refused(int code, const char *why)
{
    ck_assert_int_eq(code, ERR_REFUSED);
    ck_assert_str_eq(err.text, why);
}

START_TEST(test_a_visit_is_opened_reminded_of_overdue_and_done)
{
    specs[GREASE].starts = day("2026-03-10");
    specs[INSPECT].applies_to.type = "nothing";
    begin("2026-03-01");
    advance(at("2026-03-07", 7));
    expect("");
    advance(at("2026-03-14", 0));
    expect("2026-03-07 08:00 opened 1; 2026-03-07 08:00 reminded grease pump-1 "
           "2026-03-10; "
           "2026-03-10 08:00 reminded grease pump-1 2026-03-10; "
           "2026-03-13 00:00 overdue grease pump-1 2026-03-10; ");
    resolve(1, at("2026-03-15", 9));
    expect("2026-03-15 09:00 moved grease pump-1 2026-04-14; ");
    ck_assert_uint_eq(served, 1);
    advance(at("2026-04-11", 9));
    expect("2026-04-11 08:00 opened 2; 2026-04-11 08:00 reminded grease pump-1 "
           "2026-04-14; ");
    ck_assert_int_eq(tickets[1].due_ms, at("2026-04-14", 0));
}
END_TEST

START_TEST(test_nothing_opens_on_the_first_day_unless_a_date_asks_for_it)
{
    specs[GREASE].cycle = PLAN_MONTHLY;
    specs[GREASE].months = 1;
    specs[GREASE].nth = 1;
    specs[GREASE].weekday = 1;
    specs[GREASE].every_ms = 0;
    specs[INSPECT].every_ms = 2 * DAY;
    specs[INSPECT].remind_ms = DAY;
    begin("2026-03-03"); /* A first Tuesday. */
    advance(at("2026-03-04", 7));
    expect("");
    ck_assert_int_eq(plans_get(plans, 1, 0).due_day, day("2026-04-07"));
    advance(at("2026-03-05", 7));
    expect("2026-03-04 08:00 opened 1; 2026-03-04 08:00 reminded inspect lift-1 "
           "2026-03-05; ");
    plans_free(plans);
    setup();
    specs[GREASE].starts = day("2026-03-03");
    specs[INSPECT].applies_to.type = "nothing";
    begin("2026-03-03");
    advance(at("2026-03-03", 1));
    expect("2026-03-03 00:00 opened 1; 2026-03-03 00:00 reminded grease pump-1 "
           "2026-03-03; ");
}
END_TEST

START_TEST(test_a_reopened_visit_was_not_made)
{
    specs[GREASE].starts = day("2026-03-10");
    specs[INSPECT].applies_to.type = "nothing";
    begin("2026-03-01");
    advance(at("2026-03-09", 0));
    resolve(1, at("2026-03-09", 9));
    strbuf_clear(&told);
    tickets[0].state = TICKET_OPENED;
    plans_ticket(plans, at("2026-03-09", 10), &tickets[0]);
    expect("2026-03-09 10:00 moved grease pump-1 2026-03-10; ");
    restart(at("2026-03-09", 11));
    advance(at("2026-03-13", 1));
    expect("2026-03-10 08:00 reminded grease pump-1 2026-03-10; "
           "2026-03-13 00:00 overdue grease pump-1 2026-03-10; ");
}
END_TEST

START_TEST(test_a_restart_forgets_nothing_and_tells_nothing_twice)
{
    specs[GREASE].starts = day("2026-03-10");
    specs[INSPECT].applies_to.type = "nothing";
    begin("2026-03-01");
    for (int hour = 0; hour < 24 * 13; hour += 5) {
        int64_t now = at("2026-03-01", 0) + hour * HOUR;
        advance(now);
        restart(now);
    }
    advance(at("2026-03-14", 0));
    expect("2026-03-07 08:00 opened 1; 2026-03-07 08:00 reminded grease pump-1 "
           "2026-03-10; "
           "2026-03-10 08:00 reminded grease pump-1 2026-03-10; "
           "2026-03-13 00:00 overdue grease pump-1 2026-03-10; ");
}
END_TEST

START_TEST(test_a_statutory_visit_is_tightened_and_never_postponed)
{
    specs[INSPECT].starts = day("2026-03-20");
    specs[GREASE].applies_to.type = "nothing";
    begin("2026-03-01");
    int64_t now = at("2026-03-02", 9);
    expect_refused(
        command(COMMAND_PLAN_MOVE, "inspect", "lift-1", "2026-03-21", now),
        "it is due on 2026-03-20, and the law demands it: it may be tightened, never "
        "postponed; an earlier day is accepted");
    expect_refused(command(COMMAND_PLAN_MOVE, "inspect", "lift-1", "2026-03-20", now),
                   "it is due on 2026-03-20 already");
    expect_refused(command(COMMAND_PLAN_MOVE, "inspect", "lift-1", "2026-03-01", now),
                   "2026-03-01 is past; today, or a day after it");
    ck_assert_int_eq(plans_tighten(plans, now, INSPECT, LIFT, day("2026-03-12"),
                                   "the door is getting slow", NULL, &err),
                     0);
    expect("2026-03-02 09:00 moved inspect lift-1 2026-03-12; ");
    expect_refused(plans_tighten(plans, now, INSPECT, LIFT, day("2026-03-13"), "later",
                                 NULL, &err),
                   "it is due on 2026-03-12, and the law demands it: it may be "
                   "tightened, never postponed; an earlier day is accepted");
    advance(at("2026-03-09", 9));
    expect("2026-03-09 08:00 opened 1; 2026-03-09 08:00 reminded inspect lift-1 "
           "2026-03-12; ");
    now = at("2026-03-09", 10);
    ck_assert_int_eq(command(COMMAND_PLAN_MOVE, "inspect", "lift-1", "2026-03-10", now),
                     0);
    expect("2026-03-09 10:00 moved inspect lift-1 2026-03-10; ");
    ck_assert_int_eq(tickets[0].due_ms, at("2026-03-10", 0));
}
END_TEST

START_TEST(test_visits_by_hand)
{
    specs[GREASE].starts = day("2026-03-20");
    specs[INSPECT].applies_to.type = "nothing";
    begin("2026-03-01");
    int64_t now = at("2026-03-02", 9);
    ck_assert_int_eq(command(COMMAND_PLAN_MOVE, "grease", "pump-1", "2026-04-01", now),
                     0); /* No law stands against it. */
    expect("2026-03-02 09:00 moved grease pump-1 2026-04-01; ");
    ck_assert_int_eq(command(COMMAND_PLAN_DONE, "grease", "pump-1", "2026-02-10", now),
                     0);
    expect("2026-03-02 09:00 moved grease pump-1 2026-03-12; ");
    expect_refused(command(COMMAND_PLAN_DONE, "grease", "pump-1", "2026-02-10", now),
                   "a visit of 2026-02-10 is known already; a later day is accepted");
    ck_assert_int_eq(command(COMMAND_PLAN_START, "grease", "pump-1", NULL, now), 0);
    expect("2026-03-02 09:00 opened 1; ");
    expect_refused(command(COMMAND_PLAN_START, "grease", "pump-1", NULL, now),
                   "ticket 1 of this visit is open");
    expect_refused(command(COMMAND_PLAN_DONE, "grease", "pump-1", "2026-03-01", now),
                   "ticket 1 of this visit is open; resolve it");
    ck_assert_int_eq(command(COMMAND_PLAN_START, "grease", "lift-1", NULL, now),
                     ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "plan \"grease\" does not go to lift-1");
    ck_assert_int_eq(command(COMMAND_PLAN_START, "greese", "pump-1", NULL, now),
                     ERR_NOT_FOUND);
    ck_assert_int_eq(command(COMMAND_PLAN_START, "grease", NULL, NULL, now), ERR_USAGE);
}
END_TEST

/* Step by step a visit would go out of sight; one that is overdue for longer than its
 * cycle can still be given a day. */
START_TEST(test_a_visit_is_never_moved_over_the_next_one)
{
    specs[GREASE].starts = day("2026-03-20");
    specs[INSPECT].applies_to.type = "nothing";
    begin("2026-03-01");
    int64_t now = at("2026-03-02", 9);
    ck_assert_int_eq(command(COMMAND_PLAN_MOVE, "grease", "pump-1", "2026-04-18", now),
                     0);
    expect_refused(command(COMMAND_PLAN_MOVE, "grease", "pump-1", "2026-04-19", now),
                   "that would leave a visit out; a day before 2026-04-19 is accepted");
    ck_assert_int_eq(command(COMMAND_PLAN_MOVE, "grease", "pump-1", "2026-03-20", now),
                     0);
    advance(at("2026-05-10", 9));
    now = at("2026-05-10", 10);
    expect_refused(command(COMMAND_PLAN_MOVE, "grease", "pump-1", "2026-06-09", now),
                   "that would leave a visit out; a day before 2026-06-09 is accepted");
    ck_assert_int_eq(command(COMMAND_PLAN_MOVE, "grease", "pump-1", "2026-05-11", now),
                     0);
    ck_assert_int_eq(tickets[0].due_ms, at("2026-05-11", 0));
}
END_TEST

START_TEST(test_what_is_out_of_service_waits_unless_the_law_asks)
{
    specs[GREASE].starts = day("2026-03-10");
    specs[INSPECT].starts = day("2026-03-10");
    begin("2026-03-01");
    out_of_service = true;
    advance(at("2026-03-20", 9));
    expect("2026-03-07 08:00 opened 1; 2026-03-07 08:00 reminded inspect lift-1 "
           "2026-03-10; "
           "2026-03-10 08:00 reminded inspect lift-1 2026-03-10; "
           "2026-03-11 00:00 overdue inspect lift-1 2026-03-10; ");
    restart(at("2026-03-20", 10));
    advance(at("2026-03-20", 11));
    out_of_service = false;
    advance(at("2026-03-21", 9));
    expect(
        "2026-03-21 08:00 moved grease pump-1 2026-03-21; 2026-03-21 08:00 opened 2; "
        "2026-03-21 08:00 reminded grease pump-1 2026-03-21; ");
}
END_TEST

START_TEST(test_a_plan_or_device_that_comes_back_is_known)
{
    specs[GREASE].starts = day("2026-03-10");
    begin("2026-03-01");
    advance(at("2026-03-08", 0));
    resolve(1, at("2026-03-08", 9));
    strbuf_clear(&told);
    specs[GREASE].applies_to.type = "nothing"; /* Gone, for a while. */
    restart(at("2026-03-08", 10));
    advance(at("2026-03-08", 12));
    specs[GREASE].applies_to.type = "pump";
    specs[GREASE].every_ms = 20 * DAY; /* And changed. */
    restart(at("2026-03-08", 13));
    ck_assert_int_eq(plans_get(plans, 1, day("2026-03-08")).due_day, day("2026-03-28"));
}
END_TEST

static void
feed(uint32_t point, int64_t t_ms, double value)
{
    struct frame *f = calloc(1, frame_bytes(1));
    ck_assert_ptr_nonnull(f);
    f->t_ms = t_ms;
    f->device = PUMP;
    f->count = 1;
    f->readings[0] =
        (struct reading){.point = point, .value = value, .quality = QUALITY_GOOD};
    advance(t_ms);
    plans_frame(plans, f);
    free(f);
}

static void
by_use(enum plan_use use, const char *of, double limit)
{
    specs[GREASE].applies_to.type = "nothing";
    specs[INSPECT].applies_to.type = "nothing";
    specs[OVERHAUL].applies_to.type = "pump";
    specs[OVERHAUL].use = use;
    specs[OVERHAUL].use_of = of;
    specs[OVERHAUL].use_limit = limit;
}

/* Twelve hours a day: 120 h are reached on the tenth. */
START_TEST(test_hours_are_counted_and_the_day_is_forecast)
{
    by_use(PLAN_USE_HOURS, "running", 120);
    begin("2026-03-01");
    for (int hour = 0; hour < 24 * 8; hour++) {
        int64_t now = at("2026-03-01", 0) + hour * HOUR;
        feed(RUNNING, now, hour % 24 < 12);
        if (hour % 7 == 3) { /* What is not yet stored comes again from the history. */
            restart(now);
            feed(RUNNING, now - HOUR, 1);
        }
    }
    expect("2026-03-07 08:00 opened 1; 2026-03-07 08:00 reminded overhaul pump-1 "
           "2026-03-10; ");
    struct plan_now now = plans_get(plans, 0, day("2026-03-08"));
    ck_assert_double_eq_tol(now.used, 8 * 12, 1e-6);
    ck_assert_double_eq_tol(now.row->use.rate, 12, 0.5);
    resolve(1, at("2026-03-08", 23));
    ck_assert_double_eq_tol(plans_get(plans, 0, day("2026-03-08")).used, 0, 1e-6);
}
END_TEST

START_TEST(test_starts_and_counters_that_are_set_back)
{
    by_use(PLAN_USE_STARTS, "running", 5);
    begin("2026-03-01");
    for (int i = 0; i < 10; i++) {
        feed(RUNNING, at("2026-03-01", 9) + i * MINUTE, i % 2);
    }
    advance(at("2026-03-01", 10));
    expect("2026-03-01 09:09 opened 1; 2026-03-01 09:09 reminded overhaul pump-1 "
           "2026-03-04; ");
    plans_free(plans);
    setup();
    by_use(PLAN_USE_AMOUNT, "cycles", 100);
    begin("2026-03-01");
    static const double counts[] = {5000, 5060, 3, 20, 45}; /* 60, set back, 42. */
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        feed(CYCLES, at("2026-03-01", 9) + (int64_t)i * MINUTE, counts[i]);
    }
    advance(at("2026-03-01", 10));
    expect("2026-03-01 09:04 opened 1; 2026-03-01 09:04 reminded overhaul pump-1 "
           "2026-03-04; ");
}
END_TEST

START_TEST(test_whichever_comes_first)
{
    by_use(PLAN_USE_STARTS, "running", 1000);
    specs[OVERHAUL].cycle = PLAN_EVERY;
    specs[OVERHAUL].every_ms = 30 * DAY;
    specs[OVERHAUL].starts = day("2026-03-20");
    begin("2026-03-01");
    advance(at("2026-03-18", 0));
    expect("2026-03-17 08:00 opened 1; 2026-03-17 08:00 reminded overhaul pump-1 "
           "2026-03-20; ");
}
END_TEST

START_TEST(test_days_are_those_of_the_wall_when_summer_time_begins)
{
    instant_zone_set("Europe/Berlin");
    specs[GREASE].starts = day("2026-03-29"); /* 02:00 becomes 03:00. */
    specs[INSPECT].applies_to.type = "nothing";
    begin("2026-03-01");
    advance(at("2026-04-02", 0));
    expect("2026-03-26 08:00 opened 1; 2026-03-26 08:00 reminded grease pump-1 "
           "2026-03-29; "
           "2026-03-29 08:00 reminded grease pump-1 2026-03-29; "
           "2026-04-01 00:00 overdue grease pump-1 2026-03-29; ");
    instant_zone_set("Asia/Shanghai");
}
END_TEST

START_TEST(test_a_step_of_the_clock_moves_spans_and_leaves_dates)
{
    specs[GREASE].starts = day("2026-06-01");
    begin("2026-03-01");
    int32_t before = plans_get(plans, 0, 0).due_day;
    plans_shift(plans, 10 * DAY, at("2026-03-11", 0));
    ck_assert_int_eq(plans_get(plans, 0, 0).due_day, before + 10);
    ck_assert_int_eq(plans_get(plans, 1, 0).due_day, day("2026-06-01"));
    plans_shift(plans, -HOUR, at("2026-03-11", 0) - HOUR);
    ck_assert_int_eq(plans_get(plans, 0, 0).due_day, before + 10);
}
END_TEST

/* Staff who come early, late or not, over random years with restarts: never two open
 * tickets (on_open), never a gap beyond cycle and grace that nobody was told of, and
 * the day of a statutory visit is never further from the last one than its cycle. */
START_TEST(test_random_years)
{
    srand((unsigned)_i + 1);
    specs[GREASE].from_done = rand() % 2 == 0;
    specs[GREASE].every_ms = (7 + rand() % 90) * DAY;
    specs[INSPECT].from_done = rand() % 2 == 0;
    int64_t last_done[PLANS] = {0};
    int64_t told_overdue[PLANS] = {0};
    begin("2026-01-01");
    for (int hour = 0; hour < 24 * 365; hour += 1 + rand() % 30) {
        int64_t now = at("2026-01-01", 0) + hour * HOUR;
        int64_t number = 1 + (ticket_count > 0 ? rand() % ticket_count : 0);
        advance(now);
        if (rand() % 20 == 0) {
            restart(now);
        }
        for (uint32_t i = 0; i < plans_count(plans); i++) {
            struct plan_now p = plans_get(plans, i, civil_day(now));
            const struct plan_spec *spec = &specs[p.plan];
            if (p.row->overdue) {
                told_overdue[p.plan] = now;
            }
            int32_t since = last_done[p.plan] != 0 ? civil_day(last_done[p.plan])
                                                   : day("2026-01-01");
            int32_t cycle = plan_cycle_days(spec);
            int32_t longest =
                spec->from_done || spec->statutory ? cycle : cycle + cycle / 2;
            ck_assert_int_le(p.due_day - since, longest);
            if (civil_day(now) - since > longest + plan_grace_days(spec)) {
                ck_assert_int_gt(told_overdue[p.plan], last_done[p.plan]);
            }
        }
        if (ticket_count > 0 && tickets[number - 1].state == TICKET_OPENED &&
            rand() % 6 == 0) {
            last_done[strcmp(tickets[number - 1].plan, "grease") == 0 ? GREASE
                                                                      : INSPECT] = now;
            resolve(number, now);
        }
    }
    ck_assert_int_gt(ticket_count, 5);
}
END_TEST

START_TEST(test_a_new_site_does_not_begin_with_all_visits_on_one_day)
{
    enum { MANY = 200 };
    static struct device many[MANY];
    static char ids[MANY][32];
    unsigned on_day[40] = {0};
    for (int i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof ids[i], "pump-%03d", i);
        many[i] = (struct device){.id = ids[i],
                                  .name = ids[i],
                                  .type = "pump",
                                  .location = i % 2 == 0 ? "one room" : NULL};
    }
    site.devices = many;
    site.device_count = MANY;
    begin("2026-03-01");
    for (uint32_t i = 0; i < plans_count(plans); i++) {
        int32_t ahead = plans_get(plans, i, 0).due_day - day("2026-03-01");
        ck_assert_int_ge(ahead, 1);
        ck_assert_int_le(ahead, 30);
        on_day[ahead]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(on_day); i++) {
        ck_assert_uint_le(on_day[i], MANY / 5);
    }
}
END_TEST

int
main(void)
{
    instant_zone_set("Asia/Shanghai");
    Suite *s = suite_create("plans");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_a_visit_is_opened_reminded_of_overdue_and_done);
    tcase_add_test(tc, test_nothing_opens_on_the_first_day_unless_a_date_asks_for_it);
    tcase_add_test(tc, test_a_reopened_visit_was_not_made);
    tcase_add_test(tc, test_a_restart_forgets_nothing_and_tells_nothing_twice);
    tcase_add_test(tc, test_a_statutory_visit_is_tightened_and_never_postponed);
    tcase_add_test(tc, test_visits_by_hand);
    tcase_add_test(tc, test_a_visit_is_never_moved_over_the_next_one);
    tcase_add_test(tc, test_what_is_out_of_service_waits_unless_the_law_asks);
    tcase_add_test(tc, test_a_plan_or_device_that_comes_back_is_known);
    tcase_add_test(tc, test_hours_are_counted_and_the_day_is_forecast);
    tcase_add_test(tc, test_starts_and_counters_that_are_set_back);
    tcase_add_test(tc, test_whichever_comes_first);
    tcase_add_test(tc, test_days_are_those_of_the_wall_when_summer_time_begins);
    tcase_add_test(tc, test_a_step_of_the_clock_moves_spans_and_leaves_dates);
    tcase_add_loop_test(tc, test_random_years, 0, 60);
    tcase_add_test(tc, test_a_new_site_does_not_begin_with_all_visits_on_one_day);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
