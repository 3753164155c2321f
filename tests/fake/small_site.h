/* A site small enough to read: what alarms and tickets need to know of one. */
#ifndef CARETAKER_TESTS_FAKE_SMALL_SITE_H
#define CARETAKER_TESTS_FAKE_SMALL_SITE_H

#include "daemon/model/site.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

enum { LIFT_1, PUMP_1, PUMP_2, SMALL_SITE_DEVICES };
enum {
    BEARING_HOT, /* Responds within 10 min, team mechanical, verified after 30 min. */
    DRY_RUN,     /* Everything by the priority, verified after 5 min, follow-up 2 d. */
    LOCKED,      /* As DRY_RUN; in the group "trip", with the next. */
    TRIPPED,     /* As DRY_RUN. */
    VIBRATION,   /* As DRY_RUN, follow-up 7 d. */
    SMALL_SITE_RULES
};

/* Promises: critical 15m/30m, urgent 30m/2h, normal 2h/24h.  Returns static data. */
const struct site *small_site(void);

#endif
