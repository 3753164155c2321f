#include "daemon/publish/publish.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/publish/mqtt_link.h"
#include "daemon/store/state.h"

#define BACK_OFF_MIN_MS  1000
#define BACK_OFF_MAX_MS  60000
#define RECEIPT_RETRY_MS 100    /* The loop's ring was full. */
#define OUTBOX_RETRY_MS  1000   /* The outbox could not be read. */
#define REFUSED_RETRY_MS 300000 /* What the broker refused is offered again. */
#define SECRET_BYTES     1024   /* A password, or the start of a CA file. */
#define CLIENT_ID_BYTES  32
#define URI_BYTES        512
#define NEVER            INT64_MAX

struct publisher {
    struct ring *receipts;
    struct ring *commands;
    struct state *outbox; /* A reader of its own. */
    struct mqtt_link *link;
    pthread_t thread;
    int wake_fd;
    struct strbuf status_topic;
    struct strbuf command_topic;
    char uri[URI_BYTES];
    char client_id[CLIENT_ID_BYTES];
    char password[SECRET_BYTES];

    atomic_bool dirty; /* The outbox may have rows after the cursor. */
    atomic_bool stop;
    _Atomic int64_t grace_ms;

    pthread_mutex_t lock; /* Guards `status`. */
    struct publisher_status status;

    /* The thread's alone. */
    int64_t cursor; /* Id of the row sent last. */
    int64_t retry_ms, back_off_ms;
    int64_t receipts_ms, outbox_ms; /* When to try again; NEVER: nothing is wrong. */
    int64_t refused_ms, refused_id; /* Lowest id refused, and when to offer it again. */
    int64_t stop_ms;                /* NEVER until told to stop. */
    bool greeted, said_goodbye, finished, was_connected;
};

static void
note_error(struct publisher *p, const char *text)
{
    pthread_mutex_lock(&p->lock);
    bool is_new = strcmp(p->status.last_error, text) != 0;
    snprintf(p->status.last_error, sizeof p->status.last_error, "%s", text);
    pthread_mutex_unlock(&p->lock);
    if (is_new) { /* A broker that is away for a week is one line, not ten thousand. */
        log_warning("mqtt %s: %s", p->uri, text);
    }
}

static void
set_connected(struct publisher *p, bool connected)
{
    pthread_mutex_lock(&p->lock);
    if (connected && p->was_connected) {
        p->status.reconnects++;
    }
    p->status.connected = connected;
    pthread_mutex_unlock(&p->lock);
    p->was_connected = p->was_connected || connected;
}

static void
count_one(struct publisher *p, uint64_t *counter)
{
    pthread_mutex_lock(&p->lock);
    ++*counter;
    pthread_mutex_unlock(&p->lock);
}

/* A receipt that the loop has no room for stays in its slot, which slows the sending:
 * the loop falls behind, nothing is lost. */
static void
report_receipts(struct publisher *p, int64_t now)
{
    struct publish_receipt receipt = {0};
    p->receipts_ms = NEVER;
    while (mqtt_link_acknowledged(p->link, &receipt.outbox_id)) {
        if (!ring_push(p->receipts, &receipt, sizeof receipt)) {
            p->receipts_ms = now + RECEIPT_RETRY_MS;
            return;
        }
        mqtt_link_release(p->link, receipt.outbox_id);
        p->back_off_ms = BACK_OFF_MIN_MS;
        count_one(p, &p->status.acknowledged);
    }
}

/* A refused message is no reason to hold up the others.  It cannot be sent again on the
 * same connection (MQTT 5.0, 4.4), so a new one is made for it after a while. */
static void
take_refusals(struct publisher *p, int64_t now)
{
    char reason[ERR_TEXT_BYTES];
    int64_t id;
    while (mqtt_link_refused(p->link, &id, reason)) {
        note_error(p, reason);
        if (id != LINK_NO_ID && id < p->refused_id) {
            p->refused_id = id;
        }
        if (p->refused_ms == NEVER) {
            p->refused_ms = now + REFUSED_RETRY_MS;
        }
    }
}

