#include "daemon/pipeline/budgets.h"

#include <math.h>

#include "collectors/budget.h"
#include "collectors/plan.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

static double
tenths(double value)
{
    return round(value * 10.0) / 10.0;
}

/* Upwards: half as slowly as needed would not help. */
static double
hundredths_up(double value)
{
    return ceil(value * 100.0) / 100.0;
}

/* What to change on a bus that has too little time left. */
static void
add_remedy(struct strbuf *out, const struct site *site, const struct bus_budget *b)
{
    const struct device *d = &site->devices[b->heaviest];
    char now[INSTANT_TEXT_BYTES];
    char then[INSTANT_TEXT_BYTES];
    bool all = !d->poll_continuous && b->heaviest_ms == d->poll_ms;
    (void)duration_write(now, b->heaviest_ms);
    if (b->remedy_ms > 0) {
        strbuf_printf(out, tr("poll %s\"%s\" every %s instead of %s, or "),
                      all ? "" : tr("the fast points of "), d->id,
                      duration_write(then, b->remedy_ms), now);
    } else {
        strbuf_printf(out,
                      tr("no device alone is the cause (\"%s\" every %s takes most, "),
                      d->id, now);
        strbuf_add_number(out, tenths(b->heaviest_load));
        strbuf_add(out, " %): ");
    }
    strbuf_add(out, tr("make all periods "));
    strbuf_add_number(out, hundredths_up(b->slow_down));
    strbuf_add(out, tr(" times as long"));
    if (site->buses[b->bus].baud > 0) {
        strbuf_add(out, tr(", raise the baud rate"));
    }
    strbuf_add(out, tr(", or move devices to another bus"));
}

/* The warning of a bus; false: it needs none. */
static bool
add_advice(struct strbuf *out, const struct site *site, const struct bus_budget *b)
{
    if (b->load < BUDGET_NARROW || b->heaviest == NONE_INDEX) {
        return false;
    }
    bool full = b->load >= BUDGET_FULL;
    strbuf_printf(out, tr("bus \"%s\" %s: it takes "), site->buses[b->bus].id,
                  full ? tr("CANNOT HOLD ITS PLAN")
                       : tr("has little time to spare for its plan"));
    strbuf_add_number(out, tenths(b->load));
    if (full) {
        strbuf_add(out, tr(" % of its time, so every device is read "));
        strbuf_add_number(out, hundredths_up(b->load / BUDGET_FULL));
        strbuf_add(out, tr(" times as seldom as planned; "));
    } else {
        strbuf_add(out, tr(" % of it, and retries and probes come on top; "));
    }
    add_remedy(out, site, b);
    return true;
}

int
budgets_warn(const struct site *site, struct diags *diags, struct err *err)
{
    struct strbuf text = {0};
    int code = 0;
    for (uint32_t i = 0; i < site->bus_count && code == 0; i++) {
        struct bus_budget b;
        code = bus_budget_init(&b, site, i, err);
        if (code != 0) {
            break;
        }
        strbuf_clear(&text);
        if (add_advice(&text, site, &b)) {
            diags_add(diags, DIAG_WARNING, &site->buses[i].loc, "%s",
                      strbuf_text(&text));
        }
        bus_budget_fini(&b);
    }
    strbuf_fini(&text);
    return code;
}

static void
line_json(struct strbuf *out, const struct site *site, const struct budget_line *l)
{
    const struct device *d = &site->devices[l->device];
    char every[INSTANT_TEXT_BYTES];
    strbuf_add(out, out->text[out->size - 1] == '[' ? "{" : ",{");
    strbuf_json_str(out, "device", d->id);
    strbuf_json_int(out, "unit", d->unit);
    strbuf_json_int(out, "function", plan_function(l->table));
    strbuf_json_str(out, "table", reg_table_name(l->table));
    strbuf_json_int(out, "address", l->address);
    strbuf_json_int(out, "count", l->count);
    strbuf_json_int(out, "points", l->points);
    strbuf_json_str(out, "every",
                    l->continuous ? "continuous" : duration_write(every, l->poll_ms));
    strbuf_json_int(out, "period_ms", l->poll_ms);
    strbuf_json_int(out, "bytes", l->bytes);
    strbuf_json_num(out, "ms", (double)l->took_us / 1000.0);
    strbuf_json_num(out, "load", round(l->load * 1000.0) / 1000.0);
    strbuf_add_char(out, '}');
}

static void
deaths_json(struct strbuf *out, const struct bus_budget *b)
{
    strbuf_json_key(out, "dead");
    strbuf_add_char(out, '[');
    for (int i = 0; i < BUDGET_DEATHS; i++) {
        const struct budget_death *d = &b->deaths[i];
        if (d->dead == 0 || (i > 0 && d->dead == b->deaths[i - 1].dead)) {
            continue; /* There are not so many. */
        }
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_int(out, "devices", d->dead);
        strbuf_json_num(out, "load", tenths(d->load));
        strbuf_json_num(out, "stall_ms", (double)d->stall_us / 1000.0);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

static void
budget_json(struct strbuf *out, const struct site *site, const struct bus_budget *b)
{
    char line[BUS_TEXT_BYTES];
    struct strbuf advice = {0};
    bool needed = add_advice(&advice, site, b);
    bool never = b->round_us == INT64_MAX;
    strbuf_add(out, out->text[out->size - 1] == '[' ? "{" : ",{");
    strbuf_json_str(out, "site", site->id);
    strbuf_json_str(out, "bus", site->buses[b->bus].id);
    strbuf_json_str(out, "line", bus_describe(line, &site->buses[b->bus]));
    strbuf_json_num(out, "baud",
                    site->buses[b->bus].baud > 0 ? site->buses[b->bus].baud
                                                 : (double)NAN);
    strbuf_json_int(out, "devices", b->devices);
    strbuf_json_num(out, "load", tenths(b->load));
    strbuf_json_num(out, "cycle_ms", (double)b->cycle_us / 1000.0);
    strbuf_json_int(out, "continuous", b->continuous);
    strbuf_json_num(out, "round_ms",
                    b->continuous == 0 || never ? (double)NAN
                                                : (double)b->round_us / 1000.0);
    strbuf_json_key(out, "requests");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < b->line_count; i++) {
        line_json(out, site, &b->lines[i]);
    }
    strbuf_add_char(out, ']');
    deaths_json(out, b);
    strbuf_json_str(out, "advice", needed ? strbuf_text(&advice) : NULL);
    strbuf_add_char(out, '}');
    strbuf_fini(&advice);
}

int
budgets_json(const struct site *site, struct strbuf *out, struct err *err)
{
    int code = 0;
    for (uint32_t i = 0; i < site->bus_count && code == 0; i++) {
        struct bus_budget b;
        code = bus_budget_init(&b, site, i, err);
        if (code == 0) {
            budget_json(out, site, &b);
            bus_budget_fini(&b);
        }
    }
    return code;
}
