#include "daemon/web/web.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/web/door.h"
#include "daemon/web/endpoint.h"
#include "daemon/web/listen.h"
#include "daemon/web/patience.h"
#include "daemon/web/texts.h"

#define PING_MS 15000 /* Proxies close what is silent for longer (often 60 s). */
#define RETRY_SECONDS                                                                  \
    5 /* An address that comes up late, a port that is given back.                     \
       */

#define LOOKS_A_PATIENCE 4 /* So often it is looked who takes too long. */

/* The TCP door that is wished for; owns its texts. */
struct wish {
    struct web_tcp tcp;
    char **names, **proxies;
};

struct web {
    struct web_service service;
    struct house house;
    struct endpoint endpoint;
    struct door *local;
    pthread_mutex_t lock; /* Of what follows. */
    pthread_cond_t woken;
    bool wake, stopping, wished;
    struct wish wish; /* `wished`: it is news. */
    struct door *tcp;
    bool failing; /* It could not be opened: said. */
    pthread_t keeper;
    bool keeper_runs;
    void *keeper_own; /* What the service gave it. */
};

static void
wish_free(struct wish *x)
{
    union { /* Our own copies: only borrowers may not change them. */
        const char *seen;
        char *owned;
    } texts[] = {{x->tcp.listen}, {x->tcp.cert_file}, {x->tcp.key_file}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free(texts[i].owned);
    }
    texts_free(x->names, x->tcp.name_count);
    texts_free(x->proxies, x->tcp.proxy_count);
    *x = (struct wish){0};
}

static bool
copy_text(const char **out, const char *text)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text == NULL || *out != NULL;
}

static int
wish_copy(struct wish *out, const struct web_tcp *tcp, struct err *err)
{
    struct wish x = {0};
    bool well =
        copy_text(&x.tcp.listen, tcp->listen) &&
        copy_text(&x.tcp.cert_file, tcp->cert_file) &&
        copy_text(&x.tcp.key_file, tcp->key_file) &&
        texts_copy(&x.names, &x.tcp.name_count, tcp->names, tcp->name_count) &&
        texts_copy(&x.proxies, &x.tcp.proxy_count, tcp->proxies, tcp->proxy_count);
    /* They are only looked at. */
    x.tcp.names = (const char *const *)x.names;
    x.tcp.proxies = (const char *const *)x.proxies;
    if (!well) {
        wish_free(&x);
        return err_set(err, ERR_NOMEM, "web");
    }
    *out = x;
    return 0;
}

/* Opens the door that is wished for.  Nobody else does, so only its place is under the
 * lock. */
static void
keep_door(struct web *w, const struct wish *wish)
{
    struct err err = {0};
    struct door *opened = NULL;
    int fd = -1;
    int code = listen_tcp(&fd, wish->tcp.listen, &err);
    if (code == 0) {
        code = door_open(&opened, &w->house, fd, &wish->tcp, &err);
    }
    if (code == 0) {
        log_info("the page is at %s://%s/",
                 wish->tcp.cert_file != NULL ? "https" : "http", wish->tcp.listen);
    } else if (!w->failing) {
        log_error("web: %s; tried again each %d s", err.text, RETRY_SECONDS);
    }
    pthread_mutex_lock(&w->lock);
    w->failing = code != 0;
    w->tcp = opened;
    pthread_mutex_unlock(&w->lock);
}

static void
close_door(struct web *w)
{
    pthread_mutex_lock(&w->lock);
    struct door *d = w->tcp;
    w->tcp = NULL;
    pthread_mutex_unlock(&w->lock);
    door_close(d);
}

/* Until somebody wakes it, or `until_ms`.  A new wish goes to `wish`. */
static bool
wait_for_work(struct web *w, int64_t until_ms, struct wish *wish, bool *wished)
{
    const struct timespec until = {.tv_sec = until_ms / 1000,
                                   .tv_nsec = until_ms % 1000 * 1000000};
    int r = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->wake && !w->stopping && r != ETIMEDOUT) {
        r = pthread_cond_timedwait(&w->woken, &w->lock, &until);
    }
    w->wake = false;
    *wished = w->wished;
    if (w->wished) {
        wish_free(wish);
        *wish = w->wish;
        w->wish = (struct wish){0};
        w->wished = false;
    }
    bool go_on = !w->stopping;
    pthread_mutex_unlock(&w->lock);
    return go_on;
}

/* What comes round in its time (clock_mono_ms()). */
struct rounds {
    int64_t ping_ms, retry_ms, look_ms;
};

static void
hang_up_on_the_slow(struct web *w)
{
    uint32_t count = w->tcp != NULL ? door_sweep(w->tcp) : 0;
    if (count > 0) {
        log_info("web: hung up on clients that took too long: %u", count);
    }
}

static void
go_round(struct web *w, struct rounds *due)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms >= due->ping_ms) {
        streams_ping(w->house.streams, w->service.still, w->keeper_own);
        due->ping_ms = now_ms + PING_MS;
    }
    if (now_ms >= due->look_ms) {
        int64_t patience_ms =
            w->service.patience_ms > 0 ? w->service.patience_ms : PATIENCE_MS;
        hang_up_on_the_slow(w);
        due->look_ms = now_ms + patience_ms / LOOKS_A_PATIENCE;
    }
}

