#include "daemon/cli/ticket_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/output.h"
#include "daemon/pipeline/evidence/evidence.h"
#include "daemon/pipeline/listings/offline.h"

struct showing {
    const char *site, *file;
    int64_t number;
    bool json, html;
};

static int
refuse_run(const struct cli_command *self, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return cli_usage_error(self, "this is a word of caretaker ticket");
}

/* not translated: the name of the command */
static const struct cli_command help = {
    "ticket show", "a ticket with its evidence",
    "NUMBER [-c SITE] [--json | --html [FILE]]",
    "What happened and who did what; the rule's text and version as it was when the\n"
    "ticket opened, cause, consequence and action; the steps of the procedure; the\n"
    "values of the device's points before, during and after; the health of its bus at\n"
    "that time; the same fault before and elsewhere, and what fixed it; the ledger.\n"
    "Works when the daemon is down, and when the rule or the device is gone.\n\n"
    "  caretaker ticket show 17\n"
    "  caretaker ticket show 17 --html ticket-17.html   (one page, for A4, with "
    "charts)\n",
    refuse_run};

/* How the device is now: the daemon knows it, else the history does.  That neither says
 * is no reason not to show the rest. */
static void
ask_device(const struct site *site, const char *device, struct strbuf *now)
{
    struct err err = {0};
    struct strbuf path = {0};
    const struct device_filter filter = {.device = device};
    const struct device_parts parts = {.points = true, .causes = true};
    strbuf_add(&path, "/api/v1/devices");
    cli_query(&path, "device", device);
    cli_query(&path, "points", "1");
    cli_query(&path, "causes", "1");
    if (cli_ask(site->data_dir, "GET", strbuf_text(&path), NULL, now, &err) != 0) {
        strbuf_clear(now);
        if (offline_listing_devices(site, &filter, parts, now, &err) != 0) {
            strbuf_clear(now);
        }
    }
    strbuf_fini(&path);
}

/* Put together here, from the databases. */
static int
show_from_store(const struct showing *s,
                const struct site *site,
                struct strbuf *out,
                struct err *err)
{
    struct state *store = NULL;
    struct evidence *e = NULL;
    struct strbuf now = {0};
    char device[ID_BYTES_MAX] = "";
    int code = state_open(&store, site->data_dir, STORE_READ, err);
    if (code == 0) {
        code = evidence_device(device, store, s->number, err);
    }
    if (code == 0 && site_device(site, device) != NONE_INDEX) {
        ask_device(site, device, &now);
    }
    if (code == 0) {
        code = evidence_load(&e, site, store, s->number, clock_real_ms(),
                             strbuf_text(&now), err);
    }
    if (code == 0 && s->json) {
        evidence_json(out, e);
        strbuf_add_char(out, '\n');
    } else if (code == 0 && s->html) {
        /* It goes to the people of the site, unless somebody asked for a language. */
        const char *said = getenv(CLI_LANGUAGE);
        bool asked = said != NULL && said[0] != '\0';
        int before = catalogue_hear(asked ? CATALOGUE_SPOKEN : (int)site->language);
        evidence_page(out, e);
        (void)catalogue_hear(before);
    } else if (code == 0) {
        evidence_print(out, e);
    }
    evidence_free(e);
    state_close(store);
    strbuf_fini(&now);
    return code;
}

/* The daemon's own answer, where one runs: it knows the device as it is now. */
static int
show_as_json(const struct showing *s,
             const struct site *site,
             struct strbuf *out,
             struct err *err)
{
    struct strbuf path = {0};
    strbuf_printf(&path, "/api/v1/tickets/%lld", (long long)s->number);
    int code = cli_ask(site->data_dir, "GET", strbuf_text(&path), NULL, out, err);
    strbuf_fini(&path);
    if (code == 0) {
        strbuf_add_char(out, '\n');
    } else if (code == ERR_IO) {
        strbuf_clear(out);
        code = show_from_store(s, site, out, err);
    }
    return code;
}

static int
take_words(struct showing *s, const struct cli_list *args)
{
    char *end = NULL;
    if (args->count < 2) {
        return cli_usage_error(&help, "which ticket? its number");
    }
    s->number = strtoll(args->items[1], &end, 10);
    if (*end != '\0' || s->number < 1) {
        return cli_usage_error(&help, "\"%s\" is no ticket number", args->items[1]);
    }
    if (args->count > 3 || (args->count == 3 && !s->html)) {
        return cli_usage_error(&help, "\"%s\" is not expected here",
                               args->items[args->count - 1]);
    }
    s->file = args->count == 3 ? args->items[2] : NULL;
    return s->json && s->html
               ? cli_usage_error(&help, "--json, or --html: one of the two")
               : CLI_OK;
}

int
ticket_show(int argc, char **argv)
{
    struct showing s = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &s.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"json", 'j', CLI_FLAG, &s.json, NULL, "JSON"},
        {"html", 0, CLI_FLAG, &s.html, NULL,
         "one page that prints on A4, to FILE or standard output"},
    };
    struct cli_list args;
    bool done = false;
    int status =
        cli_parse(&help, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status == CLI_OK && !done) {
        status = take_words(&s, &args);
    }
    if (status != CLI_OK || done) {
        return status;
    }
    struct site *site = cli_site(s.site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    struct strbuf out = {0};
    struct err err = {0};
    int code = s.json ? show_as_json(&s, site, &out, &err)
                      : show_from_store(&s, site, &out, &err);
    status = code != 0 ? cli_fail(&err) : output_text(s.file, &out);
    strbuf_fini(&out);
    site_free(site);
    return status;
}
