/* Planned maintenance: work that comes again and again, by the calendar, by use, or by
 * whichever comes first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "config/number.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/model/ticket.h"

#define REMIND_DAYS      3 /* Ahead, unless a third of the cycle is less. */
#define WINDOW_MS_MAX    (90 * MS_DAY)
#define YEAR_DAYS_MAX    366
#define COST_MAX         1e9
#define SHORT_MONTH_DAYS 28 /* No window of a plan by month may reach the next one. */

struct plan_yaml {
    struct plan_spec spec;
    int from, priority;
    double cost;
    const char *start;
    const struct node *applies_to, *monthly, *quarterly, *yearly, *season, *or_after;
};

/* ---- By use ---- */

#define OR_AFTER_ACCEPTED                                                              \
    "2000h of running, 500 starts of running, or 10000 of door_cycles is accepted"
static const struct shape or_after_shape = {
    .kind = SHAPE_TEXT,
    .pattern = "^(" PATTERN_DURATION "|[0-9]+( starts)?) of [a-z][a-z0-9_]*$",
    .accepted = OR_AFTER_ACCEPTED};

/* What the named point is, on the devices that the plan applies to. */
struct use_points {
    bool asked;   /* There is a device to ask. */
    bool found;   /* One of them has the point, */
    bool counted; /* and there it is a number that grows. */
};

static struct use_points
use_points_of(const struct site *site, const struct applies_to *a, const char *point)
{
    struct use_points all = {0};
    for (uint32_t i = 0; i < site->device_count; i++) {
        if (!applies_to_device(a, &site->devices[i])) {
            continue;
        }
        all.asked = true;
        uint32_t at = site_point(site, i, point);
        if (at != NONE_INDEX) {
            const struct point *p = &site->points[at];
            all.found = true;
            all.counted = all.counted || p->type != TYPE_BOOL;
        }
    }
    return all;
}

/* `2000h`, `500 starts`, `10000`. */
static bool
read_limit(struct reader *r, struct plan_spec *spec, const char *text)
{
    const char *starts = strstr(text, " starts");
    int64_t ms = 0;
    int64_t count = 0;
    if (starts != NULL && starts[strlen(" starts")] == '\0') {
        spec->use = PLAN_USE_STARTS;
        text = arena_strndup(r->arena, text, (size_t)(starts - text));
    } else if (duration_parse(&ms, text, NULL) == 0 && ms > 0) {
        spec->use = PLAN_USE_HOURS;
        spec->use_limit = (double)ms / (double)MS_HOUR;
        return true;
    } else {
        spec->use = PLAN_USE_AMOUNT;
    }
    if (!number_parse_int(&count, text) || count <= 0) {
        spec->use = PLAN_USE_NONE;
        return false;
    }
    spec->use_limit = (double)count;
    return true;
}

static void
read_or_after(struct reader *r,
              const struct node *n,
              const struct site *site,
              struct plan_spec *spec)
{
    const char *of = n->kind == NODE_SCALAR ? strstr(n->text, " of ") : NULL;
    const char *point = of != NULL ? of + strlen(" of ") : "";
    const char *limit =
        of != NULL ? arena_strndup(r->arena, n->text, (size_t)(of - n->text)) : "";
    if (!is_point_id(point) || !read_limit(r, spec, limit)) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"or_after\" is no use of a point; %s", tr(or_after_shape.accepted));
        return;
    }
    struct use_points points = use_points_of(site, &spec->applies_to, point);
    if (points.asked && !points.found) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"or_after\" names \"%s\"; a point of a device that it applies to "
                  "is accepted",
                  point);
    } else if (points.found && spec->use == PLAN_USE_AMOUNT && !points.counted) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"or_after\" counts \"%s\", which is on or off; %s starts of %s, or "
                  "a time of it, is accepted",
                  point, limit, point);
    }
    spec->use_of = point;
}

/* ---- By the calendar ---- */

static const char *const nth_words[] = {"first",  "second", "third",
                                        "fourth", "last",   NULL};
static const char *const weekday_words[] = {"mon", "tue", "wed", "thu",
                                            "fri", "sat", "sun", NULL};

#define MONTH_DAY_ACCEPTED "first tue, last fri, day 5, or last day is accepted"
static const struct shape month_day_shape = {
    .kind = SHAPE_TEXT,
    .name = "month-day",
    .pattern = "^((first|second|third|fourth|last) (mon|tue|wed|thu|fri|sat|sun)"
               "|day ([1-9]|[12][0-9]|3[01])|last day)$",
    .accepted = MONTH_DAY_ACCEPTED};

