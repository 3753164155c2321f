/* One line or endpoint, by libmodbus. */
#include "collectors/link.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <modbus.h>

#include "collectors/modbus_rtu.h"
#include "collectors/modbus_tcp.h"
#include "collectors/plan.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"

#define PAUSE_SLICE_MS 50 /* How late a stop may be noticed in a pause. */
/* USB adapters hand bytes on every 16 ms: a shorter silence proves nothing. */
#define QUIET_MS 20

struct link {
    const struct bus *bus;
    const atomic_bool *stop;
    modbus_t *ctx;         /* NULL: closed. */
    int lock;              /* Of a serial line that is open. */
    int64_t last_us;       /* End of the last exchange, monotonic. */
    int64_t timeout_us;    /* As libmodbus was told. */
    bool rs485_complained; /* Once is enough. */
};

struct link *
link_new(const struct bus *bus, const atomic_bool *stop)
{
    struct link *l = calloc(1, sizeof *l);

    if (l != NULL) {
        l->bus = bus;
        l->stop = stop;
    }
    return l;
}

void
link_free(struct link *l)
{
    if (l == NULL) {
        return;
    }
    link_close(l);
    free(l);
}

bool
link_is_open(const struct link *l)
{
    return l->ctx != NULL;
}

static int
open_line(struct link *l, struct err *err)
{
    int rc = rtu_open(&l->ctx, &l->lock, l->bus, err);

    if (rc == 0 && l->bus->rs485 == RS485_KERNEL && !rtu_set_rs485(l->ctx) &&
        !l->rs485_complained) {
        l->rs485_complained = true;
        log_warning("bus %s: %s has no RS-485 mode in the kernel; the adapter must "
                    "switch direction by itself",
                    l->bus->id, l->bus->path);
    }
    return rc;
}

int
link_open(struct link *l, struct err *err)
{
    int rc;

    assert(l->ctx == NULL);
    switch (l->bus->kind) {
    case BUS_RTU:
        rc = open_line(l, err);
        break;
    case BUS_TCP:
        rc = tcp_open(&l->ctx, l->bus, err);
        break;
    case BUS_RTU_OVER_TCP:
    default:
        return err_set(err, ERR_REFUSED, "RTU over TCP is not polled by this version");
    }
    if (rc != 0) {
        return rc;
    }
    modbus_set_error_recovery(l->ctx, MODBUS_ERROR_RECOVERY_NONE);
    /* No timeout between bytes: the whole answer must come within the response timeout,
     * so that a dripping peer cannot hold the bus. */
    modbus_set_byte_timeout(l->ctx, 0, 0);
    l->timeout_us = 0;
    l->last_us = 0;
    return 0;
}

void
link_close(struct link *l)
{
    if (l->ctx == NULL) {
        return;
    }
    if (l->bus->kind == BUS_RTU) {
        rtu_close(l->ctx, l->lock);
    } else {
        modbus_close(l->ctx);
        modbus_free(l->ctx);
    }
    l->ctx = NULL;
}

static bool
stopping(const struct link *l)
{
    return l->stop != NULL && atomic_load_explicit(l->stop, memory_order_relaxed);
}

static void
pause_until(const struct link *l, int64_t until_us)
{
    for (;;) {
        int64_t left_us = until_us - clock_mono_us();
        if (left_us <= 0 || stopping(l)) {
            return;
        }
        if (left_us > PAUSE_SLICE_MS * 1000) {
            left_us = PAUSE_SLICE_MS * 1000;
        }
        struct timespec t = {.tv_sec = 0, .tv_nsec = (long)left_us * 1000};
        nanosleep(&t, NULL);
    }
}

/* The bus's timeout is for the device's thinking; what the bytes need on a slow line is
 * added, else long answers would never be in time. */
static int64_t
response_timeout_us(const struct link *l, const struct read_request *q)
{
    int64_t timeout_us = l->bus->timeout_ms * 1000;

    if (l->bus->kind == BUS_RTU) {
        struct plan_request r = {.table = q->table, .count = q->count};
        timeout_us +=
            (int64_t)plan_request_bytes(&r, BUS_RTU) * serial_character_us(l->bus);
    }
    return timeout_us;
}

/* Everything before the question: unit, timeout, pause, and no stale bytes. */
static int
prepare(struct link *l, const struct read_request *q, int64_t gap_ms)
{
    int64_t timeout_us = response_timeout_us(l, q);
    int64_t pause_us = gap_ms * 1000;

    if (modbus_set_slave(l->ctx, q->unit) != 0) {
        return -1;
    }
    if (timeout_us != l->timeout_us) {
        modbus_set_response_timeout(l->ctx, (uint32_t)(timeout_us / 1000000),
                                    (uint32_t)(timeout_us % 1000000));
        l->timeout_us = timeout_us;
    }
    if (l->bus->kind == BUS_RTU) {
        pause_us += serial_silence_us(l->bus);
    }
    if (pause_us > 0) {
        pause_until(l, l->last_us + pause_us);
    }
    if (l->bus->kind == BUS_RTU) {
        modbus_flush(l->ctx);
    }
    return 0;
}

