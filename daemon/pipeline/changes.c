#include "daemon/pipeline/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/log.h"
#include "daemon/base/strbuf.h"
#include "daemon/base/utf8.h"
#include "daemon/pipeline/owed.h"
#include "daemon/publish/publish.h"
#include "daemon/store/state_evidence.h"
#include "daemon/ticket/fold.h"

enum change_kind {
    CHANGE_EVENT,
    CHANGE_ALARM,
    CHANGE_ALARM_GONE,
    CHANGE_TICKET,
    CHANGE_EVIDENCE,
    CHANGE_SERVICE,
    CHANGE_LEDGER,
    CHANGE_TIMER,
    CHANGE_TIMER_GONE,
    CHANGE_METER,
    CHANGE_PLAN,
    CHANGE_PLAN_USE
};

/* Ids and texts are copied: a reload may free the site they point into while the disk
 * still refuses. */
struct change {
    enum change_kind kind;
    char device[ID_BYTES_MAX];
    char rule[ID_BYTES_MAX];
    bool has_device, has_rule;
    union {
        struct {
            struct event event; /* Its texts are those of the change, or NULL. */
            char by[PERSON_BYTES];
            char *json;
            char *text; /* For the log, once it is stored. */
            char *peer; /* May be NULL. */
        } event;
        struct alarm alarm;
        struct ticket ticket;
        struct {
            int64_t ticket, t_ms;
            struct evidence_texts texts;
        } evidence;
        struct service service;
        struct ledger_row *ledger; /* Owned; its device is that of the change. */
        struct plan_row plan;
        struct timer_row timer;
        struct {
            struct meter_row row;
            char *key;
        } meter;
    };
};

struct changes {
    struct sink sink;
    struct change *items;
    size_t count, capacity;
    size_t urgent;
    struct owed owed; /* While they are written. */
    bool refused;     /* The last write failed: what is here waits for the disk. */
    char *peer;
    changes_witness_fn witness; /* NULL: none is asked. */
    void *witness_ctx;
};

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

