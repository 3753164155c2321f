/* The poller on a bus in virtual time: rates, fairness, quarantine, refusals. */
#include <check.h>
#include <stdlib.h>

#include "collectors/poller.h"
#include "tests/fake/wire_model.h"

#define S  INT64_C(1000000)
#define MS INT64_C(1000)

static struct model m;

static void
tear_down(void)
{
    model_fini(&m);
}

/* `count` devices d0.. with units 1.., `registers` input registers each. */
static void
add_devices(uint32_t count, uint16_t registers, int64_t poll_ms)
{
    static const char *const ids[] = {
        "d00", "d01", "d02", "d03", "d04", "d05", "d06", "d07", "d08", "d09", "d10",
        "d11", "d12", "d13", "d14", "d15", "d16", "d17", "d18", "d19", "d20", "d21",
        "d22", "d23", "d24", "d25", "d26", "d27", "d28", "d29", "d30", "d31"};

    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = m.estate->site.device_count;
        struct device *d =
            fake_estate_device(m.estate, ids[n], (uint8_t)(n + 1), poll_ms);
        d->limits.holes = true;
        for (uint16_t r = 0; r < registers; r++) {
            fake_estate_point(m.estate, "p", REG_INPUT, r, TYPE_U16);
        }
    }
}

static void
make_continuous(void)
{
    for (uint32_t i = 0; i < m.estate->site.device_count; i++) {
        m.estate->devices[i].poll_continuous = true;
    }
}

static struct device_counts
counts(uint32_t device)
{
    return device_stats_read(&m.stats[device]);
}

START_TEST(devices_are_polled_at_their_rate)
{
    model_init(&m, BUS_TCP);
    add_devices(10, 5, 1000);
    add_devices(2, 5, 60000);
    add_devices(1, 5, 200);
    model_start(&m);
    model_run(&m, 600 * S);
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_uint_ge(m.devices[i].frames,
                          600); /* One as soon as the line is up. */
        ck_assert_uint_le(m.devices[i].frames, 601);
        ck_assert_uint_eq(m.devices[i].by_quality[QUALITY_GOOD],
                          5 * m.devices[i].frames);
    }
    ck_assert_uint_ge(m.devices[10].frames, 10); /* One more within the first second. */
    ck_assert_uint_le(m.devices[10].frames, 11);
    ck_assert_uint_ge(m.devices[12].frames, 2999);
    ck_assert_uint_le(m.devices[12].frames, 3001);
}
END_TEST

START_TEST(points_have_their_own_periods)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 4, 1000);
    m.estate->points[1].poll_ms = 60000;
    model_start(&m);
    model_run(&m, 600 * S);
    ck_assert_uint_eq(m.devices[0].frames, 600);
    ck_assert_uint_ge(m.devices[0].by_quality[QUALITY_GOOD], 600 * 3 + 10);
    ck_assert_uint_le(m.devices[0].by_quality[QUALITY_GOOD], 600 * 3 + 11);
}
END_TEST

/* A plan of twice what the line can carry: all come half as often, fast and slow. */
START_TEST(under_overload_every_device_is_late_by_the_same_share)
{
    double share[16];
    double least = 1e9, most = 0;

    model_init(&m, BUS_RTU);
    add_devices(8, 20, 500);
    add_devices(8, 20, 2000);
    for (int i = 1; i <= 16; i++) {
        m.units[i].think_us = 10 * MS;
    }
    model_start(&m);
    model_run(&m, 20 * S);
    model_forget(&m);
    model_run(&m, 420 * S);
    for (uint32_t i = 0; i < 16; i++) {
        share[i] = (double)m.devices[i].frames / (i < 8 ? 800.0 : 200.0);
        least = share[i] < least ? share[i] : least;
        most = share[i] > most ? share[i] : most;
    }
    ck_assert_double_lt(least, 0.8); /* It is an overload, */
    ck_assert_double_gt(least, 0.5);
    ck_assert_double_lt(most / least, 1.03); /* and shared. */
    struct bus_counts c = bus_stats_read(&m.bus, m.now_us / 1000);
    ck_assert_double_gt(c.late, 100.0 * (1.0 / most - 1.0) * 0.8);
    ck_assert_double_lt(c.late, 100.0 * (1.0 / least - 1.0) * 1.2);
    ck_assert_double_gt(c.load, 80.0); /* The rest are silences. */
}
END_TEST

