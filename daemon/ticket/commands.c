/* What people do to tickets. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/base/utf8.h"
#include "daemon/ticket/life.h"

#define CANDIDATES_MAX 12 /* Numbers that one line of an answer names. */
#define RATING_MAX     5  /* Stars. */

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
};

/* The texts of a command, cut to what a row holds. */
struct words {
    char by[PERSON_BYTES];
    char assignee[PERSON_BYTES]; /* Who takes it: `by` unless named. */
    char note[NOTE_BYTES];
    const char *note_or_null;
};

static bool
is_blank(const char *text)
{
    return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

static void
words_init(struct words *w, const struct command *c)
{
    utf8_copy(w->by, sizeof w->by, c->by);
    utf8_copy(w->assignee, sizeof w->assignee,
              is_blank(c->assignee) ? c->by : c->assignee);
    utf8_copy(w->note, sizeof w->note, c->note);
    w->note_or_null = is_blank(w->note) ? NULL : w->note;
}

/* ---- Which ticket is meant ---- */

static bool
is_meant(const struct ticket_entry *e, const struct command *c)
{
    return e->row.device != NULL && strcmp(e->row.device, c->device) == 0 &&
           (c->rule == NULL ||
            (e->row.rule != NULL && strcmp(e->row.rule, c->rule) == 0));
}

/* How many tickets of the command's device (and rule) are closed, or are not; `*out` is
 * one of them, and `numbers` names the first of them. */
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
        if ((e->row.state == TICKET_CLOSED) != closed || !is_meant(e, c)) {
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
    const char *slash = c->rule != NULL ? "/" : "";
    const char *rule = c->rule != NULL ? c->rule : "";
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
    if (e == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "no ticket %" PRId64 " is open or was closed lately", c->ticket);
    }
    if (c->device != NULL && !is_meant(e, c)) {
        return err_set(err, ERR_NOT_FOUND, "ticket %" PRId64 " is of %s%s%s", c->ticket,
                       e->row.device != NULL ? e->row.device : tr("no device"),
                       e->row.rule != NULL ? "/" : "",
                       e->row.rule != NULL ? e->row.rule : "");
    }
    *out = e;
    return 0;
}

/* ---- What is done to it ---- */

static void
assign(struct ticket_entry *e, const char *who, int64_t t_ms)
{
    utf8_copy(e->row.assignee, sizeof e->row.assignee, who);
    e->row.assigned_ms = t_ms;
    if (e->row.state == TICKET_OPENED) {
        e->row.state = TICKET_ASSIGNED;
    }
}

static void
tell(struct tickets *t,
     struct ticket_entry *e,
     const struct command *c,
     enum event_kind kind,
     const struct words *w)
{
    struct event event = {
        .t_ms = c->t_ms, .kind = kind, .by = w->by, .note = w->note_or_null};
    life_tell(t, e, &event);
}

static void
tell_assigned(struct tickets *t,
              struct ticket_entry *e,
              const struct command *c,
              const struct words *w,
              const char *note)
{
    struct event event = {.t_ms = c->t_ms,
                          .kind = EVENT_TICKET_ASSIGNED,
                          .assignee = e->row.assignee,
                          .by = w->by,
                          .note = note};
    life_tell(t, e, &event);
}

static int
do_take(struct tickets *t,
        struct ticket_entry *e,
        const struct command *c,
        const struct words *w,
        struct err *err)
{
    if (strcmp(e->row.assignee, w->assignee) == 0) {
        return err_set(err, ERR_REFUSED, "ticket %" PRId64 " is assigned to %s already",
                       e->row.number, w->assignee);
    }
    assign(e, w->assignee, c->t_ms);
    life_settle(t, e);
    tell_assigned(t, e, c, w, w->note_or_null);
    return 0;
}

