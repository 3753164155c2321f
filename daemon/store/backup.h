/* A copy of a database, as of one moment, while it is being written. */
#ifndef CARETAKER_STORE_BACKUP_H
#define CARETAKER_STORE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"

struct backup {
    const char *from, *to; /* Files. */
    bool replace;          /* What is at `to`. */
    uint64_t leave;        /* Bytes that stay free where `to` is. */
    /* From 0 to 1, now and then; may be NULL.  Copying, then reading the copy. */
    void (*progress)(void *ctx, double done);
    void *ctx;
};

/* Copies page by page within one reading of `from`, into a file beside `to` that gets
 * its name when all of it is on the disk and SQLite finds it whole; until then `to` is
 * as it was.  `bytes` says how large the copy is.  ERR_NOT_FOUND: there is no `from`.
 * ERR_REFUSED: there is something at `to`.  ERR_IO: else; what is missing is said. */
int backup_make(const struct backup *b, uint64_t *bytes, struct err *err);

#endif
