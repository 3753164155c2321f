/* What survives a restart. */
#include <assert.h>

#include "daemon/base/instant.h"
#include "rules/engine.h"

/* The level that an upward hold leads to: the one whose hold is over first; of several,
 * the highest. */
static int
pending_target(const struct rules *r, const struct instance *in)
{
    const int64_t *since = instance_since(r, in);
    int target = -1;
    for (int k = in->level + 1; k < (int)in->code->level_count; k++) {
        if (since[k] != INSTANT_NONE && (target < 0 || since[k] <= since[target])) {
            target = k;
        }
    }
    return target;
}

/* The level that a running clear_hold leads down to, as far as it is known now. */
static int
clearing_target(const struct rules *r, const struct instance *in)
{
    const int64_t *since = instance_since(r, in);
    int level = in->level - 1;
    while (level >= 0 && since[level] != INSTANT_NONE &&
           since[level] <= since[in->level]) {
        level--;
    }
    return level;
}

struct rule_state
instance_state(const struct rules *r, const struct instance *in)
{
    const int64_t *since = instance_since(r, in);
    struct rule_state s = {
        .device = in->device,
        .rule = in->rule,
        .phase = in->level >= 0 ? RULE_RAISED : RULE_NORMAL,
        .level = in->level,
        .target_level = -1,
        .since_ms = INSTANT_NONE,
        .clear = in->flags & (INSTANCE_CLEAR | INSTANCE_WAS_CLEAR),
        .clear_since_ms = in->clear_since_ms,
        .while_last_ms = in->while_last_ms,
    };
    int up = pending_target(r, in);
    if (up >= 0) {
        s.phase = RULE_PENDING;
        s.target_level = up;
        s.since_ms = since[up];
    } else if (in->level >= 0 && since[in->level] != INSTANT_NONE) {
        s.phase = RULE_CLEARING;
        s.target_level = clearing_target(r, in);
        s.since_ms = since[in->level];
    }
    return s;
}

void
rules_save(struct rules *r, bool all, rules_state_fn fn, void *ctx)
{
    uint32_t i;
    if (!all) {
        while (marks_take(&r->dirty, &i)) {
            struct rule_state s = instance_state(r, &r->instances[i]);
            fn(ctx, &s);
        }
        return;
    }
    for (i = 0; i < r->instance_count; i++) {
        struct rule_state s = instance_state(r, &r->instances[i]);
        if (s.phase != RULE_NORMAL || r->instances[i].flags & INSTANCE_WATCHED) {
            fn(ctx, &s);
        }
    }
    while (marks_take(&r->dirty, &i)) {
        /* All has been given: nothing is left to give. */
    }
}

/* Puts a hold back on the levels (from, to]; those of no interest stay empty. */
static void
restore_holds(int64_t *since, int from, int to, int64_t since_ms)
{
    for (int k = from + 1; k <= to; k++) {
        since[k] = since_ms;
    }
}

bool
rules_restore(struct rules *r, const struct rule_state *s, int64_t alive_ms)
{
    uint32_t i = engine_find(r, s->device, s->rule);
    if (i == NONE_INDEX) {
        return false;
    }
    struct instance *in = &r->instances[i];
    int top = (int)in->code->level_count - 1;
    int64_t *since = instance_since(r, in);
    r->alive_ms = alive_ms;
    in->level = (int8_t)(s->level > top ? top : s->level);
    in->while_last_ms = s->while_last_ms;
    in->clear_since_ms = s->clear_since_ms;
    in->flags |= INSTANCE_RESUMING;
    if (s->clear) {
        in->flags |= INSTANCE_WAS_CLEAR;
    }
    for (int k = 0; k <= top; k++) {
        since[k] = INSTANT_NONE;
    }
    int target = s->target_level > top ? top : s->target_level;
    if (s->phase == RULE_PENDING) {
        restore_holds(since, in->level, target, s->since_ms);
    } else if (s->phase == RULE_CLEARING) {
        restore_holds(since, target, in->level, s->since_ms);
    }
    return true;
}

void
rules_restore_device(struct rules *r, uint32_t device, enum device_health health)
{
    assert(device < r->site->device_count);
    r->health[device] = (uint8_t)health;
}
