#include "daemon/model/replay_case.h"

void
replay_case_free(struct replay_case *c)
{
    if (c != NULL) {
        arena_free(c->arena);
    }
}

void
log_map_free(struct log_map *m)
{
    if (m != NULL) {
        arena_free(m->arena);
    }
}
