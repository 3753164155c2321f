/* Which rule goes to which device, and the program that judges it there.
 *
 * A rule compiled for two devices gives the same program unless their points differ in
 * kind or unit; such programs are shared, and each instance brings its own slots. */
#ifndef CARETAKER_RULES_BINDING_H
#define CARETAKER_RULES_BINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/diag.h"
#include "daemon/model/site.h"
#include "rules/expression.h"
#include "rules/program.h"

#define INSTANCES_MAX 2000000 /* Some 200 MB; a larger site is a mistake. */

struct level_code {
    struct span when;
    struct span clear; /* Count 0: not when. */
    struct span value; /* Count 0: no value goes with its edges. */
};

struct code {
    const struct op *ops;
    const double *constants;
    const uint8_t *slot_kinds; /* enum slot_kind */
    const struct value_watch *watches;
    uint32_t op_count, constant_count;
    uint16_t slot_count, watch_count;
    struct span while_; /* Count 0: always judged. */
    uint32_t level_count;
    const struct level_code *levels;
    struct code *next; /* The same rule on other devices. */
};

struct bound {
    uint32_t device, rule;
    uint32_t first_slot; /* Into binding.slots. */
    const struct code *code;
};

struct binding {
    struct bound *items; /* By device, then rule. */
    uint32_t count;
    uint32_t *slots;
    uint32_t slot_count;
    struct series_book series; /* Those that the instances read. */
};

/* Binds every enabled rule; programs are in `arena`.  Errors and warnings go to
 * `diags`.  binding_fini() frees the tables. */
void binding_init(struct binding *b,
                  struct arena *arena,
                  const struct site *site,
                  struct diags *diags);
void binding_fini(struct binding *b);

#endif
