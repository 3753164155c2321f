/* A simulated unit by itself: signals, registers, faults, commands. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "collectors/simulator_answer.h"
#include "collectors/simulator_control.h"
#include "collectors/simulator_signal.h"
#include "collectors/simulator_unit.h"

#define SCALED(m, d)                                                                   \
    {                                                                                  \
        .mul = (m), .add = 0, .div = (d)                                               \
    }

static const struct signal_step resets[] = {{4000, 0}, {8000, 0}};
static const struct signal_step stairs[] = {{1000, 1.0}, {3000, 5.0}};

struct signal_row {
    const char *name;
    struct signal signal;
    int64_t t_ms;
    double want;
};

static const struct signal_row signal_rows[] = {
    {"a constant stays", {.kind = SIGNAL_CONSTANT, .value = 55}, 123456, 55},
    {"a sine starts in its middle",
     {.kind = SIGNAL_SINE, .value = 10, .amplitude = 2, .period_ms = 4000},
     0,
     10},
    {"a sine is highest after a quarter",
     {.kind = SIGNAL_SINE, .value = 10, .amplitude = 2, .period_ms = 4000},
     1000,
     12},
    {"a sine is lowest after three quarters, in later turns too",
     {.kind = SIGNAL_SINE, .value = 10, .amplitude = 2, .period_ms = 4000},
     4003000,
     8},
    {"a sine without a period is its middle",
     {.kind = SIGNAL_SINE, .value = 10, .amplitude = 2},
     1000,
     10},
    {"a ramp rises",
     {.kind = SIGNAL_RAMP, .value = 20, .per_second = 0.5, .min = NAN, .max = NAN},
     60000,
     50},
    {"a ramp stops at its maximum",
     {.kind = SIGNAL_RAMP, .value = 20, .per_second = 0.5, .min = NAN, .max = 45},
     60000,
     45},
    {"a ramp stops at its minimum",
     {.kind = SIGNAL_RAMP, .value = 20, .per_second = -1, .min = 5, .max = NAN},
     60000,
     5},
    {"steps have their first value before it",
     {.kind = SIGNAL_STEPS, .steps = stairs, .step_count = 2},
     0,
     1},
    {"a step is taken at its time",
     {.kind = SIGNAL_STEPS, .steps = stairs, .step_count = 2},
     3000,
     5},
    {"between steps the old value stands",
     {.kind = SIGNAL_STEPS, .steps = stairs, .step_count = 2},
     2999,
     1},
    {"between steps with interpolation there is a line",
     {.kind = SIGNAL_STEPS, .steps = stairs, .step_count = 2, .interpolate = true},
     1500,
     2},
    {"the last step stays with interpolation too",
     {.kind = SIGNAL_STEPS, .steps = stairs, .step_count = 2, .interpolate = true},
     99000,
     5},
    {"no steps at all are the value", {.kind = SIGNAL_STEPS, .value = 3}, 5000, 3},
    {"a counter goes on until it is reset",
     {.kind = SIGNAL_COUNTER,
      .value = 100,
      .per_second = 2,
      .steps = resets,
      .step_count = 2},
     3999,
     107.998},
    {"a reset begins at 0",
     {.kind = SIGNAL_COUNTER,
      .value = 100,
      .per_second = 2,
      .steps = resets,
      .step_count = 2},
     4000,
     0},
    {"and counts from there",
     {.kind = SIGNAL_COUNTER,
      .value = 100,
      .per_second = 2,
      .steps = resets,
      .step_count = 2},
     5500,
     3},
    {"until the next",
     {.kind = SIGNAL_COUNTER,
      .value = 100,
      .per_second = 2,
      .steps = resets,
      .step_count = 2},
     9250,
     2.5},
    {"a counter counts",
     {.kind = SIGNAL_COUNTER, .value = 100, .per_second = 2},
     1500,
     103},
};

START_TEST(signals)
{
    const struct signal_row *row = &signal_rows[_i];
    double got = signal_value(&row->signal, row->t_ms);

    ck_assert_msg(fabs(got - row->want) < 1e-9, "%s: %g", row->name, got);
}
END_TEST

static struct sim_register registers[] = {
    {"pressure",
     {.table = REG_INPUT, .address = 10, .type = TYPE_U16, .scaling = SCALED(1, 1000)},
     {.kind = SIGNAL_CONSTANT, .value = 0.35}},
    {"energy",
     {.table = REG_INPUT, .address = 14, .type = TYPE_U32, .scaling = SCALED(1, 1)},
     {.kind = SIGNAL_CONSTANT, .value = 0x12345678}},
    {"swapped",
     {.table = REG_HOLDING,
      .address = 0,
      .type = TYPE_U32,
      .order = ORDER_CDAB,
      .scaling = SCALED(1, 1)},
     {.kind = SIGNAL_CONSTANT, .value = 0x12345678}},
    {"overload",
     {.table = REG_HOLDING,
      .address = 4,
      .type = TYPE_BITS,
      .bit_low = 3,
      .bit_high = 3,
      .scaling = SCALED(1, 1)},
     {.kind = SIGNAL_CONSTANT, .value = 1}},
    {"word",
     {.table = REG_HOLDING, .address = 4, .type = TYPE_U16, .scaling = SCALED(1, 1)},
     {.kind = SIGNAL_CONSTANT, .value = 0x0101}},
    {"running",
     {.table = REG_DISCRETE, .address = 2, .type = TYPE_BOOL, .scaling = SCALED(1, 1)},
     {.kind = SIGNAL_CONSTANT, .value = 1}},
    {"rolls",
     {.table = REG_COIL, .address = 0, .type = TYPE_BOOL, .scaling = SCALED(1, 1)},
     {.kind = SIGNAL_CONSTANT, .value = 0}},
};

static const struct sim_fault windows[] = {
    {.kind = SIM_FAULT_SILENT, .from_ms = 1000, .to_ms = 2000},
    {.kind = SIM_FAULT_EXCEPTION, .from_ms = 1500, .to_ms = INT64_MAX, .code = 4},
};

static const struct sim_unit pump = {.id = "pump-1",
                                     .unit = 3,
                                     .registers = registers,
                                     .register_count = ARRAY_LEN(registers),
                                     .faults = windows,
                                     .fault_count = ARRAY_LEN(windows)};

struct read_row {
    const char *name;
    uint8_t function;
    uint16_t address, count;
    uint8_t exception;
    uint16_t want[8];
};

static const struct read_row read_rows[] = {
    {"one scaled register", 4, 10, 1, 0, {350}},
    {"a block across a hole", 4, 10, 6, 0, {350, 0, 0, 0, 0x1234, 0x5678}},
    {"the hole alone", 4, 11, 3, 0, {0, 0, 0}},
    {"half of a wide value", 4, 15, 1, 0, {0x5678}},
    {"below the first register", 4, 9, 2, 2, {0}},
    {"behind the last register", 4, 15, 2, 2, {0}},
    {"words in the register's order", 3, 0, 2, 0, {0x5678, 0x1234}},
    {"a bit beside the other bits of its word", 3, 4, 1, 0, {0x0109}},
    {"a discrete input", 2, 2, 1, 0, {1}},
    {"a coil", 1, 0, 1, 0, {0}},
    {"a coil where only a discrete input is", 1, 2, 1, 2, {0}},
    {"a function that does not read", 6, 10, 1, 1, {0}},
};

START_TEST(reads)
{
    const struct read_row *row = &read_rows[_i];
    struct simulator_unit *u;
    uint16_t got[SLAVE_READ_BITS_MAX] = {0};
    uint8_t code;

    ck_assert_int_eq(simulator_unit_new(&u, &pump, NULL), 0);
    code = simulator_unit_read(u, row->function, row->address, row->count, 0, got);
    ck_assert_msg(code == row->exception, "%s: exception %u", row->name, code);
    if (code == 0) {
        ck_assert_msg(memcmp(got, row->want, row->count * sizeof *got) == 0,
                      "%s: %04x %04x", row->name, got[0], got[1]);
    }
    simulator_unit_free(u);
}
END_TEST

START_TEST(noise_stays_within_its_bounds_and_repeats_from_run_to_run)
{
    struct sim_register r = {
        "noisy",
        {.table = REG_INPUT, .type = TYPE_S16, .scaling = SCALED(1, 1)},
        {.kind = SIGNAL_CONSTANT, .value = 0, .noise = 1000}};
    struct sim_unit spec = {.unit = 1, .registers = &r, .register_count = 1};
    struct simulator_unit *a, *b;
    int low = 0, high = 0;

    ck_assert_int_eq(simulator_unit_new(&a, &spec, NULL), 0);
    ck_assert_int_eq(simulator_unit_new(&b, &spec, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        uint16_t x, y;

        ck_assert_uint_eq(simulator_unit_read(a, 4, 0, 1, i, &x), 0);
        ck_assert_uint_eq(simulator_unit_read(b, 4, 0, 1, i * 7, &y), 0);
        ck_assert_uint_eq(x, y);
        low = (int16_t)x < low ? (int16_t)x : low;
        high = (int16_t)x > high ? (int16_t)x : high;
    }
    ck_assert_int_ge(low, -1000);
    ck_assert_int_lt(low, -900);
    ck_assert_int_le(high, 1000);
    ck_assert_int_gt(high, 900);
    simulator_unit_free(a);
    simulator_unit_free(b);
}
END_TEST

START_TEST(a_counter_rolls_over_with_its_registers)
{
    struct sim_register r = {
        "energy",
        {.table = REG_INPUT, .type = TYPE_U16, .scaling = SCALED(1, 10)},
        {.kind = SIGNAL_COUNTER, .value = 6553.0, .per_second = 1}};
    struct sim_unit spec = {.unit = 1, .registers = &r, .register_count = 1};
    struct simulator_unit *u;
    uint16_t got;

    ck_assert_int_eq(simulator_unit_new(&u, &spec, NULL), 0);
    ck_assert_uint_eq(simulator_unit_read(u, 4, 0, 1, 500, &got), 0);
    ck_assert_uint_eq(got, 65535);
    ck_assert_uint_eq(simulator_unit_read(u, 4, 0, 1, 1000, &got), 0);
    ck_assert_uint_eq(got, 4);
    simulator_unit_free(u);
}
END_TEST

/* The request is unit 3, input 10, transaction 0x0102; in health the value is 350. */
static const struct slave_request request = {0x0102, 3, 4, 10, 1, 0};

