/* What hides alarms, and what comes out when it ends; latches, repetition, first-out
 * and chatter. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/alarm/alarms.h"
#include "daemon/base/instant.h"
#include "tests/fake/recorder.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define T0     1772360070000LL /* 2026-03-01T10:14:30Z */

/* line is a bus; feeder feeds pump-1, which feeds valve; pump-2 is on its own.  */
enum { FEEDER, LINE, PUMP_1, PUMP_2, VALVE, DEVICES };
enum { DEAD, DRY, LOW, OVERLOAD, SILENT, WARM, RULES };

static const char *const low_by[] = {"dry", "pump-2/overload"};
static struct bus buses[] = {{.id = "line", .device = LINE}};
static struct device devices[DEVICES] = {
    [FEEDER] = {.id = "feeder", .parent = NONE_INDEX, .bus = NONE_INDEX},
    [LINE] = {.id = "line",
              .parent = NONE_INDEX,
              .bus = NONE_INDEX,
              .role = DEVICE_BUS},
    [PUMP_1] = {.id = "pump-1", .parent = FEEDER, .bus = 0},
    [PUMP_2] = {.id = "pump-2", .parent = NONE_INDEX, .bus = NONE_INDEX},
    [VALVE] = {.id = "valve", .parent = PUMP_1, .bus = NONE_INDEX},
};
static struct rule_spec rules[RULES] = {
    [DEAD] = {.id = "dead", .suppresses_children = true},
    [DRY] = {.id = "dry", .group = "trip"},
    [LOW] = {.id = "low", .suppressed_by = low_by, .suppressed_by_count = 2},
    [OVERLOAD] = {.id = "overload", .group = "trip", .latch = true},
    [SILENT] = {.id = "silent"},
    [WARM] = {.id = "warm",
              .realarm_ms = 4 * HOUR,
              .level_count = 1,
              .levels = {{.severity = SEVERITY_URGENT}}},
};
static const struct site site = {
    .id = "hiding",
    .buses = buses,
    .bus_count = 1,
    .devices = devices,
    .device_count = DEVICES,
    .rules = rules,
    .rule_count = RULES,
    .chatter_episodes = 3,
    .chatter_window_ms = 10 * MINUTE,
};

static struct recorder *recorder;
static struct alarms *alarms;
static enum reach reach[DEVICES];
static struct standing standing[DEVICES][RULES];
static char news[400];

static enum reach
on_reach(void *ctx, uint32_t device)
{
    (void)ctx;
    return reach[device];
}

static void
on_news(void *ctx, enum edge_kind what, uint32_t device, uint32_t rule)
{
    (void)ctx;
    size_t at = strlen(news);
    snprintf(news + at, sizeof news - at, "%s%s %s/%s", at > 0 ? "; " : "",
             what == EDGE_RAISED    ? "raised"
             : what == EDGE_CHANGED ? "changed"
                                    : "cleared",
             devices[device].id, rules[rule].id);
}

static struct standing
on_standing(void *ctx, uint32_t device, uint32_t rule)
{
    (void)ctx;
    return standing[device][rule];
}

static bool
on_tells_silence(void *ctx, uint32_t device, uint32_t rule)
{
    (void)ctx;
    return rule == SILENT && device != PUMP_2;
}

static bool
on_bound(void *ctx, uint32_t device, uint32_t rule)
{
    (void)ctx;
    return !(device == FEEDER && rule == WARM);
}

static void
on_title(void *ctx, uint32_t device, uint32_t rule, char *out, size_t out_size)
{
    (void)ctx;
    snprintf(out, out_size, "%s of %s", rules[rule].id, devices[device].id);
}

static void
on_titles(void *ctx, uint32_t device, uint32_t rule, struct titles *out)
{
    on_title(ctx, device, rule, out->in[LANGUAGE_EN], TITLE_BYTES);
    snprintf(out->in[LANGUAGE_ZH_CN], TITLE_BYTES, "%s 的 %s", devices[device].id,
             rules[rule].id);
}

static struct alarms *
new_alarms(void)
{
    struct alarms_view view = {.reach = on_reach,
                               .news = on_news,
                               .standing = on_standing,
                               .tells_silence = on_tells_silence,
                               .bound = on_bound,
                               .title = on_title,
                               .titles = on_titles};
    return alarms_new(&site, &recorder->sink, &view);
}

static void
setup(void)
{
    recorder = recorder_new();
    for (size_t d = 0; d < DEVICES; d++) {
        reach[d] = REACH_ANSWERS;
        for (size_t r = 0; r < RULES; r++) {
            standing[d][r] = (struct standing){.sampled_ms = T0};
        }
    }
    news[0] = '\0';
    alarms = new_alarms();
}

static void
teardown(void)
{
    alarms_free(alarms);
    recorder_free(recorder);
}

static void
take(int64_t t_ms,
     enum edge_kind kind,
     uint32_t device,
     uint32_t rule,
     enum severity severity)
{
    struct edge e = {.t_ms = T0 + t_ms,
                     .kind = kind,
                     .device = device,
                     .rule = rule,
                     .severity = severity,
                     .has_value = true,
                     .value = (double)severity};
    alarms_edge(alarms, &e, "so");
}

static void
edge(int64_t t_ms, enum edge_kind kind, uint32_t device, uint32_t rule)
{
    take(t_ms, kind, device, rule, SEVERITY_NORMAL);
    alarms_settle(alarms, T0 + t_ms);
}

static void
rise(int64_t t_ms, uint32_t device, uint32_t rule)
{
    edge(t_ms, EDGE_RAISED, device, rule);
}

static void
clear(int64_t t_ms, uint32_t device, uint32_t rule)
{
    edge(t_ms, EDGE_CLEARED, device, rule);
}

static void
set_reach(int64_t t_ms, uint32_t device, enum reach now)
{
    reach[device] = now;
    alarms_reach_changed(alarms, device);
    alarms_settle(alarms, T0 + t_ms);
}

/* A frame: all that the rules judge of the device is known and new. */
static void
sample(int64_t t_ms, uint32_t device)
{
    for (size_t r = 0; r < RULES; r++) {
        standing[device][r].sampled_ms = T0 + t_ms;
    }
    alarms_settle(alarms, T0 + t_ms);
}

static int
command(int64_t t_ms,
        enum command_kind kind,
        uint32_t device,
        uint32_t rule,
        int64_t for_ms,
        struct err *err)
{
    struct command c = {.t_ms = T0 + t_ms,
                        .kind = kind,
                        .device = devices[device].id,
                        .rule = rule < RULES ? rules[rule].id : NULL,
                        .by = "li",
                        .note = "repair",
                        .for_ms = for_ms,
                        .service = for_ms >= 0 ? SERVICE_OUT : SERVICE_IN};
    if (for_ms < 0) {
        c.for_ms = 0;
    }
    return alarms_command(alarms, &c, err);
}

/* Every timer up to then, as the pipeline fires them. */
static void
advance(int64_t t_ms)
{
    while (alarms_due(alarms) <= T0 + t_ms) {
        alarms_fire(alarms, alarms_due(alarms));
    }
}

/* "event device/rule" of each line since the last call, "; " between them, and what
 * tickets were to hear after " | ". */
