#include "daemon/pipeline/replay/replay_diff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"

/* One alarm, from its raising to its clearing. */
struct stand {
    char device[ID_BYTES_MAX], rule[ID_BYTES_MAX];
    enum severity worst; /* Of its levels. */
    int64_t raised_ms;
    int64_t cleared_ms; /* INSTANT_MAX: it stands at the end. */
};

struct replay_alarms {
    struct stand *items;
    size_t count, room;
    size_t *standing; /* Indices of those that are not cleared. */
    size_t standing_count, standing_room;
    bool out_of_memory;
};

struct replay_alarms *
replay_alarms_new(void)
{
    return calloc(1, sizeof(struct replay_alarms));
}

void
replay_alarms_free(struct replay_alarms *a)
{
    if (a == NULL) {
        return;
    }
    free(a->items);
    free(a->standing);
    free(a);
}

/* Room for one more element; NULL with what there was when memory is out. */
static void *
grown(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    size_t more = *room > 0 ? *room * 2 : 64;
    void *bigger = realloc(items, more * size);
    if (bigger != NULL) {
        *room = more;
    }
    return bigger;
}

static void
take_raised(struct replay_alarms *a, const struct event *e)
{
    struct stand *items = grown(a->items, a->count, &a->room, sizeof *items);
    size_t *standing =
        grown(a->standing, a->standing_count, &a->standing_room, sizeof *standing);
    a->items = items != NULL ? items : a->items;
    a->standing = standing != NULL ? standing : a->standing;
    if (items == NULL || standing == NULL) {
        a->out_of_memory = true;
        return;
    }
    struct stand *s = &a->items[a->count];
    *s = (struct stand){
        .worst = e->severity, .raised_ms = e->t_ms, .cleared_ms = INSTANT_MAX};
    snprintf(s->device, sizeof s->device, "%s", e->device);
    snprintf(s->rule, sizeof s->rule, "%s", e->rule);
    a->standing[a->standing_count++] = a->count++;
}

void
replay_alarms_event(void *alarms, const struct event *e)
{
    struct replay_alarms *a = alarms;
    if (e->kind == EVENT_ALARM_RAISED) {
        take_raised(a, e);
        return;
    }
    if (e->kind != EVENT_ALARM_CHANGED && e->kind != EVENT_ALARM_CLEARED) {
        return;
    }
    for (size_t i = 0; i < a->standing_count; i++) {
        struct stand *s = &a->items[a->standing[i]];
        if (strcmp(s->device, e->device) != 0 || strcmp(s->rule, e->rule) != 0) {
            continue;
        }
        if (e->kind == EVENT_ALARM_CHANGED) {
            s->worst = e->severity > s->worst ? e->severity : s->worst;
        } else {
            s->cleared_ms = e->t_ms;
            a->standing[i] = a->standing[--a->standing_count];
        }
        return;
    }
}

/* ---- comparing ---- */

struct pair {
    const struct stand *base, *other; /* NULL: there is none. */
};

static int
compare_places(const struct stand *a, const struct stand *b)
{
    int order = strcmp(a->device, b->device);
    return order != 0 ? order : strcmp(a->rule, b->rule);
}

static int
compare_stands(const void *x, const void *y)
{
    const struct stand *const *a = x;
    const struct stand *const *b = y;
    int order = compare_places(*a, *b);
    return order != 0 ? order
                      : ((*a)->raised_ms > (*b)->raised_ms) -
                            ((*a)->raised_ms < (*b)->raised_ms);
}

static int64_t
pair_time(const struct pair *p)
{
    if (p->base == NULL || p->other == NULL) {
        return p->base != NULL ? p->base->raised_ms : p->other->raised_ms;
    }
    return p->base->raised_ms < p->other->raised_ms ? p->base->raised_ms
                                                    : p->other->raised_ms;
}

static int
compare_pairs(const void *x, const void *y)
{
    const struct pair *a = x;
    const struct pair *b = y;
    int64_t ta = pair_time(a);
    int64_t tb = pair_time(b);
    return ta != tb ? (ta > tb) - (ta < tb)
                    : compare_places(a->base != NULL ? a->base : a->other,
                                     b->base != NULL ? b->base : b->other);
}

/* Which comes first of two that are not the same alarm; 0: they are. */
static int
which_first(const struct stand *base, const struct stand *other)
{
    int order = compare_places(base, other);
    if (order != 0) {
        return order;
    }
    if (base->cleared_ms < other->raised_ms) {
        return -1;
    }
    return other->cleared_ms < base->raised_ms ? 1 : 0;
}

