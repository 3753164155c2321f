/* The collectors on real sockets and ptys, against slaves that misbehave on command. */
#include <check.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collectors/collectors.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/model/sample.h"
#include "tests/fake/fake_estate.h"
#include "tests/fake/fake_slave.h"

/* Only a broken collector lets us wait so long: who stalled again and again is asked
 * after a minute. */
#define PATIENCE_MS 90000
#define IDLE_MS     300

struct fixture {
    struct fake_estate *estate;
    struct engine_clock clock;
    struct ring *ring;
    struct collectors *collectors;
    struct frame *last; /* Of FRAME_BYTES_MAX. */
};

static struct fixture f;

static void
set_up(void)
{
    struct err err;

    log_init(LOG_LEVEL_ERROR);
    memset(&f, 0, sizeof f);
    f.estate = fake_estate_new();
    f.last = malloc(FRAME_BYTES_MAX);
    ck_assert_ptr_nonnull(f.last);
    ck_assert_int_eq(ring_new(&f.ring, 1 << 20, &err), 0);
}

static void
tear_down(void)
{
    collectors_stop(f.collectors);
    ring_free(f.ring);
    free(f.last);
    free(f.estate);
}

static void
start(void)
{
    struct err err = {0};

    ck_assert_msg(
        collectors_start(&f.collectors, &f.estate->site, &f.clock, f.ring, &err) == 0,
        "%s", err.text);
}

/* The next frame of `device` in f.last. */
static const struct frame *
next_frame(uint32_t device)
{
    int64_t give_up_ms = clock_mono_ms() + PATIENCE_MS;

    for (;;) {
        struct pollfd p = {.fd = ring_fd(f.ring), .events = POLLIN};
        int64_t left_ms = give_up_ms - clock_mono_ms();
        ck_assert_msg(left_ms > 0, "no frame of device %u", device);
        if (poll(&p, 1, (int)left_ms) <= 0) {
            continue;
        }
        while (ring_pop(f.ring, f.last, FRAME_BYTES_MAX) > 0) {
            if (f.last->device == device) {
                return f.last;
            }
        }
    }
}

/* Waits until the first reading of a frame of `device` has this quality. */
static const struct frame *
await_quality(uint32_t device, enum quality q)
{
    int64_t give_up_ms = clock_mono_ms() + PATIENCE_MS;

    for (;;) {
        const struct frame *frame = next_frame(device);
        ck_assert_msg(clock_mono_ms() < give_up_ms, "never %s, last %s",
                      quality_name(q), quality_name(frame->readings[0].quality));
        if (frame->readings[0].quality == q) {
            return frame;
        }
    }
}

static uint64_t
timeouts(uint32_t device)
{
    return collectors_device(f.collectors, device).wire.faults[WIRE_TIMEOUT];
}

START_TEST(tcp_frame_has_every_point_in_order)
{
    struct fake_slave *s = fake_slave_tcp();

    fake_slave_set(s, 1, REG_HOLDING, 10, 1234);
    fake_slave_set(s, 1, REG_INPUT, 3, 0xFFFE);
    fake_slave_set(s, 1, REG_COIL, 7, 1);
    fake_slave_set(s, 1, REG_DISCRETE, 8, 1);
    fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    fake_estate_device(f.estate, "d", 1, 50);
    fake_estate_point(f.estate, "a", REG_HOLDING, 10, TYPE_U16)->scaling.div = 10.0;
    fake_estate_point(f.estate, "b", REG_INPUT, 3, TYPE_S16);
    fake_estate_point(f.estate, "log_only", REG_NONE, 0, TYPE_U16);
    fake_estate_point(f.estate, "c", REG_COIL, 7, TYPE_BOOL);
    fake_estate_point(f.estate, "d", REG_DISCRETE, 8, TYPE_BOOL);
    fake_estate_point(f.estate, "e", REG_DISCRETE, 9, TYPE_BOOL);
    start();
    const struct frame *frame = await_quality(0, QUALITY_GOOD);
    static const struct reading expected[] = {
        {.point = 0, .value = 123.4}, {.point = 1, .value = -2.0},
        {.point = 3, .value = 1.0},   {.point = 4, .value = 1.0},
        {.point = 5, .value = 0.0},
    };
    ck_assert_uint_eq(frame->count, ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        ck_assert_uint_eq(frame->readings[i].point, expected[i].point);
        ck_assert_uint_eq(frame->readings[i].quality, QUALITY_GOOD);
        ck_assert_double_eq(frame->readings[i].value, expected[i].value);
    }
    struct device_counts counts = collectors_device(f.collectors, 0);
    ck_assert_uint_ge(counts.wire.requests, 4);
    ck_assert_uint_eq(counts.wire.errors, 0);
    ck_assert(counts.latency_ms > 0.0);
    ck_assert_int_ne(counts.last_good_ms, INSTANT_NONE);
    ck_assert(collectors_bus(f.collectors, 0).online);
    collectors_stop(f.collectors);
    f.collectors = NULL;
    fake_slave_free(s);
}
END_TEST

