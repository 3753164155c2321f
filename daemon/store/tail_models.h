/* What both sides of the tail's coder (tail.h) share: chances, forms of values. */
#ifndef CARETAKER_STORE_TAIL_MODELS_H
#define CARETAKER_STORE_TAIL_MODELS_H

#include "daemon/store/chunk_coder.h"
#include "daemon/store/chunk_series.h"
#include "daemon/store/tail.h"

#define TAIL_CLASS_BITS 6
#define TAIL_CLASSES    (1u << TAIL_CLASS_BITS)
#define TAIL_MODE_BITS  2
#define TAIL_FORM_BITS  4
#define TAIL_FORMS      (1u << TAIL_FORM_BITS)
#define TAIL_SINGLE     14u
#define TAIL_DOUBLE     15u

enum tail_mode { TAIL_LAST, TAIL_MIDDLE, TAIL_STRAIGHT, TAIL_FIRST, TAIL_MODES };

struct tail_models {
    struct chance steps[TAIL_CLASSES][TAIL_STEPS];
    struct chance sign[TAIL_CLASSES];
    struct chance classes[TAIL_CLASSES];
    struct chance modes[TAIL_MODES];
    struct chance form_same, forms[TAIL_FORMS];
    struct chance near;
    struct chance firsts[NUMBER_CHANCES], rests[NUMBER_CHANCES];
    struct chance heads[NUMBER_CHANCES]; /* Columns, keys, times, periods, steps. */
    struct chance key_next, period_same, step_one, plain;
    struct chance flags_same, status_same[2], status_beside;
};

void tail_models_init(struct tail_models *m);

CODER_INLINE unsigned
tail_tree(struct coder *c,
          struct chance *tree,
          unsigned bits,
          unsigned value,
          const bool decode)
{
    unsigned node = 1;
    for (unsigned i = bits; i-- > 0;) {
        node = node << 1 | coder_bit(c, &tree[node], value >> i & 1, decode);
    }
    return node - (1u << bits);
}

/* What x[i] is expected to be. */
static inline uint64_t
tail_expect(unsigned mode, uint64_t first, uint64_t last, uint64_t before)
{
    switch ((enum tail_mode)mode) {
    case TAIL_MIDDLE:
        return before + (uint64_t)((int64_t)(last - before) >> 1);
    case TAIL_STRAIGHT:
        return 2 * last - before;
    case TAIL_FIRST:
        return first;
    case TAIL_LAST:
    case TAIL_MODES:
        break;
    }
    return last;
}

/* One difference; decoding, its value is what comes back. */
CODER_INLINE int64_t
tail_difference(struct coder *c,
                struct tail_models *m,
                unsigned class,
                int64_t r,
                const bool decode)
{
    unsigned k = class > 4 ? class - 4 : 0;
    uint64_t size = r < 0 ? 0 - (uint64_t)r : (uint64_t)r;
    uint64_t high = size >> k;
    unsigned i = 0;
    while (i < TAIL_STEPS && !coder_bit(c, &m->steps[class][i], high == i, decode)) {
        i++;
    }
    if (decode) {
        high = i;
    }
    if (i == TAIL_STEPS) {
        high = TAIL_STEPS + number_code(c, m->rests, high - TAIL_STEPS, decode);
    }
    uint64_t low = coder_even_long(c, size & ((UINT64_C(1) << k) - 1), k, decode);
    size = high << k | low;
    bool negative = size != 0 && coder_bit(c, &m->sign[class], r < 0, decode);
    return (int64_t)(negative ? 0 - size : size);
}

/* The integer of a value in a form; false when it has none. */
bool tail_form_int(unsigned form, double value, int64_t *n);
/* And back.  False when that is no finite number. */
bool tail_form_value(unsigned form, int64_t n, double *value);

#endif
