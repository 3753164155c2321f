/* Where the stages meet: the order of what comes out, time that never goes back, the
 * watch on a resolved ticket, restarts and steps of the clock. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/pipeline.h"
#include "tests/fake/recorder.h"
#include "tests/rules/plant.h"

#define T0    1767225600000LL /* 2026-01-01T00:00:00Z */
#define RUNS  75              /* Of each of the PLANTS. */
#define STEPS 160

/* Two pumps with the rules `hot` (a, in two levels, while run, held) and `shaken` (v,
 * at once); the feeder with `dark` (u).  Deadlines and verification take seconds. */
static struct plant *
plant_with_rules(void)
{
    struct plant *p = plant_new();
    struct rule_spec *dark = plant_rule(p, "dark", "u < 100 V");
    dark->applies_to.id = "feeder-1";
    dark->levels[0].severity = SEVERITY_CRITICAL;
    struct rule_spec *hot = plant_rule(p, "hot", "a > 80 °C");
    hot->applies_to.id = NULL;
    hot->applies_to.type = "pump";
    hot->while_ = plant_text("run");
    hot->hold_ms = 3000;
    hot->clear_hold_ms = 2000;
    hot->levels[0].clear = plant_text("a < 75 °C");
    hot->level_count = 2;
    hot->levels[1] = hot->levels[0];
    hot->levels[1].severity = SEVERITY_URGENT;
    hot->levels[1].when = plant_text("a > 90 °C");
    hot->levels[1].clear = plant_text("a < 85 °C");
    struct rule_spec *shaken = plant_rule(p, "shaken", "v > 5 mm/s");
    shaken->applies_to.id = NULL;
    shaken->applies_to.type = "pump";
    for (uint32_t i = 0; i < p->site.rule_count; i++) {
        p->rules[i].verify_for_ms = 10000;
        p->rules[i].follow_up_ms = 60000;
        p->rules[i].title = (struct text){{[LANGUAGE_EN] = p->rules[i].id}};
    }
    p->site.id = "plant";
    for (int s = SEVERITY_NORMAL; s < SEVERITY_COUNT; s++) {
        p->site.promises[s] = (struct promise){15000, 40000};
    }
    p->site.follow_up_ms = 60000;
    return p;
}

/* The same, with all that hides, repeats, latches and groups; PLANTS of them. */
#define PLANTS 2
static struct plant *
plant_of(int which)
{
    struct plant *p = plant_with_rules();
    if (which == 0) {
        return p;
    }
    static const char *const by_hot[] = {"hot"};
    struct rule_spec *dark = &p->rules[0];
    struct rule_spec *hot = &p->rules[1];
    struct rule_spec *shaken = &p->rules[2];
    p->devices[PUMP_1].parent = FEEDER;
    p->devices[PUMP_2].parent = PUMP_1;
    dark->suppresses_children = true;
    dark->clear_hold_ms = 3000;
    hot->realarm_ms = 6500;
    hot->group = "trip";
    shaken->group = "trip";
    shaken->latch = true;
    shaken->suppressed_by = by_hot;
    shaken->suppressed_by_count = 1;
    p->site.chatter_episodes = 3;
    p->site.chatter_window_ms = 20500;
    return p;
}

struct bench {
    struct plant *plant;
    struct recorder *recorder;
    struct pipeline *pipeline;
    int64_t t0; /* Age 0: moves along when the clock is stepped. */
};

static void
bench_start(struct bench *b, struct plant *plant, int64_t next_ticket)
{
    struct diags diags;
    diags_init(&diags);
    b->plant = plant;
    b->recorder = recorder_new();
    b->t0 = T0;
    b->pipeline = pipeline_new(&plant->site, &b->recorder->sink, next_ticket, &diags);
    ck_assert_msg(b->pipeline != NULL, "%s",
                  diags.count > 0 ? diags.items[0].text : "no pipeline");
    diags_fini(&diags);
}

static void
bench_stop(struct bench *b)
{
    pipeline_free(b->pipeline);
    recorder_free(b->recorder);
}

static uint32_t
point_of(const struct bench *b, uint32_t device, const char *id)
{
    uint32_t point = site_point(&b->plant->site, device, id);
    ck_assert_uint_ne(point, NONE_INDEX);
    return point;
}

/* One frame of a pump: the temperature, and whether it runs. */
static void
pump_at(struct bench *b,
        int64_t age_ms,
        uint32_t device,
        double a,
        bool runs,
        enum quality quality)
{
    struct frame *f = plant_frame(device, b->t0 + age_ms);
    plant_frame_add(f, point_of(b, device, "a"), a, quality);
    plant_frame_add(f, point_of(b, device, "run"), runs, quality);
    pipeline_frame(b->pipeline, f);
    free(f);
}

/* One that runs. */
static void
pump(struct bench *b, int64_t age_ms, uint32_t device, double a, enum quality quality)
{
    pump_at(b, age_ms, device, a, true, quality);
}

static int
command(struct bench *b, int64_t age_ms, enum command_kind kind, int64_t ticket)
{
    struct command c = {.t_ms = b->t0 + age_ms,
                        .kind = kind,
                        .ticket = ticket,
                        .by = "zhang",
                        .note = "done"};
    if (kind == COMMAND_ACK) {
        c.device = "pump-1";
        c.rule = "hot";
    }
    return pipeline_command(b->pipeline, &c, NULL, NULL);
}

/* "age event device/rule", and of a watched ticket what it lacks, of each event since
 * the last call, "; " between them. */
static char *
story(struct bench *b)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < b->recorder->count; i++) {
        const char *line = b->recorder->lines[i];
        char t[40] = "";
        char event[40] = "";
        char device[40] = "";
        char rule[40] = "";
        const char *at = strstr(line, "\"t\":\"");
        ck_assert_ptr_nonnull(at);
        ck_assert_int_eq(sscanf(at, "\"t\":\"%39[^\"]", t), 1);
        at = strstr(line, "\"event\":\"");
        ck_assert_ptr_nonnull(at);
        ck_assert_int_eq(sscanf(at, "\"event\":\"%39[^\"]", event), 1);
        at = strstr(line, "\"device\":\"");
        if (at != NULL) {
            ck_assert_int_eq(sscanf(at, "\"device\":\"%39[^\"]", device), 1);
        }
        at = strstr(line, "\"rule\":\"");
        if (at != NULL) {
            ck_assert_int_eq(sscanf(at, "\"rule\":\"%39[^\"]", rule), 1);
        }
        char proof[40] = "";
        at = strstr(line, "\"proof\":\"");
        if (at != NULL) {
            proof[0] = ' ';
            ck_assert_int_eq(sscanf(at, "\"proof\":\"%38[^\"]", proof + 1), 1);
        }
        int64_t t_ms = 0;
        ck_assert_int_eq(instant_parse(&t_ms, t, NULL), 0);
        strbuf_printf(&out, "%s%lld %s %s%s%s%s", i > 0 ? "; " : "",
                      (long long)(t_ms - b->t0), event, device,
                      rule[0] != '\0' ? "/" : "", rule, proof);
    }
    recorder_forget(b->recorder);
    return strbuf_take(&out);
}

