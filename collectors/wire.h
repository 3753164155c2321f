/* The wire as a master sees it: a question into bytes, an answer out of bytes.  Pure.
 *
 *   TCP:  transaction(2) protocol(2)=0 length(2) | unit(1) function(1) data...
 *   RTU:  unit(1) function(1) data... crc(2, low byte first)
 *
 * Only functions 01-04 can be asked: there is no other builder. */
#ifndef CARETAKER_COLLECTORS_WIRE_H
#define CARETAKER_COLLECTORS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/collectors.h"
#include "daemon/model/sample.h"

struct wire_result {
    enum wire_fault fault;
    uint8_t exception; /* Code, with WIRE_EXCEPTION. */
    bool late;         /* Its answer came while the line was listened to afterwards. */
    int64_t took_us;   /* How long the bus was busy with it, listening included. */
    char text[96];     /* For a person; set unless WIRE_OK. */
};

/* The quality of samples that this result brings.  Exception 0B is a gateway's word for
 * a unit that does not answer: a timeout. */
enum quality wire_quality(const struct wire_result *res);
/* What goes into reading.detail: the exception's code, else the enum wire_fault. */
uint8_t wire_detail(const struct wire_result *res);

#endif
