/* The yardstick: libmodbus alone, reading what the collectors read.
 *
 *   bench_libmodbus_loop [--spread] SECONDS REGISTERS PORT[/UNITS]...
 *
 * One connection per port of 127.0.0.1, units 1 to UNITS (default 1), holding registers
 * from 0, once a second: all at once, or with --spread evenly over the second.  Prints
 * the CPU time of this process per 1000 registers. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <modbus.h>

#include "daemon/base/clock.h"

static double
cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

struct port {
    modbus_t *ctx;
    int units;
};

static struct port
open_port(const char *text)
{
    const char *units = strchr(text, '/');
    struct port p = {.ctx = modbus_new_tcp("127.0.0.1", atoi(text)),
                     .units = units != NULL ? atoi(units + 1) : 1};

    if (p.ctx == NULL || modbus_connect(p.ctx) != 0) {
        fprintf(stderr, "port %s: %s\n", text, modbus_strerror(errno));
        exit(4);
    }
    return p;
}

/* Good answers of one port's units; the rest failed. */
static int
read_port(const struct port *p, int registers)
{
    uint16_t words[MODBUS_MAX_READ_REGISTERS];
    int good = 0;

    for (int unit = 1; unit <= p->units; unit++) {
        good += modbus_set_slave(p->ctx, unit) == 0 &&
                modbus_read_registers(p->ctx, 0, registers, words) == registers;
    }
    return good;
}

static void
sleep_until(int64_t due_ms)
{
    int64_t left_ms = due_ms - clock_mono_ms();

    if (left_ms > 0) {
        struct timespec t = {.tv_sec = left_ms / 1000,
                             .tv_nsec = left_ms % 1000 * 1000000};
        nanosleep(&t, NULL);
    }
}

int
main(int argc, char **argv)
{
    bool spread = argc > 1 && strcmp(argv[1], "--spread") == 0;
    argc -= spread;
    argv += spread;
    int seconds = argc > 1 ? atoi(argv[1]) : 0;
    int registers = argc > 2 ? atoi(argv[2]) : 0;
    int count = argc - 3;
    uint64_t good = 0;
    uint64_t asked = 0;

    if (seconds < 1 || registers < 1 || registers > MODBUS_MAX_READ_REGISTERS ||
        count < 1) {
        fprintf(stderr, "usage: bench_libmodbus_loop [--spread] SECONDS REGISTERS "
                        "PORT[/UNITS]...\n");
        return 2;
    }
    struct port *ports = calloc((size_t)count, sizeof *ports);
    if (ports == NULL) {
        return 4;
    }
    for (int i = 0; i < count; i++) {
        ports[i] = open_port(argv[3 + i]);
    }
    double from_us = cpu_us();
    int64_t due_ms = clock_mono_ms();
    for (int s = 0; s < seconds; s++) {
        for (int i = 0; i < count; i++) {
            if (spread) {
                sleep_until(due_ms + 1000 * i / count);
            }
            good += (uint64_t)read_port(&ports[i], registers);
            asked += (uint64_t)ports[i].units;
        }
        due_ms += 1000;
        sleep_until(due_ms);
    }
    double spent_us = cpu_us() - from_us;
    for (int i = 0; i < count; i++) {
        modbus_close(ports[i].ctx);
        modbus_free(ports[i].ctx);
    }
    free(ports);
    if (good == 0) {
        fprintf(stderr, "nobody answered\n");
        return 4;
    }
    uint64_t read = good * (uint64_t)registers;
    printf("bare libmodbus: %.1f us CPU per 1000 registers (%llu registers, %llu "
           "failed requests)\n",
           spent_us / ((double)read / 1000.0), (unsigned long long)read,
           (unsigned long long)(asked - good));
    return 0;
}
