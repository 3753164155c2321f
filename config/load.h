/* Inside of config/: the parts of the site loader, split by noun.  All of them report
 * every error they find into `reader.diags` and go on; the loader looks at the count of
 * errors once, at the end. */
#ifndef CARETAKER_CONFIG_LOAD_H
#define CARETAKER_CONFIG_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/field.h"
#include "config/tree.h"
#include "daemon/model/profile.h"
#include "daemon/model/site.h"

#define POLL_MS_MIN     10            /* Faster than any Modbus device answers. */
#define POLL_MS_MAX     (31 * MS_DAY) /* Longer is no monitoring. */
#define POLL_MS_DEFAULT MS_SECOND
#define STALE_MS_MIN    (2 * MS_SECOND) /* Of the default, not of what is given. */
#define STALE_POLLS     3
#define HOLD_MS_MAX     MS_YEAR
#define TIMEOUT_MS_MIN  10
#define TIMEOUT_MS_MAX  (60 * MS_SECOND)
#define PROMISE_MS_MAX  (10 * MS_YEAR)

/* ---- What the schema needs of each reader (config/shape.h). ---- */

extern const struct shape site_block_shape, data_shape, bus_shape, device_shape,
    rule_shape, person_shape, team_shape, calendar_shape, priorities_shape,
    maintenance_shape, procedure_shape, mqtt_shape, history_shape, alarms_shape,
    tickets_shape, web_shape;
extern const struct shape applies_to_shape, ledger_shape, limits_shape, point_shape,
    points_shape, poll_shape;
/* Whole files. */
extern const struct shape site_file_shape, rules_file_shape, profile_file_shape,
    case_file_shape, commands_file_shape, map_file_shape, sim_file_shape;

/* ---- section.c: the files, and what stands at their top level. ---- */

enum section {
    SECTION_SITE,
    SECTION_DATA,
    SECTION_BUSES,
    SECTION_DEVICES,
    SECTION_RULES,
    SECTION_PEOPLE,
    SECTION_TEAMS,
    SECTION_CALENDAR,
    SECTION_PRIORITIES,
    SECTION_MAINTENANCE,
    SECTION_PROCEDURES,
    SECTION_MQTT,
    SECTION_HISTORY,
    SECTION_ALARMS,
    SECTION_TICKETS,
    SECTION_WEB,
    SECTION_COUNT
};

/* Nodes in the order in which they were read. */
struct node_list {
    const struct node **items;
    uint32_t count;
    uint32_t room;
};

struct sections {
    const struct node *once[SECTION_COUNT]; /* NULL: absent. */
    struct node_list lists[SECTION_COUNT];  /* Entries of the lists, joined. */
};

/* Reads `path`, what it includes, and `rules_files`, whose rules replace those of the
 * site.  False when the site file itself could not be read. */
bool sections_read(struct reader *r,
                   struct sections *out,
                   const char *path,
                   const char *const *rules_files,
                   size_t count);

/* ---- path.c ---- */

/* `text` as it stands when it is absolute, else beside `file`. */
const char *path_beside(struct arena *a, const char *file, const char *text);
/* The same, made absolute by the working directory. */
const char *path_absolute_beside(struct arena *a, const char *file, const char *text);
/* "HOST", "HOST:PORT", "[::1]:PORT"; `*port` is kept when none is given. */
bool host_port_parse(struct arena *a,
                     const char *text,
                     const char **host,
                     uint16_t *port,
                     bool *port_given);

/* ---- point.c ---- */

struct point_spec {
    struct point point;        /* poll_ms, stale_after_ms: 0 when not given. */
    const char *decimals_from; /* NULL: no. */
    struct loc decimals_from_loc;
    bool broken; /* Reported: nothing more is to be said of it. */
};
struct point_list {
    struct point_spec *items;
    uint32_t count;
};
/* A `points:` mapping. */
struct point_list points_read(struct reader *r, const struct node *map);
/* One point without its id. */
bool point_read(struct reader *r, const struct node *n, struct point_spec *out);

/* ---- made.c: points that no register and no log brings. ---- */

struct made_points {
    const struct point_spec *items; /* Sorted by id. */
    uint32_t count;
};
/* Those of a bus, of the gateway, or of any device that is polled. */
struct made_points points_made_for(enum device_role role);
/* Its title in each language; the tables have the English. */
void point_made_title(struct point *p);

