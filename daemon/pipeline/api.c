/* The API, version 1:
 *   GET  /api/v1/status
 *   GET  /api/v1/devices    ?device= ?type= ?state= ?points=1: with present values;
 *                                  ?causes=1: and what went wrong on the wire
 *   GET  /api/v1/devices/ID ?limit=: the whole life of one, see device_life.h
 *   GET  /api/v1/devices/ID/series  ?points= ?from= ?to= ?width=: see series_json.h
 *   GET  /api/v1/devices/ID/marks   ?from= ?to=: see marks.h
 *   GET  /api/v1/events     ?device= ?rule= ?ticket= ?event= ?after= ?before= ?limit=:
 *                           the journal, the newest first
 *   GET  /api/v1/site, duty, procedures: what forms and names need, see api_site.c
 *   GET  /api/v1/ledger     ?device= ?type= ?area= ?keeper=
 *   GET  /api/v1/alarms     ?device= ?rule= ?severity= ?state= ?language=
 *   GET  /api/v1/explain    ?rule= &device=: why the alarm is as it is
 *   GET  /api/v1/service    devices out of service
 *   GET  /api/v1/tickets    ?device= ?state= ?all=1
 *   GET  /api/v1/tickets/N, N/chart.svg, N/evidence.html: one with its evidence, see
 *                           api_ticket.c
 *   GET  /api/v1/plan       ?team= ?device= ?plan= ?from= ?to=
 *                           ?language=: the coming visits
 *   GET  /api/v1/rules      and rules/ID ?device=: see rules_json.h
 *   POST /api/v1/what-if    what a changed rule would have done, see api_what_if.c
 *   GET  /api/v1/profiles   and profiles/ID: see profiles_json.h
 *   GET  /api/v1/samples    recorded samples as CSV, see api_samples.c
 *   GET  /api/v1/report, report.html, report/alarms: see api_report.c
 *   GET  /api/v1/wire       ?bus= ?cursor=: what passed on a bus, see api_wire.c
 *   POST /api/v1/commands   {"cmd":"ack","device":..,"rule":..,"by":..}
 *                           {"cmd":"shelve",..,"for":"2h","reason":..}, "unshelve",
 *                           {"cmd":"ticket.resolve","ticket":..,"note":..}, see
 *                           work_json.h
 *                           {"cmd":"plan.move","plan":..,"device":..,"day":..}
 *                           {"cmd":"service","device":..,"state":"out","reason":..}
 *                           and those of the ledger, see ledger_json.h
 *   POST /api/v1/read       {"bus":..,"unit":..,"table":..,"address":..,"count":..}
 * Errors are RFC 9457 problem details. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/api.h"
#include "daemon/pipeline/command_json.h"
#include "daemon/pipeline/device_life.h"
#include "daemon/pipeline/ledger_json.h"
#include "daemon/pipeline/ledger_list.h"
#include "daemon/pipeline/listings.h"
#include "daemon/pipeline/plan_listing.h"
#include "daemon/pipeline/ticket_listing.h"
#include "daemon/pipeline/work_json.h"
#include "daemon/ticket/ledger.h"

#define DEVICE_PATH "/api/v1/devices/" /* Behind it stands an id. */
#define TICKET_PATH "/api/v1/tickets/" /* A number, and perhaps a form. */

static unsigned
status_of(int code)
{
    switch ((enum err_code)code) {
    case ERR_NONE:
        return 200;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_REFUSED:
        return 409;
    case ERR_USAGE:
    case ERR_RANGE:
    case ERR_CONFIG:
        return 400;
    case ERR_FULL:
        return 507;
    case ERR_TIMEOUT:
        return 504;
    case ERR_PROTOCOL:
        return 502;
    case ERR_NOMEM:
    case ERR_IO:
        return 503;
    }
    return 500;
}

unsigned
api_problem(struct strbuf *body, const struct err *err)
{
    strbuf_clear(body);
    return web_problem(body, status_of(err->code), err->text);
}

unsigned
api_ask_loop(struct live *l, struct request *request, struct strbuf *body)
{
    request->answer = body;
    if (request_ask(&l->requests, request) != 0) {
        return api_problem(body, &request->err);
    }
    return 200;
}

static unsigned
get_alarms(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct alarm_filter filter = {
        .device = r->query(r, "device"),
        .rule = r->query(r, "rule"),
        .severity = r->query(r, "severity"),
        .state = r->query(r, "state"),
        .language = r->query(r, "language"),
    };
    struct err err;
    pthread_rwlock_rdlock(&l->site_lock);
    int code = listing_alarms(l->site, l->reader, &filter, body, &err);
    pthread_rwlock_unlock(&l->site_lock);
    return code == 0 ? 200 : api_problem(body, &err);
}

