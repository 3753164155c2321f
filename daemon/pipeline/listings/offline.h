/* What the databases know when no daemon answers, in the daemon's own JSON. */
#ifndef CARETAKER_PIPELINE_OFFLINE_H
#define CARETAKER_PIPELINE_OFFLINE_H

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/ledger/device_life.h"
#include "daemon/pipeline/ledger/ledger_list.h"
#include "daemon/pipeline/listings/listings.h"
#include "daemon/pipeline/listings/ticket_listing.h"
#include "daemon/pipeline/plan/plan_listing.h"

/* A data folder without databases gives empty listings: nothing was ever recorded. */
int offline_listing_alarms(const struct site *site,
                           const struct alarm_filter *filter,
                           struct strbuf *out,
                           struct err *err);
/* In pieces, see ticket_listing.h; what `take` returns, if not 0, ends it. */
typedef int (*offline_take_fn)(void *ctx,
                               const char *bytes,
                               size_t size,
                               struct err *err);
int offline_listing_tickets(const struct site *site,
                            const struct ticket_filter *filter,
                            offline_take_fn take,
                            void *ctx,
                            struct err *err);
int offline_listing_plan(const struct site *site,
                         const struct plan_filter *filter,
                         struct strbuf *out,
                         struct err *err);
int
offline_listing_service(const struct site *site, struct strbuf *out, struct err *err);
/* `parts.points`: each with what the history last knew of its points. */
int offline_listing_devices(const struct site *site,
                            const struct device_filter *filter,
                            struct device_parts parts,
                            struct strbuf *out,
                            struct err *err);
int offline_listing_ledger(const struct site *site,
                           const struct ledger_filter *filter,
                           int64_t now_ms,
                           struct strbuf *out,
                           struct err *err);
/* options->now is filled in: what the history last knew of the device. */
int offline_device_life(const struct site *site,
                        const char *id,
                        const struct life_options *options,
                        struct strbuf *out,
                        struct err *err);
int offline_status(const struct site *site, struct strbuf *out, struct err *err);

#endif
