#include "daemon/pipeline/replay/device_lanes.h"

#include <stdlib.h>

#include "daemon/store/history_frames.h"

struct device_lanes {
    const struct site *site;
    const bool *devices;
    int64_t from_ms, to_ms;
    struct history_frames *lanes[DEVICE_LANES_MAX];
    const struct frame *heads[DEVICE_LANES_MAX];
    uint32_t count;
    uint32_t given; /* Whose head was given out; NONE_INDEX: none's. */
};

/* Its next frame of a device that is wanted becomes its head. */
static int
move_on(struct device_lanes *l, uint32_t lane, struct err *err)
{
    struct err late = {0};
    do {
        l->heads[lane] = history_frames_next(l->lanes[lane], &late);
    } while (l->heads[lane] != NULL && !l->devices[l->heads[lane]->device]);
    return l->heads[lane] == NULL && late.code != 0
               ? err_set(err, late.code, "%s", late.text)
               : 0;
}

static int
open_lane(struct device_lanes *l, uint32_t device, struct err *err)
{
    const struct history_frames_options o = {.dir = l->site->data_dir,
                                             .from_ms = l->from_ms,
                                             .to_ms = l->to_ms,
                                             .device = device};
    int code = history_frames_open(&l->lanes[l->count], l->site, &o, err);
    if (code == 0) {
        code = move_on(l, l->count++, err);
    }
    return code;
}

static int
open_all(struct device_lanes *l, struct err *err)
{
    uint32_t wanted = 0;
    int code = 0;
    for (uint32_t d = 0; d < l->site->device_count; d++) {
        wanted += l->devices[d];
    }
    if (wanted > DEVICE_LANES_MAX) {
        return open_lane(l, NONE_INDEX, err);
    }
    for (uint32_t d = 0; d < l->site->device_count && code == 0; d++) {
        code = l->devices[d] ? open_lane(l, d, err) : 0;
    }
    return code;
}

int
device_lanes_open(struct device_lanes **out,
                  const struct site *site,
                  const bool *devices,
                  int64_t from_ms,
                  int64_t to_ms,
                  struct err *err)
{
    struct device_lanes *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to read the history");
    }
    l->site = site;
    l->devices = devices;
    l->from_ms = from_ms;
    l->to_ms = to_ms;
    l->given = NONE_INDEX;
    int code = open_all(l, err);
    if (code != 0) {
        device_lanes_close(l);
        return code;
    }
    *out = l;
    return 0;
}

void
device_lanes_close(struct device_lanes *l)
{
    if (l != NULL) {
        for (uint32_t i = 0; i < l->count; i++) {
            history_frames_close(l->lanes[i]);
        }
        free(l);
    }
}

const struct frame *
device_lanes_next(struct device_lanes *l, struct err *err)
{
    uint32_t first = NONE_INDEX;
    if (l->given != NONE_INDEX && move_on(l, l->given, err) != 0) {
        return NULL;
    }
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->heads[i] != NULL &&
            (first == NONE_INDEX || l->heads[i]->t_ms < l->heads[first]->t_ms)) {
            first = i;
        }
    }
    l->given = first;
    return first != NONE_INDEX ? l->heads[first] : NULL;
}
