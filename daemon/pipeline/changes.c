#include "daemon/pipeline/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/strbuf.h"
#include "daemon/base/utf8.h"
#include "daemon/pipeline/changes_inside.h"

static void
set_id(char *out, bool *has, const char *id)
{
    *has = id != NULL;
    snprintf(out, ID_BYTES_MAX, "%s", id != NULL ? id : "");
}

static struct change *
append(struct changes *c, enum change_kind kind, const char *device, const char *rule)
{
    if (c->count == c->capacity) {
        c->capacity = c->capacity == 0 ? 16 : c->capacity * 2;
        struct change *grown = realloc(c->items, c->capacity * sizeof *grown);
        if (grown == NULL) {
            abort();
        }
        c->items = grown;
    }
    struct change *item = &c->items[c->count++];
    memset(item, 0, sizeof *item);
    item->kind = kind;
    set_id(item->device, &item->has_device, device);
    set_id(item->rule, &item->has_rule, rule);
    if (kind != CHANGE_TIMER && kind != CHANGE_TIMER_GONE && kind != CHANGE_METER &&
        kind != CHANGE_PLAN_USE) {
        c->urgent++;
    }
    return item;
}

static char *
copy_or_abort(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        abort();
    }
    return copy;
}

static bool
asks_witness(const struct changes *c, const struct event *e)
{
    return c->witness != NULL &&
           (e->kind == EVENT_TICKET_OPENED || e->kind == EVENT_TICKET_REOPENED);
}

static void
on_event(void *ctx, const struct event *e)
{
    struct changes *c = ctx;
    bool witnessed = asks_witness(c, e);
    struct evidence_texts texts = {0};
    struct strbuf json = {0};
    event_to_json(&json, e, NULL);
    if (witnessed) {
        c->witness(c->witness_ctx, e, &texts);
    }
    struct change *item = append(c, CHANGE_EVENT, e->device, e->rule);
    /* The journal's columns; all other texts are in the JSON by now. */
    item->event.event = (struct event){.t_ms = e->t_ms,
                                       .kind = e->kind,
                                       .ticket = e->ticket,
                                       .severity = e->severity,
                                       .step_ms = e->step_ms};
    utf8_copy(item->event.by, sizeof item->event.by, e->by);
    item->event.json = strbuf_take(&json);
    /* For the log, whoever's command it was. */
    int heard = catalogue_hear(CATALOGUE_SPOKEN);
    event_to_text(&json, e);
    (void)catalogue_hear(heard);
    item->event.text = strbuf_take(&json);
    item->event.peer = c->peer != NULL ? copy_or_abort(c->peer) : NULL;
    if (witnessed) { /* Behind the ticket's row, which says how often it opened. */
        item = append(c, CHANGE_EVIDENCE, e->device, e->rule);
        item->evidence.ticket = e->ticket;
        item->evidence.t_ms = e->t_ms;
        item->evidence.texts = texts;
    }
}

static void
on_alarm(void *ctx, const struct alarm *a)
{
    append(ctx, CHANGE_ALARM, a->device, a->rule)->alarm = *a;
}

static void
on_ticket(void *ctx, const struct ticket *t)
{
    append(ctx, CHANGE_TICKET, t->device, t->rule)->ticket = *t;
}

static void
on_service(void *ctx, const struct service *s)
{
    append(ctx, CHANGE_SERVICE, s->device, NULL)->service = *s;
}

static void
on_ledger(void *ctx, const struct ledger_row *row)
{
    const char *device = row->kind == LEDGER_ROW_FIELD      ? row->field.device
                         : row->kind == LEDGER_ROW_DOCUMENT ? row->document.device
                                                            : row->alteration.device;
    struct ledger_row *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        abort();
    }
    *copy = *row;
    append(ctx, CHANGE_LEDGER, device, NULL)->ledger = copy;
}

static void
on_photo(void *ctx, const struct photo *p)
{
    struct photo *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        abort();
    }
    *copy = *p;
    append(ctx, CHANGE_PHOTO, NULL, NULL)->photo = copy;
}

static void
on_plan(void *ctx, const struct plan_row *p)
{
    append(ctx, CHANGE_PLAN, NULL, NULL)->plan = *p;
}

