#include "daemon/pipeline/listings/explain_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/detail.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "rules/explain.h"

/* ---- names ---- */

static int
no_such(
    const char *what, const char *id, const char **ids, uint32_t count, struct err *err)
{
    const char *near = diag_nearest(id, ids, count);
    return err_set(err, ERR_NOT_FOUND,
                   near != NULL ? "there is no %s \"%s\"; did you mean \"%s\"?"
                                : "there is no %s \"%s\"",
                   what, id, near);
}

int
explain_find(const struct site *site,
             const char *rule_id,
             const char *device_id,
             uint32_t *rule,
             uint32_t *device,
             struct err *err)
{
    uint32_t most =
        site->rule_count > site->device_count ? site->rule_count : site->device_count;
    int code = 0;
    if (rule_id == NULL || device_id == NULL) {
        return err_set(err, ERR_USAGE, "a rule and a device are needed");
    }
    const char **ids = calloc((size_t)most + 1, sizeof *ids);
    if (ids == NULL) {
        return err_set(err, ERR_NOMEM, "explain");
    }
    *rule = site_rule(site, rule_id);
    *device = site_device(site, device_id);
    if (*rule == NONE_INDEX) {
        for (uint32_t i = 0; i < site->rule_count; i++) {
            ids[i] = site->rules[i].id;
        }
        code = no_such("rule", rule_id, ids, site->rule_count, err);
    } else if (*device == NONE_INDEX) {
        for (uint32_t i = 0; i < site->device_count; i++) {
            ids[i] = site->devices[i].id;
        }
        code = no_such("device", device_id, ids, site->device_count, err);
    }
    free(ids);
    return code;
}

static int
refuse_unbound(const struct site *site, uint32_t rule, uint32_t device, struct err *err)
{
    struct strbuf why = {0};
    explain_unbound(&why, site, device, rule);
    int code = err_set(err, ERR_NOT_FOUND, "rule \"%s\" is not for device \"%s\"%s%s",
                       site->rules[rule].id, site->devices[device].id,
                       why.size > 0 ? ": " : "", strbuf_text(&why));
    strbuf_fini(&why);
    return code;
}

/* ---- what the rules say ---- */

static void
add_value(struct strbuf *out, const char *key, double value, bool is_truth)
{
    if (is_truth && !isnan(value)) {
        strbuf_json_bool(out, key, value != 0);
    } else {
        strbuf_json_num(out, key, value);
    }
}

static const char *
kind_name(enum explain_kind k)
{
    static const char *const names[] = {[EXPLAIN_CONSTANT] = "constant",
                                        [EXPLAIN_POINT] = "point",
                                        [EXPLAIN_ONLINE] = "online",
                                        [EXPLAIN_QUALITY] = "quality",
                                        [EXPLAIN_AGE] = "age",
                                        [EXPLAIN_MEMORY] = "memory",
                                        [EXPLAIN_NUMBER] = "number",
                                        [EXPLAIN_COMPARISON] = "comparison",
                                        [EXPLAIN_NOT] = "not",
                                        [EXPLAIN_AND] = "and",
                                        [EXPLAIN_OR] = "or"};
    return names[k];
}

/* As deep as an expression may nest. */
static void
add_part(struct strbuf *out, const struct explain_part *p)
{
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "text", p->text);
    strbuf_json_str(out, "kind", kind_name(p->kind));
    if (p->kind == EXPLAIN_QUALITY) {
        strbuf_json_str(out, "value", p->word);
    } else {
        add_value(out, "value", p->value, p->is_truth);
    }
    strbuf_json_str_opt(out, "unit", p->unit);
    strbuf_json_str_opt(out, "why", p->why);
    if (p->first != NULL) {
        strbuf_json_key(out, "parts");
        strbuf_add_char(out, '[');
        for (const struct explain_part *s = p->first; s != NULL; s = s->next) {
            strbuf_add(out, s != p->first ? "," : "");
            add_part(out, s);
        }
        strbuf_add_char(out, ']');
    }
    strbuf_add_char(out, '}');
}

static void
add_condition(struct strbuf *out, const char *key, const struct explain_part *p)
{
    strbuf_json_key(out, key);
    if (p == NULL) {
        strbuf_add(out, "null");
    } else {
        add_part(out, p);
    }
}

