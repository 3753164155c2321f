/* Random sequences of commands, alarms, samples and time: the tickets of the product
 * and those of the reference (tests/fake/life_model.h) must never differ.
 *
 * CARETAKER_MODEL_RUNS sets how many sequences; 100,000 without sanitizers. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/ticket/tickets.h"
#include "tests/fake/life_model.h"

#define T0     1772360070000LL
#define MINUTE 60000LL
#define YEAR   (365LL * 24 * 60 * MINUTE)
#define STEPS  40
#define SHARES 20 /* Tests that share the runs. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RUNS 5000
#else
#define RUNS 100000
#endif

static const char *const people[] = {"li", "wang", "zhao"};
static const char *const categories[] = {"seal", "power"};
static const char *const team_ids[] = {"alpha", "beta", "no-such-team"};
static const char *const causes[] = {"wear", "leak", "door-sill", "no-such-cause"};
static const char *const part_names[] = {"seal ring", "fuse 16 A"};
static const char *const device_ids[] = {"pump-1", "pump-2"};

/* ---- The site ---- */

static struct device devices[] = {{.id = "pump-1", .name = "Pump 1", .type = "pump"},
                                  {.id = "pump-2", .name = "Pump 2", .type = "pump"}};
static const struct text steps[MODEL_STEPS] = {{{"a"}}, {{"b"}}, {{"c"}}};
static struct procedure procedures[] = {
    {.id = "pump", .steps = steps, .step_count = MODEL_STEPS}};
static struct rule_spec rules[] = {{.id = "hot",
                                    .procedure = "pump",
                                    .verify_for_ms = MODEL_VERIFY * MINUTE,
                                    .follow_up_ms = MODEL_FOLLOW_UP * MINUTE},
                                   {.id = "locked",
                                    .group = "trip",
                                    .ticket_kind = TICKET_PREDICTED,
                                    .verify_for_ms = MODEL_VERIFY * MINUTE,
                                    .follow_up_ms = MODEL_FOLLOW_UP_2 * MINUTE},
                                   {.id = "tripped",
                                    .group = "trip",
                                    .ticket_kind = TICKET_FAULT,
                                    .verify_for_ms = MODEL_VERIFY * MINUTE,
                                    .follow_up_ms = MODEL_FOLLOW_UP_2 * MINUTE}};
static struct team teams[] = {{.id = "alpha"}, {.id = "beta"}};
static const char *const own_causes[] = {"door-sill"};
static const struct site site = {
    .id = "model",
    .devices = devices,
    .device_count = ARRAY_LEN(devices),
    .rules = rules,
    .rule_count = ARRAY_LEN(rules),
    .procedures = procedures,
    .procedure_count = ARRAY_LEN(procedures),
    .teams = teams,
    .team_count = ARRAY_LEN(teams),
    .causes = own_causes,
    .cause_count = ARRAY_LEN(own_causes),
    /* No deadline comes near here. */
    .promises = {[SEVERITY_NORMAL] = {10 * YEAR, 20 * YEAR},
                 [SEVERITY_URGENT] = {10 * YEAR, 20 * YEAR},
                 [SEVERITY_CRITICAL] = {10 * YEAR, 20 * YEAR}},
    .follow_up_ms = MODEL_FOLLOW_UP * MINUTE,
    .visit_after_ms = MODEL_VISIT * MINUTE,
};

/* ---- The product, driven as the pipeline drives it ---- */

struct run {
    unsigned seed;
    uint32_t random;
    int step;
    const char *what; /* Of the step. */
    struct tickets *tickets;
    struct sink sink;
    int64_t events, opened, rows;
    int64_t while_last[MODEL_INSTANCES];
    struct life_model model;
};

static void
on_event(void *ctx, const struct event *e)
{
    struct run *r = ctx;
    r->events++;
    r->opened += e->kind == EVENT_TICKET_OPENED;
}

static void
on_ticket(void *ctx, const struct ticket *t)
{
    struct run *r = ctx;
    (void)t;
    r->rows++;
}

static int64_t
instant(int64_t minute)
{
    return minute == MODEL_NEVER ? INSTANT_NONE : T0 + minute * MINUTE;
}

static void
fire(struct run *r)
{
    while (tickets_due(r->tickets) <= instant(r->model.now)) {
        tickets_fire(r->tickets);
    }
}

static void
watch(struct run *r, int instance)
{
    const struct model_sensor *s = &r->model.sensors[instance];
    uint32_t device = (uint32_t)model_device(instance);
    struct watch w = {.clear = s->condition == MODEL_CLEAR,
                      .clear_since_ms = instant(s->clear_since),
                      .stands = s->condition == MODEL_TRUE,
                      .while_now = s->runs,
                      .while_last_ms =
                          s->runs ? instant(r->model.now) : r->while_last[instance]};
    if (tickets_wants_watch(r->tickets, device, (uint32_t)instance)) {
        tickets_watch(r->tickets, instant(r->model.now), device, (uint32_t)instance,
                      &w);
    }
}

