#include "daemon/pipeline/report/report_table.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/utf8.h"

struct report_row *
report_table_add(struct report_table *t,
                 struct arena *arena,
                 const char *key,
                 const char *label)
{
    if (t->count == t->room) {
        t->room = t->room == 0 ? 16 : t->room * 2;
        t->rows = realloc(t->rows, t->room * sizeof *t->rows);
        if (t->rows == NULL) {
            abort();
        }
    }
    struct report_row *row = &t->rows[t->count++];
    row->key = arena_strdup(arena, key);
    row->name = NULL;
    row->label = label != NULL ? arena_strdup(arena, label) : row->key;
    row->cells = arena_array(arena, t->spec->column_count, sizeof *row->cells);
    for (uint32_t i = 0; i < t->spec->column_count; i++) {
        row->cells[i].value = (double)NAN;
    }
    return row;
}

void
report_table_fini(struct report_table *t)
{
    free(t->rows);
    *t = (struct report_table){0};
}

const struct report_row *
report_table_find(const struct report_table *t, const char *key)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->rows[i].key, key) == 0) {
            return &t->rows[i];
        }
    }
    return NULL;
}

uint32_t
report_column_index(const struct report_spec *s, const char *key)
{
    for (uint32_t i = 0; i < s->column_count; i++) {
        if (strcmp(s->columns[i].key, key) == 0) {
            return i;
        }
    }
    assert(!"the column exists");
    return 0;
}

void
report_set(const struct report_table *t,
           struct report_row *row,
           const char *column,
           double value)
{
    row->cells[report_column_index(t->spec, column)].value = value;
}

const char *
report_word(enum language language, const char *english)
{
    return tr_word_in(language, "report", english);
}

const char *
report_unit_name(enum report_unit unit, const char *currency)
{
    static const char *const unit_names[] = {[REPORT_COUNT] = "",
                                             [REPORT_PERCENT] = "%",
                                             [REPORT_AVAILABILITY] = "%",
                                             [REPORT_HOURS] = "h",
                                             [REPORT_MINUTES] = "min",
                                             [REPORT_MONEY] = NULL,
                                             [REPORT_PER_MONTH] = "1/month",
                                             [REPORT_KWH] = "kWh",
                                             [REPORT_YEARS] = "y",
                                             [REPORT_STARS] = "1..5",
                                             [REPORT_SCORE] = "",
                                             [REPORT_VARIES] = "",
                                             [REPORT_DAY] = "date",
                                             [REPORT_WORD] = ""};
    _Static_assert(sizeof unit_names / sizeof unit_names[0] == REPORT_UNITS,
                   "a name for each");
    return unit == REPORT_MONEY ? currency : unit_names[unit];
}

/* With a comma between the thousands: "12,345.60". */
static void
write_number(char *out, size_t size, double value, int decimals)
{
    char plain[64];
    char grouped[96];
    size_t at = 0;
    snprintf(plain, sizeof plain, "%.*f", decimals, fabs(value));
    size_t whole = strcspn(plain, ".");
    bool zero = strspn(plain, "0.") == strlen(plain);
    if (value < 0 && !zero) {
        grouped[at++] = '-';
    }
    for (size_t i = 0; plain[i] != '\0' && at + 2 < sizeof grouped; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) {
            grouped[at++] = ',';
        }
        grouped[at++] = plain[i];
    }
    grouped[at] = '\0';
    snprintf(out, size, "%s", grouped);
}

static int
decimals_of(enum report_unit unit, double value)
{
    double size = fabs(value);
    switch (unit) {
    case REPORT_COUNT:
        return 0;
    case REPORT_MONEY:
        return 2;
    case REPORT_AVAILABILITY:
        return 2;
    case REPORT_PERCENT:
        return 1;
    case REPORT_SCORE:
        if (size == floor(size)) {
            return 0;
        }
        return size >= 100 ? 1 : size < 0.1 ? 3 : 2;
    case REPORT_PER_MONTH:
    case REPORT_STARS:
        return size > 0 && size < 0.1 ? 3 : 2;
    case REPORT_HOURS:
    case REPORT_MINUTES:
    case REPORT_KWH:
    case REPORT_YEARS:
        return size >= 1000 ? 0 : 1;
    case REPORT_VARIES:
    case REPORT_DAY:
    case REPORT_WORD:
    case REPORT_UNITS:
        break;
    }
    return 0;
}

