/* A case is replayed with its people's commands, its events are collected, and each
 * expectation looks for one that fits it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collectors/log_reader.h"
#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/replay.h"

#define INLINE_DAY    "2026-01-01" /* Day of inline samples that give no date. */
#define NEAREST_SHOWN 3

struct kept {
    struct event event; /* Pointers are into the arena. */
    char *text;
};

struct run {
    const struct replay_case *spec;
    struct site *site;
    struct arena *arena;
    struct pipeline *pipeline;
    struct log_reader *reader;
    struct kept *events;
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
        struct kept *grown = realloc(r->events, r->event_capacity * sizeof *grown);
        if (grown == NULL) {
            abort();
        }
        r->events = grown;
    }
    struct strbuf text = {0};
    char when[INSTANT_TEXT_BYTES];
    strbuf_printf(&text, "%s  ", instant_format_local(when, e->t_ms));
    event_to_text(&text, e);
    struct kept *kept = &r->events[r->event_count++];
    *kept = (struct kept){.event = *e, .text = arena_strdup(r->arena, text.text)};
    kept->event.device = keep_text(r, e->device);
    kept->event.rule = keep_text(r, e->rule);
    kept->event.deadline = keep_text(r, e->deadline);
    strbuf_fini(&text);
}

static void
on_bad_row(void *ctx, const struct loc *loc, const char *text)
{
    struct run *r = ctx;
    r->bad_rows++;
    fprintf(r->out, "  %s:%u: %s\n", loc->file, loc->line, text);
}

/* Midnight, in the site's zone, of the day of `t_ms`. */
static int64_t
midnight_of(int64_t t_ms)
{
    time_t seconds = (time_t)(t_ms / 1000);
    struct tm tm;
    localtime_r(&seconds, &tm);
    tm.tm_hour = 0;
    tm.tm_min = 0;
    tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000;
}

/* The instant at which the site's clocks show what a clock in UTC shows at `shown_ms`.
 */
static int64_t
local_to_utc(int64_t shown_ms)
{
    char text[INSTANT_TEXT_BYTES];
    int64_t t_ms = shown_ms;
    instant_format_utc(text, shown_ms);
    text[strlen(text) - 1] = '\0'; /* Without its Z it is in the site's zone. */
    int code = instant_parse(&t_ms, text, NULL);
    assert(code == 0);
    return t_ms;
}

