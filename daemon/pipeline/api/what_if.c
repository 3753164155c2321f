/* POST /api/v1/what-if: what a changed rule would have done, see rule_trial.h.
 *
 *   {"rule":ID,
 *    "set":{"when":.., "clear":.., "severity":.., "while":.., "hold":"30s",
 *           "clear_hold":.., "enabled":.., "levels":[{"severity","when","clear"}]},
 *    "yaml":"..",             instead of `set`: the rule as it would stand in the file;
 *                             with an id that the site has not, a new one
 *    "from":.., "to":..,      [the last 7 days]
 *    "device":ID}
 *
 * A text that is wrong is 400 with `errors`: [{in line column text}]; `in` is "yaml",
 * "when", "levels[1].clear", ...  What takes too long is 504 and says how to ask for
 * less.  For a thread that may be kept for RULE_TRIAL_BUDGET_MS. */
#include <jansson.h>
#include <string.h>

#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/commands/command_json.h"
#include "daemon/pipeline/tuning/rule_trial.h"

#define SPAN_MS        (INT64_C(7) * 86400000)
#define RETRY_S        5
#define TEXT_BYTES_MAX 4096  /* Of a condition. */
#define YAML_BYTES_MAX 65536 /* Of one rule. */

struct asking {
    const struct site *site;
    struct arena *arena;
    struct rule_spec rule; /* As changed. */
    struct diags diags;
    const atomic_bool *cancel;
};

/* ---- "set" ---- */

static int
refuse(struct err *err, const char *key, const char *accepted)
{
    return err_set(err, ERR_USAGE, "\"%s\": %s is accepted", key, accepted);
}

/* A condition; null takes it away. */
static int
set_text(struct asking *a,
         struct expr_text *out,
         const json_t *object,
         const char *key,
         const char *path,
         struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return 0;
    }
    if (!json_is_null(value) &&
        (!json_is_string(value) || json_string_length(value) > TEXT_BYTES_MAX)) {
        return refuse(err, path,
                      tr("a condition such as \"bearing > 80 °C\", or null,"));
    }
    *out = (struct expr_text){.text = arena_strdup(a->arena, json_string_value(value)),
                              .loc = {arena_strdup(a->arena, path), 1, 1}};
    return 0;
}

static int
set_severity(enum severity *out,
             const json_t *object,
             const char *path,
             struct err *err)
{
    const json_t *value = json_object_get(object, "severity");
    const char *word = json_string_value(value);
    return value == NULL || (word != NULL && severity_parse(out, word))
               ? 0
               : refuse(err, path, tr("critical, urgent, normal or info"));
}

static int
set_duration(int64_t *out, const json_t *object, const char *key, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return 0;
    }
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *out = json_integer_value(value);
        return 0;
    }
    const char *text = json_string_value(value);
    return text != NULL && duration_parse(out, text, NULL) == 0
               ? 0
               : refuse(err, key, tr("a time such as \"30s\", or milliseconds,"));
}

static int
set_level(struct asking *a,
          struct rule_level *level,
          const json_t *object,
          const char *path,
          struct err *err)
{
    char name[96];
    if (!json_is_object(object)) {
        return refuse(err, path, tr("an object with severity, when and clear"));
    }
    level->loc = (struct loc){arena_strdup(a->arena, path), 1, 1};
    snprintf(name, sizeof name, "%s.severity", path);
    int code = set_severity(&level->severity, object, name, err);
    snprintf(name, sizeof name, "%s.when", path);
    code = code == 0 ? set_text(a, &level->when, object, "when", name, err) : code;
    if (code == 0 && level->when.text == NULL) {
        code = refuse(err, name, tr("a condition such as \"bearing > 80 °C\""));
    }
    snprintf(name, sizeof name, "%s.clear", path);
    return code == 0 ? set_text(a, &level->clear, object, "clear", name, err) : code;
}

