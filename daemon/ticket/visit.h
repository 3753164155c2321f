/* The follow-up visit of a ticket that endangered people. */
#ifndef CARETAKER_TICKET_VISIT_H
#define CARETAKER_TICKET_VISIT_H

#include "daemon/ticket/life.h"

/* Opens it at t_ms, once: a planned ticket of the same device for the same owner. */
void visit_open(struct tickets *t, struct ticket_entry *e, int64_t t_ms);

#endif
