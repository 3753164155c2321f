/* Packs from rows and samples as the daemon leaves them: what is drawn of how much
 * time, and what is said where something is missing or damaged. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/evidence/evidence.h"
#include "daemon/store/history.h"
#include "daemon/store/state_evidence.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/log_site.h"

#define T0     INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */
#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static char dir[SCRATCH_BYTES];
static struct err err;
static struct state *store;
static struct site *site;
static struct rule_spec rule;
static struct ticket ticket;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
setup(void)
{
    instant_zone_set("UTC");
    log_init(LOG_LEVEL_ERROR);
    scratch_make(dir);
    must(state_open(&store, dir, STORE_WRITE, &err));
    site = log_site_new(2, 2);
    site->data_dir = dir;
    site->currency = "CNY";
    for (uint32_t i = 0; i < site->point_count; i++) {
        site->points[i].unit = "bar";
        site->points[i].stale_after_ms = 2 * MINUTE;
        site->points[i].poll_ms = 1000;
    }
    for (uint32_t i = 0; i < site->device_count; i++) {
        site->devices[i].parent = NONE_INDEX;
    }
    rule = (struct rule_spec){.id = "hot", .level_count = 1, .enabled = true};
    rule.levels[0].when.text = "p0001 > 80 bar and d1.p0000 > 1";
    rule.levels[0].severity = SEVERITY_URGENT;
    rule.title.in[LANGUAGE_EN] = "hot";
    rule.cause.in[LANGUAGE_EN] = "worn";
    site->rules = &rule;
    site->rule_count = 1;
    ticket = (struct ticket){.number = 1,
                             .device = "d0",
                             .rule = "hot",
                             .priority = SEVERITY_URGENT,
                             .opened_ms = T0,
                             .respond_by_ms = T0 + HOUR,
                             .resolve_by_ms = T0 + 2 * HOUR,
                             .responded_ms = INSTANT_NONE,
                             .resolved_ms = INSTANT_NONE,
                             .verified_ms = INSTANT_NONE,
                             .closed_ms = INSTANT_NONE,
                             .assigned_ms = INSTANT_NONE,
                             .waiting_since_ms = INSTANT_NONE,
                             .cleared_ms = INSTANT_NONE,
                             .due_ms = INSTANT_NONE,
                             .visit_ms = INSTANT_NONE,
                             .title = "d0 is hot"};
}

static void
teardown(void)
{
    state_close(store);
    scratch_remove(dir);
    site_free(site);
}

static void
put_event_of(const char *of, enum event_kind kind, int64_t t_ms, const char *json)
{
    int64_t seq = 0;
    const struct event e = {
        .t_ms = t_ms,
        .kind = kind,
        .device = "d0",
        .rule = of,
        .ticket = strncmp(event_kind_name(kind), "alarm.", 6) != 0 ? 1 : 0};
    must(state_add_event(store, &e, json, NULL, NULL, &seq, &err));
}

static void
put_event(enum event_kind kind, int64_t t_ms, const char *json)
{
    put_event_of("hot", kind, t_ms, json);
}

/* As changes does it, `reopened` times before. */
static void
put_opening(int64_t t_ms, int64_t reopened)
{
    struct evidence_texts texts = {0};
    ticket.reopened = reopened;
    must(state_put_ticket(store, &ticket, &err));
    evidence_take_facts(&texts, site, site_device(site, "d0"), 0, NULL);
    const struct evidence_row row = {.ticket = 1,
                                     .t_ms = t_ms,
                                     .rule = strbuf_text(&texts.rule),
                                     .version = texts.version,
                                     .facts = strbuf_text(&texts.facts)};
    must(state_put_evidence(store, &row, &err));
    evidence_texts_fini(&texts);
    put_event(EVENT_ALARM_RAISED, t_ms, "{}");
    put_event(reopened == 0 ? EVENT_TICKET_OPENED : EVENT_TICKET_REOPENED, t_ms, "{}");
}

