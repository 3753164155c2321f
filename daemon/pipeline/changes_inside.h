/* What the two halves of daemon/pipeline/changes.h share, for them only: changes.c
 * holds what was decided, changes_write.c puts it on disk. */
#ifndef CARETAKER_PIPELINE_CHANGES_INSIDE_H
#define CARETAKER_PIPELINE_CHANGES_INSIDE_H

#include "daemon/pipeline/changes.h"
#include "daemon/pipeline/owed.h"
#include "daemon/store/state_evidence.h"

enum change_kind {
    CHANGE_EVENT,
    CHANGE_ALARM,
    CHANGE_ALARM_GONE,
    CHANGE_TICKET,
    CHANGE_EVIDENCE,
    CHANGE_SERVICE,
    CHANGE_LEDGER,
    CHANGE_PHOTO,
    CHANGE_TIMER,
    CHANGE_TIMER_GONE,
    CHANGE_METER,
    CHANGE_PLAN,
    CHANGE_PLAN_USE
};

/* Ids and texts are copied: a reload may free the site they point into while the disk
 * still refuses. */
struct change {
    enum change_kind kind;
    char device[ID_BYTES_MAX];
    char rule[ID_BYTES_MAX];
    bool has_device, has_rule;
    union {
        struct {
            struct event event; /* Its texts are those of the change, or NULL. */
            char by[PERSON_BYTES];
            char *json;
            char *text; /* For the log, once it is stored. */
            char *peer; /* May be NULL. */
        } event;
        struct alarm alarm;
        struct ticket ticket;
        struct {
            int64_t ticket, t_ms;
            struct evidence_texts texts;
        } evidence;
        struct service service;
        struct ledger_row *ledger; /* Owned; its device is that of the change. */
        struct photo *photo;       /* Owned. */
        struct plan_row plan;
        struct timer_row timer;
        struct {
            struct meter_row row;
            char *key;
        } meter;
    };
};

struct changes {
    struct sink sink;
    struct change *items;
    size_t count, capacity;
    size_t urgent;
    struct owed owed; /* While they are written. */
    bool refused;     /* The last write failed: what is here waits for the disk. */
    char *peer;
    changes_witness_fn witness; /* NULL: none is asked. */
    void *witness_ctx;
};

#endif
