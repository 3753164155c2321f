/* explain: why an alarm is there, or is not: now, or at a moment of a record. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/explain_print.h"
#include "daemon/pipeline/listings/explain_json.h"
#include "daemon/pipeline/replay/explain_past.h"

struct arguments {
    const char *site, *at, *from, *map, *bus, *stale_after;
    const char *rule, *device;
    struct cli_list rules, words; /* RULE DEVICE LOG... */
    const char *const *logs;
    uint32_t log_count;
    bool json, quiet;
};

/* RULE DEVICE, or DEVICE/RULE in one word, either way round; `device` of ID_BYTES_MAX
 * may hold the first of it. */
static int
take_names(const struct cli_command *self,
           struct arguments *a,
           const struct site *site,
           char *device)
{
    const char *first = a->words.count > 0 ? a->words.items[0] : "";
    const char *slash = strchr(first, '/');
    uint32_t names = 2;
    if (slash != NULL && slash - first < ID_BYTES_MAX) {
        snprintf(device, ID_BYTES_MAX, "%.*s", (int)(slash - first), first);
        a->device = device;
        a->rule = slash + 1;
        names = 1;
    } else if (a->words.count < 2) {
        return cli_usage_error(self, "a rule and a device are needed");
    } else {
        a->rule = first;
        a->device = a->words.items[1];
    }
    if (site_rule(site, a->rule) == NONE_INDEX &&
        site_device(site, a->rule) != NONE_INDEX &&
        site_rule(site, a->device) != NONE_INDEX) {
        const char *rule = a->device;
        a->device = a->rule;
        a->rule = rule;
    }
    a->logs = a->words.items + names;
    a->log_count = a->words.count - names;
    return CLI_OK;
}

static int
fill_past(const struct cli_command *self,
          const struct arguments *a,
          struct explain_past_options *o)
{
    struct err err;
    if (a->stale_after != NULL &&
        duration_parse(&o->stale_after_ms, a->stale_after, &err) != 0) {
        return cli_usage_error(self, "--stale-after: %s", err.text);
    }
    if (a->at != NULL &&
        instant_parse_relative(&o->at_ms, a->at, o->now_ms, &err) != 0) {
        return cli_usage_error(self, "--at: %s", err.text);
    }
    if (a->from != NULL &&
        instant_parse_relative(&o->from_ms, a->from, o->now_ms, &err) != 0) {
        return cli_usage_error(self, "--from: %s", err.text);
    }
    if (a->log_count == 0 && (a->map != NULL || a->bus != NULL)) {
        return cli_usage_error(self,
                               "--map and --bus are for a LOG, and none is given");
    }
    if (a->log_count > 0 && a->from != NULL) {
        return cli_usage_error(self, "--from is for the history; a LOG is read whole");
    }
    if (o->from_ms != INSTANT_NONE && o->at_ms != INSTANT_NONE &&
        o->from_ms > o->at_ms) {
        return cli_usage_error(self, "--from is later than --at");
    }
    return CLI_OK;
}

/* Only the daemon knows what is now; the rest is read again. */
static bool
is_for_the_daemon(const struct arguments *a)
{
    return a->log_count == 0 && a->at == NULL && a->from == NULL &&
           a->stale_after == NULL && a->rules.count == 0;
}

static int
ask_daemon(const struct arguments *a,
           const struct site *site,
           struct strbuf *answer,
           struct err *err)
{
    struct strbuf path = {0};
    strbuf_add(&path, "/api/v1/explain");
    cli_query(&path, "rule", a->rule);
    cli_query(&path, "device", a->device);
    int code = cli_ask(site->data_dir, "GET", strbuf_text(&path), NULL, answer, err);
    strbuf_fini(&path);
    return code;
}

