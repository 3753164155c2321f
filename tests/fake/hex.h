/* Bytes written out by hand, for tests of what reads them. */
#ifndef CARETAKER_TESTS_FAKE_HEX_H
#define CARETAKER_TESTS_FAKE_HEX_H

#include <stdlib.h>
#include <string.h>

#include "collectors/slave_codec.h"

/* "03 04 0001" into `out`; "+" appends the check sum of what stands since the last one.
 * Returns how many bytes. */
static inline size_t
hex_bytes(uint8_t *out, const char *hex)
{
    size_t n = 0;
    size_t from = 0;

    for (; *hex != '\0'; hex++) {
        if (*hex == '+') {
            uint16_t crc = slave_crc(out + from, n - from);

            out[n++] = (uint8_t)(crc & 0xFF);
            out[n++] = (uint8_t)(crc >> 8);
            from = n;
        } else if (*hex != ' ') {
            char two[3] = {hex[0], hex[1], '\0'};

            out[n++] = (uint8_t)strtoul(two, NULL, 16);
            hex++;
        }
    }
    return n;
}

#endif
