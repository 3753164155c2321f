/* How far long work is: a bar on standard error, where that is a terminal.  Short work
 * shows none. */
#ifndef CARETAKER_BASE_PROGRESS_H
#define CARETAKER_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"

#define PROGRESS_AFTER_MS 500  /* Shorter work shows no bar. */
#define PROGRESS_EVERY_MS 200  /* From one picture to the next. */
#define PROGRESS_LEFT_MS  2000 /* Earlier nobody knows how long it takes. */

struct progress {
    const char *label; /* Borrowed. */
    /* May be set by the caller at any time: how many of what are done, for their rate;
     * a unit of NULL: none is shown. */
    uint64_t count;
    const char *unit;           /* Borrowed: "samples". */
    int64_t begin_ms, shown_ms; /* Monotonic. */
    bool quiet, shown;
};

/* `quiet`: nobody wants to see it. */
void progress_begin(struct progress *p, const char *label, bool quiet);
/* From 0 to 1; may be called as often as one likes. */
void progress_set(void *progress, double done);
/* The bar goes. */
void progress_end(struct progress *p);

/* Pure: whether a picture is due at that monotonic time, and if so the picture. */
bool progress_draw(struct progress *p, double done, int64_t now_ms, struct strbuf *out);

#endif
