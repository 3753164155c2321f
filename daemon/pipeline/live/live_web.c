/* The web server of the daemon. */
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/pipeline/api/api.h"

static int
open_door(struct live *l, struct err *err)
{
    const struct web_spec *spec = &l->site->web;
    const struct web_tcp tcp = {.listen = spec->listen,
                                .cert_file = spec->cert_file,
                                .key_file = spec->key_file,
                                .names = spec->names,
                                .name_count = spec->name_count,
                                .proxies = spec->proxies,
                                .proxy_count = spec->proxy_count};
    return web_listen(l->web, &tcp, err);
}

int
live_web_start(struct live *l, struct err *err)
{
    struct web_service service;
    api_service(&service, l);
    int code = web_start(&l->web, l->site->data_dir, &service, err);
    return code == 0 && l->site->web.listen != NULL ? open_door(l, err) : code;
}

void
live_web_reload(struct live *l)
{
    struct err err;
    /* Certificates may be new ones in the same files. */
    if (open_door(l, &err) != 0) {
        log_error("reload: %s", err.text);
    }
}
