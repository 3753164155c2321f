/* Drives channels: waits until one is ready or due, and calls it.  One thread per
 * reactor; nothing in it grows with the number of channels but by its logarithm. */
#ifndef CARETAKER_COLLECTORS_REACTOR_H
#define CARETAKER_COLLECTORS_REACTOR_H

#include "collectors/channel.h"

struct reactor;

/* Room for `count` channels. */
int reactor_new(struct reactor **out, uint32_t count, struct err *err);
void reactor_free(struct reactor *r); /* With its channels; NULL is accepted. */

/* Adds a channel; what `args` says of the reactor is filled in here.  Its id is how
 * many there were before. */
int reactor_add(struct reactor *r, struct channel_args args, struct err *err);
/* Opens all of them, one after the other within a short time. */
void reactor_start(struct reactor *r);
/* Of the channel's user: it has something to ask now. */
void reactor_hurry(struct reactor *r, uint32_t id);

/* Any thread: ends the wait of reactor_turn(). */
void reactor_wake(struct reactor *r);
/* Something readable does the same, as long as it is; `fd` is borrowed. */
int reactor_watch(struct reactor *r, int fd, struct err *err);
/* Waits for what is next and does it.  True when reactor_wake() was called. */
bool reactor_turn(struct reactor *r);

#endif
