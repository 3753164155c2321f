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
#include "daemon/web/patience.h"
#include "daemon/web/texts.h"

#define LOCAL_CONNECTIONS_MAX 64         /* Further ones wait in the backlog. */
#define TCP_CONNECTIONS_MAX   1024       /* Viewers, and who only holds connections. */
#define CONNECTION_BYTES      (16 << 10) /* For the head of a request, and to send. */
#define IDLE_SECONDS          10         /* A silent connection is closed after this. */
#define LEAVE_SECONDS         1 /* At the end, for who takes his answer slowly. */
#define LOG_TEXT_BYTES        256
#define FILE_BYTES_MAX        (1 << 20) /* Of a certificate with its chain. */
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

void
door_count_owed(struct door *d, bool more)
{
    pthread_mutex_lock(&d->lock);
    d->owed = more ? d->owed + 1 : d->owed - 1;
    pthread_cond_broadcast(&d->answered);
    pthread_mutex_unlock(&d->lock);
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
        flags | (d->tls ? MHD_USE_TLS : 0u), 0, NULL, NULL, exchange_on_request, d,
        MHD_OPTION_EXTERNAL_LOGGER, log_http, NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, connections_max(d),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_on_uri, d, MHD_OPTION_NOTIFY_COMPLETED,
        exchange_on_completed, NULL, MHD_OPTION_ARRAY,
        d->tls ? tls : &tls[ARRAY_LEN(tls) - 1], MHD_OPTION_ARRAY,
        d->local ? none : strangers, MHD_OPTION_END);
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
