/* What a case expects of the events that come. */
#include <string.h>

#include "config/case.h"
#include "config/load.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"
#include "daemon/model/ticket.h"

struct expect_yaml {
    struct case_expect x;
    const struct node *at, *event, *never, *severity, *priority, *value, *cost;
    int deadline, kind, pause, proof; /* -1: not given. */
};

static const char *
event_word(int index)
{
    return event_kind_name((enum event_kind)index);
}

static const struct shape event_shape = {.kind = SHAPE_NAMES,
                                         .name = "event",
                                         .name_of = event_word,
                                         .name_count = EVENT_CASE_COUNT};

static bool
read_event(struct reader *r, const struct node *n, struct case_expect *x)
{
    int word = 0;
    if (!shape_read_name(r, n, n->key, &event_shape, &word)) {
        return false;
    }
    x->event = (enum event_kind)word;
    return true;
}

static const char *const severity_words[] = {"info", "normal", "urgent", "critical",
                                             NULL};
static const struct field severity_value = {
    .key = "severity", .kind = FIELD_ENUM, .words = severity_words};
const struct shape case_severity_shape = {.kind = SHAPE_VALUE,
                                          .value = &severity_value};

void
case_severity_read(struct reader *r, const struct node *n, const char **out)
{
    int word = 0;
    if (value_enum(r, n, n->key, severity_words, &word)) {
        *out = n->text;
    }
}

const char *const case_pause_words[] = {"parts", "contractor", "access", "other", NULL};
/* Those of enum proof, from PROOF_STANDS on. */
static const char *const proofs[] = {"alarm-stands", "no-good-samples", "not-running",
                                     "watching", NULL};
