/* GET /api/v1/events ?device= ?rule= ?ticket= ?event= ?after= ?before= ?limit=: the
 * journal, the newest first:
 *   [{"seq":..,"id":..,"event":{as on MQTT}}]
 * `event` is a name, or the part of one before its dot.  Those of users and tokens are
 * an administrator's. */
#include <string.h>

#include "daemon/pipeline/api/api.h"
#include "daemon/store/state_events.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000

struct events {
    struct state *reader;
    struct event_query query;
    char device[ID_BYTES_MAX], rule[ID_BYTES_MAX], event[ID_BYTES_MAX];
    struct strbuf *out;
    int64_t given, last; /* How many, and the number of the last. */
};

static bool
add_event(void *ctx, const struct event_row *row)
{
    struct events *e = ctx;
    strbuf_add(e->out, e->given == 0 ? "{" : ",{");
    strbuf_json_int(e->out, "seq", row->seq);
    strbuf_json_key(e->out, "id");
    strbuf_printf(e->out, "\"%s-%lld\"", state_gateway_id(e->reader),
                  (long long)row->seq);
    strbuf_json_key(e->out, "event");
    strbuf_add(e->out, row->json);
    strbuf_add_char(e->out, '}');
    e->last = row->seq;
    e->given++;
    return true;
}

static int
keep_text(char *out, const struct web_request *r, const char *key, struct err *err)
{
    const char *text = r->query(r, key);
    if (text != NULL && strlen(text) >= ID_BYTES_MAX) {
        return err_set(err, ERR_USAGE, "\"%s\" is too long", key);
    }
    snprintf(out, ID_BYTES_MAX, "%s", text != NULL ? text : "");
    return 0;
}

/* A kind of event, or a family of them. */
static int
check_event(const char *name, struct err *err)
{
    size_t size = strlen(name);
    for (int k = 0; k < EVENT_KIND_COUNT && size > 0; k++) {
        const char *known = event_kind_name((enum event_kind)k);
        if (strcmp(known, name) == 0 ||
            (strncmp(known, name, size) == 0 && known[size] == '.')) {
            return 0;
        }
    }
    return size == 0 ? 0
                     : err_set(err, ERR_USAGE,
                               "\"%s\" is no event; alarm, ticket, device, plan, "
                               "ledger or clock, or one of them such as alarm.raised",
                               name);
}

static int
read_query(struct events *e, const struct web_request *r, struct err *err)
{
    struct event_query *q = &e->query;
    *q = (struct event_query){
        .device = e->device, .rule = e->rule, .event = e->event, .before = INT64_MAX};
    q->limit = LIMIT_DEFAULT;
    int code = keep_text(e->device, r, "device", err);
    code = code == 0 ? keep_text(e->rule, r, "rule", err) : code;
    code = code == 0 ? keep_text(e->event, r, "event", err) : code;
    code = code == 0 ? check_event(e->event, err) : code;
    code = code == 0 ? api_number(&q->ticket, r, "ticket", 1, INT64_MAX, err) : code;
    code = code == 0 ? api_number(&q->after, r, "after", 0, INT64_MAX, err) : code;
    code = code == 0 ? api_number(&q->before, r, "before", 0, INT64_MAX, err) : code;
    return code == 0 ? api_number(&q->limit, r, "limit", 1, LIMIT_MAX, err) : code;
}

unsigned
api_events(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    struct events e = {.reader = a->reader, .out = body};
    int code = read_query(&e, r, &err);
    e.query.no_people = a->caller.role < ROLE_ADMINISTRATOR;
    strbuf_add_char(body, '[');
    code =
        code == 0 ? state_events_back(e.reader, &e.query, add_event, &e, &err) : code;
    strbuf_add_char(body, ']');
    if (code != 0) {
        return api_problem(body, &err);
    }
    if (e.given == e.query.limit) {
        api_link_before(r, e.last);
    }
    return 200;
}
