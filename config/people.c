/* People. */
#include <string.h>

#include "config/load.h"
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

/* What one entry of the list says, which may be several ways. */
static uint32_t
add_ways(struct way *out, const struct way_yaml *y)
{
    const struct way all[] = {{WAY_MAIL, y->mail},
                              {WAY_WEBHOOK, y->webhook},
                              {WAY_PHONE, y->phone},
                              {WAY_SMS, y->sms}};
    uint32_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i].address != NULL) {
            out[count++] = all[i];
        }
    }
    return count;
}

static void
ways_read(struct reader *r, const struct node *list, struct person *out)
{
    struct way *ways =
        arena_array(r->arena, list->count * ARRAY_LEN(way_fields) + 1, sizeof *ways);
    for (const struct node *n = list_items(r, list, "ways"); n != NULL; n = n->next) {
        struct way_yaml y = {0};
        (void)fields_read(r, &y, n, "way", way_fields, ARRAY_LEN(way_fields));
        if (y.mail != NULL && strchr(y.mail, '@') == NULL) {
            struct loc loc = loc_of(n, "mail");
            diags_add(r->diags, DIAG_ERROR, &loc,
                      "\"mail\" is \"%.80s\"; " MAIL_ACCEPTED, y.mail);
        }
        out->way_count += add_ways(&ways[out->way_count], &y);
    }
    out->ways = ways;
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
     ABOUT("The categories of tickets that they can work.")},
    {FIELD("ways", FIELD_NODE, struct person_yaml, ways),
     ABOUT("How they are reached, the best way first."), SHAPE(ways_shape)},
};
const struct shape person_shape = {SHAPE_OF_TABLE(person_fields), .name = "person",
                                   .about = "Somebody who works here."};

static bool
is_person(const struct site *site, const char *id)
{
    for (uint32_t i = 0; i < site->person_count; i++) {
        if (strcmp(site->people[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_member(const struct team *team, uint32_t count, const char *id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(team->members[i], id) == 0) {
            return true;
        }
    }
    return false;
}

void
check_members(struct reader *r,
              const struct site *site,
              const struct node *map,
              const struct team *team)
{
    uint32_t at = 0;
    for (const struct node *n = node_get(map, "members")->first;
         n != NULL && at < team->member_count; n = n->next) {
        if (n->kind == NODE_SCALAR && is_member(team, at++, n->text)) {
            diags_add(r->diags, DIAG_WARNING, &n->loc,
                      "\"%.60s\" is twice among the members of team \"%s\"", n->text,
                      team->id);
        }
    }
    const struct node *rota = node_get(map, "rota");
    bool turns = team->rota.people_count > 0 && team->member_count > 0;
    const struct node *list =
        turns ? node_get(rota, team->rota.daily ? "daily" : "weekly") : NULL;
    for (const struct node *n = turns ? list->first : NULL; n != NULL; n = n->next) {
        if (n->kind == NODE_SCALAR && is_person(site, n->text) &&
            !is_member(team, team->member_count, n->text)) {
            diags_add(r->diags, DIAG_WARNING, &n->loc,
                      "\"%.60s\" is on the rota of team \"%s\" and not among its "
                      "members",
                      n->text, team->id);
        }
    }
}

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
            ways_read(r, y.ways, &y.person);
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
