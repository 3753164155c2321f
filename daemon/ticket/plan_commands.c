/* What people, and predictions, do to planned visits. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/plan_due.h"
#include "daemon/ticket/plan_entry.h"

#define NOON (12 * 60) /* Of a visit of which only the day is known. */

static int
find(const struct plans *p,
     const struct command *c,
     struct plan_entry **out,
     struct err *err)
{
    if (c->plan == NULL || c->device == NULL) {
        return err_set(err, ERR_USAGE, "a visit is named by its plan and its device");
    }
    uint32_t plan = site_plan(p->site, c->plan);
    uint32_t device = site_device(p->site, c->device);
    if (plan == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no plan \"%.63s\"", c->plan);
    }
    if (device == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%.63s\"", c->device);
    }
    *out = plan_entry_find(p, plan, device);
    if (*out == NULL) {
        return err_set(err, ERR_NOT_FOUND, "plan \"%.63s\" does not go to %.63s",
                       c->plan, c->device);
    }
    return 0;
}

static int
start(struct plans *p, struct plan_entry *e, const struct command *c, struct err *err)
{
    int32_t today = civil_day(c->t_ms);
    int32_t due = plan_entry_due(e);
    int32_t soon = today + plan_remind_days(e->spec);
    if (e->row.ticket != 0) {
        return err_set(err, ERR_REFUSED, "ticket %" PRId64 " of this visit is open",
                       e->row.ticket);
    }
    plan_entry_open(p, e, c->t_ms, due != DAY_NONE && due < soon ? due : soon, c->by,
                    c->note);
    return 0;
}

/* A visit that nobody wrote down when it was made. */
static int
record(struct plans *p, struct plan_entry *e, const struct command *c, struct err *err)
{
    char text[CIVIL_TEXT_BYTES];
    int32_t today = civil_day(c->t_ms);
    struct plan_row *row = &e->row;
    if (c->day == 0) {
        return err_set(err, ERR_USAGE, "the day of the visit must be said");
    }
    if (row->ticket != 0) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " of this visit is open; resolve it",
                       row->ticket);
    }
    if (c->day > today) {
        return err_set(err, ERR_REFUSED, "%s is not past; today, or a day before it",
                       civil_format(text, c->day));
    }
    if (row->done_day != DAY_NONE && c->day <= row->done_day) {
        return err_set(err, ERR_REFUSED,
                       "a visit of %s is known already; a later day is accepted",
                       civil_format(text, row->done_day));
    }
    row->base_day = e->calendar_day;
    row->done_day = c->day;
    row->done_ms = c->day == today ? c->t_ms : civil_instant(c->day, NOON);
    row->moved_day = DAY_NONE;
    row->use_day = DAY_NONE;
    row->held = false;
    row->before = (struct plan_before){.ticket = 0};
    plan_use_served(&row->use, today - c->day);
    plan_entry_settle(p, e, c->t_ms);
    if (e->resets && c->day == today) {
        p->view.served(p->view.ctx, c->t_ms, e->device);
    }
    struct event event = {
        .t_ms = c->t_ms, .kind = EVENT_PLAN_MOVED, .by = c->by, .note = c->note};
    char note[NOTE_BYTES];
    if (c->note == NULL) {
        (void)snprintf(note, sizeof note, tr_in(p->site->language, "it was done on %s"),
                       civil_format(text, c->day));
        event.note = note;
    }
    plan_entry_tell(p, e, &event, plan_entry_due(e));
    return 0;
}

static void
move(struct plans *p,
     struct plan_entry *e,
     int64_t t_ms,
     int32_t day,
     const char *why,
     const char *by)
{
    struct plan_row *row = &e->row;
    row->moved_day = day;
    if (row->ticket != 0) {
        struct plan_work work = plan_entry_work(e, day);
        work.by = by;
        work.note = why;
        row->overdue = false;
        row->ticket_day = day;
        plan_entry_settle(p, e, t_ms);
        p->view.move(p->view.ctx, t_ms, row->ticket, &work);
    } else {
        plan_entry_settle(p, e, t_ms);
    }
    struct event event = {.t_ms = t_ms,
                          .kind = EVENT_PLAN_MOVED,
                          .ticket = row->ticket,
                          .by = by,
                          .note = why};
    plan_entry_tell(p, e, &event, day);
}

