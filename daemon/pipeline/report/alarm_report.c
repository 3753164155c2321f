#include "daemon/pipeline/report/alarm_report.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/replay/replay.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* What the logs would have raised, by the code of the daemon. */
static int
replay_logs(struct alarm_report *r,
            const struct alarm_report_options *o,
            struct diags *diags,
            struct err *err)
{
    struct replay_result result;
    const struct replay_options options = {.map = o->map,
                                           .logs = o->logs,
                                           .log_count = o->log_count,
                                           .stale_after_ms = o->stale_after_ms,
                                           .until_ms = o->to_ms,
                                           .progress = o->progress,
                                           .again = o->quiet,
                                           .take_event = alarm_episodes_event,
                                           .take_ctx = &r->episodes};
    int code = replay_run(o->site, &options, stdout, &result, diags, err);
    if (code != 0) {
        return code;
    }
    if (result.first_ms == INSTANT_NONE) {
        return err_set(err, ERR_NOT_FOUND, "there is no sample of the site in the log");
    }
    r->bad_rows = result.bad_rows;
    r->samples = result.samples;
    r->late_samples = result.late_samples;
    r->from_ms = o->from_ms != INSTANT_NONE ? o->from_ms : result.first_ms;
    r->to_ms = o->to_ms != INSTANT_NONE ? o->to_ms : result.last_ms;
    return 0;
}

/* The period: as asked for, else the last days, but not from before there was anything.
 */
static int
read_state(struct alarm_report *r,
           const struct alarm_report_options *o,
           struct err *err)
{
    int code = alarm_episodes_read(&r->episodes, o->site->data_dir, err);
    if (code != 0) {
        return code;
    }
    bool ahead = o->to_ms == INSTANT_NONE || o->to_ms > o->now_ms;
    r->to_ms = ahead ? o->now_ms : o->to_ms;
    r->from_ms = o->from_ms;
    if (o->from_ms == INSTANT_NONE) {
        r->from_ms = r->to_ms - ALARM_REPORT_DAYS * DAY_MS;
        int64_t first_ms = r->episodes.first_ms;
        r->from_ms =
            first_ms != INSTANT_NONE && first_ms > r->from_ms && first_ms < r->to_ms
                ? first_ms
                : r->from_ms;
    }
    return 0;
}

static int
judge(struct alarm_report *r, const struct alarm_report_options *o, struct err *err)
{
    const struct alarm_quality_options options = {
        .from_ms = r->from_ms,
        .to_ms = r->to_ms,
        .to_counts = r->to_counts,
        .operators = o->operators,
        .chatter_episodes = o->site->chatter_episodes,
        .chatter_window_ms = o->site->chatter_window_ms};
    if (r->from_ms >= r->to_ms) {
        return err_set(err, ERR_USAGE, "the period is empty: it ends where it begins");
    }
    return alarm_quality_of(&r->quality, r->episodes.items, r->episodes.count,
                            r->episodes.name_count, &options, err);
}

static int
advise(struct alarm_report *r, const struct alarm_report_options *o, struct err *err)
{
    const struct advice_options options = {.site = o->site,
                                           .logs = o->logs,
                                           .log_count = o->log_count,
                                           .map = o->map,
                                           .from_ms = r->from_ms,
                                           .to_ms =
                                               r->to_counts ? r->to_ms : r->to_ms - 1,
                                           .progress = o->progress,
                                           .cancel = o->cancel};
    size_t all = r->quality.actor_count;
    assert(o->top <= ADVICE_ACTORS_MAX);
    r->actor_count = all < o->top ? (uint32_t)all : o->top;
    r->actors = calloc((size_t)r->actor_count + 1, sizeof *r->actors);
    if (r->actors == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for the report");
    }
    for (uint32_t i = 0; i < r->actor_count; i++) {
        const struct alarm_name *n = &r->episodes.names[r->quality.actors[i].alarm];
        r->actors[i].device = site_device(o->site, n->device);
        r->actors[i].rule = site_rule(o->site, n->rule);
    }
    return o->advise ? advice_give(r->actors, r->actor_count, r->arena, &options, err)
                     : 0;
}

int
alarm_report_make(struct alarm_report *out,
                  const struct alarm_report_options *o,
                  struct diags *diags,
                  struct err *err)
{
    *out = (struct alarm_report){.arena = arena_new()};
    alarm_episodes_init(&out->episodes);
    out->to_counts = o->to_ms == INSTANT_NONE;
    int code =
        o->log_count > 0 ? replay_logs(out, o, diags, err) : read_state(out, o, err);
    if (code == 0 && out->episodes.out_of_memory) {
        code = err_set(err, ERR_NOMEM, "no memory for so many alarms");
    }
    code = code == 0 ? judge(out, o, err) : code;
    code = code == 0 ? advise(out, o, err) : code;
    if (code != 0) {
        alarm_report_fini(out);
    }
    return code;
}

void
alarm_report_fini(struct alarm_report *r)
{
    alarm_episodes_fini(&r->episodes);
    alarm_quality_fini(&r->quality);
    free(r->actors);
    arena_free(r->arena);
    *r = (struct alarm_report){0};
}
