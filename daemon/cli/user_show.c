/* What `caretaker user` shows: users and their tokens. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/cli/user_inside.h"

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

int
user_run_list(struct user_given *g)
{
    static const struct cli_column columns[] = {
        {"id", "USER", CLI_SHOW_TEXT},      {"name", "NAME", CLI_SHOW_TEXT},
        {"role", "ROLE", CLI_SHOW_ROLE},    {"state", "STATE", CLI_SHOW_SAID},
        {"seen_at", "SEEN", CLI_SHOW_TIME}, {"tokens", "TOKENS", CLI_SHOW_TEXT}};
    struct strbuf users = {0};
    int status = user_fetch(g, "/api/v1/users", &users);
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
fetch_tokens(const struct user_given *g, const char *user, struct strbuf *out)
{
    struct strbuf path = {0};
    strbuf_add(&path, "/api/v1/tokens");
    cli_query(&path, "user", user);
    int status = user_fetch(g, strbuf_text(&path), out);
    strbuf_fini(&path);
    return status;
}

int
user_run_token_list(struct user_given *g)
{
    struct strbuf tokens = {0};
    int status = fetch_tokens(g, user_word(g, 0), &tokens);
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
show(const struct user_given *g, json_t *user, json_t *tokens)
{
    if (user == NULL) {
        fprintf(stderr, tr("caretaker: there is no user \"%.64s\"\n"), user_word(g, 0));
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

int
user_run_show(struct user_given *g)
{
    struct strbuf users = {0};
    struct strbuf tokens = {0};
    int status = user_fetch(g, "/api/v1/users", &users);
    if (status == CLI_OK) {
        status = fetch_tokens(g, user_word(g, 0), &tokens);
    }
    if (status == CLI_OK) {
        json_t *rows = json_loads(strbuf_text(&users), 0, NULL);
        json_t *of_user = json_loads(strbuf_text(&tokens), 0, NULL);
        status = show(g, find_user(rows, user_word(g, 0)), of_user);
        json_decref(rows);
        json_decref(of_user);
    }
    strbuf_fini(&users);
    strbuf_fini(&tokens);
    return status;
}
