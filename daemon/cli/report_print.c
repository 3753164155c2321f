#include "daemon/cli/report_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"

#define STANDING_SHOWN 10
#define FLOODS_SHOWN   10

static const struct alarm_name *
name_of(const struct alarm_report *r, uint32_t alarm)
{
    return &r->episodes.names[alarm];
}

/* ---- text ---- */

static void
add_value(
    struct strbuf *row, const char *key, const char *sign, double v, const char *unit)
{
    char digits[NUMBER_TEXT_BYTES];
    char text[64];
    bool none = !isfinite(v);
    snprintf(text, sizeof text, "%s%s%s%s", sign, number_format_short(digits, v),
             unit[0] != '\0' && !none ? " " : "", none ? "" : unit);
    strbuf_json_str(row, key, text);
}

static void
add_duration(struct strbuf *row, const char *key, int64_t ms)
{
    char text[INSTANT_TEXT_BYTES];
    strbuf_json_str(row, key, duration_format(text, ms));
}

static void
add_local(struct strbuf *row, const char *key, int64_t t_ms)
{
    char text[INSTANT_TEXT_BYTES];
    strbuf_json_str(row, key,
                    t_ms == INSTANT_MAX ? "-" : instant_format_local(text, t_ms));
}

static int
print_rows(struct strbuf *rows, const struct cli_column *columns, size_t count)
{
    strbuf_add_char(rows, ']');
    int status = cli_print_listing(strbuf_text(rows), false, columns, count, "none");
    strbuf_fini(rows);
    return status;
}

static int
print_figures(const struct alarm_quality *q)
{
    static const struct cli_column columns[] = {
        {"title", "FIGURE", CLI_SHOW_TEXT},
        {"value", "VALUE", CLI_SHOW_TEXT},
        {"target", "TARGET", CLI_SHOW_TEXT},
        {"verdict", "VERDICT", CLI_SHOW_TEXT},
    };
    struct strbuf rows = {0};
    strbuf_add_char(&rows, '[');
    for (size_t i = 0; i < ALARM_QUALITY_FIGURES; i++) {
        const struct alarm_quality_figure *f = &q->figures[i];
        strbuf_add(&rows, i > 0 ? ",{" : "{");
        strbuf_json_str(&rows, "title", tr(f->title));
        add_value(&rows, "value", "",
                  alarm_report_says_nothing(f) ? (double)NAN : f->value, f->unit);
        add_value(&rows, "target", f->at_least ? ">= " : "<= ", f->target, f->unit);
        strbuf_json_str(
            &rows, "verdict",
            f->verdict == ALARM_QUALITY_FEW ? tr("too few to say")
            : f->verdict == ALARM_QUALITY_SHORT
                ? tr("too short to say")
                : tr_word("verdict", alarm_quality_verdict_name(f->verdict)));
        strbuf_add_char(&rows, '}');
    }
    return print_rows(&rows, columns, ARRAY_LEN(columns));
}

static int
print_floods(const struct alarm_quality *q)
{
    static const struct cli_column columns[] = {
        {"begin", "FLOOD BEGINS", CLI_SHOW_TEXT},
        {"end", "ENDS", CLI_SHOW_TEXT},
        {"raises", "RAISES", CLI_SHOW_TEXT},
        {"peak", "PEAK 10 MIN", CLI_SHOW_TEXT},
    };
    struct strbuf rows = {0};
    if (q->flood_count == 0) {
        return CLI_OK;
    }
    printf(tr("\n%zu flood%s\n"), q->flood_count, q->flood_count == 1 ? "" : "s");
    strbuf_add_char(&rows, '[');
    for (size_t i = 0; i < q->flood_count && i < FLOODS_SHOWN; i++) {
        strbuf_add(&rows, i > 0 ? ",{" : "{");
        add_local(&rows, "begin", q->floods[i].begin_ms);
        add_local(&rows, "end", q->floods[i].end_ms);
        strbuf_json_int(&rows, "raises", q->floods[i].raises);
        strbuf_json_int(&rows, "peak", q->floods[i].peak);
        strbuf_add_char(&rows, '}');
    }
    int status = print_rows(&rows, columns, ARRAY_LEN(columns));
    if (q->flood_count > FLOODS_SHOWN) {
        printf(tr("and %zu more\n"), q->flood_count - FLOODS_SHOWN);
    }
    return status;
}

