#include "daemon/ticket/figures.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/ticket/figures_bounds.h"
#include "daemon/ticket/figures_spans.h"

#define HOUR_MS 3600000.0
#define DAY_MS  86400000.0

struct arising;

struct making {
    struct figures *out;
    const struct figures_input *in;
    uint32_t part; /* That the last stretch of the device began in. */
    uint32_t part_device;
    int64_t *respond, *resolve; /* Durations of one priority. */
    struct arising *arising;
};

static bool
is_fault(const struct figures_ticket *t)
{
    return (t->kind == TICKET_FAULT || t->kind == TICKET_REPORTED) && !t->false_alarm;
}

static bool
is_unplanned(const struct figures_ticket *t)
{
    return t->kind == TICKET_FAULT || t->kind == TICKET_REPORTED;
}

static bool
counts(const struct figures_input *in, const struct figures_ticket *t)
{
    return t->opened_ms >= in->from_ms && t->opened_ms < in->to_ms;
}

/* ---- equipment ---- */

/* The part of the device's type, and that of all; NULL where it does not count. */
static struct figures_part *
part_of(struct making *m, uint32_t part, uint32_t device, bool of_all)
{
    const struct figures_input *in = m->in;
    bool known = device != FIGURES_NONE;
    if (of_all ? known && in->devices[device].apart : !known) {
        return NULL;
    }
    uint32_t row = of_all ? in->type_count : in->devices[device].type;
    return &m->out->parts[(size_t)row * in->part_count + part];
}

static void
add_part(struct making *m, uint32_t part, uint32_t device, bool up, int64_t ms)
{
    for (int of_all = 0; of_all < 2; of_all++) {
        struct figures_part *p = part_of(m, part, device, of_all != 0);
        if (p != NULL) {
            *(up ? &p->up_ms : &p->down_ms) += ms;
        }
    }
}

static void
add_parts(struct making *m, uint32_t device, bool up, int64_t from_ms, int64_t to_ms)
{
    const struct figures_input *in = m->in;
    if (m->part_device != device) {
        m->part = 0;
        m->part_device = device;
    }
    while (from_ms < to_ms && m->part < in->part_count) {
        int64_t end_ms = in->part_ends[m->part];
        if (from_ms >= end_ms) {
            m->part++;
            continue;
        }
        int64_t until_ms = to_ms < end_ms ? to_ms : end_ms;
        add_part(m, m->part, device, up, until_ms - from_ms);
        from_ms = until_ms;
    }
}

static void
take_stretch(void *ctx,
             uint32_t device,
             enum figures_state state,
             int64_t from_ms,
             int64_t to_ms)
{
    struct making *m = ctx;
    struct figures_plant *p = &m->out->devices[device];
    if (state == FIGURES_STATES) {
        p->up_ms += to_ms - from_ms;
    } else {
        p->state_ms[state] += to_ms - from_ms;
    }
    if (state == FIGURES_STATES || state == FIGURES_DOWN) {
        add_parts(m, device, state == FIGURES_STATES, from_ms, to_ms);
    }
}

void
figures_plant_add(struct figures_plant *to, const struct figures_plant *from)
{
    to->devices += from->devices;
    to->up_ms += from->up_ms;
    for (int i = 0; i < FIGURES_STATES; i++) {
        to->state_ms[i] += from->state_ms[i];
    }
    to->faults += from->faults;
    to->failures += from->failures;
    to->repairs += from->repairs;
    to->repair_ms += from->repair_ms;
    to->tickets += from->tickets;
    to->minutes += from->minutes;
    to->cost += from->cost;
    to->parts_cost += from->parts_cost;
}

static void
add_fault(struct making *m, const struct figures_ticket *t, struct figures_plant *p)
{
    const struct figures_input *in = m->in;
    p->faults++;
    if (t->priority >= SEVERITY_URGENT) {
        p->failures++;
        if (t->repair_ms >= 0) {
            p->repairs++;
            p->repair_ms += t->repair_ms;
        }
    }
    uint32_t part = 0;
    while (part < in->part_count && t->opened_ms >= in->part_ends[part]) {
        part++;
    }
    for (int of_all = 0; of_all < 2 && part < in->part_count; of_all++) {
        struct figures_part *of = part_of(m, part, t->device, of_all != 0);
        if (of != NULL) {
            of->faults++;
        }
    }
}

