/* The functions of the language: their names, and what each takes. */
#ifndef CARETAKER_RULES_FUNCTION_H
#define CARETAKER_RULES_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

enum function {
    FUNCTION_ABS,
    FUNCTION_AGE,
    FUNCTION_AVG,
    FUNCTION_BASELINE,
    FUNCTION_COUNT,
    FUNCTION_DELTA,
    FUNCTION_DRIFT,
    FUNCTION_GREATEST,
    FUNCTION_HELD,
    FUNCTION_HOURS,
    FUNCTION_LEAST,
    FUNCTION_MAX,
    FUNCTION_MEDIAN,
    FUNCTION_MIN,
    FUNCTION_P95,
    FUNCTION_QUALITY,
    FUNCTION_RATE,
    FUNCTION_STARTS,
    FUNCTION_STDDEV,
    FUNCTION_STUCK,
    FUNCTION_TIME,
    FUNCTION_TIME_TO,
    FUNCTION_TREND,
    FUNCTION_UNBALANCE,
    FUNCTIONS
};

/* What stands between the parentheses. */
enum signature {
    TAKES_NUMBER,           /* (x) */
    TAKES_NUMBERS,          /* (x, y, ...) */
    TAKES_POINT,            /* (POINT) */
    TAKES_NUMBER_WINDOW,    /* (x, WINDOW) */
    TAKES_CONDITION,        /* (cond) */
    TAKES_CONDITION_WINDOW, /* (cond, WINDOW) */
    TAKES_CONDITION_LIFE,   /* (cond) or (cond, since_service) */
    TAKES_LIMIT_WINDOW      /* (x, LIMIT, WINDOW) */
};

/* The word in the place of a window that means the last planned service. */
#define SINCE_SERVICE "since_service"

const char *function_name(enum function f);
bool function_find(enum function *out, const char *name);
/* The nearest name, for "did you mean"; NULL: none is near. */
const char *function_nearest(const char *name);
/* "abs, age, ... and unbalance" of `size`. */
void function_list(char *out, uint32_t size);
enum signature function_takes(enum function f);
/* "takes ...", for messages. */
const char *signature_text(enum signature s);
/* Which argument is a WINDOW; 0: none is. */
uint32_t signature_window(enum signature s);
bool signature_fits(enum signature s, uint32_t arg_count);

#endif