struct changes *
changes_new(void)
{
    struct changes *c = calloc(1, sizeof *c);
    if (c == NULL) {
        abort();
    }
    c->sink = (struct sink){.ctx = c,
                            .event = on_event,
                            .alarm = on_alarm,
                            .ticket = on_ticket,
                            .service = on_service,
                            .ledger = on_ledger,
                            .photo = on_photo,
                            .plan = on_plan};
    return c;
}

static void
clear(struct changes *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->items[i].kind == CHANGE_EVENT) {
            free(c->items[i].event.json);
            free(c->items[i].event.text);
            free(c->items[i].event.peer);
        } else if (c->items[i].kind == CHANGE_METER) {
            free(c->items[i].meter.key);
        } else if (c->items[i].kind == CHANGE_EVIDENCE) {
            evidence_texts_fini(&c->items[i].evidence.texts);
        } else if (c->items[i].kind == CHANGE_LEDGER) {
            free(c->items[i].ledger);
        } else if (c->items[i].kind == CHANGE_PHOTO) {
            free(c->items[i].photo);
        }
    }
    c->count = 0;
    c->urgent = 0;
}

void
changes_free(struct changes *c)
{
    if (c == NULL) {
        return;
    }
    clear(c);
    free(c->items);
    free(c->peer);
    free(c);
}

const struct sink *
changes_sink(struct changes *c)
{
    return &c->sink;
}

void
changes_set_witness(struct changes *c, changes_witness_fn witness, void *ctx)
{
    c->witness = witness;
    c->witness_ctx = ctx;
}

void
changes_set_peer(struct changes *c, const char *peer)
{
    free(c->peer);
    c->peer = peer != NULL ? copy_or_abort(peer) : NULL;
}

/* A disk may refuse for days, and a timer may change every second: while it does, only
 * the newest of each is kept. */
static struct change *
waiting_timer(struct changes *c, const char *device, const char *rule)
{
    for (size_t i = 0; c->refused && i < c->count; i++) {
        struct change *item = &c->items[i];
        if ((item->kind == CHANGE_TIMER || item->kind == CHANGE_TIMER_GONE) &&
            strcmp(item->device, device) == 0 && strcmp(item->rule, rule) == 0) {
            return item;
        }
    }
    return NULL;
}

void
changes_add_timer(struct changes *c,
                  const struct site *site,
                  const struct rule_state *s,
                  bool watched)
{
    const char *device = site->devices[s->device].id;
    const char *rule = site->rules[s->rule].id;
    bool plain = s->phase == RULE_NORMAL && !watched;
    enum change_kind kind = plain ? CHANGE_TIMER_GONE : CHANGE_TIMER;
    struct change *item = waiting_timer(c, device, rule);
    if (item == NULL) {
        item = append(c, kind, device, rule);
    }
    item->kind = kind;
    item->timer = (struct timer_row){
        .phase = (int)s->phase,
        .level = s->level,
        .target_level = s->target_level,
        .since_ms = s->since_ms,
        .clear = s->clear,
        .clear_since_ms = s->clear_since_ms,
        .while_last_ms = s->while_last_ms,
    };
}

void
changes_add_meter(struct changes *c, const struct rules_meter *m)
{
    struct change *item = append(c, CHANGE_METER, NULL, NULL);
    item->meter.key = copy_or_abort(m->key);
    item->meter.row = (struct meter_row){.last_ms = m->last_ms,
                                         .since_ms = m->since_ms,
                                         .early_ms = m->early_ms,
                                         .value = m->value,
                                         .changed = m->changed,
                                         .true_ms = m->true_ms,
                                         .starts = m->starts,
                                         .service_ms = m->service_ms,
                                         .service_starts = m->service_starts};
}

void
changes_add_plan_use(struct changes *c, const struct plan_row *p)
{
    append(c, CHANGE_PLAN_USE, NULL, NULL)->plan = *p;
}

void
changes_forget_alarm(struct changes *c, const char *device, const char *rule)
{
    append(c, CHANGE_ALARM_GONE, device, rule);
}

void
changes_forget_service(struct changes *c, const char *device)
{
    on_service(c, &(struct service){.device = device});
}

void
changes_forget_timer(struct changes *c, const char *device, const char *rule)
{
    append(c, CHANGE_TIMER_GONE, device, rule);
}

void
changes_discard(struct changes *c)
{
    clear(c);
}

size_t
changes_count(const struct changes *c)
{
    return c->count;
}

bool
changes_pending(const struct changes *c)
{
    return c->count > 0;
}

bool
changes_urgent(const struct changes *c)
{
    return c->urgent > 0;
}
