#include "daemon/store/state_photo.h"

#include "daemon/store/state_internal.h"

int
state_put_photo(struct state *s, const struct photo *p, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_PHOTO, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, p->ticket);
    sqlite3_bind_int64(stmt, 2, p->number);
    bind_text(stmt, 3, photo_type_name(p->type));
    sqlite3_bind_int64(stmt, 4, p->bytes);
    bind_text(stmt, 5, p->sha256);
    bind_text(stmt, 6, p->by);
    bind_text_or_null(stmt, 7, p->note);
    sqlite3_bind_int64(stmt, 8, p->added_ms);
    return state_run(s, SQL_PUT_PHOTO, stmt, "put a photo", err);
}

static int
read_photo(struct state *s, sqlite3_stmt *stmt, struct photo *p, struct err *err)
{
    *p = (struct photo){.ticket = sqlite3_column_int64(stmt, 0),
                        .number = sqlite3_column_int64(stmt, 1),
                        .bytes = sqlite3_column_int64(stmt, 3),
                        .added_ms = sqlite3_column_int64(stmt, 7)};
    if (!photo_type_parse(&p->type, column_text(stmt, 2))) {
        return bad_word(s, stmt, 2, err);
    }
    copy_text(p->sha256, sizeof p->sha256, stmt, 4);
    copy_text(p->by, sizeof p->by, stmt, 5);
    copy_text(p->note, sizeof p->note, stmt, 6);
    return 0;
}

int
state_each_photo(
    struct state *s, int64_t ticket, state_photo_fn fn, void *ctx, struct err *err)
{
    struct photo p;
    struct rows r = rows_open(s, SQL_EACH_PHOTO, err);
    rows_bind(&r, 1, ticket);
    while (rows_next(&r)) {
        r.rc = read_photo(s, r.stmt, &p, err);
        if (r.rc != 0 || !fn(ctx, &p)) {
            break;
        }
    }
    return rows_close(&r);
}

int
state_has_photo(struct state *s,
                const char *sha256,
                enum photo_type type,
                bool *has,
                struct err *err)
{
    struct rows r = rows_open(s, SQL_HAS_PHOTO, err);
    rows_bind_text(&r, 1, sha256);
    rows_bind_text(&r, 2, photo_type_name(type));
    bool found = rows_next(&r);
    int rc = rows_close(&r);
    if (rc == 0) {
        *has = found;
    }
    return rc;
}
