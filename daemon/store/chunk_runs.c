#include "daemon/store/chunk_runs.h"

#define NEVER 0xffff0000u /* No status, no flags. */

void
chunk_runs_init(struct chunk_runs *r)
{
    *r = (struct chunk_runs){
        .zero = true, .recent = {CHUNK_RUN_ABSENT, NEVER}, .length = {1, 1}};
    chances_reset(r->is_zero, 2);
    chances_reset(r->is_recent, 2);
    chances_reset(r->same_length, 2);
    chances_reset(&r->lengths[0][0], sizeof r->lengths / sizeof(struct chance));
}

static uint32_t
value_code(struct chunk_runs *r, struct coder *c, uint32_t value, bool decode)
{
    struct chance *is_zero = &r->is_zero[r->zero];
    r->zero = coder_bit(c, is_zero, value == 0, decode);
    if (r->zero) {
        return 0;
    }
    if (coder_bit(c, &r->is_recent[0], value == r->recent[0], decode)) {
        return r->recent[0];
    }
    if (coder_bit(c, &r->is_recent[1], value == r->recent[1], decode)) {
        value = r->recent[1];
    } else {
        value = (uint32_t)coder_even_long(c, value, 32, decode);
    }
    r->recent[1] = r->recent[0];
    r->recent[0] = value;
    return value;
}

/* Of `left` rows, how many the run has; encoding, `length` are alike. */
static size_t
length_code(
    struct chunk_runs *r, struct coder *c, size_t length, size_t left, bool decode)
{
    uint64_t *last = &r->length[r->zero];
    bool same = length == *last || (length == left && *last > left);
    if (!coder_bit(c, &r->same_length[r->zero], same, decode)) {
        uint64_t number = number_code(c, r->lengths[r->zero], length - 1, decode);
        *last = number < left ? number + 1 : left;
    }
    return *last < left ? (size_t)*last : left;
}

void
chunk_runs_put(struct chunk_runs *r,
               struct coder *c,
               const uint32_t *values,
               size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t length = 1;
        while (at + length < count && values[at + length] == values[at]) {
            length++;
        }
        (void)value_code(r, c, values[at], false);
        (void)length_code(r, c, length, count - at, false);
        at += length;
    }
}

void
chunk_runs_get(struct chunk_runs *r, struct coder *c, uint32_t *values, size_t count)
{
    for (size_t at = 0; at < count;) {
        uint32_t value = value_code(r, c, 0, true);
        size_t length = length_code(r, c, 0, count - at, true);
        for (size_t end = at + length; at < end; at++) {
            values[at] = value;
        }
    }
}
