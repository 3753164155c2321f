/* One rule that stands in no file yet. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

static struct arena *arena;
static struct site site;
static struct diags diags;
static struct rule_spec others[] = {{.id = "hot", .level_count = 1}};
static struct device devices[] = {{.id = "pump-1", .name = "P", .type = "pump"}};

static void
set_up(void)
{
    arena = arena_new();
    diags_init(&diags);
    site = (struct site){.arena = arena,
                         .rules = others,
                         .rule_count = ARRAY_LEN(others),
                         .devices = devices,
                         .device_count = ARRAY_LEN(devices)};
}

static void
tear_down(void)
{
    diags_fini(&diags);
    arena_free(arena);
}

/* `line` 0: it is accepted. */
static const struct {
    const char *text;
    uint32_t line;
    const char *said;
} rows[] = {
    {"id: x\nwhen: bearing > 80\nseverity: urgent\n", 0, NULL},
    {"- id: x\n  when: bearing > 80\n  severity: urgent\n", 0, NULL},
    {"rules:\n  - {id: x, when: bearing > 80, severity: urgent}\n", 0, NULL},
    {"id: x\nwhen: bearing > 80\nseverity: urgent\nsuppressed_by: [hot]\n", 0, NULL},
    {"id: x\nwhen: a > 8\nseverity: urgent\nsuppressed_by: [nothing]\n", 4, "nothing"},
    {"id: x\nwhen: a > 8\nseverity: urgent\nsuppressed_by: [pump-9/hot]\n", 4,
     "device"},
    {"id: x\nwhn: bearing > 80\nseverity: urgent\n", 2, "whn"},
    {"id: x\nwhen: bearing > 80\nseverity: bad\n", 3, "critical"},
    {"- {id: x, when: a > 1, severity: info}\n- {id: y, when: a > 1, severity: info}\n",
     1, "one rule"},
    {"", 1, "one rule"},
    {"just words\n", 1, "one rule"},
    {"id: [\n", 2, "node"},
};

START_TEST(a_rule_is_read_from_memory)
{
    const struct rule_spec *rule =
        config_read_rule(arena, &site, "yaml", rows[_i].text, &diags);
    if (rows[_i].line == 0) {
        ck_assert_ptr_nonnull(rule);
        ck_assert_uint_eq(diags.errors, 0);
        ck_assert_str_eq(rule->id, "x");
        ck_assert_str_eq(rule->levels[0].when.text, "bearing > 80");
        ck_assert_int_eq(rule->levels[0].severity, SEVERITY_URGENT);
        ck_assert(rule->enabled);
        return;
    }
    ck_assert_ptr_null(rule);
    ck_assert_uint_ge(diags.errors, 1);
    bool found = false;
    for (size_t i = 0; i < diags.count; i++) {
        const struct diag *d = &diags.items[i];
        ck_assert_str_eq(d->file, "yaml");
        found = found || (d->level == DIAG_ERROR && d->line == rows[_i].line &&
                          strstr(d->text, rows[_i].said) != NULL);
    }
    ck_assert_msg(found, "%s", diags.items[0].text);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("rule_alone");
    TCase *tc = tcase_create("rule_alone");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, a_rule_is_read_from_memory, 0, (int)ARRAY_LEN(rows));
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
