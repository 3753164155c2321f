#include "collectors/tcp_stream.h"

#include <assert.h>
#include <string.h>

void
tcp_stream_init(struct tcp_stream *s)
{
    s->known = false;
    s->next = 0;
    s->repeated = s->holes = 0;
    s->waiting_count = 0;
    for (size_t i = 0; i < TCP_STREAM_WAITING_MAX; i++) {
        s->waiting[i].size = 0;
    }
}

void
tcp_stream_begin(struct tcp_stream *s, uint32_t sequence)
{
    uint32_t repeated = s->repeated, holes = s->holes;

    tcp_stream_init(s);
    s->repeated = repeated;
    s->holes = holes;
    s->known = true;
    s->next = sequence + 1; /* SYN takes a number. */
}

/* How far `sequence` is ahead of what comes next; negative: it is behind.  Numbers
 * wrap. */
static int64_t
ahead(const struct tcp_stream *s, uint32_t sequence)
{
    return (int32_t)(sequence - s->next);
}

/* Tells what is new of bytes that begin at or before `next`. */
static void
tell_new(struct tcp_stream *s,
         uint32_t sequence,
         int64_t t_us,
         bool lost,
         const uint8_t *bytes,
         size_t size,
         tcp_stream_fn tell,
         void *ctx)
{
    size_t known = (size_t)-ahead(s, sequence);

    if (known >= size) {
        s->repeated++;
        return;
    }
    s->next += (uint32_t)(size - known);
    tell(ctx, t_us, lost, bytes + known, size - known);
}

static struct tcp_stream_waiting *
nearest(struct tcp_stream *s)
{
    struct tcp_stream_waiting *best = NULL;

    for (size_t i = 0; i < TCP_STREAM_WAITING_MAX; i++) {
        struct tcp_stream_waiting *w = &s->waiting[i];

        if (w->size > 0 &&
            (best == NULL || ahead(s, w->sequence) < ahead(s, best->sequence))) {
            best = w;
        }
    }
    return best;
}

/* What waited and fits on now, none of it before `floor_us`, when it could be read at
 * the earliest.  With `over_hole` one hole is stepped over. */
static void
tell_waiting(struct tcp_stream *s,
             bool over_hole,
             int64_t floor_us,
             tcp_stream_fn tell,
             void *ctx)
{
    struct tcp_stream_waiting *w;

    while (s->waiting_count > 0 && (w = nearest(s)) != NULL &&
           (over_hole || ahead(s, w->sequence) <= 0)) {
        bool lost = ahead(s, w->sequence) > 0;
        size_t size = w->size;
        int64_t t_us = w->t_us > floor_us ? w->t_us : floor_us;

        if (lost) {
            s->holes++;
            s->next = w->sequence;
            over_hole = false;
        }
        w->size = 0;
        s->waiting_count--;
        tell_new(s, w->sequence, t_us, lost, w->bytes, size, tell, ctx);
    }
}

static void
keep_waiting(struct tcp_stream *s,
             uint32_t sequence,
             int64_t t_us,
             const uint8_t *bytes,
             size_t size)
{
    for (size_t i = 0; i < TCP_STREAM_WAITING_MAX; i++) {
        struct tcp_stream_waiting *w = &s->waiting[i];

        if (w->size == 0) {
            w->sequence = sequence;
            w->t_us = t_us;
            w->size = (uint16_t)size;
            memcpy(w->bytes, bytes, size);
            s->waiting_count++;
            return;
        }
    }
    assert(!"a place is free");
}

/* Goes on at `sequence`, whatever is missing before it. */
static void
jump(struct tcp_stream *s, uint32_t sequence, tcp_stream_fn tell, void *ctx)
{
    while (s->waiting_count > 0) {
        tell_waiting(s, true, INT64_MIN, tell, ctx);
    }
    if (ahead(s, sequence) > 0 || ahead(s, sequence) < -TCP_STREAM_AHEAD_MAX) {
        s->next = sequence;
        s->holes++;
    }
}

void
tcp_stream_segment(struct tcp_stream *s,
                   uint32_t sequence,
                   int64_t t_us,
                   const uint8_t *bytes,
                   size_t size,
                   size_t wire_size,
                   tcp_stream_fn tell,
                   void *ctx)
{
    bool lost = false;
    int64_t distance;

    if (size == 0) {
        return;
    }
    while (s->waiting_count > 0 && t_us - nearest(s)->t_us > TCP_STREAM_PATIENCE_US) {
        tell_waiting(s, true, INT64_MIN, tell, ctx);
    }
    if (!s->known) {
        s->known = true;
        s->next = sequence;
    }
    distance = ahead(s, sequence);
    if (distance > TCP_STREAM_AHEAD_MAX || distance < -TCP_STREAM_AHEAD_MAX ||
        (distance > 0 && size > TCP_STREAM_SEGMENT_MAX)) {
        jump(s, sequence, tell, ctx);
        lost = true;
    } else if (distance > 0) {
        if (s->waiting_count == TCP_STREAM_WAITING_MAX) {
            tell_waiting(s, true, INT64_MIN, tell, ctx);
        }
        if (ahead(s, sequence) > 0) {
            keep_waiting(s, sequence, t_us, bytes, size);
            return;
        }
    }
    tell_new(s, sequence, t_us, lost, bytes, size, tell, ctx);
    if (wire_size > size && s->next == sequence + (uint32_t)size) {
        s->holes++; /* The capture cut it off. */
        s->next = sequence + (uint32_t)wire_size;
        tell(ctx, t_us, true, bytes, 0);
    }
    tell_waiting(s, false, t_us, tell, ctx);
}

void
tcp_stream_end(struct tcp_stream *s, tcp_stream_fn tell, void *ctx)
{
    while (s->waiting_count > 0) {
        tell_waiting(s, true, INT64_MIN, tell, ctx);
    }
}
