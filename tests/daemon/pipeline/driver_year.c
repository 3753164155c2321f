/* Makes the journal of a site whose equipment breaks and whose staff answers: the real
 * engine, fed with faults and commands that a seed decides, writing a real state.db.
 *
 *   driver_year SITE.yaml FROM DAYS FAULTS SEED
 *
 * FROM is an instant; each device with a point `fault` has about FAULTS faults a year.
 * The site's rules must raise on it: 1 a small one, 2 an urgent one, 3 a critical one;
 * it is polled every hour, so points go stale later than that.
 * Staff are the site's people.  Some answer late, some close without repairing, some
 * faults come back, some alarms are false, some devices fall silent or are taken out of
 * service, and people report things that no sensor sees.  Prints a JSON object with
 * what it did. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/changes.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/store/state.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define YEAR_MS   (365 * DAY_MS)
#define BATCH     2000 /* Changes in one transaction. */

enum stage {
    STAGE_BREAK,
    STAGE_TAKE,
    STAGE_ARRIVE,
    STAGE_WAIT,
    STAGE_RESUME,
    STAGE_RESOLVE,
    STAGE_MEND, /* The sensor sees it: before the resolving, or long after it. */
    STAGE_RATE,
    STAGE_QUIET, /* It does not answer from now on. */
    STAGE_ANSWER,
    STAGE_OUT,
    STAGE_IN,
    STAGE_POLL, /* Every hour: the sensors say what they said. */
    STAGES
};

struct action {
    int64_t t_ms;
    uint64_t order; /* Of one time, as they were planned. */
    uint32_t machine;
    enum stage stage;
};

/* One device, and the fault that it has now. */
struct machine {
    uint32_t device, point;
    int64_t ticket;
    const char *person;
    const char *cause;
    double shows; /* Value of the point. */
    int grade;
    bool false_alarm, reported;
    bool quiet;
    int returns; /* How often this fault comes back yet. */
};

struct year {
    struct site *site;
    struct state *store;
    struct changes *changes;
    struct pipeline *pipeline;
    struct frame *frame;
    struct machine *machines;
    uint32_t machine_count;
    struct action *heap;
    size_t count, room;
    uint64_t order, random, done[STAGES], refused;
    int64_t end_ms;
    double gap_ms;
};

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "driver_year: %s: %s\n", what, why);
    exit(4);
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t
next_random(struct year *y)
{
    uint64_t z = y->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static double
uniform(struct year *y)
{
    return ((double)(next_random(y) >> 11) + 0.5) / 9007199254740992.0;
}

static bool
chance(struct year *y, double p)
{
    return uniform(y) < p;
}

static int64_t
about(struct year *y, double mean_ms)
{
    return 1 + (int64_t)(-log(uniform(y)) * mean_ms);
}

/* ---- the schedule: a heap ---- */

static bool
before(const struct action *a, const struct action *b)
{
    return a->t_ms != b->t_ms ? a->t_ms < b->t_ms : a->order < b->order;
}

static void
plan(struct year *y, int64_t t_ms, uint32_t machine, enum stage stage)
{
    if (y->count == y->room) {
        y->room = y->room == 0 ? 256 : y->room * 2;
        y->heap = realloc(y->heap, y->room * sizeof *y->heap);
        if (y->heap == NULL) {
            abort();
        }
    }
    size_t at = y->count++;
    y->heap[at] = (struct action){t_ms, y->order++, machine, stage};
    while (at > 0 && before(&y->heap[at], &y->heap[(at - 1) / 2])) {
        struct action up = y->heap[(at - 1) / 2];
        y->heap[(at - 1) / 2] = y->heap[at];
        y->heap[at] = up;
        at = (at - 1) / 2;
    }
}

static struct action
take_first(struct year *y)
{
    struct action first = y->heap[0];
    y->heap[0] = y->heap[--y->count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < y->count;
             child++) {
            least = before(&y->heap[child], &y->heap[least]) ? child : least;
        }
        if (least == at) {
            return first;
        }
        struct action down = y->heap[least];
        y->heap[least] = y->heap[at];
        y->heap[at] = down;
        at = least;
    }
}

/* ---- what is done ---- */

