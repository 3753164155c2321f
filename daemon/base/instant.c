#include "daemon/base/instant.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"

#define DAY_MS  86400000
#define YEAR_MS (365LL * DAY_MS)
/* Years 0001 to 9999 can be written; beyond them nothing is an instant. */
#define INSTANT_FIRST_MS (-62135596800000LL)
#define INSTANT_LAST_MS  253402300799999LL

static const char INSTANT_FORMS[] = N_("an instant is 2026-03-01T10:14:30Z, or "
                                       "2026-03-01[ 10:14[:30]] in the site's zone");

bool
instant_zone_known(const char *name)
{
    if (name[0] == '\0' || name[0] == '/' || strstr(name, "..") != NULL) {
        return false;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("_-+/", *c) == NULL) {
            return false;
        }
    }
    char path[256];
    int n = snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    struct stat st;
    return n > 0 && n < (int)sizeof path && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

void
instant_zone_set(const char *name)
{
    const char *now = getenv("TZ");
    /* Other threads may be reading it: it is left alone while it is right. */
    if (now == NULL || strcmp(now, name) != 0) {
        setenv("TZ", name, 1);
        tzset();
    }
}

char *
instant_format_utc(char *out, int64_t t_ms)
{
    int64_t clipped = t_ms < INSTANT_FIRST_MS  ? INSTANT_FIRST_MS
                      : t_ms > INSTANT_LAST_MS ? INSTANT_LAST_MS
                                               : t_ms;
    int64_t ms = ((clipped % 1000) + 1000) % 1000;
    time_t seconds = (time_t)((clipped - ms) / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    snprintf(out, INSTANT_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
             tm.tm_sec, (int)ms);
    return out;
}

char *
instant_format_local(char *out, int64_t t_ms)
{
    time_t seconds = (time_t)(t_ms / 1000 - (t_ms % 1000 < 0));
    struct tm tm;
    if (localtime_r(&seconds, &tm) == NULL) {
        return instant_format_utc(out, t_ms);
    }
    snprintf(out, INSTANT_TEXT_BYTES, "%04d-%02d-%02d %02d:%02d:%02d",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
             tm.tm_sec);
    return out;
}

struct scan {
    const char *at;
};

/* `digits` decimal digits, exactly. */
static bool
scan_digits(struct scan *s, int digits, int *out)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (s->at[i] < '0' || s->at[i] > '9') {
            return false;
        }
        value = value * 10 + (s->at[i] - '0');
    }
    s->at += digits;
    *out = value;
    return true;
}

static bool
scan_char(struct scan *s, char c)
{
    if (*s->at != c) {
        return false;
    }
    s->at++;
    return true;
}

/* ".123": milliseconds; further digits are cut. */
static bool
scan_fraction(struct scan *s, int *ms)
{
    *ms = 0;
    if (*s->at != '.' && *s->at != ',') {
        return true;
    }
    s->at++;
    if (*s->at < '0' || *s->at > '9') {
        return false;
    }
    for (int weight = 100; *s->at >= '0' && *s->at <= '9'; s->at++, weight /= 10) {
        *ms += (*s->at - '0') * weight;
    }
    return true;
}

struct civil {
    int year, month, day, hour, minute, second, ms;
};

