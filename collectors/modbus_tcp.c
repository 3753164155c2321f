/* TCP endpoints for libmodbus. */
#include "collectors/modbus_tcp.h"

#include <errno.h>
#include <stdio.h>
#include <sys/select.h>

int
tcp_open(modbus_t **out, const struct bus *bus, struct err *err)
{
    char service[8];
    modbus_t *ctx;

    snprintf(service, sizeof service, "%u", (unsigned)bus->port);
    ctx = modbus_new_tcp_pi(bus->host, service);
    if (ctx == NULL) {
        return err_set(err, ERR_IO, "%s: %s", bus->host, modbus_strerror(errno));
    }
    modbus_set_response_timeout(ctx, (uint32_t)(bus->timeout_ms / 1000),
                                (uint32_t)(bus->timeout_ms % 1000) * 1000);
    errno = 0;
    if (modbus_connect(ctx) != 0) {
        /* libmodbus leaves errno as it was when the connection took too long. */
        bool late = errno == 0 || errno == EINPROGRESS || errno == ETIMEDOUT;
        err_set(err, ERR_IO, "%s port %s: %s", bus->host, service,
                late ? "no connection in time" : modbus_strerror(errno));
        goto fail;
    }
    /* libmodbus waits by select(), which knows no higher descriptors. */
    if (modbus_get_socket(ctx) >= FD_SETSIZE) {
        err_set(err, ERR_FULL, "%s: too many open files", bus->host);
        goto fail;
    }
    *out = ctx;
    return 0;
fail:
    modbus_close(ctx);
    modbus_free(ctx);
    return ERR_IO;
}
