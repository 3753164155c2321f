/* Moments as cases write them. */
#include <stdio.h>
#include <string.h>

#include "config/case.h"
#include "config/number.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

const struct shape case_time_shape = {
    .kind = SHAPE_TEXT,
    .name = "moment",
    .pattern = "^[+]" PATTERN_DURATION "$|^" PATTERN_CLOCK
               "(:[0-5][0-9]([.][0-9]*)?)?$|^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T].*)?$",
    .accepted = "a time of the first day such as 10:14:30, an age such as +5m, or an "
                "instant such as 2026-03-01T10:14:30Z is accepted"};

/* `10:14`, `10:14:30`, `10:14:30.250` to milliseconds since midnight. */
static bool
parse_time_of_day(const char *text, int64_t *out)
{
    char minutes[6] = "";
    int minute;
    double seconds = 0;
    size_t size = strlen(text);
    if (size < 5) {
        return false;
    }
    memcpy(minutes, text, 5);
    if (!number_parse_clock(&minute, minutes) || minute >= 24 * 60) {
        return false;
    }
    if (size > 5 && (text[5] != ':' || size < 8 || text[6] < '0' || text[6] > '5' ||
                     !number_parse_float(&seconds, text + 6) ||
                     text[6 + strspn(text + 6, "0123456789.")] != 0 || seconds >= 60)) {
        return false;
    }
    *out = minute * MS_MINUTE + (int64_t)(seconds * 1000 + 0.5);
    return true;
}

/* What the clocks of the site show: the site, and so its zone, is not known here. */
static bool
parse_local(const char *text, int64_t *out)
{
    char as_utc[INSTANT_TEXT_BYTES];
    const char *rest = strlen(text) == strlen("2026-03-01") ? "T00:00Z" : "Z";
    int size = snprintf(as_utc, sizeof as_utc, "%s%s", text, rest);
    return size < (int)sizeof as_utc && instant_parse(out, as_utc, NULL) == 0;
}

bool
case_time_read(struct reader *r,
               const struct node *n,
               const char *name,
               struct case_time *out)
{
    if (!value_text(r, n, name)) {
        return false;
    }
    const char *text = n->text;
    if (text[0] == '+' && duration_parse(&out->ms, text + 1, NULL) == 0) {
        out->kind = CASE_TIME_AGE;
        return true;
    }
    if (parse_time_of_day(text, &out->ms)) {
        out->kind = CASE_TIME_OF_DAY;
        return true;
    }
    if (parse_local(text, &out->ms)) {
        out->kind = CASE_TIME_LOCAL;
        return true;
    }
    if (instant_parse(&out->ms, text, NULL) == 0) {
        out->kind = CASE_TIME_INSTANT;
        return true;
    }
    diags_add(r->diags, DIAG_ERROR, &n->loc, "\"%s\" is \"%.60s\"; %s", name, text,
              tr(case_time_shape.accepted));
    return false;
}
