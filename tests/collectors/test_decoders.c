/* The decoders of a site: who shares one, who must not, and that they read right. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode.h"
#include "collectors/decoders.h"
#include "collectors/readings.h"
#include "tests/fake/fake_estate.h"

#define PROFILE 5 /* Points. */

static struct fake_estate *e;
static struct decoders decoders;

static void
set_up(void)
{
    e = fake_estate_new();
    fake_estate_tcp(e, "b", 502);
}

static void
tear_down(void)
{
    decoders_fini(&decoders);
    free(e);
}

static void
make(void)
{
    struct err err;

    ck_assert_int_eq(decoders_init(&decoders, &e->site, &err), 0);
}

/* decimals, level (which has those), energy (a counter), alarm (a bit), mode (whose -1
 * is none); all but the bit are decoded in their own way. */
static uint32_t
add_profile(const char *id, uint8_t unit)
{
    static const struct sentinel none[] = {{0xFFFF, "none"}};
    uint32_t first = fake_estate_device(e, id, unit, 1000)->first_point;
    struct point *p;

    fake_estate_point(e, "decimals", REG_HOLDING, 0, TYPE_U16);
    p = fake_estate_point(e, "level", REG_HOLDING, 1, TYPE_S16);
    p->decimals_from = first;
    p = fake_estate_point(e, "energy", REG_HOLDING, 2, TYPE_U32);
    p->kind = POINT_COUNTER;
    p->scaling.div = 10.0;
    p = fake_estate_point(e, "alarm", REG_HOLDING, 4, TYPE_BOOL);
    p->bit_low = p->bit_high = 3;
    p = fake_estate_point(e, "mode", REG_HOLDING, 5, TYPE_U16);
    p->sentinels = none;
    p->sentinel_count = 1;
    return first;
}

START_TEST(devices_of_one_profile_share_its_decoders)
{
    uint32_t first = add_profile("a", 1);
    fake_estate_device(e, "between", 2, 1000);
    fake_estate_point(e, "other", REG_INPUT, 77, TYPE_F32);
    uint32_t second = add_profile("b", 3);

    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(second, PROFILE + 1);
    make();
    ck_assert_uint_eq(decoders.count, PROFILE + 1);
    for (uint32_t i = 0; i < PROFILE; i++) {
        ck_assert_uint_eq(decoders.of_point[first + i], decoders.of_point[second + i]);
        ck_assert_uint_eq(decoders_get(&decoders, second + i)->address,
                          e->points[first + i].address);
    }
}
END_TEST

static const struct sentinel one_none[] = {{7, "none"}, {8, "other"}};
static const struct sentinel other_none[] = {{9, "none"}, {8, "other"}};

