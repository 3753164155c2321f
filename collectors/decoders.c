/* The decoders of all points of a site. */
#include "collectors/decoders.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a (Fowler, Noll, Vo; RFC 9923): the table is small and nobody attacks it. */
static uint32_t
hash_of(const struct decoder *d)
{
    unsigned char bytes[sizeof *d];
    uint32_t hash = 2166136261u;

    memcpy(bytes, d, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    return hash;
}

/* Finds the like of items[count], which is not counted yet, or counts it; returns the
 * index.  `slots` is a hash table of indices plus one, `mask` its size less one. */
static uint32_t
intern(struct decoders *d, uint32_t *slots, uint32_t mask)
{
    const struct decoder *new = &d->items[d->count];
    uint32_t at = hash_of(new) & mask;

    for (; slots[at] != 0; at = (at + 1) & mask) {
        if (memcmp(&d->items[slots[at] - 1], new, sizeof *new) == 0) {
            return slots[at] - 1;
        }
    }
    slots[at] = ++d->count;
    return d->count - 1;
}

int
decoders_init(struct decoders *out, const struct site *site, struct err *err)
{
    size_t points = (size_t)site->point_count + 1; /* Nothing of size 0. */
    uint32_t size = 16;

    while (size < 2 * points) {
        size *= 2;
    }
    uint32_t *slots = calloc(size, sizeof *slots);
    *out = (struct decoders){.items = calloc(points, sizeof *out->items),
                             .of_point = calloc(points, sizeof *out->of_point)};
    if (slots == NULL || out->items == NULL || out->of_point == NULL) {
        free(slots);
        decoders_fini(out);
        return err_set(err, ERR_NOMEM, "no memory for decoders");
    }
    for (uint32_t i = 0; i < site->point_count; i++) {
        const struct point *p = &site->points[i];
        decoder_init(&out->items[out->count], p, site->devices[p->device].first_point);
        out->of_point[i] = intern(out, slots, size - 1);
    }
    free(slots);
    struct decoder *fitted =
        realloc(out->items, ((size_t)out->count + 1) * sizeof *fitted);
    out->items = fitted != NULL ? fitted : out->items;
    return 0;
}

void
decoders_fini(struct decoders *d)
{
    free(d->items);
    free(d->of_point);
    *d = (struct decoders){0};
}
