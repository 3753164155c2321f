#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collectors/wire_log.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/cli/ear.h"

#define WAIT_MS 200 /* So that a file is written soon, and --for holds. */

struct recorder {
    FILE *out;
    struct strbuf line;
    uint64_t records;
    uint64_t bytes;
};

static void
write_record(
    void *ctx, enum traffic_way way, int64_t t_us, const uint8_t *bytes, size_t size)
{
    struct recorder *r = ctx;
    strbuf_clear(&r->line);
    wire_log_add_record(&r->line, t_us, way, bytes, size);
    fputs(strbuf_text(&r->line), r->out);
    r->records++;
    r->bytes += size;
}

static void
write_head(struct recorder *r, const struct ear *e)
{
    struct wire_log_head head = {.framing = ear_framing(e)};
    snprintf(head.bus, sizeof head.bus, "%s", ear_bus_id(e));
    bus_describe(head.line, ear_bus(e));
    wire_log_add_head(&r->line, &head);
    fputs(strbuf_text(&r->line), r->out);
}

/* Until Ctrl-C, the end of `for_ms`, or an error. */
static int
record(struct recorder *r, struct ear *e, int64_t for_ms, struct err *err)
{
    int64_t end_us = for_ms > 0 ? ear_now_us(e) + for_ms * 1000 : INT64_MAX;
    int going = 1;
    write_head(r, e);
    while (going == 1 && fflush(r->out) == 0) {
        int64_t left_ms = (end_us - ear_now_us(e)) / 1000;
        if (left_ms <= 0) {
            break;
        }
        going = ear_hear(e, left_ms < WAIT_MS ? (int)left_ms + 1 : WAIT_MS,
                         write_record, r, err);
    }
    if (going >= 0 && (fflush(r->out) != 0 || ferror(r->out))) {
        return err_set(err, ERR_IO, "the record cannot be written: %s",
                       err_reason(errno));
    }
    return going < 0 ? going : 0;
}

/* A file that is there may be the only record of something. */
static FILE *
open_output(const char *path, struct err *err)
{
    if (path == NULL) {
        return stdout;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL) {
        err_set(err, ERR_IO, "%s: %s", path,
                errno == EEXIST ? tr("is there already; give a new name")
                                : err_reason(errno));
    }
    return out;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    const char *site = CLI_SITE_DEFAULT;
    const char *path = NULL;
    const char *for_text = NULL;
    bool quiet = false;
    int64_t for_ms = 0;
    struct err err = {0};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &site, "SITE",
         "whose bus, and whose daemon [" CLI_SITE_DEFAULT "]"},
        {"output", 'o', CLI_TEXT, &path, "FILE", "a new file [standard output]"},
        {"for", 0, CLI_TEXT, &for_text, "TIME", "end after this long [at Ctrl-C]"},
        {"quiet", 'q', CLI_FLAG, &quiet, NULL, "nothing on standard error"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count != 1) {
        return cli_usage_error(self, "give one line or bus");
    }
    if (for_text != NULL &&
        (duration_parse(&for_ms, for_text, &err) != 0 || for_ms == 0)) {
        return cli_usage_error(self, "--for: \"%s\" is no time; 10s, 5m, 1h", for_text);
    }
    struct ear *ear = NULL;
    struct recorder r = {0};
    int code = ear_open(&ear, site, args.items[0], &err);
    if (code == 0 && (r.out = open_output(path, &err)) == NULL) {
        code = err.code;
    }
    if (code == 0 && !quiet) {
        ear_announce(ear);
    }
    if (code == 0) {
        code = record(&r, ear, for_ms, &err);
    }
    if (code == 0 && !quiet) {
        fprintf(stderr,
                tr("%" PRIu64 " records, %" PRIu64 " bytes, %" PRIu64 " missed\n"),
                r.records, r.bytes, ear_dropped(ear));
    }
    if (path != NULL && r.out != NULL && fclose(r.out) != 0 && code == 0) {
        code = err_set(&err, ERR_IO, "%s: %s", path, err_reason(errno));
    }
    strbuf_fini(&r.line);
    ear_close(ear);
    return code != 0 ? cli_fail(&err) : CLI_OK;
}

const struct cli_command cli_record = {
    "record", "raw bytes of a line to a file, each with its time",
    "rtu:PATH[,BAUD,8N1]|BUS-ID [-o FILE] [--for TIME]",
    "Listens only; nothing is ever sent.  A bus that the running daemon of the site "
    "owns\n"
    "is heard through the daemon: lines by their path or id, TCP buses by their id.\n"
    "The file is text, one record a line: time, > sent, < received or ? unknown, hex.\n"
    "`caretaker sniff FILE` looks into it, `caretaker replay FILE` decodes it.\n",
    run};