START_TEST(a_bus_that_holds_its_plan_is_not_late)
{
    model_init(&m, BUS_RTU);
    add_devices(8, 20, 1000);
    model_start(&m);
    model_run(&m, 60 * S);
    struct bus_counts c = bus_stats_read(&m.bus, m.now_us / 1000);
    ck_assert_double_eq(c.late, 0.0);
    for (uint32_t i = 0; i < 8; i++) {
        ck_assert_uint_eq(m.devices[i].frames, 60);
    }
}
END_TEST

START_TEST(continuous_devices_take_what_is_left)
{
    model_init(&m, BUS_RTU);
    add_devices(4, 20, 1000);
    make_continuous();
    add_devices(4, 20, 1000);
    model_start(&m);
    model_run(&m, 60 * S);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_gt(m.devices[i].frames, 100); /* As often as the line carries. */
        ck_assert_uint_ge(m.devices[4 + i].frames, 60);
        ck_assert_uint_le(m.devices[4 + i].frames, 61);
    }
    ck_assert_int_gt(m.busy_us, 54 * S);
}
END_TEST

/* In virtual time: what the poller alone adds. */
static void
run_with_dead(uint32_t devices, uint32_t dead, double most)
{
    uint32_t alone;

    for (int round = 0; round < 2; round++) {
        uint32_t healthy = devices - dead;
        model_init(&m, BUS_RTU);
        add_devices(round == 0 ? healthy : devices, 20, 1000);
        make_continuous();
        for (uint32_t i = healthy; i < devices; i++) {
            m.units[i + 1].dead = true;
        }
        model_start(&m);
        model_run(&m, 60 * S);
        model_forget(&m);
        model_run(&m, 360 * S);
        if (round == 0) {
            alone = m.devices[0].good_frames;
            model_fini(&m);
            continue;
        }
        for (uint32_t i = 0; i < healthy; i++) {
            ck_assert_double_lt((double)alone / m.devices[i].good_frames, most);
        }
        for (uint32_t i = healthy; i < devices; i++) {
            ck_assert_uint_gt(m.units[i + 1].asked, 1);  /* None is forgotten. */
            ck_assert_uint_ge(m.devices[i].frames, 290); /* And each says so. */
            ck_assert(counts(i).quarantined);
        }
    }
}

START_TEST(dead_devices_cost_a_share_of_the_bus)
{
    run_with_dead(16, 4, 1.07);
}
END_TEST

START_TEST(many_dead_devices_cost_no_more)
{
    run_with_dead(32, 10, 1.07);
}
END_TEST

START_TEST(the_first_good_answer_brings_a_device_back)
{
    model_init(&m, BUS_RTU);
    add_devices(6, 20, 1000);
    m.units[1].dead = true;
    m.units[2].dead = true;
    model_start(&m);
    model_run(&m, 300 * S);
    ck_assert_uint_eq(m.devices[0].good_frames, 0);
    ck_assert_uint_eq(bus_stats_read(&m.bus, m.now_us / 1000).quarantined, 2);
    m.units[1].dead = false;
    model_run(&m, 365 * S); /* Within the longest pause. */
    ck_assert(!counts(0).quarantined);
    model_forget(&m);
    model_run(&m, 425 * S);
    ck_assert_uint_ge(m.devices[0].good_frames, 60);
    ck_assert_uint_le(m.devices[0].good_frames, 61);
    ck_assert_uint_eq(m.devices[1].good_frames, 0);
}
END_TEST

/* Of a bus where many are dead for long, so that the budget is always spent. */
START_TEST(who_missed_a_question_does_not_wait_for_the_dead)
{
    model_init(&m, BUS_TCP);
    add_devices(16, 2, 500);
    m.estate->buses[0].retries = 0;
    for (uint32_t i = 4; i < 16; i++) {
        m.units[i + 1].dead = true;
    }
    model_start(&m);
    model_run(&m, 300 * S);
    model_forget(&m);
    m.units[1].dead = true;
    model_run(&m, 301 * S);
    ck_assert(counts(0).quarantined);
    m.units[1].dead = false;
    int64_t until_s = 301;
    while (counts(0).quarantined && until_s < 600) {
        until_s += 1;
        model_run(&m, until_s * S);
    }
    ck_assert_int_le(until_s, 304); /* Its pause, and the silence of a dead one. */
    uint32_t dead = 0;
    model_forget(&m);
    model_run(&m, (until_s + 600) * S);
    for (uint32_t i = 4; i < 16; i++) {
        ck_assert_uint_gt(m.units[i + 1].asked, 0); /* None is forgotten. */
        dead += m.units[i + 1].asked;
    }
    ck_assert_uint_le(dead, 31); /* 5 % of 600 s, and what was begun before. */
}
END_TEST

