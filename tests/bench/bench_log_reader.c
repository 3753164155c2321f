/* Samples a second through the log reader, long and wide: a file of 100 points for
 * MINUTES (default 100) at one row a second, read three times; the best counts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collectors/log_reader.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "tests/fake/log_site.h"

#define DEVICES 10
#define POINTS  10

static void
write_log(FILE *out, const struct site *site, int64_t seconds, bool is_long)
{
    char time[INSTANT_TEXT_BYTES];

    fputs(is_long ? "time,device,point,value,quality" : "time", out);
    for (uint32_t p = 0; !is_long && p < site->point_count; p++) {
        fprintf(out, ",%s.%s", site->devices[site->points[p].device].id,
                site->points[p].id);
    }
    fputc('\n', out);
    for (int64_t s = 0; s < seconds; s++) {
        instant_format_utc(time, INT64_C(1772360070000) + s * 1000);
        if (!is_long) {
            fputs(time, out);
        }
        for (uint32_t p = 0; p < site->point_count; p++) {
            double value = (double)((s * 7 + p * 13) % 10000) / 100;

            if (is_long) {
                fprintf(out, "%s,%s,%s,%g,good\n", time,
                        site->devices[site->points[p].device].id, site->points[p].id,
                        value);
            } else {
                fprintf(out, ",%g", value);
            }
        }
        if (!is_long) {
            fputc('\n', out);
        }
    }
}

static uint64_t
read_log(const char *path, const struct site *site)
{
    struct log_reader *r;
    struct err err;
    uint64_t samples = 0;
    const struct frame *f;

    if (log_reader_open(&r, site, NULL, &path, 1, NULL, NULL, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    while ((f = log_reader_next(r)) != NULL) {
        samples += f->count;
    }
    if (log_reader_bad(r) != 0) {
        fprintf(stderr, "%" PRIu64 " bad rows\n", log_reader_bad(r));
        exit(1);
    }
    log_reader_close(r);
    return samples;
}

int
main(int argc, char **argv)
{
    int64_t seconds = (argc > 1 ? atoi(argv[1]) : 100) * 60;
    struct site *site = log_site_new(DEVICES, POINTS - 1);

    instant_zone_set("UTC");
    for (int form = 0; form < 2; form++) {
        char path[] = "/tmp/bench-log-XXXXXX";
        FILE *out = fdopen(mkstemp(path), "w");
        uint64_t samples = 0;
        int64_t best_us = INT64_MAX;

        write_log(out, site, seconds, form == 0);
        if (fclose(out) != 0) {
            perror(path);
            return 1;
        }
        for (int i = 0; i < 3; i++) {
            int64_t start_us = clock_mono_us(), took_us;

            samples = read_log(path, site);
            took_us = clock_mono_us() - start_us;
            best_us = took_us < best_us ? took_us : best_us;
        }
        unlink(path);
        printf("log_reader %s: %" PRIu64 " samples, %.2f million a second\n",
               form == 0 ? "long" : "wide", samples, (double)samples / (double)best_us);
    }
    site_free(site);
    return 0;
}
