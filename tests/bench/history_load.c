/* The history store under load, for bench_history.py: one measurement per run, so that
 * memory, CPU and I/O are of nothing else.  Each prints one line of JSON.
 *
 *   history_load write DIR ours|rows DEVICES SECONDS FLUSH_S   mixed series, each
 * second history_load fill DIR DEVICES DAYS EVERY_S SECONDS         a sample each
 * EVERY_S for DAYS, then one each second for SECONDS: a file to read from history_load
 * read DIR [QUERY]                              such a file history_load memory DIR
 * DEVICES SECONDS                    through the thread history_load record DIR
 * FILE.csv                           a time, then numbers history_load lines DEVICES
 * FROM_S TO_S STEP_S              for VictoriaMetrics
 *
 * `rows`: plain rows of SQLite with an index by point, in a log, each flush a commit
 * that is synchronised; what anybody would write first. */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/base/err.h"
#include "daemon/base/instant.h"
#include "daemon/store/history.h"
#include "daemon/store/history_db.h"
#include "daemon/store/history_series.h"
#include "tests/fake/mixed_series.h"

#define LOAD_DEVICES 1000
#define RECORD_LINE  4096
#define ROUNDS       9
#define ROUNDS_SHORT 3
#define PACKINGS     64
#define DAY_MS       INT64_C(86400000)
#define MINUTE_MS    INT64_C(60000)
#define HOUR_MS      INT64_C(3600000)
#define FRAME_BYTES  (sizeof(struct frame) + MIXED_POINTS * sizeof(struct reading))

struct load {
    struct site site;
    struct device devices[LOAD_DEVICES];
    struct point points[LOAD_DEVICES * MIXED_POINTS];
    char ids[LOAD_DEVICES][8];
    struct mixed_device mixed[LOAD_DEVICES];
    uint32_t count; /* Of devices. */
    unsigned char *batch;
    size_t size, room;
    uint64_t samples;
    double cpu_s; /* Without what makes the samples. */
};

static void
must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "history_load: %s\n", what);
        exit(1);
    }
}

static void
must_sql(sqlite3 *db, int rc)
{
    must(rc == SQLITE_OK || rc == SQLITE_DONE, sqlite3_errmsg(db));
}

static double
cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
user_ms(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)r.ru_utime.tv_sec * 1e3 + (double)r.ru_utime.tv_usec / 1e3 +
           (double)r.ru_stime.tv_sec * 1e3 + (double)r.ru_stime.tv_usec / 1e3;
}

/* A figure of /proc/self; 0: there is none. */
static uint64_t
self(const char *file, const char *name)
{
    char path[64], line[256];
    uint64_t value = 0;
    snprintf(path, sizeof path, "/proc/self/%s", file);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            value = strtoull(line + strlen(name), NULL, 10);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return value;
}

static uint64_t
file_bytes(const char *dir, const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static sqlite3 *
open_raw(const char *dir, const char *name)
{
    char path[512];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    must_sql(db, sqlite3_open(path, &db));
    return db;
}

/* Folds the log back into the file. */
static void
checkpoint(const char *dir, const char *name)
{
    sqlite3 *db = open_raw(dir, name);
    must_sql(db, sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL));
    sqlite3_close(db);
}

/* ---- the samples ---- */

static struct load *
new_load(uint32_t devices, int64_t flush_ms)
{
    struct load *l = calloc(1, sizeof *l);
    must(l != NULL && devices <= LOAD_DEVICES, "memory");
    l->count = devices;
    for (uint32_t i = 0; i < devices; i++) {
        snprintf(l->ids[i], sizeof l->ids[i], "d%04u", i);
        l->devices[i] = (struct device){.id = l->ids[i],
                                        .first_point = i * MIXED_POINTS,
                                        .point_count = MIXED_POINTS};
        for (uint32_t p = 0; p < MIXED_POINTS; p++) {
            l->points[i * MIXED_POINTS + p] =
                (struct point){.id = mixed_points[p].id,
                               .device = i,
                               .scaling = {1, 0, mixed_points[p].div}};
        }
        mixed_device_init(&l->mixed[i], 1, i);
    }
    l->site = (struct site){.devices = l->devices,
                            .device_count = devices,
                            .points = l->points,
                            .point_count = devices * MIXED_POINTS,
                            .history = {.flush_ms = flush_ms}};
    return l;
}

