/* Cases: a log, what people do meanwhile, and what must (or must never) come of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/load.h"
#include "config/number.h"
#include "daemon/base/instant.h"

/* ---- Moments ---- */

/* `10:14`, `10:14:30`, `10:14:30.250` to milliseconds since midnight. */
static bool
parse_time_of_day(const char *text, int64_t *out)
{
    char minutes[6] = "";
    int minute;
    double seconds = 0;
    size_t size = strlen(text);
    if (size < 5) {
        return false;
    }
    memcpy(minutes, text, 5);
    if (!number_parse_clock(&minute, minutes) || minute >= 24 * 60) {
        return false;
    }
    if (size > 5 && (text[5] != ':' || size < 8 || text[6] < '0' || text[6] > '5' ||
                     !number_parse_float(&seconds, text + 6) ||
                     text[6 + strspn(text + 6, "0123456789.")] != 0 || seconds >= 60)) {
        return false;
    }
    *out = minute * MS_MINUTE + (int64_t)(seconds * 1000 + 0.5);
    return true;
}

/* What the clocks of the site show: the site, and so its zone, is not known here. */
static bool
parse_local(const char *text, int64_t *out)
{
    char as_utc[INSTANT_TEXT_BYTES];
    const char *rest = strlen(text) == strlen("2026-03-01") ? "T00:00Z" : "Z";
    int size = snprintf(as_utc, sizeof as_utc, "%s%s", text, rest);
    return size < (int)sizeof as_utc && instant_parse(out, as_utc, NULL) == 0;
}

static bool
read_time(struct reader *r,
          const struct node *n,
          const char *name,
          struct case_time *out)
{
    if (!value_text(r, n, name)) {
        return false;
    }
    const char *text = n->text;
    if (text[0] == '+' && duration_parse(&out->ms, text + 1, NULL) == 0) {
        out->kind = CASE_TIME_AGE;
        return true;
    }
    if (parse_time_of_day(text, &out->ms)) {
        out->kind = CASE_TIME_OF_DAY;
        return true;
    }
    if (parse_local(text, &out->ms)) {
        out->kind = CASE_TIME_LOCAL;
        return true;
    }
    if (instant_parse(&out->ms, text, NULL) == 0) {
        out->kind = CASE_TIME_INSTANT;
        return true;
    }
    diags_add(
        r->diags, DIAG_ERROR, &n->loc,
        "\"%s\" is \"%.60s\"; a time of the first day such as 10:14:30, an age such "
        "as +5m, or an instant such as 2026-03-01T10:14:30Z is accepted",
        name, text);
    return false;
}

/* ---- What is expected ---- */

struct expect_yaml {
    struct case_expect x;
    const struct node *at, *event, *never, *severity, *priority, *value;
    int deadline;
};

static void
read_event(struct reader *r, const struct node *n, struct case_expect *x)
{
    const char *words[EVENT_KIND_COUNT + 1] = {NULL};
    int word = 0;
    for (int i = 0; i < EVENT_KIND_COUNT; i++) {
        words[i] = event_kind_name((enum event_kind)i);
    }
    if (value_enum(r, n, n->key, words, &word)) {
        x->event = (enum event_kind)word;
    }
}

static void
read_severity(struct reader *r, const struct node *n, const char **out)
{
    static const char *const words[] = {"info", "normal", "urgent", "critical", NULL};
    int word = 0;
    if (value_enum(r, n, n->key, words, &word)) {
        *out = n->text;
    }
}

