#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/progress.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/replay/import.h"

#define TOLD_MAX 100 /* Bad rows, with --json: the rest is counted. */

struct arguments {
    const char *site, *map, *bus;
    struct cli_list logs;
    bool strict, quiet, json;
};

static void
print_summary(const struct site *site, const struct import_result *r)
{
    char from[INSTANT_TEXT_BYTES] = "-";
    char to[INSTANT_TEXT_BYTES] = "-";
    char keep[INSTANT_TEXT_BYTES];
    if (r->first_ms != INSTANT_NONE) {
        instant_format_local(from, r->first_ms);
        instant_format_local(to, r->last_ms);
    }
    fprintf(stderr,
            tr("%" PRIu64 " row%s (%" PRIu64 " bad), %" PRIu64
               " sample%s, %s .. %s: %" PRIu64 " imported, %" PRIu64 " %s there\n"),
            r->rows, cli_s(r->rows), r->bad_rows, r->samples, cli_s(r->samples), from,
            to, r->samples - r->known, r->known, r->known == 1 ? "was" : "were");
    if (r->differing > 0) {
        fprintf(stderr,
                tr("%" PRIu64
                   " of them differ%s from another sample of the same point and "
                   "time; both are kept\n"),
                r->differing, r->differing == 1 ? "s" : "");
    }
    if (r->expired > 0) {
        fprintf(stderr,
                tr("%" PRIu64
                   " sample%s older than history.keep (%s): a running daemon deletes "
                   "%s\n"),
                r->expired, r->expired == 1 ? " is" : "s are",
                duration_write(keep, site->history.keep_ms),
                r->expired == 1 ? "it" : "them");
    }
    if (r->future > 0) {
        fprintf(stderr,
                tr("%" PRIu64 " sample%s of the future, up to %s: was the time zone or "
                   "the clock right?\n"),
                r->future, r->future == 1 ? " is" : "s are",
                instant_format_local(keep, r->last_ms));
    }
}

static void
print_json(const struct import_result *r)
{
    struct strbuf out = {0};
    strbuf_add_char(&out, '{');
    strbuf_json_int(&out, "rows", (int64_t)r->rows);
    strbuf_json_int(&out, "bad", (int64_t)r->bad_rows);
    strbuf_json_int(&out, "samples", (int64_t)r->samples);
    strbuf_json_int(&out, "imported", (int64_t)(r->samples - r->known));
    strbuf_json_int(&out, "known", (int64_t)r->known);
    strbuf_json_int(&out, "differing", (int64_t)r->differing);
    strbuf_json_int(&out, "expired", (int64_t)r->expired);
    strbuf_json_int(&out, "future", (int64_t)r->future);
    strbuf_json_time(&out, "from", r->first_ms);
    strbuf_json_time(&out, "to", r->last_ms);
    strbuf_add_char(&out, '}');
    puts(strbuf_text(&out));
    strbuf_fini(&out);
}

static int
import(const struct arguments *a)
{
    struct err err = {0};
    struct diags diags;
    struct log_map *map = NULL;
    struct progress progress;
    struct site *site = cli_site(a->site);
    int status = CLI_CONFIG;
    if (site == NULL) {
        return CLI_CONFIG;
    }
    diags_init(&diags);
    if (a->map == NULL || (map = config_load_map(a->map, &diags)) != NULL) {
        const struct import_options options = {.source = {.map = map,
                                                          .paths = a->logs.items,
                                                          .count = a->logs.count,
                                                          .bus = a->bus},
                                               .strict = a->strict,
                                               .told_max = a->json ? TOLD_MAX : 0,
                                               .progress = progress_set,
                                               .progress_ctx = &progress};
        struct import_result result;
        progress_begin(&progress, tr("import"), a->quiet);
        status =
            err_exit_status(import_run(site, &options, clock_real_ms(), &result, &err));
        progress_end(&progress);
        if (status != CLI_OK) {
            cli_fail(&err);
        }
        if (a->json && (status == CLI_OK || result.samples > 0)) {
            print_json(&result);
        } else if (!a->quiet && (status == CLI_OK || result.samples > 0)) {
            print_summary(site, &result);
        }
        if (status == CLI_OK && result.samples == 0 && result.bad_rows > 0) {
            fprintf(stderr,
                    tr("caretaker: nothing was imported: not one row is good\n"));
            status = CLI_CONFIG;
        }
    }
    if (diags.errors > 0) {
        diags_sort(&diags);
        diags_print(&diags, stderr);
    }
    diags_fini(&diags);
    log_map_free(map);
    site_free(site);
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"map", 'm', CLI_TEXT, &a.map, "MAP", "how a foreign CSV maps to our points"},
        {"bus", 'b', CLI_TEXT, &a.bus, "ID", "the bus that raw records are of"},
        {"strict", 0, CLI_FLAG, &a.strict, NULL, "stop at the first bad row"},
        {"quiet", 'q', CLI_FLAG, &a.quiet, NULL,
         "no progress and no summary; bad rows are told"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "the summary as one JSON object"},
    };
    bool done = false;
    int status =
        cli_parse(self, options, ARRAY_LEN(options), argc, argv, &a.logs, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (a.logs.count == 0) {
        return cli_usage_error(self, "no log was given");
    }
    return import(&a);
}

const struct cli_command cli_import = {
    "import", "recorded samples into the site's history",
    "[-c SITE] [--map MAP] [--bus ID] [--strict] [--quiet] [--json] LOG...",
    "A LOG is all that `caretaker replay` reads: CSV in long or wide form, or by a "
    "map; JSON\n"
    "lines; records and captures.  `caretaker export` gives back what was put in.\n"
    "A sample that the history holds already is not put twice, so the same import, "
    "or a part\n"
    "of it, may be repeated.\n"
    "Where not one row is good the exit status is 3.\n"
    "Rules do not see these samples; `caretaker replay --from-history` shows what they "
    "say.\n"
    "The daemon may be running.\n",
    run};
