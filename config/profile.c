/* Register maps of device models: devices/ID.yaml beside the site file, or shipped. */
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/load.h"

#define PROFILES_LISTED_MAX 200 /* Names looked through for "did you mean". */

/* Modbus Application Protocol V1.1b, 6.1 and 6.3.  Holes are not read unless somebody
 * says that the device bears it: a good answer is worth more than a short one. */
const struct limits limits_default = {125, 2000, false, 0, 0};

/* A program that was built but not installed stands at TREE/build/VARIANT/, and what
 * would be shipped with it at TREE/config.  NULL: this one is installed. */
static const char *
source_tree(struct arena *a)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size <= 0) {
        return NULL;
    }
    path[size] = '\0';
    for (int up = 0; up < 2; up++) { /* The program, then VARIANT. */
        char *last = strrchr(path, '/');
        if (last == NULL) {
            return NULL;
        }
        *last = '\0';
    }
    char *build = strrchr(path, '/');
    if (build == NULL || strcmp(build, "/build") != 0) {
        return NULL;
    }
    *build = '\0';
    const char *dir = arena_printf(a, "%s/config", path);
    return access(dir, X_OK) == 0 ? dir : NULL;
}

const char *
config_share_dir(struct arena *a)
{
    const char *dir = getenv("CARETAKER_SHARE");
    if (dir == NULL || dir[0] == 0) {
        dir = source_tree(a);
    }
    return dir != NULL ? dir : CARETAKER_SHARE_DIR;
}

struct limits_yaml {
    struct limits limits;
    const struct node *holes;
};

void
limits_read(struct reader *r, const struct node *n, struct limits *out)
{
    static const char *const words[] = {"forbidden", "allowed", "false", "true", NULL};
    static const struct field fields[] = {
        FIELD("max_registers", FIELD_INT, struct limits_yaml, limits.max_registers,
              BETWEEN(1, 125)),
        FIELD("max_bits", FIELD_INT, struct limits_yaml, limits.max_bits,
              BETWEEN(1, 2000)),
        FIELD("gap", FIELD_DURATION, struct limits_yaml, limits.gap_ms,
              BETWEEN(0, 10 * MS_SECOND)),
        FIELD("timeout", FIELD_DURATION, struct limits_yaml, limits.timeout_ms,
              BETWEEN(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX)),
        FIELD("holes", FIELD_NODE, struct limits_yaml, holes, OPTIONAL),
    };
    struct limits_yaml y = {*out, NULL};
    int word = 0;
    (void)fields_read(r, &y, n, "limits", fields, ARRAY_LEN(fields));
    if (y.holes != NULL && value_enum(r, y.holes, "holes", words, &word)) {
        y.limits.holes = word % 2 == 1;
    }
    *out = y.limits;
}

struct source_yaml {
    int kind;
    const char *from, *checked;
};

static void
source_check(struct reader *r, const struct node *n)
{
    static const char *const kinds[] = {"manual", "interop", "unverified", NULL};
    static const struct field fields[] = {
        FIELD("kind", FIELD_ENUM, struct source_yaml, kind, REQUIRED, .words = kinds),
        FIELD("from", FIELD_STRING, struct source_yaml, from, REQUIRED),
        FIELD("checked", FIELD_DATE, struct source_yaml, checked, OPTIONAL),
    };
    struct source_yaml y = {0};
    (void)fields_read(r, &y, n, "source", fields, ARRAY_LEN(fields));
}

static bool
has_point(const struct point_list *list, const char *id)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].point.id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void
check_point_name(struct reader *r,
                 const struct point_list *list,
                 const char *id,
                 const struct loc *loc)
{
    if (has_point(list, id)) {
        return;
    }
    const char **ids = arena_array(r->arena, list->count + 1, sizeof(const char *));
    for (uint32_t i = 0; i < list->count; i++) {
        ids[i] = list->items[i].point.id;
    }
    report_dangling(r, loc, "point", id, ids, list->count);
}

struct probe_yaml {
    const char *point;
    const struct node *between, *equals;
};

static void
probe_check(struct reader *r, const struct node *n, const struct point_list *points)
{
    static const struct field fields[] = {
        FIELD("point", FIELD_POINT_ID, struct probe_yaml, point, REQUIRED),
        FIELD("between", FIELD_NODE, struct probe_yaml, between, REQUIRED),
    };
    struct probe_yaml y = {0};
    double min;
    double max;
    (void)fields_read(r, &y, n, "probe", fields, ARRAY_LEN(fields));
    if (y.point != NULL) {
        struct loc loc = loc_of(n, "point");
        check_point_name(r, points, y.point, &loc);
    }
    if (y.between == NULL) {
        return;
    }
    if (y.between->kind != NODE_LIST || y.between->count != 2) {
        diags_add(r->diags, DIAG_ERROR, &y.between->loc,
                  "\"between\" is not two numbers; [lowest, highest] is accepted");
        return;
    }
    if (value_float(r, y.between->first, "between", &min) &&
        value_float(r, y.between->first->next, "between", &max) && min >= max) {
        diags_add(r->diags, DIAG_ERROR, &y.between->loc,
                  "\"between\" has its lowest value not below its highest; write "
                  "[lowest, highest]");
    }
}

struct profile_yaml {
    const char *id, *title;
    const struct node *source, *limits, *probe, *points;
};

