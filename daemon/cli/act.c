/* ack, shelve, unshelve, service and ticket: what people do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/cli/cli.h"
#include "daemon/model/command.h"

struct action {
    const char *site, *by, *device, *rule, *note, *to, *priority;
    const char *how_long, *until, *state;
    bool json;
    int64_t ticket;
    int rating;
};

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

static int
send_action(struct action *a, enum command_kind kind, const char *said)
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
    return status != CLI_OK ? status : send_action(&a, COMMAND_ACK, "acknowledged");
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
    return status != CLI_OK ? status : send_action(&a, COMMAND_SHELVE, "shelved");
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
    return status != CLI_OK ? status
                            : send_action(&a, COMMAND_UNSHELVE, "it shows again");
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
    return send_action(&a, COMMAND_SERVICE,
                       out ? "out of service" : "in service again");
}

static const struct {
    const char *word;
    enum command_kind kind;
    const char *said;
} ticket_words[] = {
    {"open", COMMAND_TICKET_OPEN, "opened"},
    {"take", COMMAND_TICKET_TAKE, "assigned"},
    {"arrive", COMMAND_TICKET_ARRIVE, "responded"},
    {"wait", COMMAND_TICKET_WAIT, "waiting"},
    {"resume", COMMAND_TICKET_RESUME, "resumed"},
    {"resolve", COMMAND_TICKET_RESOLVE,
     "resolved; its sensor will confirm it, or close it if none can tell"},
    {"close", COMMAND_TICKET_CLOSE, "closed"},
    {"reopen", COMMAND_TICKET_REOPEN, "reopened"},
    {"note", COMMAND_TICKET_NOTE, "noted"},
    {"rate", COMMAND_TICKET_RATE, "rated"},
};

/* The words after the action: NUMBER (or DEVICE for open), then text or stars. */
static int
take_words(const struct cli_command *self,
           struct action *a,
           enum command_kind kind,
           const struct cli_list *args)
{
    uint32_t at = 1;
    if (kind == COMMAND_TICKET_OPEN) {
        if (at < args->count && a->device == NULL) {
            a->device = args->items[at++];
        }
    } else if (at < args->count) {
        char *end = NULL;
        a->ticket = strtoll(args->items[at], &end, 10);
        if (*end != '\0' || a->ticket < 1) {
            return cli_usage_error(self, "\"%s\" is no ticket number", args->items[at]);
        }
        at++;
    }
    if (kind == COMMAND_TICKET_RATE && at < args->count) {
        char *end = NULL;
        long stars = strtol(args->items[at], &end, 10);
        if (*end != '\0' || stars < 1 || stars > 5) {
            return cli_usage_error(self, "a rating is 1 to 5");
        }
        a->rating = (int)stars;
        at++;
    } else if (at < args->count && a->note == NULL) {
        a->note = args->items[at++];
    }
    if (at < args->count) {
        return cli_usage_error(
            self, "\"%s\" is not expected here; put a text in quotes", args->items[at]);
    }
    if (a->ticket == 0 && a->device == NULL) {
        return cli_usage_error(self, "which ticket? its number, or --device ID");
    }
    return CLI_OK;
}

static int
run_ticket(const struct cli_command *self, int argc, char **argv)
{
    struct action a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"by", 'b', CLI_TEXT, &a.by, "NAME", "who does it [the login name]"},
        {"note", 'n', CLI_TEXT, &a.note, "TEXT",
         "symptom, reason, treatment or comment"},
        {"to", 0, CLI_TEXT, &a.to, "NAME", "take: for somebody else"},
        {"device", 'd', CLI_TEXT, &a.device, "ID", "the open ticket of this device"},
        {"rule", 'r', CLI_TEXT, &a.rule, "ID", "... and of this rule"},
        {"priority", 'p', CLI_TEXT, &a.priority, "WORD",
         "open: critical, urgent or normal"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "print the daemon's answer"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    for (size_t i = 0; args.count > 0 && i < ARRAY_LEN(ticket_words); i++) {
        if (strcmp(ticket_words[i].word, args.items[0]) == 0) {
            status = take_words(self, &a, ticket_words[i].kind, &args);
            return status != CLI_OK
                       ? status
                       : send_action(&a, ticket_words[i].kind, ticket_words[i].said);
        }
    }
    return cli_usage_error(
        self, "say what: open take arrive wait resume resolve close reopen note rate");
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
const struct cli_command cli_ticket = {
    "ticket", "work a ticket", "ACTION NUMBER [TEXT] [--by NAME]",
    "Actions:\n"
    "  open DEVICE TEXT     report a fault (--priority)\n"
    "  take NUMBER          it is mine (or --to NAME)\n"
    "  arrive NUMBER        on site: the response clock stops\n"
    "  wait NUMBER REASON   parts, contractor: the resolve clock stands still\n"
    "  resume NUMBER        go on\n"
    "  resolve NUMBER TEXT  done, and what was done; the sensor confirms it\n"
    "  close NUMBER         close a resolved one without waiting for the sensor\n"
    "  reopen NUMBER TEXT   it was not done after all\n"
    "  note NUMBER TEXT     add a remark\n"
    "  rate NUMBER 1..5     stars for a closed one\n",
    run_ticket};
