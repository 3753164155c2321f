#include "tests/fake/life_model.h"

#include <assert.h>

#include "daemon/model/command.h"

int
model_device(int instance)
{
    return instance == 0 ? 0 : 1;
}

/* Rules of one group on one device share a ticket. */
static bool
is_of(const struct model_ticket *t, int instance)
{
    return t->instance != MODEL_NOBODY && (t->instance == 0) == (instance == 0);
}

static int64_t
follow_up(const struct model_ticket *t)
{
    return t->instance > 0 ? MODEL_FOLLOW_UP_2 : MODEL_FOLLOW_UP;
}

bool
model_is_past(const struct life_model *m, const struct model_ticket *t)
{
    return t->state == TICKET_CLOSED && m->now - t->closed >= follow_up(t);
}

static bool
in_work(const struct model_ticket *t)
{
    return t->state != TICKET_RESOLVED && t->state != TICKET_CLOSED;
}

/* Any alarm of the ticket's stands, however slight. */
static bool
stands(const struct life_model *m, const struct model_ticket *t)
{
    for (int i = 0; i < MODEL_INSTANCES; i++) {
        if (is_of(t, i) && m->sensors[i].raised) {
            return true;
        }
    }
    return false;
}

static int64_t
repaired(const struct model_ticket *t)
{
    return t->resolved > t->cleared ? t->resolved : t->cleared;
}

/* ---- What the sensor of a resolved ticket shows ---- */

static bool
is_bad(enum proof p)
{
    return p == PROOF_STANDS || p == PROOF_NOT_GOOD;
}

static enum proof
shown(const struct life_model *m, const struct model_ticket *t)
{
    const struct model_sensor *s = &m->sensors[t->instance];
    if (s->condition == MODEL_TRUE) {
        return PROOF_STANDS;
    }
    if (stands(m, t)) { /* Alone, it may want nothing but to run for a while. */
        bool waits = !s->runs || t->proof == PROOF_NOT_RUNNING;
        return t->instance == 0 && s->condition == MODEL_CLEAR && waits
                   ? PROOF_NOT_RUNNING
                   : PROOF_STANDS;
    }
    if (s->condition == MODEL_UNKNOWN) {
        return PROOF_NOT_GOOD;
    }
    return s->runs || s->last_ran >= repaired(t) ? PROOF_WATCHING : PROOF_NOT_RUNNING;
}

static void
update_proof(struct life_model *m, struct model_ticket *t)
{
    if (t->state != TICKET_RESOLVED || t->instance == MODEL_NOBODY) {
        t->proof = PROOF_NONE;
        return;
    }
    enum proof p = shown(m, t);
    int64_t clear = m->sensors[t->instance].clear_since;
    /* Good after it was bad is believed a minute later, unless it was so all along. */
    if (is_bad(t->proof) && !is_bad(p) && clear > repaired(t) &&
        m->now < clear + MODEL_SETTLE) {
        return;
    }
    t->proof = p;
}

static void
update_proofs(struct life_model *m)
{
    for (int i = 0; i < m->count; i++) {
        update_proof(m, &m->tickets[i]);
    }
}

/* ---- What time does ---- */

static struct model_ticket *
new_ticket(struct life_model *m, enum ticket_kind kind, int device, int instance)
{
    assert(m->count < MODEL_TICKETS);
    struct model_ticket *t = &m->tickets[m->count++];
    *t = (struct model_ticket){.kind = kind,
                               .device = device,
                               .instance = instance,
                               .priority = SEVERITY_NORMAL,
                               .owner = MODEL_NOBODY,
                               .opened = m->now,
                               .responded = MODEL_NEVER,
                               .resolved = MODEL_NEVER,
                               .verified = MODEL_NEVER,
                               .closed = MODEL_NEVER,
                               .cleared = MODEL_NEVER,
                               .first_responded = MODEL_NEVER,
                               .first_resolved = MODEL_NEVER,
                               .visit = MODEL_NEVER,
                               .cause = MODEL_NOBODY,
                               .team = MODEL_NOBODY,
                               .category = MODEL_NOBODY};
    return t;
}