START_TEST(frames_carry_the_engines_time)
{
    struct fake_slave *s = fake_slave_tcp();

    atomic_store(&f.clock.offset_ms, 1000000000000);
    fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    fake_estate_device(f.estate, "d", 1, 50);
    fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    int64_t before_ms = engine_clock_now(&f.clock);
    start();
    int64_t t_ms = await_quality(0, QUALITY_GOOD)->t_ms;
    int64_t after_ms = engine_clock_now(&f.clock);
    ck_assert_int_ge(t_ms, before_ms - 1);
    ck_assert_int_le(t_ms, after_ms);
    ck_assert_uint_eq(f.last->flags, 0);
    fake_slave_free(s);
}
END_TEST

START_TEST(groups_are_polled_at_their_own_rate)
{
    struct fake_slave *s = fake_slave_tcp();
    int both = 0;

    fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    fake_estate_device(f.estate, "d", 1, 20);
    fake_estate_point(f.estate, "slow", REG_HOLDING, 100, TYPE_U16)->poll_ms = 3600000;
    fake_estate_point(f.estate, "fast", REG_HOLDING, 0, TYPE_U16);
    start();
    for (int i = 0; i < 10; i++) {
        const struct frame *frame = next_frame(0);
        both += frame->count == 2;
        ck_assert_uint_eq(frame->readings[frame->count - 1].point, 1);
    }
    ck_assert_int_eq(both, 1); /* The first poll; the other is an hour away. */
    fake_slave_free(s);
}
END_TEST

#define UNITS 3 /* Each may have a question under way when the slave is held up. */

/* One more poll of a unit that is well failed.  That is right where the slave itself
 * was late, on a busy machine, and nowhere else. */
static void
check_excused(struct fake_slave *s, unsigned lost)
{
    unsigned stalls = fake_slave_stalls(s);

    ck_assert_msg(lost <= UNITS * stalls,
                  "%u questions were lost, but the slave was held up %u times", lost,
                  stalls);
}

START_TEST(a_dead_unit_does_not_stop_the_others)
{
    struct fake_slave *s = fake_slave_tcp();
    unsigned lost = 0;

    fake_slave_fault(s, 2, FAKE_SILENT, 0);
    fake_estate_tcp(f.estate, "t", fake_slave_port(s))->timeout_ms = 150;
    for (uint8_t unit = 1; unit <= UNITS; unit++) {
        fake_estate_device(f.estate, unit == 2 ? "dead" : "live", unit, 50);
        fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    }
    start();
    await_quality(1, QUALITY_TIMEOUT);
    await_quality(1, QUALITY_OFFLINE); /* Not asked, but not silent either. */
    unsigned asked = fake_slave_requests(s, 2);
    for (int frames = 0, live = 0; live < 20; frames++) {
        enum quality q = next_frame(frames % 2 == 0 ? 0 : 2)->readings[0].quality;
        live += q == QUALITY_GOOD;
        lost += q == QUALITY_TIMEOUT;
        ck_assert(q == QUALITY_GOOD || q == QUALITY_TIMEOUT || q == QUALITY_OFFLINE);
        if (q != QUALITY_GOOD) { /* Offline: it is left alone after what was lost. */
            check_excused(s, lost > 0 ? lost : 1);
        }
    }
    ck_assert_uint_le(fake_slave_requests(s, 2) - asked, 10);
    ck_assert_uint_ge(timeouts(1), 1);
    fake_slave_fault(s, 2, FAKE_WELL, 0);
    await_quality(1, QUALITY_GOOD);
    /* Back at once and for good: the next ones are good too. */
    while (next_frame(1)->readings[0].quality != QUALITY_GOOD) {
        check_excused(s, ++lost);
        await_quality(1, QUALITY_GOOD);
    }
    fake_slave_free(s);
}
END_TEST

