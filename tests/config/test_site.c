/* A good site becomes exactly the structs that it describes. */
#include <check.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

#define GOOD "tests/config/good/"

static struct diags diags;
static struct site *site;

static void
setup(void)
{
    setenv("CARETAKER_SHARE", "config", 1);
    diags_init(&diags);
    site = config_load_site(GOOD "site.yaml", NULL, 0, &diags);
}

static void
teardown(void)
{
    site_free(site);
    diags_fini(&diags);
}

static const struct point *
point(const char *device, const char *id)
{
    uint32_t d = site_device(site, device);
    ck_assert_uint_ne(d, NONE_INDEX);
    uint32_t p = site_point(site, d, id);
    ck_assert_msg(p != NONE_INDEX, "%s.%s", device, id);
    return &site->points[p];
}

START_TEST(test_the_site_itself)
{
    ck_assert_uint_eq(diags.errors, 0);
    ck_assert_str_eq(site->id, "riverside-a");
    ck_assert_str_eq(site->name, "滨河花园A区");
    ck_assert_str_eq(site->timezone, "Asia/Shanghai");
    ck_assert_int_eq(site->language, LANGUAGE_ZH_CN);
    ck_assert_str_eq(site->data_dir, GOOD "var");
    ck_assert_str_eq(site->web.listen, "127.0.0.1:8080");
    ck_assert_int_eq(site->verify_for_ms, 30 * 60000);
    ck_assert_int_eq(site->visit_after_ms, 5 * 86400000LL);
    ck_assert_uint_eq(site->cause_count, 2);
    ck_assert_str_eq(site->causes[1], "bird");
    ck_assert_str_eq(site->currency, "EUR");
    ck_assert_uint_eq(site->chatter_episodes, 5);
    ck_assert_int_eq(site->chatter_window_ms, 10 * 60000);
    ck_assert_int_eq(site->history.max_bytes, 8000000000);
    ck_assert_int_eq(site->promises[SEVERITY_CRITICAL].respond_ms, 15 * 60000);
    ck_assert_int_eq(site->promises[SEVERITY_NORMAL].resolve_ms, 24 * 3600000);
    ck_assert_str_eq(site->mqtt.broker, "mqtt://127.0.0.1:1883");
    ck_assert_int_eq(site->mqtt.password_file[0], '/');
    ck_assert(site->mqtt.enabled && !site->mqtt.commands);
}
END_TEST

START_TEST(test_buses_with_their_defaults)
{
    const struct bus *rtu = &site->buses[site_bus(site, "pump-room")];
    const struct bus *tcp = &site->buses[site_bus(site, "meters")];
    const struct bus *server = &site->buses[site_bus(site, "lift-gw")];
    ck_assert_int_eq(rtu->kind, BUS_RTU);
    ck_assert_str_eq(rtu->path, "/dev/ttyS1");
    ck_assert_int_eq(rtu->parity, 'E');
    ck_assert_int_eq(rtu->data_bits, 8);
    ck_assert_int_eq(rtu->rs485, RS485_KERNEL);
    ck_assert_int_eq(rtu->timeout_ms, 300);
    ck_assert_str_eq(rtu->name, "pump-room");
    ck_assert_str_eq(tcp->name, "Meter cabinet");
    ck_assert_int_eq(tcp->kind, BUS_TCP);
    ck_assert_str_eq(tcp->host, "192.0.2.10");
    ck_assert_uint_eq(tcp->port, 502);
    ck_assert_int_eq(tcp->timeout_ms, 1000);
    ck_assert_int_eq(tcp->retries, 1);
    ck_assert_int_eq(server->kind, BUS_RTU_OVER_TCP);
    ck_assert_uint_eq(server->port, 4001);
    /* No speed of a Linux driver, but of a gateway. */
    ck_assert_int_eq(server->baud, 76800);
    ck_assert_int_eq(server->parity, 'N');
    ck_assert_int_eq(server->data_bits, 8);
    ck_assert_int_eq(server->stop_bits, 2);
    ck_assert_int_eq(rtu->baud, 9600);
    ck_assert_int_eq(tcp->baud, 0); /* It has no line, or does not say so. */
    ck_assert(rtu->probe_share == 5 && server->probe_share == 2.5);
    ck_assert_int_eq(tcp->connect_pause_ms, 0);
    ck_assert_int_eq(server->connect_pause_ms, 250);
}
END_TEST

