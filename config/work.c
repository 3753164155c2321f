/* What is to be done: procedures, planned maintenance, and the promises of a priority.
 */
#include <string.h>

#include "config/load.h"
#include "config/number.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

struct part_yaml {
    const char *name;
    int64_t count;
};

static const struct field part_fields[] = {
    {FIELD("name", FIELD_STRING, struct part_yaml, name), REQUIRED,
     ABOUT("What it is.")},
    {FIELD("count", FIELD_INT, struct part_yaml, count), BETWEEN(1, 10000),
     ABOUT("How many."), PRESET("1")},
};
static const struct shape part_shape = {SHAPE_OF_TABLE(part_fields)};
static const struct shape parts_shape = {.kind = SHAPE_LIST, .item = &part_shape};

static void
parts_check(struct reader *r, const struct node *list)
{
    for (const struct node *n = list_items(r, list, "parts"); n != NULL; n = n->next) {
        struct part_yaml y = {0};
        (void)fields_read(r, &y, n, "part", part_fields, ARRAY_LEN(part_fields));
    }
}

struct procedure_yaml {
    struct procedure procedure;
    const char *const *steps;
    uint32_t step_count;
    const struct node *parts;
};

static const struct field procedure_fields[] = {
    {FIELD("id", FIELD_ID, struct procedure_yaml, procedure.id), REQUIRED,
     ABOUT("Its id; rules and plans name it.")},
    {FIELD("title", FIELD_TEXT, struct procedure_yaml, procedure.title),
     ABOUT("What it is called.")},
    {FIELD("steps", FIELD_STRINGS, struct procedure_yaml, steps), REQUIRED,
     .count_offset = offsetof(struct procedure_yaml, step_count),
     ABOUT("What is done, in order.")},
    {FIELD("parts", FIELD_NODE, struct procedure_yaml, parts),
     ABOUT("What is needed for it."), SHAPE(parts_shape)},
};
const struct shape procedure_shape = {SHAPE_OF_TABLE(procedure_fields),
                                      .name = "procedure",
                                      .about = "How a piece of work is done."};

void
procedures_read(struct reader *r, const struct sections *s, struct site *site)
{
    const struct node_list *list = &s->lists[SECTION_PROCEDURES];
    site->procedures = arena_array(r->arena, list->count + 1, sizeof *site->procedures);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct node *n = list->items[i];
        struct procedure_yaml y = {.procedure = {.id = "", .loc = n->loc}};
        (void)fields_read(r, &y, n, "procedure", procedure_fields,
                          ARRAY_LEN(procedure_fields));
        struct procedure *p = &y.procedure;
        struct text *steps = arena_array(r->arena, y.step_count + 1, sizeof *steps);
        for (uint32_t k = 0; k < y.step_count; k++) {
            steps[k].in[LANGUAGE_EN] = y.steps[k];
        }
        p->steps = steps;
        p->step_count = y.step_count;
        if (text_in(&p->title, LANGUAGE_EN) == NULL) {
            p->title.in[LANGUAGE_EN] = p->id;
        }
        if (y.parts != NULL) {
            parts_check(r, y.parts);
        }
        for (uint32_t k = 0; k < i; k++) {
            const struct procedure *first = &site->procedures[k];
            if (p->id[0] != 0 && strcmp(first->id, p->id) == 0) {
                report_duplicate(r, "procedure", p->id, &p->loc, &first->loc);
                break;
            }
        }
        site->procedures[site->procedure_count++] = *p;
    }
}

struct plan_yaml {
    const char *id, *team, *procedure;
    int64_t every_ms;
    int from;
    bool statutory;
    struct text title;
    const struct node *applies_to, *or_after;
    struct loc loc;
};

/* Whether one of the devices has the point, or there is none to ask. */
static bool
some_has_point(const struct site *site, const struct applies_to *a, const char *point)
{
    bool asked = false;
    for (uint32_t i = 0; i < site->device_count; i++) {
        if (applies_to_device(a, &site->devices[i])) {
            asked = true;
            if (site_point(site, i, point) != NONE_INDEX) {
                return true;
            }
        }
    }
    return !asked; /* That nothing matches was told of. */
}