START_TEST(a_dying_unit_costs_the_others_one_timeout_at_a_time)
{
    struct fake_slave *s = fake_slave_pty();

    struct bus *b = fake_estate_rtu(f.estate, "l", fake_slave_path(s));
    b->timeout_ms = 100;
    b->retries = 5;
    for (uint8_t unit = 1; unit <= 2; unit++) {
        fake_estate_device(f.estate, unit == 2 ? "dying" : "live", unit, 50);
        fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
        fake_estate_point(f.estate, "b", REG_HOLDING, 500, TYPE_U16);
    }
    start();
    await_quality(1, QUALITY_GOOD);
    unsigned dying = fake_slave_requests(s, 2);
    unsigned live = fake_slave_requests(s, 1);
    fake_slave_fault(s, 2, FAKE_SILENT, 0);
    await_quality(1, QUALITY_TIMEOUT);
    dying = fake_slave_requests(s, 2) - dying;
    live = fake_slave_requests(s, 1) - live;
    ck_assert_uint_ge(dying, 6); /* All its retries were made, */
    ck_assert_uint_ge(live, 10); /* and both questions of the other between them. */
    fake_slave_free(s);
}
END_TEST

START_TEST(a_device_is_there_though_one_of_its_requests_is_never_answered)
{
    struct fake_slave *s = fake_slave_pty();

    struct bus *b = fake_estate_rtu(f.estate, "l", fake_slave_path(s));
    unsigned missed = 0;
    b->timeout_ms = 100;
    b->retries = (uint8_t)_i;
    fake_slave_mute(s, 1, 0);
    fake_estate_device(f.estate, "half", 1, 50);
    fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    fake_estate_point(f.estate, "b", REG_HOLDING, 500, TYPE_U16);
    start();
    while (next_frame(0)->readings[1].quality != QUALITY_GOOD) {
    }
    unsigned asked = fake_slave_requests(s, 1);
    int64_t give_up_ms = clock_mono_ms() + PATIENCE_MS;
    for (int good = 0; good < 10;) {
        const struct frame *frame = next_frame(0);
        if (frame->readings[1].quality == QUALITY_GOOD) {
            ck_assert_uint_eq(frame->readings[0].quality, QUALITY_TIMEOUT);
            good++;
        } else {
            missed++; /* By the slave, where the machine is busy. */
            ck_assert_msg(clock_mono_ms() < give_up_ms, "it never comes back");
        }
    }
    /* Ten polls of two requests, but the silent one is not asked each time. */
    ck_assert_uint_le(fake_slave_requests(s, 1) - asked, 16 + 2 * missed);
    fake_slave_mute(s, 1, -1);
    await_quality(0, QUALITY_GOOD);
    fake_slave_free(s);
}
END_TEST

