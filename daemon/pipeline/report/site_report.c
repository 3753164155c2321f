#include "daemon/pipeline/report/site_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"

#define DAY_MS          INT64_C(86400000)
#define YEAR_MS         (366 * DAY_MS)
#define DAYS_SHOWN_DAYS 45  /* Up to this long a period is shown by days, */
#define WEEKS_SHOWN     200 /* then by weeks, then by months. */
#define RECORDED_MS     INT64_C(3600000) /* What is missing and not worth a word. */
#define UNEVEN          1.15 /* A month has 28 to 31 days: that is no difference. */
#define MINUTE_MS       60000.0
#define HUNDREDTHS      100.0

/* ---- parts of a period, for its charts ---- */

static int32_t
next_part(int32_t day, int64_t days)
{
    int year;
    int month;
    int mday;
    if (days <= DAYS_SHOWN_DAYS) {
        return day + 1;
    }
    if (days <= WEEKS_SHOWN) {
        return day + 7 - civil_weekday(day);
    }
    civil_date(day, &year, &month, &mday);
    return month == 12 ? civil_from_date(year + 1, 1, 1)
                       : civil_from_date(year, month + 1, 1);
}

static int
make_parts(struct site_period *p, struct err *err)
{
    int64_t days = (p->to_ms - p->from_ms + DAY_MS - 1) / DAY_MS;
    p->part_ends = calloc((size_t)days + 3, sizeof *p->part_ends);
    if (p->part_ends == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for the report");
    }
    int32_t day = civil_day(p->from_ms);
    int64_t end_ms = p->from_ms;
    while (end_ms < p->to_ms) {
        day = next_part(day, days);
        end_ms = civil_instant(day, 0);
        p->part_ends[p->part_count++] = end_ms < p->to_ms ? end_ms : p->to_ms;
    }
    return 0;
}

/* ---- two periods side by side ---- */

static double
change_percent(double before, double after)
{
    return before > 0 && !isnan(after) ? 100.0 * (after / before - 1) : (double)NAN;
}

/* The interval of a ratio as one of a change in %; less is better for all that we
 * compare, unless `more_is_better`. */
static void
judge(struct site_change *c, struct figures_interval ratio, bool more_is_better)
{
    c->percent = change_percent(c->before, c->after);
    c->interval =
        (struct figures_interval){100.0 * (ratio.low - 1), 100.0 * (ratio.high - 1)};
    if (isnan(ratio.low) || isnan(c->before) || isnan(c->after) ||
        c->before_n + c->after_n < FIGURES_FEW) {
        c->verdict = CHANGE_FEW;
    } else if (ratio.low <= 1 && ratio.high >= 1) {
        c->verdict = CHANGE_UNCLEAR;
    } else {
        c->verdict = (ratio.high < 1) != more_is_better ? CHANGE_BETTER : CHANGE_WORSE;
    }
}

static void
compare_counts(struct site_change *c,
               uint64_t before,
               double before_time,
               uint64_t after,
               double after_time)
{
    c->before_n = before;
    c->after_n = after;
    c->before = figures_per_month((double)before, before_time);
    c->after = figures_per_month((double)after, after_time);
    judge(c, figures_rate_ratio(after, after_time, before, before_time), false);
}

static void
compare_means(struct site_change *c, double before_error2, double after_error2)
{
    struct figures_interval none = {(double)NAN, (double)NAN};
    bool enough = c->before_n >= FIGURES_FEW && c->after_n >= FIGURES_FEW &&
                  c->before > 0 && c->after > 0;
    judge(c,
          enough ? figures_log_ratio(c->after / c->before, before_error2, after_error2)
                 : none,
          false);
}

static void
compare_times(struct site_change *c,
              const struct figures_times *before,
              const struct figures_times *after)
{
    c->before_n = before->n;
    c->after_n = after->n;
    c->before = before->n > 0 ? before->mean / MINUTE_MS : (double)NAN;
    c->after = after->n > 0 ? after->mean / MINUTE_MS : (double)NAN;
    compare_means(c, before->error2, after->error2);
}

static double
value_of(const struct site_period *p, const char *key)
{
    const struct report_row *row = report_table_find(&p->tables[SITE_SUMMARY], key);
    return row != NULL ? row->cells[0].value : (double)NAN;
}

