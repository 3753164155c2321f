/* Why a rule on a device is as it is at one moment: each part of its conditions with
 * its value, the points and the memory behind them, the holds, and a verdict in words.
 *
 * Every value comes from the engine's own programs and series, so it cannot disagree
 * with the engine; nothing that the engine goes by is changed. */
#ifndef CARETAKER_RULES_EXPLAIN_H
#define CARETAKER_RULES_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "rules/rules.h"
#include "rules/series.h"

#define EXPLAIN_POINTS_MAX 512 /* As many as a rule may read; further ones are cut. */

enum explain_kind {
    EXPLAIN_CONSTANT,
    EXPLAIN_POINT,
    EXPLAIN_ONLINE,  /* Whether a device answers. */
    EXPLAIN_QUALITY, /* quality(x): `word` is its value. */
    EXPLAIN_AGE,
    EXPLAIN_MEMORY, /* A window, a count, a life: `memory`. */
    EXPLAIN_NUMBER, /* Arithmetic; abs(), least(), ... */
    EXPLAIN_COMPARISON,
    EXPLAIN_NOT,
    EXPLAIN_AND,
    EXPLAIN_OR
};

/* What a series has kept.  Instants are INSTANT_NONE where there is none. */
struct explain_memory {
    const char *text; /* The call as written. */
    enum series_kind kind;
    double value; /* NaN: unknown. */
    const char *unit;
    double low, high; /* Of a count or time: it lies between; `high` may be infinite. */
    int64_t width_ms; /* 0: of its whole life. */
    uint32_t samples; /* Of a window: how many good ones, */
    int64_t first_ms, last_ms; /* from when to when; of others `last_ms`: last known. */
    int64_t needed_ms;         /* Of a window: what its samples must span at least. */
    uint32_t starts;           /* Of a count or time: what is known of the window. */
    int64_t true_ms, unknown_ms;
    int64_t since_ms; /* Of held and stuck: it is as it is since then. */
    const char *why;  /* Why it is unknown; NULL: it is known. */
};

/* A part of a condition.  Texts are in the explanation's arena. */
struct explain_part {
    enum explain_kind kind;
    const char *text; /* As written. */
    bool is_truth;
    double value;     /* A truth: 0 or 1.  NaN: unknown. */
    const char *unit; /* NULL: it has none. */
    const char *word; /* Of EXPLAIN_QUALITY. */
    uint32_t point;   /* Of POINT, QUALITY, AGE; NONE_INDEX. */
    uint32_t device;  /* Of ONLINE; NONE_INDEX. */
    const struct explain_memory *memory;
    const char *why; /* Of what is no composition: why it is unknown; NULL: known. */
    const struct explain_part *first, *next; /* Its own parts; the one beside it. */
};

/* A point that the conditions read, each once. */
struct explain_point {
    uint32_t point;
    struct latest latest;
    bool is_truth;
    bool known;        /* Good and not stale: rules use it. */
    int64_t stale_ms;  /* When it goes stale unless a good sample comes; INSTANT_NONE:
                          it is stale, or was never read. */
    const char *reads; /* As written, "bearing" or "feeder-1.load". */
};

struct explain_level {
    enum severity severity;
    const struct explain_part *when, *clear; /* `clear` NULL: not when. */
    const char *when_text, *clear_text;
    bool raised;      /* Up to the level that the alarm stands on. */
    int64_t since_ms; /* What it waits for (`clear` up to the raised level, `when` above
                         it) holds since then; INSTANT_NONE: it does not. */
    int64_t due_ms;   /* When that has held long enough. */
};

struct explanation {
    struct arena *arena;
    uint32_t device, rule;
    int64_t t_ms;
    struct rule_state state;
    bool resuming;                     /* After a restart, nothing confirmed it yet. */
    const struct explain_part *while_; /* NULL: it is judged always. */
    const char *while_text;
    struct explain_level levels[RULE_LEVELS_MAX];
    uint32_t level_count;
    struct explain_point *points;
    uint32_t point_count;
    struct explain_memory *memories;
    uint32_t memory_count;
    int64_t due_ms; /* When it is judged next by itself; INSTANT_MAX: with a sample. */
    const char *verdict; /* "not raised: ..."; times in the site's zone. */
};

/* At t_ms, which is not before the last frame or timer.  False: the rule is not bound
 * to the device (explain_unbound() says why).  Returns owned contents: explain_fini().
 */
bool explain_rule(struct explanation *out,
                  const struct rules *r,
                  uint32_t device,
                  uint32_t rule,
                  int64_t t_ms);
void explain_fini(struct explanation *e);

/* Adds why the rule is not for the device: "it has no point `bearing`". */
void explain_unbound(struct strbuf *out,
                     const struct site *site,
                     uint32_t device,
                     uint32_t rule);

/* A number for people, of at most 7 digits, into `out` of NUMBER_TEXT_BYTES. */
char *explain_number(char *out, double value);

/* explain_words.c: the verdict, into the explanation's arena. */
const char *explain_verdict(const struct explanation *e, const struct rules *r);

#endif
