/* Answers on their way to the master: after a delay, at the pace of a line, in pieces,
 * or gathered. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_SEND_H
#define CARETAKER_COLLECTORS_SIMULATOR_SEND_H

#include "collectors/simulator_serve.h"
#include "daemon/base/strbuf.h"

struct outgoing {
    uint32_t source;
    uint32_t generation;
    uint32_t next_free;
    bool placed;       /* It has its time on the line: */
    int64_t start_us;  /* then of its first byte; else when it is ready. */
    size_t size, sent; /* Size 0: ends the gathering of answers. */
    uint8_t bytes[ANSWER_BYTES_MAX];
};

/* Sends an answer to a control connection, which may be long: until it has been taken,
 * no further command is read from there.  Takes the text of `answer`. */
void simulator_tell(struct simulator *s, uint32_t source, struct strbuf *answer);
/* The connection takes more of it.  True when all of it has gone. */
bool simulator_tell_more(struct simulator *s, uint32_t source);
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
