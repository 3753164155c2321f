/* What was used: energy of the period, and of the life of the equipment. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/ledger/ledger_list.h"
#include "daemon/pipeline/report/site_report.h"

#define DAY_MS       86400000.0
#define DAYS_IN_YEAR 365.25
#define HOUR_MS      3600000.0
#define RECENT_MS    (INT64_C(7) * 24 * 3600000) /* A counter read before that is old. */
#define ENOUGH_DAYS  30 /* Of use, before it is drawn on into the future. */

struct filling {
    struct site_report *r;
    struct site_period *p;
};

static struct report_row *
add(const struct filling *x, enum site_table table, const char *key, const char *label)
{
    return report_table_add(&x->p->tables[table], x->r->arena, key, label);
}

static void
set(const struct filling *x,
    enum site_table table,
    struct report_row *row,
    const char *column,
    double value)
{
    report_set(&x->p->tables[table], row, column, value);
}

/* ---- energy ---- */

static void
fill_meter_days(const struct filling *x, const struct report_meter *m)
{
    const struct report_energy *e = &x->p->energy;
    const char *id = x->r->site->devices[m->device].id;
    for (uint32_t i = 0; i < e->days; i++) {
        const struct figures_day *d = &m->days[i];
        char day[CIVIL_TEXT_BYTES];
        char key[ID_BYTES_MAX + CIVIL_TEXT_BYTES];
        int32_t date = e->first_day + (int32_t)i;
        snprintf(key, sizeof key, "%s/%s", id, civil_format(day, date));
        struct report_row *row = add(x, SITE_ENERGY_DAYS, key, NULL);
        set(x, SITE_ENERGY_DAYS, row, "day", date);
        row->cells[1].word = id;
        set(x, SITE_ENERGY_DAYS, row, "kwh", d->value);
        set(x, SITE_ENERGY_DAYS, row, "whole", d->whole);
        if (d->marked) {
            row = add(x, SITE_ENERGY_MARKED, key, NULL);
            set(x, SITE_ENERGY_MARKED, row, "day", date);
            row->cells[1].word = id;
            set(x, SITE_ENERGY_MARKED, row, "kwh", d->value);
            set(x, SITE_ENERGY_MARKED, row, "expected_kwh", d->expected);
            set(x, SITE_ENERGY_MARKED, row, "score", d->score);
        }
    }
}

/* Of its whole days; NaN: there was none. */
static double
per_day(const struct filling *x, const struct report_meter *m)
{
    uint32_t whole = 0;
    double sum = 0;
    for (uint32_t i = 0; i < x->p->energy.days; i++) {
        whole += m->days[i].whole;
        sum += m->days[i].whole ? m->days[i].value : 0;
    }
    return whole > 0 ? sum / whole : (double)NAN;
}

static void
fill_meter(const struct filling *x, const struct report_meter *m)
{
    const struct device *device = &x->r->site->devices[m->device];
    struct report_row *row = add(x, SITE_ENERGY, device->id, NULL);
    row->name = site_report_name_of(device);
    uint32_t whole = 0;
    uint32_t marked = 0;
    for (uint32_t i = 0; i < x->p->energy.days; i++) {
        whole += m->days[i].whole;
        marked += m->days[i].marked;
    }
    set(x, SITE_ENERGY, row, "kwh", m->total);
    set(x, SITE_ENERGY, row, "days", whole);
    set(x, SITE_ENERGY, row, "kwh_per_day", per_day(x, m));
    set(x, SITE_ENERGY, row, "marked", marked);
    set(x, SITE_ENERGY, row, "resets", m->resets);
}

/* A meter that feeds this one stands in the same area: it counts this one too. */
static bool
is_behind(const struct filling *x, const struct report_meter *m, const char *area)
{
    const struct site *site = x->r->site;
    uint32_t up = site->devices[m->device].parent;
    for (uint32_t steps = 0; up != NONE_INDEX && steps < site->device_count; steps++) {
        for (uint32_t i = 0; i < x->p->energy.meter_count; i++) {
            const struct report_meter *other = &x->p->energy.meters[i];
            if (other->device == up && other->measured &&
                strcmp(report_area(&site->devices[up]), area) == 0) {
                return true;
            }
        }
        up = site->devices[up].parent;
    }
    return false;
}