static const struct stand **
sorted(const struct replay_alarms *a)
{
    const struct stand **list = malloc((a->count + 1) * sizeof(const struct stand *));
    for (size_t i = 0; list != NULL && i < a->count; i++) {
        list[i] = &a->items[i];
    }
    if (list != NULL) {
        qsort(list, a->count, sizeof(const struct stand *), compare_stands);
    }
    return list;
}

/* Into `pairs`, which has room for all of both; returns how many. */
static size_t
match(struct pair *pairs,
      const struct stand **base,
      size_t base_count,
      const struct stand **other,
      size_t other_count)
{
    size_t b = 0;
    size_t o = 0;
    size_t count = 0;
    while (b < base_count || o < other_count) {
        int first = b == base_count    ? 1
                    : o == other_count ? -1
                                       : which_first(base[b], other[o]);
        pairs[count++] = (struct pair){.base = first <= 0 ? base[b++] : NULL,
                                       .other = first >= 0 ? other[o++] : NULL};
    }
    return count;
}

static bool
is_same(const struct pair *p)
{
    return p->base != NULL && p->other != NULL &&
           p->base->raised_ms == p->other->raised_ms &&
           p->base->cleared_ms == p->other->cleared_ms &&
           p->base->worst == p->other->worst;
}

static void
count_pair(struct replay_diff_counts *c, const struct pair *p)
{
    c->gained += p->base == NULL;
    c->lost += p->other == NULL;
    c->same += is_same(p);
    c->moved += p->base != NULL && p->other != NULL && !is_same(p);
}

static bool
differs(const struct replay_diff_counts *c)
{
    return c->gained + c->lost + c->moved > 0;
}

/* Of pairs in the order of match(), where a device and rule stand together. */
static int
count_all(struct replay_diff *diff,
          const struct pair *pairs,
          size_t count,
          bool same_too,
          struct err *err)
{
    const struct stand *last = NULL;
    struct replay_diff_total *total = NULL;
    diff->totals = calloc(count + 1, sizeof *diff->totals);
    if (diff->totals == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to compare so many alarms");
    }
    for (size_t i = 0; i < count; i++) {
        const struct stand *s = pairs[i].base != NULL ? pairs[i].base : pairs[i].other;
        if (last == NULL || compare_places(last, s) != 0) {
            diff->total_count += total != NULL && (same_too || differs(&total->counts));
            total = &diff->totals[diff->total_count];
            *total = (struct replay_diff_total){.counts = {0}};
            snprintf(total->device, sizeof total->device, "%s", s->device);
            snprintf(total->rule, sizeof total->rule, "%s", s->rule);
            last = s;
        }
        count_pair(&total->counts, &pairs[i]);
        count_pair(&diff->all, &pairs[i]);
    }
    diff->total_count += total != NULL && (same_too || differs(&total->counts));
    return 0;
}

void
replay_diff_fini(struct replay_diff *d)
{
    free(d->totals);
    *d = (struct replay_diff){.totals = NULL};
}

/* ---- printing ---- */

/* NULL: it is the same. */
static const char *
kind_of(const struct pair *p)
{
    return p->base == NULL    ? N_("gained")
           : p->other == NULL ? N_("lost")
           : is_same(p)       ? NULL
                              : N_("moved");
}

static void
add_fields(struct strbuf *out, const struct stand *s)
{
    strbuf_json_str(out, "severity", severity_name(s->worst));
    strbuf_json_time(out, "raised_at", s->raised_ms);
    strbuf_json_time(out, "cleared_at",
                     s->cleared_ms == INSTANT_MAX ? INSTANT_NONE : s->cleared_ms);
}

static void
add_json(struct strbuf *out, const struct pair *p, const char *kind)
{
    const struct stand *s = p->base != NULL ? p->base : p->other;
    strbuf_add_char(out, '{');
    strbuf_json_time(out, "t", pair_time(p));
    strbuf_json_str(out, "diff", kind);
    strbuf_json_str(out, "device", s->device);
    strbuf_json_str(out, "rule", s->rule);
    add_fields(out, s);
    if (p->base != NULL && p->other != NULL) {
        strbuf_json_key(out, "other");
        strbuf_add_char(out, '{');
        add_fields(out, p->other);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, '}');
}

static void
add_moment(struct strbuf *out, int64_t t_ms)
{
    char text[INSTANT_TEXT_BYTES];
    strbuf_add(out,
               t_ms == INSTANT_MAX ? tr("the end") : instant_format_local(text, t_ms));
}

