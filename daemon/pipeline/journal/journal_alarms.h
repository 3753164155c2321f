/* The table of alarms against what the journal's events say of each.  A part of
 * daemon/pipeline/journal/journal_check.h. */
#ifndef CARETAKER_PIPELINE_JOURNAL_ALARMS_H
#define CARETAKER_PIPELINE_JOURNAL_ALARMS_H

#include "daemon/pipeline/journal/journal_check.h"
#include "daemon/store/state.h"

struct journal_alarms {
    struct journal_verdict *out; /* Borrowed. */
    struct trace **traces;       /* In order of device, rule. */
    size_t trace_count, trace_capacity;
};

/* A row of the journal, each in its order; those of no alarm are passed over. */
void journal_alarms_note(struct journal_alarms *x, const struct event_row *row);
/* Behind the last row.  A word that nobody knows ends the reading of the table; that is
 * a finding, too. */
void journal_alarms_check(struct journal_alarms *x, struct state *store);
void journal_alarms_fini(struct journal_alarms *x);

#endif
