/* The wire as a master sees it: a question into bytes, an answer out of bytes.  Pure.
 *
 *   TCP:  transaction(2) protocol(2)=0 length(2) | unit(1) function(1) data...
 *   RTU:  unit(1) function(1) data... crc(2, low byte first)
 *
 * Only functions 01-04 can be asked: there is no other builder. */
#ifndef CARETAKER_COLLECTORS_WIRE_H
#define CARETAKER_COLLECTORS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/collectors.h"
#include "daemon/model/sample.h"

#define WIRE_QUESTION_BYTES_MAX 12 /* TCP: header 7, function, address, count. */
/* Twice the longest ADU (Modbus Messaging on TCP/IP V1.0b, 4.1: 7 + 253): rubbish
 * before an answer, or a late answer before the right one, fits beside it. */
#define WIRE_READER_BYTES 520

struct wire_result {
    enum wire_fault fault;
    uint8_t exception; /* Code, with WIRE_EXCEPTION. */
    bool late;         /* Its answer came while the line was listened to afterwards. */
    bool over;         /* RTU, a failure: its answer came whole, and was damaged. */
    int64_t took_us;   /* How long the bus was busy with it, listening included. */
    char text[96];     /* For a person; set unless WIRE_OK. */
};

/* The quality of samples that this result brings.  Exception 0B is a gateway's word for
 * a unit that does not answer: a timeout. */
enum quality wire_quality(const struct wire_result *res);
/* What goes into reading.detail: the exception's code, else the enum wire_fault. */
uint8_t wire_detail(const struct wire_result *res);

/* There was no connection, or it went. */
bool wire_is_lost(const struct wire_result *res);

/* False, with what is accepted, when the protocol has no such question. */
bool read_request_valid(const struct read_request *q, struct err *err);

enum wire_framing { WIRE_MBAP, WIRE_RTU };

/* Bytes on the wire. */
uint32_t wire_question_bytes(enum wire_framing framing);
uint32_t wire_answer_bytes(enum wire_framing framing, const struct read_request *q);
/* CRC-16 of Modbus over Serial Line V1.02, 6.2.2. */
uint16_t wire_crc(const uint8_t *bytes, size_t size);

/* One question at a time and what came since.  Filled by its user:
 *
 *     wire_ask(&r, &q, transaction)        send r.question
 *     wire_space(&r, &size)                receive into it
 *     wire_filled(&r, n)
 *     wire_take(&r, &res, &answer)         WIRE_MORE: wait for more
 *     wire_end(&r, &res, &answer)          no more will come
 */
struct wire_reader {
    enum wire_framing framing;
    bool asked; /* The question is not yet answered. */
    bool echo;  /* The line gives back what is sent; a property of the line, so it
                   outlives a question. */
    struct read_request q;
    uint16_t transaction; /* MBAP only. */
    uint16_t question_size;
    uint8_t question[WIRE_QUESTION_BYTES_MAX];
    uint64_t late; /* MBAP: answers to other questions that were dropped, since init. */

    /* Since the question. */
    uint32_t came; /* Bytes, without our own and other masters' questions. */
    bool echoed;
    bool other_unit, malformed, bad_crc;
    uint8_t unit_seen; /* With `other_unit`. */

    uint16_t size;
    uint8_t bytes[WIRE_READER_BYTES];
};

void wire_reader_init(struct wire_reader *r, enum wire_framing framing);
/* A new question.  RTU: what had come before is forgotten; MBAP: it stays, since the
 * stream must be followed.  `q` must be valid. */
void
wire_ask(struct wire_reader *r, const struct read_request *q, uint16_t transaction);
/* Forgets what has come and what was asked: the line was flushed, or opened anew. */
void wire_reset(struct wire_reader *r);

/* Where to receive, at least one byte. */
uint8_t *wire_space(struct wire_reader *r, size_t *size);
void wire_filled(struct wire_reader *r, size_t size);

enum wire_progress {
    WIRE_MORE,   /* No answer yet. */
    WIRE_DONE,   /* `res` says which; with WIRE_OK `answer` is filled. */
    WIRE_BROKEN, /* MBAP: the stream cannot be followed; close it. */
};
/* Of `res` the fault, the code and the text are written, only with WIRE_DONE; of
 * `answer` the words or the bits asked for. */
enum wire_progress
wire_take(struct wire_reader *r, struct wire_result *res, struct read_answer *answer);
/* RTU: its answer has begun: when it stops here there is nothing to wait for. */
bool wire_begun(const struct wire_reader *r);
/* Nothing more comes: what was it?  An answer that only now is beyond doubt is taken.
 */
void
wire_end(struct wire_reader *r, struct wire_result *res, struct read_answer *answer);

/* `res` says `fault`, with the text of that fault. */
void wire_fail(struct wire_result *res, enum wire_fault fault);

#endif
