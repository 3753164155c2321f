/* A pack as one HTML page: nothing is loaded from elsewhere, and it prints on A4. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/markup.h"
#include "daemon/pipeline/evidence/evidence.h"
#include "daemon/pipeline/evidence/evidence_words.h"

/* not translated: CSS */
static const char style[] =
    "@page{size:A4;margin:14mm 13mm}"
    "*{box-sizing:border-box}"
    "body{font:13px/1.45 'Noto Sans','Noto Sans CJK SC','PingFang SC','Microsoft "
    "YaHei',"
    "'WenQuanYi Micro Hei',sans-serif;color:#222;max-width:710px;margin:18px auto;"
    "padding:0 14px}"
    "header{border-bottom:2px solid #222;padding-bottom:6px;margin-bottom:10px}"
    "h1{font-size:20px;margin:2px 0}"
    "h2{font-size:14px;margin:16px 0 5px;border-bottom:1px solid #bbb;"
    "break-after:avoid}"
    "h3{font-size:12px;margin:9px 0 3px;color:#444;font-weight:600;break-after:avoid}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:2px 8px 2px 0;"
    "overflow-wrap:anywhere}"
    "th{font-weight:normal;color:#555;white-space:nowrap}"
    "table.grid th,table.grid td{border-bottom:1px solid #ddd}"
    "table.grid thead th{border-bottom:1px solid #888;color:#222}"
    "table.wish th{width:15%}td.who{min-width:90px}"
    "table.facts th{width:15%}table.facts td{width:35%}"
    "td.time,td.number{white-space:nowrap}"
    "tr,svg,.keep{break-inside:avoid}"
    "svg{display:block}"
    "pre{font:11px/1.4 'Noto Sans Mono','Noto Sans Mono CJK SC',monospace;"
    "background:#f5f5f5;border:1px solid #ddd;padding:7px;white-space:pre-wrap;"
    "overflow-wrap:anywhere;margin:4px 0}"
    ".badge{border:1px solid #222;border-radius:3px;padding:0 7px;margin-right:6px;"
    "white-space:nowrap}"
    ".critical,.urgent{background:#222;color:#fff;print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}"
    ".late{font-weight:bold;text-decoration:underline}"
    ".note{color:#555;font-size:12px;margin:3px 0}"
    "ol.steps{list-style:none;padding:0;margin:4px 0}"
    "ol.steps li{padding:2px 0 2px 26px;position:relative;break-inside:avoid}"
    "ol.steps li:before{content:'';position:absolute;left:2px;top:5px;width:12px;"
    "height:12px;border:1.5px solid #222}"
    "ol.steps li.done:after{content:'';position:absolute;left:5px;top:3px;width:5px;"
    "height:10px;border:solid #222;border-width:0 2.5px 2.5px "
    "0;transform:rotate(40deg)}"
    ".sign{display:flex;gap:28px;margin-top:26px}"
    ".sign div{flex:1;border-top:1px solid #222;padding-top:2px;color:#555}";

struct page {
    struct strbuf *out;
    const struct evidence *e;
};

static void
add(const struct page *p, const char *html)
{
    strbuf_add(p->out, html);
}

static void
text(const struct page *p, const char *value)
{
    markup_text(p->out, value);
}

static void
heading(const struct page *p, const char *title)
{
    add(p, "<h2>");
    text(p, title);
    add(p, "</h2>");
}

static void
note(const struct page *p, const char *value)
{
    add(p, "<p class=\"note\">");
    text(p, value);
    add(p, "</p>");
}

static void
cell(const struct page *p, const char *tag, const char *value)
{
    strbuf_printf(p->out, "<%s>", tag);
    text(p, value);
    strbuf_printf(p->out, "</%s>", tag);
}

/* One that is not broken. */
static void
cell_time(const struct page *p, int64_t t_ms)
{
    char when[INSTANT_TEXT_BYTES];
    add(p, "<td class=\"time\">");
    text(p, instant_format_local(when, t_ms));
    add(p, "</td>");
}

