#include "daemon/store/chunk_plan.h"

#include <math.h>
#include <stdlib.h>

#define PROBES          16 /* Values that a form is tried on first. */
#define PROBES_ODD      2  /* Of them may have another form. */
#define SINGLE_DECIMALS 7
#define DECIMAL_WORTH   720 /* 9 bytes against a tenth of a bit. */
#define SINGLE_INT_MAX  (1 << 22)
#define PALETTE_PREFIX  512 /* Values that show whether a palette may be worth it. */
#define PALETTE_SLOTS   1024
#define PALETTE_GAIN    1.0 /* Bits that it saves of each value, at least. */

_Static_assert((PALETTE_SLOTS & (PALETTE_SLOTS - 1)) == 0, "slots are masked");
_Static_assert(PALETTE_SLOTS >= 2 * (CHUNK_VALUES_PALETTE_MAX + 1), "few collide");

static const double powers_of_ten[DECIMALS_MAX + 1] = {
    1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

bool
chunk_values_set_decimals(struct chunk_values_map *map, unsigned decimals)
{
    if (decimals > DECIMALS_MAX) {
        return false;
    }
    map->decimals = (uint8_t)decimals;
    map->mul = 1;
    map->add = 0;
    map->div = powers_of_ten[decimals];
    return true;
}

static inline double
scaled_value(const struct chunk_values_map *map, int64_t n)
{
    double value = (double)n * map->mul + map->add;
    value = map->div != 1.0 ? value / map->div : value;
    return map->single ? (double)(float)value : value;
}

static double
single_value(int64_t n)
{
    uint32_t bits = (uint32_t)n;
    float single;
    bits ^= (uint32_t)(n < 0 ? INT32_MAX : 0);
    memcpy(&single, &bits, sizeof single);
    return (double)single;
}

double
chunk_values_of(const struct chunk_values_map *map, int64_t n)
{
    if (map->form == CHUNK_VALUES_SCALED) {
        return scaled_value(map, n);
    }
    if (map->form == CHUNK_VALUES_SINGLE) {
        return single_value(n);
    }
    return bits_double((uint64_t)n ^ (uint64_t)(n < 0 ? INT64_MAX : 0));
}

/* The integer that the map makes into the very bits of the value. */
static inline bool
scaled_int(const struct chunk_values_map *map, double value, int64_t *n)
{
    double limit = map->single ? SINGLE_INT_MAX : (double)CHUNK_SERIES_VALUE_MAX;
    double raw = value * map->div - map->add;
    raw = map->mul != 1.0 ? raw / map->mul : raw;
    if (!(fabs(raw) < limit)) {
        return false;
    }
    *n = (int64_t)(raw + (raw < 0 ? -0.5 : 0.5));
    return double_bits(scaled_value(map, *n)) == double_bits(value);
}

static inline bool
single_int(double value, int64_t *n)
{
    float single = (float)value;
    int32_t bits;
    memcpy(&bits, &single, sizeof bits);
    *n = bits ^ (bits < 0 ? INT32_MAX : 0);
    return double_bits(single_value(*n)) == double_bits(value);
}

static inline int64_t
double_int(double value)
{
    int64_t bits = (int64_t)double_bits(value);
    return bits ^ (bits < 0 ? INT64_MAX : 0);
}

static bool
fits(const struct chunk_values_map *map, double value, int64_t *n)
{
    return map->form == CHUNK_VALUES_SCALED ? scaled_int(map, value, n)
                                            : single_int(value, n);
}

/* Whether it is worth looking at all of them. */
static bool
probes_fit(const struct chunk_values_map *map, const double *values, uint32_t count)
{
    uint32_t probes = count < PROBES ? count : PROBES;
    uint32_t odd = 0, odd_max = count < PROBES ? 0 : PROBES_ODD;
    int64_t n;
    for (uint32_t i = 0; i < probes; i++) {
        odd += !fits(map, values[(uint64_t)i * count / probes], &n);
    }
    return odd <= odd_max;
}

/* All values by this map, with as many odd ones as may be. */
static bool
try_map(struct chunk_values_plan *plan,
        const struct chunk_values_map *map,
        const double *values)
{
    int64_t last = 0;
    bool any = false;
    plan->odd_count = 0;
    if (!probes_fit(map, values, plan->count)) {
        return false;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        if (fits(map, values[i], &plan->ints[i])) {
            if (!any) { /* Odd ones before it. */
                for (uint32_t before = 0; before < i; before++) {
                    plan->ints[before] = plan->ints[i];
                }
            }
            any = true;
            last = plan->ints[i];
            continue;
        }
        if (plan->odd_count >= plan->count / CHUNK_VALUES_ODD_SHARE) {
            return false;
        }
        plan->odd[plan->odd_count++] = i;
        plan->ints[i] = last;
    }
    plan->map = *map;
    return true;
}

/* The fewest decimals that the value has, looked for around `guess`; more than `most`:
 * none. */
static unsigned
decimals_of(struct chunk_values_map *map, double value, unsigned guess, unsigned most)
{
    int64_t n;
    unsigned decimals = guess <= most ? guess : 0;
    chunk_values_set_decimals(map, decimals);
    if (scaled_int(map, value, &n)) {
        while (decimals > 0 && chunk_values_set_decimals(map, decimals - 1) &&
               scaled_int(map, value, &n)) {
            decimals--;
        }
        return decimals;
    }
    while (++decimals <= most) {
        chunk_values_set_decimals(map, decimals);
        if (scaled_int(map, value, &n)) {
            break;
        }
    }
    return decimals;
}

/* As few decimals as leave few values odd: one costs as much as DECIMAL_WORTH values
 * that have a decimal too many. */
static bool
try_decimals(struct chunk_values_plan *plan, const double *values, bool single)
{
    struct chunk_values_map map = {.form = CHUNK_VALUES_SCALED, .single = single};
    unsigned most = single ? SINGLE_DECIMALS : DECIMALS_MAX;
    uint32_t with[DECIMALS_MAX + 2] = {0}; /* So many decimals; the last: none fit. */
    unsigned decimals = 0, best = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        decimals = decimals_of(&map, values[i], decimals, most);
        with[decimals]++;
        if (with[most + 1] > PROBES && with[most + 1] > i / 2) {
            return false;
        }
    }
    uint64_t least = UINT64_MAX, odd = plan->count;
    for (decimals = 0; decimals <= most; decimals++) {
        odd -= with[decimals];
        uint64_t cost = odd * DECIMAL_WORTH + (uint64_t)decimals * plan->count;
        if (odd <= plan->count / CHUNK_VALUES_ODD_SHARE && cost < least) {
            least = cost;
            best = decimals;
        }
    }
    chunk_values_set_decimals(&map, best);
    return least != UINT64_MAX && try_map(plan, &map, values);
}

