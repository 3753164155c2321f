/* Expressions: what they are worth, and what is said of wrong ones. */
#include <check.h>
#include <math.h>
#include <stdio.h>

#include "daemon/base/diag.h"
#include "rules/expression.h"
#include "tests/rules/plant.h"

#define U ((double)NAN) /* Unknown. */

static const struct {
    const char *text;
    double value;
} values[] = {
    {"true", 1},
    {"not true", 0},
    {"1 < 2 and 2 < 3", 1},
    {"1 < 2 and 3 < 2 or true", 1},
    {"not 1 == 2", 1},
    {"(1 + 2) * 3 == 9", 1},
    {"1 + 2 * 3 == 7", 1},
    {"7 mod 4 == 3", 1},
    {"-7 + 10 == 3", 1},
    {"10 - -7 == 17", 1},
    {"8 / 4 / 2 == 1", 1},
    {"1e3 == 1000", 1},
    {"1.5e-1 == 0.15", 1},
    /* pump-1: a 81.2 °C, b 71.2 °C, flow 36 m3/h, k 300 K, n 7, pressure 0.8 MPa,
     * run true, v 4.5 mm/s, x unknown; feeder-1: load 30 %, p 2 kW, u unknown. */
    {"a > 80 °C", 1},
    {"a>80°C", 1},
    {"a > 80", 1},
    {"a > 80 ℃", 1},
    {"80 °C < a", 1},
    {"a > 81.2 °C", 0},
    {"a >= 81.2 °C", 1},
    {"a != 81.2", 0},
    {"a > 354.35 K", 0},
    {"a >= 354.35 K", 1},
    {"k > 26 °C", 1},
    {"k > 27 °C", 0},
    {"a - b > 9 K", 1},
    {"a - b < 11", 1},
    {"a - b > b - a", 1},
    {"(a + b) / 2 < 77 °C", 1},
    {"(a + b) / 2 > 76 °C", 1},
    {"a * 0.5 + b * 0.5 > 76 °C", 1},
    {"a + 5 > 86 °C", 1},
    {"a - 5 K < 77 °C", 1},
    {"a > -5 °C", 1},
    {"greatest(a, b, 80) > 81 °C", 1},
    {"least(a, b) < 72 °C", 1},
    {"abs(b - a) >= 9 K", 1},
    {"pressure >= 800 kPa", 1},
    {"pressure > 800 kPa", 0},
    {"pressure == 8 bar", 1},
    {"800 kPa == pressure", 1},
    {"v == 0.45 cm/s", 1},
    {"v < 4.5 mm/s", 0},
    {"flow == 600 L/min", 1},
    {"flow == 10 L/s", 1},
    {"feeder-1.p == 2000 W", 1},
    {"feeder-1.p * 30 min == 1 kWh", 1},
    {"feeder-1.p / flow > 55 Wh/m3", 1},
    {"feeder-1.p / flow < 56 Wh/m3", 1},
    {"feeder-1.load == 30 %", 1},
    {"feeder-1.load == 30%", 1},
    {"feeder-1.load * 2 == 60 %", 1},
    {"feeder-1.p * 50 % == 1 kW", 1},
    {"feeder-1.p / feeder-1.p == 100 %", 1},
    {"feeder-1.p / 500 W == 4", 1},
    {"n == 7", 1},
    {"n mod 4 == 3", 1},
    {"-n == -7", 1},
    {"run", 1},
    {"not run", 0},
    {"run == true", 1},
    {"run != false", 1},
    {"run == 1", 1},
    {"0 == run", 0},
    {"run == (n > 5)", 1},
    {"unbalance(1, 1, 1) == 0 %", 1},
    {"unbalance(90 V, 100 V, 110 V) == 10 %", 1},
    {"unbalance(90 V, 0.1 kV, 110 V) == 10", 1},
    {"unbalance(feeder-1.u, 1 V) > 1", U},
    {"n / 0 > 1", U},
    {"n mod 0 > 1", U},
    {"n / (n - 7) > 1", U},
    {"feeder-1.u > 200 V", U},
    {"not feeder-1.u > 200 V", U},
    {"feeder-1.u > 200 V and false", 0},
    {"feeder-1.u > 200 V and true", U},
    {"feeder-1.u > 200 V or true", 1},
    {"feeder-1.u > 200 V or false", U},
    {"greatest(feeder-1.u, 1 V) > 0 V", U},
    {"x", U},
    {"x > 3 and run", U},
    {"online", 1},
    {"feeder-1.online", 0},
    {"not pump-2.online", U},
    {"quality(a) == \"good\"", 1},
    {"quality(feeder-1.u) == \"timeout\"", 1},
    {"\"timeout\" == quality(feeder-1.u)", 1},
    {"quality(feeder-1.u) != 'timeout'", 0},
    {"quality(x) == \"stale\"", U},
    {"age(a) == 30 s", 1},
    {"age(a) < 5m", 1},
    {"age(a) > 0.4m", 1},
    {"5m > age(a)", 1},
    {"age(a) * 2 == 1 min", 1},
    {"age(a) < 5", 0},
    {"age(x) > 1", U},
};

