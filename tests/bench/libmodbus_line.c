/* The yardstick of a serial line: libmodbus alone, asking one unit after the other.
 *
 *   libmodbus_line PATH BAUD UNITS REGISTERS TIMEOUT_MS
 *
 * Reads the holding registers from 0 of units 1 to UNITS as fast as it can until its
 * standard input ends; prints how many requests were answered. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <modbus.h>

static int
told_to_end(void)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

int
main(int argc, char **argv)
{
    uint16_t words[MODBUS_MAX_READ_REGISTERS];
    unsigned long good = 0, failed = 0;

    if (argc != 6) {
        fprintf(stderr, "usage: libmodbus_line PATH BAUD UNITS REGISTERS TIMEOUT_MS\n");
        return 2;
    }
    int units = atoi(argv[3]), registers = atoi(argv[4]);
    uint32_t timeout_ms = (uint32_t)atoi(argv[5]);
    modbus_t *ctx = modbus_new_rtu(argv[1], atoi(argv[2]), 'N', 8, 1);
    if (ctx == NULL || registers < 1 || registers > MODBUS_MAX_READ_REGISTERS ||
        modbus_connect(ctx) != 0) {
        fprintf(stderr, "libmodbus_line: %s: %s\n", argv[1], modbus_strerror(errno));
        return 4;
    }
    modbus_set_response_timeout(ctx, timeout_ms / 1000, timeout_ms % 1000 * 1000);
    while (!told_to_end()) {
        for (int unit = 1; unit <= units; unit++) {
            if (modbus_set_slave(ctx, unit) == 0 &&
                modbus_read_registers(ctx, 0, registers, words) == registers) {
                good++;
            } else {
                failed++;
                modbus_flush(ctx);
            }
        }
    }
    modbus_close(ctx);
    modbus_free(ctx);
    printf("%lu good, %lu failed\n", good, failed);
    return 0;
}
