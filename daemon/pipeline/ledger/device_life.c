#include "daemon/pipeline/ledger/device_life.h"
#include "daemon/pipeline/plan/plan_listing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/ledger/ledger_list.h"

#define HOUR_MS    3600000.0
#define HUNDREDTHS 100
#define LIMIT_MAX  1000000

/* Objects in the order in which they were added; printed from some point on. */
struct entry {
    int64_t t_ms;
    size_t at; /* Of what one time it keeps the order. */
    char *json;
};
struct entries {
    struct entry *items;
    size_t count, room;
};

struct costs {
    int64_t parts, work, minutes, tickets;
};

struct life {
    const struct site *site;
    const struct device *device;
    const struct ledger_book *book;
    struct entries open, faults, maintenance, planned, history, alarms, counters;
    struct costs costs[2]; /* Unplanned, planned. */
    struct strbuf plans;   /* JSON. */
    int64_t episodes;
};

static void
keep(struct entries *e, int64_t t_ms, struct strbuf *json)
{
    if (e->count == e->room) {
        e->room = e->room == 0 ? 16 : e->room * 2;
        struct entry *grown = realloc(e->items, e->room * sizeof *grown);
        if (grown == NULL) {
            abort();
        }
        e->items = grown;
    }
    e->items[e->count] = (struct entry){t_ms, e->count, strbuf_take(json)};
    e->count++;
}

static void
entries_fini(struct entries *e)
{
    for (size_t i = 0; i < e->count; i++) {
        free(e->items[i].json);
    }
    free(e->items);
}

static int
compare_entries(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    if (x->t_ms != y->t_ms) {
        return x->t_ms < y->t_ms ? -1 : 1;
    }
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The newest `limit` of them, 0: all. */
static void
add_entries(struct strbuf *out, const char *key, struct entries *e, int64_t limit)
{
    size_t from = limit > 0 && e->count > (size_t)limit ? e->count - (size_t)limit : 0;
    strbuf_json_key(out, key);
    strbuf_add_char(out, '[');
    if (e->count > 0) {
        qsort(e->items, e->count, sizeof e->items[0], compare_entries);
    }
    for (size_t i = from; i < e->count; i++) {
        strbuf_add(out, i > from ? "," : "");
        strbuf_add(out, e->items[i].json);
    }
    strbuf_add_char(out, ']');
}

static void
add_money(struct strbuf *out, const char *key, int64_t hundredths)
{
    strbuf_json_key(out, key);
    strbuf_printf(out, "%lld.%02lld", (long long)(hundredths / HUNDREDTHS),
                  (long long)(hundredths % HUNDREDTHS));
}

static const char *
or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static void
add_time(struct strbuf *out, const char *key, int64_t t_ms)
{
    if (t_ms != INSTANT_NONE && t_ms != 0) {
        strbuf_json_time(out, key, t_ms);
    }
}

/* ---- What happened, in order of time ---- */

static void
remember(struct life *l,
         int64_t t_ms,
         const char *what,
         int64_t number,
         const char *title,
         const struct titles *titles,
         const char *result)
{
    struct strbuf b = {0};
    strbuf_add_char(&b, '{');
    strbuf_json_time(&b, "t", t_ms);
    strbuf_json_str(&b, "what", what);
    if (number != 0) {
        strbuf_json_int(&b, "number", number);
    }
    strbuf_json_str(&b, "title", title);
    strbuf_json_str_opt(&b, "result", or_null(result));
    strbuf_add_char(&b, '}');
    if (titles != NULL) {
        titles_join_json(&b, titles);
    }
    keep(&l->history, t_ms, &b);
}

static void
remember_day(struct life *l,
             const char *day,
             const char *what,
             int64_t number,
             const char *title,
             const char *result)
{
    int32_t number_of_day;
    if (civil_parse_date(&number_of_day, day)) {
        remember(l, civil_instant(number_of_day, 0), what, number, title, NULL, result);
    }
}

/* ---- Tickets ---- */

static int64_t
parts_cost(const struct ticket *t)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < t->part_count; i++) {
        sum += t->parts[i].cost;
    }
    return sum;
}

static void
add_parts(struct strbuf *out, const struct ticket *t)
{
    strbuf_json_key(out, "parts");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < t->part_count; i++) {
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "name", t->parts[i].name);
        strbuf_json_int(out, "count", t->parts[i].count);
        add_money(out, "cost", t->parts[i].cost);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

