#include "daemon/store/history.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/base/ring.h"
#include "daemon/store/history_clock.h"
#include "daemon/store/history_db.h"
#include "daemon/store/history_keep.h"

#define RING_BYTES  ((size_t)4 << 20) /* Frames that wait for the writer. */
#define RING_WAKE   (RING_BYTES / 2)  /* Fuller than this: the writer does not wait. */
#define BATCH_BYTES ((size_t)4 << 20) /* Frames of one commit, or kept for a retry. */
#define DROP_ROUNDS 8                 /* Tries to make room before giving up. */

_Static_assert(RING_BYTES >= 8 * FRAME_BYTES_MAX, "must absorb some large frames");
_Static_assert(BATCH_BYTES >= 2 * FRAME_BYTES_MAX, "half of it is dropped at a time");

struct history {
    const struct site *site;
    struct ring *ring;
    struct history_db *db; /* The thread's alone. */
    pthread_t thread;
    bool was_synchronised; /* The clock, before it was opened. */

    pthread_mutex_t lock;
    pthread_cond_t wake; /* The writer has something to do before its time. */
    pthread_cond_t done; /* flush_done has moved. */
    bool stop;
    bool hurry;
    uint64_t flush_wanted, flush_done; /* Rounds asked for and finished. */
    struct err last;                   /* Of the last commit; code 0: it went well. */

    unsigned char *batch; /* The thread's alone, as all below. */
    size_t batch_size, batch_capacity;
    int64_t newest_ms; /* Of the frames under a trusted clock; INSTANT_NONE: none. */
    struct history_present present;

    /* The pusher's alone: what was said of the clock last. */
    int64_t clock_offset_ms;
    bool clock_trusted, clock_synchronised;
    bool clock_waits; /* It found no room yet. */

    atomic_size_t waiting; /* Bytes in the ring, about. */
    atomic_uint_least64_t frames, samples, dropped, commits, damaged;
    atomic_bool failing;
    atomic_bool full;
};

/* Drops the older half of the batch: while the disk does not take it, the newest
 * samples are worth more.  What was said of the clock still holds for those. */
static void
halve_batch(struct history *h)
{
    size_t at = 0;
    uint64_t count = 0;
    struct frame clock;
    bool told = false;
    while (at < h->batch_size / 2) {
        const struct frame *f = (const void *)(h->batch + at);
        at += frame_bytes(f->count);
        if (history_clock_is_record(f)) {
            memcpy(&clock, f, sizeof clock);
            told = true;
        } else {
            count++;
        }
    }
    if (told) {
        at -= sizeof clock; /* It takes the place of what goes last. */
        memcpy(h->batch + at, &clock, sizeof clock);
    }
    memmove(h->batch, h->batch + at, h->batch_size - at);
    h->batch_size -= at;
    atomic_fetch_add(&h->dropped, count);
}

static bool
room_in_batch(struct history *h)
{
    if (h->batch_size + FRAME_BYTES_MAX <= h->batch_capacity) {
        return true;
    }
    if (h->batch_size + FRAME_BYTES_MAX > BATCH_BYTES) {
        return false;
    }
    size_t capacity =
        h->batch_capacity == 0 ? 4 * FRAME_BYTES_MAX : 2 * h->batch_capacity;
    capacity = capacity < BATCH_BYTES ? capacity : BATCH_BYTES;
    unsigned char *batch = realloc(h->batch, capacity);
    if (batch == NULL) {
        return false; /* The ring keeps the rest until this batch is written. */
    }
    h->batch = batch;
    h->batch_capacity = capacity;
    return true;
}

/* Moves frames from the ring to the batch.  True when the ring is empty. */
static bool
collect(struct history *h)
{
    if (h->batch_size > 0 && !room_in_batch(h)) {
        halve_batch(h);
    }
    while (room_in_batch(h)) {
        size_t size = ring_pop(h->ring, h->batch + h->batch_size,
                               h->batch_capacity - h->batch_size);
        if (size == 0) {
            return true;
        }
        const struct frame *f = (const void *)(h->batch + h->batch_size);
        if (history_clock_is_record(f)) {
            h->newest_ms = INSTANT_NONE; /* It may have been set back. */
        } else if (!(f->flags & FRAME_CLOCK_UNTRUSTED) && f->t_ms > h->newest_ms) {
            h->newest_ms = f->t_ms;
        }
        h->batch_size += size;
        atomic_fetch_sub(&h->waiting, size);
    }
    return false;
}

