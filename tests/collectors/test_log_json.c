/* Logs of JSON lines, and any log in pieces: frames as text, written
 * "SECONDS DEVICE POINT=VALUE POINT:QUALITY", the seconds since 2026-03-01T00:00:00Z.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/log_reader.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "tests/fake/log_site.h"

#define ORIGIN_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

struct outcome {
    struct strbuf frames;
    struct strbuf bad; /* "LINE:COLUMN text" each, ended by "\n". */
    uint64_t rows;
    struct err err;
};

static void
keep_bad(void *ctx, const struct loc *loc, const char *text)
{
    struct outcome *o = ctx;

    strbuf_printf(&o->bad, "%u:%u %s\n", loc->line, loc->column, text);
}

static void
add_frame(struct strbuf *out, const struct site *site, const struct frame *f)
{
    if (out->size > 0) {
        strbuf_add(out, "; ");
    }
    strbuf_add_number(out, (double)(f->t_ms - ORIGIN_MS) / 1000);
    strbuf_printf(out, " %s%s", site->devices[f->device].id,
                  f->flags == FRAME_CLOCK_UNTRUSTED ? "?" : "");
    for (uint32_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];

        strbuf_printf(out, " %s", site->points[r->point].id);
        if (r->quality == QUALITY_GOOD) {
            strbuf_add_char(out, '=');
            strbuf_add_number(out, r->value);
        } else {
            strbuf_printf(out, ":%s", quality_name(r->quality));
        }
        if (r->detail != 0) {
            strbuf_printf(out, "(%u)", r->detail);
        }
    }
}

static void
read_path(struct outcome *o, const struct log_map *map, const char *path)
{
    struct site *site = log_site_new(3, 3);
    struct log_reader *r = NULL;

    memset(o, 0, sizeof *o);
    instant_zone_set("Asia/Shanghai");
    if (log_reader_open(&r, site, map, &path, 1, keep_bad, o, &o->err) == 0) {
        const struct frame *f;

        while ((f = log_reader_next(r)) != NULL) {
            add_frame(&o->frames, site, f);
        }
        o->rows = log_reader_rows(r);
        log_reader_close(r);
    }
    site_free(site);
}

static void
read_text(struct outcome *o, const struct log_map *map, const char *text)
{
    char path[] = "/tmp/caretaker-log-XXXXXX";
    FILE *out = fdopen(mkstemp(path), "w");

    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
    read_path(o, map, path);
    unlink(path);
}

static void
outcome_fini(struct outcome *o)
{
    strbuf_fini(&o->frames);
    strbuf_fini(&o->bad);
}

