/* Inside of config/: the parts of the loader of SIM.yaml. */
#ifndef CARETAKER_CONFIG_SIM_H
#define CARETAKER_CONFIG_SIM_H

#include "config/field.h"
#include "daemon/model/sim.h"

#define SIM_MS_MAX (100 * MS_YEAR)

extern const struct shape sim_points_shape, sim_faults_shape, sim_windows_shape;

/* ---- sim_signal.c ---- */

/* A point of a unit, whose `registers` have room for one more: its register and signal,
 * or only the signal of one that a profile brought. */
void sim_point_read(struct reader *r, const struct node *n, struct sim_unit *unit);
struct sim_register *sim_register_add(struct sim_unit *unit, const char *id);

/* ---- sim_fault.c ---- */

void sim_faults_read(struct reader *r, const struct node *list, struct sim_unit *unit);
/* [from, to] since the start; [from] is for ever. */
void sim_window_read(struct reader *r, const struct node *n, struct sim_window *out);
/* One window, or a list of them; none where `n` is NULL. */
void sim_windows_read(struct reader *r, const struct node *n, struct sim_windows *out);

#endif
