/* What the handlers of the API read of a request and of the daemon. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/api/api.h"

#define API_PREFIX "/api/v1/"

bool
api_asked_for(const struct web_request *r, const char *what)
{
    const char *value = r->query(r, what);
    return value != NULL && strcmp(value, "0") != 0;
}

struct site *
api_share_site(struct api *a)
{
    pthread_rwlock_rdlock(&a->live->site_lock);
    struct site *site = site_share(a->live->site);
    pthread_rwlock_unlock(&a->live->site_lock);
    return site;
}

char *
api_path_part(char *out, size_t size, const struct web_request *r, unsigned index)
{
    const char *at = r->path + strlen(API_PREFIX);
    for (; index > 0 && at != NULL; index--) {
        at = strchr(at, '/');
        at = at != NULL ? at + 1 : NULL;
    }
    size_t length = at != NULL ? strcspn(at, "/") : 0;
    length = length < size ? length : size - 1;
    memcpy(out, at != NULL ? at : "", length);
    out[length] = '\0';
    return out;
}

int
api_instant(int64_t *out,
            const struct web_request *r,
            const char *key,
            int64_t now_ms,
            struct err *err)
{
    const char *text = r->query(r, key);
    struct err why;
    if (text == NULL) {
        return 0;
    }
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && digits <= 15 && text[digits] == '\0') {
        *out = strtoll(text, NULL, 10);
        return 0;
    }
    return instant_parse_relative(out, text, now_ms, &why) == 0
               ? 0
               : err_set(err, ERR_USAGE, "%s: %s", key, why.text);
}

int
api_range(int64_t *from_ms,
          int64_t *to_ms,
          const struct web_request *r,
          int64_t span_ms,
          int64_t now_ms,
          struct err *err)
{
    int64_t from = INSTANT_NONE;
    int64_t to = now_ms;
    int code = api_instant(&to, r, "to", now_ms, err);
    code = code == 0 ? api_instant(&from, r, "from", now_ms, err) : code;
    from = from != INSTANT_NONE ? from : to - span_ms;
    if (code == 0 && from >= to) {
        code = err_set(err, ERR_USAGE, "\"from\" is not before \"to\"");
    }
    if (code == 0) {
        *from_ms = from;
        *to_ms = to;
    }
    return code;
}

int
api_number(int64_t *out,
           const struct web_request *r,
           const char *key,
           int64_t least,
           int64_t most,
           struct err *err)
{
    const char *text = r->query(r, key);
    if (text == NULL) {
        return 0;
    }
    size_t digits = strspn(text, "0123456789");
    int64_t value = digits > 0 && digits <= 18 ? strtoll(text, NULL, 10) : -1;
    if (digits == 0 || text[digits] != '\0' || value < least || value > most) {
        return err_set(err, ERR_USAGE, "\"%s\" is a whole number from %lld to %lld",
                       key, (long long)least, (long long)most);
    }
    *out = value;
    return 0;
}

void
api_hear(const struct web_request *r)
{
    enum language language = LANGUAGE_EN;
    const char *wish = r->query(r, "language");
    if (wish != NULL && catalogue_parse(&language, wish)) {
        (void)catalogue_hear((int)language);
    }
}
