/* The API, version 1: what the web server's workers answer.  The routes stand in
 * routes.c, with who may use them and what they take; the description that is served
 * at /api/v1/openapi.json is made from the same table.
 *
 * Errors are RFC 9457 problem details.  Listings are bare arrays; a Link header leads
 * to the next page. */
#ifndef CARETAKER_PIPELINE_API_API_H
#define CARETAKER_PIPELINE_API_API_H

#include "daemon/pipeline/live_inside.h"

/* A worker's own: its connection to state.db, and who asks at the moment. */
struct api {
    struct live *live;
    struct state *reader;
    struct caller caller;
};

/* ---- dispatch.c ---- */

/* What the web server needs to serve the API of `l`; borrows it. */
void api_service(struct web_service *out, struct live *l);

/* ---- answer.c: for handlers ---- */

/* The answer to an error; returns its HTTP status. */
unsigned api_problem(struct strbuf *body, const struct err *err);
/* What the loop answers; waits for it. */
unsigned api_ask_loop(struct api *a, struct request *request, struct strbuf *body);
/* Whether the argument is there and not "0". */
bool api_flag(const struct web_request *r, const char *what);
/* The n-th part of a path, from 0 ("api"), into `out`; false: there is none, or it is
 * longer than `size`. */
bool api_part(const char *path, unsigned n, char *out, size_t size);

/* ---- routes.c ---- */

typedef unsigned (*api_handler)(struct api *a,
                                const struct web_request *r,
                                struct strbuf *body);
/* One argument of the query. */
struct api_param {
    enum { PARAM_TEXT, PARAM_NUMBER, PARAM_FLAG, PARAM_CHOICE } kind;
    const char *name; /* NULL: behind the last. */
    const char *about;
    const char *choices; /* PARAM_CHOICE: "one|other" */
    int64_t min, max;    /* PARAM_NUMBER. */
};
struct api_route {
    const char *method;
    const char *path; /* "/api/v1/devices/{id}" */
    enum role role;   /* The least that may use it. */
    api_handler handle;
    const char *summary;
    const char *answer; /* Schema; "[Row]" is an array of them, "text/csv" a type. */
    const char *body;   /* Schema of what is sent, or its type; NULL: nothing. */
    const struct api_param *params;
    struct web_needs needs;
};
extern const struct api_route api_routes[];
extern const size_t api_route_count;

/* NULL with *known false: there is no such path; true: it takes another method. */
const struct api_route *
api_route_find(const char *method, const char *path, bool *known);

/* ---- description.c ---- */

/* The schemas of schemas.json, a JSON object. */
extern const char api_schemas[];
/* The OpenAPI 3.1 description of all routes. */
void api_describe(struct strbuf *out);

/* ---- The handlers ---- */

unsigned
api_get_status(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned
api_get_devices(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned api_get_life(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned
api_get_alarms(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned
api_get_service(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned
api_get_explain(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned
api_get_ledger(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned api_get_plan(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned
api_get_tickets(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned
api_get_ticket(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned api_get_wire(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned api_post_read(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned
api_post_command(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned
api_get_stream(struct api *a, const struct web_request *r, struct strbuf *body);
unsigned
api_get_description(struct api *a, const struct web_request *r, struct strbuf *body);
/* Session, users and tokens, whatever the method. */
unsigned api_people(struct api *a, const struct web_request *r, struct strbuf *body);

/* ---- ticket_pack.c ---- */

/* The pack of a ticket; `name` is what stands behind tickets/ in the path. */
int api_ticket_pack(struct api *a,
                    const struct web_request *r,
                    const char *name,
                    struct strbuf *body,
                    struct err *err);

/* ---- stream.c ---- */

/* For web_service. */
int64_t api_news(void *worker, struct web *w, int64_t after);

/* ---- people.c ---- */

/* Who asks; an error is one of the disk. */
int api_caller(struct api *a, const struct web_request *r, struct err *err);
bool api_still(void *worker, const char *key);
/* What api_still() will be asked: how this caller came in. */
void api_stream_key(char out[WEB_KEY_BYTES], const struct web_request *r);

#endif
