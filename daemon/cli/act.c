/* ack, shelve, unshelve and service: what people do to alarms and devices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/cli/act.h"
#include "daemon/cli/cli.h"
#include "daemon/model/command.h"

/* `--until` as an instant in UTC: only here is it known what "-1h" and a local time
 * mean.  False when it cannot be read (reported). */
static bool
add_until(struct strbuf *body, const char *text)
{
    struct err err = {0};
    int64_t t_ms = 0;
    if (text == NULL) {
        return true;
    }
    if (instant_parse_relative(&t_ms, text, clock_real_ms(), &err) != 0) {
        fprintf(stderr, tr("caretaker: --until: %s\n"), err.text);
        return false;
    }
    strbuf_json_time(body, "until", t_ms);
    return true;
}

static int
print_answer(const struct action *a, const char *answer, const char *said)
{
    const char *number = strstr(answer, "\"ticket\":");
    if (a->json) {
        puts(answer);
    } else if (number != NULL) {
        printf(tr("ticket %ld: %s\n"), strtol(number + strlen("\"ticket\":"), NULL, 10),
               tr(said));
    } else {
        puts(tr(said));
    }
    return CLI_OK;
}

/* An alarm may be named by RULE and DEVICE too, where that is what the site has. */
static void
put_in_order(struct action *a, const struct site *site)
{
    if (a->device == NULL || a->rule == NULL ||
        site_device(site, a->device) != NONE_INDEX ||
        site_device(site, a->rule) == NONE_INDEX ||
        site_rule(site, a->device) == NONE_INDEX) {
        return;
    }
    const char *rule = a->device;
    a->device = a->rule;
    a->rule = rule;
}

