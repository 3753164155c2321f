/* The engine: what happens when, to the millisecond and in which order. */
#include <check.h>
#include <math.h>
#include <stdio.h>

#include "tests/rules/plant.h"

/* Counts what the engine takes from the heap; sanitizers bring their own malloc. */
static size_t allocations;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ALLOCATIONS_ARE_COUNTED true
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *
malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *
realloc(void *memory, size_t size)
{
    allocations++;
    return __libc_realloc(memory, size);
}
#else
#define ALLOCATIONS_ARE_COUNTED false
#endif

static const struct plant *shown; /* Whose names the edges of this test have. */

static void
write_edge(void *ctx, const struct edge *e)
{
    plant_edge(ctx, e, shown);
}

/* Plays a script: steps "T point=value,point=value" with ';' between.  "T" alone lets
 * time pass.  A value "!timeout" is a reading of that quality, "feeder-1/u=3" one of
 * another device than pump-1.  Edges are written to `out`. */
static void
fire_until(struct rules *r, int64_t t_ms, struct strbuf *out)
{
    while (rules_due(r) <= t_ms) {
        rules_fire(r, write_edge, out);
    }
}

static void
play_step(const struct plant *p, struct rules *r, char *step, struct strbuf *out)
{
    char *rest = NULL;
    int64_t t_ms = strtoll(step, &rest, 10);
    struct frame *f = plant_frame(PUMP_1, t_ms);
    char *save = NULL;
    fire_until(r, t_ms, out);
    for (char *word = strtok_r(rest, ", ", &save); word != NULL;
         word = strtok_r(NULL, ", ", &save)) {
        char *slash = strchr(word, '/');
        if (slash != NULL) {
            *slash = '\0';
            f->device = site_device(&p->site, word);
            word = slash + 1;
        }
        char *value = strchr(word, '=');
        ck_assert_ptr_nonnull(value);
        *value++ = '\0';
        uint32_t point = site_point(&p->site, f->device, word);
        ck_assert_uint_ne(point, NONE_INDEX);
        enum quality q = QUALITY_GOOD;
        if (*value == '!') {
            ck_assert(quality_parse(&q, value + 1));
        }
        plant_frame_add(f, point, q == QUALITY_GOOD ? strtod(value, NULL) : 0, q);
    }
    if (f->count > 0) {
        rules_frame(r, f, write_edge, out);
    }
    free(f);
}

static void
play(const struct plant *p, struct rules *r, const char *script, struct strbuf *out)
{
    char *copy = strdup(script);
    char *save = NULL;
    ck_assert_ptr_nonnull(copy);
    shown = p;
    for (char *step = strtok_r(copy, ";", &save); step != NULL;
         step = strtok_r(NULL, ";", &save)) {
        play_step(p, r, step, out);
    }
    free(copy);
}

static struct rules *
rules_of(const struct plant *p)
{
    struct diags diags;
    diags_init(&diags);
    struct rules *r = rules_new(&p->site, &diags);
    if (r == NULL) {
        diags_print(&diags, stderr);
    }
    ck_assert_ptr_nonnull(r);
    diags_fini(&diags);
    return r;
}

