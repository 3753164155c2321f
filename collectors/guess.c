#include "collectors/guess.h"

#include <math.h>

#include "collectors/decode.h"
#include "daemon/base/err.h"

#define MODICON_FIVE_DIGITS 9999 /* Addresses that five digits reach. */

/* What is plausible of each type; 0 is always. */
static const struct kind {
    enum value_type type;
    double min, max; /* Of whole numbers. */
    double smallest; /* Of floating ones, beside their `max`, by magnitude. */
} kinds[] = {
    {TYPE_U16, 0, 0xEFFF, 0},       {TYPE_S16, -4096, 0x7FFF, 0},
    {TYPE_BCD16, 0, 9999, 0},       {TYPE_U32, 0, 999999999, 0},
    {TYPE_S32, -1e6, 999999999, 0}, {TYPE_F32, 0, 1e7, 1e-3},
    {TYPE_BCD32, 0, 99999999, 0},   {TYPE_U64, 0, 1e15 - 1, 0},
    {TYPE_S64, -1e9, 1e15 - 1, 0},  {TYPE_F64, 0, 1e12, 1e-3},
};

static bool
is_sane(const struct kind *k, double value)
{
    if (k->smallest > 0) {
        double size = fabs(value);

        return size == 0 || (size >= k->smallest && size <= k->max);
    }
    return value >= k->min && value <= k->max;
}

size_t
guess_at(struct guess out[GUESSES_MAX], const uint16_t *words, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct point p = {.table = REG_HOLDING,
                          .type = kinds[i].type,
                          .scaling = {1, 0, 1},
                          .decimals_from = NONE_INDEX};
        uint16_t width = point_width(&p);
        int orders = width == 1 ? 1 : ORDER_COUNT;

        for (int order = 0; width <= count && order < orders; order++) {
            struct reading r = {0};

            p.order = (enum byte_order)order;
            decode_words(&r, &p, words, count, -1);
            out[n] = (struct guess){.type = p.type, .order = p.order, .width = width};
            out[n].valid = r.quality == QUALITY_GOOD;
            out[n].value = out[n].valid ? r.value : 0;
            out[n].sane = out[n].valid && is_sane(&kinds[i], r.value);
            n++;
        }
    }
    return n;
}

bool
guess_text(char *out, uint16_t word)
{
    out[0] = (char)(word >> 8);
    out[1] = (char)(word & 0xFF);
    out[2] = '\0';
    return out[0] >= ' ' && out[0] <= '~' && out[1] >= ' ' && out[1] <= '~';
}

uint32_t
modicon_number(enum reg_table table, uint16_t address)
{
    static const uint32_t digits[] = {[REG_NONE] = 0,
                                      [REG_COIL] = 0,
                                      [REG_DISCRETE] = 1,
                                      [REG_INPUT] = 3,
                                      [REG_HOLDING] = 4};
    uint32_t base = address < MODICON_FIVE_DIGITS ? 10000 : 100000;

    return digits[table] * base + address + 1;
}
