/* What if the sensors had been worse: one stage between a source of frames and the
 * pipeline, which spoils samples in ways that are asked for.
 *
 * Pure, and the same every time: what happens to a sample depends on the seed, on its
 * device, point and time, and on nothing else in the log.
 *
 * A target is DEVICE.POINT; `*` is any of either; a POINT alone is that of every
 * device. A span is `@FROM..TO`, each an instant, `+AGE` from the first frame, or
 * nothing. */
#ifndef CARETAKER_PIPELINE_WHAT_IF_H
#define CARETAKER_PIPELINE_WHAT_IF_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"

#define WHAT_IF_SEED 1

enum what_if_kind {
    WHAT_IF_DRIFT, /* "TARGET=PER_DAY": so much more a day, from the first frame on. */
    WHAT_IF_NOISE, /* "TARGET=SIGMA": noise of that standard deviation, at most 6 of it.
                    */
    WHAT_IF_STICK, /* "TARGET[SPAN]": good samples keep the value from before it. */
    WHAT_IF_DROP,  /* "SHARE": so many of the frames are lost, "TARGET=SHARE": of the
                    * samples of a point.  0.05 or 5%. */
    WHAT_IF_SHIFT, /* "AGE[SPAN]": the clock is ahead by that; -AGE: behind. */
    WHAT_IF_KINDS
};

/* As they are written on the command line; applied in the order of the kinds. */
struct what_if_options {
    const char *const *texts[WHAT_IF_KINDS];
    uint32_t counts[WHAT_IF_KINDS];
    uint64_t seed;
};

struct what_if;

/* ERR_RANGE: a text is wrong (`err` says which and what is accepted); ERR_NOT_FOUND:
 * its target is nothing of the site.  `site` is borrowed until what_if_free(). */
int what_if_new(struct what_if **out,
                const struct site *site,
                const struct what_if_options *options,
                struct err *err);
void what_if_free(struct what_if *w); /* NULL is accepted. */

/* Spoils the next frame, of times that do not go back.  False: nothing is left of it.
 */
bool what_if_apply(struct what_if *w, struct frame *f);
/* What the clock shows at `t_ms` of the log; INSTANT_NONE stays. */
int64_t what_if_time(const struct what_if *w, int64_t t_ms);

/* Samples that were changed, each counted once for every kind; SHIFT: frames. */
struct what_if_counts {
    uint64_t changed[WHAT_IF_KINDS];
    uint64_t back; /* Samples lost because the clock had gone back. */
};
struct what_if_counts what_if_counts(const struct what_if *w);

#endif
