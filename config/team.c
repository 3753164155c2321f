/* Teams: who is on duty, when they work, and whom an unanswered ticket goes to. */
#include <string.h>

#include "config/load.h"
#include "config/number.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"

static bool
is_role(const struct site *site, const char *name)
{
    for (uint32_t i = 0; i < site->person_count; i++) {
        const char *role = site->people[i].role;
        if (role != NULL && strcmp(role, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A list whose entries name people. */
static void
check_people_list(struct reader *r, const struct site *site, const struct node *list)
{
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        if (n->kind == NODE_SCALAR) {
            check_person(r, site, n->text, &n->loc);
        }
    }
}

/* ---- rota ---- */

struct exception_yaml {
    const char *from, *to, *who;
};

static const struct field exception_fields[] = {
    {FIELD("from", FIELD_DATE, struct exception_yaml, from), REQUIRED,
     ABOUT("The day on which the first duty begins.")},
    {FIELD("to", FIELD_DATE, struct exception_yaml, to),
     ABOUT("The day on which the last one begins; the first, if it is left out.")},
    {FIELD("who", FIELD_ID, struct exception_yaml, who), REQUIRED,
     ABOUT("The id of who is on duty instead.")},
};
static const struct shape exception_shape = {SHAPE_OF_TABLE(exception_fields)};
static const struct shape exceptions_shape = {
    .kind = SHAPE_LIST, .item = &exception_shape, .max = ROTA_EXCEPTION_MAX};

struct rota_yaml {
    const struct node *handover, *except;
    const char *start;
    const char *const *weekly;
    const char *const *daily;
    uint32_t weekly_count, daily_count;
};

static const struct shape clock_shape = {.kind = SHAPE_TEXT,
                                         .pattern = "^(" PATTERN_CLOCK "|24:00)$",
                                         .accepted =
                                             "HH:MM such as \"08:00\" is accepted"};

static const struct field rota_fields[] = {
    {FIELD("handover", FIELD_NODE, struct rota_yaml, handover),
     ABOUT("When the duty changes hands: each day, or by weeks on Monday; midnight if "
           "it is left out."),
     SHAPE(clock_shape)},
    {FIELD("weekly", FIELD_STRINGS, struct rota_yaml, weekly),
     .count_offset = offsetof(struct rota_yaml, weekly_count),
     ABOUT("Who is on duty, a week each, in turn.")},
    {FIELD("daily", FIELD_STRINGS, struct rota_yaml, daily),
     .count_offset = offsetof(struct rota_yaml, daily_count),
     ABOUT("Who is on duty, a day each, in turn.")},
    {FIELD("start", FIELD_DATE, struct rota_yaml, start),
     ABOUT("The day, or a day of the week, of the first of them; 1970-01-05, a Monday, "
           "if it is left out.")},
    {FIELD("except", FIELD_NODE, struct rota_yaml, except),
     ABOUT("Who stands in, and when; of two that meet the later one counts."),
     SHAPE(exceptions_shape)},
};
static const char *const rota_forms[] = {"weekly", "daily", NULL};
static const struct shape rota_shape = {SHAPE_OF_TABLE(rota_fields),
                                        .one_of = rota_forms};

/* Both days of a range, the second of which may be left out; false when they are not in
 * order (reported), or one was no date (reported before). */
static bool
read_days(struct reader *r,
          const struct node *n,
          const char *from,
          const char *to,
          int32_t *out_from,
          int32_t *out_to)
{
    if (from == NULL || !civil_parse_date(out_from, from) ||
        !civil_parse_date(out_to, to != NULL ? to : from)) {
        return false;
    }
    if (*out_to < *out_from) {
        struct loc loc = loc_of(n, "to");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"to\" is %s, before \"from\"; the same day or a later one is "
                  "accepted",
                  to);
        return false;
    }
    return true;
}

static void
exceptions_read(struct reader *r,
                const struct site *site,
                const struct node *list,
                struct rota *out)
{
    const struct node *n = list_items(r, list, "except");
    if (n != NULL && list->count > ROTA_EXCEPTION_MAX) {
        diags_add(r->diags, DIAG_ERROR, &list->loc,
                  "\"except\" has %u entries; at most %d are accepted, those of the "
                  "past may go",
                  list->count, ROTA_EXCEPTION_MAX);
        return;
    }
    struct rota_exception *items =
        arena_array(r->arena, list->count + 1, sizeof *items);
    for (; n != NULL; n = n->next) {
        struct exception_yaml y = {0};
        struct rota_exception e = {0};
        (void)fields_read(r, &y, n, "except entry", exception_fields,
                          ARRAY_LEN(exception_fields));
        if (y.who != NULL) {
            struct loc loc = loc_of(n, "who");
            check_person(r, site, y.who, &loc);
        }
        if (read_days(r, n, y.from, y.to, &e.from, &e.to) && y.who != NULL) {
            e.who = y.who;
            items[out->exception_count++] = e;
        }
    }
    out->exceptions = items;
}

static void
read_turns(struct reader *r,
           const struct site *site,
           const struct node *n,
           const struct rota_yaml *y,
           struct rota *out)
{
    bool is_map = n->kind == NODE_MAP;
    if (!is_map && !node_is_empty(n)) {
        return; /* Reported. */
    }
    const struct node *weekly = is_map ? node_get(n, "weekly") : NULL;
    const struct node *daily = is_map ? node_get(n, "daily") : NULL;
    out->daily = daily != NULL;
    out->people = out->daily ? y->daily : y->weekly;
    out->people_count = out->daily ? y->daily_count : y->weekly_count;
    const struct node *list = out->daily ? daily : weekly;
    bool none = list != NULL && list->kind == NODE_LIST && list->count == 0;
    if ((weekly != NULL) == (daily != NULL) || none) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the rota has %s; weekly: [ids], or daily: [ids], is accepted",
                  weekly != NULL && daily != NULL ? tr("two lists of people")
                  : none                          ? tr("an empty list of people")
                                                  : tr("no list of people"));
    }
    if (weekly != NULL) {
        check_people_list(r, site, weekly);
    }
    if (daily != NULL) {
        check_people_list(r, site, daily);
    }
}