static void
expect(const char *wanted)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < recorder->count; i++) {
        char event[40] = "";
        char device[40] = "";
        char rule[40] = "";
        const char *line = recorder->lines[i];
        ck_assert_int_eq(
            sscanf(strstr(line, "\"event\""), "\"event\":\"%39[^\"]", event), 1);
        ck_assert_int_eq(
            sscanf(strstr(line, "\"device\""), "\"device\":\"%39[^\"]", device), 1);
        const char *at = strstr(line, "\"rule\":\"");
        if (at != NULL) {
            ck_assert_int_eq(sscanf(at, "\"rule\":\"%39[^\"]", rule), 1);
        }
        strbuf_printf(&out, "%s%s %s%s%s", i > 0 ? "; " : "", strchr(event, '.') + 1,
                      device, rule[0] != '\0' ? "/" : "", rule);
    }
    if (news[0] != '\0') {
        strbuf_printf(&out, " | %s", news);
    }
    ck_assert_str_eq(out.text != NULL ? out.text : "", wanted);
    strbuf_fini(&out);
    recorder_forget(recorder);
    news[0] = '\0';
}

static const struct alarm *
row(uint32_t device, uint32_t rule)
{
    return alarms_get(alarms, device, rule);
}

/* The listing says who, why and until when; 0: no end. */
static void
expect_hidden(uint32_t device,
              uint32_t rule,
              enum alarm_state state,
              const char *by,
              const char *why,
              int64_t until_ms)
{
    const struct alarm *a = row(device, rule);
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(a->state, state);
    ck_assert_str_eq(a->hiding.by, by);
    ck_assert_str_eq(a->hiding.reason, why);
    ck_assert_int_ne(a->hiding.since_ms, 0);
    ck_assert_int_eq(a->hiding.until_ms, until_ms != 0 ? T0 + until_ms : 0);
    /* The stored row says the same. */
    for (size_t i = 0; i < recorder->alarm_count; i++) {
        const struct alarm *sent = &recorder->alarms[i];
        if (strcmp(sent->device, a->device) == 0 && strcmp(sent->rule, a->rule) == 0) {
            ck_assert_int_eq(sent->state, a->state);
            ck_assert_str_eq(sent->hiding.by, by);
            return;
        }
    }
    ck_abort_msg("its row was never sent");
}

/* ---- Shelving ---- */

START_TEST(a_shelved_alarm_is_listed_with_who_why_and_until)
{
    ck_assert_int_eq(command(0, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL), 0);
    ck_assert_ptr_nonnull(strstr(recorder_line(recorder, 0),
                                 "\"severity\":\"urgent\",\"until\":"
                                 "\"2026-03-01T11:14:30.000Z\",\"by\":\"li\","
                                 "\"note\":\"repair\"}"));
    expect("shelved pump-1/warm");
    expect_hidden(PUMP_1, WARM, ALARM_SHELVED, "li", "repair", HOUR);
    ck_assert_str_eq(row(PUMP_1, WARM)->title, "warm of pump-1");
    ck_assert_str_eq(row(PUMP_1, WARM)->titles.in[LANGUAGE_ZH_CN], "pump-1 的 warm");
    ck_assert(!alarm_is_raised(row(PUMP_1, WARM)));
    struct strbuf json = {0};
    alarm_to_json(&json, row(PUMP_1, WARM));
    ck_assert_ptr_nonnull(strstr(json.text,
                                 "\"ticket\":null,\"hidden_by\":\"li\","
                                 "\"hidden_reason\":\"repair\",\"hidden_since\":"
                                 "\"2026-03-01T10:14:30.000Z\",\"hidden_until\":"
                                 "\"2026-03-01T11:14:30.000Z\"}"));
    strbuf_fini(&json);
}
END_TEST

START_TEST(what_is_raised_on_the_shelf_is_told_at_its_end_and_once)
{
    command(0, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL);
    expect("shelved pump-1/warm");
    rise(MINUTE, PUMP_1, WARM);
    expect("");
    ck_assert_int_eq(row(PUMP_1, WARM)->state, ALARM_SHELVED);
    ck_assert(alarm_is_raised(row(PUMP_1, WARM)));
    ck_assert_int_eq(alarms_due(alarms), T0 + HOUR);
    advance(HOUR);
    expect("unshelved pump-1/warm; raised pump-1/warm | raised pump-1/warm");
    ck_assert_int_eq(row(PUMP_1, WARM)->state, ALARM_ACTIVE);
    ck_assert_int_eq(row(PUMP_1, WARM)->raised_ms, T0 + MINUTE);
    ck_assert_int_eq(alarms_due(alarms), INSTANT_MAX);
    rise(2 * HOUR, PUMP_1, WARM);
    expect("");
}
END_TEST

START_TEST(what_was_told_before_the_shelf_is_not_raised_again)
{
    rise(0, PUMP_1, WARM);
    command(SECOND, COMMAND_ACK, PUMP_1, WARM, 0, NULL);
    command(MINUTE, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL);
    expect("raised pump-1/warm; acknowledged pump-1/warm; shelved pump-1/warm"
           " | raised pump-1/warm");
    ck_assert_int_eq(command(2 * MINUTE, COMMAND_UNSHELVE, PUMP_1, WARM, 0, NULL), 0);
    ck_assert_ptr_nonnull(strstr(recorder_line(recorder, 0), "\"by\":\"li\""));
    expect("unshelved pump-1/warm");
    ck_assert_int_eq(row(PUMP_1, WARM)->state, ALARM_ACTIVE_ACKED);
}
END_TEST

START_TEST(a_recovery_on_the_shelf_is_told)
{
    rise(0, PUMP_1, WARM);
    command(MINUTE, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL);
    expect("raised pump-1/warm; shelved pump-1/warm | raised pump-1/warm");
    clear(2 * MINUTE, PUMP_1, WARM);
    expect("cleared pump-1/warm | cleared pump-1/warm");
    ck_assert_int_eq(row(PUMP_1, WARM)->state, ALARM_SHELVED);
    ck_assert_int_eq(row(PUMP_1, WARM)->cleared_ms, T0 + 2 * MINUTE);
    /* One that nobody was told of is cleared too, and no ticket hears of it. */
    rise(3 * MINUTE, PUMP_1, WARM);
    clear(4 * MINUTE, PUMP_1, WARM);
    expect("cleared pump-1/warm");
    advance(HOUR + MINUTE);
    expect("unshelved pump-1/warm");
    ck_assert_ptr_null(row(PUMP_1, WARM)); /* Nobody needs to acknowledge it. */
}
END_TEST

START_TEST(a_rise_on_the_shelf_is_told_at_its_end_and_a_fall_at_once)
{
    rise(0, PUMP_1, WARM);
    command(0, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL);
    expect("raised pump-1/warm; shelved pump-1/warm | raised pump-1/warm");
    take(SECOND, EDGE_CHANGED, PUMP_1, WARM, SEVERITY_CRITICAL);
    alarms_settle(alarms, T0 + SECOND);
    expect("");
    take(2 * SECOND, EDGE_CHANGED, PUMP_1, WARM, SEVERITY_URGENT);
    alarms_settle(alarms, T0 + 2 * SECOND);
    expect(""); /* Still above what was told. */
    take(3 * SECOND, EDGE_CHANGED, PUMP_1, WARM, SEVERITY_INFO);
    alarms_settle(alarms, T0 + 3 * SECOND);
    expect("changed pump-1/warm | changed pump-1/warm");
    take(4 * SECOND, EDGE_CHANGED, PUMP_1, WARM, SEVERITY_CRITICAL);
    alarms_settle(alarms, T0 + 4 * SECOND);
    expect("");
    command(5 * SECOND, COMMAND_UNSHELVE, PUMP_1, WARM, 0, NULL);
    expect("unshelved pump-1/warm; changed pump-1/warm | changed pump-1/warm");
}
END_TEST