void
site_report_fill_energy(struct site_report *r, uint32_t which)
{
    const struct filling of = {r, &r->periods[which]};
    const struct filling *x = &of;
    const struct report_energy *e = &x->p->energy;
    struct report_names areas = {0};
    for (uint32_t i = 0; i < e->meter_count; i++) {
        if (e->meters[i].measured) {
            fill_meter(x, &e->meters[i]);
            fill_meter_days(x, &e->meters[i]);
            report_names_add(&areas,
                             report_area(&x->r->site->devices[e->meters[i].device]));
        }
    }
    report_names_sort(&areas);
    for (uint32_t a = 0; a < areas.count; a++) {
        double sum = 0;
        double daily = 0;
        for (uint32_t i = 0; i < e->meter_count; i++) {
            const struct report_meter *m = &e->meters[i];
            const char *area = report_area(&x->r->site->devices[m->device]);
            if (m->measured && strcmp(area, areas.items[a]) == 0 &&
                !is_behind(x, m, area)) {
                sum += m->total;
                daily += per_day(x, m);
            }
        }
        char *key = arena_printf(x->r->arena, "area:%s", areas.items[a]);
        const char *label = arena_printf(
            x->r->arena, tr_in(x->r->language, "area %s, all"), areas.items[a]);
        struct report_row *row = add(x, SITE_ENERGY, key, label);
        set(x, SITE_ENERGY, row, "kwh", sum);
        set(x, SITE_ENERGY, row, "kwh_per_day", daily);
    }
    report_names_fini(&areas);
}

/* ---- life ---- */

/* What is known of how much a device was used; 0: nothing. */
struct use {
    double hours, starts;
    double since_ms; /* Counted since then; NaN: since it was installed. */
};

struct reading_use {
    const struct site *site;
    struct use *uses; /* By device of the site. */
    double born_ms;
};

/* A counter of the device itself, of its whole life. */
static uint32_t
counter_of(const struct site *site,
           uint32_t device,
           const char *const *ids,
           const char *unit)
{
    for (; *ids != NULL; ids++) {
        uint32_t point = site_point(site, device, *ids);
        if (point != NONE_INDEX && site->points[point].kind == POINT_COUNTER &&
            (unit == NULL || (site->points[point].unit != NULL &&
                              strcmp(site->points[point].unit, unit) == 0))) {
            return point;
        }
    }
    return NONE_INDEX;
}

/* What a rule has counted: "pump-1 hours(running)".  A device's own counter knows more:
 * it is read later and takes its place. */
static bool
take_meter(void *ctx, const struct meter_row *row)
{
    struct reading_use *x = ctx;
    char id[ID_BYTES_MAX];
    const char *call = strchr(row->key, ' ');
    if (call == NULL || (size_t)(call - row->key) >= sizeof id) {
        return true;
    }
    snprintf(id, sizeof id, "%.*s", (int)(call - row->key), row->key);
    uint32_t device = site_device(x->site, id);
    if (device == NONE_INDEX) {
        return true;
    }
    struct use *use = &x->uses[device];
    double hours = (double)row->true_ms / HOUR_MS;
    if (strncmp(call, " hours(", strlen(" hours(")) == 0 && hours > use->hours) {
        use->hours = hours;
        use->since_ms = x->born_ms;
    } else if (strncmp(call, " starts(", strlen(" starts(")) == 0 &&
               (double)row->starts > use->starts) {
        use->starts = (double)row->starts;
        use->since_ms = x->born_ms;
    }
    return true;
}

static int
read_counters(struct reading_use *x,
              struct history_reader *reader,
              int64_t now_ms,
              struct err *err)
{
    static const char *const hours[] = {"run_hours", "operating_hours", "hours", NULL};
    static const char *const starts[] = {"starts", "start_count", "trips", NULL};
    int code = 0;
    for (uint32_t i = 0; code == 0 && reader != NULL && i < x->site->device_count;
         i++) {
        const uint32_t points[] = {counter_of(x->site, i, hours, "h"),
                                   counter_of(x->site, i, starts, NULL)};
        double *const to[] = {&x->uses[i].hours, &x->uses[i].starts};
        for (size_t k = 0; code == 0 && k < ARRAY_LEN(points); k++) {
            struct history_edge e = {.found = false};
            if (points[k] != NONE_INDEX) {
                code = history_edge(reader, x->site->devices[i].id,
                                    x->site->points[points[k]].id, now_ms - RECENT_MS,
                                    now_ms + 1, true, &e, err);
            }
            if (e.found) {
                *to[k] = e.value;
                x->uses[i].since_ms = (double)NAN;
            }
        }
    }
    return code;
}

struct span_of_life {
    const char *by;
    double used, design; /* In one unit. */
    double from_ms;      /* When `used` was 0. */
};

/* The share that is used up, and the day on which all of it is: as it went so far. */
static void
judge(const struct filling *x, struct report_row *row, const struct span_of_life *s)
{
    const struct report_spec *spec = x->p->tables[SITE_LIFE].spec;
    double now_ms = (double)x->r->now_ms;
    if (!(s->design > 0) || isnan(s->used)) {
        return;
    }
    double *used = &row->cells[report_column_index(spec, "used")].value;
    double percent = 100.0 * s->used / s->design;
    if (isnan(*used) || percent > *used) {
        *used = percent;
        row->cells[report_column_index(spec, "by")].word = s->by;
    }
    double days = (now_ms - s->from_ms) / DAY_MS;
    if (!(days >= ENOUGH_DAYS) || !(s->used > 0)) {
        return;
    }
    double left = (s->design - s->used) / s->used * days;
    double day = floor((double)civil_day(x->r->now_ms) + left);
    double *replace = &row->cells[report_column_index(spec, "replace_on")].value;
    if (isnan(*replace) || day < *replace) {
        *replace = day;
    }
}

