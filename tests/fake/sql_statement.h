/* Statements made of any bytes, which must answer the same over the tables of the
 * history as over the plain ones of sql_world.h. */
#ifndef CARETAKER_TESTS_FAKE_SQL_STATEMENT_H
#define CARETAKER_TESTS_FAKE_SQL_STATEMENT_H

#include "tests/fake/sql_world.h"

#define STATEMENT_VALUES 12

/* One table of the history: its name, that of the plain one, and its own columns. */
static const struct world_table {
    const char *name, *plain, *value, *all;
    const char *columns[4];
} world_tables[] = {
    {"samples",
     "p.plain",
     "s.value",
     "s.value, s.quality, s.clock_untrusted, s.detail, s.nth",
     {"s.value", "s.quality", "s.nth", "s.detail"}},
    {"samples_1m",
     "p.plain_1m",
     "s.max",
     "s.min, s.max, s.mean, s.last, s.count, s.last_ms",
     {"s.min", "s.last_ms", "s.mean", "s.count"}},
    {"samples_1h",
     "p.plain_1h",
     "s.max",
     "s.min, s.max, s.mean, s.last, s.count, s.last_ms",
     {"s.min", "s.last", "s.last_ms", "s.count"}},
};

struct statement {
    const struct world_table *table;
    const uint8_t *at, *end;
    struct strbuf text;  /* The table is "@". */
    struct strbuf order; /* What it is ordered by, also its first columns. */
    char values[STATEMENT_VALUES][80]; /* Of its parameters, as SQL. */
    int value_count;
    bool joined; /* With the keys. */
};

static inline uint32_t
take_below(struct statement *s, uint32_t below)
{
    return s->at < s->end ? *s->at++ % below : 0;
}
#define take_of(s, list) ((list)[take_below(s, sizeof(list) / sizeof((list)[0]))])

static inline int64_t
take_time(struct statement *s)
{
    static const int64_t bases[] = {WORLD_T0,         WORLD_T0,   WORLD_T0 + 5000,
                                    WORLD_T0 - 1,     WORLD_LAST, WORLD_FIRST,
                                    WORLD_T0 + 15000, 0};
    static const int64_t steps[] = {1000, 997, 1, 500, 0, -1, 60000, 86400000};
    int64_t base = take_of(s, bases);
    int64_t step = take_of(s, steps);
    return base + step * take_below(s, 24);
}

/* A text that names that moment, or one near to it. */
static inline void
write_instant(struct statement *s, char *out, size_t size)
{
    int64_t t_ms = take_time(s);
    char utc[INSTANT_TEXT_BYTES], east[INSTANT_TEXT_BYTES];
    instant_format_utc(utc, t_ms);
    switch (take_below(s, 10)) {
    case 0: /* In another zone. */
        instant_format_utc(east, t_ms + 8 * 3600000);
        snprintf(out, size, "'%.23s+08:00'", east);
        break;
    case 1:
        instant_format_utc(east, t_ms - 90 * 60000);
        snprintf(out, size, "'%.23s-0130'", east);
        break;
    case 2: /* As SQLite writes it. */
        snprintf(out, size, "datetime('%s')", utc);
        break;
    case 3: /* Part of it, whatever that is. */
        snprintf(out, size, "'%.*s'", (int)take_below(s, 25), utc);
        break;
    case 4:
        snprintf(out, size, "'%.23s%03uZ'", utc, take_below(s, 256));
        break;
    case 5:
        snprintf(out, size, "'%.10s %.12s'", utc, utc + 11);
        break;
    case 6:
        snprintf(out, size, "'%.24s '", utc);
        break;
    default:
        snprintf(out, size, "'%s'", utc);
        break;
    }
}

