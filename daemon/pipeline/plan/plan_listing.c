#include "daemon/pipeline/plan/plan_listing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/ticket/dispatch.h"
#include "daemon/ticket/plan_route.h"
#include "daemon/ticket/plan_visits.h"
#include "daemon/ticket/plans.h"

_Static_assert(PLAN_VISITS_MAX > 7 * PLAN_WEEKS_MAX + PLAN_ROUND_DAYS_MAX,
               "a daily visit is listed on each of the days");

/* Who has an open visit. */
struct work {
    int64_t number;
    enum ticket_state state;
    char assignee[PERSON_BYTES];
};

/* An open ticket whose rule has brought a visit forward. */
struct asking {
    int64_t number;
    uint32_t plan, device; /* Of the visit. */
};

struct looking {
    const struct site *site;
    struct plans *plans;
    struct work *work;
    size_t count, room;
    struct asking *asking;
    size_t asking_count, asking_room;
    enum language language; /* Of titles and steps. */
};

static void *
grown(void *items, size_t count, size_t *room, size_t size)
{
    if (count == *room) {
        *room = *room == 0 ? 32 : 2 * *room;
        items = realloc(items, *room * size);
        if (items == NULL) {
            abort();
        }
    }
    return items;
}

static bool
take_plan(void *ctx, const struct plan_row *row)
{
    struct looking *l = ctx;
    (void)plans_restore(l->plans, row); /* One that is gone is not listed. */
    return true;
}

static void
take_asking(struct looking *l, const struct ticket *t)
{
    const struct site *site = l->site;
    uint32_t rule = t->rule != NULL ? site_rule(site, t->rule) : NONE_INDEX;
    uint32_t device = t->device != NULL ? site_device(site, t->device) : NONE_INDEX;
    const char *plan = rule != NONE_INDEX ? site->rules[rule].brings_forward : NULL;
    uint32_t index = plan != NULL ? site_plan(site, plan) : NONE_INDEX;
    if (index == NONE_INDEX || device == NONE_INDEX) {
        return;
    }
    l->asking = grown(l->asking, l->asking_count, &l->asking_room, sizeof *l->asking);
    l->asking[l->asking_count++] =
        (struct asking){t->number, index, plan_device_of(site, index, device)};
}

static bool
take_ticket(void *ctx, const struct ticket *t)
{
    struct looking *l = ctx;
    if (t->kind != TICKET_PLANNED) {
        take_asking(l, t);
        return true;
    }
    l->work = grown(l->work, l->count, &l->room, sizeof *l->work);
    struct work *w = &l->work[l->count++];
    w->number = t->number;
    w->state = t->state;
    memcpy(w->assignee, t->assignee, sizeof w->assignee);
    return true;
}

static const struct work *
work_of(const struct looking *l, int64_t number)
{
    for (size_t i = 0; i < l->count && number != 0; i++) {
        if (l->work[i].number == number) {
            return &l->work[i];
        }
    }
    return NULL;
}

/* The first that wanted this visit sooner; 0: a person did, or its ticket is closed. */
static int64_t
asked_by(const struct looking *l, const struct plan_now *now)
{
    int64_t number = 0;
    for (size_t i = 0; i < l->asking_count && now->moved; i++) {
        const struct asking *a = &l->asking[i];
        if (a->plan == now->plan && a->device == now->device &&
            (number == 0 || a->number < number)) {
            number = a->number;
        }
    }
    return number;
}

static void
put_day(struct strbuf *out, const char *key, int32_t day)
{
    char text[CIVIL_TEXT_BYTES];
    strbuf_json_str(out, key, day != DAY_NONE ? civil_format(text, day) : NULL);
}

static void
put_number_or_null(struct strbuf *out, const char *key, int64_t number)
{
    if (number != 0) {
        strbuf_json_int(out, key, number);
    } else {
        strbuf_json_str(out, key, NULL);
    }
}

