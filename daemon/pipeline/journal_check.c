#include "daemon/pipeline/journal_check.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/ticket/fold.h"

#define CHAIN_SHARE    0.5 /* Of the progress; the rest is that of the tickets. */
#define PROGRESS_EVERY 64  /* Tickets. */

/* A ticket that clock.stepped moved. */
struct move {
    int64_t ticket, seq;
};

/* What the events of an alarm say last. */
struct trace {
    char device[ID_BYTES_MAX], rule[ID_BYTES_MAX];
    int64_t episode;
    bool raised;
    char acked_by[PERSON_BYTES]; /* Who acknowledged it last. */
};

struct work {
    const struct journal_check *check;
    struct journal_verdict *out;
    struct state *store;
    struct move *moves;
    size_t move_count, move_capacity;
    struct trace **traces; /* In order of device, rule. */
    size_t trace_count, trace_capacity;
    int64_t ticket_total;
    struct err err; /* Of a callback. */
};

/* ---- Findings ---- */

static void
begin_finding(struct work *w, const char *kind)
{
    struct strbuf *json = &w->out->json;
    strbuf_add(json, json->size > 0 ? ",{" : "{");
    strbuf_json_str(json, "kind", kind);
}

static void
end_finding(struct work *w, const struct strbuf *text)
{
    strbuf_json_str(&w->out->json, "text", strbuf_text(text));
    strbuf_add_char(&w->out->json, '}');
    strbuf_add(&w->out->text, strbuf_text(text));
    strbuf_add_char(&w->out->text, '\n');
}

static bool
is_shown(struct work *w)
{
    return ++w->out->findings <= JOURNAL_FINDINGS_SHOWN;
}

static void
on_found(void *ctx, const struct journal_finding *f)
{
    struct work *w = ctx;
    struct strbuf text = {0};
    if (!is_shown(w)) {
        return;
    }
    journal_finding_to_text(&text, f);
    begin_finding(w, journal_fault_name(f->fault));
    if (f->fault != JOURNAL_NO_HEAD) {
        strbuf_json_int(&w->out->json, "first", f->first);
        strbuf_json_int(&w->out->json, "last", f->last);
    }
    end_finding(w, &text);
    strbuf_fini(&text);
}

/* `field`, `table` and `journal` may be NULL; the two are JSON. */
static void
tell_ticket(struct work *w,
            int64_t number,
            const char *field,
            const char *table,
            const char *journal,
            const char *what)
{
    struct strbuf text = {0};
    if (!is_shown(w)) {
        return;
    }
    begin_finding(w, "ticket");
    strbuf_json_int(&w->out->json, "ticket", number);
    strbuf_printf(&text, tr("ticket %" PRId64 ": "), number);
    if (field != NULL) {
        strbuf_json_str(&w->out->json, "field", field);
        strbuf_json_key(&w->out->json, "table");
        strbuf_add(&w->out->json, table);
        strbuf_json_key(&w->out->json, "journal");
        strbuf_add(&w->out->json, journal);
        strbuf_printf(&text, tr("%s is %s in the table and %s by its events"), field,
                      table, journal);
    } else {
        strbuf_add(&text, tr(what));
    }
    end_finding(w, &text);
    strbuf_fini(&text);
}

static void
tell_alarm(struct work *w, const struct alarm *a, const char *field, const char *what)
{
    struct strbuf text = {0};
    if (!is_shown(w)) {
        return;
    }
    begin_finding(w, "alarm");
    strbuf_json_str(&w->out->json, "device", a->device);
    strbuf_json_str(&w->out->json, "rule", a->rule);
    strbuf_json_str(&w->out->json, "field", field);
    strbuf_printf(&text, tr("alarm %s/%s: %s"), a->device, a->rule, tr(what));
    end_finding(w, &text);
    strbuf_fini(&text);
}

/* ---- What the rows of the journal say, in passing ---- */

/* Room for one more; aborts when out of memory. */
static void *
grown(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    void *more = realloc(items, *capacity * size);
    if (more == NULL) {
        abort();
    }
    return more;
}

