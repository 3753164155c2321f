#include "daemon/web/patience.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/base/clock.h"

struct client {
    struct patience *all;
    MHD_socket fd;
    atomic_llong until_ms; /* INT64_MAX: it is not the client's turn. */
    struct client *before, *behind;
};

void
patience_init(struct patience *p, int64_t each_ms)
{
    *p = (struct patience){.each_ms = each_ms};
    pthread_mutex_init(&p->lock, NULL);
}

void
patience_fini(struct patience *p)
{
    pthread_mutex_destroy(&p->lock);
}

static void
link_client(struct patience *p, struct client *h)
{
    pthread_mutex_lock(&p->lock);
    h->behind = p->list;
    if (p->list != NULL) {
        p->list->before = h;
    }
    p->list = h;
    pthread_mutex_unlock(&p->lock);
}

static void
unlink_client(struct patience *p, struct client *h)
{
    pthread_mutex_lock(&p->lock);
    if (h->before != NULL) {
        h->before->behind = h->behind;
    } else {
        p->list = h->behind;
    }
    if (h->behind != NULL) {
        h->behind->before = h->before;
    }
    pthread_mutex_unlock(&p->lock);
}

static void
expect(struct client *h, uint64_t bytes)
{
    atomic_store(&h->until_ms, clock_mono_ms() + h->all->each_ms +
                                   (int64_t)(bytes * 1000 / PATIENCE_BYTES_S));
}

static void
begin(struct patience *p, struct MHD_Connection *c, void **own)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct client *h = info != NULL ? calloc(1, sizeof *h) : NULL;
    if (h == NULL) {
        return; /* Then only its silence is looked at. */
    }
    h->all = p;
    h->fd = info->connect_fd;
    expect(h, 0);
    link_client(p, h);
    *own = h;
}

void
patience_notify(void *patience,
                struct MHD_Connection *c,
                void **own,
                enum MHD_ConnectionNotificationCode what)
{
    struct patience *p = patience;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        begin(p, c, own);
    } else if (*own != NULL) {
        unlink_client(p, *own); /* The library closes the socket after this. */
        free(*own);
        *own = NULL;
    }
}

static struct client *
client_of(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

void
patience_expect(struct MHD_Connection *c, uint64_t bytes)
{
    struct client *h = client_of(c);
    if (h != NULL) {
        expect(h, bytes);
    }
}

void
patience_more(struct MHD_Connection *c, uint64_t bytes)
{
    struct client *h = client_of(c);
    if (h != NULL && atomic_load(&h->until_ms) != INT64_MAX) {
        atomic_fetch_add(&h->until_ms, (long long)(bytes * 1000 / PATIENCE_BYTES_S));
    }
}

void
patience_rest(struct MHD_Connection *c)
{
    struct client *h = client_of(c);
    if (h != NULL) {
        atomic_store(&h->until_ms, INT64_MAX);
    }
}

uint32_t
patience_sweep(struct patience *p, int64_t now_ms)
{
    uint32_t count = 0;
    pthread_mutex_lock(&p->lock);
    for (struct client *h = p->list; h != NULL; h = h->behind) {
        if (atomic_load(&h->until_ms) < now_ms) {
            /* Its thread sees that, and closes it. */
            (void)shutdown(h->fd, SHUT_RDWR);
            atomic_store(&h->until_ms, INT64_MAX);
            count++;
        }
    }
    pthread_mutex_unlock(&p->lock);
    return count;
}