bool
site_report_recorded(const struct site_report *r,
                     const struct site_period *p,
                     int64_t *from_ms,
                     int64_t *to_ms)
{
    if (r->rows.first_ms == INSTANT_NONE || r->rows.last_ms == INSTANT_NONE) {
        return false;
    }
    *from_ms = r->rows.first_ms > p->from_ms ? r->rows.first_ms : p->from_ms;
    *to_ms = r->rows.last_ms < p->to_ms ? r->rows.last_ms : p->to_ms;
    return *from_ms < *to_ms;
}

const char *
site_report_recorded_text(char *out,
                          const struct site_report *r,
                          const struct site_period *p)
{
    int64_t from_ms = 0;
    int64_t to_ms = 0;
    char from[INSTANT_TEXT_BYTES];
    char to[INSTANT_TEXT_BYTES];
    if (!site_report_recorded(r, p, &from_ms, &to_ms)) {
        snprintf(out, SITE_RECORDED_BYTES, "%s",
                 tr_in(r->language, "no alarms and tickets of it are recorded"));
        return out;
    }
    if (from_ms - p->from_ms < RECORDED_MS && p->to_ms - to_ms < RECORDED_MS) {
        return NULL;
    }
    snprintf(out, SITE_RECORDED_BYTES,
             tr_in(r->language, "alarms and tickets of it are recorded of %s .. %s"),
             instant_format_local(from, from_ms), instant_format_local(to, to_ms));
    return out;
}

double
site_report_months(const struct site_report *r, const struct site_period *p)
{
    int64_t from_ms = 0;
    int64_t to_ms = 0;
    return site_report_recorded(r, p, &from_ms, &to_ms)
               ? (double)(to_ms - from_ms) / (double)FIGURES_MONTH_MS
               : 0;
}

const char *
site_report_uneven_text(char *out, const struct site_report *r)
{
    if (r->period_count < 2) {
        return NULL;
    }
    double after = site_report_months(r, &r->periods[0]);
    double before = site_report_months(r, &r->periods[1]);
    if (!(before > 0) || !(after > 0) ||
        (after < UNEVEN * before && before < UNEVEN * after)) {
        return NULL;
    }
    snprintf(out, SITE_RECORDED_BYTES,
             tr_in(r->language, "%.1f months beside %.1f: compare rates, means and "
                                "shares, not counts and sums"),
             after, before);
    return out;
}

const char *
site_report_name_of(const struct device *d)
{
    return strcmp(d->name, d->id) != 0 ? d->name : NULL;
}

/* The table of the documents: fault rate, cost, response time, complaints; and the two
 * that show whether it was bought with worse work. */
void
site_report_compare(struct site_report *r)
{
    static const struct site_change rows[SITE_CHANGES] = {
        {.key = "fault_rate",
         .title = R_("faults per device-month"),
         .unit = REPORT_PER_MONTH},
        {.key = "cost_per_month", .title = R_("cost per month"), .unit = REPORT_MONEY},
        {.key = "response",
         .title = R_("mean time to response"),
         .unit = REPORT_MINUTES},
        {.key = "complaints_per_month",
         .title = R_("reported per month"),
         .unit = REPORT_PER_MONTH},
        {.key = "resolution",
         .title = R_("mean time to solution"),
         .unit = REPORT_MINUTES},
        {.key = "failures",
         .title = R_("failures per device-month"),
         .unit = REPORT_PER_MONTH}};
    const struct site_period *before = &r->periods[1];
    const struct site_period *after = &r->periods[0];
    const struct figures *b = &before->figures;
    const struct figures *a = &after->figures;
    double b_months = figures_device_months(&b->all);
    double a_months = figures_device_months(&a->all);
    memcpy(r->changes, rows, sizeof rows);
    compare_counts(&r->changes[0], b->all.faults, b_months, a->all.faults, a_months);
    struct site_change *cost = &r->changes[1];
    cost->before = value_of(before, "cost_per_month");
    cost->after = value_of(after, "cost_per_month");
    cost->before_n = b->paid;
    cost->after_n = a->paid;
    compare_means(cost, b->cost_error2, a->cost_error2);
    compare_times(&r->changes[2], &b->promises[SEVERITY_COUNT].respond,
                  &a->promises[SEVERITY_COUNT].respond);
    compare_counts(&r->changes[3], b->reported, site_report_months(r, before),
                   a->reported, site_report_months(r, after));
    compare_times(&r->changes[4], &b->promises[SEVERITY_COUNT].resolve,
                  &a->promises[SEVERITY_COUNT].resolve);
    compare_counts(&r->changes[5], b->all.failures, b_months, a->all.failures,
                   a_months);
}