static void
expect(struct bench *b, const char *wanted)
{
    char *came = story(b);
    ck_assert_str_eq(came != NULL ? came : "", wanted);
    free(came);
}

/* ---- Order ---- */

START_TEST(devices_come_before_alarms_and_alarms_before_tickets)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    struct frame *f = plant_frame(PUMP_1, T0);
    /* One frame that brings two alarms at once, and the device back. */
    b.plant->rules[1].hold_ms = 0;
    plant_frame_add(f, point_of(&b, PUMP_1, "a"), 0, QUALITY_GOOD);
    pipeline_frame(b.pipeline, f);
    pipeline_advance(b.pipeline, T0 + 60000);
    expect(&b, "5000 device.offline pump-1");
    f->t_ms = T0 + 60000;
    f->count = 0;
    plant_frame_add(f, point_of(&b, PUMP_1, "a"), 85, QUALITY_GOOD);
    plant_frame_add(f, point_of(&b, PUMP_1, "run"), 1, QUALITY_GOOD);
    plant_frame_add(f, point_of(&b, PUMP_1, "v"), 9, QUALITY_GOOD);
    pipeline_frame(b.pipeline, f);
    expect(&b, "60000 device.online pump-1; 60000 alarm.raised pump-1/hot; "
               "60000 alarm.raised pump-1/shaken; 60000 ticket.opened pump-1/hot; "
               "60000 ticket.opened pump-1/shaken");
    free(f);
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(timers_that_are_due_come_before_a_frame_of_the_same_time)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    pump(&b, 0, PUMP_1, 85, QUALITY_GOOD);
    pump(&b, 2000, PUMP_1, 85, QUALITY_GOOD);
    expect(&b, "");
    /* Cold at the very moment at which the hold is over: it was over before. */
    pump(&b, 3000, PUMP_1, 60, QUALITY_GOOD);
    expect(&b, "3000 alarm.raised pump-1/hot; 3000 ticket.opened pump-1/hot");
    /* Hot again when the clear_hold is over. */
    pump(&b, 5000, PUMP_1, 85, QUALITY_GOOD);
    expect(&b, "5000 alarm.cleared pump-1/hot");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(timers_fire_each_at_its_own_time_however_late_they_are_asked_for)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    pump(&b, 0, PUMP_1, 85, QUALITY_GOOD);
    pump(&b, 0, PUMP_2, 95, QUALITY_GOOD);
    pipeline_advance(b.pipeline, T0 + 100000);
    ck_assert_int_eq(pipeline_now(b.pipeline), T0 + 100000);
    expect(&b, "3000 alarm.raised pump-1/hot; 3000 ticket.opened pump-1/hot; "
               "3000 alarm.raised pump-2/hot; 3000 ticket.opened pump-2/hot; "
               "5000 device.offline pump-1; 5000 device.offline pump-2; "
               "15000 ticket.warned pump-1/hot; 15000 ticket.warned pump-2/hot; "
               "18000 ticket.breached pump-1/hot; 18000 ticket.breached pump-2/hot; "
               "35000 ticket.warned pump-1/hot; 35000 ticket.warned pump-2/hot; "
               "43000 ticket.breached pump-1/hot; 43000 ticket.breached pump-2/hot");
    ck_assert_int_eq(pipeline_due(b.pipeline), INSTANT_MAX);
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(of_one_time_the_sensor_speaks_before_the_promise)
{
    struct bench b;
    struct plant *plant = plant_with_rules();
    plant->site.promises[SEVERITY_NORMAL].respond_ms = 4000;
    bench_start(&b, plant, 1);
    for (int64_t age = 0; age <= 4000; age += 1000) {
        pump(&b, age, PUMP_1, 85, QUALITY_GOOD);
    }
    pump(&b, 5000, PUMP_1, 60, QUALITY_GOOD); /* Clears at 7 s, breached at 7 s. */
    recorder_forget(b.recorder);
    pipeline_advance(b.pipeline, T0 + 7000);
    expect(&b, "6200 ticket.warned pump-1/hot; 7000 alarm.cleared pump-1/hot; "
               "7000 ticket.breached pump-1/hot");
    bench_stop(&b);
    free(plant);
}
END_TEST

START_TEST(time_never_goes_back)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    ck_assert_int_eq(pipeline_now(b.pipeline), INSTANT_NONE);
    ck_assert_int_eq(pipeline_due(b.pipeline), INSTANT_MAX);
    pump(&b, 10000, PUMP_1, 60, QUALITY_GOOD);
    struct frame *f = plant_frame(PUMP_1, T0);
    plant_frame_add(f, point_of(&b, PUMP_1, "v"), 9, QUALITY_GOOD);
    pipeline_frame(b.pipeline, f);
    ck_assert_int_eq(f->t_ms, T0 + 10000); /* The history has it like this, too. */
    pipeline_advance(b.pipeline, T0);
    ck_assert_int_eq(pipeline_now(b.pipeline), T0 + 10000);
    ck_assert_int_eq(command(&b, 0, COMMAND_TICKET_TAKE, 1), 0);
    expect(&b, "10000 alarm.raised pump-1/shaken; 10000 ticket.opened pump-1/shaken; "
               "10000 ticket.assigned pump-1/shaken");
    free(f);
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(a_command_first_lets_pass_what_was_due_before_it)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    pump(&b, 0, PUMP_1, 85, QUALITY_GOOD);
    ck_assert_int_eq(command(&b, 2000, COMMAND_TICKET_TAKE, 1), ERR_NOT_FOUND);
    ck_assert_int_eq(command(&b, 3000, COMMAND_TICKET_TAKE, 1), 0);
    expect(&b, "3000 alarm.raised pump-1/hot; 3000 ticket.opened pump-1/hot; "
               "3000 ticket.assigned pump-1/hot");
    ck_assert_int_eq(command(&b, 4000, COMMAND_ACK, 0), 0);
    ck_assert_int_eq(command(&b, 4500, COMMAND_ACK, 0), ERR_REFUSED);
    ck_assert_int_eq(pipeline_now(b.pipeline), T0 + 4500);
    expect(&b, "4000 alarm.acknowledged pump-1/hot");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(the_alarm_carries_the_number_of_its_ticket)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 41);
    pump(&b, 0, PUMP_2, 85, QUALITY_GOOD);
    pump(&b, 3000, PUMP_2, 85, QUALITY_GOOD);
    uint32_t hot = site_rule(&b.plant->site, "hot");
    ck_assert_int_eq(alarms_get(pipeline_alarms(b.pipeline), PUMP_2, hot)->ticket, 41);
    ck_assert_int_eq(b.recorder->alarms[0].ticket, 41); /* And so the row. */
    bench_stop(&b);
    free(b.plant);
}
END_TEST

