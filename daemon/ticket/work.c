#include "daemon/ticket/work.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/base/utf8.h"
#include "daemon/model/cause.h"
#include "daemon/ticket/clocks.h"
#include "daemon/ticket/dispatch.h"

#define TEAMS_NAMED_MAX 10 /* In one line of an answer. */

bool
words_are_blank(const char *text)
{
    return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

void
words_init(struct words *w, const struct command *c)
{
    utf8_copy(w->by, sizeof w->by, c->by);
    utf8_copy(w->assignee, sizeof w->assignee,
              words_are_blank(c->assignee) ? c->by : c->assignee);
    utf8_copy(w->note, sizeof w->note, c->note);
    w->note_or_null = words_are_blank(w->note) ? NULL : w->note;
}

/* ---- Minutes, cost, parts, and what it was ---- */

bool
work_is_given(const struct command *c)
{
    return c->minutes != 0 || c->cost != 0 || c->part_count > 0 ||
           !words_are_blank(c->cause);
}

static int
refuse_cause(const struct tickets *t, const struct command *c, struct err *err)
{
    struct strbuf text = {0};
    cause_refuse(&text, t->site, c->cause);
    int code = err_set(err, ERR_USAGE, "%s", strbuf_text(&text));
    strbuf_fini(&text);
    return code;
}

static bool
is_within(int64_t present, int64_t added, int64_t max)
{
    return added >= -max && added <= max && present + added >= 0 &&
           present + added <= max;
}

int
work_add(struct tickets *t,
         struct ticket_entry *e,
         const struct command *c,
         struct err *err)
{
    bool cause = !words_are_blank(c->cause);
    if (cause && !cause_is_known(t->site, c->cause)) {
        return refuse_cause(t, c, err);
    }
    if (!is_within(e->row.minutes, c->minutes, WORK_MINUTES_MAX)) {
        return err_set(err, ERR_USAGE,
                       "ticket %" PRId64 " has %" PRId64
                       " minutes of work; the sum must be 0 to %d",
                       e->row.number, e->row.minutes, WORK_MINUTES_MAX);
    }
    if (!is_within(e->row.cost, c->cost, MONEY_MAX)) {
        char has[MONEY_TEXT_BYTES];
        char most[MONEY_TEXT_BYTES];
        return err_set(err, ERR_USAGE,
                       "ticket %" PRId64 " has cost %s; the sum must be 0 to %s",
                       e->row.number, money_format(has, e->row.cost),
                       money_format(most, MONEY_MAX));
    }
    if (!ticket_add_parts(&e->row, c->parts, c->part_count)) {
        return err_set(err, ERR_USAGE,
                       "the parts of ticket %" PRId64 " would be less than none, or "
                       "more than %d kinds; correct them, or write them in a note",
                       e->row.number, TICKET_PARTS_MAX);
    }
    e->row.minutes += c->minutes;
    e->row.cost += c->cost;
    if (cause) {
        utf8_copy(e->row.cause, sizeof e->row.cause, c->cause);
    }
    return 0;
}

void
work_say(struct event *event, const struct command *c)
{
    event->cause = words_are_blank(c->cause) ? NULL : c->cause;
    event->minutes = c->minutes;
    event->cost = c->cost;
    event->parts = c->parts;
    event->part_count = c->part_count;
}

/* ---- The checklist ---- */

static const char *
procedure_id(const struct tickets *t, const struct ticket_entry *e)
{
    if (e->rule != NONE_INDEX) {
        return t->site->rules[e->rule].procedure;
    }
    for (uint32_t i = 0; e->row.plan[0] != '\0' && i < t->site->plan_count; i++) {
        if (strcmp(t->site->plans[i].id, e->row.plan) == 0) {
            return t->site->plans[i].procedure;
        }
    }
    return NULL;
}

const struct procedure *
work_procedure(const struct tickets *t, const struct ticket_entry *e)
{
    const char *id = procedure_id(t, e);
    for (uint32_t i = 0; id != NULL && i < t->site->procedure_count; i++) {
        if (strcmp(t->site->procedures[i].id, id) == 0) {
            return &t->site->procedures[i];
        }
    }
    return NULL;
}

int
work_tick(struct tickets *t,
          struct ticket_entry *e,
          const struct command *c,
          const struct words *w,
          struct err *err)
{
    const struct procedure *p = work_procedure(t, e);
    uint32_t steps = p == NULL                          ? 0
                     : p->step_count < TICKET_STEPS_MAX ? p->step_count
                                                        : TICKET_STEPS_MAX;
    if (steps == 0) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " has no procedure with steps to tick off; "
                       "note what was done instead",
                       e->row.number);
    }
    if (c->step < 1 || (uint32_t)c->step > steps) {
        return err_set(err, ERR_USAGE,
                       "ticket %" PRId64 " has the steps 1 to %u of %.63s",
                       e->row.number, steps, p->id);
    }
    uint64_t bit = UINT64_C(1) << (c->step - 1);
    bool done = (e->row.steps & bit) != 0;
    if (done != c->undone) {
        return err_set(err, ERR_REFUSED, "step %d of ticket %" PRId64 " is %s", c->step,
                       e->row.number,
                       done ? tr("done already; it can be taken back (--undo)")
                            : tr("not done"));
    }
    e->row.steps ^= bit;
    life_settle(t, e);
    struct event event = {.t_ms = c->t_ms,
                          .kind = EVENT_TICKET_TICKED,
                          .step = c->step,
                          .undone = c->undone,
                          .by = w->by,
                          .note = w->note_or_null};
    life_tell(t, e, &event);
    return 0;
}

