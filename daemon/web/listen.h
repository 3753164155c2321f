/* A listening socket for browsers. */
#ifndef CARETAKER_WEB_LISTEN_H
#define CARETAKER_WEB_LISTEN_H

#include "daemon/base/err.h"

/* Listens on "HOST:PORT" or "[::1]:PORT", non-blocking; the caller closes `*fd`. ERR_IO
 * says why not: nothing has that name, the port is taken, the address is not ours. */
int listen_tcp(int *fd, const char *where, struct err *err);

#endif
