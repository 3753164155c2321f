#include "daemon/cli/tune_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"

#define BAR_WIDTH 20
#define MARK_KNEE N_("<- knee")
#define MARK_NOW  N_("<- now")
#define MARK_BOTH N_("<- knee, now")

/* A hold as the rule file has it. */
static const char *
hold_text(char *out, int64_t hold_ms)
{
    return hold_ms == 0 ? "0s" : duration_write(out, hold_ms);
}

static void
add_setting(struct strbuf *b, const struct tune *t, const struct tune_setting *s)
{
    strbuf_add_char(b, '{');
    strbuf_json_num(b, "threshold", s->threshold);
    strbuf_json_num(b, "deadband", t->form.has_deadband ? s->deadband : (double)NAN);
    strbuf_json_int(b, "hold_ms", s->hold_ms);
    strbuf_json_int(b, "missed", s->missed);
    strbuf_json_int(b, "false_raises", (int64_t)s->false_raises);
    strbuf_json_num(b, "false_per_day", s->false_per_day);
    bool found = s->delay_median_ms != INSTANT_NONE;
    strbuf_json_num(b, "delay_median_ms",
                    found ? (double)s->delay_median_ms : (double)NAN);
    strbuf_json_num(b, "delay_worst_ms",
                    found ? (double)s->delay_worst_ms : (double)NAN);
    strbuf_json_bool(b, "front", s->front);
    strbuf_json_bool(b, "now", s->now);
    strbuf_json_bool(b, "knee", s->knee);
    strbuf_add_char(b, '}');
}

/* The lines of the rule file that make a setting. */
static void
add_lines(struct strbuf *b, const struct tune *t, const struct tune_setting *s)
{
    char hold[INSTANT_TEXT_BYTES];
    strbuf_json_str(b, "when", rule_form_when(&t->form, t->arena, s->threshold));
    strbuf_json_str(b, "clear",
                    rule_form_clear(&t->form, t->arena, s->threshold, s->deadband));
    strbuf_json_str(b, "hold", hold_text(hold, s->hold_ms));
}

void
tune_print_json(const struct tune *t)
{
    struct strbuf b = {0};
    const struct rule_spec *rule = t->form.rule;
    strbuf_add_char(&b, '{');
    strbuf_json_str(&b, "rule", rule->id);
    strbuf_json_str(&b, "level", severity_name(rule->levels[t->form.level].severity));
    strbuf_json_str(&b, "value", t->form.value);
    strbuf_json_str(&b, "compared", t->form.above ? "above" : "below");
    strbuf_json_str(&b, "unit", t->unit);
    strbuf_json_time(&b, "from", t->first_ms);
    strbuf_json_time(&b, "to", t->last_ms);
    strbuf_json_int(&b, "samples", (int64_t)t->samples);
    strbuf_json_int(&b, "bad_rows", (int64_t)t->bad_rows);
    strbuf_json_int(&b, "devices", t->devices);
    strbuf_json_num(&b, "days", t->days);
    strbuf_json_int(&b, "faults", t->faults);
    strbuf_json_int(&b, "left_out", t->left_out);
    strbuf_json_num(&b, "false_per_day_max", t->false_per_day_max);
    strbuf_json_key(&b, "knee");
    if (t->knee == NONE_INDEX) {
        strbuf_add(&b, "null");
    } else {
        strbuf_add_char(&b, '{');
        add_lines(&b, t, &t->settings[t->knee]);
        strbuf_add_char(&b, '}');
    }
    strbuf_json_key(&b, "settings");
    strbuf_add_char(&b, '[');
    for (uint32_t i = 0; i < t->count; i++) {
        strbuf_add(&b, i > 0 ? ",\n" : "\n");
        add_setting(&b, t, &t->settings[i]);
    }
    strbuf_add(&b, "\n]}");
    puts(strbuf_text(&b));
    strbuf_fini(&b);
}

static void
add_number_text(struct strbuf *row, const char *key, const char *sign, double value)
{
    char digits[NUMBER_TEXT_BYTES];
    char text[NUMBER_TEXT_BYTES + 8];
    number_format(digits, value);
    snprintf(text, sizeof text, "%s%s", sign, digits);
    strbuf_json_str(row, key, text);
}

static void
add_duration(struct strbuf *row, const char *key, int64_t ms)
{
    char text[INSTANT_TEXT_BYTES];
    strbuf_json_str(row, key, ms == INSTANT_NONE ? "-" : duration_format(text, ms));
}

static void
add_row(struct strbuf *row,
        const struct tune *t,
        const struct tune_setting *s,
        double most_false)
{
    char text[64];
    char hold[INSTANT_TEXT_BYTES];
    /* Each doubling is as long: both 1 and 1,000 can be seen. */
    double share =
        most_false > 0 ? log2(1 + (double)s->false_raises) / log2(1 + most_false) : 0;
    int bar = (int)ceil(share * BAR_WIDTH);
    strbuf_add_char(row, '{');
    add_number_text(row, "threshold", t->form.above ? "> " : "< ", s->threshold);
    if (t->form.has_deadband) {
        add_number_text(row, "deadband", "", s->deadband);
    }
    strbuf_json_str(row, "hold", hold_text(hold, s->hold_ms));
    snprintf(text, sizeof text, tr("%" PRIu32 " of %" PRIu32), s->missed, t->faults);
    strbuf_json_str(row, "missed", text);
    strbuf_json_str(row, "false", number_format_short(text, s->false_per_day));
    snprintf(text, sizeof text, "%.*s", bar, "####################");
    strbuf_json_str(row, "bar", text);
    add_duration(row, "delay", s->delay_median_ms);
    add_duration(row, "worst", s->delay_worst_ms);
    strbuf_json_str(row, "mark",
                    s->knee && s->now ? tr(MARK_BOTH)
                    : s->knee         ? tr(MARK_KNEE)
                    : s->now          ? tr(MARK_NOW)
                                      : "");
    strbuf_add_char(row, '}');
}

