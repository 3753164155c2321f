/* Charts as SVG, for pages and for paper.  Pure: no I/O and no clock; text goes into a
 * strbuf.
 *
 * Each chart is one <svg role="img"> with a <title> and a <desc>, without ids, scripts,
 * style sheets or anything from elsewhere: it stands alone as a file and any number of
 * them can stand in one page.  Series differ by dash and by lightness beside their
 * colour, so that a print in black and white can be read.  All texts are escaped here
 * and may hold any language; numbers and instants look the same in every locale, local
 * times are in the zone of instant_zone_set().  What a chart borrows must stay until it
 * is drawn. */
#ifndef CARETAKER_PIPELINE_CHART_H
#define CARETAKER_PIPELINE_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"

#define CHART_COLUMNS_MAX 4000 /* More than any screen or A4 page has dots across. */
#define CHART_WIDTH_MIN   240  /* Below this there is no room for labels. */
#define CHART_PAGE_WIDTH  680  /* CSS pixels that an A4 page has between margins. */

/* ---- Samples of one point, reduced to columns as they come ---- */

struct chart_column {
    uint32_t count;   /* Good samples in it. */
    double min, max;  /* Of those. */
    double mean;      /* Of those. */
    double last;      /* The latest of those. */
    int64_t first_ms; /* When the first of those was. */
    bool broken;      /* A gap lies in it or just before it: no line leads to it. */
    bool bad;         /* A sample in it was not good. */
};

/* How many columns there are does not depend on how many samples come. */
struct chart_series {
    const char *name; /* Borrowed. */
    const char *unit; /* Borrowed; NULL or "": a plain number. */
    bool state;       /* 0 or 1: drawn as a strip that is filled while it is on. */
    int64_t from_ms, to_ms;
    int64_t gap_ms;              /* Samples further apart are not joined; 0: all are. */
    uint32_t columns;            /* 1..CHART_COLUMNS_MAX */
    struct chart_column *column; /* Owned. */
    uint64_t good, bad;          /* Samples so far. */
    int64_t last_ms;             /* Of the latest good one; INSTANT_NONE: none. */
    bool broken;                 /* The latest was not good. */
};

/* Room for the samples of [from_ms, to_ms]; to_ms is after from_ms.  `columns` is
 * brought into its range.  Aborts when out of memory. */
void chart_series_init(struct chart_series *s,
                       const char *name,
                       const char *unit,
                       bool state,
                       int64_t from_ms,
                       int64_t to_ms,
                       uint32_t columns);
void chart_series_fini(struct chart_series *s); /* Zeroed is accepted. */
/* The next sample in order of time.  One outside the range is left out; one that is not
 * finite is a gap. */
void chart_series_add(struct chart_series *s, int64_t t_ms, double value);
/* A sample that was not good: the line is broken until the next good one. */
void chart_series_gap(struct chart_series *s, int64_t t_ms);

/* ---- Values over time ---- */

/* A level that matters to a series, drawn across its panel. */
struct chart_limit {
    uint32_t series; /* Index: the panel, and the unit. */
    double value;
    const char *label; /* Borrowed; may be NULL. */
};

/* A moment that matters, drawn down all panels. */
struct chart_mark {
    int64_t t_ms;
    const char *label; /* Borrowed; short: "raised". */
};

/* Series of one unit share a panel, in order of their first; each state has a strip. */
struct chart_time {
    const char *title, *desc; /* Borrowed; `desc` may be NULL. */
    int64_t from_ms, to_ms;
    int width;        /* Of all, in CSS pixels; at least CHART_WIDTH_MIN. */
    int panel_height; /* Of each panel's inside; 0: 120. */
    int limit_height; /* Of those with limits; 0: as the others. */
    const struct chart_series *series;
    uint32_t series_count;
    const struct chart_limit *limits;
    uint32_t limit_count;
    const struct chart_mark *marks; /* In order of time. */
    uint32_t mark_count;
    const char *empty; /* What stands where there is no good sample; NULL: "-". */
};
void chart_time_draw(struct strbuf *out, const struct chart_time *c);

/* ---- Bars ---- */

struct chart_bar {
    const char *label;
    double value[2];     /* NAN: nothing is known ("-"). */
    const char *text[2]; /* Written behind the bar; NULL: the number. */
};

/* Horizontal bars, one below the other; with two series two of each, for two periods.
 * Their order is the caller's. */
struct chart_bars {
    const char *title, *desc;   /* Borrowed; `desc` may be NULL. */
    int width;                  /* Of all, in CSS pixels; at least CHART_WIDTH_MIN. */
    const char *unit;           /* Behind each number; NULL: none. */
    uint32_t series_count;      /* 1 or 2. */
    const char *series_name[2]; /* Both are given when there are two. */
    const struct chart_bar *bars;
    uint32_t count;
    bool pareto; /* Behind each number the share of it and of all above it, in %.  Of
                    one series only; negative values count as 0. */
};
void chart_bars_draw(struct strbuf *out, const struct chart_bars *c);
/* The height of the whole, in CSS pixels. */
int chart_bars_height(const struct chart_bars *c);

/* ---- In a terminal ---- */

/* One character for each column: U+2581 to U+2588 between the series' least and
 * greatest value (of a state: off and on), a space where there was no good sample. */
void chart_spark(struct strbuf *out, const struct chart_series *s);

#endif