START_TEST(to_shelve_again_moves_the_end)
{
    command(0, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL);
    command(MINUTE, COMMAND_SHELVE, PUMP_1, WARM, 2 * HOUR, NULL);
    expect("shelved pump-1/warm; shelved pump-1/warm");
    expect_hidden(PUMP_1, WARM, ALARM_SHELVED, "li", "repair", MINUTE + 2 * HOUR);
    ck_assert_int_eq(row(PUMP_1, WARM)->hiding.since_ms, T0);
    advance(2 * HOUR);
    expect("");
    advance(MINUTE + 2 * HOUR);
    expect("unshelved pump-1/warm");
}
END_TEST

START_TEST(refusals_say_what_is_missing)
{
    struct err err = {0};
    struct command c = {.t_ms = T0,
                        .kind = COMMAND_SHELVE,
                        .device = "pump-1",
                        .rule = "warm",
                        .by = "li",
                        .for_ms = HOUR};
    ck_assert_int_eq(alarms_command(alarms, &c, &err), ERR_USAGE);
    ck_assert_str_eq(err.text, "a shelved alarm wants a reason");
    c.note = "repair";
    c.for_ms = 0;
    ck_assert_int_eq(alarms_command(alarms, &c, &err), ERR_USAGE);
    c.until_ms = T0 - 1;
    ck_assert_int_eq(alarms_command(alarms, &c, &err), ERR_RANGE);
    c.until_ms = T0 + SHELF_MS_MAX + 1;
    ck_assert_int_eq(alarms_command(alarms, &c, &err), ERR_RANGE);
    c.for_ms = HOUR;
    ck_assert_int_eq(alarms_command(alarms, &c, &err), ERR_USAGE);
    c.until_ms = 0;
    c.device = "feeder";
    ck_assert_int_eq(alarms_command(alarms, &c, &err), ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "rule \"warm\" does not judge feeder");
    ck_assert_int_eq(command(0, COMMAND_UNSHELVE, PUMP_1, WARM, 0, &err), ERR_REFUSED);
    ck_assert_str_eq(err.text, "alarm pump-1/warm is not shelved");
    ck_assert_int_eq(command(0, COMMAND_SERVICE, PUMP_1, RULES, -1, &err), ERR_REFUSED);
    ck_assert_str_eq(err.text, "pump-1 is in service");
    command(0, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL);
    ck_assert_int_eq(command(0, COMMAND_ACK, PUMP_1, WARM, 0, &err), ERR_REFUSED);
    ck_assert_str_eq(err.text, "alarm pump-1/warm is shelved; it can be acknowledged "
                               "when it shows again");
    expect("shelved pump-1/warm");
}
END_TEST

/* ---- Suppression ---- */

START_TEST(of_one_step_what_explains_is_known_before_anybody_is_told)
{
    take(0, EDGE_RAISED, PUMP_2, LOW, SEVERITY_NORMAL);
    take(0, EDGE_RAISED, PUMP_2, OVERLOAD, SEVERITY_NORMAL);
    alarms_settle(alarms, T0);
    ck_assert_ptr_nonnull(
        strstr(recorder_line(recorder, 0), "\"suppressed_by\":\"pump-2/overload\""));
    expect("suppressed pump-2/low; raised pump-2/overload | raised pump-2/overload");
    expect_hidden(PUMP_2, LOW, ALARM_SUPPRESSED, "pump-2/overload", "so", 0);
}
END_TEST

START_TEST(by_a_rule_of_the_same_device_of_what_feeds_it_or_of_a_named_one)
{
    rise(0, PUMP_1, DRY);
    rise(1, PUMP_1, LOW); /* dry of the same device. */
    rise(2, VALVE, LOW);  /* dry of what feeds it. */
    rise(3, PUMP_2, LOW); /* Another pump's is no reason. */
    expect("raised pump-1/dry; suppressed pump-1/low; suppressed valve/low; "
           "raised pump-2/low | raised pump-1/dry; raised pump-2/low");
    rise(4, PUMP_2, OVERLOAD); /* Named with its device: for every device. */
    expect("suppressed pump-2/low; raised pump-2/overload | raised pump-2/overload");
    clear(5, PUMP_1, DRY); /* One reason less, but not the last. */
    expect("cleared pump-1/dry | cleared pump-1/dry");
    expect_hidden(PUMP_1, LOW, ALARM_SUPPRESSED, "pump-2/overload", "so", 0);
}
END_TEST

START_TEST(when_the_reason_goes_what_stands_is_told_once)
{
    rise(0, PUMP_1, LOW);
    rise(1, PUMP_1, DRY);
    rise(2, VALVE, LOW);
    expect("raised pump-1/low; raised pump-1/dry; suppressed pump-1/low; "
           "suppressed valve/low | raised pump-1/low; raised pump-1/dry");
    clear(9, PUMP_1, DRY);
    /* One was raised before and told then; the other has to stand on new samples. */
    expect("cleared pump-1/dry; unsuppressed pump-1/low | cleared pump-1/dry");
    sample(9, VALVE); /* As old as what cleared the reason. */
    expect("");
    expect_hidden(VALVE, LOW, ALARM_SUPPRESSED, "pump-1/dry",
                  "over; not judged on new samples yet", 9 + 90 * SECOND);
    sample(10, VALVE);
    expect("unsuppressed valve/low; raised valve/low | raised valve/low");
    rise(11, PUMP_1, DRY);
    clear(12, PUMP_1, DRY);
    expect("raised pump-1/dry; suppressed pump-1/low; suppressed valve/low; "
           "cleared pump-1/dry; unsuppressed pump-1/low; unsuppressed valve/low"
           " | raised pump-1/dry; cleared pump-1/dry");
}
END_TEST

START_TEST(a_recovery_while_suppressed_is_told_and_shown)
{
    rise(0, PUMP_1, LOW);
    rise(1, PUMP_1, DRY);
    clear(2, PUMP_1, LOW);
    expect("raised pump-1/low; raised pump-1/dry; suppressed pump-1/low; "
           "cleared pump-1/low | raised pump-1/low; raised pump-1/dry; "
           "cleared pump-1/low");
    ck_assert_int_eq(row(PUMP_1, LOW)->state, ALARM_CLEARED);
    clear(3, PUMP_1, DRY);
    expect("cleared pump-1/dry | cleared pump-1/dry");
}
END_TEST

START_TEST(a_dead_feeder_hides_all_that_it_feeds)
{
    rise(0, PUMP_1, WARM);
    rise(1, FEEDER, DEAD);
    rise(2, PUMP_1, SILENT);
    rise(2, VALVE, SILENT);
    rise(2, PUMP_2, SILENT);
    expect("raised pump-1/warm; raised feeder/dead; suppressed pump-1/warm; "
           "suppressed pump-1/silent; suppressed valve/silent; raised pump-2/silent"
           " | raised pump-1/warm; raised feeder/dead; raised pump-2/silent");
    expect_hidden(VALVE, SILENT, ALARM_SUPPRESSED, "feeder/dead", "so", 0);
    clear(9, FEEDER, DEAD);
    expect("cleared feeder/dead; unsuppressed pump-1/warm | cleared feeder/dead");
    /* One comes back, the other does not. */
    clear(SECOND, VALVE, SILENT);
    expect("cleared valve/silent");
    advance(8 + 90 * SECOND);
    expect("");
    advance(9 + 90 * SECOND);
    expect("unsuppressed pump-1/silent; raised pump-1/silent | raised pump-1/silent");
}
END_TEST

