#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/log_lines.h"
#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/replay/replay.h"
#include "daemon/pipeline/replay/replay_diff.h"

struct arguments {
    const char *site, *format, *map, *bus, *stale_after, *until;
    const char *diff; /* The one of `diffs`; NULL: none. */
    const char *from, *to, *device;
    const char *seed;
    const char *state, *commands;
    struct cli_list rules, logs, diffs;
    struct cli_list what_if[WHAT_IF_KINDS];
    bool from_history, strict, quiet;
};

/* Which part of the history; times are in the site's zone, ages go back from now. */
static int
fill_history(const struct cli_command *self,
             const struct arguments *a,
             struct replay_history *h)
{
    int64_t now_ms = clock_real_ms();
    struct err err;

    *h = (struct replay_history){
        .from_ms = INSTANT_NONE, .to_ms = INSTANT_MAX, .device = a->device};
    if (!a->from_history && (a->from != NULL || a->to != NULL || a->device != NULL)) {
        return cli_usage_error(self,
                               "--from, --to and --device say what of the history is "
                               "replayed; --from-history is missing");
    }
    if ((a->from != NULL &&
         instant_parse_relative(&h->from_ms, a->from, now_ms, &err) != 0) ||
        (a->to != NULL &&
         instant_parse_relative(&h->to_ms, a->to, now_ms, &err) != 0)) {
        return cli_usage_error(self, "%s", err.text);
    }
    if (h->from_ms > h->to_ms) {
        return cli_usage_error(self, "--from is later than --to");
    }
    return CLI_OK;
}

static int
fill_options(const struct cli_command *self,
             const struct arguments *a,
             struct replay_options *o)
{
    struct err err;
    if (a->format != NULL && strcmp(a->format, "jsonl") == 0) {
        o->format = REPLAY_JSONL;
    } else if (a->format != NULL && strcmp(a->format, "text") != 0) {
        return cli_usage_error(self, "--format is text or jsonl");
    }
    if (a->stale_after != NULL &&
        duration_parse(&o->stale_after_ms, a->stale_after, &err) != 0) {
        return cli_usage_error(self, "--stale-after: %s", err.text);
    }
    if (a->until != NULL &&
        instant_parse_relative(&o->until_ms, a->until, clock_real_ms(), &err) != 0) {
        return cli_usage_error(self, "--until: %s", err.text);
    }
    return CLI_OK;
}

/* How the samples are to be spoilt; NULL in `*asked` when they are not. */
static int
fill_what_if(const struct cli_command *self,
             const struct arguments *a,
             struct what_if_options *w,
             const struct what_if_options **asked)
{
    char *end = NULL;
    *w = (struct what_if_options){.seed = WHAT_IF_SEED};
    *asked = NULL;
    for (int kind = 0; kind < WHAT_IF_KINDS; kind++) {
        w->texts[kind] = a->what_if[kind].items;
        w->counts[kind] = a->what_if[kind].count;
        *asked = w->counts[kind] > 0 ? w : *asked;
    }
    if (a->seed != NULL) {
        errno = 0;
        w->seed = strtoull(a->seed, &end, 10);
        if (*a->seed < '0' || *a->seed > '9' || *end != '\0' || errno != 0) {
            return cli_usage_error(self, "--seed is a whole number from 0");
        }
    }
    return CLI_OK;
}

static void
print_what_if(const struct what_if_counts *c)
{
    fprintf(stderr,
            tr("what if: %" PRIu64 " sample%s drifted, %" PRIu64 " with noise, %" PRIu64
               " stuck, %" PRIu64 " dropped, %" PRIu64 " frame%s at another time"),
            c->changed[WHAT_IF_DRIFT], cli_s(c->changed[WHAT_IF_DRIFT]),
            c->changed[WHAT_IF_NOISE], c->changed[WHAT_IF_STICK],
            c->changed[WHAT_IF_DROP], c->changed[WHAT_IF_SHIFT],
            cli_s(c->changed[WHAT_IF_SHIFT]));
    if (c->back > 0) {
        fprintf(stderr, tr(", %" PRIu64 " sample%s lost because the clock went back"),
                c->back, cli_s(c->back));
    }
    fputc('\n', stderr);
}