static int64_t
next_round(const struct rounds *due)
{
    int64_t next_ms = due->ping_ms < due->retry_ms ? due->ping_ms : due->retry_ms;
    return next_ms < due->look_ms ? next_ms : due->look_ms;
}

/* The thread that tells the streams what is new, and keeps the TCP door open. */
static void *
keep(void *ctx)
{
    struct web *w = ctx;
    struct wish wish = {0};
    struct rounds due = {.ping_ms = clock_mono_ms() + PING_MS, .retry_ms = INT64_MAX};
    bool wished = false;
    bool told = w->service.news != NULL;
    int64_t seq = told ? w->service.news(w->keeper_own, w, -1) : 0;
    streams_begin(w->house.streams, seq);
    while (wait_for_work(w, next_round(&due), &wish, &wished)) {
        if (wished) {
            close_door(w);
            w->failing = false;
        }
        if ((wished || clock_mono_ms() >= due.retry_ms) && wish.tcp.listen != NULL) {
            keep_door(w, &wish);
            due.retry_ms =
                w->failing ? clock_mono_ms() + RETRY_SECONDS * 1000 : INT64_MAX;
        }
        if (told) {
            seq = w->service.news(w->keeper_own, w, seq);
            streams_flush(w->house.streams);
        }
        go_round(w, &due);
    }
    wish_free(&wish);
    return NULL;
}

static int
start_keeper(struct web *w, struct err *err)
{
    w->keeper_own = w->service.ctx;
    int code = w->service.open != NULL
                   ? w->service.open(w->service.ctx, &w->keeper_own, err)
                   : 0;
    if (code == 0 && pthread_create(&w->keeper, NULL, keep, w) != 0) {
        if (w->service.open != NULL) {
            w->service.close(w->keeper_own);
        }
        code = err_set(err, ERR_NOMEM, "web");
    }
    w->keeper_runs = code == 0;
    return code;
}

static void
stop_keeper(struct web *w)
{
    if (!w->keeper_runs) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->woken);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->keeper, NULL);
    if (w->service.open != NULL) {
        w->service.close(w->keeper_own);
    }
}

static void
init_waiting(struct web *w)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->woken, &attributes);
    pthread_condattr_destroy(&attributes);
}

int
web_start(struct web **out,
          const char *dir,
          const struct web_service *service,
          struct err *err)
{
    struct web *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return err_set(err, ERR_NOMEM, "web");
    }
    w->service = *service;
    w->house.service = &w->service;
    *out = w; /* A request may come before we return. */
    init_waiting(w);
    int code = endpoint_listen(&w->endpoint, dir, err);
    if (code != 0) {
        w->endpoint = (struct endpoint){.dir_fd = -1, .lock_fd = -1, .listen_fd = -1};
    }
    if (code == 0) {
        code = streams_new(&w->house.streams, err);
    }
    if (code == 0) {
        code = workers_start(&w->house.workers, &w->service, err);
    }
    if (code == 0) {
        code = start_keeper(w, err);
    }
    if (code == 0) {
        code = door_open(&w->local, &w->house, w->endpoint.listen_fd, NULL, err);
        w->endpoint.listen_fd = -1; /* The door's, or closed. */
    }
    if (code != 0) {
        *out = NULL;
        web_stop(w);
    }
    return code;
}

int
web_listen(struct web *w, const struct web_tcp *tcp, struct err *err)
{
    struct wish x;
    int code = wish_copy(&x, tcp, err);
    if (code == 0) {
        pthread_mutex_lock(&w->lock);
        wish_free(&w->wish);
        w->wish = x;
        w->wished = true;
        w->wake = true;
        pthread_cond_signal(&w->woken);
        pthread_mutex_unlock(&w->lock);
    }
    return code;
}

void
web_stop(struct web *w)
{
    if (w == NULL) {
        return;
    }
    stop_keeper(w);
    door_close(w->tcp);
    door_close(w->local);
    workers_stop(w->house.workers);
    streams_free(w->house.streams);
    endpoint_close(&w->endpoint);
    wish_free(&w->wish);
    pthread_cond_destroy(&w->woken);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void
web_wake(struct web *w)
{
    pthread_mutex_lock(&w->lock);
    w->wake = true;
    pthread_cond_signal(&w->woken);
    pthread_mutex_unlock(&w->lock);
}

void
web_publish(struct web *w, int64_t seq, const char *message, size_t size)
{
    streams_publish(w->house.streams, seq, message, size);
}

int64_t
web_news_since(struct web *w)
{
    return streams_since(w->house.streams);
}

void
web_figures(struct web *w, struct web_figures *out)
{
    out->requests = atomic_load(&w->house.requests);
    out->refused = atomic_load(&w->house.refused);
    out->streams = streams_count(w->house.streams);
    pthread_mutex_lock(&w->lock);
    out->listens = w->tcp != NULL;
    out->connections =
        door_connections(w->local) + (out->listens ? door_connections(w->tcp) : 0);
    pthread_mutex_unlock(&w->lock);
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
