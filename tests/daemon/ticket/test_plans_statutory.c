/* A statutory visit is never postponed: over random years of people who come late, want
 * another day, put devices out of service and days off into the calendar, of clocks and
 * restarts, its day goes only one way until it is made. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/plan_due.h"
#include "daemon/ticket/plan_visits.h"
#include "daemon/ticket/plans.h"

#define HOUR        INT64_C(3600000)
#define DAY         (24 * HOUR)
#define TICKETS_MAX 512
#define YEARS       16 /* Random ones. */

/* Sorted by id, as a site has them. */
enum { BY_DAYS, FROM_PLAN, FROM_START, BY_MONTH, BY_QUARTER, BY_USE, BY_YEAR, PLANS };

/* Days that may lie between two visits by the calendar alone: of a weekday of a month
 * five weeks, of a quarter fourteen. */
static const int32_t longest[PLANS] = {15, 15, 30, 35, 98, 90, 366};

static struct year_day year_day = {3, 20};
static const struct plan_spec specs_at_first[PLANS] = {
    [BY_DAYS] = {.id = "by-days",
                 .cycle = PLAN_EVERY,
                 .every_ms = 15 * DAY,
                 .from_done = true,
                 .remind_ms = 3 * DAY},
    [FROM_PLAN] = {.id = "from-plan",
                   .cycle = PLAN_EVERY,
                   .every_ms = 15 * DAY,
                   .remind_ms = 5 * DAY},
    [FROM_START] = {.id = "from-start", .cycle = PLAN_EVERY, .every_ms = 30 * DAY},
    [BY_MONTH] = {.id = "month",
                  .cycle = PLAN_MONTHLY,
                  .months = 1,
                  .nth = 1,
                  .weekday = 1,
                  .remind_ms = 7 * DAY},
    [BY_QUARTER] = {.id = "quarter",
                    .cycle = PLAN_MONTHLY,
                    .months = 3,
                    .nth = -1,
                    .weekday = 4,
                    .remind_ms = 14 * DAY},
    [BY_YEAR] = {.id = "year",
                 .cycle = PLAN_YEARLY,
                 .year_days = &year_day,
                 .year_day_count = 1,
                 .remind_ms = 30 * DAY},
    [BY_USE] = {.id = "use",
                .cycle = PLAN_EVERY,
                .every_ms = 90 * DAY,
                .from_done = true,
                .use = PLAN_USE_HOURS,
                .use_limit = 300,
                .use_of = "running",
                .remind_ms = 10 * DAY},
};

static struct device device;
static struct point point;
static struct plan_spec specs[PLANS];
static struct team team;
static struct work_span hours[5];
static struct calendar_day holidays[12];
static struct site site;

static struct plans *plans;
static struct ticket tickets[TICKETS_MAX];
static int64_t ticket_count;
static bool out_of_service;
static struct plan_row rows[PLANS];
static unsigned overdue_told[PLANS];

static uint32_t
plan_of(const char *id)
{
    uint32_t i = 0;
    while (strcmp(specs[i].id, id) != 0) {
        ck_assert_uint_lt(++i, PLANS);
    }
    return i;
}

static int64_t
on_open(void *ctx, int64_t t_ms, const struct plan_work *w)
{
    (void)ctx;
    ck_assert_int_lt(ticket_count, TICKETS_MAX);
    struct ticket *t = &tickets[ticket_count++];
    *t = (struct ticket){.number = ticket_count,
                         .kind = TICKET_PLANNED,
                         .state = TICKET_OPENED,
                         .device = device.id,
                         .opened_ms = t_ms,
                         .due_ms = w->due_ms,
                         .resolved_ms = INSTANT_NONE};
    snprintf(t->plan, sizeof t->plan, "%s", specs[w->plan].id);
    return t->number;
}

static void
on_move(void *ctx, int64_t t_ms, int64_t number, const struct plan_work *w)
{
    (void)ctx;
    (void)t_ms;
    ck_assert_int_le(w->due_ms, tickets[number - 1].due_ms);
    tickets[number - 1].due_ms = w->due_ms;
}

static const struct ticket *
on_ticket(void *ctx, int64_t number)
{
    (void)ctx;
    return number >= 1 && number <= ticket_count ? &tickets[number - 1] : NULL;
}

static bool
on_service(void *ctx, uint32_t which)
{
    (void)ctx;
    (void)which;
    return out_of_service;
}

static void
on_served(void *ctx, int64_t t_ms, uint32_t which)
{
    (void)ctx;
    (void)t_ms;
    (void)which;
}

static void
on_event(void *ctx, const struct event *e)
{
    (void)ctx;
    if (e->kind == EVENT_PLAN_OVERDUE) {
        overdue_told[plan_of(e->plan)]++;
    }
}

