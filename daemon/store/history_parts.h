/* Chunks and rows of the tail out of the file, of which only what one device or point
 * needs is read: the others' bytes are left as they are, which nobody looks at. */
#ifndef CARETAKER_STORE_HISTORY_PARTS_H
#define CARETAKER_STORE_HISTORY_PARTS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/store/chunk_sheet.h"
#include "daemon/store/tail.h"

/* A zeroed one is ready. */
struct parts {
    sqlite3_blob *blob; /* Of one table; it goes from row to row. */
    uint8_t *bytes;
    size_t room, size;
    size_t known; /* So many are read from the beginning. */
};
void parts_free(struct parts *p);

/* As chunk_sheet_read(), `key` not 0, of the chunk of that row.  The row is there. */
int parts_read_chunk(struct parts *p,
                     sqlite3 *db,
                     int64_t row,
                     uint32_t key,
                     enum chunk_result *result,
                     struct sheet *out,
                     struct err *err);

/* As tail_open() of a row of the tail; `well`: what it returns.  The row is there.
 * Borrowed until the next row. */
int parts_open_tail(struct parts *p,
                    sqlite3 *db,
                    int64_t row,
                    struct tail *out,
                    bool *well,
                    struct err *err);
/* Before tail_read() of this section. */
int parts_need_section(struct parts *p,
                       sqlite3 *db,
                       const struct tail_part *section,
                       struct err *err);

#endif
