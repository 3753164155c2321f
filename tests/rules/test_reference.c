/* The engine against a second, naive one: random rules on random streams.
 *
 * The naive one knows no timers, no queues and no programs: it walks time in ticks, and
 * at each step of each tick evaluates every rule's tree anew.  Both must tell the same
 * edges, in the same order. */
#include <check.h>
#include <math.h>
#include <stdio.h>

#include "tests/fake/sanitized.h"
#include "tests/rules/plant.h"

#define TICK_MS    100
#define TICKS      400
#define RULES      5
#define TREES_MAX  64
#define LEVELS     2
#define POINTS     64
#define STREAMS    (1000 / SANITIZED_SLOWER)
#define HEALTH_NEW 2 /* Of a naive device: nothing is known of it. */

static uint64_t
next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static int
pick(uint64_t *state, int count)
{
    return (int)(next_random(state) % (uint64_t)count);
}

/* A random condition. */
enum tree_kind { LESS, GAP, RUN, QUALITY, ONLINE, AGE, FEEDER_MORE, NOT, AND, OR };
struct tree {
    enum tree_kind kind;
    int number;
    char point;
    struct tree *a, *b;
};

struct naive_rule {
    struct tree *while_, *when[LEVELS], *clear[LEVELS];
    int levels;
    int64_t hold, clear_hold;
};

struct naive_state {
    int level;
    int64_t since[LEVELS]; /* -1: not running. */
    int clear, while_;     /* For the watch. */
};

struct naive {
    struct plant *p;
    struct naive_rule rules[RULES];
    struct naive_state states[3][RULES];
    struct tree trees[TREES_MAX * RULES];
    int tree_count;
    double value[POINTS];
    int quality[POINTS]; /* -1: never asked. */
    int64_t base[POINTS];
    int64_t good[POINTS]; /* -1: never. */
    bool stale[POINTS];
    int online[3];
    bool lost[3]; /* Its newest frame was refused, all of it. */
    uint32_t point_a[3], point_run[3], point_u;
    struct strbuf out;
};

static struct tree *
grow_tree(struct naive *n, uint64_t *rnd, int depth)
{
    struct tree *t = &n->trees[n->tree_count++];
    *t = (struct tree){.kind = (enum tree_kind)pick(rnd, depth > 0 ? OR + 1 : NOT)};
    t->number = pick(rnd, 8);
    t->point = "ab"[pick(rnd, 2)];
    if (t->kind >= NOT) {
        t->a = grow_tree(n, rnd, depth - 1);
        t->b = t->kind == NOT ? NULL : grow_tree(n, rnd, depth - 1);
    }
    return t;
}

static void
print_tree(struct strbuf *out, const struct tree *t)
{
    switch (t->kind) {
    case LESS:
        strbuf_printf(out, "%c < %d °C", t->point, t->number);
        break;
    case GAP:
        strbuf_printf(out, "a - b >= %d K", t->number - 4);
        break;
    case RUN:
        strbuf_add(out, "run");
        break;
    case QUALITY:
        strbuf_printf(out, "quality(%c) == \"timeout\"", t->point);
        break;
    case ONLINE:
        strbuf_add(out, "online");
        break;
    case AGE:
        strbuf_printf(out, "age(%c) >= %d ms", t->point, t->number * 3 * TICK_MS);
        break;
    case FEEDER_MORE:
        strbuf_printf(out, "feeder-1.u > %d V", t->number);
        break;
    case NOT:
        strbuf_add(out, "not (");
        print_tree(out, t->a);
        strbuf_add(out, ")");
        break;
    case AND:
    case OR:
        strbuf_add(out, "(");
        print_tree(out, t->a);
        strbuf_add(out, t->kind == AND ? ") and (" : ") or (");
        print_tree(out, t->b);
        strbuf_add(out, ")");
        break;
    }
}

static uint32_t
naive_point(const struct naive *n, uint32_t device, const char *id)
{
    uint32_t point = site_point(&n->p->site, device, id);
    if (point == NONE_INDEX) {
        abort(); /* No ck_assert here: each writes to a file. */
    }
    return point;
}