static const struct shape or_after_shape = {
    .kind = SHAPE_TEXT,
    .pattern = "^" PATTERN_DURATION " of [a-z][a-z0-9_]*$",
    .accepted = "\"2000h of running\" is accepted"};

/* `2000h of running`: a duration, "of", a point. */
static void
or_after_check(struct reader *r,
               const struct node *n,
               const struct site *site,
               const struct applies_to *applies_to)
{
    const char *of = n->kind == NODE_SCALAR ? strstr(n->text, " of ") : NULL;
    int64_t ms = 0;
    if (of != NULL) {
        const char *time = arena_strndup(r->arena, n->text, (size_t)(of - n->text));
        if (duration_parse(&ms, time, NULL) != 0) {
            ms = 0;
        }
    }
    if (ms <= 0 || !is_point_id(of + 4)) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"or_after\" is no time of a point; %s",
                  tr(or_after_shape.accepted));
    } else if (!some_has_point(site, applies_to, of + 4)) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"or_after\" names \"%s\"; a point of a device that it applies to "
                  "is accepted",
                  of + 4);
    }
}

static const char *const from_words[] = {"done", "plan", NULL};
static const struct field plan_fields[] = {
    {FIELD("id", FIELD_ID, struct plan_yaml, id), REQUIRED, ABOUT("Its id.")},
    {FIELD("title", FIELD_TEXT, struct plan_yaml, title),
     ABOUT("What its tickets are called.")},
    {FIELD("applies_to", FIELD_NODE, struct plan_yaml, applies_to), REQUIRED,
     ABOUT("Which devices are maintained."), SHAPE(applies_to_shape)},
    {FIELD("every", FIELD_DURATION, struct plan_yaml, every_ms),
     BETWEEN(MS_HOUR, 100 * MS_YEAR), ABOUT("How often.")},
    {FIELD("or_after", FIELD_NODE, struct plan_yaml, or_after),
     ABOUT("After so much time of a point, such as 2000h of running; whichever comes "
           "first."),
     SHAPE(or_after_shape)},
    {FIELD("from", FIELD_ENUM, struct plan_yaml, from), .words = from_words,
     ABOUT("What the next one counts from: the last one done, or the plan."),
     PRESET("done")},
    {FIELD("statutory", FIELD_BOOL, struct plan_yaml, statutory),
     ABOUT("The law demands it: it may be tightened, never postponed."),
     PRESET("false")},
    {FIELD("team", FIELD_ID, struct plan_yaml, team),
     ABOUT("The id of the team that does it.")},
    {FIELD("procedure", FIELD_ID, struct plan_yaml, procedure),
     ABOUT("The id of the procedure.")},
};
static const char *const plan_forms[] = {"every", "or_after", NULL};
const struct shape maintenance_shape = {
    SHAPE_OF_TABLE(plan_fields), .name = "maintenance",
    .about = "Work that comes again and again.", .some_of = plan_forms};

static void
plan_check(struct reader *r,
           const struct node *n,
           const struct site *site,
           struct plan_yaml *y)
{
    (void)fields_read(r, y, n, "maintenance", plan_fields, ARRAY_LEN(plan_fields));
    if (n->kind != NODE_MAP) {
        return;
    }
    struct applies_to applies_to = {0};
    struct loc team = loc_of(n, "team");
    struct loc procedure = loc_of(n, "procedure");
    if (y->applies_to != NULL) {
        const char *what =
            arena_printf(r->arena, "maintenance \"%s\"", y->id != NULL ? y->id : "");
        applies_to_read(r, y->applies_to, site, what, &applies_to);
    }
    if (y->or_after != NULL) {
        or_after_check(r, y->or_after, site, &applies_to);
    }
    if (node_get(n, "every") == NULL && y->or_after == NULL) {
        diags_add(
            r->diags, DIAG_ERROR, &n->loc,
            "maintenance \"%s\" is never due; add every: 15d, or or_after: 2000h of "
            "running",
            y->id != NULL ? y->id : "");
    }
    check_team(r, site, y->team, &team);
    check_procedure(r, site, y->procedure, &procedure);
}

