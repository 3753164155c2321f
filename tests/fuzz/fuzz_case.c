/* Any bytes as what stands in a case behind its title and its site: commands, inline
 * samples and expectations, which are run if they can be read.  Files that a case names
 * are not tried: they would be whatever this machine has. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/pipeline/replay/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char SITE[] =
    "site: {id: a, timezone: UTC}\n"
    "data: none\n"
    "people: [{id: ana, name: Ana, role: technician}]\n"
    "devices:\n"
    "  - {id: lift-1, stale_after: 10m, points: {fault: {type: bool}, temp: {}}}\n"
    "rules:\n"
    "  - {id: fault, when: fault, severity: urgent, cause: a, consequence: b,\n"
    "     action: c}\n"
    "  - {id: hot, when: temp > 5, hold: 30s, severity: normal, cause: a,\n"
    "     consequence: b, action: c}\n";

static int
file_of(char path[64], const char *head, const void *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    assert(fd >= 0);
    assert(dprintf(fd, "%s", head) >= 0);
    assert(write(fd, data, size) == (ssize_t)size);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static bool
names_a_file(const uint8_t *data, size_t size)
{
    static const char *const words[] = {"log", "map", "site", "include", "\\", "!"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (memmem(data, size, words[i], strlen(words[i])) != NULL) {
            return true;
        }
    }
    return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char site_path[64], case_path[64], head[128];
    char *said = NULL;
    size_t said_size = 0;
    bool passed = false;
    struct diags d;
    struct err err = {0};

    if (size == 0 || names_a_file(data, size)) {
        return 0;
    }
    int site_fd = file_of(site_path, SITE, "", 0);
    snprintf(head, sizeof head, "case: fuzz\nsite: %s\n", site_path);
    int case_fd = file_of(case_path, head, data, size);
    FILE *out = open_memstream(&said, &said_size);
    assert(out != NULL);
    diags_init(&d);
    if (replay_case_run(case_path, out, &passed, &d, &err) == 0) {
        fflush(out);
        assert(strstr(said, passed ? "ok    " : "FAILED") != NULL);
    } else {
        assert(err.text[0] != '\0');
    }
    diags_fini(&d);
    fclose(out);
    free(said);
    close(site_fd);
    close(case_fd);
    return 0;
}
