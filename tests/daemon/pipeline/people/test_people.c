/* What the loop does with users, and who a session or a token is; the clock is turned
 * by hand. */
#include "tests/fake/people_world.h"

static struct people_world p;
static char secret[SECRETS_TEXT_BYTES];
static struct caller who;

static void
setup(void)
{
    people_world_init(&p);
}

static void
teardown(void)
{
    people_world_fini(&p);
}

#define must(call) ck_assert_msg((call) == 0, "%s", p.err.text)

/* It fails so, and says so. */
#define refused(call, expected, words)                                                 \
    do {                                                                               \
        int got_ = (call);                                                             \
        ck_assert_msg(got_ == (expected), "%d: %s", got_, p.err.text);                 \
        ck_assert_msg(strstr(p.err.text, words) != NULL, "%s", p.err.text);            \
    } while (0)

static int
change(struct people_change c)
{
    return people_world_do(&p, COMMAND_USER_CHANGE, &c, NULL);
}

static int
remove_user(const char *id)
{
    return people_world_do(&p, COMMAND_USER_REMOVE,
                           &(const struct people_change){.user = id}, NULL);
}

static int
set_password(const char *id)
{
    char hash[SECRETS_PASSWORD_BYTES];
    ck_assert_int_eq(secrets_password_hash(hash, "another horse", &p.err), 0);
    return people_world_do(&p, COMMAND_USER_PASSWORD,
                           &(const struct people_change){.user = id, .password = hash},
                           NULL);
}

static void
look(const char *cookie, const char *bearer)
{
    must(people_caller(p.reader, cookie, bearer, p.now_ms, &who, &p.err));
}

START_TEST(the_first_user_is_an_administrator)
{
    refused(people_world_add(&p, "li", ROLE_ENGINEER), ERR_REFUSED,
            "the first user must be an administrator");
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    must(people_world_add(&p, "li", ROLE_ENGINEER));
    refused(people_world_add(&p, "li", ROLE_VIEWER), ERR_REFUSED,
            "there is a user \"li\" already");
    refused(people_world_add(&p, "Li", ROLE_VIEWER), ERR_RANGE, "no user's id");
    refused(people_world_add(&p, "wang", ROLE_NONE), ERR_RANGE, "which role?");
    people_world_query(&p, PEOPLE_EVENTS, "user.added:zhang user.added:li");
    people_world_query(&p, "SELECT person || peer FROM events", "rootuid=0 pid=1");
}
END_TEST

START_TEST(the_last_administrator_stays_one)
{
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    must(people_world_add(&p, "li", ROLE_ENGINEER));
    static const char words[] = "zhang is the last administrator";
    refused(remove_user("zhang"), ERR_REFUSED, words);
    refused(change((struct people_change){.user = "zhang", .role = ROLE_ENGINEER}),
            ERR_REFUSED, words);
    refused(change((struct people_change){
                .user = "zhang", .has_disabled = true, .disabled = true}),
            ERR_REFUSED, words);
    must(change((struct people_change){.user = "zhang", .name = "Zhang Wei"}));
    must(change((struct people_change){.user = "li", .role = ROLE_ADMINISTRATOR}));
    /* One who is disabled does not count. */
    must(change(
        (struct people_change){.user = "li", .has_disabled = true, .disabled = true}));
    refused(remove_user("zhang"), ERR_REFUSED, words);
    must(remove_user("li"));
    refused(remove_user("zhang"), ERR_REFUSED, words);
    must(people_world_add(&p, "wang", ROLE_ADMINISTRATOR));
    must(remove_user("zhang"));
    people_world_query(&p, "SELECT group_concat(id) FROM users", "wang");
}
END_TEST

START_TEST(each_change_is_an_event_and_none_is_none)
{
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    must(change((struct people_change){.user = "zhang",
                                       .name = "张伟",
                                       .language = "zh-CN",
                                       .role = ROLE_ADMINISTRATOR}));
    must(change((struct people_change){.user = "zhang", .name = "张伟"}));
    must(change((struct people_change){.user = "zhang", .language = ""}));
    refused(change((struct people_change){.user = "zhang"}), ERR_RANGE,
            "what of the user is to be changed?");
    refused(change((struct people_change){.user = "zhang", .language = "fr"}),
            ERR_RANGE, "no language");
    refused(change((struct people_change){.user = "wang", .name = "x"}), ERR_NOT_FOUND,
            "there is no user \"wang\"");
    refused(change((struct people_change){.user = "zhang", .name = " "}), ERR_RANGE,
            "a name is one line");
    people_world_query(&p,
                       "SELECT group_concat(json_extract(json, '$.record') || '=' ||"
                       " coalesce(json_extract(json, '$.after'), '-')) FROM events"
                       " WHERE name = 'user.changed'",
                       "name=张伟,language=zh-CN,language=-");
}
END_TEST

