/* Slows down whoever guesses passwords: by the user that is named, and by the address
 * that it comes from (of IPv6: its /64).
 *
 * Five failures are free; then each next attempt has to wait: 10 s, 20 s, 40 s, ... up
 * to 15 minutes.  An attempt that comes earlier is refused without a look at its
 * password, and does not count.  What was quiet for an hour is forgotten.
 *
 * Who has logged in from an address before is held up there by that address alone:
 * else anybody could keep him out for ever by naming him with wrong passwords.
 *
 * In memory, in bounded tables of their own for users and addresses, so that an
 * attacker with many of the one cannot push out the other.  Any thread; time is an
 * argument (monotonic ms). */
#ifndef CARETAKER_PIPELINE_LOGIN_LIMIT_H
#define CARETAKER_PIPELINE_LOGIN_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOGIN_LIMIT_FREE     5
#define LOGIN_LIMIT_FIRST_MS 10000
#define LOGIN_LIMIT_MOST_MS  (15 * 60 * 1000)
#define LOGIN_LIMIT_QUIET_MS (60 * 60 * 1000)
#define LOGIN_LIMIT_KNOWN_MS                                                           \
    (INT64_C(30) * 24 * 60 * 60 * 1000) /* So long is before. */
#define LOGIN_LIMIT_SLOTS 512           /* Of each table; 200 kB together. */
#define LOGIN_TELL_MS     60000 /* One event of failures in this time, and user. */

struct login_limit;

struct login_limit *login_limit_new(void); /* Returns owned; aborts without memory. */
void login_limit_free(struct login_limit *l);

/* Before a password is looked at.  0: go on; it counts as a failure until
 * login_limit_passed() says otherwise, so that many at once are no way around it.  Else
 * the milliseconds to wait. */
int64_t login_limit_ask(struct login_limit *l,
                        const char *user,
                        const char *remote,
                        int64_t now_ms);
/* It was the right one.  The address keeps its other failures: who has an account
 * cannot wash away his guesses at another. */
void login_limit_passed(struct login_limit *l,
                        const char *user,
                        const char *remote,
                        int64_t now_ms);
/* It was not: true when that is to be told.  `known` is a user of ours, else NULL: all
 * others are one. */
bool login_limit_tells(struct login_limit *l, const char *known, int64_t now_ms);

#endif
