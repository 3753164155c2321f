/* The report on a site over a period: `caretaker report`.  Its figures are defined in
 * daemon/ticket/figures.h; here they become tables, beside the energy (from the
 * history) and the life used (from the ledger and the counters). */
#ifndef CARETAKER_PIPELINE_SITE_REPORT_H
#define CARETAKER_PIPELINE_SITE_REPORT_H

#include <stdatomic.h>
#include <stdio.h>

#include "daemon/base/arena.h"
#include "daemon/base/err.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/report/report_energy.h"
#include "daemon/pipeline/report/report_table.h"
#include "daemon/pipeline/rows/report_rows.h"
#include "daemon/ticket/figures_bounds.h"

#define SITE_REPORT_DAYS      30 /* Looked at where nothing else is asked for. */
#define SITE_REPORT_YEARS_MAX 20 /* Of a period: charts and days take memory. */

enum site_table {
    SITE_SUMMARY,
    SITE_AVAILABILITY,
    SITE_RELIABILITY,
    SITE_RESPONSE,
    SITE_RESOLUTION,
    SITE_PROMISES,
    SITE_REPEATS,
    SITE_CAUSES,
    SITE_COSTS,
    SITE_PEOPLE,
    SITE_TEAMS,
    SITE_SHARES,
    SITE_PLANS,
    SITE_FALSE_ALARMS,
    SITE_LIFE,
    SITE_PAPERS,
    SITE_ENERGY,
    SITE_ENERGY_MARKED,
    SITE_PARTS,
    SITE_ENERGY_DAYS,
    SITE_TABLES
};
extern const struct report_spec site_table_specs[SITE_TABLES];

struct site_report_options {
    const struct site *site;
    struct report_filter filter;
    int64_t from_ms, to_ms;               /* INSTANT_NONE: the last days. */
    int64_t before_from_ms, before_to_ms; /* INSTANT_NONE: no comparison. */
    int64_t now_ms;
    enum language language;
    const atomic_bool *cancel; /* Looked at now and then; NULL: never.  ERR_REFUSED. */
};

/* What somebody asks for, in words; NULL: he does not say. */
struct site_report_words {
    const char *from, *to, *compare; /* "FROM..TO" */
    const char *type, *area, *device;
};
/* Reads them into `o`, whose site, now_ms and language are set.  The words are borrowed
 * as long as `o`.  ERR_USAGE: one cannot be read; ERR_NOT_FOUND: the site has no such
 * device. */
int site_report_ask(struct site_report_options *o,
                    const struct site_report_words *w,
                    struct err *err);

struct site_period {
    int64_t from_ms, to_ms;
    struct figures figures;
    struct report_energy energy;
    int64_t *part_ends; /* Months, weeks or days of it; owned. */
    uint32_t part_count;
    struct report_table tables[SITE_TABLES];
};

/* One row of the documents' own table. */
enum site_change_verdict { CHANGE_FEW, CHANGE_UNCLEAR, CHANGE_BETTER, CHANGE_WORSE };
struct site_change {
    const char *key;
    const char *title; /* English; see report_word(). */
    enum report_unit unit;
    double before, after;
    uint64_t before_n, after_n;
    double percent;                   /* NaN: nothing to compare with. */
    struct figures_interval interval; /* Of `percent`; NaN: not known. */
    enum site_change_verdict verdict;
};
#define SITE_CHANGES 6

struct site_report {
    struct arena *arena;
    const struct site *site;
    const atomic_bool *cancel;
    struct report_filter filter;
    enum language language;
    int64_t now_ms;
    const char *no_energy; /* Why there is none; NULL. */
    struct report_rows rows;
    struct site_period periods[2]; /* What was asked for, and what came before. */
    uint32_t period_count;
    struct site_change changes[SITE_CHANGES]; /* With two periods. */
};

/* ERR_NOT_FOUND: nothing was ever recorded.  Returns owned contents. */
int site_report_make(struct site_report *out,
                     const struct site_report_options *options,
                     struct err *err);
void site_report_fini(struct site_report *r);

/* Inside: fills the tables of period `which`; life is that of now, in the first. */
void site_report_fill(struct site_report *r, uint32_t which);
void site_report_fill_energy(struct site_report *r, uint32_t which);
int site_report_fill_life(struct site_report *r,
                          struct state *state,
                          struct history_reader *reader,
                          struct err *err);
/* Papers of the ledger that run out, as of now, in the first. */
int
site_report_fill_papers(struct site_report *r, struct state *state, struct err *err);
void site_report_compare(struct site_report *r);
/* What the site calls the device; NULL where that is its id. */
const char *site_report_name_of(const struct device *d);
/* What of the period was recorded.  False: nothing. */
bool site_report_recorded(const struct site_report *r,
                          const struct site_period *p,
                          int64_t *from_ms,
                          int64_t *to_ms);
/* The same, only where more than an hour of the period is missing and people are to be
 * told: as a line, in `out`; NULL where there is nothing to say. */
#define SITE_RECORDED_BYTES 200
const char *site_report_recorded_text(char *out,
                                      const struct site_report *r,
                                      const struct site_period *p);
/* Months of it that were recorded: what a sum is divided by. */
double site_report_months(const struct site_report *r, const struct site_period *p);
/* A line of at most SITE_RECORDED_BYTES, in `out`, where the two periods are of so
 * unequal length that their sums do not compare; else NULL. */
const char *site_report_uneven_text(char *out, const struct site_report *r);

/* ---- printing ---- */

void site_report_json(const struct site_report *r, FILE *out);
void site_report_csv(const struct site_report *r, FILE *out);
void site_report_text(const struct site_report *r, FILE *out);
void site_report_html(const struct site_report *r, FILE *out);

/* What the words mean, a paragraph each, for the foot, in English, for tr_in(); NULL
 * behind the last. */
const char *site_report_definition(size_t index);
#define SITE_CHANGE_COLUMNS 8
extern const char *const site_change_headings[SITE_CHANGE_COLUMNS];
/* "better", "worse", ...; the same for people, for report_word(). */
const char *site_change_verdict_name(enum site_change_verdict v);
const char *site_change_verdict_text(enum site_change_verdict v);

#endif
