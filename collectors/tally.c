#include "collectors/tally.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"

void
tally_init(struct tally *t)
{
    *t = (struct tally){.first_us = INSTANT_NONE, .last_us = INSTANT_NONE};
}

void
tally_fini(struct tally *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        free(t->rows[i]->latencies);
        free(t->rows[i]);
    }
    free(t->rows);
    tally_init(t);
    t->rows = NULL;
}

static struct tally_row *
new_row(struct tally *t, uint32_t at, uint8_t unit, uint8_t function)
{
    struct tally_row *row;

    if (t->count == t->capacity) {
        uint32_t capacity = 2 * t->capacity + 16;
        struct tally_row **rows = realloc(t->rows, capacity * sizeof *rows);

        if (rows == NULL) {
            return NULL;
        }
        t->rows = rows;
        t->capacity = capacity;
    }
    row = calloc(1, sizeof *row);
    if (row == NULL) {
        return NULL;
    }
    row->unit = unit;
    row->function = function;
    row->latency_min_us = row->latency_max_us = -1;
    row->stride = row->until_next = 1;
    memmove(&t->rows[at + 1], &t->rows[at], (t->count - at) * sizeof(t->rows[0]));
    t->rows[at] = row;
    t->count++;
    return row;
}

static struct tally_row *
row_of(struct tally *t, uint8_t unit, uint8_t function)
{
    uint32_t at = 0;

    while (at < t->count &&
           (t->rows[at]->unit < unit ||
            (t->rows[at]->unit == unit && t->rows[at]->function < function))) {
        at++;
    }
    if (at < t->count && t->rows[at]->unit == unit &&
        t->rows[at]->function == function) {
        return t->rows[at];
    }
    return new_row(t, at, unit, function);
}

static bool
add_latency(struct tally_row *row, int64_t us)
{
    if (row->latency_min_us < 0 || us < row->latency_min_us) {
        row->latency_min_us = us;
    }
    row->latency_max_us = us > row->latency_max_us ? us : row->latency_max_us;
    row->latency_sum_us += us;
    row->timed++;
    if (--row->until_next > 0) {
        return true;
    }
    row->until_next = row->stride;
    if (row->latencies == NULL) {
        row->latencies = malloc(TALLY_LATENCIES_MAX * sizeof *row->latencies);
        if (row->latencies == NULL) {
            return false;
        }
    }
    if (row->latency_count == TALLY_LATENCIES_MAX) {
        row->latency_count /= 2;
        for (uint32_t i = 0; i < row->latency_count; i++) {
            row->latencies[i] = row->latencies[2 * i + 1];
        }
        row->stride *= 2;
    }
    row->latencies[row->latency_count++] = us > INT32_MAX ? INT32_MAX : (int32_t)us;
    return true;
}

/* Joins [first, last] with what it touches. */
static void
add_range(struct tally_row *row, uint32_t first, uint32_t last)
{
    struct tally_range *r = row->ranges;
    uint32_t at = 0, end;

    while (at < row->range_count && r[at].last + 1 < first) {
        at++;
    }
    end = at;
    while (end < row->range_count && r[end].first <= last + 1) {
        first = r[end].first < first ? r[end].first : first;
        last = r[end].last > last ? r[end].last : last;
        end++;
    }
    if (end == at && row->range_count == TALLY_RANGES_MAX) {
        row->more_ranges = true;
        return;
    }
    memmove(&r[at + 1], &r[end], (row->range_count - end) * sizeof *r);
    row->range_count = row->range_count - (end - at) + 1;
    r[at] = (struct tally_range){first, last};
}

bool
tally_exchange(struct tally *t, const struct exchange *x)
{
    struct tally_row *row;

    /* Damage that answers nothing says no unit that could be relied on. */
    if (x->outcome == EXCHANGE_DAMAGED && x->asked_us == INSTANT_NONE) {
        return true;
    }
    row = row_of(t, x->unit, x->function);
    if (row == NULL) {
        return false;
    }
    row->requests += x->outcome != EXCHANGE_STRAY;
    if (x->count > 0) {
        add_range(row, x->address, (uint32_t)x->address + x->count - 1);
    }
    switch (x->outcome) {
    case EXCHANGE_ANSWERED:
        row->answers++;
        break;
    case EXCHANGE_EXCEPTION:
        row->exceptions++;
        break;
    case EXCHANGE_DAMAGED:
        row->damaged++;
        break;
    case EXCHANGE_MALFORMED:
        row->malformed++;
        break;
    case EXCHANGE_UNANSWERED:
        row->unanswered++;
        break;
    case EXCHANGE_STRAY:
        row->stray++;
        break;
    }
    return x->latency_us < 0 || add_latency(row, x->latency_us);
}

void
tally_frame(struct tally *t, const struct traffic_frame *f, int64_t silence_us)
{
    t->frames++;
    t->damaged += !f->good;
    t->short_gaps += silence_us > 0 && f->gap_us >= 0 && f->gap_us < silence_us;
    if (t->first_us == INSTANT_NONE) {
        t->first_us = f->begin_us;
    }
    t->last_us = f->end_us > t->last_us ? f->end_us : t->last_us;
}

static int
compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return x < y ? -1 : x > y;
}

int64_t
tally_median_us(struct tally_row *row)
{
    if (row->latency_count == 0) {
        return -1;
    }
    qsort(row->latencies, row->latency_count, sizeof *row->latencies, compare);
    return row->latencies[row->latency_count / 2];
}

void
tally_ranges(struct strbuf *b, const struct tally_row *row)
{
    for (uint32_t i = 0; i < row->range_count; i++) {
        const struct tally_range *r = &row->ranges[i];

        strbuf_printf(b, r->first == r->last ? "%s%u" : "%s%u-%u", i > 0 ? "," : "",
                      r->first, r->last);
    }
    strbuf_add(b, row->more_ranges ? ",..." : "");
}
