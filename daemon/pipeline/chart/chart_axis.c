#include "daemon/pipeline/chart/chart_axis.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/base/err.h"

#define MINUTE_MS 60000LL
#define HOUR_MS   3600000LL
#define DAY_MS    86400000LL

/* ---- Values ---- */

struct chart_scale
chart_scale_for(double low, double high, int wanted)
{
    if (high < low) {
        double swap = low;
        low = high;
        high = swap;
    }
    double size = fmax(fabs(low), fabs(high));
    /* Steps must be told apart in a double, and in twelve digits of text. */
    if (high - low <= size * 1e-9) {
        double room = size > 0 ? size * 0.05 : 1;
        low -= room;
        high += room;
    }
    double rough = (high - low) / (wanted > 1 ? wanted : 1);
    double power = pow(10, floor(log10(rough)));
    double part = rough / power * (1 - 1e-9); /* 2.0000000001 is 2. */
    double step = power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
    int digits = (int)floor(log10(step) + 1e-9);
    return (struct chart_scale){
        .low = floor(low / step + 1e-9) * step,
        .high = ceil(high / step - 1e-9) * step,
        .step = step,
        .decimals = digits < 0 ? -digits : 0,
    };
}

size_t
chart_scale_ticks(double out[CHART_VALUE_TICK_MAX], const struct chart_scale *s)
{
    size_t count = 0;
    double first = ceil(s->low / s->step - 1e-6);
    for (int i = 0; count < CHART_VALUE_TICK_MAX; i++) {
        double tick = (first + i) * s->step;
        if (tick > s->high + s->step * 1e-6) {
            break;
        }
        out[count++] = tick;
    }
    return count;
}

char *
chart_scale_text(char *out, const struct chart_scale *s, double tick)
{
    if (fabs(tick) < s->step / 2) {
        tick = 0; /* Neither "-0" nor 1e-17. */
    }
    if (s->decimals > 9 || fabs(tick) >= 1e12) {
        snprintf(out, CHART_TICK_BYTES, "%.6g", tick);
    } else {
        snprintf(out, CHART_TICK_BYTES, "%.*f", s->decimals, tick);
    }
    return out;
}

/* ---- Local time ---- */

enum step_unit { STEP_MS, STEP_DAYS, STEP_MONTHS };
struct step {
    enum step_unit unit;
    int64_t count;
    int64_t about_ms;
};

static const struct step steps[] = {
    {STEP_MS, 1000, 1000},
    {STEP_MS, 5000, 5000},
    {STEP_MS, 15000, 15000},
    {STEP_MS, 30000, 30000},
    {STEP_MS, MINUTE_MS, MINUTE_MS},
    {STEP_MS, 2 * MINUTE_MS, 2 * MINUTE_MS},
    {STEP_MS, 5 * MINUTE_MS, 5 * MINUTE_MS},
    {STEP_MS, 10 * MINUTE_MS, 10 * MINUTE_MS},
    {STEP_MS, 15 * MINUTE_MS, 15 * MINUTE_MS},
    {STEP_MS, 30 * MINUTE_MS, 30 * MINUTE_MS},
    {STEP_MS, HOUR_MS, HOUR_MS},
    {STEP_MS, 2 * HOUR_MS, 2 * HOUR_MS},
    {STEP_MS, 3 * HOUR_MS, 3 * HOUR_MS},
    {STEP_MS, 6 * HOUR_MS, 6 * HOUR_MS},
    {STEP_MS, 12 * HOUR_MS, 12 * HOUR_MS},
    {STEP_DAYS, 1, DAY_MS},
    {STEP_DAYS, 2, 2 * DAY_MS},
    {STEP_DAYS, 7, 7 * DAY_MS},
    {STEP_DAYS, 14, 14 * DAY_MS},
    {STEP_MONTHS, 1, 28 * DAY_MS}, /* The shortest there is. */
    {STEP_MONTHS, 2, 59 * DAY_MS},
    {STEP_MONTHS, 3, 90 * DAY_MS},
    {STEP_MONTHS, 6, 181 * DAY_MS},
    {STEP_MONTHS, 12, 365 * DAY_MS},
    {STEP_MONTHS, 60, 5 * 365 * DAY_MS},
    {STEP_MONTHS, 240, 20 * 365 * DAY_MS},
    {STEP_MONTHS, 1200, 100 * 365 * DAY_MS},
};

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool
local(struct tm *out, int64_t t_ms)
{
    time_t seconds = (time_t)floor_div(t_ms, 1000);
    return localtime_r(&seconds, out) != NULL;
}

static int64_t
offset_ms(int64_t t_ms)
{
    struct tm tm;
    return local(&tm, t_ms) ? (int64_t)tm.tm_gmtoff * 1000 : 0;
}

/* The first moment after `t_ms` at which the clock on the wall shows a multiple of
 * `every_ms`, which divides an hour, a day, or both. */
static int64_t
next_even(int64_t t_ms, int64_t every_ms)
{
    int64_t offset = offset_ms(t_ms);
    int64_t next = (floor_div(t_ms + offset, every_ms) + 1) * every_ms - offset;
    int64_t there = offset_ms(next);
    if (there == offset) {
        return next;
    }
    /* The clock is set in between: looked for again from behind each hour, which every
     * change of it is at the end of, or at the half of. */
    for (int64_t at = t_ms; at <= next + DAY_MS;) {
        int64_t half = (floor_div(at, HOUR_MS / 2) + 1) * (HOUR_MS / 2);
        int64_t now = offset_ms(at);
        int64_t even = floor_div(at + now + every_ms - 1, every_ms) * every_ms - now;
        if (even > t_ms && even < half) {
            return even;
        }
        at = half;
    }
    return next;
}

