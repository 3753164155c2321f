/* What is looked at before a request is let in: pure functions on its head. */
#ifndef CARETAKER_WEB_GUARD_H
#define CARETAKER_WEB_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The host of "Host: gateway.local:8080" or of an origin, without its port and in lower
 * case, into `out` of `size` bytes.  False: it is none, or too long. */
bool guard_host(char *out, size_t size, const char *authority);

/* Whether a browser that says this Host may be meant for us.  A page of somebody else
 * whose name was made to point at our address (DNS rebinding) says its own name; an
 * address, "localhost", the machine's own name and the configured ones are ours.  NULL
 * (HTTP/1.0) is no browser. */
bool guard_host_is_ours(const char *host_header,
                        const char *machine,
                        const char *const *names,
                        uint32_t name_count);

/* Whether a request that changes something was made by our own page, as far as the
 * browser tells: Origin (RFC 6454) must be the scheme and Host that was asked,
 * Sec-Fetch-Site not another site.  Headers may be NULL: then it is no browser. */
bool guard_origin_is_ours(const char *origin,
                          const char *host_header,
                          const char *fetch_site,
                          bool tls);

/* The path as it was sent: no encoded NUL and no control character. */
bool guard_path(const char *uri);

/* Whether "gzip" is accepted (RFC 9110, 12.5.3). */
bool guard_takes_gzip(const char *accept_encoding);

/* Whether a list of entity tags (If-None-Match) names `tag`, which has its quotes. */
bool guard_has_tag(const char *list, const char *tag);

#endif
