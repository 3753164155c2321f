/* A request on its way in: what can be refused is, the body is gathered, a worker makes
 * the answer while the connection rests. */
#include "daemon/web/exchange.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/web/door_inside.h"
#include "daemon/web/framing.h"
#include "daemon/web/guard.h"
#include "daemon/web/patience.h"
#include "daemon/web/peer.h"

#define SWALLOW_MAX       (4 << 20) /* Of a body that is too large; then we hang up. */
#define SECRET_BODY_BYTES 2048 /* One with a password, or a command, is no longer. */
#define API_ROOT          "/api/v1/"

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

static const char *
header_value(const struct web_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

struct key_visit {
    bool (*fn)(void *ctx, const char *key);
    void *ctx;
};

static enum MHD_Result
on_key(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind;
    (void)value;
    struct key_visit *v = ctx;
    return v->fn(v->ctx, key) ? MHD_YES : MHD_NO;
}

static void
each_query(const struct web_request *r,
           bool (*fn)(void *ctx, const char *key),
           void *ctx)
{
    struct key_visit v = {fn, ctx};
    (void)MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, on_key, &v);
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

/* On a worker's thread: the connection is suspended, so what it holds stays. */
static void
answer(struct job *j, void *worker)
{
    struct exchange *x = (struct exchange *)j;
    struct door *d = x->door;
    struct web_request r = {
        .method = x->method,
        .path = x->path,
        .body = strbuf_text(&x->body),
        .body_size = x->body.size,
        .local = d->local,
        .tls = d->tls,
        .peer = x->peer,
        .query = query_value,
        .header = header_value,
        .each_query = each_query,
        .answer = &x->answer,
        .connection = x->connection,
    };
    int before = catalogue_hear(wanted_language(x->connection));
    x->status = d->house->service->handle(worker, &r, &x->out);
    held_check_answer(x);
    (void)catalogue_hear(before);
    assert(x->answer.pieces.next == NULL || x->status == MHD_HTTP_OK);
    x->done = true;
    door_hand_back(d, x->connection);
}

static enum MHD_Result
reply_too_large(struct exchange *x)
{
    char detail[128];
    int n = snprintf(detail, sizeof detail, tr("at most %d bytes of body"),
                     (int)x->needs.body_max);
    assert(n > 0);
    return reply_problem(x->connection, MHD_HTTP_CONTENT_TOO_LARGE, detail);
}

/* GET and HEAD are one: the library leaves out the body. */
static const char *
known_method(const char *method)
{
    static const char *const known[] = {"GET", "POST", "PATCH", "DELETE"};
    if (strcmp(method, "HEAD") == 0) {
        return "GET";
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(method, known[i]) == 0) {
            return known[i];
        }
    }
    return NULL;
}