static uint32_t
draw(struct run *r, uint32_t below)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 17;
    r->random ^= r->random << 5;
    return r->random % below;
}

/* ---- No difference ---- */

static const char *
name_or_none(const char *const *names, int index)
{
    return index == MODEL_NOBODY ? "" : names[index];
}

static void
same_number(const struct run *r, int64_t ticket, const char *what, int64_t a, int64_t b)
{
    if (a != b) {
        ck_abort_msg("run %u step %d (%s): %s of ticket %lld is %lld, expected %lld",
                     r->seed, r->step, r->what, what, (long long)ticket, (long long)a,
                     (long long)b);
    }
}

static void
same_text(
    const struct run *r, int64_t ticket, const char *what, const char *a, const char *b)
{
    if (strcmp(a, b) != 0) {
        ck_abort_msg("run %u step %d (%s): %s of ticket %lld is \"%s\", expected "
                     "\"%s\"",
                     r->seed, r->step, r->what, what, (long long)ticket, a, b);
    }
}

static void
same_parts(const struct run *r, const struct ticket *t, const struct model_ticket *m)
{
    uint32_t kinds = 0;
    for (int k = 0; k < MODEL_PARTS; k++) {
        int64_t count = 0;
        int64_t cost = 0;
        for (uint32_t i = 0; i < t->part_count; i++) {
            if (strcmp(t->parts[i].name, part_names[k]) == 0) {
                count += t->parts[i].count;
                cost += t->parts[i].cost;
            }
        }
        same_number(r, t->number, "parts", count, m->part_count[k]);
        same_number(r, t->number, "cost of parts", cost, m->part_cost[k]);
        kinds += m->part_count[k] != 0 || m->part_cost[k] != 0;
    }
    same_number(r, t->number, "kinds of parts", t->part_count, kinds);
}

#define SAME(what, a, b) same_number(r, t->number, what, (int64_t)(a), (int64_t)(b))

static void
same_instants(const struct run *r, const struct ticket *t, const struct model_ticket *m)
{
    SAME("opening", t->opened_ms, instant(m->opened));
    SAME("response", t->responded_ms, instant(m->responded));
    SAME("resolving", t->resolved_ms, instant(m->resolved));
    SAME("verification", t->verified_ms, instant(m->verified));
    SAME("closing", t->closed_ms, instant(m->closed));
    SAME("clearing", t->cleared_ms, instant(m->cleared));
    SAME("first response", t->first_responded_ms, instant(m->first_responded));
    SAME("first resolving", t->first_resolved_ms, instant(m->first_resolved));
    SAME("visit", t->visit_ms, instant(m->visit));
}

static void
same_ticket(const struct run *r, const struct ticket *t, const struct model_ticket *m)
{
    SAME("kind", t->kind, m->kind);
    SAME("priority", t->priority, m->priority);
    SAME("state", t->state, m->state);
    same_text(r, t->number, "owner", t->assignee, name_or_none(people, m->owner));
    SAME("taken", t->taken, m->taken);
    same_instants(r, t, m);
    SAME("episodes", t->episodes, m->episodes);
    SAME("reopened", t->reopened, m->reopened);
    SAME("minutes", t->minutes, m->minutes);
    SAME("cost", t->cost, m->cost);
    same_parts(r, t, m);
    SAME("rating", t->rating, m->rating);
    same_text(r, t->number, "cause", t->cause, name_or_none(causes, m->cause));
    same_text(r, t->number, "team", t->team, name_or_none(team_ids, m->team));
    same_text(r, t->number, "category", t->category,
              name_or_none(categories, m->category));
    SAME("pause", t->pause, m->pause);
    SAME("proof", t->proof, m->proof);
    SAME("steps", t->steps, m->steps);
    same_text(r, t->number, "device", t->device, device_ids[m->device]);
    SAME("plan", t->plan[0] != '\0', m->kind == TICKET_PLANNED);
    SAME("flags",
         m->kind != TICKET_PLANNED && /* Whose deadline is the end of the day. */
             (t->respond_warned || t->respond_breached || t->resolve_warned ||
              t->resolve_breached),
         0);
}

static void
check_same(const struct run *r)
{
    const struct life_model *m = &r->model;
    same_number(r, 0, "count", r->opened, m->count);
    for (int i = 0; i < m->count; i++) {
        const struct ticket *t = tickets_get(r->tickets, i + 1);
        if (t != NULL) {
            same_ticket(r, t, &m->tickets[i]);
        } else {
            same_number(r, i + 1, "past and without a visit",
                        model_is_past(m, &m->tickets[i]) &&
                            m->tickets[i].visit == MODEL_NEVER,
                        1);
        }
    }
}

