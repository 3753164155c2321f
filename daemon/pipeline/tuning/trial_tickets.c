#include "daemon/pipeline/tuning/trial_tickets.h"

#include <stdio.h>

void
trial_tickets_event(struct trial_tickets *t, const struct event *e)
{
    if (e->rule == NULL || e->device == NULL) {
        return;
    }
    t->joined += e->kind == EVENT_TICKET_JOINED;
    if (e->kind != EVENT_TICKET_OPENED) {
        return;
    }
    t->by_priority[e->severity]++;
    if (t->first_count < TRIAL_TICKETS_GIVEN) {
        struct trial_ticket *ticket = &t->first[t->first_count++];
        *ticket = (struct trial_ticket){.t_ms = e->t_ms, .priority = e->severity};
        snprintf(ticket->device, sizeof ticket->device, "%s", e->device);
        snprintf(ticket->rule, sizeof ticket->rule, "%s", e->rule);
    }
}

void
trial_tickets_json(struct strbuf *out, const struct trial_tickets *t)
{
    uint64_t opened = 0;
    for (int s = SEVERITY_NORMAL; s < SEVERITY_COUNT; s++) {
        opened += t->by_priority[s];
    }
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "opened", (int64_t)opened);
    strbuf_json_int(out, "joined", (int64_t)t->joined);
    strbuf_json_key(out, "by_priority");
    strbuf_add_char(out, '{');
    for (int s = SEVERITY_COUNT - 1; s >= SEVERITY_NORMAL; s--) {
        strbuf_json_int(out, severity_name((enum severity)s),
                        (int64_t)t->by_priority[s]);
    }
    strbuf_add_char(out, '}');
    strbuf_json_key(out, "first");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < t->first_count; i++) {
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_time(out, "t", t->first[i].t_ms);
        strbuf_json_str(out, "device", t->first[i].device);
        strbuf_json_str(out, "rule", t->first[i].rule);
        strbuf_json_str(out, "priority", severity_name(t->first[i].priority));
        strbuf_add_char(out, '}');
    }
    strbuf_add(out, "]}");
}