static struct frame *
next_frame(struct load *l)
{
    if (l->size + FRAME_BYTES_MAX > l->room) {
        l->room = 2 * l->room + 2 * FRAME_BYTES_MAX;
        l->batch = realloc(l->batch, l->room);
        must(l->batch != NULL, "memory");
    }
    return (void *)(l->batch + l->size);
}

static void
end_frame(struct load *l, const struct frame *f)
{
    l->size += frame_bytes(f->count);
    l->samples += f->count;
}

/* The next poll of a device: what its next second is like, at this time. */
static void
add_poll(struct load *l, uint32_t device, int64_t at_ms)
{
    int32_t raw[MIXED_POINTS];
    int64_t t_ms;
    struct frame *f = next_frame(l);
    int64_t second = l->mixed[device].second;
    mixed_device_next(&l->mixed[device], &t_ms, raw);
    *f = (struct frame){.t_ms = at_ms + (t_ms - MIXED_START_MS - second * 1000),
                        .device = device,
                        .count = MIXED_POINTS};
    for (uint32_t p = 0; p < MIXED_POINTS; p++) {
        f->readings[p] = (struct reading){.value = raw[p] / mixed_points[p].div,
                                          .point = device * MIXED_POINTS + p};
    }
    end_frame(l, f);
}

/* Seconds [from, to) of all devices. */
static void
add_polls(struct load *l, int64_t from, int64_t to)
{
    for (int64_t second = from; second < to; second++) {
        for (uint32_t d = 0; d < l->count; d++) {
            add_poll(l, d, MIXED_START_MS + second * 1000);
        }
    }
}

/* ---- writers ---- */

/* All into chunks; a call takes some rows of the tail away. */
static void
pack(struct history_db *h, const char *dir)
{
    struct err err = {0};
    for (int i = 0; i < PACKINGS; i++) {
        must(history_db_pack(h, &err) == 0, err.text);
    }
    history_db_close(h);
    sqlite3 *db = open_raw(dir, HISTORY_FILE);
    must_sql(db, sqlite3_exec(db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL,
                              NULL));
    sqlite3_close(db);
}

static void
write_ours(struct load *l, struct history_db *h)
{
    struct err err = {0};
    enum history_trouble trouble;
    double before = cpu_s();
    int rc = history_db_write(h, l->batch, l->size, INSTANT_NONE, &trouble, &err);
    l->cpu_s += cpu_s() - before;
    must(rc == 0, err.text);
    l->size = 0;
}

