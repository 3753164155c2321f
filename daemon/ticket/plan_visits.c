#include "daemon/ticket/plan_visits.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/plan_due.h"
#include "daemon/ticket/plan_entry.h"
#include "daemon/ticket/plan_route.h"

#define MINUTE_MS INT64_C(60000)

struct visits {
    struct plan_visit *items;
    size_t count, room;
};

static void *
grown(void *memory, size_t count, size_t size)
{
    void *larger = realloc(memory, count * size);
    if (larger == NULL) {
        abort();
    }
    return larger;
}

static void
add(struct visits *v, const struct plan_visit *visit)
{
    if (v->count == v->room) {
        v->room = v->room == 0 ? 64 : 2 * v->room;
        v->items = grown(v->items, v->room, sizeof *v->items);
    }
    v->items[v->count++] = *visit;
}

static int32_t
later(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* Days from one visit to the next at the present rate; 0: not known. */
static int32_t
days_of_use(const struct plan_now *now, const struct plan_spec *spec)
{
    const struct plan_use_row *u = &now->row->use;
    if (now->use == PLAN_USE_NONE || u->rate_days < PLAN_RATE_DAYS_MIN ||
        !(u->rate > 0) || spec->use_limit / u->rate > 36500) {
        return 0;
    }
    return later((int32_t)(spec->use_limit / u->rate), 1);
}

/* All of one pair up to `to`, each as if the one before had been made on its day. */
static void
add_pair(struct visits *v,
         const struct plan_entry *e,
         struct plan_now now,
         int32_t today,
         int32_t to)
{
    int32_t base = e->calendar_day;
    int32_t grace = plan_grace_days(e->spec);
    int32_t use_days = days_of_use(&now, e->spec);
    for (uint32_t k = 0; k < PLAN_VISITS_MAX && now.due_day != DAY_NONE; k++) {
        if (now.due_day > to + PLAN_ROUND_DAYS_MAX) {
            return;
        }
        struct plan_visit visit = {.now = now,
                                   .latest = now.due_day + grace,
                                   .overdue = now.due_day + grace < today,
                                   .after = k,
                                   .start_ms = INSTANT_NONE,
                                   .end_ms = INSTANT_NONE};
        add(v, &visit);
        int32_t done = later(now.due_day, today);
        int32_t next = plan_next_day(e->spec, base, done);
        base = next;
        now.by_use = use_days > 0 && (next == DAY_NONE || done + use_days < next);
        now.moved = false;
        now.due_day = now.by_use ? done + use_days : next;
    }
}

/* Puts each visit on a day, with those that are near. */
static void
route(struct visits *v, const struct site *site, int32_t today)
{
    struct plan_stop *stops = grown(NULL, v->count + 1, sizeof *stops);
    for (size_t i = 0; i < v->count; i++) {
        const struct plan_visit *visit = &v->items[i];
        const struct plan_spec *spec = &site->plans[visit->now.plan];
        int32_t due = visit->now.due_day;
        stops[i] = (struct plan_stop){
            .team = spec->team,
            .place = plan_place(site, &site->devices[visit->now.device]),
            .earliest = later(due - plan_remind_days(spec), today),
            .due = later(due, today),
            .latest = later(visit->latest, today),
            .minutes = spec->minutes,
            .index = i};
    }
    plan_route(site, stops, v->count);
    struct plan_visit *ordered = grown(NULL, v->count + 1, sizeof *ordered);
    for (size_t i = 0; i < v->count; i++) {
        ordered[i] = v->items[stops[i].index];
        ordered[i].day = stops[i].day;
    }
    free(stops);
    free(v->items);
    v->items = ordered;
}

static bool
same_team(const struct site *site,
          const struct plan_visit *a,
          const struct plan_visit *b)
{
    const char *x = site->plans[a->now.plan].team;
    const char *y = site->plans[b->now.plan].team;
    return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

/* One after the other within the team's hours, where both hours and lengths are known;
 * what does not fit in has no time. */
static void
set_times(struct visits *v, const struct site *site)
{
    int minute = 0; /* From which on the team is free. */
    for (size_t i = 0; i < v->count; i++) {
        struct plan_visit *visit = &v->items[i];
        const struct plan_visit *before = i > 0 ? visit - 1 : NULL;
        const struct plan_spec *spec = &site->plans[visit->now.plan];
        bool goes_on = before != NULL && before->day == visit->day &&
                       same_team(site, before, visit);
        visit->stop = goes_on ? before->stop + 1 : 1;
        if (!goes_on) {
            minute = plan_morning(site, spec);
        }
        if (spec->team == NULL || spec->minutes == 0) {
            continue;
        }
        int start = plan_team_fit(site, spec->team, visit->day, minute, spec->minutes);
        visit->outside = start < 0;
        if (start >= 0) {
            minute = start + (int)spec->minutes;
            visit->start_ms = civil_instant(visit->day, start);
            visit->end_ms = visit->start_ms + spec->minutes * MINUTE_MS;
        }
    }
}

struct ranked {
    struct plan_visit visit;
    size_t rank;
};

static int
overdue_first(const void *x, const void *y)
{
    const struct ranked *a = x;
    const struct ranked *b = y;
    if (a->visit.overdue != b->visit.overdue) {
        return a->visit.overdue ? -1 : 1;
    }
    if (a->visit.overdue && a->visit.now.due_day != b->visit.now.due_day) {
        return a->visit.now.due_day < b->visit.now.due_day ? -1 : 1;
    }
    return (a->rank > b->rank) - (a->rank < b->rank);
}

/* What was asked for, with what is overdue before it. */
static void
select_days(struct visits *v, int32_t from, int32_t to)
{
    struct ranked *kept = grown(NULL, v->count + 1, sizeof *kept);
    size_t count = 0;
    for (size_t i = 0; i < v->count; i++) {
        const struct plan_visit *visit = &v->items[i];
        if (visit->overdue || (visit->day >= from && visit->day <= to)) {
            kept[count] = (struct ranked){.visit = *visit, .rank = count};
            count++;
        }
    }
    qsort(kept, count, sizeof *kept, overdue_first);
    for (size_t i = 0; i < count; i++) {
        v->items[i] = kept[i].visit;
    }
    v->count = count;
    free(kept);
}

struct plan_visit *
plan_visits(const struct plans *p,
            const struct site *site,
            int32_t today,
            int32_t from,
            int32_t to,
            size_t *count)
{
    struct visits v = {.items = grown(NULL, 1, sizeof *v.items), .room = 1};
    for (uint32_t i = 0; i < plans_count(p); i++) {
        add_pair(&v, &p->entries[i], plans_get(p, i, today), today, to);
    }
    route(&v, site, today);
    set_times(&v, site);
    select_days(&v, from, to);
    *count = v.count;
    return v.items;
}
