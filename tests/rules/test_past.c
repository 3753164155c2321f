/* Rules with a memory: when they raise, and that a restart does not forget. */
#include <check.h>
#include <math.h>
#include <stdio.h>

#include "tests/fake/sanitized.h"
#include "tests/rules/plant.h"

#define STREAMS (60 / SANITIZED_SLOWER)
#define STEPS   400
#define STEP_MS 1000
#define START   INT64_C(1000000)

static uint64_t
next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static const struct plant *shown;

static void
write_edge(void *ctx, const struct edge *e)
{
    plant_edge(ctx, e, shown);
}

static struct rules *
build(const struct plant *p)
{
    struct diags diags;
    diags_init(&diags);
    struct rules *r = rules_new(&p->site, &diags);
    ck_assert_msg(r != NULL, "%s", diags.count > 0 ? diags.items[0].text : "?");
    diags_fini(&diags);
    shown = p;
    return r;
}

/* What pump-1 says at one moment. */
struct step {
    int64_t t_ms;
    double a, run;
    bool bad; /* Nobody answers. */
};

static struct frame *
frame_of(const struct plant *p, const struct step *s)
{
    struct frame *f = plant_frame(PUMP_1, s->t_ms);
    enum quality q = s->bad ? QUALITY_TIMEOUT : QUALITY_GOOD;
    plant_frame_add(f, site_point(&p->site, PUMP_1, "a"), s->bad ? 0 : s->a, q);
    plant_frame_add(f, site_point(&p->site, PUMP_1, "run"), s->bad ? 0 : s->run, q);
    return f;
}

static void
play(const struct plant *p, struct rules *r, const struct step *s, struct strbuf *out)
{
    struct frame *f = frame_of(p, s);
    while (rules_due(r) <= f->t_ms) {
        rules_fire(r, write_edge, out);
    }
    rules_frame(r, f, write_edge, out);
    free(f);
}

/* One rule on a stream of a second's rhythm: "V*N" is value V for N steps. */
static const struct {
    const char *when;
    const char *a, *run;
    const char *edges;
} cases[] = {
    {"avg(a, 10s) > 50 °C", "0*20 100*20", "0*40",
     "1025000 raised pump-1/r normal 60\n"},
    {"max(a, 10s) > 50 °C", "0*20 100*1 0*30", "0*51",
     "1020000 raised pump-1/r normal 100\n1030000 cleared pump-1/r normal 0\n"},
    {"min(a, 10s) < 50 °C", "90*20 0*1 90*30", "0*51",
     "1020000 raised pump-1/r normal 0\n1030000 cleared pump-1/r normal 90\n"},
    {"delta(a, 10s) > 5 K", "0*10 9*20", "0*30",
     "1010000 raised pump-1/r normal 9\n1019000 cleared pump-1/r normal 0\n"},
    {"median(a, 10s) >= 50 °C", "0*20 50*20", "0*40",
     "1025000 raised pump-1/r normal 50\n"},
    {"count(run, 20s) >= 2", "0*52", "0*5 1*2 0*3 1*2 0*40",
     "1010000 raised pump-1/r normal\n1025000 cleared pump-1/r normal 1\n"},
    /* No start in 20 s: known only when 20 s were seen, or at once that there was. */
    {"count(run, 20s) == 0", "0*60", "0*60", "1020000 raised pump-1/r normal 0\n"},
    {"count(run, 20s) == 0", "0*56", "0*15 1*1 0*40",
     "1035000 raised pump-1/r normal 0\n"},
    {"time(run, 20s) > 10 s", "0*60", "1*40 0*20",
     "1011000 raised pump-1/r normal\n1050000 cleared pump-1/r normal 10\n"},
    /* 2 min are more than the time can be, before all of it is known. */
    {"(stddev(a, 10s) / 1 K + 2) * 1 min > time(run, 20s)", "2*30", "1*30",
     "1005000 raised pump-1/r normal 2\n"},
    {"held(run) > 5s", "0*30", "0*10 1*15 0*5",
     "1015001 raised pump-1/r normal 5.001\n1025000 cleared pump-1/r normal 0\n"},
    {"held(run) >= 5s", "0*30", "0*10 1*15 0*5",
     "1015000 raised pump-1/r normal 5\n1025000 cleared pump-1/r normal 0\n"},
    {"hours(run) >= 0.005 h", "0*60", "0*10 1*30 0*20",
     "1028000 raised pump-1/r normal 0.005\n"},
    {"starts(run) > 1", "0*50", "0*10 1*5 0*5 1*30",
     "1020000 raised pump-1/r normal 2\n"},
    {"stuck(a, 10s)", "1*1 2*20 3*5", "0*26",
     "1011000 raised pump-1/r normal 2\n1021000 cleared pump-1/r normal 3\n"},
    {"rate(a, 10s) > 0.5 K/s", "0*10 1*1 2*1 3*1 4*1 5*1 6*1 7*1 8*20", "0*37",
     "1014000 raised pump-1/r normal 0.5555555555555556\n"
     "1022000 cleared pump-1/r normal 0.4444444444444444\n"},
    {"max(avg(a, 4s), 20s) > 50 °C", "0*20 100*4 0*40", "0*64",
     "1022000 raised pump-1/r normal 75\n1044000 cleared pump-1/r normal 50\n"},
};

