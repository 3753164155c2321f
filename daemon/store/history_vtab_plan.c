#include "daemon/store/history_vtab_plan.h"

#include <stdlib.h>
#include <string.h>

/* A plan is two characters a value: what is compared, and how (sql_range_integer(), or
 * PLAN_IN). */
enum plan_what {
    PLAN_DEVICE = 'd',
    PLAN_POINT = 'p',
    PLAN_INSTANT = 'i', /* The time by INSTANT, */
    PLAN_BINARY = 'b',  /* and by BINARY. */
    PLAN_MS = 'm'
};
#define PLAN_IN        'n' /* With one of a list, which is given as a whole. */
#define PLAN_TERMS_MAX 12  /* Further ones are left to SQLite. */

/* Guesses of how much each condition leaves; that they are in the right order is what
 * counts, and that a join asks for each of the other's rows rather than reads it all.
 */
#define ROWS_DEVICE 100.0
#define ROWS_POINT  20.0
#define ROWS_BOUND  100.0
#define ROWS_MOMENT 1e8
#define LIST_IDS    5.0
#define COST_OPEN   100.0 /* Rows that could be read in that time. */
#define COST_POINT  5.0   /* A row's point is decoded or not; its time always is. */

struct plan {
    char terms[2 * PLAN_TERMS_MAX + 1];
    int count;
    /* Ways in which the conditions narrow. */
    bool device, point, moment, from, to;
    bool one_device, one_point; /* All rows are of one, whatever the value is. */
    bool lists; /* Of devices or points: one is read behind the other. */
};

static char
op_of(unsigned char op)
{
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return '=';
    case SQLITE_INDEX_CONSTRAINT_GT:
        return '>';
    case SQLITE_INDEX_CONSTRAINT_GE:
        return 'g';
    case SQLITE_INDEX_CONSTRAINT_LT:
        return '<';
    case SQLITE_INDEX_CONSTRAINT_LE:
        return 'l';
    default:
        return '\0';
    }
}

/* What the i-th condition is of a plan; '\0': nothing. */
static char
what_of(sqlite3_index_info *info, int i, char op)
{
    const char *collation = sqlite3_vtab_collation(info, i);
    bool binary = collation != NULL && sqlite3_stricmp(collation, "BINARY") == 0;
    switch (info->aConstraint[i].iColumn) {
    case VTAB_DEVICE:
        return op == '=' && binary ? PLAN_DEVICE : '\0';
    case VTAB_POINT:
        return op == '=' && binary ? PLAN_POINT : '\0';
    case VTAB_TIME:
        if (collation != NULL && sqlite3_stricmp(collation, SQL_TIME_COLLATION) == 0) {
            return PLAN_INSTANT;
        }
        return binary ? PLAN_BINARY : '\0';
    case VTAB_T_MS:
        return PLAN_MS;
    default:
        return '\0';
    }
}

/* The value stands in the query, and is such that the condition is met exactly. */
static bool
is_exact(sqlite3_index_info *info, int i, char what)
{
    sqlite3_value *v = NULL;
    if (sqlite3_vtab_rhs_value(info, i, &v) != SQLITE_OK || v == NULL) {
        return false;
    }
    if (what == PLAN_MS) {
        return sqlite3_value_type(v) == SQLITE_INTEGER;
    }
    if (sqlite3_value_type(v) != SQLITE_TEXT) {
        return false;
    }
    const char *text = (const char *)sqlite3_value_text(v);
    return text != NULL && strlen(text) == (size_t)sqlite3_value_bytes(v);
}

static void
take(struct plan *p, sqlite3_index_info *info, int i)
{
    char op = op_of(info->aConstraint[i].op);
    char what = op != '\0' ? what_of(info, i, op) : '\0';
    if (what == '\0' || p->count == PLAN_TERMS_MAX ||
        (what == PLAN_DEVICE && p->device) || (what == PLAN_POINT && p->point)) {
        return;
    }
    /* One value of a list at a time would have to be met exactly. */
    bool list = op == '=' && sqlite3_vtab_in(info, i, 1) != 0;
    bool exact = !list && is_exact(info, i, what);
    switch (what) {
    case PLAN_DEVICE:
        p->device = true;
        p->one_device = exact;
        p->lists |= list;
        break;
    case PLAN_POINT:
        p->point = true;
        p->one_point = exact;
        p->lists |= list;
        break;
    default:
        p->moment |= op == '=' && !list;
        p->from |= op == '>' || op == 'g' || list;
        p->to |= op == '<' || op == 'l' || list;
        break;
    }
    p->terms[2 * p->count] = what;
    p->terms[2 * p->count + 1] = list ? PLAN_IN : op;
    info->aConstraintUsage[i].argvIndex = ++p->count;
    info->aConstraintUsage[i].omit = exact;
}

/* Rows come by time, device and point; in each, that of which there is but one may
 * stand anywhere. */
static bool
is_ordered(const struct plan *p, const sqlite3_index_info *info)
{
    static const int order[] = {VTAB_TIME, VTAB_DEVICE, VTAB_POINT};
    size_t next = 0;
    for (int i = 0; i < info->nOrderBy; i++) {
        int column = info->aOrderBy[i].iColumn;
        column = column == VTAB_T_MS ? VTAB_TIME : column;
        if (info->aOrderBy[i].desc) {
            return false;
        }
        if ((column == VTAB_DEVICE && p->one_device) ||
            (column == VTAB_POINT && p->one_point)) {
            continue;
        }
        next += next == 1 && p->one_device;
        if (next == sizeof order / sizeof order[0] || column != order[next]) {
            return false;
        }
        next++;
    }
    return true;
}