START_TEST(test_devices_stand_sorted_and_buses_are_among_them)
{
    static const char *const ids[] = {"fan-1",  "gateway",  "hydrant-1", "lift-gw",
                                      "logger", "meter-1",  "meters",    "probe-1",
                                      "pump-1", "pump-room"};
    ck_assert_uint_eq(site->device_count, ARRAY_LEN(ids));
    for (uint32_t i = 0; i < site->device_count; i++) {
        const struct device *d = &site->devices[i];
        ck_assert_str_eq(d->id, ids[i]);
        for (uint32_t p = 1; p < d->point_count; p++) {
            ck_assert_int_lt(strcmp(site->points[d->first_point + p - 1].id,
                                    site->points[d->first_point + p].id),
                             0);
            ck_assert_uint_eq(site->points[d->first_point + p].device, i);
        }
    }
    for (uint32_t i = 0; i < site->bus_count; i++) {
        const struct device *d = &site->devices[site->buses[i].device];
        ck_assert_int_eq(d->role, DEVICE_BUS);
        ck_assert_str_eq(d->type, "bus");
        ck_assert_str_eq(d->id, site->buses[i].id);
        ck_assert_str_eq(d->name, site->buses[i].name);
        ck_assert_uint_eq(d->bus, NONE_INDEX);
        ck_assert_uint_eq(d->point_count, 5);
    }
    ck_assert_int_eq(site->devices[site->gateway_device].role, DEVICE_GATEWAY);
    ck_assert_str_eq(point("meters", "load")->unit, "%");
    ck_assert_str_eq(point("meters", "late")->unit, "%");
    ck_assert_int_eq(point("meters", "online")->type, TYPE_BOOL);
    ck_assert_int_eq(point("gateway", "disk_free")->poll_ms, 10000);
    ck_assert_uint_eq(site_equipment(site).devices, 6);
    /* Neither buses and gateway, nor what is derived of two devices. */
    ck_assert_uint_eq(site_equipment(site).points,
                      site->point_count - 3 * 5 - 9 - 3 - 2);
}
END_TEST

START_TEST(test_a_device_with_all_its_keys)
{
    const struct device *d = &site->devices[site_device(site, "pump-1")];
    ck_assert_str_eq(d->name, "1# 生活水泵");
    ck_assert_str_eq(d->location, "B1 水泵房");
    ck_assert_str_eq(d->tags[0], "domestic-water");
    ck_assert_uint_eq(d->unit, 3);
    ck_assert_int_eq(d->serves, 180);
    ck_assert_int_eq(d->stale_after_ms, 5000);
    ck_assert_uint_eq(d->limits.max_registers, 80);
    ck_assert(d->limits.holes);
    ck_assert_str_eq(d->ledger.maker, "Grundfos");
    ck_assert_str_eq(d->ledger.installed, "2019-06-01");
    ck_assert_int_eq(d->ledger.design_life_ms, INT64_C(15) * 365 * 86400000);
    ck_assert_str_eq(d->ledger.specification, "5.5 kW, 32 m");
    ck_assert_str_eq(d->ledger.supplier, "Water & Sons");
    ck_assert_int_eq(d->ledger.design_hours, 40000);
    ck_assert_int_eq(d->ledger.design_starts, 200000);
    ck_assert_str_eq(d->ledger.warranty_until, "2021-06-01");
    ck_assert_int_eq(d->ledger.price, 1250010);
    ck_assert_str_eq(d->ledger.area, "Block A");
    ck_assert_uint_eq(d->ledger.document_count, 2);
    ck_assert_str_eq(d->ledger.documents[0], "pump.pdf");
    ck_assert_str_eq(d->ledger.papers[0].title, "pump.pdf");
    ck_assert_int_eq(d->ledger.papers[0].kind, DOCUMENT_OTHER);
    ck_assert_ptr_null(d->ledger.papers[0].valid_until);
    ck_assert_str_eq(d->ledger.documents[1], "https://example.org/c.pdf");
    ck_assert_str_eq(d->ledger.papers[1].title, "Inspection");
    ck_assert_int_eq(d->ledger.papers[1].kind, DOCUMENT_CERTIFICATE);
    ck_assert_str_eq(d->ledger.papers[1].valid_until, "2027-03-01");
    /* Equipment that no sensor watches. */
    const struct device *box = &site->devices[site_device(site, "hydrant-1")];
    ck_assert_uint_eq(box->bus, NONE_INDEX);
    ck_assert_uint_eq(box->point_count, 0);
    ck_assert_str_eq(box->ledger.maker, "Fire & Co");
    const struct device *m = &site->devices[site_device(site, "meter-1")];
    ck_assert_uint_eq(m->parent, site_device(site, "pump-1"));
    ck_assert_uint_eq(m->limits.max_bits, 8);
    ck_assert_uint_eq(m->limits.max_registers, 80);
    ck_assert_int_eq(m->limits.timeout_ms, 1500);
    ck_assert_int_eq(d->limits.timeout_ms, 0);
    ck_assert_int_eq(m->stale_after_ms, 15000);
}
END_TEST

