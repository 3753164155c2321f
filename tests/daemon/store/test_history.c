/* history.db: frames in, samples out, whatever happens to the file meanwhile. */
#include <check.h>
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/store/history.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];
static struct err err;
static char got[512];

/* Two devices in order of id; so are the points of each. */
static struct device devices[] = {
    {.id = "lift-1", .first_point = 0, .point_count = 1},
    {.id = "pump-1", .first_point = 1, .point_count = 3},
};
static struct point points[] = {
    {.id = "door", .device = 0},
    {.id = "bearing", .device = 1},
    {.id = "flow", .device = 1},
    {.id = "running", .device = 1},
};
static struct site site;

static void
make_dir(void)
{
    scratch_make(dir);
    memset(&err, 0, sizeof err);
    site = (struct site){.devices = devices,
                         .device_count = ARRAY_LEN(devices),
                         .points = points,
                         .point_count = ARRAY_LEN(points),
                         .history = {.flush_ms = 3600000, .keep_ms = 86400000}};
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static struct history *
open_history(void)
{
    struct history *h = NULL;
    must(history_open(&h, dir, &site, &err));
    return h;
}

static union {
    struct frame frame;
    unsigned char bytes[FRAME_BYTES_MAX];
} room;

/* A frame of a device with one good value for each of its points. */
static const struct frame *
frame_of(uint32_t device, int64_t t_ms, double value)
{
    struct frame *f = &room.frame;
    *f = (struct frame){
        .t_ms = t_ms, .device = device, .count = (uint16_t)devices[device].point_count};
    for (uint32_t i = 0; i < f->count; i++) {
        f->readings[i] = (struct reading){.point = devices[device].first_point + i,
                                          .value = value + i};
    }
    return f;
}

static bool
print_sample(void *ctx, const struct history_sample *s)
{
    struct strbuf *out = ctx;
    strbuf_printf(out, "%lld %s.%s ", (long long)s->t_ms, s->device, s->point);
    if (s->quality == QUALITY_GOOD) {
        strbuf_add_number(out, s->value);
    } else {
        strbuf_printf(out, "%s/%d", quality_name(s->quality), s->detail);
    }
    strbuf_add(out, s->clock_untrusted ? "? " : "; ");
    return true;
}

static void
expect_read(
    int64_t from, int64_t to, const char *device, const char *point, const char *want)
{
    struct history_reader *r = NULL;
    struct strbuf out = {0};
    must(history_reader_open(&r, dir, &err));
    must(history_each(r, from, to, device, point, print_sample, &out, &err));
    ck_assert_str_eq(strbuf_text(&out), want);
    strbuf_fini(&out);
    history_reader_close(r);
}

START_TEST(test_what_was_pushed_is_on_disk_after_closing)
{
    struct history *h = open_history();
    ck_assert(history_push(h, frame_of(1, 1000, 80.5)));
    ck_assert(history_push(h, frame_of(0, 1000, 1)));
    struct frame *f = &room.frame;
    frame_of(1, 2000, 0);
    f->flags = FRAME_CLOCK_UNTRUSTED;
    f->readings[0].quality = QUALITY_TIMEOUT;
    f->readings[1].quality = QUALITY_EXCEPTION;
    f->readings[1].detail = 2;
    ck_assert(history_push(h, f));
    history_close(h);
    expect_read(INSTANT_NONE, INSTANT_MAX, NULL, NULL,
                "1000 lift-1.door 1; 1000 pump-1.bearing 80.5; 1000 pump-1.flow 81.5; "
                "1000 pump-1.running 82.5; 2000 pump-1.bearing timeout/0? "
                "2000 pump-1.flow exception/2? 2000 pump-1.running 2? ");
}
END_TEST

static const struct {
    int64_t from, to;
    const char *device, *point, *want;
} filters[] = {
    {1000, 1000, NULL, NULL, "1000 lift-1.door 1; "},
    {1001, 2999, NULL, NULL,
     "2000 pump-1.bearing 2; 2000 pump-1.flow 3; "
     "2000 pump-1.running 4; "},
    {1001, 1999, NULL, NULL, ""},
    {0, 9999, "lift-1", NULL, "1000 lift-1.door 1; 3000 lift-1.door 3; "},
    {0, 9999, "pump-1", "flow", "2000 pump-1.flow 3; "},
    {0, 9999, NULL, "flow", "2000 pump-1.flow 3; "},
    {0, 9999, "lift-1", "flow", ""},
    {0, 9999, "pump-2", NULL, ""},
    {0, 9999, NULL, "speed", ""},
};

START_TEST(test_filters_take_what_they_name)
{
    struct history *h = open_history();
    history_push(h, frame_of(0, 1000, 1));
    history_push(h, frame_of(1, 2000, 2));
    history_push(h, frame_of(0, 3000, 3));
    must(history_flush(h, &err));
    expect_read(filters[_i].from, filters[_i].to, filters[_i].device, filters[_i].point,
                filters[_i].want);
    history_close(h);
}
END_TEST

START_TEST(test_frames_of_one_time_and_device_are_merged_by_point)
{
    struct history *h = open_history();
    struct frame *f = &room.frame;
    *f = (struct frame){.t_ms = 5, .device = 1, .count = 1};
    f->readings[0] = (struct reading){.point = 3, .value = 1}; /* running */
    history_push(h, f);
    f->count = 2;
    f->readings[0] = (struct reading){.point = 1, .value = 2}; /* bearing */
    f->readings[1] = (struct reading){.point = 3, .value = 3};
    history_push(h, f);
    history_push(h, frame_of(0, 5, 0));
    history_close(h);
    expect_read(0, 9, NULL, NULL,
                "5 lift-1.door 0; 5 pump-1.bearing 2; 5 pump-1.running 1; "
                "5 pump-1.running 3; ");
}
END_TEST

START_TEST(test_rows_are_read_by_name_after_the_site_has_changed)
{
    static struct device other_devices[] = {
        {.id = "fan-1", .first_point = 0, .point_count = 1},
        {.id = "lift-1", .first_point = 1, .point_count = 2},
    };
    static struct point other_points[] = {
        {.id = "speed", .device = 0},
        {.id = "door", .device = 1},
        {.id = "load", .device = 1},
    };
    struct history *h = open_history();
    history_push(h, frame_of(0, 1, 7));
    history_push(h, frame_of(1, 1, 8));
    history_close(h);
    site.devices = other_devices;
    site.points = other_points;
    site.point_count = ARRAY_LEN(other_points);
    h = open_history();
    struct frame *f = &room.frame;
    *f = (struct frame){.t_ms = 2, .device = 1, .count = 2};
    f->readings[0] = (struct reading){.point = 1, .value = 9};
    f->readings[1] = (struct reading){.point = 2, .value = 10};
    history_push(h, f);
    history_close(h);
    expect_read(0, 9, NULL, NULL,
                "1 lift-1.door 7; 1 pump-1.bearing 8; 1 pump-1.flow 9; "
                "1 pump-1.running 10; 2 lift-1.door 9; 2 lift-1.load 10; ");
}
END_TEST

START_TEST(test_a_reader_reads_while_the_writer_writes)
{
    struct history_reader *r = NULL;
    int64_t newest = 0;
    ck_assert_int_eq(history_reader_open(&r, dir, &err), ERR_NOT_FOUND);
    struct history *h = open_history();
    must(history_reader_open(&r, dir, &err));
    must(history_newest(r, &newest, &err));
    ck_assert_int_eq(newest, INSTANT_NONE);
    for (int64_t t = 1; t <= 3; t++) {
        history_push(h, frame_of(0, t, 0));
        must(history_flush(h, &err));
        must(history_newest(r, &newest, &err));
        ck_assert_int_eq(newest, t);
    }
    struct history_counts counts = history_count(h);
    ck_assert_uint_eq(counts.frames, 3);
    ck_assert_uint_eq(counts.samples, 3);
    ck_assert_uint_eq(counts.commits, 3);
    ck_assert_uint_eq(counts.dropped, 0);
    ck_assert(!counts.failing);
    history_reader_close(r);
    history_close(h);
}
END_TEST

static bool
stop_at_once(void *ctx, const struct history_sample *s)
{
    (void)s;
    ++*(int *)ctx;
    return false;
}

START_TEST(test_a_callback_may_end_the_reading)
{
    struct history_reader *r = NULL;
    int calls = 0;
    struct history *h = open_history();
    history_push(h, frame_of(1, 1, 0));
    history_push(h, frame_of(1, 2, 0));
    history_close(h);
    must(history_reader_open(&r, dir, &err));
    must(history_each(r, 0, 9, NULL, NULL, stop_at_once, &calls, &err));
    ck_assert_int_eq(calls, 1);
    must(history_each(r, 0, 9, NULL, NULL, stop_at_once, &calls, &err));
    ck_assert_int_eq(calls, 2);
    history_reader_close(r);
}
END_TEST

START_TEST(test_batches_are_committed_by_themselves)
{
    site.history.flush_ms = 1;
    struct history *h = open_history();
    history_push(h, frame_of(0, 1, 0));
    while (history_count(h).commits == 0) {
        sched_yield(); /* The suite's own deadline ends a wait for ever. */
    }
    expect_read(0, 9, NULL, NULL, "1 lift-1.door 0; ");
    history_close(h);
}
END_TEST

START_TEST(test_a_ring_that_fills_up_does_not_wait_for_the_flush)
{
    uint64_t pushed = 0;
    struct history *h = open_history();
    frame_of(1, 1, 0);
    room.frame.count = 0;
    while (history_count(h).commits == 0) {
        room.frame.t_ms++;
        pushed += history_push(h, &room.frame);
    }
    history_close(h);
    ck_assert_uint_gt(pushed, 1000);
}
END_TEST

struct extent {
    int64_t first_ms, last_ms;
    int count;
};

static bool
extend(void *ctx, const struct history_sample *s)
{
    struct extent *e = ctx;
    e->first_ms = e->count == 0 ? s->t_ms : e->first_ms;
    e->last_ms = s->t_ms;
    e->count++;
    return true;
}

/* Of one point's samples. */
static struct extent
extent_of(const char *device, const char *point)
{
    struct history_reader *r = NULL;
    struct extent e = {0};
    must(history_reader_open(&r, dir, &err));
    must(history_each(r, INSTANT_NONE, INSTANT_MAX, device, point, extend, &e, &err));
    history_reader_close(r);
    return e;
}

START_TEST(test_frames_older_than_keep_go)
{
    struct history *h = open_history();
    for (int64_t t = 0; t < 2000; t++) {
        history_push(h, frame_of(0, t, 0));
    }
    must(history_flush(h, &err));
    ck_assert_int_eq(extent_of("lift-1", "door").count, 2000);
    /* Frames of an untrusted clock must not age the others. */
    frame_of(0, 86400000 * 1000LL, 0);
    room.frame.flags = FRAME_CLOCK_UNTRUSTED;
    history_push(h, &room.frame);
    must(history_flush(h, &err));
    ck_assert_int_eq(extent_of("lift-1", "door").count, 2001);
    for (int64_t t = 0; t < 5; t++) {
        history_push(h, frame_of(0, 86400000 + 1999 + t, 0));
        must(history_flush(h, &err));
    }
    struct extent e = extent_of("lift-1", "door");
    ck_assert_int_eq(e.first_ms, 86401999);
    ck_assert_int_eq(e.count, 6);
    history_close(h);
}
END_TEST

/* The one file in the folder whose name begins so. */
static void
find_file(const char *start, char out[512])
{
    DIR *d = opendir(dir);
    out[0] = '\0';
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (strncmp(e->d_name, start, strlen(start)) == 0 &&
            strlen(e->d_name) == strlen("history.db.damaged-YYYYMMDD-HHMMSS")) {
            snprintf(out, 512, "%s", e->d_name);
        }
    }
    closedir(d);
}

