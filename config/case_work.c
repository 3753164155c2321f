/* What people enter of their work in a case: money, and parts that were used. */
#include "config/case.h"
#include "config/load.h"
#include "config/shape.h"
#include "daemon/base/money.h"
#include "daemon/base/utf8.h"
#include "daemon/model/ticket.h"

bool
case_money_read(struct reader *r, const struct node *n, const char *name, int64_t *out)
{
    double amount = 0;
    if (!value_float(r, n, name, &amount)) {
        return false;
    }
    if (!money_from_number(out, amount)) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"%s\" is %.60s; an amount such as 12.50 is accepted", name,
                  n->text);
        return false;
    }
    return true;
}

struct part_yaml {
    const char *name;
    int64_t count;
    const struct node *cost;
};

static const struct field part_fields[] = {
    {FIELD("name", FIELD_STRING, struct part_yaml, name), REQUIRED,
     .max = PART_BYTES - 1, ABOUT("What it is.")},
    {FIELD("count", FIELD_INT, struct part_yaml, count),
     BETWEEN(-PART_COUNT_MAX, PART_COUNT_MAX),
     ABOUT("How many; less than none takes back what was entered wrongly."),
     PRESET("1")},
    {FIELD("cost", FIELD_NODE, struct part_yaml, cost),
     ABOUT("Of all of them together."), SHAPE(shape_number)},
};
static const struct shape part_shape = {SHAPE_OF_TABLE(part_fields)};
const struct shape case_parts_shape = {
    .kind = SHAPE_LIST, .item = &part_shape, .max = TICKET_PARTS_MAX};

void
case_parts_read(struct reader *r, const struct node *list, struct command *out)
{
    const struct node *n = list_items(r, list, "parts");
    if (list->count > TICKET_PARTS_MAX) {
        diags_add(r->diags, DIAG_ERROR, &list->loc,
                  "\"parts\" has %u entries; up to %d are accepted", list->count,
                  TICKET_PARTS_MAX);
        return;
    }
    struct ticket_part *parts = arena_array(r->arena, list->count + 1, sizeof *parts);
    for (; n != NULL; n = n->next) {
        struct part_yaml y = {.name = ""};
        struct ticket_part *part = &parts[out->part_count++];
        (void)fields_read(r, &y, n, "part", part_fields, ARRAY_LEN(part_fields));
        utf8_copy(part->name, sizeof part->name, y.name);
        part->count = y.count;
        if (y.cost != NULL) {
            (void)case_money_read(r, y.cost, "cost", &part->cost);
        }
    }
    out->parts = parts;
}
