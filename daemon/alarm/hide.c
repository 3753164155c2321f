/* What hides an alarm: a shelf, a device out of service, another alarm that explains
 * it, or the silence of what feeds its device.
 *
 * What suppresses is judged by its condition, suppressed itself or not.  What is out of
 * service or on the shelf suppresses nothing: a meter in repair must not hide the pumps
 * that it feeds.  Nor does silence that nobody is told of: of what feeds the device, an
 * alarm that tells of its silence must stand, or be about to.
 *
 *             it is over                  judged on new samples, and it stands
 *   hidden --------------> about to show --------------------------------> shown
 *     ^                      |      |      or: its time is over
 *     +----------------------+      | it is clear on them (a clear_hold may run)
 *          it suppresses anew       v
 *                                cleared, and nobody was told */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/alarm/inside.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

/* How long an alarm waits for samples from after its suppressor was over: the device
 * has to start, and one that was given up is asked once a minute. */
#define RETURN_MS 90000

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

/* What feeds the device, or NONE_INDEX.  The configuration refuses circles. */
static uint32_t
fed_by(const struct alarms *a, uint32_t device)
{
    const struct device *d = &a->site->devices[device];
    return d->parent < a->site->device_count && d->parent != device ? d->parent
                                                                    : NONE_INDEX;
}

static void
find_suppressors(struct alarms *a, uint32_t r)
{
    const struct rule_spec *rule = &a->site->rules[r];
    struct suppressors *list = &a->suppressors[r];
    list->items = table(rule->suppressed_by_count, sizeof *list->items);
    for (uint32_t i = 0; i < rule->suppressed_by_count; i++) {
        struct suppressor *s = &list->items[list->count];
        if (!find_suppressor(a->site, rule->suppressed_by[i], s)) {
            continue;
        }
        list->count++;
        if (s->device == NONE_INDEX) {
            a->hides[s->rule] = true;
        } else {
            a->named.items[a->named.count++] = *s;
        }
    }
    a->hides[r] = a->hides[r] || rule->suppresses_children;
}

static void
find_tellers(struct alarms *a, uint32_t device)
{
    struct tellers *list = &a->tellers[device];
    if (!a->feeds[device] || a->view.tells_silence == NULL) {
        return;
    }
    list->rules = table(a->rule_count, sizeof *list->rules);
    for (uint32_t r = 0; r < a->rule_count; r++) {
        if (a->view.tells_silence(a->view.ctx, device, r)) {
            list->rules[list->count++] = r;
        }
    }
}

void
hide_init(struct alarms *a)
{
    const struct site *site = a->site;
    size_t all = 0;
    a->device_count = site->device_count;
    a->rule_count = site->rule_count;
    a->service = table(site->device_count, sizeof *a->service);
    a->suppressors = table(site->rule_count, sizeof *a->suppressors);
    a->hides = table(site->rule_count, sizeof *a->hides);
    a->feeds = table(site->device_count, sizeof *a->feeds);
    a->bus_device = table(site->device_count, sizeof *a->bus_device);
    a->tellers = table(site->device_count, sizeof *a->tellers);
    for (uint32_t d = 0; d < site->device_count; d++) {
        const struct device *device = &site->devices[d];
        bool on_bus = device->bus < site->bus_count && device->role == DEVICE_EQUIPMENT;
        a->bus_device[d] = on_bus ? site->buses[device->bus].device : NONE_INDEX;
        if (on_bus) {
            a->feeds[a->bus_device[d]] = true;
        }
        if (fed_by(a, d) != NONE_INDEX) {
            a->feeds[fed_by(a, d)] = true;
        }
    }
    for (uint32_t r = 0; r < site->rule_count; r++) {
        all += site->rules[r].suppressed_by_count;
    }
    a->named.items = table(all, sizeof *a->named.items);
    for (uint32_t r = 0; r < site->rule_count; r++) {
        find_suppressors(a, r);
    }
    for (uint32_t d = 0; d < site->device_count; d++) {
        find_tellers(a, d);
    }
}