static void
print_summary(const struct replay_result *r)
{
    char from[INSTANT_TEXT_BYTES] = "-";
    char to[INSTANT_TEXT_BYTES] = "-";
    if (r->first_ms != INSTANT_NONE) {
        instant_format_local(from, r->first_ms);
        instant_format_local(to, r->last_ms);
    }
    fprintf(stderr,
            tr("%" PRIu64 " row%s (%" PRIu64 " bad), %" PRIu64
               " sample%s, %s .. %s: %" PRIu64 " event%s\n"),
            r->rows, cli_s(r->rows), r->bad_rows, r->samples, cli_s(r->samples), from,
            to, r->events, cli_s(r->events));
    if (r->commands > 0) {
        fprintf(stderr, tr("%" PRIu64 " command%s, %" PRIu64 " refused\n"), r->commands,
                cli_s(r->commands), r->refused);
    }
    if (r->exchanges + r->elsewhere > 0) {
        fprintf(stderr, tr("%" PRIu64 " read%s on the wire, %" PRIu64 " of no point"),
                r->exchanges + r->elsewhere, cli_s(r->exchanges + r->elsewhere),
                r->unmatched);
        if (r->elsewhere > 0) {
            fprintf(stderr,
                    tr(", %" PRIu64 " on no bus of the site (%s; --bus ID forces one)"),
                    r->elsewhere, r->elsewhere_at);
        }
        fputc('\n', stderr);
    }
    if (r->unknown > 0) {
        fprintf(stderr,
                tr("%" PRIu64 " sample%s of the history %s of no point of the site\n"),
                r->unknown, cli_s(r->unknown), r->unknown == 1 ? "is" : "are");
    }
    if (r->late_samples * 2 > r->samples) {
        fprintf(
            stderr,
            tr("most samples came when their point was stale already: this log has a "
               "slower rhythm than the\nsite's polls; give --stale-after (three times "
               "the log's interval)\n"));
    }
}

/* An end that leaves nothing is a slip more often than a wish. */
static void
tell_early_end(const struct arguments *a, const struct replay_result *r)
{
    char text[INSTANT_TEXT_BYTES];
    if (r->first_ms == INSTANT_NONE && r->beyond_ms != INSTANT_NONE) {
        fprintf(
            stderr,
            tr("caretaker: --until %s is before the first row, which is of %s; nothing "
               "was replayed\n"),
            a->until, instant_format_local(text, r->beyond_ms));
    }
}

/* The same logs through the site's rules, then through the others. */
static int
compare(struct site *site,
        const struct arguments *a,
        const struct replay_options *options,
        struct replay_result *result,
        struct replay_diff *diff,
        struct diags *diags,
        struct err *err)
{
    struct replay_result again;
    struct replay_options one = *options;
    struct replay_alarms *base = replay_alarms_new();
    struct replay_alarms *other = replay_alarms_new();
    struct site *changed = config_load_site(a->site, &a->diff, 1, diags);
    int code = 0;
    if (base == NULL || other == NULL) {
        code = err_set(err, ERR_NOMEM, "replay");
    } else if (changed == NULL) {
        code = err_set(err, ERR_CONFIG, "%s has errors", a->diff);
    }
    one.take_event = replay_alarms_event;
    one.take_ctx = base;
    if (code == 0) {
        code = replay_run(site, &one, stdout, result, diags, err);
    }
    one.take_ctx = other;
    one.again = true;
    if (code == 0) {
        code = replay_run(changed, &one, stdout, &again, diags, err);
    }
    if (code == 0) {
        code = replay_diff_print(base, other, options->format, stdout, diff, err);
    }
    site_free(changed);
    replay_alarms_free(base);
    replay_alarms_free(other);
    return code;
}

static void
print_diff(const struct arguments *a, const struct replay_diff *d)
{
    const struct replay_diff_counts *c = &d->all;
    if (a->diff == NULL) {
        return;
    }
    fprintf(stderr,
            tr("with %s: %" PRIu64 " alarm%s the same, %" PRIu64 " gained, %" PRIu64
               " lost, %" PRIu64 " moved\n"),
            a->diff, c->same, cli_s(c->same), c->gained, c->lost, c->moved);
    for (size_t i = 0; i < d->total_count; i++) {
        const struct replay_diff_total *t = &d->totals[i];
        c = &t->counts;
        fprintf(stderr,
                tr("  %s/%s: %" PRIu64 " the same, %" PRIu64 " gained, %" PRIu64
                   " lost, %" PRIu64 " moved\n"),
                t->device, t->rule, c->same, c->gained, c->lost, c->moved);
    }
}

/* All that the command line asks for, checked. */
struct asked {
    struct replay_options options; /* Points to what follows. */
    struct replay_history history;
    struct what_if_options what_if;
    struct log_map *map;          /* Owned; NULL: none. */
    struct replay_case *commands; /* Owned; NULL: none. */
};

