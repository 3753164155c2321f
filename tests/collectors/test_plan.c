/* Points -> requests. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/plan.h"
#include "tests/fake/fake_estate.h"
#include "tests/fake/sanitized.h"

#define ROUNDS (300 / SANITIZED_SLOWER)

static struct fake_estate *e;
static struct device_plan plan;

/* A serial line of 9600 baud, on which a hole of ten registers costs what a request of
 * its own does. */
static const struct plan_cost line_cost = {.request_us = 21000, .byte_us = 1000};

static void
set_up(void)
{
    e = fake_estate_new();
    fake_estate_tcp(e, "t", 502);
    memset(&plan, 0, sizeof plan);
}

static void
tear_down(void)
{
    device_plan_fini(&plan);
    free(e);
}

static void
make_plan(void)
{
    struct err err;

    ck_assert_int_eq(device_plan_init(&plan, &e->site, 0, line_cost, &err), 0);
}

/* Numbers that are the same on every run (xorshift). */
static uint32_t
next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Every point lies whole inside exactly one request of its own table; no request is
 * larger than allowed, unless one value alone is. */
static void
check_group(const struct plan_group *g)
{
    const struct limits *l = &e->devices[0].limits;
    uint32_t covered = 0;

    for (uint32_t i = 0; i < g->request_count; i++) {
        const struct plan_request *r = &g->requests[i];
        bool bits = r->table == REG_COIL || r->table == REG_DISCRETE;
        uint16_t widest = 0;
        ck_assert_uint_ge(r->point_count, 1);
        ck_assert_uint_eq(r->first, covered);
        covered += r->point_count;
        for (uint32_t k = 0; k < r->point_count; k++) {
            const struct point *p = &e->points[g->order[r->first + k]];
            uint16_t width = point_width(p);
            ck_assert_int_eq(p->table, r->table);
            ck_assert_int_eq(p->poll_ms, g->poll_ms);
            ck_assert_uint_ge(p->address, r->address);
            ck_assert_uint_le(p->address + width, r->address + r->count);
            widest = width > widest ? width : widest;
        }
        uint16_t limit = bits ? l->max_bits : l->max_registers;
        if (limit > 0 && r->count > limit) {
            ck_assert_uint_eq(r->count, widest);
        }
        ck_assert_uint_le(r->count, bits ? READ_BITS_MAX : READ_REGISTERS_MAX);
    }
    ck_assert_uint_eq(covered, g->point_count);
}

static void
check_plan(void)
{
    uint32_t planned = 0;
    uint32_t pollable = 0;
    char *seen = calloc(e->site.point_count + 1, 1);

    for (uint32_t i = 0; i < plan.group_count; i++) {
        check_group(&plan.groups[i]);
        for (uint32_t k = 0; k < plan.groups[i].point_count; k++) {
            uint32_t point = plan.groups[i].order[k];
            ck_assert_int_eq(seen[point], 0);
            seen[point] = 1;
            planned++;
        }
    }
    for (uint32_t i = 0; i < e->site.point_count; i++) {
        pollable += e->points[i].table != REG_NONE;
    }
    ck_assert_uint_eq(planned, pollable);
    ck_assert_uint_eq(plan.point_count, pollable);
    free(seen);
}

