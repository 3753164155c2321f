/* Points -> requests, the cheapest that cover them.  Pure: the same points, costs and
 * lessons give the same requests.
 *
 * Points of one device and one poll period make a group.  Within it neighbours of one
 * table share a request where that costs less time than two would: a hole between them
 * is read along when its bytes are cheaper than the framing, the silences and the
 * device's thinking of a second request.  A value never straddles two requests.  The
 * choice is exact (dynamic programming over the sorted points).
 *
 * A device may refuse what the plan believed: then lessons say which points stand alone
 * and where no request may reach across, and the rest is joined again around them. */
#ifndef CARETAKER_COLLECTORS_PLAN_H
#define CARETAKER_COLLECTORS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/site.h"

#define READ_REGISTERS_MAX 125  /* Modbus Application Protocol V1.1b, 6.3 and 6.4. */
#define READ_BITS_MAX      2000 /* The same, 6.1 and 6.2. */

/* A device's thinking time, before any was measured. */
#define TURNROUND_SERIAL_US 10000
#define TURNROUND_TCP_US    3000

/* What bus time costs. */
struct plan_cost {
    int64_t request_us; /* Of any request: framing both ways, silences, thinking. */
    int64_t byte_us;    /* Of each byte of data. */
};
/* `turnround_us` as measured; negative: not yet.  A serial line whose speed is known is
 * counted, also one behind a gateway; without one, TURNROUND_TCP_US is the least. */
struct plan_cost
plan_cost(const struct bus *bus, const struct limits *limits, int64_t turnround_us);

struct plan_request {
    enum reg_table table;
    uint16_t address;
    uint16_t count;       /* Registers or bits. */
    uint32_t first;       /* Its points are group->order[first .. + point_count). */
    uint32_t point_count; /* At least 1. */

    /* What became of it; kept by the poller.  Times are monotonic. */
    int64_t not_before_us; /* Refused, silent or busy: not asked earlier. */
    uint8_t silences;      /* Times in a row that it alone got no answer. */
    uint8_t busies;        /* Times in a row that the device was busy (05, 06). */
    uint8_t refusals;      /* Times in a row that it was refused (01, 02, 03). */
    uint8_t why;           /* enum quality of the last failure ... */
    uint8_t detail;        /* ... and its detail. */
    bool part;             /* Of a request that was refused whole. */
};

/* What the device taught about a point, and the place before it. */
struct lesson {
    int64_t alone_until_us; /* Refused: in no request with others. */
    int64_t cut_until_us;   /* No request reaches from the point before to this one. */
    uint8_t refusals;       /* Of the point alone, in a row. */
    uint8_t cuts;           /* Times in a row that only the whole was refused. */
    uint8_t exception;      /* Its code. */
    bool told;              /* The log has it. */
};

struct plan_group {
    int64_t poll_ms;
    uint32_t *order; /* Indices into site->points: by table, address, then index. */
    uint32_t point_count;
    struct plan_request *requests;
    uint32_t request_count;
    uint32_t request_capacity;
    struct lesson *lessons; /* Like `order`; NULL until there is one. */
};

/* All groups of a device, the shortest period first. */
struct device_plan {
    uint32_t device;
    struct plan_group *groups;
    uint32_t group_count;
    uint32_t point_count; /* Of all groups: points that have a register. */
};

/* Points without a register are left out; no group at all is a valid plan.
 * `site` is borrowed for the call only. */
int device_plan_init(struct device_plan *plan,
                     const struct site *site,
                     uint32_t device,
                     struct plan_cost cost,
                     struct err *err);
void device_plan_fini(struct device_plan *plan);

/* Joins the group's points into the cheapest requests, heeding what lessons hold at
 * `now_us`.  False, with the old requests, when memory is out. */
bool plan_group_join(struct plan_group *g,
                     const struct site *site,
                     struct plan_cost cost,
                     int64_t now_us);

/* The device refused requests[index]: puts two in its place, parted at the largest
 * hole, else in the middle.  False when it has one point only, or memory is out. */
bool plan_group_split(struct plan_group *g, const struct site *site, uint32_t index);

/* The lesson of order[k], made now if need be; NULL when memory is out. */
struct lesson *plan_group_lesson(struct plan_group *g, uint32_t k);

/* For the bus's time budget and for listings. */
int plan_function(enum reg_table table); /* The Modbus function code, 1..4. */
/* Bytes of data in an answer with `count` registers or bits. */
uint32_t plan_data_bytes(enum reg_table table, uint32_t count);
/* Bytes on the wire, question and answer. */
uint32_t plan_wire_bytes(enum reg_table table, uint32_t count, enum bus_kind kind);
/* What the bus is busy with it. */
int64_t plan_request_us(const struct plan_request *r, struct plan_cost cost);
/* One character on a serial line, and the silence between frames; the line's speed is
 * known. */
int64_t serial_character_us(const struct bus *bus);
int64_t serial_silence_us(const struct bus *bus);
/* How long question and answer are under way on the bus's serial line, also on one
 * behind a gateway, whose silence counts too: it keeps it after it has the question. 0:
 * no line is known. */
int64_t plan_line_us(const struct bus *bus, enum reg_table table, uint32_t count);

#endif
