#include "daemon/ticket/visit.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

/* The same fault came back before somebody looked at its repair: that visit is still to
 * be made, and one is enough.  0: there is none. */
static int64_t
open_visit(const struct tickets *t, const struct ticket_entry *e, const char *title)
{
    char cut[TITLE_BYTES];
    utf8_copy(cut, sizeof cut, title);
    for (size_t i = 0; i < t->table.count; i++) {
        const struct ticket_entry *other = t->table.by_number[i];
        const struct ticket *row = &other->row;
        if (other->device == e->device && strcmp(row->plan, PLAN_FOLLOW_UP) == 0 &&
            row->state != TICKET_RESOLVED && row->state != TICKET_CLOSED &&
            strcmp(row->title, cut) == 0) {
            return row->number;
        }
    }
    return 0;
}

/* In each language that the title of its fault has. */
static void
set_titles(struct titles *out, const struct ticket *fault)
{
    struct strbuf title = {0};
    *out = (struct titles){0};
    for (int i = 0; i < LANGUAGE_COUNT; i++) {
        if (fault->titles.in[i][0] != '\0') {
            strbuf_clear(&title);
            strbuf_printf(&title, tr_in((enum language)i, "Follow-up visit: %s"),
                          fault->titles.in[i]);
            utf8_copy(out->in[i], sizeof out->in[i], strbuf_text(&title));
        }
    }
    strbuf_fini(&title);
}

static int64_t
open_planned(struct tickets *t, const struct ticket_entry *e, int64_t t_ms)
{
    enum language language = t->site->language;
    struct strbuf title = {0};
    struct strbuf note = {0};
    struct titles titles;
    set_titles(&titles, &e->row);
    strbuf_printf(&title, tr_in(language, "Follow-up visit: %s"), e->row.title);
    strbuf_printf(&note, tr_in(language, "follow-up visit of ticket %" PRId64),
                  e->row.number);
    struct ticket_birth birth = {.kind = TICKET_PLANNED,
                                 .device = e->device,
                                 .rule = NONE_INDEX,
                                 .priority = SEVERITY_NORMAL,
                                 .title = strbuf_text(&title),
                                 .titles = &titles,
                                 .team = e->row.team,
                                 .category = e->row.category,
                                 .note = strbuf_text(&note),
                                 .plan = PLAN_FOLLOW_UP,
                                 .due_ms = e->row.visit_ms,
                                 .assignee = e->row.assignee};
    int64_t number = open_visit(t, e, strbuf_text(&title));
    if (number == 0) {
        number = life_open(t, t_ms, &birth)->row.number;
    }
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
