#include "daemon/store/sql_time.h"

#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"

#define DAY_MS INT64_C(86400000)
/* What instant_format_utc() can write. */
#define FIRST_MS INT64_C(-62135596800000)
#define LAST_MS  INT64_C(253402300799999)

/* ---- reading ---- */

struct text {
    const char *at, *end;
};

static bool
is_digit(const struct text *t)
{
    return t->at < t->end && *t->at >= '0' && *t->at <= '9';
}

static bool
digits(struct text *t, int count, int *out)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!is_digit(t)) {
            return false;
        }
        value = value * 10 + (*t->at++ - '0');
    }
    *out = value;
    return true;
}

static bool
one_of(struct text *t, const char *chars)
{
    if (t->at == t->end || *t->at == '\0' || strchr(chars, *t->at) == NULL) {
        return false;
    }
    t->at++;
    return true;
}

static bool
read_date(struct text *t, int64_t *days)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month = 1, day = 1;
    if (!digits(t, 4, &year) || year < 1) {
        return false;
    }
    if (one_of(t, "-") &&
        (!digits(t, 2, &month) || (one_of(t, "-") && !digits(t, 2, &day)))) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1] ||
        (month == 2 && day == 29 && !leap)) {
        return false;
    }
    *days = civil_from_date(year, month, day);
    return true;
}

/* Of a fraction: half microseconds, odd where more digits follow that are not 0. */
static bool
read_fraction(struct text *t, int64_t *halves)
{
    int64_t weight = 200000;
    *halves = 0;
    if (!is_digit(t)) {
        return false;
    }
    for (; is_digit(t); t->at++) {
        int64_t digit = *t->at - '0';
        if (weight > 0) {
            *halves += digit * weight;
            weight = weight == 2 ? 0 : weight / 10;
        } else if (digit != 0) {
            *halves |= 1;
        }
    }
    return true;
}

static bool
read_zone(struct text *t, int64_t *minutes)
{
    int hour, minute = 0;
    *minutes = 0;
    if (one_of(t, "Zz")) {
        return true;
    }
    bool west = t->at < t->end && *t->at == '-';
    if (!one_of(t, "+-")) {
        return true;
    }
    if (!digits(t, 2, &hour)) {
        return false;
    }
    if ((one_of(t, ":") || t->at < t->end) && !digits(t, 2, &minute)) {
        return false;
    }
    *minutes = (west ? -1 : 1) * (hour * 60 + minute);
    return hour <= 23 && minute <= 59;
}

