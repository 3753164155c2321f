#include "daemon/cli/plan_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/csv.h"
#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/plan/plan_row.h"

#define HOUR_MINUTES 60.0

/* What stands in one row of a table, or under all of them. */
struct figures {
    int64_t visits, minutes, cost;
    bool costed;
};

/* One row of a table: what it is of, then visits, hours and money. */
static void
add_row(struct strbuf *out,
        const char *name,
        const json_t *row,
        const struct figures *sum)
{
    char money[MONEY_TEXT_BYTES];
    struct strbuf hours = {0};
    strbuf_printf(&hours, "%.1f", (double)sum->minutes / HOUR_MINUTES);
    strbuf_add(out, out->size > 1 ? ",{" : "{");
    strbuf_json_str(out, "name", name);
    strbuf_json_str(out, "title", row != NULL ? plan_row_text(row, "title") : "");
    strbuf_json_int(out, "visits", sum->visits);
    strbuf_json_str(out, "hours", sum->minutes > 0 ? strbuf_text(&hours) : NULL);
    strbuf_json_str(out, "cost", sum->costed ? money_format(money, sum->cost) : NULL);
    strbuf_add_char(out, '}');
    strbuf_fini(&hours);
}

static void
take(struct figures *sum, const json_t *row)
{
    int64_t cost;
    sum->visits += plan_row_int(row, "visits");
    sum->minutes += plan_row_int(row, "minutes");
    sum->costed = plan_row_cost(row, &cost) || sum->costed;
    sum->cost += cost;
}

/* The rows by month, or by plan; owned (free()). */
static const json_t **
by_key(const json_t *root, const char *key)
{
    size_t count = json_array_size(root);
    const json_t **rows = calloc(count + 1, sizeof *rows);
    if (rows == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) { /* They come by month: a few hundred. */
        const json_t *row = json_array_get(root, i);
        size_t at = i;
        while (at > 0 &&
               strcmp(plan_row_text(rows[at - 1], key), plan_row_text(row, key)) > 0) {
            rows[at] = rows[at - 1];
            at--;
        }
        rows[at] = row;
    }
    return rows;
}

/* The rows of one key, such as a month, as one, for each of its values in order. */
static void
print_by(const json_t *root, const char *key, const char *total)
{
    static const struct cli_column columns[][5] = {{{"name", "MONTH", CLI_SHOW_TEXT},
                                                    {"visits", "VISITS", CLI_SHOW_TEXT},
                                                    {"hours", "HOURS", CLI_SHOW_TEXT},
                                                    {"cost", "COST", CLI_SHOW_TEXT}},
                                                   {{"name", "PLAN", CLI_SHOW_TEXT},
                                                    {"visits", "VISITS", CLI_SHOW_TEXT},
                                                    {"hours", "HOURS", CLI_SHOW_TEXT},
                                                    {"cost", "COST", CLI_SHOW_TEXT},
                                                    {"title", "TITLE", CLI_SHOW_TEXT}}};
    bool plans = strcmp(key, "plan") == 0;
    struct strbuf rows = {0};
    struct figures all = {.costed = false};
    const json_t **ordered = by_key(root, key);
    strbuf_add_char(&rows, '[');
    for (size_t i = 0, next; i < json_array_size(root); i = next) {
        const char *name = plan_row_text(ordered[i], key);
        struct figures sum = {.costed = false};
        for (next = i; next < json_array_size(root) &&
                       strcmp(plan_row_text(ordered[next], key), name) == 0;
             next++) {
            take(&sum, ordered[next]);
            take(&all, ordered[next]);
        }
        add_row(&rows, name, plans ? ordered[i] : NULL, &sum);
    }
    if (total != NULL) {
        add_row(&rows, total, NULL, &all);
    }
    strbuf_add_char(&rows, ']');
    (void)cli_print_listing(strbuf_text(&rows), false, columns[plans], plans ? 5 : 4,
                            "nothing is planned in this time");
    strbuf_fini(&rows);
    free(ordered);
}

void
plan_budget_print(const char *budget, const char *currency)
{
    json_t *root = json_loads(budget, 0, NULL);
    bool costed = false;
    size_t i;
    json_t *row;
    json_array_foreach(root, i, row)
    {
        costed = costed || json_is_number(json_object_get(row, "cost"));
    }
    print_by(root, "plan", NULL);
    if (json_array_size(root) > 0) {
        putchar('\n');
        print_by(root, "month", tr("total"));
        if (costed) {
            printf(tr("\nCOST in %s; \"-\" where its plan has no `cost`.\n"), currency);
        } else {
            printf("%s", tr("\nNo cost: no plan of these has a `cost`.\n"));
        }
    }
    json_decref(root);
}

