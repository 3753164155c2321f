/* Diagnostics of the user's files: all of them, each with its place.
 * Printed as `file:line:column: what is wrong; what is accepted`. */
#ifndef CARETAKER_BASE_DIAG_H
#define CARETAKER_BASE_DIAG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/base/err.h"

#define DIAGS_MAX 1000 /* More would bury the reader; the rest is counted. */

/* A place in a file.  Lines and columns start at 1; 0 is "not known". */
struct loc {
    const char *file; /* Borrowed; lives as long as the tree or site it came from. */
    uint32_t line;
    uint32_t column;
};

enum diag_level { DIAG_ERROR, DIAG_WARNING };

struct diag {
    enum diag_level level;
    uint32_t line;
    uint32_t column;
    char *file; /* Owned; NULL when no file is meant. */
    char *text; /* Owned. */
};

struct diags {
    struct diag *items;
    size_t count;
    size_t errors;   /* Counts past DIAGS_MAX too. */
    size_t warnings; /* Counts past DIAGS_MAX too. */
};

void diags_init(struct diags *d);
void diags_fini(struct diags *d);

/* Copies everything.  `loc` may be NULL.  `fmt` is translated here (see catalogue.h);
 * words among its arguments are the caller's to translate. */
void diags_add(struct diags *d,
               enum diag_level level,
               const struct loc *loc,
               const char *fmt,
               ...) PRINTF_LIKE(4, 5);

/* Sorts by file, line, column (stable). */
void diags_sort(struct diags *d);

/* Prints one line each; a warning has "warning: " before its text. */
void diags_print(const struct diags *d, FILE *out);

/* The word of `words` (`count` of them) nearest to `word` by edit distance, or
 * NULL when none is near enough to be what was meant. */
const char *diag_nearest(const char *word, const char *const *words, size_t count);

#endif