/* Who: nobody, or a user with a role. */
static void
is(const char *user, enum role role)
{
    if (user == NULL) {
        ck_assert_ptr_null(who.user);
    } else {
        ck_assert_ptr_nonnull(who.user);
        ck_assert_str_eq(who.user, user);
    }
    ck_assert_int_eq(who.role, role);
}

START_TEST(without_users_nobody_looks_and_with_them_nobody_does_nothing)
{
    look(NULL, NULL);
    is(NULL, ROLE_VIEWER);
    look("no secret", "none either");
    is(NULL, ROLE_VIEWER);
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    look(NULL, NULL);
    is(NULL, ROLE_NONE);
    look("no secret", "none either");
    is(NULL, ROLE_NONE);
    ck_assert_int_eq(who.way, CALLER_NOBODY);
}
END_TEST

START_TEST(a_session_ends_after_12_hours_unused_or_30_days)
{
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    people_world_enter(&p, "zhang", SESSION_LIFE_MS, secret);
    look(secret, NULL);
    is("zhang", ROLE_ADMINISTRATOR);
    ck_assert_int_eq(who.way, CALLER_SESSION);
    p.now_ms += SESSION_IDLE_MS - 1;
    look(secret, NULL);
    is("zhang", ROLE_ADMINISTRATOR);
    p.now_ms += 1;
    look(secret, NULL);
    is(NULL, ROLE_NONE);
    /* Used every hour it lasts for 30 days. */
    p.now_ms = T0;
    for (int64_t t = T0; t < T0 + SESSION_LIFE_MS; t += HOUR_MS) {
        p.now_ms = t;
        look(secret, NULL);
        is("zhang", ROLE_ADMINISTRATOR);
        people_touch(&p.desk, &who);
    }
    p.now_ms = T0 + SESSION_LIFE_MS - 1;
    look(secret, NULL);
    is("zhang", ROLE_ADMINISTRATOR);
    p.now_ms += 1;
    look(secret, NULL);
    is(NULL, ROLE_NONE);
}
END_TEST

START_TEST(a_wall_stays_for_a_year_and_only_as_a_viewer)
{
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    must(people_world_add(&p, "wall", ROLE_VIEWER));
    people_world_enter(&p, "wall", SESSION_WALL_MS, secret);
    p.now_ms = T0 + SESSION_WALL_MS - 1;
    look(secret, NULL);
    is("wall", ROLE_VIEWER);
    p.now_ms += 1;
    look(secret, NULL);
    is(NULL, ROLE_NONE);
    /* A role that rises ends it; and if it did not, it would not last so long. */
    p.now_ms = T0;
    must(change((struct people_change){.user = "wall", .role = ROLE_TECHNICIAN}));
    look(secret, NULL);
    is(NULL, ROLE_NONE);
    const struct session_row row = {
        .created_ms = T0, .seen_ms = T0 + 2 * DAY_MS, .expires_ms = T0 + 365 * DAY_MS};
    ck_assert_int_eq(session_ends(&row, ROLE_VIEWER), T0 + 365 * DAY_MS);
    ck_assert_int_eq(session_ends(&row, ROLE_TECHNICIAN),
                     T0 + 2 * DAY_MS + SESSION_IDLE_MS);
}
END_TEST

START_TEST(seen_is_written_every_five_minutes)
{
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    people_world_enter(&p, "zhang", SESSION_LIFE_MS, secret);
    p.now_ms += PEOPLE_SEEN_MS - 1;
    look(secret, NULL);
    ck_assert(!who.touch);
    people_touch(&p.desk, &who);
    people_world_query(&p, "SELECT seen_ms FROM sessions", "1767225600000");
    p.now_ms += 1;
    look(secret, NULL);
    ck_assert(who.touch);
    people_touch(&p.desk, &who);
    people_world_query(&p, "SELECT seen_ms FROM sessions", "1767225900000");
    look(secret, NULL);
    ck_assert(!who.touch);
    people_world_query(&p, PEOPLE_EVENTS, "user.added:zhang user.logged_in:zhang");
}
END_TEST

