#include "collectors/simulator_unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode.h"
#include "collectors/slave_codec.h"

#define WIDTH_MAX  4 /* Words of the widest value, f64. */
#define NOISE_SEED UINT64_C(0x9E3779B97F4A7C15)

struct cell {
    const struct sim_register *spec;
    uint16_t width;
    bool held; /* `value` was set by hand and stands instead of the signal. */
    double value;
    uint64_t noise; /* State of its generator. */
};

/* The addresses of a table that answer: [low, high). */
struct span {
    uint32_t low, high;
};

struct simulator_unit {
    const struct sim_unit *spec;
    struct cell
        *cells; /* By table, address, and parts of a register after the whole. */
    uint32_t cell_count;
    uint32_t
        first[REG_HOLDING + 2]; /* The cells of a table: first[t] .. first[t + 1). */
    struct span spans[REG_HOLDING + 1];
    bool has_fault;
    struct sim_fault fault; /* Set by hand. */
    int64_t cleared_ms;     /* Windows that began by then are over. */
};

static bool
is_part(const struct point *p)
{
    return p->type == TYPE_BITS || p->type == TYPE_BOOL;
}

static int
cell_order(const void *a, const void *b)
{
    const struct point *x = &((const struct cell *)a)->spec->point;
    const struct point *y = &((const struct cell *)b)->spec->point;

    if (x->table != y->table) {
        return x->table < y->table ? -1 : 1;
    }
    if (x->address != y->address) {
        return x->address < y->address ? -1 : 1;
    }
    if (is_part(x) != is_part(y)) {
        return is_part(x) ? 1 : -1;
    }
    return x->bit_low - y->bit_low;
}

static void
index_tables(struct simulator_unit *u)
{
    uint32_t i = 0;

    for (uint32_t t = REG_NONE; t <= REG_HOLDING; t++) {
        struct span *span = &u->spans[t];

        u->first[t] = i;
        for (; i < u->cell_count && u->cells[i].spec->point.table == t; i++) {
            uint32_t low = u->cells[i].spec->point.address;
            uint32_t high = low + u->cells[i].width;

            if (i == u->first[t]) {
                span->low = low; /* They are in order of address. */
            }
            span->high = high > span->high ? high : span->high;
        }
    }
    u->first[REG_HOLDING + 1] = i;
}

int
simulator_unit_new(struct simulator_unit **out,
                   const struct sim_unit *spec,
                   struct err *err)
{
    struct simulator_unit *u = calloc(1, sizeof *u);

    if (u == NULL) {
        return err_set(err, ERR_NOMEM, "unit %u", spec->unit);
    }
    u->cells = calloc((size_t)spec->register_count + 1, sizeof *u->cells);
    if (u->cells == NULL) {
        simulator_unit_free(u);
        return err_set(err, ERR_NOMEM, "unit %u", spec->unit);
    }
    u->spec = spec;
    u->cell_count = spec->register_count;
    u->cleared_ms = INT64_MIN;
    for (uint32_t i = 0; i < spec->register_count; i++) {
        struct cell *c = &u->cells[i];

        c->spec = &spec->registers[i];
        c->width = point_width(&c->spec->point);
        c->noise = NOISE_SEED + ((uint64_t)spec->unit << 32 | i);
    }
    qsort(u->cells, u->cell_count, sizeof *u->cells, cell_order);
    index_tables(u);
    *out = u;
    return 0;
}

void
simulator_unit_free(struct simulator_unit *u)
{
    if (u != NULL) {
        free(u->cells);
        free(u);
    }
}

const struct sim_unit *
simulator_unit_spec(const struct simulator_unit *u)
{
    return u->spec;
}

static double
steps_value(const struct signal *s, int64_t t_ms)
{
    uint32_t next = 0;
    const struct signal_step *a, *b;

    while (next < s->step_count && s->steps[next].at_ms <= t_ms) {
        next++;
    }
    if (next == 0) {
        return s->step_count > 0 ? s->steps[0].value : s->value;
    }
    a = &s->steps[next - 1];
    if (!s->interpolate || next == s->step_count) {
        return a->value;
    }
    b = &s->steps[next];
    return a->value + (b->value - a->value) * (double)(t_ms - a->at_ms) /
                          (double)(b->at_ms - a->at_ms);
}

double
signal_value(const struct signal *s, int64_t t_ms)
{
    double seconds = (double)t_ms / 1000.0;
    double value = s->value;

    switch (s->kind) {
    case SIGNAL_CONSTANT:
        break;
    case SIGNAL_SINE:
        if (s->period_ms > 0) {
            double turn = (double)(t_ms % s->period_ms) / (double)s->period_ms;

            value += s->amplitude * sin(2.0 * M_PI * turn);
        }
        break;
    case SIGNAL_RAMP:
        value += s->per_second * seconds;
        if (value < s->min) { /* Never true of a NaN. */
            value = s->min;
        }
        if (value > s->max) {
            value = s->max;
        }
        break;
    case SIGNAL_STEPS:
        value = steps_value(s, t_ms);
        break;
    case SIGNAL_COUNTER:
        value += s->per_second * seconds;
        break;
    }
    return value;
}

/* Uniform in [-1, 1]: splitmix64, whose sequence is fixed by its seed. */
static double
noise_step(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-52 - 1.0;
}

