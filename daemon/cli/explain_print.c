#include "daemon/cli/explain_print.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "rules/explain.h"

#define INDENT 2

static const char *
text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

static double
number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static bool
is_given(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value != NULL && !json_is_null(value);
}

/* In the site's zone, into `out` of INSTANT_TEXT_BYTES. */
static const char *
when(char *out, const json_t *object, const char *key)
{
    int64_t t_ms = 0;
    if (instant_parse(&t_ms, text(object, key), NULL) != 0) {
        return "-";
    }
    return instant_format_local(out, t_ms);
}

static const char *
duration(char *out, double seconds)
{
    return duration_format(out, (int64_t)llround(seconds * 1000));
}

static void
print_number(double value, const char *unit)
{
    char digits[NUMBER_TEXT_BYTES];
    printf("%s%s%s", explain_number(digits, value), unit[0] != '\0' ? " " : "", unit);
}

static void
print_value(const json_t *object)
{
    const json_t *value = json_object_get(object, "value");
    if (json_is_boolean(value)) {
        printf("%s", json_is_true(value) ? tr("true") : tr("false"));
    } else if (json_is_string(value)) {
        printf("%s", tr_word("quality", json_string_value(value)));
    } else if (json_is_number(value)) {
        print_number(json_number_value(value), text(object, "unit"));
    } else {
        printf(tr("unknown"));
    }
}

/* ---- conditions ---- */

/* A limit is shown where it was written in another unit than it is compared in. */
static bool
is_other_than_written(const json_t *comparison, const json_t *limit)
{
    return strcmp(text(comparison, "kind"), "comparison") == 0 &&
           json_is_number(json_object_get(limit, "value")) &&
           strtod(text(limit, "text"), NULL) != number(limit, "value");
}

static void
print_parts(const json_t *part, int depth)
{
    size_t i;
    const json_t *child;
    json_array_foreach(json_object_get(part, "parts"), i, child)
    {
        if (strcmp(text(child, "kind"), "constant") == 0 &&
            !is_other_than_written(part, child)) {
            continue;
        }
        printf("%*s%s: ", INDENT * depth, "", text(child, "text"));
        print_value(child);
        if (is_given(child, "why")) {
            printf(", %s", text(child, "why"));
        }
        putchar('\n');
        print_parts(child, depth + 1);
    }
}

static void
print_condition(const char *name, const json_t *part, int depth)
{
    printf("%*s%s `%s`: ", INDENT * depth, "", name, text(part, "text"));
    print_value(part);
    if (is_given(part, "why")) {
        printf(", %s", text(part, "why"));
    }
    putchar('\n');
    print_parts(part, depth + 1);
}

static void
print_hold(const json_t *root, const json_t *level, int depth)
{
    char since[INSTANT_TEXT_BYTES];
    char due[INSTANT_TEXT_BYTES];
    char length[INSTANT_TEXT_BYTES];
    bool raised = json_is_true(json_object_get(level, "raised"));
    const char *key = raised ? "clear_hold_ms" : "hold_ms";
    double hold_ms = number(root, key);
    if (!is_given(level, "since")) {
        return;
    }
    printf(tr("%*s%s %s: since %s, over at %s\n"), INDENT * depth, "",
           raised ? "clear_hold" : "hold", duration(length, hold_ms / 1000),
           when(since, level, "since"), when(due, level, "due"));
}

static void
print_conditions(const json_t *root)
{
    const json_t *levels = json_object_get(root, "levels");
    size_t count = json_array_size(levels);
    size_t i;
    const json_t *level;
    if (is_given(root, "while")) {
        print_condition("while", json_object_get(root, "while"), 0);
    }
    json_array_foreach(levels, i, level)
    {
        int depth = count > 1 ? 1 : 0;
        if (depth > 0) {
            printf("%s%s\n", tr_word("severity", text(level, "severity")),
                   json_is_true(json_object_get(level, "raised")) ? tr(", raised")
                                                                  : "");
        }
        print_condition("when", json_object_get(level, "when"), depth);
        if (is_given(level, "clear")) {
            print_condition("clear", json_object_get(level, "clear"), depth);
        }
        print_hold(root, level, depth);
    }
}

/* ---- points and windows ---- */

