/* Where a command writes what it was asked for: standard output, a device or a pipe, or
 * a file, which gets its name when all of it is on the disk: until then what stood
 * there stays.  What a link leads to is replaced, not the link. */
#ifndef CARETAKER_CLI_OUTPUT_H
#define CARETAKER_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"

struct output {
    FILE *stream;
    int failed;               /* errno of the first write that failed; 0: none. */
    struct strbuf path, part; /* Empty: there is no file to be named. */
};

/* `path` NULL or "-": standard output.  After a failure nothing is left to close. */
int output_open(struct output *o, const char *path, struct err *err);
/* False when it takes no more. */
bool output_write(struct output *o, const char *bytes, size_t size);
/* Not `well`: the file is not wanted.  Tells a write that failed, too. */
int output_close(struct output *o, bool well, struct err *err);
/* All of a text; an exit status, after it said what was wrong. */
int output_text(const char *path, const struct strbuf *text);

#endif
