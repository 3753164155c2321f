/* Where `sniff` and `record` hear a line: a serial port of their own, which they never
 * send on, or the tap of the daemon that owns the bus. */
#ifndef CARETAKER_CLI_EAR_H
#define CARETAKER_CLI_EAR_H

#include "collectors/traffic.h"
#include "daemon/cli/cli.h"

struct ear;

/* `text` is "rtu:PATH[,BAUD,8N1]" or the id of a bus.  Ctrl-C and SIGTERM end
 * ear_hear() from now on instead of the program. */
int
ear_open(struct ear **out, const char *site_file, const char *text, struct err *err);
void ear_close(struct ear *e); /* NULL is accepted. */

const struct bus *ear_bus(const struct ear *e); /* As it is set. */
const char *ear_bus_id(const struct ear *e);    /* "" for a port of our own. */
bool ear_is_daemon(const struct ear *e);
enum traffic_framing ear_framing(const struct ear *e);
uint64_t ear_dropped(const struct ear *e); /* Records that came faster than we took. */

/* UTC microseconds; never goes back while it is open. */
/* Tells a person on standard error that it listens, and where. */
void ear_announce(const struct ear *e);
int64_t ear_now_us(const struct ear *e);

typedef void (*ear_fn)(
    void *ctx, enum traffic_way way, int64_t t_us, const uint8_t *bytes, size_t size);
/* Tells of what comes until `timeout_ms` have passed or something came.  1: go on, 0:
 * somebody wants an end, else an error. */
int ear_hear(struct ear *e, int timeout_ms, ear_fn tell, void *ctx, struct err *err);

#endif
