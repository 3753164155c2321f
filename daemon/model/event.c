#include "daemon/model/event.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/base/utf8.h"
#include "daemon/model/photo.h"
#include "daemon/model/ticket.h"

static const char *const names[] = {
    "device.offline",    "device.online",       "device.out_of_service",
    "device.in_service", "alarm.raised",        "alarm.changed",
    "alarm.cleared",     "alarm.acknowledged",  "alarm.shelved",
    "alarm.unshelved",   "alarm.suppressed",    "alarm.unsuppressed",
    "alarm.realarmed",   "ticket.opened",       "ticket.joined",
    "ticket.assigned",   "ticket.responded",    "ticket.waiting",
    "ticket.resumed",    "ticket.changed",      "ticket.resolved",
    "ticket.verified",   "ticket.reopened",     "ticket.closed",
    "ticket.warned",     "ticket.breached",     "ticket.escalated",
    "ticket.noted",      "ticket.rated",        "ticket.watched",
    "ticket.ticked",     "ticket.photographed", "plan.reminded",
    "plan.overdue",      "plan.moved",          "ledger.changed",
    "clock.stepped",     "user.added",          "user.changed",
    "user.removed",      "user.logged_in",      "user.logged_out",
    "user.refused",      "token.added",         "token.revoked",
    "history.imported"};
_Static_assert(ARRAY_LEN(names) == EVENT_KIND_COUNT, "a name for each kind");

const char *
event_kind_name(enum event_kind k)
{
    assert(k < EVENT_KIND_COUNT);
    return names[k];
}

bool
event_kind_parse(enum event_kind *out, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], text) == 0) {
            *out = (enum event_kind)i;
            return true;
        }
    }
    return false;
}

static bool
is_alarm(enum event_kind k)
{
    return k >= EVENT_ALARM_RAISED && k <= EVENT_ALARM_REALARMED;
}

static bool
is_ticket(enum event_kind k)
{
    return k >= EVENT_TICKET_OPENED && k <= EVENT_TICKET_PHOTOGRAPHED;
}

/* What was measured, and which time it is. */
static void
add_evidence(struct strbuf *out, const struct event *e)
{
    if (e->has_value) {
        strbuf_json_num(out, "value", e->value);
    }
    if (e->episode != 0) {
        strbuf_json_int(out, "episode", e->episode);
    }
}

static void
add_alarm_members(struct strbuf *out, const struct event *e)
{
    strbuf_json_str(out, "severity", severity_name(e->severity));
    add_evidence(out, e);
    strbuf_json_str_opt(out, "group", e->group);
    if (e->first_out) {
        strbuf_json_bool(out, "first_out", true);
    }
    strbuf_json_str_opt(out, "suppressed_by", e->suppressed_by);
}

static bool
is_plan(enum event_kind k)
{
    return k >= EVENT_PLAN_REMINDED && k <= EVENT_PLAN_MOVED;
}

static void
add_plan_members(struct strbuf *out, const struct event *e)
{
    strbuf_json_str_opt(out, "plan", e->plan);
    if (e->due_ms != 0) {
        strbuf_json_time(out, "due", e->due_ms);
    }
}

bool
event_kind_is_of_people(enum event_kind k)
{
    return k >= EVENT_USER_ADDED && k <= EVENT_TOKEN_REVOKED;
}

static bool
is_token(enum event_kind k)
{
    return k == EVENT_TOKEN_ADDED || k == EVENT_TOKEN_REVOKED;
}

static void
add_record_members(struct strbuf *out, const struct event *e)
{
    strbuf_json_str_opt(out, "record", e->record);
    strbuf_json_str_opt(out, "before", e->before);
    strbuf_json_str_opt(out, "after", e->after);
}

static void
add_people_members(struct strbuf *out, const struct event *e)
{
    strbuf_json_str_opt(out, "user", e->user);
    if (e->token != 0) {
        strbuf_json_int(out, "token", e->token);
    }
    strbuf_json_str_opt(out, "name", e->title);
    strbuf_json_str_opt(out, "role", e->role);
    add_record_members(out, e);
    strbuf_json_str_opt(out, "remote", e->remote);
}

