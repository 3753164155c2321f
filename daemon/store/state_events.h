/* Parts of the journal, for whoever shows them (the read side of state.h).  Rows are
 * borrowed for the length of each call. */
#ifndef CARETAKER_STORE_STATE_EVENTS_H
#define CARETAKER_STORE_STATE_EVENTS_H

#include "daemon/store/state.h"

struct event_query {
    const char *device, *rule; /* NULL: any. */
    const char *event;         /* "alarm.raised", or "alarm": all of them; NULL: any. */
    int64_t ticket;            /* 0: any. */
    int64_t after, before;     /* Numbers between these, neither included. */
    int64_t limit;             /* At most so many. */
    bool no_people;            /* None of users and tokens. */
};

/* The newest first. */
int state_events_back(struct state *s,
                      const struct event_query *query,
                      state_event_fn fn,
                      void *ctx,
                      struct err *err);

/* Of one device what state_each_figure_event() gives, in order. */
int state_each_device_figure(
    struct state *s, const char *device, state_event_fn fn, void *ctx, struct err *err);

#endif
