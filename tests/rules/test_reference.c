/* The engine against a second, naive one: random rules on random streams with gaps, bad
 * samples and devices that fall silent.  Both must tell the same edges, in the same
 * order. */
#include <check.h>
#include <stdio.h>

#include "tests/fake/sanitized.h"
#include "tests/rules/naive.h"

#define TICKS     400
#define STREAMS   (1000 / SANITIZED_SLOWER)
#define AFTER_MAX 3 /* Milliseconds after a tick at which a timer may be due. */

/* The text of a tree lives until the strbuf list of the test is freed. */
static struct expr_text
text_of(const struct tree *t, struct arena *arena)
{
    struct strbuf b = {0};
    print_tree(&b, t);
    struct expr_text text = plant_text(arena_strdup(arena, b.text));
    strbuf_fini(&b);
    return text;
}

static void
make_rules(struct naive *n, bool past, struct arena *arena, uint64_t *rnd)
{
    static const char *const ids[] = {"r1", "r2", "r3", "r4", "r5"};
    for (int i = 0; i < RULES; i++) {
        struct naive_rule *r = &n->rules[i];
        r->levels = 1 + pick(rnd, LEVELS);
        r->hold = pick(rnd, 4) == 0 ? 0 : (1 + pick(rnd, 12)) * TICK_MS;
        r->clear_hold = pick(rnd, 3) == 0 ? 0 : (1 + pick(rnd, 12)) * TICK_MS;
        r->while_ = pick(rnd, 2) == 0 ? NULL : grow_tree(&n->trees, rnd, 1, past);
        struct rule_spec *spec = plant_rule(n->p, ids[i], NULL);
        spec->applies_to = (struct applies_to){.type = "pump"};
        spec->level_count = (uint32_t)r->levels;
        spec->hold_ms = r->hold;
        spec->clear_hold_ms = r->clear_hold;
        if (r->while_ != NULL) {
            spec->while_ = text_of(r->while_, arena);
        }
        for (int k = 0; k < r->levels; k++) {
            r->when[k] = grow_tree(&n->trees, rnd, 2, past);
            r->clear[k] = pick(rnd, 2) == 0 ? NULL : grow_tree(&n->trees, rnd, 1, past);
            spec->levels[k].severity = k == 0 ? SEVERITY_NORMAL : SEVERITY_URGENT;
            spec->levels[k].when = text_of(r->when[k], arena);
            spec->levels[k].clear = (struct expr_text){0};
            if (r->clear[k] != NULL) {
                spec->levels[k].clear = text_of(r->clear[k], arena);
            }
        }
    }
    naive_begin(n);
}

static void
fill_frame(const struct naive *n, struct frame *f, uint64_t *rnd)
{
    static const char *const ids[] = {"a", "b", "run", "n"};
    bool refused = pick(rnd, 16) == 0;
    f->count = 0;
    for (int i = 0; i < (f->device == FEEDER ? 1 : 4); i++) {
        if (pick(rnd, 4) == 0) {
            continue;
        }
        uint32_t p = naive_point(n, f->device, f->device == FEEDER ? "u" : ids[i]);
        enum quality q = pick(rnd, 12) == 0 ? QUALITY_TIMEOUT : QUALITY_GOOD;
        q = refused ? QUALITY_REFUSED : q;
        double value = i == 2 ? pick(rnd, 2) : pick(rnd, 8);
        plant_frame_add(f, p, value, q);
    }
}

struct engine_out {
    struct strbuf text;
    const struct plant *p;
};

static void
engine_edge(void *ctx, const struct edge *e)
{
    struct engine_out *out = ctx;
    struct edge plain = *e;
    plain.has_value = false; /* Which value goes along is another test's. */
    plant_edge(&out->text, &plain, out->p);
}

static void
fire_until(struct rules *r, int64_t t, struct engine_out *out)
{
    while (rules_due(r) <= t) {
        rules_fire(r, engine_edge, out);
    }
}