static void
read_expect(struct reader *r, const struct node *n, struct case_expect *out)
{
    static const char *const deadlines[] = {"respond", "resolve", NULL};
    static const struct field fields[] = {
        FIELD("at", FIELD_NODE, struct expect_yaml, at, OPTIONAL),
        FIELD("within", FIELD_DURATION, struct expect_yaml, x.within_ms,
              BETWEEN(0, MS_YEAR)),
        FIELD("event", FIELD_NODE, struct expect_yaml, event, OPTIONAL),
        FIELD("never", FIELD_NODE, struct expect_yaml, never, OPTIONAL),
        FIELD("device", FIELD_ID, struct expect_yaml, x.device, OPTIONAL),
        FIELD("rule", FIELD_ID, struct expect_yaml, x.rule, OPTIONAL),
        FIELD("ticket", FIELD_INT, struct expect_yaml, x.ticket,
              BETWEEN(1, 1000000000)),
        FIELD("episode", FIELD_INT, struct expect_yaml, x.episode,
              BETWEEN(1, 1000000000)),
        FIELD("value", FIELD_NODE, struct expect_yaml, value, OPTIONAL),
        FIELD("severity", FIELD_NODE, struct expect_yaml, severity, OPTIONAL),
        FIELD("priority", FIELD_NODE, struct expect_yaml, priority, OPTIONAL),
        FIELD("deadline", FIELD_ENUM, struct expect_yaml, deadline, .words = deadlines),
    };
    struct expect_yaml y = {.x = {.loc = n->loc}, .deadline = -1};
    (void)fields_read(r, &y, n, "expectation", fields, ARRAY_LEN(fields));
    if ((y.event != NULL) == (y.never != NULL) && n->kind == NODE_MAP) {
        diags_add(
            r->diags, DIAG_ERROR, &n->loc,
            "an expectation has %s; event: alarm.raised, or never: alarm.raised, is "
            "accepted",
            y.event == NULL ? "no event" : "both \"event\" and \"never\"");
    } else if (n->kind == NODE_MAP) {
        y.x.never = y.never != NULL;
        read_event(r, y.never != NULL ? y.never : y.event, &y.x);
    }
    if (y.at != NULL) {
        (void)read_time(r, y.at, "at", &y.x.at);
    }
    if (y.severity != NULL) {
        read_severity(r, y.severity, &y.x.severity);
    }
    if (y.priority != NULL) {
        read_severity(r, y.priority, &y.x.severity);
    }
    y.x.has_value = y.value != NULL && value_float(r, y.value, "value", &y.x.value);
    y.x.deadline = y.deadline < 0 ? NULL : deadlines[y.deadline];
    *out = y.x;
}

/* ---- What people do ---- */

struct command_yaml {
    struct command command;
    const struct node *at, *what, *priority, *until;
    const char *to, *reason;
    int state; /* -1: not given. */
};

static void
read_command_kind(struct reader *r, const struct node *n, enum command_kind *out)
{
    const char *words[COMMAND_KIND_COUNT + 1] = {NULL};
    int word = 0;
    if (n->kind == NODE_SCALAR && command_kind_parse(out, n->text)) {
        return; /* Also by another name, which the list below does not have. */
    }
    for (int i = 0; i < COMMAND_KIND_COUNT; i++) {
        words[i] = command_kind_name((enum command_kind)i);
    }
    (void)value_enum(r, n, "do", words, &word);
}

