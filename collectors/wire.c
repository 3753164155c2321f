#include "collectors/wire.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "collectors/plan.h"
#include "collectors/wire_inside.h"
#include "daemon/base/catalogue.h"

#define MBAP_HEADER     6 /* Transaction, protocol, length: what comes before a unit. */
#define MBAP_LENGTH_MIN 3 /* Unit, function, exception code. */
#define MBAP_LENGTH_MAX 254 /* Unit and a PDU of 253. */

/* A frame may be preceded by so many bytes and still fit. */
_Static_assert(WIRE_READER_BYTES >= 2 * RTU_FRAME_MAX, "rubbish and an answer");

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

/* ---- the question ---- */

static bool
asks_bits(const struct read_request *q)
{
    return q->table == REG_COIL || q->table == REG_DISCRETE;
}

bool
read_request_valid(const struct read_request *q, struct err *err)
{
    int max = asks_bits(q) ? READ_BITS_MAX : READ_REGISTERS_MAX;

    if (q->table == REG_NONE) {
        err_set(err, ERR_USAGE, "no table; accepted: coil discrete input holding");
        return false;
    }
    if (q->count < 1 || q->count > max || q->address + q->count > 65536) {
        err_set(err, ERR_USAGE,
                "%u from address %u; accepted: 1 to %d, up to address 65535", q->count,
                q->address, max);
        return false;
    }
    return true;
}

uint32_t
wire_question_bytes(enum wire_framing framing)
{
    return framing == WIRE_MBAP ? WIRE_QUESTION_BYTES_MAX : RTU_QUESTION;
}

uint32_t
wire_answer_bytes(enum wire_framing framing, const struct read_request *q)
{
    return (framing == WIRE_MBAP ? MBAP_HEADER + 3u : 5u) +
           plan_data_bytes(q->table, q->count);
}

void
wire_reader_init(struct wire_reader *r, enum wire_framing framing)
{
    memset(r, 0, sizeof *r);
    r->framing = framing;
}

void
wire_reset(struct wire_reader *r)
{
    r->asked = false;
    r->size = 0;
}

void
wire_ask(struct wire_reader *r, const struct read_request *q, uint16_t transaction)
{
    uint8_t *pdu = r->question + (r->framing == WIRE_MBAP ? MBAP_HEADER + 1 : 1);

    assert(read_request_valid(q, NULL));
    r->q = *q;
    r->asked = true;
    r->transaction = transaction;
    r->question_size = (uint16_t)wire_question_bytes(r->framing);
    r->came = 0;
    r->echoed = r->other_unit = r->malformed = r->bad_crc = false;
    pdu[-1] = q->unit;
    pdu[0] = (uint8_t)plan_function(q->table);
    put_u16(pdu + 1, q->address);
    put_u16(pdu + 3, q->count);
    if (r->framing == WIRE_MBAP) {
        put_u16(r->question, transaction);
        put_u16(r->question + 2, 0);
        put_u16(r->question + 4, 6);
        return;
    }
    uint16_t crc = wire_crc(r->question, RTU_QUESTION - 2);
    r->question[RTU_QUESTION - 2] = (uint8_t)(crc & 0xFF);
    r->question[RTU_QUESTION - 1] = (uint8_t)(crc >> 8);
    r->size = 0;
}

/* ---- what comes ---- */

void
wire_drop(struct wire_reader *r, size_t size)
{
    r->size = (uint16_t)(r->size - size);
    memmove(r->bytes, r->bytes + size, r->size);
}

uint8_t *
wire_space(struct wire_reader *r, size_t *size)
{
    /* Full without a frame: whatever may still become one is at the end. */
    if (r->size == WIRE_READER_BYTES) {
        wire_drop(r, WIRE_READER_BYTES - RTU_FRAME_MAX);
    }
    *size = WIRE_READER_BYTES - (size_t)r->size;
    return r->bytes + r->size;
}

void
wire_filled(struct wire_reader *r, size_t size)
{
    assert(size <= WIRE_READER_BYTES - (size_t)r->size);
    r->size = (uint16_t)(r->size + size);
    r->came += (uint32_t)size;
}

static void
unpack(struct read_answer *answer, const struct read_request *q, const uint8_t *data)
{
    if (asks_bits(q)) {
        for (uint32_t i = 0; i < q->count; i++) {
            answer->bits[i] = data[i / 8] >> i % 8 & 1;
        }
        return;
    }
    for (uint32_t i = 0; i < q->count; i++) {
        answer->words[i] = get_u16(data + (size_t)2 * i);
    }
}

