#include "collectors/simulator_control.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"

#define WORDS_MAX 4

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

static struct simulator_unit *
find_unit(struct simulator_unit *const *units,
          uint32_t count,
          const char *name,
          struct err *err)
{
    struct simulator_unit *found = NULL;
    char *end;
    long number = strtol(name, &end, 10);
    bool is_number = end != name && *end == '\0';

    for (uint32_t i = 0; i < count; i++) {
        const struct sim_unit *spec = simulator_unit_spec(units[i]);

        if (spec->id != NULL && strcmp(spec->id, name) == 0) {
            return units[i];
        }
        if (is_number && spec->unit == number) {
            if (found != NULL) {
                err_set(err, ERR_USAGE, "several ports have a unit %ld; name its id",
                        number);
                return NULL;
            }
            found = units[i];
        }
    }
    if (found == NULL) {
        err_set(err, ERR_NOT_FOUND, "no unit '%s'", name);
    }
    return found;
}

static int
parse_fault(struct sim_fault *out, const struct command_line *c, struct err *err)
{
    const char *arg = c->count > 3 ? c->words[3] : NULL;
    bool wants_arg;
    char *end;
    long code;

    memset(out, 0, sizeof *out);
    if (!sim_fault_parse(&out->kind, c->words[2])) {
        return err_set(err, ERR_USAGE,
                       "no fault '%s'; silent, slow, bad_crc, wrong_unit, truncated, "
                       "exception and drop are accepted",
                       c->words[2]);
    }
    wants_arg = out->kind == SIM_FAULT_SLOW || out->kind == SIM_FAULT_EXCEPTION;
    if (wants_arg != (arg != NULL)) {
        return err_set(err, ERR_USAGE, "%s %s", c->words[2],
                       wants_arg ? "needs an argument: slow DURATION, exception CODE"
                                 : "takes no argument");
    }
    if (out->kind == SIM_FAULT_SLOW) {
        return duration_parse(&out->delay_ms, arg, err);
    }
    if (out->kind == SIM_FAULT_EXCEPTION) {
        code = strtol(arg, &end, 0);
        if (end == arg || *end != '\0' || code < 1 || code > 255) {
            return err_set(err, ERR_USAGE, "'%s' is no exception code; 1..255 is", arg);
        }
        out->code = (uint8_t)code;
    }
    return 0;
}

/* One command whose words were counted already.  `value` of `get` is left in `*out`. */
static int
carry_out(struct simulator_unit *u,
          const struct command_line *c,
          int64_t t_ms,
          double *out,
          struct err *err)
{
    const char *verb = c->words[0];
    const char *reg = c->count > 2 ? c->words[2] : NULL;
    struct sim_fault fault;
    double value;
    bool known;

    if (strcmp(verb, "clear") == 0) {
        simulator_unit_clear_faults(u, t_ms);
        return 0;
    }
    if (strcmp(verb, "fault") == 0) {
        if (parse_fault(&fault, c, err) != 0) {
            return err->code;
        }
        simulator_unit_set_fault(u, &fault);
        return 0;
    }
    if (strcmp(verb, "set") == 0) {
        if (!parse_value(&value, c->words[3])) {
            return err_set(err, ERR_USAGE,
                           "'%s' is no value; a number, true or false is", c->words[3]);
        }
        known = simulator_unit_set(u, reg, value);
    } else if (strcmp(verb, "free") == 0) {
        known = simulator_unit_release(u, reg);
    } else {
        known = simulator_unit_get(u, reg, t_ms, out);
    }
    if (!known) {
        return err_set(err, ERR_NOT_FOUND, "no register '%s'", reg);
    }
    return 0;
}

void
simulator_command(char *answer,
                  struct simulator_unit *const *units,
                  uint32_t count,
                  char *line,
                  int64_t t_ms)
{
    static const struct {
        const char *verb, *usage;
        uint32_t least, most;
    } verbs[] = {
        {"set", "set UNIT REGISTER VALUE", 4, 4}, {"free", "free UNIT REGISTER", 3, 3},
        {"fault", "fault UNIT KIND [ARG]", 3, 4}, {"clear", "clear UNIT", 2, 2},
        {"get", "get UNIT REGISTER", 3, 3},
    };
    struct command_line c;
    struct err err = {0};
    double value = NAN;
    struct simulator_unit *u;
    char number[NUMBER_TEXT_BYTES];
    size_t v = 0;

    split_words(&c, line);
    while (v < ARRAY_LEN(verbs) &&
           (c.count == 0 || strcmp(c.words[0], verbs[v].verb) != 0)) {
        v++;
    }
    if (v == ARRAY_LEN(verbs)) {
        err_set(&err, ERR_USAGE,
                "no such command; set, free, fault, clear and get are accepted");
    } else if (c.more || c.count < verbs[v].least || c.count > verbs[v].most) {
        err_set(&err, ERR_USAGE, "usage: %s", verbs[v].usage);
    } else if ((u = find_unit(units, count, c.words[1], &err)) != NULL) {
        (void)carry_out(u, &c, t_ms, &value, &err); /* `err` says what went wrong. */
    }
    if (err.code != ERR_NONE) {
        snprintf(answer, CONTROL_ANSWER_BYTES, "error: %.480s", err.text);
    } else if (isnan(value)) {
        snprintf(answer, CONTROL_ANSWER_BYTES, "ok");
    } else {
        number_format(number, value);
        snprintf(answer, CONTROL_ANSWER_BYTES, "ok %s", number);
    }
}
