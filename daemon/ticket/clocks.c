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

/* NULL: none of the site's. */
static const struct plan_spec *
plan_of(const struct site *site, const struct ticket *row)
{
    const struct plan_spec *found = NULL;
    for (uint32_t i = 0; i < site->plan_count; i++) {
        if (strcmp(site->plans[i].id, row->plan) == 0) {
            found = &site->plans[i];
        }
    }
    return found;
}

/* The end of the day of a planned visit, and its grace.  A follow-up visit opens in the
 * course of its day, maybe in the evening: the next day is its grace. */
static int64_t
visit_end(const struct site *site, const struct ticket *row)
{
    const struct plan_spec *plan = plan_of(site, row);
    bool follows_up = strcmp(row->plan, PLAN_FOLLOW_UP) == 0;
    int32_t grace_days = plan != NULL ? plan_grace_days(plan) : follows_up;
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

/* What is to come at x_ms after as much working time as was left of it; what is over,
 * or has no working time left, moves along. */
static int64_t
stepped(const struct calendar *c, int64_t x_ms, int64_t now_ms, int64_t step_ms)
{
    int64_t left_ms = calendar_between(c, now_ms, x_ms);
    return left_ms > 0 ? calendar_add(c, now_ms + step_ms, left_ms) : x_ms + step_ms;
}

/* The day of a visit is one of the calendar, or as many days from now as it was; its
 * deadlines stay at the end of it. */
static void
step_visit(const struct site *site, struct ticket *row, int64_t now_ms, int64_t step_ms)
{
    const struct plan_spec *plan = plan_of(site, row);
    int32_t days = plan != NULL ? plan_step_days(plan, step_ms) : 0;
    int64_t end_ms = visit_end(site, row);
    if (days != 0) {
        row->due_ms = civil_instant(civil_day(row->due_ms) + days, 0);
    }
    int64_t by_ms = visit_end(site, row) - end_ms;
    int64_t *const ends[] = {&row->respond_warn_ms, &row->respond_by_ms,
                             &row->resolve_warn_ms, &row->resolve_by_ms};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        bool ahead = *ends[i] > now_ms;
        *ends[i] += by_ms;
        *ends[i] = ahead ? later(*ends[i], now_ms + step_ms) : *ends[i];
    }
    row->respond_from_ms += step_ms;
    row->resolve_from_ms += step_ms;
}

void
clocks_step(const struct site *site,
            struct ticket *row,
            int64_t now_ms,
            int64_t step_ms)
{
    bool visit = row->kind == TICKET_PLANNED && row->due_ms != INSTANT_NONE;
    struct calendar c = clocks_calendar(site, row);
    const struct calendar all = {site, NULL};
    if (!in_work(row)) {
        c = all; /* Its clocks are history. */
    }
    if (row->assign_ms != INSTANT_NONE) {
        row->assign_ms = row->assign_ms > now_ms ? calendar_next(&c, now_ms + step_ms)
                                                 : row->assign_ms + step_ms;
    }
    if (row->escalate_ms != INSTANT_NONE) {
        row->escalate_ms = stepped(&c, row->escalate_ms, now_ms, step_ms);
    }
    if (visit && in_work(row)) {
        step_visit(site, row, now_ms, step_ms);
        return;
    }
    const struct calendar *respond = awaits_response(row) ? &c : &all;
    row->respond_warn_ms = stepped(respond, row->respond_warn_ms, now_ms, step_ms);
    row->respond_by_ms = stepped(respond, row->respond_by_ms, now_ms, step_ms);
    row->respond_from_ms =
        moved(respond, row->respond_from_ms, now_ms, now_ms + step_ms);
    int64_t stands_ms = row->state == TICKET_WAITING ? row->waiting_since_ms : now_ms;
    row->resolve_warn_ms = stepped(&c, row->resolve_warn_ms, stands_ms, step_ms);
    row->resolve_by_ms = stepped(&c, row->resolve_by_ms, stands_ms, step_ms);
    row->resolve_from_ms =
        moved(&c, row->resolve_from_ms, stands_ms, stands_ms + step_ms);
}
