/* How long a client may take.  libmicrohttpd hangs up on who is silent; who sends, or
 * takes, one byte each few seconds is not silent and would keep his place for ever.  So
 * each part of an exchange (a head, a body, an answer) has a time in which it is to be
 * done, which grows with its bytes: nobody is cut off who moves more than a trickle. */
#ifndef CARETAKER_WEB_PATIENCE_H
#define CARETAKER_WEB_PATIENCE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdint.h>

#define PATIENCE_MS      30000 /* For what is small, and for the way there and back. */
#define PATIENCE_BYTES_S 2048  /* And a second more for so many bytes. */

struct client;

/* The connections of a door. */
struct patience {
    pthread_mutex_t lock;
    struct client *list;
    int64_t each_ms; /* PATIENCE_MS, but for tests. */
};

void patience_init(struct patience *p, int64_t each_ms);
void patience_fini(struct patience *p); /* Its connections are closed. */

/* For MHD_OPTION_NOTIFY_CONNECTION; `patience` is a struct patience. */
void patience_notify(void *patience,
                     struct MHD_Connection *c,
                     void **own,
                     enum MHD_ConnectionNotificationCode what);

/* Each does nothing for a connection that is not waited for so (the unix socket's). */
/* From now on it is the client's turn: to send, or to take, so many bytes. */
void patience_expect(struct MHD_Connection *c, uint64_t bytes);
void patience_more(struct MHD_Connection *c, uint64_t bytes); /* So many more. */
/* It is our turn, or nobody's: an event stream may be silent. */
void patience_rest(struct MHD_Connection *c);

/* Hangs up on who took too long by `now_ms` (clock_mono_ms()); how many that were. */
uint32_t patience_sweep(struct patience *p, int64_t now_ms);

#endif
