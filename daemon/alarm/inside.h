/* The parts of the alarm room, for its own files only. */
#ifndef CARETAKER_ALARM_INSIDE_H
#define CARETAKER_ALARM_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/alarm/alarms.h"
#include "daemon/model/event.h"

/* What the rules said of an alarm in this step; told when the step is settled. */
enum pending { PENDING_NOTHING, PENDING_RAISED, PENDING_CHANGED, PENDING_CLEARED };

struct entry {
    uint32_t device, rule;
    struct alarm row;
    bool shelved;  /* Its `row.hiding` is that of the shelf. */
    bool touched;  /* It stands in alarms.touched. */
    bool restless; /* It stands in alarms.restless. */
    bool moved;    /* The row differs from what the sink has. */
    enum pending pending;
    enum severity severity_before; /* Of PENDING_CHANGED. */
    bool has_value;                /* Of the edge. */
    double value;
    const char *by, *note; /* Who ended the shelf in this step; NULL: its time. */
    int64_t due_ms;        /* Of its earliest timer; INSTANT_MAX: none. */
    int64_t silent_ms;     /* Its newest samples of when its device did not answer. */
};

/* One entry of a rule's suppressed_by. */
struct suppressor {
    uint32_t rule;
    uint32_t device; /* NONE_INDEX: the same one, or one that feeds it. */
};

struct suppressors {
    struct suppressor *items;
    uint32_t count;
};

/* The rules of a device that tell of its silence. */
struct tellers {
    uint32_t *rules;
    uint32_t count;
};

/* Entries in order of device, rule.  An alarm that was once raised stays here, so that
 * its episodes go on being counted. */
struct alarms {
    const struct site *site;
    const struct sink *sink;
    struct alarms_view view;
    struct entry **entries;
    size_t count;
    size_t capacity;
    struct entry **touched; /* To be settled, in order of their edges. */
    size_t touched_count;
    size_t touched_capacity;
    struct entry **restless; /* What hides them may end without an edge: each step
                                looks at them. */
    size_t restless_count;
    size_t restless_capacity;
    bool review;                       /* What hides others has changed: settle all. */
    uint32_t device_count, rule_count; /* Of the tables below. */
    struct service **service;          /* By device; NULL: it is in service. */
    struct suppressors *suppressors;   /* By rule. */
    struct suppressors named;          /* Those that name a device, of all rules. */
    bool *hides;             /* By rule: others of its device, or below, go by it. */
    bool *feeds;             /* By device: others have it as parent, or as their bus. */
    struct tellers *tellers; /* By device; empty where it feeds none. */
    uint32_t *bus_device;    /* By device: the device of its bus, or NONE_INDEX. */
    bool due_known;
    int64_t due_ms;
};

/* ---- entries.c ---- */

/* NULL when there is none. */
struct entry *entry_find(const struct alarms *a, uint32_t device, uint32_t rule);
struct entry *entry_find_or_add(struct alarms *a, uint32_t device, uint32_t rule);
/* The first entry of the device is entries[entry_place(a, device, 0)]. */
size_t entry_place(const struct alarms *a, uint32_t device, uint32_t rule);
void entry_touch(struct alarms *a, struct entry *e);
/* Whether each step is to look at it; those that are are touched with the next. */
void entry_set_restless(struct alarms *a, struct entry *e, bool restless);
void entry_touch_restless(struct alarms *a);
/* Raised and not cleared, as the rules (or the latch) have it. */
bool entry_stands(const struct entry *e);
/* Of now, in each language. */
void entry_set_titles(const struct alarms *a, struct entry *e);
void entry_send(const struct alarms *a, struct entry *e);
/* The row first, then the event: who reads the event finds the row as it says. */
void entry_tell(struct alarms *a, struct entry *e, struct event *event);
/* Plans its earliest timer. */
void entry_plan(struct alarms *a, struct entry *e);

/* ---- hide.c ---- */

void hide_init(struct alarms *a); /* Aborts when out of memory. */
void hide_fini(struct alarms *a);
/* What hides the entry at t_ms, or the state that it shows; `out` is filled for a
 * hidden one.  `restless`: what hides it may end without an edge or a timer. */
enum alarm_state hide_state(const struct alarms *a,
                            struct entry *e,
                            int64_t t_ms,
                            struct hiding *out,
                            bool *restless);
/* The alarm was raised, cleared, put on the shelf or taken off it, or the device
 * answers or fell silent: those that go by it are settled with this step. */
void hide_alarm_changed(struct alarms *a, uint32_t device, uint32_t rule);
void hide_reach_changed(struct alarms *a, uint32_t device);

/* ---- step.c ---- */

/* Settles one entry at t_ms. */
void step_settle(struct alarms *a, struct entry *e, int64_t t_ms);
void step_news(struct alarms *a, const struct entry *e, enum edge_kind what);
/* Its condition is gone at t_ms. */
void step_clear(struct entry *e, int64_t t_ms);
/* A new episode begins: counts it for chatter and for its group. */
void step_raise(struct alarms *a, struct entry *e, int64_t t_ms);

/* ---- service.c ---- */

int service_command(struct alarms *a,
                    const struct command *c,
                    uint32_t device,
                    struct err *err);
int64_t service_due(const struct alarms *a);
/* Takes back into service every device whose time is over. */
void service_fire(struct alarms *a, int64_t t_ms);
/* The end that a command asks for, 0 for none.  `required`: there must be one. */
int service_until(const struct command *c,
                  bool required,
                  int64_t *until_ms,
                  struct err *err);
int service_reason(const struct command *c, const char *what, struct err *err);

#endif
