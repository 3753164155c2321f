/* Questions into bytes and answers out of bytes.  The answers are made by the codec of
 * the simulator's slaves, which was written apart. */
#include <check.h>
#include <string.h>

#include "collectors/slave_codec.h"
#include "collectors/wire.h"
#include "daemon/base/err.h"

#define UNIT 7

static struct wire_reader reader;
static struct wire_result result;
static struct read_answer answer;

static const struct read_request three_words = {
    .unit = UNIT, .table = REG_HOLDING, .address = 0x0102, .count = 3};
static const struct read_request twenty_bits = {
    .unit = UNIT, .table = REG_COIL, .address = 0x0310, .count = 20};
static const uint16_t words[3] = {0x1234, 0xFFFE, 3};

static const enum wire_framing framings[] = {WIRE_MBAP, WIRE_RTU};

static enum slave_framing
theirs(enum wire_framing f)
{
    return f == WIRE_MBAP ? SLAVE_TCP : SLAVE_RTU;
}

static enum wire_progress
feed(const uint8_t *bytes, size_t size)
{
    enum wire_progress p = WIRE_MORE;

    while (size > 0 && p == WIRE_MORE) {
        size_t room;
        uint8_t *space = wire_space(&reader, &room);
        size_t part = size < room ? size : room;
        memcpy(space, bytes, part);
        wire_filled(&reader, part);
        p = wire_take(&reader, &result, &answer);
        bytes += part;
        size -= part;
    }
    return p;
}

static void
ask(enum wire_framing f, const struct read_request *q, uint16_t transaction)
{
    memset(&answer, 0xEE, sizeof answer);
    memset(&result, 0xEE, sizeof result);
    wire_reader_init(&reader, f);
    wire_ask(&reader, q, transaction);
}

/* The answer to what the reader asked, as a slave of the other codec gives it. */
static size_t
make_answer(uint8_t out[SLAVE_ADU_BYTES_MAX], const uint16_t *values)
{
    struct slave_request q;
    size_t used;

    ck_assert_int_eq(slave_parse(&q, theirs(reader.framing), reader.question,
                                 reader.question_size, true, &used),
                     SLAVE_REQUEST);
    ck_assert_uint_eq(used, reader.question_size);
    ck_assert_uint_eq(q.exception, SLAVE_OK);
    return slave_answer(out, theirs(reader.framing), &q, values);
}

static size_t
seal(uint8_t *frame, size_t size)
{
    uint16_t crc = slave_crc(frame, size);

    frame[size] = (uint8_t)(crc & 0xFF);
    frame[size + 1] = (uint8_t)(crc >> 8);
    return size + 2;
}

static void
check_words(void)
{
    ck_assert_int_eq(result.fault, WIRE_OK);
    ck_assert_str_eq(result.text, "");
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(answer.words[i], words[i]);
    }
    ck_assert_uint_eq(answer.words[3], 0xEEEE); /* No more is written. */
}

START_TEST(a_question_is_what_the_specification_says)
{
    static const uint8_t tcp[] = {0xAB, 0xCD, 0, 0, 0, 6, 7, 3, 1, 2, 0, 3};
    static const uint8_t rtu[] = {0x11, 0x03, 0x00, 0x6B, 0x00, 0x03, 0x76, 0x87};

    ask(WIRE_MBAP, &three_words, 0xABCD);
    ck_assert_uint_eq(reader.question_size, sizeof tcp);
    ck_assert_mem_eq(reader.question, tcp, sizeof tcp);
    struct read_request q = {
        .unit = 0x11, .table = REG_HOLDING, .address = 0x6B, .count = 3};
    ask(WIRE_RTU, &q, 0);
    ck_assert_uint_eq(reader.question_size, sizeof rtu);
    ck_assert_mem_eq(reader.question, rtu, sizeof rtu);
}
END_TEST

