/* A fresh state.db that a replay fills: the reports and listings of the daemon on
 * recorded samples.  Nothing goes outside. */
#ifndef CARETAKER_PIPELINE_REPLAY_STATE_H
#define CARETAKER_PIPELINE_REPLAY_STATE_H

#include "daemon/base/err.h"
#include "daemon/model/sink.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/pipeline.h"

struct replay_state;

/* Makes the folder; one that has anything in it is refused (ERR_REFUSED): no journal is
 * ever mixed with a replay.  `site` is borrowed until replay_state_close() and forgets
 * its broker. */
int replay_state_open(struct replay_state **out,
                      const char *dir,
                      struct site *site,
                      struct err *err);
/* What the pipeline tells goes here. */
const struct sink *replay_state_sink(struct replay_state *s);
/* From when on it was watched: before anything else is told. */
int replay_state_begin(struct replay_state *s, int64_t t_ms, struct err *err);
/* Called after each step; writes when enough has come together. */
int replay_state_step(struct replay_state *s, int64_t t_ms, struct err *err);
/* The end: what the rules counted, and whatever is left. */
int replay_state_end(struct replay_state *s,
                     struct pipeline *p,
                     int64_t t_ms,
                     struct err *err);
void replay_state_close(struct replay_state *s); /* NULL is accepted. */

#endif
