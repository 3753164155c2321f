/* Any bytes as what a slave sends: the first six choose the question and how the rest
 * is cut into pieces.  Reading must go forward, and an answer is of the length asked
 * for. */
#include <assert.h>
#include <string.h>

#include "collectors/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 6

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum reg_table tables[] = {REG_COIL, REG_DISCRETE, REG_HOLDING,
                                            REG_INPUT};
    static struct read_answer answer;
    struct wire_reader r;
    struct wire_result res;

    if (size < HEAD) {
        return 0;
    }
    enum reg_table table = tables[data[0] >> 1 & 3];
    uint16_t most = table == REG_COIL || table == REG_DISCRETE ? 2000 : 125;
    struct read_request q = {.unit = data[1],
                             .table = table,
                             .address = (uint16_t)(data[2] << 8 | data[3]),
                             .count = (uint16_t)(1 + (data[0] >> 3) * 8 % most)};
    if (q.address + q.count > 65536) {
        q.address = 0;
    }
    wire_reader_init(&r, (data[0] & 1) != 0 ? WIRE_RTU : WIRE_MBAP);
    r.echo = data[4] > 200;
    wire_ask(&r, &q, data[4]);
    size_t piece = 1 + (size_t)data[5] * 3;
    for (size_t at = HEAD; at < size;) {
        size_t room;
        uint8_t *space = wire_space(&r, &room);
        assert(room > 0);
        size_t part = smaller(smaller(piece, room), size - at);
        memcpy(space, data + at, part);
        wire_filled(&r, part);
        at += part;
        enum wire_progress p = wire_take(&r, &res, &answer);
        if (p == WIRE_BROKEN) {
            return 0;
        }
        if (p == WIRE_DONE) {
            assert(res.fault != WIRE_EXCEPTION || res.exception != 0);
            assert(strlen(res.text) < sizeof res.text);
            wire_ask(&r, &q, (uint16_t)(data[4] + 1));
        }
        (void)wire_begun(&r);
    }
    wire_end(&r, &res, &answer);
    assert(r.framing == WIRE_MBAP || res.fault != WIRE_LOST);
    return 0;
}
