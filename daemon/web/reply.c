/* Answers of every kind, with the headers that keep browsers safe. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/web/door_inside.h"
#include "daemon/web/exchange.h"
#include "daemon/web/guard.h"
#include "daemon/web/page.h"
#include "daemon/web/patience.h"

#define BLOCK_BYTES       65536 /* What libmicrohttpd asks for of an answer in pieces. */
#define TAG_BYTES         24
#define HTTP_STATUS_LEAST 200
#define HTTP_STATUS_MOST  599
#define JSON              "application/json"
#define PROBLEM           "application/problem+json"
#define FOR_EVER          "private, max-age=31536000, immutable"

/* The page has no code and no style but its files, speaks to nobody but us, and stands
 * in nobody's frame. */
#define PAGE_POLICY                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self'; "                        \
    "img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; "            \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
/* A document that was made for printing has its style in itself, and no code. */
#define DOCUMENT_POLICY                                                                \
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "            \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define DATA_POLICY "default-src 'none'; frame-ancestors 'none'"

static bool
add(struct MHD_Response *r, const char *name, const char *value)
{
    return MHD_add_response_header(r, name, value) == MHD_YES;
}

/* Takes the response.  One that is not small says so to patience_more(). */
static enum MHD_Result
queue(struct MHD_Connection *c,
      unsigned status,
      const char *type,
      const char *policy,
      const char *cache,
      struct MHD_Response *response)
{
    bool ok = (type == NULL || add(response, "Content-Type", type)) &&
              add(response, "Cache-Control", cache) &&
              add(response, "Content-Security-Policy", policy) &&
              add(response, "X-Content-Type-Options", "nosniff") &&
              add(response, "Referrer-Policy", "same-origin") &&
              add(response, "Cross-Origin-Resource-Policy", "same-origin");
    if (status == MHD_HTTP_UNAUTHORIZED) {
        /* RFC 9110, 15.5.2; no scheme at which a browser asks by itself. */
        /* not translated: a header */
        ok = ok && add(response, "WWW-Authenticate", "Bearer realm=\"caretaker\"");
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED &&
        MHD_get_response_header(response, "Allow") == NULL) {
        ok = ok && add(response, "Allow", "GET, HEAD, POST, PATCH, DELETE");
    }
    patience_expect(c, 0);
    enum MHD_Result sent = ok ? MHD_queue_response(c, status, response) : MHD_NO;
    MHD_destroy_response(response);
    return sent;
}

/* There was no memory for all of it: the connection is closed.  Takes the response. */
static enum MHD_Result
give_up(struct MHD_Response *response)
{
    if (response != NULL) {
        MHD_destroy_response(response);
    }
    return MHD_NO;
}

/* A response with what `body` holds, which is empty afterwards; NULL: no memory. */
static struct MHD_Response *
response_of(struct strbuf *body)
{
    size_t size = body->size;
    return MHD_create_response_from_buffer(size, strbuf_take(body),
                                           MHD_RESPMEM_MUST_FREE);
}

enum MHD_Result
reply_problem(struct MHD_Connection *c, unsigned status, const char *detail)
{
    struct strbuf body = {0};
    (void)web_problem(&body, status, detail);
    struct MHD_Response *response = response_of(&body);
    return response != NULL
               ? queue(c, status, PROBLEM, DATA_POLICY, "no-store", response)
               : MHD_NO;
}

enum MHD_Result
reply_doubtful(struct MHD_Connection *c, const char *detail)
{
    struct strbuf body = {0};
    (void)web_problem(&body, MHD_HTTP_BAD_REQUEST, detail);
    struct MHD_Response *response = response_of(&body);
    if (response == NULL || !add(response, "Connection", "close")) {
        return give_up(response);
    }
    return queue(c, MHD_HTTP_BAD_REQUEST, PROBLEM, DATA_POLICY, "no-store", response);
}

