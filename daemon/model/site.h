/* The estate as configured: one immutable struct site, built in one arena by config/
 * and freed whole on reload.  Everything refers to everything by index.
 *
 * devices and rules are sorted by id (bytes), so "by device, then rule" is index order.
 * The buses and the gateway are devices too (type "bus", type "gateway"). */
#ifndef CARETAKER_MODEL_SITE_H
#define CARETAKER_MODEL_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/diag.h"
#include "daemon/model/words.h"

#define ID_BYTES_MAX                                                                   \
    64 /* With the NUL: ids of sites, buses, devices, rules, points.                   \
        */
#define DEVICES_MAX       20000 /* Frame and event tables are sized from these. */
#define DEVICE_POINTS_MAX 1024
#define POINTS_MAX        1000000
#define RULES_MAX         10000
#define RULE_LEVELS_MAX   8
#define NONE_INDEX        UINT32_MAX

enum reg_table { REG_NONE, REG_COIL, REG_DISCRETE, REG_INPUT, REG_HOLDING };

enum value_type {
    TYPE_BOOL,
    TYPE_U16,
    TYPE_S16,
    TYPE_U32,
    TYPE_S32,
    TYPE_U64,
    TYPE_S64,
    TYPE_F32,
    TYPE_F64,
    TYPE_BCD16,
    TYPE_BCD32,
    TYPE_BITS,
    TYPE_COUNT
};

/* Byte order of a value, most significant byte 'a'; for 64-bit values the pattern is
 * applied to 16-bit words in full: cdab = words reversed, badc = bytes swapped in each
 * word, dcba = both. */
enum byte_order { ORDER_ABCD, ORDER_CDAB, ORDER_BADC, ORDER_DCBA, ORDER_COUNT };

/* value = (raw * mul + add) / div.  Three integers in doubles, so that 3 x 0.1 is 0.3:
 * a decimal scale 0.1 is mul 1, div 10; "1/512" and "2^-9" are mul 1, div 512. */
struct scaling {
    double mul;
    double add;
    double div;
};

struct sentinel {
    uint64_t raw;     /* As read, before scaling, masked to the type's width. */
    const char *name; /* "absent", "over", ... */
};

enum point_kind { POINT_GAUGE, POINT_COUNTER, POINT_STATE };

/* What the collector itself knows of a device on a bus; such a point has no register.
 */
enum derived {
    DERIVED_NONE,
    DERIVED_ONLINE,  /* 1: the device answers. */
    DERIVED_LATENCY, /* Mean time of its answers since the last sample, ms. */
    DERIVED_ERRORS   /* Requests without a good answer since the start; those that a
                        lost bus refused are not the device's. */
};

struct point {
    const char *id;
    uint32_t device;      /* Index into site->devices. */
    enum reg_table table; /* REG_NONE: fed by logs, or by the daemon itself. */
    uint16_t address;     /* Zero-based protocol address. */
    enum value_type type;
    enum byte_order order;
    uint8_t bit_low; /* TYPE_BITS, or a single bit of a register (bit_high equal). */
    uint8_t bit_high;
    uint8_t bit_words; /* Registers that they are counted through: 2, 4; else one. */
    enum point_kind kind;
    enum derived derived; /* Not DERIVED_NONE: `table` is REG_NONE. */
    struct scaling scaling;
    const char *unit;  /* NULL: a plain number. */
    struct text title; /* For people; empty where none is given. */
    bool has_range;
    double range_min;
    double range_max;
    const struct sentinel *sentinels;
    uint32_t sentinel_count;
    uint32_t decimals_from; /* Point whose raw value says how many decimals; or
                               NONE_INDEX. */
    bool broken;            /* Reported as wrong; only in an incomplete site. */
    int64_t poll_ms;        /* Never 0: the device's where the point has none. */
    int64_t
        stale_after_ms; /* Resolved: point's, device's, else 3 polls, at least 2 s. */
    struct loc loc;
};