static int
do_arrive(struct tickets *t,
          struct ticket_entry *e,
          const struct command *c,
          const struct words *w,
          struct err *err)
{
    if (e->row.responded_ms != INSTANT_NONE) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " is %s and somebody was there; resume it",
                       e->row.number, ticket_state_word(e->row.state));
    }
    bool unassigned = e->row.assignee[0] == '\0';
    if (unassigned) {
        assign(e, w->by, c->t_ms);
    }
    e->row.responded_ms = c->t_ms;
    if (e->row.state != TICKET_WAITING) {
        e->row.state = TICKET_RESPONDED;
    }
    life_settle(t, e);
    if (unassigned) {
        tell_assigned(t, e, c, w, NULL);
    }
    tell(t, e, c, EVENT_TICKET_RESPONDED, w);
    return 0;
}

static int
do_wait(struct tickets *t,
        struct ticket_entry *e,
        const struct command *c,
        const struct words *w,
        struct err *err)
{
    if (w->note_or_null == NULL) {
        return err_set(err, ERR_USAGE, "what ticket %" PRId64 " waits for must be said",
                       e->row.number);
    }
    e->row.state = TICKET_WAITING;
    e->row.waiting_since_ms = c->t_ms;
    life_settle(t, e);
    tell(t, e, c, EVENT_TICKET_WAITING, w);
    return 0;
}

/* The resolve clock goes on from where it stood. */
static void
end_pause(struct ticket_entry *e, int64_t t_ms)
{
    int64_t pause_ms = t_ms - e->row.waiting_since_ms;
    e->row.resolve_from_ms += pause_ms;
    e->row.resolve_by_ms += pause_ms;
    e->row.waiting_since_ms = INSTANT_NONE;
}

static int
do_resume(struct tickets *t,
          struct ticket_entry *e,
          const struct command *c,
          const struct words *w)
{
    end_pause(e, c->t_ms);
    e->row.state = e->row.responded_ms != INSTANT_NONE ? TICKET_RESPONDED
                   : e->row.assignee[0] != '\0'        ? TICKET_ASSIGNED
                                                       : TICKET_OPENED;
    life_settle(t, e);
    struct event event = {.t_ms = c->t_ms,
                          .kind = EVENT_TICKET_RESUMED,
                          .resolve_by_ms = e->row.resolve_by_ms,
                          .by = w->by,
                          .note = w->note_or_null};
    life_tell(t, e, &event);
    return 0;
}

static int
do_resolve(struct tickets *t,
           struct ticket_entry *e,
           const struct command *c,
           const struct words *w)
{
    bool unassigned = e->row.assignee[0] == '\0';
    if (unassigned) {
        assign(e, w->by, c->t_ms);
    }
    if (e->row.state == TICKET_WAITING) {
        end_pause(e, c->t_ms);
    }
    e->row.state = TICKET_RESOLVED;
    e->row.resolved_ms = c->t_ms;
    e->watched = false; /* What was known of the sensor is old; it is asked anew. */
    e->verify_ms = INSTANT_MAX;
    utf8_copy(e->row.resolution, sizeof e->row.resolution, w->note_or_null);
    life_settle(t, e);
    if (unassigned) {
        tell_assigned(t, e, c, w, NULL);
    }
    tell(t, e, c, EVENT_TICKET_RESOLVED, w);
    return 0;
}

static int
do_close(struct tickets *t,
         struct ticket_entry *e,
         const struct command *c,
         const struct words *w,
         struct err *err)
{
    if (e->raised) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " is resolved but its alarm stands; "
                       "it closes when the sensor confirms, or reopen it",
                       e->row.number);
    }
    life_close(t, e, c->t_ms, w->by, w->note_or_null);
    return 0;
}

static int
do_reopen(struct tickets *t,
          struct ticket_entry *e,
          const struct command *c,
          const struct words *w,
          struct err *err)
{
    struct ticket_entry *open =
        e->rule != NONE_INDEX ? ticket_table_open(&t->table, e->device, e->rule) : NULL;
    if (open != NULL && open != e) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " is closed and ticket %" PRId64
                       " is open for the same fault; use that one",
                       e->row.number, open->row.number);
    }
    life_reopen(t, e, c->t_ms, w->by, w->note_or_null);
    return 0;
}

