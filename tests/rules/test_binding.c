/* Which rule goes where, and what is said when it cannot. */
#include <check.h>
#include <stdio.h>

#include "daemon/base/diag.h"
#include "tests/rules/plant.h"

/* What is said of one rule; "" for nothing.  `bound` lists where it went. */
static const struct {
    const char *name;
    struct applies_to applies_to;
    const char *when;
    const char *bound;
    const char *message;
} rows[] = {
    {"a type goes to all of it", {.type = "pump"}, "a > 1", "pump-1 pump-2", ""},
    {"an id goes to one", {.id = "pump-2"}, "a > 1", "pump-2", ""},
    {"a tag", {.tag = "fire"}, "a > 1", "pump-2", ""},
    {"all criteria must match", {.type = "pump", .tag = "fire"}, "a > 1", "pump-2", ""},
    {"a location", {.location = "B1"}, "u > 1", "feeder-1", ""},
    {"no criteria: wherever the points are", {0}, "a > 1", "pump-1 pump-2", ""},
    {"no criteria and two points of one device", {0}, "u > 1 or p > 1", "feeder-1", ""},
    {"another device's point alone",
     {0},
     "feeder-1.u > 1",
     "",
     "error 1:0: rule `r` names no point of its own device; `applies_to` must say "
     "which "
     "device it is for"},
    {"online alone",
     {0},
     "not online",
     "",
     "error 1:0: rule `r` names no point of its"},
    {"online with criteria", {.type = "pump"}, "not online", "pump-1 pump-2", ""},
    {"nothing to read",
     {.type = "pump"},
     "1 > 2",
     "",
     "error 1:1: rule `r` reads no point"},
    {"an unknown device",
     {.type = "pump"},
     "a > 1 and feder-1.u > 1",
     "",
     "error 1:11: there is no device `feder-1`; did you mean `feeder-1`?"},
    {"an unknown point of a known device",
     {.type = "pump"},
     "a > 1 and pump-1.presure > 1",
     "",
     "error 1:18: device `pump-1` has no point `presure`; did you mean `pressure`?"},
    {"an id without the point",
     {.id = "pump-1"},
     "1 < presure",
     "",
     "error 1:5: device `pump-1` has no point `presure`; did you mean `pressure`?"},
    {"an unknown id",
     {.id = "pump-3"},
     "a > 1",
     "",
     "error 1:0: there is no device `pump-3`; did you mean `pump-1`?"},
    {"a type without the point",
     {.type = "pump"},
     "presure > 1",
     "",
     "warning 1:1: rule `r` applies to nothing: no device of type `pump` has all its "
     "points; `pump-1` has no `presure`; did you mean `pressure`?"},
    {"no device has the point",
     {0},
     "presure > 1",
     "",
     "warning 1:1: rule `r` applies to nothing: no device has all its points; `pump-1` "
     "has no `presure`; did you mean `pressure`?"},
    {"no such type",
     {.type = "pomp"},
     "a > 1",
     "",
     "warning 1:0: rule `r` applies to nothing: there is no device of type `pomp`"},
    {"an error is told once, with the device it was met on",
     {.type = "pump"},
     "a > 1 kPa",
     "",
     "error 1:5: `a` is in °C and `1 kPa` in kPa: neither converts into the other (on "
     "pump-1, type pump)"},
};

START_TEST(test_rows)
{
    struct plant *p = plant_new();
    struct diags diags;
    char message[1000] = "";
    struct strbuf bound = {0};
    static const char *const tags[] = {"fire"};
    p->devices[PUMP_2].tags = tags;
    p->devices[PUMP_2].tag_count = 1;
    p->devices[FEEDER].location = "B1";
    struct rule_spec *rule = plant_rule(p, "r", rows[_i].when);
    rule->applies_to = rows[_i].applies_to;
    rule->loc = (struct loc){"r.yaml", 1, 0};
    diags_init(&diags);
    struct rules *r = rules_new(&p->site, &diags);
    for (uint32_t d = 0; r != NULL && d < p->site.device_count; d++) {
        if (rules_bound(r, d, 0)) {
            strbuf_add(&bound, bound.size > 0 ? " " : "");
            strbuf_add(&bound, p->devices[d].id);
        }
    }
    ck_assert_msg(diags.count <= 1, "%s: %zu messages", rows[_i].name, diags.count);
    if (diags.count > 0) {
        (void)snprintf(message, sizeof message, "%s %u:%u: %s",
                       diags.items[0].level == DIAG_ERROR ? "error" : "warning",
                       (unsigned)diags.items[0].line, (unsigned)diags.items[0].column,
                       diags.items[0].text);
    }
    ck_assert_msg((r == NULL) == (diags.errors > 0), "%s", rows[_i].name);
    ck_assert_msg(strncmp(message, rows[_i].message, strlen(rows[_i].message)) == 0 &&
                      (message[0] == '\0') == (rows[_i].message[0] == '\0'),
                  "%s:\n%s\n%s", rows[_i].name, message, rows[_i].message);
    ck_assert_str_eq(strbuf_text(&bound), rows[_i].bound);
    strbuf_fini(&bound);
    rules_free(r);
    diags_fini(&diags);
    free(p);
}
END_TEST

START_TEST(test_all_errors_are_told_and_disabled_rules_are_read)
{
    struct plant *p = plant_new();
    struct diags diags;
    plant_rule(p, "r1", "a >")->while_ = plant_text("run and");
    plant_rule(p, "r2", "b > > 1");
    plant_rule(p, "r3", "a > 1 K < 2")->enabled = false;
    diags_init(&diags);
    ck_assert_ptr_null(rules_new(&p->site, &diags));
    ck_assert_uint_eq(diags.errors, 4);
    diags_fini(&diags);
    free(p);
}
END_TEST

START_TEST(test_a_disabled_rule_is_bound_nowhere)
{
    struct plant *p = plant_new();
    struct diags diags;
    plant_rule(p, "r", "a > 1 °C")->enabled = false;
    diags_init(&diags);
    struct rules *r = rules_new(&p->site, &diags);
    ck_assert_ptr_nonnull(r);
    ck_assert(!rules_bound(r, PUMP_1, 0));
    rules_free(r);
    diags_fini(&diags);
    free(p);
}
END_TEST

START_TEST(test_a_device_in_another_unit_gets_its_own_program)
{
    struct plant *p = plant_new();
    struct diags diags;
    plant_rule(p, "r", "pressure > 500 kPa")->applies_to =
        (struct applies_to){.type = "pump"};
    uint32_t bar = site_point(&p->site, PUMP_2, "pressure");
    p->points[bar].unit = "bar";
    diags_init(&diags);
    struct rules *r = rules_new(&p->site, &diags);
    struct strbuf edges = {0};
    struct frame *f = plant_frame(PUMP_2, 1000);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(rules_count(r).instances, 2);
    plant_frame_add(f, bar, 4.9, QUALITY_GOOD);
    rules_frame(r, f, NULL, &edges); /* Not true: no edge to send. */
    ck_assert(rules_watch(r, PUMP_2, 0).clear);
    strbuf_fini(&edges);
    free(f);
    rules_free(r);
    diags_fini(&diags);
    free(p);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("binding");
    TCase *tc = tcase_create("binding");
    tcase_add_loop_test(tc, test_rows, 0, (int)ARRAY_LEN(rows));
    tcase_add_test(tc, test_all_errors_are_told_and_disabled_rules_are_read);
    tcase_add_test(tc, test_a_disabled_rule_is_bound_nowhere);
    tcase_add_test(tc, test_a_device_in_another_unit_gets_its_own_program);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failures = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failures == 0 ? 0 : 1;
}
