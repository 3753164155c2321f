/* A small estate made by hand for the tests of rules/:
 *
 *   feeder-1 (power):  u (V), load (%), p (kW)
 *   pump-1, pump-2 (pump): a b (°C), flow (m3/h), k (K), n (none), pressure (MPa),
 *       run (bool), v (mm/s), x (log, no type); stale after 5 s, x after 9 s */
#ifndef CARETAKER_TESTS_RULES_PLANT_H
#define CARETAKER_TESTS_RULES_PLANT_H

#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"
#include "rules/rules.h"

#define PLANT_RULES_MAX 8

struct plant {
    struct site site;
    struct device devices[3];
    struct point points[64];
    struct rule_spec rules[PLANT_RULES_MAX];
};

enum { FEEDER, PUMP_1, PUMP_2 };

static inline void
plant_point(struct plant *p,
            const char *id,
            enum value_type type,
            enum reg_table table,
            const char *unit,
            int64_t stale_after_ms)
{
    uint32_t device = p->site.device_count - 1;
    p->devices[device].point_count++;
    p->points[p->site.point_count++] = (struct point){.id = id,
                                                      .device = device,
                                                      .table = table,
                                                      .type = type,
                                                      .unit = unit,
                                                      .decimals_from = NONE_INDEX,
                                                      .poll_ms = 1000,
                                                      .stale_after_ms = stale_after_ms};
}

static inline void
plant_device(struct plant *p, const char *id, const char *type)
{
    p->devices[p->site.device_count++] =
        (struct device){.id = id,
                        .name = id,
                        .type = type,
                        .bus = NONE_INDEX,
                        .parent = NONE_INDEX,
                        .first_point = p->site.point_count};
}

static inline void
plant_pump(struct plant *p, const char *id)
{
    plant_device(p, id, "pump");
    plant_point(p, "a", TYPE_F32, REG_INPUT, "°C", 5000);
    plant_point(p, "b", TYPE_F32, REG_INPUT, "°C", 5000);
    plant_point(p, "flow", TYPE_F32, REG_INPUT, "m3/h", 5000);
    plant_point(p, "k", TYPE_F32, REG_INPUT, "K", 5000);
    plant_point(p, "n", TYPE_F32, REG_INPUT, NULL, 5000);
    plant_point(p, "pressure", TYPE_F32, REG_INPUT, "MPa", 5000);
    plant_point(p, "run", TYPE_BOOL, REG_DISCRETE, NULL, 5000);
    plant_point(p, "v", TYPE_F32, REG_INPUT, "mm/s", 5000);
    plant_point(p, "x", TYPE_F64, REG_NONE, NULL, 9000);
}

static inline struct plant *
plant_new(void)
{
    struct plant *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    p->site.devices = p->devices;
    p->site.points = p->points;
    p->site.rules = p->rules;
    plant_device(p, "feeder-1", "power");
    plant_point(p, "load", TYPE_F32, REG_INPUT, "%", 5000);
    plant_point(p, "p", TYPE_F32, REG_INPUT, "kW", 5000);
    plant_point(p, "u", TYPE_F32, REG_INPUT, "V", 5000);
    plant_pump(p, "pump-1");
    plant_pump(p, "pump-2");
    return p;
}

/* Adds a rule for pump-1; ids must come in order. */
static inline struct rule_spec *
plant_rule(struct plant *p, const char *id, const char *when)
{
    struct rule_spec *r = &p->rules[p->site.rule_count++];
    *r = (struct rule_spec){.id = id, .level_count = 1, .enabled = true};
    r->applies_to.id = "pump-1";
    r->levels[0].severity = SEVERITY_NORMAL;
    r->levels[0].when = (struct expr_text){when, {"r.yaml", 1, 1}};
    return r;
}

static inline struct expr_text
plant_text(const char *text)
{
    return (struct expr_text){text, {"r.yaml", 2, 1}};
}

/* Writes an edge as a line: "1000 raised pump-1/hot normal 81.2". */
static inline void
plant_edge(void *ctx, const struct edge *e, const struct plant *p)
{
    static const char *const kinds[] = {"offline", "online",  "raised",
                                        "changed", "cleared", "watch"};
    struct strbuf *out = ctx;
    strbuf_printf(out, "%lld %s ", (long long)e->t_ms, kinds[e->kind]);
    strbuf_add(out, p->devices[e->device].id);
    if (e->rule != NONE_INDEX) {
        strbuf_printf(out, "/%s", p->rules[e->rule].id);
    }
    if (e->kind == EDGE_RAISED || e->kind == EDGE_CHANGED || e->kind == EDGE_CLEARED) {
        strbuf_printf(out, " %s", severity_name(e->severity));
    }
    if (e->has_value) {
        strbuf_add(out, " ");
        strbuf_add_number(out, e->value);
    }
    strbuf_add(out, "\n");
}

#define PLANT_READINGS_MAX 16

/* Returns owned; room for PLANT_READINGS_MAX readings. */
static inline struct frame *
plant_frame(uint32_t device, int64_t t_ms)
{
    struct frame *f = calloc(1, frame_bytes(PLANT_READINGS_MAX));
    if (f == NULL) {
        abort();
    }
    f->t_ms = t_ms;
    f->device = device;
    return f;
}

static inline void
plant_frame_add(struct frame *f, uint32_t point, double value, enum quality q)
{
    f->readings[f->count++] =
        (struct reading){.value = value, .point = point, .quality = (uint8_t)q};
}

#endif