static unsigned
get_service(struct live *l, const struct web_request *r, struct strbuf *body)
{
    (void)r;
    struct err err;
    return listing_service(l->reader, body, &err) != 0 ? api_problem(body, &err) : 200;
}

/* A listing of tickets that is on its way to who asked. */
struct tickets_sent {
    struct live *l;
    struct ticket_listing *listing;
};

static int
next_tickets(void *ctx, struct strbuf *piece, bool *more)
{
    struct tickets_sent *t = ctx;
    struct err err;
    int code = ticket_listing_next(t->listing, t->l->reader, piece, more, &err);
    if (code != 0) {
        log_warning("a listing of tickets ends early: %s", err.text);
    }
    return code;
}

static void
free_tickets(void *ctx)
{
    struct tickets_sent *t = ctx;
    ticket_listing_free(t->listing);
    free(t);
}

/* Nearly every listing fits in its first piece.  Takes the listing. */
static unsigned
begin_tickets(struct live *l,
              struct ticket_listing *listing,
              const struct web_request *r,
              struct strbuf *body)
{
    struct err err;
    bool more = false;
    int code = ticket_listing_next(listing, l->reader, body, &more, &err);
    struct tickets_sent *sent = NULL;
    if (code == 0 && more) {
        sent = malloc(sizeof *sent);
        code = sent == NULL ? err_set(&err, ERR_NOMEM, "the listing of tickets") : 0;
    }
    if (code != 0 || !more) {
        ticket_listing_free(listing);
        return code != 0 ? api_problem(body, &err) : 200;
    }
    *sent = (struct tickets_sent){l, listing};
    *r->pieces = (struct web_pieces){next_tickets, free_tickets, sent};
    return 200;
}

static unsigned
get_tickets(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct ticket_filter filter = {
        .device = r->query(r, "device"),
        .state = r->query(r, "state"),
        .assignee = r->query(r, "assignee"),
        .team = r->query(r, "team"),
        .order = r->query(r, "order"),
        .all = api_asked_for(r, "all"),
        .overdue = api_asked_for(r, "overdue"),
    };
    struct err err;
    if (!ticket_limit_parse(&filter.limit, r->query(r, "limit"))) {
        err_set(&err, ERR_RANGE, TICKET_LIMIT_ACCEPTED);
        return api_problem(body, &err);
    }
    struct ticket_listing *listing = NULL;
    int64_t now_ms = engine_clock_now(&l->clock.engine);
    pthread_rwlock_rdlock(&l->site_lock);
    int code = ticket_listing_open(&listing, l->reader, l->site, &filter, now_ms, &err);
    pthread_rwlock_unlock(&l->site_lock);
    return code == 0 ? begin_tickets(l, listing, r, body) : api_problem(body, &err);
}

static unsigned
get_plan(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct plan_filter filter = {.team = r->query(r, "team"),
                                 .device = r->query(r, "device"),
                                 .plan = r->query(r, "plan"),
                                 .from = r->query(r, "from"),
                                 .to = r->query(r, "to"),
                                 .language = r->query(r, "language")};
    struct err err;
    pthread_rwlock_rdlock(&l->site_lock); /* It must not be exchanged meanwhile. */
    int code = listing_plan(l->reader, l->site, &filter,
                            engine_clock_now(&l->clock.engine), body, &err);
    pthread_rwlock_unlock(&l->site_lock);
    return code != 0 ? api_problem(body, &err) : 200;
}

static unsigned
post_command(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    json_error_t where;
    json_t *root = json_loads(r->body, JSON_REJECT_DUPLICATES, &where);
    struct command c = {0};
    struct ticket_part parts[TICKET_PARTS_MAX];
    unsigned status = 0;
    if (!json_is_object(root)) {
        err_set(&err, ERR_RANGE, "the body must be a JSON object: %s", where.text);
        status = api_problem(body, &err);
    } else if (command_from_json(&c, root, &err) != 0 ||
               work_from_json(&c, parts, root, &err) != 0 ||
               ledger_from_json(&c, root, &err) != 0) {
        status = api_problem(body, &err);
    } else {
        struct request request = {
            .kind = REQUEST_COMMAND, .command = &c, .peer = r->peer};
        if (request_ask(&l->requests, &request) != 0) {
            status = api_problem(body, &request.err);
        } else {
            strbuf_add_char(body, '{');
            strbuf_json_bool(body, "ok", true);
            if (ledger_is_command(c.kind)) {
                ledger_add_answer(body, c.kind, request.ticket);
            } else if (request.ticket != 0) {
                strbuf_json_int(body, "ticket", request.ticket);
            }
            strbuf_add_char(body, '}');
            status = 200;
        }
    }
    ledger_json_fini(&c);
    json_decref(root);
    return status;
}

