#include "daemon/base/arena.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 16384 /* Configurations are a few hundred kilobytes at most. */
#define ALIGNMENT   16

struct block {
    struct block *next;
    size_t used;
    size_t capacity;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

struct arena {
    struct block *blocks; /* The one being filled comes first. */
    size_t total;
    atomic_uint owners; /* Beside the first. */
};

struct arena *
arena_new(void)
{
    struct arena *a = calloc(1, sizeof *a);
    if (a == NULL) {
        abort();
    }
    return a;
}

struct arena *
arena_share(struct arena *a)
{
    atomic_fetch_add(&a->owners, 1);
    return a;
}

void
arena_free(struct arena *a)
{
    if (a == NULL || atomic_fetch_sub(&a->owners, 1) != 0) {
        return;
    }
    struct block *b = a->blocks;
    while (b != NULL) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
    free(a);
}

void *
arena_alloc(struct arena *a, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded < size) {
        abort();
    }
    struct block *b = a->blocks;
    if (b == NULL || b->capacity - b->used < rounded) {
        size_t capacity = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;
        b = calloc(1, sizeof *b + capacity);
        if (b == NULL) {
            abort();
        }
        b->capacity = capacity;
        b->next = a->blocks;
        a->blocks = b;
        a->total += sizeof *b + capacity;
    }
    void *memory = b->bytes + b->used;
    b->used += rounded;
    return memory;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        abort();
    }
    return arena_alloc(a, count * size);
}

char *
arena_strndup(struct arena *a, const char *text, size_t size)
{
    char *copy = arena_alloc(a, size + 1);
    memcpy(copy, text, size);
    return copy;
}

char *
arena_strdup(struct arena *a, const char *text)
{
    return text == NULL ? NULL : arena_strndup(a, text, strlen(text));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (size < 0) {
        abort();
    }
    char *text = arena_alloc(a, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, fmt, again);
    va_end(again);
    return text;
}

size_t
arena_bytes(const struct arena *a)
{
    return a->total;
}
