/* The lines and objects that other people's programs read. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/model/command.h"
#include "daemon/model/event.h"
#include "daemon/model/photo.h"
#include "daemon/model/ticket.h"
#include "tests/fake/small_site.h"

#define T0    1772360070000LL /* 2026-03-01T10:14:30Z */
#define STAMP "{\"t\":\"2026-03-01T10:14:30.000Z\",\"event\":"
#define WHO   "\"device\":\"pump-1\",\"rule\":\"pump-bearing-hot\","

static const struct {
    struct event event;
    const char *extra;
    const char *line;
} lines[] = {
    {{.t_ms = T0,
      .kind = EVENT_ALARM_RAISED,
      .device = "pump-1",
      .rule = "pump-bearing-hot",
      .severity = SEVERITY_URGENT,
      .has_value = true,
      .value = 81.2,
      .episode = 1,
      .title = "not in the line"},
     NULL,
     STAMP "\"alarm.raised\"," WHO
           "\"severity\":\"urgent\",\"value\":81.2,\"episode\":1}"},
    {{.t_ms = T0,
      .kind = EVENT_TICKET_OPENED,
      .ticket = 1,
      .device = "pump-1",
      .rule = "pump-bearing-hot",
      .severity = SEVERITY_URGENT,
      .ticket_kind = TICKET_FAULT,
      .respond_by_ms = T0,
      .resolve_by_ms = T0},
     NULL,
     STAMP "\"ticket.opened\",\"ticket\":1," WHO
           "\"priority\":\"urgent\",\"kind\":\"fault\"}"},
    {{.t_ms = T0,
      .kind = EVENT_TICKET_BREACHED,
      .ticket = 12,
      .device = "pump-1",
      .rule = "pump-bearing-hot",
      .severity = SEVERITY_CRITICAL,
      .deadline = "respond"},
     "\"seq\":17,\"id\":\"a-17\"",
     STAMP "\"ticket.breached\",\"ticket\":12," WHO
           "\"priority\":\"critical\",\"deadline\":\"respond\",\"seq\":17,"
           "\"id\":\"a-17\"}"},
    {{.t_ms = T0,
      .kind = EVENT_TICKET_REOPENED,
      .ticket = 2,
      .device = "pump-1",
      .severity = SEVERITY_NORMAL,
      .respond_by_ms = T0 + HOUR,
      .resolve_by_ms = T0 + DAY,
      .assignee = "li",
      .by = "张伟",
      .note = "still \"loud\""},
     NULL,
     STAMP "\"ticket.reopened\",\"ticket\":2,\"device\":\"pump-1\","
           "\"priority\":\"normal\",\"respond_by\":\"2026-03-01T11:14:30.000Z\","
           "\"resolve_by\":\"2026-03-02T10:14:30.000Z\",\"assignee\":\"li\","
           "\"by\":\"张伟\",\"note\":\"still \\\"loud\\\"\"}"},
    {{.t_ms = T0,
      .kind = EVENT_TICKET_RATED,
      .ticket = 2,
      .severity = SEVERITY_NORMAL,
      .rating = 5,
      .by = "desk"},
     NULL,
     STAMP "\"ticket.rated\",\"ticket\":2,\"priority\":\"normal\",\"rating\":5,"
           "\"by\":\"desk\"}"},
    {{.t_ms = T0, .kind = EVENT_DEVICE_OFFLINE, .device = "pump-1"},
     NULL,
     STAMP "\"device.offline\",\"device\":\"pump-1\"}"},
    {{.t_ms = T0,
      .kind = EVENT_ALARM_RAISED,
      .device = "pump-1",
      .rule = "dry",
      .severity = SEVERITY_URGENT,
      .episode = 2,
      .group = "trip",
      .first_out = true},
     NULL,
     STAMP "\"alarm.raised\",\"device\":\"pump-1\",\"rule\":\"dry\","
           "\"severity\":\"urgent\",\"episode\":2,\"group\":\"trip\","
           "\"first_out\":true}"},
    {{.t_ms = T0,
      .kind = EVENT_ALARM_SUPPRESSED,
      .device = "pump-1",
      .rule = "dry",
      .severity = SEVERITY_URGENT,
      .suppressed_by = "feeder-1/dead"},
     NULL,
     STAMP "\"alarm.suppressed\",\"device\":\"pump-1\",\"rule\":\"dry\","
           "\"severity\":\"urgent\",\"suppressed_by\":\"feeder-1/dead\"}"},
    {{.t_ms = T0,
      .kind = EVENT_DEVICE_OUT_OF_SERVICE,
      .device = "pump-1",
      .until_ms = T0 + HOUR,
      .by = "li",
      .note = "repair"},
     NULL,
     STAMP "\"device.out_of_service\",\"device\":\"pump-1\","
           "\"until\":\"2026-03-01T11:14:30.000Z\",\"by\":\"li\","
           "\"note\":\"repair\"}"},
    {{.t_ms = T0, .kind = EVENT_CLOCK_STEPPED, .step_ms = -5000},
     NULL,
     STAMP "\"clock.stepped\",\"step_ms\":-5000}"},
    {{.t_ms = T0,
      .kind = EVENT_USER_ADDED,
      .user = "li",
      .title = "李明",
      .role = "viewer",
      .by = "root"},
     NULL,
     STAMP "\"user.added\",\"user\":\"li\",\"name\":\"李明\",\"role\":\"viewer\","
           "\"by\":\"root\"}"},
    {{.t_ms = T0,
      .kind = EVENT_USER_CHANGED,
      .user = "li",
      .record = "role",
      .before = "viewer",
      .after = "engineer",
      .by = "root"},
     NULL,
     STAMP "\"user.changed\",\"user\":\"li\",\"record\":\"role\",\"before\":\"viewer\","
           "\"after\":\"engineer\",\"by\":\"root\"}"},
    {{.t_ms = T0, .kind = EVENT_USER_REFUSED, .remote = "192.0.2.7"},
     NULL,
     STAMP "\"user.refused\",\"remote\":\"192.0.2.7\"}"},
    {{.t_ms = T0,
      .kind = EVENT_TOKEN_ADDED,
      .user = "li",
      .token = 3,
      .title = "grafana",
      .role = "viewer",
      .until_ms = T0 + HOUR,
      .by = "root"},
     NULL,
     STAMP "\"token.added\",\"user\":\"li\",\"token\":3,\"name\":\"grafana\","
           "\"role\":\"viewer\",\"until\":\"2026-03-01T11:14:30.000Z\","
           "\"by\":\"root\"}"},
};

