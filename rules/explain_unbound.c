/* Why a rule does not go to a device. */
#include <string.h>

#include "daemon/base/catalogue.h"
#include "rules/explain.h"
#include "rules/syntax.h"

static void
say(struct strbuf *out, bool *first)
{
    strbuf_add(out, *first ? "" : "; ");
    *first = false;
}

static void
say_criteria(struct strbuf *out,
             const struct applies_to *a,
             const struct device *d,
             bool *first)
{
    const struct {
        const char *name, *wanted, *has;
    } words[] = {{"type", a->type, d->type},
                 {"id", a->id, d->id},
                 {"location", a->location, d->location}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const char *has = words[i].has;
        if (words[i].wanted != NULL &&
            (has == NULL || strcmp(words[i].wanted, has) != 0)) {
            say(out, first);
            strbuf_printf(out, tr("it applies to %s `%s`, and the device's is "),
                          words[i].name, words[i].wanted);
            strbuf_printf(out, has != NULL ? "`%s`" : tr("not given"), has);
        }
    }
    bool tagged = a->tag == NULL;
    for (uint32_t i = 0; i < d->tag_count; i++) {
        tagged = tagged || strcmp(d->tags[i], a->tag) == 0;
    }
    if (!tagged) {
        say(out, first);
        strbuf_printf(out, tr("it applies to tag `%s`, which the device does not have"),
                      a->tag);
    }
}

/* Each name once: what was said of it stands in `out`. */
static void
say_missing(struct strbuf *out,
            const struct site *site,
            uint32_t device,
            const struct node *n,
            bool *first)
{
    if (n->kind == NODE_POINT) {
        uint32_t index = n->device == NULL ? site_point(site, device, n->name) : 0;
        char quoted[ID_BYTES_MAX + sizeof "point ``"];
        bool missing = index == NONE_INDEX || site->points[index].broken;
        (void)snprintf(quoted, sizeof quoted, "point `%s`", n->name);
        if (n->device == NULL && missing && strcmp(n->name, "online") != 0 &&
            strstr(strbuf_text(out), quoted) == NULL) {
            say(out, first);
            strbuf_printf(out, tr("the device has no %s"), quoted);
        }
        return;
    }
    struct node *const *args = n->kind == NODE_CALL ? n->list : n->args;
    for (uint32_t i = 0; i < n->arg_count; i++) {
        say_missing(out, site, device, args[i], first);
    }
}

void
explain_unbound(struct strbuf *out,
                const struct site *site,
                uint32_t device,
                uint32_t rule)
{
    const struct rule_spec *spec = &site->rules[rule];
    struct arena *arena = arena_new();
    struct diags diags;
    bool first = true;
    diags_init(&diags);
    if (!spec->enabled) {
        say(out, &first);
        strbuf_add(out, tr("it is not enabled"));
    }
    say_criteria(out, &spec->applies_to, &site->devices[device], &first);
    for (uint32_t i = 0; i < 1 + 2 * spec->level_count; i++) {
        const struct rule_level *level = &spec->levels[i == 0 ? 0 : (i - 1) / 2];
        const struct expr_text *text = i == 0       ? &spec->while_
                                       : i % 2 == 1 ? &level->when
                                                    : &level->clear;
        const struct node *root =
            text->text == NULL ? NULL : syntax_parse(arena, text, &diags);
        if (root != NULL) {
            say_missing(out, site, device, root, &first);
        }
    }
    diags_fini(&diags);
    arena_free(arena);
}
