/* The API of people, without HTTP: what comes in, and what is answered. */
#include <jansson.h>
#include <sodium.h>

#include "tests/fake/people_world.h"

static struct people_world p;
static struct caller who;
static struct people_answer answer;
static struct strbuf body;
static const char *remote;
static int64_t mono_ms;

static void
setup(void)
{
    people_world_init(&p);
    remote = "192.0.2.7";
    mono_ms = 5000;
    caller_init(&who, ROLE_NONE);
    ck_assert_int_eq(people_world_add(&p, "zhang", ROLE_ADMINISTRATOR), 0);
    ck_assert_int_eq(people_world_add(&p, "li", ROLE_TECHNICIAN), 0);
}

static void
teardown(void)
{
    strbuf_fini(&body);
    people_world_fini(&p);
}

/* Asks as `who`; the status. */
static unsigned
ask_for(const char *method, const char *path, const char *user, const char *text)
{
    char whole[200];
    snprintf(whole, sizeof whole, "/api/v1/%s", path);
    const struct people_request q = {.desk = &p.desk,
                                     .reader = p.reader,
                                     .method = method,
                                     .path = whole,
                                     .body = text,
                                     .user = user,
                                     .caller = &who,
                                     .remote = remote,
                                     .agent = "Browser\x1b[2J",
                                     .peer = "192.0.2.7",
                                     .now_ms = p.now_ms,
                                     .mono_ms = mono_ms};
    ck_assert(people_is_path(whole));
    strbuf_clear(&body);
    people_handle(&q, &answer, &body);
    json_t *root = json_loads(strbuf_text(&body), JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(root != NULL, "no JSON: %s", strbuf_text(&body));
    json_decref(root);
    return answer.status;
}

static unsigned
ask(const char *method, const char *path, const char *text)
{
    return ask_for(method, path, NULL, text);
}

static void
says(const char *words)
{
    ck_assert_msg(strstr(strbuf_text(&body), words) != NULL, "%s: not in %s", words,
                  strbuf_text(&body));
}

static void
is_silent_of(const char *words)
{
    ck_assert_msg(strstr(strbuf_text(&body), words) == NULL, "%s: in %s", words,
                  strbuf_text(&body));
}

/* Becomes a user by logging in. */
static void
log_in(const char *user)
{
    char text[128];
    snprintf(text, sizeof text, "{\"user\":\"%s\",\"password\":\"" PASSWORD "\"}",
             user);
    ck_assert_uint_eq(ask("POST", "session", text), 200);
    ck_assert_int_eq(answer.cookie, COOKIE_SET);
    ck_assert_int_eq(
        people_caller(p.reader, answer.secret, NULL, p.now_ms, &who, &p.err), 0);
    ck_assert_str_eq(who.user, user);
}

/* Becomes a token of a user. */
static void
enter_by_token(const char *user)
{
    char secret[SECRETS_TEXT_BYTES];
    ck_assert_int_eq(people_world_token(&p, user, ROLE_NONE, 0, secret, NULL), 0);
    ck_assert_int_eq(people_caller(p.reader, NULL, secret, p.now_ms, &who, &p.err), 0);
    ck_assert_int_eq(who.way, CALLER_TOKEN);
}

START_TEST(who_am_i)
{
    ck_assert_uint_eq(ask("GET", "session", ""), 200);
    says("{\"user\":null,\"name\":null,\"role\":\"none\",\"csrf\":null,"
         "\"language\":null,\"site_name\":null,\"site_language\":\"en\",\"log_in\":"
         "true,\"read_only\":true,");
    log_in("li");
    says("\"user\":\"li\",\"name\":\"li\",\"role\":\"technician\",\"csrf\":\"");
    says(who.csrf);
    says("\"read_only\":false");
    is_silent_of(answer.secret);
    ck_assert_int_eq(answer.max_age_s, SESSION_LIFE_MS / 1000);
    ck_assert_uint_eq(ask("GET", "session", ""), 200);
    says("\"user\":\"li\"");
    ck_assert_int_eq(answer.cookie, COOKIE_AS_IT_IS);
    ck_assert_uint_eq(ask("DELETE", "session", ""), 200);
    ck_assert_int_eq(answer.cookie, COOKIE_CLEAR);
    people_world_query(&p, "SELECT count(*) FROM sessions", "0");
    caller_init_local(&who);
    ck_assert_uint_eq(ask("GET", "session", ""), 200);
    says("\"role\":\"administrator\"");
    says("\"log_in\":false");
}
END_TEST

static int
no_room(void *ctx, struct people_work *w, struct err *err)
{
    (void)ctx;
    (void)w;
    return err_set(err, ERR_FULL, "the disk is full");
}

START_TEST(who_goes_away_from_a_full_disk_takes_his_cookie_along)
{
    log_in("li");
    p.desk.ask = no_room;
    ck_assert_uint_eq(ask("DELETE", "session", ""), 507);
    says("the disk is full");
    ck_assert_int_eq(answer.cookie, COOKIE_CLEAR);
}
END_TEST

START_TEST(what_a_session_remembers)
{
    log_in("li");
    people_world_query(&p, "SELECT user || '|' || remote || '|' || agent FROM sessions",
                       "li|192.0.2.7|Browser [2J");
    people_world_query(
        &p, "SELECT json FROM events ORDER BY seq DESC LIMIT 1",
        "{\"t\":\"2026-01-01T00:00:00.000Z\",\"event\":\"user.logged_in\","
        "\"user\":\"li\",\"remote\":\"192.0.2.7\",\"by\":\"li\"}");
}
END_TEST

static const struct {
    const char *body;
    unsigned status;
    const char *words;
} log_ins[] = {
    {"{\"user\":\"li\",\"password\":\"wrong horse\"}", 401, "user or the password is"},
    {"{\"user\":\"lo\",\"password\":\"" PASSWORD "\"}", 401, "user or the password is"},
    {"{\"user\":\"\",\"password\":\"\"}", 401, "user or the password is"},
    {"{\"user\":\"li\"}", 400, "must say who it is"},
    {"{\"user\":5,\"password\":\"x\"}", 400, "must be a string"},
    {"[]", 400, "must be a JSON object"},
    {"", 400, "must be a JSON object"},
    {"{\"user\":\"li\",\"user\":\"li\",\"password\":\"x\"}", 400, "JSON object"},
    {"{\"user\":\"li\",\"password\":\"" PASSWORD "\",\"for\":\"never\"}", 400, "365d"},
    {"{\"user\":\"li\",\"password\":\"" PASSWORD "\",\"for\":\"366d\"}", 400, "365d"},
    {"{\"user\":\"li\",\"password\":\"" PASSWORD "\",\"for\":\"31d\"}", 400,
     "only a viewer"},
    {"{\"user\":\"li\",\"password\":\"" PASSWORD "\",\"for\":\"8h\"}", 200, "\"li\""},
};

START_TEST(logging_in)
{
    ck_assert_uint_eq(ask("POST", "session", log_ins[_i].body), log_ins[_i].status);
    says(log_ins[_i].words);
    ck_assert_int_eq(answer.cookie == COOKIE_SET, log_ins[_i].status == 200);
    ck_assert_int_eq(answer.secret[0] != '\0', log_ins[_i].status == 200);
}
END_TEST

START_TEST(who_is_disabled_is_not_told_apart)
{
    caller_init_local(&who);
    ck_assert_uint_eq(ask("PATCH", "users/li", "{\"disabled\":true}"), 200);
    caller_init(&who, ROLE_NONE);
    ck_assert_uint_eq(
        ask("POST", "session", "{\"user\":\"li\",\"password\":\"" PASSWORD "\"}"), 401);
    says("the user or the password is wrong");
}
END_TEST

START_TEST(a_wall_asks_for_a_year)
{
    ck_assert_int_eq(people_world_add(&p, "wall", ROLE_VIEWER), 0);
    ck_assert_uint_eq(ask("POST", "session",
                          "{\"user\":\"wall\",\"password\":\"" PASSWORD
                          "\",\"for\":\"365d\"}"),
                      200);
    ck_assert_int_eq(answer.max_age_s, 365 * DAY_MS / 1000);
    says("\"expires_at\":\"2027-01-01T00:00:00.000Z\"");
}
END_TEST

START_TEST(guessing_is_answered_with_the_time_to_wait)
{
    static const char wrong[] = "{\"user\":\"li\",\"password\":\"guess guess\"}";
    static const char right[] = "{\"user\":\"li\",\"password\":\"" PASSWORD "\"}";
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        ck_assert_uint_eq(ask("POST", "session", wrong), 401);
    }
    ck_assert_uint_eq(ask("POST", "session", wrong), 429);
    ck_assert_int_eq(answer.retry_after_s, 10);
    says("in 10 s");
    /* Even the right one is not looked at. */
    mono_ms += 9999;
    ck_assert_uint_eq(ask("POST", "session", right), 429);
    ck_assert_int_eq(answer.retry_after_s, 1);
    mono_ms += 1;
    ck_assert_uint_eq(ask("POST", "session", right), 200);
    /* A minute has one event of it, which does not say what was tried. */
    people_world_query(&p,
                       "SELECT group_concat(json) FROM events WHERE name ="
                       " 'user.refused'",
                       "{\"t\":\"2026-01-01T00:00:00.000Z\",\"event\":\"user.refused\","
                       "\"user\":\"li\",\"remote\":\"192.0.2.7\"}");
}
END_TEST

