/* Figures computed by hand, and what must hold of any rows. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/ticket/figures.h"

#define MIN(n)  ((n)*INT64_C(60000))
#define HOUR(n) MIN((n)*60)
#define DAY(n)  HOUR((n)*24)
#define START   INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */
#define TICKETS 400
#define SPANS   400
#define NONE    FIGURES_NONE

/* pump-1, pump-2 of type 0; lift-1 of type 1; a bus of type 2, apart. */
static const struct figures_device devices[] = {
    {0, false}, {0, false}, {1, false}, {2, true}};
static struct figures_ticket tickets[TICKETS];
static struct figures_span spans[SPANS];
static struct figures_overdue overdue[4];
static struct figures_input in;
static struct figures f;

static void
set_up(void)
{
    in = (struct figures_input){.from_ms = START,
                                .to_ms = START + DAY(10),
                                .devices = devices,
                                .device_count = ARRAY_LEN(devices),
                                .spans = spans,
                                .tickets = tickets,
                                .overdue = overdue,
                                .type_count = 3,
                                .rule_count = 3,
                                .person_count = 3,
                                .team_count = 2,
                                .cause_count = 4,
                                .plan_count = 2};
    f = (struct figures){0};
}

static void
tear_down(void)
{
    figures_fini(&f);
}

static void
make(void)
{
    struct err err;
    figures_fini(&f);
    ck_assert_int_eq(figures_make(&f, &in, &err), 0);
}

static void
span(uint32_t device, enum figures_state state, int64_t from_ms, int64_t to_ms)
{
    ck_assert_uint_lt(in.span_count, SPANS);
    spans[in.span_count++] =
        (struct figures_span){device, state, START + from_ms, START + to_ms};
}

/* A fault of a rule, resolved and closed unless something else is made of it. */
static struct figures_ticket *
fault(uint32_t device,
      enum severity priority,
      int64_t at_ms,
      int64_t respond_ms,
      int64_t resolve_ms)
{
    ck_assert_uint_lt(in.ticket_count, TICKETS);
    struct figures_ticket *t = &tickets[in.ticket_count++];
    *t = (struct figures_ticket){.kind = TICKET_FAULT,
                                 .priority = priority,
                                 .closed = true,
                                 .device = device,
                                 .rule = 0,
                                 .category = NONE,
                                 .person = NONE,
                                 .team = NONE,
                                 .cause = NONE,
                                 .plan = NONE,
                                 .opened_ms = START + at_ms,
                                 .responded_ms = START + at_ms + respond_ms,
                                 .resolved_ms = START + at_ms + resolve_ms,
                                 .repair_ms = resolve_ms};
    return t;
}

START_TEST(test_states_of_a_device_do_not_overlap)
{
    span(0, FIGURES_UNSEEN, HOUR(0), HOUR(10)); /* Down beats out beats unseen. */
    span(0, FIGURES_OUT, HOUR(5), HOUR(15));
    span(0, FIGURES_DOWN, HOUR(12), HOUR(20));
    span(0, FIGURES_DOWN, HOUR(13), HOUR(14)); /* Inside another. */
    span(1, FIGURES_DOWN, -HOUR(5), HOUR(6));  /* Cut at the begin, */
    span(2, FIGURES_OUT, DAY(9), DAY(20));     /* and at the end. */
    make();
    ck_assert_int_eq(f.devices[0].state_ms[FIGURES_UNSEEN], HOUR(5));
    ck_assert_int_eq(f.devices[0].state_ms[FIGURES_OUT], HOUR(7));
    ck_assert_int_eq(f.devices[0].state_ms[FIGURES_DOWN], HOUR(8));
    ck_assert_int_eq(f.devices[0].up_ms, DAY(10) - HOUR(20));
    ck_assert_int_eq(f.devices[1].state_ms[FIGURES_DOWN], HOUR(6));
    ck_assert_int_eq(f.devices[2].state_ms[FIGURES_OUT], DAY(1));
    /* 220 h up, 8 h down. */
    ck_assert_double_eq_tol(figures_availability(&f.devices[0]), 100.0 * 220 / 228,
                            1e-9);
    /* Both pumps: 220 + 234 up, 14 down. */
    ck_assert_double_eq_tol(figures_availability(&f.types[0]), 100.0 * 454 / 468, 1e-9);
    ck_assert_uint_eq(f.types[0].devices, 2);
    /* All: without the bus, which was up all the time. */
    ck_assert_uint_eq(f.all.devices, 3);
    ck_assert_int_eq(f.all.up_ms, HOUR(220 + 234 + 216));
    ck_assert_int_eq(f.types[2].up_ms, DAY(10));
}
END_TEST

