/* Register maps of device models: devices/ID.yaml beside the site file, or shipped. */
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/load.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"

#define PROFILES_LISTED_MAX 1000 /* Files that are looked at, beside and shipped. */

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

static const char *const holes_words[] = {"forbidden", "allowed", "false", "true",
                                          NULL};
static const struct field holes_value = {
    .key = "holes", .kind = FIELD_ENUM, .words = holes_words};
static const struct shape holes_shape = {.kind = SHAPE_VALUE, .value = &holes_value};

static const struct field limits_fields[] = {
    {FIELD("max_registers", FIELD_INT, struct limits_yaml, limits.max_registers),
     BETWEEN(1, 125), ABOUT("Registers that one request may ask for.")},
    {FIELD("max_bits", FIELD_INT, struct limits_yaml, limits.max_bits),
     BETWEEN(1, 2000), ABOUT("Coils or discrete inputs that one request may ask for.")},
    {FIELD("gap", FIELD_DURATION, struct limits_yaml, limits.gap_ms),
     BETWEEN(0, 10 * MS_SECOND),
     ABOUT("How long it wants silence before each request.")},
    {FIELD("timeout", FIELD_DURATION, struct limits_yaml, limits.timeout_ms),
     BETWEEN(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX),
     ABOUT("How long its answer may take, where that is other than its bus.")},
    {FIELD("holes", FIELD_NODE, struct limits_yaml, holes),
     ABOUT("Whether registers between its points may be read."), SHAPE(holes_shape)},
};
const struct shape limits_shape = {SHAPE_OF_TABLE(limits_fields), .name = "limits",
                                   .about = "What a device bears in one request."};

void
limits_read(struct reader *r, const struct node *n, struct limits *out)
{
    struct limits_yaml y = {*out, NULL};
    int word = 0;
    (void)fields_read(r, &y, n, "limits", limits_fields, ARRAY_LEN(limits_fields));
    if (y.holes != NULL && value_enum(r, y.holes, "holes", holes_words, &word)) {
        y.limits.holes = word % 2 == 1;
    }
    *out = y.limits;
}

static const char *const source_kinds[] = {"manual", "interop", "unverified", NULL};
_Static_assert(ARRAY_LEN(source_kinds) == PROFILE_SOURCE_COUNT + 1,
               "in the enum's order");
static const struct field source_fields[] = {
    {FIELD("kind", FIELD_ENUM, struct profile, source), REQUIRED, .words = source_kinds,
     ABOUT("manual: its maker says so; interop: others read it so; unverified: "
           "neither.")},
    {FIELD("from", FIELD_STRING, struct profile, from), REQUIRED,
     ABOUT("Which manual or project.")},
    {FIELD("checked", FIELD_DATE, struct profile, checked),
     ABOUT("The day when that was looked up.")},
};
static const struct shape source_shape = {SHAPE_OF_TABLE(source_fields)};

static void
source_read(struct reader *r, const struct node *n, struct profile *out)
{
    (void)fields_read(r, out, n, "source", source_fields, ARRAY_LEN(source_fields));
}

/* The index of a point that is named at `loc`; NONE_INDEX, reported, when there is
 * none.
 */
static uint32_t
find_point(struct reader *r,
           const struct point_list *list,
           const char *id,
           const struct loc *loc)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].point.id, id) == 0) {
            return i;
        }
    }
    const char **ids = arena_array(r->arena, list->count + 1, sizeof(const char *));
    for (uint32_t i = 0; i < list->count; i++) {
        ids[i] = list->items[i].point.id;
    }
    report_dangling(r, loc, "point", id, ids, list->count);
    return NONE_INDEX;
}

struct probe_yaml {
    const char *point;
    const struct node *between, *equals;
};

static const struct field probe_fields[] = {
    {FIELD("point", FIELD_POINT_ID, struct probe_yaml, point), REQUIRED,
     ABOUT("The point that tells the device.")},
    {FIELD("between", FIELD_NODE, struct probe_yaml, between), REQUIRED,
     ABOUT("What it reads there: [lowest, highest]."), SHAPE(shape_interval)},
};
static const struct shape probe_shape = {SHAPE_OF_TABLE(probe_fields)};

