#include "daemon/pipeline/tuning/rule_trial.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/replay/device_lanes.h"
#include "daemon/pipeline/replay/replay_diff.h"
#include "daemon/pipeline/rule/rule_points.h"
#include "daemon/pipeline/tuning/trial_rules.h"
#include "daemon/pipeline/tuning/trial_tickets.h"
#include "daemon/store/history.h"
#include "rules/binding.h"
#include "rules/explain.h"

#define FRAMES_PER_LOOK 512
#define DAY_MS          INT64_C(86400000)
#define LIVES_MS_MIN    (7 * DAY_MS) /* Of the past, that hours() and starts() count. */

/* One side: the rules as they are, or as they would be. */
struct side {
    struct site site;        /* The caller's estate with these rules. */
    struct rule_spec *rules; /* Owned. */
    uint32_t rule;           /* Index of the one that is tried; NONE_INDEX: not here. */
    struct binding binding;
    struct sink sink;
    struct pipeline *pipeline;
    struct replay_alarms *alarms;
    struct trial_tickets tickets;
    const bool *told; /* By device: its alarms are compared. */
    bool *bound;      /* By device: the rule goes to it.  Owned. */
    int64_t *wanted;  /* By device: since when samples fill its windows.  Owned. */
};

struct trial {
    const struct rule_trial *asked;
    struct side sides[2];
    struct arena *arena;
    bool *bound;    /* By device: the rule goes to it, on either side. */
    bool *told;     /* ... its alarms may change. */
    bool *replayed; /* ... it is read. */
    int64_t from_ms, to_ms;
    struct device_lanes *lanes;
    int64_t filled_from_ms; /* Of the first frame that filled a window; INSTANT_NONE. */
    struct frame *own;      /* Room for one of FRAME_BYTES_MAX. */
    uint64_t frames, samples;
    int64_t began_ms;
};

/* ---- devices ---- */

/* What the rule reads on the device, and what hides it there, is needed too. */
static bool
need_sources(struct trial *t, const struct side *s, const struct bound *b)
{
    struct rule_points found = {.point_count = 0};
    const struct rule_spec *rule = &s->rules[b->rule];
    bool grown = false;
    rule_points_add(&found, t->arena, &s->site, rule, b->device);
    for (uint32_t i = 0; i < found.point_count; i++) {
        bool *needed = &t->replayed[s->site.points[found.points[i]].device];
        grown = grown || !*needed;
        *needed = true;
    }
    for (uint32_t i = 0; i < rule->suppressed_by_count; i++) {
        char id[ID_BYTES_MAX];
        const char *slash = strchr(rule->suppressed_by[i], '/');
        size_t size = slash != NULL ? (size_t)(slash - rule->suppressed_by[i]) : 0;
        if (size == 0 || size >= sizeof id) {
            continue;
        }
        memcpy(id, rule->suppressed_by[i], size);
        id[size] = '\0';
        uint32_t device = site_device(&s->site, id);
        grown = grown || (device != NONE_INDEX && !t->replayed[device]);
        if (device != NONE_INDEX) {
            t->replayed[device] = true;
        }
    }
    return grown;
}

static void
find_devices(struct trial *t, bool others_matter)
{
    const struct site *site = t->asked->site;
    bool grown = true;
    for (uint32_t d = 0; d < site->device_count; d++) {
        const struct device *device = &site->devices[d];
        bool only =
            t->asked->device != NULL && strcmp(device->id, t->asked->device) != 0;
        t->bound[d] = t->bound[d] && !only;
        t->told[d] = t->bound[d] || (others_matter && !only);
        t->replayed[d] = t->told[d];
    }
    while (grown) {
        grown = false;
        for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
            const struct side *s = &t->sides[k];
            for (uint32_t i = 0; i < s->binding.count; i++) {
                if (t->replayed[s->binding.items[i].device]) {
                    grown = need_sources(t, s, &s->binding.items[i]) || grown;
                }
            }
        }
        for (uint32_t d = 0; d < site->device_count; d++) {
            uint32_t parent = site->devices[d].parent;
            if (t->replayed[d] && parent != NONE_INDEX && !t->replayed[parent]) {
                t->replayed[parent] = grown = true;
            }
        }
    }
}

