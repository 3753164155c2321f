/* SIM.yaml: the registers of a slave and the signals that move them. */
#include <math.h>
#include <string.h>

#include "config/config.h"
#include "config/load.h"
#include "config/sim.h"

struct signal_yaml {
    const struct node *constant, *sine, *ramp, *steps, *counter, *csv;
    bool interpolate;
};

static void
read_sine(struct reader *r, const struct node *n, struct signal *s)
{
    static const struct field fields[] = {
        {FIELD("middle", FIELD_FLOAT, struct signal, value), REQUIRED},
        {FIELD("amplitude", FIELD_FLOAT, struct signal, amplitude), REQUIRED},
        {FIELD("period", FIELD_DURATION, struct signal, period_ms), REQUIRED,
         BETWEEN(10, SIM_MS_MAX)},
    };
    s->kind = SIGNAL_SINE;
    (void)fields_read(r, s, n, "sine", fields, ARRAY_LEN(fields));
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

static void
read_slope(struct reader *r, const struct node *n, struct signal *s)
{
    struct slope_yaml {
        double from, per_second, to;
        const struct node *reset;
    } y = {0, 0, NAN, NULL};
    static const struct field fields[] = {
        {FIELD("from", FIELD_FLOAT, struct slope_yaml, from)},
        {FIELD("per_second", FIELD_FLOAT, struct slope_yaml, per_second), REQUIRED},
        {FIELD("to", FIELD_FLOAT, struct slope_yaml, to)},
        {FIELD("reset", FIELD_NODE, struct slope_yaml, reset)},
    };
    (void)fields_read(r, &y, n, n->key, fields, ARRAY_LEN(fields));
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
    if (list->kind == NODE_LIST && list->count == 0) {
        diags_add(r->diags, DIAG_ERROR, &list->loc,
                  "\"steps\" is empty; [[0s, 50], [10s, 80]] is accepted");
    }
}

static void
read_csv(struct reader *r, const struct node *n, struct signal *s)
{
    struct csv_yaml {
        const char *file, *column;
        int at_end;
    } y = {0};
    static const char *const ends[] = {"hold", "loop", NULL};
    static const struct field fields[] = {
        {FIELD("file", FIELD_STRING, struct csv_yaml, file), REQUIRED},
        {FIELD("column", FIELD_STRING, struct csv_yaml, column), REQUIRED},
        {FIELD("at_end", FIELD_ENUM, struct csv_yaml, at_end), .words = ends},
    };
    s->kind = SIGNAL_CSV;
    if (!fields_read(r, &y, n, "csv", fields, ARRAY_LEN(fields))) {
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

static void
read_signal(struct reader *r, const struct node *n, struct signal *s)
{
    static const struct field fields[] = {
        {FIELD("constant", FIELD_NODE, struct signal_yaml, constant)},
        {FIELD("sine", FIELD_NODE, struct signal_yaml, sine)},
        {FIELD("ramp", FIELD_NODE, struct signal_yaml, ramp)},
        {FIELD("steps", FIELD_NODE, struct signal_yaml, steps)},
        {FIELD("counter", FIELD_NODE, struct signal_yaml, counter)},
        {FIELD("csv", FIELD_NODE, struct signal_yaml, csv)},
        {FIELD("interpolate", FIELD_BOOL, struct signal_yaml, interpolate)},
    };
    struct signal_yaml y = {0};
    if (n->kind != NODE_MAP) {
        read_constant(r, n, s);
        return;
    }
    (void)fields_read(r, &y, n, "signal", fields, ARRAY_LEN(fields));
    int kinds = (y.constant != NULL) + (y.sine != NULL) + (y.ramp != NULL) +
                (y.steps != NULL) + (y.counter != NULL) + (y.csv != NULL);
    if (kinds != 1) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the signal has %s; a number, or one of constant, sine, ramp, steps, "
                  "counter, csv, is accepted",
                  kinds == 0 ? "no kind" : "several kinds");
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
        if (strcmp(c->key, "signal") == 0 || strcmp(c->key, "noise") == 0) {
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
        diags_add(r->diags, DIAG_ERROR, &n->key_loc,
                  "\"%.80s\" is no point id; a-z 0-9 _, first a letter, is accepted",
                  n->key);
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
