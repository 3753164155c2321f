#include "daemon/pipeline/plan/ical.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"

#define LINE_OCTETS 75 /* RFC 5545, 3.1, without the line break. */
#define STAMP_BYTES 40

static bool
is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* A long line goes on in the next one, behind a space. */
static void
fold(struct strbuf *out, const char *line)
{
    size_t left = strlen(line);
    size_t room = LINE_OCTETS;
    while (left > room) {
        size_t take = room;
        while (take > 0 && is_continuation(line[take])) {
            take--;
        }
        strbuf_add_bytes(out, line, take);
        strbuf_add(out, "\r\n ");
        line += take;
        left -= take;
        room = LINE_OCTETS - 1;
    }
    strbuf_add_bytes(out, line, left);
    strbuf_add(out, "\r\n");
}

void
ical_line(struct strbuf *out, const char *name, const char *value)
{
    struct strbuf line = {0};
    strbuf_printf(&line, "%s:%s", name, value);
    fold(out, strbuf_text(&line));
    strbuf_fini(&line);
}

/* RFC 5545, 3.3.11; other control characters may not stand in a text. */
static void
escape(struct strbuf *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n') {
            strbuf_add(out, "\\n");
        } else if (strchr("\\;,", *c) != NULL) {
            strbuf_add_char(out, '\\');
            strbuf_add_char(out, *c);
        } else if ((unsigned char)*c >= 0x20 || *c == '\t') {
            strbuf_add_char(out, *c);
        }
    }
}

void
ical_text(struct strbuf *out, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return;
    }
    struct strbuf value = {0};
    escape(&value, text);
    ical_line(out, name, strbuf_text(&value));
    strbuf_fini(&value);
}

static char *
format_instant(char *out, int64_t t_ms)
{
    time_t seconds = (time_t)(t_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, STAMP_BYTES, "%Y%m%dT%H%M%SZ", &tm);
    return out;
}

static char *
format_day(char *out, int32_t day)
{
    int year;
    int month;
    int mday;
    civil_date(day, &year, &month, &mday);
    (void)snprintf(out, STAMP_BYTES, "%04d%02d%02d", year, month, mday);
    return out;
}

void
ical_begin(struct strbuf *out, const char *name)
{
    ical_line(out, "BEGIN", "VCALENDAR");
    ical_line(out, "VERSION", "2.0");
    /* not translated: the name of a product. */
    ical_line(out, "PRODID", "-//Caretaker//Planned maintenance//EN");
    ical_line(out, "CALSCALE", "GREGORIAN");
    ical_line(out, "METHOD", "PUBLISH");
    ical_text(out, "X-WR-CALNAME", name);
}

void
ical_event(struct strbuf *out, const struct ical_event *e, int64_t stamp_ms)
{
    char text[STAMP_BYTES];
    ical_line(out, "BEGIN", "VEVENT");
    ical_text(out, "UID", e->uid);
    ical_line(out, "DTSTAMP", format_instant(text, stamp_ms));
    if (e->start_ms != INSTANT_NONE) {
        ical_line(out, "DTSTART", format_instant(text, e->start_ms));
        ical_line(out, "DTEND", format_instant(text, e->end_ms));
    } else {
        ical_line(out, "DTSTART;VALUE=DATE", format_day(text, e->day));
        ical_line(out, "DTEND;VALUE=DATE", format_day(text, e->day + 1));
        ical_line(out, "TRANSP", "TRANSPARENT");
    }
    ical_text(out, "SUMMARY", e->summary);
    ical_text(out, "DESCRIPTION", e->description);
    ical_text(out, "LOCATION", e->location);
    ical_text(out, "CATEGORIES", e->categories);
    if (e->alarm != NULL) {
        ical_line(out, "BEGIN", "VALARM");
        ical_line(out, "ACTION", "DISPLAY");
        ical_text(out, "DESCRIPTION", e->summary);
        ical_line(out, "TRIGGER", e->alarm);
        ical_line(out, "END", "VALARM");
    }
    ical_line(out, "END", "VEVENT");
}

void
ical_end(struct strbuf *out)
{
    ical_line(out, "END", "VCALENDAR");
}
