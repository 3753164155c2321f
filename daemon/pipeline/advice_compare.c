#include "daemon/pipeline/advice_compare.h"

#include <stdbool.h>
#include <stdlib.h>

static int
compare_longs(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x;
    int64_t b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

static int64_t
end_of(const struct advice_span *s, int64_t end_ms)
{
    return s->cleared_ms < end_ms ? s->cleared_ms : end_ms;
}

/* The last span that was raised at or before t; `count`: none.  `from` is where to look
 * on, as times only rise. */
static size_t
last_raised(const struct advice_span *spans, size_t count, size_t from, int64_t t_ms)
{
    size_t at = from;
    if (from >= count || spans[from].raised_ms > t_ms) {
        return count;
    }
    while (at + 1 < count && spans[at + 1].raised_ms <= t_ms) {
        at++;
    }
    return at;
}

static void
note_unseen(struct advice_cost *out,
            const struct advice_span *now,
            size_t now_count,
            const struct advice_span *changed,
            size_t changed_count,
            int64_t end_ms)
{
    size_t c = 0;
    for (size_t n = 0; n < now_count; n++) {
        int64_t end = end_of(&now[n], end_ms);
        while (c < changed_count && end_of(&changed[c], end_ms) < now[n].raised_ms) {
            c++;
        }
        if (c < changed_count && changed[c].raised_ms <= end) {
            continue;
        }
        int64_t stood = end - now[n].raised_ms;
        out->unseen++;
        out->unseen_ms = stood > out->unseen_ms ? stood : out->unseen_ms;
    }
}

int
advice_compare(struct advice_cost *out,
               const struct advice_span *now,
               size_t now_count,
               const struct advice_span *changed,
               size_t changed_count,
               int64_t end_ms,
               struct err *err)
{
    int64_t *later = malloc((changed_count + 1) * sizeof *later);
    size_t begins = 0;
    size_t ends = 0;
    if (later == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to compare so many alarms");
    }
    *out = (struct advice_cost){.raises = (uint32_t)changed_count};
    out->saved = now_count > changed_count ? (uint32_t)(now_count - changed_count) : 0;
    for (size_t c = 0; c < changed_count; c++) {
        size_t n = last_raised(now, now_count, begins, changed[c].raised_ms);
        bool stands = n < now_count && end_of(&now[n], end_ms) >= changed[c].raised_ms;
        later[c] = stands ? changed[c].raised_ms - now[n].raised_ms : 0;
        begins = n < now_count ? n : begins;
        n = last_raised(now, now_count, ends, end_of(&changed[c], end_ms));
        if (n < now_count) {
            int64_t by = end_of(&changed[c], end_ms) - end_of(&now[n], end_ms);
            out->clears_later_ms =
                by > out->clears_later_ms ? by : out->clears_later_ms;
            ends = n;
        }
    }
    qsort(later, changed_count, sizeof *later, compare_longs);
    if (changed_count > 0) {
        int64_t low = later[(changed_count - 1) / 2];
        out->later_median_ms = low + (later[changed_count / 2] - low) / 2;
        out->later_worst_ms = later[changed_count - 1];
    }
    note_unseen(out, now, now_count, changed, changed_count, end_ms);
    free(later);
    return 0;
}

uint32_t
advice_compare_choose(const struct advice_cost *costs, uint32_t count, uint32_t raises)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        most = costs[i].saved > most ? costs[i].saved : most;
    }
    if (most < 2 || most * 100 < (uint64_t)raises * ADVICE_SAVES_PERCENT) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < count; i++) {
        if ((uint64_t)costs[i].saved * 100 >= most * ADVICE_ENOUGH_PERCENT) {
            return i;
        }
    }
    return UINT32_MAX;
}