static bool
try_scaling(struct chunk_values_plan *plan,
            const double *values,
            const struct scaling *s)
{
    struct chunk_values_map map = {.form = CHUNK_VALUES_SCALED};
    if (s->mul == 0.0 || s->div == 0.0 || !isfinite(s->mul) || !isfinite(s->add) ||
        !isfinite(s->div)) {
        return false;
    }
    if (s->mul == 1.0 && double_bits(s->add) == 0) {
        for (unsigned decimals = 0; decimals <= DECIMALS_MAX; decimals++) {
            if (s->div == powers_of_ten[decimals]) {
                chunk_values_set_decimals(&map, decimals);
                return try_map(plan, &map, values);
            }
        }
    }
    map.scaling = true;
    map.mul = s->mul;
    map.add = s->add;
    map.div = s->div;
    return try_map(plan, &map, values);
}

static void
choose_map(struct chunk_values_plan *plan,
           const double *values,
           const struct scaling *s)
{
    struct chunk_values_map single = {.form = CHUNK_VALUES_SINGLE};
    if (try_scaling(plan, values, s) || try_decimals(plan, values, false) ||
        try_decimals(plan, values, true) || try_map(plan, &single, values)) {
        return;
    }
    plan->map = (struct chunk_values_map){.form = CHUNK_VALUES_DOUBLE};
    plan->odd_count = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        plan->ints[i] = double_int(values[i]);
    }
}

