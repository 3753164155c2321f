/* Devices and their points, and the devices that stand for buses and the gateway. */
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"

#define UNIT_MAX        255
#define UNIT_RTU_MAX    247 /* Modbus over serial line V1.02, 2.2. */
#define BUS_POLL_MS     (5 * MS_SECOND)
#define GATEWAY_POLL_MS (10 * MS_SECOND)

#define DEVICE_TYPE_DEFAULT "other" /* Of equipment that nobody classified. */

/* A device on its way into the site: its references are names still. */
struct draft {
    struct device device;
    const char *bus, *parent;
    struct loc bus_loc, parent_loc;
    const struct point_spec **points; /* Sorted by id. */
    uint32_t point_count;
};

struct device_yaml {
    const char *id, *name, *type, *location, *bus, *profile, *parent;
    const char *const *tags;
    uint32_t tag_count;
    int64_t unit; /* -1: not given. */
    int64_t stale_after_ms, serves, care;
    const struct node *poll, *points, *ledger, *limits;
};

static const struct shape continuous_shape = {
    .kind = SHAPE_TEXT,
    .pattern = "^continuous$",
    .accepted = "a duration such as 1s or 500ms, or continuous, is accepted"};
static const struct shape *const poll_forms[] = {&poll_shape, &continuous_shape, NULL};
static const struct shape device_poll_shape = {.kind = SHAPE_ANY, .any = poll_forms};

static const struct field device_fields[] = {
    {FIELD("id", FIELD_ID, struct device_yaml, id), REQUIRED, ABOUT("Its id.")},
    {FIELD("name", FIELD_STRING, struct device_yaml, name), .max = 200,
     ABOUT("Its name, for people.")},
    {FIELD("type", FIELD_STRING, struct device_yaml, type), .max = 63,
     ABOUT("elevator, pump, power, environment, or a word of your own."),
     PRESET(DEVICE_TYPE_DEFAULT)},
    {FIELD("location", FIELD_STRING, struct device_yaml, location), .max = 200,
     ABOUT("Where it stands.")},
    {FIELD("tags", FIELD_STRINGS, struct device_yaml, tags),
     .count_offset = offsetof(struct device_yaml, tag_count),
     ABOUT("Words that rules and plans find it by.")},
    {FIELD("bus", FIELD_ID, struct device_yaml, bus),
     ABOUT("The id of the bus that it is on; without it it is fed by logs only.")},
    {FIELD("unit", FIELD_INT, struct device_yaml, unit), BETWEEN(0, UNIT_MAX),
     ABOUT("Its Modbus unit.")},
    {FIELD("profile", FIELD_ID, struct device_yaml, profile),
     ABOUT("The register map of its model; points here add to it or replace its "
           "points.")},
    {FIELD("poll", FIELD_NODE, struct device_yaml, poll),
     ABOUT("How often it is read: a duration, 1s without it; or continuous."),
     SHAPE(device_poll_shape)},
    {FIELD("stale_after", FIELD_DURATION, struct device_yaml, stale_after_ms),
     BETWEEN(POLL_MS_MIN, 10 * MS_YEAR),
     ABOUT("So long after the last good sample a value is unknown; without it 3 polls, "
           "at least 2s.")},
    {FIELD("serves", FIELD_INT, struct device_yaml, serves), BETWEEN(0, 1000000),
     ABOUT("Homes that depend on it."), PRESET("0")},
    {FIELD("care", FIELD_INT, struct device_yaml, care), BETWEEN(0, 1000000),
     ABOUT("Those of them in which old or disabled residents need it most."),
     PRESET("0")},
    {FIELD("parent", FIELD_ID, struct device_yaml, parent),
     ABOUT("The id of the device that feeds it.")},
    {FIELD("limits", FIELD_NODE, struct device_yaml, limits),
     ABOUT("What it bears, where that is other than its profile says."),
     SHAPE(limits_shape)},
    {FIELD("points", FIELD_NODE, struct device_yaml, points),
     ABOUT("What is measured of it."), SHAPE(points_shape)},
    {FIELD("ledger", FIELD_NODE, struct device_yaml, ledger),
     ABOUT("What it is, for the files."), SHAPE(ledger_shape)},
};
const struct shape device_shape = {SHAPE_OF_TABLE(device_fields), .name = "device",
                                   .about = "A piece of equipment."};

