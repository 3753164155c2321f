/* Any bytes where a database holds JSON (somebody wrote in it by hand): a pack is made
 * of it in all its forms, and its JSON is JSON. */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/evidence/evidence.h"
#include "daemon/store/state_evidence.h"
#include "tests/fake/log_site.h"

#define T0 INT64_C(1772323200000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct site *site;
static struct state *store;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char dir[] = "/tmp/caretaker-fuzz-XXXXXX";
    struct err err;
    (void)argc;
    (void)argv;
    assert(mkdtemp(dir) != NULL);
    site = log_site_new(2, 3);
    site->data_dir = dir;
    for (uint32_t i = 0; i < site->device_count; i++) {
        site->devices[i].parent = NONE_INDEX;
    }
    assert(state_open(&store, dir, STORE_WRITE, &err) == 0);
    /* The files live until the database is closed, and nobody has to take them away. */
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert(system(command) == 0);
    const struct ticket t = {.number = 1,
                             .device = "d0",
                             .rule = "hot",
                             .opened_ms = T0,
                             .responded_ms = INSTANT_NONE,
                             .resolved_ms = INSTANT_NONE,
                             .closed_ms = INSTANT_NONE,
                             .title = "hot"};
    assert(state_put_ticket(store, &t, &err) == 0);
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct evidence *e = NULL;
    struct strbuf out = {0};
    char *text = malloc(size + 1);
    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    const struct evidence_row row = {.ticket = 1,
                                     .t_ms = T0,
                                     .rule = text,
                                     .version = text,
                                     .facts = text,
                                     .device = text,
                                     .bus = text};
    assert(state_put_evidence(store, &row, &err) == 0);
    assert(evidence_load(&e, site, store, 1, T0 + 3600000, text, &err) == 0);
    evidence_page(&out, e);
    evidence_print(&out, e);
    strbuf_clear(&out);
    evidence_json(&out, e);
    json_t *root = json_loads(strbuf_text(&out), JSON_REJECT_DUPLICATES, NULL);
    assert(root != NULL);
    json_decref(root);
    strbuf_fini(&out);
    evidence_free(e);
    free(text);
    return 0;
}
