/* People, and the teams that they are in. */
#include <string.h>

#include "config/load.h"
#include "config/number.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"

struct person_yaml {
    struct person person;
    const struct node *ways;
};

struct way_yaml {
    const char *mail, *webhook, *phone, *sms;
};

#define MAIL_ACCEPTED "an address such as zhang@example.org is accepted"

static const struct field way_fields[] = {
    {FIELD("mail", FIELD_STRING, struct way_yaml, mail), LIKE("@", MAIL_ACCEPTED),
     ABOUT("A mail address.")},
    {FIELD("webhook", FIELD_STRING, struct way_yaml, webhook),
     ABOUT("An address that is called.")},
    {FIELD("phone", FIELD_STRING, struct way_yaml, phone),
     ABOUT("A number that is called.")},
    {FIELD("sms", FIELD_STRING, struct way_yaml, sms),
     ABOUT("A number that gets a text message.")},
};
static const struct shape way_shape = {SHAPE_OF_TABLE(way_fields)};
static const struct shape ways_shape = {.kind = SHAPE_LIST, .item = &way_shape};

static void
ways_check(struct reader *r, const struct node *list)
{
    for (const struct node *n = list_items(r, list, "ways"); n != NULL; n = n->next) {
        struct way_yaml y = {0};
        (void)fields_read(r, &y, n, "way", way_fields, ARRAY_LEN(way_fields));
        if (y.mail != NULL && strchr(y.mail, '@') == NULL) {
            struct loc loc = loc_of(n, "mail");
            diags_add(r->diags, DIAG_ERROR, &loc,
                      "\"mail\" is \"%.80s\"; " MAIL_ACCEPTED, y.mail);
        }
    }
}

static const struct field person_fields[] = {
    {FIELD("id", FIELD_ID, struct person_yaml, person.id), REQUIRED,
     ABOUT("Their id; commands carry it.")},
    {FIELD("name", FIELD_STRING, struct person_yaml, person.name), .max = 63,
     ABOUT("Their name.")},
    {FIELD("role", FIELD_ID, struct person_yaml, person.role),
     ABOUT("What an escalation may name in the place of a person.")},
    {FIELD("skills", FIELD_STRINGS, struct person_yaml, person.skills),
     .count_offset = offsetof(struct person_yaml, person.skill_count),
     ABOUT("What they can do.")},
    {FIELD("ways", FIELD_NODE, struct person_yaml, ways),
     ABOUT("How they are reached, the best way first."), SHAPE(ways_shape)},
};
const struct shape person_shape = {SHAPE_OF_TABLE(person_fields), .name = "person",
                                   .about = "Somebody who works here."};

void
people_read(struct reader *r, const struct sections *s, struct site *site)
{
    const struct node_list *list = &s->lists[SECTION_PEOPLE];
    site->people = arena_array(r->arena, list->count + 1, sizeof *site->people);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct node *n = list->items[i];
        struct person_yaml y = {.person = {.id = "", .loc = n->loc}};
        (void)fields_read(r, &y, n, "person", person_fields, ARRAY_LEN(person_fields));
        y.person.name = y.person.name != NULL ? y.person.name : y.person.id;
        if (y.ways != NULL) {
            ways_check(r, y.ways);
        }
        for (uint32_t k = 0; k < i; k++) {
            if (y.person.id[0] != 0 && strcmp(site->people[k].id, y.person.id) == 0) {
                report_duplicate(r, "person", y.person.id, &n->loc,
                                 &site->people[k].loc);
                break;
            }
        }
        site->people[site->person_count++] = y.person;
    }
}

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

struct rota_yaml {
    const struct node *handover;
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
     ABOUT("When the duty changes hands."), SHAPE(clock_shape)},
    {FIELD("weekly", FIELD_STRINGS, struct rota_yaml, weekly),
     .count_offset = offsetof(struct rota_yaml, weekly_count),
     ABOUT("Who is on duty, a week each.")},
    {FIELD("daily", FIELD_STRINGS, struct rota_yaml, daily),
     .count_offset = offsetof(struct rota_yaml, daily_count),
     ABOUT("Who is on duty, a day each.")},
};
static const char *const rota_forms[] = {"weekly", "daily", NULL};
static const struct shape rota_shape = {SHAPE_OF_TABLE(rota_fields),
                                        .one_of = rota_forms};

static void
rota_check(struct reader *r, const struct site *site, const struct node *n)
{
    struct rota_yaml y = {0};
    int minutes;
    (void)fields_read(r, &y, n, "rota", rota_fields, ARRAY_LEN(rota_fields));
    if (y.handover != NULL && (y.handover->kind != NODE_SCALAR ||
                               !number_parse_clock(&minutes, y.handover->text))) {
        diags_add(r->diags, DIAG_ERROR, &y.handover->loc,
                  "\"handover\" is no time of day; %s", tr(clock_shape.accepted));
    }
    bool is_map = n->kind == NODE_MAP;
    if (!is_map && !node_is_empty(n)) {
        return;
    }
    const struct node *weekly = is_map ? node_get(n, "weekly") : NULL;
    const struct node *daily = is_map ? node_get(n, "daily") : NULL;
    if ((weekly != NULL) == (daily != NULL)) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the rota has %s; weekly: [ids], or daily: [ids], is accepted",
                  weekly == NULL ? tr("no list of people") : tr("two lists of people"));
    }
    if (weekly != NULL) {
        check_people_list(r, site, weekly);
    }
    if (daily != NULL) {
        check_people_list(r, site, daily);
    }
}

