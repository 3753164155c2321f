#include "daemon/pipeline/rows/report_names.h"

#include <stdlib.h>
#include <string.h>

#define FREE_SLOT UINT32_MAX

void
report_names_fini(struct report_names *n)
{
    for (uint32_t i = 0; i < n->count; i++) {
        free(n->items[i]);
    }
    free(n->items);
    free(n->table);
    *n = (struct report_names){0};
}

/* Where the name stands in the table, or where it would; FNV-1a. */
static uint32_t *
slot_of(const struct report_names *n, const char *name)
{
    uint32_t h = 2166136261u;
    for (const char *c = name; *c != '\0'; c++) {
        h = (h ^ (unsigned char)*c) * 16777619u;
    }
    uint32_t at = h & (n->table_size - 1);
    while (n->table[at] != FREE_SLOT && strcmp(n->items[n->table[at]], name) != 0) {
        at = (at + 1) & (n->table_size - 1);
    }
    return &n->table[at];
}

static void
index_all(struct report_names *n)
{
    memset(n->table, 0xFF, n->table_size * sizeof *n->table);
    for (uint32_t i = 0; i < n->count; i++) {
        *slot_of(n, n->items[i]) = i;
    }
}

/* Room for one more, in a table that is at most half full. */
static void
grow(struct report_names *n)
{
    if (n->count < n->room) {
        return;
    }
    n->room = n->room == 0 ? 64 : n->room * 2;
    n->items = realloc(n->items, n->room * sizeof *n->items);
    free(n->table);
    n->table_size = 2 * n->room;
    n->table = malloc(n->table_size * sizeof *n->table);
    if (n->items == NULL || n->table == NULL) {
        abort();
    }
    index_all(n);
}

uint32_t
report_names_add(struct report_names *n, const char *name)
{
    if (name == NULL || name[0] == '\0') {
        return UINT32_MAX;
    }
    grow(n);
    uint32_t *slot = slot_of(n, name);
    if (*slot == FREE_SLOT) {
        n->items[n->count] = strdup(name);
        if (n->items[n->count] == NULL) {
            abort();
        }
        *slot = n->count++;
    }
    return *slot;
}

uint32_t
report_names_find(const struct report_names *n, const char *name)
{
    return n->count > 0 && name != NULL ? *slot_of(n, name) : UINT32_MAX;
}

static int
by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void
report_names_sort(struct report_names *n)
{
    if (n->count > 0) {
        qsort(n->items, n->count, sizeof *n->items, by_text);
        index_all(n);
    }
}
