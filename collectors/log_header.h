/* The first line of a log: which column means what.  A log of JSON lines has none: each
 * line names its values as the long form names its columns. */
#ifndef CARETAKER_COLLECTORS_LOG_HEADER_H
#define CARETAKER_COLLECTORS_LOG_HEADER_H

#include <stdbool.h>

#include "collectors/log_lines.h"
#include "collectors/log_names.h"
#include "daemon/model/replay_case.h"

struct log_column {
    uint32_t cell;
    uint32_t device;
    uint32_t point;
};

struct log_header {
    const char *path; /* Borrowed; for messages. */
    bool is_long;
    bool is_json; /* The long form as JSON lines; cells as enum log_json_cell. */
    char separator;
    uint32_t cell_count;
    struct log_cell *cells; /* cell_count + 1, for rows: a cell too many is noticed. */
    uint32_t time;          /* Cell, as the next ones in long form. */
    uint32_t device, point, value;
    uint32_t quality, detail, clock; /* NONE_INDEX: there is no such column. */
    /* Wide form and mapped files: a device's columns stand together, devices in the
     * order in which the header names them first. */
    struct log_column *columns;
    uint32_t column_count;
};

/* Reads `line` (which it cuts).  `mapped[i]` is set for each column of the map that is
 * there.  Errors have "path:line:column: " before them. */
int log_header_parse(struct log_header *out,
                     const char *path,
                     char *line,
                     const struct site *site,
                     struct log_names *names,
                     const struct log_map *map,
                     bool *mapped,
                     struct err *err);
/* Of a log of JSON lines. */
int log_header_json(struct log_header *out, const char *path, struct err *err);
void log_header_fini(struct log_header *h);

#endif
