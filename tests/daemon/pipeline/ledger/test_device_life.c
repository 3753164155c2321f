/* The ledger's listing and the life of a device, from rows as the daemon leaves them.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/commands/ledger_json.h"
#include "daemon/pipeline/ledger/device_life.h"
#include "daemon/pipeline/ledger/ledger_list.h"
#include "tests/daemon/store/scratch.h"

#define T0   INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */
#define HOUR INT64_C(3600000)

static struct device devices[] = {
    {.id = "box-1", .name = "box", .type = "box", .bus = NONE_INDEX},
    {.id = "net", .name = "net", .type = "bus", .role = DEVICE_BUS, .bus = NONE_INDEX},
    {.id = "pump-1",
     .name = "pump",
     .type = "pump",
     .location = "Cellar",
     .bus = NONE_INDEX,
     .parent = NONE_INDEX,
     .ledger = {.maker = "Grundfos",
                .installed = "2025-03-01",
                .design_life_ms = INT64_C(10) * 365 * 24 * HOUR,
                .design_hours = 1000}},
    {.id = "pump-2", .name = "pump", .type = "pump", .location = "Attic"},
};
static const struct site site = {
    .devices = devices, .device_count = ARRAY_LEN(devices), .currency = "CNY"};

static char dir[SCRATCH_BYTES];
static struct err err;
static struct state *store;
static struct strbuf out;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
setup(void)
{
    instant_zone_set("UTC");
    scratch_make(dir);
    must(state_open(&store, dir, STORE_WRITE, &err));
}

static void
teardown(void)
{
    strbuf_fini(&out);
    state_close(store);
    scratch_remove(dir);
}

static json_t *
parsed(void)
{
    json_error_t where;
    json_t *root = json_loads(strbuf_text(&out), JSON_REJECT_DUPLICATES, &where);
    ck_assert_msg(root != NULL, "%s: %s", where.text, strbuf_text(&out));
    return root;
}

static json_t *
list(const struct ledger_filter *filter)
{
    strbuf_clear(&out);
    must(listing_ledger(&site, store, filter, T0, &out, &err));
    return parsed();
}

static double
number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *
text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void
put_meter(const char *key, int64_t true_ms, int64_t starts)
{
    const struct meter_row m = {.key = key,
                                .last_ms = T0,
                                .since_ms = T0,
                                .early_ms = T0,
                                .true_ms = true_ms,
                                .starts = starts,
                                .service_ms = HOUR,
                                .service_starts = 2};
    must(state_put_meter(store, &m, &err));
}

START_TEST(test_the_listing_has_equipment_by_type_and_area)
{
    static const char *const order[] = {"box-1", "pump-2", "pump-1"};
    json_t *rows = list(&(struct ledger_filter){0});
    ck_assert_uint_eq(json_array_size(rows), ARRAY_LEN(order));
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        ck_assert_str_eq(text(json_array_get(rows, i), "id"), order[i]);
    }
    json_decref(rows);
    rows = list(&(struct ledger_filter){.area = "Attic"});
    ck_assert_uint_eq(json_array_size(rows), 1);
    json_decref(rows);
    rows = list(&(struct ledger_filter){.device = "net"});
    ck_assert_uint_eq(json_array_size(rows), 0);
    json_decref(rows);
}
END_TEST

START_TEST(test_life_used_is_the_most_of_age_hours_and_starts)
{
    const struct ledger_filter filter = {.device = "pump-1"};
    json_t *rows = list(&filter);
    const json_t *row = json_array_get(rows, 0);
    ck_assert(number(row, "age_days") == 365);
    ck_assert(number(row, "age_used") == 10);
    ck_assert_str_eq(text(row, "life_by"), "age");
    ck_assert(json_is_null(json_object_get(row, "hours")));
    json_decref(rows);
    put_meter("pump-1 hours(running)", 250 * HOUR, 3);
    put_meter("pump-1 hours(hot)", 20 * HOUR, 3);
    put_meter("pump-2 hours(running)", 900 * HOUR, 3);
    rows = list(&filter);
    row = json_array_get(rows, 0);
    ck_assert(number(row, "hours") == 250);
    ck_assert(number(row, "hours_used") == 25);
    ck_assert(number(row, "life_used") == 25);
    ck_assert_str_eq(text(row, "life_by"), "hours");
    json_decref(rows);
}
END_TEST

