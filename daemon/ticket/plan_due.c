#include "daemon/ticket/plan_due.h"

#include <assert.h>

#include "daemon/base/civil.h"

#define DAY_MS         INT64_C(86400000)
#define LOOK_BACK_DAYS 800 /* Holds two of the longest calendar cycle, a year. */
#define MONTH_DAYS     30
#define YEAR_DAYS      365

static int32_t
days_of(int64_t ms)
{
    return (int32_t)(ms / DAY_MS);
}

int32_t
plan_cycle_days(const struct plan_spec *p)
{
    switch (p->cycle) {
    case PLAN_EVERY:
        return days_of(p->every_ms) > 0 ? days_of(p->every_ms) : 1;
    case PLAN_MONTHLY:
        return MONTH_DAYS * p->months;
    case PLAN_YEARLY:
        return YEAR_DAYS / (int32_t)p->year_day_count;
    case PLAN_BY_USE:
        break;
    }
    return 0;
}

int32_t
plan_remind_days(const struct plan_spec *p)
{
    return days_of(p->remind_ms);
}

int32_t
plan_grace_days(const struct plan_spec *p)
{
    return p->statutory ? 0 : days_of(p->grace_ms);
}

static int
month_length(int year, int month)
{
    int32_t first = civil_from_date(year, month, 1);
    int32_t next = month == 12 ? civil_from_date(year + 1, 1, 1)
                               : civil_from_date(year, month + 1, 1);
    return (int)(next - first);
}

/* The planned day in this month. */
static int32_t
day_in_month(const struct plan_spec *p, int year, int month)
{
    int32_t first = civil_from_date(year, month, 1);
    int length = month_length(year, month);
    if (p->month_day > 0) {
        return first + (p->month_day < length ? p->month_day : length) - 1;
    }
    if (p->nth < 0) {
        int32_t last = first + length - 1;
        return last - (civil_weekday(last) - p->weekday + 7) % 7;
    }
    int32_t day = first + (p->weekday - civil_weekday(first) + 7) % 7;
    return day + 7 * (p->nth - 1);
}

/* Months are counted from January, or from that of `start`. */
static bool
is_month(const struct plan_spec *p, int month)
{
    int origin = 1;
    if (p->starts != DAY_NONE) {
        int year;
        int mday;
        civil_date(p->starts, &year, &origin, &mday);
    }
    return (month - origin + 12) % p->months == 0;
}

static int32_t
monthly_day(const struct plan_spec *p, int32_t day)
{
    int year;
    int month;
    int mday;
    civil_date(day, &year, &month, &mday);
    for (;;) {
        if (is_month(p, month)) {
            int32_t planned = day_in_month(p, year, month);
            if (planned >= day) {
                return planned;
            }
        }
        year += month == 12;
        month = month == 12 ? 1 : month + 1;
    }
}

static int32_t
yearly_day(const struct plan_spec *p, int32_t day)
{
    int year;
    int month;
    int mday;
    civil_date(day, &year, &month, &mday);
    for (;; year++) {
        for (uint32_t i = 0; i < p->year_day_count; i++) {
            const struct year_day *d = &p->year_days[i];
            int length = month_length(year, d->month);
            int32_t planned =
                civil_from_date(year, d->month, d->day < length ? d->day : length);
            if (planned >= day) {
                return planned;
            }
        }
    }
}

int32_t
plan_calendar_day(const struct plan_spec *p, int32_t day)
{
    assert(p->cycle == PLAN_MONTHLY || p->cycle == PLAN_YEARLY);
    return p->cycle == PLAN_MONTHLY ? monthly_day(p, day) : yearly_day(p, day);
}

static int
of_year(const struct year_day *d)
{
    return d->month * 32 + d->day;
}

bool
plan_in_season(const struct plan_spec *p, int32_t day)
{
    int year;
    int month;
    int mday;
    if (!p->has_season) {
        return true;
    }
    civil_date(day, &year, &month, &mday);
    int at = month * 32 + mday;
    int from = of_year(&p->season_from);
    int to = of_year(&p->season_to);
    return from <= to ? at >= from && at <= to : at >= from || at <= to;
}