/* The time by which samples are too old, as far as the clock is believed. */
static int64_t
present(struct history *h)
{
    history_present_step(&h->present, h->newest_ms, clock_mono_ms());
    return h->newest_ms != INSTANT_NONE ? h->present.t_ms : INSTANT_NONE;
}

/* Tries to write the batch; makes room, or begins a new file, where that may help. */
static int
write_batch(struct history *h, struct err *err)
{
    enum history_trouble trouble = HISTORY_OTHER;
    bool set_aside = false;
    int64_t now_ms = present(h);
    int rc = history_db_write(h->db, h->batch, h->batch_size, now_ms, &trouble, err);
    for (int round = 0; rc != 0 && round < DROP_ROUNDS; round++) {
        if (trouble == HISTORY_FULL) {
            struct err ignored = {0}; /* The first error says more. */
            if (history_db_drop_oldest(h->db, &ignored) != 0) {
                return rc;
            }
        } else if (trouble == HISTORY_DAMAGED && !set_aside) {
            set_aside = true;
            int aside = history_db_set_aside(h->db, err);
            if (aside != 0) {
                return aside;
            }
        } else {
            return rc;
        }
        rc = history_db_write(h->db, h->batch, h->batch_size, now_ms, &trouble, err);
    }
    return rc;
}

static void
count_batch(struct history *h)
{
    for (size_t at = 0; at < h->batch_size;) {
        const struct frame *f = (const void *)(h->batch + at);
        if (!history_clock_is_record(f)) {
            atomic_fetch_add(&h->frames, 1);
            atomic_fetch_add(&h->samples, f->count);
        }
        at += frame_bytes(f->count);
    }
    atomic_fetch_add(&h->commits, 1);
    atomic_store(&h->damaged, history_db_damaged(h->db));
    h->batch_size = 0;
}

/* Everything that waits goes to the disk, or stays in the batch for the next round. */
static void
write_all(struct history *h, struct err *err)
{
    bool empty = false;
    while (!empty) {
        empty = collect(h);
        if (h->batch_size == 0) {
            break;
        }
        int rc = write_batch(h, err);
        atomic_store(&h->full, history_db_space(h->db).full);
        if (rc != 0) {
            if (!atomic_exchange(&h->failing, true)) {
                log_error("%s; samples are kept in memory and the oldest dropped",
                          err->text);
            }
            return;
        }
        count_batch(h);
        if (atomic_exchange(&h->failing, false)) {
            log_info("the history is written again");
        }
    }
    err->code = ERR_NONE;
}

static void
deadline_in(struct timespec *out, int64_t ms)
{
    clock_gettime(CLOCK_MONOTONIC, out);
    out->tv_sec += ms / 1000;
    out->tv_nsec += ms % 1000 * 1000000;
    if (out->tv_nsec >= 1000000000) {
        out->tv_sec++;
        out->tv_nsec -= 1000000000;
    }
}

static void *
run(void *arg)
{
    struct history *h = arg;
    struct timespec deadline;
    struct err err = {0};
    bool stop = false;
    while (!stop) {
        deadline_in(&deadline, h->site->history.flush_ms);
        pthread_mutex_lock(&h->lock);
        int rc = 0;
        while (rc == 0 && !h->stop && !h->hurry && h->flush_wanted == h->flush_done) {
            rc = pthread_cond_timedwait(&h->wake, &h->lock, &deadline);
        }
        uint64_t wanted = h->flush_wanted;
        h->hurry = false;
        stop = h->stop;
        pthread_mutex_unlock(&h->lock);

        write_all(h, &err);

        pthread_mutex_lock(&h->lock);
        h->last = err;
        h->flush_done = wanted;
        pthread_cond_broadcast(&h->done);
        pthread_mutex_unlock(&h->lock);
    }
    return NULL;
}

