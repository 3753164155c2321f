/* The parser and the compiler against expressions that were grown from the grammar:
 * they are read as the tree that they were written from, with as few and with as many
 * parentheses as there can be, and are worth what it is worth; and a text that was
 * spoilt is refused with one error, at a place within it. */
#include <check.h>

#include "tests/fake/sanitized.h"
#include "tests/rules/grammar_worth.h"

#define EXPRESSIONS (4000 / SANITIZED_SLOWER)
#define SPOILT      (20000 / SANITIZED_SLOWER)
#define DEPTH       4
#define TOKENS_MAX  3000
#define TOKEN_BYTES 24
#define START       INT64_C(1000000)

/* An expression as it is written. */
struct tokens {
    char text[TOKENS_MAX][TOKEN_BYTES];
    bool apart[TOKENS_MAX]; /* A space before it is needed. */
    int count;
};

static void
add_token(struct tokens *out, bool apart, const char *text)
{
    ck_assert_int_lt(out->count, TOKENS_MAX);
    ck_assert_uint_lt(strlen(text), TOKEN_BYTES);
    strcpy(out->text[out->count], text);
    out->apart[out->count++] = apart;
}

/* How tightly a node binds, from `or` on. */
static int
binding_of(const struct gnode *n)
{
    switch (n->kind) {
    case NODE_OR:
        return 1;
    case NODE_AND:
        return 2;
    case NODE_NOT:
        return 3;
    case NODE_LT:
    case NODE_LE:
    case NODE_GT:
    case NODE_GE:
    case NODE_EQ:
    case NODE_NE:
        return 4;
    case NODE_ADD:
    case NODE_SUB:
        return 5;
    case NODE_MUL:
    case NODE_DIV:
    case NODE_MOD:
        return 6;
    case NODE_NEG:
        return 7;
    case NODE_NUMBER:
    case NODE_TRUTH:
    case NODE_STRING:
    case NODE_POINT:
    case NODE_CALL:
        break;
    }
    return 8;
}

static const char *
operator_of(enum node_kind kind)
{
    static const char *const texts[] = {
        [NODE_NOT] = "not", [NODE_AND] = "and", [NODE_OR] = "or", [NODE_LT] = "<",
        [NODE_LE] = "<=",   [NODE_GT] = ">",    [NODE_GE] = ">=", [NODE_EQ] = "==",
        [NODE_NE] = "!=",   [NODE_ADD] = "+",   [NODE_SUB] = "-", [NODE_MUL] = "*",
        [NODE_DIV] = "/",   [NODE_MOD] = "mod", [NODE_NEG] = "-"};
    return texts[kind];
}

static void write_node(struct tokens *out, const struct gnode *n, bool full, int least);

static void
write_leaf(struct tokens *out, const struct gnode *n)
{
    char text[2 * TOKEN_BYTES];
    if (n->kind == NODE_NUMBER) {
        snprintf(text, sizeof text, "%.10g", n->number);
        add_token(out, false, text);
        if (n->unit != NULL) {
            add_token(out, false, n->unit);
        }
    } else if (n->kind == NODE_TRUTH) {
        add_token(out, false, n->number != 0 ? "true" : "false");
    } else if (n->kind == NODE_STRING) {
        snprintf(text, sizeof text, n->name[0] == 's' ? "'%s'" : "\"%s\"", n->name);
        add_token(out, false, text);
    } else {
        snprintf(text, sizeof text, "%s%s%s", n->device == NULL ? "" : n->device,
                 n->device == NULL ? "" : ".", n->name);
        add_token(out, false, text);
    }
}

static void
write_call(struct tokens *out, const struct gnode *n, bool full)
{
    char text[TOKEN_BYTES];
    add_token(out, false, function_name(n->function));
    add_token(out, false, "(");
    for (int i = 0; i < n->count; i++) {
        if (i > 0) {
            add_token(out, false, ",");
        }
        write_node(out, n->args[i], full, 1);
    }
    if (n->window_s > 0) {
        add_token(out, false, ",");
        snprintf(text, sizeof text, "%d", (int)n->window_s);
        add_token(out, false, text);
        add_token(out, false, "s");
    } else if (n->since_service) {
        add_token(out, false, ",");
        add_token(out, false, SINCE_SERVICE);
    }
    add_token(out, false, ")");
}