static int
compare_points(const void *a, const void *b)
{
    const struct point_spec *const *x = a;
    const struct point_spec *const *y = b;
    return strcmp((*x)->point.id, (*y)->point.id);
}

/* The profile's points, with the device's own in the place of those of one id. */
static void
merge_points(struct reader *r,
             const struct profile_spec *profile,
             struct point_list own,
             struct draft *d)
{
    uint32_t room = own.count + (profile != NULL ? profile->points.count : 0);
    d->points = arena_array(r->arena, room + 1, sizeof d->points[0]);
    for (uint32_t i = 0; i < own.count; i++) {
        d->points[i] = &own.items[i];
    }
    qsort(d->points, own.count, sizeof d->points[0], compare_points);
    d->point_count = own.count;
    for (uint32_t i = 0; profile != NULL && i < profile->points.count; i++) {
        const struct point_spec *p = &profile->points.items[i];
        if (own.count == 0 || bsearch(&p, d->points, own.count, sizeof d->points[0],
                                      compare_points) == NULL) {
            d->points[d->point_count++] = p;
        }
    }
    qsort(d->points, d->point_count, sizeof d->points[0], compare_points);
}

/* What goes stale between two good polls is never known for long.  A device without bus
 * has the rhythm of its log. */
static void
check_stale(struct reader *r, const struct draft *d)
{
    const struct device *device = &d->device;
    if (d->bus == NULL) {
        return;
    }
    if (device->stale_after_ms != 0 && !device->poll_continuous &&
        device->stale_after_ms <= device->poll_ms) {
        diags_add(r->diags, DIAG_WARNING, &device->loc,
                  "device \"%s\" is stale before its next poll; let stale_after be "
                  "longer than poll",
                  device->id);
    }
    for (uint32_t i = 0; i < d->point_count; i++) {
        const struct point *p = &d->points[i]->point;
        bool continuous = p->poll_ms == 0 && device->poll_continuous;
        int64_t poll_ms = p->poll_ms != 0 ? p->poll_ms : device->poll_ms;
        if (p->stale_after_ms != 0 && !continuous && p->stale_after_ms <= poll_ms &&
            !d->points[i]->broken) {
            diags_add(r->diags, DIAG_WARNING, &p->loc,
                      "point \"%s\" is stale before its next poll; let stale_after be "
                      "longer than poll",
                      p->id);
        }
    }
}

/* Adds what the collector knows of a device that it polls.  A point of the device's own
 * that has one of these names stays what it is. */
static void
add_derived_points(struct reader *r, struct draft *d)
{
    struct made_points made = points_made_for(DEVICE_EQUIPMENT);
    bool polled = false;
    for (uint32_t i = 0; i < d->point_count; i++) {
        polled = polled || d->points[i]->point.table != REG_NONE;
    }
    if (d->bus == NULL || !polled) {
        return;
    }
    uint32_t room = d->point_count + made.count;
    const struct point_spec **all = arena_array(r->arena, room, sizeof all[0]);
    memcpy(all, d->points, d->point_count * sizeof all[0]);
    uint32_t count = d->point_count;
    for (uint32_t i = 0; i < made.count; i++) {
        const struct point_spec *p = &made.items[i];
        if (bsearch(&p, d->points, d->point_count, sizeof d->points[0],
                    compare_points) == NULL) {
            all[count++] = p;
        }
    }
    qsort(all, count, sizeof all[0], compare_points);
    d->points = all;
    d->point_count = count;
}

