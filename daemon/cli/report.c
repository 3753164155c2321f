/* report: figures over a period; the first word says of what. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/report_print.h"

#define TOP_DEFAULT   10
#define OPERATORS_MAX 1000

struct arguments {
    const char *site, *from, *to, *format, *map, *stale_after, *operators, *top;
    const char *compare, *state, *type, *area, *device; /* Without a word. */
    struct cli_list rules, logs, words;
    bool json, no_advice, quiet;
};

static bool
read_count(uint32_t *out, const char *text, uint32_t most)
{
    char *end = NULL;
    if (text[0] < '1' || text[0] > '9') {
        return false;
    }
    unsigned long value = strtoul(text, &end, 10);
    *out = (uint32_t)value;
    return *end == '\0' && value <= most;
}

/* Once the site is loaded: times are in its zone. */
static int
fill_options(const struct cli_command *self,
             const struct arguments *a,
             struct alarm_report_options *o)
{
    struct err err = {0};
    if ((a->from != NULL &&
         instant_parse_relative(&o->from_ms, a->from, o->now_ms, &err) != 0) ||
        (a->to != NULL &&
         instant_parse_relative(&o->to_ms, a->to, o->now_ms, &err) != 0)) {
        return cli_usage_error(self, "%s", err.text);
    }
    if (o->from_ms != INSTANT_NONE && o->to_ms != INSTANT_NONE &&
        o->from_ms >= o->to_ms) {
        return cli_usage_error(self, "--from is not before --to");
    }
    if (a->stale_after != NULL &&
        duration_parse(&o->stale_after_ms, a->stale_after, &err) != 0) {
        return cli_usage_error(self, "--stale-after: %s", err.text);
    }
    return CLI_OK;
}

static void
print_warnings(const struct alarm_report *r)
{
    if (r->bad_rows > 0) {
        fprintf(stderr, tr("%" PRIu64 " bad row%s left out\n"), r->bad_rows,
                r->bad_rows == 1 ? " was" : "s were");
    }
    if (r->late_samples * 2 > r->samples) {
        fprintf(
            stderr,
            tr("most samples came when their point was stale already: this log has a "
               "slower rhythm than the\nsite's polls; give --stale-after (three times "
               "the log's interval)\n"));
    }
}

static int
make_and_print(const struct arguments *a,
               const struct alarm_report_options *o,
               struct diags *diags)
{
    struct err err = {0};
    struct alarm_report r;
    const struct alarm_report_head head = {.site = o->site,
                                           .operators = o->operators,
                                           .from_logs = o->log_count > 0,
                                           .advised = o->advise};
    int code = alarm_report_make(&r, o, diags, &err);
    if (code == ERR_NOT_FOUND && o->log_count == 0) {
        fprintf(
            stderr,
            tr("caretaker: %s has no state.db: the daemon never ran here; --log FILE "
               "judges what was recorded elsewhere\n"),
            o->site->data_dir);
        return CLI_OUTSIDE;
    }
    if (code != 0) {
        if (diags->errors == 0) {
            (void)cli_fail(&err);
        }
        return err_exit_status(code);
    }
    int status = CLI_OK;
    if (a->json) {
        struct strbuf out = {0};
        alarm_report_json(&out, &r, &head);
        puts(strbuf_text(&out));
        strbuf_fini(&out);
    } else {
        status = report_print_alarms_text(&r, &head);
    }
    if (!a->quiet) {
        fflush(stdout);
        print_warnings(&r);
    }
    alarm_report_fini(&r);
    return status;
}

