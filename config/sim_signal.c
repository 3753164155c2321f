/* SIM.yaml: the registers of a slave and the signals that move them. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "config/config.h"
#include "config/load.h"
#include "config/shape.h"
#include "config/sim.h"
#include "daemon/base/catalogue.h"

struct signal_yaml {
    const struct node *constant, *sine, *ramp, *steps, *counter, *csv;
    bool interpolate;
};

static const struct field sine_fields[] = {
    {FIELD("middle", FIELD_FLOAT, struct signal, value), REQUIRED,
     ABOUT("What it swings around.")},
    {FIELD("amplitude", FIELD_FLOAT, struct signal, amplitude), REQUIRED,
     ABOUT("How far it swings to both sides.")},
    {FIELD("period", FIELD_DURATION, struct signal, period_ms), REQUIRED,
     BETWEEN(10, SIM_MS_MAX), ABOUT("How long one swing takes.")},
};
static const struct shape sine_shape = {SHAPE_OF_TABLE(sine_fields)};

static void
read_sine(struct reader *r, const struct node *n, struct signal *s)
{
    s->kind = SIGNAL_SINE;
    (void)fields_read(r, s, n, "sine", sine_fields, ARRAY_LEN(sine_fields));
}

/* A key that only `owner` has would do nothing here. */
static void
refuse_key(struct reader *r, const struct node *n, const char *key, const char *owner)
{
    const struct node *found = n->kind == NODE_MAP ? node_get(n, key) : NULL;
    if (found != NULL) {
        diags_add(r->diags, DIAG_ERROR, &found->key_loc,
                  "\"%s\" of a signal \"%s\"; only \"%s\" has it, leave it out", key,
                  n->key, owner);
    }
}

/* Times at which a counter begins again at 0, as a device does that lost its memory. */
static void
read_resets(struct reader *r, const struct node *n, struct signal *s)
{
    uint32_t count = n->kind == NODE_LIST ? n->count : 1;
    const struct node *one = n->kind == NODE_LIST ? n->first : n;
    struct signal_step *steps = arena_array(r->arena, count + 1, sizeof *steps);
    int64_t last = -1;
    for (; one != NULL; one = n->kind == NODE_LIST ? one->next : NULL) {
        struct signal_step *step = &steps[s->step_count];
        if (!value_duration(r, one, "reset", 0, SIM_MS_MAX, &step->at_ms)) {
            continue;
        }
        if (step->at_ms <= last) {
            diags_add(r->diags, DIAG_ERROR, &one->loc,
                      "a reset is not later than the one before; resets stand in order "
                      "of time");
        }
        last = step->at_ms;
        s->step_count++;
    }
    s->steps = steps;
}

struct slope_yaml {
    double from, per_second, to;
    const struct node *reset;
};

static const struct field moment_value = {
    .key = "time", .kind = FIELD_DURATION, BETWEEN(0, SIM_MS_MAX)};
static const struct shape moment_shape = {.kind = SHAPE_VALUE, .value = &moment_value};
static const struct shape moments_shape = {.kind = SHAPE_LIST, .item = &moment_shape};
static const struct shape *const reset_forms[] = {&moment_shape, &moments_shape, NULL};
static const struct shape reset_shape = {.kind = SHAPE_ANY, .any = reset_forms};

static const struct field slope_fields[] = {
    {FIELD("from", FIELD_FLOAT, struct slope_yaml, from), ABOUT("Where it begins."),
     PRESET("0")},
    {FIELD("per_second", FIELD_FLOAT, struct slope_yaml, per_second), REQUIRED,
     ABOUT("How much it moves in a second.")},
    {FIELD("to", FIELD_FLOAT, struct slope_yaml, to),
     ABOUT("A ramp only: where it stops.")},
    {FIELD("reset", FIELD_NODE, struct slope_yaml, reset),
     ABOUT("A counter only: when it begins again at 0."), SHAPE(reset_shape)},
};
static const struct shape slope_shape = {SHAPE_OF_TABLE(slope_fields)};

static const struct shape *const step_parts[] = {&moment_shape, &shape_number, NULL};
static const struct shape step_shape = {.kind = SHAPE_ROW, .any = step_parts, .min = 2};
static const struct shape steps_shape = {
    .kind = SHAPE_LIST, .item = &step_shape, .min = 1};

static void
read_slope(struct reader *r, const struct node *n, struct signal *s)
{
    struct slope_yaml y = {0, 0, NAN, NULL};
    (void)fields_read(r, &y, n, n->key, slope_fields, ARRAY_LEN(slope_fields));
    refuse_key(r, n, s->kind == SIGNAL_COUNTER ? "to" : "reset",
               s->kind == SIGNAL_COUNTER ? "ramp" : "counter");
    if (y.reset != NULL) {
        read_resets(r, y.reset, s);
    }
    s->value = y.from;
    s->per_second = y.per_second;
    s->min = y.per_second < 0 ? y.to : NAN;
    s->max = y.per_second < 0 ? NAN : y.to;
}

