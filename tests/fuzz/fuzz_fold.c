/* Any bytes as what an event means for the row of a ticket: they are taken or refused,
 * and a row that was taken is written so that it reads back the same.  A first line is
 * the event's own JSON. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ticket/fold.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_reads_back(const struct fold *f)
{
    struct strbuf text = {0};
    struct strbuf again = {0};
    struct fold other;
    struct err err;
    fold_row_to_json(&text, &f->row);
    fold_init(&other);
    if (f->row.number != 0) { /* A whole row. */
        assert(fold_event(&other, 1, "ticket.opened", "{}", strbuf_text(&text), &err) ==
               0);
        fold_row_to_json(&again, &other.row);
        assert(strcmp(strbuf_text(&text), strbuf_text(&again)) == 0);
        strbuf_clear(&again);
        assert(!fold_patch(&again, &other, &f->row));
    }
    strbuf_fini(&text);
    strbuf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"ticket.opened", "clock.stepped"};
    char *json = malloc(size + 1);
    assert(json != NULL);
    memcpy(json, data, size);
    json[size] = '\0';
    char *more = strchr(json, '\n');
    if (more != NULL) {
        *more++ = '\0';
        for (int i = 0; i < 2; i++) {
            struct fold f;
            struct err err = {0};
            fold_init(&f);
            if (fold_event(&f, 1, names[i], json, more, &err) == 0) {
                check_reads_back(&f);
            } else {
                assert(err.code == ERR_IO && err.text[0] != '\0');
            }
        }
    }
    free(json);
    return 0;
}