static void
go_down(struct publisher *p, int64_t now)
{
    int64_t lowest = mqtt_link_drop(p->link);
    if (p->refused_id < lowest) {
        lowest = p->refused_id;
    }
    if (lowest != LINK_ID_LIMIT) {
        p->cursor = lowest - 1;
    }
    p->refused_id = LINK_ID_LIMIT;
    p->refused_ms = NEVER;
    p->outbox_ms = NEVER;
    p->greeted = false;
    atomic_store(&p->dirty, true);
    set_connected(p, false);
    p->retry_ms = now + p->back_off_ms;
    p->back_off_ms *= 2;
    if (p->back_off_ms > BACK_OFF_MAX_MS) {
        p->back_off_ms = BACK_OFF_MAX_MS;
    }
}

static bool
send_row(void *ctx, const struct outbox_row *row)
{
    struct publisher *p = ctx;
    if (!mqtt_link_send(p->link, row->id, row->topic, row->payload, row->retain)) {
        atomic_store(&p->dirty, true);
        return false;
    }
    p->cursor = row->id;
    count_one(p, &p->status.sent);
    return true;
}

/* Sends what the window takes.  With messages in flight it waits for half a window, so
 * that a backlog is not read row by row. */
static void
send_rows(struct publisher *p, int64_t now)
{
    struct err err = {0};
    size_t room = mqtt_link_room(p->link);
    if (room == 0 || (room < LINK_WINDOW / 2 && mqtt_link_in_flight(p->link) >= room)) {
        return;
    }
    if (!atomic_exchange(&p->dirty, false)) {
        return;
    }
    int64_t before = p->cursor;
    uint64_t sent = p->status.sent; /* Only this thread writes it. */
    p->outbox_ms = NEVER;
    if (state_each_outbox(p->outbox, before, (int64_t)room, send_row, p, &err) != 0) {
        note_error(p, err.text);
        atomic_store(&p->dirty, true);
        p->outbox_ms = now + OUTBOX_RETRY_MS;
    } else if (p->status.sent - sent == room) {
        atomic_store(&p->dirty, true); /* There may be more. */
    }
}

static void
say_status(struct publisher *p, const char *word)
{
    mqtt_link_send(p->link, LINK_NO_ID, strbuf_text(&p->status_topic), word, true);
}

static void
while_up(struct publisher *p, int64_t now)
{
    int64_t id;
    if (!p->greeted) {
        p->greeted = true;
        log_info("mqtt %s: connected", p->uri);
        set_connected(p, true);
        mqtt_link_subscribe(p->link);
        say_status(p, "online");
    }
    take_refusals(p, now);
    if (p->stop_ms == NEVER) {
        if (now >= p->refused_ms) {
            go_down(p, now);
            return;
        }
        send_rows(p, now);
        return;
    }
    if (!p->said_goodbye) {
        p->said_goodbye = true;
        send_rows(p, now);
        say_status(p, "offline");
    }
    bool all_told =
        mqtt_link_in_flight(p->link) == 0 && !mqtt_link_acknowledged(p->link, &id);
    p->finished = all_told || now >= p->stop_ms;
}

static void
step(struct publisher *p, int64_t now)
{
    char reason[ERR_TEXT_BYTES];
    if (p->stop_ms == NEVER && atomic_load(&p->stop)) {
        p->stop_ms = now + atomic_load(&p->grace_ms);
    }
    enum link_state state = mqtt_link_state(p->link, reason);
    report_receipts(p, now);
    switch (state) {
    case LINK_UP:
        while_up(p, now);
        return;
    case LINK_LOST:
        note_error(p, reason);
        go_down(p, now);
        break;
    case LINK_IDLE:
        if (p->stop_ms == NEVER && now >= p->retry_ms) {
            mqtt_link_connect(p->link);
        }
        break;
    case LINK_CONNECTING:
        break;
    }
    p->finished = p->stop_ms != NEVER;
}

