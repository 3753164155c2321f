/* Cases, log maps and simulations become what they describe. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/model/ticket.h"

#define GOOD "tests/config/good/"

static struct diags diags;

static void
setup(void)
{
    setenv("CARETAKER_SHARE", "config", 1);
    diags_init(&diags);
}

static void
teardown(void)
{
    diags_fini(&diags);
}

START_TEST(test_a_case)
{
    struct replay_case *c = config_load_case(GOOD "case.yaml", &diags);
    diags_print(&diags, stderr);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->title, "bearing heats up, then the pump is stopped");
    ck_assert_str_eq(c->site_file, GOOD "site.yaml");
    ck_assert_uint_eq(c->log_count, 2);
    ck_assert_str_eq(c->logs[0], GOOD "bearing.csv");
    ck_assert_str_eq(c->logs[1], "/abs/other.csv");
    ck_assert_str_eq(c->map_file, GOOD "map.yaml");
    ck_assert_int_eq(c->until.kind, CASE_TIME_AGE);
    ck_assert_int_eq(c->until.ms, 3600000);
    replay_case_free(c);
}
END_TEST

START_TEST(test_samples_come_in_order_of_time)
{
    struct replay_case *c = config_load_case(GOOD "case.yaml", &diags);
    ck_assert_uint_eq(c->sample_count, 3);
    ck_assert_int_eq(c->samples[0].at.ms, 0);
    ck_assert(c->samples[0].value == 1);
    ck_assert_int_eq(c->samples[1].quality, QUALITY_TIMEOUT);
    ck_assert_str_eq(c->samples[2].device, "pump-1");
    ck_assert_str_eq(c->samples[2].point, "bearing");
    ck_assert(c->samples[2].value == 81.5);
    replay_case_free(c);
}
END_TEST

START_TEST(test_expectations)
{
    struct replay_case *c = config_load_case(GOOD "case.yaml", &diags);
    const struct case_expect *x = c->expects;
    ck_assert_uint_eq(c->expect_count, 12);
    ck_assert_int_eq(x[0].at.kind, CASE_TIME_OF_DAY);
    ck_assert_int_eq(x[0].at.ms, ((10 * 60 + 14) * 60 + 30) * 1000);
    ck_assert_int_eq(x[0].within_ms, 2000);
    ck_assert_int_eq(x[0].event, EVENT_ALARM_RAISED);
    ck_assert_str_eq(x[0].severity, "urgent");
    ck_assert_uint_eq(x[0].loc.line, 10);
    ck_assert_int_eq(x[1].at.kind, CASE_TIME_AGE);
    ck_assert_int_eq(x[1].ticket, 1);
    ck_assert_int_eq(x[2].at.kind, CASE_TIME_INSTANT);
    ck_assert_int_eq(x[2].at.ms, INT64_C(1772360070000));
    ck_assert_str_eq(x[2].deadline, "respond");
    ck_assert(x[3].never && x[3].at.kind == CASE_TIME_NONE);
    ck_assert_str_eq(x[3].rule, "pump-dry-run");
    ck_assert_int_eq(x[3].pause, PAUSE_NONE);
    ck_assert_int_eq(x[3].proof, PROOF_NONE);
    ck_assert(x[3].assignee == NULL && x[3].level == 0);
    ck_assert_str_eq(x[4].assignee, "li");
    ck_assert_str_eq(x[4].by, "zhang");
    ck_assert_int_eq(x[5].level, 2);
    ck_assert_str_eq(x[5].to, "chief");
    ck_assert_str_eq(x[6].team, "mechanical");
    ck_assert_str_eq(x[6].category, "seal");
    ck_assert_int_eq(x[7].pause, PAUSE_CONTRACTOR);
    ck_assert_int_eq(x[8].proof, PROOF_NOT_RUNNING);
    ck_assert_str_eq(x[9].cause, "leak");
    ck_assert_int_eq(x[9].minutes, 40);
    ck_assert_int_eq(x[9].cost, 12050);
    ck_assert_int_eq(x[10].step, 2);
    ck_assert_int_eq(x[11].rating, 5);
    replay_case_free(c);
}
END_TEST

START_TEST(test_commands)
{
    struct replay_case *c = config_load_case(GOOD "case.yaml", &diags);
    static const enum command_kind kinds[] = {COMMAND_ACK,
                                              COMMAND_TICKET_TAKE,
                                              COMMAND_TICKET_ARRIVE,
                                              COMMAND_TICKET_WAIT,
                                              COMMAND_TICKET_OPEN,
                                              COMMAND_TICKET_RATE,
                                              COMMAND_SHELVE,
                                              COMMAND_UNSHELVE,
                                              COMMAND_SERVICE,
                                              COMMAND_TICKET_OPEN,
                                              COMMAND_TICKET_WAIT,
                                              COMMAND_TICKET_TICK,
                                              COMMAND_TICKET_RESOLVE,
                                              COMMAND_TICKET_CHANGE};
    ck_assert_uint_eq(c->command_count, ARRAY_LEN(kinds));
    for (uint32_t i = 0; i < c->command_count; i++) {
        ck_assert_int_eq(c->commands[i].command.kind, kinds[i]);
    }
    ck_assert_str_eq(c->commands[1].command.assignee, "li");
    ck_assert_str_eq(c->commands[1].command.by, "zhang");
    ck_assert_str_eq(c->commands[3].command.note, "parts");
    ck_assert(c->commands[4].command.has_priority);
    ck_assert_int_eq(c->commands[4].command.priority, SEVERITY_CRITICAL);
    ck_assert(!c->commands[0].command.has_priority);
    ck_assert_int_eq(c->commands[5].command.rating, 5);
    ck_assert_int_eq(c->commands[6].command.for_ms, 2 * 3600000);
    ck_assert_str_eq(c->commands[6].command.note, "repair");
    ck_assert_int_eq(c->commands[6].until.kind, CASE_TIME_NONE);
    ck_assert_int_eq(c->commands[7].command.service, SERVICE_UNSAID);
    ck_assert_int_eq(c->commands[8].command.service, SERVICE_OUT);
    ck_assert_int_eq(c->commands[8].until.kind, CASE_TIME_AGE);
    ck_assert_int_eq(c->commands[8].until.ms, 30 * 60000);
    replay_case_free(c);
}
END_TEST

START_TEST(test_the_work_of_commands)
{
    struct replay_case *c = config_load_case(GOOD "case.yaml", &diags);
    const struct case_command *at = &c->commands[9];
    ck_assert_str_eq(at[0].command.symptom, "drips");
    ck_assert_str_eq(at[0].command.reporter, "Mrs Wang");
    ck_assert_str_eq(at[0].command.category, "seal");
    ck_assert_str_eq(at[0].command.team, "mechanical");
    ck_assert_int_eq(at[0].command.pause, PAUSE_NONE);
    ck_assert_int_eq(at[1].command.pause, PAUSE_CONTRACTOR);
    ck_assert_int_eq(at[2].command.step, 2);
    ck_assert(at[2].command.undone);
    const struct command *done = &at[3].command;
    ck_assert_str_eq(done->cause, "leak");
    ck_assert_int_eq(done->minutes, 40);
    ck_assert_int_eq(done->cost, 12050);
    ck_assert_uint_eq(done->part_count, 2);
    ck_assert_str_eq(done->parts[0].name, "seal ring");
    ck_assert_int_eq(done->parts[0].count, 2);
    ck_assert_int_eq(done->parts[0].cost, 3500);
    ck_assert_int_eq(done->parts[1].count, 1);
    ck_assert_int_eq(done->parts[1].cost, 0);
    replay_case_free(c);
}
END_TEST

START_TEST(test_moments_without_a_zone_are_the_sites)
{
    struct replay_case *c = config_load_case(GOOD "case-times.yaml", &diags);
    diags_print(&diags, stderr);
    ck_assert_ptr_nonnull(c);
    /* As the site's clocks show them; 1772359200 is 10:00 in UTC. */
    static const int64_t shown_ms[] = {1772359200000, 1772359201500, 1772409600000};
    ck_assert_uint_eq(c->sample_count, ARRAY_LEN(shown_ms));
    for (uint32_t i = 0; i < c->sample_count; i++) {
        ck_assert_int_eq(c->samples[i].at.kind, CASE_TIME_LOCAL);
        ck_assert_int_eq(c->samples[i].at.ms, shown_ms[i]);
        ck_assert_str_eq(c->samples[i].device, "pump-1");
        ck_assert_str_eq(c->samples[i].point, "bearing");
    }
    ck_assert(c->samples[1].value == 21);
    ck_assert_int_eq(c->samples[2].quality, QUALITY_TIMEOUT);
    ck_assert_int_eq(c->expects[0].at.kind, CASE_TIME_INSTANT);
    ck_assert_int_eq(c->expects[0].at.ms, INT64_C(1772331270000));
    replay_case_free(c);
}
END_TEST