/* ---- Facts in two columns of label and value ---- */

struct facts {
    const struct page *page;
    uint32_t count;
};

static void
fact(struct facts *f, const char *label, const char *value)
{
    if (value == NULL || value[0] == '\0') {
        return;
    }
    add(f->page, f->count % 2 == 0 ? "<tr>" : "");
    cell(f->page, "th", label);
    cell(f->page, "td", value);
    add(f->page, f->count % 2 == 1 ? "</tr>" : "");
    f->count++;
}

static void
fact_time(struct facts *f, const char *label, int64_t t_ms)
{
    char when[INSTANT_TEXT_BYTES];
    if (t_ms != INSTANT_NONE && t_ms != 0) {
        fact(f, label, instant_format_local(when, t_ms));
    }
}

static void
fact_number(struct facts *f, const char *label, int64_t number)
{
    char value[32];
    if (number != 0) {
        snprintf(value, sizeof value, "%lld", (long long)number);
        fact(f, label, value);
    }
}

static struct facts
facts_begin(const struct page *p)
{
    add(p, "<table class=\"facts\">");
    return (struct facts){.page = p};
}

static void
facts_end(struct facts *f)
{
    add(f->page, f->count % 2 == 1 ? "</tr></table>" : "</table>");
}

/* ---- The sections ---- */

static void
draw_head(const struct page *p)
{
    const struct ticket *t = &p->e->ticket;
    const char *site = p->e->site->name != NULL ? p->e->site->name : p->e->site->id;
    char when[INSTANT_TEXT_BYTES];
    add(p, "<header><div>");
    text(p, site);
    strbuf_printf(p->out, " · %s %lld</div><h1>", tr_word(PACK, "Ticket"),
                  (long long)t->number);
    text(p, titles_in(&t->titles, catalogue_language(), t->title));
    strbuf_printf(p->out, "</h1><span class=\"badge %s\">", severity_name(t->priority));
    text(p, severity_word(t->priority));
    add(p, "</span><span class=\"badge\">");
    text(p, ticket_kind_word(t->kind));
    add(p, "</span><span class=\"badge\">");
    text(p, ticket_state_word(t->state));
    add(p, "</span><span class=\"note\">");
    text(p, tr_word(PACK, "printed"));
    strbuf_printf(p->out, " %s</span></header>",
                  instant_format_local(when, p->e->now_ms));
}

static void
draw_facts(const struct page *p)
{
    const struct evidence *e = p->e;
    const struct ticket *t = &e->ticket;
    const json_t *device = evidence_device_facts(e);
    struct facts f = facts_begin(p);
    fact(&f, tr_word(PACK, "device"), evidence_device_text(e));
    fact(&f, tr_word(PACK, "devices affected"), evidence_affected(e));
    fact(&f, tr_word(PACK, "location"),
         json_string_value(json_object_get(device, "location")));
    fact(&f, tr_word(PACK, "rule"), t->rule);
    fact(&f, tr_word(PACK, "category"), t->category);
    fact(&f, tr_word(PACK, "plan"), t->plan);
    fact_time(&f, tr_word(PACK, "opened at"), t->opened_ms);
    fact_time(&f, tr_word(PACK, "due"), t->due_ms);
    fact(&f, tr_word(PACK, "respond by"), evidence_respond_by(e));
    fact_time(&f, tr_word(PACK, "on site at"), t->responded_ms);
    fact(&f, tr_word(PACK, "resolve by"), evidence_resolve_by(e));
    fact_time(&f, tr_word(PACK, "resolved at"), t->resolved_ms);
    fact(&f, tr_word(PACK, "its sensor"), proof_word(t->proof));
    fact_time(&f, tr_word(PACK, "verified at"), t->verified_ms);
    fact_time(&f, tr_word(PACK, "closed at"), t->closed_ms);
    fact(&f, tr_word(PACK, "assignee"), evidence_person(e, t->assignee));
    fact(&f, tr_word(PACK, "team"), t->team);
    fact(&f, tr_word(PACK, "reported by"), evidence_person(e, t->reporter));
    fact(&f, tr_word(PACK, "symptom"), t->symptom);
    fact_number(&f, tr_word(PACK, "episodes"), t->episodes);
    fact_number(&f, tr_word(PACK, "reopened times"), t->reopened);
    facts_end(&f);
}

