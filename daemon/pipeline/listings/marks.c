#include "daemon/pipeline/listings/marks.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/plan/plan_listing.h"
#include "daemon/pipeline/rule/rule_points.h"
#include "daemon/store/state_events.h"

enum mark_kind {
    MARK_ALARM,
    MARK_TICKET,
    MARK_MAINTENANCE,
    MARK_SERVICE,
    MARK_OFFLINE
};

struct mark {
    int64_t t_ms, end_ms; /* `end_ms` INSTANT_MAX: it goes on. */
    enum mark_kind kind;
    bool moment; /* It has no length. */
    bool has_severity;
    enum severity severity;
    const char *state; /* Static; NULL: none. */
    char *text, *rule; /* Owned; NULL: none. */
    int64_t ticket;    /* 0: none. */
};

struct marks {
    const struct site *site;
    const struct device *device;
    struct mark *items;
    size_t count, room;
    int64_t from_ms, to_ms;
};

static struct mark *
add(struct marks *m, enum mark_kind kind, int64_t t_ms, int64_t end_ms)
{
    if (m->count == m->room) {
        m->room = m->room > 0 ? m->room * 2 : 64;
        struct mark *grown = realloc(m->items, m->room * sizeof *grown);
        if (grown == NULL) {
            abort();
        }
        m->items = grown;
    }
    struct mark *k = &m->items[m->count++];
    *k = (struct mark){.kind = kind, .t_ms = t_ms, .end_ms = end_ms};
    return k;
}

static char *
copy(const char *text)
{
    char *out = text != NULL ? strdup(text) : NULL;
    if (text != NULL && out == NULL) {
        abort();
    }
    return out;
}

/* The last of this kind (and rule) that goes on; NULL: none does. */
static struct mark *
standing(struct marks *m, enum mark_kind kind, const char *rule)
{
    for (size_t i = m->count; i > 0; i--) {
        struct mark *k = &m->items[i - 1];
        if (k->kind == kind && k->end_ms == INSTANT_MAX &&
            (rule == NULL || strcmp(k->rule, rule) == 0)) {
            return k;
        }
    }
    return NULL;
}

static void
end(struct marks *m, enum mark_kind kind, const char *rule, int64_t t_ms)
{
    struct mark *k = standing(m, kind, rule);
    if (k != NULL) {
        k->end_ms = t_ms > k->t_ms ? t_ms : k->t_ms;
    }
}

/* ---- from the journal ---- */

/* "{bearing}", where that is what the rule compares. */
static void
add_judged(struct strbuf *out,
           const struct site *site,
           uint32_t point,
           double value,
           const char *name,
           size_t size)
{
    char number[NUMBER_TEXT_BYTES];
    const char *id = point != NONE_INDEX ? site->points[point].id : "";
    if (isnan(value) || strlen(id) != size || memcmp(id, name, size) != 0) {
        strbuf_add(out, "…");
        return;
    }
    strbuf_add(out, number_format_short(number, value));
    if (site->points[point].unit != NULL) {
        strbuf_printf(out, " %s", site->points[point].unit);
    }
}

void
marks_rule_title(struct strbuf *out,
                 const struct site *site,
                 uint32_t rule,
                 uint32_t device,
                 double value)
{
    const struct rule_spec *r = &site->rules[rule];
    uint32_t judged = rule_points_judged(site, r, device);
    const char *text = text_in(&r->title, catalogue_language());
    for (text = text != NULL ? text : r->id; *text != '\0';) {
        const char *close = *text == '{' ? strchr(text, '}') : NULL;
        if (close == NULL) {
            strbuf_add_char(out, *text++);
            continue;
        }
        if (strncmp(text, "{device}", strlen("{device}")) == 0) {
            strbuf_add(out, site->devices[device].name);
        } else {
            add_judged(out, site, judged, value, text + 1, (size_t)(close - text) - 1);
        }
        text = close + 1;
    }
}

static void
take_severity(struct mark *k, const struct event_row *row)
{
    json_t *root = json_loads(row->json, 0, NULL);
    const char *word = json_string_value(json_object_get(root, "severity"));
    enum severity severity;
    if (word != NULL && severity_parse(&severity, word) &&
        (!k->has_severity || severity > k->severity)) {
        k->severity = severity; /* The highest it reached. */
        k->has_severity = true;
    }
    json_decref(root);
}

static void
begin_alarm(struct marks *m, const struct event_row *row)
{
    uint32_t rule = site_rule(m->site, row->rule);
    struct strbuf title = {0};
    end(m, MARK_ALARM, row->rule, row->t_ms); /* Its clearing was never told. */
    struct mark *k = add(m, MARK_ALARM, row->t_ms, INSTANT_MAX);
    k->rule = copy(row->rule);
    take_severity(k, row);
    if (rule != NONE_INDEX) {
        json_t *root = json_loads(row->json, 0, NULL);
        const json_t *value = json_object_get(root, "value");
        marks_rule_title(
            &title, m->site, rule, (uint32_t)(m->device - m->site->devices),
            json_is_number(value) ? json_number_value(value) : (double)NAN);
        json_decref(root);
    }
    k->text = title.size > 0 ? strbuf_take(&title) : copy(row->rule);
}

