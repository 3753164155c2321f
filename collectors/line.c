/* A link that comes back. */
#include "collectors/line.h"

#include "daemon/base/log.h"

int
line_init(struct line *l,
          const struct bus *bus,
          struct bus_stats *stats,
          struct engine_clock *clock,
          const atomic_bool *stop,
          struct err *err)
{
    *l = (struct line){.bus = bus, .stats = stats, .clock = clock};
    backoff_init(&l->health, BACKOFF_LINE_MAX_MS);
    l->link = link_new(bus, stop);
    return l->link != NULL ? 0 : err_set(err, ERR_NOMEM, "no memory for a bus");
}

void
line_fini(struct line *l)
{
    link_free(l->link);
    l->link = NULL;
}

static void
complain(struct line *l, const char *why)
{
    if (!l->complained) {
        l->complained = true;
        log_warning("bus %s: %s; trying again until it works", l->bus->id, why);
    }
}

static void
is_well(struct line *l)
{
    backoff_succeeded(&l->health);
    if (l->complained) {
        l->complained = false;
        log_info("bus %s works again", l->bus->id);
    }
}

bool
line_ready(struct line *l, bool at_once, struct err *err)
{
    if (link_is_open(l->link)) {
        return true;
    }
    if (!at_once && !backoff_due(&l->health, clock_mono_ms())) {
        err_set(err, ERR_IO, "bus %s is down", l->bus->id);
        return false;
    }
    if (link_open(l->link, err) != 0) {
        backoff_failed(&l->health, clock_mono_ms());
        complain(l, err->text);
        return false;
    }
    l->answers = 0;
    atomic_store(&l->stats->open, true);
    if (l->bus->kind == BUS_RTU) {
        is_well(l); /* An endpoint may accept and drop; a port opens or not. */
    }
    return true;
}

void
line_ask(struct line *l,
         const struct read_request *q,
         int64_t gap_ms,
         struct device_stats *device,
         struct read_answer *out,
         struct link_result *res)
{
    link_read(l->link, q, gap_ms, out, res);
    stats_request(l->stats, device, res, clock_mono_ms(), engine_clock_now(l->clock));
    if (res->quality == QUALITY_GOOD || res->quality == QUALITY_EXCEPTION) {
        if (l->answers++ == 0) {
            l->returned = l->health.failures > 1;
            is_well(l);
        }
        return;
    }
    if (res->quality != QUALITY_REFUSED) {
        link_recover(l->link, res);
    }
    atomic_store(&l->stats->open, link_is_open(l->link));
}

void
line_dropped(struct line *l, const char *why)
{
    bool again = !backoff_failed(&l->health, clock_mono_ms());

    if (again) {
        complain(l, why); /* One device that makes its gateway drop is not the line. */
    }
}
