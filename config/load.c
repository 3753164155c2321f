/* What the readers of several nouns share: references between them. */
#include "config/load.h"

#include <string.h>

#include "config/shape.h"
#include "daemon/base/catalogue.h"

struct loc
loc_of(const struct node *map, const char *key)
{
    const struct node *n = map->kind == NODE_MAP ? node_get(map, key) : NULL;
    return n != NULL ? n->loc : map->loc;
}

void
report_duplicate(struct reader *r,
                 const char *noun,
                 const char *id,
                 const struct loc *second,
                 const struct loc *first)
{
    diags_add(r->diags, DIAG_ERROR, second,
              "%s \"%s\" stands twice, first at %s:%u:%u; give this one another id",
              tr(noun), id, first->file, first->line, first->column);
}

void
check_team(struct reader *r,
           const struct site *site,
           const char *name,
           const struct loc *loc)
{
    const char **ids = arena_array(r->arena, site->team_count + 1, sizeof(char *));
    for (uint32_t i = 0; i < site->team_count; i++) {
        ids[i] = site->teams[i].id;
        if (name != NULL && strcmp(ids[i], name) == 0) {
            return;
        }
    }
    if (name != NULL) {
        report_dangling(r, loc, "team", name, ids, site->team_count);
    }
}

void
check_procedure(struct reader *r,
                const struct site *site,
                const char *name,
                const struct loc *loc)
{
    if (name == NULL) {
        return;
    }
    const char **ids = arena_array(r->arena, site->procedure_count + 1, sizeof(char *));
    for (uint32_t i = 0; i < site->procedure_count; i++) {
        ids[i] = site->procedures[i].id;
        if (strcmp(ids[i], name) == 0) {
            return;
        }
    }
    report_dangling(r, loc, "procedure", name, ids, site->procedure_count);
}

void
check_person(struct reader *r,
             const struct site *site,
             const char *name,
             const struct loc *loc)
{
    const char **ids = arena_array(r->arena, site->person_count + 1, sizeof(char *));
    for (uint32_t i = 0; i < site->person_count; i++) {
        ids[i] = site->people[i].id;
        if (strcmp(ids[i], name) == 0) {
            return;
        }
    }
    report_dangling(r, loc, "person", name, ids, site->person_count);
}

static const struct field applies_to_fields[] = {
    {FIELD("type", FIELD_STRING, struct applies_to, type),
     ABOUT("Devices of this type.")},
    {FIELD("id", FIELD_ID, struct applies_to, id), ABOUT("The device with this id.")},
    {FIELD("tag", FIELD_STRING, struct applies_to, tag),
     ABOUT("Devices with this tag.")},
    {FIELD("location", FIELD_STRING, struct applies_to, location),
     ABOUT("Devices at this location.")},
};
const struct shape applies_to_shape = {
    SHAPE_OF_TABLE(applies_to_fields), .name = "applies_to",
    .about = "Devices that match all that is given."};

void
applies_to_read(struct reader *r,
                const struct node *n,
                const struct site *site,
                const char *what,
                struct applies_to *out)
{
    out->loc = n->loc;
    if (!fields_read(r, out, n, "applies_to", applies_to_fields,
                     ARRAY_LEN(applies_to_fields))) {
        return;
    }
    for (uint32_t i = 0; i < site->device_count; i++) {
        if (applies_to_device(out, &site->devices[i])) {
            return;
        }
    }
    diags_add(r->diags, DIAG_WARNING, &n->loc,
              "%s applies to no device of this site; check type, id, tag and location",
              what);
}