/* ---- What happens ---- */

static void
step_alarm(struct run *r)
{
    int instance = (int)draw(r, MODEL_INSTANCES);
    const struct model_sensor *s = &r->model.sensors[instance];
    /* Information is nobody's work; only the rule alone has it. */
    enum severity severity = instance == 0
                                 ? (enum severity)draw(r, SEVERITY_COUNT)
                                 : SEVERITY_NORMAL + (enum severity)draw(r, 3);
    enum edge_kind edge = EDGE_RAISED;
    if (s->raised) {
        edge = severity != s->severity && draw(r, 3) == 0 ? EDGE_CHANGED : EDGE_CLEARED;
    }
    r->what = edge == EDGE_RAISED    ? "raised"
              : edge == EDGE_CHANGED ? "changed"
                                     : "cleared";
    if (edge == EDGE_CLEARED) {
        model_sense(&r->model, instance, MODEL_CLEAR, s->runs);
        model_clear(&r->model, instance);
    } else if (edge == EDGE_RAISED) {
        model_sense(&r->model, instance, MODEL_TRUE, s->runs);
        model_raise(&r->model, instance, severity);
    } else {
        model_change(&r->model, instance, severity);
    }
    bool others = (instance == 1 && r->model.sensors[2].raised) ||
                  (instance == 2 && r->model.sensors[1].raised);
    struct alarm a = {.severity = severity, .title = "ill", .episode = 1};
    tickets_alarm(r->tickets, instant(r->model.now), edge,
                  edge == EDGE_CLEARED ? NULL : &a, (uint32_t)model_device(instance),
                  (uint32_t)instance, others);
    watch(r, instance);
}

static void
step_sense(struct run *r)
{
    int instance = (int)draw(r, MODEL_INSTANCES);
    const struct model_sensor *s = &r->model.sensors[instance];
    bool runs = draw(r, 2) == 0;
    r->what = "sensor";
    if (s->runs && !runs) { /* It ran until now, or just before. */
        bool now = s->last_ran == r->model.now;
        r->while_last[instance] = instant(r->model.now) - (now ? 0 : 1);
    }
    model_sense(&r->model, instance, (enum model_condition)draw(r, 3), runs);
    watch(r, instance);
}

static int
maybe(struct run *r, uint32_t one_in, uint32_t below)
{
    return draw(r, one_in) == 0 ? (int)draw(r, below) : MODEL_NOBODY;
}

static void
draw_work(struct run *r, struct model_command *c)
{
    c->cause = maybe(r, 3, MODEL_CAUSES + 1);
    c->minutes = draw(r, 3) == 0 ? (int64_t)draw(r, 50) - 10 : 0;
    c->cost = draw(r, 4) == 0 ? (int64_t)draw(r, 5000) - 1000 : 0;
    c->part = maybe(r, 4, MODEL_PARTS);
    c->part_count = c->part != MODEL_NOBODY ? (int64_t)draw(r, 5) - 1 : 0;
    c->part_cost = c->part != MODEL_NOBODY ? (int64_t)draw(r, 300) - 50 : 0;
}

static struct model_command
draw_command(struct run *r)
{
    static const enum command_kind kinds[] = {
        COMMAND_TICKET_OPEN,    COMMAND_TICKET_TAKE,    COMMAND_TICKET_TAKE,
        COMMAND_TICKET_ARRIVE,  COMMAND_TICKET_WAIT,    COMMAND_TICKET_RESUME,
        COMMAND_TICKET_RESOLVE, COMMAND_TICKET_RESOLVE, COMMAND_TICKET_RESOLVE,
        COMMAND_TICKET_CLOSE,   COMMAND_TICKET_CLOSE,   COMMAND_TICKET_REOPEN,
        COMMAND_TICKET_NOTE,    COMMAND_TICKET_RATE,    COMMAND_TICKET_TICK,
        COMMAND_TICKET_CHANGE};
    struct model_command c = {.kind = (int)kinds[draw(r, ARRAY_LEN(kinds))],
                              .device = (int)draw(r, 2),
                              .by = (int)draw(r, ARRAY_LEN(people)),
                              .to = maybe(r, 3, ARRAY_LEN(people)),
                              .note = draw(r, 4) != 0,
                              .known = draw(r, 8) != 0,
                              .pause = (enum pause)draw(r, PAUSE_COUNT),
                              .team = maybe(r, 3, MODEL_TEAMS + 1),
                              .category = maybe(r, 3, ARRAY_LEN(categories)),
                              .has_priority = draw(r, 2) == 0,
                              .priority = (enum severity)draw(r, SEVERITY_COUNT),
                              .rating = (int)draw(r, 7),
                              .step = (int)draw(r, MODEL_STEPS + 2),
                              .undone = draw(r, 3) == 0};
    draw_work(r, &c);
    bool by_device = c.kind != COMMAND_TICKET_OPEN && draw(r, 8) == 0;
    if (c.kind != COMMAND_TICKET_OPEN && !by_device) {
        c.number = 1 + (int)draw(r, (uint32_t)r->model.count + 1);
    }
    return c;
}

