/* Points -> requests.  Pure: the same points give the same requests.
 *
 * Points of one device and one poll period make a group.  Within it neighbours of one
 * table share a request, across holes too where the device allows it; a value never
 * straddles two requests. */
#ifndef CARETAKER_COLLECTORS_PLAN_H
#define CARETAKER_COLLECTORS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/backoff.h"
#include "daemon/model/site.h"

#define READ_REGISTERS_MAX 125  /* Modbus Application Protocol V1.1b, 6.3 and 6.4. */
#define READ_BITS_MAX      2000 /* The same, 6.1 and 6.2. */

/* A request of its own costs some 20 bytes on a serial line: a longer hole is dearer.
 */
#define HOLE_REGISTERS_MAX 10
#define HOLE_BITS_MAX      64

struct plan_request {
    enum reg_table table;
    uint16_t address;
    uint16_t count;       /* Registers or bits. */
    uint32_t first;       /* Its points are group->order[first .. + point_count). */
    uint32_t point_count; /* At least 1. */

    /* What the device made of it; kept by the worker. */
    int64_t skip_until_ms; /* Not asked before: refused for good.  Monotonic. */
    uint8_t refusals;      /* In a row. */
    uint8_t exception;     /* The code of the last refusal. */
    struct backoff health; /* Of itself, while the device answers others. */
    uint8_t why;           /* enum quality of its last failure. */
};

struct plan_group {
    int64_t poll_ms;
    uint32_t *order; /* Indices into site->points: by table, address, then index. */
    uint32_t point_count;
    struct plan_request *requests;
    uint32_t request_count;
    uint32_t request_capacity;
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
                     struct err *err);
void device_plan_fini(struct device_plan *plan);

/* Joins the group's points into requests, from nothing; forgets all refusals. */
void plan_group_join(struct plan_group *g, const struct site *site);

/* The device refused requests[index]: puts two in its place, parted at the largest
 * hole, else in the middle.  False when it has one point only, or memory is out. */
bool plan_group_split(struct plan_group *g, const struct site *site, uint32_t index);

/* For the bus's time budget and for listings. */
int plan_function(enum reg_table table); /* The Modbus function code, 1..4. */
/* Bytes on the wire, question and answer. */
uint32_t plan_request_bytes(const struct plan_request *r, enum bus_kind kind);
/* What a serial line is busy with it, without the device's own thinking; 0 on TCP. */
int64_t plan_request_us(const struct plan_request *r, const struct bus *bus);
/* One character on a serial line, and the silence between frames. */
int64_t serial_character_us(const struct bus *bus);
int64_t serial_silence_us(const struct bus *bus);

#endif
