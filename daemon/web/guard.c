#include "daemon/web/guard.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOST_BYTES 256 /* RFC 1035: 253 of a name, and an address in brackets. */

bool
guard_host(char *out, size_t size, const char *authority)
{
    const char *end;
    if (authority[0] == '[') {
        end = strchr(authority, ']');
        if (end == NULL) {
            return false;
        }
        end++;
    } else {
        end = authority + strcspn(authority, ":");
    }
    size_t length = (size_t)(end - authority);
    if (length == 0 || length >= size ||
        (*end != '\0' &&
         (*end != ':' || strspn(end + 1, "0123456789") != strlen(end + 1)))) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)authority[i];
        if (c <= ' ' || c > '~' || strchr("/?#@\\\"", c) != NULL) {
            return false;
        }
        out[i] = (char)tolower(c);
    }
    out[length] = '\0';
    return true;
}

static bool
is_address(const char *host)
{
    struct in6_addr a;
    char inner[HOST_BYTES];
    size_t size = strlen(host);
    if (host[0] != '[') {
        return inet_pton(AF_INET, host, &a) == 1;
    }
    if (size < 2 || size - 1 >= sizeof inner) {
        return false;
    }
    memcpy(inner, host + 1, size - 2);
    inner[size - 2] = '\0';
    return inet_pton(AF_INET6, inner, &a) == 1;
}

/* "gateway" is also called "gateway.local" and "gateway.example.org". */
static bool
is_machine(const char *host, const char *machine)
{
    size_t size = strcspn(machine, ".");
    return size > 0 && strncasecmp(host, machine, size) == 0 &&
           (host[size] == '\0' || strcasecmp(host + size, ".local") == 0 ||
            strcasecmp(host, machine) == 0);
}

bool
guard_host_is_ours(const char *host_header,
                   const char *machine,
                   const char *const *names,
                   uint32_t name_count)
{
    char host[HOST_BYTES];
    if (host_header == NULL) {
        return true;
    }
    if (!guard_host(host, sizeof host, host_header)) {
        return false;
    }
    if (is_address(host) || strcmp(host, "localhost") == 0 ||
        is_machine(host, machine)) {
        return true;
    }
    for (uint32_t i = 0; i < name_count; i++) {
        if (strcasecmp(host, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool
guard_origin_is_ours(const char *origin,
                     const char *host_header,
                     const char *fetch_site,
                     bool tls)
{
    if (fetch_site != NULL && strcmp(fetch_site, "same-origin") != 0 &&
        strcmp(fetch_site, "none") != 0) {
        return false;
    }
    if (origin == NULL) {
        return true;
    }
    /* Behind a proxy that ends TLS the browser's scheme is https and ours is not. */
    const char *scheme = "https://";
    size_t size = strlen(scheme);
    if (strncasecmp(origin, scheme, size) != 0) {
        scheme = "http://";
        size = strlen(scheme);
        if (tls || strncasecmp(origin, scheme, size) != 0) {
            return false;
        }
    }
    return host_header != NULL && strcasecmp(origin + size, host_header) == 0;
}

bool
guard_path(const char *uri)
{
    for (const char *p = uri; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < ' ' || c == 0x7f) {
            return false;
        }
        if (c == '%' && p[1] == '0' && p[2] == '0') {
            return false;
        }
    }
    return uri[0] == '/';
}

bool
guard_takes_gzip(const char *accept_encoding)
{
    const char *p = accept_encoding;
    bool rest = false; /* "*": any coding that is not named. */
    while (p != NULL && *p != '\0') {
        p += strspn(p, " \t,");
        size_t size = strcspn(p, ",");
        size_t name = strcspn(p, ",; \t");
        const char *q = memchr(p, '=', size);
        bool taken = q == NULL || strtod(q + 1, NULL) > 0;
        if (name == 4 && strncasecmp(p, "gzip", 4) == 0) {
            return taken;
        }
        if (name == 1 && *p == '*') {
            rest = taken;
        }
        p += size;
    }
    return rest;
}

bool
guard_has_tag(const char *list, const char *tag)
{
    size_t tag_size = strlen(tag);
    const char *p = list;
    while (p != NULL && *p != '\0') {
        p += strspn(p, " \t,");
        if (*p == '*') {
            return true;
        }
        if (strncmp(p, "W/", 2) == 0) {
            p += 2;
        }
        size_t size = strcspn(p, ", \t");
        if (size == tag_size && memcmp(p, tag, size) == 0) {
            return true;
        }
        p += size;
    }
    return false;
}