static int
index_of(const char *const *words, const char *text, size_t size)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strlen(words[i]) == size && strncmp(words[i], text, size) == 0) {
            return i;
        }
    }
    return -1;
}

/* `first tue`, `day 5`, `last day`. */
static void
read_month_day(struct reader *r, const struct node *n, int months, struct plan_spec *p)
{
    const char *text = n->kind == NODE_SCALAR ? n->text : "";
    const char *space = strchr(text, ' ');
    const char *day = space != NULL ? space + 1 : "";
    size_t size = space != NULL ? (size_t)(space - text) : 0;
    int64_t number = 0;
    int nth = index_of(nth_words, text, size);
    int weekday = index_of(weekday_words, day, strlen(day));
    p->cycle = PLAN_MONTHLY;
    p->months = months;
    if (nth >= 0 && weekday >= 0) {
        p->nth = strcmp(nth_words[nth], "last") == 0 ? -1 : nth + 1;
        p->weekday = weekday;
    } else if (strcmp(text, "last day") == 0) {
        p->month_day = 31;
    } else if (size == 3 && strncmp(text, "day", 3) == 0 && day[0] != '0' &&
               number_parse_int(&number, day) && number >= 1 && number <= 31) {
        p->month_day = (int)number;
    } else {
        p->month_day = 1;
        diags_add(r->diags, DIAG_ERROR, &n->loc, "\"%s\" is no day of a month; %s",
                  n->key, tr(month_day_shape.accepted));
    }
}

#define PATTERN_YEAR_DAY  "(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
#define YEAR_DAY_ACCEPTED "a day of the year such as 10-15 is accepted"
#define SEASON_ACCEPTED   "two days of the year such as 11-01..03-31 is accepted"
static const struct shape year_day_shape = {.kind = SHAPE_TEXT,
                                            .name = "year-day",
                                            .pattern = "^" PATTERN_YEAR_DAY "$",
                                            .accepted = YEAR_DAY_ACCEPTED};
static const struct shape year_days_list = {
    .kind = SHAPE_LIST, .item = &year_day_shape, .min = 1, .max = YEAR_DAYS_MAX};
static const struct shape *const year_days_forms[] = {&year_day_shape, &year_days_list,
                                                      NULL};
static const struct shape year_days_shape = {.kind = SHAPE_ANY, .any = year_days_forms};
static const struct shape season_shape = {.kind = SHAPE_TEXT,
                                          .pattern = "^" PATTERN_YEAR_DAY
                                                     "\\.\\." PATTERN_YEAR_DAY "$",
                                          .accepted = SEASON_ACCEPTED};

/* `MM-DD`, of a leap year: 02-29 is the last of February in other years. */
static bool
parse_year_day(struct year_day *out, const char *text, size_t size)
{
    char date[] = "2024-00-00";
    int32_t day;
    if (size != 5) {
        return false;
    }
    memcpy(date + 5, text, 5);
    if (!civil_parse_date(&day, date)) {
        return false;
    }
    out->month = (uint8_t)((text[0] - '0') * 10 + text[1] - '0');
    out->day = (uint8_t)((text[3] - '0') * 10 + text[4] - '0');
    return true;
}

static int
compare_year_days(const void *a, const void *b)
{
    const struct year_day *x = a;
    const struct year_day *y = b;
    return x->month != y->month ? x->month - y->month : x->day - y->day;
}

static void
read_year_days(struct reader *r, const struct node *n, struct plan_spec *p)
{
    bool many = n->kind == NODE_LIST;
    uint32_t room = many ? n->count : 1;
    struct year_day *days = arena_array(r->arena, room + 1, sizeof *days);
    p->cycle = PLAN_YEARLY;
    p->year_days = days;
    if (many && room > YEAR_DAYS_MAX) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"yearly\" has %u days; up to %d are accepted", room, YEAR_DAYS_MAX);
        room = 0;
    }
    for (const struct node *d = many ? n->first : n; d != NULL && room > 0;
         d = many ? d->next : NULL) {
        struct year_day *out = &days[p->year_day_count];
        if (d->kind == NODE_SCALAR && parse_year_day(out, d->text, strlen(d->text))) {
            p->year_day_count++;
        } else {
            diags_add(r->diags, DIAG_ERROR, &d->loc, "\"yearly\" is no day; %s",
                      tr(year_day_shape.accepted));
        }
    }
    if (many && n->count == 0) {
        diags_add(r->diags, DIAG_ERROR, &n->loc, "\"yearly\" has no day; %s",
                  tr(year_day_shape.accepted));
    }
    if (p->year_day_count == 0) { /* Reported: it stands for what was meant. */
        days[p->year_day_count++] = (struct year_day){1, 1};
    }
    qsort(days, p->year_day_count, sizeof *days, compare_year_days);
}

