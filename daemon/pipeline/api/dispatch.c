/* From a request to its handler: who asks, whether he may, whether the question is one
 * that the route takes. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/api/api.h"

/* Looks at the arguments of a query. */
struct query_check {
    const struct web_request *r;
    const struct api_route *route;
    struct err err;
};

static bool
is_choice(const char *choices, const char *value)
{
    size_t size = strlen(value);
    for (const char *p = choices; *p != '\0'; p += *p == '|') {
        size_t length = strcspn(p, "|");
        if (length == size && memcmp(p, value, size) == 0) {
            return true;
        }
        p += length;
    }
    return false;
}

static void
name_accepted(char *out, size_t size, const struct api_param *params)
{
    size_t used = 0;
    out[0] = '\0';
    for (const struct api_param *p = params; p != NULL && p->name != NULL; p++) {
        int n =
            snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", p->name);
        if (n < 0 || (size_t)n >= size - used) {
            return;
        }
        used += (size_t)n;
    }
}

static int
check_value(const struct api_param *p, const char *value, struct err *err)
{
    char *end = NULL;
    long long number = 0;
    switch (p->kind) {
    case PARAM_TEXT:
        return 0;
    case PARAM_FLAG:
        return is_choice("0|1", value)
                   ? 0
                   : err_set(err, ERR_RANGE,
                             "\"%.60s\" is no \"%s\"; accepted is one of %s", value,
                             p->name, "0|1");
    case PARAM_NUMBER:
        number = strtoll(value, &end, 10);
        return (*value == '-' || (*value >= '0' && *value <= '9')) && *end == '\0' &&
                       number >= p->min && number <= p->max
                   ? 0
                   : err_set(err, ERR_RANGE,
                             "\"%s\" must be a whole number from %lld to %lld", p->name,
                             (long long)p->min, (long long)p->max);
    case PARAM_CHOICE:
        return is_choice(p->choices, value)
                   ? 0
                   : err_set(err, ERR_RANGE,
                             "\"%.60s\" is no \"%s\"; accepted is one of %s", value,
                             p->name, p->choices);
    }
    return 0;
}

static bool
check_key(void *ctx, const char *key)
{
    struct query_check *q = ctx;
    char accepted[512];
    for (const struct api_param *p = q->route->params; p != NULL && p->name != NULL;
         p++) {
        if (strcmp(p->name, key) == 0) {
            const char *value = q->r->query(q->r, key);
            return check_value(p, value != NULL ? value : "", &q->err) == 0;
        }
    }
    name_accepted(accepted, sizeof accepted, q->route->params);
    if (accepted[0] == '\0') {
        err_set(&q->err, ERR_RANGE,
                "\"%.60s\" is not known here; this path takes no "
                "arguments",
                key);
    } else {
        err_set(&q->err, ERR_RANGE, "\"%.60s\" is not known here; accepted are %s", key,
                accepted);
    }
    return false;
}

/* Nobody, or somebody whose role does not allow it. */
static unsigned
refuse(const struct api *a, const struct api_route *route, struct strbuf *body)
{
    struct err err;
    if (a->caller.user == NULL && a->caller.role == ROLE_NONE) {
        return web_problem(body, 401, tr("log in first"));
    }
    if (a->caller.user == NULL) {
        return web_problem(
            body, 403,
            tr("without users the page is only read; `caretaker user add` "
               "makes the first"));
    }
    err_set(&err, ERR_DENIED, "this takes the role %s, and yours is %s",
            role_word(route->role), role_word(a->caller.role));
    return web_problem(body, 403, err.text);
}

static unsigned
handle(void *worker, const struct web_request *r, struct strbuf *body)
{
    struct api *a = worker;
    bool known = false;
    struct err err = {0};
    const struct api_route *route = api_route_find(r->method, r->path, &known);
    if (route == NULL && known) {
        api_route_methods(r->answer->allow, r->path);
        return web_problem(body, 405, tr("this path takes another method"));
    }
    if (route == NULL) {
        return web_problem(body, 404, tr("there is no such path below /api/v1/"));
    }
    if (api_caller(a, r, &err) != 0) {
        return api_problem(body, &err);
    }
    if (a->caller.role < route->role) {
        return refuse(a, route, body);
    }
    if (strcmp(r->method, "GET") != 0 &&
        !people_csrf_ok(&a->caller, r->header(r, "X-CSRF-Token")) &&
        strcmp(r->path, "/api/v1/session") != 0) {
        return web_problem(
            body, 403, tr("the header X-CSRF-Token must say what GET session said"));
    }
    struct query_check q = {.r = r, .route = route};
    r->each_query(r, check_key, &q);
    if (q.err.code != 0) {
        return api_problem(body, &q.err);
    }
    if (a->caller.touch) {
        people_touch(&a->live->people, &a->caller);
    }
    unsigned status = route->handle(a, r, body);
    if (status == 200 && route->page_keys != NULL && r->answer->pieces.next == NULL &&
        api_page(body, r, route->page_keys, &err) != 0) {
        return api_problem(body, &err);
    }
    return status;
}

static void
needs(const char *method, const char *path, struct web_needs *out)
{
    bool known = false;
    const struct api_route *route = api_route_find(method, path, &known);
    if (route != NULL) {
        *out = route->needs;
    }
}

static int
open_worker(void *ctx, void **worker, struct err *err)
{
    struct live *l = ctx;
    struct api *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return err_set(err, ERR_NOMEM, "a worker of the API");
    }
    a->live = l;
    int code = state_open(&a->reader, l->site->data_dir, STORE_READ, err);
    if (code != 0) {
        free(a);
        return code;
    }
    *worker = a;
    return 0;
}

static void
close_worker(void *worker)
{
    struct api *a = worker;
    state_close(a->reader);
    free(a);
}

void
api_service(struct web_service *out, struct live *l)
{
    *out = (struct web_service){.ctx = l,
                                .handle = handle,
                                .needs = needs,
                                .open = open_worker,
                                .close = close_worker,
                                .news = api_news,
                                .still = api_still};
}
