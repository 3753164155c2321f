#include "daemon/model/ledger.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

#define DAY_MS          INT64_C(86400000)
#define DESIGN_LIFE_MAX (200 * 365 * DAY_MS)
#define HUNDREDTHS      100
#define NUMBER_DIGITS   15 /* Below both limits' squares: never an overflow. */
#define YEAR_LEAST      1900
#define YEAR_MOST       2200

#define TEXT_ACCEPTED  N_("one line of text is accepted")
#define DAY_ACCEPTED   N_("a day such as 2019-06-01 is accepted")
#define COUNT_ACCEPTED N_("a whole number from 1 to 1000000000 is accepted")

static const struct {
    const char *name, *accepted;
} keys[LEDGER_KEY_COUNT] = {
    [LEDGER_MAKER] = {"maker", TEXT_ACCEPTED},
    [LEDGER_MODEL] = {"model", TEXT_ACCEPTED},
    [LEDGER_SPECIFICATION] = {"specification", TEXT_ACCEPTED},
    [LEDGER_SERIAL] = {"serial", TEXT_ACCEPTED},
    [LEDGER_SUPPLIER] = {"supplier", TEXT_ACCEPTED},
    [LEDGER_INSTALLED] = {"installed", DAY_ACCEPTED},
    [LEDGER_DESIGN_LIFE] = {"design_life",
                            N_("a duration from 1d to 200y such as 15y is accepted")},
    [LEDGER_DESIGN_HOURS] = {"design_hours", COUNT_ACCEPTED},
    [LEDGER_DESIGN_STARTS] = {"design_starts", COUNT_ACCEPTED},
    [LEDGER_WARRANTY_UNTIL] = {"warranty_until", DAY_ACCEPTED},
    [LEDGER_PRICE] = {"price", N_("an amount such as 12500 or 12500.50 is accepted")},
    [LEDGER_AREA] = {"area", TEXT_ACCEPTED},
    [LEDGER_KEEPER] = {"keeper", N_("the id of a person is accepted")},
};

const char *
ledger_key_name(enum ledger_key k)
{
    assert(k < LEDGER_KEY_COUNT);
    return keys[k].name;
}

const char *
ledger_key_accepted(enum ledger_key k)
{
    assert(k < LEDGER_KEY_COUNT);
    return tr(keys[k].accepted);
}