static void
add_work(struct strbuf *out, const struct ticket *t)
{
    strbuf_json_str(out, "title", t->title);
    strbuf_json_str_opt(out, "symptom", or_null(t->symptom));
    strbuf_json_str_opt(out, "cause", or_null(t->cause));
    strbuf_json_str_opt(out, "treatment", or_null(t->resolution));
    if (t->part_count > 0) {
        add_parts(out, t);
    }
    if (t->minutes > 0) {
        strbuf_json_int(out, "minutes", t->minutes);
    }
    int64_t total = t->cost + parts_cost(t);
    if (total > 0) {
        add_money(out, "cost", t->cost);
        add_money(out, "total", total);
    }
    strbuf_json_str_opt(out, "by", or_null(t->assignee));
    if (t->reopened > 0) {
        strbuf_json_int(out, "reopened", t->reopened);
    }
    if (t->rating > 0) {
        strbuf_json_int(out, "rating", t->rating);
    }
}

static void
ticket_json(struct strbuf *out, const struct ticket *t)
{
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "number", t->number);
    strbuf_json_str(out, "kind", ticket_kind_name(t->kind));
    strbuf_json_str_opt(out, "rule", t->rule);
    strbuf_json_str(out, "priority", severity_name(t->priority));
    strbuf_json_str(out, "state", ticket_state_name(t->state));
    strbuf_json_str_opt(out, "plan", or_null(t->plan));
    add_time(out, "due_at", t->due_ms);
    add_time(out, "opened_at", t->opened_ms);
    add_time(out, "responded_at", t->responded_ms);
    add_time(out, "resolved_at", t->resolved_ms);
    add_time(out, "closed_at", t->closed_ms);
    add_work(out, t);
    strbuf_add_char(out, '}');
    titles_join_json(out, &t->titles);
}

static void
keep_planned(struct life *l, const struct ticket *t)
{
    struct strbuf b = {0};
    bool has_day = t->due_ms != 0 && t->due_ms != INSTANT_NONE;
    strbuf_add_char(&b, '{');
    strbuf_json_int(&b, "ticket", t->number);
    strbuf_json_str(&b, "plan", or_null(t->plan));
    strbuf_json_time(&b, "due_at", has_day ? t->due_ms : t->resolve_by_ms);
    strbuf_json_str(&b, "title", t->title);
    strbuf_json_str(&b, "by", or_null(t->assignee));
    strbuf_add_char(&b, '}');
    titles_join_json(&b, &t->titles);
    keep(&l->planned, has_day ? t->due_ms : t->resolve_by_ms, &b);
}

static bool
take_ticket(void *ctx, const struct ticket *t)
{
    struct life *l = ctx;
    struct strbuf b = {0};
    bool planned = t->kind == TICKET_PLANNED;
    bool done = t->state == TICKET_RESOLVED || t->state == TICKET_CLOSED;
    struct costs *c = &l->costs[planned];
    c->parts += parts_cost(t);
    c->work += t->cost;
    c->minutes += t->minutes;
    c->tickets++;
    ticket_json(&b, t);
    keep(t->state != TICKET_CLOSED ? &l->open
         : planned                 ? &l->maintenance
                                   : &l->faults,
         t->opened_ms, &b);
    if (planned && !done) {
        keep_planned(l, t);
        return true;
    }
    int64_t t_ms =
        planned && t->resolved_ms != INSTANT_NONE ? t->resolved_ms : t->opened_ms;
    remember(l, t_ms, planned ? "maintenance" : ticket_kind_name(t->kind), t->number,
             t->title, &t->titles, t->resolution);
    return true;
}

/* ---- Alarms and counters ---- */

static bool
take_alarm(void *ctx, const struct alarm *a)
{
    struct life *l = ctx;
    if (strcmp(a->device, l->device->id) != 0) {
        return true;
    }
    struct strbuf b = {0};
    strbuf_add_char(&b, '{');
    strbuf_json_str(&b, "rule", a->rule);
    strbuf_json_str(&b, "state", alarm_state_name(a->state));
    strbuf_json_str(&b, "severity", severity_name(a->severity));
    strbuf_json_int(&b, "episodes", a->episode);
    strbuf_json_time(&b, "raised_at", a->raised_ms);
    strbuf_add_char(&b, '}');
    keep(&l->alarms, 0, &b);
    l->episodes += a->episode;
    return true;
}

static double
hours_of(int64_t ms)
{
    return round((double)ms / HOUR_MS * 10) / 10;
}