/* Once the site is loaded: times are in its zone. */
static int
fill(const struct cli_command *self,
     const struct arguments *a,
     struct asked *out,
     struct diags *diags)
{
    struct replay_options *o = &out->options;
    *out = (struct asked){.options = {.until_ms = INSTANT_NONE,
                                      .strict = a->strict,
                                      .bus = a->bus,
                                      .state_dir = a->state,
                                      .silent = a->state != NULL && a->format == NULL,
                                      .logs = a->logs.items,
                                      .log_count = a->logs.count,
                                      .progress = !a->quiet && isatty(STDERR_FILENO)}};
    int status = fill_options(self, a, o);
    if (status == CLI_OK) {
        status = fill_history(self, a, &out->history);
        o->history = a->from_history ? &out->history : NULL;
    }
    if (status == CLI_OK) {
        status = fill_what_if(self, a, &out->what_if, &o->what_if);
    }
    if (status == CLI_OK && a->map != NULL) {
        o->map = out->map = config_load_map(a->map, diags);
        status = out->map != NULL ? CLI_OK : CLI_CONFIG;
    }
    if (status == CLI_OK && a->commands != NULL) {
        o->commands = out->commands = config_load_commands(a->commands, diags);
        status = out->commands != NULL ? CLI_OK : CLI_CONFIG;
    }
    return status;
}

static int
play(const struct cli_command *self,
     const struct arguments *a,
     struct site *site,
     const struct replay_options *options,
     struct diags *diags)
{
    struct err err = {0};
    struct replay_result result;
    struct replay_diff diff = {.totals = NULL};
    int code = a->diff != NULL
                   ? compare(site, a, options, &result, &diff, diags, &err)
                   : replay_run(site, options, stdout, &result, diags, &err);
    if (code == ERR_RANGE) { /* Of what is to be spoilt, and how. */
        return cli_usage_error(self, "%s", err.text);
    }
    if (code != 0 && diags->errors == 0) {
        cli_fail(&err);
    } else if (code == 0) {
        tell_early_end(a, &result);
    }
    if (code == 0 && !a->quiet) {
        print_summary(&result);
        if (options->what_if != NULL) {
            print_what_if(&result.what_if);
        }
        print_diff(a, &diff);
    }
    bool differs = diff.total_count > 0;
    replay_diff_fini(&diff);
    return code == 0 && differs ? CLI_NO : err_exit_status(code);
}

/* What can be read but once is at its end for the second set of rules. */
static int
refuse_streams(const struct cli_command *self, const struct arguments *a)
{
    for (uint32_t i = 0; a->diff != NULL && i < a->logs.count; i++) {
        const char *path = a->logs.items[i];
        struct stat st;
        if (strcmp(path, LOG_STDIN) == 0 ||
            (stat(path, &st) == 0 && !S_ISREG(st.st_mode))) {
            return cli_usage_error(
                self,
                "--diff reads each log twice, and %s can be read but "
                "once; a file is accepted",
                log_lines_name(path));
        }
    }
    return CLI_OK;
}

static int
replay(const struct cli_command *self, const struct arguments *a)
{
    struct asked asked = {0};
    struct diags diags;
    diags_init(&diags);
    int status = CLI_CONFIG;
    cli_speak(a->site);
    struct site *site =
        config_load_site(a->site, a->rules.items, a->rules.count, &diags);
    if (site != NULL) {
        status = fill(self, a, &asked, &diags);
    }
    if (status == CLI_OK) {
        status = play(self, a, site, &asked.options, &diags);
    }
    if (diags.errors > 0) {
        diags_sort(&diags);
        diags_print(&diags, stderr);
    }
    diags_fini(&diags);
    log_map_free(asked.map);
    replay_case_free(asked.commands);
    site_free(site);
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"rules", 'r', CLI_LIST, &a.rules, "FILE", "these rules instead of the site's"},
        {"diff", 0, CLI_LIST, &a.diffs, "FILE",
         "what would be different with these rules; exit 1 if anything"},
        {"format", 'f', CLI_TEXT, &a.format, "text|jsonl", "one event a line [text]"},
        {"map", 'm', CLI_TEXT, &a.map, "MAP", "how a foreign CSV maps to our points"},
        {"bus", 'b', CLI_TEXT, &a.bus, "ID", "the bus that raw records are of"},
        {"stale-after", 0, CLI_TEXT, &a.stale_after, "TIME",
         "instead of the configured one"},
        {"from-history", 0, CLI_FLAG, &a.from_history, NULL,
         "the site's own history, also while the daemon runs"},
        {"from", 0, CLI_TEXT, &a.from, "T", "its first moment [the oldest sample]"},
        {"to", 0, CLI_TEXT, &a.to, "T", "its last moment [the newest sample]"},
        {"device", 'd', CLI_TEXT, &a.device, "ID", "only this device of it"},
        {"until", 0, CLI_TEXT, &a.until, "T", "end [the last row's time]"},
        {"strict", 0, CLI_FLAG, &a.strict, NULL, "stop at the first bad row"},
        {"noise", 0, CLI_LIST, &a.what_if[WHAT_IF_NOISE], "POINT=SIGMA",
         "what if: noise of that standard deviation"},
        {"drift", 0, CLI_LIST, &a.what_if[WHAT_IF_DRIFT], "POINT=PER_DAY",
         "what if: so much more a day"},
        {"stick", 0, CLI_LIST, &a.what_if[WHAT_IF_STICK], "POINT[@SPAN]",
         "what if: the value does not move"},
        {"drop", 0, CLI_LIST, &a.what_if[WHAT_IF_DROP], "[POINT=]SHARE",
         "what if: that share of polls, or of samples, is lost"},
        {"shift-clock", 0, CLI_LIST, &a.what_if[WHAT_IF_SHIFT], "AGE[@SPAN]",
         "what if: the clock is ahead, or with - behind"},
        {"seed", 0, CLI_TEXT, &a.seed, "N", "other chances for noise and drop [1]"},
        {"commands", 0, CLI_TEXT, &a.commands, "FILE",
         "what people do meanwhile: commands: as in a case"},
        {"state", 0, CLI_TEXT, &a.state, "DIR",
         "write a state.db in this new folder; events only with --format"},
        {"quiet", 'q', CLI_FLAG, &a.quiet, NULL,
         "no progress and no summary; bad rows are told"},
    };
    bool done = false;
    int status =
        cli_parse(self, options, ARRAY_LEN(options), argc, argv, &a.logs, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (a.logs.count == 0 && !a.from_history) {
        return cli_usage_error(self, "no log was given; LOG..., --from-history or both "
                                     "are accepted");
    }
    if (a.diffs.count > 1) {
        return cli_usage_error(self, "--diff was given %u times; one FILE is compared",
                               a.diffs.count);
    }
    if (a.state != NULL) {
        log_init(LOG_LEVEL_WARNING); /* Events are the journal's, not the log's. */
    }
    a.diff = a.diffs.count > 0 ? a.diffs.items[0] : NULL;
    if (a.diff != NULL && (a.state != NULL || a.commands != NULL)) {
        return cli_usage_error(self, "--state and --commands do not go with --diff");
    }
    status = refuse_streams(self, &a);
    return status != CLI_OK ? status : replay(self, &a);
}