static int
report_alarms(const struct cli_command *self, const struct arguments *a)
{
    struct alarm_report_options o = {.logs = a->logs.items,
                                     .log_count = a->logs.count,
                                     .from_ms = INSTANT_NONE,
                                     .to_ms = INSTANT_NONE,
                                     .now_ms = clock_real_ms(),
                                     .operators = 1,
                                     .top = TOP_DEFAULT,
                                     .advise = !a->no_advice,
                                     .progress = !a->quiet && isatty(STDERR_FILENO),
                                     .quiet = a->quiet};
    struct diags diags;
    struct log_map *map = NULL;
    int status = CLI_CONFIG;
    if (a->operators != NULL &&
        !read_count(&o.operators, a->operators, OPERATORS_MAX)) {
        return cli_usage_error(self, "--operators is a number from 1 to %d",
                               OPERATORS_MAX);
    }
    if (a->top != NULL && !read_count(&o.top, a->top, ADVICE_ACTORS_MAX)) {
        return cli_usage_error(self, "--top is a number from 1 to %d",
                               ADVICE_ACTORS_MAX);
    }
    if (o.log_count == 0 && (a->map != NULL || a->stale_after != NULL)) {
        return cli_usage_error(self, "--map and --stale-after go with --log");
    }
    cli_speak(a->site);
    diags_init(&diags);
    o.site = config_load_site(a->site, a->rules.items, a->rules.count, &diags);
    if (o.site != NULL) {
        status = fill_options(self, a, &o);
    }
    if (status == CLI_OK && a->map != NULL) {
        map = config_load_map(a->map, &diags);
        o.map = map;
        status = map != NULL ? CLI_OK : CLI_CONFIG;
    }
    if (status == CLI_OK) {
        status = make_and_print(a, &o, &diags);
    }
    if (diags.errors > 0) {
        diags_sort(&diags);
        diags_print(&diags, stderr);
    }
    diags_fini(&diags);
    log_map_free(map);
    site_free(o.site);
    return status;
}

/* Which of the two reports an option belongs to is told here: one name, two tables. */
static int
run_figures(const struct cli_command *self, const struct arguments *a)
{
    const struct cli_figures f = {.site = a->site,
                                  .from = a->from,
                                  .to = a->to,
                                  .compare = a->compare,
                                  .format = a->json ? "json" : a->format,
                                  .type = a->type,
                                  .area = a->area,
                                  .device = a->device,
                                  .state = a->state};
    if (a->logs.count > 0 || a->rules.count > 0 || a->map != NULL ||
        a->stale_after != NULL || a->operators != NULL || a->top != NULL ||
        a->no_advice) {
        return cli_usage_error(self, "--log, --rules, --map, --stale-after, "
                                     "--operators, --top and --no-advice go with "
                                     "`report alarms`");
    }
    return cli_report_figures(self, &f);
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"from", 0, CLI_TEXT, &a.from, "T", "begin [30 days ago; of a log, its begin]"},
        {"compare", 0, CLI_TEXT, &a.compare, "T..T", "set beside this other period"},
        {"type", 't', CLI_TEXT, &a.type, "WORD", "only devices of this type"},
        {"area", 0, CLI_TEXT, &a.area, "TEXT", "only devices of this area"},
        {"device", 'd', CLI_TEXT, &a.device, "ID", "only this device"},
        {"state", 0, CLI_TEXT, &a.state, "DIR",
         "what `replay --state` wrote, instead of the site's data"},
        {"to", 0, CLI_TEXT, &a.to, "T", "end [now; of a log, its end]"},
        {"log", 'l', CLI_LIST, &a.logs, "FILE",
         "judge what this log would have raised"},
        {"rules", 'r', CLI_LIST, &a.rules, "FILE", "these rules instead of the site's"},
        {"map", 'm', CLI_TEXT, &a.map, "MAP", "how a foreign CSV maps to our points"},
        {"stale-after", 0, CLI_TEXT, &a.stale_after, "TIME",
         "of the log, instead of the configured one"},
        {"operators", 0, CLI_TEXT, &a.operators, "N", "who share the alarms [1]"},
        {"top", 0, CLI_TEXT, &a.top, "N", "worst alarms shown [10]"},
        {"no-advice", 0, CLI_FLAG, &a.no_advice, NULL,
         "do not try other deadbands and delays"},
        {"format", 'f', CLI_TEXT, &a.format, "text|json|csv|html",
         "[text]; alarms: text or json"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "the same as --format json"},
        {"quiet", 'q', CLI_FLAG, &a.quiet, NULL, "no progress and no warnings"},
    };
    bool done = false;
    int status =
        cli_parse(self, options, ARRAY_LEN(options), argc, argv, &a.words, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (a.words.count == 0) {
        return run_figures(self, &a);
    }
    if (strcmp(a.words.items[0], "alarms") != 0) {
        return cli_usage_error(self, "there is no report \"%s\"; `alarms`, or no word",
                               a.words.items[0]);
    }
    if (a.words.count > 1) {
        return cli_usage_error(self, "\"%s\" is not expected here", a.words.items[1]);
    }
    if (a.format != NULL && strcmp(a.format, "text") != 0 &&
        strcmp(a.format, "json") != 0) {
        return cli_usage_error(self, "--format is text or json");
    }
    if (a.compare != NULL || a.state != NULL || a.type != NULL || a.area != NULL ||
        a.device != NULL) {
        return cli_usage_error(self, "--compare, --type, --area, --device and --state "
                                     "go with `report` without a word");
    }
    a.json = a.json || (a.format != NULL && strcmp(a.format, "json") == 0);
    return report_alarms(self, &a);
}

