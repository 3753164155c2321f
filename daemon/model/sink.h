/* Where the stages put what they decided.  Called in order; everything is borrowed for
 * the length of the call.  The daemon writes it to the store, replay prints it. */
#ifndef CARETAKER_MODEL_SINK_H
#define CARETAKER_MODEL_SINK_H

#include "daemon/model/alarm.h"
#include "daemon/model/event.h"
#include "daemon/model/ledger.h"
#include "daemon/model/photo.h"
#include "daemon/model/plan.h"
#include "daemon/model/ticket.h"

struct sink {
    void *ctx;
    void (*event)(void *ctx, const struct event *e);
    /* NULL where only the events are wanted.  The alarm as it is now; ALARM_NORMAL: it
     * has left the listing. */
    void (*alarm)(void *ctx, const struct alarm *a);
    /* NULL where only the events are wanted. */
    void (*ticket)(void *ctx, const struct ticket *t);
    /* NULL where only the events are wanted.  A device out of service, or back. */
    void (*service)(void *ctx, const struct service *s);
    /* NULL where only the events are wanted.  What somebody changed of the ledger. */
    void (*ledger)(void *ctx, const struct ledger_row *row);
    /* NULL where only the events are wanted.  A photo was added. */
    void (*photo)(void *ctx, const struct photo *p);
    /* NULL where only the events are wanted.  A plan on a device as it is now. */
    void (*plan)(void *ctx, const struct plan_row *p);
};

#endif
