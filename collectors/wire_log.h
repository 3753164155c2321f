/* Raw bytes of a line with their times, as text: what `caretaker record` writes.
 *
 *   # caretaker-record 1 framing=rtu bus=pump-room line=rtu:/dev/ttyS1,9600,8E1
 *   2026-03-01T10:14:30.123456Z > 0103000000024BC5
 *   2026-03-01T10:14:30.141200Z < 010304000100024A32
 *
 * The first line names the version of the format, the framing (`rtu` or `tcp`), the bus
 * of the site (`-` without one) and the line with its settings, up to its end.  Then
 * each line holds an instant of UTC with microseconds, when the last of the bytes had
 * come; `>` for what the master sent, `<` for what it received, `?` where nobody knows;
 * and up to WIRE_LOG_BYTES_MAX bytes in hex: a frame, or a part of one as the port
 * handed it over. Empty lines and lines that begin with `#` are left out. */
#ifndef CARETAKER_COLLECTORS_WIRE_LOG_H
#define CARETAKER_COLLECTORS_WIRE_LOG_H

#include <stddef.h>
#include <stdio.h>

#include "collectors/traffic.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

#define WIRE_LOG_VERSION   1
#define WIRE_LOG_BYTES_MAX 260 /* The longest frame there is. */

struct wire_log_head {
    enum traffic_framing framing;
    char bus[ID_BYTES_MAX]; /* "" without one. */
    char line[BUS_TEXT_BYTES];
};

struct wire_log_record {
    int64_t t_us;
    enum traffic_way way;
    uint16_t size;
    uint8_t bytes[WIRE_LOG_BYTES_MAX];
};

/* "2026-03-01T10:14:30.123456Z" into `out`; returns `out`. */
#define WIRE_LOG_TIME_BYTES 40
char *wire_log_time(char *out, int64_t t_us);

/* Both append a line. */
void wire_log_add_head(struct strbuf *b, const struct wire_log_head *h);
void wire_log_add_record(struct strbuf *b,
                         int64_t t_us,
                         enum traffic_way way,
                         const uint8_t *bytes,
                         size_t size);

/* True when the file begins like one. */
bool wire_log_magic(const char *bytes, size_t size);

/* Of a line without its end.  `*column` (from 1) is where it is wrong. */
int wire_log_parse_head(struct wire_log_head *out, const char *line, struct err *err);
int wire_log_parse_record(struct wire_log_record *out,
                          const char *line,
                          uint32_t *column,
                          struct err *err);

#endif
