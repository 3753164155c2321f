/* Many variants of rules at once over the same frames: each is a rule of its own in one
 * engine, so the frames are read once and the engine is the very one that the daemon
 * runs.  Only the rules run: no alarm is shelved or suppressed here. */
#ifndef CARETAKER_PIPELINE_RULE_SWEEP_H
#define CARETAKER_PIPELINE_RULE_SWEEP_H

#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/edge.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"

struct rule_sweep;

/* An edge of the variant; of the kinds raised, changed and cleared. */
typedef void (*rule_sweep_fn)(void *ctx, uint32_t variant, const struct edge *e);

/* `site` and `variants` are borrowed until rule_sweep_free().  A variant is run though
 * it be disabled.  ERR_CONFIG: one of them has an error; the text has its place. */
int rule_sweep_new(struct rule_sweep **out,
                   const struct site *site,
                   const struct rule_spec *variants,
                   uint32_t count,
                   rule_sweep_fn fn,
                   void *ctx,
                   struct err *err);
void rule_sweep_free(struct rule_sweep *s); /* NULL is accepted. */

/* Whether variant `variant` is for the device. */
bool rule_sweep_bound(const struct rule_sweep *s, uint32_t device, uint32_t variant);

/* Advances to the frame's time, then applies it; times that go back are taken as the
 * last one. */
void rule_sweep_frame(struct rule_sweep *s, const struct frame *f);
/* Fires every timer due at or before t_ms. */
void rule_sweep_advance(struct rule_sweep *s, int64_t t_ms);

#endif
