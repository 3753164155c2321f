/* The kernel's own struct termios2 instead of the C library's termios: it takes any
 * speed. */
#include "collectors/serial.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"

/* A receiver follows a speed that is off by so much (half a bit in a character of 11).
 */
#define SPEED_TOLERANCE_PERCENT 4

static int
lock_port(int fd, const char *path, struct err *err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return err_set(err, ERR_IO, "%s: %s", path,
                       errno == EWOULDBLOCK ? tr("in use by another program")
                                            : err_reason(errno));
    }
    /* Programs that know no flock() are kept out by this one.  Not fatal: the lock
     * above holds against ourselves. */
    (void)ioctl(fd, TIOCEXCL);
    return 0;
}

static void
set_frame(struct termios2 *t, const struct bus *bus)
{
    t->c_iflag = IGNBRK | (bus->parity == 'N' ? 0 : INPCK);
    t->c_oflag = 0;
    t->c_lflag = 0;
    t->c_cflag = CREAD | CLOCAL | BOTHER | (bus->data_bits == 7 ? CS7 : CS8);
    if (bus->parity != 'N') {
        t->c_cflag |= PARENB | (bus->parity == 'O' ? PARODD : 0);
    }
    if (bus->stop_bits == 2) {
        t->c_cflag |= CSTOPB;
    }
    t->c_ispeed = t->c_ospeed = (speed_t)bus->baud;
    t->c_cc[VMIN] = 1; /* So that 0 bytes read say that the port is gone. */
    t->c_cc[VTIME] = 0;
}

static int
set_port(int fd, const struct bus *bus, struct err *err)
{
    struct termios2 t;

    if (ioctl(fd, TCGETS2, &t) != 0) {
        return err_set(err, ERR_IO, "%s: not a serial port", bus->path);
    }
    set_frame(&t, bus);
    if (ioctl(fd, TCSETS2, &t) != 0 || ioctl(fd, TCGETS2, &t) != 0) {
        return err_set(err, ERR_IO, "%s: %s", bus->path, err_reason(errno));
    }
    /* The driver takes the nearest speed that it has. */
    int64_t off = (int64_t)t.c_ospeed - bus->baud;
    if ((off < 0 ? -off : off) * 100 > (int64_t)bus->baud * SPEED_TOLERANCE_PERCENT) {
        return err_set(err, ERR_IO, "%s: no speed of %d baud; the nearest is %u",
                       bus->path, bus->baud, t.c_ospeed);
    }
    return 0;
}

/* Received bytes are handed on at once instead of in batches, where the driver can. */
static void
set_low_latency(int fd)
{
    struct serial_struct s;

    if (ioctl(fd, TIOCGSERIAL, &s) == 0) {
        s.flags |= (int)ASYNC_LOW_LATENCY;
        (void)ioctl(fd, TIOCSSERIAL, &s);
    }
}

int
serial_open(int *out, const struct bus *bus, struct err *err)
{
    int fd = open(bus->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return err_set(err, ERR_IO, "%s: %s", bus->path,
                       errno == EBUSY ? tr("in use by another program")
                                      : err_reason(errno));
    }
    if (!isatty(fd)) {
        err_set(err, ERR_IO, "%s: not a serial port", bus->path);
        goto fail;
    }
    if (lock_port(fd, bus->path, err) != 0 || set_port(fd, bus, err) != 0) {
        goto fail;
    }
    set_low_latency(fd);
    *out = fd;
    return 0;
fail:
    close(fd);
    return ERR_IO;
}

void
serial_close(int fd)
{
    /* Else the kernel may wait half a minute for a line that takes nothing. */
    (void)ioctl(fd, TCFLSH, TCIOFLUSH);
    (void)ioctl(fd, TIOCNXCL);
    close(fd);
}

bool
serial_set_rs485(int fd)
{
    struct serial_rs485 conf;

    memset(&conf, 0, sizeof conf);
    if (ioctl(fd, TIOCGRS485, &conf) != 0) {
        return false;
    }
    /* Delays that the device tree has set stay. */
    conf.flags |= SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND;
    conf.flags &= ~(uint32_t)(SER_RS485_RTS_AFTER_SEND | SER_RS485_RX_DURING_TX);
    return ioctl(fd, TIOCSRS485, &conf) == 0;
}

void
serial_flush_input(int fd)
{
    (void)ioctl(fd, TCFLSH, TCIFLUSH);
}