/* A value as SQL writes it. */
static inline void
write_value(struct statement *s, char *out, size_t size)
{
    static const char *const odd[] = {"NULL",
                                      "''",
                                      "x''",
                                      "x'61'",
                                      "5",
                                      "5.0",
                                      "'5'",
                                      "'05'",
                                      "10",
                                      "'10'",
                                      "1e18",
                                      "-1e18",
                                      "9223372036854775807",
                                      "-9223372036854775808",
                                      "9.3e18",
                                      "-9.3e18",
                                      "1e300",
                                      "-1e300",
                                      "9e999",
                                      "-9e999",
                                      "0",
                                      "-1",
                                      "0.5",
                                      "1772323205000.5",
                                      "'1772323205000'",
                                      "'zzz'",
                                      "'2026-02-30'",
                                      "'2026'",
                                      "'9999-12-31T23:59:60'",
                                      "'0001'",
                                      "'0000'",
                                      "CAST('a' AS BLOB)",
                                      "CAST(x'6100' AS TEXT)",
                                      "'good'",
                                      "'2026-03-01T00:00:05+25:00'",
                                      "'2026-03-01T00'",
                                      "'2026-03-01T00Z'"};
    static const char *const ids[] = {"'a'", "'A'", "'5'", "'p'", "'q'", "'10'"};
    switch (take_below(s, 6)) {
    case 0:
    case 1:
        write_instant(s, out, size);
        break;
    case 2:
        snprintf(out, size, "%lld", (long long)take_time(s));
        break;
    case 3:
        snprintf(out, size, "%s", take_of(s, ids));
        break;
    case 4:
        snprintf(out, size, "%s", take_of(s, odd));
        break;
    default: { /* Any bytes. */
        int used = snprintf(out, size, "CAST(x'");
        for (uint32_t n = take_below(s, 28); n > 0; n--) {
            used +=
                snprintf(out + used, size - (size_t)used, "%02x", take_below(s, 256));
        }
        snprintf(out + used, size - (size_t)used, "' AS TEXT)");
        break;
    }
    }
}

/* The same in the text: as it is, as a parameter, or out of the keys. */
static inline void
add_value(struct statement *s)
{
    static const char *const keys[] = {"k.i", "k.t", "k.n",     "k.b",
                                       "k.c", "k.m", "k.i + 0", "k.t || ''"};
    uint32_t how = take_below(s, 8);
    char value[80];
    if (s->joined && how >= 4) {
        strbuf_add(&s->text, take_of(s, keys));
        return;
    }
    write_value(s, value, sizeof value);
    if (how % 2 == 1 && s->value_count < STATEMENT_VALUES) {
        memcpy(s->values[s->value_count++], value, sizeof value);
        strbuf_printf(&s->text, "?%d", s->value_count);
    } else {
        strbuf_add(&s->text, value);
    }
}

static inline void
add_collation(struct statement *s)
{
    static const char *const names[] = {"BINARY", "NOCASE", "RTRIM", "INSTANT"};
    if (take_below(s, 8) == 7) {
        strbuf_printf(&s->text, " COLLATE %s", take_of(s, names));
    }
}

static inline void
add_column(struct statement *s)
{
    static const char *const columns[] = {"s.time", "s.device", "s.point", "s.t_ms"};
    uint32_t own = take_below(s, 14);
    strbuf_add(&s->text, own < 4 ? s->table->columns[own] : take_of(s, columns));
}

static inline void
add_term(struct statement *s)
{
    static const char *const ops[] = {"=", ">=", "<", ">", "<=", "<>", "IS", "IS NOT"};
    uint32_t form = take_below(s, 16);
    if (form == 0) {
        strbuf_add(&s->text, "NOT ");
    }
    if (form == 1) { /* The other way round. */
        add_value(s);
        strbuf_printf(&s->text, " %s ", take_of(s, ops));
        add_column(s);
        return;
    }
    add_column(s);
    add_collation(s);
    switch (form) {
    case 2:
    case 3:
        strbuf_add(&s->text, " BETWEEN ");
        add_value(s);
        strbuf_add(&s->text, " AND ");
        add_value(s);
        break;
    case 4:
    case 5:
        strbuf_add(&s->text, form == 4 ? " IN (" : " NOT IN (");
        for (uint32_t n = take_below(s, 4); n > 0; n--) {
            add_value(s);
            strbuf_add(&s->text, ", ");
        }
        add_value(s);
        strbuf_add(&s->text, ")");
        break;
    case 6:
        strbuf_add(&s->text, " IN (SELECT b FROM p.keys)");
        break;
    case 7:
        strbuf_add(&s->text, " LIKE ");
        add_value(s);
        break;
    case 8:
        strbuf_add(&s->text, " IS NOT NULL");
        break;
    default:
        strbuf_printf(&s->text, " %s ", take_of(s, ops));
        add_value(s);
        add_collation(s);
        break;
    }
}