static void
put_ticket(int64_t n, enum ticket_kind kind, enum ticket_state state, int64_t cost)
{
    struct ticket t = {
        .number = n,
        .kind = kind,
        .device = "pump-1",
        .state = state,
        .opened_ms = T0 + n * HOUR,
        .assigned_ms = INSTANT_NONE,
        .responded_ms = INSTANT_NONE,
        .resolved_ms = state == TICKET_CLOSED ? T0 + n * HOUR + 1 : INSTANT_NONE,
        .verified_ms = INSTANT_NONE,
        .closed_ms = state == TICKET_CLOSED ? T0 + n * HOUR + 2 : INSTANT_NONE,
        .waiting_since_ms = INSTANT_NONE,
        .cleared_ms = INSTANT_NONE,
        .due_ms = kind == TICKET_PLANNED ? T0 + 90 * HOUR : INSTANT_NONE,
        .title = "work",
        .cause = "wear",
        .symptom = "noise",
        .resolution = "greased",
        .minutes = 30,
        .cost = cost,
        .parts = {{"bearing 6309", 2, 4050}},
        .part_count = 1};
    must(state_put_ticket(store, &t, &err));
}

static json_t *
life(int64_t limit)
{
    const struct life_options options = {
        .now = "[{\"id\":\"pump-1\"}]", .now_ms = T0 + 100 * HOUR, .limit = limit};
    strbuf_clear(&out);
    must(device_life_json(&site, store, "pump-1", &options, &out, &err));
    return parsed();
}

static json_t *
part(const json_t *of, const char *key, size_t size)
{
    json_t *array = json_object_get(of, key);
    ck_assert_msg(json_array_size(array) == size, "%s: %s", key, strbuf_text(&out));
    return json_array_get(array, 0);
}

START_TEST(test_work_is_sorted_into_open_faults_maintenance_and_plans)
{
    put_ticket(1, TICKET_FAULT, TICKET_CLOSED, 1000);
    put_ticket(2, TICKET_PLANNED, TICKET_CLOSED, 5);
    put_ticket(3, TICKET_REPORTED, TICKET_OPENED, 0);
    put_ticket(4, TICKET_PLANNED, TICKET_ASSIGNED, 0);
    put_ticket(5, TICKET_PREDICTED, TICKET_CLOSED, 0);
    json_t *root = life(0);
    part(root, "open_tickets", 2);
    const json_t *fault = part(root, "faults", 2);
    ck_assert_str_eq(text(fault, "cause"), "wear");
    ck_assert_str_eq(text(fault, "symptom"), "noise");
    ck_assert_str_eq(text(fault, "treatment"), "greased");
    ck_assert(number(fault, "total") == 50.5);
    const json_t *used = part(fault, "parts", 1);
    ck_assert_str_eq(text(used, "name"), "bearing 6309");
    ck_assert(number(used, "cost") == 40.5);
    ck_assert(number(part(root, "maintenance", 1), "number") == 2);
    const json_t *visit = part(root, "planned", 1);
    ck_assert(number(visit, "ticket") == 4);
    ck_assert_str_eq(text(visit, "due_at"), "2026-03-04T18:00:00.000Z");
    const json_t *costs = json_object_get(root, "costs");
    ck_assert(number(costs, "total") == 10.05 + 5 * 40.5);
    ck_assert(number(costs, "minutes") == 150);
    ck_assert(number(json_object_get(costs, "planned"), "tickets") == 2);
    ck_assert(number(json_object_get(costs, "unplanned"), "work") == 10);
    part(root, "history", 5); /* Installed, and four pieces of work. */
    ck_assert_str_eq(text(json_object_get(root, "state"), "id"), "pump-1");
    json_decref(root);
    root = life(1);
    ck_assert(number(part(root, "faults", 1), "number") == 5);
    ck_assert(number(part(root, "history", 1), "number") == 5);
    json_decref(root);
}
END_TEST

START_TEST(test_what_rules_count_is_told_with_the_last_service)
{
    put_meter("pump-1 hours(running)", 250 * HOUR, 3);
    put_meter("pump-1 starts(running)", 0, 12);
    put_meter("pump-1 held(hot)", 0, 1);
    put_meter("pump-10 hours(running)", 1, 1);
    json_t *root = life(0);
    const json_t *hours = part(root, "counters", 2);
    const json_t *starts = json_array_get(json_object_get(root, "counters"), 1);
    ck_assert_str_eq(text(hours, "call"), "hours(running)");
    ck_assert(number(hours, "hours") == 250);
    ck_assert(number(hours, "since_service") == 249);
    ck_assert(number(starts, "starts") == 12);
    ck_assert(number(starts, "since_service") == 10);
    json_decref(root);
}
END_TEST