/* Probes that cost nobody anything, for hours, are no debt when the bus fills up. */
START_TEST(a_night_of_probes_is_no_debt)
{
    model_init(&m, BUS_TCP);
    add_devices(16, 2, 5000);
    for (uint32_t i = 4; i < 16; i++) {
        m.units[i + 1].dead = true;
    }
    model_start(&m);
    model_run(&m, 7200 * S);
    make_continuous(); /* Nothing is free any more. */
    for (uint32_t i = 4; i < 15; i++) {
        m.units[i + 1].dead = false;
    }
    model_run(&m, 7800 * S);
    for (uint32_t i = 4; i < 15; i++) {
        ck_assert(!counts(i).quarantined);
    }
    ck_assert(counts(15).quarantined);
}
END_TEST

/* Half a panel goes dark: who is well is asked between its probes. */
START_TEST(a_burst_of_probes_holds_nobody_up)
{
    model_init(&m, BUS_RTU);
    add_devices(12, 5, 1000);
    model_start(&m);
    model_run(&m, 120 * S);
    /* All are lost at once: a gateway says so, and then says nothing. */
    for (uint32_t i = 6; i < 12; i++) {
        m.units[i + 1].exception = 0x0B;
        m.units[i + 1].exceptions_left = -1;
    }
    int64_t t_ms = 120000;
    for (uint32_t i = 6; i < 12; i++) {
        while (!counts(i).quarantined) {
            ck_assert_int_lt(t_ms, 125000);
            model_run(&m, (t_ms += 10) * MS);
        }
    }
    for (uint32_t i = 6; i < 12; i++) {
        m.units[i + 1].dead = true;
    }
    uint32_t asked = 0, good = 0, probes = 0, between = 0;
    for (int64_t until_ms = t_ms + 20000; t_ms < until_ms;) {
        uint32_t asked_now = 0, good_now = 0;
        model_run(&m, (t_ms += 20) * MS);
        for (uint32_t i = 0; i < 6; i++) {
            good_now += m.devices[i].good_frames;
            asked_now += m.units[i + 7].asked;
        }
        between = good_now != good ? 0 : between + (asked_now - asked);
        probes += asked != 0 ? asked_now - asked : 0;
        ck_assert_uint_le(asked != 0 ? between : 0, 1);
        asked = asked_now;
        good = good_now;
    }
    ck_assert_uint_ge(probes, 3);
}
END_TEST

/* Others that come and go all the time leave the long dead their probes. */
START_TEST(who_is_dead_for_long_is_asked_too)
{
    model_init(&m, BUS_TCP);
    add_devices(24, 2, 1000);
    m.estate->devices[0].poll_continuous = true; /* Nothing is free. */
    m.units[1].think_us = 90 * MS;
    m.estate->buses[0].timeout_ms = 200;
    for (uint32_t i = 20; i < 24; i++) {
        m.units[i + 1].dead = true;
    }
    model_start(&m);
    model_run(&m, 300 * S);
    model_forget(&m);
    uint32_t lost = 0;
    for (int64_t t = 0; t < 1800; t += 3) {
        uint32_t unit = (uint32_t)(t / 3 % 19) + 2;
        m.units[unit].dead = true;
        model_run(&m, (300 + t) * S + 2500 * MS);
        lost += counts(unit - 1).quarantined;
        m.units[unit].dead = false;
        model_run(&m, (300 + t + 3) * S);
    }
    for (uint32_t i = 20; i < 24; i++) {
        ck_assert_uint_ge(m.units[i + 1].asked, 3); /* In half an hour. */
    }
}
END_TEST

START_TEST(a_lone_device_is_probed_by_its_pause_alone)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 20, 1000);
    m.units[1].dead = true;
    model_start(&m);
    model_run(&m, 40 * S);
    /* 0.5 + 1 + 2 + 4 + 8 + 16 s and a second of silence each. */
    ck_assert_uint_ge(m.units[1].asked, 6);
    m.units[1].dead = false;
    model_run(&m, 80 * S);
    ck_assert(!counts(0).quarantined);
}
END_TEST

