/* What `caretaker user` says to the daemon. */
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/cli/user_inside.h"

#define BODY_BYTES 2048 /* A command with a password is shorter. */

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

int
user_fetch(const struct user_given *g, const char *path, struct strbuf *answer)
{
    struct err err = {0};
    return cli_ask(g->site->data_dir, "GET", path, NULL, answer, &err) != 0
               ? say_failed(&err)
               : CLI_OK;
}

void
user_begin(struct strbuf *body, const struct user_given *g, const char *command)
{
    strbuf_reserve(body, BODY_BYTES); /* What grows leaves pieces of itself behind. */
    strbuf_add_char(body, '{');
    strbuf_json_str(body, "cmd", command);
    strbuf_json_str(body, "by", g->by != NULL ? g->by : cli_login());
}

int
user_send(const struct user_given *g,
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

const char *
user_word(const struct user_given *g, uint32_t index)
{
    return g->at + index < g->words.count ? g->words.items[g->at + index] : NULL;
}
