/* Random lives of tickets: against a reference that counts minutes where the product
 * computes due times, and against itself, stored and restored in the middle. */
#include <assert.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/ticket/tickets.h"
#include "tests/fake/recorder.h"
#include "tests/fake/small_site.h"

#define T0          1772360070000LL
#define STEPS       160
#define SEEDS       150
#define INSTANCES   3
#define NUMBERS_MAX 200

static const uint32_t instance_device[INSTANCES] = {PUMP_1, PUMP_1, PUMP_2};
static const uint32_t instance_rule[INSTANCES] = {BEARING_HOT, DRY_RUN, DRY_RUN};

/* ---- What happens: made before anything runs, so that all runs see the same ---- */

enum step_kind { STEP_ALARM, STEP_WATCH, STEP_COMMAND };
struct step {
    int64_t minute;
    enum step_kind kind;
    int instance;
    enum edge_kind edge;
    enum severity severity;
    bool clear, while_now; /* From this step on. */
    enum command_kind command;
    int64_t number;
    const char *by;
};

struct life { /* Of one instance, while the steps are made. */
    bool raised, clear, while_now;
    enum severity severity;
};

static uint32_t
draw(uint32_t *seed, uint32_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % below;
}

static void
make_alarm(struct step *s, struct life *l, uint32_t *seed)
{
    s->kind = STEP_ALARM;
    enum severity severity = (enum severity)draw(seed, SEVERITY_COUNT);
    if (!l->raised) {
        s->edge = EDGE_RAISED;
        l->raised = true;
        l->clear = false;
    } else if (severity == l->severity || draw(seed, 2) == 0) {
        s->edge = EDGE_CLEARED;
        l->raised = false;
        l->clear = l->clear || draw(seed, 4) != 0;
        severity = l->severity;
    } else {
        s->edge = EDGE_CHANGED;
    }
    l->severity = severity;
    s->severity = severity;
}

static void
make_steps(struct step *steps, uint32_t seed)
{
    static const int64_t pauses[] = {0, 0, 1, 2, 5, 12, 25, 70, 400, 2000};
    static const char *const people[] = {"li", "wang"};
    struct life lives[INSTANCES] = {0};
    int64_t minute = 0;
    for (int i = 0; i < STEPS; i++) {
        struct step *s = &steps[i];
        minute += pauses[draw(&seed, ARRAY_LEN(pauses))];
        *s = (struct step){.minute = minute, .instance = (int)draw(&seed, INSTANCES)};
        struct life *l = &lives[s->instance];
        switch (draw(&seed, 6)) {
        case 0:
        case 1:
            make_alarm(s, l, &seed);
            break;
        case 2:
            /* Alone in its minute: `while` was true until just before it is not. */
            s->kind = STEP_WATCH;
            s->minute = ++minute;
            l->clear = draw(&seed, 3) != 0;
            l->while_now = draw(&seed, 2) != 0;
            break;
        default:
            s->kind = STEP_COMMAND;
            s->command = COMMAND_TICKET_TAKE +
                         draw(&seed, COMMAND_PLAN_START - COMMAND_TICKET_TAKE);
            s->number = 1 + draw(&seed, 8);
            s->by = people[draw(&seed, 2)];
            break;
        }
        s->clear = l->clear;
        s->while_now = l->while_now;
    }
}

/* ---- The product, driven as the pipeline drives it ---- */

struct product {
    struct tickets *tickets;
    struct sink sink;
    struct recorder *recorder; /* For the rows. */
    struct strbuf lines;
    struct watch watch[INSTANCES];
    bool raised[INSTANCES];
    enum severity severity[INSTANCES];
    /* By number - 1: which deadlines were told of since its clocks started. */
    bool warned[NUMBERS_MAX][2], breached[NUMBERS_MAX][2];
};

/* No deadline is told of twice: a nearer one may be warned of anew, and only work that
 * begins anew can be late once more. */
