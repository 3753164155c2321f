/* Days whose consumption stands out from those of their kind.  Pure.
 *
 * Robust: a day is compared with the median of the days of its kind (working days,
 * Saturdays, Sundays and holidays) in units of 1.4826 x MAD, which is one standard
 * deviation where the days are normally distributed (Iglewicz and Hoaglin, "How to
 * Detect and Handle Outliers", 1993: stands out above 3.5). */
#ifndef CARETAKER_TICKET_FIGURES_ENERGY_H
#define CARETAKER_TICKET_FIGURES_ENERGY_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/err.h"

#define FIGURES_SCORE_CUT   3.5
#define FIGURES_DAYS_MIN    7    /* Of one kind, before one of them can stand out. */
#define FIGURES_SCALE_FLOOR 0.03 /* Of the median: equal days give a MAD of 0. */

enum figures_day_kind {
    FIGURES_WORKDAY,
    FIGURES_SATURDAY,
    FIGURES_SUNDAY, /* And holidays. */
    FIGURES_DAY_KINDS
};

struct figures_day {
    double value;
    bool whole; /* Measured from end to end: others are not compared. */
    enum figures_day_kind kind;
    /* Out. */
    double expected; /* Median of its kind; NaN: there are too few days. */
    double score;    /* NaN where there is no expected; signed. */
    bool marked;
};

int figures_mark_days(struct figures_day *days, size_t count, struct err *err);

#endif
