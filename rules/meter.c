#include "rules/meter.h"

#include <math.h>

#include "daemon/base/instant.h"
#include "rules/rules.h"

struct meter
meter_new(void)
{
    return (struct meter){
        .last_ms = INSTANT_NONE, .since_ms = INSTANT_NONE, .early_ms = INSTANT_NONE};
}

int64_t
memory_patience(int64_t patience_ms, bool resumed)
{
    bool longer = resumed && patience_ms < RULES_RESTART_GAP_MS;
    return longer ? RULES_RESTART_GAP_MS : patience_ms;
}

static bool
is_lost(const struct meter *m, int64_t t_ms, int64_t patience_ms)
{
    return m->last_ms == INSTANT_NONE ||
           t_ms - m->last_ms > memory_patience(patience_ms, m->resumed);
}

void
meter_set(struct meter *m, int64_t t_ms, double value, int64_t patience_ms)
{
    bool first = m->last_ms == INSTANT_NONE;
    bool lost = is_lost(m, t_ms, patience_ms);
    if (!lost && m->value != 0) {
        m->true_ms += t_ms - m->last_ms;
    }
    if (lost || value != m->value) {
        m->since_ms = t_ms;
        m->changed = !lost;
    }
    if (first || (!lost && value != m->value)) {
        m->early_ms = t_ms;
    } else if (value != m->value) {
        m->early_ms = m->last_ms; /* Somewhere in the gap. */
    }
    if (!first && m->value == 0 && value != 0) {
        m->starts++;
    }
    m->value = value;
    m->last_ms = t_ms;
    m->resumed = false;
}

bool
meter_held(const struct meter *m,
           int64_t t_ms,
           int64_t patience_ms,
           int64_t *low_ms,
           int64_t *high_ms)
{
    *low_ms = *high_ms = 0;
    if (is_lost(m, t_ms, patience_ms)) {
        return false;
    }
    if (m->value != 0) {
        *low_ms = t_ms - m->since_ms;
        *high_ms = t_ms - m->early_ms;
    }
    return true;
}

int64_t
meter_true(const struct meter *m, int64_t t_ms, int64_t patience_ms)
{
    bool open = m->value != 0 && !is_lost(m, t_ms, patience_ms);
    return m->true_ms + (open ? t_ms - m->last_ms : 0);
}

double
meter_stuck(const struct meter *m, int64_t t_ms, int64_t width_ms, int64_t patience_ms)
{
    if (is_lost(m, t_ms, patience_ms)) {
        return (double)NAN;
    }
    if (t_ms - m->since_ms >= width_ms) {
        return 1;
    }
    return m->changed ? 0 : (double)NAN;
}

void
meter_service(struct meter *m, int64_t t_ms, int64_t patience_ms)
{
    m->service_ms = meter_true(m, t_ms, patience_ms);
    m->service_starts = m->starts;
}

void
meter_shift(struct meter *m, int64_t delta_ms)
{
    if (m->last_ms != INSTANT_NONE) {
        m->last_ms += delta_ms;
        m->since_ms += delta_ms;
        m->early_ms += delta_ms;
    }
}
