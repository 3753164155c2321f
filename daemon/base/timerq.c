#include "daemon/base/timerq.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/base/instant.h"

#define NOT_SET UINT32_MAX

struct entry {
    int64_t due_ms;
    uint32_t id;
    uint8_t class;
};

struct timerq {
    struct entry *heap;
    uint32_t *place; /* By id: index into heap, or NOT_SET. */
    uint32_t used;
    uint32_t count;
};

struct timerq *
timerq_new(uint32_t count)
{
    struct timerq *q = calloc(1, sizeof *q);
    size_t slots = count > 0 ? count : 1;
    if (q == NULL || (q->heap = calloc(slots, sizeof *q->heap)) == NULL ||
        (q->place = calloc(slots, sizeof *q->place)) == NULL) {
        abort();
    }
    q->count = count;
    for (uint32_t i = 0; i < count; i++) {
        q->place[i] = NOT_SET;
    }
    return q;
}

void
timerq_free(struct timerq *q)
{
    if (q == NULL) {
        return;
    }
    free(q->heap);
    free(q->place);
    free(q);
}

static bool
before(const struct entry *a, const struct entry *b)
{
    if (a->due_ms != b->due_ms) {
        return a->due_ms < b->due_ms;
    }
    if (a->class != b->class) {
        return a->class < b->class;
    }
    return a->id < b->id;
}

static void
put(struct timerq *q, uint32_t at, struct entry e)
{
    q->heap[at] = e;
    q->place[e.id] = at;
}

/* Moves the entry at `at` to where it belongs, up or down. */
static void
settle(struct timerq *q, uint32_t at)
{
    struct entry moved = q->heap[at];
    while (at > 0 && before(&moved, &q->heap[(at - 1) / 2])) {
        put(q, at, q->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= q->used) {
            break;
        }
        if (child + 1 < q->used && before(&q->heap[child + 1], &q->heap[child])) {
            child++;
        }
        if (!before(&q->heap[child], &moved)) {
            break;
        }
        put(q, at, q->heap[child]);
        at = child;
    }
    put(q, at, moved);
}

void
timerq_set(struct timerq *q, uint32_t id, int64_t due_ms, uint8_t class)
{
    assert(id < q->count);
    uint32_t at = q->place[id];
    if (at == NOT_SET) {
        at = q->used++;
    }
    put(q, at, (struct entry){due_ms, id, class});
    settle(q, at);
}

void
timerq_cancel(struct timerq *q, uint32_t id)
{
    assert(id < q->count);
    uint32_t at = q->place[id];
    if (at == NOT_SET) {
        return;
    }
    q->place[id] = NOT_SET;
    q->used--;
    if (at != q->used) {
        put(q, at, q->heap[q->used]);
        settle(q, at);
    }
}

bool
timerq_is_set(const struct timerq *q, uint32_t id)
{
    assert(id < q->count);
    return q->place[id] != NOT_SET;
}

int64_t
timerq_due_of(const struct timerq *q, uint32_t id)
{
    assert(id < q->count);
    return q->place[id] == NOT_SET ? INSTANT_MAX : q->heap[q->place[id]].due_ms;
}

int64_t
timerq_due(const struct timerq *q)
{
    return q->used == 0 ? INSTANT_MAX : q->heap[0].due_ms;
}

bool
timerq_first(const struct timerq *q, uint32_t *id, int64_t *due_ms, uint8_t *class)
{
    if (q->used == 0) {
        return false;
    }
    *id = q->heap[0].id;
    *due_ms = q->heap[0].due_ms;
    *class = q->heap[0].class;
    return true;
}

void
timerq_shift(struct timerq *q, int64_t delta_ms)
{
    for (uint32_t i = 0; i < q->used; i++) {
        q->heap[i].due_ms += delta_ms;
    }
}
