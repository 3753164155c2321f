#include "daemon/ticket/dispatch.h"

#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/ticket/rota.h"

#define NOON_MINUTE 720 /* When whoever makes the visits of a day is on duty. */

static bool
is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool
holds(const char *const *words, uint32_t count, const char *word)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

const struct team *
dispatch_team_of(const struct site *site, const char *id)
{
    for (uint32_t i = 0; is_given(id) && i < site->team_count; i++) {
        if (strcmp(site->teams[i].id, id) == 0) {
            return &site->teams[i];
        }
    }
    return NULL;
}

const struct team *
dispatch_team(const struct site *site, const char *team, const char *category)
{
    if (is_given(team)) {
        return dispatch_team_of(site, team);
    }
    for (uint32_t i = 0; is_given(category) && i < site->team_count; i++) {
        const struct team *t = &site->teams[i];
        if (holds(t->categories, t->category_count, category)) {
            return t;
        }
    }
    return NULL;
}

bool
dispatch_is_of_team(const struct team *team, const char *person)
{
    return team != NULL && holds(team->members, team->member_count, person);
}

static bool
is_member(const struct team *team, const struct person *p)
{
    return team == NULL || holds(team->members, team->member_count, p->id);
}

/* The only member with this skill, or NULL. */
static const char *
only_one_skilled(const struct site *site, const struct team *team, const char *skill)
{
    const char *found = NULL;
    for (uint32_t i = 0; i < site->person_count; i++) {
        const struct person *p = &site->people[i];
        if (!is_member(team, p) || !holds(p->skills, p->skill_count, skill)) {
            continue;
        }
        if (found != NULL) {
            return NULL;
        }
        found = p->id;
    }
    return found;
}

const char *
dispatch_person(const struct site *site,
                const struct team *team,
                const char *category,
                int64_t t_ms)
{
    if (team == NULL) {
        return NULL;
    }
    if (team->rota.people_count > 0) {
        return rota_on_duty(&team->rota, t_ms);
    }
    return is_given(category) ? only_one_skilled(site, team, category) : NULL;
}

const char *
dispatch_person_of_day(const struct site *site,
                       const struct team *team,
                       const char *category,
                       int32_t day)
{
    return dispatch_person(site, team, category, civil_instant(day, NOON_MINUTE));
}

/* True if anybody was added. */
static bool
add_by_role(struct strbuf *out,
            const struct site *site,
            const struct team *team,
            const char *role)
{
    bool any = false;
    for (uint32_t i = 0; i < site->person_count; i++) {
        const struct person *p = &site->people[i];
        if (is_given(p->role) && strcmp(p->role, role) == 0 && is_member(team, p)) {
            strbuf_printf(out, "%s%s", any ? "," : "", p->id);
            any = true;
        }
    }
    return any;
}

void
dispatch_reached(struct strbuf *out,
                 const struct site *site,
                 const struct team *team,
                 const char *to)
{
    for (uint32_t i = 0; i < site->person_count; i++) {
        if (strcmp(site->people[i].id, to) == 0) {
            strbuf_add(out, to);
            return;
        }
    }
    if (team == NULL || !add_by_role(out, site, team, to)) {
        (void)add_by_role(out, site, NULL, to);
    }
}
