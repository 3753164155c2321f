#include "daemon/store/history_parts.h"

#include <stdlib.h>

#include "daemon/store/db.h"

/* Read at once: most heads, and the times of a chunk, are less. */
#define FIRST_BYTES 2048
#define HEAD_AT     6 /* Behind magic, version, checksum there is its length. */

void
parts_free(struct parts *p)
{
    sqlite3_blob_close(p->blob);
    free(p->bytes);
    *p = (struct parts){0};
}

static int
fetch(struct parts *p, sqlite3 *db, size_t from, size_t to, struct err *err)
{
    if (sqlite3_blob_read(p->blob, p->bytes + from, (int)(to - from), (int)from) !=
        SQLITE_OK) {
        return db_error(db, err, "read");
    }
    return 0;
}

/* The bytes [from, from + size), as far as there are so many. */
static int
need(struct parts *p, sqlite3 *db, size_t from, size_t size, struct err *err)
{
    size_t to = size < p->size && from < p->size - size ? from + size : p->size;
    from = from < p->known ? p->known : from;
    return from < to ? fetch(p, db, from, to, err) : 0;
}

/* The head of what is in that row. */
static int
open_row(struct parts *p, sqlite3 *db, const char *table, int64_t row, struct err *err)
{
    uint64_t head = 0;
    int rc = p->blob == NULL
                 ? sqlite3_blob_open(db, "main", table, "bytes", row, 0, &p->blob)
                 : sqlite3_blob_reopen(p->blob, row);
    if (rc != SQLITE_OK) {
        return db_error(db, err, "read");
    }
    p->size = (size_t)sqlite3_blob_bytes(p->blob);
    if (p->size > p->room) {
        uint8_t *bytes = realloc(p->bytes, p->size);
        if (bytes == NULL) {
            return err_set(err, ERR_NOMEM, "history");
        }
        p->bytes = bytes;
        p->room = p->size;
    }
    p->known = p->size < FIRST_BYTES ? p->size : FIRST_BYTES;
    int failed = fetch(p, db, 0, p->known, err);
    struct cursor at = {p->bytes + HEAD_AT, p->bytes + p->known};
    if (failed == 0 && p->known > HEAD_AT && cursor_varint(&at, &head)) {
        size_t end = (size_t)(at.at - p->bytes);
        head = head < p->size - end ? head : p->size - end;
        failed = need(p, db, 0, end + (size_t)head, err);
        p->known = p->known > end + head ? p->known : end + (size_t)head;
    }
    return failed;
}

int
parts_read_chunk(struct parts *p,
                 sqlite3 *db,
                 int64_t row,
                 uint32_t key,
                 enum chunk_result *result,
                 struct sheet *out,
                 struct err *err)
{
    struct chunk c;
    struct chunk_part part;
    int rc = open_row(p, db, "chunk", row, err);
    if (rc == 0 && chunk_open(&c, p->bytes, p->size)) {
        rc = need(p, db, c.rows_at, c.rows_size, err);
        if (rc == 0 && chunk_find(&c, key, &part)) {
            rc = need(p, db, part.at, part.size, err);
        }
    }
    if (rc == 0) {
        *result = chunk_sheet_read(p->bytes, p->size, key, out);
    }
    return rc;
}

int
parts_open_tail(struct parts *p,
                sqlite3 *db,
                int64_t row,
                struct tail *out,
                bool *well,
                struct err *err)
{
    int rc = open_row(p, db, "tail", row, err);
    *well = rc == 0 && tail_open(out, p->bytes, p->size);
    return rc;
}

int
parts_need_section(struct parts *p,
                   sqlite3 *db,
                   const struct tail_part *section,
                   struct err *err)
{
    return need(p, db, section->at, section->size, err);
}
