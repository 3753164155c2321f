/* Times in SQL: texts that compare as the instants they name.  Pure.
 *
 * Columns of times are RFC 3339 in UTC with milliseconds, and have the collation
 * INSTANT.  A text is an instant if it is
 *
 *   YYYY[-MM[-DD[(T| )HH[:MM[:SS[.fraction]]][Z|(+|-)HH[[:]MM]]]]]
 *
 * What is left out is the first that it could be, without a zone it is UTC, as with
 * SQLite's datetime(); of the fraction six digits and whether there are more count.
 * Texts that are no instant stand behind all that are, in order of their bytes. */
#ifndef CARETAKER_STORE_SQL_TIME_H
#define CARETAKER_STORE_SQL_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQL_TIME_COLLATION  "INSTANT"
#define SQL_TIME_TEXT_BYTES 25 /* "2026-03-01T10:14:30.000Z" and the NUL. */
#define SQL_TIME_TEXT_SIZE  (SQL_TIME_TEXT_BYTES - 1)

/* The two texts by that collation, as sqlite3_create_collation() wants it. */
int sql_time_collate(void *, int a_size, const void *a, int b_size, const void *b);
/* The same by their bytes: SQLite's BINARY. */
int sql_time_binary(void *, int a_size, const void *a, int b_size, const void *b);

/* Writes times, fast where one is near to the one before.  Zero-initialised is ready.
 * Times before year 1 and behind year 9999 are shown as the first and the last. */
struct sql_time_writer {
    int64_t day; /* Since 1970; of `text`, once that is set. */
    char text[SQL_TIME_TEXT_BYTES];
};
const char *sql_time_write(struct sql_time_writer *w, int64_t t_ms);

/* The times, UTC ms, both included, that a query can be about. */
struct sql_range {
    int64_t from_ms, to_ms;
};
#define SQL_RANGE_ALL ((struct sql_range){INT64_MIN + 1, INT64_MAX})

/* `=`, `<`, `g` for >=, `l` for <=, `>`: takes out of the range the times that do not
 * stand so to the value, and no others. */
void sql_range_integer(struct sql_range *r, char op, int64_t value);
void sql_range_real(struct sql_range *r, char op, double value);
/* The same by the texts of the times and a collation above. */
void sql_range_text(struct sql_range *r,
                    char op,
                    const char *text,
                    int size,
                    int (*collate)(void *, int, const void *, int, const void *));
void sql_range_none(struct sql_range *r);
static inline bool
sql_range_is_empty(const struct sql_range *r)
{
    return r->from_ms > r->to_ms;
}

#endif