START_TEST(events_are_written_as_the_contract_says)
{
    struct strbuf b = {0};
    event_to_json(&b, &lines[_i].event, lines[_i].extra);
    ck_assert_str_eq(strbuf_text(&b), lines[_i].line);
    strbuf_fini(&b);
}
END_TEST

/* The keys of one flat object, parted by blanks. */
static void
keys_of(const char *json, char *out)
{
    out[0] = '\0';
    for (const char *c = strchr(json, '"'); c != NULL; c = strchr(c, '"')) {
        const char *end = strchr(c + 1, '"');
        ck_assert_ptr_nonnull(end);
        if (end[1] == ':') {
            strcat(out, out[0] != '\0' ? " " : "");
            strncat(out, c + 1, (size_t)(end - c - 1));
        }
        c = end + 1;
    }
}

START_TEST(an_alarm_has_the_keys_of_the_listing)
{
    struct alarm a = {.device = "pump-1",
                      .rule = "dry-run",
                      .severity = SEVERITY_URGENT,
                      .state = ALARM_ACTIVE_ACKED,
                      .episode = 3,
                      .raised_ms = T0,
                      .cleared_ms = INSTANT_NONE,
                      .acked_ms = INSTANT_NONE,
                      .title = "ill"};
    struct strbuf b = {0};
    alarm_to_json(&b, &a);
    char keys[400];
    keys_of(strbuf_text(&b), keys);
    ck_assert_str_eq(keys, "device rule severity state episode raised_at cleared_at "
                           "acked_at acked_by value title ticket");
    ck_assert_ptr_nonnull(strstr(strbuf_text(&b), "\"state\":\"active-acked\""));
    ck_assert_ptr_nonnull(strstr(strbuf_text(&b),
                                 "\"acked_by\":null,\"value\":null,"
                                 "\"title\":\"ill\",\"ticket\":null}"));
    strbuf_clear(&b);
    a.has_value = true;
    a.value = 4.5;
    a.ticket = 9;
    strcpy(a.acked_by, "li");
    alarm_to_json(&b, &a);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&b), "\"acked_by\":\"li\",\"value\":4.5,"
                                                  "\"title\":\"ill\",\"ticket\":9}"));
    strbuf_fini(&b);
}
END_TEST

START_TEST(a_ticket_begins_with_the_keys_of_the_listing)
{
    struct ticket t = {.number = 4, .device = "pump-1", .state = TICKET_WAITING};
    struct strbuf b = {0};
    ticket_to_json(&b, &t);
    char keys[600];
    keys_of(strbuf_text(&b), keys);
    const char *wanted = "number kind device rule priority state opened_at respond_by "
                         "resolve_by assignee team title ";
    ck_assert(strncmp(keys, wanted, strlen(wanted)) == 0);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&b), "\"rule\":null"));
    ck_assert_ptr_nonnull(strstr(strbuf_text(&b), "\"assignee\":null,\"team\":null"));
    strbuf_fini(&b);
}
END_TEST

