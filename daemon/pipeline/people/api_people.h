/* The part of the API that is about people:
 *   GET    /api/v1/session            who am I
 *   POST   /api/v1/session            {"user":..,"password":..,"for":"365d"}: log in;
 * for how long: 30 days, 12 hours of them unused; a viewer may ask for up to 365 days
 * (a screen on a wall) DELETE /api/v1/session            log out GET    /api/v1/users
 * administrators POST   /api/v1/users {"id":..,"role":..,"password":..,"name":..,
 *                                     "language":..}
 *   PATCH  /api/v1/users/ID {"name":..,"role":..,"language":..,"disabled":true}; of
 * himself everybody the language DELETE /api/v1/users/ID POST /api/v1/users/ID/password
 * {"password":..,"old":..}; `old` of one's own GET    /api/v1/tokens             one's
 * own; administrators: all, or ?user= POST   /api/v1/tokens
 * {"name":..,"role":..,"for":"90d","user":..}: the answer shows the token, once DELETE
 * /api/v1/tokens/N Whoever has a token may not make others of it, nor change a
 * password.
 *
 * Nothing here knows HTTP or the loop: who serves a door hands in what came and puts
 * out what is answered. */
#ifndef CARETAKER_PIPELINE_API_PEOPLE_H
#define CARETAKER_PIPELINE_API_PEOPLE_H

#include <jansson.h>

#include "daemon/base/strbuf.h"
#include "daemon/pipeline/people/login_limit.h"
#include "daemon/pipeline/people/people.h"

/* Of the whole daemon. */
struct people_desk {
    /* Has the loop do it and waits for that: people_do(). */
    int (*ask)(void *ctx, struct people_work *w, struct err *err);
    void *ctx;
    struct login_limit *limit;
};

struct people_request {
    struct people_desk *desk;
    struct state *reader; /* The thread's own. */
    const char *method;
    const char *path; /* Whole: "/api/v1/session". */
    const char *body; /* "" when there is none. */
    const char *user; /* ?user=; NULL: not given. */
    const struct caller *caller;
    const char *remote;    /* The address, without port; NULL at the unix socket. */
    const char *agent;     /* User-Agent; may be NULL. */
    const char *peer;      /* For the journal, as of commands; may be NULL. */
    const char *site_name; /* For who is not in yet; may be NULL. */
    enum language site_language;
    int64_t now_ms;  /* Engine time; */
    int64_t mono_ms; /* monotonic. */
};

enum people_cookie { COOKIE_AS_IT_IS, COOKIE_SET, COOKIE_CLEAR };
struct people_answer {
    unsigned status; /* Of HTTP. */
    enum people_cookie cookie;
    char secret[SECRETS_TEXT_BYTES]; /* COOKIE_SET: its value, for HttpOnly,
                                        SameSite=Strict; to be wiped. */
    int64_t max_age_s;               /* As well. */
    int64_t retry_after_s;           /* Of 429; 0: none. */
};

/* True for the paths above. */
bool people_is_path(const char *path);
/* Appends JSON to `body`: the answer, or problem details. */
void people_handle(const struct people_request *q,
                   struct people_answer *out,
                   struct strbuf *body);

/* Where it is known that somebody was here (c->touch): the loop writes it down, every
 * five minutes.  For requests that last, such as streams, call people_caller() and this
 * as often: it shows too when a session has ended. */
void people_touch(struct people_desk *desk, const struct caller *c);

/* What a log-in gave. */
struct people_session {
    char secret[SECRETS_TEXT_BYTES];
    int64_t expires_ms;
    int64_t wait_ms; /* Of ERR_BUSY: how long to wait. */
};
/* ERR_DENIED: user or password is wrong (which is not said); ERR_BUSY: too often. */
int people_log_in(const struct people_request *q,
                  struct people_session *out,
                  struct err *err);

/* Whether it is the password of this user, who is not disabled; slowed down by the
 * limit: 0, ERR_DENIED, or ERR_BUSY with the time to wait. */
int people_check_password(const struct people_request *q,
                          const char *id,
                          const char *password,
                          struct user_row *out,
                          int64_t *wait_ms,
                          struct err *err);

/* ---- POST /api/v1/commands ---- */

/* What a command of people holds; people_room_fini() wipes it. */
struct people_room {
    struct people_change change;
    char password[SECRETS_PASSWORD_BYTES];
    char secret[SECRETS_TEXT_BYTES];
    unsigned char hash[SECRETS_HASH_BYTES];
};
/* Fills c->people from the members of `root` beside "cmd" and "by":
 *   user.add       user role password [name] [language]
 *   user.change    user [name] [role] [language] [disabled]
 *   user.password  user password
 *   user.remove    user
 *   token.add      user name [role] [for]
 *   token.revoke   token [user]
 * Texts are borrowed from `root` and `room`.  Passwords are hashed here, which takes
 * time: not on the loop's thread.  Other commands are left as they are. */
int people_from_json(struct command *c,
                     struct people_room *room,
                     json_t *root,
                     struct err *err);
/* Members of the answer to a command that was done: "token" and "secret". */
void people_add_answer(struct strbuf *out,
                       const struct command *c,
                       const struct people_room *room,
                       int64_t number);
void people_room_fini(struct people_room *room);

/* From now on what jansson frees is wiped, for passwords come by JSON.  Once, before
 * there are other threads. */
void people_wipe_json(void);

#endif
