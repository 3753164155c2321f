#include "daemon/ticket/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"

void
ticket_table_init(struct ticket_table *t)
{
    memset(t, 0, sizeof *t);
}

void
ticket_table_fini(struct ticket_table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->by_number[i]);
    }
    free(t->by_number);
    free(t->by_key);
    free(t->heap);
    memset(t, 0, sizeof *t);
}

static struct ticket_entry **
grown(struct ticket_entry **array, size_t capacity)
{
    struct ticket_entry **larger = realloc(array, capacity * sizeof *larger);
    if (larger == NULL) {
        abort();
    }
    return larger;
}

static void
insert(struct ticket_entry **array, size_t count, size_t at, struct ticket_entry *e)
{
    memmove(&array[at + 1], &array[at], (count - at) * sizeof(struct ticket_entry *));
    array[at] = e;
}

/* The first place whose number is not below `number`. */
static size_t
place_of_number(const struct ticket_table *t, int64_t number)
{
    size_t low = 0;
    size_t high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->by_number[middle]->row.number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
key_below(const struct ticket_entry *e, uint32_t device, uint32_t rule, int64_t number)
{
    if (e->device != device) {
        return e->device < device;
    }
    if (e->rule != rule) {
        return e->rule < rule;
    }
    return e->row.number < number;
}

/* The first place whose key is not below (device, rule, number). */
static size_t
place_of_key(const struct ticket_table *t,
             uint32_t device,
             uint32_t rule,
             int64_t number)
{
    size_t low = 0;
    size_t high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key_below(t->by_key[middle], device, rule, number)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
due_before(const struct ticket_entry *a, const struct ticket_entry *b)
{
    if (a->due_ms != b->due_ms) {
        return a->due_ms < b->due_ms;
    }
    bool a_verifies = a->timer == TICKET_TIMER_VERIFY;
    bool b_verifies = b->timer == TICKET_TIMER_VERIFY;
    if (a_verifies != b_verifies) {
        return a_verifies;
    }
    return key_below(a, b->device, b->rule, b->row.number);
}

static void
put(struct ticket_table *t, size_t at, struct ticket_entry *e)
{
    t->heap[at] = e;
    e->heap_at = at;
}

void
ticket_table_moved(struct ticket_table *t, struct ticket_entry *e)
{
    size_t at = e->heap_at;
    while (at > 0 && due_before(e, t->heap[(at - 1) / 2])) {
        put(t, at, t->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (size_t child = at * 2 + 1; child < t->count; child = at * 2 + 1) {
        if (child + 1 < t->count && due_before(t->heap[child + 1], t->heap[child])) {
            child++;
        }
        if (!due_before(t->heap[child], e)) {
            break;
        }
        put(t, at, t->heap[child]);
        at = child;
    }
    put(t, at, e);
}

void
ticket_table_add(struct ticket_table *t, struct ticket_entry *e)
{
    if (t->count == t->capacity) {
        size_t capacity = t->capacity == 0 ? 16 : t->capacity * 2;
        t->by_number = grown(t->by_number, capacity);
        t->by_key = grown(t->by_key, capacity);
        t->heap = grown(t->heap, capacity);
        t->capacity = capacity;
    }
    size_t at = place_of_number(t, e->row.number);
    assert(at == t->count || t->by_number[at]->row.number != e->row.number);
    insert(t->by_number, t->count, at, e);
    insert(t->by_key, t->count, place_of_key(t, e->device, e->rule, e->row.number), e);
    put(t, t->count, e);
    t->count++;
    ticket_table_moved(t, e);
}

void
ticket_table_sweep(struct ticket_table *t,
                   bool (*gone)(const void *ctx, const struct ticket_entry *e),
                   const void *ctx)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        struct ticket_entry *e = t->by_key[i];
        if (!gone(ctx, e)) {
            t->by_key[kept++] = e;
        }
    }
    if (kept == t->count) {
        return;
    }
    kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        struct ticket_entry *e = t->by_number[i];
        if (gone(ctx, e)) {
            free(e);
        } else {
            t->by_number[kept++] = e;
        }
    }
    /* The heap is built anew: each entry joins those before it. */
    t->count = 0;
    for (size_t i = 0; i < kept; i++) {
        put(t, i, t->by_number[i]);
        t->count++;
        ticket_table_moved(t, t->by_number[i]);
    }
}

struct ticket_entry *
ticket_table_find(const struct ticket_table *t, int64_t number)
{
    size_t at = place_of_number(t, number);
    if (at == t->count || t->by_number[at]->row.number != number) {
        return NULL;
    }
    return t->by_number[at];
}

struct ticket_entry *
ticket_table_newest(const struct ticket_table *t, uint32_t device, uint32_t rule)
{
    size_t after = place_of_key(t, device, rule, INT64_MAX);
    if (after == 0 || t->by_key[after - 1]->device != device ||
        t->by_key[after - 1]->rule != rule) {
        return NULL;
    }
    return t->by_key[after - 1];
}

struct ticket_entry *
ticket_table_before(const struct ticket_table *t, const struct ticket_entry *e)
{
    size_t at = place_of_key(t, e->device, e->rule, e->row.number);
    if (at == 0 || t->by_key[at - 1]->device != e->device ||
        t->by_key[at - 1]->rule != e->rule) {
        return NULL;
    }
    return t->by_key[at - 1];
}

struct ticket_entry *
ticket_table_open(const struct ticket_table *t, uint32_t device, uint32_t rule)
{
    for (size_t i = place_of_key(t, device, rule, 0);
         i < t->count && t->by_key[i]->device == device && t->by_key[i]->rule == rule;
         i++) {
        if (t->by_key[i]->row.state != TICKET_CLOSED) {
            return t->by_key[i];
        }
    }
    return NULL;
}

struct ticket_entry *
ticket_table_first(const struct ticket_table *t)
{
    return t->count > 0 && t->heap[0]->due_ms != INSTANT_MAX ? t->heap[0] : NULL;
}
