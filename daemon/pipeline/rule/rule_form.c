#include "daemon/pipeline/rule/rule_form.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/strbuf.h"
#include "rules/syntax.h"
#include "rules/unit.h"

/* The one limit of a condition. */
struct limit {
    const struct node *value, *number; /* The number may have a sign before it. */
    bool above;
    uint32_t count;
};

static bool
is_number(const struct node *n)
{
    return n->kind == NODE_NUMBER ||
           (n->kind == NODE_NEG && n->args[0]->kind == NODE_NUMBER);
}

static double
number_of(const struct node *n)
{
    return n->kind == NODE_NEG ? -n->args[0]->number : n->number;
}

static const char *
unit_of(const struct node *n)
{
    return n->kind == NODE_NEG ? n->args[0]->unit : n->unit;
}

static void
take_limit(struct limit *l, const struct node *n)
{
    bool left = is_number(n->args[0]);
    bool right = is_number(n->args[1]);
    bool greater = n->kind == NODE_GT || n->kind == NODE_GE;
    bool less = n->kind == NODE_LT || n->kind == NODE_LE;
    if (left == right || (!greater && !less)) {
        return;
    }
    l->count++;
    l->value = n->args[left ? 1 : 0];
    l->number = n->args[left ? 0 : 1];
    l->above = greater != left;
}

static void
find_limit(struct limit *l, const struct node *n)
{
    if (n->kind == NODE_AND) {
        find_limit(l, n->args[0]);
        find_limit(l, n->args[1]);
    } else if (node_is_comparison(n)) {
        take_limit(l, n);
    }
}

static const char *
words(struct arena *arena, const struct expr_text *text, const struct node *n)
{
    return arena_strndup(arena, text->text + n->start, n->end - n->start);
}

static struct rule_form_text
cut(struct arena *arena, const struct expr_text *text, const struct node *number)
{
    return (struct rule_form_text){
        .before = arena_strndup(arena, text->text, number->start),
        .after = arena_strdup(arena, text->text + number->end),
    };
}

/* The unit that a written one, or the point's own, stands for; false: not known. */
static bool
resolve_unit(struct unit *out, const char *written, const struct point *point)
{
    const char *word = written != NULL ? written : point != NULL ? point->unit : NULL;
    if (word == NULL && (written != NULL || point == NULL)) {
        return false;
    }
    if (word == NULL) {
        unit_none(out);
    } else {
        unit_parse(out, word, strlen(word));
    }
    return true;
}

/* The point as the first device has it that the rule could be for. */
static const struct point *
some_point(const struct rule_form *f, const struct site *site)
{
    if (f->point == NULL) {
        return NULL;
    }
    for (uint32_t d = 0; d < site->device_count; d++) {
        bool fits = f->device != NULL
                        ? strcmp(site->devices[d].id, f->device) == 0
                        : applies_to_device(&f->rule->applies_to, &site->devices[d]);
        uint32_t p = fits ? site_point(site, d, f->point) : NONE_INDEX;
        if (p != NONE_INDEX) {
            return &site->points[p];
        }
    }
    return NULL;
}

/* `number`, as written in the clear limit, in the unit of the threshold. */
static bool
in_unit_of_threshold(double *out,
                     const struct rule_form *f,
                     const struct site *site,
                     const struct node *number)
{
    const struct point *point = some_point(f, site);
    const char *written = unit_of(number);
    struct unit from;
    struct unit to;
    *out = number_of(number);
    if ((written == NULL) == (f->unit == NULL) &&
        (written == NULL || strcmp(written, f->unit) == 0)) {
        return true;
    }
    if (!resolve_unit(&from, written, point) || !resolve_unit(&to, f->unit, point) ||
        !unit_agrees(&from, &to)) {
        return false;
    }
    struct unit_conversion c = unit_conversion(&from, &to, false);
    *out = unit_convert_constant(&c, *out);
    return true;
}

/* Without the last digits that only the arithmetic made: 0.25 - 0.2 is 0.05. */
static double
tidy(double number)
{
    char text[NUMBER_TEXT_BYTES];
    snprintf(text, sizeof text, "%.12g", number);
    return strtod(text, NULL);
}

static void
read_clear(struct rule_form *out,
           struct arena *arena,
           const struct site *site,
           const struct expr_text *clear)
{
    struct limit l = {0};
    struct diags diags;
    out->has_clear = clear->text != NULL;
    if (!out->has_clear) {
        out->has_deadband = true;
        return;
    }
    diags_init(&diags);
    const struct node *root = syntax_parse(arena, clear, &diags);
    diags_fini(&diags);
    if (root == NULL) {
        return;
    }
    find_limit(&l, root);
    double back = 0;
    if (l.count != 1 || l.above == out->above ||
        strcmp(words(arena, clear, l.value), out->value) != 0 ||
        !in_unit_of_threshold(&back, out, site, l.number)) {
        return;
    }
    out->clear = cut(arena, clear, l.number);
    out->deadband = tidy(out->above ? out->threshold - back : back - out->threshold);
    out->has_deadband = out->deadband >= 0;
}