bool
ledger_key_parse(enum ledger_key *out, const char *text)
{
    for (int i = 0; i < LEDGER_KEY_COUNT; i++) {
        if (strcmp(keys[i].name, text) == 0) {
            *out = (enum ledger_key)i;
            return true;
        }
    }
    return false;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int
ledger_text_read(char *out, size_t out_size, const char *text, struct err *err)
{
    const char *from = text != NULL ? text : "";
    while (is_blank(*from)) {
        from++;
    }
    size_t size = strlen(from);
    while (size > 0 && is_blank(from[size - 1])) {
        size--;
    }
    if (size >= out_size) {
        return err_set(err, ERR_RANGE, "%zu bytes long; up to %zu are accepted", size,
                       out_size - 1);
    }
    for (size_t at = 0, step; at < size; at += step) {
        step = utf8_size(from + at, size - at);
        if (step == 0) {
            return err_set(err, ERR_RANGE, "no UTF-8; " TEXT_ACCEPTED);
        }
        if (utf8_is_control(from + at, size - at)) {
            return err_set(
                err, ERR_RANGE,
                "a line end or another control character inside; " TEXT_ACCEPTED);
        }
    }
    memcpy(out, from, size);
    out[size] = '\0';
    return 0;
}

/* Up to `most` digits; returns how many there were. */
static size_t
read_digits(int64_t *out, const char *text, size_t most)
{
    size_t count = 0;
    *out = 0;
    for (; count < most && text[count] >= '0' && text[count] <= '9'; count++) {
        *out = *out * 10 + (text[count] - '0');
    }
    return count;
}

/* "2019-06-01", "2019/6/1", "2019.6.1" */
static bool
read_day(char out[LEDGER_DATE_BYTES], const char *text)
{
    int64_t part[3];
    char separator = '\0';
    for (int i = 0; i < 3; i++) {
        size_t most = i == 0 ? 4 : 2;
        size_t count = read_digits(&part[i], text, most);
        if (count == 0 || (i == 0 && count != most)) {
            return false;
        }
        text += count;
        if (i == 0) {
            separator = *text;
        }
        if (i < 2 && (*text != separator || strchr("-/.", separator) == NULL ||
                      separator == '\0')) {
            return false;
        }
        text += i < 2;
    }
    char day[2 * LEDGER_DATE_BYTES + 8];
    int32_t number;
    if (*text != '\0' || part[0] < YEAR_LEAST || part[0] > YEAR_MOST) {
        return false;
    }
    snprintf(day, sizeof day, "%04d-%02d-%02d", (int)part[0], (int)part[1],
             (int)part[2]);
    if (!civil_parse_date(&number, day)) {
        return false;
    }
    memcpy(out, day, LEDGER_DATE_BYTES);
    return true;
}

int
ledger_day_read(char out[LEDGER_DATE_BYTES], const char *text, struct err *err)
{
    char line[LEDGER_TEXT_BYTES];
    int code = ledger_text_read(line, sizeof line, text, err);
    if (code == 0 && line[0] == '\0') {
        out[0] = '\0';
    } else if (code == 0 && !read_day(out, line)) {
        code = err_set(err, ERR_RANGE, "\"%.40s\" is no day; " DAY_ACCEPTED, line);
    }
    return code;
}

static bool
read_count(char out[LEDGER_TEXT_BYTES], const char *text)
{
    int64_t value;
    size_t count = read_digits(&value, text, NUMBER_DIGITS);
    if (count == 0 || text[count] != '\0' || value < 1 || value > LEDGER_DESIGN_MAX) {
        return false;
    }
    snprintf(out, LEDGER_TEXT_BYTES, "%lld", (long long)value);
    return true;
}

static void
write_price(char out[LEDGER_TEXT_BYTES], int64_t hundredths)
{
    snprintf(out, LEDGER_TEXT_BYTES, "%lld.%02lld",
             (long long)(hundredths / HUNDREDTHS),
             (long long)(hundredths % HUNDREDTHS));
}

static bool
read_price(char out[LEDGER_TEXT_BYTES], const char *text)
{
    int64_t whole;
    int64_t part = 0;
    size_t count = read_digits(&whole, text, NUMBER_DIGITS);
    if (count == 0) {
        return false;
    }
    text += count;
    if (*text == '.') {
        size_t digits = read_digits(&part, text + 1, 2);
        if (digits == 0) {
            return false;
        }
        part *= digits == 1 ? 10 : 1;
        text += 1 + digits;
    }
    if (*text != '\0' || whole > LEDGER_PRICE_MAX / HUNDREDTHS) {
        return false;
    }
    write_price(out, whole * HUNDREDTHS + part);
    return true;
}

static bool
read_life(char out[LEDGER_TEXT_BYTES], const char *text)
{
    int64_t ms;
    char exact[INSTANT_TEXT_BYTES];
    if (duration_parse(&ms, text, NULL) != 0 || ms < DAY_MS || ms > DESIGN_LIFE_MAX) {
        return false;
    }
    snprintf(out, LEDGER_TEXT_BYTES, "%s", duration_write(exact, ms));
    return true;
}

static bool
read_id(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return size > 0 && size < ID_BYTES_MAX && text[size] == '\0' && text[0] != '_' &&
           text[0] != '-';
}

int
ledger_value_read(char out[LEDGER_TEXT_BYTES],
                  enum ledger_key k,
                  const char *text,
                  struct err *err)
{
    char line[LEDGER_TEXT_BYTES];
    char value[LEDGER_TEXT_BYTES];
    int code = ledger_text_read(line, sizeof line, text, err);
    if (code != 0) {
        return code;
    }
    bool ok = true;
    memcpy(value, line, sizeof value);
    if (line[0] != '\0') {
        switch (k) {
        case LEDGER_INSTALLED:
        case LEDGER_WARRANTY_UNTIL:
            ok = read_day(value, line);
            break;
        case LEDGER_DESIGN_LIFE:
            ok = read_life(value, line);
            break;
        case LEDGER_DESIGN_HOURS:
        case LEDGER_DESIGN_STARTS:
            ok = read_count(value, line);
            break;
        case LEDGER_PRICE:
            ok = read_price(value, line);
            break;
        case LEDGER_KEEPER:
            ok = read_id(line);
            break;
        case LEDGER_MAKER:
        case LEDGER_MODEL:
        case LEDGER_SPECIFICATION:
        case LEDGER_SERIAL:
        case LEDGER_SUPPLIER:
        case LEDGER_AREA:
        case LEDGER_KEY_COUNT:
            break;
        }
    }
    if (!ok) {
        return err_set(err, ERR_RANGE, "\"%.60s\"; %s", line, tr(keys[k].accepted));
    }
    memcpy(out, value, sizeof value);
    return 0;
}

static char *
copy_value(char out[LEDGER_TEXT_BYTES], const char *text)
{
    size_t size = utf8_copy(out, LEDGER_TEXT_BYTES, text);
    utf8_to_line(out); /* A text of several lines becomes one. */
    while (size > 0 && is_blank(out[size - 1])) {
        out[--size] = '\0';
    }
    return out;
}

static char *
count_value(char out[LEDGER_TEXT_BYTES], int64_t count)
{
    out[0] = '\0';
    if (count != 0) {
        snprintf(out, LEDGER_TEXT_BYTES, "%lld", (long long)count);
    }
    return out;
}

char *
ledger_file_value(char out[LEDGER_TEXT_BYTES],
                  const struct ledger *l,
                  enum ledger_key k)
{
    char exact[INSTANT_TEXT_BYTES];
    out[0] = '\0';
    switch (k) {
    case LEDGER_MAKER:
        return copy_value(out, l->maker);
    case LEDGER_MODEL:
        return copy_value(out, l->model);
    case LEDGER_SPECIFICATION:
        return copy_value(out, l->specification);
    case LEDGER_SERIAL:
        return copy_value(out, l->serial);
    case LEDGER_SUPPLIER:
        return copy_value(out, l->supplier);
    case LEDGER_INSTALLED:
        return copy_value(out, l->installed);
    case LEDGER_DESIGN_LIFE:
        return copy_value(out, l->design_life_ms != 0
                                   ? duration_write(exact, l->design_life_ms)
                                   : NULL);
    case LEDGER_DESIGN_HOURS:
        return count_value(out, l->design_hours);
    case LEDGER_DESIGN_STARTS:
        return count_value(out, l->design_starts);
    case LEDGER_WARRANTY_UNTIL:
        return copy_value(out, l->warranty_until);
    case LEDGER_PRICE:
        if (l->price != 0) {
            write_price(out, l->price);
        }
        return out;
    case LEDGER_AREA:
        return copy_value(out, l->area);
    case LEDGER_KEEPER:
        return copy_value(out, l->keeper);
    case LEDGER_KEY_COUNT:
        break;
    }
    return out;
}
