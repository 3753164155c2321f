#include "collectors/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "collectors/bus_read.h"
#include "collectors/reactor.h"
#include "daemon/base/clock.h"

#define STACK_BYTES      (256 * 1024)
#define READ_WAIT_S      10
#define READ_PAUSES      2  /* Times as long as it took. */
#define THREAD_NAME_SIZE 16 /* The kernel's, with the NUL. */

enum read_state { READ_WAITS, READ_RUNS, READ_DONE };

/* A read that somebody waits for; lives on the reader's stack, guarded by the lock. */
struct read_wait {
    struct read_wait *next;
    uint32_t slot;
    enum read_state state;
    bool noticed; /* The worker has hurried its channel. */
    const struct read_request *q;
    struct read_answer *out;
    struct err err; /* code ERR_NONE: `out` is filled. */
};

/* One bus. */
struct slot {
    struct worker *worker;
    uint32_t id;
    const struct bus *bus;
    struct poller *poller;
    enum line_state line;
    int64_t read_free_us;     /* The polls go first until then. */
    bool reading;             /* The question under way is a reader's. */
    struct read_request q;    /* Its copy; the reader may leave. */
    struct read_wait *reader; /* Guarded by the lock; NULL: it left. */
    struct bus_stats *stats;
};

struct worker {
    pthread_t thread;
    struct reactor *reactor;
    struct slot *slots;
    uint32_t count;
    struct engine_clock *clock;
    struct ring *frames;
    atomic_bool stop;
    atomic_uint reads; /* In the list: most of the time none. */

    pthread_mutex_t lock; /* Guards what follows. */
    pthread_cond_t changed;
    struct read_wait *first; /* The oldest first. */
    uint32_t readers;        /* Inside worker_read(). */
};

/* ---- reads, with the lock held ---- */

static void
enlist(struct worker *w, struct read_wait *r)
{
    struct read_wait **at = &w->first;

    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = r;
    atomic_fetch_add(&w->reads, 1);
}

static void
strike(struct worker *w, const struct read_wait *r)
{
    struct read_wait **at = &w->first;

    while (*at != r) {
        at = &(*at)->next;
    }
    *at = r->next;
    atomic_fetch_sub(&w->reads, 1);
}

/* The oldest of a bus that waits; of any bus that the worker has not noticed yet. */
static struct read_wait *
find_waiting(const struct worker *w, uint32_t slot)
{
    struct read_wait *r = w->first;

    while (r != NULL && (r->state != READ_WAITS || r->slot != slot)) {
        r = r->next;
    }
    return r;
}

static struct read_wait *
find_unnoticed(const struct worker *w)
{
    struct read_wait *r = w->first;

    while (r != NULL && r->noticed) {
        r = r->next;
    }
    return r;
}

/* ---- what a channel asks of its user ---- */

/* A read goes before the polls that are due. */
static bool
next_read(struct slot *s, struct poller_ask *ask)
{
    struct worker *w = s->worker;

    if (atomic_load_explicit(&w->reads, memory_order_relaxed) == 0 ||
        s->line != LINE_UP) {
        return false;
    }
    pthread_mutex_lock(&w->lock);
    struct read_wait *r = find_waiting(w, s->id);
    if (r != NULL) {
        r->state = READ_RUNS;
        s->reader = r;
        s->reading = true;
        s->q = *r->q;
    }
    pthread_mutex_unlock(&w->lock);
    if (r == NULL) {
        return false;
    }
    int64_t timeout_us = s->bus->timeout_ms * 1000;
    *ask = (struct poller_ask){.q = s->q,
                               .device = NONE_INDEX,
                               .timeout_us = timeout_us,
                               .listen_us = timeout_us};
    return true;
}

/* Reads go first, but not always: one that took long is paid for with twice its time
 * for the polls, unless they leave enough of it. */
