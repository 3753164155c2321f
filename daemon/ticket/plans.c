#include "daemon/ticket/plans.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/plan_due.h"
#include "daemon/ticket/plan_entry.h"

#define MORNING_MINUTE (8 * 60)
#define DAY_MS         INT64_C(86400000)
#define SHIFT_MS_MIN   (DAY_MS / 2) /* A smaller step leaves every day as it is. */

static struct plan_entry *
find_by_id(const struct plans *p, const char *plan, const char *device)
{
    uint32_t d = site_device(p->site, device);
    uint32_t i = site_plan(p->site, plan);
    return d != NONE_INDEX && i != NONE_INDEX ? plan_entry_find(p, i, d) : NULL;
}

/* ---- Days and instants ---- */

int
plan_morning(const struct site *site, const struct plan_spec *spec)
{
    for (uint32_t i = 0; i < site->team_count && spec->team != NULL; i++) {
        const struct team *t = &site->teams[i];
        if (strcmp(t->id, spec->team) != 0) {
            continue;
        }
        if (t->hours_count > 0) {
            return t->hours[0].from_minute;
        }
        if (t->rota.people_count > 0) {
            return t->rota.handover_minute;
        }
    }
    return MORNING_MINUTE;
}

static int64_t
morning_ms(const struct plans *p, const struct plan_entry *e, int32_t day)
{
    return civil_instant(day, plan_morning(p->site, e->spec));
}

static int64_t
overdue_ms(const struct plan_entry *e, int32_t day)
{
    return civil_instant(day + plan_grace_days(e->spec) + 1, 0);
}

static int32_t
earlier(int32_t a, int32_t b)
{
    if (a == DAY_NONE || b == DAY_NONE) {
        return a == DAY_NONE ? b : a;
    }
    return a < b ? a : b;
}

static int32_t
calendar_day_of(const struct plan_entry *e)
{
    if (e->row.done_day != DAY_NONE) {
        return plan_next_day(e->spec, e->row.base_day, e->row.done_day);
    }
    struct plan_origin origin = {.since_day = e->row.since_day,
                                 .installed_day = e->origin.installed_day,
                                 .spread = e->origin.spread};
    return plan_first_day(e->spec, &origin);
}

/* Without a ticket: by the calendar or where somebody moved it, and by use. */
static int32_t
next_day_of(const struct plan_entry *e)
{
    int32_t day = e->calendar_day;
    if (e->row.moved_day != DAY_NONE) {
        day = e->spec->statutory ? earlier(day, e->row.moved_day) : e->row.moved_day;
    }
    return earlier(day, e->row.use_day);
}

int32_t
plan_entry_due(const struct plan_entry *e)
{
    return e->row.ticket != 0 ? e->row.ticket_day : next_day_of(e);
}

struct plan_work
plan_entry_work(const struct plan_entry *e, int32_t day)
{
    return (struct plan_work){
        .plan = e->plan, .device = e->device, .due_ms = civil_instant(day, 0)};
}

/* The first morning after t_ms. */
static int64_t
next_morning(const struct plans *p, const struct plan_entry *e, int64_t t_ms)
{
    int32_t day = civil_day(t_ms);
    int64_t morning = morning_ms(p, e, day);
    while (morning <= t_ms) {
        morning = morning_ms(p, e, ++day);
    }
    return morning;
}

/* Nothing was done yet, moved, or asked for by a date or by use: where it stands was
 * reckoned, and its ticket does not open on the day on which it was first seen. */
static bool
is_reckoned(const struct plan_entry *e)
{
    const struct plan_row *row = &e->row;
    return e->spec->starts == DAY_NONE && row->done_day == DAY_NONE &&
           row->moved_day == DAY_NONE && row->use_day == DAY_NONE;
}

static int64_t
opens_ms(const struct plans *p, const struct plan_entry *e)
{
    int32_t due = next_day_of(e);
    if (due == DAY_NONE) {
        return INSTANT_MAX;
    }
    int32_t day = due - plan_remind_days(e->spec);
    if (is_reckoned(e) && day <= e->row.since_day) {
        day = e->row.since_day + 1;
    }
    return morning_ms(p, e, day);
}

static int64_t
next_of(const struct plans *p, const struct plan_entry *e, int64_t t_ms)
{
    const struct plan_row *row = &e->row;
    int64_t next = INSTANT_MAX;
    if (e->point != NONE_INDEX) {
        next = next_morning(p, e, t_ms); /* The rate of use, and its forecast. */
    }
    if (row->ticket == 0) {
        int64_t opens = opens_ms(p, e);
        return opens < next ? opens : next;
    }
    if (row->told_day == DAY_NONE || row->told_day < row->ticket_day) {
        int64_t remind = morning_ms(p, e, row->ticket_day);
        next = remind < next ? remind : next;
    }
    if (!row->overdue) {
        int64_t overdue = overdue_ms(e, row->ticket_day);
        next = overdue < next ? overdue : next;
    }
    return next;
}

