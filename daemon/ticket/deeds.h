/* What people do to tickets, each deed from a state in which it is possible. */
#ifndef CARETAKER_TICKET_DEEDS_H
#define CARETAKER_TICKET_DEEDS_H

#include "daemon/base/err.h"
#include "daemon/model/command.h"
#include "daemon/ticket/life.h"
#include "daemon/ticket/work.h"

/* Errors as of tickets_command(); nothing has changed then. */
int deed_take(struct tickets *t,
              struct ticket_entry *e,
              const struct command *c,
              const struct words *w,
              struct err *err);
int deed_arrive(struct tickets *t,
                struct ticket_entry *e,
                const struct command *c,
                const struct words *w,
                struct err *err);
int deed_wait(struct tickets *t,
              struct ticket_entry *e,
              const struct command *c,
              const struct words *w,
              struct err *err);
int deed_resume(struct tickets *t,
                struct ticket_entry *e,
                const struct command *c,
                const struct words *w,
                struct err *err);
int deed_resolve(struct tickets *t,
                 struct ticket_entry *e,
                 const struct command *c,
                 const struct words *w,
                 struct err *err);
int deed_close(struct tickets *t,
               struct ticket_entry *e,
               const struct command *c,
               const struct words *w,
               struct err *err);
int deed_reopen(struct tickets *t,
                struct ticket_entry *e,
                const struct command *c,
                const struct words *w,
                struct err *err);
int deed_note(struct tickets *t,
              struct ticket_entry *e,
              const struct command *c,
              const struct words *w,
              struct err *err);
int deed_rate(struct tickets *t,
              struct ticket_entry *e,
              const struct command *c,
              const struct words *w,
              struct err *err);

/* Its file is there already: the ticket has one more. */
int deed_photo(struct tickets *t,
               struct ticket_entry *e,
               const struct command *c,
               const struct words *w,
               struct err *err);

int deed_open(struct tickets *t,
              const struct command *c,
              const struct words *w,
              int64_t *number,
              struct err *err);

#endif
