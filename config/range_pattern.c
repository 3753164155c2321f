#include "config/range_pattern.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RANGE_MAX  INT64_C(1000000000000000000) /* The next power would not fit. */
#define STOPS_MAX  40                           /* Two for each digit, and the end. */
#define TEXT_BYTES 24

/* Numbers of one length that have a common beginning, one digit in a range, and any
 * digits behind it. */
static void
add_span(struct strbuf *b, int64_t low, int64_t high)
{
    char first[TEXT_BYTES];
    char last[TEXT_BYTES];
    int size = snprintf(first, sizeof first, "%" PRId64, low);
    snprintf(last, sizeof last, "%" PRId64, high);
    int same = 1; /* Digits in a row that may be the same. */
    for (int i = 0; i < size; i += same) {
        for (same = 1; i + same < size && first[i] == first[i + same] &&
                       last[i] == last[i + same] && first[i] != last[i];) {
            same++;
        }
        if (first[i] == last[i]) {
            strbuf_add_char(b, first[i]);
        } else {
            strbuf_printf(b, "[%c-%c]", first[i], last[i]);
        }
        if (same > 1) {
            strbuf_printf(b, "{%d}", same);
        }
    }
}

static int
compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* 7..234 is cut behind 9, 99, 199 and 229: up in nines from below, down in zeros from
 * above. */
void
range_pattern_add(struct strbuf *b, int64_t low, int64_t high)
{
    int64_t stops[STOPS_MAX];
    size_t count = 0;
    assert(low >= 0);
    assert(low <= high);
    assert(high < RANGE_MAX);
    for (int64_t p = 10; p < RANGE_MAX && low - low % p + p - 1 < high; p *= 10) {
        stops[count++] = low - low % p + p - 1;
    }
    for (int64_t p = 10; p < RANGE_MAX && high + 1 - (high + 1) % p > low; p *= 10) {
        stops[count++] = high - (high + 1) % p;
    }
    stops[count++] = high;
    assert(count <= STOPS_MAX);
    qsort(stops, count, sizeof stops[0], compare);
    strbuf_add(b, "(");
    for (size_t i = 0; i < count; i++) {
        if (stops[i] >= low) {
            add_span(b, low, stops[i]);
            strbuf_add(b, stops[i] < high ? "|" : ")");
            low = stops[i] + 1;
        }
    }
}