START_TEST(test_what_is_polled_has_derived_points)
{
    const struct point *errors = point("pump-1", "errors");
    const struct point *latency = point("pump-1", "latency");
    const struct point *online = point("pump-1", "online");
    ck_assert_int_eq(errors->derived, DERIVED_ERRORS);
    ck_assert_int_eq(errors->kind, POINT_COUNTER);
    ck_assert_int_eq(latency->derived, DERIVED_LATENCY);
    ck_assert_int_eq(latency->kind, POINT_GAUGE);
    ck_assert_str_eq(latency->unit, "ms");
    ck_assert_int_eq(online->derived, DERIVED_ONLINE);
    ck_assert_int_eq(online->kind, POINT_STATE);
    ck_assert_int_eq(online->type, TYPE_BOOL);
    for (int i = 0; i < 3; i++) {
        const struct point *p = i == 0 ? errors : i == 1 ? latency : online;
        ck_assert_int_eq(p->table, REG_NONE);
        ck_assert_int_eq(p->poll_ms, 60000);
        ck_assert_int_eq(p->stale_after_ms, 180000);
    }
    /* A point of the owner's own has the name. */
    ck_assert_int_eq(point("meter-1", "latency")->derived, DERIVED_NONE);
    ck_assert_int_eq(point("meter-1", "latency")->table, REG_HOLDING);
    ck_assert_int_eq(point("meter-1", "errors")->derived, DERIVED_ERRORS);
    /* What is fed by logs has none. */
    uint32_t logger = site_device(site, "logger");
    ck_assert_uint_eq(site->devices[logger].point_count, 1);
}
END_TEST

START_TEST(test_a_device_may_be_nothing_but_an_id_and_points)
{
    const struct device *d = &site->devices[site_device(site, "logger")];
    ck_assert_str_eq(d->name, "logger");
    ck_assert_str_eq(d->type, "other");
    ck_assert_ptr_null(d->location);
    ck_assert_uint_eq(d->bus, NONE_INDEX);
    ck_assert_int_eq(d->poll_ms, 1000);
    ck_assert_int_eq(d->stale_after_ms, 3000);
    const struct device *fan = &site->devices[site_device(site, "fan-1")];
    ck_assert_str_eq(fan->type, "风机");
}
END_TEST

