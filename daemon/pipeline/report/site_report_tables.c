/* The figures as tables. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/model/ticket.h"
#include "daemon/pipeline/report/site_report.h"

#define HOUR_MS    3600000.0
#define MINUTE_MS  60000.0
#define MINUTES    60.0 /* In an hour. */
#define HUNDREDTHS 100.0

struct filling {
    struct site_report *r;
    struct site_period *p;
    const struct figures *f;
};

static struct report_row *
add(const struct filling *x, enum site_table table, const char *key, const char *label)
{
    return report_table_add(&x->p->tables[table], x->r->arena, key, label);
}

static void
set(const struct filling *x,
    enum site_table table,
    struct report_row *row,
    const char *column,
    double value)
{
    report_set(&x->p->tables[table], row, column, value);
}

static double
share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : (double)NAN;
}

static const char *
word(const struct filling *x, const char *english)
{
    return report_word(x->r->language, english);
}

static const char *
all_of(const struct filling *x)
{
    return word(x, "all");
}

/* ---- equipment ---- */

static void
fill_availability(const struct filling *x,
                  struct report_row *row,
                  const struct figures_plant *p)
{
    const enum site_table t = SITE_AVAILABILITY;
    set(x, t, row, "availability", figures_availability(p));
    set(x, t, row, "down_h", (double)p->state_ms[FIGURES_DOWN] / HOUR_MS);
    set(x, t, row, "out_of_service_h", (double)p->state_ms[FIGURES_OUT] / HOUR_MS);
    set(x, t, row, "unseen_h", (double)p->state_ms[FIGURES_UNSEEN] / HOUR_MS);
    set(x, t, row, "up_h", (double)p->up_ms / HOUR_MS);
    set(x, t, row, "devices", p->devices);
}

static void
fill_reliability(const struct filling *x,
                 struct report_row *row,
                 const struct figures_plant *p)
{
    const enum site_table t = SITE_RELIABILITY;
    set(x, t, row, "faults", (double)p->faults);
    set(x, t, row, "device_months", figures_device_months(p));
    set(x, t, row, "fault_rate", figures_fault_rate(p));
    set(x, t, row, "failures", (double)p->failures);
    set(x, t, row, "mtbf_h", figures_mtbf(p));
    set(x, t, row, "mtbf_at_least_h", figures_mtbf_bound(p));
    set(x, t, row, "repairs", (double)p->repairs);
    set(x, t, row, "mttr_h", figures_mttr(p));
    set(x, t, row, "mttr_at_most_h", figures_mttr_bound(p));
}

static void
fill_cost(const struct filling *x,
          struct report_row *row,
          const struct figures_plant *p)
{
    const enum site_table t = SITE_COSTS;
    set(x, t, row, "tickets", (double)p->tickets);
    set(x, t, row, "work_h", (double)p->minutes / MINUTES);
    set(x, t, row, "labour", (double)(p->cost - p->parts_cost) / HUNDREDTHS);
    set(x, t, row, "parts", (double)p->parts_cost / HUNDREDTHS);
    set(x, t, row, "cost", (double)p->cost / HUNDREDTHS);
}

/* Buses and the gateway are seldom worth a row. */
static bool
is_idle(const struct figures_plant *p)
{
    return p->tickets == 0 && p->state_ms[FIGURES_DOWN] == 0;
}

/* Whether all of the type is so. */
static bool
is_apart(const struct report_rows *rows, uint32_t type)
{
    for (uint32_t i = 0; i < rows->device_count; i++) {
        if (rows->devices[i].type == type && !rows->devices[i].apart) {
            return false;
        }
    }
    return true;
}

typedef void (*fill_fn)(const struct filling *,
                        struct report_row *,
                        const struct figures_plant *);

