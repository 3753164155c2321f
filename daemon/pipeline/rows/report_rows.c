#include "daemon/pipeline/rows/report_rows.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/store/state_figures.h"
#include "daemon/store/state_watch.h"

#define WORD_BYTES (ID_BYTES_MAX + 1)

/* What stands while the events are read. */
struct standing {
    uint32_t device;  /* FIGURES_NONE: of none that is reported. */
    int64_t since_ms; /* INSTANT_NONE: it does not stand. */
};

/* The program did not run. */
struct silence {
    int64_t from_ms, to_ms;
};

struct reading {
    struct report_rows *rows;
    uint32_t *of_site; /* By device of the site: its number here, or FIGURES_NONE. */
    struct standing *offline, *out;
    struct report_names alarm_names; /* "device/rule" */
    struct standing *alarms;
    uint32_t alarm_room;
    struct silence *silences; /* In order of time. */
    size_t silence_count, silence_room;
    int64_t ticket, reopened_ms; /* Of the reopening that was read last. */
};

static void *
grown(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    *room = *room == 0 ? 256 : *room * 2;
    items = realloc(items, *room * size);
    if (items == NULL) {
        abort();
    }
    return items;
}

static void
add_span(struct report_rows *r,
         uint32_t device,
         enum figures_state state,
         int64_t from_ms,
         int64_t to_ms)
{
    if (device == FIGURES_NONE || from_ms >= to_ms) {
        return;
    }
    r->spans = grown(r->spans, r->span_count, &r->span_room, sizeof *r->spans);
    r->spans[r->span_count++] = (struct figures_span){device, state, from_ms, to_ms};
}

/* ---- equipment ---- */

const char *
report_area(const struct device *d)
{
    return d->ledger.area != NULL ? d->ledger.area
           : d->location != NULL  ? d->location
                                  : "";
}

static bool
wanted(const struct report_filter *f, const struct device *d)
{
    return (f->type == NULL || strcmp(f->type, d->type) == 0) &&
           (f->area == NULL || strcmp(f->area, report_area(d)) == 0) &&
           (f->device == NULL || strcmp(f->device, d->id) == 0);
}

static bool
is_filtered(const struct report_filter *f)
{
    return f->type != NULL || f->area != NULL || f->device != NULL;
}

static bool
take_devices(struct reading *x)
{
    struct report_rows *r = x->rows;
    size_t all = (size_t)r->site->device_count + 1;
    r->devices = calloc(all, sizeof *r->devices);
    r->site_devices = calloc(all, sizeof *r->site_devices);
    x->of_site = calloc(all, sizeof *x->of_site);
    x->offline = calloc(all, sizeof *x->offline);
    x->out = calloc(all, sizeof *x->out);
    if (r->devices == NULL || r->site_devices == NULL || x->of_site == NULL ||
        x->offline == NULL || x->out == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < r->site->device_count; i++) {
        const struct device *d = &r->site->devices[i];
        x->of_site[i] = FIGURES_NONE;
        if (wanted(&r->filter, d)) {
            x->of_site[i] = r->device_count;
            r->site_devices[r->device_count] = i;
            r->devices[r->device_count++] =
                (struct figures_device){.type = report_names_add(&r->types, d->type),
                                        .apart = d->role != DEVICE_EQUIPMENT};
        }
    }
    for (uint32_t i = 0; i < r->device_count; i++) {
        x->offline[i] = (struct standing){i, INSTANT_NONE};
        x->out[i] = (struct standing){i, INSTANT_NONE};
    }
    return true;
}

static uint32_t
device_of(const struct reading *x, const char *id)
{
    uint32_t index = id != NULL ? site_device(x->rows->site, id) : NONE_INDEX;
    return index != NONE_INDEX ? x->of_site[index] : FIGURES_NONE;
}

/* ---- events ---- */

/* The value of `key` in our own JSON: keys before any text of a person, and words that
 * need no escape.  False when it is not there. */
