#include "collectors/simulator_control.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/simulator_fault.h"
#include "daemon/base/strbuf.h"

#define WORDS_MAX 16

struct command_line {
    char *words[WORDS_MAX];
    uint32_t count;
    bool more; /* Than WORDS_MAX. */
};

static void
split_words(struct command_line *c, char *line)
{
    char *rest = NULL;

    memset(c, 0, sizeof *c);
    for (char *w = strtok_r(line, " \t\r\n", &rest); w != NULL;
         w = strtok_r(NULL, " \t\r\n", &rest)) {
        if (c->count == WORDS_MAX) {
            c->more = true;
            return;
        }
        c->words[c->count++] = w;
    }
}

static bool
parse_value(double *out, const char *text)
{
    char *end;

    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        *out = text[0] == 't';
        return true;
    }
    *out = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*out);
}

/* ---- Units ---- */

/* Does "15020" or "line" name the port "127.0.0.1:15020" or "dir/line"? */
static bool
is_port(const char *port, const char *name)
{
    const char *end = port + strcspn(port, "/");
    const char *last = strrchr(port, *end == '/' ? '/' : ':');

    return strcmp(port, name) == 0 || (last != NULL && strcmp(last + 1, name) == 0);
}

/* A name as it was given, in its parts. */
struct wanted {
    const char *name; /* "*": all. */
    const char *port; /* NULL: any. */
    bool is_number;
    long number;
};

static void
split_name(struct wanted *w, char *name)
{
    char *at = strchr(name, '@'), *end;

    w->name = name;
    w->port = at != NULL ? at + 1 : NULL;
    if (at != NULL) {
        *at = '\0';
    }
    w->number = strtol(name, &end, 10);
    w->is_number = end != name && *end == '\0';
}

static bool
is_wanted(const struct wanted *w, const struct control_unit *u)
{
    const struct sim_unit *spec = simulator_unit_spec(u->unit);

    if (w->port != NULL && (u->port == NULL || !is_port(u->port, w->port))) {
        return false;
    }
    return strcmp(w->name, "*") == 0 ||
           (spec->id != NULL && strcmp(spec->id, w->name) == 0) ||
           (w->is_number && spec->unit == w->number);
}

/* The one unit that is meant; an id goes before a number. */
static struct simulator_unit *
find_unit(const struct control_target *target, const struct wanted *w, struct err *err)
{
    struct simulator_unit *found = NULL;
    bool by_id = false;
    uint32_t count = 0;

    for (uint32_t i = 0; i < target->unit_count; i++) {
        struct simulator_unit *u = target->units[i].unit;
        const char *id = simulator_unit_spec(u)->id;
        bool is_id = id != NULL && strcmp(id, w->name) == 0;

        if (!is_wanted(w, &target->units[i]) || (by_id && !is_id)) {
            continue;
        }
        count = is_id && !by_id ? 1 : count + 1;
        by_id = is_id;
        found = u;
    }
    if (count == 0) {
        err_set(err, ERR_NOT_FOUND, "no unit '%s'%s%s", w->name,
                w->port != NULL ? " on port " : "", w->port != NULL ? w->port : "");
    } else if (count > 1) {
        err_set(err, ERR_USAGE, "several ports have a unit %s; name its id, or %s@PORT",
                w->name, w->name);
    }
    return count == 1 ? found : NULL;
}

/* ---- Commands ---- */

struct command {
    const struct control_target *target;
    struct command_line line;
    int64_t t_ms;
    char *answer; /* "ok", unless the command says more. */
};

static void
add_stats(struct simulator_stats *sum, const struct simulator_stats *s)
{
    sum->requests += s->requests;
    sum->answers += s->answers;
    sum->violations += s->violations;
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        sum->faults[i] += s->faults[i];
    }
}

static int
say_stats(struct command *c, struct err *err)
{
    struct simulator_stats sum = {0};
    struct wanted w = {.name = "*"};
    bool any = false;
    int used;

    if (c->line.count > 1) {
        split_name(&w, c->line.words[1]);
    }
    for (uint32_t i = 0; i < c->target->unit_count; i++) {
        if (is_wanted(&w, &c->target->units[i])) {
            add_stats(&sum, simulator_unit_stats(c->target->units[i].unit));
            any = true;
        }
    }
    if (!any && c->line.count > 1) {
        return err_set(err, ERR_NOT_FOUND, "no unit '%s'", w.name);
    }
    used = snprintf(c->answer, CONTROL_ANSWER_BYTES,
                    "ok requests=%llu answers=%llu violations=%llu",
                    (unsigned long long)sum.requests, (unsigned long long)sum.answers,
                    (unsigned long long)sum.violations);
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        used += snprintf(c->answer + used, (size_t)(CONTROL_ANSWER_BYTES - used),
                         " %s=%llu", sim_fault_name((enum sim_fault_kind)i),
                         (unsigned long long)sum.faults[i]);
    }
    return 0;
}

