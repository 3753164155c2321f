#include "daemon/pipeline/evidence/evidence_words.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/model/cause.h"
#include "daemon/model/ledger.h"

/* ---- Money, parts, values ---- */

void
evidence_money(struct strbuf *out, const struct evidence *e, int64_t hundredths)
{
    char text[MONEY_TEXT_BYTES];
    strbuf_add(out, money_format(text, hundredths));
    if (e->site->currency != NULL) {
        strbuf_printf(out, " %s", e->site->currency);
    }
}

void
evidence_parts(struct strbuf *out, const struct evidence *e, const struct ticket *t)
{
    for (uint32_t i = 0; i < t->part_count; i++) {
        const struct ticket_part *p = &t->parts[i];
        strbuf_printf(out, "%s%s × %lld", i > 0 ? ", " : "", p->name,
                      (long long)p->count);
        if (p->cost != 0) {
            strbuf_add(out, " (");
            evidence_money(out, e, p->cost);
            strbuf_add_char(out, ')');
        }
    }
}

void
evidence_sum_text(struct strbuf *out,
                  const struct evidence_series *s,
                  const struct evidence_sum *sum)
{
    char low[NUMBER_TEXT_BYTES];
    char high[NUMBER_TEXT_BYTES];
    if (sum->count == 0) {
        strbuf_add_char(out, '-');
    } else if (s->samples.state) {
        strbuf_printf(out, "%s %ld %%", tr_word(PACK, "on"), lround(sum->mean * 100));
    } else if (sum->min == sum->max) {
        strbuf_add(out, number_format_short(low, sum->min));
    } else {
        strbuf_printf(out, "%s .. %s", number_format_short(low, sum->min),
                      number_format_short(high, sum->max));
    }
}

const char *
evidence_no_values(const struct evidence *e, const struct evidence_window *w)
{
    char when[INSTANT_TEXT_BYTES];
    if (w->samples > 0 || w->bad > 0) {
        return NULL;
    }
    if (e->history_trouble != NULL) {
        return arena_printf(e->arena, "%s: %s", tr("the history cannot be read"),
                            e->history_trouble);
    }
    if (e->history_from_ms == INSTANT_NONE) {
        return tr("no history was ever recorded, or it was removed");
    }
    int64_t moment_ms = w->opened_ms != INSTANT_NONE ? w->opened_ms : w->cleared_ms;
    if (e->history_from_ms > moment_ms) {
        return arena_printf(
            e->arena, tr("there is no history of that time: what is kept begins at %s"),
            instant_format_local(when, e->history_from_ms));
    }
    return tr("no samples were recorded then");
}

void
evidence_remedy(struct strbuf *out, const struct evidence *e, const struct ticket *t)
{
    size_t start = out->size;
    strbuf_add(out, t->resolution);
    if (t->cause[0] != '\0') {
        strbuf_printf(out, "%s(%s)", out->size > start ? " " : "", t->cause);
    }
    if (t->part_count > 0) {
        strbuf_add(out, out->size > start ? "; " : "");
        evidence_parts(out, e, t);
    }
}

const char *
evidence_rule_text(const struct evidence *e)
{
    switch (e->rule) {
    case EVIDENCE_NO_RULE:
        return "";
    case EVIDENCE_SAME:
        return tr("the rule is still the same");
    case EVIDENCE_CHANGED:
        return tr("the rule was changed since");
    case EVIDENCE_GONE:
        break;
    }
    return tr("the rule is no longer in the site");
}

/* ---- Facts ---- */

uint32_t
evidence_wish(struct evidence_fact out[EVIDENCE_FACTS_MAX], const json_t *facts)
{
    static const char *const keys[] = {"cause", "consequence", "action"};
    const char *const labels[] = {tr_word(PACK, "cause"), tr_word(PACK, "consequence"),
                                  tr_word(PACK, "action")};
    const char *source = json_string_value(json_object_get(facts, "source"));
    uint32_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *value = evidence_text(json_object_get(facts, keys[i]));
        if (value[0] != '\0') {
            out[count++] = (struct evidence_fact){labels[i], value};
        }
    }
    if (source != NULL) {
        out[count++] = (struct evidence_fact){tr_word(PACK, "source"), source};
    }
    return count;
}