static bool
word_of(char *out, const char *json, const char *key)
{
    char start[40];
    int size = snprintf(start, sizeof start, "\"%s\":\"", key);
    const char *at = size > 0 ? strstr(json, start) : NULL;
    size_t i = 0;
    if (at == NULL) {
        return false;
    }
    for (at += size; *at != '"' && *at != '\0' && i + 1 < WORD_BYTES; at++) {
        out[i++] = *at;
    }
    out[i] = '\0';
    return *at == '"';
}

static void
begin(struct standing *s, int64_t t_ms)
{
    s->since_ms = s->since_ms == INSTANT_NONE ? t_ms : s->since_ms;
}

static void
end(struct report_rows *r, struct standing *s, enum figures_state state, int64_t t_ms)
{
    if (s->since_ms != INSTANT_NONE) {
        add_span(r, s->device, state, s->since_ms, t_ms);
        s->since_ms = INSTANT_NONE;
    }
}

static struct standing *
alarm_of(struct reading *x, const struct event_row *row)
{
    char name[2 * ID_BYTES_MAX + 2];
    uint32_t known = x->alarm_names.count;
    snprintf(name, sizeof name, "%s/%s", row->device, row->rule);
    uint32_t index = report_names_add(&x->alarm_names, name);
    if (index >= x->alarm_room) {
        x->alarm_room = x->alarm_room == 0 ? 256 : x->alarm_room * 2;
        x->alarms = realloc(x->alarms, x->alarm_room * sizeof *x->alarms);
        if (x->alarms == NULL) {
            abort();
        }
    }
    if (index == known) {
        x->alarms[index] = (struct standing){device_of(x, row->device), INSTANT_NONE};
    }
    return &x->alarms[index];
}

/* What is still to come has not stopped the device.  A rule that is gone from the site
 * saw faults, as far as anybody knows. */
static bool
is_prediction(const struct site *site, const char *rule)
{
    uint32_t index = site_rule(site, rule);
    return index != NONE_INDEX && site->rules[index].ticket_kind == TICKET_PREDICTED;
}

static void
take_alarm(struct reading *x, enum event_kind kind, const struct event_row *row)
{
    char word[WORD_BYTES];
    enum severity severity = SEVERITY_INFO;
    if (row->device == NULL || row->rule == NULL) {
        return;
    }
    struct standing *s = alarm_of(x, row);
    bool grave = kind != EVENT_ALARM_CLEARED && word_of(word, row->json, "severity") &&
                 severity_parse(&severity, word) && severity >= SEVERITY_URGENT &&
                 !is_prediction(x->rows->site, row->rule);
    if (grave) {
        begin(s, row->t_ms);
    } else {
        end(x->rows, s, FIGURES_DOWN, row->t_ms);
    }
}

/* The clock was put right: what stands began at another time than it showed then. */
static void
take_step(struct reading *x, const struct event_row *row)
{
    const char *at = strstr(row->json, "\"step_ms\":");
    int64_t step_ms = at != NULL ? strtoll(at + strlen("\"step_ms\":"), NULL, 10) : 0;
    struct report_rows *r = x->rows;
    struct standing *const lists[] = {x->offline, x->out, x->alarms};
    const uint32_t counts[] = {r->device_count, r->device_count, x->alarm_names.count};
    for (size_t list = 0; list < ARRAY_LEN(lists); list++) {
        for (uint32_t i = 0; i < counts[list]; i++) {
            struct standing *s = &lists[list][i];
            s->since_ms += s->since_ms != INSTANT_NONE ? step_ms : 0;
        }
    }
    size_t last = x->silence_count;
    while (last > 0 && x->silences[last - 1].to_ms > row->t_ms) {
        last--;
    }
    if (last > 0) { /* The run began then. */
        x->silences[last - 1].to_ms += step_ms;
    } else {
        r->first_ms += r->first_ms != INSTANT_NONE ? step_ms : 0;
    }
}

static bool
take_unwatched(void *ctx, const char *device, int64_t from_ms, int64_t to_ms)
{
    struct reading *x = ctx;
    if (device != NULL) {
        add_span(x->rows, device_of(x, device), FIGURES_UNSEEN, from_ms, to_ms);
        return true;
    }
    x->silences =
        grown(x->silences, x->silence_count, &x->silence_room, sizeof *x->silences);
    x->silences[x->silence_count++] = (struct silence){from_ms, to_ms};
    return true;
}

