#include "daemon/web/door.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/web/door_inside.h"
#include "daemon/web/exchange.h"
#include "daemon/web/framing.h"
#include "daemon/web/guard.h"
#include "daemon/web/patience.h"
#include "daemon/web/peer.h"
#include "daemon/web/texts.h"

#define LOCAL_CONNECTIONS_MAX 64         /* Further ones wait in the backlog. */
#define TCP_CONNECTIONS_MAX   1024       /* Viewers, and who only holds connections. */
#define CONNECTION_BYTES      (16 << 10) /* For the head of a request, and to send. */
#define IDLE_SECONDS          10         /* A silent connection is closed after this. */
#define LEAVE_SECONDS         1 /* At the end, for who takes his answer slowly. */
#define SWALLOW_MAX           (4 << 20) /* Of a body that is too large; then we hang up. */
#define SECRET_BODY_BYTES     2048 /* One with a password, or a command, is no longer. */
#define LOG_TEXT_BYTES        256
#define FILE_BYTES_MAX        (1 << 20) /* Of a certificate with its chain. */
#define API_ROOT              "/api/v1/"
/* No version that has been withdrawn (RFC 8996); the library's own choice has them. */
#define TLS_PRIORITIES "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1"

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

bool
door_hand_over(struct door *d,
               struct MHD_Connection *c,
               struct job *j,
               enum web_lane lane)
{
    patience_rest(c);
    /* The worker resumes under this lock: after the connection was suspended. */
    pthread_mutex_lock(&d->lock);
    bool taken = !atomic_load(&d->closing) && workers_take(d->house->workers, j, lane);
    if (taken) {
        d->pending++;
        MHD_suspend_connection(c);
    } else {
        atomic_fetch_add(&d->house->refused, 1);
    }
    pthread_mutex_unlock(&d->lock);
    return taken;
}

void
door_hand_back(struct door *d, struct MHD_Connection *c)
{
    pthread_mutex_lock(&d->lock);
    MHD_resume_connection(c);
    d->pending--;
    pthread_cond_broadcast(&d->answered);
    pthread_mutex_unlock(&d->lock);
}

static void
count_owed(struct door *d, bool more)
{
    pthread_mutex_lock(&d->lock);
    d->owed = more ? d->owed + 1 : d->owed - 1;
    pthread_cond_broadcast(&d->answered);
    pthread_mutex_unlock(&d->lock);
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
    count_owed(d, true);
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

/* The first that is heard of a request: its path as it was sent. */
static void *
on_uri(void *ctx, const char *uri, struct MHD_Connection *c)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (x != NULL) {
        x->door = ctx;
        x->connection = c;
        x->strange = !guard_path(uri);
    }
    return x;
}

static void
on_completed(void *ctx,
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
            count_owed(x->door, false);
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

/* The text of a file, owned; NULL: see err. */
static char *
read_file(const char *path, struct err *err)
{
    struct strbuf text = {0};
    FILE *f = fopen(path, "re");
    char block[4096];
    size_t n = 0;
    if (f == NULL) {
        err_set(err, ERR_IO, "%s: %s", path, err_reason(errno));
        return NULL;
    }
    while (text.size < FILE_BYTES_MAX && (n = fread(block, 1, sizeof block, f)) > 0) {
        strbuf_add_bytes(&text, block, n);
    }
    bool well = ferror(f) == 0 && text.size > 0 && text.size < FILE_BYTES_MAX;
    fclose(f);
    if (!well) {
        strbuf_fini(&text);
        err_set(err, ERR_IO, "%s: is no file of PEM", path);
        return NULL;
    }
    return strbuf_take(&text);
}

/* libmicrohttpd owns the listening socket once it runs.  A start that fails leaves it
 * open, or not, depending on how far it came; the inode tells which. */
static void
settle_listen_fd(const struct door *d, int fd, const struct stat *before)
{
    struct stat now;
    if (d->http == NULL && fstat(fd, &now) == 0 && now.st_ino == before->st_ino &&
        now.st_dev == before->st_dev) {
        close(fd);
    }
}

/* Descriptors are for the plant first: lines, databases, the broker.  Browsers get at
 * most half of what the process may have. */
static unsigned
connections_max(const struct door *d)
{
    struct rlimit files;
    unsigned max = d->local ? LOCAL_CONNECTIONS_MAX : TCP_CONNECTIONS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 2 < max) {
        max = files.rlim_cur >= 2 ? (unsigned)(files.rlim_cur / 2) : 1;
    }
    return max;
}

