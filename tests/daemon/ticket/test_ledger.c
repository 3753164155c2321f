/* Changing the ledger: all or nothing, told field by field, the file's value behind it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/ticket/ledger.h"

#define T0 INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

static const struct ledger_paper papers[] = {
    {"Manual", "manual.pdf", DOCUMENT_MANUAL, NULL},
    {"Inspection", "c.pdf", DOCUMENT_CERTIFICATE, "2026-04-01"}};
static struct device devices[] = {
    {.id = "box-1", .name = "box", .type = "box", .location = "Lobby"},
    {.id = "net", .name = "net", .type = "bus", .role = DEVICE_BUS},
    {.id = "pump-1",
     .name = "pump",
     .type = "pump",
     .location = "Cellar",
     .ledger = {.maker = "Grundfos",
                .installed = "2019-06-01",
                .papers = papers,
                .document_count = 2}}};
static struct person people[] = {{.id = "li"}, {.id = "zhang"}};
static const struct site site = {.devices = devices,
                                 .device_count = ARRAY_LEN(devices),
                                 .people = people,
                                 .person_count = ARRAY_LEN(people)};

static struct ledger_book *book;
static struct strbuf told;
static struct err err;

static void
on_event(void *ctx, const struct event *e)
{
    (void)ctx;
    ck_assert_int_eq(e->kind, EVENT_LEDGER_CHANGED);
    strbuf_printf(&told, "%s %s: %s -> %s (%s%s%s)\n", e->device, e->record,
                  e->before != NULL ? e->before : "-",
                  e->after != NULL ? e->after : "-", e->by, e->note != NULL ? ", " : "",
                  e->note != NULL ? e->note : "");
}

static void
on_row(void *ctx, const struct ledger_row *row)
{
    (void)ctx;
    if (row->kind == LEDGER_ROW_FIELD) {
        strbuf_printf(&told, "row %s %s\n", ledger_key_name(row->field.key),
                      row->field.gone ? "gone" : row->field.value);
    } else {
        strbuf_add(&told, "row\n");
    }
}

static const struct sink sink = {.event = on_event, .ledger = on_row};

static void
setup(void)
{
    instant_zone_set("UTC");
    book = ledger_book_new(&site);
    err = (struct err){0};
}

static void
teardown(void)
{
    ledger_book_free(book);
    strbuf_fini(&told);
}

static int
set(const struct ledger_change *changes, uint32_t count, int64_t *number)
{
    const struct command c = {.t_ms = T0,
                              .kind = COMMAND_LEDGER_SET,
                              .by = "li",
                              .note = "stock-taking",
                              .changes = changes,
                              .change_count = count};
    return ledger_command(book, &site, &sink, &c, number, &err);
}

static const char *
value(const char *device, enum ledger_key key)
{
    static char out[LEDGER_TEXT_BYTES];
    return ledger_book_value(out, book, site_device(&site, device), key);
}

START_TEST(test_what_changes_is_told_and_what_does_not_is_not)
{
    static const struct ledger_change changes[] = {
        {"pump-1", LEDGER_MAKER, "Wilo"},
        {"pump-1", LEDGER_INSTALLED, "2019/6/1"},
        {"box-1", LEDGER_PRICE, "100"},
        {"box-1", LEDGER_MODEL, ""},
    };
    int64_t number = -1;
    int64_t changed_ms = 0;
    ck_assert_int_eq(set(changes, ARRAY_LEN(changes), &number), 0);
    ck_assert_int_eq(number, 2);
    ck_assert_str_eq(strbuf_text(&told),
                     "row maker Wilo\n"
                     "pump-1 maker: Grundfos -> Wilo (li, stock-taking)\n"
                     "row price 100.00\n"
                     "box-1 price: - -> 100.00 (li, stock-taking)\n");
    ck_assert_str_eq(value("pump-1", LEDGER_MAKER), "Wilo");
    ck_assert_str_eq(ledger_book_changed(book, 2, LEDGER_MAKER, &changed_ms), "li");
    ck_assert_int_eq(changed_ms, T0);
    ck_assert_ptr_null(ledger_book_changed(book, 2, LEDGER_INSTALLED, &changed_ms));
    ck_assert_int_eq(set(changes, ARRAY_LEN(changes), &number), 0);
    ck_assert_int_eq(number, 0);
}
END_TEST

START_TEST(test_a_field_may_be_emptied_and_be_the_files_again)
{
    static const struct ledger_change empty[] = {{"pump-1", LEDGER_MAKER, NULL}};
    static const struct ledger_change back[] = {{"pump-1", LEDGER_MAKER, "Grundfos"}};
    int64_t number = 0;
    int64_t changed_ms;
    ck_assert_int_eq(set(empty, 1, &number), 0);
    ck_assert_str_eq(value("pump-1", LEDGER_MAKER), "");
    ck_assert_ptr_nonnull(ledger_book_changed(book, 2, LEDGER_MAKER, &changed_ms));
    ck_assert_int_eq(set(back, 1, &number), 0);
    ck_assert_str_eq(value("pump-1", LEDGER_MAKER), "Grundfos");
    ck_assert_ptr_null(ledger_book_changed(book, 2, LEDGER_MAKER, &changed_ms));
    ck_assert_str_eq(strbuf_text(&told),
                     "row maker \npump-1 maker: Grundfos -> - (li, stock-taking)\n"
                     "row maker gone\n"
                     "pump-1 maker: - -> Grundfos (li, stock-taking)\n");
}
END_TEST

static const struct {
    struct ledger_change wrong;
    int code;
    const char *says;
} refused[] = {
    {{"pump-9", LEDGER_MAKER, "x"}, ERR_NOT_FOUND, "there is no device \"pump-9\""},
    {{"net", LEDGER_MAKER, "x"}, ERR_REFUSED, "no equipment"},
    {{"pump-1", LEDGER_PRICE, "cheap"}, ERR_RANGE, "pump-1: price: \"cheap\""},
    {{"pump-1", LEDGER_KEEPER, "wu"}, ERR_NOT_FOUND, "there is no person \"wu\""},
};

START_TEST(test_one_wrong_change_keeps_all_from_being_done)
{
    const struct ledger_change changes[] = {{"box-1", LEDGER_MAKER, "x"},
                                            refused[_i].wrong};
    int64_t number = 0;
    ck_assert_int_eq(set(changes, 2, &number), refused[_i].code);
    ck_assert_msg(strstr(err.text, refused[_i].says) != NULL, "%s", err.text);
    ck_assert_str_eq(strbuf_text(&told), "");
    ck_assert_str_eq(value("box-1", LEDGER_MAKER), "");
}
END_TEST

START_TEST(test_a_set_of_nothing_is_refused)
{
    int64_t number = 0;
    ck_assert_int_eq(set(NULL, 0, &number), ERR_USAGE);
}
END_TEST

static int
document(const char *device, const char *link, const char *until, int64_t *number)
{
    const struct command c = {.t_ms = T0,
                              .kind = COMMAND_LEDGER_DOCUMENT,
                              .by = "li",
                              .device = device,
                              .link = link,
                              .document = DOCUMENT_CERTIFICATE,
                              .valid_until = until};
    return ledger_command(book, &site, &sink, &c, number, &err);
}

static int
take_out(const char *device, int64_t document_number)
{
    const struct command c = {.t_ms = T0 + 1,
                              .kind = COMMAND_LEDGER_REMOVE,
                              .by = "zhang",
                              .device = device,
                              .number = document_number};
    return ledger_command(book, &site, &sink, &c, NULL, &err);
}

START_TEST(test_documents_come_and_go_by_number)
{
    int64_t number = 0;
    size_t count = 0;
    ck_assert_int_eq(document("box-1", "a.pdf", "2026/3/2", &number), 0);
    ck_assert_int_eq(number, 1);
    ck_assert_int_eq(document("box-1", "b.pdf", NULL, &number), 0);
    ck_assert_int_eq(number, 2);
    ck_assert_int_eq(document("box-9", "b.pdf", NULL, &number), ERR_NOT_FOUND);
    ck_assert_int_eq(document("box-1", " ", NULL, &number), ERR_USAGE);
    ck_assert_int_eq(document("box-1", "b.pdf", "soon", &number), ERR_RANGE);
    ck_assert_int_eq(take_out(NULL, 0), ERR_NOT_FOUND);
    ck_assert_int_eq(take_out("pump-1", 1), ERR_NOT_FOUND);
    ck_assert_int_eq(take_out(NULL, 1), 0);
    ck_assert_int_eq(take_out(NULL, 1), ERR_REFUSED);
    ck_assert_int_eq(document("box-1", "c.pdf", NULL, &number), 0);
    ck_assert_int_eq(number, 3); /* A number is not given twice. */
    ck_assert_str_eq(
        strbuf_text(&told),
        "row\nbox-1 document 1: - -> certificate: a.pdf, valid until "
        "2026-03-02 (li)\n"
        "row\nbox-1 document 2: - -> certificate: b.pdf (li)\n"
        "row\nbox-1 document 1: certificate: a.pdf, valid until 2026-03-02 "
        "-> - (zhang)\n"
        "row\nbox-1 document 3: - -> certificate: c.pdf (li)\n");
    const struct ledger_document *d = ledger_book_documents(book, &count);
    ck_assert_uint_eq(count, 5); /* Two of the file's. */
    ck_assert_str_eq(d[0].device, "pump-1");
    ck_assert_int_eq(d[0].number, 0);
    ck_assert_str_eq(d[2].removed_by, "zhang");
}
END_TEST