static void
add_equipment(struct making *m)
{
    const struct figures_input *in = m->in;
    struct figures *f = m->out;
    struct figures_plant nowhere = {0}; /* Reported, of no device. */
    for (size_t i = 0; i < in->ticket_count; i++) {
        const struct figures_ticket *t = &in->tickets[i];
        if (!counts(in, t)) {
            continue;
        }
        struct figures_plant *p =
            t->device != FIGURES_NONE ? &f->devices[t->device] : &nowhere;
        p->tickets++;
        p->minutes += t->minutes;
        p->cost += t->cost + t->parts_cost;
        p->parts_cost += t->parts_cost;
        if (is_fault(t)) {
            add_fault(m, t, p);
        }
    }
    f->all = nowhere;
    for (uint32_t i = 0; i < in->device_count; i++) {
        f->devices[i].devices = 1;
        figures_plant_add(&f->types[in->devices[i].type], &f->devices[i]);
        if (!in->devices[i].apart) {
            figures_plant_add(&f->all, &f->devices[i]);
        }
    }
}

/* ---- times ---- */

static int
by_value(const void *left, const void *right)
{
    const int64_t *a = left;
    const int64_t *b = right;
    return (*a > *b) - (*a < *b);
}

/* Sorts `values`.  The median of an even number is the mean of the middle two; the 90th
 * percentile is the smallest value that at least 90 % do not exceed. */
static struct figures_times
times_of(int64_t *values, size_t n)
{
    struct figures_times t = {.n = n};
    double sum = 0;
    double squares = 0;
    if (n == 0) {
        return t;
    }
    qsort(values, n, sizeof *values, by_value);
    for (size_t i = 0; i < n; i++) {
        sum += (double)values[i];
    }
    t.mean = sum / (double)n;
    t.median = ((double)values[(n - 1) / 2] + (double)values[n / 2]) / 2;
    t.p90 = (double)values[(9 * n + 9) / 10 - 1];
    for (size_t i = 0; i < n; i++) {
        squares += ((double)values[i] - t.mean) * ((double)values[i] - t.mean);
    }
    if (n > 1 && t.mean > 0) {
        double count = (double)n;
        t.error2 = squares / (count - 1) / count / (t.mean * t.mean);
    }
    return t;
}

static void
add_promises(struct making *m, int priority)
{
    struct figures_promises *p = &m->out->promises[priority];
    size_t responded = 0;
    size_t resolved = 0;
    for (size_t i = 0; i < m->in->ticket_count; i++) {
        const struct figures_ticket *t = &m->in->tickets[i];
        if (!counts(m->in, t) || !is_unplanned(t) ||
            (priority != SEVERITY_COUNT && (int)t->priority != priority)) {
            continue;
        }
        bool arrived = t->responded_ms != INSTANT_NONE;
        bool done = t->resolved_ms != INSTANT_NONE;
        if (arrived) {
            m->respond[responded++] = t->responded_ms - t->opened_ms;
        }
        if (done) {
            m->resolve[resolved++] = t->resolved_ms - t->opened_ms;
        }
        p->respond_decided += arrived || t->respond_breached;
        p->respond_met += arrived && !t->respond_breached;
        p->resolve_decided += done || t->resolve_breached;
        p->resolve_met += done && !t->resolve_breached;
    }
    p->respond = times_of(m->respond, responded);
    p->resolve = times_of(m->resolve, resolved);
}

/* ---- work ---- */

static void
add_work(struct figures_work *w, const struct figures_ticket *t)
{
    w->tickets++;
    w->resolved += t->resolved_ms != INSTANT_NONE;
    w->reopened += (uint64_t)t->reopened;
    if (t->responded_ms != INSTANT_NONE && is_unplanned(t)) {
        w->responded++;
        w->respond_ms += t->responded_ms - t->opened_ms;
    }
    w->minutes += t->minutes;
    w->cost += t->cost + t->parts_cost;
    if (t->rating > 0) {
        w->ratings++;
        w->rating_sum += t->rating;
    }
}

static void
add_closing(struct figures *f,
            const struct figures_input *in,
            const struct figures_ticket *t)
{
    if (t->rule != FIGURES_NONE) {
        struct figures_rule *rule = &f->rules[t->rule];
        rule->tickets++;
        rule->judged += t->closed && t->cause != FIGURES_NONE;
        rule->false_alarms += t->false_alarm;
    }
    if (!is_unplanned(t) || !t->closed) {
        return;
    }
    struct figures_cause *cause =
        &f->causes[t->cause != FIGURES_NONE ? t->cause : in->cause_count];
    cause->tickets++;
    cause->repair_ms += t->repair_ms > 0 ? t->repair_ms : 0;
    cause->cost += t->cost + t->parts_cost;
    if (is_fault(t)) {
        f->closed++;
        f->fixed_first_time += t->reopened == 0;
    }
}

