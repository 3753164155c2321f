/* The log: standard error; with a "<N>" priority before each line when it goes to the
 * journal (JOURNAL_STREAM is set), with local time before it otherwise.  Thread-safe.
 * Its level and the language (daemon/base/catalogue.h) are the only mutable state at
 * file scope of the program. */
#ifndef CARETAKER_BASE_LOG_H
#define CARETAKER_BASE_LOG_H

#include "daemon/base/err.h"

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

void log_init(enum log_level most_detailed);
void log_write(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