static size_t
read_values(const char *text, double *out)
{
    size_t count = 0;
    char *end = NULL;
    for (const char *at = text; *at != '\0'; at = end + strspn(end, " ")) {
        double value = strtod(at, &end);
        long times = strtol(end + 1, &end, 10);
        for (long i = 0; i < times; i++) {
            out[count++] = value;
        }
    }
    return count;
}

START_TEST(test_when_they_raise)
{
    double a[STEPS];
    double run[STEPS];
    struct plant *p = plant_new();
    struct strbuf out = {0};
    plant_rule(p, "r", cases[_i].when);
    struct rules *r = build(p);
    size_t count = read_values(cases[_i].a, a);
    ck_assert_uint_eq(read_values(cases[_i].run, run), count);
    for (size_t i = 0; i < count; i++) {
        struct step s = {START + (int64_t)i * STEP_MS, a[i], run[i], false};
        play(p, r, &s, &out);
    }
    ck_assert_msg(strcmp(strbuf_text(&out), cases[_i].edges) == 0, "%s:\n%snot\n%s",
                  cases[_i].when, strbuf_text(&out), cases[_i].edges);
    strbuf_fini(&out);
    rules_free(r);
    free(p);
}
END_TEST

/* ---- restarts ---- */

struct saved {
    struct rule_state rules[PLANT_RULES_MAX];
    size_t rule_count;
    struct rules_meter meters[PLANT_RULES_MAX];
    char keys[PLANT_RULES_MAX][64];
    size_t meter_count;
};

static void
save_rule(void *ctx, const struct rule_state *s)
{
    struct saved *saved = ctx;
    saved->rules[saved->rule_count++] = *s;
}

static void
save_meter(void *ctx, const struct rules_meter *m)
{
    struct saved *saved = ctx;
    struct rules_meter *copy = &saved->meters[saved->meter_count];
    *copy = *m;
    (void)snprintf(saved->keys[saved->meter_count], sizeof saved->keys[0], "%s",
                   m->key);
    copy->key = saved->keys[saved->meter_count++];
}

/* A new engine that knows what a daemon would find on its disk. */
static struct rules *
restart(const struct plant *p, struct rules *r, const struct step *steps, size_t count)
{
    struct saved saved = {.rule_count = 0};
    int64_t alive_ms = steps[count - 1].t_ms;
    enum device_health health = rules_device_health(r, PUMP_1);
    rules_save(r, true, save_rule, &saved);
    rules_save_meters(r, save_meter, &saved);
    rules_free(r);
    r = build(p);
    for (size_t i = 0; i < saved.rule_count; i++) {
        ck_assert(rules_restore(r, &saved.rules[i], alive_ms));
    }
    for (size_t i = 0; i < saved.meter_count; i++) {
        ck_assert(rules_restore_meter(r, &saved.meters[i]));
    }
    int64_t wanted[3];
    (void)rules_memory(r, alive_ms, wanted);
    for (size_t i = 0; i < count; i++) {
        if (steps[i].t_ms >= wanted[PUMP_1]) {
            struct frame *f = frame_of(p, &steps[i]);
            rules_warm(r, f);
            free(f);
        }
    }
    rules_warm_end(r, alive_ms, alive_ms);
    rules_restore_device(r, PUMP_1, health);
    return r;
}

