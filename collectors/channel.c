/* Asking, waiting and listening. */
#include "collectors/channel.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collectors/channel_inside.h"
#include "collectors/plan.h"
#include "collectors/serial.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"

/* USB adapters hand bytes on every 16 ms: a shorter silence proves nothing.  A network
 * holds them up for longer. */
#define QUIET_SERIAL_US 20000
#define QUIET_TCP_US    100000
#define PARTIAL_US      100000 /* An answer that stops for so long has ended. */
#define BABBLE_US       1000000
/* RTU over TCP: answers have no id there either, and what follows one closely, such as
 * its repetition, must not be the next one's.  The line behind it keeps its own. */
#define REMOTE_SILENCE_US 5000
#define DRAIN_READS       16
/* A pulled cable is noticed within two polls. */
#define SILENCES_MAX 2

struct poller_now
channel_now(const struct channel *ch)
{
    int64_t offset_ms =
        ch->args.clock != NULL
            ? atomic_load_explicit(&ch->args.clock->offset_ms, memory_order_relaxed)
            : 0;

    return (struct poller_now){.mono_us = ch->now_us,
                               .engine_ms = ch->now_us / 1000 + offset_ms};
}

static void
tap(struct channel *ch, bool sent, const uint8_t *bytes, size_t size)
{
    if (wire_tap_is_on(ch->args.tap)) {
        struct poller_now now = channel_now(ch);
        wire_tap_record(ch->args.tap, now.engine_ms * 1000 + ch->now_us % 1000,
                        ch->now_us, sent, bytes, size);
    }
}

/* ---- the end of a question ---- */

static void
count_late(struct channel *ch)
{
    CHANNEL_COUNT(ch->args.stats->wire.late, ch->reader.late - ch->late_counted);
    ch->late_counted = ch->reader.late;
}

static void
tell_echo(struct channel *ch)
{
    CHANNEL_SET(ch->args.stats->echo, ch->reader.echo);
    if (ch->reader.echo && !ch->echo_said) {
        ch->echo_said = true;
        if (!ch->args.quiet) {
            log_warning("bus %s: the line gives back what is sent (local echo); the "
                        "echo is left out",
                        ch->bus->id);
        }
    }
}

void
channel_hand_over(struct channel *ch)
{
    bool answered = ch->res.fault == WIRE_OK || ch->res.fault == WIRE_EXCEPTION;

    assert(ch->held);
    ch->held = false;
    ch->state = CHANNEL_IDLE;
    ch->due_us = INT64_MAX;
    ch->wake_us = ch->now_us;
    ch->res.took_us = ch->asked_us > 0 ? ch->now_us - ch->asked_us : 0;
    if (answered && ch->answers++ == 0 && !ch->serial) {
        channel_is_well(ch); /* An endpoint may accept and drop. */
    }
    if (ch->reader.framing == WIRE_RTU) {
        tell_echo(ch);
    }
    ch->args.user.answer(ch->args.user.arg, channel_now(ch), &ch->res, ch->args.answer);
}

/* The question has its result, and the line is quiet. */
static void
close_question(struct channel *ch)
{
    ch->silences = ch->heard ? 0 : ch->silences + 1;
    bool mute = !ch->serial && ch->silences >= SILENCES_MAX;
    channel_hand_over(ch);
    if (mute) {
        channel_reopen(ch);
    }
}

static int64_t
quiet_us(const struct channel *ch)
{
    int64_t least_us = ch->serial ? QUIET_SERIAL_US : QUIET_TCP_US;

    return ch->silence_us > least_us ? ch->silence_us : least_us;
}

static void
listen_on(struct channel *ch)
{
    int64_t quiet_at_us = ch->quiet_from_us + quiet_us(ch);

    ch->due_us = quiet_at_us > ch->listen_until_us ? quiet_at_us : ch->listen_until_us;
    if (ch->due_us > ch->listen_end_us) {
        ch->due_us = ch->listen_end_us;
    }
}

/* What may still come must not be taken for the next answer: RTU has no other mark than
 * silence.  Whatever came in its place, a glitch or a stranger's frame, the answer
 * itself is still to come, unless it did come, damaged. */
static void
listen_first(struct channel *ch)
{
    int64_t from_us = ch->deadline_us > ch->now_us ? ch->deadline_us : ch->now_us;

    ch->state = CHANNEL_LISTENING;
    ch->listen_until_us = ch->res.over ? ch->now_us : from_us + ch->ask.listen_us;
    ch->listen_end_us = ch->listen_until_us + BABBLE_US;
    listen_on(ch);
}

static void
finish(struct channel *ch)
{
    bool answered = ch->res.fault == WIRE_OK || ch->res.fault == WIRE_EXCEPTION;

    if (ch->reader.framing == WIRE_RTU && !answered) {
        listen_first(ch);
    } else {
        close_question(ch);
    }
}

