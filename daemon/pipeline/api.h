/* What the handlers of the API share.  Those that are more than a few lines are in a
 * file of their own, api_NAME.c, and have one line in the table of api.c.
 *
 * A handler fills `body` and returns the HTTP status; it runs on a thread of the web
 * side, with `l->reader` for state.db.  What reads the history opens a reader of its
 * own.  The site is borrowed under `l->site_lock`; what takes long borrows it with
 * site_share() instead, so that a reload need not wait. */
#ifndef CARETAKER_PIPELINE_API_H
#define CARETAKER_PIPELINE_API_H

#include "daemon/pipeline/live_inside.h"

/* The error as problem details, whatever `body` held; returns its HTTP status. */
unsigned api_problem(struct strbuf *body, const struct err *err);
/* Hands the request to the loop and waits for its answer, which goes to `body`. */
unsigned api_ask_loop(struct live *l, struct request *request, struct strbuf *body);
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

/* The site as it is now, for whoever takes long; site_free() gives it back. */
struct site *api_share_site(struct live *l);

typedef unsigned
api_handler(struct live *l, const struct web_request *r, struct strbuf *body);
api_handler api_series;                                     /* GET devices/ID/series */
api_handler api_marks;                                      /* GET devices/ID/marks */
api_handler api_events;                                     /* GET events */
api_handler api_site;                                       /* GET site */
api_handler api_report, api_report_page, api_report_alarms; /* GET report, .. */
api_handler api_duty;                                       /* GET duty */
api_handler api_procedures;                                 /* GET procedures */

api_handler api_rules;    /* GET rules */
api_handler api_rule;     /* GET rules/ID */
api_handler api_what_if;  /* POST what-if */
api_handler api_profiles; /* GET profiles, .../ID */
api_handler api_samples;  /* GET samples */

#endif
