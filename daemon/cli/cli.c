#include "daemon/cli/cli.h"

#include <ctype.h>
#include <getopt.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/cli/spool.h"
#include "daemon/web/web.h"

#define ASK_TIMEOUT_MS    15000 /* Longer than a read on a slow line may take. */
#define PROBLEM_BYTES_MAX 65536 /* It is some words. */

const struct cli_command *const cli_commands[] = {
    &cli_run,      &cli_check,    &cli_replay, &cli_test,       &cli_explain,
    &cli_tune,     &cli_report,   &cli_status, &cli_devices,    &cli_alarms,
    &cli_tickets,  &cli_device,   &cli_ledger, &cli_ack,        &cli_shelve,
    &cli_unshelve, &cli_service,  &cli_ticket, &cli_plan,       &cli_duty,
    &cli_user,     &cli_export,   &cli_import, &cli_plot,       &cli_sql,
    &cli_backup,   &cli_read,     &cli_scan,   &cli_sniff,      &cli_record,
    &cli_simulate, &cli_profiles, &cli_schema, &cli_completion, NULL};

static void
print_help(const struct cli_command *self,
           const struct cli_option *options,
           size_t count)
{
    printf(tr("caretaker %s: %s\n\nUsage: caretaker %s %s\n\n%s\n"), self->name,
           tr(self->summary), self->name, self->usage, tr(self->about));
    puts(tr("Options:"));
    for (size_t i = 0; i < count; i++) {
        const struct cli_option *o = &options[i];
        char left[80];
        char letter[8] = "    ";
        if (o->letter != 0) {
            snprintf(letter, sizeof letter, "-%c, ", o->letter);
        }
        snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name,
                 o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
        printf("  %-26s %s\n", left, tr(o->help));
    }
    printf("  %-26s %s\n", "    --language LANG", tr("en or zh-CN [the site's]"));
    printf("  %-26s %s\n", "-h, --help", tr("this text"));
}

int
cli_usage_error(const struct cli_command *self, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "caretaker %s: ", self->name);
    vfprintf(stderr, tr(fmt), args);
    fprintf(stderr, tr("\nusage: caretaker %s %s\n"), self->name, self->usage);
    va_end(args);
    return CLI_USAGE;
}

/* getopt takes "-1h" for options; a time or a number after -- forms is a value anyway.
 */
static int
take_option(const struct cli_command *self,
            const struct cli_option *o,
            const char *value)
{
    switch (o->kind) {
    case CLI_FLAG:
        *(bool *)o->out = true;
        return CLI_OK;
    case CLI_TEXT:
        *(const char **)o->out = value;
        return CLI_OK;
    case CLI_LIST: {
        struct cli_list *list = o->out;
        if (list->count == CLI_LIST_MAX) {
            return cli_usage_error(self, "--%s may be given %d times at most", o->name,
                                   CLI_LIST_MAX);
        }
        list->items[list->count++] = value;
        return CLI_OK;
    }
    }
    return CLI_OK;
}

/* What getopt_long() returns for long options: beyond every letter. */
#define LONG_HELP  999
#define LONG_FIRST 1000

/* optopt says more than the word where getopt stopped: of several letters in one word
 * it knows which was meant. */
static int
refuse_option(const struct cli_command *self,
              const struct cli_option *options,
              size_t count,
              const char *word)
{
    if (optopt == LONG_HELP) {
        return cli_usage_error(self, "--help takes no value");
    }
    if (optopt >= LONG_FIRST) {
        return cli_usage_error(self, "--%s takes no value",
                               options[optopt - LONG_FIRST].name);
    }
    if (optopt != 0) {
        return cli_usage_error(self, "there is no option -%c", optopt);
    }
    const char *names[CLI_OPTIONS_MAX];
    for (size_t i = 0; i < count; i++) {
        names[i] = options[i].name;
    }
    const char *meant =
        diag_nearest(strncmp(word, "--", 2) == 0 ? word + 2 : word, names, count);
    return cli_usage_error(self, "there is no option %s%s%s%s", word,
                           meant != NULL ? tr("; did you mean --") : "",
                           meant != NULL ? meant : "", meant != NULL ? "?" : "");
}

static int
refuse_missing_value(const struct cli_command *self, const struct cli_option *options)
{
    if (optopt >= LONG_FIRST) {
        return cli_usage_error(self, "--%s needs a value",
                               options[optopt - LONG_FIRST].name);
    }
    return cli_usage_error(self, "-%c needs a value", optopt);
}

