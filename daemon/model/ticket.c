#include "daemon/model/ticket.h"

#include "daemon/base/instant.h"

static const char *
or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void
add_time_opt(struct strbuf *out, const char *key, int64_t t_ms)
{
    if (t_ms != INSTANT_NONE && t_ms != 0) {
        strbuf_json_time(out, key, t_ms);
    }
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
ticket_parts_to_json(struct strbuf *out,
                     const struct ticket_part *parts,
                     uint32_t part_count)
{
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < part_count; i++) {
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "name", parts[i].name);
        strbuf_json_int(out, "count", parts[i].count);
        strbuf_json_int(out, "cost", parts[i].cost);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

/* What most tickets do not have. */
static void
add_work(struct strbuf *out, const struct ticket *t)
{
    strbuf_json_str_opt(out, "category", or_null(t->category));
    strbuf_json_str_opt(out, "plan", or_null(t->plan));
    add_time_opt(out, "due_at", t->due_ms);
    strbuf_json_str_opt(out, "symptom", or_null(t->symptom));
    strbuf_json_str_opt(out, "reporter", or_null(t->reporter));
    strbuf_json_str_opt(out, "pause", or_null(pause_name(t->pause)));
    if (t->level > 0) {
        strbuf_json_int(out, "level", t->level);
    }
    strbuf_json_str_opt(out, "proof", or_null(proof_name(t->proof)));
    strbuf_json_str_opt(out, "cause", or_null(t->cause));
    if (t->minutes > 0) {
        strbuf_json_int(out, "minutes", t->minutes);
    }
    if (t->cost > 0) {
        strbuf_json_int(out, "cost", t->cost);
    }
    if (t->part_count > 0) {
        strbuf_json_key(out, "parts");
        ticket_parts_to_json(out, t->parts, t->part_count);
    }
    if (t->steps != 0) {
        strbuf_json_int(out, "steps", (int64_t)t->steps);
    }
    add_time_opt(out, "visit_at", t->visit_ms);
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
    add_work(out, t);
    strbuf_add_char(out, '}');
}
