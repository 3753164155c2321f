#include "daemon/pipeline/pipeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/forward.h"
#include "daemon/ticket/ledger.h"

/* One step (a frame, a timer, a command) may move several alarms.  Events go out in the
 * order devices, alarms, tickets, so what an alarm means for its ticket waits until all
 * alarms of the step are through. */
struct consequence {
    enum edge_kind kind;
    uint32_t device, rule;
};

struct pipeline {
    const struct site *site;
    const struct sink *sink;
    struct rules *rules;
    struct alarms *alarms;
    struct tickets *tickets;
    struct ledger_book *ledger;
    struct plans *plans;
    int64_t now_ms;
    struct consequence *waiting; /* Room for every instance's edges of one step. */
    size_t waiting_count;
    size_t waiting_max;
    uint8_t *bus_reach; /* By device, of buses: enum reach as of the last frame. */
};

/* A bus tells by its point `online` whether anybody on it answers; its own frames come
 * from the collectors and are no answer. */
static enum reach
reach_of_bus(const struct pipeline *p, uint32_t device)
{
    uint32_t point = site_point(p->site, device, "online");
    if (point == NONE_INDEX) {
        return REACH_UNKNOWN;
    }
    struct latest latest = rules_latest(p->rules, point);
    if (latest.quality != QUALITY_GOOD || latest.last_good_ms == INSTANT_NONE) {
        return REACH_UNKNOWN;
    }
    return latest.value != 0 ? REACH_ANSWERS : REACH_SILENT;
}

static enum reach
on_reach(void *ctx, uint32_t device)
{
    const struct pipeline *p = ctx;
    if (p->site->devices[device].role == DEVICE_BUS) {
        return reach_of_bus(p, device);
    }
    switch (rules_device_health(p->rules, device)) {
    case DEVICE_ONLINE:
        return REACH_ANSWERS;
    case DEVICE_OFFLINE:
        return REACH_SILENT;
    case DEVICE_UNKNOWN:
        break;
    }
    return REACH_UNKNOWN;
}

static void
remember(struct pipeline *p, enum edge_kind kind, uint32_t device, uint32_t rule)
{
    assert(p->waiting_count < p->waiting_max);
    p->waiting[p->waiting_count++] = (struct consequence){kind, device, rule};
}

static void
on_news(void *ctx, enum edge_kind what, uint32_t device, uint32_t rule)
{
    remember(ctx, what, device, rule);
}

static struct standing
on_standing(void *ctx, uint32_t device, uint32_t rule)
{
    const struct pipeline *p = ctx;
    struct rules_standing now = rules_standing(p->rules, device, rule);
    return (struct standing){.pending = now.pending,
                             .clearing = now.clearing,
                             .clears_ms = now.clears_ms,
                             .sampled_ms = now.sampled_ms,
                             .stale_after_ms = now.stale_after_ms};
}

static bool
on_tells_silence(void *ctx, uint32_t device, uint32_t rule)
{
    const struct pipeline *p = ctx;
    return rules_tells_silence(p->rules, device, rule);
}

static bool
on_bound(void *ctx, uint32_t device, uint32_t rule)
{
    const struct pipeline *p = ctx;
    return rules_bound(p->rules, device, rule);
}

static void
on_title(void *ctx, uint32_t device, uint32_t rule, char *out, size_t out_size)
{
    const struct pipeline *p = ctx;
    rules_render(p->rules, out, out_size,
                 text_in(&p->site->rules[rule].title, p->site->language), device);
}

static void
on_titles(void *ctx, uint32_t device, uint32_t rule, struct titles *out)
{
    const struct pipeline *p = ctx;
    const struct text *title = &p->site->rules[rule].title;
    for (size_t i = 0; titles_differ(title) && i < LANGUAGE_COUNT; i++) {
        if (title->in[i] != NULL) {
            rules_render(p->rules, out->in[i], sizeof out->in[i], title->in[i], device);
        }
    }
}

/* ---- What the plans ask for ---- */

/* Borrows `titles`. */
static struct ticket_visit
visit_of(const struct pipeline *p, const struct plan_work *w, struct titles *titles)
{
    const struct plan_spec *spec = &p->site->plans[w->plan];
    titles_of_text(titles, &spec->title);
    return (struct ticket_visit){.plan = spec->id,
                                 .device = w->device,
                                 .priority = spec->priority,
                                 .title = text_in(&spec->title, p->site->language),
                                 .titles = titles,
                                 .team = spec->team,
                                 .due_ms = w->due_ms,
                                 .by = w->by,
                                 .note = w->note};
}

static int64_t
on_visit_open(void *ctx, int64_t t_ms, const struct plan_work *w)
{
    struct pipeline *p = ctx;
    struct titles titles;
    struct ticket_visit visit = visit_of(p, w, &titles);
    return tickets_plan_open(p->tickets, t_ms, &visit);
}