START_TEST(any_points_are_covered_within_the_limits)
{
    uint32_t seed = 2463534242u + (uint32_t)_i;
    static const uint16_t limits[] = {1, 2, 4, 12, 16, 60, 125};
    uint32_t count = next_random(&seed) % 200;

    struct device *d = fake_estate_device(e, "d", 1, 1000);
    d->limits.max_registers = limits[next_random(&seed) % ARRAY_LEN(limits)];
    d->limits.max_bits = (uint16_t)(1 + next_random(&seed) % 2000);
    d->limits.holes = next_random(&seed) % 2 == 0;
    uint32_t span = 1 + next_random(&seed) % 3000;
    for (uint32_t i = 0; i < count; i++) {
        struct point *p = fake_estate_point(e, "p", next_random(&seed) % 5,
                                            (uint16_t)(next_random(&seed) % span),
                                            next_random(&seed) % TYPE_COUNT);
        p->poll_ms = next_random(&seed) % 4 == 0 ? 60000 : 1000;
    }
    make_plan();
    check_plan();
    /* However often a device refuses, the points stay covered. */
    for (uint32_t i = 0; i < 50 && plan.group_count > 0; i++) {
        struct plan_group *g = &plan.groups[i % plan.group_count];
        uint32_t before = g->request_count;
        uint32_t index = next_random(&seed) % before;
        bool several = g->requests[index].point_count > 1;
        ck_assert_int_eq(plan_group_split(g, &e->site, index), several);
        ck_assert_uint_eq(g->request_count, before + several);
        check_plan();
    }
    for (uint32_t i = 0; i < plan.group_count; i++) {
        ck_assert(plan_group_join(&plan.groups[i], &e->site, line_cost, 0));
    }
    check_plan();
}
END_TEST

START_TEST(the_order_of_points_does_not_matter)
{
    static const uint16_t addresses[] = {8, 2, 6, 0, 4, 100, 102};
    struct device_plan other;
    struct err err;

    fake_estate_device(e, "d", 1, 1000);
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        fake_estate_point(e, "p", REG_INPUT, addresses[i], TYPE_F32);
    }
    make_plan();
    fake_estate_device(e, "e", 1, 1000);
    for (size_t i = ARRAY_LEN(addresses); i > 0; i--) {
        fake_estate_point(e, "p", REG_INPUT, addresses[i - 1], TYPE_F32);
    }
    ck_assert_int_eq(device_plan_init(&other, &e->site, 1, line_cost, &err), 0);
    ck_assert_uint_eq(plan.groups[0].request_count, 2);
    ck_assert_uint_eq(other.groups[0].request_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct plan_request *a = &plan.groups[0].requests[i];
        const struct plan_request *b = &other.groups[0].requests[i];
        ck_assert_uint_eq(a->address, b->address);
        ck_assert_uint_eq(a->count, b->count);
        ck_assert_uint_eq(a->point_count, b->point_count);
    }
    device_plan_fini(&other);
}
END_TEST

/* One table of registers, each row with the requests that must come out. */
static const struct join_row {
    const char *name;
    struct {
        enum reg_table table;
        uint16_t address;
        enum value_type type;
    } points[6];
    uint16_t max_registers;
    bool holes;
    struct {
        uint16_t address, count;
    } requests[6];
} join_rows[] = {
    {"neighbours share",
     {{REG_INPUT, 0, TYPE_F32}, {REG_INPUT, 2, TYPE_F32}, {REG_INPUT, 4, TYPE_U16}},
     125,
     false,
     {{0, 5}}},
    {"a hole parts them where it may not be read",
     {{REG_INPUT, 0, TYPE_U16}, {REG_INPUT, 2, TYPE_U16}},
     125,
     false,
     {{0, 1}, {2, 1}}},
    {"a small hole is read along where it may be",
     {{REG_INPUT, 0, TYPE_U16}, {REG_INPUT, 11, TYPE_U16}},
     125,
     true,
     {{0, 12}}},
    {"a large hole is not",
     {{REG_INPUT, 0, TYPE_U16}, {REG_INPUT, 12, TYPE_U16}},
     125,
     true,
     {{0, 1}, {12, 1}}},
    {"tables do not mix",
     {{REG_INPUT, 0, TYPE_U16}, {REG_HOLDING, 1, TYPE_U16}},
     125,
     true,
     {{0, 1}, {1, 1}}},
    {"a value is not split at the limit",
     {{REG_INPUT, 0, TYPE_U16}, {REG_INPUT, 1, TYPE_U16}, {REG_INPUT, 2, TYPE_F32}},
     3,
     false,
     {{0, 2}, {2, 2}}},
    {"bits of one register are asked once",
     {{REG_HOLDING, 7, TYPE_BITS},
      {REG_HOLDING, 7, TYPE_BITS},
      {REG_HOLDING, 7, TYPE_BOOL}},
     1,
     false,
     {{7, 1}}},
    {"overlapping values share",
     {{REG_HOLDING, 7, TYPE_U32},
      {REG_HOLDING, 8, TYPE_U16},
      {REG_HOLDING, 8, TYPE_U64}},
     125,
     false,
     {{7, 5}}},
    {"a value wider than the limit is asked alone",
     {{REG_HOLDING, 16899, TYPE_U32}, {REG_HOLDING, 16901, TYPE_U16}},
     1,
     true,
     {{16899, 2}, {16901, 1}}},
    {"the last address is an address",
     {{REG_HOLDING, 65534, TYPE_U16}, {REG_HOLDING, 65535, TYPE_U16}},
     125,
     false,
     {{65534, 2}}},
};

