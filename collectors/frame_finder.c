#include "collectors/frame_finder.h"

#include <assert.h>
#include <string.h>

#include "collectors/slave_codec.h"
#include "daemon/base/instant.h"

#define FRAME_BYTES_MIN 4 /* Unit, function, check sum. */
#define LENGTHS_MAX     2 /* A question's and an answer's. */
/* Silence after which nothing more is expected of a frame: longer than the lumps in
 * which USB adapters hand over (16 ms by default), shorter than a master's timeout. */
#define IDLE_LINE_US    40000
#define IDLE_NETWORK_US 500000

void
frame_finder_init(struct frame_finder *f,
                  int64_t character_us,
                  int64_t silence_us,
                  traffic_frame_fn tell,
                  void *ctx)
{
    memset(f, 0, sizeof *f);
    f->character_us = character_us;
    f->silence_us = silence_us;
    f->idle_us = character_us == 0           ? IDLE_NETWORK_US
                 : silence_us > IDLE_LINE_US ? silence_us
                                             : IDLE_LINE_US;
    f->tell = tell;
    f->ctx = ctx;
    f->last_us = INSTANT_NONE;
}

/* How long a frame that begins with these bytes may be.  A length of 0 means that the
 * byte which would say so has not come yet.  Returns how many; none for a function
 * whose frames do not tell (Modbus Application Protocol V1.1b, 6). */
static size_t
lengths_of(size_t *out, const uint8_t *b, size_t size)
{
    size_t by_third = size > 2 ? (size_t)b[2] + 5 : 0;
    size_t by_seventh = size > 6 ? (size_t)b[6] + 9 : 0;
    size_t by_eleventh = size > 10 ? (size_t)b[10] + 13 : 0;

    if (size < 2) {
        out[0] = 0;
        return 1;
    }
    if ((b[1] & 0x80) != 0) {
        out[0] = 5;
        return 1;
    }
    switch (b[1]) {
    case 1:
    case 2:
    case 3:
    case 4:
        out[0] = 8;
        out[1] = by_third;
        return 2;
    case 5:
    case 6:
    case 8:
        out[0] = 8;
        return 1;
    case 7:
        out[0] = 4;
        out[1] = 5;
        return 2;
    case 11:
        out[0] = 4;
        out[1] = 8;
        return 2;
    case 12:
    case 17:
        out[0] = 4;
        out[1] = by_third;
        return 2;
    case 15:
    case 16:
        out[0] = 8;
        out[1] = by_seventh;
        return 2;
    case 20:
    case 21:
        out[0] = by_third;
        return 1;
    case 22:
        out[0] = 10;
        return 1;
    case 23:
        out[0] = by_third;
        out[1] = by_eleventh;
        return 2;
    case 24:
        out[0] = 6;
        return 1;
    default:
        return 0;
    }
}

static bool
crc_fits(const uint8_t *b, size_t size)
{
    return size >= FRAME_BYTES_MIN && size <= TRAFFIC_RTU_BYTES_MAX &&
           slave_crc(b, size) == 0;
}

enum fit { FIT_NONE, FIT_MORE, FIT_FRAME };

/* Whether a frame stands at `at`, as far as the bytes themselves tell. */
static enum fit
fit_at(const struct frame_finder *f, size_t at, size_t *length)
{
    size_t lengths[LENGTHS_MAX] = {0};
    size_t size = f->count - at;
    size_t n = lengths_of(lengths, &f->bytes[at], size);
    enum fit best = n == 0 ? FIT_MORE : FIT_NONE;

    for (size_t i = 0; i < n; i++) {
        if (lengths[i] > TRAFFIC_RTU_BYTES_MAX) {
            continue;
        }
        if (lengths[i] == 0 || lengths[i] > size) {
            best = FIT_MORE;
        } else if (crc_fits(&f->bytes[at], lengths[i])) {
            *length = lengths[i];
            return FIT_FRAME;
        }
    }
    return best;
}

/* Silence before the byte at `at`. */
static int64_t
gap_before(const struct frame_finder *f, size_t at)
{
    int64_t before_us = at > 0 ? f->at_us[at - 1] : f->last_us;
    int64_t gap_us;

    if (before_us == INSTANT_NONE) {
        return -1;
    }
    gap_us = f->at_us[at] - f->character_us - before_us;
    return gap_us > 0 ? gap_us : 0;
}

static bool
silent_before(const struct frame_finder *f, size_t at)
{
    return f->silence_us > 0 && gap_before(f, at) >= f->silence_us;
}

/* The first place after `from` with silence before it; the end when there is none. */
static size_t
next_silence(const struct frame_finder *f, size_t from)
{
    size_t at = from + 1;

    while (at < f->count && !silent_before(f, at)) {
        at++;
    }
    return at < f->count ? at : f->count;
}

