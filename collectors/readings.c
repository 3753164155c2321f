/* The readings of one poll of one device. */
#include "collectors/readings.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/counter.h"

#define NOT_IN_FRAME QUALITY_COUNT
#define EVENTS_TOLD  5 /* To the log, of each kind: many are the rule, not news. */

/* Registers of a point that waits for its decimals until the poll is complete. */
struct pending {
    uint32_t point;
    uint16_t words[4];
    uint16_t count;
};

struct readings {
    const struct site *site;
    const struct decoders *decoders;
    const struct device *device; /* NULL: readings_begin() comes next. */
    struct known_raw *raws;
    struct counter_memory *counters; /* Of the device, in order of its points. */
    struct frame *frame;
    struct reading *items; /* Of the frame; by point, from the device's first on. */
    uint32_t capacity;
    struct pending *pending;
    uint32_t pending_count;
    uint32_t pending_capacity;
};

struct readings *
readings_new(const struct site *site,
             const struct decoders *decoders,
             uint32_t points,
             uint32_t waiting)
{
    struct readings *r = calloc(1, sizeof *r);

    if (r == NULL) {
        return NULL;
    }
    r->site = site;
    r->decoders = decoders;
    r->capacity = points;
    r->pending_capacity = waiting;
    r->frame = calloc(1, frame_bytes((uint16_t)points));
    r->pending = calloc((size_t)waiting + 1, sizeof *r->pending);
    if (r->frame == NULL || r->pending == NULL) {
        readings_free(r);
        return NULL;
    }
    r->items = r->frame->readings;
    return r;
}

void
readings_free(struct readings *r)
{
    if (r == NULL) {
        return;
    }
    free(r->frame);
    free(r->pending);
    free(r);
}

uint32_t
readings_counters(const struct decoders *decoders, const struct device *device)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < device->point_count; i++) {
        count += decoders_get(decoders, device->first_point + i)->counter;
    }
    return count;
}

void
readings_begin(struct readings *r,
               const struct device *device,
               struct known_raw *raws,
               struct counter_memory *counters)
{
    assert(device->point_count <= r->capacity);
    r->device = device;
    r->raws = raws;
    r->counters = counters;
    r->pending_count = 0;
    for (uint32_t i = 0; i < device->point_count; i++) {
        r->items[i] =
            (struct reading){.point = device->first_point + i, .quality = NOT_IN_FRAME};
    }
}

static struct reading *
reading_of(struct readings *r, uint32_t point)
{
    assert(r->device != NULL);
    return &r->items[point - r->device->first_point];
}

void
readings_mark(struct readings *r,
              const struct plan_group *g,
              const struct plan_request *q,
              enum quality why,
              uint8_t detail)
{
    for (uint32_t i = 0; i < q->point_count; i++) {
        struct reading *out = reading_of(r, g->order[q->first + i]);
        out->value = 0.0;
        out->quality = (uint8_t)why;
        out->detail = detail;
    }
}

void
readings_set(
    struct readings *r, uint32_t point, double value, enum quality why, uint8_t detail)
{
    struct reading *out = reading_of(r, point);

    out->value = value;
    out->quality = (uint8_t)why;
    out->detail = detail;
}

static void
keep_raw(struct readings *r, uint32_t index, uint64_t raw)
{
    if (r->raws != NULL) {
        r->raws[index - r->device->first_point] = (struct known_raw){
            .known = true, .raw = raw > INT_MAX ? INT_MAX : (int)raw};
    }
}

static void
decode_registers(struct readings *r,
                 const struct plan_request *q,
                 uint32_t index,
                 const struct read_answer *answer)
{
    const struct decoder *d = decoders_get(r->decoders, index);
    uint16_t offset = (uint16_t)(d->address - q->address);
    const uint16_t *words = &answer->words[offset];
    size_t count = (size_t)(q->count - offset);

    if (r->raws != NULL) {
        keep_raw(r, index, decoder_raw(d, words, count));
    }
    if (d->decimals_from == NONE_INDEX) {
        decoder_words(reading_of(r, index), d, words, count, -1);
        return;
    }
    assert(r->pending_count < r->pending_capacity);
    struct pending *wait = &r->pending[r->pending_count++];
    wait->point = index;
    wait->count = d->width;
    memcpy(wait->words, words, wait->count * sizeof *words);
}

