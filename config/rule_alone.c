/* One rule that stands in no file yet. */
#include <string.h>

#include "config/config.h"
#include "config/load.h"

/* The item, whatever it is wrapped in; NULL: reported. */
static const struct node *
only_item(struct reader *r, const struct node *n)
{
    if (n->kind == NODE_MAP && n->count == 1 && node_get(n, "rules") != NULL) {
        n = node_get(n, "rules");
    }
    if (n->kind == NODE_LIST && n->count == 1) {
        n = n->first;
    }
    if (n->kind == NODE_MAP && n->count > 0) {
        return n;
    }
    diags_add(r->diags, DIAG_ERROR, &n->loc,
              "one rule is accepted: a mapping with id, when and severity");
    return NULL;
}

const struct rule_spec *
config_read_rule(struct arena *arena,
                 const struct site *site,
                 const char *name,
                 const char *text,
                 struct diags *diags)
{
    struct reader r = {.arena = arena, .diags = diags};
    size_t errors = diags->errors;
    const struct node *root = tree_parse(arena, name, text, strlen(text), diags);
    const struct node *item = root != NULL ? only_item(&r, root) : NULL;
    struct rule_spec *rule = arena_alloc(arena, sizeof *rule);
    if (item != NULL) {
        rule_read_alone(&r, item, site, rule);
    }
    return item != NULL && diags->errors == errors ? rule : NULL;
}
