#include "rules/spans.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "rules/meter.h"

#define ROOM_FIRST 8

void
spans_init(struct spans *s, int64_t width_ms, int64_t patience_ms)
{
    *s = (struct spans){
        .width_ms = width_ms, .patience_ms = patience_ms, .last_ms = INSTANT_NONE};
}

void
spans_fini(struct spans *s)
{
    free(s->ring);
    *s = (struct spans){0};
}

void
spans_clear(struct spans *s)
{
    s->head = s->count = s->edges = 0;
    s->true_ms = s->unknown_ms = 0;
    s->last_ms = INSTANT_NONE;
    s->known = SPAN_UNKNOWN;
}

static bool
is_lost(const struct spans *s, int64_t t_ms)
{
    return t_ms - s->last_ms > memory_patience(s->patience_ms, s->resumed);
}

static struct span_part *
part_at(const struct spans *s, uint32_t k)
{
    uint32_t at = s->head + k;
    return &s->ring[at >= s->room ? at - s->room : at];
}

/* Adds what a part that lasted `ms` says, or takes it away. */
static void
account(struct spans *s, const struct span_part *p, int64_t ms)
{
    if (p->state == SPAN_TRUE) {
        s->true_ms += ms;
    } else if (p->state == SPAN_UNKNOWN) {
        s->unknown_ms += ms;
    }
}

static void
drop_oldest(struct spans *s)
{
    const struct span_part *oldest = part_at(s, 0);
    if (s->count > 1) {
        account(s, oldest, oldest->start_ms - part_at(s, 1)->start_ms);
    }
    s->edges -= oldest->edge;
    s->head = s->head + 1 == s->room ? 0 : s->head + 1;
    s->count--;
}

static bool
grow(struct spans *s)
{
    uint32_t room = s->room == 0 ? ROOM_FIRST : s->room * 2;
    struct span_part *ring = room > SPANS_MAX ? NULL : calloc(room, sizeof *ring);
    if (ring == NULL) {
        return false;
    }
    for (uint32_t k = 0; k < s->count; k++) {
        ring[k] = *part_at(s, k);
    }
    free(s->ring);
    s->ring = ring;
    s->room = room;
    s->head = 0;
    return true;
}

static void
begin_part(struct spans *s, int64_t t_ms, enum span_state state, bool edge)
{
    if (s->count == s->room && !grow(s)) {
        if (s->room == 0) {
            return; /* No memory at all: it stays unknown. */
        }
        drop_oldest(s);
    }
    if (s->count > 0) {
        const struct span_part *last = part_at(s, s->count - 1);
        account(s, last, t_ms - last->start_ms);
    }
    s->count++;
    *part_at(s, s->count - 1) =
        (struct span_part){.start_ms = t_ms, .state = (uint8_t)state, .edge = edge};
    s->edges += edge;
}

void
spans_set(struct spans *s, int64_t t_ms, bool is_true)
{
    enum span_state state = is_true ? SPAN_TRUE : SPAN_FALSE;
    bool edge = is_true && s->known == SPAN_FALSE;
    if (s->last_ms == INSTANT_NONE) {
        begin_part(s, t_ms, state, false);
    } else if (is_lost(s, t_ms)) {
        begin_part(s, s->last_ms, SPAN_UNKNOWN, false);
        begin_part(s, t_ms, state, edge);
    } else if (s->known != state) {
        begin_part(s, t_ms, state, edge);
    }
    s->last_ms = t_ms;
    s->known = (uint8_t)state;
    s->resumed = false;
    (void)spans_read(s, t_ms); /* Forgets what has left the window. */
}

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

struct spans_sum
spans_read(struct spans *s, int64_t t_ms)
{
    int64_t from_ms = t_ms - s->width_ms;
    while (s->count > 1 && part_at(s, 1)->start_ms <= from_ms) {
        drop_oldest(s);
    }
    if (s->count == 0) {
        return (struct spans_sum){0, 0, s->width_ms};
    }
    struct span_part *oldest = part_at(s, 0);
    if (oldest->edge && oldest->start_ms <= from_ms) {
        oldest->edge = false;
        s->edges--;
    }
    struct spans_sum sum = {s->edges, s->true_ms, s->unknown_ms};
    if (oldest->start_ms > from_ms) {
        sum.unknown_ms += oldest->start_ms - from_ms;
    } else if (s->count > 1 && oldest->state == SPAN_TRUE) {
        sum.true_ms -= from_ms - oldest->start_ms;
    } else if (s->count > 1 && oldest->state == SPAN_UNKNOWN) {
        sum.unknown_ms -= from_ms - oldest->start_ms;
    }
    const struct span_part *last = part_at(s, s->count - 1);
    int64_t start_ms = later(last->start_ms, from_ms);
    int64_t known_ms = t_ms;
    if (is_lost(s, t_ms)) {
        known_ms = later(s->last_ms, start_ms);
        sum.unknown_ms += t_ms - known_ms;
    }
    sum.true_ms += last->state == SPAN_TRUE ? known_ms - start_ms : 0;
    return sum;
}

void
spans_shift(struct spans *s, int64_t delta_ms)
{
    for (uint32_t k = 0; k < s->count; k++) {
        part_at(s, k)->start_ms += delta_ms;
    }
    if (s->last_ms != INSTANT_NONE) {
        s->last_ms += delta_ms;
    }
}
