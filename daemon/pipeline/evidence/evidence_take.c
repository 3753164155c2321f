#include "daemon/pipeline/evidence/evidence_take.h"

#include <string.h>

#include "daemon/model/ledger.h"
#include "daemon/pipeline/rule/rule_points.h"

void
evidence_texts_fini(struct evidence_texts *t)
{
    strbuf_fini(&t->rule);
    strbuf_fini(&t->facts);
    strbuf_fini(&t->device);
    strbuf_fini(&t->bus);
    t->version[0] = '\0';
}

static void
text_json(struct strbuf *out, const char *key, const struct text *t)
{
    if (key != NULL) {
        strbuf_json_key(out, key);
    }
    strbuf_add_char(out, '{');
    for (int l = 0; l < LANGUAGE_COUNT; l++) {
        strbuf_json_str_opt(out, language_name((enum language)l), t->in[l]);
    }
    strbuf_add_char(out, '}');
}

static void
text_json_opt(struct strbuf *out, const char *key, const struct text *t)
{
    if (!text_is_empty(t)) {
        text_json(out, key, t);
    }
}

static const struct procedure *
procedure_by_id(const struct site *site, const char *id)
{
    for (uint32_t i = 0; id != NULL && i < site->procedure_count; i++) {
        if (strcmp(site->procedures[i].id, id) == 0) {
            return &site->procedures[i];
        }
    }
    return NULL;
}

/* The id of the procedure: the plan's, else the rule's. */
static const char *
procedure_id(const struct site *site, const struct rule_spec *rule, const char *plan)
{
    uint32_t index = plan != NULL ? site_plan(site, plan) : NONE_INDEX;
    if (index != NONE_INDEX) {
        return site->plans[index].procedure;
    }
    return rule != NULL ? rule->procedure : NULL;
}

static void
procedure_json(struct strbuf *out, const struct procedure *p)
{
    strbuf_json_key(out, "procedure");
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", p->id);
    text_json(out, "title", &p->title);
    strbuf_json_key(out, "steps");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < p->step_count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        text_json(out, NULL, &p->steps[i]);
    }
    strbuf_add_char(out, ']');
    strbuf_json_key(out, "parts");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < p->part_count; i++) {
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "name", p->parts[i].name);
        strbuf_json_int(out, "count", p->parts[i].count);
        strbuf_add_char(out, '}');
    }
    strbuf_add(out, "]}");
}

static bool
is_state(const struct point *p)
{
    return p->type == TYPE_BOOL || p->table == REG_COIL || p->table == REG_DISCRETE ||
           (p->type == TYPE_BITS && p->bit_low == p->bit_high);
}

static void
point_json(struct strbuf *out, const struct site *site, uint32_t index, bool read)
{
    const struct point *p = &site->points[index];
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "device", site->devices[p->device].id);
    strbuf_json_str(out, "point", p->id);
    strbuf_json_str_opt(out, "unit", p->unit);
    strbuf_json_bool(out, "state", is_state(p));
    strbuf_json_int(out, "gap_ms", p->stale_after_ms);
    strbuf_json_bool(out, "read", read);
    strbuf_add_char(out, '}');
}

static bool
is_read(const struct rule_points *found, uint32_t point)
{
    for (uint32_t i = 0; i < found->point_count; i++) {
        if (found->points[i] == point) {
            return true;
        }
    }
    return false;
}

static void
points_json(struct strbuf *out,
            const struct site *site,
            const struct rule_points *found,
            const struct device *d)
{
    uint32_t count = 0;
    strbuf_json_key(out, "points");
    strbuf_add_char(out, '[');
    for (; count < found->point_count && count < EVIDENCE_POINTS_MAX; count++) {
        strbuf_add(out, count > 0 ? "," : "");
        point_json(out, site, found->points[count], true);
    }
    for (uint32_t i = d->first_point;
         i < d->first_point + d->point_count && count < EVIDENCE_POINTS_MAX; i++) {
        if (!is_read(found, i) && site->points[i].derived == DERIVED_NONE) {
            strbuf_add(out, count > 0 ? "," : "");
            point_json(out, site, i, false);
            count++;
        }
    }
    strbuf_add_char(out, ']');
}