/* What a device model allows on the wire. */
struct limits {
    uint16_t max_registers; /* Per request; 125 unless lowered. */
    uint16_t max_bits;      /* Per request; 2000 unless lowered. */
    bool holes;             /* Registers between points may be read along. */
    int64_t gap_ms;         /* Pause before each request, beside the 3.5 characters. */
    int64_t timeout_ms;     /* For its answers; 0: the bus's. */
};

/* A paper of a device, as its site file names it. */
struct ledger_paper {
    const char *title; /* The link when none was given. */
    const char *link;
    enum document_kind kind;
    const char *valid_until; /* YYYY-MM-DD; NULL: for ever. */
};

struct ledger {
    const char *maker, *model, *serial, *installed, *keeper;
    const char *specification, *supplier, *area;
    const char *warranty_until;        /* YYYY-MM-DD, as `installed`. */
    const char *const *documents;      /* Links or paths. */
    const struct ledger_paper *papers; /* The same, with what is known of each. */
    uint32_t document_count;
    int64_t design_hours, design_starts; /* Design life by use; 0: not given. */
    int64_t price;                       /* Hundredths of the currency; 0: not given. */
    int64_t design_life_ms;              /* 0: not given. */
};

enum device_role { DEVICE_EQUIPMENT, DEVICE_BUS, DEVICE_GATEWAY };

struct device {
    const char *id;
    const char *name; /* The id when none is given. */
    const char *type;
    const char *location; /* May be NULL. */
    const char *const *tags;
    uint32_t tag_count;
    enum device_role role;
    uint32_t bus;    /* Index into site->buses; NONE_INDEX: fed by logs only. */
    uint8_t unit;    /* Modbus unit 0..255; meaningful with a bus. */
    uint32_t parent; /* Device index or NONE_INDEX: what feeds it. */
    int64_t poll_ms;
    bool poll_continuous; /* Again as soon as the bus is free; poll_ms is then 1 s. */
    int64_t stale_after_ms;
    int64_t serves;      /* Homes that depend on it; 0: not said. */
    int64_t care;        /* Those of them where old or disabled residents live. */
    const char *profile; /* Id or NULL. */
    struct limits limits;
    uint32_t
        first_point; /* Its points are site->points[first_point .. + point_count). */
    uint32_t point_count;
    struct ledger ledger;
    struct loc loc;
};

enum bus_kind { BUS_TCP, BUS_RTU, BUS_RTU_OVER_TCP };
enum rs485_mode { RS485_NONE, RS485_KERNEL };

struct bus {
    const char *id;
    const char *name; /* For people; the id when none was given. */
    enum bus_kind kind;
    const char *host; /* TCP kinds. */
    uint16_t port;
    const char *path; /* RTU: the serial device. */
    int baud;         /* Of the serial line; of TCP kinds the one behind the gateway,
                         0: it is not known, or there is none. */
    char parity;      /* 'N' 'E' 'O' as libmodbus takes it. */
    int data_bits;
    int stop_bits;
    enum rs485_mode rs485;
    int64_t timeout_ms;
    int retries;
    double probe_share;       /* Of bus time, in %, for devices in quarantine. */
    int64_t connect_pause_ms; /* After connecting, before the first question. */
    uint32_t device;          /* The device of type "bus" that stands for it. */
    struct loc loc;
};

/* An expression as written, with its place; rules/ parses it. */
struct expr_text {
    const char *text; /* NULL: absent. */
    struct loc loc;   /* Of the first character of `text`. */
};

struct rule_level {
    enum severity severity;
    struct expr_text when;
    struct expr_text clear; /* Absent: not when. */
    struct loc loc;
};

/* Which devices a rule goes to: every given criterion must match.  All absent: every
 * device that has all points of the rule. */
struct applies_to {
    const char *type, *id, *tag, *location;
    struct loc loc;
};