/* 0, 1, or -1 for unknown. */
static int
naive_truth(const struct naive *n, const struct tree *t, uint32_t device, int64_t now)
{
    uint32_t a = n->point_a[device];
    uint32_t b = a + 1;
    uint32_t p = t->point == 'a' ? a : b;
    uint32_t run = n->point_run[device];
    uint32_t u = n->point_u;
    int left = t->a == NULL ? 0 : naive_truth(n, t->a, device, now);
    int right = t->b == NULL ? 0 : naive_truth(n, t->b, device, now);
#define OK(i) (n->quality[i] == QUALITY_GOOD)
    switch (t->kind) {
    case LESS:
        return OK(p) ? n->value[p] < t->number : -1;
    case GAP:
        return OK(a) && OK(b) ? n->value[a] - n->value[b] >= t->number - 4 : -1;
    case RUN:
        return OK(run) ? n->value[run] == 1 : -1;
    case QUALITY:
        return n->quality[p] < 0 ? -1 : n->quality[p] == QUALITY_TIMEOUT;
    case ONLINE:
        return n->online[device] == HEALTH_NEW || n->lost[device] ? -1
                                                                  : n->online[device];
    case AGE:
        return n->good[p] < 0 ? -1 : now - n->good[p] >= t->number * 3 * TICK_MS;
    case FEEDER_MORE:
        return OK(u) ? n->value[u] > t->number : -1;
    case NOT:
        return left < 0 ? -1 : !left;
    case AND:
        if (left == 0 || right == 0) {
            return 0;
        }
        return left < 0 || right < 0 ? -1 : 1;
    case OR:
        break;
    }
#undef OK
    if (left == 1 || right == 1) {
        return 1;
    }
    return left < 0 || right < 0 ? -1 : 0;
}

static void
naive_say(
    struct naive *n, int64_t t, enum edge_kind kind, uint32_t d, int rule, int level)
{
    struct edge e = {.t_ms = t, .kind = kind, .device = d, .rule = (uint32_t)rule};
    if (kind == EDGE_RAISED || kind == EDGE_CHANGED || kind == EDGE_CLEARED) {
        e.severity = n->p->rules[rule].levels[level].severity;
    }
    if (rule < 0) {
        e.rule = NONE_INDEX;
    }
    plant_edge(&n->out, &e, n->p);
}

static void
naive_judge(struct naive *n, uint32_t d, int i, int64_t t)
{
    const struct naive_rule *r = &n->rules[i];
    struct naive_state *s = &n->states[d][i];
    int w = r->while_ == NULL ? 1 : naive_truth(n, r->while_, d, t);
    int when[LEVELS];
    int clear[LEVELS];
    for (int k = 0; k < r->levels; k++) {
        when[k] = naive_truth(n, r->when[k], d, t);
        clear[k] = when[k] < 0 ? -1 : !when[k];
        if (r->clear[k] != NULL) {
            clear[k] = when[k] == 1 ? 0 : naive_truth(n, r->clear[k], d, t);
        }
    }
    int was = s->level;
    for (int round = 0; round < 2; round++) { /* Once more after a move. */
        for (int k = 0; k < r->levels; k++) {
            bool runs = w == 1 && (k > s->level ? when[k] : clear[k]) == 1;
            if (!runs) {
                s->since[k] = -1;
            } else if (s->since[k] < 0) {
                s->since[k] = t;
            }
        }
        if (round == 1) {
            break;
        }
        int to = s->level;
        for (int k = s->level + 1; k < r->levels; k++) {
            if (s->since[k] >= 0 && s->since[k] + r->hold <= t) {
                to = k;
            }
        }
        if (to == s->level) {
            while (to >= 0 && s->since[to] >= 0 && s->since[to] + r->clear_hold <= t) {
                to--;
            }
        }
        for (int k = 0; k < r->levels; k++) {
            if ((k > s->level) != (k > to)) {
                s->since[k] = -1;
            }
        }
        s->level = to;
    }
    if (was != s->level) {
        enum edge_kind kind = was < 0 ? EDGE_RAISED : EDGE_CHANGED;
        kind = s->level < 0 ? EDGE_CLEARED : kind;
        naive_say(n, t, kind, d, i, s->level < 0 ? was : s->level);
    }
    int is_clear = when[0] == 0 && w >= 0;
    if (is_clear != s->clear || (w == 1 && s->while_ != 1)) {
        naive_say(n, t, EDGE_WATCH, d, i, 0);
    }
    s->clear = is_clear;
    s->while_ = w == 1;
}