static void
check_points(struct reader *r, const struct draft *d, bool has_profile)
{
    for (uint32_t i = 0; i < d->point_count; i++) {
        const struct point *p = &d->points[i]->point;
        if (d->points[i]->broken) {
            continue;
        }
        if (d->bus != NULL && p->table == REG_NONE) {
            diags_add(
                r->diags, DIAG_ERROR, &p->loc,
                "point \"%s\": \"register\" is missing; a device on a bus says where "
                "it is read, such as register: input 0%s",
                p->id,
                has_profile
                    ? tr(" (a point here replaces the whole point of the profile)")
                    : "");
        }
        bool bits = p->table == REG_COIL || p->table == REG_DISCRETE;
        if (!bits && p->table != REG_NONE &&
            point_width(p) > d->device.limits.max_registers) {
            diags_add(
                r->diags, DIAG_ERROR, &p->loc,
                "point \"%s\" takes %u registers and max_registers is %u; a value is "
                "never split between requests",
                p->id, point_width(p), d->device.limits.max_registers);
        }
    }
    uint32_t most = DEVICE_POINTS_MAX - points_made_for(DEVICE_EQUIPMENT).count;
    if (d->point_count > most) {
        diags_add(r->diags, DIAG_ERROR, &d->device.loc,
                  "device \"%s\" has %u points; up to %u are accepted", d->device.id,
                  d->point_count, most);
    }
}

static void
read_poll(struct reader *r, const struct node *n, struct device *d)
{
    if (n->kind == NODE_SCALAR && strcmp(n->text, "continuous") == 0) {
        d->poll_continuous = true;
        return;
    }
    if (n->kind == NODE_SCALAR && !node_is_empty(n) &&
        (n->text[0] < '0' || n->text[0] > '9')) {
        diags_add(r->diags, DIAG_ERROR, &n->loc, "\"poll\" is \"%.60s\"; %s", n->text,
                  tr(continuous_shape.accepted));
        return;
    }
    (void)value_duration(r, n, "poll", POLL_MS_MIN, POLL_MS_MAX, &d->poll_ms);
}

static void
check_unit(struct reader *r,
           const struct node *n,
           const struct device_yaml *y,
           const struct site *site)
{
    if (y->bus == NULL) {
        if (y->unit >= 0) {
            struct loc loc = loc_of(n, "unit");
            diags_add(
                r->diags, DIAG_ERROR, &loc,
                "device \"%s\" has a \"unit\" and no \"bus\"; add bus: ID, or leave "
                "\"unit\" out for a device that is fed by logs",
                y->id);
        }
        return;
    }
    uint32_t bus = site_bus(site, y->bus);
    bool serial = bus != NONE_INDEX && site->buses[bus].kind != BUS_TCP;
    int64_t low = serial ? 1 : 0;
    int64_t high = serial ? UNIT_RTU_MAX : UNIT_MAX;
    if (y->unit >= low && y->unit <= high) {
        return;
    }
    struct loc loc = loc_of(n, "unit");
    if (y->unit < 0) {
        if (node_get(n, "unit") == NULL) {
            diags_add(
                r->diags, DIAG_ERROR, &n->loc,
                "device \"%s\": \"unit\" is missing; a device on a bus has a Modbus "
                "unit from %lld to %lld",
                y->id, (long long)low, (long long)high);
        }
        return;
    }
    diags_add(r->diags, DIAG_ERROR, &loc,
              "\"unit\" is %lld; on a serial line %lld to %lld is accepted",
              (long long)y->unit, (long long)low, (long long)high);
}

static void
check_care(struct reader *r, const struct node *n, const struct device_yaml *y)
{
    if (y->serves > 0 && y->care > y->serves) {
        struct loc loc = loc_of(n, "care");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"care\" is %lld, of the %lld homes of \"serves\"; as many or fewer "
                  "is accepted",
                  (long long)y->care, (long long)y->serves);
    }
}

