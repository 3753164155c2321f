#include "daemon/pipeline/listings/site_json.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/model/cause.h"
#include "daemon/pipeline/rows/report_names.h"
#include "daemon/pipeline/rows/report_rows.h"

static const char *
said(const struct text *text, const char *otherwise)
{
    const char *in = text_in(text, catalogue_language());
    return in != NULL ? in : otherwise;
}

/* ---- words that devices and rules have ---- */

static void
add_names(struct strbuf *out, const char *key, struct report_names *names)
{
    report_names_sort(names);
    strbuf_json_key(out, key);
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < names->count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        strbuf_json_string(out, names->items[i]);
    }
    strbuf_add_char(out, ']');
    report_names_fini(names);
}

static void
add_places(struct strbuf *out, const struct site *site)
{
    struct report_names areas = {0};
    struct report_names types = {0};
    struct report_names locations = {0};
    struct report_names categories = {0};
    for (uint32_t i = 0; i < site->device_count; i++) {
        const struct device *d = &site->devices[i];
        (void)report_names_add(&types, d->type);
        (void)report_names_add(&locations, d->location);
        if (d->role == DEVICE_EQUIPMENT) {
            (void)report_names_add(&areas, report_area(d));
        }
    }
    for (uint32_t i = 0; i < site->rule_count; i++) {
        (void)report_names_add(&categories, site->rules[i].category);
    }
    for (uint32_t i = 0; i < site->team_count; i++) {
        for (uint32_t k = 0; k < site->teams[i].category_count; k++) {
            (void)report_names_add(&categories, site->teams[i].categories[k]);
        }
    }
    add_names(out, "areas", &areas);
    add_names(out, "types", &types);
    add_names(out, "locations", &locations);
    add_names(out, "categories", &categories);
}

static void
add_list(struct strbuf *out, const char *key, const char *const *items, uint32_t count)
{
    strbuf_json_key(out, key);
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        strbuf_json_string(out, items[i]);
    }
    strbuf_add_char(out, ']');
}

/* ---- people ---- */

static void
add_ways(struct strbuf *out, const struct person *p)
{
    static const char *const kinds[] = {"mail", "webhook", "phone", "sms"};
    bool first = true;
    strbuf_json_key(out, "ways");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < p->way_count; i++) {
        if (p->ways[i].kind == WAY_WEBHOOK) {
            continue; /* An address of it is a secret. */
        }
        strbuf_add(out, first ? "{" : ",{");
        strbuf_json_str(out, "kind", kinds[p->ways[i].kind]);
        strbuf_json_str(out, "address", p->ways[i].address);
        strbuf_add_char(out, '}');
        first = false;
    }
    strbuf_add_char(out, ']');
}

static void
add_people(struct strbuf *out, const struct site *site)
{
    strbuf_json_key(out, "teams");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < site->team_count; i++) {
        const struct team *t = &site->teams[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "id", t->id);
        strbuf_json_str(out, "name", said(&t->name, t->id));
        add_list(out, "members", t->members, t->member_count);
        add_list(out, "categories", t->categories, t->category_count);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
    strbuf_json_key(out, "people");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < site->person_count; i++) {
        const struct person *p = &site->people[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "id", p->id);
        strbuf_json_str(out, "name", p->name);
        strbuf_json_str(out, "role", p->role);
        add_list(out, "skills", p->skills, p->skill_count);
        add_ways(out, p);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

static void
add_promises(struct strbuf *out, const struct site *site)
{
    strbuf_json_key(out, "priorities");
    strbuf_add_char(out, '{');
    for (int s = SEVERITY_COUNT - 1; s > SEVERITY_INFO; s--) {
        strbuf_json_key(out, severity_name((enum severity)s));
        strbuf_add_char(out, '{');
        strbuf_json_int(out, "respond_ms", site->promises[s].respond_ms);
        strbuf_json_int(out, "resolve_ms", site->promises[s].resolve_ms);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, '}');
    strbuf_json_int(out, "verify_for_ms", site->verify_for_ms);
    strbuf_json_int(out, "follow_up_ms", site->follow_up_ms);
    strbuf_json_int(out, "visit_after_ms", site->visit_after_ms);
    strbuf_json_key(out, "chatter");
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "episodes", site->chatter_episodes);
    strbuf_json_int(out, "window_ms", site->chatter_window_ms);
    strbuf_add_char(out, '}');
}

/* ---- work ---- */

