/* A case is replayed with its people's commands, and its events are collected. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/cause.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/replay/case_check.h"
#include "daemon/pipeline/replay/case_clock.h"
#include "daemon/pipeline/replay/replay.h"
#include "daemon/pipeline/replay/replay_source.h"

#define INLINE_DAY "2026-01-01" /* Day of inline samples that give no date. */

struct run {
    const struct replay_case *spec;
    struct site *site;
    struct arena *arena;
    struct pipeline *pipeline;
    struct replay_source *source; /* NULL: only inline samples. */
    struct case_event *events;
    size_t event_count, event_capacity;
    int64_t first_ms; /* Of the log's first row, or of the first inline sample. */
    uint32_t next_sample, next_command;
    const struct case_command **commands; /* In order of their resolved times. */
    struct frame *frame;
    FILE *out;
    unsigned failures;
    uint64_t bad_rows;
};

static const char *
keep_text(struct run *r, const char *text)
{
    return arena_strdup(r->arena, text);
}

static void
keep_event(void *ctx, const struct event *e)
{
    struct run *r = ctx;
    if (r->event_count == r->event_capacity) {
        r->event_capacity = r->event_capacity == 0 ? 64 : r->event_capacity * 2;
        struct case_event *grown =
            realloc(r->events, r->event_capacity * sizeof *grown);
        if (grown == NULL) {
            abort();
        }
        r->events = grown;
    }
    struct strbuf text = {0};
    char when[INSTANT_TEXT_BYTES];
    strbuf_printf(&text, "%s  ", instant_format_local(when, e->t_ms));
    event_to_text(&text, e);
    struct case_event *kept = &r->events[r->event_count++];
    *kept = (struct case_event){.event = *e, .text = arena_strdup(r->arena, text.text)};
    kept->event.device = keep_text(r, e->device);
    kept->event.rule = keep_text(r, e->rule);
    kept->event.deadline = keep_text(r, e->deadline);
    kept->event.plan = keep_text(r, e->plan);
    kept->event.assignee = keep_text(r, e->assignee);
    kept->event.to = keep_text(r, e->to);
    kept->event.by = keep_text(r, e->by);
    kept->event.team = keep_text(r, e->team);
    kept->event.category = keep_text(r, e->category);
    kept->event.cause = keep_text(r, e->cause);
    strbuf_fini(&text);
}

static void
on_bad_row(void *ctx, const struct loc *loc, const char *text)
{
    struct run *r = ctx;
    r->bad_rows++;
    fprintf(r->out, "  %s:%u: %s\n", loc->file, loc->line, text);
}

static int64_t
resolve(const struct run *r, const struct case_time *t)
{
    return case_clock_resolve(t, r->first_ms);
}

/* The case's own clock begins at the log's first row; without a log, at the first
 * inline sample, on INLINE_DAY when that has no date. */
static int
find_first(struct run *r, const struct frame *first, struct err *err)
{
    if (first != NULL) {
        r->first_ms = first->t_ms;
        return 0;
    }
    if (r->spec->sample_count == 0) {
        return err_set(err, ERR_CONFIG, "the log has no samples");
    }
    int code = instant_parse(&r->first_ms, INLINE_DAY, err);
    if (code == 0) {
        int64_t sample_ms = resolve(r, &r->spec->samples[0].at);
        r->first_ms = sample_ms;
    }
    return code;
}

static void
do_command(struct run *r, const struct case_command *c)
{
    struct command command = case_clock_command(c, r->first_ms);
    struct err err;
    if (pipeline_command(r->pipeline, &command, NULL, &err) != 0) {
        fprintf(r->out, tr("  %s:%u:%u: %s was refused: %s\n"), c->loc.file,
                c->loc.line, c->loc.column, command_kind_name(command.kind), err.text);
        r->failures++;
    }
}

/* People act before the frame of the same moment. */
static void
do_commands_until(struct run *r, int64_t t_ms)
{
    while (r->next_command < r->spec->command_count) {
        const struct case_command *c = r->commands[r->next_command];
        if (resolve(r, &c->at) > t_ms) {
            break;
        }
        do_command(r, c);
        r->next_command++;
    }
}

static bool
add_inline_reading(struct run *r, const struct case_sample *s)
{
    uint32_t device = site_device(r->site, s->device);
    uint32_t point =
        device != NONE_INDEX ? site_point(r->site, device, s->point) : NONE_INDEX;
    if (point == NONE_INDEX) {
        fprintf(r->out, tr("  %s:%u:%u: there is no point %s.%s\n"), s->loc.file,
                s->loc.line, s->loc.column, s->device, s->point);
        r->failures++;
        return false;
    }
    struct frame *f = r->frame;
    uint16_t at = f->count++;
    while (at > 0 && f->readings[at - 1].point > point) {
        f->readings[at] = f->readings[at - 1];
        at--;
    }
    f->device = device;
    f->readings[at] = (struct reading){
        .value = s->value, .point = point, .quality = (uint8_t)s->quality};
    return true;
}