static void
print_points(const json_t *points)
{
    char time[INSTANT_TEXT_BYTES];
    size_t i;
    const json_t *p;
    printf("%s", json_array_size(points) > 0 ? tr("points\n") : "");
    json_array_foreach(points, i, p)
    {
        printf("%*s%s.%s: ", INDENT, "", text(p, "device"), text(p, "point"));
        print_value(p);
        printf(", %s", tr_word("quality", text(p, "quality")));
        if (text(p, "detail")[0] != '\0' &&
            strcmp(text(p, "detail"), text(p, "quality")) != 0) {
            printf(" %s", text(p, "detail"));
        }
        if (!is_given(p, "last")) {
            printf(tr(", never read\n"));
            continue;
        }
        if (is_given(p, "last_good")) {
            printf(tr(", last good %s ago"), duration(time, number(p, "age_s")));
            printf(tr(" at %s"), when(time, p, "last_good"));
        } else {
            printf(tr(", never good"));
        }
        if (is_given(p, "stale_at")) {
            printf(tr(", stale at %s"), when(time, p, "stale_at"));
        }
        putchar('\n');
    }
}

static void
print_window(const json_t *m)
{
    char first[INSTANT_TEXT_BYTES];
    char width[INSTANT_TEXT_BYTES];
    printf(tr("; %.0f good samples"), number(m, "samples"));
    if (is_given(m, "first")) {
        printf(tr(" since %s, spanning %s"), when(first, m, "first"),
               duration(width, number(m, "covered_s")));
    }
    printf(tr(" of %s (%s needed)"), duration(first, number(m, "width_s")),
           duration(width, number(m, "needed_s")));
}

static void
print_spans(const json_t *m)
{
    char width[INSTANT_TEXT_BYTES];
    char part[INSTANT_TEXT_BYTES];
    if (!is_given(m, "value")) {
        printf(tr(", at least "));
        print_number(number(m, "low"), text(m, "unit"));
        if (is_given(m, "high")) {
            printf(tr(" and at most "));
            print_number(number(m, "high"), text(m, "unit"));
        }
    }
    printf(tr("; in the last %s: "), duration(width, number(m, "width_s")));
    printf(tr("%.0f starts, true for %s, "), number(m, "starts"),
           duration(part, number(m, "true_s")));
    printf(tr("not known for %s"), duration(part, number(m, "unknown_s")));
}

static void
print_windows(const json_t *windows)
{
    char time[INSTANT_TEXT_BYTES];
    size_t i;
    const json_t *m;
    printf("%s", json_array_size(windows) > 0 ? tr("windows and counters\n") : "");
    json_array_foreach(windows, i, m)
    {
        const char *kind = text(m, "kind");
        bool spans = strcmp(kind, "count") == 0 || strcmp(kind, "time") == 0;
        printf("%*s%s: ", INDENT, "", text(m, "text"));
        print_value(m);
        if (strcmp(kind, "window") == 0) {
            print_window(m);
        } else if (spans) {
            print_spans(m);
        } else if (is_given(m, "since")) {
            printf(tr("; as it is since %s"), when(time, m, "since"));
            printf(tr(", last known at %s"), when(time, m, "last"));
        }
        putchar('\n');
    }
}

/* ---- the alarm ---- */

static void
print_hiding(const json_t *alarm)
{
    char time[INSTANT_TEXT_BYTES];
    if (!is_given(alarm, "hidden_by")) {
        return;
    }
    printf(tr("%*shidden by %s"), INDENT, "", text(alarm, "hidden_by"));
    printf(tr(" since %s"), when(time, alarm, "hidden_since"));
    if (is_given(alarm, "hidden_until")) {
        printf(tr(" until %s"), when(time, alarm, "hidden_until"));
    }
    printf("%s%s\n", text(alarm, "hidden_reason")[0] != '\0' ? ": " : "",
           tr(text(alarm, "hidden_reason")));
}