/* A sample a minute of d0's p0001 and of d1's p0000. */
static void
record(int64_t from_ms, int64_t to_ms)
{
    struct history *h = NULL;
    union {
        struct frame frame;
        unsigned char room[FRAME_BYTES_MAX];
    } f;
    must(history_open(&h, dir, site, &err));
    for (int64_t t = from_ms; t <= to_ms; t += MINUTE) {
        for (uint32_t d = 0; d < 2; d++) {
            f.frame = (struct frame){.t_ms = t, .device = d, .count = 1};
            f.frame.readings[0] = (struct reading){
                .point = site_point(site, d, d == 0 ? "p0001" : "p0000"),
                .value = (double)((t - T0) / MINUTE),
                .quality = t == T0 + MINUTE ? QUALITY_TIMEOUT : QUALITY_GOOD};
            ck_assert(history_push(h, &f.frame));
        }
    }
    must(history_flush(h, &err));
    history_close(h);
}

static struct evidence *
load_at(int64_t now_ms)
{
    struct evidence *e = NULL;
    must(evidence_load(&e, site, store, 1, now_ms, NULL, &err));
    return e;
}

/* All forms of it hold the words. */
static void
check_words(const struct evidence *e, const char *words)
{
    struct strbuf page = {0};
    struct strbuf text = {0};
    evidence_page(&page, e);
    evidence_print(&text, e);
    ck_assert_msg(strstr(strbuf_text(&page), words) != NULL, "%s", strbuf_text(&page));
    ck_assert_msg(strstr(strbuf_text(&text), words) != NULL, "%s", strbuf_text(&text));
    strbuf_fini(&page);
    strbuf_fini(&text);
}

static json_t *
json_of(const struct evidence *e)
{
    struct strbuf out = {0};
    json_error_t where;
    evidence_json(&out, e);
    json_t *root = json_loads(strbuf_text(&out), JSON_REJECT_DUPLICATES, &where);
    ck_assert_msg(root != NULL, "%s: %s", where.text, strbuf_text(&out));
    strbuf_fini(&out);
    return root;
}

/* ---- How much time ---- */

START_TEST(a_fault_that_stands_is_shown_until_now)
{
    put_opening(T0, 0);
    struct evidence *e = load_at(T0 + 10 * MINUTE);
    ck_assert_uint_eq(e->window_count, 1);
    ck_assert_int_eq(e->windows[0].from_ms, T0 - HOUR);
    ck_assert_int_eq(e->windows[0].to_ms, T0 + 10 * MINUTE);
    ck_assert_int_eq(e->windows[0].cleared_ms, INSTANT_NONE);
    evidence_free(e);
    e = load_at(T0 + 3 * DAY);
    ck_assert_int_eq(e->windows[0].to_ms, T0 + DAY);
    evidence_free(e);
}
END_TEST

START_TEST(half_an_hour_after_it_cleared_is_shown)
{
    put_opening(T0, 0);
    put_event(EVENT_ALARM_CLEARED, T0 + 20 * MINUTE, "{}");
    put_event(EVENT_ALARM_RAISED, T0 + 25 * MINUTE, "{}");
    put_event(EVENT_ALARM_CLEARED, T0 + 40 * MINUTE, "{}");
    put_event(EVENT_TICKET_RESOLVED, T0 + 50 * MINUTE, "{}");
    struct evidence *e = load_at(T0 + DAY);
    ck_assert_uint_eq(e->window_count, 1);
    ck_assert_int_eq(e->windows[0].cleared_ms, T0 + 40 * MINUTE);
    ck_assert_int_eq(e->windows[0].to_ms, T0 + 70 * MINUTE);
    evidence_free(e);
}
END_TEST

START_TEST(a_repair_days_later_has_a_chart_of_its_own)
{
    put_opening(T0, 0);
    put_event(EVENT_ALARM_CLEARED, T0 + 3 * DAY, "{}");
    put_event(EVENT_TICKET_RESOLVED, T0 + 3 * DAY + MINUTE, "{}");
    struct evidence *e = load_at(T0 + 9 * DAY);
    ck_assert_uint_eq(e->window_count, 2);
    ck_assert_int_eq(e->windows[0].to_ms, T0 + DAY);
    ck_assert_int_eq(e->windows[0].cleared_ms, INSTANT_NONE);
    ck_assert_int_eq(e->windows[1].opened_ms, INSTANT_NONE);
    ck_assert_int_eq(e->windows[1].from_ms, T0 + 3 * DAY - HOUR);
    ck_assert_int_eq(e->windows[1].to_ms, T0 + 3 * DAY + 30 * MINUTE);
    evidence_free(e);
}
END_TEST

