#include "daemon/base/civil.h"

#include <stdio.h>
#include <time.h>

#define DAY_S     86400
#define MINUTE_S  60
#define ERA_DAYS  146097 /* 400 years of the Gregorian calendar. */
#define EPOCH_DAY 719468 /* 1970-01-01, counted from 0000-03-01. */

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* How far the wall is ahead of UTC. */
static int64_t
offset_s(int64_t t_s)
{
    time_t t = (time_t)t_s;
    struct tm tm;
    return localtime_r(&t, &tm) != NULL ? tm.tm_gmtoff : 0;
}

/* Seconds since 1970-01-01 00:00 of the wall. */
static int64_t
wall_s(int64_t t_ms)
{
    int64_t t_s = floor_div(t_ms, 1000);
    return t_s + offset_s(t_s);
}

int32_t
civil_day(int64_t t_ms)
{
    return (int32_t)floor_div(wall_s(t_ms), DAY_S);
}

int
civil_minute(int64_t t_ms)
{
    int64_t wall = wall_s(t_ms);
    return (int)((wall - floor_div(wall, DAY_S) * DAY_S) / MINUTE_S);
}

/* The first second from `low` on (exclusive) to `high` at which the offset is no longer
 * that of `low`. */
static int64_t
change_s(int64_t low, int64_t high)
{
    int64_t before = offset_s(low);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (offset_s(middle) == before) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

/* Not mktime(): what it makes of a time that does not exist depends on what it was
 * asked before.  No zone changes its offset twice within two days. */
int64_t
civil_instant(int32_t day, int minute)
{
    int64_t wall = (int64_t)day * DAY_S + (int64_t)minute * MINUTE_S;
    int64_t before = offset_s(wall - DAY_S);
    int64_t after = offset_s(wall + DAY_S);
    if (before == after || offset_s(wall - before) == before) {
        return (wall - before) * 1000;
    }
    if (offset_s(wall - after) == after) {
        return (wall - after) * 1000;
    }
    return change_s(wall - DAY_S, wall + DAY_S) * 1000;
}

int
civil_weekday(int32_t day)
{
    /* 1970-01-01 was a Thursday. */
    return (int)(((int64_t)day % 7 + 7 + 3) % 7);
}

/* Counted in eras of 400 years that begin on 1 March, so that the leap day comes last.
 */
int32_t
civil_from_date(int year, int month, int mday)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + mday - 1;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)(era * ERA_DAYS + day_of_era - EPOCH_DAY);
}

void
civil_date(int32_t day, int *year, int *month, int *mday)
{
    int64_t days = (int64_t)day + EPOCH_DAY;
    int64_t era = floor_div(days, ERA_DAYS);
    int64_t of_era = days - era * ERA_DAYS;
    int64_t year_of_era =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year =
        of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * of_year + 2) / 153;
    *mday = (int)(of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

bool
civil_parse_date(int32_t *out, const char *text)
{
    int part[3] = {0};
    int at = 0;
    for (int i = 0; i < 10; i++) {
        if (i == 4 || i == 7) {
            if (text[i] != '-') {
                return false;
            }
            at++;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        part[at] = part[at] * 10 + (text[i] - '0');
    }
    if (text[10] != '\0' || part[0] < 1 || part[1] < 1 || part[1] > 12 || part[2] < 1) {
        return false;
    }
    int32_t day = civil_from_date(part[0], part[1], part[2]);
    int year = 0;
    int month = 0;
    int mday = 0;
    civil_date(day, &year, &month, &mday);
    if (month != part[1]) {
        return false; /* 30 February is 1 or 2 March. */
    }
    *out = day;
    return true;
}

char *
civil_format(char *out, int32_t day)
{
    int year = 0;
    int month = 0;
    int mday = 0;
    civil_date(day, &year, &month, &mday);
    snprintf(out, CIVIL_TEXT_BYTES, "%04d-%02d-%02d", year, month, mday);
    return out;
}