static void
print_alarm(const json_t *root)
{
    char time[INSTANT_TEXT_BYTES];
    const json_t *alarm = json_object_get(root, "alarm");
    if (!is_given(root, "alarm")) {
        printf(tr("alarm: none\n"));
        return;
    }
    printf(tr("alarm: %s, %s, episode %.0f"),
           tr_word("alarm_state", text(alarm, "state")),
           tr_word("severity", text(alarm, "severity")), number(alarm, "episode"));
    printf(tr(", raised %s"), when(time, alarm, "raised_at"));
    if (is_given(alarm, "cleared_at")) {
        printf(tr(", cleared %s"), when(time, alarm, "cleared_at"));
    }
    if (is_given(alarm, "acked_at")) {
        printf(tr(", acknowledged by %s at %s"), text(alarm, "acked_by"),
               when(time, alarm, "acked_at"));
    }
    if (is_given(root, "realarm_at")) {
        printf(tr(", told again at %s"), when(time, root, "realarm_at"));
    }
    if (is_given(alarm, "returned_at")) {
        printf(tr(", latched since %s"), when(time, alarm, "returned_at"));
    }
    printf("%s%s\n",
           json_is_true(json_object_get(alarm, "first_out")) ? tr(", first out") : "",
           json_is_true(json_object_get(alarm, "chatter")) ? tr(", chattering") : "");
    print_hiding(alarm);
}

/* "alarm.raised", or what it is in another language: of what, and what happened. */
static void
print_event(const char *name)
{
    const char *happened = tr_word("event", name);
    char noun[ID_BYTES_MAX];
    snprintf(noun, sizeof noun, "%.*s", (int)strcspn(name, "."), name);
    if (happened == name) {
        printf("%s", name);
    } else {
        printf("%s %s", tr(noun), happened);
    }
}

static void
print_life(const json_t *root)
{
    char time[INSTANT_TEXT_BYTES];
    const json_t *service = json_object_get(root, "out_of_service");
    size_t i;
    const json_t *e;
    print_alarm(root);
    if (is_given(root, "out_of_service")) {
        printf(tr("out of service: %s by %s since %s: %s\n"), text(root, "device"),
               text(service, "by"), when(time, service, "since"),
               text(service, "reason"));
    }
    if (is_given(root, "ticket")) {
        printf(tr("ticket: %.0f\n"), number(root, "ticket"));
    }
    printf("%s", json_array_size(json_object_get(root, "events")) > 0
                     ? tr("latest events\n")
                     : "");
    json_array_foreach(json_object_get(root, "events"), i, e)
    {
        printf("%*s%s ", INDENT, "", when(time, e, "t"));
        print_event(text(e, "event"));
        if (is_given(e, "by")) {
            printf(tr(" by %s"), text(e, "by"));
        }
        if (is_given(e, "value")) {
            printf(tr(" at "));
            print_number(number(e, "value"), "");
        }
        putchar('\n');
    }
}

static bool
has_life(const json_t *root)
{
    size_t i;
    const json_t *m;
    json_array_foreach(json_object_get(root, "windows"), i, m)
    {
        if (strcmp(text(m, "kind"), "hours") == 0 ||
            strcmp(text(m, "kind"), "starts") == 0) {
            return true;
        }
    }
    return false;
}

static void
print_head(const json_t *root)
{
    char time[INSTANT_TEXT_BYTES];
    printf(tr("%s on %s at %s: %s"), text(root, "rule"), text(root, "device"),
           when(time, root, "time"), tr_word("phase", text(root, "phase")));
    if (is_given(root, "severity")) {
        printf(", %s", tr_word("severity", text(root, "severity")));
    }
    putchar('\n');
    printf("%s\n", text(root, "title"));
    if (is_given(root, "from")) {
        printf(tr("from the history since %s\n"), when(time, root, "from"));
    }
    if (strcmp(text(root, "source"), "daemon") != 0 && has_life(root)) {
        printf(tr("hours and starts are counted from its first sample on\n"));
    }
    putchar('\n');
}

int
explain_print(const char *json, struct err *err)
{
    json_error_t where;
    json_t *root = json_loads(json, 0, &where);
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(err, ERR_PROTOCOL, "the answer is no explanation: %s",
                       where.text);
    }
    print_head(root);
    print_conditions(root);
    putchar('\n');
    print_points(json_object_get(root, "points"));
    print_windows(json_object_get(root, "windows"));
    putchar('\n');
    print_life(root);
    printf("\n%s\n", text(root, "verdict"));
    json_decref(root);
    return 0;
}
