#include "daemon/store/chunk_values.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "daemon/store/chunk_plan.h"

#define HEAD_FORM     0x03u
#define HEAD_SINGLE   0x04u
#define HEAD_SCALING  0x08u
#define HEAD_ODD      0x10u
#define HEAD_PALETTE  0x20u
#define HEAD_CONSTANT 0x40u
#define HEAD_FLAG     0x80u

#define HEAD_BYTES_MAX (4 + 3 * (VARINT_BYTES_MAX + 8) + 4 * VARINT_BYTES_MAX)
#define ODD_BYTES      8   /* Of an odd value, beside where it is. */
#define BLOCK          256 /* Integers that are decoded at a time. */

static void
put_number(struct bytes *out, double number)
{
    int64_t n = fabs(number) < 2147483648.0 ? (int64_t)number : 0;
    uint64_t bits;
    if (double_bits((double)n) == (bits = double_bits(number))) {
        bytes_varint(out, zigzag(n) << 1);
    } else {
        bytes_varint(out, 1);
        bytes_fixed(out, bits, 8);
    }
}

static bool
get_number(struct cursor *c, double *out)
{
    uint64_t n;
    if (!cursor_varint(c, &n)) {
        return false;
    }
    if ((n & 1) == 0) {
        *out = (double)unzigzag(n >> 1);
        return true;
    }
    if (n != 1 || !cursor_fixed(c, &n, 8)) {
        return false;
    }
    *out = bits_double(n);
    return true;
}

static void
put_odd(struct bytes *out, const struct chunk_values_plan *plan, const double *values)
{
    uint32_t next = 0;
    bytes_varint(out, plan->odd_count);
    for (uint32_t i = 0; i < plan->odd_count; i++) {
        bytes_varint(out, plan->odd[i] - next);
        bytes_fixed(out, double_bits(values[plan->odd[i]]), ODD_BYTES);
        next = plan->odd[i] + 1;
    }
}

static void
put_palette(struct bytes *out, const struct chunk_values_plan *plan)
{
    bytes_varint(out, plan->palette_count);
    bytes_varint(out, zigzag(plan->palette[0]));
    for (uint32_t i = 1; i < plan->palette_count; i++) {
        bytes_varint(out, (uint64_t)plan->palette[i] - (uint64_t)plan->palette[i - 1]);
    }
}

/* Whether the integers are not a series: differences of 64 bits. */
static bool
is_wide(const struct chunk_values_map *map, uint32_t palette_count)
{
    return map->form == CHUNK_VALUES_DOUBLE && palette_count == 0;
}

bool
chunk_values_put_head(struct bytes *out,
                      const struct chunk_values_plan *plan,
                      const double *values,
                      bool flag)
{
    const struct chunk_values_map *map = &plan->map;
    size_t most = HEAD_BYTES_MAX + plan->odd_count * (VARINT_BYTES_MAX + ODD_BYTES) +
                  plan->palette_count * VARINT_BYTES_MAX;
    if (!bytes_reserve(out, most)) {
        return false;
    }
    unsigned head = (unsigned)map->form | (flag ? HEAD_FLAG : 0);
    head |= map->single ? HEAD_SINGLE : 0;
    head |= map->scaling ? HEAD_SCALING : 0;
    head |= plan->odd_count > 0 ? HEAD_ODD : 0;
    head |= plan->palette_count > 0 ? HEAD_PALETTE : 0;
    head |= plan->constant ? HEAD_CONSTANT : 0;
    bytes_fixed(out, head, 1);
    if (map->form == CHUNK_VALUES_NONE) {
        return true;
    }
    if (map->scaling) {
        put_number(out, map->mul);
        put_number(out, map->add);
        put_number(out, map->div);
    } else if (map->form == CHUNK_VALUES_SCALED) {
        bytes_fixed(out, map->decimals, 1);
    }
    if (plan->odd_count > 0) {
        put_odd(out, plan, values);
    }
    if (plan->palette_count > 0) {
        put_palette(out, plan);
    }
    bytes_varint(out, zigzag(plan->ints[0]));
    if (!plan->constant && !is_wide(map, plan->palette_count)) {
        bytes_fixed(out, plan->predictor, 1);
    }
    return true;
}

