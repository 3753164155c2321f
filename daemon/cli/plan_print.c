#include "daemon/cli/plan_print.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/ical.h"
#include "daemon/cli/plan_sums.h"

#define DAY_BEFORE "-P1D" /* When a calendar reminds. */

static const char *const weekdays[] = {N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"),
                                       N_("Fri"), N_("Sat"), N_("Sun")};

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

static bool
is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* ---- For people ---- */

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
add_parts(struct strbuf *out, const json_t *parts)
{
    size_t i;
    json_t *part;
    json_array_foreach(parts, i, part)
    {
        strbuf_printf(out, "%s%s", i > 0 ? ", " : "", text_of(part, "name"));
        if (int_of(part, "count") > 1) {
            strbuf_printf(out, " x %lld", (long long)int_of(part, "count"));
        }
    }
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
    strbuf_printf(out, " %s", text_of(v, "use"));
    const json_t *rate = json_object_get(v, "per_day");
    if (json_is_number(rate)) {
        strbuf_add(out, ", ");
        strbuf_add_number(out, json_number_value(rate));
        strbuf_printf(out, tr(" a day (from %lld day%s)"),
                      (long long)int_of(v, "from_days"),
                      int_of(v, "from_days") == 1 ? "" : "s");
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

static void
add_visit(struct strbuf *out, const json_t *v, bool steps, const char *currency)
{
    const char *name = text_of(v, "device_name");
    const char *device = text_of(v, "device");
    if (is_true(v, "overdue")) { /* By day, not in the order of a round. */
        strbuf_printf(out, "  - %s", device);
    } else {
        strbuf_printf(out, "  %lld. %s", (long long)int_of(v, "stop"), device);
    }
    if (strcmp(name, device) != 0) {
        strbuf_printf(out, " %s", name);
    }
    if (strcmp(text_of(v, "place"), device) != 0) {
        strbuf_printf(out, ", %s", text_of(v, "place"));
    }
    strbuf_printf(out, tr(": %s (%s)\n     due %s"), text_of(v, "title"),
                  text_of(v, "plan"), text_of(v, "due"));
    if (is_true(v, "statutory")) {
        strbuf_add(out, tr(", statutory"));
    } else if (strcmp(text_of(v, "latest"), text_of(v, "due")) != 0) {
        strbuf_printf(out, tr(", at the latest %s"), text_of(v, "latest"));
    }
    if (strcmp(text_of(v, "why"), "use") == 0) {
        strbuf_add(out, tr(", by use"));
    } else if (strcmp(text_of(v, "why"), "moved") == 0) {
        strbuf_add(out, tr(", moved"));
        if (int_of(v, "for_ticket") != 0) {
            strbuf_printf(out, tr(" for ticket %lld"),
                          (long long)int_of(v, "for_ticket"));
        }
    }
    if (int_of(v, "ticket") != 0) {
        strbuf_printf(out, tr("; ticket %lld %s"), (long long)int_of(v, "ticket"),
                      tr_word("ticket_state", text_of(v, "state")));
        if (text_of(v, "assignee")[0] != '\0') {
            strbuf_printf(out, " (%s)", text_of(v, "assignee"));
        }
    }
    if (int_of(v, "minutes") != 0) {
        strbuf_printf(out, tr("; %lld min"), (long long)int_of(v, "minutes"));
    }
    if (is_true(v, "outside_hours")) {
        strbuf_add(out, tr(", outside the team's hours"));
    }
    add_cost(out, v, currency);
    add_use(out, v);
    strbuf_add_char(out, '\n');
    const json_t *parts = json_object_get(v, "parts");
    if (json_array_size(parts) > 0) {
        strbuf_add(out, tr("     parts: "));
        add_parts(out, parts);
        strbuf_add_char(out, '\n');
    }
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(v, "steps"), i, step)
    {
        if (steps) {
            strbuf_printf(out, "     [ ] %s\n", json_string_value(step));
        }
    }
}

static bool
same_round(const json_t *a, const json_t *b)
{
    return strcmp(text_of(a, "day"), text_of(b, "day")) == 0 &&
           strcmp(text_of(a, "team"), text_of(b, "team")) == 0;
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
        if (is_true(v, "overdue") || !same_round(v, head)) {
            break;
        }
        minutes += int_of(v, "minutes");
        count++;
    }
    add_day(out, text_of(head, "day"));
    if (text_of(head, "team")[0] != '\0') {
        strbuf_printf(out, ", %s", text_of(head, "team"));
    }
    if (text_of(head, "on_duty")[0] != '\0') {
        strbuf_printf(out, " (%s)", text_of(head, "on_duty"));
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
        const char *name = text_of(part, "name");
        int64_t sum = int_of(totals, name) + int_of(part, "count");
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
        bool overdue = is_true(v, "overdue");
        bool was = before != NULL && is_true(before, "overdue");
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

/* ---- For calendars ---- */

static int64_t
instant_of(const json_t *v, const char *key)
{
    int64_t t_ms = INSTANT_NONE;
    if (instant_parse(&t_ms, text_of(v, key), NULL) != 0) {
        return INSTANT_NONE;
    }
    return t_ms;
}

static void
describe(struct strbuf *out, const json_t *v)
{
    size_t i;
    json_t *step;
    strbuf_printf(out, tr("%s, due %s%s"), text_of(v, "plan"), text_of(v, "due"),
                  is_true(v, "statutory") ? tr(", statutory") : "");
    if (is_true(v, "overdue")) {
        strbuf_add(out, tr(", overdue"));
    }
    if (int_of(v, "ticket") != 0) {
        strbuf_printf(out, tr("\nticket %lld"), (long long)int_of(v, "ticket"));
    }
    if (int_of(v, "minutes") != 0) {
        strbuf_printf(out, tr("\n%lld min"), (long long)int_of(v, "minutes"));
    }
    const json_t *parts = json_object_get(v, "parts");
    if (json_array_size(parts) > 0) {
        strbuf_add(out, tr("\nparts: "));
        add_parts(out, parts);
    }
    json_array_foreach(json_object_get(v, "steps"), i, step)
    {
        strbuf_printf(out, "\n%zu. %s", i + 1, json_string_value(step));
    }
}

static void
add_appointment(struct strbuf *out, const json_t *v, int64_t stamp_ms)
{
    struct strbuf summary = {0};
    struct strbuf description = {0};
    int32_t day = 0;
    (void)civil_parse_date(&day, text_of(v, "day")); /* The listing wrote it. */
    strbuf_printf(&summary, "%s: %s", text_of(v, "device_name"), text_of(v, "title"));
    describe(&description, v);
    struct ical_event event = {.uid = text_of(v, "uid"),
                               .day = day,
                               .start_ms = instant_of(v, "start"),
                               .end_ms = instant_of(v, "end"),
                               .summary = strbuf_text(&summary),
                               .description = strbuf_text(&description),
                               .location = text_of(v, "place"),
                               .categories = text_of(v, "team"),
                               .alarm = DAY_BEFORE};
    ical_event(out, &event, stamp_ms);
    strbuf_fini(&summary);
    strbuf_fini(&description);
}

void
plan_print_ics(struct strbuf *out,
               const char *name,
               const char *visits,
               int64_t stamp_ms)
{
    json_t *root = json_loads(visits, 0, NULL);
    size_t i;
    json_t *v;
    ical_begin(out, name);
    json_array_foreach(root, i, v)
    {
        add_appointment(out, v, stamp_ms);
    }
    ical_end(out);
    json_decref(root);
}
