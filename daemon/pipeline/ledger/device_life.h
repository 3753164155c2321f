/* The whole life of a device as one JSON object: what the ledger knows of it, how it is
 * now, what is open, what was done, and what it cost.  From the site and state.db; how
 * it is now is handed in, because only a running daemon knows.
 *
 *   id name type role location tags serves care parent bus unit profile currency
 *   ledger        as in the listing of the ledger, "maker" to "sources"
 *   state         as in the listing of devices, with causes and points; or null
 *   documents     with those that were removed
 *   alterations   number day what effect made_by by added_at
 *   counters      what rules count of it: call, hours or starts, and since_service
 *   alarms        rule state severity episodes raised_at;  episodes: of all of them
 *   open_tickets faults maintenance    tickets, see below
 *   planned       visits that are due: ticket plan due_at
 *   plans         those that go to it: plan title due last_done statutory ...
 *   costs         parts work total minutes tickets, and of them unplanned and planned
 *   history       all of it in order of time: t what number title result
 *
 * A ticket: number kind rule priority state plan due_at opened_at responded_at
 * resolved_at closed_at title symptom cause treatment parts minutes cost total by
 * reopened rating, absent where they say nothing.  `cost` is beside the parts; `total`
 * is with them.  Money is in the currency, with two digits behind the point. */
#ifndef CARETAKER_PIPELINE_DEVICE_LIFE_H
#define CARETAKER_PIPELINE_DEVICE_LIFE_H

#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/store/state.h"

struct life_options {
    const char *now; /* The listing of devices, with this one alone; NULL: unknown. */
    int64_t now_ms;
    int64_t limit; /* The newest so many of faults, maintenance and history; 0: all. */
};

/* `store` may be NULL: nothing was written yet.  ERR_NOT_FOUND: no such device. */
int device_life_json(const struct site *site,
                     struct state *store,
                     const char *id,
                     const struct life_options *options,
                     struct strbuf *out,
                     struct err *err);

/* A limit as people write it; NULL is 0. */
int life_limit_parse(int64_t *out, const char *text, struct err *err);

#endif