static void
read_device(struct reader *r,
            const struct node *n,
            struct profiles *profiles,
            const struct site *site,
            struct draft *out)
{
    struct device_yaml y = {.unit = -1};
    struct device *d = &out->device;
    const struct profile_spec *profile = NULL;
    struct point_list own = {NULL, 0};
    (void)fields_read(r, &y, n, "device", device_fields, ARRAY_LEN(device_fields));
    y.id = y.id != NULL ? y.id : "";
    *d = (struct device){.id = y.id,
                         .name = y.name != NULL ? y.name : y.id,
                         .type = y.type != NULL ? y.type : DEVICE_TYPE_DEFAULT,
                         .location = y.location,
                         .tags = y.tags,
                         .tag_count = y.tag_count,
                         .role = DEVICE_EQUIPMENT,
                         .bus = NONE_INDEX,
                         .unit = (uint8_t)(y.unit < 0 ? 0 : y.unit),
                         .parent = NONE_INDEX,
                         .poll_ms = POLL_MS_DEFAULT,
                         .stale_after_ms = y.stale_after_ms,
                         .serves = y.serves,
                         .care = y.care,
                         .profile = y.profile,
                         .limits = limits_default,
                         .loc = n->loc};
    check_care(r, n, &y);
    out->bus = y.bus;
    out->parent = y.parent;
    out->bus_loc = loc_of(n, "bus");
    out->parent_loc = loc_of(n, "parent");
    check_unit(r, n, &y, site);
    if (y.poll != NULL) {
        read_poll(r, y.poll, d);
    }
    if (y.profile != NULL && is_id(y.profile)) {
        struct loc loc = loc_of(n, "profile");
        profile = profile_find(r, profiles, y.profile, &loc);
        d->limits = profile != NULL ? profile->profile.limits : limits_default;
    }
    if (y.limits != NULL) {
        limits_read(r, y.limits, &d->limits);
    }
    if (y.points != NULL) {
        own = points_read(r, y.points);
    }
    if (y.ledger != NULL) {
        ledger_read(r, y.ledger, &d->ledger);
    }
    merge_points(r, profile, own, out);
    check_points(r, out, profile != NULL);
    check_stale(r, out);
    add_derived_points(r, out);
}

static void
make_own_device(struct reader *r,
                const char *id,
                const char *name,
                enum device_role role,
                const struct loc *loc,
                struct draft *out)
{
    bool is_bus = role == DEVICE_BUS;
    struct made_points made = points_made_for(role);
    *out = (struct draft){.device = {.id = id,
                                     .name = name,
                                     .type = is_bus ? "bus" : "gateway",
                                     .role = role,
                                     .bus = NONE_INDEX,
                                     .parent = NONE_INDEX,
                                     .poll_ms = is_bus ? BUS_POLL_MS : GATEWAY_POLL_MS,
                                     .limits = limits_default,
                                     .loc = *loc},
                          .point_count = made.count};
    out->points = arena_array(r->arena, out->point_count, sizeof out->points[0]);
    for (uint32_t i = 0; i < out->point_count; i++) {
        out->points[i] = &made.items[i];
    }
}

static int
compare_drafts(const void *a, const void *b)
{
    const struct draft *x = a;
    const struct draft *y = b;
    int order = strcmp(x->device.id, y->device.id);
    if (order != 0) {
        return order;
    }
    if (x->device.role != y->device.role) {
        return x->device.role > y->device.role ? -1 : 1; /* Ours count as the first. */
    }
    int file = strcmp(x->device.loc.file, y->device.loc.file);
    if (file != 0) {
        return file;
    }
    return x->device.loc.line != y->device.loc.line
               ? (x->device.loc.line < y->device.loc.line ? -1 : 1)
               : (x->device.loc.column < y->device.loc.column ? -1 : 1);
}

