#include "daemon/store/history_vtab.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/err.h"
#include "daemon/store/db.h"
#include "daemon/store/history_aggregate.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/history_samples.h"
#include "daemon/store/history_schema.h"
#include "daemon/store/history_vtab_plan.h"
#include "daemon/store/sql_time.h"

#define ROWS 1e9 /* Of samples, about: what SQLite's plans go by. */

/* What a table is made of. */
struct kind {
    const char *name, *schema;
    int64_t step_ms; /* Of its intervals; 0: samples. */
};

struct table {
    sqlite3_vtab base; /* First: SQLite knows no more of it. */
    sqlite3 *db;
    const struct kind *kind;
};

struct cursor {
    sqlite3_vtab_cursor base; /* The same. */
    struct history_names names;
    struct vtab_bounds bounds;
    int pass; /* Of each device with each point that is asked for. */
    /* One of both, by the kind of the table. */
    struct history_samples *samples;
    const struct history_sample *sample;
    struct aggregate_cursor *aggregates;
    struct aggregate_row row;
    /* Of the row; no device: at the end. */
    int64_t t_ms;
    const char *device, *point;
    int64_t nth;
    struct sql_time_writer time;
    struct history_damage damage; /* Of all passes. */
};

/* Hands an error of ours to SQLite. */
static int
fail(sqlite3_vtab *base, const struct err *err)
{
    const struct table *t = (const struct table *)base;
    if (err->code == ERR_NOMEM) {
        return SQLITE_NOMEM;
    }
    int code = sqlite3_errcode(t->db) & 0xff;
    sqlite3_free(base->zErrMsg);
    base->zErrMsg = sqlite3_mprintf("%s", err->text);
    /* SQLite met no error of its own: what it read for us was no history. */
    bool ours = code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE;
    return ours ? SQLITE_CORRUPT_VTAB : code;
}

/* ---- a table ---- */

#define COLUMNS_OF_ALL                                                                 \
    "device TEXT, point TEXT, time TEXT COLLATE " SQL_TIME_COLLATION                   \
    ", t_ms INTEGER HIDDEN, "
#define COLUMNS_OF_INTERVALS                                                           \
    "min REAL, max REAL, mean REAL, last REAL, count INTEGER, last_ms INTEGER HIDDEN," \
    " PRIMARY KEY (t_ms, device, point)"

/* Rows are told apart by what they are: SQLite joins the answers to OR by that. */
static const struct kind kinds[] = {
    {"samples",
     "CREATE TABLE samples (" COLUMNS_OF_ALL
     "value REAL, quality TEXT, clock_untrusted INTEGER HIDDEN, detail INTEGER HIDDEN,"
     " nth INTEGER HIDDEN, PRIMARY KEY (t_ms, device, point, nth)) WITHOUT ROWID",
     0},
    {"samples_1m",
     "CREATE TABLE samples_1m (" COLUMNS_OF_ALL COLUMNS_OF_INTERVALS ") WITHOUT ROWID",
     ROLLUP_MINUTE_MS},
    {"samples_1h",
     "CREATE TABLE samples_1h (" COLUMNS_OF_ALL COLUMNS_OF_INTERVALS ") WITHOUT ROWID",
     ROLLUP_HOUR_MS},
};

/* By the name of the module. */
static const struct kind *
kind_of(const char *name)
{
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(kinds) && strcmp(name, kinds[i].name) != 0) {
        i++;
    }
    return &kinds[i];
}

static int
check_file(sqlite3 *db, struct err *err)
{
    int64_t tables = 0;
    int rc = db_int(db,
                    "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table'"
                    " AND name IN ('device', 'point', 'packed', 'chunk', 'tail')",
                    0, &tables, err);
    if (rc != 0 || tables == 5) {
        return rc != 0 ? rc : db_check_version(db, HISTORY_SCHEMA_VERSION, err);
    }
    const char *file = sqlite3_db_filename(db, "main");
    return err_set(err, ERR_REFUSED,
                   "%s is no history of caretaker, or of an older version that the "
                   "daemon brings up to date when it starts",
                   file != NULL && file[0] != '\0' ? file : tr("the database"));
}

static int
table_connect(sqlite3 *db,
              void *aux,
              int argc,
              const char *const *argv,
              sqlite3_vtab **out,
              char **text)
{
    (void)aux;
    (void)argc;
    struct err err = {0};
    if (check_file(db, &err) != 0) {
        *text = sqlite3_mprintf("%s", err.text);
        return SQLITE_ERROR;
    }
    struct table *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return SQLITE_NOMEM;
    }
    t->db = db;
    t->kind = kind_of(argv[0]);
    int rc = sqlite3_declare_vtab(db, t->kind->schema);
    if (rc != SQLITE_OK) {
        free(t);
        return rc;
    }
    /* Nothing but reading: a view of the file may use it. */
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    *out = &t->base;
    return SQLITE_OK;
}