void
chunk_values_chances_reset(struct chunk_values_chances *chances)
{
    chunk_series_chances_reset(&chances->series);
    chances_reset(chances->lengths, NUMBER_CHANCES);
}

void
chunk_values_put(const struct chunk_values_plan *plan,
                 struct coder *c,
                 struct chunk_values_chances *chances)
{
    struct chunk_series s;
    if (plan->count == 0 || plan->constant) {
        return;
    }
    if (!is_wide(&plan->map, plan->palette_count)) {
        chunk_series_init(&s, &chances->series, plan->ints[0], plan->predictor);
        chunk_series_put(&s, c, plan->ints + 1, plan->count - 1);
        return;
    }
    for (uint32_t i = 1; i < plan->count; i++) {
        uint64_t d = (uint64_t)plan->ints[i] - (uint64_t)plan->ints[i - 1];
        (void)number_code(c, chances->lengths, zigzag((int64_t)d), false);
    }
}

static bool
get_scaling(struct chunk_values_map *map, unsigned head, struct cursor *c)
{
    uint64_t decimals = 0;
    map->form = (enum chunk_values_form)(head & HEAD_FORM);
    map->single = head & HEAD_SINGLE;
    map->scaling = head & HEAD_SCALING;
    if (map->form != CHUNK_VALUES_SCALED) {
        return !map->single && !map->scaling;
    }
    if (map->scaling) {
        return get_number(c, &map->mul) && get_number(c, &map->add) &&
               get_number(c, &map->div);
    }
    if (!cursor_fixed(c, &decimals, 1)) {
        return false;
    }
    map->decimals = (uint8_t)decimals;
    return chunk_values_set_decimals(map, (unsigned)decimals);
}

/* Steps over the odd ones, which chunk_values_get() reads. */
static bool
skip_odd(struct chunk_values_reader *r, struct cursor *c)
{
    uint64_t count, any, at = 0;
    if (!cursor_varint(c, &count) || count == 0 || count > CHUNK_VALUES_MAX) {
        return false;
    }
    r->odd = *c;
    r->odd_count = (uint32_t)count;
    for (; count > 0; count--) {
        if (!cursor_varint(c, &any) || any >= CHUNK_VALUES_MAX ||
            (at += any + 1) > CHUNK_VALUES_MAX || !cursor_fixed(c, &any, ODD_BYTES)) {
            return false;
        }
    }
    return true;
}

static bool
get_palette(struct chunk_values_reader *r, struct cursor *c)
{
    uint64_t count, n;
    if (!cursor_varint(c, &count) || count == 0 || count > CHUNK_VALUES_PALETTE_MAX ||
        !cursor_varint(c, &n)) {
        return false;
    }
    r->palette_count = (uint32_t)count;
    r->palette[0] = unzigzag(n);
    for (uint32_t i = 1; i < count; i++) {
        if (!cursor_varint(c, &n)) {
            return false;
        }
        r->palette[i] = (int64_t)((uint64_t)r->palette[i - 1] + n);
    }
    return true;
}

bool
chunk_values_get_head(struct chunk_values_reader *r, struct cursor *c)
{
    uint64_t head, first, predictor = 0;
    *r = (struct chunk_values_reader){0};
    if (!cursor_fixed(c, &head, 1)) {
        return false;
    }
    r->flag = head & HEAD_FLAG;
    r->constant = head & HEAD_CONSTANT;
    if ((head & HEAD_FORM) == CHUNK_VALUES_NONE) {
        return (head & ~HEAD_FLAG) == 0;
    }
    if (!get_scaling(&r->map, (unsigned)head, c) ||
        ((head & HEAD_ODD) && !skip_odd(r, c)) ||
        ((head & HEAD_PALETTE) && !get_palette(r, c)) || !cursor_varint(c, &first)) {
        return false;
    }
    r->first = unzigzag(first);
    if (is_wide(&r->map, r->palette_count)) {
        return true;
    }
    if (!r->constant && !cursor_fixed(c, &predictor, 1)) {
        return false;
    }
    r->predictor = (unsigned)predictor;
    return predictor < CHUNK_SERIES_PREDICTORS && r->first >= -CHUNK_SERIES_VALUE_MAX &&
           r->first <= CHUNK_SERIES_VALUE_MAX;
}