/* Planned work that is resolved begins anew what counts since the last service, where
 * its plan is one; nobody knows whether a plan was that is in the site no longer. */
static const struct {
    const char *plan;
    bool service, begins_anew;
} planned_works[] = {
    {"grease", true, true},
    {"grease", false, false},
    {"gone", true, false},
};

START_TEST(planned_work_is_a_service_if_its_plan_is)
{
    struct bench b;
    struct plant *p = plant_with_rules();
    struct plan_spec plan = {.id = "grease",
                             .title = {{[LANGUAGE_EN] = "Grease"}},
                             .applies_to = {.id = "pump-1"},
                             .cycle = PLAN_BY_USE,
                             .starts = DAY_NONE,
                             .service = planned_works[_i].service,
                             .service_said = true};
    p->site.plans = &plan;
    p->site.plan_count = 1;
    struct rule_spec *due =
        plant_rule(p, "worn", "hours(run, since_service) >= 0.002 h");
    due->title = (struct text){{[LANGUAGE_EN] = "worn"}};
    bench_start(&b, p, 8);
    struct ticket work = {.number = 7,
                          .kind = TICKET_PLANNED,
                          .device = "pump-1",
                          .priority = SEVERITY_NORMAL,
                          .state = TICKET_RESPONDED,
                          .opened_ms = T0,
                          .respond_by_ms = T0 + 1000000,
                          .resolve_by_ms = T0 + 1000000,
                          .respond_from_ms = T0,
                          .resolve_from_ms = T0,
                          .assigned_ms = T0,
                          .responded_ms = T0,
                          .resolved_ms = INSTANT_NONE,
                          .verified_ms = INSTANT_NONE,
                          .closed_ms = INSTANT_NONE,
                          .waiting_since_ms = INSTANT_NONE,
                          .cleared_ms = INSTANT_NONE};
    struct plan_row row = {.ticket = 7, .done_day = DAY_NONE, .moved_day = DAY_NONE};
    snprintf(work.plan, sizeof work.plan, "%s", planned_works[_i].plan);
    snprintf(row.plan, sizeof row.plan, "%s", work.plan);
    snprintf(row.device, sizeof row.device, "pump-1");
    pipeline_restore_ticket(b.pipeline, &work);
    (void)plans_restore(pipeline_plans(b.pipeline), &row); /* The one of `gone` not. */
    uint32_t rule = site_rule(&p->site, "worn");
    for (int64_t age = 0; age <= 10000; age += 1000) {
        pump(&b, age, PUMP_1, 20, QUALITY_GOOD);
    }
    const struct alarm *a = alarms_get(pipeline_alarms(b.pipeline), PUMP_1, rule);
    ck_assert(a != NULL && alarm_is_raised(a));
    ck_assert_int_eq(command(&b, 10500, COMMAND_TICKET_RESOLVE, 7), 0);
    pump(&b, 11000, PUMP_1, 20, QUALITY_GOOD);
    a = alarms_get(pipeline_alarms(b.pipeline), PUMP_1, rule);
    ck_assert(alarm_is_raised(a) != planned_works[_i].begins_anew);
    bench_stop(&b);
    free(b.plant);
}
END_TEST

/* ---- The watch on a resolved ticket ---- */

/* Raised at 3 s, then resolved at 5 s. */
static void
raise_and_resolve(struct bench *b, double a_when_resolved)
{
    for (int64_t age = 0; age <= 3000; age += 1000) {
        pump(b, age, PUMP_1, 85, QUALITY_GOOD);
    }
    pump(b, 4000, PUMP_1, a_when_resolved, QUALITY_GOOD);
    ck_assert_int_eq(command(b, 5000, COMMAND_TICKET_TAKE, 1), 0);
    ck_assert_int_eq(command(b, 5000, COMMAND_TICKET_ARRIVE, 1), 0);
    ck_assert_int_eq(command(b, 5000, COMMAND_TICKET_RESOLVE, 1), 0);
    recorder_forget(b->recorder);
}

START_TEST(a_ticket_that_is_resolved_while_the_alarm_stands_waits_for_the_sensor)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    raise_and_resolve(&b, 85);
    for (int64_t age = 6000; age <= 29000; age += 1000) {
        pump(&b, age, PUMP_1, age < 20000 ? 85 : 60, QUALITY_GOOD);
    }
    expect(&b, "22000 alarm.cleared pump-1/hot; "
               "22000 ticket.watched pump-1/hot watching");
    for (int64_t age = 30000; age <= 40000; age += 1000) {
        pump(&b, age, PUMP_1, 60, QUALITY_GOOD);
    }
    expect(&b, "32000 ticket.verified pump-1/hot; 32000 ticket.closed pump-1/hot");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

/* As a technician does it: the pump stands while its bearing is changed, and its alarm
 * cannot clear until it runs again. */
START_TEST(a_pump_that_was_stopped_for_its_repair_has_to_run_first)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    raise_and_resolve(&b, 85);
    for (int64_t age = 5000; age <= 80000; age += 1000) {
        pump_at(&b, age, PUMP_1, age < 8000 ? 85 : 60, age == 5000, QUALITY_GOOD);
    }
    expect(&b, "68000 ticket.watched pump-1/hot not-running");
    for (int64_t age = 81000; age <= 93000; age += 1000) {
        pump(&b, age, PUMP_1, 60, QUALITY_GOOD);
    }
    expect(&b, "83000 alarm.cleared pump-1/hot; "
               "83000 ticket.watched pump-1/hot watching; "
               "93000 ticket.verified pump-1/hot; 93000 ticket.closed pump-1/hot");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

