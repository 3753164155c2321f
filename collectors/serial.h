/* Serial ports: opened, locked and set; never waited for. */
#ifndef CARETAKER_COLLECTORS_SERIAL_H
#define CARETAKER_COLLECTORS_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/err.h"
#include "daemon/model/site.h"

/* Speeds that are asked for; the driver says which of them it has. */
#define SERIAL_BAUD_MIN 110
#define SERIAL_BAUD_MAX 4000000

/* Opens the port, non-blocking, and locks it against a second program; sets it raw with
 * the bus's speed and frame.  An error names the path. */
int serial_open(int *out, const struct bus *bus, struct err *err);
void serial_close(int fd); /* Does not wait for what is not sent. */

/* Asks the kernel to drive the transceiver; false when the port cannot. */
bool serial_set_rs485(int fd);
/* Drops what has been received and not read. */
void serial_flush_input(int fd);

#endif
