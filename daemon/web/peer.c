#include "daemon/web/peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "daemon/web/web.h"

#define VALUES_MAX 16 /* Headers of one name; a chain of proxies makes one or few. */

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

/* As IPv6 has it: "::ffff:192.0.2.7". */
static struct in6_addr
mapped(const struct in_addr *v4)
{
    struct in6_addr v6 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(&v6.s6_addr[12], v4, sizeof *v4);
    return v6;
}

static void
write_address(char *out, size_t size, const struct in6_addr *a)
{
    char text[INET6_ADDRSTRLEN] = "?";
    if (IN6_IS_ADDR_V4MAPPED(a)) {
        (void)inet_ntop(AF_INET, &a->s6_addr[12], text, sizeof text);
        (void)snprintf(out, size, "%s", text);
    } else {
        (void)inet_ntop(AF_INET6, a, text, sizeof text);
        (void)snprintf(out, size, "[%s]", text);
    }
}

/* "192.0.2.7", "2001:db8::7", "[2001:db8::7]", each of the bracketed and IPv4 also with
 * ":PORT"; of `size` bytes. */
static bool
read_address(struct in6_addr *out, const char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    struct in_addr v4;
    const char *colon = memchr(text, ':', size);
    if (size > 0 && text[0] == '[') {
        const char *end = memchr(text, ']', size);
        text++;
        size = end != NULL ? (size_t)(end - text) : 0;
    } else if (colon != NULL &&
               memchr(colon + 1, ':', size - (size_t)(colon + 1 - text)) == NULL) {
        size = (size_t)(colon - text);
    }
    if (size >= sizeof host) {
        return false;
    }
    memcpy(host, text, size);
    host[size] = '\0';
    if (inet_pton(AF_INET, host, &v4) == 1) {
        *out = mapped(&v4);
        return true;
    }
    return inet_pton(AF_INET6, host, out) == 1;
}

static void
describe_remote(char *out, size_t size, const struct sockaddr *a)
{
    struct in6_addr v6;
    /* The casts are the sockets API's own. */
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)a;
        v6 = mapped(&v4->sin_addr);
    } else if (a->sa_family == AF_INET6) {
        v6 = ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
    } else {
        (void)snprintf(out, size, "?");
        return;
    }
    write_address(out, size, &v6);
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

static bool
is_proxy(const char *peer, char *const *proxies, uint32_t count)
{
    struct in6_addr a, b;
    bool found = false;
    if (!read_address(&a, peer, strlen(peer))) {
        return false;
    }
    for (uint32_t i = 0; i < count && !found; i++) {
        found = read_address(&b, proxies[i], strlen(proxies[i])) &&
                memcmp(&a, &b, sizeof a) == 0;
    }
    return found;
}

/* The last entry of "a, b, c", which is cut off. */
static bool
take_last(struct in6_addr *out, const char *value, size_t *size)
{
    while (*size > 0 && strchr(" \t,", value[*size - 1]) != NULL) {
        --*size;
    }
    size_t end = *size;
    while (*size > 0 && strchr(" \t,", value[*size - 1]) == NULL) {
        --*size;
    }
    return end > *size && read_address(out, value + *size, end - *size);
}

void
peer_look_through(char *peer,
                  size_t size,
                  const char *const *values,
                  uint32_t count,
                  char *const *proxies,
                  uint32_t proxy_count)
{
    struct in6_addr a;
    while (count > 0) {
        const char *value = values[--count];
        size_t left = strlen(value);
        while (left > 0 && is_proxy(peer, proxies, proxy_count)) {
            bool blank = strspn(value, " \t,") >= left;
            if (!blank && !take_last(&a, value, &left)) {
                return;
            }
            if (blank) {
                break;
            }
            write_address(peer, size, &a);
        }
    }
}

struct values {
    const char *texts[VALUES_MAX];
    uint32_t count;
};

/* Too many: the last ones count. */
static enum MHD_Result
keep_value(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct values *v = ctx;
    (void)kind;
    if (strcasecmp(key, "X-Forwarded-For") == 0 && value != NULL) {
        if (v->count == VALUES_MAX) {
            memmove(v->texts, v->texts + 1, sizeof v->texts - sizeof v->texts[0]);
            v->count--;
        }
        v->texts[v->count++] = value;
    }
    return MHD_YES;
}

void
peer_look_behind(char *peer,
                 size_t size,
                 struct MHD_Connection *c,
                 char *const *proxies,
                 uint32_t proxy_count)
{
    struct values v = {.count = 0};
    if (proxy_count > 0) {
        (void)MHD_get_connection_values(c, MHD_HEADER_KIND, keep_value, &v);
        peer_look_through(peer, size, v.texts, v.count, proxies, proxy_count);
    }
}
