#include "daemon/cli/scan_site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"

static const char *
parity_name(char parity)
{
    return parity == 'E' ? "even" : parity == 'O' ? "odd" : "none";
}

static void
add_matches(struct strbuf *b, const struct scan_results *r, const struct scan_found *f)
{
    strbuf_json_key(b, "matches");
    strbuf_add_char(b, '[');
    for (uint32_t i = 0; i < f->match_count; i++) {
        const struct scan_match *m = &f->matches[i];
        strbuf_add(b, i > 0 ? ",{" : "{");
        strbuf_json_str(b, "profile", r->profiles->items[m->profile].id);
        strbuf_json_int(b, "good", m->good);
        strbuf_json_int(b, "tried", m->tried);
        strbuf_add_char(b, '}');
    }
    strbuf_add_char(b, ']');
}

/* What else it may be, for people; nothing when there is nothing. */
static void
add_others(struct strbuf *b, const struct scan_results *r, const struct scan_found *f)
{
    struct strbuf names = {0};
    for (uint32_t i = 1; i < f->match_count; i++) {
        strbuf_printf(&names, "%s%s", i > 1 ? ", " : "",
                      r->profiles->items[f->matches[i].profile].id);
    }
    strbuf_json_str_opt(b, "others", names.size > 0 ? strbuf_text(&names) : NULL);
    strbuf_fini(&names);
}

static void
add_found(struct strbuf *b,
          const struct scan_results *r,
          const struct scan_result *at,
          const struct scan_found *f)
{
    char text[BUS_TEXT_BYTES];
    strbuf_add_char(b, '{');
    strbuf_json_str(b, "line", bus_describe(text, &at->bus));
    strbuf_json_int(b, "unit", f->unit);
    strbuf_json_str(b, "answer", f->exception == 0 ? "value" : "exception");
    if (f->exception != 0) {
        strbuf_json_int(b, "exception", f->exception);
    }
    strbuf_json_num(b, "ms", (double)f->latency_us / 1000);
    strbuf_json_str(b, "profile",
                    f->match_count > 0 ? r->profiles->items[f->matches[0].profile].id
                                       : NULL);
    if (f->match_count > 0) {
        char fit[32];
        snprintf(fit, sizeof fit, "%u of %u", f->matches[0].good, f->matches[0].tried);
        strbuf_json_str(b, "fit", fit);
    }
    add_others(b, r, f);
    add_matches(b, r, f);
    strbuf_add_char(b, '}');
}

int
scan_print(const struct scan_results *r, bool json)
{
    static const struct cli_column columns[] = {
        {"line", "LINE", CLI_SHOW_TEXT},          {"unit", "UNIT", CLI_SHOW_TEXT},
        {"answer", "ANSWER", CLI_SHOW_TEXT},      {"ms", "MS", CLI_SHOW_TEXT},
        {"profile", "LOOKS LIKE", CLI_SHOW_TEXT}, {"fit", "POINTS", CLI_SHOW_TEXT},
        {"others", "OR", CLI_SHOW_TEXT},
    };
    struct strbuf rows = {0};
    bool first = true;
    strbuf_add_char(&rows, '[');
    for (uint32_t i = 0; i < r->count; i++) {
        for (uint32_t u = 0; u < r->items[i].count; u++) {
            strbuf_add(&rows, first ? "" : ",");
            first = false;
            add_found(&rows, r, &r->items[i], &r->items[i].found[u]);
        }
    }
    strbuf_add_char(&rows, ']');
    int status = cli_print_listing(strbuf_text(&rows), json, columns,
                                   ARRAY_LEN(columns), "nobody answered");
    strbuf_fini(&rows);
    return status;
}

/* ---- the site file ---- */

/* The site file may stand in another folder than we do.  Links stay: those below
 * /dev/serial keep their names when numbers change. */
static void
add_path(struct strbuf *b, const char *path)
{
    struct strbuf whole = {0};
    char *here = path[0] != '/' ? getcwd(NULL, 0) : NULL;
    if (here != NULL) {
        strbuf_printf(&whole, "%s/", here);
    }
    strbuf_add(&whole, path);
    strbuf_json_string(b, strbuf_text(&whole)); /* YAML reads what JSON quotes. */
    strbuf_fini(&whole);
    free(here);
}

