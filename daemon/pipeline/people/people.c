#include "daemon/pipeline/people/people.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/event.h"
#include "daemon/pipeline/changes.h"

/* One piece of work. */
struct desk {
    struct state *store;
    const struct site *site;
    struct people_work *work;
    const struct people_change *change; /* Of a command. */
    const char *by;                     /* As well. */
    int64_t t_ms;
    struct strbuf *said; /* For the log, once it is stored. */
    struct err *err;
};

static int
tell(const struct desk *d, struct event e)
{
    struct strbuf json = {0};
    int64_t seq = 0;
    e.t_ms = d->t_ms;
    event_to_json(&json, &e, NULL);
    int heard = catalogue_hear(CATALOGUE_SPOKEN);
    strbuf_add(d->said, d->said->size > 0 ? "; " : "");
    event_to_text(d->said, &e);
    (void)catalogue_hear(heard);
    int code = state_add_event(d->store, &e, strbuf_text(&json), NULL, d->work->peer,
                               &seq, d->err);
    if (code == 0 && d->site->mqtt.enabled) {
        strbuf_clear(&json);
        strbuf_add_char(&json, '{');
        strbuf_json_time(&json, "t", e.t_ms);
        strbuf_add(&json, ",\"event\":\"journal.only\"}");
        code = changes_put_out(d->store, d->site, strbuf_text(&json), seq, d->err);
    }
    strbuf_fini(&json);
    return code;
}

static int
no_user(const char *id, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no user \"%.64s\"", id);
}

static int
get_user(const struct desk *d, const char *id, struct user_row *out)
{
    int code = state_user_get(d->store, id, out, d->err);
    return code == ERR_NOT_FOUND ? no_user(id, d->err) : code;
}

/* ---- Users ---- */

static bool
reigns(const struct user *u)
{
    return u->role == ROLE_ADMINISTRATOR && !u->disabled;
}

/* Somebody must be left who can let others in. */
static int
check_last(const struct desk *d, const struct user *u)
{
    int64_t users = 0;
    int64_t administrators = 0;
    int code =
        reigns(u) ? state_count_users(d->store, &users, &administrators, d->err) : 0;
    if (code == 0 && reigns(u) && administrators <= 1) {
        code = err_set(d->err, ERR_REFUSED,
                       "%s is the last administrator; make somebody else one first",
                       u->id);
    }
    return code;
}

static int
set_language(struct user *u, const char *language, struct err *err)
{
    u->has_language = language[0] != '\0';
    if (u->has_language && !language_parse(&u->language, language)) {
        return err_set(err, ERR_RANGE, "\"%.40s\" is no language; en or zh-CN",
                       language);
    }
    return 0;
}

static int
check_new(const struct desk *d, const struct user *u)
{
    struct user_row old;
    int64_t users = 0;
    int64_t administrators = 0;
    int code = user_check_id(u->id, d->err);
    code = code == 0 ? user_check_name(u->name, d->err) : code;
    code =
        code == 0 ? state_count_users(d->store, &users, &administrators, d->err) : code;
    if (code != 0) {
        return code;
    }
    if (users == 0 && u->role != ROLE_ADMINISTRATOR) {
        return err_set(d->err, ERR_REFUSED,
                       "the first user must be an administrator: nobody else could let "
                       "others in");
    }
    if (users >= USERS_MAX) {
        return err_set(d->err, ERR_FULL, "there are %d users already", USERS_MAX);
    }
    code = state_user_get(d->store, u->id, &old, d->err);
    if (code == 0) {
        return err_set(d->err, ERR_REFUSED, "there is a user \"%s\" already", u->id);
    }
    return code == ERR_NOT_FOUND ? 0 : code;
}

