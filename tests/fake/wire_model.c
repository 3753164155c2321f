#include "tests/fake/wire_model.h"

#include <assert.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/plan.h"

#define START_US   1000000000 /* Monotonic; any. */
#define ENGINE_MS  1772323200000
#define RING_BYTES (1 << 20)
#define QUIET_US   20000
#define STEPS_MAX  2000000

void
model_init(struct model *m, enum bus_kind kind)
{
    struct err err;
    struct bus *b;

    memset(m, 0, sizeof *m);
    m->estate = fake_estate_new();
    b = kind == BUS_RTU ? fake_estate_rtu(m->estate, "b", "/dev/null")
                        : fake_estate_tcp(m->estate, "b", 502);
    b->kind = kind;
    b->baud = kind == BUS_RTU ? 9600 : 0;
    b->timeout_ms = kind == BUS_RTU ? 300 : 1000;
    b->retries = 1;
    for (int i = 0; i < MODEL_UNITS; i++) {
        m->units[i] = (struct model_unit){.bad_from = -1, .bad_to = -1, .mute = -1};
    }
    ck_assert_int_eq(ring_new(&m->ring, RING_BYTES, &err), 0);
    m->now_us = START_US;
}

void
model_init_gateway(struct model *m, enum bus_kind kind)
{
    struct bus *b;

    assert(kind != BUS_RTU);
    model_init(m, kind);
    b = &m->estate->buses[0];
    b->baud = 9600;
    b->data_bits = 8;
    b->parity = 'E';
    b->stop_bits = 1;
}

static struct poller_now
now_of(const struct model *m)
{
    return (struct poller_now){.mono_us = m->now_us,
                               .engine_ms = ENGINE_MS + (m->now_us - START_US) / 1000};
}

void
model_start(struct model *m)
{
    const struct site *site = &m->estate->site;
    struct err err;

    m->stats = calloc(site->device_count, sizeof *m->stats);
    assert(m->stats != NULL);
    for (uint32_t i = 0; i < site->device_count; i++) {
        device_stats_init(&m->stats[i]);
    }
    bus_stats_init(&m->bus, m->now_us / 1000, 1000);
    ck_assert_int_eq(decoders_init(&m->decoders, site, &err), 0);
    struct poller_args args = {.site = site,
                               .decoders = &m->decoders,
                               .bus = 0,
                               .frames = m->ring,
                               .devices = m->stats,
                               .stats = &m->bus};
    ck_assert_int_eq(poller_new(&m->poller, &args, now_of(m), &err), 0);
    model_line(m, LINE_UP);
}

void
model_fini(struct model *m)
{
    poller_free(m->poller);
    decoders_fini(&m->decoders);
    free(m->stats);
    ring_free(m->ring);
    free(m->estate);
}

void
model_forget(struct model *m)
{
    memset(m->devices, 0, sizeof m->devices);
    for (int i = 0; i < MODEL_UNITS; i++) {
        m->units[i].asked = 0;
        m->units[i].answered = 0;
    }
    m->busy_us = 0;
}

void
model_line(struct model *m, enum line_state state)
{
    poller_line(m->poller, state, now_of(m));
}

uint16_t
model_value(uint8_t unit, unsigned address)
{
    return (uint16_t)(unit * 1000u + address);
}

static bool
touches(const struct read_request *q, int from, int to)
{
    return from >= 0 && q->address <= to && q->address + q->count > from;
}

/* What the unit makes of a question; its own thinking is not counted here. */
static void
ask_unit(struct model *m,
         const struct poller_ask *ask,
         struct wire_result *res,
         struct read_answer *answer)
{
    struct model_unit *u = &m->units[ask->q.unit];

