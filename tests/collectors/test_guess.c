/* What registers may mean. */
#include <check.h>
#include <string.h>

#include "collectors/guess.h"
#include "daemon/base/err.h"

static const struct guess *
find(const struct guess *g, size_t count, enum value_type type, enum byte_order order)
{
    for (size_t i = 0; i < count; i++) {
        if (g[i].type == type && g[i].order == order) {
            return &g[i];
        }
    }
    return NULL;
}

static const struct row {
    const char *name;
    uint16_t words[4];
    size_t count;
    enum value_type type;
    enum byte_order order;
    double value;
    bool sane;
} rows[] = {
    {"a voltage as a float", {0x4366, 0x8000}, 2, TYPE_F32, ORDER_ABCD, 230.5, true},
    {"the same with its words swapped",
     {0x8000, 0x4366},
     2,
     TYPE_F32,
     ORDER_CDAB,
     230.5,
     true},
    {"and its bytes", {0x6643, 0x0080}, 2, TYPE_F32, ORDER_BADC, 230.5, true},
    {"and both", {0x0080, 0x6643}, 2, TYPE_F32, ORDER_DCBA, 230.5, true},
    {"a small negative number", {0xFFF6}, 1, TYPE_S16, ORDER_ABCD, -10, true},
    {"is no likely unsigned one", {0xFFF6}, 1, TYPE_U16, ORDER_ABCD, 65526, false},
    {"BCD", {0x1234}, 1, TYPE_BCD16, ORDER_ABCD, 1234, true},
    {"nothing is 0 in every type", {0, 0, 0, 0}, 4, TYPE_F64, ORDER_ABCD, 0, true},
    {"a double", {0x406C, 0xD000, 0, 0}, 4, TYPE_F64, ORDER_ABCD, 230.5, true},
    {"an energy counter", {0x0001, 0x86A0}, 2, TYPE_U32, ORDER_ABCD, 100000, true},
    {"too large to be one",
     {0x86A0, 0x0001},
     2,
     TYPE_U32,
     ORDER_ABCD,
     2258632705.0,
     false},
};

START_TEST(every_decode_is_there_and_the_likely_ones_are_marked)
{
    const struct row *row = &rows[_i];
    struct guess g[GUESSES_MAX];
    size_t count = guess_at(g, row->words, row->count);
    const struct guess *found = find(g, count, row->type, row->order);

    ck_assert_msg(found != NULL, "%s", row->name);
    ck_assert_msg(found->valid, "%s", row->name);
    ck_assert_msg(found->value == row->value, "%s: %.17g", row->name, found->value);
    ck_assert_msg(found->sane == row->sane, "%s", row->name);
}
END_TEST

START_TEST(only_what_fits_is_guessed)
{
    static const uint16_t words[4] = {0};
    struct guess g[GUESSES_MAX];

    ck_assert_uint_eq(guess_at(g, words, 1), 3);
    ck_assert_uint_eq(guess_at(g, words, 2), 3 + 4 * ORDER_COUNT);
    ck_assert_uint_eq(guess_at(g, words, 3), 3 + 4 * ORDER_COUNT);
    ck_assert_uint_eq(guess_at(g, words, 4), GUESSES_MAX);
}
END_TEST

START_TEST(what_is_no_number_says_so)
{
    static const uint16_t nan[2] = {0x7FC0, 0x0000};
    static const uint16_t letters[1] = {0xABCD};
    struct guess g[GUESSES_MAX];
    size_t count = guess_at(g, nan, 2);

    ck_assert(!find(g, count, TYPE_F32, ORDER_ABCD)->valid);
    ck_assert(!find(g, count, TYPE_F32, ORDER_ABCD)->sane);
    count = guess_at(g, letters, 1);
    ck_assert(!find(g, count, TYPE_BCD16, ORDER_ABCD)->valid);
}
END_TEST

START_TEST(text_and_numbers_of_manuals)
{
    char text[3];

    ck_assert(guess_text(text, 0x4162));
    ck_assert_str_eq(text, "Ab");
    ck_assert(!guess_text(text, 0x4101));
    ck_assert_uint_eq(modicon_number(REG_HOLDING, 0), 40001);
    ck_assert_uint_eq(modicon_number(REG_INPUT, 1), 30002);
    ck_assert_uint_eq(modicon_number(REG_DISCRETE, 9), 10010);
    ck_assert_uint_eq(modicon_number(REG_COIL, 9), 10);
    ck_assert_uint_eq(modicon_number(REG_HOLDING, 9998), 49999);
    ck_assert_uint_eq(modicon_number(REG_HOLDING, 9999), 410000);
    ck_assert_uint_eq(modicon_number(REG_HOLDING, 65535), 465536);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("guess");
    TCase *tc = tcase_create("guess");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, every_decode_is_there_and_the_likely_ones_are_marked, 0,
                        (int)ARRAY_LEN(rows));
    tcase_add_test(tc, only_what_fits_is_guessed);
    tcase_add_test(tc, what_is_no_number_says_so);
    tcase_add_test(tc, text_and_numbers_of_manuals);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