static int
add_user(const struct desk *d)
{
    const struct people_change *c = d->change;
    struct user_row row = {.user = {.role = c->role, .created_ms = d->t_ms}};
    struct user *u = &row.user;
    if (c->role == ROLE_NONE) {
        return err_set(d->err, ERR_RANGE, "which role? %s", tr(ROLES_ACCEPTED));
    }
    if (c->password == NULL) {
        return err_set(d->err, ERR_RANGE, "a user needs a password");
    }
    /* What is too long is found too long below. */
    snprintf(u->id, sizeof u->id, "%s", c->user);
    snprintf(u->name, sizeof u->name, "%s", c->name != NULL ? c->name : c->user);
    snprintf(row.password, sizeof row.password, "%s", c->password);
    int code = user_check_id(c->user, d->err);
    code = code == 0 && c->name != NULL ? user_check_name(c->name, d->err) : code;
    code =
        code == 0 && c->language != NULL ? set_language(u, c->language, d->err) : code;
    code = code == 0 ? check_new(d, u) : code;
    code = code == 0 ? state_put_user(d->store, &row, d->err) : code;
    return code != 0 ? code
                     : tell(d, (struct event){.kind = EVENT_USER_ADDED,
                                              .user = u->id,
                                              .title = u->name,
                                              .role = role_name(u->role),
                                              .by = d->by});
}

static int
tell_change(const struct desk *d,
            const char *record,
            const char *before,
            const char *after)
{
    return tell(d, (struct event){.kind = EVENT_USER_CHANGED,
                                  .user = d->change->user,
                                  .record = record,
                                  .before = before,
                                  .after = after,
                                  .by = d->by});
}

static const char *
language_of(const struct user *u)
{
    return u->has_language ? language_name(u->language) : NULL;
}

/* Not translated: words of the journal. */
static const char *
yes_or_no(bool yes)
{
    return yes ? "yes" : "no";
}

static int
tell_changes(const struct desk *d, const struct user *was, const struct user *is)
{
    const char *old_language = language_of(was);
    const char *new_language = language_of(is);
    int code = 0;
    if (strcmp(was->name, is->name) != 0) {
        code = tell_change(d, "name", was->name, is->name);
    }
    if (code == 0 && was->role != is->role) {
        code = tell_change(d, "role", role_name(was->role), role_name(is->role));
    }
    if (code == 0 && old_language != new_language) {
        code = tell_change(d, "language", old_language, new_language);
    }
    if (code == 0 && was->disabled != is->disabled) {
        code = tell_change(d, "disabled", yes_or_no(was->disabled),
                           yes_or_no(is->disabled));
    }
    return code;
}

static int
apply_change(const struct desk *d, struct user *u)
{
    const struct people_change *c = d->change;
    int code = 0;
    if (c->name != NULL) {
        code = user_check_name(c->name, d->err);
        snprintf(u->name, sizeof u->name, "%s", c->name);
    }
    if (code == 0 && c->language != NULL) {
        code = set_language(u, c->language, d->err);
    }
    u->role = c->role != ROLE_NONE ? c->role : u->role;
    u->disabled = c->has_disabled ? c->disabled : u->disabled;
    return code;
}

static int
change_user(const struct desk *d)
{
    const struct people_change *c = d->change;
    struct user_row row;
    if (c->name == NULL && c->language == NULL && c->role == ROLE_NONE &&
        !c->has_disabled) {
        return err_set(d->err, ERR_RANGE,
                       "what of the user is to be changed? name, role, language or "
                       "disabled");
    }
    int code = get_user(d, c->user, &row);
    struct user was = row.user;
    code = code == 0 ? apply_change(d, &row.user) : code;
    if (code == 0 && !reigns(&row.user)) {
        code = check_last(d, &was);
    }
    code = code == 0 ? state_put_user(d->store, &row, d->err) : code;
    /* A role that rises is taken up by logging in anew. */
    if (code == 0 && (row.user.disabled || row.user.role > was.role)) {
        code = state_delete_sessions(d->store, c->user, d->err);
    }
    if (code == 0 && row.user.disabled) {
        code = state_delete_tokens(d->store, c->user, d->err);
    }
    return code == 0 ? tell_changes(d, &was, &row.user) : code;
}

static int
change_password(const struct desk *d)
{
    const struct people_change *c = d->change;
    struct user_row row;
    if (c->password == NULL) {
        return err_set(d->err, ERR_RANGE, "a user needs a password");
    }
    int code = get_user(d, c->user, &row);
    if (code == 0) {
        snprintf(row.password, sizeof row.password, "%s", c->password);
        code = state_put_user(d->store, &row, d->err);
    }
    code = code == 0 ? state_delete_sessions(d->store, c->user, d->err) : code;
    return code == 0 ? tell_change(d, "password", NULL, NULL) : code;
}

