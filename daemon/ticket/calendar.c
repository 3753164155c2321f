#include "daemon/ticket/calendar.h"

#include <assert.h>
#include <stddef.h>

#include "daemon/base/civil.h"

#define DAY CIVIL_DAY_MINUTES

struct span {
    int from, to; /* Minutes of a day. */
};

/* What is worked of a day: its own spans, what runs over from the day before, and one
 * more for each of the two pieces that quiet hours may cut out. */
#define SPANS_MAX (2 * TEAM_HOURS_MAX + 2)

struct spans {
    struct span items[SPANS_MAX]; /* In order; none touches another. */
    int count;
};

const struct calendar_day *
calendar_day_of(const struct site *site, int32_t day)
{
    uint32_t low = 0;
    uint32_t high = site->calendar_count;
    while (low < high) { /* The first one that ends on this day or later. */
        uint32_t middle = low + (high - low) / 2;
        if (site->calendar[middle].to < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool holds = low < site->calendar_count && site->calendar[low].from <= day;
    return holds ? &site->calendar[low] : NULL;
}

/* The weekday that the day is worked like; -1: it is not worked. */
static int
weekday_of(const struct site *site, int32_t day)
{
    const struct calendar_day *entry = calendar_day_of(site, day);
    if (entry == NULL) {
        return civil_weekday(day);
    }
    return entry->working ? 0 : -1;
}

/* Keeps the order, and joins what overlaps. */
static void
unite(struct spans *s, struct span span)
{
    int at = 0;
    while (at < s->count && s->items[at].to < span.from) {
        at++;
    }
    int behind = at;
    for (; behind < s->count && s->items[behind].from <= span.to; behind++) {
        const struct span *other = &s->items[behind];
        span.from = other->from < span.from ? other->from : span.from;
        span.to = other->to > span.to ? other->to : span.to;
    }
    struct spans out = {.count = 0};
    for (int i = 0; i < at; i++) {
        out.items[out.count++] = s->items[i];
    }
    out.items[out.count++] = span;
    for (int i = behind; i < s->count; i++) {
        assert(out.count < SPANS_MAX);
        out.items[out.count++] = s->items[i];
    }
    *s = out;
}

static void
cut(struct spans *s, struct span hole)
{
    struct spans out = {.count = 0};
    for (int i = 0; i < s->count; i++) {
        struct span before = {s->items[i].from, s->items[i].to};
        struct span after = before;
        before.to = before.to < hole.from ? before.to : hole.from;
        after.from = after.from > hole.to ? after.from : hole.to;
        if (before.from < before.to) {
            assert(out.count < SPANS_MAX);
            out.items[out.count++] = before;
        }
        if (after.from < after.to) {
            assert(out.count < SPANS_MAX);
            out.items[out.count++] = after;
        }
    }
    *s = out;
}

/* The hours of a weekday, so far as they are on the day that begins `shift` minutes
 * after its midnight. */
static void
add_hours(struct spans *s, const struct team *team, int weekday, int shift)
{
    for (uint32_t i = 0; i < team->hours_count; i++) {
        const struct work_span *w = &team->hours[i];
        struct span span = {w->from_minute - shift, w->to_minute - shift};
        span.from = span.from > 0 ? span.from : 0;
        span.to = span.to < DAY ? span.to : DAY;
        if (w->weekday == weekday && span.from < span.to) {
            unite(s, span);
        }
    }
}

static void
spans_of(const struct calendar *c, int32_t day, struct spans *out)
{
    const struct team *team = c->team;
    out->count = 0;
    if (team->hours_count == 0) {
        unite(out, (struct span){0, DAY});
    } else {
        add_hours(out, team, weekday_of(c->site, day - 1), DAY);
        add_hours(out, team, weekday_of(c->site, day), 0);
    }
    if (!team->has_quiet) {
        return;
    }
    if (team->quiet_from_minute < team->quiet_to_minute) {
        cut(out, (struct span){team->quiet_from_minute, team->quiet_to_minute});
    } else {
        cut(out, (struct span){0, team->quiet_to_minute});
        cut(out, (struct span){team->quiet_from_minute, DAY});
    }
}

/* The last day whose begin is not behind t_ms.  Where the clock is put back over a
 * midnight the wall shows the day before once more; it has ended all the same. */
static int32_t
day_of(int64_t t_ms)
{
    int32_t day = civil_day(t_ms);
    while (civil_instant(day + 1, 0) <= t_ms) {
        day++;
    }
    return day;
}

struct stretch {
    int64_t from_ms, to_ms;
};

static struct stretch
stretch_of(int32_t day, struct span span)
{
    return (struct stretch){civil_instant(day, span.from), civil_instant(day, span.to)};
}

bool
calendar_works(const struct calendar *c, int64_t t_ms)
{
    return calendar_next(c, t_ms) == t_ms;
}

int64_t
calendar_next(const struct calendar *c, int64_t t_ms)
{
    if (c->team == NULL) {
        return t_ms;
    }
    int32_t day = day_of(t_ms);
    int32_t last = day + CALENDAR_LOOK_DAYS;
    for (; day <= last; day++) {
        struct spans spans;
        spans_of(c, day, &spans);
        for (int i = 0; i < spans.count; i++) {
            struct stretch s = stretch_of(day, spans.items[i]);
            if (s.to_ms > t_ms && s.from_ms < s.to_ms) {
                return s.from_ms > t_ms ? s.from_ms : t_ms;
            }
        }
    }
    return civil_instant(day, 0);
}

int64_t
calendar_add(const struct calendar *c, int64_t t_ms, int64_t work_ms)
{
    assert(work_ms >= 0);
    if (c->team == NULL || work_ms == 0) {
        return t_ms + work_ms;
    }
    int32_t day = day_of(t_ms);
    int32_t last = day + CALENDAR_LOOK_DAYS;
    for (; day <= last; day++) {
        struct spans spans;
        spans_of(c, day, &spans);
        for (int i = 0; i < spans.count; i++) {
            struct stretch s = stretch_of(day, spans.items[i]);
            int64_t from_ms = s.from_ms > t_ms ? s.from_ms : t_ms;
            if (from_ms >= s.to_ms) {
                continue;
            }
            if (work_ms <= s.to_ms - from_ms) {
                return from_ms + work_ms;
            }
            work_ms -= s.to_ms - from_ms;
        }
    }
    return civil_instant(day, 0);
}

int64_t
calendar_sub(const struct calendar *c, int64_t t_ms, int64_t work_ms)
{
    assert(work_ms >= 0);
    if (c->team == NULL || work_ms == 0) {
        return t_ms - work_ms;
    }
    int32_t day = day_of(t_ms);
    int32_t first = day - CALENDAR_LOOK_DAYS;
    for (; day >= first; day--) {
        struct spans spans;
        spans_of(c, day, &spans);
        for (int i = spans.count - 1; i >= 0; i--) {
            struct stretch s = stretch_of(day, spans.items[i]);
            int64_t to_ms = s.to_ms < t_ms ? s.to_ms : t_ms;
            if (to_ms <= s.from_ms) {
                continue;
            }
            if (work_ms <= to_ms - s.from_ms) {
                return to_ms - work_ms;
            }
            work_ms -= to_ms - s.from_ms;
        }
    }
    return civil_instant(day + 1, 0);
}

int64_t
calendar_between(const struct calendar *c, int64_t from_ms, int64_t to_ms)
{
    if (from_ms >= to_ms) {
        return 0;
    }
    if (c->team == NULL) {
        return to_ms - from_ms;
    }
    int64_t sum_ms = 0;
    int32_t last = day_of(to_ms);
    for (int32_t day = day_of(from_ms); day <= last; day++) {
        struct spans spans;
        spans_of(c, day, &spans);
        for (int i = 0; i < spans.count; i++) {
            struct stretch s = stretch_of(day, spans.items[i]);
            int64_t a_ms = s.from_ms > from_ms ? s.from_ms : from_ms;
            int64_t b_ms = s.to_ms < to_ms ? s.to_ms : to_ms;
            sum_ms += b_ms > a_ms ? b_ms - a_ms : 0;
        }
    }
    return sum_ms;
}