    *res = (struct wire_result){.fault = WIRE_OK};
    u->asked++;
    u->last_asked_us = m->now_us;
    if (u->dead || touches(&ask->q, u->mute, u->mute)) {
        wire_fail(res, WIRE_TIMEOUT);
    } else if (u->drops > 0) {
        u->drops--;
        wire_fail(res, WIRE_LOST);
    } else if (u->fault != WIRE_OK) {
        wire_fail(res, u->fault);
    } else if (u->exception != 0 && u->exceptions_left != 0) {
        u->exceptions_left -= u->exceptions_left > 0;
        wire_fail(res, WIRE_EXCEPTION);
        res->exception = u->exception;
    } else if (touches(&ask->q, u->bad_from, u->bad_to) ||
               (u->longest > 0 && ask->q.count > u->longest)) {
        wire_fail(res, WIRE_EXCEPTION);
        res->exception = 2;
    } else {
        u->answered++;
        for (unsigned i = 0; i < ask->q.count; i++) {
            answer->words[i] = model_value(ask->q.unit, ask->q.address + i);
        }
    }
}

/* How long the bus is busy with it. */
static int64_t
exchange_us(const struct model *m,
            const struct poller_ask *ask,
            const struct wire_result *res)
{
    const struct bus *b = &m->estate->buses[0];
    int64_t wire_us = b->kind == BUS_RTU ? 0 : MODEL_NETWORK_US;

    if (b->baud > 0) {
        wire_us += plan_wire_bytes(ask->q.table, ask->q.count, BUS_RTU) *
                   serial_character_us(b);
    }
    if (b->baud > 0 && b->kind != BUS_RTU) {
        wire_us += serial_silence_us(b); /* The gateway's; ours is kept before. */
    }
    if (res->fault == WIRE_TIMEOUT) {
        int64_t listen_us = ask->listen_us > QUIET_US ? ask->listen_us : QUIET_US;
        return wire_us + ask->timeout_us + (b->kind == BUS_TCP ? 0 : listen_us);
    }
    return wire_us + m->units[ask->q.unit].think_us;
}

static void
take_frame(struct model *m, const struct frame *f)
{
    struct model_device *d = &m->devices[f->device];
    const struct device *device = &m->estate->devices[f->device];
    bool good = false;

    ck_assert_int_ge(f->t_ms, d->last_frame_ms);
    d->frames++;
    d->last_frame_ms = f->t_ms;
    for (uint16_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];
        uint32_t k = r->point - device->first_point;
        ck_assert_uint_lt(k, device->point_count);
        ck_assert(i == 0 || f->readings[i - 1].point < r->point);
        d->by_quality[r->quality]++;
        good = good || r->quality == QUALITY_GOOD;
        if (k < ARRAY_LEN(d->last)) {
            d->last[k] = *r;
            d->seen[k] = true;
        }
        const struct point *p = &m->estate->points[r->point];
        if (r->quality == QUALITY_GOOD && p->table != REG_NONE) {
            ck_assert_double_eq(r->value, model_value(device->unit, p->address));
        }
    }
    d->good_frames += good;
    if (good) {
        d->last_good_ms = f->t_ms;
    }
}

static void
drain(struct model *m)
{
    static _Alignas(struct frame) unsigned char bytes[FRAME_BYTES_MAX];

    while (ring_pop(m->ring, bytes, sizeof bytes) > 0) {
        take_frame(m, (const struct frame *)(const void *)bytes);
    }
    ck_assert_uint_eq(ring_dropped(m->ring), 0);
}

void
model_run(struct model *m, int64_t until_us)
{
    static struct read_answer answer;
    int64_t end_us = START_US + until_us;

    for (int steps = 0; m->now_us < end_us; steps++) {
        struct poller_ask ask;
        struct wire_result res;
        int64_t wake_us;
        ck_assert_int_lt(steps, STEPS_MAX);
        if (!poller_next(m->poller, now_of(m), &ask, &wake_us)) {
            drain(m);
            ck_assert_int_gt(wake_us, m->now_us);
            m->now_us = wake_us < end_us ? wake_us : end_us;
            continue;
        }
        if (m->estate->buses[0].kind == BUS_RTU) {
            m->now_us += serial_silence_us(&m->estate->buses[0]);
        }
        ask_unit(m, &ask, &res, &answer);
        res.took_us = exchange_us(m, &ask, &res);
        m->now_us += res.took_us;
        m->busy_us += res.took_us;
        poller_answer(m->poller, now_of(m), &res, &answer);
        drain(m);
    }
}
