/* TCP endpoints for libmodbus.  Only link.c uses this. */
#ifndef CARETAKER_COLLECTORS_MODBUS_TCP_H
#define CARETAKER_COLLECTORS_MODBUS_TCP_H

#include <modbus.h>

#include "daemon/base/err.h"
#include "daemon/model/site.h"

/* Connects within the bus's timeout for each address of the host; a name is looked up
 * first, for as long as the resolver takes. */
int tcp_open(modbus_t **out, const struct bus *bus, struct err *err);

#endif
