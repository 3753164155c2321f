/* Instants and durations as people write them.
 *
 * An instant is UTC milliseconds since 1970.  Local times use the C library's
 * zone data: instant_zone_set() is called once, when the site is loaded. */
#ifndef CARETAKER_BASE_INSTANT_H
#define CARETAKER_BASE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"

#define INSTANT_NONE       INT64_MIN /* "No such moment". */
#define INSTANT_MAX        INT64_MAX /* "Never": the due time of no timer. */
#define INSTANT_TEXT_BYTES 80        /* What the widest integers could take. */

/* True if the zone database knows `name` (tzdata must be installed). */
bool instant_zone_known(const char *name);
/* Makes `name` the zone of every local time of this process. */
void instant_zone_set(const char *name);

/* "2026-03-01T10:14:30.000Z" into `out` of INSTANT_TEXT_BYTES; returns `out`. */
char *instant_format_utc(char *out, int64_t t_ms);
/* "2026-03-01 18:14:30" in the site's zone, for people. */
char *instant_format_local(char *out, int64_t t_ms);

/* RFC 3339, or `YYYY-MM-DD[ HH:MM[:SS[.mmm]]]` (a 'T' is accepted too) in the
 * site's zone.  The whole text is used.  ERR_RANGE names what is accepted. */
int instant_parse(int64_t *out, const char *text, struct err *err);
/* The same, and `now`, and an age such as `-1h`, both relative to `now_ms`. */
int
instant_parse_relative(int64_t *out, const char *text, int64_t now_ms, struct err *err);
/* A time column of a log: what instant_parse takes, or epoch seconds (fraction
 * allowed) or epoch milliseconds (12 digits or more). Fast for runs of near times. */
int instant_parse_log(int64_t *out, const char *text, struct err *err);

/* `300ms 5s 10m 2h 15d 2y` (a year is 365 d) to milliseconds; 0 is "0s". */
int duration_parse(int64_t *out_ms, const char *text, struct err *err);
/* "30m", "2h", "1h 5m": the two largest units, for people. */
/* "ms", "s", ... and how long each is; NULL behind the last. */
const char *duration_unit(size_t index, int64_t *ms);
char *duration_format(char *out, int64_t ms); /* `out` of INSTANT_TEXT_BYTES */
/* "1500ms", "90s", "1m": exactly, as duration_parse() reads it; `ms` >= 0. */
char *duration_write(char *out, int64_t ms); /* `out` of INSTANT_TEXT_BYTES */

#endif
