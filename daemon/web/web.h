/* The web server: one API and one page behind two doors.
 *
 *   unix socket in the data folder (mode 0660)   the command line
 *   TCP, with TLS where certificates are given   browsers and scripts
 *
 *   door's thread --requests--> workers --answers--> door's thread
 *                                news thread --------^   (event streams)
 *
 * A door's thread (libmicrohttpd's own) only moves bytes and gives out the page; what
 * reads a database or waits for the loop runs on a worker's thread, while the
 * connection rests.  So no request holds up another door, another reader or a stream,
 * and what waits is bounded. */
#ifndef CARETAKER_WEB_WEB_H
#define CARETAKER_WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"

#define WEB_SOCKET_NAME "caretaker.sock" /* Inside the data folder. */
/* Bytes of a request's body, unless the service says otherwise; more is 413.  The
 * ledger of 1,000 devices fits. */
#define WEB_BODY_MAX     (1 << 20)
#define WEB_BODY_LARGEST (16 << 20) /* What a service may allow. */
#define WEB_COOKIE_BYTES 512
#define WEB_LINK_BYTES   1024
#define WEB_ALLOW_BYTES  40
#define WEB_REMOTE_BYTES 64  /* "[2001:db8::1]:51000" */
#define WEB_KEY_BYTES    160 /* Of a stream: whose it is. */

struct web;

/* An answer that is too large to be made at once: it is sent in pieces, between which
 * other requests are answered. */
struct web_pieces {
    /* Appends the next piece, on the thread of some `worker`; *more is false with the
     * last.  Not 0: the answer ends there, broken, and who asked sees that. */
    int (*next)(void *ctx, void *worker, struct strbuf *piece, bool *more);
    void (*free)(void *ctx); /* In any case, at the end or before it. */
    void *ctx;
};

/* What an answer has beside its status and body; all zero is an answer of JSON. */
struct web_answer {
    const char *type;         /* NULL: JSON.  Must outlive the answer (a constant). */
    struct web_pieces pieces; /* What follows `body` when the status is 200. */
    char cookie[WEB_COOKIE_BYTES]; /* Of Set-Cookie; "": none. */
    char link[WEB_LINK_BYTES];     /* Of Link (RFC 8288); "": none. */
    const char *file_name;         /* To be saved as; NULL: shown.  A constant. */
    char allow[WEB_ALLOW_BYTES];   /* Of a 405: the methods there are; "": all. */
    int64_t retry_after_s;         /* 0: not said. */
    bool secret;                   /* No browser keeps it. */
    bool for_ever; /* What has this address never changes: it may be kept. */
    bool page;     /* It is markup of ours: it may use its own styles and pictures. */
    /* With status 200: an event stream, which begins with `body` and goes on with what
     * comes behind the event `stream_after`. */
    bool stream;
    int64_t stream_after;
    char stream_key[WEB_KEY_BYTES]; /* For still_fn; "": nobody's. */
};

/* One request; the thread speaks the language that it wants (Accept-Language) while the
 * handler runs.  `path` begins with "/api/v1/"; `query` gives the arguments. */
struct web_request {
    const char *method; /* "GET" (also for HEAD), "POST", "PATCH", "DELETE" */
    const char *path;
    const char *body; /* NUL-terminated; "" when there was none. */
    size_t body_size; /* Only a body that the service takes as bytes holds a NUL. */
    bool local;       /* By the unix socket. */
    bool tls;
    const char *peer; /* "uid=1000 pid=4242", or the address of who asks. */
    const char *(*query)(const struct web_request *r,
                         const char *key); /* NULL: absent. */
    const char *(*header)(const struct web_request *r, const char *name);
    /* Calls `fn` for each argument of the query, until it returns false. */
    void (*each_query)(const struct web_request *r,
                       bool (*fn)(void *ctx, const char *key),
                       void *ctx);
    struct web_answer *answer; /* To be filled. */
    void *connection;          /* Private to daemon/web. */
};
/* Fills `body` and returns the HTTP status; `worker` is what web_service.open gave. */
typedef unsigned (*web_handler_fn)(void *worker,
                                   const struct web_request *r,
                                   struct strbuf *body);

/* Workers of their own, so that one kind does not wait for another. */
enum web_lane {
    WEB_QUICK,
    WEB_SLOW,     /* May take seconds. */
    WEB_JOB,      /* May take minutes, one after the other. */
    WEB_PASSWORD, /* Hashes one: who logs in does not wait for anybody's report. */
    WEB_LANES
};

/* What of a request decides how it is taken, before its body comes. */
struct web_needs {
    enum web_lane lane;
    bool bytes;      /* The body is no text. */
    size_t body_max; /* At most WEB_BODY_LARGEST; 0: WEB_BODY_MAX. */
};

/* Who answers.  Everything but `needs` runs on the threads of workers. */
struct web_service {
    void *ctx;
    web_handler_fn handle;
    /* NULL: each request is quick, with a text of at most WEB_BODY_MAX. */
    void (*needs)(const char *method, const char *path, struct web_needs *out);
    /* What a worker's thread has of its own (connections to databases); `open` NULL:
     * workers get `ctx`. */
    int (*open)(void *ctx, void **worker, struct err *err);
    void (*close)(void *worker);
    /* The next messages of event streams, behind the event `after`: calls web_publish()
     * for each, and returns the newest event's number.  The first call has `after` -1
     * and publishes nothing.  NULL: there is no news. */
    int64_t (*news)(void *worker, struct web *w, int64_t after);
    /* Whether the stream of `key` may go on; NULL: always. */
    bool (*still)(void *worker, const char *key);
    int64_t patience_ms; /* Of daemon/web/patience.h; 0: PATIENCE_MS. */
};

/* Opens the unix socket in `dir` and begins to serve. */
int web_start(struct web **out,
              const char *dir,
              const struct web_service *service,
              struct err *err);
void web_stop(struct web *w); /* NULL is accepted. */

struct web_tcp {
    const char *listen;         /* "127.0.0.1:8080"; NULL: no TCP. */
    const char *cert_file;      /* PEM; NULL: no TLS. */
    const char *key_file;       /* PEM. */
    const char *const *names;   /* Names that browsers call us by, beside addresses, */
    uint32_t name_count;        /* localhost and the machine's own. */
    const char *const *proxies; /* Addresses whose X-Forwarded-For says who asks. */
    uint32_t proxy_count;
};
/* Opens the TCP door, in the place of the one that is open; copies what it needs.  One
 * that would be the same stays, and its streams are told to read everything anew.  It
 * is done soon, on a thread of its own, which says in the log where the page is; what
 * cannot be opened is tried again, and said once.  The loop never waits for it. */
int web_listen(struct web *w, const struct web_tcp *tcp, struct err *err);

/* From any thread: there may be news. */
void web_wake(struct web *w);
/* From web_service.news alone: one message for all streams, "id: SEQ\ndata: ...\n\n";
 * numbers only grow. */
void web_publish(struct web *w, int64_t seq, const char *message, size_t size);
/* Messages of events behind this one are kept; a stream that is to begin before it
 * needs them in its first bytes. */
int64_t web_news_since(struct web *w);

struct web_figures {
    uint64_t requests, refused; /* Refused: no worker was free to take it. */
    uint32_t streams, connections;
    bool listens; /* The TCP door is open. */
};
void web_figures(struct web *w, struct web_figures *out);

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

/* The same with a body of any bytes, of this media type. */
int web_ask_bytes(const char *dir,
                  const char *method,
                  const char *path,
                  const char *type,
                  const char *bytes,
                  size_t size,
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
