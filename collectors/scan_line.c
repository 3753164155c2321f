#include "collectors/scan_line.h"

#include "collectors/reactor.h"

#define PATIENCE 10 /* Times the timeout. */
/* Endpoints may drop a connection for a unit that they do not have. */
#define REFUSED_MAX 3

struct scanning {
    struct scan *scan;
    const struct bus *bus;
    scan_tick_fn tick;
    void *ctx;
    bool up, over;
    int refused; /* In a row. */
    struct err err;
};

static bool
on_next(void *arg, struct poller_now now, struct poller_ask *ask, int64_t *wake_us)
{
    struct scanning *s = arg;
    struct read_request q;
    bool patient;

    (void)now;
    *wake_us = INT64_MAX; /* The line's state calls again. */
    if (!s->up || s->over) {
        return false;
    }
    if (!scan_next(s->scan, &q, &patient)) {
        s->over = true;
        return false;
    }
    *ask = (struct poller_ask){.q = q,
                               .device = NONE_INDEX,
                               .timeout_us = s->bus->timeout_ms * 1000 *
                                             (patient ? PATIENCE : 1)};
    return true;
}

static void
on_answer(void *arg,
          struct poller_now now,
          const struct wire_result *res,
          const struct read_answer *answer)
{
    struct scanning *s = arg;

    (void)now;
    if (res->fault == WIRE_OK || res->fault == WIRE_EXCEPTION) {
        s->refused = 0;
    }
    scan_answer(s->scan, res, answer);
    s->tick(s->ctx);
}

static void
on_line(void *arg, struct poller_now now, enum line_state state, const char *why)
{
    struct scanning *s = arg;

    (void)now;
    s->up = state == LINE_UP;
    if (state == LINE_DOWN && ++s->refused >= REFUSED_MAX) {
        s->over = true;
        err_set(&s->err, ERR_IO, "%s", why);
    }
}

int
scan_line(struct scan *scan,
          const struct bus *bus,
          int stop_fd,
          scan_tick_fn tick,
          void *ctx,
          struct err *err)
{
    struct scanning s = {.scan = scan, .bus = bus, .tick = tick, .ctx = ctx};
    struct bus_stats stats;
    struct channel_args args = {
        .bus = bus,
        .stats = &stats,
        .user = {.arg = &s, .next = on_next, .answer = on_answer, .line = on_line},
        .quiet = true};
    struct reactor *r;
    bool stopped = false;
    int code;

    s.refused = REFUSED_MAX - 1; /* Until somebody has answered once. */
    bus_stats_init(&stats, 0, 0);
    code = reactor_new(&r, 1, err);
    if (code != 0) {
        return code;
    }
    code = reactor_add(r, args, err);
    if (code == 0 && stop_fd >= 0) {
        code = reactor_watch(r, stop_fd, err);
    }
    if (code == 0) {
        reactor_start(r);
        while (!s.over && !stopped) {
            stopped = reactor_turn(r);
        }
        code = s.err.code != ERR_NONE ? err_set(err, s.err.code, "%s", s.err.text) : 0;
    }
    reactor_free(r);
    if (code == 0 && stopped) {
        scan_stop(scan);
        return 1;
    }
    return code;
}
