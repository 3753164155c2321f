/* A store with users, and a desk that does at once what the loop would do. */
#ifndef CARETAKER_TESTS_PEOPLE_WORLD_H
#define CARETAKER_TESTS_PEOPLE_WORLD_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/people/api_people.h"
#include "tests/daemon/store/scratch.h"

#define T0       1767225600000LL
#define HOUR_MS  (INT64_C(3600) * 1000)
#define DAY_MS   (24 * HOUR_MS)
#define PASSWORD "correct horse"

struct people_world {
    char dir[SCRATCH_BYTES];
    struct state *store, *reader;
    struct people_desk desk;
    struct site site; /* Without a broker. */
    int64_t now_ms;
    char password[SECRETS_PASSWORD_BYTES]; /* The hash of PASSWORD. */
    struct err err;
};

static int
people_world_ask(void *ctx, struct people_work *w, struct err *err)
{
    struct people_world *p = ctx;
    return people_do(p->store, &p->site, w, p->now_ms, err);
}

static inline void
people_world_open(struct people_world *p)
{
    ck_assert_msg(state_open(&p->store, p->dir, STORE_WRITE, &p->err) == 0, "%s",
                  p->err.text);
    ck_assert_msg(state_open(&p->reader, p->dir, STORE_READ, &p->err) == 0, "%s",
                  p->err.text);
}

static inline void
people_world_close(struct people_world *p)
{
    state_close(p->reader);
    state_close(p->store);
}

/* The hash of PASSWORD.  It is made once: a main() that calls this before its tests
 * spares each of them, in a process of its own, the time. */
static inline void
people_world_hash(char out[SECRETS_PASSWORD_BYTES])
{
    static char hash[SECRETS_PASSWORD_BYTES];
    struct err err;
    if (hash[0] == '\0' && secrets_password_hash(hash, PASSWORD, &err) != 0) {
        abort();
    }
    memcpy(out, hash, sizeof hash);
}

static inline void
people_world_init(struct people_world *p)
{
    log_init(LOG_LEVEL_ERROR);
    *p = (struct people_world){.now_ms = T0};
    scratch_make(p->dir);
    people_world_open(p);
    p->desk = (struct people_desk){people_world_ask, p, login_limit_new()};
    people_world_hash(p->password);
}

static inline void
people_world_fini(struct people_world *p)
{
    people_world_close(p);
    login_limit_free(p->desk.limit);
    scratch_remove(p->dir);
}

/* One command; its code, with p->err. */
static inline int
people_world_do(struct people_world *p,
                enum command_kind kind,
                const struct people_change *change,
                int64_t *number)
{
    const struct command c = {.kind = kind, .by = "root", .people = change};
    struct people_work w = {
        .act = PEOPLE_COMMAND, .command = &c, .peer = "uid=0 pid=1"};
    memset(&p->err, 0, sizeof p->err);
    int code = people_world_ask(p, &w, &p->err);
    if (number != NULL) {
        *number = w.number;
    }
    return code;
}

/* A user with PASSWORD. */
static inline int
people_world_add(struct people_world *p, const char *id, enum role role)
{
    const struct people_change change = {
        .user = id, .role = role, .password = p->password};
    return people_world_do(p, COMMAND_USER_ADD, &change, NULL);
}

/* A session of this length, begun now; its secret into `secret`. */
static inline void
people_world_enter(struct people_world *p,
                   const char *id,
                   int64_t for_ms,
                   char secret[SECRETS_TEXT_BYTES])
{
    struct session_row row = {.expires_ms = for_ms, .remote = "192.0.2.7"};
    struct people_work w = {
        .act = PEOPLE_LOG_IN, .session = &row, .verified = p->password};
    ck_assert_int_eq(secrets_make(secret, "", &p->err), 0);
    secrets_hash(row.hash, secret);
    snprintf(row.user, sizeof row.user, "%s", id);
    ck_assert_msg(people_world_ask(p, &w, &p->err) == 0, "%s", p->err.text);
}

/* A token for `id`; its secret into `secret`. */
static inline int
people_world_token(struct people_world *p,
                   const char *id,
                   enum role role,
                   int64_t for_ms,
                   char secret[SECRETS_TEXT_BYTES],
                   int64_t *number)
{
    unsigned char hash[SECRETS_HASH_BYTES];
    ck_assert_int_eq(secrets_make(secret, SECRETS_TOKEN_MARK, &p->err), 0);
    secrets_hash(hash, secret);
    const struct people_change change = {.user = id,
                                         .role = role,
                                         .token_name = "grafana",
                                         .hash = hash,
                                         .for_ms = for_ms};
    return people_world_do(p, COMMAND_TOKEN_ADD, &change, number);
}

static inline void
people_world_query(struct people_world *p, const char *sql, const char *want)
{
    char got[512];
    scratch_query(p->dir, "state.db", sql, got);
    ck_assert_msg(strcmp(got, want) == 0, "%s: '%s', not '%s'", sql, got, want);
}

#define PEOPLE_EVENTS                                                                  \
    "SELECT coalesce(group_concat(name || coalesce(':' ||"                             \
    " json_extract(json, '$.user'), ''), ' '), '') FROM (SELECT * FROM events ORDER "  \
    "BY seq)"

#endif
