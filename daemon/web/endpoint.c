#include "daemon/web/endpoint.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/web/web.h"

#define LOCK_NAME        WEB_SOCKET_NAME ".lock"
#define SOCKET_MODE      0660 /* The daemon's user and the group of the house's staff. */
#define BACKLOG          64
#define CONNECT_RETRY_MS 10 /* A full backlog gives no event to wait for. */

static void
address_fill(struct sockaddr_un *a, const char *dir, int dir_fd)
{
    memset(a, 0, sizeof *a);
    a->sun_family = AF_UNIX;
    int n = snprintf(a->sun_path, sizeof a->sun_path, "%s/%s", dir, WEB_SOCKET_NAME);
    assert(n > 0);
    if ((size_t)n >= sizeof a->sun_path) {
        n = snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/%s", dir_fd,
                     WEB_SOCKET_NAME);
        assert(n > 0);
        assert((size_t)n < sizeof a->sun_path);
    }
}

static int
open_socket(struct err *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_set(err, ERR_IO, "unix socket: %s", err_reason(errno));
    }
    return fd;
}

/* 0 if nobody listens behind the address (ENOENT and ECONNREFUSED say so). */
static int
probe(const struct sockaddr_un *a, const char *dir, struct err *err)
{
    int fd = open_socket(err);
    if (fd < 0) {
        return fd;
    }
    int r = 0;
    /* The cast is the sockets API's own; no bytes are reinterpreted by us. */
    if (connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 || errno == EAGAIN) {
        r = err_set(err, ERR_IO,
                    "%s/%s: another daemon answers there; only one may work on a "
                    "data folder",
                    dir, WEB_SOCKET_NAME);
    } else if (errno != ENOENT && errno != ECONNREFUSED) {
        r = err_set(err, ERR_IO, "%s/%s: %s", dir, WEB_SOCKET_NAME, err_reason(errno));
    }
    close(fd);
    return r;
}

static int
lock_folder(struct endpoint *e, const char *dir, struct err *err)
{
    e->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (e->dir_fd < 0) {
        return err_set(err, ERR_IO, "%s: %s", dir, err_reason(errno));
    }
    e->lock_fd = openat(e->dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                        SOCKET_MODE);
    if (e->lock_fd < 0) {
        return err_set(err, ERR_IO, "%s/%s: %s", dir, LOCK_NAME, err_reason(errno));
    }
    if (flock(e->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return err_set(err, ERR_IO, "%s: another daemon works on this data folder",
                           dir);
        }
        return err_set(err, ERR_IO, "%s/%s: %s", dir, LOCK_NAME, err_reason(errno));
    }
    return 0;
}

/* The lock is held: what stands at the socket's name is a dead daemon's, unless it
 * answers or is no socket at all. */
static int
clear_name(const struct endpoint *e,
           const struct sockaddr_un *a,
           const char *dir,
           struct err *err)
{
    struct stat st;
    if (fstatat(e->dir_fd, WEB_SOCKET_NAME, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) {
            return 0;
        }
        return err_set(err, ERR_IO, "%s/%s: %s", dir, WEB_SOCKET_NAME,
                       err_reason(errno));
    }
    if (!S_ISSOCK(st.st_mode)) {
        return err_set(err, ERR_IO, "%s/%s: is no socket; it is not removed", dir,
                       WEB_SOCKET_NAME);
    }
    int r = probe(a, dir, err);
    if (r != 0) {
        return r;
    }
    if (unlinkat(e->dir_fd, WEB_SOCKET_NAME, 0) != 0) {
        return err_set(err, ERR_IO, "%s/%s: %s", dir, WEB_SOCKET_NAME,
                       err_reason(errno));
    }
    return 0;
}

int
endpoint_listen(struct endpoint *out, const char *dir, struct err *err)
{
    struct endpoint e = {.dir_fd = -1, .lock_fd = -1, .listen_fd = -1};
    struct stat st;
    struct sockaddr_un a;
    int r = lock_folder(&e, dir, err);
    if (r != 0) {
        goto fail;
    }
    address_fill(&a, dir, e.dir_fd);
    r = clear_name(&e, &a, dir, err);
    if (r != 0) {
        goto fail;
    }
    e.listen_fd = open_socket(err);
    if (e.listen_fd < 0) {
        r = e.listen_fd;
        goto fail;
    }
    /* Nobody can connect before listen(), so the mode is right from the first moment.
     */
    if (bind(e.listen_fd, (const struct sockaddr *)&a, sizeof a) != 0 ||
        fchmodat(e.dir_fd, WEB_SOCKET_NAME, SOCKET_MODE, 0) != 0 ||
        fstatat(e.dir_fd, WEB_SOCKET_NAME, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        listen(e.listen_fd, BACKLOG) != 0) {
        r = err_set(err, ERR_IO, "%s/%s: %s", dir, WEB_SOCKET_NAME, err_reason(errno));
        goto fail;
    }
    e.device = st.st_dev;
    e.inode = st.st_ino;
    *out = e;
    return 0;
fail:
    endpoint_close(&e);
    return r;
}

static void
close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void
endpoint_close(struct endpoint *e)
{
    struct stat st;
    if (e->dir_fd >= 0 &&
        fstatat(e->dir_fd, WEB_SOCKET_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_dev == e->device && st.st_ino == e->inode) {
        /* A name that cannot be removed is replaced by the next start. */
        (void)unlinkat(e->dir_fd, WEB_SOCKET_NAME, 0);
    }
    close_fd(&e->listen_fd);
    close_fd(&e->dir_fd);
    close_fd(&e->lock_fd); /* Last: it lets the next daemon in. */
}

int
endpoint_connect(int *out, const char *dir, int64_t deadline_ms, struct err *err)
{
    int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        return err_set(err, ERR_IO, "no daemon answers at %s/%s: %s", dir,
                       WEB_SOCKET_NAME, err_reason(errno));
    }
    struct sockaddr_un a;
    address_fill(&a, dir, dir_fd);
    int r = 0;
    int fd = open_socket(err);
    if (fd < 0) {
        r = fd;
        goto done;
    }
    while (connect(fd, (const struct sockaddr *)&a, sizeof a) != 0) {
        if (errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN) {
            r = err_set(err, ERR_IO, "no daemon answers at %s/%s: %s", dir,
                        WEB_SOCKET_NAME, err_reason(errno));
            goto done;
        }
        if (clock_mono_ms() >= deadline_ms) {
            r = err_set(err, ERR_TIMEOUT, "the daemon at %s/%s is too busy to answer",
                        dir, WEB_SOCKET_NAME);
            goto done;
        }
        (void)poll(NULL, 0, CONNECT_RETRY_MS);
    }
    *out = fd;
    fd = -1;
done:
    close_fd(&fd);
    close_fd(&dir_fd);
    return r;
}