/* One rule "r" on pump-1. */
static const struct scenario {
    const char *name;
    const char *while_, *when, *clear;
    const char *when_2, *clear_2; /* A second level, urgent. */
    int64_t hold_ms, clear_hold_ms;
    const char *script;
    const char *edges;
    bool watched;
} scenarios[] = {
    {.name = "without hold it raises and clears at the frame itself",
     .when = "a > 80 °C",
     .script = "1000 a=80; 2000 a=81.2; 3000 a=82; 4000 a=80",
     .edges = "2000 raised pump-1/r normal 81.2\n4000 cleared pump-1/r normal 80\n"},
    {.name = "a hold raises at its own time, between frames",
     .when = "a > 80 °C",
     .hold_ms = 1500,
     .script = "1000 a=90; 2000 a=91; 3000 a=92",
     .edges = "2500 raised pump-1/r normal 91\n"},
    {.name = "a hold that ends at a frame's time comes before the frame",
     .when = "a > 80 °C",
     .hold_ms = 2000,
     .script = "1000 a=90; 3000 a=70",
     .edges = "3000 raised pump-1/r normal 90\n3000 cleared pump-1/r normal 70\n"},
    {.name = "false in between starts the hold anew",
     .when = "a > 80 °C",
     .hold_ms = 2000,
     .script = "1000 a=90; 2000 a=70; 2500 a=90; 3500 a=90; 4600 a=90",
     .edges = "4500 raised pump-1/r normal 90\n"},
    {.name = "unknown cancels a hold and neither raises nor clears",
     .when = "a > 80 °C",
     .hold_ms = 2000,
     .script = "1000 a=90; 2000 a=!timeout; 2500 a=90; 4400 a=90; 4500; "
               "5000 a=!crc; 6000 a=90; 7000 a=70",
     .edges = "4500 raised pump-1/r normal 90\n7000 cleared pump-1/r normal 70\n"},
    {.name = "hysteresis and clear_hold",
     .when = "a > 80 °C",
     .clear = "a < 75 °C",
     .clear_hold_ms = 2000,
     .script = "1000 a=90; 2000 a=78; 3000 a=74; 4000 a=76; 5000 a=74; 6000 a=73; "
               "7000 a=72; 8000 a=71",
     .edges = "1000 raised pump-1/r normal 90\n7000 cleared pump-1/r normal 73\n"},
    {.name = "unknown cancels a clear_hold",
     .when = "a > 80 °C",
     .clear_hold_ms = 2000,
     .script = "1000 a=90; 2000 a=70; 3000 a=!timeout; 4000 a=70; 5500 a=70; 6000",
     .edges = "1000 raised pump-1/r normal 90\n6000 cleared pump-1/r normal 70\n"},
    {.name = "while not true cancels holds and keeps a raised alarm",
     .while_ = "run",
     .when = "a > 80 °C",
     .hold_ms = 2000,
     .script = "1000 a=90,run=1; 2000 a=90,run=0; 3500 a=90,run=1; 5000 a=90,run=1; "
               "5500; 6000 a=70,run=0; 7000 a=60,run=0; 8000 a=60,run=1",
     .edges = "5500 raised pump-1/r normal 90\n8000 cleared pump-1/r normal 60\n"},
    {.name = "while unknown is not true",
     .while_ = "run",
     .when = "a > 80 °C",
     .script = "1000 a=90; 2000 run=!timeout; 3000 run=1",
     .edges = "3000 raised pump-1/r normal 90\n"},
    {.name = "staleness cancels a hold at the stale time",
     .when = "a > 80 °C",
     .hold_ms = 6000,
     .script = "1000 a=90; 5000 b=1; 6500 a=90; 9000 a=90; 12400 a=90; 12500",
     .edges = "12500 raised pump-1/r normal 90\n"},
    {.name = "of one time the hold comes before staleness",
     .when = "a > 80 °C",
     .hold_ms = 5000,
     .script = "1000 a=90; 6000",
     .edges = "6000 raised pump-1/r normal 90\n6000 offline pump-1\n"},
    {.name = "staleness comes before the frame of its time",
     .when = "a > 80 °C",
     .clear_hold_ms = 5500,
     .script =
         "1000 a=90; 2000 a=70; 6999 b=1; 7000 a=70; 10000 a=70; 12499 a=70; 12500",
     .edges = "1000 raised pump-1/r normal 90\n12500 cleared pump-1/r normal 70\n"},
    {.name = "a bad sample does not put off staleness",
     .when = "quality(a) == \"stale\"",
     .script = "1000 a=1,b=1; 3000 b=1; 5000 b=1; 6500 b=1",
     .edges = "6000 raised pump-1/r normal\n"},
    {.name = "the reason of a bad sample outlasts staleness",
     .when = "quality(a) == \"timeout\"",
     .hold_ms = 7000,
     .script = "1000 a=1; 2000 a=!timeout; 6500 a=!timeout; 9000 a=1",
     .edges = "6000 offline pump-1\n9000 raised pump-1/r normal\n"
              "9000 online pump-1\n9000 cleared pump-1/r normal\n"},
    {.name = "a device goes offline with its last point and returns before its rules",
     .when = "a > 80 °C or not online",
     .script = "1000 a=90,x=1; 5000 b=1; 6000; 10000; 11000 a=!timeout; 12000 a=70",
     .edges = "1000 raised pump-1/r normal 90\n10000 offline pump-1\n"
              "12000 online pump-1\n12000 cleared pump-1/r normal 70\n"},
    {.name = "a point that is read seldom does not hide that its device is silent",
     .when = "not online",
     .script = "1000 x=1; 2000 a=1; 3000 a=!timeout; 9000 a=!timeout; 12000 a=1",
     .edges = "7000 offline pump-1\n7000 raised pump-1/r normal 0\n"
              "12000 online pump-1\n12000 cleared pump-1/r normal 1\n"},
    {.name = "an answer without a value is no silence",
     .when = "not online",
     .script = "1000 x=1; 2000 a=1; 3000 a=!sentinel; 9999",
     .edges = ""},
    {.name = "who was heard since is not silent",
     .when = "not online",
     .script = "1000 a=1; 2000 x=1; 3000 a=!timeout; 10999",
     .edges = ""},
    {.name = "a device that never answered goes offline after its first frame",
     .when = "not online",
     .script = "1000 a=!timeout; 3000 a=!timeout; 5000 a=!timeout; 9000 a=1",
     .edges = "6000 offline pump-1\n6000 raised pump-1/r normal 0\n"
              "9000 online pump-1\n9000 cleared pump-1/r normal 1\n"},
    {.name = "a lost bus is nothing that its device could be blamed for",
     .when = "not online",
     .script = "1000 a=1,b=1; 2000 a=!refused,b=!refused; 7000 a=!refused; 9000 a=1",
     .edges = "6000 offline pump-1\n9000 online pump-1\n"},
    {.name = "a bus that is lost neither raises nor clears",
     .when = "not online",
     .script = "1000 a=1; 2000 a=!timeout; 7000 a=!refused; 8000 a=!refused; "
               "9000 a=!timeout; 10000 a=1",
     .edges = "6000 offline pump-1\n6000 raised pump-1/r normal 0\n"
              "10000 online pump-1\n10000 cleared pump-1/r normal 1\n"},
    {.name = "a device that stays silent when its bus returns is to blame again",
     .when = "not online",
     .hold_ms = 3000,
     .script = "1000 a=1; 2000 a=!refused; 7000 a=!refused; 8000 a=!timeout; 9000 "
               "a=!timeout; 11500 a=!timeout",
     .edges = "6000 offline pump-1\n11000 raised pump-1/r normal 0\n"},
    {.name = "a lost bus cancels the hold of a silent device",
     .when = "not online",
     .hold_ms = 3000,
     .script = "1000 a=1; 2000 a=!timeout; 8000 a=!refused; 12000 a=!refused",
     .edges = "6000 offline pump-1\n"},
    {.name = "an exception from better days does not hide a lost bus",
     .when = "not online",
     .script = "1000 a=1; 2000 a=!exception,b=!refused; 7000 a=!exception,b=!refused",
     .edges = "7000 offline pump-1\n"},
    {.name = "one refused reading beside a value is no lost bus",
     .when = "online",
     .script = "1000 a=1,b=!refused; 2000 a=!refused; 3000 a=!sentinel,b=!refused",
     .edges = "1000 raised pump-1/r normal 1\n"},
    {.name = "the first answer is no return",
     .when = "a > 80 °C",
     .script = "1000 a=!timeout; 2000 a=90; 6999",
     .edges = "2000 raised pump-1/r normal 90\n"},
    {.name = "age is judged at the moment of crossing",
     .when = "age(a) > 3s",
     .script = "1000 a=1; 2000 a=1; 3000 b=1; 6000 b=1; 7000 a=1",
     .edges = "5001 raised pump-1/r normal 3.001\n7000 cleared pump-1/r normal 0\n"},
    {.name = "age of at least is reached a millisecond earlier",
     .when = "age(a) >= 3s",
     .hold_ms = 500,
     .script = "1000 a=1; 2000 b=1; 4600 b=1",
     .edges = "4500 raised pump-1/r normal 3.5\n"},
    {.name = "levels go up one by one, each with its own hold",
     .when = "v > 5 mm/s",
     .clear = "v < 4 mm/s",
     .when_2 = "v > 8 mm/s",
     .clear_2 = "v < 7 mm/s",
     .hold_ms = 2000,
     .script = "1000 v=6; 2000 v=9; 3500 v=9; 4000 v=9; 5000 v=6; 6000 v=3",
     .edges = "3000 raised pump-1/r normal 9\n4000 changed pump-1/r urgent 9\n"
              "5000 changed pump-1/r normal 6\n6000 cleared pump-1/r normal 3\n"},
    {.name = "levels jump to the highest that has held",
     .when = "v > 5 mm/s",
     .when_2 = "v > 8 mm/s",
     .hold_ms = 2000,
     .script = "1000 v=9; 2500 v=9; 3500 v=1",
     .edges = "3000 raised pump-1/r urgent 9\n3500 cleared pump-1/r urgent 1\n"},
    {.name = "the higher level alone raises, and rests in the lower one's band",
     .when = "v > 5 mm/s",
     .clear = "v < 2 mm/s",
     .when_2 = "v > 8 mm/s",
     .clear_2 = "v < 7 mm/s",
     .clear_hold_ms = 1000,
     .script = "1000 v=9; 2000 v=3; 2900 v=3; 3500 v=3; 4000 v=1; 5000 v=1",
     .edges = "1000 raised pump-1/r urgent 9\n3000 changed pump-1/r normal 3\n"
              "5000 cleared pump-1/r normal 1\n"},
    {.name = "both levels clear together when both have held",
     .when = "v > 5 mm/s",
     .when_2 = "v > 8 mm/s",
     .clear_hold_ms = 1000,
     .script = "1000 v=9; 2000 v=1; 2500 v=1; 3500 v=1",
     .edges = "1000 raised pump-1/r urgent 9\n3000 cleared pump-1/r urgent 1\n"},
    {.name = "a condition that still holds is not clear",
     .when = "a > 80 °C",
     .clear = "b < 50 °C",
     .script = "1000 a=90,b=40; 2000 a=90,b=40; 3000 a=70,b=60; 4000 a=70,b=40",
     .edges = "1000 raised pump-1/r normal 90\n4000 cleared pump-1/r normal 70\n"},
    {.name = "the other device's frames judge too",
     .when = "feeder-1.u < 200 V and run",
     .script = "1000 run=1; 2000 feeder-1/u=150; 3000 feeder-1/u=230",
     .edges = "2000 raised pump-1/r normal 150\n3000 cleared pump-1/r normal 230\n"},
    {.name = "the value is the left side, or the right one when the left is constant",
     .when = "80 °C < greatest(a, b)",
     .script = "1000 a=10,b=90",
     .edges = "1000 raised pump-1/r normal 90\n"},
    {.name = "a bare condition has the value of its first point",
     .when = "not run",
     .script = "1000 run=0; 2000 run=1",
     .edges = "1000 raised pump-1/r normal 0\n2000 cleared pump-1/r normal 1\n"},
    {.name = "a value that is unknown is left out",
     .when = "a > 80 °C or run",
     .script = "1000 run=1",
     .edges = "1000 raised pump-1/r normal\n"},
    {.name = "the watch tells when clear comes and goes, and when while turns true",
     .while_ = "run",
     .when = "a > 80 °C",
     .watched = true,
     .script = "1000 a=70,run=1; 2000 a=60,run=0; 3000 a=60,run=1; 4000 a=!timeout; "
               "5000 a=70; 6000 a=90",
     .edges = "1000 watch pump-1/r\n3000 watch pump-1/r\n4000 watch pump-1/r\n"
              "5000 watch pump-1/r\n6000 raised pump-1/r normal 90\n"
              "6000 watch pump-1/r\n"},
};