static const char *const deadlines[] = {"respond", "resolve", NULL};
static const char *const kinds[] = {"fault", "planned", "predicted", "reported", NULL};
static const struct field expect_fields[] = {
    {FIELD("at", FIELD_NODE, struct expect_yaml, at), ABOUT("When it comes."),
     SHAPE(case_time_shape)},
    {FIELD("within", FIELD_DURATION, struct expect_yaml, x.within_ms),
     BETWEEN(0, MS_YEAR), ABOUT("How far from \"at\" it may come.")},
    {FIELD("event", FIELD_NODE, struct expect_yaml, event),
     ABOUT("The event that comes."), SHAPE(event_shape)},
    {FIELD("never", FIELD_NODE, struct expect_yaml, never),
     ABOUT("An event that does not come."), SHAPE(event_shape)},
    {FIELD("device", FIELD_ID, struct expect_yaml, x.device), ABOUT("Of this device.")},
    {FIELD("rule", FIELD_ID, struct expect_yaml, x.rule), ABOUT("Of this rule.")},
    {FIELD("ticket", FIELD_INT, struct expect_yaml, x.ticket), BETWEEN(1, 1000000000),
     ABOUT("Of the ticket with this number.")},
    {FIELD("episode", FIELD_INT, struct expect_yaml, x.episode), BETWEEN(1, 1000000000),
     ABOUT("Of this episode of the alarm.")},
    {FIELD("value", FIELD_NODE, struct expect_yaml, value), ABOUT("With this value."),
     SHAPE(shape_number)},
    {FIELD("severity", FIELD_NODE, struct expect_yaml, severity),
     ABOUT("With this severity."), SHAPE(case_severity_shape)},
    {FIELD("priority", FIELD_NODE, struct expect_yaml, priority),
     ABOUT("The same, of a ticket."), SHAPE(case_severity_shape)},
    {FIELD("deadline", FIELD_ENUM, struct expect_yaml, deadline), .words = deadlines,
     ABOUT("Which deadline is near or over.")},
    {FIELD("kind", FIELD_ENUM, struct expect_yaml, kind), .words = kinds,
     ABOUT("Of a ticket that is opened.")},
    {FIELD("plan", FIELD_ID, struct expect_yaml, x.plan),
     ABOUT("Of a visit by this plan.")},
    {FIELD("assignee", FIELD_STRING, struct expect_yaml, x.assignee), .max = 63,
     ABOUT("The id of the person who gets the ticket.")},
    {FIELD("to", FIELD_STRING, struct expect_yaml, x.to), .max = 63,
     ABOUT("The id of a person who is told of an escalation.")},
    {FIELD("level", FIELD_INT, struct expect_yaml, x.level), BETWEEN(1, 100),
     ABOUT("Of the escalation: 1, 2, and so on.")},
    {FIELD("by", FIELD_STRING, struct expect_yaml, x.by), .max = 63,
     ABOUT("The id of the person who did it.")},
    {FIELD("team", FIELD_ID, struct expect_yaml, x.team),
     ABOUT("Whose work the ticket is, as it is opened or changed.")},
    {FIELD("category", FIELD_STRING, struct expect_yaml, x.category), .max = 60,
     ABOUT("Kind of fault of the ticket, as it is opened or changed.")},
    {FIELD("pause", FIELD_ENUM, struct expect_yaml, pause), .words = case_pause_words,
     ABOUT("What the ticket waits for.")},
    {FIELD("proof", FIELD_ENUM, struct expect_yaml, proof), .words = proofs,
     ABOUT("What the sensor of a resolved ticket shows.")},
    {FIELD("cause", FIELD_STRING, struct expect_yaml, x.cause), .max = 31,
     ABOUT("Closing code that is entered.")},
    {FIELD("minutes", FIELD_INT, struct expect_yaml, x.minutes),
     BETWEEN(-WORK_MINUTES_MAX, WORK_MINUTES_MAX), ABOUT("Of work that are entered.")},
    {FIELD("cost", FIELD_NODE, struct expect_yaml, cost),
     ABOUT("Beside the parts, as it is entered, such as 12.50."), SHAPE(shape_number)},
    {FIELD("step", FIELD_INT, struct expect_yaml, x.step), BETWEEN(1, TICKET_STEPS_MAX),
     ABOUT("Of the procedure, that is ticked off.")},
    {FIELD("rating", FIELD_INT, struct expect_yaml, x.rating), BETWEEN(1, 5),
     ABOUT("That the ticket is given.")},
};
static const char *const expect_forms[] = {"event", "never", NULL};
static const struct shape expect_shape = {SHAPE_OF_TABLE(expect_fields),
                                          .one_of = expect_forms};
const struct shape case_expects_shape = {
    .kind = SHAPE_LIST, .item = &expect_shape, .min = 1};

#define OF(kind)        (UINT64_C(1) << EVENT_##kind)
#define RANGE(from, to) ((OF(to) << 1) - OF(from))
#define ALARMS          RANGE(ALARM_RAISED, ALARM_REALARMED)
#define TICKETS         RANGE(TICKET_OPENED, TICKET_PHOTOGRAPHED)
#define PLANS           RANGE(PLAN_REMINDED, PLAN_MOVED)
#define WORK            (OF(TICKET_RESOLVED) | OF(TICKET_CLOSED) | OF(TICKET_NOTED))
_Static_assert(EVENT_CASE_COUNT <= 63, "a bit for each kind of event");