static void
tell(struct frame_finder *f, size_t size, bool good)
{
    struct traffic_frame frame = {
        .begin_us = f->at_us[0] - f->character_us,
        .end_us = f->at_us[size - 1],
        .gap_us = gap_before(f, 0),
        .way = f->way,
        .framing = TRAFFIC_RTU,
        .good = good,
        .connection = f->connection,
        .unit = f->bytes[0],
        .bytes = f->bytes,
        .size = (uint16_t)size,
    };

    if (size >= FRAME_BYTES_MIN) {
        frame.pdu = &f->bytes[1];
        frame.pdu_size = (uint16_t)(size - 3);
    }
    f->tell(f->ctx, &frame);
    f->last_us = frame.end_us;
    f->count -= size;
    memmove(f->bytes, &f->bytes[size], f->count);
    memmove(f->at_us, &f->at_us[size], f->count * sizeof f->at_us[0]);
}

/* Bytes before `end` that are no frame, a piece for each stretch without silence.
 * Whole stretches with a check sum that fits are frames of functions that we do not
 * know. */
static void
tell_damaged(struct frame_finder *f, size_t end)
{
    while (end > 0) {
        size_t size = next_silence(f, 0);

        size = size < end ? size : end;
        if (size > TRAFFIC_RTU_BYTES_MAX) {
            size = TRAFFIC_RTU_BYTES_MAX;
        }
        tell(f, size, crc_fits(f->bytes, size));
        end -= size;
    }
}

/* Where behind the first byte a whole frame begins; the end when nowhere.  With
 * `only_after_silence` the bytes before may still become a frame. */
static size_t
search(const struct frame_finder *f, bool only_after_silence)
{
    size_t length;

    for (size_t at = 1; at < f->count; at++) {
        if ((!only_after_silence || silent_before(f, at)) &&
            fit_at(f, at, &length) == FIT_FRAME) {
            return at;
        }
    }
    return f->count;
}

/* Takes one thing from the front; false when more bytes must come first. */
static bool
take_one(struct frame_finder *f, bool ended)
{
    size_t length = 0, end;
    enum fit fit = fit_at(f, 0, &length);

    if (fit == FIT_FRAME) {
        tell(f, length, true);
        return true;
    }
    end = next_silence(f, 0);
    if (end < f->count && crc_fits(f->bytes, end)) {
        tell(f, end, true); /* Of a function whose frames do not tell their length. */
        return true;
    }
    if (ended && crc_fits(f->bytes, f->count)) {
        tell(f, f->count, true);
        return true;
    }
    end = search(f, fit == FIT_MORE && !ended);
    if (end < f->count || ended || f->count > TRAFFIC_RTU_BYTES_MAX) {
        tell_damaged(f, end);
        return true;
    }
    end = next_silence(f, 0);
    if (fit == FIT_NONE && end < f->count) {
        tell_damaged(f, end);
        return true;
    }
    return false;
}

static void
take_all(struct frame_finder *f, bool ended)
{
    while (f->count > 0 && take_one(f, ended)) {
    }
}

void
frame_finder_end(struct frame_finder *f)
{
    take_all(f, true);
}

void
frame_finder_idle(struct frame_finder *f, int64_t t_us)
{
    if (f->count > 0 && t_us - f->at_us[f->count - 1] >= f->idle_us) {
        take_all(f, true);
    }
}

/* The bytes of a lump came one after the other at the speed of the line, but not before
 * those of the lump before. */
static void
append(struct frame_finder *f, int64_t t_us, const uint8_t *bytes, size_t size)
{
    int64_t before_us = f->count > 0 ? f->at_us[f->count - 1] : f->last_us;

    assert(f->count + size <= FRAME_FINDER_BYTES);
    for (size_t i = 0; i < size; i++) {
        int64_t at_us = t_us - (int64_t)(size - 1 - i) * f->character_us;

        f->at_us[f->count] = at_us < before_us ? before_us : at_us;
        f->bytes[f->count++] = bytes[i];
    }
}

void
frame_finder_feed(struct frame_finder *f,
                  enum traffic_way way,
                  int64_t t_us,
                  const uint8_t *bytes,
                  size_t size)
{
    if (way != f->way) {
        take_all(f, true);
        f->way = way;
    }
    while (size > 0) {
        size_t part = size < TRAFFIC_RTU_BYTES_MAX ? size : TRAFFIC_RTU_BYTES_MAX;
        int64_t part_us = t_us - (int64_t)(size - part) * f->character_us;

        frame_finder_idle(f, part_us - (int64_t)part * f->character_us);
        append(f, part_us, bytes, part);
        take_all(f, false);
        bytes += part;
        size -= part;
    }
}