/* ---- a question ---- */

static ssize_t
send_bytes(const struct channel *ch)
{
    const struct wire_reader *r = &ch->reader;

    if (ch->serial) {
        return write(ch->fd, r->question, r->question_size);
    }
    return send(ch->fd, r->question, r->question_size, MSG_NOSIGNAL);
}

static void
ask_now(struct channel *ch)
{
    struct wire_reader *r = &ch->reader;

    wire_ask(r, &ch->ask.q, ++ch->transaction);
    ch->state = CHANNEL_WAITING;
    ch->heard = false;
    ch->asked++;
    ch->asked_us = ch->now_us;
    /* The timeout is for the device's thinking: on a slow line, ours or a gateway's,
     * long answers would never be in time. */
    ch->deadline_us = ch->now_us + ch->ask.timeout_us +
                      plan_line_us(ch->bus, ch->ask.q.table, ch->ask.q.count);
    ch->due_us = ch->deadline_us;
    ch->quiet_from_us = ch->now_us + r->question_size * ch->character_us;
    ssize_t n = send_bytes(ch);
    if (n == r->question_size) {
        tap(ch, true, r->question, r->question_size);
    } else if (n < 0 && errno != EAGAIN) {
        channel_gone(ch, WIRE_LOST, err_reason(errno));
    } else {
        channel_gone(ch, WIRE_LOST, tr("the other end takes no bytes"));
    }
}

/* What came since is of no question.  False: the connection is gone. */
static bool
drain(struct channel *ch)
{
    if (ch->serial) {
        serial_flush_input(ch->fd);
        return true;
    }
    for (int i = 0; i < DRAIN_READS && ch->reader.framing == WIRE_RTU; i++) {
        size_t room;
        uint8_t *space = wire_space(&ch->reader, &room);
        ssize_t n = read(ch->fd, space, room);
        if (n == 0) {
            channel_gone(ch, WIRE_LOST, tr("connection closed"));
            return false;
        }
        if (n < 0) {
            break; /* Nothing; an error shows when the question is sent. */
        }
        tap(ch, false, space, (size_t)n);
    }
    return true;
}

/* Asks, once the line has been silent for as long as it must. */
static void
ask_in_time(struct channel *ch)
{
    int64_t at_us = ch->quiet_from_us + ch->silence_us + ch->ask.gap_us;

    ch->state = CHANNEL_GAP;
    ch->due_us = at_us < ch->gap_end_us ? at_us : ch->gap_end_us;
    if (ch->due_us > ch->now_us) {
        return;
    }
    if (drain(ch)) {
        ask_now(ch);
    }
}

static void
begin(struct channel *ch)
{
    ch->held = true;
    ch->asked_us = 0;
    ch->gap_end_us = INT64_MAX;
    if (ch->fd < 0) {
        channel_open_begin(ch);
        return;
    }
    ch->gap_end_us = ch->now_us + ch->ask.gap_us + ch->ask.timeout_us + BABBLE_US;
    ask_in_time(ch);
}

void
channel_is_open(struct channel *ch)
{
    ch->quiet_from_us = ch->now_us;
    ch->wake_us = ch->now_us;
    wire_reset(&ch->reader);
    ch->state = CHANNEL_IDLE;
    ch->due_us = INT64_MAX;
    if (ch->held) {
        begin(ch);
    }
}

/* Calls the user when it is time to. */
static void
look_for_work(struct channel *ch)
{
    int64_t wake_us = INT64_MAX;

    if (ch->held || ch->wake_us > ch->now_us) {
        return;
    }
    if (!ch->args.user.next(ch->args.user.arg, channel_now(ch), &ch->ask, &wake_us)) {
        ch->wake_us = wake_us;
        return;
    }
    assert(ch->told == LINE_UP);
    begin(ch);
}

/* ---- what comes ---- */

static void
take(struct channel *ch)
{
    struct wire_result res;
    enum wire_progress p = wire_take(&ch->reader, &res, ch->args.answer);

    if (ch->reader.late != ch->late_counted) {
        count_late(ch);
    }
    if (p == WIRE_BROKEN) {
        channel_gone(ch, WIRE_MALFORMED,
                     tr("what the other end sends is not Modbus TCP"));
        return;
    }
    if (ch->state == CHANNEL_LISTENING) {
        if (p == WIRE_DONE) {
            ch->res.late = true;
            ch->listen_until_us = ch->now_us; /* What was waited for has come. */
        }
        listen_on(ch);
    } else if (ch->state == CHANNEL_WAITING && p == WIRE_DONE) {
        ch->res = res;
        finish(ch);
    } else if (ch->state == CHANNEL_WAITING && wire_begun(&ch->reader) && ch->serial) {
        int64_t stop_us = 2 * ch->silence_us;
        stop_us = ch->now_us + (stop_us > PARTIAL_US ? stop_us : PARTIAL_US);
        ch->due_us = stop_us < ch->deadline_us ? stop_us : ch->deadline_us;
    }
}