static void
report_duplicates(struct reader *r, const struct draft *drafts, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct device *first = &drafts[i - 1].device;
        const struct device *second = &drafts[i].device;
        if (second->id[0] == 0 || strcmp(first->id, second->id) != 0) {
            continue;
        }
        if (second->role == DEVICE_EQUIPMENT && first->role == DEVICE_GATEWAY) {
            diags_add(
                r->diags, DIAG_ERROR, &second->loc,
                "device \"gateway\" is the daemon itself; give this one another id");
        } else if (first->role == DEVICE_GATEWAY || second->role == DEVICE_GATEWAY) {
            const struct device *bus = first->role == DEVICE_GATEWAY ? second : first;
            diags_add(
                r->diags, DIAG_ERROR, &bus->loc,
                "bus \"gateway\" has the id of the daemon itself; give it another");
        } else if (second->role == DEVICE_EQUIPMENT && first->role == DEVICE_BUS) {
            diags_add(
                r->diags, DIAG_ERROR, &second->loc,
                "device \"%s\" has the id of the bus at %s:%u:%u; a bus is a device "
                "too, give one of them another id",
                second->id, first->loc.file, first->loc.line, first->loc.column);
        } else if (second->role == DEVICE_EQUIPMENT) {
            report_duplicate(r, "device", second->id, &second->loc, &first->loc);
        }
    }
}

/* A device's points into the site, with everything resolved but decimals_from. */
static void
place_points(struct site *site, uint32_t index, const struct draft *draft)
{
    struct device *d = &site->devices[index];
    bool given = d->stale_after_ms != 0;
    int64_t fallback = STALE_POLLS * d->poll_ms;
    fallback = fallback < STALE_MS_MIN ? STALE_MS_MIN : fallback;
    d->stale_after_ms = given ? d->stale_after_ms : fallback;
    d->first_point = site->point_count;
    d->point_count = draft->point_count;
    for (uint32_t i = 0; i < draft->point_count; i++) {
        struct point *p = &site->points[site->point_count++];
        *p = draft->points[i]->point;
        p->broken = draft->points[i]->broken;
        p->device = index;
        p->decimals_from = NONE_INDEX;
        if (p->scaling.div == 0) {
            p->scaling = (struct scaling){1, 0, 1};
        }
        if (p->loc.file == NULL) {
            point_made_title(p);
            p->loc = d->loc;
        }
        if (p->stale_after_ms == 0) {
            /* A slow point of a fast device is not stale between two of its polls. */
            int64_t own = STALE_POLLS * p->poll_ms;
            p->stale_after_ms = own > d->stale_after_ms ? own : d->stale_after_ms;
        }
        p->poll_ms = p->poll_ms == 0 ? d->poll_ms : p->poll_ms;
    }
}

static void
resolve_decimals(struct reader *r,
                 struct site *site,
                 uint32_t index,
                 const struct draft *draft)
{
    const struct device *d = &site->devices[index];
    for (uint32_t i = 0; i < draft->point_count; i++) {
        const struct point_spec *spec = draft->points[i];
        if (spec->decimals_from == NULL) {
            continue;
        }
        uint32_t target = site_point(site, index, spec->decimals_from);
        const struct point *t = target != NONE_INDEX ? &site->points[target] : NULL;
        if (t == NULL) {
            const char **ids = arena_array(r->arena, d->point_count, sizeof(char *));
            uint32_t count = 0;
            for (uint32_t k = 0; k < d->point_count; k++) {
                if (draft->points[k]->point.derived == DERIVED_NONE) {
                    ids[count++] = draft->points[k]->point.id;
                }
            }
            report_dangling(r, &spec->decimals_from_loc, "point", spec->decimals_from,
                            ids, count);
        } else if (t == &site->points[d->first_point + i] || t->table == REG_NONE ||
                   point_width(t) != 1 || t->type == TYPE_BOOL) {
            diags_add(
                r->diags, DIAG_ERROR, &spec->decimals_from_loc,
                "\"decimals_from\" names \"%s\"; another point of this device, one "
                "register wide, is accepted",
                spec->decimals_from);
        } else {
            site->points[d->first_point + i].decimals_from = target;
        }
    }
}

/* The ids of all devices, then those of all buses. */
static const char *const *
list_ids(struct arena *a, const struct site *site)
{
    const char **ids =
        arena_array(a, site->device_count + site->bus_count + 1, sizeof(char *));
    for (uint32_t i = 0; i < site->device_count; i++) {
        ids[i] = site->devices[i].id;
    }
    for (uint32_t i = 0; i < site->bus_count; i++) {
        ids[site->device_count + i] = site->buses[i].id;
    }
    return ids;
}

