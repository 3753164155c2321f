#include "daemon/pipeline/listings/duty.h"

#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/ticket/calendar.h"
#include "daemon/ticket/dispatch.h"
#include "daemon/ticket/rota.h"

static bool
is_same(const struct rota *r, int32_t a, int32_t b)
{
    return strcmp(rota_of_day(r, a), rota_of_day(r, b)) == 0;
}

/* The last day of the duties that one person has in a row. */
static int32_t
last_in_row(const struct rota *r, int32_t day)
{
    int32_t last = day;
    while (last - day < DUTY_DAYS_MAX && is_same(r, last, last + 1)) {
        last++;
    }
    return last;
}

static int32_t
first_in_row(const struct rota *r, int32_t day)
{
    int32_t first = day;
    while (day - first < DUTY_DAYS_MAX && is_same(r, first, first - 1)) {
        first--;
    }
    return first;
}

/* INSTANT_NONE, which is written as null, where the row is too long to tell. */
static int64_t
edge_of(const struct rota *r, int32_t from, int32_t edge, int32_t handover)
{
    int32_t days = edge > from ? edge - from : from - edge;
    return days < DUTY_DAYS_MAX ? rota_handover(r, handover) : INSTANT_NONE;
}

static void
add_now(struct strbuf *out, const struct rota *r, int64_t t_ms)
{
    int64_t since_ms = INSTANT_NONE;
    int64_t until_ms = INSTANT_NONE;
    if (r->people_count > 0) {
        int32_t day = rota_day(r, t_ms);
        int32_t first = first_in_row(r, day);
        int32_t last = last_in_row(r, day);
        since_ms = edge_of(r, day, first, first);
        until_ms = edge_of(r, day, last, last + 1);
    }
    strbuf_json_str(out, "on_duty", rota_on_duty(r, t_ms));
    strbuf_json_time(out, "since", since_ms);
    strbuf_json_time(out, "until", until_ms);
}

static void
add_coming(struct strbuf *out, const struct rota *r, int64_t t_ms, int days)
{
    strbuf_json_key(out, "coming");
    strbuf_add_char(out, '[');
    int32_t today = r->people_count > 0 ? rota_day(r, t_ms) : 0;
    int32_t end = r->people_count > 0 ? today + days : today - 1;
    bool first = true;
    for (int32_t day = r->people_count > 0 ? last_in_row(r, today) + 1 : 0;
         day <= end;) {
        int32_t last = last_in_row(r, day);
        strbuf_add(out, first ? "{" : ",{");
        first = false;
        strbuf_json_str(out, "who", rota_of_day(r, day));
        strbuf_json_time(out, "from", rota_handover(r, day));
        strbuf_json_time(out, "until", edge_of(r, day, last, last + 1));
        strbuf_add_char(out, '}');
        day = last + 1;
    }
    strbuf_add_char(out, ']');
}

/* "chen,zhao" as ["chen","zhao"]: ids need no escapes. */
static void
add_ids(struct strbuf *out, const char *ids)
{
    strbuf_add_char(out, '[');
    for (const char *at = ids; *at != '\0';) {
        size_t size = strcspn(at, ",");
        strbuf_printf(out, "%s\"%.*s\"", at > ids ? "," : "", (int)size, at);
        at += size + (at[size] == ',');
    }
    strbuf_add_char(out, ']');
}

static void
add_escalation(struct strbuf *out, const struct site *site, const struct team *team)
{
    strbuf_json_key(out, "escalation");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < team->escalate_count; i++) {
        struct strbuf to = {0};
        dispatch_reached(&to, site, team, team->escalate[i].to);
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_int(out, "level", i + 1);
        strbuf_json_int(out, "after_ms", team->escalate[i].after_ms);
        strbuf_json_key(out, "to");
        add_ids(out, strbuf_text(&to));
        strbuf_add_char(out, '}');
        strbuf_fini(&to);
    }
    strbuf_add_char(out, ']');
}

void
duty_to_json(struct strbuf *out, const struct site *site, int64_t t_ms, int days)
{
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < site->team_count; i++) {
        const struct team *team = &site->teams[i];
        struct calendar c = {site, team};
        bool works = calendar_works(&c, t_ms);
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "team", team->id);
        strbuf_json_str(out, "name", text_in(&team->name, site->language));
        add_now(out, &team->rota, t_ms);
        strbuf_json_bool(out, "works", works);
        strbuf_json_time(out, "works_from",
                         works ? INSTANT_NONE : calendar_next(&c, t_ms));
        add_escalation(out, site, team);
        add_coming(out, &team->rota, t_ms, days);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
}
