#include "daemon/web/web.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/log.h"
#include "daemon/web/endpoint.h"

#define CONNECTIONS_MAX   64        /* Further ones wait in the backlog. */
#define IDLE_SECONDS      10        /* A silent connection is closed after this. */
#define SWALLOW_MAX       (4 << 20) /* Of a body that is too large; then we hang up. */
#define LOG_TEXT_BYTES    256
#define PEER_TEXT_BYTES   48 /* "uid=4294967295 pid=2147483647" */
#define HTTP_STATUS_LEAST 200
#define HTTP_STATUS_MOST  599
#define API_ROOT          "/api/v1/"
#define BLOCK_BYTES       65536 /* What libmicrohttpd asks for of an answer in pieces. */

struct web {
    struct MHD_Daemon *http;
    struct endpoint endpoint;
    web_handler_fn handler;
    void *ctx; /* Of the handler. */
};

/* One request on its way in. */
struct exchange {
    struct strbuf body;
    size_t body_bytes; /* Seen, kept or not. */
};

static void log_http(void *ctx, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

static void
log_http(void *ctx, const char *fmt, va_list args)
{
    (void)ctx;
    char text[LOG_TEXT_BYTES];
    int n = vsnprintf(text, sizeof text, fmt, args);
    assert(n >= 0);
    text[strcspn(text, "\n")] = '\0';
    log_debug("web: %s", text);
}

static const char *
query_value(const struct web_request *r, const char *key)
{
    const char *value = NULL;
    size_t size = 0;
    if (MHD_lookup_connection_value_n(r->connection, MHD_GET_ARGUMENT_KIND, key,
                                      strlen(key), &value, &size) != MHD_YES) {
        return NULL;
    }
    return value != NULL ? value : ""; /* "?all" is there, without a value. */
}

static void
peer_describe(char *out, size_t size, struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct ucred who;
    socklen_t who_size = sizeof who;
    int n;
    if (info != NULL &&
        getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &who, &who_size) == 0) {
        n = snprintf(out, size, "uid=%u pid=%d", (unsigned)who.uid, (int)who.pid);
    } else {
        n = snprintf(out, size, "uid=? pid=?");
    }
    assert(n > 0);
    assert((size_t)n < size);
}

/* Takes the response. */
static enum MHD_Result
queue(struct MHD_Connection *c,
      unsigned status,
      const char *type,
      struct MHD_Response *response)
{
    bool ok = MHD_add_response_header(response, "Content-Type", type) == MHD_YES &&
              MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES;
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        ok = ok && MHD_add_response_header(response, "Allow", "GET, POST") == MHD_YES;
    }
    enum MHD_Result sent = ok ? MHD_queue_response(c, status, response) : MHD_NO;
    MHD_destroy_response(response);
    return sent;
}

/* Sends `body` and leaves it empty. */
static enum MHD_Result
reply(struct MHD_Connection *c, unsigned status, const char *type, struct strbuf *body)
{
    assert(status >= HTTP_STATUS_LEAST);
    assert(status <= HTTP_STATUS_MOST);
    size_t size = body->size;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, strbuf_take(body), MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        return MHD_NO; /* Out of memory: the connection is closed. */
    }
    return queue(c, status, status >= 400 ? "application/problem+json" : type,
                 response);
}

/* An answer in pieces on its way out. */
struct outflow {
    struct web_pieces pieces;
    struct strbuf piece;
    size_t sent; /* Of the piece. */
    bool more;
};

