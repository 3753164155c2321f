#include "daemon/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"

#define AFTER_MS 500
#define EVERY_MS 200
#define LEFT_MS  2000 /* Earlier nobody knows how long it takes. */
#define WIDTH    30

void
progress_begin(struct progress *p, const char *label, bool quiet)
{
    int64_t now_ms = clock_mono_ms();
    *p = (struct progress){.label = label,
                           .begin_ms = now_ms,
                           .next_ms = now_ms + AFTER_MS,
                           .quiet = quiet || !isatty(STDERR_FILENO)};
}

void
progress_set(void *progress, double done)
{
    struct progress *p = progress;
    char left[INSTANT_TEXT_BYTES];
    if (p->quiet) {
        return;
    }
    int64_t now_ms = clock_mono_ms(), took_ms = now_ms - p->begin_ms;
    if (now_ms < p->next_ms) {
        return;
    }
    done = done < 0 ? 0 : done > 1 ? 1 : done;
    int full = (int)(done * WIDTH);
    fprintf(stderr, "\r%s [%.*s%.*s] %3d %%", p->label, full,
            "##############################", WIDTH - full,
            "..............................", (int)(done * 100));
    if (took_ms >= LEFT_MS && done > 0.01) {
        double left_ms = (double)took_ms * (1 - done) / done;
        fprintf(stderr, tr(", %s left"),
                duration_format(left, (int64_t)(left_ms / 1000) * 1000));
    }
    fputs("\033[K", stderr);
    p->next_ms = now_ms + EVERY_MS;
    p->shown = true;
}

void
progress_end(struct progress *p)
{
    if (p->shown) {
        fputs("\r\033[K", stderr);
    }
    p->shown = false;
}
