/* state.db as the rows that daemon/ticket/figures.h works on. */
#ifndef CARETAKER_PIPELINE_REPORT_ROWS_H
#define CARETAKER_PIPELINE_REPORT_ROWS_H

#include "daemon/base/err.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/rows/report_names.h"
#include "daemon/store/state.h"
#include "daemon/ticket/figures.h"

/* Which equipment; NULL: any. */
struct report_filter {
    const char *type, *area, *device;
};

struct report_rows {
    const struct site *site;
    struct report_filter filter;
    struct figures_device *devices;
    uint32_t *site_devices; /* By device: its index in the site. */
    uint32_t device_count;
    struct report_names types, rules, categories, people, teams, causes, plans;
    struct figures_span *spans;
    size_t span_count, span_room;
    struct figures_ticket *tickets; /* In order of number. */
    int64_t *numbers;               /* Theirs. */
    size_t ticket_count, ticket_room;
    struct figures_overdue *overdue;
    size_t overdue_count, overdue_room;
    int64_t first_ms, last_ms; /* What was recorded; INSTANT_NONE: nothing. */
};

/* Where the device stands: ledger.area, else its location, else "". */
const char *report_area(const struct device *d);

/* Everything that bears on [from_ms, to_ms).  Tickets of devices that the filter leaves
 * out are left out; without a filter those of no device, or of one that the site no
 * longer has, are there with device FIGURES_NONE.  Returns owned contents. */
int report_rows_read(struct report_rows *out,
                     struct state *state,
                     const struct site *site,
                     const struct report_filter *filter,
                     int64_t from_ms,
                     int64_t to_ms,
                     struct err *err);
void report_rows_fini(struct report_rows *r);

/* The figures of one period of what was read.  `part_ends` as figures_input has it. */
int report_rows_figures(const struct report_rows *r,
                        int64_t from_ms,
                        int64_t to_ms,
                        const int64_t *part_ends,
                        uint32_t part_count,
                        struct figures *out,
                        struct err *err);

#endif
