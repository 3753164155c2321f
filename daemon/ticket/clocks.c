#include "daemon/ticket/clocks.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/ticket/dispatch.h"
#include "daemon/ticket/plan_due.h"

/* Near-breach: so much of the time is gone. */
#define WARN_OF(ms_) ((ms_)*4 / 5)

struct calendar
clocks_calendar(const struct site *site, const struct ticket *row)
{
    const struct team *team = NULL;
    if (row->priority == SEVERITY_NORMAL) {
        team = dispatch_team_of(site, row->team);
    }
    bool all = team == NULL || (team->hours_count == 0 && !team->has_quiet);
    return (struct calendar){site, all ? NULL : team};
}

static bool
in_work(const struct ticket *row)
{
    return row->state != TICKET_RESOLVED && row->state != TICKET_CLOSED;
}

static bool
awaits_response(const struct ticket *row)
{
    return in_work(row) && row->responded_ms == INSTANT_NONE;
}

static int64_t
later(int64_t a_ms, int64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

static int64_t
respond_promise(const struct site *site, const struct ticket *row)
{
    uint32_t rule = row->rule != NULL ? site_rule(site, row->rule) : NONE_INDEX;
    int64_t own_ms = rule != NONE_INDEX ? site->rules[rule].respond_within_ms : 0;
    return own_ms > 0 ? own_ms : site->promises[row->priority].respond_ms;
}

/* A deadline that is not yet there, and its warning, which is not before t_ms. */
static void
set_respond(const struct calendar *c, struct ticket *row, int64_t by_ms, int64_t t_ms)
{
    int64_t whole_ms = calendar_between(c, row->respond_from_ms, by_ms);
    row->respond_by_ms = by_ms;
    row->respond_warn_ms =
        later(calendar_add(c, row->respond_from_ms, WARN_OF(whole_ms)), t_ms);
    row->respond_warned = false;
    row->respond_breached = false;
}

static void
set_resolve(const struct calendar *c, struct ticket *row, int64_t by_ms, int64_t t_ms)
{
    int64_t whole_ms = calendar_between(c, row->resolve_from_ms, by_ms);
    row->resolve_by_ms = by_ms;
    row->resolve_warn_ms =
        later(calendar_add(c, row->resolve_from_ms, WARN_OF(whole_ms)), t_ms);
    row->resolve_warned = false;
    row->resolve_breached = false;
}

/* The end of the day of a planned visit, and its grace. */
static int64_t
visit_end(const struct site *site, const struct ticket *row)
{
    int32_t grace_days = 0;
    for (uint32_t i = 0; i < site->plan_count; i++) {
        if (strcmp(site->plans[i].id, row->plan) == 0) {
            grace_days = plan_grace_days(&site->plans[i]);
        }
    }
    return civil_instant(civil_day(row->due_ms) + grace_days + 1, 0);
}

static void
plan_escalation(const struct site *site, struct ticket *row, int64_t from_ms)
{
    const struct team *team = dispatch_team_of(site, row->team);
    bool is_visit = row->kind == TICKET_PLANNED;
    row->escalate_ms = INSTANT_NONE;
    if (team == NULL || is_visit || (uint32_t)row->level >= team->escalate_count) {
        return;
    }
    int64_t before_ms = row->level > 0 ? team->escalate[row->level - 1].after_ms : 0;
    int64_t step_ms = team->escalate[row->level].after_ms - before_ms;
    struct calendar c = clocks_calendar(site, row);
    row->escalate_ms = calendar_add(&c, from_ms, step_ms);
}

void
clocks_start(const struct site *site, struct ticket *row, int64_t t_ms)
{
    struct calendar c = clocks_calendar(site, row);
    row->respond_from_ms = t_ms;
    row->resolve_from_ms = t_ms;
    row->assign_ms = INSTANT_NONE;
    row->level = 0;
    if (row->kind == TICKET_PLANNED && row->due_ms != INSTANT_NONE) {
        int64_t end_ms = later(visit_end(site, row), t_ms);
        set_respond(&c, row, end_ms, t_ms);
        set_resolve(&c, row, end_ms, t_ms);
    } else {
        int64_t resolve_ms = site->promises[row->priority].resolve_ms;
        set_respond(&c, row, calendar_add(&c, t_ms, respond_promise(site, row)), t_ms);
        set_resolve(&c, row, calendar_add(&c, t_ms, resolve_ms), t_ms);
    }
    plan_escalation(site, row, t_ms);
}

/* As far from `to_ms` as it is from `from_ms`, on the same side. */
static int64_t
moved(const struct calendar *c, int64_t t_ms, int64_t from_ms, int64_t to_ms)
{
    return t_ms >= from_ms ? calendar_add(c, to_ms, calendar_between(c, from_ms, t_ms))
                           : calendar_sub(c, to_ms, calendar_between(c, t_ms, from_ms));
}

void
clocks_resume(const struct site *site, struct ticket *row, int64_t t_ms)
{
    struct calendar c = clocks_calendar(site, row);
    int64_t since_ms = row->waiting_since_ms;
    assert(since_ms != INSTANT_NONE);
    row->resolve_from_ms = moved(&c, row->resolve_from_ms, since_ms, t_ms);
    row->resolve_warn_ms = moved(&c, row->resolve_warn_ms, since_ms, t_ms);
    row->resolve_by_ms = moved(&c, row->resolve_by_ms, since_ms, t_ms);
    row->waiting_since_ms = INSTANT_NONE;
}

/* The deadlines that the higher priority promises, where they are nearer. */
static void
raise_deadlines(const struct site *site, struct ticket *row, int64_t t_ms)
{
    const struct promise *promise = &site->promises[row->priority];
    struct calendar c = clocks_calendar(site, row);
    int64_t respond_ms = calendar_add(&c, t_ms, promise->respond_ms);
    if (awaits_response(row) && respond_ms < row->respond_by_ms) {
        row->respond_by_ms = respond_ms;
        row->respond_warn_ms = calendar_add(&c, t_ms, WARN_OF(promise->respond_ms));
        row->respond_warned = false;
    }
    /* A clock that stands for a pause is compared where it stands: the pause comes on
     * top of either deadline when it ends. */
    int64_t from_ms = row->state == TICKET_WAITING ? row->waiting_since_ms : t_ms;
    int64_t resolve_ms = calendar_add(&c, from_ms, promise->resolve_ms);
    if (in_work(row) && resolve_ms < row->resolve_by_ms) {
        row->resolve_by_ms = resolve_ms;
        row->resolve_warn_ms = calendar_add(&c, from_ms, WARN_OF(promise->resolve_ms));
        row->resolve_warned = false;
    }
}

/* Those of the lower priority, where they are later and not gone by. */
static void
lower_deadlines(const struct site *site, struct ticket *row, int64_t t_ms)
{
    struct calendar c = clocks_calendar(site, row);
    int64_t promise_ms = site->promises[row->priority].resolve_ms;
    int64_t respond_ms =
        calendar_add(&c, row->respond_from_ms, respond_promise(site, row));
    int64_t resolve_ms = calendar_add(&c, row->resolve_from_ms, promise_ms);
    if (awaits_response(row) && respond_ms > later(row->respond_by_ms, t_ms)) {
        set_respond(&c, row, respond_ms, t_ms);
    }
    int64_t now_ms = row->state == TICKET_WAITING ? row->waiting_since_ms : t_ms;
    if (in_work(row) && resolve_ms > later(row->resolve_by_ms, now_ms)) {
        set_resolve(&c, row, resolve_ms, now_ms);
    }
}

/* What was left until x_ms by the calendar `was` is left by `is`. */
static int64_t
retimed(const struct calendar *was,
        const struct calendar *is,
        int64_t t_ms,
        int64_t x_ms)
{
    return x_ms > t_ms ? calendar_add(is, t_ms, calendar_between(was, t_ms, x_ms))
                       : x_ms;
}

void
clocks_change_priority(const struct site *site,
                       struct ticket *row,
                       int64_t t_ms,
                       enum severity priority)
{
    struct calendar was = clocks_calendar(site, row);
    enum severity before = row->priority;
    row->priority = priority;
    struct calendar is = clocks_calendar(site, row);
    if (row->escalate_ms != INSTANT_NONE) {
        row->escalate_ms = retimed(&was, &is, t_ms, row->escalate_ms);
    }
    if (row->kind == TICKET_PLANNED) {
        return; /* Its day stays. */
    }
    if (priority > before) {
        raise_deadlines(site, row, t_ms);
    } else if (priority < before) {
        lower_deadlines(site, row, t_ms);
    }
}

void
clocks_change_team(const struct site *site,
                   struct ticket *row,
                   int64_t t_ms,
                   const char *team)
{
    struct calendar was = clocks_calendar(site, row);
    utf8_copy(row->team, sizeof row->team, team);
    struct calendar is = clocks_calendar(site, row);
    row->assign_ms = INSTANT_NONE;
    if (row->kind != TICKET_PLANNED) {
        int64_t stands_ms = row->state == TICKET_WAITING ? row->waiting_since_ms : t_ms;
        row->respond_warn_ms = retimed(&was, &is, t_ms, row->respond_warn_ms);
        row->respond_by_ms = retimed(&was, &is, t_ms, row->respond_by_ms);
        row->resolve_warn_ms = retimed(&was, &is, stands_ms, row->resolve_warn_ms);
        row->resolve_by_ms = retimed(&was, &is, stands_ms, row->resolve_by_ms);
    }
    row->level = 0;
    plan_escalation(site, row, t_ms);
}

void
clocks_escalated(const struct site *site, struct ticket *row)
{
    int64_t t_ms = row->escalate_ms;
    row->level++;
    plan_escalation(site, row, t_ms);
}