static void
note_moves(struct work *w, const struct event_row *row)
{
    json_t *more = row->more != NULL ? json_loads(row->more, 0, NULL) : NULL;
    const char *key;
    const json_t *patch;
    json_object_foreach(more, key, patch)
    {
        w->moves =
            grown(w->moves, w->move_count, &w->move_capacity, sizeof w->moves[0]);
        w->moves[w->move_count++] = (struct move){strtoll(key, NULL, 10), row->seq};
    }
    json_decref(more);
}

/* Where the alarm is in w->traces, or would be. */
static size_t
place_of(const struct work *w, const char *device, const char *rule)
{
    size_t low = 0;
    size_t high = w->trace_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(w->traces[middle]->device, device);
        order = order != 0 ? order : strcmp(w->traces[middle]->rule, rule);
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct trace *
find_trace(const struct work *w, const char *device, const char *rule)
{
    size_t at = place_of(w, device, rule);
    bool is_there = at < w->trace_count && strcmp(w->traces[at]->device, device) == 0 &&
                    strcmp(w->traces[at]->rule, rule) == 0;
    return is_there ? w->traces[at] : NULL;
}

static struct trace *
add_trace(struct work *w, const char *device, const char *rule)
{
    size_t at = place_of(w, device, rule);
    struct trace *t = calloc(1, sizeof *t);
    if (t == NULL) {
        abort();
    }
    w->traces =
        grown(w->traces, w->trace_count, &w->trace_capacity, sizeof(struct trace *));
    memmove(w->traces + at + 1, w->traces + at,
            (w->trace_count - at) * sizeof(struct trace *));
    w->traces[at] = t;
    w->trace_count++;
    snprintf(t->device, sizeof t->device, "%s", device);
    snprintf(t->rule, sizeof t->rule, "%s", rule);
    return t;
}

static void
note_alarm(struct work *w, const struct event_row *row, bool raised)
{
    /* Inside of a text the quotes would be escaped: this is the member. */
    static const char key[] = ",\"episode\":";
    const char *episode = strstr(row->json, key);
    if (episode == NULL || row->device == NULL || row->rule == NULL ||
        strlen(row->device) >= ID_BYTES_MAX || strlen(row->rule) >= ID_BYTES_MAX) {
        return;
    }
    struct trace *t = find_trace(w, row->device, row->rule);
    t = t != NULL ? t : add_trace(w, row->device, row->rule);
    t->episode = strtoll(episode + strlen(key), NULL, 10);
    t->raised = raised;
}

static void
note_ack(struct work *w, const struct event_row *row)
{
    struct trace *t = row->device != NULL && row->rule != NULL
                          ? find_trace(w, row->device, row->rule)
                          : NULL;
    json_t *json = t != NULL ? json_loads(row->json, 0, NULL) : NULL;
    const char *by = json_string_value(json_object_get(json, "by"));
    if (by != NULL) {
        utf8_copy(t->acked_by, sizeof t->acked_by, by);
    }
    json_decref(json);
}

static void
on_row(void *ctx, const struct event_row *row)
{
    struct work *w = ctx;
    if (strcmp(row->name, "clock.stepped") == 0) {
        note_moves(w, row);
    } else if (strcmp(row->name, "alarm.raised") == 0) {
        note_alarm(w, row, true);
    } else if (strcmp(row->name, "alarm.cleared") == 0) {
        note_alarm(w, row, false);
    } else if (strcmp(row->name, "alarm.acknowledged") == 0) {
        note_ack(w, row);
    }
}

static void
on_progress(void *ctx, int64_t done, int64_t total)
{
    const struct work *w = ctx;
    if (w->check->progress != NULL && total > 0) {
        w->check->progress(w->check->ctx, CHAIN_SHARE * (double)done / (double)total);
    }
}

/* ---- Tickets ---- */

struct folding {
    struct work *work;
    int64_t number;
    struct fold fold;
    size_t move; /* The next of work->moves that may concern it. */
    bool bad;    /* An event could not be read. */
};

static void
take_event(struct folding *f, const struct event_row *row)
{
    struct err err;
    if (f->bad ||
        fold_event(&f->fold, f->number, row->name, row->json, row->more, &err) == 0) {
        return;
    }
    char what[ERR_TEXT_BYTES + 64];
    f->bad = true;
    snprintf(what, sizeof what,
             tr("what event %" PRId64 " means for it cannot be read: %s"), row->seq,
             err.text);
    tell_ticket(f->work, f->number, NULL, NULL, NULL, what);
}

static bool
on_moved(void *ctx, const struct event_row *row)
{
    take_event(ctx, row);
    return true;
}

/* Takes the steps of the clock before row `seq`. */
static void
take_moves(struct folding *f, int64_t seq)
{
    struct work *w = f->work;
    while (f->move < w->move_count && w->moves[f->move].ticket == f->number &&
           w->moves[f->move].seq < seq && w->err.code == 0) {
        (void)state_each_event(w->store, w->moves[f->move].seq - 1, 1, on_moved, f,
                               &w->err);
        f->move++;
    }
}

static bool
on_ticket_event(void *ctx, const struct event_row *row)
{
    struct folding *f = ctx;
    take_moves(f, row->seq);
    take_event(f, row);
    return f->work->err.code == 0;
}

static int
by_ticket(const void *a, const void *b)
{
    const struct move *x = a;
    const struct move *y = b;
    if (x->ticket != y->ticket) {
        return x->ticket < y->ticket ? -1 : 1;
    }
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static size_t
first_move(const struct work *w, int64_t number)
{
    size_t low = 0;
    size_t high = w->move_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (w->moves[middle].ticket < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* One member that is in either, as JSON text. */
static void
compare_member(
    struct work *w, int64_t number, const char *name, json_t *table, json_t *journal)
{
    if (table != NULL && journal != NULL && json_equal(table, journal)) {
        return;
    }
    char *in_table = table != NULL ? json_dumps(table, JSON_ENCODE_ANY) : NULL;
    char *by_events = journal != NULL ? json_dumps(journal, JSON_ENCODE_ANY) : NULL;
    tell_ticket(w, number, name, in_table != NULL ? in_table : "null",
                by_events != NULL ? by_events : "null", NULL);
    free(in_table);
    free(by_events);
}

static void
compare(struct work *w, int64_t number, const char *row, const struct ticket *folded)
{
    struct strbuf text = {0};
    fold_row_to_json(&text, folded);
    json_t *journal = json_loads(strbuf_text(&text), 0, NULL);
    json_t *table = json_loads(row, 0, NULL);
    const char *name;
    json_t *value;
    if (table == NULL) {
        tell_ticket(w, number, NULL, NULL, NULL, "its parts in the table are no JSON");
    }
    json_object_foreach(table, name, value)
    {
        compare_member(w, number, name, value, json_object_get(journal, name));
    }
    json_object_foreach(journal, name, value)
    {
        if (table != NULL && json_object_get(table, name) == NULL) {
            compare_member(w, number, name, NULL, value);
        }
    }
    json_decref(journal);
    json_decref(table);
    strbuf_fini(&text);
}

static bool
on_ticket_row(void *ctx, int64_t number, const char *json)
{
    struct work *w = ctx;
    struct folding f = {.work = w, .number = number, .move = first_move(w, number)};
    fold_init(&f.fold);
    (void)state_each_ticket_event(w->store, number, on_ticket_event, &f, &w->err);
    take_moves(&f, INT64_MAX);
    if (w->err.code != 0) {
        return false;
    }
    if (!f.fold.known && !f.bad) {
        tell_ticket(w, number, NULL, NULL, NULL, "no event tells of it");
    } else if (!f.bad) {
        compare(w, number, json, &f.fold.row);
    }
    w->out->tickets++;
    if (w->check->progress != NULL && w->ticket_total > 0 &&
        w->out->tickets % PROGRESS_EVERY == 0) {
        double share = (double)w->out->tickets / (double)w->ticket_total;
        w->check->progress(w->check->ctx, CHAIN_SHARE + (1 - CHAIN_SHARE) * share);
    }
    return true;
}

static bool
on_lost_ticket(void *ctx, int64_t number, const char *json)
{
    (void)json;
    tell_ticket(ctx, number, NULL, NULL, NULL, "its row was removed from the table");
    return true;
}

static int
check_tickets(struct work *w, struct err *err)
{
    if (w->move_count > 0) {
        qsort(w->moves, w->move_count, sizeof w->moves[0], by_ticket);
    }
    int code = state_max_ticket(w->store, &w->ticket_total, err);
    if (code == 0) {
        code = state_each_ticket_row(w->store, on_ticket_row, w, err);
    }
    if (code == 0 && w->err.code != 0) {
        code = err_set(err, w->err.code, "%s", w->err.text);
    }
    return code == 0 ? state_each_lost_ticket(w->store, on_lost_ticket, w, err) : code;
}

/* ---- Alarms ---- */

static bool
on_alarm(void *ctx, const struct alarm *a)
{
    struct work *w = ctx;
    char what[160];
    const struct trace *t = find_trace(w, a->device, a->rule);
    bool raised = a->cleared_ms == INSTANT_NONE;
    w->out->alarms++;
    if (a->untold) {
        return true; /* Hidden since it was raised: no event tells of this episode. */
    }
    if (t == NULL) {
        tell_alarm(w, a, "episode", "no event tells of it");
    } else if (a->episode != t->episode) {
        snprintf(
            what, sizeof what,
            tr("episode is %" PRId64 " in the table and %" PRId64 " by its events"),
            a->episode, t->episode);
        tell_alarm(w, a, "episode", what);
    } else if (raised != t->raised) {
        snprintf(what, sizeof what, tr("it is %s in the table and %s by its events"),
                 raised ? tr("raised") : tr("cleared"),
                 t->raised ? tr("raised") : tr("cleared"));
        tell_alarm(w, a, "cleared_ms", what);
    } else if (a->acked_by[0] != '\0' && strcmp(a->acked_by, t->acked_by) != 0) {
        tell_alarm(w, a, "acked_by", "no event tells of who acknowledged it");
    }
    return true;
}

/* A word that nobody knows ends the reading of the table; that is a finding, too. */
static void
check_alarms(struct work *w)
{
    struct err err;
    if (state_each_alarm(w->store, false, on_alarm, w, &err) != 0 && is_shown(w)) {
        struct strbuf text = {0};
        begin_finding(w, "alarm");
        strbuf_printf(&text, tr("the table of alarms cannot be read to its end: %s"),
                      err.text);
        end_finding(w, &text);
        strbuf_fini(&text);
    }
}

static int
check_all(struct work *w, struct err *err)
{
    const struct journal_proof proof = {.kept = w->check->kept,
                                        .ctx = w,
                                        .found = on_found,
                                        .row = on_row,
                                        .progress = on_progress};
    struct journal_sum sum;
    int code = journal_prove(w->store, &proof, &sum, err);
    w->out->events = sum.rows;
    w->out->head = sum.head;
    if (code == 0) {
        code = check_tickets(w, err);
    }
    if (code == 0) {
        check_alarms(w);
    }
    return code;
}

int
journal_check(const struct journal_check *check,
              struct journal_verdict *out,
              struct err *err)
{
    struct work w = {.check = check, .out = out};
    *out = (struct journal_verdict){0};
    int code = state_open(&w.store, check->data_dir, STORE_READ, err);
    if (code == 0) {
        code = state_read_begin(w.store, err);
    }
    if (code == 0) {
        code = check_all(&w, err);
        state_read_end(w.store);
    }
    state_close(w.store);
    for (size_t i = 0; i < w.trace_count; i++) {
        free(w.traces[i]);
    }
    free(w.traces);
    free(w.moves);
    return code;
}

void
journal_verdict_fini(struct journal_verdict *v)
{
    strbuf_fini(&v->text);
    strbuf_fini(&v->json);
}
