/* A link that comes back: reconnecting with back-off, counting, and one word in the log
 * when it goes and one when it returns.  Used by one thread. */
#ifndef CARETAKER_COLLECTORS_LINE_H
#define CARETAKER_COLLECTORS_LINE_H

#include "collectors/backoff.h"
#include "collectors/bus_stats.h"

struct line {
    const struct bus *bus;
    struct bus_stats *stats;
    struct engine_clock *clock;
    struct link *link;
    struct backoff health;
    uint32_t answers; /* Since it was opened. */
    bool complained;  /* The log says that it is down. */
    bool returned;    /* It was away and answers again; the user takes this back. */
};

/* Everything is borrowed until line_fini(). */
int line_init(struct line *l,
              const struct bus *bus,
              struct bus_stats *stats,
              struct engine_clock *clock,
              const atomic_bool *stop,
              struct err *err);
void line_fini(struct line *l); /* Zeroed is accepted. */

/* Open, or opened now; `at_once` does not wait for the back-off to end. */
bool line_ready(struct line *l, bool at_once, struct err *err);

/* Asks once on a line that is ready, counts, and recovers from what went wrong. */
void line_ask(struct line *l,
              const struct read_request *q,
              int64_t gap_ms,
              struct device_stats *device, /* NULL: nobody's. */
              struct read_answer *out,
              struct link_result *res);

/* It was lost before anybody had answered: it is not worth opening at once. */
void line_dropped(struct line *l, const char *why);

#endif