START_TEST(each_table_has_its_function_and_longest_answer)
{
    static const struct {
        enum reg_table table;
        uint8_t function;
        uint16_t count;
    } rows[] = {{REG_COIL, 1, 2000},
                {REG_DISCRETE, 2, 2000},
                {REG_HOLDING, 3, 125},
                {REG_INPUT, 4, 125}};
    enum wire_framing f = framings[_i % 2];
    struct read_request q = {
        .unit = 1, .table = rows[_i / 2].table, .count = rows[_i / 2].count};
    uint16_t values[2000];
    uint8_t adu[SLAVE_ADU_BYTES_MAX];

    for (uint16_t i = 0; i < 2000; i++) {
        values[i] = (uint16_t)(q.count == 2000 ? i * 7 / 3 % 2 : i * 641);
    }
    ask(f, &q, 9);
    ck_assert_uint_eq(reader.question[f == WIRE_MBAP ? 7 : 1], rows[_i / 2].function);
    size_t size = make_answer(adu, values);
    ck_assert_uint_eq(size, wire_answer_bytes(f, &q));
    ck_assert_int_eq(feed(adu, size), WIRE_DONE);
    ck_assert_int_eq(result.fault, WIRE_OK);
    for (uint16_t i = 0; i < q.count; i++) {
        ck_assert_uint_eq(q.count == 2000 ? answer.bits[i] : answer.words[i],
                          values[i]);
    }
}
END_TEST

START_TEST(an_answer_may_come_in_any_two_pieces)
{
    enum wire_framing f = framings[_i];
    uint8_t adu[SLAVE_ADU_BYTES_MAX];

    ask(f, &three_words, 1);
    size_t size = make_answer(adu, words);
    for (size_t cut = 1; cut < size; cut++) {
        ask(f, &three_words, 1);
        ck_assert_int_eq(feed(adu, cut), WIRE_MORE);
        ck_assert_int_eq(feed(adu + cut, size - cut), WIRE_DONE);
        check_words();
    }
    ask(f, &three_words, 1);
    for (size_t i = 0; i < size - 1; i++) {
        ck_assert_int_eq(feed(adu + i, 1), WIRE_MORE);
    }
    ck_assert_int_eq(feed(adu + size - 1, 1), WIRE_DONE);
    check_words();
}
END_TEST

START_TEST(an_answer_that_stops_is_short_or_a_timeout)
{
    enum wire_framing f = framings[_i];
    uint8_t adu[SLAVE_ADU_BYTES_MAX];

    ask(f, &three_words, 1);
    size_t size = make_answer(adu, words);
    for (size_t cut = 0; cut < size; cut++) {
        ask(f, &three_words, 1);
        ck_assert_int_eq(feed(adu, cut), WIRE_MORE);
        ck_assert(wire_begun(&reader) == (f == WIRE_RTU && cut >= 2));
        wire_end(&reader, &result, &answer);
        ck_assert_int_eq(result.fault, cut == 0 ? WIRE_TIMEOUT : WIRE_SHORT);
        ck_assert_int_gt((int)strlen(result.text), 0);
    }
}
END_TEST

START_TEST(every_exception_code_is_kept)
{
    enum wire_framing f = framings[_i];
    struct slave_request q;
    uint8_t adu[SLAVE_ADU_BYTES_MAX];
    size_t used;

    for (int code = 1; code < 256; code++) {
        ask(f, &three_words, 1);
        ck_assert_int_eq(slave_parse(&q, theirs(f), reader.question,
                                     reader.question_size, true, &used),
                         SLAVE_REQUEST);
        size_t size = slave_answer_exception(adu, theirs(f), &q, (uint8_t)code);
        ck_assert_int_eq(feed(adu, size), WIRE_DONE);
        ck_assert_int_eq(result.fault, WIRE_EXCEPTION);
        ck_assert_int_eq(result.exception, code);
        ck_assert_int_eq(wire_detail(&result), code);
        ck_assert_int_eq(wire_quality(&result),
                         code == 0x0B ? QUALITY_TIMEOUT : QUALITY_EXCEPTION);
    }
}
END_TEST

/* ---- TCP ---- */

