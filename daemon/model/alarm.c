#include "daemon/model/alarm.h"

#include "daemon/base/instant.h"

bool
alarm_is_raised(const struct alarm *a)
{
    return a->state != ALARM_NORMAL && a->state != ALARM_CLEARED &&
           a->raised_ms != INSTANT_NONE && a->cleared_ms == INSTANT_NONE;
}

enum alarm_state
alarm_unhidden(const struct alarm *a)
{
    bool acked = a->acked_ms != INSTANT_NONE;
    if (a->raised_ms == INSTANT_NONE) {
        return ALARM_NORMAL;
    }
    if (a->cleared_ms == INSTANT_NONE) {
        return acked ? ALARM_ACTIVE_ACKED : ALARM_ACTIVE;
    }
    /* What nobody was told of needs nobody's acknowledgement. */
    return acked || a->untold ? ALARM_NORMAL : ALARM_CLEARED;
}

static void
add_time(struct strbuf *out, const char *key, int64_t t_ms)
{
    strbuf_json_time(out, key, t_ms != 0 ? t_ms : INSTANT_NONE);
}

static void
add_extras(struct strbuf *out, const struct alarm *a)
{
    if (a->returned_ms != 0) {
        strbuf_json_time(out, "returned_at", a->returned_ms);
    }
    if (a->first_out) {
        strbuf_json_bool(out, "first_out", true);
    }
    if (a->chatter) {
        strbuf_json_bool(out, "chatter", true);
    }
    if (alarm_state_is_hidden(a->state)) {
        strbuf_json_str(out, "hidden_by", a->hiding.by);
        strbuf_json_str(out, "hidden_reason", a->hiding.reason);
        add_time(out, "hidden_since", a->hiding.since_ms);
        add_time(out, "hidden_until", a->hiding.until_ms);
    }
}

void
alarm_to_json(struct strbuf *out, const struct alarm *a)
{
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "device", a->device);
    strbuf_json_str(out, "rule", a->rule);
    strbuf_json_str(out, "severity", severity_name(a->severity));
    strbuf_json_str(out, "state", alarm_state_name(a->state));
    strbuf_json_int(out, "episode", a->episode);
    strbuf_json_time(out, "raised_at", a->raised_ms);
    strbuf_json_time(out, "cleared_at", a->cleared_ms);
    strbuf_json_time(out, "acked_at", a->acked_ms);
    strbuf_json_str(out, "acked_by", a->acked_by[0] != '\0' ? a->acked_by : NULL);
    strbuf_json_key(out, "value");
    if (a->has_value) {
        strbuf_add_number(out, a->value);
    } else {
        strbuf_add(out, "null");
    }
    strbuf_json_str(out, "title", a->title);
    strbuf_json_key(out, "ticket");
    if (a->ticket != 0) {
        strbuf_printf(out, "%lld", (long long)a->ticket);
    } else {
        strbuf_add(out, "null");
    }
    add_extras(out, a);
    strbuf_add_char(out, '}');
}

void
service_to_json(struct strbuf *out, const struct service *s)
{
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "device", s->device);
    strbuf_json_str(out, "by", s->hiding.by);
    strbuf_json_str(out, "reason", s->hiding.reason);
    add_time(out, "since", s->hiding.since_ms);
    add_time(out, "until", s->hiding.until_ms);
    strbuf_add_char(out, '}');
}
