/* The two clocks of a ticket, and its escalation, as instants in its row.
 *
 *   opened         respond_from ....... respond_warn .. respond_by
 *   or reopened    resolve_from .................. resolve_warn .... resolve_by
 *                  |-- after --> level 1 -- after --> level 2
 *
 * A normal ticket's clocks count the working time of its team only
 * (ticket/calendar.h), those of the other priorities all time.  `waiting` stops the
 * resolve clock.  What is due stands in the row, so that a restart plans what was
 * planned, whatever the configuration says by then.  A planned visit is to be made by
 * the end of its day and grace; nobody is called before.
 *
 * Pure: no clock.  Every function changes the row only; its caller sends it on. */
#ifndef CARETAKER_TICKET_CLOCKS_H
#define CARETAKER_TICKET_CLOCKS_H

#include <stdint.h>

#include "daemon/model/site.h"
#include "daemon/model/ticket.h"
#include "daemon/ticket/calendar.h"

/* What counts for this ticket, by its team and priority. */
struct calendar clocks_calendar(const struct site *site, const struct ticket *row);

/* Opened or reopened at t_ms: both clocks whole, nothing warned of, level 0. */
void clocks_start(const struct site *site, struct ticket *row, int64_t t_ms);

/* It waited since row->waiting_since_ms, which becomes none: the resolve clock goes on
 * from where it stood. */
void clocks_resume(const struct site *site, struct ticket *row, int64_t t_ms);

/* Gives it another priority.  A higher one: of each deadline the nearer of the old one
 * and its own, counted from t_ms (while it waits: from where the clock stands).  A
 * lower one: its own, counted from where the clock started, where that is later than
 * the old one and not gone by.  A clock that has been answered stays. */
void clocks_change_priority(const struct site *site,
                            struct ticket *row,
                            int64_t t_ms,
                            enum severity priority);

/* Gives it to another team (NULL or "": none).  What was left of each clock is left, in
 * the working time of the new team; its escalation begins anew at t_ms. */
void clocks_change_team(const struct site *site,
                        struct ticket *row,
                        int64_t t_ms,
                        const char *team);

/* The wall clock was stepped by step_ms at now_ms, which is the time before: what was
 * left of each clock is left, in the working time behind the step, so that no deadline
 * falls out of the hours.  A visit keeps its day, or (of a plan that counts from a
 * moment) its distance in days.  What is over moves along, as all of a ticket that is
 * not in work; waiting_since_ms and the row's other instants are left to the caller. */
void clocks_step(const struct site *site,
                 struct ticket *row,
                 int64_t now_ms,
                 int64_t step_ms);

/* The level whose time came was told: row->level is one more, and the next is due. */
void clocks_escalated(const struct site *site, struct ticket *row);

#endif