/* Where something that binds as `least` is expected.  `full`: parentheses everywhere.
 */
static void
write_node(struct tokens *out, const struct gnode *n, bool full, int least)
{
    int binding = binding_of(n);
    bool wrap = binding < least || full;
    if (wrap) {
        add_token(out, false, "(");
    }
    if (n->kind == NODE_CALL) {
        write_call(out, n, full);
    } else if (binding == 8) {
        write_leaf(out, n);
    } else if (n->kind == NODE_NOT || n->kind == NODE_NEG) {
        add_token(out, n->kind == NODE_NOT, operator_of(n->kind));
        write_node(out, n->args[0], full, binding);
    } else {
        write_node(out, n->args[0], full, binding + (binding == 4));
        add_token(out, n->kind != NODE_MUL && binding != 4, operator_of(n->kind));
        write_node(out, n->args[1], full, binding + 1);
    }
    if (wrap) {
        add_token(out, false, ")");
    }
}

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.' || (unsigned char)c >= 0x80 || c == '%';
}

static bool
is_number(const char *token)
{
    return token[0] >= '0' && token[0] <= '9';
}

/* With spaces where they must be, and by chance where they may. */
static void
join(struct strbuf *out, const struct tokens *t, struct grammar *g)
{
    static const char *const spaces[] = {" ", "  ", "\t", "\n", " \r\n"};
    strbuf_clear(out);
    for (int i = 0; i < t->count; i++) {
        const char *before = i > 0 ? t->text[i - 1] : "(";
        const char *token = t->text[i];
        bool unit = i > 0 && is_number(before) && is_word(token[0]);
        bool words = is_word(before[strlen(before) - 1]) && is_word(token[0]) && !unit;
        bool needed = t->apart[i] || (i > 0 && t->apart[i - 1]) || words ||
                      (before[0] == '-' && token[0] == '-');
        if (needed || grammar_pick(g, 3) == 0) {
            int which = grammar_pick(g, 12);
            strbuf_add(out, spaces[which < (int)ARRAY_LEN(spaces) ? which : 0]);
        }
        strbuf_add(out, token);
    }
    strbuf_add(out, "");
}

/* ---- read back ---- */

static bool
same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_same(const struct gnode *n, const struct node *read)
{
    bool same = n->kind == read->kind && (uint32_t)n->count == read->arg_count &&
                same_text(n->unit, read->unit);
    if (n->kind == NODE_NUMBER || n->kind == NODE_TRUTH) {
        same = same && n->number == read->number;
    }
    if (n->kind == NODE_POINT || n->kind == NODE_STRING) {
        same = same && same_text(n->device, read->device) &&
               same_text(n->name, read->name);
    }
    if (n->kind == NODE_CALL) {
        same = same && n->function == read->function &&
               n->window_s * 1000 == read->window_ms &&
               n->since_service == read->since_service;
    }
    for (int i = 0; same && i < n->count; i++) {
        same =
            is_same(n->args[i], n->kind == NODE_CALL ? read->list[i] : read->args[i]);
    }
    return same;
}

static void
expect_tree(const struct gnode *n, const char *text)
{
    struct arena *arena = arena_new();
    struct diags diags;
    struct expr_text source = plant_text(text);
    diags_init(&diags);
    const struct node *root = syntax_parse(arena, &source, &diags);
    ck_assert_msg(root != NULL, "%s\n%s", text,
                  diags.count > 0 ? diags.items[0].text : "?");
    ck_assert_msg(is_same(n, root), "%s is not read as it was written", text);
    diags_fini(&diags);
    arena_free(arena);
}

static struct plant *
make_plant(void)
{
    struct plant *p = plant_new();
    for (uint32_t d = 0; d < p->site.device_count; d++) {
        p->devices[d].poll_ms = 1000;
        p->devices[d].stale_after_ms = 5000;
    }
    return p;
}

static void
ignore_edge(void *ctx, const struct edge *e)
{
    (void)ctx;
    (void)e;
}