static void
on_visit_move(void *ctx, int64_t t_ms, int64_t ticket, const struct plan_work *w)
{
    struct pipeline *p = ctx;
    struct titles titles;
    struct ticket_visit visit = visit_of(p, w, &titles);
    tickets_plan_move(p->tickets, t_ms, ticket, &visit);
}

static const struct ticket *
on_ticket(void *ctx, int64_t number)
{
    const struct pipeline *p = ctx;
    return tickets_get(p->tickets, number);
}

static bool
on_out_of_service(void *ctx, uint32_t device)
{
    const struct pipeline *p = ctx;
    return alarms_service(p->alarms, device) != NULL;
}

/* Planned work was done: what counts since the last service begins anew. */
static void
on_served(void *ctx, int64_t t_ms, uint32_t device)
{
    struct pipeline *p = ctx;
    rules_service(p->rules, device, t_ms);
}

struct pipeline *
pipeline_new(const struct site *site,
             const struct sink *sink,
             int64_t next_ticket,
             struct diags *diags)
{
    struct pipeline *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    p->site = site;
    p->sink = sink;
    p->now_ms = INSTANT_NONE;
    p->rules = rules_new(site, diags);
    if (p->rules == NULL) {
        pipeline_free(p);
        return NULL;
    }
    p->alarms = alarms_new(site, sink,
                           &(struct alarms_view){.ctx = p,
                                                 .reach = on_reach,
                                                 .news = on_news,
                                                 .standing = on_standing,
                                                 .tells_silence = on_tells_silence,
                                                 .bound = on_bound,
                                                 .title = on_title,
                                                 .titles = on_titles});
    p->tickets = tickets_new(site, sink, next_ticket);
    p->ledger = ledger_book_new(site);
    p->plans = plans_new(site, sink,
                         &(struct plans_view){.ctx = p,
                                              .open = on_visit_open,
                                              .move = on_visit_move,
                                              .ticket = on_ticket,
                                              .out_of_service = on_out_of_service,
                                              .served = on_served});
    /* A step gives an instance at most one watch edge, and tells of its alarm at most
     * that it was raised and that it changed. */
    p->waiting_max = (size_t)rules_count(p->rules).instances * 3 + 1;
    p->waiting = calloc(p->waiting_max, sizeof *p->waiting);
    p->bus_reach = calloc((size_t)site->device_count + 1, sizeof *p->bus_reach);
    if (p->waiting == NULL || p->bus_reach == NULL) {
        abort();
    }
    return p;
}

void
pipeline_free(struct pipeline *p)
{
    if (p == NULL) {
        return;
    }
    free(p->waiting);
    free(p->bus_reach);
    ledger_book_free(p->ledger);
    plans_free(p->plans);
    tickets_free(p->tickets);
    alarms_free(p->alarms);
    rules_free(p->rules);
    free(p);
}

static void
tell_device(struct pipeline *p, const struct edge *e)
{
    struct event event = {
        .t_ms = e->t_ms,
        .kind =
            e->kind == EDGE_DEVICE_OFFLINE ? EVENT_DEVICE_OFFLINE : EVENT_DEVICE_ONLINE,
        .device = p->site->devices[e->device].id,
    };
    p->sink->event(p->sink->ctx, &event);
}

static void
on_edge(void *ctx, const struct edge *e)
{
    struct pipeline *p = ctx;
    if (e->kind == EDGE_DEVICE_OFFLINE || e->kind == EDGE_DEVICE_ONLINE) {
        tell_device(p, e);
        alarms_reach_changed(p->alarms, e->device);
    } else if (e->kind == EDGE_WATCH) {
        remember(p, e->kind, e->device, e->rule);
    } else {
        char title[TITLE_BYTES];
        on_title(p, e->device, e->rule, title, sizeof title);
        alarms_edge(p->alarms, e, title);
    }
}

/* Ties the sensor to the ticket: while a resolved ticket waits, its rule is watched.  A
 * start is no silence of the sensor: what was told before it holds until the rule is
 * judged for the first time, which is told in any case. */
static void
update_watch(struct pipeline *p, uint32_t device, uint32_t rule)
{
    bool wanted = rules_bound(p->rules, device, rule) &&
                  tickets_wants_watch(p->tickets, device, rule);
    if (!rules_bound(p->rules, device, rule)) {
        return;
    }
    rules_set_watched(p->rules, device, rule, wanted);
    if (wanted) {
        struct watch w = rules_watch(p->rules, device, rule);
        if (w.resuming) {
            return;
        }
        tickets_watch(p->tickets, p->now_ms, device, rule, &w);
    }
}