static void
read_season(struct reader *r, const struct node *n, struct plan_spec *p)
{
    const char *text = n->kind == NODE_SCALAR ? n->text : "";
    const char *dots = strstr(text, "..");
    p->has_season = dots != NULL &&
                    parse_year_day(&p->season_from, text, (size_t)(dots - text)) &&
                    parse_year_day(&p->season_to, dots + 2, strlen(dots + 2));
    if (!p->has_season) {
        diags_add(r->diags, DIAG_ERROR, &n->loc, "\"season\" is no part of a year; %s",
                  tr(season_shape.accepted));
    }
}

/* ---- A plan ---- */

static const char *const from_words[] = {"done", "plan", NULL};
static const char *const priority_words[] = {"normal", "urgent", "critical", NULL};
static const struct field plan_fields[] = {
    {FIELD("id", FIELD_ID, struct plan_yaml, spec.id), REQUIRED, ABOUT("Its id.")},
    {FIELD("title", FIELD_TEXT, struct plan_yaml, spec.title),
     ABOUT("What its tickets are called; else as its procedure.")},
    {FIELD("applies_to", FIELD_NODE, struct plan_yaml, applies_to), REQUIRED,
     ABOUT("Which devices are maintained."), SHAPE(applies_to_shape)},
    {FIELD("every", FIELD_DURATION, struct plan_yaml, spec.every_ms),
     BETWEEN(MS_DAY, 100 * MS_YEAR), ABOUT("How often, in whole days.")},
    {FIELD("monthly", FIELD_NODE, struct plan_yaml, monthly),
     ABOUT("On this day of each month: first tue, last fri, day 5, last day."),
     SHAPE(month_day_shape)},
    {FIELD("quarterly", FIELD_NODE, struct plan_yaml, quarterly),
     ABOUT("On this day of each third month, from January or the month of start on."),
     SHAPE(month_day_shape)},
    {FIELD("yearly", FIELD_NODE, struct plan_yaml, yearly),
     ABOUT("On this day, or these days, of each year: 10-15."), SHAPE(year_days_shape)},
    {FIELD("season", FIELD_NODE, struct plan_yaml, season),
     ABOUT("Due only in this part of the year: 11-01..03-31."), SHAPE(season_shape)},
    {FIELD("or_after", FIELD_NODE, struct plan_yaml, or_after),
     ABOUT("After so much use of a point, such as 2000h of running; whichever comes "
           "first."),
     SHAPE(or_after_shape)},
    {FIELD("from", FIELD_ENUM, struct plan_yaml, from), .words = from_words,
     ABOUT("What the next one counts from: the last one done, or the plan."),
     PRESET("done")},
    {FIELD("statutory", FIELD_BOOL, struct plan_yaml, spec.statutory),
     ABOUT("The law demands it: it may be tightened, never postponed."),
     PRESET("false")},
    {FIELD("start", FIELD_DATE, struct plan_yaml, start),
     ABOUT("The day of the first visit; without it the first ones are spread.")},
    {FIELD("remind", FIELD_DURATION, struct plan_yaml, spec.remind_ms),
     BETWEEN(0, WINDOW_MS_MAX),
     ABOUT("How long before the day its ticket opens, in whole days; 3d where the "
           "cycle allows it.")},
    {FIELD("grace", FIELD_DURATION, struct plan_yaml, spec.grace_ms),
     BETWEEN(0, WINDOW_MS_MAX),
     ABOUT("How long after the day it is overdue, in whole days.")},
    {FIELD("team", FIELD_ID, struct plan_yaml, spec.team),
     ABOUT("The id of the team that does it.")},
    {FIELD("procedure", FIELD_ID, struct plan_yaml, spec.procedure),
     ABOUT("The id of the procedure.")},
    {FIELD("priority", FIELD_ENUM, struct plan_yaml, priority), .words = priority_words,
     ABOUT("Of its tickets."), PRESET("normal")},
    {FIELD("minutes", FIELD_INT, struct plan_yaml, spec.minutes), BETWEEN(1, 100000),
     ABOUT("How long a visit takes, of all people together.")},
    {FIELD("cost", FIELD_FLOAT, struct plan_yaml, cost),
     ABOUT("What is set aside for a visit, in the site's currency.")},
    {FIELD("service", FIELD_BOOL, struct plan_yaml, spec.service),
     ABOUT("A visit resets what rules count since_service; true where it has or_after, "
           "or no other plan of the device has.")},
};
static const char *const plan_forms[] = {"every",  "monthly",  "quarterly",
                                         "yearly", "or_after", NULL};