/* What people said of the work. */
static void
add_work_members(struct strbuf *out, const struct event *e)
{
    strbuf_json_str_opt(out, "symptom", e->symptom);
    strbuf_json_str_opt(out, "reporter", e->reporter);
    if (e->pause != PAUSE_NONE) {
        strbuf_json_str(out, "pause", pause_name(e->pause));
    }
    if (e->proof != PROOF_NONE) {
        strbuf_json_str(out, "proof", proof_name(e->proof));
    }
    strbuf_json_str_opt(out, "cause", e->cause);
    if (e->minutes != 0) {
        strbuf_json_int(out, "minutes", e->minutes);
    }
    if (e->cost != 0) {
        strbuf_json_money(out, "cost", e->cost);
    }
    if (e->part_count > 0) {
        strbuf_json_key(out, "parts");
        ticket_parts_to_json(out, e->parts, e->part_count);
    }
    if (e->step != 0) {
        strbuf_json_int(out, "step", e->step);
    }
    if (e->undone) {
        strbuf_json_bool(out, "undone", true);
    }
    if (e->photo != NULL) {
        strbuf_json_int(out, "number", e->photo->number);
        strbuf_json_str(out, "sha256", e->photo->sha256);
        strbuf_json_str(out, "type", photo_type_name(e->photo->type));
        strbuf_json_int(out, "bytes", e->photo->bytes);
    }
}

static void
add_ticket_members(struct strbuf *out, const struct event *e)
{
    strbuf_json_str(out, "priority", severity_name(e->severity));
    if (e->kind == EVENT_TICKET_OPENED || e->kind_changed) {
        strbuf_json_str(out, "kind", ticket_kind_name(e->ticket_kind));
    }
    if (e->kind == EVENT_TICKET_REOPENED) {
        add_evidence(out, e);
    }
    strbuf_json_str_opt(out, "deadline", e->deadline);
    /* The line of an opening is the contract's to the letter; the ticket's own topic
     * and listing carry its first deadlines. */
    bool deadlines = e->kind != EVENT_TICKET_OPENED;
    if (deadlines && e->respond_by_ms != 0) {
        strbuf_json_time(out, "respond_by", e->respond_by_ms);
    }
    if (deadlines && e->resolve_by_ms != 0) {
        strbuf_json_time(out, "resolve_by", e->resolve_by_ms);
    }
    strbuf_json_str_opt(out, "assignee", e->assignee);
    if (e->rating != 0) {
        strbuf_json_int(out, "rating", e->rating);
    }
    if (e->level != 0) {
        strbuf_json_int(out, "level", e->level);
    }
    strbuf_json_str_opt(out, "to", e->to);
    add_plan_members(out, e);
    /* What a rule says of its tickets is no news when one opens. */
    if (deadlines || e->rule == NULL) {
        strbuf_json_str_opt(out, "category", e->category);
        strbuf_json_str_opt(out, "team", e->team);
    }
    add_work_members(out, e);
}

void
event_to_json(struct strbuf *out, const struct event *e, const char *extra)
{
    strbuf_add_char(out, '{');
    strbuf_json_time(out, "t", e->t_ms);
    strbuf_json_str(out, "event", event_kind_name(e->kind));
    if (is_ticket(e->kind) || (is_plan(e->kind) && e->ticket != 0)) {
        strbuf_json_int(out, "ticket", e->ticket);
    }
    strbuf_json_str_opt(out, "device", e->device);
    strbuf_json_str_opt(out, "rule", e->rule);
    if (is_alarm(e->kind)) {
        add_alarm_members(out, e);
    } else if (is_ticket(e->kind)) {
        add_ticket_members(out, e);
    } else if (is_plan(e->kind)) {
        add_plan_members(out, e);
    } else if (e->kind == EVENT_LEDGER_CHANGED) {
        add_record_members(out, e);
    } else if (event_kind_is_of_people(e->kind)) {
        add_people_members(out, e);
    } else if (e->kind == EVENT_CLOCK_STEPPED) {
        strbuf_json_int(out, "step_ms", e->step_ms);
    }
    if (e->until_ms != 0) {
        strbuf_json_time(out, "until", e->until_ms);
    }
    strbuf_json_str_opt(out, "by", e->by);
    strbuf_json_str_opt(out, "note", e->note);
    if (extra != NULL) {
        strbuf_add_char(out, ',');
        strbuf_add(out, extra);
    }
    strbuf_add_char(out, '}');
}

static void
add_place(struct strbuf *out, const struct event *e)
{
    if (e->device == NULL) {
        return;
    }
    strbuf_printf(out, e->title != NULL ? " (%s" : " %s", e->device);
    if (e->rule != NULL) {
        strbuf_printf(out, "/%s", e->rule);
    }
    strbuf_add(out, e->title != NULL ? ")" : "");
}

static void
add_deadline(struct strbuf *out, const char *what, int64_t t_ms)
{
    if (t_ms != 0 && t_ms != INSTANT_NONE) {
        char when[INSTANT_TEXT_BYTES];
        strbuf_printf(out, "%s%s", what, instant_format_local(when, t_ms));
    }
}

