/* Cases: a log, what people do meanwhile, and what must (or must never) come of it. */
#include <stdlib.h>
#include <string.h>

#include "config/case.h"
#include "config/config.h"
#include "config/load.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/model/ticket.h"

/* ---- What people do ---- */

struct command_yaml {
    struct command command;
    const struct node *at, *what, *priority, *until, *cost, *parts;
    const char *to, *reason;
    int state, pause; /* -1: not given. */
    const char *day;
};

static const char *
command_word(int index)
{
    return command_kind_name((enum command_kind)index);
}

static const struct shape do_shape = {.kind = SHAPE_NAMES,
                                      .name_of = command_word,
                                      .name_count = COMMAND_CASE_COUNT,
                                      .also_of = command_kind_alias};

static void
read_command_kind(struct reader *r, const struct node *n, enum command_kind *out)
{
    int word = 0;
    if (n->kind == NODE_SCALAR && command_kind_parse(out, n->text) &&
        *out < COMMAND_CASE_COUNT) {
        return; /* Also by another name, which the list below does not have. */
    }
    (void)shape_read_name(r, n, "do", &do_shape, &word);
}

static const char *const service_words[] = {"out", "in", NULL};
static const struct field command_fields[] = {
    {FIELD("at", FIELD_NODE, struct command_yaml, at), REQUIRED,
     ABOUT("When it is done."), SHAPE(case_time_shape)},
    {FIELD("do", FIELD_NODE, struct command_yaml, what), REQUIRED,
     ABOUT("What is done."), SHAPE(do_shape)},
    {FIELD("device", FIELD_ID, struct command_yaml, command.device),
     ABOUT("To this device, or a ticket of it.")},
    {FIELD("rule", FIELD_ID, struct command_yaml, command.rule),
     ABOUT("To the alarm of this rule, or its ticket.")},
    {FIELD("ticket", FIELD_INT, struct command_yaml, command.ticket),
     BETWEEN(1, 1000000000), ABOUT("To the ticket with this number.")},
    {FIELD("by", FIELD_STRING, struct command_yaml, command.by), REQUIRED, .max = 63,
     ABOUT("The id of the person who does it.")},
    {FIELD("to", FIELD_STRING, struct command_yaml, to), .max = 63,
     ABOUT("The same as assignee.")},
    {FIELD("assignee", FIELD_STRING, struct command_yaml, command.assignee), .max = 63,
     ABOUT("The id of the person who gets the ticket.")},
    {FIELD("note", FIELD_STRING, struct command_yaml, command.note),
     ABOUT("What is written beside it.")},
    {FIELD("reason", FIELD_STRING, struct command_yaml, reason),
     ABOUT("The same as note.")},
    {FIELD("priority", FIELD_NODE, struct command_yaml, priority),
     ABOUT("Of a ticket that is opened."), SHAPE(case_severity_shape)},
    {FIELD("rating", FIELD_INT, struct command_yaml, command.rating), BETWEEN(1, 5),
     ABOUT("Of a ticket that is rated.")},
    {FIELD("for", FIELD_DURATION, struct command_yaml, command.for_ms),
     BETWEEN(1, MS_YEAR),
     ABOUT("How long an alarm is shelved, or a device out of service.")},
    {FIELD("until", FIELD_NODE, struct command_yaml, until),
     ABOUT("The same, as a moment."), SHAPE(case_time_shape)},
    {FIELD("state", FIELD_ENUM, struct command_yaml, state), .words = service_words,
     ABOUT("Whether a device goes out of service, or comes back.")},
    {FIELD("category", FIELD_STRING, struct command_yaml, command.category), .max = 60,
     ABOUT("Kind of fault of a ticket that is opened or changed.")},
    {FIELD("team", FIELD_ID, struct command_yaml, command.team),
     ABOUT("Of a ticket that is opened or changed.")},
    {FIELD("symptom", FIELD_STRING, struct command_yaml, command.symptom),
     ABOUT("What was seen, of a ticket that is opened; without it the note.")},
    {FIELD("reporter", FIELD_STRING, struct command_yaml, command.reporter), .max = 63,
     ABOUT("Who saw it, where that is not who entered it.")},
    {FIELD("pause", FIELD_ENUM, struct command_yaml, pause), .words = case_pause_words,
     ABOUT("What a ticket waits for.")},
    {FIELD("cause", FIELD_STRING, struct command_yaml, command.cause), .max = 31,
     ABOUT("Closing code: what the fault turned out to be.")},
    {FIELD("minutes", FIELD_INT, struct command_yaml, command.minutes),
     BETWEEN(-WORK_MINUTES_MAX, WORK_MINUTES_MAX),
     ABOUT("Worked, beside what was entered before.")},
    {FIELD("cost", FIELD_NODE, struct command_yaml, cost),
     ABOUT("Beside the parts, such as 12.50."), SHAPE(shape_number)},
    {FIELD("parts", FIELD_NODE, struct command_yaml, parts),
     ABOUT("What was built in or used up."), SHAPE(case_parts_shape)},
    {FIELD("step", FIELD_INT, struct command_yaml, command.step),
     BETWEEN(1, TICKET_STEPS_MAX), ABOUT("Of the procedure, to be ticked off.")},
    {FIELD("undone", FIELD_BOOL, struct command_yaml, command.undone),
     ABOUT("The step was not done after all.")},
    {FIELD("plan", FIELD_ID, struct command_yaml, command.plan),
     ABOUT("To the visit of this plan on the device.")},
    {FIELD("day", FIELD_DATE, struct command_yaml, day),
     ABOUT("Of the visit: when it was made, or where it is moved to.")},
};
static const struct shape command_shape = {SHAPE_OF_TABLE(command_fields)};
static const struct shape commands_shape = {.kind = SHAPE_LIST, .item = &command_shape};