START_TEST(silence_is_explained_by_the_silence_above)
{
    reach[FEEDER] = reach[PUMP_1] = REACH_SILENT;
    rise(0, FEEDER, SILENT);
    rise(0, PUMP_1, SILENT);
    expect("raised feeder/silent; suppressed pump-1/silent | raised feeder/silent");
    expect_hidden(PUMP_1, SILENT, ALARM_SUPPRESSED, "feeder", "silent", 0);
    set_reach(SECOND, FEEDER, REACH_UNKNOWN);
    expect(""); /* Unknown changes nothing. */
    /* It is back: the pump has a moment to come back as well. */
    set_reach(2 * SECOND, FEEDER, REACH_ANSWERS);
    expect("");
    expect_hidden(PUMP_1, SILENT, ALARM_SUPPRESSED, "feeder", "silent until now",
                  92 * SECOND);
    clear(2 * SECOND, FEEDER, SILENT);
    rise(2 * SECOND, FEEDER, SILENT);
    expect("cleared feeder/silent; raised feeder/silent | cleared feeder/silent; "
           "raised feeder/silent");
    set_reach(3 * SECOND, FEEDER, REACH_SILENT);
    expect_hidden(PUMP_1, SILENT, ALARM_SUPPRESSED, "feeder", "silent", 0);
    set_reach(MINUTE, FEEDER, REACH_ANSWERS);
    advance(MINUTE + 89 * SECOND);
    expect("");
    advance(MINUTE + 90 * SECOND);
    expect("unsuppressed pump-1/silent; raised pump-1/silent"
           " | raised pump-1/silent");
    /* What was told stays told when the feeder falls silent again. */
    set_reach(HOUR, FEEDER, REACH_SILENT);
    expect("");
}
END_TEST

START_TEST(what_comes_back_soon_after_its_feeder_is_never_raised)
{
    reach[FEEDER] = reach[PUMP_1] = REACH_SILENT;
    standing[FEEDER][SILENT].pending = true;
    rise(0, PUMP_1, SILENT);
    set_reach(SECOND, FEEDER, REACH_ANSWERS);
    /* That it missed the first question after that says nothing of it. */
    sample(5 * SECOND, PUMP_1);
    expect("suppressed pump-1/silent");
    set_reach(9 * SECOND, PUMP_1, REACH_ANSWERS);
    expect("");
    /* It answers, so what still stands on what it says is its own. */
    sample(9 * SECOND, PUMP_1);
    expect("unsuppressed pump-1/silent; raised pump-1/silent | raised pump-1/silent");
    clear(10 * SECOND, PUMP_1, SILENT);
    expect("cleared pump-1/silent | cleared pump-1/silent");
    set_reach(11 * SECOND, FEEDER, REACH_SILENT);
    reach[PUMP_1] = REACH_SILENT;
    rise(12 * SECOND, PUMP_1, SILENT);
    set_reach(13 * SECOND, FEEDER, REACH_ANSWERS);
    /* As the rules have it: the device answers and its rule clears in one step. */
    reach[PUMP_1] = REACH_ANSWERS;
    alarms_reach_changed(alarms, PUMP_1);
    clear(14 * SECOND, PUMP_1, SILENT);
    expect("suppressed pump-1/silent; cleared pump-1/silent");
    ck_assert_int_eq(alarms_due(alarms), INSTANT_MAX);
}
END_TEST

START_TEST(of_two_that_suppress_each_other_one_is_seen)
{
    static const char *const by_low[] = {"low"};
    rules[DRY].suppressed_by = by_low;
    rules[DRY].suppressed_by_count = 1;
    alarms_free(alarms);
    alarms = new_alarms();
    take(0, EDGE_RAISED, PUMP_1, DRY, SEVERITY_NORMAL);
    take(0, EDGE_RAISED, PUMP_1, LOW, SEVERITY_NORMAL);
    alarms_settle(alarms, T0);
    expect("suppressed pump-1/dry; raised pump-1/low | raised pump-1/low");
    rules[DRY].suppressed_by_count = 0;
}
END_TEST

START_TEST(a_device_that_answers_is_fed_and_its_alarms_are_its_own)
{
    reach[FEEDER] = REACH_SILENT;
    rise(0, PUMP_1, WARM);
    expect("raised pump-1/warm | raised pump-1/warm");
}
END_TEST

START_TEST(a_line_on_which_nobody_answers_explains_the_silence_of_each)
{
    standing[LINE][SILENT].pending = true;
    reach[LINE] = reach[PUMP_1] = reach[PUMP_2] = REACH_SILENT;
    rise(0, PUMP_1, SILENT);
    rise(0, PUMP_2, SILENT); /* Not on that line. */
    expect("suppressed pump-1/silent; raised pump-2/silent | raised pump-2/silent");
    expect_hidden(PUMP_1, SILENT, ALARM_SUPPRESSED, "line", "silent", 0);
    reach[PUMP_1] = REACH_ANSWERS;
    reach[LINE] = REACH_ANSWERS;
    alarms_reach_changed(alarms, LINE);
    clear(SECOND, PUMP_1, SILENT);
    expect("cleared pump-1/silent");
}
END_TEST

START_TEST(what_is_out_of_service_suppresses_nothing)
{
    rise(0, FEEDER, DEAD);
    rise(1, PUMP_1, WARM);
    expect("raised feeder/dead; suppressed pump-1/warm | raised feeder/dead");
    command(2, COMMAND_SERVICE, FEEDER, RULES, HOUR, NULL);
    expect("out_of_service feeder; unsuppressed pump-1/warm; raised pump-1/warm"
           " | raised pump-1/warm");
}
END_TEST

START_TEST(what_is_on_the_shelf_suppresses_nothing)
{
    rise(0, FEEDER, DEAD);
    rise(1, PUMP_1, WARM);
    expect("raised feeder/dead; suppressed pump-1/warm | raised feeder/dead");
    /* What it hides is the only news there is. */
    command(2, COMMAND_SHELVE, FEEDER, DEAD, HOUR, NULL);
    expect("shelved feeder/dead; unsuppressed pump-1/warm; raised pump-1/warm"
           " | raised pump-1/warm");
    rise(3, VALVE, WARM);
    expect("raised valve/warm | raised valve/warm");
    /* Off the shelf it explains again, at the end of its time or before. */
    advance(2 + HOUR);
    expect("unshelved feeder/dead; suppressed pump-1/warm; suppressed valve/warm");
    command(2 * HOUR, COMMAND_SHELVE, FEEDER, DEAD, HOUR, NULL);
    expect("shelved feeder/dead; unsuppressed pump-1/warm; unsuppressed valve/warm");
    command(2 * HOUR + 1, COMMAND_UNSHELVE, FEEDER, DEAD, 0, NULL);
    expect("unshelved feeder/dead; suppressed pump-1/warm; suppressed valve/warm");
}
END_TEST

START_TEST(a_suppressor_raised_on_the_shelf_hides_nothing)
{
    command(0, COMMAND_SHELVE, FEEDER, DEAD, HOUR, NULL);
    rise(1, FEEDER, DEAD);
    rise(2, PUMP_1, WARM);
    expect("shelved feeder/dead; raised pump-1/warm | raised pump-1/warm");
}
END_TEST

START_TEST(a_latched_suppressor_whose_condition_is_gone_hides_nothing)
{
    rise(0, PUMP_2, OVERLOAD);
    rise(1, PUMP_1, LOW);
    clear(2, PUMP_2, OVERLOAD); /* It stays, until somebody has seen it. */
    expect("raised pump-2/overload; suppressed pump-1/low | raised pump-2/overload");
    sample(3, PUMP_1);
    expect("unsuppressed pump-1/low; raised pump-1/low | raised pump-1/low");
    rise(4, PUMP_2, OVERLOAD); /* No news, but a reason again. */
    expect("suppressed pump-1/low");
}
END_TEST

