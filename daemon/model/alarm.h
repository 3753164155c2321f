/* An alarm: one rule on one device (ISA-18.2).  Each time it is raised is an episode.
 */
#ifndef CARETAKER_MODEL_ALARM_H
#define CARETAKER_MODEL_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/words.h"

#define TITLE_BYTES  256
#define PERSON_BYTES 64
#define NOTE_BYTES   1024

/* Plain data; ids are borrowed from whoever gives the struct. */
struct alarm {
    const char *device;
    const char *rule;
    enum severity severity;
    enum alarm_state state;
    int64_t episode; /* 1, 2, ...; kept when it returns to normal. */
    int64_t raised_ms;
    int64_t cleared_ms; /* INSTANT_NONE while raised. */
    int64_t acked_ms;   /* INSTANT_NONE until acknowledged. */
    char acked_by[PERSON_BYTES];
    bool has_value;
    double value; /* When raised, or last changed. */
    char title[TITLE_BYTES];
    int64_t ticket; /* 0: none. */
};

/* Raised: the condition stands (whatever was acknowledged or hidden). */
bool alarm_is_raised(const struct alarm *a);

/* One object with the keys of design section 9. */
void alarm_to_json(struct strbuf *out, const struct alarm *a);

#endif
