#include "daemon/pipeline/causes.h"

#include <stdio.h>

#include "daemon/base/catalogue.h"
#include "daemon/model/sample.h"

/* In the order of the listings. */
static const enum wire_fault kinds[] = {WIRE_TIMEOUT,    WIRE_CRC,       WIRE_SHORT,
                                        WIRE_WRONG_UNIT, WIRE_MALFORMED, WIRE_EXCEPTION,
                                        WIRE_REFUSED,    WIRE_LOST};
_Static_assert(ARRAY_LEN(kinds) == WIRE_FAULT_COUNT - 1, "all but WIRE_OK");

/* What a detail adds to the word for the quality; NULL: nothing. */
static const char *
fault_remark(enum quality q, uint8_t detail)
{
    if (q == QUALITY_GOOD) {
        return detail == COUNTER_WRAPPED ? N_("counter wrapped")
               : detail == COUNTER_RESET ? N_("counter reset")
                                         : NULL;
    }
    if (q != QUALITY_CRC && q != QUALITY_REFUSED && q != QUALITY_TIMEOUT) {
        return NULL;
    }
    switch (detail) {
    case WIRE_SHORT:
        return N_("short frame");
    case WIRE_WRONG_UNIT:
        return N_("wrong unit");
    case WIRE_MALFORMED:
        return N_("malformed");
    case WIRE_LOST:
        return N_("connection lost");
    default:
        return NULL;
    }
}

char *
cause_describe(char out[CAUSE_BYTES], enum quality q, uint8_t detail)
{
    const char *remark = fault_remark(q, detail);
    if (q == QUALITY_EXCEPTION && detail != 0) {
        snprintf(out, CAUSE_BYTES, "exception %u", detail);
    } else if (q == QUALITY_TIMEOUT && detail >= WIRE_FAULT_COUNT) {
        /* A gateway's word for a unit that does not answer. */
        snprintf(out, CAUSE_BYTES, "timeout (exception %u)", detail);
    } else if (remark != NULL) {
        snprintf(out, CAUSE_BYTES, "%s (%s)", quality_name(q), remark);
    } else {
        snprintf(out, CAUSE_BYTES, "%s", quality_name(q));
    }
    return out;
}

static void
exceptions_json(struct strbuf *out, const struct wire_counts *w)
{
    strbuf_json_key(out, wire_fault_name(WIRE_EXCEPTION));
    strbuf_add_char(out, '{');
    for (int code = 0; code < EXCEPTION_CODES; code++) {
        if (w->exceptions[code] > 0) {
            char key[12];
            snprintf(key, sizeof key, "%d", code);
            strbuf_json_int(out, key, (int64_t)w->exceptions[code]);
        }
    }
    strbuf_add_char(out, '}');
}

void
causes_json(struct strbuf *out, const char *key, const struct wire_counts *w)
{
    strbuf_json_key(out, key);
    strbuf_add_char(out, '{');
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i] == WIRE_EXCEPTION) {
            exceptions_json(out, w);
        } else {
            strbuf_json_int(out, wire_fault_name(kinds[i]),
                            (int64_t)w->faults[kinds[i]]);
        }
    }
    strbuf_json_int(out, "late", (int64_t)w->late);
    strbuf_add_char(out, '}');
}

const char *
cause_most(char out[CAUSE_BYTES], const struct wire_counts *w)
{
    uint64_t most = 0;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i] != WIRE_EXCEPTION && w->faults[kinds[i]] > most) {
            most = w->faults[kinds[i]];
            snprintf(out, CAUSE_BYTES, "%s", wire_fault_name(kinds[i]));
        }
    }
    for (int code = 0; code < EXCEPTION_CODES; code++) {
        if (w->exceptions[code] > most) {
            most = w->exceptions[code];
            /* 0 stands for the codes that a maker has made up. */
            if (code == 0) {
                snprintf(out, CAUSE_BYTES, "exception");
            } else {
                snprintf(out, CAUSE_BYTES, "exception %d", code);
            }
        }
    }
    return most > 0 ? out : NULL;
}