static bool
take_meter(void *ctx, const struct meter_row *m)
{
    struct life *l = ctx;
    size_t size = strlen(l->device->id);
    if (strncmp(m->key, l->device->id, size) != 0 || m->key[size] != ' ') {
        return true;
    }
    const char *call = m->key + size + 1;
    bool hours = strncmp(call, "hours(", strlen("hours(")) == 0;
    if (!hours && strncmp(call, "starts(", strlen("starts(")) != 0) {
        return true;
    }
    struct strbuf b = {0};
    strbuf_add_char(&b, '{');
    strbuf_json_str(&b, "call", call);
    if (hours) {
        strbuf_json_num(&b, "hours", hours_of(m->true_ms));
        strbuf_json_num(&b, "since_service", hours_of(m->true_ms - m->service_ms));
    } else {
        strbuf_json_int(&b, "starts", m->starts);
        strbuf_json_int(&b, "since_service", m->starts - m->service_starts);
    }
    strbuf_add_char(&b, '}');
    keep(&l->counters, 0, &b);
    return true;
}

/* ---- The ledger ---- */

static void
add_alterations(struct life *l, struct strbuf *out)
{
    size_t count;
    const struct ledger_alteration *items = ledger_book_alterations(l->book, &count);
    bool first = true;
    strbuf_json_key(out, "alterations");
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct ledger_alteration *a = &items[i];
        if (strcmp(a->device, l->device->id) != 0) {
            continue;
        }
        strbuf_add(out, first ? "{" : ",{");
        first = false;
        strbuf_json_int(out, "number", a->number);
        strbuf_json_str(out, "day", a->day);
        strbuf_json_str(out, "what", a->what);
        strbuf_json_str(out, "effect", or_null(a->effect));
        strbuf_json_str(out, "made_by", or_null(a->made_by));
        strbuf_json_str(out, "by", a->by);
        strbuf_json_time(out, "added_at", a->added_ms);
        strbuf_add_char(out, '}');
        remember_day(l, a->day, "alteration", a->number, a->what, a->effect);
    }
    strbuf_add_char(out, ']');
}

static void
remember_ledger(struct life *l, uint32_t device)
{
    char installed[LEDGER_TEXT_BYTES];
    char maker[LEDGER_TEXT_BYTES];
    char model[LEDGER_TEXT_BYTES];
    struct strbuf b = {0};
    ledger_book_value(installed, l->book, device, LEDGER_INSTALLED);
    ledger_book_value(maker, l->book, device, LEDGER_MAKER);
    ledger_book_value(model, l->book, device, LEDGER_MODEL);
    strbuf_printf(&b, "%s%s%s", maker, maker[0] != '\0' && model[0] != '\0' ? " " : "",
                  model);
    remember_day(l, installed, "installed", 0,
                 b.size > 0 ? strbuf_text(&b) : l->device->name, NULL);
    strbuf_fini(&b);
    size_t count;
    const struct ledger_document *d = ledger_book_documents(l->book, &count);
    for (size_t i = 0; i < count; i++) {
        if (d[i].number > 0 && strcmp(d[i].device, l->device->id) == 0) {
            remember(l, d[i].added_ms, "document", d[i].number, d[i].title, NULL,
                     document_kind_name(d[i].kind));
        }
    }
}

/* ---- The whole ---- */

static void
add_device(const struct life *l, struct strbuf *out)
{
    static const char *const roles[] = {"equipment", "bus", "gateway"};
    const struct site *site = l->site;
    const struct device *d = l->device;
    strbuf_json_str(out, "id", d->id);
    strbuf_json_str(out, "name", d->name);
    strbuf_json_str(out, "type", d->type);
    strbuf_json_str(out, "role", roles[d->role]);
    strbuf_json_str(out, "location", d->location);
    strbuf_json_key(out, "tags");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < d->tag_count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        strbuf_json_string(out, d->tags[i]);
    }
    strbuf_add_char(out, ']');
    strbuf_json_int(out, "serves", d->serves);
    strbuf_json_int(out, "care", d->care);
    strbuf_json_str(out, "parent",
                    d->parent != NONE_INDEX ? site->devices[d->parent].id : NULL);
    strbuf_json_str(out, "bus", d->bus != NONE_INDEX ? site->buses[d->bus].id : NULL);
    if (d->bus != NONE_INDEX) {
        strbuf_json_int(out, "unit", d->unit);
    } else {
        strbuf_json_str(out, "unit", NULL);
    }
    strbuf_json_str(out, "profile", d->profile);
    strbuf_json_str(out, "currency", site->currency);
}

/* "[{...}]": the object of the only one. */
static void
add_state(struct strbuf *out, const char *listing)
{
    size_t size = listing != NULL ? strlen(listing) : 0;
    strbuf_json_key(out, "state");
    if (size <= strlen("[]")) {
        strbuf_add(out, "null");
    } else {
        strbuf_add_bytes(out, listing + 1, size - 2);
    }
}

