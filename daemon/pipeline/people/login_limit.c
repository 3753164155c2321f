#include "daemon/pipeline/people/login_limit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/utf8.h"

#define KEY_BYTES  64
#define NEVER_TOLD INT64_MIN

/* key "" and no failures: free. */
struct slot {
    char key[KEY_BYTES];
    unsigned failures;
    int64_t last_ms;  /* Of the last attempt that was let through. */
    int64_t until_ms; /* The next one may come. */
};

struct told {
    char key[KEY_BYTES];
    int64_t at_ms;
};

/* Has logged in from there; user "": free. */
struct known {
    char user[KEY_BYTES], network[KEY_BYTES];
    int64_t at_ms;
};

struct login_limit {
    pthread_mutex_t lock;
    struct slot users[LOGIN_LIMIT_SLOTS];
    struct slot remotes[LOGIN_LIMIT_SLOTS];
    struct told told[LOGIN_LIMIT_SLOTS];
    struct known known[LOGIN_LIMIT_SLOTS];
};

struct login_limit *
login_limit_new(void)
{
    struct login_limit *l = calloc(1, sizeof *l);
    if (l == NULL) {
        abort();
    }
    pthread_mutex_init(&l->lock, NULL);
    for (size_t i = 0; i < LOGIN_LIMIT_SLOTS; i++) {
        l->told[i].at_ms = NEVER_TOLD;
    }
    return l;
}

void
login_limit_free(struct login_limit *l)
{
    if (l != NULL) {
        pthread_mutex_destroy(&l->lock);
        free(l);
    }
}

static bool
is_over(const struct slot *s, int64_t now_ms)
{
    return s->failures == 0 || now_ms - s->last_ms >= LOGIN_LIMIT_QUIET_MS;
}

/* Its slot, else a free one, else that which was quiet longest of those that hold
 * nobody up, or of all. */
static struct slot *
find(struct slot *slots, const char *key, int64_t now_ms)
{
    struct slot *best = NULL;
    bool best_holds = true;
    int64_t best_since = INT64_MAX;
    for (size_t i = 0; i < LOGIN_LIMIT_SLOTS; i++) {
        struct slot *s = &slots[i];
        if (s->failures > 0 && strcmp(s->key, key) == 0) {
            if (is_over(s, now_ms)) {
                s->failures = 0;
                s->until_ms = now_ms;
            }
            return s;
        }
        int64_t since = is_over(s, now_ms) ? INT64_MIN : s->last_ms;
        bool holds = since != INT64_MIN && s->until_ms > now_ms;
        if (best == NULL || (best_holds && !holds) ||
            (best_holds == holds && since < best_since)) {
            best = s;
            best_holds = holds;
            best_since = since;
        }
    }
    return best;
}

/* A name that is cut stands for all that begin so. */
static struct slot *
slot_of(struct slot *slots, const char *text, int64_t now_ms)
{
    char key[KEY_BYTES];
    (void)utf8_copy(key, sizeof key, text);
    struct slot *s = find(slots, key, now_ms);
    if (strcmp(s->key, key) != 0 || s->failures == 0) {
        *s = (struct slot){.until_ms = now_ms, .last_ms = now_ms};
        (void)utf8_copy(s->key, sizeof s->key, key);
    }
    return s;
}

/* Whoever has one address of IPv6 has a network of 2^64 (RFC 6177): that is one address
 * here.  One of IPv4 in the clothes of IPv6 is itself. */
static void
network_of(char out[KEY_BYTES], const char *remote)
{
    struct in6_addr a;
    char text[KEY_BYTES];
    (void)utf8_copy(text, sizeof text, remote + (remote[0] == '['));
    text[strcspn(text, "%]")] = '\0'; /* The interface of a local one. */
    (void)utf8_copy(out, KEY_BYTES, remote);
    if (inet_pton(AF_INET6, text, &a) != 1) {
        return;
    }
    if (IN6_IS_ADDR_V4MAPPED(&a)) {
        (void)inet_ntop(AF_INET, &a.s6_addr[12], out, KEY_BYTES);
    } else {
        memset(&a.s6_addr[8], 0, 8);
        (void)inet_ntop(AF_INET6, &a, out, KEY_BYTES);
    }
}

