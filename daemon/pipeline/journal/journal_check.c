#include "daemon/pipeline/journal/journal_check.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/journal/journal_alarms.h"
#include "daemon/pipeline/journal/journal_finding.h"
#include "daemon/pipeline/journal/journal_photos.h"
#include "daemon/store/state_evidence.h"
#include "daemon/ticket/fold.h"

#define CHAIN_SHARE    0.5 /* Of the progress; the rest is that of the tickets. */
#define PROGRESS_EVERY 64  /* Tickets. */

#define HASH_DIGITS (EVIDENCE_HASH_BYTES - 1)

/* A ticket that clock.stepped moved. */
struct move {
    int64_t ticket, seq;
};

struct work {
    const struct journal_check *check;
    struct journal_verdict *out;
    struct state *store;
    struct move *moves;
    size_t move_count, move_capacity;
    struct journal_alarms alarms;
    int64_t ticket_total;
    struct err err; /* Of a callback. */
};

/* ---- Findings ---- */

static void
on_found(void *ctx, const struct journal_finding *f)
{
    struct work *w = ctx;
    struct strbuf text = {0};
    if (!journal_finding_is_shown(w->out)) {
        return;
    }
    journal_finding_to_text(&text, f);
    journal_finding_begin(w->out, journal_fault_name(f->fault));
    if (f->fault != JOURNAL_NO_HEAD) {
        strbuf_json_int(&w->out->json, "first", f->first);
        strbuf_json_int(&w->out->json, "last", f->last);
    }
    journal_finding_end(w->out, &text);
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
    if (!journal_finding_is_shown(w->out)) {
        return;
    }
    journal_finding_begin(w->out, "ticket");
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
    journal_finding_end(w->out, &text);
    strbuf_fini(&text);
}

/* ---- What the rows of the journal say, in passing ---- */

static void
note_moves(struct work *w, const struct event_row *row)
{
    json_t *more = row->more != NULL ? json_loads(row->more, 0, NULL) : NULL;
    const char *key;
    const json_t *patch;
    json_object_foreach(more, key, patch)
    {
        if (w->move_count == w->move_capacity) {
            w->move_capacity = w->move_capacity == 0 ? 64 : 2 * w->move_capacity;
            w->moves = realloc(w->moves, w->move_capacity * sizeof w->moves[0]);
            if (w->moves == NULL) {
                abort();
            }
        }
        w->moves[w->move_count++] = (struct move){strtoll(key, NULL, 10), row->seq};
    }
    json_decref(more);
}

static void
on_row(void *ctx, const struct event_row *row)
{
    struct work *w = ctx;
    if (strcmp(row->name, "clock.stepped") == 0) {
        note_moves(w, row);
    } else {
        journal_alarms_note(&w->alarms, row);
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
    /* HASH_DIGITS for each opening: that of its evidence.  The first is '-' when its
     * event carries none, and '+' once the evidence was met. */
    struct strbuf openings;
    struct journal_photos photos;
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

static void
note_opening(struct folding *f, const struct event_row *row)
{
    static const char none[] =
        "----------------------------------------------------------------";
    _Static_assert(sizeof none == HASH_DIGITS + 1, "as long as a hash");
    if (strcmp(row->name, "ticket.opened") != 0 &&
        strcmp(row->name, "ticket.reopened") != 0) {
        return;
    }
    json_t *more = row->more != NULL ? json_loads(row->more, 0, NULL) : NULL;
    const char *hash = json_string_value(json_object_get(more, FOLD_EVIDENCE));
    strbuf_add(&f->openings, hash != NULL && strlen(hash) == HASH_DIGITS ? hash : none);
    json_decref(more);
}

static bool
on_evidence(void *ctx, const struct evidence_row *row)
{
    struct folding *f = ctx;
    int64_t count = (int64_t)(f->openings.size / HASH_DIGITS);
    char hash[EVIDENCE_HASH_BYTES];
    char what[160];
    if (row->opening < 1 || row->opening > count) {
        snprintf(
            what, sizeof what,
            tr("there is evidence of opening %" PRId64 ", of which no event tells"),
            row->opening);
        tell_ticket(f->work, f->number, NULL, NULL, NULL, what);
        return true;
    }
    char *told = f->openings.text + (row->opening - 1) * HASH_DIGITS;
    state_evidence_hash(hash, row);
    if (*told != '-' && memcmp(told, hash, HASH_DIGITS) != 0) {
        snprintf(what, sizeof what,
                 tr("the evidence of its opening %" PRId64 " was changed"),
                 row->opening);
        tell_ticket(f->work, f->number, NULL, NULL, NULL, what);
    }
    *told = '+';
    return true;
}

/* What was stored at each opening is what the chain says was. */
static void
check_evidence(struct folding *f)
{
    (void)state_each_evidence(f->work->store, f->number, on_evidence, f, &f->work->err);
    for (size_t i = 0; i < f->openings.size; i += HASH_DIGITS) {
        char met = f->openings.text[i];
        if (met != '-' && met != '+' && f->work->err.code == 0) {
            char what[160];
            snprintf(what, sizeof what,
                     tr("the evidence of its opening %" PRId64 " was removed"),
                     (int64_t)(i / HASH_DIGITS) + 1);
            tell_ticket(f->work, f->number, NULL, NULL, NULL, what);
        }
    }
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
    note_opening(f, row);
    if (f->work->err.code == 0) {
        (void)journal_photos_note(&f->photos, row, &f->work->err);
    }
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
        tell_ticket(w, number, NULL, NULL, NULL,
                    "its parts or titles in the table are no JSON");
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
    struct folding f = {.work = w,
                        .number = number,
                        .move = first_move(w, number),
                        .photos = {.out = w->out,
                                   .store = w->store,
                                   .data_dir = w->check->data_dir,
                                   .ticket = number}};
    fold_init(&f.fold);
    (void)state_each_ticket_event(w->store, number, on_ticket_event, &f, &w->err);
    take_moves(&f, INT64_MAX);
    if (w->err.code == 0) {
        check_evidence(&f);
    }
    if (w->err.code == 0) {
        (void)journal_photos_check(&f.photos, &w->err);
    }
    strbuf_fini(&f.openings);
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
        journal_alarms_check(&w->alarms, w->store);
    }
    return code;
}

int
journal_check(const struct journal_check *check,
              struct journal_verdict *out,
              struct err *err)
{
    struct work w = {.check = check, .out = out, .alarms = {.out = out}};
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
    journal_alarms_fini(&w.alarms);
    free(w.moves);
    return code;
}

void
journal_verdict_fini(struct journal_verdict *v)
{
    strbuf_fini(&v->text);
    strbuf_fini(&v->json);
}
