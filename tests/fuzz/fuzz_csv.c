/* Any bytes as a log: the first one chooses between our own forms and a map, the rest
 * is the file.  Whatever comes out must be frames as everybody downstream expects them.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collectors/log_reader.h"
#include "daemon/base/instant.h"
#include "tests/fake/log_site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_frame(const struct site *site, const struct frame *f)
{
    assert(f->device < site->device_count);
    assert(f->count > 0);
    assert(f->count <= site->devices[f->device].point_count);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];

        assert(r->point < site->point_count);
        assert(site->points[r->point].device == f->device);
        assert(i == 0 || r->point > r[-1].point);
        assert(r->quality < QUALITY_COUNT);
        assert(isfinite(r->value));
    }
}

static void
check_bad(void *ctx, const struct loc *loc, const char *text)
{
    uint64_t *told = ctx;

    assert(loc->file != NULL);
    assert(text[0] != '\0');
    (*told)++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct log_map_column columns[] = {{"Temp", "d0", "p0000"},
                                                    {"On", "d1", "running"}};
    static const struct log_map maps[] = {
        {.time_column = "when",
         .time_format = "%d.%m.%Y %H:%M:%S",
         .timezone = "Asia/Shanghai",
         .columns = columns,
         .column_count = 2},
        {.time_column = "when",
         .timezone = "UTC",
         .columns = columns,
         .column_count = 2},
    };
    struct site *site;
    struct log_reader *r = NULL;
    struct err err = {0};
    char path[64];
    const char *paths[] = {path};
    uint64_t told = 0;
    int fd;

    if (size == 0) {
        return 0;
    }
    instant_zone_set("UTC");
    fd = memfd_create("log", MFD_CLOEXEC);
    assert(fd >= 0);
    assert(write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    site = log_site_new(2, 3);
    if (log_reader_open(&r, site, data[0] % 3 == 0 ? NULL : &maps[data[0] % 3 - 1],
                        paths, 1, check_bad, &told, &err) == 0) {
        int64_t last_ms = INT64_MIN;
        const struct frame *f;

        while ((f = log_reader_next(r)) != NULL) {
            check_frame(site, f);
            assert(f->t_ms >= last_ms);
            last_ms = f->t_ms;
        }
        assert(told == log_reader_bad(r));
        assert(log_reader_bad(r) <= log_reader_rows(r));
        log_reader_close(r);
    } else {
        assert(err.text[0] != '\0');
    }
    site_free(site);
    close(fd);
    return 0;
}
