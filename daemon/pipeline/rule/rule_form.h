/* Rules that are a limit, `VALUE > NUMBER unit`, and how to write them with other
 * numbers.  The limit may stand in a chain of `and`, as in `running and flow < 2 m3/h`,
 * as long as it is the only one there. */
#ifndef CARETAKER_PIPELINE_RULE_FORM_H
#define CARETAKER_PIPELINE_RULE_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/err.h"
#include "daemon/model/site.h"

/* A condition cut at its number: `before` NUMBER `after`. */
struct rule_form_text {
    const char *before, *after;
};

struct rule_form {
    const struct rule_spec *rule; /* Borrowed, as all of `site` is. */
    uint32_t level;
    bool above;        /* The alarm is for high values. */
    double threshold;  /* As written, in `unit`. */
    const char *unit;  /* As written; NULL: the value's own. */
    const char *value; /* The user's words for what is compared: "bearing". */
    /* The point, when the value is one; `point` is NULL for anything else, and `device`
     * NULL for the rule's own device. */
    const char *device, *point;
    struct rule_form_text when;
    bool alone; /* The limit is the whole condition. */
    bool has_clear;
    struct rule_form_text clear; /* With `has_deadband` and `has_clear`. */
    /* How far the value must come back before the alarm clears, in `unit`.  Not known
     * when `clear` is something else than a limit of the same value. */
    bool has_deadband;
    double deadband;
};

/* Cuts level `level` of `rule`.  ERR_RANGE: it has another form; the text says which is
 * needed.  What is returned lives as long as `arena`. */
int rule_form_read(struct rule_form *out,
                   struct arena *arena,
                   const struct site *site,
                   const struct rule_spec *rule,
                   uint32_t level,
                   struct err *err);

/* The conditions with other numbers, in the form's unit.  A deadband that is the
 * present one of an unchanged threshold leaves the text as it is; one that is not known
 * is left too.  `clear` may come out as NULL: not when. */
const char *
rule_form_when(const struct rule_form *f, struct arena *arena, double threshold);
const char *rule_form_clear(const struct rule_form *f,
                            struct arena *arena,
                            double threshold,
                            double deadband);

/* A copy of the rule with other numbers, of all its levels. */
struct rule_spec rule_form_spec(const struct rule_form *f,
                                struct arena *arena,
                                double threshold,
                                double deadband);

/* Whether any condition of the rule names a point of another device. */
bool rule_form_reads_others(const struct rule_spec *rule);

/* A value of `point` of `device` in the form's unit: NAN where it cannot be said. */
double
rule_form_in_unit(const struct rule_form *f, const struct point *point, double value);
/* The unit that the numbers are in, as people write it; "" when it has none. */
const char *
rule_form_unit(const struct rule_form *f, const struct site *site, uint32_t device);

#endif
