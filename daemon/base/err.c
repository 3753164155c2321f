#include "daemon/base/err.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"

int
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        /* The text may name the previous one, so it is made aside. */
        char text[ERR_TEXT_BYTES];
        int n = vsnprintf(text, sizeof text, tr(fmt), args);
        assert(n >= 0);
        va_end(args);
        err->code = code;
        memcpy(err->text, text, sizeof text);
    }
    return code;
}

int
err_wrap(struct err *err, const char *fmt, ...)
{
    if (err == NULL) {
        return ERR_IO;
    }
    char context[ERR_TEXT_BYTES];
    char old[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(context, sizeof context, tr(fmt), args);
    assert(n >= 0);
    va_end(args);
    memcpy(old, err->text, sizeof old);
    int m = snprintf(err->text, sizeof err->text, "%s: %s", context, old);
    assert(m > 0);
    return err->code;
}

int
err_exit_status(int code)
{
    switch ((enum err_code)code) {
    case ERR_NONE:
        return 0;
    case ERR_NOT_FOUND:
    case ERR_REFUSED:
        return 1;
    case ERR_USAGE:
    case ERR_RANGE:
        return 2;
    case ERR_CONFIG:
        return 3;
    case ERR_NOMEM:
    case ERR_IO:
    case ERR_PROTOCOL:
    case ERR_TIMEOUT:
    case ERR_FULL:
        return 4;
    }
    return 4;
}