static void
close_ticket(struct life_model *m, struct model_ticket *t)
{
    t->state = TICKET_CLOSED;
    t->closed = m->now;
    if (t->priority == SEVERITY_CRITICAL && t->kind != TICKET_PLANNED) {
        t->visit = m->now + MODEL_VISIT;
    }
}

static void
verify(struct life_model *m, struct model_ticket *t)
{
    if (t->state != TICKET_RESOLVED || t->instance == MODEL_NOBODY ||
        shown(m, t) != PROOF_WATCHING) {
        return;
    }
    int64_t clear = m->sensors[t->instance].clear_since;
    int64_t from = clear > repaired(t) ? clear : repaired(t);
    if (m->now >= from + MODEL_VERIFY) {
        t->verified = m->now;
        close_ticket(m, t);
    }
}

/* To the device once more, by the same person. */
static void
visit(struct life_model *m, struct model_ticket *t)
{
    if (t->state != TICKET_CLOSED || t->visit != m->now) {
        return;
    }
    t->visit = MODEL_NEVER;
    for (int i = 0; i < m->count; i++) {
        const struct model_ticket *v = &m->tickets[i];
        if (v->kind == TICKET_PLANNED && in_work(v) && v->device == t->device &&
            v->about == t->about) {
            return; /* One visit is enough, and that one is still to be made. */
        }
    }
    struct model_ticket *v = new_ticket(m, TICKET_PLANNED, t->device, MODEL_NOBODY);
    v->about = t->about;
    v->owner = t->owner;
    v->state = t->owner != MODEL_NOBODY ? TICKET_ASSIGNED : TICKET_OPENED;
    v->team = t->team;
    v->category = t->category;
}

/* By device, then rule (none is last), then number. */
static void
visit_all(struct life_model *m)
{
    int count = m->count;
    for (int device = 0; device < 2; device++) {
        for (int k = 0; k <= MODEL_INSTANCES; k++) {
            int instance = k < MODEL_INSTANCES ? k : MODEL_NOBODY;
            for (int i = 0; i < count; i++) {
                if (m->tickets[i].device == device &&
                    m->tickets[i].instance == instance) {
                    visit(m, &m->tickets[i]);
                }
            }
        }
    }
}

static void
settle(struct life_model *m)
{
    for (int i = 0; i < MODEL_INSTANCES; i++) {
        struct model_sensor *s = &m->sensors[i];
        s->last_ran = s->runs ? m->now : s->last_ran;
    }
    for (int i = 0; i < m->count; i++) {
        verify(m, &m->tickets[i]);
    }
    update_proofs(m);
    visit_all(m);
}

void
model_advance(struct life_model *m, int64_t minute)
{
    settle(m);
    while (m->now < minute) {
        m->now++;
        settle(m);
    }
}

/* ---- What alarms do ---- */

static struct model_ticket *
ticket_of(struct life_model *m, int instance)
{
    for (int i = m->count - 1; i >= 0; i--) {
        struct model_ticket *t = &m->tickets[i];
        if (is_of(t, instance) && !model_is_past(m, t)) {
            return t;
        }
    }
    return NULL;
}

static void
reopen(struct model_ticket *t)
{
    t->state = t->owner != MODEL_NOBODY ? TICKET_ASSIGNED : TICKET_OPENED;
    t->reopened++;
    t->responded = t->resolved = t->verified = t->closed = MODEL_NEVER;
    t->visit = MODEL_NEVER;
    t->rating = 0;
}

/* Of the group one rule sees what is still to come, the other that it came. */
static enum ticket_kind
model_kind(int instance)
{
    return instance == 1 ? TICKET_PREDICTED : TICKET_FAULT;
}

