/* Who gets a ticket, and whom it goes up to while nobody answers. */
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/clocks.h"
#include "daemon/ticket/dispatch.h"
#include "daemon/ticket/life.h"

/* Who would get it if it were given out at t_ms. */
static const char *
person_at(const struct tickets *t, const struct ticket *row, int64_t t_ms)
{
    const struct team *team = dispatch_team_of(t->site, row->team);
    if (row->kind == TICKET_PLANNED && row->due_ms != INSTANT_NONE &&
        row->due_ms > t_ms) {
        return dispatch_person_of_day(t->site, team, row->category,
                                      civil_day(row->due_ms));
    }
    return dispatch_person(t->site, team, row->category, t_ms);
}

static void
give(struct tickets *t, struct ticket_entry *e, const char *who, int64_t t_ms)
{
    struct ticket *row = &e->row;
    life_assign(e, who, t_ms);
    life_settle(t, e);
    struct event event = {
        .t_ms = t_ms, .kind = EVENT_TICKET_ASSIGNED, .assignee = row->assignee};
    life_tell(t, e, &event);
}

void
life_dispatch(struct tickets *t, struct ticket_entry *e, int64_t t_ms)
{
    struct ticket *row = &e->row;
    if (row->state == TICKET_RESOLVED || row->state == TICKET_CLOSED ||
        row->assignee[0] != '\0') {
        return;
    }
    struct calendar c = clocks_calendar(t->site, row);
    int64_t when_ms = calendar_next(&c, t_ms);
    const char *who = person_at(t, row, when_ms);
    if (who != NULL && when_ms == t_ms) {
        give(t, e, who, t_ms);
        return;
    }
    int64_t assign_ms = who != NULL ? when_ms : INSTANT_NONE;
    if (row->assign_ms != assign_ms) {
        row->assign_ms = assign_ms;
        life_settle(t, e);
    }
}

void
life_escalate(struct tickets *t, struct ticket_entry *e)
{
    struct ticket *row = &e->row;
    int64_t due_ms = e->due_ms;
    const struct team *team = dispatch_team_of(t->site, row->team);
    if (team == NULL || (uint32_t)row->level >= team->escalate_count) {
        row->escalate_ms = INSTANT_NONE; /* Taken out of the site while it was due. */
        life_settle(t, e);
        return;
    }
    struct strbuf to = {0};
    dispatch_reached(&to, t->site, team, team->escalate[row->level].to);
    clocks_escalated(t->site, row);
    life_settle(t, e);
    struct event event = {.t_ms = due_ms,
                          .kind = EVENT_TICKET_ESCALATED,
                          .level = row->level,
                          .to = strbuf_text(&to)};
    life_tell(t, e, &event);
    strbuf_fini(&to);
}
