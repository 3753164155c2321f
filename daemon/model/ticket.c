#include "daemon/model/ticket.h"

static const char *
or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void
add_listed(struct strbuf *out, const struct ticket *t)
{
    strbuf_json_int(out, "number", t->number);
    strbuf_json_str(out, "kind", ticket_kind_name(t->kind));
    strbuf_json_str(out, "device", t->device);
    strbuf_json_str(out, "rule", t->rule);
    strbuf_json_str(out, "priority", severity_name(t->priority));
    strbuf_json_str(out, "state", ticket_state_name(t->state));
    strbuf_json_time(out, "opened_at", t->opened_ms);
    strbuf_json_time(out, "respond_by", t->respond_by_ms);
    strbuf_json_time(out, "resolve_by", t->resolve_by_ms);
    strbuf_json_str(out, "assignee", or_null(t->assignee));
    strbuf_json_str(out, "team", or_null(t->team));
    strbuf_json_str(out, "title", t->title);
}

void
ticket_to_listing(struct strbuf *out, const struct ticket *t)
{
    strbuf_add_char(out, '{');
    add_listed(out, t);
    strbuf_add_char(out, '}');
}

void
ticket_to_json(struct strbuf *out, const struct ticket *t)
{
    strbuf_add_char(out, '{');
    add_listed(out, t);
    strbuf_json_time(out, "assigned_at", t->assigned_ms);
    strbuf_json_time(out, "responded_at", t->responded_ms);
    strbuf_json_time(out, "resolved_at", t->resolved_ms);
    strbuf_json_time(out, "verified_at", t->verified_ms);
    strbuf_json_time(out, "closed_at", t->closed_ms);
    strbuf_json_int(out, "episodes", t->episodes);
    strbuf_json_int(out, "reopened", t->reopened);
    strbuf_json_str(out, "resolution", or_null(t->resolution));
    strbuf_json_key(out, "rating");
    if (t->rating != 0) {
        strbuf_printf(out, "%d", t->rating);
    } else {
        strbuf_add(out, "null");
    }
    strbuf_add_char(out, '}');
}
