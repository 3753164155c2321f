/* Any bytes as a file of labels: it is read whole or refused with a place, and what is
 * read are windows of the site, joined as promised. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/tuning/tune_labels.h"
#include "tests/fake/log_site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_joined(const struct tune_labels *l, uint32_t device)
{
    struct tune_window *out = malloc(l->count * sizeof *out);
    assert(out != NULL);
    uint32_t count = tune_labels_of(out, l, device);
    assert(count <= l->count);
    for (uint32_t i = 0; i < count; i++) {
        assert(out[i].from_ms <= out[i].to_ms);
        assert(i == 0 || out[i - 1].to_ms < out[i].from_ms);
    }
    free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct site *site = log_site_new(3, 1);
    struct tune_labels labels;
    struct diags diags;
    struct err err = {0};
    char path[40];
    int fd = memfd_create("labels", 0);
    assert(fd >= 0);
    assert(write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    instant_zone_set("UTC");
    diags_init(&diags);
    if (tune_labels_read(&labels, site, path, &diags, &err) == 0) {
        assert(diags.errors == 0);
        assert(labels.count > 0);
        for (uint32_t i = 0; i < labels.count; i++) {
            const struct tune_window *w = &labels.items[i];
            assert(w->from_ms <= w->to_ms);
            assert(w->device == NONE_INDEX || w->device < site->device_count);
        }
        check_joined(&labels, 1);
        tune_labels_fini(&labels);
    } else {
        assert(err.code == ERR_CONFIG);
        assert(diags.errors > 0);
        assert(diags.items[0].line > 0);
    }
    diags_fini(&diags);
    close(fd);
    site_free(site);
    return 0;
}
