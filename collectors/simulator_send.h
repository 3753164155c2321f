/* Answers on their way to the master: after a delay, at the pace of a line, in pieces,
 * or gathered. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_SEND_H
#define CARETAKER_COLLECTORS_SIMULATOR_SEND_H

#include "collectors/simulator_serve.h"

struct outgoing {
    uint32_t source;
    uint32_t generation;
    uint32_t next_free;
    bool placed;       /* It has its time on the line: */
    int64_t start_us;  /* then of its first byte; else when it is ready. */
    size_t size, sent; /* Size 0: ends the gathering of answers. */
    uint8_t bytes[ANSWER_BYTES_MAX];
};

/* Sends now what a control connection is to read. */
void
simulator_write(struct simulator *s, uint32_t source, const void *bytes, size_t size);
/* Sends an answer that is ready at `ready_us`, perhaps in the past.  `is_echo`: what
 * the master sent itself, on the line from then on. */
void simulator_send(struct simulator *s,
                    uint32_t source,
                    const uint8_t *bytes,
                    size_t size,
                    int64_t ready_us,
                    bool is_echo);
/* The timer of an answer has struck. */
void simulator_send_more(struct simulator *s, uint32_t id);

#endif
