/* Devices out of service, and what every command that hides something must say. */
#include <stdlib.h>
#include <string.h>

#include "daemon/alarm/inside.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

int
service_reason(const struct command *c, const char *what, struct err *err)
{
    if (c->note == NULL || c->note[strspn(c->note, " \t\r\n")] == '\0') {
        return err_set(err, ERR_USAGE, "%s wants a reason", tr(what));
    }
    return 0;
}

int
service_until(const struct command *c,
              bool required,
              int64_t *until_ms,
              struct err *err)
{
    if (c->for_ms != 0 && c->until_ms != 0) {
        return err_set(err, ERR_USAGE, "for how long, or until when: one of the two");
    }
    if (c->for_ms == 0 && c->until_ms == 0) {
        *until_ms = 0;
        return required ? err_set(err, ERR_USAGE, "for how long must be said") : 0;
    }
    int64_t for_ms = c->for_ms != 0 ? c->for_ms : c->until_ms - c->t_ms;
    if (for_ms <= 0 || for_ms > SHELF_MS_MAX) {
        return err_set(err, ERR_RANGE,
                       "its end must lie ahead, and at most a year from now");
    }
    *until_ms = c->t_ms + for_ms;
    return 0;
}

/* The row first, then the event, then what it means for the alarms of the device. */
static void
tell(struct alarms *a,
     uint32_t device,
     const struct service *s,
     const char *by,
     const char *note,
     int64_t t_ms)
{
    if (a->sink->service != NULL) {
        a->sink->service(a->sink->ctx, s);
    }
    struct event event = {
        .t_ms = t_ms,
        .kind = s->out ? EVENT_DEVICE_OUT_OF_SERVICE : EVENT_DEVICE_IN_SERVICE,
        .device = a->site->devices[device].id,
        .until_ms = s->hiding.until_ms,
        .by = by,
        .note = note,
    };
    a->sink->event(a->sink->ctx, &event);
    a->review = true;
    a->due_known = false;
}

static void
take_back(
    struct alarms *a, uint32_t device, const char *by, const char *note, int64_t t)
{
    free(a->service[device]);
    a->service[device] = NULL;
    struct service s = {.device = a->site->devices[device].id};
    tell(a, device, &s, by, note, t);
}

static int
take_out(struct alarms *a, const struct command *c, uint32_t device, struct err *err)
{
    int64_t until_ms = 0;
    int code = service_reason(c, "a device out of service", err);
    if (code == 0) {
        code = service_until(c, false, &until_ms, err);
    }
    if (code != 0) {
        return code;
    }
    struct service *s = a->service[device];
    if (s == NULL) {
        s = calloc(1, sizeof *s);
        if (s == NULL) {
            abort();
        }
        s->device = a->site->devices[device].id;
        s->out = true;
        s->hiding.since_ms = c->t_ms;
        a->service[device] = s;
    }
    utf8_copy(s->hiding.by, PERSON_BYTES, c->by);
    utf8_copy(s->hiding.reason, sizeof s->hiding.reason, c->note);
    s->hiding.until_ms = until_ms;
    tell(a, device, s, s->hiding.by, s->hiding.reason, c->t_ms);
    return 0;
}

int
service_command(struct alarms *a,
                const struct command *c,
                uint32_t device,
                struct err *err)
{
    const char *id = a->site->devices[device].id;
    if (c->service == SERVICE_OUT) {
        return take_out(a, c, device, err);
    }
    if (c->service != SERVICE_IN) {
        return err_set(err, ERR_USAGE, "whether %s goes out or in must be said", id);
    }
    if (a->service[device] == NULL) {
        return err_set(err, ERR_REFUSED, "%s is in service", id);
    }
    char by[PERSON_BYTES];
    utf8_copy(by, sizeof by, c->by);
    take_back(a, device, by, c->note, c->t_ms);
    return 0;
}

int64_t
service_due(const struct alarms *a)
{
    int64_t due_ms = INSTANT_MAX;
    for (uint32_t d = 0; d < a->site->device_count; d++) {
        const struct service *s = a->service[d];
        if (s != NULL && s->hiding.until_ms != 0 && s->hiding.until_ms < due_ms) {
            due_ms = s->hiding.until_ms;
        }
    }
    return due_ms;
}

void
service_fire(struct alarms *a, int64_t t_ms)
{
    for (uint32_t d = 0; d < a->site->device_count; d++) {
        const struct service *s = a->service[d];
        if (s != NULL && s->hiding.until_ms != 0 && s->hiding.until_ms <= t_ms) {
            take_back(a, d, NULL, N_("its time is over"), t_ms);
        }
    }
}