static int
set_port(struct command *c, struct err *err)
{
    if (c->target->port == NULL) {
        return err_set(err, ERR_NOT_FOUND, "no port '%s'", c->line.words[1]);
    }
    return c->target->port(c->target->ctx, c->line.words[1], c->line.words[2], err);
}

/* "fault" and "clear", which may be for all units. */
static int
set_faults(struct command *c, struct err *err)
{
    bool is_clear = strcmp(c->line.words[0], "clear") == 0;
    struct simulator_unit *one = NULL;
    struct sim_fault fault;
    struct wanted w;

    split_name(&w, c->line.words[1]);
    if (strcmp(w.name, "*") != 0 && (one = find_unit(c->target, &w, err)) == NULL) {
        return err->code;
    }
    if (!is_clear &&
        simulator_fault_parse(&fault, c->line.words + 2, c->line.count - 2, err) != 0) {
        return err->code;
    }
    for (uint32_t i = 0; i < c->target->unit_count; i++) {
        struct simulator_unit *u = c->target->units[i].unit;

        if (one != NULL ? u != one : !is_wanted(&w, &c->target->units[i])) {
            continue;
        }
        if (is_clear) {
            simulator_unit_clear_faults(u, c->t_ms);
        } else {
            simulator_unit_set_fault(u, &fault);
        }
    }
    return 0;
}

/* "set", "free" and "get". */
static int
use_register(struct command *c, struct err *err)
{
    const char *verb = c->line.words[0], *reg = c->line.words[2];
    char number[NUMBER_TEXT_BYTES];
    struct simulator_unit *u;
    struct wanted w;
    double value = 0.0;
    bool known;

    split_name(&w, c->line.words[1]);
    if ((u = find_unit(c->target, &w, err)) == NULL) {
        return err->code;
    }
    if (strcmp(verb, "set") == 0) {
        if (!parse_value(&value, c->line.words[3])) {
            return err_set(err, ERR_USAGE,
                           "'%s' is no value; a number, true or false is",
                           c->line.words[3]);
        }
        known = simulator_unit_set(u, reg, value);
    } else if (strcmp(verb, "free") == 0) {
        known = simulator_unit_release(u, reg);
    } else {
        known = simulator_unit_get(u, reg, c->t_ms, &value);
        number_format(number, value);
        snprintf(c->answer, CONTROL_ANSWER_BYTES, "ok %s", number);
    }
    return known ? 0 : err_set(err, ERR_NOT_FOUND, "no register '%s'", reg);
}

void
simulator_command(char *answer,
                  const struct control_target *target,
                  char *line,
                  int64_t t_ms)
{
    static const struct {
        const char *verb, *usage;
        uint32_t least, most;
        int (*run)(struct command *c, struct err *err);
    } verbs[] = {
        {"set", "set UNIT REGISTER VALUE", 4, 4, use_register},
        {"free", "free UNIT REGISTER", 3, 3, use_register},
        {"fault", "fault UNIT KIND [KEY VALUE]...", 3, WORDS_MAX, set_faults},
        {"clear", "clear UNIT", 2, 2, set_faults},
        {"get", "get UNIT REGISTER", 3, 3, use_register},
        {"stats", "stats [UNIT]", 1, 2, say_stats},
        {"port", "port PORT open|hang|closed|free", 3, 3, set_port},
    };
    struct command c = {.target = target, .t_ms = t_ms, .answer = answer};
    struct err err = {0};
    size_t v = 0;

    split_words(&c.line, line);
    while (v < ARRAY_LEN(verbs) &&
           (c.line.count == 0 || strcmp(c.line.words[0], verbs[v].verb) != 0)) {
        v++;
    }
    snprintf(answer, CONTROL_ANSWER_BYTES, "ok");
    if (v == ARRAY_LEN(verbs)) {
        err_set(&err, ERR_USAGE,
                "no such command; set, free, fault, clear, get, stats and port are "
                "accepted");
    } else if (c.line.more || c.line.count < verbs[v].least ||
               c.line.count > verbs[v].most) {
        err_set(&err, ERR_USAGE, "usage: %s", verbs[v].usage);
    } else {
        (void)verbs[v].run(&c, &err); /* `err` says what went wrong. */
    }
    if (err.code != ERR_NONE) {
        snprintf(answer, CONTROL_ANSWER_BYTES, "error: %.480s", err.text);
    }
}
