#include "daemon/pipeline/report/advice_compare.h"

#include <math.h>
#include <stdlib.h>

#include "daemon/base/instant.h"

static int
compare_longs(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x;
    int64_t b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

static int64_t
greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t
end_of(const struct advice_span *s, int64_t end_ms)
{
    return s->cleared_ms < end_ms ? s->cleared_ms : end_ms;
}

static bool
stands_at_end(struct advice_spans s, int64_t end_ms)
{
    return s.count > 0 && s.items[s.count - 1].cleared_ms > end_ms;
}

/* How late each raise of the changed rule is. */
static int
note_later(struct advice_cost *out,
           struct advice_spans now,
           struct advice_spans changed,
           int64_t end_ms,
           struct err *err)
{
    int64_t *later = malloc((changed.count + 1) * sizeof *later);
    size_t n = 0; /* The last one that was raised by then. */
    if (later == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to compare so many alarms");
    }
    for (size_t c = 0; c < changed.count; c++) {
        int64_t raised_ms = changed.items[c].raised_ms;
        while (n + 1 < now.count && now.items[n + 1].raised_ms <= raised_ms) {
            n++;
        }
        bool stands = n < now.count && now.items[n].raised_ms <= raised_ms &&
                      end_of(&now.items[n], end_ms) >= raised_ms;
        later[c] = stands ? raised_ms - now.items[n].raised_ms : 0;
    }
    if (changed.count > 0) {
        qsort(later, changed.count, sizeof *later, compare_longs);
        int64_t low = later[(changed.count - 1) / 2];
        out->later_median_ms = low + (later[changed.count / 2] - low) / 2;
        out->later_worst_ms = later[changed.count - 1];
    }
    free(later);
    return 0;
}

/* When span c of the changed rule ends: at the end of the samples, or, if it waits
 * there for no more than its delay, behind it. */
static int64_t
changed_end(struct advice_spans now,
            struct advice_spans changed,
            size_t c,
            const struct advice_times *t)
{
    int64_t end_ms = end_of(&changed.items[c], t->end_ms);
    bool waits = changed.items[c].cleared_ms > t->end_ms && now.count > 0 &&
                 !stands_at_end(now, t->end_ms);
    return waits ? greater(end_ms,
                           now.items[now.count - 1].cleared_ms + t->clears_within_ms)
                 : end_ms;
}

/* How long the changed rule stands on at each clearing of the present one: until it
 * clears itself, and until the present one is raised again. */
static void
note_clears(struct advice_cost *out,
            struct advice_spans now,
            struct advice_spans changed,
            const struct advice_times *t)
{
    size_t c = 0;
    bool now_cleared = false;
    bool changed_cleared = false;
    for (size_t n = 0; n < now.count && now.items[n].cleared_ms <= t->end_ms; n++) {
        int64_t cleared_ms = now.items[n].cleared_ms;
        now_cleared = true;
        while (c < changed.count && changed_end(now, changed, c, t) < cleared_ms) {
            c++;
        }
        if (c == changed.count || changed.items[c].raised_ms > cleared_ms) {
            continue;
        }
        int64_t end_ms = changed_end(now, changed, c, t);
        int64_t again_ms = n + 1 < now.count ? now.items[n + 1].raised_ms : INSTANT_MAX;
        out->clears_later_ms = greater(out->clears_later_ms, end_ms - cleared_ms);
        out->idle_ms =
            greater(out->idle_ms, (end_ms < again_ms ? end_ms : again_ms) - cleared_ms);
    }
    for (size_t i = 0; i < changed.count && !changed_cleared; i++) {
        changed_cleared = changed.items[i].cleared_ms <= t->end_ms;
    }
    out->stuck = !t->same_clear && changed.count > 0 && now_cleared &&
                 (!changed_cleared || (stands_at_end(changed, t->end_ms) &&
                                       !stands_at_end(now, t->end_ms)));
}

static void
note_unseen(struct advice_cost *out,
            struct advice_spans now,
            struct advice_spans changed,
            const struct advice_times *t)
{
    size_t c = 0;
    for (size_t n = 0; n < now.count; n++) {
        int64_t raised_ms = now.items[n].raised_ms;
        int64_t end_ms = end_of(&now.items[n], t->end_ms);
        int64_t was_clear_ms =
            n > 0 ? raised_ms - end_of(&now.items[n - 1], t->end_ms) : INSTANT_MAX;
        while (c < changed.count && end_of(&changed.items[c], t->end_ms) < raised_ms) {
            c++;
        }
        bool stood = c < changed.count && changed.items[c].raised_ms < raised_ms;
        size_t next = stood ? c + 1 : c;
        bool told = next < changed.count && changed.items[next].raised_ms <= end_ms;
        if (told || (stood && was_clear_ms <= t->joins_ms)) {
            continue;
        }
        out->unseen++;
        out->unseen_ms = greater(out->unseen_ms, end_ms - raised_ms);
    }
}

int
advice_compare(struct advice_cost *out,
               struct advice_spans now,
               struct advice_spans changed,
               const struct advice_times *times,
               struct err *err)
{
    struct advice_cost cost = {.raises = (uint32_t)changed.count};
    if (now.count > changed.count) {
        cost.saved = (uint32_t)(now.count - changed.count);
    }
    int code = note_later(&cost, now, changed, times->end_ms, err);
    if (code != 0) {
        return code;
    }
    note_clears(&cost, now, changed, times);
    note_unseen(&cost, now, changed, times);
    *out = cost;
    return 0;
}

double
advice_burden(const struct advice_cost *c, int64_t respond_ms)
{
    if (c->stuck || c->raises == 0) {
        return (double)INFINITY;
    }
    double silent_ms = (double)greater(c->later_worst_ms, c->unseen_ms);
    double share =
        fmax(silent_ms * ADVICE_RESPOND_SHARE, (double)c->idle_ms) / (double)respond_ms;
    return fmax(share, (double)c->clears_later_ms / (double)ADVICE_KEPT_MAX_MS);
}

bool
advice_saves_enough(uint32_t saved, uint32_t raises)
{
    return saved >= 2 &&
           (uint64_t)saved * 100 >= (uint64_t)raises * ADVICE_SAVES_PERCENT;
}

uint32_t
advice_compare_choose(const struct advice_cost *costs, uint32_t count, uint32_t raises)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        most = costs[i].saved > most ? costs[i].saved : most;
    }
    if (!advice_saves_enough(most, raises)) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < count; i++) {
        if ((uint64_t)costs[i].saved * 100 >= (uint64_t)most * ADVICE_ENOUGH_PERCENT) {
            return i;
        }
    }
    return UINT32_MAX;
}
