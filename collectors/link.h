/* One line or endpoint, by libmodbus: open, ask, close, and what went wrong in our own
 * words.  Blocking; used by one thread at a time.  libmodbus's error numbers end here.
 */
#ifndef CARETAKER_COLLECTORS_LINK_H
#define CARETAKER_COLLECTORS_LINK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "collectors/collectors.h"

struct link;

/* `bus` and `stop` (when it turns true, pauses are cut short; may be NULL) are borrowed
 * until link_free().  Nothing is opened yet. */
struct link *link_new(const struct bus *bus,
                      const atomic_bool *stop); /* NULL: memory */
void link_free(struct link *l);                 /* NULL is accepted. */

int link_open(struct link *l, struct err *err);
void link_close(struct link *l);
bool link_is_open(const struct link *l);

struct link_result {
    enum quality quality; /* GOOD, TIMEOUT, CRC, EXCEPTION or REFUSED. */
    uint8_t exception;    /* Code; 0 for one that libmodbus does not know. */
    int64_t took_us;      /* From the question to the answer or the giving up. */
    char text[128];       /* For a person; "" when good. */
};

/* Asks once.  `gap_ms` is waited since the last exchange beside the line's own 3.5
 * characters.  The link is closed when it was lost. */
void link_read(struct link *l,
               const struct read_request *q,
               int64_t gap_ms,
               struct read_answer *out,
               struct link_result *res);

/* After TIMEOUT or CRC: makes sure that a late answer is not taken for the next one.  A
 * serial line is listened to until it is quiet; a TCP connection is closed, since
 * libmodbus would count answers wrongly from then on. */
void link_recover(struct link *l, const struct link_result *res);

#endif
