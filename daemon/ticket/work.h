/* What people say of the work on a ticket: steps done, and what it is filed under. */
#ifndef CARETAKER_TICKET_WORK_H
#define CARETAKER_TICKET_WORK_H

#include "daemon/base/err.h"
#include "daemon/model/command.h"
#include "daemon/ticket/life.h"

/* The texts of a command, cut to what a row holds. */
struct words {
    char by[PERSON_BYTES];
    char assignee[PERSON_BYTES]; /* Who takes it: `by` unless named. */
    char note[NOTE_BYTES];
    const char *note_or_null;
};

bool words_are_blank(const char *text); /* NULL is. */
void words_init(struct words *w, const struct command *c);

/* Minutes, cost, parts or a closing code. */
bool work_is_given(const struct command *c);
/* Adds it to the row: nothing is sent.  Refused, and nothing is changed: an unknown
 * closing code, or sums below none or beyond what a row holds. */
int work_add(struct tickets *t,
             struct ticket_entry *e,
             const struct command *c,
             struct err *err);
/* Puts it into the event, as it was given. */
void work_say(struct event *event, const struct command *c);

/* Whether the command's team is one of the site's; none at all is no error. */
int work_check_place(const struct tickets *t, const struct command *c, struct err *err);

/* The procedure whose steps are this ticket's checklist, or NULL. */
const struct procedure *work_procedure(const struct tickets *t,
                                       const struct ticket_entry *e);

/* COMMAND_TICKET_TICK and COMMAND_TICKET_CHANGE; errors as of tickets_command(). */
int work_tick(struct tickets *t,
              struct ticket_entry *e,
              const struct command *c,
              const struct words *w,
              struct err *err);
int work_change(struct tickets *t,
                struct ticket_entry *e,
                const struct command *c,
                const struct words *w,
                struct err *err);

#endif
