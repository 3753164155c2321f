#include "daemon/pipeline/listings/offline.h"

#include <math.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/store/history.h"

#define STATE_WHEN_DOWN "unknown" /* Nobody asks a device while the daemon is down. */
#define LOOK_BACK_MS                                                                   \
    3600000 /* How far before the newest frame a device is looked for. */

/* A folder where nothing was written yet gives no store and no error. */
static int
open_state(struct state **store, const struct site *site, struct err *err)
{
    int code = state_open(store, site->data_dir, STORE_READ, err);
    return code == ERR_NOT_FOUND ? 0 : code;
}

int
offline_listing_alarms(const struct site *site,
                       const struct alarm_filter *filter,
                       struct strbuf *out,
                       struct err *err)
{
    struct state *store = NULL;
    int code = open_state(&store, site, err);
    if (code == 0) {
        code = listing_alarms(site, store, filter, out, err);
    }
    state_close(store);
    return code;
}

int
offline_listing_tickets(const struct site *site,
                        const struct ticket_filter *filter,
                        offline_take_fn take,
                        void *ctx,
                        struct err *err)
{
    struct state *store = NULL;
    struct ticket_listing *listing = NULL;
    struct strbuf piece = {0};
    bool more = true;
    int code = open_state(&store, site, err);
    if (code == 0) {
        code = ticket_listing_open(&listing, store, site, filter, clock_real_ms(), err);
    }
    while (code == 0 && more) {
        strbuf_clear(&piece);
        code = ticket_listing_next(listing, store, &piece, &more, err);
        if (code == 0) {
            code = take(ctx, piece.text, piece.size, err);
        }
    }
    strbuf_fini(&piece);
    ticket_listing_free(listing);
    state_close(store);
    return code;
}

int
offline_listing_service(const struct site *site, struct strbuf *out, struct err *err)
{
    struct state *store = NULL;
    int code = open_state(&store, site, err);
    if (code == 0) {
        code = listing_service(store, out, err);
    }
    state_close(store);
    return code;
}

int
offline_listing_plan(const struct site *site,
                     const struct plan_filter *filter,
                     struct strbuf *out,
                     struct err *err)
{
    struct state *store = NULL;
    int code = open_state(&store, site, err);
    if (code == 0) {
        code = listing_plan(store, site, filter, clock_real_ms(), out, err);
    }
    state_close(store);
    return code;
}

/* What the history last knew of each device and each point. */
struct last_known {
    int64_t last_good_ms;
    enum quality quality;
    bool out_of_service;
};

struct looking {
    const struct site *site;
    struct last_known *devices;
    struct point_now *points;
};

static void
look_at_point(struct point_now *now, const struct history_sample *s)
{
    now->quality = s->quality;
    now->detail = s->detail;
    if (s->quality == QUALITY_GOOD) {
        now->value = s->value;
        now->last_good_ms = s->t_ms;
    }
}

static bool
look_at(void *ctx, const struct history_sample *s)
{
    struct looking *l = ctx;
    uint32_t device = site_device(l->site, s->device);
    if (device == NONE_INDEX) {
        return true;
    }
    uint32_t point = site_point(l->site, device, s->point);
    if (point != NONE_INDEX) {
        look_at_point(&l->points[point], s);
    }
    /* What the collector said of a device is not what the device said. */
    if (point == NONE_INDEX || l->site->points[point].derived == DERIVED_NONE) {
        struct last_known *known = &l->devices[device];
        known->quality = s->quality;
        if (s->quality == QUALITY_GOOD) {
            known->last_good_ms = s->t_ms;
        }
    }
    return true;
}

