#include "daemon/pipeline/report/report_energy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/model/counter.h"
#include "daemon/store/history_series.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   INT64_C(3600000)
#define WHOLE_MS                                                                       \
    (23 * HOUR_MS) /* Of a day; the day the clock is put on has no more.               \
                    */
#define TOO_LONG_MS                                                                    \
    (30 * HOUR_MS) /* Between readings: which day used it is a guess.                  \
                    */

struct metering {
    struct history_reader *reader;
    const struct site *site;
    struct report_energy *energy;
    struct report_meter *meter;
    int64_t from_ms, to_ms;
    int64_t newest_ms; /* Of all samples: nothing is behind it. */
    const atomic_bool *cancel;
    int64_t *covered_ms; /* By day. */
    bool *guessed;       /* By day. */
    int64_t last_ms;     /* Of the last reading; INSTANT_NONE: none yet. */
    double last;
};

static bool
is_meter(const struct point *p)
{
    return p->kind == POINT_COUNTER && p->unit != NULL && strcmp(p->unit, "kWh") == 0;
}

uint32_t
report_energy_point(const struct site *site, uint32_t device)
{
    const struct device *d = &site->devices[device];
    uint32_t best = site_point(site, device, "energy");
    if (best != NONE_INDEX && is_meter(&site->points[best])) {
        return best;
    }
    for (uint32_t i = d->first_point; i < d->first_point + d->point_count; i++) {
        const struct point *p = &site->points[i];
        if (is_meter(p) && strstr(p->id, "export") == NULL &&
            strstr(p->id, "reverse") == NULL) {
            return i;
        }
    }
    return NONE_INDEX;
}

static enum figures_day_kind
kind_of(const struct site *site, int32_t day)
{
    int weekday = civil_weekday(day);
    enum figures_day_kind kind = weekday == 6   ? FIGURES_SUNDAY
                                 : weekday == 5 ? FIGURES_SATURDAY
                                                : FIGURES_WORKDAY;
    for (uint32_t i = 0; i < site->calendar_count; i++) {
        const struct calendar_day *c = &site->calendar[i];
        if (day >= c->from && day <= c->to) {
            kind = c->working ? FIGURES_WORKDAY : FIGURES_SUNDAY;
        }
    }
    return kind;
}

/* Gives each day its share of what was counted in [from_ms, to_ms). */
static void
spread(struct metering *m, int64_t from_ms, int64_t to_ms, double amount)
{
    bool guessed = to_ms - from_ms > TOO_LONG_MS;
    double whole = (double)(to_ms - from_ms);
    m->meter->measured = true;
    for (int64_t at_ms = from_ms; at_ms < to_ms;) {
        int32_t day = civil_day(at_ms);
        int64_t end_ms = civil_instant(day + 1, 0);
        end_ms = end_ms < to_ms ? end_ms : to_ms;
        int64_t index = (int64_t)day - m->energy->first_day;
        double part = amount * (double)(end_ms - at_ms) / whole;
        if (index >= 0 && index < m->energy->days) {
            m->meter->days[index].value += part;
            m->covered_ms[index] += end_ms - at_ms;
            m->guessed[index] = m->guessed[index] || guessed;
        } else if (index >= 0 && m->energy->days > 0) { /* A last reading after `to`. */
            m->meter->days[m->energy->days - 1].value += part;
        }
        at_ms = end_ms;
    }
    m->meter->total += amount;
}

struct search {
    int64_t from_ms, to_ms;
    bool last;
    struct history_edge *out;
};

/* What an interval keeps of its samples is the last of them. */
static bool
take_bucket(void *ctx, const struct history_bucket *b)
{
    const struct search *x = ctx;
    if (b->last_ms >= x->from_ms && b->last_ms < x->to_ms) {
        *x->out =
            (struct history_edge){.found = true, .t_ms = b->last_ms, .value = b->last};
    }
    return x->last || !x->out->found;
}

/* The first or the last reading in [from_ms, to_ms).  Samples are kept the shortest,
 * then minutes, then hours: the first of these that has one. */
static int
find(struct metering *m,
     int64_t from_ms,
     int64_t to_ms,
     bool last,
     struct history_edge *out,
     struct err *err)
{
    const int64_t steps_ms[] = {MINUTE_MS, HOUR_MS};
    const char *device = m->site->devices[m->meter->device].id;
    const char *point = m->site->points[m->meter->point].id;
    struct search x = {.from_ms = from_ms, .to_ms = to_ms, .last = last, .out = out};
    if (m->cancel != NULL && atomic_load(m->cancel)) {
        return err_set(err, ERR_REFUSED, "cancelled");
    }
    int code = history_edge(m->reader, device, point, from_ms, to_ms, last, out, err);
    for (size_t i = 0; code == 0 && !out->found && i < ARRAY_LEN(steps_ms); i++) {
        code = history_series(m->reader, from_ms, to_ms - 1, steps_ms[i], device, point,
                              take_bucket, &x, err);
    }
    return code;
}

/* The increase from the last reading to this one; when it fell between them, by steps
 * of an hour. */
static int
increase_to(
    struct metering *m, int64_t t_ms, double value, double *out, struct err *err)
{
    const struct point *p = &m->site->points[m->meter->point];
    struct counter_step whole = counter_step(p, m->last, value);
    double sum = 0;
    double before = m->last;
    if (whole.kind == COUNTER_PLAIN) {
        *out = whole.increase;
        return 0;
    }
    for (int64_t at_ms = m->last_ms + HOUR_MS; at_ms < t_ms; at_ms += HOUR_MS) {
        struct history_edge e;
        int64_t end_ms = at_ms + HOUR_MS < t_ms ? at_ms + HOUR_MS : t_ms;
        int code = find(m, at_ms, end_ms, false, &e, err);
        if (code != 0) {
            return code;
        }
        if (e.found) {
            struct counter_step step = counter_step(p, before, e.value);
            sum += step.increase;
            m->meter->resets += step.kind == COUNTER_RESET;
            before = e.value;
        }
    }
    struct counter_step step = counter_step(p, before, value);
    m->meter->resets += step.kind == COUNTER_RESET;
    *out = sum + step.increase;
    return 0;
}

