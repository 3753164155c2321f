/* What hides an alarm: a shelf, a device out of service, another alarm that explains
 * it, or the silence of what feeds its device.
 *
 * What suppresses is judged by its condition, hidden or not.  What is out of service
 * suppresses nothing: a meter in repair must not hide the pumps that it feeds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/alarm/inside.h"
#include "daemon/base/utf8.h"

static void *
table(size_t count, size_t size)
{
    void *t = calloc(count + 1, size);
    if (t == NULL) {
        abort();
    }
    return t;
}

/* `RULE` or `DEVICE/RULE`; the configuration has checked that both exist. */
static bool
find_suppressor(const struct site *site, const char *text, struct suppressor *out)
{
    char device[ID_BYTES_MAX] = "";
    const char *slash = strchr(text, '/');
    *out = (struct suppressor){NONE_INDEX, NONE_INDEX};
    if (slash != NULL) {
        snprintf(device, sizeof device, "%.*s", (int)(slash - text), text);
        out->device = site_device(site, device);
        if (out->device == NONE_INDEX) {
            return false;
        }
    }
    out->rule = site_rule(site, slash != NULL ? slash + 1 : text);
    return out->rule != NONE_INDEX;
}

void
hide_init(struct alarms *a)
{
    const struct site *site = a->site;
    a->service = table(site->device_count, sizeof *a->service);
    a->suppressors = table(site->rule_count, sizeof *a->suppressors);
    a->hides = table(site->rule_count, sizeof *a->hides);
    a->bus_device = table(site->device_count, sizeof *a->bus_device);
    for (uint32_t d = 0; d < site->device_count; d++) {
        const struct device *device = &site->devices[d];
        bool on_bus = device->bus < site->bus_count && device->role == DEVICE_EQUIPMENT;
        a->bus_device[d] = on_bus ? (int64_t)site->buses[device->bus].device : -1;
    }
    for (uint32_t r = 0; r < site->rule_count; r++) {
        const struct rule_spec *rule = &site->rules[r];
        struct suppressors *list = &a->suppressors[r];
        list->items = table(rule->suppressed_by_count, sizeof *list->items);
        for (uint32_t i = 0; i < rule->suppressed_by_count; i++) {
            struct suppressor *s = &list->items[list->count];
            if (find_suppressor(site, rule->suppressed_by[i], s)) {
                a->hides[s->rule] = true;
                list->count++;
            }
        }
        a->hides[r] = a->hides[r] || rule->suppresses_children;
    }
}

void
hide_fini(struct alarms *a)
{
    for (uint32_t r = 0; r < a->site->rule_count; r++) {
        free(a->suppressors[r].items);
    }
    for (uint32_t d = 0; d < a->site->device_count; d++) {
        free(a->service[d]);
    }
    free(a->service);
    free(a->suppressors);
    free(a->hides);
    free(a->bus_device);
}

/* What feeds the device, or NONE_INDEX.  The configuration refuses circles. */
static uint32_t
fed_by(const struct alarms *a, uint32_t device)
{
    const struct device *d = &a->site->devices[device];
    return d->parent < a->site->device_count && d->parent != device ? d->parent
                                                                    : NONE_INDEX;
}

static void
say_who(struct hiding *out, const char *device, const char *rule, const char *reason)
{
    snprintf(out->by, sizeof out->by, "%s%s%s", device, rule != NULL ? "/" : "",
             rule != NULL ? rule : "");
    utf8_copy(out->reason, sizeof out->reason, reason);
}

static bool
suppresses(const struct alarms *a,
           const struct entry *e,
           uint32_t device,
           uint32_t rule,
           struct hiding *out)
{
    const struct entry *s = entry_find(a, device, rule);
    if (s == NULL || s == e || !entry_stands(s) || a->service[device] != NULL) {
        return false;
    }
    say_who(out, s->row.device, s->row.rule, s->row.title);
    return true;
}

static bool
hidden_by_rule(const struct alarms *a, const struct entry *e, struct hiding *out)
{
    const struct suppressors *list = &a->suppressors[e->rule];
    for (uint32_t i = 0; i < list->count; i++) {
        const struct suppressor *s = &list->items[i];
        if (s->device != NONE_INDEX) {
            if (suppresses(a, e, s->device, s->rule, out)) {
                return true;
            }
            continue;
        }
        for (uint32_t d = e->device; d != NONE_INDEX; d = fed_by(a, d)) {
            if (suppresses(a, e, d, s->rule, out)) {
                return true;
            }
        }
    }
    return false;
}

/* An alarm of `feeder` that says: what I feed is dead. */
static bool
hidden_by_feeder(const struct alarms *a,
                 const struct entry *e,
                 uint32_t feeder,
                 struct hiding *out)
{
    for (size_t i = entry_place(a, feeder, 0);
         i < a->count && a->entries[i]->device == feeder; i++) {
        uint32_t rule = a->entries[i]->rule;
        if (a->site->rules[rule].suppresses_children &&
            suppresses(a, e, feeder, rule, out)) {
            return true;
        }
    }
    return false;
}

static enum reach
reach_of(const struct alarms *a, uint32_t device)
{
    return a->view.reach != NULL ? a->view.reach(a->view.ctx, device) : REACH_UNKNOWN;
}

/* A device that is silent because what feeds it, or its line, is.  One that answers is
 * fed, and its alarms are its own.  What was told before the silence stays told: it has
 * a cause of its own.  Unknown (after a restart) leaves it as it was. */
static bool
hidden_by_silence(const struct alarms *a,
                  const struct entry *e,
                  uint32_t feeder,
                  struct hiding *out)
{
    const char *id = a->site->devices[feeder].id;
    bool so_far = e->row.state == ALARM_SUPPRESSED && strcmp(e->row.hiding.by, id) == 0;
    enum reach own = reach_of(a, e->device);
    enum reach above = reach_of(a, feeder);
    bool own_silent = own == REACH_SILENT || (own == REACH_UNKNOWN && so_far);
    bool above_silent = above == REACH_SILENT || (above == REACH_UNKNOWN && so_far);
    if (!e->row.untold || !own_silent || !above_silent || a->service[feeder] != NULL) {
        return false;
    }
    say_who(out, id, NULL, "silent");
    return true;
}

static bool
is_suppressed(const struct alarms *a, const struct entry *e, struct hiding *out)
{
    if (hidden_by_rule(a, e, out)) {
        return true;
    }
    for (uint32_t d = fed_by(a, e->device); d != NONE_INDEX; d = fed_by(a, d)) {
        if (hidden_by_feeder(a, e, d, out) || hidden_by_silence(a, e, d, out)) {
            return true;
        }
    }
    int64_t bus = a->bus_device[e->device];
    return bus >= 0 && (hidden_by_feeder(a, e, (uint32_t)bus, out) ||
                        hidden_by_silence(a, e, (uint32_t)bus, out));
}

enum alarm_state
hide_state(const struct alarms *a, const struct entry *e, struct hiding *out)
{
    if (e->shelved) {
        *out = e->row.hiding;
        return ALARM_SHELVED;
    }
    *out = (struct hiding){0};
    if (!entry_stands(e)) {
        return alarm_unhidden(&e->row);
    }
    if (a->service[e->device] != NULL) {
        *out = a->service[e->device]->hiding;
        return ALARM_OUT_OF_SERVICE;
    }
    return is_suppressed(a, e, out) ? ALARM_SUPPRESSED : alarm_unhidden(&e->row);
}