/* ---- Telling ---- */

void
plan_entry_settle(struct plans *p, struct plan_entry *e, int64_t t_ms)
{
    e->calendar_day = calendar_day_of(e);
    plan_entry_set_next(p, e, next_of(p, e, t_ms));
    e->use_changed = false;
    if (p->sink->plan != NULL) {
        p->sink->plan(p->sink->ctx, &e->row);
    }
}

void
plan_entry_tell(struct plans *p,
                const struct plan_entry *e,
                struct event *event,
                int32_t day)
{
    event->device = p->site->devices[e->device].id;
    event->plan = e->spec->id;
    event->title = text_in(&e->spec->title, p->site->language);
    event->due_ms = day != DAY_NONE ? civil_instant(day, 0) : 0;
    p->sink->event(p->sink->ctx, event);
}

static void
tell(struct plans *p,
     const struct plan_entry *e,
     int64_t t_ms,
     enum event_kind kind,
     const char *note)
{
    struct event event = {
        .t_ms = t_ms, .kind = kind, .ticket = e->row.ticket, .note = note};
    plan_entry_tell(p, e, &event, plan_entry_due(e));
}

/* ---- What happens to a visit ---- */

void
plan_entry_open(struct plans *p,
                struct plan_entry *e,
                int64_t t_ms,
                int32_t day,
                const char *by,
                const char *note)
{
    struct plan_work work = plan_entry_work(e, day);
    work.by = by;
    work.note = note;
    e->row.ticket_day = day;
    e->row.overdue = false;
    e->row.told_day = civil_day(t_ms);
    e->row.ticket = p->view.open(p->view.ctx, t_ms, &work);
    plan_entry_settle(p, e, t_ms);
    if (by == NULL) {
        tell(p, e, t_ms, EVENT_PLAN_REMINDED, NULL);
    }
}

/* Nobody serves what is out of service, except where the law does not ask. */
static bool
is_held(const struct plans *p, const struct plan_entry *e)
{
    return !e->spec->statutory && p->view.out_of_service(p->view.ctx, e->device);
}

/* It was put off while the device was out of service: its day is today. */
static int32_t
day_to_open(struct plans *p, struct plan_entry *e, int64_t t_ms, bool held)
{
    int32_t today = civil_day(t_ms);
    int32_t due = next_day_of(e);
    if (!held || e->spec->statutory || due >= today) {
        return due;
    }
    e->row.moved_day = today;
    tell(p, e, t_ms, EVENT_PLAN_MOVED,
         tr_in(p->site->language, "it was out of service"));
    return today;
}

static void
look_at_use(struct plan_entry *e, int64_t t_ms)
{
    int32_t today = civil_day(t_ms);
    int32_t remind = plan_remind_days(e->spec);
    if (e->row.ticket != 0 || e->row.use_day != DAY_NONE) {
        return;
    }
    int32_t left = plan_use_days_left(&e->row.use, e->spec->use_limit);
    if (left == 0 && plan_used(&e->row.use) >= e->spec->use_limit) {
        /* Nobody saw it coming: parts and people are to be got yet. */
        e->row.use_day = e->spec->statutory ? today : today + remind;
    } else if (left >= 0 && left <= remind) {
        e->row.use_day = today + left;
    }
}

void
plans_fire(struct plans *p, int64_t t_ms)
{
    if (p->count == 0 || p->entries[p->heap[0]].next_ms > t_ms) {
        return;
    }
    struct plan_entry *e = &p->entries[p->heap[0]];
    struct plan_row *row = &e->row;
    if (e->point != NONE_INDEX) {
        if (row->use.mark_ms == INSTANT_NONE ||
            t_ms - row->use.mark_ms >= SHIFT_MS_MIN) {
            plan_use_day(&row->use, t_ms);
        }
        look_at_use(e, t_ms);
    }
    if (row->ticket == 0 && opens_ms(p, e) <= t_ms) {
        if (is_held(p, e)) {
            row->held = true;
            plan_entry_settle(p, e, t_ms);
            plan_entry_set_next(p, e, next_morning(p, e, t_ms));
            return;
        }
        int32_t day = day_to_open(p, e, t_ms, row->held);
        row->held = false;
        plan_entry_open(p, e, t_ms, day, NULL, NULL);
        return;
    }
    if (row->ticket != 0 && !row->overdue && overdue_ms(e, row->ticket_day) <= t_ms) {
        row->overdue = true;
        row->told_day = civil_day(t_ms);
        plan_entry_settle(p, e, t_ms);
        tell(p, e, t_ms, EVENT_PLAN_OVERDUE, NULL);
        return;
    }
    if (row->ticket != 0 && row->told_day < row->ticket_day &&
        morning_ms(p, e, row->ticket_day) <= t_ms) {
        row->told_day = civil_day(t_ms);
        plan_entry_settle(p, e, t_ms);
        tell(p, e, t_ms, EVENT_PLAN_REMINDED, NULL);
        return;
    }
    plan_entry_settle(p, e, t_ms);
}

