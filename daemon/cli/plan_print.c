#include "daemon/cli/plan_print.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/plan/plan_row.h"
#include "daemon/pipeline/plan/plan_sums.h"

static const char *const weekdays[] = {N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"),
                                       N_("Fri"), N_("Sat"), N_("Sun")};

static void
add_day(struct strbuf *out, const char *date)
{
    int32_t day = 0;
    if (civil_parse_date(&day, date)) {
        strbuf_printf(out, "%s ", tr(weekdays[civil_weekday(day)]));
    }
    strbuf_add(out, date);
}

static void
add_use(struct strbuf *out, const json_t *v)
{
    const json_t *used = json_object_get(v, "used");
    if (!json_is_number(used)) {
        return;
    }
    strbuf_add(out, "; ");
    strbuf_add_number(out, json_number_value(used));
    strbuf_add(out, tr(" of "));
    strbuf_add_number(out, json_number_value(json_object_get(v, "limit")));
    strbuf_printf(out, " %s", plan_row_text(v, "use"));
    const json_t *rate = json_object_get(v, "per_day");
    if (json_is_number(rate)) {
        strbuf_add(out, ", ");
        strbuf_add_number(out, json_number_value(rate));
        strbuf_printf(out, tr(" a day (from %lld day%s)"),
                      (long long)plan_row_int(v, "from_days"),
                      plan_row_int(v, "from_days") == 1 ? "" : "s");
    }
}

static void
add_cost(struct strbuf *out, const json_t *v, const char *currency)
{
    char money[MONEY_TEXT_BYTES];
    const json_t *value = json_object_get(v, "cost");
    int64_t cost = 0;
    if (json_is_number(value) && money_from_number(&cost, json_number_value(value))) {
        strbuf_printf(out, "; %s %s", money_format(money, cost), currency);
    }
}

/* What it takes: parts and, where they are wanted, steps. */
static void
add_work(struct strbuf *out, const json_t *v, bool steps)
{
    size_t i;
    json_t *step;
    const json_t *parts = json_object_get(v, "parts");
    if (json_array_size(parts) > 0) {
        strbuf_add(out, tr("     parts: "));
        plan_row_add_parts(out, parts);
        strbuf_add_char(out, '\n');
    }
    if (!steps) {
        return;
    }
    json_array_foreach(json_object_get(v, "steps"), i, step)
    {
        strbuf_printf(out, "     [ ] %s\n", json_string_value(step));
    }
}

static void
add_visit(struct strbuf *out, const json_t *v, bool steps, const char *currency)
{
    const char *name = plan_row_text(v, "device_name");
    const char *device = plan_row_text(v, "device");
    if (plan_row_true(v, "overdue")) { /* By day, not in the order of a round. */
        strbuf_printf(out, "  - %s", device);
    } else {
        strbuf_printf(out, "  %lld. %s", (long long)plan_row_int(v, "stop"), device);
    }
    if (strcmp(name, device) != 0) {
        strbuf_printf(out, " %s", name);
    }
    if (strcmp(plan_row_text(v, "place"), device) != 0) {
        strbuf_printf(out, ", %s", plan_row_text(v, "place"));
    }
    strbuf_printf(out, tr(": %s (%s)\n     due %s"), plan_row_text(v, "title"),
                  plan_row_text(v, "plan"), plan_row_text(v, "due"));
    if (plan_row_true(v, "statutory")) {
        strbuf_add(out, tr(", statutory"));
    } else if (strcmp(plan_row_text(v, "latest"), plan_row_text(v, "due")) != 0) {
        strbuf_printf(out, tr(", at the latest %s"), plan_row_text(v, "latest"));
    }
    if (strcmp(plan_row_text(v, "why"), "use") == 0) {
        strbuf_add(out, tr(", by use"));
    } else if (strcmp(plan_row_text(v, "why"), "moved") == 0) {
        strbuf_add(out, tr(", moved"));
        if (plan_row_int(v, "for_ticket") != 0) {
            strbuf_printf(out, tr(" for ticket %lld"),
                          (long long)plan_row_int(v, "for_ticket"));
        }
    }
    if (plan_row_int(v, "ticket") != 0) {
        strbuf_printf(out, tr("; ticket %lld %s"), (long long)plan_row_int(v, "ticket"),
                      tr_word("ticket_state", plan_row_text(v, "state")));
        if (plan_row_text(v, "assignee")[0] != '\0') {
            strbuf_printf(out, " (%s)", plan_row_text(v, "assignee"));
        }
    }
    if (plan_row_int(v, "minutes") != 0) {
        strbuf_printf(out, tr("; %lld min"), (long long)plan_row_int(v, "minutes"));
    }
    if (plan_row_true(v, "outside_hours")) {
        strbuf_add(out, tr(", outside the team's hours"));
    }
    add_cost(out, v, currency);
    add_use(out, v);
    strbuf_add_char(out, '\n');
    add_work(out, v, steps);
}