static void
naive_judge_all(struct naive *n, int64_t t)
{
    for (uint32_t d = PUMP_1; d <= PUMP_2; d++) {
        for (int i = 0; i < RULES; i++) {
            naive_judge(n, d, i, t);
        }
    }
}

static void
naive_stale(struct naive *n, uint32_t device, int64_t t)
{
    const struct device *d = &n->p->devices[device];
    bool any = false;
    int64_t fresh = -1; /* The newest of what is not stale, */
    int64_t gone = -1;  /* and of what is since now. */
    for (uint32_t p = d->first_point; p < d->first_point + d->point_count; p++) {
        if (n->quality[p] >= 0 && !n->stale[p] &&
            n->base[p] + n->p->points[p].stale_after_ms <= t) {
            n->stale[p] = any = true;
            gone = n->base[p] > gone ? n->base[p] : gone;
            if (n->quality[p] == QUALITY_GOOD) {
                n->quality[p] = QUALITY_STALE;
            }
        }
        if (n->quality[p] >= 0 && !n->stale[p] && n->base[p] > fresh) {
            fresh = n->base[p];
        }
    }
    if (any && gone >= fresh && n->online[device] != 0) {
        n->online[device] = 0;
        naive_say(n, t, EDGE_DEVICE_OFFLINE, device, -1, 0);
    }
    if (any) {
        naive_judge_all(n, t);
    }
}

static void
naive_frame(struct naive *n, const struct frame *f)
{
    bool answers = false;
    if (f->count > 0) {
        n->lost[f->device] = f->readings[0].quality == QUALITY_REFUSED;
    }
    for (int i = 0; i < f->count; i++) {
        uint32_t p = f->readings[i].point;
        bool good = f->readings[i].quality == QUALITY_GOOD;
        if (good || n->quality[p] < 0) {
            n->base[p] = f->t_ms;
            n->stale[p] = false;
        }
        n->quality[p] = f->readings[i].quality;
        if (good) {
            n->value[p] = f->readings[i].value;
            n->good[p] = f->t_ms;
            answers = true;
        }
    }
    if (answers) {
        if (n->online[f->device] == 0) {
            naive_say(n, f->t_ms, EDGE_DEVICE_ONLINE, f->device, -1, 0);
        }
        n->online[f->device] = 1;
    }
    naive_judge_all(n, f->t_ms);
}

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
make_rules(struct naive *n, struct arena *arena, uint64_t *rnd)
{
    static const char *const ids[] = {"r1", "r2", "r3", "r4", "r5"};
    for (int i = 0; i < RULES; i++) {
        struct naive_rule *r = &n->rules[i];
        r->levels = 1 + pick(rnd, LEVELS);
        r->hold = pick(rnd, 4) == 0 ? 0 : (1 + pick(rnd, 12)) * TICK_MS;
        r->clear_hold = pick(rnd, 3) == 0 ? 0 : (1 + pick(rnd, 12)) * TICK_MS;
        r->while_ = pick(rnd, 2) == 0 ? NULL : grow_tree(n, rnd, 1);
        struct rule_spec *spec = plant_rule(n->p, ids[i], NULL);
        spec->applies_to = (struct applies_to){.type = "pump"};
        spec->level_count = (uint32_t)r->levels;
        spec->hold_ms = r->hold;
        spec->clear_hold_ms = r->clear_hold;
        if (r->while_ != NULL) {
            spec->while_ = text_of(r->while_, arena);
        }
        for (int k = 0; k < r->levels; k++) {
            r->when[k] = grow_tree(n, rnd, 2);
            r->clear[k] = pick(rnd, 2) == 0 ? NULL : grow_tree(n, rnd, 1);
            spec->levels[k].severity = k == 0 ? SEVERITY_NORMAL : SEVERITY_URGENT;
            spec->levels[k].when = text_of(r->when[k], arena);
            spec->levels[k].clear = (struct expr_text){0};
            if (r->clear[k] != NULL) {
                spec->levels[k].clear = text_of(r->clear[k], arena);
            }
        }
    }
}

