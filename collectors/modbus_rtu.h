/* Serial lines for libmodbus.  Only link.c uses this. */
#ifndef CARETAKER_COLLECTORS_MODBUS_RTU_H
#define CARETAKER_COLLECTORS_MODBUS_RTU_H

#include <modbus.h>

#include "daemon/base/err.h"
#include "daemon/model/site.h"

/* True for the speeds that libmodbus sets; it takes any other for 9600. */
bool rtu_baud_known(int baud);

/* Opens and locks the port; rtu_close() releases both. */
int rtu_open(modbus_t **out, int *lock, const struct bus *bus, struct err *err);
void rtu_close(modbus_t *ctx, int lock);
/* Asks the kernel to drive the transceiver; false when the port cannot. */
bool rtu_set_rs485(modbus_t *ctx);

#endif
