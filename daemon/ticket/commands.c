/* What people do to tickets. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/base/utf8.h"
#include "daemon/ticket/deeds.h"
#include "daemon/ticket/life.h"
#include "daemon/ticket/work.h"

#define CANDIDATES_MAX 12 /* Numbers that one line of an answer names. */

/* What to do instead, by command and present state; NULL: the command is allowed. */
#define REOPEN_FIRST "reopen it first"
#define RESOLVE_IT   "resolve it first"
static const char *const instead[COMMAND_KIND_COUNT][TICKET_STATE_COUNT] = {
    [COMMAND_TICKET_TAKE] =
        {[TICKET_RESOLVED] = REOPEN_FIRST, [TICKET_CLOSED] = REOPEN_FIRST},
    [COMMAND_TICKET_ARRIVE] = {[TICKET_RESPONDED] = "wait or resolve comes next",
                               [TICKET_RESOLVED] = REOPEN_FIRST,
                               [TICKET_CLOSED] = REOPEN_FIRST},
    [COMMAND_TICKET_WAIT] = {[TICKET_WAITING] = "resume or resolve comes next",
                             [TICKET_RESOLVED] = REOPEN_FIRST,
                             [TICKET_CLOSED] = REOPEN_FIRST},
    [COMMAND_TICKET_RESUME] = {[TICKET_OPENED] = "its clock is running",
                               [TICKET_ASSIGNED] = "its clock is running",
                               [TICKET_RESPONDED] = "its clock is running",
                               [TICKET_RESOLVED] = REOPEN_FIRST,
                               [TICKET_CLOSED] = REOPEN_FIRST},
    [COMMAND_TICKET_RESOLVE] =
        {[TICKET_RESOLVED] = "close it, or reopen it", [TICKET_CLOSED] = REOPEN_FIRST},
    [COMMAND_TICKET_CLOSE] = {[TICKET_OPENED] = RESOLVE_IT,
                              [TICKET_ASSIGNED] = RESOLVE_IT,
                              [TICKET_RESPONDED] = RESOLVE_IT,
                              [TICKET_WAITING] = RESOLVE_IT,
                              [TICKET_CLOSED] = "reopen, note and rate are possible"},
    [COMMAND_TICKET_REOPEN] = {[TICKET_OPENED] = "it is open",
                               [TICKET_ASSIGNED] = "it is open",
                               [TICKET_RESPONDED] = "it is open",
                               [TICKET_WAITING] = "it is open; resume it"},
    [COMMAND_TICKET_RATE] = {[TICKET_OPENED] = RESOLVE_IT,
                             [TICKET_ASSIGNED] = RESOLVE_IT,
                             [TICKET_RESPONDED] = RESOLVE_IT,
                             [TICKET_WAITING] = RESOLVE_IT,
                             [TICKET_RESOLVED] = "it can be rated once it is closed"},
    [COMMAND_TICKET_TICK] = {[TICKET_CLOSED] = REOPEN_FIRST},
    [COMMAND_TICKET_CHANGE] = {[TICKET_CLOSED] = REOPEN_FIRST},
};

/* ---- Which ticket is meant ---- */

static bool
is_meant(const struct ticket_entry *e, const struct command *c)
{
    return e->row.device != NULL && strcmp(e->row.device, c->device) == 0 &&
           (c->rule == NULL ||
            (e->row.rule != NULL && strcmp(e->row.rule, c->rule) == 0)) &&
           (c->plan == NULL || strcmp(e->row.plan, c->plan) == 0);
}

/* How many tickets of the command's device (and rule, or plan) are closed, or are not;
 * `*out` is one of them, and `numbers` names the first of them. */
static size_t
candidates(const struct tickets *t,
           const struct command *c,
           bool closed,
           struct ticket_entry **out,
           struct strbuf *numbers)
{
    size_t count = 0;
    for (size_t i = 0; i < t->table.count; i++) {
        struct ticket_entry *e = t->table.by_number[i];
        if ((e->row.state == TICKET_CLOSED) != closed || !is_meant(e, c) ||
            life_is_past(t, e, c->t_ms)) {
            continue;
        }
        if (count < CANDIDATES_MAX) {
            strbuf_printf(numbers, "%s%" PRId64, count > 0 ? ", " : "", e->row.number);
        } else if (count == CANDIDATES_MAX) {
            strbuf_add(numbers, ", ...");
        }
        *out = e;
        count++;
    }
    return count;
}

static int
find_by_device(const struct tickets *t,
               const struct command *c,
               struct ticket_entry **out,
               struct err *err)
{
    struct strbuf numbers = {0};
    size_t count = candidates(t, c, false, out, &numbers);
    bool of_closed = c->kind == COMMAND_TICKET_REOPEN || c->kind == COMMAND_TICKET_RATE;
    if (count == 0 && of_closed) {
        count = candidates(t, c, true, out, &numbers);
    }
    int code = 0;
    const char *rule = c->rule != NULL ? c->rule : c->plan;
    const char *slash = rule != NULL ? "/" : "";
    rule = rule != NULL ? rule : "";
    if (count == 0) {
        code = err_set(err, ERR_NOT_FOUND, "no ticket of %.63s%s%.63s is open",
                       c->device, slash, rule);
    } else if (count > 1) {
        code = err_set(err, ERR_NOT_FOUND,
                       "%.63s%s%.63s has %zu tickets: %s; name one by its number",
                       c->device, slash, rule, count, strbuf_text(&numbers));
    }
    strbuf_fini(&numbers);
    return code;
}

