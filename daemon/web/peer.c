#include "daemon/web/peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

static void
describe_local(char *out, size_t size, int fd)
{
    struct ucred who;
    socklen_t who_size = sizeof who;
    int n;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_size) == 0) {
        n = snprintf(out, size, "uid=%u pid=%d", (unsigned)who.uid, (int)who.pid);
    } else {
        n = snprintf(out, size, "uid=? pid=?");
    }
    assert(n > 0);
    assert((size_t)n < size);
}

static void
describe_remote(char *out, size_t size, const struct sockaddr *a)
{
    char text[INET6_ADDRSTRLEN] = "?";
    /* The casts are the sockets API's own. */
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)a;
        (void)inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        (void)snprintf(out, size, "%s", text);
    } else if (a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)a;
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        (void)snprintf(out, size, "[%s]", text);
    } else {
        (void)snprintf(out, size, "?");
    }
}

void
peer_describe(char *out, size_t size, struct MHD_Connection *c, bool local)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, local ? MHD_CONNECTION_INFO_CONNECTION_FD
                                         : MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL) {
        (void)snprintf(out, size, "?");
    } else if (local) {
        describe_local(out, size, info->connect_fd);
    } else {
        describe_remote(out, size, info->client_addr);
    }
}