START_TEST(a_late_answer_is_never_taken_for_the_next)
{
    static const bool pty[] = {false, true};
    struct fake_slave *s = pty[_i] ? fake_slave_pty() : fake_slave_tcp();
    struct bus *b = pty[_i] ? fake_estate_rtu(f.estate, "l", fake_slave_path(s))
                            : fake_estate_tcp(f.estate, "l", fake_slave_port(s));

    b->timeout_ms = 150; /* A line listens twice as long, which is what we have. */
    fake_slave_set(s, 1, REG_HOLDING, 0, 111);
    fake_slave_set(s, 1, REG_HOLDING, 500, 222);
    fake_estate_device(f.estate, "d", 1, 30);
    fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    fake_estate_point(f.estate, "b", REG_HOLDING, 500, TYPE_U16);
    start();
    await_quality(0, QUALITY_GOOD);
    /* Whoever looks late does not see that an answer is: then once more. */
    for (int i = 0; i < 3 || timeouts(0) == 0; i++) {
        ck_assert_int_lt(i, 50);
        fake_slave_fault(s, 1, FAKE_LATE, 220);
        for (int k = 0; k < 4; k++) {
            const struct frame *frame = next_frame(0);
            ck_assert_uint_eq(frame->count, 2);
            if (frame->readings[0].quality == QUALITY_GOOD) {
                ck_assert_double_eq(frame->readings[0].value, 111.0);
            }
            if (frame->readings[1].quality == QUALITY_GOOD) {
                ck_assert_double_eq(frame->readings[1].value, 222.0);
            }
        }
        await_quality(0, QUALITY_GOOD);
    }
    collectors_stop(f.collectors);
    f.collectors = NULL;
    fake_slave_free(s);
}
END_TEST

/* A slow line needs seconds for a long answer, ours as well as a gateway's: what came
 * in that time is not late. */
START_TEST(the_time_that_a_slow_line_takes_is_waited_for)
{
    struct fake_slave *s = _i == 0   ? fake_slave_pty()
                           : _i == 1 ? fake_slave_tcp()
                                     : fake_slave_rtu_over_tcp();
    struct bus *b = _i == 0 ? fake_estate_rtu(f.estate, "l", fake_slave_path(s))
                            : fake_estate_tcp(f.estate, "l", fake_slave_port(s));
    struct read_request q = {.unit = 1, .table = REG_HOLDING, .count = 125};
    struct read_answer answer;
    struct err err;

    b->kind = _i == 2 ? BUS_RTU_OVER_TCP : b->kind;
    b->baud = 300; /* 263 characters, near 9 s: no machine is so slow. */
    b->data_bits = 8;
    b->parity = 'N';
    b->stop_bits = 1;
    b->timeout_ms = 50;
    fake_slave_set(s, 1, REG_HOLDING, 124, 77);
    fake_slave_fault(s, 1, FAKE_LATE, 400);
    fake_estate_device(f.estate, "d", 1, 3600000);
    for (uint16_t i = 0; i < 125; i++) {
        fake_estate_point(f.estate, "a", REG_HOLDING, i, TYPE_U16);
    }
    start();
    const struct frame *frame = next_frame(0);
    ck_assert_uint_eq(frame->readings[124].quality, QUALITY_GOOD);
    ck_assert_double_eq(frame->readings[124].value, 77.0);
    fake_slave_fault(s, 1, FAKE_LATE, 400);
    ck_assert_int_eq(collectors_read(f.collectors, 0, &q, &answer, &err), 0);
    ck_assert_uint_eq(answer.words[124], 77);
    collectors_stop(f.collectors);
    f.collectors = NULL;
    fake_slave_free(s);
}
END_TEST

START_TEST(a_lost_connection_is_refused_and_comes_back)
{
    struct fake_slave *s = fake_slave_tcp();

    fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    for (uint8_t unit = 1; unit <= 3; unit++) {
        fake_estate_device(f.estate, "d", unit, 40);
        fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    }
    start();
    await_quality(2, QUALITY_GOOD);
    fake_slave_away(s);
    for (uint32_t d = 0; d < 3; d++) {
        await_quality(d, QUALITY_REFUSED);
    }
    ck_assert(!collectors_bus(f.collectors, 0).online);
    fake_slave_back(s);
    await_quality(0, QUALITY_GOOD);
    /* None of them was blamed: all are back with the first. */
    for (int i = 0; i < 6; i++) {
        uint8_t q = next_frame(1 + (uint32_t)i % 2)->readings[0].quality;
        ck_assert_msg(q == QUALITY_GOOD || i < 2, "%s", quality_name(q));
    }
    ck_assert(collectors_bus(f.collectors, 0).online);
    collectors_stop(f.collectors);
    f.collectors = NULL;
    fake_slave_free(s);
}
END_TEST

