/* A report as tables of figures: one shape for text, JSON, CSV and HTML. */
#ifndef CARETAKER_PIPELINE_REPORT_TABLE_H
#define CARETAKER_PIPELINE_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/model/words.h"
#include "daemon/ticket/figures_bounds.h"

enum report_unit {
    REPORT_COUNT,
    REPORT_PERCENT,
    REPORT_AVAILABILITY, /* In %: near 100 the second decimal tells them apart. */
    REPORT_HOURS,
    REPORT_MINUTES,
    REPORT_MONEY, /* In whole units of the site's currency. */
    REPORT_PER_MONTH,
    REPORT_KWH,
    REPORT_YEARS,
    REPORT_STARS,
    REPORT_SCORE,  /* A plain number. */
    REPORT_VARIES, /* That of the row. */
    REPORT_DAY,    /* Days since 1970-01-01 (base/civil.h). */
    REPORT_WORD,   /* A text. */
    REPORT_UNITS
};

struct report_column {
    const char *key;   /* Of the JSON, and of the CSV. */
    const char *title; /* For people: English; see report_word(). */
    enum report_unit unit;
    const char *n;     /* Key of the column that says of how many it is; NULL: none. */
    const char *bound; /* Key of the column with its confidence bound: for people both
                          stand in one cell. NULL: none. */
    const char *words; /* Its words are ours and of this context of the catalogue; NULL:
                          names that somebody gave. */
    bool data;         /* Not for people: it stands with another column. */
    bool lead;         /* Set beside that of the other period. */
};

/* One kind of table, the same in every report. */
struct report_spec {
    const char *key;
    const char *title, *subject; /* Heading of the first column. */
    const char *note;            /* Below it, for tr_in(); may be NULL. */
    const struct report_column *columns;
    uint32_t column_count;
    uint32_t shown; /* Rows for people; 0: all.  JSON and CSV have all. */
    bool data;      /* For JSON and CSV only. */
};

struct report_cell {
    double value;     /* NaN: nothing is known. */
    const char *word; /* REPORT_WORD; may be NULL. */
};

struct report_row {
    const char *key;       /* "pump-1", "type:pump", "all" */
    const char *label;     /* For people. */
    const char *name;      /* Of the device, where there is room for it; NULL: none. */
    enum report_unit unit; /* Of its cell of a column REPORT_VARIES. */
    struct report_cell *cells;
};

struct report_table {
    const struct report_spec *spec;
    struct report_row *rows;
    size_t count, room;
};

/* A new row, all its cells unknown; `key` and `label` (NULL: the key) are copied. */
struct report_row *report_table_add(struct report_table *t,
                                    struct arena *arena,
                                    const char *key,
                                    const char *label);
void report_table_fini(struct report_table *t);
/* NULL: there is no such row. */
const struct report_row *report_table_find(const struct report_table *t,
                                           const char *key);
/* Index of the column; it exists. */
uint32_t report_column_index(const struct report_spec *s, const char *key);
void report_set(const struct report_table *t,
                struct report_row *row,
                const char *column,
                double value);

enum report_unit report_unit_of(const struct report_spec *spec,
                                const struct report_row *row,
                                uint32_t column);
/* "%", "h", ... for JSON, CSV and people; "" for counts and words. */
const char *report_unit_name(enum report_unit unit, const char *currency);
/* A heading or a word of the reports, in that language; R_() marks one that stands
 * elsewhere. */
#define R_(english) english
const char *report_word(enum language language, const char *english);
#define REPORT_CELL_BYTES 200
/* A value for people: "1,234", "99.3", "2026-03-01", "-". */
void report_value_text(char *out, enum report_unit unit, double value);
/* How it changed: "-40 %"; of shares in points, "-0.3 pp"; "-": nothing to compare. */
void report_change_text(char *out, enum report_unit unit, double before, double after);
/* "cost per month, CNY": a figure of several with its unit, unless its name says that.
 */
void report_name_text(char *out,
                      const char *name,
                      enum report_unit unit,
                      const char *currency);
/* "-40 .. +12 %" */
void report_interval_text(char *out, const struct figures_interval *i);
/* A cell for people, with its bound: "1,234", "480.0 (≥ 210.3)", "≥ 210.3", "-". */
void report_cell_text(char *out,
                      enum language language,
                      const struct report_spec *spec,
                      const struct report_row *row,
                      uint32_t column);

#endif
