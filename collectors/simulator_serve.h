/* The simulator's inside: its tables, and the loop that serves masters. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_SERVE_H
#define CARETAKER_COLLECTORS_SIMULATOR_SERVE_H

#include <signal.h>

#include "collectors/simulator_answer.h"
#include "collectors/simulator_control.h"
#include "collectors/simulator_line.h"
#include "collectors/simulator_port.h"
#include "collectors/simulator_unit.h"
#include "collectors/slave_codec.h"
#include "daemon/base/timerq.h"

#define SOURCES_MAX                                                                    \
    32768 /* Ports and connections; a slot is touched when it is used. */
#define OUTGOING_MAX 32768 /* Answers on their way; a further one is lost. */
#define INPUT_BYTES  512
#define UNIT_NUMBERS 256
_Static_assert(INPUT_BYTES >= SLAVE_ADU_BYTES_MAX, "holds the longest request");
_Static_assert(INPUT_BYTES >= CONTROL_LINE_BYTES, "holds the longest command");
_Static_assert(SOURCES_MAX >= 2 * SIM_PORTS_MAX, "a master for each port");

enum source_kind {
    SOURCE_FREE,
    SOURCE_SIGNAL,
    SOURCE_TIMER,
    SOURCE_LISTENER, /* Of a Modbus port. */
    SOURCE_MASTER,   /* A connection to one. */
    SOURCE_LINE,     /* A pty. */
    SOURCE_CONTROL_LISTENER,
    SOURCE_CONTROL,
};

/* Anything that epoll watches. */
struct source {
    enum source_kind kind;
    int fd;
    uint32_t generation; /* Tells a closed connection from its successor in the slot. */
    uint32_t next_free;
    struct port *port;      /* Modbus sources. */
    int64_t busy_us;        /* Pieces of an answer leave until then. */
    bool corked;            /* Answers are gathered for one segment. */
    struct strbuf *waiting; /* Owned: what a control connection has not taken yet, */
    size_t waiting_sent;    /* and how much of it it has.  NULL: nothing. */
    size_t size;
    uint8_t bytes[INPUT_BYTES];
};

enum port_state { PORT_OPEN, PORT_HANG, PORT_CLOSED };

struct port {
    const struct sim_port *spec;
    enum slave_framing framing;
    enum port_state state;
    bool by_hand;      /* The state was set by a command: the windows wait. */
    uint32_t listener; /* Its source; NONE_INDEX: none. */
    uint16_t number;   /* TCP kinds: that is bound. */
    struct simulator_line line;
    const uint16_t *by_number;     /* Unit number -> index into `units` + 1; 0: none. */
    struct simulator_unit **units; /* Borrowed. */
    struct control_port *control;  /* How commands know it. */
    struct port_pty pty;
    char *link; /* Owned; NULL: the one of the spec. */
    char name[PORT_NAME_BYTES];
};

struct outgoing; /* simulator_send.h */

struct simulator {
    const struct sim *spec;
    int64_t start_us;
    int epoll_fd;
    int timer_fd;     /* A source owns it. */
    int64_t timer_us; /* What it is set to; INSTANT_MAX: nothing. */
    int spare_fd; /* Given up for a moment to refuse a connection when none are left. */
    bool running;
    struct port *ports;
    uint32_t port_count;
    uint16_t (*numbers)[UNIT_NUMBERS];  /* By port of the spec: see by_number. */
    struct control_port *control_ports; /* By port. */
    struct control_unit *units;
    struct simulator_unit **unit_of; /* The same units, in the same order. */
    uint32_t unit_count;
    struct source *sources; /* Of SOURCES_MAX. */
    uint32_t sources_used;  /* No slot from here on was ever used. */
    uint32_t free_source;
    struct outgoing *outgoing; /* Of OUTGOING_MAX. */
    uint32_t outgoing_used;
    uint32_t free_outgoing;
    struct timerq *timers; /* In us.  Ids: outgoing, gaps of sources, ports. */
    const char *control;   /* The socket's path once it is ours. */
    sigset_t old_mask;
    bool masked;
};

#define TIMER_OF_SOURCE(i) (OUTGOING_MAX + (i))
#define TIMER_OF_PORT(i)   (OUTGOING_MAX + SOURCES_MAX + (i))

int64_t simulator_now_us(const struct simulator *s); /* Since its start. */

/* Watches a descriptor, which then belongs to its source; `out` may be NULL. */
int simulator_watch(struct simulator *s,
                    enum source_kind kind,
                    int fd,
                    struct port *port,
                    uint32_t *out,
                    struct err *err);
void simulator_unwatch(struct simulator *s, uint32_t index);
/* Serves until a signal arrives. */
int simulator_serve(struct simulator *s, struct err *err);

/* ---- simulator_open.c: ports and their states. ---- */

/* Opens all ports and says where they are. */
int simulator_ports_open(struct simulator *s, FILE *out, struct err *err);
/* The state that the port's windows want now, and the next moment they do. */
int simulator_port_update(struct simulator *s, uint32_t port, struct err *err);
/* The command "port": `name` is an address, a port number or a link. */
int simulator_port_command(void *simulator,
                           const char *name,
                           const char *state,
                           struct err *err);

#endif