/* Runs a program for pump-1 on the values that the table's comment tells. */
static double
run_program(struct code_writer *w, struct span span, const struct plant *p)
{
    double known[64];
    uint8_t quality[64];
    int64_t last_good[64];
    int64_t last[64];
    uint8_t health[] = {DEVICE_OFFLINE, DEVICE_ONLINE, DEVICE_UNKNOWN};
    static const struct {
        const char *id;
        double value;
    } is[] = {{"a", 81.2}, {"b", 71.2},       {"flow", 36}, {"k", 300},
              {"n", 7},    {"pressure", 0.8}, {"run", 1},   {"v", 4.5}};
    for (uint32_t i = 0; i < p->site.point_count; i++) {
        known[i] = U;
        quality[i] = QUALITY_STALE;
        last_good[i] = last[i] = INSTANT_NONE;
    }
    for (size_t i = 0; i < ARRAY_LEN(is); i++) {
        uint32_t point = site_point(&p->site, PUMP_1, is[i].id);
        known[point] = is[i].value;
        quality[point] = QUALITY_GOOD;
        last_good[point] = last[point] = 70000;
    }
    known[site_point(&p->site, FEEDER, "load")] = 30;
    known[site_point(&p->site, FEEDER, "p")] = 2;
    quality[site_point(&p->site, FEEDER, "u")] = QUALITY_TIMEOUT;
    last[site_point(&p->site, FEEDER, "u")] = 90000;
    bool unreachable[3] = {false};
    struct program_env env = {known,  quality,     last_good, last,
                              health, unreachable, NULL,      100000};
    return program_run(w->ops, span, w->constants, w->slots, &env);
}

static void
collect(void *ctx,
        enum diag_level level,
        const struct expr_text *text,
        uint32_t at,
        const char *message)
{
    struct loc loc = syntax_loc(text, at);
    diags_add(ctx, level, &loc, "%s", message);
}

/* Compiles for pump-1 and gives the value, or the first message with its column. */
static double
value_of(const char *text, char *message, size_t size)
{
    struct plant *p = plant_new();
    p->devices[PUMP_1].bus = 0; /* Polled, not of a log. */
    struct arena *arena = arena_new();
    struct code_writer *w = calloc(1, sizeof *w);
    struct diags diags;
    double value = U;
    diags_init(&diags);
    ck_assert_ptr_nonnull(w);
    struct expr_text source = {text, {"r.yaml", 1, 1}};
    struct series_book book;
    series_book_init(&book, arena);
    struct expression_scope scope = {&p->site, &book, PUMP_1, &source, collect, &diags};
    struct span span;
    const struct node *root = syntax_parse(arena, &source, &diags);
    if (root != NULL && expression_compile(w, &scope, root, &span) && book.count == 0) {
        value = run_program(w, span, p);
    }
    message[0] = '\0';
    if (diags.count > 0) {
        (void)snprintf(message, size, "%u: %s", (unsigned)diags.items[0].column,
                       diags.items[0].text);
    }
    diags_fini(&diags);
    free(w);
    series_book_fini(&book);
    arena_free(arena);
    free(p);
    return value;
}

START_TEST(test_values)
{
    char message[ERR_TEXT_BYTES];
    double value = value_of(values[_i].text, message, sizeof message);
    ck_assert_msg(message[0] == '\0', "%s -> %s", values[_i].text, message);
    ck_assert_msg(isnan(value) ? isnan(values[_i].value) : value == values[_i].value,
                  "%s is %g, not %g", values[_i].text, value, values[_i].value);
}
END_TEST

