/* What the poller measures of its devices, on lines, on gateways and on the network: in
 * virtual time, where it is known to the microsecond. */
#include <check.h>
#include <stdlib.h>

#include "collectors/budget.h"
#include "collectors/poller_inside.h"
#include "tests/fake/wire_model.h"

#define S         INT64_C(1000000)
#define REGISTERS 20
#define BYTES     (8 + 5 + 2 * REGISTERS) /* RTU, both ways. */

static struct model m;

static void
tear_down(void)
{
    model_fini(&m);
}

/* Units 1.. that think for so long. */
static void
add_devices(uint8_t count, int64_t think_us)
{
    for (uint8_t unit = 1; unit <= count; unit++) {
        fake_estate_device(m.estate, "d", unit, 1000);
        for (uint16_t r = 0; r < REGISTERS; r++) {
            fake_estate_point(m.estate, "p", REG_INPUT, r, TYPE_U16);
        }
        m.units[unit].think_us = think_us;
    }
}

static const struct place_row {
    const char *name;
    enum bus_kind kind;
    bool gateway;
    int64_t network_us;
    int64_t exchange_us; /* Without the device's thinking. */
} place_rows[] = {
    {"a line, 8N1", BUS_RTU, false, 0, BYTES * 1042 + 4011},
    {"a gateway, 8E1", BUS_TCP, true, 200, 200 + BYTES * 1146 + 4011},
    {"one that hands frames on", BUS_RTU_OVER_TCP, true, 200,
     200 + BYTES * 1146 + 4011},
    {"a network device", BUS_TCP, false, 200, 200},
};

START_TEST(thinking_is_what_the_wire_does_not_take)
{
    static const int64_t think_us[] = {4000, 60000};
    const struct place_row *row = &place_rows[_i / 2];
    int64_t think = think_us[_i % 2];

    if (row->gateway) {
        model_init_gateway(&m, row->kind);
    } else {
        model_init(&m, row->kind);
    }
    add_devices(1, think);
    model_start(&m);
    model_run(&m, 40 * S);
    const struct polled *d = &m.poller->devices[0];
    ck_assert_uint_ge(d->answers, 39);
    ck_assert_msg(d->turnround_us == think + row->network_us, "%s: %lld us", row->name,
                  (long long)d->turnround_us);
    /* And with it the plan knows what an exchange takes.  Data on a network costs next
     * to nothing, but not nothing, so that a plan is never larger than it must be. */
    struct plan_cost cost =
        plan_cost(m.poller->bus, &m.estate->devices[0].limits, d->turnround_us);
    int64_t counted_us = plan_request_us(&d->plan.groups[0].requests[0], cost);
    int64_t data_us = m.poller->bus->baud > 0 ? 0 : 2 * REGISTERS;
    ck_assert_msg(counted_us == row->exchange_us + think + data_us, "%s: %lld us",
                  row->name, (long long)counted_us);
}
END_TEST

START_TEST(a_plan_is_made_anew_for_who_is_much_slower_than_thought)
{
    model_init(&m, BUS_RTU);
    add_devices(1, 60000);
    model_start(&m);
    model_run(&m, 40 * S);
    ck_assert_int_eq(m.poller->devices[0].planned_us, 60000);
}
END_TEST

START_TEST(no_plan_is_made_anew_for_who_is_quick_on_the_network)
{
    model_init(&m, BUS_TCP);
    add_devices(1, 0); /* 0.2 ms, of the 3 that were thought. */
    model_start(&m);
    model_run(&m, 40 * S);
    ck_assert_int_eq(m.poller->devices[0].turnround_us, MODEL_NETWORK_US);
    ck_assert_int_eq(m.poller->devices[0].planned_us, -1);
}
END_TEST

/* With devices that think as long as it takes for granted. */
START_TEST(a_budget_is_what_the_bus_spends)
{
    static const enum bus_kind kinds[] = {BUS_TCP, BUS_RTU_OVER_TCP};
    struct bus_budget b;
    struct err err;

    model_init_gateway(&m, kinds[_i]);
    add_devices(4, TURNROUND_SERIAL_US + TURNROUND_TCP_US - MODEL_NETWORK_US);
    model_start(&m);
    model_run(&m, 10 * S);
    model_forget(&m);
    model_run(&m, 70 * S);
    ck_assert_int_eq(bus_budget_init(&b, &m.estate->site, 0, &err), 0);
    ck_assert_int_eq(
        b.cycle_us, 4 * (BYTES * 1146 + 4011 + TURNROUND_SERIAL_US + TURNROUND_TCP_US));
    ck_assert_int_eq(m.busy_us, 60 * b.cycle_us);
    for (uint32_t i = 0; i < b.line_count; i++) {
        ck_assert_uint_eq(b.lines[i].bytes, BYTES); /* Of that same line. */
    }
    bus_budget_fini(&b);
    struct bus_counts c = bus_stats_read(&m.bus, m.now_us / 1000);
    ck_assert_double_eq(c.late, 0.0);
}
END_TEST

START_TEST(a_gateway_that_has_too_much_to_do_is_late)
{
    model_init_gateway(&m, BUS_TCP);
    add_devices(20, 20000); /* 85 ms each: 1.7 s of a second. */
    model_start(&m);
    model_run(&m, 20 * S);
    model_forget(&m);
    model_run(&m, 120 * S);
    struct bus_counts c = bus_stats_read(&m.bus, m.now_us / 1000);
    ck_assert_double_gt(c.late, 50.0);
    ck_assert_double_lt(c.late, 80.0);
    for (uint32_t i = 0; i < 20; i++) {
        ck_assert_uint_ge(m.devices[i].frames, 57);
        ck_assert_uint_le(m.devices[i].frames, 61);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("poller_time");
    TCase *tc = tcase_create("poller_time");

    tcase_add_checked_fixture(tc, NULL, tear_down);
    tcase_add_loop_test(tc, thinking_is_what_the_wire_does_not_take, 0,
                        2 * (int)ARRAY_LEN(place_rows));
    tcase_add_test(tc, a_plan_is_made_anew_for_who_is_much_slower_than_thought);
    tcase_add_test(tc, no_plan_is_made_anew_for_who_is_quick_on_the_network);
    tcase_add_loop_test(tc, a_budget_is_what_the_bus_spends, 0, 2);
    tcase_add_test(tc, a_gateway_that_has_too_much_to_do_is_late);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
