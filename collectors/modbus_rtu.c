/* Serial lines for libmodbus. */
#include "collectors/modbus_rtu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool
rtu_baud_known(int baud)
{
    static const int known[] = {110,     300,     600,     1200,    2400,    4800,
                                9600,    19200,   38400,   57600,   115200,  230400,
                                460800,  500000,  576000,  921600,  1000000, 1152000,
                                1500000, 2000000, 2500000, 3000000, 3500000, 4000000};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i] == baud) {
            return true;
        }
    }
    return false;
}

/* A lock of our own, taken before libmodbus touches the line's settings: a second
 * program must not disturb the first. */
static int
lock_port(int *lock, const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return err_set(err, ERR_IO, "%s: %s", path,
                       errno == EBUSY ? "in use by another program" : strerror(errno));
    }
    if (!isatty(fd)) {
        close(fd);
        return err_set(err, ERR_IO, "%s: not a serial port", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;
        close(fd);
        return err_set(err, ERR_IO, "%s: %s", path,
                       why == EWOULDBLOCK ? "in use by another program"
                                          : strerror(why));
    }
    *lock = fd;
    return 0;
}

int
rtu_open(modbus_t **out, int *lock, const struct bus *bus, struct err *err)
{
    modbus_t *ctx = NULL;
    int fd = -1;

    if (!rtu_baud_known(bus->baud)) {
        return err_set(err, ERR_IO, "%s: no speed of %d baud", bus->path, bus->baud);
    }
    if (lock_port(&fd, bus->path, err) != 0) {
        return ERR_IO;
    }
    ctx = modbus_new_rtu(bus->path, bus->baud, bus->parity, bus->data_bits,
                         bus->stop_bits);
    if (ctx == NULL) {
        err_set(err, ERR_IO, "%s: %s", bus->path, modbus_strerror(errno));
        goto fail;
    }
    if (modbus_connect(ctx) != 0) {
        err_set(err, ERR_IO, "%s: %s", bus->path, modbus_strerror(errno));
        goto fail;
    }
    /* Programs that know no flock() are kept out by this one.  Not fatal: the lock
     * above holds against ourselves. */
    (void)ioctl(modbus_get_socket(ctx), TIOCEXCL);
    *out = ctx;
    *lock = fd;
    return 0;
fail:
    modbus_free(ctx);
    close(fd);
    return ERR_IO;
}

void
rtu_close(modbus_t *ctx, int lock)
{
    (void)ioctl(modbus_get_socket(ctx), TIOCNXCL);
    modbus_close(ctx);
    modbus_free(ctx);
    close(lock);
}

bool
rtu_set_rs485(modbus_t *ctx)
{
    struct serial_rs485 conf;
    int fd = modbus_get_socket(ctx);

    memset(&conf, 0, sizeof conf);
    if (ioctl(fd, TIOCGRS485, &conf) != 0) {
        return false;
    }
    /* Delays that the device tree has set stay. */
    conf.flags |= SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND;
    conf.flags &= ~(uint32_t)(SER_RS485_RTS_AFTER_SEND | SER_RS485_RX_DURING_TX);
    return ioctl(fd, TIOCSRS485, &conf) == 0;
}
