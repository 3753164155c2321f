/* Planned maintenance: when each plan is due on each device, its tickets, its
 * reminders, and what becomes of a visit that was not made.
 *
 * A visit is due on a day of the calendar on the wall.  Its ticket opens so many days
 * before (`remind`), in the morning of the team; on the day itself it is reminded of
 * once more, and when the day and its grace are over it is overdue.  When the ticket is
 * resolved the next day is planned and what was used is counted from 0.
 * Pure: no I/O and no clock.  Of each change first the row goes to the sink, then the
 * events. */
#ifndef CARETAKER_TICKET_PLANS_H
#define CARETAKER_TICKET_PLANS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/command.h"
#include "daemon/model/plan.h"
#include "daemon/model/sample.h"
#include "daemon/model/sink.h"
#include "daemon/model/site.h"
#include "daemon/model/ticket.h"

struct plans;

/* What a planned ticket is opened with; texts are borrowed for the call. */
struct plan_work {
    uint32_t plan, device;
    int64_t due_ms;        /* The begin of the day it is due. */
    const char *by, *note; /* Who asked for it by hand, and why; may be NULL. */
};

/* What the plans ask of the other stages. */
struct plans_view {
    void *ctx;
    /* Opens a ticket; returns its number. */
    int64_t (*open)(void *ctx, int64_t t_ms, const struct plan_work *work);
    /* An open one has another day. */
    void (*move)(void *ctx, int64_t t_ms, int64_t ticket, const struct plan_work *work);
    /* NULL: it is not in memory.  The function is NULL where rows are only looked at.
     */
    const struct ticket *(*ticket)(void *ctx, int64_t number);
    bool (*out_of_service)(void *ctx, uint32_t device);
    /* A visit that resets what rules count since_service. */
    void (*served)(void *ctx, int64_t t_ms, uint32_t device);
};

/* Both are borrowed until plans_free(); `view` is copied.  Aborts when out of memory.
 */
struct plans *plans_new(const struct site *site,
                        const struct sink *sink,
                        const struct plans_view *view);
void plans_free(struct plans *p);

/* Takes back a stored row (copied), before plans_begin().  False: its plan or device is
 * not in the site, or no longer together; the row may stay where it is, they may come
 * back. */
bool plans_restore(struct plans *p, const struct plan_row *row);
/* From here on there is time: what was never seen before is first seen now.  What is
 * not begun is never due. */
void plans_begin(struct plans *p, int64_t t_ms);
bool plans_begun(const struct plans *p);

/* When something is to be done next; INSTANT_MAX: never. */
int64_t plans_due(const struct plans *p);
/* Does the one earliest, as of t_ms, which is not before plans_due(). */
void plans_fire(struct plans *p, int64_t t_ms);

/* Counts what the frame says of the use of its device.  Also for frames of before, read
 * again from the history after a restart: what was counted is left out. */
void plans_frame(struct plans *p, const struct frame *f);
/* Since when the recorded frames of each device are wanted for that: what came after
 * the row was saved, and not before `since_ms`.  `from_ms`, by device, is lowered where
 * they are.  Returns the earliest; INSTANT_MAX: none. */
int64_t plans_memory(const struct plans *p, int64_t since_ms, int64_t *from_ms);

/* A planned ticket was changed by a person, as it is now.  One of a plan that the site
 * has no longer changes nothing: who took the plan out took out what it resets. */
void plans_ticket(struct plans *p, int64_t t_ms, const struct ticket *t);
/* The open ticket of the visit that ticket t is of, or 0. */
int64_t plans_open_ticket(const struct plans *p, const struct ticket *t);

/* COMMAND_PLAN_...; `*ticket` is that of the visit, or 0.  ERR_NOT_FOUND: no such plan,
 * or not on this device; ERR_REFUSED: with the reason; ERR_USAGE: a day is missing. */
int plans_command(struct plans *p,
                  const struct command *c,
                  int64_t *ticket,
                  struct err *err);
/* The next visit is wanted on `day`, which is before the one planned: a prediction (by
 * is NULL), or a person.  ERR_REFUSED: it is not earlier, or is past. */
int plans_tighten(struct plans *p,
                  int64_t t_ms,
                  uint32_t plan,
                  uint32_t device,
                  int32_t day,
                  const char *why,
                  const char *by,
                  struct err *err);

/* The wall clock was stepped.  A date of the calendar stays what it is; what counts
 * from a moment (every: 15d without a start) moves along, in whole days. */
void plans_shift(struct plans *p, int64_t delta_ms, int64_t t_ms);

/* The rows whose use has changed since the last call. */
typedef void (*plans_row_fn)(void *ctx, const struct plan_row *row);
void plans_save_use(struct plans *p, plans_row_fn fn, void *ctx);

/* For listings: by device, then plan. */
struct plan_now {
    uint32_t plan, device;
    const struct plan_row *row;
    int32_t due_day; /* DAY_NONE: only by use, which nothing is known of. */
    bool by_use;     /* It is use, or its forecast, that put it there; */
    bool moved;      /* or a person, or what was predicted. */
    enum plan_use use;
    double used; /* Meaningful unless use is PLAN_USE_NONE. */
};
uint32_t plans_count(const struct plans *p);
struct plan_now plans_get(const struct plans *p, uint32_t index, int32_t today);

/* The minute of a day at which the team's tickets open: where its working hours begin,
 * else where its duty changes hands, else 08:00. */
int plan_morning(const struct site *site, const struct plan_spec *spec);

#endif
