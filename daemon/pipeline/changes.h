/* What a step decided, held until it is on disk.
 *
 * The pipeline's sink of the live daemon: events, alarms, tickets and timers are copied
 * here and then written in one transaction, with what must go outside.  If the disk
 * refuses, everything stays here and is tried again: nothing is lost, and nobody
 * outside hears of what is not stored. */
#ifndef CARETAKER_PIPELINE_CHANGES_H
#define CARETAKER_PIPELINE_CHANGES_H

#include <stdbool.h>

#include "daemon/base/err.h"
#include "daemon/model/sink.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/evidence/evidence_take.h"
#include "daemon/store/state.h"
#include "rules/rules.h"

struct changes;

struct changes *changes_new(void); /* Returns owned; aborts when out of memory. */
void changes_free(struct changes *c);

/* The sink that fills it; borrowed as long as `c`. */
const struct sink *changes_sink(struct changes *c);
/* Who asked for what comes next: "uid=1000 pid=42"; NULL: the machine itself. Copies.
 */
void changes_set_peer(struct changes *c, const char *peer);
/* Called for each ticket that opens or reopens, at that moment: what `witness` fills in
 * is stored with it.  Borrows `ctx`. */
typedef void (*changes_witness_fn)(void *ctx,
                                   const struct event *e,
                                   struct evidence_texts *out);
void changes_set_witness(struct changes *c, changes_witness_fn witness, void *ctx);
/* Adds a rule's timer as it is now.  A plainly normal one is removed from the store,
 * unless a ticket is `watched` by it: then it says how long the condition has been
 * clear. */
void changes_add_timer(struct changes *c,
                       const struct site *site,
                       const struct rule_state *s,
                       bool watched);
/* What a function of the rules has counted.  Not urgent. */
void changes_add_meter(struct changes *c, const struct rules_meter *m);
/* How much the device of a plan was used.  Not urgent. */
void changes_add_plan_use(struct changes *c, const struct plan_row *p);
/* The row and the retained topic of an alarm whose device or rule is gone. */
void changes_forget_alarm(struct changes *c, const char *device, const char *rule);
/* A device out of service that is gone. */
void changes_forget_service(struct changes *c, const char *device);
/* The timer row of a rule or device that is gone. */
void changes_forget_timer(struct changes *c, const char *device, const char *rule);

/* Forgets everything: what a configuration decided that is not taken after all. */
void changes_discard(struct changes *c);

size_t changes_count(const struct changes *c); /* How many rows wait to be written. */
bool changes_pending(const struct changes *c); /* Anything at all. */
bool changes_urgent(const struct changes *c);  /* More than timers. */

/* Writes everything in one transaction, logs the events and empties `c`; on an error
 * all of it stays. `alive_ms` is stored along.  `published` (may be NULL): there is
 * something new for the outside. */
int changes_write(struct changes *c,
                  struct state *store,
                  const struct site *site,
                  int64_t alive_ms,
                  bool *published,
                  struct err *err);

/* In the transaction that has just added event `seq`: what is said of it outside, with
 * what lets a consumer find gaps, drop repeats, and bear witness: `hash` is that of the
 * journal up to this event.  `json` is an object. */
int changes_put_out(struct state *store,
                    const struct site *site,
                    const char *json,
                    int64_t seq,
                    struct err *err);

#endif
