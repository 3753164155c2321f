/* A pack for a terminal. */
#include <jansson.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/pipeline/evidence/evidence.h"
#include "daemon/pipeline/evidence/evidence_words.h"
#include "daemon/store/photos.h"

#define SPARK_COLUMNS 32
#define LABEL_COLUMNS 14

struct printing {
    struct strbuf *out;
    const struct evidence *e;
};

/* Columns of a terminal: Chinese takes two. */
static int
columns(const char *text)
{
    int count = 0;
    size_t left = strlen(text);
    while (left > 0) {
        size_t size = utf8_size(text, left);
        size = size > 0 ? size : 1;
        bool wide = size == 3 && (unsigned char)text[0] >= 0xE3 &&
                    (unsigned char)text[0] <= 0xEF;
        count += wide ? 2 : 1;
        text += size;
        left -= size;
    }
    return count;
}

/* What people wrote must not steer the terminal, nor begin a line of its own. */
static void
add_line_text(struct strbuf *out, const char *text)
{
    size_t start = out->size;
    strbuf_add(out, text);
    if (out->size > start) {
        utf8_to_line(out->text + start);
        out->size = start + strlen(out->text + start);
    }
}

static void
pad(struct strbuf *out, const char *text, int width)
{
    add_line_text(out, text);
    for (int i = columns(text); i < width; i++) {
        strbuf_add_char(out, ' ');
    }
    strbuf_add_char(out, ' ');
}

static void
line(const struct printing *p, const char *label, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        strbuf_add(p->out, "  ");
        pad(p->out, label, LABEL_COLUMNS);
        add_line_text(p->out, value);
        strbuf_add_char(p->out, '\n');
    }
}

static void
line_time(const struct printing *p, const char *label, int64_t t_ms)
{
    char when[INSTANT_TEXT_BYTES];
    if (t_ms != INSTANT_NONE && t_ms != 0) {
        line(p, label, instant_format_local(when, t_ms));
    }
}

static void
line_number(const struct printing *p, const char *label, int64_t number)
{
    if (number != 0) {
        line(p, label, arena_printf(p->e->arena, "%lld", (long long)number));
    }
}

static void
heading(const struct printing *p, const char *title)
{
    strbuf_printf(p->out, "\n%s\n", title);
}

static void
print_head(const struct printing *p)
{
    const struct evidence *e = p->e;
    const struct ticket *t = &e->ticket;
    const json_t *device = evidence_device_facts(e);
    strbuf_printf(p->out, "%s %lld: ", tr_word(PACK, "ticket"), (long long)t->number);
    add_line_text(p->out, titles_in(&t->titles, catalogue_language(), t->title));
    strbuf_printf(p->out, "\n  %s, %s, %s\n", severity_word(t->priority),
                  ticket_kind_word(t->kind), ticket_state_word(t->state));
    line(p, tr_word(PACK, "device"), evidence_device_text(e));
    line(p, tr_word(PACK, "devices affected"), evidence_affected(e));
    line(p, tr_word(PACK, "location"),
         json_string_value(json_object_get(device, "location")));
    line(p, tr_word(PACK, "rule"), t->rule);
    line(p, tr_word(PACK, "category"), t->category);
    line(p, tr_word(PACK, "plan"), t->plan);
    line_time(p, tr_word(PACK, "opened at"), t->opened_ms);
    line_time(p, tr_word(PACK, "due"), t->due_ms);
    line(p, tr_word(PACK, "respond by"), evidence_respond_by(e));
    line_time(p, tr_word(PACK, "on site at"), t->responded_ms);
    line(p, tr_word(PACK, "resolve by"), evidence_resolve_by(e));
    line_time(p, tr_word(PACK, "resolved at"), t->resolved_ms);
    line(p, tr_word(PACK, "its sensor"), proof_word(t->proof));
    line_time(p, tr_word(PACK, "verified at"), t->verified_ms);
    line_time(p, tr_word(PACK, "closed at"), t->closed_ms);
    line(p, tr_word(PACK, "assignee"), evidence_person(e, t->assignee));
    line(p, tr_word(PACK, "team"), t->team);
    line(p, tr_word(PACK, "reported by"), evidence_person(e, t->reporter));
    line(p, tr_word(PACK, "symptom"), t->symptom);
    line_number(p, tr_word(PACK, "episodes"), t->episodes);
    line_number(p, tr_word(PACK, "reopened times"), t->reopened);
}

