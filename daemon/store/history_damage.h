/* What a reading of the history met that could not be read: how many spans, and where.
 * What is whole of a damaged row is given all the same.  Spans that the writer has set
 * aside (history_schema.h) belong to it. */
#ifndef CARETAKER_STORE_HISTORY_DAMAGE_H
#define CARETAKER_STORE_HISTORY_DAMAGE_H

#include <sqlite3.h>
#include <stdint.h>

#include "daemon/base/err.h"

#define HISTORY_DAMAGE_NAME_BYTES 64

/* Zero-initialised there are none. */
struct history_damage {
    uint64_t spans;
    int64_t from_ms, to_ms; /* From the first to the last of them, UTC ms. */
    char device[HISTORY_DAMAGE_NAME_BYTES]; /* Of the first; empty: of several. */
};

/* `device` NULL: it is not known whose. */
void history_damage_add(struct history_damage *d,
                        const char *device,
                        int64_t from_ms,
                        int64_t to_ms);
void history_damage_join(struct history_damage *d, const struct history_damage *other);
/* Adds what was set aside of [from_ms, to_ms]; `device` NULL: of all. */
int history_damage_set_aside(struct history_damage *d,
                             sqlite3 *db,
                             int64_t from_ms,
                             int64_t to_ms,
                             const char *device,
                             struct err *err);
/* One line in the log, if there is any; `file` is what was read. */
void history_damage_log(const struct history_damage *d, const char *file);

#endif
