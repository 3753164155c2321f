#include "collectors/slave_codec.h"

#include <assert.h>
#include <string.h>

#define MBAP_BYTES     7 /* Header of Modbus TCP with the unit. */
#define READ_PDU_BYTES 5 /* Function, address, count. */
#define RTU_READ_BYTES 8 /* Unit, read PDU, CRC. */
#define RTU_MIN_BYTES  4 /* Unit, function, CRC. */
#define RTU_MAX_BYTES  256

static uint16_t
get_u16(const uint8_t *b)
{
    return (uint16_t)((uint32_t)b[0] << 8 | b[1]);
}

static void
put_u16(uint8_t *b, uint16_t value)
{
    b[0] = (uint8_t)(value >> 8);
    b[1] = (uint8_t)(value & 0xFF);
}

uint16_t
slave_crc(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xFFFF;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0xA001 : crc >> 1;
        }
    }
    return (uint16_t)crc;
}

static bool
crc_fits(const uint8_t *frame, size_t size)
{
    uint16_t crc = slave_crc(frame, size - 2);

    return frame[size - 2] == (crc & 0xFF) && frame[size - 1] == crc >> 8;
}

static bool
is_read(uint8_t function)
{
    return function >= 1 && function <= 4;
}

/* Fills everything but the transaction from a PDU. */
static void
take_pdu(struct slave_request *out, uint8_t unit, const uint8_t *pdu, size_t size)
{
    uint16_t most;

    out->unit = unit;
    out->function = pdu[0];
    if (!is_read(out->function)) {
        out->exception = SLAVE_ILLEGAL_FUNCTION;
        return;
    }
    if (size != READ_PDU_BYTES) {
        out->exception = SLAVE_ILLEGAL_VALUE;
        return;
    }
    out->address = get_u16(pdu + 1);
    out->count = get_u16(pdu + 3);
    most = out->function <= 2 ? SLAVE_READ_BITS_MAX : SLAVE_READ_REGS_MAX;
    if (out->count == 0 || out->count > most) {
        out->exception = SLAVE_ILLEGAL_VALUE;
    } else if ((uint32_t)out->address + out->count > 0x10000) {
        out->exception = SLAVE_ILLEGAL_ADDRESS;
    }
}

static enum slave_parse
parse_tcp(struct slave_request *out, const uint8_t *bytes, size_t size, size_t *used)
{
    size_t length; /* Of unit and PDU. */

    if (size < MBAP_BYTES) {
        return SLAVE_MORE;
    }
    length = get_u16(bytes + 4);
    if (get_u16(bytes + 2) != 0 || length < 2 ||
        length > SLAVE_ADU_BYTES_MAX - (MBAP_BYTES - 1)) {
        return SLAVE_BROKEN;
    }
    if (size < MBAP_BYTES - 1 + length) {
        return SLAVE_MORE;
    }
    out->transaction = get_u16(bytes);
    take_pdu(out, bytes[6], bytes + MBAP_BYTES, length - 1);
    *used = MBAP_BYTES - 1 + length;
    return SLAVE_REQUEST;
}

/* Length of the frame that starts here, as far as its function tells; 0: it does not,
 * or more bytes are needed to know. */
static size_t
rtu_frame_bytes(const uint8_t *frame, size_t size)
{
    if (size < 2) {
        return 0;
    }
    switch (frame[1]) {
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x05:
    case 0x06:
        return RTU_READ_BYTES;
    case 0x0F:
    case 0x10: /* Address, count, byte count, values. */
        return size < 7 ? 0 : 9 + (size_t)frame[6];
    case 0x16:
        return 10;
    case 0x17: /* As 0x10, with what to read before it. */
        return size < 11 ? 0 : 13 + (size_t)frame[10];
    default:
        return 0;
    }
}

/* A frame has no mark at its start, so every offset is tried: the first one where the
 * length that its function implies has a CRC that fits.  A function of unknown length
 * ends at a gap only, and then must be all there is. */
