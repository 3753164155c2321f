#include "collectors/simulator_map.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode.h"
#include "collectors/simulator_csv.h"
#include "collectors/simulator_signal.h"
#include "collectors/slave_codec.h"

#define WIDTH_MAX 4 /* Words of the widest value, f64. */

struct cell {
    const struct sim_register *spec;
    struct signal signal; /* Of the spec, with the rows of its log. */
    uint16_t width;
    bool is_fixed; /* Always the same, whose words are: */
    uint16_t words[WIDTH_MAX];
};

/* The addresses of a table that answer: [low, high). */
struct span {
    uint32_t low, high;
};

struct playback {
    const struct signal_csv *csv;
    struct simulator_csv rows;
};

struct simulator_map {
    uint32_t references;
    const struct sim_register *registers;
    struct cell
        *cells; /* By table, address, and parts of a register after the whole. */
    uint32_t cell_count;
    uint32_t
        first[REG_HOLDING + 2]; /* The cells of a table: first[t] .. first[t + 1). */
    struct span spans[REG_HOLDING + 1];
    struct playback *playbacks;
    uint32_t playback_count;
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
index_tables(struct simulator_map *m)
{
    uint32_t i = 0;

    for (uint32_t t = REG_NONE; t <= REG_HOLDING; t++) {
        struct span *span = &m->spans[t];

        m->first[t] = i;
        for (; i < m->cell_count && m->cells[i].spec->point.table == t; i++) {
            uint32_t low = m->cells[i].spec->point.address;
            uint32_t high = low + m->cells[i].width;

            if (i == m->first[t]) {
                span->low = low; /* They are in order of address. */
            }
            span->high = high > span->high ? high : span->high;
        }
    }
    m->first[REG_HOLDING + 1] = i;
}

/* Most registers of a large estate stand still: their words are made once. */
static void
fix_words(struct cell *c)
{
    const struct point *p = &c->spec->point;

    if (c->signal.kind != SIGNAL_CONSTANT || c->signal.noise > 0.0 || is_part(p)) {
        return;
    }
    c->is_fixed = true;
    encode_words(c->words, p, c->signal.value);
}

/* The rows of a column, read once for all registers that play it back. */
static const struct simulator_csv *
find_rows(struct simulator_map *m, const struct signal_csv *csv, struct err *err)
{
    struct playback *p, *more;

    for (uint32_t i = 0; i < m->playback_count; i++) {
        p = &m->playbacks[i];
        if (strcmp(p->csv->file, csv->file) == 0 &&
            strcmp(p->csv->column, csv->column) == 0) {
            return &p->rows;
        }
    }
    more = realloc(m->playbacks, (m->playback_count + 1) * sizeof *more);
    if (more == NULL) {
        err_set(err, ERR_NOMEM, "%s", csv->file);
        return NULL;
    }
    m->playbacks = more;
    p = &m->playbacks[m->playback_count];
    p->csv = csv;
    if (simulator_csv_load(&p->rows, csv->file, csv->column, err) != 0) {
        err_wrap(err, "%s:%u:%u", csv->loc.file, csv->loc.line, csv->loc.column);
        if (err->code == ERR_IO) {
            err->code = ERR_CONFIG; /* The simulation names a file that is not there. */
        }
        return NULL;
    }
    m->playback_count++;
    return &p->rows;
}

static int
load_rows(struct simulator_map *m, struct signal *s, struct err *err)
{
    const struct simulator_csv *rows = find_rows(m, s->csv, err);

    if (rows == NULL) {
        return err->code;
    }
    s->steps = rows->steps;
    s->step_count = rows->count;
    s->period_ms = s->csv->loop ? rows->length_ms : 0;
    return 0;
}

int
simulator_map_new(struct simulator_map **out,
                  const struct sim_register *registers,
                  uint32_t count,
                  struct err *err)
{
    struct simulator_map *m = calloc(1, sizeof *m);