static void
rota_read(struct reader *r,
          const struct site *site,
          const struct node *n,
          struct rota *out)
{
    struct rota_yaml y = {0};
    (void)fields_read(r, &y, n, "rota", rota_fields, ARRAY_LEN(rota_fields));
    if (y.handover != NULL &&
        (y.handover->kind != NODE_SCALAR ||
         !number_parse_clock(&out->handover_minute, y.handover->text))) {
        diags_add(r->diags, DIAG_ERROR, &y.handover->loc,
                  "\"handover\" is no time of day; %s", tr(clock_shape.accepted));
    }
    out->start = ROTA_START_DAY;
    if (y.start != NULL) {
        (void)civil_parse_date(&out->start, y.start); /* What is no date is reported. */
    }
    read_turns(r, site, n, &y, out);
    if (y.except != NULL) {
        exceptions_read(r, site, y.except, out);
    }
}

/* ---- hours and quiet hours ---- */

#define PATTERN_DAY  "(mon|tue|wed|thu|fri|sat|sun)"
#define PATTERN_SPAN "^" PATTERN_CLOCK "-(" PATTERN_CLOCK "|24:00)$"
#define SPAN_BYTES   11 /* HH:MM-HH:MM */
#define DAY_MINUTES  CIVIL_DAY_MINUTES

static const struct shape span_shape = {.kind = SHAPE_TEXT,
                                        .pattern = PATTERN_SPAN,
                                        .accepted = "\"08:00-18:00\" is accepted"};
static const struct shape spans_shape = {
    .kind = SHAPE_LIST, .item = &span_shape, .min = 1, .max = TEAM_HOURS_MAX};
static const struct shape *const hours_forms[] = {&span_shape, &spans_shape, NULL};
static const struct shape hours_of_day_shape = {.kind = SHAPE_ANY, .any = hours_forms};
static const struct shape hours_shape = {
    .kind = SHAPE_KEYED,
    .item = &hours_of_day_shape,
    .pattern = "^" PATTERN_DAY "(-" PATTERN_DAY ")?$",
    .accepted = "mon tue wed thu fri sat sun, or mon-fri, is accepted"};
static const struct shape quiet_shape = {.kind = SHAPE_TEXT,
                                         .pattern = PATTERN_SPAN,
                                         .accepted = "\"22:00-07:00\" is accepted"};

