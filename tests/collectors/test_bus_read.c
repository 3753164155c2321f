/* How a bus is written on the command line, and reads by a connection of their own. */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/collectors.h"
#include "tests/fake/fake_slave.h"

#define PATIENT_MS 10000 /* For an answer that is sure to come, on a busy machine. */

static const struct good_row {
    const char *text;
    struct bus bus;
} good_rows[] = {
    {"tcp:192.0.2.10", {.kind = BUS_TCP, .host = "192.0.2.10", .port = 502}},
    {"tcp:192.0.2.10:1502", {.kind = BUS_TCP, .host = "192.0.2.10", .port = 1502}},
    {"tcp:gw.example.org:5", {.kind = BUS_TCP, .host = "gw.example.org", .port = 5}},
    {"tcp:[::1]", {.kind = BUS_TCP, .host = "::1", .port = 502}},
    {"tcp:[2001:db8::7]:1502", {.kind = BUS_TCP, .host = "2001:db8::7", .port = 1502}},
    {"tcp:2001:db8::7", {.kind = BUS_TCP, .host = "2001:db8::7", .port = 502}},
    {"rtu_over_tcp:192.0.2.10:4001",
     {.kind = BUS_RTU_OVER_TCP, .host = "192.0.2.10", .port = 4001}},
    {"rtu_over_tcp:[::1]:4001",
     {.kind = BUS_RTU_OVER_TCP, .host = "::1", .port = 4001}},
    {"rtu:/dev/ttyS1",
     {.kind = BUS_RTU,
      .path = "/dev/ttyS1",
      .baud = 9600,
      .data_bits = 8,
      .parity = 'N',
      .stop_bits = 1}},
    {"rtu:/dev/ttyUSB0,19200",
     {.kind = BUS_RTU,
      .path = "/dev/ttyUSB0",
      .baud = 19200,
      .data_bits = 8,
      .parity = 'N',
      .stop_bits = 1}},
    {"rtu:/dev/ttyUSB0,1200,7E2",
     {.kind = BUS_RTU,
      .path = "/dev/ttyUSB0",
      .baud = 1200,
      .data_bits = 7,
      .parity = 'E',
      .stop_bits = 2}},
};

START_TEST(good_texts_become_buses)
{
    const struct good_row *row = &good_rows[_i];
    struct arena *a = arena_new();
    struct bus b;
    struct err err = {0};

    ck_assert_msg(bus_parse(&b, a, row->text, &err) == 0, "%s", err.text);
    ck_assert_int_eq(b.kind, row->bus.kind);
    ck_assert_str_eq(b.id, row->text);
    if (b.kind != BUS_RTU) {
        ck_assert_str_eq(b.host, row->bus.host);
        ck_assert_uint_eq(b.port, row->bus.port);
    } else {
        ck_assert_str_eq(b.path, row->bus.path);
        ck_assert_int_eq(b.baud, row->bus.baud);
        ck_assert_int_eq(b.data_bits, row->bus.data_bits);
        ck_assert_int_eq(b.parity, row->bus.parity);
        ck_assert_int_eq(b.stop_bits, row->bus.stop_bits);
    }
    ck_assert_int_gt(b.timeout_ms, 0);
    arena_free(a);
}
END_TEST

static const char *const bad_rows[] = {
    "",
    "192.0.2.10",
    "udp:192.0.2.10",
    "tcp:",
    "tcp::502",
    "tcp:[]:502",
    "tcp:[::1",
    "tcp:[::1]502",
    "tcp:host:",
    "tcp:host:0",
    "tcp:host:65536",
    "tcp:host:-1",
    "tcp:host:5x",
    "tcp:host:99999999999999999999",
    "rtu_over_tcp:",
    "rtu_over_tcp:192.0.2.10",
    "rtu_over_tcp:[::1]",
    "rtu_over_tcp:host:0",
    "rtu:",
    "rtu:,9600,8N1",
    "rtu:/dev/ttyS1,",
    "rtu:/dev/ttyS1,99",
    "rtu:/dev/ttyS1,4000001",
    "rtu:/dev/ttyS1,9600,",
    "rtu:/dev/ttyS1,9600,8X1",
    "rtu:/dev/ttyS1,9600,8N3",
    "rtu:/dev/ttyS1,9600,8N1,x",
};

