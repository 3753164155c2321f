/* Alarms, devices and points as JSON (design section 9), from state.db: the API and the
 * command line without a daemon give the same answer. */
#ifndef CARETAKER_PIPELINE_LISTINGS_H
#define CARETAKER_PIPELINE_LISTINGS_H

#include <stdbool.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/store/state.h"

struct alarm_filter { /* NULL: any. */
    const char *device, *rule, *severity, *state;
    bool details;         /* Rows of listing_alarm(), not of alarm_to_json(). */
    const char *language; /* Of the rule's texts; NULL: the site's. */
};
/* An array; each row is alarm_to_json() and, with `details` behind it, what a page
 * shows beside it:
 *
 *   device_name location area device_type          of the device; null where it is gone
 *   cause consequence action procedure team group unit   of the rule, in `language`;
 * `unit` is that of `value` respond_by resolve_by ticket_state assignee
 * of its ticket suppressed_by hidden_why                       of a hidden one
 *   titles                                         as titles.h writes them
 *   chattering
 *
 * ERR_RANGE: a filter names no severity, state or language, with what is accepted.
 * `store` may be NULL: nothing was written yet. */
int listing_alarms(const struct site *site,
                   struct state *store,
                   const struct alarm_filter *filter,
                   struct strbuf *out,
                   struct err *err);

/* One row of it.  `store` is read for its ticket. */
int listing_alarm(struct strbuf *out,
                  const struct site *site,
                  struct state *store,
                  const struct alarm *a,
                  enum language language,
                  struct err *err);

/* The devices that are out of service: device by reason since until. */
int listing_service(struct state *store, struct strbuf *out, struct err *err);

struct device_filter { /* NULL: any. */
    const char *device, *type, *state;
};
/* ERR_RANGE: it names no state of a device, with what is accepted. */
int device_filter_check(const struct device_filter *filter, struct err *err);
/* `state` as the listing says it: "online", "offline", "unknown". */
bool device_filter_fits(const struct device_filter *filter,
                        const struct device *d,
                        const char *state);

/* What a device's object has behind the fields that each one has. */
struct device_parts {
    bool points;  /* "points", with their present values. */
    bool causes;  /* "quarantined" "refused_points" "causes" "cause"
                     "out_of_service" */
    bool details; /* listing_place(); "title" and "titles" of each point */
};

/* "location" "area" "parent": where it stands, and which device feeds it; null where
 * the site does not say. */
void listing_place(struct strbuf *out, const struct site *site, const struct device *d);

/* What is known of a point, as a member of a "points" object under its id. */
struct point_now {
    double
        value; /* The last good one; meaningless while last_good_ms is INSTANT_NONE. */
    enum quality quality;
    uint8_t detail;
    int64_t last_good_ms;
};
void listing_point(struct strbuf *out,
                   const struct site *site,
                   const struct point *p,
                   const struct point_now *now,
                   bool details);

#endif