static const struct {
    const char *name, *log, *want;
} good_rows[] = {
    {"what export writes",
     "{\"time\":\"2026-03-01T00:00:01.000Z\",\"device\":\"d0\",\"point\":\"p0000\","
     "\"value\":1.5,\"quality\":\"good\"}\n"
     "{\"time\":\"2026-03-01T00:00:01.000Z\",\"device\":\"d0\",\"point\":\"p0001\","
     "\"value\":null,\"quality\":\"exception\",\"detail\":\"2\"}\n"
     "{\"time\":\"2026-03-01T00:00:01.000Z\",\"device\":\"d0\",\"point\":\"p0002\","
     "\"value\":null,\"quality\":\"stale\",\"detail\":null}\n",
     "1 d0 p0000=1.5 p0001:exception(2) p0002:stale"},
    {"what export writes of an untrusted clock",
     "{\"time\":1772323201,\"device\":\"d0\",\"point\":\"p0000\",\"value\":1}\n"
     "{\"time\":1772323202,\"device\":\"d0\",\"point\":\"p0001\",\"value\":2,"
     "\"quality\":\"good\",\"clock\":\"untrusted\"}\n"
     "{\"time\":1772323203,\"device\":\"d0\",\"point\":\"p0000\",\"value\":3,"
     "\"clock\":null}\n",
     "1 d0 p0000=1; 2 d0? p0001=2; 3 d0 p0000=3"},
    {"any order, any blanks, only what is needed",
     " { \"value\" :\t-2e1 , \"point\":\"p0001\",\"device\" : \"d1\","
     "\"time\":1772323201 } \n",
     "1 d1 p0001=-20"},
    {"times as in the other logs",
     "{\"time\":\"2026-03-01 08:00:01\",\"device\":\"d0\",\"point\":\"p0000\","
     "\"value\":1}\n"
     "{\"time\":1772323202.5,\"device\":\"d0\",\"point\":\"p0000\",\"value\":2}\n"
     "{\"time\":1772323203250,\"device\":\"d0\",\"point\":\"p0000\",\"value\":3}\n",
     "1 d0 p0000=1; 2.5 d0 p0000=2; 3.25 d0 p0000=3"},
    {"true and false of a yes or no",
     "{\"time\":1772323201,\"device\":\"d0\",\"point\":\"running\",\"value\":true}\n"
     "{\"time\":1772323201,\"device\":\"d1\",\"point\":\"running\",\"value\":false}\n",
     "1 d0 running=1; 1 d1 running=0"},
    {"escapes",
     "{\"ti\\u006de\":\"2026-03-01T00:00:01\\u005a\",\"device\":\"\\u0064\\u0030\","
     "\"point\":\"p0000\",\"value\":1}\n",
     "1 d0 p0000=1"},
    {"a byte-order mark, CRLF, an empty line, no end",
     "\xEF\xBB\xBF{\"time\":1772323201,\"device\":\"d0\",\"point\":\"p0000\","
     "\"value\":1}\r\n\r\n"
     "{\"time\":1772323202,\"device\":\"d0\",\"point\":\"p0000\",\"value\":2}",
     "1 d0 p0000=1; 2 d0 p0000=2"},
};

START_TEST(good_lines)
{
    struct outcome o;

    read_text(&o, NULL, good_rows[_i].log);
    ck_assert_msg(o.err.code == ERR_NONE, "%s: %s", good_rows[_i].name, o.err.text);
    ck_assert_msg(o.bad.size == 0, "%s: %s", good_rows[_i].name, strbuf_text(&o.bad));
    ck_assert_msg(strcmp(strbuf_text(&o.frames), good_rows[_i].want) == 0, "%s: %s",
                  good_rows[_i].name, strbuf_text(&o.frames));
    outcome_fini(&o);
}
END_TEST

#define WHERE "\"time\":1772323201,\"device\":\"d0\",\"point\":\"p0000\""