/* The same, but it has cooled down when it is stopped. */
START_TEST(a_pump_that_is_stopped_before_its_alarm_clears_has_to_run_first)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    raise_and_resolve(&b, 60);
    pump(&b, 5000, PUMP_1, 60, QUALITY_GOOD);
    expect(&b, "");
    pump_at(&b, 5500, PUMP_1, 60, false, QUALITY_GOOD);
    expect(&b, "5500 ticket.watched pump-1/hot not-running");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(an_unknown_sample_begins_the_verification_anew)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    raise_and_resolve(&b, 60);
    for (int64_t age = 6000; age <= 21000; age += 1000) {
        pump(&b, age, PUMP_1, 60, age == 12000 ? QUALITY_CRC : QUALITY_GOOD);
    }
    expect(&b, "6000 alarm.cleared pump-1/hot; "
               "6000 ticket.watched pump-1/hot watching; "
               "12000 ticket.watched pump-1/hot no-good-samples");
    pump(&b, 22000, PUMP_1, 60, QUALITY_GOOD);
    pump(&b, 23000, PUMP_1, 60, QUALITY_GOOD);
    expect(&b, "23000 ticket.verified pump-1/hot; 23000 ticket.closed pump-1/hot");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(silence_verifies_nothing)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    raise_and_resolve(&b, 60);
    pump(&b, 6000, PUMP_1, 60, QUALITY_GOOD);
    pipeline_advance(b.pipeline, T0 + 3600000);
    expect(&b, "6000 alarm.cleared pump-1/hot; "
               "6000 ticket.watched pump-1/hot watching; 11000 device.offline pump-1; "
               "11000 ticket.watched pump-1/hot no-good-samples");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(a_fault_that_returns_reopens_its_ticket_verified_or_not)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    raise_and_resolve(&b, 60);
    for (int64_t age = 6000; age <= 12000; age += 1000) {
        pump(&b, age, PUMP_1, age < 9000 ? 60 : 85, QUALITY_GOOD);
    }
    expect(&b, "6000 alarm.cleared pump-1/hot; "
               "6000 ticket.watched pump-1/hot watching; "
               "9000 ticket.watched pump-1/hot alarm-stands; "
               "12000 alarm.raised pump-1/hot; "
               "12000 ticket.reopened pump-1/hot");
    ck_assert_int_eq(command(&b, 13000, COMMAND_TICKET_RESOLVE, 1), 0);
    for (int64_t age = 13000; age <= 40000; age += 1000) {
        pump(&b, age, PUMP_1, age < 35000 ? 60 : 95, QUALITY_GOOD);
    }
    expect(&b, "13000 ticket.resolved pump-1/hot; "
               "13000 ticket.watched pump-1/hot alarm-stands; "
               "15000 alarm.cleared pump-1/hot; "
               "15000 ticket.watched pump-1/hot watching; "
               "25000 ticket.verified pump-1/hot; 25000 ticket.closed pump-1/hot; "
               "38000 alarm.raised pump-1/hot; 38000 ticket.reopened pump-1/hot");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

/* ---- Properties over random streams ---- */

struct step {
    bool is_command;
    double a, v, u;
    bool run, bad;
    enum command_kind kind;
    uint32_t device, rule;
    int64_t for_ms;
    bool back; /* COMMAND_SERVICE */
};

static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void
make_steps(struct step *steps, uint32_t seed)
{
    static const enum command_kind kinds[] = {COMMAND_ACK,
                                              COMMAND_TICKET_TAKE,
                                              COMMAND_TICKET_ARRIVE,
                                              COMMAND_TICKET_WAIT,
                                              COMMAND_TICKET_RESUME,
                                              COMMAND_TICKET_RESOLVE,
                                              COMMAND_TICKET_RESOLVE,
                                              COMMAND_TICKET_CLOSE,
                                              COMMAND_TICKET_REOPEN,
                                              COMMAND_ACK,
                                              COMMAND_SHELVE,
                                              COMMAND_UNSHELVE,
                                              COMMAND_SERVICE,
                                              COMMAND_SERVICE};
    uint32_t state = seed * 7919 + 1;
    double a = 60;
    unsigned bad = 0;
    for (int i = 0; i < STEPS; i++) {
        struct step *s = &steps[i];
        if (next_random(&state) % 4 == 0) { /* Stays a while in a region. */
            static const double levels[] = {60, 74, 78, 83, 88, 93};
            a = levels[next_random(&state) % ARRAY_LEN(levels)];
        }
        s->a = a;
        s->v = next_random(&state) % 12 == 0 ? 6 : 2;
        s->u = next_random(&state) % 40 == 0 ? 20 : 230;
        s->run = next_random(&state) % 10 != 0;
        /* Never so long that a point goes stale: when it would have is forgotten in a
         * restart. */
        s->bad = bad < 3 && next_random(&state) % 8 == 0;
        bad = s->bad ? bad + 1 : 0;
        s->is_command = next_random(&state) % 3 == 0;
        s->kind = kinds[next_random(&state) % ARRAY_LEN(kinds)];
        s->device = PUMP_1 + next_random(&state) % 2;
        s->rule = 1 + next_random(&state) % 2;
        s->for_ms = 1000 + next_random(&state) % 12 * 700;
        s->back = next_random(&state) % 2 == 0;
    }
}

static void
play(struct bench *b, const struct step *s, int64_t age_ms)
{
    enum quality q = s->bad ? QUALITY_TIMEOUT : QUALITY_GOOD;
    for (uint32_t d = FEEDER; d <= PUMP_2; d++) {
        const struct device *device = &b->plant->devices[d];
        struct frame *f = plant_frame(d, b->t0 + age_ms);
        for (uint32_t p = 0; p < device->point_count; p++) {
            uint32_t point = device->first_point + p;
            const char *id = b->plant->points[point].id;
            double value = strcmp(id, "a") == 0     ? s->a - (d == PUMP_2 ? 3 : 0)
                           : strcmp(id, "v") == 0   ? s->v
                           : strcmp(id, "u") == 0   ? s->u
                           : strcmp(id, "run") == 0 ? s->run
                                                    : 1;
            plant_frame_add(f, point, value, d == FEEDER ? QUALITY_GOOD : q);
        }
        pipeline_frame(b->pipeline, f);
        free(f);
    }
    if (s->is_command) {
        struct command c = {.t_ms = b->t0 + age_ms + 300,
                            .kind = s->kind,
                            .device = b->plant->devices[s->device].id,
                            .rule = b->plant->rules[s->rule].id,
                            .by = "zhang",
                            .note = "so",
                            .for_ms = s->for_ms,
                            .service = s->back ? SERVICE_IN : SERVICE_OUT};
        struct err err = {0};
        int code = pipeline_command(b->pipeline, &c, NULL, &err);
        /* The answers must be the same, too. */
        struct event e = {.t_ms = c.t_ms,
                          .kind = EVENT_TICKET_NOTED,
                          .note = code != 0 ? err.text : "ok"};
        b->recorder->sink.event(b->recorder->sink.ctx, &e);
    }
}