    if (m != NULL) {
        m->references = 1;
        m->registers = registers;
        m->cells = calloc((size_t)count + 1, sizeof *m->cells);
    }
    if (m == NULL || m->cells == NULL) {
        simulator_map_free(m);
        return err_set(err, ERR_NOMEM, "registers");
    }
    for (uint32_t i = 0; i < count; i++) {
        struct cell *c = &m->cells[i];

        c->spec = &registers[i];
        c->signal = registers[i].signal;
        c->width = point_width(&c->spec->point);
        m->cell_count = i + 1;
        if (c->signal.kind == SIGNAL_CSV && load_rows(m, &c->signal, err) != 0) {
            simulator_map_free(m);
            return err->code;
        }
        fix_words(c);
    }
    qsort(m->cells, m->cell_count, sizeof *m->cells, cell_order);
    index_tables(m);
    *out = m;
    return 0;
}

struct simulator_map *
simulator_map_share(struct simulator_map *m)
{
    m->references++;
    return m;
}

void
simulator_map_free(struct simulator_map *m)
{
    if (m == NULL || --m->references > 0) {
        return;
    }
    for (uint32_t i = 0; i < m->playback_count; i++) {
        simulator_csv_fini(&m->playbacks[i].rows);
    }
    free(m->playbacks);
    free(m->cells);
    free(m);
}

const struct sim_register *
simulator_map_registers(const struct simulator_map *m)
{
    return m->registers;
}

uint32_t
simulator_map_count(const struct simulator_map *m)
{
    return m->cell_count;
}

double
simulator_map_value(const struct simulator_map *m,
                    struct simulator_state *state,
                    uint32_t cell,
                    int64_t t_ms)
{
    const struct cell *c = &m->cells[cell];
    double value;

    if (state->held != NULL && !isnan(state->held[cell])) {
        return state->held[cell];
    }
    value = signal_value(&c->signal, t_ms);
    if (c->signal.noise > 0.0) {
        value += c->signal.noise * (2.0 * signal_random_share(&state->noise) - 1.0);
    }
    return c->signal.kind == SIGNAL_COUNTER ? signal_roll_over(&c->spec->point, value)
                                            : value;
}

/* Writes what of the cell lies in [address, address + count) into `values`. */
static void
cell_write(const struct simulator_map *m,
           struct simulator_state *state,
           uint32_t cell,
           uint32_t address,
           uint32_t count,
           int64_t t_ms,
           uint16_t *values)
{
    const struct cell *c = &m->cells[cell];
    const struct point *p = &c->spec->point;
    bool is_fixed = c->is_fixed && (state->held == NULL || isnan(state->held[cell]));
    const uint16_t *words = c->words;
    uint16_t made[WIDTH_MAX] = {0};

    if (p->table == REG_COIL || p->table == REG_DISCRETE) {
        values[p->address - address] = simulator_map_value(m, state, cell, t_ms) != 0.0;
        return;
    }
    if (!is_fixed) {
        for (uint32_t i = 0; i < c->width; i++) {
            uint32_t at = p->address + i;

            if (at >= address && at < address + count) {
                made[i] = values[at - address]; /* A bit leaves its neighbours alone. */
            }
        }
        encode_words(made, p, simulator_map_value(m, state, cell, t_ms));
        words = made;
    }
    for (uint32_t i = 0; i < c->width; i++) {
        uint32_t at = p->address + i;

        if (at >= address && at < address + count) {
            values[at - address] = words[i];
        }
    }
}

/* The first cell of a table that may reach `address`. */
static uint32_t
cell_near(const struct simulator_map *m, uint32_t table, uint32_t address)
{
    uint32_t low = m->first[table], high = m->first[table + 1];

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (m->cells[middle].spec->point.address + (WIDTH_MAX - 1u) < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum reg_table
simulator_table_of(uint8_t function)
{
    static const uint8_t tables[] = {
        [1] = REG_COIL, [2] = REG_DISCRETE, [3] = REG_HOLDING, [4] = REG_INPUT};

    return function < ARRAY_LEN(tables) ? (enum reg_table)tables[function] : REG_NONE;
}

uint8_t
simulator_map_read(const struct simulator_map *m,
                   struct simulator_state *state,
                   uint8_t function,
                   uint16_t address,
                   uint16_t count,
                   int64_t t_ms,
                   uint16_t *values)
{
    enum reg_table table = simulator_table_of(function);
    uint32_t end = (uint32_t)address + count;

    if (table == REG_NONE) {
        return SLAVE_ILLEGAL_FUNCTION;
    }
    if (address < m->spans[table].low || end > m->spans[table].high) {
        return SLAVE_ILLEGAL_ADDRESS;
    }
    memset(values, 0, count * sizeof *values);
    for (uint32_t i = cell_near(m, table, address); i < m->first[table + 1]; i++) {
        const struct cell *c = &m->cells[i];

        if (c->spec->point.address >= end) {
            break;
        }
        if ((uint32_t)c->spec->point.address + c->width > address) {
            cell_write(m, state, i, address, count, t_ms, values);
        }
    }
    return SLAVE_OK;
}

int64_t
simulator_map_find(const struct simulator_map *m, const char *id)
{
    for (uint32_t i = 0; i < m->cell_count; i++) {
        const char *own = m->cells[i].spec->id;

        if (own != NULL && strcmp(own, id) == 0) {
            return i;
        }
    }
    return -1;
}