START_TEST(a_new_password_or_being_disabled_ends_sessions)
{
    char token[SECRETS_TEXT_BYTES];
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    must(people_world_add(&p, "li", ROLE_TECHNICIAN));
    people_world_enter(&p, "li", SESSION_LIFE_MS, secret);
    must(people_world_token(&p, "li", ROLE_NONE, 0, token, NULL));
    must(set_password("li"));
    look(secret, NULL);
    is(NULL, ROLE_NONE);
    look(NULL, token); /* A password is changed, and programs go on. */
    is("li", ROLE_TECHNICIAN);
    must(change(
        (struct people_change){.user = "li", .has_disabled = true, .disabled = true}));
    look(NULL, token);
    is(NULL, ROLE_NONE);
    must(change((struct people_change){.user = "li", .has_disabled = true}));
    look(NULL, token); /* It was revoked, not only refused. */
    is(NULL, ROLE_NONE);
    people_world_query(&p, "SELECT count(*) FROM tokens", "0");
}
END_TEST

START_TEST(a_password_that_was_changed_meanwhile_lets_nobody_in)
{
    struct session_row row = {.user = "zhang", .expires_ms = SESSION_LIFE_MS};
    struct people_work w = {
        .act = PEOPLE_LOG_IN, .session = &row, .verified = p.password};
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    must(set_password("zhang"));
    refused(people_world_ask(&p, &w, &p.err), ERR_DENIED,
            "the user or the password is wrong");
    people_world_query(&p, "SELECT count(*) FROM sessions", "0");
}
END_TEST

START_TEST(a_user_who_is_removed_is_gone_with_sessions_and_tokens)
{
    char token[SECRETS_TEXT_BYTES];
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    must(people_world_add(&p, "li", ROLE_TECHNICIAN));
    people_world_enter(&p, "li", SESSION_LIFE_MS, secret);
    must(people_world_token(&p, "li", ROLE_NONE, 0, token, NULL));
    must(remove_user("li"));
    look(secret, token);
    is(NULL, ROLE_NONE);
    must(people_world_add(&p, "li", ROLE_VIEWER));
    look(secret, token); /* Another one of the same name is not him. */
    is(NULL, ROLE_NONE);
    refused(remove_user("wang"), ERR_NOT_FOUND, "no user \"wang\"");
}
END_TEST

START_TEST(a_token_may_no_more_than_its_user_and_no_more_than_it_says)
{
    char token[SECRETS_TEXT_BYTES];
    int64_t number = 0;
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    must(people_world_add(&p, "li", ROLE_ENGINEER));
    refused(people_world_token(&p, "li", ROLE_ADMINISTRATOR, 0, token, NULL),
            ERR_REFUSED, "may no more than its user");
    must(people_world_token(&p, "li", ROLE_TECHNICIAN, DAY_MS, token, &number));
    ck_assert_int_eq(number, 1);
    ck_assert(strncmp(token, "ct_", 3) == 0);
    look(NULL, token);
    is("li", ROLE_TECHNICIAN);
    ck_assert_int_eq(who.way, CALLER_TOKEN);
    ck_assert_int_eq(who.token, 1);
    /* Its user falls: so does it. */
    must(change((struct people_change){.user = "li", .role = ROLE_VIEWER}));
    look(NULL, token);
    is("li", ROLE_VIEWER);
    people_touch(&p.desk, &who);
    people_world_query(&p, "SELECT used_ms FROM tokens", "1767225600000");
    p.now_ms += DAY_MS - 1;
    look(NULL, token);
    is("li", ROLE_VIEWER);
    p.now_ms += 1;
    look(NULL, token);
    is(NULL, ROLE_NONE);
    /* A secret of one kind is none of the other. */
    p.now_ms = T0;
    look(token, NULL);
    is(NULL, ROLE_NONE);
}
END_TEST