/* The four functions that only read; there are no others here. */
static int
ask(modbus_t *ctx, const struct read_request *q, struct read_answer *out)
{
    errno = 0;
    switch (q->table) {
    case REG_COIL:
        return modbus_read_bits(ctx, q->address, q->count, out->bits);
    case REG_DISCRETE:
        return modbus_read_input_bits(ctx, q->address, q->count, out->bits);
    case REG_HOLDING:
        return modbus_read_registers(ctx, q->address, q->count, out->words);
    case REG_INPUT:
        return modbus_read_input_registers(ctx, q->address, q->count, out->words);
    case REG_NONE:
        break;
    }
    errno = EINVAL;
    return -1;
}

static void
classify(struct link_result *res, int error)
{
    int code = error - MODBUS_ENOBASE;

    snprintf(res->text, sizeof res->text, "%s",
             error == 0 ? "connection lost" : modbus_strerror(error));
    res->exception = 0;
    if (error == ETIMEDOUT) {
        snprintf(res->text, sizeof res->text, "no answer in time");
        res->quality = QUALITY_TIMEOUT;
    } else if (error == EMBXGTAR) {
        /* The gateway answers for a unit that does not. */
        res->quality = QUALITY_TIMEOUT;
        res->exception = (uint8_t)code;
    } else if (code > 0 && code < MODBUS_EXCEPTION_MAX) {
        res->quality = QUALITY_EXCEPTION;
        res->exception = (uint8_t)code;
    } else if (error == EMBBADEXC || error == EMBUNKEXC) {
        res->quality = QUALITY_EXCEPTION; /* A maker's own code; libmodbus drops it. */
    } else if (error == EMBBADCRC || error == EMBBADDATA || error == EMBMDATA ||
               error == EMBBADSLAVE) {
        res->quality = QUALITY_CRC;
    } else {
        res->quality = QUALITY_REFUSED;
    }
}

void
link_read(struct link *l,
          const struct read_request *q,
          int64_t gap_ms,
          struct read_answer *out,
          struct link_result *res)
{
    assert(l->ctx != NULL);
    assert(q->count > 0);
    *res = (struct link_result){.quality = QUALITY_GOOD};
    if (prepare(l, q, gap_ms) != 0) {
        /* A unit that this kind of bus does not have; the line is well. */
        res->quality = QUALITY_EXCEPTION;
        res->exception = MODBUS_EXCEPTION_GATEWAY_PATH;
        snprintf(res->text, sizeof res->text, "no unit %u on such a bus", q->unit);
        return;
    }
    int64_t from_us = clock_mono_us();
    int got = ask(l->ctx, q, out);
    int error = errno;
    l->last_us = clock_mono_us();
    res->took_us = l->last_us - from_us;
    if (got == q->count) {
        return;
    }
    classify(res, got < 0 ? error : EMBBADDATA);
    if (res->quality == QUALITY_REFUSED) {
        link_close(l);
    }
}

/* Reads until nothing has come for a while.  A late answer may take as long to begin
 * as a timely one; a babbling line is given up on. */
static void
listen_until_quiet(struct link *l, bool expect_late)
{
    int64_t silence_ms = serial_silence_us(l->bus) / 1000 + 1;
    int64_t quiet_ms = silence_ms > QUIET_MS ? silence_ms : QUIET_MS;
    int64_t now_ms = clock_mono_ms();
    int64_t give_up_ms = now_ms + l->bus->timeout_ms + 1000;
    int64_t quiet_at_ms = now_ms + (expect_late ? l->bus->timeout_ms : quiet_ms);
    char rubbish[256];

    while (now_ms < quiet_at_ms && now_ms < give_up_ms && !stopping(l)) {
        int64_t left_ms = quiet_at_ms - now_ms;
        struct pollfd p = {.fd = modbus_get_socket(l->ctx), .events = POLLIN};
        int n = poll(&p, 1, (int)(left_ms < PAUSE_SLICE_MS ? left_ms : PAUSE_SLICE_MS));
        now_ms = clock_mono_ms();
        if (n > 0) {
            if (read(p.fd, rubbish, sizeof rubbish) <= 0) {
                return; /* The port is gone; the next question will say so. */
            }
            quiet_at_ms = now_ms + quiet_ms;
        }
    }
}

void
link_recover(struct link *l, const struct link_result *res)
{
    if (l->ctx == NULL || res->exception != 0) {
        return; /* A gateway's word for a silent unit leaves nothing behind. */
    }
    if (l->bus->kind == BUS_RTU) {
        listen_until_quiet(l, res->quality == QUALITY_TIMEOUT);
        l->last_us = clock_mono_us();
    } else {
        link_close(l);
    }
}
