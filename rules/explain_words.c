/* The verdict of an explanation, in words: what decided, or what is waited for. */
#include <math.h>
#include <stdlib.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "rules/engine.h"
#include "rules/explain.h"

#define REASONS_MAX 4 /* Of one verdict; more is in the parts. */

static bool
is_unknown(const struct explain_part *p)
{
    return p->kind == EXPLAIN_QUALITY ? p->why != NULL : isnan(p->value);
}

/* The part because of which another is unknown. */
static const struct explain_part *
cause_of(const struct explain_part *p)
{
    while (p->why == NULL) {
        const struct explain_part *child = p->first;
        while (child != NULL && !is_unknown(child)) {
            child = child->next;
        }
        if (child == NULL) {
            break; /* Such as a division by 0: it is the cause itself. */
        }
        p = child;
    }
    return p;
}

static void
say_number(struct strbuf *out, double value, const char *unit)
{
    char number[NUMBER_TEXT_BYTES];
    strbuf_add(out, explain_number(number, value));
    if (unit != NULL) {
        strbuf_printf(out, " %s", unit);
    }
}

static void
say_time(struct strbuf *out, int64_t t_ms)
{
    char text[INSTANT_TEXT_BYTES];
    strbuf_add(out, instant_format_local(text, t_ms));
}

static void
say_duration(struct strbuf *out, int64_t ms)
{
    char text[INSTANT_TEXT_BYTES];
    strbuf_add(out, duration_format(text, ms));
}

/* "`count(run, 7d)` is at least 1" where that is all that is known. */
static void
say_range(struct strbuf *out, const struct explain_memory *m)
{
    strbuf_add(out, tr("at least "));
    say_number(out, m->low, m->unit);
    if (isfinite(m->high)) {
        strbuf_add(out, tr(" and at most "));
        say_number(out, m->high, m->unit);
    }
}

static bool
is_range(const struct explain_part *p)
{
    return p->memory != NULL && isnan(p->value) && p->memory->low < p->memory->high;
}

static void
say_unknown(struct strbuf *out, const struct explain_part *part)
{
    const struct explain_part *p = cause_of(part);
    strbuf_printf(out, tr("`%s` is "), p->text);
    if (is_range(p)) {
        say_range(out, p->memory);
        strbuf_printf(out, ": %s", p->why);
        return;
    }
    strbuf_printf(out, tr("unknown: %s"),
                  p->why != NULL ? p->why : tr("it has no finite value"));
}

/* "bearing is 72.3 °C" */
static void
say_side(struct strbuf *out, const struct explain_part *p)
{
    strbuf_printf(out, tr("%s is "), p->text);
    if (p->kind == EXPLAIN_QUALITY) {
        strbuf_add(out, p->word != NULL ? tr_word("quality", p->word) : tr("unknown"));
    } else if (is_range(p)) {
        say_range(out, p->memory);
    } else if (isnan(p->value)) {
        strbuf_add(out, tr("unknown"));
    } else if (p->is_truth) {
        strbuf_add(out, p->value != 0 ? tr("true") : tr("false"));
    } else {
        say_number(out, p->value, p->unit);
    }
}

/* A limit that is compared in another unit than it was written in. */
static bool
is_converted(const struct explain_part *constant)
{
    return !constant->is_truth && strtod(constant->text, NULL) != constant->value;
}

static void
say_one(struct strbuf *out, const struct explain_part *p)
{
    bool first = true;
    strbuf_printf(out, tr("`%s` is %s"), p->text,
                  p->value != 0 ? tr("true") : tr("false"));
    if (p->kind != EXPLAIN_COMPARISON) {
        return;
    }
    for (const struct explain_part *s = p->first; s != NULL; s = s->next) {
        if (s->kind != EXPLAIN_CONSTANT || is_converted(s)) {
            strbuf_add(out, first ? " (" : ", ");
            say_side(out, s);
            first = false;
        }
    }
    strbuf_add(out, first ? "" : ")");
}

/* What decided a part that is known: of `and` that is false, what is false in it. */
static void
say_because(struct strbuf *out, const struct explain_part *p, unsigned *said)
{
    bool composed =
        p->kind == EXPLAIN_AND || p->kind == EXPLAIN_OR || p->kind == EXPLAIN_NOT;
    if (!composed) {
        if (*said < REASONS_MAX) {
            strbuf_add(out, *said > 0 ? tr(" and ") : "");
            say_one(out, p);
        } else if (*said == REASONS_MAX) {
            strbuf_add(out, tr(" and so on"));
        }
        ++*said;
        return;
    }
    for (const struct explain_part *s = p->first; s != NULL; s = s->next) {
        bool decides = p->kind == EXPLAIN_NOT || s->value == p->value;
        if (decides) {
            say_because(out, s, said);
        }
        /* One that is false is enough for `and`, one that is true for `or`. */
        if (decides && ((p->kind == EXPLAIN_AND && p->value == 0) ||
                        (p->kind == EXPLAIN_OR && p->value != 0))) {
            return;
        }
    }
}

