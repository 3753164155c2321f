/* The two clocks.  Only the loop and the bus workers call these.
 *
 * The engine sees one clock: the monotonic clock plus an offset that the loop
 * corrects by recorded steps, so a wrong wall clock neither fires nor stalls a timer.
 */
#ifndef CARETAKER_BASE_CLOCK_H
#define CARETAKER_BASE_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_real_ms(void);
/* True when the kernel says that the wall clock is synchronised (adjtimex). */
bool clock_synchronised(void);

struct engine_clock {
    _Atomic int64_t offset_ms; /* Engine time minus monotonic time. */
};
int64_t engine_clock_now(struct engine_clock *c); /* UTC ms as the engine counts. */

#endif