static int
give(struct run *r, const struct model_command *m)
{
    bool open = m->kind == COMMAND_TICKET_OPEN;
    struct ticket_part part = {.count = m->part_count, .cost = m->part_cost};
    if (m->part != MODEL_NOBODY) {
        strcpy(part.name, part_names[m->part]);
    }
    struct command c = {
        .t_ms = instant(r->model.now),
        .kind = (enum command_kind)m->kind,
        .ticket = m->number,
        .device = m->number != 0      ? NULL
                  : open && !m->known ? "no-such-device"
                                      : device_ids[m->device],
        .by = people[m->by],
        .assignee = m->to != MODEL_NOBODY ? people[m->to] : NULL,
        .note = m->note ? "said" : NULL,
        .priority = m->priority,
        .has_priority = m->has_priority,
        .rating = m->rating,
        .category = m->category != MODEL_NOBODY ? categories[m->category] : NULL,
        .team = m->team != MODEL_NOBODY ? team_ids[m->team] : NULL,
        .pause = m->pause,
        .cause = m->cause != MODEL_NOBODY ? causes[m->cause] : NULL,
        .minutes = m->minutes,
        .cost = m->cost,
        .parts = &part,
        .part_count = m->part != MODEL_NOBODY,
        .step = m->step,
        .undone = m->undone};
    int64_t number = 0;
    int code = tickets_command(r->tickets, &c, &number, NULL);
    if (code == 0 && number <= MODEL_TICKETS) {
        int instance = r->model.tickets[number - 1].instance;
        if (instance != MODEL_NOBODY) {
            watch(r, instance);
        }
    }
    return code;
}

static void
step_command(struct run *r)
{
    static const int codes[] = {[MODEL_DONE] = 0,
                                [MODEL_REFUSED] = ERR_REFUSED,
                                [MODEL_NOT_FOUND] = ERR_NOT_FOUND,
                                [MODEL_WRONG] = ERR_USAGE};
    struct model_command c = draw_command(r);
    r->what = command_kind_name((enum command_kind)c.kind);
    enum model_answer answer = model_command(&r->model, &c);
    int64_t events = r->events;
    int64_t rows = r->rows;
    int code = give(r, &c);
    same_number(r, c.number, "answer", code, codes[answer]);
    same_number(r, c.number, "being heard of", r->events > events,
                answer == MODEL_DONE);
    if (answer != MODEL_DONE) {
        same_number(r, c.number, "row", r->rows, rows);
    }
}

static void
play(unsigned seed)
{
    static const int64_t pauses[] = {0, 0, 1, 1, 2, 4, 5, 9, 21, 31, 70};
    struct run r = {.seed = seed, .random = seed * 2654435761u + 1};
    r.random = r.random == 0 ? 1 : r.random;
    r.sink = (struct sink){.ctx = &r, .event = on_event, .ticket = on_ticket};
    r.tickets = tickets_new(&site, &r.sink, 1);
    for (int i = 0; i < MODEL_INSTANCES; i++) {
        r.while_last[i] = INSTANT_NONE;
        r.model.sensors[i].last_ran = MODEL_NEVER;
    }
    for (r.step = 0; r.step < STEPS; r.step++) {
        r.what = "time";
        model_advance(&r.model, r.model.now + pauses[draw(&r, ARRAY_LEN(pauses))]);
        fire(&r);
        check_same(&r);
        uint32_t kind = draw(&r, 8);
        if (kind < 2) {
            step_alarm(&r);
        } else if (kind < 3) {
            step_sense(&r);
        } else {
            step_command(&r);
        }
        model_advance(&r.model, r.model.now);
        fire(&r);
        check_same(&r);
    }
    tickets_free(r.tickets);
}

START_TEST(the_product_lives_as_the_contract_says)
{
    const char *asked = getenv("CARETAKER_MODEL_RUNS");
    unsigned runs = asked != NULL ? (unsigned)strtoul(asked, NULL, 10) : RUNS;
    for (unsigned seed = (unsigned)_i; seed < runs; seed += SHARES) {
        play(seed);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ticket model");
    TCase *tc = tcase_create("random sequences");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, the_product_lives_as_the_contract_says, 0, SHARES);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