START_TEST(a_token_that_was_revoked_is_none_and_its_number_never_comes_back)
{
    char token[SECRETS_TEXT_BYTES];
    int64_t number = 0;
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    must(people_world_token(&p, "zhang", ROLE_NONE, 0, token, &number));
    struct people_change c = {.user = "li", .token = number};
    refused(people_world_do(&p, COMMAND_TOKEN_REVOKE, &c, NULL), ERR_NOT_FOUND,
            "there is no token 1");
    c.user = NULL;
    must(people_world_do(&p, COMMAND_TOKEN_REVOKE, &c, NULL));
    refused(people_world_do(&p, COMMAND_TOKEN_REVOKE, &c, NULL), ERR_NOT_FOUND,
            "there is no token 1");
    look(NULL, token);
    is(NULL, ROLE_NONE);
    must(people_world_token(&p, "zhang", ROLE_NONE, 0, token, &number));
    ck_assert_int_eq(number, 2);
    people_world_query(&p, PEOPLE_EVENTS,
                       "user.added:zhang token.added:zhang token.revoked:zhang "
                       "token.added:zhang");
}
END_TEST

START_TEST(logging_out_ends_one_session_and_twice_is_nothing)
{
    char other[SECRETS_TEXT_BYTES];
    struct session_row row;
    struct people_work w = {.act = PEOPLE_LOG_OUT, .session = &row};
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    people_world_enter(&p, "zhang", SESSION_LIFE_MS, secret);
    people_world_enter(&p, "zhang", SESSION_LIFE_MS, other);
    secrets_hash(row.hash, secret);
    must(people_world_ask(&p, &w, &p.err));
    must(people_world_ask(&p, &w, &p.err));
    look(secret, NULL);
    is(NULL, ROLE_NONE);
    look(other, NULL);
    is("zhang", ROLE_ADMINISTRATOR);
    people_world_query(&p, PEOPLE_EVENTS,
                       "user.added:zhang user.logged_in:zhang user.logged_in:zhang "
                       "user.logged_out:zhang");
}
END_TEST

START_TEST(a_user_has_so_many_sessions_and_the_quietest_goes)
{
    char first[SECRETS_TEXT_BYTES];
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    people_world_enter(&p, "zhang", SESSION_LIFE_MS, first);
    for (int i = 0; i < SESSIONS_MAX; i++) {
        p.now_ms += 1000;
        people_world_enter(&p, "zhang", SESSION_LIFE_MS, secret);
    }
    people_world_query(&p, "SELECT count(*) FROM sessions", "50");
    look(first, NULL);
    is(NULL, ROLE_NONE);
    /* Those that ended are swept. */
    p.now_ms += SESSION_LIFE_MS;
    people_world_enter(&p, "zhang", SESSION_LIFE_MS, secret);
    people_world_query(&p, "SELECT count(*) FROM sessions", "1");
}
END_TEST

START_TEST(a_page_must_say_what_no_other_page_knows)
{
    char token[SECRETS_TEXT_BYTES];
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    people_world_enter(&p, "zhang", SESSION_LIFE_MS, secret);
    must(people_world_token(&p, "zhang", ROLE_NONE, 0, token, NULL));
    look(secret, NULL);
    ck_assert(people_csrf_ok(&who, who.csrf));
    ck_assert(!people_csrf_ok(&who, NULL));
    ck_assert(!people_csrf_ok(&who, ""));
    ck_assert(!people_csrf_ok(&who, secret));
    /* A cookie beside a token is a cookie. */
    look(secret, token);
    ck_assert(!people_csrf_ok(&who, NULL));
    look(NULL, token);
    ck_assert(people_csrf_ok(&who, NULL));
    caller_init_local(&who);
    ck_assert(people_csrf_ok(&who, NULL));
}
END_TEST

START_TEST(all_of_it_is_there_after_a_restart)
{
    char token[SECRETS_TEXT_BYTES];
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    people_world_enter(&p, "zhang", SESSION_LIFE_MS, secret);
    must(people_world_token(&p, "zhang", ROLE_VIEWER, 0, token, NULL));
    people_world_close(&p);
    people_world_open(&p);
    look(secret, NULL);
    is("zhang", ROLE_ADMINISTRATOR);
    look(NULL, token);
    is("zhang", ROLE_VIEWER);
    ck_assert_ptr_null(state_journal_fault(p.store));
}
END_TEST

static bool
holds(const char *sql, const char *text)
{
    char got[512];
    char query[400];
    snprintf(query, sizeof query, "SELECT count(*) FROM %s LIKE '%%%s%%'", sql, text);
    scratch_query(p.dir, "state.db", query, got);
    return strcmp(got, "0") != 0;
}