static void
check_told_once(struct product *p, const struct event *e)
{
    bool *warned = p->warned[e->ticket - 1];
    bool *breached = p->breached[e->ticket - 1];
    if (e->kind == EVENT_TICKET_OPENED || e->kind == EVENT_TICKET_REOPENED) {
        warned[0] = warned[1] = breached[0] = breached[1] = false;
    } else if (e->kind == EVENT_TICKET_CHANGED) {
        warned[0] = warned[1] = false;
    } else if (e->deadline != NULL) {
        bool *told = e->kind == EVENT_TICKET_WARNED ? warned : breached;
        int which = strcmp(e->deadline, "respond") == 0 ? 0 : 1;
        ck_assert_msg(!told[which], "%s of ticket %lld is told of twice", e->deadline,
                      (long long)e->ticket);
        told[which] = true;
    }
}

static void
on_event(void *ctx, const struct event *e)
{
    struct product *p = ctx;
    if (e->kind == EVENT_TICKET_WATCHED) {
        return; /* What the sensor shows is the other model's. */
    }
    check_told_once(p, e);
    strbuf_printf(&p->lines, "%lld %s %lld %s %s %s\n",
                  (long long)((e->t_ms - T0) / MINUTE), event_kind_name(e->kind),
                  (long long)e->ticket, severity_name(e->severity),
                  e->deadline != NULL ? e->deadline : "-",
                  e->assignee != NULL ? e->assignee : "-");
    ck_assert_int_eq((e->t_ms - T0) % MINUTE, 0);
}

static void
on_ticket(void *ctx, const struct ticket *t)
{
    struct product *p = ctx;
    p->recorder->sink.ticket(p->recorder, t);
}

static void
product_init(struct product *p)
{
    memset(p, 0, sizeof *p);
    p->recorder = recorder_new();
    p->sink = (struct sink){.ctx = p, .event = on_event, .ticket = on_ticket};
    p->tickets = tickets_new(small_site(), &p->sink, 1);
    for (int i = 0; i < INSTANCES; i++) {
        p->watch[i].while_last_ms = INSTANT_NONE;
    }
}

static void
product_fini(struct product *p)
{
    tickets_free(p->tickets);
    recorder_free(p->recorder);
    strbuf_fini(&p->lines);
}

static void
product_advance(struct product *p, int64_t t_ms)
{
    while (tickets_due(p->tickets) <= t_ms) {
        tickets_fire(p->tickets);
    }
}

static void
update_watch(struct product *p, int i, int64_t t_ms)
{
    struct watch w = p->watch[i];
    if (w.while_now) {
        w.while_last_ms = t_ms;
    }
    if (tickets_wants_watch(p->tickets, instance_device[i], instance_rule[i])) {
        tickets_watch(p->tickets, t_ms, instance_device[i], instance_rule[i], &w);
    }
}

/* Returns what a command returned; 0 for other steps. */
static int
product_step(struct product *p, const struct step *s)
{
    int64_t t_ms = T0 + s->minute * MINUTE;
    product_advance(p, t_ms);
    struct watch *w = &p->watch[s->instance];
    if (s->clear && !w->clear) {
        w->clear_since_ms = t_ms;
    }
    if (w->while_now && !s->while_now) {
        w->while_last_ms = t_ms - 1;
    }
    w->clear = s->clear;
    w->while_now = s->while_now;
    int code = 0;
    if (s->kind == STEP_ALARM) {
        struct alarm a = {.severity = s->severity, .title = "x"};
        p->raised[s->instance] = s->edge != EDGE_CLEARED;
        p->severity[s->instance] = s->severity;
        tickets_alarm(p->tickets, t_ms, s->edge, s->edge == EDGE_CLEARED ? NULL : &a,
                      instance_device[s->instance], instance_rule[s->instance], false);
    } else if (s->kind == STEP_COMMAND) {
        struct command c = {.t_ms = t_ms,
                            .kind = s->command,
                            .ticket = s->number,
                            .by = s->by,
                            .note = "x",
                            .rating = 3};
        code = tickets_command(p->tickets, &c, NULL, NULL);
    }
    for (int i = 0; i < INSTANCES; i++) {
        if (s->kind == STEP_COMMAND || i == s->instance) {
            update_watch(p, i, t_ms);
        }
    }
    return code;
}

static int
instance_of(const struct ticket *t)
{
    for (int i = 0; i < INSTANCES; i++) {
        const struct site *site = small_site();
        if (strcmp(site->devices[instance_device[i]].id, t->device) == 0 &&
            strcmp(site->rules[instance_rule[i]].id, t->rule) == 0) {
            return i;
        }
    }
    assert(!"a ticket of an instance");
    return 0;
}

