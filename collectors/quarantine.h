/* Devices that do not answer: when each may be tried again, and how much of the bus
 * such tries (probes) may cost.  Pure: no clock.
 *
 * A device's pause doubles with each failure, from 0.5 s to 60 s.  Over a bus all
 * probes together take at most a share of its time; where nothing else is due they cost
 * nobody anything and only the pause counts. */
#ifndef CARETAKER_COLLECTORS_QUARANTINE_H
#define CARETAKER_COLLECTORS_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

#include "collectors/backoff.h"

#define PROBE_SHARE_DEFAULT 5.0 /* % */

/* Of a bus. */
struct probe_budget {
    double share;    /* 0..1 of bus time. */
    int64_t free_us; /* The next probe is paid for from then on. */
};

void probe_budget_init(struct probe_budget *b, double share_percent, int64_t now_us);
bool probe_budget_allows(const struct probe_budget *b, int64_t now_us);
/* A probe that began at `began_us` kept the bus busy for `took_us`. */
void probe_budget_spend(struct probe_budget *b, int64_t began_us, int64_t took_us);

#endif
