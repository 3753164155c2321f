/* One bus as its worker sees it: opened, asked one question at a time, listened to, and
 * opened again when it goes.  Serial lines, TCP endpoints and RTU over TCP.  Never
 * blocks: a reactor tells it what its descriptor is ready for, and what time it is.
 *
 *   CLOSED -> RESOLVING -> CONNECTING -> PAUSING -> IDLE -> GAP -> WAITING -> LISTENING
 *      ^      (TCP only, names only)                 |  ^                        |
 *      +---------------- lost, refused --------------+  +------------------------+
 *
 *   RESTING: an endpoint closed while IDLE; it is opened when there is something to
 * ask. */
#ifndef CARETAKER_COLLECTORS_CHANNEL_H
#define CARETAKER_COLLECTORS_CHANNEL_H

#include "collectors/poller.h"
#include "collectors/resolver.h"
#include "collectors/wire_tap.h"

struct channel;

/* Whose questions a channel asks.  Called by the channel's thread, never from within
 * one another. */
struct channel_user {
    void *arg;
    /* As poller_next() and poller_answer().  Not asked for a question while the line is
     * opening or down, but called when it is time: *wake_us. */
    bool (*next)(void *arg,
                 struct poller_now now,
                 struct poller_ask *ask,
                 int64_t *wake_us);
    void (*answer)(void *arg,
                   struct poller_now now,
                   const struct wire_result *res,
                   const struct read_answer *answer);
    /* The line's state, LINE_DOWN each time that opening fails; `why` only with it. */
    void (*line)(void *arg,
                 struct poller_now now,
                 enum line_state state,
                 const char *why);
};

/* Everything is borrowed until channel_free(). */
struct channel_args {
    const struct bus *bus;
    struct bus_stats *stats;
    struct wire_tap *tap;       /* NULL: none. */
    struct engine_clock *clock; /* NULL: engine time does not matter. */
    struct channel_user user;
    bool quiet; /* Nothing goes to the log. */

    /* Of the reactor. */
    int epoll;
    uint32_t id; /* What epoll says for this channel. */
    struct resolver *resolver;
    struct read_answer *answer; /* Room that the channels share. */
};

struct channel *channel_new(const struct channel_args *args); /* NULL: memory */
void channel_free(struct channel *ch);                        /* NULL is accepted. */

/* Opens it `delay_us` from now. */
void channel_start(struct channel *ch, int64_t delay_us);

void channel_ready(struct channel *ch, uint32_t epoll_events);
void channel_resolved(struct channel *ch);
/* Does what is due by now. */
void channel_timer(struct channel *ch);
/* When channel_timer() is to be called, monotonic; INT64_MAX: not by itself.  Changes
 * with every call of the functions above and below. */
int64_t channel_due(const struct channel *ch);
bool channel_waits(const struct channel *ch); /* For an answer. */

/* The user has something to ask now; a line that is down is opened without waiting. */
void channel_hurry(struct channel *ch);

#endif
