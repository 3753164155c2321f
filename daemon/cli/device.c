/* device: the whole life of one. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/cli/cli.h"
#include "daemon/model/ledger.h"
#include "daemon/model/words.h"
#include "daemon/pipeline/listings/offline.h"

#define DAY_MS        INT64_C(86400000)
#define LABEL_COLUMNS 14
#define CELL_BYTES    1200

/* ---- Values ---- */

/* What stands under `key`, for people; "" for nothing. */
static const char *
text_of(char out[CELL_BYTES], const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    int64_t t_ms = 0;
    out[0] = '\0';
    if (json_is_string(value)) {
        utf8_copy(out, CELL_BYTES, json_string_value(value));
        utf8_to_line(out);
        if (strlen(out) == strlen("2026-03-01T10:14:30.000Z") &&
            out[strlen(out) - 1] == 'Z' && instant_parse(&t_ms, out, NULL) == 0) {
            instant_format_local(out, t_ms);
        }
    } else if (json_is_integer(value)) {
        snprintf(out, CELL_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        double number = json_real_value(value);
        snprintf(out, CELL_BYTES, number == floor(number) ? "%.0f" : "%.7g", number);
    } else if (json_is_boolean(value)) {
        snprintf(out, CELL_BYTES, "%s", json_is_true(value) ? tr("yes") : tr("no"));
    }
    return out;
}

/* "BEFORE value", or nothing. */
static void
print_also(const char *before, const json_t *object, const char *key)
{
    char text[CELL_BYTES];
    if (text_of(text, object, key)[0] != '\0') {
        printf("%s%s", tr(before), text);
    }
}

/* The same of a word of ours. */
static void
print_word(const char *before,
           const json_t *object,
           const char *key,
           const char *context)
{
    const char *word = json_string_value(json_object_get(object, key));
    if (word != NULL && word[0] != '\0') {
        printf("%s%s", tr(before), tr_word(context, word));
    }
}

static void
print_money(const char *before, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_number(value) && json_number_value(value) > 0) {
        printf("%s%.2f", tr(before), json_number_value(value));
    }
}

static void
print_label(const char *label)
{
    printf("  ");
    cli_pad(label, LABEL_COLUMNS);
    printf("  ");
}

static void
print_line(const char *label, const json_t *object, const char *key)
{
    char text[CELL_BYTES];
    if (text_of(text, object, key)[0] != '\0') {
        print_label(tr(label));
        puts(text);
    }
}

static bool
heading(const char *title, const json_t *array)
{
    if (json_array_size(array) > 0) {
        printf("\n%s\n", tr(title));
    }
    return json_array_size(array) > 0;
}

/* ---- Sections ---- */

static void
print_life_used(const json_t *ledger)
{
    const json_t *days = json_object_get(ledger, "age_days");
    char text[CELL_BYTES];
    if (json_is_number(days)) {
        char age[INSTANT_TEXT_BYTES];
        print_label(tr("age"));
        puts(duration_format(age, (int64_t)json_number_value(days) * DAY_MS));
    }
    if (text_of(text, ledger, "life_used")[0] != '\0') {
        print_label(tr("life used"));
        printf(tr("%s %%, by %s\n"), text,
               tr_word("life", json_string_value(json_object_get(ledger, "life_by"))));
    }
}

static void
print_head(const json_t *life)
{
    const json_t *ledger = json_object_get(life, "ledger");
    const json_t *sources = json_object_get(ledger, "sources");
    char name[CELL_BYTES];
    char id[CELL_BYTES];
    printf("%s  %s", text_of(id, life, "id"), text_of(name, life, "name"));
    print_also(", ", life, "type");
    print_also(", ", life, "location");
    putchar('\n');
    print_line("parent", life, "parent");
    print_line("bus", life, "bus");
    print_line("unit", life, "unit");
    for (int i = 0; i < LEDGER_KEY_COUNT; i++) {
        const char *key = ledger_key_name((enum ledger_key)i);
        char text[CELL_BYTES];
        if (i == LEDGER_PRICE && json_is_number(json_object_get(ledger, key))) {
            print_label(tr_word("ledger", key));
            printf("%.2f\n", json_number_value(json_object_get(ledger, key)));
        } else if (text_of(text, ledger, key)[0] != '\0') {
            const char *source = json_string_value(json_object_get(sources, key));
            bool changed = source != NULL && strcmp(source, "database") == 0;
            print_label(tr_word("ledger", key));
            printf("%s%s\n", text, changed ? tr(" (changed)") : "");
        }
    }
    print_life_used(ledger);
}

static void
print_state(const json_t *state)
{
    const char *id;
    json_t *point;
    char text[CELL_BYTES];
    if (!json_is_object(state)) {
        return;
    }
    printf(tr("\nNow\n  %s"), tr_word("device", text_of(text, state, "state")));
    if (json_is_true(json_object_get(state, "out_of_service"))) {
        printf(tr(", out of service"));
    }
    print_also(", last good sample ", state, "last_good");
    putchar('\n');
    json_object_foreach(json_object_get(state, "points"), id, point)
    {
        printf("  %-14s  ", id);
        printf("%s", text_of(text, point, "value")[0] != '\0' ? text : "-");
        print_also(" ", point, "unit");
        const char *quality = json_string_value(json_object_get(point, "quality"));
        if (quality != NULL && strcmp(quality, "good") != 0) {
            printf(" (%s)", tr_word("quality", quality));
        }
        putchar('\n');
    }
}