static int
do_note(struct tickets *t,
        struct ticket_entry *e,
        const struct command *c,
        const struct words *w,
        struct err *err)
{
    if (w->note_or_null == NULL) {
        return err_set(err, ERR_USAGE, "the note of ticket %" PRId64 " is empty",
                       e->row.number);
    }
    tell(t, e, c, EVENT_TICKET_NOTED, w);
    return 0;
}

static int
do_rate(struct tickets *t,
        struct ticket_entry *e,
        const struct command *c,
        const struct words *w,
        struct err *err)
{
    if (c->rating < 1 || c->rating > RATING_MAX) {
        return err_set(err, ERR_USAGE, "a rating is a whole number from 1 to %d",
                       RATING_MAX);
    }
    e->row.rating = c->rating;
    life_settle(t, e);
    struct event event = {.t_ms = c->t_ms,
                          .kind = EVENT_TICKET_RATED,
                          .rating = c->rating,
                          .by = w->by,
                          .note = w->note_or_null};
    life_tell(t, e, &event);
    return 0;
}

static int
do_open(struct tickets *t,
        const struct command *c,
        const struct words *w,
        int64_t *number,
        struct err *err)
{
    if (c->device == NULL) {
        return err_set(err, ERR_USAGE, "a reported fault names its device");
    }
    if (c->rule != NULL || c->ticket != 0) {
        return err_set(err, ERR_USAGE,
                       "a reported fault names neither a rule nor a ticket");
    }
    enum severity priority = c->has_priority ? c->priority : SEVERITY_NORMAL;
    if (priority == SEVERITY_INFO) {
        return err_set(err, ERR_USAGE,
                       "info opens no ticket; normal, urgent and critical do");
    }
    uint32_t device = site_device(t->site, c->device);
    if (device == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%.63s\"", c->device);
    }
    struct ticket_birth birth = {
        .kind = TICKET_REPORTED,
        .device = device,
        .rule = NONE_INDEX,
        .priority = priority,
        .title = w->note_or_null != NULL ? w->note : t->site->devices[device].name,
        .by = w->by,
        .note = w->note_or_null};
    const struct ticket_entry *e = life_open(t, c->t_ms, &birth);
    if (number != NULL) {
        *number = e->row.number;
    }
    return 0;
}

static int
do_command(struct tickets *t,
           struct ticket_entry *e,
           const struct command *c,
           const struct words *w,
           struct err *err)
{
    switch (c->kind) {
    case COMMAND_TICKET_TAKE:
        return do_take(t, e, c, w, err);
    case COMMAND_TICKET_ARRIVE:
        return do_arrive(t, e, c, w, err);
    case COMMAND_TICKET_WAIT:
        return do_wait(t, e, c, w, err);
    case COMMAND_TICKET_RESUME:
        return do_resume(t, e, c, w);
    case COMMAND_TICKET_RESOLVE:
        return do_resolve(t, e, c, w);
    case COMMAND_TICKET_CLOSE:
        return do_close(t, e, c, w, err);
    case COMMAND_TICKET_REOPEN:
        return do_reopen(t, e, c, w, err);
    case COMMAND_TICKET_NOTE:
        return do_note(t, e, c, w, err);
    case COMMAND_TICKET_RATE:
        return do_rate(t, e, c, w, err);
    case COMMAND_ACK:
    case COMMAND_SHELVE:
    case COMMAND_UNSHELVE:
    case COMMAND_SERVICE:
    case COMMAND_TICKET_OPEN:
    case COMMAND_TICKET_TICK:
    case COMMAND_TICKET_CHANGE:
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
    if (is_blank(c->by)) {
        return err_set(err, ERR_USAGE, "who does it must be said");
    }
    life_sweep(t, c->t_ms);
    struct words w;
    words_init(&w, c);
    if (c->kind == COMMAND_TICKET_OPEN) {
        return do_open(t, c, &w, number, err);
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
