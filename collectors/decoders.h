/* The decoders of all points of a site.  Points that are decoded alike share one, as
 * those of a profile do on all its devices. */
#ifndef CARETAKER_COLLECTORS_DECODERS_H
#define CARETAKER_COLLECTORS_DECODERS_H

#include "collectors/decoder.h"

struct decoders {
    struct decoder *items;
    uint32_t count;
    uint32_t *of_point; /* Index into items, by point. */
};

/* Borrows the sentinels of `site`.  ERR_NOMEM. */
int decoders_init(struct decoders *out, const struct site *site, struct err *err);
void decoders_fini(struct decoders *d); /* A zeroed one is accepted. */

static inline const struct decoder *
decoders_get(const struct decoders *d, uint32_t point)
{
    return &d->items[d->of_point[point]];
}

#endif
