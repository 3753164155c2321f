/* Samples and frames: what sensors say, on one road for live buses, logs and history.
 */
#ifndef CARETAKER_MODEL_SAMPLE_H
#define CARETAKER_MODEL_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/model/words.h"

#define FRAME_READINGS_MAX 1024 /* Points of one device, see DEVICE_POINTS_MAX. */

/* One sample.  `value` is meaningful (and finite) only when quality is good. */
struct reading {
    double value;
    uint32_t point;  /* Index into site->points. */
    uint8_t quality; /* enum quality */
    uint8_t detail;  /* By quality, see below. */
    uint16_t reserved;
};
_Static_assert(sizeof(struct reading) == 16, "copied through rings by the million");

/* `detail` says more than the quality.  EXCEPTION: the device's code.  Other faults of
 * the wire: enum wire_fault; a TIMEOUT that a gateway reported: its exception's code.
 * GOOD, of a counter: */
enum counter_detail {
    COUNTER_PLAIN,   /* It went on counting. */
    COUNTER_WRAPPED, /* It went past its end and began again at 0. */
    COUNTER_RESET    /* It fell back: the device restarted or was exchanged. */
};

#define FRAME_CLOCK_UNTRUSTED                                                          \
    1u /* Taken before the wall clock was known to be right. */

/* All samples that one poll of one device gave, a failed poll too: then every reading
 * says why.  Readings are in order of `point`. */
struct frame {
    int64_t t_ms;    /* Engine time, UTC ms. */
    uint32_t device; /* Index into site->devices. */
    uint16_t count;
    uint16_t flags; /* FRAME_... */
    struct reading readings[];
};

static inline size_t
frame_bytes(uint16_t count)
{
    return sizeof(struct frame) + (size_t)count * sizeof(struct reading);
}
#define FRAME_BYTES_MAX                                                                \
    (sizeof(struct frame) + FRAME_READINGS_MAX * sizeof(struct reading))

#endif