START_TEST(retries_come_behind_the_others)
{
    model_init(&m, BUS_RTU);
    add_devices(2, 20, 1000);
    model_start(&m);
    model_run(&m, 5 * S);
    m.units[1].dead = true;
    model_forget(&m);
    model_run(&m, 8 * S);
    ck_assert_uint_ge(m.devices[1].good_frames, 3); /* Not one poll was missed. */
    ck_assert_uint_ge(m.devices[0].by_quality[QUALITY_TIMEOUT], 20);
    ck_assert_uint_ge(counts(0).wire.faults[WIRE_TIMEOUT], 2);
}
END_TEST

START_TEST(one_missed_answer_is_asked_again_and_nobody_notices)
{
    model_init(&m, BUS_RTU);
    add_devices(2, 20, 1000);
    model_start(&m);
    model_run(&m, 5 * S);
    model_forget(&m);
    m.units[1].exception = 0x0B;
    m.units[1].exceptions_left = 1;
    model_run(&m, 15 * S);
    ck_assert_uint_eq(m.devices[0].frames, 10);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_GOOD], 200);
    ck_assert_uint_eq(m.units[1].asked, 11);
}
END_TEST

static const struct {
    const char *name;
    enum wire_fault fault;
    uint8_t exception;
    enum quality quality;
    uint8_t detail;
} fault_rows[] = {
    {"timeout", WIRE_TIMEOUT, 0, QUALITY_TIMEOUT, WIRE_TIMEOUT},
    {"check sum", WIRE_CRC, 0, QUALITY_CRC, WIRE_CRC},
    {"short", WIRE_SHORT, 0, QUALITY_CRC, WIRE_SHORT},
    {"wrong unit", WIRE_WRONG_UNIT, 0, QUALITY_CRC, WIRE_WRONG_UNIT},
    {"malformed", WIRE_MALFORMED, 0, QUALITY_CRC, WIRE_MALFORMED},
    {"lost", WIRE_LOST, 0, QUALITY_REFUSED, WIRE_LOST},
    {"device failure", WIRE_OK, 4, QUALITY_EXCEPTION, 4},
    {"no path", WIRE_OK, 0x0A, QUALITY_EXCEPTION, 0x0A},
    {"no target", WIRE_OK, 0x0B, QUALITY_TIMEOUT, 0x0B},
    {"a maker's own", WIRE_OK, 0x1C, QUALITY_EXCEPTION, 0x1C},
};

START_TEST(samples_say_what_went_wrong)
{
    model_init(&m, BUS_TCP);
    add_devices(2, 3, 1000);
    model_start(&m);
    model_run(&m, 3 * S);
    model_forget(&m);
    m.units[1].fault = fault_rows[_i].fault;
    m.units[1].exception = fault_rows[_i].exception;
    m.units[1].exceptions_left = -1;
    model_run(&m, 5 * S + 500 * MS);
    ck_assert_msg(m.devices[0].by_quality[fault_rows[_i].quality] >= 3, "%s",
                  fault_rows[_i].name);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_GOOD], 0);
    ck_assert_uint_ge(m.devices[1].by_quality[QUALITY_GOOD], 6);
    if (fault_rows[_i].fault != WIRE_OK) {
        ck_assert_uint_ge(counts(0).wire.faults[fault_rows[_i].fault], 1);
    } else {
        ck_assert_uint_ge(counts(0).wire.faults[WIRE_EXCEPTION], 1);
    }
}
END_TEST

START_TEST(a_bad_register_is_left_alone_and_the_others_are_read)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 50, 1000);
    m.units[1].bad_from = m.units[1].bad_to = 37;
    model_start(&m);
    model_run(&m, 5 * S);
    ck_assert_uint_eq(counts(0).refused, 1);
    model_forget(&m);
    model_run(&m, 105 * S);
    ck_assert_uint_eq(m.units[1].asked, 200); /* Before it, behind it. */
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_GOOD], 4900);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_EXCEPTION], 100);
    ck_assert_uint_eq(m.devices[0].last[37].detail, 2);
    m.units[1].bad_from = m.units[1].bad_to = -1;
    model_run(&m, 1300 * S); /* It is tried again after ten minutes. */
    ck_assert_uint_eq(counts(0).refused, 0);
    model_forget(&m);
    model_run(&m, 1310 * S);
    ck_assert_uint_eq(m.units[1].asked, 10);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_GOOD], 500);
}
END_TEST