void
wire_answered(struct wire_reader *r,
              struct wire_result *res,
              struct read_answer *answer,
              const uint8_t *data)
{
    *res = (struct wire_result){.fault = WIRE_OK};
    unpack(answer, &r->q, data);
    r->asked = false;
}

/* ---- TCP ---- */

/* Function and what follows it, `size` bytes, of an ADU that answers our question. */
static void
judge_pdu(struct wire_reader *r,
          const uint8_t *pdu,
          size_t size,
          struct wire_result *res,
          struct read_answer *answer)
{
    uint8_t function = (uint8_t)plan_function(r->q.table);
    uint32_t count = plan_data_bytes(r->q.table, r->q.count);

    if (pdu[0] == function && pdu[1] == count && size == count + 2) {
        wire_answered(r, res, answer, pdu + 2);
    } else if (pdu[0] == (function | EXCEPTION_BIT) && size == 2 && pdu[1] != 0) {
        wire_except(res, pdu[1]);
    } else {
        wire_fail(res, WIRE_MALFORMED);
    }
}

static enum wire_progress
take_mbap(struct wire_reader *r, struct wire_result *res, struct read_answer *answer)
{
    while (r->size >= MBAP_HEADER) {
        size_t length = get_u16(r->bytes + 4);
        bool ours = r->asked && get_u16(r->bytes) == r->transaction;
        uint8_t unit = r->bytes[MBAP_HEADER];

        if (get_u16(r->bytes + 2) != 0 || length < MBAP_LENGTH_MIN ||
            length > MBAP_LENGTH_MAX) {
            return WIRE_BROKEN;
        }
        if (r->size < MBAP_HEADER + length) {
            return WIRE_MORE;
        }
        if (ours && unit != r->q.unit) {
            wire_fail(res, WIRE_WRONG_UNIT);
        } else if (ours) {
            judge_pdu(r, r->bytes + MBAP_HEADER + 1, length - 1, res, answer);
        }
        wire_drop(r, MBAP_HEADER + length);
        if (ours) {
            r->asked = false;
            return WIRE_DONE;
        }
        r->late++;
    }
    return WIRE_MORE;
}

enum wire_progress
wire_take(struct wire_reader *r, struct wire_result *res, struct read_answer *answer)
{
    if (r->framing == WIRE_MBAP) {
        return take_mbap(r, res, answer);
    }
    if (!r->asked) {
        r->size = 0;
        return WIRE_MORE;
    }
    return wire_take_rtu(r, false, res, answer);
}

bool
wire_begun(const struct wire_reader *r)
{
    if (r->framing == WIRE_MBAP || !r->asked) {
        return false;
    }
    return r->bad_crc ||
           (r->size >= 2 && r->bytes[0] == r->q.unit &&
            (r->bytes[1] & ~EXCEPTION_BIT) == (uint8_t)plan_function(r->q.table));
}

void
wire_end(struct wire_reader *r, struct wire_result *res, struct read_answer *answer)
{
    if (r->framing == WIRE_RTU && r->asked) {
        if (wire_echo_is_answer(r)) {
            wire_answered(r, res, answer, r->bytes + 3);
            r->size = 0;
            return;
        }
        if (wire_take_rtu(r, true, res, answer) == WIRE_DONE) {
            return;
        }
    }
    if (r->framing == WIRE_MBAP) {
        wire_fail(res, r->size > 0 ? WIRE_SHORT : WIRE_TIMEOUT);
        r->asked = false; /* Its answer is a late one from now on. */
    } else if (r->other_unit) {
        wire_fail(res, WIRE_WRONG_UNIT);
        (void)snprintf(res->text, sizeof res->text, tr("an answer of unit %u"),
                       r->unit_seen);
    } else if (r->malformed) {
        wire_fail(res, WIRE_MALFORMED);
    } else if (r->bad_crc || r->came >= wire_answer_bytes(WIRE_RTU, &r->q)) {
        wire_fail(res, WIRE_CRC);
    } else {
        wire_fail(res, r->came > 0 ? WIRE_SHORT : WIRE_TIMEOUT);
    }
    res->over = r->framing == WIRE_RTU && r->bad_crc;
    /* RTU: `asked` stays, so that a late answer is known for what it is. */
}
