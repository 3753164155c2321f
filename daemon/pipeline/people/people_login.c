/* Logging in: a password becomes a session. */
#include <stdio.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/base/utf8.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/commands/command_json.h"
#include "daemon/pipeline/people/api_people.h"

#define PASSWORD_BYTES 4096 /* What is read of one; the right ones are shorter. */

struct login {
    const char *user, *password; /* Borrowed from the body. */
    int64_t for_ms;
};

static int
login_from_json(struct login *l, json_t *root, struct err *err)
{
    const char *how_long = NULL;
    struct err why;
    *l = (struct login){.for_ms = SESSION_LIFE_MS};
    if (!json_is_object(root)) {
        return err_set(err, ERR_RANGE, "the body must be a JSON object");
    }
    if (!json_member_text(root, "user", PASSWORD_BYTES, &l->user, err) ||
        !json_member_text(root, "password", PASSWORD_BYTES, &l->password, err) ||
        !json_member_text(root, "for", ID_BYTES_MAX, &how_long, err)) {
        return ERR_RANGE;
    }
    if (l->user == NULL || l->password == NULL) {
        return err_set(err, ERR_RANGE, "\"user\" and \"password\" must say who it is");
    }
    if (how_long != NULL && (duration_parse(&l->for_ms, how_long, &why) != 0 ||
                             l->for_ms <= 0 || l->for_ms > SESSION_WALL_MS)) {
        return err_set(err, ERR_RANGE,
                       "\"for\" must be a duration of up to 365d, such as 8h");
    }
    return 0;
}

static int
too_often(int64_t wait_ms, struct err *err)
{
    return err_set(err, ERR_BUSY,
                   "too many wrong passwords; the next one is looked at in %lld s",
                   (long long)(wait_ms + 999) / 1000);
}

/* One event a minute and user, so that guessing fills no journal.  A name that is not
 * ours is not written: it may be a password in the wrong field. */
static void
tell_refused(const struct people_request *q, const char *known)
{
    struct err err;
    struct people_work w = {
        .act = PEOPLE_REFUSED, .user = known, .remote = q->remote, .peer = q->peer};
    if (login_limit_tells(q->desk->limit, known, q->mono_ms) &&
        q->desk->ask(q->desk->ctx, &w, &err) != 0) {
        log_warning("a log-in that was refused is not in the journal: %s", err.text);
    }
}

/* Whether it is his password; 0, ERR_DENIED or ERR_BUSY. */
int
people_check_password(const struct people_request *q,
                      const char *id,
                      const char *password,
                      struct user_row *out,
                      int64_t *wait_ms,
                      struct err *err)
{
    const char *remote = q->remote != NULL ? q->remote : "";
    *wait_ms = login_limit_ask(q->desk->limit, id, remote, q->mono_ms);
    if (*wait_ms > 0) {
        return too_often(*wait_ms, err);
    }
    int code = state_user_get(q->reader, id, out, err);
    if (code != 0 && code != ERR_NOT_FOUND) {
        return code;
    }
    bool known = code == 0;
    if (!secrets_password_fits(known ? out->password : NULL, password) ||
        out->user.disabled) {
        tell_refused(q, known ? out->user.id : NULL);
        return err_set(err, ERR_DENIED, "the user or the password is wrong");
    }
    login_limit_passed(q->desk->limit, id, remote, q->mono_ms);
    return 0;
}

static int
begin_session(const struct people_request *q,
              const struct login *l,
              const struct user_row *user,
              struct people_session *out,
              struct err *err)
{
    char rehashed[SECRETS_PASSWORD_BYTES];
    struct session_row row = {.expires_ms = l->for_ms};
    bool old = secrets_password_is_old(user->password);
    if (user->user.role > ROLE_VIEWER && l->for_ms > SESSION_LIFE_MS) {
        return err_set(err, ERR_RANGE,
                       "only a viewer may stay for more than 30d; \"for\" is too long");
    }
    int code = secrets_make(out->secret, "", err);
    if (code == 0 && old) {
        code = secrets_password_hash(rehashed, l->password, err);
    }
    if (code != 0) {
        return code;
    }
    secrets_hash(row.hash, out->secret);
    snprintf(row.user, sizeof row.user, "%s", user->user.id);
    (void)utf8_copy(row.remote, sizeof row.remote, q->remote);
    (void)utf8_copy(row.agent, sizeof row.agent, q->agent);
    utf8_to_line(row.agent);
    struct people_work w = {.act = PEOPLE_LOG_IN,
                            .session = &row,
                            .verified = user->password,
                            .rehashed = old ? rehashed : NULL,
                            .peer = q->peer};
    code = q->desk->ask(q->desk->ctx, &w, err);
    out->expires_ms = w.expires_ms;
    return code;
}

int
people_log_in(const struct people_request *q,
              struct people_session *out,
              struct err *err)
{
    struct login l;
    struct user_row user = {0};
    json_t *root = json_loads(q->body, JSON_REJECT_DUPLICATES, NULL);
    *out = (struct people_session){0};
    int code = login_from_json(&l, root, err);
    code = code == 0
               ? people_check_password(q, l.user, l.password, &user, &out->wait_ms, err)
               : code;
    code = code == 0 ? begin_session(q, &l, &user, out, err) : code;
    json_decref(root);
    return code;
}

void
people_touch(struct people_desk *desk, const struct caller *c)
{
    struct err err;
    struct session_row row;
    struct people_work w = {.act = PEOPLE_SEEN, .number = c->token};
    if (!c->touch) {
        return;
    }
    if (c->way == CALLER_SESSION) {
        memcpy(row.hash, c->session, sizeof row.hash);
        w.session = &row;
    }
    if (desk->ask(desk->ctx, &w, &err) != 0) {
        log_debug("when %s was here is not stored: %s", c->user, err.text);
    }
}