START_TEST(a_whole_range_of_bad_registers_is_found)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 60, 1000);
    m.units[1].bad_from = 20;
    m.units[1].bad_to = 29;
    model_start(&m);
    model_run(&m, 20 * S);
    ck_assert_uint_eq(counts(0).refused, 10);
    model_forget(&m);
    model_run(&m, 30 * S);
    ck_assert_uint_eq(m.units[1].asked, 20);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_GOOD], 500);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_EXCEPTION], 100);
}
END_TEST

START_TEST(a_refusal_that_passes_leaves_no_trace)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 50, 1000);
    model_start(&m);
    model_run(&m, 5 * S);
    m.units[1].exception = 2;
    m.units[1].exceptions_left = 1;
    model_run(&m, 7 * S);
    ck_assert_uint_eq(counts(0).refused, 0);
    model_forget(&m);
    model_run(&m, 17 * S);
    ck_assert_uint_eq(m.units[1].asked, 10); /* One whole request a poll again. */
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_GOOD], 500);
}
END_TEST

START_TEST(a_hole_that_may_not_be_read_is_remembered)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 10, 1000);
    m.estate->points[9].address =
        20; /* 0-8 and 20: the hole is read along, at first. */
    m.units[1].bad_from = 12;
    m.units[1].bad_to = 15;
    model_start(&m);
    model_run(&m, 5 * S);
    model_forget(&m);
    model_run(&m, 105 * S);
    ck_assert_uint_eq(m.units[1].asked, 200);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_GOOD], 1000);
    ck_assert_uint_eq(counts(0).refused, 0);
}
END_TEST

START_TEST(a_device_that_gives_few_registers_at_once_is_asked_for_few)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 50, 1000);
    m.units[1].longest = 16; /* Its profile did not say so. */
    model_start(&m);
    model_run(&m, 10 * S);
    model_forget(&m);
    model_run(&m, 20 * S);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_GOOD], 500);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_EXCEPTION], 0);
    ck_assert_uint_le(m.units[1].asked, 40);
}
END_TEST

START_TEST(a_busy_device_is_asked_again_in_a_moment)
{
    model_init(&m, BUS_TCP);
    add_devices(2, 5, 5000);
    model_start(&m);
    model_run(&m, 7 * S);
    model_forget(&m);
    m.units[1].exception = (uint8_t)(_i == 0 ? 5 : 6);
    m.units[1].exceptions_left = 3;
    model_run(&m, 12 * S);
    ck_assert_uint_eq(m.devices[0].frames, 1);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_GOOD], 5);
    ck_assert_uint_eq(m.units[1].asked, 4);
    m.units[1].exceptions_left = -1;
    model_run(&m, 22 * S);
    ck_assert_uint_ge(m.devices[0].by_quality[QUALITY_EXCEPTION], 5);
    ck_assert(!counts(0).quarantined); /* It is alive. */
}
END_TEST

START_TEST(a_mute_request_does_not_take_the_others_with_it)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 3, 1000);
    m.estate->points[2].table = REG_HOLDING;
    m.estate->points[2].address = 100;
    m.units[1].mute = 100;
    model_start(&m);
    model_run(&m, 120 * S);
    ck_assert(!counts(0).quarantined);
    ck_assert_uint_ge(m.devices[0].by_quality[QUALITY_GOOD], 2 * 110);
    ck_assert_uint_ge(m.devices[0].by_quality[QUALITY_TIMEOUT], 100);
    m.units[1].mute = -1;
    model_run(&m, 190 * S);
    model_forget(&m);
    model_run(&m, 200 * S);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_GOOD], 30);
}
END_TEST

/* Frames that six devices get in five minutes of a saturated line, of which each has a
 * register far away that is never answered, or none. */
