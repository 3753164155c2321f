/* The tickets in memory: by number, by device and rule, and by what is due next. */
#ifndef CARETAKER_TICKET_TABLE_H
#define CARETAKER_TICKET_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/edge.h"
#include "daemon/model/site.h"
#include "daemon/model/ticket.h"

/* What a ticket waits for.  Of one due time what the sensor confirmed comes before what
 * was promised; then they fire by device, rule and number, and those of one ticket in
 * this order. */
enum ticket_timer {
    TICKET_TIMER_VERIFY,
    TICKET_TIMER_PROOF, /* The sensor was good for long enough to be believed. */
    TICKET_TIMER_ASSIGN,
    TICKET_TIMER_RESPOND_WARN,
    TICKET_TIMER_RESPOND_BREACH,
    TICKET_TIMER_ESCALATE,
    TICKET_TIMER_RESOLVE_WARN,
    TICKET_TIMER_RESOLVE_BREACH,
    TICKET_TIMER_VISIT,
    TICKET_TIMER_NONE
};

struct ticket_entry {
    struct ticket row; /* Its ids point to the two below. */
    char device_id[ID_BYTES_MAX];
    char rule_id[ID_BYTES_MAX];
    uint32_t device, rule; /* Into the site; NONE_INDEX: none, or gone from it. */
    bool raised;           /* Its alarm stands, at whatever severity. */
    bool watched;          /* `watch` is known; only while resolved. */
    struct watch watch;
    int64_t verify_ms; /* INSTANT_MAX: nothing to verify yet. */
    int64_t proof_ms;  /* When row.proof is to be judged again; INSTANT_MAX: not. */
    int64_t due_ms;    /* Of the earliest timer; INSTANT_MAX: none. */
    enum ticket_timer timer;
    size_t heap_at; /* Place in ticket_table.heap. */
};

struct ticket_table {
    struct ticket_entry **by_number;
    struct ticket_entry **by_key; /* By device, rule, number. */
    struct ticket_entry **heap;   /* The one that is due first at [0]. */
    size_t count;                 /* Of each of the three. */
    size_t capacity;
};

void ticket_table_init(struct ticket_table *t);
void ticket_table_fini(struct ticket_table *t);

/* Takes a heap-allocated entry whose row.number is not in the table.  Aborts when out
 * of memory. */
void ticket_table_add(struct ticket_table *t, struct ticket_entry *e);
/* Takes out and frees every entry for which `gone` is true. */
void ticket_table_sweep(struct ticket_table *t,
                        bool (*gone)(const void *ctx, const struct ticket_entry *e),
                        const void *ctx);

struct ticket_entry *ticket_table_find(const struct ticket_table *t, int64_t number);
/* The newest of this device and rule, or NULL. */
struct ticket_entry *
ticket_table_newest(const struct ticket_table *t, uint32_t device, uint32_t rule);
/* The next older one of the same device and rule, or NULL. */
struct ticket_entry *ticket_table_before(const struct ticket_table *t,
                                         const struct ticket_entry *e);
/* The one of this device and rule that is not closed, or NULL. */
struct ticket_entry *
ticket_table_open(const struct ticket_table *t, uint32_t device, uint32_t rule);

/* Puts the entry where its due_ms and timer now belong. */
void ticket_table_moved(struct ticket_table *t, struct ticket_entry *e);
/* The entry that is due first, or NULL when none is. */
struct ticket_entry *ticket_table_first(const struct ticket_table *t);

#endif
