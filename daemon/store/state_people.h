/* Users, sessions and tokens in state.db.  Writing is the loop's, inside a transaction;
 * what the loop reads it reads with the same connection, others with one of their own.
 *
 * Of secrets their hash is stored, and a password's. */
#ifndef CARETAKER_STORE_STATE_PEOPLE_H
#define CARETAKER_STORE_STATE_PEOPLE_H

#include "daemon/model/user.h"
#include "daemon/store/secrets.h"
#include "daemon/store/state.h"

#define SESSION_REMOTE_BYTES 64  /* "[fe80::1%eth0]:52001" */
#define SESSION_AGENT_BYTES  160 /* The beginning of User-Agent. */

struct user_row {
    struct user user;
    char password[SECRETS_PASSWORD_BYTES]; /* Its hash; never leaves the program. */
    /* Of listings only. */
    int64_t sessions, tokens;
    int64_t seen_ms; /* INSTANT_NONE: not here now. */
};
struct session_row {
    unsigned char hash[SECRETS_HASH_BYTES];
    char user[USER_ID_BYTES];
    int64_t created_ms, seen_ms, expires_ms;
    char remote[SESSION_REMOTE_BYTES], agent[SESSION_AGENT_BYTES];
};
struct token_row {
    int64_t number;
    unsigned char hash[SECRETS_HASH_BYTES];
    char user[USER_ID_BYTES], name[TOKEN_NAME_BYTES];
    enum role role;
    int64_t created_ms;
    int64_t expires_ms; /* INSTANT_NONE: until it is revoked. */
    int64_t used_ms;    /* INSTANT_NONE: never. */
};

/* ---- Writing ---- */

/* Replaces the one of this id; its sessions and tokens stay. */
int state_put_user(struct state *s, const struct user_row *row, struct err *err);
/* With all sessions and tokens. */
int state_delete_user(struct state *s, const char *id, struct err *err);
int state_put_session(struct state *s, const struct session_row *row, struct err *err);
int state_delete_session(struct state *s,
                         const unsigned char hash[SECRETS_HASH_BYTES],
                         struct err *err);
int state_delete_sessions(struct state *s, const char *user, struct err *err);
/* All but the `keep` that were used last. */
int state_limit_sessions(struct state *s, const char *user, int keep, struct err *err);
/* Those that ended at or before `t_ms`. */
int state_delete_ended_sessions(struct state *s, int64_t t_ms, struct err *err);
/* `*number` is new: numbers of revoked tokens never come back. */
int state_add_token(struct state *s,
                    const struct token_row *row,
                    int64_t *number,
                    struct err *err);
int state_delete_token(struct state *s, int64_t number, struct err *err);
int state_delete_tokens(struct state *s, const char *user, struct err *err);
/* When they were used last; one that is gone stays so. */
int state_see_session(struct state *s,
                      const unsigned char hash[SECRETS_HASH_BYTES],
                      int64_t t_ms,
                      struct err *err);
int state_see_token(struct state *s, int64_t number, int64_t t_ms, struct err *err);

/* ---- Reading; `out` is a copy.  ERR_NOT_FOUND without a text: there is none. ---- */

int
state_user_get(struct state *s, const char *id, struct user_row *out, struct err *err);
/* Whether they hold still is for the reader to judge: see
 * daemon/pipeline/people/people.h. */
int state_session_find(struct state *s,
                       const unsigned char hash[SECRETS_HASH_BYTES],
                       struct session_row *out,
                       struct err *err);
int state_token_find(struct state *s,
                     const unsigned char hash[SECRETS_HASH_BYTES],
                     struct token_row *out,
                     struct err *err);
int state_token_get(struct state *s,
                    int64_t number,
                    struct token_row *out,
                    struct err *err);
/* Users, and administrators among them who are not disabled. */
int state_count_users(struct state *s,
                      int64_t *users,
                      int64_t *administrators,
                      struct err *err);
typedef bool (*state_user_fn)(void *ctx, const struct user_row *row);
int state_each_user(struct state *s, state_user_fn fn, void *ctx, struct err *err);
typedef bool (*state_token_fn)(void *ctx, const struct token_row *row);
/* Of one user, or of all (NULL); in order of number. */
int state_each_token(
    struct state *s, const char *user, state_token_fn fn, void *ctx, struct err *err);

#endif
