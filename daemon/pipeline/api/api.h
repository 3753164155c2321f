/* The API, version 1: what the web server's workers answer.  The routes stand in
 * routes.c, with who may use them and what they take; the description that is served
 * at /api/v1/openapi.json is made from the same table.
 *
 * Errors are RFC 9457 problem details.  Listings are bare arrays; a Link header leads
 * to the next page. */
#ifndef CARETAKER_PIPELINE_API_API_H
#define CARETAKER_PIPELINE_API_API_H

#include "daemon/pipeline/live/live_inside.h"

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
/* ---- ask.c: what handlers read of a request ---- */

/* Whether `?what=` is there, and not 0. */
bool api_asked_for(const struct web_request *r, const char *what);
/* The part of the path behind "/api/v1/", counted from 0: of
 * "/api/v1/devices/pump-1/series" 1 is "pump-1".  `out` of `size`; "" where there is
 * none. */
char *
api_path_part(char *out, size_t size, const struct web_request *r, unsigned index);
/* An instant of the query, as the command line takes it, or milliseconds since 1970;
 * `*out` stays when it was not given.  ERR_USAGE. */
int api_instant(int64_t *out,
                const struct web_request *r,
                const char *key,
                int64_t now_ms,
                struct err *err);
/* ?from= and ?to=: the last `span_ms` before now where they are not given, or before
 * `to` where only `from` is not.  ERR_USAGE: `from` is not before `to`. */
int api_range(int64_t *from_ms,
              int64_t *to_ms,
              const struct web_request *r,
              int64_t span_ms,
              int64_t now_ms,
              struct err *err);
/* A whole number of the query in [least, most]; `*out` stays when it was not given. */
int api_number(int64_t *out,
               const struct web_request *r,
               const char *key,
               int64_t least,
               int64_t most,
               struct err *err);
/* The answer is in the language of ?language= where that is given: who follows a link
 * has no header of his own. */
void api_hear(const struct web_request *r);
/* The site as it is now; site_free() gives it back.  No handler holds the lock: the
 * loop never waits for one. */
struct site *api_share_site(struct api *a);

/* ---- paging.c ---- */

#define API_PAGE_MAX 10000
/* Leaves of the array in `body` the page that ?limit= and ?cursor= ask for, and says
 * where the next one is.  `keys`: the members that name a row, "device,rule". */
int api_page(struct strbuf *body,
             const struct web_request *r,
             const char *keys,
             struct err *err);

/* Says that older rows are those ?before= this number. */
void api_link_before(const struct web_request *r, int64_t before);

/* ---- routes.c ---- */

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
    unsigned (*handle)(struct api *a, const struct web_request *r, struct strbuf *body);
    const char *summary;
    const char *answer; /* Schema; "[Row]" is an array of them, "text/csv" a type;
                           several types are listed with commas. */
    const char *body;   /* Schema of what is sent, or its type; NULL: nothing. */
    const struct api_param *params;
    struct web_needs needs;
    const char *page_keys; /* What names a row of the listing; NULL: it has no pages. */
};
extern const struct api_route api_routes[];
extern const size_t api_route_count;

/* NULL with *known false: there is no such path; true: it takes another method. */
const struct api_route *
api_route_find(const char *method, const char *path, bool *known);
/* "GET, HEAD, POST": what the path takes. */
void api_route_methods(char out[WEB_ALLOW_BYTES], const char *path);

/* ---- description.c ---- */

/* The schemas of schemas.json, a JSON object. */
extern const char api_schemas[];
/* The OpenAPI 3.1 description of all routes. */
void api_describe(struct strbuf *out);

/* ---- The handlers ---- */

typedef unsigned
api_handler(struct api *a, const struct web_request *r, struct strbuf *body);
api_handler api_get_status, api_get_devices, api_get_life, api_get_alarms;
api_handler api_get_service, api_get_explain, api_get_ledger, api_get_plan;
api_handler api_get_plan_budget, api_get_plan_parts, api_get_plan_calendar;
api_handler api_get_photos, api_get_photo, api_post_photo;
api_handler api_get_tickets, api_get_ticket, api_get_wire, api_get_stream;
api_handler api_get_description, api_post_read, api_post_command;
api_handler api_series, api_marks; /* devices/ID/series, .../marks */
api_handler api_events, api_site, api_duty, api_calendar, api_procedures;
api_handler api_report, api_report_page, api_report_alarms;
api_handler api_rules, api_rule, api_what_if; /* rules, rules/ID */
api_handler api_profiles;                     /* profiles, profiles/ID */
api_handler api_samples, api_backup;
/* jobs.c: commands on files of the gateway. */
api_handler api_check, api_explain_past, api_import, api_replay_history, api_replay_log;
api_handler api_sql, api_schema;
api_handler api_people; /* Session, users and tokens, whatever the method. */

/* ---- ticket_pack.c ---- */

/* The pack of a ticket; `name` is what stands behind tickets/ in the path. */
int api_ticket_pack(struct api *a,
                    const struct web_request *r,
                    const char *name,
                    struct strbuf *body,
                    struct err *err);

/* ---- stream.c ---- */

/* Whether an event of this name is about users and tokens: administrators only. */
bool api_is_of_people(const char *event);

/* For web_service. */
int64_t api_news(void *worker, struct web *w, int64_t after);

/* ---- people.c ---- */

/* Who asks; an error is one of the disk. */
int api_caller(struct api *a, const struct web_request *r, struct err *err);
bool api_still(void *worker, const char *key);
/* What api_still() will be asked: how this caller came in. */
void api_stream_key(char out[WEB_KEY_BYTES], const struct web_request *r);

#endif