/* ---- What comes out of hiding ---- */

START_TEST(what_waits_for_new_samples_is_told_when_its_time_is_over)
{
    standing[PUMP_1][LOW].stale_after_ms = 3 * MINUTE; /* It is asked once a minute. */
    rise(0, PUMP_1, DRY);
    rise(0, PUMP_1, LOW);
    clear(MINUTE, PUMP_1, DRY);
    expect("raised pump-1/dry; suppressed pump-1/low; cleared pump-1/dry"
           " | raised pump-1/dry; cleared pump-1/dry");
    standing[PUMP_1][LOW].sampled_ms = INSTANT_NONE; /* It is silent. */
    alarms_settle(alarms, T0 + 2 * MINUTE);
    advance(4 * MINUTE - 1);
    expect("");
    advance(4 * MINUTE);
    expect("unsuppressed pump-1/low; raised pump-1/low | raised pump-1/low");
    ck_assert_int_eq(row(PUMP_1, LOW)->raised_ms, T0);
}
END_TEST

START_TEST(what_is_about_to_clear_is_not_told)
{
    rise(0, PUMP_1, DRY);
    rise(0, PUMP_1, LOW);
    standing[PUMP_1][LOW].clearing = true;
    standing[PUMP_1][LOW].clears_ms = T0 + 5 * MINUTE;
    clear(SECOND, PUMP_1, DRY);
    expect("raised pump-1/dry; suppressed pump-1/low; cleared pump-1/dry"
           " | raised pump-1/dry; cleared pump-1/dry");
    expect_hidden(PUMP_1, LOW, ALARM_SUPPRESSED, "pump-1/dry",
                  "over; not judged on new samples yet", 5 * MINUTE);
    sample(2 * SECOND, PUMP_1);
    advance(4 * MINUTE);
    expect("");
    /* Its condition is back: it stands on a new sample. */
    standing[PUMP_1][LOW].clearing = false;
    sample(4 * MINUTE, PUMP_1);
    expect("unsuppressed pump-1/low; raised pump-1/low | raised pump-1/low");
    rise(HOUR, PUMP_1, DRY);
    rise(HOUR, VALVE, LOW);
    standing[VALVE][LOW].clearing = true;
    standing[VALVE][LOW].clears_ms = T0 + HOUR + MINUTE;
    clear(HOUR + SECOND, PUMP_1, DRY);
    clear(HOUR + MINUTE, VALVE, LOW);
    expect("raised pump-1/dry; suppressed pump-1/low; suppressed valve/low; "
           "cleared pump-1/dry; unsuppressed pump-1/low; cleared valve/low"
           " | raised pump-1/dry; cleared pump-1/dry");
}
END_TEST

START_TEST(what_suppresses_it_again_meanwhile_hides_it_without_an_end)
{
    rise(0, PUMP_1, DRY);
    rise(0, PUMP_1, LOW);
    clear(SECOND, PUMP_1, DRY);
    rise(2 * SECOND, PUMP_1, DRY);
    expect_hidden(PUMP_1, LOW, ALARM_SUPPRESSED, "pump-1/dry", "so", 0);
    advance(HOUR);
    sample(HOUR, PUMP_1);
    expect("raised pump-1/dry; suppressed pump-1/low; cleared pump-1/dry; "
           "raised pump-1/dry | raised pump-1/dry; cleared pump-1/dry; "
           "raised pump-1/dry");
}
END_TEST

START_TEST(what_became_worse_while_it_was_hidden_waits_as_well)
{
    rise(0, PUMP_1, LOW);
    rise(1, PUMP_1, DRY);
    take(2, EDGE_CHANGED, PUMP_1, LOW, SEVERITY_CRITICAL);
    alarms_settle(alarms, T0 + 2);
    clear(3, PUMP_1, DRY);
    expect("raised pump-1/low; raised pump-1/dry; suppressed pump-1/low; "
           "cleared pump-1/dry | raised pump-1/low; raised pump-1/dry; "
           "cleared pump-1/dry");
    sample(4, PUMP_1);
    expect("unsuppressed pump-1/low; changed pump-1/low | changed pump-1/low");
}
END_TEST

START_TEST(silence_that_nobody_is_told_of_hides_nothing)
{
    reach[LINE] = reach[PUMP_1] = REACH_SILENT;
    rise(0, PUMP_1, SILENT);
    expect("raised pump-1/silent | raised pump-1/silent");
    clear(1, PUMP_1, SILENT);
    expect("cleared pump-1/silent | cleared pump-1/silent");
    /* An alarm of something else is no reason. */
    reach[VALVE] = REACH_SILENT;
    rise(2, PUMP_1, WARM);
    rise(3, VALVE, SILENT);
    expect("raised pump-1/warm; raised valve/silent"
           " | raised pump-1/warm; raised valve/silent");
}
END_TEST

START_TEST(silence_that_is_about_to_be_told_hides_until_it_is_not)
{
    reach[LINE] = reach[PUMP_1] = REACH_SILENT;
    standing[LINE][SILENT].pending = true;
    rise(0, PUMP_1, SILENT);
    expect("suppressed pump-1/silent");
    /* Its hold is over. */
    standing[LINE][SILENT].pending = false;
    rise(1, LINE, SILENT);
    expect("raised line/silent | raised line/silent");
    expect_hidden(PUMP_1, SILENT, ALARM_SUPPRESSED, "line", "silent", 0);
    /* On the shelf it tells nobody anything. */
    command(2, COMMAND_SHELVE, LINE, SILENT, HOUR, NULL);
    expect("shelved line/silent; unsuppressed pump-1/silent; raised pump-1/silent"
           " | raised pump-1/silent");
    clear(3, PUMP_1, SILENT);
    clear(3, LINE, SILENT);
    standing[LINE][SILENT].pending = true; /* Nor if it is raised there. */
    rise(4, PUMP_1, SILENT);
    expect("cleared pump-1/silent; cleared line/silent; raised pump-1/silent"
           " | cleared pump-1/silent; cleared line/silent; raised pump-1/silent");
}
END_TEST

START_TEST(a_hold_that_is_cancelled_is_no_reason_any_more)
{
    reach[LINE] = reach[PUMP_1] = REACH_SILENT;
    standing[LINE][SILENT].pending = true;
    rise(0, PUMP_1, SILENT);
    expect("suppressed pump-1/silent");
    /* Whether the line answers is not known, and no edge says so. */
    reach[LINE] = REACH_UNKNOWN;
    standing[LINE][SILENT].pending = false;
    alarms_settle(alarms, T0 + SECOND);
    expect("unsuppressed pump-1/silent; raised pump-1/silent | raised pump-1/silent");
}
END_TEST

/* ---- Out of service ---- */

START_TEST(out_of_service_hides_all_of_the_device_and_lists_it)
{
    rise(0, PUMP_1, WARM);
    expect("raised pump-1/warm | raised pump-1/warm");
    command(MINUTE, COMMAND_SERVICE, PUMP_1, RULES, HOUR, NULL);
    ck_assert_str_eq(recorder_line(recorder, 0),
                     "{\"t\":\"2026-03-01T10:15:30.000Z\","
                     "\"event\":\"device.out_of_service\",\"device\":\"pump-1\","
                     "\"until\":\"2026-03-01T11:15:30.000Z\",\"by\":\"li\","
                     "\"note\":\"repair\"}");
    expect("out_of_service pump-1");
    expect_hidden(PUMP_1, WARM, ALARM_OUT_OF_SERVICE, "li", "repair", HOUR + MINUTE);
    rise(2 * MINUTE, PUMP_1, DRY);
    rise(2 * MINUTE, PUMP_2, DRY);
    expect("raised pump-2/dry | raised pump-2/dry");
    expect_hidden(PUMP_1, DRY, ALARM_OUT_OF_SERVICE, "li", "repair", HOUR + MINUTE);
    clear(3 * MINUTE, PUMP_1, WARM);
    expect("cleared pump-1/warm | cleared pump-1/warm");
    ck_assert_int_eq(row(PUMP_1, WARM)->state, ALARM_CLEARED);
    advance(HOUR + MINUTE);
    expect("in_service pump-1; raised pump-1/dry | raised pump-1/dry");
    ck_assert_ptr_null(alarms_service(alarms, PUMP_1));
}
END_TEST

