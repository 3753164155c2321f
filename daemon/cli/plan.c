/* plan: the visits of the coming weeks, and what people do to them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/output.h"
#include "daemon/cli/plan_print.h"
#include "daemon/cli/plan_tables.h"
#include "daemon/model/command.h"
#include "daemon/pipeline/listings/offline.h"
#include "daemon/pipeline/plan/plan_ical.h"
#include "daemon/pipeline/plan/plan_listing.h"
#include "daemon/pipeline/plan/plan_sums.h"

struct planning {
    const char *site, *weeks, *from, *to, *team, *device, *plan;
    const char *by, *note, *on;
    bool json, ics, csv, bom, brief, budget, parts;
};

/* ---- What is due ---- */

/* A date of the site's calendar; `text` may be an instant or an age too. */
static bool
read_day(const char *option, const char *text, int32_t *out)
{
    struct err err = {0};
    int64_t t_ms = 0;
    if (text == NULL) {
        return true;
    }
    if (instant_parse_relative(&t_ms, text, clock_real_ms(), &err) != 0) {
        fprintf(stderr, "caretaker: --%s: %s\n", option, err.text);
        return false;
    }
    *out = civil_day(t_ms);
    return true;
}

static int
read_weeks(const struct cli_command *self, const char *text, int *weeks)
{
    char *end = NULL;
    *weeks = PLAN_WEEKS_DEFAULT;
    if (text == NULL) {
        return CLI_OK;
    }
    long number = strtol(text, &end, 10);
    if (text[0] == '\0' || *end != '\0' || number < 1 || number > PLAN_WEEKS_MAX) {
        return cli_usage_error(self, "--weeks is a whole number from 1 to %d",
                               PLAN_WEEKS_MAX);
    }
    *weeks = (int)number;
    return CLI_OK;
}

static int
fetch(const struct site *site,
      const struct plan_filter *filter,
      struct strbuf *answer,
      struct err *err)
{
    struct strbuf path = {0};
    strbuf_add(&path, "/api/v1/plan");
    cli_query(&path, "team", filter->team);
    cli_query(&path, "device", filter->device);
    cli_query(&path, "plan", filter->plan);
    cli_query(&path, "from", filter->from);
    cli_query(&path, "to", filter->to);
    cli_query(&path, "language", filter->language);
    int code = cli_ask(site->data_dir, "GET", strbuf_text(&path), NULL, answer, err);
    if (code == ERR_IO) {
        strbuf_clear(answer);
        code = offline_listing_plan(site, filter, answer, err);
    }
    strbuf_fini(&path);
    return code;
}

/* What is asked for of the listing `visits`, which it may replace. */
static enum plan_sheet
sum_up(const struct planning *a, const char *from, struct strbuf *visits)
{
    struct strbuf sums = {0};
    if (!a->budget && !a->parts) {
        return PLAN_SHEET_VISITS;
    }
    if (a->budget) {
        plan_budget(&sums, strbuf_text(visits), from);
    } else {
        plan_parts(&sums, strbuf_text(visits));
    }
    strbuf_fini(visits);
    *visits = sums;
    return a->budget ? PLAN_SHEET_BUDGET : PLAN_SHEET_PARTS;
}

static int
print(const struct planning *a,
      const struct site *site,
      const char *from,
      struct strbuf *answer,
      const char *file)
{
    struct strbuf text = {0};
    int status = CLI_OK;
    enum plan_sheet sheet = sum_up(a, from, answer);
    if (a->ics) {
        plan_ical(&text, site->name != NULL ? site->name : site->id,
                  strbuf_text(answer), clock_real_ms());
        status = output_text(file, &text);
    } else if (a->csv) {
        plan_csv(&text, sheet, strbuf_text(answer), a->bom);
        status = output_text(file, &text);
    } else if (a->json) {
        puts(strbuf_text(answer));
    } else if (a->budget) {
        plan_budget_print(strbuf_text(answer), site->currency);
    } else if (a->parts) {
        plan_parts_print(strbuf_text(answer));
    } else {
        plan_print_text(&text, strbuf_text(answer), !a->brief, site->currency);
        fputs(strbuf_text(&text), stdout);
    }
    strbuf_fini(&text);
    return status;
}

static int
show(const struct planning *a,
     const struct site *site,
     const struct plan_filter *filter,
     const char *file)
{
    struct strbuf answer = {0};
    struct err err = {0};
    int status = fetch(site, filter, &answer, &err) != 0
                     ? cli_fail(&err)
                     : print(a, site, filter->from, &answer, file);
    strbuf_fini(&answer);
    return status;
}

