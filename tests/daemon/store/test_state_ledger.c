/* The ledger in state.db, and the tickets of one device. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/store/state.h"
#include "tests/daemon/store/scratch.h"

#define T0 1767225600000LL

static char dir[SCRATCH_BYTES];
static struct err err;
static struct state *store;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
setup(void)
{
    scratch_make(dir);
    must(state_open(&store, dir, STORE_WRITE, &err));
}

static void
teardown(void)
{
    state_close(store);
    scratch_remove(dir);
}

static void
put_field(const char *device, enum ledger_key key, const char *value, bool gone)
{
    struct ledger_row row = {
        .kind = LEDGER_ROW_FIELD,
        .field = {
            .device = device, .key = key, .gone = gone, .by = "li", .changed_ms = T0}};
    snprintf(row.field.value, sizeof row.field.value, "%s", value);
    must(state_put_ledger(store, &row, &err));
}

static bool
write_row(void *ctx, const struct ledger_row *row)
{
    struct strbuf *b = ctx;
    const struct ledger_document *d = &row->document;
    const struct ledger_alteration *a = &row->alteration;
    switch (row->kind) {
    case LEDGER_ROW_FIELD:
        strbuf_printf(b, "%s %s=%s by %s at %lld\n", row->field.device,
                      ledger_key_name(row->field.key), row->field.value, row->field.by,
                      (long long)(row->field.changed_ms - T0));
        break;
    case LEDGER_ROW_DOCUMENT:
        strbuf_printf(b, "%s document %lld %s|%s|%s|%s|%s|%lld|%s|%d\n", d->device,
                      (long long)d->number, d->title, d->link,
                      document_kind_name(d->kind), d->valid_until, d->by,
                      (long long)(d->added_ms - T0), d->removed_by,
                      d->removed_ms == INSTANT_NONE);
        break;
    case LEDGER_ROW_ALTERATION:
        strbuf_printf(b, "%s alteration %lld %s|%s|%s|%s|%s\n", a->device,
                      (long long)a->number, a->day, a->what, a->effect, a->made_by,
                      a->by);
        break;
    }
    return strstr(strbuf_text(b), "stop") == NULL;
}

static void
check_rows(const char *want)
{
    struct strbuf b = {0};
    must(state_each_ledger(store, write_row, &b, &err));
    ck_assert_str_eq(strbuf_text(&b), want);
    strbuf_fini(&b);
}

START_TEST(test_rows_read_back_after_reopening)
{
    struct ledger_row document = {.kind = LEDGER_ROW_DOCUMENT,
                                  .document = {.device = "pump-1",
                                               .number = 3,
                                               .title = "年检",
                                               .link = "https://example.org/c.pdf",
                                               .kind = DOCUMENT_CERTIFICATE,
                                               .valid_until = "2027-03-01",
                                               .by = "li",
                                               .added_ms = T0 + 1,
                                               .removed_ms = INSTANT_NONE}};
    const struct ledger_row alteration = {.kind = LEDGER_ROW_ALTERATION,
                                          .alteration = {.device = "pump-1",
                                                         .number = 7,
                                                         .day = "2026-01-02",
                                                         .what = "new impeller",
                                                         .by = "li",
                                                         .added_ms = T0}};
    must(state_put_ledger(store, &document, &err));
    must(state_put_ledger(store, &alteration, &err));
    put_field("pump-2", LEDGER_MAKER, "", false);
    put_field("pump-1", LEDGER_MAKER, "Wilo", false);
    put_field("pump-1", LEDGER_MAKER, "KSB", false);
    put_field("pump-1", LEDGER_MODEL, "X", false);
    put_field("pump-1", LEDGER_MODEL, "X", true);
    state_close(store);
    must(state_open(&store, dir, STORE_WRITE, &err));
    check_rows(
        "pump-1 maker=KSB by li at 0\n"
        "pump-2 maker= by li at 0\n"
        "pump-1 document 3 年检|https://example.org/c.pdf|certificate|2027-03-01|"
        "li|1||1\n"
        "pump-1 alteration 7 2026-01-02|new impeller|||li\n");
    snprintf(document.document.removed_by, PERSON_BYTES, "wang");
    document.document.removed_ms = T0 + 2;
    document.document.valid_until[0] = '\0';
    must(state_put_ledger(store, &document, &err));
    put_field("pump-1", LEDGER_MAKER, "KSB", true);
    put_field("pump-2", LEDGER_MAKER, "stop", false);
    check_rows("pump-2 maker=stop by li at 0\n"); /* A callback ends the reading. */
    put_field("pump-2", LEDGER_MAKER, "", true);
    check_rows(
        "pump-1 document 3 年检|https://example.org/c.pdf|certificate||li|1|wang|"
        "0\npump-1 alteration 7 2026-01-02|new impeller|||li\n");
}
END_TEST

START_TEST(test_a_rollback_leaves_nothing)
{
    must(state_begin(store, &err));
    put_field("pump-1", LEDGER_MAKER, "KSB", false);
    state_rollback(store);
    check_rows("");
}
END_TEST

START_TEST(test_a_word_nobody_knows_is_an_error)
{
    struct strbuf b = {0};
    put_field("pump-1", LEDGER_MAKER, "KSB", false);
    scratch_exec(dir, "state.db", "UPDATE ledger SET key = 'odd'");
    ck_assert_int_eq(state_each_ledger(store, write_row, &b, &err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "'odd'"));
    strbuf_fini(&b);
}
END_TEST

static bool
write_number(void *ctx, const struct ticket *t)
{
    strbuf_printf(ctx, "%lld ", (long long)t->number);
    return true;
}

START_TEST(test_the_tickets_of_one_device_are_found)
{
    static const char *const devices[] = {"pump-1", "pump-2", NULL, "pump-1"};
    struct strbuf b = {0};
    for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
        const struct ticket t = {.number = (int64_t)i + 1,
                                 .device = devices[i],
                                 .state = i == 0 ? TICKET_CLOSED : TICKET_OPENED,
                                 .title = "x"};
        must(state_put_ticket(store, &t, &err));
    }
    must(state_tickets_after(store, TICKETS_OF_DEVICE, "pump-1", 0, write_number, &b,
                             &err));
    ck_assert_str_eq(strbuf_text(&b), "1 4 ");
    strbuf_clear(&b);
    must(state_tickets_after(store, TICKETS_OF_DEVICE, "pump-3", 0, write_number, &b,
                             &err));
    ck_assert_str_eq(strbuf_text(&b), "");
    strbuf_fini(&b);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("state ledger");
    TCase *tc = tcase_create("ledger");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_rows_read_back_after_reopening);
    tcase_add_test(tc, test_a_rollback_leaves_nothing);
    tcase_add_test(tc, test_a_word_nobody_knows_is_an_error);
    tcase_add_test(tc, test_the_tickets_of_one_device_are_found);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