static void
fill_types(const struct filling *x, enum site_table t, fill_fn fill)
{
    const struct report_rows *rows = &x->r->rows;
    for (uint32_t i = 0; i < rows->types.count; i++) {
        char key[ID_BYTES_MAX + 8];
        if (is_apart(rows, i) && is_idle(&x->f->types[i])) {
            continue;
        }
        snprintf(key, sizeof key, "type:%s", rows->types.items[i]);
        const char *label = arena_printf(x->r->arena, tr_in(x->r->language, "%s, all"),
                                         rows->types.items[i]);
        fill(x, add(x, t, key, label), &x->f->types[i]);
    }
}

/* Where there are several. */
static void
fill_areas(const struct filling *x, enum site_table t, fill_fn fill)
{
    const struct report_rows *rows = &x->r->rows;
    struct report_names areas = {0};
    for (uint32_t i = 0; i < rows->device_count; i++) {
        const char *area = report_area(&x->r->site->devices[rows->site_devices[i]]);
        if (!rows->devices[i].apart && area[0] != '\0') {
            report_names_add(&areas, area);
        }
    }
    report_names_sort(&areas);
    for (uint32_t a = 0; areas.count > 1 && a < areas.count; a++) {
        struct figures_plant sum = {0};
        for (uint32_t i = 0; i < rows->device_count; i++) {
            const struct device *d = &x->r->site->devices[rows->site_devices[i]];
            if (!rows->devices[i].apart &&
                strcmp(report_area(d), areas.items[a]) == 0) {
                figures_plant_add(&sum, &x->f->devices[i]);
            }
        }
        const char *key = arena_printf(x->r->arena, "area:%s", areas.items[a]);
        const char *label = arena_printf(
            x->r->arena, tr_in(x->r->language, "area %s, all"), areas.items[a]);
        fill(x, add(x, t, key, label), &sum);
    }
    report_names_fini(&areas);
}

static void
fill_devices(const struct filling *x, enum site_table t, fill_fn fill)
{
    const struct report_rows *rows = &x->r->rows;
    for (uint32_t i = 0; i < rows->device_count; i++) {
        const struct device *d = &x->r->site->devices[rows->site_devices[i]];
        const struct figures_plant *p = &x->f->devices[i];
        if ((rows->devices[i].apart && is_idle(p)) ||
            (t == SITE_COSTS && p->tickets == 0)) {
            continue;
        }
        struct report_row *row = add(x, t, d->id, NULL);
        row->name = site_report_name_of(d);
        fill(x, row, p);
    }
}

/* All, then each type, each area and each device. */
static void
fill_plants(const struct filling *x)
{
    static const struct {
        enum site_table table;
        fill_fn fill;
    } tables[] = {{SITE_AVAILABILITY, fill_availability},
                  {SITE_RELIABILITY, fill_reliability},
                  {SITE_COSTS, fill_cost}};
    for (size_t k = 0; k < ARRAY_LEN(tables); k++) {
        enum site_table t = tables[k].table;
        tables[k].fill(x, add(x, t, "all", all_of(x)), &x->f->all);
        fill_types(x, t, tables[k].fill);
        fill_areas(x, t, tables[k].fill);
        fill_devices(x, t, tables[k].fill);
    }
}

/* ---- times and promises ---- */

static void
fill_times(const struct filling *x,
           enum site_table t,
           const char *key,
           const char *label,
           const struct figures_times *times)
{
    struct report_row *row = add(x, t, key, label);
    bool any = times->n > 0;
    set(x, t, row, "n", (double)times->n);
    set(x, t, row, "mean_min", any ? times->mean / MINUTE_MS : (double)NAN);
    set(x, t, row, "median_min", any ? times->median / MINUTE_MS : (double)NAN);
    set(x, t, row, "p90_min", any ? times->p90 / MINUTE_MS : (double)NAN);
}

static const char *
priority_label(const struct filling *x, enum severity s)
{
    return tr_word_in(x->r->language, "severity", severity_name(s));
}

