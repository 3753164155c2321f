/* Days and minutes as the clock on the wall shows them, in the zone that
 * instant_zone_set() made that of the process.
 *
 * A day is the number of days since 1970-01-01 of the calendar on the wall, a minute
 * counts from its midnight.  Right where the clock is put forward or back, at midnight
 * too, for every instant of 1970 to 2200. */
#ifndef CARETAKER_BASE_CIVIL_H
#define CARETAKER_BASE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#define CIVIL_TEXT_BYTES  40 /* What the widest integers could take. */
#define CIVIL_DAY_MINUTES 1440

/* The day that instant t_ms is on, and the minute that has begun. */
int32_t civil_day(int64_t t_ms);
int civil_minute(int64_t t_ms);

/* The first instant at which the wall shows this day and minute.  One that the wall
 * skips is the first instant behind the gap.  Minutes below 0 and from 1440 on are
 * those of the days before and after. */
int64_t civil_instant(int32_t day, int minute);

int civil_weekday(int32_t day); /* 0 is Monday. */
void civil_date(int32_t day, int *year, int *month, int *mday);
/* Of a date of the Gregorian calendar; month and day count from 1. */
int32_t civil_from_date(int year, int month, int mday);

/* YYYY-MM-DD, the whole text, of a date that exists. */
bool civil_parse_date(int32_t *out, const char *text);
char *civil_format(char *out, int32_t day); /* `out` of CIVIL_TEXT_BYTES */

#endif