static int
look_up(struct looking *l, struct err *err)
{
    struct history_reader *reader = NULL;
    int code = history_reader_open(&reader, l->site->data_dir, err);
    if (code == ERR_NOT_FOUND) {
        return 0;
    }
    int64_t newest = INSTANT_NONE;
    if (code == 0) {
        code = history_newest(reader, &newest, err);
    }
    if (code == 0 && newest != INSTANT_NONE) {
        code = history_each(reader, newest - LOOK_BACK_MS, newest, NULL, NULL, look_at,
                            l, err);
    }
    history_reader_close(reader);
    return code;
}

static bool
look_at_service(void *ctx, const struct service *s)
{
    struct looking *l = ctx;
    uint32_t device = site_device(l->site, s->device);
    if (device != NONE_INDEX) {
        l->devices[device].out_of_service = s->out;
    }
    return true;
}

static int
look_up_service(struct looking *l, struct err *err)
{
    struct state *store = NULL;
    int code = open_state(&store, l->site, err);
    if (code == 0 && store != NULL) {
        code = state_each_service(store, look_at_service, l, err);
    }
    state_close(store);
    return code;
}

static void
points_json(const struct looking *l,
            const struct device *d,
            bool details,
            struct strbuf *out)
{
    strbuf_json_key(out, "points");
    strbuf_add_char(out, '{');
    for (uint32_t i = d->first_point; i < d->first_point + d->point_count; i++) {
        listing_point(out, l->site, &l->site->points[i], &l->points[i], details);
    }
    strbuf_add_char(out, '}');
}

static void
device_json(const struct looking *l,
            uint32_t index,
            struct device_parts parts,
            struct strbuf *out)
{
    const struct site *site = l->site;
    const struct device *d = &site->devices[index];
    const struct last_known *known = &l->devices[index];
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", d->id);
    strbuf_json_str(out, "name", d->name);
    strbuf_json_str(out, "type", d->type);
    strbuf_json_str(out, "bus", d->bus != NONE_INDEX ? site->buses[d->bus].id : NULL);
    if (d->bus != NONE_INDEX) {
        strbuf_json_int(out, "unit", d->unit);
    } else {
        strbuf_json_str(out, "unit", NULL);
    }
    strbuf_json_str(out, "state", STATE_WHEN_DOWN);
    strbuf_json_time(out, "last_good", known->last_good_ms);
    strbuf_json_str(out, "quality", quality_name(known->quality));
    strbuf_json_int(out, "requests", 0);
    strbuf_json_int(out, "errors", 0);
    strbuf_json_num(out, "latency_ms", NAN);
    if (parts.causes) { /* Only the daemon knows them. */
        strbuf_json_str(out, "quarantined", NULL);
        strbuf_json_int(out, "refused_points", 0);
        strbuf_json_str(out, "causes", NULL);
        strbuf_json_str(out, "cause", NULL);
        strbuf_json_bool(out, "out_of_service", known->out_of_service);
    }
    if (parts.details) {
        listing_place(out, site, d);
    }
    if (parts.points) {
        points_json(l, d, parts.details, out);
    }
    strbuf_add_char(out, '}');
}

int
offline_listing_devices(const struct site *site,
                        const struct device_filter *filter,
                        struct device_parts parts,
                        struct strbuf *out,
                        struct err *err)
{
    int code = device_filter_check(filter, err);
    if (code != 0) {
        return code;
    }
    struct arena *arena = arena_new();
    struct looking l = {
        .site = site,
        .devices = arena_array(arena, site->device_count + 1, sizeof *l.devices),
        .points = arena_array(arena, site->point_count + 1, sizeof *l.points),
    };
    for (uint32_t i = 0; i < site->device_count; i++) {
        l.devices[i] = (struct last_known){INSTANT_NONE, QUALITY_STALE, false};
    }
    for (uint32_t i = 0; i < site->point_count; i++) {
        l.points[i] =
            (struct point_now){.quality = QUALITY_STALE, .last_good_ms = INSTANT_NONE};
    }
    code = look_up(&l, err);
    if (code == 0 && parts.causes) {
        code = look_up_service(&l, err);
    }
    if (code == 0) {
        bool first = true;
        strbuf_add_char(out, '[');
        for (uint32_t i = 0; i < site->device_count; i++) {
            if (!device_filter_fits(filter, &site->devices[i], STATE_WHEN_DOWN)) {
                continue;
            }
            strbuf_add(out, first ? "" : ",");
            first = false;
            device_json(&l, i, parts, out);
        }
        strbuf_add_char(out, ']');
    }
    arena_free(arena);
    return code;
}