void
hide_fini(struct alarms *a)
{
    for (uint32_t r = 0; r < a->rule_count; r++) {
        free(a->suppressors[r].items);
    }
    for (uint32_t d = 0; d < a->device_count; d++) {
        free(a->service[d]);
        free(a->tellers[d].rules);
    }
    free(a->tellers);
    free(a->named.items);
    free(a->feeds);
    free(a->service);
    free(a->suppressors);
    free(a->hides);
    free(a->bus_device);
}

static void
touch_device(struct alarms *a, uint32_t device)
{
    for (size_t i = entry_place(a, device, 0);
         i < a->count && a->entries[i]->device == device; i++) {
        entry_touch(a, a->entries[i]);
    }
}

void
hide_alarm_changed(struct alarms *a, uint32_t device, uint32_t rule)
{
    for (uint32_t i = 0; i < a->named.count; i++) {
        const struct suppressor *s = &a->named.items[i];
        a->review = a->review || (s->rule == rule && s->device == device);
    }
    bool hides = a->hides[rule];
    for (uint32_t i = 0; i < a->tellers[device].count; i++) {
        hides = hides || a->tellers[device].rules[i] == rule;
    }
    if (hides) {
        hide_reach_changed(a, device);
    }
}

void
hide_reach_changed(struct alarms *a, uint32_t device)
{
    if (a->feeds[device]) {
        a->review = true; /* Whole branches may go by it. */
    } else {
        touch_device(a, device);
    }
}

static void
say_who(struct hiding *out, const char *device, const char *rule, const char *reason)
{
    snprintf(out->by, sizeof out->by, "%s%s%s", device, rule != NULL ? "/" : "",
             rule != NULL ? rule : "");
    utf8_copy(out->reason, sizeof out->reason, reason);
}

/* Its condition stands; the latch alone does not count. */
static bool
is_true(const struct entry *e)
{
    return entry_stands(e) && e->row.returned_ms == 0;
}