static void
on_row(void *ctx, const struct plan_row *row)
{
    (void)ctx;
    rows[plan_of(row->plan)] = *row;
}

static const struct sink sink = {.event = on_event, .plan = on_row};
static const struct plans_view view = {.open = on_open,
                                       .move = on_move,
                                       .ticket = on_ticket,
                                       .out_of_service = on_service,
                                       .served = on_served};

static int32_t
some_day(int32_t near)
{
    return near - 40 + rand() % 120;
}

/* A team with days off, and holidays anywhere. */
static void
make_site(int32_t first)
{
    memcpy(specs, specs_at_first, sizeof specs);
    for (int i = 0; i < PLANS; i++) {
        specs[i].title.in[LANGUAGE_EN] = specs[i].id;
        specs[i].statutory = true;
        specs[i].team = "lifts";
        specs[i].starts = DAY_NONE;
        specs[i].grace_ms = 5 * DAY; /* The configuration refuses it; it has none. */
    }
    specs[FROM_START].starts = first + rand() % 20;
    device = (struct device){.id = "lift-1",
                             .name = "lift-1",
                             .type = "elevator",
                             .location = "Block 1",
                             .point_count = 1};
    if (rand() % 2 == 0) {
        device.ledger.installed = "2019-06-01";
    }
    point =
        (struct point){.id = "running", .type = TYPE_BOOL, .stale_after_ms = 12 * HOUR};
    for (size_t i = 0; i < ARRAY_LEN(hours); i++) {
        hours[i] = (struct work_span){
            .weekday = (uint8_t)i, .from_minute = 8 * 60, .to_minute = 18 * 60};
    }
    team =
        (struct team){.id = "lifts", .hours = hours, .hours_count = ARRAY_LEN(hours)};
    for (size_t i = 0; i < ARRAY_LEN(holidays); i++) {
        int32_t from = first + (int32_t)i * 30 + rand() % 15;
        holidays[i] = (struct calendar_day){.from = from, .to = from + rand() % 12};
    }
    site = (struct site){.devices = &device,
                         .device_count = 1,
                         .points = &point,
                         .point_count = 1,
                         .plans = specs,
                         .plan_count = PLANS,
                         .teams = &team,
                         .team_count = 1,
                         .calendar = holidays,
                         .calendar_count = ARRAY_LEN(holidays)};
}

static void
start(int64_t t_ms, bool again)
{
    if (again) {
        plans_save_use(plans, on_row, NULL);
        plans_free(plans);
    }
    plans = plans_new(&site, &sink, &view);
    for (uint32_t i = 0; again && i < PLANS; i++) {
        ck_assert(plans_restore(plans, &rows[i]));
    }
    plans_begin(plans, t_ms);
}

static void
command(enum command_kind kind, uint32_t plan, int32_t on, int64_t t_ms)
{
    struct err err = {0};
    int64_t ticket = 0;
    struct command c = {.t_ms = t_ms,
                        .kind = kind,
                        .plan = specs[plan].id,
                        .device = device.id,
                        .day = on,
                        .by = "li"};
    (void)plans_command(plans, &c, &ticket, &err);
}

/* Days by plan: of the next visit, and when the last one was made. */
struct days {
    int32_t due[PLANS], done[PLANS];
};

static struct days
days_now(int64_t t_ms)
{
    struct days d;
    for (uint32_t i = 0; i < PLANS; i++) {
        struct plan_now now = plans_get(plans, i, civil_day(t_ms));
        d.due[now.plan] = now.due_day;
        d.done[now.plan] = now.row->done_day;
    }
    return d;
}

/* Whatever was done to it: a visit that was not made is due no later than before, and
 * after one that was made the next is due within the cycle. */
static void
check_days(const struct days *before, const struct days *after)
{
    for (uint32_t i = 0; i < PLANS; i++) {
        ck_assert_int_ne(after->due[i], DAY_NONE);
        if (after->done[i] == before->done[i]) {
            /* The forecast of use may rise and fall; the calendar stands above it. */
            int32_t most = i == BY_USE ? before->done[i] : before->due[i];
            most = i == BY_USE && most != DAY_NONE ? most + longest[i] : most;
            ck_assert_msg(most == DAY_NONE || after->due[i] <= most,
                          "%s: %d days later", specs[i].id, after->due[i] - most);
        } else if (after->done[i] != DAY_NONE) {
            ck_assert_msg(after->due[i] - after->done[i] <= longest[i],
                          "%s: %d days after the last", specs[i].id,
                          after->due[i] - after->done[i]);
        }
    }
}

