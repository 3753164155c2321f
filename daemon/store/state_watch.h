/* Since when each device is watched, and when nothing was (state.db): without it the
 * report over a period would take the silence of a daemon that did not run, or the time
 * before a device was added to the site, for proof that all was well. */
#ifndef CARETAKER_STORE_STATE_WATCH_H
#define CARETAKER_STORE_STATE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/store/state.h"

/* From now on these devices are watched, and no others.  `since_ms`: nothing was since
 * then: at a start the last sign of life of the run before; INSTANT_NONE: at a reload,
 * or where there was no run before.  The first list of a database is taken to have been
 * there from its birth.  One transaction. */
int state_watch(struct state *s,
                const char *const *devices,
                size_t count,
                int64_t since_ms,
                int64_t now_ms,
                struct err *err);

/* `device` is NULL where none was watched: the program did not run. */
typedef bool (*state_unwatched_fn)(void *ctx,
                                   const char *device,
                                   int64_t from_ms,
                                   int64_t to_ms);
/* Read side: in order of `from_ms`. */
int state_each_unwatched(struct state *s,
                         state_unwatched_fn fn,
                         void *ctx,
                         struct err *err);

#endif