static const char *
unit_of_use(const struct site *site, const struct plan_now *now)
{
    const struct plan_spec *spec = &site->plans[now->plan];
    if (now->use == PLAN_USE_HOURS) {
        return "h";
    }
    if (now->use == PLAN_USE_STARTS) {
        return "starts";
    }
    uint32_t point = now->use == PLAN_USE_AMOUNT
                         ? site_point(site, now->device, spec->use_of)
                         : NONE_INDEX;
    return point != NONE_INDEX && site->points[point].unit != NULL
               ? site->points[point].unit
               : spec->use_of;
}

static void
put_use(struct strbuf *out, const struct site *site, const struct plan_now *now)
{
    const struct plan_spec *spec = &site->plans[now->plan];
    const struct plan_use_row *u = &now->row->use;
    bool counted = now->use != PLAN_USE_NONE;
    strbuf_json_str(out, "why",
                    now->by_use  ? "use"
                    : now->moved ? "moved"
                                 : "calendar");
    strbuf_json_num(out, "used", counted ? round(now->used * 100) / 100 : (double)NAN);
    strbuf_json_num(out, "limit", counted ? spec->use_limit : (double)NAN);
    strbuf_json_str(out, "use", counted ? unit_of_use(site, now) : NULL);
    strbuf_json_num(out, "per_day",
                    counted && u->rate_days > 0 ? round(u->rate * 100) / 100
                                                : (double)NAN);
    strbuf_json_int(out, "from_days", counted ? u->rate_days : 0);
}

/* Who will be on duty on the day; of a team without a rota nobody, and all its members
 * come into question. */
static void
put_people(struct strbuf *out, const struct site *site, const char *id, int32_t day)
{
    const struct team *team = dispatch_team_of(site, id);
    const char *who = dispatch_person_of_day(site, team, NULL, day);
    strbuf_json_str(out, "on_duty", who);
    strbuf_json_key(out, "people");
    strbuf_add_char(out, '[');
    if (who != NULL) {
        strbuf_json_string(out, who);
    }
    for (uint32_t i = 0; team != NULL && who == NULL && i < team->member_count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        strbuf_json_string(out, team->members[i]);
    }
    strbuf_add_char(out, ']');
}

static const struct procedure *
procedure_of(const struct site *site, const char *id)
{
    for (uint32_t i = 0; i < site->procedure_count && id != NULL; i++) {
        if (strcmp(site->procedures[i].id, id) == 0) {
            return &site->procedures[i];
        }
    }
    return NULL;
}

static void
put_procedure(struct strbuf *out,
              const struct site *site,
              const char *id,
              enum language language)
{
    const struct procedure *p = procedure_of(site, id);
    strbuf_json_key(out, "steps");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; p != NULL && i < p->step_count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        strbuf_json_string(out, text_in(&p->steps[i], language));
    }
    strbuf_add_char(out, ']');
    strbuf_json_key(out, "parts");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; p != NULL && i < p->part_count; i++) {
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "name", p->parts[i].name);
        strbuf_json_int(out, "count", p->parts[i].count);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

/* The same visit keeps its name while it is moved from day to day. */
static void
put_uid(struct strbuf *out, const struct site *site, const struct plan_visit *v)
{
    char after[CIVIL_TEXT_BYTES];
    const struct plan_row *row = v->now.row;
    struct strbuf uid = {0};
    strbuf_printf(
        &uid, "%s.%s.%s.%u@%s", row->plan, row->device,
        civil_format(after, row->done_day != DAY_NONE ? row->done_day : row->since_day),
        v->after, site->id);
    strbuf_json_str(out, "uid", strbuf_text(&uid));
    strbuf_fini(&uid);
}

