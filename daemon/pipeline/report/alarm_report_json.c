/* The report on a site's alarms as JSON. */
#include <math.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/report/alarm_report.h"

static const struct alarm_name *
name_of(const struct alarm_report *r, uint32_t alarm)
{
    return &r->episodes.names[alarm];
}

bool
alarm_report_says_nothing(const struct alarm_quality_figure *f)
{
    return f->verdict == ALARM_QUALITY_SHORT && f->needs == ALARM_QUALITY_NEEDS_PERIOD;
}

static void
add_figures(struct strbuf *b, const struct alarm_quality *q)
{
    strbuf_json_key(b, "figures");
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < ALARM_QUALITY_FIGURES; i++) {
        const struct alarm_quality_figure *f = &q->figures[i];
        strbuf_add(b, i > 0 ? ",{" : "{");
        strbuf_json_str(b, "name", f->name);
        strbuf_json_num(b, "value",
                        alarm_report_says_nothing(f) ? (double)NAN : f->value);
        strbuf_json_str(b, "unit", f->unit);
        strbuf_json_num(b, f->at_least ? "target_min" : "target_max", f->target);
        strbuf_json_num(b, f->at_least ? "limit_min" : "limit_max", f->limit);
        strbuf_json_str(b, "verdict", alarm_quality_verdict_name(f->verdict));
        strbuf_add_char(b, '}');
    }
    strbuf_add_char(b, ']');
}

static void
add_advice(struct strbuf *b, const struct advice *a)
{
    const struct advice_cost *c = &a->cost;
    strbuf_add_char(b, '{');
    strbuf_json_str(b, "kind", advice_kind_name(a->kind));
    if (a->kind == ADVICE_DEADBAND) {
        strbuf_json_num(b, "deadband", a->deadband);
        strbuf_json_str(b, "clear", a->clear);
    } else {
        strbuf_json_int(b, "delay_ms", a->delay_ms);
    }
    strbuf_json_int(b, "raises", c->raises);
    strbuf_json_int(b, "saved", c->saved);
    strbuf_json_int(b, "later_median_ms", c->later_median_ms);
    strbuf_json_int(b, "later_worst_ms", c->later_worst_ms);
    strbuf_json_int(b, "clears_later_ms", c->clears_later_ms);
    strbuf_json_int(b, "idle_longest_ms", c->idle_ms);
    strbuf_json_int(b, "unseen", c->unseen);
    strbuf_json_int(b, "unseen_longest_ms", c->unseen_ms);
    strbuf_json_bool(b, "best", a->best);
    strbuf_add_char(b, '}');
}

static void
add_actor(struct strbuf *b,
          const struct alarm_report *r,
          const struct alarm_report_head *h,
          uint32_t i)
{
    const struct alarm_quality_actor *q = &r->quality.actors[i];
    const struct advice_actor *a = &r->actors[i];
    strbuf_add_char(b, '{');
    strbuf_json_str(b, "device", name_of(r, q->alarm)->device);
    strbuf_json_str(b, "rule", name_of(r, q->alarm)->rule);
    strbuf_json_str(b, "severity", severity_name(q->severity));
    strbuf_json_int(b, "raises", q->raises);
    strbuf_json_num(b, "share", q->share);
    strbuf_json_int(b, "chatter_raises", q->chatter_raises);
    strbuf_json_bool(b, "site_chatters", q->site_chatters);
    strbuf_json_int(b, "stood_ms", q->stood_ms);
    strbuf_json_int(b, "stood_median_ms", q->median_ms);
    if (h->advised) {
        strbuf_json_int(b, "replayed_raises", a->raises);
        strbuf_json_key(b, "advice");
        strbuf_add_char(b, '[');
        for (uint32_t k = 0; k < a->count; k++) {
            strbuf_add(b, k > 0 ? "," : "");
            add_advice(b, &a->items[k]);
        }
        strbuf_add_char(b, ']');
        strbuf_json_str_opt(b, "no_deadband", a->no_deadband);
        strbuf_json_str_opt(b, "no_advice", a->nothing);
    }
    strbuf_add_char(b, '}');
}

static void
add_floods(struct strbuf *b, const struct alarm_quality *q)
{
    strbuf_json_key(b, "floods");
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < q->flood_count; i++) {
        strbuf_add(b, i > 0 ? ",{" : "{");
        strbuf_json_time(b, "begin", q->floods[i].begin_ms);
        strbuf_json_time(b, "end", q->floods[i].end_ms);
        strbuf_json_int(b, "raises", q->floods[i].raises);
        strbuf_json_int(b, "peak_10min", q->floods[i].peak);
        strbuf_add_char(b, '}');
    }
    strbuf_add_char(b, ']');
}

static void
add_standing(struct strbuf *b, const struct alarm_report *r)
{
    const struct alarm_quality *q = &r->quality;
    strbuf_json_key(b, "standing");
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < q->standing_count; i++) {
        const struct alarm_quality_standing *s = &q->standing[i];
        strbuf_add(b, i > 0 ? ",{" : "{");
        strbuf_json_str(b, "device", name_of(r, s->alarm)->device);
        strbuf_json_str(b, "rule", name_of(r, s->alarm)->rule);
        strbuf_json_str(b, "severity", severity_name(s->severity));
        strbuf_json_time(b, "raised_at", s->raised_ms);
        strbuf_json_time(b, "cleared_at",
                         s->cleared_ms == INSTANT_MAX ? INSTANT_NONE : s->cleared_ms);
        strbuf_json_int(b, "stood_ms", s->stood_ms);
        strbuf_add_char(b, '}');
    }
    strbuf_add_char(b, ']');
}

static void
add_head(struct strbuf *b,
         const struct alarm_report *r,
         const struct alarm_report_head *h)
{
    const struct alarm_quality *q = &r->quality;
    strbuf_json_str(b, "report", "alarms");
    strbuf_json_str(b, "site", h->site->id);
    strbuf_json_str(b, "source", h->from_logs ? "logs" : "events");
    strbuf_json_time(b, "from", r->from_ms);
    strbuf_json_time(b, "to", r->to_ms);
    strbuf_json_num(b, "days", q->days);
    if (h->from_logs) {
        strbuf_json_int(b, "bad_rows", (int64_t)r->bad_rows);
    }
    strbuf_json_int(b, "operators", h->operators);
    strbuf_json_int(b, "raises", q->raises);
    strbuf_json_int(b, "alarms", q->alarms);
    strbuf_json_time(b, "peak_at", q->peak_ms);
    strbuf_json_key(b, "priorities");
    strbuf_add_char(b, '{');
    for (int s = SEVERITY_COUNT - 1; s >= 0; s--) {
        strbuf_json_int(b, severity_name((enum severity)s), q->by_severity[s]);
    }
    strbuf_add_char(b, '}');
}

void
alarm_report_json(struct strbuf *b,
                  const struct alarm_report *r,
                  const struct alarm_report_head *h)
{
    strbuf_add_char(b, '{');
    add_head(b, r, h);
    add_figures(b, &r->quality);
    add_floods(b, &r->quality);
    strbuf_json_key(b, "top");
    strbuf_add_char(b, '[');
    for (uint32_t i = 0; i < r->actor_count; i++) {
        strbuf_add(b, i > 0 ? "," : "");
        add_actor(b, r, h, i);
    }
    strbuf_add_char(b, ']');
    add_standing(b, r);
    strbuf_json_str(b, "basis", ALARM_REPORT_BASIS);
    strbuf_add_char(b, '}');
}
