/* The rules engine: samples -> edges.  Pure: no I/O, no clock, and no allocation after
 * rules_new().  Time arrives in frames; the same input gives the same edges.
 *
 * It owns the table of latest values, the hold and clear_hold timers, staleness, and
 * whether each device answers. */
#ifndef CARETAKER_RULES_RULES_H
#define CARETAKER_RULES_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/diag.h"
#include "daemon/model/edge.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"

struct rules;

/* Called for each edge, in order: devices first, then by device, then by rule. */
typedef void (*rules_edge_fn)(void *ctx, const struct edge *edge);

/* Binds every enabled rule to its devices and compiles it.  Errors and warnings go to
 * `diags`; NULL is returned if there was any error.  `site` is borrowed until
 * rules_free(). */
struct rules *rules_new(const struct site *site, struct diags *diags);
void rules_free(struct rules *r);

/* Applies one frame.  The caller has fired every timer due at or before f->t_ms, and
 * times never go back.  A reading of QUALITY_OFFLINE or any other that is not good
 * leaves the last good value but makes the point unknown. */
void rules_frame(struct rules *r, const struct frame *f, rules_edge_fn fn, void *ctx);

/* When the next timer is due; INSTANT_MAX: none. */
int64_t rules_due(const struct rules *r);
/* Fires the one earliest timer, at its own due time.  Hold and clear_hold come before
 * staleness, then by device, then rule. */
void rules_fire(struct rules *r, rules_edge_fn fn, void *ctx);

/* The wall clock was stepped by `delta_ms`: every instant that is kept moves along. */
void rules_shift(struct rules *r, int64_t delta_ms);

/* The latest sample of a point; quality is QUALITY_STALE when it is too old, and also
 * before the first one (last_good_ms is INSTANT_NONE then). */
struct latest {
    double value; /* The last good one. */
    enum quality quality;
    uint8_t detail; /* As in struct reading, of the last sample; 0 with STALE. */
    int64_t t_ms;   /* Of the last sample of any quality; INSTANT_NONE: none. */
    int64_t last_good_ms;
};
struct latest rules_latest(const struct rules *r, uint32_t point);
enum device_health { DEVICE_UNKNOWN, DEVICE_ONLINE, DEVICE_OFFLINE };
enum device_health rules_device_health(const struct rules *r, uint32_t device);

/* Whether `rule` is bound to `device`, and the watch on its condition (section 7:
 * verification).  EDGE_WATCH is sent only for instances that are watched. */
bool rules_bound(const struct rules *r, uint32_t device, uint32_t rule);
struct watch rules_watch(const struct rules *r, uint32_t device, uint32_t rule);
void rules_set_watched(struct rules *r, uint32_t device, uint32_t rule, bool watched);

/* What the life of an alarm asks beyond the edges: how far its instance has come, and
 * how new what it was judged on is. */
struct rules_standing {
    bool pending;           /* Not raised, and the hold that raises it runs. */
    bool clearing;          /* Raised, and the clear_hold that ends it runs, */
    int64_t clears_ms;      /* until then. */
    int64_t sampled_ms;     /* The oldest of the last good samples that it is judged on;
                               INSTANT_NONE: one of them is not known at present,
                               INSTANT_MAX: it reads none. */
    int64_t stale_after_ms; /* The longest of theirs. */
};
struct rules_standing
rules_standing(const struct rules *r, uint32_t device, uint32_t rule);
/* Whether `rule` is bound to `device` and tells of its silence: it asks whether the
 * device is online, or for the age or quality of its points. */
bool rules_tells_silence(const struct rules *r, uint32_t device, uint32_t rule);

/* State that survives a restart: one row per instance that is not plainly normal, or
 * whose condition is watched. */
enum rule_phase { RULE_NORMAL, RULE_PENDING, RULE_RAISED, RULE_CLEARING };
struct rule_state {
    uint32_t device, rule;
    enum rule_phase phase;
    int level;        /* Raised level, -1: none. */
    int target_level; /* PENDING and CLEARING: where the running hold leads. */
    int64_t since_ms; /* When the phase began: hold or clear_hold runs from here. */
    bool clear;
    int64_t clear_since_ms, while_last_ms; /* As struct watch. */
};
typedef void (*rules_state_fn)(void *ctx, const struct rule_state *s);
/* Instances whose state changed since the last call (all = false), or all that are not
 * plainly normal. A change back to plainly normal is given too. */
void rules_save(struct rules *r, bool all, rules_state_fn fn, void *ctx);
/* Before the first frame.  `alive_ms`: the last moment at which the program is known to
 * have run.  A running hold goes on, from where it was, if the first judgement comes
 * within RULES_RESTART_GAP_MS of it; else it begins anew. A raised one stays raised.
 * False: there is no such instance any more. */
#define RULES_RESTART_GAP_MS                                                           \
    60000 /* A restart or reboot is not a sensor's silence.                            \
           */
bool rules_restore(struct rules *r, const struct rule_state *s, int64_t alive_ms);
void rules_restore_device(struct rules *r, uint32_t device, enum device_health health);

/* What rules remember of the past.  Windows are filled again from the recorded samples;
 * lives (hours, starts, held, stuck) are saved, and go on from there. */
struct rules_meter {
    const char *key; /* The device and the call: "pump-1 hours(running)". */
    int64_t last_ms, since_ms, early_ms;
    double value;
    bool changed;
    int64_t true_ms, starts, service_ms, service_starts;
};
typedef void (*rules_meter_fn)(void *ctx, const struct rules_meter *m);
/* Those that changed since the last call.  What comes in between is read again from the
 * recorded samples, so once a minute is enough. */
void rules_save_meters(struct rules *r, rules_meter_fn fn, void *ctx);
/* Before rules_warm().  False: no rule has it any more. */
bool rules_restore_meter(struct rules *r, const struct rules_meter *m);

/* Since when the recorded samples of each device are wanted (from_ms, by device) before
 * the engine goes on at t_ms; INSTANT_MAX: none are.  Returns the earliest. */
int64_t rules_memory(const struct rules *r, int64_t t_ms, int64_t *from_ms);
/* Behind it, for who tries a rule on a recorded time: lives (hours, starts, held,
 * stuck) of which no row was restored count what was recorded from `since_ms` on, which
 * is wanted in the same table, too.  Without this call they begin with the first frame.
 */
void rules_live_since(struct rules *r, int64_t since_ms, int64_t *from_ms);
/* One of them, in order of time, before the first frame and before
 * rules_restore_device(): nobody is told, and nothing is judged.  rules_warm_end() ends
 * it, and the engine goes on at t_ms: what points and devices were before is history.
 * `alive_ms`: the last moment at which the program is known to have run; ages stand
 * still from there on.  INSTANT_NONE: it never stopped. */
void rules_warm(struct rules *r, const struct frame *f);
void rules_warm_end(struct rules *r, int64_t alive_ms, int64_t t_ms);

/* The device was served as planned: `since_service` counts from here. */
void rules_service(struct rules *r, uint32_t device, int64_t t_ms);

struct rules_counts {
    uint64_t evaluations;
    uint32_t instances;
    size_t bytes; /* Memory of the engine. */
};
struct rules_counts rules_count(const struct rules *r);

/* `title` with {device}, {point}, {device.point} filled in from the latest values, each
 * with its unit; an unknown value as "?".  `out` of `out_size`. */
void rules_render(const struct rules *r,
                  char *out,
                  size_t out_size,
                  const char *title,
                  uint32_t device);

#endif
