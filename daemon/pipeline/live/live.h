/* The live daemon: the loop thread that owns all state, and the threads around it.
 *
 *   bus workers --frames--> loop --changes--> state.db --outbox--> publisher
 *                             |---frames----> history thread
 *   web thread  --requests--> loop (answered after the commit)
 */
#ifndef CARETAKER_PIPELINE_LIVE_H
#define CARETAKER_PIPELINE_LIVE_H

#include "daemon/base/diag.h"
#include "daemon/base/err.h"

/* Runs the site of `path` until SIGTERM or SIGINT, reloads it at SIGHUP.  Errors of the
 * configuration go to `diags` (ERR_CONFIG).  `program` is this binary: what the API is
 * asked to do with files is done by a process of it; NULL: that is refused. */
int
live_run(const char *path, const char *program, struct diags *diags, struct err *err);

#endif