static int
table_disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

static int
table_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct kind *kind = ((const struct table *)base)->kind;
    double seconds = kind->step_ms == 0 ? 1 : (double)kind->step_ms / 1000;
    return vtab_plan_make(info, ROWS / seconds);
}

/* ---- a cursor ---- */

static int
cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    (void)base;
    struct cursor *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return SQLITE_NOMEM;
    }
    *out = &c->base;
    return SQLITE_OK;
}

static void
end_pass(struct cursor *c)
{
    if (c->samples != NULL) {
        history_samples_damage(c->samples, &c->damage);
    }
    for (uint64_t n = c->aggregates != NULL ? aggregate_damaged(c->aggregates) : 0;
         n > 0; n--) {
        history_damage_add(&c->damage, NULL, c->bounds.range.from_ms,
                           c->bounds.range.to_ms);
    }
    history_samples_close(c->samples);
    aggregate_close(c->aggregates);
    c->samples = NULL;
    c->aggregates = NULL;
    c->device = c->point = NULL;
}

static int
cursor_close(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;
    end_pass(c);
    history_damage_log(&c->damage, HISTORY_FILE);
    vtab_bounds_fini(&c->bounds);
    history_names_fini(&c->names);
    free(c);
    return SQLITE_OK;
}

/* Samples of one device and point, or of all. */
static int
open_samples(struct cursor *c, const char *device, const char *point, struct err *err)
{
    const struct table *t = (const struct table *)c->base.pVtab;
    const struct history_filter filter = {.from_ms = c->bounds.range.from_ms,
                                          .to_ms = c->bounds.range.to_ms,
                                          .device = device,
                                          .point = point};
    return history_samples_open(&c->samples, t->db, &c->names, &filter, err);
}

static int
open_aggregates(struct cursor *c,
                const char *device,
                const char *point,
                struct err *err)
{
    const struct table *t = (const struct table *)c->base.pVtab;
    const struct aggregate_filter filter = {.step_ms = t->kind->step_ms,
                                            .from_ms = c->bounds.range.from_ms,
                                            .to_ms = c->bounds.range.to_ms,
                                            .device = device,
                                            .point = point};
    return aggregate_open(&c->aggregates, t->db, &filter, err);
}

/* `more` false: there is no further pass. */
static int
begin_pass(struct cursor *c, bool *more, struct err *err)
{
    const struct table *t = (const struct table *)c->base.pVtab;
    const struct vtab_ids *devices = &c->bounds.devices, *points = &c->bounds.points;
    int device_count = devices->count > 0 ? devices->count : 1;
    int point_count = points->count > 0 ? points->count : 1;
    end_pass(c);
    *more = c->pass < device_count * point_count;
    if (!*more) {
        return 0;
    }
    const char *device = devices->count > 0 ? devices->id[c->pass / point_count] : NULL;
    const char *point = points->count > 0 ? points->id[c->pass % point_count] : NULL;
    c->pass++;
    return t->kind->step_ms == 0 ? open_samples(c, device, point, err)
                                 : open_aggregates(c, device, point, err);
}

/* The next row of the pass; no device where it has none. */
static int
step_pass(struct cursor *c, struct err *err)
{
    const char *device = c->device, *point = c->point;
    int64_t t_ms = c->t_ms;
    bool more = false;
    int rc = 0;
    c->device = NULL;
    if (c->aggregates != NULL) {
        rc = aggregate_next(c->aggregates, &c->row, &more, err);
        if (rc == 0 && more) {
            c->t_ms = c->row.t_ms;
            c->device = c->row.device;
            c->point = c->row.point;
        }
        return rc;
    }
    rc = history_samples_next(c->samples, &c->sample, err);
    if (rc == 0 && c->sample != NULL) {
        c->t_ms = c->sample->t_ms;
        c->device = c->sample->device;
        c->point = c->sample->point;
        /* Names are met as one and the same string until the pass ends. */
        bool again = c->t_ms == t_ms && c->device == device && c->point == point;
        c->nth = again ? c->nth + 1 : 0;
    }
    return rc;
}

