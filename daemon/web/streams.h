/* Event streams (server-sent events, WHATWG HTML 9.2): one ring of messages, and for
 * each stream how far it has come.
 *
 *   publish -> [ 41 | 42 | 43 | 44 ]            a message is made once for all
 *                 ^stream a   ^streams b, c     and copied as a client takes it
 *
 * A client that falls behind the ring is told to read everything anew ("reset"); so
 * memory does not depend on how slow anybody is.  Thread-safe. */
#ifndef CARETAKER_WEB_STREAMS_H
#define CARETAKER_WEB_STREAMS_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"

struct streams;

int streams_new(struct streams **out, struct err *err);
void streams_free(struct streams *s); /* Every stream has ended; NULL is accepted. */

/* A response that goes on for `c`: first `first` (taken), then what is behind the event
 * `after`.  NULL: out of memory.  `key` as in struct web_answer; `closing` is its
 * door's mark for streams_end(). */
struct MHD_Response *streams_open(struct streams *s,
                                  struct MHD_Connection *c,
                                  const atomic_bool *closing,
                                  struct strbuf *first,
                                  int64_t after,
                                  const char *key);

/* Copies one message, which wakes the streams at streams_flush(). */
void streams_publish(struct streams *s, int64_t seq, const char *message, size_t size);
void streams_flush(struct streams *s);
/* The newest event that is not in the ring: what came behind it is. */
int64_t streams_since(struct streams *s);
/* Before the first message: where the events stand. */
void streams_begin(struct streams *s, int64_t since);

/* A sign of life on each stream, so that dead peers are found; ends those for whose key
 * `still` (may be NULL) returns false. */
void streams_ping(struct streams *s,
                  bool (*still)(void *worker, const char *key),
                  void *worker);
/* Sets the mark of a door, ends its streams, and those that are opened later at once.
 */
void streams_end(struct streams *s, atomic_bool *closing);
/* All that are open are told to read everything anew: what they show is another site.
 */
void streams_renew(struct streams *s);
uint32_t streams_count(struct streams *s);

#endif