static void
draw_reasons(const struct page *p, const struct evidence_fact *facts, uint32_t count)
{
    add(p, "<table class=\"wish\">");
    for (uint32_t i = 0; i < count; i++) {
        add(p, "<tr>");
        cell(p, "th", facts[i].label);
        cell(p, "td", facts[i].value);
        add(p, "</tr>");
    }
    add(p, "</table>");
}

/* Of the rule, and of others of its group that took part. */
static void
draw_wish(const struct page *p)
{
    const struct evidence *e = p->e;
    struct evidence_fact facts[EVIDENCE_FACTS_MAX];
    uint32_t count = evidence_wish(facts, evidence_first(e)->facts);
    if (count > 0) {
        heading(p, tr_word(PACK, "What is to be done"));
        draw_reasons(p, facts, count);
    }
    for (uint32_t i = 0; i < e->other_count; i++) {
        count = evidence_wish(facts, e->others[i]);
        strbuf_printf(p->out, "<h3>%s ", tr_word(PACK, "Rule"));
        text(p, json_string_value(json_object_get(e->others[i], "id")));
        add(p, "</h3>");
        draw_reasons(p, facts, count);
    }
}

static void
draw_procedure(const struct page *p)
{
    const json_t *procedure = evidence_procedure(p->e);
    const json_t *parts = json_object_get(procedure, "parts");
    size_t i;
    json_t *item;
    if (procedure == NULL) {
        return;
    }
    heading(p, tr_word(PACK, "Procedure"));
    add(p, "<div><strong>");
    text(p, evidence_text(json_object_get(procedure, "title")));
    add(p, "</strong></div><ol class=\"steps\">");
    json_array_foreach(json_object_get(procedure, "steps"), i, item)
    {
        bool done = i < TICKET_STEPS_MAX && (p->e->ticket.steps >> i & 1) != 0;
        strbuf_printf(p->out, "<li%s>%zu. ", done ? " class=\"done\"" : "", i + 1);
        text(p, evidence_text(item));
        add(p, "</li>");
    }
    add(p, "</ol>");
    json_array_foreach(parts, i, item)
    {
        add(p, i == 0 ? "<p class=\"note\">" : ", ");
        text(p, i == 0 ? tr_word(PACK, "Parts needed") : "");
        add(p, i == 0 ? ": " : "");
        text(p, json_string_value(json_object_get(item, "name")));
        strbuf_printf(p->out, " × %lld",
                      (long long)json_integer_value(json_object_get(item, "count")));
    }
    add(p, json_array_size(parts) > 0 ? "</p>" : "");
}

static void
draw_sum(const struct page *p,
         const struct evidence_series *s,
         const struct evidence_sum *sum)
{
    struct strbuf value = {0};
    evidence_sum_text(&value, s, sum);
    cell(p, "td", strbuf_text(&value));
    strbuf_fini(&value);
}

