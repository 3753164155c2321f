#include "collectors/log_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"

#define BUFFER_BYTES ((size_t)4 * LOG_LINE_BYTES_MAX)

const char *
log_lines_name(const char *path)
{
    return strcmp(path, LOG_STDIN) == 0 ? tr("standard input") : path;
}

int
log_lines_open(struct log_lines *l, const char *path, struct err *err)
{
    struct stat st;

    memset(l, 0, sizeof *l);
    l->fd = strcmp(path, LOG_STDIN) == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                         : open(path, O_RDONLY | O_CLOEXEC);
    if (l->fd < 0 || fstat(l->fd, &st) != 0) {
        return err_set(err, ERR_IO, "%s: %s", log_lines_name(path), err_reason(errno));
    }
    l->total = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    l->buffer = malloc(BUFFER_BYTES + 1); /* The last line may want a NUL. */
    if (l->buffer == NULL) {
        return err_set(err, ERR_NOMEM, "%s", path);
    }
    return 0;
}

void
log_lines_close(struct log_lines *l)
{
    free(l->buffer);
    l->buffer = NULL;
    if (l->fd >= 0) {
        close(l->fd);
        l->fd = -1;
    }
}

/* Reads more behind what is left.  0, or ERR_IO. */
static int
refill(struct log_lines *l, struct err *err)
{
    ssize_t n;

    memmove(l->buffer, l->buffer + l->start, l->end - l->start);
    l->end -= l->start;
    l->start = 0;
    do {
        n = read(l->fd, l->buffer + l->end, BUFFER_BYTES - l->end);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        l->at_end = true;
        l->start = l->end;
        return err_set(err, ERR_IO, "cannot be read on: %s", err_reason(errno));
    }
    if (n == 0) {
        l->at_end = true;
    }
    l->end += (size_t)n;
    l->done += (uint64_t)n;
    return 0;
}

static void
drop(struct log_lines *l, size_t size)
{
    l->start += size;
}

static enum log_line
too_long(struct err *err)
{
    err_set(err, ERR_CONFIG, "a line has at most %d bytes", LOG_LINE_BYTES_MAX);
    return LOG_LINE_BAD;
}

/* Gives out the `length` bytes before a line end of `end_bytes`. */
static enum log_line
give(struct log_lines *l,
     size_t length,
     size_t end_bytes,
     char **line,
     size_t *size,
     struct err *err)
{
    char *text = l->buffer + l->start;

    drop(l, length + end_bytes);
    if (l->skipping) {
        l->skipping = false;
        return too_long(err);
    }
    l->line++;
    if (length > LOG_LINE_BYTES_MAX) {
        return too_long(err);
    }
    if (l->line == 1 && length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        length -= 3;
    }
    if (length > 0 && text[length - 1] == '\r') {
        length--;
    }
    if (memchr(text, '\0', length) != NULL) {
        err_set(err, ERR_CONFIG, "a NUL byte in the line; a log is text in UTF-8");
        return LOG_LINE_BAD;
    }
    text[length] = '\0';
    *line = text;
    *size = length;
    return LOG_LINE;
}

enum log_line
log_lines_next(struct log_lines *l, char **line, size_t *size, struct err *err)
{
    for (;;) {
        size_t left = l->end - l->start;
        char *from = l->buffer + l->start;
        char *end = memchr(from, '\n', left);

        if (end != NULL) {
            return give(l, (size_t)(end - from), 1, line, size, err);
        }
        if (l->at_end) {
            return left > 0 || l->skipping ? give(l, left, 0, line, size, err)
                                           : LOG_LINE_END;
        }
        if (left > LOG_LINE_BYTES_MAX) {
            l->line += !l->skipping;
            l->skipping = true;
            drop(l, left);
        }
        if (refill(l, err) != 0) {
            return LOG_LINE_BAD;
        }
    }
}

/* A tab that separates cells is none. */
static bool
is_blank(char c, char separator)
{
    return (c == ' ' || c == '\t') && c != separator;
}

/* A cell that begins with a quote; returns where it ends (a separator or the NUL), or
 * NULL. */
static char *
cut_quoted(struct log_cell *out, char *quote, char separator, struct err *err)
{
    char *from = quote + 1, *to = from;

    for (;; from++) {
        if (*from == '\0') {
            err_set(err, ERR_CONFIG, "a quote is not closed on its line");
            return NULL;
        }
        if (*from == '"' && *++from != '"') {
            break;
        }
        *to++ = *from;
    }
    while (is_blank(*from, separator)) {
        from++;
    }
    if (*from != separator && *from != '\0') {
        err_set(err, ERR_CONFIG,
                "text after a closing quote; \"\" is a quote in quotes");
        return NULL;
    }
    out->text = quote + 1;
    out->size = (size_t)(to - out->text);
    return from;
}

static char *
cut_plain(struct log_cell *out, char *from, char separator)
{
    char *at = from, *end;

    while (*at != separator && *at != '\0') {
        at++;
    }
    for (end = at; end > from && is_blank(end[-1], separator); end--) {
    }
    out->text = from;
    out->size = (size_t)(end - from);
    return at;
}

uint32_t
log_cells(
    struct log_cell *out, uint32_t most, char *line, char separator, struct err *err)
{
    uint32_t count = 0;
    char *at = line;

    while (count < most) {
        struct log_cell *cell = &out[count];
        bool last;

        while (is_blank(*at, separator)) {
            at++;
        }
        cell->column = (uint32_t)(at - line) + 1;
        at = *at == '"' ? cut_quoted(cell, at, separator, err)
                        : cut_plain(cell, at, separator);
        if (at == NULL) {
            return 0;
        }
        count++;
        last = *at == '\0';
        cell->text[cell->size] = '\0';
        if (last) {
            break;
        }
        at++;
    }
    return count;
}