static const char *const remembering[] = {
    "avg(a, 20s) > 50 °C",    "p95(a, 30s) > 80 °C or stddev(a, 30s) > 45 K",
    "count(run, 60s) >= 3",   "time(run, 40s) > 25 s",
    "held(run) >= 15s",       "hours(run) mod 0.01 > 0.005",
    "starts(run) mod 4 >= 2",
};

static void
random_steps(uint64_t seed, struct step *steps)
{
    double a = 0;
    double run = 0;
    int64_t t = START;
    for (int i = 0; i < STEPS; i++) {
        uint64_t draw = next_random(&seed);
        a = draw % 5 == 0 ? (double)(next_random(&seed) % 101) : a;
        run = draw % 7 == 0 ? 1 - run : run;
        bool late = draw % 41 == 0;
        t += late ? 3000 : STEP_MS;
        /* Not so long that the device is offline: a restart begins that anew. */
        bool bad = draw % 23 == 0 && !late && i > 0 && !steps[i - 1].bad;
        steps[i] = (struct step){t, a, run, bad};
    }
}

static void
play_all(const struct plant *p,
         const struct step *steps,
         size_t cut,
         struct strbuf *out)
{
    struct rules *r = build(p);
    for (size_t i = 0; i < STEPS; i++) {
        if (i == cut) {
            r = restart(p, r, steps, i);
        }
        play(p, r, &steps[i], out);
    }
    rules_free(r);
}

/* The same edges as without it, wherever the restart comes. */
START_TEST(test_a_restart_forgets_nothing)
{
    struct step steps[STEPS];
    char ids[ARRAY_LEN(remembering)][8];
    struct plant *p = plant_new();
    for (size_t i = 0; i < ARRAY_LEN(remembering); i++) {
        (void)snprintf(ids[i], sizeof ids[i], "r%zu", i);
        plant_rule(p, ids[i], remembering[i]);
    }
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        struct strbuf whole = {0};
        random_steps(seed * 6700417, steps);
        play_all(p, steps, STEPS, &whole);
        ck_assert_uint_gt(whole.size, 0);
        for (size_t cut = 1 + seed % 7; cut < STEPS; cut += 7 * SANITIZED_SLOWER) {
            struct strbuf parts = {0};
            play_all(p, steps, cut, &parts);
            const char *is = strbuf_text(&parts);
            const char *should = strbuf_text(&whole);
            while (*is != '\0' && *is == *should) {
                is++; /* A message has little room. */
                should++;
            }
            ck_assert_msg(
                *is == *should, "seed %llu cut at %zu (%lld): %.200s\nnot %.200s",
                (unsigned long long)seed, cut, (long long)steps[cut].t_ms, is, should);
            strbuf_fini(&parts);
        }
        strbuf_fini(&whole);
    }
    free(p);
}
END_TEST

/* A gap ends no state that may have gone on, and a poll that fails no week. */
START_TEST(test_gaps)
{
    struct plant *p = plant_new();
    struct strbuf out = {0};
    plant_rule(p, "long", "held(run) > 60s");
    plant_rule(p, "never", "count(run, 20m) == 0")->applies_to.id = "pump-1";
    plant_rule(p, "still", "count(v > 5 mm/s, 20m) == 0");
    struct rules *r = build(p);
    int64_t t = START;
    for (int i = 0; i < 1300; i++) {
        t += i % 600 == 100 ? 8000 : STEP_MS; /* It was away, for longer than 5 s. */
        struct frame *f = plant_frame(PUMP_1, t);
        plant_frame_add(f, site_point(&p->site, PUMP_1, "run"), 1, QUALITY_GOOD);
        plant_frame_add(f, site_point(&p->site, PUMP_1, "v"), 2, QUALITY_GOOD);
        while (rules_due(r) <= t) {
            rules_fire(r, write_edge, &out);
        }
        rules_frame(r, f, write_edge, &out);
        free(f);
    }
    /* Raised once each, and nothing is taken back. */
    const char *text = strbuf_text(&out);
    ck_assert_ptr_nonnull(strstr(text, "1061001 raised pump-1/long"));
    ck_assert_ptr_nonnull(strstr(text, "raised pump-1/never"));
    ck_assert_ptr_nonnull(strstr(text, "raised pump-1/still"));
    ck_assert_ptr_null(strstr(text, "cleared"));
    strbuf_fini(&out);
    rules_free(r);
    free(p);
}
END_TEST

