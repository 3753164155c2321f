/* The thread of one bus. */
#include "collectors/bus_worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "collectors/poller.h"
#include "daemon/base/instant.h"

#define STACK_BYTES      (256 * 1024) /* The resolver is what needs most of it. */
#define READ_WAIT_S      10
#define THREAD_NAME_SIZE 16 /* The kernel's, with the NUL. */

/* One read at a time goes through this window; others wait for it to be free. */
enum window_state {
    WINDOW_FREE,
    WINDOW_ASKED,   /* The reader has put its question. */
    WINDOW_RUNNING, /* The worker is at it. */
    WINDOW_ANSWERED,
    WINDOW_FORSAKEN /* The reader went away while it was running. */
};

struct bus_worker {
    pthread_t thread;
    struct poller *poller;
    struct bus_stats stats;
    atomic_bool stop;
    int wake; /* eventfd: there is a question, or it is time to stop. */

    pthread_mutex_t lock; /* Guards what follows. */
    pthread_cond_t changed;
    enum window_state window;
    uint32_t readers; /* Inside bus_worker_read(). */
    struct read_request question;
    struct read_answer answer;
    struct err answer_err; /* code ERR_NONE: `answer` holds. */
};

static void
wake_up(struct bus_worker *w)
{
    uint64_t one = 1;

    /* Fails only when the counter is full, and then it is awake. */
    (void)!write(w->wake, &one, sizeof one);
}

static void
serve_read(struct bus_worker *w)
{
    struct read_request q;
    struct read_answer answer;
    struct err err = {0};

    pthread_mutex_lock(&w->lock);
    if (w->window != WINDOW_ASKED) {
        pthread_mutex_unlock(&w->lock);
        return;
    }
    w->window = WINDOW_RUNNING;
    q = w->question;
    pthread_mutex_unlock(&w->lock);

    memset(&answer, 0, sizeof answer);
    poller_read(w->poller, &q, &answer, &err);

    pthread_mutex_lock(&w->lock);
    w->answer = answer;
    w->answer_err = err;
    w->window = w->window == WINDOW_FORSAKEN ? WINDOW_FREE : WINDOW_ANSWERED;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void
sleep_until(struct bus_worker *w, int64_t due_ms)
{
    int64_t left_ms = due_ms - clock_mono_ms();
    struct pollfd p = {.fd = w->wake, .events = POLLIN};
    uint64_t count;

    if (left_ms < 0) {
        left_ms = 0;
    }
    if (poll(&p, 1, left_ms < 3600000 ? (int)left_ms : 3600000) > 0) {
        (void)!read(w->wake, &count, sizeof count);
    }
}

static void *
worker_main(void *arg)
{
    struct bus_worker *w = arg;

    while (!atomic_load(&w->stop)) {
        serve_read(w);
        int64_t now_ms = clock_mono_ms();
        int64_t due_ms = poller_due(w->poller);
        if (due_ms <= now_ms) {
            poller_step(w->poller, now_ms);
        } else {
            sleep_until(w, due_ms);
        }
    }
    return NULL;
}

static int64_t
shortest_poll(const struct site *site, uint32_t bus)
{
    int64_t shortest = INSTANT_MAX;

    for (uint32_t i = 0; i < site->device_count; i++) {
        const struct device *d = &site->devices[i];
        for (uint32_t k = 0; device_is_polled(site, i, bus) && k < d->point_count;
             k++) {
            const struct point *p = &site->points[d->first_point + k];
            if (p->table != REG_NONE && p->poll_ms < shortest) {
                shortest = p->poll_ms;
            }
        }
    }
    return shortest;
}

/* Signals belong to the loop; the thread starts with all of them blocked. */
static int
spawn(struct bus_worker *w, const char *id)
{
    char name[THREAD_NAME_SIZE];
    pthread_attr_t attr;
    sigset_t all, old;
    int rc = pthread_attr_init(&attr);

    if (rc != 0) {
        return rc;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (rc == 0) {
        rc = pthread_create(&w->thread, &attr, worker_main, w);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    if (rc == 0) {
        int length = snprintf(name, sizeof name, "bus:%.11s", id);
        (void)length; /* Cut: a name for people looking at top. */
        (void)pthread_setname_np(w->thread, name);
    }
    return rc;
}

static int
init_sync(struct bus_worker *w)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);

    if (rc != 0) {
        return rc;
    }
    /* A step of the wall clock must not lengthen a reader's wait. */
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    rc = pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (rc == 0) {
        rc = pthread_mutex_init(&w->lock, NULL);
        if (rc != 0) {
            pthread_cond_destroy(&w->changed);
        }
    }
    return rc;
}

int
bus_worker_start(struct bus_worker **out,
                 const struct site *site,
                 uint32_t bus,
                 struct engine_clock *clock,
                 struct ring *frames,
                 struct device_stats *devices,
                 struct err *err)
{
    struct bus_worker *w = calloc(1, sizeof *w);
    int64_t now_ms = clock_mono_ms();
    int rc;

    if (w == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a bus");
    }
    bus_stats_init(&w->stats, now_ms, shortest_poll(site, bus));
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->wake < 0) {
        rc = err_set(err, ERR_IO, "eventfd: %s", strerror(errno));
        goto fail;
    }
    struct poller_args args = {.site = site,
                               .bus = bus,
                               .clock = clock,
                               .frames = frames,
                               .devices = devices,
                               .stats = &w->stats,
                               .stop = &w->stop};
    rc = poller_new(&w->poller, &args, now_ms, err);
    if (rc != 0) {
        goto fail;
    }
    rc = init_sync(w);
    if (rc != 0) {
        rc = err_set(err, ERR_NOMEM, "bus lock: %s", strerror(rc));
        goto fail;
    }
    rc = spawn(w, site->buses[bus].id);
    if (rc != 0) {
        rc = err_set(err, ERR_NOMEM, "bus thread: %s", strerror(rc));
        pthread_mutex_destroy(&w->lock);
        pthread_cond_destroy(&w->changed);
        goto fail;
    }
    *out = w;
    return 0;
fail:
    poller_free(w->poller);
    if (w->wake >= 0) {
        close(w->wake);
    }
    free(w);
    return rc;
}