START_TEST(test_a_device_that_nobody_saw_has_no_availability)
{
    span(0, FIGURES_UNSEEN, -DAY(1), DAY(11));
    make();
    ck_assert(isnan(figures_availability(&f.devices[0])));
    ck_assert(isnan(figures_fault_rate(&f.devices[0])));
    ck_assert(isnan(figures_mtbf_bound(&f.devices[0])));
}
END_TEST

START_TEST(test_fault_rates_and_bounds)
{
    for (int i = 0; i < 6; i++) {
        fault(0, SEVERITY_URGENT, DAY(i), MIN(10), HOUR(i + 1));
    }
    fault(0, SEVERITY_NORMAL, DAY(7), MIN(10), HOUR(1));
    fault(0, SEVERITY_URGENT, DAY(8), MIN(10), HOUR(1))->false_alarm = true;
    fault(0, SEVERITY_URGENT, DAY(8), MIN(10), HOUR(1))->kind = TICKET_PLANNED;
    /* What is still to come is no failure, however near. */
    fault(0, SEVERITY_URGENT, DAY(8), MIN(10), HOUR(1))->kind = TICKET_PREDICTED;
    fault(1, SEVERITY_CRITICAL, DAY(1), MIN(10), HOUR(2))->repair_ms = -1;
    make();
    const struct figures_plant *p = &f.devices[0];
    ck_assert_uint_eq(p->faults, 7);
    ck_assert_uint_eq(p->failures, 6);
    ck_assert_uint_eq(p->tickets, 10);
    ck_assert_double_eq_tol(figures_fault_rate(p), 7 / (10 * 12 / 365.25), 1e-9);
    ck_assert_double_eq_tol(figures_mtbf(p), 240.0 / 6, 1e-9);
    /* Chi-square of 14 degrees of freedom, 90 %: 21.064; of 12, 10 %: 6.304. */
    ck_assert_double_eq_tol(figures_mtbf_bound(p), 480 / 21.064, 0.001);
    ck_assert_double_eq_tol(figures_mttr(p), 21.0 / 6, 1e-9);
    ck_assert_double_eq_tol(figures_mttr_bound(p), 42 / 6.304, 0.001);
    p = &f.devices[1]; /* One failure that is not mended: too few for a bare mean. */
    ck_assert(isnan(figures_mtbf(p)));
    ck_assert_double_eq_tol(figures_mtbf_bound(p), 480 / 7.779, 0.01);
    ck_assert(isnan(figures_mttr_bound(p)));
}
END_TEST