START_TEST(test_nothing_was_ever_written)
{
    const struct life_options options = {.now_ms = T0};
    must(device_life_json(&site, NULL, "box-1", &options, &out, &err));
    json_t *root = parsed();
    ck_assert(json_is_null(json_object_get(root, "state")));
    part(root, "history", 0);
    json_decref(root);
    ck_assert_int_eq(device_life_json(&site, NULL, "box-9", &options, &out, &err),
                     ERR_NOT_FOUND);
}
END_TEST

static const struct {
    const char *text;
    int64_t want; /* -1: refused. */
} limits[] = {{NULL, 0},  {"0", 0},         {"20", 20}, {"", -1},
              {"-1", -1}, {"20 years", -1}, {"x", -1},  {"9999999999999999999", -1}};

START_TEST(test_a_limit_is_a_number)
{
    int64_t limit = 7;
    int code = life_limit_parse(&limit, limits[_i].text, &err);
    ck_assert_int_eq(code, limits[_i].want < 0 ? ERR_USAGE : 0);
    ck_assert(limits[_i].want < 0 || limit == limits[_i].want);
}
END_TEST

static const struct {
    enum command_kind kind;
    const char *json;
    const char *says; /* NULL: taken. */
} commands[] = {
    {COMMAND_LEDGER_SET, "{\"devices\":{\"a\":{\"maker\":\"x\",\"serial\":null}}}",
     NULL},
    {COMMAND_LEDGER_SET, "{\"devices\":{}}", NULL},
    {COMMAND_LEDGER_SET, "{}", "\"devices\" must be an object"},
    {COMMAND_LEDGER_SET, "{\"devices\":{\"a\":[]}}", "\"a\" must be an object"},
    {COMMAND_LEDGER_SET, "{\"devices\":{\"a\":{\"makr\":\"\"}}}",
     "accepted: maker, mo"},
    {COMMAND_LEDGER_SET, "{\"devices\":{\"a\":{\"price\":5}}}", "must be a string"},
    {COMMAND_LEDGER_DOCUMENT, "{\"kind\":\"book\"}", "\"kind\" must be manual"},
    {COMMAND_LEDGER_DOCUMENT, "{\"kind\":\"manual\",\"link\":\"x\"}", NULL},
    {COMMAND_LEDGER_DOCUMENT, "{\"link\":1}", "\"link\" must be a string"},
    {COMMAND_LEDGER_REMOVE, "{}", "\"number\" must say"},
    {COMMAND_LEDGER_REMOVE, "{\"number\":0}", "whole number from 1"},
    {COMMAND_LEDGER_ALTERATION, "{\"what\":\"x\"}", NULL},
    {COMMAND_ACK, "{\"devices\":1}", NULL},
};

START_TEST(test_commands_of_the_ledger_as_json)
{
    struct command c = {.kind = commands[_i].kind};
    json_t *root = json_loads(commands[_i].json, 0, NULL);
    int code = ledger_from_json(&c, root, &err);
    if (commands[_i].says == NULL) {
        ck_assert_msg(code == 0, "%s: %s", commands[_i].json, err.text);
        ck_assert_uint_eq(c.change_count, _i == 0 ? 2 : 0);
    } else {
        ck_assert_int_eq(code, ERR_RANGE);
        ck_assert_msg(strstr(err.text, commands[_i].says) != NULL, "%s", err.text);
    }
    ledger_json_fini(&c);
    json_decref(root);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("device life");
    TCase *tc = tcase_create("life");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_the_listing_has_equipment_by_type_and_area);
    tcase_add_test(tc, test_life_used_is_the_most_of_age_hours_and_starts);
    tcase_add_test(tc, test_work_is_sorted_into_open_faults_maintenance_and_plans);
    tcase_add_test(tc, test_what_rules_count_is_told_with_the_last_service);
    tcase_add_test(tc, test_nothing_was_ever_written);
    tcase_add_loop_test(tc, test_a_limit_is_a_number, 0, (int)ARRAY_LEN(limits));
    tcase_add_loop_test(tc, test_commands_of_the_ledger_as_json, 0,
                        (int)ARRAY_LEN(commands));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
