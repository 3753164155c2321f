/* What is to be done: procedures, and the promises of a priority. */
#include <string.h>

#include "config/load.h"
#include "config/number.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

#define STEPS_MAX 64 /* What a ticket can tick off: TICKET_STEPS_MAX. */

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
parts_read(struct reader *r, const struct node *list, struct procedure *p)
{
    struct part_spec *parts = arena_array(r->arena, list->count + 1, sizeof *parts);
    for (const struct node *n = list_items(r, list, "parts"); n != NULL; n = n->next) {
        struct part_yaml y = {0};
        if (fields_read(r, &y, n, "part", part_fields, ARRAY_LEN(part_fields))) {
            parts[p->part_count++] = (struct part_spec){y.name, y.count};
        }
    }
    p->parts = parts;
}

static const struct shape steps_shape = {
    .kind = SHAPE_LIST, .item = &shape_text_in_languages, .min = 1, .max = STEPS_MAX};

struct step_yaml {
    struct text text;
};

/* A step is read like the value of a key: text, or one in each language. */
static const struct field step_field = {
    FIELD("steps", FIELD_TEXT, struct step_yaml, text)};

static void
steps_read(struct reader *r, const struct node *list, struct procedure *p)
{
    struct text *steps = arena_array(r->arena, list->count + 1, sizeof *steps);
    p->steps = steps;
    if (list->kind != NODE_LIST || list->count == 0) {
        diags_add(r->diags, DIAG_ERROR, &list->loc,
                  "\"steps\" is %s; a list such as [one, two] is accepted",
                  list->kind == NODE_LIST ? tr("empty") : node_kind_name(list));
        return;
    }
    if (list->count > STEPS_MAX) {
        diags_add(r->diags, DIAG_ERROR, &list->loc,
                  "procedure \"%s\" has %u steps; up to %d are accepted", p->id,
                  list->count, STEPS_MAX);
        return;
    }
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        struct step_yaml y = {0};
        struct node step = *n;
        step.key = "steps";
        step.next = NULL;
        struct node map = {.kind = NODE_MAP, .loc = n->loc, .first = &step, .count = 1};
        if (fields_read(r, &y, &map, "step", &step_field, 1)) {
            steps[p->step_count++] = y.text;
        }
    }
}

struct procedure_yaml {
    struct procedure procedure;
    const struct node *steps, *parts;
};

static const struct field procedure_fields[] = {
    {FIELD("id", FIELD_ID, struct procedure_yaml, procedure.id), REQUIRED,
     ABOUT("Its id; rules and plans name it.")},
    {FIELD("title", FIELD_TEXT, struct procedure_yaml, procedure.title),
     ABOUT("What it is called.")},
    {FIELD("steps", FIELD_NODE, struct procedure_yaml, steps), REQUIRED,
     ABOUT("What is done, in order: each a text, or one in each language."),
     SHAPE(steps_shape)},
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
        if (y.steps != NULL) {
            steps_read(r, y.steps, p);
        }
        if (y.parts != NULL) {
            parts_read(r, y.parts, p);
        }
        if (text_in(&p->title, LANGUAGE_EN) == NULL) {
            p->title.in[LANGUAGE_EN] = p->id;
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
