/* check: are the files right, can the buses carry their plans, and is the journal what
 * was written? */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "collectors/simulator_csv.h"
#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/budgets.h"
#include "daemon/pipeline/check.h"

/* What is wanted beside the errors. */
struct wish {
    bool plan;
    bool json;              /* Of plans or findings, instead of what is for people. */
    struct strbuf plans;    /* An array that was begun. */
    struct strbuf findings; /* The same. */
};

static const char *
plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

static double
number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* "with 1 dead 48 %, once 600 ms; ..." of what is left when devices die. */
static void
print_deaths(const json_t *deaths)
{
    size_t index = 0;
    json_t *death = NULL;
    json_array_foreach(deaths, index, death)
    {
        int dead = (int)number(death, "devices");
        printf(tr("  %s%d device%s that do%s not answer: load up to %.4g %%, and the "
                  "others "
                  "wait %.4g s once\n"),
               index == 0 ? tr("with ") : "     ", dead, dead == 1 ? "" : "s",
               dead == 1 ? "es" : "", number(death, "load"),
               number(death, "stall_ms") / 1000.0);
    }
}

/* An endpoint that stands for several units, or says so, may well have a serial line
 * behind it. */
static bool
may_be_gateway(const json_t *bus)
{
    const char *line = json_string_value(json_object_get(bus, "line"));
    const json_t *requests = json_object_get(bus, "requests");
    bool several = false;
    for (size_t i = 1; i < json_array_size(requests); i++) {
        several = several ||
                  !json_equal(json_object_get(json_array_get(requests, 0), "unit"),
                              json_object_get(json_array_get(requests, i), "unit"));
    }
    return line != NULL &&
           (strncmp(line, "rtu_over_tcp:", strlen("rtu_over_tcp:")) == 0 ||
            (several && strncmp(line, "tcp:", strlen("tcp:")) == 0));
}

static void
print_line_behind(const json_t *bus)
{
    const char *line = json_string_value(json_object_get(bus, "line"));
    const json_t *baud = json_object_get(bus, "baud");
    if (json_is_number(baud)) {
        if (line != NULL && strncmp(line, "rtu:", strlen("rtu:")) != 0) {
            printf(tr("  with the serial line behind this endpoint, at %.0f baud\n"),
                   json_number_value(baud));
        }
    } else if (may_be_gateway(bus)) {
        puts(tr("  if there is a serial line behind this endpoint, it is not counted; "
                "give the bus its `baud` and it is"));
    }
}

static int
print_plan(const json_t *bus)
{
    static const struct cli_column columns[] = {
        {"device", "DEVICE", CLI_SHOW_TEXT}, {"unit", "UNIT", CLI_SHOW_TEXT},
        {"table", "TABLE", CLI_SHOW_TEXT},   {"address", "ADDRESS", CLI_SHOW_TEXT},
        {"count", "COUNT", CLI_SHOW_TEXT},   {"points", "POINTS", CLI_SHOW_TEXT},
        {"every", "EVERY", CLI_SHOW_TEXT},   {"bytes", "BYTES", CLI_SHOW_TEXT},
        {"ms", "MS", CLI_SHOW_TEXT},         {"load", "LOAD %", CLI_SHOW_TEXT}};
    const char *advice = json_string_value(json_object_get(bus, "advice"));
    char *requests = json_dumps(json_object_get(bus, "requests"), 0);
    printf(tr("\nbus %s (%s): load %.4g %%, all requests once %.4g ms\n"),
           json_string_value(json_object_get(bus, "bus")),
           json_string_value(json_object_get(bus, "line")), number(bus, "load"),
           number(bus, "cycle_ms"));
    int status = cli_print_listing(requests != NULL ? requests : "", false, columns,
                                   ARRAY_LEN(columns), "nothing is polled there");
    free(requests);
    if (number(bus, "continuous") > 0) {
        const json_t *round = json_object_get(bus, "round_ms");
        if (json_is_number(round)) {
            printf(tr("  continuous devices come round every %.4g ms\n"),
                   number(bus, "round_ms"));
        } else {
            puts(tr("  no time is left for continuous devices"));
        }
    }
    print_deaths(json_object_get(bus, "dead"));
    print_line_behind(bus);
    if (advice != NULL) {
        printf("  %s\n", advice);
    }
    return status;
}