START_TEST(of_many_openings_the_first_and_the_latest_are_shown)
{
    for (int i = 0; i < 20; i++) {
        put_opening(T0 + i * 10 * DAY, i);
        put_event(EVENT_ALARM_CLEARED, T0 + i * 10 * DAY + HOUR, "{}");
        put_event(EVENT_TICKET_RESOLVED, T0 + i * 10 * DAY + 2 * HOUR, "{}");
    }
    struct evidence *e = load_at(T0 + 300 * DAY);
    ck_assert_uint_eq(e->opening_count, 20);
    ck_assert_uint_le(e->window_count, EVIDENCE_WINDOWS_MAX);
    ck_assert_int_eq(e->windows[0].opened_ms, T0);
    ck_assert_int_eq(e->windows[e->window_count - 1].opened_ms, T0 + 190 * DAY);
    evidence_free(e);
}
END_TEST

/* ---- Several rules of one ticket ---- */

/* "hot" as it is, and what shares its tickets or not. */
static struct rule_spec group_rules[4];

static void
group_rules_make(void)
{
    static const char *const ids[] = {"hot", "dry", "elsewhere", "absent"};
    static const char *const whens[] = {NULL, "p0000 > 40", "p0000 > 7", "p0009 > 3"};
    for (size_t i = 0; i < ARRAY_LEN(group_rules); i++) {
        group_rules[i] = rule;
        group_rules[i].id = ids[i];
        group_rules[i].group = i == 2 ? "other" : "trip";
        group_rules[i].levels[0].when.text =
            whens[i] != NULL ? whens[i] : rule.levels[0].when.text;
    }
    group_rules[1].hold_ms = 30000;
    group_rules[1].cause.in[LANGUAGE_EN] = "no water";
    site->rules = group_rules;
    site->rule_count = ARRAY_LEN(group_rules);
}

START_TEST(a_ticket_of_a_group_tells_all_of_its_alarms)
{
    group_rules_make();
    put_opening(T0, 0);
    put_event_of("dry", EVENT_ALARM_RAISED, T0 + 5 * MINUTE,
                 "{\"severity\":\"urgent\",\"value\":44}");
    put_event(EVENT_TICKET_JOINED, T0 + 5 * MINUTE, "{}");
    put_event_of("elsewhere", EVENT_ALARM_RAISED, T0 + 6 * MINUTE, "{}");
    put_event(EVENT_ALARM_CLEARED, T0 + 10 * MINUTE, "{}");
    struct evidence *e = load_at(T0 + 30 * MINUTE);
    ck_assert_int_eq(e->windows[0].cleared_ms, INSTANT_NONE); /* The other stands. */
    evidence_free(e);
    put_event_of("dry", EVENT_ALARM_CLEARED, T0 + 20 * MINUTE, "{}");
    record(T0 - HOUR, T0 + HOUR);
    e = load_at(T0 + 30 * MINUTE);
    ck_assert_int_eq(e->windows[0].cleared_ms, T0 + 20 * MINUTE);
    ck_assert_uint_eq(e->event_count, 6);
    ck_assert_uint_eq(e->other_count, 1);
    check_words(e, "alarm raised, urgent, dry (44)");
    check_words(e, "no water");
    check_words(e, "dry, version ");
    json_t *root = json_of(e);
    json_t *others = json_object_get(json_object_get(root, "rule"), "others");
    ck_assert_uint_eq(json_array_size(others), 1);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_array_get(others, 0), "id")), "dry");
    json_decref(root);
    /* The other rule's limit is there too, with how long it must hold. */
    const struct evidence_series *s = &e->windows[0].series[2];
    ck_assert_str_eq(s->point, "p0000");
    ck_assert_uint_eq(s->limit_count, 1);
    ck_assert_double_eq(s->limits[0].value, 40);
    ck_assert_int_eq(s->limits[0].hold_ms, 30000);
    evidence_free(e);
}
END_TEST

START_TEST(a_rule_of_the_group_that_was_not_raised_is_not_told)
{
    group_rules_make();
    put_opening(T0, 0);
    struct evidence *e = load_at(T0 + HOUR);
    json_t *group = json_object_get(evidence_first(e)->facts, "group");
    ck_assert_uint_eq(json_array_size(group),
                      1); /* Neither `elsewhere` nor `absent`. */
    ck_assert_uint_eq(e->other_count, 0);
    evidence_free(e);
}
END_TEST

/* ---- The samples ---- */

