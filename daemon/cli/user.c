/* caretaker user ACTION: who may log in, and their tokens. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/password.h"
#include "daemon/model/user.h"
#include "daemon/store/secrets.h"

#define BODY_BYTES 2048 /* A command with a password is shorter. */

/* What may be given beside the words, as bits of an action's `takes`. */
enum takes {
    TAKES_BY = 1 << 0,
    TAKES_NAME = 1 << 1,
    TAKES_ROLE = 1 << 2,
    TAKES_SPEAKS = 1 << 3,
    TAKES_PASSWORD = 1 << 4,
    TAKES_ABLE = 1 << 5, /* --disable, --enable */
    TAKES_FOR = 1 << 6
};

struct given {
    const char *site_file, *by, *name, *role, *speaks, *how_long;
    bool disable, enable, password_stdin, json;
    struct cli_list words;
    uint32_t at; /* Of the words, behind those of the action. */
    struct site *site;
    const struct cli_command *help;
};

struct user_action {
    const char *word;
    const char *second; /* Of `user token`; NULL for others. */
    unsigned takes;
    uint32_t least, most; /* Words behind it. */
    int (*run)(struct given *g);
    struct cli_command help; /* Its run is never called. */
};

/* ---- Asking the daemon ---- */

/* Users live in the daemon alone, so that what is said of them is in its journal. */
static int
say_failed(const struct err *err)
{
    int status = cli_fail(err);
    if (status == CLI_OUTSIDE) {
        fputs(tr("Users are kept by the daemon, which must run: `caretaker run`, or "
                 "`systemctl start caretaker`.\n"),
              stderr);
    }
    return status;
}

static int
fetch(const struct given *g, const char *path, struct strbuf *answer)
{
    struct err err = {0};
    return cli_ask(g->site->data_dir, "GET", path, NULL, answer, &err) != 0
               ? say_failed(&err)
               : CLI_OK;
}

static void
begin(struct strbuf *body, const struct given *g, const char *command)
{
    strbuf_reserve(body, BODY_BYTES); /* What grows leaves pieces of itself behind. */
    strbuf_add_char(body, '{');
    strbuf_json_str(body, "cmd", command);
    strbuf_json_str(body, "by", g->by != NULL ? g->by : cli_login());
}

/* Ends the body and sends it; `answer` may be NULL: `said` is printed then, or the
 * daemon's answer by --json.  The body is wiped: it may hold a password. */
static int
send(const struct given *g,
     struct strbuf *body,
     const char *said,
     struct strbuf *answer)
{
    struct err err = {0};
    struct strbuf own = {0};
    struct strbuf *into = answer != NULL ? answer : &own;
    strbuf_add_char(body, '}');
    int code = cli_ask(g->site->data_dir, "POST", "/api/v1/commands", strbuf_text(body),
                       into, &err);
    strbuf_wipe(body);
    int status = code != 0 ? say_failed(&err) : CLI_OK;
    if (status == CLI_OK && answer == NULL) {
        puts(g->json ? strbuf_text(&own) : tr(said));
    }
    strbuf_fini(&own);
    return status;
}

static const char *
word(const struct given *g, uint32_t index)
{
    return g->at + index < g->words.count ? g->words.items[g->at + index] : NULL;
}

static int
check_role(const struct given *g)
{
    enum role role;
    return g->role == NULL || role_parse(&role, g->role)
               ? CLI_OK
               : cli_usage_error(g->help, "\"%s\" is no role; accepted: %s", g->role,
                                 tr(ROLES_ACCEPTED));
}

/* ---- Users ---- */

/* Said before anybody types a password. */
static int
check_first(const struct given *g)
{
    struct strbuf users = {0};
    int status = fetch(g, "/api/v1/users", &users);
    if (status == CLI_OK && strcmp(strbuf_text(&users), "[]") == 0 &&
        strcmp(g->role, role_name(ROLE_ADMINISTRATOR)) != 0) {
        fputs(
            tr("caretaker: the first user must be an administrator: nobody else could "
               "let others in; --role administrator\n"),
            stderr);
        status = CLI_NO;
    }
    strbuf_fini(&users);
    return status;
}

