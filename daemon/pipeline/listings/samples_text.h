/* Recorded samples as lines of CSV or JSON: what `caretaker export` and the API give,
 * and replay reads. */
#ifndef CARETAKER_PIPELINE_SAMPLES_TEXT_H
#define CARETAKER_PIPELINE_SAMPLES_TEXT_H

#include <stdbool.h>

#include "daemon/base/strbuf.h"
#include "daemon/store/history_series.h"

struct samples_form {
    bool jsonl;  /* JSON lines instead of CSV. */
    bool detail; /* What a bad sample says beside why. */
    bool clock;  /* A column that says where the clock may have been wrong. */
};

/* The first line of CSV, of intervals or of samples. */
void samples_head(struct strbuf *out, bool intervals, const struct samples_form *form);
void samples_line(struct strbuf *out,
                  const struct history_sample *s,
                  const struct samples_form *form);
/* Of an interval: what its good samples were. */
void samples_bucket_line(struct strbuf *out,
                         const struct history_bucket *b,
                         const struct samples_form *form);

#endif
