/* Places, quoting, and the caps that hostile files run into. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/tree.h"

static struct arena *arena;
static struct diags diags;

static void
setup(void)
{
    arena = arena_new();
    diags_init(&diags);
}

static void
teardown(void)
{
    diags_fini(&diags);
    arena_free(arena);
}

static const struct node *
parse(const char *text)
{
    return tree_parse(arena, "x.yaml", text, strlen(text), &diags);
}

static const struct {
    const char *name;
    const char *yaml;
    const char *text;
    bool quoted;
    uint32_t line, column;
} places[] = {
    {"plain text begins where it stands", "when: a > 1\n", "a > 1", false, 1, 7},
    {"quoted text begins after the quote", "when: \"a > 1\"\n", "a > 1", true, 1, 8},
    {"so does single-quoted text", "when:   'a'\n", "a", true, 1, 10},
    {"folded text begins on the next line", "when: >\n    a\n", "a\n", true, 2, 5},
    {"empty lines before it are passed", "when: |\n\n  a\n", "\na\n", true, 3, 3},
    {"columns count characters", "{\"温度\": x, when: a}", "a", false, 1, 17},
    {"a byte-order mark counts nothing", "\xEF\xBB\xBFwhen: a\n", "a", false, 1, 7},
    {"CRLF ends a line", "x: y\r\nwhen: a\r\n", "a", false, 2, 7},
    {"a time of day stays text", "when: 10:14:30\n", "10:14:30", false, 1, 7},
    {"nothing is nothing", "when:\n", "", false, 1, 6},
};

START_TEST(test_a_value_knows_its_place)
{
    const struct node *root = parse(places[_i].yaml);
    ck_assert_msg(root != NULL, "%s", places[_i].name);
    const struct node *n = node_get(root, "when");
    ck_assert_str_eq(n->text, places[_i].text);
    ck_assert_msg(n->quoted == places[_i].quoted, "%s", places[_i].name);
    ck_assert_msg(n->loc.line == places[_i].line && n->loc.column == places[_i].column,
                  "%s: %u:%u", places[_i].name, n->loc.line, n->loc.column);
}
END_TEST

START_TEST(test_keys_know_their_place)
{
    const struct node *root = parse("a:\n  - {b: 1, c: [2, 3]}\n");
    const struct node *c = node_get(node_get(root, "a")->first, "c");
    ck_assert_uint_eq(c->key_loc.line, 2);
    ck_assert_uint_eq(c->key_loc.column, 12);
    ck_assert_uint_eq(c->count, 2);
    ck_assert_int_eq(c->kind, NODE_LIST);
    ck_assert_str_eq(c->loc.file, "x.yaml");
}
END_TEST

START_TEST(test_an_empty_file_is_an_empty_mapping)
{
    static const char *const empty[] = {"", "\n", "# nothing\n", "---\n"};
    for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
        const struct node *root = parse(empty[i]);
        ck_assert_ptr_nonnull(root);
        ck_assert(root->kind == NODE_MAP || node_is_empty(root));
    }
    ck_assert_uint_eq(diags.errors, 0);
}
END_TEST

/* Builds a hostile text and wants one clear refusal of it. */
static void
want_refusal(const char *text, size_t size, const char *says)
{
    ck_assert_ptr_null(tree_parse(arena, "x.yaml", text, size, &diags));
    ck_assert_uint_eq(diags.errors, 1);
    ck_assert_msg(strstr(diags.items[0].text, says) != NULL, "says: %s",
                  diags.items[0].text);
}

START_TEST(test_deep_nesting_is_refused)
{
    size_t size = 1 << 20;
    char *text = malloc(size);
    memset(text, '[', size);
    want_refusal(text, size, "nested deeper than 32");
    free(text);
}
END_TEST

START_TEST(test_deep_block_nesting_is_refused)
{
    char text[100 * 2];
    for (size_t i = 0; i < sizeof text; i += 2) {
        memcpy(text + i, "- ", 2);
    }
    want_refusal(text, sizeof text, "nested deeper than 32");
}
END_TEST