static void
add_levels(struct strbuf *out, const struct explanation *e)
{
    strbuf_json_key(out, "levels");
    strbuf_add_char(out, '[');
    for (uint32_t k = 0; k < e->level_count; k++) {
        const struct explain_level *l = &e->levels[k];
        strbuf_add(out, k > 0 ? ",{" : "{");
        strbuf_json_str(out, "severity", severity_name(l->severity));
        strbuf_json_bool(out, "raised", l->raised);
        add_condition(out, "when", l->when);
        add_condition(out, "clear", l->clear);
        strbuf_json_time(out, "since", l->since_ms);
        strbuf_json_time(out, "due", l->due_ms);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

static void
add_points(struct strbuf *out, const struct site *site, const struct explanation *e)
{
    strbuf_json_key(out, "points");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < e->point_count; i++) {
        const struct explain_point *p = &e->points[i];
        const struct point *point = &site->points[p->point];
        bool any = p->latest.last_good_ms != INSTANT_NONE;
        char detail[DETAIL_BYTES];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "device", site->devices[point->device].id);
        strbuf_json_str(out, "point", point->id);
        add_value(out, "value", any ? p->latest.value : (double)NAN, p->is_truth);
        strbuf_json_str(out, "unit", point->unit);
        strbuf_json_str(out, "quality", quality_name(p->latest.quality));
        strbuf_json_str(out, "detail",
                        detail_write(detail, p->latest.quality, p->latest.detail));
        strbuf_json_bool(out, "known", p->known);
        strbuf_json_time(out, "last", p->latest.t_ms);
        strbuf_json_time(out, "last_good", p->latest.last_good_ms);
        strbuf_json_num(out, "age_s",
                        any ? (double)(e->t_ms - p->latest.last_good_ms) / 1000
                            : (double)NAN);
        strbuf_json_time(out, "stale_at", p->stale_ms);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

static void
add_kept(struct strbuf *out, const struct explain_memory *m)
{
    strbuf_json_num(out, "width_s",
                    m->width_ms > 0 ? (double)m->width_ms / 1000 : (double)NAN);
    if (m->kind == SERIES_WINDOW) {
        strbuf_json_int(out, "samples", m->samples);
        strbuf_json_time(out, "first", m->first_ms);
        strbuf_json_time(out, "last", m->last_ms);
        double covered = m->samples > 0 ? (double)(m->last_ms - m->first_ms) : 0;
        strbuf_json_num(out, "covered_s", covered / 1000);
        strbuf_json_num(out, "needed_s", (double)m->needed_ms / 1000);
    } else if (m->kind == SERIES_COUNT || m->kind == SERIES_TIME) {
        strbuf_json_num(out, "low", m->low);
        strbuf_json_num(out, "high", m->high); /* null: without an end. */
        strbuf_json_int(out, "starts", m->starts);
        strbuf_json_num(out, "true_s", (double)m->true_ms / 1000);
        strbuf_json_num(out, "unknown_s", (double)m->unknown_ms / 1000);
        strbuf_json_time(out, "last", m->last_ms);
    } else {
        strbuf_json_time(out, "since", m->since_ms);
        strbuf_json_time(out, "last", m->last_ms);
    }
}

static void
add_memories(struct strbuf *out, const struct explanation *e)
{
    static const char *const kinds[] = {
        [SERIES_WINDOW] = "window", [SERIES_COUNT] = "count",
        [SERIES_TIME] = "time",     [SERIES_HELD] = "held",
        [SERIES_HOURS] = "hours",   [SERIES_STARTS] = "starts",
        [SERIES_STUCK] = "stuck"};
    strbuf_json_key(out, "windows");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < e->memory_count; i++) {
        const struct explain_memory *m = &e->memories[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "text", m->text);
        strbuf_json_str(out, "kind", kinds[m->kind]);
        add_value(out, "value", m->value, m->kind == SERIES_STUCK);
        strbuf_json_str(out, "unit", m->unit);
        strbuf_json_str_opt(out, "why", m->why);
        add_kept(out, m);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

/* ---- what has become of it ---- */

static void
say_until(struct strbuf *out, int64_t until_ms)
{
    char text[INSTANT_TEXT_BYTES];
    if (until_ms != 0) {
        strbuf_printf(out, tr(" until %s"), instant_format_local(text, until_ms));
    }
}

/* The verdict of the rules, and what is done with it. */
static void
add_verdict(struct strbuf *out,
            const struct explanation *e,
            const struct alarm *alarm,
            const struct service *service)
{
    struct strbuf text = {0};
    if (alarm != NULL && alarm->returned_ms != 0) {
        strbuf_add(&text, tr("latched until somebody acknowledges it; its rule: "));
    }
    strbuf_add(&text, e->verdict);
    if (alarm != NULL && alarm->cleared_ms != INSTANT_NONE &&
        !alarm_state_is_hidden(alarm->state)) {
        strbuf_add(&text, tr("; its last episode is cleared, and not acknowledged"));
    }
    if (alarm != NULL && alarm_state_is_hidden(alarm->state)) {
        strbuf_printf(&text, tr("; hidden: %s by %s"), alarm_state_word(alarm->state),
                      alarm->hiding.by);
        say_until(&text, alarm->hiding.until_ms);
        if (alarm->hiding.reason[0] != '\0') {
            strbuf_printf(&text, " (%s)", tr(alarm->hiding.reason));
        }
    } else if (service != NULL) {
        strbuf_printf(&text, tr("; the device is out of service by %s"),
                      service->hiding.by);
        say_until(&text, service->hiding.until_ms);
    }
    strbuf_json_str(out, "verdict", strbuf_text(&text));
    strbuf_fini(&text);
}

static void
add_life(struct strbuf *out,
         const struct rule_spec *spec,
         const struct alarm *alarm,
         const struct service *service,
         int64_t ticket)
{
    bool again =
        alarm != NULL && alarm->state == ALARM_ACTIVE_ACKED && spec->realarm_ms > 0;
    strbuf_json_key(out, "alarm");
    if (alarm != NULL) {
        alarm_to_json(out, alarm);
    } else {
        strbuf_add(out, "null");
    }
    strbuf_json_bool(out, "latch", spec->latch);
    strbuf_json_time(out, "realarm_at",
                     again ? alarm->acked_ms + spec->realarm_ms : INSTANT_NONE);
    strbuf_json_key(out, "out_of_service");
    if (service != NULL) {
        service_to_json(out, service);
    } else {
        strbuf_add(out, "null");
    }
    strbuf_json_key(out, "ticket");
    if (ticket != 0) {
        strbuf_printf(out, "%lld", (long long)ticket);
    } else {
        strbuf_add(out, "null");
    }
    strbuf_json_key(out, "suppressed_by");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < spec->suppressed_by_count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        strbuf_json_string(out, spec->suppressed_by[i]);
    }
    strbuf_add_char(out, ']');
}

static void
add_head(struct strbuf *out,
         struct pipeline *p,
         const struct site *site,
         const struct explanation *e,
         const struct explain_origin *origin)
{
    static const char *const phases[] = {"normal", "pending", "raised", "clearing"};
    const struct rule_spec *spec = &site->rules[e->rule];
    int level = e->state.level;
    char title[TITLE_BYTES];
    rules_render(pipeline_rules(p), title, sizeof title,
                 text_in(&spec->title, site->language), e->device);
    strbuf_json_str(out, "rule", spec->id);
    strbuf_json_str(out, "device", site->devices[e->device].id);
    strbuf_json_str(out, "name", site->devices[e->device].name);
    strbuf_json_str(out, "title", title);
    strbuf_json_time(out, "time", e->t_ms);
    strbuf_json_str(out, "source", origin->source);
    strbuf_json_time(out, "from", origin->from_ms);
    strbuf_json_str(out, "phase", phases[e->state.phase]);
    strbuf_json_str(out, "severity",
                    level >= 0 ? severity_name(e->levels[level].severity) : NULL);
    strbuf_json_int(out, "hold_ms", spec->hold_ms);
    strbuf_json_int(out, "clear_hold_ms", spec->clear_hold_ms);
    strbuf_json_time(out, "judged_next",
                     e->due_ms != INSTANT_MAX ? e->due_ms : INSTANT_NONE);
}

int
explain_json(struct strbuf *out,
             struct pipeline *p,
             const struct site *site,
             uint32_t rule,
             uint32_t device,
             int64_t now_ms,
             const struct explain_origin *origin,
             struct err *err)
{
    struct explanation e;
    int64_t t_ms = pipeline_now(p) != INSTANT_NONE ? pipeline_now(p) : now_ms;
    if (!explain_rule(&e, pipeline_rules(p), device, rule, t_ms)) {
        return refuse_unbound(site, rule, device, err);
    }
    const struct alarm *alarm = alarms_get(pipeline_alarms(p), device, rule);
    const struct service *service = alarms_service(pipeline_alarms(p), device);
    int64_t ticket = tickets_open_number(pipeline_tickets(p), device, rule);
    if (ticket == 0 && alarm != NULL) {
        ticket = alarm->ticket; /* Of its group, or closed by now. */
    }
    strbuf_add_char(out, '{');
    add_head(out, p, site, &e, origin);
    add_condition(out, "while", e.while_);
    add_levels(out, &e);
    add_points(out, site, &e);
    add_memories(out, &e);
    add_life(out, &site->rules[rule], alarm, service, ticket);
    strbuf_json_key(out, "events");
    strbuf_add(out, origin->events != NULL ? origin->events : "[]");
    add_verdict(out, &e, alarm, service);
    strbuf_add_char(out, '}');
    explain_fini(&e);
    return 0;
}
