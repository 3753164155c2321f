/* Who asks: between the web server's headers and daemon/pipeline/people/api_people.h.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/pipeline/api/api.h"

#define COOKIE          "caretaker"
#define SITE_NAME_BYTES 256

/* The value of our cookie in a Cookie header (RFC 6265, 4.2) into `out`; false: none.
 */
static bool
read_cookie(char *out, size_t size, const char *header)
{
    static const char name[] = COOKIE "=";
    const char *p = header;
    while (p != NULL && *p != '\0') {
        p += strspn(p, "; \t");
        size_t length = strcspn(p, ";");
        if (length > sizeof name - 1 && strncmp(p, name, sizeof name - 1) == 0) {
            length -= sizeof name - 1;
            if (length >= size) {
                return false;
            }
            memcpy(out, p + sizeof name - 1, length);
            out[length] = '\0';
            return true;
        }
        p += length;
    }
    return false;
}

/* "Bearer SECRET" (RFC 6750, 2.1); NULL: none. */
static const char *
read_bearer(const char *header)
{
    return header != NULL && strncasecmp(header, "Bearer ", 7) == 0 ? header + 7 : NULL;
}

int
api_caller(struct api *a, const struct web_request *r, struct err *err)
{
    char cookie[SECRETS_TEXT_BYTES];
    if (r->local) {
        caller_init_local(&a->caller);
        return 0;
    }
    const char *bearer = read_bearer(r->header(r, "Authorization"));
    bool has = read_cookie(cookie, sizeof cookie, r->header(r, "Cookie"));
    int code = people_caller(a->reader, has ? cookie : NULL, bearer,
                             engine_clock_now(&a->live->clock.engine), &a->caller, err);
    secrets_wipe(cookie, sizeof cookie);
    return code;
}

/* "c:SECRET" of a cookie, "b:SECRET" of a token. */
void
api_stream_key(char out[WEB_KEY_BYTES], const struct web_request *r)
{
    char cookie[SECRETS_TEXT_BYTES];
    const char *bearer = read_bearer(r->header(r, "Authorization"));
    out[0] = '\0';
    if (r->local) {
        return;
    }
    if (read_cookie(cookie, sizeof cookie, r->header(r, "Cookie"))) {
        (void)snprintf(out, WEB_KEY_BYTES, "c:%s", cookie);
        secrets_wipe(cookie, sizeof cookie);
    } else if (bearer != NULL && strlen(bearer) < WEB_KEY_BYTES - 2) {
        (void)snprintf(out, WEB_KEY_BYTES, "b:%s", bearer);
    } else {
        (void)snprintf(out, WEB_KEY_BYTES, "n:");
    }
}

bool
api_still(void *worker, const char *key)
{
    struct api *a = worker;
    struct caller c;
    struct err err;
    const char *secret = key + 2;
    int code = people_caller(a->reader, key[0] == 'c' ? secret : NULL,
                             key[0] == 'b' ? secret : NULL,
                             engine_clock_now(&a->live->clock.engine), &c, &err);
    if (code != 0) {
        return true; /* The disk's trouble is not the viewer's. */
    }
    if (c.touch) {
        people_touch(&a->live->people, &c);
    }
    return c.role >= ROLE_VIEWER;
}

/* Whether the browser speaks TLS: to us, or to a proxy before us, as its own page says
 * of itself.  A browser does not send the cookie in the clear then. */
static bool
is_secure(const struct web_request *r)
{
    const char *origin = r->header(r, "Origin");
    return r->tls || (origin != NULL && strncasecmp(origin, "https://", 8) == 0);
}

static void
set_cookie(struct web_answer *out,
           const struct people_answer *p,
           const struct web_request *r)
{
    bool gone = p->cookie == COOKIE_CLEAR;
    (void)snprintf(out->cookie, sizeof out->cookie,
                   COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
                   gone ? "" : p->secret, gone ? 0LL : (long long)p->max_age_s,
                   is_secure(r) ? "; Secure" : "");
}

/* The name of the site, which may be another one by the end of the request. */
static void
copy_site(struct live *l, char *name, size_t size, enum language *language)
{
    pthread_rwlock_rdlock(&l->site_lock);
    (void)snprintf(name, size, "%s", l->site->name);
    *language = l->site->language;
    pthread_rwlock_unlock(&l->site_lock);
}

unsigned
api_people(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct live *l = a->live;
    struct people_answer answer = {0};
    char name[SITE_NAME_BYTES];
    enum language language = LANGUAGE_EN;
    copy_site(l, name, sizeof name, &language);
    const struct people_request q = {.desk = &l->people,
                                     .reader = a->reader,
                                     .method = r->method,
                                     .path = r->path,
                                     .body = r->body,
                                     .user = r->query(r, "user"),
                                     .caller = &a->caller,
                                     .remote = r->local ? NULL : r->peer,
                                     .agent = r->header(r, "User-Agent"),
                                     .peer = r->peer,
                                     .site_name = name,
                                     .site_language = language,
                                     .now_ms = engine_clock_now(&l->clock.engine),
                                     .mono_ms = clock_mono_ms()};
    r->answer->secret = true;
    people_handle(&q, &answer, body);
    if (answer.cookie != COOKIE_AS_IT_IS) {
        set_cookie(r->answer, &answer, r);
    }
    r->answer->retry_after_s = answer.retry_after_s;
    secrets_wipe(answer.secret, sizeof answer.secret);
    return answer.status;
}