/* What decides about the request: a sim_fault_kind, or -1. */
static int
decided(struct simulator_unit *u, int64_t t_ms)
{
    struct simulator_strike s;

    simulator_unit_strike(u, &request, t_ms, &s);
    return s.decides == NULL ? -1 : (int)s.decides->kind;
}

struct window_row {
    int64_t t_ms;
    int want;
};

static const struct window_row window_rows[] = {
    {999, -1},
    {1000, SIM_FAULT_SILENT},
    {1500, SIM_FAULT_EXCEPTION},
    {999999999, SIM_FAULT_EXCEPTION},
};

START_TEST(a_fault_has_its_window_and_the_last_listed_decides)
{
    const struct window_row *row = &window_rows[_i];
    struct simulator_unit *u;

    ck_assert_int_eq(simulator_unit_new(&u, &pump, NULL), 0);
    ck_assert_int_eq(decided(u, row->t_ms), row->want);
    simulator_unit_free(u);
}
END_TEST

START_TEST(clearing_ends_faults_in_force_but_not_later_windows)
{
    struct simulator_unit *u;

    ck_assert_int_eq(simulator_unit_new(&u, &pump, NULL), 0);
    simulator_unit_clear_faults(u, 1200);
    ck_assert_int_eq(decided(u, 1300), -1);
    ck_assert_int_eq(decided(u, 1600), SIM_FAULT_EXCEPTION);
    simulator_unit_free(u);
}
END_TEST