static void
read_steps(struct reader *r, const struct node *list, struct signal *s)
{
    const struct node *n = list_items(r, list, "steps");
    struct signal_step *steps = arena_array(r->arena, list->count + 1, sizeof *steps);
    int64_t last = -1;
    s->kind = SIGNAL_STEPS;
    for (; n != NULL; n = n->next) {
        struct signal_step *step = &steps[s->step_count];
        if (n->kind != NODE_LIST || n->count != 2) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "a step is not [time, value]; [10s, 80] is accepted");
            continue;
        }
        if (!value_duration(r, n->first, "steps", 0, SIM_MS_MAX, &step->at_ms) ||
            !value_float(r, n->first->next, "steps", &step->value)) {
            continue;
        }
        if (step->at_ms <= last) {
            diags_add(
                r->diags, DIAG_ERROR, &n->loc,
                "a step is not later than the one before; steps stand in order of "
                "time");
        }
        last = step->at_ms;
        s->step_count++;
    }
    s->steps = steps;
    if (list->count == 0 && (list->kind == NODE_LIST || node_is_empty(list))) {
        diags_add(r->diags, DIAG_ERROR, &list->loc,
                  "\"steps\" is empty; [[0s, 50], [10s, 80]] is accepted");
    }
}

struct csv_yaml {
    const char *file, *column;
    int at_end;
};

static const char *const ends[] = {"hold", "loop", NULL};
static const struct field csv_fields[] = {
    {FIELD("file", FIELD_STRING, struct csv_yaml, file), REQUIRED,
     ABOUT("A log; relative to this file.")},
    {FIELD("column", FIELD_STRING, struct csv_yaml, column), REQUIRED,
     ABOUT("A heading, or DEVICE.POINT of a log in the long form.")},
    {FIELD("at_end", FIELD_ENUM, struct csv_yaml, at_end), .words = ends,
     ABOUT("Whether it stays at its last value, or begins again."), PRESET("hold")},
};
static const struct shape csv_shape = {SHAPE_OF_TABLE(csv_fields)};

static void
read_csv(struct reader *r, const struct node *n, struct signal *s)
{
    struct csv_yaml y = {0};
    s->kind = SIGNAL_CSV;
    if (!fields_read(r, &y, n, "csv", csv_fields, ARRAY_LEN(csv_fields))) {
        return;
    }
    struct signal_csv *csv = arena_alloc(r->arena, sizeof *csv);
    *csv = (struct signal_csv){.file = path_beside(r->arena, n->loc.file, y.file),
                               .column = y.column,
                               .loop = y.at_end == 1,
                               .loc = loc_of(n, "file")};
    s->csv = csv;
}

static void
read_constant(struct reader *r, const struct node *n, struct signal *s)
{
    if (n->kind == NODE_SCALAR && !n->quoted &&
        (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0)) {
        s->value = n->text[0] == 't';
        return;
    }
    (void)value_float(r, n, "signal", &s->value);
}

static const struct field signal_fields[] = {
    {FIELD("constant", FIELD_NODE, struct signal_yaml, constant),
     ABOUT("It stays what it is."), SHAPE(shape_number_or_bool)},
    {FIELD("sine", FIELD_NODE, struct signal_yaml, sine), ABOUT("It swings."),
     SHAPE(sine_shape)},
    {FIELD("ramp", FIELD_NODE, struct signal_yaml, ramp), ABOUT("It rises or falls."),
     SHAPE(slope_shape)},
    {FIELD("steps", FIELD_NODE, struct signal_yaml, steps),
     ABOUT("Values at times: [[0s, 50], [10s, 80]]."), SHAPE(steps_shape)},
    {FIELD("counter", FIELD_NODE, struct signal_yaml, counter), ABOUT("It only rises."),
     SHAPE(slope_shape)},
    {FIELD("csv", FIELD_NODE, struct signal_yaml, csv),
     ABOUT("It is played from a log."), SHAPE(csv_shape)},
    {FIELD("interpolate", FIELD_BOOL, struct signal_yaml, interpolate),
     ABOUT("Straight lines between steps, or rows of a log."), PRESET("false")},
};
static const char *const signal_kinds[] = {"constant", "sine", "ramp", "steps",
                                           "counter",  "csv",  NULL};
static const struct shape signal_table = {SHAPE_OF_TABLE(signal_fields),
                                          .one_of = signal_kinds};
static const struct shape *const signal_forms[] = {&shape_number, &shape_bool,
                                                   &signal_table, NULL};
static const struct shape signal_shape = {
    .kind = SHAPE_ANY, .name = "signal", .any = signal_forms};