static void
check_profile_points(struct reader *r, const struct profile *p)
{
    for (uint32_t i = 0; i < p->points.count; i++) {
        const struct point_spec *s = &p->points.items[i];
        if (s->decimals_from != NULL) {
            check_point_name(r, &p->points, s->decimals_from, &s->decimals_from_loc);
        }
        if (s->point.table == REG_NONE && !s->broken) {
            diags_add(
                r->diags, DIAG_ERROR, &s->point.loc,
                "point \"%s\": \"register\" is missing; a profile says where each "
                "point is read, such as register: input 0",
                s->point.id);
        }
    }
}

/* Reads one profile file into `out`. */
static void
profile_read(struct reader *r,
             const struct node *root,
             const char *stem,
             struct profile *out)
{
    static const struct field fields[] = {
        FIELD("profile", FIELD_ID, struct profile_yaml, id, REQUIRED),
        FIELD("title", FIELD_STRING, struct profile_yaml, title, OPTIONAL),
        FIELD("source", FIELD_NODE, struct profile_yaml, source, REQUIRED),
        FIELD("limits", FIELD_NODE, struct profile_yaml, limits, OPTIONAL),
        FIELD("probe", FIELD_NODE, struct profile_yaml, probe, OPTIONAL),
        FIELD("points", FIELD_NODE, struct profile_yaml, points, REQUIRED),
    };
    struct profile_yaml y = {0};
    (void)fields_read(r, &y, root, "profile", fields, ARRAY_LEN(fields));
    if (y.id != NULL && strcmp(y.id, stem) != 0) {
        struct loc loc = loc_of(root, "profile");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "profile \"%s\" stands in the file %s.yaml; give both one name", y.id,
                  stem);
    }
    if (y.source != NULL) {
        source_check(r, y.source);
    }
    if (y.limits != NULL) {
        limits_read(r, y.limits, &out->limits);
    }
    if (y.points != NULL) {
        out->points = points_read(r, y.points);
        if (out->points.count == 0) {
            diags_add(r->diags, DIAG_ERROR, &y.points->loc,
                      "\"points\" is empty; a profile has one point or more");
        }
    }
    check_profile_points(r, out);
    if (y.probe != NULL) {
        probe_check(r, y.probe, &out->points);
    }
}

static void
list_profiles(struct arena *a, const char *dir, const char **names, size_t *count)
{
    glob_t found;
    const char *pattern = arena_printf(a, "%s/*.yaml", dir);
    if (glob(pattern, 0, NULL, &found) != 0) {
        return;
    }
    for (size_t i = 0; i < found.gl_pathc && *count < PROFILES_LISTED_MAX; i++) {
        const char *name = strrchr(found.gl_pathv[i], '/') + 1;
        names[(*count)++] = arena_strndup(a, name, strlen(name) - strlen(".yaml"));
    }
    globfree(&found);
}

static void
report_no_profile(struct reader *r,
                  const char *id,
                  const char *beside,
                  const char *shipped,
                  const struct loc *loc)
{
    const char *names[PROFILES_LISTED_MAX];
    size_t count = 0;
    list_profiles(r->arena, beside, names, &count);
    list_profiles(r->arena, shipped, names, &count);
    const char *near = diag_nearest(id, names, count);
    diags_add(r->diags, DIAG_ERROR, loc,
              "profile \"%s\" does not exist; %s%s%slooked for %s.yaml in %s and %s",
              id, near != NULL ? "did you mean \"" : "", near != NULL ? near : "",
              near != NULL ? "\"? " : "", id, beside, shipped);
}

const struct profile *
profile_find(struct reader *r,
             struct profiles *all,
             const char *id,
             const struct loc *loc)
{
    for (const struct profile *p = all->first; p != NULL; p = p->next) {
        if (strcmp(p->id, id) == 0) {
            return p->ok ? p : NULL;
        }
    }
    const char *beside = path_beside(r->arena, all->site_file, "devices");
    const char *shipped =
        arena_printf(r->arena, "%s/devices", config_share_dir(r->arena));
    const char *path = arena_printf(r->arena, "%s/%s.yaml", beside, id);
    if (access(path, F_OK) != 0) {
        path = arena_printf(r->arena, "%s/%s.yaml", shipped, id);
    }
    if (access(path, F_OK) != 0) {
        report_no_profile(r, id, beside, shipped, loc);
        return NULL;
    }
    size_t errors = r->diags->errors;
    struct profile *p = arena_alloc(r->arena, sizeof *p);
    p->id = id;
    p->limits = limits_default;
    p->next = all->first;
    all->first = p;
    const struct node *root = tree_load(r->arena, path, r->diags);
    if (root != NULL) {
        profile_read(r, root, id, p);
    }
    p->ok = r->diags->errors == errors;
    return p->ok ? p : NULL;
}

bool
config_check_profile(const char *path, struct diags *diags)
{
    struct reader r = {arena_new(), diags};
    struct profile p = {.limits = limits_default};
    size_t errors = diags->errors;
    const struct node *root = tree_load(r.arena, path, diags);
    if (root != NULL) {
        const char *slash = strrchr(path, '/');
        const char *name = slash != NULL ? slash + 1 : path;
        const char *dot = strrchr(name, '.');
        size_t size = dot != NULL ? (size_t)(dot - name) : strlen(name);
        profile_read(&r, root, arena_strndup(r.arena, name, size), &p);
    }
    arena_free(r.arena);
    return diags->errors == errors;
}
