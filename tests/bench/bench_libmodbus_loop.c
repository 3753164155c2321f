/* The yardstick: libmodbus alone, reading what the collectors read.
 *
 *   bench_libmodbus_loop SECONDS REGISTERS PORT...
 *
 * One connection per port of 127.0.0.1, unit 1, holding registers from 0, once a
 * second; prints the CPU time of this process per 1000 registers. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

static modbus_t *
open_port(const char *port)
{
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", atoi(port));

    if (ctx == NULL || modbus_set_slave(ctx, 1) != 0 || modbus_connect(ctx) != 0) {
        fprintf(stderr, "port %s: %s\n", port, modbus_strerror(errno));
        exit(4);
    }
    return ctx;
}

int
main(int argc, char **argv)
{
    uint16_t words[MODBUS_MAX_READ_REGISTERS];
    int seconds = argc > 1 ? atoi(argv[1]) : 0;
    int registers = argc > 2 ? atoi(argv[2]) : 0;
    int count = argc - 3;
    uint64_t good = 0;
    uint64_t bad = 0;

    if (seconds < 1 || registers < 1 || registers > MODBUS_MAX_READ_REGISTERS ||
        count < 1) {
        fprintf(stderr, "usage: bench_libmodbus_loop SECONDS REGISTERS PORT...\n");
        return 2;
    }
    modbus_t **ctx = calloc((size_t)count, sizeof *ctx);
    if (ctx == NULL) {
        return 4;
    }
    for (int i = 0; i < count; i++) {
        ctx[i] = open_port(argv[3 + i]);
    }
    double from_us = cpu_us();
    int64_t due_ms = clock_mono_ms();
    for (int s = 0; s < seconds; s++) {
        for (int i = 0; i < count; i++) {
            if (modbus_read_registers(ctx[i], 0, registers, words) == registers) {
                good += (uint64_t)registers;
            } else {
                bad++;
            }
        }
        due_ms += 1000;
        int64_t left_ms = due_ms - clock_mono_ms();
        if (left_ms > 0) {
            struct timespec t = {.tv_sec = left_ms / 1000,
                                 .tv_nsec = left_ms % 1000 * 1000000};
            nanosleep(&t, NULL);
        }
    }
    double spent_us = cpu_us() - from_us;
    for (int i = 0; i < count; i++) {
        modbus_close(ctx[i]);
        modbus_free(ctx[i]);
    }
    free(ctx);
    if (good == 0) {
        fprintf(stderr, "nobody answered\n");
        return 4;
    }
    printf("bare libmodbus: %.1f us CPU per 1000 registers (%llu registers, %llu "
           "failed requests)\n",
           spent_us / ((double)good / 1000.0), (unsigned long long)good,
           (unsigned long long)bad);
    return 0;
}