/* The most eager first. */
static int
compare_settings(const void *x, const void *y)
{
    const struct tune_setting *a = *(const struct tune_setting *const *)x;
    const struct tune_setting *b = *(const struct tune_setting *const *)y;
    if (a->false_raises != b->false_raises) {
        return a->false_raises < b->false_raises ? 1 : -1;
    }
    if (a->missed != b->missed) {
        return a->missed > b->missed ? 1 : -1;
    }
    return (a > b) - (a < b);
}

static int
print_table(const struct tune *t, bool all)
{
    static const struct cli_column columns[] = {
        {"threshold", "THRESHOLD", CLI_SHOW_TEXT},
        {"deadband", "DEADBAND", CLI_SHOW_TEXT},
        {"hold", "HOLD", CLI_SHOW_TEXT},
        {"missed", "MISSED", CLI_SHOW_TEXT},
        {"false", "FALSE/DAY", CLI_SHOW_TEXT},
        {"bar", "FALSE RAISES", CLI_SHOW_TEXT},
        {"delay", "DELAY", CLI_SHOW_TEXT},
        {"worst", "WORST", CLI_SHOW_TEXT},
        {"mark", "", CLI_SHOW_TEXT},
    };
    struct strbuf rows = {0};
    uint32_t count = 0;
    double most_false = 0;
    const struct tune_setting **shown =
        malloc(t->count * sizeof(const struct tune_setting *));
    if (shown == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < t->count; i++) {
        const struct tune_setting *s = &t->settings[i];
        if (all || s->now || s->knee || (s->front && s->missed < t->faults)) {
            shown[count++] = s;
            most_false = fmax(most_false, (double)s->false_raises);
        }
    }
    qsort(shown, count, sizeof(const struct tune_setting *), compare_settings);
    strbuf_add_char(&rows, '[');
    for (uint32_t i = 0; i < count; i++) {
        strbuf_add(&rows, i > 0 ? "," : "");
        add_row(&rows, t, shown[i], most_false);
    }
    strbuf_add_char(&rows, ']');
    int status = cli_print_listing(strbuf_text(&rows), false, columns,
                                   ARRAY_LEN(columns), "no settings");
    strbuf_fini(&rows);
    free(shown);
    return status;
}

static void
print_lines(const struct tune *t, const char *what, const struct tune_setting *s)
{
    char hold[INSTANT_TEXT_BYTES];
    const char *clear = rule_form_clear(&t->form, t->arena, s->threshold, s->deadband);
    printf(tr("%s when: %s"), what, rule_form_when(&t->form, t->arena, s->threshold));
    printf(tr("; clear: %s; hold: %s\n"), clear != NULL ? clear : tr("not when"),
           hold_text(hold, s->hold_ms));
}

int
tune_print_text(const struct tune *t, bool all)
{
    char from[INSTANT_TEXT_BYTES];
    char to[INSTANT_TEXT_BYTES];
    char free_of[INSTANT_TEXT_BYTES];
    printf(tr("%s, %s: %" PRIu32 " labelled fault%s, %s without a fault on %" PRIu32
              " device%s\n%s .. %s, numbers in %s\n"),
           t->form.rule->id,
           severity_word(t->form.rule->levels[t->form.level].severity), t->faults,
           t->faults == 1 ? "" : "s",
           duration_format(free_of, (int64_t)(t->days * 86400000)), t->devices,
           t->devices == 1 ? "" : "s", instant_format_local(from, t->first_ms),
           instant_format_local(to, t->last_ms),
           t->unit[0] != '\0' ? t->unit : tr("the unit of the value"));
    if (!t->form.has_deadband) {
        puts(tr("its `clear` is no limit of the same value: it was left as it is"));
    }
    printf(tr("%" PRIu32 " setting%s tried; %s:\n\n"), t->count,
           t->count == 1 ? " was" : "s were",
           all ? tr("all of them") : tr("those that no other beats in every figure"));
    int status = print_table(t, all);
    putchar('\n');
    print_lines(t, tr("now: "), &t->settings[t->now]);
    if (t->knee != NONE_INDEX) {
        print_lines(t, tr("knee:"), &t->settings[t->knee]);
    } else if (!t->any_found) {
        puts(tr("no setting finds a fault"));
    } else {
        char most[NUMBER_TEXT_BYTES];
        number_format(most, t->false_per_day_max);
        printf(tr("no knee: what finds a fault has more false raises a day than %s "
                  "(--false-max)\n"),
               most);
    }
    return status;
}

void
tune_print_warnings(const struct tune *t)
{
    if (t->left_out > 0) {
        fprintf(stderr,
                tr("%" PRIu32 " labelled window%s left out: the log has no such time, "
                   "or not that device\n"),
                t->left_out, t->left_out == 1 ? " was" : "s were");
    }
    if (t->bad_rows > 0) {
        fprintf(stderr, tr("%" PRIu64 " bad row%s left out\n"), t->bad_rows,
                t->bad_rows == 1 ? " was" : "s were");
    }
    if (t->late_samples * 2 > t->samples) {
        fprintf(
            stderr,
            tr("most samples came when their point was stale already: this log has a "
               "slower rhythm than the\nsite's polls; give --stale-after (three times "
               "the log's interval)\n"));
    }
}
