#include "daemon/cli/plan_sums.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/csv.h"
#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/cli/cli.h"

#define MONTH_SIZE   7 /* "2026-03" of "2026-03-10". */
#define HOUR_MINUTES 60.0

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static int64_t
int_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* In hundredths; false: it is not said. */
static bool
cost_of(const json_t *v, int64_t *cost)
{
    const json_t *value = json_object_get(v, "cost");
    *cost = 0;
    return json_is_number(value) && money_from_number(cost, json_number_value(value));
}

struct plan_total
plan_total(const char *visits)
{
    struct plan_total t = {0};
    json_t *root = json_loads(visits, 0, NULL);
    size_t i;
    json_t *v;
    json_array_foreach(root, i, v)
    {
        int64_t cost;
        t.visits++;
        t.minutes += int_of(v, "minutes");
        t.unminuted += int_of(v, "minutes") == 0;
        t.uncosted += !cost_of(v, &cost);
        t.cost += cost;
    }
    json_decref(root);
    return t;
}

/* ---- Sums ---- */

/* What is summed up under one key; texts are borrowed from the listing. */
struct sum {
    char month[MONTH_SIZE + 1];
    const char *day, *plan, *title, *team, *part;
    int64_t visits, minutes, cost, count;
    bool costed;
    struct strbuf devices; /* A JSON list without its brackets. */
};

struct sums {
    struct sum *items;
    size_t count, room;
};

static struct sum *
add(struct sums *s, const struct sum *key)
{
    if (s->count == s->room) {
        s->room = s->room == 0 ? 64 : 2 * s->room;
        s->items = realloc(s->items, s->room * sizeof *s->items);
        if (s->items == NULL) {
            abort();
        }
    }
    s->items[s->count] = *key;
    return &s->items[s->count++];
}

static void
fini(struct sums *s)
{
    for (size_t i = 0; i < s->count; i++) {
        strbuf_fini(&s->items[i].devices);
    }
    free(s->items);
}

/* What is searched for was mostly seen last. */
static struct sum *
find(struct sums *s, const struct sum *key, int (*compare)(const void *, const void *))
{
    for (size_t i = s->count; i-- > 0;) {
        if (compare(&s->items[i], key) == 0) {
            return &s->items[i];
        }
    }
    return add(s, key);
}

static int
by_month(const void *a, const void *b)
{
    const struct sum *x = a;
    const struct sum *y = b;
    int order = strcmp(x->month, y->month);
    return order != 0 ? order : strcmp(x->plan, y->plan);
}

static int
by_day(const void *a, const void *b)
{
    const struct sum *x = a;
    const struct sum *y = b;
    int order = strcmp(x->day, y->day);
    order = order != 0 ? order : strcmp(x->team, y->team);
    return order != 0 ? order : strcmp(x->part, y->part);
}

static void
sort(struct sums *s, int (*compare)(const void *, const void *))
{
    if (s->count > 0) {
        qsort(s->items, s->count, sizeof *s->items, compare);
    }
}

static void
put_text(struct strbuf *out, const char *key, const char *text)
{
    strbuf_json_str(out, key, text[0] != '\0' ? text : NULL);
}

