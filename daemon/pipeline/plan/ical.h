/* An iCalendar file (RFC 5545): lines of at most 75 octets, folded between characters,
 * ended by CRLF; texts escaped. */
#ifndef CARETAKER_PIPELINE_ICAL_H
#define CARETAKER_PIPELINE_ICAL_H

#include <stdint.h>

#include "daemon/base/strbuf.h"

/* One appointment; texts are borrowed, NULL or "" leaves a line out. */
struct ical_event {
    const char *uid;          /* The same each time it is written. */
    int32_t day;              /* All day, unless start_ms is an instant. */
    int64_t start_ms, end_ms; /* INSTANT_NONE: all day. */
    const char *summary, *description, *location, *categories;
    const char *alarm; /* How long before it is reminded of: "-P1D"; NULL: not. */
};

/* One line `name:value`; `value` is written as it is. */
void ical_line(struct strbuf *out, const char *name, const char *value);
/* The same with a text, which is escaped; a NULL or empty one gives no line. */
void ical_text(struct strbuf *out, const char *name, const char *text);

/* `name` is that of the calendar; stamp_ms is when it is written. */
void ical_begin(struct strbuf *out, const char *name);
void ical_event(struct strbuf *out, const struct ical_event *e, int64_t stamp_ms);
void ical_end(struct strbuf *out);

#endif