static void
read_command(struct reader *r, const struct node *n, struct case_command *out)
{
    struct command_yaml y = {.command = {.by = ""}, .state = -1, .pause = -1};
    const char *priority = NULL;
    out->loc = n->loc;
    (void)fields_read(r, &y, n, "command", command_fields, ARRAY_LEN(command_fields));
    if (y.at != NULL) {
        (void)case_time_read(r, y.at, "at", &out->at);
    }
    if (y.until != NULL) {
        (void)case_time_read(r, y.until, "until", &out->until);
    }
    if (y.what != NULL) {
        read_command_kind(r, y.what, &y.command.kind);
    }
    if (y.priority != NULL) {
        case_severity_read(r, y.priority, &priority);
    }
    y.command.has_priority =
        priority != NULL && severity_parse(&y.command.priority, priority);
    y.command.assignee = y.command.assignee != NULL ? y.command.assignee : y.to;
    y.command.note = y.command.note != NULL ? y.command.note : y.reason;
    y.command.pause = (enum pause)(PAUSE_NONE + 1 + y.pause);
    if (y.cost != NULL) {
        (void)case_money_read(r, y.cost, "cost", &y.command.cost);
    }
    if (y.parts != NULL) {
        case_parts_read(r, y.parts, &y.command);
    }
    y.command.service = y.state < 0    ? SERVICE_UNSAID
                        : y.state == 0 ? SERVICE_OUT
                                       : SERVICE_IN;
    if (y.day != NULL && !civil_parse_date(&y.command.day, y.day)) {
        y.command.day = 0; /* Reported with the other fields. */
    }
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

static const char *
quality_value(int index)
{
    return quality_name((enum quality)index);
}

static const struct shape quality_shape = {
    .kind = SHAPE_NAMES, .name_of = quality_value, .name_count = QUALITY_COUNT};

static void
read_quality(struct reader *r, const struct node *n, enum quality *out)
{
    int word = 0;
    if (shape_read_name(r, n, "quality", &quality_shape, &word)) {
        *out = (enum quality)word;
    }
}

static const struct shape no_value = {.kind = SHAPE_NONE};
static const struct shape *const value_forms[] = {&shape_number_or_bool, &no_value,
                                                  NULL};
static const struct shape sample_value_shape = {.kind = SHAPE_ANY, .any = value_forms};

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

static const struct field device_value = {.key = "device", .kind = FIELD_ID};
static const struct shape device_word = {.kind = SHAPE_VALUE, .value = &device_value};
static const struct field point_value = {.key = "point", .kind = FIELD_POINT_ID};
static const struct shape point_word = {.kind = SHAPE_VALUE, .value = &point_value};
static const struct shape device_point = {
    .kind = SHAPE_TEXT,
    .pattern = "^[a-z0-9][a-z0-9_-]*[.][a-z][a-z0-9_]*$",
    .accepted = "DEVICE.POINT such as pump-1.bearing is accepted"};
static const struct shape *const short_parts[] = {
    &case_time_shape, &device_point, &sample_value_shape, &quality_shape, NULL};
static const struct shape short_row = {.kind = SHAPE_ROW, .any = short_parts, .min = 3};
static const struct shape *const long_parts[] = {&case_time_shape, &device_word,
                                                 &point_word,      &sample_value_shape,
                                                 &quality_shape,   NULL};
static const struct shape long_row = {.kind = SHAPE_ROW, .any = long_parts, .min = 4};

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

static const struct field sample_fields[] = {
    {FIELD("at", FIELD_NODE, struct sample_yaml, at), ABOUT("When it was taken."),
     SHAPE(case_time_shape)},
    {FIELD("time", FIELD_NODE, struct sample_yaml, time), ABOUT("The same as at."),
     SHAPE(case_time_shape)},
    {FIELD("device", FIELD_ID, struct sample_yaml, device), REQUIRED,
     ABOUT("Of this device.")},
    {FIELD("point", FIELD_POINT_ID, struct sample_yaml, point), REQUIRED,
     ABOUT("Of this point.")},
    {FIELD("value", FIELD_NODE, struct sample_yaml, value),
     ABOUT("What was read; nothing where the quality is not good."),
     SHAPE(sample_value_shape)},
    {FIELD("quality", FIELD_NODE, struct sample_yaml, quality),
     ABOUT("Why it is not good."), SHAPE(quality_shape)},
};
static const char *const sample_times[] = {"at", "time", NULL};
static const struct shape sample_table = {SHAPE_OF_TABLE(sample_fields),
                                          .some_of = sample_times};
static const struct shape *const sample_forms[] = {&sample_table, &short_row, &long_row,
                                                   NULL};
static const struct shape sample_shape = {.kind = SHAPE_ANY, .any = sample_forms};
static const struct shape samples_shape = {.kind = SHAPE_LIST, .item = &sample_shape};

static void
read_sample(struct reader *r, const struct node *n, struct case_sample *out)
{
    struct sample_yaml y = {0};
    if (n->kind == NODE_LIST) {
        read_sample_row(r, n, &y);
    } else {
        (void)fields_read(r, &y, n, "sample", sample_fields, ARRAY_LEN(sample_fields));
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
        (void)case_time_read(r, y.at, "at", &out->at);
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
            case_expect_read(r, n, &items[c->expect_count++]);
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
        (void)case_time_read(r, y->until, "until", &c->until);
    }
}

static const struct shape *const log_forms[] = {&shape_text, &shape_texts, NULL};
static const struct shape log_shape = {.kind = SHAPE_ANY, .any = log_forms};

static const struct field case_fields[] = {
    {FIELD("case", FIELD_STRING, struct case_yaml, title), REQUIRED,
     ABOUT("What it shows.")},
    {FIELD("site", FIELD_NODE, struct case_yaml, site), REQUIRED,
     ABOUT("The site file whose rules are judged; relative to this file."),
     SHAPE(shape_text)},
    {FIELD("log", FIELD_NODE, struct case_yaml, log),
     ABOUT("The log or logs that are replayed; relative to this file."),
     SHAPE(log_shape)},
    {FIELD("map", FIELD_NODE, struct case_yaml, map),
     ABOUT("How a foreign log maps to our points."), SHAPE(shape_text)},
    {FIELD("samples", FIELD_NODE, struct case_yaml, samples),
     ABOUT("Samples in the place of a log, or beside it."), SHAPE(samples_shape)},
    {FIELD("expect", FIELD_NODE, struct case_yaml, expect), REQUIRED,
     ABOUT("What must come, or must never come."), SHAPE(case_expects_shape)},
    {FIELD("commands", FIELD_NODE, struct case_yaml, commands),
     ABOUT("What people do meanwhile."), SHAPE(commands_shape)},
    {FIELD("until", FIELD_NODE, struct case_yaml, until),
     ABOUT("How far to replay; to the last sample without it."),
     SHAPE(case_time_shape)},
};
static const char *const case_forms[] = {"log", "samples", NULL};
const struct shape case_file_shape = {SHAPE_OF_TABLE(case_fields),
                                      .about = "A log, and what must come of it.",
                                      .some_of = case_forms};

static void
read_case(struct reader *r, const struct node *root, struct replay_case *c)
{
    struct case_yaml y = {0};
    (void)fields_read(r, &y, root, "case", case_fields, ARRAY_LEN(case_fields));
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
    if (y.expect != NULL && c->expect_count == 0 &&
        (y.expect->kind == NODE_LIST || node_is_empty(y.expect))) {
        diags_add(r->diags, DIAG_ERROR, &y.expect->loc,
                  "\"expect\" is empty; a case that expects nothing can never fail");
    }
}

static const struct field commands_fields[] = {
    {FIELD("commands", FIELD_NODE, struct case_yaml, commands), REQUIRED,
     ABOUT("What people do meanwhile."), SHAPE(commands_shape)},
};
const struct shape commands_file_shape = {SHAPE_OF_TABLE(commands_fields),
                                          .about = "What people do during a replay."};

static void
read_commands(struct reader *r, const struct node *root, struct replay_case *c)
{
    struct case_yaml y = {0};
    (void)fields_read(r, &y, root, "file of commands", commands_fields,
                      ARRAY_LEN(commands_fields));
    read_parts(r, &y, c);
}

static struct replay_case *
load(const char *path,
     void (*read)(struct reader *r, const struct node *root, struct replay_case *c),
     struct diags *diags)
{
    struct arena *arena = arena_new();
    struct reader r = {arena, diags};
    struct replay_case *c = arena_alloc(arena, sizeof *c);
    size_t errors = diags->errors;
    c->arena = arena;
    const struct node *root = tree_load(arena, path, diags);
    if (root != NULL) {
        read(&r, root, c);
    }
    if (diags->errors != errors) {
        arena_free(arena);
        return NULL;
    }
    return c;
}

struct replay_case *
config_load_case(const char *path, struct diags *diags)
{
    return load(path, read_case, diags);
}

struct replay_case *
config_load_commands(const char *path, struct diags *diags)
{
    return load(path, read_commands, diags);
}
