/* What a device was in each moment: the spans of figures.h laid over each other.  Pure.
 */
#ifndef CARETAKER_TICKET_FIGURES_SPANS_H
#define CARETAKER_TICKET_FIGURES_SPANS_H

#include "daemon/ticket/figures.h"

/* Called for each stretch [from_ms, to_ms) of the period in which `device` was the same
 * all the time; `state` FIGURES_STATES is up.  In order of device, then of time; the
 * stretches of a device fill the period. */
typedef void (*figures_stretch_fn)(void *ctx,
                                   uint32_t device,
                                   enum figures_state state,
                                   int64_t from_ms,
                                   int64_t to_ms);
int figures_each_stretch(const struct figures_input *in,
                         figures_stretch_fn fn,
                         void *ctx,
                         struct err *err);

#endif