static const char rows_sql[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    "CREATE TABLE sample (device INTEGER, point INTEGER, t INTEGER, value REAL,"
    " quality INTEGER); CREATE INDEX sample_point ON sample (point, t)";

static void
write_rows(struct load *l, sqlite3 *db, sqlite3_stmt *insert)
{
    double before = cpu_s();
    must_sql(db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
    for (size_t at = 0; at < l->size;) {
        const struct frame *f = (const void *)(l->batch + at);
        for (uint16_t i = 0; i < f->count; i++) {
            sqlite3_bind_int64(insert, 1, f->device);
            sqlite3_bind_int64(insert, 2, f->readings[i].point);
            sqlite3_bind_int64(insert, 3, f->t_ms);
            sqlite3_bind_double(insert, 4, f->readings[i].value);
            sqlite3_bind_int(insert, 5, f->readings[i].quality);
            must_sql(db, sqlite3_step(insert));
            sqlite3_reset(insert);
        }
        at += frame_bytes(f->count);
    }
    must_sql(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    l->cpu_s += cpu_s() - before;
    l->size = 0;
}

static void
print_written(const struct load *l, const char *dir, const char *name)
{
    char log[64];
    snprintf(log, sizeof log, "%s-wal", name);
    printf("{\"samples\": %llu, \"cpu_s\": %.4f, \"log\": %llu, ",
           (unsigned long long)l->samples, l->cpu_s,
           (unsigned long long)file_bytes(dir, log));
    checkpoint(dir, name); /* All that was written is counted. */
    printf("\"written\": %llu, \"passed\": %llu, ",
           (unsigned long long)self("io", "write_bytes:"),
           (unsigned long long)self("io", "wchar:"));
    printf("\"file\": %llu, \"peak_kib\": %llu",
           (unsigned long long)file_bytes(dir, name),
           (unsigned long long)self("status", "VmHWM:"));
}

static void
load_ours(struct load *l, const char *dir, int64_t seconds, int64_t flush_s)
{
    struct err err = {0};
    struct history_db *h = NULL;
    must(history_db_open(&h, dir, &l->site, &err) == 0, err.text);
    for (int64_t at = 0; at < seconds; at += flush_s) {
        add_polls(l, at, at + flush_s);
        write_ours(l, h);
    }
    print_written(l, dir, HISTORY_FILE);
    pack(h, dir);
    printf(", \"packed\": %llu}\n", (unsigned long long)file_bytes(dir, HISTORY_FILE));
}

static void
load_rows(struct load *l, const char *dir, int64_t seconds, int64_t flush_s)
{
    sqlite3 *db = open_raw(dir, "rows.db");
    sqlite3_stmt *insert = NULL;
    must_sql(db, sqlite3_exec(db, rows_sql, NULL, NULL, NULL));
    must_sql(db,
             sqlite3_prepare_v2(db, "INSERT INTO sample VALUES (?1, ?2, ?3, ?4, ?5)",
                                -1, &insert, NULL));
    for (int64_t at = 0; at < seconds; at += flush_s) {
        add_polls(l, at, at + flush_s);
        write_rows(l, db, insert);
    }
    print_written(l, dir, "rows.db");
    printf("}\n");
    sqlite3_finalize(insert);
    sqlite3_close(db);
}

/* What comes in between two flushes of the writer's thread, without its waiting. */
static void
load_thread(struct load *l, const char *dir, int64_t seconds)
{
    struct err err = {0};
    struct history *h = NULL;
    add_polls(l, 0, 5); /* Its memory is not the writer's. */
    uint64_t before_kib = self("status", "VmRSS:");
    must(history_open(&h, dir, &l->site, &err) == 0, err.text);
    for (int64_t at = 0; at < seconds; at += 5) {
        for (size_t i = 0; i < l->size;) {
            const struct frame *f = (const void *)(l->batch + i);
            if (history_push(h, f)) {
                i += frame_bytes(f->count);
            } else { /* A real site is slower. */
                must(history_flush(h, &err) == 0, err.text);
            }
        }
        must(history_flush(h, &err) == 0, err.text);
        l->size = 0;
        add_polls(l, at + 5, at + 10);
    }
    history_close(h);
    printf("{\"samples\": %llu, \"before_kib\": %llu, \"peak_kib\": %llu}\n",
           (unsigned long long)l->samples, (unsigned long long)before_kib,
           (unsigned long long)self("status", "VmHWM:"));
}

/* A file to read from. */
static void
fill(struct load *l, const char *dir, int64_t days, int64_t every_s, int64_t seconds)
{
    struct err err = {0};
    struct history_db *h = NULL;
    int64_t begin = MIXED_START_MS - days * DAY_MS;
    must(history_db_open(&h, dir, &l->site, &err) == 0, err.text);
    for (int64_t t_ms = begin; t_ms < MIXED_START_MS; t_ms += DAY_MS / 4) {
        for (int64_t at = t_ms; at < t_ms + DAY_MS / 4; at += every_s * 1000) {
            for (uint32_t d = 0; d < l->count; d++) {
                add_poll(l, d, at);
            }
        }
        write_ours(l, h);
    }
    /* All but what is left of the tail by longer flushes: each waits for the disk. */
    for (int64_t at = 0, step; at < seconds; at += step) {
        step = at + 2 * 3600 < seconds ? 60 : 5;
        add_polls(l, at, at + step);
        write_ours(l, h);
    }
    history_db_close(h);
    printf("{\"samples\": %llu, \"cpu_s\": %.4f, \"file\": %llu}\n",
           (unsigned long long)l->samples, l->cpu_s,
           (unsigned long long)file_bytes(dir, HISTORY_FILE));
}

/* ---- readers ---- */

struct sum {
    uint64_t count;
    double sum;
};

static bool
add_sample(void *ctx, const struct history_sample *s)
{
    struct sum *sum = ctx;
    sum->count++;
    sum->sum += s->value;
    return true;
}

struct query {
    const char *name;
    int (*run)(struct history_reader *, int64_t newest, struct sum *, struct err *);
    int rounds;
};

#define DEVICE "d0003"
#define POINT  "temp_bearing_de"

static int
read_day(struct history_reader *r, int64_t newest, struct sum *sum, struct err *err)
{
    return history_each(r, newest - DAY_MS + 1000, newest, DEVICE, POINT, add_sample,
                        sum, err);
}

static int
read_hour_of_all(struct history_reader *r,
                 int64_t newest,
                 struct sum *sum,
                 struct err *err)
{
    return history_each(r, newest - DAY_MS / 2 + 1, newest - DAY_MS / 2 + HOUR_MS, NULL,
                        NULL, add_sample, sum, err);
}

static bool
add_bucket(void *ctx, const struct history_bucket *b)
{
    struct sum *sum = ctx;
    sum->count++;
    sum->sum += b->mean;
    return true;
}

static int
read_minutes(struct history_reader *r, int64_t newest, struct sum *sum, struct err *err)
{
    return history_series(r, newest - DAY_MS + 1000, newest, MINUTE_MS, DEVICE, POINT,
                          add_bucket, sum, err);
}

static int
read_year(struct history_reader *r, int64_t newest, struct sum *sum, struct err *err)
{
    return history_series(r, newest - 365 * DAY_MS, newest, HOUR_MS, DEVICE, POINT,
                          add_bucket, sum, err);
}

static int
read_last(struct history_reader *r, int64_t newest, struct sum *sum, struct err *err)
{
    (void)newest;
    return history_last(r, NULL, NULL, add_sample, sum, err);
}

static const struct query queries[] = {
    {"day", read_day, ROUNDS},
    {"minutes", read_minutes, ROUNDS},
    {"year", read_year, ROUNDS},
    {"last", read_last, ROUNDS},
    {"all_hour", read_hour_of_all, ROUNDS_SHORT},
};

/* The best of some rounds: the machine has more to do. */
static void
read_all(const char *dir, const char *only)
{
    struct err err = {0};
    struct history_reader *r = NULL;
    int64_t newest;
    must(history_reader_open(&r, dir, &err) == 0, err.text);
    must(history_newest(r, &newest, &err) == 0, err.text);
    printf("{");
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct sum sum;
        if (only != NULL && strcmp(only, queries[i].name) != 0) {
            continue;
        }
        double best = INFINITY;
        for (int round = 0; round < queries[i].rounds; round++) {
            double before = user_ms();
            sum = (struct sum){0};
            must(queries[i].run(r, newest, &sum, &err) == 0, err.text);
            double ms = user_ms() - before;
            best = ms < best ? ms : best;
        }
        printf("\"%s\": {\"ms\": %.3f, \"rows\": %llu}, ", queries[i].name, best,
               (unsigned long long)sum.count);
    }
    printf("\"peak_kib\": %llu}\n", (unsigned long long)self("status", "VmHWM:"));
    history_reader_close(r);
}

/* ---- others ---- */

/* The numbers of a record's columns, as if polled every second.  A row ends where a
 * cell is no number. */
static void
load_record(struct load *l, const char *dir, const char *path)
{
    char line[RECORD_LINE];
    struct err err = {0};
    struct history_db *h = NULL;
    int64_t second = 0;
    FILE *file = fopen(path, "r");
    must(file != NULL && fgets(line, sizeof line, file) != NULL, path);
    for (uint32_t p = 0; p < MIXED_POINTS; p++) {
        l->points[p].scaling = (struct scaling){0}; /* Nobody knows it. */
    }
    must(history_db_open(&h, dir, &l->site, &err) == 0, err.text);
    while (fgets(line, sizeof line, file) != NULL) {
        char *at = line + strcspn(line, ";,");
        struct frame *f = next_frame(l);
        *f = (struct frame){.t_ms = MIXED_START_MS + second++ * 1000};
        while (f->count < MIXED_POINTS && (*at == ';' || *at == ',')) {
            char *end;
            double value = strtod(at + 1, &end);
            if (end == at + 1 || !isfinite(value)) {
                break;
            }
            f->readings[f->count] = (struct reading){.value = value, .point = f->count};
            f->count++;
            at = end + strcspn(end, ";,");
        }
        end_frame(l, f);
        if (second % 60 == 0) {
            write_ours(l, h);
        }
    }
    fclose(file);
    write_ours(l, h);
    pack(h, dir);
    printf("{\"samples\": %llu, \"packed\": %llu}\n", (unsigned long long)l->samples,
           (unsigned long long)file_bytes(dir, HISTORY_FILE));
}

/* What /api/v1/import takes: a line for each series and step. */
static void
print_lines(struct load *l, int64_t from, int64_t to, int64_t step)
{
    add_polls(l, 0, from);
    for (int64_t at = from; at < to; at += step) {
        l->size = 0;
        add_polls(l, at, at + step);
        for (uint32_t p = 0; p < l->count * MIXED_POINTS; p++) {
            uint32_t device = p / MIXED_POINTS, k = p % MIXED_POINTS;
            printf("{\"metric\":{\"__name__\":\"%s\",\"device\":\"%s\"},\"values\":",
                   mixed_points[k].id, l->ids[device]);
            for (int what = 0; what < 2; what++) {
                for (int64_t i = 0; i < step; i++) {
                    size_t frame = (size_t)i * l->count + device;
                    const struct frame *f =
                        (const void *)(l->batch + frame * FRAME_BYTES);
                    putchar(i > 0 ? ',' : '[');
                    if (what == 0) {
                        printf("%.10g", f->readings[k].value);
                    } else {
                        printf("%lld", (long long)f->t_ms);
                    }
                }
                fputs(what == 0 ? "],\"timestamps\":" : "]}\n", stdout);
            }
        }
    }
}

int
main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    long n[5] = {0};
    for (int i = 0; i < 4 && 3 + i < argc; i++) {
        n[i] = strtol(argv[3 + i], NULL, 10);
    }
    if (strcmp(what, "write") == 0 && argc == 7) {
        struct load *l = new_load((uint32_t)n[1], n[3] * 1000);
        if (strcmp(argv[3], "ours") == 0) {
            load_ours(l, argv[2], n[2], n[3]);
        } else {
            load_rows(l, argv[2], n[2], n[3]);
        }
    } else if (strcmp(what, "fill") == 0 && argc == 7) {
        fill(new_load((uint32_t)n[0], 5000), argv[2], n[1], n[2], n[3]);
    } else if (strcmp(what, "read") == 0) {
        read_all(argv[2], argc > 3 ? argv[3] : NULL);
    } else if (strcmp(what, "memory") == 0 && argc == 5) {
        load_thread(new_load((uint32_t)n[0], 3600000), argv[2], n[1]);
    } else if (strcmp(what, "record") == 0 && argc == 4) {
        load_record(new_load(1, 5000), argv[2], argv[3]);
    } else if (strcmp(what, "lines") == 0 && argc == 6) {
        uint32_t devices = (uint32_t)strtol(argv[2], NULL, 10);
        print_lines(new_load(devices, 5000), n[0], n[1], n[2]);
    } else {
        must(false, "see the head of history_load.c");
    }
    return 0;
}
