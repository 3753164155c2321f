/* A bounded ring of records between threads: many may push, one pops.
 *
 * Records are copied in and out whole.  A full ring drops the new record and counts;
 * it never blocks.  The descriptor of ring_fd() becomes readable while records wait,
 * so the reader can sleep in epoll; NULL-safe free. */
#ifndef CARETAKER_BASE_RING_H
#define CARETAKER_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"

struct ring;

/* `size` bytes in all, rounded up to a power of two. */
int ring_new(struct ring **out, size_t size, struct err *err);
void ring_free(struct ring *r);

/* False when it did not fit: the record is dropped and counted. */
bool ring_push(struct ring *r, const void *record, size_t size);

/* The same in two steps, for who has many at once: the reader is not woken for each of
 * them, but by ring_wake(), or when a quarter of the ring is full. */
bool ring_put(struct ring *r, const void *record, size_t size);
void ring_wake(struct ring *r);

/* Copies the oldest record into `out` (of `out_size`) and returns its size; 0 when
 * the ring is empty.  A record larger than `out_size` is our own bug (assert). */
size_t ring_pop(struct ring *r, void *out, size_t out_size);

int ring_fd(const struct ring *r);           /* An eventfd, readable while non-empty. */
uint64_t ring_dropped(const struct ring *r); /* Records dropped since the start. */

#endif