static void
print_plans(const char *text)
{
    json_t *buses = json_loads(text, 0, NULL);
    size_t index = 0;
    json_t *bus = NULL;
    json_array_foreach(buses, index, bus)
    {
        (void)print_plan(bus);
    }
    json_decref(buses);
}

/* The plans of a site that is right: to the wish's JSON, or to the reader. */
static int
add_plans(const struct site *site, struct wish *wish, struct err *err)
{
    if (wish->json) {
        return budgets_json(site, &wish->plans, err);
    }
    struct strbuf plans = {0};
    strbuf_add_char(&plans, '[');
    int code = budgets_json(site, &plans, err);
    if (code == 0) {
        strbuf_add_char(&plans, ']');
        print_plans(strbuf_text(&plans));
    }
    strbuf_fini(&plans);
    return code;
}

static bool
check_whole_site(const char *path, struct wish *wish, struct diags *diags)
{
    struct rules_counts counts = {0};
    cli_speak(path);
    if (wish->json) {
        catalogue_speak(LANGUAGE_EN); /* What machines read is one in all languages. */
    }
    struct site *site = check_site(path, diags, &counts);
    if (site == NULL) {
        return false;
    }
    struct site_equipment e = site_equipment(site);
    struct err err;
    if (!wish->json) {
        printf(tr("%s: ok: %u device%s with %u point%s on %u bus%s, %u rule%s on %u "
                  "place%s\n"),
               path, e.devices, plural(e.devices), e.points, plural(e.points),
               site->bus_count, site->bus_count == 1 ? "" : "es", site->rule_count,
               plural(site->rule_count), counts.instances, plural(counts.instances));
    }
    bool good = !wish->plan || add_plans(site, wish, &err) == 0;
    if (!good) {
        diags_add(diags, DIAG_ERROR, NULL, "%s", err.text);
    }
    site_free(site);
    return good;
}

/* The kind of a file is told by the first word at the start of a line. */
static bool
file_begins_with(const char *path, const char *key)
{
    FILE *f = fopen(path, "re");
    char line[256];
    bool found = false;
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
        found = strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':';
    }
    if (f != NULL) {
        fclose(f);
    }
    return found;
}

static bool
check_file(const char *path, struct wish *wish, struct diags *diags)
{
    bool good = false;
    if (file_begins_with(path, "profile")) {
        good = config_check_profile(path, diags);
    } else if (file_begins_with(path, "case")) {
        struct replay_case *c = config_load_case(path, diags);
        good = c != NULL;
        replay_case_free(c);
    } else if (file_begins_with(path, "columns")) {
        struct log_map *m = config_load_map(path, diags);
        good = m != NULL;
        log_map_free(m);
    } else if (file_begins_with(path, "slaves")) {
        struct sim *s = config_load_sim(path, diags);
        good = s != NULL && simulator_csv_check(s, diags);
        sim_free(s);
    } else {
        return check_whole_site(path, wish, diags);
    }
    if (good && !wish->json) {
        printf(tr("%s: ok\n"), path);
    }
    return good;
}

static void
add_findings(struct strbuf *out, const struct diags *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *d = &diags->items[i];
        strbuf_add(out, out->size > 1 ? ",{" : "{");
        strbuf_json_str(out, "level", d->level == DIAG_ERROR ? "error" : "warning");
        strbuf_json_str(out, "file", d->file);
        strbuf_json_int(out, "line", d->line);
        strbuf_json_int(out, "column", d->column);
        strbuf_json_str(out, "text", d->text);
        strbuf_add_char(out, '}');
    }
    size_t all = diags->errors + diags->warnings;
    if (all > diags->count) {
        char more[64];
        snprintf(more, sizeof more, tr("and %zu more"), all - diags->count);
        strbuf_add(out, ",{");
        strbuf_json_str(out, "level", diags->errors > 0 ? "error" : "warning");
        strbuf_json_str(out, "file", NULL);
        strbuf_json_int(out, "line", 0);
        strbuf_json_int(out, "column", 0);
        strbuf_json_str(out, "text", more);
        strbuf_add_char(out, '}');
    }
}