int64_t
plans_due(const struct plans *p)
{
    return p->begun && p->count > 0 ? p->entries[p->heap[0]].next_ms : INSTANT_MAX;
}

static void
done(struct plans *p, struct plan_entry *e, int64_t t_ms, const struct ticket *t)
{
    struct plan_row *row = &e->row;
    row->before = (struct plan_before){.ticket = t->number,
                                       .done_ms = row->done_ms,
                                       .done_day = row->done_day,
                                       .base_day = row->base_day,
                                       .ticket_day = row->ticket_day,
                                       .at_service = row->use.at_service};
    row->base_day = e->calendar_day;
    row->done_ms = t->resolved_ms != INSTANT_NONE ? t->resolved_ms : t_ms;
    row->done_day = civil_day(row->done_ms);
    row->moved_day = DAY_NONE;
    row->use_day = DAY_NONE;
    row->ticket = 0;
    row->ticket_day = DAY_NONE;
    row->told_day = DAY_NONE;
    row->overdue = false;
    row->held = false;
    plan_use_served(&row->use, 0);
    plan_entry_settle(p, e, t_ms);
    if (e->resets) {
        p->view.served(p->view.ctx, t_ms, e->device);
    }
    struct event event = {.t_ms = t_ms, .kind = EVENT_PLAN_MOVED, .ticket = t->number};
    plan_entry_tell(p, e, &event, plan_entry_due(e));
}

/* What was called done was not. */
static void
undone(struct plans *p, struct plan_entry *e, int64_t t_ms, const struct ticket *t)
{
    struct plan_row *row = &e->row;
    row->done_ms = row->before.done_ms;
    row->done_day = row->before.done_day;
    row->base_day = row->before.base_day;
    row->use.at_service = row->before.at_service;
    row->ticket = t->number;
    row->ticket_day = row->before.ticket_day;
    row->told_day = civil_day(t_ms);
    row->before = (struct plan_before){.ticket = 0};
    plan_entry_settle(p, e, t_ms);
    tell(p, e, t_ms, EVENT_PLAN_MOVED,
         tr_in(p->site->language, "the visit was not done"));
}

static bool
is_in_work(const struct ticket *t)
{
    return t->state != TICKET_RESOLVED && t->state != TICKET_CLOSED;
}

static struct plan_entry *
entry_of(const struct plans *p, const struct ticket *t)
{
    if (t->kind != TICKET_PLANNED || t->device == NULL || t->plan[0] == '\0') {
        return NULL;
    }
    return find_by_id(p, t->plan, t->device);
}

void
plans_ticket(struct plans *p, int64_t t_ms, const struct ticket *t)
{
    struct plan_entry *e = entry_of(p, t);
    if (e == NULL || !p->begun) {
        return;
    }
    if (e->row.ticket == t->number && !is_in_work(t)) {
        done(p, e, t_ms, t);
    } else if (e->row.ticket == 0 && e->row.before.ticket == t->number &&
               is_in_work(t)) {
        undone(p, e, t_ms, t);
    }
}

int64_t
plans_open_ticket(const struct plans *p, const struct ticket *t)
{
    const struct plan_entry *e = entry_of(p, t);
    return e != NULL ? e->row.ticket : 0;
}

/* ---- Use ---- */

void
plans_frame(struct plans *p, const struct frame *f)
{
    for (uint32_t i = p->first_of_device[f->device]; i != NONE_INDEX;
         i = p->entries[i].next_of_device) {
        struct plan_entry *e = &p->entries[i];
        for (uint16_t k = 0; k < f->count; k++) {
            const struct reading *s = &f->readings[k];
            if (s->point == e->point && s->quality == QUALITY_GOOD) {
                plan_use_sample(&e->row.use, &e->counter, f->t_ms, s->value);
                e->use_changed = true;
            }
        }
        if (p->begun && e->row.ticket == 0 && e->row.use_day == DAY_NONE &&
            f->t_ms < e->next_ms && plan_used(&e->row.use) >= e->spec->use_limit) {
            plan_entry_set_next(p, e, f->t_ms);
        }
    }
}

int64_t
plans_memory(const struct plans *p, int64_t since_ms, int64_t *from_ms)
{
    int64_t first = INSTANT_MAX;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct plan_entry *e = &p->entries[i];
        int64_t last_ms = e->row.use.last_ms;
        if (e->point == NONE_INDEX || last_ms == INSTANT_NONE) {
            continue;
        }
        last_ms = last_ms > since_ms ? last_ms : since_ms;
        if (last_ms < from_ms[e->device]) {
            from_ms[e->device] = last_ms;
        }
        first = last_ms < first ? last_ms : first;
    }
    return first;
}

