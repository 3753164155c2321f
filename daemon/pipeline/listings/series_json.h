/* The past of some points of a device, in as many numbers as a chart is wide, as JSON:
 *
 *   {"device":"pump-1","from":ms,"to":ms,"resolution":"1m","step_ms":120000,
 *    "points":{"pressure":{"unit":"MPa","title":"Pressure","kind":"gauge","t":[ms,..],
 *                          "mean":[..],"min":[..],"max":[..],"limits":[..]}}}
 *
 * `resolution` says what was read: "samples", "1m" or "1h".  Of samples there is no
 * `min` and `max`, `step_ms` is 0, and where they are closer than the picture can show
 * only the first, the last, the least and the greatest of each column are given.  null
 * in `mean`, `min` and `max`: here the line breaks.  A limit: rule level value side
 * text hold_ms.  `title` is the point's in the language of the thread, else its id. */
#ifndef CARETAKER_PIPELINE_SERIES_JSON_H
#define CARETAKER_PIPELINE_SERIES_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/store/history.h"

#define SERIES_WIDTH_MAX  4000 /* Columns: no screen is wider. */
#define SERIES_POINTS_MAX 64   /* More lines than any page draws. */

struct series_request {
    const struct site *site;
    uint32_t device;
    const uint32_t *points; /* Indices into site->points. */
    uint32_t point_count;
    int64_t from_ms, to_ms;
    uint32_t width;
};

/* `reader` may be NULL: nothing was ever recorded. */
int series_json(struct strbuf *out,
                struct history_reader *reader,
                const struct series_request *request,
                struct err *err);

/* Samples of one point in order of time; a NaN is a gap. */
struct series_samples {
    int64_t *t_ms;
    double *value;
    size_t count;
};
/* Keeps of each of `columns` columns of [from_ms, to_ms] the first, the last, the least
 * and the greatest value, and a gap: the picture stays as it was.  In place. */
void
series_thin(struct series_samples *s, int64_t from_ms, int64_t to_ms, uint32_t columns);

#endif
