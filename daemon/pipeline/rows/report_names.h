/* Names that are met while reading, each once, numbered from 0 in order of appearance.
 * Aborts when out of memory: a report cannot go on without its names. */
#ifndef CARETAKER_PIPELINE_REPORT_NAMES_H
#define CARETAKER_PIPELINE_REPORT_NAMES_H

#include <stdint.h>

/* Zeroed is empty and valid. */
struct report_names {
    char **items; /* Owned. */
    uint32_t count, room;
    uint32_t *table; /* Hash table of numbers; UINT32_MAX: free. */
    uint32_t table_size;
};

void report_names_fini(struct report_names *n);
/* The number of `name` (copied when it is new); UINT32_MAX for NULL and "". */
uint32_t report_names_add(struct report_names *n, const char *name);
/* UINT32_MAX: it was never added. */
uint32_t report_names_find(const struct report_names *n, const char *name);

/* Numbers them anew, in order of the alphabet. */
void report_names_sort(struct report_names *n);

#endif
