#include "daemon/pipeline/listings.h"

#include <math.h>
#include <string.h>

#include "collectors/detail.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/causes.h"

struct listing {
    const struct alarm_filter *alarms;
    bool has_severity, has_state;
    enum severity severity;
    enum alarm_state alarm_state;
    struct strbuf *out;
    bool first;
};

static bool
matches(const char *wanted, const char *value)
{
    return wanted == NULL || (value != NULL && strcmp(wanted, value) == 0);
}

static void
separate(struct listing *l)
{
    strbuf_add(l->out, l->first ? "" : ",");
    l->first = false;
}

static bool
add_alarm(void *ctx, const struct alarm *a)
{
    struct listing *l = ctx;
    if (matches(l->alarms->device, a->device) && matches(l->alarms->rule, a->rule) &&
        (!l->has_severity || l->severity == a->severity) &&
        (!l->has_state || l->alarm_state == a->state)) {
        separate(l);
        alarm_to_json(l->out, a);
    }
    return true;
}

int
listing_alarms(struct state *store,
               const struct alarm_filter *filter,
               struct strbuf *out,
               struct err *err)
{
    struct listing l = {.alarms = filter, .out = out, .first = true};
    l.has_severity = filter->severity != NULL;
    l.has_state = filter->state != NULL;
    if (l.has_severity && !severity_parse(&l.severity, filter->severity)) {
        return err_set(err, ERR_RANGE,
                       "\"%s\" is no severity; critical, urgent, normal or info",
                       filter->severity);
    }
    if (l.has_state && !alarm_state_parse(&l.alarm_state, filter->state)) {
        return err_set(err, ERR_RANGE,
                       "\"%s\" is no state of an alarm; active, active-acked, cleared, "
                       "shelved, suppressed or out-of-service",
                       filter->state);
    }
    strbuf_add_char(out, '[');
    int code = store != NULL ? state_each_alarm(store, true, add_alarm, &l, err) : 0;
    strbuf_add_char(out, ']');
    return code;
}

static bool
add_service(void *ctx, const struct service *s)
{
    struct listing *l = ctx;
    separate(l);
    service_to_json(l->out, s);
    return true;
}

int
listing_service(struct state *store, struct strbuf *out, struct err *err)
{
    struct listing l = {.out = out, .first = true};
    strbuf_add_char(out, '[');
    int code = store != NULL ? state_each_service(store, add_service, &l, err) : 0;
    strbuf_add_char(out, ']');
    return code;
}

int
device_filter_check(const struct device_filter *filter, struct err *err)
{
    static const char *const states[] = {"online", "offline", "unknown"};
    for (size_t i = 0; filter->state != NULL && i < ARRAY_LEN(states); i++) {
        if (strcmp(filter->state, states[i]) == 0) {
            return 0;
        }
    }
    return filter->state == NULL
               ? 0
               : err_set(err, ERR_RANGE,
                         "\"%s\" is no state of a device; online, offline or unknown",
                         filter->state);
}

void
listing_point(struct strbuf *out, const struct point *p, const struct point_now *now)
{
    char why[CAUSE_BYTES];
    char detail[DETAIL_BYTES];
    (void)detail_write(detail, now->quality, now->detail);
    strbuf_json_key(out, p->id);
    strbuf_add_char(out, '{');
    strbuf_json_num(out, "value",
                    now->last_good_ms != INSTANT_NONE ? now->value : (double)NAN);
    strbuf_json_str(out, "unit", p->unit);
    strbuf_json_str(out, "quality", quality_name(now->quality));
    strbuf_json_str(out, "detail", detail[0] != '\0' ? detail : NULL);
    strbuf_json_time(out, "last_good", now->last_good_ms);
    strbuf_json_str(out, "why", cause_describe(why, now->quality, now->detail));
    strbuf_add_char(out, '}');
}

bool
device_filter_fits(const struct device_filter *filter,
                   const struct device *d,
                   const char *state)
{
    return matches(filter->device, d->id) && matches(filter->type, d->type) &&
           matches(filter->state, state);
}
