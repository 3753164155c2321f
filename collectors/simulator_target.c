#include "collectors/simulator_target.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"

/* Does "15020" or "line" name the port "127.0.0.1:15020" or "dir/line"? */
static bool
is_port(const char *port, const char *name)
{
    const char *end = port + strcspn(port, "/");
    const char *last = strrchr(port, *end == '/' ? '/' : ':');

    return strcmp(port, name) == 0 || (last != NULL && strcmp(last + 1, name) == 0);
}

void
simulator_wanted_parse(struct simulator_wanted *w, char *name)
{
    char *at = strchr(name, '@'), *end;

    w->name = name;
    w->port = at != NULL ? at + 1 : NULL;
    if (at != NULL) {
        *at = '\0';
    }
    w->number = strtol(name, &end, 10);
    w->is_number = end != name && *end == '\0';
}

bool
simulator_wanted_port(const struct simulator_wanted *w, const struct control_port *p)
{
    return w->port == NULL || (p != NULL && is_port(p->name, w->port));
}

bool
simulator_wanted_unit(const struct simulator_wanted *w, const struct control_unit *u)
{
    const struct sim_unit *spec = simulator_unit_spec(u->unit);

    if (!simulator_wanted_port(w, u->port)) {
        return false;
    }
    return strcmp(w->name, "*") == 0 ||
           (spec->id != NULL && strcmp(spec->id, w->name) == 0) ||
           (w->is_number && spec->unit == w->number);
}

struct simulator_unit *
simulator_find_unit(const struct control_target *target,
                    const struct simulator_wanted *w,
                    struct err *err)
{
    struct simulator_unit *found = NULL;
    bool by_id = false;
    uint32_t count = 0;

    for (uint32_t i = 0; i < target->unit_count; i++) {
        struct simulator_unit *u = target->units[i].unit;
        const char *id = simulator_unit_spec(u)->id;
        bool is_id = id != NULL && strcmp(id, w->name) == 0;

        if (!simulator_wanted_unit(w, &target->units[i]) || (by_id && !is_id)) {
            continue;
        }
        count = is_id && !by_id ? 1 : count + 1;
        by_id = is_id;
        found = u;
    }
    if (count == 0) {
        err_set(err, ERR_NOT_FOUND, "no unit '%s'%s%s", w->name,
                w->port != NULL ? tr(" on port ") : "", w->port != NULL ? w->port : "");
    } else if (count > 1) {
        err_set(err, ERR_USAGE, "several ports have a unit %s; name its id, or %s@PORT",
                w->name, w->name);
    }
    return count == 1 ? found : NULL;
}
