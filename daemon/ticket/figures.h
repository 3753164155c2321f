/* The figures of a site over one period: how available its equipment was, how often it
 * failed, how fast and how well it was mended, by whom and for how much.  Pure: rows
 * in, figures out; everything is named by small numbers that the caller gives.
 *
 * A period is [from, to).  What has a length is cut at its edges (times down, out of
 * service, unseen); what is a ticket belongs, with all its work and cost, to the period
 * in which it was opened, and what is a moment to the period that holds it: counts of
 * two periods that meet add up to the count of both.
 *
 * A *fault* is a ticket of kind fault or reported that was not closed as a false alarm
 * (cause false-alarm or no-fault-found); a predicted one that came true is of kind
 * fault.  A *failure* is a fault of priority urgent or
 * critical.
 *
 * Every moment of a device is one of these, the first that applies:
 *
 * - down: an alarm of severity urgent or critical stands (but of a rule whose tickets
 *   are predicted: what is to come has not stopped it), or a ticket of that priority
 *   that no alarm opened (a person reported it) is not resolved;
 * - out of service: somebody took it out of service, for maintenance;
 * - unseen: it did not answer, or nothing was recorded: the daemon did not run, or the
 *   device was not in the site yet; nobody knows;
 * - up.
 *
 * Availability (equipment availability rate) = up / (up + down): what was out of
 * service by plan, or not seen, counts for neither.  A repair that is made "out of
 * service" is down time all the same, for the fault stands. */
#ifndef CARETAKER_TICKET_FIGURES_H
#define CARETAKER_TICKET_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/words.h"

#define FIGURES_NONE      UINT32_MAX
#define FIGURES_REPEAT_MS INT64_C(2592000000) /* 30 days. */
#define FIGURES_MONTH_MS  INT64_C(2629800000) /* 365.25 / 12 days. */

struct figures_device {
    uint32_t type; /* Below type_count. */
    bool apart;    /* A bus or the gateway: equipment of the watching, not of the site.
                      It stands in its own row and in that of its type, not in `all`. */
};

enum figures_state { FIGURES_DOWN, FIGURES_OUT, FIGURES_UNSEEN, FIGURES_STATES };
struct figures_span {
    uint32_t device;
    enum figures_state state;
    int64_t from_ms, to_ms; /* Of one device and state they may overlap. */
};

struct figures_ticket {
    enum ticket_kind kind;
    enum severity priority;
    bool closed;
    bool false_alarm; /* By its cause. */
    uint32_t device, rule, category, person, team, cause,
        plan; /* FIGURES_NONE: none. */
    int64_t opened_ms;
    int64_t responded_ms, resolved_ms; /* The first time; INSTANT_NONE: not yet. */
    int64_t repair_ms; /* From opening to resolving, and again from each reopening; -1:
                          it is not resolved. */
    bool respond_breached, resolve_breached; /* At any time, also before reopening. */
    int64_t reopened, minutes;
    int64_t cost, parts_cost; /* Hundredths. */
    int rating;               /* 0: none. */
};

/* A visit that was not made in its time. */
struct figures_overdue {
    uint32_t device, plan;
    int64_t t_ms;
};

struct figures_input {
    int64_t from_ms, to_ms;
    const struct figures_device *devices;
    uint32_t device_count;
    const struct figures_span *spans;
    size_t span_count;
    const struct figures_ticket *tickets;
    size_t ticket_count;
    const struct figures_overdue *overdue;
    size_t overdue_count;
    uint32_t type_count, rule_count, person_count, team_count, cause_count, plan_count;
    /* Ends of the parts of the period that are counted apart (months, or days), rising;
     * the last is to_ms. */
    const int64_t *part_ends;
    uint32_t part_count;
};

/* Equipment: one device, or all of a type, or all. */
struct figures_plant {
    uint32_t devices;
    int64_t up_ms, state_ms[FIGURES_STATES];
    uint64_t faults, failures, repairs; /* Repairs: of failures, finished ones. */
    int64_t repair_ms;
    uint64_t tickets;
    int64_t minutes, cost, parts_cost; /* Of all tickets, planned ones too. */
};

struct figures_times { /* In ms; 0 when n is 0. */
    uint64_t n;
    double mean, median, p90;
    double error2; /* Square of the relative standard error of the mean. */
};

/* By priority; [SEVERITY_COUNT] is all of them.  Only faults; false alarms too, for
 * somebody had to go. */
struct figures_promises {
    struct figures_times respond, resolve;
    uint64_t respond_decided, respond_met; /* Decided: done, or the time is over. */
    uint64_t resolve_decided, resolve_met;
};

struct figures_work { /* Of a person or a team; of a kind of tickets. */
    uint64_t tickets, resolved, reopened;
    uint64_t responded;
    int64_t respond_ms; /* Sum. */
    int64_t minutes, cost;
    uint64_t ratings;
    int64_t rating_sum;
};

struct figures_cause { /* [cause_count] is "none was given", of closed faults. */
    uint64_t tickets;
    int64_t repair_ms, cost;
};

struct figures_rule {
    uint64_t tickets, judged, false_alarms; /* Judged: closed with a cause. */
};

struct figures_plan {
    uint64_t visits, done, in_time, overdue;
};

/* Faults of one device that come back: the same rule, or without a rule the same
 * category. */
struct figures_repeat {
    uint32_t device, rule, category;
    uint64_t faults, reopened;
};

struct figures_part {
    int64_t up_ms, down_ms;
    uint64_t faults;
};

struct figures {
    int64_t from_ms, to_ms;
    struct figures_plant all;
    struct figures_plant *types, *devices;
    struct figures_promises promises[SEVERITY_COUNT + 1];
    uint64_t closed, fixed_first_time; /* Faults. */
    uint64_t repeated; /* Faults that had a like one less than FIGURES_REPEAT_MS before;
                          that one may lie before the period. */
    struct figures_repeat *repeats; /* Those that came twice or more; most first. */
    size_t repeat_count;
    struct figures_cause *causes;
    struct figures_rule *rules;
    struct figures_work *people, *teams, kinds[TICKET_KIND_COUNT];
    struct figures_plan *plans;
    struct figures_part
        *parts; /* part_count * (type_count + 1); the last row is all. */
    uint64_t reported, rated;
    int64_t rating_sum;
    double cost_error2; /* Square of the relative standard error of the whole cost. */
    uint64_t paid;      /* Tickets that cost something. */
};

/* ERR_NOMEM only.  Returns owned contents: figures_fini(). */
int figures_make(struct figures *out, const struct figures_input *in, struct err *err);
void figures_fini(struct figures *f);

/* Adds what one piece of equipment, or several, came to. */
void figures_plant_add(struct figures_plant *to, const struct figures_plant *from);

/* Derived ones; NaN where there is nothing to divide by. */
double figures_availability(const struct figures_plant *p); /* % */
double figures_fault_rate(const struct figures_plant *p);   /* Per device and month. */
/* What came per month; NaN of less than a day, which says nothing of a month. */
double figures_per_month(double count, double months);
double figures_device_months(const struct figures_plant *p); /* Seen: up and down. */
/* Hours; NaN below FIGURES_FEW failures (repairs): then only the bounds say something.
 */
double figures_mtbf(const struct figures_plant *p);
double figures_mttr(const struct figures_plant *p);
double figures_mtbf_bound(const struct figures_plant *p); /* NaN: it was never up. */
double figures_mttr_bound(const struct figures_plant *p); /* NaN: no repair. */

#endif