static enum slave_parse
parse_rtu(struct slave_request *out,
          const uint8_t *bytes,
          size_t size,
          bool gap,
          size_t *used)
{
    for (size_t at = 0; at + RTU_MIN_BYTES <= size; at++) {
        size_t length = rtu_frame_bytes(bytes + at, size - at);

        if (length != 0 && length <= size - at && crc_fits(bytes + at, length)) {
            take_pdu(out, bytes[at], bytes + at + 1, length - 3);
            *used = at + length;
            return SLAVE_REQUEST;
        }
    }
    if (gap) {
        *used = size;
        if (size >= RTU_MIN_BYTES && size <= RTU_MAX_BYTES && crc_fits(bytes, size)) {
            take_pdu(out, bytes[0], bytes + 1, size - 3);
            return SLAVE_REQUEST;
        }
    } else if (size >= RTU_MAX_BYTES) {
        *used = size - (RTU_READ_BYTES - 1); /* The rest may start a request. */
    }
    return SLAVE_MORE;
}

enum slave_parse
slave_parse(struct slave_request *out,
            enum slave_framing framing,
            const uint8_t *bytes,
            size_t size,
            bool gap,
            size_t *used)
{
    *used = 0;
    memset(out, 0, sizeof *out);
    if (framing == SLAVE_TCP) {
        return parse_tcp(out, bytes, size, used);
    }
    return parse_rtu(out, bytes, size, gap, used);
}

static void
seal_rtu(uint8_t *adu, size_t size)
{
    uint16_t crc = slave_crc(adu, size - 2);

    adu[size - 2] = (uint8_t)(crc & 0xFF);
    adu[size - 1] = (uint8_t)(crc >> 8);
}

/* Puts the framing around the `pdu_size` bytes that stand at pdu_of(). */
static size_t
seal(uint8_t *out,
     enum slave_framing framing,
     const struct slave_request *q,
     size_t pdu_size)
{
    if (framing == SLAVE_TCP) {
        put_u16(out, q->transaction);
        put_u16(out + 2, 0);
        put_u16(out + 4, (uint16_t)(pdu_size + 1));
        out[6] = q->unit;
        return MBAP_BYTES + pdu_size;
    }
    out[0] = q->unit;
    seal_rtu(out, 1 + pdu_size + 2);
    return 1 + pdu_size + 2;
}

static uint8_t *
pdu_of(uint8_t *out, enum slave_framing framing)
{
    return out + (framing == SLAVE_TCP ? MBAP_BYTES : 1);
}

size_t
slave_answer(uint8_t *out,
             enum slave_framing framing,
             const struct slave_request *q,
             const uint16_t *values)
{
    uint8_t *pdu = pdu_of(out, framing);
    size_t bytes;

    assert(is_read(q->function));
    assert(q->exception == SLAVE_OK);
    pdu[0] = q->function;
    if (q->function <= 2) {
        bytes = ((size_t)q->count + 7) / 8;
        memset(pdu + 2, 0, bytes);
        for (size_t i = 0; i < q->count; i++) {
            if (values[i] != 0) {
                pdu[2 + i / 8] |= (uint8_t)(1u << i % 8);
            }
        }
    } else {
        bytes = (size_t)q->count * 2;
        for (size_t i = 0; i < q->count; i++) {
            put_u16(pdu + 2 + 2 * i, values[i]);
        }
    }
    pdu[1] = (uint8_t)bytes;
    return seal(out, framing, q, 2 + bytes);
}

size_t
slave_answer_exception(uint8_t *out,
                       enum slave_framing framing,
                       const struct slave_request *q,
                       uint8_t code)
{
    uint8_t *pdu = pdu_of(out, framing);

    pdu[0] = q->function | 0x80;
    pdu[1] = code;
    return seal(out, framing, q, 2);
}

void
slave_damage(uint8_t *adu, size_t size, enum slave_framing framing)
{
    assert(size >= RTU_MIN_BYTES);
    if (framing == SLAVE_TCP) {
        adu[1] ^= 0xFF;
    } else {
        adu[size - 1] ^= 0xFF;
    }
}

void
slave_change_unit(uint8_t *adu, size_t size, enum slave_framing framing)
{
    assert(size >= RTU_MIN_BYTES);
    if (framing == SLAVE_TCP) {
        adu[6]++;
    } else {
        adu[0]++;
        seal_rtu(adu, size);
    }
}