struct saved {
    struct rule_state states[16];
    size_t count;
};

static void
save_state(void *ctx, const struct rule_state *s)
{
    struct saved *saved = ctx;
    ck_assert_uint_lt(saved->count, ARRAY_LEN(saved->states));
    saved->states[saved->count++] = *s;
}

/* A hold or a verification that ends before the next samples is judged by these after a
 * restart: the moment between them is not the same, and no cut is made there. */
static bool
may_cut(const struct bench *b, const struct saved *saved, int64_t next_ms)
{
    for (size_t i = 0; i < saved->count; i++) {
        const struct rule_state *s = &saved->states[i];
        const struct rule_spec *rule = &b->plant->rules[s->rule];
        if ((s->phase == RULE_PENDING && s->since_ms + rule->hold_ms <= next_ms) ||
            (s->phase == RULE_CLEARING &&
             s->since_ms + rule->clear_hold_ms <= next_ms)) {
            return false;
        }
    }
    return tickets_due(pipeline_tickets(b->pipeline)) > next_ms;
}

/* As the daemon does it: the time, then rows of alarms, timers, devices, tickets.  It
 * was down until t_ms. */
static void
restart(struct bench *b, const struct saved *saved, int64_t t_ms)
{
    struct bench old = *b;
    int64_t last_ticket = 0;
    for (int64_t i = 0; i < RECORDER_ROWS_MAX; i++) {
        last_ticket = old.recorder->tickets[i].number > 0 ? i + 1 : last_ticket;
    }
    bench_start(b, old.plant, last_ticket + 1);
    pipeline_advance(b->pipeline, t_ms); /* As the daemon does: what time it is. */
    for (uint32_t d = 0; d < old.plant->site.device_count; d++) {
        const struct service *s = alarms_service(pipeline_alarms(old.pipeline), d);
        ck_assert(s == NULL || pipeline_restore_service(b->pipeline, s));
    }
    for (size_t i = 0; i < old.recorder->alarm_count; i++) {
        ck_assert(pipeline_restore_alarm(b->pipeline, &old.recorder->alarms[i]));
    }
    for (size_t i = 0; i < saved->count; i++) {
        ck_assert(pipeline_restore_timer(b->pipeline, &saved->states[i],
                                         pipeline_now(old.pipeline)));
    }
    for (uint32_t d = 0; d < old.plant->site.device_count; d++) {
        rules_restore_device(pipeline_rules(b->pipeline), d,
                             rules_device_health(pipeline_rules(old.pipeline), d));
    }
    for (int64_t i = 0; i < last_ticket; i++) {
        pipeline_restore_ticket(b->pipeline, &old.recorder->tickets[i]);
    }
    /* What the next restart reads was written by this life or by the one before. */
    memcpy(b->recorder->alarms, old.recorder->alarms, sizeof b->recorder->alarms);
    b->recorder->alarm_count = old.recorder->alarm_count;
    memcpy(b->recorder->tickets, old.recorder->tickets, sizeof b->recorder->tickets);
    memcpy(b->recorder->ids, old.recorder->ids, sizeof b->recorder->ids);
    memset(old.recorder->ids, 0, sizeof old.recorder->ids);
    for (size_t i = 0; i < old.recorder->count; i++) {
        b->recorder->lines =
            realloc(b->recorder->lines, (i + 1) * sizeof *b->recorder->lines);
        ck_assert_ptr_nonnull(b->recorder->lines);
        b->recorder->lines[i] = old.recorder->lines[i];
    }
    b->recorder->count = old.recorder->count;
    old.recorder->count = 0;
    bench_stop(&old);
}

static void
restart_at(struct bench *b, int64_t age_ms)
{
    struct saved saved = {.count = 0};
    rules_save(pipeline_rules(b->pipeline), true, save_state, &saved);
    restart(b, &saved, b->t0 + age_ms);
}

START_TEST(the_watch_goes_on_over_a_short_restart_and_begins_anew_after_a_long_one)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    raise_and_resolve(&b, 60);
    for (int64_t age = 6000; age <= 12000; age += 1000) {
        pump(&b, age, PUMP_1, 60, QUALITY_GOOD);
    }
    expect(&b, "6000 alarm.cleared pump-1/hot; "
               "6000 ticket.watched pump-1/hot watching");
    /* Nobody looked for so long that all may have happened: it counts for nothing. */
    int64_t back = _i == 0 ? 13000 : 12000 + RULES_RESTART_GAP_MS + 1000;
    restart_at(&b, back - 500);
    for (int64_t age = back; age <= back + 9000; age += 1000) {
        pump(&b, age, PUMP_1, 60, QUALITY_GOOD);
    }
    expect(&b, _i == 0 ? "16000 ticket.verified pump-1/hot; "
                         "16000 ticket.closed pump-1/hot"
                       : "");
    pump(&b, back + 10000, PUMP_1, 60, QUALITY_GOOD);
    expect(&b, _i == 0 ? ""
                       : "83000 ticket.verified pump-1/hot; "
                         "83000 ticket.closed pump-1/hot");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(what_did_not_run_since_its_repair_waits_over_a_restart_too)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    /* It cools down and is stopped for the repair: nothing put that to the test. */
    for (int64_t age = 0; age <= 7000; age += 1000) {
        pump(&b, age, PUMP_1, age < 4000 ? 85 : 60, QUALITY_GOOD);
    }
    for (int64_t age = 8000; age <= 40000; age += 1000) {
        if (age == 10000) {
            ck_assert_int_eq(command(&b, 9500, COMMAND_TICKET_RESOLVE, 1), 0);
            recorder_forget(b.recorder);
        } else if (age == 25000) {
            restart_at(&b, 24500);
        }
        pump_at(&b, age, PUMP_1, 40, false, QUALITY_GOOD);
        ck_assert(age < 10000 || b.recorder->tickets[0].proof == PROOF_NOT_RUNNING);
    }
    expect(&b, "");
    pump(&b, 41000, PUMP_1, 60, QUALITY_GOOD);
    pump(&b, 42000, PUMP_1, 60, QUALITY_GOOD);
    expect(&b, "41000 ticket.watched pump-1/hot watching; "
               "41000 ticket.verified pump-1/hot; 41000 ticket.closed pump-1/hot");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(a_sensor_that_is_silent_after_a_restart_is_told)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    raise_and_resolve(&b, 60);
    pump(&b, 6000, PUMP_1, 60, QUALITY_GOOD);
    expect(&b, "6000 alarm.cleared pump-1/hot; "
               "6000 ticket.watched pump-1/hot watching");
    restart_at(&b, 7000);
    pipeline_advance(b.pipeline, T0 + 66999);
    ck_assert_int_eq(b.recorder->tickets[0].proof, PROOF_WATCHING);
    pipeline_advance(b.pipeline, T0 + 3600000);
    ck_assert_int_eq(b.recorder->tickets[0].proof, PROOF_NOT_GOOD);
    char *came = story(&b);
    ck_assert_ptr_nonnull(
        strstr(came, "67000 ticket.watched pump-1/hot no-good-samples"));
    ck_assert_ptr_null(strstr(came, "ticket.verified"));
    free(came);
    bench_stop(&b);
    free(b.plant);
}
END_TEST