/* Applies the inline samples at or before t_ms: those of one time and device together.
 */
static int64_t
apply_inline_until(struct run *r, int64_t t_ms)
{
    int64_t last_ms = INSTANT_NONE;
    while (r->next_sample < r->spec->sample_count) {
        const struct case_sample *first = &r->spec->samples[r->next_sample];
        int64_t at_ms = resolve(r, &first->at);
        if (at_ms > t_ms) {
            break;
        }
        *r->frame = (struct frame){.t_ms = at_ms};
        while (r->next_sample < r->spec->sample_count &&
               r->frame->count < FRAME_READINGS_MAX) {
            const struct case_sample *s = &r->spec->samples[r->next_sample];
            if (resolve(r, &s->at) != at_ms || strcmp(s->device, first->device) != 0) {
                break;
            }
            add_inline_reading(r, s);
            r->next_sample++;
        }
        do_commands_until(r, at_ms);
        if (r->frame->count > 0) {
            pipeline_frame(r->pipeline, r->frame);
        }
        last_ms = at_ms;
    }
    return last_ms;
}

static void
report_late_commands(struct run *r, int64_t end_ms)
{
    char when[INSTANT_TEXT_BYTES];
    for (; r->next_command < r->spec->command_count; r->next_command++) {
        const struct case_command *c = r->commands[r->next_command];
        fprintf(r->out, tr("  %s:%u:%u: %s comes after the end at %s; add until:\n"),
                c->loc.file, c->loc.line, c->loc.column,
                command_kind_name(c->command.kind), instant_format_local(when, end_ms));
        r->failures++;
    }
}

static int
play(struct run *r, struct err *err)
{
    const struct frame *f = r->source != NULL ? replay_source_next(r->source) : NULL;
    int code = find_first(r, f, err);
    if (code != 0) {
        return code;
    }
    r->commands = case_clock_order(r->arena, r->spec->commands, r->spec->command_count,
                                   r->first_ms);
    int64_t until_ms = resolve(r, &r->spec->until);
    int64_t limit_ms = until_ms != INSTANT_NONE ? until_ms : INSTANT_MAX;
    int64_t last_ms = r->first_ms;
    for (; f != NULL && f->t_ms <= limit_ms; f = replay_source_next(r->source)) {
        apply_inline_until(r, f->t_ms);
        do_commands_until(r, f->t_ms);
        memcpy(r->frame, f, frame_bytes(f->count));
        last_ms = f->t_ms;
        pipeline_frame(r->pipeline, r->frame);
    }
    if (r->source != NULL && f == NULL) {
        int64_t row_ms = replay_source_counts(r->source).last_ms;
        last_ms = row_ms > last_ms ? row_ms : last_ms; /* It had no sample in it. */
    }
    int64_t inline_ms = apply_inline_until(r, limit_ms);
    if (inline_ms > last_ms) {
        last_ms = inline_ms;
    }
    int64_t end_ms = until_ms != INSTANT_NONE ? until_ms : last_ms;
    do_commands_until(r, end_ms);
    report_late_commands(r, end_ms);
    pipeline_advance(r->pipeline, end_ms);
    return 0;
}

/* What names nothing can never come.  A "never" would hold then whatever happens: a
 * slip of the pen would pass for a test. */
static void
report_unknown(const struct run *r,
               const struct case_expect *x,
               const char *noun,
               const char *id,
               struct diags *diags)
{
    diags_add(diags, DIAG_ERROR, &x->loc,
              "expectation: %s \"%s\" does not exist; one of %s is accepted", noun, id,
              r->spec->site_file);
}

/* Whoever is not of the site's people has to act in the case. */
static bool
is_person(const struct run *r, const char *id)
{
    bool known = false;
    for (uint32_t i = 0; i < r->site->person_count; i++) {
        known = known || strcmp(r->site->people[i].id, id) == 0;
    }
    for (uint32_t i = 0; i < r->spec->command_count; i++) {
        const struct command *c = &r->spec->commands[i].command;
        known = known || strcmp(c->by, id) == 0 ||
                (c->assignee != NULL && strcmp(c->assignee, id) == 0);
    }
    return known;
}