void
readings_decode(struct readings *r,
                const struct plan_group *g,
                const struct plan_request *q,
                const struct read_answer *answer)
{
    bool bits = q->table == REG_COIL || q->table == REG_DISCRETE;

    assert(r->device != NULL);
    if (!bits && r->raws == NULL) {
        struct decoder_run run = {.decoders = r->decoders->items,
                                  .of_point = r->decoders->of_point,
                                  .points = &g->order[q->first],
                                  .count = q->point_count,
                                  .first_point = r->device->first_point,
                                  .address = q->address};
        decoder_many(r->items, &run, answer->words, q->count);
        return;
    }
    for (uint32_t i = 0; i < q->point_count; i++) {
        uint32_t index = g->order[q->first + i];
        if (bits) {
            const struct decoder *d = decoders_get(r->decoders, index);
            bool bit = answer->bits[d->address - q->address] != 0;
            keep_raw(r, index, bit);
            decoder_bit(reading_of(r, index), d, bit);
        } else {
            decode_registers(r, q, index, answer);
        }
    }
}

static void
decode_pending(struct readings *r, const struct pending *w)
{
    const struct decoder *d = decoders_get(r->decoders, w->point);
    struct reading *out = reading_of(r, w->point);
    const struct known_raw *k = &r->raws[d->decimals_from];
    const struct reading *source = &r->items[d->decimals_from];

    if (k->known) {
        decoder_words(out, d, w->words, w->count, k->raw);
        return;
    }
    /* Its decimals were never read: what kept them away keeps it away. */
    out->quality = source->quality == NOT_IN_FRAME ? QUALITY_OFFLINE : source->quality;
    out->detail = source->detail;
    out->value = 0.0;
}

/* True while an event of a point is told to the log; counts it. */
static bool
is_told(uint8_t *count)
{
    if (*count >= EVENTS_TOLD) {
        return false;
    }
    (*count)++;
    return true;
}

static void
tell(const struct readings *r,
     const struct point *p,
     struct counter_memory *m,
     enum counter_detail kind,
     double value)
{
    char before[NUMBER_TEXT_BYTES];
    char after[NUMBER_TEXT_BYTES];
    uint8_t *count = kind == COUNTER_WRAPPED ? &m->wraps : &m->resets;

    if (!is_told(count)) {
        return;
    }
    (void)number_format(before, m->value);
    (void)number_format(after, value);
    log_info("%s.%s: the counter went from %s to %s: %s%s", r->device->id, p->id,
             before, after,
             kind == COUNTER_WRAPPED ? "past its end"
                                     : "the device restarted or was exchanged",
             *count == EVENTS_TOLD ? "; not told again" : "");
}

/* What a good sample of a counter says beside its value. */
static void
follow_counter(const struct readings *r,
               const struct point *p,
               struct counter_memory *m,
               struct reading *out)
{
    if (m->known) {
        enum counter_detail kind = counter_step(p, m->value, out->value).kind;
        out->detail = (uint8_t)kind;
        if (kind != COUNTER_PLAIN) {
            tell(r, p, m, kind, out->value);
        }
    }
    m->known = true;
    m->value = out->value;
}

static void
follow_counters(struct readings *r)
{
    struct counter_memory *m = r->counters;

    for (uint32_t i = 0; m != NULL && i < r->device->point_count; i++) {
        uint32_t point = r->device->first_point + i;
        if (!decoders_get(r->decoders, point)->counter) {
            continue;
        }
        if (r->items[i].quality == QUALITY_GOOD) {
            follow_counter(r, &r->site->points[point], m, &r->items[i]);
        }
        m++;
    }
}

struct frame *
readings_finish(struct readings *r)
{
    uint16_t count = 0;

    assert(r->device != NULL);
    for (uint32_t i = 0; i < r->pending_count; i++) {
        decode_pending(r, &r->pending[i]);
    }
    r->pending_count = 0;
    follow_counters(r);
    for (uint32_t i = 0; i < r->device->point_count; i++) {
        if (r->items[i].quality == NOT_IN_FRAME) {
            continue;
        }
        if (count != i) {
            r->items[count] = r->items[i];
        }
        count++;
    }
    r->frame->count = count;
    r->device = NULL; /* Readings do not stand any more where they are looked for. */
    return r->frame;
}
