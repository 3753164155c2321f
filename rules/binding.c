#include "rules/binding.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"

#define PLACES_MAX 64 /* Places of one rule that were reported already. */

/* A condition of the rule being bound. */
struct condition {
    const struct expr_text *text;
    const struct node *root;
};

struct name {
    const struct node *node;
    const struct expr_text *text;
};

struct binder {
    struct binding *out;
    struct arena *arena;   /* Of the programs. */
    struct arena *scratch; /* Of what is needed until all is bound. */
    const struct site *site;
    struct diags *diags;
    struct code_writer *writer;
    uint32_t items_max, slots_max;

    /* The rule being bound. */
    const struct rule_spec *rule;
    uint32_t rule_index;
    struct condition while_;
    struct condition when[RULE_LEVELS_MAX];
    struct condition clear[RULE_LEVELS_MAX];
    struct name names[CODE_SLOTS_MAX]; /* Bare ones: the device must have them. */
    uint32_t name_count;
    uint32_t read_count; /* Points and devices that it reads, bare or not. */
    struct code *codes;
    struct loc places[PLACES_MAX];
    uint32_t place_count;
    uint32_t device; /* The device being compiled for. */
    bool failed;
};

static void *
grow(void *items, uint32_t *max, uint32_t wanted, size_t size)
{
    if (wanted <= *max) {
        return items;
    }
    uint32_t count = *max == 0 ? 64 : *max * 2;
    while (count < wanted) {
        count *= 2;
    }
    void *bigger = reallocarray(items, count, size);
    if (bigger == NULL) {
        abort();
    }
    *max = count;
    return bigger;
}

static void PRINTF_LIKE(3, 4)
    error_at(struct binder *b, const struct loc *loc, const char *fmt, ...)
{
    char message[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, tr(fmt), args);
    va_end(args);
    diags_add(b->diags, DIAG_ERROR, loc, "%s", message);
    b->failed = true;
}

/* True the first time that a place of this rule is met. */
static bool
place_is_new(struct binder *b, const struct loc *loc)
{
    for (uint32_t i = 0; i < b->place_count; i++) {
        if (b->places[i].line == loc->line && b->places[i].column == loc->column) {
            return false;
        }
    }
    if (b->place_count < PLACES_MAX) {
        b->places[b->place_count++] = *loc;
    }
    return true;
}

static void
report(void *ctx,
       enum diag_level level,
       const struct expr_text *text,
       uint32_t at,
       const char *message)
{
    struct binder *b = ctx;
    struct loc loc = syntax_loc(text, at);
    if (level == DIAG_ERROR) {
        b->failed = true;
    }
    if (!place_is_new(b, &loc)) {
        return;
    }
    const struct device *d = &b->site->devices[b->device];
    if (b->name_count == 0) {
        diags_add(b->diags, level, &loc, "%s", message);
    } else {
        diags_add(b->diags, level, &loc, "%s (on %s, type %s)", message, d->id,
                  d->type == NULL ? "none" : d->type);
    }
}

/* A point that was reported as broken is none: what a rule makes of it would only
 * follow from that. */
static bool
has_point(const struct site *site, uint32_t device, const char *name)
{
    uint32_t index = site_point(site, device, name);
    return index != NONE_INDEX && !site->points[index].broken;
}

/* The nearest of the points of one device. */
static const char *
nearest_point(const struct site *site, uint32_t device, const char *name)
{
    const struct device *d = &site->devices[device];
    const char *best = NULL;
    const char *ids[DEVICE_POINTS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < d->point_count && count < DEVICE_POINTS_MAX; i++) {
        ids[count++] = site->points[d->first_point + i].id;
    }
    best = diag_nearest(name, ids, count);
    return best;
}

static const char *
nearest_device(struct binder *b, const char *id)
{
    const char **ids = arena_array(b->scratch, b->site->device_count + 1, sizeof *ids);
    for (uint32_t i = 0; i < b->site->device_count; i++) {
        ids[i] = b->site->devices[i].id;
    }
    return diag_nearest(id, ids, b->site->device_count);
}

/* Every device has `online`, whether or not a point of that name. */
static bool
is_online(const struct node *n)
{
    return strcmp(n->name, "online") == 0;
}

