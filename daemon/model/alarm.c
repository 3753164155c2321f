#include "daemon/model/alarm.h"

#include "daemon/base/instant.h"

bool
alarm_is_raised(const struct alarm *a)
{
    return a->state != ALARM_NORMAL && a->state != ALARM_CLEARED &&
           a->cleared_ms == INSTANT_NONE;
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
    strbuf_add_char(out, '}');
}
