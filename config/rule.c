/* Rules.  Their expressions stay text here: rules/ compiles them. */
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "config/shape.h"

struct rule_yaml {
    const char *id;
    struct expr_text while_, when, clear;
    int64_t hold_ms, clear_hold_ms, respond_within_ms, realarm_ms;
    int64_t verify_for_ms, follow_up_ms;
    int severity;   /* -1: not given. */
    int suppresses; /* -1: not given. */
    struct text title;
    struct text cause, consequence, action;
    const char *procedure, *source, *group;
    bool enabled, latch;
    const struct node *applies_to, *levels, *suppressed_by, *ticket;
};

static const char *const severity_words[] = {"info", "normal", "urgent", "critical",
                                             NULL};

static const char *const suppresses_words[] = {"children", NULL};

struct level_yaml {
    int severity;
    struct expr_text when, clear;
};

static const struct field level_fields[] = {
    {FIELD("severity", FIELD_ENUM, struct level_yaml, severity), REQUIRED,
     .words = severity_words, ABOUT("How bad it is at this level; levels rise.")},
    {FIELD("when", FIELD_EXPR, struct level_yaml, when), REQUIRED,
     ABOUT("The condition that raises the alarm to this level.")},
    {FIELD("clear", FIELD_EXPR, struct level_yaml, clear),
     ABOUT("The condition that ends this level; without it: not \"when\".")},
};
static const struct shape level_shape = {SHAPE_OF_TABLE(level_fields)};
static const struct shape levels_shape = {
    .kind = SHAPE_LIST, .item = &level_shape, .min = 1};

struct ticket_yaml {
    const char *team, *category;
    int64_t verify_for_ms, follow_up_ms;
    int kind; /* Into ticket_kinds; -1: not given. */
    const char *brings_forward;
    int64_t within_ms; /* -1: not given. */
};

#define FORWARD_MS_DEFAULT (3 * MS_DAY)
#define FORWARD_MS_MAX     (90 * MS_DAY) /* No later than a visit may be reminded of. */

/* What an alarm can open. */
static const enum ticket_kind ticket_kinds[] = {TICKET_FAULT, TICKET_PREDICTED};
static const char *const ticket_kind_words[] = {"fault", "predicted", NULL};

static const struct field ticket_fields[] = {
    {FIELD("team", FIELD_ID, struct ticket_yaml, team),
     ABOUT("The id of the team that gets it.")},
    {FIELD("category", FIELD_STRING, struct ticket_yaml, category), .max = 60,
     ABOUT("What kind of work it is, for the figures.")},
    /* Without it: as rule_predicts() says. */
    {FIELD("kind", FIELD_ENUM, struct ticket_yaml, kind), .words = ticket_kind_words,
     ABOUT("Predicted: a sign before there is a fault, as time_to, trend, drift and "
           "baseline are.")},
    {FIELD("brings_forward", FIELD_ID, struct ticket_yaml, brings_forward),
     ABOUT("The id of a plan: its next visit at the device is wanted sooner.")},
    {FIELD("within", FIELD_DURATION, struct ticket_yaml, within_ms),
     BETWEEN(0, FORWARD_MS_MAX),
     ABOUT("How many days after the alarm that visit is due at the latest; 3d.")},
    {FIELD("verify_for", FIELD_DURATION, struct ticket_yaml, verify_for_ms),
     BETWEEN(0, PROMISE_MS_MAX),
     ABOUT("How long the condition stays clear before the repair counts as "
           "verified.")},
    {FIELD("follow_up", FIELD_DURATION, struct ticket_yaml, follow_up_ms),
     BETWEEN(0, PROMISE_MS_MAX),
     ABOUT("How long after the repair a return of the fault reopens the ticket.")},
};
static const struct shape ticket_shape = {SHAPE_OF_TABLE(ticket_fields)};

static const struct shape *const suppressed_by_forms[] = {&shape_text, &shape_texts,
                                                          NULL};
static const struct shape suppressed_by_shape = {.kind = SHAPE_ANY,
                                                 .any = suppressed_by_forms};