static int
by_value(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static inline uint32_t
slot_of(int64_t n)
{
    return (uint32_t)((uint64_t)n * UINT64_C(0x9e3779b97f4a7c15) >> 54);
}
_Static_assert(PALETTE_SLOTS == 1 << (64 - 54), "slot_of() gives this many");

/* Numbers that are in use, each once. */
struct distinct {
    uint32_t count;
    uint16_t slots[PALETTE_SLOTS]; /* Index into numbers + 1; 0: free. */
    int64_t numbers[CHUNK_VALUES_PALETTE_MAX];
};

static uint16_t *
find_slot(struct distinct *d, int64_t n)
{
    uint32_t at = slot_of(n);
    while (d->slots[at] != 0 && d->numbers[d->slots[at] - 1] != n) {
        at = (at + 1) & (PALETTE_SLOTS - 1);
    }
    return &d->slots[at];
}

/* False when there are too many for a palette. */
static bool
collect(struct distinct *d, const int64_t *ints, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && ints[i] == ints[i - 1]) {
            continue;
        }
        uint16_t *slot = find_slot(d, ints[i]);
        if (*slot == 0) {
            if (d->count == CHUNK_VALUES_PALETTE_MAX) {
                return false;
            }
            d->numbers[d->count++] = ints[i];
            *slot = (uint16_t)d->count;
        }
    }
    return true;
}

/* The numbers in order, and the bits that their distances would cost in all, if each
 * were as frequent as the others. */
static double
order(struct distinct *d, int64_t *palette)
{
    double bits = 0;
    memcpy(palette, d->numbers, d->count * sizeof *palette);
    qsort(palette, d->count, sizeof *palette, by_value);
    for (uint32_t i = 1; i < d->count; i++) {
        bits += log2((double)((uint64_t)palette[i] - (uint64_t)palette[i - 1]));
    }
    return bits;
}

/* A palette stands for the integers where few of a wide range are in use: an analogue
 * converter of 12 bits behind a register of 16, a float that has few values. */
static void
choose_palette(struct chunk_values_plan *plan)
{
    struct distinct d = {0};
    uint32_t prefix = plan->count < PALETTE_PREFIX ? plan->count : PALETTE_PREFIX;
    if (!collect(&d, plan->ints, prefix) || d.count < 2 ||
        order(&d, plan->palette) < PALETTE_GAIN * (d.count - 1) ||
        !collect(&d, plan->ints + prefix, plan->count - prefix)) {
        return;
    }
    double bits = order(&d, plan->palette);
    double gain = bits / d.count * plan->count; /* Against what the palette takes. */
    if (bits < PALETTE_GAIN * (d.count - 1) ||
        gain < (bits / 7 + 1.5 * d.count) * 8 + 64) {
        return;
    }
    plan->palette_count = d.count;
}

static void
use_palette(struct chunk_values_plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        uint32_t low = 0, high = plan->palette_count;
        while (high - low > 1) {
            uint32_t middle = (low + high) / 2;
            if (plan->palette[middle] <= plan->ints[i]) {
                low = middle;
            } else {
                high = middle;
            }
        }
        plan->ints[i] = low;
    }
}

void
chunk_values_plan(struct chunk_values_plan *plan,
                  const double *values,
                  uint32_t count,
                  const struct scaling *scaling)
{
    plan->count = count;
    plan->odd_count = 0;
    plan->palette_count = 0;
    plan->constant = false;
    plan->predictor = 0;
    plan->map = (struct chunk_values_map){.form = CHUNK_VALUES_NONE};
    if (count == 0) {
        return;
    }
    choose_map(plan, values, scaling);
    plan->constant = true;
    for (uint32_t i = 1; i < count && plan->constant; i++) {
        plan->constant = plan->ints[i] == plan->ints[0];
    }
    if (plan->constant) {
        return;
    }
    choose_palette(plan);
    if (plan->palette_count > 0) {
        use_palette(plan);
    }
    if (plan->map.form != CHUNK_VALUES_DOUBLE || plan->palette_count > 0) {
        plan->predictor = chunk_series_choose(plan->ints, count);
    }
}
