#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/live/live_inside.h"
#include "daemon/store/history_frames.h"
#include "daemon/store/photos.h"
#include "daemon/store/state_photo.h"
#include "daemon/store/state_watch.h"

/* Reading a long history again must not look like a start that hangs. */
#define WARM_TELL      20000
#define WARM_EXTEND_US 30000000
#define PHOTO_SPARE_S  86400 /* A file without a row that is younger stays. */
#define USE_UNSAVED_MS                                                                 \
    600000 /* Use is stored once a minute, while the disk is well.                     \
            */

struct restoring {
    struct live *live;
    int64_t alive_ms;
    unsigned alarms, tickets, timers;
};

static int
level_of(const struct rule_spec *rule, enum severity severity)
{
    for (uint32_t i = 0; i < rule->level_count; i++) {
        if (rule->levels[i].severity >= severity) {
            return (int)i;
        }
    }
    return (int)rule->level_count - 1;
}

/* The device or rule was taken out of the site: the alarm goes, and it is said. */
static void
forget_alarm(struct live *l, const struct alarm *a)
{
    if (alarm_is_raised(a)) {
        struct event e = {
            .t_ms = engine_clock_now(&l->clock.engine),
            .kind = EVENT_ALARM_CLEARED,
            .device = a->device,
            .rule = a->rule,
            .severity = a->severity,
            .episode = a->episode,
            .note = N_("its device or rule is no longer configured"),
        };
        const struct sink *sink = changes_sink(l->changes);
        sink->event(sink->ctx, &e);
    }
    log_info("alarm %s/%s is forgotten: its device or rule is no longer configured",
             a->device, a->rule);
    changes_forget_alarm(l->changes, a->device, a->rule);
}

static bool
restore_alarm(void *ctx, const struct alarm *a)
{
    struct restoring *r = ctx;
    struct live *l = r->live;
    uint32_t device = site_device(l->site, a->device);
    uint32_t rule = site_rule(l->site, a->rule);
    if (device == NONE_INDEX || rule == NONE_INDEX ||
        !rules_bound(pipeline_rules(l->pipeline), device, rule) ||
        !pipeline_restore_alarm(l->pipeline, a)) {
        forget_alarm(l, a);
        return true;
    }
    r->alarms++;
    if (alarm_is_raised(a) && a->returned_ms == 0) {
        /* Its timer row, if there is one, says more and comes later. */
        int level = level_of(&l->site->rules[rule], a->severity);
        struct rule_state s = {
            .device = device,
            .rule = rule,
            .phase = RULE_RAISED,
            .level = level,
            .target_level = level,
            .since_ms = a->raised_ms,
            .while_last_ms = INSTANT_NONE,
        };
        pipeline_restore_timer(l->pipeline, &s, r->alive_ms);
    }
    return true;
}

static bool
restore_timer(void *ctx, const struct timer_row *row)
{
    struct restoring *r = ctx;
    struct rule_state s = {
        .device = site_device(r->live->site, row->device),
        .rule = site_rule(r->live->site, row->rule),
        .phase = (enum rule_phase)row->phase,
        .level = row->level,
        .target_level = row->target_level,
        .since_ms = row->since_ms,
        .clear = row->clear,
        .clear_since_ms = row->clear_since_ms,
        .while_last_ms = row->while_last_ms,
    };
    if (s.device == NONE_INDEX || s.rule == NONE_INDEX ||
        !pipeline_restore_timer(r->live->pipeline, &s, r->alive_ms)) {
        changes_forget_timer(r->live->changes, row->device, row->rule);
        return true;
    }
    r->timers++;
    return true;
}

static bool
restore_meter(void *ctx, const struct meter_row *row)
{
    struct restoring *r = ctx;
    struct rules_meter m = {.key = row->key,
                            .last_ms = row->last_ms,
                            .since_ms = row->since_ms,
                            .early_ms = row->early_ms,
                            .value = row->value,
                            .changed = row->changed,
                            .true_ms = row->true_ms,
                            .starts = row->starts,
                            .service_ms = row->service_ms,
                            .service_starts = row->service_starts};
    /* The row of a rule that is gone stays: the rule may come back. */
    (void)rules_restore_meter(pipeline_rules(r->live->pipeline), &m);
    return true;
}

/* Reads the history once more into the windows of the rules.  Without it they fill by
 * themselves: that it cannot be read is no reason not to start. */