static void
begin_service(struct marks *m, const struct event_row *row)
{
    json_t *root = json_loads(row->json, 0, NULL);
    const char *note = json_string_value(json_object_get(root, "note"));
    end(m, MARK_SERVICE, NULL, row->t_ms);
    struct mark *k = add(m, MARK_SERVICE, row->t_ms, INSTANT_MAX);
    k->text = copy(note != NULL ? note : tr("out of service"));
    json_decref(root);
}

static bool
take_event(void *ctx, const struct event_row *row)
{
    struct marks *m = ctx;
    enum event_kind kind;
    if (row->t_ms > m->to_ms || !event_kind_parse(&kind, row->name)) {
        return true; /* After a step of the clock, earlier ones may follow. */
    }
    if (kind == EVENT_DEVICE_OFFLINE && standing(m, MARK_OFFLINE, NULL) == NULL) {
        add(m, MARK_OFFLINE, row->t_ms, INSTANT_MAX)->text = copy(tr("offline"));
    } else if (kind == EVENT_DEVICE_ONLINE) {
        end(m, MARK_OFFLINE, NULL, row->t_ms);
    } else if (kind == EVENT_DEVICE_OUT_OF_SERVICE) {
        begin_service(m, row);
    } else if (kind == EVENT_DEVICE_IN_SERVICE) {
        end(m, MARK_SERVICE, NULL, row->t_ms);
    } else if (row->rule == NULL) {
        return true;
    } else if (kind == EVENT_ALARM_RAISED) {
        begin_alarm(m, row);
    } else if (kind == EVENT_ALARM_CLEARED) {
        end(m, MARK_ALARM, row->rule, row->t_ms);
    } else if (kind == EVENT_ALARM_CHANGED) {
        struct mark *k = standing(m, MARK_ALARM, row->rule);
        if (k != NULL) {
            take_severity(k, row);
        }
    }
    return true;
}

/* ---- from the tables ---- */

struct rows_of {
    struct marks *m;
    bool *stands; /* By mark: its alarm's row says so. */
};

/* The row says it with its values, while it stands. */
static bool
take_alarm(void *ctx, const struct alarm *a)
{
    struct rows_of *of = ctx;
    if (strcmp(a->device, of->m->device->id) == 0 && alarm_is_raised(a)) {
        struct mark *k = standing(of->m, MARK_ALARM, a->rule);
        if (k != NULL) {
            of->stands[k - of->m->items] = true;
            free(k->text);
            k->text = copy(titles_in(&a->titles, catalogue_language(), a->title));
        }
    }
    return true;
}

/* Alarms that were raised while the ticket was open, or opened it, lead to it. */
static void
link_alarms(struct marks *m, const struct ticket *t)
{
    for (size_t i = 0; t->rule != NULL && i < m->count; i++) {
        struct mark *k = &m->items[i];
        if (k->kind == MARK_ALARM && strcmp(k->rule, t->rule) == 0 &&
            k->end_ms >= t->opened_ms &&
            (t->closed_ms == INSTANT_NONE || k->t_ms <= t->closed_ms)) {
            k->ticket = t->number;
        }
    }
}

static bool
take_ticket(void *ctx, const struct ticket *t)
{
    struct marks *m = ctx;
    struct mark *k = NULL;
    if (t->kind != TICKET_PLANNED) {
        k = add(m, MARK_TICKET, t->opened_ms,
                t->closed_ms != INSTANT_NONE ? t->closed_ms : INSTANT_MAX);
        k->state = ticket_state_name(t->state);
    } else if (t->resolved_ms != INSTANT_NONE) {
        k = add(m, MARK_MAINTENANCE, t->resolved_ms, t->resolved_ms);
        k->state = "done";
    } else {
        return true; /* Its plan tells of it. */
    }
    k->moment = k->kind == MARK_MAINTENANCE;
    k->has_severity = true;
    k->severity = t->priority;
    k->text = copy(titles_in(&t->titles, catalogue_language(), t->title));
    k->rule = copy(t->rule);
    k->ticket = t->number;
    link_alarms(m, t);
    return true;
}

static int
take_plans(struct marks *m, struct state *store, int64_t now_ms, struct err *err)
{
    struct strbuf text = {0};
    uint32_t device = (uint32_t)(m->device - m->site->devices);
    int code = listing_device_plans(store, m->site, device, now_ms, &text, err);
    json_t *plans = json_loads(strbuf_text(&text), 0, NULL);
    size_t i;
    json_t *plan;
    json_array_foreach(plans, i, plan)
    {
        int32_t day;
        const char *due = json_string_value(json_object_get(plan, "due"));
        if (code != 0 || due == NULL || !civil_parse_date(&day, due)) {
            continue;
        }
        int64_t t_ms = civil_instant(day, 0);
        struct mark *k = add(m, MARK_MAINTENANCE, t_ms, t_ms);
        k->moment = true;
        k->state =
            json_is_true(json_object_get(plan, "overdue")) ? "overdue" : "planned";
        const json_t *title = json_object_get(json_object_get(plan, "titles"),
                                              language_name(catalogue_language()));
        k->text = copy(
            json_string_value(title != NULL ? title : json_object_get(plan, "title")));
        k->ticket = json_integer_value(json_object_get(plan, "ticket"));
    }
    json_decref(plans);
    strbuf_fini(&text);
    return code;
}

