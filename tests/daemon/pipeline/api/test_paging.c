/* Pages of a listing: every row once, whatever comes and goes between two pages. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/api/api.h"

#define ARGUMENTS_MAX 4

/* A request of given arguments. */
static struct {
    const char *key, *value;
} arguments[ARGUMENTS_MAX];
static struct web_answer answer;
static struct strbuf body;
static struct err err;

static const char *
query(const struct web_request *r, const char *key)
{
    (void)r;
    for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i].key != NULL; i++) {
        if (strcmp(arguments[i].key, key) == 0) {
            return arguments[i].value;
        }
    }
    return NULL;
}

static void
each_query(const struct web_request *r,
           bool (*fn)(void *ctx, const char *key),
           void *ctx)
{
    (void)r;
    for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i].key != NULL; i++) {
        if (!fn(ctx, arguments[i].key)) {
            return;
        }
    }
}

static const struct web_request request = {.method = "GET",
                                           .path = "/api/v1/things",
                                           .query = query,
                                           .each_query = each_query,
                                           .answer = &answer};

static void
forget(void)
{
    memset(arguments, 0, sizeof arguments);
    answer = (struct web_answer){0};
    err = (struct err){0};
    strbuf_fini(&body);
}

static const char *
page(const char *rows, const char *limit, const char *cursor)
{
    forget();
    size_t n = 0;
    if (limit != NULL) {
        arguments[n].key = "limit";
        arguments[n++].value = limit;
    }
    if (cursor != NULL) {
        arguments[n].key = "cursor";
        arguments[n++].value = cursor;
    }
    arguments[n].key = "type";
    arguments[n].value = "a b&c";
    strbuf_add(&body, rows);
    return api_page(&body, &request, "id,n", &err) == 0 ? strbuf_text(&body) : err.text;
}

#define THREE                                                                          \
    "[{\"id\":\"a\",\"n\":1,\"x\":\"],[}\\\"\"},{\"id\":\"b\",\"n\":2,\"l\":[1,{}]},"  \
    "{\"id\":\"c\",\"n\":3}]"

START_TEST(without_arguments_the_listing_is_as_it_was)
{
    ck_assert_str_eq(page(THREE, NULL, NULL), THREE);
    ck_assert_str_eq(answer.link, "");
}
END_TEST

START_TEST(a_page_ends_at_a_row_and_leads_to_the_next)
{
    ck_assert_str_eq(page(THREE, "2", NULL),
                     "[{\"id\":\"a\",\"n\":1,\"x\":\"],[}\\\"\"},{\"id\":\"b\",\"n\":2,"
                     "\"l\":[1,{}]}]");
    ck_assert_str_eq(answer.link, "</api/v1/things?limit=2&type=a%20b%26c&"
                                  "cursor=2%3Ab%2F2>; rel=\"next\"");
    ck_assert_str_eq(page(THREE, "2", "2:b/2"), "[{\"id\":\"c\",\"n\":3}]");
    ck_assert_str_eq(answer.link, "");
    ck_assert_str_eq(page(THREE, "3", NULL), THREE);
    ck_assert_str_eq(answer.link, "");
    ck_assert_str_eq(page("[]", "3", NULL), "[]");
}
END_TEST

START_TEST(rows_that_come_and_go_meanwhile_move_no_others)
{
    /* One came before it, */
    ck_assert_str_eq(page("[{\"id\":\"0\",\"n\":0},{\"id\":\"a\",\"n\":1},"
                          "{\"id\":\"b\",\"n\":2},{\"id\":\"c\",\"n\":3}]",
                          "9", "2:b/2"),
                     "[{\"id\":\"c\",\"n\":3}]");
    /* one has gone, */
    ck_assert_str_eq(
        page("[{\"id\":\"b\",\"n\":2},{\"id\":\"c\",\"n\":3}]", "9", "2:b/2"),
        "[{\"id\":\"c\",\"n\":3}]");
    /* and the last one itself has. */
    ck_assert_str_eq(
        page("[{\"id\":\"a\",\"n\":1},{\"id\":\"c\",\"n\":3}]", "9", "2:b/2"),
        "[{\"id\":\"c\",\"n\":3}]");
    ck_assert_str_eq(page("[{\"id\":\"a\",\"n\":1}]", "9", "5:b/2"), "[]");
}
END_TEST

static const char *const wrong[][2] = {{"0", NULL},     {"x", NULL}, {"-1", NULL},
                                       {"10001", NULL}, {"2", "b"},  {"2", ""},
                                       {"2", "2"}};

START_TEST(what_is_no_page_is_refused)
{
    (void)page(THREE, wrong[_i][0], wrong[_i][1]);
    ck_assert_int_ne(err.code, 0);
    ck_assert_uint_gt(strlen(err.text), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("paging");
    TCase *tc = tcase_create("pages");
    tcase_add_checked_fixture(tc, NULL, forget);
    tcase_add_test(tc, without_arguments_the_listing_is_as_it_was);
    tcase_add_test(tc, a_page_ends_at_a_row_and_leads_to_the_next);
    tcase_add_test(tc, rows_that_come_and_go_meanwhile_move_no_others);
    tcase_add_loop_test(tc, what_is_no_page_is_refused, 0, (int)ARRAY_LEN(wrong));
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
