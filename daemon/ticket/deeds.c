#include "daemon/ticket/deeds.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/model/photo.h"
#include "daemon/ticket/clocks.h"
#include "daemon/ticket/proof.h"

#define RATING_MAX 5 /* Stars. */

/* An event of this deed: who did it, and what was said. */
static struct event
event_of(const struct command *c, const struct words *w, enum event_kind kind)
{
    return (struct event){
        .t_ms = c->t_ms, .kind = kind, .by = w->by, .note = w->note_or_null};
}

static void
tell_assigned(struct tickets *t,
              struct ticket_entry *e,
              const struct command *c,
              const struct words *w,
              const char *note)
{
    struct event event = event_of(c, w, EVENT_TICKET_ASSIGNED);
    event.assignee = e->row.assignee;
    event.note = note;
    life_tell(t, e, &event);
}

/* The first who takes it, or works on it, owns it.  True when it changed hands. */
static bool
own(struct ticket_entry *e, const struct command *c, const struct words *w)
{
    if (e->row.taken) {
        return false;
    }
    e->row.taken = true;
    if (strcmp(e->row.assignee, w->by) == 0) {
        return false;
    }
    life_assign(e, w->by, c->t_ms);
    return true;
}

int
deed_take(struct tickets *t,
          struct ticket_entry *e,
          const struct command *c,
          const struct words *w,
          struct err *err)
{
    bool named = !words_are_blank(c->assignee);
    bool himself = strcmp(w->assignee, w->by) == 0;
    if (strcmp(e->row.assignee, w->assignee) == 0 && (e->row.taken || !himself)) {
        return err_set(err, ERR_REFUSED, "ticket %" PRId64 " is assigned to %s already",
                       e->row.number, w->assignee);
    }
    if (e->row.taken && !named) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " is owned by %s, who took it; to hand it "
                       "over say to whom (--to NAME)",
                       e->row.number, e->row.assignee);
    }
    life_assign(e, w->assignee, c->t_ms);
    e->row.taken = e->row.taken || himself;
    life_settle(t, e);
    tell_assigned(t, e, c, w, w->note_or_null);
    return 0;
}

int
deed_arrive(struct tickets *t,
            struct ticket_entry *e,
            const struct command *c,
            const struct words *w,
            struct err *err)
{
    if (e->row.responded_ms != INSTANT_NONE) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " is %s and somebody was there; resume it",
                       e->row.number, ticket_state_word(e->row.state));
    }
    bool changed_hands = own(e, c, w);
    e->row.responded_ms = c->t_ms;
    if (e->row.first_responded_ms == INSTANT_NONE) {
        e->row.first_responded_ms = c->t_ms;
    }
    if (e->row.state != TICKET_WAITING) {
        e->row.state = TICKET_RESPONDED;
    }
    life_settle(t, e);
    if (changed_hands) {
        tell_assigned(t, e, c, w, NULL);
    }
    struct event event = event_of(c, w, EVENT_TICKET_RESPONDED);
    life_tell(t, e, &event);
    return 0;
}

/* "parts" or "配件": nothing more was said than what it waits for. */
static bool
is_word_of(enum pause pause, const char *note)
{
    bool said = strcmp(note, pause_name(pause)) == 0;
    for (int l = 0; l < LANGUAGE_COUNT; l++) {
        const char *word = tr_word_in((enum language)l, "pause", pause_name(pause));
        said = said || strcmp(note, word) == 0;
    }
    return said;
}

/* What it waits for: as chosen, or the one word that was said. */
static enum pause
pause_of(const struct command *c, const struct words *w)
{
    if (c->pause != PAUSE_NONE || w->note_or_null == NULL) {
        return c->pause;
    }
    for (int p = PAUSE_NONE + 1; p < PAUSE_COUNT; p++) {
        if (is_word_of((enum pause)p, w->note)) {
            return (enum pause)p;
        }
    }
    return PAUSE_OTHER;
}