START_TEST(test_times_are_means_medians_and_percentiles)
{
    for (int i = 1; i <= 10; i++) {
        fault(0, SEVERITY_URGENT, DAY(1), MIN(i), MIN(10 * i));
    }
    fault(0, SEVERITY_CRITICAL, DAY(1), MIN(100), MIN(1000));
    make();
    const struct figures_promises *p = &f.promises[SEVERITY_URGENT];
    ck_assert_uint_eq(p->respond.n, 10);
    ck_assert_double_eq(p->respond.mean, (double)MIN(11) / 2);
    ck_assert_double_eq(p->respond.median, (double)MIN(11) / 2);
    ck_assert_double_eq(p->respond.p90, (double)MIN(9));
    ck_assert_double_eq(p->resolve.p90, (double)MIN(90));
    /* Variance of 1..10 is 55/6; of the mean 11/12; relative to 5.5. */
    ck_assert_double_eq_tol(p->respond.error2, 11.0 / 12 / (5.5 * 5.5), 1e-9);
    p = &f.promises[SEVERITY_COUNT];
    ck_assert_uint_eq(p->respond.n, 11);
    ck_assert_double_eq(p->respond.median, (double)MIN(6));
    ck_assert_double_eq(p->respond.p90, (double)MIN(10));
    ck_assert_uint_eq(f.promises[SEVERITY_NORMAL].respond.n, 0);
    ck_assert_double_eq(f.promises[SEVERITY_NORMAL].respond.mean, 0);
}
END_TEST

START_TEST(test_what_still_runs_is_not_decided)
{
    fault(0, SEVERITY_NORMAL, DAY(1), MIN(5), HOUR(1));
    fault(0, SEVERITY_NORMAL, DAY(1), MIN(5), HOUR(1))->respond_breached = true;
    struct figures_ticket *t = fault(0, SEVERITY_NORMAL, DAY(1), 0, 0);
    t->responded_ms = INSTANT_NONE; /* Waits, and is in time yet. */
    t->resolved_ms = INSTANT_NONE;
    t->closed = false;
    t = fault(0, SEVERITY_NORMAL, DAY(1), MIN(5), 0);
    t->resolved_ms = INSTANT_NONE; /* Late, and not done. */
    t->resolve_breached = true;
    t->closed = false;
    make();
    const struct figures_promises *p = &f.promises[SEVERITY_NORMAL];
    ck_assert_uint_eq(p->respond_decided, 3);
    ck_assert_uint_eq(p->respond_met, 2);
    ck_assert_uint_eq(p->resolve_decided, 3);
    ck_assert_uint_eq(p->resolve_met, 2);
    ck_assert_uint_eq(f.closed, 2);
}
END_TEST

START_TEST(test_causes_rules_and_first_time_fixes)
{
    fault(0, SEVERITY_URGENT, DAY(1), MIN(5), HOUR(1))->cause = 0;
    fault(0, SEVERITY_URGENT, DAY(2), MIN(5), HOUR(2))->cause = 0;
    fault(0, SEVERITY_URGENT, DAY(3), MIN(5), HOUR(3))->reopened = 2;
    struct figures_ticket *t = fault(0, SEVERITY_URGENT, DAY(4), MIN(5), HOUR(1));
    t->cause = 3;
    t->false_alarm = true;
    t = fault(0, SEVERITY_URGENT, DAY(5), MIN(5), HOUR(1));
    t->cause = 0;
    t->closed = false; /* Resolved, and may yet turn out otherwise. */
    t->rule = 1;
    make();
    ck_assert_uint_eq(f.causes[0].tickets, 2);
    ck_assert_int_eq(f.causes[0].repair_ms, HOUR(3));
    ck_assert_uint_eq(f.causes[3].tickets, 1);
    ck_assert_uint_eq(f.causes[4].tickets, 1); /* None was given. */
    ck_assert_uint_eq(f.rules[0].tickets, 4);
    ck_assert_uint_eq(f.rules[0].judged, 3);
    ck_assert_uint_eq(f.rules[0].false_alarms, 1);
    ck_assert_uint_eq(f.rules[1].judged, 0);
    ck_assert_uint_eq(f.closed, 3);
    ck_assert_uint_eq(f.fixed_first_time, 2);
}
END_TEST