static const struct field rule_fields[] = {
    {FIELD("id", FIELD_ID, struct rule_yaml, id), REQUIRED,
     ABOUT("Its id; an alarm is DEVICE/RULE.")},
    {FIELD("applies_to", FIELD_NODE, struct rule_yaml, applies_to),
     ABOUT("Which devices get the rule; without it every device that has all its "
           "points."),
     SHAPE(applies_to_shape)},
    {FIELD("while", FIELD_EXPR, struct rule_yaml, while_),
     ABOUT("Judged only while this holds.")},
    {FIELD("when", FIELD_EXPR, struct rule_yaml, when),
     ABOUT("The condition that raises the alarm.")},
    {FIELD("hold", FIELD_DURATION, struct rule_yaml, hold_ms), BETWEEN(0, HOLD_MS_MAX),
     ABOUT("How long the condition is true before the alarm is raised (on-delay)."),
     PRESET("0s")},
    {FIELD("clear", FIELD_EXPR, struct rule_yaml, clear),
     ABOUT("The condition that clears the alarm; without it: not \"when\".")},
    {FIELD("clear_hold", FIELD_DURATION, struct rule_yaml, clear_hold_ms),
     BETWEEN(0, HOLD_MS_MAX),
     ABOUT("How long it is clear before the alarm clears (off-delay)."), PRESET("0s")},
    {FIELD("severity", FIELD_ENUM, struct rule_yaml, severity), .words = severity_words,
     ABOUT("How bad it is; info never opens a ticket.")},
    {FIELD("levels", FIELD_NODE, struct rule_yaml, levels),
     ABOUT("One alarm that goes up and down in severity, in place of when, clear "
           "and severity."),
     SHAPE(levels_shape)},
    {FIELD("title", FIELD_TEXT, struct rule_yaml, title),
     ABOUT("What people read; {device} and {point} are filled in.")},
    {FIELD("cause", FIELD_TEXT, struct rule_yaml, cause),
     ABOUT("What is behind it, as a rule.")},
    {FIELD("consequence", FIELD_TEXT, struct rule_yaml, consequence),
     ABOUT("What happens if nobody comes.")},
    {FIELD("action", FIELD_TEXT, struct rule_yaml, action), ABOUT("What to do.")},
    {FIELD("respond_within", FIELD_DURATION, struct rule_yaml, respond_within_ms),
     BETWEEN(MS_SECOND, PROMISE_MS_MAX),
     ABOUT("How soon somebody responds; without it the promise of the priority.")},
    {FIELD("procedure", FIELD_ID, struct rule_yaml, procedure),
     ABOUT("The id of the procedure that is printed on the ticket.")},
    {FIELD("suppressed_by", FIELD_NODE, struct rule_yaml, suppressed_by),
     ABOUT("Rules that hide this alarm while they stand: RULE of the same device, "
           "or DEVICE/RULE."),
     SHAPE(suppressed_by_shape)},
    {FIELD("ticket", FIELD_NODE, struct rule_yaml, ticket),
     ABOUT("What its ticket is."), SHAPE(ticket_shape)},
    {FIELD("verify_for", FIELD_DURATION, struct rule_yaml, verify_for_ms),
     BETWEEN(0, PROMISE_MS_MAX),
     ABOUT("How long the condition stays clear before the repair counts as "
           "verified.")},
    {FIELD("follow_up", FIELD_DURATION, struct rule_yaml, follow_up_ms),
     BETWEEN(0, PROMISE_MS_MAX),
     ABOUT("How long after the repair a return of the fault reopens the ticket.")},
    {FIELD("source", FIELD_STRING, struct rule_yaml, source),
     ABOUT("Where the limit comes from; \"verify\" marks a number that is not "
           "confirmed.")},
    {FIELD("latch", FIELD_BOOL, struct rule_yaml, latch),
     ABOUT("The alarm stays until it is acknowledged."), PRESET("false")},
    {FIELD("realarm", FIELD_DURATION, struct rule_yaml, realarm_ms),
     BETWEEN(MS_SECOND, PROMISE_MS_MAX),
     ABOUT("Said again after this time while it stands.")},
    {FIELD("group", FIELD_ID, struct rule_yaml, group),
     ABOUT("Alarms of one group share the first-out and one ticket.")},
    {FIELD("suppresses", FIELD_ENUM, struct rule_yaml, suppresses),
     .words = suppresses_words,
     ABOUT("children: hides the alarms of all that the device feeds while it stands.")},
    {FIELD("enabled", FIELD_BOOL, struct rule_yaml, enabled),
     ABOUT("false: the rule is read and checked, but not judged."), PRESET("true")},
};

/* not translated: keys. */
static const char *const rule_forms[] = {"when severity", "levels", NULL};
const struct shape rule_shape = {
    SHAPE_OF_TABLE(rule_fields), .name = "rule",
    .about = "A condition on points, and the alarm that it raises.",
    .one_of = rule_forms};