/* An age that began before the restart comes to its limit; the time between does not
 * count. */
START_TEST(test_an_age_outlives_a_restart)
{
    struct plant *p = plant_new();
    struct strbuf out = {0};
    plant_rule(p, "old", "age(a) > 20s");
    struct step steps[] = {{START, 1, 0, false}, {START + 8000, 0, 0, true}};
    struct rules *r = build(p);
    play(p, r, &steps[0], &out);
    play(p, r, &steps[1], &out);
    struct rules *again = build(p);
    int64_t wanted[3];
    ck_assert_int_lt(rules_memory(again, START + 100000, wanted), START + 100000);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct frame *f = frame_of(p, &steps[i]);
        rules_warm(again, f);
        free(f);
    }
    strbuf_clear(&out);
    rules_warm_end(again, START + 9000, START + 100000);
    for (int i = 1; i <= 20; i++) {
        struct step s = {START + 100000 + i * STEP_MS, 0, 0, true};
        play(p, again, &s, &out);
    }
    /* 9 s old when it stopped: 11 s more, and it is passed. */
    ck_assert_str_eq(strbuf_text(&out), "1106000 offline pump-1\n"
                                        "1111001 raised pump-1/old normal 20.001\n");
    strbuf_fini(&out);
    rules_free(r);
    rules_free(again);
    free(p);
}
END_TEST

START_TEST(test_service_begins_anew)
{
    struct plant *p = plant_new();
    struct strbuf out = {0};
    plant_rule(p, "r", "hours(run, since_service) >= 0.005 h");
    struct rules *r = build(p);
    for (int i = 0; i < 60; i++) {
        struct step s = {START + i * STEP_MS, 0, 1, false};
        play(p, r, &s, &out);
        if (i == 30) {
            rules_service(r, PUMP_2, s.t_ms); /* Another one. */
            rules_service(r, PUMP_1, s.t_ms);
        }
    }
    ck_assert_str_eq(strbuf_text(&out),
                     "1018000 raised pump-1/r normal 0.005\n"
                     "1031000 cleared pump-1/r normal 0.0002777777777777778\n"
                     "1048000 raised pump-1/r normal 0.005\n");
    strbuf_fini(&out);
    rules_free(r);
    free(p);
}
END_TEST

/* The same call is followed once; all windows are bounded. */
START_TEST(test_memory)
{
    struct plant *p = plant_new();
    plant_rule(p, "r0", "avg(a, 1h) > 5 °C");
    struct rules *r = build(p);
    size_t one = rules_count(r).bytes;
    rules_free(r);
    plant_rule(p, "r1", "avg(a,  1h) > 6 °C and avg(a, 60m) < 90 °C");
    r = build(p);
    ck_assert_uint_lt(rules_count(r).bytes, one + 3600 * 16);
    rules_free(r);
    plant_rule(p, "r2", "max(a, 10y) > 5 °C");
    struct diags diags;
    diags_init(&diags);
    ck_assert_ptr_null(rules_new(&p->site, &diags));
    ck_assert_uint_eq(diags.errors, 1);
    ck_assert_msg(strstr(diags.items[0].text, "needs") != NULL, "%s",
                  diags.items[0].text);
    diags_fini(&diags);
    free(p);
}
END_TEST

/* A count that follows an age is told when that is reached, without a sample. */
START_TEST(test_what_time_alone_changes)
{
    struct plant *p = plant_new();
    struct strbuf out = {0};
    plant_rule(p, "r", "count(age(a) >= 2s, 60s) >= 2");
    struct rules *r = build(p);
    const int64_t times[] = {0, 1000, 4000, 5000, 9000};
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        struct step s = {START + times[i], 1, 0, false};
        play(p, r, &s, &out);
    }
    ck_assert_str_eq(strbuf_text(&out), "1007000 raised pump-1/r normal\n");
    strbuf_fini(&out);
    rules_free(r);
    free(p);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("past");
    TCase *tc = tcase_create("past");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_when_they_raise, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, test_a_restart_forgets_nothing);
    tcase_add_test(tc, test_gaps);
    tcase_add_test(tc, test_an_age_outlives_a_restart);
    tcase_add_test(tc, test_service_begins_anew);
    tcase_add_test(tc, test_memory);
    tcase_add_test(tc, test_what_time_alone_changes);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