static const struct {
    const char *text;
    const char *message; /* Column, and how the message begins. */
} wrong[] = {
    {"", "1: the expression ends here, but a value is expected"},
    {"a >", "4: the expression ends here"},
    {"a > 80 °C °C", "11: `°` is not expected"},
    {"(a > 80 °C", "11: the expression ends here, but `)`"},
    {"a > 80 °C)", "10: `)` is not expected here"},
    {"a < b < 5", "7: comparisons do not chain; write `a < b and b < c`"},
    {"a-b > 3", "2: `-` between operands needs spaces around it"},
    {"a -b > 3", "3: `-` between operands needs spaces around it"},
    {"a- b > 3", "2: `-` between operands needs spaces around it"},
    {"a > 5-3", "6: `-` between operands needs spaces"},
    {"a = 5", "3: `=` is no operator; write `==`"},
    {"a ≥ 5", "3: `≥` is no operator; write `>=`"},
    {"°C ≥ 5", "1: `°` is not expected"},
    {"a > 80 °C && run", "11: `&&` is no operator; write `and`"},
    {"!run", "1: `!` is no operator; write `not`"},
    {"n % 2 == 0", "3: `%` is only a unit"},
    {"a > 80 $", "8: `$` is not expected"},
    {"and run", "1: `and` is not expected here"},
    {"run and", "8: the expression ends here"},
    {"run run", "5: `run` is not expected here"},
    {"a > 5.", "7: a digit is expected"},
    {"a.b.c > 5", "4: `.` is not expected here"},
    {"quality(a) == \"good", "15: the text in quotes has no end"},
    {"quality(a) == \"gone\"", "15: there is no quality \"gone\"; accepted are good"},
    {"quality(a)", "1: a quality is compared with its word"},
    {"quality(a) < \"good\"", "1: a quality is compared with its word"},
    {"quality(a) == good", "1: a quality is compared"},
    {"quality(5) == \"good\"", "9: `quality` takes a point"},
    {"a == \"good\"", "1: a quality is compared"},
    {"age(a, b) > 5m", "1: `age` takes one argument"},
    {"age(5) > 5m", "5: `age` takes a point"},
    {"age(online) > 5m", "5: `online` is no point"},
    {"abs() > 5", "5: `)` is not expected here; a value is"},
    {"least(a) > 5", "1: `least` takes two"},
    {"avg(a) > 5", "1: `avg` takes a number and a window, as in (x, 5m)"},
    {"avg(a, b) > 5", "8: a window is expected here: a time up to 10y such as"},
    {"avg(a, 5) > 5", "8: a window is expected here"},
    {"avg(a, 5 mm) > 5", "8: a window is expected here"},
    {"avg(a, 0s) > 5", "8: a window is expected here"},
    {"avg(a, 11y) > 5", "8: a window is expected here"},
    {"avg(a, 1.5h) > 5", "8: a window is expected here"},
    {"avg(run, 5m) > 5", "5: `run` is true or false; a number is expected here"},
    {"avg(7, 5m) > 5", "5: `7` never changes; `avg` follows something"},
    {"count(a, 5m) > 5", "7: `a` is a number; a condition is expected here"},
    {"count(true, 5m) > 5", "7: `true` never changes"},
    {"held(run, 5m) > 5m", "1: `held` takes one condition"},
    {"hours(run, 5m) > 5 h", "12: `hours` takes a condition, as in (run) or"},
    {"hours(run, since) > 5 h", "12: `hours` takes a condition, as in (run) or"},
    {"time_to(a, 5m) > 1d", "1: `time_to` takes a number, a limit and a window"},
    {"time_to(a, 5 mm, 7d) > 1d", "12: `a` is in °C and `5 mm` in mm"},
    {"avg(a, 5m) > 5 mm/s", "14: `avg(a, 5m)` is in °C and `5 mm/s` in mm/s"},
    {"delta(a, 5m) > 5 °C", "16: `delta(a, 5m)` is a difference, in K"},
    {"stddev(a, 5m) > 5 °C", "17: `stddev(a, 5m)` is a difference, in K"},
    {"rate(pressure, 5m) > 5 MPa", "22: `rate(pressure, 5m)` is in MPa/s and"},
    {"hours(run) > 5 mm", "14: `hours(run)` is in h and `5 mm` in mm"},
    {"stuck(a, 5m) > 5", "16: `stuck(a, 5m)` is"},
    {"avg(a, 10y) > 5 and avg(b, 10y) > 5", "1: `avg(a, 10y)` needs"},
    {"unbalance(0, 0, 0) > 1", "1: `unbalance(0, 0, 0)` is always unknown"},
    {"1e300 * 1e300 > 1", "1: `1e300 * 1e300` is always unknown"},
    {"avg(a, 1s) > 1",
     "1: `avg(a, 1s)` will never be known: its samples come every 1s"},
    {"trend(a, 7d) > 1", "1: `trend` is unknown in this version"},
    {"grates(a, b) > 5", "1: there is no function `grates`; did you mean"},
    {"frobnicate(a) > 5", "1: there is no function `frobnicate`; there are abs, age"},
    {"a", "1: `a` is a number; a condition is expected"},
    {"not a", "5: `a` is a number"},
    {"run and a", "9: `a` is a number"},
    {"run + 1 > 1", "1: `run` is true or false; a number"},
    {"abs(run) > 1", "5: `run` is true or false; a number"},
    {"run == 2", "8: `run` is true or false and cannot be compared with `2`"},
    {"run > a", "7: `run` is true or false and cannot be compared with `a`"},
    {"run < true", "1: `run < true` compares two conditions"},
    {"a > 80 kPa", "5: `a` is in °C and `80 kPa` in kPa"},
    {"pressure > 5 m", "12: `pressure` is in MPa and `5 m` in m"},
    {"温度 > 5", "1: `温` is not expected"},
    {"a > 5 次", "5: `a` is in °C and `5 次` in 次"},
    {"pressure + v > 1", "12: `pressure` is in MPa and `v` in mm/s"},
    {"feeder-1.p > 5 kVA", "14: `feeder-1.p` is in kW and `5 kVA` in kVA"},
    {"a - b > 10 °C", "9: `a - b` is a difference, in K, and `10 °C` is in °C"},
    {"a > a - b", "1: `a - b` is a difference, in K, and `a` is in °C"},
    {"a + b > 100 °C", "1: `a + b` is no temperature"},
    {"a * b > 5", "1: `a` is a temperature in °C, which cannot be multiplied"},
    {"5 / a > 5", "1: `a` is a temperature in °C, which cannot be multiplied"},
    {"n > 5 kW", "1: `n` has no unit and is taken in kW"},
};

