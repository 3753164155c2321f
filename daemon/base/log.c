#include "daemon/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/base/utf8.h"

#define LOG_LINE_BYTES 2048

static enum log_level most_detailed = LOG_LEVEL_INFO;

void
log_init(enum log_level level)
{
    most_detailed = level;
}

static const char *
level_word(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error: ";
    case LOG_LEVEL_WARNING:
        return "warning: ";
    case LOG_LEVEL_INFO:
        return "";
    case LOG_LEVEL_DEBUG:
        return "debug: ";
    }
    return "";
}

void
log_write(enum log_level level, const char *fmt, ...)
{
    if (level > most_detailed) {
        return;
    }
    char text[LOG_LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    utf8_to_line(text); /* One event, one line. */
    /* One write per line, so that lines of several threads never mix. */
    char line[LOG_LINE_BYTES + 64];
    int size = 0;
    if (getenv("JOURNAL_STREAM") != NULL) {
        size = snprintf(line, sizeof line, "<%d>%s\n", (int)level, text);
    } else {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        struct tm tm;
        localtime_r(&now.tv_sec, &tm);
        char when[32];
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
        size = snprintf(line, sizeof line, "%s %s%s\n", when, level_word(level), text);
    }
    if (size > 0) {
        fwrite(line, 1, (size_t)size, stderr);
        fflush(stderr);
    }
}