static struct plant *
plant_of(const struct scenario *s)
{
    struct plant *p = plant_new();
    struct rule_spec *rule = plant_rule(p, "r", s->when);
    rule->hold_ms = s->hold_ms;
    rule->clear_hold_ms = s->clear_hold_ms;
    rule->while_ = plant_text(s->while_);
    rule->levels[0].clear = plant_text(s->clear);
    if (s->when_2 != NULL) {
        rule->level_count = 2;
        rule->levels[1].severity = SEVERITY_URGENT;
        rule->levels[1].when = plant_text(s->when_2);
        rule->levels[1].clear = plant_text(s->clear_2);
    }
    return p;
}

START_TEST(test_scenarios)
{
    const struct scenario *s = &scenarios[_i];
    struct plant *p = plant_of(s);
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    rules_set_watched(r, PUMP_1, 0, s->watched);
    play(p, r, s->script, &edges);
    ck_assert_msg(strcmp(strbuf_text(&edges), s->edges) == 0, "%s:\n%s  is not\n%s",
                  s->name, strbuf_text(&edges), s->edges);
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

START_TEST(test_edges_of_one_frame_come_by_device_then_rule)
{
    struct plant *p = plant_new();
    plant_rule(p, "a-rule", "feeder-1.u > 1 V")->applies_to =
        (struct applies_to){.type = "pump"};
    plant_rule(p, "b-rule", "feeder-1.u > 2 V");
    plant_rule(p, "c-rule", "u > 3 V")->applies_to.id = NULL;
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    play(p, r, "1000 feeder-1/u=9; 6000; 7000 feeder-1/u=0", &edges);
    ck_assert_str_eq(strbuf_text(&edges), "1000 raised feeder-1/c-rule normal 9\n"
                                          "1000 raised pump-1/a-rule normal 9\n"
                                          "1000 raised pump-1/b-rule normal 9\n"
                                          "1000 raised pump-2/a-rule normal 9\n"
                                          "6000 offline feeder-1\n"
                                          "7000 online feeder-1\n"
                                          "7000 cleared feeder-1/c-rule normal 0\n"
                                          "7000 cleared pump-1/a-rule normal 0\n"
                                          "7000 cleared pump-1/b-rule normal 0\n"
                                          "7000 cleared pump-2/a-rule normal 0\n");
    ck_assert(rules_bound(r, PUMP_2, 0));
    ck_assert(!rules_bound(r, PUMP_2, 1));
    ck_assert_uint_eq(rules_count(r).instances, 4);
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

START_TEST(test_latest_and_health)
{
    struct plant *p = plant_new();
    plant_rule(p, "r", "a > 80 °C");
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    uint32_t a = site_point(&p->site, PUMP_1, "a");
    struct latest l = rules_latest(r, a);
    ck_assert_int_eq(l.quality, QUALITY_STALE);
    ck_assert(l.last_good_ms == INSTANT_NONE && l.t_ms == INSTANT_NONE);
    ck_assert_int_eq(rules_device_health(r, PUMP_1), DEVICE_UNKNOWN);
    ck_assert(rules_due(r) == INSTANT_MAX);
    play(p, r, "1000 a=5; 2000 a=!crc", &edges);
    l = rules_latest(r, a);
    ck_assert_int_eq(l.quality, QUALITY_CRC);
    ck_assert(l.value == 5 && l.last_good_ms == 1000 && l.t_ms == 2000);
    ck_assert_uint_eq(l.detail, 0);
    struct frame *f = plant_frame(PUMP_1, 2500);
    plant_frame_add(f, a, 0, QUALITY_EXCEPTION);
    f->readings[0].detail = 2;
    rules_frame(r, f, write_edge, &edges);
    free(f);
    ck_assert_uint_eq(rules_latest(r, a).detail, 2);
    ck_assert_int_eq(rules_device_health(r, PUMP_1), DEVICE_ONLINE);
    play(p, r, "3000 a=6; 8000", &edges);
    ck_assert_int_eq(rules_latest(r, a).quality, QUALITY_STALE);
    ck_assert_int_eq(rules_device_health(r, PUMP_1), DEVICE_OFFLINE);
    ck_assert_str_eq(strbuf_text(&edges), "8000 offline pump-1\n");
    ck_assert(rules_due(r) == INSTANT_MAX);
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

START_TEST(test_watch_counts_from_the_last_break)
{
    struct plant *p = plant_new();
    plant_rule(p, "r", "a > 80 °C")->while_ = plant_text("run");
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    struct watch w = rules_watch(r, PUMP_1, 0);
    ck_assert(!w.clear && !w.while_now && w.while_last_ms == INSTANT_NONE);
    play(p, r, "1000 a=70,run=1; 2000 a=70,run=0; 3000 a=70,run=0", &edges);
    w = rules_watch(r, PUMP_1, 0);
    ck_assert(w.clear && w.clear_since_ms == 1000);
    ck_assert(!w.while_now && w.while_last_ms == 1000);
    play(p, r, "4000 run=!timeout; 5000 run=1", &edges);
    w = rules_watch(r, PUMP_1, 0);
    ck_assert(w.clear && w.clear_since_ms == 5000);
    ck_assert(w.while_now && w.while_last_ms == 5000);
    play(p, r, "10000", &edges);
    ck_assert(!rules_watch(r, PUMP_1, 0).clear);
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

struct saved {
    struct rule_state rows[8];
    size_t count;
};

static void
save_row(void *ctx, const struct rule_state *s)
{
    struct saved *saved = ctx;
    ck_assert_uint_lt(saved->count, ARRAY_LEN(saved->rows));
    saved->rows[saved->count++] = *s;
}

static const struct restart {
    const char *name;
    const char *before; /* Script, and what happens after the restart. */
    int64_t alive_ms;
    const char *after;
    const char *edges;
} restarts[] = {
    {"a running hold goes on", "1000 v=6", 2000, "3000 v=6; 11000",
     "8000 offline pump-1\n" /* v is stale before the hold is over */},
    {"a hold that ended meanwhile raises when the condition is confirmed",
     "1000 v=6; 1500 run=1", 2000, "12000 run=1; 13000 v=6",
     "13000 raised pump-1/r normal 6\n"},
    {"a hold begins anew after a long silence", "1000 v=6", 2000,
     "70000 v=6; 74000 v=6; 78000 v=6; 79999 v=6; 80000",
     "80000 raised pump-1/r normal 6\n"},
    {"a hold ends when the condition is no more", "1000 v=6", 2000,
     "12000 v=1; 13000 v=6; 14000 v=6", ""},
    {"a bad sample cancels it", "1000 v=6", 2000, "12000 v=!timeout; 13000 v=6", ""},
    {"a raised alarm stays, and is not raised twice",
     "1000 v=6; 5000 v=6; 9000 v=6; 11000", 12000,
     "200000 v=6; 203000 v=6; 204000 v=1; 207000 v=1; 209000",
     "209000 cleared pump-1/r normal 1\n"},
    {"a running clear_hold goes on", "1000 v=6; 5000 v=6; 9000 v=6; 11000; 12000 v=1",
     13000, "18000 v=1", "18000 cleared pump-1/r normal 1\n"},
    {"the upper level's hold goes on", "1000 v=6; 5000 v=6; 9000 v=9; 11000", 12000,
     "14000 v=9; 18000 v=9; 19000", "19000 changed pump-1/r urgent 9\n"},
};

START_TEST(test_restart)
{
    const struct restart *t = &restarts[_i];
    struct scenario s = {.when = "v > 5 mm/s",
                         .when_2 = "v > 8 mm/s",
                         .hold_ms = 10000,
                         .clear_hold_ms = 5000};
    struct plant *p = plant_of(&s);
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    struct saved saved = {.count = 0};
    play(p, r, t->before, &edges);
    rules_save(r, true, save_row, &saved);
    ck_assert_uint_eq(saved.count, 1);
    rules_free(r);
    r = rules_of(p);
    ck_assert(rules_restore(r, &saved.rows[0], t->alive_ms));
    ck_assert(rules_due(r) == INSTANT_MAX);
    strbuf_clear(&edges);
    play(p, r, t->after, &edges);
    ck_assert_msg(strcmp(strbuf_text(&edges), t->edges) == 0, "%s:\n%s  is not\n%s",
                  t->name, strbuf_text(&edges), t->edges);
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

START_TEST(test_save_gives_what_changed)
{
    struct plant *p = plant_new();
    plant_rule(p, "r", "a > 80 °C")->hold_ms = 2000;
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    struct saved saved = {.count = 0};
    rules_save(r, false, save_row, &saved);
    play(p, r, "1000 a=70; 2000 a=71", &edges);
    rules_save(r, false, save_row, &saved);
    ck_assert_uint_eq(saved.count, 0);
    play(p, r, "3000 a=90; 4000 a=91", &edges);
    rules_save(r, false, save_row, &saved);
    ck_assert_uint_eq(saved.count, 1);
    ck_assert_int_eq(saved.rows[0].phase, RULE_PENDING);
    ck_assert(saved.rows[0].since_ms == 3000 && saved.rows[0].target_level == 0);
    rules_save(r, false, save_row, &saved);
    ck_assert_uint_eq(saved.count, 1);
    play(p, r, "4500 a=60", &edges);
    rules_save(r, false, save_row, &saved);
    ck_assert_uint_eq(saved.count, 2);
    ck_assert_int_eq(saved.rows[1].phase, RULE_NORMAL);
    rules_set_watched(r, PUMP_1, 0, true);
    rules_save(r, false, save_row, &saved);
    ck_assert_uint_eq(saved.count, 3);
    ck_assert(saved.rows[2].clear && saved.rows[2].clear_since_ms == 4500);
    struct rule_state gone = saved.rows[2];
    gone.device = FEEDER;
    ck_assert(!rules_restore(r, &gone, 5000));
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

START_TEST(test_watch_goes_on_over_a_restart)
{
    struct plant *p = plant_new();
    plant_rule(p, "r", "a > 80 °C");
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    shown = p;
    struct rule_state row = {.device = PUMP_1,
                             .phase = RULE_NORMAL,
                             .level = -1,
                             .target_level = -1,
                             .clear = true,
                             .clear_since_ms = 1000,
                             .while_last_ms = 9000};
    ck_assert(rules_restore(r, &row, 9000));
    rules_restore_device(r, PUMP_1, DEVICE_OFFLINE);
    rules_set_watched(r, PUMP_1, 0, true);
    ck_assert(!rules_watch(r, PUMP_1, 0).clear); /* Not seen yet. */
    play(p, r, "10000 b=1; 11000 a=70", &edges);
    ck_assert_str_eq(strbuf_text(&edges),
                     "10000 online pump-1\n11000 watch pump-1/r\n");
    ck_assert(rules_watch(r, PUMP_1, 0).clear_since_ms == 1000);
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

START_TEST(test_shift_moves_everything_along)
{
    struct plant *p = plant_new();
    plant_rule(p, "r", "a > 80 °C")->hold_ms = 2000;
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    play(p, r, "1000 a=90", &edges);
    rules_shift(r, 100000);
    ck_assert(rules_due(r) == 103000);
    play(p, r, "102000 b=1; 103000; 106000; 107000", &edges);
    ck_assert_str_eq(strbuf_text(&edges),
                     "103000 raised pump-1/r normal 90\n107000 offline pump-1\n");
    ck_assert(rules_latest(r, site_point(&p->site, PUMP_1, "a")).last_good_ms ==
              101000);
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

START_TEST(test_titles)
{
    static const struct {
        const char *title, *text;
    } titles[] = {
        {"{device} bearing at {a}", "泵 bearing at 81.2 °C"},
        {"{b}, {x}", "71.235 °C, ?"},
        {"{run} {v}", "true 0.00123 mm/s"},
        {"{feeder-1.u} {feeder-1.gone} {gone} {a", "230 V {feeder-1.gone} {gone} {a"},
        {"", ""},
    };
    struct plant *p = plant_new();
    plant_rule(p, "r", "a > 80 °C");
    p->devices[PUMP_1].name = "泵";
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    char text[100];
    play(p, r, "1000 a=81.2,b=71.23456,run=1,v=0.001234; 1000 feeder-1/u=230", &edges);
    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        rules_render(r, text, sizeof text, titles[i].title, PUMP_1);
        ck_assert_str_eq(text, titles[i].text);
    }
    rules_render(r, text, 3, "{device} x", PUMP_1);
    ck_assert_str_eq(text, "");
    rules_render(r, text, 5, "{device}{device}", PUMP_1);
    ck_assert_str_eq(text, "泵");
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

static void
count_edge(void *ctx, const struct edge *e)
{
    uint32_t *edges = ctx;
    (void)e;
    (*edges)++;
}

START_TEST(test_frames_and_timers_do_not_allocate)
{
    struct plant *p = plant_new();
    struct rule_spec *rule = plant_rule(p, "r", "a > 80 °C and age(b) < 1h");
    rule->hold_ms = 100;
    size_t before = allocations;
    struct rules *r = rules_of(p);
    ck_assert(!ALLOCATIONS_ARE_COUNTED || allocations > before);
    struct frame *f = plant_frame(PUMP_1, 0);
    uint32_t edges = 0;
    plant_frame_add(f, site_point(&p->site, PUMP_1, "a"), 0, QUALITY_GOOD);
    plant_frame_add(f, site_point(&p->site, PUMP_1, "b"), 1, QUALITY_GOOD);
    before = allocations;
    for (int64_t t = 0; t < 200000; t += 1000) {
        f->t_ms = t + (t > 100000 ? 9000 : 0);
        while (rules_due(r) <= f->t_ms) {
            rules_fire(r, count_edge, &edges);
        }
        f->readings[0].value = t % 5000 == 0 ? 70 : 90;
        rules_frame(r, f, count_edge, &edges);
    }
    size_t after = allocations;
    ck_assert_uint_gt(edges, 40);
    ck_assert_uint_eq(after, before);
    free(f);
    rules_free(r);
    free(p);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("rules");
    TCase *tc = tcase_create("rules");
    tcase_add_loop_test(tc, test_scenarios, 0, (int)ARRAY_LEN(scenarios));
    tcase_add_loop_test(tc, test_restart, 0, (int)ARRAY_LEN(restarts));
    tcase_add_test(tc, test_edges_of_one_frame_come_by_device_then_rule);
    tcase_add_test(tc, test_latest_and_health);
    tcase_add_test(tc, test_watch_counts_from_the_last_break);
    tcase_add_test(tc, test_save_gives_what_changed);
    tcase_add_test(tc, test_watch_goes_on_over_a_restart);
    tcase_add_test(tc, test_shift_moves_everything_along);
    tcase_add_test(tc, test_titles);
    tcase_add_test(tc, test_frames_and_timers_do_not_allocate);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failures = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failures == 0 ? 0 : 1;
}
