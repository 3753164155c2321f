#include "daemon/base/ring.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A record is its size, then its bytes, rounded up to RECORD_ALIGN; it may wrap round
 * the end.  head and tail only grow until the ring is empty; the difference is what is
 * in the ring. */
#define RECORD_ALIGN 8

struct ring {
    pthread_mutex_t lock;
    unsigned char *bytes;
    size_t size; /* A power of two. */
    uint64_t head, tail;
    uint64_t dropped;
    bool woken; /* The reader has been told. */
    int fd;
};

int
ring_new(struct ring **out, size_t size, struct err *err)
{
    struct ring *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return err_set(err, ERR_NOMEM, "ring");
    }
    r->size = 64;
    while (r->size < size) {
        r->size *= 2;
    }
    pthread_mutex_init(&r->lock, NULL);
    r->bytes = malloc(r->size);
    r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->bytes == NULL || r->fd < 0) {
        err_set(err, r->bytes == NULL ? ERR_NOMEM : ERR_IO, "ring of %zu bytes: %s",
                r->size, err_reason(errno));
        ring_free(r);
        return err != NULL ? err->code : ERR_NOMEM;
    }
    *out = r;
    return 0;
}

void
ring_free(struct ring *r)
{
    if (r == NULL) {
        return;
    }
    if (r->fd >= 0) {
        close(r->fd);
    }
    pthread_mutex_destroy(&r->lock);
    free(r->bytes);
    free(r);
}

static void
copy_in(struct ring *r, uint64_t at, const void *from, size_t size)
{
    size_t offset = (size_t)(at & (r->size - 1));
    size_t first = r->size - offset < size ? r->size - offset : size;
    memcpy(r->bytes + offset, from, first);
    memcpy(r->bytes, (const unsigned char *)from + first, size - first);
}

static void
copy_out(const struct ring *r, uint64_t at, void *to, size_t size)
{
    size_t offset = (size_t)(at & (r->size - 1));
    size_t first = r->size - offset < size ? r->size - offset : size;
    memcpy(to, r->bytes + offset, first);
    memcpy((unsigned char *)to + first, r->bytes, size - first);
}

static size_t
record_bytes(size_t size)
{
    return (sizeof(uint64_t) + size + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1);
}

bool
ring_put(struct ring *r, const void *record, size_t size)
{
    assert(size > 0);
    size_t needed = record_bytes(size);
    pthread_mutex_lock(&r->lock);
    bool fits = needed <= r->size - (size_t)(r->head - r->tail);
    if (fits) {
        uint64_t header = size;
        copy_in(r, r->head, &header, sizeof header);
        copy_in(r, r->head + sizeof header, record, size);
        r->head += needed;
    } else {
        r->dropped++;
    }
    bool crowded = r->head - r->tail > r->size / 4;
    pthread_mutex_unlock(&r->lock);
    if (crowded) {
        ring_wake(r);
    }
    return fits;
}

void
ring_wake(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    bool needed = r->head != r->tail && !r->woken;
    r->woken = r->woken || needed;
    pthread_mutex_unlock(&r->lock);
    if (needed) {
        uint64_t one = 1;
        ssize_t n = write(r->fd, &one, sizeof one);
        assert(n == (ssize_t)sizeof one || errno == EAGAIN);
    }
}

bool
ring_push(struct ring *r, const void *record, size_t size)
{
    bool fits = ring_put(r, record, size);

    ring_wake(r);
    return fits;
}

size_t
ring_pop(struct ring *r, void *out, size_t out_size)
{
    pthread_mutex_lock(&r->lock);
    size_t size = 0;
    if (r->head != r->tail) {
        uint64_t header = 0;
        copy_out(r, r->tail, &header, sizeof header);
        size = (size_t)header;
        assert(size <= out_size);
        copy_out(r, r->tail + sizeof header, out, size);
        r->tail += record_bytes(size);
    } else {
        /* Cleared under the lock: a push after this sees an empty ring and signals. */
        uint64_t count = 0;
        ssize_t n = read(r->fd, &count, sizeof count);
        assert(n == (ssize_t)sizeof count || errno == EAGAIN);
        /* From the beginning again: only what a backlog needs becomes resident, and
         * it stays in the cache. */
        r->head = r->tail = 0;
        r->woken = false;
    }
    pthread_mutex_unlock(&r->lock);
    return size;
}

int
ring_fd(const struct ring *r)
{
    return r->fd;
}

uint64_t
ring_dropped(const struct ring *r)
{
    /* The lock is taken through a copy of the pointer: reading changes nothing. */
    struct ring *unlocked = (struct ring *)(uintptr_t)r;
    pthread_mutex_lock(&unlocked->lock);
    uint64_t dropped = r->dropped;
    pthread_mutex_unlock(&unlocked->lock);
    return dropped;
}