static int
remove_user(const struct desk *d)
{
    struct user_row row;
    int code = get_user(d, d->change->user, &row);
    code = code == 0 ? check_last(d, &row.user) : code;
    code = code == 0 ? state_delete_user(d->store, row.user.id, d->err) : code;
    return code != 0 ? code
                     : tell(d, (struct event){.kind = EVENT_USER_REMOVED,
                                              .user = row.user.id,
                                              .title = row.user.name,
                                              .by = d->by});
}

/* ---- Tokens ---- */

static bool
count_token(void *ctx, const struct token_row *row)
{
    (void)row;
    ++*(int *)ctx;
    return true;
}

static int
check_token(const struct desk *d, const struct user *u, enum role role)
{
    int count = 0;
    const char *name = d->change->token_name;
    if (name == NULL || strlen(name) >= TOKEN_NAME_BYTES ||
        user_check_name(name, NULL) != 0) {
        return err_set(d->err, ERR_RANGE,
                       "a token needs a name that says what it is for, of less than %d "
                       "bytes",
                       TOKEN_NAME_BYTES);
    }
    if (u->disabled) {
        return err_set(d->err, ERR_REFUSED, "user %s is disabled", u->id);
    }
    if (role > u->role) {
        return err_set(d->err, ERR_REFUSED,
                       "a token may no more than its user, who is a %s",
                       role_word(u->role));
    }
    int code = state_each_token(d->store, u->id, count_token, &count, d->err);
    if (code == 0 && count >= TOKENS_MAX) {
        code = err_set(d->err, ERR_FULL, "user %s has %d tokens already; revoke some",
                       u->id, count);
    }
    return code;
}

static int
add_token(const struct desk *d)
{
    const struct people_change *c = d->change;
    struct user_row owner;
    int code = get_user(d, c->user, &owner);
    if (code != 0) {
        return code;
    }
    struct token_row row = {.role = c->role != ROLE_NONE ? c->role : owner.user.role,
                            .created_ms = d->t_ms,
                            .expires_ms =
                                c->for_ms != 0 ? d->t_ms + c->for_ms : INSTANT_NONE};
    code = check_token(d, &owner.user, row.role);
    if (code == 0) {
        snprintf(row.user, sizeof row.user, "%s", c->user);
        snprintf(row.name, sizeof row.name, "%s", c->token_name);
        memcpy(row.hash, c->hash, sizeof row.hash);
        code = state_add_token(d->store, &row, &d->work->number, d->err);
    }
    return code != 0
               ? code
               : tell(d, (struct event){.kind = EVENT_TOKEN_ADDED,
                                        .user = row.user,
                                        .token = d->work->number,
                                        .title = row.name,
                                        .role = role_name(row.role),
                                        .until_ms = c->for_ms != 0 ? row.expires_ms : 0,
                                        .by = d->by});
}

/* Whose it must be is said by `user`; NULL: anybody's. */
static int
revoke_token(const struct desk *d)
{
    const struct people_change *c = d->change;
    struct token_row row;
    int code = state_token_get(d->store, c->token, &row, d->err);
    bool other = code == 0 && c->user != NULL && strcmp(c->user, row.user) != 0;
    if (code == ERR_NOT_FOUND || other) {
        return err_set(d->err, ERR_NOT_FOUND, "there is no token %" PRId64, c->token);
    }
    code = code == 0 ? state_delete_token(d->store, row.number, d->err) : code;
    d->work->number = c->token;
    return code != 0 ? code
                     : tell(d, (struct event){.kind = EVENT_TOKEN_REVOKED,
                                              .user = row.user,
                                              .token = row.number,
                                              .title = row.name,
                                              .by = d->by});
}