struct fault_row {
    const char *name;
    struct sim_fault fault;
    enum slave_framing framing;
    int kind;
    int64_t delay_ms;
    size_t size;
    uint8_t bytes[11];
};

static const struct fault_row fault_rows[] = {
    {"silent", {.kind = SIM_FAULT_SILENT}, SLAVE_TCP, ANSWER_NONE, 0, 0, {0}},
    {"drop", {.kind = SIM_FAULT_DROP}, SLAVE_TCP, ANSWER_HANG_UP, 0, 0, {0}},
    {"slow",
     {.kind = SIM_FAULT_SLOW, .delay_ms = 700},
     SLAVE_TCP,
     ANSWER_SEND,
     700,
     11,
     {1, 2, 0, 0, 0, 5, 3, 4, 2, 0x01, 0x5E}},
    {"bad_crc by TCP is a foreign transaction",
     {.kind = SIM_FAULT_BAD_CRC},
     SLAVE_TCP,
     ANSWER_SEND,
     0,
     11,
     {1, 0xFD, 0, 0, 0, 5, 3, 4, 2, 0x01, 0x5E}},
    {"wrong_unit",
     {.kind = SIM_FAULT_WRONG_UNIT},
     SLAVE_TCP,
     ANSWER_SEND,
     0,
     11,
     {1, 2, 0, 0, 0, 5, 4, 4, 2, 0x01, 0x5E}},
    {"truncated",
     {.kind = SIM_FAULT_TRUNCATED},
     SLAVE_TCP,
     ANSWER_SEND,
     0,
     5,
     {1, 2, 0, 0, 0}},
    {"exception",
     {.kind = SIM_FAULT_EXCEPTION, .code = 6},
     SLAVE_TCP,
     ANSWER_SEND,
     0,
     9,
     {1, 2, 0, 0, 0, 3, 3, 0x84, 6}},
};