static void
write_down(struct year *y, int64_t t_ms)
{
    struct err err = {0};
    if (changes_write(y->changes, y->store, y->site, t_ms, NULL, &err) != 0) {
        die("state.db", err.text);
    }
}

static void
show(struct year *y, int64_t t_ms, const struct machine *m)
{
    if (m->quiet) {
        return;
    }
    y->frame->t_ms = t_ms;
    y->frame->device = m->device;
    y->frame->count = 1;
    y->frame->flags = 0;
    y->frame->readings[0] =
        (struct reading){.value = m->shows, .point = m->point, .quality = QUALITY_GOOD};
    pipeline_frame(y->pipeline, y->frame);
}

static int64_t
order(struct year *y, struct command *c)
{
    struct err err = {0};
    int64_t number = 0;
    if (pipeline_command(y->pipeline, c, &number, &err) != 0) {
        if (getenv("YEAR_VERBOSE") != NULL) {
            fprintf(stderr, "%s: %s\n", command_kind_name(c->kind), err.text);
        }
        y->refused++;
        return 0;
    }
    return number;
}

static int64_t
open_ticket(const struct year *y, const struct machine *m)
{
    static const char *const rules[] = {"small", "urgent", "critical"};
    uint32_t rule = site_rule(y->site, rules[m->grade - 1]);
    return tickets_open_number(pipeline_tickets(y->pipeline), m->device, rule);
}

static void
plan_work(struct year *y, int64_t t_ms, uint32_t machine)
{
    struct machine *m = &y->machines[machine];
    double patience = m->grade == 3 ? 8 : m->grade == 2 ? 20 : 60;
    int64_t at_ms = t_ms + about(y, patience * (double)MINUTE_MS);
    if (chance(y, 0.1)) { /* Late. */
        at_ms += about(y, 6 * (double)HOUR_MS);
    }
    plan(y, at_ms, machine, STAGE_TAKE);
    at_ms += about(y, patience / 2 * (double)MINUTE_MS);
    plan(y, at_ms, machine, STAGE_ARRIVE);
    if (chance(y, 0.15)) {
        at_ms += about(y, 20 * (double)MINUTE_MS);
        plan(y, at_ms, machine, STAGE_WAIT);
        at_ms += about(y, 5 * (double)HOUR_MS);
        plan(y, at_ms, machine, STAGE_RESUME);
    }
    int64_t work_ms = about(y, 50 * (double)MINUTE_MS);
    bool hollow = !m->reported && chance(y, 0.08); /* Closed without a repair. */
    int64_t mend_ms =
        at_ms + (hollow ? work_ms + about(y, 9 * (double)HOUR_MS) : work_ms * 4 / 5);
    if (m->false_alarm) {
        mend_ms = t_ms + about(y, 10 * (double)MINUTE_MS);
    }
    plan(y, at_ms + work_ms, machine, STAGE_RESOLVE);
    plan(y, mend_ms, machine, STAGE_MEND);
    int64_t end_ms = mend_ms > at_ms + work_ms ? mend_ms : at_ms + work_ms;
    if (chance(y, 0.4)) {
        plan(y, end_ms + 2 * HOUR_MS, machine, STAGE_RATE);
    }
    if (m->returns == 0 && !m->reported && chance(y, 0.07)) {
        m->returns = 1;
        plan(y, end_ms + 3 * HOUR_MS + about(y, (double)DAY_MS), machine, STAGE_BREAK);
    } else {
        m->returns = 0;
        plan(y, end_ms + 3 * HOUR_MS + about(y, y->gap_ms), machine, STAGE_BREAK);
    }
}

static const char *
somebody(struct year *y)
{
    static const char *const nobody = "guest";
    return y->site->person_count > 0
               ? y->site->people[next_random(y) % y->site->person_count].id
               : nobody;
}

static void
report(struct year *y, int64_t t_ms, struct machine *m)
{
    struct command c = {.t_ms = t_ms,
                        .kind = COMMAND_TICKET_OPEN,
                        .device = y->site->devices[m->device].id,
                        .by = "desk",
                        .note = "it makes a noise",
                        .category = "noise",
                        .has_priority = true,
                        .priority = (enum severity)m->grade};
    m->ticket = order(y, &c);
}