static const struct mbap_row {
    const char *what;
    uint8_t bytes[16];
    size_t size;
    enum wire_progress progress;
    enum wire_fault fault;
} mbap_rows[] = {
    {"another unit",
     {0, 5, 0, 0, 0, 9, 8, 3, 6, 0, 1, 0, 2, 0, 3},
     15,
     WIRE_DONE,
     WIRE_WRONG_UNIT},
    {"another function",
     {0, 5, 0, 0, 0, 9, 7, 4, 6, 0, 1, 0, 2, 0, 3},
     15,
     WIRE_DONE,
     WIRE_MALFORMED},
    {"an exception of another function",
     {0, 5, 0, 0, 0, 3, 7, 0x84, 2},
     9,
     WIRE_DONE,
     WIRE_MALFORMED},
    {"an exception of no code",
     {0, 5, 0, 0, 0, 3, 7, 0x83, 0},
     9,
     WIRE_DONE,
     WIRE_MALFORMED},
    {"an exception and a byte",
     {0, 5, 0, 0, 0, 4, 7, 0x83, 2, 2},
     10,
     WIRE_DONE,
     WIRE_MALFORMED},
    {"fewer registers",
     {0, 5, 0, 0, 0, 7, 7, 3, 4, 0, 1, 0, 2},
     13,
     WIRE_DONE,
     WIRE_MALFORMED},
    {"a byte count that says more",
     {0, 5, 0, 0, 0, 7, 7, 3, 6, 0, 1, 0, 2},
     13,
     WIRE_DONE,
     WIRE_MALFORMED},
    {"a byte count that says less",
     {0, 5, 0, 0, 0, 9, 7, 3, 4, 0, 1, 0, 2, 0, 3},
     15,
     WIRE_DONE,
     WIRE_MALFORMED},
    {"another protocol", {0, 5, 0, 1, 0, 9, 7, 3}, 8, WIRE_BROKEN, 0},
    {"a length of two", {0, 5, 0, 0, 0, 2, 7, 3}, 8, WIRE_BROKEN, 0},
    {"a length of 255", {0, 5, 0, 0, 0, 255, 7, 3}, 8, WIRE_BROKEN, 0},
    {"text", "HTTP/1.1 400 Bad", 16, WIRE_BROKEN, 0},
    {"another transaction, then nothing",
     {0, 4, 0, 0, 0, 3, 7, 0x83, 2},
     9,
     WIRE_MORE,
     0},
};

START_TEST(tcp_checks_all_of_the_header)
{
    const struct mbap_row *row = &mbap_rows[_i];

    ask(WIRE_MBAP, &three_words, 5);
    ck_assert_msg(feed(row->bytes, row->size) == row->progress, "%s", row->what);
    if (row->progress == WIRE_DONE) {
        ck_assert_msg(result.fault == row->fault, "%s", row->what);
        ck_assert_int_eq(wire_quality(&result), QUALITY_CRC);
        ck_assert_int_eq(wire_detail(&result), (int)row->fault);
    }
}
END_TEST

START_TEST(late_answers_are_dropped_by_their_id)
{
    uint8_t adu[SLAVE_ADU_BYTES_MAX * 2];
    static const uint16_t old[3] = {9, 9, 9};

    ask(WIRE_MBAP, &three_words, 41);
    size_t size = make_answer(adu, old);
    wire_end(&reader, &result, &answer);
    ck_assert_int_eq(result.fault, WIRE_TIMEOUT);
    wire_ask(&reader, &three_words, 42);
    size_t second = make_answer(adu + size, words);
    /* Both in one segment, and whatever the first one's place. */
    for (size_t cut = 1; cut < size + second; cut++) {
        ask(WIRE_MBAP, &three_words, 42);
        ck_assert_int_eq(feed(adu, cut), WIRE_MORE);
        ck_assert_int_eq(feed(adu + cut, size + second - cut), WIRE_DONE);
        check_words();
        ck_assert_uint_eq(reader.late, 1);
    }
}
END_TEST

