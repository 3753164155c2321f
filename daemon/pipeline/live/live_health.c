#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/causes.h"
#include "daemon/pipeline/live/live_inside.h"

#define MEGABYTE 1e6

/* Megabytes of memory that the process holds now; NaN when /proc does not say. */
static double
memory_mb(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long pages = 0;
    double mb = NAN;
    if (f != NULL) {
        if (fscanf(f, "%*d %ld", &pages) == 1) {
            mb = (double)pages * (double)sysconf(_SC_PAGESIZE) / MEGABYTE;
        }
        fclose(f);
    }
    return mb;
}

static double
disk_free_mb(const char *dir)
{
    struct statvfs fs;
    if (statvfs(dir, &fs) != 0) {
        return NAN;
    }
    return (double)fs.f_bavail * (double)fs.f_frsize / MEGABYTE;
}

static void
add_reading(struct live *l, struct frame *f, const char *point, double value)
{
    uint32_t index = site_point(l->site, f->device, point);
    if (index == NONE_INDEX) {
        return;
    }
    bool good = isfinite(value);
    f->readings[f->count++] = (struct reading){
        .value = good ? value : 0,
        .point = index,
        .quality = good ? QUALITY_GOOD : QUALITY_RANGE,
    };
}

/* Points stand in order of their ids; the calls below keep that order. */
static void
gateway_frame(struct live *l, int64_t now_ms)
{
    struct frame *f = l->frame;
    *f = (struct frame){.t_ms = now_ms, .device = l->site->gateway_device};
    int64_t depth = 0;
    struct err err;
    bool known = state_outbox_depth(l->store, &depth, &err) == 0;
    add_reading(l, f, "clock_trusted",
                clock_synchronised() && l->clock.trusted ? 1 : 0);
    add_reading(l, f, "disk_free", disk_free_mb(l->site->data_dir));
    add_reading(l, f, "frames_dropped", (double)ring_dropped(l->frames));
    struct history_counts history = history_count(l->history);
    add_reading(l, f, "history_damaged", (double)history.damaged);
    add_reading(l, f, "history_full", history.full ? 1 : 0);
    add_reading(l, f, "memory", memory_mb());
    add_reading(l, f, "outbox_depth", known ? (double)depth : NAN);
    /* By a clock that is wrong at boot they would all have run out. */
    bool dated = l->clock.trusted;
    struct ledger_papers papers = pipeline_papers(l->pipeline, now_ms);
    add_reading(l, f, "papers_due", dated ? (double)papers.due : NAN);
    add_reading(l, f, "papers_over", dated ? (double)papers.over : NAN);
    live_apply(l, f);
}

static void
bus_frame(struct live *l, uint32_t bus, int64_t now_ms)
{
    struct bus_counts counts = collectors_bus(l->collectors, bus);
    struct frame *f = l->frame;
    *f = (struct frame){.t_ms = now_ms, .device = l->site->buses[bus].device};
    add_reading(l, f, "errors", (double)counts.wire.errors);
    add_reading(l, f, "late", counts.late);
    add_reading(l, f, "load", counts.load);
    add_reading(l, f, "online", counts.online ? 1 : 0);
    add_reading(l, f, "quarantined", counts.quarantined);
    live_apply(l, f);
}

void
live_health_frames(struct live *l)
{
    int64_t now_ms = engine_clock_now(&l->clock.engine);
    for (uint32_t i = 0; i < l->site->bus_count; i++) {
        const struct device *d = &l->site->devices[l->site->buses[i].device];
        uint64_t every = (uint64_t)(d->poll_ms / 1000);
        /* A bus is given its first seconds to come up before it is judged. */
        if (every > 0 && l->ticks > 0 && l->ticks % every == 0) {
            bus_frame(l, i, now_ms);
        }
    }
    const struct device *gateway = &l->site->devices[l->site->gateway_device];
    uint64_t every = (uint64_t)(gateway->poll_ms / 1000);
    if (every > 0 && l->ticks % every == 0) {
        gateway_frame(l, now_ms);
    }
}

static const char *
health_name(enum device_health h)
{
    switch (h) {
    case DEVICE_ONLINE:
        return "online";
    case DEVICE_OFFLINE:
        return "offline";
    case DEVICE_UNKNOWN:
        break;
    }
    return "unknown";
}

/* The worst of a device's points: why not good, or good; the newest good time.  What is
 * derived is not what the device says. */
static enum quality
device_quality(const struct live *l, const struct device *d, int64_t *last_good_ms)
{
    enum quality worst = d->point_count > 0 ? QUALITY_GOOD : QUALITY_STALE;
    *last_good_ms = INSTANT_NONE;
    for (uint32_t i = d->first_point; i < d->first_point + d->point_count; i++) {
        struct latest latest = rules_latest(pipeline_rules(l->pipeline), i);
        if (l->site->points[i].derived != DERIVED_NONE) {
            continue;
        }
        if (latest.last_good_ms > *last_good_ms) {
            *last_good_ms = latest.last_good_ms;
        }
        if (latest.quality != QUALITY_GOOD && worst == QUALITY_GOOD) {
            worst = latest.quality;
        }
    }
    return worst;
}