/* Neither a password, a secret, nor the hash of one. */
START_TEST(the_journal_holds_no_secret)
{
    char token[SECRETS_TEXT_BYTES];
    static const char row[] =
        "events WHERE json || coalesce(peer, '') || coalesce(more, '')";
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    people_world_enter(&p, "zhang", SESSION_LIFE_MS, secret);
    must(people_world_token(&p, "zhang", ROLE_NONE, 0, token, NULL));
    must(set_password("zhang"));
    ck_assert(holds(row, "zhang")); /* What is looked at is there. */
    ck_assert(!holds(row, "horse"));
    ck_assert(!holds(row, "argon"));
    ck_assert(!holds(row, secret));
    ck_assert(!holds(row, token + 3));
    people_world_query(&p,
                       "SELECT count(*) FROM events e, (SELECT hash FROM tokens UNION"
                       " SELECT hash FROM sessions) s"
                       " WHERE instr(lower(e.json), lower(hex(s.hash))) > 0",
                       "0");
    ck_assert(!holds("users WHERE id || name || password", "horse"));
    ck_assert(!holds("tokens WHERE name || hex(hash)", token + 3));
}
END_TEST

/* A store that refuses leaves everything as it was. */
START_TEST(what_is_not_stored_was_not_done)
{
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    scratch_exec(p.dir, "state.db",
                 "CREATE TRIGGER no BEFORE INSERT ON events BEGIN"
                 " SELECT RAISE(ABORT, 'full'); END");
    ck_assert_int_eq(people_world_add(&p, "li", ROLE_VIEWER), ERR_IO);
    ck_assert_int_eq(change((struct people_change){.user = "zhang", .name = "x"}),
                     ERR_IO);
    scratch_exec(p.dir, "state.db", "DROP TRIGGER no");
    people_world_query(&p, "SELECT group_concat(id || name) FROM users", "zhangzhang");
    must(people_world_add(&p, "li", ROLE_VIEWER));
    people_world_query(&p, PEOPLE_EVENTS, "user.added:zhang user.added:li");
}
END_TEST

START_TEST(a_word_nobody_knows_is_an_error)
{
    must(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR));
    people_world_enter(&p, "zhang", SESSION_LIFE_MS, secret);
    scratch_exec(p.dir, "state.db", "UPDATE users SET role = 'king'");
    ck_assert_int_eq(people_caller(p.reader, secret, NULL, p.now_ms, &who, &p.err),
                     ERR_IO);
    ck_assert_ptr_nonnull(strstr(p.err.text, "role is 'king'"));
}
END_TEST

int
main(void)
{
    people_world_hash(p.password);
    Suite *suite = suite_create("people");
    TCase *tc = tcase_create("people");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_first_user_is_an_administrator);
    tcase_add_test(tc, the_last_administrator_stays_one);
    tcase_add_test(tc, each_change_is_an_event_and_none_is_none);
    tcase_add_test(tc, without_users_nobody_looks_and_with_them_nobody_does_nothing);
    tcase_add_test(tc, a_session_ends_after_12_hours_unused_or_30_days);
    tcase_add_test(tc, a_wall_stays_for_a_year_and_only_as_a_viewer);
    tcase_add_test(tc, seen_is_written_every_five_minutes);
    tcase_add_test(tc, a_new_password_or_being_disabled_ends_sessions);
    tcase_add_test(tc, a_password_that_was_changed_meanwhile_lets_nobody_in);
    tcase_add_test(tc, a_user_who_is_removed_is_gone_with_sessions_and_tokens);
    tcase_add_test(tc, a_token_may_no_more_than_its_user_and_no_more_than_it_says);
    tcase_add_test(tc,
                   a_token_that_was_revoked_is_none_and_its_number_never_comes_back);
    tcase_add_test(tc, logging_out_ends_one_session_and_twice_is_nothing);
    tcase_add_test(tc, a_user_has_so_many_sessions_and_the_quietest_goes);
    tcase_add_test(tc, a_page_must_say_what_no_other_page_knows);
    tcase_add_test(tc, all_of_it_is_there_after_a_restart);
    tcase_add_test(tc, the_journal_holds_no_secret);
    tcase_add_test(tc, what_is_not_stored_was_not_done);
    tcase_add_test(tc, a_word_nobody_knows_is_an_error);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