static int
add_password(const struct given *g, struct strbuf *body)
{
    char password[PASSWORD_TEXT_BYTES] = "";
    char prompt[160];
    struct err err = {0};
    snprintf(prompt, sizeof prompt, tr("Password of %.64s (not shown): "), word(g, 0));
    int code = password_read(password, prompt, g->password_stdin, &err);
    if (code == 0) {
        strbuf_json_str(body, "password", password);
    }
    secrets_wipe(password, sizeof password);
    return code != 0 ? cli_fail(&err) : CLI_OK;
}

static int
with_password(const struct given *g, struct strbuf *body, const char *said)
{
    int status = add_password(g, body);
    if (status != CLI_OK) {
        strbuf_fini(body);
        return status;
    }
    return send(g, body, said, NULL);
}

static int
run_add(struct given *g)
{
    struct strbuf body = {0};
    if (g->role == NULL) {
        return cli_usage_error(g->help,
                               "which role? --role viewer, technician, engineer "
                               "or administrator");
    }
    int status = check_first(g);
    if (status != CLI_OK) {
        return status;
    }
    begin(&body, g, "user.add");
    strbuf_json_str(&body, "user", word(g, 0));
    strbuf_json_str(&body, "role", g->role);
    strbuf_json_str_opt(&body, "name", g->name);
    strbuf_json_str_opt(&body, "language", g->speaks);
    return with_password(g, &body, N_("added"));
}

static int
run_change(struct given *g)
{
    struct strbuf body = {0};
    if (g->disable && g->enable) {
        return cli_usage_error(g->help, "--disable or --enable: one of the two");
    }
    begin(&body, g, "user.change");
    strbuf_json_str(&body, "user", word(g, 0));
    strbuf_json_str_opt(&body, "name", g->name);
    strbuf_json_str_opt(&body, "role", g->role);
    strbuf_json_str_opt(&body, "language", g->speaks);
    if (g->disable || g->enable) {
        strbuf_json_bool(&body, "disabled", g->disable);
    }
    return send(g, &body, N_("changed"), NULL);
}

static int
run_password(struct given *g)
{
    struct strbuf body = {0};
    struct strbuf session = {0};
    int status = fetch(g, "/api/v1/session", &session); /* Is it there at all? */
    strbuf_fini(&session);
    if (status != CLI_OK) {
        return status;
    }
    begin(&body, g, "user.password");
    strbuf_json_str(&body, "user", word(g, 0));
    return with_password(g, &body,
                         N_("changed; whoever was logged in as this user is "
                            "not any more"));
}

static int
run_remove(struct given *g)
{
    struct strbuf body = {0};
    begin(&body, g, "user.remove");
    strbuf_json_str(&body, "user", word(g, 0));
    return send(g, &body, N_("removed, with all sessions and tokens"), NULL);
}

static void
add_state(json_t *user)
{
    bool disabled = json_is_true(json_object_get(user, "disabled"));
    json_object_set_new(user, "state",
                        json_string(disabled ? N_("disabled") : N_("active")));
}

static int
print_array(json_t *rows,
            const struct cli_column *columns,
            size_t count,
            const char *empty)
{
    char *text = json_dumps(rows, 0);
    int status =
        cli_print_listing(text != NULL ? text : "", false, columns, count, empty);
    free(text);
    return status;
}

