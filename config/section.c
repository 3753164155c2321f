/* The files of a site: the site file, what it includes, and which top-level key stands
 * where. */
#include <assert.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include "config/load.h"

#define FILES_MAX    1000 /* Included files of one site. */
#define INCLUDES_MAX 16   /* How deep files may include files. */

enum section_kind { KIND_ONCE, KIND_LIST };

static const struct {
    const char *key;
    enum section_kind kind;
} sections[] = {
    [SECTION_SITE] = {"site", KIND_ONCE},
    [SECTION_DATA] = {"data", KIND_ONCE},
    [SECTION_BUSES] = {"buses", KIND_LIST},
    [SECTION_DEVICES] = {"devices", KIND_LIST},
    [SECTION_RULES] = {"rules", KIND_LIST},
    [SECTION_PEOPLE] = {"people", KIND_LIST},
    [SECTION_TEAMS] = {"teams", KIND_LIST},
    [SECTION_PRIORITIES] = {"priorities", KIND_ONCE},
    [SECTION_MAINTENANCE] = {"maintenance", KIND_LIST},
    [SECTION_PROCEDURES] = {"procedures", KIND_LIST},
    [SECTION_MQTT] = {"mqtt", KIND_ONCE},
    [SECTION_HISTORY] = {"history", KIND_ONCE},
    [SECTION_ALARMS] = {"alarms", KIND_ONCE},
    [SECTION_TICKETS] = {"tickets", KIND_ONCE},
    [SECTION_WEB] = {"web", KIND_ONCE},
};
_Static_assert(ARRAY_LEN(sections) == SECTION_COUNT, "a row for each section");

/* A file that was read, known by its inode: two names may mean one file. */
struct source {
    dev_t dev;
    ino_t ino;
    struct loc included_at; /* line 0: the site file, or a --rules file. */
    const struct source *next;
};

struct gather {
    struct reader *r;
    struct sections *out;
    const struct source *sources;
    uint32_t source_count;
    bool rules_replaced; /* The site's own rules do not count. */
    bool only_rules;     /* Reading a --rules file. */
};

static void
node_list_add(struct arena *a, struct node_list *list, const struct node *n)
{
    if (list->count == list->room) {
        uint32_t room = list->room == 0 ? 32 : list->room * 2;
        const struct node **items = arena_array(a, room, sizeof(const struct node *));
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof items[0]);
        }
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = n;
}

static void
report_unknown_section(struct gather *g, const struct node *n)
{
    const char *keys[SECTION_COUNT + 1] = {"include"};
    char accepted[300] = "include";
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        keys[i + 1] = sections[i].key;
        strcat(accepted, ", ");
        strcat(accepted, sections[i].key);
    }
    const char *near = diag_nearest(n->key, keys, ARRAY_LEN(keys));
    diags_add(g->r->diags, DIAG_ERROR, &n->key_loc,
              "unknown key \"%.60s\"; %s%s%saccepted: %s", n->key,
              near != NULL ? "did you mean \"" : "", near != NULL ? near : "",
              near != NULL ? "\"? " : "", accepted);
}

static void
take_section(struct gather *g, enum section s, const struct node *n)
{
    if (g->only_rules && s != SECTION_RULES) {
        if (s != SECTION_PROCEDURES) {
            diags_add(g->r->diags, DIAG_WARNING, &n->key_loc,
                      "\"%s\" is ignored; only rules are taken from this file", n->key);
        }
        return;
    }
    if (s == SECTION_RULES && g->rules_replaced && !g->only_rules) {
        return;
    }
    if (sections[s].kind == KIND_LIST) {
        const struct node *item = list_items(g->r, n, n->key);
        for (; item != NULL; item = item->next) {
            node_list_add(g->r->arena, &g->out->lists[s], item);
        }
        return;
    }
    const struct node *first = g->out->once[s];
    if (first != NULL && strcmp(first->key_loc.file, n->key_loc.file) == 0) {
        return; /* Told of as a repeated key. */
    }
    if (first != NULL) {
        diags_add(g->r->diags, DIAG_ERROR, &n->key_loc,
                  "\"%s\" stands twice, first at %s:%u:%u; keep one", n->key,
                  first->key_loc.file, first->key_loc.line, first->key_loc.column);
        return;
    }
    g->out->once[s] = n;
}

static bool read_source(struct gather *g,
                        const char *path,
                        const struct loc *included_at,
                        unsigned depth);