/* ---- the two sides ---- */

static void
take_event(void *ctx, const struct event *e)
{
    struct side *s = ctx;
    uint32_t device = e->device != NULL ? site_device(&s->site, e->device) : NONE_INDEX;
    if (device != NONE_INDEX && s->told[device]) {
        replay_alarms_event(s->alarms, e);
        trial_tickets_event(&s->tickets, e);
    }
}

static bool
goes_anywhere(const struct side *s)
{
    bool any = false;
    for (uint32_t d = 0; d < s->site.device_count; d++) {
        any = any || s->bound[d];
    }
    return any;
}

/* A rule that goes nowhere names a point that is not there, as a rule: why it does not
 * go to the first device that it went to, or is meant for. */
static int
refuse_unbound(const struct trial *t, struct err *err)
{
    const struct side *after = &t->sides[1];
    struct strbuf why = {0};
    if (goes_anywhere(after) || !after->rules[after->rule].enabled) {
        return 0;
    }
    const struct applies_to *to = &after->rules[after->rule].applies_to;
    for (uint32_t d = 0; d < after->site.device_count && why.size == 0; d++) {
        bool was = goes_anywhere(&t->sides[0])
                       ? t->sides[0].bound[d]
                       : after->site.devices[d].role == DEVICE_EQUIPMENT;
        if (was && applies_to_device(to, &after->site.devices[d])) {
            strbuf_printf(&why, ": %s: ", after->site.devices[d].id);
            explain_unbound(&why, &after->site, d, after->rule);
        }
    }
    int code = err_set(err, ERR_RANGE, "the changed rule goes to no device%s",
                       strbuf_text(&why));
    strbuf_fini(&why);
    return code;
}

/* Also in the place of those that there are. */
static int
make_pipelines(struct trial *t, struct diags *diags, struct err *err)
{
    for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
        struct side *s = &t->sides[k];
        pipeline_free(s->pipeline);
        s->pipeline = pipeline_new(&s->site, &s->sink, 1, diags);
        if (s->pipeline == NULL) {
            return err_set(err, ERR_CONFIG, "the rule has errors");
        }
    }
    return 0;
}

static int
prepare_sides(struct trial *t, struct diags *diags, struct err *err)
{
    const struct rule_trial *asked = t->asked;
    size_t errors = diags->errors;
    bool others = false;
    for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
        struct side *s = &t->sides[k];
        s->bound = calloc((size_t)asked->site->device_count + 1, sizeof *s->bound);
        s->wanted = calloc((size_t)asked->site->device_count + 1, sizeof *s->wanted);
        if (s->bound == NULL || s->wanted == NULL) {
            return err_set(err, ERR_NOMEM, "no memory to try a rule");
        }
        s->rules = trial_rules_set(&s->site, asked->site, k == 1 ? asked->rule : NULL);
        s->rule = site_rule(&s->site, asked->rule->id);
        others =
            others || (s->rule != NONE_INDEX && trial_rules_hide(&s->site, s->rule));
    }
    for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
        struct side *s = &t->sides[k];
        trial_rules_leave_out(&s->site, s->rules, s->rule, others);
        binding_init(&s->binding, t->arena, &s->site, diags);
        for (uint32_t i = 0; i < s->binding.count; i++) {
            const struct bound *b = &s->binding.items[i];
            s->bound[b->device] = s->bound[b->device] || b->rule == s->rule;
            t->bound[b->device] = t->bound[b->device] || b->rule == s->rule;
        }
    }
    if (diags->errors != errors) {
        return err_set(err, ERR_CONFIG, "the rule has errors");
    }
    int code = refuse_unbound(t, err);
    if (code != 0) {
        return code;
    }
    find_devices(t, others);
    for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
        struct side *s = &t->sides[k];
        s->sink = (struct sink){.ctx = s, .event = take_event};
        s->told = t->told;
        s->alarms = replay_alarms_new();
        if (s->alarms == NULL) {
            return err_set(err, ERR_NOMEM, "no memory to try a rule");
        }
    }
    return make_pipelines(t, diags, err);
}

/* ---- frames ---- */

