#include "daemon/pipeline/listings/rules_json.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/listings/listings.h"
#include "daemon/pipeline/rule/rule_names.h"
#include "daemon/pipeline/rule/rule_text.h"
#include "rules/binding.h"

/* How the alarms of a rule stand. */
struct tally {
    uint32_t standing, hidden, unacked;
};

struct rules_listing {
    const struct site *site;
    struct state *store;
    struct arena *arena; /* Of the programs; nothing of them is read. */
    struct binding binding;
    struct tally *tallies; /* By rule. */
    uint32_t only;         /* This rule alone; NONE_INDEX: all. */
    struct strbuf *rows;   /* By device: of the only rule, its alarm. */
    struct err *err;
    int code;
};

static bool
count_alarm(void *ctx, const struct alarm *a)
{
    struct rules_listing *l = ctx;
    uint32_t rule = site_rule(l->site, a->rule);
    uint32_t device = site_device(l->site, a->device);
    if (rule == NONE_INDEX || device == NONE_INDEX) {
        return true;
    }
    struct tally *t = &l->tallies[rule];
    t->standing += alarm_is_raised(a);
    t->hidden += alarm_state_is_hidden(a->state);
    t->unacked += a->state == ALARM_ACTIVE || a->state == ALARM_CLEARED;
    if (rule == l->only) {
        l->code = listing_alarm(&l->rows[device], l->site, l->store, a,
                                catalogue_language(), l->err);
    }
    return l->code == 0;
}

static int
gather(struct rules_listing *l)
{
    struct diags diags;
    l->arena = arena_new();
    l->tallies = calloc((size_t)l->site->rule_count + 1, sizeof *l->tallies);
    l->rows = calloc((size_t)l->site->device_count + 1, sizeof *l->rows);
    if (l->tallies == NULL || l->rows == NULL) {
        return err_set(l->err, ERR_NOMEM, "rules");
    }
    diags_init(&diags);
    binding_init(&l->binding, l->arena, l->site, &diags);
    diags_fini(&diags); /* They were told when the site was loaded. */
    int code =
        l->store != NULL ? state_each_alarm(l->store, true, count_alarm, l, l->err) : 0;
    return code != 0 ? code : l->code;
}

static void
fini(struct rules_listing *l)
{
    for (uint32_t d = 0; l->rows != NULL && d < l->site->device_count; d++) {
        strbuf_fini(&l->rows[d]);
    }
    binding_fini(&l->binding);
    free(l->tallies);
    free(l->rows);
    arena_free(l->arena);
}

/* ---- one rule ---- */

static void
add_text(struct strbuf *out, const char *key, const struct text *text)
{
    strbuf_json_str(out, key, text_in(text, catalogue_language()));
}

static void
add_condition(struct strbuf *out, const struct rule_spec *r)
{
    strbuf_json_key(out, "levels");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < r->level_count; i++) {
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "severity", severity_name(r->levels[i].severity));
        strbuf_json_str(out, "when", r->levels[i].when.text);
        strbuf_json_str(out, "clear", r->levels[i].clear.text);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
    strbuf_json_str(out, "while", r->while_.text);
    strbuf_json_int(out, "hold_ms", r->hold_ms);
    strbuf_json_int(out, "clear_hold_ms", r->clear_hold_ms);
}

static void
add_applies_to(struct strbuf *out, const struct applies_to *a)
{
    strbuf_json_key(out, "applies_to");
    strbuf_add_char(out, '{');
    strbuf_json_str_opt(out, "type", a->type);
    strbuf_json_str_opt(out, "id", a->id);
    strbuf_json_str_opt(out, "tag", a->tag);
    strbuf_json_str_opt(out, "location", a->location);
    strbuf_add_char(out, '}');
}

static void
add_devices(struct strbuf *out,
            const struct rules_listing *l,
            uint32_t rule,
            uint32_t most)
{
    uint32_t count = 0;
    uint32_t first = NONE_INDEX;
    strbuf_json_key(out, "devices");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < l->binding.count; i++) {
        const struct bound *b = &l->binding.items[i];
        if (b->rule == rule && count++ < most) {
            strbuf_add(out, count > 1 ? "," : "");
            strbuf_json_string(out, l->site->devices[b->device].id);
        }
        first = b->rule == rule && first == NONE_INDEX ? b->device : first;
    }
    strbuf_add_char(out, ']');
    strbuf_json_int(out, "device_count", count);
    strbuf_json_key(out, "points");
    rule_names_json(out, l->site, &l->site->rules[rule], first);
}

static void
add_work(struct strbuf *out, const struct rule_spec *r)
{
    add_text(out, "cause", &r->cause);
    add_text(out, "consequence", &r->consequence);
    add_text(out, "action", &r->action);
    strbuf_json_int(out, "respond_within_ms", r->respond_within_ms);
    strbuf_json_str(out, "procedure", r->procedure);
    strbuf_json_str(out, "team", r->team);
    strbuf_json_str(out, "category", r->category);
    strbuf_json_str(out, "ticket_kind", ticket_kind_name(r->ticket_kind));
    strbuf_json_str(out, "group", r->group);
    strbuf_json_bool(out, "latch", r->latch);
    strbuf_json_int(out, "realarm_ms", r->realarm_ms);
    strbuf_json_key(out, "suppressed_by");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < r->suppressed_by_count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        strbuf_json_string(out, r->suppressed_by[i]);
    }
    strbuf_add_char(out, ']');
    strbuf_json_bool(out, "suppresses_children", r->suppresses_children);
    strbuf_json_str(out, "source", r->source);
}

