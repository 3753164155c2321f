/* The ledger as a CSV file (RFC 4180, UTF-8) for spreadsheets, and back.  Pure.
 *
 * The first line names the columns: id,name,type,location, then the fields of the
 * ledger.  A cell is one line of text.  A spreadsheet takes a cell that begins with = +
 * - @ (or their full-width forms) for a formula, so such a cell is written with an
 * apostrophe before it; reading takes the apostrophe away. */
#ifndef CARETAKER_PIPELINE_LEDGER_CSV_H
#define CARETAKER_PIPELINE_LEDGER_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/ledger.h"

/* What the ledger holds now. */
struct ledger_line {
    const char *id, *name, *type, *location;
    const char *values[LEDGER_KEY_COUNT]; /* "": nothing. */
};
struct ledger_sheet {
    const struct ledger_line *lines;
    uint32_t count;
};

/* `bom`: with a byte-order mark, by which some spreadsheets know UTF-8.  Lines end in
 * CR LF. */
void ledger_csv_write(struct strbuf *out, const struct ledger_sheet *sheet, bool bom);

/* What a file would change. */
struct ledger_edit {
    const struct ledger_line *line;
    enum ledger_key key;
    const char *after;
};
struct ledger_edits {
    struct ledger_edit *items;
    uint32_t count;
    uint32_t rows;    /* Of equipment in the file. */
    uint32_t devices; /* How many of them change. */
};

/* A column under another heading: `key` is "id" or a field. */
struct ledger_column {
    const char *key, *heading;
};

/* Reads the file at `path` ("-": standard input).  Columns that are not there leave
 * their fields alone; an empty cell empties its field; name, type and location are only
 * compared, and differences warned of.  With `columns` headings that nobody named are
 * left out; without, they are errors.  Everything wrong is in `diags`, with line and
 * column: then ERR_CONFIG, and nothing is to be changed.  `out` lives in `arena`. */
int ledger_csv_read(struct ledger_edits *out,
                    struct arena *arena,
                    const struct ledger_sheet *sheet,
                    const char *path,
                    const struct ledger_column *columns,
                    uint32_t column_count,
                    struct diags *diags,
                    struct err *err);

#endif
