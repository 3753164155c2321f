/* The HTTP API on a unix socket in the data folder (mode 0660); the command line and,
 * later, the page speak it.  Runs on libmicrohttpd's own thread. */
#ifndef CARETAKER_WEB_WEB_H
#define CARETAKER_WEB_WEB_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"

#define WEB_SOCKET_NAME "caretaker.sock" /* Inside the data folder. */
/* Bytes of a request's body; more is 413.  The ledger of 1,000 devices fits. */
#define WEB_BODY_MAX (1 << 20)

struct web;

/* An answer that is too large to be made at once: it is sent in pieces, between which
 * other requests are answered. */
struct web_pieces {
    /* Appends the next piece; *more is false with the last.  Not 0: the answer ends
     * there, broken, and who asked sees that. */
    int (*next)(void *ctx, struct strbuf *piece, bool *more);
    void (*free)(void *ctx); /* In any case, at the end or before it. */
    void *ctx;
};

/* One request; the thread speaks the language that it wants (Accept-Language) while the
 * handler runs.  `path` begins with "/api/v1/"; `query` gives the arguments; `peer` is
 * "uid=1000 pid=4242" from the socket.  The handler (on the web thread) fills `body`
 * with JSON and returns the HTTP status. */
struct web_request {
    const char *method; /* "GET", "POST" */
    const char *path;
    const char *body; /* NUL-terminated; "" when there was none. */
    const char *peer;
    const char *(*query)(const struct web_request *r,
                         const char *key); /* NULL: absent. */
    const char **type; /* Of the answer, unless it is JSON: the handler may set it. */
    struct web_pieces *pieces; /* The handler may leave here what follows `body` when it
                                  returns 200. */
    void *connection;          /* Private to web.c. */
};
typedef unsigned (*web_handler_fn)(void *ctx,
                                   const struct web_request *r,
                                   struct strbuf *body);

int web_start(struct web **out,
              const char *dir,
              web_handler_fn handler,
              void *ctx,
              struct err *err);
void web_stop(struct web *w);

/* RFC 9457 problem details: {"status":404,"title":...,"detail":...}; returns `status`.
 */
unsigned web_problem(struct strbuf *body, unsigned status, const char *detail);

/* The command line's side: one request over the socket in `dir`, at most `timeout_ms`.
 * ERR_IO: no daemon answers there.  `*status` is the HTTP status; `answer` the body. */
int web_ask(const char *dir,
            const char *method,
            const char *path,
            const char *body,
            int64_t timeout_ms,
            unsigned *status,
            struct strbuf *answer,
            struct err *err);

/* The same for an answer of any size: `take` gets its body as it comes, with the
 * status; what it returns, if not 0, ends it.  `timeout_ms` is for each wait. */
typedef int (*web_take_fn)(
    void *ctx, unsigned status, const char *bytes, size_t size, struct err *err);
int web_ask_for(const char *dir,
                const char *path,
                int64_t timeout_ms,
                web_take_fn take,
                void *ctx,
                struct err *err);

#endif
