/* Bytes of a line in pieces -> frames.  A piece is "MS WAY HEX": when its last byte was
 * there, > sent, < received or ? unknown.  A frame is written "SIZE" when it is good,
 * "!SIZE" when not. */
#include <check.h>
#include <stdio.h>

#include "collectors/frame_finder.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "tests/fake/hex.h"

#define CHARACTER_US 1042 /* 9600 8N1 */
#define SILENCE_US   3646
#define PIECES_MAX   6
#define Q            "03 03 0000 0002 +"
#define A            "03 03 04 0007 0001 +"

struct row {
    const char *name;
    const char *pieces[PIECES_MAX];
    const char *want;
};

static const struct row rows[] = {
    {"a question and its answer", {"100 ?" Q, "130 ?" A}, "8 9"},
    {"bytes in lumps of an adapter",
     {"100 ?03 03 00", "116 ?00 00 02 C5 E9 03 03 04", "132 ?00 07 00 01 A9 F2"},
     "8 9"},
    {"both in one lump", {"100 ?" Q A}, "8 9"},
    {"a wrong check sum is damage",
     {"100 ?" Q, "130 ?03 03 04 0007 0001 0000"},
     "8 !9"},
    {"a frame that breaks off ends with the line's silence",
     {"100 ?" Q, "130 ?03 03 04 00", "300 ?" Q},
     "8 !4 8"},
    {"rubbish before a frame is told apart", {"100 ?FF 00 FF", "130 ?" Q}, "!3 8"},
    {"rubbish without silence before a frame too",
     {"100 ?FF 00 FF 03 03 0000 0002 C5 E9"},
     "!3 8"},
    {"an exception", {"100 ?" Q, "130 ?03 83 02 +"}, "8 5"},
    {"writes of others",
     {"100 ?03 06 0001 0005 +", "130 ?03 06 0001 0005 +",
      "200 ?03 10 0001 0002 04 0001 0002 +", "240 ?03 10 0001 0002 +"},
     "8 8 13 8"},
    {"a function that nobody knows ends with silence",
     {"100 ?03 41 01 02 03 +", "200 ?" Q},
     "7 8"},
    {"a change of direction ends what came before",
     {"100 >03 03 00", "101 <" A},
     "!3 9"},
    {"noise of one byte", {"100 ?00", "200 ?" Q}, "!1 8"},
    {"an answer whose length lies waits, and gives way to the next frame",
     {"100 ?" Q, "130 ?03 03 FA 0007 0001", "300 ?" Q},
     "8 !7 8"},
};

static void
keep(void *ctx, const struct traffic_frame *f)
{
    struct strbuf *out = ctx;

    strbuf_printf(out, "%s%s%u", out->size > 0 ? " " : "", f->good ? "" : "!", f->size);
    ck_assert(!f->good || f->pdu_size == f->size - 3);
    ck_assert(f->begin_us <= f->end_us);
}

static void
feed(struct frame_finder *f, const char *piece)
{
    uint8_t bytes[512];
    char way;
    int ms, used;

    ck_assert_int_eq(sscanf(piece, "%d %c%n", &ms, &way, &used), 2);
    frame_finder_feed(f,
                      way == '>'   ? TRAFFIC_SENT
                      : way == '<' ? TRAFFIC_RECEIVED
                                   : TRAFFIC_UNKNOWN,
                      ms * 1000, bytes, hex_bytes(bytes, piece + used));
}

START_TEST(finds)
{
    const struct row *row = &rows[_i];
    struct frame_finder f;
    struct strbuf out = {0};

    frame_finder_init(&f, CHARACTER_US, SILENCE_US, keep, &out);
    for (size_t i = 0; i < PIECES_MAX && row->pieces[i] != NULL; i++) {
        feed(&f, row->pieces[i]);
    }
    frame_finder_end(&f);
    ck_assert_msg(strcmp(strbuf_text(&out), row->want) == 0, "%s: %s", row->name,
                  strbuf_text(&out));
    strbuf_fini(&out);
}
END_TEST

/* The same frames, however the bytes are cut. */
START_TEST(pieces_do_not_matter)
{
    uint8_t bytes[64];
    size_t size = hex_bytes(bytes, Q A "03 83 02 +" Q);
    struct frame_finder f;
    struct strbuf out = {0};

    frame_finder_init(&f, 0, 0, keep, &out);
    for (size_t at = 0; at < size; at += (size_t)_i) {
        size_t part = size - at < (size_t)_i ? size - at : (size_t)_i;

        frame_finder_feed(&f, TRAFFIC_UNKNOWN, 1000, bytes + at, part);
    }
    frame_finder_end(&f);
    ck_assert_str_eq(strbuf_text(&out), "8 9 5 8");
    strbuf_fini(&out);
}
END_TEST

static void
keep_times(void *ctx, const struct traffic_frame *f)
{
    strbuf_printf(ctx, "%lld-%lld gap %lld;", (long long)f->begin_us,
                  (long long)f->end_us, (long long)f->gap_us);
}

START_TEST(times_follow_from_the_speed_of_the_line)
{
    struct frame_finder f;
    struct strbuf out = {0};

    frame_finder_init(&f, 1000, 3500, keep_times, &out);
    feed(&f, "100 ?" Q);
    feed(&f, "112 ?" A); /* Its nine characters began at 103 ms. */
    ck_assert_str_eq(strbuf_text(&out), "92000-100000 gap -1;103000-112000 gap 3000;");
    strbuf_fini(&out);
}
END_TEST

/* What has begun is told when nothing more can be expected of it. */
START_TEST(silence_ends_a_broken_frame)
{
    struct frame_finder f;
    struct strbuf out = {0};

    frame_finder_init(&f, CHARACTER_US, SILENCE_US, keep, &out);
    feed(&f, "100 ?03 03 04");
    frame_finder_idle(&f, 110000);
    ck_assert_str_eq(strbuf_text(&out), "");
    frame_finder_idle(&f, 200000);
    ck_assert_str_eq(strbuf_text(&out), "!3");
    strbuf_fini(&out);
}
END_TEST

START_TEST(endless_rubbish_is_told_and_forgotten)
{
    uint8_t rubbish[200];
    struct frame_finder f;
    struct strbuf out = {0};

    memset(rubbish, 0xFF, sizeof rubbish);
    frame_finder_init(&f, 0, 0, keep, &out);
    for (int i = 0; i < 100; i++) {
        frame_finder_feed(&f, TRAFFIC_UNKNOWN, 1000, rubbish, sizeof rubbish);
        ck_assert_uint_le(f.count, TRAFFIC_RTU_BYTES_MAX);
    }
    strbuf_fini(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("frame_finder");
    TCase *tc = tcase_create("frame_finder");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, finds, 0, (int)ARRAY_LEN(rows));
    tcase_add_loop_test(tc, pieces_do_not_matter, 1, 31);
    tcase_add_test(tc, times_follow_from_the_speed_of_the_line);
    tcase_add_test(tc, silence_ends_a_broken_frame);
    tcase_add_test(tc, endless_rubbish_is_told_and_forgotten);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