static void
draw_window(const struct page *p, const struct evidence_window *w)
{
    const char *const heads[] = {tr_word(PACK, "point"), tr_word(PACK, "unit"),
                                 tr_word(PACK, "before"), tr_word(PACK, "during"),
                                 tr_word(PACK, "after")};
    const char *why = evidence_no_values(p->e, w);
    add(p, "<h3>");
    text(p, evidence_window_title(p->e, w));
    add(p, "</h3>");
    if (why != NULL) {
        note(p, why);
        return;
    }
    evidence_chart(p->out, p->e, w);
    add(p, "<table class=\"grid\"><thead><tr>");
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        cell(p, "th", heads[i]);
    }
    add(p, "</tr></thead>");
    for (uint32_t i = 0; i < w->series_count; i++) {
        const struct evidence_series *s = &w->series[i];
        add(p, "<tr>");
        cell(p, "td", s->samples.name);
        cell(p, "td", s->samples.unit);
        draw_sum(p, s, &s->before);
        draw_sum(p, s, &s->during);
        draw_sum(p, s, &s->after);
        add(p, "</tr>");
    }
    add(p, "</table>");
}

static void
draw_values(const struct page *p)
{
    if (p->e->ticket.device == NULL) {
        return;
    }
    heading(p, tr_word(PACK, "Values"));
    for (uint32_t i = 0; i < p->e->window_count; i++) {
        draw_window(p, &p->e->windows[i]);
    }
    note(p, tr("the limits are those of the rule at that time; grey: samples that "
               "were not good"));
}

static void
draw_life(const struct page *p)
{
    const struct evidence *e = p->e;
    heading(p, tr_word(PACK, "Life"));
    add(p, "<table class=\"grid\"><thead><tr>");
    cell(p, "th", tr_word(PACK, "time"));
    cell(p, "th", tr_word(PACK, "what happened"));
    cell(p, "th", tr_word(PACK, "who"));
    add(p, "</tr></thead>");
    for (uint32_t i = 0; i < e->event_count; i++) {
        struct strbuf line = {0};
        evidence_life_line(&line, e, &e->events[i]);
        add(p, "<tr>");
        cell_time(p, e->events[i].t_ms);
        cell(p, "td", strbuf_text(&line));
        add(p, "<td class=\"who\">");
        text(p, evidence_life_person(e, &e->events[i]));
        add(p, "</td></tr>");
        strbuf_fini(&line);
    }
    add(p, "</table>");
}

static void
draw_work(const struct page *p)
{
    const struct evidence *e = p->e;
    const struct ticket *t = &e->ticket;
    struct strbuf parts = {0};
    struct strbuf cost = {0};
    struct strbuf total = {0};
    if (!evidence_has_work(t)) {
        return;
    }
    heading(p, tr_word(PACK, "Work"));
    evidence_parts(&parts, e, t);
    if (t->cost != 0) {
        evidence_money(&cost, e, t->cost);
    }
    if (evidence_total(t) != t->cost) {
        evidence_money(&total, e, evidence_total(t));
    }
    struct facts f = facts_begin(p);
    fact(&f, tr_word(PACK, "treatment"), t->resolution);
    fact(&f, tr_word(PACK, "cause code"), evidence_cause(e, t->cause));
    fact(&f, tr_word(PACK, "parts"), strbuf_text(&parts));
    fact_number(&f, tr_word(PACK, "minutes worked"), t->minutes);
    fact(&f, tr_word(PACK, "cost"), strbuf_text(&cost));
    fact(&f, tr_word(PACK, "parts and cost"), strbuf_text(&total));
    fact(&f, tr_word(PACK, "rating"), evidence_stars(e));
    facts_end(&f);
    strbuf_fini(&parts);
    strbuf_fini(&cost);
    strbuf_fini(&total);
}

static void
fact_json(struct facts *f, const char *label, const json_t *value)
{
    char number[NUMBER_TEXT_BYTES];
    if (json_is_string(value)) {
        fact(f, label, json_string_value(value));
    } else if (json_is_boolean(value)) {
        fact(f, label,
             json_is_true(value) ? tr_word(PACK, "yes") : tr_word(PACK, "no"));
    } else if (json_is_number(value)) {
        fact(f, label, number_format_short(number, json_number_value(value)));
    }
}