/* A day out of season waits for the first one of the season. */
static int32_t
in_season(const struct plan_spec *p, int32_t day)
{
    while (!plan_in_season(p, day)) {
        day++;
    }
    return day;
}

/* The first of anchor, anchor + cycle, ... that is not before `day`. */
static int32_t
on_grid(int32_t anchor, int32_t cycle, int32_t day)
{
    if (anchor >= day) {
        return anchor;
    }
    return anchor + (day - anchor + cycle - 1) / cycle * cycle;
}

int32_t
plan_first_day(const struct plan_spec *p, const struct plan_origin *o)
{
    int32_t cycle = plan_cycle_days(p);
    int32_t tomorrow = o->since_day + 1;
    bool starts = p->starts != DAY_NONE;
    if (p->cycle == PLAN_BY_USE) {
        return DAY_NONE;
    }
    if (p->cycle != PLAN_EVERY) {
        int32_t from = !starts                    ? tomorrow
                       : p->starts > o->since_day ? p->starts
                                                  : o->since_day;
        return in_season(p, plan_calendar_day(p, from));
    }
    if (starts) {
        return in_season(p, on_grid(p->starts, cycle, o->since_day));
    }
    if (o->installed_day != DAY_NONE &&
        (p->statutory || o->installed_day > o->since_day)) {
        return in_season(p, on_grid(o->installed_day + cycle, cycle, tomorrow));
    }
    return in_season(p, tomorrow + (int32_t)(o->spread % (uint32_t)cycle));
}

/* The planned days around `done`: the last one at or before it, and the first after. */
static void
calendar_around(const struct plan_spec *p,
                int32_t done,
                int32_t *before,
                int32_t *after)
{
    *before = plan_calendar_day(p, done - LOOK_BACK_DAYS);
    *after = *before;
    while (*after <= done) {
        *before = *after;
        *after = plan_calendar_day(p, *before + 1);
    }
}

static int32_t
floor_div(int32_t a, int32_t b)
{
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

static int32_t
next_on_grid(const struct plan_spec *p, int32_t base, int32_t done)
{
    int32_t cycle = plan_cycle_days(p);
    if (p->from_done || base == DAY_NONE) {
        return done + cycle;
    }
    int32_t served = base + floor_div(done - base + cycle / 2, cycle) * cycle;
    int32_t next = served + cycle;
    return p->statutory && next > done + cycle ? done + cycle : next;
}

static int32_t
next_by_calendar(const struct plan_spec *p, int32_t done)
{
    int32_t before;
    int32_t after;
    calendar_around(p, done, &before, &after);
    bool early = (after - done) * 2 < after - before;
    if (!early) {
        return after;
    }
    int32_t next = plan_calendar_day(p, after + 1);
    int32_t last = done + (next - after); /* No further away than from day to day. */
    return p->statutory && next > last ? last : next;
}

int32_t
plan_next_day(const struct plan_spec *p, int32_t base, int32_t done)
{
    switch (p->cycle) {
    case PLAN_EVERY:
        return in_season(p, next_on_grid(p, base, done));
    case PLAN_MONTHLY:
    case PLAN_YEARLY:
        return in_season(p, next_by_calendar(p, done));
    case PLAN_BY_USE:
        break;
    }
    return DAY_NONE;
}

bool
plan_is_dated(const struct plan_spec *p)
{
    return p->cycle == PLAN_MONTHLY || p->cycle == PLAN_YEARLY || p->starts != DAY_NONE;
}

int32_t
plan_step_days(const struct plan_spec *p, int64_t step_ms)
{
    int64_t half_ms = step_ms < 0 ? -DAY_MS / 2 : DAY_MS / 2;
    return plan_is_dated(p) ? 0 : (int32_t)((step_ms + half_ms) / DAY_MS);
}