static struct evidence_row
evidence_row_of(int64_t ticket, int64_t t_ms, const struct evidence_texts *texts)
{
    return (struct evidence_row){.ticket = ticket,
                                 .t_ms = t_ms,
                                 .rule = strbuf_text(&texts->rule),
                                 .version = texts->version,
                                 .facts = strbuf_text(&texts->facts),
                                 .device = strbuf_text(&texts->device),
                                 .bus = strbuf_text(&texts->bus)};
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

/* What must go outside joins the outbox; both texts are used up. */
static int
put_out(struct state *store,
        struct strbuf *topic,
        struct strbuf *payload,
        bool retain,
        struct err *err)
{
    int code =
        state_outbox_add(store, strbuf_text(topic), strbuf_text(payload), retain, err);
    strbuf_fini(topic);
    strbuf_fini(payload);
    return code;
}

/* To the journal, and outside as stored, with what lets a consumer find gaps, drop
 * repeats, and bear witness: `hash` is that of the journal up to this event. */
static int
put_event(const struct event *e,
          const char *json,
          const struct strbuf *more,
          const char *peer,
          struct state *store,
          const struct site *site,
          struct err *err)
{
    int64_t seq = 0;
    const char *text = more->size > 0 ? strbuf_text(more) : NULL;
    int code = state_add_event(store, e, json, text, peer, &seq, err);
    if (code != 0 || !site->mqtt.enabled) {
        return code;
    }
    struct journal_head head;
    char hash[JOURNAL_HEAD_BYTES];
    struct strbuf topic = {0};
    struct strbuf payload = {0};
    state_journal_head(store, &head);
    publish_topic_event(&topic, site);
    strbuf_add_bytes(&payload, json, strlen(json) - 1);
    strbuf_json_int(&payload, "seq", seq);
    strbuf_printf(&payload, ",\"id\":\"%s-%lld\",\"hash\":\"%s\"}",
                  state_gateway_id(store), (long long)seq,
                  journal_hash_format(hash, &head));
    return put_out(store, &topic, &payload, false, err);
}

/* The chain proves the evidence, too: of an event that has some behind it, its hash. */
static void
add_evidence_hash(struct strbuf *more,
                  const struct changes *c,
                  const struct change *event)
{
    const struct change *next = event + 1;
    if (next == c->items + c->count || next->kind != CHANGE_EVIDENCE) {
        return;
    }
    const struct evidence_row row = evidence_row_of(
        next->evidence.ticket, next->evidence.t_ms, &next->evidence.texts);
    char hash[EVIDENCE_HASH_BYTES];
    state_evidence_hash(hash, &row);
    if (more->size == 0) {
        strbuf_add_char(more, '{');
    } else {
        more->text[--more->size] = '\0'; /* The brace. */
    }
    strbuf_json_str(more, FOLD_EVIDENCE, hash);
    strbuf_add_char(more, '}');
}

static int
write_event(struct changes *c,
            struct change *item,
            const struct owed_step *step,
            struct state *store,
            const struct site *site,
            struct err *err)
{
    struct event e = item->event.event;
    e.device = item->has_device ? item->device : NULL;
    e.rule = item->has_rule ? item->rule : NULL;
    e.by = item->event.by[0] != '\0' ? item->event.by : NULL;
    if (e.kind == EVENT_DEVICE_OFFLINE || e.kind == EVENT_DEVICE_ONLINE) {
        int code =
            state_put_device(store, e.device, e.kind == EVENT_DEVICE_ONLINE, err);
        if (code != 0) {
            return code;
        }
    }
    if (step->carries != OWED_NO_ROW) {
        const struct ticket *row = &c->items[step->carries].ticket;
        owed_add(&c->owed, store, row);
        e.ticket = row->number;
    }
    struct strbuf more = {0};
    if (e.kind == EVENT_CLOCK_STEPPED) {
        owed_take_all(&c->owed, e.step_ms, &more);
    } else if (e.ticket != 0) {
        owed_take(&c->owed, e.ticket, &more);
        add_evidence_hash(&more, c, item);
    }
    int code =
        put_event(&e, item->event.json, &more, item->event.peer, store, site, err);
    strbuf_fini(&more);
    return code;
}

static int
write_alarm(struct change *item,
            struct state *store,
            const struct site *site,
            struct err *err)
{
    bool gone = item->kind == CHANGE_ALARM_GONE;
    int code = 0;
    if (gone) {
        code = state_delete_alarm(store, item->device, item->rule, err);
    } else {
        item->alarm.device = item->device;
        item->alarm.rule = item->rule;
        code = state_put_alarm(store, &item->alarm, err);
    }
    if (code != 0 || !site->mqtt.enabled) {
        return code;
    }
    struct strbuf topic = {0};
    struct strbuf payload = {0};
    publish_topic_alarm(&topic, site, item->device, item->rule);
    /* Back to normal and acknowledged: the retained topic is emptied. */
    if (!gone && item->alarm.state != ALARM_NORMAL) {
        alarm_to_json(&payload, &item->alarm);
    }
    return put_out(store, &topic, &payload, true, err);
}

static int
write_ticket(struct changes *c,
             struct change *item,
             const struct owed_step *step,
             struct state *store,
             const struct site *site,
             struct err *err)
{
    if (step->carried) {
        owed_drop(&c->owed, item->ticket.number);
    } else {
        owed_add(&c->owed, store, &item->ticket);
    }
    int code = state_put_ticket(store, &item->ticket, err);
    if (code != 0 || !site->mqtt.enabled) {
        return code;
    }
    struct strbuf topic = {0};
    struct strbuf payload = {0};
    publish_topic_ticket(&topic, site, item->ticket.number);
    ticket_to_json(&payload, &item->ticket);
    return put_out(store, &topic, &payload, true, err);
}

static int
write_evidence(const struct change *item, struct state *store, struct err *err)
{
    const struct evidence_row row = evidence_row_of(
        item->evidence.ticket, item->evidence.t_ms, &item->evidence.texts);
    return state_put_evidence(store, &row, err);
}

static int
write_ledger(struct change *item, struct state *store, struct err *err)
{
    struct ledger_row *row = item->ledger;
    switch (row->kind) {
    case LEDGER_ROW_FIELD:
        row->field.device = item->device;
        break;
    case LEDGER_ROW_DOCUMENT:
        row->document.device = item->device;
        break;
    case LEDGER_ROW_ALTERATION:
        row->alteration.device = item->device;
        break;
    }
    return state_put_ledger(store, row, err);
}

static int
write_one(struct changes *c,
          struct change *item,
          const struct owed_step *step,
          struct state *store,
          const struct site *site,
          struct err *err)
{
    switch (item->kind) {
    case CHANGE_EVENT:
        return write_event(c, item, step, store, site, err);
    case CHANGE_ALARM:
    case CHANGE_ALARM_GONE:
        return write_alarm(item, store, site, err);
    case CHANGE_TICKET:
        return write_ticket(c, item, step, store, site, err);
    case CHANGE_EVIDENCE:
        return write_evidence(item, store, err);
    case CHANGE_SERVICE:
        item->service.device = item->device;
        return state_put_service(store, &item->service, err);
    case CHANGE_LEDGER:
        return write_ledger(item, store, err);
    case CHANGE_TIMER:
        item->timer.device = item->device;
        item->timer.rule = item->rule;
        return state_put_timer(store, &item->timer, err);
    case CHANGE_TIMER_GONE:
        return state_delete_timer(store, item->device, item->rule, err);
    case CHANGE_METER:
        item->meter.row.key = item->meter.key;
        return state_put_meter(store, &item->meter.row, err);
    case CHANGE_PLAN:
    case CHANGE_PLAN_USE:
        return state_put_plan(store, &item->plan, err);
    }
    return 0;
}

/* What each item is to the journal; returns owned. */
static struct owed_step *
plan_tickets(struct changes *c)
{
    struct owed_step *steps = calloc(c->count + 1, sizeof *steps);
    if (steps == NULL) {
        abort();
    }
    for (size_t i = 0; i < c->count; i++) {
        struct change *item = &c->items[i];
        steps[i].device = item->device;
        steps[i].rule = item->rule;
        if (item->kind == CHANGE_TICKET) {
            item->ticket.device = item->has_device ? item->device : NULL;
            item->ticket.rule = item->has_rule ? item->rule : NULL;
            steps[i].what = OWED_ROW;
            steps[i].ticket = item->ticket.number;
        } else if (item->kind == CHANGE_EVENT) {
            steps[i].what = OWED_EVENT;
            steps[i].kind = item->event.event.kind;
            steps[i].ticket = item->event.event.ticket;
        }
    }
    owed_plan(steps, c->count);
    return steps;
}

/* No event told of it: the journal must, or the row could not be folded. */
static int
settle_owed(struct changes *c,
            struct state *store,
            const struct site *site,
            int64_t t_ms,
            struct err *err)
{
    int code = 0;
    while (code == 0 && c->owed.count > 0) {
        const struct ticket *row = c->owed.rows[0]->now;
        const struct event e = {.t_ms = t_ms,
                                .kind = EVENT_TICKET_CHANGED,
                                .device = row->device,
                                .rule = row->rule,
                                .ticket = row->number,
                                .severity = row->priority,
                                .respond_by_ms = row->respond_by_ms,
                                .resolve_by_ms = row->resolve_by_ms};
        struct strbuf more = {0};
        struct strbuf json = {0};
        owed_take(&c->owed, row->number, &more);
        if (more.size > 0) {
            event_to_json(&json, &e, NULL);
            code = put_event(&e, strbuf_text(&json), &more, NULL, store, site, err);
        }
        strbuf_fini(&more);
        strbuf_fini(&json);
    }
    return code;
}

int
changes_write(struct changes *c,
              struct state *store,
              const struct site *site,
              int64_t alive_ms,
              bool *published,
              struct err *err)
{
    if (published != NULL) {
        *published = c->urgent > 0 && site->mqtt.enabled;
    }
    int code = state_begin(store, err);
    if (code != 0) {
        c->refused = true;
        return code;
    }
    struct owed_step *steps = plan_tickets(c);
    for (size_t i = 0; i < c->count && code == 0; i++) {
        code = write_one(c, &c->items[i], &steps[i], store, site, err);
    }
    if (code == 0) {
        code = settle_owed(c, store, site, alive_ms, err);
    }
    if (code == 0) {
        code = state_put_alive(store, alive_ms, err);
    }
    if (code == 0) {
        code = state_commit(store, err);
    }
    free(steps);
    owed_fini(&c->owed);
    if (code != 0) {
        state_rollback(store);
        c->refused = true;
        return code;
    }
    c->refused = false;
    for (size_t i = 0; i < c->count; i++) {
        if (c->items[i].kind == CHANGE_EVENT) {
            log_info("%s", c->items[i].event.text);
        }
    }
    clear(c);
    return 0;
}