static int
gather(struct marks *m, struct state *store, int64_t now_ms, struct err *err)
{
    if (store == NULL) {
        return 0;
    }
    int code = state_each_device_figure(store, m->device->id, take_event, m, err);
    bool *stands = calloc(m->count + 1, sizeof *stands);
    struct rows_of of = {m, stands};
    if (code == 0 && stands == NULL) {
        code = err_set(err, ERR_NOMEM, "marks");
    }
    code = code == 0 ? state_each_alarm(store, false, take_alarm, &of, err) : code;
    for (size_t i = 0; code == 0 && i < m->count; i++) {
        struct mark *k = &m->items[i];
        if (k->kind == MARK_ALARM && k->end_ms == INSTANT_MAX && !stands[i] &&
            m->to_ms >= now_ms) {
            k->end_ms = k->t_ms; /* Its rule is gone: until when is not known. */
        }
    }
    free(stands);
    code = code == 0 ? state_tickets_after(store, TICKETS_OF_DEVICE, m->device->id, 0,
                                           take_ticket, m, err)
                     : code;
    return code == 0 ? take_plans(m, store, now_ms, err) : code;
}

/* ---- writing ---- */

static bool
touches(const struct marks *m, const struct mark *k)
{
    return k->t_ms <= m->to_ms && k->end_ms >= m->from_ms;
}

static int
compare(const void *x, const void *y)
{
    const struct mark *a = x;
    const struct mark *b = y;
    if (a->t_ms != b->t_ms) {
        return a->t_ms < b->t_ms ? -1 : 1;
    }
    return a->kind != b->kind ? (a->kind > b->kind) - (a->kind < b->kind)
                              : (a->ticket > b->ticket) - (a->ticket < b->ticket);
}

static void
add_number_or_null(struct strbuf *out, const char *key, bool is_there, int64_t value)
{
    if (is_there) {
        strbuf_json_int(out, key, value);
    } else {
        strbuf_json_str(out, key, NULL);
    }
}

static void
add_mark(struct strbuf *out, const struct mark *k)
{
    static const char *const kinds[] = {"alarm", "ticket", "maintenance", "service",
                                        "offline"};
    char link[32 + ID_BYTES_MAX];
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "t", k->t_ms);
    add_number_or_null(out, "end", !k->moment && k->end_ms != INSTANT_MAX, k->end_ms);
    strbuf_json_str(out, "kind", kinds[k->kind]);
    strbuf_json_str(out, "severity",
                    k->has_severity ? severity_name(k->severity) : NULL);
    strbuf_json_str(out, "state", k->state);
    strbuf_json_str(out, "text", k->text);
    if (k->ticket != 0) {
        snprintf(link, sizeof link, "/tickets/%lld", (long long)k->ticket);
    } else {
        snprintf(link, sizeof link, "/rules/%.*s", ID_BYTES_MAX,
                 k->rule != NULL ? k->rule : "");
    }
    strbuf_json_str(out, "link", k->ticket != 0 || k->rule != NULL ? link : NULL);
    strbuf_json_str(out, "rule", k->rule);
    add_number_or_null(out, "ticket", k->ticket != 0, k->ticket);
    strbuf_add_char(out, '}');
}

static void
write_marks(struct strbuf *out, struct marks *m)
{
    size_t count = 0;
    size_t seen = 0;
    bool first = true;
    if (m->count > 0) {
        qsort(m->items, m->count, sizeof m->items[0], compare);
    }
    for (size_t i = 0; i < m->count; i++) {
        count += touches(m, &m->items[i]);
    }
    size_t skip = count > MARKS_MAX ? count - MARKS_MAX : 0;
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "device", m->device->id);
    strbuf_json_int(out, "from", m->from_ms);
    strbuf_json_int(out, "to", m->to_ms);
    strbuf_json_int(out, "more", (int64_t)skip);
    strbuf_json_key(out, "marks");
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < m->count; i++) {
        if (touches(m, &m->items[i]) && ++seen > skip) {
            strbuf_add(out, first ? "" : ",");
            add_mark(out, &m->items[i]);
            first = false;
        }
    }
    strbuf_add(out, "]}");
}

int
marks_json(struct strbuf *out,
           const struct site *site,
           struct state *store,
           uint32_t device,
           int64_t from_ms,
           int64_t to_ms,
           int64_t now_ms,
           struct err *err)
{
    struct marks m = {.site = site,
                      .device = &site->devices[device],
                      .from_ms = from_ms,
                      .to_ms = to_ms};
    int code = gather(&m, store, now_ms, err);
    if (code == 0) {
        write_marks(out, &m);
    }
    for (size_t i = 0; i < m.count; i++) {
        free(m.items[i].text);
        free(m.items[i].rule);
    }
    free(m.items);
    return code;
}
