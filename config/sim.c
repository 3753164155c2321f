/* SIM.yaml: Modbus slaves with scripted behaviour and faults.
 *
 *   control: sim.sock                 # Unix socket for commands; may be left out
 *   slaves:
 *     - tcp: 127.0.0.1:15020          # or 15020; port 0 is any free one
 *       units:
 *         - unit: 1
 *           id: meter                 # its name in messages and for the control socket
 *           profile: eastron-sdm630   # its registers, all 0 unless points say more
 *           points:
 *             voltage_l1: 230         # a number is {signal: 230}
 *             voltage_l2: {signal: {sine: {middle: 230, amplitude: 3, period: 60s}}}
 *     - rtu: pump-line                # a symbolic link to a pty; paths start at this
 * file baud: 9600                    # answers are paced; 0: not units:
 *         - unit: 3
 *           id: pump-1
 *           points:
 *             bearing:                # keys of a point, and its signal
 *               register: input 322
 *               type: u16
 *               scale: 0.01
 *               signal: {steps: [[0s, 50], [10s, 84]], interpolate: true}
 *               noise: 0.2            # uniform, +- this much
 *             hours:   {register: input 326, type: u32, signal: {counter: {from: 100,
 *                       per_second: 0.01}}}
 *             flow:    {register: input 301, signal: {ramp: {from: 0, per_second: 2,
 *                       to: 60}}}
 *           faults:                   # [from, to] since the start; [from] is for ever
 *             - {silent: [20s, 30s]}
 *             - {slow: [40s, 50s], delay: 2s}
 *             - {exception: [60s], code: 4}
 *     Further faults: bad_crc wrong_unit truncated drop. */
#include <math.h>
#include <string.h>

#include "config/config.h"
#include "config/load.h"
#include "config/number.h"
#include "daemon/base/instant.h"

#define SIM_MS_MAX (100 * MS_YEAR)

/* ---- Signals ---- */

struct signal_yaml {
    const struct node *constant, *sine, *ramp, *steps, *counter;
    bool interpolate;
};

static void
read_sine(struct reader *r, const struct node *n, struct signal *s)
{
    static const struct field fields[] = {
        FIELD("middle", FIELD_FLOAT, struct signal, value, REQUIRED),
        FIELD("amplitude", FIELD_FLOAT, struct signal, amplitude, REQUIRED),
        FIELD("period", FIELD_DURATION, struct signal, period_ms, REQUIRED,
              BETWEEN(10, SIM_MS_MAX)),
    };
    s->kind = SIGNAL_SINE;
    (void)fields_read(r, s, n, "sine", fields, ARRAY_LEN(fields));
}

static void
read_slope(struct reader *r, const struct node *n, struct signal *s)
{
    struct slope_yaml {
        double from, per_second, to;
    } y = {0, 0, NAN};
    static const struct field fields[] = {
        FIELD("from", FIELD_FLOAT, struct slope_yaml, from, OPTIONAL),
        FIELD("per_second", FIELD_FLOAT, struct slope_yaml, per_second, REQUIRED),
        FIELD("to", FIELD_FLOAT, struct slope_yaml, to, OPTIONAL),
    };
    (void)fields_read(r, &y, n, n->key, fields, ARRAY_LEN(fields));
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
        FIELD("constant", FIELD_NODE, struct signal_yaml, constant, OPTIONAL),
        FIELD("sine", FIELD_NODE, struct signal_yaml, sine, OPTIONAL),
        FIELD("ramp", FIELD_NODE, struct signal_yaml, ramp, OPTIONAL),
        FIELD("steps", FIELD_NODE, struct signal_yaml, steps, OPTIONAL),
        FIELD("counter", FIELD_NODE, struct signal_yaml, counter, OPTIONAL),
        FIELD("interpolate", FIELD_BOOL, struct signal_yaml, interpolate, OPTIONAL),
    };
    struct signal_yaml y = {0};
    if (n->kind != NODE_MAP) {
        read_constant(r, n, s);
        return;
    }
    (void)fields_read(r, &y, n, "signal", fields, ARRAY_LEN(fields));
    int kinds = (y.constant != NULL) + (y.sine != NULL) + (y.ramp != NULL) +
                (y.steps != NULL) + (y.counter != NULL);
    if (kinds != 1) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the signal has %s; a number, or one of constant, sine, ramp, steps, "
                  "counter, is accepted",
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

static struct sim_register *
add_register(struct sim_unit *unit, const char *id)
{
    struct sim_register *reg = &unit->registers[unit->register_count++];
    *reg = (struct sim_register){.id = id, .signal = {.min = NAN, .max = NAN}};
    return reg;
}