/* The alarm is work now; `again`: it was not just before. */
static void
fault(struct life_model *m, int instance, enum severity severity, bool again)
{
    struct model_ticket *t = ticket_of(m, instance);
    if (t == NULL) {
        t = new_ticket(m, model_kind(instance), model_device(instance), instance);
        t->priority = severity;
        t->episodes = 1;
        return;
    }
    if (model_kind(instance) == TICKET_FAULT) {
        t->kind = TICKET_FAULT; /* What was predicted has come true. */
    }
    if (again) {
        t->episodes++;
        t->cleared = MODEL_NEVER;
        if (!in_work(t)) {
            reopen(t);
        }
    }
    t->priority = severity > t->priority ? severity : t->priority;
}

static void
relief(struct life_model *m, int instance)
{
    struct model_ticket *t = ticket_of(m, instance);
    if (t == NULL || t->state == TICKET_CLOSED) {
        return;
    }
    bool slight = stands(m, t);
    if (!slight || t->cleared == MODEL_NEVER) {
        t->cleared = m->now;
    }
}

void
model_raise(struct life_model *m, int instance, enum severity severity)
{
    struct model_sensor *s = &m->sensors[instance];
    s->raised = true;
    s->severity = severity;
    if (severity != SEVERITY_INFO) {
        fault(m, instance, severity, true);
    } else {
        relief(m, instance);
    }
    update_proofs(m);
}

void
model_change(struct life_model *m, int instance, enum severity severity)
{
    struct model_sensor *s = &m->sensors[instance];
    bool was_work = s->severity != SEVERITY_INFO;
    s->severity = severity;
    if (severity != SEVERITY_INFO) {
        fault(m, instance, severity, !was_work);
    } else {
        relief(m, instance);
    }
    update_proofs(m);
}

void
model_clear(struct life_model *m, int instance)
{
    m->sensors[instance].raised = false;
    struct model_ticket *t = ticket_of(m, instance);
    if (t == NULL || !stands(m, t)) {
        relief(m, instance);
    }
    update_proofs(m);
}

void
model_sense(struct life_model *m,
            int instance,
            enum model_condition condition,
            bool runs)
{
    struct model_sensor *s = &m->sensors[instance];
    if (condition == MODEL_CLEAR && s->condition != MODEL_CLEAR) {
        s->clear_since = m->now;
    }
    s->condition = condition;
    s->runs = runs;
    s->last_ran = runs ? m->now : s->last_ran;
    update_proofs(m);
}

/* ---- What people do ---- */

/* Whoever acts first on what nobody took owns it. */
static void
own(struct model_ticket *t, int by)
{
    if (!t->taken) {
        t->taken = true;
        t->owner = by;
        t->state = t->state == TICKET_OPENED ? TICKET_ASSIGNED : t->state;
    }
}

static bool
works(const struct model_command *c)
{
    return c->cause != MODEL_NOBODY || c->minutes != 0 || c->cost != 0 ||
           c->part != MODEL_NOBODY;
}

static enum model_answer
work(struct model_ticket *t, const struct model_command *c)
{
    if (c->cause == MODEL_CAUSES || t->minutes + c->minutes < 0 ||
        t->cost + c->cost < 0) {
        return MODEL_WRONG;
    }
    if (c->part != MODEL_NOBODY && (t->part_count[c->part] + c->part_count < 0 ||
                                    t->part_cost[c->part] + c->part_cost < 0)) {
        return MODEL_WRONG;
    }
    t->minutes += c->minutes;
    t->cost += c->cost;
    t->cause = c->cause != MODEL_NOBODY ? c->cause : t->cause;
    if (c->part != MODEL_NOBODY) {
        t->part_count[c->part] += c->part_count;
        t->part_cost[c->part] += c->part_cost;
    }
    return MODEL_DONE;
}

static enum model_answer
take(struct model_ticket *t, const struct model_command *c)
{
    int who = c->to != MODEL_NOBODY ? c->to : c->by;
    bool himself = who == c->by;
    if (!in_work(t) || (t->owner == who && (t->taken || !himself)) ||
        (t->taken && c->to == MODEL_NOBODY)) {
        return MODEL_REFUSED;
    }
    t->owner = who;
    t->taken |= himself;
    t->state = t->state == TICKET_OPENED ? TICKET_ASSIGNED : t->state;
    return MODEL_DONE;
}