static int64_t
next_due(struct publisher *p)
{
    char reason[ERR_TEXT_BYTES];
    int64_t due = p->receipts_ms;
    const int64_t others[] = {p->outbox_ms, p->refused_ms, p->stop_ms};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        due = others[i] < due ? others[i] : due;
    }
    if (mqtt_link_state(p->link, reason) == LINK_IDLE && p->retry_ms < due) {
        due = p->retry_ms;
    }
    return due;
}

static void
sleep_until(struct publisher *p, int64_t due)
{
    struct pollfd fd = {.fd = p->wake_fd, .events = POLLIN};
    int timeout = -1;
    uint64_t count;
    if (due != NEVER) {
        int64_t ms = due - clock_mono_ms();
        timeout = ms < 0 ? 0 : ms > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : (int)ms;
    }
    if (poll(&fd, 1, timeout) > 0) {
        ssize_t n = read(p->wake_fd, &count, sizeof count);
        assert(n == (ssize_t)sizeof count || errno == EAGAIN);
    }
}

static void *
run(void *arg)
{
    struct publisher *p = arg;
    while (!p->finished) {
        step(p, clock_mono_ms());
        if (!p->finished) {
            sleep_until(p, next_due(p));
        }
    }
    mqtt_link_drop(p->link);
    set_connected(p, false);
    report_receipts(p, 0);
    return NULL;
}

/* The first line of the file, without its end. */
static int
read_secret(char *out, const char *path, struct err *err)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return err_set(err, ERR_CONFIG, "%s: %s", path, err_reason(errno));
    }
    if (fgets(out, SECRET_BYTES, f) == NULL) {
        out[0] = '\0';
    }
    int failure = ferror(f);
    fclose(f);
    size_t size = strlen(out);
    bool too_long = size == SECRET_BYTES - 1 && out[size - 1] != '\n';
    out[strcspn(out, "\r\n")] = '\0';
    if (failure || out[0] == '\0' || too_long) {
        return err_set(err, ERR_CONFIG,
                       "%s: no password in its first line; at most %d bytes", path,
                       SECRET_BYTES - 2);
    }
    return 0;
}

/* paho would only say at each connection that something is wrong with TLS. */
static int
check_ca_file(const char *path, struct err *err)
{
    char line[SECRET_BYTES];
    bool found = false;
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return err_set(err, ERR_CONFIG, "%s: %s", path, err_reason(errno));
    }
    while (!found && fgets(line, sizeof line, f) != NULL) {
        found = strstr(line, "-----BEGIN ") != NULL;
    }
    fclose(f);
    return found ? 0 : err_set(err, ERR_CONFIG, "%s: no PEM certificate in it", path);
}

static int
make_uri(struct publisher *p, const struct mqtt_spec *mqtt, struct err *err)
{
    static const struct {
        const char *ours, *theirs;
    } schemes[] = {{"mqtt://", "tcp://"}, {"mqtts://", "ssl://"}};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t size = strlen(schemes[i].ours);
        if (strncmp(mqtt->broker, schemes[i].ours, size) == 0 &&
            strlen(mqtt->broker) < URI_BYTES) {
            snprintf(p->uri, URI_BYTES, "%s%s", schemes[i].theirs, mqtt->broker + size);
            return 0;
        }
    }
    return err_set(err, ERR_CONFIG,
                   "broker '%s'; accepted is mqtt://HOST:PORT or mqtts://HOST:PORT",
                   mqtt->broker);
}

