/* ledger: what is known of the equipment: listed, and changed one by one. */
#include "daemon/cli/ledger.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/model/ledger.h"
#include "daemon/pipeline/listings/offline.h"

#define DAY_MS INT64_C(86400000)

int
cli_ledger_fetch(const struct site *site,
                 const struct ledger_args *a,
                 struct strbuf *out,
                 struct err *err)
{
    struct strbuf path = {0};
    strbuf_add(&path, "/api/v1/ledger");
    cli_query(&path, "device", a->device);
    cli_query(&path, "type", a->type);
    cli_query(&path, "area", a->area);
    cli_query(&path, "keeper", a->keeper);
    int code = cli_ask(site->data_dir, "GET", strbuf_text(&path), NULL, out, err);
    strbuf_fini(&path);
    if (code == ERR_IO) {
        const struct ledger_filter filter = {
            .device = a->device, .type = a->type, .area = a->area, .keeper = a->keeper};
        strbuf_clear(out);
        code = offline_listing_ledger(site, &filter, clock_real_ms(), out, err);
    }
    return code;
}

/* ---- Listing ---- */

/* For a person: the area or else the location, and the age in words. */
static json_t *
rows_for_people(const char *array)
{
    json_t *rows = json_loads(array, 0, NULL);
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        json_t *days = json_object_get(row, "age_days");
        json_t *used = json_object_get(row, "life_used");
        if (json_is_null(json_object_get(row, "area"))) {
            json_object_set(row, "area", json_object_get(row, "location"));
        }
        if (json_is_number(days)) {
            char age[INSTANT_TEXT_BYTES];
            (void)duration_format(age, (int64_t)json_number_value(days) * DAY_MS);
            json_object_set_new(row, "age_days", json_string(age));
        }
        if (json_is_number(used)) {
            char share[32];
            snprintf(share, sizeof share, "%.0f %%", json_number_value(used));
            json_object_set_new(row, "life_used", json_string(share));
        }
    }
    return rows;
}

static void
print_paper(const char *device, const json_t *paper, int days)
{
    const char *kind = json_string_value(json_object_get(paper, "kind"));
    const char *title = json_string_value(json_object_get(paper, "title"));
    const char *until = json_string_value(json_object_get(paper, "valid_until"));
    if (kind == NULL || title == NULL || until == NULL) {
        return;
    }
    printf("  %s, %s: %s, %s ", device, tr_word("document_kind", kind), title, until);
    if (days < 0) {
        printf(tr("(over since %d d)\n"), -days);
    } else {
        printf(tr("(%d d left)\n"), days);
    }
}

/* Somebody is to see to it: the daemon counts the same for the gateway's point
 * papers_due. */
static bool
is_near(const json_t *paper)
{
    const json_t *left = json_object_get(paper, "days_left");
    const char *kind = json_string_value(json_object_get(paper, "kind"));
    bool warranty = kind != NULL && strcmp(kind, "warranty") == 0;
    return json_is_number(left) && json_number_value(left) <= LEDGER_NEAR_DAYS &&
           (json_number_value(left) >= 0 || !warranty);
}

/* The warranty of the record itself as a paper of that kind; NULL: it has none. */
static json_t *
warranty_of(const json_t *row, int32_t today)
{
    const char *until = json_string_value(json_object_get(row, "warranty_until"));
    int32_t last;
    if (until == NULL || !civil_parse_date(&last, until)) {
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:i}", "kind", "warranty", "title",
                     tr("of the equipment"), "valid_until", until, "days_left",
                     (int)(last - today));
}

static bool
print_if_near(const json_t *row, const json_t *paper, bool any)
{
    if (!is_near(paper)) {
        return any;
    }
    printf("%s", any ? "" : tr("\nPapers that run out:\n"));
    print_paper(json_string_value(json_object_get(row, "id")), paper,
                (int)json_number_value(json_object_get(paper, "days_left")));
    return true;
}

/* Papers that run out soon, or have. */
static void
print_near(const json_t *rows)
{
    int32_t today = civil_day(clock_real_ms());
    bool any = false;
    size_t index;
    size_t at;
    json_t *row;
    json_t *paper;
    json_array_foreach(rows, index, row)
    {
        json_array_foreach(json_object_get(row, "documents"), at, paper)
        {
            any = print_if_near(row, paper, any);
        }
        json_t *warranty = warranty_of(row, today);
        any = print_if_near(row, warranty, any);
        json_decref(warranty);
    }
}