static void
read_register(struct reader *r, const struct node *n, struct sim_unit *unit)
{
    struct sim_register *reg = find_register(unit, n->key);
    bool known = reg != NULL;
    if (!known && !is_point_id(n->key)) {
        diags_add(r->diags, DIAG_ERROR, &n->key_loc,
                  "\"%.80s\" is no point id; a-z 0-9 _, first a letter, is accepted",
                  n->key);
        return;
    }
    reg = known ? reg : add_register(unit, n->key);
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
        (void)value_float(r, noise, "noise", &reg->signal.noise);
    }
}

/* ---- Faults ---- */

struct fault_yaml {
    const struct node *kinds[SIM_FAULT_COUNT];
    int64_t delay_ms;
    uint8_t code;
};

static void
read_fault_times(struct reader *r, const struct node *n, struct sim_fault *f)
{
    f->to_ms = INSTANT_MAX;
    if (n->kind != NODE_LIST || n->count < 1 || n->count > 2) {
        diags_add(
            r->diags, DIAG_ERROR, &n->loc,
            "\"%s\" is not [from, to]; [20s, 30s], or [20s] for ever, is accepted",
            n->key);
        return;
    }
    bool ok = value_duration(r, n->first, n->key, 0, SIM_MS_MAX, &f->from_ms);
    const struct node *to = n->first->next;
    if (to != NULL && value_duration(r, to, n->key, 0, SIM_MS_MAX, &f->to_ms) && ok &&
        f->to_ms <= f->from_ms) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"%s\" ends before it begins; write [from, to]", n->key);
    }
}

static void
read_fault(struct reader *r, const struct node *n, struct sim_fault *f)
{
    /* The order of enum sim_fault_kind. */
    static const struct field fields[] = {
        FIELD("silent", FIELD_NODE, struct fault_yaml, kinds[0], OPTIONAL),
        FIELD("slow", FIELD_NODE, struct fault_yaml, kinds[1], OPTIONAL),
        FIELD("bad_crc", FIELD_NODE, struct fault_yaml, kinds[2], OPTIONAL),
        FIELD("wrong_unit", FIELD_NODE, struct fault_yaml, kinds[3], OPTIONAL),
        FIELD("truncated", FIELD_NODE, struct fault_yaml, kinds[4], OPTIONAL),
        FIELD("exception", FIELD_NODE, struct fault_yaml, kinds[5], OPTIONAL),
        FIELD("drop", FIELD_NODE, struct fault_yaml, kinds[6], OPTIONAL),
        FIELD("delay", FIELD_DURATION, struct fault_yaml, delay_ms,
              BETWEEN(1, MS_HOUR)),
        FIELD("code", FIELD_INT, struct fault_yaml, code, BETWEEN(1, 255)),
    };
    struct fault_yaml y = {.delay_ms = 2 * MS_SECOND, .code = 4};
    const struct node *times = NULL;
    int kinds = 0;
    (void)fields_read(r, &y, n, "fault", fields, ARRAY_LEN(fields));
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        if (y.kinds[i] != NULL) {
            kinds++;
            times = y.kinds[i];
            (void)sim_fault_parse(&f->kind, times->key);
        }
    }
    f->delay_ms = y.delay_ms;
    f->code = y.code;
    if (kinds == 1) {
        read_fault_times(r, times, f);
    } else if (n->kind == NODE_MAP) {
        diags_add(
            r->diags, DIAG_ERROR, &n->loc,
            "the fault has %s; one of silent, slow, bad_crc, wrong_unit, truncated, "
            "exception, drop is accepted",
            kinds == 0 ? "no kind" : "several kinds");
    }
}

/* ---- Slaves ---- */

struct unit_yaml {
    struct sim_unit unit;
    const char *profile;
    const struct node *points, *faults;
};

static void
read_unit(struct reader *r,
          const struct node *n,
          struct profiles *profiles,
          struct sim_unit *out)
{
    static const struct field fields[] = {
        FIELD("unit", FIELD_INT, struct unit_yaml, unit.unit, REQUIRED,
              BETWEEN(0, 255)),
        FIELD("id", FIELD_ID, struct unit_yaml, unit.id, REQUIRED),
        FIELD("profile", FIELD_ID, struct unit_yaml, profile, OPTIONAL),
        FIELD("points", FIELD_NODE, struct unit_yaml, points, OPTIONAL),
        FIELD("faults", FIELD_NODE, struct unit_yaml, faults, OPTIONAL),
    };
    struct unit_yaml y = {.unit = {.id = ""}};
    const struct profile_spec *profile = NULL;
    (void)fields_read(r, &y, n, "unit", fields, ARRAY_LEN(fields));
    if (y.profile != NULL && is_id(y.profile)) {
        struct loc loc = loc_of(n, "profile");
        profile = profile_find(r, profiles, y.profile, &loc);
    }
    uint32_t room = (y.points != NULL ? y.points->count : 0) +
                    (profile != NULL ? profile->points.count : 0);
    *out = y.unit;
    out->registers = arena_array(r->arena, room + 1, sizeof *out->registers);
    for (uint32_t i = 0; profile != NULL && i < profile->points.count; i++) {
        const struct point *p = &profile->points.items[i].point;
        add_register(out, p->id)->point = *p;
    }
    const struct node *point =
        y.points != NULL ? map_items(r, y.points, "points") : NULL;
    for (; point != NULL; point = point->next) {
        read_register(r, point, out);
    }
    if (y.faults == NULL) {
        return;
    }
    struct sim_fault *faults =
        arena_array(r->arena, y.faults->count + 1, sizeof *faults);
    const struct node *fault = list_items(r, y.faults, "faults");
    for (; fault != NULL; fault = fault->next) {
        read_fault(r, fault, &faults[out->fault_count++]);
    }
    out->faults = faults;
}