START_TEST(test_work_and_cost)
{
    struct figures_ticket *t = fault(0, SEVERITY_URGENT, DAY(1), MIN(30), HOUR(1));
    t->person = 1;
    t->team = 0;
    t->minutes = 90;
    t->cost = 5000;
    t->parts_cost = 20000;
    t->rating = 4;
    t = fault(2, SEVERITY_NORMAL, DAY(2), MIN(10), HOUR(1));
    t->person = 1;
    t->minutes = 30;
    t->cost = 1000;
    t->rating = 5;
    t = fault(NONE, SEVERITY_NORMAL, DAY(3), MIN(10), HOUR(1));
    t->kind = TICKET_REPORTED; /* Of no device: it costs all the same. */
    t->cost = 700;
    t->rule = NONE;
    t = fault(1, SEVERITY_NORMAL, DAY(4), MIN(10), HOUR(1));
    t->kind = TICKET_PLANNED;
    t->plan = 1;
    t->person = 2;
    t->minutes = 120;
    overdue[in.overdue_count++] = (struct figures_overdue){1, 1, START + DAY(5)};
    overdue[in.overdue_count++] = (struct figures_overdue){1, 1, START + DAY(10)};
    make();
    ck_assert_uint_eq(f.people[1].tickets, 2);
    ck_assert_int_eq(f.people[1].minutes, 120);
    ck_assert_int_eq(f.people[1].respond_ms, MIN(40));
    ck_assert_int_eq(f.people[1].cost, 26000);
    ck_assert_int_eq(f.people[1].rating_sum, 9);
    ck_assert_uint_eq(f.people[2].responded, 0); /* Of a visit nobody is in a hurry. */
    ck_assert_int_eq(f.teams[0].minutes, 90);
    ck_assert_int_eq(f.all.cost, 26700);
    ck_assert_int_eq(f.all.parts_cost, 20000);
    ck_assert_int_eq(f.all.minutes, 240);
    ck_assert_uint_eq(f.kinds[TICKET_PLANNED].tickets, 1);
    ck_assert_uint_eq(f.plans[1].visits, 1);
    ck_assert_uint_eq(f.plans[1].in_time, 1);
    ck_assert_uint_eq(f.plans[1].overdue, 1); /* That at the very end is the next's. */
    ck_assert_uint_eq(f.reported, 1);
    ck_assert_uint_eq(f.paid, 3);
    double sum = 25000 + 1000 + 700;
    ck_assert_double_eq_tol(f.cost_error2,
                            (25000.0 * 25000 + 1000.0 * 1000 + 700.0 * 700) / sum / sum,
                            1e-12);
}
END_TEST

START_TEST(test_faults_that_come_back)
{
    fault(0, SEVERITY_URGENT, -DAY(5), MIN(5), HOUR(1)); /* Before the period. */
    fault(0, SEVERITY_URGENT, DAY(1), MIN(5), HOUR(1));
    fault(0, SEVERITY_URGENT, DAY(9), MIN(5), HOUR(1))->reopened = 1;
    fault(1, SEVERITY_URGENT, DAY(9), MIN(5), HOUR(1));           /* Another device, */
    fault(0, SEVERITY_URGENT, DAY(9), MIN(5), HOUR(1))->rule = 2; /* another rule. */
    fault(2, SEVERITY_URGENT, -DAY(32), MIN(5), HOUR(1));
    fault(2, SEVERITY_URGENT, DAY(2), MIN(5), HOUR(1)); /* More than 30 days later. */
    make();
    ck_assert_uint_eq(f.repeated, 2);
    ck_assert_uint_eq(f.repeat_count, 1);
    ck_assert_uint_eq(f.repeats[0].device, 0);
    ck_assert_uint_eq(f.repeats[0].rule, 0);
    ck_assert_uint_eq(f.repeats[0].faults, 2);
    ck_assert_uint_eq(f.repeats[0].reopened, 1);
}
END_TEST

