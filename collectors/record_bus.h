/* Which bus of a site recorded traffic belongs to, by where it was heard.  NONE_INDEX:
 * to none.  Pure. */
#ifndef CARETAKER_COLLECTORS_RECORD_BUS_H
#define CARETAKER_COLLECTORS_RECORD_BUS_H

#include "collectors/packet.h"
#include "daemon/model/site.h"

/* `line` as bus_describe() writes it: the serial line of the same path, whatever its
 * speed.  Endpoints are not looked for: they name their bus. */
uint32_t record_bus_of_line(const struct site *site, const char *line);
/* The endpoint of the same address and port; a host that is a name matches none. */
uint32_t record_bus_at(const struct site *site, const struct packet_end *e, bool ipv6);

#endif
