/* The parts of a door, for its own files only (door.c, exchange.c, reply.c). */
#ifndef CARETAKER_WEB_DOOR_INSIDE_H
#define CARETAKER_WEB_DOOR_INSIDE_H

#include <microhttpd.h>
#include <pthread.h>

#include "daemon/web/door.h"
#include "daemon/web/patience.h"

#define MACHINE_BYTES 256

struct door {
    struct house *house;
    struct MHD_Daemon *http;
    bool local; /* The unix socket. */
    bool tls;
    char machine[MACHINE_BYTES]; /* Its name. */
    char **names;                /* Others that browsers call us by; owned. */
    uint32_t name_count;
    char **proxies; /* Addresses; owned. */
    uint32_t proxy_count;
    atomic_bool closing;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned pending;         /* Requests that workers have. */
    unsigned owed;            /* Those, and answers that are not wholly sent. */
    struct patience patience; /* Of the TCP door. */
};

/* Hands work of a connection to a worker, and lets the connection rest until
 * door_hand_back(), which the work calls last.  False: no worker can take it now. */
bool door_hand_over(struct door *d,
                    struct MHD_Connection *c,
                    struct job *j,
                    enum web_lane lane);
void door_hand_back(struct door *d, struct MHD_Connection *c);
/* An answer is owed that was not before, or no more. */
void door_count_owed(struct door *d, bool more);

#endif