/* Remembers the file; false (reported) when it was read before. */
static bool
note_source(struct gather *g, const char *path, const struct loc *at)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return true; /* tree_load() will say why. */
    }
    for (const struct source *s = g->sources; s != NULL; s = s->next) {
        if (s->dev != st.st_dev || s->ino != st.st_ino) {
            continue;
        }
        if (s->included_at.line == 0) {
            diags_add(g->r->diags, DIAG_ERROR, at,
                      "%s is included by itself; a file is read once, take it out",
                      path);
        } else {
            diags_add(g->r->diags, DIAG_ERROR, at,
                      "%s is included twice, first at %s:%u:%u; a file is read once, "
                      "take one out",
                      path, s->included_at.file, s->included_at.line,
                      s->included_at.column);
        }
        return false;
    }
    if (++g->source_count > FILES_MAX) {
        diags_add(g->r->diags, DIAG_ERROR, at, "more than %d files; join some of them",
                  FILES_MAX);
        return false;
    }
    struct source *s = arena_alloc(g->r->arena, sizeof *s);
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    s->included_at = at->line > 0 ? *at : (struct loc){NULL, 0, 0};
    s->next = g->sources;
    g->sources = s;
    return true;
}

static void
include_one(struct gather *g, const struct node *n, unsigned depth)
{
    struct reader *r = g->r;
    if (!value_text(r, n, "include")) {
        return;
    }
    const char *pattern = path_beside(r->arena, n->loc.file, n->text);
    if (strpbrk(n->text, "*?[") == NULL) {
        struct stat st;
        if (stat(pattern, &st) != 0) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "there is no file %s; a name is relative to this file, and may "
                      "hold * and ?",
                      pattern);
            return;
        }
        (void)read_source(g, pattern, &n->loc, depth);
        return;
    }
    glob_t found;
    int rc = glob(pattern, 0, NULL, &found); /* Sorted by name. */
    if (rc == GLOB_NOMATCH) {
        diags_add(r->diags, DIAG_WARNING, &n->loc,
                  "no file matches %s; a name is relative to this file", pattern);
        return;
    }
    if (rc != 0) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "cannot look for %s; check the folder's permissions", pattern);
        return;
    }
    for (size_t i = 0; i < found.gl_pathc && i <= FILES_MAX; i++) {
        (void)read_source(g, found.gl_pathv[i], &n->loc, depth);
    }
    globfree(&found);
}

static void
include_all(struct gather *g, const struct node *include, unsigned depth)
{
    if (depth >= INCLUDES_MAX) {
        diags_add(g->r->diags, DIAG_ERROR, &include->loc,
                  "files include files deeper than %d; include them from the site file",
                  INCLUDES_MAX);
        return;
    }
    if (include->kind == NODE_SCALAR && !node_is_empty(include)) {
        include_one(g, include, depth + 1);
        return;
    }
    const struct node *n = list_items(g->r, include, "include");
    for (; n != NULL; n = n->next) {
        include_one(g, n, depth + 1);
    }
}

/* False when the file itself could not be read. */
static bool
read_source(struct gather *g,
            const char *path,
            const struct loc *included_at,
            unsigned depth)
{
    if (!note_source(g, path, included_at)) {
        return false;
    }
    const struct node *root = tree_load(g->r->arena, path, g->r->diags);
    if (root == NULL) {
        return false;
    }
    if (root->kind != NODE_MAP && !node_is_empty(root)) {
        diags_add(g->r->diags, DIAG_ERROR, &root->loc,
                  "the file is %s; top-level keys such as \"rules:\" are accepted",
                  node_kind_name(root));
        return false;
    }
    const struct node *profile =
        root->kind == NODE_MAP ? node_get(root, "profile") : NULL;
    if (profile != NULL) {
        diags_add(
            g->r->diags, DIAG_ERROR, &profile->key_loc,
            "a profile is not included; put it into devices/ beside the site file "
            "and name it by \"profile:\" of a device");
        return false;
    }
    for (const struct node *n = root->first; n != NULL; n = n->next) {
        enum section s = 0;
        while (s < SECTION_COUNT && strcmp(sections[s].key, n->key) != 0) {
            s++;
        }
        if (s < SECTION_COUNT) {
            take_section(g, s, n);
        } else if (strcmp(n->key, "include") == 0) {
            include_all(g, n, depth);
        } else {
            report_unknown_section(g, n);
        }
    }
    return true;
}

bool
sections_read(struct reader *r,
              struct sections *out,
              const char *path,
              const char *const *rules_files,
              size_t count)
{
    struct gather g = {.r = r, .out = out, .rules_replaced = count > 0};
    struct loc nowhere = {NULL, 0, 0};
    bool ok = read_source(&g, path, &nowhere, 0);
    g.only_rules = true;
    g.sources = NULL; /* A rules file may be one that the site includes too. */
    for (size_t i = 0; i < count; i++) {
        ok = read_source(&g, rules_files[i], &nowhere, 0) && ok;
    }
    return ok;
}
