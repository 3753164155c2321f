#include "daemon/pipeline/replay/explain_past.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/listings/explain_json.h"
#include "daemon/pipeline/replay/replay.h"
#include "daemon/store/state.h"

struct past {
    const struct explain_past_options *options;
    struct strbuf *out;
    struct err *err;
    int code;
    int64_t from_ms; /* Where the samples begin. */
    int64_t at_ms;
    const char *device, *rule;                /* Ids. */
    struct strbuf events[EXPLAIN_EVENTS_MAX]; /* JSON; a ring. */
    uint64_t event_count;
    struct alarm before; /* The alarm as it was recorded before `from_ms`. */
    bool raised_before;
};

/* ---- which rules have a say ---- */

static bool
names_rule(const struct rule_spec *spec, const char *id)
{
    for (uint32_t i = 0; i < spec->suppressed_by_count; i++) {
        const char *slash = strchr(spec->suppressed_by[i], '/');
        if (strcmp(slash != NULL ? slash + 1 : spec->suppressed_by[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* The rule, what may suppress it, and what suppresses that; all else has no say in its
 * alarm, and would only make a longer past necessary. */
static void
leave_only_related(struct site *site, uint32_t rule)
{
    bool *related = calloc((size_t)site->rule_count + 1, sizeof *related);
    bool more = true;
    if (related == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < site->rule_count; i++) {
        related[i] = i == rule || site->rules[i].suppresses_children;
    }
    while (more) {
        more = false;
        for (uint32_t i = 0; i < site->rule_count; i++) {
            for (uint32_t k = 0; related[i] && k < site->rule_count; k++) {
                if (!related[k] && names_rule(&site->rules[i], site->rules[k].id)) {
                    related[k] = more = true;
                }
            }
        }
    }
    for (uint32_t i = 0; i < site->rule_count; i++) {
        site->rules[i].enabled = site->rules[i].enabled && related[i];
    }
    free(related);
}

/* ---- its events ---- */

static void
keep_event(struct past *p, const char *json)
{
    struct strbuf *place = &p->events[p->event_count++ % EXPLAIN_EVENTS_MAX];
    strbuf_clear(place);
    strbuf_add(place, json);
}

static bool
is_ours(const struct past *p, const char *device, const char *rule)
{
    return device != NULL && rule != NULL && strcmp(device, p->device) == 0 &&
           strcmp(rule, p->rule) == 0;
}

static void
take_event(void *ctx, const struct event *e)
{
    struct past *p = ctx;
    if (p->options->log_count > 0 && is_ours(p, e->device, e->rule)) {
        struct strbuf json = {0};
        event_to_json(&json, e, NULL);
        keep_event(p, strbuf_text(&json));
        strbuf_fini(&json);
    }
}

/* Keeps what the alarm was before the samples begin. */
static void
follow_alarm(struct past *p, const struct event_row *row)
{
    struct alarm *a = &p->before;
    enum event_kind kind;
    if (row->t_ms >= p->from_ms || !event_kind_parse(&kind, row->name)) {
        return;
    }
    json_t *root = json_loads(row->json, 0, NULL);
    if (kind == EVENT_ALARM_CLEARED) {
        p->raised_before = false;
    } else if (kind == EVENT_ALARM_RAISED || kind == EVENT_ALARM_CHANGED) {
        const char *severity = json_string_value(json_object_get(root, "severity"));
        const json_t *value = json_object_get(root, "value");
        if (severity != NULL && severity_parse(&a->severity, severity)) {
            p->raised_before = true;
            a->raised_ms = kind == EVENT_ALARM_RAISED ? row->t_ms : a->raised_ms;
            a->acked_ms = kind == EVENT_ALARM_RAISED ? INSTANT_NONE : a->acked_ms;
        }
        a->episode = json_integer_value(json_object_get(root, "episode"));
        a->has_value = json_is_number(value);
        a->value = json_number_value(value);
    } else if (kind == EVENT_ALARM_ACKNOWLEDGED) {
        const char *by = json_string_value(json_object_get(root, "by"));
        a->acked_ms = row->t_ms;
        (void)snprintf(a->acked_by, sizeof a->acked_by, "%s", by != NULL ? by : "");
    }
    json_decref(root);
}

static bool
take_row(void *ctx, const struct event_row *row)
{
    struct past *p = ctx;
    if (row->t_ms <= p->at_ms && is_ours(p, row->device, row->rule)) {
        keep_event(p, row->json);
        follow_alarm(p, row);
    }
    return true;
}

static int
read_record(struct past *p, struct err *err)
{
    struct state *store = NULL;
    int code = state_open(&store, p->options->site->data_dir, STORE_READ, err);
    if (code == ERR_NOT_FOUND) {
        return 0;
    }
    if (code == 0) {
        code = state_each_event(store, 0, 0, take_row, p, err);
    }
    state_close(store);
    return code;
}

/* ---- the samples ---- */

/* The samples say nothing of an alarm that was raised before them and stands in its
 * deadband; the record does. */
static void
restore(struct past *p, struct pipeline *pipeline)
{
    const struct site *site = p->options->site;
    const struct rule_spec *spec = &site->rules[p->options->rule];
    int level = (int)spec->level_count - 1;
    if (!p->raised_before || p->from_ms == INSTANT_NONE) {
        return;
    }
    for (uint32_t k = spec->level_count; k-- > 0;) {
        level = spec->levels[k].severity >= p->before.severity ? (int)k : level;
    }
    p->before.device = p->device;
    p->before.rule = p->rule;
    p->before.cleared_ms = INSTANT_NONE;
    p->before.state =
        p->before.acked_ms != INSTANT_NONE ? ALARM_ACTIVE_ACKED : ALARM_ACTIVE;
    struct rule_state s = {.device = p->options->device,
                           .rule = p->options->rule,
                           .phase = RULE_RAISED,
                           .level = level,
                           .target_level = level,
                           .since_ms = p->before.raised_ms,
                           .while_last_ms = INSTANT_NONE};
    if (pipeline_restore_timer(pipeline, &s, p->from_ms)) {
        (void)pipeline_restore_alarm(pipeline, &p->before);
    }
}

static void
look(void *ctx, struct pipeline *pipeline, bool at_end)
{
    struct past *p = ctx;
    const struct explain_past_options *o = p->options;
    bool log = o->log_count > 0;
    struct explain_origin origin = {.source = log ? "log" : "history",
                                    .from_ms = log ? INSTANT_NONE : p->from_ms};
    if (!at_end) {
        restore(p, pipeline);
        return;
    }
    if (pipeline_now(pipeline) == INSTANT_NONE) {
        p->code = err_set(p->err, ERR_NOT_FOUND,
                          "nothing of this site's devices was recorded");
        return;
    }
    struct strbuf events = {0};
    uint64_t first =
        p->event_count > EXPLAIN_EVENTS_MAX ? p->event_count - EXPLAIN_EVENTS_MAX : 0;
    strbuf_add_char(&events, '[');
    for (uint64_t i = first; i < p->event_count; i++) {
        strbuf_add(&events, i > first ? "," : "");
        strbuf_add(&events, strbuf_text(&p->events[i % EXPLAIN_EVENTS_MAX]));
    }
    strbuf_add_char(&events, ']');
    origin.events = strbuf_text(&events);
    p->code = explain_json(p->out, pipeline, o->site, o->rule, o->device, o->now_ms,
                           &origin, p->err);
    strbuf_fini(&events);
}

/* From when the history is to be read. */
static int
find_from(struct past *p, struct diags *diags, struct err *err)
{
    if (p->options->from_ms != INSTANT_NONE) {
        p->from_ms = p->options->from_ms;
        return 0;
    }
    struct rules *rules = rules_new(p->options->site, diags);
    if (rules == NULL) {
        return err_set(err, ERR_CONFIG, "the rules have errors");
    }
    int64_t *wanted =
        calloc((size_t)p->options->site->device_count + 1, sizeof *wanted);
    if (wanted == NULL) {
        rules_free(rules);
        return err_set(err, ERR_NOMEM, "no memory for an explanation");
    }
    int64_t memory_ms = rules_memory(rules, p->at_ms, wanted);
    free(wanted);
    p->from_ms = (memory_ms < p->at_ms ? memory_ms : p->at_ms) - EXPLAIN_BEFORE_MS;
    rules_free(rules);
    return 0;
}

static int
prepare_history(struct past *p, struct diags *diags, struct err *err)
{
    leave_only_related(p->options->site, p->options->rule);
    int code = find_from(p, diags, err);
    return code != 0 ? code : read_record(p, err);
}

int
explain_past(struct strbuf *out,
             const struct explain_past_options *options,
             struct diags *diags,
             struct err *err)
{
    bool log = options->log_count > 0;
    struct past p = {.options = options,
                     .out = out,
                     .err = err,
                     .from_ms = INSTANT_NONE,
                     .at_ms = options->at_ms,
                     .device = options->site->devices[options->device].id,
                     .rule = options->site->rules[options->rule].id,
                     .before = {.acked_ms = INSTANT_NONE, .raised_ms = INSTANT_NONE}};
    int code = 0;
    if (!log) {
        p.at_ms = options->at_ms != INSTANT_NONE ? options->at_ms : options->now_ms;
        code = prepare_history(&p, diags, err);
    }
    struct replay_history history = {.from_ms = p.from_ms, .to_ms = p.at_ms};
    struct replay_options replay = {.map = options->map,
                                    .bus = options->bus,
                                    .logs = options->logs,
                                    .log_count = options->log_count,
                                    .history = log ? NULL : &history,
                                    .stale_after_ms = options->stale_after_ms,
                                    .until_ms = p.at_ms,
                                    .progress = options->progress,
                                    .take_event = take_event,
                                    .take_ctx = &p,
                                    .look = look,
                                    .look_ctx = &p};
    struct replay_result result;
    if (code == 0) {
        code = replay_run(options->site, &replay, stdout, &result, diags, err);
    }
    for (int i = 0; i < EXPLAIN_EVENTS_MAX; i++) {
        strbuf_fini(&p.events[i]);
    }
    return code != 0 ? code : p.code;
}