void
maintenance_check(struct reader *r, const struct sections *s, struct site *site)
{
    const struct node_list *list = &s->lists[SECTION_MAINTENANCE];
    struct plan_yaml *plans = arena_array(r->arena, list->count + 1, sizeof *plans);
    for (uint32_t i = 0; i < list->count; i++) {
        plans[i].loc = list->items[i]->loc;
        plan_check(r, list->items[i], site, &plans[i]);
        for (uint32_t k = 0; k < i && plans[i].id != NULL; k++) {
            if (plans[k].id != NULL && strcmp(plans[k].id, plans[i].id) == 0) {
                report_duplicate(r, "maintenance", plans[i].id, &plans[i].loc,
                                 &plans[k].loc);
                break;
            }
        }
    }
}

static const struct field promise_fields[] = {
    {FIELD("respond", FIELD_DURATION, struct promise, respond_ms),
     BETWEEN(MS_SECOND, PROMISE_MS_MAX), ABOUT("How soon somebody is there.")},
    {FIELD("resolve", FIELD_DURATION, struct promise, resolve_ms),
     BETWEEN(MS_SECOND, PROMISE_MS_MAX), ABOUT("How soon it is repaired.")},
};
static const struct shape promise_shape = {SHAPE_OF_TABLE(promise_fields)};

static void
read_promise(struct reader *r, const struct node *n, struct promise *out)
{
    (void)fields_read(r, out, n, n->key, promise_fields, ARRAY_LEN(promise_fields));
    if (out->resolve_ms < out->respond_ms) {
        char resolve[INSTANT_TEXT_BYTES];
        char respond[INSTANT_TEXT_BYTES];
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "priority \"%s\" is to be resolved in %s and responded to in %s; let "
                  "resolve be respond or longer",
                  n->key, duration_format(resolve, out->resolve_ms),
                  duration_format(respond, out->respond_ms));
    }
}

struct priorities_yaml {
    const struct node *of[SEVERITY_COUNT];
};

static const struct field priorities_fields[] = {
    {FIELD("critical", FIELD_NODE, struct priorities_yaml, of[SEVERITY_CRITICAL]),
     ABOUT("What is promised for critical tickets."), SHAPE(promise_shape)},
    {FIELD("urgent", FIELD_NODE, struct priorities_yaml, of[SEVERITY_URGENT]),
     ABOUT("What is promised for urgent tickets."), SHAPE(promise_shape)},
    {FIELD("normal", FIELD_NODE, struct priorities_yaml, of[SEVERITY_NORMAL]),
     ABOUT("What is promised for normal tickets."), SHAPE(promise_shape)},
};
const struct shape priorities_shape = {SHAPE_OF_TABLE(priorities_fields)};

void
promises_read(struct reader *r, const struct sections *s, struct site *site)
{
    struct priorities_yaml y = {{NULL}};
    site->promises[SEVERITY_CRITICAL] =
        (struct promise){15 * MS_MINUTE, 30 * MS_MINUTE};
    site->promises[SEVERITY_URGENT] = (struct promise){30 * MS_MINUTE, 2 * MS_HOUR};
    site->promises[SEVERITY_NORMAL] = (struct promise){2 * MS_HOUR, 24 * MS_HOUR};
    const struct node *n = s->once[SECTION_PRIORITIES];
    if (n == NULL) {
        return;
    }
    (void)fields_read(r, &y, n, "priorities", priorities_fields,
                      ARRAY_LEN(priorities_fields));
    for (int i = 0; i < SEVERITY_COUNT; i++) {
        if (y.of[i] != NULL) {
            read_promise(r, y.of[i], &site->promises[i]);
        }
    }
}