static void
say_part(struct strbuf *out, const struct explain_part *p)
{
    unsigned said = 0;
    if (isnan(p->value)) {
        say_unknown(out, p);
    } else {
        say_because(out, p, &said);
    }
}

static const char *
severity_of(const struct explanation *e, uint32_t level)
{
    return severity_word(e->levels[level].severity);
}

/* The next level up whose hold is over first; `level_count`: none waits. */
static uint32_t
pending_level(const struct explanation *e)
{
    uint32_t found = e->level_count;
    for (uint32_t k = 0; k < e->level_count; k++) {
        const struct explain_level *l = &e->levels[k];
        if (!l->raised && l->since_ms != INSTANT_NONE &&
            (found == e->level_count || l->due_ms <= e->levels[found].due_ms)) {
            found = k;
        }
    }
    return found;
}

static void
say_wait(struct strbuf *out, const struct explain_level *l, const char *hold, int64_t t)
{
    strbuf_printf(out, "%s ", hold);
    say_duration(out, l->due_ms - l->since_ms);
    strbuf_add(out, tr(" is over at "));
    say_time(out, l->due_ms);
    strbuf_add(out, tr(", in "));
    say_duration(out, l->due_ms - t);
}

static void
say_not_raised(struct strbuf *out, const struct explanation *e)
{
    uint32_t waits = pending_level(e);
    if (e->resuming) {
        strbuf_add(out,
                   tr("not raised: it waits for the first samples since the start"));
    } else if (e->while_ != NULL && e->while_->value != 1) {
        strbuf_add(out, tr("not raised: it is judged only while `"));
        strbuf_printf(out, tr("%s` is true, and "), e->while_text);
        say_part(out, e->while_);
    } else if (waits < e->level_count) {
        strbuf_add(out, tr("waits: "));
        say_part(out, e->levels[waits].when);
        strbuf_add(out, tr(" since "));
        say_time(out, e->levels[waits].since_ms);
        strbuf_add(out, "; ");
        say_wait(out, &e->levels[waits], "hold", e->t_ms);
    } else {
        uint32_t level = 0;
        for (uint32_t k = e->level_count; k-- > 0;) {
            level = isnan(e->levels[k].when->value) ? k : level;
        }
        strbuf_add(out, tr("not raised: "));
        say_part(out, e->levels[level].when);
    }
}

/* Why what is raised stays so. */
static void
say_raised(struct strbuf *out,
           const struct explanation *e,
           enum tri clear,
           int64_t hold_ms)
{
    const struct explain_level *l = &e->levels[e->state.level];
    if (e->resuming) {
        strbuf_add(out,
                   tr("raised before the start; it waits for the first samples since"));
    } else if (l->since_ms != INSTANT_NONE) {
        strbuf_add(out, tr("raised, but "));
        say_part(out, l->clear != NULL ? l->clear : l->when);
        strbuf_add(out, tr(" since "));
        say_time(out, l->since_ms);
        strbuf_add(out, "; ");
        say_wait(out, l, "clear_hold", e->t_ms);
    } else if (l->when->value == 1) {
        strbuf_add(out, tr("raised because "));
        say_part(out, l->when);
        if (hold_ms > 0) {
            strbuf_add(out, tr(", longer than hold "));
            say_duration(out, hold_ms);
        }
    } else if (e->while_ != NULL && e->while_->value != 1) {
        strbuf_add(out, tr("still raised: it is cleared only while `"));
        strbuf_printf(out, tr("%s` is true, and "), e->while_text);
        say_part(out, e->while_);
    } else if (clear == TRI_UNKNOWN) {
        strbuf_add(out, tr("still raised, as unknown does not clear: "));
        say_part(out, l->clear != NULL ? l->clear : l->when);
    } else {
        strbuf_add(out, tr("still raised: "));
        say_part(out, l->clear != NULL ? l->clear : l->when);
    }
    uint32_t higher = pending_level(e);
    if (higher < e->level_count) {
        strbuf_printf(out, tr("; goes up to %s: "), severity_of(e, higher));
        say_wait(out, &e->levels[higher], "hold", e->t_ms);
    }
}

const char *
explain_verdict(const struct explanation *e, const struct rules *r)
{
    struct strbuf text = {0};
    uint32_t i = engine_find(r, e->device, e->rule);
    struct verdict v;
    judge_look(r, &r->instances[i], e->t_ms, &v);
    if (e->state.level < 0) {
        say_not_raised(&text, e);
    } else {
        say_raised(&text, e, v.clear[e->state.level], r->site->rules[e->rule].hold_ms);
    }
    const char *out = arena_strdup(e->arena, strbuf_text(&text));
    strbuf_fini(&text);
    return out;
}
