/* The files of a site: the site file, what it includes, and which top-level key stands
 * where. */
#include <assert.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include "config/load.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"

#define FILES_MAX    1000 /* Included files of one site. */
#define INCLUDES_MAX 16   /* How deep files may include files. */

/* The top-level keys.  Each one is a node here; its noun's file reads it. */
struct sections_yaml {
    const struct node *node;
};
#define SECTION(key_, shape_, about_)                                                  \
    {                                                                                  \
        FIELD(key_, FIELD_NODE, struct sections_yaml, node), SHAPE(shape_),            \
            ABOUT(about_)                                                              \
    }

static const struct shape buses_list = {.kind = SHAPE_LIST, .item = &bus_shape};
static const struct shape devices_list = {.kind = SHAPE_LIST, .item = &device_shape};
static const struct shape rules_list = {.kind = SHAPE_LIST, .item = &rule_shape};
static const struct shape people_list = {.kind = SHAPE_LIST, .item = &person_shape};
static const struct shape teams_list = {.kind = SHAPE_LIST, .item = &team_shape};
static const struct shape calendar_list = {
    .kind = SHAPE_LIST, .item = &calendar_shape, .max = CALENDAR_DAYS_MAX};
static const struct shape maintenance_list = {.kind = SHAPE_LIST,
                                              .item = &maintenance_shape};
static const struct shape procedures_list = {.kind = SHAPE_LIST,
                                             .item = &procedure_shape};
static const struct shape *const include_forms[] = {&shape_text, &shape_texts, NULL};
static const struct shape include_shape = {.kind = SHAPE_ANY, .any = include_forms};

static const struct field sections[] = {
    [SECTION_SITE] = SECTION("site", site_block_shape, "The house itself."),
    [SECTION_DATA] = SECTION(
        "data",
        data_shape,
        "The folder of the databases; made if it is missing, relative to this file."),
    [SECTION_BUSES] = SECTION("buses", buses_list, "RS-485 lines and TCP endpoints."),
    [SECTION_DEVICES] = SECTION("devices", devices_list, "The equipment."),
    [SECTION_RULES] = SECTION("rules", rules_list, "When an alarm is raised."),
    [SECTION_PEOPLE] = SECTION("people", people_list, "Who works here."),
    [SECTION_TEAMS] = SECTION("teams", teams_list, "Who gets the tickets."),
    [SECTION_CALENDAR] =
        SECTION("calendar", calendar_list, "Holidays, and days off that are worked."),
    [SECTION_PRIORITIES] = SECTION(
        "priorities", priorities_shape, "How soon tickets are answered and repaired."),
    [SECTION_MAINTENANCE] = SECTION("maintenance", maintenance_list, "Planned work."),
    [SECTION_PROCEDURES] = SECTION("procedures", procedures_list, "How work is done."),
    [SECTION_MQTT] =
        SECTION("mqtt", mqtt_shape, "The broker that hears of everything."),
    [SECTION_HISTORY] = SECTION("history", history_shape, "How long samples are kept."),
    [SECTION_ALARMS] = SECTION("alarms", alarms_shape, "What holds for all alarms."),
    [SECTION_TICKETS] = SECTION("tickets",
                                tickets_shape,
                                "What holds for all tickets; a rule may set its own."),
    [SECTION_WEB] = SECTION("web", web_shape, "The page and the API."),
    [SECTION_COUNT] = SECTION("include",
                              include_shape,
                              "Files whose keys count as if they stood here; relative "
                              "to this file, with * and ?."),
};
_Static_assert(ARRAY_LEN(sections) == SECTION_COUNT + 1, "a row for each section");

/* The site's own block may stand in a file that is included. */
static const char *const site_file_forms[] = {"site", "include", NULL};
const struct shape site_file_shape = {
    SHAPE_OF_TABLE(sections),
    .about = "A site: its buses, devices, rules, people and plans.",
    .some_of = site_file_forms};
const struct shape rules_file_shape = {
    SHAPE_OF_TABLE(sections),
    .about = "A file that a site includes: rules, procedures, teams and the like."};

static bool
is_list(enum section s)
{
    return sections[s].shape->kind == SHAPE_LIST;
}

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
              near != NULL ? tr("did you mean \"") : "", near != NULL ? near : "",
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
    if (is_list(s)) {
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