static void
read_command(struct reader *r, const struct node *n, struct case_command *out)
{
    static const char *const states[] = {"out", "in", NULL};
    static const struct field fields[] = {
        FIELD("at", FIELD_NODE, struct command_yaml, at, REQUIRED),
        FIELD("do", FIELD_NODE, struct command_yaml, what, REQUIRED),
        FIELD("device", FIELD_ID, struct command_yaml, command.device, OPTIONAL),
        FIELD("rule", FIELD_ID, struct command_yaml, command.rule, OPTIONAL),
        FIELD("ticket", FIELD_INT, struct command_yaml, command.ticket,
              BETWEEN(1, 1000000000)),
        FIELD("by", FIELD_STRING, struct command_yaml, command.by, REQUIRED, .max = 63),
        FIELD("to", FIELD_STRING, struct command_yaml, to, .max = 63),
        FIELD("assignee", FIELD_STRING, struct command_yaml, command.assignee,
              .max = 63),
        FIELD("note", FIELD_STRING, struct command_yaml, command.note, OPTIONAL),
        FIELD("reason", FIELD_STRING, struct command_yaml, reason, OPTIONAL),
        FIELD("priority", FIELD_NODE, struct command_yaml, priority, OPTIONAL),
        FIELD("rating", FIELD_INT, struct command_yaml, command.rating, BETWEEN(1, 5)),
        FIELD("for", FIELD_DURATION, struct command_yaml, command.for_ms,
              BETWEEN(1, MS_YEAR)),
        FIELD("until", FIELD_NODE, struct command_yaml, until, OPTIONAL),
        FIELD("state", FIELD_ENUM, struct command_yaml, state, .words = states),
    };
    struct command_yaml y = {.command = {.by = ""}, .state = -1};
    const char *priority = NULL;
    out->loc = n->loc;
    (void)fields_read(r, &y, n, "command", fields, ARRAY_LEN(fields));
    if (y.at != NULL) {
        (void)read_time(r, y.at, "at", &out->at);
    }
    if (y.until != NULL) {
        (void)read_time(r, y.until, "until", &out->until);
    }
    if (y.what != NULL) {
        read_command_kind(r, y.what, &y.command.kind);
    }
    if (y.priority != NULL) {
        read_severity(r, y.priority, &priority);
    }
    y.command.has_priority =
        priority != NULL && severity_parse(&y.command.priority, priority);
    y.command.assignee = y.command.assignee != NULL ? y.command.assignee : y.to;
    y.command.note = y.command.note != NULL ? y.command.note : y.reason;
    y.command.service = y.state < 0    ? SERVICE_UNSAID
                        : y.state == 0 ? SERVICE_OUT
                                       : SERVICE_IN;
    out->command = y.command;
}

/* ---- Inline samples ---- */

struct sample_yaml {
    const struct node *at, *time, *value, *quality;
    const char *device, *point;
};

static void
read_sample_value(struct reader *r, const struct node *n, double *out)
{
    if (n->kind == NODE_SCALAR && !n->quoted &&
        (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0)) {
        *out = n->text[0] == 't';
        return;
    }
    (void)value_float(r, n, "value", out);
}

static void
read_quality(struct reader *r, const struct node *n, enum quality *out)
{
    const char *words[QUALITY_COUNT + 1] = {NULL};
    int word = 0;
    for (int i = 0; i < QUALITY_COUNT; i++) {
        words[i] = quality_name((enum quality)i);
    }
    if (value_enum(r, n, "quality", words, &word)) {
        *out = (enum quality)word;
    }
}

/* `pump-1.bearing` */
static bool
split_point(struct arena *a, const char *text, const char **device, const char **point)
{
    const char *dot = strchr(text, '.');
    if (dot == NULL) {
        return false;
    }
    *device = arena_strndup(a, text, (size_t)(dot - text));
    *point = dot + 1;
    return is_id(*device) && is_point_id(*point);
}

/* `[at, device.point, value, quality]`, or device and point apart as in a long log; the
 * quality may be absent. */
static void
read_sample_row(struct reader *r, const struct node *n, struct sample_yaml *y)
{
    const struct node *at = n->first;
    const struct node *name = at != NULL ? at->next : NULL;
    const struct node *value = name != NULL ? name->next : NULL;
    uint32_t names = 1;
    bool named = value != NULL && name->kind == NODE_SCALAR &&
                 split_point(r->arena, name->text, &y->device, &y->point);
    if (!named && value != NULL && name->kind == NODE_SCALAR &&
        value->kind == NODE_SCALAR && is_id(name->text) && is_point_id(value->text)) {
        y->device = name->text;
        y->point = value->text;
        value = value->next;
        names = 2;
        named = true;
    }
    if (!named || n->count < 2 + names || n->count > 3 + names) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "a row of samples is not [at, device.point, value]; write [+5s, "
                  "pump-1.bearing, 81.2], a quality may follow");
        *y = (struct sample_yaml){0};
        return;
    }
    y->at = at;
    y->value = value;
    y->quality = value->next;
}

