/* Host names -> addresses, by threads of its own: the C library's resolver blocks for
 * as long as a name server is silent, and a worker must not. */
#ifndef CARETAKER_COLLECTORS_RESOLVER_H
#define CARETAKER_COLLECTORS_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "daemon/base/err.h"

#define RESOLVED_MAX 8 /* Addresses of one host that are tried. */

struct addresses {
    uint32_t count;
    struct {
        struct sockaddr_storage address;
        socklen_t size;
    } list[RESOLVED_MAX];
};

/* False when `host` is no address, but perhaps a name.  Never blocks. */
bool resolve_numeric(struct addresses *out, const char *host, uint16_t port);

struct resolver;
struct lookup;

/* `done_fd` is an eventfd of the user's, written to when a lookup is done. */
int resolver_new(struct resolver **out, int done_fd, struct err *err);
/* At once, though lookups may be under way: they end by themselves. */
void resolver_free(struct resolver *r); /* NULL is accepted. */

/* Starts a lookup; `id` comes back from resolver_next().  The host is copied. */
int resolver_ask(struct resolver *r,
                 struct lookup **out,
                 const char *host,
                 uint16_t port,
                 uint32_t id,
                 struct err *err);
/* True with the id of one that is done, each once. */
bool resolver_next(struct resolver *r, uint32_t *id);
/* What a lookup that is done has found; frees it. */
int lookup_take(struct lookup *l, struct addresses *out, struct err *err);
void lookup_cancel(struct lookup *l); /* Done or not; NULL is accepted. */

#endif