/* ---- Priority, category, team ---- */

static bool
is_other(const char *wanted, const char *present)
{
    return !words_are_blank(wanted) && strcmp(wanted, present) != 0;
}

int
work_check_place(const struct tickets *t, const struct command *c, struct err *err)
{
    for (uint32_t i = 0; c->team != NULL && i < t->site->team_count; i++) {
        if (strcmp(t->site->teams[i].id, c->team) == 0) {
            return 0;
        }
    }
    if (words_are_blank(c->team)) {
        return 0;
    }
    struct strbuf known = {0};
    for (uint32_t i = 0; i < t->site->team_count && i < TEAMS_NAMED_MAX; i++) {
        strbuf_printf(&known, "%s %s", i > 0 ? "," : tr("; accepted are"),
                      t->site->teams[i].id);
    }
    int code = err_set(err, ERR_NOT_FOUND, "there is no team \"%.63s\"%s", c->team,
                       strbuf_text(&known));
    strbuf_fini(&known);
    return code;
}

static int
check_change(const struct tickets *t,
             const struct ticket_entry *e,
             const struct command *c,
             const struct words *w,
             struct err *err)
{
    if (!c->has_priority && words_are_blank(c->category) && words_are_blank(c->team)) {
        return err_set(err, ERR_USAGE,
                       "what changes of ticket %" PRId64
                       " must be said: its priority, category or team",
                       e->row.number);
    }
    if (c->has_priority && c->priority == SEVERITY_INFO) {
        return err_set(err, ERR_USAGE,
                       "info is no work; critical, urgent and normal are accepted");
    }
    int code = work_check_place(t, c, err);
    if (code != 0) {
        return code;
    }
    bool priority = c->has_priority && c->priority != e->row.priority;
    if (!priority && !is_other(c->category, e->row.category) &&
        !is_other(c->team, e->row.team)) {
        return err_set(err, ERR_REFUSED, "ticket %" PRId64 " is so already",
                       e->row.number);
    }
    if (priority && w->note_or_null == NULL) {
        return err_set(err, ERR_USAGE,
                       "why the priority of ticket %" PRId64 " changes must be said",
                       e->row.number);
    }
    return 0;
}

/* Who was asked for the old team and did not take it is not asked for the new one: who
 * of that is on duty gets it.  Whoever took it keeps it. */
static void
leave_old_team(const struct tickets *t, struct ticket_entry *e)
{
    const struct team *team = dispatch_team_of(t->site, e->row.team);
    if (!e->row.taken && e->row.assignee[0] != '\0' &&
        !dispatch_is_of_team(team, e->row.assignee)) {
        life_unassign(e);
    }
}

int
work_change(struct tickets *t,
            struct ticket_entry *e,
            const struct command *c,
            const struct words *w,
            struct err *err)
{
    int code = check_change(t, e, c, w, err);
    if (code != 0) {
        return code;
    }
    struct event event = {.t_ms = c->t_ms,
                          .kind = EVENT_TICKET_CHANGED,
                          .by = w->by,
                          .note = w->note_or_null};
    if (is_other(c->category, e->row.category)) {
        utf8_copy(e->row.category, sizeof e->row.category, c->category);
        event.category = e->row.category;
    }
    if (is_other(c->team, e->row.team)) {
        clocks_change_team(t->site, &e->row, c->t_ms, c->team);
        event.team = e->row.team;
        leave_old_team(t, e);
    }
    if (c->has_priority && c->priority != e->row.priority) {
        clocks_change_priority(t->site, &e->row, c->t_ms, c->priority);
    }
    if (event.team != NULL || c->has_priority) {
        event.respond_by_ms = e->row.respond_by_ms;
        event.resolve_by_ms = e->row.resolve_by_ms;
    }
    life_settle(t, e);
    life_tell(t, e, &event);
    life_dispatch(t, e, c->t_ms);
    return 0;
}