static void
read_sample(struct reader *r, const struct node *n, struct case_sample *out)
{
    static const struct field fields[] = {
        FIELD("at", FIELD_NODE, struct sample_yaml, at, OPTIONAL),
        FIELD("time", FIELD_NODE, struct sample_yaml, time, OPTIONAL),
        FIELD("device", FIELD_ID, struct sample_yaml, device, REQUIRED),
        FIELD("point", FIELD_POINT_ID, struct sample_yaml, point, REQUIRED),
        FIELD("value", FIELD_NODE, struct sample_yaml, value, OPTIONAL),
        FIELD("quality", FIELD_NODE, struct sample_yaml, quality, OPTIONAL),
    };
    struct sample_yaml y = {0};
    if (n->kind == NODE_LIST) {
        read_sample_row(r, n, &y);
    } else {
        (void)fields_read(r, &y, n, "sample", fields, ARRAY_LEN(fields));
        y.at = y.at != NULL ? y.at : y.time;
        if (y.at == NULL && n->kind == NODE_MAP) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "sample: \"at\" is missing; a time such as +5s or 10:14:30 is "
                      "accepted");
        }
    }
    *out = (struct case_sample){
        .device = y.device, .point = y.point, .quality = QUALITY_GOOD, .loc = n->loc};
    if (y.at != NULL) {
        (void)read_time(r, y.at, "at", &out->at);
    }
    if (y.quality != NULL) {
        read_quality(r, y.quality, &out->quality);
    }
    bool has_value = y.value != NULL && !node_is_empty(y.value);
    if (has_value) {
        read_sample_value(r, y.value, &out->value);
    } else if (out->quality == QUALITY_GOOD && y.point != NULL) {
        diags_add(
            r->diags, DIAG_ERROR, &n->loc,
            "a good sample has no \"value\"; add it, or a quality such as timeout");
    }
}

/* ---- The case ---- */

struct case_yaml {
    const char *title;
    const struct node *site, *log, *map, *samples, *expect, *commands, *until;
};

static int
compare_times(const struct case_time *a, const struct case_time *b)
{
    return a->ms < b->ms ? -1 : a->ms > b->ms;
}

/* Stable.  Moments of several kinds cannot be told apart without the log: those stay as
 * they are written. */
#define SORT_BY_TIME(items, count)                                                     \
    for (uint32_t i_ = 1; i_ < (count); i_++) {                                        \
        for (uint32_t k_ = i_;                                                         \
             k_ > 0 && (items)[k_ - 1].at.kind == (items)[k_].at.kind &&               \
             compare_times(&(items)[k_ - 1].at, &(items)[k_].at) > 0;                  \
             k_--) {                                                                   \
            swap_bytes(&(items)[k_ - 1], &(items)[k_], sizeof(items)[0]);              \
        }                                                                              \
    }

static void
swap_bytes(void *a, void *b, size_t size)
{
    unsigned char *x = a;
    unsigned char *y = b;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = x[i];
        x[i] = y[i];
        y[i] = byte;
    }
}

static void
read_samples(struct reader *r, const struct node *list, struct replay_case *c)
{
    const struct node *n = list_items(r, list, "samples");
    struct case_sample *items = arena_array(r->arena, list->count + 1, sizeof *items);
    for (; n != NULL; n = n->next) {
        struct case_sample *s = &items[c->sample_count++];
        read_sample(r, n, s);
        if (s->at.kind != CASE_TIME_NONE && items[0].at.kind != CASE_TIME_NONE &&
            s->at.kind != items[0].at.kind) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "samples mix ages, times of day and instants; write all like the "
                      "first at line %u",
                      items[0].loc.line);
        }
    }
    SORT_BY_TIME(items, c->sample_count)
    c->samples = items;
}