static int64_t
delay_after(unsigned failures)
{
    int64_t delay_ms = LOGIN_LIMIT_FIRST_MS;
    if (failures < LOGIN_LIMIT_FREE) {
        return 0;
    }
    for (unsigned i = LOGIN_LIMIT_FREE; i < failures && delay_ms < LOGIN_LIMIT_MOST_MS;
         i++) {
        delay_ms *= 2;
    }
    return delay_ms < LOGIN_LIMIT_MOST_MS ? delay_ms : LOGIN_LIMIT_MOST_MS;
}

static void
count(struct slot *s, int64_t now_ms)
{
    s->failures++;
    s->last_ms = now_ms;
    s->until_ms = now_ms + delay_after(s->failures);
}

/* That of this user and network, else the one that was not used for longest. */
static struct known *
known_of(struct login_limit *l, const char *user, const char *network)
{
    struct known *oldest = &l->known[0];
    for (size_t i = 0; i < LOGIN_LIMIT_SLOTS; i++) {
        struct known *k = &l->known[i];
        if (k->user[0] != '\0' && strcmp(k->user, user) == 0 &&
            strcmp(k->network, network) == 0) {
            return k;
        }
        bool older = k->user[0] == '\0' || k->at_ms < oldest->at_ms;
        oldest = oldest->user[0] != '\0' && older ? k : oldest;
    }
    return oldest;
}

static bool
is_known(struct login_limit *l, const char *user, const char *network, int64_t now_ms)
{
    char key[KEY_BYTES];
    (void)utf8_copy(key, sizeof key, user);
    const struct known *k = known_of(l, key, network);
    return k->user[0] != '\0' && strcmp(k->user, key) == 0 &&
           strcmp(k->network, network) == 0 && now_ms - k->at_ms < LOGIN_LIMIT_KNOWN_MS;
}

int64_t
login_limit_ask(struct login_limit *l,
                const char *user,
                const char *remote,
                int64_t now_ms)
{
    char network[KEY_BYTES];
    network_of(network, remote);
    pthread_mutex_lock(&l->lock);
    struct slot *u = slot_of(l->users, user, now_ms);
    struct slot *r = slot_of(l->remotes, network, now_ms);
    bool known = is_known(l, user, network, now_ms);
    int64_t until_ms = u->until_ms > r->until_ms && !known ? u->until_ms : r->until_ms;
    if (until_ms <= now_ms) {
        count(r, now_ms);
    }
    if (until_ms <= now_ms && !known) {
        count(u, now_ms);
    }
    pthread_mutex_unlock(&l->lock);
    return until_ms > now_ms ? until_ms - now_ms : 0;
}

void
login_limit_passed(struct login_limit *l,
                   const char *user,
                   const char *remote,
                   int64_t now_ms)
{
    char network[KEY_BYTES];
    network_of(network, remote);
    pthread_mutex_lock(&l->lock);
    struct slot *u = slot_of(l->users, user, now_ms);
    struct slot *r = slot_of(l->remotes, network, now_ms);
    struct known *k = known_of(l, u->key, network);
    if (!is_known(l, user, network, now_ms)) {
        u->failures = 0; /* Those of others stay where he was not held up by them. */
    }
    if (r->failures > 0) {
        r->failures--;
        r->until_ms = now_ms;
    }
    k->at_ms = now_ms;
    (void)utf8_copy(k->user, sizeof k->user, u->key);
    (void)utf8_copy(k->network, sizeof k->network, network);
    pthread_mutex_unlock(&l->lock);
}

bool
login_limit_tells(struct login_limit *l, const char *known, int64_t now_ms)
{
    char key[KEY_BYTES];
    (void)utf8_copy(key, sizeof key, known != NULL ? known : "");
    pthread_mutex_lock(&l->lock);
    struct told *place = &l->told[0];
    for (size_t i = 0; i < LOGIN_LIMIT_SLOTS; i++) {
        struct told *t = &l->told[i];
        if (t->at_ms != NEVER_TOLD && strcmp(t->key, key) == 0) {
            place = t;
            break;
        }
        place = t->at_ms < place->at_ms ? t : place;
    }
    bool mine = place->at_ms != NEVER_TOLD && strcmp(place->key, key) == 0;
    bool tells = !mine || now_ms - place->at_ms >= LOGIN_TELL_MS;
    if (tells) {
        place->at_ms = now_ms;
        (void)utf8_copy(place->key, sizeof place->key, key);
    }
    pthread_mutex_unlock(&l->lock);
    return tells;
}