static void
add_tickets(struct making *m)
{
    const struct figures_input *in = m->in;
    struct figures *f = m->out;
    double costs = 0;
    double squares = 0;
    for (size_t i = 0; i < in->ticket_count; i++) {
        const struct figures_ticket *t = &in->tickets[i];
        if (!counts(in, t)) {
            continue;
        }
        add_work(&f->kinds[t->kind], t);
        if (t->person != FIGURES_NONE) {
            add_work(&f->people[t->person], t);
        }
        if (t->team != FIGURES_NONE) {
            add_work(&f->teams[t->team], t);
        }
        add_closing(f, in, t);
        if (t->plan != FIGURES_NONE) {
            struct figures_plan *plan = &f->plans[t->plan];
            bool done = t->resolved_ms != INSTANT_NONE;
            plan->visits++;
            plan->done += done;
            plan->in_time += done && !t->resolve_breached;
        }
        f->reported += t->kind == TICKET_REPORTED;
        f->rated += t->rating > 0;
        f->rating_sum += t->rating;
        double cost = (double)(t->cost + t->parts_cost);
        f->paid += cost > 0;
        costs += cost;
        squares += cost * cost;
    }
    f->cost_error2 = costs > 0 ? squares / (costs * costs) : 0;
    for (size_t i = 0; i < in->overdue_count; i++) {
        const struct figures_overdue *o = &in->overdue[i];
        if (o->t_ms >= in->from_ms && o->t_ms < in->to_ms) {
            f->plans[o->plan].overdue++;
        }
    }
}

/* ---- what comes back ---- */

static int
by_name(const struct figures_repeat *a, const struct figures_repeat *b)
{
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    if (a->rule != b->rule) {
        return a->rule < b->rule ? -1 : 1;
    }
    return (a->category > b->category) - (a->category < b->category);
}

/* One fault while they are gathered: what it is, and when. */
struct arising {
    struct figures_repeat what;
    int64_t opened_ms;
    bool counts;
};

static int
by_fault(const void *left, const void *right)
{
    const struct arising *a = left;
    const struct arising *b = right;
    int order = by_name(&a->what, &b->what);
    return order != 0 ? order
                      : (a->opened_ms > b->opened_ms) - (a->opened_ms < b->opened_ms);
}

static int
by_count(const void *left, const void *right)
{
    const struct figures_repeat *a = left;
    const struct figures_repeat *b = right;
    uint64_t came = a->faults + a->reopened;
    uint64_t other = b->faults + b->reopened;
    return came != other ? (came < other ? 1 : -1) : by_name(a, b);
}

static size_t
gather_faults(struct arising *out, const struct figures_input *in)
{
    size_t count = 0;
    for (size_t i = 0; i < in->ticket_count; i++) {
        const struct figures_ticket *t = &in->tickets[i];
        if (t->opened_ms < in->to_ms && is_fault(t) && t->device != FIGURES_NONE) {
            out[count++] = (struct arising){.what = {.device = t->device,
                                                     .rule = t->rule,
                                                     .category = t->rule == FIGURES_NONE
                                                                     ? t->category
                                                                     : FIGURES_NONE,
                                                     .faults = 1,
                                                     .reopened = (uint64_t)t->reopened},
                                            .opened_ms = t->opened_ms,
                                            .counts = counts(in, t)};
        }
    }
    qsort(out, count, sizeof *out, by_fault);
    return count;
}

static void
add_repeats(struct making *m)
{
    struct figures *f = m->out;
    const struct arising *a = m->arising;
    size_t count = gather_faults(m->arising, m->in);
    for (size_t i = 0; i < count;) {
        struct figures_repeat sum = a[i].what;
        sum.faults = 0;
        sum.reopened = 0;
        for (size_t first = i; i < count && by_name(&sum, &a[i].what) == 0; i++) {
            if (a[i].counts) {
                sum.faults++;
                sum.reopened += a[i].what.reopened;
                f->repeated += i > first &&
                               a[i].opened_ms - a[i - 1].opened_ms < FIGURES_REPEAT_MS;
            }
        }
        if (sum.faults + sum.reopened > 1) {
            f->repeats[f->repeat_count++] = sum;
        }
    }
    qsort(f->repeats, f->repeat_count, sizeof *f->repeats, by_count);
}

