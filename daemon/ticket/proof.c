#include "daemon/ticket/proof.h"

#include "daemon/base/instant.h"

static int64_t
later(int64_t a_ms, int64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

/* From when on the repair is put to the test.  INSTANT_NONE is the least of all. */
static int64_t
repaired_at(const struct ticket_entry *e)
{
    return later(e->row.resolved_ms, e->row.cleared_ms);
}

/* Its condition is over, but an alarm only clears while its `while` is true: a pump
 * that was stopped for the repair must be started first.  Of a group another alarm may
 * be the one that stands. */
static bool
stands_for_want_of_running(const struct ticket_entry *e, const struct rule_spec *rule)
{
    return rule->group == NULL && e->watched && e->watch.clear &&
           (!e->watch.while_now || e->row.proof == PROOF_NOT_RUNNING);
}

static enum proof
proof_of(const struct ticket_entry *e, const struct rule_spec *rule)
{
    if (e->raised) {
        return stands_for_want_of_running(e, rule) ? PROOF_NOT_RUNNING : PROOF_STANDS;
    }
    if (!e->watched) {
        return e->row.proof;
    }
    if (!e->watch.clear) {
        return e->watch.stands ? PROOF_STANDS : PROOF_NOT_GOOD;
    }
    if (!e->watch.while_now && e->watch.while_last_ms < repaired_at(e)) {
        return PROOF_NOT_RUNNING;
    }
    return PROOF_WATCHING;
}

bool
proof_judge(struct tickets *t, struct ticket_entry *e, int64_t t_ms)
{
    const struct rule_spec *rule = life_rule(t, e);
    e->verify_ms = INSTANT_MAX;
    e->proof_ms = INSTANT_MAX;
    if (e->row.state != TICKET_RESOLVED || rule == NULL) {
        return false;
    }
    enum proof proof = proof_of(e, rule);
    if (proof == PROOF_WATCHING && e->watched) {
        int64_t start_ms = later(repaired_at(e), e->watch.clear_since_ms);
        e->verify_ms = later(start_ms + rule->verify_for_ms, t_ms);
    }
    if (t_ms == INSTANT_NONE || proof == e->row.proof) {
        return false;
    }
    bool worse = proof == PROOF_STANDS || proof == PROOF_NOT_GOOD;
    bool was_bad = e->row.proof == PROOF_STANDS || e->row.proof == PROOF_NOT_GOOD;
    int64_t clear_ms = e->watch.clear_since_ms;
    if (was_bad && !worse && clear_ms > repaired_at(e) &&
        t_ms < clear_ms + PROOF_SETTLE_MS) {
        e->proof_ms = clear_ms + PROOF_SETTLE_MS;
        return false;
    }
    e->row.proof = proof;
    return true;
}

void
proof_tell(struct tickets *t, struct ticket_entry *e, int64_t t_ms)
{
    struct event event = {
        .t_ms = t_ms, .kind = EVENT_TICKET_WATCHED, .proof = e->row.proof};
    life_tell(t, e, &event);
}

void
proof_forget(struct ticket_entry *e)
{
    e->watched = false;
    e->verify_ms = INSTANT_MAX;
    e->proof_ms = INSTANT_MAX;
    e->row.proof = PROOF_NONE;
}
