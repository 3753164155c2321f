#include "daemon/publish/mqtt_link.h"

#include <MQTTAsync.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"

#define QOS                   1
#define SLOTS                 (LINK_WINDOW + 2) /* "online" and "offline" come on top. */
#define KEEP_ALIVE_S          20
#define CONNECT_TIMEOUT_S     10
#define MAX_BUFFERED_MESSAGES (4 * SLOTS) /* paho counts those in flight too. */
#define REFUSED_FROM          0x80        /* MQTT 5.0, 2.4: reason codes of failure. */

enum slot_state { SLOT_FREE, SLOT_SENT, SLOT_ACKNOWLEDGED, SLOT_REFUSED };

struct slot {
    struct mqtt_link *link;
    int64_t id;
    enum slot_state state;
    int reason; /* Why it was refused. */
};

struct mqtt_link {
    struct mqtt_link_spec spec;
    MQTTAsync anchor; /* Never connected; keeps paho's threads from ending with the
                         last client, and from racing with the next one. */
    MQTTAsync client; /* NULL while idle. */

    pthread_mutex_t lock; /* Guards all below. */
    enum link_state state;
    size_t window;
    char reason[ERR_TEXT_BYTES];
    struct slot slots[SLOTS];
};

static void
wake(const struct mqtt_link *l)
{
    uint64_t one = 1;
    ssize_t n = write(l->spec.wake_fd, &one, sizeof one);
    assert(n == (ssize_t)sizeof one || errno == EAGAIN);
}

/* Library errors are negative, reason codes of the protocol are not. */
static const char *
code_text(int code)
{
    const char *text = code < 0 ? MQTTAsync_strerror(code)
                                : MQTTReasonCode_toString((enum MQTTReasonCodes)code);
    return text != NULL ? text : "unknown";
}

static void
set_lost(struct mqtt_link *l, const char *reason)
{
    if (l->state == LINK_CONNECTING || l->state == LINK_UP) {
        l->state = LINK_LOST;
        if (reason != NULL) {
            snprintf(l->reason, sizeof l->reason, "%s", reason);
        }
    }
}

static void
on_connected(void *context, MQTTAsync_successData5 *data)
{
    struct mqtt_link *l = context;
    pthread_mutex_lock(&l->lock);
    l->state = LINK_UP;
    l->window = LINK_WINDOW;
    if (MQTTProperties_hasProperty(&data->properties,
                                   MQTTPROPERTY_CODE_RECEIVE_MAXIMUM)) {
        int64_t max = MQTTProperties_getNumericValue(&data->properties,
                                                     MQTTPROPERTY_CODE_RECEIVE_MAXIMUM);
        if (max > 0 && max < LINK_WINDOW) {
            l->window = (size_t)max;
        }
    }
    snprintf(l->reason, sizeof l->reason, "the connection was lost");
    pthread_mutex_unlock(&l->lock);
    wake(l);
}

static void
on_connect_failed(void *context, MQTTAsync_failureData5 *data)
{
    struct mqtt_link *l = context;
    char reason[ERR_TEXT_BYTES] = "no connection";
    if (data != NULL && (data->code > 0 || data->message == NULL)) {
        snprintf(reason, sizeof reason, "no connection: %s", code_text(data->code));
    } else if (data != NULL) {
        snprintf(reason, sizeof reason, "no connection: %s", data->message);
    }
    pthread_mutex_lock(&l->lock);
    set_lost(l, reason);
    pthread_mutex_unlock(&l->lock);
    wake(l);
}

static void
on_lost(void *context, char *cause)
{
    struct mqtt_link *l = context;
    pthread_mutex_lock(&l->lock);
    set_lost(l, cause);
    pthread_mutex_unlock(&l->lock);
    wake(l);
}

/* The broker says goodbye; the loss of the connection follows. */
static void
on_disconnect_packet(void *context, MQTTProperties *properties, enum MQTTReasonCodes rc)
{
    struct mqtt_link *l = context;
    (void)properties;
    pthread_mutex_lock(&l->lock);
    snprintf(l->reason, sizeof l->reason, "the broker ended it: %s",
             code_text((int)rc));
    pthread_mutex_unlock(&l->lock);
}

static void
on_acknowledged(void *context, MQTTAsync_successData5 *data)
{
    struct slot *slot = context;
    struct mqtt_link *l = slot->link;
    (void)data;
    pthread_mutex_lock(&l->lock);
    if (slot->state == SLOT_SENT) {
        slot->state = slot->id == LINK_NO_ID ? SLOT_FREE : SLOT_ACKNOWLEDGED;
    }
    pthread_mutex_unlock(&l->lock);
    wake(l);
}