static void
start_http(struct door *d, int listen_fd, char *key, char *cert)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
                     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    char priorities[] = TLS_PRIORITIES; /* The library's field is not const. */
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, cert},
        {MHD_OPTION_END, 0, NULL},
    };
    /* Who comes by the unix socket is one of us.  The others wait for each other, and
     * one machine cannot have every place. */
    struct MHD_OptionItem strangers[] = {
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)patience_notify, &d->patience},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, connections_max(d) / 4 * 3, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem *none = &strangers[ARRAY_LEN(strangers) - 1];
    d->tls = key != NULL;
    d->http = MHD_start_daemon(
        flags | (d->tls ? MHD_USE_TLS : 0u), 0, NULL, NULL, on_request, d,
        MHD_OPTION_EXTERNAL_LOGGER, log_http, NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, connections_max(d),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, d, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_ARRAY, d->tls ? tls : &tls[ARRAY_LEN(tls) - 1],
        MHD_OPTION_ARRAY, d->local ? none : strangers, MHD_OPTION_END);
}

static void
door_free(struct door *d)
{
    texts_free(d->names, d->name_count);
    texts_free(d->proxies, d->proxy_count);
    patience_fini(&d->patience);
    pthread_cond_destroy(&d->answered);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static void
init_waiting(struct door *d)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->answered, &attributes);
    pthread_condattr_destroy(&attributes);
}

int
door_open(struct door **out,
          struct house *house,
          int listen_fd,
          const struct web_tcp *tcp,
          struct err *err)
{
    struct door *d = calloc(1, sizeof *d);
    char *key = NULL;
    char *cert = NULL;
    struct stat st;
    int code = 0;
    if (d == NULL) {
        return err_set(err, ERR_NOMEM, "web");
    }
    d->house = house;
    d->local = tcp == NULL;
    init_waiting(d);
    patience_init(&d->patience, house->service->patience_ms > 0
                                    ? house->service->patience_ms
                                    : PATIENCE_MS);
    if (gethostname(d->machine, sizeof d->machine - 1) != 0) {
        d->machine[0] = '\0';
    }
    if (!d->local &&
        (!texts_copy(&d->names, &d->name_count, tcp->names, tcp->name_count) ||
         !texts_copy(&d->proxies, &d->proxy_count, tcp->proxies, tcp->proxy_count))) {
        code = err_set(err, ERR_NOMEM, "web");
    }
    if (code == 0 && !d->local && tcp->cert_file != NULL) {
        cert = read_file(tcp->cert_file, err);
        key = cert != NULL ? read_file(tcp->key_file, err) : NULL;
        code = key == NULL ? err->code : 0;
    }
    if (code == 0 && fstat(listen_fd, &st) != 0) {
        code = err_set(err, ERR_IO, "web: %s", err_reason(errno));
    }
    if (code == 0) {
        start_http(d, listen_fd, key, cert);
        settle_listen_fd(d, listen_fd, &st);
        code = d->http != NULL ? 0
               : key != NULL
                   ? err_set(err, ERR_IO,
                             "%s, %s: the web server does not start with them; a "
                             "certificate and its key as PEM are accepted",
                             tcp->cert_file, tcp->key_file)
                   : err_set(err, ERR_IO, "the web server does not start");
    } else {
        close(listen_fd);
    }
    if (key != NULL) {
        explicit_bzero(key, strlen(key));
    }
    free(key);
    free(cert);
    if (code != 0) {
        door_free(d);
        return code;
    }
    *out = d;
    return 0;
}

void
door_close(struct door *d)
{
    if (d == NULL) {
        return;
    }
    streams_end(d->house->streams, &d->closing);
    pthread_mutex_lock(&d->lock);
    while (d->pending > 0) {
        pthread_cond_wait(&d->answered, &d->lock);
    }
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LEAVE_SECONDS;
    for (int r = 0; d->owed > 0 && r == 0;) {
        r = pthread_cond_timedwait(&d->answered, &d->lock, &until);
    }
    pthread_mutex_unlock(&d->lock);
    MHD_stop_daemon(d->http);
    door_free(d);
}

uint32_t
door_sweep(struct door *d)
{
    return patience_sweep(&d->patience, clock_mono_ms());
}

uint32_t
door_connections(const struct door *d)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(d->http, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info != NULL ? info->num_connections : 0;
}
