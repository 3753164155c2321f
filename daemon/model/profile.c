#include "daemon/model/profile.h"

#include <assert.h>
#include <string.h>

static const char *const sources[] = {"manual", "interop", "unverified"};
_Static_assert(ARRAY_LEN(sources) == PROFILE_SOURCE_COUNT, "a word for each source");

const char *
profile_source_name(enum profile_source s)
{
    assert(s < PROFILE_SOURCE_COUNT);
    return sources[s];
}

void
profile_set_free(struct profile_set *set)
{
    if (set != NULL) {
        arena_free(set->arena);
    }
}

const struct profile *
profile_set_find(const struct profile_set *set, const char *id)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (strcmp(set->items[i].id, id) == 0) {
            return &set->items[i];
        }
    }
    return NULL;
}