START_TEST(an_idle_connection_that_was_closed_is_no_failure)
{
    struct fake_slave *s = fake_slave_tcp();

    fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    fake_estate_device(f.estate, "d", 1, IDLE_MS);
    fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    start();
    int64_t polled_ms = 0;
    do { /* Again where that took us too long. */
        polled_ms = await_quality(0, QUALITY_GOOD)->t_ms;
        fake_slave_away(s); /* Closes the connection, */
        fake_slave_back(s); /* and is there again before the next poll. */
    } while (engine_clock_now(&f.clock) - polled_ms >= IDLE_MS - 50);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(next_frame(0)->readings[0].quality, QUALITY_GOOD);
    }
    fake_slave_free(s);
}
END_TEST

START_TEST(a_unit_that_makes_its_gateway_drop_backs_off)
{
    struct fake_slave *s = fake_slave_tcp();

    fake_slave_fault(s, 2, FAKE_DROP, 0);
    fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    for (uint8_t unit = 1; unit <= 2; unit++) {
        fake_estate_device(f.estate, "d", unit, 40);
        fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    }
    start();
    await_quality(1, QUALITY_REFUSED);
    await_quality(1, QUALITY_OFFLINE);
    await_quality(0, QUALITY_GOOD);
    fake_slave_fault(s, 2, FAKE_WELL, 0);
    await_quality(1, QUALITY_GOOD);
    fake_slave_free(s);
}
END_TEST

START_TEST(exceptions_say_their_code)
{
    static const struct {
        int code;
        enum quality quality;
        uint8_t detail;
    } rows[] = {
        {1, QUALITY_EXCEPTION, 1},
        {2, QUALITY_EXCEPTION, 2},
        {4, QUALITY_EXCEPTION, 4},
        {6, QUALITY_EXCEPTION, 6},
        {10, QUALITY_EXCEPTION, 10},
        {11, QUALITY_TIMEOUT, 11}, /* The gateway tells of a silent unit. */
    };
    struct fake_slave *s = fake_slave_tcp();

    fake_slave_fault(s, 1, FAKE_EXCEPTION, rows[_i].code);
    fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    fake_estate_device(f.estate, "d", 1, 40);
    fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    start();
    const struct frame *frame = next_frame(0);
    ck_assert_uint_eq(frame->readings[0].quality, rows[_i].quality);
    ck_assert_uint_eq(frame->readings[0].detail, rows[_i].detail);
    fake_slave_fault(s, 1, FAKE_WELL, 0);
    if (rows[_i].code > 3) { /* The others are believed for a while. */
        await_quality(0, QUALITY_GOOD);
    }
    fake_slave_free(s);
}
END_TEST

START_TEST(one_refused_register_does_not_take_its_block_along)
{
    struct fake_slave *s = fake_slave_tcp();

    fake_slave_hole(s, 1, 37);
    fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    fake_estate_device(f.estate, "d", 1, 20);
    for (uint16_t i = 0; i < 50; i++) {
        fake_slave_set(s, 1, REG_HOLDING, i, (uint16_t)(i + 7));
        fake_estate_point(f.estate, "a", REG_HOLDING, i, TYPE_U16);
    }
    start();
    for (int round = 0; round < 5; round++) {
        const struct frame *frame = next_frame(0);
        ck_assert_uint_eq(frame->count, 50);
        for (uint16_t i = 0; i < 50; i++) {
            const struct reading *r = &frame->readings[i];
            ck_assert_uint_eq(r->quality, i == 37 ? QUALITY_EXCEPTION : QUALITY_GOOD);
            ck_assert_uint_eq(r->detail, i == 37 ? 2 : 0);
            ck_assert(i == 37 || r->value == i + 7);
        }
    }
    /* The bad one is known by now and not asked any more. */
    uint64_t refusals = collectors_device(f.collectors, 0).wire.faults[WIRE_EXCEPTION];
    next_frame(0);
    next_frame(0);
    ck_assert_uint_eq(collectors_device(f.collectors, 0).wire.faults[WIRE_EXCEPTION],
                      refusals);
    fake_slave_free(s);
}
END_TEST

