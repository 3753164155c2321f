/* Five devices on one line, the shipped rule for lines and one for each silent device:
 * a lost line is one alarm, a silent unit is its own. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "rules/rules.h"

#define DEVICES      5
#define SECOND       INT64_C(1000)
#define BUS_POLL_MS  (5 * SECOND)
#define DERIVED_MS   (60 * SECOND)
#define FRAME_POINTS 8

static char folder[] = "/tmp/caretaker-lost-XXXXXX";
static struct site *site;
static struct rules *rules;
static struct frame *frame;
static struct strbuf edges; /* "12 raised line/bus-down", in seconds. */
static int64_t now_ms;
static double latency_ms; /* Of all devices, */
static double errors;     /* and what they have of these. */

static const char site_text[] =
    "site: {id: lost}\n"
    "buses: [{id: line, tcp: 192.0.2.1}]\n"
    "devices:\n"
    "  - {id: d-1, type: pump, bus: line, unit: 1, points: {a: {register: input 0}}}\n"
    "  - {id: d-2, type: pump, bus: line, unit: 2, points: {a: {register: input 0}}}\n"
    "  - {id: d-3, type: pump, bus: line, unit: 3, points: {a: {register: input 0}}}\n"
    "  - {id: d-4, type: pump, bus: line, unit: 4, points: {a: {register: input 0}}}\n"
    "  - {id: d-5, type: pump, bus: line, unit: 5, points: {a: {register: input 0}}}\n"
    "rules:\n"
    "  - {id: silent, applies_to: {type: pump}, when: not online, hold: 10s,\n"
    "     severity: normal, cause: x, consequence: x, action: x}\n"
    "  - {id: slow, applies_to: {type: pump}, when: latency > 0.5 s, hold: 10s,\n"
    "     severity: normal, cause: x, consequence: x, action: x}\n"
    "  - {id: failing, applies_to: {type: pump}, when: errors > 37,\n"
    "     severity: normal, cause: x, consequence: x, action: x}\n"
    "include: [SHARE/rules/bus.yaml, SHARE/procedures/*.yaml, SHARE/teams.yaml]\n";

static void
write_site(const char *path)
{
    char share[4096];
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_ptr_nonnull(realpath("config", share));
    for (const char *at = site_text; *at != '\0';) {
        const char *word = strstr(at, "SHARE");
        size_t size = word != NULL ? (size_t)(word - at) : strlen(at);
        fwrite(at, 1, size, out);
        fputs(word != NULL ? share : "", out);
        at += word != NULL ? size + strlen("SHARE") : size;
    }
    fclose(out);
}

static void
setup(void)
{
    char path[64];
    struct diags diags;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/site.yaml", folder);
    write_site(path);
    diags_init(&diags);
    site = config_load_site(path, NULL, 0, &diags);
    rules = site != NULL ? rules_new(site, &diags) : NULL;
    if (rules == NULL) {
        diags_print(&diags, stderr);
    }
    ck_assert_ptr_nonnull(rules);
    diags_fini(&diags);
    unlink(path);
    rmdir(folder);
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    frame = calloc(1, frame_bytes(FRAME_POINTS));
    ck_assert_ptr_nonnull(frame);
    now_ms = 0;
    latency_ms = 20;
    errors = 7;
}

static void
teardown(void)
{
    free(frame);
    rules_free(rules);
    site_free(site);
    strbuf_fini(&edges);
}

static void
take_edge(void *ctx, const struct edge *e)
{
    static const char *const words[] = {[EDGE_RAISED] = "raised",
                                        [EDGE_CHANGED] = "changed",
                                        [EDGE_CLEARED] = "cleared"};
    (void)ctx;
    if (e->rule != NONE_INDEX && e->kind != EDGE_WATCH) {
        strbuf_printf(&edges, "%lld %s %s/%s\n", (long long)(e->t_ms / SECOND),
                      words[e->kind], site->devices[e->device].id,
                      site->rules[e->rule].id);
    }
}

static void
add(const char *point, double value, enum quality q)
{
    uint32_t index = site_point(site, frame->device, point);
    ck_assert_uint_ne(index, NONE_INDEX);
    frame->readings[frame->count++] =
        (struct reading){.value = value, .point = index, .quality = (uint8_t)q};
}

static void
begin(const char *device)
{
    *frame = (struct frame){.t_ms = now_ms, .device = site_device(site, device)};
    ck_assert_uint_lt(frame->device, site->device_count);
}

/* A second of the plant: `quality` of each device, and whether the line is there. */
static void
second(bool line, const enum quality *quality)
{
    char id[] = "d-?";
    now_ms += SECOND;
    while (rules_due(rules) <= now_ms) {
        rules_fire(rules, take_edge, NULL);
    }
    for (int i = 0; i < DEVICES; i++) {
        id[2] = (char)('1' + i);
        begin(id);
        add("a", 0, quality[i]);
        if (now_ms % DERIVED_MS == 0) {
            add("errors", errors, QUALITY_GOOD);
            add("latency", latency_ms, quality[i]);
            add("online", quality[i] == QUALITY_GOOD, QUALITY_GOOD);
        }
        rules_frame(rules, frame, take_edge, NULL);
    }
    if (now_ms % BUS_POLL_MS == 0) {
        begin("line");
        add("late", 0, QUALITY_GOOD);
        add("load", 10, QUALITY_GOOD);
        add("online", line, QUALITY_GOOD);
        rules_frame(rules, frame, take_edge, NULL);
    }
}

