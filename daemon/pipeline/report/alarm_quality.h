/* How good a site's alarms are: load, floods, bad actors, chatter, standing alarms and
 * priorities, each against what the standards ask for.  Pure arithmetic on a list of
 * episodes: no I/O, no clock.
 *
 * Targets are per operator.  They are those of ANSI/ISA-18.2-2016, clause 16 (the same
 * as IEC 62682:2014, clause 16) and of EEMUA Publication 191, which agree in them. */
#ifndef CARETAKER_PIPELINE_ALARM_QUALITY_H
#define CARETAKER_PIPELINE_ALARM_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/words.h"

/* A flood begins when 10 min hold more raises than 10, and ends when they hold fewer
 * than 5. */
#define ALARM_QUALITY_SLOT_MS     (INT64_C(10) * 60 * 1000)
#define ALARM_QUALITY_FLOOD_ABOVE 10
#define ALARM_QUALITY_FLOOD_ENDS  5
/* An alarm chatters that is raised so often in so much time. */
#define ALARM_QUALITY_CHATTER_RAISES 3
#define ALARM_QUALITY_CHATTER_MS     (INT64_C(60) * 1000)
/* It is stale when it stands longer; "fewer than 5 on any day" are tolerable. */
#define ALARM_QUALITY_STANDING_MS  (INT64_C(24) * 3600 * 1000)
#define ALARM_QUALITY_STANDING_MAX 4
/* The most frequent ones, whose share of the load has a target of 5 %: among fewer than
 * 200 different alarms they have more in any case. */
#define ALARM_QUALITY_TOP            10
#define ALARM_QUALITY_TOP_ALARMS_MIN 200
/* Of fewer raises, one is more than the 5 % of the highest priority. */
#define ALARM_QUALITY_SPLIT_RAISES_MIN 20
/* A shorter period says nothing of a day; that of one day's log may end a sample early.
 */
#define ALARM_QUALITY_PERIOD_MIN_MS (INT64_C(23) * 3600 * 1000)

/* From the raising of one alarm to its clearing. */
struct alarm_quality_episode {
    uint32_t alarm; /* The caller's number of it, below `alarm_count`. */
    enum severity severity;
    int64_t raised_ms;
    int64_t cleared_ms; /* INSTANT_MAX: it stands at the end. */
};

struct alarm_quality_options {
    int64_t from_ms, to_ms;    /* Raises of [from, to) count; from < to. */
    bool to_counts;            /* Those at `to_ms` too: it is not cut, it ends there. */
    uint32_t operators;        /* Who share the load; at least 1. */
    uint32_t chatter_episodes; /* The site's own idea of chatter, beside the */
    int64_t chatter_window_ms; /* standard's; 0: none. */
};

struct alarm_quality_flood {
    int64_t begin_ms; /* Of its first raise. */
    int64_t end_ms;
    uint32_t raises;
    uint32_t peak; /* Most raises in 10 min. */
};

struct alarm_quality_actor {
    uint32_t alarm;
    enum severity severity; /* Of its latest raise. */
    uint32_t raises;
    double share;            /* Of all raises, in %. */
    uint32_t chatter_raises; /* Those with two others within a minute. */
    bool site_chatters;      /* As the site defines it. */
    int64_t stood_ms;        /* In all, inside the period. */
    int64_t median_ms;       /* Of how long its episodes stood. */
};

struct alarm_quality_standing {
    uint32_t alarm;
    enum severity severity;
    int64_t raised_ms;
    int64_t cleared_ms; /* INSTANT_MAX: it still stands. */
    int64_t stood_ms;   /* Up to the end of the period. */
};

enum alarm_quality_verdict {
    ALARM_QUALITY_OK,
    ALARM_QUALITY_HIGH, /* Beyond the target, within what can be managed at most. */
    ALARM_QUALITY_OVER,
    ALARM_QUALITY_FEW,  /* Too few alarms or raises to say. */
    ALARM_QUALITY_SHORT /* Too short a period to say. */
};
/* "ok" "high" "over" "few" "short" */
const char *alarm_quality_verdict_name(enum alarm_quality_verdict v);

/* What a figure needs to be judged. */
enum alarm_quality_needs {
    ALARM_QUALITY_NEEDS_PERIOD, /* A rate: the value too means nothing without it. */
    ALARM_QUALITY_NEEDS_TIME,   /* What is bad is bad; what is good needs the period. */
    ALARM_QUALITY_NEEDS_ALARMS,
    ALARM_QUALITY_NEEDS_RAISES
};

/* One figure beside its target.  `at_least`: the target is a floor, not a ceiling. */
struct alarm_quality_figure {
    const char *name;  /* "raises_per_day" */
    const char *title; /* "raises per day" */
    const char *unit;  /* "%"; "": a count. */
    double value, target, limit;
    bool at_least;
    enum alarm_quality_needs needs;
    enum alarm_quality_verdict verdict;
};
#define ALARM_QUALITY_FIGURES 10

struct alarm_quality {
    uint32_t raises;
    uint32_t alarms; /* Different ones among them. */
    double days;
    double per_day, per_10min; /* Mean, per operator. */
    uint32_t peak_10min;       /* Most raises in 10 min, wherever they begin. */
    int64_t peak_ms;           /* Of the first of them; INSTANT_NONE: no raise. */
    struct alarm_quality_flood *floods;
    size_t flood_count;
    int64_t flood_ms;
    uint32_t by_severity[SEVERITY_COUNT];
    struct alarm_quality_actor *actors; /* All that were raised, worst first. */
    size_t actor_count;
    double top_share; /* Of the first ALARM_QUALITY_TOP, in %. */
    uint32_t chattering;
    struct alarm_quality_standing *standing; /* Longest first. */
    size_t standing_count;
    uint32_t standing_peak; /* Most at one time. */
    struct alarm_quality_figure figures[ALARM_QUALITY_FIGURES];
};

/* `episodes` in any order; those that cleared before the period and those raised after
 * it are passed over.  Returns owned contents: alarm_quality_fini().  ERR_NOMEM. */
int alarm_quality_of(struct alarm_quality *out,
                     const struct alarm_quality_episode *episodes,
                     size_t count,
                     uint32_t alarm_count,
                     const struct alarm_quality_options *options,
                     struct err *err);
void alarm_quality_fini(struct alarm_quality *q);

#endif
