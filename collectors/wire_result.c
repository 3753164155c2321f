/* What became of a question, in words and as the quality of samples. */
#include <assert.h>
#include <stdio.h>

#include "collectors/wire_inside.h"
#include "daemon/base/catalogue.h"

#define GATEWAY_NO_REPLY 0x0B

const char *
wire_fault_name(enum wire_fault f)
{
    static const char *const names[WIRE_FAULT_COUNT] = {
        [WIRE_OK] = "ok",
        [WIRE_TIMEOUT] = "timeout",
        [WIRE_CRC] = "crc",
        [WIRE_SHORT] = "short",
        [WIRE_WRONG_UNIT] = "wrong_unit",
        [WIRE_MALFORMED] = "malformed",
        [WIRE_EXCEPTION] = "exception",
        [WIRE_REFUSED] = "refused",
        [WIRE_LOST] = "lost",
    };

    assert(f >= 0);
    assert(f < WIRE_FAULT_COUNT);
    return names[f];
}

enum quality
wire_quality(const struct wire_result *res)
{
    switch (res->fault) {
    case WIRE_OK:
        return QUALITY_GOOD;
    case WIRE_TIMEOUT:
        return QUALITY_TIMEOUT;
    case WIRE_EXCEPTION:
        return res->exception == GATEWAY_NO_REPLY ? QUALITY_TIMEOUT : QUALITY_EXCEPTION;
    case WIRE_REFUSED:
    case WIRE_LOST:
        return QUALITY_REFUSED;
    case WIRE_CRC:
    case WIRE_SHORT:
    case WIRE_WRONG_UNIT:
    case WIRE_MALFORMED:
    case WIRE_FAULT_COUNT:
        break;
    }
    return QUALITY_CRC;
}

uint8_t
wire_detail(const struct wire_result *res)
{
    return res->fault == WIRE_EXCEPTION ? res->exception : (uint8_t)res->fault;
}

bool
wire_is_lost(const struct wire_result *res)
{
    return res->fault == WIRE_LOST || res->fault == WIRE_REFUSED;
}

/* Modbus Application Protocol V1.1b, 7. */
static const char *
exception_text(uint8_t code)
{
    static const char *const texts[] = {
        [0x01] = N_("illegal function"),
        [0x02] = N_("illegal data address"),
        [0x03] = N_("illegal data value"),
        [0x04] = N_("device failure"),
        [0x05] = N_("acknowledge"),
        [0x06] = N_("device busy"),
        [0x07] = N_("negative acknowledge"),
        [0x08] = N_("memory parity error"),
        [0x0A] = N_("no path through the gateway"),
        [0x0B] = N_("the gateway got no answer from the unit"),
    };

    return tr(code < ARRAY_LEN(texts) && texts[code] != NULL
                  ? texts[code]
                  : N_("a code of its maker's"));
}

void
wire_fail(struct wire_result *res, enum wire_fault fault)
{
    static const char *const texts[WIRE_FAULT_COUNT] = {
        [WIRE_OK] = "",
        [WIRE_TIMEOUT] = N_("no answer in time"),
        [WIRE_CRC] = N_("an answer with a wrong check sum"),
        [WIRE_SHORT] = N_("an answer that began and did not end"),
        [WIRE_WRONG_UNIT] = N_("an answer of another unit"),
        [WIRE_MALFORMED] = N_("an answer of another function or length"),
        [WIRE_EXCEPTION] = N_("an exception"),
        [WIRE_REFUSED] = N_("no connection"),
        [WIRE_LOST] = N_("connection lost"),
    };

    *res = (struct wire_result){.fault = fault};
    (void)snprintf(res->text, sizeof res->text, "%s", tr(texts[fault]));
}

void
wire_except(struct wire_result *res, uint8_t code)
{
    *res = (struct wire_result){.fault = WIRE_EXCEPTION, .exception = code};
    (void)snprintf(res->text, sizeof res->text, tr("exception %u: %s"), code,
                   exception_text(code));
}