const struct cli_command cli_replay = {
    "replay", "recorded samples through the site's rules, in virtual time",
    "[-c SITE] [--rules FILE]... [--diff FILE] [--map MAP] [--bus ID]\n"
    "       [--format text|jsonl] [--stale-after TIME] [--until T] [--strict] "
    "[--quiet]\n"
    "       [--noise POINT=SIGMA]... [--drift POINT=PER_DAY]... "
    "[--stick POINT[@SPAN]]...\n"
    "       [--drop [POINT=]SHARE]... [--shift-clock AGE[@SPAN]]... [--seed N]\n"
    "       [--commands FILE] [--state DIR]\n"
    "       [--from-history [--from T] [--to T] [--device ID]] LOG...",
    "A log is CSV with a header: long "
    "(time,device,point,value[,quality[,detail[,clock]]]) or\n"
    "wide (time,pump-1.pressure,...), its cells separated by commas, semicolons or "
    "tabs; or\n"
    "JSON lines with the words of the long form.  Where no comma separates, 90,5 is "
    "90.5 too.  A\n"
    "LOG of - is standard input.  Several logs are merged by time.\n"
    "Alarms and tickets are made by the very code of the daemon; the same input gives "
    "the same\n"
    "output.  Bad rows are reported, counted and skipped.  The site's databases are "
    "not touched.\n"
    "A LOG may also be what `caretaker record` wrote, or a packet capture (pcap, "
    "pcapng) "
    "of\n"
    "Modbus TCP or RTU over TCP: its frames are decoded through the site's points.  A "
    "record\n"
    "names its bus; in a capture a connection belongs to the bus of the same address "
    "and port.\n"
    "With --from-history the site's own samples are read, alone or beside LOGs; of one "
    "time "
    "in\n"
    "the order in which `caretaker export` writes them.\n"
    "--noise, --drift, --stick, --drop and --shift-clock spoil the samples on their "
    "way "
    "in, the\n"
    "same way each time; each may be repeated.  POINT is DEVICE.POINT, or the POINT of "
    "every\n"
    "device; * is any.  SPAN is FROM..TO, each an instant, an age such as +10m from "
    "the "
    "first\n"
    "row, or left out.  SHARE is 0.05 or 5%.\n"
    "--commands FILE lets people act meanwhile: commands: [{at: .., do: .., ...}], as "
    "in "
    "a case.\n"
    "--state DIR makes a state.db in a folder that is new or empty, so that `caretaker "
    "report\n"
    "--state DIR` shows the figures of recorded samples; nothing goes outside.\n"
    "With --diff the logs run through both sets of rules, and what is printed are the "
    "alarms\n"
    "that FILE would gain, lose, or move in time or severity; then how many of each, "
    "by device\n"
    "and rule.\n",
    run};
