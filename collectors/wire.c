#include "collectors/wire.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "collectors/plan.h"

#define MBAP_HEADER      6 /* Transaction, protocol, length: what comes before a unit. */
#define MBAP_LENGTH_MIN  3   /* Unit, function, exception code. */
#define MBAP_LENGTH_MAX  254 /* Unit and a PDU of 253. */
#define RTU_QUESTION     8
#define RTU_EXCEPTION    5
#define RTU_FRAME_MIN    4 /* Unit, function, CRC. */
#define RTU_FRAME_MAX    260
#define EXCEPTION_BIT    0x80
#define GATEWAY_NO_REPLY 0x0B

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

/* By nibbles: sixteen entries instead of 256, and quick enough for any line. */
uint16_t
wire_crc(const uint8_t *bytes, size_t size)
{
    static const uint16_t nibble[16] = {0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00,
                                        0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401,
                                        0x5000, 0x9C01, 0x8801, 0x4400};
    uint32_t crc = 0xFFFF;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ nibble[crc & 0xF];
        crc = crc >> 4 ^ nibble[crc & 0xF];
    }
    return (uint16_t)crc;
}

static bool
crc_fits(const uint8_t *frame, size_t size)
{
    uint16_t crc = wire_crc(frame, size - 2);

    return frame[size - 2] == (crc & 0xFF) && frame[size - 1] == crc >> 8;
}

/* ---- what a result means ---- */

const char *
wire_fault_name(enum wire_fault f)
{
    static const char *const names[WIRE_FAULT_COUNT] = {
        [WIRE_OK] = "ok",
        [WIRE_TIMEOUT] = "timeout",
        [WIRE_CRC] = "crc",
        [WIRE_SHORT] = "short",
        [WIRE_WRONG_UNIT] = "wrong_unit",
        [WIRE_MALFORMED] = "malformed",
        [WIRE_EXCEPTION] = "exception",
        [WIRE_REFUSED] = "refused",
        [WIRE_LOST] = "lost",
    };

    assert(f >= 0);
    assert(f < WIRE_FAULT_COUNT);
    return names[f];
}

enum quality
wire_quality(const struct wire_result *res)
{
    switch (res->fault) {
    case WIRE_OK:
        return QUALITY_GOOD;
    case WIRE_TIMEOUT:
        return QUALITY_TIMEOUT;
    case WIRE_EXCEPTION:
        return res->exception == GATEWAY_NO_REPLY ? QUALITY_TIMEOUT : QUALITY_EXCEPTION;
    case WIRE_REFUSED:
    case WIRE_LOST:
        return QUALITY_REFUSED;
    case WIRE_CRC:
    case WIRE_SHORT:
    case WIRE_WRONG_UNIT:
    case WIRE_MALFORMED:
    case WIRE_FAULT_COUNT:
        break;
    }
    return QUALITY_CRC;
}

uint8_t
wire_detail(const struct wire_result *res)
{
    return res->fault == WIRE_EXCEPTION ? res->exception : (uint8_t)res->fault;
}

/* Modbus Application Protocol V1.1b, 7. */
static const char *
exception_text(uint8_t code)
{
    static const char *const texts[] = {
        [0x01] = "illegal function",
        [0x02] = "illegal data address",
        [0x03] = "illegal data value",
        [0x04] = "device failure",
        [0x05] = "acknowledge",
        [0x06] = "device busy",
        [0x07] = "negative acknowledge",
        [0x08] = "memory parity error",
        [0x0A] = "no path through the gateway",
        [0x0B] = "the gateway got no answer from the unit",
    };

    return code < ARRAY_LEN(texts) && texts[code] != NULL ? texts[code]
                                                          : "a code of its maker's";
}

void
wire_fail(struct wire_result *res, enum wire_fault fault)
{
    static const char *const texts[WIRE_FAULT_COUNT] = {
        [WIRE_OK] = "",
        [WIRE_TIMEOUT] = "no answer in time",
        [WIRE_CRC] = "an answer with a wrong check sum",
        [WIRE_SHORT] = "an answer that began and did not end",
        [WIRE_WRONG_UNIT] = "an answer of another unit",
        [WIRE_MALFORMED] = "an answer of another function or length",
        [WIRE_EXCEPTION] = "an exception",
        [WIRE_REFUSED] = "no connection",
        [WIRE_LOST] = "connection lost",
    };

    *res = (struct wire_result){.fault = fault};
    (void)snprintf(res->text, sizeof res->text, "%s", texts[fault]);
}

