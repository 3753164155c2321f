/* A series as a picture of characters, for a terminal.  Pure. */
#ifndef CARETAKER_PIPELINE_PLOT_TEXT_H
#define CARETAKER_PIPELINE_PLOT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/pipeline/chart/chart.h"

#define PLOT_LABEL_WIDTH 10 /* Of the numbers beside it. */
#define PLOT_WIDTH_MIN   10 /* Of the picture alone. */
#define PLOT_WIDTH_MAX   1000
#define PLOT_HEIGHT_MAX  200

struct plot_text {
    uint32_t width, height; /* Characters of the picture alone. */
    bool ascii;             /* Else Braille dots: two by four in each character. */
    bool colour;            /* Of a terminal (ECMA-48, SGR); the characters are the
                               same without. */
};

/* How many columns the series must have. */
uint32_t plot_text_columns(const struct plot_text *how);
/* From the least to the greatest value, and the `limits`, which are broken lines behind
 * it; of each column a line from its least to its greatest, joined to the one before it
 * unless it is broken.  In colour what the mean goes through stands out, and so do the
 * limits.  Of a state one row: filled while it is on, half filled where it was both;
 * what it was last stands for `gap_ms`.  Below it times, in the site's zone. */
void plot_text_draw(struct strbuf *out,
                    const struct chart_series *s,
                    const double *limits,
                    uint32_t limit_count,
                    const struct plot_text *how);

#endif
