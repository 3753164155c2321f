/* Answers on a serial line, or on TCP as on one.
 *
 * A frame has no mark at its start, so every place is tried: the first one where a
 * frame that is known by its function has a CRC that fits.  A place where our answer
 * may have begun holds the search up until it has all come; other beginnings do not,
 * for they are rubbish more often than not. */
#include <string.h>

#include "collectors/plan.h"
#include "collectors/wire_inside.h"

#define RTU_EXCEPTION 5

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
    uint8_t function = (uint8_t)plan_function(r->q.table);
    uint32_t count = plan_data_bytes(r->q.table, r->q.count);
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

/* Takes a whole frame of `length` bytes at `b`.  True when it is the answer. */
static bool
take_frame(struct wire_reader *r,
           enum at what,
           const uint8_t *b,
           size_t length,
           struct wire_result *res,
           struct read_answer *answer)
{
    switch (what) {
    case AT_ANSWER:
        wire_answered(r, res, answer, b + 3);
        r->echo = r->echoed;
        return true;
    case AT_EXCEPTION:
        wire_except(res, b[2]);
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
        r->came -= (uint32_t)length; /* Nothing of our answer. */
        break;
    case AT_NOTHING:
    case AT_OURS_BEGUN:
    case AT_BEGUN:
        break;
    }
    return false;
}

/* `last`: nothing more comes, so beginnings hold nothing up. */
enum wire_progress
wire_take_rtu(struct wire_reader *r,
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
            bool done = take_frame(r, what, b, length, res, answer);
            wire_drop(r, at + length);
            at = 0;
            keep = SIZE_MAX;
            if (done) {
                return WIRE_DONE;
            }
        }
    }
    wire_drop(r, keep == SIZE_MAX ? r->size : keep);
    return WIRE_MORE;
}

/* The bytes of our question again and nothing after them: the answer after all. */
bool
wire_echo_is_answer(const struct wire_reader *r)
{
    return r->size == RTU_QUESTION && !r->echoed &&
           may_be_answer(r->bytes, plan_data_bytes(r->q.table, r->q.count)) &&
           memcmp(r->bytes, r->question, RTU_QUESTION) == 0;
}