static int
run_list(struct given *g)
{
    static const struct cli_column columns[] = {
        {"id", "USER", CLI_SHOW_TEXT},      {"name", "NAME", CLI_SHOW_TEXT},
        {"role", "ROLE", CLI_SHOW_ROLE},    {"state", "STATE", CLI_SHOW_SAID},
        {"seen_at", "SEEN", CLI_SHOW_TIME}, {"tokens", "TOKENS", CLI_SHOW_TEXT}};
    struct strbuf users = {0};
    int status = fetch(g, "/api/v1/users", &users);
    if (status == CLI_OK && g->json) {
        puts(strbuf_text(&users));
    } else if (status == CLI_OK) {
        json_t *rows = json_loads(strbuf_text(&users), 0, NULL);
        size_t i = 0;
        json_t *user = NULL;
        json_array_foreach(rows, i, user)
        {
            add_state(user);
        }
        status = print_array(rows, columns, ARRAY_LEN(columns),
                             N_("no users: the page only shows, and nobody logs in"));
        json_decref(rows);
    }
    strbuf_fini(&users);
    return status;
}

/* ---- Tokens ---- */

static int
print_tokens(json_t *tokens)
{
    static const struct cli_column columns[] = {
        {"number", "TOKEN", CLI_SHOW_TEXT},     {"user", "USER", CLI_SHOW_TEXT},
        {"name", "NAME", CLI_SHOW_TEXT},        {"role", "ROLE", CLI_SHOW_ROLE},
        {"expires_at", "UNTIL", CLI_SHOW_TIME}, {"used_at", "USED", CLI_SHOW_TIME}};
    return print_array(tokens, columns, ARRAY_LEN(columns), N_("no tokens"));
}

static int
fetch_tokens(const struct given *g, const char *user, struct strbuf *out)
{
    struct strbuf path = {0};
    strbuf_add(&path, "/api/v1/tokens");
    cli_query(&path, "user", user);
    int status = fetch(g, strbuf_text(&path), out);
    strbuf_fini(&path);
    return status;
}

static int
run_token_list(struct given *g)
{
    struct strbuf tokens = {0};
    int status = fetch_tokens(g, word(g, 0), &tokens);
    if (status == CLI_OK && g->json) {
        puts(strbuf_text(&tokens));
    } else if (status == CLI_OK) {
        json_t *rows = json_loads(strbuf_text(&tokens), 0, NULL);
        status = print_tokens(rows);
        json_decref(rows);
    }
    strbuf_fini(&tokens);
    return status;
}

static int
run_token_add(struct given *g)
{
    struct strbuf body = {0};
    struct strbuf answer = {0};
    begin(&body, g, "token.add");
    strbuf_json_str(&body, "user", word(g, 0));
    strbuf_json_str(&body, "name", word(g, 1));
    strbuf_json_str_opt(&body, "role", g->role);
    strbuf_json_str_opt(&body, "for", g->how_long);
    int status = send(g, &body, "", &answer);
    if (status == CLI_OK && g->json) {
        puts(strbuf_text(&answer));
    } else if (status == CLI_OK) {
        json_t *root = json_loads(strbuf_text(&answer), 0, NULL);
        const char *secret = json_string_value(json_object_get(root, "secret"));
        puts(secret != NULL ? secret : "");
        fprintf(
            stderr,
            tr("token %lld: it is shown this once; send it as `Authorization: Bearer "
               "...`\n"),
            (long long)json_integer_value(json_object_get(root, "token")));
        json_decref(root);
    }
    strbuf_fini(&answer);
    return status;
}

static int
run_token_revoke(struct given *g)
{
    struct strbuf body = {0};
    char *end = NULL;
    long long number = strtoll(word(g, 0), &end, 10);
    if (*end != '\0' || number < 1) {
        return cli_usage_error(g->help, "\"%s\" is no token's number", word(g, 0));
    }
    begin(&body, g, "token.revoke");
    strbuf_json_int(&body, "token", number);
    return send(g, &body, N_("revoked"), NULL);
}

/* ---- One user ---- */

static void
print_fact(const char *label, const char *value)
{
    cli_pad(label, 10);
    puts(value != NULL && value[0] != '\0' ? value : "-");
}