static enum model_answer
arrive(struct life_model *m, struct model_ticket *t, const struct model_command *c)
{
    if (!in_work(t) || t->responded != MODEL_NEVER) {
        return MODEL_REFUSED;
    }
    own(t, c->by);
    t->responded = m->now;
    t->first_responded =
        t->first_responded == MODEL_NEVER ? m->now : t->first_responded;
    t->state = t->state == TICKET_WAITING ? TICKET_WAITING : TICKET_RESPONDED;
    return MODEL_DONE;
}

static enum model_answer
wait_or_resume(struct model_ticket *t, const struct model_command *c)
{
    if (!in_work(t) ||
        (t->state == TICKET_WAITING) != (c->kind == COMMAND_TICKET_RESUME)) {
        return MODEL_REFUSED;
    }
    if (c->kind == COMMAND_TICKET_RESUME) {
        t->pause = PAUSE_NONE;
        t->state = t->responded != MODEL_NEVER ? TICKET_RESPONDED
                   : t->owner != MODEL_NOBODY  ? TICKET_ASSIGNED
                                               : TICKET_OPENED;
        return MODEL_DONE;
    }
    if (!c->note && (c->pause == PAUSE_NONE || c->pause == PAUSE_OTHER)) {
        return MODEL_WRONG;
    }
    t->state = TICKET_WAITING;
    t->pause = c->pause != PAUSE_NONE ? c->pause : PAUSE_OTHER;
    return MODEL_DONE;
}

static enum model_answer
resolve(struct life_model *m, struct model_ticket *t, const struct model_command *c)
{
    if (!in_work(t)) {
        return MODEL_REFUSED;
    }
    enum model_answer answer = work(t, c);
    if (answer != MODEL_DONE) {
        return answer;
    }
    own(t, c->by);
    t->state = TICKET_RESOLVED;
    t->pause = PAUSE_NONE;
    t->resolved = m->now;
    t->first_resolved = t->first_resolved == MODEL_NEVER ? m->now : t->first_resolved;
    t->proof = PROOF_NONE;
    return MODEL_DONE;
}

static enum model_answer
finish(struct life_model *m, struct model_ticket *t, const struct model_command *c)
{
    if (t->state != TICKET_RESOLVED || stands(m, t)) {
        return MODEL_REFUSED;
    }
    enum model_answer answer = work(t, c);
    if (answer == MODEL_DONE) {
        close_ticket(m, t);
    }
    return answer;
}

static enum model_answer
tick(struct model_ticket *t, const struct model_command *c)
{
    if (t->state == TICKET_CLOSED || t->instance != 0) {
        return MODEL_REFUSED; /* Only the rule of instance 0 has a procedure. */
    }
    if (c->step < 1 || c->step > MODEL_STEPS) {
        return MODEL_WRONG;
    }
    uint64_t bit = UINT64_C(1) << (c->step - 1);
    if (((t->steps & bit) != 0) != c->undone) {
        return MODEL_REFUSED;
    }
    t->steps ^= bit;
    return MODEL_DONE;
}

static enum model_answer
change(struct model_ticket *t, const struct model_command *c)
{
    if (t->state == TICKET_CLOSED) {
        return MODEL_REFUSED;
    }
    bool nothing =
        !c->has_priority && c->team == MODEL_NOBODY && c->category == MODEL_NOBODY;
    if (nothing || (c->has_priority && c->priority == SEVERITY_INFO)) {
        return MODEL_WRONG;
    }
    if (c->team == MODEL_TEAMS) {
        return MODEL_NOT_FOUND;
    }
    bool priority = c->has_priority && c->priority != t->priority;
    bool team = c->team != MODEL_NOBODY && c->team != t->team;
    bool category = c->category != MODEL_NOBODY && c->category != t->category;
    if (!priority && !team && !category) {
        return MODEL_REFUSED;
    }
    if (priority && !c->note) {
        return MODEL_WRONG; /* Why? */
    }
    t->priority = priority ? c->priority : t->priority;
    t->team = team ? c->team : t->team;
    if (team && !t->taken && t->owner != MODEL_NOBODY) {
        t->owner = MODEL_NOBODY; /* Nobody is in any team here. */
        t->state = t->state == TICKET_ASSIGNED ? TICKET_OPENED : t->state;
    }
    t->category = category ? c->category : t->category;
    return MODEL_DONE;
}

