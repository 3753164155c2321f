#include "collectors/log_names.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"

#define SLOTS_MIN 64
#define SLOTS_MAX (1u << 20) /* 4 MiB; larger sites meet more misses. */

/* A cache with one place a hash: the site's own look-up is asked when another pair sits
 * there. */
struct log_names {
    const struct site *site;
    uint32_t mask;
    uint32_t slots[]; /* Index into site->points, or NONE_INDEX. */
};

int
log_names_new(struct log_names **out, const struct site *site, struct err *err)
{
    uint32_t slots = SLOTS_MIN;
    struct log_names *n;

    while (slots < SLOTS_MAX && slots < 4 * site->point_count) {
        slots *= 2;
    }
    n = malloc(sizeof *n + slots * sizeof n->slots[0]);
    if (n == NULL) {
        return err_set(err, ERR_NOMEM, "table of points");
    }
    n->site = site;
    n->mask = slots - 1;
    memset(n->slots, 0xFF, slots * sizeof n->slots[0]); /* NONE_INDEX each. */
    *out = n;
    return 0;
}

void
log_names_free(struct log_names *n)
{
    free(n);
}

/* FNV-1a, which is short and good enough for a cache. */
static uint32_t
hash_text(uint32_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    }
    return hash;
}

uint32_t
log_names_find(struct log_names *n, const char *device, const char *point)
{
    uint32_t hash = hash_text(hash_text(2166136261u, device) * 31, point);
    uint32_t *slot = &n->slots[(hash ^ hash >> 15) & n->mask];
    uint32_t d, p = *slot;

    if (p != NONE_INDEX && strcmp(n->site->points[p].id, point) == 0 &&
        strcmp(n->site->devices[n->site->points[p].device].id, device) == 0) {
        return p;
    }
    d = site_device(n->site, device);
    p = d == NONE_INDEX ? NONE_INDEX : site_point(n->site, d, point);
    if (p != NONE_INDEX) {
        *slot = p;
    }
    return p;
}

int
log_names_unknown(const struct log_names *n,
                  const char *device,
                  const char *point,
                  struct err *err)
{
    uint32_t d = site_device(n->site, device);
    uint32_t count =
        d == NONE_INDEX ? n->site->device_count : n->site->devices[d].point_count;
    const char **words = calloc((size_t)count + 1, sizeof *words);
    const char *near = NULL;
    const char *before = "", *after = "";

    for (uint32_t i = 0; words != NULL && i < count; i++) {
        if (d == NONE_INDEX) {
            words[i] = n->site->devices[i].id;
        } else {
            words[i] = n->site->points[n->site->devices[d].first_point + i].id;
        }
    }
    if (words != NULL) { /* Without memory there is no hint. */
        near = diag_nearest(d == NONE_INDEX ? device : point, words, count);
    }
    if (near != NULL) {
        before = "; '";
        after = d == NONE_INDEX ? tr("' is") : tr("' is one");
    }
    near = near != NULL ? near : "";
    if (d == NONE_INDEX) {
        err_set(err, ERR_CONFIG, "device '%.64s' is not in the site%s%s%s", device,
                before, near, after);
    } else {
        err_set(err, ERR_CONFIG, "device '%.64s' has no point '%.64s'%s%s%s", device,
                point, before, near, after);
    }
    free(words);
    return ERR_CONFIG;
}
