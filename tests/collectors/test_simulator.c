/* The simulator as its masters meet it: a child process, read through the real
 * libmodbus over TCP and over a pty. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <modbus.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collectors/simulator.h"
#include "daemon/base/clock.h"

#define DEADLINE_MS 20000 /* Long past anything that works; only a hang meets it. */

static struct sim_register registers[] = {
    {"level",
     {.table = REG_HOLDING, .address = 100, .type = TYPE_U16, .scaling = {1, 0, 1}},
     {.kind = SIGNAL_CONSTANT, .value = 1234}},
    {"power",
     {.table = REG_INPUT, .address = 0, .type = TYPE_F32, .scaling = {1, 0, 1}},
     {.kind = SIGNAL_CONSTANT, .value = 230.5}},
    {"door",
     {.table = REG_DISCRETE, .address = 3, .type = TYPE_BOOL, .scaling = {1, 0, 1}},
     {.kind = SIGNAL_CONSTANT, .value = 1}},
    {"lamp",
     {.table = REG_COIL, .address = 3, .type = TYPE_BOOL, .scaling = {1, 0, 1}},
     {.kind = SIGNAL_CONSTANT, .value = 0}},
};

struct fixture {
    char dir[64];
    char link[96];
    char control[96];
    struct sim_unit units[2];
    struct sim_port ports[2];
    struct sim sim;
    pid_t child;
    FILE *out; /* What the child prints. */
    int port;
};

static struct fixture f;

/* The child's next line; a hang is caught by the deadline of poll(). */
static void
read_line(char *line, size_t size)
{
    struct pollfd wait = {.fd = fileno(f.out), .events = POLLIN};

    ck_assert_int_eq(poll(&wait, 1, DEADLINE_MS), 1);
    ck_assert_ptr_nonnull(fgets(line, (int)size, f.out));
}