/* The begin of the local day that lies `days` after the date in `tm`. */
static int64_t
day_begin(const struct tm *tm, int days)
{
    struct tm at = {.tm_year = tm->tm_year,
                    .tm_mon = tm->tm_mon,
                    .tm_mday = tm->tm_mday + days,
                    .tm_isdst = -1};
    return (int64_t)mktime(&at) * 1000;
}

static int64_t
next_day(int64_t t_ms, int64_t count)
{
    struct tm tm;
    for (int i = 0; i < 40 && local(&tm, t_ms); i++) {
        int64_t next = day_begin(&tm, 1);
        if (next <= t_ms || !local(&tm, next)) {
            break; /* Beyond what the C library can say. */
        }
        t_ms = next;
        bool even =
            count == 1 || (count == 2 && tm.tm_mday % 2 == 1 && tm.tm_mday < 31);
        bool monday =
            tm.tm_wday == 1 && (count == 7 || floor_div(t_ms, 7 * DAY_MS) % 2 == 0);
        if (even || (count >= 7 && monday)) {
            return t_ms;
        }
    }
    return INT64_MAX;
}

static int64_t
next_month(int64_t t_ms, int64_t count)
{
    struct tm tm;
    if (!local(&tm, t_ms)) {
        return INT64_MAX;
    }
    int64_t months = (int64_t)(tm.tm_year + 1900) * 12 + tm.tm_mon;
    int64_t next = (floor_div(months, count) + 1) * count;
    struct tm at = {.tm_year = (int)(floor_div(next, 12) - 1900),
                    .tm_mon = (int)(next - floor_div(next, 12) * 12),
                    .tm_mday = 1,
                    .tm_isdst = -1};
    int64_t next_ms = (int64_t)mktime(&at) * 1000;
    return next_ms > t_ms ? next_ms : INT64_MAX;
}

/* Where clocks are set back the wall shows an hour twice: steps of more than that have
 * one tick for both. */
static int64_t
next_of_clock(int64_t t_ms, int64_t every_ms)
{
    struct tm before;
    struct tm after;
    int64_t next = next_even(t_ms, every_ms);
    bool twice = every_ms > HOUR_MS && next - t_ms <= HOUR_MS && local(&before, t_ms) &&
                 local(&after, next) && before.tm_hour == after.tm_hour &&
                 before.tm_min == after.tm_min;
    return twice ? next_even(next, every_ms) : next;
}

static int64_t
next_tick(const struct step *step, int64_t t_ms)
{
    switch (step->unit) {
    case STEP_MS:
        return next_of_clock(t_ms, step->count);
    case STEP_DAYS:
        return next_day(t_ms, step->count);
    case STEP_MONTHS:
        break;
    }
    return next_month(t_ms, step->count);
}

static void
describe(struct chart_tick *out,
         const struct step *step,
         const struct tm *tm,
         const struct tm *before)
{
    bool new_year = before == NULL || before->tm_year != tm->tm_year;
    bool new_day = new_year || before->tm_yday != tm->tm_yday;
    if (step->unit == STEP_MS && step->count < MINUTE_MS) {
        strftime(out->text, sizeof out->text, "%H:%M:%S", tm);
    } else if (step->unit == STEP_MS) {
        strftime(out->text, sizeof out->text, "%H:%M", tm);
    } else if (step->unit == STEP_DAYS) {
        strftime(out->text, sizeof out->text, "%m-%d", tm);
    } else if (step->count < 12) {
        strftime(out->text, sizeof out->text, "%Y-%m", tm);
    } else {
        strftime(out->text, sizeof out->text, "%Y", tm);
    }
    out->below[0] = '\0';
    if (step->unit == STEP_MS && new_day) {
        strftime(out->below, sizeof out->below, new_year ? "%Y-%m-%d" : "%m-%d", tm);
    } else if (step->unit == STEP_DAYS && new_year) {
        strftime(out->below, sizeof out->below, "%Y", tm);
    }
}

/* All ticks of one step; more than `wanted`: 0. */
static size_t
ticks_of(struct chart_tick *out,
         const struct step *step,
         int64_t from_ms,
         int64_t to_ms,
         size_t wanted)
{
    struct tm before = {0};
    size_t count = 0;
    for (int64_t t = next_tick(step, from_ms - 1); t <= to_ms; t = next_tick(step, t)) {
        struct tm tm;
        if (count == wanted || !local(&tm, t)) {
            return count == wanted ? 0 : count;
        }
        describe(&out[count], step, &tm, count > 0 ? &before : NULL);
        out[count++].t_ms = t;
        before = tm;
    }
    return count;
}

size_t
chart_time_ticks(struct chart_tick out[CHART_TICKS_MAX],
                 int64_t from_ms,
                 int64_t to_ms,
                 int wanted)
{
    size_t most = wanted < 2                 ? 2
                  : wanted > CHART_TICKS_MAX ? CHART_TICKS_MAX
                                             : (size_t)wanted;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        /* Too fine by far: not even tried. */
        if ((to_ms - from_ms) / steps[i].about_ms > (int64_t)most) {
            continue;
        }
        size_t count = ticks_of(out, &steps[i], from_ms, to_ms, most);
        if (count > 0) {
            return count;
        }
    }
    return 0;
}