static void
receive(struct channel *ch)
{
    size_t room;
    uint8_t *space = wire_space(&ch->reader, &room);
    ssize_t n = read(ch->fd, space, room);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        const char *gone =
            ch->serial ? tr("the port is gone") : tr("connection closed");
        channel_gone(ch, WIRE_LOST, n == 0 ? gone : err_reason(errno));
        return;
    }
    tap(ch, false, space, (size_t)n);
    wire_filled(&ch->reader, (size_t)n);
    ch->heard = true;
    ch->quiet_from_us = ch->now_us;
    if (ch->serial && ch->health.failures > 0) {
        channel_is_well(ch); /* A port may open and then fail. */
    }
    switch (ch->state) {
    case CHANNEL_WAITING:
    case CHANNEL_LISTENING:
        take(ch);
        break;
    case CHANNEL_PAUSING:
    case CHANNEL_IDLE:
    case CHANNEL_GAP:
        /* Nothing is asked; TCP: late answers. */
        take(ch);
        if (ch->state == CHANNEL_GAP) {
            ask_in_time(ch);
        }
        break;
    case CHANNEL_CLOSED:
    case CHANNEL_RESTING:
    case CHANNEL_RESOLVING:
    case CHANNEL_CONNECTING:
        break;
    }
}

/* ---- driven by the reactor ---- */

void
channel_ready(struct channel *ch, uint32_t epoll_events)
{
    ch->now_us = clock_mono_us();
    if (ch->fd < 0) {
        return;
    }
    if (ch->state == CHANNEL_CONNECTING) {
        channel_connected(ch);
    } else if ((epoll_events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
        receive(ch);
    }
    look_for_work(ch);
}

static void
state_timer(struct channel *ch)
{
    switch (ch->state) {
    case CHANNEL_CLOSED:
    case CHANNEL_RESOLVING:
    case CHANNEL_CONNECTING:
    case CHANNEL_PAUSING:
        channel_open_timer(ch);
        break;
    case CHANNEL_GAP:
        ask_in_time(ch);
        break;
    case CHANNEL_WAITING:
        wire_end(&ch->reader, &ch->res, ch->args.answer);
        finish(ch);
        break;
    case CHANNEL_LISTENING:
        close_question(ch);
        break;
    case CHANNEL_RESTING:
    case CHANNEL_IDLE:
        break;
    }
}

void
channel_timer(struct channel *ch)
{
    ch->now_us = clock_mono_us();
    if (ch->due_us <= ch->now_us) {
        ch->due_us = INT64_MAX;
        state_timer(ch);
    }
    look_for_work(ch);
}

int64_t
channel_due(const struct channel *ch)
{
    return ch->held || ch->due_us < ch->wake_us ? ch->due_us : ch->wake_us;
}

bool
channel_waits(const struct channel *ch)
{
    return ch->state == CHANNEL_WAITING;
}

void
channel_hurry(struct channel *ch)
{
    ch->now_us = clock_mono_us();
    if (ch->state == CHANNEL_CLOSED) {
        ch->due_us = ch->now_us;
    }
    ch->wake_us = ch->now_us;
}

void
channel_start(struct channel *ch, int64_t delay_us)
{
    ch->now_us = clock_mono_us();
    ch->due_us = ch->now_us + delay_us;
    ch->wake_us = ch->now_us;
}

struct channel *
channel_new(const struct channel_args *args)
{
    struct channel *ch = calloc(1, sizeof *ch);

    if (ch == NULL) {
        return NULL;
    }
    ch->args = *args;
    ch->bus = args->bus;
    ch->serial = args->bus->kind == BUS_RTU;
    ch->state = CHANNEL_CLOSED;
    ch->fd = -1;
    ch->due_us = ch->wake_us = INT64_MAX;
    ch->told = LINE_OPENING;
    if (ch->serial) {
        ch->character_us = serial_character_us(args->bus);
        ch->silence_us = serial_silence_us(args->bus);
    } else if (args->bus->kind == BUS_RTU_OVER_TCP) {
        ch->silence_us = REMOTE_SILENCE_US;
    }
    backoff_init(&ch->health, BACKOFF_LINE_MAX_MS);
    wire_reader_init(&ch->reader, args->bus->kind == BUS_TCP ? WIRE_MBAP : WIRE_RTU);
    return ch;
}

void
channel_free(struct channel *ch)
{
    if (ch == NULL) {
        return;
    }
    channel_close(ch);
    lookup_cancel(ch->lookup);
    free(ch);
}