START_TEST(raised_is_what_stands_shown_or_hidden)
{
    for (enum alarm_state s = ALARM_NORMAL; s < ALARM_STATE_COUNT; s++) {
        struct alarm a = {.state = s, .cleared_ms = INSTANT_NONE};
        ck_assert(alarm_is_raised(&a) == (s != ALARM_NORMAL && s != ALARM_CLEARED));
        a.cleared_ms = T0;
        ck_assert(!alarm_is_raised(&a));
    }
}
END_TEST

/* Every word reads back, and nothing else does. */
#define CHECK_WORDS(type, prefix, count)                                               \
    do {                                                                               \
        type out = (type)0;                                                            \
        for (int i = 0; i < (int)(count); i++) {                                       \
            ck_assert(prefix##_parse(&out, prefix##_name((type)i)));                   \
            ck_assert_int_eq((int)out, i);                                             \
        }                                                                              \
        ck_assert(!prefix##_parse(&out, "no such word"));                              \
        ck_assert(!prefix##_parse(&out, ""));                                          \
        ck_assert_int_eq((int)out, (int)(count)-1);                                    \
    } while (0)

START_TEST(every_word_reads_back)
{
    CHECK_WORDS(enum quality, quality, QUALITY_COUNT);
    CHECK_WORDS(enum severity, severity, SEVERITY_COUNT);
    CHECK_WORDS(enum language, language, LANGUAGE_COUNT);
    CHECK_WORDS(enum alarm_state, alarm_state, ALARM_STATE_COUNT);
    CHECK_WORDS(enum ticket_state, ticket_state, TICKET_STATE_COUNT);
    CHECK_WORDS(enum ticket_kind, ticket_kind, TICKET_KIND_COUNT);
    CHECK_WORDS(enum event_kind, event_kind, EVENT_KIND_COUNT);
    CHECK_WORDS(enum command_kind, command_kind, COMMAND_KIND_COUNT);
    CHECK_WORDS(enum value_type, value_type, TYPE_COUNT);
    CHECK_WORDS(enum byte_order, byte_order, ORDER_COUNT);
}
END_TEST

START_TEST(a_text_falls_back_to_the_other_language)
{
    struct text both = {{"hot", "热"}};
    struct text one = {{[LANGUAGE_ZH_CN] = "热"}};
    struct text none = {{NULL}};
    ck_assert_str_eq(text_in(&both, LANGUAGE_EN), "hot");
    ck_assert_str_eq(text_in(&both, LANGUAGE_ZH_CN), "热");
    ck_assert_str_eq(text_in(&one, LANGUAGE_EN), "热");
    ck_assert_ptr_null(text_in(&none, LANGUAGE_EN));
}
END_TEST

START_TEST(ids_are_found_by_index_and_strangers_are_not)
{
    const struct site *site = small_site();
    for (uint32_t i = 0; i < site->device_count; i++) {
        ck_assert_uint_eq(site_device(site, site->devices[i].id), i);
    }
    for (uint32_t i = 0; i < site->rule_count; i++) {
        ck_assert_uint_eq(site_rule(site, site->rules[i].id), i);
    }
    static const char *const strangers[] = {"", "a", "pump", "pump-11", "zz"};
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        ck_assert_uint_eq(site_device(site, strangers[i]), NONE_INDEX);
        ck_assert_uint_eq(site_rule(site, strangers[i]), NONE_INDEX);
        ck_assert_uint_eq(site_bus(site, strangers[i]), NONE_INDEX);
    }
}
END_TEST

START_TEST(a_persons_text_cannot_forge_a_line_of_the_story)
{
    struct strbuf out = {0};
    struct event e = {.t_ms = T0,
                      .kind = EVENT_TICKET_NOTED,
                      .ticket = 3,
                      .device = "pump-1",
                      .title = "bearing\nhot",
                      .by = "zhang",
                      .note = "x\n2026-03-01 10:15:00 ticket 3 closed\x1b[2J"};
    strbuf_add(&out, "before\n");
    event_to_text(&out, &e);
    ck_assert_str_eq(strbuf_text(&out),
                     "before\nticket 3 noted: bearing hot (pump-1), by zhang: "
                     "x 2026-03-01 10:15:00 ticket 3 closed [2J");
    strbuf_add(&out, "|");
    ck_assert_int_eq(out.text[out.size - 1], '|');
    ck_assert_uint_eq(out.size, strlen(out.text));
    strbuf_fini(&out);
}
END_TEST

#define PUMP .device = "pump-1", .rule = "hot", .title = "bearing at 81"
static const struct ticket_part used[] = {{"bearing 6309", 2, 35000}, {"grease", 1, 0}};

/* What changed stands in the text of the event, not only in its JSON. */
static const struct {
    struct event event;
    const char *text;
    const char *zh;
} texts[] = {
    {{.kind = EVENT_TICKET_OPENED,
      .severity = SEVERITY_URGENT,
      .ticket_kind = TICKET_REPORTED,
      .category = "seal",
      .team = "lifts",
      .symptom = "bearing at 81",
      .reporter = "Mrs Wang",
      .respond_by_ms = T0,
      .by = "desk",
      PUMP},
     "ticket 3 opened, urgent, reported: bearing at 81 (pump-1/hot), category seal, "
     "team lifts, reported by Mrs Wang, respond by 2026-03-01 10:14:30, by desk",
     "工单 3 开单, 紧急, 报修: bearing at 81 (pump-1/hot)，专业 seal，班组 lifts，"
     "报修人 Mrs Wang，响应时限 2026-03-01 10:14:30，由 desk"},
    {{.kind = EVENT_TICKET_OPENED,
      .ticket_kind = TICKET_PLANNED,
      .plan = "grease",
      .symptom = "it squeaks",
      .reporter = "li",
      .by = "li",
      .due_ms = T0,
      .respond_by_ms = T0,
      PUMP},
     "ticket 3 opened, info, planned: bearing at 81 (pump-1/hot), plan grease, "
     "symptom: it squeaks, due 2026-03-01, by li",
     NULL},
    {{.kind = EVENT_TICKET_WAITING, .pause = PAUSE_PARTS, .by = "li"},
     "ticket 3 waiting, for: parts, by li",
     "工单 3 等待，等待：配件，由 li"},
    {{.kind = EVENT_TICKET_WAITING,
      .pause = PAUSE_CONTRACTOR,
      .note = "they come at nine",
      .by = "li"},
     "ticket 3 waiting, for: contractor, by li: they come at nine",
     NULL},
    {{.kind = EVENT_TICKET_WATCHED, .proof = PROOF_NOT_RUNNING, PUMP},
     "ticket 3 watched: bearing at 81 (pump-1/hot), its sensor: not seen running",
     "工单 3 验证状态变化: bearing at 81 (pump-1/hot)，传感器：尚未见到运行"},
    {{.kind = EVENT_TICKET_RESOLVED,
      .cause = "wear",
      .minutes = 40,
      .cost = 12050,
      .parts = used,
      .part_count = 2,
      .note = "new bearing",
      .by = "li"},
     "ticket 3 resolved, cause wear, 40 min, cost 120.50, parts bearing 6309 × 2 "
     "(350.00) + grease × 1, by li: new bearing",
     "工单 3 已处理，原因 磨损老化，40 分钟，费用 120.50，配件 bearing 6309 × 2 "
     "(350.00) + "
     "grease × 1，由 li: new bearing"},
    {{.kind = EVENT_TICKET_NOTED, .minutes = -10, .cost = -100, .by = "li"},
     "ticket 3 noted, -10 min, cost -1.00, by li",
     NULL},
    {{.kind = EVENT_TICKET_CLOSED, .due_ms = T0},
     "ticket 3 closed, visited again on 2026-03-01",
     "工单 3 关闭，2026-03-01 回访"},
    {{.kind = EVENT_TICKET_CHANGED,
      .severity = SEVERITY_CRITICAL,
      .category = "door",
      .resolve_by_ms = T0,
      .by = "li",
      .note = "somebody is inside"},
     "ticket 3 changed, critical, category door, resolve by 2026-03-01 10:14:30, by "
     "li: somebody is inside",
     NULL},
    {{.kind = EVENT_TICKET_REOPENED, .has_value = true, .value = 95, PUMP},
     "ticket 3 reopened, info: bearing at 81 (pump-1/hot) at 95",
     NULL},
    {{.kind = EVENT_TICKET_ESCALATED, .level = 2, .to = "chief"},
     "ticket 3 escalated to level 2 (chief)",
     NULL},
    {{.kind = EVENT_TICKET_ESCALATED, .level = 2, .to = "chen,zhao", .title = "hot"},
     "ticket 3 escalated to level 2 (chen,zhao): hot",
     NULL},
    {{.kind = EVENT_TICKET_ESCALATED, .level = 1, .to = ""},
     "ticket 3 escalated to level 1",
     NULL},
    {{.kind = EVENT_TICKET_CHANGED, .severity = SEVERITY_URGENT, .team = "lifts"},
     "ticket 3 changed, urgent, team lifts",
     NULL},
    {{.kind = EVENT_TICKET_CHANGED, .severity = SEVERITY_URGENT, .kind_changed = true},
     "ticket 3 changed, urgent, fault",
     "工单 3 更改, 紧急, 故障"},
    {{.kind = EVENT_TICKET_TICKED, .step = 2, .by = "li"},
     "ticket 3 ticked, step 2 done, by li",
     NULL},
    {{.kind = EVENT_TICKET_TICKED, .step = 2, .undone = true, .by = "li"},
     "ticket 3 ticked, step 2 taken back, by li",
     NULL},
    {{.kind = EVENT_TICKET_PHOTOGRAPHED,
      .photo = &(const struct photo){.number = 2, .bytes = 123456},
      .by = "li",
      .note = "the old seal"},
     "ticket 3 photographed, photo 2, 123456 bytes, by li: the old seal",
     "工单 3 添加照片，照片 2，123456 字节，由 li: the old seal"},
    {{.kind = EVENT_TICKET_RATED, .rating = 4, .by = "Mrs Wang"},
     "ticket 3 rated, 4 of 5, by Mrs Wang",
     NULL},
    {{.kind = EVENT_PLAN_OVERDUE, .plan = "grease", .device = "pump-1", .due_ms = T0},
     "plan grease overdue pump-1, due 2026-03-01",
     NULL},
    {{.kind = EVENT_USER_ADDED,
      .user = "li",
      .title = "李明",
      .role = "viewer",
      .by = "root"},
     "user li added: 李明, role viewer, by root",
     "用户 li 已添加: 李明，角色 查看者，由 root"},
    {{.kind = EVENT_USER_CHANGED, .user = "li", .record = "password", .by = "root"},
     "user li changed, password, by root",
     NULL},
    {{.kind = EVENT_USER_CHANGED,
      .user = "li",
      .record = "language",
      .after = "zh-CN",
      .by = "root"},
     "user li changed, language: - -> zh-CN, by root",
     NULL},
    {{.kind = EVENT_USER_LOGGED_IN, .user = "li", .remote = "192.0.2.7", .by = "li"},
     "user li logged in, from 192.0.2.7, by li",
     "用户 li 已登录，来自 192.0.2.7，由 li"},
    {{.kind = EVENT_USER_REFUSED, .remote = "192.0.2.7"},
     "user of no name here refused, from 192.0.2.7",
     "用户 （查无此人） 登录被拒，来自 192.0.2.7"},
    {{.kind = EVENT_TOKEN_REVOKED,
      .user = "li",
      .token = 7,
      .title = "grafana",
      .by = "root"},
     "token 7 revoked: grafana of user li, by root",
     "令牌 7 已吊销: grafana 用户 li，由 root"},
};

START_TEST(the_text_of_an_event_says_what_changed)
{
    struct event e = texts[_i].event;
    struct strbuf out = {0};
    e.t_ms = T0;
    e.ticket = 3;
    event_to_text(&out, &e);
    ck_assert_str_eq(strbuf_text(&out), texts[_i].text);
    strbuf_clear(&out);
    int heard = catalogue_hear(LANGUAGE_ZH_CN);
    event_to_text(&out, &e);
    (void)catalogue_hear(heard);
    if (texts[_i].zh != NULL) {
        ck_assert_str_eq(strbuf_text(&out), texts[_i].zh);
    }
    strbuf_fini(&out);
}
END_TEST

int
main(void)
{
    setenv("TZ", "UTC", 1); /* Texts have local times. */
    tzset();
    Suite *suite = suite_create("model");
    TCase *tc = tcase_create("words, lines, objects");
    tcase_add_loop_test(tc, events_are_written_as_the_contract_says, 0,
                        (int)ARRAY_LEN(lines));
    tcase_add_test(tc, an_alarm_has_the_keys_of_the_listing);
    tcase_add_test(tc, a_ticket_begins_with_the_keys_of_the_listing);
    tcase_add_test(tc, raised_is_what_stands_shown_or_hidden);
    tcase_add_test(tc, every_word_reads_back);
    tcase_add_test(tc, a_text_falls_back_to_the_other_language);
    tcase_add_test(tc, ids_are_found_by_index_and_strangers_are_not);
    tcase_add_loop_test(tc, the_text_of_an_event_says_what_changed, 0,
                        (int)ARRAY_LEN(texts));
    tcase_add_test(tc, a_persons_text_cannot_forge_a_line_of_the_story);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