int
act_send(struct action *a, enum command_kind kind, const char *said)
{
    struct site *site = cli_site(a->site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    put_in_order(a, site);
    struct strbuf body = {0};
    strbuf_add_char(&body, '{');
    strbuf_json_str(&body, "cmd", command_kind_name(kind));
    strbuf_json_str_opt(&body, "device", a->device);
    strbuf_json_str_opt(&body, "rule", a->rule);
    if (a->ticket != 0) {
        strbuf_json_int(&body, "ticket", a->ticket);
    }
    strbuf_json_str(&body, "by", a->by != NULL ? a->by : cli_login());
    strbuf_json_str_opt(&body, "assignee", a->to);
    strbuf_json_str_opt(&body, "note", a->note);
    strbuf_json_str_opt(&body, "priority", a->priority);
    if (a->rating != 0) {
        strbuf_json_int(&body, "rating", a->rating);
    }
    strbuf_json_str_opt(&body, "for", a->how_long);
    strbuf_json_str_opt(&body, "state", a->state);
    if (a->more.size > 0) {
        strbuf_printf(&body, ",%s", strbuf_text(&a->more));
    }
    struct strbuf answer = {0};
    struct err err = {0};
    int status = CLI_USAGE;
    if (add_until(&body, a->until)) {
        strbuf_add_char(&body, '}');
        int code = cli_ask(site->data_dir, "POST", "/api/v1/commands",
                           strbuf_text(&body), &answer, &err);
        status =
            code != 0 ? cli_fail(&err) : print_answer(a, strbuf_text(&answer), said);
    }
    strbuf_fini(&body);
    strbuf_fini(&answer);
    site_free(site);
    return status;
}

/* DEVICE RULE, or DEVICE/RULE; `device` of ID_BYTES_MAX may hold the first of them. */
static int
take_alarm(const struct cli_command *self,
           struct action *a,
           const struct cli_list *args,
           char *device)
{
    if (args->count == 1 && strchr(args->items[0], '/') != NULL) {
        const char *slash = strchr(args->items[0], '/');
        snprintf(device, ID_BYTES_MAX, "%.*s", (int)(slash - args->items[0]),
                 args->items[0]);
        a->device = device;
        a->rule = slash + 1;
        return CLI_OK;
    }
    if (args->count == 2) {
        a->device = args->items[0];
        a->rule = args->items[1];
        return CLI_OK;
    }
    return cli_usage_error(self, "name the alarm: DEVICE RULE, or DEVICE/RULE");
}

static int
run_ack(const struct cli_command *self, int argc, char **argv)
{
    struct action a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"by", 'b', CLI_TEXT, &a.by, "NAME", "who acknowledges [the login name]"},
        {"note", 'n', CLI_TEXT, &a.note, "TEXT", "what is to be remembered"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "print the daemon's answer"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    char device[ID_BYTES_MAX] = "";
    status = take_alarm(self, &a, &args, device);
    return status != CLI_OK ? status : act_send(&a, COMMAND_ACK, "acknowledged");
}

#define HIDING_OPTIONS                                                                 \
    {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},      \
        {"by", 'b', CLI_TEXT, &a.by, "NAME", "who does it [the login name]"},          \
        {"reason", 'r', CLI_TEXT, &a.note, "TEXT", "why"},                             \
        {"for", 'f', CLI_TEXT, &a.how_long, "DURATION", "how long, e.g. 2h"},          \
        {"until", 'u', CLI_TEXT, &a.until, "TIME", "or until when"},                   \
        {"json", 'j', CLI_FLAG, &a.json, NULL, "print the daemon's answer"},

/* How long something is to be hidden. */
static int
check_end(const struct cli_command *self, const struct action *a, bool required)
{
    if (a->how_long != NULL && a->until != NULL) {
        return cli_usage_error(self, "--for DURATION, or --until TIME: one of the two");
    }
    if (required && a->how_long == NULL && a->until == NULL) {
        return cli_usage_error(self, "say how long: --for DURATION, or --until TIME");
    }
    return CLI_OK;
}

static int
run_shelve(const struct cli_command *self, int argc, char **argv)
{
    struct action a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {HIDING_OPTIONS};
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    char device[ID_BYTES_MAX] = "";
    status = take_alarm(self, &a, &args, device);
    if (status != CLI_OK) {
        return status;
    }
    if (a.note == NULL) {
        return cli_usage_error(self, "say why: --reason TEXT");
    }
    status = check_end(self, &a, true);
    return status != CLI_OK ? status : act_send(&a, COMMAND_SHELVE, "shelved");
}

static int
run_unshelve(const struct cli_command *self, int argc, char **argv)
{
    struct action a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"by", 'b', CLI_TEXT, &a.by, "NAME", "who does it [the login name]"},
        {"note", 'n', CLI_TEXT, &a.note, "TEXT", "what is to be remembered"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "print the daemon's answer"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    char device[ID_BYTES_MAX] = "";
    status = take_alarm(self, &a, &args, device);
    return status != CLI_OK ? status : act_send(&a, COMMAND_UNSHELVE, "it shows again");
}

static int
run_service(const struct cli_command *self, int argc, char **argv)
{
    struct action a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {HIDING_OPTIONS};
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count == 0) {
        return cli_list_service(a.site, a.json);
    }
    bool out = args.count == 2 && strcmp(args.items[1], "out") == 0;
    if (!out && !(args.count == 2 && strcmp(args.items[1], "in") == 0)) {
        return cli_usage_error(self, "say what: DEVICE out, or DEVICE in");
    }
    if (out && a.note == NULL) {
        return cli_usage_error(self, "say why: --reason TEXT");
    }
    status = check_end(self, &a, false);
    if (status != CLI_OK) {
        return status;
    }
    a.device = args.items[0];
    a.state = args.items[1];
    return act_send(&a, COMMAND_SERVICE, out ? "out of service" : "in service again");
}

const struct cli_command cli_ack = {
    "ack", "acknowledge an alarm", "DEVICE RULE|DEVICE/RULE [--by NAME] [--note TEXT]",
    "Says that somebody has seen it.  The alarm stays until its condition clears.\n",
    run_ack};
const struct cli_command cli_shelve = {
    "shelve", "hide an alarm for a time",
    "DEVICE RULE|DEVICE/RULE --for DURATION --reason TEXT [--by NAME]",
    "While it is shelved nobody is told of it and no ticket is opened; `alarms` lists "
    "it\n"
    "with who shelved it, why and until when.  It is judged all the time: if it "
    "stands\n"
    "when its time is over, it is told then.  A recovery is always told.\n"
    "To shelve it again changes the reason and the end.\n",
    run_shelve};
const struct cli_command cli_unshelve = {
    "unshelve", "show a shelved alarm again", "DEVICE RULE|DEVICE/RULE [--by NAME]",
    "If it stands, it is told now.\n", run_unshelve};
const struct cli_command cli_service = {
    "service", "take a device out of service, or back",
    "[DEVICE out --reason TEXT [--for DURATION|--until TIME] | DEVICE in] [--by NAME]",
    "While a device is out of service its alarms are hidden: nobody is told and no "
    "ticket\n"
    "is opened.  What stands when it comes back is told then.  Without a device: "
    "lists\n"
    "what is out of service, by whom, why and until when.\n",
    run_service};