const struct shape maintenance_shape = {
    SHAPE_OF_TABLE(plan_fields), .name = "maintenance",
    .about = "Work that comes again and again.", .some_of = plan_forms};

/* Exactly one of the calendars, or none where use is counted. */
static void
read_cycle(struct reader *r, const struct node *n, struct plan_yaml *y)
{
    struct plan_spec *p = &y->spec;
    const struct node *every = node_get(n, "every");
    int count = (every != NULL) + (y->monthly != NULL) + (y->quarterly != NULL) +
                (y->yearly != NULL);
    p->cycle = every != NULL ? PLAN_EVERY : PLAN_BY_USE;
    if (count > 1) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "maintenance \"%s\" has %d cycles; one of every, monthly, quarterly "
                  "and yearly is accepted",
                  p->id, count);
    } else if (count == 0 && y->or_after == NULL) {
        diags_add(
            r->diags, DIAG_ERROR, &n->loc,
            "maintenance \"%s\" is never due; add every: 15d, or or_after: 2000h of "
            "running",
            p->id);
    }
    if (y->monthly != NULL) {
        read_month_day(r, y->monthly, 1, p);
    }
    if (y->quarterly != NULL) {
        read_month_day(r, y->quarterly, 3, p);
    }
    if (y->yearly != NULL) {
        read_year_days(r, y->yearly, p);
    }
    if (y->season != NULL) {
        read_season(r, y->season, p);
    }
}

static void
check_days(struct reader *r, const struct node *n, const char *key, int64_t ms)
{
    struct loc loc = loc_of(n, key);
    if (ms % MS_DAY != 0) {
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"%s\" is no number of whole days; plans go by days, such as 15d",
                  key);
    }
}

/* The shortest time from one visit to the next by the calendar; 0: none. */
static int64_t
cycle_ms_of(const struct plan_spec *p)
{
    switch (p->cycle) {
    case PLAN_EVERY:
        return p->every_ms;
    case PLAN_MONTHLY:
        return p->months * SHORT_MONTH_DAYS * MS_DAY;
    case PLAN_YEARLY:
        return 364 * MS_DAY / p->year_day_count;
    case PLAN_BY_USE:
        break;
    }
    return 0;
}

/* Reminder and grace must fit between two visits. */
static void
read_window(struct reader *r, const struct node *n, struct plan_spec *p)
{
    int64_t cycle_ms = cycle_ms_of(p);
    struct loc grace = loc_of(n, "grace");
    struct loc remind = loc_of(n, "remind");
    check_days(r, n, "every", p->every_ms);
    check_days(r, n, "remind", p->remind_ms);
    check_days(r, n, "grace", p->grace_ms);
    if (p->statutory && p->grace_ms > 0) {
        diags_add(r->diags, DIAG_ERROR, &grace,
                  "maintenance \"%s\" is statutory: it is never postponed and has no "
                  "\"grace\"; leave one of the two out",
                  p->id);
    }
    if (node_get(n, "remind") == NULL) {
        int64_t third = cycle_ms / 3 / MS_DAY;
        p->remind_ms =
            (cycle_ms > 0 && third < REMIND_DAYS ? third : REMIND_DAYS) * MS_DAY;
    }
    if (cycle_ms > 0 && p->remind_ms + p->grace_ms >= cycle_ms) {
        diags_add(r->diags, DIAG_ERROR, node_get(n, "grace") != NULL ? &grace : &remind,
                  "\"remind\" and \"grace\" of maintenance \"%s\" are as long as its "
                  "cycle; together less than the time between two visits is accepted",
                  p->id);
    }
}

static void
read_cost(struct reader *r, const struct node *n, struct plan_yaml *y)
{
    if (node_get(n, "cost") == NULL) {
        return;
    }
    struct loc loc = loc_of(n, "cost");
    if (!(y->cost >= 0 && y->cost <= COST_MAX)) {
        diags_add(
            r->diags, DIAG_ERROR, &loc,
            "\"cost\" is out of range; a number from 0 to 1000000000 is accepted");
        return;
    }
    y->spec.cost = llround(y->cost * 100);
}