START_TEST(a_fault_that_returns_after_a_restart_reopens_with_what_it_came_back_with)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    raise_and_resolve(&b, 60);
    for (int64_t age = 6000; age <= 20000; age += 1000) {
        pump(&b, age, PUMP_1, 60, QUALITY_GOOD);
    }
    struct command stars = {.t_ms = T0 + 20500,
                            .kind = COMMAND_TICKET_RATE,
                            .ticket = 1,
                            .rating = 5,
                            .by = "desk"};
    struct err err = {0};
    ck_assert_msg(pipeline_command(b.pipeline, &stars, NULL, &err) == 0, "%s",
                  err.text);
    ck_assert_int_eq(b.recorder->tickets[0].rating, 5);
    restart_at(&b, 20800);
    recorder_forget(b.recorder);
    for (int64_t age = 21000; age <= 25000; age += 1000) {
        pump(&b, age, PUMP_1, 88, QUALITY_GOOD);
    }
    const char *line = recorder_line(b.recorder, 1);
    ck_assert_ptr_nonnull(strstr(line, "\"event\":\"ticket.reopened\""));
    ck_assert_ptr_nonnull(strstr(line, "\"value\":88"));
    ck_assert_ptr_nonnull(strstr(line, "\"episode\":2"));
    /* The stars were for a repair that did not last. */
    const struct ticket *t = &b.recorder->tickets[0];
    ck_assert_int_eq(t->rating, 0);
    ck_assert_int_eq(t->reopened, 1);
    ck_assert_str_eq(t->assignee, "zhang");
    expect(&b, "24000 alarm.raised pump-1/hot; 24000 ticket.reopened pump-1/hot");
    bench_stop(&b);
    free(b.plant);
}
END_TEST

static void
compare_lines(const struct bench *a, const struct bench *b, unsigned seed)
{
    size_t most = a->recorder->count > b->recorder->count ? a->recorder->count
                                                          : b->recorder->count;
    for (size_t i = 0; i < most; i++) {
        const char *x = recorder_line(a->recorder, i);
        const char *y = recorder_line(b->recorder, i);
        ck_assert_msg(strcmp(x, y) == 0, "run %u, line %zu:\n%s\n%s", seed, i, x, y);
    }
}

START_TEST(a_run_with_restarts_tells_what_an_uninterrupted_one_tells)
{
    struct step steps[STEPS];
    unsigned cuts = 0;
    size_t lines = 0;
    for (unsigned seed = 0; seed < RUNS; seed++) {
        struct bench whole;
        struct bench cut;
        struct plant *plant = plant_of(_i);
        bench_start(&whole, plant, 1);
        bench_start(&cut, plant, 1);
        make_steps(steps, seed);
        uint32_t state = seed + 99;
        for (int i = 0; i < STEPS; i++) {
            play(&whole, &steps[i], i * 1000LL);
            play(&cut, &steps[i], i * 1000LL);
            struct saved saved = {.count = 0};
            rules_save(pipeline_rules(cut.pipeline), true, save_state, &saved);
            /* Of several levels on their way up, one hold is kept: all began together
             * while the value stays. */
            bool steady = i > 0 && steps[i].a == steps[i - 1].a;
            if (next_random(&state) % 20 == 0 && steady &&
                may_cut(&cut, &saved, T0 + (i + 1) * 1000LL)) {
                restart(&cut, &saved, pipeline_now(cut.pipeline));
                cuts++;
            }
        }
        compare_lines(&whole, &cut, seed);
        lines += whole.recorder->count;
        bench_stop(&whole);
        bench_stop(&cut);
        free(plant);
    }
    ck_assert_uint_gt(cuts, RUNS);
    ck_assert_uint_gt(lines, RUNS * 50);
}
END_TEST

/* The lines with their instants as they would be without the steps. */
static void
forget_steps(struct recorder *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (strstr(r->lines[i], "clock.stepped") != NULL) {
            free(r->lines[i]);
        } else {
            r->lines[kept++] = r->lines[i];
        }
    }
    r->count = kept;
}

/* A sink before the recorder that takes the step of the clock out again. */
struct unstep {
    struct recorder *recorder;
    const struct bench *bench;
};

static void
unstep_event(void *ctx, const struct event *e)
{
    const struct unstep *u = ctx;
    int64_t delta = u->bench->t0 - T0;
    struct event moved = *e;
    moved.t_ms -= delta;
    moved.until_ms -= moved.until_ms != 0 ? delta : 0;
    moved.respond_by_ms -= moved.respond_by_ms != 0 ? delta : 0;
    moved.resolve_by_ms -= moved.resolve_by_ms != 0 ? delta : 0;
    u->recorder->sink.event(u->recorder->sink.ctx, &moved);
}

static void
drop_alarm(void *ctx, const struct alarm *a)
{
    (void)ctx;
    (void)a;
}

static void
drop_ticket(void *ctx, const struct ticket *t)
{
    (void)ctx;
    (void)t;
}

static void
compare_instants(int64_t even_ms, int64_t stepped_ms, int64_t delta_ms)
{
    ck_assert_int_eq(stepped_ms,
                     even_ms != INSTANT_NONE ? even_ms + delta_ms : INSTANT_NONE);
}

