/* Any bytes as the head of a request, one header a line: Host, Origin, Sec-Fetch-Site,
 * path, Accept-Encoding, If-None-Match.  What is let in must be what the header says.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/web/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_host(const char *host)
{
    static const char *const names[] = {"plant.example.com"};
    char out[64];
    if (guard_host(out, sizeof out, host)) {
        size_t length = strlen(out);
        assert(length > 0 && length < sizeof out);
        assert(strncasecmp(out, host, length) == 0);
        assert(host[length] == '\0' || host[length] == ':');
        assert(strpbrk(out, "/?#@\\\" ") == NULL);
    }
    /* A name of somebody else, whatever stands around it. */
    if (guard_host_is_ours(host, "gateway", names, ARRAY_LEN(names))) {
        assert(strstr(host, "evil") == NULL);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char *rest = text;
    const char *field[6] = {"", "", "", "", "", ""};
    assert(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(field) && rest != NULL; i++) {
        field[i] = strsep(&rest, "\n");
    }
    check_host(field[0]);
    for (int tls = 0; tls < 2; tls++) {
        if (guard_origin_is_ours(field[1], field[0], NULL, tls == 1)) {
            size_t host = strlen(field[0]), origin = strlen(field[1]);
            assert(origin > host);
            assert(strcasecmp(field[1] + origin - host, field[0]) == 0);
        }
        if (guard_origin_is_ours(NULL, field[0], field[2], tls == 1)) {
            assert(strcmp(field[2], "none") == 0 ||
                   strcmp(field[2], "same-origin") == 0);
        }
    }
    if (guard_path(field[3])) {
        assert(field[3][0] == '/' && strstr(field[3], "%00") == NULL);
    }
    if (guard_takes_gzip(field[4])) {
        assert(strcasestr(field[4], "gzip") != NULL || strchr(field[4], '*') != NULL);
    }
    if (guard_has_tag(field[5], "\"tag\"")) {
        assert(strstr(field[5], "\"tag\"") != NULL || strchr(field[5], '*') != NULL);
    }
    free(text);
    return 0;
}
