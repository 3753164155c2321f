/* What channel.c (asking) and channel_open.c (opening) share.  Nobody else includes
 * this. */
#ifndef CARETAKER_COLLECTORS_CHANNEL_INSIDE_H
#define CARETAKER_COLLECTORS_CHANNEL_INSIDE_H

#include "collectors/backoff.h"
#include "collectors/channel.h"

enum channel_state {
    CHANNEL_CLOSED,  /* Opened again when it is due. */
    CHANNEL_RESTING, /* Closed by the peer while idle: opened when there is something to
                        ask. */
    CHANNEL_RESOLVING,
    CHANNEL_CONNECTING,
    CHANNEL_PAUSING, /* Connected; the bus wants a pause before the first question. */
    CHANNEL_IDLE,
    CHANNEL_GAP,      /* A question waits for the line's silence. */
    CHANNEL_WAITING,  /* It is asked. */
    CHANNEL_LISTENING /* It failed: what may come late must not be the next one's. */
};

struct channel {
    struct channel_args args;
    const struct bus *bus;
    bool serial;
    enum channel_state state;
    int fd; /* -1: closed. */
    int64_t now_us;
    int64_t due_us;  /* Of the state. */
    int64_t wake_us; /* Of the user. */
    enum line_state told;

    struct lookup *lookup;
    struct addresses addresses;
    uint32_t tried; /* Of the addresses. */
    struct backoff health;
    bool complained;   /* The log says that it is down. */
    bool rs485_said;   /* Once is enough. */
    bool echo_said;    /* The same. */
    uint32_t asked;    /* Since it was opened. */
    uint32_t answers;  /* The same. */
    uint32_t silences; /* TCP: questions in a row without a byte from the peer. */

    bool held; /* There is a question: `ask`. */
    struct poller_ask ask;
    int64_t character_us;  /* Of our own line; 0 on TCP. */
    int64_t silence_us;    /* Before each question; 0 on Modbus TCP. */
    int64_t quiet_from_us; /* The last byte in either direction. */
    int64_t gap_end_us;    /* Then it is asked though the line babbles. */
    int64_t asked_us, deadline_us;
    int64_t listen_until_us, listen_end_us; /* Unless bytes come; at the latest. */
    bool heard;                             /* Bytes came since it was asked. */
    struct wire_result res;
    uint16_t transaction;
    uint64_t late_counted;
    struct wire_reader reader;
};

#define CHANNEL_COUNT(counter, n)                                                      \
    atomic_fetch_add_explicit(&(counter), (n), memory_order_relaxed)
#define CHANNEL_SET(field, v) atomic_store_explicit(&(field), (v), memory_order_relaxed)

struct poller_now channel_now(const struct channel *ch);

/* channel.c: it is open; asks what is held. */
void channel_is_open(struct channel *ch);
/* Hands ch->res over; the channel is idle then. */
void channel_hand_over(struct channel *ch);

/* channel_open.c */
void channel_open_begin(struct channel *ch);
void channel_connected(struct channel *ch); /* The connection stands, or was refused. */
void channel_open_timer(struct channel *ch);
/* It was lost: `fault` goes to the question that was under way. */
void channel_gone(struct channel *ch, enum wire_fault fault, const char *why);
/* Nobody answers on this connection: a new one shows whether the peer is there. */
void channel_reopen(struct channel *ch);
void channel_is_well(struct channel *ch);
void channel_close(struct channel *ch);

#endif
