#include "collectors/resolver.h"

#include <assert.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 4 /* A silent name server holds one up for half a minute. */
#define STACK_BYTES (256 * 1024)
#define HOST_BYTES  256 /* RFC 1035, 2.3.4: 255 octets. */

enum lookup_state { LOOKUP_WAITS, LOOKUP_RUNS, LOOKUP_DONE, LOOKUP_TOLD };

struct lookup {
    struct resolver *resolver;
    struct lookup *next;
    enum lookup_state state;
    bool cancelled;
    uint32_t id;
    uint16_t port;
    int status; /* Of getaddrinfo(). */
    struct addresses found;
    char host[HOST_BYTES];
};

/* Lives until its user and its last thread have let it go. */
struct resolver {
    pthread_mutex_t lock;
    struct lookup *first; /* All that are not freed, the oldest first. */
    int done_fd;          /* -1: the user is gone. */
    uint32_t threads;
};

static void
keep(struct addresses *out, const struct addrinfo *found)
{
    out->count = 0;
    for (; found != NULL && out->count < RESOLVED_MAX; found = found->ai_next) {
        assert(found->ai_addrlen <= sizeof out->list[0].address);
        memcpy(&out->list[out->count].address, found->ai_addr, found->ai_addrlen);
        out->list[out->count++].size = found->ai_addrlen;
    }
}

static int
look_up(struct addresses *out, const char *host, uint16_t port, int flags)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];

    (void)snprintf(service, sizeof service, "%u", port);
    int status = getaddrinfo(host, service, &hints, &found);
    if (status == 0) {
        keep(out, found);
        freeaddrinfo(found);
    }
    return status;
}

bool
resolve_numeric(struct addresses *out, const char *host, uint16_t port)
{
    return look_up(out, host, port, AI_NUMERICHOST) == 0;
}

/* With the lock held. */
static void
forget(struct lookup *l)
{
    struct lookup **at = &l->resolver->first;

    while (*at != l) {
        at = &(*at)->next;
    }
    *at = l->next;
    free(l);
}

/* With the lock held. */
static struct lookup *
find(struct resolver *r, enum lookup_state state)
{
    struct lookup *l = r->first;

    while (l != NULL && l->state != state) {
        l = l->next;
    }
    return l;
}

static void
resolver_destroy(struct resolver *r)
{
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static void *
resolver_main(void *arg)
{
    struct resolver *r = arg;
    struct addresses found;
    struct lookup *l;
    uint64_t one = 1;

    pthread_mutex_lock(&r->lock);
    while (r->done_fd >= 0 && (l = find(r, LOOKUP_WAITS)) != NULL) {
        l->state = LOOKUP_RUNS;
        pthread_mutex_unlock(&r->lock);
        found.count = 0;
        int status = look_up(&found, l->host, l->port, 0);
        pthread_mutex_lock(&r->lock);
        l->status = status;
        l->found = found;
        l->state = LOOKUP_DONE;
        if (l->cancelled) {
            forget(l);
        } else if (r->done_fd >= 0) {
            /* Fails only when the counter is full, and then it is readable. */
            (void)!write(r->done_fd, &one, sizeof one);
        }
    }
    r->threads--;
    bool last = r->threads == 0 && r->done_fd < 0;
    pthread_mutex_unlock(&r->lock);
    if (last) {
        resolver_destroy(r);
    }
    return NULL;
}

/* With the lock held: one more thread, unless there are enough.  Detached, since nobody
 * can wait for a resolver that waits for the network. */
static int
spawn(struct resolver *r)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, old;

    if (r->threads >= THREADS_MAX) {
        return 0;
    }
    int rc = pthread_attr_init(&attr);
    if (rc != 0) {
        return rc;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    rc = pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (rc == 0) {
        rc = pthread_create(&thread, &attr, resolver_main, r);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    if (rc == 0) {
        (void)pthread_setname_np(thread, "resolver");
        r->threads++;
    }
    return r->threads > 0 ? 0 : rc;
}

int
resolver_new(struct resolver **out, int done_fd, struct err *err)
{
    struct resolver *r = calloc(1, sizeof *r);

    if (r == NULL || pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return err_set(err, ERR_NOMEM, "no memory for the resolver");
    }
    r->done_fd = done_fd;
    *out = r;
    return 0;
}

void
resolver_free(struct resolver *r)
{
    if (r == NULL) {
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->done_fd = -1;
    for (struct lookup *l = r->first, *next; l != NULL; l = next) {
        next = l->next;
        l->cancelled = true;
        if (l->state != LOOKUP_RUNS) {
            forget(l);
        }
    }
    bool last = r->threads == 0;
    pthread_mutex_unlock(&r->lock);
    if (last) {
        resolver_destroy(r);
    }
}

int
resolver_ask(struct resolver *r,
             struct lookup **out,
             const char *host,
             uint16_t port,
             uint32_t id,
             struct err *err)
{
    struct lookup *l;

    if (strlen(host) >= HOST_BYTES) {
        return err_set(err, ERR_IO, "%.60s...: no host has so long a name", host);
    }
    l = calloc(1, sizeof *l);
    if (l == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to look up %s", host);
    }
    l->resolver = r;
    l->id = id;
    l->port = port;
    (void)snprintf(l->host, sizeof l->host, "%s", host);
    pthread_mutex_lock(&r->lock);
    struct lookup **at = &r->first;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = l;
    int rc = spawn(r);
    if (rc != 0) {
        forget(l);
    }
    pthread_mutex_unlock(&r->lock);
    if (rc != 0) {
        return err_set(err, ERR_NOMEM, "resolver thread: %s", err_reason(rc));
    }
    *out = l;
    return 0;
}

bool
resolver_next(struct resolver *r, uint32_t *id)
{
    pthread_mutex_lock(&r->lock);
    struct lookup *l = find(r, LOOKUP_DONE);
    if (l != NULL) {
        l->state = LOOKUP_TOLD;
        *id = l->id;
    }
    pthread_mutex_unlock(&r->lock);
    return l != NULL;
}

int
lookup_take(struct lookup *l, struct addresses *out, struct err *err)
{
    struct resolver *r = l->resolver;
    int rc = 0;

    pthread_mutex_lock(&r->lock);
    assert(l->state == LOOKUP_TOLD);
    if (l->status != 0) {
        rc = err_set(err, ERR_IO, "%s: %s", l->host, gai_strerror(l->status));
    } else {
        *out = l->found;
    }
    forget(l);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

void
lookup_cancel(struct lookup *l)
{
    if (l == NULL) {
        return;
    }
    struct resolver *r = l->resolver;
    pthread_mutex_lock(&r->lock);
    l->cancelled = true;
    if (l->state != LOOKUP_RUNS) {
        forget(l);
    }
    pthread_mutex_unlock(&r->lock);
}