/* Asks only for what the site has: a word that was misspelt is no empty list. */
static int
check_names(const struct planning *a, const struct site *site)
{
    const char *noun = NULL;
    const char *name = NULL;
    if (a->device != NULL && site_device(site, a->device) == NONE_INDEX) {
        noun = "device";
        name = a->device;
    } else if (a->plan != NULL && site_plan(site, a->plan) == NONE_INDEX) {
        noun = "plan";
        name = a->plan;
    } else if (a->team != NULL) {
        noun = "team";
        name = a->team;
        for (uint32_t i = 0; i < site->team_count; i++) {
            if (strcmp(site->teams[i].id, a->team) == 0) {
                noun = NULL;
            }
        }
    }
    if (noun != NULL) {
        fprintf(stderr, tr("caretaker: there is no %s \"%s\"\n"), noun, name);
        return CLI_NO;
    }
    return CLI_OK;
}

/* A list is for who reads it, a file for the people of the site unless somebody asked
 * for a language; what machines read is the same for all. */
static const char *
language_of(const struct planning *a, const struct site *site)
{
    if (a->json) {
        return NULL;
    }
    return language_name(a->ics || a->csv ? cli_document_language(site)
                                          : catalogue_language());
}

static int
list(const struct cli_command *self, const struct planning *a, const char *file)
{
    int weeks = 0;
    int status = read_weeks(self, a->weeks, &weeks);
    if (status == CLI_OK && a->weeks != NULL && a->to != NULL) {
        status = cli_usage_error(self, "--weeks N, or --to DATE: one of the two");
    }
    struct site *site = status == CLI_OK ? cli_site(a->site) : NULL;
    if (status != CLI_OK || site == NULL) {
        return status != CLI_OK ? status : CLI_CONFIG;
    }
    status = check_names(a, site);
    int32_t from = civil_day(clock_real_ms());
    int32_t to = DAY_NONE;
    if (status == CLI_OK &&
        (!read_day("from", a->from, &from) || !read_day("to", a->to, &to))) {
        status = CLI_USAGE;
    }
    to = a->to == NULL ? from + 7 * weeks - 1 : to;
    if (status == CLI_OK && to < from) {
        status = cli_usage_error(self, "--to is before --from");
    }
    if (status == CLI_OK) {
        char first[CIVIL_TEXT_BYTES];
        char last[CIVIL_TEXT_BYTES];
        struct plan_filter filter = {.team = a->team,
                                     .device = a->device,
                                     .plan = a->plan,
                                     .from = civil_format(first, from),
                                     .to = civil_format(last, to),
                                     .language = language_of(a, site)};
        status = show(a, site, &filter, file);
    }
    site_free(site);
    return status;
}

/* ---- What is done ---- */

static const struct {
    const char *word;
    enum command_kind kind;
    const char *said;
} actions[] = {
    {"start", COMMAND_PLAN_START, N_("opened")},
    {"done", COMMAND_PLAN_DONE, N_("the visit is on record")},
    {"move", COMMAND_PLAN_MOVE, N_("moved")},
};