static enum model_answer
report(struct life_model *m, const struct model_command *c)
{
    enum severity priority = c->has_priority ? c->priority : SEVERITY_NORMAL;
    if (priority == SEVERITY_INFO) {
        return MODEL_WRONG;
    }
    if (!c->known || c->team == MODEL_TEAMS) {
        return MODEL_NOT_FOUND;
    }
    struct model_ticket *t = new_ticket(m, TICKET_REPORTED, c->device, MODEL_NOBODY);
    t->priority = priority;
    t->team = c->team;
    t->category = c->category;
    t->about = c->note ? 1 : 2;
    return MODEL_DONE;
}

/* By its number, or the one of its device: of those in work, else (to reopen or to
 * rate) of those closed lately. */
static struct model_ticket *
meant(struct life_model *m, const struct model_command *c)
{
    if (c->number != 0) {
        struct model_ticket *t = &m->tickets[c->number - 1];
        return c->number <= m->count && !model_is_past(m, t) ? t : NULL;
    }
    bool closed_too =
        c->kind == COMMAND_TICKET_REOPEN || c->kind == COMMAND_TICKET_RATE;
    for (int closed = 0; closed <= closed_too; closed++) {
        struct model_ticket *found = NULL;
        int count = 0;
        for (int i = 0; i < m->count; i++) {
            struct model_ticket *t = &m->tickets[i];
            if (t->device == c->device && (t->state == TICKET_CLOSED) == closed &&
                !model_is_past(m, t)) {
                found = t;
                count++;
            }
        }
        if (count > 0) {
            return count == 1 ? found : NULL;
        }
    }
    return NULL;
}

static enum model_answer
rate(struct model_ticket *t, const struct model_command *c)
{
    if (t->state != TICKET_CLOSED) {
        return MODEL_REFUSED;
    }
    if (c->rating < 1 || c->rating > 5) {
        return MODEL_WRONG;
    }
    t->rating = c->rating;
    return MODEL_DONE;
}

static enum model_answer
obey(struct life_model *m, const struct model_command *c)
{
    struct model_ticket *t = meant(m, c);
    if (t == NULL) {
        return MODEL_NOT_FOUND;
    }
    switch (c->kind) {
    case COMMAND_TICKET_TAKE:
        return take(t, c);
    case COMMAND_TICKET_ARRIVE:
        return arrive(m, t, c);
    case COMMAND_TICKET_WAIT:
    case COMMAND_TICKET_RESUME:
        return wait_or_resume(t, c);
    case COMMAND_TICKET_RESOLVE:
        return resolve(m, t, c);
    case COMMAND_TICKET_CLOSE:
        return finish(m, t, c);
    case COMMAND_TICKET_NOTE:
        return c->note || works(c) ? work(t, c) : MODEL_WRONG;
    case COMMAND_TICKET_RATE:
        return rate(t, c);
    case COMMAND_TICKET_TICK:
        return tick(t, c);
    case COMMAND_TICKET_CHANGE:
        return change(t, c);
    default:
        assert(c->kind == COMMAND_TICKET_REOPEN);
        if (in_work(t)) {
            return MODEL_REFUSED;
        }
        reopen(t);
        return MODEL_DONE;
    }
}

enum model_answer
model_command(struct life_model *m, const struct model_command *c)
{
    enum model_answer answer =
        c->kind == COMMAND_TICKET_OPEN ? report(m, c) : obey(m, c);
    update_proofs(m);
    return answer;
}
