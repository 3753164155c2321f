/* What a cycle of scattered points costs: every third of 300 registers, by our plan,
 * one request a point, and blocks of fixed size wherever they fall.  The costs are
 * counted here, not by the planner: characters on the wire, and for TCP round trips. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "collectors/plan.h"
#include "tests/fake/fake_estate.h"

#define REGISTERS 600
#define NAMES_MAX 16

#define CHARACTER_MS  (10.0 / 9.6) /* 8N1 at 9,600 baud. */
#define RTU_FRAMING   3            /* Unit and CRC, each way. */
#define MBAP          7
#define QUESTION      5   /* Function, address, count. */
#define ANSWER        2   /* Function, size; then two bytes a register. */
#define SILENCES      7   /* Characters: 3.5 before the question and the answer. */
#define ROUND_TRIP_MS 1.0 /* Of a local network, with the device's own thinking. */
#define LAN_BYTES_MS  1e4 /* 100 Mbit/s, some overhead taken off. */

struct map {
    const char *name;
    int end;  /* Registers 0 .. end. */
    int step; /* Of each `step` registers the first `used` are. */
    int used;
};

struct cost {
    const char *name;
    unsigned requests;
    unsigned long rtu_bytes, tcp_bytes;
};

static void
add_request(struct cost *c, unsigned registers)
{
    c->requests++;
    c->rtu_bytes += 2 * RTU_FRAMING + QUESTION + ANSWER + 2ul * registers;
    c->tcp_bytes += 2 * MBAP + QUESTION + ANSWER + 2ul * registers;
}

static bool
is_used(const struct map *m, int address)
{
    return address < m->end && address % m->step < m->used;
}

static int
points_of(const struct map *m)
{
    int count = 0;

    for (int a = 0; a < m->end; a++) {
        count += is_used(m, a);
    }
    return count;
}

/* One a point is blocks of one. */
static struct cost
fixed_blocks(const struct map *m, const char *name, int size)
{
    struct cost c = {.name = name};

    for (int from = 0; from < m->end; from += size) {
        bool used = false;
        for (int a = from; a < from + size; a++) {
            used = used || is_used(m, a);
        }
        if (used) {
            add_request(&c, (unsigned)size);
        }
    }
    return c;
}

static void
add_points(struct fake_estate *e, const struct map *m, char names[][NAMES_MAX])
{
    for (int a = 0; a < m->end; a++) {
        if (is_used(m, a)) {
            snprintf(names[a], NAMES_MAX, "r%d", a);
            fake_estate_point(e, names[a], REG_HOLDING, (uint16_t)a, TYPE_U16);
        }
    }
}

/* By the planner, for a device on a serial line or on TCP. */
static struct cost
planned(const struct map *m, const char *name, bool serial, bool holes)
{
    static char names[REGISTERS][NAMES_MAX];
    struct fake_estate *e = fake_estate_new();
    struct cost c = {.name = name};
    struct device_plan plan;
    struct err err;

    if (serial) {
        struct bus *line = fake_estate_rtu(e, "line", "/dev/null");
        line->baud = 9600;
        line->parity = 'N';
        line->data_bits = 8;
        line->stop_bits = 1;
    } else {
        fake_estate_tcp(e, "endpoint", 502);
    }
    fake_estate_device(e, "scattered", 1, 1000)->limits.holes = holes;
    add_points(e, m, names);
    struct plan_cost cost = plan_cost(&e->buses[0], &e->devices[0].limits, -1);
    if (device_plan_init(&plan, &e->site, 0, cost, &err) != 0) {
        fprintf(stderr, "bench_plan: %s\n", err.text);
        exit(4);
    }
    for (uint32_t g = 0; g < plan.group_count; g++) {
        for (uint32_t r = 0; r < plan.groups[g].request_count; r++) {
            add_request(&c, plan.groups[g].requests[r].count);
        }
    }
    device_plan_fini(&plan);
    free(e);
    return c;
}

static void
show(const struct cost *c, const struct cost *ours)
{
    double line_ms = ((double)c->rtu_bytes + c->requests * SILENCES) * CHARACTER_MS;
    double ours_ms =
        ((double)ours->rtu_bytes + ours->requests * SILENCES) * CHARACTER_MS;
    double tcp_ms = c->requests * ROUND_TRIP_MS + (double)c->tcp_bytes / LAN_BYTES_MS;

    printf(
        "    %-28s %4u requests %6lu bytes %7.0f ms at 9600 baud (%5.2f of ours), TCP "
        "%6lu bytes %6.1f ms\n",
        c->name, c->requests, c->rtu_bytes, line_ms, line_ms / ours_ms, c->tcp_bytes,
        tcp_ms);
}

static void
compare(const struct map *m)
{
    struct cost ours = planned(m, "caretaker, serial line", true, true);
    const struct cost rows[] = {ours,
                                planned(m, "caretaker, TCP", false, true),
                                planned(m, "caretaker, holes forbidden", true, false),
                                fixed_blocks(m, "one request a point", 1),
                                fixed_blocks(m, "blocks of 10", 10),
                                fixed_blocks(m, "blocks of 125", READ_REGISTERS_MAX)};

    printf("plan: %s, %d points, each cycle\n", m->name, points_of(m));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        show(&rows[i], &ours);
    }
}

int
main(void)
{
    static const struct map maps[] = {
        {"every third of 300 registers", 300, 3, 1},
        {"10 islands of 8 registers, 60 apart", REGISTERS, 60, 8},
    };

    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        compare(&maps[i]);
    }
    return 0;
}