START_TEST(out_of_service_without_an_end_lasts_until_somebody_ends_it)
{
    command(0, COMMAND_SERVICE, PUMP_1, RULES, 0, NULL);
    ck_assert_int_eq(alarms_due(alarms), INSTANT_MAX);
    rise(1, PUMP_1, WARM);
    expect("out_of_service pump-1");
    expect_hidden(PUMP_1, WARM, ALARM_OUT_OF_SERVICE, "li", "repair", 0);
    command(9, COMMAND_SERVICE, PUMP_1, RULES, -1, NULL);
    expect("in_service pump-1; raised pump-1/warm | raised pump-1/warm");
}
END_TEST

START_TEST(the_shelf_outlasts_the_maintenance_and_the_other_way_round)
{
    command(0, COMMAND_SERVICE, PUMP_1, RULES, HOUR, NULL);
    command(0, COMMAND_SHELVE, PUMP_1, WARM, 2 * HOUR, NULL);
    rise(1, PUMP_1, WARM);
    advance(HOUR);
    expect("out_of_service pump-1; shelved pump-1/warm; in_service pump-1");
    ck_assert_int_eq(row(PUMP_1, WARM)->state, ALARM_SHELVED);
    command(HOUR + 1, COMMAND_SERVICE, PUMP_1, RULES, 5 * HOUR, NULL);
    advance(2 * HOUR);
    expect("out_of_service pump-1; unshelved pump-1/warm");
    expect_hidden(PUMP_1, WARM, ALARM_OUT_OF_SERVICE, "li", "repair", 6 * HOUR + 1);
    advance(6 * HOUR + 1);
    expect("in_service pump-1; raised pump-1/warm | raised pump-1/warm");
}
END_TEST

/* ---- Latch, repetition, groups, chatter ---- */

START_TEST(a_latched_alarm_stays_until_it_is_acknowledged)
{
    rise(0, PUMP_1, OVERLOAD);
    clear(1, PUMP_1, OVERLOAD);
    expect("raised pump-1/overload | raised pump-1/overload");
    ck_assert_int_eq(row(PUMP_1, OVERLOAD)->state, ALARM_ACTIVE);
    ck_assert_int_eq(row(PUMP_1, OVERLOAD)->returned_ms, T0 + 1);
    rise(2, PUMP_1, OVERLOAD); /* It stands anew: no news, but no longer gone. */
    expect("");
    ck_assert_int_eq(row(PUMP_1, OVERLOAD)->returned_ms, 0);
    clear(3, PUMP_1, OVERLOAD);
    ck_assert_int_eq(command(4, COMMAND_ACK, PUMP_1, OVERLOAD, 0, NULL), 0);
    expect("acknowledged pump-1/overload; cleared pump-1/overload"
           " | cleared pump-1/overload");
    ck_assert_ptr_null(row(PUMP_1, OVERLOAD));
    ck_assert_int_eq(recorder->alarms[0].episode, 1);
}
END_TEST

START_TEST(an_acknowledged_latch_goes_with_its_condition)
{
    rise(0, PUMP_1, OVERLOAD);
    command(1, COMMAND_ACK, PUMP_1, OVERLOAD, 0, NULL);
    clear(2, PUMP_1, OVERLOAD);
    expect("raised pump-1/overload; acknowledged pump-1/overload; "
           "cleared pump-1/overload | raised pump-1/overload; "
           "cleared pump-1/overload");
}
END_TEST

START_TEST(what_nobody_was_told_of_does_not_latch)
{
    command(0, COMMAND_SERVICE, PUMP_1, RULES, HOUR, NULL);
    rise(1, PUMP_1, OVERLOAD);
    clear(2, PUMP_1, OVERLOAD);
    expect("out_of_service pump-1; cleared pump-1/overload");
    ck_assert_ptr_null(row(PUMP_1, OVERLOAD));
}
END_TEST

START_TEST(an_acknowledged_alarm_that_stands_is_told_again)
{
    rise(0, PUMP_1, WARM);
    ck_assert_int_eq(alarms_due(alarms), INSTANT_MAX); /* Not before it is seen. */
    command(MINUTE, COMMAND_ACK, PUMP_1, WARM, 0, NULL);
    ck_assert_int_eq(alarms_due(alarms), T0 + MINUTE + 4 * HOUR);
    advance(MINUTE + 4 * HOUR);
    expect("raised pump-1/warm; acknowledged pump-1/warm; realarmed pump-1/warm"
           " | raised pump-1/warm");
    ck_assert_int_eq(row(PUMP_1, WARM)->state, ALARM_ACTIVE);
    ck_assert_int_eq(row(PUMP_1, WARM)->acked_ms, INSTANT_NONE);
    ck_assert_str_eq(row(PUMP_1, WARM)->acked_by, "");
    ck_assert_int_eq(row(PUMP_1, WARM)->episode, 1);
    command(5 * HOUR, COMMAND_ACK, PUMP_1, WARM, 0, NULL);
    clear(6 * HOUR, PUMP_1, WARM);
    ck_assert_int_eq(alarms_due(alarms), INSTANT_MAX);
    expect("acknowledged pump-1/warm; cleared pump-1/warm | cleared pump-1/warm");
}
END_TEST

START_TEST(an_acknowledged_alarm_that_becomes_worse_is_to_be_seen_again)
{
    rise(0, PUMP_1, WARM);
    command(1, COMMAND_ACK, PUMP_1, WARM, 0, NULL);
    take(2, EDGE_CHANGED, PUMP_1, WARM, SEVERITY_CRITICAL);
    alarms_settle(alarms, T0 + 2);
    ck_assert_ptr_nonnull(
        strstr(recorder_line(recorder, 2),
               "\"note\":\"acknowledged, but it has become worse\"}"));
    expect("raised pump-1/warm; acknowledged pump-1/warm; changed pump-1/warm"
           " | raised pump-1/warm; changed pump-1/warm");
    ck_assert_int_eq(row(PUMP_1, WARM)->state, ALARM_ACTIVE);
    ck_assert_int_eq(row(PUMP_1, WARM)->acked_ms, INSTANT_NONE);
    ck_assert_str_eq(row(PUMP_1, WARM)->acked_by, "");
    ck_assert_int_eq(recorder->alarms[0].state, ALARM_ACTIVE);
    ck_assert_int_eq(alarms_due(alarms), INSTANT_MAX); /* Nothing to repeat. */
    /* To become better takes nothing back. */
    ck_assert_int_eq(command(3, COMMAND_ACK, PUMP_1, WARM, 0, NULL), 0);
    take(4, EDGE_CHANGED, PUMP_1, WARM, SEVERITY_NORMAL);
    alarms_settle(alarms, T0 + 4);
    ck_assert_ptr_null(strstr(recorder_line(recorder, 1), "\"note\""));
    ck_assert_int_eq(row(PUMP_1, WARM)->state, ALARM_ACTIVE_ACKED);
    expect("acknowledged pump-1/warm; changed pump-1/warm | changed pump-1/warm");
    /* Hidden it is not told, so it is taken back when it is. */
    command(5, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL);
    take(6, EDGE_CHANGED, PUMP_1, WARM, SEVERITY_URGENT);
    alarms_settle(alarms, T0 + 6);
    ck_assert_int_ne(row(PUMP_1, WARM)->acked_ms, INSTANT_NONE);
    command(7, COMMAND_UNSHELVE, PUMP_1, WARM, 0, NULL);
    expect("shelved pump-1/warm; unshelved pump-1/warm; changed pump-1/warm"
           " | changed pump-1/warm");
    ck_assert_int_eq(row(PUMP_1, WARM)->state, ALARM_ACTIVE);
}
END_TEST

