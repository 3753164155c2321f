/* What people ask for as JSON: every member, right and wrong. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/ticket.h"
#include "daemon/pipeline/commands/command_json.h"
#include "daemon/pipeline/commands/work_json.h"

#define BY ",\"by\":\"zhang\""

static const struct {
    const char *json;
    const char *refused; /* Part of what is said; NULL: it is taken. */
} rows[] = {
    {"{\"cmd\":\"ack\"" BY "}", NULL},
    {"{\"cmd\":\"ticket.open\"" BY "}", NULL},
    {"{\"cmd\":\"ticket.take\"" BY ",\"assignee\":\"li\"}", NULL},
    {"{\"cmd\":\"ticket.rate\"" BY ",\"rating\":5}", NULL},
    {"{\"cmd\":\"ack\"" BY ",\"device\":null,\"ticket\":null,\"rating\":null}", NULL},
    {"{\"cmd\":\"ack\"" BY ",\"colour\":\"red\"}", NULL}, /* Of a later version. */
    {"{\"cmd\":\"ticket.take\"" BY ",\"ticket\":9223372036854775807}", NULL},

    {"{}", "\"cmd\" must be"},
    {"[]", "\"cmd\" must be"},
    {"no JSON", "\"cmd\" must be"},
    {"{\"cmd\":null" BY "}", "\"cmd\" must be"},
    {"{\"cmd\":\"\"" BY "}", "\"cmd\" must be"},
    {"{\"cmd\":\"explode\"" BY "}", "\"cmd\" must be"},
    {"{\"cmd\":\"ticket\"" BY "}", "\"cmd\" must be"},
    {"{\"cmd\":7" BY "}", "\"cmd\" must be a string"},
    {"{\"cmd\":\"ack\"}", "\"by\""},
    {"{\"cmd\":\"ack\",\"by\":\"\"}", "\"by\""},
    {"{\"cmd\":\"ack\",\"by\":null}", "\"by\""},
    {"{\"cmd\":\"ack\",\"by\":1}", "\"by\" must be a string"},
    {"{\"cmd\":\"ack\",\"by\":[\"zhang\"]}", "\"by\" must be a string"},
    {"{\"cmd\":\"ack\"" BY ",\"device\":5}", "\"device\" must be a string"},
    {"{\"cmd\":\"ack\"" BY ",\"rule\":{}}", "\"rule\" must be a string"},
    {"{\"cmd\":\"ack\"" BY ",\"note\":false}", "\"note\" must be a string"},
    {"{\"cmd\":\"ack\"" BY ",\"assignee\":true}", "\"assignee\" must be a string"},
    {"{\"cmd\":\"ack\"" BY ",\"priority\":1}", "\"priority\" must be a string"},
    {"{\"cmd\":\"ack\"" BY ",\"priority\":\"high\"}", "critical, urgent or normal"},
    {"{\"cmd\":\"ack\"" BY ",\"priority\":\"info\"}", "critical, urgent or normal"},
    {"{\"cmd\":\"ack\"" BY ",\"priority\":\"\"}", "critical, urgent or normal"},
    {"{\"cmd\":\"ack\"" BY ",\"ticket\":0}", "\"ticket\" must be a whole number"},
    {"{\"cmd\":\"ack\"" BY ",\"ticket\":-1}", "\"ticket\" must be a whole number"},
    {"{\"cmd\":\"ack\"" BY ",\"ticket\":1.5}", "\"ticket\" must be a whole number"},
    {"{\"cmd\":\"ack\"" BY ",\"ticket\":\"1\"}", "\"ticket\" must be a whole number"},
    {"{\"cmd\":\"ack\"" BY ",\"rating\":0}", "\"rating\" must be a whole number"},
    {"{\"cmd\":\"ack\"" BY ",\"rating\":6}", "\"rating\" must be a whole number"},
    {"{\"cmd\":\"ack\"" BY ",\"rating\":4.0}", "\"rating\" must be a whole number"},

    {"{\"cmd\":\"shelve\"" BY ",\"for\":\"2h\",\"reason\":\"repair\"}", NULL},
    {"{\"cmd\":\"shelve\"" BY ",\"until\":\"2026-03-01T11:14:30Z\"}", NULL},
    {"{\"cmd\":\"service\"" BY ",\"state\":\"in\"}", NULL},
    {"{\"cmd\":\"shelve\"" BY ",\"for\":\"long\"}", "\"for\" must be a duration"},
    {"{\"cmd\":\"shelve\"" BY ",\"for\":\"0s\"}", "\"for\" must be a duration"},
    {"{\"cmd\":\"shelve\"" BY ",\"for\":7200}", "\"for\" must be a string"},
    {"{\"cmd\":\"shelve\"" BY ",\"until\":\"soon\"}", "\"until\": "},
    {"{\"cmd\":\"shelve\"" BY ",\"until\":1}", "\"until\" must be a string"},
    {"{\"cmd\":\"service\"" BY ",\"state\":\"away\"}", "\"state\" must be out or in"},
    {"{\"cmd\":\"service\"" BY ",\"state\":true}", "\"state\" must be a string"},
    {"{\"cmd\":\"shelve\"" BY ",\"reason\":1}", "\"reason\" must be a string"},
};

