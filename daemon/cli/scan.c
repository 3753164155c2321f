#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/scan_line.h"
#include "collectors/serial.h"
#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/cli/scan_site.h"
#include "daemon/cli/stop.h"

#define BAUDS_MAX          16
#define TIMEOUT_LINE_MS    150 /* Most slaves answer within 50 ms. */
#define TIMEOUT_NETWORK_MS 500 /* A gateway may have to wait for its own line. */
#define SHOW_EVERY_MS      200

struct arguments {
    const char *site, *units_text, *baud_text, *parity_text, *timeout_text, *write;
    bool all, json, quiet;
    struct cli_list words;
    struct bus bus;
    uint8_t units[SCAN_UNITS_MAX];
    uint32_t unit_count;
    int bauds[BAUDS_MAX];
    uint32_t baud_count;
    char parities[3];
    uint32_t parity_count;
    int64_t timeout_ms;
};

struct progress {
    const struct arguments *arguments;
    const struct scan *scan;
    const struct bus *bus;
    uint32_t setting, settings;
    int stop;                   /* See stop_open(). */
    bool shows;                 /* Somebody looks. */
    int64_t began_ms, shown_ms; /* Monotonic; of this setting. */
};

/* ---- what is asked for ---- */

static int
parse_units(const struct cli_command *self, struct arguments *a)
{
    const char *at = a->units_text;
    int lowest = a->bus.kind == BUS_TCP ? 0 : 1; /* On a line 0 is a broadcast. */
    int highest = a->bus.kind == BUS_TCP ? 255 : 247;
    if (at == NULL) {
        for (int unit = lowest; unit <= highest; unit++) {
            a->units[a->unit_count++] = (uint8_t)unit;
        }
        return CLI_OK;
    }
    bool seen[SCAN_UNITS_MAX] = {0};
    do {
        char *end = NULL;
        long first = strtol(at, &end, 10);
        long last = first;
        bool good = end != at;
        if (good && *end == '-') {
            at = end + 1;
            last = strtol(at, &end, 10);
            good = end != at;
        }
        if (!good || (*end != ',' && *end != '\0') || first < lowest || last > 255 ||
            last < first) {
            return cli_usage_error(self,
                                   "--units: \"%s\"; 1-32,40 is one, from %d to %d",
                                   a->units_text, lowest, highest);
        }
        for (long unit = first; unit <= last; unit++) {
            if (!seen[unit]) {
                seen[unit] = true;
                a->units[a->unit_count++] = (uint8_t)unit;
            }
        }
        at = *end == ',' ? end + 1 : NULL;
    } while (at != NULL);
    return CLI_OK;
}

static int
parse_bauds(const struct cli_command *self, struct arguments *a)
{
    /* In order of how often they are met. */
    static const int usual[] = {9600, 19200, 4800, 38400, 115200, 57600, 2400};
    const char *at = a->baud_text;
    if (at == NULL && strchr(a->words.items[0], ',') != NULL) {
        a->bauds[a->baud_count++] = a->bus.baud;
        return CLI_OK;
    }
    for (size_t i = 0; at == NULL && i < ARRAY_LEN(usual); i++) {
        a->bauds[a->baud_count++] = usual[i];
    }
    while (at != NULL) {
        char *end = NULL;
        long baud = strtol(at, &end, 10);
        if (end == at || (*end != ',' && *end != '\0') || baud < SERIAL_BAUD_MIN ||
            baud > SERIAL_BAUD_MAX || a->baud_count == BAUDS_MAX) {
            return cli_usage_error(self, "--baud: \"%s\"; 9600,19200 is one",
                                   a->baud_text);
        }
        a->bauds[a->baud_count++] = (int)baud;
        at = *end == ',' ? end + 1 : NULL;
    }
    return CLI_OK;
}

static int
parse_parities(const struct cli_command *self, struct arguments *a)
{
    static const struct {
        const char *name;
        char letter;
    } names[] = {{"none", 'N'}, {"even", 'E'}, {"odd", 'O'}};
    const char *at = a->parity_text;
    if (at == NULL && strchr(a->words.items[0], ',') != NULL) {
        a->parities[a->parity_count++] = a->bus.parity;
        return CLI_OK;
    }
    at = at != NULL ? at : "none,even";
    while (at != NULL) {
        size_t size = strcspn(at, ",");
        char found = 0;
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            if (strlen(names[i].name) == size &&
                strncmp(at, names[i].name, size) == 0) {
                found = names[i].letter;
            }
        }
        if (found == 0 || a->parity_count == sizeof a->parities) {
            return cli_usage_error(
                self, "--parity: \"%s\"; none, even, odd, or several", a->parity_text);
        }
        a->parities[a->parity_count++] = found;
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    return CLI_OK;
}