static void
put_visit(struct strbuf *out,
          const struct site *site,
          const struct looking *l,
          const struct plan_visit *v)
{
    const struct plan_spec *spec = &site->plans[v->now.plan];
    const struct device *d = &site->devices[v->now.device];
    const struct work *w = v->after == 0 ? work_of(l, v->now.row->ticket) : NULL;
    strbuf_add_char(out, '{');
    put_day(out, "day", v->day);
    strbuf_json_str(out, "plan", spec->id);
    strbuf_json_str(out, "device", d->id);
    strbuf_json_str(out, "device_name", d->name);
    strbuf_json_str(out, "title", text_in(&spec->title, l->language));
    strbuf_json_str(out, "team", spec->team);
    strbuf_json_str(out, "place", plan_place(site, d));
    strbuf_json_int(out, "stop", v->stop);
    put_day(out, "due", v->now.due_day);
    put_day(out, "latest", v->latest);
    strbuf_json_bool(out, "statutory", spec->statutory);
    strbuf_json_bool(out, "overdue", v->overdue);
    put_number_or_null(out, "ticket", w != NULL ? w->number : 0);
    strbuf_json_str(out, "state", w != NULL ? ticket_state_name(w->state) : NULL);
    strbuf_json_str(out, "assignee",
                    w != NULL && w->assignee[0] != '\0' ? w->assignee : NULL);
    put_number_or_null(out, "minutes", spec->minutes);
    if (spec->cost != 0) {
        strbuf_json_money(out, "cost", spec->cost);
    } else {
        strbuf_json_str(out, "cost", NULL);
    }
    put_use(out, site, &v->now);
    put_number_or_null(out, "for_ticket", asked_by(l, &v->now));
    put_day(out, "last_done", v->now.row->done_day);
    strbuf_json_time(out, "start", v->start_ms);
    strbuf_json_time(out, "end", v->end_ms);
    strbuf_json_bool(out, "outside_hours", v->outside);
    put_uid(out, site, v);
    put_people(out, site, spec->team, v->day);
    put_procedure(out, site, spec->procedure, l->language);
    strbuf_add_char(out, '}');
}

static bool
fits(const struct plan_filter *f, const struct site *site, const struct plan_visit *v)
{
    const struct plan_spec *spec = &site->plans[v->now.plan];
    return (f->team == NULL ||
            (spec->team != NULL && strcmp(f->team, spec->team) == 0)) &&
           (f->device == NULL ||
            strcmp(f->device, site->devices[v->now.device].id) == 0) &&
           (f->plan == NULL || strcmp(f->plan, spec->id) == 0);
}

static int
read_days(const struct plan_filter *f,
          int32_t today,
          int32_t *from,
          int32_t *to,
          struct err *err)
{
    *from = today;
    if (f->from != NULL && !civil_parse_date(from, f->from)) {
        return err_set(err, ERR_RANGE,
                       "\"from\" is \"%.40s\"; a date such as "
                       "2026-03-01 is accepted",
                       f->from);
    }
    *to = *from + 7 * PLAN_WEEKS_DEFAULT - 1;
    if (f->to != NULL && !civil_parse_date(to, f->to)) {
        return err_set(err, ERR_RANGE,
                       "\"to\" is \"%.40s\"; a date such as 2026-03-01 "
                       "is accepted",
                       f->to);
    }
    if (*to < *from || *to > today + 7 * PLAN_WEEKS_MAX) {
        return err_set(err, ERR_RANGE,
                       "\"to\" is before \"from\", or more than %d weeks ahead",
                       PLAN_WEEKS_MAX);
    }
    return 0;
}

static int64_t
open_none(void *ctx, int64_t t_ms, const struct plan_work *work)
{
    (void)ctx;
    (void)t_ms;
    (void)work;
    return 0;
}

static void
ignore(void *ctx, const struct event *e)
{
    (void)ctx;
    (void)e;
}

static int
look_up(struct looking *l, struct state *store, struct err *err)
{
    int code = 0;
    if (store != NULL) {
        code = state_each_plan(store, take_plan, l, err);
    }
    if (code == 0 && store != NULL) {
        code = state_each_ticket(store, INSTANT_MAX, take_ticket, l, err);
    }
    return code;
}