int
rule_form_read(struct rule_form *out,
               struct arena *arena,
               const struct site *site,
               const struct rule_spec *rule,
               uint32_t level,
               struct err *err)
{
    const struct expr_text *when = &rule->levels[level].when;
    struct limit l = {0};
    struct diags diags;
    diags_init(&diags);
    const struct node *root = syntax_parse(arena, when, &diags);
    diags_fini(&diags);
    if (root == NULL) {
        return err_set(err, ERR_RANGE, "rule \"%s\" cannot be read", rule->id);
    }
    find_limit(&l, root);
    if (l.count != 1) {
        return err_set(
            err, ERR_RANGE,
            "%s:%u:%u: `%s` of rule \"%s\" %s; what can be tuned is one comparison of "
            "a "
            "value with a number, `VALUE > NUMBER unit`, alone or in a chain of `and`",
            when->loc.file, when->loc.line, when->loc.column, when->text, rule->id,
            l.count == 0 ? tr("is no limit") : tr("has more than one limit"));
    }
    *out = (struct rule_form){
        .rule = rule,
        .level = level,
        .above = l.above,
        .threshold = number_of(l.number),
        .unit = unit_of(l.number),
        .value = words(arena, when, l.value),
        .device = l.value->kind == NODE_POINT ? l.value->device : NULL,
        .point = l.value->kind == NODE_POINT ? l.value->name : NULL,
        .when = cut(arena, when, l.number),
        .alone = node_is_comparison(root),
    };
    read_clear(out, arena, site, &rule->levels[level].clear);
    return 0;
}

static const char *
with_number(const struct rule_form *f,
            struct arena *arena,
            const struct rule_form_text *text,
            double number)
{
    char digits[NUMBER_TEXT_BYTES];
    number_format(digits, number);
    return arena_printf(arena, "%s%s%s%s%s", text->before, digits,
                        f->unit != NULL ? " " : "", f->unit != NULL ? f->unit : "",
                        text->after);
}

const char *
rule_form_when(const struct rule_form *f, struct arena *arena, double threshold)
{
    if (threshold == f->threshold) {
        return f->rule->levels[f->level].when.text;
    }
    return with_number(f, arena, &f->when, threshold);
}

const char *
rule_form_clear(const struct rule_form *f,
                struct arena *arena,
                double threshold,
                double deadband)
{
    const char *present = f->rule->levels[f->level].clear.text;
    double back = tidy(f->above ? threshold - deadband : threshold + deadband);
    if (!f->has_deadband || (threshold == f->threshold && deadband == f->deadband)) {
        return present;
    }
    if (f->has_clear && deadband > 0) {
        return with_number(f, arena, &f->clear, back);
    }
    if (deadband <= 0) {
        return NULL;
    }
    struct rule_form_text text = {arena_printf(arena, "not (%s", f->when.before),
                                  arena_printf(arena, "%s)", f->when.after)};
    if (f->alone) {
        text.before = arena_printf(arena, "%s %s ", f->value, f->above ? "<" : ">");
        text.after = "";
    }
    return with_number(f, arena, &text, back);
}

struct rule_spec
rule_form_spec(const struct rule_form *f,
               struct arena *arena,
               double threshold,
               double deadband)
{
    struct rule_spec spec = *f->rule;
    struct rule_level *level = &spec.levels[f->level];
    level->when.text = rule_form_when(f, arena, threshold);
    level->clear.text = rule_form_clear(f, arena, threshold, deadband);
    return spec;
}

static bool
names_others(const struct node *n)
{
    bool found = n->kind == NODE_POINT && n->device != NULL;
    for (uint32_t i = 0; i < n->arg_count && !found; i++) {
        found = names_others(n->list != NULL ? n->list[i] : n->args[i]);
    }
    return found;
}

static bool
text_names_others(struct arena *arena, const struct expr_text *text)
{
    struct diags diags;
    if (text->text == NULL) {
        return false;
    }
    diags_init(&diags);
    const struct node *root = syntax_parse(arena, text, &diags);
    diags_fini(&diags);
    return root == NULL || names_others(root);
}

bool
rule_form_reads_others(const struct rule_spec *rule)
{
    struct arena *arena = arena_new();
    bool found = text_names_others(arena, &rule->while_);
    for (uint32_t i = 0; i < rule->level_count && !found; i++) {
        found = text_names_others(arena, &rule->levels[i].when) ||
                text_names_others(arena, &rule->levels[i].clear);
    }
    arena_free(arena);
    return found;
}

double
rule_form_in_unit(const struct rule_form *f, const struct point *point, double value)
{
    struct unit from;
    struct unit to;
    if (f->unit == NULL) {
        return value;
    }
    if (!resolve_unit(&from, NULL, point) || !resolve_unit(&to, f->unit, NULL) ||
        !unit_agrees(&from, &to)) {
        /* A point without a unit takes the number's. */
        return point->unit == NULL ? value : (double)NAN;
    }
    struct unit_conversion c = unit_conversion(&from, &to, false);
    return unit_convert(&c, value);
}

const char *
rule_form_unit(const struct rule_form *f, const struct site *site, uint32_t device)
{
    if (f->unit != NULL) {
        return f->unit;
    }
    uint32_t of = f->device != NULL ? site_device(site, f->device) : device;
    uint32_t p = of != NONE_INDEX && f->point != NULL ? site_point(site, of, f->point)
                                                      : NONE_INDEX;
    return p != NONE_INDEX && site->points[p].unit != NULL ? site->points[p].unit : "";
}