struct rule_spec {
    const char *id;
    struct applies_to applies_to;
    struct expr_text while_; /* Absent: always judged. */
    /* A plain rule is one level; several are in order of rising severity. */
    struct rule_level levels[RULE_LEVELS_MAX];
    uint32_t level_count;
    int64_t hold_ms;
    int64_t clear_hold_ms;
    struct text title; /* With {device} and {point} to fill in. Defaults to the id. */
    struct text cause, consequence, action; /* Empty where none is given. */
    const char *procedure, *source;
    int64_t respond_within_ms;    /* 0: the priority's. */
    const char *team, *category;  /* Of its ticket; may be NULL. */
    enum ticket_kind ticket_kind; /* TICKET_FAULT, or TICKET_PREDICTED: what it sees is
                                     a sign of a fault that is still to come. */
    const char *brings_forward;   /* The id of a plan, whose next visit is wanted */
    int64_t forward_within_ms;    /* so soon, in whole days; NULL: none. */
    struct loc forward_loc;
    int64_t verify_for_ms; /* Resolved: the rule's, else the site's. */
    int64_t follow_up_ms;
    bool enabled;
    bool latch;         /* Stays until it is acknowledged. */
    int64_t realarm_ms; /* Told again this long after it was acknowledged; 0: never. */
    const char *group;  /* First-out and one ticket for all of it on a device. */
    const char *const *suppressed_by; /* RULE of the same device or of what feeds it, */
    uint32_t suppressed_by_count;     /* or DEVICE/RULE. */
    bool suppresses_children; /* While it stands, alarms of what it feeds are hidden. */
    struct loc loc;
};

enum way_kind { WAY_MAIL, WAY_WEBHOOK, WAY_PHONE, WAY_SMS };
struct way { /* How somebody is reached. */
    enum way_kind kind;
    const char *address;
};

struct person {
    const char *id, *name, *role;
    const char *const *skills;
    uint32_t skill_count;
    const struct way *ways; /* The best first. */
    uint32_t way_count;
    struct loc loc;
};

/* Days are numbered since 1970-01-01, of the calendar on the wall in the site's zone.
 */
#define DAY_NONE INT32_MIN

/* In the place of who is on duty by the weekly or daily pattern. */
struct rota_exception {
    int32_t from, to; /* Both included; a duty belongs to the day it begins on. */
    const char *who;  /* A person's id. */
};

struct rota {
    const char *const *people; /* Ids, in turn. */
    uint32_t people_count;     /* 0: there is no rota. */
    bool daily;                /* A day each; else a week each, from Monday on. */
    int handover_minute;       /* Of the local day; 0: midnight. */
    int32_t start;             /* people[0] is on duty on this day (of this week);
                                  1970-01-05, a Monday, unless it is given. */
    const struct rota_exception *exceptions; /* The later ones win. */
    uint32_t exception_count;
};

#define TEAM_HOURS_MAX     8 /* Spans of one weekday: more is no pattern. */
#define CALENDAR_DAYS_MAX  1000
#define ROTA_EXCEPTION_MAX 1000
#define ROTA_START_DAY     4 /* 1970-01-05, a Monday: turns are counted from here. */

/* Minutes that are worked, of the weekday on which they begin: [from, to).  24:00 is
 * 1440; what ends beyond it ends on the next day. */
struct work_span {
    uint8_t weekday; /* 0: Monday. */
    int16_t from_minute, to_minute;
};

struct escalation {
    int64_t after_ms; /* Since it was opened or reopened, without a response. */
    const char *to;   /* A person's id, or a role. */
};

