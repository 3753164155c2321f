/* A photo is one more of its ticket, whatever state that is in; its row and its event
 * say the same. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/photo.h"
#include "daemon/ticket/tickets.h"
#include "tests/fake/recorder.h"
#include "tests/fake/small_site.h"

#define T0   1772360070000LL
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct recorder *recorder;
static struct sink sink;
static struct tickets *tickets;
static struct err err;
static struct photo rows[PHOTOS_OF_TICKET_MAX];
static size_t row_count;

static void
keep_row(void *ctx, const struct photo *p)
{
    (void)ctx;
    ck_assert_uint_lt(row_count, ARRAY_LEN(rows));
    rows[row_count++] = *p;
}

static int
give(struct command c)
{
    c.t_ms = T0;
    c.by = "li";
    memset(&err, 0, sizeof err);
    return tickets_command(tickets, &c, NULL, &err);
}
#define GIVE(...)  give((struct command){__VA_ARGS__})
#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
setup(void)
{
    recorder = recorder_new();
    recorder->origin_ms = T0;
    sink = recorder->sink;
    sink.photo = keep_row;
    row_count = 0;
    tickets = tickets_new(small_site(), &sink, 1);
    must(GIVE(.kind = COMMAND_TICKET_OPEN, .device = "pump-1", .note = "it drips"));
    recorder_forget(recorder);
}

static void
teardown(void)
{
    tickets_free(tickets);
    recorder_free(recorder);
}

static const struct photo file = {
    .type = PHOTO_PNG, .bytes = 1234, .sha256 = HASH, .number = 77};

START_TEST(row_and_event_say_the_same)
{
    recorder->short_lines = false;
    must(GIVE(.kind = COMMAND_TICKET_PHOTO, .ticket = 1, .photo = &file,
              .note = "the old seal"));
    char *text = recorder_take(recorder);
    ck_assert_str_eq(
        text, "{\"t\":\"2026-03-01T10:14:30.000Z\",\"event\":\"ticket.photographed\","
              "\"ticket\":1,\"device\":\"pump-1\",\"priority\":\"normal\","
              "\"number\":1,\"sha256\":\"" HASH "\",\"type\":\"image/png\","
              "\"bytes\":1234,\"by\":\"li\",\"note\":\"the old seal\"}");
    free(text);
    ck_assert_uint_eq(row_count, 1);
    ck_assert_int_eq(rows[0].ticket, 1);
    ck_assert_int_eq(rows[0].number, 1); /* It is counted here. */
    ck_assert_int_eq(rows[0].added_ms, T0);
    ck_assert_int_eq(rows[0].type, PHOTO_PNG);
    ck_assert_int_eq(rows[0].bytes, 1234);
    ck_assert_str_eq(rows[0].sha256, HASH);
    ck_assert_str_eq(rows[0].by, "li");
    ck_assert_str_eq(rows[0].note, "the old seal");
    ck_assert_int_eq(tickets_get(tickets, 1)->photos, 1);
}
END_TEST

START_TEST(a_ticket_takes_so_many_and_says_so)
{
    for (int i = 1; i <= PHOTOS_OF_TICKET_MAX; i++) {
        must(GIVE(.kind = COMMAND_TICKET_PHOTO, .ticket = 1, .photo = &file));
        ck_assert_int_eq(rows[row_count - 1].number, i);
        ck_assert_str_eq(rows[row_count - 1].note, "");
    }
    recorder_forget(recorder);
    ck_assert_int_eq(GIVE(.kind = COMMAND_TICKET_PHOTO, .ticket = 1, .photo = &file),
                     ERR_REFUSED);
    ck_assert_str_eq(err.text, "ticket 1 has 20 photos; no more are kept");
    ck_assert_int_eq(tickets_get(tickets, 1)->photos, PHOTOS_OF_TICKET_MAX);
    ck_assert_uint_eq(row_count, PHOTOS_OF_TICKET_MAX);
    char *text = recorder_take(recorder);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(a_command_without_a_file_is_none)
{
    ck_assert_int_eq(GIVE(.kind = COMMAND_TICKET_PHOTO, .ticket = 1), ERR_USAGE);
    ck_assert_int_eq(GIVE(.kind = COMMAND_TICKET_PHOTO, .ticket = 2, .photo = &file),
                     ERR_NOT_FOUND);
    ck_assert_int_eq(tickets_get(tickets, 1)->photos, 0);
    ck_assert_uint_eq(row_count, 0);
}
END_TEST

START_TEST(what_was_closed_lately_takes_one_too)
{
    must(GIVE(.kind = COMMAND_TICKET_RESOLVE, .ticket = 1, .note = "new seal"));
    must(GIVE(.kind = COMMAND_TICKET_PHOTO, .ticket = 1, .photo = &file));
    must(GIVE(.kind = COMMAND_TICKET_CLOSE, .ticket = 1));
    must(GIVE(.kind = COMMAND_TICKET_PHOTO, .ticket = 1, .photo = &file));
    ck_assert_int_eq(tickets_get(tickets, 1)->state, TICKET_CLOSED);
    ck_assert_int_eq(tickets_get(tickets, 1)->photos, 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ticket photos");
    TCase *tc = tcase_create("photos");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, row_and_event_say_the_same);
    tcase_add_test(tc, a_ticket_takes_so_many_and_says_so);
    tcase_add_test(tc, a_command_without_a_file_is_none);
    tcase_add_test(tc, what_was_closed_lately_takes_one_too);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