START_TEST(faults_change_the_answer)
{
    const struct fault_row *row = &fault_rows[_i];
    struct simulator_answer got;
    struct simulator_unit *u;

    ck_assert_int_eq(simulator_unit_new(&u, &pump, NULL), 0);
    simulator_unit_set_fault(u, &row->fault);
    simulator_answer(&got, u, row->framing, &request, 0);
    ck_assert_msg((int)got.kind == row->kind, "%s", row->name);
    if (got.kind == ANSWER_SEND) {
        ck_assert_int_eq(got.delay_ms, row->delay_ms);
        ck_assert_uint_eq(got.size, row->size);
        ck_assert_msg(memcmp(got.adu, row->bytes, row->size) == 0, "%s", row->name);
    }
    simulator_unit_free(u);
}
END_TEST

START_TEST(nobody_answers_for_an_unknown_unit_on_a_line)
{
    const struct slave_request q = {0, 9, 4, 10, 1, 0};
    struct simulator_answer got;

    simulator_answer(&got, NULL, SLAVE_RTU, &q, 0);
    ck_assert_int_eq((int)got.kind, ANSWER_NONE);
    simulator_answer(&got, NULL, SLAVE_TCP, &q, 0);
    ck_assert_int_eq((int)got.kind, ANSWER_SEND);
    ck_assert_uint_eq(got.size, 9);
    ck_assert_uint_eq(got.adu[7], 0x84);
    ck_assert_uint_eq(got.adu[8], SLAVE_GATEWAY_TARGET);
}
END_TEST

struct command_row {
    const char *line;
    const char *want; /* The answer, or its beginning where it ends in "...". */
};

/* In one run, in this order. */
static const struct command_row command_rows[] = {
    {"get pump-1 pressure", "ok 0.35"},
    {"set pump-1 pressure 0.9", "ok"},
    {"get 3 pressure", "ok 0.9"},
    {"free pump-1 pressure", "ok"},
    {"get pump-1 pressure", "ok 0.35"},
    {"set pump-1 running false", "ok"},
    {"get pump-1 running", "ok 0"},
    {"set pump-1 running maybe", "error: 'maybe' is no value..."},
    {"set pump-1 pressure nan", "error: 'nan' is no value..."},
    {"set pump-1 pressure", "error: usage: set UNIT REGISTER VALUE"},
    {"set pump-1 pressure 1 2", "error: usage: set UNIT REGISTER VALUE"},
    {"set pump-9 pressure 1", "error: no unit 'pump-9'"},
    {"set pump-1 flow 1", "error: no register 'flow'"},
    {"get 7 x", "error: several ports have a unit 7..."},
    {"get pump-7 level", "ok 1"},
    {"fault pump-1 slow 300ms", "ok"},
    {"fault pump-1 slow", "ok"}, /* For as long as in a file. */
    {"fault pump-1 slow delay 300ms times 2", "ok"},
    {"fault pump-1 slow times 2 delay 300ms", "ok"},
    {"fault pump-1 slow delay 2h", "error: '2h' is no delay; 1ms to 1h is"},
    {"fault pump-1 late delay", "error: ..."},
    {"fault pump-1 silent delay 3s",
     "error: silent takes no argument 'delay'; every, chance, times are accepted"},
    {"fault pump-1 exception code 6 every 3", "ok"},
    {"fault pump-1 silent every 0", "error: '0' is no number for every; a..."},
    {"fault pump-1 silent every 1 chance 20%", "error: every or chance; not both"},
    {"fault pump-1 silent chance 20 %", "ok"},
    {"fault pump-1 silent chance 0%", "error: '0%' is no chance..."},
    {"fault pump-1 refuse", "error: refuse needs what is refused..."},
    {"fault pump-1 refuse code 4", "error: refuse needs what is refused..."},
    {"fault pump-1 refuse holding function 4",
     "error: refuse needs what is refused..."},
    {"fault pump-1 refuse registers holding 10..20 code 4", "ok"},
    {"fault pump-1 refuse holding 10..20", "ok"},
    {"fault pump-1 refuse holding", "ok"},
    {"fault pump-1 refuse function 4", "ok"},
    {"fault pump-1 refuse drawer 3", "error: \"drawer 3\" is no range..."},
    {"fault pump-1 garbage place between bytes 5", "ok"},
    {"fault pump-1 garbage place under", "error: place any, before..."},
    {"fault pump-1 garbage bytes 33", "error: '33' is no number of bytes..."},
    {"fault pump-1 bad_crc bytes 3", "error: bad_crc takes no argument 'bytes'..."},
    {"fault pump-1 slow soon", "error: ..."},
    {"fault pump-1 silent 3", "error: silent takes no argument..."},
    {"fault pump-1 exception 0", "error: '0' is no exception code..."},
    {"fault pump-1 exception 0x04", "ok"},
    {"fault pump-1 smoke", "error: no fault 'smoke'..."},
    {"clear pump-1", "ok"},
    {"clear", "error: usage: clear UNIT"},
    {"stats", "ok requests=0 answers=0 violations=2 silent=0 slow=0 ..."},
    {"stats pump-1", "ok requests=0 answers=0 violations=0 ..."},
    {"stats by unit",
     "port=dir/line unit=3 id=pump-1 requests=0 answers=0 violations=0 ..."},
    {"stats pump-7 by port", "port=127.0.0.1:15020 requests=0 ..."},
    {"stats *@15021 by port json",
     "{\"port\":\"127.0.0.1:15021\",\"requests\":0,\"answers\":0,\"violations\":2,"
     "\"faults\":{\"silent\":0,..."},
    {"stats 7@15020 by unit json",
     "{\"port\":\"127.0.0.1:15020\",\"unit\":7,\"id\":\"pump-7\",\"requests\":0,..."},
    {"stats json", "{\"requests\":0,\"answers\":0,\"violations\":2,..."},
    {"stats pump-9", "error: no unit 'pump-9'"},
    {"stats *@line-9", "error: no unit '*' on port line-9"},
    {"stats by night", "error: by port and by unit are accepted"},
    {"stats json by port", "error: 'by' is not understood..."},
    {"reboot", "error: no such command..."},
    {"", "error: no such command..."},
};