static int
list(const struct ledger_args *a)
{
    static const struct cli_column columns[] = {
        {"type", "TYPE", CLI_SHOW_TEXT},           {"area", "AREA", CLI_SHOW_TEXT},
        {"id", "DEVICE", CLI_SHOW_TEXT},           {"name", "NAME", CLI_SHOW_TEXT},
        {"maker", "MAKER", CLI_SHOW_TEXT},         {"model", "MODEL", CLI_SHOW_TEXT},
        {"installed", "INSTALLED", CLI_SHOW_TEXT}, {"age_days", "AGE", CLI_SHOW_TEXT},
        {"life_used", "LIFE USED", CLI_SHOW_TEXT}, {"keeper", "KEEPER", CLI_SHOW_TEXT}};
    struct site *site = cli_site(a->site);
    struct strbuf answer = {0};
    struct err err = {0};
    int status = CLI_OK;
    if (site == NULL) {
        return CLI_CONFIG;
    }
    if (cli_ledger_fetch(site, a, &answer, &err) != 0) {
        status = cli_fail(&err);
    } else if (a->json) {
        puts(strbuf_text(&answer));
    } else {
        json_t *rows = rows_for_people(strbuf_text(&answer));
        char *text = json_dumps(rows, 0);
        status = cli_print_listing(text != NULL ? text : "", false, columns,
                                   ARRAY_LEN(columns), "no equipment");
        print_near(rows);
        free(text);
        json_decref(rows);
    }
    strbuf_fini(&answer);
    site_free(site);
    return status;
}

/* ---- Changing ---- */

void
cli_ledger_begin(struct strbuf *body, const struct ledger_args *a, const char *command)
{
    strbuf_add_char(body, '{');
    strbuf_json_str(body, "cmd", command);
    strbuf_json_str(body, "by", a->by != NULL ? a->by : cli_login());
    strbuf_json_str_opt(body, "note", a->note);
}

int
cli_ledger_send(const struct site *site,
                const struct strbuf *body,
                int64_t *number,
                struct strbuf *answer,
                struct err *err)
{
    int code = cli_ask(site->data_dir, "POST", "/api/v1/commands", strbuf_text(body),
                       answer, err);
    if (code == 0) {
        json_t *root = json_loads(strbuf_text(answer), 0, NULL);
        const json_t *value = json_object_get(root, "changed");
        value = value != NULL ? value : json_object_get(root, "number");
        *number = json_integer_value(value);
        json_decref(root);
    }
    return code;
}

/* Sends `body`, to which only the last brace is missing; says "BEFORE number AFTER". */
static int
send_one(const struct ledger_args *a,
         struct strbuf *body,
         const char *before,
         const char *after)
{
    struct site *site = cli_site(a->site);
    struct strbuf answer = {0};
    struct err err = {0};
    int64_t number = 0;
    int status = CLI_CONFIG;
    strbuf_add_char(body, '}');
    if (site != NULL && cli_ledger_send(site, body, &number, &answer, &err) != 0) {
        status = cli_fail(&err);
    } else if (site != NULL) {
        status = CLI_OK;
        if (a->json) {
            puts(strbuf_text(&answer));
        } else {
            printf("%s%" PRId64 "%s\n", tr(before), number, tr(after));
        }
    }
    strbuf_fini(&answer);
    site_free(site);
    return status;
}

static int
set(const struct cli_command *self, const struct ledger_args *a)
{
    struct strbuf body = {0};
    if (a->words.count < 3) {
        return cli_usage_error(self, "say what: set DEVICE KEY=VALUE...");
    }
    cli_ledger_begin(&body, a, "ledger.set");
    strbuf_json_key(&body, "devices");
    strbuf_add_char(&body, '{');
    strbuf_json_key(&body, a->words.items[1]);
    strbuf_add_char(&body, '{');
    for (uint32_t i = 2; i < a->words.count; i++) {
        const char *word = a->words.items[i];
        const char *equals = strchr(word, '=');
        if (equals == NULL) {
            strbuf_fini(&body);
            return cli_usage_error(self, "\"%s\" is not KEY=VALUE", word);
        }
        struct strbuf key = {0};
        strbuf_add_bytes(&key, word, (size_t)(equals - word));
        strbuf_json_str(&body, strbuf_text(&key), equals + 1);
        strbuf_fini(&key);
    }
    strbuf_add(&body, "}}");
    int status = send_one(a, &body, "", " changed");
    strbuf_fini(&body);
    return status;
}

static int
add_document(const struct cli_command *self, const struct ledger_args *a)
{
    struct strbuf body = {0};
    if (a->words.count != 3) {
        return cli_usage_error(self, "say which: add-document DEVICE LINK");
    }
    cli_ledger_begin(&body, a, "ledger.document");
    strbuf_json_str(&body, "device", a->words.items[1]);
    strbuf_json_str(&body, "link", a->words.items[2]);
    strbuf_json_str_opt(&body, "title", a->title);
    strbuf_json_str_opt(&body, "kind", a->kind);
    strbuf_json_str_opt(&body, "valid_until", a->valid_until);
    int status = send_one(a, &body, "document ", "");
    strbuf_fini(&body);
    return status;
}

static int
remove_document(const struct cli_command *self, const struct ledger_args *a)
{
    struct strbuf body = {0};
    char *end = NULL;
    long long number = a->words.count == 2 ? strtoll(a->words.items[1], &end, 10) : 0;
    if (number < 1 || *end != '\0') {
        return cli_usage_error(self, "say which: remove-document NUMBER");
    }
    cli_ledger_begin(&body, a, "ledger.remove");
    strbuf_json_int(&body, "number", number);
    int status = send_one(a, &body, "document ", " removed");
    strbuf_fini(&body);
    return status;
}