/* Stops and starts again from the rows that were sent. */
static void
product_restart(struct product *p, int64_t t_ms)
{
    tickets_free(p->tickets);
    int64_t next = 1; /* Numbers of forgotten tickets are not given again either. */
    while (p->recorder->tickets[next - 1].number != 0) {
        next++;
    }
    p->tickets = tickets_new(small_site(), &p->sink, next);
    for (int n = 0; n < NUMBERS_MAX && p->recorder->tickets[n].number != 0; n++) {
        const struct ticket *row = &p->recorder->tickets[n];
        if (row->state != TICKET_CLOSED || t_ms - row->closed_ms < 7 * DAY) {
            tickets_restore(p->tickets, row, p->raised[instance_of(row)]);
        }
    }
    for (int i = 0; i < INSTANCES; i++) {
        update_watch(p, i, t_ms);
    }
}

/* ---- The reference ---- */

struct clock { /* A promise that is used up minute by minute. */
    int64_t used, allowed;
    bool warned, breached;
};
struct model_ticket {
    int instance;
    enum severity priority;
    enum ticket_state state;
    const char *assignee;
    bool responded, while_seen;
    struct clock respond, resolve;
    int64_t quiet;        /* Minutes that the sensor was clear since the repair. */
    int64_t closed_since; /* Minutes since it was closed. */
};
struct model {
    int64_t minute;
    struct model_ticket tickets[NUMBERS_MAX];
    int count;
    struct life lives[INSTANCES];
    struct strbuf lines;
};

static void
say(struct model *m,
    const struct model_ticket *t,
    const char *what,
    const char *deadline,
    const char *assignee)
{
    strbuf_printf(&m->lines, "%lld ticket.%s %d %s %s %s\n", (long long)m->minute, what,
                  (int)(t - m->tickets) + 1, severity_name(t->priority), deadline,
                  assignee != NULL ? assignee : "-");
}

static bool
in_work(const struct model_ticket *t)
{
    return t->state < TICKET_RESOLVED;
}

static void
check_clock(struct model *m, struct model_ticket *t, struct clock *c, const char *name)
{
    if (!c->warned && c->used * 5 >= c->allowed * 4) {
        c->warned = true;
        say(m, t, "warned", name, NULL);
    }
    if (!c->breached && c->used >= c->allowed) {
        c->breached = true;
        say(m, t, "breached", name, NULL);
    }
}

static void
check_verified(struct model *m, struct model_ticket *t)
{
    const struct life *l = &m->lives[t->instance];
    int64_t needed =
        small_site()->rules[instance_rule[t->instance]].verify_for_ms / MINUTE;
    if (t->state == TICKET_RESOLVED && !l->raised && l->clear && t->while_seen &&
        t->quiet >= needed) {
        t->state = TICKET_CLOSED;
        t->closed_since = 0;
        say(m, t, "verified", "-", NULL);
        say(m, t, "closed", "-", NULL);
    }
}

static void
check_promises(struct model *m, struct model_ticket *t)
{
    if (in_work(t) && !t->responded) {
        check_clock(m, t, &t->respond, "respond");
    }
    if (in_work(t) && t->state != TICKET_WAITING) {
        check_clock(m, t, &t->resolve, "resolve");
    }
}

/* The instances stand by device, then rule; so do the events of one minute. */
static void
for_each_ticket(struct model *m, void (*check)(struct model *, struct model_ticket *))
{
    for (int i = 0; i < INSTANCES; i++) {
        for (int n = 0; n < m->count; n++) {
            if (m->tickets[n].instance == i) {
                check(m, &m->tickets[n]);
            }
        }
    }
}

static void
model_check(struct model *m)
{
    for_each_ticket(m, check_verified);
    for_each_ticket(m, check_promises);
}

static void
model_advance(struct model *m, int64_t minute)
{
    model_check(m);
    while (m->minute < minute) {
        m->minute++;
        for (int n = 0; n < m->count; n++) {
            struct model_ticket *t = &m->tickets[n];
            const struct life *l = &m->lives[t->instance];
            t->closed_since++;
            t->respond.used += in_work(t) && !t->responded;
            t->resolve.used += in_work(t) && t->state != TICKET_WAITING;
            t->quiet += t->state == TICKET_RESOLVED && !l->raised && l->clear;
        }
        model_check(m);
    }
}

