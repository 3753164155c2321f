#include "collectors/simulator_unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/simulator_signal.h"

#define SEED UINT64_C(0x9E3779B97F4A7C15)

/* How often a fault could have struck, and has. */
struct tally {
    uint32_t seen, struck;
};

struct by_hand {
    struct sim_fault fault;
    struct tally tally;
};

struct simulator_unit {
    const struct sim_unit *spec;
    struct simulator_map *map;
    struct simulator_state state;
    struct tally *tallies;   /* Of the spec's faults. */
    struct by_hand *by_hand; /* In the order in which they were set; one of a kind. */
    uint32_t by_hand_count;
    int64_t cleared_ms; /* Windows that began by then are over. */
    uint64_t random;
    struct simulator_stats stats;
};

int
simulator_unit_new_like(struct simulator_unit **out,
                        const struct sim_unit *spec,
                        const struct simulator_unit *like,
                        uint32_t copy,
                        struct err *err)
{
    struct simulator_unit *u = calloc(1, sizeof *u);

    if (u == NULL ||
        (spec->fault_count > 0 &&
         (u->tallies = calloc(spec->fault_count, sizeof *u->tallies)) == NULL)) {
        free(u);
        return err_set(err, ERR_NOMEM, "unit %u", spec->unit);
    }
    u->spec = spec;
    u->cleared_ms = INT64_MIN;
    u->state.noise = SEED + ((uint64_t)copy << 8 | spec->unit);
    u->random = ~u->state.noise;
    if (like != NULL && simulator_map_registers(like->map) == spec->registers &&
        simulator_map_count(like->map) == spec->register_count) {
        u->map = simulator_map_share(like->map);
    } else if (simulator_map_new(&u->map, spec->registers, spec->register_count, err) !=
               0) {
        simulator_unit_free(u);
        return err != NULL ? (int)err->code : ERR_CONFIG;
    }
    *out = u;
    return 0;
}

int
simulator_unit_new(struct simulator_unit **out,
                   const struct sim_unit *spec,
                   struct err *err)
{
    return simulator_unit_new_like(out, spec, NULL, 0, err);
}

void
simulator_unit_free(struct simulator_unit *u)
{
    if (u != NULL) {
        simulator_map_free(u->map);
        free(u->state.held);
        free(u->tallies);
        free(u->by_hand);
        free(u);
    }
}

const struct sim_unit *
simulator_unit_spec(const struct simulator_unit *u)
{
    return u->spec;
}

struct simulator_stats *
simulator_unit_stats(struct simulator_unit *u)
{
    return &u->stats;
}

uint64_t
simulator_unit_random(struct simulator_unit *u)
{
    return signal_random(&u->random);
}

uint8_t
simulator_unit_read(struct simulator_unit *u,
                    uint8_t function,
                    uint16_t address,
                    uint16_t count,
                    int64_t t_ms,
                    uint16_t *values)
{
    return simulator_map_read(u->map, &u->state, function, address, count, t_ms,
                              values);
}

/* ---- Faults ---- */

/* Refusing needs a request that touches what is refused. */
static bool
may_strike(const struct sim_fault *f, const struct slave_request *q)
{
    if (f->kind != SIM_FAULT_REFUSE) {
        return true;
    }
    if (f->function != 0) {
        return q->function == f->function;
    }
    return q->exception == SLAVE_OK &&
           simulator_table_of(q->function) == f->range.table &&
           q->address <= f->range.high &&
           (uint32_t)q->address + q->count > f->range.low;
}

static bool
strikes(struct simulator_unit *u,
        const struct sim_fault *f,
        struct tally *tally,
        const struct slave_request *q)
{
    if (!may_strike(f, q)) {
        return false;
    }
    tally->seen++;
    if ((f->times > 0 && tally->struck >= f->times) ||
        (f->every > 1 && tally->seen % f->every != 0) ||
        (f->chance > 0.0 && signal_random_share(&u->random) >= f->chance)) {
        return false;
    }
    tally->struck++;
    return true;
}