static void
fill_device(const struct filling *x,
            const struct device *d,
            const struct ledger *l,
            const struct use *use)
{
    int32_t installed = 0;
    bool dated = l->installed != NULL && civil_parse_date(&installed, l->installed);
    if (l->design_life_ms <= 0 && l->design_hours <= 0 && l->design_starts <= 0) {
        return;
    }
    struct report_row *row = add(x, SITE_LIFE, d->id, NULL);
    row->name = site_report_name_of(d);
    double born_ms = dated ? (double)civil_instant(installed, 0) : (double)NAN;
    double since_ms = isnan(use->since_ms) ? born_ms : use->since_ms;
    double age = ((double)x->r->now_ms - born_ms) / DAY_MS / DAYS_IN_YEAR;
    double years = (double)l->design_life_ms / DAY_MS / DAYS_IN_YEAR;
    const struct span_of_life spans[] = {
        {"age", age, years, born_ms},
        {"hours", use->hours > 0 ? use->hours : (double)NAN, (double)l->design_hours,
         since_ms},
        {"starts", use->starts > 0 ? use->starts : (double)NAN,
         (double)l->design_starts, since_ms}};
    set(x, SITE_LIFE, row, "age_y", age);
    set(x, SITE_LIFE, row, "design_y", years > 0 ? years : (double)NAN);
    set(x, SITE_LIFE, row, "run_h", spans[1].used);
    set(x, SITE_LIFE, row, "design_h",
        l->design_hours > 0 ? (double)l->design_hours : (double)NAN);
    set(x, SITE_LIFE, row, "starts", spans[2].used);
    set(x, SITE_LIFE, row, "design_starts",
        l->design_starts > 0 ? (double)l->design_starts : (double)NAN);
    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        judge(x, row, &spans[i]);
    }
}

static int64_t
number_of(const struct ledger_book *book, uint32_t device, enum ledger_key key)
{
    char value[LEDGER_TEXT_BYTES];
    return strtoll(ledger_book_value(value, book, device, key), NULL, 10);
}

/* What holds: the site file's, or what people changed and imported since. */
static struct ledger
ledger_of(const struct filling *x, const struct ledger_book *book, uint32_t device)
{
    struct ledger l = x->r->site->devices[device].ledger;
    char value[LEDGER_TEXT_BYTES];
    int64_t ms = 0;
    ledger_book_value(value, book, device, LEDGER_INSTALLED);
    l.installed = value[0] != '\0' ? arena_strdup(x->r->arena, value) : NULL;
    ledger_book_value(value, book, device, LEDGER_DESIGN_LIFE);
    l.design_life_ms = duration_parse(&ms, value, NULL) == 0 ? ms : 0;
    l.design_hours = number_of(book, device, LEDGER_DESIGN_HOURS);
    l.design_starts = number_of(book, device, LEDGER_DESIGN_STARTS);
    return l;
}

/* The most used up first. */
static int
by_use(const void *left, const void *right)
{
    const struct report_row *a = left;
    const struct report_row *b = right;
    double x = isnan(a->cells[0].value) ? -1 : a->cells[0].value;
    double y = isnan(b->cells[0].value) ? -1 : b->cells[0].value;
    return x != y ? (x < y ? 1 : -1) : strcmp(a->key, b->key);
}

int
site_report_fill_life(struct site_report *r,
                      struct state *state,
                      struct history_reader *reader,
                      struct err *err)
{
    const struct filling x = {r, &r->periods[0]};
    struct reading_use use = {
        .site = r->site,
        .uses =
            arena_array(r->arena, (size_t)r->site->device_count + 1, sizeof *use.uses),
        .born_ms =
            r->rows.first_ms != INSTANT_NONE ? (double)r->rows.first_ms : (double)NAN};
    for (uint32_t i = 0; i < r->site->device_count; i++) {
        use.uses[i].since_ms = (double)NAN;
    }
    int code = state_each_meter(state, take_meter, &use, err);
    code = code == 0 ? read_counters(&use, reader, r->now_ms, err) : code;
    struct ledger_book *book = NULL;
    code = code == 0 ? ledger_book_load(&book, r->site, state, NULL, err) : code;
    for (uint32_t i = 0; code == 0 && i < r->rows.device_count; i++) {
        uint32_t device = r->rows.site_devices[i];
        const struct ledger l = ledger_of(&x, book, device);
        fill_device(&x, &r->site->devices[device], &l, &use.uses[device]);
    }
    ledger_book_free(book);
    struct report_table *t = &x.p->tables[SITE_LIFE];
    if (t->count > 0) {
        qsort(t->rows, t->count, sizeof *t->rows, by_use);
    }
    return code;
}
