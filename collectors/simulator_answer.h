/* What a simulated slave does about a request, faults included.  Pure. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_ANSWER_H
#define CARETAKER_COLLECTORS_SIMULATOR_ANSWER_H

#include "collectors/simulator_unit.h"
#include "collectors/slave_codec.h"

#define ANSWER_BYTES_MAX (SLAVE_ADU_BYTES_MAX + SIM_GARBAGE_BYTES_MAX)

struct simulator_answer {
    enum { ANSWER_NONE, ANSWER_SEND, ANSWER_HANG_UP } kind;
    int64_t delay_ms; /* Before it leaves. */
    size_t size;
    uint8_t adu[ANSWER_BYTES_MAX]; /* With garbage before or after it. */
    /* Garbage on its own, so long after the answer. */
    size_t stray_size;
    int64_t stray_delay_ms;
    uint8_t stray[SIM_GARBAGE_BYTES_MAX];
};

/* `u` is NULL when nobody has the number that was asked: silence on a serial line,
 * exception 0B of a TCP gateway. */
void simulator_answer(struct simulator_answer *out,
                      struct simulator_unit *u,
                      enum slave_framing framing,
                      const struct slave_request *q,
                      int64_t t_ms);

#endif
