/* Any bytes as a log of JSON lines.  Whatever comes out must be frames as everybody
 * downstream expects them. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collectors/log_json.h"
#include "collectors/log_reader.h"
#include "daemon/base/instant.h"
#include "tests/fake/log_site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_frame(const struct site *site, const struct frame *f)
{
    assert(f->device < site->device_count);
    assert(f->count > 0 && f->count <= site->devices[f->device].point_count);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];

        assert(site->points[r->point].device == f->device);
        assert(i == 0 || r->point > r[-1].point);
        assert(r->quality < QUALITY_COUNT);
        assert(isfinite(r->value));
    }
}

static void
count_bad(void *ctx, const struct loc *loc, const char *text)
{
    uint64_t *told = ctx;

    assert(loc->line > 0 && text[0] != '\0');
    (*told)++;
}

/* One line alone: cells end with a NUL inside of it, or are empty. */
static void
check_cut(const uint8_t *data, size_t size)
{
    struct log_cell cells[LOG_JSON_CELLS];
    struct err err = {0};
    uint32_t column = 0;
    char *line = malloc(size + 1);

    assert(line != NULL);
    memcpy(line, data, size);
    line[size] = '\0';
    size = strlen(line);
    if (log_json_cut(cells, line, size, &column, &err) == 0) {
        for (int i = 0; i < LOG_JSON_CELLS; i++) {
            assert(cells[i].text >= line &&
                   cells[i].text + cells[i].size <= line + size);
            assert(strlen(cells[i].text) == cells[i].size);
        }
    } else {
        assert(err.text[0] != '\0');
        assert(column >= 1 && column <= size + 1);
    }
    free(line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct site *site;
    struct log_reader *r = NULL;
    struct err err = {0};
    char path[64];
    const char *paths[] = {path};
    uint64_t told = 0;
    int fd = memfd_create("log", MFD_CLOEXEC);

    check_cut(data, size);
    instant_zone_set("UTC");
    assert(fd >= 0);
    assert(write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    site = log_site_new(2, 3);
    if (log_reader_open(&r, site, NULL, paths, 1, count_bad, &told, &err) == 0) {
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
