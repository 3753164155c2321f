/* Energy of each device and day, from the counters in the history.
 *
 * A device is measured by its point `energy`, or else by its first counter in kWh that
 * does not count what is fed back.  The counter is read where a day begins (the first
 * good sample in it), so that a year costs no more than a few hundred reads; where it
 * fell between two readings it is read every hour, wraps are counted on and nothing is
 * made up for a reset.  What was counted between two readings is spread over the time
 * between them.  Where samples have expired, the minutes and hours that are kept longer
 * tell what the counter read at their end. */
#ifndef CARETAKER_PIPELINE_REPORT_ENERGY_H
#define CARETAKER_PIPELINE_REPORT_ENERGY_H

#include <stdatomic.h>

#include "daemon/base/err.h"
#include "daemon/model/site.h"
#include "daemon/store/history.h"
#include "daemon/ticket/figures_energy.h"

struct report_meter {
    uint32_t device, point; /* Of the site. */
    double total;
    uint32_t resets;
    bool measured; /* There were two readings at least. */
    struct figures_day *days;
};

struct report_energy {
    int32_t first_day;
    uint32_t days;
    struct report_meter *meters;
    uint32_t meter_count;
};

/* NONE_INDEX: the device has no such counter. */
uint32_t report_energy_point(const struct site *site, uint32_t device);

/* Of `devices` (of the site), in [from_ms, to_ms).  `reader` may be NULL: nothing was
 * recorded.  `cancel` may be NULL; once it is set: ERR_REFUSED. */
int report_energy_read(struct report_energy *out,
                       struct history_reader *reader,
                       const struct site *site,
                       const uint32_t *devices,
                       uint32_t device_count,
                       int64_t from_ms,
                       int64_t to_ms,
                       const atomic_bool *cancel,
                       struct err *err);
void report_energy_fini(struct report_energy *e);

#endif
