/* Who is at the other end of a connection. */
#ifndef CARETAKER_WEB_PEER_H
#define CARETAKER_WEB_PEER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "uid=1000 pid=4242" of the unix socket (`local`), "192.0.2.7" or "[2001:db8::7]" of
 * TCP, "?" where it cannot be known; into `out`, of WEB_REMOTE_BYTES. */
void peer_describe(char *out, size_t size, struct MHD_Connection *c, bool local);

/* Where `peer` is one of `proxies` (addresses): who X-Forwarded-For says is behind it.
 * Its entries are read from the last one back, for only those that our own proxies
 * added can be believed: the first that is none of theirs is who asks.  What is no
 * address ends it, and the proxy before it stands for who asks. */
void peer_look_behind(char *peer,
                      size_t size,
                      struct MHD_Connection *c,
                      char *const *proxies,
                      uint32_t proxy_count);
/* The same of the header's values, of which there are `count`, in their order. */
void peer_look_through(char *peer,
                       size_t size,
                       const char *const *values,
                       uint32_t count,
                       char *const *proxies,
                       uint32_t proxy_count);

#endif
