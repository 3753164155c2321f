/* What is said of a bus that can, hardly can and cannot carry its plan. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pipeline/budgets.h"
#include "daemon/pipeline/check.h"

/* 100 registers take a quarter of a second at 9,600 baud: 213 characters of 11 bits. */
#define METER(id, unit, poll)                                                          \
    "  - {id: " id ", bus: line, unit: " unit ", poll: " poll                          \
    ", limits: {holes: allowed}, points: {a: {register: input 0}, b: {register: "      \
    "input "                                                                           \
    "9}, c: {register: input 18}, d: {register: input 27}, e: {register: input 36}, "  \
    "f: "                                                                              \
    "{register: input 45}, g: {register: input 54}, h: {register: input 63}, i: "      \
    "{register: input 72}, j: {register: input 81}, k: {register: input 90}, l: "      \
    "{register: input 98, type: u32}}}\n"
#define LINE                                                                           \
    "site: {id: a, timezone: UTC}\n"                                                   \
    "buses:\n"                                                                         \
    "  - {id: line, rtu: /dev/null, baud: 9600}\n"                                     \
    "  - {id: net, tcp: 192.0.2.1}\n"                                                  \
    "devices:\n"

static const struct {
    const char *what;
    const char *yaml;
    const char *begins; /* The warning; NULL: there is none. */
    const char *says;
} rows[] = {
    {"time to spare", LINE METER("m-1", "1", "1s"), NULL, NULL},
    {"hardly any", LINE METER("m-1", "1", "300ms"),
     "bus \"line\" has little time to spare for its plan: it takes ",
     "poll \"m-1\" every 400ms instead of 300ms, or make all periods 1."},
    {"none", LINE METER("m-1", "1", "200ms"),
     "bus \"line\" CANNOT HOLD ITS PLAN: it takes 1",
     "times as seldom as planned; poll \"m-1\" every 400ms instead of 200ms"},
    {"none, and one device is to blame",
     LINE METER("m-1", "1", "200ms") METER("m-2", "2", "10s"),
     "bus \"line\" CANNOT HOLD ITS PLAN: it takes 1", "poll \"m-1\" every 400ms"},
    {"none, and no device alone is to blame",
     LINE METER("m-1", "1", "300ms") METER("m-2", "2", "300ms")
         METER("m-3", "3", "300ms"),
     "bus \"line\" CANNOT HOLD ITS PLAN: it takes 2",
     "; no device alone is the cause (\"m-1\" every 300ms takes most, "},
    {"none, and the fast points of a slow device are to blame",
     LINE METER(
         "m-1", "1", "1s") "  - {id: m-2, bus: line, unit: 2, poll: 10s, points: "
                           "{a: {register: input 0, poll: 40ms}, "
                           "b: {register: input 1}}}\n",
     "bus \"line\" CANNOT HOLD ITS PLAN: it takes 1",
     "; poll the fast points of \"m-2\" every 100ms instead of 40ms, or "},
    {"all that is left for one", LINE METER("m-1", "1", "continuous"), NULL, NULL},
};

/* Or there would be a warning that nobody is told. */
static const char lost[] = "rules:\n"
                           "  - {id: lost, applies_to: {type: bus}, when: not online, "
                           "severity: info, cause: c, "
                           "consequence: d, action: e}\n";

static struct site *
load(const char *yaml, struct diags *diags)
{
    char path[] = "/tmp/caretaker-budget-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
    ck_assert_int_eq(write(fd, lost, strlen(lost)), (ssize_t)strlen(lost));
    close(fd);
    diags_init(diags);
    struct site *site = check_site(path, diags, NULL);
    unlink(path);
    if (site == NULL) {
        diags_print(diags, stderr);
    }
    ck_assert_ptr_nonnull(site);
    return site;
}

START_TEST(test_a_bus_without_time_is_a_warning_with_a_remedy)
{
    struct diags diags;
    struct site *site = load(rows[_i].yaml, &diags);
    if (rows[_i].begins == NULL) {
        ck_assert_msg(diags.count == 0, "%s", rows[_i].what);
    } else {
        ck_assert_uint_eq(diags.count, 1);
        const struct diag *d = &diags.items[0];
        ck_assert_int_eq(d->level, DIAG_WARNING);
        ck_assert_uint_eq(d->line, 3); /* Of the bus. */
        ck_assert_msg(strstr(d->text, rows[_i].begins) == d->text, "%s", d->text);
        ck_assert_msg(strstr(d->text, rows[_i].says) != NULL, "%s", d->text);
        ck_assert_msg(strstr(d->text, "raise the baud rate") != NULL, "%s", d->text);
    }
    diags_fini(&diags);
    site_free(site);
}
END_TEST

static json_t *
plans_of(const char *yaml)
{
    struct diags diags;
    struct err err;
    struct strbuf out = {0};
    struct site *site = load(yaml, &diags);
    strbuf_add_char(&out, '[');
    ck_assert_int_eq(budgets_json(site, &out, &err), 0);
    strbuf_add_char(&out, ']');
    json_t *plans = json_loads(strbuf_text(&out), 0, NULL);
    ck_assert_msg(json_array_size(plans) == 2, "%s", strbuf_text(&out));
    strbuf_fini(&out);
    diags_fini(&diags);
    site_free(site);
    return plans;
}

static double
number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "%s", key);
    return json_number_value(value);
}