static void
write_over(const char *name, long from, size_t size)
{
    char path[SCRATCH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r+");
    if (f == NULL) {
        f = fopen(path, "w");
    }
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, from, SEEK_SET), 0);
    for (size_t i = 0; i < size; i++) {
        fputc('x', f);
    }
    fclose(f);
}

START_TEST(test_a_file_that_is_no_database_is_moved_aside)
{
    write_over("history.db", 0, 20000);
    struct history *h = open_history();
    history_push(h, frame_of(0, 1, 5));
    history_close(h);
    expect_read(0, 9, NULL, NULL, "1 lift-1.door 5; ");
    find_file("history.db.damaged-", got);
    ck_assert_str_ne(got, "");
}
END_TEST

START_TEST(test_a_file_that_is_damaged_under_way_is_moved_aside)
{
    struct history_reader *r = NULL;
    int64_t newest = 0;
    struct history *h = open_history();
    for (int64_t t = 0; t < 3000; t++) {
        history_push(h, frame_of(1, t, (double)t / 7));
    }
    must(history_flush(h, &err));
    must(history_reader_open(&r, dir, &err));
    scratch_query(dir, "history.db", "PRAGMA wal_checkpoint(TRUNCATE)", got);
    ck_assert_str_eq(got, "0");
    write_over("history.db", 4096, 120000);
    /* A change by somebody else makes the writer read its pages again. */
    scratch_exec(dir, "history.db", "PRAGMA user_version = 1");
    history_push(h, frame_of(0, 5000, 6));
    must(history_flush(h, &err));
    find_file("history.db.damaged-", got);
    ck_assert_str_ne(got, "");
    /* A reader that was open all along sees the new file. */
    must(history_newest(r, &newest, &err));
    ck_assert_int_eq(newest, 5000);
    history_reader_close(r);
    history_close(h);
}
END_TEST

