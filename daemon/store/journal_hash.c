#include "daemon/store/journal_hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/db.h"

void
journal_hash_begin(struct journal_hasher *h,
                   const unsigned char before[JOURNAL_HASH_BYTES])
{
    crypto_hash_sha256_init(&h->state);
    crypto_hash_sha256_update(&h->state, before, JOURNAL_HASH_BYTES);
}

static void
add(struct journal_hasher *h, char type, const void *content, size_t size)
{
    char front[32];
    int n = snprintf(front, sizeof front, "%c%zu:", type, size);
    crypto_hash_sha256_update(&h->state, (const unsigned char *)front,
                              (unsigned long long)n);
    crypto_hash_sha256_update(&h->state, content, size);
    crypto_hash_sha256_update(&h->state, (const unsigned char *)",", 1);
}

void
journal_hash_int(struct journal_hasher *h, int64_t value)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%" PRId64, value);
    add(h, 'i', text, (size_t)n);
}

void
journal_hash_text(struct journal_hasher *h, const char *text)
{
    add(h, 't', text, strlen(text));
}

void
journal_hash_text_or_null(struct journal_hasher *h, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        add(h, 'n', "", 0);
    } else {
        journal_hash_text(h, text);
    }
}

void
journal_hash_end(struct journal_hasher *h, unsigned char out[JOURNAL_HASH_BYTES])
{
    crypto_hash_sha256_final(&h->state, out);
}

static void
add_column(struct journal_hasher *h, sqlite3_stmt *stmt, int at)
{
    const void *content = "";
    char letter = 'n';
    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_NULL:
        break;
    case SQLITE_INTEGER:
        journal_hash_int(h, sqlite3_column_int64(stmt, at));
        return;
    case SQLITE_BLOB:
        letter = 'b';
        content = sqlite3_column_blob(stmt, at);
        break;
    case SQLITE_FLOAT:
        letter = 'r';
        content = sqlite3_column_text(stmt, at);
        break;
    default:
        letter = 't';
        content = sqlite3_column_text(stmt, at);
        break;
    }
    size_t size = letter == 'n' ? 0 : (size_t)sqlite3_column_bytes(stmt, at);
    add(h, letter, content != NULL ? content : "", content != NULL ? size : 0);
}

void
journal_hash_row(unsigned char out[JOURNAL_HASH_BYTES],
                 const unsigned char before[JOURNAL_HASH_BYTES],
                 sqlite3_stmt *stmt)
{
    struct journal_hasher h;
    journal_hash_begin(&h, before);
    for (int i = 0; i < JOURNAL_COLUMN_COUNT; i++) {
        add_column(&h, stmt, i);
    }
    journal_hash_end(&h, out);
}

/* ---- Rows that are older than the chain ---- */

static int
set_hash(sqlite3_stmt *update, const struct journal_head *head)
{
    sqlite3_bind_blob(update, 1, head->hash, JOURNAL_HASH_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(update, 2, head->seq);
    int step = sqlite3_step(update);
    sqlite3_reset(update);
    return step;
}

static int
chain_rows(sqlite3 *db, struct journal_head *head)
{
    sqlite3_stmt *each = NULL;
    sqlite3_stmt *update = NULL;
    int step = sqlite3_prepare_v2(
        db, "SELECT " JOURNAL_COLUMNS " FROM events ORDER BY seq", -1, &each, NULL);
    if (step == SQLITE_OK) {
        step = sqlite3_prepare_v2(db, "UPDATE events SET hash = ?1 WHERE seq = ?2", -1,
                                  &update, NULL);
    }
    while (step == SQLITE_OK || step == SQLITE_ROW) {
        step = sqlite3_step(each);
        if (step == SQLITE_ROW) {
            unsigned char hash[JOURNAL_HASH_BYTES];
            journal_hash_row(hash, head->hash, each);
            memcpy(head->hash, hash, sizeof hash);
            head->seq = sqlite3_column_int64(each, 0);
            int written = set_hash(update, head);
            step = written == SQLITE_DONE ? SQLITE_ROW : written;
        }
    }
    sqlite3_finalize(each);
    sqlite3_finalize(update);
    return step;
}

static int
put_head(sqlite3 *db, const char *text)
{
    sqlite3_stmt *stmt = NULL;
    int step = sqlite3_prepare_v2(
        db, "INSERT OR REPLACE INTO meta (key, value) VALUES ('journal_head', ?1)", -1,
        &stmt, NULL);
    if (step == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
        step = sqlite3_step(stmt);
    }
    sqlite3_finalize(stmt);
    return step;
}

static void
journal_chain(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sqlite3 *db = sqlite3_context_db_handle(ctx);
    struct journal_head head = {0};
    char text[JOURNAL_HEAD_BYTES];
    (void)argc;
    (void)argv;
    int step = chain_rows(db, &head);
    if (step == SQLITE_DONE) {
        step = put_head(db, journal_head_format(text, &head));
    }
    if (step != SQLITE_DONE) {
        sqlite3_result_error(ctx, sqlite3_errmsg(db), -1);
        sqlite3_result_error_code(ctx, step);
        return;
    }
    sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

int
journal_register(sqlite3 *db, struct err *err)
{
    if (sqlite3_create_function_v2(db, "journal_chain", 0,
                                   SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, journal_chain,
                                   NULL, NULL, NULL) != SQLITE_OK) {
        return db_error(db, err, "make journal_chain()");
    }
    return 0;
}