static uint32_t
frames_with_mute_requests(bool mute)
{
    uint32_t frames = 0;

    model_init(&m, BUS_RTU);
    add_devices(6, 20, 1000);
    make_continuous();
    for (uint32_t i = 0; mute && i < 6; i++) {
        /* A hole that is not worth reading makes it a request of its own. */
        m.estate->points[i * 20 + 19].address = 5000;
        m.units[i + 1].mute = 5000;
    }
    model_start(&m);
    model_run(&m, 300 * S);
    model_forget(&m);
    model_run(&m, 600 * S);
    for (uint32_t i = 0; i < 6; i++) {
        frames += m.devices[i].good_frames;
    }
    return frames;
}

START_TEST(mute_requests_are_paid_from_the_probes_share)
{
    uint32_t healthy = frames_with_mute_requests(false);
    model_fini(&m);
    uint32_t sick = frames_with_mute_requests(true);

    /* 5 %, and what is left of rounding. */
    ck_assert_uint_ge(sick, healthy * 93 / 100);
}
END_TEST

START_TEST(a_device_that_comes_and_goes_is_asked_less_and_less)
{
    uint32_t first = 0;
    uint32_t last = 0;

    model_init(&m, BUS_RTU);
    add_devices(2, 5, 1000);
    model_start(&m);
    for (int i = 0; i < 12; i++) {
        model_forget(&m);
        m.units[1].dead = true;
        model_run(&m, (i * 60 + 30) * S);
        last = m.units[1].asked;
        first = i == 0 ? last : first;
        m.units[1].dead = false; /* It answers a few polls between. */
        for (int64_t until = (i * 60 + 30) * S; m.units[1].answered < 5; until += S) {
            model_run(&m, until + S);
            ck_assert_int_lt(until, (i * 60 + 120) * S);
        }
    }
    ck_assert_uint_le(last, first);
    /* And once it is well again, it is well. */
    model_run(&m, 1200 * S);
    model_forget(&m);
    model_run(&m, 1260 * S);
    ck_assert_uint_ge(m.devices[0].good_frames, 59);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_OFFLINE], 0);
}
END_TEST

START_TEST(on_a_line_the_first_answer_of_the_silent_is_not_believed)
{
    static const enum bus_kind kinds[] = {BUS_RTU, BUS_TCP, BUS_RTU_OVER_TCP};

    model_init(&m, kinds[_i]);
    add_devices(2, 5, 1000);
    m.units[1].dead = true;
    model_start(&m);
    model_run(&m, 20 * S);
    ck_assert_uint_eq(m.devices[0].good_frames, 0);
    m.units[1].dead = false;
    model_forget(&m);
    while (m.devices[0].good_frames == 0) {
        model_run(&m, m.now_us - 1000 * S + 100 * MS);
    }
    /* RTU has no ids: the same is asked again.  TCP has. */
    ck_assert_uint_eq(m.units[1].answered, kinds[_i] == BUS_TCP ? 1 : 2);
}
END_TEST

START_TEST(a_line_that_is_down_is_said_at_the_devices_rhythm)
{
    model_init(&m, BUS_TCP);
    add_devices(3, 2, 1000);
    m.estate->devices[2].poll_continuous = true;
    model_start(&m);
    model_run(&m, 10 * S);
    uint64_t refused = 0;
    uint64_t requests = counts(0).wire.requests;
    model_line(&m, LINE_DOWN);
    model_forget(&m);
    model_run(&m, 40 * S);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_ge(m.devices[i].by_quality[QUALITY_REFUSED], 58);
        ck_assert_uint_le(m.devices[i].by_quality[QUALITY_REFUSED], 62);
        ck_assert_uint_eq(m.devices[i].last[0].detail, WIRE_REFUSED);
        ck_assert(!counts(i).quarantined);
        refused += counts(i).wire.faults[WIRE_REFUSED];
        ck_assert_uint_eq(counts(i).wire.errors, counts(i).wire.faults[WIRE_REFUSED]);
    }
    /* Thirty polls of each, of which nothing was asked. */
    ck_assert_uint_ge(refused, 3 * 29);
    ck_assert_uint_le(refused, 3 * 31);
    ck_assert_uint_eq(bus_stats_read(&m.bus, m.now_us / 1000).wire.faults[WIRE_REFUSED],
                      refused);
    ck_assert_uint_eq(counts(0).wire.requests, requests);
    ck_assert_uint_eq(m.units[1].asked, 0);
    model_line(&m, LINE_OPENING); /* Nothing is known: nothing is said. */
    model_forget(&m);
    struct poller_ask ask;
    int64_t wake_us;
    ck_assert(!poller_next(m.poller, (struct poller_now){.mono_us = m.now_us + 5 * S},
                           &ask, &wake_us));
    ck_assert_int_eq(wake_us, INT64_MAX);
    m.now_us += 5 * S;
    model_line(&m, LINE_UP);
    model_run(&m, 55 * S);
    ck_assert_uint_ge(m.devices[0].good_frames, 10);
    ck_assert_uint_le(m.devices[0].good_frames, 11); /* Not made up for. */
}
END_TEST

