/* What was known of a fault when its ticket opened, and what a ticket's pack is read
 * from (state.db). */
#ifndef CARETAKER_STORE_STATE_EVIDENCE_H
#define CARETAKER_STORE_STATE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/store/state.h"

/* Taken at each opening of a ticket: the first one is 1, every reopening one more.
 * Texts may be NULL where there is nothing to say.  `t_ms` is engine time as it was
 * then, which is also that of the samples around it, whatever the clock did later. */
struct evidence_row {
    int64_t ticket, opening, t_ms;
    const char *rule, *version; /* The rule as YAML, and its short hash. */
    const char *facts;          /* JSON: what the rule and its procedure say. */
    const char *device;         /* JSON: its health, and the values of its points. */
    const char *bus;            /* JSON: the health of its bus. */
};

#define EVIDENCE_HASH_BYTES 65 /* 64 hex digits and the zero byte. */

/* SHA-256 over 32 zero bytes and t_ms rule version facts device bus, each written as in
 * a row of the journal (store/journal.h): the event of the opening carries it. */
void state_evidence_hash(char out[EVIDENCE_HASH_BYTES], const struct evidence_row *row);

/* The opening is counted here, from the ticket's row: `row->opening` is not read. */
int
state_put_evidence(struct state *s, const struct evidence_row *row, struct err *err);

typedef bool (*state_evidence_fn)(void *ctx, const struct evidence_row *row);
/* All openings of a ticket, in their order. */
int state_each_evidence(
    struct state *s, int64_t ticket, state_evidence_fn fn, void *ctx, struct err *err);

/* At most `limit` other tickets of the same rule, the newest first: those of the same
 * device (`same`), or those of all other devices. */
int state_each_like(struct state *s,
                    const struct ticket *t,
                    bool same,
                    int64_t limit,
                    state_ticket_fn fn,
                    void *ctx,
                    struct err *err);

/* The events of a ticket, and those of alarms of its device while it lived that are of
 * `rules`, a JSON array of ids (NULL: of none); in order of seq.  Of a closed one: up
 * to its last event. */
int state_each_event_of(struct state *s,
                        const struct ticket *t,
                        const char *rules,
                        state_event_fn fn,
                        void *ctx,
                        struct err *err);

#endif