START_TEST(test_rows)
{
    json_error_t where;
    json_t *root = json_loads(rows[_i].json, 0, &where);
    struct command c = {0};
    struct err err = {0};
    int code = command_from_json(&c, root, &err);
    const char *refused = rows[_i].refused;
    ck_assert_msg((code == 0) == (refused == NULL), "%s: %s", rows[_i].json, err.text);
    if (refused != NULL) {
        ck_assert_int_eq(code, ERR_RANGE);
        ck_assert_int_eq(err.code, ERR_RANGE);
        ck_assert_msg(strstr(err.text, refused) != NULL, "%s: %s", rows[_i].json,
                      err.text);
    }
    json_decref(root);
}
END_TEST

START_TEST(every_kind_of_command_has_its_word)
{
    for (int k = 0; k < COMMAND_KIND_COUNT; k++) {
        struct command c = {0};
        struct err err = {0};
        json_t *root = json_pack("{s:s, s:s}", "cmd",
                                 command_kind_name((enum command_kind)k), "by", "li");
        ck_assert_int_eq(command_from_json(&c, root, &err), 0);
        ck_assert_int_eq(c.kind, k);
        json_decref(root);
    }
}
END_TEST

START_TEST(every_member_reaches_the_command)
{
    struct command c = {0};
    struct err err = {0};
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:i}", "cmd", "ticket.open", "device",
        "pump-1", "rule", "hot", "by", "张伟", "assignee", "li", "note", "smells burnt",
        "priority", "critical", "ticket", (json_int_t)77, "rating", 3);
    ck_assert_int_eq(command_from_json(&c, root, &err), 0);
    ck_assert_int_eq(c.kind, COMMAND_TICKET_OPEN);
    ck_assert_str_eq(c.device, "pump-1");
    ck_assert_str_eq(c.rule, "hot");
    ck_assert_str_eq(c.by, "张伟");
    ck_assert_str_eq(c.assignee, "li");
    ck_assert_str_eq(c.note, "smells burnt");
    ck_assert(c.has_priority);
    ck_assert_int_eq(c.priority, SEVERITY_CRITICAL);
    ck_assert_int_eq(c.ticket, 77);
    ck_assert_int_eq(c.rating, 3);
    json_decref(root);
}
END_TEST

START_TEST(what_hides_reaches_the_command)
{
    struct command c = {0};
    struct err err = {0};
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "cmd", "alarm.shelve",
                             "by", "li", "for", "90m", "until", "2026-03-01T10:14:30Z",
                             "reason", "repair", "state", "out");
    ck_assert_int_eq(command_from_json(&c, root, &err), 0);
    ck_assert_int_eq(c.kind, COMMAND_SHELVE);
    ck_assert_int_eq(c.for_ms, 90 * 60000);
    ck_assert_int_eq(c.until_ms, 1772360070000);
    ck_assert_str_eq(c.note, "repair");
    ck_assert_int_eq(c.service, SERVICE_OUT);
    json_decref(root);
}
END_TEST

