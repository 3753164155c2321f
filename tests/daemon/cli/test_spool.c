/* An answer in memory or in a file reads the same. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/spool.h"

/* Brackets and quotes within a text are none. */
#define TAIL "\"}]\\\"{\"},1]}"

static struct err err;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
expect_objects(struct spool *s, size_t count, size_t padding)
{
    struct strbuf object = {0};
    size_t found = 0;
    must(spool_rewind(s, &err));
    while (spool_next_object(s, &object)) {
        ck_assert_uint_eq(strtoul(object.text + strlen("{\"n\":"), NULL, 10), found);
        ck_assert_uint_gt(object.size, padding);
        ck_assert_str_eq(object.text + object.size - strlen(TAIL), TAIL);
        found++;
    }
    ck_assert_uint_eq(found, count);
    strbuf_fini(&object);
}

/* Small: in memory; large: in a file, several blocks of it. */
static const size_t paddings[] = {0, 3000};

START_TEST(objects_come_back_one_by_one_as_often_as_asked)
{
    struct spool s = {0};
    struct strbuf text = {0};
    char padding[4000] = "";
    memset(padding, ' ', paddings[_i]);
    strbuf_add_char(&text, '[');
    for (size_t i = 0; i < 1000; i++) {
        strbuf_printf(&text, "%s{\"n\":%zu,%s\"a\":[{\"b\":" TAIL, i > 0 ? "," : "", i,
                      padding);
    }
    strbuf_add_char(&text, ']');
    for (size_t at = 0; at < text.size; at += 777) { /* Cut anywhere. */
        size_t left = text.size - at;
        must(spool_add(&s, text.text + at, left < 777 ? left : 777, &err));
    }
    ck_assert_int_eq(s.file != NULL, paddings[_i] > 0);
    expect_objects(&s, 1000, paddings[_i]);
    expect_objects(&s, 1000, paddings[_i]);
    if (s.file != NULL) {
        ck_assert_uint_le(s.memory.size, 65536);
    }
    spool_fini(&s);
    strbuf_fini(&text);
}
END_TEST

static const struct {
    const char *text;
    int objects;
} odd[] = {{"[]", 0}, {"", 0}, {"[{\"a\":1}]{}", 1}, {"[{\"a\":1", 0}, {"null", 0}};

START_TEST(what_is_no_array_of_objects_ends)
{
    struct spool s = {0};
    struct strbuf object = {0};
    int found = 0;
    must(spool_add(&s, odd[_i].text, strlen(odd[_i].text), &err));
    must(spool_rewind(&s, &err));
    while (spool_next_object(&s, &object)) {
        found++;
    }
    ck_assert_int_eq(found, odd[_i].objects);
    spool_fini(&s);
    strbuf_fini(&object);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("spool");
    TCase *tc = tcase_create("spool");
    tcase_add_loop_test(tc, objects_come_back_one_by_one_as_often_as_asked, 0,
                        (int)ARRAY_LEN(paddings));
    tcase_add_loop_test(tc, what_is_no_array_of_objects_ends, 0, (int)ARRAY_LEN(odd));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