void
report_value_text(char *out, enum report_unit unit, double value)
{
    if (isnan(value)) {
        snprintf(out, REPORT_CELL_BYTES, "-");
    } else if (unit == REPORT_DAY) {
        civil_format(out, (int32_t)value);
    } else {
        write_number(out, REPORT_CELL_BYTES, value, decimals_of(unit, value));
    }
}

void
report_name_text(char *out,
                 const char *name,
                 enum report_unit unit,
                 const char *currency)
{
    bool said = unit == REPORT_PER_MONTH || unit == REPORT_COUNT;
    snprintf(out, REPORT_CELL_BYTES, "%.150s%s%s", name, said ? "" : ", ",
             said ? "" : report_unit_name(unit, currency));
}

/* Without "-0". */
static double
rounded(double value, double scale)
{
    double r = round(value * scale) / scale;
    return r == 0 ? 0 : r;
}

void
report_change_text(char *out, enum report_unit unit, double before, double after)
{
    if (isnan(before) || isnan(after)) {
        snprintf(out, REPORT_CELL_BYTES, "-");
    } else if (unit == REPORT_PERCENT) {
        snprintf(out, REPORT_CELL_BYTES, "%+.1f pp", rounded(after - before, 10));
    } else if (unit == REPORT_AVAILABILITY) {
        snprintf(out, REPORT_CELL_BYTES, "%+.2f pp", rounded(after - before, 100));
    } else if (!(before > 0)) {
        snprintf(out, REPORT_CELL_BYTES, "-");
    } else {
        snprintf(out, REPORT_CELL_BYTES, "%+.0f %%",
                 rounded(100 * (after / before - 1), 1));
    }
}

void
report_interval_text(char *out, const struct figures_interval *i)
{
    if (isnan(i->low)) {
        snprintf(out, REPORT_CELL_BYTES, "-");
    } else if (isinf(i->high)) {
        snprintf(out, REPORT_CELL_BYTES, "> %+.0f %%", rounded(i->low, 1));
    } else {
        snprintf(out, REPORT_CELL_BYTES, "%+.0f .. %+.0f %%", rounded(i->low, 1),
                 rounded(i->high, 1));
    }
}

enum report_unit
report_unit_of(const struct report_spec *spec,
               const struct report_row *row,
               uint32_t column)
{
    enum report_unit unit = spec->columns[column].unit;
    return unit == REPORT_VARIES ? row->unit : unit;
}

/* Upper bounds are named so; all others are lower ones. */
static bool
is_upper(const char *key)
{
    size_t size = strlen(key);
    return size > strlen("_at_most") && strstr(key, "_at_most") != NULL;
}

void
report_cell_text(char *out,
                 enum language language,
                 const struct report_spec *spec,
                 const struct report_row *row,
                 uint32_t column)
{
    const struct report_column *c = &spec->columns[column];
    const struct report_cell *cell = &row->cells[column];
    if (c->unit == REPORT_WORD) {
        const char *word = cell->word != NULL ? cell->word : "-";
        utf8_copy(out, REPORT_CELL_BYTES,
                  c->words != NULL ? tr_word_in(language, c->words, word) : word);
        utf8_to_line(out);
        return;
    }
    char bound[REPORT_CELL_BYTES];
    char value[REPORT_CELL_BYTES];
    report_value_text(value, report_unit_of(spec, row, column), cell->value);
    double limit = c->bound != NULL
                       ? row->cells[report_column_index(spec, c->bound)].value
                       : (double)NAN;
    if (isnan(limit)) {
        snprintf(out, REPORT_CELL_BYTES, "%s", value);
        return;
    }
    report_value_text(bound, c->unit, limit);
    const char *sign = is_upper(c->bound) ? "≤" : "≥";
    if (isnan(cell->value)) {
        snprintf(out, REPORT_CELL_BYTES, "%s %.80s", sign, bound);
    } else {
        snprintf(out, REPORT_CELL_BYTES, "%.80s (%s %.80s)", value, sign, bound);
    }
}