static const struct {
    const char *device, *id;
    enum reg_table table;
    uint16_t address;
    enum value_type type;
    enum byte_order order;
    uint8_t low, high;
    double mul, add, div;
    int64_t poll_ms, stale_ms;
} points[] = {
    {"pump-1", "pressure", REG_INPUT, 0, TYPE_U16, ORDER_ABCD, 0, 0, 1, 0, 1000, 1000,
     5000},
    {"pump-1", "running", REG_DISCRETE, 0, TYPE_BOOL, ORDER_ABCD, 0, 0, 1, 0, 1, 1000,
     5000},
    {"pump-1", "bearing", REG_INPUT, 322, TYPE_U16, ORDER_ABCD, 0, 0, 1, -27315, 100,
     1000, 5000},
    {"pump-1", "alarm_word", REG_HOLDING, 16899, TYPE_U32, ORDER_CDAB, 0, 0, 1, 0, 1,
     1000, 5000},
    {"pump-1", "overload", REG_HOLDING, 16899, TYPE_BOOL, ORDER_ABCD, 3, 3, 1, 0, 1,
     1000, 5000},
    {"pump-1", "energy", REG_INPUT, 72, TYPE_F32, ORDER_ABCD, 0, 0, 1, 0, 1, 60000,
     180000},
    {"meter-1", "modicon", REG_HOLDING, 0, TYPE_U16, ORDER_ABCD, 0, 0, 1, 0, 1, 5000,
     15000},
    {"meter-1", "modicon_6", REG_INPUT, 9, TYPE_S16, ORDER_BADC, 0, 0, 1, 0, 1, 5000,
     15000},
    {"meter-1", "coil_1", REG_COIL, 0, TYPE_BOOL, ORDER_ABCD, 0, 0, 1, 0, 1, 5000,
     15000},
    {"meter-1", "nibble", REG_HOLDING, 32, TYPE_BITS, ORDER_ABCD, 4, 7, 1, 0, 1, 5000,
     15000},
    {"meter-1", "charge", REG_HOLDING, 130, TYPE_U16, ORDER_ABCD, 0, 0, 1, 0, 512, 5000,
     15000},
    {"meter-1", "tripped", REG_HOLDING, 150, TYPE_BOOL, ORDER_CDAB, 20, 20, 1, 0, 1,
     5000, 15000},
    {"meter-1", "phase", REG_HOLDING, 150, TYPE_BITS, ORDER_CDAB, 14, 17, 1, 0, 1, 5000,
     15000},
    {"probe-1", "x", REG_NONE, 0, TYPE_F64, ORDER_ABCD, 0, 0, 1, 0, 1, 1000, 3000},
    {"probe-1", "y", REG_NONE, 0, TYPE_F64, ORDER_ABCD, 0, 0, 1, 0, 1, 1000, 60000},
    {"probe-1", "on", REG_NONE, 0, TYPE_BOOL, ORDER_ABCD, 0, 0, 1, 0, 1, 1000, 3000},
};

START_TEST(test_a_point_is_decoded_as_written)
{
    const struct point *p = point(points[_i].device, points[_i].id);
    ck_assert_int_eq(p->table, points[_i].table);
    ck_assert_uint_eq(p->address, points[_i].address);
    ck_assert_int_eq(p->type, points[_i].type);
    ck_assert_int_eq(p->order, points[_i].order);
    ck_assert_uint_eq(p->bit_low, points[_i].low);
    ck_assert_uint_eq(p->bit_high, points[_i].high);
    ck_assert(p->scaling.mul == points[_i].mul);
    ck_assert(p->scaling.add == points[_i].add);
    ck_assert(p->scaling.div == points[_i].div);
    ck_assert_int_eq(p->poll_ms, points[_i].poll_ms);
    ck_assert_int_eq(p->stale_after_ms, points[_i].stale_ms);
}
END_TEST

START_TEST(test_sentinels_ranges_and_decimals)
{
    const struct point *level = point("meter-1", "level");
    ck_assert_uint_eq(level->sentinel_count, 2);
    ck_assert_uint_eq(level->sentinels[0].raw, 0xFFFF);
    ck_assert_str_eq(level->sentinels[0].name, "open");
    ck_assert_uint_eq(level->sentinels[1].raw, 0x7FFF);
    ck_assert_str_eq(site->points[level->decimals_from].id, "decimals");
    ck_assert_uint_eq(point_width(point("meter-1", "tripped")), 2);
    ck_assert_uint_eq(point_width(point("meter-1", "phase")), 2);
    ck_assert_uint_eq(point_width(point("meter-1", "nibble")), 1);
    /* The device's own point replaced that of the profile. */
    const struct point *v = point("meter-1", "voltage_l1");
    ck_assert(v->has_range && v->range_min == 0 && v->range_max == 500);
    ck_assert(!point("pump-1", "voltage_l1")->has_range);
    ck_assert(point("pump-1", "energy")->kind == POINT_COUNTER);
    ck_assert(point("pump-1", "running")->kind == POINT_STATE);
    ck_assert_str_eq(point("pump-1", "bearing")->unit, "°C");
    ck_assert_str_eq(point("pump-1", "bearing")->loc.file,
                     GOOD "devices/eastron-sdm630.yaml");
    ck_assert(site->devices[site_device(site, "probe-1")].poll_continuous);
}
END_TEST

