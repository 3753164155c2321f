/* What people do to alarms. */
#include <assert.h>
#include <string.h>

#include "daemon/alarm/inside.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

static int
refuse_ack(const struct alarm *row, struct err *err)
{
    switch (row->state) {
    case ALARM_ACTIVE:
    case ALARM_CLEARED:
        return 0;
    case ALARM_ACTIVE_ACKED:
        return err_set(err, ERR_REFUSED, "alarm %s/%s was acknowledged by %s already",
                       row->device, row->rule, row->acked_by);
    case ALARM_SHELVED:
    case ALARM_SUPPRESSED:
    case ALARM_OUT_OF_SERVICE:
        return err_set(err, ERR_REFUSED,
                       "alarm %s/%s is %s; it can be acknowledged when it shows again",
                       row->device, row->rule, alarm_state_word(row->state));
    case ALARM_NORMAL:
    case ALARM_STATE_COUNT:
        break;
    }
    return err_set(err, ERR_NOT_FOUND, "alarm %s/%s is normal", row->device, row->rule);
}

static int
acknowledge(struct alarms *a, struct entry *e, const struct command *c, struct err *err)
{
    int code = refuse_ack(&e->row, err);
    if (code != 0) {
        return code;
    }
    bool latched = e->row.returned_ms != 0;
    e->row.acked_ms = c->t_ms;
    utf8_copy(e->row.acked_by, sizeof e->row.acked_by, c->by);
    e->row.state = alarm_unhidden(&e->row);
    e->moved = true;
    char note[NOTE_BYTES];
    utf8_copy(note, sizeof note, c->note);
    struct event event = {.t_ms = c->t_ms,
                          .kind = EVENT_ALARM_ACKNOWLEDGED,
                          .by = e->row.acked_by,
                          .note = note[0] != '\0' ? note : NULL};
    entry_tell(a, e, &event);
    if (latched) {
        e->has_value = false;
        step_clear(e, c->t_ms);
        hide_alarm_changed(a, e->device, e->rule);
    }
    entry_touch(a, e);
    return 0;
}

/* What the row says of an alarm that is normal: its last episode is over and done. */
static void
describe(struct alarms *a, struct entry *e)
{
    if (e->row.state != ALARM_NORMAL) {
        return;
    }
    e->row.raised_ms = INSTANT_NONE;
    e->row.cleared_ms = INSTANT_NONE;
    e->row.acked_ms = INSTANT_NONE;
    e->row.acked_by[0] = '\0';
    e->row.ticket = 0;
    e->row.has_value = false;
    const struct rule_spec *rule = &a->site->rules[e->rule];
    e->row.severity =
        rule->level_count > 0 ? rule->levels[0].severity : SEVERITY_NORMAL;
    if (a->view.title != NULL) {
        a->view.title(a->view.ctx, e->device, e->rule, e->row.title,
                      sizeof e->row.title);
        entry_set_titles(a, e);
    }
}

static int
shelve(struct alarms *a,
       const struct command *c,
       uint32_t device,
       uint32_t rule,
       struct err *err)
{
    int64_t until_ms = 0;
    int code = service_reason(c, "a shelved alarm", err);
    if (code == 0) {
        code = service_until(c, true, &until_ms, err);
    }
    if (code != 0) {
        return code;
    }
    struct entry *e = entry_find_or_add(a, device, rule);
    if (!alarm_state_is_hidden(e->row.state)) {
        e->row.told_severity = e->row.severity;
    }
    describe(a, e);
    struct hiding *h = &e->row.hiding;
    h->since_ms = e->shelved ? h->since_ms : c->t_ms;
    h->until_ms = until_ms;
    utf8_copy(h->by, PERSON_BYTES, c->by);
    utf8_copy(h->reason, sizeof h->reason, c->note);
    e->shelved = true;
    e->row.state = ALARM_SHELVED;
    e->moved = true;
    struct event event = {.t_ms = c->t_ms,
                          .kind = EVENT_ALARM_SHELVED,
                          .until_ms = until_ms,
                          .by = h->by,
                          .note = h->reason};
    entry_tell(a, e, &event);
    hide_alarm_changed(a, device, rule);
    entry_touch(a, e);
    return 0;
}

static int
unshelve(struct alarms *a, struct entry *e, const struct command *c, struct err *err)
{
    if (!e->shelved) {
        return err_set(err, ERR_REFUSED, "alarm %s/%s is not shelved", e->row.device,
                       e->row.rule);
    }
    e->shelved = false;
    e->by = c->by; /* Both are borrowed until the step is settled, below. */
    e->note = c->note != NULL && c->note[0] != '\0' ? c->note : NULL;
    hide_alarm_changed(a, e->device, e->rule);
    entry_touch(a, e);
    return 0;
}

static int
find_device(const struct alarms *a,
            const struct command *c,
            uint32_t *out,
            struct err *err)
{
    if (c->by == NULL || c->by[0] == '\0') {
        return err_set(err, ERR_USAGE, "who %s must be said",
                       c->kind == COMMAND_ACK ? tr("acknowledges") : tr("does it"));
    }
    *out = site_device(a->site, c->device);
    if (*out == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%.63s\"", c->device);
    }
    return 0;
}

static int
command_of_alarm(struct alarms *a, const struct command *c, struct err *err)
{
    if (c->device == NULL || c->rule == NULL) {
        return err_set(err, ERR_USAGE, "an alarm is named by its device and its rule");
    }
    uint32_t device = NONE_INDEX;
    int code = find_device(a, c, &device, err);
    if (code != 0) {
        return code;
    }
    uint32_t rule = site_rule(a->site, c->rule);
    if (rule == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no rule \"%.63s\"", c->rule);
    }
    if (c->kind == COMMAND_SHELVE) {
        if (a->view.bound != NULL && !a->view.bound(a->view.ctx, device, rule)) {
            return err_set(err, ERR_NOT_FOUND, "rule \"%.63s\" does not judge %.63s",
                           c->rule, c->device);
        }
        return shelve(a, c, device, rule, err);
    }
    struct entry *e = entry_find(a, device, rule);
    if (e == NULL) {
        return err_set(err, c->kind == COMMAND_ACK ? ERR_NOT_FOUND : ERR_REFUSED,
                       "alarm %s/%s is %s", c->device, c->rule,
                       c->kind == COMMAND_ACK ? alarm_state_word(ALARM_NORMAL)
                                              : tr("not shelved"));
    }
    return c->kind == COMMAND_ACK ? acknowledge(a, e, c, err) : unshelve(a, e, c, err);
}

int
alarms_command(struct alarms *a, const struct command *c, struct err *err)
{
    int code;
    if (c->kind == COMMAND_SERVICE) {
        uint32_t device = NONE_INDEX;
        code = c->device != NULL ? find_device(a, c, &device, err)
                                 : err_set(err, ERR_USAGE, "which device must be said");
        if (code == 0) {
            code = service_command(a, c, device, err);
        }
    } else {
        assert(c->kind == COMMAND_ACK || c->kind == COMMAND_SHELVE ||
               c->kind == COMMAND_UNSHELVE);
        code = command_of_alarm(a, c, err);
    }
    if (code == 0) {
        alarms_settle(a, c->t_ms);
    }
    return code;
}