/* All devices have one quality, but for the last, which has `last`. */
static void
seconds(int count, bool line, enum quality all, enum quality last)
{
    enum quality quality[DEVICES];
    for (int i = 0; i < DEVICES; i++) {
        quality[i] = i == DEVICES - 1 ? last : all;
    }
    for (int i = 0; i < count; i++) {
        second(line, quality);
    }
}

#define CHECK_EDGES(text)                                                              \
    do {                                                                               \
        ck_assert_str_eq(strbuf_text(&edges), text);                                   \
        strbuf_clear(&edges);                                                          \
    } while (0)

START_TEST(test_a_lost_bus_is_one_alarm)
{
    seconds(62, true, QUALITY_GOOD, QUALITY_GOOD);
    CHECK_EDGES("");
    /* The line is found to be lost at its next sample. */
    seconds(300, false, QUALITY_REFUSED, QUALITY_REFUSED);
    CHECK_EDGES("95 raised line/bus-down\n");
    for (uint32_t d = 0; d < site->device_count; d++) {
        if (site->devices[d].role == DEVICE_EQUIPMENT) {
            ck_assert_int_eq(rules_device_health(rules, d), DEVICE_OFFLINE);
        }
    }
    seconds(60, true, QUALITY_GOOD, QUALITY_GOOD);
    CHECK_EDGES("395 cleared line/bus-down\n");
}
END_TEST

START_TEST(test_a_silent_unit_is_its_own_alarm)
{
    seconds(60, true, QUALITY_GOOD, QUALITY_GOOD);
    seconds(300, true, QUALITY_GOOD, QUALITY_TIMEOUT);
    CHECK_EDGES("73 raised d-5/silent\n"); /* Stale 3 s after its last sample. */
    seconds(2, true, QUALITY_GOOD, QUALITY_GOOD);
    CHECK_EDGES("361 cleared d-5/silent\n");
}
END_TEST

/* What stood before the line was lost stands on, and clears with its own answer. */
START_TEST(test_an_alarm_of_before_outlasts_the_loss)
{
    seconds(60, true, QUALITY_GOOD, QUALITY_GOOD);
    seconds(40, true, QUALITY_GOOD, QUALITY_TIMEOUT);
    CHECK_EDGES("73 raised d-5/silent\n");
    seconds(100, false, QUALITY_REFUSED, QUALITY_REFUSED);
    CHECK_EDGES("135 raised line/bus-down\n");
    seconds(100, true, QUALITY_GOOD, QUALITY_TIMEOUT);
    CHECK_EDGES("235 cleared line/bus-down\n");
    seconds(1, true, QUALITY_GOOD, QUALITY_GOOD);
    CHECK_EDGES("301 cleared d-5/silent\n");
}
END_TEST

/* A minute's sample of what is derived is no sign of life. */
START_TEST(test_derived_samples_keep_no_device_alive)
{
    uint32_t d = site_device(site, "d-5");
    seconds(58, true, QUALITY_GOOD, QUALITY_GOOD);
    seconds(2, true, QUALITY_GOOD, QUALITY_TIMEOUT); /* Derived ones at 60 s. */
    ck_assert_int_eq(rules_device_health(rules, d), DEVICE_ONLINE);
    seconds(2, true, QUALITY_GOOD, QUALITY_TIMEOUT);
    ck_assert_int_eq(rules_device_health(rules, d), DEVICE_OFFLINE);
    seconds(60, true, QUALITY_GOOD, QUALITY_TIMEOUT);
    ck_assert_int_eq(rules_device_health(rules, d), DEVICE_OFFLINE);
    uint32_t online = site_point(site, d, "online");
    ck_assert_int_eq(rules_latest(rules, online).quality, QUALITY_GOOD);
    ck_assert(rules_latest(rules, online).value == 0);
}
END_TEST

START_TEST(test_rules_may_judge_what_is_derived)
{
    seconds(300, true, QUALITY_GOOD, QUALITY_GOOD);
    latency_ms = 499;
    errors = 37;
    seconds(60, true, QUALITY_GOOD, QUALITY_GOOD);
    CHECK_EDGES("");
    latency_ms = 501;
    seconds(60, true, QUALITY_GOOD, QUALITY_GOOD);
    latency_ms = 20;
    errors = 38;
    seconds(61, true, QUALITY_GOOD, QUALITY_GOOD);
    CHECK_EDGES("430 raised d-1/slow\n430 raised d-2/slow\n430 raised d-3/slow\n"
                "430 raised d-4/slow\n430 raised d-5/slow\n"
                "480 raised d-1/failing\n480 cleared d-1/slow\n"
                "480 raised d-2/failing\n480 cleared d-2/slow\n"
                "480 raised d-3/failing\n480 cleared d-3/slow\n"
                "480 raised d-4/failing\n480 cleared d-4/slow\n"
                "480 raised d-5/failing\n480 cleared d-5/slow\n");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("rules bus lost");
    TCase *tc = tcase_create("bus lost");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_a_lost_bus_is_one_alarm);
    tcase_add_test(tc, test_a_silent_unit_is_its_own_alarm);
    tcase_add_test(tc, test_an_alarm_of_before_outlasts_the_loss);
    tcase_add_test(tc, test_derived_samples_keep_no_device_alive);
    tcase_add_test(tc, test_rules_may_judge_what_is_derived);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