START_TEST(a_limit_says_how_long_it_must_hold)
{
    rule.hold_ms = 30000;
    put_opening(T0, 0);
    record(T0 - HOUR, T0 + HOUR);
    struct evidence *e = load_at(T0 + HOUR);
    struct strbuf chart = {0};
    evidence_chart(&chart, e, &e->windows[0]);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&chart), ">p0001 &gt; 80 bar for 30s<"));
    strbuf_fini(&chart);
    evidence_free(e);
}
END_TEST

START_TEST(values_are_summed_before_during_and_after)
{
    put_opening(T0, 0);
    put_event(EVENT_ALARM_CLEARED, T0 + 20 * MINUTE, "{}");
    record(T0 - 2 * HOUR, T0 + 2 * HOUR);
    struct evidence *e = load_at(T0 + DAY);
    const struct evidence_window *w = &e->windows[0];
    const struct evidence_series *s = &w->series[0];
    ck_assert_str_eq(s->point, "p0001");
    ck_assert(!s->foreign);
    ck_assert_uint_eq(s->before.count, 60);
    ck_assert_double_eq(s->before.min, -60);
    ck_assert_double_eq(s->before.last, -1);
    ck_assert_uint_eq(s->during.count, 19); /* One was not good. */
    ck_assert_uint_eq(w->bad, 2);
    ck_assert_double_eq(s->during.max, 19);
    ck_assert_uint_eq(s->after.count, 31);
    ck_assert_double_eq(s->after.mean, 35);
    /* What the rule reads of another device comes with it, and then the others. */
    ck_assert_str_eq(w->series[1].samples.name, "d1.p0000");
    ck_assert(w->series[1].foreign);
    ck_assert_uint_eq(w->series[1].samples.good, 110);
    ck_assert_str_eq(w->series[2].samples.name, "p0000");
    ck_assert_uint_eq(w->series[2].samples.good, 0);
    ck_assert_uint_eq(s->limit_count, 1);
    ck_assert_double_eq(s->limits[0].value, 80);
    evidence_free(e);
}
END_TEST

START_TEST(the_history_may_be_gone)
{
    put_opening(T0, 0);
    struct evidence *e = load_at(T0 + HOUR);
    check_words(e, "no history was ever recorded, or it was removed");
    evidence_free(e);
    record(T0 + 2 * HOUR, T0 + 3 * HOUR);
    e = load_at(T0 + HOUR);
    check_words(e, "what is kept begins at 2026-03-01 02:00:00");
    evidence_free(e);
}
END_TEST

START_TEST(a_young_history_is_not_drawn_with_an_hour_of_nothing)
{
    put_opening(T0, 0);
    record(T0 - 5 * MINUTE, T0 + HOUR);
    struct evidence *e = load_at(T0 + HOUR);
    ck_assert_int_eq(e->windows[0].from_ms, T0 - 5 * MINUTE);
    evidence_free(e);
}
END_TEST

START_TEST(a_damaged_history_is_said)
{
    char path[SCRATCH_BYTES + 16];
    put_opening(T0, 0);
    snprintf(path, sizeof path, "%s/history.db", dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 1000; i++) {
        fputs("this is no database. ", f);
    }
    fclose(f);
    struct evidence *e = load_at(T0 + HOUR);
    check_words(e, "the history cannot be read");
    evidence_free(e);
}
END_TEST

/* ---- What is missing ---- */

