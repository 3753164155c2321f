#include "rules/window.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"

#define ROOM_FIRST 16
#define IS_HIGH    (1u << 31) /* A place is in the heap of those above the quantile. */

void
window_init(struct window *w,
            enum window_kind kind,
            double quantile,
            int64_t width_ms,
            uint32_t max)
{
    assert(max > 0 && max < IS_HIGH);
    assert(width_ms > 0);
    *w = (struct window){
        .kind = kind, .quantile = quantile, .width_ms = width_ms, .max = max};
}

void
window_fini(struct window *w)
{
    free(w->ring);
    free(w->candidates);
    free(w->parts);
    free(w->low);
    free(w->high);
    free(w->place);
    *w = (struct window){0};
}

void
window_clear(struct window *w)
{
    w->head = w->count = 0;
    w->candidate_head = w->candidate_count = 0;
    w->low_count = w->high_count = 0;
    w->older_count = 0;
    w->newer = (struct window_part){0, 0};
}

static bool
has_candidates(const struct window *w)
{
    return w->kind == WINDOW_MIN || w->kind == WINDOW_MAX;
}

static uint32_t
wrapped(uint32_t at, uint32_t room)
{
    return at >= room ? at - room : at;
}

/* The place of the k-th sample, from the oldest on. */
static uint32_t
place_of(const struct window *w, uint32_t k)
{
    return wrapped(w->head + k, w->room);
}

static const struct window_sample *
sample_at(const struct window *w, uint32_t k)
{
    return &w->ring[place_of(w, k)];
}

/* ---- sums ---- */

static bool
has_parts(const struct window *w)
{
    return w->kind == WINDOW_AVG || w->kind == WINDOW_STDDEV;
}

static struct window_part
sum_of(struct window_part s, double x)
{
    double sum = s.first + x;
    double part = sum - s.first;
    double lost = (s.first - (sum - part)) + (x - part) + s.second;
    double first = sum + lost;

    return (struct window_part){first, lost - (first - sum)};
}

/* Adds one sample to the part of `count` others. */
static struct window_part
part_with(const struct window *w, struct window_part p, uint32_t count, double value)
{
    if (w->kind == WINDOW_AVG) {
        return sum_of(p, value);
    }
    double apart = value - p.first;
    double mean = p.first + apart / (count + 1.0);

    return (struct window_part){mean, p.second + apart * (value - mean)};
}

static struct window_part
joined(const struct window *w,
       struct window_part a,
       double a_count,
       struct window_part b,
       double b_count)
{
    if (w->kind == WINDOW_AVG) {
        return sum_of(sum_of(a, b.first), b.second);
    }
    double apart = b.first - a.first;
    double count = a_count + b_count;

    return (struct window_part){a.first + apart * b_count / count,
                                a.second + b.second +
                                    apart * apart * a_count * b_count / count};
}

static void
parts_take(struct window *w)
{
    if (w->older_count == 0) {
        struct window_part p = {0, 0};
        for (uint32_t k = w->count; k-- > 0;) {
            uint32_t place = place_of(w, k);
            p = part_with(w, p, w->count - 1 - k, w->ring[place].value);
            w->parts[place] = p;
        }
        w->older_count = w->count;
        w->newer = (struct window_part){0, 0};
    }
    w->older_count--;
}

static void
parts_put(struct window *w, double value)
{
    w->newer = part_with(w, w->newer, w->count - 1 - w->older_count, value);
}

static double
parts_value(const struct window *w)
{
    struct window_part all = w->newer;
    uint32_t newer_count = w->count - w->older_count;

    if (newer_count == 0) {
        all = w->parts[w->head];
    } else if (w->older_count > 0) {
        all = joined(w, w->parts[w->head], w->older_count, w->newer, newer_count);
    }
    if (w->kind == WINDOW_AVG) {
        return (all.first + all.second) / w->count;
    }
    return w->count > 1 ? sqrt(all.second / (w->count - 1)) : (double)NAN;
}

/* ---- extremes ---- */

static double
candidate_value(const struct window *w, uint32_t k)
{
    uint32_t number = w->candidates[wrapped(w->candidate_head + k, w->room)];

    return sample_at(w, number - w->first)->value;
}

static void
candidates_put(struct window *w, double value)
{
    while (w->candidate_count > 0) {
        double last = candidate_value(w, w->candidate_count - 1);
        if (w->kind == WINDOW_MIN ? last < value : last > value) {
            break;
        }
        w->candidate_count--; /* It leaves before, and is no better. */
    }
    w->candidates[wrapped(w->candidate_head + w->candidate_count, w->room)] =
        w->first + w->count - 1;
    w->candidate_count++;
}