/* The bus and the device as they were at an opening. */
static void
draw_health(const struct page *p)
{
    const struct evidence *e = p->e;
    bool any = false;
    for (uint32_t i = 0; i < e->opening_count; i++) {
        const struct evidence_opening *o = &e->openings[i];
        char when[INSTANT_TEXT_BYTES];
        if (o->device == NULL && o->bus == NULL) {
            continue;
        }
        if (!any) {
            heading(p, tr_word(PACK, "The line at the opening"));
        }
        any = true;
        strbuf_printf(p->out, "<h3>%s %lld · %s</h3>", tr_word(PACK, "Opening"),
                      (long long)o->number, instant_format_local(when, o->t_ms));
        struct facts f = facts_begin(p);
        fact_json(&f, tr_word(PACK, "bus"), json_object_get(o->bus, "id"));
        fact_json(&f, tr_word(PACK, "online"), json_object_get(o->bus, "online"));
        const json_t *load = json_object_get(o->bus, "load");
        if (json_is_number(load)) {
            fact(&f, tr_word(PACK, "load"),
                 arena_printf(e->arena, "%.1f %%", json_number_value(load)));
        }
        fact_json(&f, tr_word(PACK, "quarantined devices"),
                  json_object_get(o->bus, "quarantined"));
        fact_json(&f, tr_word(PACK, "requests"), json_object_get(o->bus, "requests"));
        fact_json(&f, tr_word(PACK, "errors"), json_object_get(o->bus, "errors"));
        fact(&f, tr_word(PACK, "device"), evidence_device_state(o));
        fact(&f, tr_word(PACK, "cause"), evidence_device_cause(o));
        const json_t *latency = json_object_get(o->device, "latency_ms");
        if (json_is_number(latency)) {
            fact(&f, tr_word(PACK, "latency"),
                 arena_printf(e->arena, "%.1f ms", json_number_value(latency)));
        }
        facts_end(&f);
    }
}

/* The points of the device at the moment of the opening. */
static void
draw_present(const struct page *p)
{
    json_t *points = json_object_get(evidence_first(p->e)->device, "points");
    const char *name;
    json_t *point;
    uint32_t count = 0;
    if (json_object_size(points) == 0) {
        return;
    }
    add(p, "<table class=\"grid\"><thead><tr>");
    for (int i = 0; i < 2; i++) {
        cell(p, "th", tr_word(PACK, "point"));
        cell(p, "th", tr_word(PACK, "value"));
        cell(p, "th", tr_word(PACK, "quality"));
    }
    add(p, "</tr></thead>");
    json_object_foreach(points, name, point)
    {
        char number[NUMBER_TEXT_BYTES];
        const char *unit = json_string_value(json_object_get(point, "unit"));
        const json_t *value = json_object_get(point, "value");
        number_format_short(number, json_is_number(value) ? json_number_value(value)
                                                          : (double)NAN);
        add(p, count % 2 == 0 ? "<tr>" : "");
        cell(p, "td", name);
        cell(p, "td",
             arena_printf(p->e->arena, "%s%s%s", number, unit != NULL ? " " : "",
                          unit != NULL ? unit : ""));
        const char *word = json_string_value(json_object_get(point, "quality"));
        enum quality quality;
        cell(p, "td",
             word != NULL && quality_parse(&quality, word) ? quality_word(quality)
                                                           : word);
        add(p, count % 2 == 1 ? "</tr>" : "");
        count++;
    }
    add(p, count % 2 == 1 ? "</tr></table>" : "</table>");
}