/* The lines of a section; nothing without any. */
static void
print_facts(const struct printing *p,
            const char *title,
            const struct evidence_fact *facts,
            uint32_t count)
{
    if (count > 0) {
        heading(p, title);
    }
    for (uint32_t i = 0; i < count; i++) {
        line(p, facts[i].label, facts[i].value);
    }
}

static void
print_wish(const struct printing *p)
{
    const struct evidence *e = p->e;
    struct evidence_fact facts[EVIDENCE_FACTS_MAX];
    print_facts(p, tr_word(PACK, "What is to be done"), facts,
                evidence_wish(facts, evidence_first(e)->facts));
    for (uint32_t i = 0; i < e->other_count; i++) {
        const char *id = json_string_value(json_object_get(e->others[i], "id"));
        print_facts(p, arena_printf(e->arena, "%s %s", tr_word(PACK, "Rule"), id),
                    facts, evidence_wish(facts, e->others[i]));
    }
}

static void
print_procedure(const struct printing *p)
{
    const json_t *procedure = evidence_procedure(p->e);
    size_t i;
    json_t *item;
    if (procedure == NULL) {
        return;
    }
    strbuf_printf(p->out, "\n%s: ", tr_word(PACK, "Procedure"));
    add_line_text(p->out, evidence_text(json_object_get(procedure, "title")));
    strbuf_add_char(p->out, '\n');
    json_array_foreach(json_object_get(procedure, "steps"), i, item)
    {
        bool done = i < TICKET_STEPS_MAX && (p->e->ticket.steps >> i & 1) != 0;
        strbuf_printf(p->out, "  [%c] %zu. ", done ? 'x' : ' ', i + 1);
        add_line_text(p->out, evidence_text(item));
        strbuf_add_char(p->out, '\n');
    }
    json_array_foreach(json_object_get(procedure, "parts"), i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        line(p, i == 0 ? tr_word(PACK, "Parts needed") : "",
             arena_printf(
                 p->e->arena, "%s × %lld", name != NULL ? name : "",
                 (long long)json_integer_value(json_object_get(item, "count"))));
    }
}

/* The chart's columns, some of them taken together. */
static void
add_spark(struct strbuf *out, const struct chart_series *s)
{
    struct chart_series small;
    chart_series_init(&small, s->name, s->unit, s->state, 0, s->columns, SPARK_COLUMNS);
    for (uint32_t i = 0; i < s->columns; i++) {
        if (s->column[i].count > 0) {
            chart_series_add(&small, i, s->column[i].mean);
        }
    }
    chart_spark(out, &small);
    chart_series_fini(&small);
}

static void
print_series(const struct printing *p, const struct evidence_series *s)
{
    const char *const labels[] = {tr_word(PACK, "before"), tr_word(PACK, "during"),
                                  tr_word(PACK, "after")};
    const struct evidence_sum *const sums[] = {&s->before, &s->during, &s->after};
    struct strbuf name = {0};
    strbuf_add(&name, s->samples.name);
    if (s->samples.unit != NULL) {
        strbuf_printf(&name, " %s", s->samples.unit);
    }
    strbuf_add(p->out, "  ");
    pad(p->out, strbuf_text(&name), 20);
    add_spark(p->out, &s->samples);
    for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
        if (sums[i]->count > 0) {
            strbuf_printf(p->out, "  %s ", labels[i]);
            evidence_sum_text(p->out, s, sums[i]);
        }
    }
    strbuf_add_char(p->out, '\n');
    strbuf_fini(&name);
}

static void
print_values(const struct printing *p)
{
    const struct evidence *e = p->e;
    char from[INSTANT_TEXT_BYTES];
    char to[INSTANT_TEXT_BYTES];
    for (uint32_t w = 0; w < e->window_count && e->ticket.device != NULL; w++) {
        const struct evidence_window *window = &e->windows[w];
        const char *why = evidence_no_values(e, window);
        strbuf_printf(p->out, "\n%s, %s (%s .. %s)\n", tr_word(PACK, "Values"),
                      evidence_window_title(e, window),
                      instant_format_local(from, window->from_ms),
                      instant_format_local(to, window->to_ms));
        if (why != NULL) {
            strbuf_add(p->out, "  ");
            add_line_text(p->out, why);
            strbuf_add_char(p->out, '\n');
        }
        for (uint32_t i = 0; i < window->series_count && why == NULL; i++) {
            print_series(p, &window->series[i]);
        }
    }
}