START_TEST(decimals_come_from_another_register)
{
    struct fake_slave *s = fake_slave_tcp();

    fake_slave_set(s, 1, REG_HOLDING, 3, 2);    /* QDY30A: decimals, */
    fake_slave_set(s, 1, REG_HOLDING, 4, 1234); /* value. */
    fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    fake_estate_device(f.estate, "d", 1, 20);
    struct point *decimals =
        fake_estate_point(f.estate, "zdecimals", REG_HOLDING, 3, TYPE_U16);
    decimals->poll_ms = 3600000; /* Read once, remembered after. */
    fake_estate_point(f.estate, "level", REG_HOLDING, 4, TYPE_S16)->decimals_from = 0;
    start();
    const struct frame *frame = next_frame(0);
    ck_assert_uint_eq(frame->count, 2);
    ck_assert_double_eq(frame->readings[1].value, 12.34);
    frame = next_frame(0);
    ck_assert_uint_eq(frame->count, 1);
    ck_assert_uint_eq(frame->readings[0].quality, QUALITY_GOOD);
    ck_assert_double_eq(frame->readings[0].value, 12.34);
    fake_slave_free(s);
}
END_TEST

START_TEST(serial_faults_have_their_names)
{
    static const struct {
        enum fake_fault fault;
        enum quality quality;
    } rows[] = {
        {FAKE_WELL, QUALITY_GOOD},
        {FAKE_BAD_CRC, QUALITY_CRC},
        {FAKE_WRONG_UNIT, QUALITY_CRC},
        {FAKE_SILENT, QUALITY_TIMEOUT},
    };
    struct fake_slave *s = fake_slave_pty();

    fake_slave_fault(s, 1, rows[_i].fault, 0);
    fake_slave_set(s, 1, REG_INPUT, 0, 42);
    fake_slave_set(s, 2, REG_INPUT, 0, 43);
    struct bus *line = fake_estate_rtu(f.estate, "line", fake_slave_path(s));
    line->retries = 1;
    if (rows[_i].fault != FAKE_WELL) {
        line->timeout_ms = 500; /* It is waited for. */
    }
    fake_estate_device(f.estate, "d", 1, 100);
    fake_estate_point(f.estate, "a", REG_INPUT, 0, TYPE_U16);
    fake_estate_device(f.estate, "e", 2, 100);
    fake_estate_point(f.estate, "a", REG_INPUT, 0, TYPE_U16);
    start();
    ck_assert_uint_eq(next_frame(0)->readings[0].quality, rows[_i].quality);
    /* Who never answered is not asked again at once, but we may be slow to look. */
    unsigned asked = fake_slave_requests(s, 1);
    int64_t since_ms = engine_clock_now(&f.clock) - f.last->t_ms;
    ck_assert_int_le(asked, 1 + since_ms / (rows[_i].fault == FAKE_WELL ? 90 : 400));
    ck_assert_double_eq(await_quality(1, QUALITY_GOOD)->readings[0].value, 43.0);
    fake_slave_fault(s, 1, FAKE_WELL, 0);
    ck_assert_double_eq(await_quality(0, QUALITY_GOOD)->readings[0].value, 42.0);
    collectors_stop(f.collectors);
    f.collectors = NULL;
    fake_slave_free(s);
}
END_TEST

START_TEST(a_port_that_is_not_there_is_refused)
{
    fake_estate_rtu(f.estate, "line", "/nonexistent/ttyS9");
    fake_estate_device(f.estate, "d", 1, 30);
    fake_estate_point(f.estate, "a", REG_INPUT, 0, TYPE_U16);
    struct bus *over = fake_estate_tcp(f.estate, "over", 1);
    over->kind = BUS_RTU_OVER_TCP;
    fake_estate_device(f.estate, "e", 1, 30);
    fake_estate_point(f.estate, "a", REG_INPUT, 0, TYPE_U16);
    start();
    for (int i = 0; i < 3; i++) { /* At the poll's rate, with the reason. */
        ck_assert_uint_eq(next_frame(0)->readings[0].quality, QUALITY_REFUSED);
        ck_assert_uint_eq(next_frame(1)->readings[0].quality, QUALITY_REFUSED);
    }
    ck_assert(!collectors_bus(f.collectors, 0).online);
    ck_assert_uint_eq(collectors_device(f.collectors, 0).wire.requests, 0);
}
END_TEST

