/* The command "stats": what ports and units counted, for people and for programs. Pure.
 *
 *   stats                    ok requests=12 answers=11 violations=1 silent=0 ...
 *   stats by port            port=127.0.0.1:15020 requests=12 ...
 *                            port=/run/sim/line requests=0 ...
 *                            ok
 *   stats pump by unit json  {"port":"...","unit":3,"id":"pump","requests":12,...}
 *                            ok */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_STATS_H
#define CARETAKER_COLLECTORS_SIMULATOR_STATS_H

#include "collectors/simulator_target.h"
#include "daemon/base/strbuf.h"

#define STATS_ROWS_MAX 100000 /* An answer is made in one piece: 30 MB of JSON. */

/* `words`: [UNIT] [by port|unit] [json].  Requests for units that nobody has count for
 * their port, unless a UNIT is named.  Lines end in '\n' but for the last one. */
int simulator_stats_say(struct strbuf *out,
                        const struct control_target *target,
                        char *const *words,
                        uint32_t count,
                        struct err *err);

#endif
