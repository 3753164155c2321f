/* Texts in two languages: found, chosen by thread, and put where people read. */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/diag.h"

/* The table is made by scripts/po-to-c, which orders what the compiler has yet to put
 * together. */
START_TEST(the_table_is_in_order_and_every_text_is_found)
{
    ck_assert_uint_gt(catalogue_zh_cn_count, 1000);
    for (size_t i = 0; i < catalogue_zh_cn_count; i++) {
        const struct catalogue_entry *e = &catalogue_zh_cn[i];
        if (i > 0) {
            /* "%ld" and PRId64 may be one text. */
            ck_assert_msg(strcmp(catalogue_zh_cn[i - 1].english, e->english) <= 0,
                          "\"%s\" stands behind \"%s\"", e->english,
                          catalogue_zh_cn[i - 1].english);
        }
        ck_assert_str_eq(tr_in(LANGUAGE_ZH_CN, e->english), e->other);
        ck_assert_str_ne(e->other, "");
        /* What prints lines in one language does so in the other. */
        size_t size = strlen(e->english);
        size_t other_size = strlen(e->other);
        ck_assert_msg((size > 0 && e->english[size - 1] == '\n') ==
                          (other_size > 0 && e->other[other_size - 1] == '\n'),
                      "\"%s\" and its translation end in different ways", e->english);
    }
}
END_TEST

START_TEST(what_is_not_known_stays_as_it_is)
{
    const char *text = "no catalogue has this text";
    ck_assert_ptr_eq(tr_in(LANGUAGE_ZH_CN, text), text);
    ck_assert_ptr_eq(tr_in(LANGUAGE_EN, text), text);
    ck_assert_str_eq(tr_in(LANGUAGE_EN, "no alarms"), "no alarms");
    ck_assert_str_eq(tr_in(LANGUAGE_ZH_CN, ""), "");
    ck_assert_str_eq(tr_word_in(LANGUAGE_ZH_CN, "no such context", "urgent"), "urgent");
    char longest[1000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_assert_ptr_eq(tr_word_in(LANGUAGE_ZH_CN, "severity", longest), longest);
}
END_TEST

START_TEST(one_word_means_several_things)
{
    ck_assert_str_eq(tr_word_in(LANGUAGE_ZH_CN, "severity", "normal"), "普通");
    ck_assert_str_eq(tr_word_in(LANGUAGE_ZH_CN, "alarm_state", "normal"), "正常");
    ck_assert_str_eq(tr_word_in(LANGUAGE_EN, "severity", "normal"), "normal");
}
END_TEST

START_TEST(the_language_is_spoken_and_a_thread_may_hear_another)
{
    ck_assert_int_eq(catalogue_language(), LANGUAGE_EN);
    ck_assert_str_eq(tr("no alarms"), "no alarms");
    catalogue_speak(LANGUAGE_ZH_CN);
    ck_assert_str_eq(tr("no alarms"), "没有报警");
    int before = catalogue_hear(LANGUAGE_EN);
    ck_assert_int_eq(before, CATALOGUE_SPOKEN);
    ck_assert_str_eq(tr("no alarms"), "no alarms");
    ck_assert_int_eq(catalogue_hear(before), LANGUAGE_EN);
    ck_assert_str_eq(tr("no alarms"), "没有报警");
    catalogue_speak(LANGUAGE_EN);
}
END_TEST

static void *
ask_in_chinese(void *out)
{
    (void)catalogue_hear(LANGUAGE_ZH_CN);
    *(const char **)out = tr("no alarms");
    return NULL;
}

START_TEST(what_one_thread_hears_is_not_what_others_hear)
{
    pthread_t thread;
    const char *there = NULL;
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_in_chinese, &there), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(there, "没有报警");
    ck_assert_str_eq(tr("no alarms"), "no alarms");
}
END_TEST

START_TEST(errors_are_worded_in_the_language)
{
    struct err err;
    int before = catalogue_hear(LANGUAGE_ZH_CN);
    err_set(&err, ERR_NOT_FOUND, "there is no device \"%.63s\"", "pump-9");
    ck_assert_str_eq(err.text, "没有设备“pump-9”");
    err_set(&err, ERR_IO, "%s: %s", "a.yaml", "no translation");
    err_wrap(&err, "%s", "b");
    ck_assert_str_eq(err.text, "b: a.yaml: no translation");
    (void)catalogue_hear(before);
    err_set(&err, ERR_NOT_FOUND, "there is no device \"%.63s\"", "pump-9");
    ck_assert_str_eq(err.text, "there is no device \"pump-9\"");
}
END_TEST