static void
break_down(struct year *y, const struct action *a)
{
    static const char *const causes[] = {"wear",  "wear",    "wear",   "lubrication",
                                         "loose", "setting", "supply", "dirt"};
    struct machine *m = &y->machines[a->machine];
    if (m->returns == 0) {
        double draw = uniform(y);
        m->grade = draw < 0.6 ? 1 : draw < 0.9 ? 2 : 3;
        m->false_alarm = chance(y, 0.1);
        m->reported = !m->false_alarm && chance(y, 0.05);
        m->cause = m->false_alarm
                       ? (chance(y, 0.5) ? "false-alarm" : "no-fault-found")
                       : causes[next_random(y) % (sizeof causes / sizeof causes[0])];
    }
    if (m->reported) {
        report(y, a->t_ms, m);
    } else {
        m->shows = m->grade;
        show(y, a->t_ms, m);
        m->ticket = open_ticket(y, m);
    }
    m->person = somebody(y);
    plan_work(y, a->t_ms, a->machine);
    if (chance(y, 0.05)) {
        int64_t at_ms = a->t_ms + about(y, (double)HOUR_MS);
        plan(y, at_ms, a->machine, STAGE_OUT);
        plan(y, at_ms + about(y, 3 * (double)HOUR_MS), a->machine, STAGE_IN);
    }
}

static void
resolve(struct year *y, struct command *c, struct machine *m)
{
    struct ticket_part part = {.name = "bearing", .count = 1, .cost = 25000};
    c->kind = COMMAND_TICKET_RESOLVE;
    c->cause = chance(y, 0.9) ? m->cause : NULL;
    c->minutes = 10 + (int64_t)(uniform(y) * 110);
    c->cost = chance(y, 0.3) ? (int64_t)(uniform(y) * 40000) : 0;
    c->note = "done";
    if (!m->false_alarm && chance(y, 0.25)) {
        part.cost = 5000 + (int64_t)(uniform(y) * 90000);
        c->parts = &part;
        c->part_count = 1;
    }
    order(y, c);
}

static void
act(struct year *y, const struct action *a)
{
    struct machine *m = &y->machines[a->machine];
    struct command c = {.t_ms = a->t_ms, .ticket = m->ticket, .by = m->person};
    bool of_ticket =
        a->stage >= STAGE_TAKE && a->stage <= STAGE_RATE && a->stage != STAGE_MEND;
    if (of_ticket && m->ticket == 0) { /* The device was out of service: none opened. */
        return;
    }
    switch (a->stage) {
    case STAGE_BREAK:
        break_down(y, a);
        return;
    case STAGE_TAKE:
        c.kind = COMMAND_TICKET_TAKE;
        break;
    case STAGE_ARRIVE:
        c.kind = COMMAND_TICKET_ARRIVE;
        break;
    case STAGE_WAIT:
        c.kind = COMMAND_TICKET_WAIT;
        c.note = "parts";
        break;
    case STAGE_RESUME:
        c.kind = COMMAND_TICKET_RESUME;
        break;
    case STAGE_RESOLVE:
        resolve(y, &c, m);
        if (m->reported) { /* No sensor knows of it: who reported it confirms. */
            c = (struct command){.t_ms = a->t_ms,
                                 .kind = COMMAND_TICKET_CLOSE,
                                 .ticket = m->ticket,
                                 .by = "desk"};
            order(y, &c);
        }
        return;
    case STAGE_MEND:
        m->shows = 0;
        show(y, a->t_ms, m);
        return;
    case STAGE_RATE:
        c.kind = COMMAND_TICKET_RATE;
        c.rating = 2 + (int)(next_random(y) % 4);
        break;
    case STAGE_POLL:
        show(y, a->t_ms, m);
        plan(y, a->t_ms + HOUR_MS, a->machine, STAGE_POLL);
        return;
    case STAGE_QUIET:
        m->quiet = true;
        plan(y, a->t_ms + about(y, 12 * (double)HOUR_MS), a->machine, STAGE_ANSWER);
        return;
    case STAGE_ANSWER:
        m->quiet = false;
        show(y, a->t_ms, m);
        plan(y, a->t_ms + about(y, 60 * (double)DAY_MS), a->machine, STAGE_QUIET);
        return;
    case STAGE_OUT:
    case STAGE_IN:
        c.kind = COMMAND_SERVICE;
        c.ticket = 0;
        c.device = y->site->devices[m->device].id;
        c.service = a->stage == STAGE_OUT ? SERVICE_OUT : SERVICE_IN;
        c.note = "taken apart";
        break;
    case STAGES:
        return;
    }
    order(y, &c);
}