static void
add_read_answer(struct strbuf *body,
                const struct read_request *q,
                const struct read_answer *a)
{
    bool bits = q->table == REG_COIL || q->table == REG_DISCRETE;
    strbuf_add(body, bits ? "{\"bits\":[" : "{\"words\":[");
    for (unsigned i = 0; i < q->count; i++) {
        strbuf_printf(body, "%s%u", i > 0 ? "," : "",
                      bits ? (unsigned)a->bits[i] : (unsigned)a->words[i]);
    }
    strbuf_add(body, "]}");
}

static int
parse_read(struct live *l,
           json_t *root,
           uint32_t *bus,
           struct read_request *q,
           struct err *err)
{
    const char *bus_id = NULL;
    const char *table = NULL;
    int64_t unit = 1;
    int64_t address = 0;
    int64_t count = 1;
    if (!json_member_text(root, "bus", ID_BYTES_MAX, &bus_id, err) ||
        !json_member_text(root, "table", ID_BYTES_MAX, &table, err) ||
        !json_member_int(root, "unit", 0, 255, &unit, err) ||
        !json_member_int(root, "address", 0, 65535, &address, err) ||
        !json_member_int(root, "count", 1, 2000, &count, err)) {
        return err->code;
    }
    *bus = bus_id != NULL ? site_bus(l->site, bus_id) : NONE_INDEX;
    if (*bus == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no bus \"%s\"",
                       bus_id != NULL ? bus_id : "");
    }
    if (table == NULL || !reg_table_parse(&q->table, table)) {
        return err_set(err, ERR_RANGE,
                       "\"table\" must be holding, input, coil or discrete");
    }
    q->unit = (uint8_t)unit;
    q->address = (uint16_t)address;
    q->count = (uint16_t)count;
    return 0;
}

static unsigned
post_read(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    json_error_t where;
    json_t *root = json_loads(r->body, JSON_REJECT_DUPLICATES, &where);
    struct read_answer *a = calloc(1, sizeof *a);
    struct read_request q = {0};
    uint32_t bus = NONE_INDEX;
    int code = 0;
    /* The site and its collectors must not be exchanged meanwhile. */
    pthread_rwlock_rdlock(&l->site_lock);
    if (a == NULL) {
        code = err_set(&err, ERR_NOMEM, "read");
    } else if (!json_is_object(root)) {
        code =
            err_set(&err, ERR_RANGE, "the body must be a JSON object: %s", where.text);
    } else if (l->collectors == NULL) {
        code = err_set(&err, ERR_IO, "the daemon is stopping");
    } else {
        code = parse_read(l, root, &bus, &q, &err);
    }
    if (code == 0) {
        code = collectors_read(l->collectors, bus, &q, a, &err);
    }
    pthread_rwlock_unlock(&l->site_lock);
    if (code == 0) {
        add_read_answer(body, &q, a);
    }
    json_decref(root);
    free(a);
    return code == 0 ? 200 : api_problem(body, &err);
}

static unsigned
get_wire(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct err err;
    int code = api_wire(l, r->query(r, "bus"), r->query(r, "cursor"), body, &err);
    return code == 0 ? 200 : api_problem(body, &err);
}

static unsigned
get_status(struct live *l, const struct web_request *r, struct strbuf *body)
{
    (void)r;
    struct request request = {.kind = REQUEST_STATUS};
    return api_ask_loop(l, &request, body);
}

static unsigned
get_devices(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct device_filter filter = {
        .device = r->query(r, "device"),
        .type = r->query(r, "type"),
        .state = r->query(r, "state"),
    };
    struct err err;
    if (device_filter_check(&filter, &err) != 0) {
        return api_problem(body, &err);
    }
    struct request request = {.kind = REQUEST_DEVICES,
                              .filter = &filter,
                              .parts = {.points = api_asked_for(r, "points"),
                                        .causes = api_asked_for(r, "causes")}};
    return api_ask_loop(l, &request, body);
}

static unsigned
get_ledger(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct ledger_filter filter = {
        .device = r->query(r, "device"),
        .type = r->query(r, "type"),
        .area = r->query(r, "area"),
        .keeper = r->query(r, "keeper"),
    };
    struct err err;
    pthread_rwlock_rdlock(&l->site_lock);
    int code = listing_ledger(l->site, l->reader, &filter, clock_real_ms(), body, &err);
    pthread_rwlock_unlock(&l->site_lock);
    return code == 0 ? 200 : api_problem(body, &err);
}

