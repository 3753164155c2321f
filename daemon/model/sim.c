#include "daemon/model/sim.h"

#include <assert.h>
#include <string.h>

static const char *const faults[] = {"silent",    "slow",      "bad_crc", "wrong_unit",
                                     "truncated", "exception", "drop"};
_Static_assert(ARRAY_LEN(faults) == SIM_FAULT_COUNT, "a word for each fault");

void
sim_free(struct sim *s)
{
    if (s != NULL) {
        arena_free(s->arena);
    }
}

const char *
sim_fault_name(enum sim_fault_kind k)
{
    assert(k < SIM_FAULT_COUNT);
    return faults[k];
}

bool
sim_fault_parse(enum sim_fault_kind *out, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (strcmp(faults[i], text) == 0) {
            *out = (enum sim_fault_kind)i;
            return true;
        }
    }
    return false;
}