START_TEST(test_parts_of_the_period)
{
    const int64_t ends[] = {START + DAY(1), START + DAY(4), START + DAY(10)};
    in.part_ends = ends;
    in.part_count = 3;
    span(0, FIGURES_DOWN, HOUR(20), DAY(5));
    span(1, FIGURES_UNSEEN, 0, DAY(10));
    fault(0, SEVERITY_URGENT, HOUR(20), MIN(5), HOUR(1));
    fault(2, SEVERITY_URGENT, DAY(4), MIN(5), HOUR(1));
    fault(3, SEVERITY_URGENT, DAY(4), MIN(5), HOUR(1));
    make();
    const struct figures_part *pumps = &f.parts[0];
    const struct figures_part *all = &f.parts[3 * 3];
    ck_assert_int_eq(pumps[0].down_ms, HOUR(4));
    ck_assert_int_eq(pumps[0].up_ms, HOUR(20));
    ck_assert_int_eq(pumps[1].down_ms, DAY(3));
    ck_assert_int_eq(pumps[2].down_ms, DAY(1));
    ck_assert_uint_eq(pumps[0].faults, 1);
    ck_assert_uint_eq(all[2].faults, 1); /* Not that of the bus. */
    ck_assert_int_eq(all[2].up_ms, DAY(5) + DAY(6));
}
END_TEST

/* ---- of any rows ---- */

static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static void
random_rows(void)
{
    for (int i = 0; i < 200; i++) {
        int64_t at_ms = (int64_t)draw((uint64_t)DAY(14)) - DAY(2);
        span((uint32_t)draw(4), (enum figures_state)draw(FIGURES_STATES), at_ms,
             at_ms + (int64_t)draw((uint64_t)HOUR(20)));
    }
    for (int i = 0; i < 300; i++) {
        int64_t respond_ms = (int64_t)draw((uint64_t)HOUR(3));
        struct figures_ticket *t =
            fault((uint32_t)draw(4), (enum severity)(1 + draw(3)),
                  (int64_t)draw((uint64_t)DAY(14)) - DAY(2), respond_ms,
                  respond_ms + (int64_t)draw((uint64_t)HOUR(9)));
        t->kind = (enum ticket_kind)draw(TICKET_KIND_COUNT);
        t->rule = (uint32_t)draw(3);
        t->person = (uint32_t)draw(3);
        t->cause = draw(5) == 0 ? NONE : (uint32_t)draw(4);
        t->plan = t->kind == TICKET_PLANNED ? (uint32_t)draw(2) : NONE;
        t->cost = (int64_t)draw(10000);
        t->minutes = (int64_t)draw(200);
        t->respond_breached = draw(3) == 0;
        t->reopened = draw(5) == 0;
    }
}

/* What adds up of a period. */
struct sums {
    int64_t up_ms, down_ms, out_ms, unseen_ms, cost, minutes, repair_ms;
    uint64_t tickets, faults, failures, responded, met, closed, fixed, causes, repeated;
};

static struct sums
sums_of(int64_t from_ms, int64_t to_ms)
{
    in.from_ms = from_ms;
    in.to_ms = to_ms;
    make();
    struct sums s = {.up_ms = f.all.up_ms,
                     .down_ms = f.all.state_ms[FIGURES_DOWN],
                     .out_ms = f.all.state_ms[FIGURES_OUT],
                     .unseen_ms = f.all.state_ms[FIGURES_UNSEEN],
                     .cost = f.all.cost,
                     .minutes = f.all.minutes,
                     .repair_ms = f.all.repair_ms,
                     .tickets = f.all.tickets,
                     .faults = f.all.faults,
                     .failures = f.all.failures,
                     .responded = f.promises[SEVERITY_COUNT].respond.n,
                     .met = f.promises[SEVERITY_COUNT].respond_met,
                     .closed = f.closed,
                     .fixed = f.fixed_first_time,
                     .repeated = f.repeated};
    for (uint32_t i = 0; i <= in.cause_count; i++) {
        s.causes += f.causes[i].tickets;
    }
    ck_assert_int_eq(s.up_ms + s.down_ms + s.out_ms + s.unseen_ms,
                     3 * (to_ms - from_ms));
    return s;
}