static void
check_foreign_name(struct binder *b, const struct expr_text *text, const struct node *n)
{
    struct loc loc = syntax_loc(text, n->start);
    uint32_t device = site_device(b->site, n->device);
    if (b->site->incomplete &&
        (device == NONE_INDEX || !has_point(b->site, device, n->name))) {
        b->failed = true; /* Not to be bound; why was reported. */
        return;
    }
    if (device == NONE_INDEX) {
        const char *near = nearest_device(b, n->device);
        error_at(b, &loc,
                 near == NULL ? "there is no device `%s`"
                              : "there is no device `%s`; did you mean `%s`?",
                 n->device, near);
        return;
    }
    if (!has_point(b->site, device, n->name) && !is_online(n)) {
        const char *near = nearest_point(b->site, device, n->name);
        loc = syntax_loc(text, n->start + (uint32_t)strlen(n->device) + 1);
        error_at(b, &loc,
                 near == NULL ? "device `%s` has no point `%s`"
                              : "device `%s` has no point `%s`; did you mean `%s`?",
                 n->device, n->name, near);
    }
}

static void
collect_names(struct binder *b, const struct expr_text *text, const struct node *n)
{
    if (n->kind == NODE_POINT) {
        b->read_count++;
        if (n->device != NULL) {
            check_foreign_name(b, text, n);
        } else if (b->name_count < CODE_SLOTS_MAX) {
            b->names[b->name_count++] = (struct name){n, text};
        } else {
            struct loc loc = syntax_loc(text, n->start);
            error_at(b, &loc, "the rule names more than %d points", CODE_SLOTS_MAX);
        }
        return;
    }
    struct node *const *args = n->kind == NODE_CALL ? n->list : n->args;
    for (uint32_t i = 0; i < n->arg_count; i++) {
        collect_names(b, text, args[i]);
    }
}

static void
read_condition(struct binder *b, const struct expr_text *text, struct condition *out)
{
    *out = (struct condition){.text = text};
    if (text->text == NULL) {
        return;
    }
    out->root = syntax_parse(b->scratch, text, b->diags);
    if (out->root == NULL) {
        b->failed = true;
        return;
    }
    collect_names(b, text, out->root);
}

static void
read_rule(struct binder *b, uint32_t index)
{
    const struct rule_spec *rule = &b->site->rules[index];
    b->rule = rule;
    b->rule_index = index;
    b->name_count = 0;
    b->read_count = 0;
    b->codes = NULL;
    b->place_count = 0;
    b->failed = false;
    read_condition(b, &rule->while_, &b->while_);
    for (uint32_t i = 0; i < rule->level_count; i++) {
        read_condition(b, &rule->levels[i].when, &b->when[i]);
        read_condition(b, &rule->levels[i].clear, &b->clear[i]);
        if (rule->levels[i].when.text == NULL) {
            error_at(b, &rule->levels[i].loc, "rule `%s` has no `when`", rule->id);
        }
    }
}

static bool
applies_to_is_given(const struct applies_to *a)
{
    return a->type != NULL || a->id != NULL || a->tag != NULL || a->location != NULL;
}

/* The first name that the device has no point for; NULL: it has them all. */
static const struct name *
missing_name(const struct binder *b, uint32_t device)
{
    for (uint32_t i = 0; i < b->name_count; i++) {
        const struct node *n = b->names[i].node;
        if (!has_point(b->site, device, n->name) && !is_online(n)) {
            return &b->names[i];
        }
    }
    return NULL;
}

static bool
compile_condition(struct binder *b, const struct condition *c, struct span *out)
{
    struct expression_scope scope = {b->site, &b->out->series, b->device,
                                     c->text, report,          b};
    *out = (struct span){0, 0};
    return c->root == NULL || expression_compile(b->writer, &scope, c->root, out);
}

static bool
compile_value(struct binder *b, const struct condition *c, struct span *out)
{
    struct expression_scope scope = {b->site, &b->out->series, b->device,
                                     c->text, report,          b};
    const struct node *value = expression_value_node(c->root);
    *out = (struct span){0, 0};
    return value == NULL || expression_compile_value(b->writer, &scope, value, out);
}

