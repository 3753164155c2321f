/* The simulator's inside: its tables, and the loop that serves masters. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_SERVE_H
#define CARETAKER_COLLECTORS_SIMULATOR_SERVE_H

#include <signal.h>

#include "collectors/simulator_control.h"
#include "collectors/simulator_port.h"
#include "collectors/simulator_unit.h"
#include "collectors/slave_codec.h"
#include "daemon/base/timerq.h"

#define SOURCES_MAX  4096 /* Ports and connections. */
#define LATER_MAX    4096 /* Answers on their way; a further one is lost. */
#define INPUT_BYTES  512
#define UNIT_NUMBERS 256
_Static_assert(INPUT_BYTES >= SLAVE_ADU_BYTES_MAX, "holds the longest request");
_Static_assert(INPUT_BYTES >= CONTROL_LINE_BYTES, "holds the longest command");

enum source_kind {
    SOURCE_FREE,
    SOURCE_SIGNAL,
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
    struct port *port;   /* Modbus sources. */
    int64_t busy_us;     /* A paced line carries bytes until then. */
    size_t size;
    uint8_t bytes[INPUT_BYTES];
};

struct port {
    const struct sim_port *spec;
    enum slave_framing framing;
    struct simulator_unit *by_number[UNIT_NUMBERS]; /* Borrowed. */
    struct port_pty pty;
    char name[PORT_NAME_BYTES];
};

/* An answer that leaves later: whole after a delay, or piece by piece on a paced line.
 */
struct later {
    uint32_t source;
    uint32_t generation;
    bool on_line; /* Its pieces are leaving since start_us. */
    int64_t start_us;
    int64_t byte_us;
    size_t size, sent;
    uint32_t next_free;
    uint8_t adu[SLAVE_ADU_BYTES_MAX];
};

struct simulator {
    const struct sim *spec;
    int64_t start_us;
    int epoll_fd;
    int spare_fd; /* Given up for a moment to refuse a connection when none are left. */
    bool running;
    struct port *ports;
    struct simulator_unit **units;
    uint32_t unit_count;
    struct source *sources; /* Of SOURCES_MAX. */
    struct later *laters;   /* Of LATER_MAX. */
    uint32_t free_later;
    struct timerq *timers; /* Ids: laters, then the gaps of sources. */
    const char *control;   /* The socket's path once it is ours. */
    sigset_t old_mask;
    bool masked;
};

/* Watches a descriptor, which then belongs to its source. */
int simulator_watch(struct simulator *s,
                    enum source_kind kind,
                    int fd,
                    struct port *port,
                    struct err *err);
void simulator_unwatch(struct simulator *s, uint32_t index);
/* Serves until a signal arrives. */
int simulator_serve(struct simulator *s, struct err *err);

#endif
