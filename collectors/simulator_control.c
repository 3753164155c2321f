#include "collectors/simulator_control.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/simulator_fault.h"
#include "collectors/simulator_stats.h"
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

/* ---- Commands ---- */

struct command {
    const struct control_target *target;
    struct command_line line;
    int64_t t_ms;
    struct strbuf *answer; /* Left empty: "ok". */
};

static int
say_stats(struct command *c, struct err *err)
{
    return simulator_stats_say(c->answer, c->target, c->line.words + 1,
                               c->line.count - 1, err);
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
    struct simulator_wanted w;

    simulator_wanted_parse(&w, c->line.words[1]);
    if (strcmp(w.name, "*") != 0 &&
        (one = simulator_find_unit(c->target, &w, err)) == NULL) {
        return err->code;
    }
    if (!is_clear &&
        simulator_fault_parse(&fault, c->line.words + 2, c->line.count - 2, err) != 0) {
        return err->code;
    }
    for (uint32_t i = 0; i < c->target->unit_count; i++) {
        struct simulator_unit *u = c->target->units[i].unit;

        if (one != NULL ? u != one : !simulator_wanted_unit(&w, &c->target->units[i])) {
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
    struct simulator_wanted w;
    double value = 0.0;
    bool known;

    simulator_wanted_parse(&w, c->line.words[1]);
    if ((u = simulator_find_unit(c->target, &w, err)) == NULL) {
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
        strbuf_printf(c->answer, "ok %s", number);
    }
    return known ? 0 : err_set(err, ERR_NOT_FOUND, "no register '%s'", reg);
}

void
simulator_command(struct strbuf *answer,
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
        /* not translated: commands. */
        {"stats", "stats [UNIT] [by port|unit] [json]", 1, 5, say_stats},
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
        strbuf_clear(answer);
        strbuf_printf(answer, "error: %s", err.text);
    } else if (answer->size == 0) {
        strbuf_add(answer, "ok");
    }
}