/* ---- profile.c ---- */

struct profile_spec {
    struct profile profile; /* Its points are NULL: they are below. */
    bool ok;
    struct point_list points;
    const struct profile_spec *next;
};
struct profiles {
    const char *site_file;            /* devices/ is looked for beside it. */
    const struct profile_spec *first; /* Those read so far. */
};
extern const struct limits limits_default;
void limits_read(struct reader *r, const struct node *n, struct limits *out);
/* NULL when there is none or it is wrong (reported, once for each wrong file). */
const struct profile_spec *profile_find(struct reader *r,
                                        struct profiles *all,
                                        const char *id,
                                        const struct loc *loc);

/* ---- ledger.c ---- */

/* A `ledger:` mapping. */
void ledger_read(struct reader *r, const struct node *n, struct ledger *out);

/* ---- bus.c, device.c, conflict.c ---- */

void buses_read(struct reader *r, const struct sections *s, struct site *site);
/* Devices, their points, and those that stand for buses and gateway; sorted. */
void devices_read(struct reader *r, const struct sections *s, struct site *site);
/* Two devices with one bus and unit must agree on every register. */
void conflicts_check(struct reader *r, const struct site *site);

/* ---- people.c, team.c, calendar.c, work.c, rule.c, service.c ---- */

void people_read(struct reader *r, const struct sections *s, struct site *site);
void teams_read(struct reader *r, const struct sections *s, struct site *site);
void calendar_read(struct reader *r, const struct sections *s, struct site *site);
void procedures_read(struct reader *r, const struct sections *s, struct site *site);
void promises_read(struct reader *r, const struct sections *s, struct site *site);
void tickets_read(struct reader *r, const struct sections *s, struct site *site);
void alarms_read(struct reader *r, const struct sections *s, struct site *site);
void history_read(struct reader *r, const struct sections *s, struct site *site);
void mqtt_read(struct reader *r, const struct sections *s, struct site *site);
void web_read(struct reader *r, const struct sections *s, struct site *site);
void rules_read(struct reader *r, const struct sections *s, struct site *site);
/* One alone: the site's other rules stand. */
void rule_read_alone(struct reader *r,
                     const struct node *n,
                     const struct site *site,
                     struct rule_spec *out);

/* ---- team.c, once the rules stand ---- */

/* Warns of a rule whose tickets no team gets: nobody is asked then, and nothing goes
 * up. A site without any team has none to ask. */
void receivers_check(struct reader *r, const struct site *site);

/* ---- maintenance.c ---- */

/* Sorted by id.  The devices stand by now. */
void plans_read(struct reader *r, const struct sections *s, struct site *site);
/* Warns of a rule that brings forward a plan that is none.  A site without any plan
 * may use rules of a site that has them. */
void forwards_check(struct reader *r, const struct site *site);

/* ---- suppression.c ---- */

/* Reports rules that suppress each other in a circle, and warns of a suppressor that
 * can never stand.  The parents of the devices make no circle by now. */
void suppression_check(struct reader *r, const struct site *site);

/* ---- site.c: what several nouns need. ---- */

/* The keys of applies_to, read and checked for a device that it can match. */
void applies_to_read(struct reader *r,
                     const struct node *n,
                     const struct site *site,
                     const char *what,
                     struct applies_to *out);
/* Reports the second of two places with one id. */
void report_duplicate(struct reader *r,
                      const char *noun,
                      const char *id,
                      const struct loc *second,
                      const struct loc *first);
/* Reports it unless the team / procedure / person exists; `name` may be NULL. */
void check_team(struct reader *r,
                const struct site *site,
                const char *name,
                const struct loc *loc);
void check_procedure(struct reader *r,
                     const struct site *site,
                     const char *name,
                     const struct loc *loc);
void check_person(struct reader *r,
                  const struct site *site,
                  const char *name,
                  const struct loc *loc);
/* Warns of a member that is named twice, and of one on the rota who is none: another
 * name was meant, as a rule.  A stand-in may come from anywhere, and names of nobody
 * were reported.  `map` is the team's, and has `members`. */
void check_members(struct reader *r,
                   const struct site *site,
                   const struct node *map,
                   const struct team *team);
/* Where `key` of `map` stands; where `map` stands when it is absent. */
struct loc loc_of(const struct node *map, const char *key);

#endif