static int
parse_all(const struct cli_command *self, struct arguments *a)
{
    struct err err;
    if (a->timeout_text != NULL &&
        (duration_parse(&a->timeout_ms, a->timeout_text, &err) != 0 ||
         a->timeout_ms < 1 || a->timeout_ms > 60000)) {
        return cli_usage_error(self, "--timeout: \"%s\"; 1ms to 60s", a->timeout_text);
    }
    if (a->timeout_ms == 0) {
        a->timeout_ms = a->bus.kind == BUS_RTU ? TIMEOUT_LINE_MS : TIMEOUT_NETWORK_MS;
    }
    if (a->bus.kind != BUS_RTU && (a->baud_text != NULL || a->parity_text != NULL)) {
        return cli_usage_error(self, "--baud and --parity are of serial lines (rtu:)");
    }
    int status = parse_units(self, a);
    if (status == CLI_OK && a->bus.kind == BUS_RTU) {
        status = parse_bauds(self, a);
        if (status == CLI_OK) {
            status = parse_parities(self, a);
        }
    }
    if (status == CLI_OK && a->write != NULL && access(a->write, F_OK) == 0) {
        fprintf(stderr, tr("caretaker: %s: is there already; give a new name\n"),
                a->write);
        return CLI_OUTSIDE;
    }
    return status;
}

/* ---- progress ---- */

static void
show_progress(void *ctx)
{
    struct progress *p = ctx;
    int64_t now = clock_mono_ms();
    if (!p->shows || now - p->shown_ms < SHOW_EVERY_MS) {
        return;
    }
    p->shown_ms = now;
    uint32_t done = 0;
    uint32_t total = 0;
    uint32_t found = 0;
    scan_progress(p->scan, &done, &total);
    (void)scan_found(p->scan, &found);
    double rate = (double)done * 1000 / (double)(now - p->began_ms + 1);
    double left = rate > 0 ? (double)(total - done) / rate : 0;
    int width = 24;
    int full = total > 0 ? (int)((uint64_t)width * done / total) : 0;
    char line[BUS_TEXT_BYTES];
    bus_describe(line, p->bus);
    fprintf(stderr, tr("\r[%.*s%.*s] %s (%u of %u), %u found, %.0f/s, %.0f s left  "),
            full, "########################", width - full, "........................",
            line, p->setting, p->settings, found, rate, left);
}

static void
end_progress(const struct progress *p)
{
    if (p->shows) {
        fprintf(stderr, "\r%100s\r", "");
    }
}

/* ---- asking ---- */

/* A read of the daemon's, as the wire would have said it.  An error: the daemon cannot
 * ask. */
static int
ask_owner(const struct cli_owner *o,
          const struct read_request *q,
          struct read_answer *answer,
          struct wire_result *res,
          struct err *err)
{
    int64_t began_us = clock_mono_us();
    *res = (struct wire_result){.fault = WIRE_OK};
    int code = cli_owner_read(o, q, answer, err);
    switch (code) {
    case 0:
        break;
    case ERR_TIMEOUT:
        res->fault = WIRE_TIMEOUT;
        break;
    case ERR_PROTOCOL: {
        const char *said = strstr(err->text, "exception ");
        res->fault = said != NULL ? WIRE_EXCEPTION : WIRE_CRC;
        res->exception =
            said != NULL ? (uint8_t)strtoul(said + strlen("exception "), NULL, 10) : 0;
        break;
    }
    default:
        return code;
    }
    res->took_us = clock_mono_us() - began_us;
    return 0;
}