static int
cursor_next(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;
    struct err err = {0};
    bool more = true;
    bool within = c->samples != NULL || c->aggregates != NULL;
    int rc = within ? step_pass(c, &err) : 0;
    while (rc == 0 && c->device == NULL && more) {
        rc = begin_pass(c, &more, &err);
        rc = rc == 0 && more ? step_pass(c, &err) : rc;
    }
    return rc == 0 ? SQLITE_OK : fail(base->pVtab, &err);
}

/* All that is read belongs to the transaction of the statement, which has begun: SQLite
 * begins it before the first row of any table of this file. */
static int
cursor_filter(sqlite3_vtab_cursor *base,
              int number,
              const char *plan,
              int argc,
              sqlite3_value **argv)
{
    (void)number;
    struct cursor *c = (struct cursor *)base;
    end_pass(c);
    vtab_bounds_fini(&c->bounds);
    c->pass = 0;
    int rc = vtab_plan_read(&c->bounds, plan, argc, argv);
    if (rc != SQLITE_OK || sql_range_is_empty(&c->bounds.range)) {
        return rc;
    }
    return cursor_next(base);
}

static int
cursor_eof(sqlite3_vtab_cursor *base)
{
    return ((struct cursor *)base)->device == NULL;
}

static void
sample_column(const struct cursor *c, sqlite3_context *out, int column)
{
    const struct history_sample *s = c->sample;
    switch (column) {
    case SAMPLES_VALUE:
        if (s->quality == QUALITY_GOOD) {
            sqlite3_result_double(out, s->value);
        }
        break;
    case SAMPLES_QUALITY:
        sqlite3_result_text(out, quality_name(s->quality), -1, SQLITE_STATIC);
        break;
    case SAMPLES_UNTRUSTED:
        sqlite3_result_int(out, s->clock_untrusted);
        break;
    case SAMPLES_DETAIL:
        if (s->quality != QUALITY_GOOD && s->detail != 0) {
            sqlite3_result_int(out, s->detail);
        }
        break;
    case SAMPLES_NTH:
        sqlite3_result_int64(out, c->nth);
        break;
    default:
        break;
    }
}

static void
aggregate_column(const struct cursor *c, sqlite3_context *out, int column)
{
    const struct aggregate_row *r = &c->row;
    switch (column) {
    case AGGREGATE_MIN:
        sqlite3_result_double(out, r->min);
        break;
    case AGGREGATE_MAX:
        sqlite3_result_double(out, r->max);
        break;
    case AGGREGATE_MEAN:
        sqlite3_result_double(out, r->sum / (double)r->count);
        break;
    case AGGREGATE_LAST:
        sqlite3_result_double(out, r->last);
        break;
    case AGGREGATE_COUNT:
        sqlite3_result_int64(out, (sqlite3_int64)r->count);
        break;
    case AGGREGATE_LAST_MS:
        sqlite3_result_int64(out, r->last_ms);
        break;
    default:
        break;
    }
}

static int
cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column)
{
    struct cursor *c = (struct cursor *)base;
    switch (column) {
    case VTAB_DEVICE:
        sqlite3_result_text(out, c->device, -1, SQLITE_TRANSIENT);
        break;
    case VTAB_POINT:
        sqlite3_result_text(out, c->point, -1, SQLITE_TRANSIENT);
        break;
    case VTAB_TIME:
        sqlite3_result_text(out, sql_time_write(&c->time, c->t_ms), SQL_TIME_TEXT_SIZE,
                            SQLITE_TRANSIENT);
        break;
    case VTAB_T_MS:
        sqlite3_result_int64(out, c->t_ms);
        break;
    default:
        if (c->aggregates != NULL) {
            aggregate_column(c, out, column);
        } else {
            sample_column(c, out, column);
        }
        break;
    }
    return SQLITE_OK;
}

/* Never asked: the tables are WITHOUT ROWID. */
static int
cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    (void)base;
    (void)out;
    return SQLITE_ERROR;
}

static const sqlite3_module module = {
    /* Without xCreate it is there by its name alone. */
    .xConnect = table_connect,
    .xBestIndex = table_best_index,
    .xDisconnect = table_disconnect,
    .xOpen = cursor_open,
    .xClose = cursor_close,
    .xFilter = cursor_filter,
    .xNext = cursor_next,
    .xEof = cursor_eof,
    .xColumn = cursor_column,
    .xRowid = cursor_rowid,
};

int
history_vtab_register(sqlite3 *db)
{
    int rc = sqlite3_create_collation_v2(db, SQL_TIME_COLLATION, SQLITE_UTF8, NULL,
                                         sql_time_collate, NULL);
    for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_LEN(kinds); i++) {
        rc = sqlite3_create_module_v2(db, kinds[i].name, &module, NULL, NULL);
    }
    return rc;
}