START_TEST(a_password_in_the_wrong_field_is_not_written_down)
{
    ck_assert_uint_eq(
        ask("POST", "session", "{\"user\":\"" PASSWORD "\",\"password\":\"li\"}"), 401);
    people_world_query(&p, "SELECT json FROM events WHERE name = 'user.refused'",
                       "{\"t\":\"2026-01-01T00:00:00.000Z\",\"event\":\"user.refused\","
                       "\"remote\":\"192.0.2.7\"}");
}
END_TEST

START_TEST(a_hash_of_another_cost_is_renewed)
{
    char hash[crypto_pwhash_STRBYTES];
    char sql[300];
    ck_assert_int_eq(crypto_pwhash_str(hash, PASSWORD, strlen(PASSWORD), 1, 8u << 20),
                     0);
    snprintf(sql, sizeof sql, "UPDATE users SET password = '%s' WHERE id = 'li'", hash);
    scratch_exec(p.dir, "state.db", sql);
    log_in("li");
    people_world_query(&p, "SELECT substr(password, 1, 31) FROM users WHERE id = 'li'",
                       "$argon2id$v=19$m=19456,t=2,p=1$");
    log_in("li");
}
END_TEST

/* Each path as nobody, as a technician, as his token, and as an administrator. */
static const struct {
    const char *method, *path, *body;
    unsigned nobody, technician, token, administrator;
} rights[] = {
    {"GET", "users", "", 401, 403, 403, 200},
    {"POST", "users",
     "{\"id\":\"wang\",\"role\":\"viewer\",\"password\":\"long enough\"}", 401, 403,
     403, 200},
    {"PATCH", "users/li", "{\"role\":\"administrator\"}", 401, 403, 403, 200},
    {"PATCH", "users/li", "{\"language\":\"zh-CN\"}", 401, 200, 403, 200},
    {"PATCH", "users/li", "{\"language\":\"zh-CN\",\"role\":\"viewer\"}", 401, 403, 403,
     200},
    {"PATCH", "users/zhang", "{\"language\":\"zh-CN\"}", 401, 403, 403, 200},
    {"DELETE", "users/li", "", 401, 403, 403, 200},
    {"POST", "users/zhang/password", "{\"password\":\"long enough\"}", 401, 403, 403,
     400},
    {"POST", "users/li/password", "{\"password\":\"long enough\"}", 401, 400, 403, 200},
    {"POST", "users/li/password",
     "{\"password\":\"long enough\",\"old\":\"" PASSWORD "\"}", 401, 200, 403, 200},
    {"POST", "users/li/password",
     "{\"password\":\"long enough\",\"old\":\"wrong wrong\"}", 401, 403, 403, 200},
    {"GET", "tokens", "", 401, 200, 200, 200},
    {"POST", "tokens", "{\"name\":\"x\"}", 401, 200, 403, 200},
    {"POST", "tokens", "{\"name\":\"x\",\"user\":\"li\"}", 401, 200, 403, 200},
    {"POST", "tokens", "{\"name\":\"x\",\"user\":\"zhang\"}", 401, 403, 403, 200},
    {"DELETE", "tokens/1", "", 401, 404, 403, 200},
    {"DELETE", "tokens/2", "", 401, 200, 403, 200},
    {"DELETE", "tokens/9", "", 401, 404, 403, 404},
    {"DELETE", "session", "", 200, 200, 200, 200},
};

