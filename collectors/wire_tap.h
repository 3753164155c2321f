/* What goes over the wire of one bus, for whoever looks: written by the bus's worker,
 * read by any thread.  Costs one load of an atomic while nobody looks. */
#ifndef CARETAKER_COLLECTORS_WIRE_TAP_H
#define CARETAKER_COLLECTORS_WIRE_TAP_H

#include <stdatomic.h>

#include "collectors/collectors.h"

#define TAP_BYTES   (64 * 1024) /* Of records, the newest. */
#define TAP_FOR_US  10000000    /* It is off again so long after the last fetch. */
#define TAP_RECORDS (TAP_BYTES / sizeof(struct wire_record))

struct wire_tap;

struct wire_tap *wire_tap_new(void);    /* NULL: memory */
void wire_tap_free(struct wire_tap *t); /* NULL is accepted. */

bool wire_tap_is_on(struct wire_tap *t); /* NULL: off. */
/* `t_us` is engine time, `mono_us` for the interval. */
void wire_tap_record(struct wire_tap *t,
                     int64_t t_us,
                     int64_t mono_us,
                     bool sent,
                     const uint8_t *bytes,
                     size_t size);
/* As collectors_wire(). */
size_t wire_tap_fetch(struct wire_tap *t,
                      int64_t mono_us,
                      uint64_t *cursor,
                      struct wire_record *out,
                      size_t max);

#endif
