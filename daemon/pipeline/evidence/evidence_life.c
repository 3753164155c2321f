/* The life of a ticket in words. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/pipeline/evidence/evidence_words.h"

static const char *const life_events[] = {
    "alarm.raised",     "alarm.changed",   "alarm.cleared",    "alarm.acknowledged",
    "alarm.shelved",    "alarm.unshelved", "alarm.suppressed", "alarm.unsuppressed",
    "alarm.realarmed",  "ticket.opened",   "ticket.joined",    "ticket.assigned",
    "ticket.responded", "ticket.waiting",  "ticket.resumed",   "ticket.changed",
    "ticket.resolved",  "ticket.verified", "ticket.reopened",  "ticket.closed",
    "ticket.warned",    "ticket.breached", "ticket.escalated", "ticket.noted",
    "ticket.rated",     "ticket.watched",  "ticket.ticked",    "ticket.photographed",
    "plan.reminded",    "plan.overdue",    "plan.moved",
};
/* Of each. */
static const char *const life_words[] = {
    "alarm raised",
    "alarm changed",
    "alarm cleared",
    "alarm acknowledged",
    "alarm shelved",
    "alarm unshelved",
    "alarm hidden",
    "alarm shown again",
    "alarm told again",
    "ticket opened",
    "another episode joined",
    "assigned to",
    "arrived on site",
    "waits",
    "goes on",
    "changed",
    "resolved, says the worker",
    "confirmed by the sensor",
    "reopened",
    "ticket closed",
    "80 % of the time is gone",
    "too late",
    "escalated",
    "note",
    "rated",
    "its sensor",
    "step",
    "photo",
    "reminder sent",
    "overdue",
    "moved to another day",
};
_Static_assert(ARRAY_LEN(life_events) == ARRAY_LEN(life_words), "words for each");

static const char *
text_of(const struct evidence_event *v, const char *key)
{
    return json_string_value(json_object_get(v->json, key));
}

static int64_t
number_of(const struct evidence_event *v, const char *key)
{
    return json_integer_value(json_object_get(v->json, key));
}

/* Hundredths; 0 for none. */
static int64_t
money_of(const json_t *object, const char *key)
{
    int64_t hundredths = 0;
    const json_t *value = json_object_get(object, key);
    (void)(json_is_number(value) &&
           money_from_number(&hundredths, json_number_value(value)));
    return hundredths;
}

/* ", resolve by 2026-03-01 12:05:00" */
static void
add_time(struct strbuf *out,
         const struct evidence_event *v,
         const char *key,
         const char *words)
{
    char when[INSTANT_TEXT_BYTES];
    struct err err;
    int64_t t_ms = 0;
    if (text_of(v, key) != NULL && instant_parse(&t_ms, text_of(v, key), &err) == 0) {
        strbuf_printf(out, ", %s %s", words, instant_format_local(when, t_ms));
    }
}

/* A day: its time says nothing. */
static void
add_due(struct strbuf *out, const struct evidence_event *v)
{
    char day[CIVIL_TEXT_BYTES];
    struct err err;
    int64_t t_ms = 0;
    if (text_of(v, "due") != NULL &&
        instant_parse(&t_ms, text_of(v, "due"), &err) == 0) {
        strbuf_printf(out,
                      strcmp(v->name, "ticket.closed") == 0
                          ? tr(", follow-up visit on %s")
                          : tr(", due %s"),
                      civil_format(day, civil_day(t_ms)));
    }
}

/* How bad it is, of which rule when that is another one of the ticket's group, and who
 * hides it. */
static void
add_alarm(struct strbuf *out, const struct evidence *e, const struct evidence_event *v)
{
    enum severity severity;
    const char *word = text_of(v, "severity");
    bool told =
        strcmp(v->name, "alarm.raised") == 0 || strcmp(v->name, "alarm.changed") == 0;
    if (told && word != NULL && severity_parse(&severity, word)) {
        strbuf_printf(out, ", %s", severity_word(severity));
    }
    if (v->rule != NULL && e->ticket.rule != NULL &&
        strcmp(v->rule, e->ticket.rule) != 0) {
        strbuf_printf(out, ", %s", v->rule);
    }
    if (text_of(v, "suppressed_by") != NULL) {
        strbuf_printf(out, tr(", hidden by %s"), text_of(v, "suppressed_by"));
    }
    add_time(out, v, "until", tr_word(PACK, "until"));
}

/* What its clocks are now, and who is told. */
static void
add_clocks(struct strbuf *out, const struct evidence *e, const struct evidence_event *v)
{
    enum severity priority;
    const char *word = text_of(v, "priority");
    const char *deadline = text_of(v, "deadline");
    if (strcmp(v->name, "ticket.changed") == 0 && word != NULL &&
        severity_parse(&priority, word)) {
        strbuf_printf(out, ", %s", severity_word(priority));
    }
    if (deadline != NULL) {
        bool respond = strcmp(deadline, "respond") == 0;
        strbuf_printf(out, ", %s",
                      respond ? tr_word(PACK, "to respond")
                              : tr_word(PACK, "to resolve"));
    }
    if (number_of(v, "level") > 0) {
        strbuf_printf(out, ", %s %lld", tr_word(PACK, "level"),
                      (long long)number_of(v, "level"));
    }
    if (text_of(v, "to") != NULL) {
        strbuf_printf(out, ", %s %s", tr_word(PACK, "to"),
                      evidence_person(e, text_of(v, "to")));
    }
    add_time(out, v, "respond_by", tr_word(PACK, "respond by"));
    add_time(out, v, "resolve_by", tr_word(PACK, "resolve by"));
    add_due(out, v);
}