/* The next block of integers behind the first. */
struct ints_reader {
    bool wide;
    int64_t last;
    struct chunk_series s;
    struct chance *lengths;
};

static bool
get_ints(struct ints_reader *ints, struct coder *c, int64_t *out, size_t count)
{
    if (!ints->wide) {
        return chunk_series_get(&ints->s, c, out, count);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t d = (uint64_t)unzigzag(number_code(c, ints->lengths, 0, true));
        ints->last = (int64_t)((uint64_t)ints->last + d);
        out[i] = ints->last;
    }
    return true;
}

/* Integers of the stream, through the palette, as doubles. */
static bool
map_block(const struct chunk_values_reader *r,
          const int64_t *ints,
          double *out,
          size_t count)
{
    if (r->palette_count == 0) {
        for (size_t i = 0; i < count; i++) {
            out[i] = chunk_values_of(&r->map, ints[i]);
        }
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (ints[i] < 0 || ints[i] >= r->palette_count) {
            return false;
        }
        out[i] = chunk_values_of(&r->map, r->palette[ints[i]]);
    }
    return true;
}

/* The values one behind the other, at the start of `values`. */
static bool
get_dense(const struct chunk_values_reader *r,
          struct coder *c,
          struct chunk_values_chances *chances,
          double *values,
          uint32_t count)
{
    struct ints_reader ints;
    int64_t block[BLOCK] = {r->first};
    uint32_t at = 1; /* In the block. */
    if (!map_block(r, block, values, 1)) {
        return false;
    }
    if (r->constant) {
        for (uint32_t i = 1; i < count; i++) {
            values[i] = values[0];
        }
        return true;
    }
    ints.wide = is_wide(&r->map, r->palette_count);
    ints.lengths = chances->lengths;
    ints.last = r->first;
    if (!ints.wide) {
        chunk_series_init(&ints.s, &chances->series, r->first, r->predictor);
    }
    for (; at < count; at += BLOCK) {
        uint32_t part = count - at < BLOCK ? count - at : BLOCK;
        if (!get_ints(&ints, c, block, part) ||
            !map_block(r, block, values + at, part)) {
            return false;
        }
    }
    return true;
}

static bool
get_odd(const struct chunk_values_reader *r, double *values, uint32_t count)
{
    struct cursor c = r->odd;
    uint64_t at = 0, gap = 0, bits = 0;
    for (uint32_t i = 0; i < r->odd_count; i++) {
        if (!cursor_varint(&c, &gap) || !cursor_fixed(&c, &bits, ODD_BYTES)) {
            return false;
        }
        at += gap;
        if (at >= count) {
            return false;
        }
        values[at++] = bits_double(bits);
    }
    return true;
}

bool
chunk_values_get(const struct chunk_values_reader *r,
                 struct coder *c,
                 struct chunk_values_chances *chances,
                 double *values,
                 const uint16_t *statuses,
                 uint32_t rows,
                 uint32_t count)
{
    assert(count <= rows);
    if ((count == 0) != (r->map.form == CHUNK_VALUES_NONE)) {
        return false;
    }
    if (count > 0 &&
        (!get_dense(r, c, chances, values, count) || !get_odd(r, values, count))) {
        return false;
    }
    /* Spread from the back, where nothing is overwritten. */
    for (uint32_t row = rows; count < row;) {
        row--;
        values[row] = status_has_value(statuses[row]) ? values[--count] : 0.0;
    }
    return true;
}