int
deed_wait(struct tickets *t,
          struct ticket_entry *e,
          const struct command *c,
          const struct words *w,
          struct err *err)
{
    enum pause pause = pause_of(c, w);
    if (pause == PAUSE_NONE || (pause == PAUSE_OTHER && w->note_or_null == NULL)) {
        return err_set(err, ERR_USAGE,
                       "what ticket %" PRId64 " waits for must be said: parts, "
                       "contractor, access, or in words",
                       e->row.number);
    }
    e->row.state = TICKET_WAITING;
    e->row.pause = pause;
    e->row.waiting_since_ms = c->t_ms;
    life_settle(t, e);
    struct event event = event_of(c, w, EVENT_TICKET_WAITING);
    event.pause = pause;
    if (is_word_of(pause, w->note)) {
        event.note = NULL; /* It is said once. */
    }
    life_tell(t, e, &event);
    return 0;
}

int
deed_resume(struct tickets *t,
            struct ticket_entry *e,
            const struct command *c,
            const struct words *w,
            struct err *err)
{
    (void)err; /* From the state it is in it always can. */
    clocks_resume(t->site, &e->row, c->t_ms);
    e->row.pause = PAUSE_NONE;
    e->row.state = e->row.responded_ms != INSTANT_NONE ? TICKET_RESPONDED
                   : e->row.assignee[0] != '\0'        ? TICKET_ASSIGNED
                                                       : TICKET_OPENED;
    life_settle(t, e);
    struct event event = event_of(c, w, EVENT_TICKET_RESUMED);
    event.resolve_by_ms = e->row.resolve_by_ms;
    life_tell(t, e, &event);
    return 0;
}

int
deed_resolve(struct tickets *t,
             struct ticket_entry *e,
             const struct command *c,
             const struct words *w,
             struct err *err)
{
    int code = work_add(t, e, c, err);
    if (code != 0) {
        return code;
    }
    bool changed_hands = own(e, c, w);
    struct event event = event_of(c, w, EVENT_TICKET_RESOLVED);
    if (e->row.state == TICKET_WAITING) {
        clocks_resume(t->site, &e->row, c->t_ms);
        e->row.pause = PAUSE_NONE;
        event.resolve_by_ms = e->row.resolve_by_ms;
    }
    e->row.state = TICKET_RESOLVED;
    e->row.resolved_ms = c->t_ms;
    if (e->row.first_resolved_ms == INSTANT_NONE) {
        e->row.first_resolved_ms = c->t_ms;
    }
    proof_forget(e);
    utf8_copy(e->row.resolution, sizeof e->row.resolution, w->note_or_null);
    life_settle(t, e);
    if (changed_hands) {
        tell_assigned(t, e, c, w, NULL);
    }
    work_say(&event, c);
    life_tell(t, e, &event);
    return 0;
}

int
deed_close(struct tickets *t,
           struct ticket_entry *e,
           const struct command *c,
           const struct words *w,
           struct err *err)
{
    if (e->raised && e->row.proof == PROOF_NOT_RUNNING) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " is resolved but its alarm stands until its "
                       "device runs again; it closes when the sensor confirms, or "
                       "reopen it",
                       e->row.number);
    }
    if (e->raised) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " is resolved but its alarm stands; "
                       "it closes when the sensor confirms, or reopen it",
                       e->row.number);
    }
    int code = work_add(t, e, c, err);
    if (code != 0) {
        return code;
    }
    struct event said = event_of(c, w, EVENT_TICKET_CLOSED);
    work_say(&said, c);
    life_close(t, e, c->t_ms, &said);
    return 0;
}

int
deed_reopen(struct tickets *t,
            struct ticket_entry *e,
            const struct command *c,
            const struct words *w,
            struct err *err)
{
    struct ticket_entry *open =
        e->rule != NONE_INDEX ? ticket_table_open(&t->table, e->device, e->rule) : NULL;
    if (open != NULL && open != e) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " is closed and ticket %" PRId64
                       " is open for the same fault; use that one",
                       e->row.number, open->row.number);
    }
    struct event said = event_of(c, w, EVENT_TICKET_REOPENED);
    life_reopen(t, e, c->t_ms, &said);
    return 0;
}

