#include "collectors/simulator_answer.h"

#include <string.h>

#define STRAY_DELAY_MS_MAX                                                             \
    50 /* A master that polls all the time has begun by then.                          \
        */

/* The exception that a fault gives instead of the values; 0: none. */
static uint8_t
refusal(const struct sim_fault *f)
{
    if (f == NULL) {
        return SLAVE_OK;
    }
    if (f->kind == SIM_FAULT_EXCEPTION || f->code != 0) {
        return f->code;
    }
    return f->function != 0 ? SLAVE_ILLEGAL_FUNCTION : SLAVE_ILLEGAL_ADDRESS;
}

static void
answer_content(struct simulator_answer *out,
               struct simulator_unit *u,
               enum slave_framing framing,
               const struct slave_request *q,
               uint8_t code,
               int64_t t_ms)
{
    uint16_t values[SLAVE_READ_BITS_MAX];

    if (code == SLAVE_OK) {
        code = q->exception;
    }
    if (code == SLAVE_OK) {
        code = simulator_unit_read(u, q->function, q->address, q->count, t_ms, values);
    }
    if (code != SLAVE_OK) {
        out->size = slave_answer_exception(out->adu, framing, q, code);
    } else {
        out->size = slave_answer(out->adu, framing, q, values);
    }
}

static void
draw_bytes(struct simulator_unit *u, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(simulator_unit_random(u) >> 56);
    }
}

static void
add_garbage(struct simulator_answer *out,
            struct simulator_unit *u,
            const struct sim_fault *f)
{
    size_t most = f->bytes > 0 ? f->bytes : SIM_GARBAGE_BYTES;
    size_t size = 1 + (size_t)(simulator_unit_random(u) >> 32) % most;
    enum sim_garbage place = f->place;

    if (place == GARBAGE_ANY) {
        place = GARBAGE_BEFORE + (enum sim_garbage)(simulator_unit_random(u) >> 32) % 3;
    }
    if (place == GARBAGE_BETWEEN) {
        out->stray_size = size;
        out->stray_delay_ms =
            1 + (int64_t)(simulator_unit_random(u) >> 32) % STRAY_DELAY_MS_MAX;
        draw_bytes(u, out->stray, size);
        return;
    }
    if (place == GARBAGE_BEFORE) {
        memmove(out->adu + size, out->adu, out->size);
    }
    draw_bytes(u, place == GARBAGE_BEFORE ? out->adu : out->adu + out->size, size);
    out->size += size;
}

static void
damage(struct simulator_answer *out,
       struct simulator_unit *u,
       enum slave_framing framing,
       const struct simulator_strike *strike)
{
    const struct sim_fault *const *f = strike->by_kind;

    if (f[SIM_FAULT_WRONG_UNIT] != NULL) {
        slave_change_unit(out->adu, out->size, framing);
    }
    if (f[SIM_FAULT_BAD_CRC] != NULL) {
        slave_damage(out->adu, out->size, framing);
    }
    if (f[SIM_FAULT_TRUNCATED] != NULL) {
        out->size /= 2;
    }
    if (f[SIM_FAULT_GARBAGE] != NULL) {
        add_garbage(out, u, f[SIM_FAULT_GARBAGE]);
    }
    if (f[SIM_FAULT_SLOW] != NULL) {
        out->delay_ms += f[SIM_FAULT_SLOW]->delay_ms;
    }
    if (f[SIM_FAULT_LATE] != NULL) {
        out->delay_ms += f[SIM_FAULT_LATE]->delay_ms;
    }
}

void
simulator_answer(struct simulator_answer *out,
                 struct simulator_unit *u,
                 enum slave_framing framing,
                 const struct slave_request *q,
                 int64_t t_ms)
{
    struct simulator_strike strike;
    struct simulator_stats *stats;

    out->kind = ANSWER_SEND;
    out->delay_ms = 0;
    out->stray_size = 0;
    if (u == NULL) {
        out->kind = framing == SLAVE_TCP ? ANSWER_SEND : ANSWER_NONE;
        out->size = slave_answer_exception(out->adu, framing, q, SLAVE_GATEWAY_TARGET);
        return;
    }
    stats = simulator_unit_stats(u);
    stats->requests++;
    simulator_unit_strike(u, q, t_ms, &strike);
    out->size = 0;
    if (strike.decides != NULL && strike.decides->kind == SIM_FAULT_SILENT) {
        out->kind = ANSWER_NONE;
        return;
    }
    if (strike.decides != NULL && strike.decides->kind == SIM_FAULT_DROP) {
        out->kind = ANSWER_HANG_UP;
        return;
    }
    stats->answers++;
    out->delay_ms = simulator_unit_spec(u)->turnaround_ms;
    answer_content(out, u, framing, q, refusal(strike.decides), t_ms);
    damage(out, u, framing, &strike);
}