static void
note(struct simulator_strike *out, const struct sim_fault *f)
{
    switch (f->kind) {
    case SIM_FAULT_SILENT:
    case SIM_FAULT_DROP:
    case SIM_FAULT_EXCEPTION:
    case SIM_FAULT_REFUSE:
        out->decides = f;
        break;
    case SIM_FAULT_SLOW:
    case SIM_FAULT_BAD_CRC:
    case SIM_FAULT_WRONG_UNIT:
    case SIM_FAULT_TRUNCATED:
    case SIM_FAULT_GARBAGE:
    case SIM_FAULT_LATE:
        out->by_kind[f->kind] = f;
        break;
    case SIM_FAULT_COUNT:
        break;
    }
}

static void
count_strikes(struct simulator_unit *u, struct simulator_strike *s)
{
    if (s->decides != NULL) {
        u->stats.faults[s->decides->kind]++;
        if (s->decides->kind == SIM_FAULT_SILENT ||
            s->decides->kind == SIM_FAULT_DROP) {
            memset(s->by_kind, 0, sizeof s->by_kind);
        }
    }
    for (uint32_t k = 0; k < SIM_FAULT_COUNT; k++) {
        u->stats.faults[k] += s->by_kind[k] != NULL;
    }
}

void
simulator_unit_strike(struct simulator_unit *u,
                      const struct slave_request *q,
                      int64_t t_ms,
                      struct simulator_strike *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < u->spec->fault_count; i++) {
        const struct sim_fault *f = &u->spec->faults[i];

        if (f->from_ms <= t_ms && t_ms < f->to_ms && f->from_ms > u->cleared_ms &&
            strikes(u, f, &u->tallies[i], q)) {
            note(out, f);
        }
    }
    for (uint32_t i = 0; i < u->by_hand_count; i++) {
        struct by_hand *h = &u->by_hand[i];

        if (strikes(u, &h->fault, &h->tally, q)) {
            note(out, &h->fault);
        }
    }
    count_strikes(u, out);
}

void
simulator_unit_set_fault(struct simulator_unit *u, const struct sim_fault *fault)
{
    uint32_t i = 0;

    if (u->by_hand == NULL) {
        u->by_hand = calloc(SIM_FAULT_COUNT, sizeof *u->by_hand);
        if (u->by_hand == NULL) {
            abort();
        }
    }
    while (i < u->by_hand_count && u->by_hand[i].fault.kind != fault->kind) {
        i++;
    }
    if (i < u->by_hand_count) { /* Its successor comes last. */
        u->by_hand_count--;
        memmove(&u->by_hand[i], &u->by_hand[i + 1],
                (u->by_hand_count - i) * sizeof u->by_hand[0]);
    }
    u->by_hand[u->by_hand_count++] = (struct by_hand){.fault = *fault};
}

void
simulator_unit_clear_faults(struct simulator_unit *u, int64_t t_ms)
{
    u->by_hand_count = 0;
    u->cleared_ms = t_ms;
}

/* ---- Values by hand ---- */

static bool
hold(struct simulator_unit *u, const char *id, double value)
{
    int64_t cell = simulator_map_find(u->map, id);
    uint32_t count = simulator_map_count(u->map);

    if (cell < 0) {
        return false;
    }
    if (u->state.held == NULL) {
        u->state.held = calloc(count, sizeof *u->state.held);
        if (u->state.held == NULL) {
            abort();
        }
        for (uint32_t i = 0; i < count; i++) {
            u->state.held[i] = NAN;
        }
    }
    u->state.held[cell] = value;
    return true;
}

bool
simulator_unit_set(struct simulator_unit *u, const char *id, double value)
{
    return hold(u, id, value);
}

bool
simulator_unit_release(struct simulator_unit *u, const char *id)
{
    return hold(u, id, NAN);
}

bool
simulator_unit_get(struct simulator_unit *u, const char *id, int64_t t_ms, double *out)
{
    int64_t cell = simulator_map_find(u->map, id);

    if (cell < 0) {
        return false;
    }
    *out = simulator_map_value(u->map, &u->state, (uint32_t)cell, t_ms);
    return true;
}
