/* One transaction: the rows, the journal, and what must go outside. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/base/strbuf.h"
#include "daemon/pipeline/changes_inside.h"
#include "daemon/publish/publish.h"
#include "daemon/store/state_photo.h"
#include "daemon/ticket/fold.h"

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

int
changes_put_out(struct state *store,
                const struct site *site,
                const char *json,
                int64_t seq,
                struct err *err)
{
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

/* To the journal, and outside as stored. */
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
    return code != 0 || !site->mqtt.enabled
               ? code
               : changes_put_out(store, site, json, seq, err);
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
    case CHANGE_PHOTO:
        return state_put_photo(store, item->photo, err);
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
    changes_discard(c);
    return 0;
}
