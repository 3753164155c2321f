#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/pipeline/live/live_inside.h"

int
request_queue_open(struct request_queue *q, struct err *err)
{
    memset(q, 0, sizeof *q);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->answered, NULL);
    q->last = &q->first;
    q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (q->fd < 0) {
        return err_set(err, ERR_IO, "eventfd: %s", err_reason(errno));
    }
    return 0;
}

void
request_queue_free(struct request_queue *q)
{
    if (q->fd > 0) {
        close(q->fd);
    }
    pthread_cond_destroy(&q->answered);
    pthread_mutex_destroy(&q->lock);
}

int
request_ask(struct request_queue *q, struct request *r)
{
    r->done = false;
    r->next = NULL;
    r->heard = (int)catalogue_language();
    pthread_mutex_lock(&q->lock);
    if (q->closed) {
        pthread_mutex_unlock(&q->lock);
        r->code = err_set(&r->err, ERR_IO, "the daemon is stopping");
        return r->code;
    }
    *q->last = r;
    q->last = &r->next;
    uint64_t one = 1;
    ssize_t n = write(q->fd, &one, sizeof one);
    assert(n == (ssize_t)sizeof one || errno == EAGAIN);
    while (!r->done) {
        pthread_cond_wait(&q->answered, &q->lock);
    }
    pthread_mutex_unlock(&q->lock);
    return r->code;
}

struct request *
request_take(struct request_queue *q)
{
    uint64_t count = 0;
    ssize_t n = read(q->fd, &count, sizeof count);
    assert(n == (ssize_t)sizeof count || errno == EAGAIN);
    pthread_mutex_lock(&q->lock);
    struct request *all = q->first;
    q->first = NULL;
    q->last = &q->first;
    pthread_mutex_unlock(&q->lock);
    return all;
}

void
request_answer(struct request_queue *q, struct request *r)
{
    pthread_mutex_lock(&q->lock);
    r->done = true;
    pthread_cond_broadcast(&q->answered);
    pthread_mutex_unlock(&q->lock);
}

void
request_queue_close(struct request_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_mutex_unlock(&q->lock);
    struct request *r = request_take(q);
    while (r != NULL) {
        struct request *next = r->next;
        r->code = err_set(&r->err, ERR_IO, "the daemon is stopping");
        request_answer(q, r);
        r = next;
    }
}