static const struct {
    const char *line; /* Between two good ones. */
    const char *want;
} bad_lines[] = {
    {"time,device,point,value", "2:1 no object; a line is one"},
    {"[]", "2:1 no object"},
    {"{}", "2:2 a key in double quotes is missing here"},
    {"{" WHERE ",}", "2:50 a key in double quotes"},
    {"{" WHERE, "2:49 a ',' or '}' is missing here"},
    {"{" WHERE ",\"value\" 1}", "2:58 a ':' is missing here"},
    {"{" WHERE ",\"value\":1} {", "2:61 text behind the object"},
    {"{" WHERE ",\"value\":\"1\"}", "2:58 \"value\" is a number, true, false or null"},
    {"{" WHERE ",\"value\":[1]}", "2:58 \"value\" is a number"},
    {"{" WHERE ",\"value\":nan}", "2:58 \"value\" is a number"},
    {"{" WHERE ",\"value\":yes}", "2:58 \"value\" is a number"},
    {"{" WHERE ",\"value\":true}", "2:58 'true' is no value"},
    {"{" WHERE ",\"value\":1.2.3}", "2:58 '1.2.3' is no value"},
    {"{" WHERE ",\"value\":1e999}", "2:58 '1e999' is no value"},
    {"{" WHERE ",\"value\":null}", "2:58 no value; a good sample has one"},
    {"{" WHERE "}", "2:0 no value"},
    {"{" WHERE ",\"value\":1,\"valeu\":1}",
     "2:60 key \"valeu\" is not known; time, device, point"},
    {"{" WHERE ",\"value\":1,\"value\":1}", "2:60 a second \"value\""},
    {"{" WHERE ",\"value\":1,\"quality\":1}", "2:70 \"quality\" is a string or null"},
    {"{" WHERE ",\"value\":1,\"quality\":\"fine\"}", "2:70 'fine' is no quality"},
    {"{" WHERE ",\"value\":1,\"detail\":\"3\"}", "2:69 '3' is no detail"},
    {"{" WHERE ",\"value\":1,\"clock\":\"x\"}", "2:68 'x' is no state of a clock"},
    {"{" WHERE ",\"value\":1,\"clock\":true}", "2:68 \"clock\" is a string or null"},
    {"{\"device\":\"d0\",\"point\":\"p0000\",\"value\":1}", "2:1 no \"time\""},
    {"{\"time\":null,\"device\":\"d0\",\"point\":\"p0000\",\"value\":1}",
     "2:9 \"time\" is a string or a number"},
    {"{\"time\":\"soon\",\"device\":\"d0\",\"point\":\"p0000\",\"value\":1}",
     "2:9 \"soon\" is no time"},
    {"{\"time\":1772323200,\"device\":\"d0\",\"point\":\"p0000\",\"value\":1}",
     "2:9 goes back in time"},
    {"{\"time\":1772323201,\"device\":\"dd0\",\"point\":\"p0000\",\"value\":1}",
     "2:29 device 'dd0' is not in the site; 'd0' is"},
    {"{\"time\":1772323201,\"device\":\"d0,\"point\":\"p0000\",\"value\":1}",
     "2:34 a ',' or '}' is missing here"},
    {"{\"time\":1772323201,\"device\":\"d0", "2:32 a string is not closed"},
    {"{\"time\":1772323201,\"device\":\"d\\x0\"}", "2:31 an escape that JSON"},
    {"{\"time\":1772323201,\"device\":\"d\\u00\"}", "2:31 an escape that JSON"},
    {"{\"time\":1772323201,\"device\":\"d\\u0000\"}", "2:31 an escape that JSON"},
    {"{\"time\":1772323201,\"device\":\"d\\ud83d\"}", "2:31 an escape that JSON"},
};

START_TEST(a_bad_line_is_told_with_its_place_and_skipped)
{
    const char *want = bad_lines[_i].want;
    char log[512];
    struct outcome o;

    snprintf(
        log, sizeof log,
        "{\"time\":1772323201,\"device\":\"d1\",\"point\":\"p0000\",\"value\":1}\n"
        "%s\n"
        "{\"time\":1772323201,\"device\":\"d1\",\"point\":\"p0001\",\"value\":2}\n",
        bad_lines[_i].line);
    read_text(&o, NULL, log);
    ck_assert_str_eq(o.err.text, "");
    ck_assert_uint_eq(o.rows, 3);
    ck_assert_msg(strncmp(strbuf_text(&o.bad), want, strlen(want)) == 0, "%s: %s",
                  bad_lines[_i].line, strbuf_text(&o.bad));
    ck_assert_str_eq(strbuf_text(&o.frames), "1 d1 p0000=1 p0001=2");
    outcome_fini(&o);
}
END_TEST

/* A surrogate pair is one character; the id is told as it is meant. */
START_TEST(characters_beyond_the_first_plane)
{
    struct outcome o;

    read_text(&o, NULL,
              "{\"time\":1772323201,\"device\":\"\\u6c34\\ud83d\\udca7\\u00e9\","
              "\"point\":\"p0000\",\"value\":1}\n");
    ck_assert_str_eq(strbuf_text(&o.bad), "1:29 device '水💧é' is not in the site\n");
    outcome_fini(&o);
}
END_TEST

START_TEST(an_export_of_nothing_is_a_log_of_nothing)
{
    char path[] = "/tmp/caretaker-XXXXXX.jsonl";
    struct outcome o;

    close(mkstemps(path, 6));
    read_path(&o, NULL, path);
    unlink(path);
    ck_assert_str_eq(o.err.text, "");
    ck_assert_uint_eq(o.rows, 0);
    outcome_fini(&o);
}
END_TEST