static void
fill_promises(const struct filling *x)
{
    for (int s = SEVERITY_COUNT - 1; s >= SEVERITY_INFO; s--) {
        /* Information opens no ticket: what was all comes in its place. */
        int which = s == SEVERITY_INFO ? SEVERITY_COUNT : s;
        const struct figures_promises *p = &x->f->promises[which];
        const char *key =
            which == SEVERITY_COUNT ? "all" : severity_name((enum severity)which);
        const char *label = which == SEVERITY_COUNT
                                ? all_of(x)
                                : priority_label(x, (enum severity)which);
        fill_times(x, SITE_RESPONSE, key, label, &p->respond);
        fill_times(x, SITE_RESOLUTION, key, label, &p->resolve);
        struct report_row *row = add(x, SITE_PROMISES, key, label);
        set(x, SITE_PROMISES, row, "respond_n", (double)p->respond_decided);
        set(x, SITE_PROMISES, row, "respond_met",
            share(p->respond_met, p->respond_decided));
        set(x, SITE_PROMISES, row, "resolve_n", (double)p->resolve_decided);
        set(x, SITE_PROMISES, row, "resolve_met",
            share(p->resolve_met, p->resolve_decided));
    }
}

/* ---- faults ---- */

static void
fill_repeats(const struct filling *x)
{
    const struct report_rows *rows = &x->r->rows;
    for (size_t i = 0; i < x->f->repeat_count; i++) {
        const struct figures_repeat *f = &x->f->repeats[i];
        const char *what = f->rule != FIGURES_NONE ? rows->rules.items[f->rule]
                           : f->category != FIGURES_NONE
                               ? rows->categories.items[f->category]
                               : "-";
        char key[3 * ID_BYTES_MAX];
        snprintf(key, sizeof key, "%s/%s",
                 x->r->site->devices[rows->site_devices[f->device]].id, what);
        struct report_row *row = add(x, SITE_REPEATS, key, NULL);
        set(x, SITE_REPEATS, row, "faults", (double)f->faults);
        set(x, SITE_REPEATS, row, "reopened", (double)f->reopened);
    }
}

/* Numbers 0 .. count - 1 by falling `weights`, equal ones by name. */
struct order {
    uint32_t index;
    uint64_t weight;
    const char *name;
};

static int
by_weight(const void *left, const void *right)
{
    const struct order *a = left;
    const struct order *b = right;
    if (a->weight != b->weight) {
        return a->weight < b->weight ? 1 : -1;
    }
    return strcmp(a->name, b->name);
}

static struct order *
order_of(const struct filling *x, const struct report_names *names, uint32_t extra)
{
    struct order *o = arena_array(x->r->arena, (size_t)names->count + 1, sizeof *o);
    for (uint32_t i = 0; i < names->count + extra; i++) {
        o[i] = (struct order){i, 0, i < names->count ? names->items[i] : "(none)"};
    }
    return o;
}

static void
fill_causes(const struct filling *x)
{
    const struct report_names *names = &x->r->rows.causes;
    uint32_t count = names->count + 1;
    struct order *o = order_of(x, names, 1);
    uint64_t all = 0;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        o[i].weight = x->f->causes[i].tickets;
        all += o[i].weight;
    }
    qsort(o, count, sizeof *o, by_weight);
    for (uint32_t i = 0; i < count && o[i].weight > 0; i++) {
        const struct figures_cause *c = &x->f->causes[o[i].index];
        bool none = o[i].index == names->count;
        struct report_row *row = add(
            x, SITE_CAUSES, o[i].name,
            none ? word(x, "(none)") : tr_word_in(x->r->language, "cause", o[i].name));
        sum += c->tickets;
        set(x, SITE_CAUSES, row, "tickets", (double)c->tickets);
        set(x, SITE_CAUSES, row, "share", share(c->tickets, all));
        set(x, SITE_CAUSES, row, "cumulative", share(sum, all));
        set(x, SITE_CAUSES, row, "repair_h", (double)c->repair_ms / HOUR_MS);
        set(x, SITE_CAUSES, row, "cost", (double)c->cost / HUNDREDTHS);
    }
}