static void
points_json(const struct live *l,
            const struct device *d,
            bool details,
            struct strbuf *out)
{
    strbuf_json_key(out, "points");
    strbuf_add_char(out, '{');
    for (uint32_t i = d->first_point; i < d->first_point + d->point_count; i++) {
        struct latest latest = rules_latest(pipeline_rules(l->pipeline), i);
        struct point_now now = {latest.value, latest.quality, latest.detail,
                                latest.last_good_ms};
        listing_point(out, l->site, &l->site->points[i], &now, details);
    }
    strbuf_add_char(out, '}');
}

/* What the collectors count of a device; a bus's own device has the counts of all. */
static struct device_counts
device_counts(const struct live *l, uint32_t device)
{
    struct device_counts counts = {.latency_ms = NAN};
    if (l->collectors == NULL) {
        return counts; /* Nobody counts while a site is taken apart. */
    }
    counts = collectors_device(l->collectors, device);
    if (l->site->devices[device].role != DEVICE_BUS) {
        return counts;
    }
    for (uint32_t b = 0; b < l->site->bus_count; b++) {
        if (l->site->buses[b].device == device) {
            counts.wire = collectors_bus(l->collectors, b).wire;
            counts.latency_ms = NAN;
        }
    }
    return counts;
}

void
live_device_json(const struct live *l,
                 uint32_t index,
                 struct device_parts parts,
                 struct strbuf *out)
{
    const struct device *d = &l->site->devices[index];
    const char *state =
        health_name(rules_device_health(pipeline_rules(l->pipeline), index));
    struct device_counts counts = device_counts(l, index);
    int64_t last_good_ms = INSTANT_NONE;
    enum quality quality = device_quality(l, d, &last_good_ms);
    char cause[CAUSE_BYTES];
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", d->id);
    strbuf_json_str(out, "name", d->name);
    strbuf_json_str(out, "type", d->type);
    strbuf_json_str(out, "bus",
                    d->bus != NONE_INDEX ? l->site->buses[d->bus].id : NULL);
    if (d->bus != NONE_INDEX) {
        strbuf_json_int(out, "unit", d->unit);
    } else {
        strbuf_json_str(out, "unit", NULL);
    }
    strbuf_json_str(out, "state", state);
    strbuf_json_time(out, "last_good", last_good_ms);
    strbuf_json_str(out, "quality", quality_name(quality));
    strbuf_json_int(out, "requests", (int64_t)counts.wire.requests);
    strbuf_json_int(out, "errors", (int64_t)counts.wire.errors);
    strbuf_json_num(out, "latency_ms",
                    counts.wire.requests > 0 ? counts.latency_ms : NAN);
    if (parts.causes) {
        strbuf_json_bool(out, "quarantined", counts.quarantined);
        strbuf_json_int(out, "refused_points", counts.refused);
        causes_json(out, "causes", &counts.wire);
        strbuf_json_str(out, "cause", cause_most(cause, &counts.wire));
        strbuf_json_bool(out, "out_of_service",
                         alarms_service(pipeline_alarms(l->pipeline), index) != NULL);
    }
    if (parts.details) {
        listing_place(out, l->site, d);
    }
    if (parts.points) {
        points_json(l, d, parts.details, out);
    }
    strbuf_add_char(out, '}');
}

void
live_devices_json(struct live *l,
                  const struct device_filter *filter,
                  struct device_parts parts,
                  struct strbuf *out)
{
    bool first = true;
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < l->site->device_count; i++) {
        const struct device *d = &l->site->devices[i];
        const char *state =
            health_name(rules_device_health(pipeline_rules(l->pipeline), i));
        if (!device_filter_fits(filter, d, state)) {
            continue;
        }
        strbuf_add(out, first ? "" : ",");
        first = false;
        live_device_json(l, i, parts, out);
    }
    strbuf_add_char(out, ']');
}

struct tally {
    int64_t active, unacknowledged, hidden, chatter;
    int64_t by_severity[SEVERITY_COUNT];
    int64_t open, overdue;
    int64_t now_ms;
};

static void
tally_alarm(void *ctx, const struct alarm *a)
{
    struct tally *t = ctx;
    t->chatter += a->chatter;
    if (alarm_state_is_hidden(a->state)) {
        t->hidden++;
        return;
    }
    if (alarm_is_raised(a)) {
        t->active++;
        t->by_severity[a->severity]++;
    }
    if (a->acked_ms == INSTANT_NONE) {
        t->unacknowledged++;
    }
}

static bool
tally_ticket(void *ctx, const struct ticket *k)
{
    struct tally *t = ctx;
    if (k->state == TICKET_CLOSED) {
        return true;
    }
    t->open++;
    bool late_response =
        k->responded_ms == INSTANT_NONE && t->now_ms > k->respond_by_ms;
    bool late_resolve = k->resolved_ms == INSTANT_NONE &&
                        k->waiting_since_ms == INSTANT_NONE &&
                        t->now_ms > k->resolve_by_ms;
    t->overdue += late_response || late_resolve;
    return true;
}