/* 0: Monday; -1: none of them. */
static int
weekday_of(const char *text)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < (int)ARRAY_LEN(days); i++) {
        if (strncmp(text, days[i], 3) == 0) {
            return i;
        }
    }
    return -1;
}

/* `mon-fri`, `sat` or `sat-mon`. */
static bool
parse_days(const char *text, int *first, int *last)
{
    size_t size = strlen(text);
    if (size != 3 && (size != 7 || text[3] != '-')) {
        return false;
    }
    *first = weekday_of(text);
    *last = size == 7 ? weekday_of(text + 4) : *first;
    return *first >= 0 && *last >= 0;
}

/* `22:00-06:00`: what ends before it begins ends on the next day. */
static bool
parse_span(const struct node *n, int *from, int *to)
{
    char begin[6] = "";
    if (n->kind != NODE_SCALAR || strlen(n->text) != SPAN_BYTES || n->text[5] != '-') {
        return false;
    }
    memcpy(begin, n->text, 5);
    if (!number_parse_clock(from, begin) || !number_parse_clock(to, n->text + 6) ||
        *from == *to || *from == DAY_MINUTES) {
        return false;
    }
    *to += *to < *from ? DAY_MINUTES : 0;
    return true;
}

struct hours {
    struct work_span items[7 * TEAM_HOURS_MAX];
    uint32_t count;
    uint32_t of_day[7];
};

static void
add_span(struct reader *r,
         struct hours *h,
         const struct node *n,
         const char *key,
         int first,
         int last)
{
    int from = 0;
    int to = 0;
    if (!parse_span(n, &from, &to)) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the hours of \"%.40s\" are not two times; %s", key,
                  tr(span_shape.accepted));
        return;
    }
    for (int i = 0; i <= (last - first + 7) % 7; i++) {
        int day = (first + i) % 7;
        if (h->of_day[day] == TEAM_HOURS_MAX) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "a day has more than %d spans of hours; join some of them",
                      TEAM_HOURS_MAX);
            return;
        }
        h->of_day[day]++;
        h->items[h->count++] =
            (struct work_span){(uint8_t)day, (int16_t)from, (int16_t)to};
    }
}

/* By weekday, then begin: a handful, in any order. */
static void
sort_spans(struct work_span *spans, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct work_span s = spans[i];
        uint32_t at = i;
        while (at > 0 && (spans[at - 1].weekday > s.weekday ||
                          (spans[at - 1].weekday == s.weekday &&
                           spans[at - 1].from_minute > s.from_minute))) {
            spans[at] = spans[at - 1];
            at--;
        }
        spans[at] = s;
    }
}

static void
hours_read(struct reader *r, const struct node *map, struct team *out)
{
    struct hours *h = arena_alloc(r->arena, sizeof *h);
    for (const struct node *n = map_items(r, map, "hours"); n != NULL; n = n->next) {
        int first = 0;
        int last = -1; /* Of no day, when the key is none; its spans are looked at. */
        if (!parse_days(n->key, &first, &last)) {
            diags_add(r->diags, DIAG_ERROR, &n->key_loc, "\"%.40s\" is no day; %s",
                      n->key, tr(hours_shape.accepted));
            first = last = 0;
        }
        if (n->kind == NODE_LIST) {
            for (const struct node *i = n->first; i != NULL; i = i->next) {
                add_span(r, h, i, n->key, first, last);
            }
        } else {
            add_span(r, h, n, n->key, first, last);
        }
    }
    sort_spans(h->items, h->count);
    out->hours = h->items;
    out->hours_count = h->count;
}

static bool
is_quiet(const struct team *team, int minute)
{
    int from = team->quiet_from_minute;
    int to = team->quiet_to_minute;
    int m = minute % DAY_MINUTES;
    return from < to ? from <= m && m < to : m >= from || m < to;
}

/* A team that never works would never have to answer. */
static void
check_some_work(struct reader *r, const struct node *n, const struct team *team)
{
    for (uint32_t i = 0; i < team->hours_count; i++) {
        const struct work_span *s = &team->hours[i];
        for (int m = s->from_minute; m < s->to_minute; m++) {
            if (!is_quiet(team, m)) {
                return;
            }
        }
    }
    if (team->hours_count > 0) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the quiet hours leave nothing of the team's hours; let the two "
                  "leave some time to work");
    }
}

