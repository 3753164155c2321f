#include "daemon/pipeline/rule_trial.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/replay_diff.h"
#include "daemon/pipeline/rule_points.h"
#include "daemon/store/history.h"
#include "daemon/store/history_frames.h"
#include "rules/binding.h"
#include "rules/explain.h"

#define LANES_MAX       32 /* Devices that are read one by one; of more, all are. */
#define FRAMES_PER_LOOK 512
#define DAY_MS          INT64_C(86400000)

/* One side: the rules as they are, or as they would be. */
struct side {
    struct site site;        /* The caller's estate with these rules. */
    struct rule_spec *rules; /* Owned. */
    uint32_t rule;           /* Index of the one that is tried; NONE_INDEX: not here. */
    struct binding binding;
    struct sink sink;
    struct pipeline *pipeline;
    struct replay_alarms *alarms;
    const bool *told; /* By device: its alarms are compared. */
    bool *bound;      /* By device: the rule goes to it.  Owned. */
};

struct trial {
    const struct rule_trial *asked;
    struct side sides[2];
    struct arena *arena;
    bool *bound;    /* By device: the rule goes to it, on either side. */
    bool *told;     /* ... its alarms may change. */
    bool *replayed; /* ... it is read. */
    int64_t from_ms, to_ms;
    struct history_frames *lanes[LANES_MAX];
    const struct frame *heads[LANES_MAX];
    uint32_t lane_count;
    struct frame *own; /* Room for one of FRAME_BYTES_MAX. */
    uint64_t frames, samples;
    int64_t began_ms;
};

/* ---- rules ---- */

/* Only an alarm that hides others makes them stand or fall with it. */
static bool
hides_others(const struct side *s, const struct rule_spec *rule)
{
    bool found = rule->suppresses_children;
    for (uint32_t r = 0; r < s->site.rule_count && !found; r++) {
        const struct rule_spec *other = &s->rules[r];
        for (uint32_t i = 0; i < other->suppressed_by_count && !found; i++) {
            const char *slash = strchr(other->suppressed_by[i], '/');
            const char *id = slash != NULL ? slash + 1 : other->suppressed_by[i];
            found = strcmp(id, rule->id) == 0;
        }
    }
    return found;
}

/* Marks the rules that hide `rule`, and those that hide them. */
static void
need_hiders(struct side *s, uint32_t rule, bool *needed)
{
    if (needed[rule]) {
        return;
    }
    needed[rule] = true;
    for (uint32_t i = 0; i < s->rules[rule].suppressed_by_count; i++) {
        const char *name = s->rules[rule].suppressed_by[i];
        const char *slash = strchr(name, '/');
        uint32_t hider = site_rule(&s->site, slash != NULL ? slash + 1 : name);
        if (hider != NONE_INDEX) {
            need_hiders(s, hider, needed);
        }
    }
}

/* Rules that have nothing to do with it are not run: their alarms are the same. */
static void
leave_out(struct side *s, bool others_matter)
{
    bool *needed = calloc((size_t)s->site.rule_count + 1, sizeof *needed);
    if (needed == NULL) {
        abort();
    }
    for (uint32_t r = 0; r < s->site.rule_count; r++) {
        if (others_matter || r == s->rule || s->rules[r].suppresses_children) {
            need_hiders(s, r, needed);
        }
    }
    for (uint32_t r = 0; r < s->site.rule_count; r++) {
        s->rules[r].enabled = s->rules[r].enabled && needed[r];
    }
    free(needed);
}

/* The site's rules, with `changed` (NULL: as they are) in its place. */
static void
copy_rules(struct side *s, const struct site *site, const struct rule_spec *changed)
{
    uint32_t count = 0;
    s->site = *site;
    s->rules = calloc((size_t)site->rule_count + 2, sizeof *s->rules);
    if (s->rules == NULL) {
        abort();
    }
    for (uint32_t r = 0; r < site->rule_count; r++) {
        int order = changed != NULL ? strcmp(changed->id, site->rules[r].id) : 1;
        if (order < 0) {
            s->rules[count++] = *changed;
            changed = NULL;
        }
        s->rules[count++] = order == 0 ? *changed : site->rules[r];
        changed = order == 0 ? NULL : changed;
    }
    if (changed != NULL) {
        s->rules[count++] = *changed;
    }
    s->site.rules = s->rules;
    s->site.rule_count = count;
}

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