static void
read_levels(struct reader *r, const struct node *list, struct rule_spec *rule)
{
    const struct node *n = list_items(r, list, "levels");
    int last = -1;
    if (n == NULL && (list->kind == NODE_LIST || node_is_empty(list))) {
        diags_add(
            r->diags, DIAG_ERROR, &list->loc,
            "rule \"%s\": \"levels\" is empty; it has one level or more, each with "
            "severity and when",
            rule->id);
    }
    for (; n != NULL; n = n->next) {
        struct level_yaml y = {.severity = -1};
        (void)fields_read(r, &y, n, "level", level_fields, ARRAY_LEN(level_fields));
        if (y.severity < 0) {
            continue;
        }
        if (y.severity <= last) {
            struct loc loc = loc_of(n, "severity");
            diags_add(
                r->diags, DIAG_ERROR, &loc,
                "level \"%s\" does not rise above \"%s\" before it; levels stand in "
                "the order info, normal, urgent, critical, each once",
                severity_words[y.severity], severity_words[last]);
            continue;
        }
        last = y.severity;
        /* Four severities, each once, never fill the table. */
        rule->levels[rule->level_count++] =
            (struct rule_level){(enum severity)y.severity, y.when, y.clear, n->loc};
    }
}
_Static_assert(RULE_LEVELS_MAX >= SEVERITY_COUNT, "severities rise strictly");

/* A plain rule is one level. */
static void
read_condition(struct reader *r,
               const struct node *n,
               const struct rule_yaml *y,
               struct rule_spec *rule)
{
    static const char *const plain[] = {"when", "clear", "severity"};
    if (y->levels != NULL) {
        for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
            const struct node *key = node_get(n, plain[i]);
            if (key != NULL) {
                diags_add(
                    r->diags, DIAG_ERROR, &key->key_loc,
                    "rule \"%s\" has \"%s\" beside \"levels\"; with levels it stands "
                    "in each of them",
                    rule->id, plain[i]);
            }
        }
        read_levels(r, y->levels, rule);
        return;
    }
    if (n->kind == NODE_MAP && node_get(n, "when") == NULL) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "rule \"%s\" has no \"when\" and no \"levels\"; add when: with a "
                  "condition such as bearing > 80",
                  rule->id);
    }
    if (n->kind == NODE_MAP && node_get(n, "severity") == NULL) {
        diags_add(
            r->diags, DIAG_ERROR, &n->loc,
            "rule \"%s\": \"severity\" is missing; accepted: info, normal, urgent, "
            "critical",
            rule->id);
    }
    rule->levels[0] = (struct rule_level){y->severity < 0 ? SEVERITY_NORMAL
                                                          : (enum severity)y->severity,
                                          y->when, y->clear, n->loc};
    rule->level_count = 1;
}

/* `{device}`, `{point}` and `{device.point}`. */
static void
check_template(struct reader *r, const char *text, const struct loc *loc)
{
    for (const char *p = text; p != NULL && *p != 0;) {
        size_t plain = strcspn(p, "{}");
        p += plain;
        if (*p == 0) {
            return;
        }
        size_t size = *p == '{' ? strcspn(p + 1, "{}") : 0;
        size_t name = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz0123456789_-.");
        if (*p == '}' || p[1 + size] != '}' || size == 0 || name != size) {
            diags_add(
                r->diags, DIAG_ERROR, loc,
                "title \"%.80s\" has a brace that is no {device} or {point}; write "
                "{device}, {bearing} or {pump-2.bearing}",
                text);
            return;
        }
        p += size + 2;
    }
}

static void
read_title(struct reader *r, const struct node *n, struct rule_spec *rule)
{
    if (text_in(&rule->title, LANGUAGE_EN) == NULL) {
        rule->title.in[LANGUAGE_EN] = rule->id;
        return;
    }
    const struct node *title = node_get(n, "title");
    if (title->kind == NODE_SCALAR) {
        check_template(r, title->text, &title->loc);
        return;
    }
    for (const struct node *t = title->first; t != NULL; t = t->next) {
        check_template(r, t->text, &t->loc);
    }
}

/* A plan's visit that the rule wants sooner; the plans are not known yet. */
static void
read_forward(struct reader *r,
             const struct node *n,
             const struct ticket_yaml *y,
             struct rule_spec *rule)
{
    struct loc within = loc_of(n, "within");
    if (y->within_ms >= 0 && y->brings_forward == NULL) {
        diags_add(r->diags, DIAG_ERROR, &within,
                  "\"within\" says when a visit is wanted, and no visit is named; add "
                  "brings_forward: with the id of a plan");
    }
    if (y->within_ms > 0 && y->within_ms % MS_DAY != 0) {
        diags_add(
            r->diags, DIAG_ERROR, &within,
            "\"within\" is no number of whole days; plans go by days, such as 3d");
    }
    rule->brings_forward = y->brings_forward;
    rule->forward_within_ms = y->within_ms >= 0 ? y->within_ms : FORWARD_MS_DEFAULT;
    rule->forward_loc = loc_of(n, "brings_forward");
}