static void
status_work(struct live *l, struct strbuf *out, int64_t now_ms)
{
    struct tally t = {.now_ms = now_ms};
    struct err err;
    alarms_each(pipeline_alarms(l->pipeline), tally_alarm, &t);
    if (state_each_ticket(l->store, INSTANT_MAX, tally_ticket, &t, &err) != 0) {
        t.open = -1; /* Shown as unknown below. */
    }
    strbuf_json_key(out, "alarms");
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "active", t.active);
    strbuf_json_int(out, "unacknowledged", t.unacknowledged);
    for (int s = SEVERITY_CRITICAL; s >= SEVERITY_INFO; s--) {
        strbuf_json_int(out, severity_name((enum severity)s), t.by_severity[s]);
    }
    strbuf_json_int(out, "hidden", t.hidden);
    strbuf_json_int(out, "chattering", t.chatter);
    strbuf_add(out, "}");
    strbuf_json_key(out, "tickets");
    strbuf_add_char(out, '{');
    if (t.open >= 0) {
        strbuf_json_int(out, "open", t.open);
        strbuf_json_int(out, "overdue", t.overdue);
    } else {
        strbuf_json_str(out, "error", err.text);
    }
    strbuf_add_char(out, '}');
}

static void
status_devices(struct live *l, struct strbuf *out)
{
    int64_t counts[3] = {0};
    int64_t total = 0;
    for (uint32_t i = 0; i < l->site->device_count; i++) {
        if (l->site->devices[i].role == DEVICE_EQUIPMENT) {
            counts[rules_device_health(pipeline_rules(l->pipeline), i)]++;
            total++;
        }
    }
    strbuf_json_key(out, "devices");
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "total", total);
    strbuf_json_int(out, "online", counts[DEVICE_ONLINE]);
    strbuf_json_int(out, "offline", counts[DEVICE_OFFLINE]);
    strbuf_add_char(out, '}');
    strbuf_json_key(out, "buses");
    strbuf_add_char(out, '[');
    for (uint32_t b = 0; b < l->site->bus_count; b++) {
        strbuf_add(out, b > 0 ? "," : "");
        live_bus_json(l, b, out);
    }
    strbuf_add_char(out, ']');
}

static void
status_mqtt(struct live *l, struct strbuf *out)
{
    strbuf_json_key(out, "mqtt");
    strbuf_add_char(out, '{');
    strbuf_json_bool(out, "enabled", l->publisher != NULL);
    if (l->publisher != NULL) {
        struct publisher_status s;
        publisher_status(l->publisher, &s);
        strbuf_json_bool(out, "connected", s.connected);
        strbuf_json_int(out, "acknowledged", (int64_t)s.acknowledged);
        strbuf_json_int(out, "reconnects", (int64_t)s.reconnects);
        strbuf_json_str(out, "last_error",
                        s.last_error[0] != '\0' ? s.last_error : NULL);
    }
    int64_t depth = 0;
    struct err err;
    if (state_outbox_depth(l->store, &depth, &err) == 0) {
        strbuf_json_int(out, "outbox", depth);
    }
    strbuf_add_char(out, '}');
}

void
live_status_json(struct live *l, struct strbuf *out)
{
    int64_t now_ms = engine_clock_now(&l->clock.engine);
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "site", l->site->id);
    strbuf_json_str(out, "name", l->site->name);
    strbuf_json_str(out, "daemon", "running");
    strbuf_json_int(out, "pid", getpid());
    strbuf_json_str(out, "version", CARETAKER_VERSION);
    strbuf_json_time(out, "time", now_ms);
    strbuf_json_int(out, "uptime_s", (clock_mono_ms() - l->started_ms) / 1000);
    strbuf_json_bool(out, "clock_trusted", clock_synchronised() && l->clock.trusted);
    status_devices(l, out);
    status_work(l, out, now_ms);
    status_mqtt(l, out);
    struct history_counts h = history_count(l->history);
    strbuf_json_key(out, "history");
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "samples", (int64_t)h.samples);
    strbuf_json_int(out, "dropped", (int64_t)h.dropped);
    strbuf_json_bool(out, "failing", h.failing);
    strbuf_json_bool(out, "full", h.full);
    strbuf_json_int(out, "damaged", (int64_t)h.damaged);
    strbuf_add_char(out, '}');
    struct rules_counts r = rules_count(pipeline_rules(l->pipeline));
    strbuf_json_key(out, "rules");
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "instances", r.instances);
    strbuf_json_int(out, "evaluations", (int64_t)r.evaluations);
    strbuf_add_char(out, '}');
    strbuf_json_int(out, "frames", (int64_t)l->frames_seen);
    strbuf_json_int(out, "frames_dropped", (int64_t)ring_dropped(l->frames));
    strbuf_json_num(out, "memory_mb", round(memory_mb() * 10) / 10);
    strbuf_json_bool(out, "disk_failing", l->disk_failing);
    strbuf_add_char(out, '}');
}
