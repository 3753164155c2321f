#include "daemon/ticket/plan_route.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"

#define DAY_MINUTES (24 * 60)

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

/* As whose hours the team works on that day, 0 a Monday; -1: it is a day off for all.
 */
static int
worked_as(const struct site *site, int32_t day)
{
    int weekday = civil_weekday(day);
    for (uint32_t i = 0; i < site->calendar_count; i++) {
        const struct calendar_day *c = &site->calendar[i];
        if (day >= c->from && day <= c->to) {
            weekday = c->working ? 0 : -1;
        }
    }
    return weekday;
}

bool
plan_team_works(const struct site *site, const char *team, int32_t day)
{
    const struct team *t = team_of(site, team);
    if (t == NULL || t->hours_count == 0) {
        return true;
    }
    int weekday = worked_as(site, day);
    for (uint32_t i = 0; i < t->hours_count; i++) {
        if (t->hours[i].weekday == weekday) {
            return true;
        }
    }
    return false;
}

int
plan_team_fit(const struct site *site,
              const char *team,
              int32_t day,
              int from_minute,
              int64_t minutes)
{
    const struct team *t = team_of(site, team);
    if (t == NULL || t->hours_count == 0) {
        return from_minute + minutes <= DAY_MINUTES ? from_minute : -1;
    }
    int weekday = worked_as(site, day);
    for (uint32_t i = 0; i < t->hours_count; i++) {
        const struct work_span *span = &t->hours[i];
        int begin = span->from_minute > from_minute ? span->from_minute : from_minute;
        if (span->weekday == weekday && begin + minutes <= span->to_minute) {
            return begin;
        }
    }
    return -1;
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

/* ---- Hours of the teams ---- */

/* Minutes that are planned so far, by team and day. */
struct load {
    const struct site *site;
    int64_t *minutes;
    int32_t first, days;
};

static int64_t *
load_on(const struct load *l, const char *team, int32_t day)
{
    size_t index = (size_t)(team_of(l->site, team) - l->site->teams);
    return &l->minutes[index * (size_t)l->days + (size_t)(day - l->first)];
}

static int64_t
minutes_of_day(const struct site *site, const char *team, int32_t day)
{
    const struct team *t = team_of(site, team);
    int weekday = worked_as(site, day);
    int64_t minutes = 0;
    for (uint32_t i = 0; i < t->hours_count; i++) {
        if (t->hours[i].weekday == weekday) {
            minutes += t->hours[i].to_minute - t->hours[i].from_minute;
        }
    }
    return minutes;
}

static bool
is_counted(const struct site *site, const struct plan_stop *s)
{
    const struct team *t = team_of(site, s->team);
    return s->minutes > 0 && t != NULL && t->hours_count > 0;
}

static bool
holds(const struct load *l, const struct plan_stop *s, int32_t day)
{
    return day >= s->earliest && day <= s->latest &&
           *load_on(l, s->team, day) + s->minutes <=
               minutes_of_day(l->site, s->team, day) &&
           plan_team_fit(l->site, s->team, day, 0, s->minutes) >= 0;
}

/* The nearest day of its window that has room for it, an earlier one first. */
static void
make_room(const struct load *l, struct plan_stop *s)
{
    int32_t most = s->latest - s->earliest;
    for (int32_t away = 1; away <= most; away++) {
        int32_t day = holds(l, s, s->day - away)   ? s->day - away
                      : holds(l, s, s->day + away) ? s->day + away
                                                   : DAY_NONE;
        if (day != DAY_NONE) {
            *load_on(l, s->team, s->day) -= s->minutes;
            *load_on(l, s->team, day) += s->minutes;
            s->day = day;
            return;
        }
    }
}

/* Of days that are longer than the team works, the last stops go to other ones. */
static void
level(const struct site *site, struct plan_stop *stops, size_t count)
{
    struct load l = {.site = site, .first = stops[0].earliest};
    int32_t last = stops[0].latest;
    for (size_t i = 1; i < count; i++) {
        l.first = stops[i].earliest < l.first ? stops[i].earliest : l.first;
        last = stops[i].latest > last ? stops[i].latest : last;
    }
    l.days = last - l.first + 1;
    l.minutes = calloc((size_t)l.days * site->team_count + 1, sizeof *l.minutes);
    if (l.minutes == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        if (is_counted(site, &stops[i])) {
            *load_on(&l, stops[i].team, stops[i].day) += stops[i].minutes;
        }
    }
    for (size_t i = count; i-- > 0;) {
        struct plan_stop *s = &stops[i];
        if (is_counted(site, s) &&
            *load_on(&l, s->team, s->day) > minutes_of_day(site, s->team, s->day)) {
            make_room(&l, s);
        }
    }
    free(l.minutes);
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
    level(site, stops, count);
    qsort(stops, count, sizeof *stops, by_day);
}
