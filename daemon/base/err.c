#include "daemon/base/err.h"

#include <assert.h>
#include <errno.h>
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

const char *
err_reason(int number)
{
    /* In the words of the C library, so that English reads as everywhere. */
    static const struct {
        int number;
        const char *text;
    } reasons[] = {
        {EPERM, N_("Operation not permitted")},
        {ENOENT, N_("No such file or directory")},
        {EINTR, N_("Interrupted system call")},
        {EIO, N_("Input/output error")},
        {ENXIO, N_("No such device or address")},
        {EBADF, N_("Bad file descriptor")},
        {EAGAIN, N_("Resource temporarily unavailable")},
        {ENOMEM, N_("Cannot allocate memory")},
        {EACCES, N_("Permission denied")},
        {EBUSY, N_("Device or resource busy")},
        {EEXIST, N_("File exists")},
        {EXDEV, N_("Invalid cross-device link")},
        {ENODEV, N_("No such device")},
        {ENOTDIR, N_("Not a directory")},
        {EISDIR, N_("Is a directory")},
        {EINVAL, N_("Invalid argument")},
        {ENFILE, N_("Too many open files in system")},
        {EMFILE, N_("Too many open files")},
        {ENOTTY, N_("Inappropriate ioctl for device")},
        {EFBIG, N_("File too large")},
        {ENOSPC, N_("No space left on device")},
        {EROFS, N_("Read-only file system")},
        {EPIPE, N_("Broken pipe")},
        {ENAMETOOLONG, N_("File name too long")},
        {ELOOP, N_("Too many levels of symbolic links")},
        {EADDRINUSE, N_("Address already in use")},
        {EADDRNOTAVAIL, N_("Cannot assign requested address")},
        {ENETDOWN, N_("Network is down")},
        {ENETUNREACH, N_("Network is unreachable")},
        {ECONNABORTED, N_("Software caused connection abort")},
        {ECONNRESET, N_("Connection reset by peer")},
        {ENOBUFS, N_("No buffer space available")},
        {ENOTCONN, N_("Transport endpoint is not connected")},
        {ETIMEDOUT, N_("Connection timed out")},
        {ECONNREFUSED, N_("Connection refused")},
        {EHOSTDOWN, N_("Host is down")},
        {EHOSTUNREACH, N_("No route to host")},
        {EDQUOT, N_("Disk quota exceeded")},
        {EPROTO, N_("Protocol error")},
    };
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].number == number) {
            return tr(reasons[i].text);
        }
    }
    return strerror(number);
}

int
err_exit_status(int code)
{
    switch ((enum err_code)code) {
    case ERR_NONE:
        return 0;
    case ERR_NOT_FOUND:
    case ERR_REFUSED:
    case ERR_DENIED:
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
    case ERR_BUSY:
        return 4;
    }
    return 4;
}
