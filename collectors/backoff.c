/* When to ask again what did not answer. */
#include "collectors/backoff.h"

#include <assert.h>

void
backoff_init(struct backoff *b, int64_t max_ms)
{
    assert(max_ms >= BACKOFF_FIRST_MS);
    *b = (struct backoff){.max_ms = max_ms};
}

bool
backoff_due(const struct backoff *b, int64_t now_ms)
{
    return b->failures == 0 || now_ms >= b->retry_at_ms;
}

bool
backoff_failed(struct backoff *b, int64_t now_ms)
{
    int64_t pause_ms = BACKOFF_FIRST_MS;

    for (uint32_t i = 0; i < b->failures && pause_ms < b->max_ms; i++) {
        pause_ms *= 2;
    }
    b->retry_at_ms = now_ms + (pause_ms < b->max_ms ? pause_ms : b->max_ms);
    if (b->failures < UINT32_MAX) {
        b->failures++;
    }
    return b->failures == 1;
}

bool
backoff_succeeded(struct backoff *b)
{
    bool had_failed = b->failures != 0;

    b->failures = 0;
    return had_failed;
}
