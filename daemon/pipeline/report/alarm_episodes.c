#include "daemon/pipeline/report/alarm_episodes.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/state.h"

#define FREE_SLOT UINT32_MAX

void
alarm_episodes_init(struct alarm_episodes *a)
{
    *a = (struct alarm_episodes){.first_ms = INSTANT_NONE};
}

void
alarm_episodes_fini(struct alarm_episodes *a)
{
    free(a->items);
    free(a->names);
    free(a->open);
    free(a->table);
    alarm_episodes_init(a);
}

/* FNV-1a over both ids. */
static uint32_t
hash(const char *device, const char *rule)
{
    uint32_t h = 2166136261u;
    for (const char *c = device; *c != '\0'; c++) {
        h = (h ^ (unsigned char)*c) * 16777619u;
    }
    h = (h ^ '/') * 16777619u;
    for (const char *c = rule; *c != '\0'; c++) {
        h = (h ^ (unsigned char)*c) * 16777619u;
    }
    return h;
}

/* Where the name stands in the table, or where it would. */
static uint32_t *
slot_of(const struct alarm_episodes *a, const char *device, const char *rule)
{
    uint32_t at = hash(device, rule) & (a->table_size - 1);
    for (; a->table[at] != FREE_SLOT; at = (at + 1) & (a->table_size - 1)) {
        const struct alarm_name *n = &a->names[a->table[at]];
        if (strcmp(n->device, device) == 0 && strcmp(n->rule, rule) == 0) {
            break;
        }
    }
    return &a->table[at];
}

/* Room for one more name, in a table that is at most half full. */
static bool
grow_names(struct alarm_episodes *a)
{
    if (a->name_count < a->name_room) {
        return true;
    }
    uint32_t room = a->name_room == 0 ? 64 : a->name_room * 2;
    struct alarm_name *names = realloc(a->names, room * sizeof *names);
    a->names = names != NULL ? names : a->names;
    size_t *open = realloc(a->open, room * sizeof *open);
    a->open = open != NULL ? open : a->open;
    uint32_t *table = malloc(2 * (size_t)room * sizeof *table);
    if (names == NULL || open == NULL || table == NULL) {
        free(table);
        return false;
    }
    free(a->table);
    a->table = table;
    a->table_size = 2 * room;
    a->name_room = room;
    memset(table, 0xFF, 2 * (size_t)room * sizeof *table);
    for (uint32_t i = 0; i < a->name_count; i++) {
        *slot_of(a, a->names[i].device, a->names[i].rule) = i;
    }
    return true;
}

/* NONE_INDEX: memory is out, which was noted. */
static uint32_t
name_of(struct alarm_episodes *a, const char *device, const char *rule)
{
    if (!grow_names(a)) {
        a->out_of_memory = true;
        return NONE_INDEX;
    }
    uint32_t *slot = slot_of(a, device, rule);
    if (*slot == FREE_SLOT) {
        struct alarm_name *n = &a->names[a->name_count];
        *n = (struct alarm_name){0};
        snprintf(n->device, sizeof n->device, "%.*s", ID_BYTES_MAX - 1, device);
        snprintf(n->rule, sizeof n->rule, "%.*s", ID_BYTES_MAX - 1, rule);
        a->open[a->name_count] = SIZE_MAX;
        *slot = a->name_count++;
    }
    return *slot;
}

static void
raise(struct alarm_episodes *a, uint32_t name, const struct event *e)
{
    if (a->count == a->room) {
        size_t room = a->room == 0 ? 256 : a->room * 2;
        struct alarm_quality_episode *items = realloc(a->items, room * sizeof *items);
        if (items == NULL) {
            a->out_of_memory = true;
            return;
        }
        a->items = items;
        a->room = room;
    }
    if (a->open[name] != SIZE_MAX) { /* Its clearing was never told. */
        a->items[a->open[name]].cleared_ms = e->t_ms;
    }
    a->open[name] = a->count;
    a->items[a->count++] = (struct alarm_quality_episode){
        .alarm = name,
        .severity = e->severity,
        .raised_ms = e->t_ms,
        .cleared_ms = INSTANT_MAX,
    };
}

