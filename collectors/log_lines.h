/* The lines of a log and their cells.  A line is one row: a quoted cell cannot hold a
 * line end, so that one lost quote costs one row and not the rest of the file. */
#ifndef CARETAKER_COLLECTORS_LOG_LINES_H
#define CARETAKER_COLLECTORS_LOG_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"

#define LOG_LINE_BYTES_MAX (64 * 1024) /* A row of 1,000 points is a tenth of it. */

#define LOG_STDIN "-" /* The path of standard input, which can be read but once. */

struct log_lines {
    int fd;
    char *buffer;
    size_t start, end;    /* What is read and not yet given out. */
    bool at_end;          /* Of the file. */
    bool skipping;        /* The rest of a line that was too long. */
    uint32_t line;        /* Number of the line given last; the first is 1. */
    uint64_t done, total; /* Bytes. */
};

/* What `path` is called in messages; borrows it. */
const char *log_lines_name(const char *path);
int log_lines_open(struct log_lines *l, const char *path, struct err *err);
void log_lines_close(
    struct log_lines *l); /* Also after a failed open; an fd of -1 is none. */

enum log_line { LOG_LINE, LOG_LINE_BAD, LOG_LINE_END };

/* The next line without its end (LF or CRLF) and without a byte-order mark, ended by a
 * NUL; it may be written to until the next call.  LOG_LINE_BAD: `err` says why; one of
 * code ERR_IO is the last. */
enum log_line
log_lines_next(struct log_lines *l, char **line, size_t *size, struct err *err);

struct log_cell {
    char *text; /* Ended by a NUL; unquoted, or without blanks around it. */
    size_t size;
    uint32_t column; /* Of the file, from 1. */
};

/* Cuts `line` in place into at most `most` cells and returns how many; further ones are
 * left.  0: `err` says what is wrong with the quotes. */
uint32_t log_cells(
    struct log_cell *out, uint32_t most, char *line, char separator, struct err *err);

#endif