static void
limits_json(struct strbuf *out,
            const struct site *site,
            const struct rule_points *found)
{
    strbuf_json_key(out, "limits");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < found->limit_count; i++) {
        const struct rule_limit *l = &found->limits[i];
        const struct point *p = &site->points[l->point];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "device", site->devices[p->device].id);
        strbuf_json_str(out, "point", p->id);
        strbuf_json_num(out, "value", l->value);
        strbuf_json_str(out, "text", l->text);
        strbuf_json_bool(out, "clears", l->clears);
        strbuf_json_int(out, "hold_ms", l->hold_ms);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

static void
int_opt(struct strbuf *out, const char *key, int64_t value)
{
    if (value != 0) {
        strbuf_json_int(out, key, value);
    }
}

static bool
is_number(enum ledger_key k)
{
    return k == LEDGER_DESIGN_HOURS || k == LEDGER_DESIGN_STARTS || k == LEDGER_PRICE;
}

void
evidence_ledger_json(struct strbuf *out, const struct ledger *l)
{
    char value[LEDGER_TEXT_BYTES];
    strbuf_add_char(out, '{');
    for (int i = 0; i < LEDGER_KEY_COUNT; i++) {
        enum ledger_key k = (enum ledger_key)i;
        ledger_file_value(value, l, k);
        if (value[0] != '\0' && is_number(k)) {
            strbuf_json_key(out, ledger_key_name(k));
            strbuf_add(out, value); /* Digits, and two behind the point. */
        } else if (value[0] != '\0') {
            strbuf_json_str(out, ledger_key_name(k), value);
        }
    }
    for (uint32_t i = 0; i < l->document_count; i++) {
        const struct ledger_paper *paper = &l->papers[i];
        if (i == 0) {
            strbuf_json_key(out, "documents");
        }
        strbuf_add(out, i == 0 ? "[{" : ",{");
        strbuf_json_str(out, "title", paper->title);
        strbuf_json_str(out, "link", paper->link);
        strbuf_json_str_opt(out, "valid_until", paper->valid_until);
        strbuf_add_char(out, '}');
    }
    strbuf_add(out, l->document_count > 0 ? "]}" : "}");
}

/* Devices on the bus that it stands for, and those that it feeds. */
static void
affects_json(struct strbuf *out, const struct site *site, const struct device *d)
{
    uint32_t own = (uint32_t)(d - site->devices);
    uint32_t count = 0;
    for (uint32_t i = 0; i < site->device_count && count < EVIDENCE_AFFECTED_MAX; i++) {
        const struct device *other = &site->devices[i];
        bool on_bus = other->bus != NONE_INDEX && site->buses[other->bus].device == own;
        if (i == own || (!on_bus && other->parent != own)) {
            continue;
        }
        if (count == 0) {
            strbuf_json_key(out, "affects");
        }
        strbuf_add(out, count == 0 ? "[" : ",");
        strbuf_json_string(out, other->id);
        count++;
    }
    strbuf_add(out, count > 0 ? "]" : "");
}

