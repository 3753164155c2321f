/* What belongs to one configuration is put together, taken apart, and exchanged. */
#include <pthread.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/check.h"
#include "daemon/pipeline/live/live_inside.h"

#define STOP_GRACE_MS 2000

/* No more frames; what came is judged and stored.  A pipeline that was not restored to
 * its end would overwrite what it should have been restored from: it stores nothing. */
static void
come_to_rest(struct live *l)
{
    collectors_stop(l->collectors);
    l->collectors = NULL;
    if (l->restored) {
        live_drain(l);
        rules_save(pipeline_rules(l->pipeline), false, live_collect_timer, l);
        live_collect_meters(l);
        live_store_changes(l);
    }
}

/* The threads and tables that belong to one configuration, in reverse order of start.
 */
void
live_disassemble(struct live *l)
{
    come_to_rest(l);
    history_close(l->history);
    l->history = NULL;
    if (l->publisher != NULL) {
        publisher_stop(l->publisher, STOP_GRACE_MS);
        l->publisher = NULL;
        live_on_receipts(NULL, -1, 0, l);
    }
    pipeline_free(l->pipeline);
    l->pipeline = NULL;
    l->restored = false;
}

static void
announce_alarm(void *ctx, const struct alarm *a)
{
    const struct sink *sink = ctx;
    sink->alarm(sink->ctx, a);
}

static bool
announce_ticket(void *ctx, const struct ticket *t)
{
    const struct sink *sink = ctx;
    sink->ticket(sink->ctx, t);
    return true;
}

/* The present state goes out once more: the broker may be a new one, or one that lost
 * what it retained.  Alarms as they were restored: the store still has those whose rule
 * or device is gone. */
static int
announce(struct live *l, struct err *err)
{
    struct sink sink = *changes_sink(l->changes);
    alarms_each(pipeline_alarms(l->pipeline), announce_alarm, &sink);
    return state_each_ticket(l->store, INSTANT_MAX, announce_ticket, &sink, err);
}

int
live_assemble(struct live *l, struct diags *diags, struct err *err)
{
    int64_t last_ticket = 0;
    int code = state_max_ticket(l->store, &last_ticket, err);
    if (code != 0) {
        return code;
    }
    l->pipeline =
        pipeline_new(l->site, changes_sink(l->changes), last_ticket + 1, diags);
    if (l->pipeline == NULL) {
        return err_set(err, ERR_CONFIG, "%s: the rules have errors", l->path);
    }
    pipeline_advance(l->pipeline, engine_clock_now(&l->clock.engine));
    code = live_restore(l, err);
    l->restored = code == 0;
    if (code == 0 && l->site->mqtt.enabled) {
        code = announce(l, err);
    }
    if (code == 0) {
        code = history_open(&l->history, l->site->data_dir, l->site, err);
    }
    if (code == 0) {
        live_clock_expect(&l->clock, history_was_synchronised(l->history));
        live_tell_clock(l);
    }
    if (code == 0 && l->site->mqtt.enabled) {
        code = publisher_start(&l->publisher, l->site, l->site->data_dir, l->receipts,
                               l->commands, err);
    }
    if (code == 0) {
        code =
            collectors_start(&l->collectors, l->site, &l->clock.engine, l->frames, err);
    }
    return code;
}

void
live_log_diags(const struct diags *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *d = &diags->items[i];
        log_write(d->level == DIAG_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
                  "%s:%u:%u: %s", d->file != NULL ? d->file : "", d->line, d->column,
                  d->text);
    }
}

static int
assemble_logged(struct live *l)
{
    struct err err;
    struct diags diags;
    diags_init(&diags);
    int code = live_assemble(l, &diags, &err);
    live_log_diags(&diags);
    diags_fini(&diags);
    if (code != 0) {
        log_error("reload: %s", err.text);
    }
    return code;
}

/* Takes the new site, or goes on with the old one; an error: neither can be run. */
static int
exchange_site(struct live *l, struct site *site)
{
    struct err err;
    struct site *old = l->site;
    come_to_rest(l);
    if (changes_pending(l->changes)) {
        /* The store does not know of them yet: restoring from it would forget them. */
        log_error("reload: the database cannot be written; the running configuration "
                  "goes on");
        site_free(site);
        instant_zone_set(old->timezone);
        int code =
            collectors_start(&l->collectors, old, &l->clock.engine, l->frames, &err);
        if (code != 0) {
            log_error("reload: %s", err.text);
        }
        return code;
    }
    live_disassemble(l);
    l->site = site;
    if (assemble_logged(l) == 0) {
        live_watch(l, INSTANT_NONE);
        site_free(old);
        log_info("reloaded: %u devices, %u rules", site->device_count,
                 site->rule_count);
        return 0;
    }
    l->restored = false; /* What the new rules made of it is not stored. */
    changes_discard(l->changes);
    live_disassemble(l);
    site_free(site);
    l->site = old;
    instant_zone_set(old->timezone);
    log_error("reload: the old configuration goes on");
    return assemble_logged(l);
}

int
live_on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
    (void)source;
    (void)info;
    struct live *l = ctx;
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_us());
    log_info("reloading %s", l->path);
    struct diags diags;
    diags_init(&diags);
    struct site *site = check_site(l->path, &diags, NULL);
    live_log_diags(&diags);
    int code = 0;
    if (site == NULL) {
        log_error("%s: %zu errors; the running configuration goes on", l->path,
                  diags.errors);
        instant_zone_set(l->site->timezone);
    } else if (strcmp(site->data_dir, l->site->data_dir) != 0) {
        log_error(
            "%s: a changed `data` needs a restart; the running configuration goes "
            "on",
            l->path);
        site_free(site);
        instant_zone_set(l->site->timezone);
    } else {
        /* The loop does not wait for who reads a register of a silent device. */
        collectors_ask_stop(l->collectors);
        pthread_rwlock_wrlock(&l->site_lock);
        code = exchange_site(l, site);
        pthread_rwlock_unlock(&l->site_lock);
        if (code == 0) {
            live_store_step(l);
            live_arm(l);
            live_web_reload(l);
        }
    }
    diags_fini(&diags);
    sd_notify(0, "READY=1");
    if (code != 0) {
        l->failed = code;
        sd_event_exit(l->loop, 0);
    }
    return 0;
}
