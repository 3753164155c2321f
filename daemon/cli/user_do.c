/* What `caretaker user` changes: users, passwords and tokens. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/cli/password.h"
#include "daemon/cli/user_inside.h"
#include "daemon/model/user.h"
#include "daemon/store/secrets.h"

/* Said before anybody types a password. */
static int
check_first(const struct user_given *g)
{
    struct strbuf users = {0};
    int status = user_fetch(g, "/api/v1/users", &users);
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
add_password(const struct user_given *g, struct strbuf *body)
{
    char password[PASSWORD_TEXT_BYTES] = "";
    char prompt[160];
    struct err err = {0};
    snprintf(prompt, sizeof prompt, tr("Password of %.64s (not shown): "),
             user_word(g, 0));
    int code = password_read(password, prompt, g->password_stdin, &err);
    if (code == 0) {
        strbuf_json_str(body, "password", password);
    }
    secrets_wipe(password, sizeof password);
    return code != 0 ? cli_fail(&err) : CLI_OK;
}

static int
with_password(const struct user_given *g, struct strbuf *body, const char *said)
{
    int status = add_password(g, body);
    if (status != CLI_OK) {
        strbuf_fini(body);
        return status;
    }
    return user_send(g, body, said, NULL);
}

int
user_run_add(struct user_given *g)
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
    user_begin(&body, g, "user.add");
    strbuf_json_str(&body, "user", user_word(g, 0));
    strbuf_json_str(&body, "role", g->role);
    strbuf_json_str_opt(&body, "name", g->name);
    strbuf_json_str_opt(&body, "language", g->speaks);
    return with_password(g, &body, N_("added"));
}

int
user_run_change(struct user_given *g)
{
    struct strbuf body = {0};
    if (g->disable && g->enable) {
        return cli_usage_error(g->help, "--disable or --enable: one of the two");
    }
    user_begin(&body, g, "user.change");
    strbuf_json_str(&body, "user", user_word(g, 0));
    strbuf_json_str_opt(&body, "name", g->name);
    strbuf_json_str_opt(&body, "role", g->role);
    strbuf_json_str_opt(&body, "language", g->speaks);
    if (g->disable || g->enable) {
        strbuf_json_bool(&body, "disabled", g->disable);
    }
    return user_send(g, &body, N_("changed"), NULL);
}

int
user_run_password(struct user_given *g)
{
    struct strbuf body = {0};
    struct strbuf session = {0};
    int status = user_fetch(g, "/api/v1/session", &session); /* Is it there at all? */
    strbuf_fini(&session);
    if (status != CLI_OK) {
        return status;
    }
    user_begin(&body, g, "user.password");
    strbuf_json_str(&body, "user", user_word(g, 0));
    return with_password(g, &body,
                         N_("changed; whoever was logged in as this user is "
                            "not any more"));
}

int
user_run_remove(struct user_given *g)
{
    struct strbuf body = {0};
    user_begin(&body, g, "user.remove");
    strbuf_json_str(&body, "user", user_word(g, 0));
    return user_send(g, &body, N_("removed, with all sessions and tokens"), NULL);
}

/* ---- Tokens ---- */

int
user_run_token_add(struct user_given *g)
{
    struct strbuf body = {0};
    struct strbuf answer = {0};
    user_begin(&body, g, "token.add");
    strbuf_json_str(&body, "user", user_word(g, 0));
    strbuf_json_str(&body, "name", user_word(g, 1));
    strbuf_json_str_opt(&body, "role", g->role);
    strbuf_json_str_opt(&body, "for", g->how_long);
    int status = user_send(g, &body, "", &answer);
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

int
user_run_token_revoke(struct user_given *g)
{
    struct strbuf body = {0};
    char *end = NULL;
    long long number = strtoll(user_word(g, 0), &end, 10);
    if (*end != '\0' || number < 1) {
        return cli_usage_error(g->help, "\"%s\" is no token's number", user_word(g, 0));
    }
    user_begin(&body, g, "token.revoke");
    strbuf_json_int(&body, "token", number);
    return user_send(g, &body, N_("revoked"), NULL);
}