int
vtab_plan_make(sqlite3_index_info *info, double rows)
{
    struct plan p = {0};
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].usable) {
            take(&p, info, i);
        }
    }
    double read = rows / (p.device ? ROWS_DEVICE : 1) * (p.lists ? LIST_IDS : 1);
    if (p.moment) {
        read /= ROWS_MOMENT;
    } else {
        read /= (p.from ? ROWS_BOUND : 1) * (p.to ? ROWS_BOUND : 1);
    }
    rows = p.point ? read / ROWS_POINT : read;
    info->estimatedCost = COST_OPEN + (p.point ? read / COST_POINT : read);
    info->estimatedRows = rows < 1 ? 1 : (sqlite3_int64)rows;
    info->orderByConsumed = !p.lists && is_ordered(&p, info);
    info->idxStr = sqlite3_mprintf("%s", p.terms);
    info->needToFreeIdxStr = 1;
    return info->idxStr != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

/* The number that a column of INTEGER is compared with; texts that are none, and blobs,
 * stand behind all numbers. */
static void
narrow_number(struct sql_range *r, char op, sqlite3_value *v)
{
    switch (sqlite3_value_numeric_type(v)) {
    case SQLITE_INTEGER:
        sql_range_integer(r, op, sqlite3_value_int64(v));
        break;
    case SQLITE_FLOAT:
        sql_range_real(r, op, sqlite3_value_double(v));
        break;
    default:
        break;
    }
}

static void
narrow_time(struct sql_range *r, char what, char op, sqlite3_value *v)
{
    int type = sqlite3_value_type(v);
    if (type == SQLITE_NULL) { /* Nothing is equal to it, or less, or greater. */
        sql_range_none(r);
    } else if (what == PLAN_MS) {
        narrow_number(r, op, v);
    } else if (type == SQLITE_TEXT) { /* Else SQLite knows: it depends on whence. */
        const char *text = (const char *)sqlite3_value_text(v);
        if (text != NULL) {
            sql_range_text(r, op, text, sqlite3_value_bytes(v),
                           what == PLAN_BINARY ? sql_time_binary : sql_time_collate);
        }
    }
}

/* From the first time of the list to the last. */
static int
narrow_to_list(struct sql_range *r, char what, sqlite3_value *list)
{
    struct sql_range hull;
    sqlite3_value *v = NULL;
    sql_range_none(&hull);
    int rc = sqlite3_vtab_in_first(list, &v);
    for (; rc == SQLITE_OK && v != NULL; rc = sqlite3_vtab_in_next(list, &v)) {
        struct sql_range one = SQL_RANGE_ALL;
        narrow_time(&one, what, '=', v);
        if (!sql_range_is_empty(&one)) {
            hull.from_ms = one.from_ms < hull.from_ms ? one.from_ms : hull.from_ms;
            hull.to_ms = one.to_ms > hull.to_ms ? one.to_ms : hull.to_ms;
        }
    }
    r->from_ms = hull.from_ms > r->from_ms ? hull.from_ms : r->from_ms;
    r->to_ms = hull.to_ms < r->to_ms ? hull.to_ms : r->to_ms;
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Adds an id; `*all` when it is more than an id. */
static int
add_id(struct vtab_ids *ids, sqlite3_value *v, bool *all)
{
    int type = sqlite3_value_type(v);
    if (type == SQLITE_NULL) {
        return SQLITE_OK; /* No id is. */
    }
    /* Whether a number is one depends on whence it comes. */
    if (type != SQLITE_TEXT || ids->count == VTAB_IDS_MAX) {
        *all = true;
        return SQLITE_OK;
    }
    const char *text = (const char *)sqlite3_value_text(v);
    char *id = text != NULL ? strdup(text) : NULL;
    if (id == NULL) {
        return SQLITE_NOMEM;
    }
    ids->id[ids->count++] = id;
    return SQLITE_OK;
}

static void
clear_ids(struct vtab_ids *ids)
{
    while (ids->count > 0) {
        free(ids->id[--ids->count]);
    }
}

static int
read_ids(struct vtab_bounds *out, struct vtab_ids *ids, char op, sqlite3_value *value)
{
    sqlite3_value *v = value;
    bool all = false;
    int rc = SQLITE_OK;
    if (op != PLAN_IN) {
        rc = add_id(ids, v, &all);
    } else {
        rc = sqlite3_vtab_in_first(value, &v);
        while (rc == SQLITE_OK && v != NULL) {
            rc = add_id(ids, v, &all);
            rc = rc == SQLITE_OK ? sqlite3_vtab_in_next(value, &v) : rc;
        }
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    if (all) {
        clear_ids(ids);
    } else if (ids->count == 0) {
        sql_range_none(&out->range);
    }
    return rc;
}

int
vtab_plan_read(struct vtab_bounds *out,
               const char *plan,
               int argc,
               sqlite3_value **argv)
{
    int rc = SQLITE_OK;
    *out = (struct vtab_bounds){.range = SQL_RANGE_ALL};
    for (int i = 0; rc == SQLITE_OK && i < argc; i++) {
        char what = plan[2 * i], op = plan[2 * i + 1];
        if (what == PLAN_DEVICE || what == PLAN_POINT) {
            rc = read_ids(out, what == PLAN_DEVICE ? &out->devices : &out->points, op,
                          argv[i]);
        } else if (op == PLAN_IN) {
            rc = narrow_to_list(&out->range, what, argv[i]);
        } else {
            narrow_time(&out->range, what, op, argv[i]);
        }
    }
    return rc;
}

void
vtab_bounds_fini(struct vtab_bounds *b)
{
    clear_ids(&b->devices);
    clear_ids(&b->points);
    *b = (struct vtab_bounds){0};
}
