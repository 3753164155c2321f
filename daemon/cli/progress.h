/* How far long work is: a bar on standard error, where that is a terminal.  Short work
 * shows none. */
#ifndef CARETAKER_CLI_PROGRESS_H
#define CARETAKER_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *label; /* Borrowed. */
    int64_t begin_ms, next_ms;
    bool quiet, shown;
};

/* `quiet`: nobody wants to see it. */
void progress_begin(struct progress *p, const char *label, bool quiet);
/* From 0 to 1; may be called as often as one likes. */
void progress_set(void *progress, double done);
/* The bar goes. */
void progress_end(struct progress *p);

#endif