struct port_yaml {
    const char *tcp, *rtu;
    int64_t baud;
    const struct node *units;
};

static void
read_address(struct reader *r,
             const struct node *n,
             const struct port_yaml *y,
             struct sim_port *out)
{
    struct loc loc = loc_of(n, "tcp");
    bool given = false;
    int64_t number;
    if ((y->tcp != NULL) == (y->rtu != NULL)) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the slave has %s; tcp: HOST:PORT, or rtu: PATH, is accepted",
                  y->tcp == NULL ? "no port" : "both \"tcp\" and \"rtu\"");
        return;
    }
    if (y->rtu != NULL) {
        out->kind = BUS_RTU;
        out->link = path_beside(r->arena, n->loc.file, y->rtu);
        return;
    }
    out->kind = BUS_TCP;
    out->host = "127.0.0.1";
    if (number_parse_int(&number, y->tcp) && number >= 0 && number <= UINT16_MAX) {
        out->port = (uint16_t)number;
    } else if (!host_port_parse(r->arena, y->tcp, &out->host, &out->port, &given) ||
               !given) {
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"tcp\" is \"%.80s\"; HOST:PORT such as 127.0.0.1:15020 is accepted",
                  y->tcp);
    }
}

static void
read_port(struct reader *r,
          const struct node *n,
          struct profiles *profiles,
          struct sim_port *out)
{
    static const struct field fields[] = {
        FIELD("tcp", FIELD_STRING, struct port_yaml, tcp, OPTIONAL),
        FIELD("rtu", FIELD_STRING, struct port_yaml, rtu, OPTIONAL),
        FIELD("baud", FIELD_INT, struct port_yaml, baud, BETWEEN(0, 4000000)),
        FIELD("units", FIELD_NODE, struct port_yaml, units, REQUIRED),
    };
    struct port_yaml y = {.baud = 9600};
    (void)fields_read(r, &y, n, "slave", fields, ARRAY_LEN(fields));
    out->baud = (int)y.baud;
    if (n->kind == NODE_MAP) {
        read_address(r, n, &y, out);
    }
    if (y.units == NULL) {
        return;
    }
    const struct node *unit = list_items(r, y.units, "units");
    out->units = arena_array(r->arena, y.units->count + 1, sizeof *out->units);
    for (; unit != NULL; unit = unit->next) {
        struct sim_unit *u = &out->units[out->unit_count];
        read_unit(r, unit, profiles, u);
        for (uint32_t i = 0; i < out->unit_count; i++) {
            if (out->units[i].unit == u->unit) {
                diags_add(r->diags, DIAG_ERROR, &unit->loc,
                          "unit %u stands twice on one port; give each its own number",
                          u->unit);
                break;
            }
        }
        out->unit_count++;
    }
}

struct sim_yaml {
    const char *control;
    const struct node *slaves;
};

static void
read_sim(struct reader *r, const struct node *root, const char *path, struct sim *sim)
{
    static const struct field fields[] = {
        FIELD("control", FIELD_STRING, struct sim_yaml, control, .max = 100),
        FIELD("slaves", FIELD_NODE, struct sim_yaml, slaves, REQUIRED),
    };
    struct profiles profiles = {path, NULL};
    struct sim_yaml y = {0};
    (void)fields_read(r, &y, root, "simulation", fields, ARRAY_LEN(fields));
    if (y.control != NULL) {
        sim->control = path_beside(r->arena, path, y.control);
    }
    if (y.slaves == NULL) {
        return;
    }
    const struct node *n = list_items(r, y.slaves, "slaves");
    sim->ports = arena_array(r->arena, y.slaves->count + 1, sizeof *sim->ports);
    for (; n != NULL; n = n->next) {
        read_port(r, n, &profiles, &sim->ports[sim->port_count++]);
    }
}

struct sim *
config_load_sim(const char *path, struct diags *diags)
{
    struct arena *arena = arena_new();
    struct reader r = {arena, diags};
    struct sim *sim = arena_alloc(arena, sizeof *sim);
    size_t errors = diags->errors;
    sim->arena = arena;
    const struct node *root = tree_load(arena, path, diags);
    if (root != NULL) {
        read_sim(&r, root, path, sim);
    }
    if (diags->errors != errors) {
        arena_free(arena);
        return NULL;
    }
    return sim;
}
