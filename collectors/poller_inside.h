/* The poller's inside: its tables, shared by the sources poller*.c and their tests. */
#ifndef CARETAKER_COLLECTORS_POLLER_INSIDE_H
#define CARETAKER_COLLECTORS_POLLER_INSIDE_H

#include "collectors/plan.h"
#include "collectors/poller.h"
#include "collectors/quarantine.h"
#include "collectors/readings.h"
#include "collectors/schedule.h"
#include "daemon/base/timerq.h"

/* A device that comes and goes is tried less often: with each return its pauses grow,
 * and shrink again after so many polls that were answered. */
#define RELAPSE_MAX   7
#define RELAPSE_POLLS 10

#define DERIVED_EVERY_US 60000000 /* What the collector itself knows of a device. */

/* One device of the bus. */
struct polled {
    struct device_plan plan;
    struct schedule *when;     /* One per group. */
    uint32_t continuous_group; /* Asked whenever the bus is free; NONE_INDEX. */
    struct known_raw *raws;    /* By point, from the device's first; NULL: no need. */
    struct counter_memory *counters; /* NULL: it has none. */

    /* Does it answer? */
    struct backoff health;
    enum quality why; /* Of the last failure, */
    uint8_t detail;   /* and its detail. */
    uint8_t tries;    /* Turns of the poll at hand that brought nothing. */
    uint8_t drops;    /* Connections in a row that were lost on its questions. */
    bool answered_ever;
    uint8_t relapse; /* Failures that it came back from; they are forgotten slowly. */
    uint8_t good_polls; /* Since one was forgotten. */
    bool proven_silent; /* Its late answer was waited for, and did not come. */
    bool waiting;       /* For its next try, and only that. */
    int64_t again_us;   /* When a turn for retries is due; INT64_MAX: none. */

    /* How fast? */
    uint32_t answers;
    uint32_t replan_at;   /* So many answers. */
    int64_t turnround_us; /* Running mean of its thinking; negative: not measured. */
    int64_t planned_us;   /* The turn-round that the plan was made with. */

    int64_t rejoin_us; /* When the next lesson ends; INT64_MAX: there is none. */

    /* Derived points, by enum derived; NONE_INDEX: not wanted. */
    uint32_t derived[DERIVED_ERRORS + 1];
    int64_t derived_us;  /* When they were last said. */
    bool derived_online; /* What was said. */
    int64_t latency_us;  /* Sum over ... */
    uint32_t latencies;  /* ... so many answers since then. */
};

/* Why a device has its turn. */
enum turn_kind {
    TURN_DUE,
    TURN_IDLE,  /* Continuous, and the bus is free. */
    TURN_AGAIN, /* What brought nothing, or found the device busy, is asked again. */
    TURN_PROBE,
    TURN_QUIET /* In quarantine: a frame without a question. */
};

/* The poll at hand. */
struct turn {
    struct polled *d; /* NULL: none. */
    uint32_t slot;
    const struct device *device;
    enum turn_kind kind;
    int64_t began_us;
    uint32_t group, request; /* Where it stands. */
    bool leading;            /* The question that shows whether the device is there. */
    uint32_t lead_group;     /* NONE_INDEX: no lead was needed, or it was split. */
    uint32_t lead_first;     /* Its first point: it keeps it when others are split. */
    bool asking;             /* A question is on the wire ... */
    int64_t asked_us;        /* ... since then. */
    bool probing;            /* It is in quarantine. */
    bool confirming;         /* A line: is its first answer one that came late? */
    bool paid;               /* The question at hand is one of the budget's. */
    bool answered;
    bool given_up;
    uint8_t retried;  /* How often the request at hand was asked again at once. */
    uint8_t failures; /* Requests in a row that got no answer. */
    uint8_t splits;
    bool spoke;              /* A reading was marked or decoded. */
    struct wire_result last; /* Of the last failure. */
};

struct poller {
    struct poller_args args;
    const struct bus *bus;
    struct polled *devices;
    uint32_t device_count;
    enum line_state line;
    bool was_down;

    /* Ids are indices into devices; times in us. */
    struct timerq *due;    /* In the plan's time: monotonic less `lag_us`. */
    struct timerq *quiet;  /* The same, for devices in quarantine. */
    struct timerq *again;  /* Monotonic, as those below. */
    struct timerq *fresh;  /* Probes of devices that were well a moment ago; */
    struct timerq *probes; /* of the others. */
    struct timerq *idle;   /* Continuous devices, by the end of their last poll. */
    int64_t lag_us;        /* By how much the plan was put off since the start. */
    int64_t beat_us;       /* The longest of its devices. */
    int64_t tolerance_us;  /* So late may polls be before it is put off further. */
    struct probe_budget budget;
    bool fresh_was_last; /* Of the probes. */

    bool *in_turn; /* By group of the turn's device. */
    struct turn turn;
    struct readings *readings;
};

/* ---- poller.c ---- */

/* The turn is over: the device waits for its next moment. */
void poller_requeue(struct poller *p, struct polled *d, int64_t now_us);
void poller_set_quarantine(struct poller *p, struct polled *d, bool quarantined);

/* ---- poller_turn.c ---- */

void
turn_begin(struct poller *p, uint32_t slot, enum turn_kind kind, struct poller_now now);
/* True: `*ask` is to be asked.  False: the turn is over. */
bool turn_next(struct poller *p, struct poller_now now, struct poller_ask *ask);
/* The line went down meanwhile: what is left of the turn needs no question. */
void turn_give_up(struct poller *p);
/* The request at hand, and its group. */
struct plan_request *turn_at_hand(struct poller *p, struct plan_group **g);
/* All points of a request, or of all requests of the turn, have the same fault. */
void turn_mark(struct poller *p,
               uint32_t group,
               const struct plan_request *r,
               enum quality why,
               uint8_t detail);
void turn_mark_all(struct poller *p, enum quality why, uint8_t detail);
/* The turn is over: its frame goes out. */
void turn_finish(struct poller *p, struct poller_now now);
/* Nothing came of it, and it has another turn behind who waits already. */
void turn_put_off(struct poller *p, int64_t until_us);

/* ---- poller_answer.c ---- */

void turn_answer(struct poller *p,
                 struct poller_now now,
                 const struct wire_result *res,
                 const struct read_answer *answer);

/* ---- poller_refusals.c ---- */

/* Joins anew what lessons kept apart, where their time is over. */
void refusals_expire(struct poller *p, struct polled *d, int64_t now_us);
/* The request at hand was refused with 01, 02 or 03.  True: it was split, and its first
 * half stands in its place. */
bool refusals_take(struct poller *p,
                   struct plan_group *g,
                   uint32_t index,
                   uint8_t exception,
                   int64_t now_us);
/* The request at hand was answered. */
void refusals_forget(struct poller *p, struct plan_group *g, struct plan_request *r);
/* The group was asked whole: joins again what was split, around what is refused. */
void refusals_settle(struct poller *p, struct plan_group *g, int64_t now_us);
/* Plans anew when the device turns out faster or slower than the plan took it for. */
void replan(struct poller *p, struct polled *d, int64_t now_us);

#endif