START_TEST(test_rules_stand_sorted_with_their_text_and_place)
{
    ck_assert_uint_eq(site->rule_count, 3);
    ck_assert_str_eq(site->rules[0].id, "fire-pump-weekly-test");
    const struct rule_spec *hot = &site->rules[site_rule(site, "pump-bearing-hot")];
    ck_assert_str_eq(hot->levels[0].when.text, "bearing > 80 °C");
    ck_assert_uint_eq(hot->levels[0].when.loc.line, 5);
    ck_assert_uint_eq(hot->levels[0].when.loc.column, 11);
    ck_assert_str_eq(hot->levels[0].clear.text, "bearing < 75 °C");
    ck_assert_str_eq(hot->while_.text, "running");
    ck_assert_int_eq(hot->hold_ms, 30000);
    ck_assert_int_eq(hot->clear_hold_ms, 60000);
    ck_assert_int_eq(hot->levels[0].severity, SEVERITY_URGENT);
    ck_assert_str_eq(hot->title.in[LANGUAGE_ZH_CN], "{device} 轴承温度 {bearing}");
    ck_assert_str_eq(hot->team, "mechanical");
    ck_assert_str_eq(hot->applies_to.type, "pump");
    ck_assert_int_eq(hot->respond_within_ms, 30 * 60000);
    ck_assert_int_eq(hot->verify_for_ms, site->verify_for_ms);
    ck_assert_uint_eq(hot->suppressed_by_count, 1);
    ck_assert(!hot->latch);
    ck_assert(!hot->suppresses_children);
    ck_assert_int_eq(hot->realarm_ms, 0);
    ck_assert_ptr_null(hot->group);
    const struct rule_spec *levels = &site->rules[site_rule(site, "pump-vibration")];
    ck_assert_uint_eq(levels->level_count, 2);
    ck_assert(levels->latch);
    ck_assert(levels->suppresses_children);
    ck_assert_int_eq(levels->realarm_ms, 4 * 3600000);
    ck_assert_str_eq(levels->group, "trip");
    ck_assert_int_eq(levels->levels[1].severity, SEVERITY_URGENT);
    ck_assert_str_eq(levels->title.in[LANGUAGE_EN], "pump-vibration");
    ck_assert_str_eq(levels->levels[1].clear.text, "vibration < 7.8 mm/s");
}
END_TEST

START_TEST(test_people_teams_and_procedures)
{
    ck_assert_uint_eq(site->person_count, 3);
    ck_assert_str_eq(site->people[0].name, "张伟");
    ck_assert_str_eq(site->people[1].name, "li");
    ck_assert_uint_eq(site->team_count, 2);
    ck_assert_str_eq(site->teams[0].members[1], "li");
    ck_assert_uint_eq(site->procedure_count, 1);
    ck_assert_uint_eq(site->procedures[0].step_count, 4);
    ck_assert_str_eq(text_in(&site->procedures[0].steps[3], LANGUAGE_EN),
                     "Grease or replace");
}
END_TEST

START_TEST(test_plans_stand_sorted_with_their_presets)
{
    ck_assert_uint_eq(site->plan_count, 2);
    const struct plan_spec *lift = &site->plans[site_plan(site, "elevator-half-month")];
    ck_assert_int_eq(lift->cycle, PLAN_EVERY);
    ck_assert_int_eq(lift->every_ms, 15 * 86400000LL);
    ck_assert(lift->statutory);
    ck_assert(lift->from_done);
    ck_assert(!lift->service);
    ck_assert_int_eq(lift->remind_ms, 3 * 86400000LL);
    ck_assert_int_eq(lift->grace_ms, 0);
    ck_assert_int_eq(lift->starts, DAY_NONE);
    ck_assert_int_eq(lift->priority, SEVERITY_NORMAL);
    ck_assert_str_eq(lift->team, "lift-contractor");
    const struct plan_spec *grease = &site->plans[site_plan(site, "pump-grease")];
    ck_assert_int_eq(grease->use, PLAN_USE_HOURS);
    ck_assert_double_eq(grease->use_limit, 2000);
    ck_assert_str_eq(grease->use_of, "running");
    ck_assert(grease->service);
    ck_assert_str_eq(text_in(&grease->title, LANGUAGE_EN), "pump-grease");
    ck_assert_uint_eq(site_plan(site, "pump"), NONE_INDEX);
}
END_TEST

