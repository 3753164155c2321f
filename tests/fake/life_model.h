/* The life of a ticket once more, written from the contract and not from the code: what
 * a person may do from which state, who owns it, what alarms and the sensor make of it,
 * and what is counted.  It walks minute by minute; its deadlines are another test's. */
#ifndef CARETAKER_TESTS_FAKE_LIFE_MODEL_H
#define CARETAKER_TESTS_FAKE_LIFE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/words.h"

#define MODEL_TICKETS   64
#define MODEL_INSTANCES 3 /* Of rules: one alone, two of a group on one device. */
#define MODEL_NEVER     INT64_MIN
#define MODEL_NOBODY    (-1)
#define MODEL_PARTS     2

enum model_answer {
    MODEL_DONE,
    MODEL_REFUSED,   /* Not from this state. */
    MODEL_NOT_FOUND, /* No such ticket, device or team. */
    MODEL_WRONG      /* Something is missing or out of range. */
};

/* Times in minutes.  People, categories, causes and teams are small numbers from 0 on;
 * MODEL_NOBODY is none. */
struct model_ticket {
    enum ticket_kind kind;
    int device, instance; /* `instance` opened it; MODEL_NOBODY: no alarm did. */
    enum severity priority;
    enum ticket_state state;
    int owner;
    bool taken;
    int64_t opened, responded, resolved, verified, closed, cleared;
    int64_t first_responded, first_resolved, visit;
    int64_t episodes, reopened, minutes, cost;
    int64_t part_count[MODEL_PARTS], part_cost[MODEL_PARTS];
    int rating, cause, team, category;
    int about; /* Its title: 0 an alarm's, 1 what was said, 2 the device's name. */
    enum pause pause;
    enum proof proof;
    uint64_t steps;
};

/* What is known of the condition of one rule on one device. */
enum model_condition { MODEL_UNKNOWN, MODEL_CLEAR, MODEL_TRUE };
struct model_sensor {
    bool raised; /* Its alarm stands, */
    enum severity severity;
    enum model_condition condition;
    int64_t clear_since;
    bool runs;        /* `while` */
    int64_t last_ran; /* The last minute in which it was true. */
};

struct life_model {
    int64_t now;
    struct model_sensor sensors[MODEL_INSTANCES];
    struct model_ticket tickets[MODEL_TICKETS]; /* Number - 1. */
    int count;
};

/* What the site says, in minutes; by instance, and of tickets without a rule. */
#define MODEL_VERIFY      5
#define MODEL_SETTLE      1
#define MODEL_VISIT       30
#define MODEL_FOLLOW_UP   60 /* Of instance 0 and of tickets without a rule. */
#define MODEL_FOLLOW_UP_2 20 /* Of the group: over before the visit. */
#define MODEL_STEPS       3  /* Of the procedure of instance 0; the others have none. */
#define MODEL_TEAMS       2
#define MODEL_CAUSES      3
int model_device(int instance);

struct model_command {
    int kind;   /* enum command_kind; open: `device`, else `number` or `device`. */
    int number; /* 0: not given. */
    int device; /* MODEL_NOBODY: not given. */
    int by, to; /* `to`: MODEL_NOBODY: not given. */
    bool note;  /* Something is said. */
    bool known; /* open: the device is there. */
    enum pause pause;
    int cause; /* MODEL_NOBODY: none; MODEL_CAUSES: an unknown one. */
    int team;  /* The same. */
    int category;
    bool has_priority;
    enum severity priority;
    int64_t minutes, cost;
    int part; /* MODEL_NOBODY: none. */
    int64_t part_count, part_cost;
    int rating, step;
    bool undone;
};

void model_advance(struct life_model *m, int64_t minute);
enum model_answer model_command(struct life_model *m, const struct model_command *c);
/* Raised, changed (already raised), or cleared. */
void model_raise(struct life_model *m, int instance, enum severity severity);
void model_change(struct life_model *m, int instance, enum severity severity);
void model_clear(struct life_model *m, int instance);
/* The sensor shows something else. */
void model_sense(struct life_model *m,
                 int instance,
                 enum model_condition condition,
                 bool runs);
/* Closed, and too long ago to come back. */
bool model_is_past(const struct life_model *m, const struct model_ticket *t);

#endif
