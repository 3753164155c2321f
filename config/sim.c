/* SIM.yaml: Modbus slaves with scripted behaviour and faults.
 *
 *   control: sim.sock                 # Unix socket for commands; may be left out
 *   slaves:
 *     - tcp: 127.0.0.1:15020          # or 15020; port 0 is any free one
 *       units:
 *         - unit: 1
 *           id: meter                 # its name in messages and for the control socket
 *           profile: eastron-sdm630   # its registers, all 0 unless points say more
 *           points:
 *             voltage_l1: 230         # a number is {signal: 230}
 *             voltage_l2: {signal: {sine: {middle: 230, amplitude: 3, period: 60s}}}
 *     - rtu: pump-line                # a symbolic link to a pty, beside this file
 *       baud: 9600                    # both ways are paced; 0: not
 *       units:
 *         - unit: [3, 9]              # pump-3 to pump-9
 *           id: pump
 *           points:
 *             bearing:                # keys of a point, and its signal
 *               register: input 322
 *               scale: 0.01
 *               signal: {steps: [[0s, 50], [10s, 84]], interpolate: true}
 *               noise: 0.2            # uniform, +- this much
 *           faults:                   # [from, to] since the start; [from] is for ever
 *             - {silent: [20s, 30s]}
 *             - {bad_crc: [40s, 50s], chance: 20 %}
 *
 * All keys are in caretaker-site(5). */
#include <string.h>

#include "config/config.h"
#include "config/load.h"
#include "config/number.h"
#include "config/shape.h"
#include "config/sim.h"
#include "daemon/base/catalogue.h"

#define COPIES_LISTED_MAX 20 /* More are summed up, so their numbers must be known. */
#define TURNAROUND_MS_MAX MS_MINUTE
#define UNIT_MAX          255

/* ---- Units ---- */

struct unit_yaml {
    const struct node *number;
    const char *id, *profile;
    int64_t turnaround_ms;
    const struct node *points, *faults;
};

/* `unit: 3`, or `unit: [1, 100]`. */
static bool
read_numbers(struct reader *r, const struct node *n, int64_t *low, int64_t *high)
{
    if (n->kind != NODE_LIST) {
        bool ok = value_int(r, n, "unit", 0, UNIT_MAX, low);
        *high = *low;
        return ok;
    }
    if (n->count != 2) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"unit\" is a list of %u; a number, or [first, last] such as "
                  "[1, 100], is accepted",
                  n->count);
        return false;
    }
    if (!value_int(r, n->first, "unit", 0, UNIT_MAX, low) ||
        !value_int(r, n->first->next, "unit", 0, UNIT_MAX, high)) {
        return false;
    }
    if (*high < *low) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"unit\" ends before it begins; write [first, last]");
        return false;
    }
    return true;
}

static void
read_registers(struct reader *r,
               const struct node *n,
               const struct unit_yaml *y,
               struct profiles *profiles,
               struct sim_unit *out)
{
    const struct profile_spec *profile = NULL;
    if (y->profile != NULL && is_id(y->profile)) {
        struct loc loc = loc_of(n, "profile");
        profile = profile_find(r, profiles, y->profile, &loc);
    }
    uint32_t room = (y->points != NULL ? y->points->count : 0) +
                    (profile != NULL ? profile->points.count : 0);
    out->registers = arena_array(r->arena, room + 1, sizeof *out->registers);
    for (uint32_t i = 0; profile != NULL && i < profile->points.count; i++) {
        const struct point *p = &profile->points.items[i].point;
        sim_register_add(out, p->id)->point = *p;
    }
    const struct node *point =
        y->points != NULL ? map_items(r, y->points, "points") : NULL;
    for (; point != NULL; point = point->next) {
        sim_point_read(r, point, out);
    }
}