static void
fill_false_alarms(const struct filling *x)
{
    const struct report_names *names = &x->r->rows.rules;
    struct order *o = order_of(x, names, 0);
    for (uint32_t i = 0; i < names->count; i++) {
        o[i].weight = x->f->rules[i].false_alarms;
    }
    qsort(o, names->count, sizeof *o, by_weight);
    for (uint32_t i = 0; i < names->count; i++) {
        const struct figures_rule *f = &x->f->rules[o[i].index];
        if (f->judged == 0) {
            continue;
        }
        struct report_row *row = add(x, SITE_FALSE_ALARMS, o[i].name, NULL);
        set(x, SITE_FALSE_ALARMS, row, "tickets", (double)f->tickets);
        set(x, SITE_FALSE_ALARMS, row, "judged", (double)f->judged);
        set(x, SITE_FALSE_ALARMS, row, "false_alarms", (double)f->false_alarms);
        set(x, SITE_FALSE_ALARMS, row, "share", share(f->false_alarms, f->judged));
    }
}

/* ---- work ---- */

static const char *
name_of_person(const struct site *site, const char *id)
{
    for (uint32_t i = 0; i < site->person_count; i++) {
        if (strcmp(site->people[i].id, id) == 0 && site->people[i].name != NULL) {
            return site->people[i].name;
        }
    }
    return id;
}

static const char *
name_of_team(const struct filling *x, const char *id)
{
    const struct site *site = x->r->site;
    for (uint32_t i = 0; i < site->team_count; i++) {
        if (strcmp(site->teams[i].id, id) == 0) {
            const char *name = text_in(&site->teams[i].name, x->r->language);
            return name != NULL ? name : id;
        }
    }
    return id;
}

static void
fill_work(const struct filling *x,
          enum site_table t,
          const char *key,
          const char *label,
          const struct figures_work *w)
{
    struct report_row *row = add(x, t, key, label);
    set(x, t, row, "tickets", (double)w->tickets);
    set(x, t, row, "resolved", (double)w->resolved);
    set(x, t, row, "reopened", (double)w->reopened);
    set(x, t, row, "work_h", (double)w->minutes / MINUTES);
    set(x, t, row, "responded", (double)w->responded);
    set(x, t, row, "response_min",
        w->responded > 0 ? (double)w->respond_ms / MINUTE_MS / (double)w->responded
                         : (double)NAN);
    set(x, t, row, "cost", (double)w->cost / HUNDREDTHS);
    set(x, t, row, "rating",
        w->ratings > 0 ? (double)w->rating_sum / (double)w->ratings : (double)NAN);
    set(x, t, row, "ratings", (double)w->ratings);
}

static void
fill_workers(const struct filling *x)
{
    const struct {
        enum site_table table;
        const struct report_names *names;
        const struct figures_work *work;
    } lists[] = {{SITE_PEOPLE, &x->r->rows.people, x->f->people},
                 {SITE_TEAMS, &x->r->rows.teams, x->f->teams}};
    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        struct order *o = order_of(x, lists[k].names, 0);
        for (uint32_t i = 0; i < lists[k].names->count; i++) {
            o[i].weight = lists[k].work[i].tickets;
        }
        qsort(o, lists[k].names->count, sizeof *o, by_weight);
        for (uint32_t i = 0; i < lists[k].names->count && o[i].weight > 0; i++) {
            const char *label = lists[k].table == SITE_PEOPLE
                                    ? name_of_person(x->r->site, o[i].name)
                                    : name_of_team(x, o[i].name);
            fill_work(x, lists[k].table, o[i].name, label, &lists[k].work[o[i].index]);
        }
    }
}