/* What only some kinds have, behind the words. */
static void
add_kind(struct strbuf *out, const struct evidence *e, const struct evidence_event *v)
{
    const char *assignee = text_of(v, "assignee");
    enum pause pause;
    enum proof proof;
    if (strcmp(v->name, "ticket.ticked") == 0) {
        bool undone = json_is_true(json_object_get(v->json, "undone"));
        strbuf_printf(out, " %lld %s", (long long)number_of(v, "step"),
                      undone ? tr_word(PACK, "taken back") : tr_word(PACK, "done"));
    }
    if (strcmp(v->name, "ticket.photographed") == 0) {
        strbuf_printf(out, " %lld", (long long)number_of(v, "number"));
    }
    if (assignee != NULL && strcmp(v->name, "ticket.assigned") == 0) {
        strbuf_printf(out, " %s", evidence_person(e, assignee));
    }
    if (text_of(v, "pause") != NULL && pause_parse(&pause, text_of(v, "pause"))) {
        strbuf_printf(out, ": %s", pause_word(pause));
    }
    if (text_of(v, "proof") != NULL && proof_parse(&proof, text_of(v, "proof"))) {
        strbuf_printf(out, ": %s", proof_word(proof));
    }
    add_clocks(out, e, v);
    if (number_of(v, "rating") > 0) {
        strbuf_printf(out, ": %lld / 5", (long long)number_of(v, "rating"));
    }
}

static void
add_json_parts(struct strbuf *out, const struct evidence *e, const json_t *parts)
{
    size_t i;
    json_t *part;
    struct ticket t = {0};
    json_array_foreach(parts, i, part)
    {
        const char *name = json_string_value(json_object_get(part, "name"));
        if (name != NULL && t.part_count < TICKET_PARTS_MAX) {
            struct ticket_part *p = &t.parts[t.part_count++];
            snprintf(p->name, sizeof p->name, "%s", name);
            p->count = json_integer_value(json_object_get(part, "count"));
            p->cost = money_of(part, "cost");
        }
    }
    if (t.part_count > 0) {
        strbuf_printf(out, "; %s ", tr_word(PACK, "parts"));
        evidence_parts(out, e, &t);
    }
}

static void
add_value(struct strbuf *out, const struct evidence_event *v)
{
    const json_t *value = json_object_get(v->json, "value");
    if (json_is_number(value)) {
        char number[NUMBER_TEXT_BYTES];
        number_format(number, json_number_value(value));
        strbuf_printf(out, " (%s)", number);
    }
}

/* What was said of the work. */
static void
add_work(struct strbuf *out, const struct evidence *e, const struct evidence_event *v)
{
    static const char *const texts[] = {"symptom", "cause", "category", "team"};
    const char *const labels[] = {tr_word(PACK, "symptom"), tr_word(PACK, "cause"),
                                  tr_word(PACK, "category"), tr_word(PACK, "team")};
    if (text_of(v, "note") != NULL) {
        /* Ours are texts of the catalogue; what a person said stays as it is. */
        const char *note = text_of(v, "note");
        strbuf_printf(out, ": %s", text_of(v, "by") == NULL ? tr(note) : note);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (text_of(v, texts[i]) != NULL) {
            strbuf_printf(out, "; %s %s", labels[i], text_of(v, texts[i]));
        }
    }
    if (number_of(v, "minutes") != 0) {
        strbuf_printf(out, "; %lld %s", (long long)number_of(v, "minutes"),
                      tr_word(PACK, "min"));
    }
    if (money_of(v->json, "cost") != 0) {
        strbuf_printf(out, "; %s ", tr_word(PACK, "cost"));
        evidence_money(out, e, money_of(v->json, "cost"));
    }
    add_json_parts(out, e, json_object_get(v->json, "parts"));
}

void
evidence_life_line(struct strbuf *out,
                   const struct evidence *e,
                   const struct evidence_event *v)
{
    const char *found = v->name; /* Of a newer program. */
    for (size_t i = 0; i < ARRAY_LEN(life_events); i++) {
        if (strcmp(life_events[i], v->name) == 0) {
            found = tr_word(PACK, life_words[i]);
        }
    }
    /* An alarm reopens with the value that it came back with; a person says why. */
    bool returned = strcmp(v->name, "ticket.reopened") == 0 && text_of(v, "by") == NULL;
    strbuf_add(out, returned ? tr_word(PACK, "reopened: the fault is back") : found);
    if (strncmp(v->name, "alarm.", strlen("alarm.")) == 0) {
        add_alarm(out, e, v);
        add_value(out, v);
    } else {
        add_value(out, v);
        add_kind(out, e, v);
    }
    add_work(out, e, v);
}

const char *
evidence_life_person(const struct evidence *e, const struct evidence_event *v)
{
    return evidence_person(e, text_of(v, "by"));
}
