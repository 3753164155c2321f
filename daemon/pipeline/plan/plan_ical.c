#include "daemon/pipeline/plan/plan_ical.h"

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/plan/ical.h"
#include "daemon/pipeline/plan/plan_row.h"

#define DAY_BEFORE "-P1D" /* When a calendar reminds. */

static int64_t
instant_of(const json_t *v, const char *key)
{
    int64_t t_ms = INSTANT_NONE;
    if (instant_parse(&t_ms, plan_row_text(v, key), NULL) != 0) {
        return INSTANT_NONE;
    }
    return t_ms;
}

static void
describe(struct strbuf *out, const json_t *v)
{
    size_t i;
    json_t *step;
    strbuf_printf(out, tr("%s, due %s%s"), plan_row_text(v, "plan"),
                  plan_row_text(v, "due"),
                  plan_row_true(v, "statutory") ? tr(", statutory") : "");
    if (plan_row_true(v, "overdue")) {
        strbuf_add(out, tr(", overdue"));
    }
    if (plan_row_int(v, "ticket") != 0) {
        strbuf_printf(out, tr("\nticket %lld"), (long long)plan_row_int(v, "ticket"));
    }
    if (plan_row_int(v, "minutes") != 0) {
        strbuf_printf(out, tr("\n%lld min"), (long long)plan_row_int(v, "minutes"));
    }
    const json_t *parts = json_object_get(v, "parts");
    if (json_array_size(parts) > 0) {
        strbuf_add(out, tr("\nparts: "));
        plan_row_add_parts(out, parts);
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
    (void)civil_parse_date(&day, plan_row_text(v, "day")); /* The listing wrote it. */
    strbuf_printf(&summary, "%s: %s", plan_row_text(v, "device_name"),
                  plan_row_text(v, "title"));
    describe(&description, v);
    struct ical_event event = {.uid = plan_row_text(v, "uid"),
                               .day = day,
                               .start_ms = instant_of(v, "start"),
                               .end_ms = instant_of(v, "end"),
                               .summary = strbuf_text(&summary),
                               .description = strbuf_text(&description),
                               .location = plan_row_text(v, "place"),
                               .categories = plan_row_text(v, "team"),
                               .alarm = DAY_BEFORE};
    ical_event(out, &event, stamp_ms);
    strbuf_fini(&summary);
    strbuf_fini(&description);
}

void
plan_ical(struct strbuf *out, const char *name, const char *visits, int64_t stamp_ms)
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
