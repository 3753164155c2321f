/* How a foreign CSV maps to our points. */
#include <string.h>

#include "config/config.h"
#include "config/load.h"
#include "config/shape.h"
#include "daemon/base/instant.h"

struct map_yaml {
    const struct node *time, *columns;
};

struct time_yaml {
    const char *column, *format, *timezone;
};

static const struct field time_fields[] = {
    {FIELD("column", FIELD_STRING, struct time_yaml, column), REQUIRED,
     ABOUT("The heading of the column that holds the time.")},
    {FIELD("format", FIELD_STRING, struct time_yaml, format),
     ABOUT("How it is written, as strptime(3) has it.")},
    {FIELD("timezone", FIELD_STRING, struct time_yaml, timezone),
     ABOUT("Where its clock was; the site without it.")},
};
static const struct shape time_table = {SHAPE_OF_TABLE(time_fields)};
static const struct shape *const time_forms[] = {&shape_text, &time_table, NULL};
static const struct shape time_shape = {.kind = SHAPE_ANY, .any = time_forms};

static void
read_time_column(struct reader *r, const struct node *n, struct log_map *m)
{
    struct time_yaml y = {0};
    if (n->kind == NODE_SCALAR && !node_is_empty(n)) {
        y.column = value_text(r, n, "time") ? n->text : NULL;
    } else {
        (void)fields_read(r, &y, n, "time", time_fields, ARRAY_LEN(time_fields));
    }
    if (y.timezone != NULL && !instant_zone_known(y.timezone)) {
        struct loc loc = loc_of(n, "timezone");
        diags_add(
            r->diags, DIAG_ERROR, &loc,
            "timezone \"%.60s\" is not known here; a name such as Asia/Shanghai or "
            "UTC is accepted",
            y.timezone);
    }
    if (y.format != NULL && strchr(y.format, '%') == NULL) {
        struct loc loc = loc_of(n, "format");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"format\" is \"%.60s\"; a strptime format such as \"%%Y-%%m-%%d "
                  "%%H:%%M:%%S\" is accepted",
                  y.format);
    }
    m->time_column = y.column;
    m->time_format = y.format;
    m->timezone = y.timezone;
}

static void
read_columns(struct reader *r, const struct node *map, struct log_map *m)
{
    const struct node *n = map_items(r, map, "columns");
    struct log_map_column *columns =
        arena_array(r->arena, map->count + 1, sizeof *columns);
    if (n == NULL && (map->kind == NODE_MAP || node_is_empty(map))) {
        diags_add(r->diags, DIAG_ERROR, &map->loc,
                  "\"columns\" is empty; name each column, such as Temperature: "
                  "pump-1.motor_temp");
    }
    for (; n != NULL; n = n->next) {
        const char *dot = n->kind == NODE_SCALAR ? strchr(n->text, '.') : NULL;
        struct log_map_column c = {.column = n->key};
        if (dot != NULL) {
            c.device = arena_strndup(r->arena, n->text, (size_t)(dot - n->text));
            c.point = dot + 1;
        }
        if (dot == NULL || !is_id(c.device) || !is_point_id(c.point)) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "column \"%.60s\" leads to no point; DEVICE.POINT such as "
                      "pump-1.motor_temp is accepted",
                      n->key);
            continue;
        }
        columns[m->column_count++] = c;
    }
    m->columns = columns;
}

static const struct shape column_shape = {
    .kind = SHAPE_TEXT,
    .pattern = "^[a-z0-9][a-z0-9_-]*[.][a-z][a-z0-9_]*$",
    .accepted = "DEVICE.POINT such as pump-1.motor_temp is accepted"};
static const struct shape columns_shape = {
    .kind = SHAPE_KEYED, .item = &column_shape, .min = 1};

static const struct field map_fields[] = {
    {FIELD("time", FIELD_NODE, struct map_yaml, time), REQUIRED,
     ABOUT("The column of the time."), SHAPE(time_shape)},
    {FIELD("columns", FIELD_NODE, struct map_yaml, columns), REQUIRED,
     ABOUT("Which column is which point; others are ignored."), SHAPE(columns_shape)},
};
const struct shape map_file_shape = {SHAPE_OF_TABLE(map_fields),
                                     .about = "How a foreign CSV maps to our points."};

struct log_map *
config_load_map(const char *path, struct diags *diags)
{
    struct arena *arena = arena_new();
    struct reader r = {arena, diags};
    struct log_map *m = arena_alloc(arena, sizeof *m);
    struct map_yaml y = {0};
    size_t errors = diags->errors;
    m->arena = arena;
    const struct node *root = tree_load(arena, path, diags);
    if (root != NULL) {
        (void)fields_read(&r, &y, root, "map", map_fields, ARRAY_LEN(map_fields));
    }
    if (y.time != NULL) {
        read_time_column(&r, y.time, m);
    }
    if (y.columns != NULL) {
        read_columns(&r, y.columns, m);
    }
    if (diags->errors != errors) {
        arena_free(arena);
        return NULL;
    }
    return m;
}
