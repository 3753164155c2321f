/* Who asks, by his session or token. */
#include "daemon/base/instant.h"
#include "daemon/pipeline/people/people.h"

int64_t
session_ends(const struct session_row *s, enum role role)
{
    bool wall = role <= ROLE_VIEWER && s->expires_ms - s->created_ms > SESSION_LIFE_MS;
    if (wall) {
        return s->expires_ms;
    }
    /* Once it was a viewer's. */
    int64_t life = s->created_ms + SESSION_LIFE_MS;
    int64_t idle = s->seen_ms + SESSION_IDLE_MS;
    int64_t end = s->expires_ms < life ? s->expires_ms : life;
    return idle < end ? idle : end;
}

static void
fill_caller(struct caller *out, const struct user *u)
{
    caller_set_user(out, u->id, u->name);
    out->role = u->role;
    out->has_language = u->has_language;
    out->language = u->language;
}

/* 0: he is known. */
static int
by_session(struct state *reader,
           const char *secret,
           int64_t now_ms,
           struct caller *out,
           struct err *err)
{
    struct session_row s;
    struct user_row u;
    secrets_hash(out->session, secret);
    int code = state_session_find(reader, out->session, &s, err);
    code = code == 0 ? state_user_get(reader, s.user, &u, err) : code;
    if (code != 0) {
        return code;
    }
    out->expires_ms = session_ends(&s, u.user.role);
    if (u.user.disabled || out->expires_ms <= now_ms) {
        return ERR_NOT_FOUND;
    }
    fill_caller(out, &u.user);
    out->way = CALLER_SESSION;
    out->touch = now_ms - s.seen_ms >= PEOPLE_SEEN_MS;
    secrets_derive(out->csrf, secret, "csrf");
    return 0;
}

static int
by_token(struct state *reader,
         const char *secret,
         int64_t now_ms,
         struct caller *out,
         struct err *err)
{
    unsigned char hash[SECRETS_HASH_BYTES];
    struct token_row t;
    struct user_row u;
    secrets_hash(hash, secret);
    int code = state_token_find(reader, hash, &t, err);
    code = code == 0 ? state_user_get(reader, t.user, &u, err) : code;
    if (code != 0) {
        return code;
    }
    if (u.user.disabled || (t.expires_ms != INSTANT_NONE && t.expires_ms <= now_ms)) {
        return ERR_NOT_FOUND;
    }
    fill_caller(out, &u.user);
    out->way = CALLER_TOKEN;
    out->token = t.number;
    out->role = t.role < u.user.role ? t.role : u.user.role;
    out->expires_ms = t.expires_ms != INSTANT_NONE ? t.expires_ms : INSTANT_MAX;
    out->touch = t.used_ms == INSTANT_NONE || now_ms - t.used_ms >= PEOPLE_SEEN_MS;
    return 0;
}

int
people_caller(struct state *reader,
              const char *cookie_secret,
              const char *bearer,
              int64_t now_ms,
              struct caller *out,
              struct err *err)
{
    int code = ERR_NOT_FOUND;
    caller_init(out, ROLE_NONE);
    if (cookie_secret != NULL && cookie_secret[0] != '\0') {
        code = by_session(reader, cookie_secret, now_ms, out, err);
    }
    if (code == ERR_NOT_FOUND && bearer != NULL && bearer[0] != '\0') {
        caller_init(out, ROLE_NONE);
        code = by_token(reader, bearer, now_ms, out, err);
    }
    if (code != ERR_NOT_FOUND) {
        return code;
    }
    int64_t users = 0;
    int64_t administrators = 0;
    caller_init(out, ROLE_NONE);
    code = state_count_users(reader, &users, &administrators, err);
    out->role = code == 0 && users == 0 ? ROLE_VIEWER : ROLE_NONE;
    return code;
}

bool
people_csrf_ok(const struct caller *c, const char *given)
{
    return c->way != CALLER_SESSION || (given != NULL && secrets_equal(c->csrf, given));
}