static void
fill_share(const struct filling *x,
           const char *key,
           const char *label,
           const struct figures_work *w,
           const struct figures_work *all)
{
    struct report_row *row = add(x, SITE_SHARES, key, label);
    set(x, SITE_SHARES, row, "tickets", (double)w->tickets);
    set(x, SITE_SHARES, row, "share", share(w->tickets, all->tickets));
    set(x, SITE_SHARES, row, "work_h", (double)w->minutes / MINUTES);
    set(x, SITE_SHARES, row, "work_share",
        share((uint64_t)w->minutes, (uint64_t)all->minutes));
    set(x, SITE_SHARES, row, "cost", (double)w->cost / HUNDREDTHS);
}

static void
fill_shares(const struct filling *x)
{
    struct figures_work sums[2] = {{0}, {0}}; /* Unplanned, planned. */
    struct figures_work all = {0};
    for (int kind = 0; kind < TICKET_KIND_COUNT; kind++) {
        const struct figures_work *w = &x->f->kinds[kind];
        struct figures_work *const to[] = {
            &sums[kind == TICKET_PLANNED || kind == TICKET_PREDICTED], &all};
        for (size_t i = 0; i < ARRAY_LEN(to); i++) {
            to[i]->tickets += w->tickets;
            to[i]->minutes += w->minutes;
            to[i]->cost += w->cost;
        }
    }
    fill_share(x, "planned", word(x, "planned (all)"), &sums[1], &all);
    fill_share(x, "unplanned", word(x, "unplanned (all)"), &sums[0], &all);
    for (int kind = 0; kind < TICKET_KIND_COUNT; kind++) {
        char key[40];
        snprintf(key, sizeof key, "kind:%s", ticket_kind_name((enum ticket_kind)kind));
        fill_share(x, key,
                   tr_word_in(x->r->language, "ticket_kind",
                              ticket_kind_name((enum ticket_kind)kind)),
                   &x->f->kinds[kind], &all);
    }
}

static const char *
name_of_plan(const struct filling *x, const char *id)
{
    const struct site *site = x->r->site;
    for (uint32_t i = 0; i < site->plan_count; i++) {
        if (strcmp(site->plans[i].id, id) == 0) {
            return text_in(&site->plans[i].title, x->r->language);
        }
    }
    return strcmp(id, PLAN_FOLLOW_UP) == 0 ? word(x, "follow-up visit") : id;
}

static void
fill_plans(const struct filling *x)
{
    const struct report_names *names = &x->r->rows.plans;
    for (uint32_t i = 0; i < names->count; i++) {
        const struct figures_plan *p = &x->f->plans[i];
        if (p->visits == 0 && p->overdue == 0) {
            continue;
        }
        struct report_row *row =
            add(x, SITE_PLANS, names->items[i], name_of_plan(x, names->items[i]));
        set(x, SITE_PLANS, row, "visits", (double)p->visits);
        set(x, SITE_PLANS, row, "done", (double)p->done);
        set(x, SITE_PLANS, row, "in_time", (double)p->in_time);
        set(x, SITE_PLANS, row, "overdue", (double)p->overdue);
    }
}

/* ---- the whole ---- */

static void
fill_figure(const struct filling *x,
            const char *key,
            const char *label,
            enum report_unit unit,
            double value,
            double n)
{
    struct report_row *row = add(x, SITE_SUMMARY, key, label);
    row->unit = unit;
    row->cells[0].value = value;
    row->cells[1].word = report_unit_name(unit, x->r->site->currency);
    row->cells[2].value = n;
}