void
bus_worker_ask_stop(struct bus_worker *w)
{
    if (w != NULL) {
        atomic_store(&w->stop, true);
        wake_up(w);
    }
}

void
bus_worker_stop(struct bus_worker *w)
{
    if (w == NULL) {
        return;
    }
    bus_worker_ask_stop(w);
    pthread_join(w->thread, NULL);
    pthread_mutex_lock(&w->lock);
    pthread_cond_broadcast(&w->changed);
    while (w->readers > 0) { /* They see `stop` and leave. */
        pthread_cond_wait(&w->changed, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    poller_free(w->poller);
    close(w->wake);
    free(w);
}

/* With the lock held: waits until the window is in `wanted`.  False: too late. */
static bool
wait_window(struct bus_worker *w, enum window_state wanted, const struct timespec *end)
{
    int rc = 0;

    while (w->window != wanted && rc == 0 && !atomic_load(&w->stop)) {
        rc = pthread_cond_timedwait(&w->changed, &w->lock, end);
    }
    return w->window == wanted;
}

static int
read_through_window(struct bus_worker *w,
                    const struct read_request *q,
                    struct read_answer *out,
                    struct err *err)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += READ_WAIT_S;
    if (!wait_window(w, WINDOW_FREE, &end)) {
        return err_set(err, ERR_TIMEOUT, "the bus is busy with other reads");
    }
    w->question = *q;
    w->window = WINDOW_ASKED;
    wake_up(w);
    if (!wait_window(w, WINDOW_ANSWERED, &end)) {
        w->window = w->window == WINDOW_RUNNING ? WINDOW_FORSAKEN : WINDOW_FREE;
        pthread_cond_broadcast(&w->changed);
        return err_set(err, ERR_TIMEOUT, "the bus did not come to it in time");
    }
    w->window = WINDOW_FREE;
    pthread_cond_broadcast(&w->changed);
    if (w->answer_err.code != ERR_NONE) {
        return err_set(err, w->answer_err.code, "%s", w->answer_err.text);
    }
    *out = w->answer;
    return 0;
}

int
bus_worker_read(struct bus_worker *w,
                const struct read_request *q,
                struct read_answer *out,
                struct err *err)
{
    int rc;

    pthread_mutex_lock(&w->lock);
    w->readers++;
    rc = read_through_window(w, q, out, err);
    w->readers--;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return rc;
}

struct bus_counts
bus_worker_counts(const struct bus_worker *w)
{
    return bus_stats_read(&w->stats, clock_mono_ms());
}
