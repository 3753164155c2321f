/* One finding of daemon/pipeline/journal/journal_check.h, as a line of text and a
 * member of JSON.  For the parts of that check only. */
#ifndef CARETAKER_PIPELINE_JOURNAL_FINDING_H
#define CARETAKER_PIPELINE_JOURNAL_FINDING_H

#include "daemon/pipeline/journal/journal_check.h"

/* Counts it; false when as many are shown already. */
bool journal_finding_is_shown(struct journal_verdict *v);
/* Opens the member of JSON; its own keys go between this and the end. */
void journal_finding_begin(struct journal_verdict *v, const char *kind);
void journal_finding_end(struct journal_verdict *v, const struct strbuf *text);

#endif