/* Without its closing brace. */
static void
add_rule(struct strbuf *out,
         const struct rules_listing *l,
         uint32_t rule,
         uint32_t devices_most,
         const char *yaml)
{
    const struct rule_spec *r = &l->site->rules[rule];
    const struct tally *t = &l->tallies[rule];
    const char *title = text_in(&r->title, catalogue_language());
    enum severity worst = SEVERITY_INFO;
    char version[RULE_VERSION_BYTES];
    for (uint32_t i = 0; i < r->level_count; i++) {
        worst = r->levels[i].severity > worst ? r->levels[i].severity : worst;
    }
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", r->id);
    strbuf_json_str(out, "title", title != NULL ? title : r->id);
    strbuf_json_bool(out, "enabled", r->enabled);
    strbuf_json_str(out, "severity", severity_name(worst));
    add_condition(out, r);
    add_applies_to(out, &r->applies_to);
    add_devices(out, l, rule, devices_most);
    add_work(out, r);
    strbuf_json_str(out, "version", rule_text_version(version, yaml));
    strbuf_json_str(out, "file", r->loc.file);
    strbuf_json_int(out, "line", r->loc.line);
    strbuf_json_int(out, "standing", t->standing);
    strbuf_json_int(out, "hidden", t->hidden);
    strbuf_json_int(out, "unacked", t->unacked);
}

int
rules_json(struct strbuf *out,
           const struct site *site,
           struct state *store,
           struct err *err)
{
    struct rules_listing l = {
        .site = site, .store = store, .only = NONE_INDEX, .err = err};
    struct strbuf yaml = {0};
    int code = gather(&l);
    strbuf_add_char(out, '[');
    for (uint32_t r = 0; r < site->rule_count && code == 0; r++) {
        strbuf_clear(&yaml);
        rule_text_write(&yaml, &site->rules[r]);
        strbuf_add(out, r > 0 ? "," : "");
        add_rule(out, &l, r, RULES_DEVICES_LISTED, strbuf_text(&yaml));
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
    strbuf_fini(&yaml);
    fini(&l);
    return code;
}

/* ---- one with its places ---- */

static uint32_t
add_places(struct strbuf *out,
           struct rules_listing *l,
           uint32_t only,
           rules_explain_fn explain,
           void *ctx)
{
    uint32_t count = 0;
    strbuf_json_key(out, "places");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < l->binding.count; i++) {
        const struct bound *b = &l->binding.items[i];
        const struct device *d = &l->site->devices[b->device];
        if (b->rule != l->only || (only != NONE_INDEX && only != b->device)) {
            continue;
        }
        struct strbuf words = {0};
        strbuf_add(out, count > 0 ? ",{" : "{");
        strbuf_json_str(out, "device", d->id);
        strbuf_json_str(out, "name", d->name);
        strbuf_json_key(out, "alarm");
        strbuf_add(out, l->rows[b->device].size > 0 ? strbuf_text(&l->rows[b->device])
                                                    : "null");
        strbuf_json_key(out, "explain");
        bool known = count < RULES_EXPLAINED &&
                     explain(ctx, l->site->rules[b->rule].id, d->id, &words);
        strbuf_add(out, known ? strbuf_text(&words) : "null");
        strbuf_add_char(out, '}');
        strbuf_fini(&words);
        count++;
    }
    strbuf_add_char(out, ']');
    return count;
}

int
rule_json(struct strbuf *out,
          const struct site *site,
          struct state *store,
          const char *rule,
          const char *device,
          rules_explain_fn explain,
          void *ctx,
          struct err *err)
{
    struct rules_listing l = {
        .site = site, .store = store, .only = site_rule(site, rule), .err = err};
    uint32_t only = device != NULL ? site_device(site, device) : NONE_INDEX;
    struct strbuf yaml = {0};
    if (l.only == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no rule \"%s\"", rule);
    }
    if (device != NULL && only == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%s\"", device);
    }
    int code = gather(&l);
    if (code == 0) {
        rule_text_write(&yaml, &site->rules[l.only]);
        add_rule(out, &l, l.only, UINT32_MAX, strbuf_text(&yaml));
        strbuf_json_str(out, "yaml", strbuf_text(&yaml));
        if (add_places(out, &l, only, explain, ctx) == 0 && only != NONE_INDEX) {
            code = err_set(err, ERR_NOT_FOUND, "rule \"%s\" does not go to \"%s\"",
                           rule, device);
        }
        strbuf_add_char(out, '}');
    }
    strbuf_fini(&yaml);
    fini(&l);
    return code;
}