/* ", maker: Grundfos -> Wilo" */
static void
add_record(struct strbuf *out, const struct event *e)
{
    strbuf_printf(out, ", %s: %s -> %s", e->record, e->before != NULL ? e->before : "-",
                  e->after != NULL ? e->after : "-");
}

/* What an event is of. */
static const char *
noun_of(enum event_kind k)
{
    if (is_alarm(k)) {
        return tr("alarm");
    }
    if (is_ticket(k)) {
        return tr("ticket");
    }
    if (is_plan(k)) {
        return tr("plan");
    }
    if (k == EVENT_LEDGER_CHANGED) {
        return tr("ledger");
    }
    if (event_kind_is_of_people(k)) {
        return is_token(k) ? tr("token") : tr("user");
    }
    if (k == EVENT_HISTORY_IMPORTED) {
        return tr("history");
    }
    return k == EVENT_CLOCK_STEPPED ? tr("clock") : tr("device");
}

/* not translated: the catalogue knows events by their names. */
static const char *
english_verb(enum event_kind k)
{
    switch ((int)k) {
    case EVENT_DEVICE_OUT_OF_SERVICE:
        return "out of service";
    case EVENT_DEVICE_IN_SERVICE:
        return "in service";
    case EVENT_USER_LOGGED_IN:
        return "logged in";
    case EVENT_USER_LOGGED_OUT:
        return "logged out";
    default:
        return strchr(event_kind_name(k), '.') + 1;
    }
}

/* "ticket 3 " or "alarm " or "device ", then the last word of the event's name; in
 * another language, what the catalogue says of the name. */
static void
add_subject(struct strbuf *out, const struct event *e)
{
    const char *name = event_kind_name(e->kind);
    const char *verb = tr_word("event", name);
    strbuf_add(out, noun_of(e->kind));
    if (is_ticket(e->kind)) {
        strbuf_printf(out, " %lld", (long long)e->ticket);
    }
    if (is_plan(e->kind) && e->plan != NULL) {
        strbuf_printf(out, " %s", e->plan);
    }
    if (is_token(e->kind)) {
        strbuf_printf(out, " %lld", (long long)e->token);
    } else if (event_kind_is_of_people(e->kind)) {
        strbuf_printf(out, " %s", e->user != NULL ? e->user : tr("of no name here"));
    }
    strbuf_printf(out, " %s", verb == name ? english_verb(e->kind) : verb);
    if (e->assignee != NULL) {
        strbuf_printf(out, tr(" to %s"), e->assignee);
    }
    if (e->level != 0) {
        strbuf_printf(out, tr(" to level %d"), e->level);
        if (e->to != NULL && e->to[0] != '\0') {
            strbuf_printf(out, " (%s)", e->to);
        }
    }
    if (e->deadline != NULL) {
        bool respond = strcmp(e->deadline, "respond") == 0;
        strbuf_add(out, respond ? tr(": time to respond") : tr(": time to resolve"));
    }
}

/* When somebody has to be there, or to be done. */
static void
add_times(struct strbuf *out, const struct event *e)
{
    char day[CIVIL_TEXT_BYTES];
    if (e->until_ms != 0) {
        add_deadline(out, tr(", until "), e->until_ms);
    }
    if (e->due_ms != 0) { /* A day: its time says nothing. */
        (void)civil_format(day, civil_day(e->due_ms));
        strbuf_printf(out,
                      e->kind == EVENT_TICKET_CLOSED ? tr(", visited again on %s")
                                                     : tr(", due %s"),
                      day);
    }
    if (e->due_ms == 0 || e->kind != EVENT_TICKET_OPENED) {
        add_deadline(out, tr(", respond by "), e->respond_by_ms);
    }
    add_deadline(out, tr(", resolve by "), e->resolve_by_ms);
}

/* Whose work a ticket is, and what was reported. */
static void
add_whose_work(struct strbuf *out, const struct event *e)
{
    if (e->category != NULL) {
        strbuf_printf(out, tr(", category %s"), e->category);
    }
    if (e->team != NULL) {
        strbuf_printf(out, tr(", team %s"), e->team);
    }
    if (e->plan != NULL && e->kind == EVENT_TICKET_OPENED) {
        strbuf_printf(out, tr(", plan %s"), e->plan);
    }
    if (e->symptom != NULL && (e->title == NULL || strcmp(e->symptom, e->title) != 0)) {
        strbuf_printf(out, tr(", symptom: %s"), e->symptom);
    }
    if (e->reporter != NULL && (e->by == NULL || strcmp(e->reporter, e->by) != 0)) {
        strbuf_printf(out, tr(", reported by %s"), e->reporter);
    }
}