static struct figures_ticket *
ticket_of(const struct report_rows *r, int64_t number)
{
    size_t low = 0;
    size_t high = r->ticket_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->numbers[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < r->ticket_count && r->numbers[low] == number;
    return found ? &r->tickets[low] : NULL;
}

static void
take_breach(struct reading *x, const struct event_row *row)
{
    char word[WORD_BYTES];
    struct figures_ticket *t = ticket_of(x->rows, row->ticket);
    if (t != NULL && word_of(word, row->json, "deadline")) {
        t->respond_breached = t->respond_breached || strcmp(word, "respond") == 0;
        t->resolve_breached = t->resolve_breached || strcmp(word, "resolve") == 0;
    }
}

static void
take_overdue(struct reading *x, const struct event_row *row)
{
    char word[WORD_BYTES];
    struct report_rows *r = x->rows;
    uint32_t device = device_of(x, row->device);
    if (!word_of(word, row->json, "plan") ||
        (device == FIGURES_NONE && is_filtered(&r->filter))) {
        return;
    }
    r->overdue =
        grown(r->overdue, r->overdue_count, &r->overdue_room, sizeof *r->overdue);
    r->overdue[r->overdue_count++] =
        (struct figures_overdue){device, report_names_add(&r->plans, word), row->t_ms};
}

static bool
take_event(void *ctx, const struct event_row *row)
{
    struct reading *x = ctx;
    struct report_rows *r = x->rows;
    enum event_kind kind;
    if (!event_kind_parse(&kind, row->name)) {
        return true; /* Of a later version. */
    }
    uint32_t device = FIGURES_NONE;
    switch ((int)kind) {
    case EVENT_DEVICE_OFFLINE:
    case EVENT_DEVICE_ONLINE:
    case EVENT_DEVICE_OUT_OF_SERVICE:
    case EVENT_DEVICE_IN_SERVICE:
        device = device_of(x, row->device);
        break;
    case EVENT_ALARM_RAISED:
    case EVENT_ALARM_CHANGED:
    case EVENT_ALARM_CLEARED:
        take_alarm(x, kind, row);
        return true;
    case EVENT_TICKET_BREACHED:
        take_breach(x, row);
        return true;
    case EVENT_PLAN_OVERDUE:
        take_overdue(x, row);
        return true;
    case EVENT_CLOCK_STEPPED:
        take_step(x, row);
        return true;
    default:
        return true;
    }
    if (device == FIGURES_NONE) {
        return true;
    }
    if (kind == EVENT_DEVICE_OFFLINE) {
        begin(&x->offline[device], row->t_ms);
    } else if (kind == EVENT_DEVICE_ONLINE) {
        end(r, &x->offline[device], FIGURES_UNSEEN, row->t_ms);
    } else if (kind == EVENT_DEVICE_OUT_OF_SERVICE) {
        begin(&x->out[device], row->t_ms);
    } else {
        end(r, &x->out[device], FIGURES_OUT, row->t_ms);
    }
    return true;
}

/* What stands at the end of the records, and what lies outside of them. */
static void
end_all(struct reading *x)
{
    struct report_rows *r = x->rows;
    for (uint32_t i = 0; i < r->device_count; i++) {
        end(r, &x->offline[i], FIGURES_UNSEEN, INSTANT_MAX);
        end(r, &x->out[i], FIGURES_OUT, INSTANT_MAX);
        add_span(r, i, FIGURES_UNSEEN, INSTANT_NONE,
                 r->first_ms != INSTANT_NONE ? r->first_ms : INSTANT_MAX);
        add_span(r, i, FIGURES_UNSEEN,
                 r->last_ms != INSTANT_NONE ? r->last_ms : INSTANT_MAX, INSTANT_MAX);
        for (size_t k = 0; k < x->silence_count; k++) {
            add_span(r, i, FIGURES_UNSEEN, x->silences[k].from_ms,
                     x->silences[k].to_ms);
        }
    }
    for (uint32_t i = 0; i < x->alarm_names.count; i++) {
        /* Nobody knows whether it stands still. */
        end(r, &x->alarms[i], FIGURES_DOWN,
            r->last_ms != INSTANT_NONE ? r->last_ms : INSTANT_MAX);
    }
}

/* ---- tickets ---- */

static int64_t
cost_of_parts(const char *parts)
{
    json_t *root = parts != NULL ? json_loads(parts, 0, NULL) : NULL;
    int64_t cost = 0;
    size_t index = 0;
    const json_t *part = NULL;
    json_array_foreach(root, index, part)
    {
        int64_t one = 0; /* In whole units there; not a sum of money: nothing. */
        (void)money_from_number(&one, json_number_value(json_object_get(part, "cost")));
        cost += one;
    }
    json_decref(root);
    return cost;
}

static bool
take_ticket(void *ctx, const struct work_row *row)
{
    struct reading *x = ctx;
    struct report_rows *r = x->rows;
    uint32_t device = device_of(x, row->device);
    if (device == FIGURES_NONE && is_filtered(&r->filter)) {
        return true;
    }
    size_t room = r->ticket_room; /* The same for both arrays. */
    r->numbers = grown(r->numbers, r->ticket_count, &room, sizeof *r->numbers);
    r->tickets =
        grown(r->tickets, r->ticket_count, &r->ticket_room, sizeof *r->tickets);
    bool closed = row->state == TICKET_CLOSED;
    bool resolved = row->resolved_ms != INSTANT_NONE;
    const char *cause = row->cause != NULL ? row->cause : "";
    r->numbers[r->ticket_count] = row->number;
    r->tickets[r->ticket_count++] = (struct figures_ticket){
        .kind = row->kind,
        .priority = row->priority,
        .closed = closed,
        .false_alarm = closed && (strcmp(cause, "false-alarm") == 0 ||
                                  strcmp(cause, "no-fault-found") == 0),
        .device = device,
        .rule = report_names_add(&r->rules, row->rule),
        .category = report_names_add(&r->categories, row->category),
        .person = report_names_add(&r->people, row->person),
        .team = report_names_add(&r->teams, row->team),
        .cause = report_names_add(&r->causes, row->cause),
        .plan = report_names_add(&r->plans, row->plan),
        .opened_ms = row->opened_ms,
        .responded_ms = row->responded_ms,
        .resolved_ms = row->resolved_ms,
        .repair_ms = resolved ? row->resolved_ms - row->opened_ms : -1,
        .reopened = row->reopened,
        .minutes = row->minutes,
        .cost = row->cost,
        .parts_cost = cost_of_parts(row->parts),
        .rating = row->rating};
    return true;
}

/* A ticket that no alarm opened says itself that the device is down. */
static bool
tells_down(const struct figures_ticket *t)
{
    return (t->kind == TICKET_REPORTED || t->kind == TICKET_FAULT) &&
           t->rule == FIGURES_NONE && t->priority >= SEVERITY_URGENT && !t->false_alarm;
}

/* The last reopening that was read of a ticket was not followed by a resolving. */
static void
end_reopening(struct reading *x)
{
    struct figures_ticket *t =
        x->reopened_ms != INSTANT_NONE ? ticket_of(x->rows, x->ticket) : NULL;
    if (t != NULL) {
        t->repair_ms = -1;
        if (tells_down(t)) {
            add_span(x->rows, t->device, FIGURES_DOWN, x->reopened_ms,
                     x->rows->last_ms);
        }
    }
    x->reopened_ms = INSTANT_NONE;
}

static bool
take_reopening(void *ctx, const struct reopening_row *row)
{
    struct reading *x = ctx;
    if (x->ticket != row->ticket) {
        end_reopening(x);
        x->ticket = row->ticket;
    }
    struct figures_ticket *t = ticket_of(x->rows, row->ticket);
    if (t == NULL) {
        return true;
    }
    if (row->reopened && x->reopened_ms == INSTANT_NONE) {
        x->reopened_ms = row->t_ms;
    } else if (!row->reopened && x->reopened_ms != INSTANT_NONE) {
        t->repair_ms += row->t_ms - x->reopened_ms;
        if (tells_down(t)) {
            add_span(x->rows, t->device, FIGURES_DOWN, x->reopened_ms, row->t_ms);
        }
        x->reopened_ms = INSTANT_NONE;
    }
    return true;
}

static void
add_told(struct report_rows *r)
{
    for (size_t i = 0; i < r->ticket_count; i++) {
        const struct figures_ticket *t = &r->tickets[i];
        if (tells_down(t)) {
            add_span(r, t->device, FIGURES_DOWN, t->opened_ms,
                     t->resolved_ms != INSTANT_NONE ? t->resolved_ms : r->last_ms);
        }
    }
}

/* ---- all ---- */

static int
read_all(struct reading *x,
         struct state *state,
         int64_t from_ms,
         int64_t to_ms,
         struct err *err)
{
    struct report_rows *r = x->rows;
    int64_t event_ms = INSTANT_NONE;
    int code = state_get_born(state, &r->first_ms, err);
    code = code == 0 ? state_first_event(state, &event_ms, err) : code;
    /* A database from before its birth was noted, or imported events. */
    if (r->first_ms == INSTANT_NONE ||
        (event_ms != INSTANT_NONE && event_ms < r->first_ms)) {
        r->first_ms = event_ms;
    }
    code = code == 0 ? state_get_alive(state, &r->last_ms, err) : code;
    code =
        code == 0 ? state_each_work(state, from_ms, to_ms, take_ticket, x, err) : code;
    code = code == 0 ? state_each_unwatched(state, take_unwatched, x, err) : code;
    code = code == 0 ? state_each_figure_event(state, take_event, x, err) : code;
    if (code != 0) {
        return code;
    }
    end_all(x);
    add_told(r);
    code = state_each_reopening(state, take_reopening, x, err);
    end_reopening(x);
    return code;
}

int
report_rows_read(struct report_rows *out,
                 struct state *state,
                 const struct site *site,
                 const struct report_filter *filter,
                 int64_t from_ms,
                 int64_t to_ms,
                 struct err *err)
{
    struct reading x = {.rows = out, .reopened_ms = INSTANT_NONE};
    *out = (struct report_rows){.site = site, .filter = *filter};
    int code = take_devices(&x) ? read_all(&x, state, from_ms, to_ms, err)
                                : err_set(err, ERR_NOMEM, "no memory for the report");
    free(x.of_site);
    free(x.offline);
    free(x.out);
    free(x.alarms);
    free(x.silences);
    report_names_fini(&x.alarm_names);
    if (code != 0) {
        report_rows_fini(out);
    }
    return code;
}

void
report_rows_fini(struct report_rows *r)
{
    free(r->devices);
    free(r->site_devices);
    free(r->spans);
    free(r->tickets);
    free(r->numbers);
    free(r->overdue);
    report_names_fini(&r->types);
    report_names_fini(&r->rules);
    report_names_fini(&r->categories);
    report_names_fini(&r->people);
    report_names_fini(&r->teams);
    report_names_fini(&r->causes);
    report_names_fini(&r->plans);
    *r = (struct report_rows){0};
}

int
report_rows_figures(const struct report_rows *r,
                    int64_t from_ms,
                    int64_t to_ms,
                    const int64_t *part_ends,
                    uint32_t part_count,
                    struct figures *out,
                    struct err *err)
{
    const struct figures_input in = {.from_ms = from_ms,
                                     .to_ms = to_ms,
                                     .devices = r->devices,
                                     .device_count = r->device_count,
                                     .spans = r->spans,
                                     .span_count = r->span_count,
                                     .tickets = r->tickets,
                                     .ticket_count = r->ticket_count,
                                     .overdue = r->overdue,
                                     .overdue_count = r->overdue_count,
                                     .type_count = r->types.count,
                                     .rule_count = r->rules.count,
                                     .person_count = r->people.count,
                                     .team_count = r->teams.count,
                                     .cause_count = r->causes.count,
                                     .plan_count = r->plans.count,
                                     .part_ends = part_ends,
                                     .part_count = part_count};
    return figures_make(out, &in, err);
}