START_TEST(bad_texts_are_usage_errors)
{
    struct arena *a = arena_new();
    struct bus b;
    struct err err = {0};

    ck_assert_msg(bus_parse(&b, a, bad_rows[_i], &err) == ERR_USAGE, "%s",
                  bad_rows[_i]);
    ck_assert_int_gt((int)strlen(err.text), 0);
    arena_free(a);
}
END_TEST

START_TEST(a_single_read_needs_no_site)
{
    static const enum reg_table tables[] = {REG_COIL, REG_DISCRETE, REG_INPUT,
                                            REG_HOLDING};
    struct fake_slave *s = fake_slave_tcp();
    struct bus b = {.id = "x",
                    .kind = BUS_TCP,
                    .host = "127.0.0.1",
                    .port = fake_slave_port(s),
                    .timeout_ms = PATIENT_MS};
    struct read_answer out;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        bool bits = tables[i] == REG_COIL || tables[i] == REG_DISCRETE;
        struct read_request q = {
            .unit = 5, .table = tables[i], .address = 10, .count = 3};
        fake_slave_set(s, 5, tables[i], 12, 1);
        memset(&out, 0xFF, sizeof out);
        ck_assert_int_eq(bus_read_once(&b, &q, &out, &err), 0);
        ck_assert_uint_eq(bits ? out.bits[1] : out.words[1], 0);
        ck_assert_uint_eq(bits ? out.bits[2] : out.words[2], 1);
    }
    fake_slave_free(s);
}
END_TEST

START_TEST(a_single_read_says_what_went_wrong)
{
    struct fake_slave *s = fake_slave_tcp();
    struct bus b = {.id = "x",
                    .kind = BUS_TCP,
                    .host = "127.0.0.1",
                    .port = fake_slave_port(s),
                    .timeout_ms = 100,
                    .retries = 2};
    struct read_request q = {.unit = 5, .table = REG_HOLDING, .count = 1};
    struct read_answer out;
    struct err err;

    fake_slave_fault(s, 5, FAKE_SILENT, 0);
    ck_assert_int_eq(bus_read_once(&b, &q, &out, &err), ERR_TIMEOUT);
    while (fake_slave_requests(s, 5) < 3) { /* With its retries. */
        poll(NULL, 0, 1);
    }
    ck_assert_uint_eq(fake_slave_requests(s, 5), 3);
    fake_slave_fault(s, 5, FAKE_EXCEPTION, 4);
    b.timeout_ms = PATIENT_MS;
    ck_assert_int_eq(bus_read_once(&b, &q, &out, &err), ERR_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(err.text, "exception 4"));
    fake_slave_away(s);
    ck_assert_int_eq(bus_read_once(&b, &q, &out, &err), ERR_IO);
    q.count = 126;
    ck_assert_int_eq(bus_read_once(&b, &q, &out, &err), ERR_USAGE);
    q = (struct read_request){.table = REG_COIL, .address = 65535, .count = 2};
    ck_assert_int_eq(bus_read_once(&b, &q, &out, &err), ERR_USAGE);
    q = (struct read_request){.table = REG_NONE, .count = 1};
    ck_assert_int_eq(bus_read_once(&b, &q, &out, &err), ERR_USAGE);
    fake_slave_free(s);
}
END_TEST

START_TEST(a_host_that_does_not_exist_is_an_error)
{
    struct bus b = {.id = "x",
                    .kind = BUS_TCP,
                    .host = "no-such-host.invalid",
                    .port = 502,
                    .timeout_ms = 100};
    struct read_request q = {.unit = 5, .table = REG_HOLDING, .count = 1};
    struct read_answer out;
    struct err err;

    ck_assert_int_eq(bus_read_once(&b, &q, &out, &err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "no-such-host.invalid"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bus_read");
    TCase *tc = tcase_create("bus_read");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, good_texts_become_buses, 0, (int)ARRAY_LEN(good_rows));
    tcase_add_loop_test(tc, bad_texts_are_usage_errors, 0, (int)ARRAY_LEN(bad_rows));
    tcase_add_test(tc, a_single_read_needs_no_site);
    tcase_add_test(tc, a_single_read_says_what_went_wrong);
    tcase_add_test(tc, a_host_that_does_not_exist_is_an_error);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
