#include "daemon/ticket/plan_route.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"

const char *
plan_place(const struct site *site, const struct device *d)
{
    (void)site;
    if (d->ledger.area != NULL) {
        return d->ledger.area;
    }
    return d->location != NULL ? d->location : d->id;
}

static const struct team *
team_of(const struct site *site, const char *id)
{
    for (uint32_t i = 0; i < site->team_count && id != NULL; i++) {
        if (strcmp(site->teams[i].id, id) == 0) {
            return &site->teams[i];
        }
    }
    return NULL;
}

bool
plan_team_works(const struct site *site, const char *team, int32_t day)
{
    const struct team *t = team_of(site, team);
    int weekday = civil_weekday(day);
    if (t == NULL || t->hours_count == 0) {
        return true;
    }
    for (uint32_t i = 0; i < site->calendar_count; i++) {
        const struct calendar_day *c = &site->calendar[i];
        if (day >= c->from && day <= c->to) {
            if (!c->working) {
                return false;
            }
            weekday = 0; /* Worked like a Monday. */
        }
    }
    for (uint32_t i = 0; i < t->hours_count; i++) {
        if (t->hours[i].weekday == weekday) {
            return true;
        }
    }
    return false;
}

static int
compare_texts(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int
compare_indexes(const struct plan_stop *a, const struct plan_stop *b)
{
    return (a->index > b->index) - (a->index < b->index);
}

/* By team and place, then by the end of the window. */
static int
by_group(const void *x, const void *y)
{
    const struct plan_stop *a = x;
    const struct plan_stop *b = y;
    int order = compare_texts(a->team, b->team);
    if (order == 0) {
        order = compare_texts(a->place, b->place);
    }
    if (order == 0) {
        order = (a->latest > b->latest) - (a->latest < b->latest);
    }
    return order != 0 ? order : compare_indexes(a, b);
}

static int
by_day(const void *x, const void *y)
{
    const struct plan_stop *a = x;
    const struct plan_stop *b = y;
    int order = (a->day > b->day) - (a->day < b->day);
    if (order == 0) {
        order = compare_texts(a->team, b->team);
    }
    if (order == 0) {
        order = compare_texts(a->place, b->place);
    }
    return order != 0 ? order : compare_indexes(a, b);
}

static bool
near(const struct plan_stop *a, const struct plan_stop *b)
{
    return compare_texts(a->team, b->team) == 0 &&
           compare_texts(a->place, b->place) == 0;
}

/* The day of a round: within [from, to], which every window holds. */
static int32_t
day_of_round(
    const struct site *site, const char *team, int32_t from, int32_t due, int32_t to)
{
    int32_t wanted = due < from ? from : due > to ? to : due;
    for (int32_t day = wanted; day >= from; day--) {
        if (plan_team_works(site, team, day)) {
            return day;
        }
    }
    for (int32_t day = wanted + 1; day <= to; day++) {
        if (plan_team_works(site, team, day)) {
            return day;
        }
    }
    return wanted; /* They must come on a day off. */
}

/* The first end of a window that is not served yet makes a round of all whose windows
 * hold it: there are as few rounds as can be. */
static void
make_rounds(const struct site *site, struct plan_stop *stops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (stops[i].day != DAY_NONE) {
            continue;
        }
        int32_t to = stops[i].latest;
        int32_t from = stops[i].earliest;
        int32_t due = stops[i].due;
        for (size_t k = i + 1; k < count; k++) {
            if (stops[k].day == DAY_NONE && stops[k].earliest <= to) {
                from = stops[k].earliest > from ? stops[k].earliest : from;
                due = stops[k].due < due ? stops[k].due : due;
            }
        }
        int32_t day = day_of_round(site, stops[i].team, from, due, to);
        for (size_t k = i; k < count; k++) {
            if (stops[k].day == DAY_NONE && stops[k].earliest <= to) {
                stops[k].day = day;
            }
        }
    }
}

/* Of several rounds in its window a stop takes the one that is nearest to its own day:
 * a visit that is made too early is the next one too early again. */
static int32_t
nearest_round(const struct plan_stop *s, const int32_t *rounds, size_t count)
{
    int32_t best = s->day;
    for (size_t i = 0; i < count; i++) {
        if (rounds[i] >= s->earliest && rounds[i] <= s->latest &&
            abs(rounds[i] - s->due) < abs(best - s->due)) {
            best = rounds[i];
        }
    }
    return best;
}

static void
take_nearest(struct plan_stop *stops, size_t count)
{
    int32_t *rounds = malloc(count * sizeof *rounds);
    if (rounds == NULL) {
        abort();
    }
    size_t used = 0;
    for (size_t i = 0; i < count;
         i++) { /* In order of time: equal ones are adjacent. */
        if (used == 0 || rounds[used - 1] != stops[i].day) {
            rounds[used++] = stops[i].day;
        }
    }
    for (size_t i = 0; i < count; i++) {
        stops[i].day = nearest_round(&stops[i], rounds, used);
    }
    free(rounds);
}

void
plan_route(const struct site *site, struct plan_stop *stops, size_t count)
{
    if (count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        stops[i].day = DAY_NONE;
    }
    qsort(stops, count, sizeof *stops, by_group);
    for (size_t first = 0; first < count;) {
        size_t end = first + 1;
        while (end < count && near(&stops[first], &stops[end])) {
            end++;
        }
        make_rounds(site, stops + first, end - first);
        take_nearest(stops + first, end - first);
        first = end;
    }
    qsort(stops, count, sizeof *stops, by_day);
}