static void
free_history(struct history *h)
{
    history_db_close(h->db);
    ring_free(h->ring);
    pthread_cond_destroy(&h->wake);
    pthread_cond_destroy(&h->done);
    pthread_mutex_destroy(&h->lock);
    free(h->batch);
    free(h);
}

int
history_open(struct history **out,
             const char *dir,
             const struct site *site,
             struct err *err)
{
    pthread_condattr_t monotonic;
    struct err local = {0};
    struct history *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return err_set(err, ERR_NOMEM, "history");
    }
    h->site = site;
    h->newest_ms = INSTANT_NONE;
    h->present.mono_ms = INSTANT_NONE;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&h->wake, &monotonic);
    pthread_cond_init(&h->done, NULL);
    pthread_condattr_destroy(&monotonic);
    int rc = ring_new(&h->ring, RING_BYTES, &local);
    if (rc == 0) {
        rc = history_db_open(&h->db, dir, site, &local);
    }
    if (rc == 0) {
        h->was_synchronised = history_db_was_synchronised(h->db);
        h->present.t_ms = history_db_space(h->db).present_ms;
        atomic_store(&h->damaged, history_db_damaged(h->db));
        int failure = pthread_create(&h->thread, NULL, run, h);
        if (failure != 0) {
            rc = err_set(&local, ERR_IO, "history thread: %s", err_reason(failure));
        } else {
            (void)pthread_setname_np(h->thread, "history"); /* For people and top. */
        }
    }
    if (rc != 0) {
        free_history(h);
        return err_set(err, local.code, "%s", local.text);
    }
    *out = h;
    return 0;
}

void
history_close(struct history *h)
{
    if (h == NULL) {
        return;
    }
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    if (h->batch_size > 0) {
        log_error("the last samples were not written: %s", h->last.text);
    }
    free_history(h);
}

static bool
push(struct history *h, const struct frame *f)
{
    size_t size = frame_bytes(f->count);
    /* Counted before it is there, so that the writer never counts below zero. */
    size_t before = atomic_fetch_add(&h->waiting, size);
    if (!ring_push(h->ring, f, size)) {
        atomic_fetch_sub(&h->waiting, size);
        return false;
    }
    if (before < RING_WAKE && before + size >= RING_WAKE) {
        pthread_mutex_lock(&h->lock);
        h->hurry = true;
        pthread_cond_signal(&h->wake);
        pthread_mutex_unlock(&h->lock);
    }
    return true;
}

static void
push_clock(struct history *h)
{
    struct frame record;
    history_clock_record(&record, h->clock_offset_ms, h->clock_trusted,
                         h->clock_synchronised);
    h->clock_waits = !push(h, &record);
}

bool
history_push(struct history *h, const struct frame *f)
{
    /* No frame comes before what was said of its clock. */
    if (h->clock_waits) {
        push_clock(h);
    }
    bool pushed = !h->clock_waits && push(h, f);
    if (!pushed) {
        atomic_fetch_add(&h->dropped, 1);
    }
    return pushed;
}

void
history_clock(struct history *h, int64_t offset_ms, bool trusted, bool synchronised)
{
    h->clock_offset_ms = offset_ms;
    h->clock_trusted = trusted;
    h->clock_synchronised = synchronised;
    push_clock(h);
}

bool
history_was_synchronised(const struct history *h)
{
    return h->was_synchronised;
}

int
history_flush(struct history *h, struct err *err)
{
    pthread_mutex_lock(&h->lock);
    /* Two calls may share one round, but not one that had begun before. */
    uint64_t mine = ++h->flush_wanted;
    pthread_cond_signal(&h->wake);
    while (h->flush_done < mine) {
        pthread_cond_wait(&h->done, &h->lock);
    }
    struct err last = h->last;
    pthread_mutex_unlock(&h->lock);
    return last.code == ERR_NONE ? 0 : err_set(err, last.code, "%s", last.text);
}

struct history_counts
history_count(const struct history *h)
{
    return (struct history_counts){.frames = atomic_load(&h->frames),
                                   .samples = atomic_load(&h->samples),
                                   .dropped = atomic_load(&h->dropped),
                                   .commits = atomic_load(&h->commits),
                                   .damaged = atomic_load(&h->damaged),
                                   .failing = atomic_load(&h->failing),
                                   .full = atomic_load(&h->full)};
}