START_TEST(hidden_time_is_not_counted_twice)
{
    rise(0, PUMP_1, WARM);
    command(0, COMMAND_ACK, PUMP_1, WARM, 0, NULL);
    command(HOUR, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL);
    advance(2 * HOUR);
    expect("raised pump-1/warm; acknowledged pump-1/warm; shelved pump-1/warm; "
           "unshelved pump-1/warm | raised pump-1/warm");
    /* The hour on the shelf is one of the four. */
    ck_assert_int_eq(alarms_due(alarms), T0 + 4 * HOUR);
    /* It would be told again under the shelf: it is, when that ends, and once. */
    command(3 * HOUR, COMMAND_SHELVE, PUMP_1, WARM, 4 * HOUR, NULL);
    advance(6 * HOUR);
    expect("shelved pump-1/warm");
    for (int64_t t_ms = 6 * HOUR; t_ms <= 20 * HOUR; t_ms += HOUR) {
        while (alarms_due(alarms) <= T0 + t_ms) {
            alarms_fire(alarms, T0 + t_ms);
        }
    }
    expect("unshelved pump-1/warm; realarmed pump-1/warm");
}
END_TEST

START_TEST(the_first_of_a_group_is_marked_until_all_are_gone)
{
    rise(0, PUMP_1, DRY);
    ck_assert_ptr_nonnull(strstr(recorder_line(recorder, 0),
                                 "\"episode\":1,\"group\":\"trip\","
                                 "\"first_out\":true}"));
    rise(1, PUMP_1, OVERLOAD);
    ck_assert_ptr_nonnull(
        strstr(recorder_line(recorder, 1), "\"episode\":1,\"group\":\"trip\"}"));
    rise(2, PUMP_2, OVERLOAD); /* Another device is another group. */
    ck_assert(row(PUMP_1, DRY)->first_out);
    ck_assert(!row(PUMP_1, OVERLOAD)->first_out);
    ck_assert(row(PUMP_2, OVERLOAD)->first_out);
    ck_assert(alarms_group_stands(alarms, PUMP_1, DRY));
    ck_assert(!alarms_group_stands(alarms, PUMP_2, OVERLOAD));
    clear(3, PUMP_1, DRY); /* The mark stays while the other stands. */
    ck_assert(row(PUMP_1, DRY)->first_out);
    rise(4, PUMP_1, DRY);
    ck_assert(!row(PUMP_1, DRY)->first_out);
    clear(5, PUMP_1, DRY);
    command(6, COMMAND_ACK, PUMP_1, OVERLOAD, 0, NULL);
    clear(7, PUMP_1, OVERLOAD);
    rise(8, PUMP_1, OVERLOAD); /* Of the next time, this is the first. */
    ck_assert(row(PUMP_1, OVERLOAD)->first_out);
    ck_assert(!row(PUMP_1, DRY)->first_out);
}
END_TEST

START_TEST(what_is_hidden_is_not_the_first_of_its_group)
{
    static const char *const by_warm[] = {"warm"};
    rules[DRY].suppressed_by = by_warm;
    rules[DRY].suppressed_by_count = 1;
    alarms_free(alarms);
    alarms = new_alarms();
    rise(0, PUMP_1, WARM);
    rise(1, PUMP_1, DRY);
    rise(2, PUMP_1, OVERLOAD);
    ck_assert_int_eq(row(PUMP_1, DRY)->state, ALARM_SUPPRESSED);
    ck_assert(!row(PUMP_1, DRY)->first_out);
    ck_assert(row(PUMP_1, OVERLOAD)->first_out);
    ck_assert_ptr_nonnull(
        strstr(recorder_line(recorder, 2), "\"group\":\"trip\",\"first_out\":true}"));
    clear(3, PUMP_1, WARM);
    sample(4, PUMP_1);
    ck_assert_int_eq(row(PUMP_1, DRY)->state, ALARM_ACTIVE);
    ck_assert(!row(PUMP_1, DRY)->first_out);
    ck_assert(row(PUMP_1, OVERLOAD)->first_out);
    rules[DRY].suppressed_by_count = 0;
}
END_TEST

START_TEST(a_chattering_alarm_is_marked_until_it_has_been_quiet)
{
    for (int i = 0; i < 3; i++) {
        rise(i * 2 * MINUTE, PUMP_1, DRY);
        ck_assert(row(PUMP_1, DRY)->chatter == (i == 2));
        clear((i * 2 + 1) * MINUTE, PUMP_1, DRY);
    }
    /* Every event is told. */
    expect("raised pump-1/dry; cleared pump-1/dry; raised pump-1/dry; "
           "cleared pump-1/dry; raised pump-1/dry; cleared pump-1/dry"
           " | raised pump-1/dry; cleared pump-1/dry; raised pump-1/dry; "
           "cleared pump-1/dry; raised pump-1/dry; cleared pump-1/dry");
    ck_assert_int_eq(alarms_due(alarms), T0 + 14 * MINUTE);
    advance(14 * MINUTE);
    expect("");
    ck_assert(!row(PUMP_1, DRY)->chatter);
    ck_assert(!recorder->alarms[0].chatter);
    /* Two within the window are none. */
    rise(20 * MINUTE, PUMP_1, DRY);
    clear(21 * MINUTE, PUMP_1, DRY);
    rise(22 * MINUTE, PUMP_1, DRY);
    ck_assert(!row(PUMP_1, DRY)->chatter);
}
END_TEST

/* ---- Restart and clock ---- */

static void
restart(void)
{
    struct recorder *old = recorder;
    struct alarms *before = alarms;
    recorder = recorder_new();
    alarms = new_alarms();
    for (uint32_t d = 0; d < DEVICES; d++) {
        const struct service *s = alarms_service(before, d);
        ck_assert(s == NULL || alarms_restore_service(alarms, s));
    }
    for (size_t i = 0; i < old->alarm_count; i++) {
        ck_assert(alarms_restore(alarms, &old->alarms[i]));
    }
    alarms_free(before);
    recorder_free(old);
    news[0] = '\0';
}