static void
candidates_take(struct window *w)
{
    if (w->candidate_count > 0 && w->candidates[w->candidate_head] == w->first) {
        w->candidate_head = wrapped(w->candidate_head + 1, w->room);
        w->candidate_count--;
    }
}

/* ---- quantiles ---- */

/* Whether place a stands above place b in the heap. */
static bool
is_above(const struct window *w, bool high, uint32_t a, uint32_t b)
{
    return high ? w->ring[a].value < w->ring[b].value
                : w->ring[a].value > w->ring[b].value;
}

static void
heap_put(struct window *w, bool high, uint32_t at, uint32_t place)
{
    (high ? w->high : w->low)[at] = place;
    w->place[place] = at | (high ? IS_HIGH : 0);
}

/* Lets `place` sink or rise from `at` to where it belongs. */
static void
heap_settle(struct window *w, bool high, uint32_t at, uint32_t place)
{
    const uint32_t *heap = high ? w->high : w->low;
    uint32_t count = high ? w->high_count : w->low_count;

    while (at > 0 && is_above(w, high, place, heap[(at - 1) / 2])) {
        heap_put(w, high, at, heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (uint32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_above(w, high, heap[child + 1], heap[child])) {
            child++;
        }
        if (!is_above(w, high, heap[child], place)) {
            break;
        }
        heap_put(w, high, at, heap[child]);
        at = child;
    }
    heap_put(w, high, at, place);
}

static void
heap_add(struct window *w, bool high, uint32_t place)
{
    uint32_t *count = high ? &w->high_count : &w->low_count;

    (*count)++;
    heap_settle(w, high, *count - 1, place);
}

static void
heap_remove(struct window *w, bool high, uint32_t at)
{
    uint32_t *count = high ? &w->high_count : &w->low_count;
    uint32_t last = (high ? w->high : w->low)[--*count];

    if (at < *count) {
        heap_settle(w, high, at, last);
    }
}

/* Those up to the quantile: its own place, counted from 0, and all below. */
static void
heaps_balance(struct window *w)
{
    uint32_t count = w->low_count + w->high_count;
    uint32_t wanted = count == 0 ? 0 : (uint32_t)((count - 1) * w->quantile) + 1;

    while (w->low_count > wanted) {
        uint32_t place = w->low[0];
        heap_remove(w, false, 0);
        heap_add(w, true, place);
    }
    while (w->low_count < wanted) {
        uint32_t place = w->high[0];
        heap_remove(w, true, 0);
        heap_add(w, false, place);
    }
}

static void
heaps_put(struct window *w, uint32_t place)
{
    bool high = w->low_count > 0 && w->ring[place].value > w->ring[w->low[0]].value;

    heap_add(w, high, place);
    heaps_balance(w);
}

static void
heaps_take(struct window *w, uint32_t place)
{
    uint32_t at = w->place[place];

    heap_remove(w, (at & IS_HIGH) != 0, at & ~IS_HIGH);
    heaps_balance(w);
}

static double
quantile(const struct window *w)
{
    double at = (w->count - 1) * w->quantile;
    double part = at - floor(at);
    double low = w->ring[w->low[0]].value;

    if (part == 0 || w->high_count == 0) {
        return low;
    }
    return low + part * (w->ring[w->high[0]].value - low);
}

/* ---- the ring ---- */

static void
drop_oldest(struct window *w)
{
    if (has_candidates(w)) {
        candidates_take(w);
    } else if (has_parts(w)) {
        parts_take(w);
    } else if (w->kind == WINDOW_QUANTILE) {
        heaps_take(w, w->head);
    }
    w->head = wrapped(w->head + 1, w->room);
    w->count--;
    w->first++;
}

/* Room for as many items of `size` bytes; where there is none `*ok` becomes false, and
 * they stay where they are. */
static void *
resized(void *items, uint32_t room, size_t size, bool *ok)
{
    void *bigger = *ok ? reallocarray(items, room, size) : NULL;

    if (bigger == NULL) {
        *ok = false;
        return items;
    }
    return bigger;
}

/* False: some arrays may be bigger by now, which nobody minds. */
static bool
resize(struct window *w, uint32_t room)
{
    bool ok = true;

    w->ring = resized(w->ring, room, sizeof *w->ring, &ok);
    if (has_candidates(w)) {
        w->candidates = resized(w->candidates, room, sizeof *w->candidates, &ok);
    } else if (has_parts(w)) {
        w->parts = resized(w->parts, room, sizeof *w->parts, &ok);
    } else if (w->kind == WINDOW_QUANTILE) {
        w->low = resized(w->low, room, sizeof *w->low, &ok);
        w->high = resized(w->high, room, sizeof *w->high, &ok);
        w->place = resized(w->place, room, sizeof *w->place, &ok);
    }
    return ok;
}

/* A ring of `room` items of `size` bytes, which has got `bigger`: where it goes round
 * its end, what stands before the end moves to the new one.  Returns the new head. */
static uint32_t
spread(void *ring,
       uint32_t head,
       uint32_t count,
       uint32_t room,
       uint32_t bigger,
       size_t size)
{
    char *items = ring;
    uint32_t moved = head + bigger - room;

    if (head + count <= room) {
        return head;
    }
    memmove(items + moved * size, items + head * size, (room - head) * size);
    return moved;
}

/* False: it stays as it is. */
static bool
grow(struct window *w)
{
    uint32_t old = w->room;
    uint32_t room = old == 0 ? ROOM_FIRST : old * 2;

    room = room > w->max ? w->max : room;
    if (!resize(w, room)) {
        return false;
    }
    if (has_candidates(w)) {
        w->candidate_head = spread(w->candidates, w->candidate_head, w->candidate_count,
                                   old, room, sizeof *w->candidates);
    } else if (has_parts(w)) {
        (void)spread(w->parts, w->head, w->count, old, room, sizeof *w->parts);
    }
    w->head = spread(w->ring, w->head, w->count, old, room, sizeof *w->ring);
    w->room = room;
    w->low_count = w->high_count = 0;
    for (uint32_t k = 0; k < w->count && w->kind == WINDOW_QUANTILE; k++) {
        heaps_put(w, place_of(w, k)); /* Places have changed. */
    }
    return true;
}

static void
forget_before(struct window *w, int64_t t_ms)
{
    while (w->count > 0 && w->ring[w->head].t_ms <= t_ms - w->width_ms) {
        drop_oldest(w);
    }
}

void
window_add(struct window *w, int64_t t_ms, double value)
{
    assert(isfinite(value));
    forget_before(w, t_ms);
    if (w->count == w->room && (w->room == w->max || !grow(w))) {
        if (w->room == 0) {
            return; /* No memory at all: it stays unknown. */
        }
        drop_oldest(w);
    }
    uint32_t place = place_of(w, w->count);
    w->ring[place] = (struct window_sample){t_ms, value};
    w->count++;
    if (has_candidates(w)) {
        candidates_put(w, value);
    } else if (w->kind == WINDOW_QUANTILE) {
        heaps_put(w, place);
    } else if (has_parts(w)) {
        parts_put(w, value);
    }
}

/* From the oldest to the newest. */
static double
change(const struct window *w)
{
    const struct window_sample *oldest = sample_at(w, 0);
    const struct window_sample *newest = sample_at(w, w->count - 1);
    double delta = newest->value - oldest->value;

    if (w->kind == WINDOW_DELTA) {
        return delta;
    }
    return 1000 * delta / (double)(newest->t_ms - oldest->t_ms);
}

double
window_value(struct window *w, int64_t t_ms)
{
    double value = (double)NAN;

    forget_before(w, t_ms);
    if (w->count == 0 ||
        2 * (sample_at(w, w->count - 1)->t_ms - sample_at(w, 0)->t_ms) < w->width_ms) {
        return value;
    }
    switch (w->kind) {
    case WINDOW_AVG:
    case WINDOW_STDDEV:
        value = parts_value(w);
        break;
    case WINDOW_MIN:
    case WINDOW_MAX:
        value = candidate_value(w, 0);
        break;
    case WINDOW_QUANTILE:
        value = quantile(w);
        break;
    case WINDOW_DELTA:
    case WINDOW_RATE:
        value = change(w);
        break;
    }
    return isfinite(value) ? value : (double)NAN;
}

struct window_extent
window_extent(struct window *w, int64_t t_ms)
{
    forget_before(w, t_ms);
    if (w->count == 0) {
        return (struct window_extent){0, INSTANT_NONE, INSTANT_NONE};
    }
    return (struct window_extent){w->count, sample_at(w, 0)->t_ms,
                                  sample_at(w, w->count - 1)->t_ms};
}

void
window_shift(struct window *w, int64_t delta_ms)
{
    for (uint32_t k = 0; k < w->count; k++) {
        w->ring[place_of(w, k)].t_ms += delta_ms;
    }
}

size_t
window_bytes(enum window_kind kind, uint64_t samples)
{
    size_t each = sizeof(struct window_sample);

    if (kind == WINDOW_QUANTILE) {
        each += 3 * sizeof(uint32_t);
    } else if (kind == WINDOW_MIN || kind == WINDOW_MAX) {
        each += sizeof(uint32_t);
    } else if (kind == WINDOW_AVG || kind == WINDOW_STDDEV) {
        each += sizeof(struct window_part);
    }
    return samples > SIZE_MAX / 64 ? SIZE_MAX : (size_t)samples * each;
}
