/* What the daemon knows at the moment when a ticket opens. */
#include <math.h>

#include "daemon/pipeline/causes.h"
#include "daemon/pipeline/live/live_inside.h"

void
live_bus_json(const struct live *l, uint32_t bus, struct strbuf *out)
{
    struct bus_counts c = collectors_bus(l->collectors, bus);
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", l->site->buses[bus].id);
    strbuf_json_bool(out, "online", c.online);
    strbuf_json_num(out, "load", round(c.load * 10) / 10);
    strbuf_json_num(out, "late", round(c.late * 10) / 10);
    strbuf_json_int(out, "quarantined", c.quarantined);
    strbuf_json_int(out, "reconnects", (int64_t)c.reconnects);
    strbuf_json_bool(out, "echo", c.echo);
    strbuf_json_int(out, "requests", (int64_t)c.wire.requests);
    strbuf_json_int(out, "errors", (int64_t)c.wire.errors);
    causes_json(out, "causes", &c.wire);
    strbuf_add_char(out, '}');
}

/* The bus that the device hangs on, or that it stands for. */
static uint32_t
bus_of(const struct site *site, uint32_t device)
{
    for (uint32_t b = 0; b < site->bus_count; b++) {
        if (site->buses[b].device == device) {
            return b;
        }
    }
    return site->devices[device].bus;
}

void
live_take_evidence(void *ctx, const struct event *e, struct evidence_texts *out)
{
    const struct live *l = ctx;
    uint32_t device = e->device != NULL ? site_device(l->site, e->device) : NONE_INDEX;
    uint32_t rule = e->rule != NULL ? site_rule(l->site, e->rule) : NONE_INDEX;
    evidence_take_facts(out, l->site, device, rule, e->plan);
    if (device == NONE_INDEX || l->pipeline == NULL) {
        return;
    }
    live_device_json(l, device, (struct device_parts){.points = true, .causes = true},
                     &out->device);
    /* While the collectors do not run (at start, and while a site is exchanged) their
     * counters are not known. */
    uint32_t bus = bus_of(l->site, device);
    if (bus != NONE_INDEX && l->collectors != NULL) {
        live_bus_json(l, bus, &out->bus);
    }
}
