#include "collectors/simulator_answer.h"

static void
answer_in_health(struct simulator_answer *out,
                 struct simulator_unit *u,
                 enum slave_framing framing,
                 const struct slave_request *q,
                 int64_t t_ms)
{
    uint16_t values[SLAVE_READ_BITS_MAX];
    uint8_t code = q->exception;

    if (code == SLAVE_OK) {
        code = simulator_unit_read(u, q->function, q->address, q->count, t_ms, values);
    }
    if (code != SLAVE_OK) {
        out->size = slave_answer_exception(out->adu, framing, q, code);
    } else {
        out->size = slave_answer(out->adu, framing, q, values);
    }
}

void
simulator_answer(struct simulator_answer *out,
                 struct simulator_unit *u,
                 enum slave_framing framing,
                 const struct slave_request *q,
                 int64_t t_ms)
{
    const struct sim_fault *f;

    out->kind = ANSWER_SEND;
    out->delay_ms = 0;
    if (u == NULL) {
        out->kind = framing == SLAVE_TCP ? ANSWER_SEND : ANSWER_NONE;
        out->size = slave_answer_exception(out->adu, framing, q, SLAVE_GATEWAY_TARGET);
        return;
    }
    answer_in_health(out, u, framing, q, t_ms);
    f = simulator_unit_fault(u, t_ms);
    if (f == NULL) {
        return;
    }
    switch (f->kind) {
    case SIM_FAULT_SILENT:
        out->kind = ANSWER_NONE;
        break;
    case SIM_FAULT_DROP:
        out->kind = ANSWER_HANG_UP;
        break;
    case SIM_FAULT_SLOW:
        out->delay_ms = f->delay_ms;
        break;
    case SIM_FAULT_BAD_CRC:
        slave_damage(out->adu, out->size, framing);
        break;
    case SIM_FAULT_WRONG_UNIT:
        slave_change_unit(out->adu, out->size, framing);
        break;
    case SIM_FAULT_TRUNCATED:
        out->size /= 2;
        break;
    case SIM_FAULT_EXCEPTION:
        out->size = slave_answer_exception(out->adu, framing, q, f->code);
        break;
    case SIM_FAULT_COUNT:
        break;
    }
}
