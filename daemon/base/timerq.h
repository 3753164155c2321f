/* A queue of due times: a binary heap with a fixed number of timers, each known by its
 * id.  No allocation after timerq_new().  Ties are broken by `class`, then by id: the
 * order of design "When things happen" is built by choosing class and id so. */
#ifndef CARETAKER_BASE_TIMERQ_H
#define CARETAKER_BASE_TIMERQ_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"

struct timerq;

/* Timers have ids 0..count-1; none is set. */
struct timerq *
timerq_new(uint32_t count); /* Returns owned; aborts when out of memory. */
void timerq_free(struct timerq *q);

void timerq_set(struct timerq *q,
                uint32_t id,
                int64_t due_ms,
                uint8_t class);                    /* Or moves it. */
void timerq_cancel(struct timerq *q, uint32_t id); /* Nothing when not set. */
bool timerq_is_set(const struct timerq *q, uint32_t id);
int64_t timerq_due_of(const struct timerq *q,
                      uint32_t id); /* INSTANT_MAX when not set. */

int64_t timerq_due(const struct timerq *q); /* The earliest; INSTANT_MAX when none. */
bool
timerq_first(const struct timerq *q, uint32_t *id, int64_t *due_ms, uint8_t *class);
/* Moves every due time by `delta_ms`: the wall clock was stepped, intervals were not.
 */
void timerq_shift(struct timerq *q, int64_t delta_ms);

#endif
