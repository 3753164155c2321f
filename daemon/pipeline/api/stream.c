/* Live events: GET /api/v1/stream ?after=SEQ, server-sent events.
 *
 *   event: hello     data: {"seq":41,"now":ms,"resumed":true,"version":".."}
 *   id: 42           data: {"seq":42,"event":{..},"alarm":{..}|null,"ticket":{..}|null}
 *   event: ping      data: {"now":ms}      each 15 s: it lives
 *   event: reset     data: {}     what was missed is too much: read the listings anew
 *
 * The journal is where they come from, so a stream that was broken goes on where it
 * was: by Last-Event-ID, or ?after=.  Rows are as they are when the message is made,
 * which is at the event or after it.  Events of people (user.*, token.*) are not told.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/model/event.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/listings/listings.h"

#define EVENTS_PER_TURN 256
#define HELLO           "retry: 1000\nevent: hello\ndata: {"
#define MESSAGE_BEGIN   "id: %lld\ndata: {"
/* What a stream is told of what it missed; more is a reset. */
#define BACKLOG_EVENTS 2000

struct telling {
    struct api *a;
    struct site *site; /* Shared. */
    struct web *web;   /* NULL: into `out`. */
    struct strbuf *out;
    struct strbuf message;
    int64_t seq;   /* Of the last. */
    int64_t until; /* No further than this; 0: all. */
    size_t count;
    struct err err;
};

static bool
add_alarm(void *ctx, const struct alarm *a)
{
    struct telling *t = ctx;
    struct err err; /* Of its ticket's row: the alarm's own is there. */
    if (a->state != ALARM_NORMAL) {
        (void)listing_alarm(&t->message, t->site, t->a->reader, a, t->site->language,
                            &err);
    }
    return true;
}

static bool
add_ticket(void *ctx, const struct ticket *t)
{
    ticket_to_listing(ctx, t);
    titles_join_json(ctx, &t->titles);
    return true;
}

/* Appends the key, and the row or null. */
static void
add_alarm_row(struct telling *t, const struct event_row *e)
{
    struct strbuf *m = &t->message;
    strbuf_json_key(m, "alarm");
    size_t before = m->size;
    if (e->rule != NULL && e->device != NULL) {
        (void)state_one_alarm(t->a->reader, e->device, e->rule, add_alarm, t, &t->err);
    }
    strbuf_add(m, m->size == before ? "null" : "");
}

static void
add_ticket_row(struct telling *t, const struct event_row *e)
{
    struct strbuf *m = &t->message;
    strbuf_json_key(m, "ticket");
    size_t before = m->size;
    if (e->ticket != 0) {
        (void)state_one_ticket(t->a->reader, e->ticket, add_ticket, m, &t->err);
    }
    strbuf_add(m, m->size == before ? "null" : "");
}

bool
api_is_of_people(const char *event)
{
    return strncmp(event, "user.", 5) == 0 || strncmp(event, "token.", 6) == 0;
}

static bool
tell_event(void *ctx, const struct event_row *e)
{
    struct telling *t = ctx;
    if (t->until != 0 && e->seq > t->until) {
        return false;
    }
    t->seq = e->seq;
    t->count++;
    if (api_is_of_people(e->name)) {
        return true;
    }
    struct strbuf *m = &t->message;
    strbuf_clear(m);
    /* not translated: what a program reads */
    strbuf_printf(m, MESSAGE_BEGIN, (long long)e->seq);
    strbuf_json_int(m, "seq", e->seq);
    strbuf_printf(m, ",\"event\":%s", e->json);
    add_alarm_row(t, e);
    add_ticket_row(t, e);
    strbuf_add(m, "}\n\n");
    if (t->web != NULL) {
        web_publish(t->web, e->seq, m->text, m->size);
    } else {
        strbuf_add_bytes(t->out, m->text, m->size);
    }
    return true;
}

int64_t
api_news(void *worker, struct web *w, int64_t after)
{
    struct api *a = worker;
    struct telling t = {.a = a, .site = api_share_site(a), .web = w, .seq = after};
    int code = 0;
    if (after < 0) {
        t.seq = 0;
        code = state_last_event(a->reader, &t.seq, &t.err);
    } else {
        do {
            t.count = 0;
            code = state_each_event(a->reader, t.seq, EVENTS_PER_TURN, tell_event, &t,
                                    &t.err);
        } while (code == 0 && t.count == EVENTS_PER_TURN);
    }
    if (code != 0) {
        log_warning("event stream: %s; tried again with the next event", t.err.text);
    }
    strbuf_fini(&t.message);
    site_free(t.site);
    return t.seq;
}

/* Where the client was; -1: it begins. */
static int
read_after(const struct web_request *r, int64_t *after, struct err *err)
{
    const char *text = r->header(r, "Last-Event-ID");
    char *end = NULL;
    *after = -1;
    if (text == NULL) {
        text = r->query(r, "after");
    }
    if (text == NULL) {
        return 0;
    }
    *after = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0') {
        return err_set(err, ERR_RANGE,
                       "Last-Event-ID, or \"after\", must be the id of an event");
    }
    return 0;
}

unsigned
api_get_stream(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct telling t = {.a = a, .out = body};
    struct web_answer *answer = r->answer;
    int64_t after = -1;
    int64_t last = 0;
    int code = read_after(r, &after, &t.err);
    code = code == 0 ? state_last_event(a->reader, &last, &t.err) : code;
    if (code != 0) {
        return api_problem(body, &t.err);
    }
    /* An id that is not ours yet is of another database. */
    bool resumed = after >= 0 && after <= last && last - after <= BACKLOG_EVENTS;
    t.seq = resumed ? after : last;
    /* not translated: what a program reads */
    strbuf_add(body, HELLO);
    strbuf_json_int(body, "seq", t.seq);
    strbuf_json_int(body, "now", clock_real_ms());
    strbuf_json_bool(body, "resumed", resumed);
    strbuf_json_str(body, "version", CARETAKER_VERSION);
    strbuf_add(body, "}\n\n");
    int64_t since = web_news_since(a->live->web);
    if (t.seq < since) { /* The ring does not go back so far. */
        t.until = since;
        t.site = api_share_site(a);
        code =
            state_each_event(a->reader, t.seq, BACKLOG_EVENTS, tell_event, &t, &t.err);
        t.seq = t.seq < since ? since : t.seq;
        site_free(t.site);
    }
    strbuf_fini(&t.message);
    if (code != 0) {
        return api_problem(body, &t.err);
    }
    answer->type = "text/event-stream";
    answer->stream = true;
    answer->stream_after = t.seq;
    api_stream_key(answer->stream_key, r);
    return 200;
}
