/* A pack as JSON. */
#include <jansson.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/evidence/evidence.h"

/* What was stored, as it was stored; null for none. */
static void
add_stored(struct strbuf *out, const json_t *json)
{
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    strbuf_add(out, text != NULL ? text : "null");
    free(text);
}

static void
stored(struct strbuf *out, const char *key, const json_t *json)
{
    strbuf_json_key(out, key);
    add_stored(out, json);
}

static void
openings_json(struct strbuf *out, const struct evidence *e)
{
    strbuf_json_key(out, "openings");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < e->opening_count; i++) {
        const struct evidence_opening *o = &e->openings[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_int(out, "opening", o->number);
        strbuf_json_time(out, "t", o->t_ms);
        strbuf_json_str(out, "rule", o->rule);
        strbuf_json_str(out, "version", o->version);
        stored(out, "facts", o->facts);
        stored(out, "device", o->device);
        stored(out, "bus", o->bus);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

static void
rule_json(struct strbuf *out, const struct evidence *e)
{
    static const char *const now[] = {NULL, "same", "changed", "gone"};
    const struct evidence_opening *o = evidence_first(e);
    strbuf_json_key(out, "rule");
    if (e->rule == EVIDENCE_NO_RULE) {
        strbuf_add(out, "null");
        return;
    }
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", e->ticket.rule);
    strbuf_json_str(out, "version", o->version);
    strbuf_json_str(out, "text", o->rule);
    strbuf_json_str(out, "now", now[e->rule]);
    strbuf_json_str(out, "cause", evidence_text(json_object_get(o->facts, "cause")));
    strbuf_json_str(out, "consequence",
                    evidence_text(json_object_get(o->facts, "consequence")));
    strbuf_json_str(out, "action", evidence_text(json_object_get(o->facts, "action")));
    strbuf_json_str(out, "source",
                    json_string_value(json_object_get(o->facts, "source")));
    strbuf_json_key(out, "others");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < e->other_count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        add_stored(out, e->others[i]);
    }
    strbuf_add(out, "]}");
}

static void
procedure_json(struct strbuf *out, const struct evidence *e)
{
    const json_t *p = evidence_procedure(e);
    const json_t *steps = json_object_get(p, "steps");
    size_t i;
    json_t *step;
    strbuf_json_key(out, "procedure");
    if (p == NULL) {
        strbuf_add(out, "null");
        return;
    }
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", json_string_value(json_object_get(p, "id")));
    strbuf_json_str(out, "title", evidence_text(json_object_get(p, "title")));
    strbuf_json_key(out, "steps");
    strbuf_add_char(out, '[');
    json_array_foreach(steps, i, step)
    {
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_int(out, "step", (int64_t)i + 1);
        strbuf_json_str(out, "text", evidence_text(step));
        strbuf_json_bool(out, "done",
                         i < TICKET_STEPS_MAX && (e->ticket.steps >> i & 1) != 0);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
    stored(out, "parts", json_object_get(p, "parts"));
    strbuf_add_char(out, '}');
}

static void
events_json(struct strbuf *out, const struct evidence *e)
{
    strbuf_json_key(out, "events");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < e->event_count; i++) {
        const struct evidence_event *v = &e->events[i];
        json_t *copy = v->json != NULL ? json_copy(v->json) : json_object();
        json_object_set_new(copy, "seq", json_integer(v->seq));
        char *text = json_dumps(copy, JSON_COMPACT);
        strbuf_add(out, i > 0 ? "," : "");
        strbuf_add(out, text != NULL ? text : "{}");
        free(text);
        json_decref(copy);
    }
    strbuf_add_char(out, ']');
}

static void
photos_json(struct strbuf *out, const struct evidence *e)
{
    strbuf_json_key(out, "photos");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < e->photo_count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        photo_to_json(out, &e->photos[i]);
    }
    strbuf_add_char(out, ']');
}

static void
sum_json(struct strbuf *out, const char *key, const struct evidence_sum *s)
{
    strbuf_json_key(out, key);
    if (s->count == 0) {
        strbuf_add(out, "null");
        return;
    }
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "samples", (int64_t)s->count);
    strbuf_json_num(out, "min", s->min);
    strbuf_json_num(out, "max", s->max);
    strbuf_json_num(out, "mean", s->mean);
    strbuf_json_num(out, "last", s->last);
    strbuf_add_char(out, '}');
}

static void
window_json(struct strbuf *out, const struct evidence_window *w)
{
    strbuf_add_char(out, '{');
    strbuf_json_time(out, "from", w->from_ms);
    strbuf_json_time(out, "to", w->to_ms);
    strbuf_json_time(out, "opened", w->opened_ms);
    strbuf_json_time(out, "cleared", w->cleared_ms);
    strbuf_json_key(out, "points");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < w->series_count; i++) {
        const struct evidence_series *s = &w->series[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "device", s->device);
        strbuf_json_str(out, "point", s->point);
        strbuf_json_str(out, "unit", s->samples.unit);
        strbuf_json_int(out, "samples", (int64_t)s->samples.good);
        strbuf_json_int(out, "not_good", (int64_t)s->samples.bad);
        sum_json(out, "before", &s->before);
        sum_json(out, "during", &s->during);
        sum_json(out, "after", &s->after);
        strbuf_add_char(out, '}');
    }
    strbuf_add(out, "]}");
}

static void
history_json(struct strbuf *out, const struct evidence *e)
{
    strbuf_json_key(out, "history");
    strbuf_add_char(out, '{');
    strbuf_json_time(out, "kept_since", e->history_from_ms);
    strbuf_json_str(out, "trouble", e->history_trouble);
    strbuf_json_key(out, "windows");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < e->window_count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        window_json(out, &e->windows[i]);
    }
    strbuf_add(out, "]}");
}

static void
past_json(struct strbuf *out,
          const char *key,
          const struct ticket *rows,
          uint32_t count)
{
    strbuf_json_key(out, key);
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        ticket_to_json(out, &rows[i]);
        titles_join_json(out, &rows[i].titles);
        out->text[--out->size] = '\0'; /* One member more. */
        strbuf_json_key(out, "first_time_fix");
        strbuf_add(out, rows[i].state != TICKET_CLOSED ? "null}"
                        : rows[i].reopened == 0        ? "true}"
                                                       : "false}");
    }
    strbuf_add_char(out, ']');
}

void
evidence_json(struct strbuf *out, const struct evidence *e)
{
    strbuf_add_char(out, '{');
    strbuf_json_key(out, "ticket");
    ticket_to_json(out, &e->ticket);
    titles_join_json(out, &e->ticket.titles);
    strbuf_json_str(out, "site", e->site->id);
    strbuf_json_time(out, "time", e->now_ms);
    strbuf_json_bool(out, "taken", e->taken);
    rule_json(out, e);
    procedure_json(out, e);
    openings_json(out, e);
    events_json(out, e);
    photos_json(out, e);
    history_json(out, e);
    strbuf_json_key(out, "episodes");
    strbuf_add_char(out, '{');
    past_json(out, "same", e->same, e->same_count);
    past_json(out, "like", e->like, e->like_count);
    strbuf_add_char(out, '}');
    stored(out, "device", evidence_device_facts(e));
    strbuf_json_bool(out, "device_gone", e->device_gone);
    stored(out, "ledger", evidence_ledger(e));
    stored(out, "now", e->now);
    strbuf_add_char(out, '}');
}
