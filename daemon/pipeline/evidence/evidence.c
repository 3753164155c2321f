#include "daemon/pipeline/evidence/evidence.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/pipeline/evidence/evidence_values.h"
#include "daemon/pipeline/ledger/ledger_list.h"
#include "daemon/store/state_evidence.h"
#include "daemon/store/state_photo.h"

/* Texts of rows are borrowed from the statement. */
static struct ticket
keep_ticket(struct arena *arena, const struct ticket *t)
{
    struct ticket kept = *t;
    kept.device = arena_strdup(arena, t->device);
    kept.rule = arena_strdup(arena, t->rule);
    return kept;
}

static bool
take_ticket(void *ctx, const struct ticket *t)
{
    struct evidence *e = ctx;
    e->ticket = keep_ticket(e->arena, t);
    return true;
}

/* ---- What was stored ---- */

/* NULL for no text, and for one that is no JSON: somebody wrote in the file by hand. */
static json_t *
parse(const char *text)
{
    return text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static bool
take_opening(void *ctx, const struct evidence_row *row)
{
    struct evidence *e = ctx;
    struct evidence_opening *grown =
        realloc(e->openings, (e->opening_count + 1) * sizeof *grown);
    if (grown == NULL) {
        abort();
    }
    e->openings = grown;
    e->openings[e->opening_count++] =
        (struct evidence_opening){.number = row->opening,
                                  .t_ms = row->t_ms,
                                  .rule = arena_strdup(e->arena, row->rule),
                                  .version = arena_strdup(e->arena, row->version),
                                  .facts = parse(row->facts),
                                  .device = parse(row->device),
                                  .bus = parse(row->bus)};
    return true;
}

static bool
take_event(void *ctx, const struct event_row *row)
{
    struct evidence *e = ctx;
    if ((e->event_count & (e->event_count - 1)) == 0) { /* 0, 1, 2, 4, ... */
        size_t capacity = e->event_count == 0 ? 1 : (size_t)e->event_count * 2;
        struct evidence_event *grown = realloc(e->events, capacity * sizeof *grown);
        if (grown == NULL) {
            abort();
        }
        e->events = grown;
    }
    e->events[e->event_count++] =
        (struct evidence_event){.seq = row->seq,
                                .t_ms = row->t_ms,
                                .name = arena_strdup(e->arena, row->name),
                                .rule = arena_strdup(e->arena, row->rule),
                                .json = parse(row->json)};
    return true;
}

struct past {
    struct arena *arena;
    struct ticket *rows;
    uint32_t count;
};

static bool
take_past(void *ctx, const struct ticket *t)
{
    struct past *p = ctx;
    p->rows[p->count++] = keep_ticket(p->arena, t);
    return p->count < EVIDENCE_PAST_MAX;
}

static int
load_past(struct evidence *e, struct state *store, bool same, struct err *err)
{
    struct past p = {.arena = e->arena};
    p.rows = arena_array(e->arena, EVIDENCE_PAST_MAX, sizeof *p.rows);
    int code = e->ticket.rule == NULL || e->ticket.device == NULL
                   ? 0
                   : state_each_like(store, &e->ticket, same, EVIDENCE_PAST_MAX,
                                     take_past, &p, err);
    if (same) {
        e->same = p.rows;
        e->same_count = p.count;
    } else {
        e->like = p.rows;
        e->like_count = p.count;
    }
    return code;
}

static uint32_t
device_now(const struct evidence *e)
{
    return e->ticket.device != NULL ? site_device(e->site, e->ticket.device)
                                    : NONE_INDEX;
}

static uint32_t
rule_now(const struct evidence *e)
{
    return e->ticket.rule != NULL ? site_rule(e->site, e->ticket.rule) : NONE_INDEX;
}

/* A ticket of an older program, from before such things were stored. */
static void
make_opening(struct evidence *e)
{
    struct evidence_texts texts = {0};
    evidence_take_facts(&texts, e->site, device_now(e), rule_now(e), e->ticket.plan);
    const struct evidence_row row = {.ticket = e->ticket.number,
                                     .opening = 1,
                                     .t_ms = e->ticket.opened_ms,
                                     .facts = strbuf_text(&texts.facts)};
    struct evidence_row with_rule = row;
    if (texts.rule.size > 0) {
        with_rule.rule = strbuf_text(&texts.rule);
        with_rule.version = texts.version;
    }
    (void)take_opening(e, &with_rule);
    evidence_texts_fini(&texts);
}

/* ---- Other rules of its group ---- */

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void
add_once(json_t *ids, const char *id)
{
    size_t i;
    const json_t *known;
    json_array_foreach(ids, i, known)
    {
        if (id != NULL && strcmp(json_string_value(known), id) == 0) {
            return;
        }
    }
    if (id != NULL) {
        json_array_append_new(ids, json_string(id));
    }
}

/* The ids of the rules whose alarms are part of its life, as a JSON array, each once:
 * its own, and those of its group at any of its openings. */
static void
rules_of(struct strbuf *out, const struct evidence *e)
{
    json_t *ids = json_array();
    add_once(ids, e->ticket.rule);
    for (uint32_t i = 0; i < e->opening_count; i++) {
        size_t k;
        json_t *other;
        json_array_foreach(json_object_get(e->openings[i].facts, "group"), k, other)
        {
            add_once(ids, text_of(other, "id"));
        }
    }
    char *text = json_dumps(ids, JSON_COMPACT);
    strbuf_add(out, text != NULL ? text : "[]");
    free(text);
    json_decref(ids);
}

static bool
was_raised(const struct evidence *e, const char *rule)
{
    for (uint32_t i = 0; i < e->event_count; i++) {
        const struct evidence_event *v = &e->events[i];
        if (strcmp(v->name, "alarm.raised") == 0 && v->rule != NULL &&
            strcmp(v->rule, rule) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_other(const struct evidence *e, const char *rule)
{
    for (uint32_t i = 0; i < e->other_count; i++) {
        if (strcmp(text_of(e->others[i], "id"), rule) == 0) {
            return true;
        }
    }
    return false;
}

/* As they were at the latest opening that knew them. */
static void
find_others(struct evidence *e)
{
    for (uint32_t i = e->opening_count; i > 0; i--) {
        size_t k;
        json_t *other;
        json_array_foreach(json_object_get(e->openings[i - 1].facts, "group"), k, other)
        {
            const char *id = text_of(other, "id");
            if (id != NULL && e->other_count < EVIDENCE_OTHERS_MAX &&
                !is_other(e, id) && was_raised(e, id)) {
                e->others[e->other_count++] = other;
            }
        }
    }
}

static int
load_events(struct evidence *e, struct state *store, struct err *err)
{
    struct strbuf rules = {0};
    rules_of(&rules, e);
    int code =
        state_each_event_of(store, &e->ticket, strbuf_text(&rules), take_event, e, err);
    strbuf_fini(&rules);
    find_others(e);
    return code;
}

static bool
take_photo(void *ctx, const struct photo *p)
{
    struct evidence *e = ctx;
    if (e->photos == NULL) {
        e->photos = arena_array(e->arena, PHOTOS_OF_TICKET_MAX, sizeof *e->photos);
    }
    e->photos[e->photo_count++] = *p;
    return e->photo_count < PHOTOS_OF_TICKET_MAX;
}

/* ---- What the site says now ---- */

static void
compare_with_now(struct evidence *e)
{
    const struct evidence_opening *o = evidence_first(e);
    uint32_t rule = rule_now(e);
    e->device_gone = e->ticket.device != NULL && device_now(e) == NONE_INDEX;
    e->rule = EVIDENCE_NO_RULE;
    if (e->ticket.rule != NULL && rule == NONE_INDEX) {
        e->rule = EVIDENCE_GONE;
    } else if (e->ticket.rule != NULL) {
        struct strbuf text = {0};
        rule_text_write(&text, &e->site->rules[rule]);
        bool same = o->rule != NULL && strcmp(o->rule, strbuf_text(&text)) == 0;
        e->rule = same ? EVIDENCE_SAME : EVIDENCE_CHANGED;
        strbuf_fini(&text);
    }
}

static int
load_ledger(struct evidence *e, struct state *store, struct err *err)
{
    struct ledger_book *book = NULL;
    uint32_t device = device_now(e);
    if (device == NONE_INDEX) {
        return 0;
    }
    struct ledger_use *uses =
        arena_array(e->arena, e->site->device_count, sizeof *uses);
    int code = ledger_book_load(&book, e->site, store, uses, err);
    if (code == 0) {
        struct strbuf text = {0};
        int32_t today = civil_day(e->now_ms);
        strbuf_add_char(&text, '{');
        ledger_add_record(&text, book, device, &uses[device], today);
        ledger_add_documents(&text, book, e->ticket.device, false, today);
        strbuf_add_char(&text, '}');
        e->ledger = parse(strbuf_text(&text));
        strbuf_fini(&text);
    }
    ledger_book_free(book);
    return code;
}

/* ---- All of it ---- */

static int
load_rows(struct evidence *e, struct state *store, int64_t number, struct err *err)
{
    int code = state_one_ticket(store, number, take_ticket, e, err);
    if (code == 0 && e->ticket.number == 0) {
        code = err_set(err, ERR_NOT_FOUND, tr("there is no ticket %lld"),
                       (long long)number);
    }
    if (code == 0) {
        code = state_each_evidence(store, number, take_opening, e, err);
    }
    e->taken = e->opening_count > 0;
    if (code == 0 && !e->taken) {
        make_opening(e);
    }
    if (code == 0) {
        code = load_events(e, store, err);
    }
    if (code == 0) {
        code = state_each_photo(store, number, take_photo, e, err);
    }
    if (code == 0) {
        code = load_past(e, store, true, err);
    }
    if (code == 0) {
        code = load_past(e, store, false, err);
    }
    if (code == 0) {
        code = load_ledger(e, store, err);
    }
    return code;
}

int
evidence_load(struct evidence **out,
              const struct site *site,
              struct state *store,
              int64_t number,
              int64_t now_ms,
              const char *now,
              struct err *err)
{
    struct evidence *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return err_set(err, ERR_NOMEM, "ticket %lld", (long long)number);
    }
    e->arena = arena_new();
    e->site = site;
    e->now_ms = now_ms;
    e->history_from_ms = INSTANT_NONE;
    int code = load_rows(e, store, number, err);
    if (code != 0) {
        evidence_free(e);
        return code;
    }
    compare_with_now(e);
    e->now = parse(now);
    evidence_find_windows(e);
    evidence_read_history(e);
    *out = e;
    return 0;
}

void
evidence_free(struct evidence *e)
{
    if (e == NULL) {
        return;
    }
    for (uint32_t i = 0; i < e->opening_count; i++) {
        json_decref(e->openings[i].facts);
        json_decref(e->openings[i].device);
        json_decref(e->openings[i].bus);
    }
    for (uint32_t i = 0; i < e->event_count; i++) {
        json_decref(e->events[i].json);
    }
    for (uint32_t w = 0; w < e->window_count; w++) {
        for (uint32_t i = 0; i < e->windows[w].series_count; i++) {
            chart_series_fini(&e->windows[w].series[i].samples);
        }
    }
    json_decref(e->now);
    json_decref(e->ledger);
    free(e->openings);
    free(e->events);
    arena_free(e->arena);
    free(e);
}

struct device_name {
    char *out;
    bool found;
};

static bool
take_device(void *ctx, const struct ticket *t)
{
    struct device_name *n = ctx;
    utf8_copy(n->out, ID_BYTES_MAX, t->device);
    n->found = true;
    return true;
}

int
evidence_device(char out[ID_BYTES_MAX],
                struct state *store,
                int64_t number,
                struct err *err)
{
    struct device_name n = {.out = out};
    out[0] = '\0';
    int code = state_one_ticket(store, number, take_device, &n, err);
    if (code == 0 && !n.found) {
        code = err_set(err, ERR_NOT_FOUND, tr("there is no ticket %lld"),
                       (long long)number);
    }
    return code;
}

const struct evidence_opening *
evidence_first(const struct evidence *e)
{
    return &e->openings[0];
}

json_t *
evidence_procedure(const struct evidence *e)
{
    return json_object_get(e->openings[e->opening_count - 1].facts, "procedure");
}

json_t *
evidence_device_facts(const struct evidence *e)
{
    return json_object_get(evidence_first(e)->facts, "device");
}

json_t *
evidence_ledger(const struct evidence *e)
{
    json_t *then = json_object_get(evidence_device_facts(e), "ledger");
    return e->ledger != NULL ? e->ledger : json_object_size(then) > 0 ? then : NULL;
}

const char *
evidence_text(const json_t *text)
{
    const char *wanted =
        json_string_value(json_object_get(text, language_name(catalogue_language())));
    for (int l = 0; l < LANGUAGE_COUNT && wanted == NULL; l++) {
        wanted =
            json_string_value(json_object_get(text, language_name((enum language)l)));
    }
    return wanted != NULL ? wanted : "";
}

const char *
evidence_person(const struct evidence *e, const char *id)
{
    for (uint32_t i = 0; id != NULL && i < e->site->person_count; i++) {
        const struct person *p = &e->site->people[i];
        if (strcmp(p->id, id) == 0 && p->name != NULL && strcmp(p->name, id) != 0) {
            return arena_printf(e->arena, "%s (%s)", p->name, id);
        }
    }
    return id;
}
