/* Any bytes as what a master sends: the first chooses TCP, a line, or a line that falls
 * silent at the end.  Parsing must go forward, and every request gets an answer that
 * fits. */
#include <assert.h>

#include "collectors/simulator_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sim_register registers[] = {
    {"wide",
     {.table = REG_HOLDING, .address = 3, .type = TYPE_F64, .scaling = {1, 0, 1}},
     {.kind = SIGNAL_RAMP, .per_second = 1, .noise = 2}},
    {"bit",
     {.table = REG_HOLDING,
      .address = 200,
      .type = TYPE_BITS,
      .bit_low = 3,
      .bit_high = 5,
      .scaling = {1, 0, 1}},
     {.value = 7}},
    {"last",
     {.table = REG_INPUT, .address = 0xFFFF, .type = TYPE_U16, .scaling = {1, 0, 1}},
     {.value = 1}},
    {"coil", {.table = REG_COIL, .address = 1, .scaling = {1, 0, 1}}, {.value = 1}},
    {"far", {.table = REG_COIL, .address = 3000, .scaling = {1, 0, 1}}, {.value = 1}},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sim_unit spec = {
        .unit = 1, .registers = registers, .register_count = ARRAY_LEN(registers)};
    enum slave_framing framing;
    struct simulator_unit *u;
    struct slave_request q;
    struct simulator_answer a;
    size_t used;

    if (size == 0) {
        return 0;
    }
    framing = data[0] % 3 == 0 ? SLAVE_TCP : SLAVE_RTU;
    assert(simulator_unit_new(&u, &spec, NULL) == 0);
    for (size_t at = 1; at < size; at += used) {
        enum slave_parse got =
            slave_parse(&q, framing, data + at, size - at, data[0] % 3 == 2, &used);

        assert(used <= size - at);
        if (got != SLAVE_REQUEST) {
            break;
        }
        assert(used > 0);
        simulator_answer(&a, q.unit == 1 ? u : NULL, framing, &q, (int64_t)at);
        assert(a.size >= 5);
        assert(a.size <= sizeof a.adu);
        assert(q.unit != 1 || a.kind == ANSWER_SEND);
    }
    simulator_unit_free(u);
    return 0;
}