int
cli_parse(const struct cli_command *self,
          const struct cli_option *options,
          size_t count,
          int argc,
          char **argv,
          struct cli_list *args,
          bool *done)
{
    struct option longs[CLI_OPTIONS_MAX + 2] = {{0}};
    char shorts[2 * CLI_OPTIONS_MAX + 4] = ":h";
    size_t at = 2;
    for (size_t i = 0; i < count && i < CLI_OPTIONS_MAX; i++) {
        int has = options[i].kind == CLI_FLAG ? no_argument : required_argument;
        longs[i] = (struct option){options[i].name, has, NULL, (int)(LONG_FIRST + i)};
        if (options[i].letter != 0) {
            shorts[at++] = options[i].letter;
            if (has == required_argument) {
                shorts[at++] = ':';
            }
        }
    }
    longs[count] = (struct option){"help", no_argument, NULL, LONG_HELP};
    *done = false;
    args->count = 0;
    optind = 0; /* From the first word, and not from inside one that was refused. */
    opterr = 0;
    for (int c = 0; (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (c == 'h' || c == LONG_HELP) {
            print_help(self, options, count);
            *done = true;
            return CLI_OK;
        }
        if (c == ':') {
            return refuse_missing_value(self, options);
        }
        const struct cli_option *found = NULL;
        for (size_t i = 0; i < count; i++) {
            if (c == (int)(LONG_FIRST + i) ||
                (c < LONG_HELP && c == options[i].letter)) {
                found = &options[i];
            }
        }
        if (found == NULL) {
            return refuse_option(self, options, count, argv[optind - 1]);
        }
        int status = take_option(self, found, optarg);
        if (status != CLI_OK) {
            return status;
        }
    }
    for (; optind < argc; optind++) {
        if (args->count == CLI_LIST_MAX) {
            return cli_usage_error(self, "too many words");
        }
        args->items[args->count++] = argv[optind];
    }
    return CLI_OK;
}

int
cli_fail(const struct err *err)
{
    fprintf(stderr, "caretaker: %s\n", err->text);
    return err_exit_status(err->code);
}

struct site *
cli_site(const char *path)
{
    struct diags diags;
    cli_speak(path);
    diags_init(&diags);
    struct site *site = config_load_site(path, NULL, 0, &diags);
    if (site == NULL) {
        diags_sort(&diags);
        diags_print(&diags, stderr);
    }
    diags_fini(&diags);
    return site;
}

const char *
cli_s(uint64_t count)
{
    return count == 1 ? "" : "s";
}

const char *
cli_login(void)
{
    const char *name = getlogin();
    if (name == NULL) {
        const struct passwd *entry = getpwuid(geteuid());
        name = entry != NULL ? entry->pw_name : "unknown";
    }
    return name;
}

void
cli_query(struct strbuf *path, const char *key, const char *value)
{
    if (value == NULL) {
        return;
    }
    bool first = strchr(strbuf_text(path), '?') == NULL;
    strbuf_printf(path, "%c%s=", first ? '?' : '&', key);
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
        if (isalnum(*c) || strchr("-_.~", *c) != NULL) {
            strbuf_add_char(path, (char)*c);
        } else {
            strbuf_printf(path, "%%%02X", *c);
        }
    }
}

static enum err_code
code_of(unsigned status)
{
    switch (status) {
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_REFUSED;
    case 401:
    case 403:
        return ERR_DENIED;
    case 429:
        return ERR_BUSY;
    case 400:
    case 405:
    case 413:
    case 415:
        return ERR_USAGE;
    case 502:
        return ERR_PROTOCOL;
    case 504:
        return ERR_TIMEOUT;
    default:
        return ERR_IO;
    }
}

/* A problem answer as an error with its detail. */
static int
refused(unsigned status, const char *answer, struct err *err)
{
    json_error_t where;
    json_t *root = json_loads(answer, 0, &where);
    const char *detail = json_string_value(json_object_get(root, "detail"));
    int code =
        err_set(err, code_of(status), "%s",
                detail != NULL ? detail : tr("the daemon refused without a reason"));
    json_decref(root);
    return code;
}

int
cli_ask(const char *data_dir,
        const char *method,
        const char *path,
        const char *body,
        struct strbuf *answer,
        struct err *err)
{
    unsigned status = 0;
    int code =
        web_ask(data_dir, method, path, body, ASK_TIMEOUT_MS, &status, answer, err);
    if (code != 0 || status == 200) {
        return code;
    }
    return refused(status, strbuf_text(answer), err);
}

int
cli_ask_bytes(const char *data_dir,
              const char *path,
              const char *type,
              const struct strbuf *bytes,
              struct strbuf *answer,
              struct err *err)
{
    unsigned status = 0;
    int code = web_ask_bytes(data_dir, "POST", path, type, strbuf_text(bytes),
                             bytes->size, ASK_TIMEOUT_MS, &status, answer, err);
    if (code != 0 || status == 200) {
        return code;
    }
    return refused(status, strbuf_text(answer), err);
}

/* What is no listing but a problem is small, and kept apart. */
struct asking {
    struct spool *answer;
    struct strbuf problem;
    unsigned status;
};

static int
take_answer(void *ctx, unsigned status, const char *bytes, size_t size, struct err *err)
{
    struct asking *a = ctx;
    a->status = status;
    if (status == 200) {
        return spool_add(a->answer, bytes, size, err);
    }
    if (a->problem.size < PROBLEM_BYTES_MAX) {
        strbuf_add_bytes(&a->problem, bytes, size);
    }
    return 0;
}

int
cli_ask_for(const char *data_dir,
            const char *path,
            struct spool *answer,
            struct err *err)
{
    struct asking a = {.answer = answer, .status = 200};
    int code = web_ask_for(data_dir, path, ASK_TIMEOUT_MS, take_answer, &a, err);
    if (code == 0 && a.status != 200) {
        code = refused(a.status, strbuf_text(&a.problem), err);
    }
    strbuf_fini(&a.problem);
    return code;
}
