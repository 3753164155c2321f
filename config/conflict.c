/* Two devices with one bus and unit are one slave: they must agree on its registers. */
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "daemon/base/catalogue.h"

#define NEIGHBOURS_MAX 8 /* Overlapping points looked back at, so it stays n log n. */

struct use {
    const struct device *device;
    const struct point *point;
};

static int
compare_devices(const void *a, const void *b)
{
    const struct device *const *x = a;
    const struct device *const *y = b;
    if ((*x)->bus != (*y)->bus) {
        return (*x)->bus < (*y)->bus ? -1 : 1;
    }
    if ((*x)->unit != (*y)->unit) {
        return (*x)->unit < (*y)->unit ? -1 : 1;
    }
    return strcmp((*x)->id, (*y)->id);
}

static int
compare_uses(const void *a, const void *b)
{
    const struct use *x = a;
    const struct use *y = b;
    if (x->point->table != y->point->table) {
        return x->point->table < y->point->table ? -1 : 1;
    }
    if (x->point->address != y->point->address) {
        return x->point->address < y->point->address ? -1 : 1;
    }
    int device = strcmp(x->device->id, y->device->id);
    return device != 0 ? device : strcmp(x->point->id, y->point->id);
}

static bool
is_bits(const struct point *p)
{
    return p->type == TYPE_BOOL || p->type == TYPE_BITS;
}

static bool
swaps(enum byte_order order)
{
    return order == ORDER_BADC || order == ORDER_DCBA;
}

/* What they disagree about, or NULL. */
static const char *
disagreement(const struct point *a, const struct point *b)
{
    if (is_bits(a) || is_bits(b)) {
        /* The order of words is no matter where bits are counted through one. */
        bool words = point_width(a) > 1 && point_width(b) > 1;
        bool other = words ? a->order != b->order : swaps(a->order) != swaps(b->order);
        return is_bits(a) && is_bits(b) && other ? "order" : NULL;
    }
    if (a->address != b->address) {
        return tr("first register");
    }
    if (a->type != b->type) {
        return "type";
    }
    if (a->order != b->order) {
        return "order";
    }
    if (a->scaling.mul * b->scaling.div != b->scaling.mul * a->scaling.div ||
        a->scaling.add * b->scaling.div != b->scaling.add * a->scaling.div) {
        return tr("scale or offset");
    }
    return NULL;
}

static void
compare_points(struct reader *r, const struct use *a, const struct use *b)
{
    const char *what = disagreement(a->point, b->point);
    if (what == NULL) {
        return;
    }
    const struct use *first = a;
    const struct use *second = b;
    if (strcmp(a->point->loc.file, b->point->loc.file) == 0 &&
        a->point->loc.line > b->point->loc.line) {
        first = b;
        second = a;
    }
    diags_add(
        r->diags, DIAG_ERROR, &second->point->loc,
        "\"%s.%s\" and \"%s.%s\" (at %s:%u:%u) read the same %s register %u of one "
        "bus and unit with another %s; write it alike, or correct the unit",
        second->device->id, second->point->id, first->device->id, first->point->id,
        first->point->loc.file, first->point->loc.line, first->point->loc.column,
        reg_table_name(second->point->table), second->point->address, what);
}

static void
compare_limits(struct reader *r, const struct device *a, const struct device *b)
{
    if (a->limits.max_registers == b->limits.max_registers &&
        a->limits.max_bits == b->limits.max_bits &&
        a->limits.holes == b->limits.holes && a->limits.gap_ms == b->limits.gap_ms &&
        a->limits.timeout_ms == b->limits.timeout_ms) {
        return;
    }
    diags_add(r->diags, DIAG_ERROR, &b->loc,
              "devices \"%s\" and \"%s\" (at %s:%u:%u) are one bus and unit with other "
              "limits; give both the same profile or limits, or correct the unit",
              b->id, a->id, a->loc.file, a->loc.line, a->loc.column);
}

/* `devices` share one bus and unit. */
static void
check_slave(struct reader *r,
            const struct site *site,
            const struct device *const *devices,
            size_t count)
{
    size_t total = 0;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        total += devices[i]->point_count;
    }
    for (size_t i = 1; i < count; i++) {
        compare_limits(r, devices[0], devices[i]);
    }
    struct use *uses = calloc(total + 1, sizeof *uses);
    if (uses == NULL) {
        abort(); /* As every allocation while the site is loaded. */
    }
    for (size_t i = 0; i < count; i++) {
        const struct device *d = devices[i];
        for (uint32_t k = 0; k < d->point_count; k++) {
            const struct point *p = &site->points[d->first_point + k];
            if (p->table != REG_NONE) {
                uses[used++] = (struct use){d, p};
            }
        }
    }
    qsort(uses, used, sizeof *uses, compare_uses);
    for (size_t i = 1; i < used; i++) {
        const struct point *p = uses[i].point;
        size_t last = i > NEIGHBOURS_MAX ? i - NEIGHBOURS_MAX : 0;
        for (size_t k = i; k-- > last;) {
            const struct point *q = uses[k].point;
            if (q->table != p->table || q->address + 4 <= p->address) {
                break; /* No value is wider than four registers. */
            }
            if (uses[k].device != uses[i].device &&
                q->address + point_width(q) > p->address) {
                compare_points(r, &uses[k], &uses[i]);
            }
        }
    }
    free(uses);
}

void
conflicts_check(struct reader *r, const struct site *site)
{
    const struct device **sorted = calloc(site->device_count + 1, sizeof *sorted);
    size_t count = 0;
    if (sorted == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < site->device_count; i++) {
        if (site->devices[i].bus != NONE_INDEX) {
            sorted[count++] = &site->devices[i];
        }
    }
    qsort(sorted, count, sizeof sorted[0], compare_devices);
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        while (end < count && sorted[end]->bus == sorted[i]->bus &&
               sorted[end]->unit == sorted[i]->unit) {
            end++;
        }
        if (end - i > 1) {
            check_slave(r, site, sorted + i, end - i);
        }
        i = end;
    }
    free(sorted);
}