static void
fill(const struct plant *p, struct frame *f)
{
    f->count = 0;
    for (size_t i = 0; i < ARRAY_LEN(grammar_points); i++) {
        const struct grammar_point *from = &grammar_points[i];
        uint32_t device =
            from->device == NULL ? PUMP_1 : site_device(&p->site, from->device);
        if (device == f->device && (from->device == NULL || device != PUMP_1)) {
            bool good = !isnan(from->value);
            plant_frame_add(f, site_point(&p->site, device, from->id),
                            good ? from->value : 0,
                            good ? QUALITY_GOOD : QUALITY_TIMEOUT);
        }
    }
    if (f->device == PUMP_1) {
        plant_frame_add(f, site_point(&p->site, PUMP_1, "run"), 1, QUALITY_GOOD);
    }
}

static void
run_plant(const struct plant *p, struct rules *r)
{
    struct frame *f = plant_frame(FEEDER, START);
    for (int i = 0; i <= GRAMMAR_SECONDS; i++) {
        f->t_ms = START + i * INT64_C(1000);
        while (rules_due(r) <= f->t_ms) {
            rules_fire(r, ignore_edge, NULL);
        }
        for (f->device = FEEDER; f->device <= PUMP_1; f->device++) {
            fill(p, f);
            rules_frame(r, f, ignore_edge, NULL);
        }
    }
    free(f);
}

/* Two texts that must be worth `value`; each also with a `not` before it, as the watch
 * of a rule tells only whether its condition is known to be false. */
static void
expect_worth(const char *const *texts, double value)
{
    static const char *const ids[] = {"r0", "r1", "r2", "r3"};
    struct plant *p = make_plant();
    struct strbuf nots[2] = {{0}, {0}};
    struct diags diags;
    diags_init(&diags);
    for (int i = 0; i < 4; i++) {
        if (i % 2 == 1) {
            strbuf_printf(&nots[i / 2], "not (%s)", texts[i / 2]);
        }
        plant_rule(p, ids[i], i % 2 == 0 ? texts[i / 2] : strbuf_text(&nots[i / 2]));
    }
    struct rules *r = rules_new(&p->site, &diags);
    if (r == NULL) {
        diags_print(&diags, stderr);
    }
    ck_assert_msg(r != NULL, "%s", texts[0]);
    run_plant(p, r);
    for (uint32_t i = 0; i < 4; i++) {
        bool is_false = rules_watch(r, PUMP_1, i).clear;
        ck_assert_msg(is_false == (value == (i % 2 == 0 ? 0 : 1)),
                      "%s%s\n is %sfalse, but worth %g", i % 2 == 0 ? "" : "not ",
                      texts[i / 2], is_false ? "" : "not ", value);
    }
    rules_free(r);
    diags_fini(&diags);
    strbuf_fini(&nots[0]);
    strbuf_fini(&nots[1]);
    free(p);
}

static const struct gnode *
grow(struct grammar *g, uint64_t seed)
{
    const struct gnode *root;
    *g = (struct grammar){.seed = seed * 6700417};
    do {
        g->count = 0;
        root = grammar_condition(g, DEPTH);
    } while (!grammar_reads(root, true));
    return root;
}

START_TEST(test_a_grown_expression_means_its_tree)
{
    static struct grammar g;
    static struct tokens tokens[2];
    int doubtful = 0;
    int worth[3] = {0, 0, 0};
    for (uint64_t seed = 1; seed <= EXPRESSIONS; seed++) {
        const struct gnode *root = grow(&g, seed);
        struct strbuf texts[2] = {{0}, {0}};
        for (int full = 0; full < 2; full++) {
            tokens[full].count = 0;
            write_node(&tokens[full], root, full == 1, 1);
            join(&texts[full], &tokens[full], &g);
        }
        if (texts[1].size < EXPR_BYTES_MAX - 8) {
            const char *const both[] = {strbuf_text(&texts[0]), strbuf_text(&texts[1])};
            expect_tree(root, both[0]);
            expect_tree(root, both[1]);
            double value = grammar_worth(&g, root).value;
            if (g.doubtful) {
                doubtful++;
            } else {
                expect_worth(both, value);
                worth[isnan(value) ? 2 : value != 0]++;
            }
        }
        strbuf_fini(&texts[0]);
        strbuf_fini(&texts[1]);
    }
    ck_assert_int_lt(doubtful, EXPRESSIONS / 5);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(worth[i], EXPRESSIONS / 20);
    }
}
END_TEST

/* ---- spoilt texts ---- */