START_TEST(a_line_in_use_is_told_apart)
{
    struct fake_slave *s = fake_slave_pty();
    struct read_request q = {.unit = 1, .table = REG_INPUT, .count = 1};
    struct read_answer answer;
    struct err err;

    fake_slave_set(s, 1, REG_INPUT, 0, 42);
    struct bus *bus = fake_estate_rtu(f.estate, "line", fake_slave_path(s));
    fake_estate_device(f.estate, "d", 1, 50);
    fake_estate_point(f.estate, "a", REG_INPUT, 0, TYPE_U16);
    ck_assert_int_eq(bus_read_once(bus, &q, &answer, &err), 0); /* Nobody has it. */
    ck_assert_uint_eq(answer.words[0], 42);
    start();
    await_quality(0, QUALITY_GOOD);
    ck_assert_int_eq(bus_read_once(bus, &q, &answer, &err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "in use"));
    memset(&answer, 0, sizeof answer); /* The one who has it can ask. */
    ck_assert_int_eq(collectors_read(f.collectors, 0, &q, &answer, &err), 0);
    ck_assert_uint_eq(answer.words[0], 42);
    collectors_stop(f.collectors);
    f.collectors = NULL;
    fake_slave_free(s);
}
END_TEST

START_TEST(reads_go_between_the_polls)
{
    struct fake_slave *s = fake_slave_tcp();
    struct read_answer answer;
    struct err err;
    struct read_request q = {.unit = 3, .table = REG_HOLDING, .address = 5, .count = 3};

    fake_slave_set(s, 3, REG_HOLDING, 6, 99);
    fake_slave_set(s, 3, REG_COIL, 1, 1);
    for (int bus = 0; bus < 2; bus++) { /* The second one is of little patience. */
        struct bus *b = fake_estate_tcp(f.estate, "t", fake_slave_port(s));
        b->timeout_ms = bus == 0 ? b->timeout_ms : 100;
        fake_estate_device(f.estate, "d", 1, 3600000); /* The worker sleeps. */
        fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    }
    start();
    next_frame(0);
    ck_assert_int_eq(collectors_read(f.collectors, 0, &q, &answer, &err), 0);
    ck_assert_uint_eq(answer.words[1], 99);
    q = (struct read_request){.unit = 3, .table = REG_COIL, .count = 2};
    ck_assert_int_eq(collectors_read(f.collectors, 0, &q, &answer, &err), 0);
    ck_assert_uint_eq(answer.bits[0], 0);
    ck_assert_uint_eq(answer.bits[1], 1);
    q.address = FAKE_REGISTERS;
    ck_assert_int_eq(collectors_read(f.collectors, 0, &q, &answer, &err), ERR_PROTOCOL);
    fake_slave_fault(s, 3, FAKE_SILENT, 0);
    ck_assert_int_eq(collectors_read(f.collectors, 1, &q, &answer, &err), ERR_TIMEOUT);
    q.count = 2001;
    ck_assert_int_eq(collectors_read(f.collectors, 0, &q, &answer, &err), ERR_USAGE);
    fake_slave_free(s);
}
END_TEST

static int64_t
cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* One worker has both endpoints: while somebody waits at one, the other sleeps. */
START_TEST(a_read_of_one_endpoint_does_not_keep_the_others_busy)
{
    struct fake_slave *slaves[] = {fake_slave_tcp(), fake_slave_tcp()};
    struct read_request q = {.unit = 9, .table = REG_INPUT, .count = 1};
    struct read_answer answer;
    struct err err;

    fake_slave_fault(slaves[0], 9, FAKE_SILENT, 0);
    for (int i = 0; i < 2; i++) {
        fake_estate_tcp(f.estate, i == 0 ? "t" : "u", fake_slave_port(slaves[i]))
            ->timeout_ms = 1000;
        fake_estate_device(f.estate, i == 0 ? "d" : "e", 1, 1000);
        fake_estate_point(f.estate, "a", REG_INPUT, 0, TYPE_U16);
    }
    start();
    await_quality(0, QUALITY_GOOD);
    await_quality(1, QUALITY_GOOD);
    int64_t used_us = cpu_us();
    int64_t began_ms = clock_mono_ms();
    ck_assert_int_eq(collectors_read(f.collectors, 0, &q, &answer, &err), ERR_TIMEOUT);
    /* A loop would use a whole processor; a slow machine is no excuse for one. */
    ck_assert_int_lt(cpu_us() - used_us, (clock_mono_ms() - began_ms) * 1000 / 2);
    collectors_stop(f.collectors);
    f.collectors = NULL;
    fake_slave_free(slaves[0]);
    fake_slave_free(slaves[1]);
}
END_TEST