/* ---- all ---- */

static bool
make_room(struct making *m)
{
    const struct figures_input *in = m->in;
    struct figures *f = m->out;
    size_t rows = (size_t)in->part_count * ((size_t)in->type_count + 1);
    f->types = calloc((size_t)in->type_count + 1, sizeof *f->types);
    f->devices = calloc((size_t)in->device_count + 1, sizeof *f->devices);
    f->repeats = calloc(in->ticket_count + 1, sizeof *f->repeats);
    f->causes = calloc((size_t)in->cause_count + 1, sizeof *f->causes);
    f->rules = calloc((size_t)in->rule_count + 1, sizeof *f->rules);
    f->people = calloc((size_t)in->person_count + 1, sizeof *f->people);
    f->teams = calloc((size_t)in->team_count + 1, sizeof *f->teams);
    f->plans = calloc((size_t)in->plan_count + 1, sizeof *f->plans);
    f->parts = calloc(rows + 1, sizeof *f->parts);
    m->respond = calloc(in->ticket_count + 1, sizeof *m->respond);
    m->resolve = calloc(in->ticket_count + 1, sizeof *m->resolve);
    m->arising = calloc(in->ticket_count + 1, sizeof *m->arising);
    return f->types != NULL && f->devices != NULL && f->repeats != NULL &&
           f->causes != NULL && f->rules != NULL && f->people != NULL &&
           f->teams != NULL && f->plans != NULL && f->parts != NULL &&
           m->respond != NULL && m->resolve != NULL && m->arising != NULL;
}

int
figures_make(struct figures *out, const struct figures_input *in, struct err *err)
{
    struct making m = {.out = out, .in = in, .part_device = FIGURES_NONE};
    int code = 0;
    assert(in->from_ms < in->to_ms);
    assert(in->part_count == 0 || in->part_ends[in->part_count - 1] == in->to_ms);
    *out = (struct figures){.from_ms = in->from_ms, .to_ms = in->to_ms};
    if (!make_room(&m)) {
        code = err_set(err, ERR_NOMEM, "no memory for the report");
    }
    code = code == 0 ? figures_each_stretch(in, take_stretch, &m, err) : code;
    if (code == 0) {
        add_equipment(&m);
        for (int priority = 0; priority <= SEVERITY_COUNT; priority++) {
            add_promises(&m, priority);
        }
        add_tickets(&m);
        add_repeats(&m);
    }
    free(m.respond);
    free(m.resolve);
    free(m.arising);
    if (code != 0) {
        figures_fini(out);
    }
    return code;
}

void
figures_fini(struct figures *f)
{
    free(f->types);
    free(f->devices);
    free(f->repeats);
    free(f->causes);
    free(f->rules);
    free(f->people);
    free(f->teams);
    free(f->plans);
    free(f->parts);
    *f = (struct figures){0};
}

double
figures_availability(const struct figures_plant *p)
{
    int64_t seen_ms = p->up_ms + p->state_ms[FIGURES_DOWN];
    return seen_ms > 0 ? 100.0 * (double)p->up_ms / (double)seen_ms : (double)NAN;
}

double
figures_device_months(const struct figures_plant *p)
{
    return (double)(p->up_ms + p->state_ms[FIGURES_DOWN]) / (double)FIGURES_MONTH_MS;
}

double
figures_fault_rate(const struct figures_plant *p)
{
    return figures_per_month((double)p->faults, figures_device_months(p));
}

double
figures_per_month(double count, double months)
{
    return months * (double)FIGURES_MONTH_MS >= DAY_MS ? count / months : (double)NAN;
}

double
figures_mtbf(const struct figures_plant *p)
{
    return p->failures >= FIGURES_FEW ? (double)p->up_ms / HOUR_MS / (double)p->failures
                                      : (double)NAN;
}

double
figures_mttr(const struct figures_plant *p)
{
    return p->repairs >= FIGURES_FEW
               ? (double)p->repair_ms / HOUR_MS / (double)p->repairs
               : (double)NAN;
}

double
figures_mtbf_bound(const struct figures_plant *p)
{
    return p->up_ms > 0 ? figures_mtbf_lower((double)p->up_ms / HOUR_MS, p->failures)
                        : (double)NAN;
}

double
figures_mttr_bound(const struct figures_plant *p)
{
    return p->repairs > 0
               ? figures_mttr_upper((double)p->repair_ms / HOUR_MS, p->repairs)
               : (double)NAN;
}