static void
model_start(struct model_ticket *t)
{
    const struct promise *p = &small_site()->promises[t->priority];
    int64_t own = small_site()->rules[instance_rule[t->instance]].respond_within_ms;
    t->respond = (struct clock){.allowed = (own > 0 ? own : p->respond_ms) / MINUTE};
    t->resolve = (struct clock){.allowed = p->resolve_ms / MINUTE};
    t->responded = false;
}

static void
model_reopen(struct model *m, struct model_ticket *t)
{
    t->state = t->assignee != NULL ? TICKET_ASSIGNED : TICKET_OPENED;
    model_start(t);
    say(m, t, "reopened", "-", t->assignee);
}

static void
model_repaired(struct model *m, struct model_ticket *t)
{
    t->quiet = 0;
    t->while_seen = m->lives[t->instance].while_now;
}

static struct model_ticket *
model_open(struct model *m, int instance)
{
    struct model_ticket *open = NULL;
    for (int n = 0; n < m->count; n++) {
        if (m->tickets[n].instance == instance &&
            m->tickets[n].state != TICKET_CLOSED) {
            ck_assert_ptr_null(open);
            open = &m->tickets[n];
        }
    }
    return open;
}

static bool
is_followed(const struct model_ticket *t)
{
    return t->closed_since * MINUTE <
           small_site()->rules[instance_rule[t->instance]].follow_up_ms;
}

static void
shorten(struct clock *c, int64_t promise_ms)
{
    if (promise_ms / MINUTE < c->allowed - c->used) {
        c->used = 0;
        c->allowed = promise_ms / MINUTE;
        c->warned = false;
    }
}

static void
model_fault(struct model *m, const struct step *s, bool stood)
{
    struct model_ticket *t = model_open(m, s->instance);
    for (int n = m->count - 1; n >= 0 && t == NULL; n--) {
        if (m->tickets[n].instance == s->instance && is_followed(&m->tickets[n])) {
            t = &m->tickets[n];
        }
    }
    if (t == NULL) {
        t = &m->tickets[m->count++];
        ck_assert_int_lt(m->count, NUMBERS_MAX);
        t->instance = s->instance;
        t->priority = s->severity;
        model_start(t);
        say(m, t, "opened", "-", NULL);
        return;
    }
    if (!stood && !in_work(t)) {
        t->priority = s->severity > t->priority ? s->severity : t->priority;
        model_reopen(m, t);
        return;
    }
    if (!stood) {
        say(m, t, "joined", "-", NULL);
    }
    if (s->severity > t->priority) {
        t->priority = s->severity;
        const struct promise *p = &small_site()->promises[t->priority];
        if (in_work(t)) {
            shorten(&t->resolve, p->resolve_ms);
        }
        if (in_work(t) && !t->responded) {
            shorten(&t->respond, p->respond_ms);
        }
        say(m, t, "changed", "-", NULL);
    }
}

static void
model_alarm(struct model *m, const struct step *s)
{
    struct life *l = &m->lives[s->instance];
    bool stood = l->raised && l->severity != SEVERITY_INFO;
    l->raised = s->edge != EDGE_CLEARED;
    l->severity = s->severity;
    if (l->raised && s->severity != SEVERITY_INFO) {
        model_fault(m, s, stood);
        return;
    }
    struct model_ticket *t = model_open(m, s->instance);
    if (t != NULL && (stood || !l->raised)) {
        model_repaired(m, t);
    }
}

static bool
model_take(struct model *m, struct model_ticket *t, const char *by)
{
    if (t->assignee != NULL) {
        return false; /* Who took it owns it. */
    }
    t->assignee = by;
    if (t->state == TICKET_OPENED) {
        t->state = TICKET_ASSIGNED;
    }
    say(m, t, "assigned", "-", by);
    return true;
}