/* As its procedure is called, else its id. */
static void
set_title(const struct site *site, struct plan_spec *p)
{
    for (uint32_t i = 0; i < site->procedure_count && p->procedure != NULL; i++) {
        if (text_in(&p->title, LANGUAGE_EN) == NULL &&
            strcmp(site->procedures[i].id, p->procedure) == 0) {
            p->title = site->procedures[i].title;
        }
    }
    if (text_in(&p->title, LANGUAGE_EN) == NULL) {
        p->title.in[LANGUAGE_EN] = p->id;
    }
}

/* Follow-up visits stand in the journal under a name of their own. */
static void
check_id(struct reader *r, const struct node *n, const struct plan_spec *p)
{
    if (strcmp(p->id, PLAN_FOLLOW_UP) == 0) {
        struct loc loc = loc_of(n, "id");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "the follow-up visits of repairs are called \"%s\"; another id is "
                  "accepted",
                  p->id);
    }
}

static void
read_plan(struct reader *r,
          const struct node *n,
          const struct site *site,
          struct plan_yaml *y)
{
    struct plan_spec *p = &y->spec;
    (void)fields_read(r, y, n, "maintenance", plan_fields, ARRAY_LEN(plan_fields));
    if (n->kind != NODE_MAP) {
        return;
    }
    check_id(r, n, p);
    struct loc team = loc_of(n, "team");
    struct loc procedure = loc_of(n, "procedure");
    static const enum severity priorities[] = {SEVERITY_NORMAL, SEVERITY_URGENT,
                                               SEVERITY_CRITICAL};
    p->priority = priorities[y->priority];
    p->from_done = y->from == 0;
    if (y->applies_to != NULL) {
        const char *what = arena_printf(r->arena, "maintenance \"%s\"", p->id);
        applies_to_read(r, y->applies_to, site, what, &p->applies_to);
    }
    if (y->or_after != NULL) {
        read_or_after(r, y->or_after, site, p);
    }
    read_cycle(r, n, y);
    read_window(r, n, p);
    read_cost(r, n, y);
    if (y->start != NULL && !civil_parse_date(&p->starts, y->start)) {
        p->starts = DAY_NONE; /* Reported with the other fields. */
    }
    p->service_said = node_get(n, "service") != NULL;
    p->service = p->service_said ? p->service : y->or_after != NULL;
    check_team(r, site, p->team, &team);
    check_procedure(r, site, p->procedure, &procedure);
    set_title(site, p);
}

static int
compare_plans(const void *a, const void *b)
{
    const struct plan_spec *x = a;
    const struct plan_spec *y = b;
    return strcmp(x->id, y->id);
}

void
plans_read(struct reader *r, const struct sections *s, struct site *site)
{
    const struct node_list *list = &s->lists[SECTION_MAINTENANCE];
    site->plans = arena_array(r->arena, list->count + 1, sizeof *site->plans);
    for (uint32_t i = 0; i < list->count; i++) {
        struct plan_yaml y = {
            .spec = {.id = "", .starts = DAY_NONE, .loc = list->items[i]->loc}};
        read_plan(r, list->items[i], site, &y);
        for (uint32_t k = 0; k < i && y.spec.id[0] != '\0'; k++) {
            if (strcmp(site->plans[k].id, y.spec.id) == 0) {
                report_duplicate(r, "maintenance", y.spec.id, &y.spec.loc,
                                 &site->plans[k].loc);
                break;
            }
        }
        site->plans[site->plan_count++] = y.spec;
    }
    qsort(site->plans, site->plan_count, sizeof *site->plans, compare_plans);
}

void
forwards_check(struct reader *r, const struct site *site)
{
    const char **ids = arena_array(r->arena, site->plan_count + 1, sizeof(char *));
    for (uint32_t i = 0; i < site->plan_count; i++) {
        ids[i] = site->plans[i].id;
    }
    for (uint32_t i = 0; i < site->rule_count && site->plan_count > 0; i++) {
        const struct rule_spec *rule = &site->rules[i];
        const char *plan = rule->brings_forward;
        if (plan == NULL || site_plan(site, plan) != NONE_INDEX) {
            continue;
        }
        const char *meant = diag_nearest(plan, ids, site->plan_count);
        diags_add(r->diags, DIAG_WARNING, &rule->forward_loc,
                  "rule \"%s\" brings forward the plan \"%s\", which the site does not "
                  "have; the id of an entry of maintenance is accepted, such as %s",
                  rule->id, plan, meant != NULL ? meant : ids[0]);
    }
}