/* As in C: what a program of another kind prints is recognised. */
START_TEST(reasons_of_the_system_have_its_words)
{
    for (int number = 1; number < 134; number++) {
        /* Both may be in the C library's one buffer. */
        char words[200];
        snprintf(words, sizeof words, "%s", strerror(number));
        ck_assert_str_eq(err_reason(number), words);
    }
    int before = catalogue_hear(LANGUAGE_ZH_CN);
    ck_assert_str_eq(err_reason(ENOENT), "没有该文件或目录");
    ck_assert_str_eq(err_reason(EL3HLT), "Level 3 halted"); /* Nobody meets it. */
    (void)catalogue_hear(before);
}
END_TEST

/* A plural's "s" is an argument that the translation takes and does not print; a number
 * as <PRIu64> is the compiler's. */
START_TEST(arguments_may_be_taken_and_not_printed)
{
    char text[200];
    int before = catalogue_hear(LANGUAGE_ZH_CN);
    snprintf(text, sizeof text, tr("%s: %zu error%s\n"), "a.yaml", (size_t)2, "s");
    ck_assert_str_eq(text, "a.yaml：2 个错误\n");
    snprintf(text, sizeof text, tr("%" PRIu64 " bad row%s left out\n"), UINT64_C(3),
             "s were");
    ck_assert_str_eq(text, "3 个坏行被忽略\n");
    (void)catalogue_hear(before);
}
END_TEST

START_TEST(diagnostics_keep_their_place_and_change_their_words)
{
    struct diags d;
    char *text = NULL;
    size_t size = 0;
    struct loc at = {"site.yaml", 3, 7};
    diags_init(&d);
    int before = catalogue_hear(LANGUAGE_ZH_CN);
    diags_add(&d, DIAG_WARNING, &at,
              "\"after\" does not rise from step to step; each "
              "step comes later than the one before");
    FILE *out = open_memstream(&text, &size);
    diags_print(&d, out);
    fclose(out);
    (void)catalogue_hear(before);
    ck_assert_str_eq(
        text, "site.yaml:3:7: 警告：“after”没有逐级增大；每一级都应晚于前一级\n");
    free(text);
    diags_fini(&d);
}
END_TEST

static const struct {
    const char *text;
    int language; /* -1: none of ours. */
} said[] = {{"zh-CN", LANGUAGE_ZH_CN},
            {"zh_CN.UTF-8", LANGUAGE_ZH_CN},
            {"zh_CN", LANGUAGE_ZH_CN},
            {"zh", LANGUAGE_ZH_CN},
            {"ZH-cn", LANGUAGE_ZH_CN},
            {"zh-CN,zh;q=0.9,en;q=0.8", LANGUAGE_ZH_CN},
            {"zh,en", LANGUAGE_ZH_CN},
            {"en", LANGUAGE_EN},
            {"en_GB.UTF-8", LANGUAGE_EN},
            {"C", LANGUAGE_EN},
            {"C.UTF-8", LANGUAGE_EN},
            {"POSIX", LANGUAGE_EN},
            {"de_DE.UTF-8", -1},
            {"zhuang", -1},
            {"english", -1},
            {"", -1},
            {"*", -1},
            {"-", -1}};

START_TEST(languages_are_read_as_environments_and_requests_write_them)
{
    enum language got = LANGUAGE_COUNT;
    bool known = catalogue_parse(&got, said[_i].text);
    ck_assert_msg(known == (said[_i].language >= 0), "\"%s\"", said[_i].text);
    ck_assert_int_eq(known ? (int)got : -1, said[_i].language);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalogue");
    TCase *tc = tcase_create("catalogue");
    tcase_add_test(tc, the_table_is_in_order_and_every_text_is_found);
    tcase_add_test(tc, what_is_not_known_stays_as_it_is);
    tcase_add_test(tc, one_word_means_several_things);
    tcase_add_test(tc, the_language_is_spoken_and_a_thread_may_hear_another);
    tcase_add_test(tc, what_one_thread_hears_is_not_what_others_hear);
    tcase_add_test(tc, errors_are_worded_in_the_language);
    tcase_add_test(tc, reasons_of_the_system_have_its_words);
    tcase_add_test(tc, arguments_may_be_taken_and_not_printed);
    tcase_add_test(tc, diagnostics_keep_their_place_and_change_their_words);
    tcase_add_loop_test(tc, languages_are_read_as_environments_and_requests_write_them,
                        0, (int)ARRAY_LEN(said));
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