START_TEST(a_lost_connection_costs_no_sample)
{
    model_init(&m, BUS_TCP);
    add_devices(2, 2, 1000);
    model_start(&m);
    model_run(&m, 5 * S);
    model_forget(&m);
    m.units[1].drops = 1;
    model_run(&m, 15 * S);
    ck_assert_uint_eq(m.devices[0].good_frames, 10);
    ck_assert_uint_eq(m.devices[0].by_quality[QUALITY_REFUSED], 0);
    m.units[1].drops = 1000000; /* It brings its gateway down each time. */
    model_forget(&m);
    model_run(&m, 75 * S);
    ck_assert(counts(0).quarantined);
    ck_assert_uint_eq(m.devices[1].good_frames, 60);
    ck_assert_uint_lt(m.units[1].asked, 15);
}
END_TEST

START_TEST(what_is_known_of_a_device_is_a_point_too)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 2, 1000);
    static const enum derived kinds[] = {DERIVED_ERRORS, DERIVED_LATENCY,
                                         DERIVED_ONLINE};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        fake_estate_point(m.estate, "derived", REG_NONE, 0, TYPE_U16)->derived =
            kinds[i];
    }
    m.units[1].think_us = 40 * MS;
    model_start(&m);
    model_run(&m, 130 * S);
    const struct model_device *d = &m.devices[0];
    ck_assert_double_eq(d->last[2].value, 0.0);
    ck_assert_double_gt(d->last[3].value, 39.0);
    ck_assert_double_lt(d->last[3].value, 42.0);
    ck_assert_double_eq(d->last[4].value, 1.0);
    /* Two registers each second, the three derived ones once a minute. */
    ck_assert_uint_ge(d->by_quality[QUALITY_GOOD], 260 + 9);
    ck_assert_uint_le(d->by_quality[QUALITY_GOOD], 260 + 12);
    m.units[1].dead = true;
    model_run(&m, 140 * S);
    ck_assert_double_eq(d->last[4].value, 0.0); /* At once. */
    ck_assert_int_eq(d->last[4].quality, QUALITY_GOOD);
    model_run(&m, 260 * S);
    ck_assert_double_gt(d->last[2].value, 2.0);
    ck_assert_int_eq(d->last[3].quality, QUALITY_TIMEOUT);
}
END_TEST

/* Nobody counts a lost bus's errors as the device's, when it is back. */
START_TEST(what_is_known_of_a_device_leaves_out_the_faults_of_its_bus)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 2, 1000);
    fake_estate_point(m.estate, "errors", REG_NONE, 0, TYPE_U16)->derived =
        DERIVED_ERRORS;
    fake_estate_point(m.estate, "online", REG_NONE, 0, TYPE_U16)->derived =
        DERIVED_ONLINE;
    model_start(&m);
    model_run(&m, 70 * S);
    model_line(&m, LINE_DOWN);
    m.devices[0].seen[2] = m.devices[0].seen[3] = false;
    model_run(&m, 200 * S);
    /* While it is lost nothing is known, so nothing is said. */
    ck_assert(!m.devices[0].seen[2] && !m.devices[0].seen[3]);
    ck_assert_uint_gt(counts(0).wire.errors, 100);
    model_line(&m, LINE_UP);
    model_run(&m, 270 * S);
    ck_assert(m.devices[0].seen[2] && m.devices[0].seen[3]);
    ck_assert_double_eq(m.devices[0].last[2].value, 0.0);
    ck_assert_double_eq(m.devices[0].last[3].value, 1.0);
}
END_TEST

/* Whatever the units do, every poll that is due ends in a frame, and who is well is
 * polled. */