static void
print_counters(const json_t *life)
{
    size_t index;
    json_t *c;
    if (heading("Counters", json_object_get(life, "counters"))) {
        json_array_foreach(json_object_get(life, "counters"), index, c)
        {
            print_also("  ", c, "call");
            print_also(": ", c, "hours");
            printf("%s", json_object_get(c, "hours") != NULL ? " h" : "");
            print_also(": ", c, "starts");
            print_also(", since service ", c, "since_service");
            putchar('\n');
        }
    }
}

static void
print_alarms(const json_t *life)
{
    size_t index;
    json_t *a;
    if (heading("Alarms", json_object_get(life, "alarms"))) {
        json_array_foreach(json_object_get(life, "alarms"), index, a)
        {
            print_also("  ", a, "rule");
            print_word(": ", a, "state", "alarm_state");
            print_also(", episodes ", a, "episodes");
            print_also(", last raised ", a, "raised_at");
            putchar('\n');
        }
    }
}

static void
print_days_left(const json_t *left)
{
    double days = json_is_number(left) ? json_number_value(left) : LEDGER_NEAR_DAYS + 1;
    if (days < 0) {
        printf(tr(" (over since %d d)"), -(int)days);
    } else if (days <= LEDGER_NEAR_DAYS) {
        printf(tr(" (%d d left)"), (int)days);
    }
}

static void
print_papers(const json_t *life)
{
    size_t index;
    json_t *d;
    if (heading("Documents", json_object_get(life, "documents"))) {
        json_array_foreach(json_object_get(life, "documents"), index, d)
        {
            char link[CELL_BYTES];
            char title[CELL_BYTES];
            print_word("  ", d, "kind", "document_kind");
            printf(": %s", text_of(title, d, "title"));
            if (strcmp(title, text_of(link, d, "link")) != 0) {
                printf(", %s", link);
            }
            print_also(", until ", d, "valid_until");
            print_days_left(json_object_get(d, "days_left"));
            print_also(" (number ", d, "number");
            printf("%s", json_is_integer(json_object_get(d, "number")) ? ")" : "");
            print_also(", removed by ", d, "removed_by");
            putchar('\n');
        }
    }
    if (heading("Alterations", json_object_get(life, "alterations"))) {
        json_array_foreach(json_object_get(life, "alterations"), index, d)
        {
            print_also("  ", d, "day");
            print_also("  ", d, "what");
            print_also("; effect: ", d, "effect");
            print_also("; made by ", d, "made_by");
            putchar('\n');
        }
    }
}

static void
print_parts(const json_t *ticket)
{
    size_t index;
    json_t *part;
    json_array_foreach(json_object_get(ticket, "parts"), index, part)
    {
        printf("%s", index == 0 ? tr("; parts: ") : ", ");
        print_also("", part, "count");
        print_also(" ", part, "name");
    }
}

static void
print_tickets(const json_t *life, const char *key, const char *title, const char *when)
{
    size_t index;
    json_t *t;
    if (!heading(title, json_object_get(life, key))) {
        return;
    }
    json_array_foreach(json_object_get(life, key), index, t)
    {
        const char *at = json_object_get(t, when) != NULL ? when : "opened_at";
        print_also("  ", t, at);
        print_also("  ticket ", t, "number");
        print_word(", ", t, "kind", "ticket_kind");
        print_word(", ", t, "state", "ticket_state");
        print_also(": ", t, "title");
        print_also("; symptom: ", t, "symptom");
        print_also("; cause: ", t, "cause");
        print_also("; treatment: ", t, "treatment");
        print_parts(t);
        print_also("; minutes: ", t, "minutes");
        print_money("; cost: ", t, "total");
        print_also("; by ", t, "by");
        print_also("; reopened: ", t, "reopened");
        print_also("; stars: ", t, "rating");
        putchar('\n');
    }
}

static void
print_costs(const json_t *life)
{
    const json_t *c = json_object_get(life, "costs");
    const char *currency = json_string_value(json_object_get(life, "currency"));
    if (json_integer_value(json_object_get(c, "tickets")) == 0) {
        return;
    }
    printf(tr("\nCosts%s%s\n"), currency != NULL ? ", " : "",
           currency != NULL ? currency : "");
    printf(tr("  total %.2f"), json_number_value(json_object_get(c, "total")));
    printf(tr(" (parts %.2f, work %.2f)"),
           json_number_value(json_object_get(c, "parts")),
           json_number_value(json_object_get(c, "work")));
    print_also(", minutes ", c, "minutes");
    print_also(", tickets ", c, "tickets");
    putchar('\n');
}