static bool
model_work(struct model *m, struct model_ticket *t, const struct step *s)
{
    switch ((int)s->command) {
    case COMMAND_TICKET_TAKE:
        return model_take(m, t, s->by);
    case COMMAND_TICKET_ARRIVE:
        if (t->responded) {
            return false;
        }
        if (t->assignee == NULL) {
            model_take(m, t, s->by);
        }
        t->responded = true;
        t->state = t->state == TICKET_WAITING ? TICKET_WAITING : TICKET_RESPONDED;
        say(m, t, "responded", "-", NULL);
        return true;
    case COMMAND_TICKET_WAIT:
        if (t->state == TICKET_WAITING) {
            return false;
        }
        t->state = TICKET_WAITING;
        say(m, t, "waiting", "-", NULL);
        return true;
    case COMMAND_TICKET_RESUME:
        if (t->state != TICKET_WAITING) {
            return false;
        }
        t->state = t->responded          ? TICKET_RESPONDED
                   : t->assignee != NULL ? TICKET_ASSIGNED
                                         : TICKET_OPENED;
        say(m, t, "resumed", "-", NULL);
        return true;
    case COMMAND_TICKET_RESOLVE:
        if (t->assignee == NULL) {
            model_take(m, t, s->by);
        }
        t->state = TICKET_RESOLVED;
        model_repaired(m, t);
        say(m, t, "resolved", "-", NULL);
        return true;
    default:
        return false;
    }
}

static bool
model_command(struct model *m, const struct step *s)
{
    struct model_ticket *t = &m->tickets[s->number - 1];
    if (s->number > m->count || (t->state == TICKET_CLOSED && !is_followed(t))) {
        return false;
    }
    if (s->command == COMMAND_TICKET_NOTE) {
        say(m, t, "noted", "-", NULL);
        return true;
    }
    if (in_work(t)) {
        return model_work(m, t, s);
    }
    bool closed = t->state == TICKET_CLOSED;
    if (s->command == COMMAND_TICKET_CLOSE && !closed &&
        !m->lives[t->instance].raised) {
        t->state = TICKET_CLOSED;
        t->closed_since = 0;
        say(m, t, "closed", "-", NULL);
        return true;
    }
    if (s->command == COMMAND_TICKET_REOPEN &&
        (!closed || model_open(m, t->instance) == NULL)) {
        model_reopen(m, t);
        return true;
    }
    if (s->command == COMMAND_TICKET_RATE && closed) {
        say(m, t, "rated", "-", NULL);
        return true;
    }
    return false;
}

static bool
model_step(struct model *m, const struct step *s)
{
    model_advance(m, s->minute);
    struct life *l = &m->lives[s->instance];
    bool was_clear = l->clear;
    l->clear = s->clear;
    l->while_now = s->while_now;
    bool done = true;
    if (s->kind == STEP_ALARM) {
        model_alarm(m, s);
    } else if (s->kind == STEP_COMMAND) {
        done = model_command(m, s);
    }
    for (int n = 0; n < m->count; n++) {
        struct model_ticket *t = &m->tickets[n];
        if (t->instance == s->instance) {
            t->while_seen |= s->while_now;
            t->quiet = s->clear && !was_clear ? 0 : t->quiet;
        }
    }
    return done;
}

/* ---- The properties ---- */

/* Names the first line that differs: whole texts are too long for a message. */
static void
check_same(const char *a, const char *b, int seed, int step)
{
    size_t line_start = 0;
    size_t i = 0;
    for (; a[i] == b[i] && a[i] != '\0'; i++) {
        line_start = a[i] == '\n' ? i + 1 : line_start;
    }
    ck_assert_msg(a[i] == b[i], "seed %d step %d: \"%.*s\", expected \"%.*s\"", seed,
                  step, (int)strcspn(a + line_start, "\n"), a + line_start,
                  (int)strcspn(b + line_start, "\n"), b + line_start);
}