static void
spoil_tokens(struct tokens *t, struct grammar *g)
{
    int at = grammar_pick(g, t->count);
    int other = grammar_pick(g, t->count);
    char text[TOKEN_BYTES];
    switch (grammar_pick(g, 3)) {
    case 0: /* Dropped. */
        t->count--;
        memmove(t->text[at], t->text[at + 1],
                (size_t)(t->count - at) * sizeof t->text[0]);
        break;
    case 1: /* Doubled. */
        if (t->count < TOKENS_MAX) {
            memmove(t->text[at + 1], t->text[at],
                    (size_t)(t->count - at) * sizeof t->text[0]);
            t->count++;
        }
        break;
    default: /* Swapped. */
        memcpy(text, t->text[at], sizeof text);
        memcpy(t->text[at], t->text[other], sizeof text);
        memcpy(t->text[other], text, sizeof text);
        break;
    }
}

static void
spoil_bytes(char *text, struct grammar *g)
{
    size_t size = strlen(text);
    for (int i = grammar_pick(g, 3); size > 0 && i >= 0; i--) {
        static const char likely[] = "()<>=!-+*/,.%\"'eE09 \t&|";
        int which = grammar_pick(g, 3);
        int at = grammar_pick(g, (int)size);
        text[at] = which == 0 ? (char)(1 + grammar_pick(g, 255))
                              : likely[grammar_pick(g, (int)sizeof likely - 1)];
    }
}

static uint32_t
columns_of(const char *text)
{
    uint32_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

/* Errors lie within the text, or just behind it. */
static void
check_places(const struct diags *diags, const char *text)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *d = &diags->items[i];
        ck_assert_msg(d->line == 2 && d->column >= 1 &&
                          d->column <= columns_of(text) + 1 && d->text[0] != '\0',
                      "%s\n at %u:%u: %s", text, (unsigned)d->line, (unsigned)d->column,
                      d->text);
    }
}

/* Whether it can be read. */
static bool
read_spoilt(const char *text)
{
    struct arena *arena = arena_new();
    struct diags diags;
    struct expr_text source = plant_text(text);
    diags_init(&diags);
    bool read = syntax_parse(arena, &source, &diags) != NULL;
    ck_assert_msg(diags.count == (read ? 0 : 1), "%s: %zu messages", text,
                  (size_t)diags.count);
    check_places(&diags, text);
    diags_fini(&diags);
    arena_free(arena);
    return read;
}

static void
bind_spoilt(const char *text)
{
    struct plant *p = make_plant();
    struct diags diags;
    diags_init(&diags);
    plant_rule(p, "r", NULL)->levels[0].when = plant_text(text);
    struct rules *r = rules_new(&p->site, &diags);
    ck_assert_msg((r == NULL) == (diags.errors > 0), "%s", text);
    check_places(&diags, text);
    if (r != NULL) {
        run_plant(p, r);
    }
    rules_free(r);
    diags_fini(&diags);
    free(p);
}

START_TEST(test_a_spoilt_expression_is_refused_at_its_place)
{
    static struct grammar g;
    static struct tokens tokens;
    int refused = 0;
    for (uint64_t seed = 1; seed <= SPOILT; seed++) {
        const struct gnode *root = grow(&g, seed + UINT64_C(1000000));
        struct strbuf text = {0};
        tokens.count = 0;
        write_node(&tokens, root, false, 1);
        bool bytes = grammar_pick(&g, 2);
        if (!bytes) {
            spoil_tokens(&tokens, &g);
        }
        join(&text, &tokens, &g);
        char *copy = strdup(strbuf_text(&text));
        ck_assert_ptr_nonnull(copy);
        if (bytes) {
            spoil_bytes(copy, &g);
        }
        bool read = read_spoilt(copy);
        refused += !read;
        if (read && seed % 8 == 0) {
            bind_spoilt(copy);
        }
        free(copy);
        strbuf_fini(&text);
    }
    ck_assert_int_gt(refused, SPOILT / 4);
    ck_assert_int_lt(refused, SPOILT);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("grammar");
    TCase *tc = tcase_create("grammar");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_a_grown_expression_means_its_tree);
    tcase_add_test(tc, test_a_spoilt_expression_is_refused_at_its_place);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failures = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failures == 0 ? 0 : 1;
}