START_TEST(there_is_no_such_ticket)
{
    struct evidence *e = NULL;
    char device[ID_BYTES_MAX];
    ck_assert_int_eq(evidence_load(&e, site, store, 1, T0, NULL, &err), ERR_NOT_FOUND);
    ck_assert_ptr_null(e);
    ck_assert_int_eq(evidence_device(device, store, 1, &err), ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_ticket_from_before_shows_what_the_site_says_now)
{
    must(state_put_ticket(store, &ticket, &err));
    struct evidence *e = load_at(T0 + HOUR);
    ck_assert(!e->taken);
    ck_assert_int_eq(e->rule, EVIDENCE_SAME);
    check_words(e, "nothing was stored when it opened");
    check_words(e, "worn");
    evidence_free(e);
    site->rule_count = 0;
    e = load_at(T0 + HOUR);
    ck_assert_int_eq(e->rule, EVIDENCE_GONE);
    check_words(e, "the rule is no longer in the site");
    evidence_free(e);
}
END_TEST

START_TEST(a_device_with_another_name_is_told_by_both)
{
    site->devices[0].name = "Old pump";
    put_opening(T0, 0);
    site->devices[0].name = "New pump";
    struct evidence *e = load_at(T0 + HOUR);
    check_words(e, "Old pump (d0), now called New pump");
    evidence_free(e);
}
END_TEST

/* What a line of the life says, and of which event. */
static const struct {
    enum event_kind kind;
    const char *json, *words;
} lines[] = {
    {EVENT_ALARM_CHANGED, "{\"severity\":\"critical\",\"value\":9.87}",
     "alarm changed, critical (9.87)"},
    {EVENT_ALARM_SUPPRESSED, "{\"severity\":\"urgent\",\"suppressed_by\":\"bus\"}",
     "alarm hidden, hidden by bus"},
    {EVENT_ALARM_SHELVED,
     "{\"until\":\"2026-03-01T10:00:00Z\",\"by\":\"li\",\"note\":\"known\"}",
     "alarm shelved, until 2026-03-01 10:00:00: known"},
    {EVENT_TICKET_CHANGED,
     "{\"priority\":\"critical\",\"resolve_by\":\"2026-03-01T00:30:00Z\"}",
     "changed, critical, resolve by 2026-03-01 00:30:00"},
    {EVENT_TICKET_REOPENED, "{\"value\":87.8,\"episode\":2}",
     "reopened: the fault is back (87.8)"},
    {EVENT_TICKET_REOPENED, "{\"by\":\"li\",\"note\":\"it drips again\"}",
     "reopened: it drips again"},
    {EVENT_TICKET_CLOSED, "{\"due\":\"2026-03-04T12:00:00Z\"}",
     "ticket closed, follow-up visit on 2026-03-04"},
    {EVENT_TICKET_WATCHED, "{\"proof\":\"not-running\"}",
     "its sensor: not seen running"},
    {EVENT_TICKET_RATED, "{\"rating\":4}", "rated: 4 / 5"},
    {EVENT_PLAN_OVERDUE, "{\"ticket\":1,\"due\":\"2026-03-02T00:00:00Z\"}",
     "overdue, due 2026-03-02"},
    {EVENT_TICKET_BREACHED, "{\"deadline\":\"respond\"}", "too late, to respond"},
};

START_TEST(each_event_says_what_it_changed)
{
    put_opening(T0, 0);
    put_event(lines[_i].kind, T0 + MINUTE, lines[_i].json);
    struct evidence *e = load_at(T0 + HOUR);
    check_words(e, lines[_i].words);
    evidence_free(e);
}
END_TEST

/* What stands behind a deadline. */
static const struct {
    int64_t responded_ms, resolved_ms, due_ms;
    enum ticket_state state;
    bool breached;
    const char *has, *has_not;
} deadlines[] = {
    {INSTANT_NONE, INSTANT_NONE, INSTANT_NONE, TICKET_ASSIGNED, false,
     "02:00:00 · missed", "met"},
    {T0 + HOUR / 2, T0 + HOUR, INSTANT_NONE, TICKET_CLOSED, false, "02:00:00 · met",
     "missed"},
    /* Whoever repaired it was there, though he did not say so. */
    {INSTANT_NONE, T0 + HOUR / 2, INSTANT_NONE, TICKET_CLOSED, false, "01:00:00 · met",
     "missed"},
    {T0 + HOUR / 2, INSTANT_NONE, INSTANT_NONE, TICKET_WAITING, false,
     "02:00:00 · its clock stands", "missed"},
    {T0 + HOUR / 2, INSTANT_NONE, INSTANT_NONE, TICKET_WAITING, true,
     "02:00:00 · missed", "clock stands"},
    /* A planned visit has its day; nobody promised to be there sooner. */
    {INSTANT_NONE, INSTANT_NONE, T0 + HOUR, TICKET_ASSIGNED, false, "02:00:00 · missed",
     "respond by"},
};

START_TEST(a_deadline_says_whether_it_was_kept)
{
    ticket.responded_ms = deadlines[_i].responded_ms;
    ticket.resolved_ms = deadlines[_i].resolved_ms;
    ticket.due_ms = deadlines[_i].due_ms;
    ticket.state = deadlines[_i].state;
    ticket.resolve_breached = deadlines[_i].breached;
    put_opening(T0, 0);
    struct evidence *e = load_at(T0 + DAY);
    struct strbuf text = {0};
    check_words(e, deadlines[_i].has);
    evidence_print(&text, e);
    ck_assert_msg(strstr(strbuf_text(&text), deadlines[_i].has_not) == NULL, "%s",
                  strbuf_text(&text));
    strbuf_fini(&text);
    evidence_free(e);
}
END_TEST

START_TEST(parts_and_cost_are_added_up)
{
    ticket.cost = 2050;
    ticket.parts[0] =
        (struct ticket_part){.name = "bearing", .count = 100, .cost = 8000};
    ticket.part_count = 1;
    put_opening(T0, 0);
    struct evidence *e = load_at(T0 + HOUR);
    check_words(e, "bearing × 100 (80.00 CNY)");
    check_words(e, "20.50 CNY");
    check_words(e, "100.50 CNY");
    evidence_free(e);
}
END_TEST

START_TEST(what_hangs_on_a_device_is_named)
{
    site->devices[1].parent = 0;
    put_opening(T0, 0);
    struct evidence *e = load_at(T0 + HOUR);
    json_t *affects = json_object_get(evidence_device_facts(e), "affects");
    ck_assert_uint_eq(json_array_size(affects), 1);
    check_words(e, "devices affected");
    evidence_free(e);
}
END_TEST

START_TEST(a_bus_that_is_gone_is_not_said_to_be_online)
{
    must(state_put_ticket(store, &ticket, &err));
    const struct evidence_row row = {
        .ticket = 1,
        .t_ms = T0,
        .facts = "{}",
        .device = "{\"id\":\"line\",\"state\":\"online\",\"cause\":\"refused\"}",
        .bus = "{\"id\":\"line\",\"online\":false,\"requests\":4,\"errors\":104}"};
    must(state_put_evidence(store, &row, &err));
    struct evidence *e = load_at(T0 + HOUR);
    struct strbuf text = {0};
    check_words(e, "refused");
    evidence_print(&text, e);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&text), "line: offline"));
    ck_assert_ptr_nonnull(strstr(strbuf_text(&text), "requests 4, errors 104"));
    ck_assert_ptr_null(strstr(strbuf_text(&text), "online"));
    strbuf_fini(&text);
    evidence_free(e);
}
END_TEST

