/* What the fuzz targets of recorded files share: any bytes as such a file, decoded
 * through a site.  Whatever comes out must be frames as everybody downstream expects
 * them. */
#ifndef CARETAKER_TESTS_FUZZ_REPLAYED_H
#define CARETAKER_TESTS_FUZZ_REPLAYED_H

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "collectors/record_reader.h"
#include "daemon/base/instant.h"
#include "tests/fake/record_site.h"

struct replayed {
    uint64_t bad;    /* Told, */
    uint32_t frames; /* and taken. */
};

static inline void
replayed_bad(void *ctx, const struct loc *loc, const char *text)
{
    struct replayed *p = ctx;

    assert(loc->file != NULL);
    assert(text[0] != '\0');
    p->bad++;
}

static inline void
replayed_frame(const struct site *site, const struct frame *f, int64_t last_ms)
{
    assert(f->t_ms >= last_ms);
    assert(f->device < site->device_count);
    assert(f->count > 0);
    assert(f->count <= site->devices[f->device].point_count);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];

        assert(r->point < site->point_count);
        assert(site->points[r->point].device == f->device);
        assert(i == 0 || r->point > r[-1].point);
        assert(r->quality < QUALITY_COUNT);
        assert(isfinite(r->value));
    }
}

/* `bus` as in record_reader_open(). */
static inline struct replayed
replayed_run(FILE *file, uint32_t bus)
{
    struct site *site = record_site_new();
    struct replayed p = {0};
    struct record_reader *r = NULL;
    struct err err = {0};

    if (record_reader_open_file(&r, site, file, "record", bus, replayed_bad, &p,
                                &err) == 0) {
        int64_t last_ms = INT64_MIN;
        const struct frame *f;

        while ((f = record_reader_next(r)) != NULL) {
            replayed_frame(site, f, last_ms);
            last_ms = f->t_ms;
            p.frames++;
        }
        struct record_reader_counts c = record_reader_counts(r);
        assert(c.bad == p.bad);
        assert(c.bad <= c.rows + 1); /* A capture may break off between packets. */
        record_reader_close(r);
    } else {
        assert(err.text[0] != '\0');
    }
    site_free(site);
    return p;
}

#endif