static int
print_user(json_t *user, json_t *tokens)
{
    static const struct cli_column columns[] = {
        {"id", "USER", CLI_SHOW_TEXT},      {"role", "ROLE", CLI_SHOW_ROLE},
        {"state", "STATE", CLI_SHOW_SAID},  {"created_at", "SINCE", CLI_SHOW_TIME},
        {"seen_at", "SEEN", CLI_SHOW_TIME}, {"sessions", "SESSIONS", CLI_SHOW_TEXT}};
    json_t *rows = json_array();
    add_state(user);
    json_array_append(rows, user);
    print_fact(tr("Name"), json_string_value(json_object_get(user, "name")));
    print_fact(tr("Language"), json_string_value(json_object_get(user, "language")));
    putchar('\n');
    int status = print_array(rows, columns, ARRAY_LEN(columns), "");
    putchar('\n');
    json_decref(rows);
    return status == CLI_OK ? print_tokens(tokens) : status;
}

static json_t *
find_user(json_t *users, const char *id)
{
    size_t i = 0;
    json_t *user = NULL;
    json_array_foreach(users, i, user)
    {
        const char *text = json_string_value(json_object_get(user, "id"));
        if (text != NULL && strcmp(text, id) == 0) {
            return user;
        }
    }
    return NULL;
}

static int
show(const struct given *g, json_t *user, json_t *tokens)
{
    if (user == NULL) {
        fprintf(stderr, tr("caretaker: there is no user \"%.64s\"\n"), word(g, 0));
        return CLI_NO;
    }
    if (!g->json) {
        return print_user(user, tokens);
    }
    json_object_set(user, "tokens", tokens);
    char *text = json_dumps(user, 0);
    puts(text != NULL ? text : "");
    free(text);
    return CLI_OK;
}

static int
run_show(struct given *g)
{
    struct strbuf users = {0};
    struct strbuf tokens = {0};
    int status = fetch(g, "/api/v1/users", &users);
    if (status == CLI_OK) {
        status = fetch_tokens(g, word(g, 0), &tokens);
    }
    if (status == CLI_OK) {
        json_t *rows = json_loads(strbuf_text(&users), 0, NULL);
        json_t *of_user = json_loads(strbuf_text(&tokens), 0, NULL);
        status = show(g, find_user(rows, word(g, 0)), of_user);
        json_decref(rows);
        json_decref(of_user);
    }
    strbuf_fini(&users);
    strbuf_fini(&tokens);
    return status;
}

/* ---- The actions ---- */

static int
refuse_run(const struct cli_command *self, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return cli_usage_error(self, "this is a word of caretaker user");
}

#define BY "[--by WHO]"