START_TEST(test_rules_files_replace_the_rules)
{
    static const char *const files[] = {GOOD "other-rules.yaml"};
    struct diags d;
    diags_init(&d);
    struct site *other = config_load_site(GOOD "site.yaml", files, 1, &d);
    ck_assert_ptr_nonnull(other);
    ck_assert_uint_eq(other->rule_count, 1);
    ck_assert_str_eq(other->rules[0].id, "another");
    ck_assert_str_eq(other->data_dir, GOOD "var");
    static const char *const same[] = {GOOD "rules/all.yaml"};
    struct site *again = config_load_site(GOOD "site.yaml", same, 1, &d);
    ck_assert_ptr_nonnull(again);
    ck_assert_uint_eq(again->rule_count, 3);
    site_free(other);
    site_free(again);
    diags_fini(&d);
}
END_TEST

START_TEST(test_the_shipped_site_has_no_error_and_no_warning)
{
    struct diags d;
    diags_init(&d);
    struct site *shipped = config_load_site("config/site.yaml", NULL, 0, &d);
    diags_print(&d, stderr);
    ck_assert_ptr_nonnull(shipped);
    ck_assert_uint_eq(d.errors + d.warnings, 0);
    for (uint32_t i = 0; i < shipped->rule_count; i++) {
        const struct rule_spec *r = &shipped->rules[i];
        ck_assert_msg(r->title.in[LANGUAGE_EN] != NULL &&
                          r->title.in[LANGUAGE_ZH_CN] != NULL,
                      "%s lacks a title", r->id);
    }
    site_free(shipped);
    diags_fini(&d);
}
END_TEST

START_TEST(test_every_shipped_profile_is_right)
{
    glob_t found;
    ck_assert_int_eq(glob("config/devices/*.yaml", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct diags d;
        diags_init(&d);
        ck_assert_msg(config_check_profile(found.gl_pathv[i], &d), "%s",
                      found.gl_pathv[i]);
        ck_assert_uint_eq(d.errors + d.warnings, 0);
        diags_fini(&d);
    }
    globfree(&found);
}
END_TEST

/* 2,000 devices that all name what does not exist: every error, and soon. */
START_TEST(test_many_errors_are_all_counted)
{
    char path[] = "/tmp/caretaker-many-XXXXXX";
    FILE *out = fdopen(mkstemp(path), "w");
    struct diags d;
    ck_assert_ptr_nonnull(out);
    fputs("site: {id: a}\ndevices:\n", out);
    for (int i = 0; i < 2000; i++) {
        fprintf(out, "  - {id: d-%d, type: x, parent: nobody-%d}\n", i, i);
    }
    fclose(out);
    diags_init(&d);
    ck_assert_ptr_null(config_load_site(path, NULL, 0, &d));
    ck_assert_uint_eq(d.errors, 2000);
    diags_fini(&d);
    unlink(path);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("config site");
    TCase *tc = tcase_create("site");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_the_site_itself);
    tcase_add_test(tc, test_buses_with_their_defaults);
    tcase_add_test(tc, test_devices_stand_sorted_and_buses_are_among_them);
    tcase_add_test(tc, test_a_device_with_all_its_keys);
    tcase_add_test(tc, test_what_is_polled_has_derived_points);
    tcase_add_test(tc, test_a_device_may_be_nothing_but_an_id_and_points);
    tcase_add_loop_test(tc, test_a_point_is_decoded_as_written, 0,
                        (int)ARRAY_LEN(points));
    tcase_add_test(tc, test_sentinels_ranges_and_decimals);
    tcase_add_test(tc, test_rules_stand_sorted_with_their_text_and_place);
    tcase_add_test(tc, test_people_teams_and_procedures);
    tcase_add_test(tc, test_plans_stand_sorted_with_their_presets);
    tcase_add_test(tc, test_rules_files_replace_the_rules);
    tcase_add_test(tc, test_the_shipped_site_has_no_error_and_no_warning);
    tcase_add_test(tc, test_every_shipped_profile_is_right);
    tcase_add_test(tc, test_many_errors_are_all_counted);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
