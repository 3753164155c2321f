/* Lines and connections, heard: which answer belongs to which question, and what is
 * counted.  A piece is "MS WAY HEX" as in test_frame_finder.c; an exchange is written
 * "OUTCOME unit UNIT/FUNCTION ADDRESS+COUNT LATENCY". */
#include <check.h>
#include <stdio.h>

#include "collectors/listener.h"
#include "collectors/tally.h"
#include "daemon/base/err.h"
#include "tests/fake/hex.h"

#define PIECES_MAX 8
#define GIVE_UP_US 1000000
#define Q          "03 03 0000 0002 +"
#define A          "03 03 04 0007 0001 +"

struct heard {
    struct strbuf text;
    struct tally tally;
};

struct row {
    const char *name;
    bool connection; /* Else a line without a speed. */
    bool cut;
    const char *pieces[PIECES_MAX];
    const char *want;
};

static const struct row rows[] = {
    {"a line's question and answer",
     false,
     true,
     {"100 ?" Q, "130 ?" A},
     "answered 3/3 0+2 30ms;"},
    {"an exception",
     false,
     true,
     {"100 ?" Q, "130 ?03 83 02 +"},
     "exception 3/3 0+2 30ms 02;"},
    {"the master asks the next before an answer came",
     false,
     true,
     {"100 ?" Q, "500 ?04 03 0000 0002 +", "520 ?04 03 04 0000 0000 +"},
     "unanswered 3/3 0+2;answered 4/3 0+2 20ms;"},
    {"an answer that nobody asked for", false, true, {"100 ?" A}, "stray 3/3;"},
    {"another unit's answer is a stray; the question waits on",
     false,
     true,
     {"100 ?" Q, "130 ?05 03 04 0007 0001 +", "150 ?" A},
     "stray 5/3;answered 3/3 0+2 50ms;"},
    {"where it is known that it came in, it answers wrongly",
     false,
     true,
     {"100 >" Q, "130 <05 03 04 0007 0001 +"},
     "malformed 3/3 0+2;"},
    {"an answer of another length",
     false,
     true,
     {"100 >" Q, "130 <03 03 06 0007 0001 0002 +"},
     "malformed 3/3 0+2 30ms;"},
    {"damage is the answer of what waits",
     false,
     true,
     {"100 >" Q, "130 <03 03 04 0007 0001 0000", "300 >" Q},
     "damaged 3/3 0+2;"},
    {"an echo answers a write",
     false,
     true,
     {"100 ?03 06 0001 0005 +", "130 ?03 06 0001 0005 +"},
     "answered 3/6 30ms;"},
    {"nobody answers a broadcast",
     false,
     false,
     {"100 ?00 06 0001 0005 +", "200 ?" Q, "220 ?" A},
     "answered 3/3 0+2 20ms;"},
    {"who stops listening does not know", false, true, {"100 ?" Q}, ""},
    {"a line that ends does", false, false, {"100 ?" Q}, "unanswered 3/3 0+2;"},
    {"a question is given up in time",
     false,
     true,
     {"100 ?" Q, "5000 ?04 03 0000 0002 +"},
     "unanswered 3/3 0+2;"},
    {"a connection's question and answer",
     true,
     true,
     {"100 >0001 0000 0006 03 03 0000 0002", "110 <0001 0000 0007 03 03 04 0007 0001"},
     "answered 3/3 0+2 10ms;"},
    {"answers in another order",
     true,
     true,
     {"100 >0001 0000 0006 03 03 0000 0002 0002 0000 0006 04 04 0005 0001",
      "110 <0002 0000 0005 04 04 02 0009 0001 0000 0007 03 03 04 0007 0001"},
     "answered 4/4 5+1 10ms;answered 3/3 0+2 10ms;"},
    {"an answer in two segments",
     true,
     true,
     {"100 >0001 0000 0006 03 03 0000 0002", "110 <0001 0000 0007",
      "120 <03 03 04 0007 0001"},
     "answered 3/3 0+2 10ms;"},
    {"a wrong transaction finds no question",
     true,
     true,
     {"100 >0001 0000 0006 03 03 0000 0002", "110 <0009 0000 0007 03 03 04 0007 0001"},
     "stray 3/3;"},
    {"begun in the middle of an answer",
     true,
     true,
     {"90 <0100 07D0 0001 0003", "100 >0001 0000 0006 03 03 0000 0002",
      "110 <0001 0000 0007 03 03 04 0007 0001"},
     "answered 3/3 0+2 10ms;"},
    {"damage by RTU spoils its own exchange only",
     true,
     true,
     {"100 >" Q, "110 <03 03 04 0007 0001 0000", "200 >" Q, "210 <" A},
     "damaged 3/3 0+2;answered 3/3 0+2 10ms;"},
    {"a connection that carries RTU",
     true,
     true,
     {"100 >" Q, "110 <" A},
     "answered 3/3 0+2 10ms;"},
};

static void
keep(void *ctx, const struct exchange *x)
{
    struct heard *h = ctx;

    strbuf_printf(&h->text, "%s %u/%u", exchange_outcome_name(x->outcome), x->unit,
                  x->function);
    if (x->count > 0) {
        strbuf_printf(&h->text, " %u+%u", x->address, x->count);
    }
    if (x->latency_us >= 0) {
        strbuf_printf(&h->text, " %lldms", (long long)(x->latency_us / 1000));
    }
    if (x->outcome == EXCHANGE_EXCEPTION) {
        strbuf_printf(&h->text, " %02X", x->exception);
    }
    strbuf_add_char(&h->text, ';');
    ck_assert(tally_exchange(&h->tally, x));
}