static int
find_ticket(const struct tickets *t,
            const struct command *c,
            struct ticket_entry **out,
            struct err *err)
{
    if (c->ticket == 0 && c->device == NULL) {
        return err_set(err, ERR_USAGE,
                       "a ticket is named by its number, or by its device");
    }
    if (c->ticket == 0) {
        return find_by_device(t, c, out, err);
    }
    struct ticket_entry *e = ticket_table_find(&t->table, c->ticket);
    if (e == NULL || life_is_past(t, e, c->t_ms)) {
        return err_set(err, ERR_NOT_FOUND,
                       "no ticket %" PRId64 " is open or was closed lately", c->ticket);
    }
    if (c->device != NULL && !is_meant(e, c)) {
        const char *plan = e->row.plan[0] != '\0' ? e->row.plan : NULL;
        const char *what = e->row.rule != NULL ? e->row.rule : plan;
        return err_set(err, ERR_NOT_FOUND, "ticket %" PRId64 " is of %s%s%s", c->ticket,
                       e->row.device != NULL ? e->row.device : tr("no device"),
                       what != NULL ? "/" : "", what != NULL ? what : "");
    }
    *out = e;
    return 0;
}

/* ---- What is done to it ---- */

static int
do_command(struct tickets *t,
           struct ticket_entry *e,
           const struct command *c,
           const struct words *w,
           struct err *err)
{
    switch (c->kind) {
    case COMMAND_TICKET_TAKE:
        return deed_take(t, e, c, w, err);
    case COMMAND_TICKET_ARRIVE:
        return deed_arrive(t, e, c, w, err);
    case COMMAND_TICKET_WAIT:
        return deed_wait(t, e, c, w, err);
    case COMMAND_TICKET_RESUME:
        return deed_resume(t, e, c, w, err);
    case COMMAND_TICKET_RESOLVE:
        return deed_resolve(t, e, c, w, err);
    case COMMAND_TICKET_CLOSE:
        return deed_close(t, e, c, w, err);
    case COMMAND_TICKET_REOPEN:
        return deed_reopen(t, e, c, w, err);
    case COMMAND_TICKET_NOTE:
        return deed_note(t, e, c, w, err);
    case COMMAND_TICKET_RATE:
        return deed_rate(t, e, c, w, err);
    case COMMAND_TICKET_TICK:
        return work_tick(t, e, c, w, err);
    case COMMAND_TICKET_CHANGE:
        return work_change(t, e, c, w, err);
    case COMMAND_TICKET_PHOTO:
        return deed_photo(t, e, c, w, err);
    case COMMAND_ACK:
    case COMMAND_SHELVE:
    case COMMAND_UNSHELVE:
    case COMMAND_SERVICE:
    case COMMAND_TICKET_OPEN:
    case COMMAND_LEDGER_SET:
    case COMMAND_LEDGER_DOCUMENT:
    case COMMAND_LEDGER_REMOVE:
    case COMMAND_LEDGER_ALTERATION:
    case COMMAND_PLAN_START:
    case COMMAND_PLAN_DONE:
    case COMMAND_PLAN_MOVE:
    case COMMAND_USER_ADD:
    case COMMAND_USER_CHANGE:
    case COMMAND_USER_PASSWORD:
    case COMMAND_USER_REMOVE:
    case COMMAND_TOKEN_ADD:
    case COMMAND_TOKEN_REVOKE:
    case COMMAND_KIND_COUNT:
        break;
    }
    assert(!"a command of tickets");
    return err_set(err, ERR_USAGE, "not a command of tickets");
}

int
tickets_command(struct tickets *t,
                const struct command *c,
                int64_t *number,
                struct err *err)
{
    if (words_are_blank(c->by)) {
        return err_set(err, ERR_USAGE, "who does it must be said");
    }
    life_sweep(t, c->t_ms);
    struct words w;
    words_init(&w, c);
    if (c->kind == COMMAND_TICKET_OPEN) {
        return deed_open(t, c, &w, number, err);
    }
    struct ticket_entry *e = NULL;
    int code = find_ticket(t, c, &e, err);
    if (code != 0) {
        return code;
    }
    const char *hint = instead[c->kind][e->row.state];
    if (hint != NULL) {
        return err_set(err, ERR_REFUSED, "ticket %" PRId64 " is %s; %s", e->row.number,
                       ticket_state_word(e->row.state), tr(hint));
    }
    code = do_command(t, e, c, &w, err);
    if (code == 0 && number != NULL) {
        *number = e->row.number;
    }
    return code;
}
