#include "daemon/pipeline/rule_points.h"

#include <math.h>
#include <string.h>

#include "rules/syntax.h"
#include "rules/unit.h"

struct finding {
    struct rule_points *out;
    struct arena *arena;
    const struct site *site;
    uint32_t device;
    const struct expr_text *text;
    bool clears;
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
        .point = point,
        .value = value,
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
    look_at(f, n->args[0]);
    look_at(f, n->args[1]);
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
    struct finding f = {.out = out, .arena = arena, .site = site, .device = device};
    for (uint32_t i = 0; i < rule->level_count; i++) {
        read_text(&f, &rule->levels[i].when, false, rule->hold_ms);
    }
    for (uint32_t i = 0; i < rule->level_count; i++) {
        read_text(&f, &rule->levels[i].clear, true, rule->clear_hold_ms);
    }
    read_text(&f, &rule->while_, false, 0);
}
