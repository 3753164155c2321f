/* Who asks the API, and what he may. */
#ifndef CARETAKER_MODEL_CALLER_H
#define CARETAKER_MODEL_CALLER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/command.h"
#include "daemon/model/user.h"

#define CALLER_KEY_BYTES  32 /* Of a session in the store. */
#define CALLER_CSRF_BYTES 48 /* 43 characters of base64url and the NUL. */

/* By what he is known. */
enum caller_way {
    CALLER_NOBODY,
    CALLER_LOCAL, /* The unix socket: whoever may open it is trusted. */
    CALLER_SESSION,
    CALLER_TOKEN
};

/* Its texts lie inside it: it is handed on by address, or copied by caller_copy(). */
struct caller {
    const char *user; /* NULL: nobody, or the unix socket. */
    const char *name; /* Of the user, for people; NULL as well. */
    enum role role;   /* Of a token: the lesser of its own and its user's. */
    bool local;
    enum caller_way way;
    bool has_language;
    enum language language;
    bool touch; /* It is time to write down that he was here: people_touch(). */
    unsigned char session[CALLER_KEY_BYTES]; /* CALLER_SESSION: its key. */
    int64_t token;                           /* CALLER_TOKEN: its number. */
    int64_t expires_ms; /* When he has to log in again, or the token ends; INSTANT_MAX:
                           never. */
    char csrf[CALLER_CSRF_BYTES]; /* What a page must say to change something; "". */
    char user_text[USER_ID_BYTES];
    char name_text[USER_NAME_BYTES];
};

/* Nobody, with this role. */
void caller_init(struct caller *c, enum role role);
/* An administrator at the unix socket. */
void caller_init_local(struct caller *c);
void
caller_set_user(struct caller *c, const char *user, const char *name); /* Copies. */
void caller_copy(struct caller *out, const struct caller *c);

/* The least role that may ask for it on TCP.  Those of people are an administrator's;
 * what each may do for himself (his password, his tokens, to log out) has paths of its
 * own. */
enum role command_role(enum command_kind kind);
/* His role is enough.  And a token changes no user and no token: it could make itself
 * last for ever. */
bool caller_may(const struct caller *c, enum command_kind kind);

#endif
