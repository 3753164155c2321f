/* The series of the engine: when they take what they follow, and what of them survives
 * a restart. */
#ifndef CARETAKER_RULES_PAST_H
#define CARETAKER_RULES_PAST_H

#include "rules/engine.h"

/* Series i takes what its condition or value is at t. */
void past_take(struct rules *r, uint32_t i, int64_t t_ms, bool sampled);
/* When what it follows is to be looked at by itself, later than `after_ms`. */
int64_t past_due(const struct rules *r, uint32_t i, int64_t after_ms);
void past_arm(struct rules *r, uint32_t i, int64_t t_ms);

#endif
