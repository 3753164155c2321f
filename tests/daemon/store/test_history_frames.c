/* The history as frames: order, what the site does not have, damage, a writer beside.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/store/history_db.h"
#include "daemon/store/history_frames.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];
static struct err err;

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
                         .point_count = ARRAY_LEN(points)};
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static struct history_db *
open_writer(void)
{
    struct history_db *h = NULL;
    must(history_db_open(&h, dir, &site, &err));
    return h;
}

static union {
    struct frame frame;
    unsigned char bytes[FRAME_BYTES_MAX];
} room;

/* Writes one good value of the points [first, first + count) of a device. */
static void
put(struct history_db *h, uint32_t first, uint16_t count, int64_t t_ms, double value)
{
    struct frame *f = &room.frame;
    enum history_trouble trouble;
    *f = (struct frame){.t_ms = t_ms, .device = points[first].device, .count = count};
    for (uint16_t i = 0; i < count; i++) {
        f->readings[i] = (struct reading){.point = first + i, .value = value + i};
    }
    must(history_db_write(h, room.bytes, frame_bytes(count), INSTANT_NONE, &trouble,
                          &err));
}

static void
add_frame(struct strbuf *out, const struct site *s, const struct frame *f)
{
    strbuf_printf(out, "%lld", (long long)f->t_ms);
    if (f->flags & FRAME_CLOCK_UNTRUSTED) {
        strbuf_add(out, "?");
    }
    strbuf_printf(out, " %s", s->devices[f->device].id);
    for (uint16_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];
        ck_assert(i == 0 || r->point > f->readings[i - 1].point);
        strbuf_printf(out, " %s=", s->points[r->point].id);
        if (r->quality == QUALITY_GOOD) {
            strbuf_add_number(out, r->value);
        } else {
            strbuf_printf(out, "%s/%d", quality_name((enum quality)r->quality),
                          r->detail);
        }
    }
    strbuf_add(out, "; ");
}

static void
count_bad(void *ctx, const struct loc *loc, const char *text)
{
    ck_assert_ptr_nonnull(strstr(loc->file, HISTORY_FILE));
    ck_assert_ptr_nonnull(strstr(text, "1970-01-01T00:00:02.000Z is damaged"));
    ++*(int *)ctx;
}

static struct history_frames_counts
expect(
    const struct site *s, int64_t from, int64_t to, uint32_t device, const char *want)
{
    int bad = 0;
    const struct history_frames_options o = {.dir = dir,
                                             .from_ms = from,
                                             .to_ms = to,
                                             .device = device,
                                             .bad = count_bad,
                                             .ctx = &bad};
    struct history_frames *h = NULL;
    struct strbuf out = {0};
    const struct frame *f;
    must(history_frames_open(&h, s, &o, &err));
    while ((f = history_frames_next(h, &err)) != NULL) {
        add_frame(&out, s, f);
    }
    ck_assert_msg(err.code == 0, "%s", err.text);
    ck_assert_ptr_null(history_frames_next(h, &err)); /* And stays at the end. */
    ck_assert_str_eq(strbuf_text(&out), want);
    struct history_frames_counts c = history_frames_counts(h);
    ck_assert_uint_eq(c.bad, (uint64_t)bad);
    ck_assert_uint_eq(c.done, c.total);
    strbuf_fini(&out);
    history_frames_close(h);
    return c;
}

START_TEST(in_order_of_time_then_device_then_as_recorded)
{
    struct history_db *h = open_writer();
    put(h, 1, 3, 2000, 10);
    put(h, 1, 1, 1000, 1);
    put(h, 0, 1, 1000, 2); /* Its key is the higher one. */
    put(h, 2, 1, 1000, 3);
    put(h, 1, 1, 1000, 4);
    struct frame *f = &room.frame;
    enum history_trouble trouble;
    *f = (struct frame){
        .t_ms = 3000, .device = 1, .count = 1, .flags = FRAME_CLOCK_UNTRUSTED};
    f->readings[0] =
        (struct reading){.point = 2, .quality = QUALITY_EXCEPTION, .detail = 2};
    must(history_db_write(h, room.bytes, frame_bytes(1), INSTANT_NONE, &trouble, &err));
    history_db_close(h);
    struct history_frames_counts c =
        expect(&site, INSTANT_NONE, INSTANT_MAX, NONE_INDEX,
               "1000 lift-1 door=2; 1000 pump-1 bearing=1; 1000 pump-1 flow=3; "
               "1000 pump-1 bearing=4; 2000 pump-1 bearing=10 flow=11 running=12; "
               "3000? pump-1 flow=exception/2; ");
    ck_assert_uint_eq(c.rows, 6);
    ck_assert_int_eq(c.last_ms, 3000);
}
END_TEST

