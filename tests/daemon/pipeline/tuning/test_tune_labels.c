/* Labels as people write them, and as nobody should. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/tuning/tune_labels.h"
#include "tests/fake/log_site.h"

#define T0 INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

static struct site *site;
static struct tune_labels labels;
static struct diags diags;
static char path[64];

static void
set_up(void)
{
    site = log_site_new(2, 1);
    instant_zone_set("UTC");
    diags_init(&diags);
    labels = (struct tune_labels){0};
    snprintf(path, sizeof path, "/tmp/caretaker-labels.XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void
tear_down(void)
{
    unlink(path);
    tune_labels_fini(&labels);
    diags_fini(&diags);
    site_free(site);
}

static int
read_text(const char *text, size_t size)
{
    struct err err = {0};
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, size, f), size);
    fclose(f);
    return tune_labels_read(&labels, site, path, &diags, &err);
}

static const struct {
    const char *what;
    const char *text;
    uint32_t count;
    struct tune_window first;
} good[] = {
    {"from and to",
     "from,to\n2026-03-01T00:00:00Z,2026-03-01T01:00:00Z\n",
     1,
     {T0, T0 + 3600000, NONE_INDEX}},
    {"a device, a label, other columns, in another order",
     "label,to,who,from,device\nhot,2026-03-01 00:10:00,me,2026-03-01,d1\n",
     1,
     {T0, T0 + 600000, 1}},
    {"semicolons, a mark, CRLF, an empty line, an empty device",
     "\xEF\xBB\xBF"
     "from;to;device\r\n1772323200;1772323201;\r\n\r\n1772323300;1772323301;d0\r\n",
     2,
     {T0, T0 + 1000, NONE_INDEX}},
    {"quotes, and no line end at the end",
     "from,to,device,label\n\"2026-03-01\",\"2026-03-01\",d0,\"hot, \"\"very\"\"\"",
     1,
     {T0, T0, 0}},
    {"a device's cell that is missing",
     "from,to,device\n1772323200,1772323201\n",
     1,
     {T0, T0 + 1000, NONE_INDEX}},
};

START_TEST(good_labels)
{
    ck_assert_int_eq(read_text(good[_i].text, strlen(good[_i].text)), 0);
    ck_assert_uint_eq(diags.count, 0);
    ck_assert_uint_eq(labels.count, good[_i].count);
    ck_assert_int_eq(labels.items[0].from_ms, good[_i].first.from_ms);
    ck_assert_int_eq(labels.items[0].to_ms, good[_i].first.to_ms);
    ck_assert_uint_eq(labels.items[0].device, good[_i].first.device);
}
END_TEST

static const struct {
    const char *text;
    uint32_t line, column;
    const char *says;
} bad[] = {
    {"", 1, 1, "there is no window in it"},
    {"from,to\n", 1, 1, "there is no window in it"},
    {"begin,end\n1,2\n", 1, 1, "from,to[,device][,label]"},
    {"from,to,from\n1772323200,1772323201,1\n", 1, 9, "a second column \"from\""},
    {"from,to\n1772323200\n", 2, 1, "a `from` and a `to`"},
    {"from,to\nyesterday,1772323201\n", 2, 1, "from: "},
    {"from,to\n1772323200,\n", 2, 12, "to: "},
    {"from,to\n1772323201,1772323200\n", 2, 12, "ends before it begins"},
    {"from,to,device\n1772323200,1772323201,d7\n", 2, 23, "no device \"d7\""},
    {"from,to\n\"1772323200,1772323201\n", 2, 1, "quote"},
    {"from,to\n1e400,2\n", 2, 1, "from: "},
};

START_TEST(bad_labels_are_told_with_their_place)
{
    ck_assert_int_eq(read_text(bad[_i].text, strlen(bad[_i].text)), ERR_CONFIG);
    ck_assert_ptr_null(labels.items);
    ck_assert_uint_ge(diags.errors, 1);
    ck_assert_str_eq(diags.items[0].file, path);
    ck_assert_uint_eq(diags.items[0].line, bad[_i].line);
    ck_assert_uint_eq(diags.items[0].column, bad[_i].column);
    ck_assert_msg(strstr(diags.items[0].text, bad[_i].says) != NULL, "%s",
                  diags.items[0].text);
}
END_TEST

START_TEST(every_mistake_is_told)
{
    static const char text[] =
        "from,to,device\nx,y,z\n1772323200,1772323201,d0\n5,4,d0\n";
    ck_assert_int_eq(read_text(text, sizeof text - 1), ERR_CONFIG);
    ck_assert_uint_eq(diags.errors, 4); /* Three in one line. */
}
END_TEST

START_TEST(hostile_bytes)
{
    static const char nul[] = "from,to\n1772323200,17723\00023201\n";
    ck_assert_int_eq(read_text(nul, sizeof nul - 1), ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(diags.items[0].text, "NUL"));
    size_t size = 200 * 1024;
    char *line = malloc(size);
    ck_assert_ptr_nonnull(line);
    memset(line, 'x', size);
    memcpy(line, "from,to\n", 8);
    ck_assert_int_eq(read_text(line, size), ERR_CONFIG);
    memset(line, ',', size); /* Columns without end. */
    memcpy(line, "from,to", 7);
    line[1000] = '\n';
    line[3000] = '\n';
    ck_assert_int_eq(read_text(line, 3001), ERR_CONFIG);
    free(line);
}
END_TEST

START_TEST(a_file_that_is_not_there)
{
    struct err err = {0};
    ck_assert_int_eq(tune_labels_read(&labels, site, "/nonexistent", &diags, &err),
                     ERR_IO);
    ck_assert_uint_eq(diags.count, 0);
    /* A folder opens, but it cannot be read: no mistake of whoever wrote the labels. */
    ck_assert_int_eq(tune_labels_read(&labels, site, "/tmp", &diags, &err), ERR_IO);
    ck_assert_str_eq(err.text, "/tmp: cannot be read on: Is a directory");
    ck_assert_uint_eq(diags.count, 0);
}
END_TEST

START_TEST(windows_of_a_device_are_joined)
{
    struct tune_window items[] = {
        {500, 600, 1}, {100, 200, NONE_INDEX}, {200, 250, 1}, {120, 130, 1},
        {251, 260, 0}, {599, 700, NONE_INDEX}, {701, 702, 1},
    };
    struct tune_labels l = {items, ARRAY_LEN(items)};
    struct tune_window out[ARRAY_LEN(items)];
    ck_assert_uint_eq(tune_labels_of(out, &l, 1), 3);
    ck_assert_int_eq(out[0].from_ms, 100);
    ck_assert_int_eq(out[0].to_ms, 250);
    ck_assert_int_eq(out[1].from_ms, 500);
    ck_assert_int_eq(out[1].to_ms, 700);
    ck_assert_int_eq(out[2].from_ms, 701);
    ck_assert_uint_eq(tune_labels_of(out, &l, 2), 2); /* Those for every device. */
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("tune_labels");
    TCase *tc = tcase_create("labels");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, good_labels, 0, (int)ARRAY_LEN(good));
    tcase_add_loop_test(tc, bad_labels_are_told_with_their_place, 0,
                        (int)ARRAY_LEN(bad));
    tcase_add_test(tc, every_mistake_is_told);
    tcase_add_test(tc, hostile_bytes);
    tcase_add_test(tc, a_file_that_is_not_there);
    tcase_add_test(tc, windows_of_a_device_are_joined);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