/* ---- The work on a ticket ---- */

#define WORK "{\"cmd\":\"ticket.note\"" BY ","
static const struct {
    const char *json;
    const char *refused; /* NULL: taken. */
} work_rows[] = {
    {WORK "\"cost\":12}", NULL},
    {WORK "\"cost\":-12.5}", NULL},
    {WORK "\"cost\":\"12.50\"}", NULL},
    {WORK "\"cost\":null,\"parts\":null,\"undone\":null,\"pause\":null}", NULL},
    {WORK "\"parts\":[]}", NULL},
    {WORK "\"parts\":[{\"name\":\"a\"}]}", NULL},
    {WORK "\"undone\":false}", NULL},

    {WORK "\"cost\":\"much\"}", "\"cost\" must be an amount"},
    {WORK "\"cost\":\"1.234\"}", "\"cost\" must be an amount"},
    {WORK "\"cost\":1e300}", "\"cost\" must be an amount"},
    {WORK "\"cost\":true}", "\"cost\" must be an amount"},
    {WORK "\"minutes\":1.5}", "\"minutes\" must be a whole number"},
    {WORK "\"minutes\":1000001}", "\"minutes\" must be a whole number"},
    {WORK "\"step\":0}", "\"step\" must be a whole number from 1 to 64"},
    {WORK "\"step\":65}", "\"step\" must be a whole number from 1 to 64"},
    {WORK "\"undone\":1}", "\"undone\" must be true or false"},
    {WORK "\"pause\":\"rain\"}", "parts, contractor, access or other"},
    {WORK "\"pause\":\"\"}", "parts, contractor, access or other"},
    {WORK "\"pause\":3}", "\"pause\" must be a string"},
    {WORK "\"cause\":7}", "\"cause\" must be a string"},
    {WORK "\"parts\":\"seal\"}", "\"parts\" must be a list"},
    {WORK "\"parts\":[\"seal\"]}", "each of \"parts\" must be {"},
    {WORK "\"parts\":[{}]}", "must have a \"name\""},
    {WORK "\"parts\":[{\"name\":\"\"}]}", "must have a \"name\""},
    {WORK "\"parts\":[{\"name\":7}]}", "\"name\" must be a string"},
    {WORK "\"parts\":[{\"name\":\"a\",\"count\":1.5}]}", "\"count\" must be"},
    {WORK "\"parts\":[{\"name\":\"a\",\"cost\":\"x\"}]}", "\"cost\" must be"},
    {WORK "\"parts\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", "at most 16"},
};

START_TEST(test_work_rows)
{
    json_error_t where;
    json_t *root = json_loads(work_rows[_i].json, 0, &where);
    ck_assert_msg(root != NULL, "%s", work_rows[_i].json);
    struct ticket_part parts[TICKET_PARTS_MAX];
    struct command c = {0};
    struct err err = {0};
    const char *refused = work_rows[_i].refused;
    ck_assert_int_eq(command_from_json(&c, root, &err), 0);
    ck_assert_msg((work_from_json(&c, parts, root, &err) == 0) == (refused == NULL),
                  "%s: %s", work_rows[_i].json, err.text);
    ck_assert_msg(refused == NULL || strstr(err.text, refused) != NULL, "%s", err.text);
    json_decref(root);
}
END_TEST

