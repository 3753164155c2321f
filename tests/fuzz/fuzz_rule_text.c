/* Any bytes as a file of rules: the rules that it holds, written in the fixed form, are
 * read back as the same rules. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/pipeline/rule/rule_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
file_of(char path[40], const void *bytes, size_t size)
{
    int fd = memfd_create("rules", 0);
    assert(fd >= 0);
    assert(write(fd, bytes, size) == (ssize_t)size);
    snprintf(path, 40, "/proc/self/fd/%d", fd);
    return fd;
}

/* Their text; false when the bytes hold no rules. */
static bool
written(struct strbuf *out, const void *bytes, size_t size)
{
    static const char site_text[] =
        "site: {id: s, timezone: UTC}\ndata: data\n"
        "devices:\n"
        "  - {id: pump-1, type: pump, points: {running: {type: bool}, bearing: {}}}\n"
        "procedures:\n"
        "  - {id: bearing, steps: [one]}\n"
        "teams:\n"
        "  - {id: mech, members: []}\n";
    char site_path[40];
    char rules_path[40];
    const char *rules = rules_path;
    struct diags diags;
    int site_fd = file_of(site_path, site_text, sizeof site_text - 1);
    int rules_fd = file_of(rules_path, bytes, size);
    diags_init(&diags);
    struct site *site = config_load_site(site_path, &rules, 1, &diags);
    strbuf_add(out, "rules:\n");
    for (uint32_t i = 0; site != NULL && i < site->rule_count; i++) {
        rule_text_write(out, &site->rules[i]);
    }
    bool any = site != NULL && site->rule_count > 0;
    site_free(site);
    diags_fini(&diags);
    close(site_fd);
    close(rules_fd);
    return any;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf once = {0};
    struct strbuf twice = {0};
    if (written(&once, data, size)) {
        char version[RULE_VERSION_BYTES];
        assert(written(&twice, strbuf_text(&once), once.size));
        assert(strcmp(strbuf_text(&once), strbuf_text(&twice)) == 0);
        assert(strlen(rule_text_version(version, strbuf_text(&once))) ==
               RULE_VERSION_BYTES - 1);
    }
    strbuf_fini(&once);
    strbuf_fini(&twice);
    return 0;
}
