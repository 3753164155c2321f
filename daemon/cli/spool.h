/* An answer of any size, kept to be read more than once: in memory while it is small,
 * then in a temporary file without a name.  Who reads it slowly, in a pager, keeps
 * nobody waiting. */
#ifndef CARETAKER_CLI_SPOOL_H
#define CARETAKER_CLI_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"

#define SPOOL_MEMORY_MAX                                                               \
    ((size_t)1 << 20) /* A listing of what is open is far smaller. */

struct spool {
    struct strbuf memory; /* All of it while file is NULL; then what is read. */
    FILE *file;
    size_t at; /* What of the memory is read. */
};

/* ERR_IO: no room for a temporary file (TMPDIR, else /tmp). */
int spool_add(struct spool *s, const char *bytes, size_t size, struct err *err);
void spool_fini(struct spool *s);

/* Reading, from the beginning. */
int spool_rewind(struct spool *s, struct err *err);
/* The next object of the JSON array that it holds, into `out`; false at the end of the
 * array.  What is no array of objects ends at once. */
bool spool_next_object(struct spool *s, struct strbuf *out);
/* All, to standard output. */
int spool_print(struct spool *s, struct err *err);

#endif