static void
quiet_read(struct reader *r, const struct node *n, struct team *out)
{
    int from = 0;
    int to = 0;
    if (!parse_span(n, &from, &to)) {
        diags_add(r->diags, DIAG_ERROR, &n->loc, "\"quiet\" is not two times; %s",
                  tr(quiet_shape.accepted));
        return;
    }
    to -= to > DAY_MINUTES ? DAY_MINUTES : 0;
    if (from == 0 && to == DAY_MINUTES) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"quiet\" is the whole day; let it leave some time to work");
        return;
    }
    out->has_quiet = true;
    out->quiet_from_minute = from;
    out->quiet_to_minute = to;
    check_some_work(r, n, out);
}

/* ---- escalation ---- */

struct step_yaml {
    int64_t after_ms;
    const char *to;
};

static const struct field step_fields[] = {
    {FIELD("after", FIELD_DURATION, struct step_yaml, after_ms), REQUIRED,
     BETWEEN(0, 31 * MS_DAY),
     ABOUT("How long after the ticket was opened or reopened, in the time that "
           "counts for it.")},
    {FIELD("to", FIELD_ID, struct step_yaml, to), REQUIRED,
     ABOUT("The id of a person, or a role: who has it in the team, else in the site.")},
};
static const struct shape step_shape = {SHAPE_OF_TABLE(step_fields)};
static const struct shape escalate_shape = {.kind = SHAPE_LIST, .item = &step_shape};

static void
escalate_read(struct reader *r,
              const struct site *site,
              const struct node *list,
              struct team *out)
{
    int64_t last = -1;
    struct escalation *steps = arena_array(r->arena, list->count + 1, sizeof *steps);
    const struct node *n = list_items(r, list, "escalate");
    for (; n != NULL; n = n->next) {
        struct step_yaml y = {.after_ms = -1};
        (void)fields_read(r, &y, n, "escalate step", step_fields,
                          ARRAY_LEN(step_fields));
        if (y.to != NULL && !is_role(site, y.to)) {
            struct loc loc = loc_of(n, "to");
            size_t count = site->person_count;
            const char **ids = arena_array(r->arena, count + 1, sizeof(const char *));
            bool found = false;
            for (size_t i = 0; i < count; i++) {
                ids[i] = site->people[i].id;
                found = found || strcmp(ids[i], y.to) == 0;
            }
            if (!found) {
                report_dangling(r, &loc, "person or role", y.to, ids, count);
            }
        }
        if (y.after_ms >= 0 && y.after_ms <= last) {
            struct loc loc = loc_of(n, "after");
            diags_add(
                r->diags, DIAG_ERROR, &loc,
                "\"after\" does not rise from step to step; each step comes later "
                "than the one before");
        }
        last = y.after_ms >= 0 ? y.after_ms : last;
        if (y.to != NULL) {
            steps[out->escalate_count++] = (struct escalation){y.after_ms, y.to};
        }
    }
    out->escalate = steps;
}

/* ---- the team ---- */

struct team_yaml {
    struct team team;
    const struct node *rota, *hours, *quiet, *escalate;
};

static const struct field team_fields[] = {
    {FIELD("id", FIELD_ID, struct team_yaml, team.id), REQUIRED,
     ABOUT("Its id; rules and plans name it.")},
    {FIELD("name", FIELD_TEXT, struct team_yaml, team.name),
     ABOUT("Its name; the id if it is left out.")},
    {FIELD("members", FIELD_STRINGS, struct team_yaml, team.members),
     .count_offset = offsetof(struct team_yaml, team.member_count),
     ABOUT("The ids of the people in it.")},
    {FIELD("categories", FIELD_STRINGS, struct team_yaml, team.categories),
     .count_offset = offsetof(struct team_yaml, team.category_count),
     ABOUT("The categories whose tickets it gets when they name no team.")},
    {FIELD("rota", FIELD_NODE, struct team_yaml, rota),
     ABOUT("Who of them is on duty, and gets its tickets."), SHAPE(rota_shape)},
    {FIELD("hours", FIELD_NODE, struct team_yaml, hours),
     ABOUT("When it works normal tickets, whose clocks stand outside of them; critical "
           "and urgent ones always."),
     SHAPE(hours_shape)},
    {FIELD("quiet", FIELD_NODE, struct team_yaml, quiet),
     ABOUT("When normal tickets wait, every day; critical and urgent ones never."),
     SHAPE(quiet_shape)},
    {FIELD("escalate", FIELD_NODE, struct team_yaml, escalate),
     ABOUT("Whom a ticket goes to that nobody answers."), SHAPE(escalate_shape)},
};
const struct shape team_shape = {SHAPE_OF_TABLE(team_fields), .name = "team",
                                 .about = "People who get tickets together."};

