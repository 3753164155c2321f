/* What the loop does with users, sessions and tokens: each in one transaction with its
 * event, which stays in the journal: it is no concern of the plant's.  By MQTT only
 * that there was one is told, for its numbers have no gaps and each carries the
 * journal's hash: {"t":..,"event":"journal.only","seq":..,"id":..,"hash":..}.  What the
 * disk refuses was not done.
 *
 * And who a session or a token is, for whoever reads. */
#ifndef CARETAKER_PIPELINE_PEOPLE_H
#define CARETAKER_PIPELINE_PEOPLE_H

#include "daemon/model/caller.h"
#include "daemon/model/command.h"
#include "daemon/model/site.h"
#include "daemon/store/state_people.h"

#define SESSION_IDLE_MS (INT64_C(12) * 60 * 60 * 1000) /* A shift. */
#define SESSION_LIFE_MS (INT64_C(30) * 24 * 60 * 60 * 1000)
/* Of a viewer who asks for it: a screen on a wall, which may be off for weeks. */
#define SESSION_WALL_MS (INT64_C(365) * 24 * 60 * 60 * 1000)
#define PEOPLE_SEEN_MS  (INT64_C(5) * 60 * 1000) /* How exactly `seen` is known. */
#define TOKENS_MAX      100                      /* Of one user. */
#define USERS_MAX       1000
#define SESSIONS_MAX    50 /* Of one user; the one that was quiet longest ends. */

enum people_act {
    PEOPLE_COMMAND, /* command, peer; number: of the token. */
    PEOPLE_LOG_IN,  /* session, verified, rehashed; peer. */
    PEOPLE_LOG_OUT, /* session.hash */
    PEOPLE_SEEN,    /* session.hash, or number of a token. */
    PEOPLE_REFUSED, /* user (NULL: of no name here), remote. */
    PEOPLE_IMPORTED /* user (NULL: by the unix socket), note, peer. */
};

/* It lives on the asker's stack. */
struct people_work {
    enum people_act act;
    const struct command *command;
    const char *peer;
    const struct session_row
        *session;         /* Its instants are filled in by the loop: created
                             and seen are now, expires is how long. */
    const char *verified; /* The hash that the password was compared with: it must still
                             be the user's. */
    const char *rehashed; /* Of the same password, at the cost of now; may be NULL. */
    const char *user, *remote, *note;
    int64_t number;
    int64_t expires_ms; /* Answer of log-in. */
};

/* Loop thread only.  `t_ms` is engine time; `site` says whether there is a broker. */
int people_do(struct state *store,
              const struct site *site,
              struct people_work *w,
              int64_t t_ms,
              struct err *err);

/* ---- Of any thread, by its own connection ---- */

/* When it ends if nobody uses it any more; at or before `seen_ms`: it has. */
int64_t session_ends(const struct session_row *s, enum role role);

/* Who asks on TCP: by the secret of his cookie, else that of `Authorization: Bearer`
 * (each may be NULL or wrong).  Nobody may nothing; where there is no user at all
 * nobody is a viewer.  Fills `out`; an error is one of the disk. */
int people_caller(struct state *reader,
                  const char *cookie_secret,
                  const char *bearer,
                  int64_t now_ms,
                  struct caller *out,
                  struct err *err);
/* What a page says in X-CSRF-Token with all but GET.  Not asked of tokens and of the
 * unix socket, which no browser sends by itself. */
bool people_csrf_ok(const struct caller *c, const char *given);

#endif
