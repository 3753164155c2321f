#include "daemon/store/history_damage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"

void
history_damage_add(struct history_damage *d,
                   const char *device,
                   int64_t from_ms,
                   int64_t to_ms)
{
    if (device == NULL || (d->spans > 0 && strcmp(d->device, device) != 0)) {
        d->device[0] = '\0';
    } else if (d->spans == 0) {
        snprintf(d->device, sizeof d->device, "%s", device);
    }
    d->from_ms = d->spans == 0 || from_ms < d->from_ms ? from_ms : d->from_ms;
    d->to_ms = d->spans == 0 || to_ms > d->to_ms ? to_ms : d->to_ms;
    d->spans++;
}

void
history_damage_join(struct history_damage *d, const struct history_damage *other)
{
    if (other->spans > 0) {
        history_damage_add(d, other->device[0] != '\0' ? other->device : NULL,
                           other->from_ms, other->to_ms);
        d->spans += other->spans - 1;
    }
}

int
history_damage_set_aside(struct history_damage *d,
                         sqlite3 *db,
                         int64_t from_ms,
                         int64_t to_ms,
                         const char *device,
                         struct err *err)
{
    sqlite3_stmt *row = NULL;
    int step = SQLITE_DONE;
    int rc = db_prepare(db, &row,
                        "SELECT d.id, x.t0, x.t1 FROM damaged x"
                        " LEFT JOIN device d ON d.key = x.device"
                        " WHERE x.t1 >= ?1 AND x.t0 <= ?2"
                        " AND (?3 IS NULL OR x.device IS NULL OR d.id = ?3)"
                        " ORDER BY x.key",
                        err);
    if (rc == 0) {
        sqlite3_bind_int64(row, 1, from_ms);
        sqlite3_bind_int64(row, 2, to_ms);
        sqlite3_bind_text(row, 3, device, -1, SQLITE_STATIC);
    }
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        history_damage_add(d, (const char *)sqlite3_column_text(row, 0),
                           sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2));
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(db, err, "read") : rc;
    sqlite3_finalize(row);
    return rc;
}

void
history_damage_log(const struct history_damage *d, const char *file)
{
    char from[INSTANT_TEXT_BYTES], to[INSTANT_TEXT_BYTES];
    if (d->spans == 0) {
        return;
    }
    log_warning(tr("%s: %" PRIu64 " damaged span(s) left out, %s .. %s, of %s;"
                   " 'caretaker check --history' names them"),
                file, d->spans, instant_format_utc(from, d->from_ms),
                instant_format_utc(to, d->to_ms),
                d->device[0] != '\0' ? d->device : tr("several devices"));
}
