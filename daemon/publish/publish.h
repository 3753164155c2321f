/* Outbox -> MQTT 5, on a thread of its own: in order, QoS 1, at least once, across
 * restarts and broker outages.  The thread reads the outbox by a connection of its own
 * and hands receipts back to the loop, which alone removes rows. */
#ifndef CARETAKER_PUBLISH_PUBLISH_H
#define CARETAKER_PUBLISH_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/ring.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/alarm.h"
#include "daemon/model/site.h"
#include "daemon/model/ticket.h"

struct publisher;

/* A record in the receipts ring. */
struct publish_receipt {
    int64_t outbox_id;
};

/* `dir` is the data folder; `site` and `receipts` are borrowed until publisher_stop().
 * With `mqtt.commands` each message on the command topic goes to `commands` as text
 * with its NUL (PUBLISH_COMMAND_BYTES at most); without, `commands` is not used. Does
 * not wait for the broker: it connects, and reconnects with back-off (1 s to 60 s), on
 * its thread.  Bad credentials files and TLS set-up fail at once. */
int publisher_start(struct publisher **out,
                    const struct site *site,
                    const char *dir,
                    struct ring *receipts,
                    struct ring *commands,
                    struct err *err);
/* Says "offline" on the status topic, waits at most `grace_ms` for receipts, and ends.
 */
void publisher_stop(struct publisher *p, int64_t grace_ms);
/* The outbox has new rows. Any thread. */
void publisher_wake(struct publisher *p);

#define PUBLISH_COMMAND_BYTES 4097

struct publisher_status {
    bool connected;
    uint64_t sent, acknowledged, reconnects;
    char last_error[ERR_TEXT_BYTES]; /* "" when there was none. */
};
void publisher_status(struct publisher *p, struct publisher_status *out);

/* Topics and payloads of design section 8; pure.  Segments are ids, so they need no
 * escaping. */
void publish_topic_alarm(struct strbuf *out,
                         const struct site *site,
                         const char *device,
                         const char *rule);
void publish_topic_ticket(struct strbuf *out, const struct site *site, int64_t number);
void publish_topic_event(struct strbuf *out, const struct site *site);
void publish_topic_command(struct strbuf *out, const struct site *site);
void publish_topic_status(struct strbuf *out, const struct site *site);

#endif
