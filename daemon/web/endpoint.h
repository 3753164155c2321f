/* The unix socket in the data folder, both ends of it.
 *
 * An address of AF_UNIX takes 107 bytes; a longer path is reached through the open
 * folder, as /proc/self/fd/N/caretaker.sock. */
#ifndef CARETAKER_WEB_ENDPOINT_H
#define CARETAKER_WEB_ENDPOINT_H

#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/err.h"

/* The listening end.  A second daemon is kept out by a lock on the file beside the
 * socket, which the kernel drops when its holder dies however it dies. */
struct endpoint {
    int dir_fd;    /* The data folder. */
    int lock_fd;   /* "caretaker.sock.lock", locked while we live. */
    int listen_fd; /* -1 once somebody else took it over. */
    dev_t device;  /* Of the socket's file, to remove only our own. */
    ino_t inode;
};

/* Makes the socket in `dir`, mode 0660, listening and non-blocking.  What a dead daemon
 * left is replaced; ERR_IO when a live one answers there. */
int endpoint_listen(struct endpoint *out, const char *dir, struct err *err);
/* Removes the socket's file if it is still ours, and closes what is open. */
void endpoint_close(struct endpoint *e);

/* A connected, non-blocking socket into `*out`; the caller closes it.  ERR_IO: no
 * daemon answers there; ERR_TIMEOUT: it accepted nobody before `deadline_ms`
 * (monotonic). */
int endpoint_connect(int *out, const char *dir, int64_t deadline_ms, struct err *err);

#endif