static int
month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool
scan_civil(struct scan *s, struct civil *c)
{
    memset(c, 0, sizeof *c);
    if (!scan_digits(s, 4, &c->year) || !scan_char(s, '-') ||
        !scan_digits(s, 2, &c->month) || !scan_char(s, '-') ||
        !scan_digits(s, 2, &c->day)) {
        return false;
    }
    if (c->year < 1 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > month_days(c->year, c->month)) {
        return false;
    }
    if (*s->at != 'T' && *s->at != 't' && *s->at != ' ') {
        return true;
    }
    s->at++;
    if (!scan_digits(s, 2, &c->hour) || !scan_char(s, ':') ||
        !scan_digits(s, 2, &c->minute)) {
        return false;
    }
    if (scan_char(s, ':') &&
        (!scan_digits(s, 2, &c->second) || !scan_fraction(s, &c->ms))) {
        return false;
    }
    return c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

static int64_t
civil_to_utc(const struct civil *c)
{
    int64_t days = civil_from_date(c->year, c->month, c->day);
    return ((days * 24 + c->hour) * 60 + c->minute) * 60000LL + c->second * 1000LL +
           c->ms;
}

/* Local time in the site's zone.  The offset found for an hour is kept by the caller's
 * thread: logs run through near times, and mktime() is slow. */
static int64_t
civil_to_local(const struct civil *c)
{
    static _Thread_local int64_t cached_hour = INT64_MIN;
    static _Thread_local int64_t cached_offset_ms;
    static _Thread_local char cached_zone[64];
    int64_t as_utc = civil_to_utc(c);
    int64_t hour = as_utc / 3600000;
    const char *zone = getenv("TZ");
    zone = zone != NULL ? zone : "";
    if (hour != cached_hour ||
        strncmp(zone, cached_zone, sizeof cached_zone - 1) != 0) {
        struct tm tm = {.tm_year = c->year - 1900,
                        .tm_mon = c->month - 1,
                        .tm_mday = c->day,
                        .tm_hour = c->hour,
                        .tm_min = 0,
                        .tm_sec = 0,
                        .tm_isdst = -1};
        int64_t on_the_hour = as_utc - c->minute * 60000LL - c->second * 1000LL - c->ms;
        cached_offset_ms = on_the_hour - (int64_t)mktime(&tm) * 1000;
        cached_hour = hour;
        snprintf(cached_zone, sizeof cached_zone, "%s", zone);
    }
    return as_utc - cached_offset_ms;
}

/* The zone after a time: 'Z', +08:00, -0330, or none (local). */
static bool
scan_zone(struct scan *s, bool *local, int64_t *offset_ms)
{
    *local = false;
    *offset_ms = 0;
    if (*s->at == '\0') {
        *local = true;
        return true;
    }
    if (*s->at == 'Z' || *s->at == 'z') {
        s->at++;
        return *s->at == '\0';
    }
    if (*s->at != '+' && *s->at != '-') {
        return false;
    }
    int sign = *s->at++ == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    if (!scan_digits(s, 2, &hours)) {
        return false;
    }
    (void)scan_char(s, ':');
    if (!scan_digits(s, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *offset_ms = sign * (hours * 60 + minutes) * 60000LL;
    return *s->at == '\0';
}

static bool
parse_civil(int64_t *out, const char *text)
{
    struct scan s = {text};
    struct civil c;
    bool local = false;
    int64_t offset_ms = 0;
    if (!scan_civil(&s, &c) || !scan_zone(&s, &local, &offset_ms)) {
        return false;
    }
    *out = local ? civil_to_local(&c) : civil_to_utc(&c) - offset_ms;
    return true;
}

int
instant_parse(int64_t *out, const char *text, struct err *err)
{
    if (!parse_civil(out, text)) {
        return err_set(err, ERR_RANGE, "\"%.60s\" is no instant; %s", text,
                       tr(INSTANT_FORMS));
    }
    return 0;
}

int
instant_parse_relative(int64_t *out, const char *text, int64_t now_ms, struct err *err)
{
    if (strcmp(text, "now") == 0) {
        *out = now_ms;
        return 0;
    }
    if (text[0] == '-' || text[0] == '+') {
        int64_t age_ms = 0;
        if (duration_parse(&age_ms, text + 1, err) != 0) {
            return err_wrap(err, "\"%.60s\"", text);
        }
        *out = text[0] == '-' ? now_ms - age_ms : now_ms + age_ms;
        return 0;
    }
    if (!parse_civil(out, text)) {
        return err_set(err, ERR_RANGE,
                       "\"%.60s\" is no instant; %s, `now`, or an age such as -1h",
                       text, tr(INSTANT_FORMS));
    }
    return 0;
}

/* Digits with an optional fraction: seconds, or milliseconds from 12 digits on. */
static bool
parse_epoch(int64_t *out, const char *text)
{
    const char *at = text;
    bool negative = *at == '-';
    at += negative;
    int64_t whole = 0;
    int digits = 0;
    for (; *at >= '0' && *at <= '9'; at++, digits++) {
        if (digits >= 15) {
            return false;
        }
        whole = whole * 10 + (*at - '0');
    }
    if (digits == 0) {
        return false;
    }
    struct scan s = {at};
    int ms = 0;
    if (!scan_fraction(&s, &ms) || *s.at != '\0') {
        return false;
    }
    int64_t value = digits >= 12 ? whole : whole * 1000 + ms;
    if (value > INSTANT_LAST_MS) {
        return false;
    }
    *out = negative ? -value : value;
    return true;
}

int
instant_parse_log(int64_t *out, const char *text, struct err *err)
{
    if (parse_civil(out, text) || parse_epoch(out, text)) {
        return 0;
    }
    return err_set(err, ERR_RANGE,
                   "\"%.60s\" is no time; %s, or epoch seconds or milliseconds", text,
                   tr(INSTANT_FORMS));
}

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"ms", 1},      {"s", 1000},   {"m", 60000},
             {"h", 3600000}, {"d", DAY_MS}, {"y", YEAR_MS}};

int
duration_parse(int64_t *out_ms, const char *text, struct err *err)
{
    char *end = NULL;
    if (text[0] >= '0' && text[0] <= '9') {
        int64_t count = strtoll(text, &end, 10);
        for (size_t i = 0; i < ARRAY_LEN(units); i++) {
            if (strcmp(end, units[i].name) == 0) {
                if (count > INSTANT_LAST_MS / units[i].ms) {
                    return err_set(err, ERR_RANGE, "\"%.40s\" is too long", text);
                }
                *out_ms = count * units[i].ms;
                return 0;
            }
        }
    }
    return err_set(err, ERR_RANGE,
                   "\"%.40s\" is no duration; write 300ms, 5s, 10m, 2h, 15d or 2y",
                   text);
}

const char *
duration_unit(size_t index, int64_t *ms)
{
    if (index >= ARRAY_LEN(units)) {
        return NULL;
    }
    *ms = units[index].ms;
    return units[index].name;
}

char *
duration_format(char *out, int64_t ms)
{
    const char *sign = ms < 0 ? "-" : "";
    int64_t rest = ms < 0 ? -ms : ms;
    for (size_t i = ARRAY_LEN(units); i-- > 1;) {
        int64_t count = rest / units[i].ms;
        if (count == 0) {
            continue;
        }
        /* Beside seconds, milliseconds are not worth a word. */
        int64_t next = i > 1 ? (rest % units[i].ms) / units[i - 1].ms : 0;
        if (next > 0) {
            snprintf(out, INSTANT_TEXT_BYTES, "%s%" PRId64 "%s %" PRId64 "%s", sign,
                     count, units[i].name, next, units[i - 1].name);
        } else {
            snprintf(out, INSTANT_TEXT_BYTES, "%s%" PRId64 "%s", sign, count,
                     units[i].name);
        }
        return out;
    }
    snprintf(out, INSTANT_TEXT_BYTES, "%s%" PRId64 "%s", sign, rest,
             rest == 0 ? "s" : "ms");
    return out;
}

char *
duration_write(char *out, int64_t ms)
{
    size_t i = ARRAY_LEN(units) - 1;
    assert(ms >= 0);
    while (i > 0 && (ms < units[i].ms || ms % units[i].ms != 0)) {
        i--;
    }
    snprintf(out, INSTANT_TEXT_BYTES, "%" PRId64 "%s", ms / units[i].ms, units[i].name);
    return out;
}
