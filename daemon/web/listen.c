#include "daemon/web/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_BYTES 256
#define BACKLOG    256

static int
listen_on(int *out, const struct addrinfo *a)
{
    int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    a->ai_protocol);
    if (fd < 0) {
        return errno;
    }
    /* What an earlier daemon's connections left (TIME_WAIT) does not keep us out; a
     * socket that listens does. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int why = errno;
        close(fd);
        return why;
    }
    *out = fd;
    return 0;
}

int
listen_tcp(int *fd, const char *where, struct err *err)
{
    char host[HOST_BYTES];
    const char *colon = strrchr(where, ':');
    size_t size = colon != NULL ? (size_t)(colon - where) : 0;
    const char *name = where;
    if (colon == NULL || size == 0 || size >= sizeof host) {
        return err_set(err, ERR_IO, "%s: is no ADDRESS:PORT", where);
    }
    if (name[0] == '[' && size > 2) {
        name++;
        size -= 2;
    }
    (void)snprintf(host, sizeof host, "%.*s", (int)size, name);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int r = getaddrinfo(host, colon + 1, &hints, &found);
    if (r != 0) {
        return err_set(err, ERR_IO, "%s: %s", where, gai_strerror(r));
    }
    r = listen_on(fd, found);
    freeaddrinfo(found);
    return r == 0 ? 0 : err_set(err, ERR_IO, "%s: %s", where, err_reason(r));
}
