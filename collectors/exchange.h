/* Frames -> exchanges: which answer belongs to which question.  Pure.
 *
 * On a line one question waits at a time, and who speaks is told by the shapes: a frame
 * that answers what was asked last is its answer, any other is a question.  On TCP many
 * may wait, and transaction, unit and function find theirs in any order. */
#ifndef CARETAKER_COLLECTORS_EXCHANGE_H
#define CARETAKER_COLLECTORS_EXCHANGE_H

#include <stddef.h>

#include "collectors/traffic.h"
#include "daemon/model/site.h"

#define EXCHANGE_WAITING_MAX 64 /* Questions that wait on one connection. */

enum exchange_outcome {
    EXCHANGE_ANSWERED,
    EXCHANGE_EXCEPTION,
    EXCHANGE_DAMAGED,   /* Its answer came with a wrong check sum, or broken off. */
    EXCHANGE_MALFORMED, /* Its answer has not the length that was asked for. */
    EXCHANGE_UNANSWERED,
    EXCHANGE_STRAY /* An answer that nobody waits for; late, or not for us. */
};
/* "answered" "exception" "damaged" "malformed" "unanswered" "stray" */
const char *exchange_outcome_name(enum exchange_outcome o);

struct exchange {
    enum exchange_outcome outcome;
    uint32_t connection;
    uint8_t unit;
    uint8_t function;        /* Without the bit that marks an exception. */
    enum reg_table table;    /* Of a read (functions 01-04), else REG_NONE. */
    uint16_t address, count; /* Of a read. */
    uint8_t exception;       /* Code. */
    int64_t asked_us;        /* The question's last byte; INSTANT_NONE for a stray. */
    int64_t answered_us;     /* The answer's last byte; else when it was given up. */
    int64_t latency_us;  /* End of the question to the begin of the answer; else -1. */
    const uint8_t *data; /* Of an answered read: registers or packed bits; borrowed for
                          * the call. */
    uint16_t data_size;
};

/* What a frame turned out to be. */
enum frame_role { FRAME_QUESTION, FRAME_ANSWER, FRAME_DAMAGED };

typedef void (*exchange_fn)(void *ctx, const struct exchange *x);

struct question {
    bool waits;
    uint16_t transaction;
    uint8_t unit, function;
    uint16_t address, count; /* Of a read. */
    uint16_t size;           /* Of the frame: an echo answers some functions. */
    int64_t asked_us;
};

/* The questions that wait on one line or connection. */
struct exchange_pairs {
    enum traffic_framing framing;
    int64_t give_up_us; /* A question that waits for longer is unanswered. */
    exchange_fn tell;
    void *ctx;
    struct question waiting[EXCHANGE_WAITING_MAX]; /* A line has but the first. */
};

void exchange_init(struct exchange_pairs *p,
                   enum traffic_framing framing,
                   int64_t give_up_us,
                   exchange_fn tell,
                   void *ctx);
/* Takes a frame and tells of what ended by it.  `*out` is the exchange that the frame
 * ended, or of a question, what it asks. */
enum frame_role exchange_frame(struct exchange_pairs *p,
                               const struct traffic_frame *f,
                               struct exchange *out);
/* Time passes without a frame. */
void exchange_idle(struct exchange_pairs *p, int64_t t_us);
/* Nothing more comes: whatever waits is unanswered; but where somebody only stopped
 * listening (`cut`), not what had waited for less than is waited. */
void exchange_end(struct exchange_pairs *p, int64_t t_us, bool cut);

/* The table that a function reads; REG_NONE for every other one. */
enum reg_table exchange_table(uint8_t function);

#endif
