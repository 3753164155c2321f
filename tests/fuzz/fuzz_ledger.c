/* Any bytes as a file of the ledger: taken whole or refused with a place; what is taken
 * holds, and when it is written out and read again it changes nothing more. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/pipeline/ledger/ledger_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
read_bytes(struct ledger_edits *out,
           struct arena *arena,
           const struct ledger_sheet *sheet,
           const void *bytes,
           size_t size,
           struct diags *diags)
{
    struct err err = {0};
    char path[40];
    int fd = memfd_create("ledger", 0);
    assert(fd >= 0);
    assert(write(fd, bytes, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int code = ledger_csv_read(out, arena, sheet, path, NULL, 0, diags, &err);
    assert(code == 0 || (code == ERR_CONFIG && diags->errors > 0));
    assert(code == 0 || diags->items[0].line > 0);
    close(fd);
    return code;
}

/* A value is kept in the one form that it is read back in. */
static void
check_edit(const struct ledger_edit *e, const struct ledger_sheet *sheet)
{
    char again[LEDGER_TEXT_BYTES];
    assert(e->line >= sheet->lines && e->line < sheet->lines + sheet->count);
    assert(strcmp(e->after, e->line->values[e->key]) != 0);
    assert(ledger_value_read(again, e->key, e->after, NULL) == 0);
    assert(strcmp(again, e->after) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const ids[] = {"box-1", "pump-1", "pump-2"};
    struct ledger_line lines[ARRAY_LEN(ids)];
    const struct ledger_sheet sheet = {lines, ARRAY_LEN(lines)};
    struct arena *arena = arena_new();
    struct ledger_edits edits = {0};
    struct diags diags;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        lines[i] = (struct ledger_line){ids[i], "=name, \"x\"", "pump", " B1 ", {NULL}};
        for (int k = 0; k < LEDGER_KEY_COUNT; k++) {
            lines[i].values[k] = "";
        }
    }
    lines[1].values[LEDGER_MAKER] = "Grundfos";
    diags_init(&diags);
    if (read_bytes(&edits, arena, &sheet, data, size, &diags) == 0) {
        assert(diags.errors == 0);
        for (uint32_t i = 0; i < edits.count; i++) {
            check_edit(&edits.items[i], &sheet);
        }
        for (uint32_t i = 0; i < edits.count; i++) {
            size_t at = (size_t)(edits.items[i].line - lines);
            lines[at].values[edits.items[i].key] = edits.items[i].after;
        }
        struct strbuf out = {0};
        struct ledger_edits none = {0};
        ledger_csv_write(&out, &sheet, size % 2 != 0);
        assert(read_bytes(&none, arena, &sheet, out.text, out.size, &diags) == 0);
        assert(none.count == 0 && none.rows == sheet.count);
        strbuf_fini(&out);
    }
    diags_fini(&diags);
    arena_free(arena);
    return 0;
}
