#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/load.h"
#include "config/number.h"

const char *
path_beside(struct arena *a, const char *file, const char *text)
{
    const char *slash = strrchr(file, '/');
    if (text[0] == '/' || slash == NULL) {
        return arena_strdup(a, text);
    }
    return arena_printf(a, "%.*s/%s", (int)(slash - file), file, text);
}

const char *
path_absolute_beside(struct arena *a, const char *file, const char *text)
{
    const char *path = path_beside(a, file, text);
    if (path[0] == '/') {
        return path;
    }
    char *here = getcwd(NULL, 0);
    if (here == NULL) {
        return path; /* The working directory is gone: nothing better is known. */
    }
    const char *absolute = arena_printf(a, "%s/%s", here, path);
    free(here);
    return absolute;
}

bool
host_port_parse(struct arena *a,
                const char *text,
                const char **host,
                uint16_t *port,
                bool *port_given)
{
    const char *end;
    bool brackets = text[0] == '[';
    if (brackets) {
        text++;
        end = strchr(text, ']');
        if (end == NULL) {
            return false;
        }
    } else {
        end = text + strcspn(text, ":");
    }
    const char *rest = end + brackets;
    size_t size = (size_t)(end - text);
    int64_t number = *port;
    if (size == 0 || size > 255 || text[strcspn(text, " /@\t")] != 0) {
        return false;
    }
    *port_given = rest[0] == ':';
    if (rest[0] != 0 &&
        (rest[0] != ':' || rest[1] < '0' || rest[1] > '9' ||
         !number_parse_int(&number, rest + 1) || number < 0 || number > UINT16_MAX)) {
        return false;
    }
    *host = arena_strndup(a, text, size);
    *port = (uint16_t)number;
    return true;
}