/* The round may come earlier; it never comes after the day, days off or not. */
static void
check_rounds(int64_t t_ms)
{
    size_t count = 0;
    int32_t today = civil_day(t_ms);
    struct plan_visit *visits =
        plan_visits(plans, &site, today, today, today + 200, &count);
    for (size_t i = 0; i < count; i++) {
        int32_t due = visits[i].now.due_day;
        ck_assert_int_eq(visits[i].latest, due);
        ck_assert_int_le(visits[i].day, due > today ? due : today);
    }
    free(visits);
}

/* What was open after its day is told of as overdue, on time. */
static void
check_told(int64_t t_ms)
{
    for (uint32_t i = 0; i < PLANS; i++) {
        struct plan_now now = plans_get(plans, i, civil_day(t_ms));
        if (now.row->ticket != 0) {
            ck_assert_int_eq(tickets[now.row->ticket - 1].due_ms,
                             civil_instant(now.row->ticket_day, 0));
            ck_assert_int_eq(now.row->overdue, civil_day(t_ms) > now.row->ticket_day);
            ck_assert(!now.row->overdue || overdue_told[now.plan] > 0);
        } else {
            ck_assert_int_ge(now.due_day, civil_day(t_ms)); /* Its ticket was opened. */
        }
    }
}

static void
resolve_or_reopen(int64_t t_ms)
{
    if (ticket_count == 0) {
        return;
    }
    struct ticket *t = &tickets[rand() % ticket_count];
    bool last = plans_open_ticket(plans, t) == 0;
    if (t->state == TICKET_OPENED) {
        t->state = TICKET_RESOLVED;
        t->resolved_ms = t_ms;
        plans_ticket(plans, t_ms, t);
    } else if (last && rows[plan_of(t->plan)].before.ticket == t->number) {
        t->state = TICKET_ASSIGNED; /* It was not made; so it is due as it was. */
        plans_ticket(plans, t_ms, t);
    }
}

static void
run_for(int64_t from_ms, int64_t to_ms)
{
    bool runs = rand() % 2 == 0;
    struct frame *frame = calloc(1, frame_bytes(1));
    ck_assert_ptr_nonnull(frame);
    frame->count = 1;
    for (int64_t t = from_ms; t < to_ms; t += 6 * HOUR) {
        frame->t_ms = t;
        frame->readings[0] = (struct reading){.value = runs, .quality = QUALITY_GOOD};
        plans_frame(plans, frame);
        while (plans_due(plans) <= t + 6 * HOUR) {
            int64_t due = plans_due(plans);
            plans_fire(plans, due > t ? due : t);
        }
    }
    free(frame);
}

static void
do_something(int64_t t_ms)
{
    uint32_t plan = (uint32_t)rand() % PLANS;
    int32_t today = civil_day(t_ms);
    struct err err = {0};
    switch (rand() % 8) {
    case 0:
    case 1:
        command(COMMAND_PLAN_MOVE, plan, some_day(today), t_ms);
        break;
    case 2:
        (void)plans_tighten(plans, t_ms, plan, 0, some_day(today), "it wears", NULL,
                            &err);
        break;
    case 3:
        command(COMMAND_PLAN_DONE, plan, today - rand() % 10, t_ms);
        break;
    case 4:
        command(COMMAND_PLAN_START, plan, 0, t_ms);
        break;
    case 5:
        out_of_service = !out_of_service;
        break;
    case 6:
        start(t_ms, true);
        break;
    default:
        resolve_or_reopen(t_ms);
        break;
    }
}

START_TEST(test_a_statutory_visit_is_never_postponed)
{
    int32_t first;
    srand((unsigned)_i + 1);
    ck_assert(civil_parse_date(&first, "2026-01-01"));
    first += rand() % 365;
    make_site(first);
    ticket_count = 0;
    out_of_service = false;
    memset(overdue_told, 0, sizeof overdue_told);
    plans = NULL;
    int64_t now = civil_instant(first, 0);
    start(now, false);
    int64_t end = now + 400 * DAY;
    while (now < end && ticket_count < TICKETS_MAX - 2 * PLANS) {
        int64_t then = now + (1 + rand() % 4) * 6 * HOUR;
        struct days before = days_now(now);
        run_for(now, then);
        now = then;
        struct days between = days_now(now);
        check_days(&before, &between);
        check_told(now);
        do_something(now);
        struct days after = days_now(now);
        check_days(&between, &after);
        if (rand() % 10 == 0) {
            check_rounds(now);
        }
    }
    ck_assert_int_gt(ticket_count, 5);
    plans_free(plans);
    plans = NULL;
}
END_TEST

int
main(void)
{
    instant_zone_set("Europe/Berlin"); /* Days of 23 and of 25 hours. */
    Suite *s = suite_create("statutory plans");
    TCase *tc = tcase_create("all");
    tcase_add_loop_test(tc, test_a_statutory_visit_is_never_postponed, 0, YEARS);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
