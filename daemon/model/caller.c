#include "daemon/model/caller.h"

#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

void
caller_init(struct caller *c, enum role role)
{
    memset(c, 0, sizeof *c);
    c->role = role;
    c->expires_ms = INSTANT_MAX;
}

void
caller_init_local(struct caller *c)
{
    caller_init(c, ROLE_ADMINISTRATOR);
    c->way = CALLER_LOCAL;
    c->local = true;
}

void
caller_set_user(struct caller *c, const char *user, const char *name)
{
    (void)utf8_copy(c->user_text, sizeof c->user_text, user);
    (void)utf8_copy(c->name_text, sizeof c->name_text, name);
    c->user = c->user_text;
    c->name = c->name_text;
}

void
caller_copy(struct caller *out, const struct caller *c)
{
    *out = *c;
    out->user = c->user != NULL ? out->user_text : NULL;
    out->name = c->name != NULL ? out->name_text : NULL;
}

enum role
command_role(enum command_kind kind)
{
    switch (kind) {
    case COMMAND_ACK:
    case COMMAND_SHELVE:
    case COMMAND_UNSHELVE:
    case COMMAND_TICKET_OPEN:
    case COMMAND_TICKET_TAKE:
    case COMMAND_TICKET_ARRIVE:
    case COMMAND_TICKET_WAIT:
    case COMMAND_TICKET_RESUME:
    case COMMAND_TICKET_RESOLVE:
    case COMMAND_TICKET_CLOSE:
    case COMMAND_TICKET_REOPEN:
    case COMMAND_TICKET_NOTE:
    case COMMAND_TICKET_RATE:
    case COMMAND_TICKET_TICK:
    case COMMAND_TICKET_CHANGE:
    case COMMAND_TICKET_PHOTO:
        return ROLE_TECHNICIAN;
    case COMMAND_SERVICE:
    case COMMAND_PLAN_START:
    case COMMAND_PLAN_DONE:
    case COMMAND_PLAN_MOVE:
    case COMMAND_LEDGER_SET:
    case COMMAND_LEDGER_DOCUMENT:
    case COMMAND_LEDGER_REMOVE:
    case COMMAND_LEDGER_ALTERATION:
        return ROLE_ENGINEER;
    case COMMAND_USER_ADD:
    case COMMAND_USER_CHANGE:
    case COMMAND_USER_PASSWORD:
    case COMMAND_USER_REMOVE:
    case COMMAND_TOKEN_ADD:
    case COMMAND_TOKEN_REVOKE:
    case COMMAND_KIND_COUNT:
        break;
    }
    return ROLE_ADMINISTRATOR;
}

bool
caller_may(const struct caller *c, enum command_kind kind)
{
    bool by_token = c->way == CALLER_TOKEN && command_is_of_people(kind);
    return c->role >= command_role(kind) && !by_token;
}