static int
obey(struct desk *d)
{
    const struct command *c = d->work->command;
    d->change = c->people;
    d->by = c->by;
    if (c->people == NULL ||
        (c->people->user == NULL && c->kind != COMMAND_TOKEN_REVOKE)) {
        return err_set(d->err, ERR_RANGE, "which user?");
    }
    switch ((int)c->kind) {
    case COMMAND_USER_ADD:
        return add_user(d);
    case COMMAND_USER_CHANGE:
        return change_user(d);
    case COMMAND_USER_PASSWORD:
        return change_password(d);
    case COMMAND_USER_REMOVE:
        return remove_user(d);
    case COMMAND_TOKEN_ADD:
        return add_token(d);
    case COMMAND_TOKEN_REVOKE:
        return revoke_token(d);
    default:
        return err_set(d->err, ERR_USAGE, "not a command of people");
    }
}

/* ---- Sessions ---- */

static int
log_in(const struct desk *d)
{
    struct people_work *w = d->work;
    struct user_row user;
    struct session_row row = *w->session;
    int code = state_user_get(d->store, row.user, &user, d->err);
    /* Changed while the password was looked at. */
    if (code == ERR_NOT_FOUND ||
        (code == 0 &&
         (user.user.disabled || strcmp(user.password, w->verified) != 0))) {
        return err_set(d->err, ERR_DENIED, "the user or the password is wrong");
    }
    row.created_ms = row.seen_ms = d->t_ms;
    row.expires_ms = d->t_ms + w->session->expires_ms;
    code = code == 0 ? state_delete_ended_sessions(d->store, d->t_ms, d->err) : code;
    code = code == 0
               ? state_limit_sessions(d->store, row.user, SESSIONS_MAX - 1, d->err)
               : code;
    if (code == 0 && w->rehashed != NULL) {
        snprintf(user.password, sizeof user.password, "%s", w->rehashed);
        code = state_put_user(d->store, &user, d->err);
    }
    code = code == 0 ? state_put_session(d->store, &row, d->err) : code;
    if (code != 0) {
        return code;
    }
    w->expires_ms = row.expires_ms;
    return tell(d, (struct event){.kind = EVENT_USER_LOGGED_IN,
                                  .user = row.user,
                                  .remote = row.remote[0] != '\0' ? row.remote : NULL,
                                  .by = row.user});
}

/* Of one that has ended already there is nothing to tell. */
static int
log_out(const struct desk *d)
{
    struct session_row row;
    int code = state_session_find(d->store, d->work->session->hash, &row, d->err);
    if (code != 0) {
        return code == ERR_NOT_FOUND ? 0 : code;
    }
    code = state_delete_session(d->store, row.hash, d->err);
    return code != 0 ? code
                     : tell(d, (struct event){.kind = EVENT_USER_LOGGED_OUT,
                                              .user = row.user,
                                              .by = row.user});
}

static int
work_on(struct desk *d)
{
    struct people_work *w = d->work;
    switch (w->act) {
    case PEOPLE_COMMAND:
        return obey(d);
    case PEOPLE_LOG_IN:
        return log_in(d);
    case PEOPLE_LOG_OUT:
        return log_out(d);
    case PEOPLE_SEEN:
        return w->session != NULL
                   ? state_see_session(d->store, w->session->hash, d->t_ms, d->err)
                   : state_see_token(d->store, w->number, d->t_ms, d->err);
    case PEOPLE_REFUSED:
        return tell(d, (struct event){.kind = EVENT_USER_REFUSED,
                                      .user = w->user,
                                      .remote = w->remote});
    case PEOPLE_IMPORTED:
        return tell(d, (struct event){.kind = EVENT_HISTORY_IMPORTED,
                                      .by = w->user,
                                      .note = w->note});
    }
    return 0;
}

int
people_do(struct state *store,
          const struct site *site,
          struct people_work *w,
          int64_t t_ms,
          struct err *err)
{
    struct strbuf said = {0};
    struct desk d = {.store = store,
                     .site = site,
                     .work = w,
                     .t_ms = t_ms,
                     .said = &said,
                     .err = err};
    int code = state_begin(store, err);
    if (code != 0) {
        return code;
    }
    code = work_on(&d);
    code = code == 0 ? state_commit(store, err) : code;
    if (code != 0) {
        state_rollback(store);
    } else if (said.size > 0) {
        log_info("%s", strbuf_text(&said));
    }
    strbuf_fini(&said);
    return code;
}