int
offline_listing_ledger(const struct site *site,
                       const struct ledger_filter *filter,
                       int64_t now_ms,
                       struct strbuf *out,
                       struct err *err)
{
    struct state *store = NULL;
    int code = open_state(&store, site, err);
    if (code == 0) {
        code = listing_ledger(site, store, filter, now_ms, out, err);
    }
    state_close(store);
    return code;
}

int
offline_device_life(const struct site *site,
                    const char *id,
                    const struct life_options *options,
                    struct strbuf *out,
                    struct err *err)
{
    struct state *store = NULL;
    struct strbuf now = {0};
    struct life_options with_state = *options;
    const struct device_filter filter = {.device = id};
    const struct device_parts parts = {.points = true, .causes = true};
    int code = offline_listing_devices(site, &filter, parts, &now, err);
    if (code == 0) {
        code = open_state(&store, site, err);
    }
    if (code == 0) {
        with_state.now = strbuf_text(&now);
        code = device_life_json(site, store, id, &with_state, out, err);
    }
    state_close(store);
    strbuf_fini(&now);
    return code;
}

struct counting {
    int64_t raised, unacknowledged, open, hidden;
};

static bool
count_alarm(void *ctx, const struct alarm *a)
{
    struct counting *c = ctx;
    bool hidden = alarm_state_is_hidden(a->state);
    c->hidden += hidden;
    c->raised += !hidden && alarm_is_raised(a);
    c->unacknowledged += !hidden && a->acked_ms == INSTANT_NONE;
    return true;
}

static bool
count_ticket(void *ctx, const struct ticket *t)
{
    struct counting *c = ctx;
    c->open += t->state != TICKET_CLOSED;
    return true;
}

int
offline_status(const struct site *site, struct strbuf *out, struct err *err)
{
    struct counting counts = {0};
    int64_t alive = INSTANT_NONE;
    int64_t depth = 0;
    struct state *store = NULL;
    int code = state_open(&store, site->data_dir, STORE_READ, err);
    if (code == 0) {
        code = state_get_alive(store, &alive, err);
    }
    if (code == 0) {
        code = state_each_alarm(store, true, count_alarm, &counts, err);
    }
    if (code == 0) {
        code = state_each_ticket(store, INSTANT_MAX, count_ticket, &counts, err);
    }
    if (code == 0) {
        code = state_outbox_depth(store, &depth, err);
    }
    state_close(store);
    if (code != 0 && code != ERR_NOT_FOUND) {
        return code;
    }
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "site", site->id);
    strbuf_json_str(out, "name", site->name);
    strbuf_json_str(out, "daemon", "stopped");
    strbuf_json_str(out, "version", CARETAKER_VERSION);
    strbuf_json_time(out, "time", clock_real_ms());
    strbuf_json_time(out, "last_alive", alive);
    strbuf_json_key(out, "alarms");
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "active", counts.raised);
    strbuf_json_int(out, "unacknowledged", counts.unacknowledged);
    strbuf_json_int(out, "hidden", counts.hidden);
    strbuf_add_char(out, '}');
    strbuf_json_key(out, "tickets");
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "open", counts.open);
    strbuf_add_char(out, '}');
    strbuf_json_key(out, "mqtt");
    strbuf_add_char(out, '{');
    strbuf_json_bool(out, "enabled", site->mqtt.enabled);
    strbuf_json_int(out, "outbox", depth);
    strbuf_add(out, "}}");
    return 0;
}
