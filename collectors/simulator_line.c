#include "collectors/simulator_line.h"

#define FAST_BAUD       19200 /* Above it the silences no longer shrink. */
#define FAST_SILENCE_US 1750

void
simulator_line_init(struct simulator_line *l, int baud, int char_bits, bool strict)
{
    *l = (struct simulator_line){.strict = strict && baud > 0};
    if (baud > 0) {
        l->char_ns = char_bits * INT64_C(1000000000) / baud;
        l->silence_us = baud > FAST_BAUD ? FAST_SILENCE_US : l->char_ns * 7 / 2000;
    }
    l->end_us = -l->silence_us; /* It was silent before all time. */
}

int64_t
simulator_line_us(const struct simulator_line *l, size_t size)
{
    return ((int64_t)size * l->char_ns + 999) / 1000;
}

enum line_heard
simulator_line_receive(struct simulator_line *l,
                       int64_t now_us,
                       size_t size,
                       bool inside)
{
    bool early = l->strict && !inside && now_us - l->end_us < l->silence_us;
    bool more = early && l->deaf;

    l->deaf = early;
    l->end_us = (l->end_us > now_us ? l->end_us : now_us) + simulator_line_us(l, size);
    if (early) {
        return more ? LINE_EARLY_MORE : LINE_EARLY;
    }
    return LINE_HEARD;
}

int64_t
simulator_line_answer(struct simulator_line *l, int64_t ready_us, size_t size)
{
    int64_t start_us = l->end_us + l->silence_us;

    if (start_us < ready_us) {
        start_us = ready_us;
    }
    l->end_us = start_us + simulator_line_us(l, size);
    l->deaf = false;
    return start_us;
}

void
simulator_line_given_out(struct simulator_line *l, int64_t now_us)
{
    if (l->end_us < now_us) {
        l->end_us = now_us;
    }
}
