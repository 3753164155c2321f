/* The time column of a log. */
#ifndef CARETAKER_COLLECTORS_LOG_TIME_H
#define CARETAKER_COLLECTORS_LOG_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/replay_case.h"

#define LOG_TIME_BYTES 64 /* The longest time that is accepted, with its NUL. */

/* One a file: rows of one time stand together, so the last time read is kept. */
struct log_time {
    const char *format;   /* strptime; NULL: as in our own logs. */
    const char *timezone; /* NULL: the site's. */
    bool is_epoch;        /* The format has %s. */
    bool has_offset;      /* It has %z. */
    char last[LOG_TIME_BYTES];
    size_t last_size;
    int64_t last_ms;
    int64_t quarter; /* The quarter of an hour, local time, that offset_ms is of. */
    int64_t offset_ms;
};

/* `map` may be NULL; it is borrowed as long as `t` is used. */
int log_time_init(struct log_time *t, const struct log_map *map, struct err *err);
int log_time_read(struct log_time *t,
                  const char *text,
                  size_t size,
                  int64_t *out_ms,
                  struct err *err);

#endif
