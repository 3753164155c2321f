/* Who may what. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/model/caller.h"

START_TEST(roles_are_parsed_but_nobody_is_given_none)
{
    enum role r = ROLE_NONE;
    for (int i = ROLE_VIEWER; i < ROLE_COUNT; i++) {
        ck_assert(role_parse(&r, role_name((enum role)i)));
        ck_assert_int_eq(r, i);
    }
    ck_assert(!role_parse(&r, "none"));
    ck_assert(!role_parse(&r, ""));
    ck_assert(!role_parse(&r, "Viewer"));
    ck_assert_int_eq(r, ROLE_ADMINISTRATOR);
}
END_TEST

/* Each kind is named: a new one without a decision fails here. */
static const struct {
    enum role role;
    const char *commands;
} rights[] = {
    {ROLE_TECHNICIAN,
     "ack shelve unshelve ticket.open ticket.take ticket.arrive ticket.wait "
     "ticket.resume ticket.resolve ticket.close ticket.reopen ticket.note ticket.rate "
     "ticket.tick ticket.change ticket.photo"},
    {ROLE_ENGINEER,
     "service plan.start plan.done plan.move ledger.set ledger.document ledger.remove "
     "ledger.alteration"},
    {ROLE_ADMINISTRATOR,
     "user.add user.change user.password user.remove token.add token.revoke"},
};

START_TEST(each_command_wants_its_role)
{
    int named = 0;
    for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
        char words[400];
        char *rest = words;
        snprintf(words, sizeof words, "%s", rights[i].commands);
        for (char *w = strsep(&rest, " "); w != NULL; w = strsep(&rest, " "), named++) {
            enum command_kind kind = COMMAND_KIND_COUNT;
            ck_assert_msg(command_kind_parse(&kind, w), "%s", w);
            ck_assert_msg(command_role(kind) == rights[i].role, "%s", w);
            ck_assert_int_eq(command_is_of_people(kind),
                             rights[i].role == ROLE_ADMINISTRATOR);
        }
    }
    ck_assert_int_eq(named, COMMAND_KIND_COUNT);
}
END_TEST

START_TEST(a_caller_may_what_his_role_may_and_a_token_changes_no_users)
{
    for (int k = 0; k < COMMAND_KIND_COUNT; k++) {
        enum command_kind kind = (enum command_kind)k;
        struct caller c;
        for (int r = ROLE_NONE; r < ROLE_COUNT; r++) {
            caller_init(&c, (enum role)r);
            c.way = CALLER_SESSION;
            ck_assert_int_eq(caller_may(&c, kind), r >= (int)command_role(kind));
        }
        c.way = CALLER_TOKEN;
        ck_assert_int_eq(caller_may(&c, kind), !command_is_of_people(kind));
        caller_init_local(&c);
        ck_assert(caller_may(&c, kind));
    }
}
END_TEST

START_TEST(a_copy_of_a_caller_outlives_the_original)
{
    struct caller a;
    struct caller b;
    caller_init(&a, ROLE_ENGINEER);
    ck_assert_ptr_null(a.user);
    ck_assert(!a.local);
    caller_set_user(&a, "zhang", "张伟");
    caller_copy(&b, &a);
    memset(&a, 'x', sizeof a);
    ck_assert_str_eq(b.user, "zhang");
    ck_assert_str_eq(b.name, "张伟");
    ck_assert_int_eq(b.role, ROLE_ENGINEER);
    caller_init_local(&a);
    caller_copy(&b, &a);
    ck_assert_ptr_null(b.user);
    ck_assert_ptr_null(b.name);
    ck_assert(b.local);
    ck_assert_int_eq(b.role, ROLE_ADMINISTRATOR);
    ck_assert_int_eq(b.expires_ms, INSTANT_MAX);
}
END_TEST

static const struct {
    const char *text;
    bool id, name;
} texts[] = {{"zhang", true, true}, {"a", true, true},      {"7_x-y", true, true},
             {"", false, false},    {"-a", false, true},    {"Zhang", false, true},
             {"a b", false, true},  {"张伟", false, true},  {"a/b", false, true},
             {"   ", false, false}, {"a\nb", false, false}, {"a\x1b[2J", false, false},
             {"\xff", false, false}};

START_TEST(ids_and_names_are_checked)
{
    struct err err = {0};
    const char *text = texts[_i].text;
    ck_assert_int_eq(user_check_id(text, &err), texts[_i].id ? 0 : ERR_RANGE);
    ck_assert_int_eq(user_check_name(text, &err), texts[_i].name ? 0 : ERR_RANGE);
}
END_TEST

START_TEST(long_ids_and_names_are_refused)
{
    struct err err;
    char text[USER_NAME_BYTES + 1] = "";
    memset(text, 'a', USER_ID_BYTES - 1);
    ck_assert_int_eq(user_check_id(text, &err), 0);
    text[USER_ID_BYTES - 1] = 'a';
    ck_assert_int_eq(user_check_id(text, &err), ERR_RANGE);
    memset(text, 'a', USER_NAME_BYTES - 1);
    ck_assert_int_eq(user_check_name(text, &err), 0);
    text[USER_NAME_BYTES - 1] = 'a';
    ck_assert_int_eq(user_check_name(text, &err), ERR_RANGE);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("caller");
    TCase *tc = tcase_create("caller");
    tcase_add_test(tc, roles_are_parsed_but_nobody_is_given_none);
    tcase_add_test(tc, each_command_wants_its_role);
    tcase_add_test(tc, a_caller_may_what_his_role_may_and_a_token_changes_no_users);
    tcase_add_test(tc, a_copy_of_a_caller_outlives_the_original);
    tcase_add_loop_test(tc, ids_and_names_are_checked, 0, (int)ARRAY_LEN(texts));
    tcase_add_test(tc, long_ids_and_names_are_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
