/* Units: what converts into what, to the last digit. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "rules/unit.h"

static struct unit
unit(const char *word)
{
    struct unit u;
    unit_parse(&u, word, strlen(word));
    return u;
}

static const struct {
    double value;
    const char *from, *to;
    double expected;
} conversions[] = {
    {800, "kPa", "MPa", 0.8},
    {8, "bar", "MPa", 0.8},
    {0.8, "MPa", "kPa", 800},
    {1, "mH2O", "Pa", 9806.65},
    {10, "kgf/cm2", "kPa", 980.665},
    {4.5, "mm/s", "m/s", 0.0045},
    {0.45, "cm/s", "mm/s", 4.5},
    {20, "°C", "K", 293.15},
    {353.15, "K", "°C", 80},
    {-10, "°C", "°C", -10},
    {80, "℃", "°C", 80},
    {1, "kWh", "MJ", 3.6},
    {7200, "kJ", "kWh", 2},
    {36, "m3/h", "L/s", 10},
    {36, "m³/h", "L/min", 600},
    {600, "L/min", "m3/h", 36},
    {5, "cm", "mm", 50},
    {1.7, "h", "min", 102},
    {2, "d", "h", 48},
    {300, "ms", "s", 0.3},
    {8, "GB", "MB", 8000},
    {50, "Hz", "kHz", 0.05},
    {25, "r/s", "rpm", 1500},
    {3, "mA", "A", 0.003},
    {2, "kvar", "var", 2000},
    {30, "%", "%", 30},
    {9, "次", "次", 9},
    {1, "m/s2", "mm/s2", 1000},
    {55, "Wh/m3", "kWh/m3", 0.055},
    {2, "µm", "mm", 0.002},
};

START_TEST(test_conversions)
{
    struct unit from = unit(conversions[_i].from);
    struct unit to = unit(conversions[_i].to);
    ck_assert(unit_agrees(&from, &to));
    struct unit_conversion c = unit_conversion(&from, &to, false);
    double got = unit_convert_constant(&c, conversions[_i].value);
    ck_assert_msg(got == conversions[_i].expected, "%s to %s: %.17g",
                  conversions[_i].from, conversions[_i].to, got);
}
END_TEST

START_TEST(test_strangers)
{
    static const char *const pairs[][2] = {
        {"°C", "kPa"},    {"rpm", "Hz"}, {"kW", "kWh"}, {"kW", "kVA"}, {"kVA", "kvar"},
        {"%", "m"},       {"次", "人"},  {"m", "min"},  {"m3", "m2"},  {"m3/h", "m/h"},
        {"foo/s", "m/s"}, {"kg", "N"},   {"W/", "W"},   {"/W", "W"},   {"m4", "m3"},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct unit a = unit(pairs[i][0]);
        struct unit b = unit(pairs[i][1]);
        ck_assert_msg(!unit_agrees(&a, &b), "%s %s", pairs[i][0], pairs[i][1]);
    }
}
END_TEST

START_TEST(test_differences_of_temperature_have_no_zero_point)
{
    struct unit celsius = unit("°C");
    struct unit kelvin = unit("K");
    struct unit_conversion c = unit_conversion(&celsius, &kelvin, true);
    ck_assert(!unit_conversion_is_needed(&c));
}
END_TEST

START_TEST(test_products)
{
    struct unit volt = unit("V");
    struct unit ampere = unit("A");
    struct unit watt = unit("kW");
    struct unit product;
    unit_product(&product, &volt, &ampere, false);
    ck_assert(unit_agrees(&product, &watt));
    ck_assert_str_eq(product.name, "V*A");
    unit_product(&product, &watt, &watt, true);
    ck_assert(unit_is_none(&product));
    struct unit own = unit("boxes");
    unit_product(&product, &own, &own, true);
    ck_assert(unit_is_none(&product));
    unit_product(&product, &own, &volt, false);
    ck_assert(product.own);
    product = unit("m3");
    for (int i = 0; i < 100; i++) {
        unit_product(&product, &product, &product, false);
    }
    struct unit metre = unit("m");
    ck_assert(!unit_agrees(&product, &metre));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("unit");
    TCase *tc = tcase_create("unit");
    tcase_add_loop_test(tc, test_conversions, 0, (int)ARRAY_LEN(conversions));
    tcase_add_test(tc, test_strangers);
    tcase_add_test(tc, test_differences_of_temperature_have_no_zero_point);
    tcase_add_test(tc, test_products);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failures = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failures == 0 ? 0 : 1;
}