START_TEST(test_the_plan_as_json)
{
    json_t *plans =
        plans_of(LINE METER("m-1", "1", "1s") METER("m-2", "7", "continuous"));
    const json_t *line = json_array_get(plans, 0);
    const json_t *requests = json_object_get(line, "requests");
    const json_t *dead = json_object_get(line, "dead");
    ck_assert_uint_eq(json_array_size(requests), 2);
    double sum = 0;
    for (size_t i = 0; i < 2; i++) {
        const json_t *q = json_array_get(requests, i);
        ck_assert(number(q, "unit") == (i == 0 ? 1 : 7));
        ck_assert(number(q, "function") == 4);
        ck_assert(number(q, "address") == 0);
        ck_assert(number(q, "count") == 100);
        ck_assert(number(q, "points") == 12);
        ck_assert(number(q, "bytes") == 213);
        ck_assert(number(q, "ms") > 240 && number(q, "ms") < 300);
        sum += number(q, "ms");
        ck_assert_str_eq(json_string_value(json_object_get(q, "every")),
                         i == 0 ? "1s" : "continuous");
    }
    ck_assert(number(line, "cycle_ms") == sum);
    ck_assert(number(line, "load") > 24 && number(line, "load") < 30);
    ck_assert(number(line, "round_ms") > number(line, "cycle_ms") / 2);
    ck_assert_uint_eq(json_array_size(dead), 2); /* There are no four. */
    ck_assert(number(json_array_get(dead, 0), "devices") == 1);
    ck_assert(number(json_array_get(dead, 1), "devices") == 2);
    ck_assert(number(json_array_get(dead, 0), "stall_ms") > 0);
    ck_assert(json_is_null(json_object_get(line, "advice")));
    const json_t *net = json_array_get(plans, 1);
    ck_assert_uint_eq(json_array_size(json_object_get(net, "requests")), 0);
    ck_assert(number(net, "load") == 0 && number(net, "devices") == 0);
    ck_assert(json_is_null(json_object_get(net, "round_ms")));
    json_decref(plans);
}
END_TEST

/* By hand, for units of 20 registers at 9,600 baud, 8N1.  A character has 10 bits:
 *
 *   question  8, answer 5 + 2 x 20 = 45:    53 characters  55,208 us
 *   3.5 characters of 11 bits before the question           4,011 us
 *   the unit's thinking, which hides its own 3.5 or more   10,000 us
 *
 * Nobody can need less than 53 + 2 x 3.5 characters of 10 bits, 62.5 ms. */
START_TEST(test_a_serial_request_by_hand)
{
    struct strbuf yaml = {0};
    strbuf_add(&yaml, "site: {id: a, timezone: UTC}\n"
                      "buses:\n"
                      "  - {id: line, rtu: /dev/null, baud: 9600, parity: none, "
                      "stop_bits: 1, timeout: 300ms, retries: 1}\n"
                      "  - {id: net, tcp: 192.0.2.1}\n"
                      "devices:\n");
    for (int unit = 1; unit <= 8; unit++) {
        strbuf_printf(&yaml, "  - {id: m-%d, bus: line, unit: %d, poll: %s, points: {",
                      unit, unit, unit == 1 ? "2s" : "1s");
        for (int i = 0; i < 20; i++) {
            strbuf_printf(&yaml, "%sp%d: {register: holding %d}", i > 0 ? ", " : "", i,
                          i);
        }
        strbuf_add(&yaml, "}}\n");
    }
    json_t *plans = plans_of(strbuf_text(&yaml));
    const json_t *line = json_array_get(plans, 0);
    const json_t *requests = json_object_get(line, "requests");
    ck_assert_uint_eq(json_array_size(requests), 8);
    const double ms = 69.219;
    for (size_t i = 0; i < 8; i++) {
        const json_t *q = json_array_get(requests, i);
        double period = i == 0 ? 2000 : 1000;
        ck_assert(number(q, "function") == 3 && number(q, "count") == 20);
        ck_assert(number(q, "bytes") == 53);
        ck_assert(number(q, "period_ms") == period);
        ck_assert_msg(fabs(number(q, "ms") - ms) < 0.05, "%g", number(q, "ms"));
        ck_assert(number(q, "ms") > 62.5);
        ck_assert(fabs(number(q, "load") - ms / period * 100) < 0.01);
    }
    ck_assert(fabs(number(line, "cycle_ms") - 8 * ms) < 0.4);
    ck_assert(fabs(number(line, "load") - 7.5 * ms / 10) < 0.1);
    /* The lightest die first; the tries take 5 % then.  A question is put twice, and
     * after each silence of 300 ms the late answer is waited for as long. */
    static const double left[] = {7, 6, 4};
    for (size_t i = 0; i < 3; i++) {
        const json_t *dead = json_array_get(json_object_get(line, "dead"), i);
        ck_assert(number(dead, "devices") == (i == 0 ? 1 : i == 1 ? 2 : 4));
        ck_assert(fabs(number(dead, "load") - (left[i] * ms / 10 + 5)) < 0.1);
        ck_assert(number(dead, "stall_ms") == number(dead, "devices") * 2 * 600);
    }
    json_decref(plans);
    strbuf_fini(&yaml);
}
END_TEST

START_TEST(test_no_time_is_left_for_who_polls_continuously)
{
    json_t *plans =
        plans_of(LINE METER("m-1", "1", "200ms") METER("m-2", "7", "continuous"));
    const json_t *line = json_array_get(plans, 0);
    ck_assert(json_is_null(json_object_get(line, "round_ms")));
    ck_assert(number(line, "continuous") == 1);
    ck_assert(json_is_string(json_object_get(line, "advice")));
    json_decref(plans);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("budgets");
    TCase *tc = tcase_create("budgets");
    tcase_add_loop_test(tc, test_a_bus_without_time_is_a_warning_with_a_remedy, 0,
                        (int)ARRAY_LEN(rows));
    tcase_add_test(tc, test_the_plan_as_json);
    tcase_add_test(tc, test_a_serial_request_by_hand);
    tcase_add_test(tc, test_no_time_is_left_for_who_polls_continuously);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
