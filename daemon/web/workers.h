/* Threads that answer requests, so that no door waits for a database or the loop.  Each
 * lane has a queue and threads of its own. */
#ifndef CARETAKER_WEB_WORKERS_H
#define CARETAKER_WEB_WORKERS_H

#include <stdbool.h>

#include "daemon/base/err.h"
#include "daemon/web/web.h"

/* One piece of work; in the caller's memory until `run` was called. */
struct job {
    /* `worker` is what web_service.open gave. */
    void (*run)(struct job *j, void *worker);
    struct job *next;
};

struct workers;
int
workers_start(struct workers **out, const struct web_service *service, struct err *err);
/* What waits is still run; nothing more is taken. */
void workers_stop(struct workers *w); /* NULL is accepted. */

/* False: too many wait already, or it is being stopped. */
bool workers_take(struct workers *w, struct job *j, enum web_lane lane);

#endif