/* What happened: a word of ours, or the kind of a ticket. */
static const char *
history_word(const char *what)
{
    enum ticket_kind kind;
    return ticket_kind_parse(&kind, what) ? ticket_kind_word(kind)
                                          : tr_word("history", what);
}

static void
print_history(const json_t *life)
{
    size_t index;
    json_t *h;
    if (!heading("History", json_object_get(life, "history"))) {
        return;
    }
    json_array_foreach(json_object_get(life, "history"), index, h)
    {
        char what[CELL_BYTES];
        char number[CELL_BYTES];
        print_also("  ", h, "t");
        printf("  %s", history_word(text_of(what, h, "what")));
        if (text_of(number, h, "number")[0] != '\0') {
            printf(" %s", number);
        }
        print_also(": ", h, "title");
        if (strcmp(what, "document") == 0) {
            print_word("; ", h, "result", "document_kind");
        } else {
            print_also("; ", h, "result");
        }
        putchar('\n');
    }
}

static void
print_planned(const json_t *life)
{
    size_t index;
    json_t *p;
    if (heading("Planned", json_object_get(life, "planned"))) {
        json_array_foreach(json_object_get(life, "planned"), index, p)
        {
            print_also("  ", p, "due_at");
            print_also("  ", p, "title");
            print_also(", ticket ", p, "ticket");
            print_also(", plan ", p, "plan");
            print_also(", by ", p, "by");
            putchar('\n');
        }
    }
}

static void
print_plans(const json_t *life)
{
    size_t index;
    json_t *p;
    if (heading("Plans", json_object_get(life, "plans"))) {
        json_array_foreach(json_object_get(life, "plans"), index, p)
        {
            bool due = json_is_string(json_object_get(p, "due"));
            printf("%s", due ? "" : tr("  by use"));
            print_also("  ", p, "due");
            print_also("  ", p, "title");
            print_also(" (", p, "plan");
            printf(")%s%s",
                   json_is_true(json_object_get(p, "statutory")) ? tr(", statutory")
                                                                 : "",
                   json_is_true(json_object_get(p, "overdue")) ? tr(", overdue") : "");
            print_also("; last done ", p, "last_done");
            putchar('\n');
        }
    }
}

static int
print_life(const char *text)
{
    json_error_t where;
    json_t *life = json_loads(text, 0, &where);
    if (!json_is_object(life)) {
        fprintf(stderr, tr("caretaker: the answer is no device: %s\n"), where.text);
        json_decref(life);
        return CLI_OUTSIDE;
    }
    print_head(life);
    print_state(json_object_get(life, "state"));
    print_counters(life);
    print_alarms(life);
    print_papers(life);
    print_tickets(life, "open_tickets", "Open tickets", "opened_at");
    print_planned(life);
    print_plans(life);
    print_tickets(life, "faults", "Faults", "opened_at");
    print_tickets(life, "maintenance", "Maintenance", "resolved_at");
    print_costs(life);
    print_history(life);
    json_decref(life);
    return CLI_OK;
}

static int
fetch(const struct site *site,
      const char *id,
      const char *limit,
      struct strbuf *out,
      struct err *err)
{
    struct life_options options = {.now_ms = clock_real_ms()};
    struct strbuf path = {0};
    int code = life_limit_parse(&options.limit, limit, err);
    if (code != 0) {
        return code;
    }
    strbuf_printf(&path, "/api/v1/devices/%s", id);
    cli_query(&path, "limit", limit);
    code = cli_ask(site->data_dir, "GET", strbuf_text(&path), NULL, out, err);
    strbuf_fini(&path);
    if (code == ERR_IO) {
        strbuf_clear(out);
        code = offline_device_life(site, id, &options, out, err);
    }
    return code;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    const char *site_file = CLI_SITE_DEFAULT;
    const char *limit = NULL;
    bool json = false;
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &site_file, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"limit", 'n', CLI_TEXT, &limit, "N",
         "the newest N of faults, maintenance and history [all]"},
        {"json", 'j', CLI_FLAG, &json, NULL, "JSON"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count != 1) {
        return cli_usage_error(self, "say which device: its id");
    }
    struct site *site = cli_site(site_file);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    struct strbuf answer = {0};
    struct err err = {0};
    if (site_device(site, args.items[0]) == NONE_INDEX) {
        err_set(&err, ERR_NOT_FOUND, "there is no device \"%s\"", args.items[0]);
        status = cli_fail(&err);
    } else if (fetch(site, args.items[0], limit, &answer, &err) != 0) {
        status = cli_fail(&err);
    } else if (json) {
        puts(strbuf_text(&answer));
    } else {
        status = print_life(strbuf_text(&answer));
    }
    strbuf_fini(&answer);
    site_free(site);
    return status;
}

const struct cli_command cli_device = {
    "device", "the whole life of a device", "ID [-c SITE] [--limit N] [--json]",
    "What the ledger knows of it, how it is now, its papers, alterations, open "
    "tickets,\n"
    "visits that are due, faults (symptom, cause, treatment, parts), maintenance, "
    "costs,\n"
    "and all of it in order of time.  Asks the daemon; reads the databases itself "
    "when\n"
    "it is down.\n",
    run};