/* In half microseconds; false where it is no instant. */
static bool
read_instant(const char *text, int size, int64_t *out)
{
    struct text t = {text, text + size};
    int hour = 0, minute = 0, second = 0;
    int64_t days, fraction = 0, zone = 0;
    if (!read_date(&t, &days)) {
        return false;
    }
    /* A date of less than a day ends there. */
    if (t.at - text == 10 && one_of(&t, "Tt ")) {
        if (!digits(&t, 2, &hour)) {
            return false;
        }
        if (one_of(&t, ":") && !digits(&t, 2, &minute)) {
            return false;
        }
        if (t.at - text == 16 && one_of(&t, ":") && !digits(&t, 2, &second)) {
            return false;
        }
        if (t.at - text == 19 && one_of(&t, ".,") && !read_fraction(&t, &fraction)) {
            return false;
        }
        if (!read_zone(&t, &zone)) {
            return false;
        }
    }
    if (t.at != t.end || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    int64_t seconds = ((days * 24 + hour) * 60 + minute - zone) * 60 + second;
    *out = seconds * 2000000 + fraction;
    return true;
}

int
sql_time_binary(void *unused, int a_size, const void *a, int b_size, const void *b)
{
    (void)unused;
    int order = memcmp(a, b, (size_t)(a_size < b_size ? a_size : b_size));
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

int
sql_time_collate(void *unused, int a_size, const void *a, int b_size, const void *b)
{
    int64_t left = 0, right = 0;
    bool a_is = read_instant(a, a_size, &left);
    bool b_is = read_instant(b, b_size, &right);
    if (a_is && b_is) {
        return (left > right) - (left < right);
    }
    return a_is ? -1 : b_is ? 1 : sql_time_binary(unused, a_size, a, b_size, b);
}

/* ---- writing ---- */

static void
put(char *at, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--, value /= 10) {
        at[i] = (char)('0' + value % 10);
    }
}

const char *
sql_time_write(struct sql_time_writer *w, int64_t t_ms)
{
    int64_t day = t_ms / DAY_MS - (t_ms % DAY_MS < 0);
    if (w->text[0] == '\0' || day != w->day || t_ms < FIRST_MS || t_ms > LAST_MS) {
        char whole[INSTANT_TEXT_BYTES];
        instant_format_utc(whole, t_ms);
        memcpy(w->text, whole, SQL_TIME_TEXT_SIZE);
        w->text[SQL_TIME_TEXT_SIZE] = '\0';
        w->day = day;
        return w->text;
    }
    int64_t ms = t_ms - day * DAY_MS;
    put(w->text + 11, ms / 3600000, 2);
    put(w->text + 14, ms / 60000 % 60, 2);
    put(w->text + 17, ms / 1000 % 60, 2);
    put(w->text + 20, ms % 1000, 3);
    return w->text;
}

/* ---- ranges ---- */

void
sql_range_none(struct sql_range *r)
{
    *r = (struct sql_range){.from_ms = INT64_MAX, .to_ms = INT64_MIN + 1};
}

static void
not_before(struct sql_range *r, int64_t t_ms)
{
    r->from_ms = t_ms > r->from_ms ? t_ms : r->from_ms;
}

static void
before(struct sql_range *r, int64_t t_ms)
{
    if (t_ms == INT64_MIN) {
        sql_range_none(r);
    } else {
        r->to_ms = t_ms - 1 < r->to_ms ? t_ms - 1 : r->to_ms;
    }
}

/* `at` is the first time that is not less than the value, `above` the first that is
 * greater; `no_above`: none is. */
static void
narrow(struct sql_range *r, char op, int64_t at, int64_t above, bool no_above)
{
    if (no_above && op == '>') {
        sql_range_none(r);
    }
    switch (op) {
    case '=':
        not_before(r, at);
        if (!no_above) {
            before(r, above);
        }
        break;
    case '<':
        before(r, at);
        break;
    case 'l':
        if (!no_above) {
            before(r, above);
        }
        break;
    case 'g':
        not_before(r, at);
        break;
    case '>':
        if (!no_above) {
            not_before(r, above);
        }
        break;
    default:
        break;
    }
}

void
sql_range_integer(struct sql_range *r, char op, int64_t value)
{
    narrow(r, op, value, value == INT64_MAX ? value : value + 1, value == INT64_MAX);
}

void
sql_range_real(struct sql_range *r, char op, double value)
{
    if (value >= 0x1p63) {
        if (op == '=' || op == 'g' || op == '>') {
            sql_range_none(r);
        }
    } else if (value < -0x1p63) {
        if (op == '=' || op == 'l' || op == '<') {
            sql_range_none(r);
        }
    } else {
        int64_t whole = (int64_t)value; /* Towards 0. */
        double back = (double)whole;
        if (back == value) { /* Whole, for a double has no fraction above 2^53. */
            sql_range_integer(r, op, whole);
        } else {
            int64_t at = whole + (value > 0);
            narrow(r, op, at, at, false);
        }
    }
}

/* The first time whose text is not less (`above`: is greater) than this one; LAST_MS +
 * 1 where none is.  All times before FIRST_MS have the text of that. */
static int64_t
first_text(const char *text,
           int size,
           bool above,
           int (*collate)(void *, int, const void *, int, const void *))
{
    int64_t low = FIRST_MS, high = LAST_MS + 1;
    char at[INSTANT_TEXT_BYTES];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int order = collate(NULL, SQL_TIME_TEXT_SIZE, instant_format_utc(at, middle),
                            size, text);
        if (above ? order > 0 : order >= 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void
sql_range_text(struct sql_range *r,
               char op,
               const char *text,
               int size,
               int (*collate)(void *, int, const void *, int, const void *))
{
    int64_t at = first_text(text, size, false, collate);
    int64_t above = first_text(text, size, true, collate);
    /* What is shown as the first or the last time may be before or behind it. */
    at = at == FIRST_MS ? INT64_MIN + 1 : at;
    above = above == FIRST_MS ? INT64_MIN + 1 : above;
    if (at > LAST_MS && (op == '=' || op == 'g' || op == '>')) {
        sql_range_none(r);
    } else if (at > LAST_MS) { /* All are less. */
        return;
    }
    narrow(r, op, at, above, above > LAST_MS);
}