START_TEST(test_messages)
{
    char message[ERR_TEXT_BYTES];
    (void)value_of(wrong[_i].text, message, sizeof message);
    const char *expected = wrong[_i].message;
    ck_assert_msg(strncmp(message, expected, strlen(expected)) == 0,
                  "%s\n says %s\n  not %s", wrong[_i].text, message, expected);
}
END_TEST

START_TEST(test_depth_is_bounded)
{
    char text[2000];
    char message[ERR_TEXT_BYTES];
    static const char *const units[] = {"(", "not ", "- ", "abs("};
    for (size_t u = 0; u < ARRAY_LEN(units); u++) {
        text[0] = '\0';
        for (int i = 0; i < 200; i++) {
            strcat(text, units[u]);
        }
        (void)value_of(text, message, sizeof message);
        ck_assert_ptr_nonnull(strstr(message, "nested more than 64 deep"));
    }
}
END_TEST

START_TEST(test_length_is_bounded)
{
    static char text[6000];
    char message[ERR_TEXT_BYTES];
    strcpy(text, "n");
    for (int i = 0; i < 1000; i++) {
        strcat(text, "+n");
    }
    (void)value_of(text, message, sizeof message);
    ck_assert_ptr_nonnull(strstr(message, "more than 500 operands"));
    memset(text, ' ', 5000);
    text[5000] = '\0';
    (void)value_of(text, message, sizeof message);
    ck_assert_str_eq(message, "1: the expression is longer than 4096 bytes");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("expression");
    TCase *tc = tcase_create("expression");
    tcase_add_loop_test(tc, test_values, 0, (int)ARRAY_LEN(values));
    tcase_add_loop_test(tc, test_messages, 0, (int)ARRAY_LEN(wrong));
    tcase_add_test(tc, test_depth_is_bounded);
    tcase_add_test(tc, test_length_is_bounded);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failures = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failures == 0 ? 0 : 1;
}
