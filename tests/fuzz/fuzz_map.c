/* Any bytes as a map file, and behind a NUL a log that it is used on: a map that is
 * accepted must make frames as everybody downstream expects them, or an error. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collectors/log_reader.h"
#include "config/config.h"
#include "daemon/base/instant.h"
#include "tests/fake/log_site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file of these bytes, and its path; returns the descriptor. */
static int
file_of(char path[64], const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    assert(fd >= 0);
    assert(write(fd, data, size) == (ssize_t)size);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void
read_log(const struct log_map *map, const char *path)
{
    struct site *site = log_site_new(2, 3);
    struct log_reader *r = NULL;
    struct err err = {0};
    const struct frame *f;
    int64_t last_ms = INT64_MIN;

    if (log_reader_open(&r, site, map, &path, 1, NULL, NULL, &err) == 0) {
        while ((f = log_reader_next(r)) != NULL) {
            assert(f->t_ms >= last_ms);
            last_ms = f->t_ms;
            assert(f->count > 0 && f->count <= site->devices[f->device].point_count);
            for (uint32_t i = 0; i < f->count; i++) {
                assert(site->points[f->readings[i].point].device == f->device);
                assert(isfinite(f->readings[i].value));
            }
        }
        log_reader_close(r);
    } else {
        assert(err.text[0] != '\0');
    }
    site_free(site);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t map_size = nul != NULL ? (size_t)(nul - data) : size;
    char map_path[64], log_path[64];
    int map_fd = file_of(map_path, data, map_size);
    int log_fd = nul != NULL ? file_of(log_path, nul + 1, size - map_size - 1) : -1;
    struct log_map *map;
    struct diags d;

    instant_zone_set("UTC");
    diags_init(&d);
    map = config_load_map(map_path, &d);
    assert((map == NULL) == (d.errors > 0));
    if (map != NULL && log_fd >= 0) {
        read_log(map, log_path);
    }
    log_map_free(map);
    diags_fini(&d);
    close(map_fd);
    if (log_fd >= 0) {
        close(log_fd);
    }
    return 0;
}