int
deed_note(struct tickets *t,
          struct ticket_entry *e,
          const struct command *c,
          const struct words *w,
          struct err *err)
{
    if (w->note_or_null == NULL && !work_is_given(c)) {
        return err_set(err, ERR_USAGE, "the note of ticket %" PRId64 " is empty",
                       e->row.number);
    }
    int code = work_add(t, e, c, err);
    if (code != 0) {
        return code;
    }
    if (work_is_given(c)) {
        life_settle(t, e);
    }
    struct event event = event_of(c, w, EVENT_TICKET_NOTED);
    work_say(&event, c);
    life_tell(t, e, &event);
    return 0;
}

int
deed_rate(struct tickets *t,
          struct ticket_entry *e,
          const struct command *c,
          const struct words *w,
          struct err *err)
{
    if (c->rating < 1 || c->rating > RATING_MAX) {
        return err_set(err, ERR_USAGE, "a rating is a whole number from 1 to %d",
                       RATING_MAX);
    }
    e->row.rating = c->rating;
    life_settle(t, e);
    struct event event = event_of(c, w, EVENT_TICKET_RATED);
    event.rating = c->rating;
    life_tell(t, e, &event);
    return 0;
}

int
deed_photo(struct tickets *t,
           struct ticket_entry *e,
           const struct command *c,
           const struct words *w,
           struct err *err)
{
    if (c->photo == NULL) {
        return err_set(err, ERR_USAGE,
                       "a photo is its bytes: POST /api/v1/tickets/NUMBER/photos, or "
                       "`caretaker ticket photo NUMBER FILE`");
    }
    if (e->row.photos >= PHOTOS_OF_TICKET_MAX) {
        return err_set(err, ERR_REFUSED,
                       "ticket %" PRId64 " has %d photos; no more are kept",
                       e->row.number, PHOTOS_OF_TICKET_MAX);
    }
    struct photo photo = *c->photo;
    e->row.photos++;
    photo.ticket = e->row.number;
    photo.number = e->row.photos;
    photo.added_ms = c->t_ms;
    utf8_copy(photo.by, sizeof photo.by, w->by);
    utf8_copy(photo.note, sizeof photo.note, w->note_or_null);
    life_settle(t, e);
    if (t->sink->photo != NULL) {
        t->sink->photo(t->sink->ctx, &photo);
    }
    struct event event = event_of(c, w, EVENT_TICKET_PHOTOGRAPHED);
    event.photo = &photo;
    life_tell(t, e, &event);
    return 0;
}

int
deed_open(struct tickets *t,
          const struct command *c,
          const struct words *w,
          int64_t *number,
          struct err *err)
{
    if (c->device == NULL) {
        return err_set(err, ERR_USAGE, "a reported fault names its device");
    }
    if (c->rule != NULL || c->ticket != 0) {
        return err_set(err, ERR_USAGE,
                       "a reported fault names neither a rule nor a ticket");
    }
    enum severity priority = c->has_priority ? c->priority : SEVERITY_NORMAL;
    if (priority == SEVERITY_INFO) {
        return err_set(err, ERR_USAGE,
                       "info opens no ticket; normal, urgent and critical do");
    }
    uint32_t device = site_device(t->site, c->device);
    if (device == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%.63s\"", c->device);
    }
    int code = work_check_place(t, c, err);
    if (code != 0) {
        return code;
    }
    /* Without a symptom of its own the note is what was reported. */
    bool both = !words_are_blank(c->symptom);
    const char *symptom = both ? c->symptom : w->note_or_null;
    struct ticket_birth birth = {
        .kind = TICKET_REPORTED,
        .device = device,
        .rule = NONE_INDEX,
        .priority = priority,
        .title = symptom != NULL ? symptom : t->site->devices[device].name,
        .team = words_are_blank(c->team) ? NULL : c->team,
        .category = words_are_blank(c->category) ? NULL : c->category,
        .symptom = symptom,
        .reporter = words_are_blank(c->reporter) ? w->by : c->reporter,
        .by = w->by,
        .note = both ? w->note_or_null : NULL};
    const struct ticket_entry *e = life_open(t, c->t_ms, &birth);
    if (number != NULL) {
        *number = e->row.number;
    }
    return 0;
}
