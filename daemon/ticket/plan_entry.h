/* Inside of the plans: what plan_table.c, plans.c, plan_commands.c and plan_visits.c
 * share. */
#ifndef CARETAKER_TICKET_PLAN_ENTRY_H
#define CARETAKER_TICKET_PLAN_ENTRY_H

#include "daemon/ticket/plan_use.h"
#include "daemon/ticket/plans.h"

struct plan_entry {
    struct plan_row row;
    const struct plan_spec *spec;
    uint32_t plan, device;
    uint32_t point; /* Of use; NONE_INDEX: none. */
    struct plan_counter counter;
    struct plan_origin_of {
        int32_t installed_day;
        uint32_t spread;
    } origin;
    bool restored;        /* The row came from the store. */
    bool resets;          /* A visit resets since_service. */
    bool use_changed;     /* Since plans_save_use(). */
    int32_t calendar_day; /* Of the next visit; DAY_NONE: by use alone. */
    int64_t next_ms;      /* INSTANT_MAX: nothing to do. */
    uint32_t heap_at;
    uint32_t next_of_device; /* With a point of use; NONE_INDEX: the last. */
};

struct plans {
    const struct site *site;
    const struct sink *sink;
    struct plans_view view;
    struct plan_entry *entries; /* By device, then plan. */
    uint32_t count;
    uint32_t *heap;            /* Of entries; the one that is due first at [0]. */
    uint32_t *first_of_device; /* By device, of those with a point of use. */
    bool begun;
};

/* NULL: the plan does not go to the device. */
struct plan_entry *
plan_entry_find(const struct plans *p, uint32_t plan, uint32_t device);

/* When something is to be done with the entry; INSTANT_MAX: nothing. */
void plan_entry_set_next(struct plans *p, struct plan_entry *e, int64_t next_ms);

/* The day of the next visit, whatever puts it there; that of the open ticket if there
 * is one. */
int32_t plan_entry_due(const struct plan_entry *e);
/* The instants of a visit due on `day`. */
struct plan_work plan_entry_work(const struct plan_entry *e, int32_t day);

/* The row has changed: plans the calendar and the timer anew, as of t_ms, and sends the
 * row. */
void plan_entry_settle(struct plans *p, struct plan_entry *e, int64_t t_ms);
/* Sends an event of the entry; `day` DAY_NONE: with no due day. */
void plan_entry_tell(struct plans *p,
                     const struct plan_entry *e,
                     struct event *event,
                     int32_t day);
/* Opens the ticket of the visit that is due on `day`. */
void plan_entry_open(struct plans *p,
                     struct plan_entry *e,
                     int64_t t_ms,
                     int32_t day,
                     const char *by,
                     const char *note);

#endif
