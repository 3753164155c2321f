#include "collectors/simulator_stats.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/base/catalogue.h"

enum stats_by { BY_NOTHING, BY_PORT, BY_UNIT };

struct stats {
    struct strbuf *out;
    const struct control_target *target;
    struct simulator_wanted wanted;
    enum stats_by by;
    bool json;
};

static int
parse(struct stats *s, char *const *words, uint32_t count, struct err *err)
{
    static char all[] = "*";
    uint32_t i = 0;

    simulator_wanted_parse(&s->wanted, all);
    if (i < count && strcmp(words[i], "by") != 0 && strcmp(words[i], "json") != 0) {
        simulator_wanted_parse(&s->wanted, words[i++]);
    }
    if (i < count && strcmp(words[i], "by") == 0) {
        const char *by = i + 1 < count ? words[i + 1] : "";

        if (strcmp(by, "port") != 0 && strcmp(by, "unit") != 0) {
            return err_set(err, ERR_USAGE, "by port and by unit are accepted");
        }
        s->by = by[0] == 'p' ? BY_PORT : BY_UNIT;
        i += 2;
    }
    if (i < count && strcmp(words[i], "json") == 0) {
        s->json = true;
        i++;
    }
    if (i < count) {
        return err_set(err, ERR_USAGE,
                       "'%s' is not understood; stats [UNIT] [by port|unit] [json] is",
                       words[i]);
    }
    return 0;
}

static void
add(struct simulator_stats *sum, const struct simulator_stats *s)
{
    sum->requests += s->requests;
    sum->answers += s->answers;
    sum->violations += s->violations;
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        sum->faults[i] += s->faults[i];
    }
}

static void
say_text(const struct stats *s,
         const char *port,
         const struct sim_unit *unit,
         const struct simulator_stats *n)
{
    if (port != NULL) {
        strbuf_printf(s->out, "port=%s ", port);
    }
    if (unit != NULL) {
        strbuf_printf(s->out, "unit=%u id=%s ", unit->unit,
                      unit->id != NULL ? unit->id : "");
    }
    strbuf_printf(s->out,
                  "requests=%" PRIu64 " answers=%" PRIu64 " violations=%" PRIu64,
                  n->requests, n->answers, n->violations);
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        strbuf_printf(s->out, " %s=%" PRIu64, sim_fault_name((enum sim_fault_kind)i),
                      n->faults[i]);
    }
}

static void
say_json(const struct stats *s,
         const char *port,
         const struct sim_unit *unit,
         const struct simulator_stats *n)
{
    strbuf_add_char(s->out, '{');
    strbuf_json_str_opt(s->out, "port", port);
    if (unit != NULL) {
        strbuf_json_int(s->out, "unit", unit->unit);
        strbuf_json_str_opt(s->out, "id", unit->id);
    }
    strbuf_json_int(s->out, "requests", (int64_t)n->requests);
    strbuf_json_int(s->out, "answers", (int64_t)n->answers);
    strbuf_json_int(s->out, "violations", (int64_t)n->violations);
    strbuf_json_key(s->out, "faults");
    strbuf_add_char(s->out, '{');
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        strbuf_json_int(s->out, sim_fault_name((enum sim_fault_kind)i),
                        (int64_t)n->faults[i]);
    }
    strbuf_add(s->out, "}}");
}

static void
say_row(const struct stats *s,
        const char *port,
        const struct sim_unit *unit,
        const struct simulator_stats *n)
{
    if (s->json) {
        say_json(s, port, unit, n);
    } else {
        say_text(s, port, unit, n);
    }
    strbuf_add_char(s->out, '\n');
}

/* Adds up the units of a port that are wanted, from `*at` on, and passes over the
 * others; returns how many there were. */
static uint32_t
add_units(const struct stats *s,
          const struct control_port *p,
          uint32_t *at,
          struct simulator_stats *sum)
{
    uint32_t found = 0;

    for (; *at < s->target->unit_count && s->target->units[*at].port == p; ++*at) {
        const struct control_unit *u = &s->target->units[*at];

        if (!simulator_wanted_unit(&s->wanted, u)) {
            continue;
        }
        found++;
        add(sum, simulator_unit_stats(u->unit));
        if (s->by == BY_UNIT) {
            say_row(s, p->name, simulator_unit_spec(u->unit),
                    simulator_unit_stats(u->unit));
        }
    }
    return found;
}

static uint32_t
count_wanted(const struct stats *s)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < s->target->unit_count; i++) {
        count += simulator_wanted_unit(&s->wanted, &s->target->units[i]);
    }
    return count;
}

int
simulator_stats_say(struct strbuf *out,
                    const struct control_target *target,
                    char *const *words,
                    uint32_t count,
                    struct err *err)
{
    struct stats s = {.out = out, .target = target};
    struct simulator_stats sum = {0};
    bool any = false, of_ports;
    uint32_t at = 0;

    if (parse(&s, words, count, err) != 0) {
        return err->code;
    }
    if (s.by == BY_UNIT && count_wanted(&s) > STATS_ROWS_MAX) {
        return err_set(err, ERR_FULL, "more than %d units; choose a UNIT or *@PORT",
                       STATS_ROWS_MAX);
    }
    of_ports = strcmp(s.wanted.name, "*") == 0;
    for (uint32_t i = 0; i < target->port_count; i++) {
        const struct control_port *p = &target->ports[i];
        struct simulator_stats own = {0};
        bool found = add_units(&s, p, &at, &own) > 0;

        if (of_ports && simulator_wanted_port(&s.wanted, p)) {
            add(&own, &p->nobody);
            found = true;
        }
        if (found && s.by == BY_PORT) {
            say_row(&s, p->name, NULL, &own);
        }
        add(&sum, &own);
        any |= found;
    }
    if (!any && target->port_count > 0) {
        return err_set(err, ERR_NOT_FOUND, "no unit '%s'%s%s", s.wanted.name,
                       s.wanted.port != NULL ? tr(" on port ") : "",
                       s.wanted.port != NULL ? s.wanted.port : "");
    }
    if (s.by == BY_NOTHING && !s.json) {
        strbuf_add(out, "ok ");
        say_text(&s, NULL, NULL, &sum);
        return 0;
    }
    if (s.by == BY_NOTHING) {
        say_row(&s, NULL, NULL, &sum);
    }
    strbuf_add(out, "ok");
    return 0;
}
