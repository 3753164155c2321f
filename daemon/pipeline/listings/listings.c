#include "daemon/pipeline/listings/listings.h"

#include <math.h>
#include <string.h>

#include "collectors/detail.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/causes.h"
#include "daemon/pipeline/rows/report_rows.h"
#include "daemon/pipeline/rule/rule_points.h"

struct listing {
    const struct site *site;
    struct state *store;
    const struct alarm_filter *alarms;
    bool has_severity, has_state;
    enum severity severity;
    enum alarm_state alarm_state;
    enum language language;
    struct strbuf *out;
    bool first;
    int code;
    struct err *err;
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

/* ---- alarms ---- */

static void
add_device(struct strbuf *out, const struct device *d)
{
    const char *area = d != NULL ? report_area(d) : "";
    strbuf_json_str(out, "device_name", d != NULL ? d->name : NULL);
    strbuf_json_str(out, "location", d != NULL ? d->location : NULL);
    strbuf_json_str(out, "area", area[0] != '\0' ? area : NULL);
    strbuf_json_str(out, "device_type", d != NULL ? d->type : NULL);
}

static const char *
unit_of(const struct site *site, const struct rule_spec *rule, uint32_t device)
{
    uint32_t point = rule_points_judged(site, rule, device);
    return point != NONE_INDEX ? site->points[point].unit : NULL;
}

static void
add_rule(struct strbuf *out, const struct rule_spec *r, enum language language)
{
    const struct text none = {.in = {NULL}};
    strbuf_json_str(out, "cause", text_in(r != NULL ? &r->cause : &none, language));
    strbuf_json_str(out, "consequence",
                    text_in(r != NULL ? &r->consequence : &none, language));
    strbuf_json_str(out, "action", text_in(r != NULL ? &r->action : &none, language));
    strbuf_json_str(out, "procedure", r != NULL ? r->procedure : NULL);
    strbuf_json_str(out, "group", r != NULL ? r->group : NULL);
}

struct its_ticket {
    struct strbuf *out;
    const char *rule_team;
    bool found;
};

static bool
add_ticket(void *ctx, const struct ticket *t)
{
    struct its_ticket *of = ctx;
    const char *team = t->team[0] != '\0' ? t->team : of->rule_team;
    strbuf_json_time(of->out, "respond_by", t->respond_by_ms);
    strbuf_json_time(of->out, "resolve_by", t->resolve_by_ms);
    strbuf_json_str(of->out, "ticket_state", ticket_state_name(t->state));
    strbuf_json_str(of->out, "assignee", t->assignee[0] != '\0' ? t->assignee : NULL);
    strbuf_json_str(of->out, "team", team);
    of->found = true;
    return false;
}

static void
add_hiding(struct strbuf *out, const struct alarm *a)
{
    bool hidden = alarm_state_is_hidden(a->state);
    strbuf_json_str(out, "suppressed_by",
                    a->state == ALARM_SUPPRESSED ? a->hiding.by : NULL);
    strbuf_json_str(out, "hidden_why", hidden ? a->hiding.reason : NULL);
    strbuf_json_bool(out, "chattering", a->chatter);
}

int
listing_alarm(struct strbuf *out,
              const struct site *site,
              struct state *store,
              const struct alarm *a,
              enum language language,
              struct err *err)
{
    uint32_t device = site_device(site, a->device);
    uint32_t rule = site_rule(site, a->rule);
    const struct rule_spec *r = rule != NONE_INDEX ? &site->rules[rule] : NULL;
    struct its_ticket of = {.out = out, .rule_team = r != NULL ? r->team : NULL};
    int code = 0;
    alarm_to_json(out, a);
    titles_join_json(out, &a->titles);
    out->size--; /* More keys stand before the brace. */
    add_device(out, device != NONE_INDEX ? &site->devices[device] : NULL);
    add_rule(out, r, language);
    strbuf_json_str(out, "unit",
                    device != NONE_INDEX && r != NULL ? unit_of(site, r, device)
                                                      : NULL);
    if (a->ticket != 0 && store != NULL) {
        code = state_one_ticket(store, a->ticket, add_ticket, &of, err);
    }
    if (!of.found) {
        static const char *const keys[] = {"respond_by", "resolve_by", "ticket_state",
                                           "assignee"};
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            strbuf_json_str(out, keys[i], NULL);
        }
        strbuf_json_str(out, "team", of.rule_team);
    }
    add_hiding(out, a);
    strbuf_add_char(out, '}');
    return code;
}

static bool
add_alarm(void *ctx, const struct alarm *a)
{
    struct listing *l = ctx;
    if (matches(l->alarms->device, a->device) && matches(l->alarms->rule, a->rule) &&
        (!l->has_severity || l->severity == a->severity) &&
        (!l->has_state || l->alarm_state == a->state)) {
        separate(l);
        if (l->alarms->details) {
            l->code = listing_alarm(l->out, l->site, l->store, a, l->language, l->err);
        } else {
            alarm_to_json(l->out, a);
        }
    }
    return l->code == 0;
}

int
listing_alarms(const struct site *site,
               struct state *store,
               const struct alarm_filter *filter,
               struct strbuf *out,
               struct err *err)
{
    struct listing l = {.site = site,
                        .store = store,
                        .alarms = filter,
                        .out = out,
                        .first = true,
                        .language = site->language,
                        .err = err};
    l.has_severity = filter->severity != NULL;
    l.has_state = filter->state != NULL;
    if (filter->language != NULL && !catalogue_parse(&l.language, filter->language)) {
        return err_set(err, ERR_RANGE, "no language \"%.40s\"; en or zh-CN is accepted",
                       filter->language);
    }
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
    return code != 0 ? code : l.code;
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
listing_place(struct strbuf *out, const struct site *site, const struct device *d)
{
    const char *area = report_area(d);
    strbuf_json_str(out, "location", d->location);
    strbuf_json_str(out, "area", area[0] != '\0' ? area : NULL);
    strbuf_json_str(out, "parent",
                    d->parent != NONE_INDEX ? site->devices[d->parent].id : NULL);
}

void
listing_point(struct strbuf *out,
              const struct site *site,
              const struct point *p,
              const struct point_now *now,
              bool details)
{
    struct titles titles;
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
    if (details) {
        strbuf_json_str(out, "title", text_in(&p->title, site->language));
    }
    strbuf_add_char(out, '}');
    if (details) {
        titles_of_text(&titles, &p->title);
        titles_join_json(out, &titles);
    }
}

bool
device_filter_fits(const struct device_filter *filter,
                   const struct device *d,
                   const char *state)
{
    return matches(filter->device, d->id) && matches(filter->type, d->type) &&
           matches(filter->state, state);
}
