#include "daemon/pipeline/replay/case_check.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/base/strbuf.h"

#define NEAREST_SHOWN 3

static bool
same(const char *wanted, const char *value)
{
    return wanted == NULL || (value != NULL && strcmp(wanted, value) == 0);
}

static bool
same_or_both_none(const char *a, const char *b)
{
    return a == NULL ? b == NULL : b != NULL && strcmp(a, b) == 0;
}

/* What an expectation may say of a ticket's event: a word or a number, by its key. */
struct trait {
    const char *key;
    const char *word;       /* Expected; NULL: any. */
    const char *other_word; /* Of what it is compared with. */
    int64_t number;         /* The same; 0: any. */
    int64_t other_number;
};
#define TRAITS 13

static const char *
or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* A level may tell several: "chen,zhao". */
static bool
is_told(const char *told, const char *person)
{
    size_t size = person != NULL ? strlen(person) : 0;
    for (const char *at = told; at != NULL && size > 0; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, person, size) == 0 && (at[size] == ',' || at[size] == '\0')) {
            return true;
        }
    }
    return false;
}

static void
traits_of(struct trait out[TRAITS], const struct case_expect *x, const struct event *e)
{
    const struct trait traits[TRAITS] = {
        {"assignee", x->assignee, e->assignee, 0, 0},
        {"to", x->to, is_told(e->to, x->to) ? x->to : e->to, 0, 0},
        {"level", NULL, NULL, x->level, e->level},
        {"by", x->by, e->by, 0, 0},
        {"team", x->team, e->team, 0, 0},
        {"category", x->category, e->category, 0, 0},
        {"pause", or_null(pause_name(x->pause)), pause_name(e->pause), 0, 0},
        {"proof", or_null(proof_name(x->proof)), proof_name(e->proof), 0, 0},
        {"cause", x->cause, e->cause, 0, 0},
        {"minutes", NULL, NULL, x->minutes, e->minutes},
        {"cost", NULL, NULL, x->cost, e->cost},
        {"step", NULL, NULL, x->step, e->step},
        {"rating", NULL, NULL, x->rating, e->rating},
    };
    memcpy(out, traits, sizeof traits);
}

static int
trait_differences(const struct case_expect *x, const struct event *e)
{
    struct trait traits[TRAITS];
    int count = 0;
    traits_of(traits, x, e);
    for (size_t i = 0; i < TRAITS; i++) {
        const struct trait *t = &traits[i];
        count += !same(t->word, t->other_word) ||
                 (t->number != 0 && t->number != t->other_number);
    }
    return count;
}

/* In the words of the case. */
static void
describe_traits(const struct case_expect *x, struct strbuf *out)
{
    struct trait traits[TRAITS];
    traits_of(traits, x, &(struct event){0});
    for (size_t i = 0; i < TRAITS; i++) {
        const struct trait *t = &traits[i];
        char money[MONEY_TEXT_BYTES];
        if (t->word != NULL) {
            strbuf_printf(out, ", %s %s", t->key, t->word);
        } else if (t->number != 0 && strcmp(t->key, "cost") == 0) {
            strbuf_printf(out, ", %s %s", t->key, money_format(money, t->number));
        } else if (t->number != 0) {
            strbuf_printf(out, ", %s %lld", t->key, (long long)t->number);
        }
    }
}

/* How many of what is expected beside event, device and rule the event has not. */
static int
differences(const struct case_expect *x, const struct event *e)
{
    return trait_differences(x, e) + (x->ticket != 0 && x->ticket != e->ticket) +
           (x->episode != 0 && x->episode != e->episode) +
           (x->has_value && !(e->has_value && x->value == e->value)) +
           (x->severity != NULL &&
            strcmp(x->severity, severity_name(e->severity)) != 0) +
           !same(x->deadline, e->deadline) + !same(x->plan, e->plan) +
           (x->kind != NULL &&
            (e->kind != EVENT_TICKET_OPENED ||
             strcmp(x->kind, ticket_kind_name(e->ticket_kind)) != 0));
}

static bool
fits(const struct case_expect *x, const struct event *e)
{
    return x->event == e->kind && same(x->device, e->device) &&
           same(x->rule, e->rule) && differences(x, e) == 0;
}

static int64_t
at_of(const struct case_check *c, const struct case_expect *x)
{
    return c->at_ms[x - c->spec->expects];
}

static int64_t
distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

static void
describe(const struct case_check *c, const struct case_expect *x, struct strbuf *out)
{
    strbuf_printf(out, "%s %s", x->never ? tr("never") : tr("expected"),
                  event_kind_name(x->event));
    if (x->device != NULL) {
        strbuf_printf(out, tr(" of %s"), x->device);
    }
    if (x->rule != NULL) {
        strbuf_printf(out, tr(" by %s"), x->rule);
    }
    if (x->severity != NULL) {
        strbuf_printf(out, " (%s)", x->severity);
    }
    if (x->ticket != 0) {
        strbuf_printf(out, tr(", ticket %lld"), (long long)x->ticket);
    }
    if (x->episode != 0) {
        strbuf_printf(out, tr(", episode %lld"), (long long)x->episode);
    }
    if (x->has_value) {
        strbuf_add(out, tr(", value "));
        strbuf_add_number(out, x->value);
    }
    if (x->deadline != NULL) {
        strbuf_printf(out, tr(", deadline %s"), x->deadline);
    }
    if (x->kind != NULL) {
        strbuf_printf(out, tr(", kind %s"), x->kind);
    }
    if (x->plan != NULL) {
        strbuf_printf(out, tr(", plan %s"), x->plan);
    }
    describe_traits(x, out);
    if (x->at.kind != CASE_TIME_NONE) {
        char when[INSTANT_TEXT_BYTES];
        strbuf_printf(out, tr(" at %s"), instant_format_local(when, at_of(c, x)));
        if (x->within_ms > 0) {
            strbuf_printf(out, tr(" within %s"), duration_format(when, x->within_ms));
        }
    }
}