static ssize_t
on_more(void *ctx, uint64_t pos, char *out, size_t room)
{
    (void)pos;
    struct outflow *o = ctx;
    while (o->sent == o->piece.size) {
        if (!o->more) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        strbuf_clear(&o->piece);
        o->sent = 0;
        if (o->pieces.next(o->pieces.ctx, &o->piece, &o->more) != 0) {
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
    size_t left = o->piece.size - o->sent;
    size_t size = left < room ? left : room;
    memcpy(out, o->piece.text + o->sent, size);
    o->sent += size;
    return (ssize_t)size;
}

static void
on_sent(void *ctx)
{
    struct outflow *o = ctx;
    o->pieces.free(o->pieces.ctx);
    strbuf_fini(&o->piece);
    free(o);
}

/* `first` and what follows it; takes both. */
static enum MHD_Result
reply_in_pieces(struct MHD_Connection *c,
                const char *type,
                struct strbuf *first,
                const struct web_pieces *pieces)
{
    struct outflow *o = calloc(1, sizeof *o);
    if (o == NULL) {
        pieces->free(pieces->ctx);
        strbuf_fini(first);
        return MHD_NO;
    }
    *o = (struct outflow){.pieces = *pieces, .piece = *first, .more = true};
    *first = (struct strbuf){0};
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_more, o, on_sent);
    if (response == NULL) {
        on_sent(o);
        return MHD_NO;
    }
    return queue(c, MHD_HTTP_OK, type, response);
}

static enum MHD_Result
reply_problem(struct MHD_Connection *c, unsigned status, const char *detail)
{
    struct strbuf body = {0};
    (void)web_problem(&body, status, detail);
    return reply(c, status, NULL, &body);
}

static enum MHD_Result
reply_too_large(struct MHD_Connection *c)
{
    char detail[128];
    int n =
        snprintf(detail, sizeof detail, tr("at most %d bytes of body"), WEB_BODY_MAX);
    assert(n > 0);
    return reply_problem(c, MHD_HTTP_CONTENT_TOO_LARGE, detail);
}

/* The head is here, the body is not: what can be refused is refused before it comes. */
static enum MHD_Result
begin(struct MHD_Connection *c, const char *path, const char *method, void **state)
{
    if (strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0) {
        return reply_problem(c, MHD_HTTP_METHOD_NOT_ALLOWED,
                             tr("accepted are GET and POST"));
    }
    if (strncmp(path, API_ROOT, strlen(API_ROOT)) != 0) {
        return reply_problem(c, MHD_HTTP_NOT_FOUND, tr("the API is below " API_ROOT));
    }
    const char *length =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
    /* libmicrohttpd has checked that it is a number. */
    if (length != NULL && strtoull(length, NULL, 10) > WEB_BODY_MAX) {
        return reply_too_large(c);
    }
    struct exchange *x = calloc(1, sizeof *x);
    if (x == NULL) {
        return MHD_NO;
    }
    *state = x;
    return MHD_YES;
}

static enum MHD_Result
take_body(struct exchange *x, const char *bytes, size_t size)
{
    x->body_bytes += size;
    if (x->body_bytes > SWALLOW_MAX) {
        return MHD_NO;
    }
    if (x->body_bytes <= WEB_BODY_MAX) {
        strbuf_add_bytes(&x->body, bytes, size);
    }
    return MHD_YES;
}

static enum MHD_Result
finish(struct web *w,
       struct exchange *x,
       struct MHD_Connection *c,
       const char *path,
       const char *method)
{
    if (x->body_bytes > WEB_BODY_MAX) {
        return reply_too_large(c);
    }
    if (strlen(strbuf_text(&x->body)) != x->body_bytes) {
        return reply_problem(c, MHD_HTTP_BAD_REQUEST, tr("the body holds a NUL byte"));
    }
    char peer[PEER_TEXT_BYTES];
    peer_describe(peer, sizeof peer, c);
    const char *type = "application/json";
    struct web_pieces pieces = {0};
    struct web_request r = {
        .method = method,
        .path = path,
        .body = strbuf_text(&x->body),
        .peer = peer,
        .query = query_value,
        .type = &type,
        .pieces = &pieces,
        .connection = c,
    };
    struct strbuf body = {0};
    unsigned status = w->handler(w->ctx, &r, &body);
    assert(pieces.next == NULL || status == MHD_HTTP_OK);
    return pieces.next != NULL ? reply_in_pieces(c, type, &body, &pieces)
                               : reply(c, status, type, &body);
}

/* The first language of Accept-Language (RFC 9110, 12.5.4), where it is one of ours. */
static int
wanted_language(struct MHD_Connection *c)
{
    enum language language = LANGUAGE_EN;
    const char *value =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept-Language");
    return value != NULL && catalogue_parse(&language, value) ? (int)language
                                                              : CATALOGUE_SPOKEN;
}

static enum MHD_Result
on_request(void *ctx,
           struct MHD_Connection *c,
           const char *path,
           const char *method,
           const char *version,
           const char *bytes,
           size_t *size,
           void **state)
{
    (void)version;
    struct exchange *x = *state;
    enum MHD_Result result;
    if (x != NULL && *size > 0) {
        result = take_body(x, bytes, *size);
        *size = 0;
        return result;
    }
    int before = catalogue_hear(wanted_language(c));
    result =
        x == NULL ? begin(c, path, method, state) : finish(ctx, x, c, path, method);
    (void)catalogue_hear(before);
    return result;
}

static void
on_completed(void *ctx,
             struct MHD_Connection *c,
             void **state,
             enum MHD_RequestTerminationCode how)
{
    (void)ctx;
    (void)c;
    (void)how;
    struct exchange *x = *state;
    if (x != NULL) {
        strbuf_fini(&x->body);
        free(x);
        *state = NULL;
    }
}

/* The library owns the listening socket once it runs.  A start that fails leaves it
 * open, or not, depending on how far it came; the inode tells which. */
static void
settle_listen_fd(struct web *w, ino_t inode)
{
    struct stat st;
    if (w->http != NULL || fstat(w->endpoint.listen_fd, &st) != 0 ||
        st.st_ino != inode) {
        w->endpoint.listen_fd = -1;
    }
}

int
web_start(struct web **out,
          const char *dir,
          web_handler_fn handler,
          void *ctx,
          struct err *err)
{
    struct web *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return err_set(err, ERR_NOMEM, "web");
    }
    w->handler = handler;
    w->ctx = ctx;
    int r = endpoint_listen(&w->endpoint, dir, err);
    if (r != 0) {
        free(w);
        return r;
    }
    struct stat st;
    if (fstat(w->endpoint.listen_fd, &st) != 0) {
        err_set(err, ERR_IO, "%s: %s", dir, err_reason(errno));
        web_stop(w);
        return ERR_IO;
    }
    w->http = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        on_request, w, MHD_OPTION_EXTERNAL_LOGGER, log_http, NULL,
        MHD_OPTION_LISTEN_SOCKET, w->endpoint.listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_END);
    settle_listen_fd(w, st.st_ino);
    if (w->http == NULL) {
        web_stop(w);
        return err_set(err, ERR_IO, "%s: the web server does not start", dir);
    }
    *out = w;
    return 0;
}

void
web_stop(struct web *w)
{
    if (w == NULL) {
        return;
    }
    if (w->http != NULL) {
        MHD_stop_daemon(w->http);
    }
    endpoint_close(&w->endpoint);
    free(w);
}

unsigned
web_problem(struct strbuf *body, unsigned status, const char *detail)
{
    strbuf_add_char(body, '{');
    strbuf_json_int(body, "status", status);
    strbuf_json_str(body, "title", MHD_get_reason_phrase_for(status));
    strbuf_json_str_opt(body, "detail", detail);
    strbuf_add_char(body, '}');
    return status;
}
