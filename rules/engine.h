/* The inside of struct rules, shared by the files that make it up:
 *
 *   build.c    building it
 *   rules.c    frames, timers, staleness
 *   past.h     the series: what rules remember
 *   judge.c    one instance: holds, levels, edges
 *   restart.c  what survives a restart
 *   standing.c what the life of an alarm asks
 *   render.c   titles */
#ifndef CARETAKER_RULES_ENGINE_H
#define CARETAKER_RULES_ENGINE_H

#include "daemon/base/arena.h"
#include "daemon/base/timerq.h"
#include "rules/binding.h"
#include "rules/rules.h"
#include "rules/series.h"

/* Classes of timers: of one time, what series follow comes before holds and ages, and
 * these before staleness. */
enum timer_class { TIMER_SERIES, TIMER_INSTANCE, TIMER_DEVICE };

enum instance_flag {
    INSTANCE_CLEAR = 1u << 0, /* As struct watch. */
    INSTANCE_WHILE = 1u << 1, /* `while` is true, or there is none. */
    INSTANCE_WATCHED = 1u << 2,
    INSTANCE_RESUMING = 1u << 3,  /* Restored; no judgement has confirmed it yet. */
    INSTANCE_WAS_CLEAR = 1u << 4, /* Restored so; clear_since_ms is from before. */
    INSTANCE_CALLED = 1u << 5,    /* A series that it reads has changed by itself. */
    INSTANCE_STANDS = 1u << 6,    /* As struct watch. */
};

/* One rule on one device.  For each level there is an instant in rules.since: above
 * the raised level, since when its `when` has been true; up to it, since when its
 * `clear` has been true; INSTANT_NONE: it is not. */
struct instance {
    const struct code *code;
    int64_t clear_since_ms, while_last_ms;
    uint32_t device, rule;
    uint32_t first_slot, first_since;
    int8_t level; /* The raised one; -1: none. */
    uint8_t flags;
};

/* A set of instances, walked in order. */
struct marks {
    uint64_t *words;
    uint32_t low, high; /* Words that may be non-zero: [low, high). */
};

/* Lists of those that read something, by what they read. */
struct readers {
    uint32_t *first; /* Of thing i: items[first[i] .. first[i + 1]). */
    uint32_t *items;
};

struct rules {
    const struct site *site;
    struct arena *arena;   /* Owns all tables below and the programs. */
    struct timerq *timers; /* Instances first, then devices, then series. */

    struct instance *instances; /* By device, then rule. */
    uint32_t instance_count;
    uint32_t *device_first; /* Instances of device d: [d], [d + 1]. */
    int64_t *since;         /* By instance and level. */
    uint32_t *slots;        /* By instance and slot. */

    struct series *series; /* One that reads another comes after it. */
    const struct series_spec *specs;
    uint32_t series_count;

    /* By point. */
    double *value;         /* The last good one. */
    double *known;         /* The same, but NaN when it is not to be used. */
    int64_t *last_good_ms; /* INSTANT_NONE: never. */
    int64_t *aged_ms;      /* age() counts from here: the same, but a time when the
                              program did not run is none. */
    int64_t *last_ms;      /* Of any quality; INSTANT_NONE: never asked. */
    int64_t *fresh_ms;     /* Staleness counts from here: last good, or first asked. */
    uint8_t *quality, *detail;
    bool *fresh;                  /* Asked, and not stale yet. */
    struct readers point_readers; /* Instances that read point p, */
    struct readers point_series;  /* and series that follow it. */

    /* By device. */
    uint8_t *health;               /* enum device_health */
    bool *unreachable;             /* Its newest frame says that its bus is lost. */
    uint32_t *fresh_count;         /* Of its points, without the derived ones. */
    struct readers online_readers; /* Instances that ask whether it answers, */
    struct readers online_series;  /* and series. */

    struct readers series_readers; /* By series: instances, */
    struct readers outer_series;   /* and series that read it. */

    struct marks touched;        /* To be judged now. */
    struct marks touched_series; /* To be taken first. */
    bool warming;                /* The past is being read: nobody is told. */
    struct marks dirty;          /* To be saved. */
    int64_t alive_ms;            /* Of rules_restore(). */
    uint64_t evaluations;
    size_t bytes;
};

/* What conditions say at one moment. */
enum tri { TRI_FALSE, TRI_TRUE, TRI_UNKNOWN };
struct verdict {
    enum tri while_;
    enum tri when[RULE_LEVELS_MAX];
    enum tri clear[RULE_LEVELS_MAX]; /* Of the levels up to the raised one. */
};

void marks_add(struct marks *m, uint32_t index);
/* Takes the lowest out; false when the set is empty. */
bool marks_take(struct marks *m, uint32_t *index);

/* Judges instance i at t and arms its timer. */
void judge(struct rules *r, uint32_t i, int64_t t_ms, rules_edge_fn fn, void *ctx);
/* What judge() would find at t; nothing changes by it. */
void judge_look(const struct rules *r,
                const struct instance *in,
                int64_t t_ms,
                struct verdict *out);
/* When one of the watches is due next, later than `after_ms`; INSTANT_MAX: none. */
int64_t watch_due(const struct rules *r,
                  const struct value_watch *watches,
                  uint32_t count,
                  const uint32_t *slots,
                  int64_t after_ms);
/* When instance i is to be judged next by itself, later than `after_ms`. */
int64_t judge_due(const struct rules *r, const struct instance *in, int64_t after_ms);
/* Sets the timer for that. */
void judge_arm(struct rules *r, uint32_t i, int64_t t_ms);
/* restart.c: the phase of an instance, and where its holds lead. */
struct rule_state instance_state(const struct rules *r, const struct instance *in);
/* NONE_INDEX: the rule is not bound to the device. */
uint32_t engine_find(const struct rules *r, uint32_t device, uint32_t rule);

/* Whether a reading of this quality came out of an answer of the device. */
static inline bool
quality_is_answer(enum quality q)
{
    return q == QUALITY_GOOD || q == QUALITY_EXCEPTION || q == QUALITY_RANGE ||
           q == QUALITY_SENTINEL || q == QUALITY_STUCK;
}

static inline int64_t *
instance_since(const struct rules *r, const struct instance *in)
{
    return &r->since[in->first_since];
}

#endif