/* Before each: token 1 is zhang's, token 2 is li's. */
START_TEST(rights_of_each_role)
{
    char secret[SECRETS_TEXT_BYTES];
    const char *method = rights[_i / 4].method;
    const char *path = rights[_i / 4].path;
    unsigned want = 0;
    ck_assert_int_eq(people_world_token(&p, "zhang", ROLE_NONE, 0, secret, NULL), 0);
    ck_assert_int_eq(people_world_token(&p, "li", ROLE_NONE, 0, secret, NULL), 0);
    switch (_i % 4) {
    case 0:
        want = rights[_i / 4].nobody;
        break;
    case 1:
        log_in("li");
        want = rights[_i / 4].technician;
        break;
    case 2:
        enter_by_token("li");
        want = rights[_i / 4].token;
        break;
    default:
        log_in("zhang");
        want = rights[_i / 4].administrator;
        break;
    }
    unsigned got = ask(method, path, rights[_i / 4].body);
    ck_assert_msg(got == want, "%s %s: %u, not %u: %s", method, path, got, want,
                  strbuf_text(&body));
}
END_TEST

START_TEST(an_administrator_s_token_looks_at_users_and_changes_none)
{
    enter_by_token("zhang");
    ck_assert_uint_eq(ask("GET", "users", ""), 200);
    ck_assert_uint_eq(ask("GET", "tokens", ""), 200);
    ck_assert_uint_eq(
        ask("POST", "users",
            "{\"id\":\"wang\",\"role\":\"viewer\",\"password\":\"long enough\"}"),
        403);
    ck_assert_uint_eq(ask("PATCH", "users/li", "{\"role\":\"viewer\"}"), 403);
    ck_assert_uint_eq(ask("DELETE", "users/li", ""), 403);
    ck_assert_uint_eq(ask("DELETE", "tokens/1", ""), 403);
    ck_assert_uint_eq(ask("POST", "tokens", "{\"name\":\"x\"}"), 403);
    ck_assert_uint_eq(
        ask("POST", "users/li/password", "{\"password\":\"long enough\"}"), 403);
}
END_TEST