/* The first team that has a category gets its tickets, so another one that names it
 * never does. */
static void
check_categories(struct reader *r, const struct site *site, const struct node *list)
{
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        for (uint32_t k = 0; k < site->team_count; k++) {
            const struct team *other = &site->teams[k];
            for (uint32_t c = 0; c < other->category_count; c++) {
                if (n->text != NULL && strcmp(other->categories[c], n->text) == 0) {
                    diags_add(
                        r->diags, DIAG_WARNING, &n->loc,
                        "the category \"%.60s\" goes to team \"%s\", which has it "
                        "first",
                        n->text, other->id);
                }
            }
        }
    }
}

static void
read_team(struct reader *r, const struct node *n, struct site *site, struct team *out)
{
    struct team_yaml y = {.team = {.id = "", .loc = n->loc}};
    (void)fields_read(r, &y, n, "team", team_fields, ARRAY_LEN(team_fields));
    struct team *team = &y.team;
    if (text_in(&team->name, LANGUAGE_EN) == NULL) {
        team->name.in[LANGUAGE_EN] = team->id;
    }
    bool is_map = n->kind == NODE_MAP;
    if (is_map && node_get(n, "members") != NULL) {
        check_people_list(r, site, node_get(n, "members"));
    }
    if (is_map && node_get(n, "categories") != NULL) {
        check_categories(r, site, node_get(n, "categories"));
    }
    if (y.rota != NULL) {
        rota_read(r, site, y.rota, &team->rota);
    }
    if (is_map && node_get(n, "members") != NULL) {
        check_members(r, site, n, team);
    }
    if (y.hours != NULL) {
        hours_read(r, y.hours, team);
    }
    if (y.quiet != NULL) {
        quiet_read(r, y.quiet, team);
    }
    if (y.escalate != NULL) {
        escalate_read(r, site, y.escalate, team);
    }
    *out = *team;
}

void
teams_read(struct reader *r, const struct sections *s, struct site *site)
{
    const struct node_list *list = &s->lists[SECTION_TEAMS];
    site->teams = arena_array(r->arena, list->count + 1, sizeof *site->teams);
    for (uint32_t i = 0; i < list->count; i++) {
        struct team *team = &site->teams[i];
        read_team(r, list->items[i], site, team);
        for (uint32_t k = 0; k < i; k++) {
            if (team->id[0] != 0 && strcmp(site->teams[k].id, team->id) == 0) {
                report_duplicate(r, "team", team->id, &team->loc, &site->teams[k].loc);
                break;
            }
        }
        site->team_count++;
    }
}

static bool
some_team_has(const struct site *site, const char *category)
{
    for (uint32_t i = 0; category != NULL && i < site->team_count; i++) {
        for (uint32_t k = 0; k < site->teams[i].category_count; k++) {
            if (strcmp(site->teams[i].categories[k], category) == 0) {
                return true;
            }
        }
    }
    return false;
}

void
receivers_check(struct reader *r, const struct site *site)
{
    /* What is wrong comes first: a team that cannot be read is not there. */
    bool asks = site->team_count > 0 && r->diags->errors == 0;
    for (uint32_t i = 0; i < site->rule_count && asks; i++) {
        const struct rule_spec *rule = &site->rules[i];
        bool opens = rule->enabled && rule->level_count > 0 &&
                     rule->levels[rule->level_count - 1].severity != SEVERITY_INFO;
        if (!opens || rule->team != NULL || some_team_has(site, rule->category)) {
            continue;
        }
        diags_add(
            r->diags, DIAG_WARNING, &rule->loc,
            "the tickets of rule \"%s\" go to no team, so nobody is asked and "
            "nothing goes up; ticket: {team: %s} is accepted, or a category that a "
            "team has",
            rule->id, site->teams[0].id);
    }
}