/* NULL: nothing is known of it. */
static const char *
ledger_value(const struct evidence *e, enum ledger_key key, const json_t *value)
{
    struct strbuf money = {0};
    char number[NUMBER_TEXT_BYTES];
    if (json_is_string(value)) {
        return key == LEDGER_KEEPER ? evidence_person(e, json_string_value(value))
                                    : json_string_value(value);
    }
    if (!json_is_number(value)) {
        return NULL;
    }
    int64_t hundredths = 0;
    if (key != LEDGER_PRICE ||
        !money_from_number(&hundredths, json_number_value(value))) {
        number_format(number, json_number_value(value));
        return arena_strdup(e->arena, number);
    }
    evidence_money(&money, e, hundredths);
    const char *text = arena_strdup(e->arena, strbuf_text(&money));
    strbuf_fini(&money);
    return text;
}

/* "design life": in English the key itself, for people. */
static const char *
ledger_label(const struct evidence *e, enum ledger_key key)
{
    char *label = arena_strdup(e->arena, tr_word("ledger", ledger_key_name(key)));
    for (char *c = label; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    return label;
}

/* "manual (https://...), until 2027-01-01" */
static const char *
paper_text(const struct evidence *e, const json_t *paper)
{
    const char *title = json_string_value(json_object_get(paper, "title"));
    const char *link = json_string_value(json_object_get(paper, "link"));
    const char *until = json_string_value(json_object_get(paper, "valid_until"));
    bool both = title != NULL && link != NULL && strcmp(title, link) != 0;
    const char *name = title != NULL ? title : link != NULL ? link : "";
    return arena_printf(e->arena, "%s%s%s%s%s%s", name, both ? " (" : "",
                        both ? link : "", both ? ")" : "", until != NULL ? ", " : "",
                        until != NULL ? until : "");
}

uint32_t
evidence_ledger_facts(struct evidence_fact out[EVIDENCE_FACTS_MAX],
                      const struct evidence *e)
{
    const json_t *ledger = evidence_ledger(e);
    uint32_t count = 0;
    for (int k = 0; k < LEDGER_KEY_COUNT; k++) {
        enum ledger_key key = (enum ledger_key)k;
        const char *value =
            ledger_value(e, key, json_object_get(ledger, ledger_key_name(key)));
        if (value != NULL) {
            out[count++] = (struct evidence_fact){ledger_label(e, key), value};
        }
    }
    size_t i;
    json_t *paper;
    json_array_foreach(json_object_get(ledger, "documents"), i, paper)
    {
        if (count < EVIDENCE_FACTS_MAX) {
            out[count++] =
                (struct evidence_fact){tr_word(PACK, "paper"), paper_text(e, paper)};
        }
    }
    return count;
}

/* "2026-03-01 10:44:30 · met"; "" for no deadline.  `stands`: its clock does. */
static const char *
deadline(const struct evidence *e, int64_t by_ms, int64_t done_ms, bool stands)
{
    char when[INSTANT_TEXT_BYTES];
    bool open = done_ms == INSTANT_NONE;
    if (by_ms == INSTANT_NONE || by_ms == 0) {
        return "";
    }
    bool late = (open ? e->now_ms : done_ms) > by_ms;
    const char *word = stands ? tr_word(PACK, "its clock stands")
                       : late ? tr_word(PACK, "missed")
                       : open ? ""
                              : tr_word(PACK, "met");
    return arena_printf(e->arena, "%s%s%s", instant_format_local(when, by_ms),
                        word[0] != '\0' ? " · " : "", word);
}

const char *
evidence_respond_by(const struct evidence *e)
{
    const struct ticket *t = &e->ticket;
    /* A visit has its day; nothing else is promised.  Whoever repaired it was there. */
    return t->due_ms != INSTANT_NONE ? ""
           : t->responded_ms != INSTANT_NONE
               ? deadline(e, t->respond_by_ms, t->responded_ms, false)
               : deadline(e, t->respond_by_ms, t->resolved_ms, false);
}

const char *
evidence_resolve_by(const struct evidence *e)
{
    const struct ticket *t = &e->ticket;
    return deadline(e, t->resolve_by_ms, t->resolved_ms,
                    t->state == TICKET_WAITING && !t->resolve_breached);
}

int64_t
evidence_total(const struct ticket *t)
{
    int64_t sum = t->cost;
    for (uint32_t i = 0; i < t->part_count; i++) {
        sum += t->parts[i].cost;
    }
    return sum;
}

const char *
evidence_device_text(const struct evidence *e)
{
    const char *id = e->ticket.device;
    const char *name =
        json_string_value(json_object_get(evidence_device_facts(e), "name"));
    uint32_t now = id != NULL ? site_device(e->site, id) : NONE_INDEX;
    bool both = id != NULL && name != NULL && strcmp(name, id) != 0;
    const char *text = both ? arena_printf(e->arena, "%s (%s)", name, id) : id;
    bool renamed = name != NULL && now != NONE_INDEX &&
                   strcmp(e->site->devices[now].name, name) != 0;
    return renamed ? arena_printf(e->arena, tr("%s, now called %s"), text,
                                  e->site->devices[now].name)
                   : text;
}

const char *
evidence_cause(const struct evidence *e, const char *code)
{
    for (size_t i = 0; cause_code(i) != NULL; i++) {
        if (strcmp(cause_code(i), code) == 0) {
            return arena_printf(e->arena, "%s (%s)", code, tr(cause_meaning(i)));
        }
    }
    return code;
}

const char *
evidence_stars(const struct evidence *e)
{
    return e->ticket.rating > 0
               ? arena_printf(e->arena, "%d / 5", (int)e->ticket.rating)
               : NULL;
}

const char *
evidence_window_title(const struct evidence *e, const struct evidence_window *w)
{
    char when[INSTANT_TEXT_BYTES];
    if (w->opened_ms == INSTANT_NONE) {
        return arena_printf(e->arena, "%s, %s", tr_word(PACK, "around the repair"),
                            instant_format_local(when, w->cleared_ms));
    }
    const char *words = w->opened_ms == evidence_first(e)->t_ms
                            ? tr_word(PACK, "around the opening")
                            : tr_word(PACK, "around a reopening");
    return arena_printf(e->arena, "%s, %s", words,
                        instant_format_local(when, w->opened_ms));
}

bool
evidence_has_work(const struct ticket *t)
{
    return t->resolution[0] != '\0' || t->cause[0] != '\0' || t->minutes != 0 ||
           t->cost != 0 || t->part_count > 0 || t->rating != 0;
}

const char *
evidence_first_time(const struct ticket *t)
{
    return t->state != TICKET_CLOSED ? ticket_state_word(t->state)
           : t->reopened == 0        ? tr_word(PACK, "yes")
                                     : tr_word(PACK, "no");
}

const char *
evidence_device_state(const struct evidence_opening *o)
{
    const char *state = json_string_value(json_object_get(o->device, "state"));
    const char *id = json_string_value(json_object_get(o->device, "id"));
    const char *bus = json_string_value(json_object_get(o->bus, "id"));
    if (id != NULL && bus != NULL && strcmp(id, bus) == 0) {
        return ""; /* It stands for the bus, whose state is another line. */
    }
    return state != NULL ? tr_word("device", state) : "-";
}

const char *
evidence_device_cause(const struct evidence_opening *o)
{
    const char *cause = json_string_value(json_object_get(o->device, "cause"));
    return cause != NULL && cause[0] != '\0' ? tr_word("quality", cause) : "";
}

const char *
evidence_affected(const struct evidence *e)
{
    const json_t *affects = json_object_get(evidence_device_facts(e), "affects");
    struct strbuf out = {0};
    size_t i;
    json_t *id;
    json_array_foreach(affects, i, id)
    {
        const char *text = json_string_value(id);
        strbuf_printf(&out, "%s%s", i > 0 ? ", " : "", text != NULL ? text : "");
    }
    const char *text = arena_strdup(e->arena, strbuf_text(&out));
    strbuf_fini(&out);
    return text;
}

const char *
evidence_other_title(const struct evidence *e, uint32_t index)
{
    const json_t *other = e->others[index];
    const char *version = json_string_value(json_object_get(other, "version"));
    return arena_printf(e->arena, "%s, %s %s",
                        json_string_value(json_object_get(other, "id")),
                        tr_word(PACK, "version"), version != NULL ? version : "-");
}