/* Two points that differ in one field; the likes of them are decoded alike or not. */
static const struct pair_row {
    const char *name;
    bool alike;
    struct point a, b;
} pair_rows[] = {
    {"nothing", true, {.table = REG_INPUT}, {.table = REG_INPUT}},
    {"its id", true, {.id = "a"}, {.id = "b"}},
    {"its unit of measure", true, {.unit = "V"}, {.unit = "A"}},
    {"its period", true, {.poll_ms = 1000}, {.poll_ms = 2000}},
    {"its table", true, {.table = REG_INPUT}, {.table = REG_HOLDING}},
    {"limits of no range", true, {.range_max = 1}, {.range_max = 2}},
    {"its address", false, {.address = 1}, {.address = 2}},
    {"its type", false, {.type = TYPE_U16}, {.type = TYPE_S16}},
    {"its order", false, {.order = ORDER_ABCD}, {.order = ORDER_BADC}},
    {"its factor", false, {.scaling.mul = 1}, {.scaling.mul = 2}},
    {"its offset", false, {.scaling.add = 1}, {.scaling.add = 2}},
    {"its divisor", false, {.scaling.div = 1}, {.scaling.div = 10}},
    {"that it has a range",
     false,
     {.range_max = 1},
     {.has_range = true, .range_max = 1}},
    {"the end of its range",
     false,
     {.has_range = true, .range_max = 1},
     {.has_range = true, .range_max = 2}},
    {"the start of its range",
     false,
     {.has_range = true, .range_min = -1},
     {.has_range = true, .range_min = -2}},
    {"its sentinels",
     false,
     {.sentinels = one_none, .sentinel_count = 2},
     {.sentinels = other_none, .sentinel_count = 2}},
    {"how many sentinels",
     false,
     {.sentinels = one_none, .sentinel_count = 1},
     {.sentinels = one_none, .sentinel_count = 2}},
    {"who has its decimals", false, {.decimals_from = 0}, {.decimals_from = 1}},
    {"that one has its decimals", false, {.decimals_from = NONE_INDEX}, {0}},
    {"its bit",
     false,
     {.type = TYPE_BITS, .bit_low = 1, .bit_high = 4},
     {.type = TYPE_BITS, .bit_low = 2, .bit_high = 4}},
    {"its last bit",
     false,
     {.type = TYPE_BITS, .bit_low = 1, .bit_high = 4},
     {.type = TYPE_BITS, .bit_low = 1, .bit_high = 5}},
    {"the width of its bits",
     false,
     {.type = TYPE_BITS, .bit_high = 4, .bit_words = 1},
     {.type = TYPE_BITS, .bit_high = 4, .bit_words = 2}},
    {"that it is a state", true, {.kind = POINT_GAUGE}, {.kind = POINT_STATE}},
    {"that it counts",
     false,
     {.table = REG_INPUT, .type = TYPE_U16, .kind = POINT_GAUGE},
     {.table = REG_INPUT, .type = TYPE_U16, .kind = POINT_COUNTER}},
};

START_TEST(who_differs_in_one_field_has_a_decoder_of_its_own)
{
    const struct pair_row *row = &pair_rows[_i];

    fake_estate_device(e, "d", 1, 1000);
    *fake_estate_point(e, "a", REG_INPUT, 0, TYPE_U16) = row->a;
    *fake_estate_point(e, "b", REG_INPUT, 0, TYPE_U16) = row->b;
    make();
    ck_assert_msg(decoders.count == (row->alike ? 1 : 2), "%s", row->name);
    ck_assert_uint_eq(decoders.of_point[0], 0);
    ck_assert_uint_eq(decoders.of_point[1], row->alike ? 0 : 1);
}
END_TEST

START_TEST(what_lay_in_the_memory_before_makes_no_difference)
{
    struct decoder a, b;

    for (size_t i = 0; i < ARRAY_LEN(pair_rows); i++) {
        memset(&a, 0x00, sizeof a);
        memset(&b, 0xFF, sizeof b);
        decoder_init(&a, &pair_rows[i].b, 0);
        decoder_init(&b, &pair_rows[i].b, 0);
        ck_assert_mem_eq(&a, &b, sizeof a);
    }
}
END_TEST

/* More than any table of a few slots holds without collisions. */
START_TEST(each_of_many_has_its_own)
{
    for (uint32_t d = 0; d < 100; d++) {
        fake_estate_device(e, "d", 1, 1000);
        for (uint16_t i = 0; i < 40; i++) {
            fake_estate_point(e, "p", REG_INPUT, (uint16_t)(d / 2 * 40 + i), TYPE_U16);
        }
    }
    make();
    ck_assert_uint_eq(decoders.count, 50 * 40);
    for (uint32_t i = 0; i < e->site.point_count; i++) {
        ck_assert_uint_eq(decoders_get(&decoders, i)->address, e->points[i].address);
    }
}
END_TEST

START_TEST(a_site_without_points_has_none)
{
    make();
    ck_assert_uint_eq(decoders.count, 0);
    decoders_fini(&decoders);
    decoders_fini(&decoders); /* A zeroed one. */
}
END_TEST