/* "raised 12s later", where it is the same: nothing. */
static void
add_shift(struct strbuf *out, const char *what, int64_t base_ms, int64_t other_ms)
{
    char text[INSTANT_TEXT_BYTES];
    if (base_ms == other_ms) {
        return;
    }
    if (base_ms == INSTANT_MAX || other_ms == INSTANT_MAX) {
        strbuf_printf(out, tr(", %s at "), what);
        add_moment(out, other_ms);
        strbuf_add(out, tr(" instead of "));
        add_moment(out, base_ms);
        return;
    }
    int64_t by_ms = other_ms > base_ms ? other_ms - base_ms : base_ms - other_ms;
    strbuf_printf(out, ", %s %s %s", what, duration_write(text, by_ms),
                  other_ms > base_ms ? tr("later") : tr("earlier"));
}

static void
add_text(struct strbuf *out, const struct pair *p, const char *kind)
{
    const struct stand *s = p->base != NULL ? p->base : p->other;
    add_moment(out, pair_time(p));
    strbuf_printf(out, "  %-6s  %s/%s, %s", tr(kind), s->device, s->rule,
                  severity_word(s->worst));
    if (p->base == NULL || p->other == NULL) {
        strbuf_add(out, tr(", until "));
        add_moment(out, s->cleared_ms);
    } else {
        if (p->base->worst != p->other->worst) {
            strbuf_printf(out, tr(", now %s"), severity_word(p->other->worst));
        }
        add_shift(out, tr("raised"), p->base->raised_ms, p->other->raised_ms);
        add_shift(out, tr("cleared"), p->base->cleared_ms, p->other->cleared_ms);
    }
    strbuf_add_char(out, '\n');
}

/* The alarms of both, paired, in order of time; `*pairs` is owned by the caller, also
 * after a failure. */
static int
compare_runs(const struct replay_alarms *base,
             const struct replay_alarms *other,
             bool same_too,
             struct pair **pairs,
             size_t *count,
             struct replay_diff *diff,
             struct err *err)
{
    const struct stand **b = sorted(base);
    const struct stand **o = sorted(other);
    int code = 0;
    *diff = (struct replay_diff){.totals = NULL};
    *pairs = malloc((base->count + other->count + 1) * sizeof **pairs);
    if (b == NULL || o == NULL || *pairs == NULL || base->out_of_memory ||
        other->out_of_memory) {
        code = err_set(err, ERR_NOMEM, "no memory to compare so many alarms");
    } else {
        *count = match(*pairs, b, base->count, o, other->count);
        code = count_all(diff, *pairs, *count, same_too, err);
    }
    if (code == 0) {
        qsort(*pairs, *count, sizeof **pairs, compare_pairs);
    }
    free(b);
    free(o);
    return code;
}

int
replay_diff_print(const struct replay_alarms *base,
                  const struct replay_alarms *other,
                  enum replay_format format,
                  FILE *out,
                  struct replay_diff *diff,
                  struct err *err)
{
    struct pair *pairs = NULL;
    struct strbuf line = {0};
    size_t count = 0;
    int code = compare_runs(base, other, false, &pairs, &count, diff, err);
    for (size_t i = 0; code == 0 && i < count; i++) {
        const char *kind = kind_of(&pairs[i]);
        if (kind == NULL) {
            continue;
        }
        strbuf_clear(&line);
        if (format == REPLAY_JSONL) {
            add_json(&line, &pairs[i], kind);
            strbuf_add_char(&line, '\n');
        } else {
            add_text(&line, &pairs[i], kind);
        }
        fwrite(line.text, 1, line.size, out);
    }
    if (code == 0 && fflush(out) != 0) {
        code = err_set(err, ERR_IO, "the output cannot be written");
    }
    strbuf_fini(&line);
    free(pairs);
    return code;
}

int
replay_diff_json(const struct replay_alarms *base,
                 const struct replay_alarms *other,
                 size_t most,
                 struct strbuf *out,
                 size_t *left_out,
                 struct replay_diff *diff,
                 struct err *err)
{
    struct pair *pairs = NULL;
    size_t count = 0;
    int code = compare_runs(base, other, true, &pairs, &count, diff, err);
    size_t first = count > most ? count - most : 0;
    strbuf_add_char(out, '[');
    for (size_t i = first; code == 0 && i < count; i++) {
        const char *kind = kind_of(&pairs[i]);
        strbuf_add(out, i > first ? "," : "");
        add_json(out, &pairs[i], kind != NULL ? kind : "same");
    }
    strbuf_add_char(out, ']');
    if (left_out != NULL) {
        *left_out = first;
    }
    free(pairs);
    return code;
}
