/* Users and tokens as JSON arrays: all but what is secret.  Appended to `out`. */
#ifndef CARETAKER_PIPELINE_PEOPLE_JSON_H
#define CARETAKER_PIPELINE_PEOPLE_JSON_H

#include "daemon/base/strbuf.h"
#include "daemon/store/state.h"

int people_users_json(struct state *reader, struct strbuf *out, struct err *err);
/* `user` NULL: of all. */
int people_tokens_json(struct state *reader,
                       const char *user,
                       int64_t now_ms,
                       struct strbuf *out,
                       struct err *err);

#endif
