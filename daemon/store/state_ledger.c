/* The ledger in state.db. */
#include "daemon/base/utf8.h"
#include "daemon/store/state_internal.h"

static int
put_field(struct state *s, const struct ledger_field *f, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum state_sql which = f->gone ? SQL_DELETE_LEDGER : SQL_PUT_LEDGER;
    int rc = state_lend_for_write(s, which, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, f->device);
    bind_text(stmt, 2, ledger_key_name(f->key));
    if (!f->gone) {
        bind_text(stmt, 3, f->value);
        bind_text(stmt, 4, f->by);
        sqlite3_bind_int64(stmt, 5, f->changed_ms);
    }
    return state_run(s, which, stmt, "put a field of the ledger", err);
}

static int
put_document(struct state *s, const struct ledger_document *d, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_DOCUMENT, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, d->number);
    bind_text(stmt, 2, d->device);
    bind_text(stmt, 3, d->title);
    bind_text(stmt, 4, d->link);
    bind_text(stmt, 5, document_kind_name(d->kind));
    bind_text_or_null(stmt, 6, d->valid_until);
    bind_text(stmt, 7, d->by);
    sqlite3_bind_int64(stmt, 8, d->added_ms);
    bind_text_or_null(stmt, 9, d->removed_by);
    bind_instant(stmt, 10, d->removed_ms);
    return state_run(s, SQL_PUT_DOCUMENT, stmt, "put a document of the ledger", err);
}

static int
put_alteration(struct state *s, const struct ledger_alteration *a, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_ALTERATION, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, a->number);
    bind_text(stmt, 2, a->device);
    bind_text(stmt, 3, a->day);
    bind_text(stmt, 4, a->what);
    bind_text_or_null(stmt, 5, a->effect);
    bind_text_or_null(stmt, 6, a->made_by);
    bind_text(stmt, 7, a->by);
    sqlite3_bind_int64(stmt, 8, a->added_ms);
    return state_run(s, SQL_PUT_ALTERATION, stmt, "put an alteration", err);
}

int
state_put_ledger(struct state *s, const struct ledger_row *row, struct err *err)
{
    switch (row->kind) {
    case LEDGER_ROW_FIELD:
        return put_field(s, &row->field, err);
    case LEDGER_ROW_DOCUMENT:
        return put_document(s, &row->document, err);
    case LEDGER_ROW_ALTERATION:
        return put_alteration(s, &row->alteration, err);
    }
    return 0;
}

static int
read_field(struct state *s, sqlite3_stmt *stmt, struct ledger_row *row, struct err *err)
{
    struct ledger_field *f = &row->field;
    *row = (struct ledger_row){.kind = LEDGER_ROW_FIELD};
    f->device = column_text(stmt, 0);
    if (!ledger_key_parse(&f->key, column_text(stmt, 1))) {
        return bad_word(s, stmt, 1, err);
    }
    copy_text(f->value, sizeof f->value, stmt, 2);
    copy_text(f->by, sizeof f->by, stmt, 3);
    f->changed_ms = sqlite3_column_int64(stmt, 4);
    return 0;
}

static int
read_document(struct state *s,
              sqlite3_stmt *stmt,
              struct ledger_row *row,
              struct err *err)
{
    struct ledger_document *d = &row->document;
    *row = (struct ledger_row){.kind = LEDGER_ROW_DOCUMENT};
    d->number = sqlite3_column_int64(stmt, 0);
    d->device = column_text(stmt, 1);
    copy_text(d->title, sizeof d->title, stmt, 2);
    copy_text(d->link, sizeof d->link, stmt, 3);
    if (!document_kind_parse(&d->kind, column_text(stmt, 4))) {
        return bad_word(s, stmt, 4, err);
    }
    copy_text(d->valid_until, sizeof d->valid_until, stmt, 5);
    copy_text(d->by, sizeof d->by, stmt, 6);
    d->added_ms = sqlite3_column_int64(stmt, 7);
    copy_text(d->removed_by, sizeof d->removed_by, stmt, 8);
    d->removed_ms = column_instant(stmt, 9);
    return 0;
}

static int
read_alteration(struct state *s,
                sqlite3_stmt *stmt,
                struct ledger_row *row,
                struct err *err)
{
    (void)s;
    (void)err;
    struct ledger_alteration *a = &row->alteration;
    *row = (struct ledger_row){.kind = LEDGER_ROW_ALTERATION};
    a->number = sqlite3_column_int64(stmt, 0);
    a->device = column_text(stmt, 1);
    copy_text(a->day, sizeof a->day, stmt, 2);
    copy_text(a->what, sizeof a->what, stmt, 3);
    copy_text(a->effect, sizeof a->effect, stmt, 4);
    copy_text(a->made_by, sizeof a->made_by, stmt, 5);
    copy_text(a->by, sizeof a->by, stmt, 6);
    a->added_ms = sqlite3_column_int64(stmt, 7);
    return 0;
}

int
state_each_ledger(struct state *s, state_ledger_fn fn, void *ctx, struct err *err)
{
    static const struct {
        enum state_sql which;
        int (*read)(struct state *, sqlite3_stmt *, struct ledger_row *, struct err *);
    } tables[] = {{SQL_EACH_LEDGER, read_field},
                  {SQL_EACH_DOCUMENT, read_document},
                  {SQL_EACH_ALTERATION, read_alteration}};
    struct ledger_row row;
    bool more = true;
    int rc = 0;
    for (size_t i = 0; rc == 0 && more && i < ARRAY_LEN(tables); i++) {
        sqlite3_stmt *stmt = NULL;
        rc = state_lend(s, tables[i].which, &stmt, err);
        if (rc != 0) {
            return rc;
        }
        while (more && next_row(s, stmt, &rc, err)) {
            rc = tables[i].read(s, stmt, &row, err);
            if (rc != 0) {
                break;
            }
            more = fn(ctx, &row);
        }
        state_return(s, tables[i].which, stmt);
    }
    return rc;
}
