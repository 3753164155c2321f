/* Which team a ticket goes to, who of it gets it, and whom its escalation reaches.
 * Pure: no clock. */
#ifndef CARETAKER_TICKET_DISPATCH_H
#define CARETAKER_TICKET_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

/* The team with this id, or NULL; `id` may be NULL or empty. */
const struct team *dispatch_team_of(const struct site *site, const char *id);
/* The team that is named, else the first one whose categories hold the ticket's; NULL:
 * none.  Either text may be NULL or empty. */
const struct team *
dispatch_team(const struct site *site, const char *team, const char *category);

/* True if the person with this id is one of the team; `team` may be NULL. */
bool dispatch_is_of_team(const struct team *team, const char *person);

/* The person of the team who gets a ticket at t_ms: who is on duty; without a rota the
 * only member who has the category as a skill.  NULL: nobody, the ticket stays for
 * whoever takes it.  `team` may be NULL. */
const char *dispatch_person(const struct site *site,
                            const struct team *team,
                            const char *category,
                            int64_t t_ms);

/* The same of a visit that is to be made on this day: who is on duty at its noon. */
const char *dispatch_person_of_day(const struct site *site,
                                   const struct team *team,
                                   const char *category,
                                   int32_t day);

/* Adds the ids that `to` means, with commas: the person with this id; or who has this
 * role in the team, or where nobody of it has, in the site. */
void dispatch_reached(struct strbuf *out,
                      const struct site *site,
                      const struct team *team,
                      const char *to);

#endif
