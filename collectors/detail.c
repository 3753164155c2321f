#include "collectors/detail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/collectors.h"

/* Qualities that stand for several faults of the wire. */
static bool
names_fault(enum quality q)
{
    return q == QUALITY_TIMEOUT || q == QUALITY_CRC || q == QUALITY_REFUSED ||
           q == QUALITY_OFFLINE; /* Of its last failure. */
}

char *
detail_write(char out[DETAIL_BYTES], enum quality q, uint8_t detail)
{
    out[0] = '\0';
    if (detail != 0 && names_fault(q) && detail < WIRE_FAULT_COUNT) {
        snprintf(out, DETAIL_BYTES, "%s", wire_fault_name((enum wire_fault)detail));
    } else if (detail != 0 && (names_fault(q) || q == QUALITY_EXCEPTION)) {
        snprintf(out, DETAIL_BYTES, "%u", detail);
    }
    return out;
}

bool
detail_parse(uint8_t *out, enum quality q, const char *text)
{
    char back[DETAIL_BYTES];
    unsigned long code = strtoul(text, NULL, 10);

    if (text[0] == '\0') {
        *out = 0;
        return true;
    }
    /* What is written so is what is read so. */
    if (code > 0 && code <= UINT8_MAX &&
        strcmp(detail_write(back, q, (uint8_t)code), text) == 0) {
        *out = (uint8_t)code;
        return true;
    }
    for (uint8_t fault = WIRE_OK + 1; fault < WIRE_FAULT_COUNT; fault++) {
        if (strcmp(detail_write(back, q, fault), text) == 0) {
            *out = fault;
            return true;
        }
    }
    return false;
}
