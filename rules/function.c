#include "rules/function.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/diag.h"
#include "daemon/base/err.h"

static const char *const names[FUNCTIONS] = {
    [FUNCTION_ABS] = "abs",       [FUNCTION_AGE] = "age",
    [FUNCTION_AVG] = "avg",       [FUNCTION_BASELINE] = "baseline",
    [FUNCTION_COUNT] = "count",   [FUNCTION_DELTA] = "delta",
    [FUNCTION_DRIFT] = "drift",   [FUNCTION_GREATEST] = "greatest",
    [FUNCTION_HELD] = "held",     [FUNCTION_HOURS] = "hours",
    [FUNCTION_LEAST] = "least",   [FUNCTION_MAX] = "max",
    [FUNCTION_MEDIAN] = "median", [FUNCTION_MIN] = "min",
    [FUNCTION_P95] = "p95",       [FUNCTION_QUALITY] = "quality",
    [FUNCTION_RATE] = "rate",     [FUNCTION_STARTS] = "starts",
    [FUNCTION_STDDEV] = "stddev", [FUNCTION_STUCK] = "stuck",
    [FUNCTION_TIME] = "time",     [FUNCTION_TIME_TO] = "time_to",
    [FUNCTION_TREND] = "trend",   [FUNCTION_UNBALANCE] = "unbalance",
};

static const uint8_t takes[FUNCTIONS] = {
    [FUNCTION_ABS] = TAKES_NUMBER,
    [FUNCTION_AGE] = TAKES_POINT,
    [FUNCTION_AVG] = TAKES_NUMBER_WINDOW,
    [FUNCTION_BASELINE] = TAKES_NUMBER,
    [FUNCTION_COUNT] = TAKES_CONDITION_WINDOW,
    [FUNCTION_DELTA] = TAKES_NUMBER_WINDOW,
    [FUNCTION_DRIFT] = TAKES_NUMBER_WINDOW,
    [FUNCTION_GREATEST] = TAKES_NUMBERS,
    [FUNCTION_HELD] = TAKES_CONDITION,
    [FUNCTION_HOURS] = TAKES_CONDITION_LIFE,
    [FUNCTION_LEAST] = TAKES_NUMBERS,
    [FUNCTION_MAX] = TAKES_NUMBER_WINDOW,
    [FUNCTION_MEDIAN] = TAKES_NUMBER_WINDOW,
    [FUNCTION_MIN] = TAKES_NUMBER_WINDOW,
    [FUNCTION_P95] = TAKES_NUMBER_WINDOW,
    [FUNCTION_QUALITY] = TAKES_POINT,
    [FUNCTION_RATE] = TAKES_NUMBER_WINDOW,
    [FUNCTION_STARTS] = TAKES_CONDITION_LIFE,
    [FUNCTION_STDDEV] = TAKES_NUMBER_WINDOW,
    [FUNCTION_STUCK] = TAKES_NUMBER_WINDOW,
    [FUNCTION_TIME] = TAKES_CONDITION_WINDOW,
    [FUNCTION_TIME_TO] = TAKES_LIMIT_WINDOW,
    [FUNCTION_TREND] = TAKES_NUMBER_WINDOW,
    [FUNCTION_UNBALANCE] = TAKES_NUMBERS,
};

const char *
function_name(enum function f)
{
    return names[f];
}

bool
function_find(enum function *out, const char *name)
{
    for (size_t i = 0; i < FUNCTIONS; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (enum function)i;
            return true;
        }
    }
    return false;
}

const char *
function_nearest(const char *name)
{
    return diag_nearest(name, names, FUNCTIONS);
}

void
function_list(char *out, uint32_t size)
{
    uint32_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < FUNCTIONS && used < size; i++) {
        const char *between = i == 0 ? "" : i + 1 == FUNCTIONS ? " and " : ", ";
        int n = snprintf(out + used, size - used, "%s%s", between, names[i]);
        used += n > 0 ? (uint32_t)n : 0;
    }
}

enum signature
function_takes(enum function f)
{
    return (enum signature)takes[f];
}

const char *
signature_text(enum signature s)
{
    static const char *const texts[] = {
        [TAKES_NUMBER] = N_("takes one argument"),
        [TAKES_NUMBERS] = N_("takes two arguments or more"),
        [TAKES_POINT] = N_("takes one argument, a point"),
        [TAKES_NUMBER_WINDOW] = N_("takes a number and a window, as in (x, 5m)"),
        [TAKES_CONDITION] = N_("takes one condition"),
        [TAKES_CONDITION_WINDOW] =
            N_("takes a condition and a window, as in (run, 24h)"),
        [TAKES_CONDITION_LIFE] =
            N_("takes a condition, as in (run) or (run, since_service)"),
        [TAKES_LIMIT_WINDOW] =
            N_("takes a number, a limit and a window, as in (x, 80 °C, 7d)"),
    };
    return tr(texts[s]);
}

uint32_t
signature_window(enum signature s)
{
    if (s == TAKES_NUMBER_WINDOW || s == TAKES_CONDITION_WINDOW) {
        return 1;
    }
    return s == TAKES_LIMIT_WINDOW ? 2 : 0;
}

bool
signature_fits(enum signature s, uint32_t arg_count)
{
    switch (s) {
    case TAKES_NUMBER:
    case TAKES_POINT:
    case TAKES_CONDITION:
        return arg_count == 1;
    case TAKES_NUMBERS:
        return arg_count >= 2;
    case TAKES_NUMBER_WINDOW:
    case TAKES_CONDITION_WINDOW:
        return arg_count == 2;
    case TAKES_CONDITION_LIFE:
        return arg_count == 1 || arg_count == 2;
    case TAKES_LIMIT_WINDOW:
        return arg_count == 3;
    }
    return false;
}