static int
send_action(const struct planning *a, enum command_kind kind, const char *said)
{
    int32_t day = 0;
    struct site *site = cli_site(a->site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    if (!read_day("on", a->on, &day)) {
        site_free(site);
        return CLI_USAGE;
    }
    if (kind == COMMAND_PLAN_DONE && a->on == NULL) {
        day = civil_day(clock_real_ms());
    }
    struct strbuf body = {0};
    struct strbuf answer = {0};
    struct err err = {0};
    char text[CIVIL_TEXT_BYTES];
    strbuf_add_char(&body, '{');
    strbuf_json_str(&body, "cmd", command_kind_name(kind));
    strbuf_json_str(&body, "plan", a->plan);
    strbuf_json_str(&body, "device", a->device);
    strbuf_json_str(&body, "by", a->by != NULL ? a->by : cli_login());
    strbuf_json_str_opt(&body, "day", day != 0 ? civil_format(text, day) : NULL);
    strbuf_json_str_opt(&body, "note", a->note);
    strbuf_add_char(&body, '}');
    int code = cli_ask(site->data_dir, "POST", "/api/v1/commands", strbuf_text(&body),
                       &answer, &err);
    int status = code != 0 ? cli_fail(&err) : CLI_OK;
    if (code == 0 && a->json) {
        puts(strbuf_text(&answer));
    } else if (code == 0) {
        const char *number = strstr(strbuf_text(&answer), "\"ticket\":");
        if (number != NULL) {
            printf(tr("ticket %" PRId64 ": "),
                   (int64_t)strtoll(number + strlen("\"ticket\":"), NULL, 10));
        }
        printf("%s\n", tr(said));
    }
    strbuf_fini(&body);
    strbuf_fini(&answer);
    site_free(site);
    return status;
}

/* PLAN DEVICE, and for move a DATE. */
static int
act(const struct cli_command *self,
    struct planning *a,
    size_t action,
    const struct cli_list *args)
{
    bool move = actions[action].kind == COMMAND_PLAN_MOVE;
    if (args->count >= 3) {
        a->plan = args->items[1];
        a->device = args->items[2];
    }
    if (args->count == 4 && actions[action].kind != COMMAND_PLAN_START &&
        a->on == NULL) {
        a->on = args->items[3];
    } else if (args->count > 3) {
        return cli_usage_error(self, "\"%s\" is not expected here", args->items[3]);
    }
    if (a->plan == NULL || a->device == NULL || (move && a->on == NULL)) {
        return cli_usage_error(self, "say which visit: %s PLAN DEVICE%s",
                               actions[action].word, move ? " DATE" : "");
    }
    return send_action(a, actions[action].kind, actions[action].said);
}

static int
check_form(const struct cli_command *self, const struct planning *a)
{
    if (a->ics + a->json + a->csv > 1) {
        return cli_usage_error(self, "--ics, --csv, or --json: one of them");
    }
    if (a->ics + a->budget + a->parts > 1) {
        return cli_usage_error(self, "--ics, --budget, or --parts: one of them");
    }
    if (a->bom && !a->csv) {
        return cli_usage_error(self, "--bom goes with --csv");
    }
    return CLI_OK;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct planning a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"weeks", 'w', CLI_TEXT, &a.weeks, "N", "so many weeks [4]"},
        {"from", 0, CLI_TEXT, &a.from, "DATE", "from this day on [today]"},
        {"to", 0, CLI_TEXT, &a.to, "DATE", "up to this day"},
        {"team", 't', CLI_TEXT, &a.team, "ID", "only of this team"},
        {"device", 'd', CLI_TEXT, &a.device, "ID", "only of this device"},
        {"plan", 'p', CLI_TEXT, &a.plan, "ID", "only of this plan"},
        {"brief", 0, CLI_FLAG, &a.brief, NULL, "without the steps"},
        {"ics", 0, CLI_FLAG, &a.ics, NULL,
         "an iCalendar file, to FILE if one is named"},
        {"budget", 0, CLI_FLAG, &a.budget, NULL,
         "what it costs and how long it takes, by plan and month"},
        {"parts", 0, CLI_FLAG, &a.parts, NULL, "the parts to prepare, by day"},
        {"csv", 0, CLI_FLAG, &a.csv, NULL,
         "for a spreadsheet, to FILE if one is named"},
        {"bom", 0, CLI_FLAG, &a.bom, NULL, "CSV with a byte-order mark, for Excel"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "JSON"},
        {"by", 'b', CLI_TEXT, &a.by, "NAME", "who does it [the login name]"},
        {"on", 0, CLI_TEXT, &a.on, "DATE", "done: when it was made [today]; move: to"},
        {"note", 'n', CLI_TEXT, &a.note, "TEXT", "why, or what is to be remembered"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    for (size_t i = 0; args.count > 0 && i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].word, args.items[0]) == 0) {
            return act(self, &a, i, &args);
        }
    }
    if (args.count > (a.ics || a.csv ? 1u : 0u)) {
        return cli_usage_error(self,
                               "\"%s\" is not expected here; start, done and move "
                               "are accepted",
                               args.items[0]);
    }
    status = check_form(self, &a);
    if (status != CLI_OK) {
        return status;
    }
    return list(self, &a, args.count > 0 ? args.items[0] : NULL);
}

const struct cli_command cli_plan = {
    "plan", "planned maintenance of the coming weeks",
    "[--weeks N] [--from DATE] [--to DATE] [--team ID] [--device ID] [--plan ID]\n"
    "                      [--budget | --parts] [--json | --csv [FILE] | --ics "
    "[FILE]]\n"
    "       caretaker plan start PLAN DEVICE | done PLAN DEVICE [--on DATE]\n"
    "                      | move PLAN DEVICE DATE [--note WHY]   [--by NAME]",
    "Lists the visits by day and team, in the order of the round, with the time they\n"
    "take, the parts to bring and the steps; what is overdue comes first.  Visits of "
    "one\n"
    "team at one place are joined on one day where their windows allow it.  With "
    "--ics\n"
    "as a file for calendars, with --csv for a spreadsheet.\n\n"
    "  --budget --from 2027-01-01 --to 2027-12-31   the year, by plan and month: "
    "visits,\n"
    "                          hours, and the `cost` of each plan\n"
    "  --parts --weeks 6       what is to be there on which day\n"
    "  start PLAN DEVICE       open the ticket of the next visit now\n"
    "  done PLAN DEVICE        a visit that was made, today or --on DATE, without a "
    "ticket\n"
    "  move PLAN DEVICE DATE   the next visit; a statutory one only to an earlier "
    "day\n",
    run};