START_TEST(a_part_of_the_time_and_one_device)
{
    struct history_db *h = open_writer();
    for (int i = 1; i <= 4; i++) {
        put(h, 0, 1, i * 1000, i);
        put(h, 2, 1, i * 1000, i);
    }
    history_db_close(h);
    expect(&site, 2000, 3000, 0, "2000 lift-1 door=2; 3000 lift-1 door=3; ");
    expect(&site, 2001, 2999, NONE_INDEX, "");
    expect(&site, 9000, INSTANT_MAX, NONE_INDEX, "");
    expect(&site, INSTANT_NONE, 1000, NONE_INDEX,
           "1000 lift-1 door=1; 1000 pump-1 flow=1; ");
}
END_TEST

/* The site has changed since: other order of points, one gone, a device gone. */
START_TEST(points_that_the_site_does_not_have_are_counted)
{
    static struct device other_devices[] = {
        {.id = "pump-1", .first_point = 0, .point_count = 2}};
    static struct point other_points[] = {{.id = "another", .device = 0},
                                          {.id = "running", .device = 0}};
    const struct site other = {.devices = other_devices,
                               .device_count = 1,
                               .points = other_points,
                               .point_count = 2};
    struct history_db *h = open_writer();
    put(h, 1, 3, 1000, 5);
    put(h, 0, 1, 1000, 1);
    put(h, 1, 2, 2000, 5);
    history_db_close(h);
    struct history_frames_counts c = expect(&other, INSTANT_NONE, INSTANT_MAX,
                                            NONE_INDEX, "1000 pump-1 running=7; ");
    ck_assert_uint_eq(c.unknown, 5);
    ck_assert_int_eq(c.last_ms, 2000);
}
END_TEST

START_TEST(a_damaged_frame_is_told_and_skipped)
{
    struct history_db *h = open_writer();
    put(h, 0, 1, 1000, 1);
    put(h, 0, 1, 2000, 2);
    put(h, 0, 1, 3000, 3);
    history_db_close(h);
    scratch_exec(dir, HISTORY_FILE, "UPDATE tail SET bytes = x'01ff' WHERE t0 = 2000");
    struct history_frames_counts c =
        expect(&site, INSTANT_NONE, INSTANT_MAX, NONE_INDEX,
               "1000 lift-1 door=1; 3000 lift-1 door=3; ");
    ck_assert_uint_eq(c.bad, 1);
    ck_assert_uint_eq(c.rows, 3);
}
END_TEST

START_TEST(nothing_recorded_is_told_as_such)
{
    const struct history_frames_options o = {.dir = dir,
                                             .from_ms = INSTANT_NONE,
                                             .to_ms = INSTANT_MAX,
                                             .device = NONE_INDEX};
    struct history_frames *h = NULL;
    ck_assert_int_eq(history_frames_open(&h, &site, &o, &err), ERR_NOT_FOUND);
    history_db_close(open_writer());
    expect(&site, INSTANT_NONE, INSTANT_MAX, NONE_INDEX, "");
}
END_TEST

/* More rows than one transaction reads, while somebody writes behind the end and a
 * point is met that was not there at the beginning. */
START_TEST(a_writer_beside_is_no_trouble)
{
    enum { ROWS = 250000 };
    const struct history_frames_options o = {.dir = dir,
                                             .from_ms = INSTANT_NONE,
                                             .to_ms = INSTANT_MAX,
                                             .device = NONE_INDEX};
    static unsigned char batch[ROWS * (sizeof(struct frame) + sizeof(struct reading))];
    struct history_db *w = open_writer();
    enum history_trouble trouble;
    size_t size = 0;
    for (int i = 0; i < ROWS; i++) {
        struct frame *f = (struct frame *)(void *)(batch + size);
        *f = (struct frame){.t_ms = 1000 + i / 2, .device = 0, .count = 1};
        f->readings[0] = (struct reading){.point = 0, .value = i};
        size += frame_bytes(1);
    }
    must(history_db_write(w, batch, size, INSTANT_NONE, &trouble, &err));
    struct history_frames *h = NULL;
    must(history_frames_open(&h, &site, &o, &err));
    const struct frame *f;
    int got = 0;
    while ((f = history_frames_next(h, &err)) != NULL) {
        ck_assert_int_eq(f->t_ms, 1000 + got / 2);
        ck_assert(f->readings[0].value == got);
        if (got++ % 1000 == 0) {
            put(w, 1, 1, 5000000 + got, 1);
        }
    }
    ck_assert_int_eq(err.code, 0);
    ck_assert_int_eq(got, ROWS);
    history_frames_close(h);
    history_db_close(w);
}
END_TEST