/* ---- all ---- */

static int
make_period(struct site_report *r,
            uint32_t which,
            struct history_reader *reader,
            struct err *err)
{
    struct site_period *p = &r->periods[which];
    int code = make_parts(p, err);
    if (code == 0) {
        code = report_rows_figures(&r->rows, p->from_ms, p->to_ms, p->part_ends,
                                   p->part_count, &p->figures, err);
    }
    if (code == 0) {
        code = report_energy_read(&p->energy, reader, r->site, r->rows.site_devices,
                                  r->rows.device_count, p->from_ms, p->to_ms, r->cancel,
                                  err);
    }
    if (code == 0) {
        site_report_fill(r, which);
    }
    return code;
}

/* The periods: as asked for, else the last days. */
static int
set_periods(struct site_report *r, const struct site_report_options *o, struct err *err)
{
    struct site_period *p = r->periods;
    p[0].to_ms = o->to_ms != INSTANT_NONE ? o->to_ms : o->now_ms;
    p[0].from_ms = o->from_ms != INSTANT_NONE ? o->from_ms
                                              : p[0].to_ms - SITE_REPORT_DAYS * DAY_MS;
    r->period_count = 1;
    if (o->before_from_ms != INSTANT_NONE) {
        p[1].from_ms = o->before_from_ms;
        p[1].to_ms = o->before_to_ms;
        r->period_count = 2;
    }
    for (uint32_t i = 0; i < r->period_count; i++) {
        if (p[i].from_ms >= p[i].to_ms) {
            return err_set(err, ERR_USAGE,
                           "the period is empty: it ends where it begins, or before");
        }
        if (p[i].to_ms - p[i].from_ms > SITE_REPORT_YEARS_MAX * YEAR_MS) {
            return err_set(err, ERR_USAGE, "a period has at most %d years",
                           SITE_REPORT_YEARS_MAX);
        }
    }
    return 0;
}

static int
read_rows(struct site_report *r, struct state *state, struct err *err)
{
    int64_t from_ms = r->periods[0].from_ms;
    int64_t to_ms = r->periods[0].to_ms;
    if (r->period_count > 1) {
        const struct site_period *b = &r->periods[1];
        from_ms = b->from_ms < from_ms ? b->from_ms : from_ms;
        to_ms = b->to_ms > to_ms ? b->to_ms : to_ms;
    }
    return report_rows_read(&r->rows, state, r->site, &r->filter,
                            from_ms - FIGURES_REPEAT_MS, to_ms, err);
}

int
site_report_make(struct site_report *out,
                 const struct site_report_options *o,
                 struct err *err)
{
    struct state *state = NULL;
    struct history_reader *reader = NULL;
    struct err none = {0};
    *out = (struct site_report){.arena = arena_new(),
                                .site = o->site,
                                .cancel = o->cancel,
                                .filter = o->filter,
                                .language = o->language,
                                .now_ms = o->now_ms};
    int code = set_periods(out, o, err);
    code = code == 0 ? state_open(&state, o->site->data_dir, STORE_READ, err) : code;
    if (code == 0) {
        code = history_reader_open(&reader, o->site->data_dir, &none);
        if (code != 0) { /* The tickets can be reported on without it. */
            out->no_energy = code == ERR_NOT_FOUND
                                 ? tr("there is no history")
                                 : arena_strdup(out->arena, none.text);
        }
        code = read_rows(out, state, err);
    }
    for (uint32_t i = 0; code == 0 && i < out->period_count; i++) {
        code = make_period(out, i, reader, err);
    }
    code = code == 0 ? site_report_fill_life(out, state, reader, err) : code;
    code = code == 0 ? site_report_fill_papers(out, state, err) : code;
    if (code == 0 && out->period_count > 1) {
        site_report_compare(out);
    }
    history_reader_close(reader);
    state_close(state);
    if (code != 0) {
        site_report_fini(out);
    }
    return code;
}

void
site_report_fini(struct site_report *r)
{
    for (size_t i = 0; i < ARRAY_LEN(r->periods); i++) {
        struct site_period *p = &r->periods[i];
        figures_fini(&p->figures);
        report_energy_fini(&p->energy);
        free(p->part_ends);
        for (size_t t = 0; t < SITE_TABLES; t++) {
            report_table_fini(&p->tables[t]);
        }
    }
    report_rows_fini(&r->rows);
    arena_free(r->arena);
    *r = (struct site_report){0};
}
