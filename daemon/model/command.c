#include "daemon/model/command.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/err.h"

static const char *const names[] = {"ack",
                                    "shelve",
                                    "unshelve",
                                    "service",
                                    "ticket.open",
                                    "ticket.take",
                                    "ticket.arrive",
                                    "ticket.wait",
                                    "ticket.resume",
                                    "ticket.resolve",
                                    "ticket.close",
                                    "ticket.reopen",
                                    "ticket.note",
                                    "ticket.rate",
                                    "ticket.tick",
                                    "ticket.change",
                                    "plan.start",
                                    "plan.done",
                                    "plan.move",
                                    "ledger.set",
                                    "ledger.document",
                                    "ledger.remove",
                                    "ledger.alteration",
                                    "ticket.photo",
                                    "user.add",
                                    "user.change",
                                    "user.password",
                                    "user.remove",
                                    "token.add",
                                    "token.revoke"};
_Static_assert(ARRAY_LEN(names) == COMMAND_KIND_COUNT, "a name for each kind");

static const struct {
    const char *alias;
    enum command_kind kind;
} aliases[] = {
    {"alarm.ack", COMMAND_ACK},          {"alarm.acknowledge", COMMAND_ACK},
    {"alarm.shelve", COMMAND_SHELVE},    {"alarm.unshelve", COMMAND_UNSHELVE},
    {"device.service", COMMAND_SERVICE}, {"ticket.assign", COMMAND_TICKET_TAKE}};

const char *
command_kind_name(enum command_kind k)
{
    assert(k < COMMAND_KIND_COUNT);
    return names[k];
}

const char *
command_kind_alias(size_t index)
{
    return index < ARRAY_LEN(aliases) ? aliases[index].alias : NULL;
}

bool
command_kind_parse(enum command_kind *out, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], text) == 0) {
            *out = (enum command_kind)i;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (strcmp(aliases[i].alias, text) == 0) {
            *out = aliases[i].kind;
            return true;
        }
    }
    return false;
}

bool
command_is_of_people(enum command_kind kind)
{
    return kind >= COMMAND_USER_ADD && kind <= COMMAND_TOKEN_REVOKE;
}
