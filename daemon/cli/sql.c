#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/sql_print.h"

#define STATEMENT_BYTES_MAX ((size_t)1 << 20) /* As SQLite's own. */

struct arguments {
    const char *site, *format;
    bool csv, json, tables;
};

/* The statement on standard input. */
static int
read_statement(struct strbuf *out, struct err *err)
{
    char bytes[4096];
    size_t size;
    while ((size = fread(bytes, 1, sizeof bytes, stdin)) > 0) {
        if (out->size + size > STATEMENT_BYTES_MAX) {
            return err_set(err, ERR_USAGE,
                           "the statement is longer than 1 MiB, which is the most that "
                           "is accepted");
        }
        strbuf_add_bytes(out, bytes, size);
    }
    return ferror(stdin) == 0
               ? 0
               : err_set(err, ERR_IO, "standard input: %s", err_reason(errno));
}

static int
open_history(struct history_sql **out, const struct site *site, struct err *err)
{
    struct err state = {0};
    int rc = history_sql_open(out, site->data_dir, err);
    if (rc == ERR_NOT_FOUND) {
        return err_set(err, ERR_NOT_FOUND,
                       "%s has no history: the daemon never ran here, and nothing was "
                       "imported",
                       site->data_dir);
    }
    if (rc == 0 && history_sql_add_state(*out, site->data_dir, &state) != 0) {
        fprintf(stderr, tr("caretaker: only the history is there: %s\n"), state.text);
    }
    return rc;
}

static int
run_statement(const char *site_file,
              const struct strbuf *text,
              enum sql_format format,
              struct err *err)
{
    struct history_sql *h = NULL;
    struct site *site = cli_site(site_file);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    int rc = open_history(&h, site, err);
    rc = rc == 0 ? history_sql_begin(h, strbuf_text(text), text->size, err) : rc;
    rc = rc == 0 ? sql_print(h, format, err) : rc;
    history_sql_close(h);
    site_free(site);
    return rc != 0 ? cli_fail(err) : CLI_OK;
}

/* False: there is no such format. */
static bool
choose_format(const struct arguments *a, enum sql_format *out)
{
    static const char *const names[] = {"table", "csv", "json", "jsonl"};
    const char *name = a->format != NULL       ? a->format
                       : a->csv                ? "csv"
                       : a->json               ? "json"
                       : isatty(STDOUT_FILENO) ? "table"
                                               : "csv";
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum sql_format)i;
            return true;
        }
    }
    return false;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"format", 'f', CLI_TEXT, &a.format, "table|csv|json|jsonl",
         "[table on a terminal, else csv]"},
        {"csv", 0, CLI_FLAG, &a.csv, NULL, "for spreadsheets"},
        {"json", 0, CLI_FLAG, &a.json, NULL, "one array of objects"},
        {"tables", 't', CLI_FLAG, &a.tables, NULL, "what tables and columns there are"},
    };
    struct cli_list args;
    struct err err = {0};
    bool done = false;
    enum sql_format format;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if ((a.format != NULL) + a.csv + a.json > 1) {
        return cli_usage_error(self, "one of --format, --csv and --json is accepted");
    }
    if (!choose_format(&a, &format)) {
        return cli_usage_error(self, "--format is table, csv, json or jsonl");
    }
    if (args.count != (a.tables ? 0 : 1)) {
        return cli_usage_error(self,
                               a.tables ? N_("with --tables no statement is expected")
                                        : N_("one statement is expected, in quotes, or "
                                             "- to read it from standard input"));
    }
    struct strbuf text = {0};
    if (a.tables) {
        strbuf_add(&text, history_sql_tables);
    } else if (strcmp(args.items[0], "-") != 0) {
        strbuf_add(&text, args.items[0]);
    } else if (read_statement(&text, &err) != 0) {
        strbuf_fini(&text);
        return cli_fail(&err);
    }
    status = run_statement(a.site, &text, format, &err);
    strbuf_fini(&text);
    return status;
}

const struct cli_command cli_sql = {
    "sql", "ask the history, in SQL that only reads",
    "[-c SITE] [--format table|csv|json|jsonl] STATEMENT|-\n"
    "       caretaker sql [-c SITE] --tables",
    "samples has a row for every sample: device, point, time, value, quality; value is "
    "NULL\n"
    "unless quality is 'good'.  samples_1m and samples_1h have the minutes and hours "
    "of "
    "each\n"
    "point: device, point, time, min, max, mean, last, count.  Tickets and alarms are "
    "in\n"
    "state.tickets, state.alarms, ...\n\n"
    "time is UTC, and compares as an instant with every form of one: '2026-05-01',\n"
    "'2026-05-01 08:00', '2026-05-01T08:00:00+08:00', datetime('now', '-1 day').\n"
    "t_ms is the same as a number, in milliseconds.  What a statement says of device,\n"
    "point and time decides what is read: say it.\n\n"
    "  caretaker sql \"select avg(value) from samples where device = 'pump-1'\n"
    "      and point = 'bearing' and time >= '2026-05-01' and time < '2026-05-02'\"\n\n"
    "Works while the daemon runs; the last few seconds (history.flush) may be "
    "missing.\n"
    "The sqlite3 shell has the same tables with the extension caretaker_history.so.\n",
    run};