static int
set_levels(struct asking *a, const json_t *levels, struct err *err)
{
    size_t count = json_array_size(levels);
    int code = 0;
    if (levels == NULL) {
        return 0;
    }
    if (count < 1 || count > RULE_LEVELS_MAX) {
        return refuse(err, "levels", tr("a list of levels, in order of severity,"));
    }
    for (size_t i = 0; i < count && code == 0; i++) {
        char path[64];
        struct rule_level *level = &a->rule.levels[i];
        *level = i < a->rule.level_count ? *level : (struct rule_level){0};
        snprintf(path, sizeof path, "levels[%zu]", i);
        code = set_level(a, level, json_array_get(levels, i), path, err);
        if (code == 0 && i > 0 && level->severity <= level[-1].severity) {
            snprintf(path, sizeof path, "levels[%zu].severity", i);
            code = refuse(err, path, tr("a higher severity than that before it"));
        }
    }
    a->rule.level_count = (uint32_t)count;
    return code;
}

static int
apply_set(struct asking *a, json_t *set, struct err *err)
{
    static const char *const known[] = {"levels", "when", "clear",      "severity",
                                        "while",  "hold", "clear_hold", "enabled"};
    struct rule_spec *r = &a->rule;
    const char *key;
    json_t *value;
    bool plain = false;
    json_object_foreach(set, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
            found = found || strcmp(known[i], key) == 0;
        }
        if (!found) {
            return err_set(err, ERR_USAGE,
                           "\"%.40s\" cannot be set; levels, when, clear, severity, "
                           "while, hold, clear_hold and enabled can",
                           key);
        }
        plain = plain || strcmp(key, "when") == 0 || strcmp(key, "clear") == 0 ||
                strcmp(key, "severity") == 0;
    }
    if (plain && (json_object_get(set, "levels") != NULL || r->level_count != 1)) {
        return err_set(err, ERR_USAGE,
                       "with \"levels\", \"when\", \"clear\" and \"severity\" stand in "
                       "each of them");
    }
    int code = set_levels(a, json_object_get(set, "levels"), err);
    code = code == 0 ? set_text(a, &r->levels[0].when, set, "when", "when", err) : code;
    code =
        code == 0 ? set_text(a, &r->levels[0].clear, set, "clear", "clear", err) : code;
    code =
        code == 0 ? set_severity(&r->levels[0].severity, set, "severity", err) : code;
    code = code == 0 ? set_text(a, &r->while_, set, "while", "while", err) : code;
    code = code == 0 ? set_duration(&r->hold_ms, set, "hold", err) : code;
    code = code == 0 ? set_duration(&r->clear_hold_ms, set, "clear_hold", err) : code;
    if (code == 0 && r->levels[0].when.text == NULL) {
        code = refuse(err, "when", tr("a condition such as \"bearing > 80 °C\""));
    }
    if (json_object_get(set, "enabled") != NULL) {
        r->enabled = json_is_true(json_object_get(set, "enabled"));
    }
    return code;
}

/* ---- the question ---- */

static int
read_rule(struct asking *a, const json_t *root, struct err *err)
{
    const char *id = json_string_value(json_object_get(root, "rule"));
    const char *yaml = json_string_value(json_object_get(root, "yaml"));
    json_t *set = json_object_get(root, "set");
    uint32_t rule = id != NULL ? site_rule(a->site, id) : NONE_INDEX;
    if ((yaml == NULL) == !json_is_object(set)) {
        return refuse(err, "set",
                      tr("either \"set\", an object, or \"yaml\", a text,"));
    }
    if (id != NULL && rule == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no rule \"%s\"", id);
    }
    if (yaml == NULL && id == NULL) {
        return refuse(err, "rule", tr("the id of a rule"));
    }
    if (yaml == NULL) {
        a->rule = a->site->rules[rule];
        return apply_set(a, set, err);
    }
    if (strlen(yaml) > YAML_BYTES_MAX) {
        return refuse(err, "yaml", tr("the text of one rule"));
    }
    const struct rule_spec *read =
        config_read_rule(a->arena, a->site, "yaml", yaml, &a->diags);
    if (read == NULL) {
        return err_set(err, ERR_CONFIG, "the rule has errors");
    }
    if (id != NULL && strcmp(id, read->id) != 0) {
        return refuse(err, "yaml", tr("a rule with the same id as \"rule\""));
    }
    a->rule = *read;
    return 0;
}

