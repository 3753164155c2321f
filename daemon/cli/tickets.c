/* The listing of tickets: asked of the daemon, or read from the database when it is
 * down. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/spool.h"
#include "daemon/pipeline/listings/offline.h"
#include "daemon/pipeline/listings/ticket_listing.h"

/* For a person: how long until the next deadline that runs, or since it was missed; of
 * a resolved one what its sensor has to show yet. */
static json_t *
time_left(const json_t *row, int64_t now_ms)
{
    const char *word = json_string_value(json_object_get(row, "state"));
    enum ticket_state state = TICKET_CLOSED;
    if (word == NULL || !ticket_state_parse(&state, word)) {
        return json_null();
    }
    const char *proof = json_string_value(json_object_get(row, "proof"));
    enum proof shown = PROOF_NONE;
    if (state == TICKET_RESOLVED && proof != NULL && proof_parse(&shown, proof) &&
        shown != PROOF_NONE) {
        return json_string(proof_word(shown));
    }
    if (state == TICKET_WAITING || state == TICKET_RESOLVED || state == TICKET_CLOSED) {
        return json_string(state == TICKET_WAITING ? tr("waits") : "-");
    }
    bool answered = state == TICKET_RESPONDED;
    const json_t *by = json_object_get(row, answered ? "resolve_by" : "respond_by");
    int64_t by_ms = 0;
    if (!json_is_string(by) ||
        instant_parse(&by_ms, json_string_value(by), NULL) != 0) {
        return json_null();
    }
    char text[INSTANT_TEXT_BYTES];
    bool late = by_ms <= now_ms;
    (void)duration_format(text, late ? now_ms - by_ms : by_ms - now_ms);
    return json_sprintf(late ? tr("%s late") : "%s", text);
}

/* The rows of the answer, with what only people are shown. */
struct ticket_rows {
    struct spool *answer;
    struct strbuf object;
    int64_t now_ms;
};

static json_t *
next_ticket(void *ctx)
{
    struct ticket_rows *r = ctx;
    json_t *row = spool_next_object(r->answer, &r->object)
                      ? json_loads(strbuf_text(&r->object), 0, NULL)
                      : NULL;
    if (row != NULL) {
        json_object_set_new(row, "left", time_left(row, r->now_ms));
    }
    return row;
}

static int
first_ticket(void *ctx, struct err *err)
{
    struct ticket_rows *r = ctx;
    return spool_rewind(r->answer, err);
}

static int
print_tickets(struct spool *answer, bool all)
{
    static const struct cli_column columns[] = {
        {"number", "NO", CLI_SHOW_TEXT},
        {"priority", "PRIORITY", CLI_SHOW_SEVERITY},
        {"state", "STATE", CLI_SHOW_TICKET},
        {"left", "LEFT", CLI_SHOW_TEXT},
        {"device", "DEVICE", CLI_SHOW_TEXT},
        {"respond_by", "RESPOND BY", CLI_SHOW_TIME},
        {"resolve_by", "RESOLVE BY", CLI_SHOW_TIME},
        {"assignee", "ASSIGNEE", CLI_SHOW_TEXT},
        {"title", "TITLE", CLI_SHOW_TEXT}};
    struct ticket_rows tickets = {.answer = answer, .now_ms = clock_real_ms()};
    const struct cli_rows rows = {next_ticket, first_ticket, &tickets};
    int status = cli_print_rows(&rows, columns, ARRAY_LEN(columns),
                                all ? N_("no tickets") : N_("no open tickets"));
    strbuf_fini(&tickets.object);
    return status;
}

static int
take_piece(void *ctx, const char *bytes, size_t size, struct err *err)
{
    return spool_add(ctx, bytes, size, err);
}

static int
fetch(const struct site *site,
      const struct ticket_filter *f,
      struct spool *answer,
      struct err *err)
{
    struct strbuf path = {0};
    char limit[24];
    snprintf(limit, sizeof limit, "%zu", f->limit);
    strbuf_add(&path, "/api/v1/tickets");
    cli_query(&path, "device", f->device);
    cli_query(&path, "state", f->state);
    cli_query(&path, "assignee", f->assignee);
    cli_query(&path, "team", f->team);
    cli_query(&path, "order", f->order);
    cli_query(&path, "all", f->all ? "1" : NULL);
    cli_query(&path, "overdue", f->overdue ? "1" : NULL);
    cli_query(&path, "limit", f->limit > 0 ? limit : NULL);
    int code = cli_ask_for(site->data_dir, strbuf_text(&path), answer, err);
    strbuf_fini(&path);
    if (code == ERR_IO) {
        spool_fini(answer);
        code = offline_listing_tickets(site, f, take_piece, answer, err);
    }
    return code;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct ticket_filter f = {0};
    const char *site_file = CLI_SITE_DEFAULT;
    const char *limit = NULL;
    bool json = false;
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &site_file, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"device", 'd', CLI_TEXT, &f.device, "ID", "only of this device"},
        {"state", 's', CLI_TEXT, &f.state, "WORD", "opened assigned responded ..."},
        {"assignee", 0, CLI_TEXT, &f.assignee, "NAME", "only of this person"},
        {"team", 0, CLI_TEXT, &f.team, "ID", "only of this team"},
        {"overdue", 0, CLI_FLAG, &f.overdue, NULL, "only those that missed a deadline"},
        {"order", 0, CLI_TEXT, &f.order, "WORD",
         "queue or number [queue; with --all: number]"},
        {"all", 'a', CLI_FLAG, &f.all, NULL, "closed ones too"},
        {"limit", 'n', CLI_TEXT, &limit, "N", "the first N; with --all the newest"},
        {"json", 'j', CLI_FLAG, &json, NULL, "JSON"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count > 0) {
        return cli_usage_error(self, "\"%s\" is not expected here", args.items[0]);
    }
    if (!ticket_limit_parse(&f.limit, limit)) {
        return cli_usage_error(self, TICKET_LIMIT_ACCEPTED);
    }
    struct site *site = cli_site(site_file);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    struct spool answer = {0};
    struct err err = {0};
    if (fetch(site, &f, &answer, &err) != 0) {
        status = cli_fail(&err);
    } else if (!json) {
        status = print_tickets(&answer, f.all);
    } else if (spool_print(&answer, &err) != 0) {
        status = cli_fail(&err);
    } else {
        putchar('\n');
    }
    spool_fini(&answer);
    site_free(site);
    return status;
}

const struct cli_command cli_tickets = {
    "tickets", "the open tickets, with their deadlines",
    "[-c SITE] [--device ID] [--state S] [--assignee NAME] [--team ID] [--overdue]\n"
    "                         [--order queue|number] [--all] [--limit N] [--json]",
    "Asks the daemon; reads state.db itself when the daemon is down.\n\n"
    "The queue: critical ones first, for they endanger people, then urgent, then "
    "normal;\n"
    "of one priority what the most homes depend on (serves:, of a device that has "
    "none\n"
    "the sum of what it feeds), of as many those of old or disabled residents "
    "(care:);\n"
    "then what was opened first.  Closed ones follow by number.\n"
    "LEFT is the time until the next deadline that runs, or since it was missed.\n",
    run};