static void
tell_failed(const struct case_check *c, const struct case_expect *x)
{
    struct strbuf text = {0};
    describe(c, x, &text);
    fprintf(c->out, "  %s:%u:%u: %s\n", x->loc.file, x->loc.line, x->loc.column,
            text.text);
    strbuf_fini(&text);
}

/* What came instead: the same event elsewhere or at another time counts most, then
 * others of the same device; among equals what differs in fewer of its words, then the
 * nearest in time. */
static int64_t
strangeness(const struct case_check *c,
            const struct case_expect *x,
            const struct event *e)
{
    int64_t score = 0;
    score += x->event != e->kind ? INT64_C(1) << 50 : 0;
    score += !same(x->device, e->device) ? INT64_C(1) << 51 : 0;
    score += !same(x->rule, e->rule) ? INT64_C(1) << 49 : 0;
    if (x->event == e->kind) {
        score += (int64_t)differences(x, e) << 46;
    }
    if (x->at.kind != CASE_TIME_NONE) {
        score += distance(e->t_ms, at_of(c, x));
    }
    return score;
}

/* With what its text does not say and was asked for, and how far it was from when it
 * was expected. */
static void
show_came(const struct case_check *c,
          const struct case_expect *x,
          const struct case_event *k)
{
    char text[INSTANT_TEXT_BYTES];
    fprintf(c->out, tr("    came: %s"), k->text);
    if (x->episode != 0 && k->event.episode != 0) {
        fprintf(c->out, tr(", episode %lld"), (long long)k->event.episode);
    }
    if (x->has_value && k->event.has_value) {
        number_format(text, k->event.value);
        fprintf(c->out, tr(", value %s"), text);
    }
    if (x->at.kind != CASE_TIME_NONE) {
        int64_t late_ms = k->event.t_ms - at_of(c, x);
        if (late_ms == 0) {
            fprintf(c->out, tr("  (at that time)"));
        } else {
            fprintf(c->out, "  (%s %s)",
                    duration_format(text, late_ms > 0 ? late_ms : -late_ms),
                    late_ms > 0 ? tr("later") : tr("earlier"));
        }
    }
    fputc('\n', c->out);
}

static void
show_nearest(const struct case_check *c, const struct case_expect *x)
{
    int64_t shown_up_to = -1;
    unsigned shown = 0;
    while (shown < NEAREST_SHOWN) {
        int64_t best = INT64_MAX;
        for (size_t i = 0; i < c->event_count; i++) {
            int64_t score = strangeness(c, x, &c->events[i].event);
            if (score > shown_up_to && score < best) {
                best = score;
            }
        }
        if (best == INT64_MAX) {
            break;
        }
        for (size_t i = 0; i < c->event_count && shown < NEAREST_SHOWN; i++) {
            if (strangeness(c, x, &c->events[i].event) == best) {
                show_came(c, x, &c->events[i]);
                shown++;
            }
        }
        shown_up_to = best;
    }
    if (shown == 0) {
        fprintf(c->out, tr("    came: nothing at all\n"));
    }
}

static bool
same_traits(const struct case_expect *a, const struct case_expect *b)
{
    struct trait of_a[TRAITS];
    struct trait of_b[TRAITS];
    traits_of(of_a, a, &(struct event){0});
    traits_of(of_b, b, &(struct event){0});
    for (size_t i = 0; i < TRAITS; i++) {
        if (!same_or_both_none(of_a[i].word, of_b[i].word) ||
            of_a[i].number != of_b[i].number) {
            return false;
        }
    }
    return true;
}

static bool
same_expect(const struct case_expect *a, const struct case_expect *b)
{
    return a->never == b->never && a->event == b->event && a->ticket == b->ticket &&
           a->episode == b->episode && a->has_value == b->has_value &&
           a->value == b->value && a->within_ms == b->within_ms &&
           a->at.kind == b->at.kind && a->at.ms == b->at.ms &&
           same_or_both_none(a->device, b->device) &&
           same_or_both_none(a->rule, b->rule) &&
           same_or_both_none(a->severity, b->severity) &&
           same_or_both_none(a->deadline, b->deadline) &&
           same_or_both_none(a->plan, b->plan) && same_or_both_none(a->kind, b->kind) &&
           same_traits(a, b);
}

/* One event may be what several expectations mean, each in its own words.  Only the
 * very same one written n times wants n events. */
static bool
check_expect(const struct case_check *c, const struct case_expect *x)
{
    int64_t at_ms = at_of(c, x);
    size_t wanted = 1;
    size_t came = 0;
    const struct case_event *first = NULL;
    for (const struct case_expect *e = c->spec->expects; e < x; e++) {
        wanted += same_expect(e, x);
    }
    for (size_t i = 0; i < c->event_count; i++) {
        const struct case_event *k = &c->events[i];
        if (fits(x, &k->event) &&
            (at_ms == INSTANT_NONE || distance(k->event.t_ms, at_ms) <= x->within_ms)) {
            first = first != NULL ? first : k;
            came++;
        }
    }
    if (x->never ? came == 0 : came >= wanted) {
        return true;
    }
    tell_failed(c, x);
    if (x->never) {
        show_came(c, x, first);
    } else {
        show_nearest(c, x);
    }
    return false;
}

unsigned
case_check(const struct case_check *c)
{
    unsigned failed = 0;
    for (uint32_t i = 0; i < c->spec->expect_count; i++) {
        failed += !check_expect(c, &c->spec->expects[i]);
    }
    return failed;
}
