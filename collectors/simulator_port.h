/* Where the simulator listens: TCP sockets, ptys, the control socket.  All descriptors
 * are non-blocking and close on exec. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_PORT_H
#define CARETAKER_COLLECTORS_SIMULATOR_PORT_H

#include "daemon/base/err.h"
#include "daemon/model/sim.h"

#define PORT_NAME_BYTES 128

/* A listening socket on `host` (NULL: 127.0.0.1) and `number` (0: any free one);
 * `name` and `*bound` become the address that it has, "127.0.0.1:15020" and 15020. */
int port_listen(int *out,
                char name[PORT_NAME_BYTES],
                uint16_t *bound,
                const char *host,
                uint16_t number,
                struct err *err);
/* Makes the close of a connection a reset. */
void port_reset_on_close(int fd);

/* A pty in raw mode.  Its slave side stays open here too, so that a master which closes
 * it does not hang the line up.  The symbolic link is put in place in one step;
 * anything but a link that stands there is left alone and is an error. */
struct port_pty {
    int fd;
    int slave_fd;
    const char *link; /* Borrowed; NULL: no link of ours. */
    char name[PORT_NAME_BYTES];
};
int port_pty_open(struct port_pty *out, const char *link, struct err *err);
/* Removes the link if it is still ours. */
void port_pty_close(struct port_pty *p);

/* A listening Unix socket.  A socket file that nobody listens on is replaced. */
int port_control_listen(int *out, const char *path, struct err *err);

/* A hundred ports with their masters need more descriptors than the usual soft limit;
 * where it cannot be raised, fewer masters fit. */
void port_raise_descriptor_limit(void);

#endif