static int
check_not_past(int64_t t_ms, int32_t day, struct err *err)
{
    char text[CIVIL_TEXT_BYTES];
    if (day >= civil_day(t_ms)) {
        return 0;
    }
    return err_set(err, ERR_REFUSED, "%s is past; today, or a day after it",
                   civil_format(text, day));
}

static int
check_earlier(const struct plan_entry *e, int32_t day, struct err *err)
{
    char text[CIVIL_TEXT_BYTES];
    int32_t due = plan_entry_due(e);
    if (due == DAY_NONE || day < due) {
        return 0;
    }
    if (day == due) {
        return err_set(err, ERR_REFUSED, "it is due on %s already",
                       civil_format(text, due));
    }
    return err_set(err, ERR_REFUSED,
                   "it is due on %s, and %s; an earlier day is accepted",
                   civil_format(text, due),
                   e->spec->statutory
                       ? tr("the law demands it: it may be tightened, never postponed")
                       : tr("a prediction only tightens"));
}

/* Up to the visit after it, counted from the planned day: two small steps are no way
 * around that.  One that was overdue for a whole cycle has left the next one out
 * already; what comes then counts from today. */
static int
check_leaves_none_out(const struct plan_entry *e,
                      int64_t t_ms,
                      int32_t day,
                      struct err *err)
{
    char text[CIVIL_TEXT_BYTES];
    int32_t today = civil_day(t_ms);
    int32_t planned = plan_entry_due(e);
    int32_t cycle = plan_cycle_days(e->spec);
    if (e->calendar_day != DAY_NONE && e->calendar_day < planned) {
        planned = e->calendar_day;
    }
    if (planned == DAY_NONE || cycle == 0) {
        return 0;
    }
    int32_t last = (planned > today ? planned : today) + cycle;
    return day < last
               ? 0
               : err_set(err, ERR_REFUSED,
                         "that would leave a visit out; a day before %s is accepted",
                         civil_format(text, last));
}

/* As a person wants it: earlier, and where no law stands against it later. */
static int
move_by_hand(struct plans *p,
             struct plan_entry *e,
             const struct command *c,
             struct err *err)
{
    if (c->day == 0) {
        return err_set(err, ERR_USAGE, "the day of the visit must be said");
    }
    int code = check_not_past(c->t_ms, c->day, err);
    if (code == 0 && (e->spec->statutory || c->day == plan_entry_due(e))) {
        code = check_earlier(e, c->day, err);
    }
    if (code == 0) {
        code = check_leaves_none_out(e, c->t_ms, c->day, err);
    }
    if (code == 0) {
        move(p, e, c->t_ms, c->day, c->note, c->by);
    }
    return code;
}

int
plans_tighten(struct plans *p,
              int64_t t_ms,
              uint32_t plan,
              uint32_t device,
              int32_t day,
              const char *why,
              const char *by,
              struct err *err)
{
    struct plan_entry *e = plan_entry_find(p, plan, device);
    if (e == NULL || !p->begun) {
        return err_set(err, ERR_NOT_FOUND, "the plan does not go to this device");
    }
    int code = check_not_past(t_ms, day, err);
    if (code == 0) {
        code = check_earlier(e, day, err);
    }
    if (code == 0) {
        move(p, e, t_ms, day, why, by);
    }
    return code;
}

int
plans_command(struct plans *p,
              const struct command *c,
              int64_t *ticket,
              struct err *err)
{
    struct plan_entry *e = NULL;
    assert(p->begun);
    if (c->by == NULL || c->by[strspn(c->by, " \t\r\n")] == '\0') {
        return err_set(err, ERR_USAGE, "who does it must be said");
    }
    int code = find(p, c, &e, err);
    if (code == 0) {
        code = c->kind == COMMAND_PLAN_START  ? start(p, e, c, err)
               : c->kind == COMMAND_PLAN_DONE ? record(p, e, c, err)
                                              : move_by_hand(p, e, c, err);
    }
    if (code == 0 && ticket != NULL) {
        *ticket = e->row.ticket;
    }
    return code;
}