static int
prepare(struct publisher *p, const struct site *site, const char *dir, struct err *err)
{
    const struct mqtt_spec *mqtt = &site->mqtt;
    int rc = make_uri(p, mqtt, err);
    if (rc == 0 && mqtt->password_file != NULL) {
        rc = read_secret(p->password, mqtt->password_file, err);
    }
    if (rc == 0 && mqtt->ca_file != NULL) {
        rc = check_ca_file(mqtt->ca_file, err);
    }
    if (rc == 0) {
        rc = state_open(&p->outbox, dir, STORE_READ, err);
    }
    if (rc != 0) {
        return rc;
    }
    p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->wake_fd < 0) {
        return err_set(err, ERR_IO, "eventfd: %s", err_reason(errno));
    }
    /* Not longer than the 23 bytes that every broker takes (MQTT 5.0, 3.1.3.1). */
    snprintf(p->client_id, sizeof p->client_id, "ct-%s", state_gateway_id(p->outbox));
    publish_topic_status(&p->status_topic, site);
    publish_topic_command(&p->command_topic, site);
    const struct mqtt_link_spec spec = {
        .uri = p->uri,
        .client_id = p->client_id,
        .username = mqtt->username,
        .password = mqtt->password_file != NULL ? p->password : NULL,
        .ca_file = mqtt->ca_file,
        .will_topic = strbuf_text(&p->status_topic),
        .will = "offline",
        .wake_fd = p->wake_fd,
        .command_topic = mqtt->commands ? strbuf_text(&p->command_topic) : NULL,
        .commands = p->commands};
    return mqtt_link_new(&p->link, &spec, err);
}

static void
free_publisher(struct publisher *p)
{
    mqtt_link_free(p->link);
    state_close(p->outbox);
    if (p->wake_fd >= 0) {
        close(p->wake_fd);
    }
    pthread_mutex_destroy(&p->lock);
    strbuf_fini(&p->status_topic);
    strbuf_fini(&p->command_topic);
    explicit_bzero(p->password, sizeof p->password);
    free(p);
}

int
publisher_start(struct publisher **out,
                const struct site *site,
                const char *dir,
                struct ring *receipts,
                struct ring *commands,
                struct err *err)
{
    struct err local = {0};
    assert(site->mqtt.enabled);
    struct publisher *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return err_set(err, ERR_NOMEM, "publisher");
    }
    p->receipts = receipts;
    p->commands = commands;
    p->wake_fd = -1;
    p->dirty = true;
    p->back_off_ms = BACK_OFF_MIN_MS;
    p->receipts_ms = p->outbox_ms = p->refused_ms = p->stop_ms = NEVER;
    p->refused_id = LINK_ID_LIMIT;
    pthread_mutex_init(&p->lock, NULL);
    int rc = prepare(p, site, dir, &local);
    if (rc == 0) {
        int failure = pthread_create(&p->thread, NULL, run, p);
        if (failure != 0) {
            rc = err_set(&local, ERR_IO, "publisher thread: %s", err_reason(failure));
        }
    }
    if (rc != 0) {
        free_publisher(p);
        return err_set(err, local.code, "mqtt: %s", local.text);
    }
    *out = p;
    return 0;
}

static void
wake(struct publisher *p)
{
    uint64_t one = 1;
    ssize_t n = write(p->wake_fd, &one, sizeof one);
    assert(n == (ssize_t)sizeof one || errno == EAGAIN);
}

void
publisher_stop(struct publisher *p, int64_t grace_ms)
{
    if (p == NULL) {
        return;
    }
    atomic_store(&p->grace_ms, grace_ms);
    atomic_store(&p->stop, true);
    wake(p);
    pthread_join(p->thread, NULL);
    free_publisher(p);
}

void
publisher_wake(struct publisher *p)
{
    atomic_store(&p->dirty, true);
    wake(p);
}

void
publisher_status(struct publisher *p, struct publisher_status *out)
{
    pthread_mutex_lock(&p->lock);
    *out = p->status;
    pthread_mutex_unlock(&p->lock);
}