struct team {
    const char *id;
    struct text name;           /* The id when none was given. */
    const char *const *members; /* Person ids. */
    uint32_t member_count;
    const char *const *categories; /* Tickets of these kinds that name no team. */
    uint32_t category_count;
    struct rota rota;
    const struct work_span *hours; /* None: always.  By weekday, then begin. */
    uint32_t hours_count;
    bool has_quiet; /* In these hours normal tickets wait: they are not worked. */
    int quiet_from_minute, quiet_to_minute; /* Of the local day; may cross midnight. */
    const struct escalation *escalate;      /* In order of time. */
    uint32_t escalate_count;
    struct loc loc;
};

struct part_spec {
    const char *name;
    int64_t count;
};

struct procedure {
    const char *id;
    struct text title;
    const struct text *steps;
    uint32_t step_count;
    const struct part_spec *parts;
    uint32_t part_count;
    struct loc loc;
};

/* Days on which nobody works by `hours`, and days that are worked like another. */
struct calendar_day {
    int32_t from, to; /* Both included; no two entries share a day. */
    bool working;     /* A weekend day that is worked (like a Monday). */
    struct text name; /* May be empty. */
};

/* When a visit is due.  Several of the three may stand; whichever comes first. */
enum plan_cycle {
    PLAN_EVERY,   /* every_ms, in whole days. */
    PLAN_MONTHLY, /* `nth` `weekday` of each `months`-th month, or day `month_day`. */
    PLAN_YEARLY,  /* On these days of the year. */
    PLAN_BY_USE   /* Only by use. */
};
enum plan_use { PLAN_USE_NONE, PLAN_USE_HOURS, PLAN_USE_STARTS, PLAN_USE_AMOUNT };
struct year_day {
    uint8_t month, day; /* From 1. */
};
struct plan_spec {
    const char *id;
    struct text title; /* The procedure's, else the id. */
    struct applies_to applies_to;
    enum plan_cycle cycle;
    int64_t every_ms;
    int months;    /* 1 monthly, 3 quarterly, 12 yearly. */
    int month_day; /* 1..31 (the last one where it is shorter); 0: by weekday. */
    int nth;       /* 1..4; -1: the last. */
    int weekday;   /* 0: Monday. */
    const struct year_day *year_days;
    uint32_t year_day_count;
    enum plan_use use;
    double use_limit;   /* Hours, starts, or units of the counter. */
    const char *use_of; /* Point id: true while it runs, or a counter. */
    bool from_done;    /* The next counts from the last one done; else from the plan. */
    bool statutory;    /* May be tightened, never postponed. */
    int64_t remind_ms; /* Before the day it is due. */
    int64_t grace_ms;  /* After it, until it is overdue. */
    int32_t starts;    /* The day of the first one; DAY_NONE: counted from when the
                          plan was first seen. */
    const char *team, *procedure;
    enum severity priority;
    int64_t minutes; /* How long a visit takes; 0: not said. */
    int64_t cost;    /* Planned for it, hundredths of the currency; 0: not said. */
    bool has_season; /* Due only between these two days of the year, both included; */
    struct year_day season_from, season_to; /* the season may hold New Year. */
    bool service;      /* A visit resets what rules count since_service. */
    bool service_said; /* Not so where no plan of the device does: each one resets. */
    struct loc loc;
};

struct promise { /* Of a priority, in ms from opening. */
    int64_t respond_ms;
    int64_t resolve_ms;
};

struct mqtt_spec {
    bool enabled;       /* There is an `mqtt:` block. */
    const char *broker; /* mqtt://HOST:PORT or mqtts://HOST:PORT */
    const char *username, *password_file,
        *ca_file; /* Paths are absolute by now; may be NULL. */
    const char *prefix;
    bool commands;
};

struct web_spec {
    const char *listen;               /* "127.0.0.1:8080"; NULL: no page. */
    const char *cert_file, *key_file; /* Absolute; NULL: no TLS. */
    const char *const *names; /* By which browsers reach us, beside addresses. */
    uint32_t name_count;
    const char *const *proxies; /* Addresses whose X-Forwarded-For is believed. */
    uint32_t proxy_count;
};