/* A map is for columns: JSON lines beside a mapped file are read by their own words. */
START_TEST(a_map_does_not_change_json_lines)
{
    static const struct log_map map = {
        .time_column = "when", .time_format = "%d.%m.%Y", .timezone = "UTC"};
    struct outcome o;

    read_text(&o, &map,
              "{\"time\":\"2026-03-01 08:00:01\",\"device\":\"d0\",\"point\":\"p0000\","
              "\"value\":1}\n");
    ck_assert_str_eq(strbuf_text(&o.frames), "1 d0 p0000=1");
    outcome_fini(&o);
}
END_TEST

/* ---- in pieces ---- */

struct pieces {
    const struct strbuf *log;
    size_t size; /* Of a piece. */
    int fd;
};

static void *
write_pieces(void *arg)
{
    const struct pieces *p = arg;

    for (size_t at = 0; at < p->log->size; at += p->size) {
        size_t left = p->log->size - at;
        size_t size = left < p->size ? left : p->size;

        if (write(p->fd, p->log->text + at, size) != (ssize_t)size) {
            abort();
        }
    }
    close(p->fd);
    return NULL;
}

static void
read_in_pieces(struct outcome *o, const struct strbuf *log, size_t size)
{
    struct pieces p = {.log = log, .size = size};
    char path[32];
    pthread_t writer;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    p.fd = ends[1];
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_pieces, &p), 0);
    read_path(o, NULL, path);
    ck_assert_int_eq(pthread_join(writer, NULL), 0);
    close(ends[0]);
}

/* Long, wide and JSON lines, with rows that are bad here and there. */
static void
make_log(struct strbuf *out, int form)
{
    if (form < 2) {
        strbuf_add(out, form == 0 ? "time,device,point,value\n"
                                  : "time,d0.p0000,d0.p0001,d1.p0000\n");
    }
    for (int row = 0; row < 300; row++) {
        int t = 1772323200 + row / 2;

        if (row % 41 == 40) {
            strbuf_add(out, "\"bad\n\n");
        } else if (form == 0) {
            strbuf_printf(out, "%d,d%d,p0001,%d.25\r\n", t, row % 2, row);
        } else if (form == 1) {
            strbuf_printf(out, "%d,%d,,\"%d.5\"\n", t, row, row);
        } else {
            strbuf_printf(out,
                          "{\"time\":%d,\"device\":\"d%d\",\"point\":\"p0001\","
                          "\"value\":%d.25}\n",
                          t, row % 2, row);
        }
    }
}

START_TEST(pieces_of_any_size_give_the_same)
{
    static const size_t sizes[] = {1, 7, 64, 4096};
    struct strbuf log = {0};
    struct outcome whole;

    make_log(&log, _i);
    read_in_pieces(&whole, &log, log.size);
    ck_assert_uint_gt(whole.frames.size, 2000);
    ck_assert_uint_gt(whole.bad.size, 100);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct outcome o;

        read_in_pieces(&o, &log, sizes[i]);
        ck_assert_str_eq(strbuf_text(&o.frames), strbuf_text(&whole.frames));
        ck_assert_str_eq(strbuf_text(&o.bad), strbuf_text(&whole.bad));
        ck_assert_uint_eq(o.rows, whole.rows);
        outcome_fini(&o);
    }
    outcome_fini(&whole);
    strbuf_fini(&log);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("log_json");
    TCase *tc = tcase_create("log_json");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, good_lines, 0, (int)ARRAY_LEN(good_rows));
    tcase_add_loop_test(tc, a_bad_line_is_told_with_its_place_and_skipped, 0,
                        (int)ARRAY_LEN(bad_lines));
    tcase_add_test(tc, characters_beyond_the_first_plane);
    tcase_add_test(tc, an_export_of_nothing_is_a_log_of_nothing);
    tcase_add_test(tc, a_map_does_not_change_json_lines);
    tcase_add_loop_test(tc, pieces_of_any_size_give_the_same, 0, 3);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