/* Tells what the alarms of the step mean, then what that means for tickets. */
static void
settle(struct pipeline *p)
{
    alarms_settle(p->alarms, p->now_ms);
    for (size_t i = 0; i < p->waiting_count; i++) {
        const struct consequence *c = &p->waiting[i];
        if (c->kind != EDGE_WATCH) {
            const struct alarm *alarm = alarms_get(p->alarms, c->device, c->rule);
            /* An acknowledged alarm is normal again once it clears. */
            bool others = alarms_group_stands(p->alarms, c->device, c->rule);
            int64_t number = tickets_alarm(p->tickets, p->now_ms, c->kind, alarm,
                                           c->device, c->rule, others);
            if (c->kind != EDGE_CLEARED) {
                alarms_set_ticket(p->alarms, c->device, c->rule, number);
            }
            if (c->kind != EDGE_CLEARED && number != 0) {
                forward_visit(p->plans, p->site, p->now_ms, c->device, c->rule);
            }
        }
        update_watch(p, c->device, c->rule);
    }
    p->waiting_count = 0;
}

int64_t
pipeline_due(const struct pipeline *p)
{
    int64_t rules = rules_due(p->rules);
    int64_t alarms = alarms_due(p->alarms);
    int64_t tickets = tickets_due(p->tickets);
    int64_t plans = plans_due(p->plans);
    int64_t first = rules < alarms ? rules : alarms;
    first = first < tickets ? first : tickets;
    return first < plans ? first : plans;
}

void
pipeline_advance(struct pipeline *p, int64_t t_ms)
{
    for (int64_t due = pipeline_due(p); due <= t_ms && due != INSTANT_MAX;
         due = pipeline_due(p)) {
        if (due > p->now_ms) {
            p->now_ms = due;
        }
        /* Of one time, what the sensors say comes before what hides it, and both before
         * what the tickets promise; new work comes last. */
        if (rules_due(p->rules) == due) {
            rules_fire(p->rules, on_edge, p);
            settle(p);
        } else if (alarms_due(p->alarms) == due) {
            alarms_fire(p->alarms, p->now_ms);
            settle(p);
        } else if (tickets_due(p->tickets) == due) {
            tickets_fire(p->tickets);
        } else {
            plans_fire(p->plans, p->now_ms);
        }
    }
    if (t_ms > p->now_ms) {
        p->now_ms = t_ms;
    }
}

/* A line that fell silent, or answers again, changes what its devices' alarms mean. */
static void
look_at_bus(struct pipeline *p, uint32_t device)
{
    if (p->site->devices[device].role != DEVICE_BUS) {
        return;
    }
    uint8_t reach = (uint8_t)reach_of_bus(p, device);
    if (reach != p->bus_reach[device]) {
        p->bus_reach[device] = reach;
        alarms_reach_changed(p->alarms, device);
    }
}

void
pipeline_frame(struct pipeline *p, struct frame *f)
{
    if (f->t_ms < p->now_ms) {
        f->t_ms = p->now_ms;
    }
    pipeline_begin(p, f->t_ms);
    pipeline_advance(p, f->t_ms);
    plans_frame(p->plans, f);
    rules_frame(p->rules, f, on_edge, p);
    look_at_bus(p, f->device);
    settle(p);
}

/* The device and rule of a ticket, or NONE_INDEX for one that no alarm opened. */
static void
ticket_origin(const struct pipeline *p,
              int64_t number,
              uint32_t *device,
              uint32_t *rule)
{
    *device = NONE_INDEX;
    *rule = NONE_INDEX;
    const struct ticket *t = tickets_get(p->tickets, number);
    if (t != NULL && t->device != NULL && t->rule != NULL) {
        *device = site_device(p->site, t->device);
        *rule = site_rule(p->site, t->rule);
    }
}

/* A visit that was resolved is made anew, while the next one is open already. */
static int
check_reopen(const struct pipeline *p, const struct command *c, struct err *err)
{
    const struct ticket *t =
        c->kind == COMMAND_TICKET_REOPEN ? tickets_get(p->tickets, c->ticket) : NULL;
    int64_t open = t != NULL ? plans_open_ticket(p->plans, t) : 0;
    if (open != 0 && open != t->number) {
        return err_set(err, ERR_REFUSED,
                       "ticket %lld is done and ticket %lld of the next visit is open; "
                       "use that one",
                       (long long)t->number, (long long)open);
    }
    return 0;
}

