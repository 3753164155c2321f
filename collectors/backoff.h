/* When to ask again what did not answer: the pause doubles with each failure.
 * Pure: no clock; used for a device and for a line alike. */
#ifndef CARETAKER_COLLECTORS_BACKOFF_H
#define CARETAKER_COLLECTORS_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FIRST_MS      500   /* A glitch is over by then. */
#define BACKOFF_DEVICE_MAX_MS 60000 /* A repaired device is seen within a minute. */
#define BACKOFF_LINE_MAX_MS   30000 /* Costs nothing but a connection attempt. */

struct backoff {
    int64_t max_ms;
    int64_t retry_at_ms; /* Monotonic; meaningful while `failures` is not 0. */
    uint32_t failures;   /* In a row. */
};

void backoff_init(struct backoff *b, int64_t max_ms);
/* True when it may be asked now. */
bool backoff_due(const struct backoff *b, int64_t now_ms);
/* It failed.  True when this is the first failure after a success. */
bool backoff_failed(struct backoff *b, int64_t now_ms);
/* It answered.  True when it had failed before. */
bool backoff_succeeded(struct backoff *b);

#endif