/* 0, or the status with which it is refused and why. */
static unsigned
look_at_head(const struct exchange *x, const char **why)
{
    const struct door *d = x->door;
    struct MHD_Connection *c = x->connection;
    const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
    if (x->strange) {
        *why = tr("the path holds a character that no path here has");
        return MHD_HTTP_BAD_REQUEST;
    }
    if (x->method == NULL) {
        *why = tr("accepted are GET, HEAD, POST, PATCH and DELETE");
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    if (d->local) {
        return 0;
    }
    /* The names are only looked at. */
    const char *const *names = (const char *const *)d->names;
    if (!guard_host_is_ours(host, d->machine, names, d->name_count)) {
        *why = tr("this gateway is not called that; web.names in the site file says by "
                  "what names it is reached");
        return MHD_HTTP_MISDIRECTED_REQUEST;
    }
    if (strcmp(x->method, "GET") != 0 &&
        !guard_origin_is_ours(
            MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Origin"), host,
            MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Sec-Fetch-Site"),
            d->tls)) {
        *why = tr("another site's page asks for this: it is refused");
        return MHD_HTTP_FORBIDDEN;
    }
    return 0;
}

/* The head is here, the body is not: what can be refused is refused before it comes. */
static enum MHD_Result
begin(struct exchange *x, const char *path, const char *method)
{
    struct door *d = x->door;
    struct MHD_Connection *c = x->connection;
    const char *why = NULL;
    x->begun = true;
    if (!framing_is_sure(c)) {
        return reply_doubtful(c, tr("the head is not sure about where its body ends"));
    }
    x->method = known_method(method);
    unsigned refused = look_at_head(x, &why);
    if (refused != 0) {
        return reply_problem(c, refused, why);
    }
    bool api = strncmp(path, API_ROOT, strlen(API_ROOT)) == 0;
    if (!api && (d->local || strncmp(path, "/api", 4) == 0)) {
        return reply_problem(c, MHD_HTTP_NOT_FOUND, tr("the API is below " API_ROOT));
    }
    if (!api) {
        return strcmp(x->method, "GET") == 0
                   ? MHD_YES
                   : reply_problem(c, MHD_HTTP_METHOD_NOT_ALLOWED,
                                   tr("the page is only read"));
    }
    x->path = strdup(path);
    if (x->path == NULL) {
        return MHD_NO;
    }
    if (d->house->service->needs != NULL) {
        d->house->service->needs(x->method, path, &x->needs);
    }
    if (x->needs.body_max == 0) {
        x->needs.body_max = WEB_BODY_MAX;
    }
    assert(x->needs.body_max <= WEB_BODY_LARGEST);
    const char *length =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
    /* libmicrohttpd has checked that it is a number. */
    if (length != NULL && strtoull(length, NULL, 10) > x->needs.body_max) {
        return reply_too_large(x);
    }
    return MHD_YES;
}

static enum MHD_Result
take_body(struct exchange *x, const char *bytes, size_t size)
{
    x->body_bytes += size;
    patience_more(x->connection, size);
    if (x->body_bytes > x->needs.body_max + SWALLOW_MAX) {
        return MHD_NO;
    }
    if (x->body_bytes <= x->needs.body_max && held_take_body(x, size)) {
        /* A body that grows leaves pieces of itself behind. */
        strbuf_reserve(&x->body, x->body.size == 0 ? SECRET_BODY_BYTES : 0);
        strbuf_add_bytes(&x->body, bytes, size);
    }
    return MHD_YES;
}

static enum MHD_Result
hand_over(struct exchange *x)
{
    struct door *d = x->door;
    peer_describe(x->peer, sizeof x->peer, x->connection, d->local);
    if (!d->local) {
        peer_look_behind(x->peer, sizeof x->peer, x->connection, d->proxies,
                         d->proxy_count);
    }
    atomic_fetch_add(&d->house->requests, 1);
    x->job.run = answer;
    x->counted = true;
    door_count_owed(d, true);
    if (door_hand_over(d, x->connection, &x->job, x->needs.lane)) {
        return MHD_YES;
    }
    return reply_busy(x->connection, tr(EXCHANGE_BUSY));
}

static enum MHD_Result
finish(struct exchange *x, const char *path)
{
    if (x->path == NULL) {
        return reply_page(x->connection, path);
    }
    if (x->body_bytes > x->needs.body_max) {
        return reply_too_large(x);
    }
    if (x->crowded) {
        return reply_busy(x->connection, tr(EXCHANGE_BUSY));
    }
    if (!x->needs.bytes && strlen(strbuf_text(&x->body)) != x->body_bytes) {
        return reply_problem(x->connection, MHD_HTTP_BAD_REQUEST,
                             tr("the body holds a NUL byte"));
    }
    return hand_over(x);
}

enum MHD_Result
exchange_on_request(void *ctx,
                    struct MHD_Connection *c,
                    const char *path,
                    const char *method,
                    const char *version,
                    const char *bytes,
                    size_t *size,
                    void **state)
{
    (void)version;
    (void)ctx;
    struct exchange *x = *state;
    enum MHD_Result result;
    if (x == NULL) {
        return MHD_NO; /* There was no memory for it. */
    }
    if (x->done) {
        return reply_answer(x);
    }
    if (x->begun && *size > 0) {
        result = take_body(x, bytes, *size);
        *size = 0;
        return result;
    }
    int before = catalogue_hear(wanted_language(c));
    result = !x->begun ? begin(x, path, method) : finish(x, path);
    (void)catalogue_hear(before);
    return result;
}

void *
exchange_on_uri(void *ctx, const char *uri, struct MHD_Connection *c)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (x != NULL) {
        x->door = ctx;
        x->connection = c;
        x->strange = !guard_path(uri);
    }
    return x;
}

void
exchange_on_completed(void *ctx,
                      struct MHD_Connection *c,
                      void **state,
                      enum MHD_RequestTerminationCode how)
{
    (void)ctx;
    (void)how;
    struct exchange *x = *state;
    patience_expect(c, 0); /* The head of the next. */
    if (x != NULL) {
        if (x->counted) {
            door_count_owed(x->door, false);
        }
        if (x->answer.pieces.free != NULL) {
            x->answer.pieces.free(x->answer.pieces.ctx);
        }
        held_let_go(x);
        strbuf_wipe(&x->body);
        strbuf_fini(&x->out);
        free(x->path);
        explicit_bzero(x, sizeof *x); /* Of a log-in it has the cookie. */
        free(x);
        *state = NULL;
    }
}
