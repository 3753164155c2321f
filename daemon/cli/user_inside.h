/* The parts of `caretaker user`, for its own files only (user*.c). */
#ifndef CARETAKER_CLI_USER_INSIDE_H
#define CARETAKER_CLI_USER_INSIDE_H

#include "daemon/base/strbuf.h"
#include "daemon/cli/cli.h"

/* What was given beside the words of the action. */
struct user_given {
    const char *site_file, *by, *name, *role, *speaks, *how_long;
    bool disable, enable, password_stdin, json;
    struct cli_list words;
    uint32_t at; /* Of the words, behind those of the action. */
    struct site *site;
    const struct cli_command *help;
};

/* ---- user_ask.c ---- */

/* Word `index` behind those of the action; NULL: there is none. */
const char *user_word(const struct user_given *g, uint32_t index);
/* Asks the daemon; an exit status, whose reason was said. */
int user_fetch(const struct user_given *g, const char *path, struct strbuf *answer);
/* Begins the body of a command. */
void user_begin(struct strbuf *body, const struct user_given *g, const char *command);
/* Ends the body and sends it; `answer` may be NULL: `said` is printed then, or the
 * daemon's answer by --json.  The body is wiped: it may hold a password. */
int user_send(const struct user_given *g,
              struct strbuf *body,
              const char *said,
              struct strbuf *answer);

/* ---- user_do.c and user_show.c: the actions; each returns an exit status. ---- */

int user_run_add(struct user_given *g);
int user_run_change(struct user_given *g);
int user_run_password(struct user_given *g);
int user_run_remove(struct user_given *g);
int user_run_token_add(struct user_given *g);
int user_run_token_revoke(struct user_given *g);
int user_run_list(struct user_given *g);
int user_run_show(struct user_given *g);
int user_run_token_list(struct user_given *g);

#endif