static struct history_import_counts
import_room(struct history_db *h)
{
    struct history_import_counts counts = {.known = 7, .differing = 7};
    must(
        history_db_import(h, room.bytes, frame_bytes(room.frame.count), &counts, &err));
    return counts;
}

START_TEST(what_is_there_is_not_imported_twice)
{
    struct history_import_counts c;
    struct history_db *h = open_writer();
    put(h, 1, 2, 1000, 5);
    c = import_room(h);
    ck_assert_uint_eq(c.known, 2);
    ck_assert_uint_eq(c.differing, 0);
    room.frame.readings[1].value = 6.5; /* Another one; bearing is there. */
    c = import_room(h);
    ck_assert_uint_eq(c.known, 1);
    ck_assert_uint_eq(c.differing, 1);
    c = import_room(h);
    ck_assert_uint_eq(c.known, 2); /* In two frames. */
    ck_assert_uint_eq(c.differing, 0);
    history_db_close(h);
    expect(&site, INSTANT_NONE, INSTANT_MAX, NONE_INDEX,
           "1000 pump-1 bearing=5 flow=6; 1000 pump-1 flow=6.5; ");
}
END_TEST

START_TEST(a_part_of_a_frame_is_known_and_what_is_more_is_added)
{
    struct history_import_counts c;
    struct history_db *h = open_writer();
    put(h, 1, 2, 1000, 5); /* bearing, flow */
    room.frame.count = 1;
    room.frame.readings[0] = room.frame.readings[1]; /* flow alone */
    c = import_room(h);
    ck_assert_uint_eq(c.known, 1);
    room.frame.count = 2;
    room.frame.readings[1].point = room.frame.readings[0].point + 1; /* and running */
    c = import_room(h);
    ck_assert_uint_eq(c.known, 1);
    ck_assert_uint_eq(c.differing, 0);
    room.frame.t_ms = 2000; /* At another time nothing is known. */
    c = import_room(h);
    ck_assert_uint_eq(c.known, 0);
    ck_assert_uint_eq(c.differing, 0);
    history_db_close(h);
    expect(&site, INSTANT_NONE, INSTANT_MAX, NONE_INDEX,
           "1000 pump-1 bearing=5 flow=6; 1000 pump-1 running=6; "
           "2000 pump-1 flow=6 running=6; ");
}
END_TEST

START_TEST(another_quality_or_detail_is_another_sample)
{
    struct history_import_counts c;
    struct history_db *h = open_writer();
    put(h, 1, 1, 1000, 5);
    struct reading *r = &room.frame.readings[0];
    r->quality = QUALITY_EXCEPTION;
    r->detail = 2;
    c = import_room(h);
    ck_assert_uint_eq(c.differing, 1);
    r->value = 9; /* It is not kept, and so no difference. */
    c = import_room(h);
    ck_assert_uint_eq(c.known, 1);
    r->detail = 3;
    c = import_room(h);
    ck_assert_uint_eq(c.known, 0);
    ck_assert_uint_eq(c.differing, 1);
    history_db_close(h);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("history_frames");
    TCase *tc = tcase_create("history_frames");
    SRunner *runner = srunner_create(suite);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, in_order_of_time_then_device_then_as_recorded);
    tcase_add_test(tc, a_part_of_the_time_and_one_device);
    tcase_add_test(tc, points_that_the_site_does_not_have_are_counted);
    tcase_add_test(tc, a_damaged_frame_is_told_and_skipped);
    tcase_add_test(tc, nothing_recorded_is_told_as_such);
    tcase_add_test(tc, a_writer_beside_is_no_trouble);
    tcase_add_test(tc, what_is_there_is_not_imported_twice);
    tcase_add_test(tc, a_part_of_a_frame_is_known_and_what_is_more_is_added);
    tcase_add_test(tc, another_quality_or_detail_is_another_sample);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