/* Keeps the written programs, or finds them already kept. */
static const struct code *
keep_code(struct binder *b, const struct code *draft)
{
    const struct code_writer *w = b->writer;
    size_t ops_bytes = w->op_count * sizeof w->ops[0];
    size_t constants_bytes = w->constant_count * sizeof w->constants[0];
    for (const struct code *c = b->codes; c != NULL; c = c->next) {
        if (c->op_count == w->op_count && c->constant_count == w->constant_count &&
            c->slot_count == w->slot_count && memcmp(c->ops, w->ops, ops_bytes) == 0 &&
            memcmp(c->constants, w->constants, constants_bytes) == 0 &&
            memcmp(c->slot_kinds, w->slot_kinds, w->slot_count) == 0 &&
            c->watch_count == w->watch_count &&
            memcmp(c->watches, w->watches, w->watch_count * sizeof w->watches[0]) ==
                0) {
            return c;
        }
    }
    struct code *c = arena_alloc(b->arena, sizeof *c);
    *c = *draft;
    struct op *ops = arena_array(b->arena, w->op_count + 1, sizeof *ops);
    double *constants = arena_array(b->arena, w->constant_count + 1, sizeof *constants);
    uint8_t *kinds = arena_array(b->arena, w->slot_count + 1, sizeof *kinds);
    struct value_watch *watches =
        arena_array(b->arena, w->watch_count + 1, sizeof *watches);
    struct level_code *levels =
        arena_array(b->arena, draft->level_count, sizeof *levels);
    memcpy(ops, w->ops, ops_bytes);
    memcpy(constants, w->constants, constants_bytes);
    memcpy(kinds, w->slot_kinds, w->slot_count);
    memcpy(watches, w->watches, w->watch_count * sizeof *watches);
    memcpy(levels, draft->levels, draft->level_count * sizeof *levels);
    c->ops = ops;
    c->constants = constants;
    c->slot_kinds = kinds;
    c->watches = watches;
    c->levels = levels;
    c->op_count = w->op_count;
    c->constant_count = w->constant_count;
    c->slot_count = (uint16_t)w->slot_count;
    c->watch_count = (uint16_t)w->watch_count;
    c->next = b->codes;
    b->codes = c;
    return c;
}

static void
bind_device(struct binder *b, uint32_t device)
{
    struct code_writer *w = b->writer;
    struct level_code levels[RULE_LEVELS_MAX];
    struct code draft = {.level_count = b->rule->level_count, .levels = levels};
    w->op_count = w->constant_count = w->slot_count = w->watch_count = 0;
    b->device = device;
    bool ok = compile_condition(b, &b->while_, &draft.while_);
    for (uint32_t i = 0; i < b->rule->level_count; i++) {
        struct level_code *level = &levels[i];
        ok = compile_condition(b, &b->when[i], &level->when) && ok;
        ok = compile_condition(b, &b->clear[i], &level->clear) && ok;
        ok = ok && compile_value(b, &b->when[i], &level->value);
    }
    if (!ok) {
        return;
    }
    struct binding *out = b->out;
    if (out->count == INSTANCES_MAX) {
        error_at(b, &b->rule->loc, "rules times devices are more than %d",
                 INSTANCES_MAX);
        return;
    }
    out->items = grow(out->items, &b->items_max, out->count + 1, sizeof *out->items);
    out->slots = grow(out->slots, &b->slots_max, out->slot_count + w->slot_count,
                      sizeof *out->slots);
    out->items[out->count++] =
        (struct bound){device, b->rule_index, out->slot_count, keep_code(b, &draft)};
    memcpy(&out->slots[out->slot_count], w->slots, w->slot_count * sizeof w->slots[0]);
    out->slot_count += w->slot_count;
}

static void
describe_criteria(char *out, size_t size, const struct applies_to *a)
{
    const char *const words[][2] = {
        {"type", a->type}, {"id", a->id}, {"tag", a->tag}, {"location", a->location}};
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i][1] != NULL && used < size) {
            int more =
                snprintf(out + used, size - used, "%s%s `%s`",
                         used > 0 ? tr(" and ") : tr(" of "), words[i][0], words[i][1]);
            used += more > 0 ? (size_t)more : 0;
        }
    }
}

static void
report_missing(struct binder *b,
               enum diag_level level,
               uint32_t device,
               const struct name *missing,
               const char *criteria)
{
    const struct device *d = &b->site->devices[device];
    struct loc loc = syntax_loc(missing->text, missing->node->start);
    if (b->site->incomplete) {
        return; /* It may be one of the parts that were reported and left out. */
    }
    const char *near = nearest_point(b->site, device, missing->node->name);
    char hint[2 * ID_BYTES_MAX] = "";
    if (near != NULL) {
        (void)snprintf(hint, sizeof hint, tr("; did you mean `%s`?"), near);
    }
    if (level == DIAG_ERROR) {
        error_at(b, &loc, "device `%s` has no point `%s`%s", d->id, missing->node->name,
                 hint);
        return;
    }
    diags_add(b->diags, DIAG_WARNING, &loc,
              "rule `%s` applies to nothing: no device%s has all its points; `%s` "
              "has no `%s`%s",
              b->rule->id, criteria, d->id, missing->node->name, hint);
}

/* No criteria, and no device has all points: the device that fits best is named. */
static void
report_nowhere(struct binder *b)
{
    for (uint32_t d = 0; d < b->site->device_count && !b->site->incomplete; d++) {
        const struct name *missing = missing_name(b, d);
        if (nearest_point(b->site, d, missing->node->name) != NULL) {
            report_missing(b, DIAG_WARNING, d, missing, "");
            return;
        }
    }
    struct loc loc = syntax_loc(b->names[0].text, b->names[0].node->start);
    if (!b->site->incomplete) {
        diags_add(b->diags, DIAG_WARNING, &loc,
                  "rule `%s` applies to nothing: no device has all its points",
                  b->rule->id);
    }
}

