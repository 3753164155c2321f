#include "daemon/pipeline/journal/journal_alarms.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/pipeline/journal/journal_finding.h"

/* What the events of an alarm say last. */
struct trace {
    char device[ID_BYTES_MAX], rule[ID_BYTES_MAX];
    int64_t episode;
    bool raised;
    char acked_by[PERSON_BYTES]; /* Who acknowledged it last. */
    bool has_row;                /* The table of alarms knows it. */
};

/* `field` may be NULL. */
static void
tell_alarm(struct journal_alarms *x,
           const struct alarm *a,
           const char *field,
           const char *what)
{
    struct strbuf text = {0};
    if (!journal_finding_is_shown(x->out)) {
        return;
    }
    journal_finding_begin(x->out, "alarm");
    strbuf_json_str(&x->out->json, "device", a->device);
    strbuf_json_str(&x->out->json, "rule", a->rule);
    if (field != NULL) {
        strbuf_json_str(&x->out->json, "field", field);
    }
    strbuf_printf(&text, tr("alarm %s/%s: %s"), a->device, a->rule, tr(what));
    journal_finding_end(x->out, &text);
    strbuf_fini(&text);
}

/* Where the alarm is in x->traces, or would be. */
static size_t
place_of(const struct journal_alarms *x, const char *device, const char *rule)
{
    size_t low = 0;
    size_t high = x->trace_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(x->traces[middle]->device, device);
        order = order != 0 ? order : strcmp(x->traces[middle]->rule, rule);
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct trace *
find_trace(const struct journal_alarms *x, const char *device, const char *rule)
{
    size_t at = place_of(x, device, rule);
    bool is_there = at < x->trace_count && strcmp(x->traces[at]->device, device) == 0 &&
                    strcmp(x->traces[at]->rule, rule) == 0;
    return is_there ? x->traces[at] : NULL;
}

static struct trace *
add_trace(struct journal_alarms *x, const char *device, const char *rule)
{
    size_t at = place_of(x, device, rule);
    struct trace *t = calloc(1, sizeof *t);
    if (t == NULL) {
        abort();
    }
    if (x->trace_count == x->trace_capacity) {
        x->trace_capacity = x->trace_capacity == 0 ? 64 : 2 * x->trace_capacity;
        x->traces = realloc(x->traces, x->trace_capacity * sizeof(struct trace *));
        if (x->traces == NULL) {
            abort();
        }
    }
    memmove(x->traces + at + 1, x->traces + at,
            (x->trace_count - at) * sizeof(struct trace *));
    x->traces[at] = t;
    x->trace_count++;
    snprintf(t->device, sizeof t->device, "%s", device);
    snprintf(t->rule, sizeof t->rule, "%s", rule);
    return t;
}

static void
note_alarm(struct journal_alarms *x, const struct event_row *row, bool raised)
{
    /* Inside of a text the quotes would be escaped: this is the member. */
    static const char key[] = ",\"episode\":";
    const char *episode = strstr(row->json, key);
    if (episode == NULL || row->device == NULL || row->rule == NULL ||
        strlen(row->device) >= ID_BYTES_MAX || strlen(row->rule) >= ID_BYTES_MAX) {
        return;
    }
    struct trace *t = find_trace(x, row->device, row->rule);
    t = t != NULL ? t : add_trace(x, row->device, row->rule);
    t->episode = strtoll(episode + strlen(key), NULL, 10);
    t->raised = raised;
}

static void
note_ack(struct journal_alarms *x, const struct event_row *row)
{
    struct trace *t = row->device != NULL && row->rule != NULL
                          ? find_trace(x, row->device, row->rule)
                          : NULL;
    json_t *json = t != NULL ? json_loads(row->json, 0, NULL) : NULL;
    const char *by = json_string_value(json_object_get(json, "by"));
    if (by != NULL) {
        utf8_copy(t->acked_by, sizeof t->acked_by, by);
    }
    json_decref(json);
}

void
journal_alarms_note(struct journal_alarms *x, const struct event_row *row)
{
    if (strcmp(row->name, "alarm.raised") == 0) {
        note_alarm(x, row, true);
    } else if (strcmp(row->name, "alarm.cleared") == 0) {
        note_alarm(x, row, false);
    } else if (strcmp(row->name, "alarm.acknowledged") == 0) {
        note_ack(x, row);
    }
}

static bool
on_alarm(void *ctx, const struct alarm *a)
{
    struct journal_alarms *x = ctx;
    char what[160];
    struct trace *t = find_trace(x, a->device, a->rule);
    bool raised = a->cleared_ms == INSTANT_NONE;
    x->out->alarms++;
    if (t != NULL) {
        t->has_row = true;
    }
    if (a->untold) {
        return true; /* Hidden since it was raised: no event tells of this episode. */
    }
    if (t == NULL) {
        tell_alarm(x, a, "episode", "no event tells of it");
    } else if (a->episode != t->episode) {
        snprintf(
            what, sizeof what,
            tr("episode is %" PRId64 " in the table and %" PRId64 " by its events"),
            a->episode, t->episode);
        tell_alarm(x, a, "episode", what);
    } else if (raised != t->raised) {
        snprintf(what, sizeof what, tr("it is %s in the table and %s by its events"),
                 raised ? tr("raised") : tr("cleared"),
                 t->raised ? tr("raised") : tr("cleared"));
        tell_alarm(x, a, "cleared_ms", what);
    } else if (a->acked_by[0] != '\0' && strcmp(a->acked_by, t->acked_by) != 0) {
        tell_alarm(x, a, "acked_by", "no event tells of who acknowledged it");
    }
    return true;
}

/* An alarm that goes for good while it stands is told as cleared. */
static void
tell_lost_alarms(struct journal_alarms *x)
{
    for (size_t i = 0; i < x->trace_count; i++) {
        const struct trace *t = x->traces[i];
        if (t->raised && !t->has_row) {
            const struct alarm a = {.device = t->device, .rule = t->rule};
            tell_alarm(
                x, &a, NULL,
                "it stands by its events, and its row was removed from the table");
        }
    }
}

void
journal_alarms_check(struct journal_alarms *x, struct state *store)
{
    struct err err;
    if (state_each_alarm(store, false, on_alarm, x, &err) == 0) {
        tell_lost_alarms(x);
    } else if (journal_finding_is_shown(x->out)) {
        struct strbuf text = {0};
        journal_finding_begin(x->out, "alarm");
        strbuf_printf(&text, tr("the table of alarms cannot be read to its end: %s"),
                      err.text);
        journal_finding_end(x->out, &text);
        strbuf_fini(&text);
    }
}

void
journal_alarms_fini(struct journal_alarms *x)
{
    for (size_t i = 0; i < x->trace_count; i++) {
        free(x->traces[i]);
    }
    free(x->traces);
}