void
plan_budget(struct strbuf *out, const char *visits, const char *from)
{
    struct sums sums = {0};
    json_t *root = json_loads(visits, 0, NULL);
    size_t i;
    json_t *v;
    json_array_foreach(root, i, v)
    {
        struct sum key = {.plan = text_of(v, "plan"),
                          .title = text_of(v, "title"),
                          .team = text_of(v, "team")};
        if (strcmp(text_of(v, "day"), from) < 0) {
            continue;
        }
        snprintf(key.month, sizeof key.month, "%.*s", MONTH_SIZE, text_of(v, "day"));
        struct sum *sum = find(&sums, &key, by_month);
        int64_t cost;
        sum->visits++;
        sum->minutes += int_of(v, "minutes");
        sum->costed = cost_of(v, &cost);
        sum->cost += cost;
    }
    sort(&sums, by_month);
    strbuf_add_char(out, '[');
    for (i = 0; i < sums.count; i++) {
        const struct sum *sum = &sums.items[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "month", sum->month);
        strbuf_json_str(out, "plan", sum->plan);
        strbuf_json_str(out, "title", sum->title);
        put_text(out, "team", sum->team);
        strbuf_json_int(out, "visits", sum->visits);
        strbuf_json_int(out, "minutes", sum->minutes);
        if (sum->costed) {
            strbuf_json_money(out, "cost", sum->cost);
        } else {
            strbuf_json_str(out, "cost", NULL);
        }
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
    fini(&sums);
    json_decref(root);
}

static void
add_parts(struct sums *sums, const json_t *v)
{
    size_t i;
    json_t *part;
    json_array_foreach(json_object_get(v, "parts"), i, part)
    {
        const struct sum key = {.day = text_of(v, "day"),
                                .team = text_of(v, "team"),
                                .part = text_of(part, "name")};
        struct sum *sum = find(sums, &key, by_day);
        sum->count += int_of(part, "count");
        strbuf_add(&sum->devices, sum->devices.size > 0 ? "," : "");
        strbuf_json_string(&sum->devices, text_of(v, "device"));
    }
}

void
plan_parts(struct strbuf *out, const char *visits)
{
    struct sums sums = {0};
    json_t *root = json_loads(visits, 0, NULL);
    size_t i;
    json_t *v;
    json_array_foreach(root, i, v)
    {
        add_parts(&sums, v);
    }
    sort(&sums, by_day);
    strbuf_add_char(out, '[');
    for (i = 0; i < sums.count; i++) {
        const struct sum *sum = &sums.items[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "day", sum->day);
        put_text(out, "team", sum->team);
        strbuf_json_str(out, "part", sum->part);
        strbuf_json_int(out, "count", sum->count);
        strbuf_json_key(out, "for");
        strbuf_printf(out, "[%s]}", strbuf_text(&sum->devices));
    }
    strbuf_add_char(out, ']');
    fini(&sums);
    json_decref(root);
}

/* ---- For people ---- */

/* One row of a table: what it is of, then visits, hours and money. */
static void
add_row(struct strbuf *out, const char *name, const json_t *row, const struct sum *sum)
{
    char money[MONEY_TEXT_BYTES];
    struct strbuf hours = {0};
    strbuf_printf(&hours, "%.1f", (double)sum->minutes / HOUR_MINUTES);
    strbuf_add(out, out->size > 1 ? ",{" : "{");
    strbuf_json_str(out, "name", name);
    strbuf_json_str(out, "title", row != NULL ? text_of(row, "title") : "");
    strbuf_json_int(out, "visits", sum->visits);
    strbuf_json_str(out, "hours", sum->minutes > 0 ? strbuf_text(&hours) : NULL);
    strbuf_json_str(out, "cost", sum->costed ? money_format(money, sum->cost) : NULL);
    strbuf_add_char(out, '}');
    strbuf_fini(&hours);
}

static void
take(struct sum *sum, const json_t *row)
{
    int64_t cost;
    sum->visits += int_of(row, "visits");
    sum->minutes += int_of(row, "minutes");
    sum->costed = cost_of(row, &cost) || sum->costed;
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
        while (at > 0 && strcmp(text_of(rows[at - 1], key), text_of(row, key)) > 0) {
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
    struct sum all = {.costed = false};
    const json_t **ordered = by_key(root, key);
    strbuf_add_char(&rows, '[');
    for (size_t i = 0, next; i < json_array_size(root); i = next) {
        const char *name = text_of(ordered[i], key);
        struct sum sum = {.costed = false};
        for (next = i; next < json_array_size(root) &&
                       strcmp(text_of(ordered[next], key), name) == 0;
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
        int64_t sum = int_of(totals, text_of(row, "part")) + int_of(row, "count");
        json_object_set_new(totals, text_of(row, "part"), json_integer(sum));
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
            strbuf_printf(&text, "%s x %lld", text_of(item, "name"),
                          (long long)int_of(item, "count"));
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