/* Whether it may go on, at time `t_ms` of what is replayed. */
static int
look_up(const struct trial *t, int64_t t_ms, struct err *err)
{
    const struct rule_trial *asked = t->asked;
    if (asked->cancel != NULL && atomic_load(asked->cancel)) {
        return err_set(err, ERR_REFUSED, "the trial of the rule was cancelled");
    }
    if (clock_mono_ms() - t->began_ms < asked->budget_ms) {
        return 0;
    }
    char done[INSTANT_TEXT_BYTES];
    char all[INSTANT_TEXT_BYTES];
    char budget[INSTANT_TEXT_BYTES];
    duration_format(done, t_ms > t->from_ms ? t_ms - t->from_ms : 0);
    duration_format(all, t->to_ms - t->from_ms);
    duration_format(budget, asked->budget_ms);
    return err_set(err, ERR_TIMEOUT,
                   "in %s only %s of %s of history were replayed; ask for a shorter "
                   "time (\"from\", \"to\") or for one \"device\"",
                   budget, done, all);
}

/* ---- the windows, filled from what was recorded before ---- */

/* From when on the devices that are replayed are wanted; t->from_ms: not before it. */
static int64_t
find_wanted(struct trial *t)
{
    int64_t span_ms = t->to_ms - t->from_ms;
    int64_t lives_ms = span_ms > LIVES_MS_MIN ? span_ms : LIVES_MS_MIN;
    int64_t earliest_ms = t->from_ms;
    for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
        struct side *s = &t->sides[k];
        struct rules *rules = pipeline_rules(s->pipeline);
        (void)rules_memory(rules, t->from_ms, s->wanted);
        rules_live_since(rules, t->from_ms - lives_ms, s->wanted);
        for (uint32_t d = 0; d < s->site.device_count; d++) {
            int64_t least_ms = t->from_ms - RULE_TRIAL_FILL_MS_MAX;
            s->wanted[d] = s->wanted[d] > least_ms ? s->wanted[d] : least_ms;
            if (t->replayed[d] && s->wanted[d] < earliest_ms) {
                earliest_ms = s->wanted[d];
            }
        }
    }
    return earliest_ms;
}

static void
fill(struct trial *t, const struct frame *f)
{
    for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
        if (f->t_ms >= t->sides[k].wanted[f->device]) {
            rules_warm(pipeline_rules(t->sides[k].pipeline), f);
            if (t->filled_from_ms == INSTANT_NONE) {
                t->filled_from_ms = f->t_ms;
            }
        }
    }
}

/* Reads up to the first frame of the time that is tried, which is in *next (NULL: there
 * is none).  ERR_TIMEOUT: a long past has taken as much of the budget as it may. */
static int
fill_windows(struct trial *t, const struct frame **next, struct err *err)
{
    int64_t until_ms = t->began_ms + t->asked->fill_ms;
    const struct frame *f;
    uint64_t seen = 0;
    int code = 0;
    while (code == 0 && (f = device_lanes_next(t->lanes, err)) != NULL &&
           f->t_ms < t->from_ms) {
        fill(t, f);
        if (++seen % FRAMES_PER_LOOK == 0) {
            code = look_up(t, f->t_ms, err);
            if (code == 0 && clock_mono_ms() >= until_ms) {
                code = ERR_TIMEOUT;
            }
        }
    }
    code = code == 0 ? err->code : code;
    for (size_t k = 0; code == 0 && k < ARRAY_LEN(t->sides); k++) {
        rules_warm_end(pipeline_rules(t->sides[k].pipeline), INSTANT_NONE, t->from_ms);
    }
    *next = f;
    return code;
}

/* As fill_windows(); where that takes too long, they begin empty. */
static int
begin_frames(struct trial *t,
             const struct frame **next,
             struct diags *diags,
             struct err *err)
{
    const struct site *site = t->asked->site;
    int64_t since_ms = find_wanted(t);
    int code = device_lanes_open(&t->lanes, site, t->replayed, since_ms, t->to_ms, err);
    if (code == 0 && since_ms < t->from_ms) {
        code = fill_windows(t, next, err);
        if (code != ERR_TIMEOUT || err->code != 0) {
            return code;
        }
        t->filled_from_ms = INSTANT_NONE;
        device_lanes_close(t->lanes);
        t->lanes = NULL;
        code = make_pipelines(t, diags, err);
        code = code == 0 ? device_lanes_open(&t->lanes, site, t->replayed, t->from_ms,
                                             t->to_ms, err)
                         : code;
    }
    *next = code == 0 ? device_lanes_next(t->lanes, err) : NULL;
    return code == 0 ? err->code : code;
}