/* The events that have what a key names; a key that is not here may be of any. */
static const struct {
    const char *key;
    uint64_t events;
    const char *accepted;
} carriers[] = {
    {"ticket", TICKETS | PLANS, N_("events of tickets and plans have it")},
    {"episode", ALARMS | OF(TICKET_REOPENED),
     N_("events of alarms and ticket.reopened have it")},
    {"value", ALARMS | OF(TICKET_REOPENED),
     N_("events of alarms and ticket.reopened have it")},
    {"severity", ALARMS | TICKETS, N_("events of alarms and tickets have it")},
    {"priority", ALARMS | TICKETS, N_("events of alarms and tickets have it")},
    {"deadline", OF(TICKET_WARNED) | OF(TICKET_BREACHED),
     N_("ticket.warned and ticket.breached have it")},
    {"kind", OF(TICKET_OPENED), N_("ticket.opened has it")},
    {"plan", PLANS | OF(TICKET_OPENED) | OF(TICKET_CHANGED) | OF(TICKET_NOTED),
     N_("events of plans, ticket.opened, .changed and .noted have it")},
    {"assignee", OF(TICKET_ASSIGNED) | OF(TICKET_REOPENED),
     N_("ticket.assigned and ticket.reopened have it")},
    {"to", OF(TICKET_ESCALATED), N_("ticket.escalated has it")},
    {"level", OF(TICKET_ESCALATED), N_("ticket.escalated has it")},
    {"team", OF(TICKET_OPENED) | OF(TICKET_CHANGED),
     N_("ticket.opened and ticket.changed have it")},
    {"category", OF(TICKET_OPENED) | OF(TICKET_CHANGED),
     N_("ticket.opened and ticket.changed have it")},
    {"pause", OF(TICKET_WAITING), N_("ticket.waiting has it")},
    {"proof", OF(TICKET_WATCHED), N_("ticket.watched has it")},
    {"cause", WORK, N_("ticket.resolved, .closed and .noted have it")},
    {"minutes", WORK, N_("ticket.resolved, .closed and .noted have it")},
    {"cost", WORK, N_("ticket.resolved, .closed and .noted have it")},
    {"step", OF(TICKET_TICKED), N_("ticket.ticked has it")},
    {"rating", OF(TICKET_RATED), N_("ticket.rated has it")},
};

static void
refuse_strange(struct reader *r, const struct node *n, enum event_kind event)
{
    for (const struct node *key = n->first; key != NULL; key = key->next) {
        for (size_t i = 0; i < ARRAY_LEN(carriers); i++) {
            if (strcmp(carriers[i].key, key->key) == 0 &&
                (carriers[i].events >> event & 1) == 0) {
                diags_add(r->diags, DIAG_ERROR, &key->key_loc,
                          "%s has no \"%s\", so this can never come; %s",
                          event_kind_name(event), key->key, tr(carriers[i].accepted));
            }
        }
    }
}

void
case_expect_read(struct reader *r, const struct node *n, struct case_expect *out)
{
    struct expect_yaml y = {
        .x = {.loc = n->loc}, .deadline = -1, .kind = -1, .pause = -1, .proof = -1};
    (void)fields_read(r, &y, n, "expectation", expect_fields, ARRAY_LEN(expect_fields));
    if ((y.event != NULL) == (y.never != NULL) && n->kind == NODE_MAP) {
        diags_add(
            r->diags, DIAG_ERROR, &n->loc,
            "an expectation has %s; event: alarm.raised, or never: alarm.raised, is "
            "accepted",
            y.event == NULL ? tr("no event") : tr("both \"event\" and \"never\""));
    } else if (n->kind == NODE_MAP) {
        y.x.never = y.never != NULL;
        if (read_event(r, y.never != NULL ? y.never : y.event, &y.x)) {
            refuse_strange(r, n, y.x.event);
        }
    }
    if (y.at != NULL) {
        (void)case_time_read(r, y.at, "at", &y.x.at);
    }
    if (y.severity != NULL) {
        case_severity_read(r, y.severity, &y.x.severity);
    }
    if (y.priority != NULL) {
        case_severity_read(r, y.priority, &y.x.severity);
    }
    y.x.has_value = y.value != NULL && value_float(r, y.value, "value", &y.x.value);
    y.x.deadline = y.deadline < 0 ? NULL : deadlines[y.deadline];
    y.x.kind = y.kind < 0 ? NULL : kinds[y.kind];
    y.x.pause = (enum pause)(PAUSE_NONE + 1 + y.pause);
    y.x.proof = (enum proof)(PROOF_NONE + 1 + y.proof);
    if (y.cost != NULL) {
        (void)case_money_read(r, y.cost, "cost", &y.x.cost);
    }
    *out = y.x;
}