static void
check_people(const struct run *r, const struct case_expect *x, struct diags *diags)
{
    const char *const people[] = {x->assignee, x->to, x->by};
    for (size_t i = 0; i < ARRAY_LEN(people); i++) {
        if (people[i] != NULL && !is_person(r, people[i])) {
            diags_add(diags, DIAG_ERROR, &x->loc,
                      "expectation: nobody is called \"%s\"; one of the people of %s, "
                      "or of the case's commands, is accepted",
                      people[i], r->spec->site_file);
        }
    }
}

static void
check_cause(const struct run *r, const struct case_expect *x, struct diags *diags)
{
    if (x->cause != NULL && !cause_is_known(r->site, x->cause)) {
        struct strbuf why = {0};
        cause_refuse(&why, r->site, x->cause);
        diags_add(diags, DIAG_ERROR, &x->loc, "expectation: %s", strbuf_text(&why));
        strbuf_fini(&why);
    }
}

static bool
expectations_name_what_is(const struct run *r, struct diags *diags)
{
    size_t errors = diags->errors;
    for (uint32_t i = 0; i < r->spec->expect_count; i++) {
        const struct case_expect *x = &r->spec->expects[i];
        if (x->device != NULL && site_device(r->site, x->device) == NONE_INDEX) {
            report_unknown(r, x, "device", x->device, diags);
        }
        if (x->rule != NULL && site_rule(r->site, x->rule) == NONE_INDEX) {
            report_unknown(r, x, "rule", x->rule, diags);
        }
        check_people(r, x, diags);
        check_cause(r, x, diags);
    }
    return diags->errors == errors;
}

static void
check(struct run *r)
{
    int64_t *at_ms = arena_array(r->arena, r->spec->expect_count + 1, sizeof *at_ms);
    for (uint32_t i = 0; i < r->spec->expect_count; i++) {
        at_ms[i] = resolve(r, &r->spec->expects[i].at);
    }
    const struct case_check c = {.spec = r->spec,
                                 .at_ms = at_ms,
                                 .events = r->events,
                                 .event_count = r->event_count,
                                 .out = r->out};
    r->failures += case_check(&c);
}

static int
run_loaded(struct run *r, struct diags *diags, struct err *err)
{
    struct sink sink = {.ctx = r, .event = keep_event};
    struct log_map *map = NULL;
    int code = 0;
    r->pipeline = pipeline_new(r->site, &sink, 1, diags);
    if (r->pipeline == NULL) {
        return err_set(err, ERR_CONFIG, "the rules have errors");
    }
    if (!expectations_name_what_is(r, diags)) {
        return err_set(err, ERR_CONFIG, "the case has errors");
    }
    if (r->spec->map_file != NULL) {
        map = config_load_map(r->spec->map_file, diags);
        if (map == NULL) {
            return err_set(err, ERR_CONFIG, "the map has errors");
        }
    }
    if (r->spec->log_count > 0) {
        const struct replay_source_options source = {.map = map,
                                                     .paths = r->spec->logs,
                                                     .count = r->spec->log_count,
                                                     .bad = on_bad_row,
                                                     .ctx = r};
        code = replay_source_open(&r->source, r->site, &source, err);
    }
    if (code == 0) {
        code = play(r, err);
    }
    if (code == 0) {
        check(r);
    }
    replay_source_close(r->source);
    log_map_free(map);
    return code;
}

int
replay_case_run(
    const char *path, FILE *out, bool *passed, struct diags *diags, struct err *err)
{
    struct run r = {.out = out, .arena = arena_new()};
    int code = 0;
    struct replay_case *spec = config_load_case(path, diags);
    r.spec = spec;
    if (spec != NULL) {
        r.site = config_load_site(spec->site_file, NULL, 0, diags);
        r.frame = malloc(FRAME_BYTES_MAX);
    }
    if (spec == NULL) {
        code = err_set(err, ERR_CONFIG, "the case has errors");
    } else if (r.site == NULL) {
        code = err_set(err, ERR_CONFIG, "its site has errors");
    } else if (r.frame == NULL) {
        code = err_set(err, ERR_NOMEM, "case");
    } else {
        code = run_loaded(&r, diags, err);
    }
    if (code != 0) { /* Many cases may be run at once. */
        err_wrap(err, "%s", path);
    } else {
        *passed = r.failures == 0 && r.bad_rows == 0;
        fprintf(out, "%s  %s: %s\n", *passed ? tr("ok    ") : tr("FAILED"), path,
                spec->title);
    }
    pipeline_free(r.pipeline);
    site_free(r.site);
    replay_case_free(spec);
    free(r.events);
    free(r.frame);
    arena_free(r.arena);
    return code;
}
