#include "daemon/model/ticket.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/base/utf8.h"

static const char *
or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void
add_time_opt(struct strbuf *out, const char *key, int64_t t_ms)
{
    if (t_ms != INSTANT_NONE && t_ms != 0) {
        strbuf_json_time(out, key, t_ms);
    }
}

static void
add_listed(struct strbuf *out, const struct ticket *t)
{
    strbuf_json_int(out, "number", t->number);
    strbuf_json_str(out, "kind", ticket_kind_name(t->kind));
    strbuf_json_str(out, "device", t->device);
    strbuf_json_str(out, "rule", t->rule);
    strbuf_json_str(out, "priority", severity_name(t->priority));
    strbuf_json_str(out, "state", ticket_state_name(t->state));
    strbuf_json_time(out, "opened_at", t->opened_ms);
    strbuf_json_time(out, "respond_by", t->respond_by_ms);
    strbuf_json_time(out, "resolve_by", t->resolve_by_ms);
    strbuf_json_str(out, "assignee", or_null(t->assignee));
    strbuf_json_str(out, "team", or_null(t->team));
    strbuf_json_str(out, "title", t->title);
}

void
ticket_to_listing(struct strbuf *out, const struct ticket *t)
{
    strbuf_add_char(out, '{');
    add_listed(out, t);
    strbuf_json_str_opt(out, "proof", or_null(proof_name(t->proof)));
    strbuf_add_char(out, '}');
}

static int
refuse_part(struct err *err, const char *text)
{
    return err_set(err, ERR_RANGE,
                   "\"%.100s\" is no part; NAME, NAME=COUNT or NAME=COUNT@COST is "
                   "accepted, such as \"seal ring=2@35.00\" (the cost of both)",
                   text);
}

int
ticket_part_parse(struct ticket_part *out, const char *text, struct err *err)
{
    struct ticket_part part = {.count = 1};
    const char *equals = strrchr(text, '=');
    size_t name_size = equals != NULL ? (size_t)(equals - text) : strlen(text);
    if (name_size >= sizeof part.name ||
        strspn(text, " \t") >= name_size) { /* Nothing but blanks. */
        return refuse_part(err, text);
    }
    memcpy(part.name, text, name_size);
    if (equals != NULL) {
        char *end = NULL;
        part.count = strtoll(equals + 1, &end, 10);
        bool bare = end == equals + 1 || strchr("+ \t", equals[1]) != NULL;
        bool costs = *end == '@';
        if (bare || part.count == 0 || llabs(part.count) > PART_COUNT_MAX ||
            (!costs && *end != '\0') || (costs && !money_parse(&part.cost, end + 1))) {
            return refuse_part(err, text);
        }
    }
    *out = part;
    return 0;
}

bool
ticket_add_parts(struct ticket *t, const struct ticket_part *parts, uint32_t part_count)
{
    struct ticket_part sum[TICKET_PARTS_MAX];
    uint32_t count = t->part_count;
    memcpy(sum, t->parts, sizeof sum);
    for (uint32_t i = 0; i < part_count; i++) {
        uint32_t at = 0;
        while (at < count && strcmp(sum[at].name, parts[i].name) != 0) {
            at++;
        }
        if (at == TICKET_PARTS_MAX) {
            return false;
        }
        if (at == count) {
            sum[count++] = (struct ticket_part){0};
            utf8_copy(sum[at].name, sizeof sum[at].name, parts[i].name);
        }
        sum[at].count += parts[i].count;
        sum[at].cost += parts[i].cost;
        if (sum[at].count < 0 || sum[at].count > PART_COUNT_MAX || sum[at].cost < 0 ||
            sum[at].cost > MONEY_MAX) {
            return false;
        }
        if (sum[at].count == 0 && sum[at].cost == 0) {
            memmove(&sum[at], &sum[at + 1], (--count - at) * sizeof sum[0]);
        }
    }
    memset(&sum[count], 0, (TICKET_PARTS_MAX - count) * sizeof sum[0]);
    memcpy(t->parts, sum, sizeof sum);
    t->part_count = count;
    return true;
}

void
ticket_parts_to_json(struct strbuf *out,
                     const struct ticket_part *parts,
                     uint32_t part_count)
{
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < part_count; i++) {
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "name", parts[i].name);
        strbuf_json_int(out, "count", parts[i].count);
        strbuf_json_money(out, "cost", parts[i].cost);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}

/* What most tickets do not have. */
static void
add_work(struct strbuf *out, const struct ticket *t)
{
    strbuf_json_str_opt(out, "category", or_null(t->category));
    strbuf_json_str_opt(out, "plan", or_null(t->plan));
    add_time_opt(out, "due_at", t->due_ms);
    strbuf_json_str_opt(out, "symptom", or_null(t->symptom));
    strbuf_json_str_opt(out, "reporter", or_null(t->reporter));
    strbuf_json_str_opt(out, "pause", or_null(pause_name(t->pause)));
    if (t->level > 0) {
        strbuf_json_int(out, "level", t->level);
    }
    strbuf_json_str_opt(out, "proof", or_null(proof_name(t->proof)));
    strbuf_json_str_opt(out, "cause", or_null(t->cause));
    if (t->minutes > 0) {
        strbuf_json_int(out, "minutes", t->minutes);
    }
    if (t->cost > 0) {
        strbuf_json_money(out, "cost", t->cost);
    }
    if (t->part_count > 0) {
        strbuf_json_key(out, "parts");
        ticket_parts_to_json(out, t->parts, t->part_count);
    }
    if (t->steps != 0) {
        strbuf_json_int(out, "steps", (int64_t)t->steps);
    }
    add_time_opt(out, "visit_at", t->visit_ms);
    if (t->photos > 0) {
        strbuf_json_int(out, "photos", t->photos);
    }
}

void
ticket_to_json(struct strbuf *out, const struct ticket *t)
{
    strbuf_add_char(out, '{');
    add_listed(out, t);
    strbuf_json_time(out, "assigned_at", t->assigned_ms);
    strbuf_json_time(out, "responded_at", t->responded_ms);
    strbuf_json_time(out, "resolved_at", t->resolved_ms);
    strbuf_json_time(out, "verified_at", t->verified_ms);
    strbuf_json_time(out, "closed_at", t->closed_ms);
    strbuf_json_int(out, "episodes", t->episodes);
    strbuf_json_int(out, "reopened", t->reopened);
    strbuf_json_str(out, "resolution", or_null(t->resolution));
    strbuf_json_key(out, "rating");
    if (t->rating != 0) {
        strbuf_printf(out, "%d", t->rating);
    } else {
        strbuf_add(out, "null");
    }
    add_work(out, t);
    strbuf_add_char(out, '}');
}