/* Units of a port as they come; `units` has room for every number. */
static void
add_unit(struct reader *r,
         const struct node *n,
         struct sim_port *port,
         struct sim_unit *units,
         const struct sim_unit *u)
{
    for (uint32_t i = 0; i < port->unit_count; i++) {
        if (units[i].unit == u->unit) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "unit %u stands twice on one port; give each its own number",
                      u->unit);
            return;
        }
    }
    units[port->unit_count++] = *u;
}

static const struct field number_value = {
    .key = "unit", .kind = FIELD_INT, BETWEEN(0, UNIT_MAX)};
static const struct shape number_shape = {.kind = SHAPE_VALUE, .value = &number_value};
static const struct shape *const number_parts[] = {&number_shape, &number_shape, NULL};
static const struct shape numbers_shape = {
    .kind = SHAPE_ROW, .any = number_parts, .min = 2};
static const struct shape *const unit_forms[] = {&number_shape, &numbers_shape, NULL};
static const struct shape unit_shape = {.kind = SHAPE_ANY, .any = unit_forms};

static const struct field unit_fields[] = {
    {FIELD("unit", FIELD_NODE, struct unit_yaml, number), REQUIRED,
     ABOUT("Its Modbus unit, or [first, last]."), SHAPE(unit_shape)},
    {FIELD("id", FIELD_ID, struct unit_yaml, id), REQUIRED,
     ABOUT("Its name in messages and for the control socket.")},
    {FIELD("profile", FIELD_ID, struct unit_yaml, profile),
     ABOUT("Whose registers it has.")},
    {FIELD("turnaround", FIELD_DURATION, struct unit_yaml, turnaround_ms),
     BETWEEN(0, TURNAROUND_MS_MAX),
     ABOUT("How long it takes to answer; that of the slave without it.")},
    {FIELD("points", FIELD_NODE, struct unit_yaml, points),
     ABOUT("Its registers and what moves them."), SHAPE(sim_points_shape)},
    {FIELD("faults", FIELD_NODE, struct unit_yaml, faults),
     ABOUT("What goes wrong, and when."), SHAPE(sim_faults_shape)},
};
static const struct shape sim_unit_shape = {SHAPE_OF_TABLE(unit_fields)};
static const struct shape units_shape = {.kind = SHAPE_LIST, .item = &sim_unit_shape};

static void
read_unit(struct reader *r,
          const struct node *n,
          struct profiles *profiles,
          int64_t turnaround_ms,
          struct sim_port *port,
          struct sim_unit *units)
{
    struct unit_yaml y = {.id = "", .turnaround_ms = turnaround_ms};
    int64_t low = 0, high = -1;
    (void)fields_read(r, &y, n, "unit", unit_fields, ARRAY_LEN(unit_fields));
    struct sim_unit u = {.id = y.id, .turnaround_ms = y.turnaround_ms};
    read_registers(r, n, &y, profiles, &u);
    if (y.faults != NULL) {
        sim_faults_read(r, y.faults, &u);
    }
    if (y.number == NULL || !read_numbers(r, y.number, &low, &high)) {
        return;
    }
    for (int64_t number = low; number <= high; number++) {
        u.unit = (uint8_t)number;
        if (y.number->kind == NODE_LIST) {
            u.id = arena_printf(r->arena, "%s-%d", y.id, (int)number);
        }
        add_unit(r, n, port, units, &u);
    }
}

/* ---- Ports ---- */

#define ENDPOINT_ACCEPTED "HOST:PORT such as 127.0.0.1:15020 is accepted"

struct port_yaml {
    const char *tcp, *rtu, *rtu_over_tcp;
    int64_t baud; /* -1: not given. */
    int64_t count, split, stop_bits;
    int parity;
    bool strict, echo;
    int64_t turnaround_ms, coalesce_ms;
    const struct node *closed, *hang, *units;
};