static int
read_instant(
    int64_t *out, const json_t *root, const char *key, int64_t now_ms, struct err *err)
{
    const json_t *value = json_object_get(root, key);
    struct err why;
    if (value == NULL || json_is_null(value)) {
        return 0;
    }
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return 0;
    }
    if (!json_is_string(value)) {
        return refuse(err, key, tr("an instant"));
    }
    return instant_parse_relative(out, json_string_value(value), now_ms, &why) == 0
               ? 0
               : err_set(err, ERR_USAGE, "%s: %s", key, why.text);
}

static int
ask(struct asking *a, const json_t *root, struct strbuf *body, struct err *err)
{
    int64_t now_ms = clock_real_ms();
    struct rule_trial t = {.site = a->site,
                           .rule = &a->rule,
                           .device = json_string_value(json_object_get(root, "device")),
                           .from_ms = INSTANT_NONE,
                           .to_ms = now_ms,
                           .budget_ms = RULE_TRIAL_BUDGET_MS,
                           .fill_ms = RULE_TRIAL_FILL_MS,
                           .cancel = a->cancel};
    int code = read_instant(&t.to_ms, root, "to", now_ms, err);
    code = code == 0 ? read_instant(&t.from_ms, root, "from", now_ms, err) : code;
    t.from_ms = t.from_ms != INSTANT_NONE ? t.from_ms : t.to_ms - SPAN_MS;
    code = code == 0 ? read_rule(a, root, err) : code;
    return code == 0 ? rule_trial_run(&t, body, &a->diags, err) : code;
}

/* ---- the answer when the rule is wrong ---- */

static unsigned
wrong_rule(struct strbuf *body, const struct diags *diags)
{
    struct strbuf list = {0};
    struct strbuf detail = {0};
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *d = &diags->items[i];
        if (d->level != DIAG_ERROR) {
            continue;
        }
        if (detail.size == 0) {
            strbuf_printf(&detail, "%s:%u:%u: %s", d->file != NULL ? d->file : "",
                          d->line, d->column, d->text);
        }
        strbuf_add(&list, list.size > 0 ? ",{" : "{");
        strbuf_json_str(&list, "in", d->file);
        strbuf_json_int(&list, "line", d->line);
        strbuf_json_int(&list, "column", d->column);
        strbuf_json_str(&list, "text", d->text);
        strbuf_add_char(&list, '}');
    }
    strbuf_clear(body);
    (void)web_problem(body, 400, strbuf_text(&detail));
    body->size--; /* Inside of the object. */
    strbuf_json_key(body, "errors");
    strbuf_printf(body, "[%s]}", strbuf_text(&list));
    strbuf_fini(&list);
    strbuf_fini(&detail);
    return 400;
}

unsigned
api_what_if(struct api *api, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    json_error_t where;
    /* Each takes a processor and memory for its windows: the plant comes first. */
    if (atomic_flag_test_and_set(&api->live->on_trial)) {
        r->answer->retry_after_s = RETRY_S;
        return web_problem(body, 503,
                           tr("a rule is being tried already; try again soon"));
    }
    json_t *root = json_loads(r->body, JSON_REJECT_DUPLICATES, &where);
    struct site *site = api_share_site(api);
    struct asking a = {
        .site = site, .arena = arena_new(), .cancel = &api->live->ending};
    diags_init(&a.diags);
    int code = json_is_object(root)
                   ? ask(&a, root, body, &err)
                   : err_set(&err, ERR_RANGE, "the body must be a JSON object: %s",
                             where.text);
    unsigned status = 200;
    if (code == ERR_CONFIG && a.diags.errors > 0) {
        status = wrong_rule(body, &a.diags);
    } else if (code != 0) {
        status = api_problem(body, &err);
    }
    diags_fini(&a.diags);
    arena_free(a.arena);
    site_free(site);
    json_decref(root);
    atomic_flag_clear(&api->live->on_trial);
    return status;
}