void
plans_save_use(struct plans *p, plans_row_fn fn, void *ctx)
{
    for (uint32_t i = 0; i < p->count && p->begun; i++) {
        struct plan_entry *e = &p->entries[i];
        if (e->use_changed) {
            e->use_changed = false;
            fn(ctx, &e->row);
        }
    }
}

/* ---- Beginning, and the clock ---- */

bool
plans_restore(struct plans *p, const struct plan_row *row)
{
    assert(!p->begun);
    struct plan_entry *e = find_by_id(p, row->plan, row->device);
    if (e == NULL) {
        return false;
    }
    e->row = *row;
    e->restored = true;
    return true;
}

/* The ticket of a restored row may have moved on while nobody looked. */
static void
follow_ticket(struct plans *p, struct plan_entry *e, int64_t t_ms)
{
    const struct ticket *t =
        e->row.ticket != 0 ? p->view.ticket(p->view.ctx, e->row.ticket) : NULL;
    if (e->row.ticket != 0 && t == NULL) {
        e->row.ticket = 0;
        e->row.ticket_day = DAY_NONE;
        plan_entry_settle(p, e, t_ms);
    } else if (t != NULL) {
        plans_ticket(p, t_ms, t);
    }
}

void
plans_begin(struct plans *p, int64_t t_ms)
{
    assert(!p->begun);
    p->begun = true;
    for (uint32_t i = 0; i < p->count; i++) {
        struct plan_entry *e = &p->entries[i];
        if (!e->restored) {
            e->row.since_day = civil_day(t_ms);
            plan_entry_settle(p, e, t_ms);
            continue;
        }
        e->calendar_day = calendar_day_of(e);
        plan_entry_set_next(p, e, next_of(p, e, t_ms));
        if (p->view.ticket != NULL) {
            follow_ticket(p, e, t_ms);
        }
    }
}

bool
plans_begun(const struct plans *p)
{
    return p->begun;
}

static void
shift(int64_t *t_ms, int64_t delta_ms)
{
    if (*t_ms != INSTANT_NONE) {
        *t_ms += delta_ms;
    }
}

static void
shift_day(int32_t *day, int32_t days)
{
    if (*day != DAY_NONE) {
        *day += days;
    }
}

void
plans_shift(struct plans *p, int64_t delta_ms, int64_t t_ms)
{
    for (uint32_t i = 0; i < p->count && p->begun; i++) {
        struct plan_entry *e = &p->entries[i];
        struct plan_row *row = &e->row;
        int32_t days = plan_step_days(e->spec, delta_ms);
        shift(&row->use.mark_ms, delta_ms);
        shift(&row->use.last_ms, delta_ms);
        if (!plan_is_dated(e->spec)) {
            int32_t *const moving[] = {&row->since_day,       &row->done_day,
                                       &row->base_day,        &row->moved_day,
                                       &row->use_day,         &row->ticket_day,
                                       &row->told_day,        &row->before.done_day,
                                       &row->before.base_day, &row->before.ticket_day};
            for (size_t k = 0; k < ARRAY_LEN(moving); k++) {
                shift_day(moving[k], days);
            }
            shift(&row->done_ms, delta_ms);
            shift(&row->before.done_ms, delta_ms);
        }
        plan_entry_settle(p, e, t_ms);
    }
}

/* ---- Looking ---- */

uint32_t
plans_count(const struct plans *p)
{
    return p->count;
}

struct plan_now
plans_get(const struct plans *p, uint32_t index, int32_t today)
{
    assert(index < p->count);
    const struct plan_entry *e = &p->entries[index];
    struct plan_now now = {.plan = e->plan,
                           .device = e->device,
                           .row = &e->row,
                           .due_day = plan_entry_due(e),
                           .use = e->point != NONE_INDEX ? e->spec->use : PLAN_USE_NONE,
                           .used = plan_used(&e->row.use)};
    now.moved = e->row.moved_day != DAY_NONE && now.due_day == e->row.moved_day;
    now.by_use =
        !now.moved && e->row.use_day != DAY_NONE && now.due_day == e->row.use_day;
    if (e->row.ticket == 0 && now.use != PLAN_USE_NONE) {
        int32_t left = plan_use_days_left(&e->row.use, e->spec->use_limit);
        int32_t day = left >= 0 ? today + left : DAY_NONE;
        if (day != DAY_NONE && (now.due_day == DAY_NONE || day < now.due_day)) {
            now.due_day = day;
            now.by_use = true;
            now.moved = false;
        }
    }
    return now;
}
