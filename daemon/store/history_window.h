/* Rows of the file that overlap in time, cut into windows that do not: a window ends
 * where its first row does.  Rows that reach beyond it are in the next one too. */
#ifndef CARETAKER_STORE_HISTORY_WINDOW_H
#define CARETAKER_STORE_HISTORY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"

#define WINDOW_PARTS_MAX 16 /* Of one window, where times allow it. */

struct window_part {
    int64_t key, t0, t1;
};

/* A zeroed one is empty; free(parts). */
struct windows {
    struct window_part *parts; /* In order of t0, then key. */
    size_t count, room;
    bool complete; /* There are no more behind them. */
    int64_t next_ms;
};

/* False without memory. */
bool windows_add(struct windows *w, int64_t key, int64_t t0, int64_t t1);
/* The next window [from, to]: its parts are the first `count`.  It reaches up to where
 * the list is known, at most; false: it is not known far enough, or, when it is
 * complete, all is read. */
bool windows_next(struct windows *w, int64_t *from_ms, int64_t *to_ms, size_t *count);

#endif
