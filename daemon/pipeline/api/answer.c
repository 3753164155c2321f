/* What handlers answer with. */
#include <string.h>

#include "daemon/pipeline/api/api.h"

static unsigned
status_of(int code)
{
    switch ((enum err_code)code) {
    case ERR_NONE:
        return 200;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_REFUSED:
        return 409;
    case ERR_DENIED:
        return 403;
    case ERR_BUSY:
        return 429;
    case ERR_USAGE:
    case ERR_RANGE:
    case ERR_CONFIG:
        return 400;
    case ERR_FULL:
        return 507;
    case ERR_TIMEOUT:
        return 504;
    case ERR_PROTOCOL:
        return 502;
    case ERR_NOMEM:
    case ERR_IO:
        return 503;
    }
    return 500;
}

unsigned
api_problem(struct strbuf *body, const struct err *err)
{
    strbuf_clear(body);
    return web_problem(body, status_of(err->code), err->text);
}

unsigned
api_ask_loop(struct api *a, struct request *request, struct strbuf *body)
{
    request->answer = body;
    if (request_ask(&a->live->requests, request) != 0) {
        return api_problem(body, &request->err);
    }
    return 200;
}
