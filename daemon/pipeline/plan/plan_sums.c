#include "daemon/pipeline/plan/plan_sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/money.h"
#include "daemon/pipeline/plan/plan_row.h"

#define MONTH_SIZE 7 /* "2026-03" of "2026-03-10". */

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
        t.minutes += plan_row_int(v, "minutes");
        t.unminuted += plan_row_int(v, "minutes") == 0;
        t.uncosted += !plan_row_cost(v, &cost);
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
        struct sum key = {.plan = plan_row_text(v, "plan"),
                          .title = plan_row_text(v, "title"),
                          .team = plan_row_text(v, "team")};
        if (strcmp(plan_row_text(v, "day"), from) < 0) {
            continue;
        }
        snprintf(key.month, sizeof key.month, "%.*s", MONTH_SIZE,
                 plan_row_text(v, "day"));
        struct sum *sum = find(&sums, &key, by_month);
        int64_t cost;
        sum->visits++;
        sum->minutes += plan_row_int(v, "minutes");
        sum->costed = plan_row_cost(v, &cost);
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
        const struct sum key = {.day = plan_row_text(v, "day"),
                                .team = plan_row_text(v, "team"),
                                .part = plan_row_text(part, "name")};
        struct sum *sum = find(sums, &key, by_day);
        sum->count += plan_row_int(part, "count");
        strbuf_add(&sum->devices, sum->devices.size > 0 ? "," : "");
        strbuf_json_string(&sum->devices, plan_row_text(v, "device"));
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