static void
print_life(const struct printing *p)
{
    const struct evidence *e = p->e;
    char when[INSTANT_TEXT_BYTES];
    heading(p, tr_word(PACK, "Life"));
    for (uint32_t i = 0; i < e->event_count; i++) {
        const struct evidence_event *v = &e->events[i];
        const char *person = evidence_life_person(e, v);
        struct strbuf words = {0};
        evidence_life_line(&words, e, v);
        strbuf_printf(p->out, "  %s  ", instant_format_local(when, v->t_ms));
        add_line_text(p->out, strbuf_text(&words));
        if (person != NULL) {
            strbuf_add(p->out, "  - ");
            add_line_text(p->out, person);
        }
        strbuf_add_char(p->out, '\n');
        strbuf_fini(&words);
    }
}

static void
print_work(const struct printing *p)
{
    const struct evidence *e = p->e;
    const struct ticket *t = &e->ticket;
    struct strbuf parts = {0};
    struct strbuf cost = {0};
    struct strbuf total = {0};
    if (!evidence_has_work(t)) {
        return;
    }
    evidence_parts(&parts, e, t);
    if (t->cost != 0) {
        evidence_money(&cost, e, t->cost);
    }
    if (evidence_total(t) != t->cost) {
        evidence_money(&total, e, evidence_total(t));
    }
    heading(p, tr_word(PACK, "Work"));
    line(p, tr_word(PACK, "treatment"), t->resolution);
    line(p, tr_word(PACK, "cause code"), evidence_cause(e, t->cause));
    line(p, tr_word(PACK, "parts"), strbuf_text(&parts));
    line_number(p, tr_word(PACK, "minutes worked"), t->minutes);
    line(p, tr_word(PACK, "cost"), strbuf_text(&cost));
    line(p, tr_word(PACK, "parts and cost"), strbuf_text(&total));
    line(p, tr_word(PACK, "rating"), evidence_stars(e));
    strbuf_fini(&parts);
    strbuf_fini(&cost);
    strbuf_fini(&total);
}

static int64_t
int_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void
print_bus(const struct printing *p, const struct evidence_opening *o)
{
    bool online = json_is_true(json_object_get(o->bus, "online"));
    const char *id = json_string_value(json_object_get(o->bus, "id"));
    line(p, tr_word(PACK, "bus"),
         arena_printf(
             p->e->arena, "%s: %s, %s %.1f %%, %s %lld, %s %lld, %s %lld",
             id != NULL ? id : "-", tr_word("device", online ? "online" : "offline"),
             tr_word(PACK, "load"), json_number_value(json_object_get(o->bus, "load")),
             tr_word(PACK, "requests"), (long long)int_of(o->bus, "requests"),
             tr_word(PACK, "errors"), (long long)int_of(o->bus, "errors"),
             tr_word(PACK, "quarantined devices"),
             (long long)int_of(o->bus, "quarantined")));
}

static void
print_device(const struct printing *p, const struct evidence_opening *o)
{
    const char *state = evidence_device_state(o);
    const char *cause = evidence_device_cause(o);
    if (state[0] != '\0') {
        line(p, tr_word(PACK, "device"),
             arena_printf(
                 p->e->arena, "%s, %s %lld, %s %lld", state, tr_word(PACK, "requests"),
                 (long long)int_of(o->device, "requests"), tr_word(PACK, "errors"),
                 (long long)int_of(o->device, "errors")));
    }
    line(p, tr_word(PACK, "cause"), cause);
}

/* What is known of the bus, and of the device on it. */
static void
print_health(const struct printing *p)
{
    const struct evidence *e = p->e;
    char when[INSTANT_TEXT_BYTES];
    for (uint32_t i = 0; i < e->opening_count; i++) {
        const struct evidence_opening *o = &e->openings[i];
        if (o->device == NULL && o->bus == NULL) {
            continue;
        }
        strbuf_printf(p->out, "\n%s, %s\n", tr_word(PACK, "The line at the opening"),
                      instant_format_local(when, o->t_ms));
        if (o->bus != NULL) {
            print_bus(p, o);
        }
        if (o->device != NULL) {
            print_device(p, o);
        }
    }
}