START_TEST(no_mix_of_faults_starves_who_is_well)
{
    uint32_t seed = 2463534242u + (uint32_t)_i * 7919u;

    if (_i % 4 == 3) {
        model_init_gateway(&m, BUS_RTU_OVER_TCP);
    } else {
        model_init(&m, _i % 2 == 0 ? BUS_TCP : BUS_RTU);
    }
    add_devices(6, 6, 5000);
    model_start(&m);
    for (int64_t t = 1; t <= 300; t++) {
        for (int u = 1; u <= 5; u++) { /* The sixth is well. */
            struct model_unit *x = &m.units[u];
            seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
            x->dead = seed % 5 == 0;
            x->fault = seed % 11 < WIRE_FAULT_COUNT && seed % 3 == 0
                           ? (enum wire_fault)(seed % 11)
                           : WIRE_OK;
            x->fault = x->fault == WIRE_EXCEPTION ? WIRE_OK : x->fault;
            x->exception = (uint8_t)(seed >> 8) % 12;
            x->exceptions_left = (int)(seed >> 16) % 4;
            x->bad_from = seed % 7 == 0 ? (int)(seed >> 20) % 6 : -1;
            x->bad_to = x->bad_from;
            x->mute = seed % 13 == 0 ? 3 : -1;
            x->drops = seed % 17 == 0;
        }
        if (t % 50 == 0) {
            model_line(&m, LINE_DOWN);
        } else if (t % 50 == 3) {
            model_line(&m, LINE_UP);
        }
        model_run(&m, t * 2 * S);
    }
    ck_assert_uint_ge(m.devices[5].good_frames, 100);
    for (uint32_t i = 0; i < 6; i++) {
        ck_assert_uint_ge(m.devices[i].frames, 100);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("poller");
    TCase *tc = tcase_create("poller");

    tcase_add_checked_fixture(tc, NULL, tear_down);
    tcase_add_test(tc, devices_are_polled_at_their_rate);
    tcase_add_test(tc, points_have_their_own_periods);
    tcase_add_test(tc, under_overload_every_device_is_late_by_the_same_share);
    tcase_add_test(tc, a_bus_that_holds_its_plan_is_not_late);
    tcase_add_test(tc, continuous_devices_take_what_is_left);
    tcase_add_test(tc, dead_devices_cost_a_share_of_the_bus);
    tcase_add_test(tc, many_dead_devices_cost_no_more);
    tcase_add_test(tc, the_first_good_answer_brings_a_device_back);
    tcase_add_test(tc, who_missed_a_question_does_not_wait_for_the_dead);
    tcase_add_test(tc, a_night_of_probes_is_no_debt);
    tcase_add_test(tc, a_burst_of_probes_holds_nobody_up);
    tcase_add_test(tc, who_is_dead_for_long_is_asked_too);
    tcase_add_test(tc, a_lone_device_is_probed_by_its_pause_alone);
    tcase_add_test(tc, retries_come_behind_the_others);
    tcase_add_test(tc, one_missed_answer_is_asked_again_and_nobody_notices);
    tcase_add_loop_test(tc, samples_say_what_went_wrong, 0, (int)ARRAY_LEN(fault_rows));
    tcase_add_test(tc, a_bad_register_is_left_alone_and_the_others_are_read);
    tcase_add_test(tc, a_whole_range_of_bad_registers_is_found);
    tcase_add_test(tc, a_refusal_that_passes_leaves_no_trace);
    tcase_add_test(tc, a_hole_that_may_not_be_read_is_remembered);
    tcase_add_test(tc, a_device_that_gives_few_registers_at_once_is_asked_for_few);
    tcase_add_loop_test(tc, a_busy_device_is_asked_again_in_a_moment, 0, 2);
    tcase_add_test(tc, a_mute_request_does_not_take_the_others_with_it);
    tcase_add_test(tc, mute_requests_are_paid_from_the_probes_share);
    tcase_add_test(tc, a_device_that_comes_and_goes_is_asked_less_and_less);
    tcase_add_loop_test(tc, on_a_line_the_first_answer_of_the_silent_is_not_believed, 0,
                        3);
    tcase_add_test(tc, a_line_that_is_down_is_said_at_the_devices_rhythm);
    tcase_add_test(tc, a_lost_connection_costs_no_sample);
    tcase_add_test(tc, what_is_known_of_a_device_is_a_point_too);
    tcase_add_test(tc, what_is_known_of_a_device_leaves_out_the_faults_of_its_bus);
    tcase_add_loop_test(tc, no_mix_of_faults_starves_who_is_well, 0, 40);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