START_TEST(points_join_as_told)
{
    const struct join_row *row = &join_rows[_i];
    struct device *d = fake_estate_device(e, "d", 1, 1000);
    uint32_t expected = 0;

    d->limits.max_registers = row->max_registers;
    d->limits.holes = row->holes;
    for (int i = 0; i < 6 && row->points[i].table != REG_NONE; i++) {
        fake_estate_point(e, "p", row->points[i].table, row->points[i].address,
                          row->points[i].type);
    }
    make_plan();
    while (expected < 6 && row->requests[expected].count > 0) {
        expected++;
    }
    ck_assert_msg(plan.groups[0].request_count == expected, "%s", row->name);
    /* Which table comes first is no promise: compare as sets. */
    for (uint32_t i = 0; i < expected; i++) {
        bool found = false;
        for (uint32_t k = 0; k < expected; k++) {
            found = found ||
                    (plan.groups[0].requests[k].address == row->requests[i].address &&
                     plan.groups[0].requests[k].count == row->requests[i].count);
        }
        ck_assert_msg(found, "%s: request %u", row->name, i);
    }
}
END_TEST

START_TEST(limits_of_zero_are_the_protocols)
{
    struct device *d = fake_estate_device(e, "d", 1, 1000);

    d->limits = (struct limits){0};
    for (uint16_t i = 0; i < 126; i++) {
        fake_estate_point(e, "r", REG_INPUT, i, TYPE_U16);
    }
    for (uint16_t i = 0; i < 2001; i++) {
        fake_estate_point(e, "b", REG_COIL, i, TYPE_BOOL);
    }
    make_plan();
    check_plan();
    ck_assert_uint_eq(plan.groups[0].request_count, 4);
}
END_TEST

START_TEST(a_refused_block_is_parted_at_its_largest_hole_first)
{
    struct device *d = fake_estate_device(e, "d", 1, 1000);

    d->limits.holes = true;
    fake_estate_point(e, "a", REG_INPUT, 0, TYPE_U32);
    fake_estate_point(e, "b", REG_INPUT, 4, TYPE_U16);
    fake_estate_point(e, "c", REG_INPUT, 12, TYPE_U16);
    fake_estate_point(e, "d", REG_INPUT, 13, TYPE_U16);
    make_plan();
    struct plan_group *g = &plan.groups[0];
    ck_assert_uint_eq(g->request_count, 1);
    ck_assert(plan_group_split(g, &e->site, 0));
    ck_assert_uint_eq(g->requests[0].address, 0);
    ck_assert_uint_eq(g->requests[0].count, 5);
    ck_assert_uint_eq(g->requests[1].address, 12);
    ck_assert_uint_eq(g->requests[1].count, 2);
    ck_assert(plan_group_split(g, &e->site, 1)); /* No hole: in the middle. */
    ck_assert_uint_eq(g->requests[2].address, 13);
    ck_assert(!plan_group_split(g, &e->site, 2));
}
END_TEST