START_TEST(test_a_map)
{
    struct log_map *m = config_load_map(GOOD "map.yaml", &diags);
    ck_assert_ptr_nonnull(m);
    ck_assert_str_eq(m->time_column, "datetime");
    ck_assert_str_eq(m->time_format, "%Y-%m-%d %H:%M:%S");
    ck_assert_str_eq(m->timezone, "UTC");
    ck_assert_uint_eq(m->column_count, 2);
    ck_assert_str_eq(m->columns[0].column, "Temperature");
    ck_assert_str_eq(m->columns[0].device, "pump-1");
    ck_assert_str_eq(m->columns[0].point, "motor_temp");
    log_map_free(m);
}
END_TEST

START_TEST(test_a_simulation)
{
    struct sim *s = config_load_sim(GOOD "sim.yaml", &diags);
    diags_print(&diags, stderr);
    ck_assert_ptr_nonnull(s);
    ck_assert_str_eq(s->control, GOOD "sim.sock");
    ck_assert_uint_eq(s->port_count, 3);
    ck_assert_uint_eq(s->ports[0].port, 15020);
    ck_assert_str_eq(s->ports[0].host, "127.0.0.1");
    ck_assert_uint_eq(s->ports[1].port, 15021);
    ck_assert_int_eq(s->ports[2].kind, BUS_RTU);
    ck_assert_str_eq(s->ports[2].link, GOOD "pump-line");
    ck_assert_int_eq(s->ports[2].baud, 19200);
    const struct sim_unit *meter = &s->ports[0].units[0];
    ck_assert_uint_eq(meter->register_count, 6); /* The profile's. */
    ck_assert_str_eq(meter->registers[0].id, "voltage_l1");
    ck_assert(meter->registers[0].signal.value == 230);
    ck_assert_int_eq(meter->registers[0].point.type, TYPE_F32);
    ck_assert_int_eq(meter->registers[1].signal.kind, SIGNAL_SINE);
    ck_assert_int_eq(meter->registers[1].signal.period_ms, 60000);
    ck_assert(meter->registers[1].signal.noise == 0.2);
    ck_assert_int_eq(meter->registers[2].signal.kind, SIGNAL_CONSTANT);
    ck_assert(meter->registers[2].signal.value == 0);
    ck_assert(isnan(meter->registers[2].signal.max));
    sim_free(s);
}
END_TEST

