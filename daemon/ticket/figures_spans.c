#include "daemon/ticket/figures_spans.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

/* Where a span begins or ends. */
struct border {
    int64_t t_ms;
    uint32_t device;
    uint8_t state;
    bool begins;
};

static int
by_device_and_time(const void *left, const void *right)
{
    const struct border *a = left;
    const struct border *b = right;
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    return (a->t_ms > b->t_ms) - (a->t_ms < b->t_ms);
}

/* Cuts the spans at the period's edges. */
static size_t
collect(struct border *out, const struct figures_input *in)
{
    size_t count = 0;
    for (size_t i = 0; i < in->span_count; i++) {
        const struct figures_span *s = &in->spans[i];
        int64_t from_ms = s->from_ms > in->from_ms ? s->from_ms : in->from_ms;
        int64_t to_ms = s->to_ms < in->to_ms ? s->to_ms : in->to_ms;
        assert(s->device < in->device_count);
        if (from_ms < to_ms) {
            out[count++] = (struct border){from_ms, s->device, (uint8_t)s->state, true};
            out[count++] = (struct border){to_ms, s->device, (uint8_t)s->state, false};
        }
    }
    return count;
}

static enum figures_state
first_of(const uint32_t *open)
{
    int state = 0;
    while (state < FIGURES_STATES && open[state] == 0) {
        state++;
    }
    return (enum figures_state)state;
}

/* One device, whose borders are given; nothing stands before and behind them. */
static void
walk(const struct figures_input *in,
     uint32_t device,
     const struct border *borders,
     size_t count,
     figures_stretch_fn fn,
     void *ctx)
{
    uint32_t open[FIGURES_STATES] = {0};
    int64_t since_ms = in->from_ms;
    enum figures_state state = FIGURES_STATES;
    for (size_t i = 0; i < count;) {
        int64_t t_ms = borders[i].t_ms;
        for (; i < count && borders[i].t_ms == t_ms; i++) {
            if (borders[i].begins) {
                open[borders[i].state]++;
            } else {
                open[borders[i].state]--;
            }
        }
        enum figures_state next = first_of(open);
        if (next != state) {
            if (since_ms < t_ms) {
                fn(ctx, device, state, since_ms, t_ms);
            }
            since_ms = t_ms;
            state = next;
        }
    }
    if (since_ms < in->to_ms) {
        fn(ctx, device, state, since_ms, in->to_ms);
    }
}

int
figures_each_stretch(const struct figures_input *in,
                     figures_stretch_fn fn,
                     void *ctx,
                     struct err *err)
{
    struct border *borders = calloc(2 * in->span_count + 1, sizeof *borders);
    if (borders == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for the report");
    }
    size_t count = collect(borders, in);
    qsort(borders, count, sizeof *borders, by_device_and_time);
    size_t at = 0;
    for (uint32_t device = 0; device < in->device_count; device++) {
        size_t end = at;
        while (end < count && borders[end].device == device) {
            end++;
        }
        walk(in, device, borders + at, end - at, fn, ctx);
        at = end;
    }
    free(borders);
    return 0;
}