#define PATTERN_DAY "(mon|tue|wed|thu|fri|sat|sun)"
static const struct shape hours_of_day_shape = {
    .kind = SHAPE_TEXT,
    .pattern = "^" PATTERN_CLOCK "-(" PATTERN_CLOCK "|24:00)$",
    .accepted = "\"08:00-18:00\" is accepted"};
static const struct shape hours_shape = {
    .kind = SHAPE_KEYED,
    .item = &hours_of_day_shape,
    .pattern = "^" PATTERN_DAY "(-" PATTERN_DAY ")?$",
    .accepted = "mon tue wed thu fri sat sun, or mon-fri, is accepted"};

/* `mon-fri` or `sat`. */
static bool
is_days(const char *text)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    size_t size = strlen(text);
    bool first = false;
    bool last = size == 3;
    for (size_t i = 0; i < ARRAY_LEN(days) && size >= 3; i++) {
        first = first || strncmp(text, days[i], 3) == 0;
        last = last || (size == 7 && text[3] == '-' && strcmp(text + 4, days[i]) == 0);
    }
    return first && last;
}

static void
hours_check(struct reader *r, const struct node *map)
{
    for (const struct node *n = map_items(r, map, "hours"); n != NULL; n = n->next) {
        int from = 0;
        int to = 0;
        char start[6] = "";
        if (!is_days(n->key)) {
            diags_add(r->diags, DIAG_ERROR, &n->key_loc, "\"%.40s\" is no day; %s",
                      n->key, tr(hours_shape.accepted));
        }
        bool ok = n->kind == NODE_SCALAR && strlen(n->text) == 11 && n->text[5] == '-';
        if (ok) {
            memcpy(start, n->text, 5);
        }
        if (!ok || !number_parse_clock(&from, start) ||
            !number_parse_clock(&to, n->text + 6) || from >= to) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "the hours of \"%.40s\" are not two times; %s", n->key,
                      tr(hours_of_day_shape.accepted));
        }
    }
}

struct step_yaml {
    int64_t after_ms;
    const char *to;
};

static const struct field step_fields[] = {
    {FIELD("after", FIELD_DURATION, struct step_yaml, after_ms), REQUIRED,
     BETWEEN(0, 31 * MS_DAY), ABOUT("How long after the ticket was opened.")},
    {FIELD("to", FIELD_ID, struct step_yaml, to), REQUIRED,
     ABOUT("The id of a person, or a role.")},
};
static const struct shape step_shape = {SHAPE_OF_TABLE(step_fields)};
static const struct shape escalate_shape = {.kind = SHAPE_LIST, .item = &step_shape};

static void
escalate_check(struct reader *r, const struct site *site, const struct node *list)
{
    int64_t last = -1;
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
    }
}

struct team_yaml {
    struct team team;
    const char *name;
    const struct node *rota, *hours, *escalate;
};

static const struct field team_fields[] = {
    {FIELD("id", FIELD_ID, struct team_yaml, team.id), REQUIRED,
     ABOUT("Its id; rules and plans name it.")},
    {FIELD("name", FIELD_STRING, struct team_yaml, name), ABOUT("Its name.")},
    {FIELD("members", FIELD_STRINGS, struct team_yaml, team.members),
     .count_offset = offsetof(struct team_yaml, team.member_count),
     ABOUT("The ids of the people in it.")},
    {FIELD("rota", FIELD_NODE, struct team_yaml, rota),
     ABOUT("Who of them is on duty."), SHAPE(rota_shape)},
    {FIELD("hours", FIELD_NODE, struct team_yaml, hours),
     ABOUT("When it takes normal tickets; critical and urgent ones always."),
     SHAPE(hours_shape)},
    {FIELD("escalate", FIELD_NODE, struct team_yaml, escalate),
     ABOUT("Whom a ticket goes to that nobody answers."), SHAPE(escalate_shape)},
};
const struct shape team_shape = {SHAPE_OF_TABLE(team_fields), .name = "team",
                                 .about = "People who get tickets together."};

static void
read_team(struct reader *r, const struct node *n, struct site *site, struct team *out)
{
    struct team_yaml y = {.team = {.id = "", .loc = n->loc}};
    (void)fields_read(r, &y, n, "team", team_fields, ARRAY_LEN(team_fields));
    *out = y.team;
    if (n->kind == NODE_MAP && node_get(n, "members") != NULL) {
        check_people_list(r, site, node_get(n, "members"));
    }
    if (y.rota != NULL) {
        rota_check(r, site, y.rota);
    }
    if (y.hours != NULL) {
        hours_check(r, y.hours);
    }
    if (y.escalate != NULL) {
        escalate_check(r, site, y.escalate);
    }
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
