#include "tests/fake/recorder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"

static void
add_line(struct recorder *r, char *line)
{
    r->lines = realloc(r->lines, (r->count + 1) * sizeof(char *));
    assert(r->lines != NULL);
    r->lines[r->count++] = line;
}

static const char *
keep(struct recorder *r, const char *id)
{
    if (id == NULL) {
        return NULL;
    }
    size_t at = 0;
    while (r->ids[at] != NULL && strcmp(r->ids[at], id) != 0) {
        at++;
        assert(at < sizeof r->ids / sizeof r->ids[0]);
    }
    if (r->ids[at] == NULL) {
        r->ids[at] = strdup(id);
    }
    return r->ids[at];
}

static void
add_short(struct strbuf *line, const struct event *e, int64_t origin_ms)
{
    char when[INSTANT_TEXT_BYTES];
    const char *name = event_kind_name(e->kind);
    const char *dot = strchr(name, '.');
    strbuf_printf(line, "%s %s %lld %s", duration_format(when, e->t_ms - origin_ms),
                  dot != NULL ? dot + 1 : name, (long long)e->ticket,
                  severity_name(e->severity));
    const char *const texts[] = {e->deadline, e->assignee, e->by,
                                 e->kind == EVENT_TICKET_WATCHED ? proof_name(e->proof)
                                                                 : NULL};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i] != NULL) {
            strbuf_printf(line, " %s", texts[i]);
        }
    }
}

static void
on_event(void *ctx, const struct event *e)
{
    struct recorder *r = ctx;
    struct strbuf line = {0};
    if (r->short_lines) {
        add_short(&line, e, r->origin_ms);
    } else {
        event_to_json(&line, e, NULL);
    }
    add_line(r, strbuf_take(&line));
}

static void
on_alarm(void *ctx, const struct alarm *a)
{
    struct recorder *r = ctx;
    size_t at = 0;
    while (at < r->alarm_count && (strcmp(r->alarms[at].device, a->device) != 0 ||
                                   strcmp(r->alarms[at].rule, a->rule) != 0)) {
        at++;
    }
    assert(at < sizeof r->alarms / sizeof r->alarms[0]);
    r->alarms[at] = *a;
    r->alarms[at].device = keep(r, a->device);
    r->alarms[at].rule = keep(r, a->rule);
    r->alarm_count += at == r->alarm_count;
    if (r->rows_too) {
        struct strbuf line = {0};
        strbuf_add(&line, "row ");
        alarm_to_json(&line, a);
        add_line(r, strbuf_take(&line));
    }
}

static void
on_ticket(void *ctx, const struct ticket *t)
{
    struct recorder *r = ctx;
    assert(t->number >= 1);
    assert(t->number <= RECORDER_ROWS_MAX);
    r->tickets[t->number - 1] = *t;
    r->ticket_rows++;
    /* The ids are borrowed for the length of the call only: the table keeps copies. */
    r->tickets[t->number - 1].device = keep(r, t->device);
    r->tickets[t->number - 1].rule = keep(r, t->rule);
    if (r->rows_too) {
        struct strbuf line = {0};
        strbuf_add(&line, "row ");
        ticket_to_json(&line, t);
        add_line(r, strbuf_take(&line));
    }
}

static void
on_service(void *ctx, const struct service *s)
{
    struct recorder *r = ctx;
    if (r->rows_too) {
        struct strbuf line = {0};
        strbuf_add(&line, "row ");
        service_to_json(&line, s);
        add_line(r, strbuf_take(&line));
    }
}

struct recorder *
recorder_new(void)
{
    struct recorder *r = calloc(1, sizeof *r);
    assert(r != NULL);
    r->sink = (struct sink){.ctx = r,
                            .event = on_event,
                            .alarm = on_alarm,
                            .ticket = on_ticket,
                            .service = on_service};
    return r;
}

void
recorder_forget(struct recorder *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->lines[i]);
    }
    r->count = 0;
}

void
recorder_free(struct recorder *r)
{
    recorder_forget(r);
    for (size_t i = 0; i < sizeof r->ids / sizeof r->ids[0]; i++) {
        free(r->ids[i]);
    }
    free(r->lines);
    free(r);
}

const char *
recorder_line(const struct recorder *r, size_t index)
{
    return index < r->count ? r->lines[index] : "";
}

char *
recorder_take(struct recorder *r)
{
    struct strbuf text = {0};
    for (size_t i = 0; i < r->count; i++) {
        strbuf_add(&text, i > 0 ? "; " : "");
        strbuf_add(&text, r->lines[i]);
    }
    recorder_forget(r);
    return strbuf_take(&text);
}

char *
recorder_text(const struct recorder *r, size_t first)
{
    struct strbuf text = {0};
    for (size_t i = first; i < r->count; i++) {
        strbuf_add(&text, r->lines[i]);
        strbuf_add_char(&text, '\n');
    }
    return strbuf_take(&text);
}
