/* One request on its way in and its answer on the way out. */
#ifndef CARETAKER_WEB_EXCHANGE_H
#define CARETAKER_WEB_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>

#include "daemon/web/web.h"
#include "daemon/web/workers.h"

struct door;

struct exchange {
    struct job job; /* First: a job is an exchange. */
    struct door *door;
    struct MHD_Connection *connection;
    bool strange;                  /* Its path holds what no path of ours does. */
    bool begun;                    /* Its head was looked at. */
    bool done;                     /* A worker has answered. */
    bool counted;                  /* Among what the door owes. */
    bool crowded;                  /* There was no room for its body. */
    size_t held_body, held_answer; /* Its shares of the house's. */
    struct web_needs needs;
    struct strbuf body;
    size_t body_bytes; /* Seen, kept or not. */
    char *path;
    const char *method;
    char peer[WEB_REMOTE_BYTES];
    unsigned status;
    struct web_answer answer;
    struct strbuf out;
};

/* ---- exchange.c: what libmicrohttpd calls; `door` is a struct door. ---- */

/* The first that is heard of a request: its path as it was sent. */
void *exchange_on_uri(void *door, const char *uri, struct MHD_Connection *c);
enum MHD_Result exchange_on_request(void *door,
                                    struct MHD_Connection *c,
                                    const char *path,
                                    const char *method,
                                    const char *version,
                                    const char *bytes,
                                    size_t *size,
                                    void **state);
void exchange_on_completed(void *door,
                           struct MHD_Connection *c,
                           void **state,
                           enum MHD_RequestTerminationCode how);

/* ---- reply.c: answers of every kind; each takes what it is given to send. ---- */

enum MHD_Result
reply_problem(struct MHD_Connection *c, unsigned status, const char *detail);
/* 400, and hangs up: what comes behind may be no request. */
enum MHD_Result reply_doubtful(struct MHD_Connection *c, const char *detail);
enum MHD_Result reply_busy(struct MHD_Connection *c, const char *detail);
/* A file of the page; `head`: without its bytes is libmicrohttpd's doing. */
enum MHD_Result reply_page(struct MHD_Connection *c, const char *path);
/* What a worker made. */
enum MHD_Result reply_answer(struct exchange *x);

/* ---- held.c: what all connections together may hold. ---- */

#define EXCHANGE_BUSY N_("the gateway is too busy; try again soon")

/* `bytes` more of its body are to be kept.  False: there is no room for them; what was
 * kept is given up, and `crowded` says so. */
bool held_take_body(struct exchange *x, size_t bytes);
/* The answer was made: its body is done with.  What was looked up, and is too much
 * beside what others are being sent, becomes a 503. */
void held_check_answer(struct exchange *x);
void held_let_go(struct exchange *x);

#endif
