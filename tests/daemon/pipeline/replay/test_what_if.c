/* Samples spoilt as asked: what changes, what stays, and that it is the same each time.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/replay/what_if.h"
#include "tests/fake/log_site.h"

#define START_MS     INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */
#define HOUR_MS      INT64_C(3600000)
#define GOLDEN_NOISE 9.9657564303894617

static struct site *site; /* d0, d1: p0000, p0001, running */
static struct err err;

static void
make_site(void)
{
    instant_zone_set("UTC");
    site = log_site_new(2, 2);
    memset(&err, 0, sizeof err);
}

static void
free_site(void)
{
    site_free(site);
}

/* One text of each kind; NULL: none. */
static struct what_if *
make(const char *drift,
     const char *noise,
     const char *stick,
     const char *drop,
     const char *shift,
     uint64_t seed)
{
    const char *texts[WHAT_IF_KINDS] = {drift, noise, stick, drop, shift};
    struct what_if_options o = {.seed = seed};
    struct what_if *w = NULL;
    for (int i = 0; i < WHAT_IF_KINDS; i++) {
        o.texts[i] = &texts[i];
        o.counts[i] = texts[i] != NULL;
    }
    if (what_if_new(&w, site, &o, &err) != 0) {
        ck_assert_ptr_null(w);
    }
    return w;
}

static union {
    struct frame frame;
    unsigned char bytes[FRAME_BYTES_MAX];
} room;

/* A frame of all points of the device. */
static struct frame *
frame_of(uint32_t device, int64_t t_ms, double value)
{
    struct frame *f = &room.frame;
    *f = (struct frame){.t_ms = t_ms, .device = device, .count = 3};
    for (uint32_t i = 0; i < f->count; i++) {
        f->readings[i] =
            (struct reading){.point = device * 3 + i, .value = i == 2 ? 1 : value + i};
    }
    return f;
}

START_TEST(drift_grows_from_the_first_frame)
{
    struct what_if *w = make("d1.p0000=24", NULL, NULL, NULL, NULL, 1);
    struct frame *f = frame_of(0, START_MS, 5);
    ck_assert(what_if_apply(w, f));
    ck_assert(f->readings[0].value == 5);
    f = frame_of(1, START_MS + HOUR_MS, 5);
    ck_assert(what_if_apply(w, f));
    ck_assert(f->readings[0].value == 6);
    ck_assert(f->readings[1].value == 6); /* As it was. */
    f = frame_of(1, START_MS + 36 * HOUR_MS, 5);
    f->readings[0].quality = QUALITY_TIMEOUT;
    f->readings[0].value = 0;
    ck_assert(what_if_apply(w, f));
    ck_assert(f->readings[0].value == 0); /* A bad sample has no value. */
    ck_assert_uint_eq(what_if_counts(w).changed[WHAT_IF_DRIFT], 1);
    what_if_free(w);
}
END_TEST

/* A normal one: a sum of uniform numbers has lighter tails, and an alarm limit is in
 * the tail. */
START_TEST(noise_has_its_sigma_and_its_tails_and_no_bias)
{
    struct what_if *w = make(NULL, "p0000=0.5", NULL, NULL, NULL, 7);
    double sum = 0, squares = 0, fourths = 0;
    int count = 200000, beyond_3 = 0, beyond_4 = 0;
    for (int i = 0; i < count; i++) {
        struct frame *f = frame_of(0, START_MS + i * 1000, 10);
        ck_assert(what_if_apply(w, f));
        double noise = f->readings[0].value - 10;
        sum += noise;
        squares += noise * noise;
        fourths += noise * noise * noise * noise;
        beyond_3 += fabs(noise) > 3 * 0.5;
        beyond_4 += fabs(noise) > 4 * 0.5;
        ck_assert(f->readings[1].value == 11);
        ck_assert(f->readings[2].value == 1);
    }
    double variance = squares / count;
    ck_assert_double_le(fabs(sum / count), 0.005);
    ck_assert_double_eq_tol(sqrt(variance), 0.5, 0.005);
    ck_assert_double_eq_tol(fourths / count / (variance * variance), 3, 0.04);
    /* 0.27 % and 0.0063 %, within four of their own deviations. */
    ck_assert_int_le(abs(beyond_3 - 540), 93);
    ck_assert_int_le(abs(beyond_4 - 13), 14);
    what_if_free(w);
}
END_TEST