START_TEST(an_answer_that_began_before_the_question_is_followed)
{
    uint8_t adu[SLAVE_ADU_BYTES_MAX];
    static const uint16_t old[3] = {9, 9, 9};

    ask(WIRE_MBAP, &three_words, 1);
    size_t size = make_answer(adu, old);
    ck_assert_int_eq(feed(adu, 9), WIRE_MORE);
    wire_end(&reader, &result, &answer);
    ck_assert_int_eq(result.fault, WIRE_SHORT);
    wire_ask(&reader, &three_words, 2);
    ck_assert_int_eq(feed(adu + 9, size - 9), WIRE_MORE);
    ck_assert_uint_eq(reader.late, 1);
    size = make_answer(adu, words);
    ck_assert_int_eq(feed(adu, size), WIRE_DONE);
    check_words();
}
END_TEST

START_TEST(an_answer_after_its_time_is_late)
{
    uint8_t adu[SLAVE_ADU_BYTES_MAX];

    ask(WIRE_MBAP, &three_words, 1);
    size_t size = make_answer(adu, words);
    wire_end(&reader, &result, &answer);
    ck_assert_int_eq(feed(adu, size), WIRE_MORE); /* Nobody waits for it. */
    ck_assert_uint_eq(reader.late, 1);
}
END_TEST

/* ---- RTU ---- */

START_TEST(rubbish_before_an_answer_is_skipped)
{
    static const struct {
        uint8_t bytes[12];
        size_t size;
    } rows[] = {
        {{0x00}, 1},
        {{0xFF, 0xFF}, 2},
        {{UNIT}, 1},                                /* Its own unit, */
        {{UNIT, 3, 6, 0, 1}, 5},                    /* its own head, */
        {{UNIT, 0x83}, 2},                          /* or an exception's. */
        {{UNIT, 3, 6, 0, 1, 0, 2, 0, 3, 9, 9}, 11}, /* With a wrong sum. */
        {{9, 3, 200, 1, 2, 3}, 6},                  /* A long frame that stops. */
        {{5, 3}, 2},
    };
    uint8_t adu[SLAVE_ADU_BYTES_MAX];

    ask(WIRE_RTU, &three_words, 0);
    size_t size = make_answer(adu, words);
    enum wire_progress first = feed(rows[_i].bytes, rows[_i].size);
    ck_assert_int_eq(first, WIRE_MORE);
    if (feed(adu, size) != WIRE_DONE) { /* A beginning of ours held it up. */
        wire_end(&reader, &result, &answer);
    }
    check_words();
}
END_TEST

START_TEST(much_rubbish_is_no_hindrance)
{
    uint8_t noise[2000], adu[SLAVE_ADU_BYTES_MAX];

    ask(WIRE_RTU, &three_words, 0);
    size_t size = make_answer(adu, words);
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (uint8_t)(i * i >> 3);
    }
    ck_assert_int_eq(feed(noise, sizeof noise), WIRE_MORE);
    ck_assert(!wire_begun(&reader)); /* The answer is still to come. */
    ck_assert_int_eq(feed(adu, size), WIRE_DONE);
    check_words();
}
END_TEST

static const struct stranger_row {
    const char *what;
    uint8_t bytes[12]; /* Without the sum. */
    size_t size;
    enum wire_fault fault;
} stranger_rows[] = {
    {"another unit's answer", {8, 3, 6, 0, 1, 0, 2, 0, 3}, 9, WIRE_WRONG_UNIT},
    {"another unit's exception", {8, 0x83, 2}, 3, WIRE_WRONG_UNIT},
    {"another function", {7, 4, 6, 0, 1, 0, 2, 0, 3}, 9, WIRE_MALFORMED},
    {"fewer registers", {7, 3, 4, 0, 1, 0, 2}, 7, WIRE_MALFORMED},
    {"more registers", {7, 3, 8, 0, 1, 0, 2, 0, 3, 0, 4}, 11, WIRE_MALFORMED},
    {"an exception of another function", {7, 0x84, 2}, 3, WIRE_MALFORMED},
    {"an exception of no code", {7, 0x83, 0}, 3, WIRE_MALFORMED},
    {"an answer to a write", {8, 6, 0, 1, 0, 2}, 6, WIRE_WRONG_UNIT},
    {"another master's question to this unit", {7, 3, 0, 1, 0, 3}, 6, WIRE_TIMEOUT},
    {"another master's question to another", {9, 4, 0, 1, 0, 3}, 6, WIRE_TIMEOUT},
};