/* The rows stand alike, with every instant moved. */
static void
compare_rows(const struct bench *even, const struct bench *stepped)
{
    int64_t delta_ms = stepped->t0 - T0;
    for (uint32_t d = 0; d < even->plant->site.device_count; d++) {
        for (uint32_t r = 0; r < even->plant->site.rule_count; r++) {
            const struct alarm *a = alarms_get(pipeline_alarms(even->pipeline), d, r);
            const struct alarm *b =
                alarms_get(pipeline_alarms(stepped->pipeline), d, r);
            ck_assert_int_eq(a != NULL, b != NULL);
            if (a != NULL && b != NULL) {
                ck_assert_int_eq(a->state, b->state);
                ck_assert_int_eq(a->ticket, b->ticket);
                compare_instants(a->raised_ms, b->raised_ms, delta_ms);
                compare_instants(a->cleared_ms, b->cleared_ms, delta_ms);
                compare_instants(a->acked_ms, b->acked_ms, delta_ms);
            }
        }
    }
    for (int64_t number = 1; number <= RECORDER_ROWS_MAX; number++) {
        const struct ticket *a = tickets_get(pipeline_tickets(even->pipeline), number);
        const struct ticket *b =
            tickets_get(pipeline_tickets(stepped->pipeline), number);
        ck_assert_int_eq(a != NULL, b != NULL);
        if (a != NULL && b != NULL) {
            ck_assert_int_eq(a->state, b->state);
            compare_instants(a->opened_ms, b->opened_ms, delta_ms);
            compare_instants(a->respond_by_ms, b->respond_by_ms, delta_ms);
            compare_instants(a->resolve_by_ms, b->resolve_by_ms, delta_ms);
            compare_instants(a->resolved_ms, b->resolved_ms, delta_ms);
            compare_instants(a->closed_ms, b->closed_ms, delta_ms);
        }
    }
}

START_TEST(a_step_of_the_clock_moves_everything_and_changes_nothing)
{
    struct step steps[STEPS];
    for (unsigned seed = 0; seed < RUNS; seed++) {
        struct bench even;
        struct bench stepped;
        struct plant *plant = plant_of(_i);
        bench_start(&even, plant, 1);
        bench_start(&stepped, plant, 1);
        /* The same once more, with the steps taken out of what it tells. */
        struct unstep unstep = {stepped.recorder, &stepped};
        struct sink sink = {.ctx = &unstep,
                            .event = unstep_event,
                            .alarm = drop_alarm,
                            .ticket = drop_ticket};
        struct diags diags;
        diags_init(&diags);
        pipeline_free(stepped.pipeline);
        stepped.pipeline = pipeline_new(&plant->site, &sink, 1, &diags);
        ck_assert_ptr_nonnull(stepped.pipeline);
        make_steps(steps, seed);
        uint32_t state = seed + 5;
        for (int i = 0; i < STEPS; i++) {
            play(&even, &steps[i], i * 1000LL);
            play(&stepped, &steps[i], i * 1000LL);
            if (next_random(&state) % 20 == 0) {
                int64_t delta =
                    (int64_t)(next_random(&state) % 2000000000) - 1000000000;
                stepped.t0 += delta;
                pipeline_shift(stepped.pipeline, delta);
            }
        }
        forget_steps(stepped.recorder);
        /* What play() notes goes to the recorder directly, by the stepped clock. */
        for (size_t i = 0; i < even.recorder->count; i++) {
            const char *x = recorder_line(even.recorder, i);
            const char *y = recorder_line(stepped.recorder, i);
            if (strstr(x, "ticket.noted") != NULL) {
                x = strstr(x, "\"event\"");
                y = strstr(y, "\"event\"");
            }
            ck_assert_msg(y != NULL && strcmp(x, y) == 0, "run %u, line %zu:\n%s\n%s",
                          seed, i, x, y != NULL ? y : "(none)");
        }
        ck_assert_uint_eq(even.recorder->count, stepped.recorder->count);
        compare_rows(&even, &stepped);
        bench_stop(&even);
        bench_stop(&stepped);
        diags_fini(&diags);
        free(plant);
    }
}
END_TEST

/* "\"key\":" of a line as a number, or -1. */
static long
number_of(const char *line, const char *key)
{
    char name[40];
    snprintf(name, sizeof name, "\"%s\":", key);
    const char *at = strstr(line, name);
    return at != NULL ? strtol(at + strlen(name), NULL, 10) : -1;
}

/* How many lines have all of these in them. */
static size_t
count_lines(const struct bench *b, const char *x, const char *y, const char *z)
{
    size_t count = 0;
    for (size_t i = 0; i < b->recorder->count; i++) {
        const char *line = b->recorder->lines[i];
        count += strstr(line, x) != NULL && strstr(line, y) != NULL &&
                 strstr(line, z) != NULL;
    }
    return count;
}

/* The next line from *at on that tells of a clearing. */
static const char *
next_cleared(const struct bench *b, size_t *at)
{
    while (*at < b->recorder->count) {
        const char *line = b->recorder->lines[(*at)++];
        if (strstr(line, "alarm.cleared") != NULL) {
            return line;
        }
    }
    return "";
}

static void
check_raised_once(const struct bench *b)
{
    for (size_t i = 0; i < b->recorder->count; i++) {
        const char *line = b->recorder->lines[i];
        char alarm[100];
        char episode[40];
        const char *device = strstr(line, "\"device\"");
        if (strstr(line, "alarm.raised") == NULL) {
            continue;
        }
        snprintf(alarm, sizeof alarm, "%.*s", (int)(strstr(line, ",\"sev") - device),
                 device);
        snprintf(episode, sizeof episode, "\"episode\":%ld,",
                 number_of(line, "episode"));
        char last[40];
        snprintf(last, sizeof last, "\"episode\":%ld}", number_of(line, "episode"));
        ck_assert_uint_eq(count_lines(b, "alarm.raised", alarm, episode) +
                              count_lines(b, "alarm.raised", alarm, last),
                          1);
    }
}

/* The same plant, once with commands and configuration that hide and once without:
 * every clearing is told at the same moment, and every episode is raised at most once.
 */
START_TEST(hiding_hides_no_recovery_and_raises_nothing_twice)
{
    struct step steps[STEPS];
    size_t hidden = 0;
    size_t cleared = 0;
    for (unsigned seed = 0; seed < RUNS; seed++) {
        struct bench plain;
        struct bench hiding;
        struct plant *bare = plant_of(0);
        struct plant *rich = plant_of(1);
        bare->rules[0].clear_hold_ms = rich->rules[0].clear_hold_ms;
        rich->rules[2].latch = false; /* A latch puts the clearing off, on purpose. */
        bench_start(&plain, bare, 1);
        bench_start(&hiding, rich, 1);
        make_steps(steps, seed);
        for (int i = 0; i < STEPS; i++) {
            struct step silent = steps[i];
            silent.is_command = false;
            play(&plain, &silent, i * 1000LL);
            play(&hiding, &steps[i], i * 1000LL);
        }
        size_t at = 0;
        size_t other = 0;
        for (const char *x = next_cleared(&plain, &at); *x != '\0';
             x = next_cleared(&plain, &at)) {
            ck_assert_str_eq(x, next_cleared(&hiding, &other));
            cleared++;
        }
        ck_assert_str_eq(next_cleared(&hiding, &other), "");
        check_raised_once(&hiding);
        ck_assert_uint_le(count_lines(&hiding, "alarm.raised", "", ""),
                          count_lines(&plain, "alarm.raised", "", ""));
        hidden += count_lines(&plain, "alarm.raised", "", "") -
                  count_lines(&hiding, "alarm.raised", "", "");
        bench_stop(&plain);
        bench_stop(&hiding);
        free(bare);
        free(rich);
    }
    ck_assert_uint_gt(hidden, RUNS);
    ck_assert_uint_gt(cleared, RUNS * 5);
}
END_TEST