START_TEST(noise_depends_on_seed_point_and_time_alone)
{
    double got[4];
    for (int i = 0; i < 4; i++) {
        struct what_if *w =
            make(i == 1 ? "d1.p0001=9" : NULL, "*.*=0.5", i == 1 ? "d1.p0001" : NULL,
                 NULL, NULL, i == 3 ? 2 : 1);
        if (i == 2) { /* Other frames before it. */
            for (int k = 0; k < 10; k++) {
                ck_assert(what_if_apply(w, frame_of(1, START_MS + k, k)));
            }
        }
        struct frame *f = frame_of(0, START_MS + HOUR_MS, 10);
        ck_assert(what_if_apply(w, f));
        ck_assert(f->readings[0].value - 10 != f->readings[1].value - 11);
        got[i] = f->readings[0].value;
        what_if_free(w);
    }
    ck_assert(got[0] == got[1]);
    ck_assert(got[0] == got[2]);
    ck_assert(got[0] != got[3]);
    /* The same on every machine; it may only change with a word in NEWS. */
    ck_assert_msg(got[0] == GOLDEN_NOISE, "%.17g", got[0]);
}
END_TEST

struct stick_row {
    const char *text;
    double want[6]; /* Of values 0 1 2 3 4 5, one an hour from START_MS. */
};

static const struct stick_row stick_rows[] = {
    {"d0.p0000", {0, 0, 0, 0, 0, 0}},
    {"d0.p0000@+2h..+4h", {0, 1, 1, 1, 4, 5}},
    {"d0.*@+3h..", {0, 1, 2, 2, 2, 2}},
    {"p0000@..+90m", {0, 0, 2, 3, 4, 5}},
    {"p0000@2026-03-01T01:00:00Z..2026-03-01 03:00", {0, 0, 0, 3, 4, 5}},
    {"d1.p0000", {0, 1, 2, 3, 4, 5}},
};

START_TEST(stuck_within_its_span)
{
    const struct stick_row *row = &stick_rows[_i];
    struct what_if *w = make(NULL, NULL, row->text, NULL, NULL, 1);
    ck_assert_msg(w != NULL, "%s", err.text);
    for (int i = 0; i < 6; i++) {
        struct frame *f = frame_of(0, START_MS + i * HOUR_MS, i);
        ck_assert(what_if_apply(w, f));
        ck_assert_msg(f->readings[0].value == row->want[i], "%s: %d: %g", row->text, i,
                      f->readings[0].value);
        ck_assert_uint_eq(f->readings[0].quality, QUALITY_GOOD);
    }
    what_if_free(w);
}
END_TEST

START_TEST(a_share_of_the_frames_is_lost)
{
    struct what_if *w = make(NULL, NULL, NULL, "25%", NULL, 1);
    int kept = 0;
    for (int i = 0; i < 10000; i++) {
        struct frame *f = frame_of((uint32_t)i % 2, START_MS + i * 500, 1);
        if (what_if_apply(w, f)) {
            ck_assert_uint_eq(f->count, 3); /* All of it or nothing. */
            kept++;
        }
    }
    ck_assert_int_ge(kept, 7300);
    ck_assert_int_le(kept, 7700);
    ck_assert_uint_eq(what_if_counts(w).changed[WHAT_IF_DROP],
                      3 * (10000 - (uint64_t)kept));
    what_if_free(w);
}
END_TEST

START_TEST(a_share_of_one_points_samples_is_lost)
{
    struct what_if *w = make(NULL, NULL, NULL, "d0.p0000=0.5", NULL, 1);
    int lost = 0;
    for (int i = 0; i < 10000; i++) {
        struct frame *f = frame_of(0, START_MS + i * 500, 1);
        ck_assert(what_if_apply(w, f));
        ck_assert(f->count == 3 || f->readings[0].point == 1);
        lost += f->count == 2;
    }
    ck_assert_int_ge(lost, 4700);
    ck_assert_int_le(lost, 5300);
    what_if_free(w);
    w = make(NULL, NULL, NULL, "*=100%", NULL, 1);
    ck_assert(!what_if_apply(w, frame_of(0, START_MS, 1)));
    what_if_free(w);
}
END_TEST

START_TEST(the_clock_goes_wrong_and_back)
{
    struct what_if *w = make(NULL, NULL, NULL, NULL, "1h@+1h..+2h", 1);
    static const int64_t want[] = {0, 120, 150, -1, 150, 180, 210}; /* Minutes */
    for (int i = 0; i < 7; i++) {
        struct frame *f = frame_of(0, START_MS + (i == 0 ? 0 : i + 1) * HOUR_MS / 2, 1);
        bool kept = what_if_apply(w, f);
        ck_assert_msg(kept == (want[i] >= 0), "%d", i);
        if (kept) {
            ck_assert_int_eq((f->t_ms - START_MS) / 60000, want[i]);
        }
    }
    ck_assert_uint_eq(what_if_counts(w).back, 3);
    ck_assert_int_eq(what_if_time(w, START_MS + HOUR_MS), START_MS + 2 * HOUR_MS);
    ck_assert_int_eq(what_if_time(w, INSTANT_NONE), INSTANT_NONE);
    what_if_free(w);
    w = make(NULL, NULL, NULL, NULL, "-90s", 1);
    struct frame *f = frame_of(0, START_MS, 1);
    ck_assert(what_if_apply(w, f));
    ck_assert_int_eq(f->t_ms, START_MS - 90000);
    what_if_free(w);
}
END_TEST