static void
on_not_acknowledged(void *context, MQTTAsync_failureData5 *data)
{
    struct slot *slot = context;
    struct mqtt_link *l = slot->link;
    int reason = data != NULL ? (int)data->reasonCode : 0;
    pthread_mutex_lock(&l->lock);
    if (slot->state == SLOT_SENT && reason >= REFUSED_FROM) {
        slot->state = SLOT_REFUSED;
        slot->reason = reason;
    } else {
        /* The connection broke before the answer came: it is sent again. */
        set_lost(l, NULL);
    }
    pthread_mutex_unlock(&l->lock);
    wake(l);
}

/* A command for the loop.  What cannot be one, and what finds no room, is dropped: the
 * sender sees no change and asks again. */
static int
on_message(void *context, char *topic, int topic_size, MQTTAsync_message *message)
{
    struct mqtt_link *l = context;
    char text[LINK_COMMAND_MAX + 1];
    (void)topic_size;
    if (message->payloadlen > 0 && message->payloadlen <= LINK_COMMAND_MAX) {
        size_t size = (size_t)message->payloadlen;
        memcpy(text, message->payload, size);
        text[size] = '\0';
        if (memchr(text, '\0', size) == NULL) {
            ring_push(l->spec.commands, text, size + 1);
        }
    }
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void
on_subscribe_failed(void *context, MQTTAsync_failureData5 *data)
{
    struct mqtt_link *l = context;
    log_warning("mqtt %s: no commands from %s: %s", l->spec.uri, l->spec.command_topic,
                code_text(data != NULL ? (int)data->reasonCode : -1));
}

static int
make_client(const struct mqtt_link *l, MQTTAsync *out, const char *client_id)
{
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
    options.maxBufferedMessages = MAX_BUFFERED_MESSAGES;
    return MQTTAsync_createWithOptions(out, l->spec.uri, client_id,
                                       MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
}

int
mqtt_link_new(struct mqtt_link **out, const struct mqtt_link_spec *spec, struct err *e)
{
    struct mqtt_link *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return err_set(e, ERR_NOMEM, "%s", spec->uri);
    }
    l->spec = *spec;
    pthread_mutex_init(&l->lock, NULL);
    for (size_t i = 0; i < SLOTS; i++) {
        l->slots[i].link = l;
    }
    int rc = make_client(l, &l->anchor, "caretaker-anchor");
    if (rc != MQTTASYNC_SUCCESS) {
        mqtt_link_free(l);
        return err_set(e, ERR_CONFIG, "broker %s: %s", spec->uri, code_text(rc));
    }
    *out = l;
    return 0;
}

void
mqtt_link_free(struct mqtt_link *l)
{
    if (l == NULL) {
        return;
    }
    mqtt_link_drop(l);
    if (l->anchor != NULL) {
        MQTTAsync_destroy(&l->anchor);
    }
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static int
start_client(struct mqtt_link *l)
{
    const struct mqtt_link_spec *spec = &l->spec;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    int rc = make_client(l, &l->client, spec->client_id);
    if (rc != MQTTASYNC_SUCCESS) {
        l->client = NULL;
        return rc;
    }
    MQTTAsync_setConnectionLostCallback(l->client, l, on_lost);
    MQTTAsync_setDisconnected(l->client, l, on_disconnect_packet);
    MQTTAsync_setMessageArrivedCallback(l->client, l, on_message);
    will.topicName = spec->will_topic;
    will.message = spec->will;
    will.retained = 1;
    will.qos = QOS;
    options.will = &will;
    options.keepAliveInterval = KEEP_ALIVE_S;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.cleanstart = 1;
    options.username = spec->username;
    options.password = spec->password;
    options.onSuccess5 = on_connected;
    options.onFailure5 = on_connect_failed;
    options.context = l;
    if (strncmp(spec->uri, "ssl://", 6) == 0) {
        tls.trustStore = spec->ca_file;
        tls.verify = 1; /* The name in the certificate too. */
        options.ssl = &tls;
    }
    return MQTTAsync_connect(l->client, &options);
}

void
mqtt_link_connect(struct mqtt_link *l)
{
    assert(l->client == NULL);
    pthread_mutex_lock(&l->lock);
    assert(l->state == LINK_IDLE);
    l->state = LINK_CONNECTING;
    pthread_mutex_unlock(&l->lock);
    int rc = start_client(l);
    if (rc != MQTTASYNC_SUCCESS) {
        pthread_mutex_lock(&l->lock);
        set_lost(l, code_text(rc));
        pthread_mutex_unlock(&l->lock);
        wake(l);
    }
}

enum link_state
mqtt_link_state(struct mqtt_link *l, char *reason)
{
    pthread_mutex_lock(&l->lock);
    enum link_state state = l->state;
    if (state == LINK_LOST) {
        snprintf(reason, ERR_TEXT_BYTES, "%s", l->reason);
    }
    pthread_mutex_unlock(&l->lock);
    return state;
}

int64_t
mqtt_link_drop(struct mqtt_link *l)
{
    int64_t lowest = LINK_ID_LIMIT;
    if (l->client != NULL) {
        MQTTAsync_destroy(&l->client); /* No callback of it comes after this. */
        l->client = NULL;
    }
    pthread_mutex_lock(&l->lock);
    l->state = LINK_IDLE;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &l->slots[i];
        if (slot->state != SLOT_SENT && slot->state != SLOT_REFUSED) {
            continue;
        }
        if (slot->id != LINK_NO_ID && slot->id < lowest) {
            lowest = slot->id;
        }
        slot->state = SLOT_FREE;
    }
    pthread_mutex_unlock(&l->lock);
    return lowest;
}

static size_t
count_slots(const struct mqtt_link *l, enum slot_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        count += l->slots[i].state == state;
    }
    return count;
}