static int
print_top(const struct alarm_report *r)
{
    static const struct cli_column columns[] = {
        {"alarm", "ALARM", CLI_SHOW_TEXT},   {"severity", "SEVERITY", CLI_SHOW_TEXT},
        {"raises", "RAISES", CLI_SHOW_TEXT}, {"share", "SHARE", CLI_SHOW_TEXT},
        {"median", "STOOD", CLI_SHOW_TEXT},  {"chatter", "CHATTER", CLI_SHOW_TEXT},
    };
    struct strbuf rows = {0};
    if (r->actor_count == 0) {
        return CLI_OK;
    }
    puts(tr("\nWorst alarms (STOOD: the median)"));
    strbuf_add_char(&rows, '[');
    for (uint32_t i = 0; i < r->actor_count; i++) {
        const struct alarm_quality_actor *a = &r->quality.actors[i];
        char alarm[2 * ID_BYTES_MAX];
        snprintf(alarm, sizeof alarm, "%s/%s", name_of(r, a->alarm)->device,
                 name_of(r, a->alarm)->rule);
        strbuf_add(&rows, i > 0 ? ",{" : "{");
        strbuf_json_str(&rows, "alarm", alarm);
        strbuf_json_str(&rows, "severity", severity_word(a->severity));
        strbuf_json_int(&rows, "raises", a->raises);
        add_value(&rows, "share", "", a->share, "%");
        add_duration(&rows, "median", a->median_ms);
        strbuf_json_str(&rows, "chatter",
                        a->chatter_raises > 0 && a->site_chatters
                            ? tr("3 in 1 min, site's")
                        : a->chatter_raises > 0 ? tr("3 in 1 min")
                        : a->site_chatters      ? tr("site's")
                                                : "-");
        strbuf_add_char(&rows, '}');
    }
    return print_rows(&rows, columns, ARRAY_LEN(columns));
}

static void
print_advice(const struct advice *a, uint32_t raises, const char *unit)
{
    char text[INSTANT_TEXT_BYTES];
    const struct advice_cost *c = &a->cost;
    if (a->kind == ADVICE_DEADBAND) {
        printf(tr("  %c deadband %.6g%s%s (clear: %s)"), a->best ? '*' : ' ',
               a->deadband, unit[0] != '\0' ? " " : "", unit, a->clear);
    } else {
        printf("  %c %s %s (%s)", a->best ? '*' : ' ', tr(advice_kind_name(a->kind)),
               duration_write(text, a->delay_ms),
               a->kind == ADVICE_ON_DELAY ? "hold" : "clear_hold");
    }
    printf(tr(": saves %" PRIu32 " of %" PRIu32 " raises"), c->saved, raises);
    if (c->later_worst_ms > 0) {
        printf(tr(", raised %s later"), duration_format(text, c->later_median_ms));
        printf(tr(" (at worst %s)"), duration_format(text, c->later_worst_ms));
    } else {
        printf(tr(", raised no later"));
    }
    if (c->clears_later_ms > 0) {
        printf(tr(", clears up to %s later"),
               duration_format(text, c->clears_later_ms));
        printf(tr(" (standing idle for up to %s)"), duration_format(text, c->idle_ms));
    }
    if (c->unseen > 0) {
        printf(tr(", %" PRIu32 " never seen (up to %s)"), c->unseen,
               duration_format(text, c->unseen_ms));
    }
    putchar('\n');
}

static void
print_all_advice(const struct alarm_report *r)
{
    if (r->actor_count == 0) {
        return;
    }
    puts(tr(
        "\nWhat would spare raises (replayed over the recorded samples; * is best)"));
    for (uint32_t i = 0; i < r->actor_count; i++) {
        const struct advice_actor *a = &r->actors[i];
        const struct alarm_name *n = name_of(r, r->quality.actors[i].alarm);
        printf("%s/%s", n->device, n->rule);
        if (a->nothing != NULL) {
            printf(": %s\n", tr(a->nothing));
            continue;
        }
        printf("%s%s%s\n", a->no_deadband != NULL ? tr(" (no deadband: ") : "",
               a->no_deadband != NULL ? tr(a->no_deadband) : "",
               a->no_deadband != NULL ? ")" : "");
        for (uint32_t k = 0; k < a->count; k++) {
            print_advice(&a->items[k], a->raises, a->unit);
        }
    }
}

