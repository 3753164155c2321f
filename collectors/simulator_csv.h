/* A column of a log for playback: our own forms, long (time,device,point,value) and
 * wide (time, then a column for each), as collectors/log_reader.h knows them, or any
 * file with a header line that has "time" in it. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_CSV_H
#define CARETAKER_COLLECTORS_SIMULATOR_CSV_H

#include <stdbool.h>

#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/model/sim.h"

#define CSV_ROWS_MAX 4000000 /* 60 MB of steps: two months at 1 s. */

struct simulator_csv {
    struct signal_step *steps; /* The file's first row is at 0. */
    uint32_t count;
    int64_t
        length_ms; /* To the end of the last row, taken as long as the one before. */
};

/* Rows without a value, or whose quality is not "good", are passed over.  Errors have
 * the file and its line. */
int simulator_csv_load(struct simulator_csv *out,
                       const char *path,
                       const char *column,
                       struct err *err);
void simulator_csv_fini(struct simulator_csv *c);

/* Reads the logs that a simulation plays back: what is wrong with one is an error where
 * the simulation names it.  False if there was any. */
bool simulator_csv_check(const struct sim *sim, struct diags *diags);

#endif