struct history_spec {
    int64_t flush_ms, keep_ms, keep_1m_ms, keep_1h_ms;
    int64_t max_bytes; /* 0: not limited. */
};

struct site {
    struct arena *arena; /* Owns everything below, and this. */
    const char *id, *name, *timezone;
    enum language language;
    const char *file; /* The site file as given. */
    const char
        *data_dir; /* Absolute, or relative to the working directory; never NULL. */

    /* Parts were wrong, reported and left out: only good for finding more errors. */
    bool incomplete;
    struct bus *buses;
    uint32_t bus_count;
    struct device *devices; /* Sorted by id. */
    uint32_t device_count;
    struct point *points; /* A device's points stand together, in order of id. */
    uint32_t point_count;
    struct rule_spec *rules; /* Sorted by id; disabled ones are here too. */
    uint32_t rule_count;
    struct person *people;
    uint32_t person_count;
    struct team *teams;
    uint32_t team_count;
    struct procedure *procedures;
    uint32_t procedure_count;

    struct plan_spec *plans; /* Sorted by id. */
    uint32_t plan_count;
    struct calendar_day *calendar; /* By `from`. */
    uint32_t calendar_count;

    struct promise promises[SEVERITY_COUNT]; /* By priority; info's is unused. */
    int64_t verify_for_ms, follow_up_ms;
    int64_t visit_after_ms; /* A critical ticket is visited again this long after it was
                               closed; 0: never. */
    const char *const *causes; /* Closing codes that the site added to ours. */
    uint32_t cause_count;
    const char *currency;      /* "CNY" */
    uint32_t chatter_episodes; /* Within the window: it chatters; 0: never. */
    int64_t chatter_window_ms;
    struct mqtt_spec mqtt;
    struct history_spec history;
    struct web_spec web;
    uint32_t gateway_device;
};

void site_free(struct site *site); /* NULL is accepted. */
/* For one owner more, who calls site_free() too: it stays as it is until the last has.
 * From any thread. */
struct site *site_share(struct site *site);

/* By id; NONE_INDEX when there is none. */
uint32_t site_device(const struct site *site, const char *id);
uint32_t site_bus(const struct site *site, const char *id);
uint32_t site_rule(const struct site *site, const char *id);
uint32_t site_plan(const struct site *site, const char *id);
uint32_t site_point(const struct site *site, uint32_t device, const char *id);

/* Every criterion that is given matches the device. */
bool applies_to_device(const struct applies_to *a, const struct device *d);
/* Buses and the gateway are not maintained by plans. */
bool plan_goes_to(const struct plan_spec *p, const struct device *d);
/* The device, else the nearest of its parents, that the plan goes to; NONE_INDEX. */
uint32_t plan_device_of(const struct site *site, uint32_t plan, uint32_t device);

/* Whatever raises the alarm asks a prediction of the language: time_to, trend, drift or
 * baseline.  By its text; whether it is an expression at all is not looked at. */
bool rule_predicts(const struct rule_spec *rule);

/* What the owner listed: neither the buses' own devices nor the gateway's, and no
 * derived points. */
struct site_equipment {
    uint32_t devices;
    uint32_t points;
};
struct site_equipment site_equipment(const struct site *site);

/* 16-bit registers (or bits, for coils and discrete inputs) that a value occupies. */
uint16_t point_width(const struct point *point);
const char *value_type_name(enum value_type t);
bool value_type_parse(enum value_type *out, const char *text);
const char *byte_order_name(enum byte_order o);
bool byte_order_parse(enum byte_order *out, const char *text);
const char *reg_table_name(enum reg_table t); /* "coil" "discrete" "input" "holding" */
bool reg_table_parse(enum reg_table *out, const char *text);
/* "tcp:192.0.2.10:502", "rtu:/dev/ttyS1,9600,8E1" into `out`. */
#define BUS_TEXT_BYTES 300
char *bus_describe(char *out, const struct bus *bus);

#endif
