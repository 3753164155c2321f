/* The command line: options, help, tables, and asking the daemon. */
#ifndef CARETAKER_CLI_CLI_H
#define CARETAKER_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/collectors.h"
#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

#define CLI_SITE_DEFAULT "/etc/caretaker/site.yaml"
#define CLI_LANGUAGE     "CARETAKER_LANGUAGE" /* The environment's word for it. */
#define CLI_OPTIONS_MAX  24
#define CLI_LIST_MAX     1024 /* Words; a shell may name a folder of cases. */

/* Exit statuses of design section 3. */
enum cli_status {
    CLI_OK = 0,
    CLI_NO = 1,
    CLI_USAGE = 2,
    CLI_CONFIG = 3,
    CLI_OUTSIDE = 4
};

struct cli_list {
    const char *items[CLI_LIST_MAX];
    uint32_t count;
};

enum cli_option_kind { CLI_FLAG, CLI_TEXT, CLI_LIST };
struct cli_option {
    const char *name; /* Long form. */
    char letter;      /* Short form, or 0. */
    enum cli_option_kind kind;
    void *out;         /* bool *, const char **, struct cli_list *. */
    const char *value; /* Name of its value in the help; NULL for a flag. */
    const char *help;
};

struct cli_command {
    const char *name;
    const char *summary; /* One line. */
    const char *usage;   /* What follows "caretaker NAME". */
    const char *about;   /* Paragraphs of the help. */
    int (*run)(const struct cli_command *self, int argc, char **argv);
};
extern const struct cli_command *const cli_commands[]; /* NULL-terminated. */

/* Options stand anywhere.  On CLI_OK `args` are the rest; *done is set when --help was
 * printed.  Otherwise the complaint is on standard error and the status CLI_USAGE. */
int cli_parse(const struct cli_command *self,
              const struct cli_option *options,
              size_t count,
              int argc,
              char **argv,
              struct cli_list *args,
              bool *done);
int cli_usage_error(const struct cli_command *self, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* Prints "caretaker: text" and returns the exit status of the code. */
int cli_fail(const struct err *err);

/* Takes `--language L` out of the words, wherever it stands; it goes into the
 * environment.  Then speaks what the person wants, as far as that is known without a
 * site.  Not CLI_OK: it is no language of ours (said). */
int cli_take_language(int *argc, char **argv);
/* Speaks what the person wants, else the locale says; where none is set, the site file.
 */
void cli_speak(const char *site_file);
/* Speaks the language of a document of the site, which others read than who makes it:
 * what the person says, else the site's, whatever the locale. */
enum language cli_document_language(const struct site *site);

/* Loads the site and compiles nothing; diagnostics go to standard error.  NULL on
 * errors. */
struct site *cli_site(const char *path);
/* "s", or "" behind one thing. */
const char *cli_s(uint64_t count);
/* The login name; never NULL. */
const char *cli_login(void);

/* Appends "?key=value" or "&key=value", escaped; nothing for NULL. */
void cli_query(struct strbuf *path, const char *key, const char *value);
/* Asks the daemon of `data_dir`.  A problem answer becomes an error with its detail. */
int cli_ask(const char *data_dir,
            const char *method,
            const char *path,
            const char *body,
            struct strbuf *answer,
            struct err *err);

/* The same for POST and a body of any bytes. */
int cli_ask_bytes(const char *data_dir,
                  const char *path,
                  const char *type,
                  const struct strbuf *bytes,
                  struct strbuf *answer,
                  struct err *err);

/* The same for GET and an answer of any size, into `answer`. */
struct spool;
int cli_ask_for(const char *data_dir,
                const char *path,
                struct spool *answer,
                struct err *err);

/* A bus of a site whose daemon is running: the line is the daemon's. */
struct cli_owner {
    struct site *site; /* Owned. */
    uint32_t bus;
};
/* True when the daemon of the site owns the serial line of `bus`; a site file that
 * cannot be read owns nothing. */
bool cli_owner_find(struct cli_owner *o, const char *site_file, const struct bus *bus);
/* A bus by its id; `*runs`: the daemon does. */
int cli_owner_of_bus(struct cli_owner *o,
                     const char *site_file,
                     const char *id,
                     bool *runs,
                     struct err *err);
void cli_owner_fini(struct cli_owner *o);
/* Between the daemon's own polls.  ERR_TIMEOUT: no answer; ERR_PROTOCOL: an exception
 * or a damaged one. */
int cli_owner_read(const struct cli_owner *o,
                   const struct read_request *q,
                   struct read_answer *out,
                   struct err *err);

/* check --journal; `kept` (may be NULL) is the head of --head. */
int cli_check_journal(const struct cli_command *self,
                      const char *site_file,
                      const char *kept,
                      bool json);

/* check --history */
int cli_check_history(const char *site_file, bool json);

/* Prints the devices that are out of service; from the database when no daemon runs. */
int cli_list_service(const char *site, bool json);

/* `report` without a word: the figures of the site over a period. */
struct cli_figures {
    const char *site, *from, *to, *compare, *format;
    const char *type, *area, *device, *state;
};
int cli_report_figures(const struct cli_command *self, const struct cli_figures *a);

/* A column of a listing: a key of the objects, its heading, and how it is shown. */
enum cli_show {
    CLI_SHOW_TEXT,
    CLI_SHOW_TIME,
    /* Words of ours, shown in the reader's language. */
    CLI_SHOW_SEVERITY,
    CLI_SHOW_ALARM,
    CLI_SHOW_TICKET,
    CLI_SHOW_KIND,
    CLI_SHOW_DEVICE,
    CLI_SHOW_ROLE,
    CLI_SHOW_QUALITY, /* And why: "crc (short frame)". */
    CLI_SHOW_SAID     /* By the program, or by a person: the latter stays as it is. */
};
struct cli_column {
    const char *key;
    const char *heading;
    enum cli_show show;
};
/* Columns that a text takes on the terminal: a Chinese character takes two. */
int cli_width(const char *text);
/* Prints `text` and spaces up to `width` columns of the terminal, of which a Chinese
 * character takes two. */
void cli_pad(const char *text, int width);
/* Prints a JSON array of objects as it is (`json`), or as a table; `empty` when there
 * is none. */
int cli_print_listing(const char *array,
                      bool json,
                      const struct cli_column *columns,
                      size_t count,
                      const char *empty);

/* The same for rows that come one at a time, twice: the widths of the columns are known
 * at the end only. */
struct cli_rows {
    json_t *(*next)(void *ctx); /* Owned by who asks; NULL: no more. */
    int (*rewind)(void *ctx, struct err *err);
    void *ctx;
};
int cli_print_rows(const struct cli_rows *rows,
                   const struct cli_column *columns,
                   size_t count,
                   const char *empty);

extern const struct cli_command cli_run, cli_check, cli_replay, cli_test, cli_explain,
    cli_tune, cli_report, cli_status, cli_devices, cli_alarms, cli_tickets, cli_ack,
    cli_shelve, cli_unshelve, cli_service, cli_ticket, cli_export, cli_import, cli_read,
    cli_scan, cli_sniff, cli_record, cli_simulate, cli_profiles, cli_schema,
    cli_completion, cli_device, cli_ledger, cli_plan, cli_duty, cli_sql, cli_backup,
    cli_plot, cli_user;

#endif
