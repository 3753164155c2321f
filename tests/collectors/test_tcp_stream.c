/* Segments of a connection, in any order, some twice, some never. */
#include <check.h>
#include <string.h>

#include "collectors/tcp_stream.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"

#define STEPS_MAX 20

/* A segment of `text` at `sequence`, of which the capture lost `cut` bytes at its end.
 */
struct step {
    uint32_t sequence;
    const char *text;
    uint32_t cut;
    int64_t t_us;
};

struct row {
    const char *name;
    struct step steps[STEPS_MAX];
    const char *want; /* '|' stands where bytes are missing. */
    uint32_t repeated, holes;
};

static const struct row rows[] = {
    {"in order", {{100, "abc", 0, 0}, {103, "def", 0, 0}}, "abcdef", 0, 0},
    {"sent again",
     {{100, "abc", 0, 0}, {100, "abc", 0, 0}, {103, "def", 0, 0}},
     "abcdef",
     1,
     0},
    {"sent again with more",
     {{100, "abc", 0, 0}, {101, "bcdef", 0, 0}},
     "abcdef",
     0,
     0},
    {"overtaken",
     {{100, "abc", 0, 0}, {106, "ghi", 0, 0}, {103, "def", 0, 0}},
     "abcdefghi",
     0,
     0},
    {"one is missing to the end",
     {{100, "abc", 0, 0}, {106, "ghi", 0, 0}},
     "abc|ghi",
     0,
     1},
    {"one is missing for too long",
     {{100, "abc", 0, 0},
      {106, "ghi", 0, 0},
      {109, "jkl", 0, 2 * TCP_STREAM_PATIENCE_US}},
     "abc|ghijkl",
     0,
     1},
    {"numbers wrap", {{0xFFFFFFFE, "abc", 0, 0}, {1, "def", 0, 0}}, "abcdef", 0, 0},
    {"the capture cut one off",
     {{100, "abc", 2, 0}, {105, "def", 0, 0}},
     "abc|def",
     0,
     1},
};

static void
keep(void *ctx, int64_t t_us, bool lost, const uint8_t *bytes, size_t size)
{
    struct strbuf *out = ctx;

    (void)t_us;
    strbuf_add(out, lost ? "|" : "");
    for (size_t i = 0; i < size; i++) {
        strbuf_add_char(out, (char)bytes[i]);
    }
}

START_TEST(joins)
{
    const struct row *row = &rows[_i];
    struct strbuf out = {0};
    static struct tcp_stream s;

    tcp_stream_init(&s);
    for (const struct step *step = row->steps; step->text != NULL; step++) {
        size_t size = strlen(step->text);

        tcp_stream_segment(&s, step->sequence, step->t_us, (const uint8_t *)step->text,
                           size, size + step->cut, keep, &out);
    }
    tcp_stream_end(&s, keep, &out);
    ck_assert_msg(strcmp(strbuf_text(&out), row->want) == 0, "%s: %s", row->name,
                  strbuf_text(&out));
    ck_assert_msg(s.repeated == row->repeated, "%s: %u repeated", row->name,
                  s.repeated);
    ck_assert_msg(s.holes == row->holes, "%s: %u holes", row->name, s.holes);
    strbuf_fini(&out);
}
END_TEST

START_TEST(too_many_that_wait_give_up_the_hole)
{
    struct strbuf out = {0};
    static struct tcp_stream s;

    tcp_stream_init(&s);
    tcp_stream_segment(&s, 100, 0, (const uint8_t *)"a", 1, 1, keep, &out);
    for (uint32_t i = 0; i <= TCP_STREAM_WAITING_MAX; i++) {
        tcp_stream_segment(&s, 102 + i, 0, (const uint8_t *)"b", 1, 1, keep, &out);
    }
    ck_assert_uint_eq(s.holes, 1);
    ck_assert_int_eq(strncmp(strbuf_text(&out), "a|b", 3), 0);
    strbuf_fini(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tcp_stream");
    TCase *tc = tcase_create("tcp_stream");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, joins, 0, (int)ARRAY_LEN(rows));
    tcase_add_test(tc, too_many_that_wait_give_up_the_hole);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