static void
resolve_references(struct reader *r,
                   struct site *site,
                   uint32_t index,
                   const struct draft *draft,
                   const char *const *ids)
{
    struct device *d = &site->devices[index];
    if (draft->bus != NULL) {
        d->bus = site_bus(site, draft->bus);
        if (d->bus == NONE_INDEX) {
            const char *const *buses = ids + site->device_count;
            report_dangling(r, &draft->bus_loc, "bus", draft->bus, buses,
                            site->bus_count);
        }
    }
    if (draft->parent != NULL) {
        d->parent = site_device(site, draft->parent);
        if (d->parent == NONE_INDEX) {
            report_dangling(r, &draft->parent_loc, "device", draft->parent, ids,
                            site->device_count);
        }
    }
}

static void
check_parent_cycles(struct reader *r, struct site *site, const struct draft *drafts)
{
    for (uint32_t i = 0; i < site->device_count; i++) {
        uint32_t at = site->devices[i].parent;
        for (uint32_t steps = 0; at != NONE_INDEX && at != i; steps++) {
            at = steps < site->device_count ? site->devices[at].parent : NONE_INDEX;
        }
        if (at == i) {
            diags_add(
                r->diags, DIAG_ERROR, &drafts[i].parent_loc,
                "device \"%s\" feeds itself through its parents; \"parent\" names "
                "what feeds it",
                site->devices[i].id);
            site->devices[i].parent = NONE_INDEX;
        }
    }
}

void
devices_read(struct reader *r, const struct sections *s, struct site *site)
{
    const struct node_list *list = &s->lists[SECTION_DEVICES];
    struct profiles profiles = {site->file, NULL};
    struct loc site_loc = {site->file, 1, 1};
    uint32_t count = 0;
    uint64_t points = 0;
    if (list->count + site->bus_count + 1 > DEVICES_MAX) {
        diags_add(r->diags, DIAG_ERROR, &list->items[0]->loc,
                  "%u devices; up to %u are accepted", list->count,
                  DEVICES_MAX - site->bus_count - 1);
        return;
    }
    struct draft *drafts =
        arena_array(r->arena, list->count + site->bus_count + 1, sizeof *drafts);
    for (uint32_t i = 0; i < list->count; i++) {
        read_device(r, list->items[i], &profiles, site, &drafts[count++]);
    }
    for (uint32_t i = 0; i < site->bus_count; i++) {
        const struct bus *b = &site->buses[i];
        make_own_device(r, b->id, b->name, DEVICE_BUS, &b->loc, &drafts[count++]);
    }
    make_own_device(r, "gateway", "gateway", DEVICE_GATEWAY, &site_loc,
                    &drafts[count++]);
    qsort(drafts, count, sizeof *drafts, compare_drafts);
    report_duplicates(r, drafts, count);
    for (uint32_t i = 0; i < count; i++) {
        points += drafts[i].point_count;
    }
    if (points > POINTS_MAX) {
        diags_add(r->diags, DIAG_ERROR, &site_loc, "%llu points; up to %d are accepted",
                  (unsigned long long)points, POINTS_MAX);
        return;
    }
    site->devices = arena_array(r->arena, count, sizeof *site->devices);
    site->points = arena_array(r->arena, (size_t)points + 1, sizeof *site->points);
    site->device_count = count;
    for (uint32_t i = 0; i < count; i++) {
        site->devices[i] = drafts[i].device;
        place_points(site, i, &drafts[i]);
    }
    const char *const *ids = list_ids(r->arena, site);
    for (uint32_t i = 0; i < count; i++) {
        resolve_references(r, site, i, &drafts[i], ids);
        resolve_decimals(r, site, i, &drafts[i]);
    }
    check_parent_cycles(r, site, drafts);
    site->gateway_device = site_device(site, "gateway");
    for (uint32_t i = 0; i < site->bus_count; i++) {
        site->buses[i].device = site_device(site, site->buses[i].id);
    }
}
