/* What `caretaker tune` shows. */
#ifndef CARETAKER_CLI_TUNE_PRINT_H
#define CARETAKER_CLI_TUNE_PRINT_H

#include <stdbool.h>

#include "daemon/pipeline/tuning/tune.h"

void tune_print_json(const struct tune *t);
/* A table of the settings that no other beats, or of `all`; returns an exit status. */
int tune_print_text(const struct tune *t, bool all);
/* On standard error: what was left out, and what is doubtful. */
void tune_print_warnings(const struct tune *t);

#endif
