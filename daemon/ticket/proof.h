/* What the sensor of a resolved ticket has shown, and when that is enough. */
#ifndef CARETAKER_TICKET_PROOF_H
#define CARETAKER_TICKET_PROOF_H

#include "daemon/ticket/life.h"

/* A sensor that was lost is believed again once it was good for so long: a loose wire
 * must not fill the journal. */
#define PROOF_SETTLE_MS 60000

/* Judges what is known at t_ms: when the repair will be verified, and what is missing
 * until then.  True when row.proof is another one; the caller sends the row, then
 * proof_tell().  At INSTANT_NONE (a restart) the row is left as it is. */
bool proof_judge(struct tickets *t, struct ticket_entry *e, int64_t t_ms);
void proof_tell(struct tickets *t, struct ticket_entry *e, int64_t t_ms);
/* What was known of the sensor is old: it is asked anew once resolved again. */
void proof_forget(struct ticket_entry *e);

#endif