static void
read_host(struct reader *r, const struct node *n, const char *key, struct sim_port *out)
{
    const char *text = node_get(n, key)->text;
    struct loc loc = loc_of(n, key);
    bool given = false;
    int64_t number;
    out->host = "127.0.0.1";
    if (number_parse_int(&number, text) && number >= 0 && number <= UINT16_MAX) {
        out->port = (uint16_t)number;
    } else if (!host_port_parse(r->arena, text, &out->host, &out->port, &given) ||
               !given) {
        diags_add(r->diags, DIAG_ERROR, &loc, "\"%s\" is \"%.80s\"; " ENDPOINT_ACCEPTED,
                  key, text);
    }
}

static void
read_address(struct reader *r,
             const struct node *n,
             const struct port_yaml *y,
             struct sim_port *out)
{
    int kinds = (y->tcp != NULL) + (y->rtu != NULL) + (y->rtu_over_tcp != NULL);
    if (kinds != 1) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the slave has %s; tcp: HOST:PORT, rtu: PATH, or rtu_over_tcp: "
                  "HOST:PORT, is accepted",
                  kinds == 0 ? tr("no port") : tr("several ports"));
        return;
    }
    if (y->rtu != NULL) {
        out->kind = BUS_RTU;
        out->link = path_beside(r->arena, n->loc.file, y->rtu);
        return;
    }
    out->kind = y->tcp != NULL ? BUS_TCP : BUS_RTU_OVER_TCP;
    read_host(r, n, y->tcp != NULL ? "tcp" : "rtu_over_tcp", out);
}

/* What only a line, or only a connection, has. */
static void
check_keys(struct reader *r, const struct node *n, const struct sim_port *p)
{
    static const struct {
        const char *key;
        bool of_line;
    } rules[] = {{"strict", true},    {"echo", true},    {"split", false},
                 {"coalesce", false}, {"closed", false}, {"hang", false}};
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct node *key = node_get(n, rules[i].key);
        if (key != NULL && rules[i].of_line != (p->kind == BUS_RTU)) {
            diags_add(r->diags, DIAG_ERROR, &key->key_loc,
                      "\"%s\" of %s; only %s has it, leave it out", rules[i].key,
                      p->kind == BUS_RTU ? "a line" : "a TCP port",
                      rules[i].of_line ? "a line" : "a TCP port");
        }
    }
    if (p->strict && p->baud == 0) {
        struct loc loc = loc_of(n, "strict");
        diags_add(
            r->diags, DIAG_ERROR, &loc,
            "\"strict\" without a pace; silence is measured in characters, give a "
            "baud");
    }
}

static void
check_count(struct reader *r, const struct node *n, const struct sim_port *p)
{
    struct loc loc = loc_of(n, "count");
    if (p->kind != BUS_RTU && p->port == 0 && p->count > COPIES_LISTED_MAX) {
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"count\" is more than %d on any free ports; give the first port",
                  COPIES_LISTED_MAX);
    }
    if (p->kind != BUS_RTU && p->port > 0 && p->port + p->count - 1 > UINT16_MAX) {
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"count\" goes past port 65535; begin lower, or take fewer");
    }
}

static void
read_units(struct reader *r,
           const struct node *list,
           struct profiles *profiles,
           int64_t turnaround_ms,
           struct sim_port *out)
{
    const struct node *n = list_items(r, list, "units");
    uint32_t room = 1;
    for (const struct node *one = n; one != NULL; one = one->next) {
        const struct node *number =
            one->kind == NODE_MAP ? node_get(one, "unit") : NULL;
        room += number != NULL && number->kind == NODE_LIST ? 256 : 1;
    }
    struct sim_unit *units = arena_array(r->arena, room, sizeof *units);
    for (; n != NULL; n = n->next) {
        read_unit(r, n, profiles, turnaround_ms, out, units);
    }
    out->units = units;
}

static const char *const parities[] = {"none", "even", "odd", NULL};
#define PATTERN_ENDPOINT "^[0-9]+$|^" PATTERN_HOST ":[0-9]+$"