static void
read_ticket(struct reader *r,
            const struct node *n,
            const struct node *rule_node,
            const struct site *site,
            struct rule_spec *rule)
{
    static const char *const both[] = {"verify_for", "follow_up"};
    struct ticket_yaml y = {.verify_for_ms = rule->verify_for_ms,
                            .follow_up_ms = rule->follow_up_ms,
                            .kind = -1,
                            .within_ms = -1};
    (void)fields_read(r, &y, n, "ticket", ticket_fields, ARRAY_LEN(ticket_fields));
    for (size_t i = 0; i < ARRAY_LEN(both) && n->kind == NODE_MAP; i++) {
        const struct node *second = node_get(n, both[i]);
        if (second != NULL && node_get(rule_node, both[i]) != NULL) {
            diags_add(r->diags, DIAG_ERROR, &second->key_loc,
                      "\"%s\" stands in the rule and in its ticket; keep one", both[i]);
        }
    }
    rule->team = y.team;
    rule->category = y.category;
    rule->ticket_kind = y.kind < 0 ? rule->ticket_kind : ticket_kinds[y.kind];
    read_forward(r, n, &y, rule);
    rule->verify_for_ms = y.verify_for_ms;
    rule->follow_up_ms = y.follow_up_ms;
    struct loc loc = loc_of(n, "team");
    check_team(r, site, y.team, &loc);
}

/* Texts only; the rules that they name are looked up once all are read. */
static void
read_suppressed_by(struct reader *r, const struct node *n, struct rule_spec *rule)
{
    const struct node *item =
        n->kind == NODE_SCALAR && !node_is_empty(n) ? n : list_items(r, n, n->key);
    const char **names = arena_array(r->arena, n->count + 1, sizeof(const char *));
    for (; item != NULL; item = item == n ? NULL : item->next) {
        if (value_text(r, item, "suppressed_by")) {
            names[rule->suppressed_by_count++] = item->text;
        }
    }
    rule->suppressed_by = names;
}

/* An alarm that does not say what to do helps nobody at night. */
static void
lint_rationale(struct reader *r, const struct rule_spec *rule)
{
    const char *missing[] = {text_is_empty(&rule->cause) ? "cause" : NULL,
                             text_is_empty(&rule->consequence) ? "consequence" : NULL,
                             text_is_empty(&rule->action) ? "action" : NULL};
    char list[40] = "";
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        if (missing[i] != NULL) {
            strcat(list, list[0] != 0 ? ", " : "");
            strcat(list, missing[i]);
        }
    }
    if (list[0] == 0 || rule->level_count == 0 || !rule->enabled ||
        rule->levels[rule->level_count - 1].severity == SEVERITY_INFO) {
        return;
    }
    diags_add(r->diags, DIAG_WARNING, &rule->loc,
              "rule \"%s\" does not say its %s; whoever comes at night needs it",
              rule->id, list);
}

static void
read_rule(struct reader *r,
          const struct node *n,
          const struct site *site,
          struct rule_spec *rule)
{
    struct rule_yaml y = {.severity = -1,
                          .suppresses = -1,
                          .verify_for_ms = site->verify_for_ms,
                          .follow_up_ms = site->follow_up_ms};
    (void)fields_read(r, &y, n, "rule", rule_fields, ARRAY_LEN(rule_fields));
    *rule = (struct rule_spec){.id = y.id != NULL ? y.id : "",
                               .while_ = y.while_,
                               .hold_ms = y.hold_ms,
                               .clear_hold_ms = y.clear_hold_ms,
                               .title = y.title,
                               .cause = y.cause,
                               .consequence = y.consequence,
                               .action = y.action,
                               .procedure = y.procedure,
                               .source = y.source,
                               .respond_within_ms = y.respond_within_ms,
                               .verify_for_ms = y.verify_for_ms,
                               .follow_up_ms = y.follow_up_ms,
                               .enabled = y.enabled,
                               .latch = y.latch,
                               .realarm_ms = y.realarm_ms,
                               .group = y.group,
                               .suppresses_children = y.suppresses == 0,
                               .loc = n->loc};
    if (n->kind != NODE_MAP) {
        return;
    }
    read_condition(r, n, &y, rule);
    read_title(r, n, rule);
    rule->ticket_kind = rule_predicts(rule) ? TICKET_PREDICTED : TICKET_FAULT;
    if (y.applies_to != NULL) {
        const char *what = arena_printf(r->arena, "rule \"%s\"", rule->id);
        applies_to_read(r, y.applies_to, site, what, &rule->applies_to);
    }
    if (y.ticket != NULL) {
        read_ticket(r, y.ticket, n, site, rule);
    }
    if (y.suppressed_by != NULL) {
        read_suppressed_by(r, y.suppressed_by, rule);
    }
    struct loc loc = loc_of(n, "procedure");
    check_procedure(r, site, y.procedure, &loc);
    lint_rationale(r, rule);
}

