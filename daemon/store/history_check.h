/* caretaker check --history: can all of history.db be read, and is it what its tables
 * say?  Beside a daemon that may be running; rows are read some at a time, each time as
 * of one moment, so that nobody waits for it. */
#ifndef CARETAKER_STORE_HISTORY_CHECK_H
#define CARETAKER_STORE_HISTORY_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"

enum history_part {
    HISTORY_PART_FILE, /* SQLite's own structure. */
    HISTORY_PART_CHUNK,
    HISTORY_PART_TAIL,
    HISTORY_PART_ROLLUP,
    HISTORY_PART_FRAME,    /* Of schema 1. */
    HISTORY_PART_SET_ASIDE /* Damage that was found before; no finding. */
};

enum history_fault {
    HISTORY_FAULT_STRUCTURE, /* `text` is SQLite's. */
    HISTORY_FAULT_HEAD,      /* Nothing of the row can be read. */
    HISTORY_FAULT_VALUES,    /* Of `point`. */
    HISTORY_FAULT_TIMES,     /* They are not those that the table says. */
    HISTORY_FAULT_COUNT,     /* Of samples. */
    HISTORY_FAULT_NAME,      /* Of a device or point: there is none. */
    HISTORY_FAULT_NUMBERS    /* Of a roll-up: they cannot be. */
};

struct history_finding {
    enum history_part part;
    enum history_fault fault;
    int64_t row;
    const char *device, *point; /* Ids; NULL: not known, or all. */
    int64_t from_ms, to_ms;     /* As the table says; INSTANT_NONE: not known. */
    const char *text;           /* What SQLite says, or why it was set aside; NULL. */
};

struct history_check {
    const char *data_dir;
    void (*found)(void *found_ctx, const struct history_finding *f);
    void *found_ctx;
    /* From 0 to 1, now and then; may be NULL. */
    void (*progress)(void *progress_ctx, double done);
    void *progress_ctx;
};

struct history_verdict {
    uint64_t chunks, tail_rows, rollups, frames;
    uint64_t samples; /* In chunks and the tail. */
    uint64_t bytes;   /* Of the file. */
    uint64_t findings;
    uint64_t set_aside; /* Spans, earlier. */
};

/* ERR_NOT_FOUND: there is no database.  That SQLite cannot read it is a finding. */
int history_check(const struct history_check *check,
                  struct history_verdict *out,
                  struct err *err);

#endif
