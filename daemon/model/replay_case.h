/* A case: a log, what people do meanwhile, and what must (or must never) come of it. */
#ifndef CARETAKER_MODEL_REPLAY_CASE_H
#define CARETAKER_MODEL_REPLAY_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/diag.h"
#include "daemon/model/command.h"
#include "daemon/model/event.h"

/* A moment of a case: a full instant, with its zone or in the site's, a time of day of
 * the log's first day (in the site's zone), or an age from the first row. */
enum case_time_kind {
    CASE_TIME_NONE,
    CASE_TIME_INSTANT,
    CASE_TIME_LOCAL,
    CASE_TIME_OF_DAY,
    CASE_TIME_AGE
};
struct case_time {
    enum case_time_kind kind;
    int64_t ms; /* UTC ms; what the site's clocks show, as if that were UTC; ms since
                 * local midnight; ms since the first row. */
};

struct case_expect {
    bool never;
    struct case_time at; /* CASE_TIME_NONE: at any time. */
    int64_t within_ms;   /* Either side of `at`; 0: to the millisecond. */
    enum event_kind event;
    const char *device, *rule; /* NULL: any. */
    int64_t ticket;            /* 0: any. */
    int64_t episode;           /* 0: any. */
    bool has_value;            /* Otherwise any. */
    double value;
    const char *severity;           /* Severity or priority; NULL: any. */
    const char *deadline;           /* NULL: any. */
    const char *plan;               /* Of a visit; NULL: any. */
    const char *kind;               /* Of a ticket that is opened; NULL: any. */
    const char *assignee, *to, *by; /* People; NULL: any. */
    const char *team, *category;    /* NULL: any. */
    const char *cause;              /* Closing code; NULL: any. */
    enum pause pause;               /* PAUSE_NONE: any. */
    enum proof proof;               /* PROOF_NONE: any. */
    int64_t level, step, rating;    /* 0: any. */
    int64_t minutes, cost;          /* 0: any. */
    struct loc loc;
};

struct case_command {
    struct case_time at;
    struct case_time until; /* Of what it hides; CASE_TIME_NONE: not given. */
    struct command command; /* t_ms and until_ms are filled by replay. */
    struct loc loc;
};

struct case_sample { /* Inline `samples:`. */
    struct case_time at;
    const char *device, *point;
    double value;
    enum quality quality;
    struct loc loc;
};

struct replay_case {
    struct arena *arena; /* Owns everything below, and this. */
    const char *title;
    const char *site_file;   /* Resolved against the case file's folder. */
    const char *const *logs; /* Resolved; may be empty when there are inline samples. */
    uint32_t log_count;
    const char *map_file;              /* May be NULL. */
    const struct case_sample *samples; /* In order of time. */
    uint32_t sample_count;
    const struct case_expect *expects;
    uint32_t expect_count;
    const struct case_command *commands; /* In order of time. */
    uint32_t command_count;
    struct case_time until; /* CASE_TIME_NONE: the last row. */
};

void replay_case_free(struct replay_case *c);

/* How a foreign CSV maps to our points (`--map`). */
struct log_map_column {
    const char *column;
    const char *device, *point; /* "pump-1", "motor_temp" */
};
struct log_map {
    struct arena *arena;
    const char *time_column;
    const char *time_format; /* strptime format; NULL: as in our own logs. */
    const char *timezone;    /* NULL: the site's. */
    const struct log_map_column *columns;
    uint32_t column_count;
};
void log_map_free(struct log_map *m);

#endif