enum MHD_Result
reply_busy(struct MHD_Connection *c, const char *detail)
{
    struct strbuf body = {0};
    (void)web_problem(&body, MHD_HTTP_SERVICE_UNAVAILABLE, detail);
    struct MHD_Response *response = response_of(&body);
    if (response == NULL || !add(response, "Retry-After", "2")) {
        return give_up(response);
    }
    return queue(c, MHD_HTTP_SERVICE_UNAVAILABLE, PROBLEM, DATA_POLICY, "no-store",
                 response);
}

static const char *
header(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* Nothing but "you have it already".  Its headers take the place of the kept ones (RFC
 * 9111, 4.3.4), so the policy must be that of the answer. */
static enum MHD_Result
reply_unchanged(struct MHD_Connection *c,
                const char *tag,
                const char *link,
                const char *policy,
                const char *cache)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (response == NULL || !add(response, "ETag", tag) ||
        (link[0] != '\0' && !add(response, "Link", link))) {
        return give_up(response);
    }
    return queue(c, MHD_HTTP_NOT_MODIFIED, NULL, policy, cache, response);
}

enum MHD_Result
reply_page(struct MHD_Connection *c, const char *path)
{
    const struct page_file *f = page_find(path);
    if (f == NULL) {
        return reply_problem(c, MHD_HTTP_NOT_FOUND,
                             tr("there is no such file of the page"));
    }
    const char *wanted = header(c, "If-None-Match");
    if (wanted != NULL && guard_has_tag(wanted, f->tag)) {
        return reply_unchanged(c, f->tag, "", PAGE_POLICY, "no-cache");
    }
    bool packed = guard_takes_gzip(header(c, "Accept-Encoding"));
    /* The bytes are constants of the program; the library's argument is not const. */
    union {
        const unsigned char *bytes;
        void *given;
    } content = {packed ? f->gzip : f->bytes};
    struct MHD_Response *response = MHD_create_response_from_buffer(
        packed ? f->gzip_size : f->size, content.given, MHD_RESPMEM_PERSISTENT);
    if (response == NULL || !add(response, "ETag", f->tag) ||
        !add(response, "Vary", "Accept-Encoding") ||
        (packed && !add(response, "Content-Encoding", "gzip"))) {
        return give_up(response);
    }
    enum MHD_Result sent =
        queue(c, MHD_HTTP_OK, f->type, PAGE_POLICY, "no-cache", response);
    patience_more(c, packed ? f->gzip_size : f->size);
    return sent;
}

/* An answer in pieces on its way out. */
struct outflow {
    struct job job; /* First: a job is an outflow. */
    struct door *door;
    struct MHD_Connection *connection;
    struct web_pieces pieces;
    struct strbuf piece;
    size_t sent; /* Of the piece. */
    enum web_lane lane;
    bool more, broken;
};

/* On a worker's thread. */
static void
make_piece(struct job *j, void *worker)
{
    struct outflow *o = (struct outflow *)j;
    strbuf_clear(&o->piece);
    o->sent = 0;
    o->broken = o->pieces.next(o->pieces.ctx, worker, &o->piece, &o->more) != 0;
    door_hand_back(o->door, o->connection);
}

