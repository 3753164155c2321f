#include "daemon/ticket/visit.h"

#include <inttypes.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

static int64_t
open_planned(struct tickets *t, const struct ticket_entry *e, int64_t t_ms)
{
    enum language language = t->site->language;
    struct strbuf title = {0};
    struct strbuf note = {0};
    strbuf_printf(&title, tr_in(language, "Follow-up visit: %s"), e->row.title);
    strbuf_printf(&note, tr_in(language, "follow-up visit of ticket %" PRId64),
                  e->row.number);
    struct ticket_birth birth = {.kind = TICKET_PLANNED,
                                 .device = e->device,
                                 .rule = NONE_INDEX,
                                 .priority = SEVERITY_NORMAL,
                                 .title = strbuf_text(&title),
                                 .team = e->row.team,
                                 .category = e->row.category,
                                 .note = strbuf_text(&note),
                                 .plan = PLAN_FOLLOW_UP,
                                 .due_ms = e->row.visit_ms,
                                 .assignee = e->row.assignee};
    int64_t number = life_open(t, t_ms, &birth)->row.number;
    strbuf_fini(&title);
    strbuf_fini(&note);
    return number;
}

void
visit_open(struct tickets *t, struct ticket_entry *e, int64_t t_ms)
{
    enum language language = t->site->language;
    struct strbuf note = {0};
    if (e->device != NONE_INDEX) {
        strbuf_printf(&note, tr_in(language, "its follow-up visit is ticket %" PRId64),
                      open_planned(t, e, t_ms));
    } else {
        strbuf_add(
            &note,
            tr_in(language, "no follow-up visit: its device is no longer configured"));
    }
    e->row.visit_ms = INSTANT_NONE;
    life_sweep_by(t, e);
    life_settle(t, e);
    struct event event = {.t_ms = t_ms,
                          .kind = EVENT_TICKET_NOTED,
                          .plan = PLAN_FOLLOW_UP,
                          .note = strbuf_text(&note)};
    life_tell(t, e, &event);
    strbuf_fini(&note);
}
