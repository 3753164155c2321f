#include "collectors/adu_finder.h"

#include <string.h>

#define HEADER_BYTES 6 /* Up to the length, which counts what follows it. */
#define LENGTH_MIN   2 /* Unit and function. */
#define LENGTH_MAX   (TRAFFIC_TCP_BYTES_MAX - HEADER_BYTES)

void
adu_finder_init(struct adu_finder *f,
                enum traffic_way way,
                uint32_t connection,
                traffic_frame_fn tell,
                void *ctx)
{
    memset(f, 0, sizeof *f);
    f->way = way;
    f->connection = connection;
    f->tell = tell;
    f->ctx = ctx;
}

static size_t
length_of(const uint8_t *b)
{
    return (size_t)b[4] << 8 | b[5];
}

bool
adu_header_fits(const uint8_t *b, size_t size)
{
    if ((size > 2 && b[2] != 0) || (size > 3 && b[3] != 0)) {
        return false;
    }
    if (size > 4 && b[4] > LENGTH_MAX >> 8) {
        return false;
    }
    return size < HEADER_BYTES ||
           (length_of(b) >= LENGTH_MIN && length_of(b) <= LENGTH_MAX);
}

static void
tell(struct adu_finder *f, int64_t t_us, bool good)
{
    struct traffic_frame frame = {
        .begin_us = f->begin_us,
        .end_us = t_us,
        .gap_us = -1,
        .way = f->way,
        .framing = TRAFFIC_TCP,
        .good = good,
        .connection = f->connection,
        .bytes = f->bytes,
        .size = (uint16_t)f->count,
    };

    if (f->count > HEADER_BYTES) {
        frame.transaction = (uint16_t)(f->bytes[0] << 8 | f->bytes[1]);
        frame.unit = f->bytes[HEADER_BYTES];
    }
    if (good) {
        frame.pdu = &f->bytes[HEADER_BYTES + 1];
        frame.pdu_size = (uint16_t)(f->count - HEADER_BYTES - 1);
    }
    f->tell(f->ctx, &frame);
    f->count = 0;
}

/* Takes bytes up to `want` of the ADU; returns how many. */
static size_t
take(struct adu_finder *f, size_t want, const uint8_t *bytes, size_t size)
{
    size_t part = f->count < want ? want - f->count : 0;

    part = part < size ? part : size;
    memcpy(&f->bytes[f->count], bytes, part);
    f->count += part;
    return part;
}

void
adu_finder_feed(struct adu_finder *f, int64_t t_us, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        size_t part;

        if (f->count == 0) {
            f->begin_us = t_us;
        }
        part = take(f, HEADER_BYTES, bytes, size);
        bytes += part;
        size -= part;
        if (!adu_header_fits(f->bytes, f->count)) {
            take(f, TRAFFIC_TCP_BYTES_MAX, bytes, size);
            tell(f, t_us, false);
            return;
        }
        if (f->count < HEADER_BYTES) {
            return;
        }
        part = take(f, HEADER_BYTES + length_of(f->bytes), bytes, size);
        bytes += part;
        size -= part;
        if (f->count == HEADER_BYTES + length_of(f->bytes)) {
            tell(f, t_us, true);
        }
    }
}

void
adu_finder_lost(struct adu_finder *f, int64_t t_us)
{
    if (f->count > 0) {
        tell(f, t_us, false);
    }
}