static const struct user_action actions[] = {
    {"add",
     NULL,
     TAKES_BY | TAKES_NAME | TAKES_ROLE | TAKES_SPEAKS | TAKES_PASSWORD,
     1,
     1,
     run_add,
     {"user add", "let somebody log in",
      "ID --role ROLE [--name TEXT] [--speaks LANG] [--password-stdin] " BY,
      "ID is what he logs in with and what stands behind all he does: that of the "
      "site\n"
      "file's `people:` where he stands there.  The password is asked for twice and "
      "not\n"
      "shown; where standard input is no terminal it is its first line.  It has 8 to "
      "128\nbytes.\n\n"
      "The first user must be an administrator.\n\n"
      "  viewer         looks\n"
      "  technician     and acknowledges, shelves, works tickets\n"
      "  engineer       and takes devices out of service, plans, keeps the ledger\n"
      "  administrator  and lets others in\n\n"
      "  caretaker user add zhang --role technician --name \"Zhang Wei\"\n"
      "  pass show caretaker/wall | caretaker user add wall --role viewer\n",
      refuse_run}},
    {"list",
     NULL,
     0,
     0,
     0,
     run_list,
     {"user list", "who may log in", "[--json]",
      "With role, when they were here last, and how many tokens they have.\n",
      refuse_run}},
    {"show",
     NULL,
     0,
     1,
     1,
     run_show,
     {"user show", "one user, with the tokens", "ID [--json]",
      "Never a password or a secret: of those not even the daemon has more than a "
      "hash.\n",
      refuse_run}},
    {"change",
     NULL,
     TAKES_BY | TAKES_NAME | TAKES_ROLE | TAKES_SPEAKS | TAKES_ABLE,
     1,
     1,
     run_change,
     {"user change", "another name, role or language; out and in again",
      "ID [--name TEXT] [--role ROLE] [--speaks LANG] [--disable|--enable] " BY,
      "Who is disabled is out at once, and his tokens are revoked.  A higher role is "
      "taken\nup by logging in again.  The last administrator stays one.\n\n"
      "  caretaker user change zhang --role engineer\n"
      "  caretaker user change li --disable\n",
      refuse_run}},
    {"password",
     NULL,
     TAKES_BY | TAKES_PASSWORD,
     1,
     1,
     run_password,
     {"user password", "set another password", "ID [--password-stdin] " BY,
      "Asked for as by `user add`.  Sessions with the old one end; tokens stay.\n",
      refuse_run}},
    {"remove",
     NULL,
     TAKES_BY,
     1,
     1,
     run_remove,
     {"user remove", "for good, with all sessions and tokens", "ID " BY,
      "What he did stays in the journal.  The last administrator cannot be removed.\n",
      refuse_run}},
    {"token",
     "add",
     TAKES_BY | TAKES_ROLE | TAKES_FOR,
     2,
     2,
     run_token_add,
     {"user token add", "let a program in",
      "ID NAME [--role ROLE] [--for DURATION] [--json] " BY,
      "The token is printed this once.  NAME says what it is for.  It may no more than "
      "its\nuser does, and no more than --role says.\n\n"
      "  caretaker user token add zhang grafana --role viewer --for 365d\n",
      refuse_run}},
    {"token",
     "list",
     0,
     0,
     1,
     run_token_list,
     {"user token list", "tokens, and when they were used last", "[ID] [--json]",
      "Of one user, or of all.\n", refuse_run}},
    {"token",
     "revoke",
     TAKES_BY,
     1,
     1,
     run_token_revoke,
     {"user token revoke", "a token is taken back", "NUMBER " BY,
      "The next request with it is refused.\n", refuse_run}},
};

/* An option, and whose it is: 0 is everybody's. */
struct choice {
    unsigned takes;
    struct cli_option option;
};
#define CHOICES_MAX 10

static void
fill_choices(struct choice *out, struct given *g)
{
    const struct choice choices[CHOICES_MAX] = {
        {0,
         {"site", 'c', CLI_TEXT, &g->site_file, "SITE",
          "site file [" CLI_SITE_DEFAULT "]"}},
        {TAKES_BY,
         {"by", 'b', CLI_TEXT, &g->by, "WHO", "who does it [the login name]"}},
        {TAKES_NAME, {"name", 0, CLI_TEXT, &g->name, "TEXT", "the full name [ID]"}},
        {TAKES_ROLE,
         {"role", 'r', CLI_TEXT, &g->role, "ROLE",
          "viewer, technician, engineer or administrator"}},
        {TAKES_SPEAKS,
         {"speaks", 0, CLI_TEXT, &g->speaks, "LANG",
          "en or zh-CN: the page's language"}},
        {TAKES_PASSWORD,
         {"password-stdin", 0, CLI_FLAG, &g->password_stdin, NULL,
          "the password is the first line of standard input"}},
        {TAKES_ABLE, {"disable", 0, CLI_FLAG, &g->disable, NULL, "may not log in"}},
        {TAKES_ABLE, {"enable", 0, CLI_FLAG, &g->enable, NULL, "may again"}},
        {TAKES_FOR,
         {"for", 'f', CLI_TEXT, &g->how_long, "DURATION",
          "how long it holds, e.g. 90d [until it is revoked]"}},
        {0, {"json", 'j', CLI_FLAG, &g->json, NULL, "JSON"}},
    };
    memcpy(out, choices, sizeof choices);
}

