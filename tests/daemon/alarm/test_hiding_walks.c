/* What must hold of hidden alarms whatever happens, on random walks: edges, samples,
 * silence, shelves, maintenance, restarts.
 *
 *   - what is hidden says who hides it, since when, and an end that is not over
 *   - what is suppressed has its reason: an alarm that stands and can be seen to,
 * silence that somebody is told of or will be, or it waits for new samples, not for
 * ever
 *   - every episode is raised at most once, and its clearing is told once, at once
 *   - what comes out after its suppressor is over stands on newer samples, and is not
 *     about to clear
 *   - a restart tells nothing */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/alarm/alarms.h"
#include "daemon/base/instant.h"
#include "tests/fake/recorder.h"

#define SECOND  1000LL
#define T0      1772360070000LL /* 2026-03-01T10:14:30Z */
#define WAIT_MS (90 * SECOND)
#define WALKS   60
#define STEPS   1500

/* line is a bus with pump-1; feeder feeds both pumps. */
enum { FEEDER, LINE, PUMP_1, PUMP_2, DEVICES };
enum { DEAD, HOT, LOW, SILENT, TRIP, RULES };

static const char *const low_by[] = {"hot", "pump-2/trip"};
static struct bus buses[] = {{.id = "line", .device = LINE}};
static struct device devices[DEVICES] = {
    [FEEDER] = {.id = "feeder", .parent = NONE_INDEX, .bus = NONE_INDEX},
    [LINE] = {.id = "line",
              .parent = NONE_INDEX,
              .bus = NONE_INDEX,
              .role = DEVICE_BUS},
    [PUMP_1] = {.id = "pump-1", .parent = FEEDER, .bus = 0},
    [PUMP_2] = {.id = "pump-2", .parent = FEEDER, .bus = NONE_INDEX},
};
static struct rule_spec rules[RULES] = {
    [DEAD] = {.id = "dead", .suppresses_children = true},
    [HOT] = {.id = "hot", .group = "g", .realarm_ms = 40 * SECOND},
    [LOW] = {.id = "low",
             .group = "g",
             .suppressed_by = low_by,
             .suppressed_by_count = 2},
    [SILENT] = {.id = "silent"},
    [TRIP] = {.id = "trip", .group = "g", .latch = true},
};
static const struct site site = {.id = "walks",
                                 .buses = buses,
                                 .bus_count = 1,
                                 .devices = devices,
                                 .device_count = DEVICES,
                                 .rules = rules,
                                 .rule_count = RULES};

/* What the rules say of one alarm, and what was told of its episode. */
struct truth {
    bool raised; /* By its condition. */
    enum severity severity;
    struct standing standing;
    int64_t told_episode, cleared_episode;
    int64_t suppressor_over_ms; /* Of what hid it last; INSTANT_NONE: it is not over. */
};

struct walk {
    struct recorder *recorder;
    struct alarms *alarms;
    enum reach reach[DEVICES];
    struct truth truth[DEVICES][RULES];
    int64_t now_ms;
    uint32_t random;
    size_t hidden, waited, told_after; /* What was seen of each. */
};