/* Whether the criteria make sense for what the rule reads. */
static bool
check_criteria(struct binder *b)
{
    const struct applies_to *a = &b->rule->applies_to;
    if (b->failed) {
        return false;
    }
    if (b->read_count == 0) {
        error_at(b, &b->rule->levels[0].when.loc,
                 "rule `%s` reads no point: nothing would ever judge it", b->rule->id);
        return false;
    }
    bool own = false;
    for (uint32_t i = 0; i < b->name_count; i++) {
        own = own || !is_online(b->names[i].node);
    }
    if (!own && !applies_to_is_given(a)) {
        error_at(b, &b->rule->loc,
                 "rule `%s` names no point of its own device; `applies_to` must say "
                 "which device it is for",
                 b->rule->id);
        return false;
    }
    if (a->id != NULL && site_device(b->site, a->id) == NONE_INDEX) {
        if (b->site->incomplete) {
            return false;
        }
        const char *near = nearest_device(b, a->id);
        error_at(b, a->loc.line > 0 ? &a->loc : &b->rule->loc,
                 near == NULL ? "there is no device `%s`"
                              : "there is no device `%s`; did you mean `%s`?",
                 a->id, near);
        return false;
    }
    return true;
}

static void
bind_rule(struct binder *b)
{
    const struct applies_to *a = &b->rule->applies_to;
    uint32_t matching = 0;
    uint32_t complete = 0;
    uint32_t first = NONE_INDEX;
    for (uint32_t d = 0; d < b->site->device_count; d++) {
        if (!applies_to_device(a, &b->site->devices[d])) {
            continue;
        }
        matching++;
        first = first == NONE_INDEX ? d : first;
        if (missing_name(b, d) == NULL) {
            complete++;
            bind_device(b, d);
        }
    }
    char criteria[4 * ID_BYTES_MAX];
    describe_criteria(criteria, sizeof criteria, a);
    if (matching == 0 && b->site->incomplete) {
        return;
    }
    if (matching == 0) {
        diags_add(b->diags, DIAG_WARNING, a->loc.line > 0 ? &a->loc : &b->rule->loc,
                  "rule `%s` applies to nothing: there is no device%s", b->rule->id,
                  criteria);
    } else if (complete == 0 && a->id != NULL) {
        report_missing(b, DIAG_ERROR, first, missing_name(b, first), criteria);
    } else if (complete == 0 && applies_to_is_given(a)) {
        report_missing(b, DIAG_WARNING, first, missing_name(b, first), criteria);
    } else if (complete == 0) {
        report_nowhere(b);
    }
}

/* Rules were bound in their order; devices come first. */
static void
sort_by_device(struct binding *b, uint32_t device_count)
{
    uint32_t *next = calloc((size_t)device_count + 1, sizeof *next);
    struct bound *sorted = calloc((size_t)b->count + 1, sizeof *sorted);
    if (next == NULL || sorted == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < b->count; i++) {
        next[b->items[i].device + 1]++;
    }
    for (uint32_t d = 0; d < device_count; d++) {
        next[d + 1] += next[d];
    }
    for (uint32_t i = 0; i < b->count; i++) {
        sorted[next[b->items[i].device]++] = b->items[i];
    }
    free(next);
    free(b->items);
    b->items = sorted;
}

void
binding_init(struct binding *out,
             struct arena *arena,
             const struct site *site,
             struct diags *diags)
{
    *out = (struct binding){0};
    series_book_init(&out->series, arena);
    struct binder *b = calloc(1, sizeof *b);
    struct code_writer *w = calloc(1, sizeof *w);
    if (b == NULL || w == NULL) {
        abort();
    }
    *b = (struct binder){
        .out = out, .arena = arena, .site = site, .diags = diags, .writer = w};
    b->scratch = arena_new();
    for (uint32_t i = 0; i < site->rule_count; i++) {
        read_rule(b, i); /* A disabled one too: its mistakes are no less wrong. */
        if (check_criteria(b) && site->rules[i].enabled) {
            bind_rule(b);
        }
    }
    sort_by_device(out, site->device_count);
    arena_free(b->scratch);
    free(w);
    free(b);
}

void
binding_fini(struct binding *b)
{
    free(b->items);
    free(b->slots);
    series_book_fini(&b->series);
    *b = (struct binding){0};
}