/* By the names of their files. */
static void
print_photos(const struct printing *p)
{
    char when[INSTANT_TEXT_BYTES];
    char name[PHOTO_NAME_BYTES];
    if (p->e->photo_count > 0) {
        heading(p, tr_word(PACK, "Photos"));
    }
    for (uint32_t i = 0; i < p->e->photo_count; i++) {
        const struct photo *photo = &p->e->photos[i];
        strbuf_printf(p->out, "  %lld  %s  ", (long long)photo->number,
                      instant_format_local(when, photo->added_ms));
        add_line_text(p->out, evidence_person(p->e, photo->by));
        if (photo->note[0] != '\0') {
            strbuf_add(p->out, ": ");
            add_line_text(p->out, photo->note);
        }
        strbuf_printf(p->out, "\n     %s/%s\n", PHOTOS_FOLDER,
                      photos_name(name, photo));
    }
}

static void
print_past(const struct printing *p,
           const char *title,
           const struct ticket *rows,
           uint32_t count)
{
    char when[INSTANT_TEXT_BYTES];
    if (count > 0) {
        heading(p, title);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct ticket *t = &rows[i];
        struct strbuf remedy = {0};
        evidence_remedy(&remedy, p->e, t);
        strbuf_printf(p->out, "  %lld  %s  ", (long long)t->number,
                      instant_format_local(when, t->opened_ms));
        pad(p->out, t->device != NULL ? t->device : "-", 12);
        add_line_text(p->out, remedy.size > 0 ? strbuf_text(&remedy) : "-");
        strbuf_printf(p->out, "  (%s: %s)\n", tr_word(PACK, "first-time fix"),
                      evidence_first_time(t));
        strbuf_fini(&remedy);
    }
}

static void
print_ledger(const struct printing *p)
{
    struct evidence_fact facts[EVIDENCE_FACTS_MAX];
    print_facts(p, tr_word(PACK, "Equipment"), facts,
                evidence_ledger_facts(facts, p->e));
}

/* YAML keeps its lines; control characters cannot stand in it. */
static void
add_yaml(const struct printing *p, const char *rule)
{
    for (const char *at = rule; *at != '\0';) {
        size_t size = strcspn(at, "\n");
        strbuf_add(p->out, "  ");
        add_line_text(p->out, arena_strndup(p->e->arena, at, size));
        strbuf_add_char(p->out, '\n');
        at += size + (at[size] == '\n');
    }
}

static void
print_rules(const struct printing *p)
{
    const struct evidence *e = p->e;
    const char *before = NULL;
    for (uint32_t i = 0; i < e->opening_count && e->ticket.rule != NULL; i++) {
        const struct evidence_opening *o = &e->openings[i];
        if (o->rule == NULL || (before != NULL && strcmp(before, o->rule) == 0)) {
            continue;
        }
        before = o->rule;
        strbuf_printf(p->out, "\n%s, %s %s", tr_word(PACK, "Rule"),
                      tr_word(PACK, "version"), o->version != NULL ? o->version : "-");
        strbuf_printf(p->out, i == 0 ? ": %s\n" : "%s\n",
                      i == 0 ? evidence_rule_text(e) : "");
        add_yaml(p, o->rule);
    }
    for (uint32_t i = 0; i < e->other_count; i++) {
        const char *rule = json_string_value(json_object_get(e->others[i], "text"));
        strbuf_printf(p->out, "\n%s, %s\n", tr_word(PACK, "Rule"),
                      evidence_other_title(e, i));
        add_yaml(p, rule != NULL ? rule : "");
    }
    if (before == NULL && e->ticket.rule != NULL) {
        strbuf_printf(p->out, "\n%s: %s\n", tr_word(PACK, "Rule"),
                      evidence_rule_text(e));
    }
}

void
evidence_print(struct strbuf *out, const struct evidence *e)
{
    const struct printing printing = {out, e};
    const struct printing *p = &printing;
    print_head(p);
    if (!e->taken) {
        line(p, tr_word(PACK, "note"),
             tr("nothing was stored when it opened: this is what the site says now"));
    }
    if (e->device_gone) {
        line(p, tr_word(PACK, "note"), tr("the device is no longer in the site"));
    }
    print_wish(p);
    print_procedure(p);
    print_values(p);
    print_life(p);
    print_work(p);
    print_photos(p);
    print_health(p);
    print_past(p, tr_word(PACK, "The same fault before"), e->same, e->same_count);
    print_past(p, tr_word(PACK, "The same fault elsewhere"), e->like, e->like_count);
    print_ledger(p);
    print_rules(p);
}
