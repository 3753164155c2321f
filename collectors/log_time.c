#include "collectors/log_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/instant.h"

#define QUARTER_MS 900000 /* Zones change their offset on a quarter of an hour. */

int
log_time_init(struct log_time *t, const struct log_map *map, struct err *err)
{
    memset(t, 0, sizeof *t);
    t->quarter = INT64_MIN;
    if (map == NULL) {
        return 0;
    }
    t->format = map->time_format;
    t->timezone = map->timezone;
    if (t->timezone != NULL && !instant_zone_known(t->timezone)) {
        return err_set(
            err, ERR_CONFIG,
            "timezone '%s' is not known; UTC or a name such as Asia/Shanghai is",
            t->timezone);
    }
    if (t->format != NULL) {
        t->is_epoch = strstr(t->format, "%s") != NULL;
        t->has_offset = strstr(t->format, "%z") != NULL;
    }
    return 0;
}

/* mktime() in another zone than the program's, which is put back. */
static int64_t
local_seconds(struct tm *tm, const char *zone)
{
    const char *own = getenv("TZ");
    char kept[256];
    int64_t seconds;

    tm->tm_isdst = -1;
    if (zone == NULL || (own != NULL && strcmp(own, zone) == 0)) {
        return mktime(tm);
    }
    snprintf(kept, sizeof kept, "%s", own != NULL ? own : "");
    setenv("TZ", zone, 1);
    tzset();
    seconds = mktime(tm);
    if (own != NULL) {
        setenv("TZ", kept, 1);
    } else {
        unsetenv("TZ");
    }
    tzset();
    return seconds;
}

/* From a local time, counted as if it were UTC, to UTC. */
static int64_t
to_utc(struct log_time *t, int64_t civil_ms)
{
    int64_t quarter = civil_ms / QUARTER_MS - (civil_ms % QUARTER_MS < 0);

    if (t->timezone != NULL && strcmp(t->timezone, "UTC") == 0) {
        return civil_ms;
    }
    if (quarter != t->quarter) {
        time_t start = (time_t)(quarter * (QUARTER_MS / 1000));
        struct tm tm;

        gmtime_r(&start, &tm);
        t->offset_ms = ((int64_t)start - local_seconds(&tm, t->timezone)) * 1000;
        t->quarter = quarter;
    }
    return civil_ms - t->offset_ms;
}

/* ".25" behind the seconds, which strptime() does not know.  False when it is none. */
static bool
fraction_ms(int64_t *out, const char *text)
{
    int weight = 100;

    *out = 0;
    if (*text == '\0') {
        return true;
    }
    if ((*text != '.' && *text != ',') || text[1] == '\0') {
        return false;
    }
    for (text++; *text >= '0' && *text <= '9'; text++) {
        *out += (*text - '0') * weight;
        weight /= 10;
    }
    return *text == '\0';
}

static bool
read_format(struct log_time *t, const char *text, int64_t *out_ms)
{
    struct tm tm = {.tm_year = 70, .tm_mday = 1};
    const char *rest = strptime(text, t->format, &tm);
    int64_t ms, civil_ms;
    long offset_s = tm.tm_gmtoff;
    int day = tm.tm_mday;

    if (rest == NULL || !fraction_ms(&ms, rest)) {
        return false;
    }
    if (t->is_epoch) {
        *out_ms = local_seconds(&tm, NULL) * 1000 + ms;
        return true;
    }
    civil_ms = (int64_t)timegm(&tm) * 1000 + ms;
    if (tm.tm_mday != day) {
        return false; /* 31 April was carried on to 1 May. */
    }
    *out_ms = t->has_offset ? civil_ms - offset_s * 1000 : to_utc(t, civil_ms);
    return true;
}

/* Our own forms in the zone of a map: with a Z behind it a local time reads as UTC, and
 * what has a zone of its own already does not read at all. */
static int
read_in_zone(struct log_time *t, const char *text, int64_t *out_ms, struct err *err)
{
    char as_utc[LOG_TIME_BYTES + 1];
    int64_t civil_ms;

    snprintf(as_utc, sizeof as_utc, "%sZ", text);
    if (instant_parse(&civil_ms, as_utc, NULL) == 0) {
        *out_ms = to_utc(t, civil_ms);
        return 0;
    }
    return instant_parse_log(out_ms, text, err);
}

int
log_time_read(
    struct log_time *t, const char *text, size_t size, int64_t *out_ms, struct err *err)
{
    int status = 0;
    int64_t ms;

    if (size == t->last_size && size > 0 && memcmp(text, t->last, size) == 0) {
        *out_ms = t->last_ms;
        return 0;
    }
    if (size >= sizeof t->last) {
        return err_set(err, ERR_RANGE, "\"%.20s...\" is no time", text);
    }
    if (t->format != NULL) {
        if (!read_format(t, text, &ms)) {
            return err_set(err, ERR_RANGE,
                           "\"%s\" is no time of the map's format \"%s\"", text,
                           t->format);
        }
    } else if (t->timezone != NULL) {
        status = read_in_zone(t, text, &ms, err);
    } else {
        status = instant_parse_log(&ms, text, err);
    }
    if (status == 0) {
        memcpy(t->last, text, size);
        t->last_size = size;
        t->last_ms = ms;
        *out_ms = ms;
    }
    return status;
}