static ssize_t
on_more(void *ctx, uint64_t pos, char *out, size_t room)
{
    (void)pos;
    struct outflow *o = ctx;
    if (o->broken) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (o->sent == o->piece.size) {
        if (!o->more) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        o->job.run = make_piece;
        return door_hand_over(o->door, o->connection, &o->job, o->lane)
                   ? 0
                   : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (o->sent == 0) {
        patience_expect(o->connection, o->piece.size);
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

/* The exchange's output and what follows it. */
static struct MHD_Response *
response_in_pieces(struct exchange *x)
{
    struct outflow *o = calloc(1, sizeof *o);
    if (o == NULL) {
        return NULL; /* The pieces are freed with the exchange. */
    }
    *o = (struct outflow){.door = x->door,
                          .connection = x->connection,
                          .pieces = x->answer.pieces,
                          .piece = x->out,
                          .lane = x->needs.lane,
                          .more = true};
    x->out = (struct strbuf){0};
    x->answer.pieces = (struct web_pieces){0};
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_more, o, on_sent);
    if (response == NULL) {
        on_sent(o);
    }
    return response;
}

/* FNV-1a of 64 bits (draft-eastlake-fnv). */
static uint64_t
hash_of(uint64_t hash, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Whether an answer is the same as before, no proof of anything.  A page of a listing
 * with the same rows is another one as soon as more follow. */
static void
tag_of(char out[TAG_BYTES], const struct strbuf *body, const char *link)
{
    uint64_t hash = hash_of(UINT64_C(0xcbf29ce484222325), body->text, body->size);
    hash = hash_of(hash, link, strlen(link));
    int n = snprintf(out, TAG_BYTES, "\"%016llx\"", (unsigned long long)hash);
    assert(n > 0);
    assert(n < TAG_BYTES);
}

/* What the answer says beside its body. */
static bool
add_extras(struct MHD_Response *response, const struct web_answer *a)
{
    char text[128];
    bool ok = true;
    if (a->cookie[0] != '\0') {
        ok = ok && add(response, "Set-Cookie", a->cookie);
    }
    if (a->link[0] != '\0') {
        ok = ok && add(response, "Link", a->link);
    }
    if (a->allow[0] != '\0') {
        ok = ok && add(response, "Allow", a->allow);
    }
    if (a->retry_after_s > 0) {
        (void)snprintf(text, sizeof text, "%lld", (long long)a->retry_after_s);
        ok = ok && add(response, "Retry-After", text);
    }
    if (a->file_name != NULL) {
        (void)snprintf(text, sizeof text, "attachment; filename=\"%.90s\"",
                       a->file_name);
        ok = ok && add(response, "Content-Disposition", text);
    }
    return ok;
}

static enum MHD_Result
reply_stream(struct exchange *x)
{
    struct MHD_Response *response =
        streams_open(x->door->house->streams, x->connection, &x->door->closing, &x->out,
                     x->answer.stream_after, x->answer.stream_key);
    if (response == NULL) {
        return MHD_NO;
    }
    /* Proxies that gather answers would hold events back. */
    if (!add(response, "X-Accel-Buffering", "no")) {
        return give_up(response);
    }
    enum MHD_Result sent = queue(x->connection, MHD_HTTP_OK, "text/event-stream",
                                 DATA_POLICY, "no-store", response);
    patience_rest(x->connection);
    return sent;
}

enum MHD_Result
reply_answer(struct exchange *x)
{
    struct web_answer *a = &x->answer;
    struct MHD_Connection *c = x->connection;
    char tag[TAG_BYTES] = "";
    assert(x->status >= HTTP_STATUS_LEAST);
    assert(x->status <= HTTP_STATUS_MOST);
    bool well = x->status == MHD_HTTP_OK;
    bool whole = a->pieces.next == NULL;
    if (well && a->stream) {
        return reply_stream(x);
    }
    /* not translated: a header */
    const char *cache = a->secret             ? "no-store"
                        : a->for_ever && well ? FOR_EVER
                                              : "private, no-cache";
    if (well && whole && strcmp(x->method, "GET") == 0) {
        tag_of(tag, &x->out, a->link);
        const char *wanted = header(c, "If-None-Match");
        if (wanted != NULL && guard_has_tag(wanted, tag)) {
            return reply_unchanged(c, tag, a->link,
                                   a->page ? DOCUMENT_POLICY : DATA_POLICY, cache);
        }
    }
    size_t size = x->out.size;
    struct MHD_Response *response =
        well && !whole ? response_in_pieces(x) : response_of(&x->out);
    if (response == NULL) {
        return MHD_NO; /* Out of memory: the connection is closed. */
    }
    if (!add_extras(response, a) || (tag[0] != '\0' && !add(response, "ETag", tag))) {
        return give_up(response);
    }
    const char *type = x->status >= 400 ? PROBLEM : a->type != NULL ? a->type : JSON;
    enum MHD_Result sent =
        queue(c, x->status, type, a->page ? DOCUMENT_POLICY : DATA_POLICY,
              tag[0] != '\0' ? cache : "no-store", response);
    patience_more(c, size);
    return sent;
}