static int
add_alteration(const struct cli_command *self, const struct ledger_args *a)
{
    struct strbuf body = {0};
    if (a->words.count != 3) {
        return cli_usage_error(
            self, "say what: add-alteration DEVICE WHAT; put a text in quotes");
    }
    cli_ledger_begin(&body, a, "ledger.alteration");
    strbuf_json_str(&body, "device", a->words.items[1]);
    strbuf_json_str(&body, "what", a->words.items[2]);
    strbuf_json_str_opt(&body, "effect", a->effect);
    strbuf_json_str_opt(&body, "made_on", a->on);
    strbuf_json_str_opt(&body, "made_by", a->made_by);
    int status = send_one(a, &body, "alteration ", "");
    strbuf_fini(&body);
    return status;
}

static int
list_words(const struct cli_command *self, const struct ledger_args *a)
{
    if (a->words.count > 1) {
        return cli_usage_error(self, "\"%s\" is not expected here", a->words.items[1]);
    }
    return list(a);
}

static const struct {
    const char *word;
    int (*run)(const struct cli_command *self, const struct ledger_args *a);
} actions[] = {{"list", list_words},
               {"export", cli_ledger_export},
               {"import", cli_ledger_import},
               {"set", set},
               {"add-document", add_document},
               {"remove-document", remove_document},
               {"add-alteration", add_alteration}};

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct ledger_args a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"type", 't', CLI_TEXT, &a.type, "WORD", "list, export: only of this type"},
        {"area", 'a', CLI_TEXT, &a.area, "TEXT", "... of this area"},
        {"keeper", 'k', CLI_TEXT, &a.keeper, "NAME", "... of this person"},
        {"device", 'd', CLI_TEXT, &a.device, "ID", "... this device alone"},
        {"csv", 0, CLI_FLAG, &a.csv, NULL, "export: CSV, which it is anyway"},
        {"bom", 0, CLI_FLAG, &a.bom, NULL, "export: with a byte-order mark, for Excel"},
        {"dry-run", 'n', CLI_FLAG, &a.dry_run, NULL,
         "import: only say what would change"},
        {"column", 0, CLI_LIST, &a.columns, "KEY=HEADING",
         "import: this column has another heading"},
        {"title", 0, CLI_TEXT, &a.title, "TEXT", "add-document: what it is called"},
        {"kind", 0, CLI_TEXT, &a.kind, "WORD",
         "... manual, drawing, certificate, warranty or other [other]"},
        {"valid-until", 0, CLI_TEXT, &a.valid_until, "DAY", "... its last day"},
        {"effect", 0, CLI_TEXT, &a.effect, "TEXT", "add-alteration: what it changed"},
        {"on", 0, CLI_TEXT, &a.on, "DAY", "... when it was made [today]"},
        {"made-by", 0, CLI_TEXT, &a.made_by, "TEXT", "... who made it"},
        {"by", 'b', CLI_TEXT, &a.by, "NAME", "who changes it [the login name]"},
        {"note", 0, CLI_TEXT, &a.note, "TEXT", "what is to be remembered of a change"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "JSON"},
    };
    bool done = false;
    int status =
        cli_parse(self, options, ARRAY_LEN(options), argc, argv, &a.words, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (a.words.count == 0) {
        return list(&a);
    }
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].word, a.words.items[0]) == 0) {
            return actions[i].run(self, &a);
        }
    }
    return cli_usage_error(self, "say what: list export import set add-document "
                                 "remove-document add-alteration");
}

const struct cli_command cli_ledger = {
    "ledger", "the equipment: what it is, its papers, its age, who looks after it",
    "[list|export|import FILE.csv|set DEVICE KEY=VALUE...|add-document DEVICE LINK|\n"
    "       remove-document NUMBER|add-alteration DEVICE WHAT] [-c SITE] [--type T]\n"
    "       [--area A] [--keeper NAME] [--json] [--by NAME]",
    "  list              by type and area; papers that run out within 60 days are "
    "told\n"
    "  export            as CSV on standard output, for a spreadsheet\n"
    "  import FILE.csv   takes it back: all of it, or none (--dry-run only looks)\n"
    "  set DEVICE KEY=VALUE...   one or several fields; KEY= empties one\n"
    "  add-document DEVICE LINK  (--title --kind --valid-until)\n"
    "  remove-document NUMBER    a paper that holds no longer\n"
    "  add-alteration DEVICE WHAT  (--effect --on --made-by)\n\n"
    "Fields: maker model specification serial supplier installed design_life\n"
    "design_hours design_starts warranty_until price area keeper.\n"
    "The site file's `ledger:` is where they begin; what is changed here stands "
    "before\n"
    "it, and a value that is the file's again is the file's.  Changes go to the "
    "running\n"
    "daemon, which records who made them; the rest works when it is down, too.\n\n"
    "CSV: UTF-8, columns id name type location and the fields.  A column that is not\n"
    "there leaves its field alone, an empty cell empties it.  A cell that a "
    "spreadsheet\n"
    "would take for a formula (= + - @) has an apostrophe before it, both ways.\n",
    run};
