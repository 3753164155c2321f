/* What a case expects, against what came of it. */
#ifndef CARETAKER_PIPELINE_CASE_CHECK_H
#define CARETAKER_PIPELINE_CASE_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/model/event.h"
#include "daemon/model/replay_case.h"

struct case_event {
    struct event event;
    const char *text; /* For a person. */
};

/* All of it is borrowed. */
struct case_check {
    const struct replay_case *spec;
    const int64_t *at_ms; /* By expectation; INSTANT_NONE: at any time. */
    const struct case_event *events;
    size_t event_count;
    FILE *out;
};

/* Prints each expectation that does not hold, and what came instead, nearest first;
 * returns how many there are. */
unsigned case_check(const struct case_check *c);

#endif