void
alarm_episodes_event(void *episodes, const struct event *e)
{
    struct alarm_episodes *a = episodes;
    a->first_ms = a->first_ms == INSTANT_NONE ? e->t_ms : a->first_ms;
    if ((e->kind != EVENT_ALARM_RAISED && e->kind != EVENT_ALARM_CHANGED &&
         e->kind != EVENT_ALARM_CLEARED) ||
        e->device == NULL || e->rule == NULL) {
        return;
    }
    uint32_t name = name_of(a, e->device, e->rule);
    if (name == NONE_INDEX) {
        return;
    }
    if (e->kind == EVENT_ALARM_RAISED) {
        raise(a, name, e);
        return;
    }
    if (a->open[name] == SIZE_MAX) {
        return;
    }
    struct alarm_quality_episode *open = &a->items[a->open[name]];
    if (e->kind == EVENT_ALARM_CLEARED) {
        open->cleared_ms = e->t_ms > open->raised_ms ? e->t_ms : open->raised_ms;
        a->open[name] = SIZE_MAX;
    } else if (e->severity > open->severity) {
        open->severity = e->severity; /* The highest it reached. */
    }
}

/* ---- from the database ---- */

struct reading_events {
    struct alarm_episodes *out;
    bool *raised; /* By name: its row says so. */
    bool malformed;
};

static bool
take_row(void *ctx, const struct event_row *row)
{
    struct reading_events *r = ctx;
    struct event e = {.t_ms = row->t_ms, .device = row->device, .rule = row->rule};
    if (!event_kind_parse(&e.kind, row->name)) {
        return true; /* Of a later version: readers pass over what they do not know. */
    }
    if (e.kind == EVENT_ALARM_RAISED || e.kind == EVENT_ALARM_CHANGED) {
        json_t *root = json_loads(row->json, 0, NULL);
        const char *severity = json_string_value(json_object_get(root, "severity"));
        bool known = severity != NULL && severity_parse(&e.severity, severity);
        json_decref(root);
        r->malformed = !known;
        if (!known) {
            return false;
        }
    }
    alarm_episodes_event(r->out, &e);
    return !r->out->out_of_memory;
}

static bool
take_alarm(void *ctx, const struct alarm *row)
{
    struct reading_events *r = ctx;
    if (r->out->name_count > 0 && row->raised_ms != INSTANT_NONE &&
        row->cleared_ms == INSTANT_NONE) {
        uint32_t slot = *slot_of(r->out, row->device, row->rule);
        if (slot != FREE_SLOT) {
            r->raised[slot] = true;
        }
    }
    return true;
}

static void
close_forgotten(struct alarm_episodes *a, const bool *raised)
{
    for (uint32_t i = 0; i < a->name_count; i++) {
        if (a->open[i] != SIZE_MAX && !raised[i]) {
            a->items[a->open[i]].cleared_ms = a->items[a->open[i]].raised_ms;
            a->open[i] = SIZE_MAX;
        }
    }
}

int
alarm_episodes_read(struct alarm_episodes *a, const char *dir, struct err *err)
{
    struct state *state = NULL;
    struct reading_events r = {.out = a};
    int code = state_open(&state, dir, STORE_READ, err);
    if (code != 0) {
        return code;
    }
    code = state_each_event(state, 0, 0, take_row, &r, err);
    if (code == 0 && r.malformed) {
        code = err_set(err, ERR_IO, "%s: an alarm's event has no known severity", dir);
    }
    r.raised = calloc((size_t)a->name_count + 1, sizeof *r.raised);
    if (code == 0 && (a->out_of_memory || r.raised == NULL)) {
        code = err_set(err, ERR_NOMEM, "no memory for so many alarms");
    }
    if (code == 0) {
        code = state_each_alarm(state, false, take_alarm, &r, err);
    }
    if (code == 0) {
        close_forgotten(a, r.raised);
    }
    free(r.raised);
    state_close(state);
    return code;
}
