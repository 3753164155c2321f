/* Devices that do not answer: when each may be tried again, and how much of the bus
 * such tries (probes) may cost.  Pure: no clock.
 *
 * A device's pause doubles with each failure, from 0.5 s to 60 s.  Over a bus all
 * probes together take at most a share of its time; where nothing else is due they cost
 * nobody anything and only the pause counts.
 *
 * A device that was well until now is asked before those that are dead for long and,
 * while nobody who is well waits, up to PROBE_CREDIT_US of the budget ahead of its
 * time: what missed one question shall not wait for the turn of what has been switched
 * off for years.  Nor do those wait for ever: of two probes that the budget pays one is
 * theirs, and there is no credit while one of them waits for PROBE_PATIENCE_US. */
#ifndef CARETAKER_COLLECTORS_QUARANTINE_H
#define CARETAKER_COLLECTORS_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

#include "collectors/backoff.h"

#define PROBE_SHARE_DEFAULT  5.0      /* % */
#define PROBE_FRESH_FAILURES 2        /* In a row: 1.5 s of pauses. */
#define PROBE_CREDIT_US      60000000 /* At 5 % three probes of 1 s. */
#define PROBE_PATIENCE_US    600000000

/* Of a bus. */
struct probe_budget {
    double share;    /* 0..1 of bus time. */
    int64_t free_us; /* The next probe is paid for from then on. */
};

void probe_budget_init(struct probe_budget *b, double share_percent, int64_t now_us);
bool probe_budget_allows(const struct probe_budget *b, int64_t now_us);
/* From when on the next probe of a device that was well until now may be made. */
int64_t probe_budget_credit(const struct probe_budget *b);
/* A probe that began at `began_us` kept the bus busy for `took_us`. */
void probe_budget_spend(struct probe_budget *b, int64_t began_us, int64_t took_us);

#endif