START_TEST(many_at_once_are_what_each_is_alone)
{
    struct decoder_run run = {.address = 100};
    static uint32_t order[FAKE_POINTS_MAX];
    static struct reading many[FAKE_POINTS_MAX];
    uint16_t words[READ_REGISTERS_MAX];
    uint32_t seed = 2463534242u;
    uint32_t bad = 0;

    add_profile("a", 1); /* So that nothing begins at 0. */
    run.first_point = fake_estate_device(e, "b", 2, 1000)->first_point;
    for (uint16_t i = 0; i < 400; i++) {
        struct point *p = fake_estate_point(e, "p", REG_INPUT, 0, i % TYPE_COUNT);
        p->address = (uint16_t)(run.address + i * 7 % READ_REGISTERS_MAX);
        p->order = i / TYPE_COUNT % ORDER_COUNT;
        p->bit_high = p->type == TYPE_BITS ? 9 : 0;
        p->scaling.div = i % 3 == 0 ? 10.0 : 1.0;
        p->has_range = i % 5 == 0;
        p->range_max = 20000.0;
        order[399 - i] = run.first_point + i;
    }
    make();
    run.decoders = decoders.items;
    run.of_point = decoders.of_point;
    run.points = order;
    run.count = 400;
    for (int i = 0; i < READ_REGISTERS_MAX; i++) {
        seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
        words[i] = (uint16_t)seed;
    }
    decoder_many(many, &run, words, READ_REGISTERS_MAX);
    for (uint32_t i = 0; i < run.count; i++) {
        const struct decoder *d = decoders_get(&decoders, run.first_point + i);
        uint16_t offset = (uint16_t)(d->address - run.address);
        struct reading one = {0};
        struct reading direct = {0};
        decoder_words(&one, d, &words[offset], READ_REGISTERS_MAX - offset, -1);
        decode_words(&direct, &e->points[run.first_point + i], &words[offset],
                     READ_REGISTERS_MAX - offset, -1);
        ck_assert_mem_eq(&many[i], &one, sizeof one);
        ck_assert_mem_eq(&many[i], &direct, sizeof direct);
        bad += one.quality != QUALITY_GOOD;
    }
    ck_assert_uint_gt(bad, 0); /* Some are out of range, some are cut off. */
    ck_assert_uint_lt(bad, run.count / 2);
}
END_TEST

/* Each by its own register, though they share the decoder that says where it is. */
START_TEST(decimals_are_the_devices_own)
{
    static const struct read_answer answers[] = {{{1, 1234, 0, 50, 0, 0}, {0}},
                                                 {{3, 1234, 0, 50, 8, 0xFFFF}, {0}}};
    static const double levels[] = {123.4, 1.234};
    struct known_raw raws[2][PROFILE] = {0};
    struct readings *readings;

    add_profile("a", 1);
    add_profile("b", 2);
    make();
    readings = readings_new(&e->site, &decoders, PROFILE, 1);
    ck_assert_ptr_nonnull(readings);
    for (uint32_t d = 0; d < 2; d++) {
        uint32_t order[PROFILE];
        struct plan_group group = {.order = order, .point_count = PROFILE};
        struct plan_request request = {
            .table = REG_HOLDING, .count = 6, .point_count = PROFILE};
        for (uint32_t i = 0; i < PROFILE; i++) {
            order[i] = e->devices[d].first_point + i;
        }
        readings_begin(readings, &e->devices[d], raws[d], NULL);
        readings_decode(readings, &group, &request, &answers[d]);
        const struct frame *frame = readings_finish(readings);
        ck_assert_uint_eq(frame->count, PROFILE);
        ck_assert_uint_eq(frame->readings[1].point, order[1]);
        ck_assert_double_eq(frame->readings[1].value, levels[d]);
        ck_assert_double_eq(frame->readings[2].value, 5.0);
        ck_assert_double_eq(frame->readings[3].value, d);
        ck_assert_uint_eq(frame->readings[4].quality,
                          d == 0 ? QUALITY_GOOD : QUALITY_SENTINEL);
    }
    readings_free(readings);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("decoders");
    TCase *tc = tcase_create("decoders");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, devices_of_one_profile_share_its_decoders);
    tcase_add_loop_test(tc, who_differs_in_one_field_has_a_decoder_of_its_own, 0,
                        (int)ARRAY_LEN(pair_rows));
    tcase_add_test(tc, what_lay_in_the_memory_before_makes_no_difference);
    tcase_add_test(tc, each_of_many_has_its_own);
    tcase_add_test(tc, a_site_without_points_has_none);
    tcase_add_test(tc, many_at_once_are_what_each_is_alone);
    tcase_add_test(tc, decimals_are_the_devices_own);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
