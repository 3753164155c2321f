/* GET /api/v1/events ?device= ?rule= ?ticket= ?event= ?after= ?before= ?limit=: the
 * journal, the newest first:
 *   [{"seq":..,"id":..,"event":{as on MQTT}}]
 * `event` is a name, or the part of one before its dot.  Sent in pieces. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/store/state_events.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define PIECE_EVENTS  128

/* A listing on its way. */
struct events {
    struct state *reader;
    struct event_query query;
    char device[ID_BYTES_MAX], rule[ID_BYTES_MAX], event[ID_BYTES_MAX];
    int64_t left;
    bool first;
    bool people; /* Those of users and tokens too. */
    struct strbuf *out;
    int64_t given; /* Of this piece. */
};

static bool
add_event(void *ctx, const struct event_row *row)
{
    struct events *e = ctx;
    e->query.before = row->seq;
    e->given++;
    if (!e->people && api_is_of_people(row->name)) {
        return true;
    }
    strbuf_add(e->out, e->first ? "{" : ",{");
    strbuf_json_int(e->out, "seq", row->seq);
    strbuf_json_key(e->out, "id");
    strbuf_printf(e->out, "\"%s-%lld\"", state_gateway_id(e->reader),
                  (long long)row->seq);
    strbuf_json_key(e->out, "event");
    strbuf_add(e->out, row->json);
    strbuf_add_char(e->out, '}');
    e->first = false;
    return true;
}

static int
next_events(void *ctx, void *worker, struct strbuf *piece, bool *more)
{
    struct events *e = ctx;
    struct api *a = worker;
    struct err err = {0};
    e->reader = a->reader;
    int64_t wanted = e->left < PIECE_EVENTS ? e->left : PIECE_EVENTS;
    e->query.limit = wanted;
    e->out = piece;
    e->given = 0;
    int code = state_events_back(e->reader, &e->query, add_event, e, &err);
    e->left -= e->given;
    *more = code == 0 && e->given == wanted && e->left > 0;
    if (code == 0 && !*more) {
        strbuf_add_char(piece, ']');
    } else if (code != 0) {
        log_warning("a listing of events ends early: %s", err.text);
    }
    return code;
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
    e->left = LIMIT_DEFAULT;
    int code = keep_text(e->device, r, "device", err);
    code = code == 0 ? keep_text(e->rule, r, "rule", err) : code;
    code = code == 0 ? keep_text(e->event, r, "event", err) : code;
    code = code == 0 ? check_event(e->event, err) : code;
    code = code == 0 ? api_number(&q->ticket, r, "ticket", 1, INT64_MAX, err) : code;
    code = code == 0 ? api_number(&q->after, r, "after", 0, INT64_MAX, err) : code;
    code = code == 0 ? api_number(&q->before, r, "before", 0, INT64_MAX, err) : code;
    return code == 0 ? api_number(&e->left, r, "limit", 1, LIMIT_MAX, err) : code;
}

unsigned
api_events(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    bool more = false;
    struct events *e = calloc(1, sizeof *e);
    if (e == NULL) {
        err_set(&err, ERR_NOMEM, "events");
        return api_problem(body, &err);
    }
    e->people = a->caller.role >= ROLE_ADMINISTRATOR;
    e->first = true;
    int code = read_query(e, r, &err);
    if (code == 0) {
        strbuf_add_char(body, '[');
        code = next_events(e, a, body, &more) != 0
                   ? err_set(&err, ERR_IO, "the journal cannot be read")
                   : 0;
    }
    if (code != 0 || !more) {
        free(e);
        return code == 0 ? 200 : api_problem(body, &err);
    }
    r->answer->pieces = (struct web_pieces){next_events, free, e};
    return 200;
}