START_TEST(test_a_newer_schema_is_refused_and_stays_where_it_is)
{
    struct history *h = NULL;
    scratch_exec(dir, "history.db", "PRAGMA user_version = 1000");
    ck_assert_int_eq(history_open(&h, dir, &site, &err), ERR_REFUSED);
    scratch_query(dir, "history.db", "PRAGMA user_version", got);
    ck_assert_str_eq(got, "1000");
}
END_TEST

START_TEST(test_at_max_size_the_oldest_make_room)
{
    site.history.max_bytes = 256 * 1024;
    struct history *h = open_history();
    for (int64_t t = 0; t < 40000; t++) {
        while (!history_push(h, frame_of(1, t, (double)t / 7))) {
            must(history_flush(h, &err));
        }
        if (t % 500 == 499) {
            must(history_flush(h, &err));
        }
    }
    must(history_flush(h, &err));
    ck_assert(!history_count(h).failing);
    struct extent e = extent_of("pump-1", "flow");
    ck_assert_int_eq(e.last_ms, 39999);
    ck_assert_int_gt(e.first_ms, 20000);
    ck_assert_int_lt(e.first_ms, 35000);
    ck_assert_int_eq(e.count, 40000 - e.first_ms);
    scratch_query(dir, "history.db", "PRAGMA page_count", got);
    ck_assert_int_le(atoi(got), 256);
    history_close(h);
}
END_TEST