START_TEST(who_did_it_is_who_is_logged_in_whatever_the_body_says)
{
    log_in("zhang");
    ck_assert_uint_eq(ask("PATCH", "users/li", "{\"name\":\"Li\",\"by\":\"root\"}"),
                      200);
    people_world_query(&p, "SELECT person FROM events ORDER BY seq DESC LIMIT 1",
                       "zhang");
    caller_init_local(&who);
    ck_assert_uint_eq(ask("PATCH", "users/li", "{\"name\":\"Li M\",\"by\":\"root\"}"),
                      200);
    people_world_query(&p, "SELECT person FROM events ORDER BY seq DESC LIMIT 1",
                       "root");
}
END_TEST

START_TEST(listings_show_all_but_secrets)
{
    log_in("zhang");
    ck_assert_uint_eq(ask("POST", "tokens",
                          "{\"name\":\"grafana\",\"role\":\"viewer\",\"for\":\"90d\","
                          "\"user\":\"li\"}"),
                      200);
    says("\"token\":1,\"secret\":\"ct_");
    ck_assert_uint_eq(ask("GET", "tokens", ""), 200);
    says("[{\"number\":1,\"user\":\"li\",\"name\":\"grafana\",\"role\":\"viewer\","
         "\"created_at\":\"2026-01-01T00:00:00.000Z\","
         "\"expires_at\":\"2026-04-01T00:00:00.000Z\",\"expired\":false,"
         "\"used_at\":null}]");
    ck_assert_uint_eq(ask_for("GET", "tokens", "zhang", ""), 200);
    ck_assert_str_eq(strbuf_text(&body), "[]");
    ck_assert_uint_eq(ask("GET", "users", ""), 200);
    says("{\"id\":\"li\",\"name\":\"li\",\"role\":\"technician\",\"language\":null,"
         "\"disabled\":false,\"created_at\":\"2026-01-01T00:00:00.000Z\","
         "\"seen_at\":null,\"sessions\":0,\"tokens\":1}");
    says("\"id\":\"zhang\"");
    is_silent_of("argon");
    is_silent_of("password");
    log_in("li");
    ck_assert_uint_eq(ask_for("GET", "tokens", "zhang", ""), 403);
    p.now_ms += 91 * DAY_MS;
    ck_assert_uint_eq(ask("GET", "tokens", ""), 200);
    says("\"expired\":true");
}
END_TEST

START_TEST(ones_own_password_ends_ones_session_and_is_slowed_down)
{
    log_in("li");
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        ck_assert_uint_eq(ask("POST", "users/li/password",
                              "{\"password\":\"long enough\",\"old\":\"wrong wrong\"}"),
                          403);
    }
    ck_assert_uint_eq(ask("POST", "users/li/password",
                          "{\"password\":\"long enough\",\"old\":\"" PASSWORD "\"}"),
                      429);
    ck_assert_int_eq(answer.retry_after_s, 10);
    mono_ms += 10000;
    ck_assert_uint_eq(ask("POST", "users/li/password",
                          "{\"password\":\"long enough\",\"old\":\"" PASSWORD "\"}"),
                      200);
    ck_assert_int_eq(answer.cookie, COOKIE_CLEAR);
    people_world_query(&p, "SELECT count(*) FROM sessions", "0");
    ck_assert_uint_eq(
        ask("POST", "session", "{\"user\":\"li\",\"password\":\"long enough\"}"), 200);
}
END_TEST

