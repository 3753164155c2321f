/* Recorded samples through the very same pipeline, in virtual time. */
#ifndef CARETAKER_PIPELINE_REPLAY_H
#define CARETAKER_PIPELINE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/model/event.h"
#include "daemon/model/replay_case.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/replay/replay_source.h"
#include "daemon/pipeline/replay/what_if.h"

struct pipeline;

enum replay_format { REPLAY_TEXT, REPLAY_JSONL };

struct replay_options {
    const struct log_map *map; /* May be NULL. */
    const char *bus;           /* As struct replay_source_options has it. */
    const char *const *logs;   /* Sample logs, raw records, captures. */
    uint32_t log_count;
    const struct replay_history *history;  /* The site's own too; NULL: not. */
    const struct what_if_options *what_if; /* NULL: samples are taken as they are. */
    int64_t stale_after_ms;                /* 0: as configured. */
    int64_t until_ms;                      /* INSTANT_NONE: the last row's time. */
    bool strict;                           /* The first bad row ends it (ERR_CONFIG). */
    bool progress;                         /* A bar on standard error. */
    enum replay_format format;
    /* Where events go instead of to the output; NULL: they are printed. */
    void (*take_event)(void *ctx, const struct event *e);
    void *take_ctx;
    /* Looks at the pipeline before the first frame, and at its end; NULL: nobody does.
     */
    void (*look)(void *ctx, struct pipeline *p, bool at_end);
    void *look_ctx;
    /* What people do meanwhile; NULL: nothing.  One that is refused is told and
     * counted. */
    const struct replay_case *commands;
    /* The folder of a fresh state.db that is filled; NULL: none is. */
    const char *state_dir;
    bool silent; /* Events are not printed. */
    bool again;  /* The same logs once more: bad rows have been told. */
};

struct replay_result {
    uint64_t rows, bad_rows, frames, samples, events;
    uint64_t commands, refused; /* Of those the refused ones. */
    uint64_t late_samples;      /* Came when their point had been stale already. */
    int64_t first_ms, last_ms;  /* INSTANT_NONE: no row. */
    int64_t
        beyond_ms; /* Of the first row behind `until`; INSTANT_NONE: there is none. */
    /* Of raw files, as struct replay_source_counts has them. */
    uint64_t exchanges, unmatched, elsewhere;
    struct what_if_counts what_if;
    uint64_t unknown; /* Samples of the history of no point of the site. */
    char elsewhere_at[BUS_TEXT_BYTES];
};

/* Prints one event a line to `out`; bad rows go to standard error.  `site` may be
 * changed (stale_after).  ERR_CONFIG: the rules have errors (in `diags`). */
int replay_run(struct site *site,
               const struct replay_options *options,
               FILE *out,
               struct replay_result *result,
               struct diags *diags,
               struct err *err);

/* One case: true in `*passed` when every expectation held.  What failed, and what came
 * instead, is printed to `out`.  An error begins with `path`. */
int replay_case_run(
    const char *path, FILE *out, bool *passed, struct diags *diags, struct err *err);

#endif
