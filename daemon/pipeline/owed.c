#include "daemon/pipeline/owed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_BACK 1000 /* Changes of one step; its alarms come before its tickets. */

static void
forget(struct owed *o, size_t at)
{
    free(o->rows[at]);
    o->rows[at] = o->rows[--o->count];
}

void
owed_fini(struct owed *o)
{
    while (o->count > 0) {
        forget(o, o->count - 1);
    }
    free(o->rows);
    *o = (struct owed){0};
}

/* `count` when it is not there. */
static size_t
find(const struct owed *o, int64_t number)
{
    size_t at = 0;
    while (at < o->count && o->rows[at]->now->number != number) {
        at++;
    }
    return at;
}

static bool
keep_before(void *ctx, const struct ticket *row)
{
    fold_set(ctx, row);
    return true;
}

void
owed_add(struct owed *o, struct state *store, const struct ticket *now)
{
    size_t at = find(o, now->number);
    if (at < o->count) {
        o->rows[at]->now = now;
        return;
    }
    if (o->count == o->capacity) {
        o->capacity = o->capacity == 0 ? 8 : o->capacity * 2;
        struct owed_row **grown =
            realloc(o->rows, o->capacity * sizeof(struct owed_row *));
        if (grown == NULL) {
            abort();
        }
        o->rows = grown;
    }
    struct owed_row *row = calloc(1, sizeof *row);
    if (row == NULL) {
        abort();
    }
    row->now = now;
    fold_init(&row->before);
    o->rows[o->count++] = row;
    struct err why = {0};
    if (state_one_ticket(store, now->number, keep_before, &row->before, &why) != 0) {
        /* A row that somebody has made unreadable must not stop the others: the journal
         * gets the whole of what comes in its place.  A disk that cannot be read is not
         * written either, and says so then. */
        fold_init(&row->before);
    }
}

void
owed_take(struct owed *o, int64_t number, struct strbuf *more)
{
    size_t at = find(o, number);
    if (at < o->count) {
        (void)fold_patch(more, &o->rows[at]->before, o->rows[at]->now);
        forget(o, at);
    }
}

static int
by_number(const void *a, const void *b)
{
    const struct owed_row *const *x = a;
    const struct owed_row *const *y = b;
    int64_t first = (*x)->now->number;
    int64_t second = (*y)->now->number;
    return (first > second) - (first < second);
}

void
owed_take_all(struct owed *o, int64_t step_ms, struct strbuf *more)
{
    if (o->count == 0) {
        return;
    }
    qsort(o->rows, o->count, sizeof o->rows[0], by_number);
    strbuf_add_char(more, '{');
    for (size_t i = 0; i < o->count; i++) {
        struct owed_row *row = o->rows[i];
        char key[32];
        snprintf(key, sizeof key, "%" PRId64, row->now->number);
        strbuf_json_key(more, key);
        fold_move(&row->before, step_ms);
        if (!fold_patch(more, &row->before, row->now)) {
            strbuf_add(more, "{}");
        }
    }
    strbuf_add_char(more, '}');
    while (o->count > 0) {
        forget(o, o->count - 1);
    }
}

void
owed_drop(struct owed *o, int64_t number)
{
    size_t at = find(o, number);
    if (at < o->count) {
        forget(o, at);
    }
}

/* The event of an alarm of its device that comes before the row and carries none; of
 * its rule if there is one.  OWED_NO_ROW when there is none. */
static size_t
alarm_before(const struct owed_step *steps, size_t row)
{
    size_t found = OWED_NO_ROW;
    size_t end = row > LOOK_BACK ? row - LOOK_BACK : 0;
    for (size_t i = row; i-- > end;) {
        const struct owed_step *s = &steps[i];
        bool alarm = s->what == OWED_EVENT && s->kind >= EVENT_ALARM_RAISED &&
                     s->kind <= EVENT_ALARM_REALARMED;
        if (s->what == OWED_EVENT &&
            (s->kind == EVENT_CLOCK_STEPPED || s->ticket == steps[row].ticket)) {
            break; /* What it carries of the ticket is older. */
        }
        if (!alarm || s->carries != OWED_NO_ROW ||
            strcmp(s->device, steps[row].device) != 0) {
            continue;
        }
        if (strcmp(s->rule, steps[row].rule) == 0) {
            return i;
        }
        found = found == OWED_NO_ROW ? i : found;
    }
    return found;
}

static bool
is_among(const int64_t *numbers, size_t count, int64_t number)
{
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        found = numbers[i] == number;
    }
    return found;
}

void
owed_plan(struct owed_step *steps, size_t count)
{
    int64_t *seen = calloc(count + 1, sizeof *seen); /* Tickets that are met behind. */
    size_t seen_count = 0;
    if (seen == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        steps[i].carries = OWED_NO_ROW;
        steps[i].carried = false;
    }
    for (size_t i = count; i-- > 0;) {
        struct owed_step *s = &steps[i];
        if (s->what == OWED_EVENT && s->kind == EVENT_CLOCK_STEPPED) {
            break; /* It carries all rows before it. */
        }
        if (s->what == OWED_NOTHING || s->ticket == 0 ||
            is_among(seen, seen_count, s->ticket)) {
            continue;
        }
        seen[seen_count++] = s->ticket;
        size_t event = s->what == OWED_ROW ? alarm_before(steps, i) : OWED_NO_ROW;
        if (event != OWED_NO_ROW) {
            steps[event].carries = i;
            s->carried = true;
        }
    }
    free(seen);
}
