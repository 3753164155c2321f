#include "daemon/base/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"

#define WIDTH 30
#define CLEAR "\033[K" /* To the end of the line (ECMA-48, 8.3.41). */

void
progress_begin(struct progress *p, const char *label, bool quiet)
{
    *p = (struct progress){.label = label,
                           .begin_ms = clock_mono_ms(),
                           .quiet = quiet || !isatty(STDERR_FILENO)};
}

bool
progress_draw(struct progress *p, double done, int64_t now_ms, struct strbuf *out)
{
    char left[INSTANT_TEXT_BYTES], rate[64];
    int64_t took_ms = now_ms - p->begin_ms;
    if (p->shown ? now_ms - p->shown_ms < PROGRESS_EVERY_MS
                 : took_ms < PROGRESS_AFTER_MS) {
        return false;
    }
    done = done > 1 ? 1 : done > 0 ? done : 0; /* NaN is 0. */
    int full = (int)(done * WIDTH);
    strbuf_printf(out, "\r%s [%.*s%.*s] %3d %%", p->label, full,
                  "##############################", WIDTH - full,
                  "..............................", (int)(done * 100));
    if (p->unit != NULL && took_ms > 0) {
        double per_s = (double)p->count / ((double)took_ms / 1000);
        strbuf_printf(out, ", %s %s/s", number_format_short(rate, per_s), p->unit);
    }
    if (took_ms >= PROGRESS_LEFT_MS && done > 0.01) {
        double left_ms = (double)took_ms * (1 - done) / done;
        strbuf_printf(out, tr(", %s left"),
                      duration_format(left, (int64_t)(left_ms / 1000) * 1000));
    }
    strbuf_add(out, CLEAR);
    p->shown_ms = now_ms;
    p->shown = true;
    return true;
}

void
progress_set(void *progress, double done)
{
    struct progress *p = progress;
    struct strbuf out = {0};
    if (!p->quiet && progress_draw(p, done, clock_mono_ms(), &out)) {
        fputs(strbuf_text(&out), stderr);
    }
    strbuf_fini(&out);
}

void
progress_end(struct progress *p)
{
    if (p->shown) {
        fputs("\r" CLEAR, stderr);
    }
    p->shown = false;
}