static void
add_bus(struct strbuf *b, const struct bus *bus)
{
    if (bus->kind == BUS_RTU) {
        strbuf_add(b, "buses:\n  - {id: line-1, rtu: ");
        add_path(b, bus->path);
        strbuf_printf(b, ", baud: %d, parity: %s, stop_bits: %d}\n", bus->baud,
                      parity_name(bus->parity), bus->stop_bits);
    } else {
        const char *open = strchr(bus->host, ':') != NULL ? "[" : "";
        strbuf_printf(b, "buses:\n  - {id: line-1, %s: \"%s%s%s:%u\"}\n",
                      bus->kind == BUS_TCP ? "tcp" : "rtu_over_tcp", open, bus->host,
                      *open != '\0' ? "]" : "", bus->port);
    }
}

static void
add_device(struct strbuf *b,
           const struct scan_results *r,
           const struct scan_result *at,
           const struct scan_found *f)
{
    char text[BUS_TEXT_BYTES];
    strbuf_printf(b,
                  tr("  - id: unit-%u\n    type: equipment   # elevator, pump, power, "
                     "environment, or a word of your own\n"),
                  f->unit);
    strbuf_printf(b, "    bus: line-1\n    unit: %u\n", f->unit);
    if (f->match_count > 0) {
        const struct scan_match *m = &f->matches[0];
        strbuf_printf(b,
                      tr("    profile: %s   # %s; %u of %u of its points read well\n"),
                      r->profiles->items[m->profile].id,
                      r->profiles->items[m->profile].title, m->good, m->tried);
    }
    for (uint32_t i = 1; i < f->match_count; i++) {
        const struct scan_match *m = &f->matches[i];
        strbuf_printf(b, tr("    # profile: %s   # may be this one; %u of %u\n"),
                      r->profiles->items[m->profile].id, m->good, m->tried);
    }
    if (f->match_count == 0) {
        bus_describe(text, &at->bus);
        strbuf_printf(
            b,
            tr("    # No profile fits.  What its registers may mean:\n"
               "    #   caretaker read %s %u holding 0 20 --guess\n"
               "    # points:\n"
               "    #   pressure: {register: holding 0, type: u16, scale: 0.01, "
               "unit: bar}\n"),
            text, f->unit);
    }
}

static const struct scan_result *
best_setting(const struct scan_results *r)
{
    const struct scan_result *best = NULL;
    for (uint32_t i = 0; i < r->count; i++) {
        if (best == NULL || r->items[i].count > best->count) {
            best = &r->items[i];
        }
    }
    return best;
}

static void
add_site(struct strbuf *b, const struct scan_results *r)
{
    const struct scan_result *best = best_setting(r);
    char text[BUS_TEXT_BYTES];
    char now[INSTANT_TEXT_BYTES];
    uint32_t devices = best->all_answer ? 1 : best->count;
    strbuf_printf(
        b,
        tr("# What `caretaker scan` found on %s, %s.\n"
           "# Ids and types are yours to choose; `caretaker check -c FILE` looks at "
           "it.\n"
           "site: {id: new-site, name: New site, timezone: UTC, language: en}\n"
           "data: data   # a folder beside this file\n\n"),
        bus_describe(text, &best->bus), instant_format_utc(now, clock_real_ms()));
    add_bus(b, &best->bus);
    strbuf_add(b, "\ndevices:\n");
    if (best->all_answer) {
        strbuf_add(b, tr("  # Every unit answers: this endpoint does not look at the "
                         "number.\n"));
    }
    for (uint32_t i = 0; i < devices; i++) {
        add_device(b, r, best, &best->found[i]);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        for (uint32_t u = 0; &r->items[i] != best && u < r->items[i].count; u++) {
            strbuf_printf(b, tr("  # unit %u answers too, but as %s\n"),
                          r->items[i].found[u].unit,
                          bus_describe(text, &r->items[i].bus));
        }
    }
}

int
scan_write_site(const struct scan_results *r, const char *path, struct err *err)
{
    struct strbuf text = {0};
    if (best_setting(r) == NULL) {
        return err_set(err, ERR_NOT_FOUND, "%s is not written: nobody answered", path);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL) {
        return err_set(err, ERR_IO, "%s: %s", path,
                       errno == EEXIST ? tr("is there already; give a new name")
                                       : err_reason(errno));
    }
    add_site(&text, r);
    bool good = fwrite(text.text, 1, text.size, out) == text.size;
    strbuf_fini(&text);
    if (fclose(out) != 0 || !good) {
        return err_set(err, ERR_IO, "%s: %s", path, err_reason(errno));
    }
    return 0;
}