START_TEST(test_thirty_two_levels_are_accepted)
{
    char text[2 * TREE_DEPTH_MAX];
    memset(text, '[', TREE_DEPTH_MAX);
    memset(text + TREE_DEPTH_MAX, ']', TREE_DEPTH_MAX);
    ck_assert_ptr_nonnull(tree_parse(arena, "x.yaml", text, sizeof text, &diags));
}
END_TEST

START_TEST(test_too_many_values_are_refused)
{
    size_t count = TREE_NODES_MAX + 1;
    char *text = malloc(count * 4);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * 4, "- a\n", 4);
    }
    want_refusal(text, count * 4, "more than 500000 values");
    free(text);
}
END_TEST

START_TEST(test_an_alias_bomb_is_refused_at_its_first_anchor)
{
    const char *bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n";
    want_refusal(bomb, strlen(bomb), "an anchor");
}
END_TEST

START_TEST(test_a_nul_byte_is_refused)
{
    want_refusal("a: b\0c\n", 7, "NUL");
}
END_TEST

START_TEST(test_many_keys_are_compared_quickly)
{
    size_t count = 100000;
    char *text = malloc(count * 16);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        used += (size_t)sprintf(text + used, "k%zu: 1\n", i);
    }
    used += (size_t)sprintf(text + used, "k7: 2\n");
    (void)tree_parse(arena, "x.yaml", text, used, &diags);
    ck_assert_uint_eq(diags.errors, 1);
    ck_assert_uint_eq(diags.items[0].line, count + 1);
    ck_assert_ptr_nonnull(strstr(diags.items[0].text, "first at line 8 column 1"));
    free(text);
}
END_TEST

START_TEST(test_a_big_file_is_refused_before_it_is_read)
{
    char path[] = "/tmp/caretaker-big-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 100 << 20), 0);
    ck_assert_ptr_null(tree_load(arena, path, &diags));
    ck_assert_ptr_nonnull(strstr(diags.items[0].text, "8 MiB"));
    ck_assert_str_eq(diags.items[0].file, path);
    ck_assert_uint_lt(arena_bytes(arena), 1 << 20);
    close(fd);
    unlink(path);
}
END_TEST

START_TEST(test_what_is_no_regular_file_is_refused)
{
    char dir[] = "/tmp/caretaker-fifo-XXXXXX";
    char fifo[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(fifo, sizeof fifo, "%s/fifo", dir);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_ptr_null(tree_load(arena, fifo, &diags)); /* And does not wait. */
    ck_assert_ptr_null(tree_load(arena, dir, &diags));
    ck_assert_ptr_null(tree_load(arena, "/dev/zero", &diags));
    ck_assert_ptr_null(tree_load(arena, "/nowhere/at/all", &diags));
    ck_assert_uint_eq(diags.errors, 4);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(strstr(diags.items[i].text, "not a regular file"));
    }
    ck_assert_ptr_nonnull(strstr(diags.items[3].text, "No such file"));
    unlink(fifo);
    rmdir(dir);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("config tree");
    TCase *tc = tcase_create("tree");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_a_value_knows_its_place, 0, (int)ARRAY_LEN(places));
    tcase_add_test(tc, test_keys_know_their_place);
    tcase_add_test(tc, test_an_empty_file_is_an_empty_mapping);
    tcase_add_test(tc, test_deep_nesting_is_refused);
    tcase_add_test(tc, test_deep_block_nesting_is_refused);
    tcase_add_test(tc, test_thirty_two_levels_are_accepted);
    tcase_add_test(tc, test_too_many_values_are_refused);
    tcase_add_test(tc, test_an_alias_bomb_is_refused_at_its_first_anchor);
    tcase_add_test(tc, test_a_nul_byte_is_refused);
    tcase_add_test(tc, test_many_keys_are_compared_quickly);
    tcase_add_test(tc, test_a_big_file_is_refused_before_it_is_read);
    tcase_add_test(tc, test_what_is_no_regular_file_is_refused);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