START_TEST(test_a_disk_that_refuses_keeps_the_newest_and_goes_on)
{
    struct rlimit before, small;
    struct history *h = open_history();
    history_push(h, frame_of(0, 1, 1));
    must(history_flush(h, &err));
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    history_push(h, frame_of(0, 2, 2));
    int rc = history_flush(h, &err);
    struct history_counts counts = history_count(h);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    ck_assert_int_ne(rc, 0);
    ck_assert_ptr_nonnull(strstr(err.text, "history.db"));
    ck_assert(counts.failing);
    history_push(h, frame_of(0, 3, 3));
    must(history_flush(h, &err));
    ck_assert(!history_count(h).failing);
    history_close(h);
    expect_read(0, 9, NULL, NULL,
                "1 lift-1.door 1; 2 lift-1.door 2; 3 lift-1.door 3; ");
}
END_TEST

static Suite *
suite(void)
{
    Suite *su = suite_create("history");
    TCase *tc = tcase_create("history");
    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, test_what_was_pushed_is_on_disk_after_closing);
    tcase_add_loop_test(tc, test_filters_take_what_they_name, 0,
                        (int)ARRAY_LEN(filters));
    tcase_add_test(tc, test_frames_of_one_time_and_device_are_merged_by_point);
    tcase_add_test(tc, test_rows_are_read_by_name_after_the_site_has_changed);
    tcase_add_test(tc, test_a_reader_reads_while_the_writer_writes);
    tcase_add_test(tc, test_a_callback_may_end_the_reading);
    tcase_add_test(tc, test_batches_are_committed_by_themselves);
    tcase_add_test(tc, test_a_ring_that_fills_up_does_not_wait_for_the_flush);
    tcase_add_test(tc, test_frames_older_than_keep_go);
    tcase_add_test(tc, test_a_file_that_is_no_database_is_moved_aside);
    tcase_add_test(tc, test_a_file_that_is_damaged_under_way_is_moved_aside);
    tcase_add_test(tc, test_a_newer_schema_is_refused_and_stays_where_it_is);
    tcase_add_test(tc, test_at_max_size_the_oldest_make_room);
    tcase_add_test(tc, test_a_disk_that_refuses_keeps_the_newest_and_goes_on);
    suite_add_tcase(su, tc);
    return su;
}

int
main(void)
{
    SRunner *sr = srunner_create(suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