static void
add_plans(struct strbuf *out, const struct site *site)
{
    strbuf_json_key(out, "plans");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < site->plan_count; i++) {
        const struct plan_spec *p = &site->plans[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "id", p->id);
        strbuf_json_str(out, "title", said(&p->title, p->id));
        strbuf_json_str(out, "team", p->team);
        strbuf_json_str(out, "procedure", p->procedure);
        strbuf_json_bool(out, "statutory", p->statutory);
        strbuf_json_str(out, "priority", severity_name(p->priority));
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

static void
add_causes(struct strbuf *out, const struct site *site)
{
    size_t count = 0;
    strbuf_json_key(out, "causes");
    strbuf_add_char(out, '[');
    for (; cause_code(count) != NULL; count++) {
        strbuf_add(out, count > 0 ? ",{" : "{");
        strbuf_json_str(out, "code", cause_code(count));
        strbuf_json_str(out, "text", cause_meaning(count));
        strbuf_add_char(out, '}');
    }
    for (uint32_t i = 0; i < site->cause_count; i++) {
        strbuf_add(out, count + i > 0 ? ",{" : "{");
        strbuf_json_str(out, "code", site->causes[i]);
        strbuf_json_str(out, "text", site->causes[i]);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

static void
add_procedures(struct strbuf *out, const struct site *site)
{
    strbuf_json_key(out, "procedures");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < site->procedure_count; i++) {
        const struct procedure *p = &site->procedures[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "id", p->id);
        strbuf_json_str(out, "title", said(&p->title, p->id));
        strbuf_json_int(out, "steps", p->step_count);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

/* ---- what the words of listings are called ---- */

#define ADD_WORDS(out, prefix, type, first, count)                                     \
    do {                                                                               \
        strbuf_json_key(out, #prefix);                                                 \
        strbuf_add_char(out, '{');                                                     \
        for (int v = (first); v < (count); v++) {                                      \
            strbuf_json_str(out, prefix##_name((type)v), prefix##_word((type)v));      \
        }                                                                              \
        strbuf_add_char(out, '}');                                                     \
    } while (0)

static void
add_words(struct strbuf *out)
{
    strbuf_json_key(out, "words");
    strbuf_add_char(out, '{');
    ADD_WORDS(out, severity, enum severity, 0, SEVERITY_COUNT);
    ADD_WORDS(out, alarm_state, enum alarm_state, 0, ALARM_STATE_COUNT);
    ADD_WORDS(out, ticket_state, enum ticket_state, 0, TICKET_STATE_COUNT);
    ADD_WORDS(out, ticket_kind, enum ticket_kind, 0, TICKET_KIND_COUNT);
    ADD_WORDS(out, pause, enum pause, PAUSE_PARTS, PAUSE_COUNT);
    ADD_WORDS(out, proof, enum proof, PROOF_STANDS, PROOF_COUNT);
    ADD_WORDS(out, quality, enum quality, 0, QUALITY_COUNT);
    ADD_WORDS(out, document_kind, enum document_kind, 0, DOCUMENT_KIND_COUNT);
    strbuf_add_char(out, '}');
}

void
site_json(struct strbuf *out,
          const struct site *site,
          int64_t now_ms,
          const char *users)
{
    struct site_equipment owned = site_equipment(site);
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", site->id);
    strbuf_json_str(out, "name", site->name);
    strbuf_json_str(out, "timezone", site->timezone);
    strbuf_json_str(out, "language", language_name(site->language));
    strbuf_json_str(out, "currency", site->currency);
    strbuf_json_str(out, "version", CARETAKER_VERSION);
    strbuf_json_int(out, "now", now_ms);
    add_places(out, site);
    add_people(out, site);
    strbuf_json_key(out, "users");
    strbuf_add(out, users);
    add_promises(out, site);
    add_procedures(out, site);
    add_plans(out, site);
    add_causes(out, site);
    add_words(out);
    strbuf_json_int(out, "devices", owned.devices);
    strbuf_json_int(out, "points", owned.points);
    strbuf_json_int(out, "buses", site->bus_count);
    strbuf_json_int(out, "rules", site->rule_count);
    strbuf_add_char(out, '}');
}

/* ---- procedures ---- */

static void
add_users(struct strbuf *out, const struct site *site, const char *procedure)
{
    bool first = true;
    strbuf_json_key(out, "used_by");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < site->rule_count; i++) {
        const struct rule_spec *r = &site->rules[i];
        if (r->procedure != NULL && strcmp(r->procedure, procedure) == 0) {
            strbuf_add(out, first ? "" : ",");
            strbuf_json_string(out, r->id);
            first = false;
        }
    }
    strbuf_add_char(out, ']');
    first = true;
    strbuf_json_key(out, "plans");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < site->plan_count; i++) {
        const struct plan_spec *p = &site->plans[i];
        if (p->procedure != NULL && strcmp(p->procedure, procedure) == 0) {
            strbuf_add(out, first ? "" : ",");
            strbuf_json_string(out, p->id);
            first = false;
        }
    }
    strbuf_add_char(out, ']');
}

void
site_procedures_json(struct strbuf *out, const struct site *site)
{
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < site->procedure_count; i++) {
        const struct procedure *p = &site->procedures[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "id", p->id);
        strbuf_json_str(out, "title", said(&p->title, p->id));
        strbuf_json_key(out, "steps");
        strbuf_add_char(out, '[');
        for (uint32_t s = 0; s < p->step_count; s++) {
            strbuf_add(out, s > 0 ? "," : "");
            strbuf_json_string(out, said(&p->steps[s], ""));
        }
        strbuf_add_char(out, ']');
        strbuf_json_key(out, "parts");
        strbuf_add_char(out, '[');
        for (uint32_t k = 0; k < p->part_count; k++) {
            strbuf_add(out, k > 0 ? ",{" : "{");
            strbuf_json_str(out, "name", p->parts[k].name);
            strbuf_json_int(out, "count", p->parts[k].count);
            strbuf_add_char(out, '}');
        }
        strbuf_add_char(out, ']');
        add_users(out, site, p->id);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}