static void
add_costs(struct strbuf *out, const char *key, const struct costs *c)
{
    strbuf_json_key(out, key);
    strbuf_add_char(out, '{');
    add_money(out, "parts", c->parts);
    add_money(out, "work", c->work);
    add_money(out, "total", c->parts + c->work);
    strbuf_json_int(out, "minutes", c->minutes);
    strbuf_json_int(out, "tickets", c->tickets);
    strbuf_add_char(out, '}');
}

static void
add_all_costs(const struct life *l, struct strbuf *out)
{
    const struct costs *c = l->costs;
    struct costs sum = {c[0].parts + c[1].parts, c[0].work + c[1].work,
                        c[0].minutes + c[1].minutes, c[0].tickets + c[1].tickets};
    add_costs(out, "costs", &sum);
    out->size--; /* Inside of it stand the two that it is the sum of. */
    add_costs(out, "unplanned", &c[0]);
    add_costs(out, "planned", &c[1]);
    strbuf_add_char(out, '}');
}

static int
gather(struct life *l, struct state *store, struct err *err)
{
    if (store == NULL) {
        return 0;
    }
    int code = state_tickets_after(store, TICKETS_OF_DEVICE, l->device->id, 0,
                                   take_ticket, l, err);
    if (code == 0) {
        code = state_each_alarm(store, false, take_alarm, l, err);
    }
    if (code == 0) {
        code = state_each_meter(store, take_meter, l, err);
    }
    return code;
}

static void
write_life(struct life *l,
           const struct ledger_use *uses,
           const struct life_options *options,
           struct strbuf *out)
{
    uint32_t device = (uint32_t)(l->device - l->site->devices);
    int32_t today = civil_day(options->now_ms);
    strbuf_add_char(out, '{');
    add_device(l, out);
    strbuf_json_key(out, "ledger");
    strbuf_add_char(out, '{');
    ledger_add_record(out, l->book, device, &uses[device], today);
    strbuf_add_char(out, '}');
    add_state(out, options->now);
    ledger_add_documents(out, l->book, l->device->id, true, today);
    add_alterations(l, out);
    remember_ledger(l, device);
    add_entries(out, "counters", &l->counters, 0);
    add_entries(out, "alarms", &l->alarms, 0);
    strbuf_json_int(out, "episodes", l->episodes);
    add_entries(out, "open_tickets", &l->open, 0);
    add_entries(out, "faults", &l->faults, options->limit);
    add_entries(out, "maintenance", &l->maintenance, options->limit);
    add_entries(out, "planned", &l->planned, 0);
    strbuf_json_key(out, "plans");
    strbuf_add(out, strbuf_text(&l->plans));
    add_all_costs(l, out);
    add_entries(out, "history", &l->history, options->limit);
    strbuf_add_char(out, '}');
}

int
device_life_json(const struct site *site,
                 struct state *store,
                 const char *id,
                 const struct life_options *options,
                 struct strbuf *out,
                 struct err *err)
{
    struct ledger_book *book = NULL;
    uint32_t device = site_device(site, id);
    if (device == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%s\"", id);
    }
    struct life l = {.site = site, .device = &site->devices[device]};
    struct ledger_use *uses = calloc((size_t)site->device_count + 1, sizeof *uses);
    if (uses == NULL) {
        return err_set(err, ERR_NOMEM, "%s", id);
    }
    int code = ledger_book_load(&book, site, store, uses, err);
    l.book = book;
    if (code == 0) {
        code = gather(&l, store, err);
    }
    if (code == 0) {
        code =
            listing_device_plans(store, site, device, options->now_ms, &l.plans, err);
    }
    if (code == 0) {
        write_life(&l, uses, options, out);
    }
    struct entries *all[] = {&l.open,    &l.faults, &l.maintenance, &l.planned,
                             &l.history, &l.alarms, &l.counters};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        entries_fini(all[i]);
    }
    strbuf_fini(&l.plans);
    ledger_book_free(book);
    free(uses);
    return code;
}

int
life_limit_parse(int64_t *out, const char *text, struct err *err)
{
    char *end = NULL;
    *out = 0;
    if (text == NULL) {
        return 0;
    }
    long long value = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > LIMIT_MAX) {
        return err_set(err, ERR_USAGE,
                       "the limit is a number from 1 to %d; 0 is no limit", LIMIT_MAX);
    }
    *out = value;
    return 0;
}
