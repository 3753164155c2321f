#include "collectors/wire_log.h"

#include <ctype.h>
#include <string.h>

#include "daemon/base/instant.h"

#define MAGIC          "# caretaker-record "
#define TIME_TEXT_SIZE 27 /* "2026-03-01T10:14:30.123456Z" */

char *
wire_log_time(char *out, int64_t t_us)
{
    char ms[INSTANT_TEXT_BYTES];
    int64_t t_ms = t_us / 1000 - (t_us % 1000 < 0);

    instant_format_utc(ms, t_ms);
    snprintf(out, WIRE_LOG_TIME_BYTES, "%.23s%03dZ", ms, (int)(t_us - t_ms * 1000));
    return out;
}

void
wire_log_add_head(struct strbuf *b, const struct wire_log_head *h)
{
    strbuf_printf(b, MAGIC "%d framing=%s bus=%s line=%s\n", WIRE_LOG_VERSION,
                  h->framing == TRAFFIC_TCP ? "tcp" : "rtu",
                  h->bus[0] != '\0' ? h->bus : "-", h->line);
}

void
wire_log_add_record(struct strbuf *b,
                    int64_t t_us,
                    enum traffic_way way,
                    const uint8_t *bytes,
                    size_t size)
{
    static const char marks[] = {
        [TRAFFIC_UNKNOWN] = '?', [TRAFFIC_SENT] = '>', [TRAFFIC_RECEIVED] = '<'};
    char time[WIRE_LOG_TIME_BYTES];

    while (size > 0) {
        size_t part = size < WIRE_LOG_BYTES_MAX ? size : WIRE_LOG_BYTES_MAX;

        strbuf_printf(b, "%s %c ", wire_log_time(time, t_us), marks[way]);
        for (size_t i = 0; i < part; i++) {
            strbuf_printf(b, "%02X", bytes[i]);
        }
        strbuf_add_char(b, '\n');
        bytes += part;
        size -= part;
    }
}

bool
wire_log_magic(const char *bytes, size_t size)
{
    return size >= sizeof MAGIC - 1 && memcmp(bytes, MAGIC, sizeof MAGIC - 1) == 0;
}

/* Copies the word behind `key` up to a blank, or all of the rest. */
static bool
take_key(char *out, size_t size, const char **at, const char *key, bool rest)
{
    size_t skip = strlen(key), n;

    if (strncmp(*at, key, skip) != 0) {
        return false;
    }
    n = rest ? strlen(*at + skip) : strcspn(*at + skip, " ");
    if (n == 0 || n >= size) {
        return false;
    }
    memcpy(out, *at + skip, n);
    out[n] = '\0';
    *at += skip + n;
    return true;
}

int
wire_log_parse_head(struct wire_log_head *out, const char *line, struct err *err)
{
    struct wire_log_head h;
    char version[16], framing[16];
    const char *at = line;

    if (!take_key(version, sizeof version, &at, MAGIC, false)) {
        return err_set(err, ERR_CONFIG, "no record; one begins with '%s%d'", MAGIC,
                       WIRE_LOG_VERSION);
    }
    if (strcmp(version, "1") != 0) {
        return err_set(err, ERR_CONFIG, "version %s of the format; version %d is read",
                       version, WIRE_LOG_VERSION);
    }
    if (!take_key(framing, sizeof framing, &at, " framing=", false) ||
        !take_key(h.bus, sizeof h.bus, &at, " bus=", false) ||
        !take_key(h.line, sizeof h.line, &at, " line=", true)) {
        return err_set(err, ERR_CONFIG,
                       "the first line is incomplete; framing=, bus= and line= follow "
                       "the version");
    }
    if (strcmp(framing, "tcp") != 0 && strcmp(framing, "rtu") != 0) {
        return err_set(err, ERR_CONFIG, "framing=%s; rtu and tcp are read", framing);
    }
    h.framing = framing[0] == 't' ? TRAFFIC_TCP : TRAFFIC_RTU;
    if (strcmp(h.bus, "-") == 0) {
        h.bus[0] = '\0';
    }
    *out = h;
    return 0;
}

/* The milliseconds by our own reader, and three more digits. */
static int
parse_time(int64_t *out_us, const char *line, size_t size, struct err *err)
{
    char ms[TIME_TEXT_SIZE + 1];
    int64_t t_ms;
    int us = 0;
    bool good = size == TIME_TEXT_SIZE && line[19] == '.' && line[26] == 'Z';

    for (size_t i = 20; good && i < 26; i++) {
        good = isdigit((unsigned char)line[i]) != 0;
    }
    if (good) {
        snprintf(ms, sizeof ms, "%.23sZ", line);
        us = (line[23] - '0') * 100 + (line[24] - '0') * 10 + (line[25] - '0');
        good = instant_parse(&t_ms, ms, NULL) == 0;
    }
    if (!good) {
        return err_set(err, ERR_CONFIG,
                       "'%.*s' is no time; 2026-03-01T10:14:30.123456Z is",
                       size > 40 ? 40 : (int)size, line);
    }
    *out_us = t_ms * 1000 + us;
    return 0;
}

static int
digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

int
wire_log_parse_record(struct wire_log_record *out,
                      const char *line,
                      uint32_t *column,
                      struct err *err)
{
    size_t time_size = strcspn(line, " ");
    const char *mark = line + time_size + (line[time_size] == ' ');
    const char *hex, *at;

    *column = 1;
    out->size = 0;
    if (parse_time(&out->t_us, line, time_size, err) != 0) {
        return err->code;
    }
    *column = (uint32_t)(mark - line) + 1;
    if ((*mark != '>' && *mark != '<' && *mark != '?') || mark[1] != ' ') {
        return err_set(err, ERR_CONFIG,
                       "no direction; '>' (sent), '<' (received) or '?' follows the "
                       "time");
    }
    out->way = *mark == '>'   ? TRAFFIC_SENT
               : *mark == '<' ? TRAFFIC_RECEIVED
                              : TRAFFIC_UNKNOWN;
    hex = mark + 2;
    for (at = hex; *at != '\0'; at += 2) {
        *column = (uint32_t)(at - line) + 1;
        if (digit(at[0]) < 0 || digit(at[1]) < 0) {
            return err_set(err, ERR_CONFIG, "no byte; two hex digits each are");
        }
        if (out->size == WIRE_LOG_BYTES_MAX) {
            return err_set(err, ERR_CONFIG, "more than %d bytes", WIRE_LOG_BYTES_MAX);
        }
        out->bytes[out->size++] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
    }
    if (out->size == 0) {
        return err_set(err, ERR_CONFIG, "no bytes; hex digits follow the direction");
    }
    return 0;
}