static const struct field port_fields[] = {
    {FIELD("tcp", FIELD_STRING, struct port_yaml, tcp),
     LIKE(PATTERN_ENDPOINT, ENDPOINT_ACCEPTED),
     ABOUT("HOST:PORT or PORT; 0 is any free port.")},
    {FIELD("rtu", FIELD_STRING, struct port_yaml, rtu),
     ABOUT("A symbolic link to a pty, relative to this file.")},
    {FIELD("rtu_over_tcp", FIELD_STRING, struct port_yaml, rtu_over_tcp),
     LIKE(PATTERN_ENDPOINT, ENDPOINT_ACCEPTED),
     ABOUT("HOST:PORT or PORT; 0 is any free port.")},
    {FIELD("count", FIELD_INT, struct port_yaml, count), BETWEEN(1, SIM_PORTS_MAX),
     ABOUT("Copies, on as many ports from this one on, or links with -1, -2 ... at "
           "their ends."),
     PRESET("1")},
    {FIELD("baud", FIELD_INT, struct port_yaml, baud), BETWEEN(0, 4000000),
     ABOUT("The pace of both ways; 0: none. 9600 on a line without it.")},
    {FIELD("parity", FIELD_ENUM, struct port_yaml, parity), .words = parities,
     ABOUT("What a character has beside its bits."), PRESET("none")},
    {FIELD("stop_bits", FIELD_INT, struct port_yaml, stop_bits), BETWEEN(1, 2),
     ABOUT("How many stop bits a character has."), PRESET("1")},
    {FIELD("turnaround", FIELD_DURATION, struct port_yaml, turnaround_ms),
     BETWEEN(0, TURNAROUND_MS_MAX), ABOUT("How long its units take to answer."),
     PRESET("0s")},
    {FIELD("strict", FIELD_BOOL, struct port_yaml, strict),
     ABOUT("A line only: what comes before 3.5 characters of silence is not heard."),
     PRESET("false")},
    {FIELD("echo", FIELD_BOOL, struct port_yaml, echo),
     ABOUT("A line only: the master hears itself."), PRESET("false")},
    {FIELD("split", FIELD_INT, struct port_yaml, split), BETWEEN(1, 260),
     ABOUT("TCP only: answers leave in pieces of so many bytes.")},
    {FIELD("coalesce", FIELD_DURATION, struct port_yaml, coalesce_ms),
     BETWEEN(1, SIM_COALESCE_MS_MAX),
     ABOUT("TCP only: the answers of so long leave together.")},
    {FIELD("closed", FIELD_NODE, struct port_yaml, closed),
     ABOUT("TCP only: when connections are refused."), SHAPE(sim_windows_shape)},
    {FIELD("hang", FIELD_NODE, struct port_yaml, hang),
     ABOUT("TCP only: when connections are taken and never answered."),
     SHAPE(sim_windows_shape)},
    {FIELD("units", FIELD_NODE, struct port_yaml, units), REQUIRED,
     ABOUT("Who answers there."), SHAPE(units_shape)},
};
static const char *const port_kinds[] = {"tcp", "rtu", "rtu_over_tcp", NULL};
static const struct shape port_shape = {SHAPE_OF_TABLE(port_fields),
                                        .one_of = port_kinds};
static const struct shape slaves_shape = {.kind = SHAPE_LIST, .item = &port_shape};