START_TEST(every_word_of_work_reaches_the_command)
{
    json_error_t where;
    json_t *root = json_loads(
        "{\"cmd\":\"ticket.resolve\",\"by\":\"li\",\"category\":\"seal\","
        "\"team\":\"mechanical\",\"symptom\":\"drips\",\"reporter\":\"Mrs Wang\","
        "\"pause\":\"access\",\"cause\":\"leak\",\"minutes\":-40,\"cost\":120.5,"
        "\"parts\":[{\"name\":\"seal\",\"count\":2,\"cost\":\"35.01\"},"
        "{\"name\":\"grease\"}],\"step\":64,\"undone\":true}",
        0, &where);
    struct ticket_part parts[TICKET_PARTS_MAX];
    struct command c = {0};
    struct err err = {0};
    ck_assert_int_eq(command_from_json(&c, root, &err), 0);
    ck_assert_int_eq(work_from_json(&c, parts, root, &err), 0);
    ck_assert_str_eq(c.category, "seal");
    ck_assert_str_eq(c.team, "mechanical");
    ck_assert_str_eq(c.symptom, "drips");
    ck_assert_str_eq(c.reporter, "Mrs Wang");
    ck_assert_int_eq(c.pause, PAUSE_ACCESS);
    ck_assert_str_eq(c.cause, "leak");
    ck_assert_int_eq(c.minutes, -40);
    ck_assert_int_eq(c.cost, 12050);
    ck_assert_uint_eq(c.part_count, 2);
    ck_assert_str_eq(c.parts[0].name, "seal");
    ck_assert_int_eq(c.parts[0].count, 2);
    ck_assert_int_eq(c.parts[0].cost, 3501);
    ck_assert_int_eq(c.parts[1].count, 1);
    ck_assert_int_eq(c.parts[1].cost, 0);
    ck_assert_int_eq(c.step, 64);
    ck_assert(c.undone);
    json_decref(root);
}
END_TEST

START_TEST(some_commands_have_two_names)
{
    static const struct {
        const char *alias;
        enum command_kind kind;
    } names[] = {
        {"alarm.ack", COMMAND_ACK},          {"alarm.acknowledge", COMMAND_ACK},
        {"alarm.shelve", COMMAND_SHELVE},    {"alarm.unshelve", COMMAND_UNSHELVE},
        {"device.service", COMMAND_SERVICE}, {"ticket.assign", COMMAND_TICKET_TAKE}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        enum command_kind kind = COMMAND_KIND_COUNT;
        ck_assert(command_kind_parse(&kind, names[i].alias));
        ck_assert_int_eq(kind, names[i].kind);
    }
}
END_TEST

/* Each text at the most bytes that its row holds, and one more. */
static const struct {
    const char *key;
    size_t bytes_max; /* With the NUL. */
} texts[] = {{"device", ID_BYTES_MAX}, {"rule", ID_BYTES_MAX},
             {"by", PERSON_BYTES},     {"assignee", PERSON_BYTES},
             {"note", NOTE_BYTES},     {"reason", NOTE_BYTES}};

START_TEST(test_texts_that_are_too_long)
{
    for (size_t size = texts[_i].bytes_max - 1; size <= texts[_i].bytes_max; size++) {
        char *text = malloc(size + 1);
        ck_assert_ptr_nonnull(text);
        memset(text, 'a', size);
        text[size] = '\0';
        json_t *root = json_pack("{s:s, s:s}", "cmd", "ack", "by", "li");
        json_object_set_new(root, texts[_i].key, json_string(text));
        struct command c = {0};
        struct err err = {0};
        int code = command_from_json(&c, root, &err);
        ck_assert_int_eq(code, size < texts[_i].bytes_max ? 0 : ERR_RANGE);
        json_decref(root);
        free(text);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("command_json");
    TCase *tc = tcase_create("command_json");
    tcase_add_loop_test(tc, test_rows, 0, (int)ARRAY_LEN(rows));
    tcase_add_test(tc, every_kind_of_command_has_its_word);
    tcase_add_test(tc, every_member_reaches_the_command);
    tcase_add_test(tc, what_hides_reaches_the_command);
    tcase_add_loop_test(tc, test_work_rows, 0, (int)ARRAY_LEN(work_rows));
    tcase_add_test(tc, every_word_of_work_reaches_the_command);
    tcase_add_test(tc, some_commands_have_two_names);
    tcase_add_loop_test(tc, test_texts_that_are_too_long, 0, (int)ARRAY_LEN(texts));
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
