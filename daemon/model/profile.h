/* Register maps of device models, as they stand in devices/ID.yaml, with what they
 * are known from.  For those who choose one: listings, and the search for units. */
#ifndef CARETAKER_MODEL_PROFILE_H
#define CARETAKER_MODEL_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/model/site.h"

enum profile_source {
    PROFILE_MANUAL,     /* The maker's own table. */
    PROFILE_INTEROP,    /* Software that is known to work with the device. */
    PROFILE_UNVERIFIED, /* Neither: compare with a real device before it is trusted. */
    PROFILE_SOURCE_COUNT
};
const char *profile_source_name(enum profile_source s); /* "manual" "interop" ... */

struct profile {
    const char *id;
    const char *title; /* The id when none was given. */
    const char *file;
    enum profile_source source;
    const char *from;
    const char *checked; /* YYYY-MM-DD, or NULL. */
    struct limits limits;
    /* In the order of the file.  `device` has no meaning; `decimals_from` is an index
     * into this table; poll_ms and stale_after_ms are 0 where the device's count. */
    const struct point *points;
    uint32_t point_count;
    /* A unit may be of this model when this point of it decodes to a good value in
     * [probe_min, probe_max].  NONE_INDEX: nothing tells. */
    uint32_t probe;
    double probe_min, probe_max;
};

/* What a site finds: the profiles beside its file, and the shipped ones that no
 * profile there takes the place of. */
struct profile_set {
    struct arena *arena;   /* Owns everything below, and this. */
    struct profile *items; /* Sorted by id. */
    uint32_t count;
    const char *const *wrong; /* Ids of those with errors, which are not above. */
    uint32_t wrong_count;
};

void profile_set_free(struct profile_set *set); /* NULL is accepted. */
/* NULL when there is none of that id. */
const struct profile *profile_set_find(const struct profile_set *set, const char *id);

#endif