/* As scan_line(). */
static int
scan_owner(struct scan *s,
           const struct cli_owner *o,
           struct progress *p,
           struct err *err)
{
    struct read_answer *answer = calloc(1, sizeof *answer);
    struct read_request q;
    bool patient = false;
    int code = 0;
    if (answer == NULL) {
        return err_set(err, ERR_NOMEM, "scan");
    }
    while (code == 0 && scan_next(s, &q, &patient)) {
        struct wire_result res;
        code = ask_owner(o, &q, answer, &res, err);
        if (code == 0) {
            scan_answer(s, &res, answer);
            show_progress(p);
        }
        if (code == 0 && stop_asked(p->stop)) {
            scan_stop(s);
            code = 1;
        }
    }
    free(answer);
    return code;
}

/* One line setting; what answered is added to `r`.  1: somebody wants an end. */
static int
scan_setting(const struct arguments *a,
             const struct bus *bus,
             const struct cli_owner *owner,
             bool input_first,
             struct progress *p,
             struct scan_results *r,
             struct err *err)
{
    struct scan *s = scan_new(a->units, a->unit_count, input_first, r->profiles);
    if (s == NULL) {
        return err_set(err, ERR_NOMEM, "scan");
    }
    p->scan = s;
    p->bus = bus;
    p->began_ms = p->shown_ms = clock_mono_ms();
    int code = owner != NULL ? scan_owner(s, owner, p, err)
                             : scan_line(s, bus, p->stop, show_progress, p, err);
    end_progress(p);
    uint32_t count = 0;
    const struct scan_found *found = scan_found(s, &count);
    if (code >= 0 && count > 0) {
        struct scan_result *at = &r->items[r->count++];
        at->bus = *bus;
        at->count = count;
        at->all_answer = scan_all_answer(s);
        memcpy(at->found, found, count * sizeof *found);
    } else if (code == 0 && scan_damaged(s) > 0 && !a->quiet) {
        char line[BUS_TEXT_BYTES];
        fprintf(stderr,
                tr("%s: %u answers could not be read; another speed or parity?\n"),
                bus_describe(line, bus), scan_damaged(s));
    }
    scan_free(s);
    return code;
}

/* All settings until one answers, or with --all every one.  1: somebody wants an end.
 */
static int
scan_settings(const struct arguments *a,
              const struct cli_owner *owner,
              int stop,
              bool input_first,
              struct scan_results *r,
              struct err *err)
{
    bool serial = a->bus.kind == BUS_RTU && owner == NULL;
    uint32_t parities = serial ? a->parity_count : 1;
    uint32_t settings = serial ? a->baud_count * parities : 1;
    struct progress p = {.arguments = a,
                         .settings = settings,
                         .stop = stop,
                         .shows = !a->quiet && isatty(STDERR_FILENO) != 0};
    int code = 0;
    for (uint32_t i = 0; code == 0 && i < settings && (a->all || r->count == 0); i++) {
        struct bus bus = owner != NULL ? owner->site->buses[owner->bus] : a->bus;
        if (owner == NULL) {
            bus.timeout_ms = a->timeout_ms;
            bus.retries = 0;
        }
        if (serial) {
            bus.baud = a->bauds[i / parities];
            bus.parity = a->parities[i % parities];
        }
        p.setting = i + 1;
        code = scan_setting(a, &bus, owner, input_first, &p, r, err);
    }
    return code;
}

/* Looks at the line and fills `r`.  1: somebody wanted an end. */
static int
look(const struct arguments *a,
     const struct cli_owner *owner,
     struct scan_results *r,
     struct err *err)
{
    uint32_t settings = a->baud_count * a->parity_count;
    int stop = -1;
    int code = stop_open(&stop, err);
    r->items = calloc(settings > 0 ? settings : 1, sizeof *r->items);
    if (code == 0 && r->items == NULL) {
        code = err_set(err, ERR_NOMEM, "scan");
    }
    if (code == 0) {
        code = scan_settings(a, owner, stop, false, r, err);
    }
    if (code == 0 && r->count == 0) {
        /* Some have no holding registers and keep quiet. */
        code = scan_settings(a, owner, stop, true, r, err);
    }
    if (stop >= 0) {
        close(stop);
    }
    return code;
}

static void
say_remarks(const struct arguments *a, const struct scan_results *r, bool stopped)
{
    if (a->quiet) {
        return;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->items[i].all_answer) {
            fprintf(stderr,
                    tr("every unit answers: this endpoint does not look at the unit; "
                       "the profile is of unit %u\n"),
                    r->items[i].found[0].unit);
        }
    }
    if (stopped) {
        fputs(tr("ended early: this is what was found until then\n"), stderr);
    }
}