int
listing_plan(struct state *store,
             const struct site *site,
             const struct plan_filter *filter,
             int64_t now_ms,
             struct strbuf *out,
             struct err *err)
{
    int32_t today = civil_day(now_ms);
    int32_t from;
    int32_t to;
    enum language language = site->language;
    int code = read_days(filter, today, &from, &to, err);
    if (code == 0 && filter->language != NULL &&
        !catalogue_parse(&language, filter->language)) {
        code = err_set(err, ERR_RANGE, "no language \"%.40s\"; en or zh-CN is accepted",
                       filter->language);
    }
    if (code != 0) {
        return code;
    }
    const struct sink sink = {.event = ignore};
    const struct plans_view view = {.open = open_none};
    struct looking l = {
        .site = site, .plans = plans_new(site, &sink, &view), .language = language};
    code = look_up(&l, store, err);
    if (code == 0) {
        size_t count = 0;
        bool first = true;
        plans_begin(l.plans, now_ms);
        struct plan_visit *visits = plan_visits(l.plans, site, today, from, to, &count);
        strbuf_add_char(out, '[');
        for (size_t i = 0; i < count; i++) {
            if (fits(filter, site, &visits[i])) {
                strbuf_add(out, first ? "" : ",");
                first = false;
                put_visit(out, site, &l, &visits[i]);
            }
        }
        strbuf_add_char(out, ']');
        free(visits);
    }
    plans_free(l.plans);
    free(l.work);
    free(l.asking);
    return code;
}

int
listing_calendar(const struct site *site,
                 const char *from,
                 const char *to,
                 int64_t now_ms,
                 struct strbuf *out,
                 struct err *err)
{
    const struct plan_filter filter = {.from = from, .to = to};
    int32_t first = 0;
    int32_t last = 0;
    bool any = false;
    int code = read_days(&filter, civil_day(now_ms), &first, &last, err);
    if (code != 0) {
        return code;
    }
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < site->calendar_count; i++) {
        const struct calendar_day *entry = &site->calendar[i];
        int32_t begin = entry->from > first ? entry->from : first;
        int32_t end = entry->to < last ? entry->to : last;
        for (int32_t day = begin; day <= end; day++) {
            strbuf_add(out, any ? ",{" : "{");
            put_day(out, "day", day);
            strbuf_json_bool(out, "working", entry->working);
            strbuf_json_str(out, "title", text_in(&entry->name, catalogue_language()));
            strbuf_add_char(out, '}');
            any = true;
        }
    }
    strbuf_add_char(out, ']');
    return 0;
}

static void
put_plan(struct strbuf *out, const struct site *site, const struct plan_now *now)
{
    const struct plan_spec *spec = &site->plans[now->plan];
    struct titles titles;
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "plan", spec->id);
    strbuf_json_str(out, "title", text_in(&spec->title, site->language));
    put_day(out, "due", now->due_day);
    put_day(out, "last_done", now->row->done_day);
    strbuf_json_bool(out, "statutory", spec->statutory);
    strbuf_json_bool(out, "overdue", now->row->overdue);
    put_number_or_null(out, "ticket", now->row->ticket);
    put_use(out, site, now);
    strbuf_add_char(out, '}');
    titles_of_text(&titles, &spec->title);
    titles_join_json(out, &titles);
}

int
listing_device_plans(struct state *store,
                     const struct site *site,
                     uint32_t device,
                     int64_t now_ms,
                     struct strbuf *out,
                     struct err *err)
{
    const struct sink sink = {.event = ignore};
    const struct plans_view view = {.open = open_none};
    struct looking l = {.site = site, .plans = plans_new(site, &sink, &view)};
    int code = store != NULL ? state_each_plan(store, take_plan, &l, err) : 0;
    if (code == 0) {
        bool first = true;
        plans_begin(l.plans, now_ms);
        strbuf_add_char(out, '[');
        for (uint32_t i = 0; i < plans_count(l.plans); i++) {
            struct plan_now now = plans_get(l.plans, i, civil_day(now_ms));
            if (now.device == device) {
                strbuf_add(out, first ? "" : ",");
                first = false;
                put_plan(out, site, &now);
            }
        }
        strbuf_add_char(out, ']');
    }
    plans_free(l.plans);
    return code;
}
