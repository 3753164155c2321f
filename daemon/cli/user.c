/* caretaker user ACTION: who may log in, and their tokens. */
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/cli/user_inside.h"
#include "daemon/model/user.h"

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

struct user_action {
    const char *word;
    const char *second; /* Of `user token`; NULL for others. */
    unsigned takes;
    uint32_t least, most; /* Words behind it. */
    int (*run)(struct user_given *g);
    struct cli_command help; /* Its run is never called. */
};

static int
check_role(const struct user_given *g)
{
    enum role role;
    return g->role == NULL || role_parse(&role, g->role)
               ? CLI_OK
               : cli_usage_error(g->help, "\"%s\" is no role; accepted: %s", g->role,
                                 tr(ROLES_ACCEPTED));
}

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
     user_run_add,
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
     user_run_list,
     {"user list", "who may log in", "[--json]",
      "With role, when they were here last, and how many tokens they have.\n",
      refuse_run}},
    {"show",
     NULL,
     0,
     1,
     1,
     user_run_show,
     {"user show", "one user, with the tokens", "ID [--json]",
      "Never a password or a secret: of those not even the daemon has more than a "
      "hash.\n",
      refuse_run}},
    {"change",
     NULL,
     TAKES_BY | TAKES_NAME | TAKES_ROLE | TAKES_SPEAKS | TAKES_ABLE,
     1,
     1,
     user_run_change,
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
     user_run_password,
     {"user password", "set another password", "ID [--password-stdin] " BY,
      "Asked for as by `user add`.  Sessions with the old one end; tokens stay.\n",
      refuse_run}},
    {"remove",
     NULL,
     TAKES_BY,
     1,
     1,
     user_run_remove,
     {"user remove", "for good, with all sessions and tokens", "ID " BY,
      "What he did stays in the journal.  The last administrator cannot be removed.\n",
      refuse_run}},
    {"token",
     "add",
     TAKES_BY | TAKES_ROLE | TAKES_FOR,
     2,
     2,
     user_run_token_add,
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
     user_run_token_list,
     {"user token list", "tokens, and when they were used last", "[ID] [--json]",
      "Of one user, or of all.\n", refuse_run}},
    {"token",
     "revoke",
     TAKES_BY,
     1,
     1,
     user_run_token_revoke,
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
fill_choices(struct choice *out, struct user_given *g)
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
    struct user_given g = {.site_file = CLI_SITE_DEFAULT, .help = &action->help};
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
    struct user_given g = {0};
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
