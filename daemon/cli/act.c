/* ack and ticket: what people do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/strbuf.h"
#include "daemon/cli/cli.h"
#include "daemon/model/command.h"

struct action {
    const char *site, *by, *device, *rule, *note, *to, *priority;
    bool json;
    int64_t ticket;
    int rating;
};

static int
send_action(const struct action *a, enum command_kind kind, const char *said)
{
    struct site *site = cli_site(a->site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
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
    strbuf_add_char(&body, '}');
    struct strbuf answer = {0};
    struct err err = {0};
    int code = cli_ask(site->data_dir, "POST", "/api/v1/commands", strbuf_text(&body),
                       &answer, &err);
    int status = CLI_OK;
    if (code != 0) {
        status = cli_fail(&err);
    } else if (a->json) {
        puts(strbuf_text(&answer));
    } else {
        const char *number = strstr(strbuf_text(&answer), "\"ticket\":");
        if (number != NULL) {
            printf("ticket %ld: %s\n", strtol(number + strlen("\"ticket\":"), NULL, 10),
                   said);
        } else {
            printf("%s\n", said);
        }
    }
    strbuf_fini(&body);
    strbuf_fini(&answer);
    site_free(site);
    return status;
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
    if (args.count == 1 && strchr(args.items[0], '/') != NULL) {
        const char *slash = strchr(args.items[0], '/');
        snprintf(device, sizeof device, "%.*s", (int)(slash - args.items[0]),
                 args.items[0]);
        a.device = device;
        a.rule = slash + 1;
    } else if (args.count == 2) {
        a.device = args.items[0];
        a.rule = args.items[1];
    } else {
        return cli_usage_error(self, "name the alarm: DEVICE RULE, or DEVICE/RULE");
    }
    return send_action(&a, COMMAND_ACK, "acknowledged");
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