static void
read_port(struct reader *r,
          const struct node *n,
          struct profiles *profiles,
          struct sim_port *out)
{
    struct port_yaml y = {.baud = -1};
    fields_preset(r, &y, port_fields, ARRAY_LEN(port_fields));
    (void)fields_read(r, &y, n, "slave", port_fields, ARRAY_LEN(port_fields));
    *out = (struct sim_port){.count = (uint32_t)y.count,
                             .parity = y.parity != 0,
                             .stop_bits = (int)y.stop_bits,
                             .strict = y.strict,
                             .echo = y.echo,
                             .split = (uint32_t)y.split,
                             .coalesce_ms = y.coalesce_ms};
    if (n->kind == NODE_MAP) {
        read_address(r, n, &y, out);
        out->baud = (int)(y.baud >= 0 ? y.baud : out->kind == BUS_RTU ? 9600 : 0);
        check_keys(r, n, out);
        check_count(r, n, out);
    }
    sim_windows_read(r, y.closed, &out->closed);
    sim_windows_read(r, y.hang, &out->hang);
    if (y.units != NULL) {
        read_units(r, y.units, profiles, y.turnaround_ms, out);
    }
}

/* Would one take the other's place?  Ports on any free number never do. */
static bool
same_place(const struct sim_port *a, const struct sim_port *b)
{
    if (a->link != NULL || b->link != NULL) {
        return a->link != NULL && b->link != NULL && strcmp(a->link, b->link) == 0;
    }
    return a->port > 0 && b->port > 0 && strcmp(a->host, b->host) == 0 &&
           a->port < b->port + b->count && b->port < a->port + a->count;
}

/* A second pty would take the first one's link away, unseen. */
static void
check_place(struct reader *r,
            const struct node *n,
            const struct sim *sim,
            uint32_t last)
{
    const struct sim_port *p = &sim->ports[last];
    for (uint32_t i = 0; i < last && (p->link != NULL || p->host != NULL); i++) {
        if ((sim->ports[i].link != NULL || sim->ports[i].host != NULL) &&
            same_place(p, &sim->ports[i])) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "the slave is where slave %u is; give each its own port or path",
                      i + 1);
            return;
        }
    }
}

struct sim_yaml {
    const char *control;
    const struct node *slaves;
};

static const struct field sim_fields[] = {
    {FIELD("control", FIELD_STRING, struct sim_yaml, control), .max = 100,
     ABOUT("A Unix socket that takes commands.")},
    {FIELD("slaves", FIELD_NODE, struct sim_yaml, slaves), REQUIRED,
     ABOUT("The lines and endpoints."), SHAPE(slaves_shape)},
};
const struct shape sim_file_shape = {
    SHAPE_OF_TABLE(sim_fields),
    .about = "Modbus slaves with scripted behaviour and faults."};

static void
read_sim(struct reader *r, const struct node *root, const char *path, struct sim *sim)
{
    struct profiles profiles = {path, NULL};
    struct sim_yaml y = {0};
    uint32_t ports = 0;
    (void)fields_read(r, &y, root, "simulation", sim_fields, ARRAY_LEN(sim_fields));
    if (y.control != NULL) {
        sim->control = path_beside(r->arena, path, y.control);
    }
    if (y.slaves == NULL) {
        return;
    }
    const struct node *n = list_items(r, y.slaves, "slaves");
    sim->ports = arena_array(r->arena, y.slaves->count + 1, sizeof *sim->ports);
    for (; n != NULL; n = n->next) {
        read_port(r, n, &profiles, &sim->ports[sim->port_count]);
        check_place(r, n, sim, sim->port_count);
        ports += sim->ports[sim->port_count++].count;
    }
    if (ports > SIM_PORTS_MAX) {
        diags_add(r->diags, DIAG_ERROR, &y.slaves->loc,
                  "\"slaves\" make %u ports; up to %d are accepted", ports,
                  SIM_PORTS_MAX);
    }
}

struct sim *
config_load_sim(const char *path, struct diags *diags)
{
    struct arena *arena = arena_new();
    struct reader r = {arena, diags};
    struct sim *sim = arena_alloc(arena, sizeof *sim);
    size_t errors = diags->errors;
    sim->arena = arena;
    const struct node *root = tree_load(arena, path, diags);
    if (root != NULL) {
        read_sim(&r, root, path, sim);
    }
    if (diags->errors != errors) {
        arena_free(arena);
        return NULL;
    }
    return sim;
}