START_TEST(stopping_does_not_wait_for_the_next_poll)
{
    struct fake_slave *s = fake_slave_tcp();

    fake_slave_fault(s, 1, FAKE_SILENT, 0);
    struct bus *b = fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    b->retries = 1000;
    b->timeout_ms = 200;
    fake_estate_device(f.estate, "d", 1, 3600000);
    fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    start();
    while (fake_slave_requests(s, 1) == 0) {
        poll(NULL, 0, 1);
    }
    int64_t from_ms = clock_mono_ms();
    collectors_stop(f.collectors); /* In the middle of a thousand retries. */
    f.collectors = NULL;
    ck_assert_int_lt(clock_mono_ms() - from_ms, 20000);
    fake_slave_free(s);
}
END_TEST

START_TEST(a_continuous_device_is_asked_again_at_once)
{
    struct fake_slave *s = fake_slave_tcp();

    fake_estate_tcp(f.estate, "t", fake_slave_port(s));
    struct device *d = fake_estate_device(f.estate, "d", 1, 3600000);
    d->poll_continuous = true;
    fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    fake_estate_device(f.estate, "e", 2, 30);
    fake_estate_point(f.estate, "a", REG_HOLDING, 0, TYPE_U16);
    start();
    for (int i = 0; i < 20; i++) {
        ck_assert_uint_eq(next_frame(0)->readings[0].quality, QUALITY_GOOD);
    }
    ck_assert_uint_eq(next_frame(1)->readings[0].quality, QUALITY_GOOD);
    collectors_stop(f.collectors);
    f.collectors = NULL;
    fake_slave_free(s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bus");
    TCase *tc = tcase_create("bus");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, tcp_frame_has_every_point_in_order);
    tcase_add_test(tc, frames_carry_the_engines_time);
    tcase_add_test(tc, groups_are_polled_at_their_own_rate);
    tcase_add_test(tc, a_dead_unit_does_not_stop_the_others);
    tcase_add_test(tc, a_dying_unit_costs_the_others_one_timeout_at_a_time);
    tcase_add_loop_test(
        tc, a_device_is_there_though_one_of_its_requests_is_never_answered, 0, 3);
    tcase_add_loop_test(tc, a_late_answer_is_never_taken_for_the_next, 0, 2);
    tcase_add_loop_test(tc, the_time_that_a_slow_line_takes_is_waited_for, 0, 3);
    tcase_add_test(tc, a_lost_connection_is_refused_and_comes_back);
    tcase_add_test(tc, an_idle_connection_that_was_closed_is_no_failure);
    tcase_add_test(tc, a_unit_that_makes_its_gateway_drop_backs_off);
    tcase_add_loop_test(tc, exceptions_say_their_code, 0, 6);
    tcase_add_test(tc, one_refused_register_does_not_take_its_block_along);
    tcase_add_test(tc, decimals_come_from_another_register);
    tcase_add_loop_test(tc, serial_faults_have_their_names, 0, 4);
    tcase_add_test(tc, a_port_that_is_not_there_is_refused);
    tcase_add_test(tc, a_line_in_use_is_told_apart);
    tcase_add_test(tc, reads_go_between_the_polls);
    tcase_add_test(tc, a_read_of_one_endpoint_does_not_keep_the_others_busy);
    tcase_add_test(tc, stopping_does_not_wait_for_the_next_poll);
    tcase_add_test(tc, a_continuous_device_is_asked_again_at_once);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
