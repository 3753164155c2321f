#include "collectors/simulator_port.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024 /* Masters that come at once. */

static int
name_socket(int fd, char name[PORT_NAME_BYTES], uint16_t *bound, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char host[96], service[16];
    int status;

    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        return err_set(err, ERR_IO, "getsockname: %s", err_reason(errno));
    }
    status = getnameinfo((struct sockaddr *)&address, length, host, sizeof host,
                         service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV);
    if (status != 0) {
        return err_set(err, ERR_IO, "getnameinfo: %s", gai_strerror(status));
    }
    snprintf(name, PORT_NAME_BYTES, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
             host, service);
    *bound = (uint16_t)strtoul(service, NULL, 10);
    return 0;
}

int
port_listen(int *out,
            char name[PORT_NAME_BYTES],
            uint16_t *bound,
            const char *host,
            uint16_t number,
            struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char service[8];
    int fd = -1, one = 1, status;

    host = host != NULL ? host : "127.0.0.1";
    snprintf(service, sizeof service, "%u", number);
    status = getaddrinfo(host, service, &hints, &found);
    if (status != 0) {
        return err_set(err, ERR_IO, "%s: %s", host, gai_strerror(status));
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0) {
        err_set(err, ERR_IO, "%s:%u: %s", host, number, err_reason(errno));
        goto fail;
    }
    if (name_socket(fd, name, bound, err) != 0) {
        goto fail;
    }
    freeaddrinfo(found);
    *out = fd;
    return 0;
fail:
    freeaddrinfo(found);
    if (fd >= 0) {
        close(fd);
    }
    return err->code;
}

void
port_reset_on_close(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* A new link is renamed over the old one: whoever opens the path finds one of them. */
static int
place_link(const char *target, const char *link, struct err *err)
{
    char temporary[4096];
    struct stat st;
    int n;

    if (lstat(link, &st) == 0 && !S_ISLNK(st.st_mode)) {
        return err_set(err, ERR_IO, "%s: exists and is not a symbolic link", link);
    }
    n = snprintf(temporary, sizeof temporary, "%s.%ld", link, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temporary) {
        return err_set(err, ERR_IO, "%s: %s", link, err_reason(ENAMETOOLONG));
    }
    if (symlink(target, temporary) != 0) {
        return err_set(err, ERR_IO, "%s: %s", temporary, err_reason(errno));
    }
    if (rename(temporary, link) != 0) {
        err_set(err, ERR_IO, "%s: %s", link, err_reason(errno));
        unlink(temporary);
        return err->code;
    }
    return 0;
}

static int
set_raw(int fd)
{
    struct termios t;

    if (tcgetattr(fd, &t) != 0) {
        return -1;
    }
    cfmakeraw(&t);
    return tcsetattr(fd, TCSANOW, &t);
}

int
port_pty_open(struct port_pty *out, const char *link, struct err *err)
{
    struct port_pty p = {.fd = -1, .slave_fd = -1};

    p.fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p.fd < 0 || grantpt(p.fd) != 0 || unlockpt(p.fd) != 0 ||
        ptsname_r(p.fd, p.name, sizeof p.name) != 0) {
        err_set(err, ERR_IO, "pty for %s: %s", link, err_reason(errno));
        goto fail;
    }
    p.slave_fd = open(p.name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p.slave_fd < 0 || set_raw(p.slave_fd) != 0) {
        err_set(err, ERR_IO, "%s: %s", p.name, err_reason(errno));
        goto fail;
    }
    if (place_link(p.name, link, err) != 0) {
        goto fail;
    }
    p.link = link;
    *out = p;
    return 0;
fail:
    port_pty_close(&p);
    return err->code;
}

void
port_pty_close(struct port_pty *p)
{
    char target[PORT_NAME_BYTES];
    ssize_t n;

    if (p->link != NULL) {
        n = readlink(p->link, target, sizeof target);
        if (n > 0 && (size_t)n == strlen(p->name) &&
            memcmp(target, p->name, (size_t)n) == 0) {
            unlink(p->link);
        }
        p->link = NULL;
    }
    if (p->slave_fd >= 0) {
        close(p->slave_fd);
        p->slave_fd = -1;
    }
    if (p->fd >= 0) {
        close(p->fd);
        p->fd = -1;
    }
}

/* True if `path` is a socket that nobody listens on. */
static bool
is_left_over(const struct sockaddr_un *address)
{
    struct stat st;
    bool refused;
    int fd;

    if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return false;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    refused = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
              errno == ECONNREFUSED;
    close(fd);
    return refused;
}

int
port_control_listen(int *out, const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof address.sun_path) {
        return err_set(err, ERR_IO, "%s: the path of a socket has at most %zu bytes",
                       path, sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (is_left_over(&address)) {
        unlink(path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0) {
        err_set(err, ERR_IO, "%s: %s", path, err_reason(errno));
        if (fd >= 0) {
            close(fd);
        }
        return err->code;
    }
    *out = fd;
    return 0;
}

void
port_raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}