static int
prepare_sides(struct trial *t, struct diags *diags, struct err *err)
{
    const struct rule_trial *asked = t->asked;
    size_t errors = diags->errors;
    bool others = false;
    for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
        struct side *s = &t->sides[k];
        s->bound = calloc((size_t)asked->site->device_count + 1, sizeof *s->bound);
        if (s->bound == NULL) {
            return err_set(err, ERR_NOMEM, "no memory to try a rule");
        }
        copy_rules(s, asked->site, k == 1 ? asked->rule : NULL);
        s->rule = site_rule(&s->site, asked->rule->id);
        others =
            others || (s->rule != NONE_INDEX && hides_others(s, &s->rules[s->rule]));
    }
    for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
        struct side *s = &t->sides[k];
        leave_out(s, others);
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
        s->pipeline = pipeline_new(&s->site, &s->sink, 1, diags);
        if (s->pipeline == NULL) {
            return err_set(err, ERR_CONFIG, "the rule has errors");
        }
        if (s->alarms == NULL) {
            return err_set(err, ERR_NOMEM, "no memory to try a rule");
        }
    }
    return 0;
}

/* ---- frames ---- */

static int
open_lane(struct trial *t, uint32_t device, struct err *err)
{
    const struct history_frames_options o = {.dir = t->asked->site->data_dir,
                                             .from_ms = t->from_ms,
                                             .to_ms = t->to_ms,
                                             .device = device};
    int code = history_frames_open(&t->lanes[t->lane_count], t->asked->site, &o, err);
    t->lane_count += code == 0;
    return code;
}

static int
open_lanes(struct trial *t, struct err *err)
{
    const struct site *site = t->asked->site;
    uint32_t wanted = 0;
    int code = 0;
    for (uint32_t d = 0; d < site->device_count; d++) {
        wanted += t->replayed[d];
    }
    if (wanted > LANES_MAX) {
        return open_lane(t, NONE_INDEX, err);
    }
    for (uint32_t d = 0; d < site->device_count && code == 0; d++) {
        code = t->replayed[d] ? open_lane(t, d, err) : 0;
    }
    return code;
}

/* The next of a lane that is of a device that is replayed. */
static int
move_on(struct trial *t, uint32_t lane, struct err *err)
{
    struct err late = {0};
    do {
        t->heads[lane] = history_frames_next(t->lanes[lane], &late);
    } while (t->heads[lane] != NULL && !t->replayed[t->heads[lane]->device]);
    return t->heads[lane] == NULL && late.code != 0
               ? err_set(err, late.code, "%s", late.text)
               : 0;
}

/* In order of time, then of device, as the history gives all of them together. */
static uint32_t
first_lane(const struct trial *t)
{
    uint32_t first = NONE_INDEX;
    for (uint32_t i = 0; i < t->lane_count; i++) {
        if (t->heads[i] != NULL &&
            (first == NONE_INDEX || t->heads[i]->t_ms < t->heads[first]->t_ms)) {
            first = i;
        }
    }
    return first;
}

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

static int
run_frames(struct trial *t, struct err *err)
{
    int code = 0;
    for (uint32_t i = 0; i < t->lane_count && code == 0; i++) {
        code = move_on(t, i, err);
    }
    for (uint32_t lane; code == 0 && (lane = first_lane(t)) != NONE_INDEX;) {
        const struct frame *f = t->heads[lane];
        for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
            memcpy(t->own, f, frame_bytes(f->count)); /* It may be changed there. */
            pipeline_frame(t->sides[k].pipeline, t->own);
        }
        t->frames++;
        t->samples += f->count;
        code = t->frames % FRAMES_PER_LOOK == 0 ? look_up(t, f->t_ms, err) : 0;
        code = code == 0 ? move_on(t, lane, err) : code;
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
    for (uint32_t i = 0; i < t->lane_count; i++) {
        history_frames_close(t->lanes[i]);
    }
    for (size_t k = 0; k < ARRAY_LEN(t->sides); k++) {
        pipeline_free(t->sides[k].pipeline);
        replay_alarms_free(t->sides[k].alarms);
        binding_fini(&t->sides[k].binding);
        free(t->sides[k].rules);
        free(t->sides[k].bound);
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
                      .began_ms = clock_mono_ms()};
    int code = 0;
    bool any = false;
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
    code = code == 0 ? open_lanes(&t, err) : code;
    code = code == 0 ? run_frames(&t, err) : code;
    code = code == 0 ? answer(&t, out, err) : code;
    fini(&t);
    return code;
}
