/* Logs good and bad, as text in and text out.  A frame is written
 * "SECONDS DEVICE POINT=VALUE POINT:QUALITY", the seconds since 2026-03-01T00:00:00Z.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/log_number.h"
#include "collectors/log_reader.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "tests/fake/log_site.h"

#define ORIGIN_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */
#define LOGS_MAX  3

struct outcome {
    struct strbuf frames;
    struct strbuf bad; /* "LINE:COLUMN text" each, ended by "\n". */
    uint64_t rows, bad_rows;
    int64_t last_ms;
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

/* Reads texts of the given sizes as files; end with outcome_fini(). */
static void
read_bytes(struct outcome *o,
           const struct log_map *map,
           const char *const *texts,
           const size_t *sizes,
           uint32_t count)
{
    char paths[LOGS_MAX][32];
    const char *list[LOGS_MAX];
    struct site *site = log_site_new(3, 3);
    struct log_reader *r = NULL;

    memset(o, 0, sizeof *o);
    instant_zone_set("Asia/Shanghai");
    for (uint32_t i = 0; i < count; i++) {
        FILE *out;

        strcpy(paths[i], "/tmp/caretaker-log-XXXXXX");
        out = fdopen(mkstemp(paths[i]), "w");
        ck_assert_uint_eq(fwrite(texts[i], 1, sizes[i], out), sizes[i]);
        ck_assert_int_eq(fclose(out), 0);
        list[i] = paths[i];
    }
    if (log_reader_open(&r, site, map, list, count, keep_bad, o, &o->err) == 0) {
        const struct frame *f;
        uint64_t done, total;

        while ((f = log_reader_next(r)) != NULL) {
            add_frame(&o->frames, site, f);
        }
        o->rows = log_reader_rows(r);
        o->bad_rows = log_reader_bad(r);
        o->last_ms = log_reader_last_row(r);
        log_reader_progress(r, &done, &total);
        ck_assert_uint_eq(done, total);
        log_reader_close(r);
    }
    for (uint32_t i = 0; i < count; i++) {
        unlink(paths[i]);
    }
    site_free(site);
}

static void
read_text(struct outcome *o, const struct log_map *map, const char *text)
{
    size_t size = strlen(text);

    read_bytes(o, map, &text, &size, 1);
}

static void
outcome_fini(struct outcome *o)
{
    strbuf_fini(&o->frames);
    strbuf_fini(&o->bad);
}

struct good_row {
    const char *name;
    const char *log;
    const char *want;
};

static const struct good_row good_rows[] = {
    {"long form", "time,device,point,value\n2026-03-01T00:00:01Z,d0,p0000,1.5\n",
     "1 d0 p0000=1.5"},
    {"wide form", "time,d0.p0000,d1.p0001\n2026-03-01T00:00:01Z,1.5,-2\n",
     "1 d0 p0000=1.5; 1 d1 p0001=-2"},
    {"rows of one time and device are one frame, in order of points",
     "time,device,point,value\n2026-03-01T00:00:01Z,d0,p0002,3\n"
     "2026-03-01T00:00:01Z,d0,p0000,1\n2026-03-01T00:00:01Z,d0,p0001,2\n",
     "1 d0 p0000=1 p0001=2 p0002=3"},
    {"a point that comes again starts a frame",
     "time,device,point,value\n2026-03-01T00:00:01Z,d0,p0000,1\n"
     "2026-03-01T00:00:01Z,d0,p0001,2\n2026-03-01T00:00:01Z,d0,p0000,3\n",
     "1 d0 p0000=1 p0001=2; 1 d0 p0000=3"},
    {"a device that comes again starts a frame",
     "time,device,point,value\n2026-03-01T00:00:01Z,d0,p0000,1\n"
     "2026-03-01T00:00:01Z,d1,p0000,2\n2026-03-01T00:00:01Z,d0,p0001,3\n",
     "1 d0 p0000=1; 1 d1 p0000=2; 1 d0 p0001=3"},
    {"wide rows of one time and device are one frame too",
     "time,d0.p0000,d0.p0001\n2026-03-01T00:00:01Z,1,\n2026-03-01T00:00:01Z,,2\n",
     "1 d0 p0000=1 p0001=2"},
    {"a device whose wide columns are scattered is one frame",
     "time,d1.p0001,d0.p0000,d1.p0000\n2026-03-01T00:00:01Z,1,2,3\n",
     "1 d1 p0000=3 p0001=1; 1 d0 p0000=2"},
    {"an empty wide cell is no sample",
     "time,d0.p0000,d1.p0000\n2026-03-01T00:00:01Z,,\n2026-03-01T00:00:02Z,,5\n",
     "2 d1 p0000=5"},
    {"quality by word, its value may be empty",
     "time,device,point,value,quality\n2026-03-01T00:00:01Z,d0,p0000,,timeout\n"
     "2026-03-01T00:00:01Z,d0,p0001,7,range\n2026-03-01T00:00:01Z,d0,p0002,8,good\n"
     "2026-03-01T00:00:02Z,d0,p0002,9,\n",
     "1 d0 p0000:timeout p0001:range p0002=8; 2 d0 p0002=9"},
    {"columns of the long form in another order",
     "value,quality,point,time,device\n1,,p0000,2026-03-01T00:00:01Z,d0\n",
     "1 d0 p0000=1"},
    {"true and false of a yes or no",
     "time,d0.running,d1.running\n2026-03-01T00:00:01Z,true,False\n",
     "1 d0 running=1; 1 d1 running=0"},
    {"semicolons", "time;d0.p0000\n2026-03-01T00:00:01Z;1\n", "1 d0 p0000=1"},
    {"tabs, and empty cells between them",
     "time\td0.p0000\td0.p0001\td0.p0002\n2026-03-01T00:00:01Z\t1\t\t3\n"
     "2026-03-01T00:00:02Z\t\t \t\"4\"\n",
     "1 d0 p0000=1 p0002=3; 2 d0 p0002=4"},
    {"a tab beside commas is a blank",
     "time,\td0.p0000\t,\td0.p0001\n2026-03-01T00:00:01Z,\t1\t,\t2\n",
     "1 d0 p0000=1 p0001=2"},
    {"quotes and blanks between tabs",
     "\"time\"\t d0.p0000 \td0.p0001\n2026-03-01T00:00:01Z\t1,5\t2\n",
     "1 d0 p0000=1.5 p0001=2"},
    {"decimal commas where semicolons or tabs separate",
     "time;d0.p0000;d0.p0001\n2026-03-01T00:00:01Z;90,5;-0,25\n"
     "2026-03-01T00:00:02Z;1.5;1,5e3\n",
     "1 d0 p0000=90.5 p0001=-0.25; 2 d0 p0000=1.5 p0001=1500"},
    {"decimal commas in long form",
     "time\tdevice\tpoint\tvalue\n2026-03-01T00:00:01Z\td0\tp0000\t90,5\n",
     "1 d0 p0000=90.5"},
    {"CRLF and a byte-order mark",
     "\xEF\xBB\xBFtime,d0.p0000\r\n2026-03-01T00:00:01Z,1\r\n", "1 d0 p0000=1"},
    {"quotes, and blanks around cells",
     "\"time\", \"d0.p0000\" ,d0.p0001\n \"2026-03-01T00:00:01Z\",\"1\" , 2\n",
     "1 d0 p0000=1 p0001=2"},
    {"the last line without its end", "time,d0.p0000\n2026-03-01T00:00:01Z,1",
     "1 d0 p0000=1"},
    {"empty lines are no rows", "time,d0.p0000\n\n2026-03-01T00:00:01Z,1\r\n\r\n\n",
     "1 d0 p0000=1"},
    {"local times, epoch seconds and milliseconds",
     "time,d0.p0000\n2026-03-01 08:00:01,1\n1772323202.5,2\n1772323203250,3\n",
     "1 d0 p0000=1; 2.5 d0 p0000=2; 3.25 d0 p0000=3"},
    {"only a header", "time,d0.p0000\n", ""},
};

START_TEST(good_logs)
{
    const struct good_row *row = &good_rows[_i];
    struct outcome o;

    read_text(&o, NULL, row->log);
    ck_assert_msg(o.err.code == ERR_NONE, "%s: %s", row->name, o.err.text);
    ck_assert_msg(o.bad_rows == 0, "%s: %s", row->name, strbuf_text(&o.bad));
    ck_assert_msg(strcmp(strbuf_text(&o.frames), row->want) == 0, "%s: %s", row->name,
                  strbuf_text(&o.frames));
    outcome_fini(&o);
}
END_TEST

struct bad_row {
    const char *name;
    const char *row; /* Between two good ones. */
    const char *want;
};

static const struct bad_row bad_rows[] = {
    {"time", "soon,d0,p0000,1,", "3:1 \"soon\" is no time"},
    {"empty time", ",d0,p0000,1,", "3:1 \"\" is no time"},
    {"back in time", "2026-03-01T00:00:00Z,d0,p0000,1,",
     "3:1 goes back in time; rows stand in order of time"},
    {"device", "2026-03-01T00:00:01Z,dd0,p0000,1,",
     "3:22 device 'dd0' is not in the site; 'd0' is"},
    {"point", "2026-03-01T00:00:01Z,d0,p000,1,",
     "3:25 device 'd0' has no point 'p000'; 'p0000' is one"},
    {"word for a number", "2026-03-01T00:00:01Z,d0,p0000,high,",
     "3:31 'high' is no value"},
    {"yes for a number", "2026-03-01T00:00:01Z,d0,p0000,true,",
     "3:31 'true' is no value"},
    {"text behind a number", "2026-03-01T00:00:01Z,d0,p0000,1 bar,", "3:31 '1 bar'"},
    {"not a number", "2026-03-01T00:00:01Z,d0,p0000,nan,", "3:31 'nan' is no value"},
    {"infinity", "2026-03-01T00:00:01Z,d0,p0000,inf,", "3:31 'inf' is no value"},
    {"beyond a double", "2026-03-01T00:00:01Z,d0,p0000,1e999,",
     "3:31 '1e999' is no value"},
    {"hex", "2026-03-01T00:00:01Z,d0,p0000,0x10,", "3:31 '0x10' is no value"},
    {"good without a value", "2026-03-01T00:00:01Z,d0,p0000,,", "3:31 no value"},
    {"quality", "2026-03-01T00:00:01Z,d0,p0000,1,fine", "3:33 'fine' is no quality"},
    {"too few cells", "2026-03-01T00:00:01Z,d0,p0000,1",
     "3:0 fewer cells than the header, which has 5"},
    {"too many cells", "2026-03-01T00:00:01Z,d0,p0000,1,good,",
     "3:0 more cells than the header, which has 5"},
    {"open quote", "2026-03-01T00:00:01Z,\"d0,p0000,1,", "3:0 a quote is not closed"},
    {"text behind a quote", "2026-03-01T00:00:01Z,\"d0\"x,p0000,1,",
     "3:0 text after a closing"},
    {"quoted quote", "2026-03-01T00:00:01Z,\"d\"\"0\",p0000,1,",
     "3:22 device 'd\"0' is not"},
};

START_TEST(a_bad_row_is_told_with_its_place_and_skipped)
{
    const struct bad_row *row = &bad_rows[_i];
    char log[512];
    struct outcome o;

    snprintf(log, sizeof log,
             "time,device,point,value,quality\n2026-03-01T00:00:01Z,d1,p0000,1,\n"
             "%s\n2026-03-01T00:00:01Z,d1,p0001,2,\n",
             row->row);
    read_text(&o, NULL, log);
    ck_assert_str_eq(o.err.text, "");
    ck_assert_uint_eq(o.rows, 3);
    ck_assert_uint_eq(o.bad_rows, 1);
    ck_assert_msg(strncmp(strbuf_text(&o.bad), row->want, strlen(row->want)) == 0,
                  "%s: %s", row->name, strbuf_text(&o.bad));
    ck_assert_str_eq(strbuf_text(&o.frames), "1 d1 p0000=1 p0001=2");
    outcome_fini(&o);
}
END_TEST

/* What `caretaker export --detail` writes. */
START_TEST(a_bad_sample_may_say_more)
{
    struct outcome o;
    const char *log = "time,device,point,value,quality,detail\n"
                      "2026-03-01T00:00:01Z,d0,p0000,1,good,\n"
                      "2026-03-01T00:00:01Z,d0,p0001,,exception,2\n"
                      "2026-03-01T00:00:01Z,d0,p0002,,crc,short\n"
                      "2026-03-01T00:00:02Z,d0,p0000,,refused,lost\n"
                      "2026-03-01T00:00:02Z,d0,p0001,,timeout,11\n"
                      "2026-03-01T00:00:02Z,d0,p0002,,stale,\n"
                      "2026-03-01T00:00:03Z,d0,p0002,,stale,lost\n"
                      "2026-03-01T00:00:03Z,d0,p0002,7,,4\n";

    read_text(&o, NULL, log);
    ck_assert_str_eq(strbuf_text(&o.frames),
                     "1 d0 p0000=1 p0001:exception(2) p0002:crc(3); "
                     "2 d0 p0000:refused(8) p0001:timeout(11) p0002:stale");
    ck_assert_str_eq(strbuf_text(&o.bad),
                     "8:38 'lost' is no detail of a sample that is stale\n"
                     "9:34 '4' is no detail of a sample that is good\n");
    outcome_fini(&o);
}
END_TEST

/* What `caretaker export --clock` writes. */
START_TEST(a_sample_may_be_of_an_untrusted_clock)
{
    struct outcome o;
    const char *log = "time,device,point,value,quality,clock\n"
                      "2026-03-01T00:00:01Z,d0,p0000,1,good,\n"
                      "2026-03-01T00:00:01Z,d0,p0001,2,good,untrusted\n"
                      "2026-03-01T00:00:01Z,d0,p0002,3,good,untrusted\n"
                      "2026-03-01T00:00:02Z,d0,p0000,,crc,untrusted\n"
                      "2026-03-01T00:00:03Z,d0,p0000,5,good,\n"
                      "2026-03-01T00:00:04Z,d0,p0000,6,good,right\n";

    read_text(&o, NULL, log);
    ck_assert_str_eq(strbuf_text(&o.frames),
                     "1 d0 p0000=1; 1 d0? p0001=2 p0002=3; 2 d0? p0000:crc; "
                     "3 d0 p0000=5");
    ck_assert_str_eq(strbuf_text(&o.bad),
                     "7:38 'right' is no state of a clock; untrusted and nothing "
                     "are\n");
    outcome_fini(&o);
}
END_TEST

/* What may be thousands, or two numbers, is not guessed at. */
START_TEST(a_comma_that_is_no_decimal_one_is_told)
{
    struct outcome o;

    read_text(&o, NULL,
              "time;d0.p0000\n2026-03-01T00:00:01Z;1,234.5\n"
              "2026-03-01T00:00:01Z;1,2,3\n2026-03-01T00:00:01Z;,\n");
    ck_assert_str_eq(strbuf_text(&o.bad),
                     "2:22 '1,234.5' is no value; a decimal number is\n"
                     "3:22 '1,2,3' is no value; a decimal number is\n"
                     "4:22 ',' is no value; a decimal number is\n");
    outcome_fini(&o);
    read_text(&o, NULL, "time,d0.p0000\n2026-03-01T00:00:01Z,\"1,5\"\n");
    ck_assert_str_eq(strbuf_text(&o.bad),
                     "2:22 '1,5' is no value; a decimal number is\n");
    outcome_fini(&o);
}
END_TEST

START_TEST(a_bad_cell_spoils_its_wide_row_whole)
{
    struct outcome o;

    read_text(&o, NULL,
              "time,d0.p0000,d0.p0001\n2026-03-01T00:00:01Z,1,x\n"
              "2026-03-01T00:00:00Z,2,3\n");
    ck_assert_str_eq(strbuf_text(&o.frames), "0 d0 p0000=2 p0001=3");
    ck_assert_uint_eq(o.bad_rows, 1);
    outcome_fini(&o);
}
END_TEST

struct header_row {
    const char *log;
    const char *want; /* After "FILE:". */
};

static const struct header_row header_rows[] = {
    {"", "1: no header"},
    {"\n1,2\n", "1: no header"},
    {"time,d0.p000\n", "1:6: device 'd0' has no point 'p000'; 'p0000' is one"},
    {"time,d0.p0000,dd1.p0000\n", "1:15: device 'dd1' is not in the site; 'd1' is"},
    {"time,pressure\n", "1:6: column 'pressure' is no DEVICE.POINT; a log begins with"},
    {"d0.p0000,d0.p0001\n", "1:1: no column 'time'"},
    {"time,d0.p0000,d0.p0000\n", "1:15: a second column for d0.p0000"},
    {"time,time,d0.p0000\n", "1:6: a second column 'time'"},
    {"time,device,point,value,qualty\n",
     "1:25: column 'qualty' is not known; 'quality' is"},
    {"time,device,value\n", "1:1: no column 'point'"},
    {"\"time,d0.p0000\n", "1:1: a quote is not closed"},
};

START_TEST(a_wrong_header_is_an_error)
{
    const struct header_row *row = &header_rows[_i];
    struct outcome o;
    const char *after;

    read_text(&o, NULL, row->log);
    ck_assert_int_eq(o.err.code, ERR_CONFIG);
    after = strchr(o.err.text, ':') + 1;
    ck_assert_msg(strncmp(after, row->want, strlen(row->want)) == 0, "%s", o.err.text);
    outcome_fini(&o);
}
END_TEST

START_TEST(nul_bytes_and_endless_lines_are_bad_rows)
{
    static const char head[] = "time,d0.p0000\n2026-03-01T00:00:01Z,1\0\n";
    static const char tail[] = "\n2026-03-01T00:00:02Z,2\n";
    size_t size = sizeof head - 1, long_bytes = 3 * 1024 * 1024;
    char *log = malloc(size + long_bytes + sizeof tail);
    const char *text = log;
    struct outcome o;

    memcpy(log, head, size);
    memset(log + size, '7', long_bytes);
    memcpy(log + size + long_bytes, tail, sizeof tail);
    size += long_bytes + sizeof tail - 1;
    read_bytes(&o, NULL, &text, &size, 1);
    ck_assert_str_eq(strbuf_text(&o.frames), "2 d0 p0000=2");
    ck_assert_str_eq(strbuf_text(&o.bad),
                     "2:0 a NUL byte in the line; a log is text in UTF-8\n"
                     "3:0 a line has at most 65536 bytes\n");
    ck_assert_uint_eq(o.rows, 3);
    outcome_fini(&o);
    free(log);
}
END_TEST

/* A line of exactly the limit is read, one byte more is not, wherever the buffer ends.
 */
START_TEST(the_longest_line)
{
    static const char row[] = "2026-03-01T00:00:01Z,1";
    size_t head = strlen("time,d0.p0000\n"), limit = 64 * 1024 + (size_t)_i;
    size_t size = head + limit + 1;
    char *log = malloc(size + 1);
    const char *text = log;
    struct outcome o;

    memcpy(log, "time,d0.p0000\n", head);
    memset(log + head, ' ', limit);
    memcpy(log + head, row, strlen(row));
    log[size - 1] = '\n';
    read_bytes(&o, NULL, &text, &size, 1);
    ck_assert_uint_eq(o.rows, 1);
    ck_assert_uint_eq(o.bad_rows, (uint64_t)_i);
    outcome_fini(&o);
    free(log);
}
END_TEST

START_TEST(logs_merge_by_time_then_by_file)
{
    static const char *const logs[] = {
        "time,d0.p0000\n2026-03-01T00:00:01Z,1\n2026-03-01T00:00:03Z,3\n"
        "2026-03-01T00:00:05Z,5\n",
        "time,device,point,value\n2026-03-01T00:00:00Z,d1,p0000,0\n"
        "2026-03-01T00:00:03Z,d1,p0000,3\n2026-03-01T00:00:02Z,d1,p0000,2\n",
        "time,d2.p0000\n",
    };
    const size_t sizes[] = {strlen(logs[0]), strlen(logs[1]), strlen(logs[2])};
    struct outcome o;

    read_bytes(&o, NULL, logs, sizes, 3);
    ck_assert_str_eq(strbuf_text(&o.frames),
                     "0 d1 p0000=0; 1 d0 p0000=1; 3 d0 p0000=3; 3 d1 p0000=3; "
                     "5 d0 p0000=5");
    ck_assert_uint_eq(o.bad_rows, 1); /* Back in time within its file. */
    outcome_fini(&o);
}
END_TEST

START_TEST(a_row_without_samples_still_has_its_time)
{
    struct outcome o;

    read_text(&o, NULL,
              "time,d0.p0000\n2026-03-01T00:00:01Z,1\n2026-03-01T00:00:09Z,\n"
              "2026-03-01T00:00:10Z,bad\n");
    ck_assert_str_eq(strbuf_text(&o.frames), "1 d0 p0000=1");
    ck_assert_int_eq(o.last_ms, INT64_C(1772323209000));
    outcome_fini(&o);
    read_text(&o, NULL, "time,d0.p0000\n");
    ck_assert_int_eq(o.last_ms, INSTANT_NONE);
    outcome_fini(&o);
}
END_TEST

static const struct log_map_column columns[] = {{"Temp, mean", "d0", "p0000"},
                                                {"On", "d1", "running"}};

struct map_row {
    const char *name;
    const char *format, *timezone;
    const char *log;
    const char *want;
};

static const struct map_row map_rows[] = {
    {"columns that the map does not name are ignored", NULL, NULL,
     "n,when,\"Temp, mean\",Note,On\n1,2026-03-01 08:00:01,5,\"a, b\",1\n",
     "1 d0 p0000=5; 1 d1 running=1"},
    {"commas in names between tabs", NULL, NULL,
     "when\tTemp, mean\tNote\tOn\n2026-03-01 08:00:01\t5,5\ta, b\t1\n",
     "1 d0 p0000=5.5; 1 d1 running=1"},
    {"a format in the site's zone", "%d.%m.%Y %H:%M:%S", NULL,
     "when;Temp, mean;On\n01.03.2026 08:00:01;5;\n", "1 d0 p0000=5"},
    {"a format in UTC, with a fraction behind it", "%Y/%m/%d %T", "UTC",
     "when;Temp, mean;On\n2026/03/01 00:00:01.25;5;true\n",
     "1.25 d0 p0000=5; 1.25 d1 running=1"},
    {"a format in a third zone, over its change to summer time", "%Y-%m-%d %H:%M",
     "Europe/Berlin", "when;Temp, mean;On\n2026-03-29 01:59;5;\n2026-03-29 03:00;6;\n",
     "2422740 d0 p0000=5; 2422800 d0 p0000=6"},
    {"our own forms in the map's zone", NULL, "Europe/Berlin",
     "when;Temp, mean;On\n2026-03-01 01:00:01;5;\n2026-03-01T00:00:02Z;6;\n"
     "1772323203;7;\n",
     "1 d0 p0000=5; 2 d0 p0000=6; 3 d0 p0000=7"},
    {"a format with an offset", "%Y-%m-%dT%H:%M:%S%z", "Europe/Berlin",
     "when;Temp, mean;On\n2026-03-01T02:00:01+0200;5;\n", "1 d0 p0000=5"},
    {"seconds since 1970", "%s", "Europe/Berlin", "when;Temp, mean;On\n1772323201;5;\n",
     "1 d0 p0000=5"},
};

static struct log_map
map_of(const char *format, const char *timezone)
{
    return (struct log_map){.time_column = "when",
                            .time_format = format,
                            .timezone = timezone,
                            .columns = columns,
                            .column_count = ARRAY_LEN(columns)};
}

START_TEST(foreign_logs)
{
    const struct map_row *row = &map_rows[_i];
    struct log_map map = map_of(row->format, row->timezone);
    struct outcome o;

    read_text(&o, &map, row->log);
    ck_assert_msg(o.err.code == ERR_NONE, "%s: %s", row->name, o.err.text);
    ck_assert_msg(strcmp(strbuf_text(&o.frames), row->want) == 0, "%s: %s %s",
                  row->name, strbuf_text(&o.frames), strbuf_text(&o.bad));
    ck_assert_str_eq(getenv("TZ"),
                     "Asia/Shanghai"); /* The program's zone is put back. */
    outcome_fini(&o);
}
END_TEST

START_TEST(a_map_that_does_not_fit_is_an_error)
{
    struct log_map map = map_of("%Y-%m-%d", "UTC");
    struct outcome o;

    read_text(&o, &map, "when,On\n");
    ck_assert_ptr_nonnull(
        strstr(o.err.text, "no log has the column 'Temp, mean' of the map"));
    outcome_fini(&o);
    read_text(&o, &map, "time,On\n");
    ck_assert_ptr_nonnull(strstr(o.err.text, "no column 'when'"));
    outcome_fini(&o);
    map.timezone = "Mars/Olympus";
    read_text(&o, &map, "when,On\n");
    ck_assert_ptr_nonnull(strstr(o.err.text, "timezone 'Mars/Olympus' is not known"));
    outcome_fini(&o);
    map.timezone = "UTC";
    read_text(&o, &map,
              "when;Temp, mean;On\n2026-02-31;1;\n2026-03-01x;1;\n2026-03-01;1;\n");
    ck_assert_uint_eq(o.bad_rows, 2);
    ck_assert_str_eq(strbuf_text(&o.frames), "0 d0 p0000=1");
    outcome_fini(&o);
}
END_TEST

START_TEST(a_log_that_is_not_there_is_an_error_with_its_name)
{
    const char *path = "/nonexistent/pump.csv";
    struct site *site = log_site_new(1, 1);
    struct log_reader *r;
    struct err err = {0};

    ck_assert_int_eq(log_reader_open(&r, site, NULL, &path, 1, NULL, NULL, &err),
                     ERR_IO);
    ck_assert_int_eq(strncmp(err.text, path, strlen(path)), 0);
    site_free(site);
}
END_TEST

/* A log by the numbers of a generator, once long and once wide, gives the same frames.
 */
START_TEST(long_and_wide_are_the_same_log)
{
    struct strbuf is_long = {0}, wide = {0};
    struct outcome a, b;
    uint64_t seed = 88172645463325252u + (uint64_t)_i;

    strbuf_add(&is_long, "time,device,point,value\n");
    strbuf_add(&wide, "time");
    for (int c = 0; c < 9; c++) {
        strbuf_printf(&wide, ",d%d.p%04d", c / 3, c % 3);
    }
    for (int row = 0; row < 200; row++) {
        strbuf_printf(&wide, "\n%d.5", 1772323200 + row);
        for (int c = 0; c < 9; c++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            strbuf_add(&wide, ",");
            if (seed % 4 != 0) {
                double value = (double)((int64_t)(seed >> 20) % 100000) / 64;

                strbuf_add_number(&wide, value);
                strbuf_printf(&is_long, "%d500,d%d,p%04d,", 1772323200 + row, c / 3,
                              c % 3);
                strbuf_add_number(&is_long, value);
                strbuf_add(&is_long, "\n");
            }
        }
    }
    read_text(&a, NULL, strbuf_text(&is_long));
    read_text(&b, NULL, strbuf_text(&wide));
    ck_assert_uint_eq(a.bad_rows + b.bad_rows, 0);
    ck_assert_uint_eq(b.rows, 200);
    ck_assert_uint_gt(a.frames.size, 1000);
    ck_assert_str_eq(strbuf_text(&a.frames), strbuf_text(&b.frames));
    outcome_fini(&a);
    outcome_fini(&b);
    strbuf_fini(&is_long);
    strbuf_fini(&wide);
}
END_TEST

static const char *const numbers[] = {
    "0",
    "-0",
    "+1",
    "1.",
    ".5",
    "81.2",
    "-273.15",
    "1e3",
    "1.5E-3",
    "0.1",
    "123456789.123456789",
    "9007199254740993",
    "1e22",
    "1e23",
    "4.9e-324",
    "1e-400",
    "1.7976931348623157e308",
    "0.000000000000000000000000000000000000001234",
    "123456789012345678901234567890",
    "2.2250738585072011e-308",
};

START_TEST(numbers_read_as_strtod_reads_them)
{
    double got;

    ck_assert(log_number_parse(&got, numbers[_i]));
    ck_assert_msg(got == strtod(numbers[_i], NULL) &&
                      !signbit(got) == !signbit(strtod(numbers[_i], NULL)),
                  "%s: %.17g", numbers[_i], got);
}
END_TEST

static const char *const not_numbers[] = {
    "",   "-",  ".",   "-.",  "e5",  "1e",    "1e+",    "1e+-5", "--1", "1,5",
    "1 ", " 1", "0x1", "nan", "inf", "1e309", "-1e400", "1.2.3", "1f",
};

START_TEST(what_is_not_all_a_number_is_none)
{
    double got = 7;

    ck_assert_msg(!log_number_parse(&got, not_numbers[_i]), "%s", not_numbers[_i]);
    ck_assert(got == 7);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("log_reader");
    TCase *tc = tcase_create("log_reader");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, good_logs, 0, (int)ARRAY_LEN(good_rows));
    tcase_add_loop_test(tc, a_bad_row_is_told_with_its_place_and_skipped, 0,
                        (int)ARRAY_LEN(bad_rows));
    tcase_add_test(tc, a_bad_sample_may_say_more);
    tcase_add_test(tc, a_sample_may_be_of_an_untrusted_clock);
    tcase_add_test(tc, a_comma_that_is_no_decimal_one_is_told);
    tcase_add_test(tc, a_bad_cell_spoils_its_wide_row_whole);
    tcase_add_loop_test(tc, a_wrong_header_is_an_error, 0, (int)ARRAY_LEN(header_rows));
    tcase_add_test(tc, nul_bytes_and_endless_lines_are_bad_rows);
    tcase_add_loop_test(tc, the_longest_line, 0, 2);
    tcase_add_test(tc, logs_merge_by_time_then_by_file);
    tcase_add_test(tc, a_row_without_samples_still_has_its_time);
    tcase_add_loop_test(tc, foreign_logs, 0, (int)ARRAY_LEN(map_rows));
    tcase_add_test(tc, a_map_that_does_not_fit_is_an_error);
    tcase_add_test(tc, a_log_that_is_not_there_is_an_error_with_its_name);
    tcase_add_loop_test(tc, long_and_wide_are_the_same_log, 0, 4);
    tcase_add_loop_test(tc, numbers_read_as_strtod_reads_them, 0,
                        (int)ARRAY_LEN(numbers));
    tcase_add_loop_test(tc, what_is_not_all_a_number_is_none, 0,
                        (int)ARRAY_LEN(not_numbers));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