START_TEST(commands)
{
    static struct sim_register level = {
        "level",
        {.table = REG_INPUT, .type = TYPE_U16, .scaling = SCALED(1, 1)},
        {.kind = SIGNAL_CONSTANT, .value = 1}};
    static const struct sim_unit a = {
        .id = "pump-7", .unit = 7, .registers = &level, .register_count = 1};
    static const struct sim_unit b = {.unit = 7};
    const struct sim_unit *specs[] = {&pump, &a, &b};
    static const struct control_port ports[] = {
        {.name = "dir/line"},
        {.name = "127.0.0.1:15020"},
        {.name = "127.0.0.1:15021", .nobody = {.violations = 2}}};
    struct control_unit units[ARRAY_LEN(specs)];
    const struct control_target target = {
        units, ARRAY_LEN(specs), ports, ARRAY_LEN(ports), NULL, NULL};

    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        ck_assert_int_eq(simulator_unit_new(&units[i].unit, specs[i], NULL), 0);
        units[i].port = &ports[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(command_rows); i++) {
        const struct command_row *row = &command_rows[i];
        const char *dots = strstr(row->want, "...");
        size_t length =
            dots != NULL ? (size_t)(dots - row->want) : strlen(row->want) + 1;
        char line[CONTROL_LINE_BYTES];
        struct strbuf answer = {0};

        strcpy(line, row->line);
        simulator_command(&answer, &target, line, 0);
        ck_assert_msg(strncmp(answer.text, row->want, length) == 0, "%s: %s", row->line,
                      answer.text);
        strbuf_fini(&answer);
    }
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        simulator_unit_free(units[i].unit);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("simulator_unit");
    TCase *tc = tcase_create("simulator_unit");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, signals, 0, (int)ARRAY_LEN(signal_rows));
    tcase_add_loop_test(tc, reads, 0, (int)ARRAY_LEN(read_rows));
    tcase_add_test(tc, noise_stays_within_its_bounds_and_repeats_from_run_to_run);
    tcase_add_test(tc, a_counter_rolls_over_with_its_registers);
    tcase_add_loop_test(tc, a_fault_has_its_window_and_the_last_listed_decides, 0,
                        (int)ARRAY_LEN(window_rows));
    tcase_add_test(tc, clearing_ends_faults_in_force_but_not_later_windows);
    tcase_add_loop_test(tc, faults_change_the_answer, 0, (int)ARRAY_LEN(fault_rows));
    tcase_add_test(tc, nobody_answers_for_an_unknown_unit_on_a_line);
    tcase_add_test(tc, commands);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
