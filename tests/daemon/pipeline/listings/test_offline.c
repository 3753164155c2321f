/* Listings without a daemon: an empty folder is an empty list, a wrong word is an
 * error, and what cannot be read is never shown as "no alarms". */
#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "daemon/pipeline/listings/offline.h"
#include "daemon/store/state.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];

static void
make_dir(void)
{
    scratch_make(dir);
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

static int
take(void *ctx, const char *bytes, size_t size, struct err *err)
{
    (void)err;
    strbuf_add_bytes(ctx, bytes, size);
    return 0;
}

static int
list(const char *data_dir, const char *state, struct strbuf *out)
{
    struct err err;
    const struct site site = {.id = "a", .data_dir = data_dir};
    const struct alarm_filter alarms = {.state = state};
    const struct ticket_filter tickets = {.state = state};
    int code = offline_listing_alarms(&site, &alarms, out, &err);
    ck_assert_int_eq(offline_listing_tickets(&site, &tickets, take, out, &err), code);
    return code;
}

START_TEST(test_a_folder_without_a_database_gives_empty_lists)
{
    struct strbuf out = {0};
    ck_assert_int_eq(list(dir, NULL, &out), 0);
    ck_assert_str_eq(strbuf_text(&out), "[][]");
    strbuf_fini(&out);
}
END_TEST

START_TEST(test_a_wrong_word_is_refused_with_and_without_a_database)
{
    struct strbuf out = {0};
    struct state *store = NULL;
    struct err err;
    ck_assert_int_eq(list(dir, "bogus", &out), ERR_RANGE);
    ck_assert_int_eq(state_open(&store, dir, STORE_WRITE, &err), 0);
    state_close(store);
    ck_assert_int_eq(list(dir, "bogus", &out), ERR_RANGE);
    strbuf_fini(&out);
}
END_TEST

START_TEST(test_a_folder_that_cannot_be_read_is_an_error)
{
    char path[SCRATCH_BYTES + 8];
    struct strbuf out = {0};
    snprintf(path, sizeof path, "%s/file", dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(list(path, NULL, &out), ERR_IO);
    strbuf_fini(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("offline");
    TCase *tc = tcase_create("offline");
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, test_a_folder_without_a_database_gives_empty_lists);
    tcase_add_test(tc, test_a_wrong_word_is_refused_with_and_without_a_database);
    tcase_add_test(tc, test_a_folder_that_cannot_be_read_is_an_error);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