static bool
suppresses(const struct alarms *a,
           const struct entry *e,
           uint32_t device,
           uint32_t rule,
           struct hiding *out)
{
    const struct entry *s = entry_find(a, device, rule);
    if (s == NULL || s == e || !is_true(s) || s->shelved ||
        a->service[device] != NULL) {
        return false;
    }
    /* Of two that suppress each other one must be seen. */
    struct hiding self = {0};
    say_who(&self, e->row.device, e->row.rule, "");
    if (s->row.state == ALARM_SUPPRESSED && strcmp(s->row.hiding.by, self.by) == 0) {
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

static struct standing
standing_of(const struct alarms *a, uint32_t device, uint32_t rule)
{
    return a->view.standing != NULL ? a->view.standing(a->view.ctx, device, rule)
                                    : (struct standing){.sampled_ms = INSTANT_MAX};
}

/* Whether an alarm of the device that tells of its silence stands, or is on its hold,
 * which may end without an edge. */
static bool
silence_is_told(const struct alarms *a, uint32_t device, bool *restless)
{
    bool pending = false;
    for (uint32_t i = 0; i < a->tellers[device].count; i++) {
        uint32_t rule = a->tellers[device].rules[i];
        const struct entry *e = entry_find(a, device, rule);
        if (e != NULL && e->shelved) {
            continue;
        }
        if (e != NULL && entry_stands(e)) {
            return true;
        }
        pending = pending || standing_of(a, device, rule).pending;
    }
    *restless = *restless || pending;
    return pending;
}

/* A device that is silent because what feeds it, or its line, is.  One that answers is
 * fed, and its alarms are its own.  What was told before the silence stays told: it has
 * a cause of its own.  Unknown (after a restart) leaves it as it was. */
static bool
hidden_by_silence(const struct alarms *a,
                  const struct entry *e,
                  uint32_t feeder,
                  struct hiding *out,
                  bool *restless)
{
    const char *id = a->site->devices[feeder].id;
    bool so_far = e->row.state == ALARM_SUPPRESSED && strcmp(e->row.hiding.by, id) == 0;
    enum reach own = reach_of(a, e->device);
    enum reach above = reach_of(a, feeder);
    bool own_silent = own == REACH_SILENT || (own == REACH_UNKNOWN && so_far);
    bool above_silent = above == REACH_SILENT || (above == REACH_UNKNOWN && so_far);
    if (!e->row.untold || !own_silent || !above_silent || a->service[feeder] != NULL ||
        !silence_is_told(a, feeder, restless)) {
        return false;
    }
    say_who(out, id, NULL, "silent");
    return true;
}

/* Whether what hid the entry so far is still so.  Then it shows because somebody put
 * that on the shelf or out of service, or because nobody would be told of it. */
static bool
hider_is_true(const struct alarms *a, const struct entry *e)
{
    const char *slash = strchr(e->row.hiding.by, '/');
    struct suppressor s;
    if (slash != NULL) {
        const struct entry *hider = find_suppressor(a->site, e->row.hiding.by, &s)
                                        ? entry_find(a, s.device, s.rule)
                                        : NULL;
        return hider != NULL && is_true(hider);
    }
    uint32_t feeder = site_device(a->site, e->row.hiding.by);
    return feeder != NONE_INDEX && reach_of(a, feeder) != REACH_ANSWERS &&
           reach_of(a, e->device) != REACH_ANSWERS;
}

/* What hid the entry is over, and what the rules know may be from before that: it waits
 * for samples from after it, and while its clear_hold runs.  Nothing new is to be told
 * of one that was told before and is no worse. */
static bool
is_about_to_show(const struct alarms *a,
                 struct entry *e,
                 int64_t t_ms,
                 struct hiding *out)
{
    const struct hiding *so_far = &e->row.hiding;
    bool news = e->row.untold || e->row.severity > e->row.told_severity;
    bool waits = so_far->until_ms != 0;
    if (e->row.state != ALARM_SUPPRESSED || !news || (!waits && hider_is_true(a, e))) {
        return false;
    }
    struct standing now = standing_of(a, e->device, e->rule);
    int64_t wait_ms = now.stale_after_ms > RETURN_MS ? now.stale_after_ms : RETURN_MS;
    int64_t until_ms = waits ? so_far->until_ms : t_ms + wait_ms;
    int64_t since_ms = until_ms - wait_ms;
    /* What is new of a device that does not answer is only that it does not. */
    if (reach_of(a, e->device) == REACH_SILENT && now.sampled_ms > e->silent_ms) {
        e->silent_ms = now.sampled_ms;
    }
    since_ms = e->silent_ms > since_ms ? e->silent_ms : since_ms;
    bool judged = now.sampled_ms != INSTANT_NONE && now.sampled_ms > since_ms;
    if (!now.clearing && (judged || t_ms >= until_ms)) {
        return false;
    }
    if (now.clearing && now.clears_ms > until_ms) {
        until_ms = now.clears_ms;
    }
    *out = *so_far;
    /* After a restart a clear_hold is looked at with the first sample. */
    out->until_ms = until_ms <= t_ms ? t_ms + wait_ms : until_ms;
    utf8_copy(out->reason, sizeof out->reason,
              strchr(so_far->by, '/') == NULL
                  ? N_("silent until now")
                  : N_("over; not judged on new samples yet"));
    return true;
}

static bool
hidden_by_device(const struct alarms *a,
                 const struct entry *e,
                 uint32_t feeder,
                 struct hiding *out,
                 bool *restless)
{
    return hidden_by_feeder(a, e, feeder, out) ||
           hidden_by_silence(a, e, feeder, out, restless);
}

static bool
is_suppressed(const struct alarms *a,
              struct entry *e,
              int64_t t_ms,
              struct hiding *out,
              bool *restless)
{
    if (hidden_by_rule(a, e, out)) {
        return true;
    }
    for (uint32_t d = fed_by(a, e->device); d != NONE_INDEX; d = fed_by(a, d)) {
        if (hidden_by_device(a, e, d, out, restless)) {
            return true;
        }
    }
    uint32_t bus = a->bus_device[e->device];
    if (bus != NONE_INDEX && hidden_by_device(a, e, bus, out, restless)) {
        return true;
    }
    *restless = is_about_to_show(a, e, t_ms, out);
    return *restless;
}

enum alarm_state
hide_state(const struct alarms *a,
           struct entry *e,
           int64_t t_ms,
           struct hiding *out,
           bool *restless)
{
    *restless = false;
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
    return is_suppressed(a, e, t_ms, out, restless) ? ALARM_SUPPRESSED
                                                    : alarm_unhidden(&e->row);
}