static void
device_json(struct strbuf *out, const struct site *site, const struct device *d)
{
    strbuf_json_key(out, "device");
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", d->id);
    strbuf_json_str(out, "name", d->name);
    strbuf_json_str(out, "type", d->type);
    strbuf_json_str_opt(out, "location", d->location);
    if (d->tag_count > 0) {
        strbuf_json_key(out, "tags");
        strbuf_add_char(out, '[');
        for (uint32_t i = 0; i < d->tag_count; i++) {
            strbuf_add(out, i > 0 ? "," : "");
            strbuf_json_string(out, d->tags[i]);
        }
        strbuf_add_char(out, ']');
    }
    int_opt(out, "serves", d->serves);
    int_opt(out, "care", d->care);
    if (d->parent != NONE_INDEX) {
        strbuf_json_str(out, "parent", site->devices[d->parent].id);
    }
    if (d->bus != NONE_INDEX) {
        strbuf_json_str(out, "bus", site->buses[d->bus].id);
        strbuf_json_int(out, "unit", d->unit);
    }
    affects_json(out, site, d);
    strbuf_json_key(out, "ledger");
    evidence_ledger_json(out, &d->ledger);
    strbuf_add_char(out, '}');
}

/* Why the rule is there, where it says so. */
static void
reasons_json(struct strbuf *out, const struct rule_spec *r)
{
    text_json_opt(out, "cause", &r->cause);
    text_json_opt(out, "consequence", &r->consequence);
    text_json_opt(out, "action", &r->action);
    strbuf_json_str_opt(out, "source", r->source);
}

static void
group_rule_json(struct strbuf *out, const struct rule_spec *r)
{
    char version[RULE_VERSION_BYTES];
    struct strbuf text = {0};
    rule_text_write(&text, r);
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", r->id);
    strbuf_json_str(out, "version", rule_text_version(version, strbuf_text(&text)));
    strbuf_json_str(out, "text", strbuf_text(&text));
    reasons_json(out, r);
    strbuf_add_char(out, '}');
    strbuf_fini(&text);
}

static bool
shares_ticket(const struct rule_spec *a, const struct rule_spec *b)
{
    return a != b && b->enabled && a->group != NULL && b->group != NULL &&
           strcmp(a->group, b->group) == 0;
}

/* The other rules of its group on that device, and what they read. */
static void
group_json(struct strbuf *out,
           struct arena *arena,
           struct rule_points *found,
           const struct site *site,
           const struct rule_spec *rule,
           uint32_t device)
{
    bool any = false;
    for (uint32_t i = 0; i < site->rule_count; i++) {
        const struct rule_spec *r = &site->rules[i];
        struct rule_points its = {0};
        if (!shares_ticket(rule, r) ||
            !applies_to_device(&r->applies_to, &site->devices[device])) {
            continue;
        }
        rule_points_add(&its, arena, site, r, device);
        if (its.absent) {
            continue; /* It goes to devices that have all its points. */
        }
        rule_points_add(found, arena, site, r, device);
        if (!any) {
            strbuf_json_key(out, "group");
        }
        strbuf_add(out, any ? "," : "[");
        group_rule_json(out, r);
        any = true;
    }
    strbuf_add(out, any ? "]" : "");
}

void
evidence_take_facts(struct evidence_texts *out,
                    const struct site *site,
                    uint32_t device,
                    uint32_t rule,
                    const char *plan)
{
    const struct rule_spec *r = rule != NONE_INDEX ? &site->rules[rule] : NULL;
    const struct procedure *p = procedure_by_id(site, procedure_id(site, r, plan));
    struct strbuf *facts = &out->facts;
    strbuf_add_char(facts, '{');
    if (r != NULL) {
        rule_text_write(&out->rule, r);
        rule_text_version(out->version, strbuf_text(&out->rule));
        reasons_json(facts, r);
    }
    if (p != NULL) {
        procedure_json(facts, p);
    }
    if (device != NONE_INDEX) {
        const struct device *d = &site->devices[device];
        struct arena *arena = arena_new();
        struct rule_points found = {0};
        if (r != NULL) {
            rule_points_add(&found, arena, site, r, device);
            group_json(facts, arena, &found, site, r, device);
        }
        points_json(facts, site, &found, d);
        limits_json(facts, site, &found);
        device_json(facts, site, d);
        arena_free(arena);
    }
    strbuf_add_char(facts, '}');
}
