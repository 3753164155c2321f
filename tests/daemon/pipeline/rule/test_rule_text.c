/* Rules as text in one form: read back they are the same rules. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "daemon/pipeline/rule/rule_text.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];

static void
setup(void)
{
    scratch_make(dir);
}

static void
teardown(void)
{
    scratch_remove(dir);
}

static struct site *
load(const char *site_file, const char *rules_file)
{
    struct diags diags;
    diags_init(&diags);
    struct site *site =
        config_load_site(site_file, &rules_file, rules_file != NULL ? 1 : 0, &diags);
    if (site == NULL) {
        diags_print(&diags, stderr);
    }
    ck_assert_ptr_nonnull(site);
    diags_fini(&diags);
    return site;
}

static void
write_file(const char *path, const struct strbuf *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(strbuf_text(text), 1, text->size, f), text->size);
    ck_assert_int_eq(fclose(f), 0);
}

/* All rules of the site, written, read, and written again. */
static void
check_round(const char *site_file, const char *rules_file)
{
    char path[SCRATCH_BYTES + 16];
    struct strbuf once = {0};
    struct strbuf twice = {0};
    struct site *site = load(site_file, rules_file);
    ck_assert_uint_gt(site->rule_count, 0);
    strbuf_add(&once, "rules:\n");
    strbuf_add(&twice, "rules:\n");
    for (uint32_t i = 0; i < site->rule_count; i++) {
        rule_text_write(&once, &site->rules[i]);
    }
    snprintf(path, sizeof path, "%s/rules.yaml", dir);
    write_file(path, &once);
    struct site *again = load(site_file, path);
    ck_assert_uint_eq(again->rule_count, site->rule_count);
    for (uint32_t i = 0; i < again->rule_count; i++) {
        rule_text_write(&twice, &again->rules[i]);
    }
    ck_assert_str_eq(strbuf_text(&twice), strbuf_text(&once));
    site_free(again);
    site_free(site);
    strbuf_fini(&once);
    strbuf_fini(&twice);
}

START_TEST(the_shipped_rules_come_back)
{
    check_round("config/site.yaml", NULL);
    check_round("config/demo/site.yaml", NULL);
}
END_TEST

/* What YAML could take for its own. */
START_TEST(odd_texts_come_back)
{
    static const char rules[] =
        "rules:\n"
        "  - id: odd\n"
        "    applies_to: {type: \"pump, or: not\", location: \"B1 # cellar\"}\n"
        "    when: \"running == true\"\n"
        "    severity: normal\n"
        "    title: {en: \"{device}: at {running}\", zh-CN: \"\\u8f74\\\"\\\\\"}\n"
        "    cause: \"true\"\n"
        "    consequence: {en: \"- no water\", zh-CN: \"123\"}\n"
        "    action: \"a: b # c\\nnext [line] & *more* \\u00b0C%\"\n"
        "    source: \"?\"\n"
        "    hold: 1500ms\n"
        "    suppressed_by: [other, pump-1/other]\n"
        "  - id: other\n"
        "    while: running\n"
        "    latch: true\n"
        "    realarm: 4h\n"
        "    group: trip\n"
        "    enabled: false\n"
        "    suppresses: children\n"
        "    respond_within: 10m\n"
        "    verify_for: 5m\n"
        "    follow_up: 2d\n"
        "    clear_hold: 90s\n"
        "    levels:\n"
        "      - {severity: normal, when: 'running', clear: 'not running'}\n"
        "      - {severity: critical, when: 'held(running) > 5m'}\n"
        "    ticket: {category: 'null', kind: predicted, brings_forward: look, within: "
        "5d}\n"
        "  - id: rising\n"
        "    when: trend(level, 1h) > 3\n"
        "    severity: normal\n"
        "    ticket: {kind: fault}\n"
        "  - id: rising-soon\n"
        "    when: trend(level, 1h) > 2\n"
        "    severity: normal\n";
    static const char site_text[] =
        "site: {id: s, timezone: UTC}\ndata: data\n"
        "devices:\n"
        "  - {id: pump-1, type: pump, points: {running: {type: bool}, level: {}}}\n";
    char site_path[SCRATCH_BYTES + 16];
    char rules_path[SCRATCH_BYTES + 16];
    struct strbuf text = {0};
    snprintf(site_path, sizeof site_path, "%s/site.yaml", dir);
    snprintf(rules_path, sizeof rules_path, "%s/odd.yaml", dir);
    strbuf_add(&text, site_text);
    write_file(site_path, &text);
    strbuf_clear(&text);
    strbuf_add(&text, rules);
    write_file(rules_path, &text);
    strbuf_fini(&text);
    check_round(site_path, rules_path);
    struct site *site = load(site_path, rules_path);
    rule_text_write(&text, &site->rules[site_rule(site, "other")]);
    ck_assert_str_eq(strbuf_text(&text), "- id: other\n"
                                         "  while: running\n"
                                         "  clear_hold: 90s\n"
                                         "  levels:\n"
                                         "    - severity: normal\n"
                                         "      when: running\n"
                                         "      clear: not running\n"
                                         "    - severity: critical\n"
                                         "      when: held(running) > 5m\n"
                                         "  respond_within: 10m\n"
                                         "  suppresses: children\n"
                                         "  ticket:\n"
                                         "    category: \"null\"\n"
                                         "    kind: predicted\n"
                                         "    brings_forward: look\n"
                                         "    within: 5d\n"
                                         "  verify_for: 5m\n"
                                         "  follow_up: 2d\n"
                                         "  group: trip\n"
                                         "  latch: true\n"
                                         "  realarm: 4h\n"
                                         "  enabled: false\n");
    strbuf_fini(&text);
    site_free(site);
}
END_TEST

START_TEST(the_version_tells_texts_apart)
{
    char one[RULE_VERSION_BYTES];
    char same[RULE_VERSION_BYTES];
    char other[RULE_VERSION_BYTES];
    rule_text_version(one, "when: bearing > 80 C\n");
    rule_text_version(same, "when: bearing > 80 C\n");
    rule_text_version(other, "when: bearing > 81 C\n");
    ck_assert_str_eq(one, same);
    ck_assert_str_ne(one, other);
    ck_assert_uint_eq(strlen(one), RULE_VERSION_BYTES - 1);
    ck_assert_uint_eq(strspn(one, "0123456789abcdef"), RULE_VERSION_BYTES - 1);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("rule_text");
    TCase *tc = tcase_create("rule_text");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_shipped_rules_come_back);
    tcase_add_test(tc, odd_texts_come_back);
    tcase_add_test(tc, the_version_tells_texts_apart);
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
