/* Modbus as a slave sees it: requests out of a stream of bytes, answers into one. Pure,
 * and written apart from the collector so that each can witness against the other.
 *
 *   TCP:  transaction(2) protocol(2)=0 length(2) | unit(1) function(1) data...
 *   RTU:  unit(1) function(1) data... crc(2, low byte first)
 *
 * Only the read functions 01-04 are served; every other one is answered with exception
 * 01, so nothing can be written. */
#ifndef CARETAKER_COLLECTORS_SLAVE_CODEC_H
#define CARETAKER_COLLECTORS_SLAVE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLAVE_ADU_BYTES_MAX 260  /* Modbus Messaging on TCP/IP V1.0b, 4.1: 7 + 253. */
#define SLAVE_READ_REGS_MAX 125  /* Modbus Application Protocol V1.1b, 6.3. */
#define SLAVE_READ_BITS_MAX 2000 /* Same, 6.1. */

enum slave_framing { SLAVE_TCP, SLAVE_RTU };

/* Exception codes of the Modbus Application Protocol V1.1b, 7. */
enum slave_exception {
    SLAVE_OK = 0,
    SLAVE_ILLEGAL_FUNCTION = 0x01,
    SLAVE_ILLEGAL_ADDRESS = 0x02,
    SLAVE_ILLEGAL_VALUE = 0x03,
    SLAVE_GATEWAY_TARGET = 0x0B
};

struct slave_request {
    uint16_t transaction; /* TCP only. */
    uint8_t unit;
    uint8_t function;
    uint16_t address; /* With functions 01-04 and no exception. */
    uint16_t count;
    uint8_t exception; /* Not 0: the request deserves nothing but this. */
};

enum slave_parse {
    SLAVE_MORE,    /* No whole request yet. */
    SLAVE_REQUEST, /* `out` is filled. */
    SLAVE_BROKEN   /* TCP: the stream cannot be followed any more; close it. */
};

/* Takes the next request from `bytes`.  `*used` says how many of them are done with,
 * with SLAVE_MORE too (garbage before an RTU request).  `gap`: the line was silent
 * after these bytes, so an RTU frame ends here; what is left then is garbage. */
enum slave_parse slave_parse(struct slave_request *out,
                             enum slave_framing framing,
                             const uint8_t *bytes,
                             size_t size,
                             bool gap,
                             size_t *used);

/* Writes an answer into `out` of SLAVE_ADU_BYTES_MAX and returns its length.
 * `values` are registers, or bits as 0 and 1, `q->count` of them. */
size_t slave_answer(uint8_t *out,
                    enum slave_framing framing,
                    const struct slave_request *q,
                    const uint16_t *values);
size_t slave_answer_exception(uint8_t *out,
                              enum slave_framing framing,
                              const struct slave_request *q,
                              uint8_t code);

/* Makes an answer wrong in one way.  Damage: the check sum, or on TCP, which has none,
 * the transaction number. */
void slave_damage(uint8_t *adu, size_t size, enum slave_framing framing);
void slave_change_unit(uint8_t *adu, size_t size, enum slave_framing framing);

/* CRC-16 of Modbus over Serial Line V1.02, 6.2.2. */
uint16_t slave_crc(const uint8_t *bytes, size_t size);

#endif