static void
keep_frame(void *ctx,
           const struct traffic_frame *f,
           enum frame_role role,
           const struct exchange *x)
{
    struct heard *h = ctx;

    (void)role;
    (void)x;
    tally_frame(&h->tally, f, 0);
}

/* Returns the time of the piece. */
static int64_t
feed(struct listener *l, const char *piece)
{
    uint8_t bytes[512];
    char way;
    int ms, used;

    ck_assert_int_eq(sscanf(piece, "%d %c%n", &ms, &way, &used), 2);
    listener_feed(l,
                  way == '>'   ? TRAFFIC_SENT
                  : way == '<' ? TRAFFIC_RECEIVED
                               : TRAFFIC_UNKNOWN,
                  ms * 1000, false, bytes, hex_bytes(bytes, piece + used));
    return ms * 1000;
}

static void
hear(struct heard *h, const struct row *row)
{
    static struct listener l;
    const struct listener_sink sink = {h, keep_frame, keep};
    int64_t now_us = 0;

    *h = (struct heard){0};
    tally_init(&h->tally);
    if (row->connection) {
        listener_connection(&l, 1, GIVE_UP_US, &sink);
    } else {
        listener_line(&l, 0, 0, GIVE_UP_US, &sink);
    }
    for (size_t i = 0; i < PIECES_MAX && row->pieces[i] != NULL; i++) {
        now_us = feed(&l, row->pieces[i]);
    }
    listener_end(&l, now_us, row->cut);
}

static void
heard_fini(struct heard *h)
{
    strbuf_fini(&h->text);
    tally_fini(&h->tally);
}

START_TEST(hears)
{
    const struct row *row = &rows[_i];
    struct heard h;

    hear(&h, row);
    ck_assert_msg(strcmp(strbuf_text(&h.text), row->want) == 0, "%s: %s", row->name,
                  strbuf_text(&h.text));
    heard_fini(&h);
}
END_TEST

START_TEST(who_answers_how_fast_is_counted_by_unit_and_function)
{
    static const struct row row = {
        "",
        false,
        true,
        {"100 ?" Q, "110 ?" A, "200 ?" Q, "230 ?" A, "300 ?03 03 0002 0002 +",
         "320 ?03 03 04 0000 0000 +", "400 ?03 03 0009 0001 +", "440 ?03 83 02 +"},
        NULL};
    struct heard h;
    struct strbuf ranges = {0};

    hear(&h, &row);
    ck_assert_uint_eq(h.tally.frames, 8);
    ck_assert_uint_eq(h.tally.count, 1);
    struct tally_row *r = h.tally.rows[0];
    ck_assert_uint_eq(r->requests, 4);
    ck_assert_uint_eq(r->answers, 3);
    ck_assert_uint_eq(r->exceptions, 1);
    ck_assert_int_eq(r->latency_min_us, 10000);
    ck_assert_int_eq(r->latency_max_us, 40000);
    ck_assert_int_eq(r->latency_sum_us, 100000);
    ck_assert_uint_eq(r->timed, 4);
    ck_assert_int_eq(tally_median_us(r), 30000);
    tally_ranges(&ranges, r);
    ck_assert_str_eq(strbuf_text(&ranges), "0-3,9");
    strbuf_fini(&ranges);
    heard_fini(&h);
}
END_TEST

/* Half of the latencies are dropped when there is no more room: the median stays. */
START_TEST(a_median_of_very_many)
{
    struct tally t;
    struct exchange x = {.outcome = EXCHANGE_ANSWERED, .unit = 1, .function = 3};

    tally_init(&t);
    for (int i = 0; i < 3 * TALLY_LATENCIES_MAX; i++) {
        x.latency_us = 1000 + i % 101;
        ck_assert(tally_exchange(&t, &x));
    }
    ck_assert_int_ge(tally_median_us(t.rows[0]), 1045);
    ck_assert_int_le(tally_median_us(t.rows[0]), 1055);
    tally_fini(&t);
}
END_TEST

START_TEST(scattered_addresses_are_bounded)
{
    struct tally t;
    struct exchange x = {
        .outcome = EXCHANGE_ANSWERED, .unit = 1, .function = 3, .count = 1};
    struct strbuf ranges = {0};

    tally_init(&t);
    for (int i = 0; i < 2 * TALLY_RANGES_MAX; i++) {
        x.address = (uint16_t)(2 * i);
        ck_assert(tally_exchange(&t, &x));
    }
    ck_assert_uint_eq(t.rows[0]->range_count, TALLY_RANGES_MAX);
    tally_ranges(&ranges, t.rows[0]);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&ranges), ",..."));
    strbuf_fini(&ranges);
    tally_fini(&t);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("listener");
    TCase *tc = tcase_create("listener");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, hears, 0, (int)ARRAY_LEN(rows));
    tcase_add_test(tc, who_answers_how_fast_is_counted_by_unit_and_function);
    tcase_add_test(tc, a_median_of_very_many);
    tcase_add_test(tc, scattered_addresses_are_bounded);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