START_TEST(test_periods_that_meet_add_up)
{
    seed = (uint64_t)_i + 1;
    random_rows();
    struct sums whole = sums_of(START, START + DAY(10));
    int64_t cut_ms = START + 1 + (int64_t)draw((uint64_t)DAY(10) - 2);
    struct sums left = sums_of(START, cut_ms);
    struct sums right = sums_of(cut_ms, START + DAY(10));
    ck_assert_int_eq(left.up_ms + right.up_ms, whole.up_ms);
    ck_assert_int_eq(left.down_ms + right.down_ms, whole.down_ms);
    ck_assert_int_eq(left.out_ms + right.out_ms, whole.out_ms);
    ck_assert_int_eq(left.unseen_ms + right.unseen_ms, whole.unseen_ms);
    ck_assert_int_eq(left.cost + right.cost, whole.cost);
    ck_assert_int_eq(left.minutes + right.minutes, whole.minutes);
    ck_assert_int_eq(left.repair_ms + right.repair_ms, whole.repair_ms);
    ck_assert_uint_eq(left.tickets + right.tickets, whole.tickets);
    ck_assert_uint_eq(left.faults + right.faults, whole.faults);
    ck_assert_uint_eq(left.failures + right.failures, whole.failures);
    ck_assert_uint_eq(left.responded + right.responded, whole.responded);
    ck_assert_uint_eq(left.met + right.met, whole.met);
    ck_assert_uint_eq(left.closed + right.closed, whole.closed);
    ck_assert_uint_eq(left.fixed + right.fixed, whole.fixed);
    ck_assert_uint_eq(left.causes + right.causes, whole.causes);
    ck_assert_uint_eq(left.repeated + right.repeated, whole.repeated);
}
END_TEST

/* Each minute is looked at alone. */
START_TEST(test_states_equal_those_of_each_minute)
{
    seed = (uint64_t)_i + 1000;
    random_rows();
    for (size_t i = 0; i < in.span_count; i++) { /* To whole minutes. */
        spans[i].from_ms -= (spans[i].from_ms - START) % MIN(1);
        spans[i].to_ms -= (spans[i].to_ms - START) % MIN(1);
    }
    make();
    for (uint32_t device = 0; device < in.device_count; device++) {
        int64_t minutes[FIGURES_STATES + 1] = {0};
        for (int64_t t = in.from_ms; t < in.to_ms; t += MIN(1)) {
            int state = FIGURES_STATES;
            for (size_t i = 0; i < in.span_count; i++) {
                const struct figures_span *s = &spans[i];
                if (s->device == device && s->from_ms <= t && t < s->to_ms &&
                    (int)s->state < state) {
                    state = (int)s->state;
                }
            }
            minutes[state]++;
        }
        for (int state = 0; state < FIGURES_STATES; state++) {
            ck_assert_int_eq(f.devices[device].state_ms[state], MIN(minutes[state]));
        }
        ck_assert_int_eq(f.devices[device].up_ms, MIN(minutes[FIGURES_STATES]));
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("figures");
    TCase *tc = tcase_create("figures");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_states_of_a_device_do_not_overlap);
    tcase_add_test(tc, test_a_device_that_nobody_saw_has_no_availability);
    tcase_add_test(tc, test_fault_rates_and_bounds);
    tcase_add_test(tc, test_times_are_means_medians_and_percentiles);
    tcase_add_test(tc, test_what_still_runs_is_not_decided);
    tcase_add_test(tc, test_causes_rules_and_first_time_fixes);
    tcase_add_test(tc, test_work_and_cost);
    tcase_add_test(tc, test_faults_that_come_back);
    tcase_add_test(tc, test_parts_of_the_period);
    tcase_add_loop_test(tc, test_periods_that_meet_add_up, 0, 30);
    tcase_add_loop_test(tc, test_states_equal_those_of_each_minute, 0, 5);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