static void
draw_past(const struct page *p,
          const char *title,
          const struct ticket *rows,
          uint32_t count)
{
    const char *const heads[] = {
        tr_word(PACK, "number"), tr_word(PACK, "device"), tr_word(PACK, "opened at"),
        tr_word(PACK, "what fixed it"), tr_word(PACK, "first-time fix")};
    if (count == 0) {
        return;
    }
    heading(p, title);
    add(p, "<table class=\"grid\"><thead><tr>");
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        cell(p, "th", heads[i]);
    }
    add(p, "</tr></thead>");
    for (uint32_t i = 0; i < count; i++) {
        struct strbuf remedy = {0};
        evidence_remedy(&remedy, p->e, &rows[i]);
        strbuf_printf(p->out, "<tr><td class=\"number\">%lld</td>",
                      (long long)rows[i].number);
        cell(p, "td", rows[i].device);
        cell_time(p, rows[i].opened_ms);
        cell(p, "td", remedy.size > 0 ? strbuf_text(&remedy) : "-");
        cell(p, "td", evidence_first_time(&rows[i]));
        add(p, "</tr>");
        strbuf_fini(&remedy);
    }
    add(p, "</table>");
}

static void
draw_ledger(const struct page *p)
{
    struct evidence_fact facts[EVIDENCE_FACTS_MAX];
    uint32_t count = evidence_ledger_facts(facts, p->e);
    if (count == 0 && !p->e->device_gone) {
        return;
    }
    heading(p, tr_word(PACK, "Equipment"));
    if (p->e->device_gone) {
        note(p, tr("the device is no longer in the site"));
    }
    struct facts f = facts_begin(p);
    for (uint32_t i = 0; i < count; i++) {
        fact(&f, facts[i].label, facts[i].value);
    }
    facts_end(&f);
}

static void
draw_rules(const struct page *p)
{
    const struct evidence *e = p->e;
    const char *before = NULL;
    if (e->ticket.rule == NULL) {
        return;
    }
    heading(p, tr_word(PACK, "Rule"));
    note(p, evidence_rule_text(e));
    if (!e->taken) {
        note(p, tr("nothing was stored when it opened: this is what the site says "
                   "now"));
    }
    for (uint32_t i = 0; i < e->opening_count; i++) {
        const struct evidence_opening *o = &e->openings[i];
        if (o->rule == NULL || (before != NULL && strcmp(before, o->rule) == 0)) {
            continue;
        }
        before = o->rule;
        strbuf_printf(p->out, "<h3>%s %s · %s %lld</h3><pre>", tr_word(PACK, "version"),
                      o->version != NULL ? o->version : "-", tr_word(PACK, "Opening"),
                      (long long)o->number);
        text(p, o->rule);
        add(p, "</pre>");
    }
    for (uint32_t i = 0; i < e->other_count; i++) {
        add(p, "<h3>");
        text(p, evidence_other_title(e, i));
        add(p, "</h3><pre>");
        text(p, json_string_value(json_object_get(e->others[i], "text")));
        add(p, "</pre>");
    }
}

void
evidence_page(struct strbuf *out, const struct evidence *e)
{
    const struct page page = {out, e};
    const struct page *p = &page;
    strbuf_printf(out,
                  "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width\"><title>",
                  language_name(catalogue_language()));
    strbuf_printf(out, "%s %lld: ", tr_word(PACK, "Ticket"),
                  (long long)e->ticket.number);
    text(p, titles_in(&e->ticket.titles, catalogue_language(), e->ticket.title));
    add(p, "</title><style>");
    add(p, style);
    add(p, "</style></head><body>");
    draw_head(p);
    draw_facts(p);
    draw_wish(p);
    draw_procedure(p);
    draw_values(p);
    draw_life(p);
    draw_work(p);
    draw_health(p);
    draw_present(p);
    draw_past(p, tr_word(PACK, "The same fault before"), e->same, e->same_count);
    draw_past(p, tr_word(PACK, "The same fault elsewhere"), e->like, e->like_count);
    draw_ledger(p);
    draw_rules(p);
    add(p, "<div class=\"sign keep\"><div>");
    text(p, tr_word(PACK, "signature"));
    add(p, "</div><div>");
    text(p, tr_word(PACK, "date"));
    add(p, "</div></div></body></html>\n");
}