static void
read_logs(struct reader *r, const struct node *n, struct replay_case *c)
{
    bool one = n->kind == NODE_SCALAR && !node_is_empty(n);
    const struct node *item = one ? n : list_items(r, n, "log");
    const char **logs = arena_array(r->arena, n->count + 1, sizeof(const char *));
    for (; item != NULL; item = one ? NULL : item->next) {
        if (value_text(r, item, "log")) {
            logs[c->log_count++] = path_beside(r->arena, n->loc.file, item->text);
        }
    }
    c->logs = logs;
}

static void
read_parts(struct reader *r, const struct case_yaml *y, struct replay_case *c)
{
    if (y->expect != NULL) {
        const struct node *n = list_items(r, y->expect, "expect");
        struct case_expect *items =
            arena_array(r->arena, y->expect->count + 1, sizeof *items);
        for (; n != NULL; n = n->next) {
            read_expect(r, n, &items[c->expect_count++]);
        }
        c->expects = items;
    }
    if (y->commands != NULL) {
        const struct node *n = list_items(r, y->commands, "commands");
        struct case_command *items =
            arena_array(r->arena, y->commands->count + 1, sizeof *items);
        for (; n != NULL; n = n->next) {
            read_command(r, n, &items[c->command_count++]);
        }
        SORT_BY_TIME(items, c->command_count)
        c->commands = items;
    }
    if (y->samples != NULL) {
        read_samples(r, y->samples, c);
    }
    if (y->log != NULL) {
        read_logs(r, y->log, c);
    }
    if (y->until != NULL) {
        (void)read_time(r, y->until, "until", &c->until);
    }
}

static void
read_case(struct reader *r, const struct node *root, struct replay_case *c)
{
    static const struct field fields[] = {
        FIELD("case", FIELD_STRING, struct case_yaml, title, REQUIRED),
        FIELD("site", FIELD_NODE, struct case_yaml, site, REQUIRED),
        FIELD("log", FIELD_NODE, struct case_yaml, log, OPTIONAL),
        FIELD("map", FIELD_NODE, struct case_yaml, map, OPTIONAL),
        FIELD("samples", FIELD_NODE, struct case_yaml, samples, OPTIONAL),
        FIELD("expect", FIELD_NODE, struct case_yaml, expect, REQUIRED),
        FIELD("commands", FIELD_NODE, struct case_yaml, commands, OPTIONAL),
        FIELD("until", FIELD_NODE, struct case_yaml, until, OPTIONAL),
    };
    struct case_yaml y = {0};
    (void)fields_read(r, &y, root, "case", fields, ARRAY_LEN(fields));
    c->title = y.title;
    read_parts(r, &y, c);
    if (y.site != NULL && value_text(r, y.site, "site")) {
        c->site_file = path_beside(r->arena, y.site->loc.file, y.site->text);
    }
    if (y.map != NULL && value_text(r, y.map, "map")) {
        c->map_file = path_beside(r->arena, y.map->loc.file, y.map->text);
    }
    if (y.log == NULL && y.samples == NULL && root->kind == NODE_MAP) {
        diags_add(r->diags, DIAG_ERROR, &root->loc,
                  "the case has no \"log\" and no \"samples\"; add log: FILE.csv, or "
                  "samples: with rows [+5s, pump-1.bearing, 81.2]");
    }
    if (y.expect != NULL && y.expect->kind == NODE_LIST && c->expect_count == 0) {
        diags_add(r->diags, DIAG_ERROR, &y.expect->loc,
                  "\"expect\" is empty; a case that expects nothing can never fail");
    }
}

struct replay_case *
config_load_case(const char *path, struct diags *diags)
{
    struct arena *arena = arena_new();
    struct reader r = {arena, diags};
    struct replay_case *c = arena_alloc(arena, sizeof *c);
    size_t errors = diags->errors;
    c->arena = arena;
    const struct node *root = tree_load(arena, path, diags);
    if (root != NULL) {
        read_case(&r, root, c);
    }
    if (diags->errors != errors) {
        arena_free(arena);
        return NULL;
    }
    return c;
}