START_TEST(stars_and_closing_codes_are_told_with_what_they_mean)
{
    snprintf(ticket.cause, sizeof ticket.cause, "wear");
    ticket.rating = 4;
    put_opening(T0, 0);
    struct evidence *e = load_at(T0 + HOUR);
    check_words(e, "wear (worn out or aged by its own use)");
    check_words(e, "4 / 5");
    evidence_free(e);
}
END_TEST

START_TEST(a_ticket_without_a_device)
{
    ticket.device = NULL;
    ticket.rule = NULL;
    snprintf(ticket.symptom, sizeof ticket.symptom, "no light in the yard");
    must(state_put_ticket(store, &ticket, &err));
    struct evidence *e = load_at(T0 + HOUR);
    check_words(e, "no light in the yard");
    json_t *root = json_of(e);
    ck_assert(json_is_null(json_object_get(root, "rule")));
    ck_assert(json_is_null(json_object_get(root, "device")));
    json_decref(root);
    evidence_free(e);
}
END_TEST

/* Somebody wrote in the file by hand. */
static const char *const damaged[] = {
    "",
    "{",
    "[]",
    "null",
    "17",
    "\"text\"",
    "{\"procedure\":[],\"points\":{},\"limits\":7,\"device\":\"d0\"}",
    "{\"procedure\":{\"steps\":{},\"parts\":[7,{\"name\":5}]},\"points\":[null,{},{"
    "\"device\":\"d0\"}],\"limits\":[{}]}",
    "{\"points\":[{\"device\":\"d0\",\"point\":\"p0001\",\"gap_ms\":-9e99,\"unit\":7}],"
    "\"limits\":[{\"device\":\"d0\",\"point\":\"p0001\",\"text\":\"x\",\"value\":\"y\"}"
    "],"
    "\"device\":{\"name\":5,\"ledger\":[]},\"cause\":{\"en\":5}}",
    "{\"state\":9,\"points\":{\"a\":null,\"b\":{\"value\":{}}},\"load\":\"x\"}",
};

