#include "daemon/pipeline/listings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/detail.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/causes.h"
#include "daemon/pipeline/queue.h"

struct listing {
    const struct alarm_filter *alarms;
    bool has_severity, has_state;
    enum severity severity;
    enum alarm_state alarm_state;
    struct strbuf *out;
    bool first;
};

static bool
matches(const char *wanted, const char *value)
{
    return wanted == NULL || (value != NULL && strcmp(wanted, value) == 0);
}

static void
separate(struct listing *l)
{
    strbuf_add(l->out, l->first ? "" : ",");
    l->first = false;
}

static bool
add_alarm(void *ctx, const struct alarm *a)
{
    struct listing *l = ctx;
    if (matches(l->alarms->device, a->device) && matches(l->alarms->rule, a->rule) &&
        (!l->has_severity || l->severity == a->severity) &&
        (!l->has_state || l->alarm_state == a->state)) {
        separate(l);
        alarm_to_json(l->out, a);
    }
    return true;
}

int
listing_alarms(struct state *store,
               const struct alarm_filter *filter,
               struct strbuf *out,
               struct err *err)
{
    struct listing l = {.alarms = filter, .out = out, .first = true};
    l.has_severity = filter->severity != NULL;
    l.has_state = filter->state != NULL;
    if (l.has_severity && !severity_parse(&l.severity, filter->severity)) {
        return err_set(err, ERR_RANGE,
                       "\"%s\" is no severity; critical, urgent, normal or info",
                       filter->severity);
    }
    if (l.has_state && !alarm_state_parse(&l.alarm_state, filter->state)) {
        return err_set(err, ERR_RANGE,
                       "\"%s\" is no state of an alarm; active, active-acked, cleared, "
                       "shelved, suppressed or out-of-service",
                       filter->state);
    }
    strbuf_add_char(out, '[');
    int code = store != NULL ? state_each_alarm(store, true, add_alarm, &l, err) : 0;
    strbuf_add_char(out, ']');
    return code;
}

static bool
add_service(void *ctx, const struct service *s)
{
    struct listing *l = ctx;
    separate(l);
    service_to_json(l->out, s);
    return true;
}

int
listing_service(struct state *store, struct strbuf *out, struct err *err)
{
    struct listing l = {.out = out, .first = true};
    strbuf_add_char(out, '[');
    int code = store != NULL ? state_each_service(store, add_service, &l, err) : 0;
    strbuf_add_char(out, ']');
    return code;
}

/* A ticket that is shown, and its text within listing.texts. */
struct row {
    struct queue_place place;
    size_t from, size;
};

struct rows {
    const struct ticket_filter *filter;
    const struct site *site;
    int64_t now_ms;
    bool has_state;
    enum ticket_state state;
    struct queue_need *needs;
    struct row *items;
    size_t count, room;
    struct strbuf texts;
    bool no_memory;
    bool newest; /* They come so, and `limit` of them are enough. */
};

static bool
is_shown(const struct rows *l, const struct ticket *t)
{
    const struct ticket_filter *f = l->filter;
    bool shown =
        l->has_state ? t->state == l->state : f->all || t->state != TICKET_CLOSED;
    return shown && matches(f->device, t->device) &&
           matches(f->assignee, t->assignee) && matches(f->team, t->team) &&
           (!f->overdue || queue_is_overdue(t, l->now_ms));
}

static bool
add_ticket(void *ctx, const struct ticket *t)
{
    struct rows *l = ctx;
    if (!is_shown(l, t)) {
        return true;
    }
    if (l->count == l->room) {
        size_t room = l->room == 0 ? 64 : l->room * 2;
        struct row *items = realloc(l->items, room * sizeof *items);
        if (items == NULL) {
            l->no_memory = true;
            return false;
        }
        l->items = items;
        l->room = room;
    }
    struct row *row = &l->items[l->count++];
    row->place = queue_place_of(l->site, l->needs, t);
    row->from = l->texts.size;
    ticket_to_listing(&l->texts, t);
    row->size = l->texts.size - row->from;
    return !l->newest || l->count < l->filter->limit;
}

static int
by_place(const void *a, const void *b)
{
    return queue_compare(&((const struct row *)a)->place,
                         &((const struct row *)b)->place);
}

static int
in_number(const void *a, const void *b)
{
    int64_t x = ((const struct row *)a)->place.number;
    int64_t y = ((const struct row *)b)->place.number;
    return (x > y) - (x < y);
}