static bool
slot_next(void *arg, struct poller_now now, struct poller_ask *ask, int64_t *wake_us)
{
    struct slot *s = arg;

    if (now.mono_us >= s->read_free_us && next_read(s, ask)) {
        return true;
    }
    if (poller_next(s->poller, now, ask, wake_us)) {
        return true;
    }
    if (atomic_load_explicit(&s->worker->reads, memory_order_relaxed) > 0) {
        int64_t most_us = 2 * s->bus->timeout_ms * 1000; /* And listening to it. */
        if (*wake_us == INT64_MAX || *wake_us - now.mono_us > most_us) {
            return next_read(s, ask);
        }
        /* In the past it is no moment to wait for: the reads are another bus's. */
        if (s->read_free_us > now.mono_us && s->read_free_us < *wake_us) {
            *wake_us = s->read_free_us;
        }
    }
    return false;
}

static void
slot_answer(void *arg,
            struct poller_now now,
            const struct wire_result *res,
            const struct read_answer *answer)
{
    struct slot *s = arg;
    struct worker *w = s->worker;

    if (!s->reading) {
        poller_answer(s->poller, now, res, answer);
        return;
    }
    s->reading = false;
    s->read_free_us = now.mono_us + READ_PAUSES * res->took_us;
    stats_request(s->stats, NULL, res, now.mono_us / 1000, now.engine_ms);
    pthread_mutex_lock(&w->lock);
    struct read_wait *r = s->reader;
    s->reader = NULL;
    if (r != NULL) {
        if (read_result(res, s->q.unit, &r->err) == 0) {
            read_copy(r->out, answer, &s->q);
        }
        r->state = READ_DONE;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
}

static void
slot_line(void *arg, struct poller_now now, enum line_state state, const char *why)
{
    struct slot *s = arg;
    struct worker *w = s->worker;
    struct read_wait *r;

    if (state != s->line) {
        s->line = state;
        poller_line(s->poller, state, now);
    }
    if (state != LINE_DOWN) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    while ((r = find_waiting(w, s->id)) != NULL) {
        err_set(&r->err, ERR_IO, "%s", why);
        r->state = READ_DONE;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
}

/* ---- the thread ---- */

static void
notice_reads(struct worker *w)
{
    for (;;) {
        pthread_mutex_lock(&w->lock);
        struct read_wait *r = find_unnoticed(w);
        uint32_t slot = 0;
        if (r != NULL) {
            r->noticed = true;
            slot = r->slot;
        }
        pthread_mutex_unlock(&w->lock);
        if (r == NULL) {
            return;
        }
        reactor_hurry(w->reactor, slot);
    }
}

static void *
worker_main(void *arg)
{
    struct worker *w = arg;

    /* The silences of a serial line are counted in characters: the kernel's slack of
     * 50 us would be added to each. */
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    reactor_start(w->reactor);
    while (!atomic_load(&w->stop)) {
        if (reactor_turn(w->reactor)) {
            notice_reads(w);
        }
        ring_wake(w->frames); /* Once for all that this turn brought. */
    }
    return NULL;
}

/* Signals belong to the loop; the thread starts with all of them blocked. */
static int
spawn(struct worker *w, const char *name)
{
    char cut[THREAD_NAME_SIZE];
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
        int length = snprintf(cut, sizeof cut, "%.15s", name);
        (void)length; /* A name for people looking at top. */
        (void)pthread_setname_np(w->thread, cut);
    }
    return rc;
}

static int
init_sync(struct worker *w)
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

static int
init_slot(struct slot *s, const struct worker_args *args, uint32_t id, struct err *err)
{
    uint32_t bus = args->buses[id];
    struct poller_args p = {.site = args->site,
                            .decoders = args->decoders,
                            .bus = bus,
                            .frames = args->frames,
                            .devices = args->devices,
                            .stats = &args->stats[bus]};
    struct channel_args ch = {
        .bus = &args->site->buses[bus],
        .stats = &args->stats[bus],
        .tap = args->taps[bus],
        .clock = args->clock,
        .user = {
            .arg = s, .next = slot_next, .answer = slot_answer, .line = slot_line}};
    int64_t mono_us = clock_mono_us();
    struct poller_now now = {.mono_us = mono_us,
                             .engine_ms = engine_clock_now(args->clock)};

    s->id = id;
    s->bus = ch.bus;
    s->stats = ch.stats;
    s->line = LINE_OPENING;
    int rc = poller_new(&s->poller, &p, now, err);
    if (rc == 0) {
        rc = reactor_add(s->worker->reactor, ch, err);
    }
    return rc != 0 ? err_wrap(err, "bus %s", s->bus->id) : 0;
}

static void
worker_free(struct worker *w)
{
    reactor_free(w->reactor);
    for (uint32_t i = 0; i < w->count; i++) {
        poller_free(w->slots[i].poller);
    }
    free(w->slots);
    free(w);
}

int
worker_start(struct worker **out, const struct worker_args *args, struct err *err)
{
    struct worker *w = calloc(1, sizeof *w);
    int rc;

    if (w == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for the buses");
    }
    w->clock = args->clock;
    w->frames = args->frames;
    w->slots = calloc((size_t)args->count + 1, sizeof *w->slots);
    rc = w->slots == NULL ? err_set(err, ERR_NOMEM, "no memory for the buses")
                          : reactor_new(&w->reactor, args->count, err);
    for (uint32_t i = 0; rc == 0 && i < args->count; i++) {
        w->slots[i].worker = w;
        w->count++;
        rc = init_slot(&w->slots[i], args, i, err);
    }
    if (rc != 0) {
        worker_free(w);
        return rc;
    }
    rc = init_sync(w);
    if (rc == 0) {
        rc = spawn(w, args->name);
        if (rc != 0) {
            pthread_mutex_destroy(&w->lock);
            pthread_cond_destroy(&w->changed);
        }
    }
    if (rc != 0) {
        worker_free(w);
        return err_set(err, ERR_NOMEM, "bus thread: %s", err_reason(rc));
    }
    *out = w;
    return 0;
}

void
worker_ask_stop(struct worker *w)
{
    if (w != NULL) {
        atomic_store(&w->stop, true);
        reactor_wake(w->reactor);
        pthread_mutex_lock(&w->lock);
        pthread_cond_broadcast(&w->changed); /* Readers see it and leave. */
        pthread_mutex_unlock(&w->lock);
    }
}

void
worker_stop(struct worker *w)
{
    if (w == NULL) {
        return;
    }
    worker_ask_stop(w);
    pthread_join(w->thread, NULL);
    pthread_mutex_lock(&w->lock);
    pthread_cond_broadcast(&w->changed);
    while (w->readers > 0) { /* They see `stop` and leave. */
        pthread_cond_wait(&w->changed, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    worker_free(w);
}

/* ---- readers ---- */

/* With the lock held. */
static int
wait_for_read(struct worker *w, struct read_wait *r, struct err *err)
{
    struct timespec end;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += READ_WAIT_S;
    enlist(w, r);
    reactor_wake(w->reactor);
    while (r->state != READ_DONE && rc == 0 && !atomic_load(&w->stop)) {
        rc = pthread_cond_timedwait(&w->changed, &w->lock, &end);
    }
    strike(w, r);
    if (r->state == READ_RUNS) {
        w->slots[r->slot].reader = NULL; /* Its answer is nobody's. */
    }
    if (r->state != READ_DONE) {
        return atomic_load(&w->stop)
                   ? err_set(err, ERR_TIMEOUT,
                             "the lines are being closed; ask once more")
                   : err_set(err, ERR_TIMEOUT, "the bus did not come to it in time");
    }
    if (r->err.code != ERR_NONE) {
        return err_set(err, r->err.code, "%s", r->err.text);
    }
    return 0;
}

int
worker_read(struct worker *w,
            uint32_t slot,
            const struct read_request *q,
            struct read_answer *out,
            struct err *err)
{
    struct read_wait r = {.slot = slot, .q = q, .out = out};

    assert(slot < w->count);
    pthread_mutex_lock(&w->lock);
    w->readers++;
    int rc = wait_for_read(w, &r, err);
    w->readers--;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return rc;
}