static void
warm_rules(struct live *l, int64_t alive_ms)
{
    struct rules *rules = pipeline_rules(l->pipeline);
    struct err err = {0};
    int64_t now_ms = engine_clock_now(&l->clock.engine);
    size_t devices = (size_t)l->site->device_count;
    /* By device: since when for the rules, then since when for them and the plans. */
    int64_t *wanted = calloc(2 * devices + 1, sizeof *wanted);
    struct history_frames *h = NULL;
    const struct frame *f;
    uint64_t frames = 0;
    uint64_t seen = 0;
    if (wanted == NULL) {
        return;
    }
    struct plans *plans = pipeline_plans(l->pipeline);
    int64_t from_ms = rules_memory(rules, now_ms, wanted);
    memcpy(wanted + devices, wanted, devices * sizeof *wanted);
    int64_t since_ms =
        alive_ms != INSTANT_NONE ? alive_ms - USE_UNSAVED_MS : INSTANT_NONE;
    int64_t plans_ms = plans_memory(plans, since_ms, wanted + devices);
    struct history_frames_options options = {.dir = l->site->data_dir,
                                             .from_ms = from_ms < plans_ms ? from_ms
                                                                           : plans_ms,
                                             .to_ms = now_ms,
                                             .device = NONE_INDEX};
    if (options.from_ms != INSTANT_MAX &&
        history_frames_open(&h, l->site, &options, &err) == 0) {
        while ((f = history_frames_next(h, &err)) != NULL) {
            if (f->t_ms >= wanted[f->device]) {
                rules_warm(rules, f);
                frames++;
            }
            if (f->t_ms >= wanted[devices + f->device]) {
                plans_frame(plans, f);
            }
            if (++seen % WARM_TELL == 0) { /* At start, and while reloading. */
                sd_notifyf(0, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=%d", WARM_EXTEND_US);
            }
        }
        if (from_ms != INSTANT_MAX) {
            rules_warm_end(rules, alive_ms, now_ms);
        }
    }
    history_frames_close(h);
    free(wanted);
    if (err.code != 0 && err.code != ERR_NOT_FOUND) {
        log_warning("windows of rules begin empty: %s", err.text);
    } else if (frames > 0) {
        log_info("windows of rules filled from %llu recorded frames",
                 (unsigned long long)frames);
    }
}

static bool
restore_device(void *ctx, const char *device, bool online)
{
    struct restoring *r = ctx;
    uint32_t index = site_device(r->live->site, device);
    if (index != NONE_INDEX) {
        rules_restore_device(pipeline_rules(r->live->pipeline), index,
                             online ? DEVICE_ONLINE : DEVICE_OFFLINE);
    }
    return true;
}

static bool
restore_service(void *ctx, const struct service *s)
{
    struct restoring *r = ctx;
    if (!pipeline_restore_service(r->live->pipeline, s)) {
        log_info("%s is forgotten: it was out of service and is no longer configured",
                 s->device);
        changes_forget_service(r->live->changes, s->device);
    }
    return true;
}

static bool
restore_ledger(void *ctx, const struct ledger_row *row)
{
    const struct restoring *r = ctx;
    pipeline_restore_ledger(r->live->pipeline, row);
    return true;
}

static bool
restore_ticket(void *ctx, const struct ticket *t)
{
    struct restoring *r = ctx;
    pipeline_restore_ticket(r->live->pipeline, t);
    r->tickets++;
    return true;
}

static bool
restore_plan(void *ctx, const struct plan_row *row)
{
    struct restoring *r = ctx;
    /* The row of a plan or device that is gone stays: it may come back. */
    (void)plans_restore(pipeline_plans(r->live->pipeline), row);
    return true;
}

void
live_watch(struct live *l, int64_t since_ms)
{
    struct err err;
    const char **ids = calloc((size_t)l->site->device_count + 1, sizeof *ids);
    if (ids == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < l->site->device_count; i++) {
        ids[i] = l->site->devices[i].id;
    }
    if (state_watch(l->store, ids, l->site->device_count, since_ms,
                    engine_clock_now(&l->clock.engine), &err) != 0) {
        log_error("%s; reports will not know since when each device is watched",
                  err.text);
    }
    free(ids);
}

static int
is_wanted(
    void *ctx, const char *sha256, enum photo_type type, bool *wanted, struct err *err)
{
    return state_has_photo(ctx, sha256, type, wanted, err);
}

void
live_sweep_photos(struct live *l)
{
    struct err err;
    uint32_t removed = 0;
    int64_t before_s = (int64_t)time(NULL) - PHOTO_SPARE_S;
    if (photos_sweep(l->site->data_dir, is_wanted, l->store, before_s, &removed,
                     &err) != 0) {
        log_warning("photos that no ticket has stay: %s", err.text);
    }
    if (removed > 0) {
        log_info("removed %u photos that no ticket has", removed);
    }
}

int
live_restore(struct live *l, struct err *err)
{
    struct restoring r = {.live = l};
    int code = state_get_alive(l->store, &r.alive_ms, err);
    if (code == 0) {
        code = state_each_service(l->store, restore_service, &r, err);
    }
    if (code == 0) {
        code = state_each_ledger(l->store, restore_ledger, &r, err);
    }
    if (code == 0) {
        code = state_each_alarm(l->store, false, restore_alarm, &r, err);
    }
    if (code == 0) {
        code = state_each_timer(l->store, restore_timer, &r, err);
    }
    if (code == 0) {
        code = state_each_meter(l->store, restore_meter, &r, err);
    }
    if (code == 0) {
        code = state_each_plan(l->store, restore_plan, &r, err);
    }
    if (code == 0) {
        warm_rules(l, r.alive_ms);
    }
    if (code == 0) {
        code = state_each_device(l->store, restore_device, &r, err);
    }
    int64_t longest_ms = l->site->follow_up_ms;
    for (uint32_t i = 0; i < l->site->rule_count; i++) {
        if (l->site->rules[i].follow_up_ms > longest_ms) {
            longest_ms = l->site->rules[i].follow_up_ms;
        }
    }
    int64_t visit_ms = INSTANT_MAX;
    if (code == 0) {
        code = state_oldest_visit(l->store, &visit_ms, err);
    }
    if (code == 0) {
        int64_t since = engine_clock_now(&l->clock.engine) - longest_ms;
        since = visit_ms < since ? visit_ms : since;
        code = state_each_ticket(l->store, since, restore_ticket, &r, err);
    }
    if (code == 0) {
        pipeline_begin(l->pipeline, engine_clock_now(&l->clock.engine));
    }
    if (code == 0 && r.alarms + r.tickets + r.timers > 0) {
        log_info("restored %u alarms, %u tickets, %u timers", r.alarms, r.tickets,
                 r.timers);
    }
    return code;
}