/* `RULE` or `DEVICE/RULE`, in a rule whose id is `own`. */
static void
check_suppressor(struct reader *r,
                 const struct site *site,
                 const char *own,
                 const struct node *n,
                 const char *const *ids)
{
    const char *slash = strchr(n->text, '/');
    const char *wanted = slash != NULL ? slash + 1 : n->text;
    if (slash != NULL) {
        const char *device =
            arena_strndup(r->arena, n->text, (size_t)(slash - n->text));
        if (site_device(site, device) == NONE_INDEX) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "\"%.80s\" names a device that does not exist; RULE of the same "
                      "device, or DEVICE/RULE, is accepted",
                      n->text);
        }
    }
    if (site_rule(site, wanted) == NONE_INDEX) {
        report_dangling(r, &n->loc, "rule", wanted, ids, site->rule_count);
    } else if (slash == NULL && strcmp(wanted, own) == 0) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "rule \"%s\" is suppressed by itself; name another rule", own);
    }
}

/* Once all rules are known. */
static void
check_suppressed_by(struct reader *r,
                    const struct site *site,
                    const struct node *rule,
                    const char *const *ids)
{
    const struct node *list =
        rule->kind == NODE_MAP ? node_get(rule, "suppressed_by") : NULL;
    const struct node *id = list != NULL ? node_get(rule, "id") : NULL;
    const char *own = id != NULL && id->kind == NODE_SCALAR ? id->text : "";
    if (list == NULL) {
        return;
    }
    if (list->kind == NODE_SCALAR && !node_is_empty(list)) {
        check_suppressor(r, site, own, list, ids);
    }
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        if (n->kind == NODE_SCALAR) {
            check_suppressor(r, site, own, n, ids);
        }
    }
}

static int
compare_rules(const void *a, const void *b)
{
    const struct rule_spec *x = a;
    const struct rule_spec *y = b;
    int order = strcmp(x->id, y->id);
    if (order == 0) {
        order = strcmp(x->loc.file, y->loc.file);
    }
    if (order == 0) {
        order = x->loc.line < y->loc.line ? -1 : x->loc.line > y->loc.line;
    }
    return order;
}

void
rule_read_alone(struct reader *r,
                const struct node *n,
                const struct site *site,
                struct rule_spec *out)
{
    const char **ids =
        arena_array(r->arena, site->rule_count + 1, sizeof(const char *));
    for (uint32_t i = 0; i < site->rule_count; i++) {
        ids[i] = site->rules[i].id;
    }
    read_rule(r, n, site, out);
    check_suppressed_by(r, site, n, ids);
}

void
rules_read(struct reader *r, const struct sections *s, struct site *site)
{
    const struct node_list *list = &s->lists[SECTION_RULES];
    if (list->count > RULES_MAX) {
        diags_add(r->diags, DIAG_ERROR, &list->items[0]->loc,
                  "%u rules; up to %d are accepted", list->count, RULES_MAX);
        return;
    }
    site->rules = arena_array(r->arena, list->count + 1, sizeof *site->rules);
    site->rule_count = list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        read_rule(r, list->items[i], site, &site->rules[i]);
    }
    qsort(site->rules, site->rule_count, sizeof *site->rules, compare_rules);
    const char **ids = arena_array(r->arena, list->count + 1, sizeof(const char *));
    for (uint32_t i = 0; i < site->rule_count; i++) {
        const struct rule_spec *rule = &site->rules[i];
        ids[i] = rule->id;
        if (i > 0 && rule->id[0] != 0 && strcmp(rule->id, ids[i - 1]) == 0) {
            report_duplicate(r, "rule", rule->id, &rule->loc, &site->rules[i - 1].loc);
        }
    }
    for (uint32_t i = 0; i < list->count; i++) {
        check_suppressed_by(r, site, list->items[i], ids);
    }
    suppression_check(r, site);
}
