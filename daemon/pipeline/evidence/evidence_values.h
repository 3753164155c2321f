/* Which stretches of time a pack shows, and the samples in them (evidence*.c only). */
#ifndef CARETAKER_PIPELINE_EVIDENCE_VALUES_H
#define CARETAKER_PIPELINE_EVIDENCE_VALUES_H

#include "daemon/pipeline/evidence/evidence.h"

/* Sets e->windows from the openings, the events and the ticket. */
void evidence_find_windows(struct evidence *e);
/* Fills them from the history; that it cannot be read is told in the pack. */
void evidence_read_history(struct evidence *e);

#endif