static int
take(struct metering *m, const struct history_edge *e, struct err *err)
{
    double amount = 0;
    if (!e->found || (m->last_ms != INSTANT_NONE && e->t_ms <= m->last_ms)) {
        return 0;
    }
    if (m->last_ms != INSTANT_NONE) {
        int code = increase_to(m, e->t_ms, e->value, &amount, err);
        if (code != 0) {
            return code;
        }
        spread(m, m->last_ms, e->t_ms, amount);
    }
    m->last_ms = e->t_ms;
    m->last = e->value;
    return 0;
}

/* Readings: where the period begins, where each day does, and where it ends: the first
 * behind it, so that periods that meet share it, or the last before.  Days from before
 * the first reading, or behind the newest sample, are not looked for one by one. */
static int
read_meter(struct metering *m, struct err *err)
{
    struct history_edge e;
    int code;
    m->last_ms = INSTANT_NONE;
    code = find(m, m->from_ms, m->to_ms, false, &e, err);
    uint32_t i = code == 0 && e.found
                     ? (uint32_t)(civil_day(e.t_ms) - m->energy->first_day)
                     : m->energy->days;
    for (; code == 0 && i < m->energy->days; i++) {
        int32_t day = m->energy->first_day + (int32_t)i;
        if (civil_instant(day, 0) > m->newest_ms) {
            break;
        }
        int64_t begin_ms = i == 0 ? m->from_ms : civil_instant(day, 0);
        int64_t end_ms = civil_instant(day + 1, 0);
        code = find(m, begin_ms, end_ms < m->to_ms ? end_ms : m->to_ms, false, &e, err);
        code = code == 0 ? take(m, &e, err) : code;
    }
    code = code == 0 ? find(m, m->to_ms, m->to_ms + HOUR_MS, false, &e, err) : code;
    if (code == 0 && !e.found && m->last_ms != INSTANT_NONE) {
        code = find(m, m->last_ms, m->to_ms, true, &e, err);
    }
    return code == 0 ? take(m, &e, err) : code;
}

static int
finish_meter(struct metering *m, struct err *err)
{
    for (uint32_t i = 0; i < m->energy->days; i++) {
        struct figures_day *d = &m->meter->days[i];
        d->kind = kind_of(m->site, m->energy->first_day + (int32_t)i);
        d->whole = m->covered_ms[i] >= WHOLE_MS && !m->guessed[i];
    }
    return figures_mark_days(m->meter->days, m->energy->days, err);
}

static int
read_meters(struct metering *m,
            const uint32_t *devices,
            uint32_t device_count,
            struct err *err)
{
    struct report_energy *energy = m->energy;
    int code = 0;
    for (uint32_t i = 0; code == 0 && i < device_count; i++) {
        uint32_t point = report_energy_point(m->site, devices[i]);
        if (point == NONE_INDEX) {
            continue;
        }
        m->meter = &energy->meters[energy->meter_count];
        *m->meter = (struct report_meter){.device = devices[i], .point = point};
        m->meter->days = calloc((size_t)energy->days + 1, sizeof *m->meter->days);
        if (m->meter->days == NULL) {
            return err_set(err, ERR_NOMEM, "no memory for the report");
        }
        energy->meter_count++;
        memset(m->covered_ms, 0, energy->days * sizeof *m->covered_ms);
        memset(m->guessed, 0, energy->days * sizeof *m->guessed);
        code = read_meter(m, err);
        code = code == 0 ? finish_meter(m, err) : code;
    }
    return code;
}

int
report_energy_read(struct report_energy *out,
                   struct history_reader *reader,
                   const struct site *site,
                   const uint32_t *devices,
                   uint32_t device_count,
                   int64_t from_ms,
                   int64_t to_ms,
                   const atomic_bool *cancel,
                   struct err *err)
{
    *out = (struct report_energy){.first_day = civil_day(from_ms)};
    if (reader == NULL) {
        return 0;
    }
    out->days = (uint32_t)(civil_day(to_ms - 1) - out->first_day + 1);
    struct metering m = {.reader = reader,
                         .site = site,
                         .energy = out,
                         .from_ms = from_ms,
                         .to_ms = to_ms,
                         .cancel = cancel,
                         .covered_ms = calloc(out->days, sizeof *m.covered_ms),
                         .guessed = calloc(out->days, sizeof *m.guessed)};
    int code = 0;
    out->meters = calloc((size_t)device_count + 1, sizeof *out->meters);
    if (out->meters == NULL || m.covered_ms == NULL || m.guessed == NULL) {
        code = err_set(err, ERR_NOMEM, "no memory for the report");
    }
    code = code == 0 ? history_newest(reader, &m.newest_ms, err) : code;
    if (m.newest_ms == INSTANT_NONE) { /* Only minutes and hours are left. */
        m.newest_ms = INSTANT_MAX;
    }
    code = code == 0 ? read_meters(&m, devices, device_count, err) : code;
    free(m.covered_ms);
    free(m.guessed);
    if (code != 0) {
        report_energy_fini(out);
    }
    return code;
}

void
report_energy_fini(struct report_energy *e)
{
    for (uint32_t i = 0; i < e->meter_count; i++) {
        free(e->meters[i].days);
    }
    free(e->meters);
    *e = (struct report_energy){0};
}