static const struct {
    const char *today;
    int32_t day;
    int32_t left;
    size_t due, over, warranty;
} runs_out[] = {
    {"61 days before", 20544 - 61, 61, 0, 0, 0},
    {"60 days before", 20544 - 60, 60, 1, 0, 1},
    {"on its last day", 20544, 0, 1, 0, 1},
    {"after it", 20545, -1, 1, 1, 0},
};

START_TEST(test_a_paper_is_told_of_before_it_runs_out)
{
    size_t count = 0; /* 20544: 2026-04-01. */
    int32_t today = runs_out[_i].day;
    const struct ledger_document *d = ledger_book_documents(book, &count);
    ck_assert_int_eq(ledger_days_left(&d[0], today), INT32_MAX);
    ck_assert_int_eq(ledger_days_left(&d[1], today), runs_out[_i].left);
    ck_assert_uint_eq(ledger_book_papers(book, today).due, runs_out[_i].due);
    ck_assert_uint_eq(ledger_book_papers(book, today).over, runs_out[_i].over);
    /* A warranty, as a paper and as a field, is told of only before it is over. */
    struct ledger_document paper = d[1];
    paper.number = 99;
    paper.kind = DOCUMENT_WARRANTY;
    ck_assert(ledger_book_put(
        book, &(struct ledger_row){.kind = LEDGER_ROW_DOCUMENT, .document = paper}));
    struct ledger_row field = {.kind = LEDGER_ROW_FIELD,
                               .field = {.device = paper.device,
                                         .key = LEDGER_WARRANTY_UNTIL,
                                         .value = "2026-04-01",
                                         .by = "li"}};
    ck_assert(ledger_book_put(book, &field));
    ck_assert_uint_eq(ledger_book_papers(book, today).due,
                      runs_out[_i].due + 2 * runs_out[_i].warranty);
    ck_assert_uint_eq(ledger_book_papers(book, today).over, runs_out[_i].over);
}
END_TEST

