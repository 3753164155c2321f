#include "config/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/tree.h"
#include "daemon/base/utf8.h"

bool
text_has_control(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\t' && bytes[i] != '\n' &&
            utf8_is_control(bytes + i, size - i)) {
            return true;
        }
    }
    return false;
}

/* What YAML takes as white space or line break: CR, and NEL (U+0085) too. */
static bool
is_layout(const unsigned char *p)
{
    return p[0] == '\t' || p[0] == '\n' || p[0] == '\r' ||
           (p[0] == 0xC2 && p[1] == 0x85);
}

bool
text_check(const char *file, const char *bytes, size_t size, struct diags *diags)
{
    const unsigned char *p = (const unsigned char *)bytes;
    struct loc at = {file, 1, 1};
    if (size >= 2 &&
        ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF))) {
        diags_add(diags, DIAG_ERROR, &at, "the file is UTF-16; save it as UTF-8");
        return false;
    }
    for (size_t i = 0; i < size;) {
        size_t n = utf8_size(bytes + i, size - i);
        if (p[i] == 0) {
            diags_add(diags, DIAG_ERROR, &at, "a NUL byte; this is no text file");
            return false;
        }
        if (n == 0) {
            diags_add(diags, DIAG_ERROR, &at,
                      "byte 0x%02X is not UTF-8; save the file as UTF-8", p[i]);
            return false;
        }
        if (utf8_is_control(bytes + i, size - i) && !is_layout(p + i)) {
            diags_add(diags, DIAG_ERROR, &at, "control character 0x%02X; remove it",
                      p[i] == 0xC2 ? p[i + 1] : p[i]);
            return false;
        }
        if (p[i] == '\n') {
            at.line++;
            at.column = 1;
        } else {
            at.column++;
        }
        i += n;
    }
    return true;
}

char *
text_read(const char *path, size_t *size, struct diags *diags)
{
    struct loc at = {path, 0, 0};
    struct stat st;
    char *bytes = NULL;
    size_t used = 0;
    /* Not blocking: a FIFO in the place of a file must not stop us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        diags_add(diags, DIAG_ERROR, &at, "cannot open: %s", err_reason(errno));
        goto done;
    }
    if (!S_ISREG(st.st_mode)) {
        diags_add(diags, DIAG_ERROR, &at, "not a regular file; give a YAML file");
        goto done;
    }
    if (st.st_size > (off_t)TREE_BYTES_MAX) {
        diags_add(
            diags, DIAG_ERROR, &at,
            "%lld bytes are too many; a file may have 8 MiB, split it by include:",
            (long long)st.st_size);
        goto done;
    }
    /* One byte more than may be there shows a file that grows while it is read. */
    size_t room = (size_t)TREE_BYTES_MAX + 1;
    room = (size_t)st.st_size < room - 1 ? (size_t)st.st_size + 1 : room;
    bytes = malloc(room);
    if (bytes == NULL) {
        abort();
    }
    while (used < room) {
        ssize_t n = read(fd, bytes + used, room - used);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            diags_add(diags, DIAG_ERROR, &at, "cannot read: %s", err_reason(errno));
            free(bytes);
            bytes = NULL;
            goto done;
        }
        if (n == 0) {
            break;
        }
        used += (size_t)n;
    }
    if (used == room) {
        diags_add(diags, DIAG_ERROR, &at, "grew while it was read; try again");
        free(bytes);
        bytes = NULL;
    }
    *size = used;
done:
    if (fd >= 0) {
        close(fd);
    }
    return bytes;
}
