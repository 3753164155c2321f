/* One MQTT 5 connection and the messages in flight on it.
 *
 * Used by one thread.  paho calls back on threads of its own and holds its mutex while
 * it does, so what crosses is a lock of ours, taken last by everybody and never held
 * during a call to paho; then `wake_fd` is written.
 *
 * Each connection is a new paho client: an old one keeps commands that it had queued
 * and would send them, out of order, on the next connection. */
#ifndef CARETAKER_PUBLISH_MQTT_LINK_H
#define CARETAKER_PUBLISH_MQTT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/ring.h"

#define LINK_WINDOW      64   /* Messages in flight; the broker may allow fewer. */
#define LINK_COMMAND_MAX 4096 /* Bytes of a message that comes in; longer: dropped. */
#define LINK_NO_ID       0    /* For messages that nobody waits for. */
#define LINK_ID_LIMIT    INT64_MAX

struct mqtt_link;

/* Everything is borrowed until mqtt_link_free(). */
struct mqtt_link_spec {
    const char *uri; /* tcp://HOST:PORT or ssl://HOST:PORT */
    const char *client_id;
    const char *username, *password; /* May be NULL. */
    const char *ca_file;             /* NULL: those of the system. */
    const char *will_topic, *will;   /* Retained, QoS 1. */
    int wake_fd;                     /* An eventfd. */
    const char *command_topic;       /* NULL: nothing is subscribed. */
    struct ring *commands;           /* Where its messages go, as text with a NUL. */
};

enum link_state {
    LINK_IDLE,
    LINK_CONNECTING,
    LINK_UP,
    LINK_LOST /* Or never came up; mqtt_link_drop() before the next try. */
};

int
mqtt_link_new(struct mqtt_link **out, const struct mqtt_link_spec *spec, struct err *e);
void mqtt_link_free(struct mqtt_link *l); /* NULL is accepted. */

/* Begins to connect.  From LINK_IDLE only. */
void mqtt_link_connect(struct mqtt_link *l);
/* `reason` of ERR_TEXT_BYTES tells of LINK_LOST. */
enum link_state mqtt_link_state(struct mqtt_link *l, char *reason);
/* Ends the connection, politely if it is up.  Messages that were not acknowledged are
 * forgotten; returns the lowest id of them, or LINK_ID_LIMIT. */
int64_t mqtt_link_drop(struct mqtt_link *l);

/* How many messages may be sent now, and how many wait for their receipt. */
size_t mqtt_link_room(struct mqtt_link *l);
size_t mqtt_link_in_flight(struct mqtt_link *l);
/* Asks for the messages of `command_topic`, QoS 1; once a connection, when it is up. */
void mqtt_link_subscribe(struct mqtt_link *l);
/* QoS 1.  Copies.  False when it was not taken. */
bool mqtt_link_send(struct mqtt_link *l,
                    int64_t id,
                    const char *topic,
                    const char *payload,
                    bool retain);

/* An acknowledged message; it is told again until it is released. */
bool mqtt_link_acknowledged(struct mqtt_link *l, int64_t *id);
void mqtt_link_release(struct mqtt_link *l, int64_t id);
/* A message that the broker refused, once; `reason` of ERR_TEXT_BYTES says why. */
bool mqtt_link_refused(struct mqtt_link *l, int64_t *id, char *reason);

#endif