/* ---- the time that is tried ---- */

static int
run_frames(struct trial *t, struct diags *diags, struct err *err)
{
    const struct frame *f = NULL;
    int code = begin_frames(t, &f, diags, err);
    while (code == 0 && f != NULL) {
        for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
            memcpy(t->own, f, frame_bytes(f->count)); /* It may be changed there. */
            pipeline_frame(t->sides[k].pipeline, t->own);
        }
        t->frames++;
        t->samples += f->count;
        code = t->frames % FRAMES_PER_LOOK == 0 ? look_up(t, f->t_ms, err) : 0;
        f = code == 0 ? device_lanes_next(t->lanes, err) : NULL;
        code = code == 0 ? err->code : code;
    }
    for (size_t k = 0; k < ARRAY_LEN(t->sides) && code == 0 && t->frames > 0; k++) {
        pipeline_advance(t->sides[k].pipeline, t->to_ms);
    }
    return code;
}

/* Nothing is known behind the newest sample. */
static int
settle_time(struct trial *t, struct err *err)
{
    struct history_reader *reader = NULL;
    int64_t newest_ms = INSTANT_NONE;
    t->from_ms = t->asked->from_ms;
    t->to_ms = t->asked->to_ms;
    if (t->from_ms >= t->to_ms || t->to_ms - t->from_ms > RULE_TRIAL_MS_MAX) {
        return err_set(err, ERR_RANGE,
                       "\"from\" must be before \"to\", by at most %d days",
                       (int)(RULE_TRIAL_MS_MAX / DAY_MS));
    }
    int code = history_reader_open(&reader, t->asked->site->data_dir, err);
    code = code == 0 ? history_newest(reader, &newest_ms, err) : code;
    history_reader_close(reader);
    if (code == ERR_NOT_FOUND || (code == 0 && newest_ms == INSTANT_NONE)) {
        return err_set(err, ERR_NOT_FOUND, "there is no history to replay");
    }
    t->to_ms = newest_ms < t->to_ms ? newest_ms : t->to_ms;
    return code;
}

/* ---- the answer ---- */

static void
add_counts(struct strbuf *out, const struct replay_diff_counts *c)
{
    strbuf_json_int(out, "same", (int64_t)c->same);
    strbuf_json_int(out, "gained", (int64_t)c->gained);
    strbuf_json_int(out, "lost", (int64_t)c->lost);
    strbuf_json_int(out, "moved", (int64_t)c->moved);
    strbuf_json_int(out, "before", (int64_t)(c->same + c->lost + c->moved));
    strbuf_json_int(out, "after", (int64_t)(c->same + c->gained + c->moved));
}

static void
add_places(struct strbuf *out, const struct replay_diff *diff)
{
    strbuf_json_key(out, "places");
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < diff->total_count; i++) {
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "device", diff->totals[i].device);
        strbuf_json_str(out, "rule", diff->totals[i].rule);
        add_counts(out, &diff->totals[i].counts);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

static void
add_tickets(struct strbuf *out, const struct trial *t)
{
    strbuf_json_key(out, "tickets");
    strbuf_add_char(out, '{');
    strbuf_json_key(out, "before");
    trial_tickets_json(out, &t->sides[0].tickets);
    strbuf_json_key(out, "after");
    trial_tickets_json(out, &t->sides[1].tickets);
    strbuf_add_char(out, '}');
}

/* Those of `these` that are not in `without` (NULL: none), as far as was asked. */
static void
add_ids(struct strbuf *out,
        const char *key,
        const struct trial *t,
        const bool *these,
        const bool *without)
{
    bool first = true;
    strbuf_json_key(out, key);
    strbuf_add_char(out, '[');
    for (uint32_t d = 0; d < t->asked->site->device_count; d++) {
        if (t->bound[d] && these[d] && (without == NULL || !without[d])) {
            strbuf_add(out, first ? "" : ",");
            strbuf_json_string(out, t->asked->site->devices[d].id);
            first = false;
        }
    }
    strbuf_add_char(out, ']');
}

