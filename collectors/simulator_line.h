/* A serial line in time: how long its characters take, when it falls silent, and which
 * requests came too early.  Pure: time is an argument, in us since the simulator's
 * start.
 *
 *          request           silence   answer
 *   ___|xxxxxxxx|___________|________|xxxxxxxxxxxxxxxxxxx|____
 *      ^ its bytes arrive   ^ 3.5 characters, then the unit's thinking
 *        all at once        end_us of the request
 *
 * A master on a pty hands over its request in one go; on copper its bytes would follow
 * each other at the baud rate, so the line counts them that way. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_LINE_H
#define CARETAKER_COLLECTORS_SIMULATOR_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct simulator_line {
    int64_t char_ns;    /* 0: not paced, nothing takes time. */
    int64_t silence_us; /* 3.5 characters; 1.75 ms above 19,200 baud (Modbus over
                           Serial Line V1.02, 2.5.1.1). */
    int64_t end_us;     /* When the last byte known of has passed. */
    bool strict;
    bool deaf; /* What arrives belongs to a request that came too early. */
};

/* `baud` 0: not paced, and never strict. */
void
simulator_line_init(struct simulator_line *l, int baud, int char_bits, bool strict);

/* How long `size` characters take. */
int64_t simulator_line_us(const struct simulator_line *l, size_t size);

enum line_heard {
    LINE_HEARD,
    LINE_EARLY,     /* A violation: these bytes are to be ignored, */
    LINE_EARLY_MORE /* and these too, which follow them without silence. */
};
/* `size` bytes arrive from the master at `now_us`.  `inside`: they continue a request
 * that began before. */
enum line_heard simulator_line_receive(struct simulator_line *l,
                                       int64_t now_us,
                                       size_t size,
                                       bool inside);

/* Takes the line for an answer of `size` characters that is ready at `ready_us`;
 * returns when its first one begins: after the silence that follows what is on the
 * line. */
int64_t simulator_line_answer(struct simulator_line *l, int64_t ready_us, size_t size);
/* Its last byte is given out now, perhaps a little later than planned.  A master knows
 * of it only from here on, so this is where its silence begins. */
void simulator_line_given_out(struct simulator_line *l, int64_t now_us);

#endif