static void
probe_read(struct reader *r, const struct node *n, struct profile_spec *out)
{
    struct probe_yaml y = {0};
    double min = 0;
    double max = 0;
    (void)fields_read(r, &y, n, "probe", probe_fields, ARRAY_LEN(probe_fields));
    if (y.point != NULL) {
        struct loc loc = loc_of(n, "point");
        out->profile.probe = find_point(r, &out->points, y.point, &loc);
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
    out->profile.probe_min = min;
    out->profile.probe_max = max;
}

struct profile_yaml {
    const char *id, *title;
    const struct node *source, *limits, *probe, *points;
};

static void
check_profile_points(struct reader *r, const struct profile_spec *p)
{
    for (uint32_t i = 0; i < p->points.count; i++) {
        const struct point_spec *s = &p->points.items[i];
        if (s->decimals_from != NULL) {
            (void)find_point(r, &p->points, s->decimals_from, &s->decimals_from_loc);
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

static const char *const profile_point_keys[] = {"register", NULL};
static const struct shape profile_point_shape = {.kind = SHAPE_TABLE,
                                                 .name = "profile_point",
                                                 .extends = &point_shape,
                                                 .also_required = profile_point_keys};
static const struct shape profile_points_shape = {
    .kind = SHAPE_KEYED,
    .item = &profile_point_shape,
    .pattern = PATTERN_POINT_ID,
    .accepted = "a-z 0-9 _, first a letter, up to 63 characters, is accepted",
    .min = 1};

static const struct field profile_fields[] = {
    {FIELD("profile", FIELD_ID, struct profile_yaml, id), REQUIRED,
     ABOUT("Its id; the file is called like it.")},
    {FIELD("title", FIELD_STRING, struct profile_yaml, title),
     ABOUT("Maker and model.")},
    {FIELD("source", FIELD_NODE, struct profile_yaml, source), REQUIRED,
     ABOUT("Where the register map is known from."), SHAPE(source_shape)},
    {FIELD("limits", FIELD_NODE, struct profile_yaml, limits),
     ABOUT("What the device bears."), SHAPE(limits_shape)},
    {FIELD("probe", FIELD_NODE, struct profile_yaml, probe),
     ABOUT("How scan tells the device."), SHAPE(probe_shape)},
    {FIELD("points", FIELD_NODE, struct profile_yaml, points), REQUIRED,
     ABOUT("Its register map."), SHAPE(profile_points_shape)},
};
const struct shape profile_file_shape = {
    SHAPE_OF_TABLE(profile_fields), .about = "The register map of a device model."};

/* Reads one profile file into `out`. */
static void
profile_read(struct reader *r,
             const struct node *root,
             const char *stem,
             struct profile_spec *out)
{
    struct profile_yaml y = {0};
    out->profile = (struct profile){.id = stem,
                                    .file = root->loc.file,
                                    .limits = limits_default,
                                    .probe = NONE_INDEX};
    (void)fields_read(r, &y, root, "profile", profile_fields,
                      ARRAY_LEN(profile_fields));
    if (y.id != NULL && strcmp(y.id, stem) != 0) {
        struct loc loc = loc_of(root, "profile");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "profile \"%s\" stands in the file %s.yaml; give both one name", y.id,
                  stem);
    }
    out->profile.title = y.title != NULL ? y.title : stem;
    if (y.source != NULL) {
        source_read(r, y.source, &out->profile);
    }
    if (y.limits != NULL) {
        limits_read(r, y.limits, &out->profile.limits);
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
        probe_read(r, y.probe, out);
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

static const char *
shipped_devices(struct arena *a)
{
    return arena_printf(a, "%s/devices", config_share_dir(a));
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
              id, near != NULL ? tr("did you mean \"") : "", near != NULL ? near : "",
              near != NULL ? "\"? " : "", id, beside, shipped);
}

/* `path` is read and checked; the errors are in the reader. */
static struct profile_spec *
profile_load(struct reader *r, const char *path, const char *stem)
{
    struct profile_spec *p = arena_alloc(r->arena, sizeof *p);
    size_t errors = r->diags->errors;
    p->profile.id = stem;
    const struct node *root = tree_load(r->arena, path, r->diags);
    if (root != NULL) {
        profile_read(r, root, stem, p);
    }
    p->ok = r->diags->errors == errors;
    return p;
}

const struct profile_spec *
profile_find(struct reader *r,
             struct profiles *all,
             const char *id,
             const struct loc *loc)
{
    for (const struct profile_spec *p = all->first; p != NULL; p = p->next) {
        if (strcmp(p->profile.id, id) == 0) {
            return p->ok ? p : NULL;
        }
    }
    const char *beside = path_beside(r->arena, all->site_file, "devices");
    const char *shipped = shipped_devices(r->arena);
    const char *path = arena_printf(r->arena, "%s/%s.yaml", beside, id);
    if (access(path, F_OK) != 0) {
        path = arena_printf(r->arena, "%s/%s.yaml", shipped, id);
    }
    if (access(path, F_OK) != 0) {
        report_no_profile(r, id, beside, shipped, loc);
        return NULL;
    }
    struct profile_spec *p = profile_load(r, path, id);
    p->next = all->first;
    all->first = p;
    return p->ok ? p : NULL;
}

bool
config_check_profile(const char *path, struct diags *diags)
{
    struct reader r = {arena_new(), diags};
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t size = dot != NULL ? (size_t)(dot - name) : strlen(name);
    bool ok = profile_load(&r, path, arena_strndup(r.arena, name, size))->ok;
    arena_free(r.arena);
    return ok;
}

/* The points, out of what the reader knows of them. */
static struct profile
publish(struct arena *a, const struct profile_spec *spec)
{
    struct profile p = spec->profile;
    struct point *points = arena_array(a, spec->points.count, sizeof *points);
    for (uint32_t i = 0; i < spec->points.count; i++) {
        const struct point_spec *s = &spec->points.items[i];
        points[i] = s->point;
        for (uint32_t k = 0; s->decimals_from != NULL && k < spec->points.count; k++) {
            if (strcmp(spec->points.items[k].point.id, s->decimals_from) == 0) {
                points[i].decimals_from = k;
            }
        }
    }
    p.points = points;
    p.point_count = spec->points.count;
    return p;
}

static int
compare_names(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

struct profile_set *
config_load_profiles(const char *site_file, struct diags *diags)
{
    struct arena *a = arena_new();
    struct reader r = {a, diags};
    struct profile_set *set = arena_alloc(a, sizeof *set);
    struct profiles all = {site_file, NULL};
    const char *names[PROFILES_LISTED_MAX];
    size_t count = 0;
    list_profiles(a, path_beside(a, site_file, "devices"), names, &count);
    list_profiles(a, shipped_devices(a), names, &count);
    qsort(names, count, sizeof names[0], compare_names);
    set->arena = a;
    set->items = arena_array(a, count + 1, sizeof *set->items);
    const char **wrong = arena_array(a, count + 1, sizeof *wrong);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0) {
            continue; /* Beside the site file and shipped: found once. */
        }
        const struct profile_spec *spec = profile_find(&r, &all, names[i], NULL);
        if (spec != NULL) {
            set->items[set->count++] = publish(a, spec);
        } else {
            wrong[set->wrong_count++] = names[i];
        }
    }
    set->wrong = wrong;
    return set;
}
