/* The report on how good a site's alarms are: its own events, or those that recorded
 * samples would make, judged (alarm_quality.h), with advice for the worst
 * (alarm_advice.h). */
#ifndef CARETAKER_PIPELINE_ALARM_REPORT_H
#define CARETAKER_PIPELINE_ALARM_REPORT_H

#include <stdatomic.h>

#include "daemon/base/diag.h"
#include "daemon/base/strbuf.h"
#include "daemon/pipeline/report/alarm_advice.h"
#include "daemon/pipeline/report/alarm_episodes.h"
#include "daemon/pipeline/report/alarm_quality.h"

#define ALARM_REPORT_DAYS 30 /* What is looked at where nothing else is asked for. */

struct alarm_report_options {
    struct site *site;       /* `stale_after_ms` changes it, as replay does. */
    const char *const *logs; /* With `log_count` 0: state.db and history.db. */
    uint32_t log_count;
    const struct log_map *map;
    int64_t stale_after_ms;
    int64_t from_ms, to_ms; /* INSTANT_NONE: not given. */
    int64_t now_ms;
    uint32_t operators;
    uint32_t top; /* Bad actors shown; at most ADVICE_ACTORS_MAX. */
    bool advise;  /* Try other deadbands and delays. */
    bool progress;
    bool quiet;                /* Bad rows of logs are counted only. */
    const atomic_bool *cancel; /* Of the advice, as of struct feed_options. */
};

struct alarm_report {
    struct arena *arena;
    int64_t from_ms, to_ms;
    bool to_counts; /* What came at `to_ms` too: it was not asked to end there. */
    struct alarm_episodes episodes;
    struct alarm_quality quality;
    struct advice_actor *actors; /* Of the first of quality.actors. */
    uint32_t actor_count;
    uint64_t bad_rows, samples, late_samples; /* Of the logs. */
};

/* ERR_NOT_FOUND: nothing was ever recorded.  Returns owned contents:
 * alarm_report_fini().
 */
int alarm_report_make(struct alarm_report *out,
                      const struct alarm_report_options *options,
                      struct diags *diags,
                      struct err *err);
void alarm_report_fini(struct alarm_report *r);

/* ---- showing it ---- */

#define ALARM_REPORT_BASIS                                                             \
    "ANSI/ISA-18.2-2016 (IEC 62682:2014) clause 16 and EEMUA Publication 191, per "    \
    "operator"
struct alarm_report_head {
    const struct site *site;
    uint32_t operators;
    bool from_logs;
    bool advised;
};
/* A rate of a few minutes is no rate. */
bool alarm_report_says_nothing(const struct alarm_quality_figure *f);
/* One object: report site source from to days operators raises alarms peak_at
 * priorities figures floods top standing basis. */
void alarm_report_json(struct strbuf *out,
                       const struct alarm_report *r,
                       const struct alarm_report_head *h);

#endif