static bool
same_round(const json_t *a, const json_t *b)
{
    return strcmp(plan_row_text(a, "day"), plan_row_text(b, "day")) == 0 &&
           strcmp(plan_row_text(a, "team"), plan_row_text(b, "team")) == 0;
}

/* "Tue 2026-03-10, mechanical (zhang): 3 visits, 95 min" */
static void
add_round(struct strbuf *out, const json_t *visits, size_t first)
{
    const json_t *head = json_array_get(visits, first);
    int64_t minutes = 0;
    size_t count = 0;
    for (size_t i = first; i < json_array_size(visits); i++) {
        const json_t *v = json_array_get(visits, i);
        if (plan_row_true(v, "overdue") || !same_round(v, head)) {
            break;
        }
        minutes += plan_row_int(v, "minutes");
        count++;
    }
    add_day(out, plan_row_text(head, "day"));
    if (plan_row_text(head, "team")[0] != '\0') {
        strbuf_printf(out, ", %s", plan_row_text(head, "team"));
    }
    if (plan_row_text(head, "on_duty")[0] != '\0') {
        strbuf_printf(out, " (%s)", plan_row_text(head, "on_duty"));
    }
    strbuf_printf(out, tr(": %zu visit%s"), count, cli_s(count));
    if (minutes > 0) {
        strbuf_printf(out, tr(", %lld min"), (long long)minutes);
    }
    strbuf_add_char(out, '\n');
}

static void
add_total(json_t *totals, const json_t *parts)
{
    size_t i;
    json_t *part;
    json_array_foreach(parts, i, part)
    {
        const char *name = plan_row_text(part, "name");
        int64_t sum = plan_row_int(totals, name) + plan_row_int(part, "count");
        json_object_set_new(totals, name, json_integer(sum));
    }
}

/* What is to be bought or fetched before the first of them. */
static void
add_totals(struct strbuf *out, const json_t *visits)
{
    json_t *totals = json_object();
    size_t i;
    json_t *v;
    json_array_foreach(visits, i, v)
    {
        add_total(totals, json_object_get(v, "parts"));
    }
    if (json_object_size(totals) > 0) {
        strbuf_add(out, tr("\nParts to prepare:\n"));
    }
    for (void *it = json_object_iter(totals); it != NULL;
         it = json_object_iter_next(totals, it)) {
        strbuf_printf(out, "  %lld x %s\n",
                      (long long)json_integer_value(json_object_iter_value(it)),
                      json_object_iter_key(it));
    }
    json_decref(totals);
}

/* "12 visits, 950 min, 1240.00 CNY" */
static void
add_sum(struct strbuf *out, const char *visits, const char *currency)
{
    char money[MONEY_TEXT_BYTES];
    struct plan_total t = plan_total(visits);
    if (t.visits < 2) {
        return;
    }
    strbuf_printf(out, tr("\nTogether: %lld visits"), (long long)t.visits);
    if (t.minutes > 0) {
        strbuf_printf(out, tr(", %lld min"), (long long)t.minutes);
    }
    if (t.unminuted > 0 && t.minutes > 0) {
        strbuf_printf(out, tr(" (%lld of unknown length)"), (long long)t.unminuted);
    }
    if (t.uncosted < t.visits) {
        strbuf_printf(out, ", %s %s", money_format(money, t.cost), currency);
        if (t.uncosted > 0) {
            strbuf_printf(out, tr(" (%lld of unknown cost)"), (long long)t.uncosted);
        }
    }
    strbuf_add_char(out, '\n');
}

void
plan_print_text(struct strbuf *out,
                const char *visits,
                bool steps,
                const char *currency)
{
    json_t *root = json_loads(visits, 0, NULL);
    size_t count = json_array_size(root);
    const json_t *before = NULL;
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_array_get(root, i);
        bool overdue = plan_row_true(v, "overdue");
        bool was = before != NULL && plan_row_true(before, "overdue");
        if (overdue && before == NULL) {
            strbuf_add(out, tr("Overdue\n"));
        } else if (!overdue && (before == NULL || was || !same_round(before, v))) {
            strbuf_add(out, before != NULL ? "\n" : "");
            add_round(out, root, i);
        }
        add_visit(out, v, steps, currency);
        before = v;
    }
    if (count == 0) {
        strbuf_add(out, tr("nothing is planned in this time\n"));
    }
    add_totals(out, root);
    add_sum(out, visits, currency);
    json_decref(root);
}
