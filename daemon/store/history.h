/* history.db: samples.  A thread of its own batches frames and commits them every
 * `flush`; a power cut costs at most that.  A frame is one row: its samples are one
 * blob. */
#ifndef CARETAKER_STORE_HISTORY_H
#define CARETAKER_STORE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"
#include "daemon/store/history_damage.h"

struct history;

/* Starts the writer thread.  `site` is borrowed until history_close().  A file that
 * SQLite refuses is moved aside (its new name is logged) and a new one begun. */
int history_open(struct history **out,
                 const char *dir,
                 const struct site *site,
                 struct err *err);
void history_close(struct history *h); /* Everything pushed is on disk after this. */

/* From here on frames are dated by the monotonic clock plus `offset_ms`; those that are
 * marked FRAME_CLOCK_UNTRUSTED were before it is `trusted`.  Then all that were marked
 * since the machine booted are put right, in steps.  Told before the first frame and
 * at each change, by the thread that pushes frames; never lost.  That the machine's
 * clock was `synchronised` once is kept. */
void
history_clock(struct history *h, int64_t offset_ms, bool trusted, bool synchronised);
/* Whether it was before the history was opened. */
bool history_was_synchronised(const struct history *h);
/* Copies the frame; false when the ring was full (counted). */
bool history_push(struct history *h, const struct frame *f);
/* Blocks until everything pushed so far is on disk. */
int history_flush(struct history *h, struct err *err);

struct history_counts {
    uint64_t frames, samples, dropped, commits;
    uint64_t damaged; /* Spans found within a day, and set aside. */
    bool failing;     /* The last commit failed; why is in the log. */
    bool full;        /* The oldest make room for want of disk. */
};
struct history_counts history_count(const struct history *h);

/* Read side, for anybody, also while the daemon writes. */
struct history_reader;
int history_reader_open(struct history_reader **out, const char *dir, struct err *err);
/* Damage that was met is logged: one line.  NULL is accepted. */
void history_reader_close(struct history_reader *r);
/* What of all that was asked for could not be read, and was left out; as long as the
 * reader. */
const struct history_damage *history_reader_damage(const struct history_reader *r);

struct history_sample {
    int64_t t_ms;
    const char *device, *point;
    double value; /* Only when quality is good. */
    enum quality quality;
    uint8_t detail;
    bool clock_untrusted;
};
typedef bool (*history_fn)(void *ctx, const struct history_sample *s);
/* Samples of [from_ms, to_ms] in order of time, then device, then point.  `device`
 * and `point` may be NULL: all.  A callback that returns false ends the reading. */
int history_each(struct history_reader *r,
                 int64_t from_ms,
                 int64_t to_ms,
                 const char *device,
                 const char *point,
                 history_fn fn,
                 void *ctx,
                 struct err *err);
/* The first (or `last`) good sample of one point in [from_ms, to_ms) that was taken
 * under a trusted clock. */
struct history_edge {
    bool found;
    int64_t t_ms;
    double value;
};
int history_edge(struct history_reader *r,
                 const char *device,
                 const char *point,
                 int64_t from_ms,
                 int64_t to_ms,
                 bool last,
                 struct history_edge *out,
                 struct err *err);
/* Time of the newest frame; INSTANT_NONE: none. */
int history_newest(struct history_reader *r, int64_t *t_ms, struct err *err);

#endif
