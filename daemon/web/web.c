#include "daemon/web/web.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/web/door.h"
#include "daemon/web/endpoint.h"
#include "daemon/web/listen.h"

#define PING_SECONDS 15 /* Proxies close what is silent for longer (often 60 s). */

struct web {
    struct web_service service;
    struct house house;
    struct endpoint endpoint;
    struct door *local, *tcp;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool wake, stopping;
    pthread_t news;
    bool news_runs;
    void *news_own; /* What the service gave it. */
};

/* Until somebody wakes it, or it is time for a sign of life (false). */
static bool
wait_for_news(struct web *w, const struct timespec *until)
{
    int r = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->wake && !w->stopping && r != ETIMEDOUT) {
        r = pthread_cond_timedwait(&w->woken, &w->lock, until);
    }
    w->wake = false;
    pthread_mutex_unlock(&w->lock);
    return r != ETIMEDOUT;
}

static void
next_ping(struct timespec *t)
{
    (void)clock_gettime(CLOCK_MONOTONIC, t);
    t->tv_sec += PING_SECONDS;
}

static void *
tell_news(void *ctx)
{
    struct web *w = ctx;
    struct timespec ping;
    int64_t seq = w->service.news(w->news_own, w, -1);
    streams_begin(w->house.streams, seq);
    next_ping(&ping);
    for (;;) {
        bool woken = wait_for_news(w, &ping);
        pthread_mutex_lock(&w->lock);
        bool stopping = w->stopping;
        pthread_mutex_unlock(&w->lock);
        if (stopping) {
            return NULL;
        }
        seq = w->service.news(w->news_own, w, seq);
        streams_flush(w->house.streams);
        if (!woken) {
            streams_ping(w->house.streams, w->service.still, w->news_own);
            next_ping(&ping);
        }
    }
}

static int
start_news(struct web *w, struct err *err)
{
    if (w->service.news == NULL) {
        return 0;
    }
    w->news_own = w->service.ctx;
    int code =
        w->service.open != NULL ? w->service.open(w->service.ctx, &w->news_own, err) : 0;
    if (code == 0 && pthread_create(&w->news, NULL, tell_news, w) != 0) {
        if (w->service.open != NULL) {
            w->service.close(w->news_own);
        }
        code = err_set(err, ERR_NOMEM, "web");
    }
    w->news_runs = code == 0;
    return code;
}

static void
stop_news(struct web *w)
{
    if (!w->news_runs) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->woken);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->news, NULL);
    if (w->service.open != NULL) {
        w->service.close(w->news_own);
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
        code = start_news(w, err);
    }
    if (code == 0) {
        code = door_open(&w->local, &w->house, w->endpoint.listen_fd, NULL, err);
        w->endpoint.listen_fd = -1; /* The door's, or closed. */
    }
    if (code != 0) {
        web_stop(w);
        return code;
    }
    *out = w;
    return 0;
}

int
web_listen(struct web *w, const struct web_tcp *tcp, struct err *err)
{
    int fd = -1;
    door_close(w->tcp);
    w->tcp = NULL;
    if (tcp->listen == NULL) {
        return 0;
    }
    int code = listen_tcp(&fd, tcp->listen, err);
    return code == 0 ? door_open(&w->tcp, &w->house, fd, tcp, err) : code;
}

void
web_stop(struct web *w)
{
    if (w == NULL) {
        return;
    }
    door_close(w->tcp);
    door_close(w->local);
    stop_news(w);
    workers_stop(w->house.workers);
    streams_free(w->house.streams);
    endpoint_close(&w->endpoint);
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
    out->connections = (w->local != NULL ? door_connections(w->local) : 0) +
                       (w->tcp != NULL ? door_connections(w->tcp) : 0);
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