START_TEST(test_signals_and_faults)
{
    struct sim *s = config_load_sim(GOOD "sim.yaml", &diags);
    const struct sim_unit *pump = &s->ports[2].units[0];
    ck_assert_uint_eq(pump->unit, 3);
    const struct signal *bearing = &pump->registers[0].signal;
    ck_assert_int_eq(bearing->kind, SIGNAL_STEPS);
    ck_assert(bearing->interpolate);
    ck_assert_uint_eq(bearing->step_count, 2);
    ck_assert_int_eq(bearing->steps[1].at_ms, 10000);
    ck_assert(bearing->steps[1].value == 84);
    ck_assert_int_eq(pump->registers[1].signal.kind, SIGNAL_COUNTER);
    ck_assert(pump->registers[1].signal.per_second == 0.01);
    ck_assert_uint_eq(pump->registers[1].signal.step_count, 2);
    ck_assert_int_eq(pump->registers[1].signal.steps[1].at_ms, 40000);
    ck_assert(pump->registers[1].signal.steps[1].value == 0);
    ck_assert_int_eq(pump->registers[2].signal.kind, SIGNAL_RAMP);
    ck_assert(pump->registers[2].signal.max == 60);
    ck_assert(isnan(pump->registers[2].signal.min));
    ck_assert(pump->registers[3].signal.value == 1);
    ck_assert_uint_eq(pump->fault_count, 3);
    ck_assert_int_eq(pump->faults[0].kind, SIM_FAULT_SILENT);
    ck_assert_int_eq(pump->faults[0].to_ms, 30000);
    ck_assert_int_eq(pump->faults[1].delay_ms, 3000);
    ck_assert_int_eq(pump->faults[2].kind, SIM_FAULT_EXCEPTION);
    ck_assert_int_eq(pump->faults[2].to_ms, INSTANT_MAX);
    ck_assert_uint_eq(pump->faults[2].code, 6);
    sim_free(s);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("config case");
    TCase *tc = tcase_create("case");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_a_case);
    tcase_add_test(tc, test_samples_come_in_order_of_time);
    tcase_add_test(tc, test_expectations);
    tcase_add_test(tc, test_commands);
    tcase_add_test(tc, test_the_work_of_commands);
    tcase_add_test(tc, test_moments_without_a_zone_are_the_sites);
    tcase_add_test(tc, test_a_map);
    tcase_add_test(tc, test_a_simulation);
    tcase_add_test(tc, test_signals_and_faults);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