size_t
mqtt_link_room(struct mqtt_link *l)
{
    pthread_mutex_lock(&l->lock);
    size_t room = 0;
    if (l->state == LINK_UP) {
        size_t taken = SLOTS - count_slots(l, SLOT_FREE);
        room = taken < l->window ? l->window - taken : 0;
    }
    pthread_mutex_unlock(&l->lock);
    return room;
}

size_t
mqtt_link_in_flight(struct mqtt_link *l)
{
    pthread_mutex_lock(&l->lock);
    size_t count = count_slots(l, SLOT_SENT);
    pthread_mutex_unlock(&l->lock);
    return count;
}

void
mqtt_link_subscribe(struct mqtt_link *l)
{
    if (l->spec.command_topic == NULL) {
        return;
    }
    MQTTAsync_responseOptions answer = MQTTAsync_responseOptions_initializer;
    answer.onFailure5 = on_subscribe_failed;
    answer.context = l;
    int rc = MQTTAsync_subscribe(l->client, l->spec.command_topic, QOS, &answer);
    if (rc != MQTTASYNC_SUCCESS) {
        log_warning("mqtt %s: no commands from %s: %s", l->spec.uri,
                    l->spec.command_topic, code_text(rc));
    }
}

static struct slot *
take_slot(struct mqtt_link *l, int64_t id)
{
    struct slot *found = NULL;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; found == NULL && l->state == LINK_UP && i < SLOTS; i++) {
        if (l->slots[i].state == SLOT_FREE) {
            found = &l->slots[i];
            found->state = SLOT_SENT;
            found->id = id;
        }
    }
    pthread_mutex_unlock(&l->lock);
    return found;
}

bool
mqtt_link_send(struct mqtt_link *l,
               int64_t id,
               const char *topic,
               const char *payload,
               bool retain)
{
    MQTTAsync_responseOptions answer = MQTTAsync_responseOptions_initializer;
    size_t size = strlen(payload);
    assert(size <= INT32_MAX);
    struct slot *slot = take_slot(l, id);
    if (slot == NULL) {
        return false;
    }
    answer.onSuccess5 = on_acknowledged;
    answer.onFailure5 = on_not_acknowledged;
    answer.context = slot;
    int rc = MQTTAsync_send(l->client, topic, (int)size, payload, QOS, retain ? 1 : 0,
                            &answer);
    if (rc == MQTTASYNC_SUCCESS) {
        return true;
    }
    pthread_mutex_lock(&l->lock);
    slot->state = SLOT_FREE;
    set_lost(l, code_text(rc));
    pthread_mutex_unlock(&l->lock);
    wake(l);
    return false;
}

bool
mqtt_link_acknowledged(struct mqtt_link *l, int64_t *id)
{
    bool found = false;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < SLOTS; i++) {
        const struct slot *slot = &l->slots[i];
        if (slot->state == SLOT_ACKNOWLEDGED && (!found || slot->id < *id)) {
            *id = slot->id;
            found = true;
        }
    }
    pthread_mutex_unlock(&l->lock);
    return found;
}

void
mqtt_link_release(struct mqtt_link *l, int64_t id)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &l->slots[i];
        if (slot->state == SLOT_ACKNOWLEDGED && slot->id == id) {
            slot->state = SLOT_FREE;
            break;
        }
    }
    pthread_mutex_unlock(&l->lock);
}

bool
mqtt_link_refused(struct mqtt_link *l, int64_t *id, char *reason)
{
    bool found = false;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; !found && i < SLOTS; i++) {
        struct slot *slot = &l->slots[i];
        if (slot->state == SLOT_REFUSED) {
            *id = slot->id;
            snprintf(reason, ERR_TEXT_BYTES, "the broker refused a message: %s",
                     code_text(slot->reason));
            slot->state = SLOT_FREE;
            found = true;
        }
    }
    pthread_mutex_unlock(&l->lock);
    return found;
}
