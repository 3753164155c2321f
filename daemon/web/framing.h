/* Where a request ends: who reads a doubtful head otherwise than a proxy before us
 * takes the body of one request for another one (request smuggling, RFC 9112, 11.2). */
#ifndef CARETAKER_WEB_FRAMING_H
#define CARETAKER_WEB_FRAMING_H

#include <microhttpd.h>
#include <stdbool.h>

/* Whether the head says it once: one Content-Length or one "chunked", not both, and one
 * Host at most. */
bool framing_is_sure(struct MHD_Connection *c);

#endif