static void
fill_summary(const struct filling *x)
{
    const struct figures *f = x->f;
    const struct figures_promises *p = &f->promises[SEVERITY_COUNT];
    double months = site_report_months(x->r, x->p);
    fill_figure(x, "availability", word(x, "equipment available"), REPORT_AVAILABILITY,
                figures_availability(&f->all), f->all.devices);
    fill_figure(x, "fault_rate", word(x, "faults per device-month"), REPORT_PER_MONTH,
                figures_fault_rate(&f->all), (double)f->all.faults);
    fill_figure(x, "response", word(x, "mean time to response"), REPORT_MINUTES,
                p->respond.n > 0 ? p->respond.mean / MINUTE_MS : (double)NAN,
                (double)p->respond.n);
    fill_figure(x, "resolution", word(x, "mean time to solution"), REPORT_MINUTES,
                p->resolve.n > 0 ? p->resolve.mean / MINUTE_MS : (double)NAN,
                (double)p->resolve.n);
    fill_figure(x, "respond_in_time", word(x, "responded in time"), REPORT_PERCENT,
                share(p->respond_met, p->respond_decided), (double)p->respond_decided);
    fill_figure(x, "resolve_in_time", word(x, "solved in time"), REPORT_PERCENT,
                share(p->resolve_met, p->resolve_decided), (double)p->resolve_decided);
    fill_figure(x, "first_time_fix", word(x, "first-time fix"), REPORT_PERCENT,
                share(f->fixed_first_time, f->closed), (double)f->closed);
    fill_figure(x, "repeated", word(x, "faults that came back"), REPORT_PERCENT,
                share(f->repeated, f->all.faults), (double)f->all.faults);
    double cost = (double)f->all.cost;
    for (uint32_t i = 0; i < x->r->rows.device_count; i++) {
        cost += x->r->rows.devices[i].apart ? (double)f->devices[i].cost : 0;
    }
    fill_figure(x, "cost", word(x, "cost"), REPORT_MONEY, cost / HUNDREDTHS,
                (double)f->paid);
    fill_figure(x, "cost_per_month", word(x, "cost per month"), REPORT_MONEY,
                figures_per_month(cost / HUNDREDTHS, months), (double)f->paid);
    fill_figure(x, "complaints", word(x, "reported by people"), REPORT_COUNT,
                (double)f->reported, (double)f->reported);
    fill_figure(x, "rating", word(x, "rating"), REPORT_STARS,
                f->rated > 0 ? (double)f->rating_sum / (double)f->rated : (double)NAN,
                (double)f->rated);
}

/* By type and by part of the period: for charts, and for who wants the numbers. */
static void
fill_parts(const struct filling *x)
{
    uint32_t types = x->r->rows.types.count;
    const struct site_period *p = x->p;
    for (uint32_t type = 0; type <= types; type++) {
        const char *name = type < types ? x->r->rows.types.items[type] : "all";
        for (uint32_t i = 0; i < p->part_count; i++) {
            const struct figures_part *part = &x->f->parts[type * p->part_count + i];
            char day[CIVIL_TEXT_BYTES];
            int32_t date = civil_day(i == 0 ? p->from_ms : p->part_ends[i - 1]);
            char *key =
                arena_printf(x->r->arena, "%s/%s", name, civil_format(day, date));
            struct report_row *row = add(x, SITE_PARTS, key, NULL);
            int64_t seen_ms = part->up_ms + part->down_ms;
            set(x, SITE_PARTS, row, "from", date);
            row->cells[1].word = name;
            set(x, SITE_PARTS, row, "faults", (double)part->faults);
            set(x, SITE_PARTS, row, "availability",
                share((uint64_t)part->up_ms, (uint64_t)seen_ms));
        }
    }
}

void
site_report_fill(struct site_report *r, uint32_t which)
{
    const struct filling x = {r, &r->periods[which], &r->periods[which].figures};
    for (size_t i = 0; i < SITE_TABLES; i++) {
        x.p->tables[i].spec = &site_table_specs[i];
    }
    fill_summary(&x);
    fill_plants(&x);
    fill_promises(&x);
    fill_repeats(&x);
    fill_causes(&x);
    fill_false_alarms(&x);
    fill_workers(&x);
    fill_shares(&x);
    fill_plans(&x);
    site_report_fill_energy(r, which);
    fill_parts(&x);
}