static int
ticket_command(struct pipeline *p,
               const struct command *c,
               int64_t *number,
               struct err *err)
{
    int code = check_reopen(p, c, err);
    if (code == 0) {
        code = tickets_command(p->tickets, c, number, err);
    }
    if (code != 0) {
        return code;
    }
    const struct ticket *t = tickets_get(p->tickets, *number);
    if (t != NULL) {
        plans_ticket(p->plans, p->now_ms, t);
    }
    uint32_t device = NONE_INDEX;
    uint32_t rule = NONE_INDEX;
    ticket_origin(p, *number, &device, &rule);
    if (device != NONE_INDEX && rule != NONE_INDEX) {
        update_watch(p, device, rule);
    }
    return 0;
}

static bool
is_of_plans(enum command_kind kind)
{
    return kind == COMMAND_PLAN_START || kind == COMMAND_PLAN_DONE ||
           kind == COMMAND_PLAN_MOVE;
}

int
pipeline_command(struct pipeline *p,
                 const struct command *c,
                 int64_t *ticket,
                 struct err *err)
{
    struct command at_now = *c;
    if (at_now.t_ms < p->now_ms) {
        at_now.t_ms = p->now_ms;
    }
    pipeline_begin(p, at_now.t_ms);
    pipeline_advance(p, at_now.t_ms);
    if (ledger_is_command(c->kind)) {
        return ledger_command(p->ledger, p->site, p->sink, &at_now, ticket, err);
    }
    if (c->kind <= COMMAND_SERVICE) {
        if (ticket != NULL) {
            *ticket = 0;
        }
        int of_alarm = alarms_command(p->alarms, &at_now, err);
        settle(p);
        return of_alarm;
    }
    int64_t number = 0;
    int code = is_of_plans(c->kind) ? plans_command(p->plans, &at_now, &number, err)
                                    : ticket_command(p, &at_now, &number, err);
    if (code == 0 && ticket != NULL) {
        *ticket = number;
    }
    return code;
}

int64_t
pipeline_now(const struct pipeline *p)
{
    return p->now_ms;
}

void
pipeline_shift(struct pipeline *p, int64_t delta_ms)
{
    assert(p->now_ms != INSTANT_NONE);
    rules_shift(p->rules, delta_ms);
    alarms_shift(p->alarms, delta_ms);
    tickets_shift(p->tickets, p->now_ms, delta_ms);
    p->now_ms += delta_ms;
    plans_shift(p->plans, delta_ms, p->now_ms);
    struct event e = {
        .t_ms = p->now_ms, .kind = EVENT_CLOCK_STEPPED, .step_ms = delta_ms};
    p->sink->event(p->sink->ctx, &e);
}

struct rules *
pipeline_rules(struct pipeline *p)
{
    return p->rules;
}

const struct alarms *
pipeline_alarms(const struct pipeline *p)
{
    return p->alarms;
}

const struct tickets *
pipeline_tickets(const struct pipeline *p)
{
    return p->tickets;
}

struct plans *
pipeline_plans(struct pipeline *p)
{
    return p->plans;
}

void
pipeline_begin(struct pipeline *p, int64_t t_ms)
{
    if (!plans_begun(p->plans)) {
        plans_begin(p->plans, t_ms);
    }
}

bool
pipeline_restore_alarm(struct pipeline *p, const struct alarm *row)
{
    return alarms_restore(p->alarms, row);
}

struct ledger_papers
pipeline_papers(const struct pipeline *p, int64_t t_ms)
{
    return ledger_book_papers(p->ledger, civil_day(t_ms));
}

void
pipeline_restore_ledger(struct pipeline *p, const struct ledger_row *row)
{
    (void)ledger_book_put(p->ledger, row);
}

bool
pipeline_restore_service(struct pipeline *p, const struct service *s)
{
    return alarms_restore_service(p->alarms, s);
}

void
pipeline_restore_ticket(struct pipeline *p, const struct ticket *row)
{
    uint32_t device =
        row->device != NULL ? site_device(p->site, row->device) : NONE_INDEX;
    uint32_t rule = row->rule != NULL ? site_rule(p->site, row->rule) : NONE_INDEX;
    bool known = device != NONE_INDEX && rule != NONE_INDEX;
    const struct alarm *alarm = known ? alarms_get(p->alarms, device, rule) : NULL;
    bool raised = alarm != NULL && alarm_is_raised(alarm) && !alarm->untold;
    raised = raised || (known && alarms_group_stands(p->alarms, device, rule));
    tickets_restore(p->tickets, row, raised);
    if (known && rules_bound(p->rules, device, rule) &&
        tickets_wants_watch(p->tickets, device, rule)) {
        rules_set_watched(p->rules, device, rule, true);
        struct watch w = rules_watch(p->rules, device, rule);
        tickets_resume_watch(p->tickets, p->now_ms, device, rule, &w);
    }
}

bool
pipeline_restore_timer(struct pipeline *p, const struct rule_state *s, int64_t alive_ms)
{
    return rules_restore(p->rules, s, alive_ms);
}