/* Device and rule, or what stands for all rules of its group. */
static bool
same_cause(const struct bench *b,
           const struct ticket *t,
           uint32_t device,
           uint32_t rule)
{
    const struct site *site = &b->plant->site;
    const char *group = site->rules[rule].group;
    uint32_t its = t->rule != NULL ? site_rule(site, t->rule) : NONE_INDEX;
    const char *its_group = its != NONE_INDEX ? site->rules[its].group : NULL;
    return its != NONE_INDEX && strcmp(t->device, site->devices[device].id) == 0 &&
           (its == rule ||
            (group != NULL && its_group != NULL && strcmp(group, its_group) == 0));
}

/* The alarms that are work and are not hidden; each has its ticket, and one only. */
static size_t
check_one_ticket(const struct bench *b, unsigned seed, int step)
{
    size_t standing = 0;
    for (uint32_t d = 0; d < b->plant->site.device_count; d++) {
        for (uint32_t r = 0; r < b->plant->site.rule_count; r++) {
            const struct alarm *a = alarms_get(pipeline_alarms(b->pipeline), d, r);
            unsigned open = 0;
            for (const struct ticket *t = b->recorder->tickets; t->number != 0; t++) {
                open += t->state != TICKET_CLOSED && same_cause(b, t, d, r);
            }
            ck_assert_msg(open <= 1, "run %u, step %d: %u tickets", seed, step, open);
            if (a != NULL && alarm_is_raised(a) && a->severity != SEVERITY_INFO &&
                (a->state == ALARM_ACTIVE || a->state == ALARM_ACTIVE_ACKED)) {
                ck_assert_msg(open == 1, "run %u, step %d: no ticket", seed, step);
                standing++;
            }
        }
    }
    return standing;
}

START_TEST(every_alarm_has_its_ticket_and_no_cause_a_second_one)
{
    struct step steps[STEPS];
    size_t standing = 0;
    for (unsigned seed = 0; seed < RUNS; seed++) {
        struct bench b;
        struct plant *plant = plant_of(_i);
        bench_start(&b, plant, 1);
        make_steps(steps, seed + 1000);
        for (int i = 0; i < STEPS; i++) {
            play(&b, &steps[i], i * 1000LL);
            standing += check_one_ticket(&b, seed, i);
        }
        bench_stop(&b);
        free(plant);
    }
    ck_assert_uint_gt(standing, RUNS * 20);
}
END_TEST

START_TEST(a_step_of_the_clock_is_told_with_its_length)
{
    struct bench b;
    bench_start(&b, plant_with_rules(), 1);
    pump(&b, 0, PUMP_1, 60, QUALITY_GOOD);
    pipeline_shift(b.pipeline, -7000);
    ck_assert_int_eq(pipeline_now(b.pipeline), T0 - 7000);
    ck_assert_uint_eq(b.recorder->count, 1);
    ck_assert_ptr_nonnull(strstr(b.recorder->lines[0], "\"event\":\"clock.stepped\""));
    ck_assert_ptr_nonnull(strstr(b.recorder->lines[0], "-7000"));
    bench_stop(&b);
    free(b.plant);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("pipeline");
    TCase *tc = tcase_create("order");
    tcase_add_loop_test(tc, planned_work_is_a_service_if_its_plan_is, 0,
                        (int)ARRAY_LEN(planned_works));
    tcase_add_test(tc, devices_come_before_alarms_and_alarms_before_tickets);
    tcase_add_test(tc, timers_that_are_due_come_before_a_frame_of_the_same_time);
    tcase_add_test(tc,
                   timers_fire_each_at_its_own_time_however_late_they_are_asked_for);
    tcase_add_test(tc, of_one_time_the_sensor_speaks_before_the_promise);
    tcase_add_test(tc, time_never_goes_back);
    tcase_add_test(tc, a_command_first_lets_pass_what_was_due_before_it);
    tcase_add_test(tc, the_alarm_carries_the_number_of_its_ticket);
    suite_add_tcase(s, tc);
    tc = tcase_create("watch");
    tcase_add_test(
        tc, a_ticket_that_is_resolved_while_the_alarm_stands_waits_for_the_sensor);
    tcase_add_test(tc, a_pump_that_was_stopped_for_its_repair_has_to_run_first);
    tcase_add_test(tc, a_pump_that_is_stopped_before_its_alarm_clears_has_to_run_first);
    tcase_add_test(tc, an_unknown_sample_begins_the_verification_anew);
    tcase_add_test(tc, silence_verifies_nothing);
    tcase_add_loop_test(
        tc, the_watch_goes_on_over_a_short_restart_and_begins_anew_after_a_long_one, 0,
        2);
    tcase_add_test(tc, what_did_not_run_since_its_repair_waits_over_a_restart_too);
    tcase_add_test(tc, a_sensor_that_is_silent_after_a_restart_is_told);
    tcase_add_test(
        tc, a_fault_that_returns_after_a_restart_reopens_with_what_it_came_back_with);
    tcase_add_test(tc, a_fault_that_returns_reopens_its_ticket_verified_or_not);
    suite_add_tcase(s, tc);
    tc = tcase_create("properties");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_run_with_restarts_tells_what_an_uninterrupted_one_tells,
                        0, PLANTS);
    tcase_add_loop_test(tc, a_step_of_the_clock_moves_everything_and_changes_nothing, 0,
                        PLANTS);
    tcase_add_test(tc, hiding_hides_no_recovery_and_raises_nothing_twice);
    tcase_add_loop_test(tc, every_alarm_has_its_ticket_and_no_cause_a_second_one, 0,
                        PLANTS);
    tcase_add_test(tc, a_step_of_the_clock_is_told_with_its_length);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