/* The loop says how the device is now; what it was is in the store.  The loop is asked
 * first: it might wait for the lock, to take another site. */
static unsigned
get_life(struct live *l, const struct web_request *r, struct strbuf *body)
{
    const char *id = r->path + strlen(DEVICE_PATH);
    struct err err;
    struct life_options options = {.now_ms = clock_real_ms()};
    if (life_limit_parse(&options.limit, r->query(r, "limit"), &err) != 0) {
        return api_problem(body, &err);
    }
    struct strbuf now = {0};
    struct device_filter filter = {.device = id};
    struct request request = {.kind = REQUEST_DEVICES,
                              .filter = &filter,
                              .parts = {.points = true, .causes = true}};
    unsigned status = api_ask_loop(l, &request, &now);
    if (status != 200) {
        strbuf_add(body, strbuf_text(&now));
    } else {
        options.now = strbuf_text(&now);
        pthread_rwlock_rdlock(&l->site_lock);
        int code = device_life_json(l->site, l->reader, id, &options, body, &err);
        pthread_rwlock_unlock(&l->site_lock);
        status = code == 0 ? 200 : api_problem(body, &err);
    }
    strbuf_fini(&now);
    return status;
}

static unsigned
get_explain(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct request request = {.kind = REQUEST_EXPLAIN,
                              .rule = r->query(r, "rule"),
                              .device = r->query(r, "device")};
    return api_ask_loop(l, &request, body);
}

static unsigned
get_ticket(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct err err;
    int code = api_ticket(l, r, r->path + strlen(TICKET_PATH), body, &err);
    return code == 0 ? 200 : api_problem(body, &err);
}

/* The more special one of two first. */
static const struct route {
    const char *method;
    const char *path;
    api_handler *handle;
} routes[] = {
    {"GET", "/api/v1/status", get_status},
    {"GET", "/api/v1/devices", get_devices},
    {"GET", "/api/v1/devices/*/series", api_series},
    {"GET", "/api/v1/devices/*/marks", api_marks},
    {"GET", DEVICE_PATH, get_life},
    {"GET", "/api/v1/alarms", get_alarms},
    {"GET", "/api/v1/events", api_events},
    {"GET", "/api/v1/site", api_site},
    {"GET", "/api/v1/duty", api_duty},
    {"GET", "/api/v1/procedures", api_procedures},
    {"GET", "/api/v1/explain", get_explain},
    {"GET", "/api/v1/service", get_service},
    {"GET", "/api/v1/tickets", get_tickets},
    {"GET", TICKET_PATH, get_ticket},
    {"GET", "/api/v1/plan", get_plan},
    {"GET", "/api/v1/ledger", get_ledger},
    {"GET", "/api/v1/report", api_report},
    {"GET", "/api/v1/report.html", api_report_page},
    {"GET", "/api/v1/report/alarms", api_report_alarms},
    {"GET", "/api/v1/rules", api_rules},
    {"GET", "/api/v1/rules/*", api_rule},
    {"POST", "/api/v1/what-if", api_what_if},
    {"GET", "/api/v1/profiles", api_profiles},
    {"GET", "/api/v1/profiles/*", api_profiles},
    {"GET", "/api/v1/samples", api_samples},
    {"GET", "/api/v1/wire", get_wire},
    {"POST", "/api/v1/commands", post_command},
    {"POST", "/api/v1/read", post_read},
};

/* `*` in a route stands for one part of the path; a route that ends in '/' has
 * something behind it, which is looked at there. */
static bool
is_route(const char *route, const char *path)
{
    for (; *route != '\0'; route++) {
        if (*route == '*') {
            size_t size = strcspn(path, "/");
            if (size == 0) {
                return false;
            }
            path += size;
        } else if (*route != *path++) {
            return false;
        }
    }
    return route[-1] == '/' ? *path != '\0' : *path == '\0';
}

unsigned
api_handle(void *ctx, const struct web_request *r, struct strbuf *body)
{
    struct live *l = ctx;
    const struct route *route = NULL;
    for (size_t i = 0; i < ARRAY_LEN(routes) && route == NULL; i++) {
        route = is_route(routes[i].path, r->path) ? &routes[i] : NULL;
    }
    if (route == NULL) {
        return web_problem(body, 404, tr("there is no such path below /api/v1/"));
    }
    return strcmp(r->method, route->method) == 0
               ? route->handle(l, r, body)
               : web_problem(body, 405, tr("this path takes the other method"));
}