static int
check_files(const struct cli_list *files, struct wish *wish)
{
    int status = CLI_OK;
    bool listed = wish->json && !wish->plan;
    strbuf_add_char(&wish->plans, '[');
    strbuf_add_char(&wish->findings, '[');
    for (uint32_t i = 0; i < files->count; i++) {
        struct diags diags;
        diags_init(&diags);
        bool good = check_file(files->items[i], wish, &diags);
        diags_sort(&diags);
        if (listed) {
            add_findings(&wish->findings, &diags);
        } else {
            diags_print(&diags, stderr);
        }
        if (!good && !listed) {
            fprintf(stderr, tr("%s: %zu error%s\n"), files->items[i], diags.errors,
                    diags.errors == 1 ? "" : "s");
        }
        status = good ? status : CLI_CONFIG;
        diags_fini(&diags);
    }
    if (listed || (wish->json && status == CLI_OK)) {
        struct strbuf *out = listed ? &wish->findings : &wish->plans;
        strbuf_add_char(out, ']');
        puts(strbuf_text(out));
    }
    strbuf_fini(&wish->plans);
    strbuf_fini(&wish->findings);
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    const char *site = NULL;
    const char *kept = NULL;
    bool journal = false, history = false;
    struct wish wish = {0};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"plan", 'p', CLI_FLAG, &wish.plan, NULL,
         "each bus's requests and time budget"},
        {"journal", 0, CLI_FLAG, &journal, NULL,
         "prove the journal of events, and the tables by it"},
        {"history", 0, CLI_FLAG, &history, NULL,
         "whether all samples can be read, and the roll-ups made of them"},
        {"head", 0, CLI_TEXT, &kept, "SEQ:HASH",
         "with --journal: a head that was kept elsewhere"},
        {"json", 'j', CLI_FLAG, &wish.json, NULL,
         "what was found, or the plans, as JSON"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (kept != NULL && !journal) {
        return cli_usage_error(self, "--head is of --journal");
    }
    if (journal && history) {
        return cli_usage_error(self, "--journal and --history are two questions");
    }
    if (journal) {
        if (wish.plan || args.count > 0) {
            return cli_usage_error(self, "--journal takes no --plan and no FILE");
        }
        return cli_check_journal(self, site != NULL ? site : CLI_SITE_DEFAULT, kept,
                                 wish.json);
    }
    if (history) {
        if (wish.plan || args.count > 0) {
            return cli_usage_error(self, "--history takes no --plan and no FILE");
        }
        return cli_check_history(site != NULL ? site : CLI_SITE_DEFAULT, wish.json);
    }
    if (site != NULL || args.count == 0) {
        if (args.count == CLI_LIST_MAX) {
            return cli_usage_error(self, "too many files");
        }
        args.items[args.count++] = site != NULL ? site : CLI_SITE_DEFAULT;
    }
    return check_files(&args, &wish);
}

const struct cli_command cli_check = {
    "check", "validate everything, report every error with its place",
    "[-c SITE] [--plan] [--json] [FILE...]\n"
    "       caretaker check --journal [-c SITE] [--head SEQ:HASH] [--json]\n"
    "       caretaker check --history [-c SITE] [--json]",
    "Reads the site file and all that it includes, compiles the rules, and prints "
    "each\n"
    "error as file:line:column: what is wrong; what is accepted.  Files may also be\n"
    "profiles, cases, maps and simulator files.  Exit status 3 when there is an error; "
    "warnings\n"
    "do not count.  With --json it is an array of level, file, line, column and "
    "text.\n\n"
    "--plan shows of each bus every request, how long it takes, the share of the "
    "bus's\n"
    "time, and what is left when 1, 2 or 4 devices do not answer.  From 80 % on, and\n"
    "louder from 100 %, there is a warning that says what to change, also without "
    "it.\n\n"
    "The serial line behind a gateway is counted when its bus says how fast it is, "
    "with\n"
    "`baud` beside tcp or rtu_over_tcp.\n\n"
    "--journal proves the journal of state.db instead, whether the daemon runs or "
    "not:\n"
    "each event carries the hash of the one before, so a row that was changed, removed "
    "or\n"
    "added is found and named, and each ticket must be what its events say.  It prints "
    "the\n"
    "head, SEQ:HASH.  Who can write to the file can write all of it anew: keep the "
    "head\n"
    "elsewhere and compare with --head, which finds that too.  Each event on MQTT "
    "carries\n"
    "seq and hash, so the log of a broker keeps every head.  Exit status 1 when "
    "something\n"
    "was found, 4 when there is no database.\n\n"
    "--history reads all of history.db, whether the daemon runs or not: each chunk "
    "and\n"
    "each point in it has a checksum, so a bit that changed is found, and named by "
    "device,\n"
    "point and time.  The rest stays readable; what was set aside earlier is listed.  "
    "Exit\n"
    "status as with --journal.\n",
    run};