START_TEST(a_restart_goes_on_hiding_and_tells_nothing_twice)
{
    reach[LINE] = reach[PUMP_1] = REACH_SILENT;
    rise(0, LINE, SILENT);
    rise(0, PUMP_1, SILENT);
    rise(0, PUMP_2, DRY);
    rise(0, PUMP_2, LOW);
    command(1, COMMAND_SHELVE, PUMP_2, WARM, HOUR, NULL);
    command(2, COMMAND_SERVICE, VALVE, RULES, 2 * HOUR, NULL);
    rise(3, VALVE, WARM);
    rise(4, PUMP_2, WARM);
    rise(5, PUMP_2, OVERLOAD);
    clear(6, PUMP_2, OVERLOAD); /* Latched. */
    restart();
    /* The line is not known again yet. */
    reach[LINE] = reach[PUMP_1] = REACH_UNKNOWN;
    alarms_settle(alarms, T0 + MINUTE);
    expect("");
    ck_assert_int_eq(row(PUMP_1, SILENT)->state, ALARM_SUPPRESSED);
    ck_assert_str_eq(row(PUMP_1, SILENT)->hiding.by, "line");
    ck_assert_int_eq(row(PUMP_2, LOW)->state, ALARM_SUPPRESSED);
    ck_assert_int_eq(row(PUMP_2, WARM)->state, ALARM_SHELVED);
    ck_assert_int_eq(row(VALVE, WARM)->state, ALARM_OUT_OF_SERVICE);
    ck_assert_int_eq(row(PUMP_2, OVERLOAD)->state, ALARM_ACTIVE);
    /* The rules say once more what stands. */
    rise(2 * MINUTE, PUMP_1, SILENT);
    rise(2 * MINUTE, PUMP_2, LOW);
    rise(2 * MINUTE, PUMP_2, WARM);
    rise(2 * MINUTE, VALVE, WARM);
    expect("");
    advance(HOUR + 1);
    expect("unshelved pump-2/warm; raised pump-2/warm | raised pump-2/warm");
    advance(2 * HOUR + 2);
    expect("in_service valve; raised valve/warm | raised valve/warm");
    set_reach(3 * HOUR, LINE, REACH_ANSWERS);
    advance(3 * HOUR + 90 * SECOND);
    expect("unsuppressed pump-1/silent; raised pump-1/silent"
           " | raised pump-1/silent");
}
END_TEST

START_TEST(what_ended_while_the_program_was_down_is_told_at_the_start)
{
    command(0, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL);
    rise(1, PUMP_1, WARM);
    command(2, COMMAND_SERVICE, PUMP_2, RULES, HOUR, NULL);
    rise(3, PUMP_2, DRY);
    restart();
    ck_assert_int_eq(alarms_due(alarms), T0 + HOUR);
    alarms_fire(alarms, T0 + 5 * HOUR);
    ck_assert_ptr_nonnull(strstr(recorder_line(recorder, 1), "15:14:30"));
    expect("in_service pump-2; unshelved pump-1/warm; raised pump-1/warm; "
           "raised pump-2/dry | raised pump-1/warm; raised pump-2/dry");
}
END_TEST

START_TEST(a_stepped_clock_moves_every_end)
{
    command(0, COMMAND_SHELVE, PUMP_1, WARM, HOUR, NULL);
    command(0, COMMAND_SERVICE, PUMP_2, RULES, 2 * HOUR, NULL);
    alarms_shift(alarms, -3 * HOUR);
    ck_assert_int_eq(alarms_due(alarms), T0 - 2 * HOUR);
    ck_assert_int_eq(row(PUMP_1, WARM)->hiding.until_ms, T0 - 2 * HOUR);
    ck_assert_int_eq(recorder->alarms[0].hiding.until_ms, T0 - 2 * HOUR);
    ck_assert_int_eq(alarms_service(alarms, PUMP_2)->hiding.until_ms, T0 - HOUR);
    expect("shelved pump-1/warm; out_of_service pump-2");
}
END_TEST

static TCase *
hiding_case(void)
{
    TCase *tc = tcase_create("hiding");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_shelved_alarm_is_listed_with_who_why_and_until);
    tcase_add_test(tc, what_is_raised_on_the_shelf_is_told_at_its_end_and_once);
    tcase_add_test(tc, what_was_told_before_the_shelf_is_not_raised_again);
    tcase_add_test(tc, a_recovery_on_the_shelf_is_told);
    tcase_add_test(tc, a_rise_on_the_shelf_is_told_at_its_end_and_a_fall_at_once);
    tcase_add_test(tc, to_shelve_again_moves_the_end);
    tcase_add_test(tc, refusals_say_what_is_missing);
    tcase_add_test(tc, of_one_step_what_explains_is_known_before_anybody_is_told);
    tcase_add_test(tc, by_a_rule_of_the_same_device_of_what_feeds_it_or_of_a_named_one);
    tcase_add_test(tc, when_the_reason_goes_what_stands_is_told_once);
    tcase_add_test(tc, a_recovery_while_suppressed_is_told_and_shown);
    tcase_add_test(tc, a_dead_feeder_hides_all_that_it_feeds);
    tcase_add_test(tc, silence_is_explained_by_the_silence_above);
    tcase_add_test(tc, what_comes_back_soon_after_its_feeder_is_never_raised);
    tcase_add_test(tc, of_two_that_suppress_each_other_one_is_seen);
    tcase_add_test(tc, a_device_that_answers_is_fed_and_its_alarms_are_its_own);
    tcase_add_test(tc, a_line_on_which_nobody_answers_explains_the_silence_of_each);
    tcase_add_test(tc, what_is_out_of_service_suppresses_nothing);
    tcase_add_test(tc, what_is_on_the_shelf_suppresses_nothing);
    tcase_add_test(tc, a_suppressor_raised_on_the_shelf_hides_nothing);
    tcase_add_test(tc, a_latched_suppressor_whose_condition_is_gone_hides_nothing);
    tcase_add_test(tc, out_of_service_hides_all_of_the_device_and_lists_it);
    tcase_add_test(tc, out_of_service_without_an_end_lasts_until_somebody_ends_it);
    tcase_add_test(tc, the_shelf_outlasts_the_maintenance_and_the_other_way_round);
    return tc;
}

static TCase *
coming_out_case(void)
{
    TCase *tc = tcase_create("coming out");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_waits_for_new_samples_is_told_when_its_time_is_over);
    tcase_add_test(tc, what_is_about_to_clear_is_not_told);
    tcase_add_test(tc, what_suppresses_it_again_meanwhile_hides_it_without_an_end);
    tcase_add_test(tc, what_became_worse_while_it_was_hidden_waits_as_well);
    tcase_add_test(tc, silence_that_nobody_is_told_of_hides_nothing);
    tcase_add_test(tc, silence_that_is_about_to_be_told_hides_until_it_is_not);
    tcase_add_test(tc, a_hold_that_is_cancelled_is_no_reason_any_more);
    return tc;
}

static TCase *
life_case(void)
{
    TCase *tc = tcase_create("life");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_latched_alarm_stays_until_it_is_acknowledged);
    tcase_add_test(tc, an_acknowledged_latch_goes_with_its_condition);
    tcase_add_test(tc, what_nobody_was_told_of_does_not_latch);
    tcase_add_test(tc, an_acknowledged_alarm_that_stands_is_told_again);
    tcase_add_test(tc, an_acknowledged_alarm_that_becomes_worse_is_to_be_seen_again);
    tcase_add_test(tc, hidden_time_is_not_counted_twice);
    tcase_add_test(tc, the_first_of_a_group_is_marked_until_all_are_gone);
    tcase_add_test(tc, what_is_hidden_is_not_the_first_of_its_group);
    tcase_add_test(tc, a_chattering_alarm_is_marked_until_it_has_been_quiet);
    tcase_add_test(tc, a_restart_goes_on_hiding_and_tells_nothing_twice);
    tcase_add_test(tc, what_ended_while_the_program_was_down_is_told_at_the_start);
    tcase_add_test(tc, a_stepped_clock_moves_every_end);
    return tc;
}

int
main(void)
{
    Suite *suite = suite_create("hiding");
    suite_add_tcase(suite, hiding_case());
    suite_add_tcase(suite, coming_out_case());
    suite_add_tcase(suite, life_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