START_TEST(due_times_agree_with_counted_minutes)
{
    struct step steps[STEPS];
    make_steps(steps, (uint32_t)_i * 2654435761u + 1);
    struct product p;
    product_init(&p);
    struct model *m = calloc(1, sizeof *m);
    ck_assert_ptr_nonnull(m);
    for (int i = 0; i < STEPS; i++) {
        bool model_done = model_step(m, &steps[i]);
        bool product_done = product_step(&p, &steps[i]) == 0;
        check_same(strbuf_text(&p.lines), strbuf_text(&m->lines), _i, i);
        ck_assert_msg(model_done == product_done, "seed %d step %d: %s ticket %lld", _i,
                      i, command_kind_name(steps[i].command),
                      (long long)steps[i].number);
        for (int n = 0; n < m->count; n++) {
            const struct ticket *t = tickets_get(p.tickets, n + 1);
            ck_assert(t == NULL || t->state == m->tickets[n].state);
            ck_assert(t != NULL || m->tickets[n].state == TICKET_CLOSED);
        }
    }
    model_advance(m, steps[STEPS - 1].minute + 3000);
    product_advance(&p, T0 + (steps[STEPS - 1].minute + 3000) * MINUTE);
    check_same(strbuf_text(&p.lines), strbuf_text(&m->lines), _i, STEPS);
    strbuf_fini(&m->lines);
    free(m);
    product_fini(&p);
}
END_TEST

static char *
rows_text(const struct product *p)
{
    struct strbuf text = {0};
    for (int n = 0; n < NUMBERS_MAX && p->recorder->tickets[n].number != 0; n++) {
        ticket_to_json(&text, &p->recorder->tickets[n]);
        strbuf_add_char(&text, '\n');
    }
    return strbuf_take(&text);
}

START_TEST(a_restart_at_any_step_changes_nothing)
{
    struct step steps[STEPS];
    make_steps(steps, (uint32_t)_i * 40503u + 7);
    struct product straight;
    product_init(&straight);
    for (int i = 0; i < STEPS; i++) {
        product_step(&straight, &steps[i]);
    }
    char *straight_rows = rows_text(&straight);
    /* Each seed is cut at a few places; over the seeds every place is. */
    for (int cut = _i % 16; cut < STEPS; cut += 16) {
        struct product restarted;
        product_init(&restarted);
        for (int i = 0; i < STEPS; i++) {
            product_step(&restarted, &steps[i]);
            if (i == cut) {
                product_restart(&restarted, T0 + steps[i].minute * MINUTE);
            }
        }
        check_same(strbuf_text(&restarted.lines), strbuf_text(&straight.lines), _i,
                   cut);
        char *rows = rows_text(&restarted);
        check_same(rows, straight_rows, _i, cut);
        free(rows);
        product_fini(&restarted);
    }
    free(straight_rows);
    product_fini(&straight);
}
END_TEST

/* One fault, one ticket; no alarm that is work is without its ticket; who took a ticket
 * keeps it, for nobody hands one over here. */
START_TEST(every_alarm_has_its_one_ticket_and_every_ticket_its_one_owner)
{
    struct step steps[STEPS];
    make_steps(steps, (uint32_t)_i * 7919u + 3);
    struct product p;
    product_init(&p);
    char owners[NUMBERS_MAX][PERSON_BYTES] = {""};
    for (int i = 0; i < STEPS; i++) {
        product_step(&p, &steps[i]);
        int open[INSTANCES] = {0};
        for (int n = 0; n < NUMBERS_MAX && p.recorder->tickets[n].number != 0; n++) {
            const struct ticket *row = &p.recorder->tickets[n];
            open[instance_of(row)] += row->state != TICKET_CLOSED;
            ck_assert(owners[n][0] == '\0' || strcmp(owners[n], row->assignee) == 0);
            strcpy(owners[n], row->assignee);
        }
        for (int k = 0; k < INSTANCES; k++) {
            ck_assert_int_le(open[k], 1);
            ck_assert_int_eq(open[k] == 1,
                             tickets_open_number(p.tickets, instance_device[k],
                                                 instance_rule[k]) != 0);
            ck_assert(!p.raised[k] || p.severity[k] == SEVERITY_INFO || open[k] == 1);
        }
    }
    product_fini(&p);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ticket properties");
    TCase *tc = tcase_create("random lives");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, due_times_agree_with_counted_minutes, 0, SEEDS);
    tcase_add_loop_test(tc, a_restart_at_any_step_changes_nothing, 0, SEEDS / 3);
    tcase_add_loop_test(
        tc, every_alarm_has_its_one_ticket_and_every_ticket_its_one_owner, 0, SEEDS);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