START_TEST(damaged_rows_are_shown_as_far_as_they_go)
{
    must(state_put_ticket(store, &ticket, &err));
    const struct evidence_row row = {.ticket = 1,
                                     .t_ms = T0,
                                     .rule = "<&\x01",
                                     .version = "v",
                                     .facts = damaged[_i],
                                     .device = damaged[_i],
                                     .bus = damaged[_i]};
    must(state_put_evidence(store, &row, &err));
    put_event(EVENT_TICKET_OPENED, T0, damaged[_i]);
    put_event(EVENT_TICKET_RESOLVED, T0 + MINUTE,
              "{\"parts\":[5,{},{\"name\":\"x\"}],\"cost\":\"y\",\"minutes\":{}}");
    struct evidence *e = load_at(T0 + HOUR);
    check_words(e, "d0 is hot");
    json_decref(json_of(e));
    evidence_free(e);
}
END_TEST

START_TEST(nothing_that_people_wrote_steers_a_page_or_a_terminal)
{
    snprintf(ticket.title, sizeof ticket.title, "<script>\x1b[2J&");
    snprintf(ticket.resolution, sizeof ticket.resolution, "<b>done</b>\nforged line");
    put_opening(T0, 0);
    put_event(EVENT_TICKET_NOTED, T0 + 1,
              "{\"note\":\"<i>\\u001b[0m\",\"by\":\"<u>\"}");
    struct evidence *e = load_at(T0 + HOUR);
    struct strbuf page = {0};
    struct strbuf text = {0};
    evidence_page(&page, e);
    evidence_print(&text, e);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&page), "&lt;script&gt;"));
    ck_assert_ptr_nonnull(strstr(strbuf_text(&page), "&lt;u&gt;"));
    ck_assert_ptr_null(strstr(strbuf_text(&page), "<script"));
    ck_assert_ptr_null(strstr(strbuf_text(&page), "<i>"));
    ck_assert_ptr_null(strchr(strbuf_text(&page), '\x1b'));
    ck_assert_ptr_null(strchr(strbuf_text(&text), '\x1b'));
    ck_assert_ptr_null(strstr(strbuf_text(&text), "\nforged line"));
    strbuf_fini(&page);
    strbuf_fini(&text);
    evidence_free(e);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("evidence");
    TCase *tc = tcase_create("evidence");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_fault_that_stands_is_shown_until_now);
    tcase_add_test(tc, half_an_hour_after_it_cleared_is_shown);
    tcase_add_test(tc, a_repair_days_later_has_a_chart_of_its_own);
    tcase_add_test(tc, of_many_openings_the_first_and_the_latest_are_shown);
    tcase_add_test(tc, a_ticket_of_a_group_tells_all_of_its_alarms);
    tcase_add_test(tc, a_rule_of_the_group_that_was_not_raised_is_not_told);
    tcase_add_test(tc, a_limit_says_how_long_it_must_hold);
    tcase_add_test(tc, values_are_summed_before_during_and_after);
    tcase_add_test(tc, the_history_may_be_gone);
    tcase_add_test(tc, a_young_history_is_not_drawn_with_an_hour_of_nothing);
    tcase_add_test(tc, a_damaged_history_is_said);
    tcase_add_test(tc, there_is_no_such_ticket);
    tcase_add_test(tc, a_ticket_from_before_shows_what_the_site_says_now);
    tcase_add_test(tc, a_device_with_another_name_is_told_by_both);
    tcase_add_loop_test(tc, each_event_says_what_it_changed, 0, (int)ARRAY_LEN(lines));
    tcase_add_loop_test(tc, a_deadline_says_whether_it_was_kept, 0,
                        (int)ARRAY_LEN(deadlines));
    tcase_add_test(tc, parts_and_cost_are_added_up);
    tcase_add_test(tc, what_hangs_on_a_device_is_named);
    tcase_add_test(tc, a_bus_that_is_gone_is_not_said_to_be_online);
    tcase_add_test(tc, stars_and_closing_codes_are_told_with_what_they_mean);
    tcase_add_test(tc, a_ticket_without_a_device);
    tcase_add_loop_test(tc, damaged_rows_are_shown_as_far_as_they_go, 0,
                        (int)ARRAY_LEN(damaged));
    tcase_add_test(tc, nothing_that_people_wrote_steers_a_page_or_a_terminal);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
