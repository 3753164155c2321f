#include "collectors/wire_tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct wire_tap {
    atomic_bool on;
    pthread_mutex_t lock;        /* Guards what follows. */
    struct wire_record *records; /* TAP_RECORDS of them; NULL: off. */
    uint64_t last;               /* Number of the newest; a tap begins at 1. */
    uint64_t kept_from;          /* Older ones are of a time before it was off. */
    int64_t fetched_us;
};

struct wire_tap *
wire_tap_new(void)
{
    struct wire_tap *t = calloc(1, sizeof *t);

    if (t != NULL && pthread_mutex_init(&t->lock, NULL) != 0) {
        free(t);
        return NULL;
    }
    if (t != NULL) {
        t->last = t->kept_from = 1; /* 0 is the cursor of who begins. */
    }
    return t;
}

void
wire_tap_free(struct wire_tap *t)
{
    if (t == NULL) {
        return;
    }
    pthread_mutex_destroy(&t->lock);
    free(t->records);
    free(t);
}

bool
wire_tap_is_on(struct wire_tap *t)
{
    return t != NULL && atomic_load_explicit(&t->on, memory_order_relaxed);
}

/* With the lock held. */
static void
switch_off(struct wire_tap *t)
{
    atomic_store(&t->on, false);
    free(t->records);
    t->records = NULL;
}

void
wire_tap_record(struct wire_tap *t,
                int64_t t_us,
                int64_t mono_us,
                bool sent,
                const uint8_t *bytes,
                size_t size)
{
    pthread_mutex_lock(&t->lock);
    if (t->records != NULL && mono_us - t->fetched_us > TAP_FOR_US) {
        switch_off(t);
    }
    while (t->records != NULL && size > 0) {
        struct wire_record *r = &t->records[++t->last % TAP_RECORDS];
        size_t part = size < sizeof r->bytes ? size : sizeof r->bytes;
        r->t_us = t_us;
        r->sent = sent;
        r->size = (uint16_t)part;
        memcpy(r->bytes, bytes, part);
        bytes += part;
        size -= part;
    }
    pthread_mutex_unlock(&t->lock);
}

/* With the lock held. */
static void
switch_on(struct wire_tap *t)
{
    t->records = calloc(TAP_RECORDS, sizeof *t->records);
    t->kept_from = t->last;
    atomic_store(&t->on, t->records != NULL);
}

size_t
wire_tap_fetch(struct wire_tap *t,
               int64_t mono_us,
               uint64_t *cursor,
               struct wire_record *out,
               size_t max)
{
    size_t count = 0;

    pthread_mutex_lock(&t->lock);
    t->fetched_us = mono_us;
    if (t->records == NULL) {
        switch_on(t);
    }
    uint64_t oldest = t->last > TAP_RECORDS ? t->last - TAP_RECORDS : 0;
    oldest = oldest > t->kept_from ? oldest : t->kept_from;
    if (*cursor == 0 || *cursor > t->last) {
        *cursor = t->last;
    } else if (*cursor < oldest) {
        *cursor = oldest;
    }
    while (t->records != NULL && count < max && *cursor < t->last) {
        out[count++] = t->records[++*cursor % TAP_RECORDS];
    }
    pthread_mutex_unlock(&t->lock);
    return count;
}
