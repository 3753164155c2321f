/* Any bytes as a site file: refused or accepted, never a crash or a leak.  The first
 * byte chooses the loader, the rest is the file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/pipeline/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
load(char kind, const char *path, struct diags *d)
{
    switch (kind) {
    case 'c':
        replay_case_free(config_load_case(path, d));
        return;
    case 'm':
        log_map_free(config_load_map(path, d));
        return;
    case 'S':
        sim_free(config_load_sim(path, d));
        return;
    case 'p':
        (void)config_check_profile(path, d);
        return;
    default:
        /* The rules are compiled too, also against what is left of a broken site. */
        site_free(check_site(path, d, NULL));
        return;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[40];
    struct diags d;
    if (size == 0) {
        return 0;
    }
    int fd = memfd_create("fuzz.yaml", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1)) {
        abort();
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    setenv("CARETAKER_SHARE", "config", 1);
    diags_init(&d);
    load((char)data[0], path, &d);
    diags_sort(&d);
    diags_fini(&d);
    close(fd);
    return 0;
}