static void
fill_frame(const struct naive *n, struct frame *f, uint64_t *rnd)
{
    static const char *const ids[] = {"a", "b", "run"};
    bool refused = pick(rnd, 16) == 0;
    f->count = 0;
    for (int i = 0; i < (f->device == FEEDER ? 1 : 3); i++) {
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

/* Plays one random stream through both; the engine's edges are left in `out`. */
static void
play(struct naive *n, struct rules *r, struct engine_out *out, uint64_t *rnd)
{
    struct frame *f = plant_frame(FEEDER, 0);
    for (int64_t t = 0; t < TICKS * TICK_MS; t += TICK_MS) {
        while (rules_due(r) <= t) {
            rules_fire(r, engine_edge, out);
        }
        naive_judge_all(n, t);
        for (uint32_t d = 0; d < 3; d++) {
            naive_stale(n, d, t);
        }
        for (uint32_t d = 0; d < 3; d++) {
            bool silent = (t / 6000) % 3 == d; /* Each is away for a while. */
            if (pick(rnd, 6) != 0 || silent) {
                continue;
            }
            f->device = d;
            f->t_ms = t;
            fill_frame(n, f, rnd);
            rules_frame(r, f, engine_edge, out);
            naive_frame(n, f);
        }
    }
    free(f);
}

static struct naive *
naive_new(void)
{
    struct naive *n = calloc(1, sizeof *n);
    ck_assert_ptr_nonnull(n);
    n->p = plant_new();
    for (uint32_t p = 0; p < POINTS; p++) {
        n->quality[p] = -1;
        n->good[p] = -1;
        n->p->points[p].stale_after_ms = (int64_t)(10 + p % 5) * TICK_MS;
    }
    n->point_u = naive_point(n, FEEDER, "u");
    for (uint32_t d = 0; d < 3; d++) {
        if (d != FEEDER) {
            n->point_a[d] = naive_point(n, d, "a");
            n->point_run[d] = naive_point(n, d, "run");
        }
        n->online[d] = HEALTH_NEW;
        for (int i = 0; i < RULES; i++) {
            n->states[d][i] = (struct naive_state){-1, {-1, -1}, 0, 0};
        }
    }
    return n;
}

static void
run_stream(uint64_t seed, struct strbuf *engine_text, struct strbuf *naive_text)
{
    uint64_t rnd = seed;
    struct naive *n = naive_new();
    struct arena *arena = arena_new();
    struct diags diags;
    diags_init(&diags);
    make_rules(n, arena, &rnd);
    struct rules *r = rules_new(&n->p->site, &diags);
    if (r == NULL) {
        diags_print(&diags, stderr);
    }
    ck_assert_ptr_nonnull(r);
    struct engine_out out = {.p = n->p};
    for (uint32_t d = PUMP_1; d <= PUMP_2; d++) {
        for (uint32_t i = 0; i < RULES; i++) {
            rules_set_watched(r, d, i, true);
            n->states[d][i].while_ = n->rules[i].while_ == NULL;
        }
    }
    play(n, r, &out, &rnd);
    *engine_text = out.text;
    *naive_text = n->out;
    rules_free(r);
    diags_fini(&diags);
    arena_free(arena);
    free(n->p);
    free(n);
}

START_TEST(test_both_tell_the_same)
{
    size_t told = 0;
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        struct strbuf engine = {0};
        struct strbuf naive = {0};
        run_stream(seed * 7919, &engine, &naive);
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
    ck_assert_uint_gt(told, STREAMS * 1000); /* They did have something to tell. */
}
END_TEST

START_TEST(test_the_same_input_gives_the_same_edges)
{
    struct strbuf first = {0};
    struct strbuf second = {0};
    struct strbuf naive = {0};
    run_stream(4711, &first, &naive);
    strbuf_fini(&naive);
    run_stream(4711, &second, &naive);
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
    tcase_add_test(tc, test_the_same_input_gives_the_same_edges);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failures = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failures == 0 ? 0 : 1;
}
