#include "daemon/pipeline/rule/rule_points.h"

#include <math.h>
#include <string.h>

#include "rules/syntax.h"
#include "rules/unit.h"

struct finding {
    struct rule_points *out;
    struct arena *arena;
    const struct site *site;
    uint32_t device;
    const struct rule_spec *rule;
    uint32_t level;
    const struct expr_text *text;
    bool clears;
    bool negated; /* What is looked at stands behind a `not`. */
    int64_t hold_ms;
};

static uint32_t
point_of(const struct finding *f, const struct node *n)
{
    uint32_t device = n->device != NULL ? site_device(f->site, n->device) : f->device;
    return device != NONE_INDEX ? site_point(f->site, device, n->name) : NONE_INDEX;
}

static void
add_point(struct finding *f, uint32_t point)
{
    struct rule_points *out = f->out;
    for (uint32_t i = 0; i < out->point_count; i++) {
        if (out->points[i] == point) {
            return;
        }
    }
    if (point == NONE_INDEX) {
        out->absent = true;
    } else if (out->point_count < RULE_POINTS_MAX) {
        out->points[out->point_count++] = point;
    }
}

/* Its values are those of a point, in the point's unit; NULL: they are not. */
static const struct node *
values_of(const struct node *n)
{
    if (n->kind == NODE_POINT) {
        return n;
    }
    bool same = n->kind == NODE_CALL &&
                (n->function == FUNCTION_AVG || n->function == FUNCTION_MIN ||
                 n->function == FUNCTION_MAX || n->function == FUNCTION_MEDIAN ||
                 n->function == FUNCTION_P95);
    const struct node *arg =
        same && n->list != NULL && n->arg_count > 0 ? n->list[0] : NULL;
    return arg != NULL && arg->kind == NODE_POINT ? arg : NULL;
}

/* A number or minus a number. */
static bool
is_number(const struct node *n, double *value, const char **unit)
{
    bool minus = n->kind == NODE_NEG;
    const struct node *number = minus ? n->args[0] : n;
    if (number == NULL || number->kind != NODE_NUMBER) {
        return false;
    }
    *value = minus ? -number->number : number->number;
    *unit = number->unit;
    return true;
}

/* In the unit of the point; false where that cannot be said. */
static bool
to_point(double *value, const char *written, const struct point *p)
{
    struct unit from;
    struct unit to;
    if (written == NULL || p->unit == NULL || strcmp(written, p->unit) == 0) {
        return true;
    }
    unit_parse(&from, written, strlen(written));
    unit_parse(&to, p->unit, strlen(p->unit));
    if (!unit_agrees(&from, &to)) {
        return false;
    }
    struct unit_conversion c = unit_conversion(&from, &to, false);
    *value = unit_convert_constant(&c, *value);
    return isfinite(*value);
}

/* Another rule of the group says the same. */
static bool
is_known(const struct rule_points *out, const struct rule_limit *limit)
{
    for (uint32_t i = 0; i < out->limit_count; i++) {
        const struct rule_limit *l = &out->limits[i];
        if (l->point == limit->point && l->hold_ms == limit->hold_ms &&
            l->clears == limit->clears && strcmp(l->text, limit->text) == 0) {
            return true;
        }
    }
    return false;
}

const char *
rule_side_name(enum rule_side s)
{
    static const char *const names[] = {"above", "below", "equal", "unequal"};
    return names[s];
}

/* Where the point is when `n` holds (or, negated, does not), with the point standing on
 * the left or the right of it. */
static enum rule_side
side_of(const struct node *n, bool on_left, bool negated)
{
    if (n->kind == NODE_EQ || n->kind == NODE_NE) {
        return (n->kind == NODE_EQ) != negated ? RULE_EQUAL : RULE_UNEQUAL;
    }
    bool above = (n->kind == NODE_GT || n->kind == NODE_GE) == on_left;
    return above != negated ? RULE_ABOVE : RULE_BELOW;
}