static const struct {
    enum what_if_kind kind;
    const char *text;
    const char *want; /* In the error. */
} wrong[] = {
    {WHAT_IF_DRIFT, "d0.p0000", "--drift \"d0.p0000\" is wrong; POINT=PER_DAY, such"},
    {WHAT_IF_DRIFT, "d0.p0000=", "--drift \"d0.p0000=\" is wrong"},
    {WHAT_IF_DRIFT, "=1", "--drift \"=1\" is wrong"},
    {WHAT_IF_DRIFT, "d0.p0000=1x", "--drift \"d0.p0000=1x\" is wrong"},
    {WHAT_IF_DRIFT, "d0.p0000=inf", "--drift \"d0.p0000=inf\" is wrong"},
    {WHAT_IF_DRIFT, "d0.q=1", "the site has no numeric point \"d0.q\""},
    {WHAT_IF_DRIFT, "d7.p0000=1", "the site has no numeric point \"d7.p0000\""},
    {WHAT_IF_NOISE, "d0.p0000=-1", "--noise \"d0.p0000=-1\" is wrong"},
    {WHAT_IF_NOISE, "d0.running=1", "the site has no numeric point \"d0.running\""},
    {WHAT_IF_STICK, "d0.p0000=1", "--stick \"d0.p0000=1\" is wrong"},
    {WHAT_IF_STICK, "d0.p0000@+1h", "--stick \"d0.p0000@+1h\" is wrong"},
    {WHAT_IF_STICK, "d0.p0000@+2h..+1h", "--stick \"d0.p0000@+2h..+1h\" is wrong"},
    {WHAT_IF_STICK, "d0.p0000@soon..", "--stick \"d0.p0000@soon..\" is wrong"},
    {WHAT_IF_STICK, "", "--stick \"\" is wrong"},
    {WHAT_IF_DROP, "1.5", "--drop \"1.5\" is wrong; a share such as 0.05 or 5%"},
    {WHAT_IF_DROP, "120%", "--drop \"120%\" is wrong"},
    {WHAT_IF_DROP, "%", "--drop \"%\" is wrong"},
    {WHAT_IF_DROP, "=0.5", "--drop \"=0.5\" is wrong"},
    {WHAT_IF_SHIFT, "1", "--shift-clock \"1\" is wrong; a time such as -1h"},
    {WHAT_IF_SHIFT, "d0=1h", "--shift-clock \"d0=1h\" is wrong"},
    {WHAT_IF_SHIFT, "@+1h..", "--shift-clock \"@+1h..\" is wrong"},
};

START_TEST(what_is_wrong_is_told_with_what_is_accepted)
{
    const char *texts[WHAT_IF_KINDS] = {0};
    texts[wrong[_i].kind] = wrong[_i].text;
    ck_assert_ptr_null(make(texts[0], texts[1], texts[2], texts[3], texts[4], 1));
    ck_assert_msg(strstr(err.text, wrong[_i].want) != NULL, "%s", err.text);
    ck_assert_int_eq(err.code, strstr(err.text, "has no") ? ERR_NOT_FOUND : ERR_RANGE);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("what_if");
    TCase *tc = tcase_create("what_if");
    SRunner *runner = srunner_create(suite);
    tcase_add_checked_fixture(tc, make_site, free_site);
    tcase_add_test(tc, drift_grows_from_the_first_frame);
    tcase_add_test(tc, noise_has_its_sigma_and_its_tails_and_no_bias);
    tcase_add_test(tc, noise_depends_on_seed_point_and_time_alone);
    tcase_add_loop_test(tc, stuck_within_its_span, 0, (int)ARRAY_LEN(stick_rows));
    tcase_add_test(tc, a_share_of_the_frames_is_lost);
    tcase_add_test(tc, a_share_of_one_points_samples_is_lost);
    tcase_add_test(tc, the_clock_goes_wrong_and_back);
    tcase_add_loop_test(tc, what_is_wrong_is_told_with_what_is_accepted, 0,
                        (int)ARRAY_LEN(wrong));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
