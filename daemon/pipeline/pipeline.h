/* The one place where the stages meet: frames, timers and commands go in at the head,
 * edges become alarms, alarms become tickets, and all of it goes to the sink in order.
 *
 * Pure: the daemon, replay and test run this very code.  The same configuration, frames
 * and commands give the same events, byte for byte. */
#ifndef CARETAKER_PIPELINE_PIPELINE_H
#define CARETAKER_PIPELINE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/alarm/alarms.h"
#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/model/command.h"
#include "daemon/model/sample.h"
#include "daemon/model/sink.h"
#include "daemon/model/site.h"
#include "daemon/ticket/ledger_book.h"
#include "daemon/ticket/plans.h"
#include "daemon/ticket/tickets.h"
#include "rules/rules.h"

struct pipeline;

/* Compiles the rules (errors to `diags`, NULL returned).  `site` and `sink` are
 * borrowed until pipeline_free().  `next_ticket` is the first number to give. */
struct pipeline *pipeline_new(const struct site *site,
                              const struct sink *sink,
                              int64_t next_ticket,
                              struct diags *diags);
void pipeline_free(struct pipeline *p);

/* Fires every timer due at or before t_ms, each at its own due time. */
void pipeline_advance(struct pipeline *p, int64_t t_ms);
/* Advances to the frame's time, then applies it. A time before the last one is taken as
 * the last one: the engine's time never goes back. */
void pipeline_frame(struct pipeline *p, struct frame *f);
/* Advances to the command's time, then does it.  `*ticket` (may be NULL): which ticket
 * it was; of the ledger, what ledger_command() says. */
int pipeline_command(struct pipeline *p,
                     const struct command *c,
                     int64_t *ticket,
                     struct err *err);
/* When the next timer is due; INSTANT_MAX: none. */
int64_t pipeline_due(const struct pipeline *p);
int64_t
pipeline_now(const struct pipeline *p); /* INSTANT_NONE before the first step. */
/* The wall clock was stepped: every instant moves along, what is to come in the working
 * time of a team with it, and clock.stepped is told.  Not before the first step. */
void pipeline_shift(struct pipeline *p, int64_t delta_ms);

/* For the live daemon: restoring and saving what survives a restart, and what listings
 * show. */
struct rules *pipeline_rules(struct pipeline *p);
const struct alarms *pipeline_alarms(const struct pipeline *p);
const struct tickets *pipeline_tickets(const struct pipeline *p);
struct plans *pipeline_plans(struct pipeline *p);
/* Papers of the ledger that run out, on the day of t_ms. */
struct ledger_papers pipeline_papers(const struct pipeline *p, int64_t t_ms);
/* All that was stored is restored: plans that were never seen before are first seen
 * now.  The first frame or command does the same where it was not said. */
void pipeline_begin(struct pipeline *p, int64_t t_ms);
bool pipeline_restore_alarm(struct pipeline *p, const struct alarm *row);
/* A row of a device that the site does not have stays in the store alone. */
void pipeline_restore_ledger(struct pipeline *p, const struct ledger_row *row);
bool pipeline_restore_service(struct pipeline *p, const struct service *s);
void pipeline_restore_ticket(struct pipeline *p, const struct ticket *row);
bool pipeline_restore_timer(struct pipeline *p,
                            const struct rule_state *s,
                            int64_t alive_ms);

#endif