/* Returns an error code; `*status` is not CLI_OK where that is said already. */
static int
fetch(const struct cli_command *self,
      struct arguments *a,
      struct site *site,
      struct strbuf *answer,
      struct diags *diags,
      int *status,
      struct err *err)
{
    struct explain_past_options o = {.site = site,
                                     .logs = a->logs,
                                     .log_count = a->log_count,
                                     .bus = a->bus,
                                     .at_ms = INSTANT_NONE,
                                     .from_ms = INSTANT_NONE,
                                     .now_ms = clock_real_ms(),
                                     .progress = !a->quiet && isatty(STDERR_FILENO)};
    struct log_map *map = NULL;
    *status = fill_past(self, a, &o);
    if (*status == CLI_OK && is_for_the_daemon(a)) {
        int code = ask_daemon(a, site, answer, err);
        if (code != ERR_IO) {
            return code;
        }
        strbuf_clear(answer);
    }
    if (*status == CLI_OK && a->map != NULL) {
        o.map = map = config_load_map(a->map, diags);
        *status = map != NULL ? CLI_OK : CLI_CONFIG;
    }
    int code = 0;
    if (*status == CLI_OK) {
        code = explain_find(site, a->rule, a->device, &o.rule, &o.device, err);
        code = code == 0 ? explain_past(answer, &o, diags, err) : code;
    }
    log_map_free(map);
    return code;
}

static int
explain(const struct cli_command *self, struct arguments *a)
{
    struct strbuf answer = {0};
    struct err err = {0};
    struct diags diags;
    char device[ID_BYTES_MAX];
    int status = CLI_CONFIG;
    int code = 0;
    diags_init(&diags);
    cli_speak(a->site);
    if (a->json) {
        catalogue_speak(LANGUAGE_EN); /* What machines read is one in all languages. */
    }
    struct site *site =
        config_load_site(a->site, a->rules.items, a->rules.count, &diags);
    if (site != NULL) {
        status = take_names(self, a, site, device);
    }
    if (status == CLI_OK) {
        code = fetch(self, a, site, &answer, &diags, &status, &err);
    }
    if (status == CLI_OK && code == 0 && a->json) {
        puts(strbuf_text(&answer));
    } else if (status == CLI_OK && code == 0) {
        code = explain_print(strbuf_text(&answer), &err);
    }
    if (code != 0) {
        status = err_exit_status(code);
        if (diags.errors == 0) {
            (void)cli_fail(&err);
        }
    }
    if (diags.errors > 0) {
        diags_sort(&diags);
        diags_print(&diags, stderr);
    }
    diags_fini(&diags);
    strbuf_fini(&answer);
    site_free(site);
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"at", 'a', CLI_TEXT, &a.at, "TIME", "when [now, or the last row of a LOG]"},
        {"rules", 'r', CLI_LIST, &a.rules, "FILE", "these rules instead of the site's"},
        {"map", 'm', CLI_TEXT, &a.map, "MAP", "how a foreign CSV maps to our points"},
        {"bus", 'b', CLI_TEXT, &a.bus, "ID", "the bus that raw records are of"},
        {"stale-after", 0, CLI_TEXT, &a.stale_after, "TIME",
         "instead of the configured one"},
        {"from", 0, CLI_TEXT, &a.from, "TIME",
         "read the history from here [a day before what windows need]"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "one JSON object"},
        {"quiet", 'q', CLI_FLAG, &a.quiet, NULL, "no progress"},
    };
    bool done = false;
    int status =
        cli_parse(self, options, ARRAY_LEN(options), argc, argv, &a.words, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (a.words.count == 0) {
        return cli_usage_error(self, "a rule and a device are needed");
    }
    return explain(self, &a);
}

const struct cli_command cli_explain = {
    "explain", "why an alarm is there, or is not",
    "RULE DEVICE [-c SITE] [--at TIME] [LOG...]",
    "Shows each part of the rule's conditions with its value, the points with quality\n"
    "and age, what windows and counters hold, the holds that run, and what became of\n"
    "the alarm; the last line says what decided, or what is waited for.\n\n"
    "Without a time it is asked of the daemon.  With --at, or when no daemon answers,\n"
    "the site's history is read again up to that moment, and with LOGs these: sample\n"
    "logs, records and captures, as `caretaker replay` takes them.  What people did\n"
    "(acknowledge, shelve) is not done again then; the latest events on record are\n"
    "shown.\n",
    run};
