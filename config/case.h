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

/* ---- case_expect.c ---- */

extern const struct shape case_severity_shape;
/* Of an alarm, or the priority of a ticket: its word, in the tree. */
void case_severity_read(struct reader *r, const struct node *n, const char **out);
/* Those of enum pause, from PAUSE_PARTS on; NULL behind the last. */
extern const char *const case_pause_words[];
extern const struct shape case_expects_shape;
/* One entry of `expect`.  A key that its event never has is reported: what can never
 * come would make a "never" that always holds. */
void case_expect_read(struct reader *r, const struct node *n, struct case_expect *out);

/* ---- case_work.c ---- */

/* An amount of money, in hundredths. */
bool
case_money_read(struct reader *r, const struct node *n, const char *name, int64_t *out);
extern const struct shape case_parts_shape;
void case_parts_read(struct reader *r, const struct node *list, struct command *out);

#endif