const struct cli_command cli_report = {
    "report", "figures over a period: the site's equipment and work, or its alarms",
    "[-c SITE] [--from T] [--to T] [--compare T..T] [--type WORD] [--area TEXT]\n"
    "         [--device ID] [--state DIR] [--format text|json|csv|html]\n"
    "       caretaker report alarms [-c SITE] [--from T] [--to T] [--log FILE]...\n"
    "         [--rules FILE]... [--map MAP] [--stale-after TIME] [--operators N]\n"
    "         [--top N] [--no-advice] [--format text|json] [--quiet]",
    "Without a word: availability, fault rates, MTBF and MTTR with their bounds, "
    "response\n"
    "and solution times, deadlines kept, faults that come back, causes, cost, work "
    "and\n"
    "rating by person and team, planned and unplanned work, false alarms, life used "
    "and\n"
    "energy, of the period [from, to).  --compare sets another period beside it: its "
    "first\n"
    "table is fault rate, cost, response time and what people reported, each with the\n"
    "change in %, a 90 % interval and whether that says anything.  --format html is "
    "one\n"
    "page with charts that prints on A4:\n"
    "  caretaker report --from 2026-01-01 --to 2027-01-01 \\\n"
    "    --compare 2025-01-01..2026-01-01 --format html > report.html\n"
    "\n"
    "  fault     a ticket of kind fault or reported that was not closed as a false "
    "alarm\n"
    "  failure   a fault of priority urgent or critical\n"
    "  down      an alarm of severity urgent or critical stands, or a ticket of that\n"
    "            priority that a person reported is not resolved\n"
    "  available up / (up + down): what was out of service without a fault, or could "
    "not\n"
    "            be seen, counts for neither\n"
    "  MTBF      time up / failures, with the value that it has at least (90 %); below "
    "5\n"
    "            failures only that is shown.  MTTR: report to solution, at most (90 "
    "%)\n"
    "  in time   no deadline of the ticket was ever missed; running ones do not count\n"
    "  A ticket counts with all its work where it was opened; times are cut at the "
    "edges.\n"
    "\n"
    "alarms: rates, floods, worst alarms, chatter, alarms that stood over 24 h and "
    "the\n"
    "split of priorities, each beside its target of ISA-18.2 and EEMUA 191; and for "
    "each\n"
    "of the worst, which deadband, on-delay or off-delay would have spared raises, "
    "and\n"
    "what it would have cost: the rule is really run with them over the recorded\n"
    "samples.\n"
    "The events are the site's own (the daemon may be down), or with --log those that\n"
    "the recorded log would make.\n"
    "T is RFC 3339, YYYY-MM-DD[ HH:MM[:SS]] in the site's zone, now, or an age like "
    "-1h;\n"
    "a raise at the very time of --to is in the next period.\n",
    run};
