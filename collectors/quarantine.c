/* How much of a bus the tries of silent devices may cost. */
#include "collectors/quarantine.h"

#include <assert.h>

void
probe_budget_init(struct probe_budget *b, double share_percent, int64_t now_us)
{
    assert(share_percent > 0.0);
    *b = (struct probe_budget){.share = share_percent / 100.0, .free_us = now_us};
}

bool
probe_budget_allows(const struct probe_budget *b, int64_t now_us)
{
    return now_us >= b->free_us;
}

int64_t
probe_budget_credit(const struct probe_budget *b)
{
    return b->free_us - PROBE_CREDIT_US;
}

void
probe_budget_spend(struct probe_budget *b, int64_t began_us, int64_t took_us)
{
    int64_t from_us = b->free_us > began_us ? b->free_us : began_us;
    int64_t cost_us = (int64_t)((double)took_us / b->share);
    int64_t latest_us = began_us + took_us + PROBE_CREDIT_US + cost_us;

    /* A night of probes that cost nobody anything is no debt of the morning. */
    b->free_us = from_us + cost_us < latest_us ? from_us + cost_us : latest_us;
}
