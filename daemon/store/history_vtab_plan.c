#include "daemon/store/history_vtab_plan.h"

#include <string.h>

/* A plan is two characters a value: what is compared, and how (sql_range_integer()). */
enum plan_what {
    PLAN_DEVICE = 'd',
    PLAN_POINT = 'p',
    PLAN_INSTANT = 'i', /* The time by INSTANT, */
    PLAN_BINARY = 'b',  /* and by BINARY. */
    PLAN_MS = 'm'
};
#define PLAN_TERMS_MAX 12 /* Further ones are left to SQLite. */

/* Guesses of how much each condition leaves; that they are in the right order is what
 * counts. */
#define ROWS_ALL     1e9
#define ROWS_DEVICE  50.0
#define ROWS_POINT   20.0
#define ROWS_BOUND   10.0
#define ROWS_MOMENT  1e6
#define COST_OF_OPEN 1000.0 /* Rows that could be read in that time. */
/* A row's point is decoded or not; its time always is. */
#define COST_POINT 5.0

struct plan {
    char terms[2 * PLAN_TERMS_MAX + 1];
    int count;
    /* Ways in which the conditions narrow. */
    bool device, point, moment, from, to;
    bool one_device, one_point; /* All rows are of one, whatever the value is. */
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
    case SAMPLES_T_MS:
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
    bool exact = is_exact(info, i, what);
    switch (what) {
    case PLAN_DEVICE:
        p->device = true;
        p->one_device = exact;
        break;
    case PLAN_POINT:
        p->point = true;
        p->one_point = exact;
        break;
    default:
        p->moment |= op == '=';
        p->from |= op == '>' || op == 'g';
        p->to |= op == '<' || op == 'l';
        break;
    }
    p->terms[2 * p->count] = what;
    p->terms[2 * p->count + 1] = op;
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
        column = column == SAMPLES_T_MS ? VTAB_TIME : column;
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
vtab_plan_make(sqlite3_index_info *info)
{
    struct plan p = {0};
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].usable) {
            take(&p, info, i);
        }
    }
    double read = ROWS_ALL / (p.device ? ROWS_DEVICE : 1);
    if (p.moment) {
        read /= ROWS_MOMENT;
    } else {
        read /= (p.from ? ROWS_BOUND : 1) * (p.to ? ROWS_BOUND : 1);
    }
    double rows = p.point ? read / ROWS_POINT : read;
    info->estimatedCost = COST_OF_OPEN + (p.point ? read / COST_POINT : read);
    info->estimatedRows = rows < 1 ? 1 : (sqlite3_int64)rows;
    info->orderByConsumed = is_ordered(&p, info);
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
read_term(struct vtab_bounds *out, char what, char op, sqlite3_value *v)
{
    int type = sqlite3_value_type(v);
    /* Nothing is equal to NULL, or less, or greater. */
    if (type == SQLITE_NULL) {
        sql_range_none(&out->range);
    } else if (what == PLAN_MS) {
        narrow_number(&out->range, op, v);
    } else if (type != SQLITE_TEXT) {
        return; /* Depends on whence the value comes: SQLite knows. */
    } else {
        const char *text = (const char *)sqlite3_value_text(v);
        int size = sqlite3_value_bytes(v);
        if (text == NULL) {
            return;
        }
        if (what == PLAN_DEVICE) {
            out->device = text;
        } else if (what == PLAN_POINT) {
            out->point = text;
        } else {
            sql_range_text(&out->range, op, text, size,
                           what == PLAN_BINARY ? sql_time_binary : sql_time_collate);
        }
    }
}

void
vtab_plan_read(struct vtab_bounds *out,
               const char *plan,
               int argc,
               sqlite3_value **argv)
{
    *out = (struct vtab_bounds){.range = SQL_RANGE_ALL};
    for (int i = 0; i < argc; i++) {
        read_term(out, plan[2 * i], plan[2 * i + 1], argv[i]);
    }
}