/* A counter rolls over where its registers do. */
static double
roll_over(const struct point *p, double value)
{
    double raw_span;

    if (p->type == TYPE_U16) {
        raw_span = 0x1p16;
    } else if (p->type == TYPE_U32) {
        raw_span = 0x1p32;
    } else {
        return value;
    }
    if (p->scaling.add != 0.0 || p->scaling.mul <= 0.0 || p->scaling.div <= 0.0) {
        return value;
    }
    return value < 0.0 ? value
                       : fmod(value, raw_span * p->scaling.mul / p->scaling.div);
}

static double
cell_value(struct cell *c, int64_t t_ms)
{
    const struct signal *s = &c->spec->signal;
    double value;

    if (c->held) {
        return c->value;
    }
    value = signal_value(s, t_ms);
    if (s->noise > 0.0) {
        value += s->noise * noise_step(&c->noise);
    }
    return s->kind == SIGNAL_COUNTER ? roll_over(&c->spec->point, value) : value;
}

/* Writes what of the cell lies in [address, address + count) into `values`. */
static void
cell_write(
    struct cell *c, uint32_t address, uint32_t count, int64_t t_ms, uint16_t *values)
{
    const struct point *p = &c->spec->point;
    double value = cell_value(c, t_ms);
    uint16_t words[WIDTH_MAX] = {0};

    if (p->table == REG_COIL || p->table == REG_DISCRETE) {
        values[p->address - address] = value != 0.0;
        return;
    }
    for (uint32_t i = 0; i < c->width; i++) {
        uint32_t at = p->address + i;

        if (at >= address && at < address + count) {
            words[i] = values[at - address]; /* A bit leaves its neighbours alone. */
        }
    }
    encode_words(words, p, value);
    for (uint32_t i = 0; i < c->width; i++) {
        uint32_t at = p->address + i;

        if (at >= address && at < address + count) {
            values[at - address] = words[i];
        }
    }
}

/* The first cell of a table that may reach `address`. */
static uint32_t
cell_near(const struct simulator_unit *u, uint32_t table, uint32_t address)
{
    uint32_t low = u->first[table], high = u->first[table + 1];

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (u->cells[middle].spec->point.address + (WIDTH_MAX - 1u) < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint8_t
simulator_unit_read(struct simulator_unit *u,
                    uint8_t function,
                    uint16_t address,
                    uint16_t count,
                    int64_t t_ms,
                    uint16_t *values)
{
    static const uint8_t tables[] = {
        [1] = REG_COIL, [2] = REG_DISCRETE, [3] = REG_HOLDING, [4] = REG_INPUT};
    uint32_t table, end = (uint32_t)address + count;

    if (function < 1 || function >= ARRAY_LEN(tables)) {
        return SLAVE_ILLEGAL_FUNCTION;
    }
    table = tables[function];
    if (address < u->spans[table].low || end > u->spans[table].high) {
        return SLAVE_ILLEGAL_ADDRESS;
    }
    memset(values, 0, count * sizeof *values);
    for (uint32_t i = cell_near(u, table, address); i < u->first[table + 1]; i++) {
        struct cell *c = &u->cells[i];

        if (c->spec->point.address >= end) {
            break;
        }
        if ((uint32_t)c->spec->point.address + c->width > address) {
            cell_write(c, address, count, t_ms, values);
        }
    }
    return SLAVE_OK;
}

const struct sim_fault *
simulator_unit_fault(const struct simulator_unit *u, int64_t t_ms)
{
    if (u->has_fault) {
        return &u->fault;
    }
    for (uint32_t i = u->spec->fault_count; i-- > 0;) {
        const struct sim_fault *f = &u->spec->faults[i];

        if (f->from_ms <= t_ms && t_ms < f->to_ms && f->from_ms > u->cleared_ms) {
            return f;
        }
    }
    return NULL;
}

void
simulator_unit_set_fault(struct simulator_unit *u, const struct sim_fault *fault)
{
    u->fault = *fault;
    u->has_fault = true;
}

void
simulator_unit_clear_faults(struct simulator_unit *u, int64_t t_ms)
{
    u->has_fault = false;
    u->cleared_ms = t_ms;
}

static struct cell *
cell_by_id(struct simulator_unit *u, const char *id)
{
    for (uint32_t i = 0; i < u->cell_count; i++) {
        const char *own = u->cells[i].spec->id;

        if (own != NULL && strcmp(own, id) == 0) {
            return &u->cells[i];
        }
    }
    return NULL;
}

bool
simulator_unit_set(struct simulator_unit *u, const char *id, double value)
{
    struct cell *c = cell_by_id(u, id);

    if (c == NULL) {
        return false;
    }
    c->held = true;
    c->value = value;
    return true;
}

bool
simulator_unit_release(struct simulator_unit *u, const char *id)
{
    struct cell *c = cell_by_id(u, id);

    if (c == NULL) {
        return false;
    }
    c->held = false;
    return true;
}

bool
simulator_unit_get(struct simulator_unit *u, const char *id, int64_t t_ms, double *out)
{
    struct cell *c = cell_by_id(u, id);

    if (c == NULL) {
        return false;
    }
    *out = cell_value(c, t_ms);
    return true;
}