START_TEST(a_request_knows_its_size_on_the_wire)
{
    /* Modbus Application Protocol V1.1b, 6.1 and 6.3; RTU adds 3, TCP 7 each way. */
    ck_assert_uint_eq(plan_wire_bytes(REG_HOLDING, 10, BUS_RTU), 8 + 5 + 20);
    ck_assert_uint_eq(plan_wire_bytes(REG_HOLDING, 10, BUS_TCP), 12 + 9 + 20);
    ck_assert_uint_eq(plan_wire_bytes(REG_HOLDING, 10, BUS_RTU_OVER_TCP), 8 + 5 + 20);
    ck_assert_uint_eq(plan_wire_bytes(REG_COIL, 9, BUS_RTU), 8 + 5 + 2);
    /* 9600 8E1: 11 bits a character. */
    struct bus line = {
        .kind = BUS_RTU, .baud = 9600, .parity = 'E', .data_bits = 8, .stop_bits = 1};
    ck_assert_int_eq(serial_character_us(&line), 1146);
    ck_assert_int_eq(serial_silence_us(&line), 4011);
    line.baud = 115200;
    ck_assert_int_eq(serial_silence_us(&line), 1750);
    ck_assert_int_eq(plan_function(REG_COIL), 1);
    ck_assert_int_eq(plan_function(REG_DISCRETE), 2);
    ck_assert_int_eq(plan_function(REG_HOLDING), 3);
    ck_assert_int_eq(plan_function(REG_INPUT), 4);
}
END_TEST

START_TEST(a_request_costs_bus_time)
{
    struct plan_request registers = {.table = REG_HOLDING, .count = 10};
    struct limits limits = {.gap_ms = 5};
    struct bus line = {
        .kind = BUS_RTU, .baud = 9600, .parity = 'E', .data_bits = 8, .stop_bits = 1};

    /* 33 characters, 3.5 of silence, the device's thinking and its gap. */
    ck_assert_int_eq(plan_request_us(&registers, plan_cost(&line, &limits, 7000)),
                     33 * 1146 + 4011 + 7000 + 5000);
    ck_assert_int_eq(plan_request_us(&registers, plan_cost(&line, &limits, -1)),
                     33 * 1146 + 4011 + TURNROUND_SERIAL_US + 5000);
    ck_assert_int_eq(plan_line_us(&line, REG_HOLDING, 10), 33 * 1146);
    /* A gateway has the same line behind it, and the network before it. */
    line.kind = BUS_RTU_OVER_TCP;
    ck_assert_int_eq(plan_line_us(&line, REG_HOLDING, 10), 33 * 1146 + 4011);
    line.kind = BUS_TCP;
    ck_assert_int_eq(plan_line_us(&line, REG_HOLDING, 10), 33 * 1146 + 4011);
    ck_assert_int_eq(plan_request_us(&registers, plan_cost(&line, &limits, -1)),
                     33 * 1146 + 4011 + TURNROUND_SERIAL_US + TURNROUND_TCP_US + 5000);
    line.baud = 0;
    ck_assert_int_eq(plan_line_us(&line, REG_HOLDING, 10), 0);
    ck_assert_int_lt(plan_request_us(&registers, plan_cost(&line, &limits, 4000)),
                     4000 + 5000 + 100);
    /* What is quicker is no reason to plan anew. */
    ck_assert_int_eq(plan_request_us(&registers, plan_cost(&line, &limits, 200)),
                     plan_request_us(&registers, plan_cost(&line, &limits, -1)));
}
END_TEST

/* The cost of the cheapest plan, by trying every way to part the points. */
static int64_t
cheapest(const struct plan_group *g, uint32_t from, struct plan_cost cost)
{
    int64_t best = INT64_MAX;

    if (from == g->point_count) {
        return 0;
    }
    const struct point *first = &e->points[g->order[from]];
    const struct limits *l = &e->devices[0].limits;
    uint32_t end = 0;
    for (uint32_t k = from; k < g->point_count; k++) {
        const struct point *p = &e->points[g->order[k]];
        if (p->table != first->table || (k > from && p->address > end && !l->holes)) {
            break;
        }
        uint32_t p_end = (uint32_t)p->address + point_width(p);
        end = p_end > end ? p_end : end;
        if (k > from && end - first->address > l->max_registers) {
            break;
        }
        int64_t total = cost.request_us +
                        cost.byte_us * 2 * (int64_t)(end - first->address) +
                        cheapest(g, k + 1, cost);
        best = total < best ? total : best;
    }
    return best;
}