/* Plays one random stream through both; the engine's edges are left in `out`. */
static void
play(struct naive *n, struct rules *r, struct engine_out *out, uint64_t *rnd)
{
    struct frame *f = plant_frame(FEEDER, 0);
    for (int64_t t = 0; t < TICKS * TICK_MS; t += TICK_MS) {
        fire_until(r, t, out);
        naive_pass(n, t);
        for (uint32_t d = 0; d < 3; d++) {
            naive_stale(n, d, t);
        }
        for (uint32_t d = 0; d < 3; d++) {
            bool silent = (t / 6000) % 3 == d; /* Each is away for a while. */
            if (pick(rnd, n->always ? 6 : 4) != 0 || silent) {
                continue;
            }
            f->device = d;
            f->t_ms = t;
            fill_frame(n, f, rnd);
            rules_frame(r, f, engine_edge, out);
            naive_frame(n, f);
        }
        for (int after = 1; !n->always && after <= AFTER_MAX; after++) {
            fire_until(r, t + after, out);
            naive_pass(n, t + after);
        }
    }
    free(f);
}

static void
run_stream(uint64_t seed,
           bool past,
           struct strbuf *engine_text,
           struct strbuf *naive_text)
{
    uint64_t rnd = seed;
    struct naive *n = naive_new();
    struct arena *arena = arena_new();
    struct diags diags;
    diags_init(&diags);
    n->always = !past;
    make_rules(n, past, arena, &rnd);
    struct rules *r = rules_new(&n->p->site, &diags);
    if (r == NULL) {
        diags_print(&diags, stderr);
    }
    ck_assert_ptr_nonnull(r);
    struct engine_out out = {.p = n->p};
    for (uint32_t d = PUMP_1; d <= PUMP_2; d++) {
        for (uint32_t i = 0; i < RULES; i++) {
            rules_set_watched(r, d, i, true);
        }
    }
    play(n, r, &out, &rnd);
    *engine_text = out.text;
    *naive_text = n->out;
    rules_free(r);
    diags_fini(&diags);
    arena_free(arena);
    naive_free(n);
}

static void
compare_streams(bool past, uint64_t streams)
{
    size_t told = 0;
    for (uint64_t seed = 1; seed <= streams; seed++) {
        struct strbuf engine = {0};
        struct strbuf naive = {0};
        run_stream(seed * 7919, past, &engine, &naive);
        const char *a = strbuf_text(&engine);
        const char *b = strbuf_text(&naive);
        size_t same = 0;
        while (a[same] != '\0' && a[same] == b[same]) {
            same++;
        }
        size_t from = same > 200 ? same - 200 : 0;
        ck_assert_msg(a[same] == b[same], "seed %d:\nengine ...%.300s\nnaive ...%.300s",
                      (int)seed, a + from, b + from);
        told += engine.size;
        strbuf_fini(&engine);
        strbuf_fini(&naive);
    }
    ck_assert_uint_gt(told, streams * 1000); /* They did have something to tell. */
}

START_TEST(test_both_tell_the_same)
{
    compare_streams(false, STREAMS);
}
END_TEST

START_TEST(test_both_tell_the_same_of_the_past)
{
    compare_streams(true, STREAMS);
}
END_TEST

START_TEST(test_the_same_input_gives_the_same_edges)
{
    struct strbuf first = {0};
    struct strbuf second = {0};
    struct strbuf naive = {0};
    run_stream(4711, true, &first, &naive);
    strbuf_fini(&naive);
    run_stream(4711, true, &second, &naive);
    ck_assert_str_eq(strbuf_text(&first), strbuf_text(&second));
    ck_assert_uint_gt(first.size, 100);
    strbuf_fini(&first);
    strbuf_fini(&second);
    strbuf_fini(&naive);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("reference");
    TCase *tc = tcase_create("reference");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_both_tell_the_same);
    tcase_add_test(tc, test_both_tell_the_same_of_the_past);
    tcase_add_test(tc, test_the_same_input_gives_the_same_edges);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failures = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failures == 0 ? 0 : 1;
}
