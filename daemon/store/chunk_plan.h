/* How the encoder of chunks sees values: the parts of chunk_values.h that both sides
 * of it need.  Pure. */
#ifndef CARETAKER_STORE_CHUNK_PLAN_H
#define CARETAKER_STORE_CHUNK_PLAN_H

#include <string.h>

#include "daemon/model/words.h"
#include "daemon/store/chunk_values.h"

#define DECIMALS_MAX 15

static inline uint64_t
double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline double
bits_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A status of a chunk: whether a value goes with it. */
static inline bool
status_has_value(uint16_t status)
{
    return (status & 0xff) == QUALITY_GOOD;
}

/* n / 10^decimals.  False when that is no such number. */
bool chunk_values_set_decimals(struct chunk_values_map *map, unsigned decimals);

#endif