START_TEST(no_other_plan_is_cheaper)
{
    uint32_t seed = 88172645u + 7919u * (uint32_t)_i;
    struct device *d = fake_estate_device(e, "d", 1, 1000);
    struct plan_cost cost = {.request_us = 1 + next_random(&seed) % 40000,
                             .byte_us = next_random(&seed) % 1500};
    int64_t total = 0;
    struct err err;

    d->limits.max_registers = (uint16_t)(4 + next_random(&seed) % 60);
    d->limits.holes = next_random(&seed) % 3 != 0;
    for (uint32_t i = 0; i < 12; i++) {
        fake_estate_point(e, "p", REG_INPUT, (uint16_t)(next_random(&seed) % 120),
                          next_random(&seed) % 2 == 0 ? TYPE_U16 : TYPE_F32);
    }
    ck_assert_int_eq(device_plan_init(&plan, &e->site, 0, cost, &err), 0);
    check_plan();
    const struct plan_group *g = &plan.groups[0];
    for (uint32_t i = 0; i < g->request_count; i++) {
        total += plan_request_us(&g->requests[i], cost);
    }
    ck_assert_int_eq(total, cheapest(g, 0, cost));
}
END_TEST

START_TEST(lessons_part_what_is_joined)
{
    struct device *d = fake_estate_device(e, "d", 1, 1000);

    d->limits.holes = true;
    for (uint16_t i = 0; i < 10; i++) {
        fake_estate_point(e, "p", REG_INPUT, i, TYPE_U16);
    }
    make_plan();
    struct plan_group *g = &plan.groups[0];
    ck_assert_uint_eq(g->request_count, 1);
    plan_group_lesson(g, 3)->alone_until_us = 1000;
    plan_group_lesson(g, 3)->exception = 2;
    plan_group_lesson(g, 7)->cut_until_us = 2000;
    ck_assert(plan_group_join(g, &e->site, line_cost, 500));
    ck_assert_uint_eq(g->request_count, 4); /* 0-2, 3, 4-6, 7-9 */
    ck_assert_uint_eq(g->requests[0].count, 3);
    ck_assert_uint_eq(g->requests[1].address, 3);
    ck_assert_uint_eq(g->requests[1].count, 1);
    ck_assert_int_eq(g->requests[1].not_before_us, 1000);
    ck_assert_uint_eq(g->requests[1].detail, 2);
    ck_assert_uint_eq(g->requests[2].count, 3);
    ck_assert_uint_eq(g->requests[3].address, 7);
    ck_assert(plan_group_join(g, &e->site, line_cost, 1000));
    ck_assert_uint_eq(g->request_count, 2); /* 0-6, 7-9 */
    ck_assert(plan_group_join(g, &e->site, line_cost, 2000));
    ck_assert_uint_eq(g->request_count, 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tc = tcase_create("plan");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, any_points_are_covered_within_the_limits, 0, ROUNDS);
    tcase_add_test(tc, the_order_of_points_does_not_matter);
    tcase_add_loop_test(tc, points_join_as_told, 0, (int)ARRAY_LEN(join_rows));
    tcase_add_test(tc, limits_of_zero_are_the_protocols);
    tcase_add_test(tc, a_refused_block_is_parted_at_its_largest_hole_first);
    tcase_add_test(tc, a_request_knows_its_size_on_the_wire);
    tcase_add_test(tc, a_request_costs_bus_time);
    tcase_add_loop_test(tc, no_other_plan_is_cheaper, 0, ROUNDS);
    tcase_add_test(tc, lessons_part_what_is_joined);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