static int
scan_all(const struct arguments *a, const struct cli_owner *owner, struct err *err)
{
    struct diags diags;
    diags_init(&diags);
    struct profile_set *profiles = config_load_profiles(a->site, &diags);
    diags_fini(&diags); /* `check` and `profiles` tell of wrong ones. */
    struct scan_results r = {.profiles = profiles};
    int code = look(a, owner, &r, err);
    bool stopped = code == 1;
    int status = CLI_OK;
    if (code >= 0) {
        status = scan_print(&r, a->json);
        say_remarks(a, &r, stopped);
        code = 0;
    }
    if (code == 0 && r.count == 0 && status == CLI_OK) {
        status = CLI_NO; /* Nothing is written either. */
    } else if (code == 0 && a->write != NULL) {
        code = scan_write_site(&r, a->write, err);
    }
    free(r.items);
    profile_set_free(profiles);
    return code != 0 ? cli_fail(err) : status;
}

static int
scan(const struct cli_command *self, struct arguments *a)
{
    struct cli_owner owner;
    struct err err = {0};
    bool owned = cli_owner_find(&owner, a->site, &a->bus);
    if (owned && (a->baud_text != NULL || a->parity_text != NULL)) {
        cli_owner_fini(&owner);
        return cli_usage_error(self,
                               "the running daemon owns this line: its baud rate and "
                               "parity cannot be changed; stop it, or leave out "
                               "--baud and --parity");
    }
    if (owned && !a->quiet) {
        fprintf(stderr,
                tr("the running daemon owns this line: asking through it, at its "
                   "speed only, with its timeout\n"));
    }
    int status = scan_all(a, owned ? &owner : NULL, &err);
    cli_owner_fini(&owner);
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE",
         "whose daemon and profiles [" CLI_SITE_DEFAULT "]"},
        {"units", 'u', CLI_TEXT, &a.units_text, "LIST", "1-32,40 [1-247; tcp: 0-255]"},
        {"baud", 'b', CLI_TEXT, &a.baud_text, "LIST",
         "9600,19200 [9600,19200,4800,38400,115200,57600,2400]"},
        {"parity", 'p', CLI_TEXT, &a.parity_text, "LIST", "none,even,odd [none,even]"},
        {"all", 'a', CLI_FLAG, &a.all, NULL, "every speed, not until one answers"},
        {"timeout", 't', CLI_TEXT, &a.timeout_text, "TIME",
         "for each answer [150ms; tcp: 500ms]"},
        {"write", 'w', CLI_TEXT, &a.write, "FILE", "a new site file to begin with"},
        {"quiet", 'q', CLI_FLAG, &a.quiet, NULL, "no progress"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "JSON"},
    };
    bool done = false;
    struct err err;
    int status =
        cli_parse(self, options, ARRAY_LEN(options), argc, argv, &a.words, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (a.words.count != 1) {
        return cli_usage_error(self, "give one line or endpoint");
    }
    struct arena *arena = arena_new();
    if (bus_parse(&a.bus, arena, a.words.items[0], &err) != 0) {
        status = cli_usage_error(self, "%s", err.text);
    } else {
        status = parse_all(self, &a);
    }
    if (status == CLI_OK) {
        status = scan(self, &a);
    }
    arena_free(arena);
    return status;
}

const struct cli_command cli_scan = {
    "scan", "find units, and for a serial line its speed",
    "tcp:HOST[:PORT]|rtu:PATH[,BAUD,8N1]|rtu_over_tcp:HOST:PORT [--units LIST]",
    "Asks every unit for one register; any answer counts, an exception too.  A serial\n"
    "line is tried at one speed and parity after the other until somebody answers; "
    "247\n"
    "units take about half a minute each, so --units 1-32 is worth knowing.  Who "
    "answers\n"
    "is asked for the probe of every profile, and those that fit for more of its "
    "points:\n"
    "POINTS says how many read well.  --json lists every profile that fits.\n"
    "--write makes a site file with the bus and a device for each unit.\n"
    "Ctrl-C ends it with what was found until then; exit status 1: nobody answered.\n"
    "A line that the running daemon of the site owns is scanned through the daemon.\n"
    "Only the Modbus functions 01 to 04 are used: nothing can be written.\n",
    run};
