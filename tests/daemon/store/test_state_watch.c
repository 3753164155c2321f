/* Since when each device is watched, and when nothing was. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/store/state_watch.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];
static struct err err;
static struct state *store;

static void
setup(void)
{
    scratch_make(dir);
    ck_assert_msg(state_open(&store, dir, STORE_WRITE, &err) == 0, "%s", err.text);
}

static void
teardown(void)
{
    state_close(store);
    scratch_remove(dir);
}

/* `ids` with a space between them. */
static void
watch(const char *ids, int64_t since_ms, int64_t now_ms)
{
    char text[100];
    const char *devices[8];
    size_t count = 0;
    char *rest = NULL;
    snprintf(text, sizeof text, "%s", ids);
    for (char *id = strtok_r(text, " ", &rest); id != NULL;
         id = strtok_r(NULL, " ", &rest)) {
        devices[count++] = id;
    }
    ck_assert_msg(state_watch(store, devices, count, since_ms, now_ms, &err) == 0, "%s",
                  err.text);
}

static bool
add(void *ctx, const char *device, int64_t from_ms, int64_t to_ms)
{
    strbuf_printf(ctx, "%s %lld-%lld;", device != NULL ? device : "all",
                  (long long)from_ms, (long long)to_ms);
    return true;
}

static void
expect(const char *wanted)
{
    struct strbuf got = {0};
    ck_assert_int_eq(state_each_unwatched(store, add, &got, &err), 0);
    ck_assert_str_eq(strbuf_text(&got), wanted);
    strbuf_fini(&got);
}

START_TEST(the_first_list_was_there_from_the_beginning)
{
    expect("");
    watch("a b", INSTANT_NONE, 1000);
    expect("");
}
END_TEST

START_TEST(a_database_of_before_knows_its_devices_from_the_first_start)
{
    watch("a b", 500, 1000);
    expect("all 500-1000;");
}
END_TEST

START_TEST(the_program_did_not_run)
{
    watch("a b", INSTANT_NONE, 1000);
    watch("a b", 5000, 9000);
    expect("all 5000-9000;");
}
END_TEST

START_TEST(a_start_with_a_clock_that_stood_is_kept)
{
    watch("a", INSTANT_NONE, 1000);
    watch("a", 5000, 5000);
    expect("all 5000-5000;");
}
END_TEST

START_TEST(a_device_that_is_added_was_not_watched_before)
{
    watch("a", INSTANT_NONE, 1000);
    watch("a b", INSTANT_NONE, 3000); /* By a reload. */
    expect("b 0-3000;");
    watch("a b c", 5000, 9000); /* While the program did not run. */
    expect("b 0-3000;c 0-9000;all 5000-9000;");
}
END_TEST

START_TEST(a_device_that_comes_back_was_not_watched_meanwhile)
{
    watch("a b", INSTANT_NONE, 1000);
    watch("a", 2000, 2500);
    watch("a", 3000, 3500);
    watch("a b", INSTANT_NONE, 4000);
    expect("all 2000-2500;b 2000-4000;all 3000-3500;");
    watch("b", INSTANT_NONE, 5000);
    watch("a b", INSTANT_NONE, 6000);
    expect("all 2000-2500;b 2000-4000;all 3000-3500;a 5000-6000;");
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("watch");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_first_list_was_there_from_the_beginning);
    tcase_add_test(tc, a_database_of_before_knows_its_devices_from_the_first_start);
    tcase_add_test(tc, the_program_did_not_run);
    tcase_add_test(tc, a_start_with_a_clock_that_stood_is_kept);
    tcase_add_test(tc, a_device_that_is_added_was_not_watched_before);
    tcase_add_test(tc, a_device_that_comes_back_was_not_watched_meanwhile);
    Suite *s = suite_create("state_watch");
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
