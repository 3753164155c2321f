#include "daemon/web/workers.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "daemon/base/log.h"

/* Of each thread; one report does not hold up a ticket's evidence. */
static const enum web_lane lane_of[] = {WEB_QUICK, WEB_QUICK, WEB_SLOW,
                                        WEB_SLOW,  WEB_JOB,   WEB_PASSWORD};
#define THREADS ARRAY_LEN(lane_of)
/* What may wait: some hundred viewers that all reload; what takes seconds each. */
static const unsigned lane_waiting[WEB_LANES] = {
    [WEB_QUICK] = 512, [WEB_SLOW] = 16, [WEB_JOB] = 2, [WEB_PASSWORD] = 32};

struct queue {
    struct job *first, **last;
    unsigned waiting, waiting_max;
    pthread_cond_t filled;
};

struct workers {
    const struct web_service *service; /* Borrowed. */
    pthread_mutex_t lock;
    struct queue lanes[WEB_LANES];
    bool stopping;
    struct worker {
        struct workers *all;
        struct queue *queue;
        pthread_t thread;
        void *own; /* What the service gave. */
        bool opened, runs;
    } each[THREADS];
};

static struct job *
next_job(struct workers *w, struct queue *q)
{
    pthread_mutex_lock(&w->lock);
    while (q->first == NULL && !w->stopping) {
        pthread_cond_wait(&q->filled, &w->lock);
    }
    struct job *j = q->first;
    if (j != NULL) {
        q->first = j->next;
        if (q->first == NULL) {
            q->last = &q->first;
        }
        q->waiting--;
    }
    pthread_mutex_unlock(&w->lock);
    return j;
}

static void *
work(void *ctx)
{
    struct worker *me = ctx;
    for (struct job *j; (j = next_job(me->all, me->queue)) != NULL;) {
        j->run(j, me->own);
    }
    return NULL;
}

static void
queue_init(struct queue *q, unsigned waiting_max)
{
    q->last = &q->first;
    q->waiting_max = waiting_max;
    pthread_cond_init(&q->filled, NULL);
}

int
workers_start(struct workers **out, const struct web_service *service, struct err *err)
{
    struct workers *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return err_set(err, ERR_NOMEM, "workers");
    }
    int code = 0;
    w->service = service;
    pthread_mutex_init(&w->lock, NULL);
    for (int l = 0; l < WEB_LANES; l++) {
        queue_init(&w->lanes[l], lane_waiting[l]);
    }
    for (size_t i = 0; i < THREADS && code == 0; i++) {
        struct worker *me = &w->each[i];
        me->all = w;
        me->queue = &w->lanes[lane_of[i]];
        me->own = service->ctx;
        code = service->open != NULL ? service->open(service->ctx, &me->own, err) : 0;
        me->opened = code == 0;
        if (code == 0 && pthread_create(&me->thread, NULL, work, me) != 0) {
            code = err_set(err, ERR_NOMEM, "a worker of the web server");
        } else {
            me->runs = code == 0;
        }
    }
    if (code != 0) {
        workers_stop(w);
        return code;
    }
    *out = w;
    return 0;
}

void
workers_stop(struct workers *w)
{
    if (w == NULL) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    for (int l = 0; l < WEB_LANES; l++) {
        pthread_cond_broadcast(&w->lanes[l].filled);
    }
    pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < THREADS; i++) {
        struct worker *me = &w->each[i];
        if (me->runs) {
            pthread_join(me->thread, NULL);
        }
        if (me->opened && w->service->open != NULL) {
            w->service->close(me->own);
        }
    }
    for (int l = 0; l < WEB_LANES; l++) {
        pthread_cond_destroy(&w->lanes[l].filled);
    }
    pthread_mutex_destroy(&w->lock);
    free(w);
}

bool
workers_take(struct workers *w, struct job *j, enum web_lane lane)
{
    struct queue *q = &w->lanes[lane];
    pthread_mutex_lock(&w->lock);
    bool taken = !w->stopping && q->waiting < q->waiting_max;
    if (taken) {
        j->next = NULL;
        *q->last = j;
        q->last = &j->next;
        q->waiting++;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&w->lock);
    return taken;
}
