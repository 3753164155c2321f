/* Who is at the other end of a connection. */
#ifndef CARETAKER_WEB_PEER_H
#define CARETAKER_WEB_PEER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

/* "uid=1000 pid=4242" of the unix socket (`local`), "192.0.2.7" or "[2001:db8::7]" of
 * TCP, "?" where it cannot be known; into `out`, of WEB_REMOTE_BYTES. */
void peer_describe(char *out, size_t size, struct MHD_Connection *c, bool local);

#endif