static void
add_limit(struct finding *f, const struct node *n)
{
    const struct node *left = values_of(n->args[0]);
    const struct node *right = values_of(n->args[1]);
    const struct node *values = left != NULL ? left : right;
    const char *unit = NULL;
    double value = 0;
    struct rule_points *out = f->out;
    if (values == NULL || (left != NULL && right != NULL) ||
        !is_number(left != NULL ? n->args[1] : n->args[0], &value, &unit) ||
        out->limit_count == RULE_LIMITS_MAX) {
        return;
    }
    uint32_t point = point_of(f, values);
    if (point == NONE_INDEX || !to_point(&value, unit, &f->site->points[point])) {
        return;
    }
    const struct rule_limit limit = {
        .rule = f->rule,
        .level = f->level,
        .point = point,
        .value = value,
        .side = side_of(n, left != NULL, f->negated),
        .text = arena_strndup(f->arena, f->text->text + n->start, n->end - n->start),
        .clears = f->clears,
        .hold_ms = f->hold_ms,
    };
    if (!is_known(out, &limit)) {
        out->limits[out->limit_count++] = limit;
    }
}

static void
look_at(struct finding *f, const struct node *n)
{
    if (n == NULL) {
        return;
    }
    if (n->kind == NODE_POINT) {
        add_point(f, point_of(f, n));
    } else if (node_is_comparison(n)) {
        add_limit(f, n);
    }
    if (n->list != NULL) {
        for (uint32_t i = 0; i < n->arg_count; i++) {
            look_at(f, n->list[i]);
        }
        return;
    }
    f->negated = f->negated != (n->kind == NODE_NOT);
    look_at(f, n->args[0]);
    look_at(f, n->args[1]);
    f->negated = f->negated != (n->kind == NODE_NOT);
}

static void
read_text(struct finding *f, const struct expr_text *text, bool clears, int64_t hold_ms)
{
    struct diags diags;
    if (text->text == NULL) {
        return;
    }
    f->text = text;
    f->clears = clears;
    f->hold_ms = hold_ms;
    diags_init(&diags);
    look_at(f, syntax_parse(f->arena, text, &diags));
    diags_fini(&diags);
}

void
rule_points_add(struct rule_points *out,
                struct arena *arena,
                const struct site *site,
                const struct rule_spec *rule,
                uint32_t device)
{
    struct finding f = {
        .out = out, .arena = arena, .site = site, .rule = rule, .device = device};
    for (f.level = 0; f.level < rule->level_count; f.level++) {
        read_text(&f, &rule->levels[f.level].when, false, rule->hold_ms);
    }
    for (f.level = 0; f.level < rule->level_count; f.level++) {
        read_text(&f, &rule->levels[f.level].clear, true, rule->clear_hold_ms);
    }
    f.level = 0;
    read_text(&f, &rule->while_, false, 0);
}

uint32_t
rule_points_limits(struct rule_limit *out,
                   uint32_t max,
                   struct arena *arena,
                   const struct site *site,
                   uint32_t point)
{
    uint32_t device = site->points[point].device;
    uint32_t count = 0;
    for (uint32_t r = 0; r < site->rule_count; r++) {
        const struct rule_spec *rule = &site->rules[r];
        struct rule_points found = {.point_count = 0};
        if (applies_to_device(&rule->applies_to, &site->devices[device])) {
            rule_points_add(&found, arena, site, rule, device);
        }
        for (uint32_t i = 0; i < found.limit_count && count < max; i++) {
            const struct rule_limit *l = &found.limits[i];
            if (l->point == point && !l->clears) {
                out[count++] = *l;
            }
        }
    }
    return count;
}

uint32_t
rule_points_judged(const struct site *site,
                   const struct rule_spec *rule,
                   uint32_t device)
{
    const char *when = rule->level_count > 0 ? rule->levels[0].when.text : NULL;
    struct rule_points found = {.point_count = 0};
    struct arena *arena = arena_new();
    uint32_t point = NONE_INDEX;
    rule_points_add(&found, arena, site, rule, device);
    if (found.limit_count > 0 && when != NULL && !found.limits[0].clears) {
        const char *first = strstr(when, found.limits[0].text);
        if (first != NULL && strcspn(when, "<>=") >= (size_t)(first - when)) {
            point = found.limits[0].point;
        }
    }
    arena_free(arena);
    return point;
}
