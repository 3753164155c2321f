/* Frames of the history and of logs: as they were written, and only those asked for. */
#include <check.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/replay/feed.h"
#include "daemon/store/history.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/log_site.h"

#define T0 INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

static char dir[SCRATCH_BYTES];
static struct site *site;
static struct err err;
static struct strbuf got; /* "time device:point=value,... " of each frame. */
static struct feed_result result;

static void
set_up(void)
{
    scratch_make(dir);
    site = log_site_new(3, 2);
    site->data_dir = dir;
    site->history.flush_ms = 3600000;
    site->history.keep_ms = INT64_C(3650) * 86400000;
    for (uint32_t i = 0; i < site->point_count; i++) {
        site->points[i].stale_after_ms = 2000;
    }
    got = (struct strbuf){0};
}

static void
tear_down(void)
{
    strbuf_fini(&got);
    site_free(site);
    scratch_remove(dir);
}

static void
note(void *ctx, const struct frame *f)
{
    struct strbuf *out = ctx;
    strbuf_printf(out, "%d d%u", (int)((f->t_ms - T0) / 1000), f->device);
    for (uint16_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];
        const struct point *p = &site->points[r->point];
        ck_assert_uint_eq(p->device, f->device);
        strbuf_printf(out, " %s=", p->id);
        if (r->quality == QUALITY_GOOD) {
            strbuf_add_number(out, r->value);
        } else {
            strbuf_add(out, quality_name((enum quality)r->quality));
        }
    }
    strbuf_add(out, "; ");
}

static const char *
feed(const char *log, uint32_t device, int64_t from_s, int64_t to_s)
{
    const char *const logs[] = {log};
    const struct feed_options o = {.site = site,
                                   .logs = logs,
                                   .log_count = log != NULL,
                                   .from_ms = T0 + from_s * 1000,
                                   .to_ms = T0 + to_s * 1000,
                                   .device = device,
                                   .quiet = true};
    strbuf_clear(&got);
    strbuf_add(&got, "");
    ck_assert_msg(feed_each(&o, note, &got, &result, &err) == 0, "%s", err.text);
    return strbuf_text(&got);
}

static void
push(struct history *h, int at_s, uint32_t device, double first, enum quality q)
{
    union {
        struct frame frame;
        char room[sizeof(struct frame) + 2 * sizeof(struct reading)];
    } u = {.frame = {.t_ms = T0 + at_s * INT64_C(1000), .device = device, .count = 2}};
    uint32_t point = site->devices[device].first_point;
    u.frame.readings[0] = (struct reading){.value = first, .point = point};
    u.frame.readings[1] =
        (struct reading){.value = 0, .point = point + 1, .quality = (uint8_t)q};
    ck_assert(history_push(h, &u.frame));
}

static void
record(void)
{
    struct history *h = NULL;
    ck_assert_msg(history_open(&h, dir, site, &err) == 0, "%s", err.text);
    push(h, 0, 0, 1.5, QUALITY_GOOD);
    push(h, 0, 2, 2.5, QUALITY_TIMEOUT);
    push(h, 1, 0, 3, QUALITY_GOOD);
    push(h, 9, 0, 4, QUALITY_CRC); /* Long after it went stale. */
    history_close(h);
}

START_TEST(the_history_comes_back_as_frames)
{
    record();
    ck_assert_str_eq(feed(NULL, NONE_INDEX, 0, 100),
                     "0 d0 p0000=1.5 p0001=0; 0 d2 p0000=2.5 p0001=timeout; "
                     "1 d0 p0000=3 p0001=0; 9 d0 p0000=4 p0001=crc; ");
    ck_assert_uint_eq(result.frames, 4);
    ck_assert_uint_eq(result.samples, 8);
    ck_assert_uint_eq(result.late_samples, 1);
    ck_assert_int_eq(result.first_ms, T0);
    ck_assert_int_eq(result.last_ms, T0 + 9000);
}
END_TEST

START_TEST(one_device_and_a_period_of_the_history)
{
    record();
    ck_assert_str_eq(feed(NULL, 2, 0, 100), "0 d2 p0000=2.5 p0001=timeout; ");
    ck_assert_str_eq(feed(NULL, NONE_INDEX, 1, 8), "1 d0 p0000=3 p0001=0; ");
    ck_assert_str_eq(feed(NULL, 1, 0, 100), "");
    ck_assert_int_eq(result.first_ms, INSTANT_NONE);
}
END_TEST

START_TEST(what_the_site_has_no_more_is_passed_over)
{
    record();
    site->devices[0].id = "d0-new"; /* Not in the history. */
    site->points[site->devices[2].first_point].id = "p0000-new";
    ck_assert_str_eq(feed(NULL, NONE_INDEX, 0, 100), "0 d2 p0001=timeout; ");
}
END_TEST

START_TEST(no_history_has_no_frames)
{
    ck_assert_str_eq(feed(NULL, NONE_INDEX, 0, 100), "");
    ck_assert_uint_eq(result.frames, 0);
}
END_TEST

START_TEST(a_log_is_read_in_the_same_way)
{
    char path[SCRATCH_BYTES + 16];
    snprintf(path, sizeof path, "%s/log.csv", dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("time,device,point,value,quality\n"
          "2026-03-01T00:00:00Z,d0,p0000,1.5,good\n"
          "2026-03-01T00:00:00Z,d0,p0001,,crc\n"
          "yesterday,d0,p0000,1,good\n"
          "2026-03-01T00:00:03Z,d2,p0000,2,good\n",
          f);
    fclose(f);
    ck_assert_str_eq(feed(path, NONE_INDEX, 0, 100),
                     "0 d0 p0000=1.5 p0001=crc; 3 d2 p0000=2; ");
    ck_assert_uint_eq(result.bad_rows, 1);
    ck_assert_str_eq(feed(path, 2, 0, 100), "3 d2 p0000=2; ");
    ck_assert_str_eq(feed(path, NONE_INDEX, 0, 2), "0 d0 p0000=1.5 p0001=crc; ");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("feed");
    TCase *tc = tcase_create("feed");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_history_comes_back_as_frames);
    tcase_add_test(tc, one_device_and_a_period_of_the_history);
    tcase_add_test(tc, what_the_site_has_no_more_is_passed_over);
    tcase_add_test(tc, no_history_has_no_frames);
    tcase_add_test(tc, a_log_is_read_in_the_same_way);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