static int
alter(const char *what, const char *day, int64_t *number)
{
    const struct command c = {.t_ms = T0,
                              .kind = COMMAND_LEDGER_ALTERATION,
                              .by = "li",
                              .device = "pump-1",
                              .what = what,
                              .effect = "more head",
                              .made_on = day,
                              .made_by = "Pump Ltd"};
    return ledger_command(book, &site, &sink, &c, number, &err);
}

START_TEST(test_alterations_are_kept_with_their_day)
{
    int64_t number = 0;
    size_t count = 0;
    ck_assert_int_eq(alter("new impeller", "2025-7-1", &number), 0);
    ck_assert_int_eq(number, 1);
    ck_assert_int_eq(alter("new seal", NULL, &number), 0);
    ck_assert_int_eq(alter("", NULL, &number), ERR_USAGE);
    ck_assert_int_eq(alter("x", "2026-03-02", &number), ERR_RANGE);
    ck_assert_ptr_nonnull(strstr(err.text, "still to come"));
    const struct ledger_alteration *a = ledger_book_alterations(book, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(a[0].day, "2025-07-01");
    ck_assert_str_eq(a[1].day, "2026-03-01");
    ck_assert_str_eq(
        strbuf_text(&told),
        "row\npump-1 alteration 1: - -> 2025-07-01: new impeller; effect: "
        "more head; made by Pump Ltd (li)\n"
        "row\npump-1 alteration 2: - -> 2026-03-01: new seal; effect: more "
        "head; made by Pump Ltd (li)\n");
}
END_TEST

START_TEST(test_rows_of_a_device_that_is_gone_keep_their_numbers)
{
    const struct ledger_row gone = {
        .kind = LEDGER_ROW_DOCUMENT,
        .document = {.device = "pump-9", .number = 7, .removed_ms = INSTANT_NONE}};
    int64_t number = 0;
    ck_assert(!ledger_book_put(book, &gone));
    ck_assert_int_eq(document("box-1", "a.pdf", NULL, &number), 0);
    ck_assert_int_eq(number, 8);
}
END_TEST

START_TEST(test_the_area_is_the_location_where_none_is_given)
{
    static const struct ledger_change changes[] = {{"box-1", LEDGER_AREA, "Block A"}};
    char out[LEDGER_TEXT_BYTES];
    int64_t number = 0;
    ck_assert_str_eq(ledger_book_area(out, book, 0), "Lobby");
    ck_assert_int_eq(set(changes, 1, &number), 0);
    ck_assert_str_eq(ledger_book_area(out, book, 0), "Block A");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ledger");
    TCase *tc = tcase_create("ledger");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_what_changes_is_told_and_what_does_not_is_not);
    tcase_add_test(tc, test_a_field_may_be_emptied_and_be_the_files_again);
    tcase_add_loop_test(tc, test_one_wrong_change_keeps_all_from_being_done, 0,
                        (int)ARRAY_LEN(refused));
    tcase_add_test(tc, test_a_set_of_nothing_is_refused);
    tcase_add_test(tc, test_documents_come_and_go_by_number);
    tcase_add_loop_test(tc, test_a_paper_is_told_of_before_it_runs_out, 0,
                        (int)ARRAY_LEN(runs_out));
    tcase_add_test(tc, test_alterations_are_kept_with_their_day);
    tcase_add_test(tc, test_rows_of_a_device_that_is_gone_keep_their_numbers);
    tcase_add_test(tc, test_the_area_is_the_location_where_none_is_given);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
