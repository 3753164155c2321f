#include "daemon/model/counter.h"

#include <assert.h>
#include <math.h>

double
counter_raw_values(const struct point *p)
{
    switch (p->type) {
    case TYPE_U16:
    case TYPE_S16:
        return 65536.0;
    case TYPE_U32:
    case TYPE_S32:
        return 4294967296.0;
    case TYPE_U64:
    case TYPE_S64:
        return 18446744073709551616.0;
    case TYPE_BCD16:
        return 1e4;
    case TYPE_BCD32:
        return 1e8;
    case TYPE_BITS:
        return ldexp(1.0, p->bit_high - p->bit_low + 1);
    case TYPE_BOOL:
    case TYPE_F32:
    case TYPE_F64:
    case TYPE_COUNT:
        break;
    }
    return 0.0;
}

double
counter_modulus(const struct point *p)
{
    if (p->table == REG_NONE || p->decimals_from != NONE_INDEX) {
        return 0.0;
    }
    return counter_raw_values(p) * fabs(p->scaling.mul) / p->scaling.div;
}

struct counter_step
counter_step(const struct point *p, double before, double after)
{
    double sign = p->scaling.mul < 0 ? -1.0 : 1.0; /* It counts down, as it is shown. */
    double risen = sign * (after - before);
    double modulus = counter_modulus(p);

    assert(isfinite(before));
    assert(isfinite(after));
    if (risen >= 0) {
        return (struct counter_step){sign * risen, COUNTER_PLAIN};
    }
    risen += modulus;
    if (risen >= 0 && risen < modulus / COUNTER_WRAP_PART) {
        return (struct counter_step){sign * risen, COUNTER_WRAPPED};
    }
    return (struct counter_step){0.0, COUNTER_RESET};
}
