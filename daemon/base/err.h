/* Errors of the outside world: wire, disk, clock, configuration.
 *
 * A function that can fail returns 0 or a negative enum err_code and fills the
 * caller's struct err.  Callers add context with err_wrap(); only the daemon and
 * the command line print, once.  Our own bugs are asserted, never returned. */
#ifndef CARETAKER_BASE_ERR_H
#define CARETAKER_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

#define ARRAY_LEN(a)           (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ERR_TEXT_BYTES 512 /* One line for a person; longer text is cut. */

enum err_code {
    ERR_NONE = 0,
    ERR_NOMEM = -1,
    ERR_IO = -2,        /* Disk, port, socket: the outside world. */
    ERR_CONFIG = -3,    /* A file of the user's is wrong. */
    ERR_USAGE = -4,     /* The command line is wrong. */
    ERR_NOT_FOUND = -5, /* The named thing does not exist. */
    ERR_REFUSED = -6,   /* Not allowed in the present state. */
    ERR_PROTOCOL = -7,  /* The peer broke its protocol. */
    ERR_TIMEOUT = -8,
    ERR_FULL = -9,    /* A limit of ours was reached. */
    ERR_RANGE = -10,  /* A value is outside what is accepted. */
    ERR_DENIED = -11, /* Whoever asks may not, or is not who he says. */
    ERR_BUSY = -12    /* Asked too often: later. */
};

struct err {
    enum err_code code;
    char text[ERR_TEXT_BYTES];
};

/* Fills `err` (which may be NULL) and returns `code`.  `fmt` is translated here (see
 * catalogue.h); words among its arguments are the caller's to translate. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Puts "context: ", translated too, before the text; keeps and returns the code. */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What an errno means, for people; like strerror(), which words the rare ones. */
const char *err_reason(int number);

/* The exit status of the command line for this code: 1 not found or refused,
 * 2 usage, 3 configuration, 4 everything else; 0 for ERR_NONE. */
int err_exit_status(int code);

#endif