static void
read_signal(struct reader *r, const struct node *n, struct signal *s)
{
    struct signal_yaml y = {0};
    if (n->kind != NODE_MAP) {
        read_constant(r, n, s);
        return;
    }
    (void)fields_read(r, &y, n, "signal", signal_fields, ARRAY_LEN(signal_fields));
    int kinds = (y.constant != NULL) + (y.sine != NULL) + (y.ramp != NULL) +
                (y.steps != NULL) + (y.counter != NULL) + (y.csv != NULL);
    if (kinds != 1) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the signal has %s; a number, or one of constant, sine, ramp, steps, "
                  "counter, csv, is accepted",
                  kinds == 0 ? tr("no kind") : tr("several kinds"));
        return;
    }
    s->interpolate = y.interpolate;
    if (y.constant != NULL) {
        read_constant(r, y.constant, s);
    } else if (y.sine != NULL) {
        read_sine(r, y.sine, s);
    } else if (y.steps != NULL) {
        read_steps(r, y.steps, s);
    } else if (y.csv != NULL) {
        read_csv(r, y.csv, s);
    } else {
        s->kind = y.ramp != NULL ? SIGNAL_RAMP : SIGNAL_COUNTER;
        read_slope(r, y.ramp != NULL ? y.ramp : y.counter, s);
    }
}

/* ---- Registers ---- */

/* What a register has beside the keys of a point. */
struct register_yaml {
    const struct node *signal, *noise;
};

static const struct field noise_value = {
    .key = "noise", .kind = FIELD_FLOAT, .low = 0, .high = DBL_MAX};
static const struct shape noise_shape = {.kind = SHAPE_VALUE, .value = &noise_value};

static const struct field register_fields[] = {
    {FIELD("signal", FIELD_NODE, struct register_yaml, signal),
     ABOUT("What its value does."), SHAPE(signal_shape)},
    {FIELD("noise", FIELD_NODE, struct register_yaml, noise),
     ABOUT("How far values stray to both sides."), SHAPE(noise_shape)},
};
static const struct shape register_shape = {SHAPE_OF_TABLE(register_fields),
                                            .extends = &point_shape};
static const struct shape *const register_forms[] = {&shape_number, &shape_bool,
                                                     &register_shape, NULL};
static const struct shape sim_point_shape = {.kind = SHAPE_ANY, .any = register_forms};
const struct shape sim_points_shape = {.kind = SHAPE_KEYED,
                                       .item = &sim_point_shape,
                                       .pattern = PATTERN_POINT_ID,
                                       .accepted =
                                           "a-z 0-9 _, first a letter, is accepted"};

static bool
is_of_register(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(register_fields); i++) {
        if (strcmp(key, register_fields[i].key) == 0) {
            return true;
        }
    }
    return false;
}

/* The keys of a point without those of its signal. */
static const struct node *
without_signal(struct arena *a, const struct node *n)
{
    struct node *copy = arena_alloc(a, sizeof *copy);
    *copy = *n;
    copy->first = NULL;
    copy->count = 0;
    const struct node **tail = &copy->first;
    for (const struct node *c = n->first; c != NULL; c = c->next) {
        if (is_of_register(c->key)) {
            continue;
        }
        struct node *child = arena_alloc(a, sizeof *child);
        *child = *c;
        child->next = NULL;
        *tail = child;
        tail = &child->next;
        copy->count++;
    }
    return copy;
}

static struct sim_register *
find_register(struct sim_unit *unit, const char *id)
{
    for (uint32_t i = 0; i < unit->register_count; i++) {
        if (strcmp(unit->registers[i].id, id) == 0) {
            return &unit->registers[i];
        }
    }
    return NULL;
}

struct sim_register *
sim_register_add(struct sim_unit *unit, const char *id)
{
    struct sim_register *reg = &unit->registers[unit->register_count++];
    *reg = (struct sim_register){.id = id, .signal = {.min = NAN, .max = NAN}};
    return reg;
}

void
sim_point_read(struct reader *r, const struct node *n, struct sim_unit *unit)
{
    struct sim_register *reg = find_register(unit, n->key);
    bool known = reg != NULL;
    if (!known && !is_point_id(n->key)) {
        diags_add(r->diags, DIAG_ERROR, &n->key_loc, "\"%.80s\" is no point id; %s",
                  n->key, tr(sim_points_shape.accepted));
        return;
    }
    reg = known ? reg : sim_register_add(unit, n->key);
    const struct node *keys = n->kind == NODE_MAP ? without_signal(r->arena, n) : NULL;
    if (keys != NULL && keys->count > 0) {
        struct point_spec spec;
        (void)point_read(r, keys, &spec);
        reg->point = spec.point;
        known = spec.point.table != REG_NONE || node_get(keys, "register") != NULL;
    }
    if (!known) {
        diags_add(
            r->diags, DIAG_ERROR, &n->key_loc,
            "\"%s\" has no register; add register: input 0, or a profile that has "
            "this point",
            n->key);
    }
    const struct node *signal = n->kind == NODE_MAP ? node_get(n, "signal") : n;
    const struct node *noise = n->kind == NODE_MAP ? node_get(n, "noise") : NULL;
    if (signal != NULL) {
        read_signal(r, signal, &reg->signal);
    }
    if (noise != NULL) {
        if (value_float(r, noise, "noise", &reg->signal.noise) &&
            reg->signal.noise < 0) {
            diags_add(r->diags, DIAG_ERROR, &noise->loc,
                      "\"noise\" is below 0; how far values stray to both sides, such "
                      "as 0.2, is accepted");
        }
    }
}