static inline void
add_where(struct statement *s)
{
    uint32_t terms = take_below(s, 5);
    int open = 0;
    for (uint32_t i = 0; i < terms; i++) {
        strbuf_add(&s->text, i == 0                  ? " WHERE "
                             : take_below(s, 4) == 3 ? " OR "
                                                     : " AND ");
        if (take_below(s, 6) == 5) {
            strbuf_add_char(&s->text, '(');
            open++;
        }
        add_term(s);
        if (open > 0 && take_below(s, 2) == 1) {
            strbuf_add_char(&s->text, ')');
            open--;
        }
    }
    for (; open > 0; open--) {
        strbuf_add_char(&s->text, ')');
    }
}

/* Up to four columns to be ordered by. */
static inline void
make_order(struct statement *s)
{
    const char *const columns[] = {"s.time",  "s.t_ms", "s.device",
                                   "s.point", "s.time", s->table->value};
    for (uint32_t n = take_below(s, 5); n > 0; n--) {
        strbuf_add(&s->order, s->order.size > 0 ? ", " : "");
        strbuf_add(&s->order, take_of(s, columns));
        strbuf_add(&s->order, take_below(s, 8) == 7 ? " COLLATE BINARY" : "");
        strbuf_add(&s->order, take_below(s, 5) == 4 ? " DESC" : "");
    }
}

/* The columns of the order, for the rows to be compared by. */
static inline void
add_order_columns(struct statement *s)
{
    for (const char *c = strbuf_text(&s->order); *c != '\0';) {
        size_t size = strcspn(c, ",");
        strbuf_add_bytes(&s->text, c, strcspn(c, " ,"));
        strbuf_add(&s->text, ", ");
        c += size;
        c += strspn(c, ", ");
    }
}

static inline void
statement_make(struct statement *s, const uint8_t *bytes, size_t size)
{
    static const char *const groups[] = {"s.device", "s.device, s.point", "s.time",
                                         "s.point, s.device", "s.t_ms"};
    static const char *const lists[] = {"s.device", "s.time", "s.point, s.time"};
    *s = (struct statement){.at = bytes, .end = bytes + size};
    s->table = &take_of(s, world_tables);
    uint32_t kind = take_below(s, 12);
    const char *group = kind == 10 ? take_of(s, groups) : NULL;
    const char *distinct = kind == 11 ? take_of(s, lists) : NULL;
    /* Of intervals windows are made anew for each row that is joined: that takes long.
     */
    s->joined = take_below(s, 4) == 3 && s->table == &world_tables[0];
    if (group == NULL && distinct == NULL) {
        make_order(s);
    }
    strbuf_add(&s->text, distinct != NULL ? "SELECT DISTINCT " : "SELECT ");
    add_order_columns(s);
    if (group != NULL) {
        strbuf_printf(&s->text, "%s, count(*), min(s.time), max(s.time), max(%s)",
                      group, s->table->value);
    } else if (distinct != NULL) {
        strbuf_add(&s->text, distinct);
    } else {
        strbuf_printf(&s->text, "s.device, s.point, s.time, s.t_ms, %s", s->table->all);
    }
    strbuf_add(&s->text,
               s->joined && group == NULL && distinct == NULL ? ", k.rowid" : "");
    strbuf_add(&s->text, " FROM @ s");
    if (s->joined) {
        strbuf_add(&s->text, take_below(s, 3) == 2 ? " LEFT JOIN p.keys k ON "
                                                   : " JOIN p.keys k ON ");
        add_term(s);
    }
    add_where(s);
    if (group != NULL) {
        strbuf_printf(&s->text, " GROUP BY %s", group);
    } else if (s->order.size > 0) {
        strbuf_printf(&s->text, " ORDER BY %s", s->order.text);
    }
}

static inline void
statement_fini(struct statement *s)
{
    strbuf_fini(&s->text);
    strbuf_fini(&s->order);
}

/* ---- answers ---- */

struct answer {
    int code; /* Of SQLite: SQLITE_DONE, or why there is no more. */
    struct strbuf
        order; /* What the rows were to be ordered by, one behind the other. */
    char **rows;
    size_t count, capacity;
};

static inline void
add_cell(struct strbuf *b, sqlite3_stmt *stmt, int column)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_FLOAT:
        strbuf_printf(b, "%.17g|", sqlite3_column_double(stmt, column));
        break;
    case SQLITE_NULL:
        strbuf_add(b, "NULL|");
        break;
    default:
        strbuf_printf(b, "%s|", (const char *)sqlite3_column_text(stmt, column));
        break;
    }
}