static void
describe(int baud)
{
    static const uint8_t numbers[] = {7, 8};

    strcpy(f.dir, "/tmp/caretaker-sim-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f.dir));
    snprintf(f.link, sizeof f.link, "%s/line", f.dir);
    snprintf(f.control, sizeof f.control, "%s/control", f.dir);
    for (size_t i = 0; i < ARRAY_LEN(f.units); i++) {
        f.units[i] = (struct sim_unit){.id = i == 0 ? "seven" : "eight",
                                       .unit = numbers[i],
                                       .registers = registers,
                                       .register_count = ARRAY_LEN(registers)};
    }
    f.ports[0] =
        (struct sim_port){.kind = BUS_TCP, .units = &f.units[0], .unit_count = 1};
    f.ports[1] = (struct sim_port){.kind = BUS_RTU,
                                   .link = f.link,
                                   .baud = baud,
                                   .units = &f.units[1],
                                   .unit_count = 1};
    f.sim = (struct sim){.control = f.control, .ports = f.ports, .port_count = 2};
}

static void
start(int baud)
{
    int pipe_fds[2];
    char line[256];

    describe(baud);
    ck_assert_int_eq(pipe(pipe_fds), 0);
    f.child = fork();
    ck_assert_int_ge(f.child, 0);
    if (f.child == 0) {
        struct err err = {0};

        prctl(PR_SET_PDEATHSIG, SIGKILL); /* A failed test leaves nothing behind. */
        FILE *out = fdopen(pipe_fds[1], "w");
        int status = simulator_run(&f.sim, out, &err);

        fputs(err.text, stderr);
        fclose(out);
        _exit(status == 0 ? 0 : 1);
    }
    close(pipe_fds[1]);
    f.out = fdopen(pipe_fds[0], "r");
    setvbuf(f.out, NULL, _IONBF, 0); /* So that poll() sees what is left to read. */
    read_line(line, sizeof line);
    ck_assert_int_eq(sscanf(line, "tcp 127.0.0.1:%d", &f.port), 1);
    read_line(line, sizeof line);
    ck_assert_int_eq(strncmp(line, "pty /tmp/", 9), 0);
    ck_assert_ptr_nonnull(strstr(line, " -> /dev/pts/"));
    read_line(line, sizeof line);
    ck_assert_str_eq(line, "ready\n");
}

static void
setup(void)
{
    start(0);
}

static void
stop(int sig)
{
    struct stat st;
    int status;

    ck_assert_int_eq(kill(f.child, sig), 0);
    ck_assert_int_eq(waitpid(f.child, &status, 0), f.child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    ck_assert_int_ne(lstat(f.link, &st), 0);
    ck_assert_int_ne(lstat(f.control, &st), 0);
    fclose(f.out);
    ck_assert_int_eq(rmdir(f.dir), 0);
}

static void
teardown(void)
{
    stop(SIGTERM);
}

static int
control_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, f.control);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends a line and reads the one that answers it. */
static void
command(const char *line, const char *want)
{
    char answer[600];
    int fd = control_connect();
    FILE *stream = fdopen(fd, "r+");

    ck_assert_int_eq(send(fd, line, strlen(line), MSG_NOSIGNAL), (ssize_t)strlen(line));
    ck_assert_ptr_nonnull(fgets(answer, sizeof answer, stream));
    ck_assert_msg(strncmp(answer, want, strlen(want)) == 0, "%s: %s", line, answer);
    fclose(stream);
}

enum road { ROAD_TCP, ROAD_LINE, ROAD_COUNT };

/* A real libmodbus master of unit 7 by TCP or unit 8 by the pty. */
static modbus_t *
master(int road)
{
    modbus_t *m;

    if (road == ROAD_TCP) {
        m = modbus_new_tcp("127.0.0.1", f.port);
    } else {
        m = modbus_new_rtu(f.link, 9600, 'N', 8, 1);
    }
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(modbus_set_slave(m, road == ROAD_TCP ? 7 : 8), 0);
    ck_assert_int_eq(modbus_set_response_timeout(m, DEADLINE_MS / 1000, 0), 0);
    ck_assert_int_eq(modbus_connect(m), 0);
    return m;
}

static void
release(modbus_t *m)
{
    modbus_close(m);
    modbus_free(m);
}

START_TEST(libmodbus_reads_all_four_tables)
{
    modbus_t *m = master(_i);
    uint16_t words[4];
    uint8_t bits[4];

    for (int round = 0; round < 20; round++) {
        ck_assert_int_eq(modbus_read_registers(m, 100, 1, words), 1);
        ck_assert_uint_eq(words[0], 1234);
        ck_assert_int_eq(modbus_read_input_registers(m, 0, 2, words), 2);
        ck_assert(modbus_get_float_abcd(words) == 230.5f);
        ck_assert_int_eq(modbus_read_input_bits(m, 3, 1, bits), 1);
        ck_assert_uint_eq(bits[0], 1);
        ck_assert_int_eq(modbus_read_bits(m, 3, 1, bits), 1);
        ck_assert_uint_eq(bits[0], 0);
    }
    release(m);
}
END_TEST

START_TEST(an_address_outside_is_refused)
{
    modbus_t *m = master(_i);
    uint16_t words[4];

    ck_assert_int_eq(modbus_read_registers(m, 101, 1, words), -1);
    ck_assert_int_eq(errno, EMBXILADD);
    ck_assert_int_eq(modbus_read_registers(m, 99, 2, words), -1);
    ck_assert_int_eq(errno, EMBXILADD);
    release(m);
}
END_TEST

START_TEST(a_write_is_refused_and_changes_nothing)
{
    modbus_t *m = master(_i);
    uint16_t words[2] = {1, 2};
    uint8_t bits[2] = {1, 1};

    ck_assert_int_eq(modbus_write_register(m, 100, 1), -1);
    ck_assert_int_eq(errno, EMBXILFUN);
    ck_assert_int_eq(modbus_write_registers(m, 100, 2, words), -1);
    ck_assert_int_eq(errno, EMBXILFUN);
    ck_assert_int_eq(modbus_write_bit(m, 3, 1), -1);
    ck_assert_int_eq(errno, EMBXILFUN);
    ck_assert_int_eq(modbus_write_bits(m, 3, 2, bits), -1);
    ck_assert_int_eq(errno, EMBXILFUN);
    ck_assert_int_eq(modbus_mask_write_register(m, 100, 0, 1), -1);
    ck_assert_int_eq(errno, EMBXILFUN);
    ck_assert_int_eq(modbus_write_and_read_registers(m, 100, 1, words, 100, 1, words),
                     -1);
    ck_assert_int_eq(errno, EMBXILFUN);
    ck_assert_int_eq(modbus_read_registers(m, 100, 1, words), 1);
    ck_assert_uint_eq(words[0], 1234);
    release(m);
}
END_TEST

START_TEST(a_value_set_by_hand_is_read)
{
    modbus_t *m = master(_i);
    const char *unit = _i == ROAD_TCP ? "seven" : "eight";
    uint16_t word;
    char line[64];

    snprintf(line, sizeof line, "set %s level 42\n", unit);
    command(line, "ok\n");
    ck_assert_int_eq(modbus_read_registers(m, 100, 1, &word), 1);
    ck_assert_uint_eq(word, 42);
    snprintf(line, sizeof line, "free %s level\n", unit);
    command(line, "ok\n");
    ck_assert_int_eq(modbus_read_registers(m, 100, 1, &word), 1);
    ck_assert_uint_eq(word, 1234);
    release(m);
}
END_TEST

START_TEST(a_silent_unit_answers_nothing_until_it_is_cleared)
{
    modbus_t *m = master(_i);
    const char *unit = _i == ROAD_TCP ? "seven" : "eight";
    uint16_t word;
    char line[64];

    snprintf(line, sizeof line, "fault %s silent\n", unit);
    command(line, "ok\n");
    ck_assert_int_eq(modbus_set_response_timeout(m, 0, 50000), 0);
    ck_assert_int_eq(modbus_read_registers(m, 100, 1, &word), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    snprintf(line, sizeof line, "clear %s\n", unit);
    command(line, "ok\n");
    ck_assert_int_eq(modbus_set_response_timeout(m, DEADLINE_MS / 1000, 0), 0);
    ck_assert_int_eq(modbus_read_registers(m, 100, 1, &word), 1);
    release(m);
}
END_TEST

struct live_fault {
    const char *name;
    int road;
    int want_errno;
};

static const struct live_fault live_faults[] = {
    {"exception 4", ROAD_TCP, EMBXSFAIL},   {"exception 11", ROAD_LINE, EMBXGTAR},
    {"bad_crc", ROAD_LINE, EMBBADCRC},      {"bad_crc", ROAD_TCP, EMBBADDATA},
    {"wrong_unit", ROAD_LINE, EMBBADSLAVE}, {"truncated", ROAD_LINE, ETIMEDOUT},
    {"truncated", ROAD_TCP, ETIMEDOUT},     {"drop", ROAD_TCP, ECONNRESET},
};

START_TEST(libmodbus_sees_the_fault)
{
    const struct live_fault *row = &live_faults[_i];
    modbus_t *m = master(row->road);
    uint16_t word;
    char line[64];

    snprintf(line, sizeof line, "fault %s %s\n",
             row->road == ROAD_TCP ? "seven" : "eight", row->name);
    command(line, "ok\n");
    ck_assert_int_eq(modbus_set_byte_timeout(m, 0, 50000), 0);
    ck_assert_int_eq(modbus_read_registers(m, 100, 1, &word), -1);
    ck_assert_msg(errno == row->want_errno, "%s: %s", row->name,
                  modbus_strerror(errno));
    release(m);
}
END_TEST

/* Exactly `size` bytes from a socket that does not block. */
static void
receive(int fd, uint8_t *out, size_t size)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    for (size_t got = 0; got < size;) {
        ssize_t n;

        ck_assert_int_eq(poll(&wait, 1, DEADLINE_MS), 1);
        n = recv(fd, out + got, size - got, 0);
        ck_assert_int_gt(n, 0);
        got += (size_t)n;
    }
}

START_TEST(a_slow_unit_holds_up_nobody_else)
{
    modbus_t *slow = master(ROAD_TCP), *other = master(ROAD_LINE);
    static const uint8_t request[] = {0, 1, 0, 0, 0, 6, 7, 3, 0, 100, 0, 1};
    uint8_t answer[11];
    uint16_t word;
    int64_t asked, answered;

    command("fault seven slow 300ms\n", "ok\n");
    asked = clock_mono_ms();
    ck_assert_int_eq(send(modbus_get_socket(slow), request, sizeof request, 0), 12);
    ck_assert_int_eq(modbus_read_registers(other, 100, 1, &word), 1);
    command("get seven level\n", "ok 1234\n");
    receive(modbus_get_socket(slow), answer, 11);
    answered = clock_mono_ms();
    ck_assert_int_ge(answered - asked, 300);
    release(slow);
    release(other);
}
END_TEST

START_TEST(an_unknown_unit_is_silence_on_a_line_and_a_gateway_error_by_tcp)
{
    modbus_t *tcp = master(ROAD_TCP), *line = master(ROAD_LINE);
    uint16_t word;

    ck_assert_int_eq(modbus_set_slave(tcp, 99), 0);
    ck_assert_int_eq(modbus_read_registers(tcp, 100, 1, &word), -1);
    ck_assert_int_eq(errno, EMBXGTAR);
    ck_assert_int_eq(modbus_set_slave(line, 99), 0);
    ck_assert_int_eq(modbus_set_response_timeout(line, 0, 50000), 0);
    ck_assert_int_eq(modbus_read_registers(line, 100, 1, &word), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    release(tcp);
    release(line);
}
END_TEST

START_TEST(a_request_in_pieces_and_two_in_one_are_served)
{
    static const uint8_t two[] = {0, 1, 0, 0, 0, 6, 7, 3, 0, 100, 0, 1,
                                  0, 2, 0, 0, 0, 6, 7, 3, 0, 100, 0, 1};
    uint8_t answer[22];
    modbus_t *m = master(ROAD_TCP);
    int fd = modbus_get_socket(m);

    for (size_t i = 0; i < 12; i++) {
        ck_assert_int_eq(send(fd, two + i, 1, 0), 1);
    }
    receive(fd, answer, 11);
    ck_assert_uint_eq(answer[1], 1);
    ck_assert_int_eq(send(fd, two, sizeof two, 0), (ssize_t)sizeof two);
    receive(fd, answer, 22);
    ck_assert_uint_eq(answer[12], 2);
    release(m);
}
END_TEST

START_TEST(a_stream_that_is_not_modbus_is_closed)
{
    modbus_t *m = master(ROAD_TCP);
    struct pollfd wait = {.fd = modbus_get_socket(m), .events = POLLIN};
    uint8_t byte;

    ck_assert_int_eq(send(modbus_get_socket(m), "GET / HTTP/1.1\r\n", 16, 0), 16);
    ck_assert_int_eq(poll(&wait, 1, DEADLINE_MS), 1);
    ck_assert_int_le(recv(wait.fd, &byte, 1, 0), 0);
    release(m);
}
END_TEST

START_TEST(the_line_recovers_from_garbage_and_from_another_master)
{
    modbus_t *m = master(ROAD_LINE);
    uint16_t word;

    ck_assert_int_eq(write(modbus_get_socket(m), "\xFF\x00\x03", 3), 3);
    ck_assert_int_eq(modbus_read_registers(m, 100, 1, &word), 1);
    release(m); /* The far side hangs up; the line stays. */
    m = master(ROAD_LINE);
    ck_assert_int_eq(modbus_read_registers(m, 100, 1, &word), 1);
    release(m);
}
END_TEST

START_TEST(a_paced_line_takes_its_time)
{
    modbus_t *m;
    uint16_t words[2];
    int64_t before;

    start(2400);
    m = master(ROAD_LINE);
    before = clock_mono_ms();
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(modbus_read_input_registers(m, 0, 2, words), 2);
    }
    /* 8 characters there, 3.5 of silence, 9 back, 10 bits each at 2400 baud: 85 ms a
     * read. */
    ck_assert_int_ge(clock_mono_ms() - before, 5 * 85);
    release(m);
    stop(SIGINT);
}
END_TEST

START_TEST(a_line_too_long_is_refused)
{
    int fd = control_connect();
    char line[400], answer[64] = "";

    memset(line, 'x', sizeof line);
    ck_assert_int_eq(send(fd, line, sizeof line, MSG_NOSIGNAL), (ssize_t)sizeof line);
    ck_assert_int_gt(recv(fd, answer, sizeof answer - 1, 0), 0);
    ck_assert_int_eq(strncmp(answer, "error: a line has at most 255 bytes\n", 36), 0);
    ck_assert_int_le(recv(fd, answer, sizeof answer, 0), 0);
    close(fd);
}
END_TEST

START_TEST(a_file_in_the_place_of_the_link_is_left_alone)
{
    struct err err = {0};
    struct stat st;
    FILE *sink = fopen("/dev/null", "w");

    describe(0);
    close(open(f.link, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_ne(simulator_run(&f.sim, sink, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "not a symbolic link"));
    ck_assert_int_eq(lstat(f.link, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_int_eq(unlink(f.link), 0);
    ck_assert_int_eq(rmdir(f.dir), 0);
    fclose(sink);
}
END_TEST

START_TEST(a_port_in_use_is_an_error_with_its_name)
{
    struct err err = {0};
    struct sim_port again = f.ports[0];
    struct sim sim = {.ports = &again, .port_count = 1};
    FILE *sink = fopen("/dev/null", "w");
    char name[32];

    again.port = (uint16_t)f.port;
    snprintf(name, sizeof name, "127.0.0.1:%d: ", f.port);
    ck_assert_int_eq(simulator_run(&sim, sink, &err), ERR_IO);
    ck_assert_int_eq(strncmp(err.text, name, strlen(name)), 0);
    fclose(sink);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("simulator");
    TCase *live = tcase_create("live"), *own = tcase_create("own");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(live, setup, teardown);
    tcase_set_timeout(live, 60);
    tcase_set_timeout(own, 60);
    tcase_add_loop_test(live, libmodbus_reads_all_four_tables, 0, ROAD_COUNT);
    tcase_add_loop_test(live, an_address_outside_is_refused, 0, ROAD_COUNT);
    tcase_add_loop_test(live, a_write_is_refused_and_changes_nothing, 0, ROAD_COUNT);
    tcase_add_loop_test(live, a_value_set_by_hand_is_read, 0, ROAD_COUNT);
    tcase_add_loop_test(live, a_silent_unit_answers_nothing_until_it_is_cleared, 0,
                        ROAD_COUNT);
    tcase_add_loop_test(live, libmodbus_sees_the_fault, 0, (int)ARRAY_LEN(live_faults));
    tcase_add_test(live, a_slow_unit_holds_up_nobody_else);
    tcase_add_test(live,
                   an_unknown_unit_is_silence_on_a_line_and_a_gateway_error_by_tcp);
    tcase_add_test(live, a_request_in_pieces_and_two_in_one_are_served);
    tcase_add_test(live, a_stream_that_is_not_modbus_is_closed);
    tcase_add_test(live, the_line_recovers_from_garbage_and_from_another_master);
    tcase_add_test(live, a_line_too_long_is_refused);
    tcase_add_test(live, a_port_in_use_is_an_error_with_its_name);
    tcase_add_test(own, a_paced_line_takes_its_time);
    tcase_add_test(own, a_file_in_the_place_of_the_link_is_left_alone);
    suite_add_tcase(suite, live);
    suite_add_tcase(suite, own);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