static int
check_ticket_filter(struct rows *l, bool *by_number, struct err *err)
{
    const struct ticket_filter *f = l->filter;
    l->has_state = f->state != NULL;
    if (l->has_state && !ticket_state_parse(&l->state, f->state)) {
        return err_set(err, ERR_RANGE,
                       "\"%s\" is no state of a ticket; opened, assigned, responded, "
                       "waiting, resolved or closed",
                       f->state);
    }
    *by_number = f->order != NULL ? strcmp(f->order, "number") == 0 : f->all;
    if (f->order != NULL && !*by_number && strcmp(f->order, "queue") != 0) {
        return err_set(err, ERR_RANGE, "\"%s\" is no order; queue or number", f->order);
    }
    return 0;
}

static int
read_tickets(struct rows *l, struct state *store, struct err *err)
{
    l->needs = queue_needs(l->site);
    if (l->needs == NULL) {
        return err_set(err, ERR_NOMEM, "the listing of tickets");
    }
    bool closed_too = l->filter->all || (l->has_state && l->state == TICKET_CLOSED);
    const struct ticket_filter *f = l->filter;
    l->newest = f->limit > 0 && closed_too;
    int code = l->newest ? state_newest_tickets(store, add_ticket, l, err)
               : f->device != NULL && closed_too
                   ? state_each_ticket_of(store, f->device, add_ticket, l, err)
                   : state_each_ticket(store, closed_too ? INSTANT_NONE : INSTANT_MAX,
                                       add_ticket, l, err);
    if (code == 0 && l->no_memory) {
        code = err_set(err, ERR_NOMEM, "the listing of tickets");
    }
    return code;
}

bool
ticket_limit_parse(size_t *out, const char *text)
{
    char *end = NULL;
    if (text == NULL) {
        *out = 0;
        return true;
    }
    unsigned long value =
        text[0] >= '1' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (value == 0 || value > 1000000 || *end != '\0') {
        return false;
    }
    *out = value;
    return true;
}

int
listing_tickets(struct state *store,
                const struct site *site,
                const struct ticket_filter *filter,
                int64_t now_ms,
                struct strbuf *out,
                struct err *err)
{
    struct rows l = {.filter = filter, .site = site, .now_ms = now_ms};
    bool by_number = false;
    int code = check_ticket_filter(&l, &by_number, err);
    if (code != 0) {
        return code;
    }
    if (store != NULL) {
        code = read_tickets(&l, store, err);
    }
    if (l.count > 0) {
        qsort(l.items, l.count, sizeof *l.items, by_number ? in_number : by_place);
    }
    size_t shown =
        filter->limit > 0 && l.count > filter->limit ? filter->limit : l.count;
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < shown; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        strbuf_add_bytes(out, l.texts.text + l.items[i].from, l.items[i].size);
    }
    strbuf_add_char(out, ']');
    strbuf_fini(&l.texts);
    free(l.items);
    free(l.needs);
    return code;
}

int
device_filter_check(const struct device_filter *filter, struct err *err)
{
    static const char *const states[] = {"online", "offline", "unknown"};
    for (size_t i = 0; filter->state != NULL && i < ARRAY_LEN(states); i++) {
        if (strcmp(filter->state, states[i]) == 0) {
            return 0;
        }
    }
    return filter->state == NULL
               ? 0
               : err_set(err, ERR_RANGE,
                         "\"%s\" is no state of a device; online, offline or unknown",
                         filter->state);
}

void
listing_point(struct strbuf *out, const struct point *p, const struct point_now *now)
{
    char why[CAUSE_BYTES];
    char detail[DETAIL_BYTES];
    (void)detail_write(detail, now->quality, now->detail);
    strbuf_json_key(out, p->id);
    strbuf_add_char(out, '{');
    strbuf_json_num(out, "value",
                    now->last_good_ms != INSTANT_NONE ? now->value : (double)NAN);
    strbuf_json_str(out, "unit", p->unit);
    strbuf_json_str(out, "quality", quality_name(now->quality));
    strbuf_json_str(out, "detail", detail[0] != '\0' ? detail : NULL);
    strbuf_json_time(out, "last_good", now->last_good_ms);
    strbuf_json_str(out, "why", cause_describe(why, now->quality, now->detail));
    strbuf_add_char(out, '}');
}

bool
device_filter_fits(const struct device_filter *filter,
                   const struct device *d,
                   const char *state)
{
    return matches(filter->device, d->id) && matches(filter->type, d->type) &&
           matches(filter->state, state);
}
