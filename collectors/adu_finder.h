/* One direction of a Modbus TCP connection -> its ADUs with their times: several in a
 * segment, one over several segments.  Pure.
 *
 *   transaction(2) protocol(2)=0 length(2) | unit(1) function(1) data...
 */
#ifndef CARETAKER_COLLECTORS_ADU_FINDER_H
#define CARETAKER_COLLECTORS_ADU_FINDER_H

#include <stddef.h>

#include "collectors/traffic.h"

struct adu_finder {
    traffic_frame_fn tell;
    void *ctx;
    enum traffic_way way;
    uint32_t connection;
    int64_t begin_us; /* When its first byte had come. */
    size_t count;
    uint8_t bytes[TRAFFIC_TCP_BYTES_MAX];
};

void adu_finder_init(struct adu_finder *f,
                     enum traffic_way way,
                     uint32_t connection,
                     traffic_frame_fn tell,
                     void *ctx);
/* Bytes whose header makes no sense are told as damaged, up to the end of what was fed:
 * an ADU begins with a segment as a rule. */
void
adu_finder_feed(struct adu_finder *f, int64_t t_us, const uint8_t *bytes, size_t size);
/* Bytes are missing here: what has begun cannot end. */
void adu_finder_lost(struct adu_finder *f, int64_t t_us);
/* True when bytes may be the beginning of an ADU. */
bool adu_header_fits(const uint8_t *bytes, size_t size);

#endif
