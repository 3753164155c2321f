/* The evidence pack of a ticket: what happened, what the sensors showed, what the rule
 * said, how healthy the line was, and what fixed it the last times.
 *
 * It is put together from state.db and history.db alone, whether or not the daemon
 * runs.  What was stored when the ticket opened stands before what the site says now:
 * the rule and the device may have changed or gone since. */
#ifndef CARETAKER_PIPELINE_EVIDENCE_H
#define CARETAKER_PIPELINE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/photo.h"
#include "daemon/model/site.h"
#include "daemon/model/ticket.h"
#include "daemon/pipeline/chart/chart.h"
#include "daemon/pipeline/evidence/evidence_take.h"
#include "daemon/store/state.h"

#define EVIDENCE_PAST_MAX      10 /* Earlier tickets of each kind. */
#define EVIDENCE_WINDOWS_MAX   6  /* Stretches of time that are drawn. */
#define EVIDENCE_MARKS_MAX     64
#define EVIDENCE_LIMITS_MAX    8       /* Of a point; more cannot be read in a chart. */
#define EVIDENCE_OTHERS_MAX    8       /* Other rules of the group that took part. */
#define EVIDENCE_BEFORE_MS     3600000 /* Drawn before an opening, */
#define EVIDENCE_AFTER_MS      1800000 /* and after it cleared; */
#define EVIDENCE_LONGEST_MS    86400000 /* but no more than this after the opening. */
#define EVIDENCE_CLOSED_MS     7200000  /* A closing this soon after is drawn too. */
#define EVIDENCE_CHART_COLUMNS 610      /* Dots of a chart of CHART_PAGE_WIDTH. */

struct json_t; /* jansson's. */

/* What was stored at one opening; members may be NULL. */
struct evidence_opening {
    int64_t number; /* 1, 2, ... */
    int64_t t_ms;
    const char *rule, *version;
    struct json_t *facts, *device, *bus;
};

struct evidence_event {
    int64_t seq, t_ms;
    const char *name; /* "ticket.opened" */
    const char *rule; /* NULL: of none. */
    struct json_t *json;
};

/* Good samples of a stretch of time. */
struct evidence_sum {
    uint64_t count;
    double min, max, mean, last; /* Meaningless without any. */
};

struct evidence_limit {
    double value;
    const char *text; /* "bearing > 80 °C" */
    int64_t hold_ms;  /* For so long; 0: at once. */
};

struct evidence_series {
    const char *device, *point;
    bool foreign; /* Of another device than the ticket's. */
    struct chart_series samples;
    struct evidence_sum before, during, after; /* Until it opened, cleared, the end. */
    struct evidence_limit limits[EVIDENCE_LIMITS_MAX];
    uint32_t limit_count;
};

struct evidence_window {
    int64_t from_ms, to_ms;
    int64_t opened_ms;  /* INSTANT_NONE: it shows the repair alone. */
    int64_t cleared_ms; /* INSTANT_NONE: it stood until the end. */
    struct evidence_series *series;
    uint32_t series_count;
    uint64_t samples, bad; /* Of all of them: good ones, and others. */
};

/* What became of the rule since. */
enum evidence_rule { EVIDENCE_NO_RULE, EVIDENCE_SAME, EVIDENCE_CHANGED, EVIDENCE_GONE };

struct evidence {
    struct arena *arena;
    const struct site *site; /* Borrowed. */
    int64_t now_ms;
    struct ticket ticket;
    bool taken; /* False: nothing was stored at its opening; the only one is made from
                   what the site says now. */
    struct evidence_opening *openings; /* At least one. */
    uint32_t opening_count;
    struct evidence_event *events;
    uint32_t event_count;
    struct photo *photos;
    uint32_t photo_count;
    enum evidence_rule rule;
    /* Rules of its group whose alarms came while it lived, as facts have them; borrowed
     * from the openings. */
    struct json_t *others[EVIDENCE_OTHERS_MAX];
    uint32_t other_count;
    bool device_gone;
    struct ticket *same, *like; /* The newest first. */
    uint32_t same_count, like_count;
    struct evidence_window windows[EVIDENCE_WINDOWS_MAX];
    uint32_t window_count;
    int64_t history_from_ms; /* The oldest sample that is kept; INSTANT_NONE: none. */
    const char *history_trouble; /* Why it cannot be read; NULL. */
    struct json_t *now;          /* The device as it is now; NULL: not known. */
    struct json_t *ledger;       /* What is known of it now; NULL: it is gone. */
};

/* ERR_NOT_FOUND: there is no such ticket.  `now` (may be NULL) is the device's object
 * in the listing of devices, with its points; see evidence_device().  `store` and
 * `site` are borrowed, the store for this call only. */
int evidence_load(struct evidence **out,
                  const struct site *site,
                  struct state *store,
                  int64_t number,
                  int64_t now_ms,
                  const char *now,
                  struct err *err);
void evidence_free(struct evidence *e); /* NULL is accepted. */

/* The id of the ticket's device into `out` ("" without one), for asking how it is. */
int evidence_device(char out[ID_BYTES_MAX],
                    struct state *store,
                    int64_t number,
                    struct err *err);

/* What the first opening said (never NULL). */
const struct evidence_opening *evidence_first(const struct evidence *e);
/* {id title steps parts} as at the latest opening, to which the ticks belong; NULL:
 * none. */
struct json_t *evidence_procedure(const struct evidence *e);
/* Facts of the device ({id name type ... ledger}); NULL: it has none. */
struct json_t *evidence_device_facts(const struct evidence *e);
/* The site's ledger as it is now, else as it was at the opening; NULL: none. */
struct json_t *evidence_ledger(const struct evidence *e);
/* A text in each language ({"en":..,"zh-CN":..}) in that of the thread; "" for none. */
const char *evidence_text(const struct json_t *text);
/* The person's name with his id, else the id. */
const char *evidence_person(const struct evidence *e, const char *id);

/* One object. */
void evidence_json(struct strbuf *out, const struct evidence *e);
/* The chart of one window. */
void evidence_chart(struct strbuf *out,
                    const struct evidence *e,
                    const struct evidence_window *w);
/* A page that needs nothing else, for a screen and for A4, in the thread's language. */
void evidence_page(struct strbuf *out, const struct evidence *e);
/* The same for a terminal. */
void evidence_print(struct strbuf *out, const struct evidence *e);

#endif
