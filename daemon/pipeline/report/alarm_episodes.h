/* Alarms as events tell of them -> episodes, each from its raising to its clearing. */
#ifndef CARETAKER_PIPELINE_ALARM_EPISODES_H
#define CARETAKER_PIPELINE_ALARM_EPISODES_H

#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/event.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/report/alarm_quality.h"

/* What an alarm_quality_episode's `alarm` means. */
struct alarm_name {
    char device[ID_BYTES_MAX], rule[ID_BYTES_MAX];
};

struct alarm_episodes {
    struct alarm_quality_episode *items; /* In order of their raising. */
    size_t count;
    struct alarm_name *names;
    uint32_t name_count;
    int64_t first_ms; /* Of the first event of any kind; INSTANT_NONE: there is none. */
    /* Inside. */
    size_t room;
    uint32_t name_room;
    size_t *open;    /* By name: its episode that stands, SIZE_MAX: none. */
    uint32_t *table; /* Hash table of names; UINT32_MAX: free. */
    uint32_t table_size;
    bool out_of_memory;
};

void alarm_episodes_init(struct alarm_episodes *a);
void alarm_episodes_fini(struct alarm_episodes *a);

/* One event, in order; those that are not of an alarm's raising, change or clearing
 * only say that there was something.  `episodes` is a struct alarm_episodes: it fits
 * struct replay_options. */
void alarm_episodes_event(void *episodes, const struct event *e);

/* All events of state.db in `dir`, also while the daemon runs.  An alarm that has no
 * row as raised any more (its rule is gone) counts as raised, not as standing.
 * ERR_NOT_FOUND: there is no such database. */
int alarm_episodes_read(struct alarm_episodes *a, const char *dir, struct err *err);

#endif
