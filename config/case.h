/* Inside of config/: the parts of the loader of CASE.yaml. */
#ifndef CARETAKER_CONFIG_CASE_H
#define CARETAKER_CONFIG_CASE_H

#include "config/field.h"
#include "daemon/model/replay_case.h"

/* ---- case_time.c ---- */

extern const struct shape case_time_shape;

/* A time of the first day, an age or an instant; reported with `name` when it is none.
 */
bool case_time_read(struct reader *r,
                    const struct node *n,
                    const char *name,
                    struct case_time *out);

/* ---- case_work.c ---- */

/* An amount of money, in hundredths. */
bool
case_money_read(struct reader *r, const struct node *n, const char *name, int64_t *out);
extern const struct shape case_parts_shape;
void case_parts_read(struct reader *r, const struct node *list, struct command *out);

#endif
