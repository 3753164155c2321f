/* Any bytes as what passes on a line.  The first byte chooses the line's speed and
 * whether the directions are known; then each piece has a byte of time, a byte of size
 * and direction, and its bytes.  Every byte must be told once, in order, and a frame
 * that is called good must have a check sum that fits. */
#include <assert.h>
#include <string.h>

#include "collectors/listener.h"
#include "collectors/slave_codec.h"
#include "collectors/tally.h"
#include "daemon/base/instant.h"

#define FED_MAX  65536
#define START_US INT64_C(1772323200000000) /* 2026-03-01T00:00:00Z */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fed {
    uint8_t bytes[FED_MAX];
    size_t size, told;
    int64_t told_us;
    struct tally tally;
};

static void
on_frame(void *ctx,
         const struct traffic_frame *f,
         enum frame_role role,
         const struct exchange *x)
{
    struct fed *fed = ctx;

    assert(f->size > 0);
    assert(f->size <= TRAFFIC_RTU_BYTES_MAX);
    assert(f->size <= fed->size - fed->told);
    assert(memcmp(f->bytes, fed->bytes + fed->told, f->size) == 0);
    fed->told += f->size;
    assert(f->good == (role != FRAME_DAMAGED) || f->pdu_size == 0);
    assert(!f->good || slave_crc(f->bytes, f->size) == 0);
    assert(!f->good || f->pdu_size == f->size - 3);
    assert(f->end_us >= fed->told_us);
    fed->told_us = f->end_us;
    assert(x->latency_us >= -1);
    assert(x->data_size == 0 || x->data != NULL);
    tally_frame(&fed->tally, f, 4000);
}

static void
on_exchange(void *ctx, const struct exchange *x)
{
    struct fed *fed = ctx;

    assert(x->outcome != EXCHANGE_UNANSWERED || x->asked_us != INSTANT_NONE);
    assert(x->asked_us == INSTANT_NONE || x->answered_us >= x->asked_us);
    assert(tally_exchange(&fed->tally, x));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fed fed;
    static struct listener l;
    const struct listener_sink sink = {&fed, on_frame, on_exchange};
    int64_t now_us = START_US;
    bool slow, known;

    if (size == 0) {
        return 0;
    }
    slow = (data[0] & 1) != 0;
    known = (data[0] & 2) != 0;
    fed.size = fed.told = 0;
    fed.told_us = INT64_MIN;
    tally_init(&fed.tally);
    listener_line(&l, slow ? 1042 : 0, slow ? 3646 : 0, 1000000, &sink);
    for (size_t at = 1; at + 2 <= size;) {
        size_t part = data[at + 1] & 0x7F;
        enum traffic_way way = !known                       ? TRAFFIC_UNKNOWN
                               : (data[at + 1] & 0x80) != 0 ? TRAFFIC_SENT
                                                            : TRAFFIC_RECEIVED;

        now_us += data[at] < 128 ? data[at] * 100 : (data[at] - 127) * 20000;
        at += 2;
        part = part < size - at ? part : size - at;
        part = part < FED_MAX - fed.size ? part : FED_MAX - fed.size;
        memcpy(fed.bytes + fed.size, data + at, part);
        fed.size += part;
        listener_feed(&l, way, now_us, false, data + at, part);
        listener_idle(&l, now_us);
        at += part;
    }
    listener_end(&l, now_us, (data[0] & 4) != 0);
    assert(fed.told == fed.size);
    for (uint32_t i = 0; i < fed.tally.count; i++) {
        struct tally_row *row = fed.tally.rows[i];

        assert(row->timed == 0 || tally_median_us(row) >= row->latency_min_us);
    }
    tally_fini(&fed.tally);
    return 0;
}
