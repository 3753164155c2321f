/* The history once more as frames of a site, fast: what replay reads.  Read-only, also
 * while the daemon writes. */
#ifndef CARETAKER_STORE_HISTORY_FRAMES_H
#define CARETAKER_STORE_HISTORY_FRAMES_H

#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"

struct history_frames;

struct history_frames_options {
    const char *dir;
    int64_t from_ms, to_ms; /* INSTANT_NONE, INSTANT_MAX: all there is. */
    uint32_t device;        /* Index into the site's; NONE_INDEX: all. */
    /* A frame that cannot be read is told (`loc` is the file, line 0), counted and
     * skipped.  May be NULL. */
    void (*bad)(void *ctx, const struct loc *loc, const char *text);
    void *ctx;
};

/* ERR_NOT_FOUND: nothing was ever recorded.  What comes in after this call is not read.
 * `site` is borrowed until history_frames_close(). */
int history_frames_open(struct history_frames **out,
                        const struct site *site,
                        const struct history_frames_options *options,
                        struct err *err);
void history_frames_close(struct history_frames *h); /* NULL is accepted. */

/* For `bad` to call: nothing is read behind the frame that it was told. */
void history_frames_stop(struct history_frames *h);

/* The next frame in order of time, then of device, then as recorded (borrowed until the
 * next call).  NULL at the end, and when the file cannot be read on: `err` has a code
 * then. */
const struct frame *history_frames_next(struct history_frames *h, struct err *err);

struct history_frames_counts {
    uint64_t rows, bad;   /* Frames in the file; those that could not be read. */
    uint64_t unknown;     /* Samples of points that the site does not have. */
    int64_t last_ms;      /* Of the last row; INSTANT_NONE before the first. */
    uint64_t done, total; /* Of the time that is asked for, in seconds. */
};
struct history_frames_counts history_frames_counts(const struct history_frames *h);

#endif