/* ---- the year ---- */

static void
begin(struct year *y, int64_t from_ms)
{
    for (uint32_t i = 0; i < y->site->device_count; i++) {
        uint32_t point = site_point(y->site, i, "fault");
        if (point == NONE_INDEX) {
            continue;
        }
        struct machine *m = &y->machines[y->machine_count];
        *m = (struct machine){.device = i, .point = point, .person = "guest"};
        show(y, from_ms, m);
        plan(y, from_ms + HOUR_MS, y->machine_count, STAGE_POLL);
        plan(y, from_ms + about(y, y->gap_ms), y->machine_count, STAGE_BREAK);
        plan(y, from_ms + about(y, 60 * (double)DAY_MS), y->machine_count, STAGE_QUIET);
        y->machine_count++;
    }
}

static void
run(struct year *y, int64_t from_ms)
{
    write_down(y, from_ms);
    begin(y, from_ms);
    while (y->count > 0 && y->heap[0].t_ms < y->end_ms) {
        struct action a = take_first(y);
        act(y, &a);
        y->done[a.stage]++;
        if (changes_count(y->changes) >= BATCH) {
            write_down(y, a.t_ms);
        }
    }
    pipeline_advance(y->pipeline, y->end_ms);
    write_down(y, y->end_ms);
}

static void
open_all(struct year *y, const char *site_file)
{
    struct diags diags;
    struct err err = {0};
    diags_init(&diags);
    y->site = config_load_site(site_file, NULL, 0, &diags);
    y->changes = changes_new();
    if (y->site != NULL) {
        y->pipeline = pipeline_new(y->site, changes_sink(y->changes), 1, &diags);
    }
    if (y->pipeline == NULL) {
        diags_print(&diags, stderr);
        exit(3);
    }
    diags_fini(&diags);
    if (state_open(&y->store, y->site->data_dir, STORE_WRITE, &err) != 0) {
        die("state.db", err.text);
    }
    y->frame = calloc(1, FRAME_BYTES_MAX);
    y->machines = calloc((size_t)y->site->device_count + 1, sizeof *y->machines);
    if (y->frame == NULL || y->machines == NULL) {
        abort();
    }
}

int
main(int argc, char **argv)
{
    struct year y = {0};
    int64_t from_ms = 0;
    struct err err = {0};
    if (argc != 6) {
        die("usage", "driver_year SITE.yaml FROM DAYS FAULTS SEED");
    }
    log_init(LOG_LEVEL_WARNING);
    open_all(&y, argv[1]);
    if (instant_parse(&from_ms, argv[2], &err) != 0) {
        die("FROM", err.text);
    }
    y.end_ms = from_ms + strtoll(argv[3], NULL, 10) * DAY_MS;
    y.gap_ms = (double)YEAR_MS / strtod(argv[4], NULL) - 8.0 * (double)HOUR_MS;
    y.gap_ms = y.gap_ms > 0 ? y.gap_ms : 1;
    y.random = strtoull(argv[5], NULL, 10);
    run(&y, from_ms);
    int64_t tickets = 0;
    if (state_max_ticket(y.store, &tickets, &err) != 0) {
        die("state.db", err.text);
    }
    printf("{\"tickets\":%" PRId64 ",\"faults\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"out_of_service\":%" PRIu64 ",\"silent\":%" PRIu64 "}\n",
           tickets, y.done[STAGE_BREAK], y.refused, y.done[STAGE_OUT],
           y.done[STAGE_QUIET]);
    pipeline_free(y.pipeline);
    changes_free(y.changes);
    state_close(y.store);
    site_free(y.site);
    free(y.frame);
    free(y.machines);
    free(y.heap);
    return 0;
}