static void
except(struct wire_result *res, uint8_t code)
{
    *res = (struct wire_result){.fault = WIRE_EXCEPTION, .exception = code};
    (void)snprintf(res->text, sizeof res->text, "exception %u: %s", code,
                   exception_text(code));
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

/* Byte count of the answer. */
static uint32_t
data_bytes(const struct read_request *q)
{
    return asks_bits(q) ? (q->count + 7u) / 8 : q->count * 2u;
}

/* The four that read; there is no way to any other. */
static uint8_t
function_of(const struct read_request *q)
{
    switch (q->table) {
    case REG_COIL:
        return 1;
    case REG_DISCRETE:
        return 2;
    case REG_HOLDING:
        return 3;
    case REG_INPUT:
        return 4;
    case REG_NONE:
        break;
    }
    assert(!"a question without a table");
    return 0;
}

uint32_t
wire_question_bytes(enum wire_framing framing)
{
    return framing == WIRE_MBAP ? WIRE_QUESTION_BYTES_MAX : RTU_QUESTION;
}

uint32_t
wire_answer_bytes(enum wire_framing framing, const struct read_request *q)
{
    return (framing == WIRE_MBAP ? MBAP_HEADER + 3u : 5u) + data_bytes(q);
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
    pdu[0] = function_of(q);
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

static void
drop(struct wire_reader *r, size_t size)
{
    r->size = (uint16_t)(r->size - size);
    memmove(r->bytes, r->bytes + size, r->size);
}

uint8_t *
wire_space(struct wire_reader *r, size_t *size)
{
    /* Full without a frame: whatever may still become one is at the end. */
    if (r->size == WIRE_READER_BYTES) {
        drop(r, WIRE_READER_BYTES - RTU_FRAME_MAX);
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

static void
answered(struct wire_reader *r,
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
    uint8_t function = function_of(&r->q);
    uint32_t count = data_bytes(&r->q);

    if (pdu[0] == function && pdu[1] == count && size == count + 2) {
        answered(r, res, answer, pdu + 2);
    } else if (pdu[0] == (function | EXCEPTION_BIT) && size == 2 && pdu[1] != 0) {
        except(res, pdu[1]);
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
        drop(r, MBAP_HEADER + length);
        if (ours) {
            r->asked = false;
            return WIRE_DONE;
        }
        r->late++;
    }
    return WIRE_MORE;
}

/* ---- RTU ----
 *
 * A frame has no mark at its start, so every place is tried: the first one where a
 * frame that is known by its function has a CRC that fits.  A place where our answer
 * may have begun holds the search up until it has all come; other beginnings do not,
 * for they are rubbish more often than not. */

enum at {
    AT_NOTHING,
    AT_OURS_BEGUN, /* The head of our answer, not all of it. */
    AT_BEGUN,      /* May become a frame of somebody. */
    AT_ANSWER,
    AT_EXCEPTION,
    AT_ECHO,
    AT_QUESTION, /* Of another master. */
    AT_STRANGER  /* A whole frame that is not the answer. */
};

static bool
is_whole(const uint8_t *b, size_t size, size_t length, bool *begun)
{
    if (size < length) {
        *begun = true;
        return false;
    }
    return crc_fits(b, length);
}

/* Frames of other lengths than ours, by function: answers to reads and exceptions, and
 * what other masters and their slaves say. */
static enum at
stranger_at(const uint8_t *b, size_t size, size_t *length)
{
    bool begun = false;
    uint8_t function = b[1];

    if ((function & EXCEPTION_BIT) != 0) {
        *length = RTU_EXCEPTION;
        return is_whole(b, size, *length, &begun) ? AT_STRANGER
               : begun                            ? AT_BEGUN
                                                  : AT_NOTHING;
    }
    *length = RTU_QUESTION;
    if (((function >= 1 && function <= 6) || function == 8 || function == 0x0B ||
         function == 0x0F || function == 0x10) &&
        is_whole(b, size, *length, &begun)) {
        return function <= 4 ? AT_QUESTION : AT_STRANGER;
    }
    if ((function >= 1 && function <= 4) || function == 0x0C || function == 0x11 ||
        function == 0x14 || function == 0x17) {
        if (size < 3) {
            return AT_BEGUN;
        }
        *length = (size_t)b[2] + 5;
        if (is_whole(b, size, *length, &begun)) {
            return AT_STRANGER;
        }
    }
    return begun ? AT_BEGUN : AT_NOTHING;
}

/* The bytes of our question have the form of its answer. */
static bool
may_be_answer(const uint8_t *question, uint32_t count)
{
    return count + 5 == RTU_QUESTION && question[2] == count;
}

static bool
begins_answer(const uint8_t *b, size_t size, uint32_t count)
{
    return b[2] == count && size >= count + 5 && crc_fits(b, count + 5);
}

/* What begins at `b`.  `*length`: of a whole frame. */
static enum at
frame_at(struct wire_reader *r, const uint8_t *b, size_t size, size_t *length)
{
    uint8_t function = function_of(&r->q);
    uint32_t count = data_bytes(&r->q);
    bool ours = b[0] == r->q.unit;
    bool begun = false;

    if (size < 2) {
        return AT_BEGUN;
    }
    if (size >= RTU_QUESTION && !r->echoed &&
        memcmp(b, r->question, RTU_QUESTION) == 0 &&
        (count + 5 == RTU_QUESTION || !begins_answer(b, size, count))) {
        /* An answer of that length may have the very same bytes: then only what follows
         * tells, or what the line did before. */
        if (may_be_answer(b, count) && !r->echo && size == RTU_QUESTION) {
            return AT_OURS_BEGUN;
        }
        *length = RTU_QUESTION;
        return AT_ECHO;
    }
    if (ours && b[1] == function && (size < 3 || b[2] == count)) {
        *length = count + 5;
        if (is_whole(b, size, *length, &begun)) {
            return AT_ANSWER;
        }
        if (begun) {
            return AT_OURS_BEGUN;
        }
        r->bad_crc = true;
    } else if (ours && b[1] == (function | EXCEPTION_BIT)) {
        *length = RTU_EXCEPTION;
        if (is_whole(b, size, *length, &begun)) {
            return b[2] != 0 ? AT_EXCEPTION : AT_STRANGER;
        }
        if (begun) {
            return AT_OURS_BEGUN;
        }
        r->bad_crc = true;
        return AT_NOTHING;
    }
    return stranger_at(b, size, length);
}

static void
remember_stranger(struct wire_reader *r, const uint8_t *b)
{
    if (b[0] != r->q.unit) {
        r->other_unit = true;
        r->unit_seen = b[0];
    } else {
        r->malformed = true;
    }
}

/* Takes a whole frame at `b`.  True when it is the answer. */
static bool
take_frame(struct wire_reader *r,
           enum at what,
           const uint8_t *b,
           struct wire_result *res,
           struct read_answer *answer)
{
    switch (what) {
    case AT_ANSWER:
        answered(r, res, answer, b + 3);
        r->echo = r->echoed;
        return true;
    case AT_EXCEPTION:
        except(res, b[2]);
        r->asked = false;
        r->echo = r->echoed;
        return true;
    case AT_ECHO:
        r->echoed = r->echo = true;
        r->came -= RTU_QUESTION;
        break;
    case AT_QUESTION:
        r->came -= RTU_QUESTION;
        break;
    case AT_STRANGER:
        remember_stranger(r, b);
        break;
    case AT_NOTHING:
    case AT_OURS_BEGUN:
    case AT_BEGUN:
        break;
    }
    return false;
}

/* `last`: nothing more comes, so beginnings hold nothing up. */
static enum wire_progress
take_rtu(struct wire_reader *r,
         bool last,
         struct wire_result *res,
         struct read_answer *answer)
{
    size_t at = 0;
    size_t keep = SIZE_MAX; /* The first place that may still become a frame. */

    while (at < r->size) {
        size_t length = 0;
        const uint8_t *b = r->bytes + at;
        enum at what = frame_at(r, b, r->size - at, &length);

        if (what == AT_NOTHING) {
            at++;
        } else if (what == AT_BEGUN || what == AT_OURS_BEGUN) {
            keep = keep == SIZE_MAX ? at : keep;
            if (what == AT_OURS_BEGUN && !last) {
                break;
            }
            at++;
        } else {
            bool done = take_frame(r, what, b, res, answer);
            drop(r, at + length);
            at = 0;
            keep = SIZE_MAX;
            if (done) {
                return WIRE_DONE;
            }
        }
    }
    drop(r, keep == SIZE_MAX ? r->size : keep);
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
    return take_rtu(r, false, res, answer);
}

bool
wire_begun(const struct wire_reader *r)
{
    if (r->framing == WIRE_MBAP || !r->asked) {
        return false;
    }
    if (r->bad_crc || r->came >= wire_answer_bytes(WIRE_RTU, &r->q)) {
        return true;
    }
    return r->size >= 2 && r->bytes[0] == r->q.unit &&
           (r->bytes[1] & ~EXCEPTION_BIT) == function_of(&r->q);
}

/* The bytes of our question again and nothing after them: the answer after all. */
static bool
echo_is_answer(const struct wire_reader *r)
{
    return r->size == RTU_QUESTION && !r->echoed &&
           may_be_answer(r->bytes, data_bytes(&r->q)) &&
           memcmp(r->bytes, r->question, RTU_QUESTION) == 0;
}

void
wire_end(struct wire_reader *r, struct wire_result *res, struct read_answer *answer)
{
    if (r->framing == WIRE_RTU && r->asked) {
        if (echo_is_answer(r)) {
            answered(r, res, answer, r->bytes + 3);
            r->size = 0;
            return;
        }
        if (take_rtu(r, true, res, answer) == WIRE_DONE) {
            return;
        }
    }
    if (r->framing == WIRE_MBAP) {
        wire_fail(res, r->size > 0 ? WIRE_SHORT : WIRE_TIMEOUT);
        r->asked = false; /* Its answer is a late one from now on. */
    } else if (r->other_unit) {
        wire_fail(res, WIRE_WRONG_UNIT);
        (void)snprintf(res->text, sizeof res->text, "an answer of unit %u",
                       r->unit_seen);
    } else if (r->malformed) {
        wire_fail(res, WIRE_MALFORMED);
    } else if (r->bad_crc || r->came >= wire_answer_bytes(WIRE_RTU, &r->q)) {
        wire_fail(res, WIRE_CRC);
    } else {
        wire_fail(res, r->came > 0 ? WIRE_SHORT : WIRE_TIMEOUT);
    }
    /* RTU: `asked` stays, so that a late answer is known for what it is. */
}