START_TEST(whole_frames_that_are_no_answer_are_remembered)
{
    const struct stranger_row *row = &stranger_rows[_i];
    uint8_t frame[16], adu[SLAVE_ADU_BYTES_MAX];

    ask(WIRE_RTU, &three_words, 0);
    memcpy(frame, row->bytes, row->size);
    size_t size = seal(frame, row->size);
    ck_assert_msg(feed(frame, size) == WIRE_MORE, "%s", row->what);
    size_t whole = make_answer(adu, words);
    wire_end(&reader, &result, &answer);
    ck_assert_msg(result.fault == row->fault, "%s: %s", row->what,
                  wire_fault_name(result.fault));
    /* And the answer itself may come after it. */
    ask(WIRE_RTU, &three_words, 0);
    ck_assert_int_eq(feed(frame, size), WIRE_MORE);
    ck_assert_int_eq(feed(adu, whole), WIRE_DONE);
    check_words();
}
END_TEST

START_TEST(a_wrong_sum_is_a_crc_fault_wherever_the_bit_fell)
{
    uint8_t adu[SLAVE_ADU_BYTES_MAX];

    ask(WIRE_RTU, &three_words, 0);
    size_t size = make_answer(adu, words);
    for (size_t bit = 0; bit < size * 8; bit++) {
        ask(WIRE_RTU, &three_words, 0);
        adu[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(feed(adu, size), WIRE_MORE);
        /* With its head whole it is known for the answer, and nothing more comes. */
        ck_assert(bit < 24 || wire_begun(&reader));
        wire_end(&reader, &result, &answer);
        ck_assert(bit < 24 || result.over);
        ck_assert_int_eq(result.fault, WIRE_CRC);
        adu[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    uint8_t exception[] = {UNIT, 0x83, 2, 0, 0};
    ask(WIRE_RTU, &three_words, 0);
    ck_assert_int_eq(feed(exception, sizeof exception), WIRE_MORE);
    ck_assert(wire_begun(&reader));
    wire_end(&reader, &result, &answer);
    ck_assert_int_eq(result.fault, WIRE_CRC);
}
END_TEST

START_TEST(local_echo_is_stripped_and_told)
{
    static const struct read_request *const questions[] = {&three_words, &twenty_bits};
    const struct read_request *q = questions[_i];
    uint8_t adu[SLAVE_ADU_BYTES_MAX];
    uint16_t values[20] = {0x1234, 0xFFFE, 3};

    ask(WIRE_RTU, q, 0);
    size_t size = make_answer(adu, values);
    for (size_t cut = 1; cut < 8 + size; cut++) {
        uint8_t both[8 + SLAVE_ADU_BYTES_MAX];
        ask(WIRE_RTU, q, 0);
        memcpy(both, reader.question, 8);
        memcpy(both + 8, adu, size);
        ck_assert_int_eq(feed(both, cut), WIRE_MORE);
        ck_assert_int_eq(feed(both + cut, 8 + size - cut), WIRE_DONE);
        ck_assert_int_eq(result.fault, WIRE_OK);
        ck_assert(reader.echo);
    }
    /* Silence after the echo is silence. */
    ask(WIRE_RTU, q, 0);
    reader.echo = true;
    ck_assert_int_eq(feed(reader.question, 8), WIRE_MORE);
    ck_assert(!wire_begun(&reader));
    wire_end(&reader, &result, &answer);
    ck_assert_int_eq(result.fault, WIRE_TIMEOUT);
    ck_assert(reader.echo);
    /* The adapter was changed for one without. */
    wire_ask(&reader, q, 0);
    ck_assert_int_eq(feed(adu, size), WIRE_DONE);
    ck_assert(!reader.echo);
}
END_TEST

START_TEST(an_answer_that_looks_like_its_question_is_an_answer)
{
    /* Three bytes of bits from 0x0310: 10 00 14, the question's own bytes. */
    static const uint8_t bits[24] = {0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
                                     0, 0, 0, 0, 0, 0, 0, 0, 1, 0};

    ask(WIRE_RTU, &twenty_bits, 0);
    ck_assert_int_eq(feed(reader.question, 8), WIRE_MORE); /* Echo, perhaps. */
    wire_end(&reader, &result, &answer);
    ck_assert_int_eq(result.fault, WIRE_OK);
    ck_assert_mem_eq(answer.bits, bits, 20);
    ck_assert(!reader.echo);
}
END_TEST

START_TEST(a_late_answer_is_known_after_the_end)
{
    uint8_t adu[SLAVE_ADU_BYTES_MAX];

    ask(WIRE_RTU, &three_words, 0);
    size_t size = make_answer(adu, words);
    wire_end(&reader, &result, &answer);
    ck_assert_int_eq(result.fault, WIRE_TIMEOUT);
    ck_assert_int_eq(feed(adu, size), WIRE_DONE);
    ck_assert_int_eq(result.fault, WIRE_OK);
    /* What comes when nothing is asked is nothing. */
    ck_assert_int_eq(feed(adu, size), WIRE_MORE);
    ck_assert_uint_eq(reader.size, 0);
}
END_TEST

START_TEST(names_and_qualities_cover_every_fault)
{
    for (int f = 0; f < WIRE_FAULT_COUNT; f++) {
        ck_assert_int_gt((int)strlen(wire_fault_name((enum wire_fault)f)), 0);
        wire_fail(&result, (enum wire_fault)f);
        ck_assert_int_eq(result.fault, f);
        ck_assert((result.text[0] == '\0') == (f == WIRE_OK));
        ck_assert((wire_quality(&result) == QUALITY_GOOD) == (f == WIRE_OK));
    }
    wire_fail(&result, WIRE_LOST);
    ck_assert_int_eq(wire_quality(&result), QUALITY_REFUSED);
    ck_assert_str_eq(wire_fault_name(WIRE_WRONG_UNIT), "wrong_unit");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("wire");
    TCase *tc = tcase_create("wire");

    tcase_add_test(tc, a_question_is_what_the_specification_says);
    tcase_add_loop_test(tc, each_table_has_its_function_and_longest_answer, 0, 8);
    tcase_add_loop_test(tc, an_answer_may_come_in_any_two_pieces, 0, 2);
    tcase_add_loop_test(tc, an_answer_that_stops_is_short_or_a_timeout, 0, 2);
    tcase_add_loop_test(tc, every_exception_code_is_kept, 0, 2);
    tcase_add_loop_test(tc, tcp_checks_all_of_the_header, 0, (int)ARRAY_LEN(mbap_rows));
    tcase_add_test(tc, late_answers_are_dropped_by_their_id);
    tcase_add_test(tc, an_answer_that_began_before_the_question_is_followed);
    tcase_add_test(tc, an_answer_after_its_time_is_late);
    tcase_add_loop_test(tc, rubbish_before_an_answer_is_skipped, 0, 8);
    tcase_add_test(tc, much_rubbish_is_no_hindrance);
    tcase_add_loop_test(tc, whole_frames_that_are_no_answer_are_remembered, 0,
                        (int)ARRAY_LEN(stranger_rows));
    tcase_add_test(tc, a_wrong_sum_is_a_crc_fault_wherever_the_bit_fell);
    tcase_add_loop_test(tc, local_echo_is_stripped_and_told, 0, 2);
    tcase_add_test(tc, an_answer_that_looks_like_its_question_is_an_answer);
    tcase_add_test(tc, a_late_answer_is_known_after_the_end);
    tcase_add_test(tc, names_and_qualities_cover_every_fault);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