static const struct {
    const char *method, *path, *body;
    unsigned status;
    const char *words;
} wrong[] = {
    {"PUT", "users", "", 405, "another method"},
    {"POST", "users/li", "", 405, "another method"},
    {"GET", "users/li/password", "", 405, "another method"},
    {"GET", "tokens/1", "", 405, "another method"},
    {"PATCH", "users/li/secrets", "", 404, "no such user"},
    {"DELETE", "tokens/x", "", 404, "has a number"},
    {"DELETE", "tokens/1x", "", 404, "has a number"},
    {"DELETE", "tokens/99999999999999999999", "", 404, "no token"},
    {"POST", "users", "[]", 400, "must be a JSON object"},
    {"POST", "users", "{", 400, "must be a JSON object"},
    {"POST", "users", "{\"role\":\"viewer\"}", 400, "must say which user"},
    {"POST", "users", "{\"id\":\"wang\",\"role\":\"viewer\"}", 400, "needs a password"},
    {"POST", "users",
     "{\"id\":\"wang\",\"role\":\"king\",\"password\":\"long enough\"}", 400,
     "must be viewer, technician"},
    {"POST", "users", "{\"id\":\"wang\",\"role\":\"viewer\",\"password\":\"short\"}",
     400, "8 to 128 bytes"},
    {"POST", "users",
     "{\"id\":\"li\",\"role\":\"viewer\",\"password\":\"long enough\"}", 409,
     "already"},
    {"PATCH", "users/li", "{\"disabled\":\"yes\"}", 400, "true or false"},
    {"PATCH", "users/li", "{\"role\":5}", 400, "must be a string"},
    {"PATCH", "users/wang", "{\"name\":\"x\"}", 404, "no user"},
    {"PATCH", "users/zhang", "{\"role\":\"viewer\"}", 409, "last administrator"},
    {"DELETE", "users/zhang", "", 409, "last administrator"},
    {"POST", "tokens", "{}", 400, "needs a name"},
    {"POST", "tokens", "{\"name\":\"x\",\"for\":\"soon\"}", 400, "must be a duration"},
    {"POST", "tokens", "{\"name\":\"x\",\"for\":\"1s\"}", 400, "must be a duration"},
};

START_TEST(what_is_wrong_is_said)
{
    log_in("zhang");
    unsigned got = ask(wrong[_i].method, wrong[_i].path, wrong[_i].body);
    ck_assert_msg(got == wrong[_i].status, "%s %s: %u: %s", wrong[_i].method,
                  wrong[_i].path, got, strbuf_text(&body));
    says(wrong[_i].words);
}
END_TEST

START_TEST(other_paths_are_not_ours)
{
    static const char *const others[] = {"/api/v1/status",    "/api/v1/sessions",
                                         "/api/v1/users/",    "/api/v1/tokens/",
                                         "/api/v1/session/x", "/api/v1"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        ck_assert_msg(!people_is_path(others[i]), "%s", others[i]);
    }
}
END_TEST

int
main(void)
{
    people_world_hash(p.password);
    Suite *suite = suite_create("api people");
    TCase *tc = tcase_create("api people");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, who_am_i);
    tcase_add_test(tc, who_goes_away_from_a_full_disk_takes_his_cookie_along);
    tcase_add_test(tc, what_a_session_remembers);
    tcase_add_loop_test(tc, logging_in, 0, (int)ARRAY_LEN(log_ins));
    tcase_add_test(tc, who_is_disabled_is_not_told_apart);
    tcase_add_test(tc, a_wall_asks_for_a_year);
    tcase_add_test(tc, guessing_is_answered_with_the_time_to_wait);
    tcase_add_test(tc, a_password_in_the_wrong_field_is_not_written_down);
    tcase_add_test(tc, a_hash_of_another_cost_is_renewed);
    tcase_add_loop_test(tc, rights_of_each_role, 0, 4 * (int)ARRAY_LEN(rights));
    tcase_add_test(tc, an_administrator_s_token_looks_at_users_and_changes_none);
    tcase_add_test(tc, who_did_it_is_who_is_logged_in_whatever_the_body_says);
    tcase_add_test(tc, listings_show_all_but_secrets);
    tcase_add_test(tc, ones_own_password_ends_ones_session_and_is_slowed_down);
    tcase_add_loop_test(tc, what_is_wrong_is_said, 0, (int)ARRAY_LEN(wrong));
    tcase_add_test(tc, other_paths_are_not_ours);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