static inline int
by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static inline void
bind_values(sqlite3 *db, sqlite3_stmt *stmt, const struct statement *s)
{
    for (int i = 0; i < s->value_count; i++) {
        sqlite3_stmt *value = NULL;
        char sql[100];
        snprintf(sql, sizeof sql, "SELECT %s", s->values[i]);
        assert(sqlite3_prepare_v2(db, sql, -1, &value, NULL) == SQLITE_OK);
        assert(sqlite3_step(value) == SQLITE_ROW);
        assert(sqlite3_bind_value(stmt, i + 1, sqlite3_column_value(value, 0)) ==
               SQLITE_OK);
        sqlite3_finalize(value);
    }
}

/* Of the statement over the table of that name. */
static inline void
answer_take(struct answer *a, sqlite3 *db, const struct statement *s, const char *table)
{
    struct strbuf sql = {0}, row = {0};
    sqlite3_stmt *stmt = NULL;
    *a = (struct answer){0};
    const char *at = strchr(s->text.text, '@');
    strbuf_add_bytes(&sql, s->text.text, (size_t)(at - s->text.text));
    strbuf_printf(&sql, "%s%s", table, at + 1);
    a->code = sqlite3_prepare_v2(db, sql.text, -1, &stmt, NULL);
    int ordered = s->order.size > 0;
    for (const char *c = strbuf_text(&s->order); *c != '\0'; c++) {
        ordered += *c == ',';
    }
    if (a->code != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql.text, sqlite3_errmsg(db));
        abort();
    }
    bind_values(db, stmt, s);
    while ((a->code = sqlite3_step(stmt)) == SQLITE_ROW) {
        strbuf_clear(&row);
        for (int c = 0; c < sqlite3_column_count(stmt); c++) {
            add_cell(c < ordered ? &a->order : &row, stmt, c);
        }
        if (a->count == a->capacity) {
            a->capacity = 2 * a->capacity + 64;
            a->rows = realloc(a->rows, a->capacity * sizeof(char *));
            assert(a->rows != NULL);
        }
        a->rows[a->count++] = strdup(strbuf_text(&row));
    }
    sqlite3_finalize(stmt);
    if (a->count > 0) {
        qsort(a->rows, a->count, sizeof(char *), by_text);
    }
    strbuf_fini(&sql);
    strbuf_fini(&row);
}

static inline void
answer_fini(struct answer *a)
{
    for (size_t i = 0; i < a->count; i++) {
        free(a->rows[i]);
    }
    free(a->rows);
    strbuf_fini(&a->order);
}

/* Says on standard error how they differ; false: they do not. */
static inline bool
answers_differ(const struct answer *a,
               const struct answer *b,
               const struct statement *s)
{
    size_t i = 0;
    while (i < a->count && i < b->count && strcmp(a->rows[i], b->rows[i]) == 0) {
        i++;
    }
    if (a->code == b->code && i == a->count && i == b->count &&
        strcmp(strbuf_text(&a->order), strbuf_text(&b->order)) == 0) {
        return false;
    }
    fprintf(stderr, "%s: %s\n", s->table->name, s->text.text);
    for (int v = 0; v < s->value_count; v++) {
        fprintf(stderr, "?%d = %s\n", v + 1, s->values[v]);
    }
    fprintf(stderr,
            "%d, %zu rows; plain: %d, %zu; the first difference at %zu: %s; %s\n",
            a->code, a->count, b->code, b->count, i, i < a->count ? a->rows[i] : "",
            i < b->count ? b->rows[i] : "");
    return true;
}

/* False, with what and why on standard error, when the statement that the bytes make
 * has another answer than over the plain tables.  `rows`: of it. */
static inline bool
sql_world_agrees(struct sql_world *w, const uint8_t *bytes, size_t size, size_t *rows)
{
    struct statement s;
    struct answer answer, plain;
    statement_make(&s, bytes, size);
    answer_take(&answer, w->db, &s, s.table->name);
    answer_take(&plain, w->db, &s, s.table->plain);
    bool agrees = !answers_differ(&answer, &plain, &s);
    *rows = answer.code == SQLITE_DONE ? answer.count : 0;
    answer_fini(&answer);
    answer_fini(&plain);
    statement_fini(&s);
    return agrees;
}

#endif