static int64_t
resolve(const struct run *r, const struct case_time *t)
{
    switch (t->kind) {
    case CASE_TIME_INSTANT:
        return t->ms;
    case CASE_TIME_LOCAL:
        return local_to_utc(t->ms);
    case CASE_TIME_OF_DAY:
        return midnight_of(r->first_ms) + t->ms;
    case CASE_TIME_AGE:
        return r->first_ms + t->ms;
    case CASE_TIME_NONE:
        break;
    }
    return INSTANT_NONE;
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

/* Ages, times of day and full instants may be mixed: only now can they be put in order.
 * An insertion sort keeps commands of one moment as they are written. */
static void
order_commands(struct run *r)
{
    r->commands =
        arena_array(r->arena, r->spec->command_count + 1, sizeof(*r->commands));
    for (uint32_t i = 0; i < r->spec->command_count; i++) {
        const struct case_command *c = &r->spec->commands[i];
        uint32_t at = i;
        while (at > 0 && resolve(r, &r->commands[at - 1]->at) > resolve(r, &c->at)) {
            r->commands[at] = r->commands[at - 1];
            at--;
        }
        r->commands[at] = c;
    }
}

static void
do_command(struct run *r, const struct case_command *c)
{
    struct command command = c->command;
    command.t_ms = resolve(r, &c->at);
    if (c->until.kind != CASE_TIME_NONE) {
        command.until_ms = resolve(r, &c->until);
    }
    struct err err;
    if (pipeline_command(r->pipeline, &command, NULL, &err) != 0) {
        fprintf(r->out, "  %s:%u:%u: %s was refused: %s\n", c->loc.file, c->loc.line,
                c->loc.column, command_kind_name(command.kind), err.text);
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
        fprintf(r->out, "  %s:%u:%u: there is no point %s.%s\n", s->loc.file,
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
        fprintf(r->out, "  %s:%u:%u: %s comes after the end at %s; add until:\n",
                c->loc.file, c->loc.line, c->loc.column,
                command_kind_name(c->command.kind), instant_format_local(when, end_ms));
        r->failures++;
    }
}

static int
play(struct run *r, struct err *err)
{
    const struct frame *f = r->reader != NULL ? log_reader_next(r->reader) : NULL;
    int code = find_first(r, f, err);
    if (code != 0) {
        return code;
    }
    order_commands(r);
    int64_t until_ms = resolve(r, &r->spec->until);
    int64_t limit_ms = until_ms != INSTANT_NONE ? until_ms : INSTANT_MAX;
    int64_t last_ms = r->first_ms;
    for (; f != NULL && f->t_ms <= limit_ms; f = log_reader_next(r->reader)) {
        apply_inline_until(r, f->t_ms);
        do_commands_until(r, f->t_ms);
        memcpy(r->frame, f, frame_bytes(f->count));
        last_ms = f->t_ms;
        pipeline_frame(r->pipeline, r->frame);
    }
    if (r->reader != NULL && f == NULL && log_reader_last_row(r->reader) > last_ms) {
        last_ms = log_reader_last_row(r->reader); /* It had no sample in it. */
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

static bool
same(const char *wanted, const char *value)
{
    return wanted == NULL || (value != NULL && strcmp(wanted, value) == 0);
}

static bool
same_or_both_none(const char *a, const char *b)
{
    return a == NULL ? b == NULL : b != NULL && strcmp(a, b) == 0;
}

static bool
fits(const struct case_expect *x, const struct event *e)
{
    return x->event == e->kind && same(x->device, e->device) &&
           same(x->rule, e->rule) && (x->ticket == 0 || x->ticket == e->ticket) &&
           (x->episode == 0 || x->episode == e->episode) &&
           (!x->has_value || (e->has_value && x->value == e->value)) &&
           (x->severity == NULL ||
            strcmp(x->severity, severity_name(e->severity)) == 0) &&
           same(x->deadline, e->deadline);
}

static int64_t
distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

static void
describe(struct run *r, const struct case_expect *x, struct strbuf *out)
{
    strbuf_printf(out, "%s %s", x->never ? "never" : "expected",
                  event_kind_name(x->event));
    if (x->device != NULL) {
        strbuf_printf(out, " of %s", x->device);
    }
    if (x->rule != NULL) {
        strbuf_printf(out, " by %s", x->rule);
    }
    if (x->severity != NULL) {
        strbuf_printf(out, " (%s)", x->severity);
    }
    if (x->at.kind != CASE_TIME_NONE) {
        char when[INSTANT_TEXT_BYTES];
        strbuf_printf(out, " at %s", instant_format_local(when, resolve(r, &x->at)));
        if (x->within_ms > 0) {
            strbuf_printf(out, " within %s", duration_format(when, x->within_ms));
        }
    }
}

static void
fail(struct run *r, const struct case_expect *x)
{
    struct strbuf text = {0};
    describe(r, x, &text);
    fprintf(r->out, "  %s:%u:%u: %s\n", x->loc.file, x->loc.line, x->loc.column,
            text.text);
    strbuf_fini(&text);
    r->failures++;
}

/* What came instead: the same event elsewhere or at another time counts most, then
 * others of the same device; among equals the nearest in time. */
static int64_t
strangeness(struct run *r, const struct case_expect *x, const struct event *e)
{
    int64_t score = 0;
    score += x->event != e->kind ? INT64_C(1) << 50 : 0;
    score += !same(x->device, e->device) ? INT64_C(1) << 51 : 0;
    score += !same(x->rule, e->rule) ? INT64_C(1) << 49 : 0;
    if (x->at.kind != CASE_TIME_NONE) {
        score += distance(e->t_ms, resolve(r, &x->at));
    }
    return score;
}

static void
show_nearest(struct run *r, const struct case_expect *x)
{
    int64_t shown_up_to = -1;
    unsigned shown = 0;
    while (shown < NEAREST_SHOWN) {
        int64_t best = INT64_MAX;
        for (size_t i = 0; i < r->event_count; i++) {
            int64_t score = strangeness(r, x, &r->events[i].event);
            if (score > shown_up_to && score < best) {
                best = score;
            }
        }
        if (best == INT64_MAX) {
            break;
        }
        for (size_t i = 0; i < r->event_count && shown < NEAREST_SHOWN; i++) {
            if (strangeness(r, x, &r->events[i].event) == best) {
                fprintf(r->out, "    came: %s\n", r->events[i].text);
                shown++;
            }
        }
        shown_up_to = best;
    }
    if (shown == 0) {
        fprintf(r->out, "    came: nothing at all\n");
    }
}

static bool
same_expect(const struct case_expect *a, const struct case_expect *b)
{
    return a->never == b->never && a->event == b->event && a->ticket == b->ticket &&
           a->episode == b->episode && a->has_value == b->has_value &&
           a->value == b->value && a->within_ms == b->within_ms &&
           a->at.kind == b->at.kind && a->at.ms == b->at.ms &&
           same_or_both_none(a->device, b->device) &&
           same_or_both_none(a->rule, b->rule) &&
           same_or_both_none(a->severity, b->severity) &&
           same_or_both_none(a->deadline, b->deadline);
}

/* One event may be what several expectations mean, each in its own words.  Only the
 * very same one written n times wants n events. */
static void
check_expect(struct run *r, const struct case_expect *x)
{
    int64_t at_ms = resolve(r, &x->at);
    size_t wanted = 1;
    size_t came = 0;
    const struct kept *first = NULL;
    for (const struct case_expect *e = r->spec->expects; e < x; e++) {
        wanted += same_expect(e, x);
    }
    for (size_t i = 0; i < r->event_count; i++) {
        const struct kept *k = &r->events[i];
        if (fits(x, &k->event) &&
            (at_ms == INSTANT_NONE || distance(k->event.t_ms, at_ms) <= x->within_ms)) {
            first = first != NULL ? first : k;
            came++;
        }
    }
    if (x->never && came > 0) {
        fail(r, x);
        fprintf(r->out, "    came: %s\n", first->text);
    } else if (!x->never && came < wanted) {
        fail(r, x);
        show_nearest(r, x);
    }
}

/* What names nothing can never come.  Where it must come, that is an error; a "never"
 * holds then, as it should of a rule that the site does not have, but it may be a slip
 * too. */
static void
report_unknown(const struct run *r,
               const struct case_expect *x,
               const char *noun,
               const char *id,
               struct diags *diags)
{
    diags_add(diags, x->never ? DIAG_WARNING : DIAG_ERROR, &x->loc,
              "expectation: %s \"%s\" does not exist%s; one of %s is accepted", noun,
              id, x->never ? ", so this holds anyway" : "", r->spec->site_file);
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
    }
    return diags->errors == errors;
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
        code = log_reader_open(&r->reader, r->site, map, r->spec->logs,
                               r->spec->log_count, on_bad_row, r, err);
    }
    if (code == 0) {
        code = play(r, err);
    }
    if (code == 0) {
        for (uint32_t i = 0; i < r->spec->expect_count; i++) {
            check_expect(r, &r->spec->expects[i]);
        }
    }
    log_reader_close(r->reader);
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
    if (spec == NULL) {
        code = err_set(err, ERR_CONFIG, "%s: the case has errors", path);
        goto done;
    }
    r.site = config_load_site(spec->site_file, NULL, 0, diags);
    r.frame = malloc(FRAME_BYTES_MAX);
    if (r.site == NULL) {
        code = err_set(err, ERR_CONFIG, "%s: its site has errors", path);
    } else if (r.frame == NULL) {
        code = err_set(err, ERR_NOMEM, "case");
    } else {
        code = run_loaded(&r, diags, err);
    }
    if (code == 0) {
        *passed = r.failures == 0 && r.bad_rows == 0;
        fprintf(out, "%s  %s: %s\n", *passed ? "ok    " : "FAILED", path, spec->title);
    }
done:
    pipeline_free(r.pipeline);
    site_free(r.site);
    replay_case_free(spec);
    free(r.events);
    free(r.frame);
    arena_free(r.arena);
    return code;
}
