/* Fields of the ledger as people and spreadsheets write them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/ledger.h"

static const struct {
    enum ledger_key key;
    const char *text;
    const char *want; /* NULL: refused. */
} values[] = {
    {LEDGER_MAKER, "Grundfos", "Grundfos"},
    {LEDGER_MAKER, "  广日 电梯\t", "广日 电梯"},
    {LEDGER_MAKER, "", ""},
    {LEDGER_MAKER, NULL, ""},
    {LEDGER_MAKER, "   ", ""},
    {LEDGER_MAKER, "two\nlines", NULL},
    {LEDGER_MAKER, "bell\a", NULL},
    {LEDGER_MAKER, "\xC4\xE3", NULL},
    {LEDGER_INSTALLED, "2019-06-01", "2019-06-01"},
    {LEDGER_INSTALLED, "2019/6/1", "2019-06-01"},
    {LEDGER_INSTALLED, "2019.06.1", "2019-06-01"},
    {LEDGER_INSTALLED, "2020-02-29", "2020-02-29"},
    {LEDGER_INSTALLED, "2019-02-29", NULL},
    {LEDGER_INSTALLED, "2019-06/01", NULL},
    {LEDGER_INSTALLED, "01.06.2019", NULL},
    {LEDGER_INSTALLED, "19-06-01", NULL},
    {LEDGER_INSTALLED, "2019-06-01 ", "2019-06-01"},
    {LEDGER_INSTALLED, "2019-06-011", NULL},
    {LEDGER_INSTALLED, "2019-06", NULL},
    {LEDGER_INSTALLED, "2019", NULL},
    {LEDGER_INSTALLED, "1800-01-01", NULL},
    {LEDGER_WARRANTY_UNTIL, "43617", NULL}, /* A spreadsheet's own number of a day. */
    {LEDGER_DESIGN_LIFE, "15y", "15y"},
    {LEDGER_DESIGN_LIFE, "5475d", "15y"},
    {LEDGER_DESIGN_LIFE, "1h", NULL},
    {LEDGER_DESIGN_LIFE, "15", NULL},
    {LEDGER_DESIGN_HOURS, "40000", "40000"},
    {LEDGER_DESIGN_HOURS, "0040000", "40000"},
    {LEDGER_DESIGN_HOURS, "0", NULL},
    {LEDGER_DESIGN_HOURS, "-1", NULL},
    {LEDGER_DESIGN_HOURS, "1e4", NULL},
    {LEDGER_DESIGN_STARTS, "1000000000", "1000000000"},
    {LEDGER_DESIGN_STARTS, "1000000001", NULL},
    {LEDGER_DESIGN_STARTS, "99999999999999999999", NULL},
    {LEDGER_PRICE, "12500", "12500.00"},
    {LEDGER_PRICE, "12500.5", "12500.50"},
    {LEDGER_PRICE, "0.05", "0.05"},
    {LEDGER_PRICE, "0.005", NULL},
    {LEDGER_PRICE, "12,500.00", NULL},
    {LEDGER_PRICE, "1.", NULL},
    {LEDGER_PRICE, ".5", NULL},
    {LEDGER_PRICE, "-1", NULL},
    {LEDGER_PRICE, "999999999999999", NULL},
    {LEDGER_KEEPER, "zhang", "zhang"},
    {LEDGER_KEEPER, "Zhang", NULL},
    {LEDGER_KEEPER, "-x", NULL},
};

START_TEST(test_a_value_is_kept_in_one_form_or_refused)
{
    char out[LEDGER_TEXT_BYTES] = "untouched";
    struct err err = {0};
    int code = ledger_value_read(out, values[_i].key, values[_i].text, &err);
    if (values[_i].want == NULL) {
        ck_assert_int_eq(code, ERR_RANGE);
        ck_assert_str_eq(out, "untouched");
        ck_assert_msg(strstr(err.text, "accepted") != NULL, "%s", err.text);
        return;
    }
    ck_assert_msg(code == 0, "%s: %s", values[_i].text, err.text);
    ck_assert_str_eq(out, values[_i].want);
    /* What is kept is read back as itself. */
    ck_assert_int_eq(ledger_value_read(out, values[_i].key, values[_i].want, &err), 0);
    ck_assert_str_eq(out, values[_i].want);
}
END_TEST

START_TEST(test_a_long_text_is_refused_and_not_cut)
{
    char text[LEDGER_TEXT_BYTES + 1];
    char out[LEDGER_TEXT_BYTES];
    struct err err = {0};
    memset(text, 'x', sizeof text - 1);
    text[LEDGER_TEXT_BYTES] = '\0';
    ck_assert_int_eq(ledger_value_read(out, LEDGER_MAKER, text, &err), ERR_RANGE);
    text[LEDGER_TEXT_BYTES - 1] = '\0';
    ck_assert_int_eq(ledger_value_read(out, LEDGER_MAKER, text, &err), 0);
    ck_assert_str_eq(out, text);
}
END_TEST

START_TEST(test_what_the_file_says_is_in_the_same_form)
{
    const struct ledger l = {.maker = "Grundfos",
                             .specification = "5.5 kW\n32 m\n",
                             .installed = "2019-06-01",
                             .design_life_ms = INT64_C(15) * 365 * 86400000,
                             .design_hours = 40000,
                             .price = 1250010,
                             .keeper = "zhang"};
    static const char *const want[LEDGER_KEY_COUNT] = {
        [LEDGER_MAKER] = "Grundfos",
        [LEDGER_MODEL] = "",
        [LEDGER_SPECIFICATION] = "5.5 kW 32 m",
        [LEDGER_SERIAL] = "",
        [LEDGER_SUPPLIER] = "",
        [LEDGER_INSTALLED] = "2019-06-01",
        [LEDGER_DESIGN_LIFE] = "15y",
        [LEDGER_DESIGN_HOURS] = "40000",
        [LEDGER_DESIGN_STARTS] = "",
        [LEDGER_WARRANTY_UNTIL] = "",
        [LEDGER_PRICE] = "12500.10",
        [LEDGER_AREA] = "",
        [LEDGER_KEEPER] = "zhang"};
    char out[LEDGER_TEXT_BYTES];
    char again[LEDGER_TEXT_BYTES];
    for (int i = 0; i < LEDGER_KEY_COUNT; i++) {
        enum ledger_key k = (enum ledger_key)i;
        ck_assert_str_eq(ledger_file_value(out, &l, k), want[k]);
        ck_assert_int_eq(ledger_value_read(again, k, out, NULL), 0);
        ck_assert_str_eq(again, out);
    }
}
END_TEST

START_TEST(test_each_field_has_its_name)
{
    for (int i = 0; i < LEDGER_KEY_COUNT; i++) {
        enum ledger_key k = LEDGER_KEY_COUNT;
        ck_assert(ledger_key_parse(&k, ledger_key_name((enum ledger_key)i)));
        ck_assert_int_eq(k, i);
        ck_assert_ptr_nonnull(ledger_key_accepted(k));
    }
    enum ledger_key k = LEDGER_MODEL;
    ck_assert(!ledger_key_parse(&k, "colour"));
    ck_assert_int_eq(k, LEDGER_MODEL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ledger values");
    TCase *tc = tcase_create("values");
    tcase_add_loop_test(tc, test_a_value_is_kept_in_one_form_or_refused, 0,
                        (int)ARRAY_LEN(values));
    tcase_add_test(tc, test_a_long_text_is_refused_and_not_cut);
    tcase_add_test(tc, test_what_the_file_says_is_in_the_same_form);
    tcase_add_test(tc, test_each_field_has_its_name);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