static int
print_standing(const struct alarm_report *r)
{
    static const struct cli_column columns[] = {
        {"alarm", "ALARM", CLI_SHOW_TEXT},   {"severity", "SEVERITY", CLI_SHOW_TEXT},
        {"raised", "RAISED", CLI_SHOW_TEXT}, {"cleared", "CLEARED", CLI_SHOW_TEXT},
        {"stood", "STOOD", CLI_SHOW_TEXT},
    };
    const struct alarm_quality *q = &r->quality;
    struct strbuf rows = {0};
    if (q->standing_count == 0) {
        return CLI_OK;
    }
    printf(tr("\n%zu stood over 24 h\n"), q->standing_count);
    strbuf_add_char(&rows, '[');
    for (size_t i = 0; i < q->standing_count && i < STANDING_SHOWN; i++) {
        const struct alarm_quality_standing *s = &q->standing[i];
        char alarm[2 * ID_BYTES_MAX];
        snprintf(alarm, sizeof alarm, "%s/%s", name_of(r, s->alarm)->device,
                 name_of(r, s->alarm)->rule);
        strbuf_add(&rows, i > 0 ? ",{" : "{");
        strbuf_json_str(&rows, "alarm", alarm);
        strbuf_json_str(&rows, "severity", severity_word(s->severity));
        add_local(&rows, "raised", s->raised_ms);
        add_local(&rows, "cleared", s->cleared_ms);
        add_duration(&rows, "stood", s->stood_ms);
        strbuf_add_char(&rows, '}');
    }
    int status = print_rows(&rows, columns, ARRAY_LEN(columns));
    if (q->standing_count > STANDING_SHOWN) {
        printf(tr("and %zu more\n"), q->standing_count - STANDING_SHOWN);
    }
    return status;
}

static void
print_head(const struct alarm_report *r, const struct alarm_report_head *h)
{
    char from[INSTANT_TEXT_BYTES];
    char to[INSTANT_TEXT_BYTES];
    char span[INSTANT_TEXT_BYTES];
    const struct alarm_quality *q = &r->quality;
    printf(tr("Alarms of %s, %s .. %s (%s)%s\n"), h->site->id,
           instant_format_local(from, r->from_ms), instant_format_local(to, r->to_ms),
           duration_format(span, r->to_ms - r->from_ms),
           h->from_logs ? tr(", as the logs would have raised them") : "");
    printf(tr("%" PRIu32 " raise%s of %" PRIu32 " alarm%s: %" PRIu32
              " critical, %" PRIu32 " urgent, %" PRIu32 " normal, %" PRIu32 " info\n"),
           q->raises, q->raises == 1 ? "" : "s", q->alarms, q->alarms == 1 ? "" : "s",
           q->by_severity[SEVERITY_CRITICAL], q->by_severity[SEVERITY_URGENT],
           q->by_severity[SEVERITY_NORMAL], q->by_severity[SEVERITY_INFO]);
    if (q->peak_ms != INSTANT_NONE) {
        printf(tr("most in 10 min: %" PRIu32 ", from %s on\n"), q->peak_10min,
               instant_format_local(from, q->peak_ms));
    }
    putchar('\n');
}

int
report_print_alarms_text(const struct alarm_report *r,
                         const struct alarm_report_head *h)
{
    print_head(r, h);
    int status = print_figures(&r->quality);
    status = status == CLI_OK ? print_floods(&r->quality) : status;
    status = status == CLI_OK ? print_top(r) : status;
    if (h->advised) {
        print_all_advice(r);
    }
    status = status == CLI_OK ? print_standing(r) : status;
    puts(tr("\nTargets: " ALARM_REPORT_BASIS ".\n"
            "A flood begins above 10 raises in 10 min and ends below 5; chatter is 3 "
            "raises "
            "in 1 min; priorities\nas the standards' about 5 / 15 / 80 %, info apart.  "
            "\"high\" is up to twice the target."));
    return status;
}