static void
print_parts_altogether(const json_t *root)
{
    json_t *totals = json_object();
    size_t i;
    json_t *row;
    json_array_foreach(root, i, row)
    {
        int64_t sum = plan_row_int(totals, plan_row_text(row, "part")) +
                      plan_row_int(row, "count");
        json_object_set_new(totals, plan_row_text(row, "part"), json_integer(sum));
    }
    printf("%s", tr("\nAltogether:\n"));
    for (void *it = json_object_iter(totals); it != NULL;
         it = json_object_iter_next(totals, it)) {
        printf("  %lld x %s\n",
               (long long)json_integer_value(json_object_iter_value(it)),
               json_object_iter_key(it));
    }
    json_decref(totals);
}

/* "pump-1, pump-2" */
static json_t *
joined(const json_t *list, const char *separator)
{
    struct strbuf text = {0};
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        strbuf_add(&text, i > 0 ? separator : "");
        if (json_is_object(item)) {
            strbuf_printf(&text, "%s x %lld", plan_row_text(item, "name"),
                          (long long)plan_row_int(item, "count"));
        } else {
            strbuf_add(&text, json_string_value(item));
        }
    }
    json_t *out = json_string(strbuf_text(&text));
    strbuf_fini(&text);
    return out;
}

void
plan_parts_print(const char *parts)
{
    static const struct cli_column columns[] = {{"day", "DAY", CLI_SHOW_TEXT},
                                                {"team", "TEAM", CLI_SHOW_TEXT},
                                                {"count", "COUNT", CLI_SHOW_TEXT},
                                                {"part", "PART", CLI_SHOW_TEXT},
                                                {"for", "FOR", CLI_SHOW_TEXT}};
    json_t *root = json_loads(parts, 0, NULL);
    size_t i;
    json_t *row;
    json_array_foreach(root, i, row)
    {
        json_object_set_new(row, "for", joined(json_object_get(row, "for"), ", "));
    }
    char *text = json_dumps(root, 0);
    (void)cli_print_listing(text != NULL ? text : "", false, columns,
                            ARRAY_LEN(columns), "no parts are needed in this time");
    if (json_array_size(root) > 0) {
        print_parts_altogether(root);
    }
    free(text);
    json_decref(root);
}

/* ---- For spreadsheets ---- */

static void
add_cell(struct strbuf *out, const char *key, const json_t *value)
{
    char money[MONEY_TEXT_BYTES];
    char when[INSTANT_TEXT_BYTES];
    int64_t cost;
    int64_t t_ms;
    bool instant = strcmp(key, "start") == 0 || strcmp(key, "end") == 0;
    if (instant && json_is_string(value) &&
        instant_parse(&t_ms, json_string_value(value), NULL) == 0) {
        strbuf_add(out,
                   instant_format_local(when, t_ms)); /* A spreadsheet has no UTC. */
    } else if (json_is_array(value)) {
        json_t *text = joined(value, "; ");
        csv_add(out, json_string_value(text));
        json_decref(text);
    } else if (strcmp(key, "cost") == 0 && json_is_number(value) &&
               money_from_number(&cost, json_number_value(value))) {
        strbuf_add(out, money_format(money, cost));
    } else if (json_is_number(value)) {
        strbuf_add_number(out, json_number_value(value));
    } else if (json_is_boolean(value)) {
        strbuf_add(out, json_is_true(value) ? "true" : "false");
    } else if (json_is_string(value)) {
        csv_add(out, json_string_value(value));
    }
}

void
plan_csv(struct strbuf *out, enum plan_sheet sheet, const char *array, bool bom)
{
    static const char *const keys[][24] = {
        [PLAN_SHEET_VISITS] = {"day",         "start",     "end",     "team",
                               "people",      "place",     "stop",    "device",
                               "device_name", "plan",      "title",   "due",
                               "latest",      "statutory", "overdue", "ticket",
                               "state",       "assignee",  "minutes", "cost",
                               "last_done",   "parts",     "steps",   NULL},
        [PLAN_SHEET_BUDGET] = {"month", "plan", "title", "team", "visits", "minutes",
                               "cost", NULL},
        [PLAN_SHEET_PARTS] = {"day", "team", "part", "count", "for", NULL}};
    json_t *root = json_loads(array, 0, NULL);
    size_t i;
    json_t *row;
    strbuf_add(out, bom ? CSV_BOM : "");
    for (size_t k = 0; keys[sheet][k] != NULL; k++) {
        strbuf_printf(out, "%s%s", k > 0 ? "," : "", keys[sheet][k]);
    }
    strbuf_add(out, "\r\n");
    json_array_foreach(root, i, row)
    {
        for (size_t k = 0; keys[sheet][k] != NULL; k++) {
            strbuf_add(out, k > 0 ? "," : "");
            add_cell(out, keys[sheet][k], json_object_get(row, keys[sheet][k]));
        }
        strbuf_add(out, "\r\n");
    }
    json_decref(root);
}