/* Words that are no options' values: the first two say which action.  NULL: none. */
static const struct user_action *
find_action(int argc, char **argv)
{
    static const char *const flags[] = {
        "-j", "--json", "-h", "--help", "--disable", "--enable", "--password-stdin"};
    const char *words[2] = {NULL, NULL};
    size_t count = 0;
    bool value = false;
    for (int i = 1; i < argc && count < ARRAY_LEN(words); i++) {
        bool option = argv[i][0] == '-';
        if (!value && !option) {
            words[count++] = argv[i];
        }
        value = !value && option && strchr(argv[i], '=') == NULL;
        for (size_t k = 0; value && k < ARRAY_LEN(flags); k++) {
            value = strcmp(argv[i], flags[k]) != 0;
        }
    }
    for (size_t i = 0; count > 0 && i < ARRAY_LEN(actions); i++) {
        const struct user_action *a = &actions[i];
        if (strcmp(words[0], a->word) == 0 &&
            (a->second == NULL || (count == 2 && strcmp(words[1], a->second) == 0))) {
            return a;
        }
    }
    return NULL;
}

static int
run_action(const struct user_action *action, int argc, char **argv)
{
    struct given g = {.site_file = CLI_SITE_DEFAULT, .help = &action->help};
    struct choice choices[CHOICES_MAX];
    struct cli_option options[CHOICES_MAX];
    size_t count = 0;
    bool done = false;
    fill_choices(choices, &g);
    for (size_t i = 0; i < CHOICES_MAX; i++) {
        if (choices[i].takes == 0 || (choices[i].takes & action->takes) != 0) {
            options[count++] = choices[i].option;
        }
    }
    int status = cli_parse(g.help, options, count, argc, argv, &g.words, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    g.at = action->second != NULL ? 2 : 1;
    uint32_t behind = g.words.count - g.at;
    if (behind < action->least) {
        return cli_usage_error(g.help, "something is missing");
    }
    if (behind > action->most) {
        return cli_usage_error(g.help, "\"%s\" is not expected here",
                               g.words.items[g.at + action->most]);
    }
    status = check_role(&g);
    if (status != CLI_OK) {
        return status;
    }
    g.site = cli_site(g.site_file);
    if (g.site == NULL) {
        return CLI_CONFIG;
    }
    status = action->run(&g);
    site_free(g.site);
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    const struct user_action *action = find_action(argc, argv);
    if (action != NULL) {
        return run_action(action, argc, argv);
    }
    struct given g = {0};
    struct choice choices[CHOICES_MAX];
    struct cli_option options[CHOICES_MAX];
    fill_choices(choices, &g);
    for (size_t i = 0; i < CHOICES_MAX; i++) {
        options[i] = choices[i].option;
    }
    bool done = false;
    int status = cli_parse(self, options, CHOICES_MAX, argc, argv, &g.words, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    return cli_usage_error(self,
                           "say what: add list show change password remove, token "
                           "add, token list, token revoke");
}

const struct cli_command cli_user = {
    "user", "who may log in, and the tokens of programs",
    "ACTION [ID] [-c SITE] [--by WHO] [--json]",
    "Actions; `caretaker user ACTION --help` says more of each, with examples:\n"
    "  add ID --role ROLE    let somebody log in; the first one as administrator\n"
    "  list                  who may, and who was here when\n"
    "  show ID               one, with the tokens\n"
    "  change ID             another name, role or language; --disable, --enable\n"
    "  password ID           set another password\n"
    "  remove ID             for good, with all sessions and tokens\n"
    "  token add ID NAME     let a program in; the token is printed once\n"
    "  token list [ID]       tokens, and when they were used last\n"
    "  token revoke NUMBER   a token is taken back\n\n"
    "Asks the daemon, which must run.  Each change is in the journal, with who made "
    "it;\n"
    "passwords and tokens are not.\n",
    run};
