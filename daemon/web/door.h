/* One door: a listening socket and the thread of libmicrohttpd behind it. */
#ifndef CARETAKER_WEB_DOOR_H
#define CARETAKER_WEB_DOOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/web/streams.h"
#include "daemon/web/web.h"
#include "daemon/web/workers.h"

/* What the doors share; it outlives them. */
struct house {
    const struct web_service *service;
    struct workers *workers;
    struct streams *streams;
    atomic_ullong requests, refused;
    atomic_size_t bodies, answers; /* Bytes that come, and that go; see held.c. */
};

struct door;
/* Serves what `listen_fd` accepts.  `tcp` NULL: the unix socket.  Copies `tcp`, reads
 * its certificates.  Takes the socket when it returns 0. */
int door_open(struct door **out,
              struct house *house,
              int listen_fd,
              const struct web_tcp *tcp,
              struct err *err);
/* Its streams have been ended, or will be by this: waits until all requests that are
 * under way were answered and their answers are sent, not long for who does not take
 * his, and closes every connection.  NULL is accepted. */
void door_close(struct door *d);
/* Hangs up on clients that took too long (patience.h); how many that were. */
uint32_t door_sweep(struct door *d);
uint32_t door_connections(const struct door *d);

#endif