static int
answer(struct trial *t, struct strbuf *out, struct err *err)
{
    struct replay_diff diff = {.totals = NULL};
    struct strbuf alarms = {0};
    size_t left_out = 0;
    int code = replay_diff_json(t->sides[0].alarms, t->sides[1].alarms,
                                RULE_TRIAL_ALARMS, &alarms, &left_out, &diff, err);
    if (code == 0) {
        strbuf_add_char(out, '{');
        strbuf_json_str(out, "rule", t->asked->rule->id);
        strbuf_json_int(out, "from", t->from_ms);
        strbuf_json_int(out, "to", t->to_ms);
        strbuf_json_str(out, "device", t->asked->device);
        strbuf_json_int(out, "frames", (int64_t)t->frames);
        strbuf_json_int(out, "samples", (int64_t)t->samples);
        strbuf_json_int(out, "took_ms", clock_mono_ms() - t->began_ms);
        add_ids(out, "devices", t, t->bound, NULL);
        add_ids(out, "devices_gained", t, t->sides[1].bound, t->sides[0].bound);
        add_ids(out, "devices_lost", t, t->sides[0].bound, t->sides[1].bound);
        strbuf_json_key(out, "counts");
        strbuf_add_char(out, '{');
        add_counts(out, &diff.all);
        strbuf_add_char(out, '}');
        add_places(out, &diff);
        strbuf_json_time(out, "filled_from", t->filled_from_ms);
        add_tickets(out, t);
        strbuf_json_key(out, "alarms");
        strbuf_add(out, strbuf_text(&alarms));
        strbuf_json_int(out, "left_out", (int64_t)left_out);
        strbuf_add_char(out, '}');
    }
    replay_diff_fini(&diff);
    strbuf_fini(&alarms);
    return code;
}

static void
fini(struct trial *t)
{
    device_lanes_close(t->lanes);
    for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
        pipeline_free(t->sides[k].pipeline);
        replay_alarms_free(t->sides[k].alarms);
        binding_fini(&t->sides[k].binding);
        free(t->sides[k].rules);
        free(t->sides[k].bound);
        free(t->sides[k].wanted);
    }
    free(t->own);
    free(t->bound);
    free(t->told);
    free(t->replayed);
    arena_free(t->arena);
}

int
rule_trial_run(const struct rule_trial *asked,
               struct strbuf *out,
               struct diags *diags,
               struct err *err)
{
    size_t devices = (size_t)asked->site->device_count + 1;
    struct trial t = {.asked = asked,
                      .arena = arena_new(),
                      .bound = calloc(devices, sizeof(bool)),
                      .told = calloc(devices, sizeof(bool)),
                      .replayed = calloc(devices, sizeof(bool)),
                      .own = malloc(FRAME_BYTES_MAX),
                      .filled_from_ms = INSTANT_NONE,
                      .began_ms = clock_mono_ms()};
    int code = 0;
    bool any = false;
    *err = (struct err){0};
    if (t.bound == NULL || t.told == NULL || t.replayed == NULL || t.own == NULL) {
        code = err_set(err, ERR_NOMEM, "no memory to try a rule");
    } else if (asked->device != NULL &&
               site_device(asked->site, asked->device) == NONE_INDEX) {
        code = err_set(err, ERR_NOT_FOUND, "there is no device \"%s\"", asked->device);
    }
    code = code == 0 ? prepare_sides(&t, diags, err) : code;
    code = code == 0 ? settle_time(&t, err) : code;
    for (uint32_t d = 0; d < asked->site->device_count && code == 0; d++) {
        any = any || t.bound[d];
    }
    if (code == 0 && !any) {
        code = err_set(err, ERR_NOT_FOUND, "the rule goes to none of these devices");
    }
    code = code == 0 ? run_frames(&t, diags, err) : code;
    code = code == 0 ? answer(&t, out, err) : code;
    fini(&t);
    return code;
}