/* What was used, in the site's currency; less than nothing takes back. */
static void
add_expense(struct strbuf *out, const struct event *e)
{
    char amount[MONEY_TEXT_BYTES];
    if (e->minutes != 0) {
        strbuf_printf(out, tr(", %lld min"), (long long)e->minutes);
    }
    if (e->cost != 0) {
        strbuf_printf(out, tr(", cost %s"), money_format(amount, e->cost));
    }
    for (uint32_t i = 0; i < e->part_count; i++) {
        const struct ticket_part *p = &e->parts[i];
        strbuf_printf(out, "%s%s × %lld", i == 0 ? tr(", parts ") : " + ", p->name,
                      (long long)p->count);
        if (p->cost != 0) {
            strbuf_printf(out, " (%s)", money_format(amount, p->cost));
        }
    }
}

/* What became of a ticket. */
static void
add_work(struct strbuf *out, const struct event *e)
{
    if (e->pause != PAUSE_NONE) {
        strbuf_printf(out, tr(", for: %s"), pause_word(e->pause));
    }
    if (e->proof != PROOF_NONE) {
        strbuf_printf(out, tr(", its sensor: %s"), proof_word(e->proof));
    }
    if (e->step != 0) {
        strbuf_printf(out,
                      e->undone ? tr(", step %d taken back") : tr(", step %d done"),
                      e->step);
    }
    if (e->photo != NULL) {
        strbuf_printf(out, tr(", photo %lld, %lld bytes"), (long long)e->photo->number,
                      (long long)e->photo->bytes);
    }
    if (e->cause != NULL) {
        strbuf_printf(out, tr(", cause %s"), tr_word("cause", e->cause));
    }
    add_expense(out, e);
    if (e->rating != 0) {
        strbuf_printf(out, tr(", %d of 5"), e->rating);
    }
}

/* Of users and tokens; the subject is said. */
static void
add_people(struct strbuf *out, const struct event *e)
{
    if (is_token(e->kind) && e->user != NULL) {
        strbuf_printf(out, tr(" of user %s"), e->user);
    }
    if (e->record != NULL && e->before == NULL && e->after == NULL) {
        strbuf_printf(out, ", %s", e->record);
    } else if (e->record != NULL) {
        add_record(out, e);
    }
    if (e->role != NULL) {
        strbuf_printf(out, tr(", role %s"), tr_word("role", e->role));
    }
    if (e->remote != NULL) {
        strbuf_printf(out, tr(", from %s"), e->remote);
    }
}

/* The title of an alarm holds its value; that of a ticket the value of its first. */
static bool
says_value(const struct event *e)
{
    return e->has_value && (e->title == NULL || e->kind == EVENT_TICKET_REOPENED);
}

void
event_to_text(struct strbuf *out, const struct event *e)
{
    size_t start = out->size;
    add_subject(out, e);
    if (is_alarm(e->kind) || e->kind == EVENT_TICKET_OPENED ||
        e->kind == EVENT_TICKET_REOPENED || e->kind == EVENT_TICKET_CHANGED) {
        strbuf_printf(out, ", %s", severity_word(e->severity));
    }
    if (e->kind == EVENT_TICKET_OPENED || e->kind_changed) {
        strbuf_printf(out, ", %s", ticket_kind_word(e->ticket_kind));
    }
    if (e->kind == EVENT_CLOCK_STEPPED) {
        strbuf_printf(out, tr(" by %lld ms"), (long long)e->step_ms);
    }
    if (e->title != NULL) {
        strbuf_printf(out, ": %s", e->title);
    }
    add_place(out, e);
    if (e->kind == EVENT_LEDGER_CHANGED) {
        add_record(out, e);
    } else if (event_kind_is_of_people(e->kind)) {
        add_people(out, e);
    }
    if (says_value(e)) {
        strbuf_add(out, tr(" at "));
        strbuf_add_number(out, e->value);
    }
    if (e->first_out) {
        strbuf_printf(out, tr(", the first of %s"), e->group);
    }
    if (e->suppressed_by != NULL) {
        strbuf_printf(out, tr(", hidden by %s"), e->suppressed_by);
    }
    add_whose_work(out, e);
    add_times(out, e);
    add_work(out, e);
    if (e->by != NULL) {
        strbuf_printf(out, tr(", by %s"), e->by);
    }
    if (e->note != NULL) {
        /* Ours are texts of the catalogue; what a person said stays as it is. */
        strbuf_printf(out, ": %s", e->by == NULL ? tr(e->note) : e->note);
    }
    utf8_to_line(out->text + start);
    out->size = start + strlen(out->text + start);
}