/* Check notes each of its assertions in a file, and these are millions. */
#define must(condition)                                                                \
    do {                                                                               \
        if (!(condition)) {                                                            \
            ck_abort_msg("%s", #condition);                                            \
        }                                                                              \
    } while (false)

static uint32_t
next(struct walk *w, uint32_t below)
{
    w->random = w->random * 1664525u + 1013904223u;
    return (w->random >> 8) % below;
}

static enum reach
on_reach(void *ctx, uint32_t device)
{
    const struct walk *w = ctx;
    return w->reach[device];
}

static struct standing
on_standing(void *ctx, uint32_t device, uint32_t rule)
{
    const struct walk *w = ctx;
    return w->truth[device][rule].standing;
}

static bool
on_tells_silence(void *ctx, uint32_t device, uint32_t rule)
{
    (void)ctx;
    (void)device;
    return rule == SILENT;
}

static void
start(struct walk *w)
{
    w->recorder = recorder_new();
    w->alarms = alarms_new(&site, &w->recorder->sink,
                           &(struct alarms_view){.ctx = w,
                                                 .reach = on_reach,
                                                 .standing = on_standing,
                                                 .tells_silence = on_tells_silence});
}

static void
stop(struct walk *w)
{
    alarms_free(w->alarms);
    recorder_free(w->recorder);
}

static bool
is_seen(const struct walk *w, uint32_t device, uint32_t rule)
{
    const struct alarm *a = alarms_get(w->alarms, device, rule);
    return a != NULL && alarm_is_raised(a) && a->returned_ms == 0 &&
           a->state != ALARM_SHELVED && a->state != ALARM_OUT_OF_SERVICE;
}

static bool
is_explained(const struct walk *w, uint32_t device, const char *by)
{
    char name[HIDER_BYTES];
    for (uint32_t d = 0; d < DEVICES; d++) {
        const struct alarm *silent = alarms_get(w->alarms, d, SILENT);
        bool shelved = silent != NULL && silent->state == ALARM_SHELVED;
        if (strcmp(by, devices[d].id) == 0) {
            return alarms_service(w->alarms, d) == NULL && !shelved &&
                   w->reach[d] != REACH_ANSWERS && w->reach[device] != REACH_ANSWERS &&
                   ((silent != NULL && alarm_is_raised(silent)) ||
                    w->truth[d][SILENT].standing.pending);
        }
        for (uint32_t r = 0; r < RULES; r++) {
            snprintf(name, sizeof name, "%s/%s", devices[d].id, rules[r].id);
            if (strcmp(by, name) == 0) {
                return is_seen(w, d, r);
            }
        }
    }
    return false;
}

static void
check_hidden(struct walk *w, uint32_t device, uint32_t rule)
{
    const struct alarm *a = alarms_get(w->alarms, device, rule);
    struct truth *t = &w->truth[device][rule];
    if (a == NULL || !alarm_state_is_hidden(a->state)) {
        return;
    }
    must(a->hiding.by[0] != '\0');
    must(a->hiding.reason[0] != '\0');
    must(a->hiding.since_ms != 0);
    must(a->hiding.until_ms == 0 || a->hiding.until_ms > w->now_ms);
    w->hidden++;
    if (a->state != ALARM_SUPPRESSED) {
        return;
    }
    bool explained = is_explained(w, device, a->hiding.by);
    must(explained == (a->hiding.until_ms == 0));
    w->waited += !explained;
    if (!explained && t->suppressor_over_ms == INSTANT_NONE) {
        t->suppressor_over_ms = w->now_ms;
    } else if (explained) {
        t->suppressor_over_ms = INSTANT_NONE;
    }
}

/* The lines since the last step: each raising and clearing, once an episode. */
static void
check_told(struct walk *w)
{
    for (size_t i = 0; i < w->recorder->count; i++) {
        const char *line = recorder_line(w->recorder, i);
        char device[40] = "";
        char rule[40] = "";
        const char *at = strstr(line, "\"rule\"");
        if (at == NULL) {
            continue;
        }
        must(sscanf(strstr(line, "\"device\""), "\"device\":\"%39[^\"]", device) == 1);
        must(sscanf(at, "\"rule\":\"%39[^\"]", rule) == 1);
        struct truth *t = &w->truth[site_device(&site, device)][site_rule(&site, rule)];
        at = strstr(line, "\"episode\":");
        int64_t episode =
            at != NULL ? strtol(at + strlen("\"episode\":"), NULL, 10) : 0;
        if (strstr(line, "alarm.raised") != NULL) {
            must(episode > t->told_episode);
            must(episode > t->cleared_episode);
            t->told_episode = episode;
            if (t->suppressor_over_ms != INSTANT_NONE) {
                bool newer = t->standing.sampled_ms > t->suppressor_over_ms;
                bool over = w->now_ms >= t->suppressor_over_ms + WAIT_MS;
                must(!t->standing.clearing && (newer || over));
                w->told_after++;
            }
        } else if (strstr(line, "alarm.cleared") != NULL) {
            must(episode > t->cleared_episode);
            t->cleared_episode = episode;
        }
    }
    recorder_forget(w->recorder);
}

static void
check_all(struct walk *w)
{
    check_told(w);
    for (uint32_t d = 0; d < DEVICES; d++) {
        for (uint32_t r = 0; r < RULES; r++) {
            const struct alarm *a = alarms_get(w->alarms, d, r);
            struct truth *t = &w->truth[d][r];
            /* The listing knows what stands, hidden or not. */
            bool stands = a != NULL && alarm_is_raised(a);
            must(stands == t->raised || (stands && a->returned_ms != 0));
            if (a == NULL || a->state != ALARM_SUPPRESSED) {
                t->suppressor_over_ms = INSTANT_NONE;
            }
            check_hidden(w, d, r);
        }
    }
}

static void
step_edge(struct walk *w, uint32_t device, uint32_t rule)
{
    struct truth *t = &w->truth[device][rule];
    struct edge e = {.t_ms = w->now_ms, .device = device, .rule = rule};
    t->standing.pending = false;
    if (t->raised && next(w, 3) > 0) {
        e.kind = EDGE_CLEARED;
        e.severity = t->severity;
        t->raised = false;
        t->standing.clearing = false;
    } else {
        e.kind = t->raised ? EDGE_CHANGED : EDGE_RAISED;
        t->severity = e.severity = (enum severity)next(w, SEVERITY_COUNT);
        t->raised = true;
    }
    alarms_edge(w->alarms, &e, "so");
}

static void
step_command(struct walk *w, uint32_t device, uint32_t rule)
{
    static const enum command_kind kinds[] = {COMMAND_ACK, COMMAND_SHELVE,
                                              COMMAND_UNSHELVE, COMMAND_SERVICE,
                                              COMMAND_SERVICE};
    struct command c = {.t_ms = w->now_ms,
                        .kind = kinds[next(w, ARRAY_LEN(kinds))],
                        .device = devices[device].id,
                        .rule = rules[rule].id,
                        .by = "li",
                        .note = "so",
                        .service = next(w, 3) == 0 ? SERVICE_OUT : SERVICE_IN};
    if (c.kind == COMMAND_SHELVE ||
        (c.kind == COMMAND_SERVICE && c.service == SERVICE_OUT)) {
        c.for_ms = (1 + next(w, 60)) * SECOND;
    }
    struct err err;
    int code = alarms_command(w->alarms, &c, &err);
    must(code == 0 || code == ERR_REFUSED || code == ERR_NOT_FOUND);
}

static void
step_restart(struct walk *w)
{
    struct walk old = *w;
    start(w);
    for (uint32_t d = 0; d < DEVICES; d++) {
        const struct service *s = alarms_service(old.alarms, d);
        must(s == NULL || alarms_restore_service(w->alarms, s));
    }
    for (size_t i = 0; i < old.recorder->alarm_count; i++) {
        must(alarms_restore(w->alarms, &old.recorder->alarms[i]));
        w->recorder->alarms[i] = old.recorder->alarms[i];
        w->recorder->alarms[i].device =
            site.devices[site_device(&site, old.recorder->alarms[i].device)].id;
        w->recorder->alarms[i].rule =
            site.rules[site_rule(&site, old.recorder->alarms[i].rule)].id;
    }
    w->recorder->alarm_count = old.recorder->alarm_count;
    stop(&old);
    for (uint32_t d = 0; d < DEVICES; d++) {
        for (uint32_t r = 0; r < RULES; r++) {
            /* Whatever was sampled before, the rules begin without. */
            w->truth[d][r].standing.sampled_ms = INSTANT_NONE;
        }
    }
    alarms_settle(w->alarms, w->now_ms);
    must(w->recorder->count == 0);
}

static void
step(struct walk *w)
{
    int64_t to_ms = w->now_ms + 1 + next(w, 8 * SECOND);
    for (int64_t due = alarms_due(w->alarms); due <= to_ms;
         due = alarms_due(w->alarms)) {
        /* A repetition that was due while it was hidden comes when it shows. */
        w->now_ms = due > w->now_ms ? due : w->now_ms;
        alarms_fire(w->alarms, w->now_ms);
        check_all(w);
    }
    w->now_ms = to_ms;
    uint32_t device = next(w, DEVICES);
    uint32_t rule = next(w, RULES);
    struct truth *t = &w->truth[device][rule];
    switch (next(w, 8)) {
    case 0:
    case 1:
        step_edge(w, device, rule);
        break;
    case 2: /* A sample of the device, or one that is missed. */
        for (uint32_t r = 0; r < RULES; r++) {
            w->truth[device][r].standing.sampled_ms =
                next(w, 4) > 0 ? w->now_ms : INSTANT_NONE;
        }
        break;
    case 3:
        w->reach[device] = (enum reach)next(w, 3);
        alarms_reach_changed(w->alarms, device);
        break;
    case 4:
        t->standing.pending = !t->raised && next(w, 2) == 0;
        break;
    case 5: /* Its clear_hold runs, or is cancelled. */
        t->standing.clearing = t->raised && next(w, 2) == 0;
        t->standing.clears_ms = w->now_ms + 20 * SECOND;
        break;
    case 6:
        step_command(w, device, rule);
        break;
    default:
        alarms_settle(w->alarms, w->now_ms);
        check_all(w);
        if (next(w, 4) == 0) {
            step_restart(w);
        }
        break;
    }
    alarms_settle(w->alarms, w->now_ms);
    check_all(w);
}

START_TEST(what_is_hidden_keeps_its_promises_on_random_walks)
{
    size_t hidden = 0;
    size_t waited = 0;
    size_t told_after = 0;
    for (uint32_t seed = 1; seed <= WALKS; seed++) {
        struct walk w = {.now_ms = T0, .random = seed * 7919};
        for (uint32_t d = 0; d < DEVICES; d++) {
            for (uint32_t r = 0; r < RULES; r++) {
                w.truth[d][r].standing.sampled_ms = T0;
                w.truth[d][r].suppressor_over_ms = INSTANT_NONE;
            }
        }
        start(&w);
        for (int i = 0; i < STEPS; i++) {
            step(&w);
        }
        hidden += w.hidden;
        waited += w.waited;
        told_after += w.told_after;
        stop(&w);
    }
    ck_assert_uint_gt(hidden, WALKS * 100);
    ck_assert_uint_gt(waited, WALKS * 10);
    ck_assert_uint_gt(told_after, WALKS);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("hiding walks");
    TCase *tc = tcase_create("walks");
    tcase_add_test(tc, what_is_hidden_keeps_its_promises_on_random_walks);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
