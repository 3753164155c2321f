#include "daemon/store/history_window.h"

#include <stdlib.h>

#define FAR_MS (INT64_C(1) << 60)

bool
windows_add(struct windows *w, int64_t key, int64_t t0, int64_t t1)
{
    if (w->count == w->room) {
        size_t room = w->room + w->room / 2 + 16;
        struct window_part *grown = realloc(w->parts, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        w->parts = grown;
        w->room = room;
    }
    /* Of a damaged file; nothing is that far away. */
    t0 = t0 < -FAR_MS ? -FAR_MS : t0 > FAR_MS ? FAR_MS : t0;
    t1 = t1 < t0 ? t0 : t1 > FAR_MS ? FAR_MS : t1;
    w->parts[w->count++] = (struct window_part){key, t0, t1};
    return true;
}

/* Forgets what is read. */
static void
shrink(struct windows *w)
{
    size_t left = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (w->parts[i].t1 >= w->next_ms) {
            w->parts[left++] = w->parts[i];
        }
    }
    w->count = left;
}

bool
windows_next(struct windows *w, int64_t *from_ms, int64_t *to_ms, size_t *count)
{
    size_t n = 0;
    shrink(w);
    if (w->count == 0) {
        return false;
    }
    int64_t from = w->parts[0].t0 > w->next_ms ? w->parts[0].t0 : w->next_ms;
    int64_t to = w->parts[0].t1;
    while (n < w->count && w->parts[n].t0 <= to) {
        if (n >= WINDOW_PARTS_MAX && w->parts[n].t0 > from) {
            to = w->parts[n].t0 - 1;
            break;
        }
        n++;
    }
    if (n == w->count && !w->complete) {
        return false;
    }
    *from_ms = from;
    *to_ms = to;
    *count = n;
    w->next_ms = to + 1;
    return true;
}
